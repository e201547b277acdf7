package sim

import (
	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Stream is a World that comes into being when an expansion begins: the deck
// may depend on parameters, so nobody has it before. Nothing is kept of steps
// that are over.
type Stream struct {
	timer func(*program.Deck) program.Timer
	trace *Trace
	world *World
}

var (
	_ program.Sink      = (*Stream)(nil)
	_ interpreter.Start = (*Stream)(nil)
)

// NewStream returns a sink that simulates an expansion; trace may be nil.
func NewStream(timer func(*program.Deck) program.Timer, trace *Trace) *Stream {
	return &Stream{timer: timer, trace: trace}
}

// Start sets the deck and what stands on it.
func (s *Stream) Start(begin *program.State, _ []program.Param) {
	s.world = NewWorld(begin.Clone(), s.timer(begin.Deck))
	s.world.TraceTo(s.trace)
}

// Step carries out one step.
func (s *Stream) Step(t *program.Transition) error { return s.world.Step(t) }

// End ends the run and returns what came of it; nil if it never began.
func (s *Stream) End() *Result {
	if s.world == nil {
		return nil
	}
	s.world.End()
	return s.world.Result()
}
