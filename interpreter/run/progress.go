package run

import (
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

func (d *driver) tell(e Event) {
	if len(d.o.Observe) == 0 {
		return
	}
	p := d.progress(e)
	for _, f := range d.o.Observe {
		f(e, p)
	}
}

func (d *driver) progress(e Event) Progress {
	s := &d.m.state
	p := Progress{Plan: d.plan, N: max(s.Done, s.Current), Total: s.Accepted.Steps, ElapsedMS: d.elapsed}
	if f, ok := e.(StepFailed); ok {
		p.N = f.N
	}
	if p.N > 0 {
		p.Well = d.plan.Deck.WellName(wellOf(&d.plan.Steps[p.N-1].Op))
		p.Label = d.story.last().Label(p.N)
	}
	p.Of = len(d.story.Plan.Steps)
	p.RemainingMS = d.clock.remaining(s.Done) / 1000
	if s.Closes != nil { // it is about steps of its own
		p.Label, p.Of = strconv.Itoa(p.N), p.Total
		return p
	}
	if o := d.plan.Outlook; o != nil {
		p.Open = true
		p.Total += max(0, o.Steps-len(d.story.Plan.Steps))
		p.Of = max(p.Of, o.Steps)
		p.RemainingMS += max(0, o.EstimateMS-d.story.Plan.EstimateMS)
	}
	return p
}

// wellOf returns the well of an operation, or None.
func wellOf(op *program.Op) program.WellRef {
	if op.Kind.Info().Fields&program.HasWell == 0 || op.Trash {
		return program.None
	}
	return op.Well
}
