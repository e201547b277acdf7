package eval

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// member is x.name, x["name"] and x[index].
func (c *compiler) member(n *ast.MemberNode) operand {
	name, named := n.Property.(*ast.StringNode)
	bracket := c.s.text[c.s.offset(n.Location().From)] == '['
	if named && !bracket {
		if o, ok := c.share(n, name.Value, nil); ok {
			return o
		}
	}
	base := c.compile(n.Node)
	if base.typ.Kind == Invalid {
		return operand{node: n}
	}
	if named && !bracket {
		return c.dot(n, base, name)
	}
	return c.index(n, base)
}

// share is well.liquids.red, how much of a well is one liquid.
func (c *compiler) share(n *ast.MemberNode, name string, index *operand) (operand, bool) {
	inner, ok := n.Node.(*ast.MemberNode)
	if !ok {
		return operand{}, false
	}
	if s, ok := inner.Property.(*ast.StringNode); !ok || s.Value != "liquids" {
		return operand{}, false
	}
	base := c.compile(inner.Node)
	if base.typ.Kind != Well {
		if base.typ.Kind == Invalid {
			return operand{node: n}, true
		}
		return operand{}, false
	}
	liquid, ok := c.liquidIndex(name)
	if !ok {
		return c.fail(diag.UnknownName, n.Property, name+" is no declared liquid", didYouMean(name, c.liquidNames(), "liquids:")), true
	}
	get, t := base.code, Of(quantity.Volume)
	o := operand{node: n, typ: t, path: base.path, code: func(env *Env) Value {
		v := get(env)
		if v.state != known {
			return pass(v, t)
		}
		content, cause := env.content(v.place)
		if cause != "" {
			return UnknownValue(t, cause)
		}
		if liquid >= len(content.Parts) {
			return baseUnits(quantity.Volume, 0)
		}
		return baseUnits(quantity.Volume, content.Parts[liquid])
	}}
	c.leaves++
	if o.path {
		c.noteRead(o)
	}
	return o, true
}

