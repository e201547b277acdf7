package run

import "github.com/ot2flow/ot2flow/interpreter/program"

// stopPoint returns the step after which a stop does least harm, when steps up
// to done are done and the next may have begun: the first one after which no
// tip is on. It is done itself where no tip is on and nothing has begun. Where
// the tip stays on for longer than limit µs (0: no limit), or to the end of
// the plan, the step under way is the one.
//
// A device drops what is on into the trash when a run ends; so does a stop, and
// a tip that is in use takes its liquid with it.
func stopPoint(p *program.Plan, clock *stepClock, done int, begun bool, limit int64) int {
	on := tipsOn(p.Steps[:done])
	first := done
	if begun {
		first = min(done+1, len(p.Steps))
		on = afterStep(on, &p.Steps[first-1].Op)
	}
	for n, tips := first, on; ; n++ {
		if tips == 0 {
			return n
		}
		if n == len(p.Steps) || limit > 0 && clock.at(n)-clock.at(done) > limit {
			return first
		}
		tips = afterStep(tips, &p.Steps[n].Op)
	}
}

// tipsOn returns a bit for every pipette with a tip on after the steps.
func tipsOn(steps []program.Step) uint64 {
	var on uint64
	for i := range steps {
		on = afterStep(on, &steps[i].Op)
	}
	return on
}

func afterStep(on uint64, op *program.Op) uint64 {
	switch op.Kind {
	case program.PickUpTip:
		return on | 1<<uint(op.Pipette)
	case program.DropTip, program.ReturnTip:
		return on &^ (1 << uint(op.Pipette))
	case program.EndRun:
		return 0
	case program.Aspirate, program.Dispense, program.AirGap, program.TouchTip, program.BlowOut,
		program.MoveTo, program.Home, program.Delay, program.Pause, program.Comment:
	}
	return on
}

// stepClock knows when, by the time model, each step of a plan ends.
type stepClock struct{ ends []int64 }

// newStepClock asks the timer once for every step; without one every step
// takes no time.
func newStepClock(p *program.Plan, t program.Timer) *stepClock {
	if t == nil {
		return &stepClock{}
	}
	c := &stepClock{ends: make([]int64, len(p.Steps)+1)}
	for i := range p.Steps {
		c.ends[i+1] = c.ends[i] + t.Duration(&p.Steps[i].Op)
	}
	return c
}

// at returns when step n ends, in µs after the start.
func (c *stepClock) at(n int) int64 {
	if n >= len(c.ends) {
		return 0
	}
	return c.ends[n]
}

// remaining returns how long the plan goes on after step n, in µs.
func (c *stepClock) remaining(n int) int64 {
	if len(c.ends) == 0 {
		return 0
	}
	return c.ends[len(c.ends)-1] - c.at(n)
}
