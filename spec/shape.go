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
	Noun    string // what messages call it: a volume
	Doc     string // of a shared definition
	Example string // of a shared definition
	Scalars Scalars
	Words   []string    // the only values taken, if any
	Pattern *Pattern    // what a string must look like, if anything
	Instead [][2]string // words that people try, or keys of an object, each with what there is instead
	Lead    []string    // plain words taken beside an expression: for completion
	Rules   []Rule      // between the keys of an object
	Elem    *Shape
	Keys    *Pattern // what the keys of a MapShape must look like, nil for names
	Keyed   string   // of a MapShape whose keys are declared elsewhere in the file: the section they are declared in
	Any     []*Shape
	Min     int // least entries of a list, map or object

	fields func() []Field
}

// Fields returns the keys of an object, nil for any other shape. The list is
// made at each call, so that nothing is built before it is needed.
func (s *Shape) Fields() []Field {
	if s.fields == nil {
		return nil
	}
	return s.fields()
}

// Alternative returns the shape among the alternatives of a union that a value
// of the given kind would have to fit, s itself if s is no union, and nil where
// no alternative is of that kind.
func (s *Shape) Alternative(scalar, list bool) *Shape {
	if s.Kind != UnionShape {
		return s
	}
	for _, alt := range s.Any {
		if (alt.Kind == ScalarShape) == scalar && (alt.Kind == ListShape) == list {
			return alt
		}
	}
	return nil
}

// Rule is a condition between the keys of one object. It holds where Key is
// written and, if Words are given, has one of them as its value.
type Rule struct {
	Key   string
	Words []string
	Needs []string // keys that must stand beside it
	Any   []string // keys of which one must stand beside it
	Bars  []string // keys that must not
	Why   string   // for the message: what the barred or missing keys are for
}

// Pattern is a rule for strings in two forms that a test proves equal: Regex
// for the schema, Match for the decoder, which so needs no regexp at start-up.
// Regex means the same to Go and to ECMAScript: blanks are spelt out in it,
// because the two disagree about \s.
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

// columnIn is where the wells of a column are.
var columnIn = &Pattern{
	`^(row\.)?[A-Za-z_][A-Za-z0-9_]*$`, func(s string) bool { return IsName(strings.TrimPrefix(s, "row.")) },
	"the name of a labware, or row. and the name of a column",
}

// blanks are the characters around and between the words of a value.
const blanks = " \t\n\f\r"

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\f' || c == '\r' || c == '\n' }

var notBlank = &Pattern{`[^ \t\n\f\r]`, func(s string) bool { return strings.Trim(s, blanks) != "" }, "text that is not blank"}

var identifier = &Pattern{`^[A-Za-z_][A-Za-z0-9_]*$`, IsName, "a name: letters, digits and _, not starting with a digit"}

var workflowName = &Pattern{`^[A-Za-z_][A-Za-z0-9_-]*$`, isWorkflowName, "a name: letters, digits, _ and -, not starting with a digit"}

func isWorkflowName(s string) bool {
	return s != "" && s[0] != '-' && IsName(strings.ReplaceAll(s, "-", "_"))
}

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

var colorPattern = &Pattern{`^#[0-9A-Fa-f]{6}$`, isColor, "# and six digits or letters from a to f, in quotes"}

func isColor(s string) bool {
	return len(s) == 7 && s[0] == '#' && strings.Trim(s[1:], "0123456789abcdefABCDEF") == ""
}

// heightPattern is a height's short form. What follows the sign is an
// expression for a length.
var heightPattern = &Pattern{`^[ \t\n\f\r]*(top|bottom|center|liquid)[ \t\n\f\r]*([+-][ \t\n\f\r]*[^ \t\n\f\r][^\n]*)?$`, func(s string) bool {
	_, _, _, ok := cutHeight(s)
	return ok
}, "`top`, `bottom`, `center` or `liquid`, and then + or - a length"}

