package eval

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTaught(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`!ok`, `not ok`},
		{`!!ok`, `not not ok`},
		{`(!ok)`, `(not ok)`},
		{`[!ok,!ok]`, `[not ok,not ok]`},
		{`a!=b`, `a!=b`},
		{`a&&b||!c`, `a and b or not c`},
		{`a && b || c`, `a and b or c`},
		{`ok ? 1 : 2`, `if ok {1} else {2}`},
		{`a ? 1 : b ? 2 : 3`, `if a {1} else if b {2} else {3}`},
		{`a ? b ? 1 : 2 : 3`, `if a {if b {1} else {2}} else {3}`},
		{`a ? 1 : if b {2} else {3}`, `if a {1} else if b {2} else {3}`},
		{`a ? 1 : (b ? 2 : 3)`, `if a {1} else {(if b {2} else {3})}`},
		{`!a && (b ? c : d)`, `not a and (if b {c} else {d})`},
		{`max(a ? 1 uL : 2 uL, 3 uL)`, `max(if a {1 uL} else {2 uL}, 3 uL)`},
		{`map(ws, #.volume > 1 ? # : nil)`, `map(ws, if #.volume > 1 {#} else {nil})`},
		{`a ? plate.A1:B2 : plate.C1`, `if a {plate.A1:B2} else {plate.C1}`},
		{`xs[a ? 1 : 2]`, `xs[if a {1} else {2}]`},
		{`xs[1:2]`, `xs[1:2]`},
		{`if !a {b && c} else {d ? 1 : 2}`, `if not a {b and c} else {if d {1} else {2}}`},
		{`"a && b ? !c : d"`, `"a && b ? !c : d"`},
		{`${ !ok }`, `not ok`},
		{`  ${R}`, `R`},
		{`${ R } mL`, `${ R } mL`},
		{`a ?: b`, `a ?: b`},
		{`if a ? b : c {1} else {2}`, `if a ? b : c {1} else {2}`},
		{`a &&`, `a &&`},
		{`50 uL`, `50 uL`},
		{``, ``},
		{`{a: !b}`, `{a: not b}`},
	} {
		if got := Taught(c.text); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestTaughtTemplate(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, ``},
		{`a && b`, `a && b`},
		{`it is ${ok ? "on" : "off"}, ${ !ok } $${ !ok } ${ "}" }!`, `it is ${ if ok {"on"} else {"off"} }, ${ not ok } $${ !ok } ${ "}" }!`},
		{`${ a`, `${ a`},
	} {
		if got := TaughtTemplate(c.text); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

// TestTaughtMeansTheSame compares what expressions give.
func TestTaughtMeansTheSame(t *testing.T) {
	same := func(t interface{ Fatalf(string, ...any) }, text string) {
		taught := Taught(text)
		if got, want := show(taught, Type{}), show(text, Type{}); got != want && !strings.HasPrefix(want, "OTF") && !strings.HasPrefix(want, "run: ") {
			t.Fatalf("%s gives %s\n%s gives %s", text, want, taught, got)
		}
		if again := Taught(taught); again != taught {
			t.Fatalf("%s becomes %s, and then %s", text, taught, again)
		}
	}
	for _, c := range okCases {
		same(t, c.text)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := genAny(t, 3)
		same(t, text)
		if taught := Taught(text); strings.ContainsAny(withoutTexts(taught), "?&!") && !strings.Contains(taught, "!=") {
			t.Fatalf("%s becomes %s", text, taught)
		}
	})
}

// withoutTexts drops what stands in quotes.
func withoutTexts(s string) string {
	parts := strings.Split(s, `"`)
	out := ""
	for i := 0; i < len(parts); i += 2 {
		out += parts[i]
	}
	return out
}

func FuzzTaught(f *testing.F) {
	for _, c := range append(append([]textCase(nil), okCases...), errCases...) {
		f.Add(c.text)
		f.Add("a ${ " + c.text + " } b")
	}
	f.Fuzz(func(t *testing.T, text string) {
		if once := Taught(text); Taught(once) != once {
			t.Fatalf("%q becomes %q, and then %q", text, once, Taught(once))
		}
		if once := TaughtTemplate(text); TaughtTemplate(once) != once {
			t.Fatalf("%q becomes %q, and then %q", text, once, TaughtTemplate(once))
		}
	})
}
