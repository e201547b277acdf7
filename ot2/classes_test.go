package ot2_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

const ownClass = `liquid_class: 1
name: syrup
aspirate: {rate: {20 uL: 10 uL/s, 120 uL: 60 uL/s}}
dispense: {push_out: {40 uL: 1 uL, 80 uL: 3 uL}}
pipettes:
  p300:
    aspirate: {correction: {20 uL: -1 uL, 60 uL: 0 uL, 100 uL: 4 uL}}
    tips: {opentrons_96_filtertiprack_200ul: {aspirate: {air_gap: {100 uL: 10 uL, 20 uL: 2 uL}}}}
  p300_single_gen2: {dispense: {rate: 33 uL/s}}
`

// TestOwnClass: what a file of a liquid class gives by volume lies on the lines
// between its points, and is that of the nearest point beyond them.
func TestOwnClass(t *testing.T) {
	for _, tc := range []struct {
		volume                         float64
		rate, correction, gap, pushOut float64
	}{
		{20, 10, -1, 2, 1},
		{40, 20, -0.5, 4, 1},
		{60, 30, 0, 6, 2},
		{70, 35, 1, 7, 2.5},
		{100, 50, 4, 10, 3},
		{120, 60, 4, 10, 3},
		{150, 60, 4, 10, 3},
	} {
		for _, rack := range []string{"opentrons_96_filtertiprack_200ul", "opentrons_96_tiprack_300ul"} {
			gap := tc.gap
			if strings.HasSuffix(rack, "300ul") {
				gap = 0 // it is said for the other tips
			}
			text := fmt.Sprintf("ot2flow: 1\nname: own\nlabware:\n  plate: {type: nest_96_wellplate_2ml_deep, slot: 1}\n  tips: {type: %s, slot: 2}\npipettes: {p: {type: p300_single_gen2, mount: left, tips: [tips]}}\n"+
				"liquids: {syrup: {in: plate.A1, volume: 1 mL, liquid_class: ./syrup.yaml}}\nsteps: [{transfer: {from: syrup, to: plate.A2, volume: %s uL}}]\n", rack, figure(tc.volume))
			bundle, list := spec.FromFiles("workflow.yaml", []spec.File{{Name: "workflow.yaml", Data: []byte(text)}, {Name: "syrup.yaml", Data: []byte(ownClass)}})
			prepared, more := workflows.Prepare(bundle)
			if list = append(list, more...); prepared == nil {
				t.Fatal(list)
			}
			plan, found := prepared.Plan(interpreter.Input{})
			if plan == nil {
				t.Fatal(found)
			}
			var got []string
			for i := range plan.Steps {
				switch op := &plan.Steps[i].Op; op.Kind {
				case program.Aspirate:
					got = append(got, fmt.Sprintf("draw %v at %v with %v more", mm(op.Volume), mm(op.Rate), mm(op.Correction)))
				case program.AirGap:
					got = append(got, fmt.Sprintf("air %v", mm(op.Volume)))
				case program.Dispense:
					got = append(got, fmt.Sprintf("give %v at %v past the end %v", mm(op.Volume), mm(op.Rate), mm(op.PushOut)))
				}
			}
			want := []string{fmt.Sprintf("draw %v at %v with %v more", tc.volume, tc.rate, tc.correction)}
			if gap > 0 {
				want = append(want, fmt.Sprintf("air %v", gap))
			}
			want = append(want, fmt.Sprintf("give %v at 33 past the end %v", tc.volume+gap, tc.pushOut))
			if !slices.Equal(got, want) {
				t.Errorf("%v uL with %s: %q, want %q", tc.volume, rack, got, want)
			}
		}
	}
}

// TestShippedClasses: each says what it is for and where its figures come from,
// and is read as a class of a user's own is.
func TestShippedClasses(t *testing.T) {
	if names := (ot2.Machine{}).LiquidClasses(); !slices.Equal(names, []string{"ethanol", "glycerol", "paint", "water"}) {
		t.Errorf("shipped are %v", names)
	}
	for _, name := range (ot2.Machine{}).LiquidClasses() {
		text, ok := ot2.LiquidClassFile(name)
		if !ok {
			t.Fatal(name)
		}
		src := spec.NewSource(&spec.File{Name: name + ".yaml", Data: text})
		root, list := src.Parse()
		c, _, more := spec.DecodeClass(src, root)
		if len(list)+len(more) > 0 || c.Name.Value != name || !c.Description.Set || !c.Source.Set {
			t.Errorf("%s: %v %v %+v", name, list, more, c)
		}
	}
}
