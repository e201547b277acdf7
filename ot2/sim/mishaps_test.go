package sim_test

import (
	"context"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/mishap"
	"github.com/ot2flow/ot2flow/ot2/sim"
)

// What goes wrong in the simulator ends as it does on a robot.
func TestMishaps(t *testing.T) {
	for _, c := range []struct {
		event   mishap.Event
		verdict run.Verdict
		done    int
	}{
		{mishap.Event{At: "3", Do: mishap.CommandFailed}, run.VerdictFailed, 2},
		{mishap.Event{Nth: 1, Do: mishap.TipMissed}, run.VerdictFailed, 0},
		{mishap.Event{At: "3", Do: mishap.TipMissed}, run.VerdictOK, 4},
		{mishap.Event{At: "3", Do: mishap.Stopped}, run.VerdictFailed, 2},
		{mishap.Event{At: "3", Do: mishap.PausedBy}, run.VerdictOK, 4},
		{mishap.Event{At: "3", Do: mishap.DoorOpened}, run.VerdictOK, 4},
		{mishap.Event{At: "3", Do: mishap.Rebooted}, run.VerdictDoubt, 2},
		{mishap.Event{At: "3", Do: mishap.ConnectionLost, Requests: 4}, run.VerdictOK, 4},
		{mishap.Event{Probability: 1, Do: mishap.Slow, By: time.Minute}, run.VerdictOK, 4},
		{mishap.Event{At: "2", Do: mishap.ClockJumped, By: -time.Hour}, run.VerdictOK, 4},
	} {
		t.Run(string(c.event.Do), func(t *testing.T) {
			plan := planOf(steps(pick(0), draw(paints(0), 1000), give(plate(0), 1000), drop()))
			b := sim.NewBackend(sim.NewWorld(program.NewState(plan.Deck), each{}))
			b.Suffer(&mishap.Script{Events: []mishap.Event{c.event}})
			requests := make(chan run.Request, 8)
			r, err := run.Run(context.Background(), run.Options{Run: "r", Plan: plan, Backend: b, Requests: requests, Clock: hasty{}, Observe: []func(run.Event, run.Progress){
				func(e run.Event, _ run.Progress) {
					if _, halted := e.(run.Halting); halted {
						requests <- run.Request{Control: run.Resume}
					}
				},
			}})
			if r.Verdict != c.verdict || r.Done != c.done {
				t.Errorf("%v after %d: %v", r.Verdict, r.Done, err)
			}
		})
	}
}

type hasty struct{}

func (hasty) Now() time.Time { return time.Now() }

func (hasty) After(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }
