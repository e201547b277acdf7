package interpreter

import (
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// MaxSteps is how many atomic steps a program may have. An OT-2 would take
// months for that many, and a loop without end is told from a program in a
// second or two.
const MaxSteps = 3_000_000

// maxIdle bounds iterations that give no steps, which would otherwise go on
// for days. Those that do may go round some times for each.
const (
	maxIdle      = 2_000_000
	workForAStep = 5
)

// Input is what an expansion depends on beside the files.
type Input struct {
	Params   Values
	Written  map[string]*spec.Written // parameters out of a file; Params wins over them
	Tables   map[string]spec.File     // by parameter: the files that values of tables name
	Examples bool                     // parameters without value or default take their example, as lint does
	Results  []Result                 // of the live steps so far
	// State is what stands on the deck, as an earlier run left it; nil is what
	// the workflow declares. It is not changed.
	State *program.State
	// Ledger is what is known of the robot's deck, where State is nil: the
	// labware that stays between runs holds what it says; nil is nothing.
	Ledger *ledger.Ledger
	// Begun is the deck of a plan of the same workflow that the expansion begins
	// like, where neither State nor Ledger is given: what was left on it.
	Begun *program.Deck
	// Likely takes for results that are missing what is likely, as the simulator
	// does.
	Likely bool
	// Seed is what differs between runs with the same input: the id of the run.
	// The jitter of retries is drawn from it.
	Seed string
	// Scatter has results that are taken to be likely scatter as the noise of
	// their instruments says, which is drawn from it. Where it is empty, they are
	// the mean.
	Scatter string

	explain *explainer // what is asked about one step, or nil

	looking bool // only for where the program ends by its budget

	assume int // the scenario that stands in for results that are missing; 0: none
}

// End is how an expansion ended.
type End struct {
	Deck    *program.Deck
	State   *program.State // before the robot ends the run; nil where no step could be expanded
	Steps   int
	Params  []program.Param
	Whole   bool // the program was gone through to its end
	Outputs []program.Output
	Waits   int // the first live step whose result is missing; 0: none
	// Failed is why the program came to no good end: with the results it was
	// given, something has failed that nothing holds up. Behind that are the
	// steps of finally, and no more.
	Failed *diag.Diagnostic
	// Ended is why the program came to its end before its last step; empty where it
	// did not.
	Ended string
	// Deferred says that there are steps that depend on missing results. Steps
	// and State are those before them.
	Deferred bool
	// Supposed are the results that were taken to be likely, as Input.Likely
	// has it.
	Supposed []Result
	// Ignored is which of the workflow's ignores kept something from being told; nil
	// where there are none.
	Ignored []bool

	endings []endpoint
	limits  []program.Limit
}

// Op returns what the robot does when the run ends, as plans show it.
func (e *End) Op() program.End {
	out := program.End{Homes: true}
	if e.State == nil {
		return out
	}
	for i := range e.State.Mounts {
		if m := &e.State.Mounts[i]; m.On {
			out.DropsTip = append(out.DropsTip, m.From)
		}
	}
	return out
}

// Start lets a sink see the state before the first step, and through it the
// deck. Liquids may depend on parameters, so neither is known before. The
// state must not be kept: it changes with every step.
type Start interface {
	Start(*program.State, []program.Param)
}

// expansion is one walk over a prepared workflow.
type expansion struct {
	p      *Prepared
	deck   *program.Deck
	state  *program.State
	ledger *ledger.Ledger
	begun  *program.Deck
	env    eval.Env
	sink   program.Sink
	shown  []program.Param

	declared [][]int16 // by labware and well: 1 + the liquid declared there; nil for labware without any

	allowed *allowance // nil without a budget
	answers int        // of live steps so far

	atFirst []program.Op // what a person brings before the first step
	filled  []refillable // by declared liquid
	refills bool         // one of them is filled up

	step      program.Step
	at        program.Transition
	frame     *program.Frame // of the last step
	node      *program.Frame // of the step of the language that is being expanded
	seq       tally          // of the operations in it
	tip       tipUse
	movement  program.Movement
	blame     [program.Aspects]*eval.Expr
	blameStep diag.Span

	// Room that is used again by every step.
	from    []source
	wells   []program.WellRef // of sources that are one well
	to      []target
	volumes []amount
	pairs   []pair
	chunks  []int64
	parts   []chunk
	job     job
	cycle   cycle
	moment  moment

	handlings map[handlingKey]*handling // what was worked out
	handledBy handlingKey               // the last of it
	handled   *handling
	frames    []program.Frame

	multi        bool // a pipette with several channels is mounted
	crew         crew
	trial        *trial
	fromOf, toOf []int // the column of each source and target
	fromWhole    bool  // the sources are whole columns

	keeps    bool   // what is taken to be likely is kept in supposed
	scatter  string // what the noise of that is drawn from; empty: there is none
	supposed []Result

	list     diag.List
	seen     map[finding]int
	more     []int
	work     int
	tooMany  bool
	results  []Result
	assume   int
	waits    int              // the first live step whose result is missing
	defers   bool             // something reads a result that is missing
	fault    *fault           // a failure on its way
	failed   *diag.Diagnostic // the one that has ended the program
	guards   int              // retry and on_error around this point
	retried  *retrying        // the innermost retry
	attempt  int              // the greatest of all around this point; 0: there is none
	answered bool             // a live step has brought something, or failed
	last     bool             // in `finally`
	touched  int              // operations that cannot be done again
	asked    []int            // how often each live step was reached
	seed     string
	outputs  []program.Output

	vars    []eval.Value    // of the workflow itself, not of one it calls
	clock   program.Timer   // nil where nothing asks how long something takes
	now     int64           // µs since the start, by the model of time
	busy    int64           // of them the robot's
	limits  []program.Limit // all so far
	running []running       // those that have not ended, outermost first
	timed   []int           // how often each timeout began

	conditions map[condition]bool
	endings    []endpoint // that finally is proved from

	explain *explainer
	passes  Passes  // nil where nobody asks
	ending  *closer // where the run ended that is to be closed; nil but for Closing
	over    bool    // the program has failed: nothing behind that point is looked at
	stuck   bool
	err     error
}

// tally is how many operations of each kind there were.
type tally [program.Kinds]int32

// finding is what makes two findings the same one.
type finding struct {
	code *diag.Code
	span diag.Span
}

// Expand expands the workflow and shows every step to the sink, in order. It
// is a pure function of the files, the input and nothing else. The error is
// that of the sink.
func (p *Prepared) Expand(in Input, sink program.Sink) (End, diag.List, error) {
	x := p.expansion(in, sink)
	x.whole(in)
	end := End{Deck: x.deck, State: x.state, Steps: x.step.N, Params: x.shown, Whole: !x.halted(), Waits: x.waits, Deferred: x.defers, Supposed: x.supposed, endings: x.endings, limits: x.limits}
	if x.failed != nil {
		end.Whole, end.Failed = false, x.failed
	} else if end.Whole && !x.list.HasErrors() {
		end.Outputs = x.outputs
	}
	if x.allowed != nil && x.allowed.ended {
		end.Ended = x.allowed.why.Message
	}
	return end, x.findings(), x.err
}

// expansion begins a walk.
func (p *Prepared) expansion(in Input, sink program.Sink) *expansion {
	x := &expansion{p: p, sink: sink, state: in.State, ledger: in.Ledger, begun: in.Begun, seen: map[finding]int{}, results: in.Results, assume: in.assume, explain: in.explain, seed: in.Seed, asked: make([]int, len(p.lives))}
	if in.Likely && x.assume == 0 {
		x.assume, x.keeps, x.scatter = likely, true, in.Scatter
	}
	x.passes = passesOf(sink)
	deck := *p.deck
	deck.Liquids = append([]program.Liquid(nil), p.deck.Liquids...)
	x.deck = &deck
	x.multi = hasMulti(x.deck)
	x.vars = make([]eval.Value, p.slots)
	x.env = eval.Env{Vars: x.vars, Deck: x.deck}
	return x
}

// whole goes through the workflow from before its first step to its end.
func (x *expansion) whole(in Input) {
	x.bindParams(in)
	if !x.stuck && !x.list.HasErrors() {
		x.start()
	}
	if !x.stuck && !x.list.HasErrors() {
		x.allow(in)
	}
	if !x.stuck && !x.list.HasErrors() {
		x.run()
	}
}

// start computes everything that stands before the first step.
func (x *expansion) start() {
	x.bind(x.p.lets, false)
	x.liquids()
	if x.list.HasErrors() {
		return
	}
	if !x.begin() {
		return
	}
	x.keepTips()
	x.env.State = x.state
	x.bind(x.p.lets, true)
	x.bind(x.p.vars, true)
	for i := range x.p.require {
		x.requirement(&x.p.require[i])
	}
}

// begin sets the state before the first step.
func (x *expansion) begin() bool {
	if x.state == nil {
		switch {
		case x.ledger != nil:
			x.ledger.Leave(x.deck)
		case x.begun != nil:
			x.leave(x.begun)
		}
		x.state = program.NewState(x.deck)
		return true
	}
	x.leave(x.state.Deck)
	begun, ok := x.state.CloneFor(x.deck)
	if !ok {
		x.add(diag.Diagnostic{Code: diag.OtherDeck, Message: "the state the run is to begin with is that of another deck", Help: "begin with a state of this workflow, or without one"})
		x.stuck = true
	}
	x.state = begun
	return ok
}

// leave has the deck begin with what was left on another one of the same
// workflow, and with the liquids of that which nobody declares.
func (x *expansion) leave(d *program.Deck) {
	for i := range d.Liquids {
		if d.Liquids[i].Kept {
			x.deck.Liquids = append(x.deck.Liquids, d.Liquids[i])
		}
	}
	x.deck.Left = d.Left
}

// bind computes constants or variables. A constant that reads what a well
// holds is unknown until there is a state.
func (x *expansion) bind(list []binding, final bool) {
	for _, b := range list {
		if final {
			if v, ok := x.eval(b.expr); ok {
				x.env.Vars[b.slot] = v
			}
			continue
		}
		if v, d := b.expr.Eval(&x.env); d == nil {
			x.env.Vars[b.slot] = v
		}
	}
}

// requirement reports whether a requirement holds, as far as that can be known.
func (x *expansion) requirement(r *requirement) bool {
	v, ok := x.eval(r.that)
	if !ok || v.Bool() {
		return ok
	}
	d := diag.Diagnostic{Code: diag.RequirementFailed, Message: r.broken(&x.env, "what the workflow requires does not hold"), Help: "give other parameters"}
	x.judged(program.NotHeld, x.readBy(r.that, d))
	return false
}

func (x *expansion) run() {
	x.at = program.Transition{Step: &x.step, After: x.state, Blame: x}
	if s, ok := x.sink.(Start); ok {
		s.Start(x.state, x.shown)
	}
	if len(x.p.timeouts) > 0 || x.allowed != nil && x.allowed.time >= 0 {
		x.clock = x.p.machine.Timer(x.deck)
	}
	x.bringFirst()
	x.within(x.p.timeout, "", func() {
		x.withinBudget(func() {
			for _, n := range x.p.nodes {
				n.expand(x, nil)
			}
		})
	})
	x.unheard()
	if !x.halted() && x.failed == nil && !x.list.HasErrors() {
		x.outputs = x.p.made(x)
	}
	x.finally(x.p.finally, nil)
}

// halted reports that the walk must not go on: a sink failed, or the program
// is larger than allowed.
func (x *expansion) halted() bool {
	x.tooMany = x.tooMany || x.work > maxIdle+workForAStep*x.step.N
	return x.err != nil || x.tooMany || x.over || x.fault != nil || x.ending.isReached()
}

// newFrame returns a frame inside another. Frames are made in batches, because
// there are so many of them.
func (x *expansion) newFrame(parent *program.Frame, label string) *program.Frame {
	if len(x.frames) == cap(x.frames) {
		x.frames = make([]program.Frame, 0, 64)
	}
	x.frames = append(x.frames, program.Frame{Parent: parent, Label: label})
	return &x.frames[len(x.frames)-1]
}

func (x *expansion) findings() diag.List {
	for i, n := range x.more {
		if n > 0 {
			x.list[i].Notes = append(x.list[i].Notes, "the same happens "+count(n, "more time")+" in this program")
		}
	}
	if x.tooMany {
		x.list = append(x.list, diag.Diagnostic{
			Code: diag.TooManySteps, Span: x.blameStep,
			Message: "the program has more than " + strconv.Itoa(MaxSteps) + " steps, or goes round more than " + strconv.Itoa(maxIdle) + " times without any", Help: "look for a loop that goes round too often",
		})
	}
	return x.list
}

// add reports a finding. The same one at the same place in another iteration
// is counted, not repeated.
func (x *expansion) add(d diag.Diagnostic) {
	if x.trial != nil {
		x.trial.failed = x.trial.failed || d.Severity == diag.Error
		return
	}
	k := finding{d.Code, d.Span}
	if i, ok := x.seen[k]; ok {
		x.more[i]++
		return
	}
	x.seen[k] = len(x.list)
	if d.Frames == nil && x.node != nil {
		d.Frames = x.node.Loops(d.Span.File)
	}
	d.Related = append(d.Related, x.node.CalledFrom(d.Span.File)...)
	x.list = append(x.list, d)
	x.more = append(x.more, 0)
}

// addAt reports a finding about an expression, with the values it read.
func (x *expansion) addAt(e *eval.Expr, d diag.Diagnostic) { x.add(x.readBy(e, d)) }

// readBy has a finding be about an expression.
func (x *expansion) readBy(e *eval.Expr, d diag.Diagnostic) diag.Diagnostic {
	d.Span, d.Values = e.Source().Whole(), e.Reads(&x.env)
	return d
}

// eval evaluates; where that fails, or what it needs is not known, it reports
// and returns false.
func (x *expansion) eval(e *eval.Expr) (eval.Value, bool) {
	v, fault := e.Eval(&x.env)
	if fault != nil {
		brought, told := x.bring()
		if brought {
			v, fault = e.Eval(&x.env)
		}
		if fault != nil {
			if !told {
				x.add(*fault)
			}
			return v, false
		}
	}
	if !v.Known() && !v.IsNothing() {
		if x.waits > 0 {
			x.deferred()
			return v, false
		}
		d := diag.Diagnostic{Code: diag.Undecidable, Message: "this cannot be known before the run: " + v.Cause()}
		if strings.HasSuffix(v.Cause(), failedCause) {
			d.Message, d.Help = "there is nothing to be read here where "+v.Cause(), "keep what it gives in a variable, with set: beside it, and give that another value under on_error:"
		}
		if strings.HasPrefix(v.Cause(), "the amount in ") {
			d.Help = "declare the amount under liquids with volume:"
		}
		if strings.HasSuffix(v.Cause(), "of which nothing is known") {
			d.Code, d.Help = diag.Forgotten, "say what that protocol leaves: leaves: {wells: …}"
		}
		x.addAt(e, d)
		return v, false
	}
	return v, true
}

// text fills in a template; where that fails, it reports and returns false.
func (x *expansion) text(t *eval.Template) (string, bool) {
	if x.waits > 0 && !t.Known(&x.env) {
		x.deferred()
		return "", false
	}
	s, fault := t.Eval(&x.env)
	if fault == nil {
		return s, true
	}
	brought, told := x.bring()
	if brought {
		s, fault = t.Eval(&x.env)
	}
	if fault != nil && !told {
		x.add(*fault)
	}
	return s, fault == nil
}

// deferred ends the walk where something reads a result that is missing.
func (x *expansion) deferred() {
	if e := x.ending; e != nil && !e.closing {
		e.reached = true // the run came no further
		return
	}
	x.defers, x.over = true, true
}

// quantity evaluates an expression for a quantity; an unwritten one gives the
// default.
func (x *expansion) quantity(e *eval.Expr, otherwise int64) (int64, bool) {
	if e == nil {
		return otherwise, true
	}
	v, ok := x.eval(e)
	if !ok {
		return 0, false
	}
	return v.Quantity().N, true
}

func (x *expansion) well(e *eval.Expr) (program.WellRef, bool) {
	v, ok := x.eval(e)
	if !ok {
		return program.None, false
	}
	return v.Well(), true
}

// emitLive shows a step that is carried out beside the robot.
func (x *expansion) emitLive(op program.Op, l *program.Live, f *program.Frame) {
	x.step.Live = l
	x.emit(op, "", f, nil)
	x.step.Live = nil
}

// emitProtocol shows a step that is a protocol of its own.
func (x *expansion) emitProtocol(p *program.Protocol, f *program.Frame) {
	x.step.Protocol = p
	x.emit(program.Op{Kind: program.RunProtocol, Well: program.None}, "", f, nil)
	x.step.Protocol = nil
}

// emit carries out one operation on the state and shows it to the sink.
func (x *expansion) emit(op program.Op, text string, f *program.Frame, m *program.Movement) {
	if x.trial != nil {
		return
	}
	if x.step.N >= MaxSteps {
		x.tooMany = true
	}
	x.ending.reaches(x.step.N)
	if x.halted() {
		return
	}
	if op.Kind.Info().Effect == program.Physical {
		if x.touched++; x.retried != nil || x.last {
			x.misplaced(&op)
		}
	}
	if f != x.frame {
		x.frame, x.seq = f, tally{}
	}
	if op.Kind == program.Dispense {
		op.Correction = x.state.Correction(&op)
	}
	s := &x.step // filled in field by field: it is kept, and most of it stays
	s.N, s.Op, s.Text, s.Frame, s.Seq = s.N+1, op, text, f, int(x.seq[op.Kind])
	x.seq[op.Kind]++
	x.at.Movement, x.at.Touched = m, x.state.Do(s)
	if x.clock != nil {
		x.tick(s)
	}
	if len(x.p.finally) > 0 {
		x.mayEnd(&s.Op)
	}
	if x.allowed != nil && x.allowed.looking {
		x.allowed.see(&s.Op, x.at.Touched, x.state)
	}
	x.err = x.sink.Step(&x.at)
}

// Blame returns where an aspect of the current step was written, and what the
// expression there read.
func (x *expansion) Blame(about program.Aspect) (diag.Span, []diag.Value) {
	e := x.blame[about]
	if e == nil {
		return x.blameStep, nil
	}
	return e.Source().Whole(), e.Reads(&x.env)
}
