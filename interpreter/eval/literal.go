package eval

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Advice takes an error of ParseValue apart: what is wrong, and, where there is
// anything to say, what to write.
func Advice(err error) (message, help string) {
	message, help, _ = strings.Cut(err.Error(), "; ")
	return message, help
}

// ParseValue reads a literal as people write it on a command line, in a table
// or as a default: "100 uL", "100" (the documented unit), "A1" or "plate.A1",
// true, "#c8102e", any text. The labware with index in is the one whose wells
// need no prefix; it is -1 where there is none. A list is written with commas
// between its elements, with or without brackets. The error is a sentence for
// people. It never computes: "50 uL * 2" is refused.
func ParseValue(t Type, text string, in int, deck *program.Deck) (Value, error) {
	if deck == nil {
		deck = &program.Deck{}
	}
	trimmed := strings.TrimSpace(text)
	if trimmed == "" && t.Kind != Text && t.Kind != List && t.Kind != Wells {
		return Value{}, fmt.Errorf("%s is wanted, and nothing is given; write for example %s", t.phrase(), t.example())
	}
	switch t.Kind {
	case Text:
		return TextValue(text), nil
	case Bool:
		return parseBool(trimmed)
	case Number, Integer:
		return parsePlain(t, trimmed)
	case Quantity:
		return parseQuantity(t, trimmed)
	case Color:
		rgb, err := parseColor(trimmed)
		return ColorValue(rgb), err
	case Well:
		return parseWell(trimmed, in, deck)
	case Labware:
		return parseLabware(trimmed, deck)
	case Liquid:
		return parseLiquid(trimmed, deck)
	case Wells:
		return parseWells(trimmed, in, deck)
	case List:
		return parseList(t, trimmed, in, deck)
	case OneOrMany:
		if strings.HasPrefix(trimmed, "[") {
			return parseList(ListOf(t.elem()), trimmed, in, deck)
		}
		return ParseValue(t.elem(), text, in, deck)
	}
	return Value{}, errors.New(t.phrase() + " cannot be written as text")
}

func parseBool(s string) (Value, error) {
	switch s {
	case "true":
		return BoolValue(true), nil
	case "false":
		return BoolValue(false), nil
	}
	return Value{}, fmt.Errorf("%q is neither true nor false; write one of the two", s)
}

// parseNumber reads a decimal number, which must be finite.
func parseNumber(s string) (float64, error) {
	s = strings.TrimSpace(s)
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(s, "xXpP_") {
		if strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
			return 0, fmt.Errorf("%q is no number; write decimals with a point: %s", s, strings.Replace(s, ",", ".", 1))
		}
		return 0, fmt.Errorf("%q is no number; write for example 2.5", s)
	}
	return f, nil
}

func parsePlain(t Type, s string) (Value, error) {
	percent, ok := strings.CutSuffix(s, "%")
	f, err := parseNumber(percent)
	if err != nil {
		if q, qerr := quantity.Parse(s); qerr == nil {
			return Value{}, fmt.Errorf("%q is a %s, and a plain number is wanted; write it without a unit", s, q.Dim)
		}
		return Value{}, err
	}
	if ok {
		f /= 100
	}
	if t.Kind == Number {
		return NumberValue(f), nil
	}
	if f != math.Trunc(f) || math.Abs(f) > maxWhole {
		return Value{}, fmt.Errorf("%q is no whole number; write for example 3", s)
	}
	return IntegerValue(int64(f)), nil
}

func parseQuantity(t Type, s string) (Value, error) {
	q, err := quantity.Parse(s)
	if errors.Is(err, quantity.ErrUnit) {
		if _, bad := parseNumber(s); bad == nil {
			q, err = quantity.Parse(s + " " + t.Dim.Unit())
		}
	}
	switch {
	case err != nil:
		return Value{}, errors.New(quantity.Describe(err, s, t.Dim))
	case q.Dim == quantity.MolarConc && t.Dim == quantity.MassConc:
		return Value{}, fmt.Errorf("%q is a %s, and a %s is wanted; write for example %s, or declare it with type: molarity", s, q.Dim, t.Dim, t.Dim.Example())
	case q.Dim == quantity.MassConc && t.Dim == quantity.MolarConc:
		return Value{}, fmt.Errorf("%q is a %s, and a %s is wanted; write for example %s, or declare it with type: concentration", s, q.Dim, t.Dim, t.Dim.Example())
	case q.Dim != t.Dim:
		return Value{}, fmt.Errorf("%q is a %s, and a %s is wanted; write for example %s", s, q.Dim, t.Dim, t.Dim.Example())
	}
	return QuantityValue(q), nil
}

// splitPlace finds the labware and the rest of plate.A1.
func splitPlace(s string, in int, deck *program.Deck) (labware int, rest string, err error) {
	name, rest, dotted := strings.Cut(s, ".")
	if !dotted {
		if in < 0 {
			return 0, "", fmt.Errorf("%q names no labware; write for example %s.A1", s, firstOr(labwareNames(deck), "plate"))
		}
		return in, s, nil
	}
	i, ok := findLabware(deck, name)
	if !ok {
		return 0, "", noLabware(name, deck)
	}
	if in >= 0 && i != in {
		return 0, "", fmt.Errorf("%q is not in %s, where this well has to be; write a well of %s, for example A1", s, deck.Labware[in].Name, deck.Labware[in].Name)
	}
	return i, rest, nil
}

