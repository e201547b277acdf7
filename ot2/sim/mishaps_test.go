package sim_test

import (
	"context"
	"fmt"
	"strings"
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

// What is answered badly ends as it does on a robot: what was not heard is asked
// again, what was heard is not done again.
func TestBadAnswers(t *testing.T) {
	const play, read, hand = "POST /runs/*/actions", "GET /runs/*/commands", "POST /runs/*/commands"
	for _, c := range []struct {
		answer  mishap.Answer
		batch   int
		verdict run.Verdict
		done    int
	}{
		{mishap.Answer{On: play, Action: "play", Do: mishap.CutBefore}, 0, run.VerdictOK, 4},
		{mishap.Answer{On: play, Action: "play", Do: mishap.CutAfter}, 0, run.VerdictOK, 4},
		{mishap.Answer{On: play, Action: "play", Do: mishap.Half}, 0, run.VerdictOK, 4},
		{mishap.Answer{On: play, Action: "play", Do: mishap.Error500}, 0, run.VerdictOK, 4},
		{mishap.Answer{On: play, Action: "play", Do: mishap.Conflict}, 0, run.VerdictFailed, 0},
		{mishap.Answer{On: play, Action: "stop", Do: mishap.Conflict}, 0, run.VerdictOK, 4},
		{mishap.Answer{On: hand, Do: mishap.CutBefore}, 2, run.VerdictOK, 4},
		{mishap.Answer{On: hand, Do: mishap.CutAfter}, 2, run.VerdictOK, 4},
		{mishap.Answer{On: hand, Do: mishap.Error500}, 2, run.VerdictOK, 4},
		{mishap.Answer{On: read, Nth: 2, Times: 3, Do: mishap.Error500}, 0, run.VerdictOK, 4},
		{mishap.Answer{On: read, Nth: 3, Do: mishap.Garbage}, 0, run.VerdictOK, 4},
		{mishap.Answer{On: "GET /runs/*", Nth: 3, Do: mishap.HTML}, 0, run.VerdictOK, 4},
		{mishap.Answer{On: read, Probability: 0.5, Do: mishap.CutBefore}, 1, run.VerdictOK, 4},
		{mishap.Answer{On: read, Nth: 2, Do: mishap.Late, Delay: time.Minute}, 0, run.VerdictOK, 4},
		{mishap.Answer{On: "POST /runs", Do: mishap.Conflict}, 0, run.VerdictFailed, 0},
	} {
		t.Run(fmt.Sprintf("%s %s", c.answer.On, c.answer.Do), func(t *testing.T) {
			script := mishap.Script{Answers: []mishap.Answer{c.answer}}
			if err := sim.Knows(&script); err != nil {
				t.Error(err)
			}
			plan := planOf(steps(pick(0), draw(paints(0), 1000), give(plate(0), 1000), drop()))
			w := sim.NewWorld(program.NewState(plan.Deck), each{})
			b := sim.NewBackend(w)
			b.Suffer(&script)
			r, err := run.Run(t.Context(), run.Options{Run: "r", Plan: plan, Backend: b, Clock: hasty{}, BatchSteps: c.batch, Patience: time.Minute})
			if r.Verdict != c.verdict || r.Done != c.done {
				t.Errorf("%v after %d: %v", r.Verdict, r.Done, err)
			}
		})
	}
	never := mishap.Script{Answers: []mishap.Answer{{On: "GET /health", Do: mishap.HTML}}}
	if err := sim.Knows(&never); err == nil || !strings.Contains(err.Error(), "answers[0]: nobody asks the simulator GET /health") {
		t.Error(err)
	}
}

type hasty struct{}

func (hasty) Now() time.Time { return time.Now() }

func (hasty) After(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }
