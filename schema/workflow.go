package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec"
)

// address is where the schemas can be had; editors load them from there.
const address = "https://raw.githubusercontent.com/ot2flow/ot2flow/main/schema/"

// Workflow generates the JSON schema of workflow files from the table in
// package spec. Equal tables give equal bytes. It is a function of its own so
// that a test can prove the committed file current; readers take Schema.
func Workflow() []byte { return generated(spec.WorkflowFormat, "ot2flow workflow", spec.Root()) }

// LiquidClass generates the JSON schema of files of liquid classes, as Workflow
// does that of workflows.
func LiquidClass() []byte {
	return generated(spec.ClassFormat, "ot2flow liquid class", spec.ClassRoot())
}

// Lab generates the JSON schema of the files of labs, as Workflow does that of
// workflows.
func Lab() []byte { return generated(spec.LabFormat, "ot2flow lab", spec.LabRoot()) }

// Tests generates the JSON schema of files with tests, as Workflow does that of
// workflows.
func Tests() []byte { return generated(spec.TestsFormat, "ot2flow tests", spec.TestsRoot()) }

func generated(format, title string, shape *spec.Shape) []byte {
	g := generator{}
	root := g.body(shape)
	head := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", address + format + suffix},
		{"title", title},
		{"description", shape.Doc},
	}
	return indented(append(append(head, root...), member{"$defs", g.definitions()}))
}

// object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(strconv.Quote(m.key))
		out.WriteByte(':')
		data, err := compact(m.value)
		if err != nil {
			return nil, err
		}
		out.Write(data)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// compact is json.Marshal that leaves <, > and & readable.
func compact(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}

