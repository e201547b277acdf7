package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// Backend puts a World behind the interface that a robot is behind. It takes
// no time: a step is over as soon as it is asked about, and the device's clock
// is the world's. It carries out one run.
type Backend struct {
	mu    sync.Mutex
	world *World
	run   run.Job
	wake  chan struct{} // closed and replaced when a control or a batch comes in

	opened   bool
	queue    []program.Step // taken and not done
	taken    int            // the last step taken
	final    bool           // nothing follows taken
	done     int
	failed   int // the step that failed; 0: none
	current  int // reported as started and not done; 0: none
	pausing  bool
	paused   bool
	released bool // the pause step that is current may end
	news     run.Status
	stopping bool
	ended    run.Status

	dice    *mishap.Dice // nil: nothing goes wrong
	replies *mishap.Replies
	tripped int    // what goes wrong at this step has happened
	fails   string // why the next step fails; empty if it does not
	cut     int    // calls still to be left without an answer
	gone    bool   // the run was forgotten
	ahead   int64  // ms by which the clock has jumped
}

var (
	_ run.Backend = (*Backend)(nil)
	_ run.Session = (*session)(nil)
)

// NewBackend returns a simulated OT-2 on which w stands. While a run is under
// way w is read only between its events.
func NewBackend(w *World) *Backend { return &Backend{world: w, wake: make(chan struct{})} }

// Inspect describes an OT-2 with the pipettes of the world's deck.
func (b *Backend) Inspect(context.Context) (run.Device, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := run.Device{Name: "simulator", Model: "OT-2 Standard", Simulated: true}
	for i := range b.world.deck.Pipettes {
		p := &b.world.deck.Pipettes[i]
		d.Pipettes = append(d.Pipettes, run.Attached{Mount: p.Mount, Model: p.Model.Name})
	}
	if b.opened && b.ended == run.NoStatus {
		d.Busy = b.run.Run
	}
	return d, nil
}

// Open checks that the plan is for the world's deck.
func (b *Backend) Open(ctx context.Context, job run.Job) (run.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.asked(openRun); err != nil {
		return nil, err // a run that nobody knows of is never begun
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case b.ended != run.NoStatus && b.ended != run.Gone && b.run.Run == job.Run:
		b.reopen() // the next run of a plan of several, or what closes the run
	case b.taken > 0:
		return nil, &run.Error{Kind: run.Busy, Message: "the simulator carries out one run, and has begun with one"}
	}
	if err := fits(job.Plan.Deck, b.world.deck); err != nil {
		return nil, err
	}
	b.run, b.opened = job, true
	return &session{b}, nil
}

// reopen begins another run on the world.
func (b *Backend) reopen() {
	b.queue, b.taken, b.final, b.done, b.current, b.failed, b.fails = nil, 0, false, 0, 0, 0, ""
	b.ended, b.news, b.pausing, b.paused, b.released, b.stopping = run.NoStatus, run.NoStatus, false, false, false, false
	b.world.Reopen()
}

// fits compares what the plan takes for granted with what is there.
func fits(want, have *program.Deck) error {
	if want == have {
		return nil
	}
	if len(want.Pipettes) > len(have.Pipettes) || len(want.Labware) > len(have.Labware) {
		return &run.Error{Kind: run.Rejected, Message: "the plan is for another deck"}
	}
	for i := range want.Pipettes {
		w, h := &want.Pipettes[i], &have.Pipettes[i]
		if w.Mount != h.Mount || w.Model.Name != h.Model.Name {
			return &run.Error{Kind: run.Rejected, Message: fmt.Sprintf("the plan has a %s on the %s mount, the simulator a %s on the %s", w.Model.Name, w.Mount, h.Model.Name, h.Mount)}
		}
	}
	for i := range want.Labware {
		w, h := &want.Labware[i], &have.Labware[i]
		if w.Slot != h.Slot || w.Def.URI() != h.Def.URI() {
			return &run.Error{Kind: run.Rejected, Message: fmt.Sprintf("the plan has %s in slot %s, the simulator %s in slot %s", w.Def.URI(), w.Slot, h.Def.URI(), h.Slot)}
		}
	}
	return nil
}

