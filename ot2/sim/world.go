package sim

import (
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Outcome is how a program ended in a World.
type Outcome uint8

// The outcomes. A World is OK until something else happens.
const (
	OK Outcome = iota
	Failed
	Stopped
)

// String returns the outcome as ot2flow.simulation/1 says it.
func (o Outcome) String() string { return [...]string{"ok", "failed", "stopped"}[o] }

// World is a robot's deck on which steps happen. Its state is its own: that an
// expansion arrived at the same one is checked by nobody but the two. A World
// belongs to one goroutine; a step allocates nothing.
type World struct {
	deck    *program.Deck
	state   *program.State
	timer   program.Timer
	trace   *Trace
	now     int64 // µs since the start
	steps   int   // carried out
	outcome Outcome
	failure *Failure
	was     ended   // how the first run on the deck ended that did not end well
	held    []int64 // scratch: nL by liquid in all channels
	waste   []int64 // nL by liquid, and last what no declaration names, that went into the trash
	used    program.Counting
	closed  bool
}

var _ program.Sink = (*World)(nil)

// Failure is the step that could not be carried out, and why. What a refused
// step would have changed stays as it was.
type Failure struct {
	Step    program.Step
	Faults  program.Fault
	Message string
}

// NewWorld returns a world in the given state, which it takes over. The timer
// is told every operation, in order.
func NewWorld(start *program.State, timer program.Timer) *World {
	liquids := len(start.Deck.Liquids)
	return &World{
		deck: start.Deck, state: start, timer: timer, waste: make([]int64, liquids+1), held: make([]int64, liquids+1),
		used: program.NewCounting(start.Deck),
	}
}

// TraceTo makes the world write a line for every step. It is called before the
// first one.
func (w *World) TraceTo(t *Trace) { w.trace = t }

// State returns the state of the deck. It changes with every step.
func (w *World) State() *program.State { return w.state }

// ElapsedUS returns the virtual time since the start, in µs.
func (w *World) ElapsedUS() int64 { return w.now }

// Failure returns the step that failed, or nil.
func (w *World) Failure() *Failure { return w.told().failure }

// Step carries out a step of an expansion. After one that failed, those that
// follow are left alone. The error is the trace's.
func (w *World) Step(t *program.Transition) error {
	w.Do(t.Step)
	return w.trace.failed()
}

// Do carries out a step and reports whether it could be. After one that could
// not, or after End, nothing is carried out any more. An EndRun is End, and
// counts as no step.
func (w *World) Do(s *program.Step) bool {
	if w.outcome != OK || w.closed {
		return false
	}
	op := &s.Op
	if op.Kind == program.EndRun {
		w.End()
		return true
	}
	if s.Protocol != nil {
		return w.protocol(s)
	}
	touched := w.state.Apply(op)
	if faults := touched.Faults &^ program.NotEmpty; faults != 0 {
		w.refuse(s, touched)
		return false
	}
	w.throw(op, touched)
	w.used.Count(op, touched, w.state)
	took := w.timer.Duration(op)
	w.trace.step(w, s, touched, took)
	w.now += took
	w.steps++
	return true
}

// protocol carries out a protocol: what is known of what it does.
func (w *World) protocol(s *program.Step) bool {
	before, now := w.state.Clone(), w.now
	for i := range s.Protocol.Does {
		op := &s.Protocol.Does[i]
		t := w.state.Apply(op)
		if faults := t.Faults &^ program.NotEmpty; faults != 0 {
			w.failure = &Failure{Step: *s, Faults: faults}
			w.failure.Message = s.Protocol.File + ": " + w.explain(op, faults, t)
			w.outcome, w.state, w.now = Failed, before, now
			w.trace.refused(w, s, w.failure.Message)
			return false
		}
		w.throw(op, t)
		w.now += w.timer.Duration(op)
	}
	took := w.now - now
	w.state, w.now = before, now
	touched := w.state.Do(s)
	w.used.Count(&s.Op, touched, w.state)
	w.trace.step(w, s, touched, took)
	w.now += took
	w.steps++
	return true
}

// throw keeps account of liquid that leaves the deck: given into the trash, or
// put away with its tip.
func (w *World) throw(op *program.Op, t *program.Touched) {
	switch op.Kind {
	case program.Dispense, program.BlowOut:
		if !op.Trash || t.Moved == 0 {
			return
		}
		clear(w.held)
		w.state.Mounts[op.Pipette].Parts(w.held)
		for i, left := range w.held {
			w.waste[i] -= left
		}
		t.HeldParts(w.waste)
	case program.DropTip, program.ReturnTip:
		if t.Held == 0 {
			return
		}
		t.HeldParts(w.waste)
	default:
	}
}

func (w *World) refuse(s *program.Step, t *program.Touched) {
	w.failure = &Failure{Step: *s, Faults: t.Faults &^ program.NotEmpty}
	w.state.Revert(&s.Op, t)
	w.failure.Message = w.explain(&s.Op, w.failure.Faults, t)
	w.outcome = Failed
	w.trace.refused(w, s, w.failure.Message)
}

// Stop ends the program where it is, because a person wants that.
func (w *World) Stop() {
	if w.outcome == OK && !w.closed {
		w.outcome = Stopped
	}
}

// End does what a robot does at the end of every run: it drops the tip that is
// on, with what is in it, into the trash, and homes. It is no step.
func (w *World) End() {
	if w.closed {
		return
	}
	w.closed = true
	for i := range w.state.Mounts {
		w.state.Mounts[i].Parts(w.waste)
	}
	op := program.Op{Kind: program.EndRun, Well: program.None}
	w.now += w.timer.Duration(&op)
	w.state.Apply(&op)
}

// ended is how a run ended.
type ended struct {
	outcome Outcome
	failure *Failure
}

// Reopen begins another run on the deck as the one before left it. What that came
// to stays what is told.
func (w *World) Reopen() {
	if w.was.outcome == OK {
		w.was = ended{w.outcome, w.failure}
	}
	w.closed, w.outcome, w.failure = false, OK, nil
}

// told is how the runs on the deck ended, all of them taken together.
func (w *World) told() ended {
	if w.was.outcome != OK {
		return w.was
	}
	return ended{w.outcome, w.failure}
}

// diagnostic tells of the failure as of every other finding.
func (f *Failure) diagnostic() diag.Diagnostic {
	return diag.Diagnostic{
		Code: diag.RunFailed, Severity: diag.Error, Span: f.Step.Where(),
		Message: "step " + strconv.Itoa(f.Step.N) + " (" + f.Step.ID() + ") cannot be carried out: " + f.Message,
		Frames:  f.Step.Frame.Loops(f.Step.Where().File),
	}
}