// cutHeight finds the parts of `bottom + 1 mm`: the origin, whether the length
// is taken negative, and where the length's expression starts (0 if none).
func cutHeight(s string) (from string, neg bool, at int, ok bool) {
	body := strings.TrimLeft(s, blanks)
	for _, word := range heightWords {
		rest, found := strings.CutPrefix(body, word)
		if !found {
			continue
		}
		op := strings.TrimLeft(rest, blanks)
		if op == "" {
			return word, false, 0, true
		}
		if op[0] != '+' && op[0] != '-' {
			return "", false, 0, false
		}
		expr := strings.TrimLeft(op[1:], blanks)
		if expr == "" || strings.Contains(expr, "\n") {
			return "", false, 0, false
		}
		return word, op[0] == '-', len(s) - len(expr), true
	}
	return "", false, 0, false
}

// mixPattern is the short form of mixing: a count, x, a volume.
var mixPattern = &Pattern{`^[^\n]*[^ \t\n\f\r][^\n]*[ \t\f\r]x[ \t\f\r][^\n]*[^ \t\n\f\r][^\n]*$`, func(s string) bool {
	_, _, ok := cutMix(s)
	return ok
}, "a number of times, x, and a volume"}

// cutMix finds where the times end and the volume starts in `3 x 50 uL`.
func cutMix(s string) (end, start int, ok bool) {
	if strings.Contains(s, "\n") {
		return 0, 0, false
	}
	for i := 1; i+2 < len(s); i++ {
		if s[i] == 'x' && isBlank(s[i-1]) && isBlank(s[i+1]) && strings.Trim(s[:i], blanks) != "" && strings.Trim(s[i+1:], blanks) != "" {
			return i, i + 1, true
		}
	}
	return 0, 0, false
}

var forPattern = &Pattern{`^[ \t\n\f\r]*[A-Za-z_][A-Za-z0-9_]*[ \t\n\f\r]*(,[ \t\n\f\r]*[A-Za-z_][A-Za-z0-9_]*[ \t\n\f\r]*)?[ \t\n\f\r]in[ \t\n\f\r]+[^ \t\n\f\r]`, func(s string) bool {
	_, ok := cutFor(s)
	return ok
}, "a name, `in`, and a list"}

// forParts are byte ranges in the text of a `for`.
type forParts struct{ index, name, in [2]int }

// cutFor finds the parts of `w in wells` and `i, w in wells`.
func cutFor(s string) (forParts, bool) {
	var p forParts
	pos := skipBlank(s, 0)
	end := nameEnd(s, pos)
	p.name = [2]int{pos, end}
	pos = skipBlank(s, end)
	if pos < len(s) && s[pos] == ',' {
		p.index = p.name
		pos = skipBlank(s, pos+1)
		end = nameEnd(s, pos)
		p.name = [2]int{pos, end}
		pos = skipBlank(s, end)
	}
	if !strings.HasPrefix(s[pos:], "in") || pos == end {
		return p, false
	}
	start := skipBlank(s, pos+2)
	p.in = [2]int{start, len(strings.TrimRight(s, blanks))}
	named := p.name[0] < p.name[1] && (p.index == [2]int{} || p.index[0] < p.index[1])
	return p, named && start > pos+2 && start < p.in[1]
}

// LoopNames are the names that the value of `for` gives to an item and its number, as byte
// ranges; none where it is not one.
func LoopNames(value string) [][2]int {
	p, ok := cutFor(value)
	switch {
	case !ok:
		return nil
	case p.index[0] < p.index[1]:
		return [][2]int{p.index, p.name}
	}
	return [][2]int{p.name}
}

func skipBlank(s string, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

func nameEnd(s string, i int) int {
	end := i
	for end < len(s) && IsName(s[i:end+1]) {
		end++
	}
	return end
}

// KeyPattern is what the keys of a MapShape must look like.
func (s *Shape) KeyPattern() *Pattern {
	if s.Keys != nil {
		return s.Keys
	}
	return identifier
}

// nonePattern is the word none alone.
var nonePattern = &Pattern{`^none$`, func(s string) bool { return s == none }, "none"}

// patterns returns every pattern of the language, for the test that Regex and
// Match agree.
func patterns() []*Pattern {
	return []*Pattern{notBlank, identifier, workflowName, colorPattern, heightPattern, mixPattern, forPattern, columnIn, placePattern, heldPattern, volumePattern, nonePattern, wellsPattern}
}
