package eval

import (
	"strings"

	"github.com/ot2flow/ot2flow/spec"
)

// Uses finds the names in a value of a workflow that may be declared elsewhere in it, as
// byte ranges: those in expressions, but no members, functions or words in quotes. text
// reports that the value is text, in which expressions stand in ${ }. It also reads what
// cannot be compiled.
func Uses(value string, text bool) [][2]int {
	if !text && !strings.Contains(value, "${") {
		return usesIn(value, 0, nil)
	}
	var out [][2]int
	for rest := 0; ; {
		at := strings.Index(value[rest:], "${")
		if at < 0 {
			return out
		}
		at += rest
		end, ok := closingBrace(value, at+2)
		if !ok {
			return out
		}
		if at == 0 || value[at-1] != '$' {
			out = usesIn(value[at+2:end], at+2, out)
		}
		rest = end + 1
	}
}

// usesIn appends those of an expression that begins at an offset.
func usesIn(expression string, offset int, out [][2]int) [][2]int {
	s, _ := scan(spec.Scalar{Text: expression})
	for i := range s.tokens {
		t := &s.tokens[i]
		end := t.end
		switch t.kind {
		case tokRange:
			end = t.start + strings.IndexByte(expression[t.start:t.end], '.')
		case tokName:
			before := s.word(i - 1)
			if before == "." || before == "?." || s.word(i+1) == "(" {
				continue
			}
		default:
			continue
		}
		out = append(out, [2]int{offset + t.start, offset + end})
	}
	return out
}
