package eval

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Limits of what is compiled: an expression is something a person reads.
const (
	maxTokens  = 4000
	maxNesting = 100
	maxSource  = 64 << 10
)

type tokenKind uint8

const (
	tokNumber tokenKind = iota
	tokQuantity
	tokRange
	tokName
	tokKeyword
	tokText
	tokOperator
	tokOpen
	tokClose
)

// token is one word of the source. Brackets know their partner.
type token struct {
	kind       tokenKind
	start, end int // bytes
	partner    int // index of the other bracket, or of the literal in source.literals
}

// literal is a number with a unit as it was written.
type literal struct {
	value Value
	ratio bool // 20 %, 2 x: a plain number that can never stand for a quantity
}

// source is the text of one expression cut into tokens. clean is the same
// text, byte for byte as long, in which numbers with units and ranges of wells
// are overwritten by $ signs, so that expr's parser takes them for names and
// every place it reports is a place of the source.
type source struct {
	scalar   spec.Scalar
	text     string
	clean    []byte
	tokens   []token
	literals []literal
	runes    []int32 // byte offset of every rune; nil when all of them are one byte
	found    diag.List
	open     []int // indices of open brackets
	asks     []int // ternaries waiting for their colon, per open bracket
}

// scan cuts the scalar into tokens and reports what can be seen without a
// grammar: stray characters, unbalanced brackets, unknown units, missing
// operators. It returns false when the rest would not make sense.
func scan(scalar spec.Scalar) (*source, bool) {
	s := &source{scalar: scalar, text: scalar.Text, asks: []int{0}}
	if len(s.text) > maxSource {
		s.report(diag.TooMuch, 0, 1, "the expression is too long", "compute parts of it under `let`")
		return s, false
	}
	if !utf8.ValidString(s.text) {
		s.report(diag.ExprSyntax, 0, len(s.text), "the expression is not valid UTF-8 text", "save the file as UTF-8")
		return s, false
	}
	s.clean = []byte(s.text)
	s.tokens = make([]token, 0, len(s.text)/3+4)
	ok := true
	for at := 0; at < len(s.text) && ok; {
		at, ok = s.next(at)
		if len(s.tokens) > maxTokens {
			s.report(diag.TooMuch, 0, 1, "the expression has too many words", "compute parts of it under `let`")
			return s, false
		}
	}
	ok = ok && s.closed() && s.neighbours()
	s.mapRunes()
	return s, ok
}

func (s *source) report(code *diag.Code, start, end int, message, help string) {
	s.found = append(s.found, diag.Diagnostic{Code: code, Span: s.scalar.Span(start, end), Message: message, Help: help})
}

// mapRunes prepares offset for text with characters of several bytes.
func (s *source) mapRunes() {
	if utf8.RuneCount(s.clean) == len(s.clean) {
		return
	}
	for i := range string(s.clean) {
		s.runes = append(s.runes, int32(i))
	}
}

// offset turns expr's rune offset into a byte offset of the source.
func (s *source) offset(rune int) int {
	switch {
	case s.runes == nil:
		return min(rune, len(s.text))
	case rune >= len(s.runes):
		return len(s.text)
	}
	return int(s.runes[rune])
}

// at returns the index of the token that covers or follows the byte offset.
func (s *source) at(offset int) int {
	i, _ := slices.BinarySearchFunc(s.tokens, offset, func(t token, o int) int {
		if t.end <= o {
			return -1
		}
		if t.start > o {
			return 1
		}
		return 0
	})
	return i
}

func (s *source) word(i int) string {
	if i < 0 || i >= len(s.tokens) {
		return ""
	}
	return s.text[s.tokens[i].start:s.tokens[i].end]
}

func (s *source) add(kind tokenKind, start, end int) {
	s.tokens = append(s.tokens, token{kind, start, end, -1})
}

// next reads one token at byte offset at and returns where the next begins.
func (s *source) next(at int) (int, bool) {
	r, size := utf8.DecodeRuneInString(s.text[at:])
	switch {
	case unicode.IsSpace(r):
		return at + size, true
	case r == '"' || r == '\'' || r == '`':
		return s.quoted(at, byte(r))
	case isDigit(s.text, at) || r == '.' && isDigit(s.text, at+1) && !s.afterValue():
		return s.number(at)
	case isWordRune(r):
		return s.name(at)
	case strings.ContainsRune("([{", r):
		return s.opening(at)
	case strings.ContainsRune(")]}", r):
		return s.closing(at)
	}
	return s.operator(at, r, size)
}

