package eval

import (
	"fmt"

	"github.com/expr-lang/expr/ast"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Operators that choose, and the type that alternatives have in common.

// alike converts two operands to a common type; ok is false if there is none.
func (c *compiler) alike(l, r operand) (operand, operand, bool) {
	switch {
	case l.typ.isNumeric() && r.typ.isNumeric():
		return c.align(l, r)
	case l.typ.Equal(r.typ):
		return l, r, true
	case l.typ.Kind == Color && r.typ.Kind == Text:
		r = c.coerce(r, l.typ)
		return l, r, true
	case r.typ.Kind == Color && l.typ.Kind == Text:
		l = c.coerce(l, r.typ)
		return l, r, true
	case l.typ.isPlaces() && r.typ.isPlaces() && l.typ.Kind != Well && r.typ.Kind != Well:
		wells := ListOf(Type{Kind: Well})
		return c.asWells(l, wells), c.asWells(r, wells), true
	case l.typ.Kind == List && r.typ.Kind == List:
		t, ok := unify(l.typ, r.typ)
		if !ok {
			return l, r, false
		}
		return c.coerce(l, t), c.coerce(r, t), true
	}
	return l, r, false
}

// fallback is a ?? b: b where a is nothing.
func (c *compiler) fallback(n *ast.BinaryNode) operand {
	l, r := c.raw(n.Left), c.raw(n.Right)
	if l.typ.Kind == Invalid || r.typ.Kind == Invalid {
		return operand{node: n}
	}
	t, ok := c.common(l, r)
	if !ok {
		return c.fail(unlike(l, r), n, fmt.Sprintf("replaces %s (%s) by %s (%s)", measure(l), c.text(l), measure(r), c.text(r)), "both sides of ?? must be of one kind")
	}
	l, r = c.coerce(l, t), c.coerce(r, t)
	if l.typ.Kind == Invalid || r.typ.Kind == Invalid {
		return operand{node: n}
	}
	left, right := l.code, r.code
	return c.fold(operand{node: n, typ: t, maybe: r.maybe, ratio: l.ratio || r.ratio, code: func(env *Env) Value {
		if v := left(env); v.state != nothing {
			return v
		}
		return right(env)
	}}, l, r)
}

// choice is a ? b : c and if a {b} else {c}.
func (c *compiler) choice(n *ast.ConditionalNode) operand {
	cond, a, b := c.compile(n.Cond), c.raw(n.Exp1), c.raw(n.Exp2)
	if cond.typ.Kind != Bool && cond.typ.Kind != Invalid {
		return c.fail(diag.TypeMismatch, cond.node, "a choice needs true or false, and "+c.text(cond)+" is "+cond.typ.phrase(), hintBool(cond.typ))
	}
	if cond.typ.Kind == Invalid || a.typ.Kind == Invalid || b.typ.Kind == Invalid {
		return operand{node: n}
	}
	t, ok := c.common(a, b)
	if !ok {
		return c.fail(unlike(a, b), n, fmt.Sprintf("gives %s (%s) or %s (%s)", measure(a), c.text(a), measure(b), c.text(b)), "both alternatives must be of one kind")
	}
	a, b = c.coerce(a, t), c.coerce(b, t)
	if a.typ.Kind == Invalid || b.typ.Kind == Invalid {
		return operand{node: n}
	}
	test, yes, no := cond.code, a.code, b.code
	return c.fold(operand{node: n, typ: t, maybe: a.maybe || b.maybe, ratio: a.ratio || b.ratio, code: func(env *Env) Value {
		v := test(env)
		switch {
		case v.state != known:
			return pass(v, t)
		case v.Bool():
			return yes(env)
		}
		return no(env)
	}}, cond, a, b)
}

// common is the type that both operands can take.
func (c *compiler) common(l, r operand) (Type, bool) {
	if l.typ.Kind == Quantity && r.ratio || r.typ.Kind == Quantity && l.ratio {
		return Type{}, false
	}
	return unify(l.typ, r.typ)
}

// unify returns the type that both types can be converted to.
func unify(a, b Type) (Type, bool) {
	switch {
	case a.Kind == Invalid || a.Kind == Nothing:
		return b, true
	case b.Kind == Invalid || b.Kind == Nothing || a.Equal(b):
		return a, true
	case a.isPlain() && b.isPlain():
		return Type{Kind: Number}, true
	case a.Kind == Quantity && b.isPlain():
		return a, true
	case b.Kind == Quantity && a.isPlain():
		return b, true
	case a.Kind == Color && b.Kind == Text:
		return a, true
	case b.Kind == Color && a.Kind == Text:
		return b, true
	case a.isPlaces() && b.isPlaces():
		return Type{Kind: Wells}, true
	case a.Kind == List && b.Kind == List:
		t, ok := unify(a.elem(), b.elem())
		return ListOf(t), ok
	}
	return Type{}, false
}
