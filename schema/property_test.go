package schema

import (
	"maps"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// writer makes random workflows that the shapes take.
type writer struct{ t *rapid.T }

func (w writer) chance(percent int) bool {
	return rapid.IntRange(1, 100).Draw(w.t, "chance") <= percent
}

func pick[T any](w writer, from []T) T { return rapid.SampledFrom(from).Draw(w.t, "pick") }

// texts has a few strings for every pattern.
var texts = []string{"95 C for 10 s", "R", "plate.A1", "50 uL", "bottom + 1 mm", " top ", "center-2", "3 x 50 uL", "n x v", "w in plate", "i, w in by_row(plate)", "#c8102e", "mix-colors", "µ, :", "# {x}", "yes", "none", "source", "1.5 uL/h"}

func scalar(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

func (w writer) value(s *spec.Shape, depth int) *yaml.Node {
	switch s.Kind {
	case spec.StepShape:
		return w.step(depth)
	case spec.UnionShape:
		return w.value(pick(w, s.Any), depth)
	case spec.ListShape:
		return w.list(s, depth)
	case spec.MapShape:
		n := &yaml.Node{Kind: yaml.MappingNode}
		names := []string{"a", "b_2", "Plate"}
		if s.Keys != nil && !s.Keys.Match(names[0]) {
			names = []string{"1 uL", "10 uL", "0.1mL"} // a bare number is no key: YAML reads it as a number
		}
		for _, name := range names[:rapid.IntRange(s.Min, 3).Draw(w.t, "entries")] {
			n.Content = append(n.Content, scalar(name), w.value(s.Elem, depth))
		}
		return n
	case spec.ObjectShape:
		if s.Scalars&spec.Nulls != 0 && w.chance(20) {
			return scalar("null")
		}
		return w.object(s, s.Fields(), depth)
	}
	return w.scalar(s)
}

func (w writer) list(s *spec.Shape, depth int) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	most := 3
	if depth > 2 {
		most = s.Min
	}
	for range rapid.IntRange(s.Min, most).Draw(w.t, "items") {
		n.Content = append(n.Content, w.value(s.Elem, depth+1))
	}
	return n
}

func (w writer) scalar(s *spec.Shape) *yaml.Node {
	var from []string
	if s.Scalars&spec.Strings != 0 {
		from = texts
		if s.Pattern != nil {
			from = slices.DeleteFunc(slices.Clone(texts), func(x string) bool { return !s.Pattern.Match(x) })
		}
	}
	if s.Scalars&spec.Numbers != 0 {
		from = append(slices.Clone(from), "1", "2.5", "-3", "1e3", "+4")
	}
	if s.Scalars&spec.Booleans != 0 {
		from = append(slices.Clone(from), "true", "False")
	}
	if s.Words != nil {
		from = s.Words
	}
	n := scalar(pick(w, from))
	quoted := s.Scalars&spec.Numbers == 0 || w.chance(20)
	if isBool := n.Value == "true" || n.Value == "False"; s.Scalars&spec.Strings != 0 && quoted && !isBool {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func (w writer) object(s *spec.Shape, fields []spec.Field, depth int) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i, f := range fields {
		if f.Required || i < s.Min || w.chance(25) {
			n.Content = append(n.Content, scalar(f.Key), w.value(f.Slot.Shape, depth))
		}
	}
	return w.obey(s, n)
}

// obey makes a mapping follow the rules between its keys.
func (w writer) obey(s *spec.Shape, n *yaml.Node) *yaml.Node {
	for _, r := range s.Rules {
		if !r.Holds(n) {
			continue
		}
		for _, key := range r.Bars {
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == key {
					n.Content = slices.Delete(n.Content, i, i+2)
				}
			}
		}
		needs := r.Needs
		if r.Any != nil && !slices.ContainsFunc(r.Any, func(key string) bool { return written(n, key) }) {
			needs = r.Any[:1]
		}
		for _, key := range needs {
			if !written(n, key) {
				shape, _ := entry(s, key)
				if shape == nil {
					shape, _ = entry(spec.StepObject(), key)
				}
				n.Content = append(n.Content, scalar(key), w.value(shape, 3))
			}
		}
	}
	return n
}

func (w writer) step(depth int) *yaml.Node {
	s := spec.StepObject()
	var modifiers []spec.Field
	for _, f := range s.Fields() {
		if spec.LookupStepKind(f.Key) == nil && f.Key != "id" {
			modifiers = append(modifiers, f)
		}
	}
	n := w.object(&spec.Shape{Kind: spec.ObjectShape, Rules: s.Rules}, modifiers, depth)
	kind := pick(w, spec.StepKinds())
	shape, _ := entry(s, kind.Key)
	n.Content = append(n.Content, scalar(kind.Key), w.value(shape, depth))
	return n
}

// oddities stand for values that fit in few places.
var oddities = []string{"null", "~", "5", "true", `""`, `" "`, "[]", "{}", "[x]", "[[x]]", "{a: b}", "{from: x}", "nonsense", "Left", "!!str 5", "1.0", "0x1F", "012", ".nan", "1_0", "2024-01-01", "top +", "x", "{b 1: 2}", `{"": 1}`, "99999999999999999999", "'1'"}

func odd(w writer) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(pick(w, oddities)), &doc); err != nil {
		w.t.Fatal(err)
	}
	return doc.Content[0]
}

