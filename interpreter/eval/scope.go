package eval

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Scope holds the names an expression may use, and where each one's value is
// found in Env.Vars. Names are unique: nothing shadows anything. Labware and
// liquids are not declared here but found on the deck; Reserve keeps their
// names from being taken.
type Scope struct {
	names  []scopeName
	levels []int             // len(names) at every Push
	ended  map[string]string // names of closed levels, and what they ended with
	slots  int
	most   int

	secrets *[]string // names of secrets that were read; nil where none can be
	used    map[string]bool
}

type scopeName struct {
	name string
	what string
	typ  Type
	slot int    // -1: reserved, no value of its own
	help string // of a name that stands for nothing
}

// NewScope returns an empty scope.
func NewScope() *Scope { return &Scope{} }

// Declare adds a name with its type and says what it is ("parameter", "loop
// variable"). The value belongs at the returned slot of Env.Vars. The error is
// a sentence for people that says what the name clashes with; the name is not
// declared then.
func (s *Scope) Declare(name string, t Type, what string) (slot int, err error) {
	if err := s.free(name); err != nil {
		return 0, err
	}
	slot = s.slots
	s.slots++
	s.most = max(s.most, s.slots)
	s.names = append(s.names, scopeName{name: name, what: what, typ: t, slot: slot})
	return slot, nil
}

// Shadow declares a name that Declare has refused, so that its uses are not
// reported again. Its type is Invalid.
func (s *Scope) Shadow(name, what string) (slot int) {
	slot = s.slots
	s.slots++
	s.most = max(s.most, s.slots)
	s.names = append(s.names, scopeName{name: name, what: what, slot: slot})
	return slot
}

// Reserve takes a name without giving it a value: that of a labware, a liquid,
// a pipette, a module. The error is as for Declare.
func (s *Scope) Reserve(name, what string) error {
	if err := s.free(name); err != nil {
		return err
	}
	s.names = append(s.names, scopeName{name: name, what: what, slot: -1})
	return nil
}

// Room takes a slot for a value whose name and type are not known yet. It
// belongs to the level it is taken in.
func (s *Scope) Room() (slot int) { return s.Shadow("", "") }

// Name gives the value at a slot of Room its name and type. From then on
// expressions may use it. The error is as for Declare.
func (s *Scope) Name(slot int, name string, t Type, what string) error {
	if err := s.free(name); err != nil {
		return err
	}
	for i := range s.names {
		if d := &s.names[i]; d.slot == slot && d.name == "" {
			d.name, d.typ, d.what = name, t, what
		}
	}
	return nil
}

// Absent takes a name that stands for nothing here; help says how it gets a
// meaning. Using it is an error. The error is as for Declare.
func (s *Scope) Absent(name, what, help string) error {
	if err := s.free(name); err != nil {
		return err
	}
	s.names = append(s.names, scopeName{name: name, what: what, slot: -1, help: help})
	return nil
}

// Secrets has expressions read secrets while f compiles them, and returns the
// names of those they read.
func (s *Scope) Secrets(f func()) []string {
	var names []string
	s.secrets = &names
	f()
	s.secrets = nil
	return names
}

func (s *Scope) secret(name string) {
	if !slices.Contains(*s.secrets, name) {
		*s.secrets = append(*s.secrets, name)
	}
}

// Push opens a level for loop variables.
func (s *Scope) Push() { s.levels = append(s.levels, len(s.names)) }

// Pop closes the innermost level; its names are free again and its slots are
// used again by what is declared next. with says what of the workflow ends
// there, such as "the loop in line 12", for who uses one of the names behind it.
func (s *Scope) Pop(with string) {
	n := s.levels[len(s.levels)-1]
	s.levels = s.levels[:len(s.levels)-1]
	for _, d := range s.names[n:] {
		if d.slot >= 0 {
			s.slots--
		}
		if s.ended == nil {
			s.ended = map[string]string{}
		}
		s.ended[d.name] = with
	}
	s.names = s.names[:n]
}

