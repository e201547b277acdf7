package eval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// kernel computes a function of known arguments. The slice is only lent.
type kernel func(env *Env, at where, args []Value) Value

// builder checks the arguments of a call and returns the type of its result
// and what computes it; after a report the type is Invalid.
type builder func(k *call) (Type, kernel)

// call is a call of a function or method being checked.
type call struct {
	c         *compiler
	node      ast.Node
	name      string
	signature string
	args      []operand
	given     int // the first argument a person wrote: 1 for methods
}

// call is f(x) or x.f(y).
func (c *compiler) call(n *ast.CallNode) operand {
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		if callee.Value[0] == '$' {
			return c.fail(diag.ExprSyntax, callee, "there is no operator between "+c.at(callee).text()+" and the parenthesis after it", "to multiply, write *")
		}
		return c.invoke(n, callee, callee.Value, n.Arguments)
	case *ast.MemberNode:
		return c.method(n, callee)
	}
	return c.fail(diag.ExprSyntax, n, "only a function can be called", "write its name and its arguments in parentheses")
}

// builtin is a call of a function whose name expr knows too.
func (c *compiler) builtin(n *ast.BuiltinNode) operand {
	if isPredicate(n.Name) && len(n.Arguments) > 0 {
		return c.predicate(n)
	}
	return c.invoke(n, n, n.Name, n.Arguments)
}

func (c *compiler) invoke(n, callee ast.Node, name string, arguments []ast.Node) operand {
	f, ok := lookupFunction(name)
	if name == "secret" && c.scope != nil && c.scope.secrets != nil {
		f, ok = Function{Signature: `secret("NAME")`, build: buildSecret}, true
	}
	if !ok || f.build == nil {
		return c.unknownFunction(n, callee, name)
	}
	k := &call{c: c, node: n, name: name, signature: f.Signature}
	for _, a := range arguments {
		if p, ok := a.(*ast.PredicateNode); ok {
			a = p.Node
		}
		k.args = append(k.args, c.compile(a))
	}
	return k.finish(f.build, f.live)
}

// finish turns a checked call into code.
func (k *call) finish(build builder, live bool) operand {
	if slices.ContainsFunc(k.args, func(o operand) bool { return o.typ.Kind == Invalid }) {
		return operand{node: k.node}
	}
	t, kern := build(k)
	if kern == nil {
		return operand{node: k.node}
	}
	codes := make([]code, len(k.args))
	for i, a := range k.args {
		if a.typ.Kind == Invalid {
			return operand{node: k.node}
		}
		codes[i] = a.code
	}
	o := operand{node: k.node, typ: t, code: callCode(k.c.at(k.node), codes, kern, t)}
	if live {
		k.c.leaves++
		k.c.noteRead(o)
		return o
	}
	return k.c.fold(o, k.args...)
}

func callCode(at where, codes []code, kern kernel, t Type) code {
	return func(env *Env) Value {
		base := len(env.stack)
		for _, code := range codes {
			v := code(env)
			if v.state != known {
				env.stack = env.stack[:base]
				return pass(v, t)
			}
			env.stack = append(env.stack, v)
		}
		v := kern(env, at, env.stack[base:])
		env.stack = env.stack[:base]
		return v
	}
}

// buildSecret gives what stands for a secret until it is sent.
func buildSecret(k *call) (Type, kernel) {
	if !k.count(1, 1) {
		return Type{}, nil
	}
	name, ok := k.node.(*ast.CallNode).Arguments[0].(*ast.StringNode)
	if !ok || !isIdentifier(name.Value) {
		return k.wrong(0, "the name of a secret in quotes")
	}
	k.c.scope.secret(name.Value)
	mark := TextValue(program.SecretMark(name.Value))
	return Type{Kind: Text}, func(*Env, where, []Value) Value { return mark }
}

// foreignFunctions are names people know from elsewhere, each with what to
// write.
var foreignFunctions = map[string]string{
	"avg": "write mean(list)", "average": "write mean(list)", "log2": "write log(x) / log(2)",
	"now": "there is no clock in an expression, so that the same file gives the same program", "date": "there is no clock in an expression, so that the same file gives the same program",
	"random": "there is no chance in an expression; shuffle(list, seed) has a fixed order", "str": "write string(x)",
	"bool": "compare instead, for example x != 0", "length": "write len(x)", "size": "write len(x)", "float": "write number(x)",
	"hasPrefix": "write x startsWith y", "hasSuffix": "write x endsWith y", "first": "write list.first(n) or list[0]", "last": "write list.last(n) or list[-1]",
	"take": "write list.first(n)", "sorted": "write sort(list)", "reversed": "write reverse(list)", "enumerate": "write for: i, w in list",
	"secret": "a secret is read only where it is sent: in url and headers of a request or an instrument, and in to of a message",
}