func labwareNames(deck *program.Deck) []string {
	out := make([]string, len(deck.Labware))
	for i := range deck.Labware {
		out[i] = deck.Labware[i].Name
	}
	return out
}

func noLabware(name string, deck *program.Deck) error {
	return noSuch("labware", name, labwareNames(deck))
}

func noSuch(what, name string, candidates []string) error {
	if near, ok := diag.Nearest(name, candidates); ok {
		return fmt.Errorf("there is no %s %q; did you mean %s?", what, name, near)
	}
	if len(candidates) == 0 {
		return fmt.Errorf("there is no %s %q; none is declared", what, name)
	}
	return fmt.Errorf("there is no %s %q; there is %s", what, name, strings.Join(candidates, ", "))
}

func parseWell(s string, in int, deck *program.Deck) (Value, error) {
	labware, name, err := splitPlace(s, in, deck)
	if err != nil {
		return Value{}, err
	}
	return namedWell(labware, name, deck)
}

func namedWell(labware int, name string, deck *program.Deck) (Value, error) {
	l := &deck.Labware[labware]
	if l.Def == nil {
		return Value{}, fmt.Errorf("the definition of %s could not be read, so its wells are not known", l.Name)
	}
	w, ok := l.Def.Well(name)
	if !ok {
		message, help := wellProblem(l, name)
		if help != "" {
			message += "; " + help
		}
		return Value{}, errors.New(message)
	}
	return WellValue(deck, program.WellRef{Labware: int16(labware), Well: int16(w)}), nil
}

func parseLabware(s string, deck *program.Deck) (Value, error) {
	i, ok := findLabware(deck, s)
	if !ok {
		return Value{}, noLabware(s, deck)
	}
	return LabwareValue(deck, i), nil
}

func parseLiquid(s string, deck *program.Deck) (Value, error) {
	names := make([]string, len(deck.Liquids))
	for i := range deck.Liquids {
		if deck.Liquids[i].Name == s {
			return LiquidValue(deck, i), nil
		}
		names[i] = deck.Liquids[i].Name
	}
	return Value{}, noSuch("liquid", s, names)
}

// listItems cuts a list at its commas, but for those in double quotes.
func listItems(s string) []string {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	if s == "" {
		return nil
	}
	var out []string
	start, quoted := 0, false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			out, start = append(out, s[start:i]), i+1
		}
	}
	return append(out, s[start:])
}

// unquoted takes the double quotes off an element of a list of texts.
func unquoted(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// parseWells reads wells, ranges, labware and liquids, one or a list of them.
func parseWells(s string, in int, deck *program.Deck) (Value, error) {
	var refs []program.WellRef
	items := listItems(s)
	for _, item := range items {
		v, err := parsePlaces(strings.TrimSpace(item), in, deck)
		if err != nil {
			return Value{}, err
		}
		if len(items) == 1 && v.kind != List {
			return v, nil
		}
		refs = append(refs, v.Wells(deck)...)
	}
	return WellsValue(deck, refs), nil
}

func parsePlaces(s string, in int, deck *program.Deck) (Value, error) {
	if first, last, ok := strings.Cut(s, ":"); ok {
		return parseRange(s, first, last, in, deck)
	}
	if !strings.Contains(s, ".") {
		if v, err := parseLabware(s, deck); err == nil && (in < 0 || v.Labware() == in) {
			return v, nil
		}
		if v, err := parseLiquid(s, deck); err == nil && in < 0 {
			return v, nil
		}
	}
	return parseWell(s, in, deck)
}

func parseRange(s, first, last string, in int, deck *program.Deck) (Value, error) {
	labware, from, err := splitPlace(first, in, deck)
	if err != nil {
		return Value{}, err
	}
	for _, name := range []string{from, last} {
		if _, err := namedWell(labware, name, deck); err != nil {
			return Value{}, err
		}
	}
	env := &Env{Deck: deck}
	v := env.rectangle(where{s: &source{text: s}}, LabwareValue(deck, labware), from, last)
	if v.state == failed {
		return Value{}, errors.New(env.err.Message + "; " + env.err.Help)
	}
	return v, nil
}

func parseList(t Type, s string, in int, deck *program.Deck) (Value, error) {
	if t.elem().Kind == Well {
		v, err := parseWells(s, in, deck)
		if err != nil {
			return v, err
		}
		return WellsValue(deck, v.Wells(deck)), nil
	}
	items := listItems(s)
	values := make([]Value, len(items))
	for i, item := range items {
		v, err := ParseValue(t.elem(), unquoted(strings.TrimSpace(item)), in, deck)
		if err != nil {
			return Value{}, fmt.Errorf("element %d: %w", i+1, err)
		}
		values[i] = v
	}
	return ListValue(t.elem(), values), nil
}
