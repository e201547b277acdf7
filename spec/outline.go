package spec

import (
	"github.com/ot2flow/ot2flow/spec/diag"
	"gopkg.in/yaml.v3"
)

// Outline is a file as an editor sees it: its keys and values in their order, each with
// what the language takes there, also where something in it is wrong.
type Outline struct {
	Mentions []Mention
	Steps    []StepPlace // an outer one before those in it
}

// Mention is a key or a single value of a file.
type Mention struct {
	Text  Scalar
	Key   bool
	Field *Field    // of a key of the language, and of what stands directly behind it
	Shape *Shape    // of a value: what it is taken for; of a key that is no word of the language: the mapping
	Up    int       // the key that it stands below, -1 at the top of the file
	Step  int       // the step that it is in, -1 for none
	Span  diag.Span // of a key, with all that belongs to it
}

// StepPlace is where a step of the language stands.
type StepPlace struct {
	Span  diag.Span
	Up    int // the step that it is in, -1 for none
	First int // its first key among the mentions
}

// Outline walks the file by a shape, such as Root. It is empty where the YAML cannot be
// read.
func (src *Source) Outline(root *Shape) *Outline {
	o := &outliner{src: src, step: StepObject(), fields: map[*Shape][]Field{}, out: &Outline{}}
	if top, _ := src.Parse(); top != nil {
		o.node(top, root, nil, -1, -1)
	}
	return o.out
}

type outliner struct {
	src    *Source
	step   *Shape             // of one step
	fields map[*Shape][]Field // of the objects that were met
	out    *Outline
}

func (o *outliner) fieldsOf(s *Shape) []Field {
	list, ok := o.fields[s]
	if !ok {
		list = s.Fields()
		o.fields[s] = list
	}
	return list
}

// node walks what stands at one place; field is that of the key directly before it.
func (o *outliner) node(n *yaml.Node, s *Shape, field *Field, up, step int) {
	if n.Kind == yaml.AliasNode || IsRefused(n) {
		return
	}
	if s != nil && s.Kind == UnionShape {
		s = s.Alternative(n.Kind == yaml.ScalarNode, n.Kind == yaml.SequenceNode)
	}
	switch n.Kind {
	case yaml.ScalarNode:
		o.out.Mentions = append(o.out.Mentions, Mention{Text: o.src.Scalar(n), Field: field, Shape: s, Up: up, Step: step, Span: o.src.NodeSpan(n)})
	case yaml.SequenceNode:
		var elem *Shape
		if s != nil && s.Kind == ListShape {
			elem = s.Elem
		}
		for _, item := range n.Content {
			o.node(item, elem, nil, up, step)
		}
	case yaml.MappingNode:
		if s != nil && s.Kind == StepShape {
			s = o.step
		}
		if s == o.step && len(n.Content) > 0 {
			o.out.Steps = append(o.out.Steps, StepPlace{Span: o.src.NodeSpan(n), Up: step, First: len(o.out.Mentions)})
			step = len(o.out.Steps) - 1
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			o.entry(n.Content[i], n.Content[i+1], s, up, step)
		}
	}
}

// entry walks a key of a mapping, and what stands behind it.
func (o *outliner) entry(k, v *yaml.Node, s *Shape, up, step int) {
	if k.Kind != yaml.ScalarNode {
		return
	}
	m := Mention{Text: o.src.Scalar(k), Key: true, Up: up, Step: step, Span: o.src.NodeSpan(k)}
	if end := o.src.NodeSpan(v).End; end.Offset > m.Span.End.Offset {
		m.Span.End = end
	}
	var below *Shape
	switch {
	case s == nil:
	case s.Kind == MapShape:
		m.Shape, below = s, s.Elem
	default:
		fields := o.fieldsOf(s)
		for i := range fields {
			if fields[i].Key == k.Value {
				m.Field, below = &fields[i], fields[i].Slot.Shape
			}
		}
	}
	o.out.Mentions = append(o.out.Mentions, m)
	o.node(v, below, m.Field, len(o.out.Mentions)-1, step)
}

// Place is the mention of which a byte offset is in the text: the innermost one.
func (o *Outline) Place(offset int) (i int, ok bool) {
	for i := range o.Mentions {
		at := o.Mentions[i].Text.Whole()
		if at.Start.Offset <= offset && offset <= at.End.Offset {
			return i, true
		}
	}
	return 0, false
}

// Path are the keys above a mention, the outermost first.
func (o *Outline) Path(i int) []string {
	var out []string
	for up := o.Mentions[i].Up; up >= 0; up = o.Mentions[up].Up {
		out = append([]string{o.Mentions[up].Text.Text}, out...)
	}
	return out
}
