package schema_test

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// Every form in which findings are written, for all findings of the corpus and some
// that no file can give, is what those who read it expect.

// everyFinding are the findings of the corpus, and some made up.
func everyFinding(t *testing.T) diag.List {
	t.Helper()
	files, err := filepath.Glob("../workflows/testdata/err/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	at := func(file string, line, column int) diag.Span {
		return diag.Span{File: file, Start: diag.Pos{Line: line, Column: column}, End: diag.Pos{Line: line, Column: column + 3}}
	}
	out := diag.List{
		{Message: "no place, no code"},
		{Code: diag.NotFound, Span: diag.Span{File: "a file with blanks, 100%.yaml"}, Message: "]]> & <b> \"quoted\" \x00\x1b[31m \xff µ\u2028"},
		{
			Code: diag.UnknownKey, Severity: diag.Warning, Span: at("/abs/µ.yaml", 3, 5), Message: "two\nlines", Label: "a label",
			Values: []diag.Value{{Name: "v", Value: "50 uL"}}, Frames: []string{"w = plate.A1 (1 of 60), line 27"}, Notes: []string{"a note"}, Help: "do this",
			Related: []diag.Related{{Span: at("other.yaml", 1, 1), Message: "here"}, {Message: "nowhere"}},
			Edits:   []diag.Edit{{Span: at("/abs/µ.yaml", 3, 5), New: "key"}, {Span: at("other.yaml", 1, 1), New: ""}},
		},
	}
	for i, file := range files {
		if i%3 == 0 && !strings.Contains(file, "too-many") { // the others take long, and are like these
			c := workflows.Open(file)
			c.Lint(nil)
			out = append(out, c.Diagnostics...)
		}
	}
	return out
}

func TestFormats(t *testing.T) {
	list := everyFinding(t)
	write := func(to func(*bytes.Buffer) error) []byte {
		t.Helper()
		var b bytes.Buffer
		if err := to(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	fits(t, compile(t, "diagnostics"), write(func(b *bytes.Buffer) error { return diag.JSON(b, list) }))
	text, err := os.ReadFile("testdata/sarif.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	fits(t, jsonschema.MustCompileString("sarif.schema.json", string(text)), write(func(b *bytes.Buffer) error { return diag.SARIF(b, list, "1.0.0") }))
	fits(t, jsonschema.MustCompileString("sarif.schema.json", string(text)), write(func(b *bytes.Buffer) error { return diag.SARIF(b, nil, "1.0.0") }))
	junit(t, write(func(b *bytes.Buffer) error { return diag.JUnit(b, list, []string{"fine.yaml", "/abs/µ.yaml"}) }), list)
	everyLine(t, write(func(b *bytes.Buffer) error { return diag.OneLine(b, list) }), len(list), regexp.MustCompile(`^([^\n]+?(:\d+:\d+)?: )?(error|warning): \S.*?( \[OTF\d{3} [a-z0-9-]+\])?$`))
	everyLine(t, write(func(b *bytes.Buffer) error { return diag.GitHub(b, list) }), len(list), regexp.MustCompile(`^::(error|warning)( (file|line|endLine|col|endColumn|title)=[^,:\r\n]*(,(file|line|endLine|col|endColumn|title)=[^,:\r\n]*)*)?::[^\r\n]+$`))
}

func everyLine(t *testing.T, data []byte, n int, form *regexp.Regexp) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != n {
		t.Errorf("%d lines for %d findings", len(lines), n)
	}
	for _, line := range lines {
		if !form.MatchString(line) {
			t.Errorf("%q is not of the form %s", line, form)
		}
	}
}

// suites is the form that CI systems read, as far as it is written here; anything else
// in it is an error.
type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Suites   []struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Cases    []struct {
			Class   string `xml:"classname,attr"`
			Name    string `xml:"name,attr"`
			Failure *struct {
				Message string     `xml:"message,attr"`
				Type    string     `xml:"type,attr"`
				Text    string     `xml:",chardata"`
				Any     []xml.Attr `xml:",any,attr"`
			} `xml:"failure"`
			Said  string      `xml:"system-out"`
			Any   []xml.Attr  `xml:",any,attr"`
			Other []innerNode `xml:",any"`
		} `xml:"testcase"`
		Any   []xml.Attr  `xml:",any,attr"`
		Other []innerNode `xml:",any"`
	} `xml:"testsuite"`
	Any   []xml.Attr  `xml:",any,attr"`
	Other []innerNode `xml:",any"`
}

type innerNode struct{ XMLName xml.Name }

func junit(t *testing.T, data []byte, list diag.List) {
	t.Helper()
	var s suites
	if err := xml.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	tests, failures := 0, 0
	other := len(s.Any) + len(s.Other)
	for _, suite := range s.Suites {
		n := 0
		other += len(suite.Any) + len(suite.Other)
		for _, c := range suite.Cases {
			other += len(c.Any) + len(c.Other)
			if c.Name == "" || c.Class != suite.Name {
				t.Errorf("a test case %q of %q in %q", c.Name, c.Class, suite.Name)
			}
			if c.Failure != nil {
				if n++; c.Failure.Message == "" || c.Failure.Type == "" || c.Failure.Text == "" {
					t.Errorf("%s: %+v", c.Name, c.Failure)
				}
				other += len(c.Failure.Any)
			}
		}
		if suite.Tests != len(suite.Cases) || suite.Failures != n {
			t.Errorf("%s: %d tests and %d failures, and says %d and %d", suite.Name, len(suite.Cases), n, suite.Tests, suite.Failures)
		}
		tests, failures = tests+suite.Tests, failures+n
	}
	errors, warnings := list.Count()
	if s.Tests != tests || s.Failures != failures || failures != errors || tests != errors+warnings+1 || other != 0 {
		t.Errorf("%d tests and %d failures, which says %d and %d, for %d errors and %d warnings; %d other things", tests, failures, s.Tests, s.Failures, errors, warnings, other)
	}
}
