package interpreter

import (
	"fmt"
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
	in             int // labware a well is looked for in, or -1
	min, max       *eval.Value
	choices        []eval.Value
	value, example *eval.Value
}

// Values are parameters as text, by name, as --set gives them.
type Values map[string]string

var paramTypes = map[string]eval.Type{
	"volume": eval.Of(quantity.Volume), "duration": eval.Of(quantity.Time), "temperature": eval.Of(quantity.Temperature),
	"length": eval.Of(quantity.Length), "speed": eval.Of(quantity.Speed), "flow_rate": eval.Of(quantity.FlowRate),
	"concentration": eval.Of(quantity.MassConc), "number": {Kind: eval.Number}, "integer": {Kind: eval.Integer},
	"boolean": {Kind: eval.Bool}, "string": {Kind: eval.Text}, "choice": {Kind: eval.Text}, "well": {Kind: eval.Well}, "color": {Kind: eval.Color},
}

func (p *preparer) params() {
	for i := range p.p.workflow.Params {
		d := &p.p.workflow.Params[i]
		out := param{decl: d, typ: paramTypes[d.Type.Value], in: -1}
		out.slot = p.declare(d.Name, out.typ, "parameter", true)
		if d.In.IsSet() {
			var ok bool
			if out.in, ok = p.labwareIndex(d.In.Value); !ok {
				out.in = -1
				p.unknownName(diag.UnknownName, d.In, "labware", p.labwareNames())
			}
		}
		if d.Type.IsSet() && (out.in >= 0 || !d.In.IsSet()) {
			p.paramValues(&out)
		}
		p.p.params = append(p.p.params, out)
	}
}

// paramValues reads the values in a declaration and holds them against its
// bounds.
func (p *preparer) paramValues(out *param) {
	d := out.decl
	out.min, out.max = p.given(out, d.Min), p.given(out, d.Max)
	for _, c := range d.Choices {
		if v := p.given(out, c); v != nil {
			out.choices = append(out.choices, *v)
		}
	}
	out.value, out.example = p.given(out, d.Default), p.given(out, d.Example)
	if out.min != nil && out.max != nil && out.min.Float() > out.max.Float() {
		p.fail(diag.BadBounds, d.Min.Whole(), "the least value of "+d.Name.Value+", "+out.min.String()+", is above the greatest, "+out.max.String(), "exchange min and max")
		return
	}
	for _, g := range []struct {
		v *eval.Value
		s spec.Given
	}{{out.value, d.Default}, {out.example, d.Example}} {
		if g.v == nil {
			continue
		}
		if why := out.outside(*g.v); why != "" {
			p.fail(diag.OutOfBounds, g.s.Whole(), d.Name.Value+" "+why, "change the value or the bounds")
		}
	}
}

func (p *preparer) given(out *param, g spec.Given) *eval.Value {
	if !g.Set || out.typ.Kind == eval.Invalid || out.typ.Kind == eval.Well && p.incomplete {
		return nil
	}
	v, err := eval.ParseValue(out.typ, g.Text, out.in, p.p.deck)
	if err != nil {
		p.fail(diag.BadValue, g.Whole(), err.Error(), "")
		return nil
	}
	return &v
}

// outside says how v breaks the bounds of the parameter, or "".
func (d *param) outside(v eval.Value) string {
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

// bindParams gives every parameter its value: the run's, or the default, or,
// where Input allows it, the example.
func (x *expansion) bindParams(in Input) {
	for i := range x.p.params {
		d := &x.p.params[i]
		name := d.decl.Name.Value
		text, given := in.Params[name]
		switch {
		case given:
			x.bindGiven(d, text)
		case d.value != nil:
			x.bindParam(d, *d.value)
		case in.Examples && d.example != nil:
			x.bindParam(d, *d.example)
		default:
			x.missing(d, in.Examples)
		}
	}
	x.unknownParams(in.Params)
}

func (x *expansion) bindGiven(d *param, text string) {
	name := d.decl.Name.Value
	v, err := eval.ParseValue(d.typ, text, d.in, x.deck)
	if err != nil {
		x.add(diag.Diagnostic{Code: diag.BadValue, Message: fmt.Sprintf("the value given for %s: %s", name, err)})
		return
	}
	if why := d.outside(v); why != "" {
		x.add(diag.Diagnostic{Code: diag.OutOfBounds, Message: name + " " + why, Related: []diag.Related{{Span: d.decl.Name.Span, Message: name + " is declared here"}}})
	}
	x.bindParam(d, v)
}

func (x *expansion) bindParam(d *param, v eval.Value) {
	x.env.Vars[d.slot] = v
	x.shown = append(x.shown, program.Param{Name: d.decl.Name.Value, Value: v.String()})
}

func (x *expansion) missing(d *param, lint bool) {
	name := d.decl.Name.Value
	out := diag.Diagnostic{Code: diag.MissingValue, Span: d.decl.Name.Span, Message: "the parameter " + name + " has no value",
		Help: "give one with --set " + name + "=" + example(d.typ) + ", or write a default"}
	if lint {
		out.Severity, out.Message = diag.Warning, "the steps could not be proved, because the parameter "+name+" has neither default nor example"
		out.Help = "write example: " + example(d.typ) + ", or give a value with --set"
	}
	x.add(out)
	x.stuck = true
}

func example(t eval.Type) string {
	switch t.Kind {
	case eval.Quantity:
		return strings.ReplaceAll(t.Dim.Example(), " ", "")
	case eval.Well:
		return "A1"
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
func (x *expansion) unknownParams(given Values) {
	known := map[string]bool{}
	var names []string
	for i := range x.p.params {
		n := x.p.params[i].decl.Name.Value
		known[n], names = true, append(names, n)
	}
	var unknown []string
	for n := range given {
		if !known[n] {
			unknown = append(unknown, n)
		}
	}
	sort.Strings(unknown)
	for _, n := range unknown {
		d := diag.Diagnostic{Code: diag.UnknownName, Message: "the workflow has no parameter " + n, Help: "its parameters are " + strings.Join(names, ", ")}
		if len(names) == 0 {
			d.Help = "it has no parameters"
		}
		if near, ok := diag.Nearest(n, names); ok {
			d.Help = "did you mean " + near + "?"
		}
		x.add(d)
	}
}
