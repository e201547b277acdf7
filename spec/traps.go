package spec

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Trap says what YAML made of a node that is not what its reader wanted, when
// YAML itself is the likely reason: a comment, a tag, a split at a comma. what
// is a sentence without full stop, help says what to write. ok is false when
// the node is just what it looks like, or was reported already.
func (src *Source) Trap(n *yaml.Node) (what, help string, ok bool) {
	switch {
	case IsRefused(n):
		return "", "", false
	case n.Style&yaml.TaggedStyle != 0 && !isCoreTag(n):
		what, help = tagTrap(n)
		return what, help, true
	case n.Kind == yaml.ScalarNode:
		return src.scalarTrap(n)
	case n.Kind == yaml.MappingNode:
		return src.mappingTrap(n)
	}
	return "", "", false
}

func (src *Source) scalarTrap(n *yaml.Node) (what, help string, ok bool) {
	switch {
	case n.Style&(yaml.FoldedStyle|yaml.LiteralStyle) != 0:
		return src.blockTrap(n)
	case n.Style&quotedOrBlock != 0:
		return "", "", false
	case n.Value == "":
		return src.emptyTrap(n)
	case n.Tag == "!!null":
		return fmt.Sprintf("YAML reads %s as nothing", n.Value), "leave the key out, or write '" + n.Value + "' if it is meant as text", true
	case n.Tag == "!!bool":
		return fmt.Sprintf("YAML reads %s as true or false", n.Value), "write '" + n.Value + "' if it is meant as text", true
	case n.Tag == "!!timestamp":
		return fmt.Sprintf("YAML reads %s as a date", n.Value), "write '" + n.Value + "' if it is meant as text", true
	}
	if b, is := oldBoolean(n.Value); is {
		return fmt.Sprintf("%s is true or false to some YAML programs and text to others", n.Value), "write " + b + ", or '" + n.Value + "' if it is meant as text", true
	}
	return src.cutTrap(n)
}

// oldBoolean translates the words that YAML 1.1 read as true or false.
func oldBoolean(s string) (string, bool) {
	switch strings.ToLower(s) {
	case "yes", "on", "y":
		return "true", true
	case "no", "off", "n":
		return "false", true
	}
	return "", false
}

// emptyTrap explains a value of which nothing is left.
func (src *Source) emptyTrap(n *yaml.Node) (what, help string, ok bool) {
	rest := strings.TrimSpace(src.afterEmpty(src.start(n)))
	if len(rest) < 2 || rest[0] != '#' || rest[1] == ' ' || rest[1] == '\t' {
		return "", "", false
	}
	value, _, _ := strings.Cut(rest, " ")
	value = strings.TrimRight(value, ",]}")
	return "YAML read everything after # as a comment, so nothing is left", "put quotes around it: " + quoteYAML(value), true
}

// afterEmpty returns what follows in its line the colon of an empty value.
// yaml.v3 places such a value right after its colon, but within brackets at
// whatever comes next, which may be lines below.
func (src *Source) afterEmpty(at int) string {
	data := src.file.Data
	if before := bytes.TrimRight(data[:at], " \t\r\n"); len(before) < at {
		if text, start := src.line(len(before)); len(before) >= start {
			if i := bytes.LastIndex(text, []byte(": #")); i >= 0 {
				return string(text[i+1:])
			}
		}
	}
	text, start := src.line(at)
	return strings.TrimPrefix(strings.TrimSpace(string(text[min(max(at-start, 0), len(text)):])), ":")
}

// blockTrap explains comparisons that became the header of a text block.
func (src *Source) blockTrap(n *yaml.Node) (what, help string, ok bool) {
	if strings.TrimSpace(n.Value) != "" {
		return "", "", false
	}
	at := src.start(n)
	text, start := src.line(at)
	header := strings.TrimSpace(string(text[min(at-start, len(text)):]))
	if header == "" {
		return "", "", false
	}
	return fmt.Sprintf("YAML took the %c for the start of a text of several lines, and none follows", header[0]), "put quotes around it: " + quoteYAML(header), true
}

// unclosed returns how many more parentheses and brackets s opens than it
// closes.
func unclosed(s string) int {
	n := 0
	for _, c := range s {
		switch c {
		case '(', '[':
			n++
		case ')', ']':
			n--
		}
	}
	return n
}

// cutTrap explains a value that ends in the middle of an expression.
func (src *Source) cutTrap(n *yaml.Node) (what, help string, ok bool) {
	data, end := src.file.Data, src.end(n)
	next := skipBlankLines(data, end)
	if !isPlain(n) || unclosed(n.Value) <= 0 || next <= end || !strings.Contains(string(data[end:next]), " #") {
		return "", "", false
	}
	return "YAML read everything after # as a comment, so the expression breaks off", "put quotes around all of it: " + quoteYAML(n.Value+strings.TrimRight(lineRest(string(data[end:])), " \t\r")), true
}

