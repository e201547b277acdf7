package eval

import (
	"fmt"
	"math"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Budgets of one evaluation.
const (
	maxElements = 1_000_000
	maxSteps    = 10_000_000
	maxText     = 1 << 20
	maxWhole    = 1<<53 - 1 // whole numbers beyond are not exact in a float64
)

// Env is what an expression is evaluated in. Vars holds the values of the
// names declared in the Scope, by slot. State is nil while a workflow is only
// checked; what a well holds is Unknown then. An Env belongs to one goroutine
// and is reused for many evaluations, which is what makes them cheap.
type Env struct {
	Vars  []Value
	Deck  *program.Deck
	State *program.State

	// GaveOut has the labware, by index, of which an evaluation that failed would
	// have needed another well or tip than there is, each once.
	GaveOut []int

	err    *diag.Diagnostic
	steps  int
	made   int
	locals []Value // elements of the lists that predicates are going through
	stack  []Value // arguments of the functions being called
}

// code is a compiled part of an expression. A Value whose state is failed
// means that Env.err says why.
type code func(*Env) Value

func (env *Env) begin() {
	env.err, env.steps, env.made = nil, 0, 0
	env.locals, env.stack, env.GaveOut = env.locals[:0], env.stack[:0], env.GaveOut[:0]
}

// fail stops the evaluation with a diagnostic.
func (env *Env) fail(at where, code *diag.Code, message, help string) Value {
	if env.err == nil {
		start, end := at.s.extent(at.node)
		env.err = &diag.Diagnostic{Code: code, Span: at.s.scalar.Span(start, end), Message: message, Help: help}
	}
	return Value{}
}

// spend counts work done in loops; ok is false when the budget is used up.
func (env *Env) spend(at where, steps int) bool {
	env.steps += steps
	if env.steps > maxSteps {
		env.fail(at, diag.TooMuch, "this takes more than ten million steps of calculation", "use shorter lists")
		return false
	}
	return true
}

// grow counts list elements about to be made; ok is false when they are too
// many.
func (env *Env) grow(at where, elements int) bool {
	env.made += elements
	if env.made > maxElements || elements > maxElements {
		env.fail(at, diag.TooMuch, "this makes more than a million list elements", "use shorter lists")
		return false
	}
	return env.spend(at, elements)
}

// text returns a text unless it is too long.
func (env *Env) text(at where, s string) Value {
	if len(s) > maxText {
		return env.fail(at, diag.TooMuch, "this makes a text of more than a megabyte", "use a shorter text")
	}
	if !env.spend(at, len(s)/64) {
		return Value{}
	}
	return TextValue(s)
}

// weigh counts the elements of a value, nested ones too, as work; ok is false
// when the budget is used up.
func (env *Env) weigh(at where, v Value) bool {
	if v.kind != List && v.kind != Record || v.state != known {
		return true
	}
	if !env.spend(at, len(v.box.items)) {
		return false
	}
	if e := v.box.typ.elem(); v.kind == List && e.Kind != List && e.Kind != Record && e.Kind != Wells {
		return true
	}
	for _, e := range v.box.items {
		if !env.weigh(at, e) {
			return false
		}
	}
	return true
}

// number returns f as a value of the numeric type t if it can be held.
func (env *Env) number(at where, f float64, t Type) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return env.notFinite(at, f)
	}
	if t.Kind == Integer && math.Abs(f) > maxWhole {
		return env.fail(at, diag.NotFinite, "this whole number is too large to be exact", "whole numbers reach to 9007199254740991")
	}
	return Value{kind: t.Kind, dim: t.Dim, state: known, num: f}
}

func (env *Env) notFinite(at where, f float64) Value {
	if math.IsNaN(f) {
		return env.fail(at, diag.NotFinite, "the result of "+at.text()+" is not defined", "check the values it is made of")
	}
	return env.fail(at, diag.NotFinite, "the result of "+at.text()+" is too large for a number", checkSize)
}

// pass hands on a value that stops an operation: a failure as it is, an
// unknown as an unknown of the operation's type.
func pass(v Value, t Type) Value {
	if v.state == unknown {
		return UnknownValue(t, v.text)
	}
	return Value{}
}

// border rounds what leaves an expression to whole base units.
func border(inner code, at where) code {
	const limit = float64(quantity.Limit)
	return func(env *Env) Value {
		v := inner(env)
		switch {
		case v.state != known:
			return v
		case v.kind == Quantity && v.num >= -limit && v.num <= limit:
			v.num = math.Round(v.num)
			return v
		}
		return env.round(at, v)
	}
}

func (env *Env) round(at where, v Value) Value {
	switch v.kind {
	case Quantity:
		q, ok := quantity.Round(v.dim, v.num)
		if !ok {
			return env.fail(at, diag.NotFinite, fmt.Sprintf("%s is %g %s, which is too large", at.text(), v.num/float64(v.dim.Base()), v.dim.Unit()), checkSize)
		}
		v.num = float64(q.N)
	case List, Record:
		return env.roundItems(at, v)
	}
	return v
}

// roundItems rounds the elements of a list, which is copied only if one of
// them changes.
func (env *Env) roundItems(at where, v Value) Value {
	if !v.box.typ.holdsQuantity() {
		return v
	}
	var changed []Value
	for i, e := range v.box.items {
		if e.state != known {
			continue
		}
		r := env.round(at, e)
		if r.state == failed {
			return r
		}
		if changed == nil && (r.num != e.num || r.box != e.box) {
			changed = append([]Value(nil), v.box.items...)
		}
		if changed != nil {
			changed[i] = r
		}
	}
	if changed != nil {
		v.box = &box{typ: v.box.typ, items: changed, deck: v.box.deck}
	}
	return v
}

// checkSize is what to do about a number that is too large.
const checkSize = "check the numbers and their units"
