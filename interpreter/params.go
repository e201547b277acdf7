package interpreter

import (
	"slices"
	"sort"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// param is a declared parameter with its bounds.
type param struct {
	decl           *spec.Param
	slot           int
	typ            eval.Type
	one            domain // of the value, or of the elements of a list
	columns        []column
	value, example *bound
}

// domain is what one value has to be.
type domain struct {
	typ      eval.Type
	in       int // labware a well is looked for in, or -1
	min, max *eval.Value
	choices  []eval.Value
	choice   bool // one of words, which are written without quotes
}

// bound is the value of a parameter, and how plans show it.
type bound struct {
	value eval.Value
	shown string
}

// Values are parameters as text, by name, as --set gives them.
type Values map[string]string

var paramTypes = map[string]eval.Type{
	"volume": eval.Of(quantity.Volume), "duration": eval.Of(quantity.Time), "temperature": eval.Of(quantity.Temperature),
	"length": eval.Of(quantity.Length), "speed": eval.Of(quantity.Speed), "flow_rate": eval.Of(quantity.FlowRate),
	"concentration": eval.Of(quantity.MassConc), "molarity": eval.Of(quantity.MolarConc), "number": {Kind: eval.Number}, "integer": {Kind: eval.Integer},
	"boolean": {Kind: eval.Bool}, "string": {Kind: eval.Text}, "choice": {Kind: eval.Text}, "well": {Kind: eval.Well},
	"labware": {Kind: eval.Labware}, "color": {Kind: eval.Color},
}

func (p *preparer) params() {
	for i := range p.p.workflow.Params {
		d := &p.p.workflow.Params[i]
		out := p.param(d)
		out.slot = p.declare(d.Name, out.typ, "parameter", true)
		p.p.params = append(p.p.params, out)
	}
}

// param resolves what a value is declared to be, without giving it a name.
func (p *preparer) param(d *spec.Param) param {
	out := param{decl: d, slot: -1}
	out.one = p.domain(d.Name.Value, &declared{typ: d.Type, of: d.Of, in: d.In, min: d.Min, max: d.Max, choices: d.Choices})
	out.typ = out.one.typ
	switch d.Type.Value {
	case "wells":
		out.typ = eval.ListOf(eval.Type{Kind: eval.Well})
	case "list":
		if out.typ.Kind != eval.Invalid {
			out.typ = eval.ListOf(out.one.typ)
		}
	case "table":
		out.columns, out.typ = p.columns(d)
	}
	if d.Type.IsSet() {
		out.value, out.example = p.written(&out, &d.Default), p.written(&out, &d.Example)
	}
	return out
}

// declared are the keys that say what one value has to be.
type declared struct {
	typ, of, in spec.Word
	min, max    spec.Given
	choices     []spec.Given
	short       bool // nothing but the type is written
}

// domain reads what one value has to be: that of a parameter, of the elements
// of a list, or of the cells of a column.
func (p *preparer) domain(name string, d *declared) domain {
	typ := d.typ.Value
	switch typ {
	case "list":
		typ = d.of.Value
	case "wells":
		typ = "well"
	}
	out := domain{typ: paramTypes[typ], in: -1, choice: typ == "choice"}
	if d.in.IsSet() {
		p.labwareOf(&out, d.in)
	}
	p.pointless(&out, typ, d)
	out.min, out.max = p.given(&out, d.min), p.given(&out, d.max)
	for _, c := range d.choices {
		if v := p.given(&out, c); v != nil {
			out.choices = append(out.choices, *v)
		}
	}
	if out.min != nil && out.max != nil && out.min.Float() > out.max.Float() {
		p.fail(diag.BadBounds, d.min.Whole(), "the least value of "+name+", "+out.min.String()+", is above the greatest, "+out.max.String(), "exchange min and max")
		out.min, out.max = nil, nil
	}
	if (d.typ.Value == "list" || d.short) && typ == "choice" && len(d.choices) == 0 { // of a single choice, the decoder says so
		p.fail(diag.BadBounds, d.typ.Span, name+" is a choice without choices", "add choices: [first, second]")
	}
	return out
}

// labwareOf finds the labware that wells are in.
func (p *preparer) labwareOf(out *domain, in spec.Word) {
	i, ok := p.labwareIndex(in.Value)
	if !ok && p.isParam(in.Value) {
		p.fail(diag.UnknownName, in.Span, in.Value+" is a parameter, and `in` names a labware of the section for labware", "leave `in` out; a run then gives the well with its labware, as plate.A1")
		out.typ = eval.Type{}
		return
	}
	if !ok {
		p.unknownName(diag.UnknownName, in, "labware", p.labwareNames())
		out.typ = eval.Type{} // nothing more can be said about its values
		return
	}
	out.in = i
}

// isParam reports whether the workflow declares a parameter of this name,
// perhaps further down.
func (p *preparer) isParam(name string) bool {
	return slices.ContainsFunc(p.p.workflow.Params, func(d spec.Param) bool { return d.Name.Value == name })
}

// pointless reports options that can have no effect on the type.
func (p *preparer) pointless(out *domain, typ string, d *declared) {
	ordered := out.typ.Kind == eval.Quantity || out.typ.Kind == eval.Number || out.typ.Kind == eval.Integer
	for _, g := range []struct {
		name string
		s    *spec.Given
	}{{"min", &d.min}, {"max", &d.max}} {
		if g.s.Set && !ordered && out.typ.Kind != eval.Invalid {
			p.fail(diag.NoEffect, g.s.Whole(), "`"+g.name+"` has no effect on a "+typ, "remove it; only numbers and quantities have bounds")
			*g.s = spec.Given{}
		}
	}
	if d.in.IsSet() && out.typ.Kind != eval.Well && out.typ.Kind != eval.Invalid {
		p.fail(diag.NoEffect, d.in.Span, "`in` has no effect on a "+typ, "remove it; only a well is in a labware")
	}
}

// given reads a bound or a choice.
func (p *preparer) given(out *domain, g spec.Given) *eval.Value {
	if !g.Set || out.typ.Kind == eval.Invalid || out.typ.Kind == eval.Well && p.incomplete {
		return nil
	}
	v, err := eval.ParseValue(out.typ, g.Text, out.in, p.p.deck)
	if err != nil {
		message, help := eval.Advice(err)
		p.fail(diag.BadValue, g.Whole(), message, help)
		return nil
	}
	return &v
}

// written reads a default or an example.
func (p *preparer) written(out *param, w *spec.Written) *bound {
	if !w.Set || out.typ.Kind == eval.Invalid || out.hasWells() && p.incomplete {
		return nil
	}
	r := valueReader{param: out, deck: p.p.deck, file: p.referenced, declared: true}
	v, ok := r.read(w)
	p.list = append(p.list, r.list...)
	if !ok {
		return nil
	}
	return v
}

// referenced is the file that a reference in the workflow names.
func (p *preparer) referenced(ref string) (*spec.File, bool) {
	return p.p.bundle.ReferencedFrom(p.p.workflow.File, ref)
}

// hasWells reports whether values can be read only where all labware is known.
func (d *param) hasWells() bool {
	for _, c := range d.columns {
		if c.typ.Kind == eval.Well {
			return true
		}
	}
	return d.one.typ.Kind == eval.Well
}

// outside says how v breaks the bounds, or "".
func (d *domain) outside(v eval.Value) string {
	switch {
	case d.min != nil && v.Float() < d.min.Float():
		return "is " + v.String() + ", less than the least value allowed, " + d.min.String()
	case d.max != nil && v.Float() > d.max.Float():
		return "is " + v.String() + ", more than the greatest value allowed, " + d.max.String()
	}
	if len(d.choices) == 0 {
		return ""
	}
	var names []string
	for _, c := range d.choices {
		if c.Equal(v) {
			return ""
		}
		names = append(names, c.String())
	}
	return "is " + v.String() + ", and must be one of " + strings.Join(names, ", ")
}

// valueReader reads one value of a parameter: as it is declared, or as a run
// gives it.
type valueReader struct {
	param    *param
	deck     *program.Deck
	file     func(ref string) (*spec.File, bool)
	declared bool
	silent   bool // there is no value, for a reason that was reported elsewhere
	list     diag.List
}

func (r *valueReader) name() string { return r.param.decl.Name.Value }

func (r *valueReader) fail(code *diag.Code, at diag.Span, message, help string) {
	d := diag.Diagnostic{Code: code, Span: at, Message: message, Help: help}
	if !r.declared {
		d.Related = []diag.Related{{Span: r.param.decl.Name.Span, Message: r.name() + " is declared here"}}
	}
	r.list = append(r.list, d)
}

// bad reports what cannot be read as a value.
func (r *valueReader) bad(at diag.Span, why, help string) {
	if !r.declared {
		why = "the value given for " + r.name() + ": " + why
	}
	r.fail(diag.BadValue, at, why, help)
}

// unread reports a text that is no value of the parameter's type.
func (r *valueReader) unread(at diag.Span, err error) {
	message, help := eval.Advice(err)
	r.bad(at, message, help)
}

// within reports a value that lies outside of what is allowed. label names it.
func (r *valueReader) within(v eval.Value, at diag.Span, label string) {
	why := r.param.one.outside(v)
	if why == "" {
		return
	}
	help := ""
	if r.declared {
		help = "change the value or the bounds"
	}
	r.fail(diag.OutOfBounds, at, label+" "+why, help)
}

// read gives the value that was written.
func (r *valueReader) read(w *spec.Written) (*bound, bool) {
	var v eval.Value
	var shown string
	switch r.param.decl.Type.Value {
	case "table":
		v, shown = r.table(w)
	case "list", "wells":
		v = r.several(w)
	default:
		v = r.single(w)
	}
	if r.list.HasErrors() || r.silent {
		return nil, false
	}
	if shown == "" {
		shown = v.String()
	}
	return &bound{v, shown}, true
}

func (r *valueReader) single(w *spec.Written) eval.Value {
	if w.Many {
		r.bad(w.Span, "this is a list, and one value is wanted", "write the value without brackets, or declare a list: type: list")
		return eval.Value{}
	}
	v, err := eval.ParseValue(r.param.one.typ, w.Text, r.param.one.in, r.deck)
	if err != nil {
		r.unread(w.Whole(), err)
		return v
	}
	r.within(v, w.Whole(), r.name())
	return v
}

// several reads a list, as YAML or as text: "[1 uL, 2 uL]", "1 uL, 2 uL".
func (r *valueReader) several(w *spec.Written) eval.Value {
	t := r.param.typ
	if !w.Many {
		v, err := eval.ParseValue(t, w.Text, r.param.one.in, r.deck)
		if err != nil {
			r.unread(w.Whole(), err)
			return v
		}
		for i, e := range v.List() {
			r.within(e, w.Whole(), "element "+itoa(i+1)+" of "+r.name())
		}
		return v
	}
	items := make([]eval.Value, 0, len(w.Items))
	elem := r.param.one.typ
	if elem.Kind == eval.Well {
		elem = t // an element may stand for several wells
	}
	for i := range w.Items {
		item := &w.Items[i]
		if item.IsRow {
			r.bad(item.Span, "this is a row of a table, and one value is wanted", "write the value alone, or declare a table: type: table")
			continue
		}
		v, err := eval.ParseValue(elem, item.Text, r.param.one.in, r.deck)
		if err != nil {
			r.unread(item.Whole(), err)
			continue
		}
		more := []eval.Value{v}
		if v.Kind() == eval.List {
			more = v.List()
		}
		for _, e := range more {
			r.within(e, item.Whole(), "element "+itoa(i+1)+" of "+r.name())
		}
		items = append(items, more...)
	}
	return eval.ListValue(*t.Elem, items)
}

// bindParams gives every parameter its value: the run's, or the default, or,
// where Input allows it, the example.
func (x *expansion) bindParams(in Input) {
	for i := range x.p.params {
		d := &x.p.params[i]
		name := d.decl.Name.Value
		text, given := in.Params[name]
		w := in.Written[name]
		if given {
			w = &spec.Written{Given: spec.Given{Scalar: spec.LiteralText(text), Set: true}}
		}
		switch {
		case w != nil:
			x.bindGiven(d, w, in.Tables)
		case d.value != nil:
			x.bindParam(d, d.value)
		case in.Examples && d.example != nil:
			x.bindParam(d, d.example)
		default:
			x.missing(d, in.Examples)
		}
	}
	x.unknownParams(in)
}

func (x *expansion) bindGiven(d *param, w *spec.Written, tables map[string]spec.File) {
	file := x.p.bundle.Referenced
	if f, ok := tables[d.decl.Name.Value]; ok {
		file = func(string) (*spec.File, bool) { return &f, true }
	}
	r := valueReader{param: d, deck: x.deck, file: file}
	v, ok := r.read(w)
	for _, f := range r.list {
		x.tell(f)
	}
	if !ok {
		x.stuck = true
		return
	}
	x.bindParam(d, v)
}

func (x *expansion) bindParam(d *param, v *bound) {
	x.env.Vars[d.slot] = v.value
	x.shown = append(x.shown, program.Param{Name: d.decl.Name.Value, Value: v.shown})
}

func (x *expansion) missing(d *param, lint bool) {
	name := d.decl.Name.Value
	out := diag.Diagnostic{
		Code: diag.MissingValue, Span: d.decl.Name.Span, Message: "the parameter " + name + " has no value",
		Help: "give one with --set " + name + "=" + d.sample() + ", or write a default",
	}
	if lint {
		out.Severity, out.Message = diag.Warning, "the steps could not be proved, because the parameter "+name+" has neither default nor example"
		out.Help = "write example: " + d.sample() + ", or give a value with --set"
	}
	x.add(out)
	x.stuck = true
}

// sample is how a value of the parameter is written.
func (d *param) sample() string {
	switch d.decl.Type.Value {
	case "table":
		return d.decl.Name.Value + ".csv"
	case "list":
		return "[" + example(d.one.typ) + "]"
	case "wells":
		return "A1:D6"
	}
	if len(d.one.choices) > 0 {
		return d.one.choices[0].String()
	}
	return example(d.typ)
}

func example(t eval.Type) string {
	switch t.Kind {
	case eval.Quantity:
		return strings.ReplaceAll(t.Dim.Example(), " ", "")
	case eval.Well:
		return "A1"
	case eval.Labware:
		return "plate"
	case eval.Bool:
		return "true"
	case eval.Color:
		return "'#c8102e'"
	case eval.Text:
		return "text"
	}
	return "1"
}

// unknownParams reports values for parameters that do not exist, by name.
func (x *expansion) unknownParams(in Input) {
	n := 0
	for i := range x.p.params {
		name := x.p.params[i].decl.Name.Value
		if _, given := in.Params[name]; given {
			n++
		}
		if _, given := in.Written[name]; given {
			n++
		}
	}
	if n == len(in.Params)+len(in.Written) {
		return
	}
	known := map[string]bool{}
	var names []string
	for i := range x.p.params {
		n := x.p.params[i].decl.Name.Value
		known[n], names = true, append(names, n)
	}
	at := map[string]diag.Span{}
	for n, w := range in.Written {
		at[n] = w.Span
	}
	for n := range in.Params {
		at[n] = diag.Span{}
	}
	var unknown []string
	for n := range at {
		if !known[n] {
			unknown = append(unknown, n)
		}
	}
	sort.Strings(unknown)
	for _, n := range unknown {
		d := diag.Diagnostic{Code: diag.UnknownName, Span: at[n], Message: "the workflow has no parameter " + n, Help: "its parameters are " + strings.Join(names, ", ")}
		if len(names) == 0 {
			d.Help = "it has no parameters"
		}
		if near, ok := diag.Nearest(n, names); ok {
			d.Help = "did you mean " + near + "?"
		}
		x.tell(d)
	}
}

// tell reports a finding that is like no other, even at the same place.
func (x *expansion) tell(d diag.Diagnostic) {
	x.list, x.more = append(x.list, d), append(x.more, 0)
}
