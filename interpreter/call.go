package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Calls of other workflows. A called workflow is prepared once for each place
// that calls it, against our deck under its own names for what is on it, so
// that everything but the names is as if its steps stood here.

// MaxCalls is how many calls, also those in called workflows, a workflow may
// have; maxCallDepth is how deep they may be in each other.
const (
	MaxCalls     = 1000
	maxCallDepth = 16
)

// calls is what the preparations of a workflow and of those it calls share.
type calls struct {
	called map[string]*spec.Workflow // by file
	n      int
	lives  []*live
	kept   []keptTips
	guards bool            // something is done about failures
	causes []program.Cause // that retries make a difference between

	timeouts []diag.Span // every one

	classes map[string]*spec.LiquidClass // by file
	made    map[string]*class            // by file, or name of one that is shipped
}

// call is a resolved `call`.
type call struct {
	file   string
	w      *Prepared
	values []argument // by parameter; one that is not given has no expression
	result *result    // nil where nobody asks for it
}

// result is the `as` of a step: what the called workflow returns, or with a loop
// the list of what it returned each time.
type result struct {
	slot  int
	typ   eval.Type // of what the step returns once
	many  bool
	cause string // why it is not known before
}

// before is the value until the step has been done.
func (r *result) before() eval.Value {
	if r.many {
		return eval.ListValue(r.typ, nil)
	}
	return eval.UnknownValue(r.typ, r.cause)
}

// put notes what the step returned.
func (r *result) put(vars []eval.Value, v eval.Value) {
	if r.many {
		v = eval.ListValue(r.typ, append(vars[r.slot].List(), v))
	}
	vars[r.slot] = v
}

// result gives what a step returns its name, from here on.
func (p *preparer) result(s *spec.Step, n *node, slot int) {
	typ := eval.Type{}
	if b, ok := n.body.(returner); ok {
		var any bool
		if typ, any = b.returns(); !any {
			p.fail(diag.NoEffect, s.As.Span, "`as` has no effect: "+p.silent(s)+" returns nothing", "remove it, or say what comes back: a called workflow has outputs, a request a result")
		}
		n.result = &result{slot: slot, typ: typ, many: s.For.Set}
		b.giveTo(n.result)
		if s.For.Set {
			typ = eval.ListOf(typ)
		}
	} else if !returnsSomething(s.Body) && s.Body != nil {
		p.fail(diag.NoEffect, s.As.Span, "`as` has no effect on `"+s.Key+"`, which returns nothing", "remove it; a call of a workflow with outputs returns something, and so do ask, measure and request")
	}
	if err := p.scope.Name(slot, s.As.Value, typ, "result"); err != nil {
		p.nameTaken(s.As, err)
		return
	}
	p.names[s.As.Value] = s.As.Span
}

// returnsSomething reports whether a step of this kind can have a result, even
// if this one is wrong.
func returnsSomething(b spec.Body) bool {
	switch b.(type) {
	case *spec.Call, *spec.Ask, *spec.Measure, *spec.Request:
		return true
	}
	return false
}

// silent names what returns nothing.
func (p *preparer) silent(s *spec.Step) string {
	if c, ok := s.Body.(*spec.Call); ok {
		f, _ := p.p.bundle.ReferencedFrom(p.p.workflow.File, spec.CalledFile(c.Workflow.Text))
		return f.Name
	}
	return "this " + s.Key
}

func (b *call) returns() (eval.Type, bool) { return b.w.returned(), len(b.w.outputs) > 0 }

func (b *call) giveTo(r *result) {
	r.cause = "the call was not made"
	b.result = r
}

// returned is the type of what the workflow returns when it is called.
func (p *Prepared) returned() eval.Type {
	fields := make([]eval.Field, len(p.outputs))
	for i, o := range p.outputs {
		fields[i] = eval.Field{Name: o.decl.Name.Value, Type: o.typ}
	}
	return eval.RecordOf(fields...)
}

// callNote tells people that steps are those of another workflow.
type callNote struct {
	file string
	line int
}

// Line is where the call is written.
func (c *callNote) Line() int { return c.line }

// String renders the note: "call of dilute.yaml".
func (c *callNote) String() string { return "call of " + c.file }

