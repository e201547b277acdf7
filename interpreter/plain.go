package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// The steps that touch no liquid and no tip.

type home struct{}

func (home) expand(x *expansion, f *program.Frame) {
	x.emit(program.Op{Kind: program.Home, Well: program.None}, "", f, nil)
}

type delay struct{ time *eval.Expr }

func (b *delay) expand(x *expansion, f *program.Frame) {
	if ms, ok := x.quantity(b.time, 0); ok {
		x.wait(ms, b.time, f, nil)
	}
}

// wait emits a delay; one of 0 is left out, a negative one reported.
func (x *expansion) wait(ms int64, e *eval.Expr, f *program.Frame, m *program.Movement) {
	if ms < 0 {
		x.addAt(e, diag.Diagnostic{Code: diag.BadDuration, Message: "a delay cannot be negative", Help: "write how long to wait, such as 5 s"})
		return
	}
	if ms > 0 {
		x.emit(program.Op{Kind: program.Delay, Well: program.None, Duration: ms}, "", f, m)
	}
}

type message struct {
	kind program.Kind
	text *eval.Template
}

func (b *message) expand(x *expansion, f *program.Frame) {
	text, ok := x.text(b.text)
	if !ok {
		return
	}
	x.emit(program.Op{Kind: b.kind, Well: program.None}, text, f, nil)
}

type do struct{ nodes []*node }

func (b *do) expand(x *expansion, f *program.Frame) {
	for _, n := range b.nodes {
		n.expand(x, f)
	}
}

type set struct{ values []binding }

func (p *preparer) set(b *spec.Set) body {
	out := &set{}
	for _, v := range b.Values {
		t, known := p.vars[v.Name.Value]
		if !known {
			p.notVariable(v.Name)
			p.expr(v.Value)
			continue
		}
		_, slot, _ := p.scope.Lookup(v.Name.Value)
		out.values = append(out.values, binding{v.Name.Value, slot, p.compile(v.Value, t)})
	}
	return out
}

func (p *preparer) notVariable(name spec.Word) {
	if first, ok := p.names[name.Value]; ok {
		p.add(diag.Diagnostic{
			Code: diag.NotAVariable, Span: name.Span, Message: name.Value + " is not a variable and keeps its value",
			Related: []diag.Related{{Span: first, Message: "it is declared here"}}, Help: "declare a variable under vars: and set that",
		})
		return
	}
	vars := p.p.workflow.Vars
	p.unknownName(diag.UnknownName, name, "variable", namesOf(len(vars), func(i int) string { return vars[i].Name.Value }))
	p.missing = append(p.missing, name.Value)
}

func (b *set) expand(x *expansion, _ *program.Frame) {
	values := make([]eval.Value, len(b.values))
	for i, v := range b.values {
		var ok bool
		if values[i], ok = x.eval(v.expr); !ok {
			return
		}
	}
	for i, v := range b.values {
		x.env.Vars[v.slot] = values[i]
	}
}
