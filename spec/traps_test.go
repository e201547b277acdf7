package spec

import (
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// nodeOf parses source and returns the value of its key a.
func nodeOf(t *testing.T, source string) (*Source, *yaml.Node) {
	t.Helper()
	f := newFile("w.yaml", []byte(source))
	src := NewSource(&f)
	root, list := src.Parse()
	n := child(root, "a")
	if n == nil {
		t.Fatalf("%q: %v", source, list)
	}
	return src, n
}

func TestTrap(t *testing.T) {
	for _, c := range []struct{ source, what, help string }{
		{"a: #c8102e\n", "YAML read everything after # as a comment, so nothing is left", "put quotes around it: '#c8102e'"},
		{"a:   #c8102e  # red\n", "YAML read everything after # as a comment, so nothing is left", "put quotes around it: '#c8102e'"},
		{"{a: #fff}\n}\n", "YAML read everything after # as a comment, so nothing is left", "put quotes around it: '#fff'"},
		{"a: # a real comment\n", "", ""},
		{"a:\n", "", ""},
		{"a: ~\n", "YAML reads ~ as nothing", "leave the key out, or write '~' if it is meant as text"},
		{"a: true\n", "YAML reads true as true or false", "write 'true' if it is meant as text"},
		{"a: yes\n", "yes is true or false to some YAML programs and text to others", "write true, or 'yes' if it is meant as text"},
		{"a: Off\n", "Off is true or false to some YAML programs and text to others", "write false, or 'Off' if it is meant as text"},
		{"a: 'off'\n", "", ""},
		{"a: 2024-01-01\n", "YAML reads 2024-01-01 as a date", "write '2024-01-01' if it is meant as text"},
		{"a: >3\n", "YAML took the > for the start of a text of several lines, and none follows", "put quotes around it: '>3'"},
		{"a: |\nb: 1\n", "YAML took the | for the start of a text of several lines, and none follows", "put quotes around it: '|'"},
		{"a: >\n  text\n", "", ""},
		{"a: [f(x), g(y)]\n", "", ""},
		{"a: f(x #y)\n", "YAML read everything after # as a comment, so the expression breaks off", "put quotes around all of it: 'f(x #y)'"},
		{"a: {R}\n", "YAML reads {R} as a mapping", "write it without braces: R"},
		{"a:\n  x ? 1 : 2\n", "YAML took the colon of x ? a : b for the colon of a key", "write if x {1} else {2}"},
		{"a:\n  shake it: well\n", "YAML took the colon after shake it for the colon of a key", "put quotes around all of it: 'shake it: well'"},
		{"a: {volume: 3}\n", "", ""},
		{"a: plate.A1\n", "", ""},
	} {
		src, n := nodeOf(t, c.source)
		what, help, ok := src.Trap(n)
		if what != c.what || help != c.help || ok != (c.what != "") {
			t.Errorf("%q:\ngot  %q, %q\nwant %q, %q", c.source, what, help, c.what, c.help)
		}
	}
}

func TestTrapSaysNothingTwice(t *testing.T) {
	f := newFile("w.yaml", []byte("a: !done\n"))
	src := NewSource(&f)
	root, list := src.Parse()
	if _, _, ok := src.Trap(child(root, "a")); ok || len(list) != 1 {
		t.Error("the tag is explained by Parse already")
	}
}

func TestSplitAtTheComma(t *testing.T) {
	for _, c := range []struct{ text, whole, left string }{
		{"a: [f(x, y), z]\n", "f(x, y)", "z"},
		{"a: [all(ws, .volume > f(x, y)), z]\n", "all(ws, .volume > f(x, y))", "z"},
		{"a: {volume: min(x, y), from: b}\n", "min(x, y)", "from"},
		{"a: {volume: max([x, y], 2), from: b}\n", "", ""},
		{"a: {volume: f(x, {b: 1}), from: b}\n", "", ""},
		{"a: {volume: 'f(x, y)', from: b}\n", "", ""},
		{"a: {volume: f(x, from: b}\n", "", ""},
	} {
		src := NewSource(&File{Name: "t.yaml", Data: []byte(c.text)})
		root, list := src.Parse()
		split := slices.IndexFunc(list, func(d diag.Diagnostic) bool { return d.Code == diag.SplitValue })
		if (split >= 0) != (c.whole != "") {
			t.Errorf("%q: %v", c.text, list)
			continue
		}
		if split < 0 {
			continue
		}
		if at := list[split].Span; c.text[at.Start.Offset:at.End.Offset] != c.whole || len(list) != 1 {
			t.Errorf("%q: marks %q, %d findings", c.text, c.text[at.Start.Offset:at.End.Offset], len(list))
		}
		if n := root.Content[1].Content; !slices.ContainsFunc(n, func(n *yaml.Node) bool { return n.Value == c.left }) || slices.ContainsFunc(n, func(n *yaml.Node) bool { return strings.Contains(n.Value, ")") }) {
			t.Errorf("%q: the parts are still there, or too much is gone", c.text)
		}
	}
}

func TestNumberTrap(t *testing.T) {
	for _, c := range []struct{ value, what, help string }{
		{"012", "012 starts with a 0, so YAML may read it as the octal number 10", "write 12"},
		{"-012", "-012 starts with a 0, so YAML may read it as the octal number -10", "write -12"},
		{"09", "09 starts with a 0", "write 9"},
		{"000", "000 starts with a 0, so YAML may read it as the octal number 0", "write 0"},
		{"0o12", "0o12 is 10 in a notation of programmers", "write 10"},
		{"0x1F", "0x1F is 31 in a notation of programmers", "write 31"},
		{"0b101", "0b101 is 5 in a notation of programmers", "write 5"},
		{"1_000", "1_000 is written with _ between its digits", "write 1000"},
		{"1,5", "1,5 is written with a comma", "write a decimal point: 1.5"},
		{".nan", ".nan is YAML for not a number", "write a number"},
		{"-.INF", "-.INF is YAML for infinity", "write a number, or leave the key out where there is no bound"},
		{"1e400", "1e400 is larger than any number ot2flow can hold", "check the exponent"},
		{"0", "", ""},
		{"12", "", ""},
		{"-1.5", "", ""},
		{"1e3", "", ""},
		{"1.", "", ""},
		{"0.5", "", ""},
		{"50 uL", "", ""},
		{"'012'", "", ""},
		{"x", "", ""},
		{"1-2", "", ""},
		{".5", "", ""},
		{"0xyz", "", ""},
		{"1:30", "", ""},
	} {
		src, n := nodeOf(t, "a: "+c.value+"\n")
		what, help, ok := src.NumberTrap(n)
		if what != c.what || help != c.help || ok != (c.what != "") {
			t.Errorf("%s:\ngot  %q, %q\nwant %q, %q", c.value, what, help, c.what, c.help)
		}
	}
}
