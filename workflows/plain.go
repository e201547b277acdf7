package workflows

import (
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter"
)

// What programs give for a run is nearly always a flat JSON object of numbers and
// words. That is read here without a parser that knows where everything stands, which
// only matters where something is wrong.

// PlainRun reads what a run is given where that is plain: a JSON object of single
// values for parameters of this workflow. The run is the one that RunFrom gives, but
// nothing can be said about where in the text a value is; ok is false for anything
// that is not plain or not JSON. It may be called by several goroutines.
func (c *Checked) PlainRun(data []byte) (r Run, ok bool) {
	values, ok := plainObject(data)
	if !ok {
		return Run{}, false
	}
	units := c.plainUnits()
	for name, text := range values {
		unit, known := units[name]
		if !known {
			return Run{}, false
		}
		if unit == "" {
			continue
		}
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			values[name] = text + " " + unit
		}
	}
	return Run{input: interpreter.Input{Params: values}}, true
}

// plainUnits are the units of bare numbers, by the names of the parameters that take
// one value.
func (c *Checked) plainUnits() map[string]string {
	c.units.once.Do(func() {
		c.units.of = map[string]string{}
		declared := c.Prepared.Declared()
		for i := range declared {
			switch d := &declared[i]; d.Type.Value {
			case "list", "wells", "table":
			default:
				c.units.of[d.Name.Value] = UnitOf(d)
			}
		}
	})
	return c.units.of
}

// plainObject reads a JSON object whose values are numbers, truth values and strings
// of printable ASCII without escapes. Names that come twice are not plain, nor is a
// string that is blank.
func plainObject(data []byte) (interpreter.Values, bool) {
	s := plainText{data, 0}
	out := interpreter.Values{}
	if !s.skip('{') {
		return nil, false
	}
	for !s.skip('}') {
		if len(out) > 0 && !s.skip(',') {
			return nil, false
		}
		name, ok := s.quoted()
		if _, again := out[name]; !ok || again || !s.skip(':') {
			return nil, false
		}
		if out[name], ok = s.value(); !ok {
			return nil, false
		}
	}
	s.blanks()
	return out, s.at == len(data)
}

// plainText is a text that is read from its beginning.
type plainText struct {
	data []byte
	at   int
}

func (s *plainText) blanks() {
	for s.at < len(s.data) && (s.data[s.at] == ' ' || s.data[s.at] == '\n' || s.data[s.at] == '\t' || s.data[s.at] == '\r') {
		s.at++
	}
}

// skip takes a character, with the blanks before it.
func (s *plainText) skip(c byte) bool {
	s.blanks()
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *plainText) quoted() (string, bool) {
	if !s.skip('"') {
		return "", false
	}
	for i := s.at; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			text := string(s.data[s.at:i])
			s.at = i + 1
			return text, true
		case c < ' ' || c > '~' || c == '\\':
			return "", false
		}
	}
	return "", false
}

func (s *plainText) value() (string, bool) {
	s.blanks()
	if s.at < len(s.data) && s.data[s.at] == '"' {
		text, ok := s.quoted()
		return text, ok && strings.TrimSpace(text) != ""
	}
	from := s.at
	for s.at < len(s.data) && isPlainWord(s.data[s.at]) {
		s.at++
	}
	word := string(s.data[from:s.at])
	if word == "true" || word == "false" {
		return word, true
	}
	_, err := strconv.ParseFloat(word, 64)
	return word, err == nil && isJSONNumber(word)
}

func isPlainWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == 'E' || c == '+' || c == '-' || c == '.'
}

// isJSONNumber reports whether a word is a number as JSON writes it.
func isJSONNumber(s string) bool {
	digits := func() bool {
		n := 0
		for ; n < len(s) && s[n] >= '0' && s[n] <= '9'; n++ {
		}
		s = s[n:]
		return n > 0
	}
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' || !digits() {
		return false
	}
	if len(s) > 0 && s[0] == '.' {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		if s = s[1:]; len(s) > 0 && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}
