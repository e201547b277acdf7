package spec

import (
	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Refusal is a node that its shape does not take. It says where, not why: the
// schema explains (package schema).
type Refusal struct{ Node *yaml.Node }

// Document is a decoded workflow file.
type Document struct {
	Workflow *Workflow // never nil; parts that were refused are missing and marked Broken
	Root     *yaml.Node
	Source   *Source
	Refused  []Refusal
}

type decoder struct {
	src     *Source
	refused map[*yaml.Node]bool
	list    []Refusal
	found   diag.List
	broken  bool // the step being read lacks something that was refused
	step    *Shape
}

// Decode reads a parsed workflow. It takes exactly what the schema takes: a
// file with Refused nodes is one that the schema refuses. Findings that a
// schema cannot express, such as two step keys in one step, are in the list.
func Decode(src *Source, root *yaml.Node) (*Document, diag.List) {
	w := &Workflow{File: src.File().Name}
	d := &decoder{src: src, refused: map[*yaml.Node]bool{}, step: StepObject()}
	v := value{d, root}
	d.check(v, Root())
	if !d.refused[root] || root.Kind == yaml.MappingNode {
		w.Span = v.span()
		d.object(v, workflowFields(w))
	}
	return &Document{Workflow: w, Root: root, Source: src, Refused: d.list}, d.found
}

// value is a node being decoded.
type value struct {
	d    *decoder
	node *yaml.Node
}

func (v value) scalar() Scalar  { return v.d.src.Scalar(v.node) }
func (v value) span() diag.Span { return v.d.src.NodeSpan(v.node) }
func (v value) isScalar() bool  { return v.node.Kind == yaml.ScalarNode }
func (v value) isList() bool    { return v.node.Kind == yaml.SequenceNode }

// scalarType is the type YAML resolves the scalar to, as JSON has it.
func (v value) scalarType() Scalars {
	switch v.node.Tag {
	case "!!null":
		return Nulls
	case "!!bool":
		return Booleans
	case "!!int", "!!float":
		return Numbers
	}
	return Strings
}

// each calls f for the items of a list, or for the value itself if it is none.
func (v value) each(f func(value)) {
	if !v.isList() {
		f(v)
		return
	}
	for _, n := range v.node.Content {
		if !v.d.refused[n] {
			f(value{v.d, n})
		}
	}
}

// entries calls f for the pairs of a mapping that were not refused.
func (v value) entries(f func(key, item value)) {
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k, n := v.node.Content[i], v.node.Content[i+1]
		if !v.d.refused[k] && (!v.d.refused[n] || n.Kind == yaml.MappingNode) {
			f(value{v.d, k}, value{v.d, n})
		}
	}
}

func (d *decoder) refuse(n *yaml.Node) {
	d.list = append(d.list, Refusal{n})
	d.refused[n] = true
}

// check compares a node with a shape and refuses what does not fit, all of it.
func (d *decoder) check(v value, s *Shape) {
	switch s.Kind {
	case StepShape:
		d.checkObject(v, d.step)
	case ScalarShape:
		if !v.isScalar() || !s.acceptsScalar(v) {
			d.refuse(v.node)
		}
	case UnionShape:
		d.checkUnion(v, s)
	case ListShape:
		d.checkList(v, s)
	case MapShape:
		d.checkMap(v, s)
	case ObjectShape:
		d.checkObject(v, s)
	}
}

func (d *decoder) checkUnion(v value, s *Shape) {
	for _, alt := range s.Any {
		fits := alt.Kind == ScalarShape && v.isScalar() ||
			alt.Kind == ListShape && v.isList() ||
			(alt.Kind == ObjectShape || alt.Kind == MapShape) && v.node.Kind == yaml.MappingNode
		if fits {
			d.check(v, alt)
			return
		}
	}
	d.refuse(v.node)
}

func (d *decoder) checkList(v value, s *Shape) {
	if !v.isList() || len(v.node.Content) < s.Min {
		d.refuse(v.node)
		return
	}
	for _, n := range v.node.Content {
		d.check(value{d, n}, s.Elem)
	}
}

func (d *decoder) checkMap(v value, s *Shape) {
	if v.node.Kind != yaml.MappingNode || len(v.node.Content) < 2*s.Min {
		d.refuse(v.node)
		return
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if k := v.node.Content[i]; !identifier.Match(k.Value) {
			d.refuse(k)
		}
		d.check(value{d, v.node.Content[i+1]}, s.Elem)
	}
}

func (d *decoder) checkObject(v value, s *Shape) {
	if v.isScalar() && s.Scalars&Nulls != 0 && v.scalarType() == Nulls {
		return
	}
	if v.node.Kind != yaml.MappingNode || len(v.node.Content) < 2*s.Min {
		d.refuse(v.node)
		return
	}
	seen := make([]bool, len(s.Fields))
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k := v.node.Content[i]
		f := findField(s.Fields, k.Value)
		if f < 0 {
			d.refuse(k)
			continue
		}
		seen[f] = true
		d.check(value{d, v.node.Content[i+1]}, s.Fields[f].Slot.Shape)
	}
	for i := range s.Fields {
		if s.Fields[i].Required && !seen[i] {
			d.refuse(v.node)
			return
		}
	}
}

func findField(fields []Field, key string) int {
	for i := range fields {
		if fields[i].Key == key {
			return i
		}
	}
	return -1
}

// object reads the keys of a mapping that were taken. It marks the step broken
// where something was refused.
func (d *decoder) object(v value, fields []Field) {
	if d.refused[v.node] {
		d.broken = true
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k, n := v.node.Content[i], v.node.Content[i+1]
		f := findField(fields, k.Value)
		if f < 0 || d.refused[n] && (n.Kind == yaml.ScalarNode || fields[f].Slot.Shape.Kind == ScalarShape) {
			d.broken = true
			continue
		}
		if d.refused[n] {
			d.broken = true
		}
		if n.Kind == yaml.ScalarNode && fields[f].Slot.Shape.Kind == ObjectShape {
			n = &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
		}
		if wrongContainer(n, fields[f].Slot.Shape) {
			continue
		}
		fields[f].Slot.read(d, value{d, n})
	}
}

// wrongContainer reports that a refused mapping or sequence stands where the
// reader of the shape could not walk it.
func wrongContainer(n *yaml.Node, s *Shape) bool {
	switch s.Kind {
	case ObjectShape, MapShape:
		return n.Kind != yaml.MappingNode
	case ListShape:
		return n.Kind != yaml.SequenceNode
	case UnionShape:
		for _, alt := range s.Any {
			if alt.Kind == ScalarShape && n.Kind == yaml.ScalarNode || !wrongContainer(n, alt) && alt.Kind != ScalarShape {
				return false
			}
		}
		return true
	}
	return n.Kind != yaml.ScalarNode
}
