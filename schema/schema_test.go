package schema_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/ot2flow/ot2flow/schema"
	"github.com/ot2flow/ot2flow/spec"
)

func TestWorkflowIsCurrent(t *testing.T) {
	data, ok := schema.Schema("workflow")
	if !ok || !bytes.Equal(data, schema.Workflow()) {
		t.Error("workflow.schema.json is not what the table gives: run go generate ./schema")
	}
}

func TestLiquidClassIsCurrent(t *testing.T) {
	data, ok := schema.Schema("liquid_class")
	if !ok || !bytes.Equal(data, schema.LiquidClass()) {
		t.Error("liquid_class.schema.json is not what the table gives: run go generate ./schema")
	}
}

func TestLabIsCurrent(t *testing.T) {
	data, ok := schema.Schema("lab")
	if !ok || !bytes.Equal(data, schema.Lab()) {
		t.Error("lab.schema.json is not what the table gives: run go generate ./schema")
	}
}

func TestTestsAreCurrent(t *testing.T) {
	data, ok := schema.Schema("test")
	if !ok || !bytes.Equal(data, schema.Tests()) {
		t.Error("test.schema.json is not what the table gives: run go generate ./schema")
	}
}

func TestNames(t *testing.T) {
	want := []string{"audit", "changes", "corrections", "diagnostics", "difference", "drift", "faults", "journal", "lab", "liquid_class", "plan", "quota_log", "quotas", "repeats", "robots", "run", "runs", "simulation", "state", "test", "tests", "tokens", "uses", "version", "workflow"}
	if got := schema.Names(); !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
	if _, ok := schema.Schema("../go.mod"); ok {
		t.Error("a schema by the name of a file")
	}
}

// TestSchemasCompile proves every schema valid by the draft it names.
func TestSchemasCompile(t *testing.T) {
	for _, name := range schema.Names() {
		compile(t, name)
	}
}

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	data, _ := schema.Schema(name)
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	if s.Draft != jsonschema.Draft2020 {
		t.Errorf("%s is not of draft 2020-12", name)
	}
	return s
}

// TestEveryKeyIsDocumented proves that an editor explains and completes every
// key, in every schema.
func TestEveryKeyIsDocumented(t *testing.T) {
	for _, name := range schema.Names() {
		data, _ := schema.Schema(name)
		var root map[string]any
		if err := json.Unmarshal(data, &root); err != nil {
			t.Fatal(err)
		}
		everyKey(root, name, func(path string, key map[string]any) {
			if key["description"] == nil {
				t.Errorf("%s has no description", path)
			}
			if examples, _ := key["examples"].([]any); name == "workflow" && len(examples) == 0 {
				t.Errorf("%s has no examples", path)
			}
		})
	}
}

// everyKey calls f for each property and definition of a schema.
func everyKey(s map[string]any, path string, f func(path string, key map[string]any)) {
	for _, section := range []string{"properties", "$defs"} {
		keys, _ := s[section].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(keys)) {
			if key, ok := keys[name].(map[string]any); ok {
				f(path+"/"+name, key)
				everyKey(key, path+"/"+name, f)
			}
		}
	}
	for _, nested := range []string{"items", "additionalProperties"} {
		if inner, ok := s[nested].(map[string]any); ok {
			everyKey(inner, path+"/"+nested, f)
		}
	}
}

// TestExamplesAreAccepted writes the example of every key into a workflow.
func TestExamplesAreAccepted(t *testing.T) {
	for _, f := range spec.Root().Fields() {
		if !f.Required {
			accepted(t, f.Key+": "+f.Example+"\nsteps: [{home: null}]")
		}
	}
	for _, f := range spec.StepObject().Fields() {
		switch {
		case f.Key == "else":
			accepted(t, "steps: [{home: null, if: true, else: "+f.Example+"}]")
		case f.Key == "while" || f.Key == "until":
			accepted(t, "steps:\n- home:\n  at_most: 2\n  "+f.Key+": "+f.Example)
		case f.Key == "at_most":
			accepted(t, "steps:\n- home:\n  until: true\n  "+f.Key+": "+f.Example)
		case spec.LookupStepKind(f.Key) == nil:
			accepted(t, "steps:\n- home:\n  "+f.Key+": "+f.Example)
		default:
			accepted(t, "steps:\n- "+f.Key+": "+f.Example)
		}
	}
	for _, k := range spec.StepKinds() {
		exampleOfEach(t, k)
	}
}

// exampleOfEach writes each key of a step, beside the ones it needs.
func exampleOfEach(t *testing.T, k spec.StepKind) {
	t.Helper()
	for _, s := range spec.StepObject().Fields() {
		if s.Key != k.Key {
			continue
		}
		fields := s.Slot.Shape.Fields()
		for _, f := range fields {
			text := "steps:\n- " + k.Key + ":\n    " + f.Key + ": " + f.Example
			for _, other := range fields {
				if other.Key != f.Key && (other.Required || needed(s.Slot.Shape, f.Key, other.Key)) {
					text += "\n    " + other.Key + ": " + other.Example
				}
			}
			accepted(t, text)
		}
	}
}

// needed reports whether a key needs another by a rule; of several that would
// do, the first.
func needed(s *spec.Shape, key, other string) bool {
	return slices.ContainsFunc(s.Rules, func(r spec.Rule) bool {
		return r.Key == key && r.Words == nil && (slices.Contains(r.Needs, other) || len(r.Any) > 0 && r.Any[0] == other)
	})
}

func accepted(t *testing.T, text string) {
	t.Helper()
	data := []byte("ot2flow: 1\nname: example\n" + text + "\n")
	if _, list := decode(data); len(list) > 0 {
		t.Errorf("%s\n%s", data, render(t, data, list))
	}
}

func TestReferenceKnowsEveryKey(t *testing.T) {
	keys := spec.Keys()
	if !slices.IsSorted(keys) || len(keys) < 60 {
		t.Errorf("keys %v", keys)
	}
	for _, key := range keys {
		text, ok := spec.Reference(key)
		if !ok || !strings.Contains(text, key) || strings.Contains(text, "  \n") {
			t.Errorf("%s: %q", key, text)
		}
	}
	if _, ok := spec.Reference("sparkle"); ok {
		t.Error("a reference for a key that does not exist")
	}
}

// FuzzDecode proves that no bytes at all make reading or explaining panic, or
// disagree.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("ot2flow: 1\nname: x\nsteps:\n  - transfer: {from: red, to: plate.A1, volume: 50 uL}\n"))
	f.Add([]byte("steps:\n  - transfer:\n    from: red\n  - {if: !x, at: #3\n}"))
	f.Add([]byte("params: {a: {type: choice, min: 0x1}, '': [*x]}\n? [a]\n: b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, list := decode(data)
		if doc.Workflow == nil {
			t.Fatal("no workflow")
		}
		for _, d := range list {
			if strings.HasPrefix(d.Code.ID, "OTF9") {
				t.Errorf("%s at line %d", d.Message, d.Span.Start.Line)
			}
		}
		if len(doc.Refused) > 0 && len(list) == 0 {
			t.Error("refused without a word")
		}
	})
}
