package eval

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// identifier is a name, or the $ signs that stand for a literal.
func (c *compiler) identifier(n *ast.IdentifierNode) operand {
	if strings.HasPrefix(n.Value, "$") {
		return c.literal(n)
	}
	if n.Value == "null" {
		none := &ast.NilNode{}
		none.SetLocation(n.Location())
		return c.raw(none)
	}
	if d := c.scope.find(n.Value); d != nil && d.slot >= 0 {
		if d.typ.Kind == Invalid {
			c.elsewhere = true
			return operand{node: n} // what is wrong with it was reported where it is declared
		}
		return c.variable(n, d)
	}
	for i := range c.deck.Labware {
		if c.deck.Labware[i].Name == n.Value {
			if c.deck.Labware[i].Def == nil {
				c.elsewhere = true
				return operand{node: n} // what it is was reported where it is declared
			}
			o := constant(n, labwareIn(c.box, i))
			o.path = true
			return o
		}
	}
	for i := range c.deck.Liquids {
		if c.deck.Liquids[i].Name == n.Value {
			o := constant(n, liquidIn(c.box, i))
			o.path = true
			return o
		}
	}
	return c.unknownName(n)
}

// variable reads a slot of Env.Vars.
func (c *compiler) variable(n *ast.IdentifierNode, d *scopeName) operand {
	slot := d.slot
	c.scope.use(d.name)
	c.leaves++
	o := operand{node: n, typ: d.typ, maybe: true, path: true, slot: slot + 1, code: func(env *Env) Value { return env.Vars[slot] }}
	c.noteRead(o)
	return o
}

// noteRead remembers that an operand is worth showing with its value.
func (c *compiler) noteRead(o operand) {
	start, end := c.s.extent(o.node)
	label := strings.Join(strings.Fields(c.s.text[start:end]), " ")
	for _, r := range c.reads {
		if r.label == label {
			return
		}
	}
	c.reads = append(c.reads, read{label, o.code})
}

func (c *compiler) unknownName(n *ast.IdentifierNode) operand {
	name := n.Value
	if d := c.scope.find(name); d != nil {
		if d.help != "" {
			return c.fail(diag.CallMismatch, n, "the "+d.what+" "+name+" stands for none of the workflow that calls this one", d.help)
		}
		return c.fail(diag.TypeMismatch, n, name+" is a "+d.what+", which has no value in an expression", "")
	}
	if isFunction(name) {
		f, _ := lookupFunction(name)
		return c.fail(diag.WrongArguments, n, name+" is a function and needs its arguments in parentheses", "write "+f.Signature)
	}
	if help, ok := foreignWords[name]; ok {
		if c.want.Kind != Invalid && c.want.Kind != Bool && c.s.text == name {
			help = c.want.phrase() + " is wanted here: write for example " + c.want.example()
		}
		return c.fail(diag.UnknownName, n, name+" is not declared", help)
	}
	if slices.Contains(enumWords, name) {
		help := ""
		if name == "trash" {
			help = "a transfer and a consolidate give to: trash; a tip is emptied there with blow_out: {in: trash}"
		}
		return c.fail(diag.UnknownName, n, name+" is a word that some fields understand and no value", help)
	}
	if with := c.scope.endedWith(name); with != "" {
		return c.fail(diag.UnknownName, n, name+" is not known here: it ends with "+with, "use it inside, or keep its value there: declare a variable under vars, and write set: {kept: "+name+"}")
	}
	if l := c.labwareWith(name); l != "" {
		return c.fail(diag.UnknownName, n, name+" alone names no well", "write it with its labware, for example "+l+"."+name)
	}
	return c.fail(diag.UnknownName, n, name+" is not declared", didYouMean(name, c.namesInReach(), "names in reach:"))
}

// labwareWith returns the first labware that holds liquid and has the well, or
// else any that has it, or "".
func (c *compiler) labwareWith(well string) string {
	found := ""
	for i := range c.deck.Labware {
		l := &c.deck.Labware[i]
		if l.Def == nil || l.Name == "" {
			continue
		}
		if _, ok := l.Def.Well(well); !ok {
			continue
		}
		if !l.Def.IsTipRack {
			return l.Name
		}
		if found == "" {
			found = l.Name
		}
	}
	return found
}

// foreignWords are what people write out of habit from other languages.
var foreignWords = map[string]string{
	"True": "write true", "False": "write false", "TRUE": "write true", "FALSE": "write false",
	"yes": "write true", "no": "write false", "on": "write true", "off": "write false", "Yes": "write true", "No": "write false", "On": "write true", "Off": "write false", "None": "write nil", "NULL": "write nil", "undefined": "write nil",
	"AND": "write and", "OR": "write or", "NOT": "write not",
}

// namesInReach lists what a name may have been meant to be.
func (c *compiler) namesInReach() []string {
	var out []string
	if c.scope != nil {
		out = c.scope.Names()
	}
	for i := range c.deck.Labware {
		out = append(out, c.deck.Labware[i].Name)
	}
	for i := range c.deck.Liquids {
		out = append(out, c.deck.Liquids[i].Name)
	}
	seen := map[string]bool{"": true} // what is on the deck and has no name in a called workflow
	unique := out[:0]
	for _, name := range out {
		if !seen[name] {
			seen[name] = true
			unique = append(unique, name)
		}
	}
	return unique
}

// literal finds the number with a unit, or the range of wells, that the
// scanner blanked out.
func (c *compiler) literal(n *ast.IdentifierNode) operand {
	t := c.s.tokens[c.s.at(c.s.offset(n.Location().From))]
	if t.kind == tokRange {
		return c.wellRange(n, c.s.text[t.start:t.end])
	}
	l := c.s.literals[t.partner]
	if l.value.state != known {
		return operand{node: n}
	}
	o := constant(n, l.value)
	o.ratio = l.ratio
	return o
}

// wellRange is plate.A1:D6, the wells of a rectangle column by column.
func (c *compiler) wellRange(n *ast.IdentifierNode, text string) operand {
	name, wells, _ := strings.Cut(text, ".")
	first, last, _ := strings.Cut(wells, ":")
	id := &ast.IdentifierNode{Value: name}
	id.SetLocation(n.Location())
	base := c.require(c.identifier(id))
	if base.typ.Kind == Invalid {
		return operand{node: n}
	}
	if base.typ.Kind != Labware {
		return c.fail(diag.TypeMismatch, n, name+" is "+base.typ.phrase()+", and only a labware has a range of wells", "")
	}
	at, inner := c.at(n), base.code
	o := operand{node: n, typ: ListOf(Type{Kind: Well}), code: func(env *Env) Value {
		v := inner(env)
		if v.state != known {
			return pass(v, ListOf(Type{Kind: Well}))
		}
		return env.rectangle(at, v, first, last)
	}}
	return c.fold(o, base)
}
