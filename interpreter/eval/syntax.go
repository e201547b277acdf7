package eval

import (
	"errors"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/file"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

var errParser = errors.New("the parser gave up")

// ratio is 20 % or 2 x.
func (s *source) ratio(start, end int, number string, unit quantity.Unit) literal {
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		s.report(diag.NotFinite, start, end, cut(s.text[start:end], 40)+" is too large", checkSize)
		return literal{}
	}
	if unit.IsPercent() {
		f /= 100
	}
	return literal{value: NumberValue(f), ratio: true}
}

// unwrap takes the expression out of a whole ${ … }. A part of one is an
// error, because what is around it would have to become text.
func unwrap(src spec.Scalar, want Type) (spec.Scalar, diag.List) {
	text := src.Text
	start := strings.Index(text, "${")
	if start < 0 || inQuotes(text, start) {
		return src, nil
	}
	lead := len(text) - len(strings.TrimLeft(text, " \t\n"))
	end, ok := closingBrace(text, start+2)
	if ok && start == lead && strings.TrimSpace(text[end+1:]) == "" {
		return src.Slice(start+2, end), nil
	}
	d := diag.Diagnostic{
		Code: diag.PartialTemplate, Span: src.Whole(),
		Message: "this field is an expression as a whole, and ${ … } is a part of it", Help: "write the expression alone, without ${ }",
	}
	if !ok {
		d = diag.Diagnostic{Code: diag.ExprSyntax, Span: src.Span(start, start+2), Message: "this ${ is never closed", Help: "remove it, or close it with }"}
		return src, diag.List{d}
	}
	inner := strings.TrimSpace(text[start+2 : end])
	if rest := strings.TrimSpace(text[end+1:]); start == lead {
		if _, unit := quantity.LookupUnit(rest); unit {
			d.Help = "write " + inner + " if it has a unit already, or " + factor(inner) + " * 1 " + rest
		}
	}
	if want.Kind == Text {
		d.Help = `join texts with +, for example "plate " + name`
	}
	return src, diag.List{d}
}

// factor puts parentheses around what is not a single name.
func factor(s string) string {
	if isIdentifier(s) {
		return s
	}
	return "(" + s + ")"
}

// inQuotes reports whether a place is inside a string of the expression.
func inQuotes(text string, at int) bool {
	quote := byte(0)
	for i := 0; i < at; i++ {
		switch {
		case quote == 0 && (text[i] == '"' || text[i] == '\'' || text[i] == '`'):
			quote = text[i]
		case quote != 0 && text[i] == '\\' && quote != '`':
			i++
		case text[i] == quote:
			quote = 0
		}
	}
	return quote != 0
}

// closingBrace finds the } that ends an expression that begins at offset at,
// past nested braces and strings.
func closingBrace(text string, at int) (int, bool) {
	depth, quote := 0, byte(0)
	for i := at; i < len(text); i++ {
		b := text[i]
		switch {
		case quote != 0 && b == '\\' && quote != '`':
			i++
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'' || b == '`':
			quote = b
		case b == '{':
			depth++
		case b == '}' && depth == 0:
			return i, true
		case b == '}':
			depth--
		}
	}
	return 0, false
}

// explain says in our words what expr's parser could not read.
func (s *source) explain(problem error) diag.Diagnostic {
	var e *file.Error
	if !errors.As(problem, &e) {
		return s.syntax(0, len(s.text), "this cannot be read as an expression", "")
	}
	if strings.HasPrefix(e.Message, "compilation failed") {
		return diag.Diagnostic{Code: diag.TooMuch, Span: s.scalar.Whole(), Message: "the expression has too many parts", Help: "compute parts of it under `let`"}
	}
	at := s.offset(e.From)
	i := s.at(at)
	if strings.Contains(e.Message, "token EOF") || strings.Contains(e.Message, "unexpected end") || i >= len(s.tokens) {
		return s.endsEarly()
	}
	return s.unexpected(i, e.Message)
}

func (s *source) syntax(start, end int, message, help string) diag.Diagnostic {
	return diag.Diagnostic{Code: diag.ExprSyntax, Span: s.scalar.Span(start, end), Message: message, Help: help}
}

