package service

import (
	"context"
	"errors"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Person is whoever follows a run. Say, Tell, See and Findings come one after the
// other; Pause and Ask wait for people, and end with their context.
type Person interface {
	// Say says what happens, and Tell what somebody in a hurry can do without.
	Say(text string)
	Tell(text string)
	// See hears every event, after it was journalled, and how the run stands then.
	See(e run.Event, p run.Progress, now Standing)
	// Findings shows why a plan does not go on.
	Findings(list diag.List, source func(file string) []byte)
	// Pause is asked at a step that waits for a person, and returns Resume or Stop.
	Pause(ctx context.Context, q run.Question) (run.Control, error)
	// Ask puts a question of the workflow. ErrNobody says that nobody is there to
	// answer; on a robot it is then waited for an answer through the journal.
	Ask(ctx context.Context, q *Question) (run.Response, error)
	// Steer is given the controls of the run until it calls what is returned.
	Steer(c *Controls) (end func())
}

// ErrNobody says that nobody is there to answer.
var ErrNobody = errors.New("nobody is there to answer")

// Standing is how a run under way stands.
type Standing struct {
	Begun   bool       // the device has the run
	Waiting bool       // a step of the plan waits for a person
	Overdue bool       // a timeout has passed, and a person is asked
	Halted  run.Status // why the device stands still; NoStatus while it does not
	Told    bool       // to go on, which it may not have noticed yet
	Stops   bool       // somebody wants a stop
}

// on takes an event.
func (s *Standing) on(e run.Event, plan *program.Plan) {
	switch e := e.(type) {
	case run.Opened, run.Reattached:
		s.Begun = true
	case run.Intended:
		s.Waiting = e.Batch.Live && plan.Steps[e.Batch.First-1].Op.Kind == program.Ask
	case run.Performed, run.NotTaken, run.StepStarted, run.StepDone:
		s.Waiting = false
	case run.Waiting:
		s.Waiting = true
	case run.TimeUp:
		s.Overdue = !e.Ends
	case run.ResumeAsked:
		s.Overdue, s.Told = false, true
	case run.StopAsked:
		s.Overdue, s.Stops = false, true
	case run.AskFailed:
		s.Told = false
	case run.Halting:
		s.Halted, s.Told = e.Status, false
	case run.Resumed:
		s.Halted, s.Waiting, s.Overdue, s.Told = run.NoStatus, false, false, false
	case run.Ended:
		s.Halted, s.Overdue, s.Told = run.NoStatus, false, false
	default:
	}
}

// Controls steer a run under way.
type Controls struct {
	requests  chan run.Request
	changed   chan struct{}
	quit      chan struct{}
	cancel    context.CancelCauseFunc
	simulated bool

	mu      sync.Mutex
	now     Standing
	leaving bool // as soon as the device stands still
}

// control begins to steer a run; leaving it cancels the context that is returned.
func control(ctx context.Context, simulated bool) (context.Context, *Controls) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &Controls{requests: make(chan run.Request, 4), changed: make(chan struct{}, 1), quit: make(chan struct{}), cancel: cancel, simulated: simulated}
}

// end lets go: nothing that is asked for is heard any more.
func (c *Controls) end() {
	close(c.quit)
	c.Leave()
}

// see takes an event.
func (c *Controls) see(e run.Event, p run.Progress) Standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.now
	c.now.on(e, p.Plan)
	if c.now != was {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
	c.left()
	return c.now
}

// left leaves the run where that is wanted and the device stands still.
func (c *Controls) left() {
	if c.leaving && (c.now.Halted != run.NoStatus || c.now.Waiting) {
		c.Leave()
	}
}

// Now is how the run stands.
func (c *Controls) Now() Standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Changed has something to receive when Now may be another.
func (c *Controls) Changed() <-chan struct{} { return c.changed }

// StandsStill reports whether the run waits, not for a step of the plan, and a
// person may let it go on by a word.
func (c *Controls) StandsStill() bool {
	s := c.Now()
	return (s.Halted == run.Paused || s.Halted == run.DoorOpen && c.simulated) && !s.Waiting && !s.Overdue && !s.Told
}

// Ask asks for a pause, a stop, or that the run goes on.
func (c *Controls) Ask(r run.Request) {
	select {
	case c.requests <- r:
	case <-c.quit:
	}
}

// GivesUp stops a run that its device does not have yet, and reports whether that is so:
// a robot may be at its analysis for a minute, and nobody has to wait for that.
func (c *Controls) GivesUp(by string) bool {
	if c.Now().Begun {
		return false
	}
	c.cancel(&run.GivenUp{By: by})
	return true
}

// Leave leaves the run as it is: the device goes on by itself.
func (c *Controls) Leave() { c.cancel(nil) }

// LeaveStanding pauses the device at a good place, and leaves the run as soon as it
// says that it stands. It reports whether that is begun: before the device has the
// run, and the second time, the run is left at once.
func (c *Controls) LeaveStanding(by string) bool {
	if !c.leavesStanding() {
		c.Leave()
		return false
	}
	c.Ask(run.Request{Control: run.Pause, By: by})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left()
	return true
}

func (c *Controls) leavesStanding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving || !c.now.Begun {
		return false
	}
	c.leaving = true
	return true
}

// first asks for something before the run is followed. A pause is all that is
// wanted: the run is left as it stands then.
func (c *Controls) first(r run.Request) {
	c.requests <- r
	c.leaving = r.Control == run.Pause
}
