package workflows_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/workflows"
)

// ordered are the sections whose order means something, with what.
var ordered = map[string]string{
	"liquids":  "a formulate takes its liquids in this order",
	"let":      "a constant may read those above it",
	"vars":     "an initial value may read those above it",
	"pipettes": "of two that can do a step equally well, the first does it",
}

// orderedAnywhere are the mappings inside of sections whose order means
// something, with what.
var orderedAnywhere = map[string]string{
	"fields": "a person is asked in this order",
	"result": "results are shown in this order",
	"send":   "values are sent in this order",
}

// robotDoes are the steps of a workflow, without the lines they are from.
func robotDoes(t interface{ Fatal(...any) }, path string, data []byte) []string {
	c := workflows.FromText(path, data)
	if c.Prepared == nil {
		t.Fatal(path, c.Diagnostics, string(data))
	}
	plan, list := c.Prepared.Plan(interpreter.Input{Examples: true})
	if plan == nil {
		t.Fatal(path, list, string(data))
	}
	var out []string
	for i := range plan.Steps {
		line, _, _ := strings.Cut(string(plan.Steps[i].AppendJSON(nil, plan.Deck)), `, "origin"`)
		out = append(out, line)
	}
	return out
}

// TestOrderOfKeysMeansNothing writes the keys of every mapping in another
// order, but for the sections where it means something.
func TestOrderOfKeysMeansNothing(t *testing.T) {
	want := map[string][]string{}
	data := map[string][]byte{}
	for _, f := range caseFiles(t) {
		if strings.Contains(f.path, "testdata/err/") {
			continue
		}
		text, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		data[f.path], want[f.path] = text, robotDoes(t, f.path, text)
	}
	paths := slices.Sorted(maps.Keys(want))
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.SampledFrom(paths).Draw(t, "file")
		var doc yaml.Node
		if err := yaml.Unmarshal(data[path], &doc); err != nil {
			t.Fatal(err)
		}
		shuffle(t, doc.Content[0], "")
		turned, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[path], robotDoes(t, path, turned)); diff != "" {
			t.Fatalf("%s does something else:\n%s\n%s", path, diff, turned)
		}
	})
}

// shuffle changes the order of the keys of a mapping and of those inside.
func shuffle(t *rapid.T, n *yaml.Node, section string) {
	if n.Kind == yaml.MappingNode && ordered[section]+orderedAnywhere[section] == "" {
		var pairs [][2]*yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			pairs = append(pairs, [2]*yaml.Node{n.Content[i], n.Content[i+1]})
		}
		n.Content = nil
		for _, p := range rapid.Permutation(pairs).Draw(t, "keys") {
			n.Content = append(n.Content, p[0], p[1])
		}
	}
	for i, c := range n.Content {
		inside := "-"
		if n.Kind == yaml.MappingNode && i%2 == 1 && (section == "" || orderedAnywhere[n.Content[i-1].Value] != "") {
			inside = n.Content[i-1].Value
		}
		shuffle(t, c, inside)
	}
}

// TestOrderOfPipettes: where only one of them can do a step, their order means
// nothing either, and neither does that of constants that do not read each
// other.
func TestOrderOfPipettes(t *testing.T) {
	var first []string
	rapid.Check(t, func(t *rapid.T) {
		text := strings.NewReplacer(
			"PIPETTES", lines(t, "p20: {type: p20_single_gen2, mount: left, tips: [small]}", "p300: {type: p300_single_gen2, mount: right, tips: [large]}"),
			"LET", lines(t, "a: 5 uL", "b: R * 2", "c: plate.first(3)"),
			"VARS", lines(t, "n: 0", "given: 0 uL"),
			"PARAMS", lines(t, "R: {type: volume, default: 50 uL}", "k: {type: integer, default: 2}", "to: {type: well, in: plate, default: B1}"),
		).Replace(`ot2flow: 1
name: order
params:
  PARAMS
let:
  LET
vars:
  VARS
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  small: {type: opentrons_96_tiprack_20ul, slot: 4}
  large: {type: opentrons_96_tiprack_300ul, slot: 5}
pipettes:
  PIPETTES
liquids:
  water: {in: plate.A1, volume: 300 uL}
steps:
  - transfer: {from: water, to: to, volume: a}
  - transfer: {from: water, to: 'c[k]', volume: b}
  - for: w in c
    set: {n: n + 1, given: given + a}
  - comment: ${ n } ${ given }
`)
		got := robotDoes(t, "order.yaml", []byte(text))
		if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, `"p20"`) }) {
			t.Fatal(got)
		}
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
	})
}

func lines(t *rapid.T, l ...string) string {
	return strings.Join(rapid.Permutation(l).Draw(t, "lines"), "\n  ")
}
