package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// outlook listens to the likely scenario and tells what comes behind the steps
// that are certain.
type outlook struct {
	after int // steps that are certain
	found []program.Deferred
	at    map[*program.Site]int // index into found
}

// Step counts the step with the step of the language it comes from.
func (o *outlook) Step(t *program.Transition) error {
	if t.Step.N <= o.after {
		return nil
	}
	site, most := around(t.Step.Frame)
	if site == nil {
		return nil
	}
	i, known := o.at[site]
	if !known {
		i = len(o.found)
		o.at[site] = i
		o.found = append(o.found, program.Deferred{Path: site.Path, Where: site.Span, AtMost: most})
	}
	o.found[i].Steps++
	return nil
}

// around finds the step of the language that a frame belongs to, and how often
// the loops around it may go round, 0 where none has such a bound.
func around(f *program.Frame) (site *program.Site, most int) {
	for ; f != nil; f = f.Parent {
		if site == nil {
			site = f.Site
		}
		switch n := f.Note.(type) {
		case *passNote:
			most = max(most, 1) * n.most
		case *attemptNote:
			most = max(most, 1) * n.most
		}
	}
	return site, most
}

// lookAhead adds to a plan what is likely to come behind the steps that are
// certain.
func (p *Prepared) lookAhead(plan *program.Plan, in Input) {
	in.Likely, in.Scatter = true, ""
	needs, time := &Needs{}, NewEstimate(p.machine)
	o := &outlook{after: len(plan.Steps), at: map[*program.Site]int{}}
	end, _, err := p.Expand(in, Fan{o, needs, time})
	if err != nil {
		return
	}
	plan.Outlook = &program.Outlook{Deferred: o.found, Steps: end.Steps, Needs: needs.Result(), EstimateMS: time.Milliseconds()}
}