// mappingTrap explains a mapping that was meant as an expression.
func (src *Source) mappingTrap(n *yaml.Node) (what, help string, ok bool) {
	if len(n.Content) != 2 || n.Content[0].Kind != yaml.ScalarNode {
		return "", "", false
	}
	k, v := n.Content[0], n.Content[1]
	condition, then, ternary := strings.Cut(k.Value, " ? ")
	switch {
	case k.Style&quotedOrBlock != 0 || v.Kind != yaml.ScalarNode:
		return "", "", false
	case ternary:
		return "YAML took the colon of x ? a : b for the colon of a key", fmt.Sprintf("write if %s {%s} else {%s}", condition, then, v.Value), true
	case n.Style&yaml.FlowStyle != 0 && v.Value == "" && src.byte(n) == '{':
		return fmt.Sprintf("YAML reads {%s} as a mapping", k.Value), "write it without braces: " + k.Value, true
	case !IsName(k.Value):
		return fmt.Sprintf("YAML took the colon after %s for the colon of a key", k.Value), "put quotes around all of it: " + quoteYAML(k.Value+": "+v.Value), true
	}
	return "", "", false
}

// byte returns the first byte of n in the file.
func (src *Source) byte(n *yaml.Node) byte {
	if at := src.offset(n.Line, n.Column); at < len(src.file.Data) {
		return src.file.Data[at]
	}
	return 0
}

// NumberTrap explains plain scalars that stand for a number, to YAML or to a
// person, but are not decimal numbers as people write them: 012, 0x1F, 1_000,
// .inf, 1e400, 1,5. ok is false for decimal numbers and for anything else.
func (src *Source) NumberTrap(n *yaml.Node) (what, help string, ok bool) {
	if n.Kind != yaml.ScalarNode || n.Style&quotedOrBlock != 0 {
		return "", "", false
	}
	s := n.Value
	digits := strings.TrimLeft(s, "+-")
	switch {
	case strings.EqualFold(digits, ".nan"):
		return s + " is YAML for not a number", "write a number", true
	case strings.EqualFold(digits, ".inf"):
		return s + " is YAML for infinity", "write a number, or leave the key out where there is no bound", true
	case digits == "" || digits[0] < '0' || digits[0] > '9':
		return "", "", false
	}
	return oddNumber(s, digits)
}

// oddNumber explains a number that starts with a digit but is not decimal.
func oddNumber(s, digits string) (what, help string, ok bool) {
	sign := s[:len(s)-len(digits)]
	plain := strings.ReplaceAll(digits, "_", "")
	switch {
	case strings.ContainsRune(digits, '_') && isDecimal(plain):
		return s + " is written with _ between its digits", "write " + sign + plain, true
	case hasBase(plain):
		return based(s, sign, plain, 0)
	case len(plain) > 1 && plain[0] == '0' && isDigits(plain):
		return leadingZero(s, sign, plain)
	case isDecimal(plain):
		return tooLarge(s, plain)
	case strings.Count(digits, ",") == 1 && isDecimal(strings.Replace(digits, ",", ".", 1)):
		return s + " is written with a comma", "write a decimal point: " + sign + strings.Replace(digits, ",", ".", 1), true
	}
	return "", "", false
}

func hasBase(s string) bool {
	return len(s) > 2 && s[0] == '0' && strings.ContainsRune("xXoObB", rune(s[1]))
}

// based explains a hexadecimal, octal or binary number.
func based(s, sign, plain string, base int) (what, help string, ok bool) {
	v, err := strconv.ParseInt(strings.ToLower(plain), base, 64)
	if err != nil {
		return "", "", false
	}
	return fmt.Sprintf("%s is %s%d in a notation of programmers", s, sign, v), fmt.Sprintf("write %s%d", sign, v), true
}

// leadingZero explains numbers such as 012, which YAML 1.1 counts by eights.
func leadingZero(s, sign, plain string) (what, help string, ok bool) {
	decimal := strings.TrimLeft(plain[:len(plain)-1], "0") + plain[len(plain)-1:]
	v, err := strconv.ParseInt(plain, 8, 64)
	if err != nil {
		return s + " starts with a 0", "write " + sign + decimal, true
	}
	return fmt.Sprintf("%s starts with a 0, so YAML may read it as the octal number %s%d", s, sign, v), "write " + sign + decimal, true
}

func tooLarge(s, plain string) (what, help string, ok bool) {
	v, err := strconv.ParseFloat(plain, 64)
	if err == nil && !math.IsInf(v, 0) {
		return "", "", false
	}
	return s + " is larger than any number ot2flow can hold", "check the exponent", true
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isDecimal reports whether s is digits, perhaps a point, perhaps an exponent.
func isDecimal(s string) bool {
	mantissa, exponent, has := strings.Cut(strings.ToLower(s), "e")
	exponent = strings.TrimLeft(exponent, "+-")
	whole, fraction, point := strings.Cut(mantissa, ".")
	return isDigits(whole) && (!point || fraction == "" || isDigits(fraction)) && (!has || isDigits(exponent))
}
