package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// How long steps may take together. Whoever carries the program out has a clock,
// and says with each result how much time is left; where nobody does yet, as in
// a simulation, the model of time stands in for it. So the same results give the
// same program, whenever it is expanded.
//
// Only what is asked of the world can be given up, and nothing is begun for which
// no time is left. That the robot is in the middle of something when the time is
// over is for whoever carries the program out.

// timeout is a resolved `timeout`.
type timeout struct {
	ms   *eval.Expr
	site int // among all of the workflow and those it calls
}

// Left is how much time is left of a limit of the program when a result came in.
type Left struct {
	Limit int   `json:"limit"` // from 1, in the order of program.Plan.Limits
	MS    int64 `json:"ms"`    // 0 or less: it has passed
}

// running is a limit that has begun and not ended.
type running struct {
	limit, site, nth int
	until            int64 // µs, as expansion.now
	known            bool  // until is by a clock, or nothing but the model of time is there
	passed           bool  // while the robot was at something, by the model of time
	ends             bool  // it is a budget: nothing fails because of it
	busy             int64 // expansion.busy when it began
}

func (p *preparer) timeout(e spec.Expr) *timeout {
	ms := p.expr(e)
	if ms == nil {
		return nil
	}
	p.calls.timeouts = append(p.calls.timeouts, ms.Source().Whole())
	return &timeout{ms, len(p.calls.timeouts) - 1}
}

// within does something that may take no longer than t says.
func (x *expansion) within(t *timeout, path string, do func()) {
	if t == nil {
		do()
		return
	}
	ms, ok := x.quantity(t.ms, 0)
	if !ok {
		return
	}
	if ms <= 0 {
		x.addAt(t.ms, diag.Diagnostic{Code: diag.BadDuration, Message: "a timeout of " + quantity.Time.Text(ms) + " has passed before anything is done", Help: "write for example 30 s"})
		return
	}
	if x.timed == nil {
		x.timed = make([]int, len(x.p.timeouts))
	}
	x.timed[t.site]++
	x.limits = append(x.limits, program.Limit{First: x.step.N + 1, MS: ms, Path: path, Where: t.ms.Source().Whole()})
	n, at := len(x.limits), x.node
	x.running = append(x.running, running{limit: n, site: t.site, nth: x.timed[t.site], until: x.now + ms*1000, known: x.assume > 0, busy: x.busy})
	do()
	last := len(x.running) - 1
	r := x.running[last]
	x.running = x.running[:last]
	if x.fault != nil && x.fault.limit == n {
		x.fault.limit = 0
	}
	switch {
	case x.defers || x.err != nil || x.tooMany:
	case x.step.N < x.limits[n-1].First:
		x.limits = x.limits[:n-1] // nothing is done there
	default:
		x.limits[n-1].Last = x.step.N
	}
	if took := (x.busy - r.busy + 500) / 1000; took > ms && len(x.results) == 0 && x.assume <= likely {
		x.node = at
		x.addAt(t.ms, diag.Diagnostic{
			Code: diag.TooShort, Severity: diag.Warning, Message: "what is done here takes " + quantity.Time.Text(took) + " by the estimate, and " + quantity.Time.Text(ms) + " are allowed",
			Help: "allow more; a robot that is in the middle of something when the time is over is paused, and waits for a person",
		})
	}
}

// withinBudget does the steps of the workflow, which ends by its budget of time.
func (x *expansion) withinBudget(do func()) {
	a := x.allowed
	if a == nil || a.time < 0 {
		do()
		return
	}
	x.limits = append(x.limits, program.Limit{First: x.step.N + 1, MS: a.time, Where: x.p.budget.time.Source().Whole(), Ends: true})
	n := len(x.limits)
	x.running = append(x.running, running{limit: n, until: x.now + a.time*1000, ends: true})
	do()
	last := len(x.running) - 1
	a.late = x.now > x.running[last].until
	x.running = x.running[:last]
	switch {
	case x.defers || x.err != nil || x.tooMany:
	case x.step.N < x.limits[n-1].First:
		x.limits = x.limits[:n-1]
	default:
		x.limits[n-1].Last = x.step.N
	}
}

// outOfBudget reports whether more time has passed than the budget says.
func (x *expansion) outOfBudget(a *allowance) bool {
	for i := range x.running {
		if r := &x.running[i]; r.ends && x.now > r.until {
			return true
		}
	}
	return a.late
}

// tick lets the time pass that the robot takes for a step.
func (x *expansion) tick(s *program.Step) {
	took := x.clock.Duration(&s.Op)
	if s.Protocol != nil {
		for i := range s.Protocol.Does {
			took += x.clock.Duration(&s.Protocol.Does[i])
		}
	}
	x.now, x.busy = x.now+took, x.busy+took
	for i := range x.running {
		x.running[i].passed = x.running[i].passed || x.now > x.running[i].until
	}
}

// timeLeft takes over how much time is left when a result came in.
func (x *expansion) timeLeft(left []Left) {
	for _, l := range left {
		for i := range x.running {
			if r := &x.running[i]; r.limit == l.Limit {
				r.until, r.known, r.passed = x.now+l.MS*1000, true, false
				if r.ends {
					x.allowed.overdue = l.MS <= 0
				}
			}
		}
	}
}

// due is the limit that passes first, where that is within the given time, in µs.
// One that has passed while the robot was at something is a person's by now.
func (x *expansion) due(within int64) *running {
	var first *running
	for i := range x.running {
		r := &x.running[i]
		if r.known && !r.passed && !r.ends && r.until <= x.now+within && (first == nil || r.until < first.until) {
			first = r
		}
	}
	return first
}

// outOfTime has the steps of a limit fail that has passed.
func (x *expansion) outOfTime(r *running, why string) {
	l := &x.limits[r.limit-1]
	d := diag.Diagnostic{Code: diag.RunFailed, Span: l.Where, Message: l.String() + " has passed" + why, Help: "allow more time, or say under on_error: what is done then"}
	x.fault = &fault{program.NoAnswer, true, "", d, r.limit}
}

// noTimeFor reports whether no time is left to wait before another attempt, and
// has the steps of the limit that says so fail.
func (x *expansion) noTimeFor(ms int64) bool {
	r := x.due(ms * 1000)
	if r != nil {
		x.outOfTime(r, ", or would before the next attempt")
	}
	return r != nil
}

// timedOut reports whether a step fails in a simulation because a limit has
// passed, or because the scenario says so.
func (x *expansion) timedOut() bool {
	if s := x.p.all[x.assume-1]; s.limit > 0 {
		for i := range x.running {
			if r := &x.running[i]; r.site == s.limit-1 && s.when.is(r.nth) {
				x.outOfTime(r, "")
				return true
			}
		}
	}
	r := x.due(0)
	if r != nil {
		x.outOfTime(r, "")
	}
	return r != nil
}
