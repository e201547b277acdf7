package diag

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var overAspirate = &Code{ID: "OTF602", Name: "over-aspirate"}

// find returns the span of the first occurrence of what in source.
func find(source, what string) Span {
	i := strings.Index(source, what)
	return Span{File: "w.yaml", Start: posAt(source, i), End: posAt(source, i+len(what))}
}

// posAt counts lines and characters the slow way.
func posAt(source string, offset int) Pos {
	before := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source[:offset])
	line := before[strings.LastIndex(before, "\n")+1:]
	return Pos{Line: 1 + strings.Count(before, "\n"), Column: 1 + len([]rune(line)), Offset: offset}
}

func render(t *testing.T, source string, o TextOptions, list ...Diagnostic) string {
	t.Helper()
	if source != "" {
		o.Source = func(string) []byte { return []byte(source) }
	}
	var b strings.Builder
	if err := Text(&b, list, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
		t.Errorf("-want +got:\n%s\n%s", diff, got)
	}
}

func TestTextShowsEverything(t *testing.T) {
	source := strings.Repeat("\n", 28) + "  - transfer:\n      from: plate.A1\n      volume: vol * 2\n"
	got := render(t, source, TextOptions{}, Diagnostic{
		Code: overAspirate, Span: find(source, "vol * 2"), Message: "aspirates more than the well holds",
		Label:  "asks for 240 uL; plate.A1 holds 200 uL here",
		Values: []Value{{"vol", "120 uL"}}, Frames: []string{"loop i = 3 of 8, line 27"},
		Notes: []string{"100 uL were taken from plate.A1 at line 22"},
		Help:  "lower the volume to at most 200 uL, or declare more liquid at line 9",
	})
	expect(t, got, `
w.yaml:31:15: error: aspirates more than the well holds [OTF602 over-aspirate]
   |
29 |   - transfer:
30 |       from: plate.A1
31 |       volume: vol * 2
   |               ^^^^^^^ asks for 240 uL; plate.A1 holds 200 uL here
   |
   = with vol = 120 uL
   = in loop i = 3 of 8, line 27
   = note: 100 uL were taken from plate.A1 at line 22
   = help: lower the volume to at most 200 uL, or declare more liquid at line 9
   = explain: ot2flow explain OTF602
`)
}

func TestTextRelated(t *testing.T) {
	source := "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\na: 6\n"
	again := find(source, "a: 6")
	again.End.Column = 2
	first := find(source, "a")
	other := Span{File: "x.json", Start: Pos{3, 4, 30}, End: Pos{3, 5, 31}}
	got := render(t, source, TextOptions{}, Diagnostic{
		Span: again, Message: "twice", Severity: Warning,
		Related: []Related{{first, "here first"}, {other, "and there"}},
	})
	expect(t, got, `
w.yaml:6:1: warning: twice
  |
1 | a: 1
  | - here first
  ...
4 | d: 4
5 | e: 5
6 | a: 6
  | ^
  |
  = note: and there (x.json:3:4)
`)
}

func TestTextRelatedInTheSameLine(t *testing.T) {
	source := "{a: 1, a: 2}\n"
	got := render(t, source, TextOptions{}, Diagnostic{
		Span: find(source, "a: 2"), Message: "twice",
		Related: []Related{{find(source, "a"), "first"}},
	})
	expect(t, got, `
w.yaml:1:8: error: twice
  |
1 | {a: 1, a: 2}
  |        ^^^^
  |  - first
  |
`)
}

func TestTextWithoutPlace(t *testing.T) {
	expect(t, render(t, "", TextOptions{}, Diagnostic{Message: "no robot", Label: "none answered", Help: "name one"}),
		"error: no robot\n  = none answered\n  = help: name one\n")
	expect(t, render(t, "x", TextOptions{}, Diagnostic{Span: Span{File: "w.yaml"}, Message: "empty"}), "w.yaml: error: empty\n")
	expect(t, render(t, "", TextOptions{}, Diagnostic{Span: find("ab", "b"), Message: "gone"}), "w.yaml:1:2: error: gone\n")
	expect(t, render(t, "one line", TextOptions{}, Diagnostic{Span: Span{File: "w.yaml", Start: Pos{9, 1, 99}}, Message: "stale"}), "w.yaml:9:1: error: stale\n")
}

func TestTextAlignsCarets(t *testing.T) {
	for _, c := range []struct{ name, source, what, line, carets string }{
		{"tab", "a:\tbad\n", "bad", "1 | a:  bad", "  |     ^^^"},
		{"wide", "名前: bad\n", "bad", "1 | 名前: bad", "  |       ^^^"},
		{"wide marked", "a: 名前\n", "名前", "1 | a: 名前", "  |    ^^^^"},
		{"emoji", "🧪: bad\n", "bad", "1 | 🧪: bad", "  |     ^^^"},
		{"combining", "e\u0301: bad\n", "bad", "1 | e\u0301: bad", "  |    ^^^"},
		{"micro sign", "1 µL bad\n", "bad", "1 | 1 µL bad", "  |      ^^^"},
		{"end of file", "a: x", "", "1 | a: x", "  |     ^"},
		{"escape sequence", "a\x1b[2J bad\n", "bad", "1 | a\ufffd[2J bad", "  |       ^^^"},
		{"CRLF", "a: 1\r\nb: bad\r\n", "bad", "2 | b: bad", "  |    ^^^"},
		{"CR", "a: 1\rb: bad\r", "bad", "2 | b: bad", "  |    ^^^"},
		{"BOM", "\ufeffa: bad", "ad", "1 | a: bad", "  |     ^^"},
	} {
		t.Run(c.name, func(t *testing.T) {
			span := find(strings.TrimPrefix(c.source, "\ufeff"), c.what)
			if c.what == "" {
				span.Start = posAt(c.source, len(c.source))
				span.End = span.Start
			}
			got := render(t, c.source, TextOptions{}, Diagnostic{Span: span, Message: "m"})
			if !strings.Contains(got, c.line+"\n"+c.carets+"\n") {
				t.Errorf("got\n%s\nwant\n%s\n%s", got, c.line, c.carets)
			}
		})
	}
}