// oddKeys are keys of other places, and of none.
var oddKeys = []string{"from", "tip", "blow_out", "if", "else", "do", "transfer", "home", "id", "type", "min", "max", "in", "default", "example", "choices", "volum", "a b", "x/y~z%", "", "distribute", "steps", "5 uL"}

// mutate changes something, somewhere.
func (w writer) mutate(root *yaml.Node) {
	var all []*yaml.Node
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		all = append(all, n)
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(root)
	n := pick(w, all)
	i := 0
	if len(n.Content) > 1 {
		i = rapid.IntRange(0, len(n.Content)/2-1).Draw(w.t, "pair") * 2
	}
	switch what := rapid.IntRange(0, 4).Draw(w.t, "what"); {
	case n.Kind == yaml.MappingNode && what == 0:
		n.Content = append(n.Content, scalar(pick(w, oddKeys)), odd(w))
	case n.Kind == yaml.MappingNode && what == 1 && len(n.Content) > 0:
		n.Content = slices.Delete(n.Content, i, i+2)
	case n.Kind == yaml.MappingNode && what == 2 && len(n.Content) > 0:
		n.Content[i].Value = pick(w, oddKeys)
	case n.Kind == yaml.MappingNode && what == 3 && len(n.Content) > 0:
		n.Content[i+1] = odd(w)
	default:
		*n = *odd(w)
	}
}

// draft is a workflow, or now and then the file of a lab or one with tests.
func draft(t *rapid.T) (w writer, root *yaml.Node, format string) {
	w = writer{t}
	if w.chance(20) {
		return w, w.value(spec.LabRoot(), 0), spec.LabFormat
	}
	if w.chance(20) {
		return w, w.value(spec.TestsRoot(), 0), spec.TestsFormat
	}
	return w, w.value(spec.Root(), 0), spec.WorkflowFormat
}

func read(t *rapid.T, root *yaml.Node, format string) (*spec.Document, diag.List, bool) {
	data, err := yaml.Marshal(root)
	if err != nil {
		return nil, nil, false
	}
	t.Logf("\n%s", data)
	src := spec.NewSource(&spec.File{Name: "w.yaml", Data: data})
	node, list := src.Parse()
	if len(list) > 0 {
		return nil, nil, false
	}
	if format == spec.LabFormat {
		_, doc, found := spec.DecodeLab(src, node)
		return doc, found, true
	}
	if format == spec.TestsFormat {
		_, doc, found := spec.DecodeTests(src, node)
		return doc, found, true
	}
	doc, found := spec.Decode(src, node)
	return doc, found, true
}

// TestWrittenIsAccepted proves that what follows the shapes is accepted by
// decoder and schema.
func TestWrittenIsAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, root, format := draft(t)
		doc, found, ok := read(t, root, format)
		if !ok {
			t.Fatal("not YAML")
		}
		if len(found) > 0 || len(doc.Refused) > 0 {
			t.Fatalf("found %v, refused %v", found, lines(doc.Refused))
		}
		if faults := validate(doc.Root, formatOf(doc)); len(faults) > 0 {
			t.Fatalf("the schema refuses line %d", faults[0].at.node.Line)
		}
	})
}

// TestSchemaAcceptsWhatDecoderAccepts proves that both refuse the very same
// nodes of a broken file.
func TestSchemaAcceptsWhatDecoderAccepts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, root, format := draft(t)
		for range rapid.IntRange(1, 4).Draw(t, "mutations") {
			w.mutate(root)
		}
		doc, _, ok := read(t, root, format)
		if !ok {
			return
		}
		e := explainer{src: doc.Source, explained: map[*yaml.Node]bool{}}
		e.sort(slices.DeleteFunc(validate(doc.Root, formatOf(doc)), e.isKnown))
		bySchema := slices.SortedFunc(maps.Keys(e.explained), inFile)
		var byDecoder []*yaml.Node
		for _, r := range doc.Refused {
			byDecoder = append(byDecoder, r.Node)
		}
		slices.SortFunc(byDecoder, inFile)
		if !slices.Equal(bySchema, byDecoder) {
			t.Fatalf("the decoder refuses %v, the schema %v", lines(doc.Refused), where(bySchema))
		}
		list := Explain(doc)
		if (len(doc.Refused) > 0) != (len(list) > 0) {
			t.Fatalf("%d refusals, %d explanations", len(doc.Refused), len(list))
		}
	})
}

func inFile(a, b *yaml.Node) int {
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	if a.Column != b.Column {
		return a.Column - b.Column
	}
	return int(a.Kind) - int(b.Kind)
}

func lines(refused []spec.Refusal) [][2]int {
	var out []*yaml.Node
	for _, r := range refused {
		out = append(out, r.Node)
	}
	return where(out)
}

func where(nodes []*yaml.Node) [][2]int {
	var out [][2]int
	for _, n := range nodes {
		out = append(out, [2]int{n.Line, n.Column})
	}
	return out
}
