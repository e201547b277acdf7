package eval

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

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
	if n.Operator == "+" {
		o.code = func(env *Env) Value {
			x := left(env)
			if x.state != known {
				return pass(x, t)
			}
			y := right(env)
			if y.state != known {
				return pass(y, t)
			}
			return env.number(at, x.num+y.num, t)
		}
		return c.fold(o, a, b)
	}
	o.code = func(env *Env) Value {
		x := left(env)
		if x.state != known {
			return pass(x, t)
		}
		y := right(env)
		if y.state != known {
			return pass(y, t)
		}
		return env.number(at, x.num-y.num, t)
	}
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
	return c.fold(operand{node: n, typ: t, code: func(env *Env) Value {
		a := left(env)
		if a.state != known {
			return pass(a, t)
		}
		b := right(env)
		if b.state != known {
			return pass(b, t)
		}
		return env.text(at, a.text+b.text)
	}}, l, r)
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
	return func(env *Env) Value {
		a := left(env)
		if a.state != known {
			return pass(a, t)
		}
		b := right(env)
		if b.state != known {
			return pass(b, t)
		}
		return env.number(at, a.num*b.num*factor, t)
	}
}

func quotient(left, right code, factor float64, at, divisor where, t Type) code {
	return func(env *Env) Value {
		a := left(env)
		if a.state != known {
			return pass(a, t)
		}
		b := right(env)
		if b.state != known {
			return pass(b, t)
		}
		if b.num == 0 {
			return env.fail(divisor, diag.DivisionByZero, "divides by "+zeroText(divisor), notZero)
		}
		return env.number(at, a.num/b.num*factor, t)
	}
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
	return c.fold(operand{node: n, typ: t, ratio: l.ratio, code: func(env *Env) Value {
		a := left(env)
		if a.state != known {
			return pass(a, t)
		}
		b := right(env)
		if b.state != known {
			return pass(b, t)
		}
		if !remainder {
			return env.number(at, math.Pow(a.num, b.num), t)
		}
		if b.num == 0 {
			return env.fail(divisor, diag.DivisionByZero, "takes the remainder by "+zeroText(divisor), notZero)
		}
		return env.number(at, math.Mod(a.num, b.num)+0, t)
	}}, l, r)
}

// order is < <= > >= on numbers, quantities and texts.
func (c *compiler) order(n *ast.BinaryNode, l, r operand) operand {
	if l.typ.Kind == Text && r.typ.Kind == Text {
		return c.compare(n, l, r, func(a, b Value) bool { return holds(n.Operator, strings.Compare(a.text, b.text)) })
	}
	if !l.typ.isNumeric() || !r.typ.isNumeric() {
		return c.fail(diag.TypeMismatch, n, c.compareMessage(l, r), "")
	}
	a, b, ok := c.align(l, r)
	if !ok {
		return c.fail(diag.WrongDimension, n, c.compareMessage(l, r), "")
	}
	return c.compare(n, a, b, numericTest(n.Operator, a.typ.Kind == Quantity))
}

func (c *compiler) compareMessage(l, r operand) string {
	return fmt.Sprintf("compares %s (%s) with %s (%s)", measure(l), c.text(l), measure(r), c.text(r))
}

func holds(op string, cmp int) bool {
	switch op {
	case "<":
		return cmp < 0
	case "<=":
		return cmp <= 0
	case ">":
		return cmp > 0
	}
	return cmp >= 0
}

// numericTest compares quantities by whole base units and numbers as they are.
func numericTest(op string, rounded bool) func(a, b Value) bool {
	if rounded {
		return func(a, b Value) bool { return compareFloat(op, math.Round(a.num), math.Round(b.num)) }
	}
	return func(a, b Value) bool { return compareFloat(op, a.num, b.num) }
}

