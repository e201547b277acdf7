package schema_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/compare"
	"github.com/ot2flow/ot2flow/workflows/tests"
)

// everyOp has every operation and every key of plans.
const everyOp = `ot2flow: 1
name: every-op
params:
  v: {type: volume, default: 30.5 uL}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 2}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red: {in: plate.A1, volume: 300 uL, color: '#c8102e', description: paint, tip: tips.H12}
  stock: {in: plate.A2}
steps:
  - for: w in [plate.B1, plate.C1]
    transfer:
      from: red
      to: w
      volume: v
      aspirate: {mix: 2 x 20 uL, air_gap: 5 uL, touch_tip: true}
      dispense: {push_out: 2 uL, at: top - 3 mm, delay: 1 s}
      blow_out: {in: plate.H12, speed: 100 mm/s}
  - transfer: {from: stock, to: plate.D1, volume: v}
  - home:
  - pause: look
  - comment: fine
  - pick_up_tip:
  - move_to: {to: plate.A1, at: center}
`

// TestPlansAndSimulations proves that what is written is what its schema says.
func TestPlansAndSimulations(t *testing.T) {
	plans, simulations := compile(t, "plan"), compile(t, "simulation")
	examples, err := filepath.Glob("../examples/*/workflow.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatal("no examples", err)
	}
	examples = append(examples, "../ot2/testdata/exports/modules/workflow.yaml", "../workflows/testdata/ok/modules.yaml")
	all := []*workflows.Checked{workflows.FromBytes("every-op.yaml", []byte(everyOp))}
	for _, path := range examples {
		all = append(all, workflows.Open(path))
	}
	for _, c := range all {
		if c.Prepared == nil {
			t.Fatal(c.Path, c.Diagnostics)
		}
		plan, list := c.Prepared.Plan(interpreter.Input{Examples: true})
		if plan == nil {
			t.Fatal(c.Path, list)
		}
		for _, files := range []bool{false, true} {
			var b bytes.Buffer
			if err := plan.Write(&b, files); err != nil {
				t.Fatal(err)
			}
			fits(t, plans, b.Bytes())
		}
		world := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
		for i := range plan.Steps {
			world.Do(&plan.Steps[i])
		}
		fits(t, simulations, world.Result().AppendJSON(nil))
		world.End()
		fits(t, simulations, world.Result().AppendJSON(nil))
	}
}

// What diff says, of plans that differ in everything, fits its schema.
func TestDifference(t *testing.T) {
	open := func(file string) *program.Plan {
		plan, list := workflows.Open(file).Prepared.Plan(interpreter.Input{Examples: true})
		if plan == nil {
			t.Fatal(file, list)
		}
		return plan
	}
	one, two := open("../examples/01-mix-colors/workflow.yaml"), open("../examples/17-color-sensor/workflow.yaml")
	for _, d := range []*compare.Difference{compare.Plans(one, one), compare.Plans(one, two)} {
		var b bytes.Buffer
		if err := d.JSON(&b); err != nil {
			t.Fatal(err)
		}
		fits(t, compile(t, "difference"), b.Bytes())
	}
}

// TestRepeats proves that of what comes of many runs, with all that can go wrong
// in one: a stock that is used up, a tube that is filled to the brim, checks, a
// well of unknown content, concentrations in every unit, and an old pipette.
func TestRepeats(t *testing.T) {
	c := workflows.FromBytes("repeats.yaml", []byte(`ot2flow: 1
name: repeats
labware:
  plate: {type: nest_96_wellplate_200ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 2}
pipettes:
  old: {type: p300_single, mount: left, tips: [tips]}
liquids:
  stock: {in: plate.A1, volume: 200 uL, contains: {dye: 5 mM, salt: 2 x, soap: 3 %, dna: 10 ng/uL}}
  water: {in: plate.A2}
steps:
  - transfer: {from: stock, to: '[plate.B1, plate.B2, plate.B3, plate.B4]', volume: 50 uL}
  - transfer: {from: water, to: plate.C1, volume: 100 uL}
  - transfer: {from: water, to: plate.C1, volume: 100 uL}
  - check: {that: plate.B4.volume > 49.9 uL, message: 'B4 holds ${ plate.B4.volume }'}
  - check: {that: plate.B1.volume == 50 uL}
`))
	if c.Prepared == nil {
		t.Fatal(c.Diagnostics)
	}
	n := sim.NewNoise()
	if _, list, err := c.Prepared.Prove(interpreter.Input{}, n); err != nil || list.HasErrors() {
		t.Fatal(list, err)
	}
	got := n.Repeat(300, 1, 2)
	kinds := map[sim.Mishap]bool{}
	for _, m := range got.Mishaps {
		kinds[m.Mishap] = true
	}
	if len(kinds) != 3 || got.Failed == 0 || got.Failed == 300 {
		t.Errorf("%d runs failed, of %+v", got.Failed, got.Mishaps)
	}
	fits(t, compile(t, "repeats"), got.AppendJSON(nil))
	live := workflows.Open("../workflows/testdata/ok/live.yaml")
	reacted, err := sim.React(live.Prepared, interpreter.Input{}, 20, 1, 2)
	if err != nil || len(reacted.Ways) == 0 {
		t.Fatal(err)
	}
	fits(t, compile(t, "repeats"), reacted.AppendJSON(nil))
}

func TestFailedSimulation(t *testing.T) {
	c := workflows.FromBytes("every-op.yaml", []byte(everyOp))
	plan, _ := c.Prepared.Plan(interpreter.Input{})
	world := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
	for i := range plan.Steps[1:] {
		world.Do(&plan.Steps[1:][i])
	}
	fits(t, compile(t, "simulation"), world.Result().AppendJSON(nil))
}

// TestDiagnosticsFit has findings with all that a finding can have.
func TestDiagnosticsFit(t *testing.T) {
	text := bytes.Replace([]byte(everyOp), []byte("300 uL, color"), []byte("50 uL, color"), 1)
	c := workflows.FromBytes("short.yaml", text)
	c.Lint(nil)
	if !c.Diagnostics.HasErrors() {
		t.Fatal("nothing was found")
	}
	var b bytes.Buffer
	if err := diag.JSON(&b, c.Diagnostics); err != nil {
		t.Fatal(err)
	}
	fits(t, compile(t, "diagnostics"), b.Bytes())
}

func fits(t *testing.T, s *jsonschema.Schema, data []byte) {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%#v", err)
	}
}

// TestTestResults proves that what test --format json prints is what its schema says.
func TestTestResults(t *testing.T) {
	files, err := filepath.Glob("../workflows/tests/testdata/*/*.test.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests", err)
	}
	var open []*tests.File
	for _, f := range files {
		open = append(open, tests.Open(f))
	}
	var b bytes.Buffer
	if err := tests.Run(open, "").JSON(&b); err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if err := compile(t, "tests").Validate(v); err != nil {
		t.Errorf("%#v", err)
	}
}
