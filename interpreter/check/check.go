// Package check proves a program before any liquid moves: rules that are true
// of any liquid-handling robot, one file a family.
//
// A rule looks at transitions, the steps with the state around them, and keeps
// no tracker of its own. What is true of one kind of robot only is contributed
// by its package in the same form.
package check

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Rule is one rule. See is called for every step in order, End once with the
// state before the robot ends the run.
type Rule interface {
	See(*program.Transition, *Report)
	End(*program.State, *Report)
}

// Rules returns the rules that hold for any robot. They carry no state from
// one program to the next.
func Rules() []Rule {
	return []Rule{tips{}, limits{}, liquid{}, modules{}, &samples{}, &contamination{}, &ending{}}
}

// Sink runs rules over an expansion.
type Sink struct {
	rules  []Rule
	report Report
}

// NewSink returns a sink for one expansion.
func NewSink(rules []Rule) *Sink {
	return &Sink{rules: rules, report: Report{seen: map[key]int{}, wells: map[wellKey]int{}}}
}

// Step shows the step to every rule.
func (s *Sink) Step(t *program.Transition) error {
	s.report.at = t
	for _, r := range s.rules {
		r.See(t, &s.report)
	}
	return nil
}

// History returns a sink that wants to see the same steps once more, from the
// first: it finds out how wells came to hold what was found wrong. It is nil
// where nobody asks that. It is done before End.
func (s *Sink) History() program.Sink {
	if len(s.report.questions) == 0 {
		return nil
	}
	return newHistory(&s.report)
}

// End tells the rules that the program is over and returns what they found.
func (s *Sink) End(state *program.State) diag.List {
	s.report.at = nil
	for _, r := range s.rules {
		r.End(state, &s.report)
	}
	return s.report.findings()
}

// Findings returns what the rules found, where the program was not gone through
// to its end. It is called instead of End.
func (s *Sink) Findings() diag.List { return s.report.findings() }

// Report collects findings. The same finding in another iteration of a loop is
// counted, not repeated.
type Report struct {
	at        *program.Transition
	list      diag.List
	more      []int
	seen      map[key]int
	wells     map[wellKey]int
	questions []question
}

type key struct {
	code *diag.Code // nil for those that are about a volume: of them the first is told
	span diag.Span
}

// ofVolume are the findings that one wrong volume makes at once.
var ofVolume = []*diag.Code{diag.TooMuchForTip, diag.OverHeld, diag.EmptyWell, diag.OverAspirate, diag.Overflow}

// wellKey makes findings about one well those of one mistake.
type wellKey struct {
	code *diag.Code
	well program.WellRef
}

// AddOf reports a finding about what a well holds at the current step. Notes
// will say where that came from.
func (r *Report) AddOf(well program.WellRef, about program.Aspect, d diag.Diagnostic) {
	k := wellKey{d.Code, well}
	if i, ok := r.wells[k]; ok { // what is too much or too little once is so from then on
		r.more[i]++
		return
	}
	n := len(r.list)
	r.Add(about, d)
	r.wells[k] = min(n, len(r.list)-1)
	if len(r.list) > n {
		r.questions = append(r.questions, question{finding: n, well: well, before: r.at.Step.N})
	}
}

// Add reports a finding about an aspect of the current step. Position, values
// read and loop iterations are filled in.
func (r *Report) Add(about program.Aspect, d diag.Diagnostic) {
	if r.at != nil && d.Span.IsZero() {
		d.Span = r.at.Step.Where()
		if r.at.Blame != nil {
			d.Span, d.Values = r.at.Blame.Blame(about)
		}
	}
	k := key{d.Code, d.Span}
	if slices.Contains(ofVolume, d.Code) {
		k.code = nil
	}
	if i, ok := r.seen[k]; ok {
		r.more[i]++
		return
	}
	if r.at != nil && d.Frames == nil {
		d.Frames = r.at.Step.Frame.Loops(d.Span.File)
	}
	if r.at != nil {
		d.Related = append(d.Related, r.at.Step.Frame.CalledFrom(d.Span.File)...)
	}
	r.seen[k] = len(r.list)
	r.list = append(r.list, d)
	r.more = append(r.more, 0)
}

func (r *Report) findings() diag.List {
	for i := range r.questions {
		q := &r.questions[i]
		r.list[q.finding].Notes = append(r.list[q.finding].Notes, q.notes(r.list[q.finding].Span.File)...)
	}
	for i, n := range r.more {
		if n > 0 {
			r.list[i].Notes = append(r.list[i].Notes, "the same is found "+times(n)+" more in this program")
		}
	}
	return r.list
}