func compareFloat(op string, a, b float64) bool {
	switch op {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

func (c *compiler) compare(n ast.Node, l, r operand, test func(a, b Value) bool) operand {
	left, right, at, t := l.code, r.code, c.at(n), Type{Kind: Bool}
	return c.fold(operand{node: n, typ: t, code: func(env *Env) Value {
		a := left(env)
		if a.state != known && a.state != nothing {
			return pass(a, t)
		}
		b := right(env)
		if b.state != known && b.state != nothing {
			return pass(b, t)
		}
		if !env.weigh(at, a) {
			return Value{}
		}
		return BoolValue(test(a, b))
	}}, l, r)
}

// equality is == and !=, which also take nil.
func (c *compiler) equality(n *ast.BinaryNode) operand {
	l, r := c.raw(n.Left), c.raw(n.Right)
	if l.typ.Kind == Invalid || r.typ.Kind == Invalid {
		return operand{node: n}
	}
	if l.typ.Kind != Nothing && r.typ.Kind != Nothing {
		l, r = c.require(l), c.require(r)
		a, b, ok := c.alike(l, r)
		if !ok {
			return c.fail(unlike(l, r), n, c.compareMessage(l, r), c.compareHelp(l, r))
		}
		l, r = a, b
	}
	if n.Operator == "==" {
		return c.compare(n, l, r, Value.Equal)
	}
	return c.compare(n, l, r, func(a, b Value) bool { return !a.Equal(b) })
}

// unlike is the code for two operands that do not go together.
func unlike(l, r operand) *diag.Code {
	if l.typ.isNumeric() && r.typ.isNumeric() {
		return diag.WrongDimension
	}
	return diag.TypeMismatch
}

func (c *compiler) compareHelp(l, r operand) string {
	if w := oneOf(l, r, Well); w.typ.Kind == Well && oneOf(l, r, Text).typ.Kind == Text {
		return "compare its name: " + c.text(w) + ".name"
	}
	return ""
}

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

// span is a..b, the whole numbers from a to b.
func (c *compiler) span(n *ast.BinaryNode, l, r operand) operand {
	a, b := c.whole(l, ".."), c.whole(r, "..")
	if a.typ.Kind == Invalid || b.typ.Kind == Invalid {
		return operand{node: n}
	}
	left, right, at, t := a.code, b.code, c.at(n), ListOf(Type{Kind: Integer})
	return c.fold(operand{node: n, typ: t, code: func(env *Env) Value {
		x := left(env)
		if x.state != known {
			return pass(x, t)
		}
		y := right(env)
		if y.state != known {
			return pass(y, t)
		}
		return env.integers(at, x.num, y.num, 1)
	}}, a, b)
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

// membership is x in list.
func (c *compiler) membership(n *ast.BinaryNode, l, r operand) operand {
	if l.typ.Kind == Text && r.typ.Kind == Text {
		return c.fail(diag.TypeMismatch, n, "in looks into a list, and "+c.text(r)+" is text", "write "+c.text(r)+" contains "+c.text(l))
	}
	if !r.typ.isSequence() {
		return c.fail(diag.TypeMismatch, r.node, "in looks into a list, and "+c.text(r)+" is "+r.typ.phrase(), "")
	}
	if r.typ.Kind != List {
		r = c.asWells(r, ListOf(Type{Kind: Well}))
	}
	elem, ok := unify(l.typ, r.typ.elem())
	if !ok || elem.Kind == Wells && l.typ.Kind == Well {
		if elem.Kind != Wells {
			return c.fail(unlike(l, operand{typ: r.typ.elem()}), n, fmt.Sprintf("looks for %s (%s) in %s (%s)", measure(l), c.text(l), r.typ.phrase(), c.text(r)), "")
		}
		r = c.asWells(r, ListOf(Type{Kind: Well}))
		elem = l.typ
	}
	l, r = c.coerce(l, elem), c.coerce(r, ListOf(elem))
	if l.typ.Kind == Invalid || r.typ.Kind == Invalid {
		return operand{node: n}
	}
	return c.within(n, l, r)
}

func (c *compiler) within(n ast.Node, l, r operand) operand {
	left, right, at, t := l.code, r.code, c.at(n), Type{Kind: Bool}
	return c.fold(operand{node: n, typ: t, code: func(env *Env) Value {
		x := left(env)
		if x.state != known {
			return pass(x, t)
		}
		list := right(env)
		if list.state != known {
			return pass(list, t)
		}
		if !env.weigh(at, list) {
			return Value{}
		}
		doubt := Value{}
		for _, e := range list.box.items {
			if e.state == unknown {
				doubt = e
			} else if e.Equal(x) {
				return BoolValue(true)
			}
		}
		if doubt.state == unknown {
			return pass(doubt, t)
		}
		return BoolValue(false)
	}}, l, r)
}

// textTest is contains, startsWith, endsWith and matches.
func (c *compiler) textTest(n *ast.BinaryNode, l, r operand) operand {
	if n.Operator == "contains" && l.typ.isSequence() {
		return c.fail(diag.TypeMismatch, n, "contains looks into text, and "+c.text(l)+" is "+l.typ.phrase(), "write "+c.text(r)+" in "+c.text(l))
	}
	for _, o := range []operand{l, r} {
		if o.typ.Kind != Text {
			return c.fail(diag.TypeMismatch, o.node, n.Operator+" works on text, and "+c.text(o)+" is "+o.typ.phrase(), "")
		}
	}
	tests := map[string]func(a, b string) bool{"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix}
	if test, ok := tests[n.Operator]; ok {
		return c.compare(n, l, r, func(a, b Value) bool { return test(a.text, b.text) })
	}
	return c.matches(n, l, r)
}

const maxPattern = 1000

func (c *compiler) matches(n *ast.BinaryNode, l, r operand) operand {
	left, right, at, pattern, t := l.code, r.code, c.at(n), c.at(r.node), Type{Kind: Bool}
	var fixed *regexp.Regexp
	if r.constant {
		var err error
		if fixed, err = compilePattern(r.value.text); err != nil {
			return c.fail(diag.ExprSyntax, r.node, "this is not a regular expression: "+err.Error(), "")
		}
	}
	return c.fold(operand{node: n, typ: t, code: func(env *Env) Value {
		a := left(env)
		if a.state != known {
			return pass(a, t)
		}
		b := right(env)
		if b.state != known {
			return pass(b, t)
		}
		re := fixed
		if re == nil {
			if !env.spend(at, 100+10*len(b.text)) {
				return Value{}
			}
			var err error
			if re, err = compilePattern(b.text); err != nil {
				return env.fail(pattern, diag.ExprSyntax, "this is not a regular expression: "+err.Error(), "")
			}
		}
		if !env.spend(at, 1+len(a.text)*(1+len(b.text)/8)) {
			return Value{}
		}
		return BoolValue(re.MatchString(a.text))
	}}, l, r)
}

func compilePattern(s string) (*regexp.Regexp, error) {
	if len(s) > maxPattern {
		return nil, fmt.Errorf("it is longer than %d characters", maxPattern)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return re, nil
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