func (c *compiler) unknownFunction(n, callee ast.Node, name string) operand {
	at := callee
	if b, ok := n.(*ast.BuiltinNode); ok {
		at = &ast.IdentifierNode{Value: name}
		at.SetLocation(b.Location())
	}
	if help, ok := foreignFunctions[name]; ok {
		return c.fail(diag.UnknownFunction, at, "there is no function "+name, help)
	}
	if _, ok := lookupMethod(name); ok {
		return c.fail(diag.UnknownFunction, at, "there is no function "+name, "write it after a place, for example "+"plate."+methodExample(name))
	}
	if d := c.scope.find(name); d != nil {
		return c.fail(diag.UnknownFunction, at, name+" is a "+d.what+" and no function", "to multiply, write "+name+" * (…)")
	}
	if _, ok := findLabware(c.deck, name); ok {
		return c.fail(diag.UnknownFunction, at, name+" is a labware and no function", "write "+name+".A1 or "+name+"[name]")
	}
	return c.fail(diag.UnknownFunction, at, "there is no function "+name, didYouMean(name, functionNames(), ""))
}

// wrong reports an argument that does not fit.
func (k *call) wrong(i int, needs string) (Type, kernel) {
	o := k.args[i]
	k.c.fail(diag.WrongArguments, o.node, fmt.Sprintf("%s needs %s, and %s is %s", k.name, needs, k.c.text(o), measure(o)), "write "+k.signature)
	return Type{}, nil
}

// count reports a wrong number of arguments.
func (k *call) count(least, most int) bool {
	n := len(k.args)
	if n >= least && (n <= most || most < 0) {
		return true
	}
	n, least = n-k.given, least-k.given
	got := "only " + plural(n, "argument")
	switch {
	case n == 0:
		got = "no arguments"
	case n > least:
		got = plural(n, "argument")
	}
	k.c.fail(diag.WrongArguments, k.node, k.name+" gets "+got, "write "+k.signature)
	return false
}