// endsEarly is about an expression that stops in its middle.
func (s *source) endsEarly() diag.Diagnostic {
	last := len(s.tokens) - 1
	t := s.tokens[last]
	if i, ok := s.openChoice(); ok && endsValue(&t) {
		return s.syntax(s.tokens[i].start, s.tokens[i].end, "this choice has no alternative", "write x ? a : b, or if x {a} else {b}")
	}
	if i, ok := s.openIf(); ok && endsValue(&t) {
		return s.syntax(s.tokens[i].start, s.tokens[i].end, "this if has no else", "write if x {a} else {b}")
	}
	return s.syntax(t.start, t.end, "the expression ends after "+s.word(last)+", where a value should follow", "add the value, or remove "+s.word(last))
}

// openChoice finds a ? without its colon.
func (s *source) openChoice() (int, bool) {
	asks := []int{}
	for i := range s.tokens {
		switch {
		case s.tokens[i].kind == tokOperator && s.word(i) == "?":
			asks = append(asks, i)
		case s.tokens[i].kind == tokOperator && s.word(i) == ":" && len(asks) > 0:
			asks = asks[:len(asks)-1]
		}
	}
	if len(asks) == 0 {
		return 0, false
	}
	return asks[0], true
}

func (s *source) openIf() (int, bool) {
	first, open := 0, 0
	for i := range s.tokens {
		if s.tokens[i].kind != tokKeyword {
			continue
		}
		switch s.word(i) {
		case "if":
			if open == 0 {
				first = i
			}
			open++
		case "else":
			open--
		}
	}
	return first, open > 0
}

// unexpected is about a token that cannot stand where it does.
func (s *source) unexpected(i int, message string) diag.Diagnostic {
	t, word := s.tokens[i], s.word(i)
	quoted := cut(word, 30)
	switch {
	case strings.Contains(message, "char escape"):
		return s.syntax(t.start, t.end, "this text has a \\ that begins nothing", `write \\ for a backslash`)
	case strings.Contains(message, "coalesce"):
		return s.syntax(t.start, t.end, word+" cannot stand beside ?? without parentheses", "write (a ?? b) "+word+" c")
	case strings.Contains(message, "literal") || strings.Contains(message, "number syntax"):
		return s.syntax(t.start, t.end, quoted+" is no number", "write for example 12.5")
	case strings.Contains(message, "at least"):
		return diag.Diagnostic{Code: diag.WrongArguments, Span: s.scalar.Span(t.start, t.end), Message: "an argument is missing before this )", Help: s.callHelp(i)}
	case word == "," && (i == 0 || s.tokens[i-1].kind == tokNumber):
		return s.syntax(t.start, t.end, "a comma has no place here", "write decimals with a point, such as 1.5, and lists in brackets")
	case word == ":" && i > 0 && i+3 < len(s.tokens) && isWellName(s.word(i-1)) && isWellName(s.word(i+3)):
		return s.syntax(t.start, t.end, "a colon has no place here", "write a range of wells as "+s.operandBefore(i)+":"+s.word(i+3))
	case word == ":" && i > 0 && isWellName(s.word(i-1)):
		return s.syntax(t.start, t.end, "a colon has no place here", "write a range of wells as plate.A1:D6, without spaces")
	case i > 0 && s.word(i-1) == "}":
		return s.syntax(t.start, t.end, quoted+" cannot follow if … {…} else {…}", "put the whole choice in parentheses")
	case (word == "#" || word == ".") && !endsValue(&s.tokens[max(i-1, 0)]) || i == 0 && word == "#":
		return s.syntax(t.start, t.end, word+" stands for an element and has a meaning only inside all, any, filter, map and their like", "")
	case t.kind == tokKeyword && i > 0 && s.tokens[i-1].kind == tokOperator, t.kind == tokOperator && i == 0:
		return s.syntax(t.start, t.end, "a value is missing before "+quoted, "")
	case i > 0 && (s.tokens[i-1].kind == tokOperator || s.tokens[i-1].kind == tokKeyword):
		return s.syntax(t.start, t.end, "a value should follow "+s.word(i-1)+", and not "+quoted, "")
	}
	return s.syntax(t.start, t.end, quoted+" has no place here", "")
}

// callHelp shows how the function around token i is called.
func (s *source) callHelp(i int) string {
	for k := i; k > 0; k-- {
		if s.tokens[k].kind == tokOpen && s.tokens[k].partner >= i {
			if f, ok := lookupFunction(s.word(k - 1)); ok {
				return "write " + f.Signature
			}
		}
	}
	return ""
}