type handle struct {
	Run string `json:"run"`
}

// Reattach finds the run again, in the same process.
func (b *Backend) Reattach(ctx context.Context, job run.Job, h run.Handle) (run.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var was handle
	if err := b.silent(); err != nil {
		return nil, err
	}
	if err := b.asked(readRun); err != nil {
		return nil, err
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case json.Unmarshal(h, &was) != nil || !b.opened || was.Run != b.run.Run:
		return nil, &run.Error{Kind: run.Halted, Message: "the simulator knows no such run; it forgets with its process"}
	}
	b.run.Plan = job.Plan
	if b.waits() {
		b.paused = false // goes with the step's start
	}
	b.current = 0 // to be reported again
	b.news = b.ended
	if b.paused {
		b.news = run.Paused
	}
	return &session{b}, nil
}

// session is a run on a Backend.
type session struct{ b *Backend }

// Handle names the run.
func (s *session) Handle() run.Handle {
	h, err := json.Marshal(handle{s.b.run.Run})
	if err != nil {
		return nil // a string always has a JSON form
	}
	return h
}

// Extend takes over a plan that goes on.
func (s *session) Extend(p *program.Plan) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	s.b.run.Plan = p
}

// Close has nothing to let go of.
func (s *session) Close(context.Context) error { return nil }

// Send takes the batch.
func (s *session) Send(ctx context.Context, batch run.Batch) error {
	b := s.b
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return &run.Error{Kind: run.Rejected, Message: "not sent", Err: ctx.Err()}
	case b.ended != run.NoStatus:
		return &run.Error{Kind: run.Halted, Message: "the run is over"}
	case batch.First <= b.taken || len(batch.Steps) != batch.Last-batch.First+1 || b.left(batch.First):
		return &run.Error{Kind: run.Rejected, Message: fmt.Sprintf("steps %d to %d do not follow step %d", batch.First, batch.Last, b.taken)}
	}
	request := handSteps
	if b.taken == 0 {
		request = press
	}
	refused, lost := b.answer(request, "play")
	if refused != nil {
		return refused
	}
	for n := b.taken + 1; n < batch.First; n++ {
		b.world.Do(&b.run.Plan.Steps[n-1]) // beside the robot; it counts as a step
	}
	if len(b.queue) == 0 {
		b.queue = batch.Steps[:len(batch.Steps):len(batch.Steps)] // a plan never changes
	} else {
		b.queue = append(b.queue, batch.Steps...)
	}
	b.taken, b.final = batch.Last, batch.Final
	b.changed()
	return lost
}

// left reports whether steps before step n were not handed over, and should have
// been: all but those beside the robot.
func (b *Backend) left(n int) bool {
	between := b.run.Plan.Steps[b.taken : n-1]
	return slices.ContainsFunc(between, func(s program.Step) bool { return s.Live == nil })
}

func (b *Backend) changed() {
	close(b.wake)
	b.wake = make(chan struct{})
}

// Ask takes effect between steps.
func (s *session) Ask(ctx context.Context, c run.Control) error {
	b := s.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := b.silent(); err != nil {
		return err
	}
	refused, lost := b.answer(press, buttons[c])
	if refused != nil {
		return refused
	}
	switch c {
	case run.Pause, run.Stand:
		b.pausing = !b.paused
	case run.Resume:
		b.pausing = false
		if b.paused {
			b.paused, b.released, b.news = false, true, run.Running
		}
	case run.Stop:
		b.stopping = true
	}
	b.changed()
	return lost
}

// buttons are the controls as a robot's API calls them.
var buttons = map[run.Control]string{run.Pause: "pause", run.Stand: "pause", run.Resume: "play", run.Stop: "stop"}

