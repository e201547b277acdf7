package schema

import (
	"bytes"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec"
)

// format is a format whose mistakes are explained. Compiling a schema takes some
// ten milliseconds, so it is done at the first refusal and kept for the next: an
// editor asks at every keystroke.
type format struct {
	compiled func() *jsonschema.Schema
	root     func() *spec.Shape
	noun     string // what messages call a file
}

var (
	workflowFormat = format{sync.OnceValue(func() *jsonschema.Schema { return compile(spec.WorkflowFormat) }), spec.Root, "a workflow"}
	classFormat    = format{sync.OnceValue(func() *jsonschema.Schema { return compile(spec.ClassFormat) }), spec.ClassRoot, "a liquid class"}
	testsFormat    = format{sync.OnceValue(func() *jsonschema.Schema { return compile(spec.TestsFormat) }), spec.TestsRoot, "a file with tests"}
	labFormat      = format{sync.OnceValue(func() *jsonschema.Schema { return compile(spec.LabFormat) }), spec.LabRoot, "a lab"}
)

func formatOf(doc *spec.Document) *format {
	switch doc.Format {
	case spec.ClassFormat:
		return &classFormat
	case spec.LabFormat:
		return &labFormat
	case spec.TestsFormat:
		return &testsFormat
	}
	return &workflowFormat
}

// nounOf is what messages call a file of the format with that root.
func nounOf(root *spec.Shape) string {
	for _, f := range []*format{&classFormat, &labFormat, &testsFormat} {
		if f.root() == root {
			return f.noun
		}
	}
	return workflowFormat.noun
}

func compile(name string) *jsonschema.Schema {
	data, _ := Schema(name)
	c := jsonschema.NewCompiler()
	if err := c.AddResource(address+name+suffix, bytes.NewReader(data)); err != nil {
		panic(err) // the schema is part of the program
	}
	return c.MustCompile(address + name + suffix)
}

// keyword is a keyword of the schema that can refuse a value.
type keyword uint8

// The keywords in the order of their weight: of two that refuse one value, the
// first is what is wrong with it.
const (
	barred   keyword = iota // a key that has no effect beside another
	wrongKey                // propertyNames
	wrongType
	enum
	pattern
	minItems
	minProperties
	required // also dependentRequired
	additionalProperties
	other
)

// fault is one error of the schema: a keyword, and the place of the value that
// it refuses.
type fault struct {
	keyword keyword
	at      place
}

// place is a value in the tree, the shape it was compared with and how it is
// reached.
type place struct {
	node  *yaml.Node
	key   *yaml.Node // in front of the value; nil for an item of a list
	shape *spec.Shape
	field *spec.Field // of which this is the value; nil for items and entries
	up    *place
}

// validate compares the tree with the schema of its format.
func validate(root *yaml.Node, f *format) []fault {
	var invalid *jsonschema.ValidationError
	if !errors.As(f.compiled().Validate(jsonValue(root)), &invalid) {
		return nil
	}
	top := place{node: root, shape: f.root()}
	var out []fault
	for _, leaf := range leaves(invalid) {
		out = append(out, fault{keywordOf(leaf), top.follow(leaf.InstanceLocation)})
	}
	return out
}

func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var out []*jsonschema.ValidationError
	for _, c := range e.Causes {
		out = append(out, leaves(c)...)
	}
	return out
}

// keywordOf tells a leaf error by the path of its keyword in the schema.
func keywordOf(e *jsonschema.ValidationError) keyword {
	path := e.KeywordLocation
	last := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case e.Message == "not allowed":
		return barred
	case strings.HasSuffix(path, "/propertyNames/pattern"):
		return wrongKey
	case strings.Contains(path, "/dependentRequired/"):
		return required
	}
	switch last {
	case "type":
		return wrongType
	case "enum":
		return enum
	case "pattern":
		return pattern
	case "minItems":
		return minItems
	case "minProperties":
		return minProperties
	case "required":
		return required
	case "additionalProperties":
		return additionalProperties
	}
	return other
}

// jsonValue converts the tree to what the validator takes. What package spec
// has taken away already is null.
func jsonValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[jsonKey(n.Content[i])] = jsonValue(n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			out = append(out, jsonValue(c))
		}
		return out
	case yaml.ScalarNode:
		return spec.ScalarValue(n)
	}
	return nil
}

// jsonKey is the key k, but never empty: in the validator's pointers an empty
// key cannot be told from the mapping that it is in.
func jsonKey(k *yaml.Node) string {
	if k.Value == "" {
		return "\x00"
	}
	return k.Value
}

// follow returns the place that a JSON pointer names, as far as it leads.
func (p place) follow(pointer string) place {
	for _, token := range strings.Split(pointer, "/")[1:] {
		next, ok := p.child(unescape(token))
		if !ok {
			return p
		}
		p = next
	}
	return p
}

// unescape undoes what the validator does to a key in a pointer.
func unescape(token string) string {
	if s, err := url.PathUnescape(token); err == nil {
		token = s
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
}

// child returns the place of a value in a mapping or list. Below a key that the
// shape does not know, the shape is nil.
func (p place) child(token string) (place, bool) {
	switch p.node.Kind {
	case yaml.SequenceNode:
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(p.node.Content) {
			return place{}, false
		}
		return place{node: p.node.Content[i], shape: element(p.inner()), up: &p}, true
	case yaml.MappingNode:
		for i := 0; i+1 < len(p.node.Content); i += 2 {
			if k := p.node.Content[i]; jsonKey(k) == token {
				c := place{node: p.node.Content[i+1], key: k, up: &p}
				c.shape, c.field = entry(p.inner(), k.Value)
				return c, true
			}
		}
	}
	return place{}, false
}

// inner returns the shape of p that its kind of value is compared with: an
// alternative of a union, the object that a step is. It may be nil.
func (p place) inner() *spec.Shape {
	if p.shape == nil {
		return nil
	}
	return concrete(p.shape, p.node.Kind)
}

func concrete(s *spec.Shape, kind yaml.Kind) *spec.Shape {
	if s.Kind == spec.StepShape {
		return spec.StepObject()
	}
	return s.Alternative(kind == yaml.ScalarNode, kind == yaml.SequenceNode)
}

func element(s *spec.Shape) *spec.Shape {
	if s == nil {
		return nil
	}
	return s.Elem
}

func entry(s *spec.Shape, key string) (*spec.Shape, *spec.Field) {
	switch {
	case s == nil:
		return nil, nil
	case s.Kind == spec.MapShape:
		return s.Elem, nil
	}
	for _, f := range s.Fields() {
		if f.Key == key {
			return f.Slot.Shape, &f
		}
	}
	return nil, nil
}
