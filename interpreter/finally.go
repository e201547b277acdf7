package interpreter

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// What is done at the end, however the steps ended. It has to be possible from
// whatever state they leave: no liquid is moved and no tip taken there, and a
// tip is put away where one is on.

// last resolves `finally`, before the other steps: it knows nothing of what they
// give, because they may not have been done.
func (p *preparer) last(steps []*spec.Step) {
	if len(steps) == 0 {
		return
	}
	p.calls.guards = true
	p.scope.Push()
	p.p.finally = p.steps(steps)
	for _, s := range steps {
		delete(p.names, s.As.Value)
	}
	p.scope.Pop("`finally`")
}

// inFinally reports whether a finding is about `finally`.
func (p *Prepared) inFinally(at diag.Span) bool {
	list := p.workflow.Finally
	return len(list) > 0 && at.Start.Offset >= list[0].Span.Start.Offset && at.Start.Offset <= list[len(list)-1].Span.End.Offset
}

// meant leaves out of findings what `finally` is for: a tip is put away with
// what is in it.
func (p *Prepared) meant(list diag.List) diag.List {
	return slices.DeleteFunc(list, func(d diag.Diagnostic) bool { return d.Code == diag.LiquidLost && p.inFinally(d.Span) })
}

// finally does the steps of `finally`. A failure among them does not keep the
// next from being done; of several, the first is told.
func (x *expansion) finally(nodes []*node, f *program.Frame) {
	was := x.fault
	x.fault = nil
	if len(nodes) == 0 || x.halted() {
		if x.ending.isReached() && len(nodes) > 0 {
			x.closing(nodes, f)
		}
		x.fault = was
		return
	}
	outer, guards, retried, attempt := x.last, x.guards, x.retried, x.attempt
	x.last, x.guards, x.retried, x.attempt = true, 0, nil, 0
	for i, n := range nodes {
		n.expand(x, f)
		switch failed := x.fault; {
		case x.ending.isReached():
			x.closing(nodes[i:], f)
			x.last, x.guards, x.retried, x.attempt, x.fault = outer, guards, retried, attempt, was
			return
		case f == nil:
			x.unheard()
		case was == nil:
			was, x.fault = failed, nil // goes to whoever called
		default:
			x.fault = nil
		}
	}
	x.last, x.guards, x.retried, x.attempt = outer, guards, retried, attempt
	x.fault = was
}

// misplaced reports an operation that cannot be where it is: in what retry does
// again, and in `finally`, nothing touches liquid, tips or labware.
func (x *expansion) misplaced(op *program.Op) {
	d := diag.Diagnostic{Code: diag.NotRepeatable, Span: x.blameStep}
	switch {
	case x.last && (op.Kind == program.DropTip || op.Kind == program.ReturnTip || op.Kind == program.BlowOut):
		return
	case x.last:
		d.Code = diag.NotInFinally
		d.Message = "`finally` is done from whatever state the steps leave, and " + op.Kind.String() + " is not always possible"
		d.Help = "put tips away with drop_tip or return_tip, which do nothing where none is on; home, modules, lights and messages are always possible"
	default:
		d.Message = "`retry` would do this again: nobody knows how much of " + op.Kind.String() + " has happened where a step around it fails"
		d.Related = []diag.Related{{Span: x.retried.at, Message: "the retry is here"}}
		d.Help = "put retry: at the step that can fail; steps that touch no liquid, tips or labware can be tried again: ask, measure, request, notify, check, set, delay, home and those of modules"
	}
	x.add(d)
}

// means reports whether a pipette is the one that was written, or none was.
func (c chosen) means(pip int) bool { return c.index < 0 || c.index == pip }

// holding is a pipette with a tip among those that are meant, or -1.
func (x *expansion) holding(c chosen) int {
	for i := range x.state.Mounts {
		if x.state.Mounts[i].On && c.means(i) {
			return i
		}
	}
	return -1
}

// putAway puts every tip away that is on; a tool goes back to its place.
func (x *expansion) putAway(b *dropTip, f *program.Frame) {
	for pip := range x.state.Mounts {
		m := &x.state.Mounts[pip]
		switch {
		case !m.On || !b.pipette.means(pip):
		case b.in != nil:
			x.blame[program.AboutTo] = b.in
			if place, ok := x.well(b.in); ok {
				x.emit(program.Op{Kind: program.DropTip, Pipette: int8(pip), Well: place, At: x.dropPosition(pip, place)}, "", f, nil)
			}
		case x.deck.IsTool(pip, m.From):
			x.emit(program.Op{Kind: program.ReturnTip, Pipette: int8(pip), Well: m.From, At: x.dropPosition(pip, m.From)}, "", f, nil)
		default:
			x.emit(program.Op{Kind: program.DropTip, Pipette: int8(pip), Trash: true, Well: program.None}, "", f, nil)
		}
	}
}

// A run can end behind every step. What `finally` can do depends on nothing but
// what is on the pipettes and how the modules stand, so it is proved once from
// every such condition that the program comes through, and not from every step.

// condition is what the steps of `finally` depend on.
type condition struct {
	on      [2]bool
	modules [maxModules]moduleCondition
}

// maxModules is how many modules a condition tells apart: more than there is
// room for on a deck.
const maxModules = 8

type moduleCondition struct {
	heats, heatsLid, shakes, engaged bool
	lid, latch                       program.Threefold
}

// endpoint is a place of the program from which `finally` is proved.
type endpoint struct {
	state *program.State
	vars  []eval.Value
	step  string // behind which the run ends
}

func conditionOf(s *program.State) condition {
	var c condition
	for i := range min(len(s.Mounts), len(c.on)) {
		c.on[i] = s.Mounts[i].On
	}
	for i := range min(len(s.Deck.Modules), maxModules) {
		m := s.Module(i)
		c.modules[i] = moduleCondition{m.Target != program.NoTarget, m.LidTarget != program.NoTarget, m.RPM != 0, m.Engaged, m.Lid, m.Latch}
	}
	return c
}

// mayEnd notes where `finally` is to be proved from: behind a step that has
// changed what it depends on, the first time that it is so.
func (x *expansion) mayEnd(op *program.Op) {
	info := op.Kind.Info()
	tip := op.Kind == program.PickUpTip || op.Kind == program.DropTip || op.Kind == program.ReturnTip
	if !tip && info.Fields&program.HasModule == 0 || x.waits > 0 || x.last {
		return
	}
	c := conditionOf(x.state)
	if x.conditions[c] {
		return
	}
	if x.conditions == nil {
		x.conditions = map[condition]bool{}
	}
	x.conditions[c] = true
	x.endings = append(x.endings, endpoint{x.state.Clone(), slices.Clone(x.vars), x.step.ID()})
}

// proveFinally proves `finally` from everywhere.
func (p *Prepared) proveFinally(end *End, in Input) diag.List {
	var out diag.List
	for _, e := range end.endings {
		checks := NewChecks(p.machine)
		x := &expansion{p: p, sink: checks, deck: end.Deck, state: e.state, seen: map[finding]int{}, asked: make([]int, len(p.lives)), assume: max(in.assume, likely), answered: true}
		x.multi = hasMulti(x.deck)
		x.env = eval.Env{Vars: e.vars, Deck: x.deck, State: e.state}
		x.at = program.Transition{Step: &x.step, After: x.state, Blame: x}
		x.finally(p.finally, nil)
		for _, d := range p.meant(append(x.findings(), end.told(checks.Findings(), p)...)) {
			d.Notes = append(slices.Clone(d.Notes), "if the run ends behind "+e.step)
			out = append(out, d)
		}
	}
	return out
}
