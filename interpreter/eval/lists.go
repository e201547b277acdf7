package eval

import (
	"fmt"
	"math"

	"github.com/expr-lang/expr/ast"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Lists that are written out.

// span is a..b, the whole numbers from a to b.
func (c *compiler) span(n *ast.BinaryNode, l, r operand) operand {
	a, b := c.whole(l, ".."), c.whole(r, "..")
	if a.typ.Kind == Invalid || b.typ.Kind == Invalid {
		return operand{node: n}
	}
	left, right, at, t := a.code, b.code, c.at(n), ListOf(Type{Kind: Integer})
	return c.fold(operand{node: n, typ: t, code: numbers(left, right, t, func(env *Env, x, y float64) Value { return env.integers(at, x, y, 1) })}, a, b)
}

// whole converts an operand to a whole number for an operator or an index.
func (c *compiler) whole(o operand, what string) operand {
	if o.typ.Kind == Invalid {
		return o
	}
	if !o.typ.isPlain() {
		return c.fail(diag.TypeMismatch, o.node, what+" needs a whole number, and "+c.text(o)+" is "+o.typ.phrase(), "")
	}
	return c.coerce(o, Type{Kind: Integer})
}

// integers lists from, from+step, … up to and including to.
func (env *Env) integers(at where, from, to, step float64) Value {
	count := math.Floor((to-from)/step) + 1
	if count > maxElements {
		count = maxElements + 1
	}
	if !env.grow(at, int(max(count, 0))) {
		return Value{}
	}
	items := make([]Value, int(max(count, 0)))
	for i := range items {
		items[i] = Value{kind: Integer, state: known, num: from + float64(i)*step}
	}
	return ListValue(Type{Kind: Integer}, items)
}

// array is [a, b, c]: a list of things of one kind.
func (c *compiler) array(n *ast.ArrayNode) operand {
	parts := make([]operand, len(n.Nodes))
	elem, bad, ratio := Type{}, false, false
	for i, e := range n.Nodes {
		parts[i] = c.compile(e)
		if parts[i].typ.Kind == Invalid {
			bad = true
			continue
		}
		t, ok := unify(elem, parts[i].typ)
		if ok && i > 0 && !bad {
			_, ok = c.common(operand{typ: elem, ratio: ratio}, parts[i])
		}
		if !ok {
			return c.fail(unlike(operand{typ: elem}, parts[i]), parts[i].node, fmt.Sprintf("puts %s (%s) into a list of %s", measure(parts[i]), c.text(parts[i]), elem.plural()), "a list holds things of one kind")
		}
		elem, ratio = t, ratio || parts[i].ratio
	}
	if bad {
		return operand{node: n}
	}
	return c.makeList(n, parts, elem)
}

func (c *compiler) makeList(n ast.Node, parts []operand, elem Type) operand {
	codes := make([]code, len(parts))
	for i := range parts {
		if elem.Kind != Invalid {
			parts[i] = c.coerce(parts[i], elem)
		}
		if parts[i].typ.Kind == Invalid && elem.Kind != Invalid {
			return operand{node: n}
		}
		codes[i] = parts[i].code
	}
	at, t := c.at(n), ListOf(elem)
	return c.fold(operand{node: n, typ: t, code: func(env *Env) Value {
		if !env.grow(at, len(codes)) {
			return Value{}
		}
		items := make([]Value, len(codes))
		for i, code := range codes {
			if items[i] = code(env); items[i].state == failed {
				return Value{}
			}
		}
		return Value{kind: List, state: known, box: &box{typ: t, items: items}}
	}}, parts...)
}