func plural(n int, what string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// whole makes argument i a whole number.
func (k *call) whole(i int) bool {
	if !k.args[i].typ.isPlain() {
		k.wrong(i, "a whole number")
		return false
	}
	k.args[i] = k.c.coerce(k.args[i], Type{Kind: Integer})
	return k.args[i].typ.Kind != Invalid
}

// list makes argument i a list; what stands for wells becomes their list.
func (k *call) list(i int) bool {
	o := k.args[i]
	switch {
	case o.typ.Kind == List:
		return true
	case o.typ.isPlaces():
		k.args[i] = k.c.asWells(o, ListOf(Type{Kind: Well}))
		return k.args[i].typ.Kind != Invalid
	}
	k.wrong(i, "a list")
	return false
}

// wells makes argument i a list of wells.
func (k *call) wells(i int) bool {
	if !k.args[i].typ.isPlaces() {
		k.wrong(i, "wells")
		return false
	}
	k.args[i] = k.c.asWells(k.args[i], ListOf(Type{Kind: Well}))
	return k.args[i].typ.Kind != Invalid
}

// text requires argument i to be text.
func (k *call) text(i int) bool {
	if k.args[i].typ.Kind != Text {
		k.wrong(i, "text")
		return false
	}
	return true
}

// plain requires argument i to be a number without a unit.
func (k *call) plain(i int) bool {
	if !k.args[i].typ.isPlain() {
		k.wrong(i, "a plain number")
		return false
	}
	return true
}

// unknownIn returns an element that is not known.
func unknownIn(items []Value) (Value, bool) {
	for _, e := range items {
		if e.state == unknown {
			return e, true
		}
	}
	return Value{}, false
}

// isPredicate reports whether expr's parser reads the second argument of name
// as a condition on each element.
func isPredicate(name string) bool {
	switch name {
	case "all", "any", "none", "one", "filter", "map", "count", "find", "sum":
		return true
	}
	return false
}

// loopState is what a predicate function has found out so far.
type loopState struct {
	items []Value
	sum   float64
	count int
	doubt Value // an element whose condition is unknown
}

// predicate is all, any, none, one, filter, map, count, find and sum.
func (c *compiler) predicate(n *ast.BuiltinNode) operand {
	list := c.compile(n.Arguments[0])
	if list.typ.Kind == Invalid {
		return operand{node: n}
	}
	k := &call{c: c, node: n, name: n.Name, signature: signatureOf(n.Name), args: []operand{list}}
	if !k.list(0) {
		return operand{node: n}
	}
	list = k.args[0]
	body, before := operand{typ: list.typ.elem()}, c.leaves
	if len(n.Arguments) > 1 {
		p, ok := n.Arguments[1].(*ast.PredicateNode)
		if !ok {
			return c.fail(diag.WrongArguments, n, n.Name+" needs a condition", "write "+k.signature)
		}
		body = c.body(p.Node, list)
		if body.typ.Kind == Invalid && list.typ.elem().Kind != Invalid {
			return operand{node: n}
		}
	}
	body.constant = c.leaves == before
	return c.loopCode(n, list, body)
}

// body compiles what is asked of each element.
func (c *compiler) body(n ast.Node, list operand) operand {
	c.loops = append(c.loops, loop{elem: list.typ.elem(), local: 2 * len(c.loops)})
	defer func() { c.loops = c.loops[:len(c.loops)-1] }()
	return c.compile(n)
}

// loopResult is the type a predicate function gives.
func loopResult(name string, list, body Type) Type {
	switch name {
	case "filter":
		return list
	case "map":
		return ListOf(body)
	case "count":
		return Type{Kind: Integer}
	case "find":
		if list.elem().Kind == Invalid {
			return Type{Kind: Nothing}
		}
		return list.elem()
	case "sum":
		return body
	}
	return Type{Kind: Bool}
}

func (c *compiler) loopCode(n *ast.BuiltinNode, list, body operand) operand {
	switch {
	case list.typ.elem().Kind == Invalid: // an empty list
	case n.Name == "sum" && !body.typ.isNumeric():
		return c.fail(diag.WrongArguments, orNode(body.node, list.node), "sum adds numbers or quantities, and this is "+body.typ.phrase(), sumOf(c, list, body))
	case n.Name != "sum" && n.Name != "map" && body.typ.Kind != Bool:
		return c.fail(diag.TypeMismatch, orNode(body.node, list.node), n.Name+" needs true or false for each element, and "+c.at(orNode(body.node, list.node)).text()+" is "+body.typ.phrase(), hintBool(body.typ))
	}
	t := loopResult(n.Name, list.typ, body.typ)
	if t.Kind == Invalid && n.Name == "sum" {
		t = Type{Kind: Integer}
	}
	l := &looper{name: n.Name, at: c.at(n), list: list.code, body: body.code, local: 2 * len(c.loops), typ: t, cost: c.cost(body.node)}
	o := operand{node: n, typ: t, code: l.run, maybe: n.Name == "find"}
	return c.fold(o, list, operand{constant: body.constant})
}

func orNode(a, b ast.Node) ast.Node {
	if a != nil {
		return a
	}
	return b
}

func sumOf(c *compiler, list, body operand) string {
	if body.node == nil && list.typ.elem().Kind == Well {
		return "write sum(" + c.text(list) + ", .volume)"
	}
	return ""
}

func (c *compiler) cost(n ast.Node) int {
	if n == nil {
		return 1
	}
	from, to := c.s.reach(n)
	return to - from + 2
}

// looper goes through a list.
type looper struct {
	name       string
	at         where
	list, body code
	local      int
	typ        Type
	cost       int
}

func (l *looper) run(env *Env) Value {
	list := l.list(env)
	if list.state != known {
		return pass(list, l.typ)
	}
	for len(env.locals) < l.local+2 {
		env.locals = append(env.locals, Value{})
	}
	s := loopState{}
	if l.name == "map" {
		if !env.grow(l.at, len(list.box.items)) {
			return Value{}
		}
		s.items = make([]Value, 0, len(list.box.items))
	}
	for i, e := range list.box.items {
		if !env.spend(l.at, l.cost) {
			return Value{}
		}
		v := e
		if l.body != nil {
			env.locals[l.local], env.locals[l.local+1] = e, IntegerValue(int64(i))
			v = l.body(env)
		}
		if v.state == failed {
			return v
		}
		if r, done := l.step(&s, e, v); done {
			return r
		}
	}
	return l.end(env, &s)
}

// step takes the value found for one element; done ends the loop.
func (l *looper) step(s *loopState, e, v Value) (result Value, done bool) {
	if v.state == unknown && l.name != "map" {
		if l.name == "find" {
			return pass(v, l.typ), true
		}
		s.doubt = v
		return Value{}, false
	}
	switch l.name {
	case "map":
		s.items = append(s.items, v)
	case "sum":
		s.sum += v.num
	case "all":
		return BoolValue(false), !v.Bool()
	case "any":
		return BoolValue(true), v.Bool()
	case "none":
		return BoolValue(false), v.Bool()
	case "find":
		return e, v.Bool()
	case "filter":
		if v.Bool() {
			s.items = append(s.items, e)
		}
	default:
		if v.Bool() {
			s.count++
		}
	}
	return Value{}, false
}

// end gives the result when the whole list was gone through.
func (l *looper) end(env *Env, s *loopState) Value {
	if s.doubt.state == unknown {
		return pass(s.doubt, l.typ)
	}
	switch l.name {
	case "map", "filter":
		return Value{kind: List, state: known, box: &box{typ: l.typ, items: s.items}}
	case "sum":
		return env.number(l.at, s.sum, l.typ)
	case "count":
		return IntegerValue(int64(s.count))
	case "one":
		return BoolValue(s.count == 1)
	case "find":
		return NothingValue()
	}
	return BoolValue(l.name != "any")
}

// pointer is # or the start of .volume: the element a predicate looks at.
func (c *compiler) pointer(n *ast.PointerNode) operand {
	if len(c.loops) == 0 {
		return c.fail(diag.ExprSyntax, n, "# stands for an element and has a meaning only inside all, any, filter, map and their like", "")
	}
	l := c.loops[len(c.loops)-1]
	switch n.Name {
	case "":
		local := l.local
		return operand{node: n, typ: l.elem, code: func(env *Env) Value { return env.locals[local] }, maybe: true}
	case "index":
		local := l.local + 1
		return operand{node: n, typ: Type{Kind: Integer}, code: func(env *Env) Value { return env.locals[local] }}
	}
	return c.fail(diag.UnknownName, n, "#"+n.Name+" has no meaning", "write # for the element, #index for its place from 0")
}

// method is x.first(24) and its like.
func (c *compiler) method(n *ast.CallNode, callee *ast.MemberNode) operand {
	name, ok := callee.Property.(*ast.StringNode)
	base := c.compile(callee.Node)
	if !ok || base.typ.Kind == Invalid {
		return operand{node: n}
	}
	m, ok := lookupMethod(name.Value)
	if !ok {
		return c.unknownMethod(base, name)
	}
	if !m.takes(base.typ) {
		return c.fail(diag.UnknownProperty, name, base.typ.phrase()+" has no "+name.Value, didYouMean(name.Value, methodNames(base.typ), "it has"))
	}
	k := &call{c: c, node: n, name: name.Value, signature: m.Signature, args: []operand{base}, given: 1}
	for _, a := range n.Arguments {
		k.args = append(k.args, c.compile(a))
	}
	return k.finish(m.build, false)
}

func (c *compiler) unknownMethod(base operand, name *ast.StringNode) operand {
	if f, ok := lookupFunction(name.Value); ok {
		return c.fail(diag.UnknownProperty, name, name.Value+" is a function and does not follow a dot", "write "+f.Signature)
	}
	for _, p := range properties(base.typ) {
		if p.name == name.Value {
			return c.fail(diag.UnknownProperty, name, name.Value+" takes no arguments", "write it without parentheses")
		}
	}
	return c.fail(diag.UnknownProperty, name, base.typ.phrase()+" has no "+name.Value, didYouMean(name.Value, methodNames(base.typ), "it has"))
}

func signatureOf(name string) string {
	f, _ := lookupFunction(name)
	return f.Signature
}

// asQuantity says which quantity a unit belongs to, for number(q, "uL").
func asQuantity(unit string) (quantity.Quantity, bool) {
	u, ok := quantity.LookupUnit(strings.TrimSpace(unit))
	if !ok || u.Dim == quantity.Number {
		return quantity.Quantity{}, false
	}
	q, err := quantity.Of("1", u)
	return q, err == nil
}
