package interpreter_test

import (
	"fmt"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Eight tips in one trough lower its surface as one tip does that draws eight
// times as much, and a column is drawn from as its lowest well asks for.
func TestLiquidHeightOfEightTips(t *testing.T) {
	const bench = `ot2flow: 1
name: heights
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  trough: {type: nest_12_reservoir_15ml, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
  p300_8: {type: p300_multi_gen2, mount: left, tips: [tips]}
liquids:
  water: {in: trough.A1, volume: 9 mL}
  low: {in: plate.C1, volume: 150 uL}
  high: {in: ['plate.A1:B1', 'plate.D1:H1'], volume: 300 uL}
  half: {in: 'plate.column(3)', volume: 100 uL}
steps:
  - transfer: {from: %s, to: %s, volume: %s, pipette: %s, %s}
`
	height := func(kind program.Kind, args ...any) int32 {
		plan, list := prepare(t, fmt.Sprintf(bench, args...)).Plan(interpreter.Input{})
		for i := range plan.Steps {
			if op := &plan.Steps[i].Op; op.Kind == kind {
				return op.At.Z
			}
		}
		t.Fatal(list)
		return 0
	}
	draw, give := "aspirate: {at: liquid - 1 mm}", "dispense: {at: liquid + 1 mm}"
	for _, c := range []struct {
		name       string
		kind       program.Kind
		eight, one []any
	}{
		{"draws from a trough", program.Aspirate, []any{"water", "plate.column(5)", "30 uL", "p300_8", draw}, []any{"water", "trough.A5", "240 uL", "p300", draw}},
		{"gives into a trough", program.Dispense, []any{"half", "trough.A1", "30 uL", "p300_8", give}, []any{"high", "trough.A1", "240 uL", "p300", give}},
		{"draws from a column", program.Aspirate, []any{"plate.column(1)", "plate.column(5)", "30 uL", "p300_8", draw}, []any{"low", "trough.A5", "30 uL", "p300", draw}},
		{"gives into a column", program.Dispense, []any{"water", "plate.column(1)", "30 uL", "p300_8", give}, []any{"water", "plate.A1", "30 uL", "p300", give}},
	} {
		if eight, one := height(c.kind, c.eight...), height(c.kind, c.one...); eight != one || eight <= 1000 {
			t.Errorf("%s at %d µm, and one tip at %d", c.name, eight, one)
		}
	}
}
