package interpreter

import (
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Loops with a condition, and the steps that judge the program instead of
// adding to it.

// rounds is the `while` or `until` of a step, with its bound.
type rounds struct {
	until  bool
	cond   *eval.Expr
	atMost *eval.Expr
}

// rounds resolves `while` and `until`; nil where there is neither, or what was
// written of it is wrong. `until` is asked after the step, so it sees the names
// that the step gives.
func (p *preparer) rounds(s *spec.Step, while, atMost *eval.Expr) *rounds {
	out := &rounds{until: s.Until.IsSet(), cond: while, atMost: atMost}
	if out.until {
		out.cond = p.expr(s.Until)
	}
	if out.cond == nil || out.atMost == nil {
		return nil
	}
	return out
}

// passNote tells people which pass of a loop a step is in.
type passNote struct{ i, most, line int }

// Line is where the loop is written.
func (r *passNote) Line() int { return r.line }

// String renders the note: "pass 2 of at most 5".
func (r *passNote) String() string {
	return "pass " + strconv.Itoa(r.i+1) + " of at most " + strconv.Itoa(r.most)
}

// goRound carries out `while` and `until`. The condition is asked with what
// wells and variables hold at that point of the program.
func (n *node) goRound(x *expansion, f *program.Frame) {
	most, ok := x.bound(n.rounds.atMost)
	if !ok {
		return
	}
	for i := 0; ; i++ {
		if x.halted() || !x.piece(true) {
			return
		}
		if !n.rounds.until || i > 0 {
			x.node, x.blameStep = f, n.keyAt
			v, ok := x.eval(n.rounds.cond)
			if !ok || v.Bool() == n.rounds.until {
				return
			}
		}
		if i == most {
			n.exhausted(x, f, most)
			return
		}
		inner := x.newFrame(f, itoa(i+1))
		inner.Note = &passNote{i, most, n.rounds.cond.Source().Whole().Start.Line}
		x.inLoop(func() { n.once(x, inner) })
	}
}

func passes(n int) string {
	if n == 1 {
		return "1 pass"
	}
	return itoa(n) + " passes"
}

// bound evaluates `at_most`.
func (x *expansion) bound(e *eval.Expr) (int, bool) {
	v, ok := x.eval(e)
	if !ok {
		return 0, false
	}
	if n := v.Int(); n < 1 || n > MaxSteps {
		x.addAt(e, diag.Diagnostic{Code: diag.BadCount, Message: "goes round at most " + strconv.FormatInt(n, 10) + " times", Help: "write a number from 1 to " + strconv.Itoa(MaxSteps)})
		return 0, false
	}
	return int(v.Int()), true
}

// exhausted is what happens when a loop has gone round as often as it may. The
// `else` of a step that has an `if` too belongs to that.
func (n *node) exhausted(x *expansion, f *program.Frame, most int) {
	if len(n.els) > 0 && n.cond == nil {
		x.otherwise(n.els, f)
		return
	}
	d := diag.Diagnostic{
		Code: diag.BoundReached, Message: "this still holds after " + passes(most),
		Related: []diag.Related{{Span: n.rounds.atMost.Source().Whole(), Message: "at most " + passes(most) + " by this bound"}},
		Help:    "allow more passes, or say under else: what is to be done then",
	}
	if n.rounds.until {
		d.Message = "this does not hold after " + passes(most)
	}
	if n.cond != nil && len(n.els) > 0 {
		d.Help = "allow more passes; `else` belongs to `if` here: to say what is done when the passes are used up, put the loop into a `do` with an `else` of its own"
	}
	d = x.readBy(n.rounds.cond, d)
	if x.heard() {
		x.changeTip()
	}
	if x.judged(program.UsedUp, d); x.fault == nil {
		x.over = true
	}
}

// otherwise carries out the steps of an `else`. The tip of the step is put away
// before, because they may need another.
func (x *expansion) otherwise(els []*node, f *program.Frame) {
	if len(els) > 0 {
		x.changeTip()
	}
	for _, e := range els {
		e.expand(x, f)
	}
}

// assertion is a `check`.
type assertion struct{ requirement }

func (p *preparer) assertion(b *spec.Assert) body {
	a := &assertion{p.requirement(b.Check)}
	if a.that == nil {
		return nil
	}
	return a
}

// expand reports a condition that does not hold. Where nothing hears of it the
// walk goes on, so that every check that fails is told of at once.
func (b *assertion) expand(x *expansion, f *program.Frame) {
	v, ok := x.eval(b.that)
	if ok && v.Bool() {
		b.pose(x, f)
	}
	if !ok || v.Bool() {
		return
	}
	d := diag.Diagnostic{Code: diag.CheckFailed, Message: b.broken(&x.env, "at this point of the program this does not hold"), Help: "change what comes before, or the parameters"}
	x.judged(program.NotHeld, x.readBy(b.that, d))
}

// failure is a `fail`.
type failure struct{ text *eval.Template }

// expand reports that the program comes here, and ends the walk: what comes
// after was never meant to be done.
func (b *failure) expand(x *expansion, _ *program.Frame) {
	if b.text == nil {
		return
	}
	if text, ok := x.text(b.text); ok {
		x.judged(program.Refused, diag.Diagnostic{Code: diag.Failed, Span: x.blameStep, Message: text, Help: "the workflow says that it must not come here; give other parameters"})
	}
	if x.fault == nil {
		x.over = true
	}
}
