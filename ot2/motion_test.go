package ot2_test

import (
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
)

// slotDeck has one labware in each slot: Labware[n-1] stands in slot n.
func slotDeck() *program.Deck {
	d := &program.Deck{}
	for _, s := range ot2.Slots() {
		d.Labware = append(d.Labware, program.Placed{Slot: s.Name, On: program.SlotPlace(s.Name)})
	}
	p300, _ := ot2.Pipette("p300_single_gen2")
	d.Pipettes = []program.Pipette{{Mount: "right", Model: p300}}
	return d
}

// in is the first well of the labware in a slot.
func in(slot int16) program.WellRef { return program.WellRef{Labware: slot - 1} }

func TestDuration(t *testing.T) {
	// The ways are worked out from the deck: slots 1 and 3 are 265 mm apart,
	// 12 and 9 are 90.5 mm.
	type step struct {
		op   program.Op
		want int64 // µs
	}
	for name, steps := range map[string][]step{
		"starts at the trash":      {{program.Op{Kind: program.PickUpTip, Well: in(9)}, 226_250 + 4_000_000}},
		"stays in a slot":          {{program.Op{Kind: program.DropTip, Trash: true, Well: program.None}, 500_000 + 10_000_000}},
		"returns across the deck":  {{program.Op{Kind: program.MoveTo, Well: in(1)}, 948_477}, {program.Op{Kind: program.ReturnTip, Well: in(3)}, 662_500 + 10_000_000}},
		"draws at a rate":          {{program.Op{Kind: program.MoveTo, Well: in(1)}, 948_477}, {program.Op{Kind: program.Aspirate, Well: in(3), Volume: 100_000, Rate: 50_000}, 662_500 + 444_500 + 2_000_000}},
		"gives at the model's own": {{program.Op{Kind: program.Dispense, Trash: true, Volume: 92_860}, 500_000 + 444_500 + 1_000_000}},
		"goes slowly":              {{program.Op{Kind: program.MoveTo, Well: in(1)}, 948_477}, {program.Op{Kind: program.Dispense, Well: in(3), Speed: 100_000, Volume: 1_000, Rate: 1_000_000}, 2_650_000 + 1_778_000 + 1_000}},
		"does not count the way":   {{program.Op{Kind: program.BlowOut, Well: in(1), Speed: 1_000}, 500_000}, {program.Op{Kind: program.TouchTip, Well: in(3)}, 500_000}, {program.Op{Kind: program.MoveTo, Well: in(1)}, 662_500}},
		"without a place":          {{program.Op{Kind: program.AirGap, Well: program.None, Volume: 10_000, Rate: 10_000}, 500_000 + 444_500 + 1_000_000}},
		"waits":                    {{program.Op{Kind: program.Delay, Duration: 1_500}, 1_500_000}},
		"of no time":               {{program.Op{Kind: program.Home}, 0}, {program.Op{Kind: program.Pause}, 0}, {program.Op{Kind: program.Comment}, 0}, {program.Op{Kind: program.EndRun}, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			timer := ot2.NewTimer(slotDeck())
			for i := range steps {
				if got := timer.Duration(&steps[i].op); got != steps[i].want {
					t.Errorf("step %d, %v: %d µs, want %d", i, steps[i].op.Kind, got, steps[i].want)
				}
			}
		})
	}
}

func TestDurationDoesNotAllocate(t *testing.T) {
	timer := ot2.NewTimer(slotDeck())
	ops := timedOps()
	if n := testing.AllocsPerRun(100, func() {
		for i := range ops {
			timer.Duration(&ops[i])
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDuration(b *testing.B) {
	timer := ot2.NewTimer(slotDeck())
	ops := timedOps()
	for i := 0; b.Loop(); i++ {
		timer.Duration(&ops[i%len(ops)])
	}
}

func timedOps() []program.Op {
	return []program.Op{
		{Kind: program.PickUpTip, Well: in(9)},
		{Kind: program.Aspirate, Well: in(3), Volume: 40_000, Rate: 92_860},
		{Kind: program.Dispense, Well: in(1), Volume: 40_000, Rate: 92_860},
		{Kind: program.BlowOut, Well: in(3), Speed: 100_000},
		{Kind: program.ReturnTip, Well: in(9)},
	}
}
