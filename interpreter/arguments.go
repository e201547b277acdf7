package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// What a call gives for the parameters of the called workflow. Expressions are
// the caller's; what they have to be, the called workflow says.

// argument is what is given for one parameter, one element of a list or one
// cell of a row: an expression of the caller, a value that is known, or a list
// or row of arguments. One that is not given has none of them.
type argument struct {
	label string // what it is called in messages: v, element 2 of vols
	decl  spec.Word
	one   *domain // nil where bounds are those of the parts
	expr  *eval.Expr
	value *eval.Value

	composed bool
	typ      eval.Type // of the composed value
	parts    []argument
}

func (a *argument) isGiven() bool { return a.expr != nil || a.value != nil || a.composed }

// plainArguments checks the expressions of a call whose workflow is not known.
func (p *preparer) plainArguments(with []spec.Argument) {
	plain := func(e spec.Expr) {
		if !p.isOnDeck(strings.TrimSpace(e.Text)) {
			p.expr(e)
		}
	}
	for i := range with {
		plain(with[i].Value)
		for _, item := range with[i].Items {
			plain(item.Value)
			for _, c := range item.Cells {
				plain(c.Value)
			}
		}
	}
}

// arguments resolves what the call gives for each parameter.
func (m *mapping) arguments() []argument {
	out := make([]argument, len(m.q.p.params))
	for i := range m.q.p.params {
		d := &m.q.p.params[i]
		v, given := m.given(d.decl.Name.Value)
		switch {
		case given:
			out[i] = m.argument(d, v)
		case d.value == nil && !d.decl.Default.Set && d.decl.Type.IsSet():
			m.p.add(diag.Diagnostic{
				Code: diag.MissingValue, Span: m.at, Message: "the parameter " + d.decl.Name.Value + " of " + m.file + " has no default, and the call gives no value",
				Related: []diag.Related{{Span: d.decl.Name.Span, Message: d.decl.Name.Value + " is declared here"}}, Help: "give one: with: {" + d.decl.Name.Value + ": " + d.given() + "}",
			})
		}
	}
	return out
}

// given is how a call writes a value of the parameter.
func (d *param) given() string {
	switch {
	case len(d.columns) > 0:
		return "[{" + d.columns[0].decl.Name.Value + ": …}]"
	case d.one.typ.Kind == eval.Well && d.typ.Kind == eval.List:
		return "[plate.A1]"
	case d.one.typ.Kind == eval.Well:
		return "plate.A1"
	}
	return d.sample()
}

// argument resolves what is given for one parameter. What is refused gives one
// that is not given.
func (m *mapping) argument(d *param, v *spec.Argument) argument {
	name := d.decl.Name
	switch {
	case !v.Many:
		return m.leaf(argument{label: name.Value, decl: name}, &d.one, d.typ, v.Value, d)
	case d.typ.Kind == eval.Invalid:
		return argument{} // what is wrong with the parameter was reported
	case d.typ.Kind != eval.List:
		m.refuse(name, diag.TypeMismatch, v.Span, name.Value+" is "+article(d.typ.String())+", and this is a list", "write one value, without brackets")
		return argument{}
	}
	out := argument{label: name.Value, decl: name, composed: true, typ: d.typ}
	if len(d.columns) > 0 && len(v.Items) == 0 {
		m.refuse(name, diag.NoRows, v.Span, "the table "+name.Value+" has no rows", "write at least one: [{"+d.columns[0].decl.Name.Value+": …}]")
		return argument{}
	}
	for i := range v.Items {
		part, ok := m.element(d, &v.Items[i], i)
		if !ok {
			out.composed = false
			continue
		}
		out.parts = append(out.parts, part)
	}
	return out
}

// element resolves one element of a list, or one row of a table.
func (m *mapping) element(d *param, item *spec.ArgumentItem, i int) (argument, bool) {
	name := d.decl.Name
	switch table := len(d.columns) > 0; {
	case table && item.IsRow:
		return m.row(d, item, i)
	case table:
		m.refuse(name, diag.BadValue, item.Span, "a row of "+name.Value+" names its columns, and this is one value", "write {"+d.columns[0].decl.Name.Value+": "+item.Value.Text+"}")
		return argument{}, false
	case item.IsRow:
		m.refuse(name, diag.BadValue, item.Span, "this is a row of a table, and one value is wanted", "write the value alone, without braces")
		return argument{}, false
	}
	typ := d.one.typ
	if typ.Kind == eval.Well {
		typ = eval.Many(typ) // an element may stand for several wells
	}
	out := m.leaf(argument{label: "element " + itoa(i+1) + " of " + name.Value, decl: name}, &d.one, typ, item.Value, d)
	return out, out.isGiven()
}

