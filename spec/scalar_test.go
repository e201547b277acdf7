package spec

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/spec/diag"
	"gopkg.in/yaml.v3"
)

// scalarOf parses source and returns the value of its key a.
func scalarOf(t *testing.T, source string) Scalar {
	t.Helper()
	f := newFile("w.yaml", []byte(source))
	src := NewSource(&f)
	root, list := src.Parse()
	if len(list) > 0 {
		t.Fatalf("%q: %v", source, list)
	}
	return src.Scalar(child(root, "a"))
}

func TestScalarSpan(t *testing.T) {
	for _, c := range []struct{ name, source, find, want string }{
		{"plain", "a: R + vol * 2 # c\n", "vol", "vol"},
		{"plain over lines", "a: one\n   two\n\n   three\nb: 1\n", "three", "three"},
		{"plain folded blank", "a: one\n   two\n", "e t", "e\n   t"},
		{"plain break", "a: one\n\n   two\n", "\n", "\n"},
		{"plain CRLF", "a: one\r\n   two\r\n", "two", "two"},
		{"plain CR", "a: one\r   two\r", "two", "two"},
		{"flow", "{b: 1, a: x + y}\n", "y", "y"},
		{"single", "a: 'it''s vol'\n", "vol", "vol"},
		{"single quote", "a: 'it''s'\n", "'", "''"},
		{"double", `a: "\u00b5L \"vol\""` + "\n", "vol", "vol"},
		{"double escape", `a: "5 \u00b5L"` + "\n", "µ", `\u00b5`},
		{"double long escape", `a: "\U0001F9EA x"` + "\n", "🧪", `\U0001F9EA`},
		{"double tab", `a: "x\ty"` + "\n", "y", "y"},
		{"double over lines", "a: \"one\n\n  two\\\n   three\"\n", "three", "three"},
		{"literal", "a: |\n  one\n    two\n", "two", "two"},
		{"literal indicators", "a: |2-\n    one\n  two\n\n", "two", "two"},
		{"literal keeps", "a: |+\n  one\n\n\nb: 1\n", "\n\n\n", "\n\n\n"},
		{"literal comment", "a: | # why\n  one\n", "one", "one"},
		{"folded", "a: >\n  one\n  two\n\n  three\n   four\n  five\n", "five", "five"},
		{"folded join", "a: >-\n  one\n  two\n", "e t", "e\n  t"},
		{"tagged", "a: !!str 12\n", "2", "2"},
		{"no ASCII before", "{b: 'µµ', a: x µ y}\n", "y", "y"},
		{"byte order mark", "\ufeffa: x + y\n", "y", "y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scalarOf(t, c.source)
			i := strings.Index(s.Text, c.find)
			span := s.Span(i, i+len(c.find))
			if got := c.source[span.Start.Offset:span.End.Offset]; got != c.want {
				t.Errorf("in %q found %q, want %q", c.source, got, c.want)
			}
			if want := slowPos(c.source, span.Start.Offset); span.Start != want {
				t.Errorf("starts at %v, want %v", span.Start, want)
			}
		})
	}
}

// slowPos finds line and column the obvious way.
func slowPos(source string, offset int) diag.Pos {
	before := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(source[:offset], utf8BOM))
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return diag.Pos{Line: 1 + strings.Count(before, "\n"), Column: 1 + utf8.RuneCountInString(line), Offset: offset}
}

func TestScalarSlice(t *testing.T) {
	source := "a: bottom + 1 mm\n"
	s := scalarOf(t, source)
	part := s.Slice(9, 99)
	if part.Text != "1 mm" || part.Whole().Start.Column != 13 || part.Whole().End.Column != 17 {
		t.Errorf("%q at %v", part.Text, part.Whole())
	}
	unit := part.Slice(2, 4)
	if span := unit.Span(0, 2); source[span.Start.Offset:span.End.Offset] != "mm" {
		t.Errorf("%v", span)
	}
	if end := s.Span(16, 16); end.Start.Column != 17 || end.Start != end.End {
		t.Errorf("end at %v", end)
	}
	if whole := scalarOf(t, "a: 'x'\n").Whole(); whole.Start.Column != 4 || whole.End.Column != 7 {
		t.Errorf("quotes belong to the whole: %v", whole)
	}
}

func TestScalarFromElsewhere(t *testing.T) {
	if s := LiteralText("50 uL").Slice(1, 3); !s.Whole().IsZero() || !s.Span(0, 1).IsZero() || s.Text != "0 " {
		t.Errorf("%+v", s)
	}
	at := diag.Span{File: "w.yaml", Start: diag.Pos{Line: 2, Column: 5, Offset: 20}, End: diag.Pos{Line: 2, Column: 9, Offset: 25}}
	s := TextFrom(at, "µ + x")
	got := s.Slice(3, 6).Span(2, 3)
	want := diag.Span{File: "w.yaml", Start: diag.Pos{Line: 2, Column: 9, Offset: 25}, End: diag.Pos{Line: 2, Column: 10, Offset: 26}}
	if s.Text[5:6] != "x" || got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if s.Whole() != at {
		t.Errorf("%v", s.Whole())
	}
}