func (c *compiler) liquidIndex(name string) (int, bool) {
	for i := range c.deck.Liquids {
		if c.deck.Liquids[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

func (c *compiler) liquidNames() []string {
	out := make([]string, len(c.deck.Liquids))
	for i := range c.deck.Liquids {
		out[i] = c.deck.Liquids[i].Name
	}
	return out
}

// dot is base.name.
func (c *compiler) dot(n *ast.MemberNode, base operand, name *ast.StringNode) operand {
	for _, p := range properties(base.typ) {
		if p.name == name.Value {
			return c.property(n, base, p)
		}
	}
	switch {
	case base.typ.Kind == Labware:
		return c.wellOf(n, base, name)
	case base.typ.Kind == Record:
		return c.field(n, base, name)
	case base.typ.Kind == List && base.typ.elem().Kind == Record:
		return c.column(n, base, name)
	}
	return c.noProperty(n, base, name)
}

func (c *compiler) property(n *ast.MemberNode, base operand, p property) operand {
	inner, at := base.code, c.at(n)
	o := operand{node: n, typ: p.typ, path: base.path, code: func(env *Env) Value {
		v := inner(env)
		if v.state != known {
			return pass(v, p.typ)
		}
		return p.get(env, v, at)
	}}
	if p.live {
		c.leaves++
	} else {
		o = c.fold(o, base)
	}
	if o.path && !o.constant && (p.live || p.typ.isNumeric() || p.typ.Kind == Text) {
		c.noteRead(o)
	}
	return o
}

// wellOf is plate.A1.
func (c *compiler) wellOf(n *ast.MemberNode, base operand, name *ast.StringNode) operand {
	if _, method := lookupMethod(name.Value); method {
		return c.fail(diag.WrongArguments, name, name.Value+" needs its arguments in parentheses", "write "+c.text(base)+"."+methodExample(name.Value))
	}
	if !looksLikeWell(name.Value) {
		return c.noProperty(n, base, name)
	}
	inner, at, well, t := base.code, c.at(name), name.Value, Type{Kind: Well}
	return c.fold(operand{node: n, typ: t, path: base.path, code: func(env *Env) Value {
		v := inner(env)
		if v.state != known {
			return pass(v, t)
		}
		return env.find(at, v, well)
	}}, base)
}

// looksLikeWell is generous, so that A01, a1 and AA100 get the message about
// wells.
func looksLikeWell(s string) bool {
	digits := strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
	letters := len(s) - len(digits)
	return letters >= 1 && letters <= 2 && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// field is row.volume, a field of a record.
func (c *compiler) field(n *ast.MemberNode, base operand, name *ast.StringNode) operand {
	i, t, ok := base.typ.field(name.Value)
	if !ok {
		names := base.typ.fieldNames()
		return c.fail(diag.UnknownProperty, name, c.text(base)+" has no "+name.Value, didYouMean(name.Value, names, "it has"))
	}
	inner := base.code
	o := c.fold(operand{node: n, typ: t, maybe: true, path: base.path, code: func(env *Env) Value {
		v := inner(env)
		if v.state != known {
			return pass(v, t)
		}
		return v.box.items[i]
	}}, base)
	if o.path && !o.constant {
		c.noteRead(o)
	}
	return o
}

// column is table.volume: that field of every row.
func (c *compiler) column(n *ast.MemberNode, base operand, name *ast.StringNode) operand {
	i, elem, ok := base.typ.elem().field(name.Value)
	if !ok {
		return c.fail(diag.UnknownProperty, name, c.text(base)+" has no column "+name.Value, didYouMean(name.Value, base.typ.elem().fieldNames(), "it has"))
	}
	inner, at, t := base.code, c.at(n), ListOf(elem)
	return c.fold(operand{node: n, typ: t, code: func(env *Env) Value {
		v := inner(env)
		if v.state != known {
			return pass(v, t)
		}
		if !env.grow(at, len(v.box.items)) {
			return Value{}
		}
		items := make([]Value, len(v.box.items))
		for k, row := range v.box.items {
			items[k] = row.box.items[i]
		}
		return Value{kind: List, state: known, box: &box{typ: t, items: items}}
	}}, base)
}

func (c *compiler) noProperty(n *ast.MemberNode, base operand, name *ast.StringNode) operand {
	if base.typ.Kind == Well && name.Value == "liquids" {
		return c.fail(diag.UnknownProperty, n, "liquids needs the name of a liquid", "write for example "+c.text(base)+".liquids."+firstOr(c.liquidNames(), "water"))
	}
	if base.typ.isSequence() && base.typ.Kind != Labware && base.typ.elem().Kind == Well {
		for _, p := range wellProperties {
			if p.name == name.Value {
				return c.fail(diag.UnknownProperty, name, "a list of wells has no "+name.Value+"; each of its wells has",
					"write map("+c.text(base)+", ."+name.Value+")")
			}
		}
	}
	var names []string
	for _, p := range properties(base.typ) {
		names = append(names, p.name)
	}
	names = append(names, methodNames(base.typ)...)
	message := base.typ.phrase() + " has no " + name.Value
	if len(names) == 0 {
		return c.fail(diag.UnknownProperty, name, message, "nothing can follow the dot here")
	}
	if base.typ.Kind == Labware && base.constant {
		l := &c.deck.Labware[base.value.Labware()]
		message = fmt.Sprintf("%s has no %s; it has %s", l.Name, name.Value, describeWells(l.Def))
	}
	if f, is := lookupFunction(name.Value); is {
		return c.fail(diag.UnknownProperty, name, message, f.Name+" is a function: write "+f.Signature+", here "+f.Name+"("+c.text(base)+")")
	}
	return c.fail(diag.UnknownProperty, name, message, didYouMean(name.Value, names, "it has"))
}

func firstOr(list []string, otherwise string) string {
	if len(list) > 0 {
		return list[0]
	}
	return otherwise
}

// index is plate[name], list[i] and tuple[0].
func (c *compiler) index(n *ast.MemberNode, base operand) operand {
	i := c.compile(n.Property)
	if i.typ.Kind == Invalid {
		return operand{node: n}
	}
	switch {
	case base.typ.Kind == Labware && i.typ.Kind == Text:
		return c.computedWell(n, base, i)
	case base.typ.Kind == Record:
		return c.tuple(n, base, i)
	case base.typ.Kind == Labware || base.typ.Kind == Liquid || base.typ.Kind == Wells:
		base = c.asWells(base, ListOf(Type{Kind: Well}))
	case base.typ.Kind != List:
		return c.fail(diag.TypeMismatch, n, "only a list has elements, and "+c.text(base)+" is "+base.typ.phrase(), "")
	}
	if i = c.whole(i, "the place of an element"); i.typ.Kind == Invalid {
		return operand{node: n}
	}
	list, place, at, t := base.code, i.code, c.at(n), base.typ.elem()
	return c.fold(operand{node: n, typ: t, path: base.path && i.constant, maybe: true, code: func(env *Env) Value {
		v := list(env)
		if v.state != known {
			return pass(v, t)
		}
		k := place(env)
		if k.state != known {
			return pass(k, t)
		}
		return env.element(at, v.box.items, k.num)
	}}, base, i)
}

// element counts from the end when the place is negative.
func (env *Env) element(at where, items []Value, place float64) Value {
	i := place
	if i < 0 {
		i += float64(len(items))
	}
	if i < 0 || i >= float64(len(items)) {
		help := "elements are counted from 0, so the last is " + strconv.Itoa(len(items)-1)
		if len(items) == 0 {
			help = ""
		}
		return env.fail(at, diag.OutOfRange, fmt.Sprintf("there is no element %.0f in a list of %d", place, len(items)), help)
	}
	return items[int(i)]
}

func (c *compiler) computedWell(n *ast.MemberNode, base, i operand) operand {
	inner, name, at, t := base.code, i.code, c.at(i.node), Type{Kind: Well}
	return c.fold(operand{node: n, typ: t, path: base.path && i.path, code: func(env *Env) Value {
		v := inner(env)
		if v.state != known {
			return pass(v, t)
		}
		k := name(env)
		if k.state != known {
			return pass(k, t)
		}
		return env.find(at, v, k.text)
	}}, base, i)
}

// tuple is pair[0]: an element of a record, by a number in plain sight.
func (c *compiler) tuple(n *ast.MemberNode, base, i operand) operand {
	fields := *base.typ.Fields
	if !i.constant || !i.typ.isPlain() || i.value.num < 0 || i.value.num >= float64(len(fields)) {
		return c.fail(diag.OutOfRange, n.Property, fmt.Sprintf("%s has the elements 0 to %d", c.text(base), len(fields)-1), "write one of these numbers")
	}
	name := &ast.StringNode{Value: fields[int(i.value.num)].Name}
	name.SetLocation(n.Property.Location())
	return c.field(n, base, name)
}

// slice is list[from:to].
func (c *compiler) slice(n *ast.SliceNode) operand {
	base := c.compile(n.Node)
	bounds := []operand{c.bound(n.From, 0), c.bound(n.To, maxElements)}
	if base.typ.Kind == Invalid || bounds[0].typ.Kind == Invalid || bounds[1].typ.Kind == Invalid {
		return operand{node: n}
	}
	if base.typ.Kind != List && base.typ.isSequence() {
		base = c.asWells(base, ListOf(Type{Kind: Well}))
	}
	if base.typ.Kind != List {
		return c.fail(diag.TypeMismatch, n, "only a list has a part, and "+c.text(base)+" is "+base.typ.phrase(), "")
	}
	list, from, to, t := base.code, bounds[0].code, bounds[1].code, base.typ
	return c.fold(operand{node: n, typ: t, code: func(env *Env) Value {
		v := list(env)
		a, b := from(env), to(env)
		for _, x := range []Value{v, a, b} {
			if x.state != known {
				return pass(x, t)
			}
		}
		items := v.box.items
		i, j := sliceBound(a.num, len(items)), sliceBound(b.num, len(items))
		return Value{kind: List, state: known, box: &box{typ: t, items: items[min(i, j):j]}}
	}}, base, bounds[0], bounds[1])
}

func (c *compiler) bound(n ast.Node, missing int64) operand {
	if n == nil {
		return operand{typ: Type{Kind: Integer}, constant: true, value: IntegerValue(missing), code: constantCode(IntegerValue(missing))}
	}
	return c.whole(c.compile(n), "the bound of a part")
}

// sliceBound counts from the end when negative and stays within the list.
func sliceBound(f float64, n int) int {
	if f < 0 {
		f += float64(n)
	}
	return int(min(max(f, 0), float64(n)))
}