func (p *preparer) call(b *spec.Call, at diag.Span) body {
	name := b.Workflow.Text
	f, ok := p.p.bundle.ReferencedFrom(p.p.workflow.File, spec.CalledFile(name))
	if !ok || !p.mayCall(f.Name, b.Workflow.Whole()) {
		p.plainArguments(b.With)
		return nil // what is wrong has been reported
	}
	w := p.calls.called[f.Name]
	if w == nil {
		panic("interpreter: Prepare was not given the called workflow " + f.Name)
	}
	if w.Span.IsZero() { // there was nothing to decode
		p.plainArguments(b.With)
		return nil
	}
	q := &preparer{
		p:     &Prepared{workflow: w, bundle: p.p.bundle, machine: p.p.machine, deck: hidden(p.p.deck)},
		scope: eval.NewScope(), names: map[string]diag.Span{}, vars: map[string]eval.Type{},
		calls: p.calls, chain: append(slices.Clone(p.chain), f.Name), only: -1, incomplete: p.incomplete,
	}
	q.scope.Leave(p.scope.Slots())
	m := mapping{p: p, q: q, call: b, file: f.Name, at: at, used: map[string]bool{}}
	found := len(p.list)
	m.modules()
	m.labware()
	m.pipettes()
	m.liquids()
	mapped := len(p.list) == found
	q.params()
	out := &call{file: f.Name, w: q.p, values: m.arguments()}
	m.unknown()
	if !mapped {
		return nil // its steps would speak of what is not there
	}
	q.lets()
	q.variables()
	q.instruments()
	q.requirements()
	m.levels()
	q.defaults()
	q.last(w.Finally)
	q.p.nodes, q.p.timeout = q.steps(w.Steps), q.timeout(w.Timeout)
	q.outputs()
	q.p.slots = q.scope.Slots()
	q.missed()
	q.explainOrder()
	p.addCalled(q.list, at)
	return out
}

// isOnDeck reports whether name is that of a labware, a liquid, a
// pipette or a module.
func (p *preparer) isOnDeck(name string) bool {
	return slices.Contains(slices.Concat(p.labwareNames(), p.moduleNames(), p.liquidNames(), p.pipetteNames()), name)
}

// mayCall reports a call that would never end, and calls without measure.
func (p *preparer) mayCall(file string, at diag.Span) bool {
	chain := append(slices.Clone(p.chain), file)
	if i := slices.Index(p.chain, file); i >= 0 {
		p.fail(diag.Recursion, at, "a workflow cannot call itself: "+strings.Join(chain[i:], " calls "), "repeat steps with for, repeat or while instead")
		return false
	}
	p.calls.n++
	switch {
	case len(chain) > maxCallDepth:
		p.fail(diag.TooManyCalls, at, "calls are more than "+itoa(maxCallDepth)+" deep in each other here", "call fewer workflows from workflows that are called themselves")
	case p.calls.n == MaxCalls+1:
		p.fail(diag.TooManyCalls, at, "with those in called workflows there are more than "+itoa(MaxCalls)+" calls", "call a workflow in a loop instead of once for each item")
	case p.calls.n <= MaxCalls:
		return true
	}
	return false
}

// addCalled takes over what was found in a called workflow.
func (p *preparer) addCalled(list diag.List, at diag.Span) {
	for _, d := range list {
		d.Related = append(slices.Clone(d.Related), diag.Related{Span: at, Message: "called from here"})
		p.add(d)
	}
}

// foundOnce is what makes two findings in a workflow that is called from two
// places the same one.
type foundOnce struct {
	finding
	message string
}

func foundAs(d *diag.Diagnostic) foundOnce { return foundOnce{finding{d.Code, d.Span}, d.Message} }

// once leaves out what was found again because a workflow is called from
// several places.
func once(list diag.List) diag.List {
	seen := map[foundOnce]bool{}
	return slices.DeleteFunc(list, func(d diag.Diagnostic) bool {
		k := foundAs(&d)
		again := seen[k]
		seen[k] = true
		return again
	})
}

// expand does the steps of the called workflow, with values of its own for its
// parameters, constants and variables.
func (b *call) expand(x *expansion, f *program.Frame) {
	vars, ok := b.arguments(x)
	if !ok {
		return
	}
	inner := x.newFrame(f, "")
	inner.Note = &callNote{b.file, f.Where().Start.Line}
	outer := x.env.Vars
	x.env.Vars, x.node = vars, inner
	x.bind(b.w.lets, true)
	x.bind(b.w.vars, true)
	holds := true
	for i := range b.w.require {
		holds = x.requirement(&b.w.require[i]) && holds
	}
	if holds {
		x.within(b.w.timeout, f.Path(), func() {
			for _, n := range b.w.nodes {
				n.expand(x, inner)
			}
		})
	}
	if holds && b.result != nil && !x.halted() {
		x.node, x.blameStep = inner, inner.Where()
		b.result.put(outer, b.returned(x))
	}
	x.finally(b.w.finally, inner)
	x.env.Vars = outer
	x.blame = [program.Aspects]*eval.Expr{} // they read the called workflow's values
}

// returned computes the outputs of the called workflow.
func (b *call) returned(x *expansion) eval.Value {
	items := make([]eval.Value, len(b.w.outputs))
	for i := range b.w.outputs {
		o := &b.w.outputs[i]
		items[i] = eval.UnknownValue(o.typ, "what the called workflow returns for it is not known")
		if v, ok := x.eval(o.expr); ok {
			items[i] = v
		}
	}
	return eval.RecordValue(b.result.typ, items)
}
