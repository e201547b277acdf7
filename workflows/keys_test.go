package workflows_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// Every key of the language is documented, used by the corpus, and does
// something. The keys are those of spec's tables, so that a new one is asked
// for from the day it is there.

// place is where a key can stand: the key of a step kind, or the name of a
// mapping that several keys share.
type place struct{ in, key string }

func (p place) String() string { return "the key " + p.key + " in " + p.in }

// forPeople are the keys that nothing is done by, with where they are shown.
var forPeople = map[place]string{
	{"workflow", "ot2flow"}:       "has one value only; any other is refused: testdata/err/other-version.yaml",
	{"workflow", "description"}:   "says what the file is for; ot2flow has nothing to add",
	{"param", "description"}:      "says what the value is for; ot2flow has nothing to add",
	{"column", "description"}:     "says what the value is for; ot2flow has nothing to add",
	{"output", "description"}:     "says what the value is; ot2flow has nothing to add",
	{"instrument", "description"}: "says what the instrument is; ot2flow has nothing to add",
}

// visit calls f for every place of the language and, in step, for every key of
// the given tree that stands in it. Without a tree, each place is met once.
type visit struct {
	seen map[string]bool
	f    func(p place, field spec.Field, mapping *yaml.Node, at int)
}

// shape visits a value and what is inside of it; name is that of the key it
// stands behind.
func (v *visit) shape(name string, s *spec.Shape, n *yaml.Node) {
	switch s.Kind {
	case spec.StepShape:
		if n != nil || !v.seen["step"] {
			v.object("step", spec.StepObject(), n)
		}
	case spec.ObjectShape:
		v.object(cmp.Or(s.Name, name), s, n)
	case spec.UnionShape:
		for _, alt := range s.Any {
			if n == nil || alt == s.Alternative(n.Kind == yaml.ScalarNode, n.Kind == yaml.SequenceNode) {
				v.shape(cmp.Or(s.Name, name), alt, n)
			}
		}
	case spec.ListShape, spec.MapShape:
		if n == nil {
			v.shape(name, s.Elem, nil)
			return
		}
		for i, item := range n.Content {
			if s.Kind == spec.ListShape || i%2 == 1 {
				v.shape(name, s.Elem, item)
			}
		}
	}
}

func (v *visit) object(in string, s *spec.Shape, n *yaml.Node) {
	if n == nil && v.seen[in] || n != nil && n.Kind != yaml.MappingNode {
		return
	}
	v.seen[in] = true
	for _, field := range s.Fields() {
		inner := field.Key
		if in == "step" && spec.LookupStepKind(field.Key) != nil {
			inner = "step " + field.Key
		}
		if n == nil {
			v.f(place{in, field.Key}, field, nil, 0)
			v.shape(inner, field.Slot.Shape, nil)
			continue
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == field.Key {
				v.f(place{in, field.Key}, field, n, i)
				v.shape(inner, field.Slot.Shape, n.Content[i+1])
			}
		}
	}
}

// keyPlaces returns every place of the language.
func keyPlaces() (places []place, fields map[place]spec.Field) {
	fields = map[place]spec.Field{}
	v := visit{map[string]bool{}, func(p place, field spec.Field, _ *yaml.Node, _ int) {
		places = append(places, p)
		fields[p] = field
	}}
	v.shape("workflow", spec.Root(), nil)
	return places, fields
}

// caseFile is a workflow of the corpora.
type caseFile struct {
	path string
	tree *yaml.Node
	base *outcome // what it does as it is; nil until asked for
}

// caseOf is a key in a file.
type caseOf struct {
	file    *caseFile
	mapping *yaml.Node
	at      int
}

func caseFiles(t *testing.T) []*caseFile {
	t.Helper()
	var out []*caseFile
	for _, pattern := range []string{"testdata/ok/*.yaml", "../examples/[0-9]*/workflow.yaml", "testdata/err/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatal(pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var doc yaml.Node
			if yaml.Unmarshal(data, &doc) == nil && len(doc.Content) == 1 && doc.Content[0].Kind == yaml.MappingNode {
				out = append(out, &caseFile{path: path, tree: doc.Content[0]})
			}
		}
	}
	return out
}

