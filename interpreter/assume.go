package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// What a live step may give is tried out before the robot moves: once with what
// is likely, and then, step by step, with the least, the greatest and every
// choice of what its declared type allows.

// maxScenarios bounds how many ways are tried, and maxFailing how many more in
// which a live step fails.
const (
	maxScenarios = 200
	maxFailing   = 100
)

// likely is the scenario in which everything answers as it is expected to.
const likely = 1

// scenario says what is assumed: a field of one live step has a candidate, or
// the step fails, and everything else is as expected.
type scenario struct {
	live, field, candidate int
	fails                  program.Cause // empty where it does not
	when                   occasion
	person                 string // what is answered to `on_error: ask`
	limit                  int    // the timeout that passes, from 1; 0: none
}

// occasion says which times a live step is reached.
type occasion uint8

const (
	always occasion = iota
	atFirst
	later
)

// is reports whether the nth time is one of them.
func (o occasion) is(n int) bool { return o == always || (o == atFirst) == (n == 1) }

// scenarios lists what is tried, the likely one first, and those with failures
// at the end.
func (p *Prepared) scenarios() []scenario {
	out := []scenario{{live: -1}}
	for _, b := range p.lives {
		if b.asksOnError {
			continue // reached only where something fails
		}
		for i := range b.fields {
			for c := range b.fields[i].candidates() {
				if out = append(out, scenario{live: b.index, field: i, candidate: c}); len(out) == maxScenarios {
					return out
				}
			}
		}
	}
	return out
}

// failing lists the scenarios in which a live step fails: always, the first
// time, and all times but the first. Where nothing is done about failures, they
// only end the program.
func (p *preparer) failing() []scenario {
	if !p.calls.guards {
		return nil
	}
	asks := slices.ContainsFunc(p.p.lives, func(b *live) bool { return b.asksOnError })
	var out []scenario
	for _, b := range p.p.lives {
		if b.asksOnError || !b.heard || !b.canFail() {
			continue
		}
		for _, cause := range append([]program.Cause{program.Unreachable}, p.calls.causes...) {
			for _, s := range []scenario{{when: always, person: goOn}, {when: always, person: giveUp}, {when: atFirst, person: again}, {when: atFirst, person: goOn}, {when: later, person: goOn}} {
				s.live, s.fails = b.index, cause
				if !asks && s.person != goOn || slices.Contains(out, s) {
					continue
				}
				if out = append(out, s); len(out) == maxFailing {
					return out
				}
			}
		}
	}
	for i := range p.calls.timeouts {
		for _, s := range []scenario{{when: always, person: goOn}, {when: always, person: giveUp}, {when: atFirst, person: again}} {
			if s.live, s.limit, s.fails = -1, i+1, program.NoAnswer; asks || s.person == goOn || s.when == atFirst {
				out = append(out, s)
			}
		}
	}
	return out
}

// tells notes the failures that a retry makes a difference between, so that each
// is tried.
func (p *preparer) tells(r *retrying) {
	for _, is := range []bool{true, false} {
		for _, c := range usually {
			if slices.Contains(r.on, c) == is && c != program.NotHeld {
				p.calls.causes = append(p.calls.causes, c)
				break
			}
		}
	}
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
	switch {
	case b.asksOnError:
		return b.said(s.person), true
	case x.timedOut():
		return eval.Value{}, false
	case s.fails != "" && s.live == b.index && s.when.is(x.asked[b.index]):
		return b.fails(x, s.fails, "")
	case x.assume == likely && b.simulatedFailure(x):
		return b.simulatedFails(x)
	case x.halted():
		return eval.Value{}, false
	}
	items := make([]eval.Value, len(b.fields))
	for i := range b.fields {
		if s.live == b.index && s.field == i && s.fails == "" {
			items[i] = b.fields[i].candidates()[s.candidate]
			continue
		}
		v, ok := b.expected(x, i)
		if !ok {
			return v, false
		}
		items[i] = v
	}
	if x.scatter != "" && b.noisy() {
		return b.measured(x, items)
	}
	b.hear(x, items)
	if why := b.invalid(items, x.deck); why != "" {
		return b.neverComes(x, s, why)
	}
	return b.composed(items), true
}

// said is what a person is taken to answer to `on_error: ask`.
func (b *live) said(word string) eval.Value {
	choices := b.fields[0].one.choices
	for _, v := range choices {
		if v.String() == word {
			return v
		}
	}
	return choices[0]
}

