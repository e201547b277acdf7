package interpreter

import (
	"cmp"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Judge lets a sink hear of the checks of the workflow that hold, between the
// steps that they stand between. It may ask them again of what it takes to be
// in the wells.
type Judge interface {
	Check(*Check)
}

// Actual lets a sink say what is really in the wells, where that is not what the
// program takes to be in them: instruments that are simulated look at it. nil is
// what the program takes.
type Actual interface {
	Actual() *program.State
}

// Hears lets a sink hear what measurements and requests are taken to give, where
// Input.Likely has it, and what the workflow returns. The name of a value has
// the instrument before it, or request.
type Hears interface {
	Measured(s *program.Step, name string, v eval.Value)
	Returned(name string, v eval.Value)
}

// hear tells the sink what the step under way gives.
func (b *live) hear(x *expansion, items []eval.Value) {
	s, ok := x.sink.(Hears)
	if !ok || !x.keeps || b.kind == program.Ask {
		return
	}
	from := cmp.Or(b.instrument, b.kind.String())
	for i := range items {
		s.Measured(&x.step, from+"."+b.fields[i].key, items[i])
	}
}

// look evaluates what an instrument sees.
func (x *expansion) look(e *eval.Expr) (eval.Value, bool) {
	if s, ok := x.sink.(Actual); ok {
		if really := s.Actual(); really != nil {
			defer func(was *program.State) { x.env.State = was }(x.env.State)
			x.env.State = really
		}
	}
	return x.eval(e)
}

// Check is a `check` at one point of a program.
type Check struct {
	Frame *program.Frame // of the step
	That  string         // the condition, as it was written
	that  *eval.Expr
	text  *eval.Template
	vars  []eval.Value
	deck  *program.Deck
}

// pose hands a check that holds to a sink that wants to judge it.
func (b *assertion) pose(x *expansion, f *program.Frame) {
	j, ok := x.sink.(Judge)
	if !ok || x.trial != nil || x.halted() {
		return
	}
	j.Check(&Check{Frame: f, That: b.that.Source().Text, that: b.that, text: b.message, vars: slices.Clone(x.env.Vars), deck: x.deck})
}

// Reacts reports whether the workflow has steps beside the robot, so that what it
// does may depend on results that only a run brings.
func (p *Prepared) Reacts() bool { return len(p.lives) > 0 }

// Site tells checks apart by where they stand in the workflow, however often a
// program comes there.
func (c *Check) Site() any { return c.that }

// Holds asks the check of a state of the deck: names have the values that they
// have in the program, and wells hold what they hold in the state. A condition
// that cannot be worked out there does not hold, unless it is not known.
func (c *Check) Holds(s *program.State) bool {
	env := eval.Env{Vars: c.vars, Deck: c.deck, State: s}
	v, fault := c.that.Eval(&env)
	return fault == nil && (!v.Known() || v.Bool())
}

// Message is what the workflow says where the check does not hold in a state,
// or "" where it says nothing.
func (c *Check) Message(s *program.State) string {
	if c.text == nil {
		return ""
	}
	text, fault := c.text.Eval(&eval.Env{Vars: c.vars, Deck: c.deck, State: s})
	if fault != nil {
		return ""
	}
	return text
}
