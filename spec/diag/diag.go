// Package diag is the only way a problem is reported to a person, at every
// stage from reading a file to the end of a run.
//
// It owns the diagnostic itself, positions and spans, the table of codes, and
// the renderers. Renderers work from the same value that the JSON form is made
// of, so that what a person and a program are told cannot differ.
package diag

import (
	"cmp"
	"slices"
)

// Pos is a place in a file. Line and Column count from 1, Column in
// characters; Offset counts bytes from 0. The zero Pos means "no place".
type Pos struct{ Line, Column, Offset int }

// Span is a stretch of a file, End exclusive. An empty File with a zero Start
// means that the problem has no place in a file.
type Span struct {
	File       string
	Start, End Pos
}

// IsZero reports whether s names no place.
func (s Span) IsZero() bool { return s.File == "" && s.Start == Pos{} }

// Severity says what a finding means for the exit code.
type Severity uint8

// An Error stops the work; a Warning is reported and the work goes on.
const (
	Error Severity = iota
	Warning
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Value is a name that the failing expression read, and what it held.
type Value struct{ Name, Value string }

// Related is another place that helps to understand a finding.
type Related struct {
	Span    Span
	Message string
}

// Edit replaces the text of Span by New.
type Edit struct {
	Span Span
	New  string
}

// Diagnostic is one finding. Message says what is wrong in one sentence
// without a full stop; Label, if set, stands under the marked text and gives
// the particulars; Help says what to do.
type Diagnostic struct {
	Code     *Code
	Severity Severity
	Span     Span
	Message  string
	Label    string
	Values   []Value  // what the expression read, in order of first use
	Frames   []string // loops and calls it happened in, outermost first: "w = plate.A3 (3 of 60), line 27"
	Notes    []string
	Related  []Related
	Help     string
	Edits    []Edit
}

// List is what a stage found, in the order it was found.
type List []Diagnostic

// HasErrors reports whether any finding is an Error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sorted returns the findings by file and place, stable, without repetitions
// of the same code at the same place with the same message.
func (l List) Sorted() List {
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Span.File, b.Span.File), cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset))
	})
	return slices.CompactFunc(out, func(a, b Diagnostic) bool {
		return a.Code == b.Code && a.Span == b.Span && a.Message == b.Message
	})
}
