package interpreter_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// flowDeck is the deck of the workflows below; what differs comes after it.
const flowDeck = `ot2flow: 1
name: flow
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  trough: {type: nest_12_reservoir_15ml, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: trough.A1, volume: 10 mL}
vars: {n: 0}
steps:
`

// recorded expands files, of which main.yaml is the workflow, and returns its
// steps.
func recorded(t interface {
	Helper()
	Fatalf(string, ...any)
}, files map[string]string,
) ([]program.Step, diag.List) {
	t.Helper()
	var all []spec.File
	for name, text := range files {
		all = append(all, spec.File{Name: name, Data: []byte(text)})
	}
	b, list := spec.FromFiles("main.yaml", all)
	if list.HasErrors() {
		t.Fatalf("%v", list)
	}
	p, list := workflows.Prepare(b)
	if list.HasErrors() {
		return nil, list
	}
	var rec interpreter.Recorder
	_, list, err := p.Prove(interpreter.Input{}, &rec)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return rec.Steps(), list
}

func ids(steps []program.Step) string {
	var out []string
	for i := range steps {
		text := steps[i].ID()
		if steps[i].Text != "" {
			text += ": " + steps[i].Text
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

// Loops and branches in the order that the language promises, and the ids of
// what they expand to.
func TestFlow(t *testing.T) {
	for _, tt := range []struct{ name, steps, want string }{
		{"for with an index in another", `
  - for: i, w in plate.A1:B1
    do:
      - for: j, v in [w, plate.C3]
        comment: ${ i } ${ w } ${ j } ${ v }`, `
steps[0]/A1/do[0]/A1/comment: 0 plate.A1 0 plate.A1
steps[0]/A1/do[0]/C3/comment: 0 plate.A1 1 plate.C3
steps[0]/B1/do[0]/B1/comment: 1 plate.B1 0 plate.B1
steps[0]/B1/do[0]/C3/comment: 1 plate.B1 1 plate.C3`},
		{"until is asked after a pass", `
  - until: true
    at_most: 3
    comment: once`, `
steps[0]/1/comment: once`},
		{"while is asked before", `
  - while: false
    at_most: 3
    comment: never`, ``},
		{"as often as allowed is enough", `
  - until: n == 3
    at_most: 3
    do: [{set: {n: n + 1}}, {comment: 'pass ${ n }'}]
  - while: n > 1
    at_most: 2
    set: {n: n - 1}
  - comment: ${ n }`, `
steps[0]/1/do[1]/comment: pass 1
steps[0]/2/do[1]/comment: pass 2
steps[0]/3/do[1]/comment: pass 3
steps[2]/comment: 1`},
		{"else of a loop", `
  - id: fill
    while: n < 3
    at_most: 2
    set: {n: n + 1}
    else:
      - comment: only ${ n }`, `
fill/else[0]/comment: only 2`},
		{"for, then if, then the loop", `
  - for: i, w in plate.A1:B1
    if: i == 1
    until: n == i + 1
    at_most: 5
    do: [{set: {n: n + 1}}, {comment: '${ w } ${ n }'}]
    else:
      - comment: not ${ w }`, `
steps[0]/A1/else[0]/comment: not plate.A1
steps[0]/B1/1/do[1]/comment: plate.B1 1
steps[0]/B1/2/do[1]/comment: plate.B1 2`},
		{"what wells hold", `
  - until: plate.A1.volume >= 100 uL
    at_most: 5
    transfer: {from: water, to: plate.A1, volume: 60 uL}
  - check: {that: plate.A1.volume == 120 uL}`, `
steps[0]/1/A1/pick_up_tip
steps[0]/1/A1/aspirate
steps[0]/1/A1/dispense
steps[0]/2/A1/aspirate
steps[0]/2/A1/dispense
steps[0]/2/A1/drop_tip`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			steps, list := recorded(t, map[string]string{"main.yaml": flowDeck + strings.TrimPrefix(tt.steps, "\n") + "\n"})
			if len(list) > 0 {
				t.Fatal(list)
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), ids(steps)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

const calledText = `ot2flow: 1
name: part
params:
  to: {type: wells, in: dish, default: A1}
  v: {type: volume, default: 30 uL}
labware:
  dish: {type: corning_96_wellplate_360ul_flat, slot: 8}
  rack: {type: opentrons_96_tiprack_300ul, slot: 9}
  bath: {type: nest_12_reservoir_15ml, slot: 10}
pipettes:
  single: {type: p300_single_gen2, mount: left, tips: [rack]}
liquids:
  buffer: {in: bath.A1, volume: 1 mL}
vars: {n: 10}
steps:
  - for: w in to
    transfer: {from: buffer, to: w, volume: v, tip: once}
  - set: {n: n + 1}
  - comment: ${ n } ${ to }
`

// Steps of a called workflow come from its file, know who called them, and
// count in variables of their own.
func TestCall(t *testing.T) {
	files := map[string]string{
		"main.yaml": flowDeck + `  - set: {n: 1}
  - id: twice
    for: c in [plate.B1, plate.C1]
    call: {workflow: sub/part.yaml, with: {dish: plate, buffer: water, to: '[c, plate.D1]', v: 10 uL * (n + 1)}}
  - comment: ${ n }
`, "sub/part.yaml": calledText,
	}
	steps, list := recorded(t, files)
	if len(list) > 0 {
		t.Fatal(list)
	}
	const want = `twice/B1/steps[0]/B1/B1/pick_up_tip
twice/B1/steps[0]/B1/B1/aspirate
twice/B1/steps[0]/B1/B1/dispense
twice/B1/steps[0]/D1/D1/aspirate
twice/B1/steps[0]/D1/D1/dispense
twice/B1/steps[0]/D1/D1/drop_tip
twice/B1/steps[2]/comment: 11 [plate.B1, plate.D1]
twice/C1/steps[0]/C1/C1/pick_up_tip
twice/C1/steps[0]/C1/C1/aspirate
twice/C1/steps[0]/C1/C1/dispense
twice/C1/steps[0]/D1/D1/aspirate
twice/C1/steps[0]/D1/D1/dispense
twice/C1/steps[0]/D1/D1/drop_tip
twice/C1/steps[2]/comment: 11 [plate.C1, plate.D1]
steps[2]/comment: 1`
	if diff := cmp.Diff(want, ids(steps)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	s := &steps[1]
	if at := s.Where(); at.File != "sub/part.yaml" || at.Start.Line != 17 {
		t.Errorf("the step comes from %v", at)
	}
	wantFrames := []string{"twice [c = plate.B1 (1 of 2)] [call of sub/part.yaml]", "steps[0] [w = plate.B1 (1 of 2)]"}
	if diff := cmp.Diff(wantFrames, s.Frame.Sites()); diff != "" {
		t.Errorf("frames: %s", diff)
	}
	if from := s.Frame.CalledFrom("sub/part.yaml"); len(from) != 1 || from[0].Span.File != "main.yaml" || from[0].Span.Start.Line != 16 {
		t.Errorf("called from %v", from)
	}
	if from := steps[14].Frame.CalledFrom("main.yaml"); len(from) != 0 {
		t.Errorf("the main workflow is called from %v", from)
	}
}

// Calling a workflow on a deck like its own gives the operations that it gives
// by itself.
func TestCallIsTheStepsThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScript(t)
		text := s.workflow(randomLabware, randomLiquids)
		alone, list := recorded(t, map[string]string{"main.yaml": text})
		if list.HasErrors() {
			t.Skip("the script is wrong by itself")
		}
		head := fmt.Sprintf(randomDeck, strings.Join(randomLabware, "\n  "), strings.Join(randomLiquids, "\n  "))
		called, list := recorded(t, map[string]string{"main.yaml": head + "  - call: {workflow: part}\n", "part.yaml": text})
		if list.HasErrors() {
			t.Fatalf("%v\n%s", list, text)
		}
		if diff := cmp.Diff(ops(alone), ops(called)); diff != "" {
			t.Fatalf("-alone +called\n%s\n%s", diff, text)
		}
	})
}

func ops(steps []program.Step) []program.Op {
	out := make([]program.Op, len(steps))
	for i := range steps {
		out[i] = steps[i].Op
	}
	return out
}

// A plan with called workflows is replayed from its JSON as it was.
func TestCalledPlanIsRead(t *testing.T) {
	b, list := spec.FromFiles("main.yaml", []spec.File{
		{Name: "main.yaml", Data: []byte(flowDeck + "  - call: {workflow: part, with: {dish: plate, buffer: water}}\n")},
		{Name: "part.yaml", Data: []byte(calledText)},
	})
	p, more := workflows.Prepare(b)
	if list = append(list, more...); list.HasErrors() {
		t.Fatal(list)
	}
	plan, list := p.Plan(interpreter.Input{})
	if list.HasErrors() {
		t.Fatal(list)
	}
	jsonOf := func(p *program.Plan) string {
		var out bytes.Buffer
		if err := p.Write(&out, true); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first := jsonOf(plan)
	again, err := program.Read([]byte(first), ot2.Machine{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, jsonOf(again)); diff != "" {
		t.Error(diff)
	}
	if len(plan.Files) != 2 {
		t.Errorf("%d files are kept", len(plan.Files))
	}
}
