package eval

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Numbers, and the units behind them.

// number reads a number and the unit after it, if there is one.
func (s *source) number(at int) (int, bool) {
	end := numberEnd(s.text, at)
	if s.text[at] == '0' && isDigit(s.text, at+1) {
		plain := strings.TrimLeft(s.text[at:end-1], "0") + s.text[end-1:end]
		s.report(diag.OddNumber, at, end, s.text[at:end]+" starts with a 0, so some read it as an octal number", "write "+plain)
	}
	unitStart, unitEnd := findUnit(s.text, end)
	if unitEnd == unitStart {
		s.add(tokNumber, at, end)
		return end, true
	}
	word := s.text[unitStart:unitEnd]
	if slices.Contains(keywords, word) {
		s.add(tokNumber, at, end)
		return end, true
	}
	s.add(tokQuantity, at, unitEnd)
	s.tokens[len(s.tokens)-1].partner = len(s.literals)
	s.literals = append(s.literals, s.literal(at, end, unitStart, unitEnd))
	s.blank(at, unitEnd)
	return unitEnd, true
}

// numberEnd returns where the number at offset at ends, as expr's lexer would.
func numberEnd(text string, at int) int {
	i := at
	digits := func() {
		for i < len(text) && (isDigit(text, i) || text[i] == '_') {
			i++
		}
	}
	digits()
	if i < len(text) && text[i] == '.' && !strings.HasPrefix(text[i:], "..") {
		i++
		digits()
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		mantissa := i
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if !isDigit(text, i) {
			return mantissa
		}
		digits()
	}
	return i
}

// findUnit returns where the word after a number begins and ends; both are the
// same when none follows. A percent sign counts as a unit unless a value
// follows it, in which case it is the remainder of a division.
func findUnit(text string, end int) (int, int) {
	start := end
	for start < len(text) && (text[start] == ' ' || text[start] == '\t' || text[start] == '\n') {
		start++
	}
	if start >= len(text) {
		return start, start
	}
	if text[start] == '%' {
		if percentEnds(text[start+1:]) {
			return start, start + 1
		}
		return start, start
	}
	stop := start
	if strings.HasPrefix(text[stop:], "°") {
		stop += len("°")
	}
	if !startsWord(text[stop:]) {
		return start, stop
	}
	stop = wordEnd(text, stop)
	if stop < len(text) && text[stop] == '/' && startsWord(text[stop+1:]) {
		long := wordEnd(text, stop+1)
		if _, ok := quantity.LookupUnit(text[start:long]); ok {
			stop = long
		}
	}
	return start, stop
}

func startsWord(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return text != "" && (r == '_' || unicode.IsLetter(r))
}

// percentEnds reports whether what follows a percent sign cannot be a value.
func percentEnds(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\n")
	r, _ := utf8.DecodeRuneInString(rest)
	if isWordRune(r) && rest != "" {
		if rest[:wordEnd(rest, 0)] == "of" {
			return true
		}
		return slices.Contains(keywords, rest[:wordEnd(rest, 0)]) && !strings.HasPrefix(rest, "not ")
	}
	return rest == "" || !strings.ContainsRune("(.#\"'`[", r)
}

// literal converts a number with a unit. What is wrong with it is reported,
// and the invalid value keeps that from being reported again.
func (s *source) literal(start, end, unitStart, unitEnd int) literal {
	number, name := strings.ReplaceAll(s.text[start:end], "_", ""), s.text[unitStart:unitEnd]
	unit, ok := quantity.LookupUnit(name)
	if !ok {
		s.unknownUnit(unitStart, unitEnd, s.text[start:end])
		return literal{}
	}
	if unit.Dim == quantity.Number {
		return s.ratio(start, unitEnd, number, unit)
	}
	q, err := quantity.Of(number, unit)
	if err != nil {
		message, help := Advice(errors.New(quantity.Describe(err, s.text[start:unitEnd], unit.Dim)))
		s.report(diag.NotFinite, start, unitEnd, message, cmp.Or(help, checkSize))
		return literal{}
	}
	return literal{value: QuantityValue(q)}
}

func (s *source) unknownUnit(start, end int, number string) {
	name := s.text[start:end]
	help := "to multiply, write " + number + " * " + name
	if unit, ok := foreignUnits[strings.ToLower(name)]; ok {
		s.report(diag.UnknownUnit, start, end, name+" after a number is no unit", "write "+number+" "+unit)
		return
	}
	if near, ok := diag.Nearest(name, allUnits()); ok {
		help = "did you mean " + number + " " + near + "?"
	}
	s.report(diag.UnknownUnit, start, end, name+" after a number is no unit", help)
}

// allUnits lists every documented unit.
func allUnits() []string {
	var out []string
	for d := quantity.Volume; d <= quantity.MolarConc; d++ {
		out = append(out, quantity.UnitNames(d)...)
	}
	return out
}