// Leave keeps n slots free, before anything is declared: the expressions of
// another scope can then be evaluated with the same variables.
func (s *Scope) Leave(n int) { s.slots, s.most = s.slots+n, s.most+n }

// Slots returns how long Env.Vars must be for everything declared so far,
// closed levels included.
func (s *Scope) Slots() int { return s.most }

// Lookup returns the type and slot of a declared name.
func (s *Scope) Lookup(name string) (t Type, slot int, ok bool) {
	d := s.find(name)
	if d == nil || d.slot < 0 {
		return Type{}, 0, false
	}
	return d.typ, d.slot, true
}

// Used reports whether an expression that was compiled so far reads the name.
func (s *Scope) Used(name string) bool { return s.used[name] }

func (s *Scope) use(name string) {
	if s.used == nil {
		s.used = map[string]bool{}
	}
	s.used[name] = true
}

// Has reports whether the name is in reach, with a value or without.
func (s *Scope) Has(name string) bool { return s.find(name) != nil }

// Names returns the names in reach, in the order of their declaration.
func (s *Scope) Names() []string {
	out := make([]string, len(s.names))
	for i, d := range s.names {
		out[i] = d.name
	}
	return out
}

func (s *Scope) find(name string) *scopeName {
	if s == nil {
		return nil
	}
	for i := range s.names {
		if s.names[i].name == name {
			return &s.names[i]
		}
	}
	return nil
}

// endedWith returns what a name that is out of reach ended with, or "".
func (s *Scope) endedWith(name string) string {
	if s == nil {
		return ""
	}
	return s.ended[name]
}

func (s *Scope) free(name string) error {
	if d := s.find(name); d != nil {
		return fmt.Errorf("%s is already the name of a %s", name, d.what)
	}
	return CheckName(name)
}

// enumWords are the plain words of fields, which win over names and therefore
// may not be names.
var enumWords = []string{
	"new", "once", "per_source", "per_destination", "dedicated", "current", "trash", "source", "destination",
	"top", "bottom", "center", "liquid", "true", "false", "none", "forever",
}

// keywords are the words of the expression grammar.
var keywords = []string{
	"and", "or", "not", "in", "if", "else", "let", "nil", "null", "contains", "startsWith", "endsWith", "matches",
}

// CheckName says in a sentence for people why name cannot be a name, or
// returns nil: it must be an identifier, and no function, word of the
// expression language or plain word of a field.
func CheckName(name string) error {
	switch {
	case !isIdentifier(name):
		return notIdentifier(name)
	case slices.Contains(keywords, name):
		return fmt.Errorf("%s is a word of the expression language", name)
	case slices.Contains(enumWords, name):
		return fmt.Errorf("%s is a word that fields of steps understand", name)
	case isFunction(name):
		return fmt.Errorf("%s is a function of expressions", name)
	}
	return nil
}

func notIdentifier(name string) error {
	fixed := strings.Map(func(r rune) rune {
		if isWordRune(r) {
			return r
		}
		return '_'
	}, name)
	if fixed != "" && unicode.IsDigit([]rune(fixed)[0]) {
		fixed = "n" + fixed
	}
	if !isIdentifier(fixed) || fixed == strings.Repeat("_", len(fixed)) {
		return fmt.Errorf("%q cannot be a name: a name has letters, digits and _ and begins with a letter", name)
	}
	return fmt.Errorf("%q cannot be a name: a name has letters, digits and _ and begins with a letter; write %s", name, fixed)
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if !isWordRune(r) || i == 0 && unicode.IsDigit(r) {
			return false
		}
	}
	return s != ""
}

func isWordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// didYouMean returns "did you mean x?" when a candidate is near, and otherwise
// lists the first candidates under the given heading.
func didYouMean(name string, candidates []string, heading string) string {
	if near, ok := diag.Nearest(name, candidates); ok {
		return "did you mean " + near + "?"
	}
	const most = 16
	switch {
	case len(candidates) == 0 || heading == "":
		return ""
	case len(candidates) > most:
		return heading + " " + strings.Join(candidates[:most], ", ") + ", …"
	}
	return heading + " " + strings.Join(candidates, ", ")
}
