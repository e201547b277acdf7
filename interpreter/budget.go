package interpreter

import (
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Budgets: a workflow comes to its end, with its outputs and what stands under
// finally, before it would use up more than it may. It ends between two steps or
// two turns of an outermost loop, never in the middle of one; only where a turn
// waits for a result, what comes behind that is looked at again once it is there.
//
// Which piece is the first that would use too much is found out by a walk of its
// own, before the one that is shown to anybody. Both are the same for the same
// results, and more results change nothing before them.

// budget is what is declared.
type budget struct {
	tips, wells, time *eval.Expr
	liquids           []budgeted
}

type budgeted struct {
	liquid int
	most   *eval.Expr
}

func (p *preparer) budget(b *spec.Budget) *budget {
	if b.Span.IsZero() {
		return nil
	}
	out := &budget{tips: p.expr(b.Tips), wells: p.expr(b.Wells), time: p.expr(b.Time)}
	var names []string
	for i := range p.p.workflow.Liquids {
		names = append(names, p.p.workflow.Liquids[i].Name.Value)
	}
	for i := range b.Liquids {
		l := &b.Liquids[i]
		at, most := indexOf(names, l.Name.Value), p.expr(l.Value)
		if at < 0 {
			p.unknownName(diag.UnknownName, l.Name, "liquid", names)
		} else if most != nil {
			out.liquids = append(out.liquids, budgeted{at, most})
		}
	}
	return out
}

// allowance is the state of a walk of a workflow with a budget.
type allowance struct {
	program.Counting
	tips    int64 // -1: any number
	wells   int64 // likewise
	time    int64 // ms, likewise
	late    bool  // the steps took longer
	overdue bool  // so a clock said, when the last result came in
	liquids []int64
	filled  int64 // wells so far
	piece   int   // the one that is under way, from 1
	ends    int   // the piece that the program ends before; 0: none
	looking bool
	loops   int // around this point
	heard   int // results, when the piece began
	ended   bool
	why     diag.Diagnostic
}

// allow evaluates a budget, and finds out where the program ends by it.
func (x *expansion) allow(in Input) {
	b := x.p.budget
	if b == nil {
		return
	}
	a := &allowance{Counting: program.NewCounting(x.deck), looking: in.looking}
	var ok1, ok2, ok3 bool
	a.tips, ok1 = x.allowedOf(b.tips, "tips")
	a.wells, ok2 = x.allowedOf(b.wells, "wells")
	a.time, ok3 = x.quantity(b.time, -1)
	if !ok1 || !ok2 || !ok3 {
		return
	}
	if b.time != nil && a.time <= 0 {
		x.addAt(b.time, diag.Diagnostic{Code: diag.BadDuration, Message: "a budget of " + quantity.Time.Text(a.time) + " is used up before anything is done", Help: "write for example 90 min"})
		return
	}
	for _, l := range b.liquids {
		v, ok := x.quantity(l.most, 0)
		if !ok || !x.notNegative(v, l.most) {
			return
		}
		a.liquids = append(a.liquids, v)
	}
	x.allowed = a
	if in.looking {
		return
	}
	in.looking = true
	look := x.p.look(in)
	a.ends, a.why = look.ends, look.why
}

// allowedOf is how many of something are allowed, -1 for any number.
func (x *expansion) allowedOf(e *eval.Expr, what string) (int64, bool) {
	if e == nil {
		return -1, true
	}
	v, ok := x.eval(e)
	if ok && v.Int() < 0 {
		x.addAt(e, diag.Diagnostic{Code: diag.BadCount, Message: "a budget of " + v.String() + " " + what, Help: "write 0 or more"})
		return 0, false
	}
	return v.Int(), ok
}

// see counts one operation.
func (a *allowance) see(op *program.Op, t *program.Touched, after *program.State) {
	a.Count(op, t, after)
	if op.Kind == program.Aspirate || op.Kind == program.Refill {
		return
	}
	for i := range t.Wells {
		if !t.Wells[i].Before.Touched {
			a.filled++
		}
	}
}

// look walks through the workflow until it has used too much.
func (p *Prepared) look(in Input) *allowance {
	x := p.expansion(in, nowhere{})
	x.whole(in)
	if x.allowed == nil {
		return &allowance{}
	}
	x.tooMuch(x.allowed)
	return x.allowed
}

// nowhere is a sink for a walk that nobody is shown.
type nowhere struct{}

func (nowhere) Step(*program.Transition) error { return nil }

// piece begins another step, or another turn of a loop, where it is one of those
// that a program can end before. It reports whether the program goes on.
func (x *expansion) piece(turn bool) bool {
	a := x.allowed
	if a == nil || x.last || x.trial != nil {
		return true
	}
	if a.ended {
		return false
	}
	if a.loops > 0 && (turn || a.heard == x.answers) {
		return true
	}
	if a.looking && x.tooMuch(a) {
		return false
	}
	a.piece++
	a.heard = x.answers
	if a.piece != a.ends {
		return true
	}
	a.ended = true
	d, where := a.why, "before its first step"
	d.Frames = []string{}
	if at := x.node.Loops(d.Span.File); len(at) > 0 {
		where = "behind " + strings.Join(at, ", ")
	} else if x.node != nil {
		where = "behind line " + itoa(x.node.Where().Start.Line)
	}
	d.Notes = append(d.Notes, "it ends "+where+", with its outputs and what stands under finally")
	x.add(d)
	return false
}

// inLoop does one turn of a loop.
func (x *expansion) inLoop(do func()) {
	if x.allowed == nil {
		do()
		return
	}
	x.allowed.loops++
	do()
	x.allowed.loops--
}

// tooMuch reports whether what was used up by now is more than the budget.
func (x *expansion) tooMuch(a *allowance) bool {
	if a.ends > 0 {
		return true
	}
	n := a.Result()
	tips := int64(0)
	for _, c := range n.Tips {
		tips += c.Amount
	}
	switch {
	case a.tips >= 0 && tips > a.tips:
		a.exceeded(x, x.p.budget.tips, count(int(a.tips), "tip"))
	case a.wells >= 0 && a.filled > a.wells:
		a.exceeded(x, x.p.budget.wells, count(int(a.wells), "well"))
	case a.overdue && len(x.running) == 0:
		return false // that was the last of it
	case a.overdue:
		a.exceeded(x, x.p.budget.time, quantity.Time.Text(a.time))
		a.ends++ // what it took is done
	case a.time >= 0 && x.outOfBudget(a):
		a.exceeded(x, x.p.budget.time, quantity.Time.Text(a.time))
	default:
		for i, l := range x.p.budget.liquids {
			for _, c := range n.Liquids {
				if c.Index == l.liquid && c.Amount > a.liquids[i] {
					a.exceeded(x, l.most, quantity.Volume.Text(a.liquids[i])+" of "+x.deck.Liquids[l.liquid].Name)
					return true
				}
			}
		}
		return false
	}
	return true
}

func (a *allowance) exceeded(x *expansion, e *eval.Expr, what string) {
	a.ends, x.over = max(a.piece, 1), true
	a.why = diag.Diagnostic{
		Code: diag.BudgetReached, Severity: diag.Warning, Span: e.Source().Whole(), Message: "the workflow ends by its budget of " + what,
		Help: "give it a larger budget, or less to do, if it is to do all of it",
	}
}