func isDigit(text string, at int) bool { return at < len(text) && text[at] >= '0' && text[at] <= '9' }

func wordEnd(text string, at int) int {
	for i, r := range text[at:] {
		if !isWordRune(r) {
			return at + i
		}
	}
	return len(text)
}

// afterValue reports whether the last token ends a value, so that what follows
// is an operator and not another value.
func (s *source) afterValue() bool {
	if len(s.tokens) == 0 {
		return false
	}
	switch t := s.tokens[len(s.tokens)-1]; t.kind {
	case tokOperator, tokKeyword:
		return s.text[t.start:t.end] == "#"
	case tokOpen:
		return false
	}
	return true
}

func (s *source) quoted(at int, quote byte) (int, bool) {
	for i := at + 1; i < len(s.text); i++ {
		switch {
		case s.text[i] == '\\' && quote != '`':
			i++
		case s.text[i] == quote && quote == '`' && i+1 < len(s.text) && s.text[i+1] == '`':
			i++
		case s.text[i] == quote:
			s.add(tokText, at, i+1)
			return i + 1, true
		case s.text[i] == '\n' && quote != '`':
			s.report(diag.ExprSyntax, at, i, "this text is not closed on its line", "close it with "+string(quote))
			return i, false
		}
	}
	s.report(diag.ExprSyntax, at, len(s.text), "this text is not closed", "close it with "+string(quote))
	return len(s.text), false
}

func (s *source) name(at int) (int, bool) {
	end := wordEnd(s.text, at)
	word := s.text[at:end]
	if word == "let" && len(s.tokens) == 0 {
		s.report(diag.ExprSyntax, at, end, "an expression cannot declare a name", "declare it in the section `let`")
		return at, false
	}
	kind := tokName
	if slices.Contains(keywords, word) && word != "nil" && word != "null" {
		kind = tokKeyword
	}
	if n := len(s.tokens); n > 0 && s.word(n-1) == "." {
		kind = tokName
	}
	s.add(kind, at, end)
	if kind == tokName && s.isRange() {
		s.blankRange()
	}
	return end, true
}

// isRange reports whether the last tokens are name.A1:B2 without spaces.
func (s *source) isRange() bool {
	n := len(s.tokens)
	if n < 5 || s.word(n-2) != ":" || s.word(n-4) != "." || s.tokens[n-5].kind != tokName {
		return false
	}
	for i := n - 4; i < n; i++ {
		if s.tokens[i].start != s.tokens[i-1].end {
			return false
		}
	}
	if n > 5 && s.word(n-6) == "." || !isWellName(s.word(n-1)) || !isWellName(s.word(n-3)) {
		return false
	}
	if end := s.tokens[n-1].end; end < len(s.text) && s.text[end] == '(' {
		return false
	}
	return s.asks[len(s.asks)-1] == 0 && !s.choosing(n-2) || s.colonAhead()
}

// choosing reports whether the colon at token i belonged to a ternary.
func (s *source) choosing(i int) bool { return s.tokens[i].partner == 1 }

// colonAhead reports whether another colon follows at this level, which is
// then the ternary's.
func (s *source) colonAhead() bool {
	depth := 0
	for _, b := range []byte(s.text[s.tokens[len(s.tokens)-1].end:]) {
		switch b {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ':':
			if depth == 0 {
				return true
			}
		}
		if depth < 0 {
			return false
		}
	}
	return false
}

// blankRange makes one token of the last five.
func (s *source) blankRange() {
	n := len(s.tokens)
	if s.choosing(n - 2) {
		s.asks[len(s.asks)-1]++
	}
	start, end := s.tokens[n-5].start, s.tokens[n-1].end
	s.tokens = append(s.tokens[:n-5], token{tokRange, start, end, -1})
	s.blank(start, end)
}

func (s *source) blank(start, end int) {
	for i := start; i < end; i++ {
		s.clean[i] = '$'
	}
}

func isWellName(s string) bool {
	letters := 0
	for letters < len(s) && s[letters] >= 'A' && s[letters] <= 'Z' {
		letters++
	}
	return letters >= 1 && letters <= 2 && len(s) > letters && len(s) <= letters+2 && strings.Trim(s[letters:], "0123456789") == ""
}

func (s *source) opening(at int) (int, bool) {
	if len(s.open) >= maxNesting {
		s.report(diag.TooMuch, at, at+1, "the expression is nested too deeply", "compute parts of it under `let`")
		return at, false
	}
	s.open = append(s.open, len(s.tokens))
	s.asks = append(s.asks, 0)
	s.add(tokOpen, at, at+1)
	return at + 1, true
}

