package sim

import (
	"cmp"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// Suffer has what the script says go wrong with the steps. It is called before
// the first one; the script was checked.
func (b *Backend) Suffer(s *mishap.Script) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dice = s.Roll()
}

// befall has happen what goes wrong at the next step, before it begins, and
// returns what is to be said of it at once.
func (b *Backend) befall(s *program.Step) (run.Report, bool) {
	if b.dice == nil || b.tripped == s.N {
		return run.Report{}, false
	}
	b.tripped = s.N
	var out run.Report
	for _, e := range b.dice.Reached(strconv.Itoa(s.N) + ".1") {
		switch e.Do {
		case mishap.CommandFailed:
			b.fails = cmp.Or(e.Detail, "the fault injected here")
		case mishap.TipMissed:
			if s.Op.Kind == program.PickUpTip {
				b.fails = cmp.Or(e.Detail, "no tip was picked up")
			}
		case mishap.Stopped:
			b.stopping = true
		case mishap.PausedBy:
			b.paused, out.Status = true, run.Paused
		case mishap.DoorOpened:
			b.paused, out.Status = true, run.DoorOpen
		case mishap.Rebooted:
			b.ended, b.gone, b.queue = run.Gone, true, nil
		case mishap.ConnectionLost:
			b.cut = max(e.Requests, 1)
		case mishap.Slow:
			b.world.now += e.By.Microseconds()
		case mishap.ClockJumped:
			b.ahead += e.By.Milliseconds()
		}
	}
	return out, out.Status != run.NoStatus
}

// silent reports whether the device does not answer, and counts.
func (b *Backend) silent() error {
	switch {
	case b.cut > 0:
		b.cut--
		return &run.Error{Kind: run.Unreachable, Message: "the connection broke off"}
	case b.gone:
		return &run.Error{Kind: run.Halted, Message: "the simulated robot was restarted in the middle of the run and has forgotten what it did"}
	}
	return nil
}