func indented(v any) []byte {
	data, err := compact(v)
	if err != nil {
		panic(err) // nothing but strings, numbers, lists and objects
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		panic(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// generator collects the shared definitions while it writes what refers to
// them.
type generator struct {
	names []string
	defs  map[string]object
}

func (g *generator) definitions() object {
	var out object
	for _, name := range g.names {
		out = append(out, member{name, g.defs[name]})
	}
	return out
}

// ref returns a reference to a shape with a name, or the shape itself.
func (g *generator) ref(s *spec.Shape) object {
	if s.Kind == spec.StepShape {
		s = spec.StepObject()
	}
	if s.Name == "" {
		return g.body(s)
	}
	if _, done := g.defs[s.Name]; !done {
		if g.defs == nil {
			g.defs = map[string]object{}
		}
		g.names = append(g.names, s.Name)
		g.defs[s.Name] = nil // a step holds steps
		head := object{{"title", strings.ReplaceAll(s.Name, "_", " ")}, {"description", s.Doc}, {"examples", examples(s, s.Example)}}
		g.defs[s.Name] = append(head, g.body(s)...)
	}
	return object{{"$ref", "#/$defs/" + s.Name}}
}

// body returns the keywords of a shape. Those of a union apply to one JSON type
// each, so a value is compared with one alternative only and one mistake gives
// one error.
func (g *generator) body(s *spec.Shape) object {
	if s.Kind != spec.UnionShape {
		return append(object{{"type", oneOrMore(types(s))}}, g.keywords(s)...)
	}
	var all []string
	var rest object
	for _, alt := range s.Any {
		all = append(all, types(alt)...)
		if len(alt.Words) > 0 { // an enum would refuse the other alternatives
			rest = append(rest, member{"if", object{{"type", oneOrMore(types(alt))}}}, member{"then", g.keywords(alt)})
			continue
		}
		rest = append(rest, g.keywords(alt)...)
	}
	return append(object{{"type", oneOrMore(all)}}, rest...)
}

func oneOrMore(words []string) any {
	if len(words) == 1 {
		return words[0]
	}
	return words
}

func types(s *spec.Shape) []string {
	var out []string
	switch s.Kind {
	case spec.ListShape:
		out = append(out, "array")
	case spec.ObjectShape, spec.MapShape:
		out = append(out, "object")
	}
	for _, t := range []struct {
		set  spec.Scalars
		name string
	}{{spec.Strings, "string"}, {spec.Numbers, "number"}, {spec.Booleans, "boolean"}, {spec.Nulls, "null"}} {
		if s.Scalars&t.set != 0 {
			out = append(out, t.name)
		}
	}
	return out
}

func (g *generator) keywords(s *spec.Shape) object {
	var out object
	switch s.Kind {
	case spec.ScalarShape:
		if len(s.Words) > 0 {
			out = append(out, member{"enum", words(s)})
		}
		if s.Pattern != nil {
			out = append(out, member{"pattern", s.Pattern.Regex})
		}
	case spec.ListShape:
		out = append(out, member{"items", g.ref(s.Elem)})
		out = appendPositive(out, "minItems", s.Min)
	case spec.MapShape:
		out = append(out, member{"propertyNames", object{{"pattern", s.KeyPattern().Regex}}}, member{"additionalProperties", g.ref(s.Elem)})
		out = appendPositive(out, "minProperties", s.Min)
	case spec.ObjectShape:
		out = g.objectKeywords(s)
	}
	return out
}

func appendPositive(out object, key string, n int) object {
	if n == 0 {
		return out
	}
	return append(out, member{key, n})
}

// words returns the values of an enumeration: those that are numbers also
// as such where the shape takes numbers.
func words(s *spec.Shape) []any {
	var out []any
	if s.Scalars&spec.Numbers != 0 {
		for _, w := range s.Words {
			if json.Valid([]byte(w)) { // among numbers can be a plain word
				out = append(out, json.Number(w))
			}
		}
	}
	for _, w := range s.Words {
		out = append(out, w)
	}
	return out
}

func (g *generator) objectKeywords(s *spec.Shape) object {
	var properties object
	var required []string
	for _, f := range s.Fields() {
		head := object{{"title", f.Key}, {"description", f.Doc}, {"examples", examples(f.Slot.Shape, f.Example)}}
		properties = append(properties, member{f.Key, append(head, g.ref(f.Slot.Shape)...)})
		if f.Required {
			required = append(required, f.Key)
		}
	}
	out := object{{"properties", properties}, {"additionalProperties", false}}
	if properties == nil {
		out[0].value = object{}
	}
	if required != nil {
		out = append(out, member{"required", required})
	}
	out = appendPositive(out, "minProperties", s.Min)
	return append(out, rules(s.Rules)...)
}

// rules returns the keywords for conditions between keys.
func rules(all []spec.Rule) object {
	var needs, more, out object
	var cases []object
	for _, r := range all {
		switch {
		case r.Words != nil:
			condition := object{{"properties", object{{r.Key, object{{"enum", r.Words}}}}}, {"required", []string{r.Key}}}
			cases = append(cases, object{{"if", condition}, {"then", consequence(r)}})
		case r.Needs != nil:
			needs = append(needs, member{r.Key, r.Needs})
		default:
			more = append(more, member{r.Key, consequence(r)})
		}
	}
	if needs != nil {
		out = append(out, member{"dependentRequired", needs})
	}
	if more != nil {
		out = append(out, member{"dependentSchemas", more})
	}
	if cases != nil {
		out = append(out, member{"allOf", cases})
	}
	return out
}

func consequence(r spec.Rule) object {
	var out, barred object
	for _, key := range r.Bars {
		barred = append(barred, member{key, false})
	}
	if barred != nil {
		out = append(out, member{"properties", barred})
	}
	if r.Needs != nil {
		out = append(out, member{"required", r.Needs})
	}
	var any []object
	for _, key := range r.Any {
		any = append(any, object{{"required", []string{key}}})
	}
	if any != nil {
		out = append(out, member{"anyOf", any})
	}
	return out
}

// examples returns the words that a shape takes beside an expression, which
// editors offer for completion, and the example itself.
func examples(s *spec.Shape, example string) []any {
	var out []any
	lead := slices.Clone(s.Lead)
	for _, alt := range s.Any {
		lead = append(lead, alt.Lead...)
	}
	for _, w := range lead {
		out = append(out, w)
	}
	if slices.Contains(lead, example) {
		return out
	}
	return append(out, exampleValue(example))
}

// exampleValue reads an example, which is written as in a workflow.
func exampleValue(example string) any {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(example), &doc); err != nil || len(doc.Content) == 0 {
		return example
	}
	return ordered(doc.Content[0])
}

// ordered returns n as JSON that keeps the order of keys.
func ordered(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := object{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out = append(out, member{n.Content[i].Value, ordered(n.Content[i+1])})
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			out = append(out, ordered(c))
		}
		return out
	}
	return spec.ScalarValue(n)
}