// row resolves one row of a table, its values in the order of the columns.
func (m *mapping) row(d *param, item *spec.ArgumentItem, i int) (argument, bool) {
	name := d.decl.Name.Value
	names := make([]string, len(d.columns))
	for k := range d.columns {
		names[k] = d.columns[k].decl.Name.Value
	}
	out := argument{composed: true, typ: *d.typ.Elem, parts: make([]argument, len(names))}
	meant, ok := map[string]bool{}, true
	for _, c := range item.Cells {
		k := slices.Index(names, c.Name.Value)
		if k < 0 {
			f := diag.Diagnostic{
				Code: diag.TableColumn, Span: c.Name.Span, Message: name + " has no column " + c.Name.Value, Help: "its columns are " + strings.Join(names, ", "),
				Related: []diag.Related{{Span: d.decl.Name.Span, Message: name + " is declared here"}},
			}
			if near, found := diag.Nearest(c.Name.Value, names); found {
				meant[near] = true
				f.Help, f.Edits = "did you mean "+near+"?", []diag.Edit{{Span: c.Name.Span, New: near}}
			}
			m.p.add(f)
			ok = false
			continue
		}
		col := &d.columns[k]
		meant[c.Name.Value] = true
		out.parts[k] = m.leaf(argument{label: "row " + itoa(i+1) + ", column " + names[k], decl: col.decl.Name}, &col.domain, col.typ, c.Value, d)
		ok = ok && out.parts[k].isGiven()
	}
	for k := range d.columns {
		col := &d.columns[k]
		switch {
		case out.parts[k].isGiven() || meant[names[k]]:
		case col.otherwise != nil:
			out.parts[k] = argument{value: col.otherwise}
		default:
			m.refuse(col.decl.Name, diag.BadValue, item.Span, "row "+itoa(i+1)+", column "+names[k]+": there is no value", "write one, or give the column a default")
			ok = false
		}
	}
	return out, ok
}

func (m *mapping) refuse(declared spec.Word, code *diag.Code, at diag.Span, message, help string) {
	m.p.add(diag.Diagnostic{
		Code: code, Span: at, Message: message, Help: help,
		Related: []diag.Related{{Span: declared.Span, Message: declared.Value + " is declared here"}},
	})
}

// leaf reads one value: the words of a choice and colours are written out,
// everything else is an expression.
func (m *mapping) leaf(a argument, one *domain, typ eval.Type, v spec.Expr, d *param) argument {
	if !v.IsSet() {
		return argument{} // refused, as reported
	}
	if len(d.columns) == 0 || one != &d.one {
		a.one = one
	}
	text := strings.TrimSpace(v.Text)
	if typ.Kind == eval.Color || one.choice {
		if literal, err := eval.ParseValue(typ, text, -1, m.p.p.deck); err == nil && (typ.Kind == eval.Color || typ.Kind == eval.Text && one.outside(literal) == "") {
			a.value = &literal
			return a
		}
	}
	if one.choice && typ.Kind == eval.Text && spec.IsName(text) && !m.p.scope.Has(text) {
		m.p.unknownName(diag.UnknownWord, spec.Word{Value: text, Span: v.Whole()}, "choice", one.words())
		return argument{}
	}
	if a.expr = m.p.compile(v, typ); a.expr == nil {
		return argument{}
	}
	if c, ok := a.expr.Const(); ok {
		if why := a.within(c); why != "" {
			m.p.add(a.outside(why))
			return argument{}
		}
	}
	return a
}

// words are the choices of a value.
func (d *domain) words() []string {
	var out []string
	for _, c := range d.choices {
		out = append(out, c.String())
	}
	return out
}

// within says how a value, or an element of it, breaks the bounds, or "".
func (a *argument) within(v eval.Value) string {
	if a.one == nil || !v.Known() {
		return ""
	}
	if v.Kind() != eval.List {
		return a.one.outside(v)
	}
	for i, e := range v.List() {
		if why := a.one.outside(e); why != "" {
			return "at its element " + itoa(i+1) + " " + why
		}
	}
	return ""
}

// outside reports a value that breaks the bounds of a parameter.
func (a *argument) outside(why string) diag.Diagnostic {
	return diag.Diagnostic{
		Code: diag.OutOfBounds, Span: a.expr.Source().Whole(), Message: a.label + " " + why,
		Related: []diag.Related{{Span: a.decl.Span, Message: a.decl.Value + " is declared here"}}, Help: "give a value that the called workflow allows",
	}
}

// arguments evaluates what the call gives, in the caller's terms.
func (b *call) arguments(x *expansion) ([]eval.Value, bool) {
	vars := make([]eval.Value, b.w.slots)
	copy(vars, x.env.Vars) // for what our liquids and pipettes say of their handling
	for i := range b.w.params {
		d, a := &b.w.params[i], &b.values[i]
		switch {
		case a.isGiven():
			v, ok := x.argument(a)
			if !ok {
				return nil, false
			}
			vars[d.slot] = v
		case d.value != nil:
			vars[d.slot] = d.value.value
		default:
			return nil, false
		}
	}
	return vars, true
}

// argument evaluates what is given; where that cannot be, it reports why and
// returns false.
func (x *expansion) argument(a *argument) (eval.Value, bool) {
	switch {
	case a.value != nil:
		return *a.value, true
	case a.composed:
		return x.composed(a)
	}
	v, ok := x.eval(a.expr)
	if !ok {
		return v, false
	}
	if why := a.within(v); why != "" {
		out := a.outside(why)
		out.Values = a.expr.Reads(&x.env)
		x.add(out)
		return v, false
	}
	return v, true
}

// composed puts a list or a row together. An element that is itself a list, as
// wells may be, is part of the list.
func (x *expansion) composed(a *argument) (eval.Value, bool) {
	items := make([]eval.Value, 0, len(a.parts))
	for i := range a.parts {
		v, ok := x.argument(&a.parts[i])
		if !ok {
			return v, false
		}
		if a.typ.Kind == eval.List && v.Kind() == eval.List && a.typ.Elem.Kind != eval.List {
			items = append(items, v.List()...)
			continue
		}
		items = append(items, v)
	}
	if a.typ.Kind == eval.Record {
		return eval.RecordValue(a.typ, items), true
	}
	return eval.ListValue(*a.typ.Elem, items), true
}
