package eval

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Kind is the sort of a value.
type Kind uint8

// The kinds. Invalid is the type of what was already reported as wrong: no
// operation on it is reported again. As a wanted type it stands for anything.
const (
	Invalid   Kind = iota
	Nothing        // no value: nil, what find returns when there is none
	Bool           // true or false
	Number         // a plain number
	Integer        // a whole number
	Quantity       // a number with a unit; Type.Dim says of what
	Text           // a string
	Well           // one well, or one place of a tip rack
	Labware        // a labware on the deck
	Liquid         // a declared liquid; stands for its wells
	Color          // #rrggbb
	List           // a list of Type.Elem
	Wells          // a well, a labware, a liquid, or a list of these, nested or not
	Record         // named values, such as the row of a table; Type.Fields says which
	OneOrMany      // only as a wanted type: one Type.Elem, or a list of them
)

// Type is what is known about a value before anything runs. Dim is set for a
// Quantity, Elem for a List and OneOrMany, Fields for a Record. Compare types
// with Equal.
type Type struct {
	Kind   Kind
	Dim    quantity.Dim
	Elem   *Type
	Fields *[]Field
}

// Field is one named value of a Record.
type Field struct {
	Name string
	Type Type
}

// Of returns the type of a quantity of dimension d, or of a plain number.
func Of(d quantity.Dim) Type {
	if d == quantity.Number {
		return Type{Kind: Number}
	}
	return Type{Kind: Quantity, Dim: d}
}

// ListOf returns the type of a list of elem.
func ListOf(elem Type) Type { return Type{Kind: List, Elem: &elem} }

// Many returns the wanted type that one elem satisfies as well as a list.
func Many(elem Type) Type { return Type{Kind: OneOrMany, Elem: &elem} }

// RecordOf returns the type of a record with these fields, in this order.
func RecordOf(fields ...Field) Type { return Type{Kind: Record, Fields: &fields} }

// Equal reports whether both types are the same, all the way down.
func (t Type) Equal(u Type) bool {
	if t.Kind != u.Kind || t.Dim != u.Dim {
		return false
	}
	switch t.Kind {
	case List, OneOrMany:
		return t.Elem == u.Elem || t.elem().Equal(u.elem())
	case Record:
		return t.Fields == u.Fields || slices.EqualFunc(*t.Fields, *u.Fields, func(a, b Field) bool {
			return a.Name == b.Name && a.Type.Equal(b.Type)
		})
	}
	return true
}

// elem returns the type of the elements, Invalid where that is not known.
func (t Type) elem() Type {
	switch {
	case t.Elem != nil:
		return *t.Elem
	case t.isPlaces():
		return Type{Kind: Well}
	}
	return Type{}
}

// isNumeric reports whether arithmetic works on t.
func (t Type) isNumeric() bool { return t.Kind == Number || t.Kind == Integer || t.Kind == Quantity }

// isPlain reports whether t is a number without a unit.
func (t Type) isPlain() bool { return t.Kind == Number || t.Kind == Integer }

// isPlaces reports whether t stands for wells.
func (t Type) isPlaces() bool {
	switch t.Kind {
	case Well, Labware, Liquid, Wells:
		return true
	case List:
		return t.Elem != nil && (t.Elem.isPlaces() || t.Elem.Kind == Invalid)
	}
	return false
}

// isSequence reports whether t can be gone through element by element.
func (t Type) isSequence() bool {
	switch t.Kind {
	case List, Labware, Liquid, Wells:
		return true
	}
	return false
}

// holdsQuantity reports whether values of t contain quantities.
func (t Type) holdsQuantity() bool {
	switch t.Kind {
	case Quantity:
		return true
	case List, OneOrMany:
		return t.elem().holdsQuantity()
	case Record:
		return slices.ContainsFunc(*t.Fields, func(f Field) bool { return f.Type.holdsQuantity() })
	}
	return false
}

// field returns the index and the type of the field of that name.
func (t Type) field(name string) (int, Type, bool) {
	if t.Fields == nil {
		return 0, Type{}, false
	}
	for i, f := range *t.Fields {
		if f.Name == name {
			return i, f.Type, true
		}
	}
	return 0, Type{}, false
}

func (t Type) fieldNames() []string {
	out := make([]string, len(*t.Fields))
	for i, f := range *t.Fields {
		out[i] = f.Name
	}
	return out
}

var kindNames = [...]string{
	Invalid: "anything", Nothing: "nothing", Bool: "boolean", Number: "number", Integer: "integer", Quantity: "quantity",
	Text: "text", Well: "well", Labware: "labware", Liquid: "liquid", Color: "color", List: "list", Wells: "wells", Record: "row",
}

// String returns the type as people call it: "volume", "well", "list of
// wells".
func (t Type) String() string {
	switch t.Kind {
	case Quantity:
		return t.Dim.String()
	case List:
		if t.elem().Kind == Invalid {
			return "list"
		}
		return "list of " + t.elem().plural()
	case OneOrMany:
		return t.elem().String() + " or list of " + t.elem().plural()
	}
	return kindNames[t.Kind]
}

func (t Type) plural() string {
	switch t.Kind {
	case Text, Labware, Wells, Nothing, Invalid:
		return t.String()
	case Integer:
		return "whole numbers"
	case List:
		return strings.Replace(t.String(), "list", "lists", 1)
	}
	return t.String() + "s"
}

// phrase returns the type with its article, as sentences need it: "a volume",
// "an integer", "text".
func (t Type) phrase() string {
	switch t.Kind {
	case Bool:
		return "true or false"
	case Wells:
		return "a well or several wells"
	case Text, Labware, Nothing, Invalid:
		return t.String()
	case Integer:
		return "a whole number"
	case OneOrMany:
		return t.elem().phrase() + " or a list of " + t.elem().plural()
	}
	return "a " + t.String()
}

// example returns how a value of the type is written.
func (t Type) example() string {
	switch t.Kind {
	case Bool:
		return "true, or R > 50 uL"
	case Number:
		return "2.5"
	case Integer:
		return "3"
	case Quantity:
		return t.Dim.Example()
	case Text:
		return `"some text"`
	case Well:
		return "plate.A1"
	case Wells:
		return "plate.A1:D6"
	case Labware:
		return "the name of a labware, such as plate"
	case Liquid:
		return "the name of a liquid, such as water"
	case Color:
		return `"#c8102e"`
	case List:
		return "[" + t.elem().example() + "]"
	case OneOrMany:
		return t.elem().example()
	}
	return ""
}
