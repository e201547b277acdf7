// Package complete says what can stand at a place of a workflow that somebody is
// writing. It owns finding out where that place is, in a text that may be wrong or
// unfinished everywhere; what the language takes there is in the tables of package spec.
package complete

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/spec"
)

// Option is something that can stand there.
type Option struct {
	Label  string // what is offered
	Kind   string // Key, Word, Name, Function or Example
	Detail string // what it is, in a few words
	Doc    string // what it does
	Insert string // what is written for it
}

// The kinds of options.
const (
	Key      = "key"
	Word     = "word"
	Name     = "name"
	Function = "function"
	Example  = "example"
)

// Known returns what a robot and the language of expressions know that package spec does
// not: the values of the shared definitions labware_type, pipette_type and module_type,
// what can be called, as function and method, and the wells of a labware, as Wells and
// its type.
type Known func(what string) []Option

// Wells is what Known is asked for the wells of a labware with, before its type.
const Wells = "wells of "

// At returns what can stand in text at a byte offset, and from where on what is written
// there is replaced by it, in the order of the documentation.
func At(text string, at int, known Known) (from int, options []Option) {
	place, _ := find(text[:at], text[at:])
	_, all := find(text, "")
	shapes := within(place.path)
	l := list{place: &place, names: all.names, types: all.types, known: known}
	if place.key {
		for _, s := range shapes {
			l.keys(s)
		}
	}
	if !place.key || !place.flow {
		for _, s := range shapes {
			l.values(s)
		}
	}
	return at - len(wordAtEnd(place.partial)), l.options
}

// wordAtEnd is the name, or number, that a value ends in.
func wordAtEnd(s string) string {
	i := len(s)
	for i > 0 && (s[i-1] == '_' || s[i-1] == '-' || spec.IsName("_"+s[i-1:i])) {
		i--
	}
	return s[i:]
}

// within are the shapes of what stands at a path: what may be there is one of them.
func within(path []step) []*spec.Shape {
	now := alternatives(spec.Root())
	for _, p := range path {
		var next []*spec.Shape
		for _, s := range now {
			switch {
			case p.item && s.Kind == spec.ListShape, !p.item && s.Kind == spec.MapShape:
				next = append(next, alternatives(s.Elem)...)
			case !p.item:
				for _, f := range s.Fields() {
					if f.Key == p.key {
						next = append(next, alternatives(f.Slot.Shape)...)
					}
				}
			}
		}
		now = next
	}
	return now
}

// alternatives are the shapes that a value may have.
func alternatives(s *spec.Shape) []*spec.Shape {
	switch s.Kind {
	case spec.StepShape:
		return []*spec.Shape{spec.StepObject()}
	case spec.UnionShape:
		var out []*spec.Shape
		for _, alt := range s.Any {
			out = append(out, alternatives(alt)...)
		}
		return out
	default:
		return []*spec.Shape{s}
	}
}

// list is what has been found.
type list struct {
	place   *place
	names   map[string][]string
	types   map[string]string // of labware, by its name
	known   Known
	options []Option
	said    map[string]bool
}

func (l *list) add(o Option) {
	if l.said[o.Label] {
		return
	}
	if l.said == nil {
		l.said = map[string]bool{}
	}
	l.said[o.Label] = true
	if o.Insert == "" {
		o.Insert = o.Label
	}
	l.options = append(l.options, o)
}

// keys adds the keys of a mapping that are not there yet.
func (l *list) keys(s *spec.Shape) {
	for _, section := range sections {
		if section[0] != s.Keyed {
			continue
		}
		for _, name := range l.names[s.Keyed] {
			if !l.place.there[name] {
				l.add(Option{name, Name, section[1], "", name + ": "})
			}
		}
	}
	isStep := func(key string) bool {
		return s.Name == "step" && slices.ContainsFunc(spec.StepKinds(), func(k spec.StepKind) bool { return k.Key == key })
	}
	chosen := false // a step does one thing
	for key := range l.place.there {
		chosen = chosen || isStep(key)
	}
	rank := func(f *spec.Field) int { // what is needed first, and what a step does before how
		switch {
		case f.Required:
			return 0
		case isStep(f.Key):
			return 1
		}
		return 2
	}
	for now := range 3 {
		for _, f := range s.Fields() {
			if rank(&f) != now || l.place.there[f.Key] || chosen && isStep(f.Key) {
				continue
			}
			detail := f.Slot.Shape.Noun
			switch {
			case f.Required:
				detail = "needed"
			case isStep(f.Key):
				detail = ""
			}
			doc := f.Doc
			if f.Example != "" {
				doc += " Example: " + f.Key + ": " + f.Example
			}
			l.add(Option{f.Key, Key, detail, doc, f.Key + ": "})
		}
	}
}

// values adds what may be written as a value.
func (l *list) values(s *spec.Shape) {
	switch {
	case s.Kind == spec.ListShape:
		return // its elements are offered behind the - or [
	case s.Kind != spec.ScalarShape:
		if !l.place.key && l.place.partial == "" && strings.HasPrefix(s.Example, "{") {
			l.add(Option{Label: s.Example, Kind: Example, Detail: "an example"})
		}
		return
	}
	if before := strings.TrimSuffix(l.place.partial, wordAtEnd(l.place.partial)); strings.HasSuffix(before, ".") {
		if of := l.types[wordAtEnd(strings.TrimSuffix(before, "."))]; of != "" {
			for _, o := range l.known(Wells + of) {
				l.add(o)
			}
		}
		for _, o := range l.known("method") {
			l.add(o)
		}
		return
	}
	for _, w := range append(s.Words, s.Lead...) {
		l.add(Option{Label: w, Kind: Word, Detail: s.Noun})
	}
	if s.Scalars&spec.Booleans != 0 && s.Scalars&spec.Strings == 0 {
		l.add(Option{Label: "true", Kind: Word})
		l.add(Option{Label: "false", Kind: Word})
	}
	switch s.Name {
	case "labware_type", "pipette_type", "module_type":
		for _, o := range l.known(s.Name) {
			l.add(o)
		}
		return
	case "":
		if s.Words != nil || s.Noun == "" { // a form of its own beside expressions, as of heights
			return
		}
	case "text", "literal", "color", "slot", "labware_slot":
		return
	}
	l.declared(s)
}

// sections are where names are declared, with what they are.
var sections = [][2]string{{"liquids", "a liquid"}, {"labware", "labware"}, {"params", "a parameter"}, {"let", "a constant"}, {"vars", "a variable"}, {"modules", "a module"}, {"pipettes", "a pipette"}, {"instruments", "an instrument"}}

// declared adds the names that the file declares, and for expressions what computes.
func (l *list) declared(s *spec.Shape) {
	if s.Words != nil || s.Scalars&spec.Strings == 0 {
		return
	}
	plain := s.Name == "name" // the name of something, and no expression
	if !plain {
		for _, name := range l.place.loops {
			l.add(Option{Label: name, Kind: Name, Detail: "of the loop"})
		}
		for _, name := range l.place.results {
			l.add(Option{Label: name, Kind: Name, Detail: "a result"})
		}
	}
	for _, section := range sections {
		value := section[0] == "params" || section[0] == "let" || section[0] == "vars"
		thing := section[0] == "modules" || section[0] == "pipettes" || section[0] == "instruments"
		if plain && value || !plain && thing {
			continue
		}
		for _, name := range l.names[section[0]] {
			l.add(Option{Label: name, Kind: Name, Detail: section[1]})
		}
	}
	if !plain && s.Pattern != nil {
		for _, o := range l.known("function") {
			l.add(o)
		}
	}
}
