package eval

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Value is what an expression gives: known, Unknown with a cause, or nothing.
// It is small and is passed by value; scalars cost no allocation. The zero
// Value is invalid.
//
// A quantity inside a calculation is a float64 in base units (nL, ms, µm). It
// is rounded to the integer before every comparison and when it leaves an
// expression, so 0.1 uL + 0.2 uL equals 0.3 uL.
type Value struct {
	kind  Kind
	dim   quantity.Dim
	state state
	place program.WellRef // Well; Labware and Liquid keep their index in Labware
	num   float64         // Bool (0, 1), Number, Integer, Quantity (base units)
	text  string          // Text, Color; the cause of an Unknown
	box   *box
}

type state uint8

const (
	failed state = iota // the zero Value: evaluation stopped with a diagnostic
	known
	unknown
	nothing
)

// box is what a Value of more than one word shares: the elements of a list or
// record and their type, and the deck that places are named by.
type box struct {
	typ   Type
	items []Value
	deck  *program.Deck
}

// BoolValue returns true or false as a Value.
func BoolValue(b bool) Value {
	v := Value{kind: Bool, state: known}
	if b {
		v.num = 1
	}
	return v
}

// NumberValue returns a plain number as a Value. It must be finite.
func NumberValue(f float64) Value { return Value{kind: Number, state: known, num: f} }

// IntegerValue returns a whole number as a Value; beyond 2^53 it is rounded.
func IntegerValue(n int64) Value { return Value{kind: Integer, state: known, num: float64(n)} }

// QuantityValue returns q as a Value.
func QuantityValue(q quantity.Quantity) Value {
	if q.Dim == quantity.Number {
		return NumberValue(float64(q.N))
	}
	return Value{kind: Quantity, dim: q.Dim, state: known, num: float64(q.N)}
}

// TextValue returns a string as a Value.
func TextValue(s string) Value { return Value{kind: Text, state: known, text: s} }

// ColorValue returns a colour as a Value; rgb is "#rrggbb" in lower case.
func ColorValue(rgb string) Value { return Value{kind: Color, state: known, text: rgb} }

// WellValue returns a well of a deck as a Value.
func WellValue(deck *program.Deck, r program.WellRef) Value { return wellIn(&box{deck: deck}, r) }

// WellsValue returns a list of wells of a deck as a Value.
func WellsValue(deck *program.Deck, refs []program.WellRef) Value {
	return wellList(&box{deck: deck}, refs)
}

// LabwareValue returns the labware with that index in deck.Labware as a Value.
func LabwareValue(deck *program.Deck, index int) Value {
	return labwareIn(&box{deck: deck}, index)
}

// LiquidValue returns the liquid with that index in deck.Liquids as a Value.
func LiquidValue(deck *program.Deck, index int) Value { return liquidIn(&box{deck: deck}, index) }

// ListValue returns a list as a Value. The items must be of type elem; the
// slice belongs to the Value from now on.
func ListValue(elem Type, items []Value) Value {
	return Value{kind: List, state: known, box: &box{typ: ListOf(elem), items: items}}
}

// RecordValue returns a record as a Value: t is its type, and items its fields
// in the type's order, which belong to the Value from now on. A field without
// a value is NothingValue.
func RecordValue(t Type, items []Value) Value {
	return Value{kind: Record, state: known, box: &box{typ: t, items: items}}
}

// UnknownValue returns a value of which only the type is known, and why: a
// clause such as "the amount in plate.A1 was not declared".
func UnknownValue(t Type, cause string) Value {
	v := Value{kind: t.Kind, dim: t.Dim, state: unknown, text: cause}
	if t.Elem != nil || t.Fields != nil {
		v.box = &box{typ: t}
	}
	return v
}

// NothingValue returns the Value that says there is none: what ?? replaces.
func NothingValue() Value { return Value{kind: Nothing, state: nothing} }

func wellIn(b *box, r program.WellRef) Value {
	return Value{kind: Well, state: known, place: r, box: b}
}

func labwareIn(b *box, index int) Value {
	return Value{kind: Labware, state: known, place: program.WellRef{Labware: int16(index), Well: -1}, box: b}
}

