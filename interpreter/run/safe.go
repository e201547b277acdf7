package run

import "github.com/ot2flow/ot2flow/interpreter/program"

// stopPoint returns the step after which a stop does least harm, when steps up
// to done are done and the next may have begun: the first one after which no
// tip is on. It is done itself where no tip is on and nothing has begun. Where
// the tip stays on for longer than limit µs (0: no limit), or to the end of
// the plan or to a step beside the device, the step under way is the one. A
// tool is waited for without limit.
//
// A device drops what is on into the trash when a run ends; so does a stop, and
// a tip that is in use takes its liquid with it.
func stopPoint(p *program.Plan, clock *stepClock, done int, begun bool, limit int64) int {
	var on mounts
	for i := range p.Steps[:done] {
		on.after(p.Deck, &p.Steps[i].Op)
	}
	first := done
	if begun {
		first = min(done+1, len(p.Steps))
		if first > done {
			on.after(p.Deck, &p.Steps[done].Op)
		}
	}
	for n := first; ; n++ {
		if on.tips == 0 {
			return n
		}
		if n == len(p.Steps) || p.Steps[n].Live != nil || on.tools == 0 && limit > 0 && clock.at(n)-clock.at(done) > limit {
			return first
		}
		on.after(p.Deck, &p.Steps[n].Op)
	}
}

// pausePoint returns the step after which a pause does least harm: the first
// one after which no tip holds liquid, that would drip and dry while nobody
// knows for how long. It is done itself where that is so and nothing has begun.
// Where liquid is held for longer than limit µs (0: no limit), the step under
// way is the one.
func pausePoint(p *program.Plan, clock *stepClock, done int, begun bool, limit int64) int {
	state := program.NewState(p.Deck)
	for i := range p.Steps[:done] {
		state.Do(&p.Steps[i])
	}
	first := done
	if begun {
		first = min(done+1, len(p.Steps))
	}
	for n := done; ; n++ {
		if n >= first && !holdsLiquid(state) {
			return n
		}
		if n == len(p.Steps) || p.Steps[n].Live != nil || n > first && limit > 0 && clock.at(n)-clock.at(done) > limit {
			return first
		}
		state.Do(&p.Steps[n])
	}
}

func holdsLiquid(s *program.State) bool {
	for i := range s.Mounts {
		if s.Mounts[i].On && s.Mounts[i].Held.Volume > 0 {
			return true
		}
	}
	return false
}

// mounts has a bit for every pipette with something on, and with a tool on.
type mounts struct{ tips, tools uint64 }

func (m *mounts) after(d *program.Deck, op *program.Op) {
	bit := uint64(1) << uint(op.Pipette)
	switch op.Kind {
	case program.PickUpTip:
		m.tips |= bit
		if d != nil && d.IsTool(int(op.Pipette), op.Well) {
			m.tools |= bit
		}
	case program.DropTip, program.ReturnTip:
		m.tips &^= bit
		m.tools &^= bit
	case program.EndRun:
		*m = mounts{}
	case program.Aspirate, program.Dispense, program.AirGap, program.TouchTip, program.BlowOut,
		program.MoveTo, program.Home, program.Delay, program.Pause, program.Comment:
	default: // modules, labware and lights carry no tip
	}
}

// stepClock knows when, by the time model, each step of a plan ends.
type stepClock struct{ ends []int64 }

// newStepClock asks the timer once for every step; without one every step
// takes no time.
func newStepClock(p *program.Plan, timer func(*program.Deck) program.Timer) *stepClock {
	if timer == nil {
		return &stepClock{}
	}
	t := timer(p.Deck)
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
