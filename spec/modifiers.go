package spec

import "github.com/ot2flow/ot2flow/spec/diag"

// The modifiers that say what becomes of a step that fails.

// Retry is `retry: 3`, or in full how often a step is tried, after which waits,
// and on which failures.
type Retry struct {
	Set      bool
	Attempts Expr // in all
	Delay    Exprs
	Factor   Expr // by which each wait is longer than the one before
	Longest  Expr // of the waits
	Jitter   Expr
	Timeout  Expr   // of one attempt
	On       []Word // nil where it was not written
	Span     diag.Span
}

// OnError is what is done where a step has failed: one of the OnErrorWords, or
// Steps.
type OnError struct {
	Set   bool
	Word  string // empty where steps were written
	Steps []*Step
	Span  diag.Span
}

// OnErrorWords are the words that stand for steps of `on_error`.
var OnErrorWords = []string{"continue", "ask", "abort"}

// Faults are the kinds of failures, as `retry` names them.
var Faults = []string{"timeout", "unreachable", "busy", "in_doubt", "rejected", "invalid", "check", "fail", "bound"}

var faultsShape = &Shape{Kind: ListShape, Noun: "a list of failures", Elem: &Shape{Noun: "a failure", Scalars: Strings, Words: Faults}, Min: 1}

var delaysShape = &Shape{
	Kind: UnionShape, Name: "duration_or_list", Noun: "a duration, or a list of durations", Example: "5 s",
	Doc: "A duration, an expression that gives one, or a list of these. A bare number is in s.",
	Any: []*Shape{wantShapes[WantDuration], {Kind: ListShape, Elem: wantShapes[WantDuration], Min: 1}},
}

var retryShape = &Shape{
	Kind: UnionShape, Name: "retry", Noun: "how often a step is tried", Example: "{attempts: 3, delay: 5 s}",
	Doc: "Try a step again where it fails: how often in all, or in full {attempts: 5, delay: 1 s, factor: 2, longest: 1 min, jitter: 0.2, on: [timeout, busy]}. Nothing of it may touch liquid, tips or labware.",
	Any: []*Shape{wantShapes[WantInteger], retryObject},
}

var retryObject = &Shape{
	Kind: ObjectShape, Min: 1, fields: func() []Field { return retryFields(&Retry{}) },
	Rules: []Rule{
		{Key: "longest", Needs: []string{"factor"}, Why: "`longest` bounds waits that grow"},
		{Key: "factor", Needs: []string{"delay"}, Why: "`factor` makes the waits longer"},
		{Key: "jitter", Needs: []string{"delay"}, Why: "`jitter` changes the waits"},
	},
}

func retryFields(r *Retry) []Field {
	return []Field{
		{"attempts", "How often the step is tried in all. Default: one more than there are delays in a list.", "3", false, exprSlot(&r.Attempts, WantInteger)},
		{"delay", "How long is waited before it is tried again; or a list with the wait before the second attempt, the third, and so on. Default: none.", "5 s", false, exprsSlot(&r.Delay, delaysShape, WantDuration)},
		{"factor", "How many times as long as the wait before each wait is. Default: 1.", "2", false, exprSlot(&r.Factor, WantNumber)},
		{"longest", "The longest wait where they grow.", "1 min", false, exprSlot(&r.Longest, WantDuration)},
		{"jitter", "By which fraction of itself a wait may be shorter or longer, so that several robots do not all ask at once. It is drawn from the id of the run, and on the simulator from the seed. Default: 0.", "0.2", false, exprSlot(&r.Jitter, WantNumber)},
		{"timeout", "How long one attempt may take, with everything in the step; then it is given up, and the next one begins. Default: as long as it takes.", "30 s", false, exprSlot(&r.Timeout, WantDuration)},
		{"on", "The failures after which it is tried again. Default: those that may pass, and answers that are not valid: timeout, unreachable, busy, in_doubt, invalid and check.", "[timeout, unreachable]", false, wordsSlot(&r.On, faultsShape)},
	}
}

func retrySlot(to *Retry) Slot {
	return Slot{retryShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if v.isScalar() {
			to.Attempts = v.expr(WantInteger)
			return
		}
		d.object(v, retryObject, retryFields(to))
	}}
}

var onErrorShape = &Shape{
	Kind: UnionShape, Name: "on_error", Noun: "continue, ask, abort or a list of steps", Example: "continue",
	Doc: "What is done where the step has failed: `continue` behind it, `ask` a person, `abort` the run, or steps. The steps know `error.kind` and `error.message`, and behind them the program goes on.",
	Any: []*Shape{{Scalars: Strings, Words: OnErrorWords}, {Kind: ListShape, Elem: aStep}},
}

func onErrorSlot(to *OnError, path string) Slot {
	return Slot{onErrorShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if v.isScalar() {
			to.Word = v.node.Value
			return
		}
		stepsSlot(&to.Steps, path).read(d, v)
	}}
}
