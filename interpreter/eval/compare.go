package eval

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Operators that compare and look for something.

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
	return c.fold(operand{node: n, typ: t, code: both(left, right, t, func(env *Env, x, list Value) Value {
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
	})}, l, r)
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
	return c.fold(operand{node: n, typ: t, code: both(left, right, t, func(env *Env, a, b Value) Value {
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
	})}, l, r)
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
