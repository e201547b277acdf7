package interpreter

import (
	"hash/fnv"
	"math"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Failures, and the modifiers that say what becomes of them. What the world
// answers to a live step may be a failure, and so may be a check of what it
// answered. A failure ends the steps around it, one after the other, until
// `retry` or `on_error` holds it up; one that nothing holds up ends the program,
// and only `finally` comes behind it. All of that happens in the expansion, so
// that it is the same for the same results.

// fault is a failure on its way.
type fault struct {
	kind  program.Cause
	again bool // what failed may be done again
	why   string
	found diag.Diagnostic
	limit int // that has passed: nothing holds it up before the steps that this is about; 0: none
}

// raise has the steps around this point of the program fail.
func (x *expansion) raise(f fault) {
	if x.fault == nil && !x.halted() {
		x.fault = &f
	}
}

// heard reports whether a failure is held up, or comes out of what a run has
// brought: it is then a way for the run to end. Any other is a mistake of the
// workflow, found before the robot moves.
func (x *expansion) heard() bool { return x.guards > 0 || x.answered }

// judged takes a failure that the workflow itself has found: one that nobody
// hears of is a finding.
func (x *expansion) judged(kind program.Cause, d diag.Diagnostic) {
	if x.trial == nil && x.heard() {
		x.raise(fault{kind, true, "", d, 0})
		return
	}
	x.add(d)
}

// unheard takes a failure that nothing has held up.
func (x *expansion) unheard() {
	f := x.fault
	if f == nil {
		return
	}
	x.fault = nil
	if !x.answered {
		x.add(f.found) // it would fail whatever the world says
		x.over = true
		return
	}
	if d := f.found; x.failed == nil {
		x.failed = &d // what fails behind it, in finally, comes of that
	}
}

// guard is the `retry` and the `on_error` of a step.
type guard struct {
	retry   *retrying
	onError *handler
}

// retrying is a resolved `retry`.
type retrying struct {
	attempts, factor, longest, jitter *eval.Expr
	delays                            []*eval.Expr
	on                                []program.Cause
	limit                             *timeout // of one attempt
	at                                diag.Span
}

// handler is a resolved `on_error`.
type handler struct {
	word  string
	redo  *live // the question where the word is ask, and the step may be done again
	ask   *live // the question where it may not
	steps []*node
	slot  int // of `error`, or -1
	at    diag.Span
}

// usually are the failures after which a step is tried again where `on` says
// nothing: those that may pass.
var usually = []program.Cause{program.NoAnswer, program.Unreachable, program.Occupied, program.InDoubt, program.Invalid, program.NotHeld}

// guard resolves `retry` and `on_error`; nil where there is neither.
func (p *preparer) guard(s *spec.Step) *guard {
	out := &guard{retry: p.retry(&s.Retry)}
	if s.OnError.Set {
		out.onError = p.handler(&s.OnError)
	}
	if out.retry == nil && out.onError == nil {
		return nil
	}
	p.calls.guards = true
	return out
}

func (p *preparer) retry(r *spec.Retry) *retrying {
	if !r.Set {
		return nil
	}
	out := &retrying{attempts: p.expr(r.Attempts), delays: p.exprs(r.Delay), factor: p.expr(r.Factor), longest: p.expr(r.Longest), jitter: p.expr(r.Jitter), limit: p.timeout(r.Timeout), on: usually, at: r.Span}
	if r.On != nil {
		out.on = nil
		for _, w := range r.On {
			out.on = append(out.on, program.Cause(w.Value))
		}
	}
	p.tells(out)
	if out.attempts == nil && !r.Attempts.IsSet() && !r.Delay.Many {
		p.fail(diag.MissingValue, r.Span, "nothing says how often the step is tried", "add attempts: 3, or a list of delays, one for each attempt after the first")
	}
	return out
}

// errorType is the type of `error` in the steps of `on_error`.
var errorType = eval.RecordOf(eval.Field{Name: "kind", Type: eval.Type{Kind: eval.Text}}, eval.Field{Name: "message", Type: eval.Type{Kind: eval.Text}})

func (p *preparer) handler(o *spec.OnError) *handler {
	out := &handler{word: o.Word, slot: -1, at: o.Span}
	switch {
	case o.Word == "ask":
		out.redo, out.ask = p.whatNow(o.Span, again, goOn, giveUp), p.whatNow(o.Span, goOn, giveUp)
	case o.Word == "":
		p.scope.Push()
		if _, slot, inner := p.scope.Lookup("error"); inner && p.inHandler > 0 {
			out.slot = slot // that of the steps around it, which have theirs again behind it
		} else {
			out.slot = p.declare(spec.Word{Value: "error", Span: o.Span}, errorType, "failure", true)
			delete(p.names, "error")
		}
		p.inHandler++
		out.steps = p.steps(o.Steps)
		p.inHandler--
		p.scope.Pop("`on_error`, whose steps alone know what has failed")
	}
	return out
}

// whatNow is the question of `on_error: ask`.
func (p *preparer) whatNow(at diag.Span, words ...string) *live {
	b := p.newLive(program.Ask)
	b.asksOnError, b.heard = true, true
	one := spec.Param{Name: spec.Word{Value: "the answer", Span: at}, Type: spec.Word{Value: "choice", Span: at}, Span: at}
	for _, word := range words {
		one.Choices = append(one.Choices, spec.Given{Scalar: spec.LiteralText(word), Set: true})
	}
	answers := []answer{{param: p.param(&one)}}
	b.give(answers, answers[0].typ)
	return b
}

// The answers to the question of `on_error: ask`.
const (
	again  = "again"
	goOn   = "go on"
	giveUp = "stop"
)

// maxAgain is how often a person can have a step done again.
const maxAgain = 100

// guarded does the step under its `retry` and `on_error`.
func (n *node) guarded(x *expansion, f *program.Frame) {
	g, attempt := n.guard, x.attempt
	defer func() { x.attempt = attempt }()
	for i := 1; ; i++ {
		inner := f
		if i > 1 {
			x.attempt = max(attempt, i)
			inner = x.newFrame(f, "again-"+itoa(i))
		}
		x.guards++
		moved := x.touched
		x.within(n.limit, n.site.Path, func() { n.attempts(x, inner) })
		x.guards--
		if x.fault == nil || g.onError == nil || x.fault.kind == program.Aborted || x.fault.limit > 0 {
			return
		}
		if !g.onError.take(x, inner, n, i <= maxAgain && moved == x.touched) {
			return
		}
	}
}

// take does what `on_error` says of the failure that is on its way. It reports
// whether the step is to be done again.
func (h *handler) take(x *expansion, f *program.Frame, n *node, redoable bool) (redo bool) {
	was := x.fault
	switch h.word {
	case "abort":
		was.kind = program.Aborted
		return false
	case "continue":
		x.fault = nil
		return false
	}
	x.fault = nil
	x.node, x.blameStep = f, n.keyAt
	if h.word == "ask" {
		return h.asked(x, x.newFrame(f, "on_error"), was, redoable && was.again)
	}
	if h.slot >= 0 {
		before := x.env.Vars[h.slot]
		x.env.Vars[h.slot] = eval.RecordValue(errorType, []eval.Value{eval.TextValue(string(was.kind)), eval.TextValue(was.found.Message)})
		defer func(vars []eval.Value) { vars[h.slot] = before }(x.env.Vars)
	}
	for _, s := range h.steps {
		s.expand(x, f)
	}
	return false
}

// asked asks a person what is to be done about a failure.
func (h *handler) asked(x *expansion, f *program.Frame, was *fault, redoable bool) (redo bool) {
	b := h.ask
	if redoable {
		b = h.redo
	}
	l := &program.Live{Site: b.index, Message: was.found.Message, Fields: b.shown}
	x.emitLive(program.Op{Kind: program.Ask}, l, f)
	if x.halted() {
		return false
	}
	v, ok := b.value(x)
	switch {
	case !ok:
	case !v.Known():
		x.deferred()
	case v.String() == again:
		return true
	case v.String() == goOn:
	default:
		was.kind = program.Aborted
		x.fault = was
	}
	return false
}

// attemptNote tells people which attempt a step is in.
type attemptNote struct{ i, most, line int }

// Line is where the retry is written.
func (a *attemptNote) Line() int { return a.line }

// String renders the note: "attempt 2 of at most 3".
func (a *attemptNote) String() string {
	return "attempt " + strconv.Itoa(a.i) + " of at most " + strconv.Itoa(a.most)
}

// maxAttempts bounds `attempts`.
const maxAttempts = 1000

// attempts does the step as often as `retry` allows.
func (n *node) attempts(x *expansion, f *program.Frame) {
	r := n.guard.retry
	if r == nil {
		n.act(x, f)
		return
	}
	w, ok := r.waits(x)
	if !ok {
		return
	}
	outer, attempt := x.retried, x.attempt
	x.retried = r
	defer func() { x.retried, x.attempt = outer, attempt }()
	for i := 1; ; i++ {
		inner := x.newFrame(f, itoa(i))
		inner.Note = &attemptNote{i, w.most, r.at.Start.Line}
		x.attempt = max(attempt, i) // what was not good enough around here is not taken again
		x.within(r.limit, n.site.Path, func() { n.act(x, inner) })
		if x.fault == nil || !r.takes(x.fault) {
			return
		}
		if i == w.most {
			x.fault.found.Message += " (" + count(w.most, "attempt") + ")"
			return
		}
		x.fault = nil
		ms := w.before(i, x.drawn("wait", (&program.Step{Frame: inner}).ID()))
		if x.noTimeFor(ms) {
			return
		}
		if ms > 0 {
			x.node, x.blameStep = inner, n.keyAt
			x.emit(program.Op{Kind: program.Delay, Duration: ms, Well: program.None}, "", inner, nil)
		}
	}
}

// takes reports whether the step is tried again after a failure.
func (r *retrying) takes(f *fault) bool {
	return f.limit == 0 && slices.Contains(r.on, f.kind) && (f.again || !f.kind.MayHaveHappened())
}

// waits is a `retry` with its values.
type waits struct {
	most           int
	delays         []int64
	factor, jitter float64
	longest        int64
}

func (r *retrying) waits(x *expansion) (waits, bool) {
	out := waits{factor: 1, most: len(r.delays) + 1}
	for _, e := range r.delays {
		v, ok := x.eval(e)
		if !ok {
			return out, false
		}
		if out.delays = append(out.delays, v.Quantity().N); v.Quantity().N < 0 {
			x.addAt(e, diag.Diagnostic{Code: diag.BadDuration, Message: "a wait cannot be shorter than nothing", Help: "write for example 5 s"})
			return out, false
		}
	}
	if r.attempts != nil {
		v, ok := x.eval(r.attempts)
		if !ok {
			return out, false
		}
		if n := v.Int(); n < 1 || n > maxAttempts {
			x.addAt(r.attempts, diag.Diagnostic{Code: diag.BadCount, Message: "tries " + strconv.FormatInt(n, 10) + " times", Help: "write a number from 1 to " + itoa(maxAttempts)})
			return out, false
		}
		out.most = int(v.Int())
	}
	ok := true
	number := func(e *eval.Expr, to *float64, least, most float64) {
		if e == nil || !ok {
			return
		}
		v, known := x.eval(e)
		if ok = known; !ok {
			return
		}
		if *to = v.Float(); *to < least || *to > most {
			x.addAt(e, diag.Diagnostic{Code: diag.OutOfBounds, Message: "this is " + v.String(), Help: "write a number from " + strconv.FormatFloat(least, 'f', -1, 64) + " to " + strconv.FormatFloat(most, 'f', -1, 64)})
			ok = false
		}
	}
	number(r.factor, &out.factor, 1, 100)
	number(r.jitter, &out.jitter, 0, 1)
	if ok && r.longest != nil {
		out.longest, ok = x.quantity(r.longest, 0)
	}
	return out, ok
}

// before is the wait behind attempt i, in ms; drawn is from -1 to 1.
func (w *waits) before(i int, drawn float64) int64 {
	if len(w.delays) == 0 {
		return 0
	}
	at := min(i, len(w.delays)) - 1
	ms := float64(w.delays[at]) * math.Pow(w.factor, float64(i-1-at))
	if w.longest > 0 {
		ms = min(ms, float64(w.longest))
	}
	return int64(min(ms*(1+w.jitter*drawn), 1e12) + 0.5)
}

// drawn is a number from -1 to 1. It depends on the seed and on what it is drawn
// for, and on nothing else.
func (x *expansion) drawn(what ...string) float64 {
	h := fnv.New64a()
	for _, s := range append(what, x.seed) {
		_, _ = h.Write([]byte(s + "\x00")) // a hash takes everything
	}
	n := h.Sum64() // whose upper bits hardly know the end of what was hashed
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return float64((n^n>>31)>>11)/(1<<52) - 1
}
