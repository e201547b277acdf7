package eval

import (
	"github.com/expr-lang/expr/ast"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

func (c *compiler) unary(n *ast.UnaryNode) operand {
	o := c.compile(n.Node)
	if o.typ.Kind == Invalid {
		return operand{node: n}
	}
	if n.Operator == "not" || n.Operator == "!" {
		return c.not(n, o)
	}
	if !o.typ.isNumeric() {
		return c.fail(diag.TypeMismatch, n, "a sign needs a number, and "+c.text(o)+" is "+o.typ.phrase(), "")
	}
	if n.Operator == "+" {
		o.node = n
		return o
	}
	inner, t := o.code, o.typ
	return c.fold(operand{node: n, typ: t, ratio: o.ratio, code: func(env *Env) Value {
		v := inner(env)
		if v.state != known {
			return v
		}
		v.num = 0 - v.num
		return v
	}}, o)
}

func (c *compiler) not(n *ast.UnaryNode, o operand) operand {
	if o.typ.Kind != Bool {
		return c.fail(diag.TypeMismatch, o.node, "not needs true or false, and "+c.text(o)+" is "+o.typ.phrase(), hintBool(o.typ))
	}
	inner := o.code
	return c.fold(operand{node: n, typ: o.typ, code: func(env *Env) Value {
		v := inner(env)
		if v.state == known {
			v.num = 1 - v.num
		}
		return v
	}}, o)
}

// hintBool says how a value that is not true or false is made so.
func hintBool(t Type) string {
	switch {
	case t.Kind == Quantity:
		return "compare it, for example > " + quantity.Quantity{Dim: t.Dim}.String()
	case t.isPlain():
		return "compare it, for example > 0"
	case t.Kind == Well || t.isPlaces():
		return "compare what it holds, for example .volume > 0 uL"
	}
	return "compare it, for example with =="
}

func (c *compiler) binary(n *ast.BinaryNode) operand {
	if n.Operator == "??" {
		return c.fallback(n)
	}
	if n.Operator == "==" || n.Operator == "!=" {
		return c.equality(n)
	}
	l, r := c.compile(n.Left), c.compile(n.Right)
	if l.typ.Kind == Invalid || r.typ.Kind == Invalid {
		return operand{node: n}
	}
	switch n.Operator {
	case "and", "&&", "or", "||":
		return c.logic(n, l, r)
	case "+", "-":
		return c.sum(n, l, r)
	case "*", "/":
		return c.scale(n, l, r)
	case "%", "**", "^":
		return c.power(n, l, r)
	case "<", "<=", ">", ">=":
		return c.order(n, l, r)
	case "..":
		return c.span(n, l, r)
	case "in":
		return c.membership(n, l, r)
	case "contains", "startsWith", "endsWith", "matches":
		return c.textTest(n, l, r)
	}
	return c.fail(diag.ExprSyntax, n, n.Operator+" is no operator here", "")
}

// both evaluates what two operands that must be known come to. One that is not
// makes the whole unknown, the left one first.
func both(left, right code, t Type, f func(env *Env, a, b Value) Value) code {
	return func(env *Env) Value {
		a := left(env)
		if a.state != known {
			return pass(a, t)
		}
		b := right(env)
		if b.state != known {
			return pass(b, t)
		}
		return f(env, a, b)
	}
}

// numbers is both for operands that are numbers: these go from hand to hand in
// registers, which a Value does not.
func numbers(left, right code, t Type, f func(env *Env, a, b float64) Value) code {
	return func(env *Env) Value {
		a := left(env)
		if a.state != known {
			return pass(a, t)
		}
		b := right(env)
		if b.state != known {
			return pass(b, t)
		}
		return f(env, a.num, b.num)
	}
}

// logic is and, or. Unknown operands matter only if the other one does not
// decide; an operand that fails after an unknown one may never be reached and
// counts as unknown.
func (c *compiler) logic(n *ast.BinaryNode, l, r operand) operand {
	for _, o := range []operand{l, r} {
		if o.typ.Kind != Bool {
			return c.fail(diag.TypeMismatch, o.node, n.Operator+" needs true or false on both sides, and "+c.text(o)+" is "+o.typ.phrase(), hintBool(o.typ))
		}
	}
	left, right, decides := l.code, r.code, n.Operator == "or" || n.Operator == "||"
	return c.fold(operand{node: n, typ: Type{Kind: Bool}, code: func(env *Env) Value {
		a := left(env)
		if a.state == failed || a.state == known && a.Bool() == decides {
			return a
		}
		b := right(env)
		switch {
		case a.state == known:
			return b
		case b.state == failed:
			env.err = nil
			return a
		case b.state == known && b.Bool() == decides:
			return b
		}
		return a
	}}, l, r)
}
