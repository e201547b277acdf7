package diag

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// OneLine writes each finding in a line of its own, as compilers do and as editors
// and grep take it: file:line:col: error: message: label [OTF602 over-aspirate].
func OneLine(w io.Writer, list List) error {
	var b strings.Builder
	for i := range list {
		d := &list[i]
		b.Reset()
		if at := place(d.Span); at != "" {
			b.WriteString(clean(at) + ": ")
		}
		b.WriteString(d.Severity.String() + ": " + oneLine(d.Message))
		if d.Label != "" {
			b.WriteString(": " + oneLine(d.Label))
		}
		if d.Code != nil {
			b.WriteString(" [" + d.Code.String() + "]")
		}
		b.WriteByte('\n')
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// JUnit writes the findings as the report of a test run that CI systems show: a suite
// for each file, one of the files that were looked at without findings too, an error
// as a test that failed, and a warning as one that passed and said something.
func JUnit(w io.Writer, list List, files []string) error {
	suites := junitSuites(list, files)
	errors, warnings := list.Count()
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	tests := errors + warnings
	for i := range suites {
		if len(suites[i].found) == 0 {
			tests++
		}
	}
	b.WriteString(`<testsuites name="ot2flow lint" tests="` + strconv.Itoa(tests) + `" failures="` + strconv.Itoa(errors) + `">` + "\n")
	for i := range suites {
		suites[i].write(&b)
	}
	b.WriteString("</testsuites>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// junitSuite is what was found in one file.
type junitSuite struct {
	file  string
	found List
}

func junitSuites(list List, files []string) []junitSuite {
	var out []junitSuite
	at := map[string]int{}
	of := func(file string) *junitSuite {
		i, known := at[file]
		if !known {
			i = len(out)
			at[file] = i
			out = append(out, junitSuite{file: file})
		}
		return &out[i]
	}
	for _, f := range files {
		of(f)
	}
	for i := range list {
		s := of(list[i].Span.File)
		s.found = append(s.found, list[i])
	}
	return out
}

func (s *junitSuite) write(b *strings.Builder) {
	name := s.file
	if name == "" {
		name = "ot2flow"
	}
	errors, _ := s.found.Count()
	b.WriteString(`  <testsuite name="` + xmlText(name) + `" tests="` + strconv.Itoa(max(1, len(s.found))) + `" failures="` + strconv.Itoa(errors) + `">` + "\n")
	if len(s.found) == 0 {
		b.WriteString(`    <testcase classname="` + xmlText(name) + `" name="lint"/>` + "\n")
	}
	for i := range s.found {
		d := &s.found[i]
		b.WriteString(`    <testcase classname="` + xmlText(name) + `" name="` + xmlText(d.title()) + `">` + "\n")
		if d.Severity == Error {
			b.WriteString(`      <failure message="` + xmlText(oneLine(d.Message)) + `" type="` + xmlText(d.title()) + `">` + xmlText(d.paragraph()) + "</failure>\n")
		} else {
			b.WriteString("      <system-out>" + xmlText("warning: "+d.paragraph()) + "</system-out>\n")
		}
		b.WriteString("    </testcase>\n")
	}
	b.WriteString("  </testsuite>\n")
}

// title is a finding's code and line.
func (d *Diagnostic) title() string {
	out := "finding"
	if d.Code != nil {
		out = d.Code.String()
	}
	if d.Span.Start.Line > 0 {
		out += " in line " + strconv.Itoa(d.Span.Start.Line)
	}
	return out
}

// xmlText is text as XML takes it: what XML has no way to write is replaced.
func xmlText(s string) string {
	return xmlEscape.Replace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError))))
}

var xmlEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")
