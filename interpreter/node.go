package interpreter

import (
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// node is a step of the language, ready to be expanded any number of times.
type node struct {
	site   *program.Site
	label  string
	keyAt  diag.Span
	loop   *loop
	cond   *eval.Expr
	els    []*node
	repeat *eval.Expr
	rounds *rounds
	result *result
	guard  *guard   // nil for most
	limit  *timeout // likewise
	title  *eval.Template
	body   body
}

// loop is the `for` of a step.
type loop struct {
	in              *eval.Expr
	index, name     string
	indexSlot, slot int
	line            int
}

// body is what a step does. It is a closed sum: one type per step kind.
type body interface {
	expand(*expansion, *program.Frame)
}

func (p *preparer) steps(steps []*spec.Step) []*node {
	var out []*node
	for i, s := range steps {
		if i > 0 && ends(steps[i-1]) {
			p.never(s.KeyAt, "is never reached: the step before it ends the program", "remove it, or do the `fail` only where something is wrong: if: …")
		}
		out = append(out, p.step(s))
	}
	return out
}

func (p *preparer) step(s *spec.Step) *node {
	n := &node{label: s.Path[strings.LastIndexByte(s.Path, '.')+1:], keyAt: s.KeyAt}
	n.site = &program.Site{Path: s.Path, Key: s.Key, Span: s.KeyAt}
	room := -1
	if s.As.IsSet() {
		room = p.scope.Room()
	}
	p.scope.Push()
	if s.For.Set {
		n.loop = p.loop(&s.For)
	}
	n.cond, n.repeat = p.expr(s.If), p.expr(s.Repeat)
	while, atMost := p.expr(s.While), p.expr(s.AtMost)
	n.title = p.text(s.Name)
	n.els = p.steps(s.Else)
	n.body = p.body(s)
	n.limit, n.guard = p.timeout(s.Timeout), p.guard(s)
	if b, ok := n.body.(*live); ok {
		b.line = s.KeyAt.Start.Line
		b.heard = b.kind != program.Notify || n.guard != nil
	}
	if room >= 0 {
		p.result(s, n, room)
	}
	n.rounds = p.rounds(s, while, atMost)
	p.neverDone(n, while)
	p.scope.Pop(ending(s))
	return n
}

// ending is what the names end with that are given inside a step.
func ending(s *spec.Step) string {
	if s.For.Set {
		return "the loop in line " + itoa(s.For.Name.Span.Start.Line)
	}
	return "the `" + s.Key + "` in line " + itoa(s.KeyAt.Start.Line)
}

func (p *preparer) loop(f *spec.For) *loop {
	l := &loop{in: p.expr(f.In), index: f.Index.Value, name: f.Name.Value, indexSlot: -1, line: f.Name.Span.Start.Line}
	elem := eval.Type{}
	if l.in != nil {
		elem = p.element(l.in, f)
	}
	if f.Index.IsSet() {
		l.indexSlot = p.declare(f.Index, eval.Type{Kind: eval.Integer}, "loop variable", true)
	}
	l.slot = p.declare(f.Name, elem, "loop variable", true)
	delete(p.names, f.Name.Value)
	delete(p.names, f.Index.Value)
	return l
}

// element is the type of what a loop goes over. What stands for wells gives
// wells.
func (p *preparer) element(in *eval.Expr, f *spec.For) eval.Type {
	switch t := in.Type(); t.Kind {
	case eval.List:
		return *t.Elem
	case eval.Labware, eval.Liquid, eval.Wells, eval.Well:
		return eval.Type{Kind: eval.Well}
	case eval.Invalid:
		return eval.Type{}
	default:
		p.fail(diag.TypeMismatch, f.In.Whole(), "a loop goes over a list, and this is "+article(t.String()), "write a list, such as plate.first(24) or 1..3; to do a step several times use repeat:")
	}
	return eval.Type{}
}

// round is a loop that is gone round.
type round struct {
	*loop
	items []eval.Value
}

// loopNote tells people what an iteration is at.
type loopNote struct {
	*round
	i int
}

// String renders the note: "w = plate.A1 (1 of 60)".
func (l *loopNote) String() string {
	return l.name + " = " + l.items[l.i].String() + " (" + strconv.Itoa(l.i+1) + " of " + strconv.Itoa(len(l.items)) + ")"
}

// Line is where the loop is written.
func (l *loopNote) Line() int { return l.line }

// repeatNote tells people which repetition a step is in.
type repeatNote struct{ i, n, line int }

// Line is where the repetition is written.
func (r *repeatNote) Line() int { return r.line }

// String renders the note: "repetition 2 of 3".
func (r *repeatNote) String() string {
	return "repetition " + strconv.Itoa(r.i+1) + " of " + strconv.Itoa(r.n)
}

// expand carries out the modifiers, outermost first: for, if, and then repeat,
// while or until.
func (n *node) expand(x *expansion, parent *program.Frame) {
	if x.halted() || !x.piece(false) {
		return
	}
	f := x.newFrame(parent, n.label)
	f.Site = n.site
	x.node, x.blameStep = f, n.keyAt
	outer := x.tip
	x.tip = tipUse{}
	if n.result != nil {
		x.env.Vars[n.result.slot] = n.result.before()
	}
	if n.loop == nil {
		n.branch(x, f)
	} else {
		n.iterate(x, f)
	}
	x.finishTip()
	x.tip = outer
}

func (n *node) iterate(x *expansion, f *program.Frame) {
	v, ok := x.eval(n.loop.in)
	if !ok {
		return
	}
	items := v.List()
	if v.Kind() != eval.List {
		for _, w := range v.Wells(x.deck) {
			items = append(items, eval.WellValue(x.deck, w))
		}
	}
	labels, notes, round := x.labels(items), make([]loopNote, len(items)), &round{n.loop, items}
	for i, item := range items {
		if x.halted() || !x.piece(true) {
			return
		}
		x.env.Vars[n.loop.slot] = item
		if n.loop.indexSlot >= 0 {
			x.env.Vars[n.loop.indexSlot] = eval.IntegerValue(int64(i))
		}
		inner := x.newFrame(f, "")
		if labels != nil {
			inner.Label = labels[i]
		} else {
			inner.Label = itoa(i + 1)
		}
		notes[i] = loopNote{round, i}
		inner.Note = &notes[i]
		x.inLoop(func() { n.branch(x, inner) })
	}
}

// labels says how the iterations over wells appear in ids; nil where they are
// numbered.
func (x *expansion) labels(items []eval.Value) []string {
	wells := make([]program.WellRef, 0, len(items))
	for i := range items {
		if items[i].Kind() != eval.Well || !items[i].Known() {
			return nil
		}
		wells = append(wells, items[i].Well())
	}
	return x.wellLabels(wells)
}

// branch carries out `if`. The tip of a step is put away before what stands
// under `else`, which may need another.
func (n *node) branch(x *expansion, f *program.Frame) {
	if x.halted() {
		return
	}
	x.work++
	x.node, x.blameStep = f, n.keyAt
	if n.cond != nil {
		v, ok := x.eval(n.cond)
		if !ok {
			return
		}
		if !v.Bool() {
			x.passed(n, false)
			x.otherwise(n.els, f)
			return
		}
	}
	if n.title != nil {
		f.Title, _ = x.text(n.title)
	}
	n.repeated(x, f)
}

func (n *node) repeated(x *expansion, f *program.Frame) {
	switch {
	case n.rounds != nil:
		n.goRound(x, f)
		return
	case n.repeat == nil:
		n.once(x, f)
		return
	}
	v, ok := x.eval(n.repeat)
	if !ok {
		return
	}
	times := v.Int()
	if times < 0 || times > MaxSteps {
		code := diag.TooManySteps
		if times < 0 {
			code = diag.BadCount
		}
		x.addAt(n.repeat, diag.Diagnostic{
			Code: code, Message: "repeats " + strconv.FormatInt(times, 10) + " times",
			Help: "write a number from 0 to " + strconv.Itoa(MaxSteps),
		})
		return
	}
	for i := range int(times) {
		if x.halted() || !x.piece(true) {
			return
		}
		inner := x.newFrame(f, itoa(i+1))
		inner.Note = &repeatNote{i, int(times), n.repeat.Source().Whole().Start.Line}
		x.inLoop(func() { n.once(x, inner) })
	}
}

func (n *node) once(x *expansion, f *program.Frame) {
	if x.halted() || n.body == nil {
		return
	}
	x.passed(n, true)
	switch {
	case n.guard != nil:
		n.guarded(x, f)
	case n.limit != nil:
		x.within(n.limit, n.site.Path, func() { n.act(x, f) })
	default:
		n.act(x, f)
	}
}

// act does what the step does, once.
func (n *node) act(x *expansion, f *program.Frame) {
	x.work++
	x.node, x.blameStep = f, n.keyAt
	x.blame = [program.Aspects]*eval.Expr{}
	if x.multi {
		if b, ok := n.body.(liquidBody); ok {
			x.liquidStep(b, f)
			return
		}
	}
	n.body.expand(x, f)
}