// TestKeysAreDocumented asks for a sentence and an example of every key, and
// for its page in the reference.
func TestKeysAreDocumented(t *testing.T) {
	places, fields := keyPlaces()
	if len(places) < 100 {
		t.Fatalf("only %d keys are found", len(places))
	}
	reference := string(workflows.Reference())
	for _, p := range places {
		field := fields[p]
		if !strings.Contains(reference, field.Doc) {
			t.Errorf("%s is not in the reference of the language", p)
		}
		if !strings.HasSuffix(field.Doc, ".") {
			t.Errorf("%s has no sentence that says what it is for: write its Doc in package spec", p)
		}
		if field.Example == "" {
			t.Errorf("%s has no example: write its Example in package spec", p)
		}
		page, _ := spec.Reference(p.key)
		if !strings.Contains(page, field.Doc) {
			t.Errorf("%s: ot2flow explain %s does not show %q", p, p.key, field.Doc)
		}
	}
}

// TestEveryKeyHasAnEffect takes each key away from a workflow that has it, or
// gives it another value, until the robot would do something else, or until
// something else is found. A key for which no file shows that is either
// ignored or lacks a file.
func TestEveryKeyHasAnEffect(t *testing.T) {
	places, fields := keyPlaces()
	cases := map[place][]caseOf{}
	for _, file := range caseFiles(t) {
		v := visit{map[string]bool{}, func(p place, _ spec.Field, mapping *yaml.Node, at int) {
			cases[p] = append(cases[p], caseOf{file, mapping, at})
		}}
		v.shape("workflow", spec.Root(), file.tree)
	}
	for _, p := range places {
		inOK := slices.ContainsFunc(cases[p], func(c caseOf) bool { return !strings.Contains(c.file.path, "testdata/err/") })
		switch {
		case !inOK:
			t.Errorf("no workflow uses %s: add one to workflows/testdata/ok in which it stands", p)
		case forPeople[p] != "":
		case !anyMatters(p, fields[p], cases[p]):
			t.Errorf("%s changes nothing: in none of the workflows of workflows/testdata/ok, /err and examples does the robot do something else, or is something else found, when the key is left out or has another value. "+
				"Either it is ignored, or a workflow is needed in workflows/testdata/ok that does something else without it", p)
		}
	}
	for p := range forPeople {
		if _, is := fields[p]; !is {
			t.Errorf("%s is not in the language, but in the list forPeople", p)
		}
	}
}

func anyMatters(p place, field spec.Field, cases []caseOf) bool {
	var values []string
	for _, c := range cases {
		if v := c.mapping.Content[c.at+1]; v.Kind == yaml.ScalarNode && !slices.Contains(values, v.Value) && len(values) < 20 {
			values = append(values, v.Value)
		}
	}
	return slices.ContainsFunc(cases, func(c caseOf) bool { return c.matters(p, field, values) })
}

// matters reports whether the workflow does something else without the key, or
// with another value of it; or whether another part of it cannot be understood
// without the key. A step key goes with its step.
func (c caseOf) matters(p place, field spec.Field, elsewhere []string) bool {
	if c.file.base == nil {
		c.file.base = c.file.outcome()
	}
	if c.file.base.refused {
		return false
	}
	if p.in == "step" && spec.LookupStepKind(p.key) != nil {
		return c.file.without(c.mapping)
	}
	whole := c.mapping.Content
	c.mapping.Content = slices.Concat(whole[:c.at:c.at], whole[c.at+2:])
	now := c.file.outcome()
	c.mapping.Content = whole
	if now.missed && !field.Required || !now.refused && now.text != c.file.base.text {
		return true
	}
	return c.file.differsWith(whole[c.at+1], slices.Concat(others(field, whole[c.at+1]), scalars(elsewhere), scalars(c.file.names())))
}

// without reports whether the workflow does something else without one of its
// steps.
func (f *caseFile) without(step *yaml.Node) bool {
	var in func(n *yaml.Node) bool
	in = func(n *yaml.Node) bool {
		if i := slices.Index(n.Content, step); i >= 0 && n.Kind == yaml.SequenceNode {
			whole := n.Content
			defer func() { n.Content = whole }()
			n.Content = slices.Concat(whole[:i:i], whole[i+1:])
			return f.differs()
		}
		return slices.ContainsFunc(n.Content, in)
	}
	return in(f.tree)
}

// differsWith tries other values, and then other values for the scalars inside.
func (f *caseFile) differsWith(value *yaml.Node, others []*yaml.Node) bool {
	was := *value
	for _, n := range others {
		*value = *n
		other := f.differs()
		*value = was
		if other {
			return true
		}
	}
	return slices.ContainsFunc(value.Content, func(n *yaml.Node) bool {
		if n.Kind != yaml.ScalarNode {
			return f.differsWith(n, nil)
		}
		return f.differsWith(n, scalars(otherNumbers(n.Value)))
	})
}

