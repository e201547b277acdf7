package eval

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Expr is a checked expression. It never changes.
type Expr struct {
	source   spec.Scalar
	typ      Type
	code     code
	constant bool
	value    Value
	reads    []read
}

// read is a name, or a property, that an expression looks up when it runs.
type read struct {
	label string
	code  code
}

// Compile reads an expression and checks it against the names in scope, the
// deck and the wanted type. The zero Type wants anything; it then also takes a
// value that may be nothing. A whole ${ … } is unwrapped. What reads nothing
// that could change is computed here. The list has every problem found; the
// Expr is nil if one of them is an error.
func Compile(src spec.Scalar, scope *Scope, deck *program.Deck, want Type) (*Expr, diag.List) {
	src, found := unwrap(src, want)
	if found.HasErrors() {
		return nil, found
	}
	c, node := parse(src, scope, deck)
	if node == nil {
		return nil, c.found
	}
	c.want = want
	var o operand
	if want.Kind == Invalid {
		o = c.raw(node)
	} else {
		o = c.coerce(c.compile(node), want)
	}
	return c.finish(o, want)
}

// Type returns the type of the values Eval returns: the wanted one, or the
// expression's own where anything was wanted.
func (e *Expr) Type() Type { return e.typ }

// Source returns the text the expression was compiled from.
func (e *Expr) Source() spec.Scalar { return e.source }

// Const returns the value if it does not depend on anything.
func (e *Expr) Const() (Value, bool) { return e.value, e.constant }

// Eval computes the expression. The value has the wanted type, is finite and
// is rounded to whole base units; it may be Unknown. A diagnostic carries the
// values that were read.
func (e *Expr) Eval(env *Env) (Value, *diag.Diagnostic) {
	if e.constant {
		return e.value, nil
	}
	env.begin()
	v := e.code(env)
	if v.state != failed {
		return v, nil
	}
	d := env.err
	d.Values = e.Reads(env)
	return Value{}, d
}

// Reads returns the names and properties the expression reads and what they
// hold in env, in order of first appearance.
func (e *Expr) Reads(env *Env) []diag.Value {
	var out []diag.Value
	for _, r := range e.reads {
		env.begin()
		if v := r.code(env); v.state != failed {
			out = append(out, diag.Value{Name: r.label, Value: v.brief()})
		}
	}
	return out
}

// compiler checks one expression and turns it into code.
type compiler struct {
	s     *source
	scope *Scope
	deck  *program.Deck
	box   *box // names the deck; shared by the places of this expression
	env   *Env // for what is computed while compiling
	loops []loop
	reads []read
	want  Type // of the whole expression; the zero Type where anything will do
	// leaves counts what was met so far that only an evaluation can know.
	leaves int
	// elsewhere is set when a part is invalid for a reason that was reported
	// outside of this expression.
	elsewhere bool
	found     diag.List
}

// loop is a predicate around the current node.
type loop struct {
	elem  Type
	local int
}

// operand is a compiled node with what is known about it. An operand of type
// Invalid was reported already and has no code.
type operand struct {
	node     ast.Node
	typ      Type
	code     code
	value    Value // of a constant
	constant bool
	ratio    bool // a number that can never stand for a quantity: 20 %, R / Y
	maybe    bool // may be nothing
	slot     int  // of a variable, plus 1
	path     bool // a name or a property of one, worth showing as read
}

// parse cuts and parses the source; node is nil when that failed.
func parse(src spec.Scalar, scope *Scope, deck *program.Deck) (*compiler, ast.Node) {
	if deck == nil {
		deck = &program.Deck{}
	}
	s, ok := scan(src)
	c := &compiler{s: s, scope: scope, deck: deck, box: &box{deck: deck}, env: &Env{Deck: deck}, found: s.found}
	if !ok {
		return c, nil
	}
	if len(s.tokens) == 0 {
		c.found = append(c.found, diag.Diagnostic{
			Code: diag.ExprSyntax, Span: src.Whole(),
			Message: "there is no expression here", Help: "write a value, or remove the key",
		})
		return c, nil
	}
	tree, problem := parseText(string(s.clean))
	if problem != nil {
		c.found = append(c.found, s.explain(problem))
		return c, nil
	}
	return c, tree
}

// parseText calls expr's parser. The text is input, and the parser is not
// ours, so a fault in it is reported as an expression it cannot read.
func parseText(text string) (node ast.Node, problem error) {
	defer func() {
		if recover() != nil {
			node, problem = nil, errParser
		}
	}()
	tree, err := parser.ParseWithConfig(text, nil)
	if err != nil {
		return nil, err
	}
	return tree.Node, nil
}