func liquidIn(b *box, index int) Value {
	return Value{kind: Liquid, state: known, place: program.WellRef{Labware: int16(index), Well: -1}, box: b}
}

func wellList(b *box, refs []program.WellRef) Value {
	items := make([]Value, len(refs))
	for i, r := range refs {
		items[i] = wellIn(b, r)
	}
	return ListValue(Type{Kind: Well}, items)
}

// Known reports whether the value itself is known, and not only its type.
func (v Value) Known() bool { return v.state == known }

// IsNothing reports whether there is no value.
func (v Value) IsNothing() bool { return v.state == nothing }

// Cause says why a value is not known; it is empty for a known one.
func (v Value) Cause() string {
	if v.state == unknown {
		return v.text
	}
	return ""
}

// Type returns the value's type. That of an empty list has no known element.
func (v Value) Type() Type {
	if v.box != nil && (v.kind == List || v.kind == Record) {
		return v.box.typ
	}
	return Type{Kind: v.kind, Dim: v.dim}
}

// Kind returns the value's kind.
func (v Value) Kind() Kind { return v.kind }

// Bool returns the value of a Bool.
func (v Value) Bool() bool { return v.num != 0 }

// Float returns the value of a Number or an Integer, and that of a Quantity in
// its documented unit.
func (v Value) Float() float64 {
	if v.kind == Quantity {
		return math.Round(v.num) / float64(v.dim.Base())
	}
	return v.num
}

// Int returns the value of an Integer, or a Number rounded to one.
func (v Value) Int() int64 { return int64(math.Round(v.num)) }

// Quantity returns the value of a Quantity, rounded to whole base units.
func (v Value) Quantity() quantity.Quantity {
	q, _ := quantity.Round(v.dim, v.num)
	return q
}

// Text returns the value of a Text.
func (v Value) Text() string { return v.text }

// Color returns the value of a Color as #rrggbb.
func (v Value) Color() string { return v.text }

// Well returns the value of a Well.
func (v Value) Well() program.WellRef {
	if v.kind != Well || v.state != known {
		return program.None
	}
	return v.place
}

// Labware returns the index of a Labware in Deck.Labware.
func (v Value) Labware() int { return int(v.place.Labware) }

// Liquid returns the index of a Liquid in Deck.Liquids.
func (v Value) Liquid() int { return int(v.place.Labware) }

// Distinct reports whether a Liquid is a list of wells rather than one pool.
// That is said where its name was read: a called workflow has a say of its own.
func (v Value) Distinct() bool {
	return v.kind == Liquid && v.box != nil && v.box.deck.Liquids[v.Liquid()].Distinct
}

// List returns the elements of a List or the fields of a Record, in order.
// They must not be changed. What stands for wells without being a list (a
// labware, a liquid) has none: see Wells.
func (v Value) List() []Value {
	if v.box == nil || v.kind != List && v.kind != Record {
		return nil
	}
	return v.box.items
}

// Field returns the field of a Record by its name.
func (v Value) Field(name string) (Value, bool) {
	if v.kind != Record || v.state != known {
		return Value{}, false
	}
	i, _, ok := v.box.typ.field(name)
	if !ok {
		return Value{}, false
	}
	return v.box.items[i], true
}

// Wells returns the wells a known value stands for, in order: a well itself,
// those of a labware column by column, those of a liquid as declared, those of
// a list one after the other. It is empty for a value that is no place.
func (v Value) Wells(deck *program.Deck) []program.WellRef { return v.AppendWells(nil, deck) }

// AppendWells appends what Wells returns.
func (v Value) AppendWells(out []program.WellRef, deck *program.Deck) []program.WellRef {
	if v.state != known {
		return out
	}
	switch v.kind {
	case Well:
		return append(out, v.place)
	case Labware:
		if deck.Labware[v.Labware()].Def == nil {
			return out
		}
		for _, column := range deck.Labware[v.Labware()].Def.Columns {
			out = appendRefs(out, v.Labware(), column)
		}
	case Liquid:
		return append(out, deck.Liquids[v.Liquid()].Wells...)
	case List:
		for _, e := range v.box.items {
			out = e.AppendWells(out, deck)
		}
	}
	return out
}

