package eval

import (
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Template is text with ${ expression } in it. It never changes.
type Template struct {
	source spec.Scalar
	parts  []part
	fixed  bool
}

// part is a piece of text and the expression after it.
type part struct {
	text string
	expr *Expr
}

// CompileTemplate reads a text in which ${ expression } stands for the value
// of the expression, and $${ for ${ itself. The Template is nil if something
// is wrong.
func CompileTemplate(src spec.Scalar, scope *Scope, deck *program.Deck) (*Template, diag.List) {
	t := &Template{source: src, fixed: true}
	var found diag.List
	var text strings.Builder
	rest := 0
	for {
		at := strings.Index(src.Text[rest:], "${")
		if at < 0 {
			break
		}
		at += rest
		if at > rest && src.Text[at-1] == '$' {
			text.WriteString(src.Text[rest:at-1] + "${")
			rest = at + 2
			continue
		}
		text.WriteString(src.Text[rest:at])
		end, ok := closingBrace(src.Text, at+2)
		if !ok {
			found = append(found, diag.Diagnostic{
				Code: diag.ExprSyntax, Span: src.Span(at, at+2),
				Message: "this ${ is never closed", Help: "close it with }, or write $${ where ${ itself is meant",
			})
			return nil, found
		}
		e, problems := compileInserted(src.Slice(at+2, end), scope, deck)
		found = append(found, problems...)
		t.parts = append(t.parts, part{text.String(), e})
		t.fixed = t.fixed && e != nil && e.constant
		text.Reset()
		rest = end + 1
	}
	text.WriteString(src.Text[rest:])
	t.parts = append(t.parts, part{text: text.String()})
	if found.HasErrors() {
		return nil, found
	}
	return t, found
}

// compileInserted compiles what stands between ${ and }: anything that has a
// value.
func compileInserted(src spec.Scalar, scope *Scope, deck *program.Deck) (*Expr, diag.List) {
	c, node := parse(src, scope, deck)
	if node == nil {
		return nil, c.found
	}
	return c.finish(c.compile(node), Type{Kind: Text})
}

// Eval returns the text with all values filled in. A value that is unknown
// reads "unknown (…)".
func (t *Template) Eval(env *Env) (string, *diag.Diagnostic) {
	if len(t.parts) == 1 {
		return t.parts[0].text, nil
	}
	var b []byte
	for _, p := range t.parts {
		b = append(b, p.text...)
		if p.expr == nil {
			continue
		}
		v, d := p.expr.Eval(env)
		if d != nil {
			return "", d
		}
		if b = v.append(b, maxText); len(b) > maxText {
			return "", &diag.Diagnostic{Code: diag.TooMuch, Span: t.source.Whole(), Message: "this makes a text of more than a megabyte", Help: "use a shorter text"}
		}
	}
	return string(b), nil
}

// Const returns the text if it does not depend on anything.
func (t *Template) Const() (string, bool) {
	if !t.fixed {
		return "", false
	}
	s, d := t.Eval(&Env{})
	return s, d == nil
}

// Source returns the text the template was compiled from.
func (t *Template) Source() spec.Scalar { return t.source }

// Known reports whether every value in the text is known in env.
func (t *Template) Known(env *Env) bool {
	for _, p := range t.parts {
		if p.expr == nil {
			continue
		}
		if v, d := p.expr.Eval(env); d != nil || !v.Known() {
			return false
		}
	}
	return true
}

// Reads returns what the expressions of the text read, each name once.
func (t *Template) Reads(env *Env) []diag.Value {
	var out []diag.Value
	seen := map[string]bool{}
	for _, p := range t.parts {
		if p.expr == nil {
			continue
		}
		for _, v := range p.expr.Reads(env) {
			if !seen[v.Name] {
				seen[v.Name] = true
				out = append(out, v)
			}
		}
	}
	return out
}
