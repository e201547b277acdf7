package interpreter

import (
	"maps"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// A workflow is proved for its defaults, and then at the corners of what its parameters
// may be: all at their least and at their greatest, and each alone. What they require
// of each other cuts corners off; there, the way from the defaults to the corner is
// followed as far as that allows. Volumes and tips run out, wells overflow and loops get
// long towards the bounds, so that what goes wrong inside of them goes wrong at one of
// these places, unless it goes wrong on an island.

// Bounds on what that may cost: scenarios, steps of the program for the defaults times
// scenarios, but for the first two, and halvings of a way.
const (
	maxCorners     = 40
	maxCornerSteps = 20_000
	halvings       = 8
)

// ranged is a parameter that may be several things.
type ranged struct {
	name     string
	from     eval.Value // the default
	min, max eval.Value
	others   []eval.Value // of a choice or a boolean; min and max mean nothing then
}

// corner is what some parameters are to be.
type corner map[string]eval.Value

// ProveBounds proves the workflow where its parameters are at their bounds. What is
// found is a warning: a run is proved with its own values before it begins, and would be
// refused. Steps that wait for results are left to the proof of what these may be.
func (p *Prepared) ProveBounds(in Input) diag.List {
	all := p.rangedParams(in)
	if len(all) == 0 || len(p.lives) > 0 {
		return nil
	}
	end, _, _ := p.Expand(in, Fan{})
	var out diag.List
	spent := 0
	for i, c := range corners(all) {
		if spent += end.Steps; i > 1 && spent > maxCornerSteps {
			break
		}
		at, ok := p.required(in, all, c)
		if !ok {
			continue
		}
		found, bad := p.breaks(in, at)
		if !bad {
			continue
		}
		for _, d := range out {
			bad = bad && (d.Code != found.Code || d.Span != found.Span)
		}
		if bad {
			out = append(out, p.smallest(in, all, at, found))
		}
	}
	return out
}

// rangedParams are the parameters with bounds that a run does not give.
func (p *Prepared) rangedParams(in Input) []ranged {
	var out []ranged
	for i := range p.params {
		d := &p.params[i]
		name, b := d.decl.Name.Value, d.value
		if b == nil {
			b = d.example
		}
		_, given := in.Params[name]
		if b == nil || given || in.Written[name] != nil || d.typ.Kind != d.one.typ.Kind || d.columns != nil {
			continue
		}
		r := ranged{name: name, from: b.value}
		switch {
		case d.typ.Kind == eval.Bool:
			r.others = []eval.Value{eval.BoolValue(!b.value.Bool())}
		case len(d.one.choices) > 0:
			r.others = slices.DeleteFunc(slices.Clone(d.one.choices), b.value.Equal)
		case d.one.min != nil && d.one.max != nil && (d.typ.Kind == eval.Quantity || d.typ.Kind == eval.Number || d.typ.Kind == eval.Integer):
			r.min, r.max = *d.one.min, *d.one.max
		default:
			continue
		}
		out = append(out, r)
	}
	return out
}

// corners lists what is tried.
func corners(all []ranged) []corner {
	low, high := corner{}, corner{}
	out := []corner{high, low}
	for i := range all {
		r := &all[i]
		for _, v := range r.others {
			out = append(out, corner{r.name: v})
		}
		if r.others == nil {
			low[r.name], high[r.name] = r.min, r.max
			if len(all) > 1 {
				out = append(out, corner{r.name: r.max}, corner{r.name: r.min})
			}
		}
	}
	return out[:min(len(out), maxCorners)]
}

// required goes from the defaults towards a corner as far as the workflow's own
// requirements allow; ok is false where that is nowhere.
func (p *Prepared) required(in Input, all []ranged, c corner) (corner, bool) {
	if len(c) == 0 {
		return nil, false
	}
	if p.allows(in, c) {
		return c, true
	}
	near, far := 0, 1<<halvings
	for far-near > 1 {
		if middle := (near + far) / 2; p.allows(in, towards(all, c, middle)) {
			near = middle
		} else {
			far = middle
		}
	}
	return towards(all, c, near), near > 0
}

// towards is a part of the way from the defaults to a corner, in shares of 1<<halvings.
// What has no values between is as in the corner.
func towards(all []ranged, c corner, share int) corner {
	out := corner{}
	for i := range all {
		r := &all[i]
		to, is := c[r.name]
		switch {
		case !is:
		case r.others != nil:
			out[r.name] = to
		default:
			out[r.name] = partWay(r.from, to, share)
		}
	}
	return out
}

func partWay(from, to eval.Value, share int) eval.Value {
	between := func(a, b int64) int64 { return a + (b-a)*int64(share)>>halvings }
	switch from.Kind() {
	case eval.Quantity:
		a, b := from.Quantity(), to.Quantity()
		return eval.QuantityValue(quantity.Quantity{Dim: a.Dim, N: between(a.N, b.N)})
	case eval.Integer:
		return eval.IntegerValue(between(from.Int(), to.Int()))
	default:
		return eval.NumberValue(from.Float() + float64((to.Float()-from.Float())*float64(share))/(1<<halvings))
	}
}

// given is the input with the values of a corner.
func (c corner) given(in Input) Input {
	in.Params = maps.Clone(in.Params)
	if in.Params == nil {
		in.Params = Values{}
	}
	for name, v := range c {
		in.Params[name] = v.String()
	}
	return in
}

// allows reports whether the workflow's requirements hold at a corner.
func (p *Prepared) allows(in Input, c corner) bool {
	in = c.given(in)
	x := p.expansion(in, Fan{})
	x.bindParams(in)
	if !x.stuck && !x.list.HasErrors() {
		x.start()
	}
	return !x.stuck && !x.list.HasErrors()
}

// breaks is what goes wrong at a corner, but for what the workflow itself says of it.
func (p *Prepared) breaks(in Input, c corner) (diag.Diagnostic, bool) {
	_, list, _ := p.prove(c.given(in))
	if slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return slices.Contains(byDesign, d.Code) }) {
		return diag.Diagnostic{}, false
	}
	for _, d := range list {
		if d.Severity == diag.Error && d.Code != diag.MissingValue && d.Code != diag.OutOfBounds && d.Code != diag.BadValue {
			return d, true
		}
	}
	return diag.Diagnostic{}, false
}

// smallest goes back towards the defaults, as far as the same still goes wrong.
func (p *Prepared) smallest(in Input, all []ranged, c corner, found diag.Diagnostic) diag.Diagnostic {
	good, bad := 0, 1<<halvings
	at := c
	for bad-good > 1 {
		middle := (good + bad) / 2
		nearer := towards(all, c, middle)
		if d, is := p.breaks(in, nearer); is && d.Code == found.Code && d.Span == found.Span {
			bad, at, found = middle, nearer, d
		} else {
			good = middle
		}
	}
	found.Severity = diag.Warning
	found.Notes = append([]string{"for " + at.text(all) + ", which the parameters allow"}, found.Notes...)
	return found
}

// text names the values that are not the defaults, in the order of the file.
func (c corner) text(all []ranged) string {
	var out []string
	for i := range all {
		if v, is := c[all[i].name]; is && !v.Equal(all[i].from) {
			out = append(out, all[i].name+" = "+v.String())
		}
	}
	return strings.Join(out, ", ")
}