func TestNodeSpan(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"plain", "a: x y # c\n", "x y"},
		{"single", "a: 'x'  \n", "'x'"},
		{"literal", "a: |\n  x\n  y\n\nb: 1\n", "|\n  x\n  y"},
		{"empty literal", "a: |\nb: 1\n", "|"},
		{"empty", "a: #c\nb: 1\n", ""},
		{"flow list", "a: [1, [2, 3 ] , ] # c\n", "[1, [2, 3 ] , ]"},
		{"flow map", "a: {b: 1, c: }\n", "{b: 1, c: }"},
		{"flow over lines", "a: [1, # one ]\n  2\n  ]\n", "[1, # one ]\n  2\n  ]"},
		{"block map", "a:\n  b: 1\n  c:\n    d: 'e'\nf: 1\n", "b: 1\n  c:\n    d: 'e'"},
		{"block list", "a:\n- b\n- c\nf: 1\n", "- b\n- c"},
		{"empty flow", "a: []\n", "[]"},
		{"tagged", "a: !!str x\n", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFile("w.yaml", []byte(c.source))
			root, list := Parse(&f)
			if len(list) > 0 {
				t.Fatal(list)
			}
			span := NewSource(&f).NodeSpan(child(root, "a"))
			if got := c.source[span.Start.Offset:span.End.Offset]; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// emit writes text as a scalar in one of many ways, as yaml.v3 does.
func emit(text string, choice byte) []byte {
	styles := []yaml.Style{0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle}
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: styles[int(choice)%len(styles)]}
	n := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "k"}, value}}
	for choice /= byte(len(styles)); choice > 0; choice /= 3 {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n, {Kind: yaml.ScalarNode, Value: "z"}}}
		if choice%3 == 1 {
			n = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "µ"}, n}}
		}
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2 + int(choice)%3)
	if enc.Encode(n) != nil {
		return nil
	}
	return b.Bytes()
}

// checkPlaces proves of every scalar in the file that each character of its
// value is mapped to source that denotes it. It returns how many scalars there
// are and how many could be followed.
func checkPlaces(t *testing.T, data []byte) (scalars, followed int) {
	f := newFile("w.yaml", data)
	src := NewSource(&f)
	doc, err := decodeDocument(yaml.NewDecoder(bytes.NewReader(data)))
	if err != nil {
		return 0, 0
	}
	last := 0
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			scalars++
			if tr, ok := src.trace(n); ok {
				followed++
				checkTrail(t, n, tr, data)
			}
			span := src.NodeSpan(n)
			if span.Start.Offset < last && n.Value != "" || span.End.Offset < span.Start.Offset {
				t.Errorf("%q: scalar %q at %v overlaps what ends at %d", data, n.Value, span, last)
			}
			last = max(last, span.End.Offset)
		}
		for _, c := range n.Content {
			visit(c)
		}
	}
	visit(doc)
	return scalars, followed
}

func checkTrail(t *testing.T, n *yaml.Node, tr *trail, data []byte) {
	before := 0
	for i, r := range n.Value {
		start, end := tr.at(i, i+utf8.RuneLen(r))
		if start < before || end <= start || end > tr.close && strings.TrimRight(n.Value[i:], "\n\u2028\u2029") != "" {
			t.Fatalf("%q: character %d of %q at [%d,%d) after %d", data, i, n.Value, start, end, before)
		}
		before = start
		if got := string(data[start:end]); !denotes(got, r, n.Style) {
			t.Fatalf("%q: character %q of %q is mapped to %q", data, r, n.Value, got)
		}
	}
}

// denotes reports whether the source text stands for r in a scalar.
func denotes(source string, r rune, style yaml.Style) bool {
	switch {
	case source == string(r):
		return true
	case style&yaml.DoubleQuotedStyle != 0 && source[0] == '\\':
		return unescaped(source, r)
	case style&yaml.SingleQuotedStyle != 0 && r == '\'':
		return source == "''"
	case r == ' ' || r == '\n':
		return strings.Trim(source, " \t\r\n\u0085\u2028\u2029") == "" && strings.ContainsAny(source, "\r\n\u0085")
	}
	return false
}

func unescaped(source string, r rune) bool {
	var s string
	return yaml.Unmarshal([]byte(`"`+source+`"`), &s) == nil && s == string(r)
}

func TestEmittedScalarsAreFollowed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const letters = "aaab  12:#'\"\\,[]{}µ🧪\n\n\t-?|>&*!%@`\u0085\u2028é"
	alphabet := []rune(letters)
	all, followed := 0, 0
	for range 4000 {
		text := make([]rune, rng.IntN(30))
		for i := range text {
			text[i] = alphabet[rng.IntN(len(alphabet))]
		}
		a, b := checkPlaces(t, emit(string(text), byte(rng.IntN(256))))
		all, followed = all+a, followed+b
	}
	if float64(followed) < 0.99*float64(all) {
		t.Errorf("only %d of %d scalars were followed", followed, all)
	}
	t.Logf("%d of %d", followed, all)
}

func FuzzScalarPositions(f *testing.F) {
	for i, s := range []string{"vol * 2", "it's", "a\nb\n\nc", " x\n  y", "\t", "µL \u2028 x", "a: b #c", "\n\nx\n\n"} {
		f.Add(s, byte(i*7), []byte("a: "+s+"\nb: |2+\n    x\n   y\r\nc: \"\\\n  z \\x41\"\n"))
	}
	f.Add("x", byte(0), []byte("{a: 'b\r\r  c', ? d : >1-\n"))
	f.Fuzz(func(t *testing.T, text string, choice byte, raw []byte) {
		if utf8.ValidString(text) {
			checkPlaces(t, emit(text, choice))
		}
		if at, _ := badCharacter(raw); at < 0 {
			checkPlaces(t, raw)
		}
	})
}
