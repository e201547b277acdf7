package run

import (
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// A pause waits until no tip holds liquid, a stop until no tip is on.
func TestGoodPlaces(t *testing.T) {
	plate := &program.Labware{Wells: []program.Well{{Name: "A1", MaxNL: 1e6}}}
	rack := &program.Labware{IsTipRack: true, Wells: []program.Well{{Name: "A1", MaxNL: 3e5}, {Name: "A2", MaxNL: 3e5}}}
	deck := &program.Deck{
		Labware:  []program.Placed{{Name: "plate", Def: plate}, {Name: "tips", Def: rack}},
		Pipettes: []program.Pipette{{Name: "p", Model: &program.PipetteModel{Channels: 1, MaxNL: 3e5}, Racks: []int{1}}},
		Liquids:  []program.Liquid{{Name: "water", Wells: []program.WellRef{{}}, VolumeNL: []int64{5e5}, Tip: program.None}},
	}
	p := &program.Plan{Deck: deck}
	for i, op := range []program.Op{
		{Kind: program.PickUpTip, Well: program.WellRef{Labware: 1}}, // 1
		{Kind: program.Aspirate, Volume: 1e4},                        // 2
		{Kind: program.Dispense, Volume: 1e4},                        // 3
		{Kind: program.Aspirate, Volume: 1e4},                        // 4
		{Kind: program.Dispense, Volume: 1e4},                        // 5
		{Kind: program.DropTip, Trash: true, Well: program.None},     // 6
	} {
		p.Steps = append(p.Steps, program.Step{N: i + 1, Op: op})
	}
	for _, c := range []struct {
		done        int
		begun       bool
		pause, stop int
	}{
		{0, false, 0, 0}, {0, true, 1, 6}, {1, true, 3, 6}, {2, true, 3, 6}, {3, false, 3, 6}, {3, true, 5, 6}, {5, true, 6, 6}, {6, true, 6, 6},
	} {
		if got := pausePoint(p, &stepClock{}, c.done, c.begun, 0); got != c.pause {
			t.Errorf("pause with %d done, begun %v: after %d, want %d", c.done, c.begun, got, c.pause)
		}
		if got := stopPoint(p, &stepClock{}, c.done, c.begun, 0); got != c.stop {
			t.Errorf("stop with %d done, begun %v: after %d, want %d", c.done, c.begun, got, c.stop)
		}
	}
}