// countWells returns how many wells a known value stands for.
func (v Value) countWells(deck *program.Deck) int {
	if v.state != known {
		return 0
	}
	switch v.kind {
	case Well:
		return 1
	case Labware:
		if deck.Labware[v.Labware()].Def == nil {
			return 0
		}
		return len(deck.Labware[v.Labware()].Def.Wells)
	case Liquid:
		return len(deck.Liquids[v.Liquid()].Wells)
	case List:
		n := 0
		for _, e := range v.box.items {
			n += e.countWells(deck)
		}
		return n
	}
	return 0
}

func appendRefs(out []program.WellRef, labware int, wells []int) []program.WellRef {
	for _, w := range wells {
		out = append(out, program.WellRef{Labware: int16(labware), Well: int16(w)})
	}
	return out
}

// Equal reports whether two known values are the same: quantities to the
// base unit, wells by place, lists element by element. A well and the list of
// that well differ.
func (v Value) Equal(w Value) bool {
	if v.state != w.state {
		return false
	}
	switch {
	case v.kind == Quantity && w.kind == Quantity:
		return v.dim == w.dim && math.Round(v.num) == math.Round(w.num)
	case v.Type().isPlain() && w.Type().isPlain():
		return v.num == w.num
	case v.kind != w.kind:
		return false
	case v.kind == List || v.kind == Record:
		return slices.EqualFunc(v.List(), w.List(), Value.Equal)
	}
	return v.num == w.num && v.text == w.text && v.place == w.place
}

// String returns the value as people read it: "120 uL", "plate.A1",
// "[plate.A1, plate.B1]", "3". An unknown value reads "unknown (…)".
func (v Value) String() string { return string(v.append(nil, math.MaxInt)) }

// append prints the value; lists end with … once there is more than limit.
func (v Value) append(b []byte, limit int) []byte {
	switch v.state {
	case unknown:
		return append(append(append(b, "unknown ("...), v.text...), ')')
	case nothing:
		return append(b, "nothing"...)
	case failed:
		return append(b, "invalid"...)
	}
	switch v.kind {
	case Bool:
		return strconv.AppendBool(b, v.Bool())
	case Number, Integer:
		return appendNumber(b, v.num)
	case Quantity:
		return append(b, v.Quantity().String()...)
	case Well:
		return append(b, v.box.deck.WellName(v.place)...)
	case Labware:
		return append(b, v.box.deck.Labware[v.Labware()].Name...)
	case Liquid:
		return append(b, v.box.deck.Liquids[v.Liquid()].Name...)
	case List:
		return appendList(b, v.box.items, limit)
	case Record:
		return v.appendRecord(b, limit)
	}
	return append(b, v.text...)
}

// appendNumber prints a number with the fewest digits that give it back, as
// decimals while that is readable.
func appendNumber(b []byte, f float64) []byte {
	if f == 0 {
		return append(b, '0') // never -0
	}
	if a := math.Abs(f); a < 1e-6 || a >= 1e15 {
		return strconv.AppendFloat(b, f, 'g', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

func appendList(b []byte, items []Value, limit int) []byte {
	b = append(b, '[')
	for i, e := range items {
		if i > 0 {
			b = append(b, ", "...)
		}
		if len(b) > limit {
			return append(b, "…]"...)
		}
		b = e.append(b, limit)
	}
	return append(b, ']')
}

func (v Value) appendRecord(b []byte, limit int) []byte {
	b = append(b, '{')
	for i, f := range *v.box.typ.Fields {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(append(b, f.Name...), ": "...)
		b = v.box.items[i].append(b, limit)
	}
	return append(b, '}')
}

// brief is String for messages: long lists and texts are cut.
func (v Value) brief() string {
	const most, longest = 6, 80
	if v.state == known && v.kind == List && len(v.box.items) > most {
		s := string(appendList(nil, v.box.items[:most], longest))
		return strings.TrimSuffix(s, "]") + ", … " + strconv.Itoa(len(v.box.items)) + " in all]"
	}
	return cut(string(v.append(nil, longest)), longest)
}

// cut shortens s to about n characters.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// Between returns the middle of two known numbers or quantities of one type.
func Between(a, b Value) Value {
	a.num = math.Round((a.num + b.num) / 2)
	return a
}
