package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// What a live step may give is tried out before the robot moves: once with what
// is likely, and then, step by step, with the least, the greatest and every
// choice of what its declared type allows.

// maxScenarios bounds how many ways are tried.
const maxScenarios = 200

// likely is the scenario in which everything answers as it is expected to.
const likely = 1

// scenario says what is assumed: field of one live step has a candidate, and
// everything else is as expected.
type scenario struct{ live, field, candidate int }

// scenarios lists what is tried, the likely one first.
func (p *Prepared) scenarios() []scenario {
	out := []scenario{{-1, 0, 0}}
	for _, b := range p.lives {
		for i := range b.fields {
			for c := range b.fields[i].candidates() {
				if out = append(out, scenario{b.index, i, c}); len(out) == maxScenarios {
					return out
				}
			}
		}
	}
	return out
}

// candidates are the corners of what an answer can be. A list has none.
func (a *answer) candidates() []eval.Value {
	switch {
	case a.typ.Kind == eval.List:
		return nil
	case len(a.one.choices) > 0:
		return a.one.choices
	case a.typ.Kind == eval.Bool:
		return []eval.Value{eval.BoolValue(false), eval.BoolValue(true)}
	}
	var out []eval.Value
	for _, v := range []*eval.Value{a.one.min, a.one.max} {
		if v != nil {
			out = append(out, *v)
		}
	}
	if a.typ.Dim == quantity.Volume && a.one.min != nil && a.one.min.Float() == 0 {
		out = append(out, eval.QuantityValue(quantity.Quantity{N: aDrop, Dim: quantity.Volume}))
	}
	return out
}

// aDrop is more than nothing and less than any pipette takes, in nL: where 0 is
// allowed, so is it.
const aDrop = 100

// assumed is what the current scenario takes for the result.
func (b *live) assumed(x *expansion) (eval.Value, bool) {
	s := x.p.all[x.assume-1]
	items := make([]eval.Value, len(b.fields))
	for i := range b.fields {
		if s.live == b.index && s.field == i {
			items[i] = b.fields[i].candidates()[s.candidate]
			continue
		}
		v, ok := b.expected(x, i)
		if !ok {
			return v, false
		}
		items[i] = v
	}
	if why := b.invalid(items, x.deck); why != "" {
		return b.neverComes(x, s, why)
	}
	return b.composed(items), true
}

// neverComes ends a scenario with a result that would not be taken for one. If
// that is the likely one, the workflow is wrong about it.
func (b *live) neverComes(x *expansion, s scenario, why string) (eval.Value, bool) {
	x.over = true
	if s.live < 0 {
		x.add(diag.Diagnostic{
			Code: diag.BadValue, Span: x.blameStep, Message: "what the simulator is to take for this result is not valid: " + why,
			Help: "give values under simulate: for which what stands under valid: holds",
		})
	}
	return eval.Value{}, false
}

// expected is what a field is likely to be: what `simulate` says, the default
// or the example, or else the middle of what is allowed.
func (b *live) expected(x *expansion, i int) (eval.Value, bool) {
	a := &b.fields[i]
	if e := b.simulate[a.decl.Name.Value]; e != nil {
		return x.look(e)
	}
	switch {
	case a.param.value != nil:
		return a.param.value.value, true
	case a.example != nil:
		return a.example.value, true
	case len(a.one.choices) > 0 && a.typ.Kind != eval.List:
		return a.one.choices[0], true
	}
	return a.middle(x.deck), true
}

// middle is a value out of the middle of what is allowed.
func (a *answer) middle(deck *program.Deck) eval.Value {
	one := a.one.typ
	switch {
	case a.typ.Kind == eval.List:
		return eval.ListValue(one, nil)
	case one.Kind == eval.Bool:
		return eval.BoolValue(true)
	case a.one.min != nil && a.one.max != nil:
		return eval.Between(*a.one.min, *a.one.max)
	case a.one.min != nil:
		return *a.one.min
	case a.one.max != nil:
		return *a.one.max
	}
	v, err := eval.ParseValue(one, strings.Trim(example(one), "'"), a.one.in, deck)
	if err != nil {
		return eval.UnknownValue(a.typ, "it is known only while the robot runs")
	}
	return v
}

// byDesign are the findings that are a workflow's own judgement of a result. In
// a scenario they are one way the run may end, and no mistake.
var byDesign = []*diag.Code{diag.CheckFailed, diag.Failed, diag.BoundReached, diag.RequirementFailed}

// proveDeferred proves what depends on results that are not there yet, in every
// scenario. A finding that is one in every scenario is one; of the others those
// that the workflow itself makes are left out.
func (p *Prepared) proveDeferred(in Input) diag.List {
	var out diag.List
	counts := map[foundOnce]int{}
	for i := range p.all {
		in.assume = i + 1
		_, list, _ := p.prove(in)
		for _, d := range once(list) {
			k := foundAs(&d)
			if counts[k]++; counts[k] == 1 {
				if note := p.assumption(i); note != "" {
					d.Notes = append(slices.Clone(d.Notes), note)
				}
				out = append(out, d)
			}
		}
	}
	return slices.DeleteFunc(out, func(d diag.Diagnostic) bool {
		k := foundAs(&d)
		judged := d.Severity != diag.Error || slices.Contains(byDesign, d.Code)
		return judged && counts[k] < len(p.all)
	})
}

// assumption says in words what a scenario assumes.
func (p *Prepared) assumption(i int) string {
	s := p.all[i]
	if s.live < 0 {
		return ""
	}
	b := p.lives[s.live]
	a := &b.fields[s.field]
	return "if " + a.decl.Name.Value + " of the " + b.kind.String() + " in line " + itoa(a.decl.Name.Span.Start.Line) + " is " + a.candidates()[s.candidate].String()
}