// Find knows everything.
func (s *session) Find(ctx context.Context, n int) (run.Finding, error) {
	b := s.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.silent(); err != nil {
		return run.Finding{}, err
	}
	if err := b.asked(readSteps); err != nil {
		return run.Finding{}, err
	}
	if b.paused && b.news == run.NoStatus {
		b.news = run.Paused
	}
	switch {
	case ctx.Err() != nil:
		return run.Finding{}, ctx.Err()
	case n <= b.done:
		return run.Finding{Outcome: run.WasDone, Evidence: "simulated"}, nil
	case n == b.failed:
		return run.Finding{Outcome: run.HasFailed, Evidence: b.why()}, nil
	case n <= b.taken && b.ended == run.NoStatus:
		return run.Finding{Outcome: run.WasTaken, Evidence: "queued"}, nil
	}
	return run.Finding{Outcome: run.WasNotTaken, Evidence: "not among the steps of the run"}, nil
}

// Next lets the world do its next step and tells of it.
func (s *session) Next(ctx context.Context) (run.Report, error) {
	b := s.b
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return run.Report{}, ctx.Err()
		}
		if err := b.silent(); err != nil {
			return run.Report{}, err
		}
		if err := b.asked(readSteps, readRun); err != nil {
			return run.Report{}, err
		}
		if r, ok := b.turn(); ok {
			r.RobotMS = b.world.now/1000 + b.ahead
			return r, nil
		}
		if err := b.silent(); err != nil {
			return run.Report{}, err
		}
		if b.ended != run.NoStatus {
			return run.Report{}, &run.Error{Kind: run.Halted, Message: "the run is over"}
		}
		wake := b.wake
		b.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
		}
		b.mu.Lock()
	}
}

// turn does one thing, or returns false where there is nothing to do.
func (b *Backend) turn() (run.Report, bool) {
	switch {
	case b.news != run.NoStatus:
		r := run.Report{Status: b.news}
		b.news = run.NoStatus
		return r, true
	case b.ended != run.NoStatus:
		return run.Report{}, false
	case b.current != 0 && !b.waits():
		return b.finish(), true
	case b.stopping:
		b.world.Stop()
		return b.end(run.Stopped), true
	case b.failed != 0:
		return b.end(run.Errored), true
	case b.pausing:
		b.pausing, b.paused = false, true
		return run.Report{Status: run.Paused}, true
	case b.paused || b.waits():
		return run.Report{}, false
	case len(b.queue) > 0:
		if r, ok := b.befall(&b.queue[0]); ok {
			return r, true
		}
		switch {
		case b.cut > 0:
			return run.Report{}, false
		case b.gone || b.stopping:
			return b.turn()
		}
		return b.start(), true
	case b.final:
		return b.end(run.Succeeded), true
	}
	return run.Report{}, false
}

// waits reports whether the current step is a pause that nobody ended yet.
func (b *Backend) waits() bool {
	return b.current != 0 && b.queue[0].Op.Kind.Waits() && !b.released
}

func (b *Backend) start() run.Report {
	s := &b.queue[0]
	b.current, b.released = s.N, false
	r := run.Report{Phase: run.Started, Step: s.N}
	if s.Op.Kind.Waits() {
		b.paused, r.Status = true, run.Paused
	}
	return r
}

func (b *Backend) finish() run.Report {
	s := &b.queue[0]
	b.current, b.released = 0, false
	if b.fails != "" || !b.world.Do(s) {
		b.failed = s.N
		return run.Report{Phase: run.Failed, Step: s.N, Finding: run.Finding{Outcome: run.HasFailed, Evidence: b.why()}}
	}
	b.done = s.N
	b.queue = b.queue[1:]
	return run.Report{Phase: run.Done, Step: s.N, Finding: run.Finding{Outcome: run.WasDone}}
}

// why says why the step failed.
func (b *Backend) why() string {
	if b.fails != "" {
		return b.fails
	}
	return b.world.failure.Message
}

// end closes the run as a robot does: tips off, home.
func (b *Backend) end(s run.Status) run.Report {
	b.world.End()
	b.ended, b.paused, b.queue = s, false, nil
	return run.Report{Status: s}
}