func (c *compiler) finish(o operand, want Type) (*Expr, diag.List) {
	if o.code == nil && c.elsewhere && !c.found.HasErrors() {
		v := UnknownValue(want, "something it depends on is wrong, as reported")
		return &Expr{source: c.s.scalar, typ: want, code: constantCode(v)}, c.found
	}
	if o.typ.Kind == Invalid && !c.found.HasErrors() {
		// An empty list where anything will do has no element type, not an error.
		o.typ = Type{Kind: List}
	}
	if o.code == nil && !c.found.HasErrors() {
		c.fail(diag.TypeMismatch, o.node, "this list has no elements, so nothing can be made of them", "")
	}
	if c.found.HasErrors() {
		return nil, c.found
	}
	at := where{c.s, o.node}
	if o.typ.holdsQuantity() {
		o.code = border(o.code, at)
		o = c.fold(o, o)
	}
	if c.found.HasErrors() {
		return nil, c.found
	}
	e := &Expr{source: c.s.scalar, typ: o.typ, code: o.code, constant: o.constant, value: o.value, reads: c.reads}
	return e, c.found
}

// fail reports a problem at a node and returns the operand that keeps it from
// being reported again.
func (c *compiler) fail(code *diag.Code, n ast.Node, message, help string) operand {
	start, end := c.s.extent(n)
	c.report(diag.Diagnostic{Code: code, Span: c.s.scalar.Span(start, end), Message: message, Help: help})
	return operand{node: n}
}

// report adds a finding once: the parser makes two comparisons of a < b < c,
// which share b.
func (c *compiler) report(d diag.Diagnostic) {
	for _, f := range c.found {
		if f.Code == d.Code && f.Span == d.Span && f.Message == d.Message {
			return
		}
	}
	c.found = append(c.found, d)
}

func (c *compiler) at(n ast.Node) where { return where{c.s, n} }

// text returns the source of an operand for a message.
func (c *compiler) text(o operand) string { return c.at(o.node).text() }

// fold computes an operand whose parts are constant.
func (c *compiler) fold(o operand, parts ...operand) operand {
	for _, p := range parts {
		if !p.constant {
			o.constant = false
			return o
		}
	}
	c.env.err = nil // the budget is one for the whole expression
	v := o.code(c.env)
	if v.state == failed {
		c.report(*c.env.err)
		return operand{node: o.node}
	}
	o.constant = v.state != unknown
	if o.constant {
		o.value, o.code = v, constantCode(v)
	}
	return o
}

func constantCode(v Value) code { return func(*Env) Value { return v } }

func constant(n ast.Node, v Value) operand {
	return operand{node: n, typ: v.Type(), code: constantCode(v), value: v, constant: true}
}

// compile checks a node whose value must be there.
func (c *compiler) compile(n ast.Node) operand { return c.require(c.raw(n)) }

// require makes an evaluation stop where an operand is nothing.
func (c *compiler) require(o operand) operand {
	if !o.maybe {
		return o
	}
	const help = "give a value to use instead with ??, or test with != nil"
	if o.constant {
		if o.value.state == nothing {
			return c.fail(diag.NoValue, o.node, "nil is no value that can be used here", help)
		}
		o.maybe = false
		return o
	}
	inner, at, slot := o.code, c.at(o.node), o.slot-1
	o.maybe = false
	if slot >= 0 { // one call less where it matters most
		o.code = func(env *Env) Value {
			v := env.Vars[slot]
			if v.state == nothing {
				return env.fail(at, diag.NoValue, at.text()+" has no value", help)
			}
			return v
		}
		return o
	}
	o.code = func(env *Env) Value {
		v := inner(env)
		if v.state == nothing {
			return env.fail(at, diag.NoValue, at.text()+" has no value", help)
		}
		return v
	}
	return o
}

// raw checks a node whose value may be nothing.
func (c *compiler) raw(n ast.Node) operand {
	switch n := n.(type) {
	case *ast.NilNode:
		return operand{node: n, typ: Type{Kind: Nothing}, value: NothingValue(), code: constantCode(NothingValue()), constant: true, maybe: true}
	case *ast.BoolNode:
		return constant(n, BoolValue(n.Value))
	case *ast.IntegerNode:
		return c.integer(n)
	case *ast.FloatNode:
		return constant(n, NumberValue(n.Value))
	case *ast.StringNode:
		return constant(n, TextValue(n.Value))
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.choice(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.CallNode:
		return c.call(n)
	case *ast.BuiltinNode:
		return c.builtin(n)
	case *ast.MapNode:
		return c.fail(diag.ExprSyntax, n, "an expression cannot make a mapping", "write the mapping in YAML, or a list in brackets")
	}
	return c.fail(diag.ExprSyntax, n, "this has no place in an expression", "")
}

func (c *compiler) integer(n *ast.IntegerNode) operand {
	v := int64(n.Value) // an int has 32 bits on some machines
	if v > maxWhole || v < -maxWhole {
		return c.fail(diag.NotFinite, n, "this whole number is too large to be exact", "whole numbers reach to 9007199254740991")
	}
	return constant(n, IntegerValue(v))
}
