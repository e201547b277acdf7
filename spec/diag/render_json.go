package diag

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// JSONFormat names the form that JSON writes.
const JSONFormat = "ot2flow.diagnostics/1"

type jsonReport struct {
	Format      string           `json:"format"`
	Diagnostics []jsonDiagnostic `json:"diagnostics"`
	Summary     jsonSummary      `json:"summary"`
}

type jsonSummary struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
}

type jsonDiagnostic struct {
	Code     string        `json:"code"`
	Name     string        `json:"name"`
	Severity string        `json:"severity"`
	Message  string        `json:"message"`
	Label    string        `json:"label"`
	Span     *jsonSpan     `json:"span"`
	Values   []jsonValue   `json:"values"`
	Frames   []string      `json:"frames"`
	Notes    []string      `json:"notes"`
	Related  []jsonRelated `json:"related"`
	Help     string        `json:"help"`
	Edits    []jsonEdit    `json:"edits"`
}

type jsonSpan struct {
	File  string   `json:"file"`
	Start *jsonPos `json:"start"`
	End   *jsonPos `json:"end"`
}

type jsonPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Offset int `json:"offset"`
}

type jsonValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type jsonRelated struct {
	Span    *jsonSpan `json:"span"`
	Message string    `json:"message"`
}

type jsonEdit struct {
	Span *jsonSpan `json:"span"`
	New  string    `json:"new"`
}

// JSON writes the findings as ot2flow.diagnostics/1. Every key is always there:
// a finding without a place has the span null, one that concerns a whole file
// a span with start and end null, and what is absent is "" or [].
func JSON(w io.Writer, list List) error {
	report := jsonReport{Format: JSONFormat, Diagnostics: make([]jsonDiagnostic, 0, len(list))}
	for i := range list {
		report.Diagnostics = append(report.Diagnostics, list[i].json())
	}
	report.Summary.Errors, report.Summary.Warnings = list.Count()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}

// Count returns how many findings are errors and how many are warnings.
func (l List) Count() (errors, warnings int) {
	for i := range l {
		if l[i].Severity == Warning {
			warnings++
		} else {
			errors++
		}
	}
	return errors, warnings
}

func (d *Diagnostic) json() jsonDiagnostic {
	out := jsonDiagnostic{
		Severity: d.Severity.String(), Message: d.Message, Label: d.Label, Span: d.Span.json(), Help: d.Help,
		Values: make([]jsonValue, 0, len(d.Values)), Related: make([]jsonRelated, 0, len(d.Related)), Edits: make([]jsonEdit, 0, len(d.Edits)),
		Frames: append([]string{}, d.Frames...), Notes: append([]string{}, d.Notes...),
	}
	if d.Code != nil {
		out.Code, out.Name = d.Code.ID, d.Code.Name
	}
	for _, v := range d.Values {
		out.Values = append(out.Values, jsonValue(v))
	}
	for _, r := range d.Related {
		out.Related = append(out.Related, jsonRelated{r.Span.json(), r.Message})
	}
	for _, e := range d.Edits {
		out.Edits = append(out.Edits, jsonEdit{e.Span.json(), e.New})
	}
	return out
}

func (s Span) json() *jsonSpan {
	if s.File == "" {
		return nil
	}
	out := &jsonSpan{File: s.File}
	if s.Start.Line > 0 {
		start, end := jsonPos(s.Start), jsonPos(s.End)
		out.Start, out.End = &start, &end
	}
	return out
}

// GitHub writes the findings as workflow commands of GitHub Actions, which
// shows them beside the lines of a change.
func GitHub(w io.Writer, list List) error {
	for i := range list {
		if _, err := io.WriteString(w, list[i].github()); err != nil {
			return err
		}
	}
	return nil
}

func (d *Diagnostic) github() string {
	var props []string
	add := func(key, value string) { props = append(props, key+"="+githubProperty.Replace(value)) }
	if d.Span.File != "" {
		add("file", d.Span.File)
	}
	props = append(props, githubPlace(d.Span)...)
	if d.Code != nil {
		add("title", d.Code.String())
	}
	head := "::" + d.Severity.String()
	if len(props) > 0 {
		head += " " + strings.Join(props, ",")
	}
	return head + "::" + githubData.Replace(d.paragraph()) + "\n"
}

// githubPlace gives lines and columns; GitHub counts the last column in, and
// takes columns within one line only.
func githubPlace(s Span) []string {
	if s.Start.Line == 0 {
		return nil
	}
	out := []string{fmt.Sprintf("line=%d", s.Start.Line), fmt.Sprintf("endLine=%d", max(s.Start.Line, s.End.Line))}
	if s.End.Line <= s.Start.Line {
		out = append(out, fmt.Sprintf("col=%d", s.Start.Column), fmt.Sprintf("endColumn=%d", max(s.Start.Column, s.End.Column-1)))
	}
	return out
}

// Both escape what GitHub gives a meaning, a property more than the text.
var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// paragraph returns all that a finding says, a fact per line.
func (d *Diagnostic) paragraph() string {
	var related []string
	for _, r := range d.Related {
		related = append(related, "note: "+r.Message+elsewhere(r.Span, d.Span))
	}
	return strings.Join(append([]string{d.Message}, d.facts(related)...), "\n")
}

// Particulars returns what a finding says beside its message and the related places, a
// fact per line.
func (d *Diagnostic) Particulars() []string { return d.facts(nil) }

func (d *Diagnostic) facts(related []string) []string {
	var lines []string
	if d.Label != "" {
		lines = append(lines, d.Label)
	}
	if len(d.Values) > 0 {
		lines = append(lines, "with "+joinValues(d.Values))
	}
	for _, f := range d.Frames {
		lines = append(lines, "in "+f)
	}
	for _, n := range d.Notes {
		lines = append(lines, "note: "+n)
	}
	lines = append(lines, related...)
	if d.Help != "" {
		lines = append(lines, "help: "+d.Help)
	}
	return lines
}
