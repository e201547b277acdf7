package eval

import (
	"fmt"
	"math"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Operators that calculate.

// align gives a bare number the unit of the other side. ok is false when the
// two measure different things.
func (c *compiler) align(l, r operand) (operand, operand, bool) {
	switch {
	case l.typ.isPlain() && r.typ.isPlain():
		return l, r, true
	case l.typ.Kind == Quantity && r.typ.Kind == Quantity:
		return l, r, l.typ.Dim == r.typ.Dim
	case l.typ.Kind == Quantity && r.typ.isPlain() && !r.ratio:
		return l, c.withUnit(r, l.typ.Dim), true
	case r.typ.Kind == Quantity && l.typ.isPlain() && !l.ratio:
		return c.withUnit(l, r.typ.Dim), r, true
	}
	return l, r, false
}

// withUnit makes a quantity of a bare number, in the documented unit.
func (c *compiler) withUnit(o operand, d quantity.Dim) operand {
	inner, base, t, at := o.code, float64(d.Base()), Of(d), c.at(o.node)
	return c.fold(operand{node: o.node, typ: t, code: func(env *Env) Value {
		v := inner(env)
		if v.state != known {
			return pass(v, t)
		}
		return env.number(at, v.num*base, t)
	}}, o)
}

// plainResult is the type of + - * % of plain numbers.
func plainResult(l, r Type) Type {
	if l.Kind == Integer && r.Kind == Integer {
		return l
	}
	return Type{Kind: Number}
}

// measure names what an operand measures: "a volume", "a ratio".
func measure(o operand) string {
	if o.ratio && o.typ.isPlain() {
		return "a ratio"
	}
	return o.typ.phrase()
}

func (c *compiler) sum(n *ast.BinaryNode, l, r operand) operand {
	if l.typ.Kind == Text && r.typ.Kind == Text && n.Operator == "+" {
		return c.concat(n, l, r)
	}
	if !l.typ.isNumeric() || !r.typ.isNumeric() {
		return c.fail(diag.TypeMismatch, n, c.sumMessage(n.Operator, l, r), c.sumHelp(n.Operator, l, r))
	}
	a, b, ok := c.align(l, r)
	if !ok {
		return c.fail(diag.WrongDimension, n, c.sumMessage(n.Operator, l, r), c.ratioHelp(n.Operator, l, r))
	}
	t := a.typ
	if a.typ.isPlain() {
		t = plainResult(a.typ, b.typ)
	}
	left, right, at := a.code, b.code, c.at(n)
	o := operand{node: n, typ: t, ratio: t.isPlain() && (l.ratio || r.ratio)}
	sign := 1.0
	if n.Operator == "-" {
		sign = -1
	}
	o.code = numbers(left, right, t, func(env *Env, x, y float64) Value { return env.number(at, x+sign*y, t) })
	return c.fold(o, a, b)
}

func (c *compiler) sumMessage(op string, l, r operand) string {
	if op == "+" {
		return fmt.Sprintf("adds %s (%s) and %s (%s)", measure(l), c.text(l), measure(r), c.text(r))
	}
	return fmt.Sprintf("subtracts %s (%s) from %s (%s)", measure(r), c.text(r), measure(l), c.text(l))
}

func (c *compiler) sumHelp(op string, l, r operand) string {
	switch {
	case op == "+" && l.typ.Kind == Text:
		return "make text of it: " + c.text(l) + " + string(" + c.text(r) + ")"
	case op == "+" && r.typ.Kind == Text:
		return "make text of it: string(" + c.text(l) + ") + " + c.text(r)
	case op == "+" && l.typ.Kind == List && r.typ.Kind == List:
		return "write concat(" + c.text(l) + ", " + c.text(r) + ") to join lists"
	case l.typ.Kind == Well || r.typ.Kind == Well:
		return "a well's volume is " + c.text(oneOf(l, r, Well)) + ".volume"
	}
	return ""
}

func oneOf(l, r operand, k Kind) operand {
	if l.typ.Kind == k {
		return l
	}
	return r
}

// ratioHelp says how a share of a quantity is written.
func (c *compiler) ratioHelp(op string, l, r operand) string {
	switch {
	case l.typ.Kind == Quantity && r.ratio:
		return "a share of it is " + c.text(l) + " * (1 " + op + " " + c.text(r) + ")"
	case r.typ.Kind == Quantity && l.ratio:
		return "a share of it is " + c.text(l) + " * " + c.text(r)
	}
	return ""
}

func (c *compiler) concat(n ast.Node, l, r operand) operand {
	left, right, at, t := l.code, r.code, c.at(n), Type{Kind: Text}
	return c.fold(operand{node: n, typ: t, code: both(left, right, t, func(env *Env, a, b Value) Value { return env.text(at, a.text+b.text) })}, l, r)
}

// scale is * and /, whose result may measure something else than both sides.
func (c *compiler) scale(n *ast.BinaryNode, l, r operand) operand {
	if !l.typ.isNumeric() || !r.typ.isNumeric() {
		return c.fail(diag.TypeMismatch, n, c.scaleMessage(n.Operator, l, r), "")
	}
	rule := quantity.Product
	if n.Operator == "/" {
		rule = quantity.Quotient
	}
	dim, factor, ok := rule(l.typ.Dim, r.typ.Dim)
	if !ok {
		return c.fail(diag.WrongDimension, n, c.scaleMessage(n.Operator, l, r)+", and no unit fits the result", "")
	}
	t := Of(dim)
	if n.Operator == "*" && t.Kind == Number {
		t = plainResult(l.typ, r.typ)
	}
	o := operand{node: n, typ: t, ratio: t.Kind == Number && (l.ratio || r.ratio || l.typ.Kind == Quantity)}
	if n.Operator == "*" {
		o.code = product(l.code, r.code, factor, c.at(n), t)
	} else {
		o.code = quotient(l.code, r.code, factor, c.at(n), c.at(r.node), t)
	}
	return c.fold(o, l, r)
}

func (c *compiler) scaleMessage(op string, l, r operand) string {
	verb := "multiplies"
	if op == "/" {
		verb = "divides"
	}
	return fmt.Sprintf("%s %s (%s) by %s (%s)", verb, measure(l), c.text(l), measure(r), c.text(r))
}

func product(left, right code, factor float64, at where, t Type) code {
	return numbers(left, right, t, func(env *Env, a, b float64) Value { return env.number(at, a*b*factor, t) })
}

func quotient(left, right code, factor float64, at, divisor where, t Type) code {
	return numbers(left, right, t, func(env *Env, a, b float64) Value {
		if b == 0 {
			return env.fail(divisor, diag.DivisionByZero, "divides by "+zeroText(divisor), notZero)
		}
		return env.number(at, a/b*factor, t)
	})
}

// notZero is what to do about a divisor that is zero.
const notZero = "give it another value, or choose with if: if n != 0 {R / n} else {0 uL}"

// zeroText names a divisor that is zero.
func zeroText(at where) string {
	if text := at.text(); strings.Trim(text, "0.") != "" {
		return text + ", which is zero here"
	}
	return "zero"
}

// power is % and **, which work on plain numbers.
func (c *compiler) power(n *ast.BinaryNode, l, r operand) operand {
	for _, o := range []operand{l, r} {
		if !o.typ.isPlain() {
			code := diag.TypeMismatch
			if o.typ.Kind == Quantity {
				code = diag.WrongDimension
			}
			return c.fail(code, o.node, n.Operator+" needs plain numbers, and "+c.text(o)+" is "+o.typ.phrase(), "")
		}
	}
	left, right, at, divisor := l.code, r.code, c.at(n), c.at(r.node)
	t := Type{Kind: Number}
	if n.Operator == "%" {
		t = plainResult(l.typ, r.typ)
	}
	remainder := n.Operator == "%"
	return c.fold(operand{node: n, typ: t, ratio: l.ratio, code: numbers(left, right, t, func(env *Env, a, b float64) Value {
		if !remainder {
			return env.number(at, math.Pow(a, b), t)
		}
		if b == 0 {
			return env.fail(divisor, diag.DivisionByZero, "takes the remainder by "+zeroText(divisor), notZero)
		}
		return env.number(at, math.Mod(a, b)+0, t)
	})}, l, r)
}