func TestTextOverSeveralLines(t *testing.T) {
	source := "steps:\n  - mix:\n      a: 1\n      b: 2\n      c: 3\n      d: 4\n"
	span := find(source, "mix:\n      a: 1\n")
	expect(t, render(t, source, TextOptions{}, Diagnostic{Span: span, Message: "m", Label: "two lines"}), `
w.yaml:2:5: error: m
  |
1 | steps:
2 |   - mix:
  |     ^^^^
3 |       a: 1
  |       ^^^^ two lines
  |
`)
	span = find(source, "mix:\n      a: 1\n      b: 2\n      c: 3\n      d: 4")
	expect(t, render(t, source, TextOptions{}, Diagnostic{Span: span, Message: "m", Label: "all"}), `
w.yaml:2:5: error: m
  |
1 | steps:
2 |   - mix:
  |     ^^^^
3 |       a: 1
  |       ^^^^
  ...
6 |       d: 4
  |       ^^^^ all
  |
`)
}

func TestTextCutsLongLines(t *testing.T) {
	source := "a: [" + strings.Repeat("12, ", 60) + "bad, " + strings.Repeat("34, ", 60) + "]\n"
	got := render(t, source, TextOptions{Width: 40}, Diagnostic{Span: find(source, "bad"), Message: "m"})
	expect(t, got, `
w.yaml:1:245: error: m
  |
1 | …2, 12, 12, bad, 34, 34, 34, 34, 34…
  |             ^^^
  |
`)
	got = render(t, source, TextOptions{Width: 40}, Diagnostic{Span: find(source, "["), Message: "m"})
	expect(t, got, `
w.yaml:1:4: error: m
  |
1 | a: [12, 12, 12, 12, 12, 12, 12, 12,…
  |    ^
  |
`)
}

func TestTextCutsAtEveryPlace(t *testing.T) {
	source := strings.Repeat("ab名\t🧪e\u0301", 40)
	n := len([]rune(source))
	for i := 1; i <= n+1; i++ {
		span := Span{File: "w.yaml", Start: Pos{1, i, 0}, End: Pos{1, i + 1, 0}}
		for _, line := range strings.Split(render(t, source, TextOptions{Width: 50}, Diagnostic{Span: span, Message: "m"}), "\n")[1:] {
			if _, cells := expand(line); cells[len(cells)-1] > 51 {
				t.Fatalf("at %d: too wide: %q", i, line)
			}
		}
	}
}

func TestTextExplainsACodeOnce(t *testing.T) {
	d := Diagnostic{Code: overAspirate, Message: "m"}
	got := render(t, "", TextOptions{}, d, d)
	if n := strings.Count(got, "= explain:"); n != 1 {
		t.Errorf("%d times:\n%s", n, got)
	}
}

func TestTextKeepsTheTerminalSafe(t *testing.T) {
	got := render(t, "", TextOptions{}, Diagnostic{Message: "a\x1b[2J\nb", Help: "c\u202e\rd\ne", Span: Span{File: "x\x07.yaml"}})
	expect(t, got, "x\ufffd.yaml: error: a\ufffd[2J b\n  = help: c\ufffd\ufffdd\n    e\n")
}

func TestTextColor(t *testing.T) {
	got := render(t, "a: 1", TextOptions{Color: true}, Diagnostic{Span: find("a: 1", "1"), Message: "m"})
	plain := render(t, "a: 1", TextOptions{}, Diagnostic{Span: find("a: 1", "1"), Message: "m"})
	for _, style := range []string{bold, red, blue} {
		if !strings.Contains(got, "\x1b["+style+"m") {
			t.Errorf("style %s is missing", style)
		}
		got = strings.ReplaceAll(got, "\x1b["+style+"m", "")
	}
	expect(t, strings.ReplaceAll(got, "\x1b[0m", ""), plain)
}

func TestRelocate(t *testing.T) {
	span := func(f string) Span { return Span{File: f} }
	list := List{{Span: span("w.yaml"), Related: []Related{{Span: span("../x.json")}}, Edits: []Edit{{Span: span("w.yaml")}}}, {}}
	got := list.Relocate("a/b")
	want := List{{Span: span("a/b/w.yaml"), Related: []Related{{Span: span("a/x.json")}}, Edits: []Edit{{Span: span("a/b/w.yaml")}}}, {Related: []Related{}, Edits: []Edit{}}}
	if diff := cmp.Diff(want, got, cmp.Transformer("len", func(r []Related) []Related { return append([]Related{}, r...) }), cmp.Transformer("len2", func(r []Edit) []Edit { return append([]Edit{}, r...) })); diff != "" {
		t.Error(diff)
	}
	if list[0].Span.File != "w.yaml" || list[0].Related[0].Span.File != "../x.json" || list[0].Edits[0].Span.File != "w.yaml" {
		t.Error("the list itself was changed")
	}
}
