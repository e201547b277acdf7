package service

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/traces"
)

// Note is something that those who look after a server may want to know.
type Note struct {
	Robot, Run string // that it is about; empty for none
	Step       int    // of the part of the run that is under way; 0 for none
	Text       string
	Wrong      bool // somebody should look after it
}

// words are how runs end, see ResultWord.
var words = [...]string{"ok", "failed", "stopped", "in_doubt", "left"}

// counts is what has happened since the server began.
type counts struct {
	submitted, computed, begun, steps, live, waits, halts, lost atomic.Int64

	ended [len(words)]atomic.Int64 // by words
}

// Counted is what has happened since the server began.
type Counted struct {
	Submitted int64            // runs that were accepted, and wait or waited
	Computed  int64            // runs that were over at once, without a robot
	Begun     int64            // runs that were begun or gone on with
	Ended     map[string]int64 // those that ended, by how: ok, failed, stopped, in_doubt or left
	Steps     int64            // that robots have done
	Live      int64            // that were done beside robots: measurements, requests, questions
	Waits     int64            // how often a person was waited for
	Halts     int64            // how often a robot stood still without being asked by the plan
	Lost      int64            // how often a robot could not be reached
}

// Counted returns what has happened since the server began.
func (d *Device) Counted() Counted {
	c := &d.counts
	out := Counted{
		Submitted: c.submitted.Load(), Computed: c.computed.Load(), Begun: c.begun.Load(), Steps: c.steps.Load(), Live: c.live.Load(),
		Waits: c.waits.Load(), Halts: c.halts.Load(), Lost: c.lost.Load(), Ended: map[string]int64{},
	}
	for i, word := range words {
		out.Ended[word] = c.ended[i].Load()
	}
	return out
}

// end counts how a run ended.
func (c *counts) end(r *run.Result) {
	word := ResultWord(r)
	for i := range words {
		if words[i] == word {
			c.ended[i].Add(1)
		}
	}
}

// see counts an event.
func (c *counts) see(e run.Event) {
	switch e.(type) {
	case run.StepDone:
		c.steps.Add(1)
	case run.Performed:
		c.live.Add(1)
	case run.Waiting, run.TimeUp:
		c.waits.Add(1)
	case run.Halting:
		c.halts.Add(1)
	case run.Lost:
		c.lost.Add(1)
	default:
	}
}

// traced has a trace take an event: of steps of a robot and beside it.
func traced(t *traces.Run, e run.Event, plan *program.Plan) {
	if t == nil {
		return
	}
	of := func(n int) (name, place string) {
		if n < 1 || n > len(plan.Steps) {
			return "step", ""
		}
		return plan.Steps[n-1].Op.Kind.String(), plan.Steps[n-1].ID()
	}
	begins := func(n int) {
		name, place := of(n)
		t.Step(n, name, place)
	}
	ends := func(n int, wrong string) {
		name, place := of(n)
		t.Done(n, name, place, wrong)
	}
	switch e := e.(type) {
	case run.StepStarted:
		begins(e.N)
	case run.Intended:
		if e.Batch.Live {
			begins(e.Batch.First)
		}
	case run.StepDone:
		ends(e.N, "")
	case run.StepFailed:
		ends(e.N, e.Evidence)
	case run.Performed:
		ends(e.N, e.Failed)
	default:
	}
}

// noteOf is what those who look after a server may want to know of an event; a Note
// without text is nothing.
func noteOf(e run.Event) Note {
	switch e := e.(type) {
	case run.StepFailed:
		return Note{Step: e.N, Text: "the robot could not do it: " + e.Evidence, Wrong: true}
	case run.Performed:
		if e.Failed != "" {
			return Note{Step: e.N, Text: "no result: " + e.Failed, Wrong: true}
		}
	case run.Waiting:
		return Note{Step: e.N, Text: "waits for a person: " + e.Text}
	case run.TimeUp:
		return Note{Step: e.N, Text: "the time is up: " + e.Text, Wrong: true}
	case run.Doubted:
		return Note{Step: e.First, Text: fmt.Sprintf("nobody knows whether %s happened: %s", StepRange(e.First, e.Last), e.Evidence), Wrong: true}
	case run.Halting:
		return Note{Text: "the robot stands still: " + e.Status.String()}
	case run.Lost:
		return Note{Text: "the robot cannot be reached: " + e.Reason, Wrong: true}
	case run.Regained:
		return Note{Text: "the robot answers again"}
	default:
	}
	return Note{}
}

// Waits are the runs that wait now: for any robot, and of those under way for a person.
func (d *Device) Waits(ctx context.Context) (anyRobot, people int, err error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return 0, 0, err
	}
	list, err := d.line.waiting(ctx, store)
	if err != nil {
		return 0, 0, err
	}
	for _, o := range list {
		if o.Queue == shared {
			anyRobot++
		}
	}
	for _, st := range d.stations {
		if c := st.controlsOf(st.carries()); c != nil && (c.Now().Waiting || c.Now().Overdue) {
			people++
		}
	}
	return anyRobot, people, nil
}
