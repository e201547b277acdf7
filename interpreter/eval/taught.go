package eval

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/ot2flow/ot2flow/spec"
)

// Some things can be written in two ways, of which one is taught: words for
// !, && and ||, if for ? and :, and an expression without ${ } around it.

// Taught returns an expression in the form that is taught. It means the same;
// what cannot be read is returned as it is.
func Taught(text string) string {
	inner := bare(text)
	s, ok := scan(spec.Scalar{Text: inner})
	if !ok || len(s.tokens) == 0 {
		return text
	}
	w := rewriter{s: s}
	out := strings.TrimSpace(w.expression())
	if w.failed || w.i < len(s.tokens) || !sameMeaning(s, out) {
		return inner
	}
	return out
}

// TaughtTemplate does the same for the expressions in a text.
func TaughtTemplate(text string) string {
	var out strings.Builder
	rest := 0
	for {
		at := strings.Index(text[rest:], "${")
		if at < 0 {
			break
		}
		at += rest
		end, ok := closingBrace(text, at+2)
		if !ok {
			break
		}
		if at > 0 && text[at-1] == '$' {
			end = at + 1
			out.WriteString(text[rest : end+1])
		} else {
			out.WriteString(text[rest:at] + "${ " + Taught(strings.TrimSpace(text[at+2:end])) + " }")
		}
		rest = end + 1
	}
	return out.String() + text[rest:]
}

// bare takes a whole ${ … } off.
func bare(text string) string {
	body := strings.TrimSpace(text)
	if !strings.HasPrefix(body, "${") {
		return text
	}
	if end, ok := closingBrace(body, 2); ok && end == len(body)-1 {
		return strings.TrimSpace(body[2:end])
	}
	return text
}

// sameMeaning reports whether an expression was rewritten into one that is read
// as the same tree.
func sameMeaning(s *source, out string) bool {
	again, ok := scan(spec.Scalar{Text: out})
	if !ok {
		return false
	}
	before, err := parseText(string(s.clean))
	if err != nil {
		return false
	}
	after, err := parseText(string(again.clean))
	return err == nil && tree(before) == tree(after)
}

// tree renders what an expression was read as, in the form that is taught.
func tree(n ast.Node) string {
	ast.Walk(&n, taughtNodes{})
	return n.String()
}

type taughtNodes struct{}

func (taughtNodes) Visit(n *ast.Node) {
	switch e := (*n).(type) {
	case *ast.ConditionalNode:
		e.Ternary = false
	case *ast.UnaryNode:
		e.Operator = taughtOperator(e.Operator)
	case *ast.BinaryNode:
		e.Operator = taughtOperator(e.Operator)
	}
}

func taughtOperator(op string) string {
	switch op {
	case "!":
		return "not"
	case "&&":
		return "and"
	case "||":
		return "or"
	}
	return op
}

// rewriter goes through the tokens of an expression once. Blanks between them
// stay.
type rewriter struct {
	s      *source
	i      int // the next token
	failed bool
}

// expression rewrites up to what ends an expression: a comma, a colon, a
// closing bracket, or the end.
func (w *rewriter) expression() string {
	var out strings.Builder
	for first := w.i; w.i < len(w.s.tokens); {
		switch word := w.s.word(w.i); w.s.tokens[w.i].kind {
		case tokClose:
			return out.String()
		case tokOpen:
			w.group(&out)
		case tokOperator:
			switch word {
			case ",", ":":
				return out.String()
			case "?":
				return w.choice(out.String(), w.s.word(first) == "if")
			}
			w.put(&out, taughtOperator(word))
		default:
			w.put(&out, word)
		}
	}
	return out.String()
}

// put writes the next token, and the blanks before it. Words that stand for
// signs need blanks around them.
func (w *rewriter) put(out *strings.Builder, word string) {
	before := w.gap()
	isWord := word != w.s.word(w.i)
	if isWord && before == "" && out.Len() > 0 && !strings.ContainsRune("([ ", rune(out.String()[out.Len()-1])) {
		before = " "
	}
	w.i++
	out.WriteString(before + word)
	if isWord && w.i < len(w.s.tokens) && w.gap() == "" {
		out.WriteByte(' ')
	}
}

// gap is what stands between the next token and the one before it.
func (w *rewriter) gap() string {
	start := 0
	if w.i > 0 {
		start = w.s.tokens[w.i-1].end
	}
	return w.s.text[start:w.s.tokens[w.i].start]
}

// group rewrites what stands between two brackets.
func (w *rewriter) group(out *strings.Builder) {
	w.put(out, w.s.word(w.i))
	for w.i < len(w.s.tokens) {
		out.WriteString(w.expression())
		if w.i >= len(w.s.tokens) {
			return
		}
		closing := w.s.tokens[w.i].kind == tokClose
		w.put(out, w.s.word(w.i))
		if closing {
			return
		}
	}
}

// choice rewrites `? a : b` behind its condition.
func (w *rewriter) choice(condition string, ofIf bool) string {
	w.i++
	then := strings.TrimSpace(w.expression())
	if ofIf || then == "" || w.s.word(w.i) != ":" {
		w.failed = true // if a ? b : c {…}, and a ?: b
		return condition
	}
	w.i++
	otherwise := strings.TrimSpace(w.expression())
	lead := condition[:len(condition)-len(strings.TrimLeft(condition, " \t\n"))]
	out := lead + "if " + strings.TrimSpace(condition) + " {" + then + "} else "
	if strings.HasPrefix(otherwise, "if ") {
		return out + otherwise
	}
	return out + "{" + otherwise + "}"
}
