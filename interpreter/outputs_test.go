package interpreter_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/diag"
)

const outputDeck = `ot2flow: 1
name: returning
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: plate.H12, volume: 300 uL}
`

const returning = outputDeck + `vars: {n: 0}
steps:
  - for: w in plate.first(3)
    do:
      - transfer: {from: water, to: w, volume: 50 uL}
      - set: {n: n + 1}
outputs:
  n: {value: n, type: integer, description: how many}
  third: n / 9
  left: plate.C1.volume
  wells: {value: plate.A1:B1, type: wells}
  many: plate.first(2)
  all: {value: n == 3, type: boolean}
  list: '[1 uL, 2 uL]'
  text: plate.A1.name + "\n"
  none: find(plate.first(1), .volume > 1 mL)
`

// TestOutputs proves that what a workflow returns is computed behind the last
// step, has its type, and stays what it is in a plan that was kept.
func TestOutputs(t *testing.T) {
	plan, list := prepare(t, returning).Plan(interpreter.Input{})
	if plan == nil {
		t.Fatal(list)
	}
	want := []program.Output{
		{Name: "n", Type: "integer", Value: "3"},
		{Name: "third", Type: "number", Value: "0.3333333333333333"},
		{Name: "left", Type: "volume", Value: `"50 uL"`},
		{Name: "wells", Type: "list of wells", Value: `["plate.A1", "plate.B1"]`},
		{Name: "many", Type: "list of wells", Value: `["plate.A1", "plate.B1"]`},
		{Name: "all", Type: "boolean", Value: "true"},
		{Name: "list", Type: "list of volumes", Value: `["1 uL", "2 uL"]`},
		{Name: "text", Type: "text", Value: `"A1\n"`},
		{Name: "none", Type: "well", Value: "null"},
	}
	if diff := cmp.Diff(want, plan.Outputs); diff != "" {
		t.Error(diff)
	}
	plan.Files = append(plan.Files, program.File{Name: "book.xlsx", Data: []byte("PK\x03\x04\xff\xfe\x00")})
	var kept bytes.Buffer
	if err := plan.Write(&kept, true); err != nil {
		t.Fatal(err)
	}
	again, err := program.Read(kept.Bytes(), ot2.Machine{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plan.Outputs, again.Outputs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(plan.Files, again.Files); diff != "" {
		t.Error(diff)
	}
}

// TestNoOutputsAfterErrors proves that a program that is wrong returns nothing.
func TestNoOutputsAfterErrors(t *testing.T) {
	p := prepare(t, outputDeck+"steps:\n  - fail: no\noutputs:\n  n: 1\n")
	end, list, err := p.Prove(interpreter.Input{})
	if err != nil || len(list) != 1 || list[0].Severity != diag.Error || end.Outputs != nil {
		t.Error(end.Outputs, list, err)
	}
}
