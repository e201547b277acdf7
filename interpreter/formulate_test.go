package interpreter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

const twoPipettes = `ot2flow: 1
name: two
params:
  recipes: {type: table, columns: {well: {type: well, in: plate}, water: volume, dye: volume}, default: [{well: A1, water: 150 uL, dye: 5 uL}, {well: B1, water: 12 uL, dye: 90 uL}]}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  trough: {type: nest_12_reservoir_15ml, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
  tips20: {type: opentrons_96_tiprack_20ul, slot: 5}
pipettes:
  large: {type: %s, mount: right, tips: [tips]}
  small: {type: p20_single_gen2, mount: left, tips: [tips20]}
liquids:
  water: {in: trough.A1, volume: 5 mL}
  dye: {in: trough.A4, volume: 12 mL, tip: tips.H12}
steps:
  - formulate: {%s}
`

// Each liquid of a formulation is given with the pipette that its volume asks
// for, and all volumes of one pipette come one after the other.
func TestFormulateChoosesByVolume(t *testing.T) {
	for _, c := range []struct{ large, keys, want string }{
		{"p300_single_gen2", "to: plate.A1, volumes: {water: 150 uL, dye: 5 uL}", "large 150 A1, small 5 A1"},
		{"p300_single_gen2", "to: plate.A1, volumes: {water: 150 uL, dye: 30 uL}, pipette: small", "small 18.75 A1 x 8, small 15 A1 x 2"},
		{"p300_single_gen2", "rows: recipes", "large 150 A1, small 12 B1, small 5 A1, large 90 B1"},
		{"p300_single_gen2", "rows: recipes, order: by_well", "large 150 A1, small 5 A1, small 12 B1, large 90 B1"},
		// The tip of the dye is among those of the large pipette.
		{"p300_single_gen2", "to: plate.A1, volumes: {dye: 20 uL}, tip: dedicated", "large 20 A1"},
		// Eight channels for the whole column, one for what is too little for them.
		{"p300_multi_gen2", "to: plate.column(1), volumes: {water: 150 uL, dye: 5 uL}", "large 150 A1, small 5 A1, small 5 B1, small 5 C1, small 5 D1, small 5 E1, small 5 F1, small 5 G1, small 5 H1"},
		{"p300_multi_gen2", "to: [plate.A1, plate.B1], volumes: {water: 15 uL}", "small 15 A1, small 15 B1"},
	} {
		plan, list := prepare(t, fmt.Sprintf(twoPipettes, c.large, c.keys)).Plan(interpreter.Input{})
		if plan == nil || list.HasErrors() { // one tip for both is not what this is about
			t.Errorf("%s: %v", c.keys, list)
			continue
		}
		if got := given(plan); got != c.want {
			t.Errorf("%s, %s:\n  got  %s\n  want %s", c.large, c.keys, got, c.want)
		}
	}
}

// given is what a plan gives: "large 150 A1"; what comes again is counted.
func given(plan *program.Plan) string {
	var out []string
	n := 0
	for i := range plan.Steps {
		op := &plan.Steps[i].Op
		if op.Kind != program.Dispense {
			continue
		}
		one := fmt.Sprintf("%s %g %s", plan.Deck.Pipettes[op.Pipette].Name, float64(op.Volume)/1000, plan.Deck.Well(op.Well).Name)
		if len(out) > 0 && strings.HasPrefix(out[len(out)-1]+" ", one+" ") {
			n++
			out[len(out)-1] = fmt.Sprintf("%s x %d", one, n)
			continue
		}
		out, n = append(out, one), 1
	}
	return strings.Join(out, ", ")
}
