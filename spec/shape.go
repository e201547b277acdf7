package spec

import "strings"

// ShapeKind says what kind of YAML a Shape takes.
type ShapeKind uint8

// The kinds of shapes.
const (
	ScalarShape ShapeKind = iota // one scalar
	ObjectShape                  // a mapping with the keys of Fields
	MapShape                     // a mapping from names to Elem, in the file's order
	ListShape                    // a sequence of Elem
	UnionShape                   // one of Any, told apart by scalar, mapping or sequence
	StepShape                    // a step: the shape that StepObject returns
)

// Scalars is a set of scalar types, by what YAML resolves them to.
type Scalars uint8

// The scalar types.
const (
	Strings Scalars = 1 << iota
	Numbers
	Booleans
	Nulls
)

// Shape is what YAML a key takes. The decoder accepts by it, and the JSON
// schema, the reference and completion are written from it.
type Shape struct {
	Kind    ShapeKind
	Name    string // of a shared definition: volume, height, steps; empty where inline
	Doc     string // of a shared definition
	Example string // of a shared definition
	Scalars Scalars
	Words   []string // the only strings taken, if any
	Pattern *Pattern // what a string must look like, if anything
	Lead    []string // plain words taken beside an expression: for completion
	Fields  []Field
	Elem    *Shape
	Any     []*Shape
	Min     int // least entries of a list or map
}

// Pattern is a rule for strings in two forms that a test proves equal: Regex
// for the schema, Match for the decoder, which so needs no regexp at start-up.
type Pattern struct {
	Regex string
	Match func(string) bool
	Doc   string // "a name: letters, digits and _, not starting with a digit"
}

// Field is one key of a mapping.
type Field struct {
	Key      string
	Doc      string
	Example  string
	Required bool
	Slot     Slot
}

// Slot is where a key's value goes: what it takes, and how it is read once the
// Shape has taken it.
type Slot struct {
	Shape *Shape
	read  func(*decoder, value)
}

var notBlank = &Pattern{`\S`, func(s string) bool { return strings.TrimSpace(s) != "" }, "text that is not blank"}

var identifier = &Pattern{`^[A-Za-z_][A-Za-z0-9_]*$`, IsName, "a name: letters, digits and _, not starting with a digit"}

var workflowName = &Pattern{`^[A-Za-z_][A-Za-z0-9_-]*$`, func(s string) bool {
	return s != "" && s[0] != '-' && IsName(strings.ReplaceAll(s, "-", "_"))
}, "a name: letters, digits, _ and -, not starting with a digit"}

// IsName reports whether s can be a name in the language's one namespace.
func IsName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// accepts reports whether the shape takes the scalar v; containers are looked
// into by the decoder as it walks them.
func (s *Shape) acceptsScalar(v value) bool {
	t := v.scalarType()
	if s.Scalars&t == 0 {
		return false
	}
	if t != Strings {
		return true
	}
	if len(s.Words) > 0 {
		for _, w := range s.Words {
			if w == v.node.Value {
				return true
			}
		}
		return false
	}
	return s.Pattern == nil || s.Pattern.Match(v.node.Value)
}
