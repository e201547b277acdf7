package ot2_test

import (
	"slices"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// TestBesideModules compares the rules about pipettes beside modules with what
// the robot's software refuses (its heater-shaker movement flagger), and with
// Protocol Designer for modules of the first generation. The module is in slot
// 5, so that each side has a neighbour.
func TestBesideModules(t *testing.T) {
	const shaking, open, closed = "shaking", "open", "closed"
	for _, tt := range []struct {
		module, pipette, state string
		slot                   int
		rack                   bool
		want                   *diag.Code
	}{
		{"heater_shaker_gen1", "p300_single_gen2", closed, 4, false, nil},
		{"heater_shaker_gen1", "p300_single_gen2", closed, 8, false, nil},
		{"heater_shaker_gen1", "p300_single_gen2", "", 4, false, diag.LatchState},
		{"heater_shaker_gen1", "p300_single_gen2", open, 6, false, diag.LatchState},
		{"heater_shaker_gen1", "p300_single_gen2", open, 8, false, nil},
		{"heater_shaker_gen1", "p300_single_gen2", open, 1, false, nil},
		{"heater_shaker_gen1", "p300_single_gen2", shaking, 2, false, diag.Shaking},
		{"heater_shaker_gen1", "p300_single_gen2", shaking, 8, true, diag.Shaking},
		{"heater_shaker_gen1", "p300_single_gen2", shaking, 9, false, nil},
		{"heater_shaker_gen1", "p300_multi_gen2", closed, 4, true, diag.BesideShaker},
		{"heater_shaker_gen1", "p300_multi_gen2", closed, 2, false, diag.BesideShaker},
		{"heater_shaker_gen1", "p300_multi_gen2", closed, 2, true, nil},
		{"heater_shaker_gen1", "p300_multi_gen2", closed, 3, false, nil},
		{"magnetic_module_gen1", "p300_multi", "", 8, false, diag.BesideGen1},
		{"magnetic_module_gen1", "p300_multi", "", 2, false, nil},
		{"magnetic_module_gen1", "p300_multi_gen2", "", 8, false, nil},
		{"magnetic_module_gen2", "p300_multi", "", 8, false, nil},
		{"temperature_module_gen1", "p50_multi", "", 8, false, diag.BesideGen1},
		{"temperature_module_gen1", "p50_single", "", 8, false, nil},
	} {
		model, _ := ot2.Module(tt.module)
		pipette, _ := ot2.Pipette(tt.pipette)
		def := &program.Labware{LoadName: "plate", IsTipRack: tt.rack, Wells: []program.Well{{Name: "A1", MaxNL: 1}}}
		d := &program.Deck{
			Modules:  []program.Module{{Name: "m", Model: model, Slot: "5"}},
			Labware:  []program.Placed{{Name: "plate", Def: def, On: program.Place{On: program.OnSlot, Index: int16(tt.slot)}}},
			Pipettes: []program.Pipette{{Name: "p", Mount: "left", Model: pipette}},
		}
		s := program.NewState(d)
		var ops []program.Op
		switch tt.state {
		case open:
			ops = []program.Op{{Kind: program.OpenLatch}}
		case closed:
			ops = []program.Op{{Kind: program.CloseLatch}}
		case shaking:
			ops = []program.Op{{Kind: program.CloseLatch}, {Kind: program.Shake, RPM: 500}}
		}
		ops = append(ops, program.Op{Kind: program.MoveTo})
		sink := check.NewSink(ot2.Rules())
		for i := range ops {
			step := program.Step{N: i + 1, Op: ops[i], Frame: &program.Frame{}}
			touched := s.Apply(&step.Op)
			if err := sink.Step(&program.Transition{Step: &step, After: s, Touched: touched}); err != nil {
				t.Fatal(err)
			}
		}
		var got []*diag.Code
		for _, f := range sink.End(s) {
			got = append(got, f.Code)
		}
		if tt.want == nil && len(got) > 0 || tt.want != nil && !slices.Equal(got, []*diag.Code{tt.want}) {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
