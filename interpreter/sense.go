package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// What is written and does nothing, whatever a run is given: names that nobody reads,
// and steps that are never done. What a deck carries is not among it: labware, modules
// and pipettes are in the way whether they are used or not.

// unused reports parameters, constants and variables that no expression reads.
func (p *preparer) unused() {
	report := func(name spec.Word, what, help string) {
		if name.IsSet() && !p.scope.Used(name.Value) {
			p.add(diag.Diagnostic{Code: diag.UnusedName, Severity: diag.Warning, Span: name.Span, Message: "nothing reads the " + what + " " + name.Value, Help: help})
		}
	}
	w := p.p.workflow
	for i := range w.Params {
		report(w.Params[i].Name, "parameter", "use it in a step, or remove it: whoever gives a run another value expects it to change something")
	}
	for i := range w.Let {
		report(w.Let[i].Name, "constant", "use it, or remove it")
	}
	for i := range w.Vars {
		report(w.Vars[i].Name, "variable", "read it, or remove it and what sets it")
	}
}

// ends reports whether nothing comes behind a step.
func ends(s *spec.Step) bool {
	return s.Key == "fail" && !s.If.IsSet() && !s.For.Set && !s.Repeat.IsSet() && !s.While.IsSet() && !s.OnError.Set && !s.Retry.Set
}

// neverDone reports a step, or a branch of it, that its own modifiers keep from ever
// being done.
func (p *preparer) neverDone(n *node, while *eval.Expr) {
	if v, ok := fixed(n.cond); ok && v.Kind() == eval.Bool {
		switch {
		case !v.Bool() && n.els == nil:
			p.never(n.cond.Source().Whole(), "is never done: the condition never holds", "remove the step, or have the condition read what it depends on")
		case !v.Bool():
			p.never(n.cond.Source().Whole(), "is never done, and what stands under `else` always: the condition never holds", "keep only what stands under `else`, or have the condition read what it depends on")
		case n.els != nil:
			p.never(n.cond.Source().Whole(), "has an `else` that is never done: the condition always holds", "remove the `else`, or have the condition read what it depends on")
		}
	}
	if v, ok := fixed(n.repeat); ok && v.Kind() == eval.Integer && v.Int() == 0 {
		p.never(n.repeat.Source().Whole(), "is never done: it is repeated 0 times", "remove it, or repeat it once or more")
	}
	if v, ok := fixed(while); ok && v.Kind() == eval.Bool && !v.Bool() {
		p.never(while.Source().Whole(), "is never done: the condition of `while` never holds", "remove the step, or have the condition read what changes")
	}
	if n.loop == nil {
		return
	}
	if v, ok := fixed(n.loop.in); ok && v.Kind() == eval.List && len(v.List()) == 0 {
		p.never(n.loop.in.Source().Whole(), "is never done: the list of its loop is empty", "remove it, or write a list with something in it")
	}
}

// never reports something that a step is not.
func (p *preparer) never(at diag.Span, what, help string) {
	p.add(diag.Diagnostic{Code: diag.NeverDone, Severity: diag.Warning, Span: at, Message: "the step " + what, Help: help})
}

// fixed is the value of an expression that depends on nothing.
func fixed(e *eval.Expr) (eval.Value, bool) {
	if e == nil {
		return eval.Value{}, false
	}
	v, ok := e.Const()
	return v, ok && v.Known()
}