// faults is a resolved `fails`.
type faults struct {
	first, rate *eval.Expr
	with        program.Cause
}

func (p *preparer) faults(f *spec.Fails) *faults {
	if !f.Set {
		return nil
	}
	out := &faults{first: p.expr(f.First), rate: p.expr(f.Rate), with: program.Unreachable}
	if f.With.IsSet() {
		out.with = program.Cause(f.With.Value)
	}
	return out
}

const simulatedWhy = "made to fail on the simulator, as `fails` says"

// simulatedFailure reports whether the simulator has the step fail this time.
func (b *live) simulatedFailure(x *expansion) bool {
	if b.fault == nil {
		return false
	}
	n := x.asked[b.index]
	if b.fault.first != nil {
		if v, ok := x.eval(b.fault.first); !ok || int64(n) <= v.Int() {
			return ok
		}
	}
	if b.fault.rate == nil {
		return false
	}
	v, ok := x.eval(b.fault.rate)
	return ok && (x.drawn("fails", itoa(b.index), itoa(n), x.scatter)+1)/2 < v.Float()
}

// simulatedFails has the step fail as the simulator says. An answer that does not
// come takes as long as it is waited for.
func (b *live) simulatedFails(x *expansion) (eval.Value, bool) {
	v, ok := b.fails(x, b.fault.with, simulatedWhy)
	if b.fault.with == program.NoAnswer && x.fault != nil {
		ms, _ := x.quantity(b.timeout, b.timeoutMS)
		x.now += ms * 1000
		if passed := x.due(0); passed != nil {
			x.outOfTime(passed, "")
		}
	}
	return v, ok
}

// neverComes ends a scenario with a result that would not be taken for one. If
// that is the likely one, the workflow is wrong about it.
func (b *live) neverComes(x *expansion, s scenario, why string) (eval.Value, bool) {
	x.over = true
	if s.live < 0 && s.limit == 0 {
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

// byDesign are the findings that are a workflow's own judgement of a result, or
// come of a failure. In a scenario they are one way the run may end, and no
// mistake.
var byDesign = []*diag.Code{diag.CheckFailed, diag.Failed, diag.BoundReached, diag.RequirementFailed, diag.RunFailed}

// proveDeferred proves what depends on results that are not there yet, in every
// scenario. A finding that is one in every scenario in which nothing fails is
// one; of the others those that the workflow itself makes are left out.
func (p *Prepared) proveDeferred(in Input, of *End) diag.List {
	var out diag.List
	counts, whole := map[foundOnce]int{}, 0
	for i := range p.all {
		in.assume = i + 1
		end, list, _ := p.prove(in)
		for k, used := range end.Ignored {
			of.Ignored[k] = of.Ignored[k] || used
		}
		if end.Failed != nil {
			list = append(list, *end.Failed)
		}
		well := p.all[i].fails == ""
		if well {
			whole++
		}
		for _, d := range once(list) {
			k := foundAs(&d)
			if _, known := counts[k]; !known {
				counts[k] = 0
				if note := p.assumption(i); note != "" {
					d.Notes = append(slices.Clone(d.Notes), note)
				}
				out = append(out, d)
			}
			if well {
				counts[k]++
			}
		}
	}
	return slices.DeleteFunc(out, func(d diag.Diagnostic) bool {
		judged := d.Severity != diag.Error || slices.Contains(byDesign, d.Code)
		return judged && counts[foundAs(&d)] < whole
	})
}

// assumption says in words what a scenario assumes.
func (p *Prepared) assumption(i int) string {
	s := p.all[i]
	switch {
	case s.limit > 0:
		return "if the timeout in line " + itoa(p.timeouts[s.limit-1].Start.Line) + " passes"
	case s.live < 0:
		return ""
	}
	b := p.lives[s.live]
	if s.fails != "" {
		return "if the " + b.kind.String() + " in line " + itoa(b.line) + " fails" + [...]string{"", " the first time", ", other than the first time"}[s.when]
	}
	a := &b.fields[s.field]
	return "if " + a.decl.Name.Value + " of the " + b.kind.String() + " in line " + itoa(a.decl.Name.Span.Start.Line) + " is " + a.candidates()[s.candidate].String()
}
