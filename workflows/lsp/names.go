package lsp

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// names are the names that a file declares, and where it uses them. A name is one thing
// everywhere in a file, but those of loops, of which several loops may have the same.
type names struct {
	declared []declaration
	uses     []use // in the order of the file, with the declarations
}

// declaration is where a name comes from.
type declaration struct {
	name, what string
	at         diag.Span
	all        diag.Span // with what belongs to it
	within     diag.Span // where it is known; zero for the whole file
}

// use is a place where a name stands.
type use struct {
	at diag.Span
	of int // index into declared
}

// declaring are the sections whose keys are names, with what these are.
var declaring = map[string]string{
	"params": "parameter", "let": "constant", "vars": "variable", "modules": "module", "labware": "labware",
	"pipettes": "pipette", "liquids": "liquid", "instruments": "instrument",
}

// namesOf finds them in the outline of a file.
func namesOf(o *spec.Outline) *names {
	n := &names{}
	for i := range o.Mentions {
		n.declare(o, i)
	}
	for i := range o.Mentions {
		n.use(o, i)
	}
	slices.SortStableFunc(n.uses, func(a, b use) int { return a.at.Start.Offset - b.at.Start.Offset })
	return n
}

func (n *names) declare(o *spec.Outline, i int) {
	m := &o.Mentions[i]
	add := func(d declaration) {
		n.declared = append(n.declared, d)
		n.uses = append(n.uses, use{d.at, len(n.declared) - 1})
	}
	if m.Key {
		if m.Up < 0 || o.Mentions[m.Up].Up >= 0 || m.Step >= 0 {
			return
		}
		if what := declaring[o.Mentions[m.Up].Text.Text]; what != "" {
			add(declaration{name: m.Text.Text, what: what, at: inside(m.Text), all: m.Span})
		}
		return
	}
	if m.Up < 0 || m.Step < 0 || !o.Mentions[m.Up].Key || o.Mentions[m.Up].Field == nil || m.Field == nil {
		return
	}
	switch step := o.Steps[m.Step].Span; {
	case m.Field.Key == "as" && isModifier(o, m):
		add(declaration{name: m.Text.Text, what: "result", at: inside(m.Text), all: step})
	case m.Field.Key == "for" && isModifier(o, m):
		for _, r := range spec.LoopNames(m.Text.Text) {
			add(declaration{name: m.Text.Text[r[0]:r[1]], what: "loop variable", at: m.Text.Span(r[0], r[1]), all: step, within: step})
		}
	}
}

// isModifier reports whether a value belongs to a step itself, and not to what it does.
func isModifier(o *spec.Outline, m *spec.Mention) bool {
	first := &o.Mentions[o.Steps[m.Step].First]
	return o.Mentions[m.Up].Up == first.Up
}

// inside is where a text stands, without quotes.
func inside(s spec.Scalar) diag.Span { return s.Span(0, len(s.Text)) }

func (n *names) use(o *spec.Outline, i int) {
	m := &o.Mentions[i]
	if m.Key {
		if m.Shape != nil && m.Shape.Keyed != "" {
			n.used(m.Text.Text, inside(m.Text))
		}
		return
	}
	s := m.Shape
	switch {
	case s == nil || s.Kind != spec.ScalarShape || s.Scalars&spec.Strings == 0 || s.Words != nil && s.Pattern == nil:
		return
	case s.Name == "name":
		if m.Field == nil || m.Field.Key != "as" && m.Field.Key != "id" {
			n.used(m.Text.Text, inside(m.Text))
		}
		return
	case slices.Contains(plain, s.Name):
		return
	}
	for _, r := range eval.Uses(m.Text.Text, s.Name == "text") {
		n.used(m.Text.Text[r[0]:r[1]], m.Text.Span(r[0], r[1]))
	}
}

// plain are the shared definitions whose values are no expressions.
var plain = []string{"labware_type", "pipette_type", "module_type", "color", "slot", "labware_slot", "workflow_name", "liquid_class", "nozzles", "well_order", "literal"}

// used notes that a name stands somewhere, if it is one.
func (n *names) used(name string, at diag.Span) {
	best := -1
	for i := range n.declared {
		d := &n.declared[i]
		switch {
		case d.name != name:
			continue
		case d.at == at:
			return // it is the declaration
		case d.within == (diag.Span{}):
			if best < 0 {
				best = i
			}
		case d.within.Start.Offset <= at.Start.Offset && at.End.Offset <= d.within.End.Offset:
			if best < 0 || n.declared[best].within == (diag.Span{}) || d.within.Start.Offset > n.declared[best].within.Start.Offset {
				best = i
			}
		}
	}
	if best >= 0 {
		n.uses = append(n.uses, use{at, best})
	}
}

// at is the use at a byte offset, behind its last character, too.
func (n *names) at(offset int) (*use, bool) {
	for i := range n.uses {
		if u := &n.uses[i]; u.at.Start.Offset <= offset && offset <= u.at.End.Offset {
			return u, true
		}
	}
	return nil, false
}

// of are the places of a name. Those that give a result the same name, of which one is
// given, are one.
func (n *names) of(declared int) []diag.Span {
	d := &n.declared[declared]
	var out []diag.Span
	for _, u := range n.uses {
		o := &n.declared[u.of]
		if u.of == declared || o.name == d.name && o.within == (diag.Span{}) && d.within == (diag.Span{}) {
			out = append(out, u.at)
		}
	}
	return out
}