func (s *source) closing(at int) (int, bool) {
	char := s.text[at : at+1]
	if len(s.open) == 0 {
		s.report(diag.ExprSyntax, at, at+1, "there is no "+partnerOf(char)+" that this "+char+" closes", "remove it, or open it where it should begin")
		return at, false
	}
	i := s.open[len(s.open)-1]
	if want := partnerOf(s.word(i)); want != char {
		s.report(diag.ExprSyntax, at, at+1, "this "+char+" stands where a "+want+" should close the "+s.word(i)+" before it", "write "+want+" first")
		return at, false
	}
	s.open = s.open[:len(s.open)-1]
	s.asks = s.asks[:len(s.asks)-1]
	s.tokens[i].partner = len(s.tokens)
	s.tokens = append(s.tokens, token{tokClose, at, at + 1, i})
	return at + 1, true
}

func partnerOf(bracket string) string {
	const pairs = "()[]{}"
	i := strings.Index(pairs, bracket)
	return pairs[i^1 : i^1+1]
}

func (s *source) closed() bool {
	if len(s.open) == 0 {
		return true
	}
	t := s.tokens[s.open[len(s.open)-1]]
	char := s.text[t.start:t.end]
	s.report(diag.ExprSyntax, t.start, t.end, "this "+char+" is never closed", "add the missing "+partnerOf(char))
	return false
}

var operators = []string{
	"&&", "||", "==", "!=", "<=", ">=", "**", "..", "??",
	"+", "-", "*", "/", "%", "^", "<", ">", "!", "?", ":", ",", ".", "#",
}

// refused are operators and characters people know from elsewhere, each with
// what to write.
var refused = []struct{ text, message, help string }{
	{"===", "=== is no operator here", "compare with =="},
	{"!==", "!== is no operator here", "compare with !="},
	{"=>", "=> is no operator here", "write >= for greater or equal"},
	{"=<", "=< is no operator here", "write <= for less or equal"},
	{"<>", "<> is no operator here", "write != for not equal"},
	{":=", ":= is no operator here", "an expression cannot set a variable; use a `set` step"},
	{"//", "// is no operator here", "for a whole quotient write floor(a / b)"},
	{"/*", "there are no comments inside an expression", "write a YAML comment, which begins with #, at the end of the line"},
	{"?.", "?. is no operator here", "write . and give a default with ??"},
	{"::", ":: is no operator here", "call a function by its name alone"},
	{"−", "− is a typographic minus", "write -"},
	{"–", "– is a dash", "write - for minus"},
	{"×", "× is no operator here", "write * to multiply"},
	{"·", "· is no operator here", "write * to multiply"},
	{"÷", "÷ is no operator here", "write / to divide"},
	{"≤", "≤ is no operator here", "write <="},
	{"≥", "≥ is no operator here", "write >="},
	{"≠", "≠ is no operator here", "write !="},
	{"±", "± is no operator here", "give the two values"},
	{"“", "“ is a typographic quote", "write \" around text"},
	{"”", "” is a typographic quote", "write \" around text"},
	{"„", "„ is a typographic quote", "write \" around text"},
	{"‘", "‘ is a typographic quote", "write ' around text"},
	{"’", "’ is a typographic quote", "write ' around text"},
	{"${", "${ … } is for fields of text", "write the expression alone"},
	{"=", "= is no operator here", "compare with =="},
	{"&", "& is no operator here", "write and"},
	{"|", "| is no operator here", "write or"},
	{";", "an expression is one value, so ; has no place in it", "remove it"},
}

func (s *source) operator(at int, r rune, size int) (int, bool) {
	rest := s.text[at:]
	for _, op := range operators[:9] {
		if strings.HasPrefix(rest, op) && !strings.HasPrefix(rest, "===") && !strings.HasPrefix(rest, "!==") {
			s.add(tokOperator, at, at+len(op))
			return at + len(op), true
		}
	}
	for _, f := range refused {
		if strings.HasPrefix(rest, f.text) {
			s.report(diag.ExprSyntax, at, at+len(f.text), f.message, f.help)
			return at, false
		}
	}
	if !slices.Contains(operators[9:], rest[:size]) {
		s.report(diag.ExprSyntax, at, at+size, "`"+string(r)+"` has no meaning in an expression", "remove it, or put quotes around text")
		return at, false
	}
	s.add(tokOperator, at, at+size)
	s.ternary(rest[0])
	return at + size, true
}