// names returns what the workflow declares.
func (f *caseFile) names() []string {
	var out []string
	for i := 1; i < len(f.tree.Content); i += 2 {
		if section := f.tree.Content[i]; section.Kind == yaml.MappingNode {
			for j := 0; j < len(section.Content); j += 2 {
				out = append(out, section.Content[j].Value)
			}
		}
	}
	return out
}

func scalars(texts []string) []*yaml.Node {
	var out []*yaml.Node
	for _, s := range texts {
		out = append(out, &yaml.Node{Kind: yaml.ScalarNode, Value: s})
	}
	return out
}

// outcome is what becomes of a workflow, without the places where it is
// written.
type outcome struct {
	refused bool   // it is not understood
	missed  bool   // a name is not understood
	text    string // what the robot does, and what is found about that
	found   diag.List
}

func (f *caseFile) differs() bool {
	now := f.outcome()
	return !now.refused && now.text != f.base.text
}

func (f *caseFile) outcome() *outcome {
	data, err := yaml.Marshal(f.tree)
	if err != nil {
		return &outcome{refused: true}
	}
	return outcomeOf(f.path, data)
}

func outcomeOf(path string, data []byte) *outcome {
	c := workflows.FromText(path, data)
	out := &outcome{}
	if c.Prepared != nil {
		plan, list := c.Prepared.Plan(interpreter.Input{Examples: true, Likely: true, Scatter: "1"}) // with what live steps are likely to give
		c.Add(list)
		if plan != nil {
			var b bytes.Buffer
			for i := range plan.Steps {
				s := &plan.Steps[i]
				line, _, _ := strings.Cut(string(s.AppendJSON(nil, plan.Deck)), `, "origin"`)
				fmt.Fprintln(&b, line, s.Text, s.Frame.Titles())
			}
			plan.Steps, plan.Files, plan.Fingerprint = nil, nil, ""
			_ = plan.Write(&b, true)
			out.text = b.String()
		}
	}
	out.found = slices.DeleteFunc(c.Diagnostics, func(d diag.Diagnostic) bool { return d.Code == diag.StockContaminated || d.Code == diag.DrawsAir }) // one tip for everything is what is plainest
	for _, d := range out.found {
		out.refused = out.refused || notUnderstood(d.Code)
		out.missed = out.missed || d.Code == diag.UnknownName
		out.text += d.Code.ID + " " + d.Message + "\n"
	}
	return out
}

// notUnderstood reports whether a finding is about how the workflow is written,
// so that it says nothing about what a key does.
func notUnderstood(c *diag.Code) bool {
	return c.ID < diag.BadValue.ID || c == diag.BadValue || c == diag.MissingValue
}

// others returns other values for a key, most of which it does not take: those
// of its shape and example, and the value with its number changed, one element
// less, or turned round.
func others(field spec.Field, value *yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	written := func(texts ...string) {
		for _, text := range texts {
			var doc yaml.Node
			if yaml.Unmarshal([]byte(text), &doc) == nil && len(doc.Content) == 1 {
				out = append(out, doc.Content[0])
			}
		}
	}
	shapes := append([]*spec.Shape{field.Slot.Shape}, field.Slot.Shape.Any...)
	for _, s := range shapes {
		written(s.Words...)
		written(s.Lead...)
		if s.Scalars&spec.Booleans != 0 {
			written("true", "false")
		}
	}
	written(field.Example)
	if value.Kind != yaml.ScalarNode {
		for i, step := 0, 1+int(value.Kind&yaml.MappingNode)/int(yaml.MappingNode); i < len(value.Content); i += step {
			n := *value
			n.Content = slices.Concat(value.Content[:i:i], value.Content[i+step:])
			out = append(out, &n)
		}
		if value.Kind == yaml.SequenceNode {
			n := *value
			n.Content = slices.Clone(value.Content)
			slices.Reverse(n.Content)
			out = append(out, &n)
		}
		return out
	}
	return append(out, scalars(otherNumbers(value.Value))...)
}

// otherNumbers changes the numbers in a text, one at a time.
func otherNumbers(s string) []string {
	var out []string
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && s[j] >= '0' && s[j] <= '9' {
			j++
		}
		if n, err := strconv.Atoi(s[i:j]); err == nil {
			for _, other := range []int{n + 1, n - 1, 2 * n, n / 2} {
				out = append(out, s[:i]+strconv.Itoa(other)+s[j:])
			}
		}
		i = max(j, i+1)
	}
	return out
}
