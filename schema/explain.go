package schema

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Explain says what is wrong with each part of a workflow that the decoder
// refused, one finding for one mistake, in the order of the file. A document
// without refusals costs nothing.
func Explain(doc *spec.Document) diag.List {
	if len(doc.Refused) == 0 {
		return nil
	}
	e := explainer{src: doc.Source, explained: map[*yaml.Node]bool{}, moved: map[*yaml.Node][]string{}}
	faults := slices.DeleteFunc(validate(doc.Root, formatOf(doc)), e.isKnown)
	mappings, values := e.sort(faults)
	for i := range mappings {
		e.findMoved(&mappings[i])
	}
	for i := range mappings {
		e.keys(&mappings[i])
	}
	for _, f := range values {
		e.value(f)
	}
	e.disagreements(doc.Refused)
	return e.list.Sorted()
}

// explainer collects the findings about one document.
type explainer struct {
	src       *spec.Source
	list      diag.List
	explained map[*yaml.Node]bool     // what the schema refuses
	moved     map[*yaml.Node][]string // keys that were meant to be in a node and stand beside it
}

// isKnown reports faults of values about which package spec has spoken: its
// finding says what they are.
func (e *explainer) isKnown(f fault) bool {
	n := f.at.node
	if n.Kind != yaml.ScalarNode || f.at.shape == nil {
		return spec.IsRefused(n)
	}
	s := f.at.inner()
	return s != nil && s.IsOddNumber(e.src, n) && f.keyword != wrongKey && f.keyword != barred
}

// sort separates mappings with faulty keys, each once, from faulty values, of
// which only the weightiest fault counts; and notes the nodes refused.
func (e *explainer) sort(faults []fault) (mappings []place, values []fault) {
	slices.SortStableFunc(faults, func(a, b fault) int { return int(a.keyword) - int(b.keyword) })
	seen := map[*yaml.Node]bool{}
	for _, f := range faults {
		n := f.at.node
		switch f.keyword {
		case required, additionalProperties:
			e.note(f)
			if !seen[n] {
				mappings = append(mappings, f.at)
			}
			seen[n] = true
		case wrongKey:
			e.explained[f.at.key] = true
			values = append(values, f)
		case other:
		default:
			if !e.explained[n] {
				values = append(values, f)
			}
			e.explained[n] = true
		}
	}
	return mappings, values
}

// note marks what a fault of keys refuses: the unknown keys, or the mapping
// that lacks some.
func (e *explainer) note(f fault) {
	if f.keyword == required {
		e.explained[f.at.node] = true
		return
	}
	for _, k := range unknownKeys(&f.at) {
		e.explained[k] = true
	}
}

// disagreements reports what the decoder refuses and the schema takes.
func (e *explainer) disagreements(refused []spec.Refusal) {
	for _, r := range refused {
		if !e.explained[r.Node] {
			e.add(diag.Disagreement, r.Node, "ot2flow does not accept this, and cannot say why", "this is a fault of ot2flow itself; please report it with the file")
		}
	}
}

func (e *explainer) add(code *diag.Code, at *yaml.Node, message, help string) *diag.Diagnostic {
	return e.addAt(code, e.src.NodeSpan(at), message, help)
}

func (e *explainer) addAt(code *diag.Code, at diag.Span, message, help string) *diag.Diagnostic {
	e.list = append(e.list, diag.Diagnostic{Code: code, Span: at, Message: message, Help: help})
	return &e.list[len(e.list)-1]
}

// name is what messages call the value at p.
func (p *place) name() string {
	switch {
	case p.key != nil:
		return quoted(p.key.Value)
	case p.up == nil:
		return nounOf(p.shape)
	case isStep(p):
		return "a step"
	}
	return "an item of " + p.up.name()
}

// example shows how the value at p is written.
func (p *place) example() string {
	switch {
	case p.field != nil:
		return p.field.Key + ": " + p.field.Example
	case p.key != nil && spec.IsName(p.key.Value):
		return p.key.Value + ": " + p.shape.Example
	}
	return concreteExample(p.shape)
}

func concreteExample(s *spec.Shape) string {
	if s.Kind == spec.StepShape {
		return spec.StepObject().Example
	}
	return s.Example
}

func quoted(s string) string {
	if s == "" {
		return `""`
	}
	return "`" + s + "`"
}

// enumerated joins words: a, b and c.
func enumerated(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

func allQuoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quoted(w)
	}
	return out
}

// rename is the edit that replaces a whole node by text.
func (e *explainer) rename(n *yaml.Node, text string) []diag.Edit {
	return []diag.Edit{{Span: e.src.NodeSpan(n), New: text}}
}