// ternary notes the ? and the : that belongs to it.
func (s *source) ternary(op byte) {
	asks := &s.asks[len(s.asks)-1]
	switch {
	case op == '?':
		*asks++
	case op == ':' && *asks > 0:
		*asks--
		s.tokens[len(s.tokens)-1].partner = 1
	}
}

// foreignUnits are words people write for units, in small letters.
var foreignUnits = map[string]string{
	"second": "s", "seconds": "s", "sec": "s", "secs": "s", "minute": "min", "minutes": "min", "mins": "min", "m": "min (or mm)",
	"hour": "h", "hours": "h", "hr": "h", "hrs": "h", "msec": "ms", "microliter": "uL", "microliters": "uL", "microlitres": "uL",
	"milliliter": "mL", "milliliters": "mL", "millilitres": "mL", "liter": "L", "liters": "L", "l": "L", "celsius": "C", "deg": "C",
	"degrees": "C", "percent": "%", "times": "x", "millimeter": "mm", "millimeters": "mm", "k": "C, in degrees Celsius", "f": "C, in degrees Celsius",
}

// neighbours reports values that stand side by side without an operator.
func (s *source) neighbours() bool {
	for i := 1; i < len(s.tokens); i++ {
		a, b := &s.tokens[i-1], &s.tokens[i]
		if !endsValue(a) || !beginsValue(b) || i > 1 && s.word(i-2) == "#" || s.word(i-1) == "#" {
			continue
		}
		left, right := s.word(i-1), s.word(i)
		if help, ok := s.habit(i); ok {
			s.report(diag.ExprSyntax, b.start, b.end, "there is no operator between "+cut(left, 30)+" and "+cut(right, 30), help)
			return false
		}
		message, help := "there is no operator between "+cut(left, 30)+" and "+cut(right, 30), "write for example "+cut(left, 30)+" * "+cut(right, 30)
		if unit, ok := quantity.LookupUnit(s.unitAt(i)); ok && unit.Dim != quantity.Number {
			right = s.unitAt(i)
			message, help = "a unit can follow only a number", "write "+s.operandBefore(i)+" * 1 "+right
		} else if near, ok := diag.Nearest(right, keywords); ok && b.kind == tokName {
			help = "did you mean " + near + "?"
		} else if a.kind == tokName || a.kind == tokText || b.kind == tokText {
			help = "put an operator between them, or quotes around the whole text"
		}
		s.report(diag.ExprSyntax, b.start, b.end, message, help)
		return false
	}
	return true
}

// habit recognises what people write side by side elsewhere.
func (s *source) habit(i int) (help string, ok bool) {
	before := s.tokens[i-1]
	switch {
	case before.kind == tokQuantity && s.word(i) == "of" && strings.HasSuffix(s.word(i-1), "%") && i+1 < len(s.tokens):
		return "write " + s.word(i-1) + " * " + s.word(i+1), true
	case before.kind == tokQuantity && strings.HasSuffix(s.word(i-1), "x") && s.tokens[i].kind == tokQuantity:
		return s.word(i-1) + " " + s.word(i) + " is understood only where a mixing is wanted", true
	}
	return "", false
}

// unitAt returns the unit that the tokens from i spell, such as mm/s.
func (s *source) unitAt(i int) string {
	if i+2 < len(s.tokens) && s.word(i+1) == "/" && s.tokens[i+2].start == s.tokens[i].end+1 {
		long := s.text[s.tokens[i].start:s.tokens[i+2].end]
		if _, ok := quantity.LookupUnit(long); ok {
			return long
		}
	}
	return s.word(i)
}

// operandBefore returns the text of the value that ends before token i.
func (s *source) operandBefore(i int) string {
	from := i - 1
	if s.tokens[from].kind == tokClose {
		from = s.tokens[from].partner
		if from > 0 && s.tokens[from-1].kind == tokName {
			from--
		}
	}
	for from >= 2 && s.word(from-1) == "." {
		from -= 2
	}
	return cut(s.text[s.tokens[from].start:s.tokens[i-1].end], 40)
}

func endsValue(t *token) bool {
	switch t.kind {
	case tokNumber, tokQuantity, tokRange, tokName, tokText, tokClose:
		return true
	}
	return false
}

func beginsValue(t *token) bool {
	switch t.kind {
	case tokNumber, tokQuantity, tokRange, tokName, tokText:
		return true
	}
	return false
}
