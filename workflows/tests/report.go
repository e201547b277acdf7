package tests

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Report is what came of files with tests.
type Report struct {
	Files    []*File
	Outcomes [][]Outcome // of each file
	Coverage *Coverage
}

// Run runs the tests of files whose names contain text.
func Run(files []*File, text string) *Report {
	r := &Report{Files: files, Coverage: NewCoverage()}
	for _, f := range files {
		r.Outcomes = append(r.Outcomes, f.Run(text, r.Coverage))
	}
	return r
}

// Count is how many tests there are, and how many have failed.
func (r *Report) Count() (all, failed int) {
	for _, list := range r.Outcomes {
		all += len(list)
		for i := range list {
			failed += count(!list[i].Passed())
		}
	}
	return all, failed
}

// Findings are what is wrong with the files, and how runs differ from what is expected.
func (r *Report) Findings() diag.List {
	var out diag.List
	for i, f := range r.Files {
		out = append(out, f.Diagnostics...)
		for k := range r.Outcomes[i] {
			out = append(out, r.Outcomes[i][k].Failures...)
		}
	}
	return out
}

// Source returns the text of a file that a finding names, or nil.
func (r *Report) Source(file string) []byte {
	for _, f := range r.Files {
		if text := f.Source(file); text != nil {
			return text
		}
	}
	return nil
}

// Format names the form that JSON writes.
const Format = "ot2flow.tests/1"

type jsonReport struct {
	Format      string          `json:"format"`
	Tests       []jsonTest      `json:"tests"`
	Coverage    jsonCoverage    `json:"coverage"`
	Diagnostics json.RawMessage `json:"diagnostics"`
	Summary     jsonSummary     `json:"summary"`
}

type jsonTest struct {
	File     string      `json:"file"`
	Workflow string      `json:"workflow"`
	Name     string      `json:"name"`
	Passed   bool        `json:"passed"`
	Steps    int         `json:"steps"`
	Duration json.Number `json:"duration_s"`
	Failures []string    `json:"failures"`
}

type jsonCoverage struct {
	Steps    int      `json:"steps"`
	AllSteps int      `json:"all_steps"`
	Ways     int      `json:"branches"`
	AllWays  int      `json:"all_branches"`
	Missing  []string `json:"missing"`
}

type jsonSummary struct {
	Tests  int `json:"tests"`
	Failed int `json:"failed"`
}

// JSON writes the report as ot2flow.tests/1.
func (r *Report) JSON(w io.Writer) error {
	out := jsonReport{Format: Format, Tests: []jsonTest{}}
	for i, f := range r.Files {
		for k := range r.Outcomes[i] {
			o := &r.Outcomes[i][k]
			t := jsonTest{f.name, f.Checked.Path, o.Name, o.Passed(), o.Steps, json.Number(quantity.AppendDecimal(nil, o.DurationMS, 1000)), []string{}}
			for _, d := range o.Failures {
				t.Failures = append(t.Failures, d.Message)
			}
			out.Tests = append(out.Tests, t)
		}
	}
	c := &out.Coverage
	c.Steps, c.AllSteps, c.Ways, c.AllWays = r.Coverage.Counts()
	c.Missing = append([]string{}, r.Coverage.Missing()...)
	out.Summary.Tests, out.Summary.Failed = r.Count()
	var found bytes.Buffer
	if err := diag.JSON(&found, r.Findings()); err != nil {
		return err
	}
	var list struct{ Diagnostics json.RawMessage }
	if err := json.Unmarshal(found.Bytes(), &list); err != nil {
		return err
	}
	out.Diagnostics = list.Diagnostics
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Tests   int          `xml:"tests,attr"`
	Failed  int          `xml:"failures,attr"`
	Errors  int          `xml:"errors,attr"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name   string      `xml:"name,attr"`
	Tests  int         `xml:"tests,attr"`
	Failed int         `xml:"failures,attr"`
	Errors int         `xml:"errors,attr"`
	Cases  []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report as most servers for continuous integration read it. The time of
// a test is that of the robot, by its time model. A file with mistakes is one test with
// an error.
func (r *Report) JUnit(w io.Writer) error {
	out := junitSuites{}
	out.Tests, out.Failed = r.Count()
	for i, f := range r.Files {
		s := junitSuite{Name: f.name, Tests: len(r.Outcomes[i])}
		if f.Diagnostics.HasErrors() {
			s.Tests, s.Errors, out.Errors = 1, 1, out.Errors+1
			s.Cases = append(s.Cases, junitCase{Class: f.name, Name: "read", File: f.name, Time: "0", Error: r.problem(f.Diagnostics)})
		}
		for k := range r.Outcomes[i] {
			o := &r.Outcomes[i][k]
			c := junitCase{Class: f.name, Name: o.Name, File: f.name, Time: string(quantity.AppendDecimal(nil, o.DurationMS, 1000))}
			if !o.Passed() {
				s.Failed++
				c.Failure = r.problem(o.Failures)
			}
			s.Cases = append(s.Cases, c)
		}
		out.Suites = append(out.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// problem is findings as text, with the message of the first.
func (r *Report) problem(list diag.List) *junitProblem {
	var text strings.Builder
	_ = diag.Text(&text, list, diag.TextOptions{Source: r.Source})
	message := list[0].Message
	if len(list) > 1 {
		message += fmt.Sprintf(", and %d more", len(list)-1)
	}
	return &junitProblem{message, text.String()}
}
