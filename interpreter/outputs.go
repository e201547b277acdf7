package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// output is what a workflow returns under one name.
type output struct {
	decl *spec.Output
	expr *eval.Expr
	typ  eval.Type
}

// outputs compiles what the workflow returns. They are computed behind the last
// step, so they see variables as they are then, and what wells hold then.
func (p *preparer) outputs() {
	for i := range p.p.workflow.Outputs {
		d := &p.p.workflow.Outputs[i]
		want := eval.Type{}
		switch typ := d.Type.Value; typ {
		case "", "list":
		case "wells":
			want = eval.ListOf(eval.Type{Kind: eval.Well})
		default:
			want = paramTypes[typ]
		}
		x := p.compile(d.Value, want)
		out := output{decl: d, expr: x, typ: want}
		if x != nil {
			out.typ = x.Type()
		}
		if d.Type.Value == "list" && x != nil && out.typ.Kind != eval.List && out.typ.Kind != eval.Invalid {
			p.fail(diag.TypeMismatch, d.Value.Whole(), "a list is wanted here, and this is "+article(out.typ.String()), "correct the type, or leave it out: it is found by itself")
		}
		p.p.outputs = append(p.p.outputs, out)
	}
}

// made computes what the workflow returns.
func (p *Prepared) made(x *expansion) []program.Output {
	var out []program.Output
	for i := range p.outputs {
		o := &p.outputs[i]
		made := program.Output{Name: o.decl.Name.Value, Type: o.typ.String(), Value: "null"}
		x.node, x.blameStep = nil, o.decl.Name.Span
		if v, ok := x.eval(o.expr); ok {
			made.Value = string(appendValue(nil, v))
			if s, ok := x.sink.(Hears); ok && !x.halted() {
				s.Returned(made.Name, v)
			}
		}
		out = append(out, made)
	}
	return out
}

// appendValue writes a value as JSON: numbers, truth values and lists as they
// are, and everything that has a unit or a name as people write it.
func appendValue(b []byte, v eval.Value) []byte {
	switch v.Kind() {
	case eval.Nothing:
		return append(b, "null"...)
	case eval.Bool, eval.Integer, eval.Number:
		return append(b, v.String()...)
	case eval.List:
		b = append(b, '[')
		for i, e := range v.List() {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendValue(b, e)
		}
		return append(b, ']')
	case eval.Record:
		b = append(b, '{')
		for i, f := range *v.Type().Fields {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(program.AppendString(b, f.Name), ": "...)
			b = appendValue(b, v.List()[i])
		}
		return append(b, '}')
	}
	return program.AppendString(b, v.String())
}
