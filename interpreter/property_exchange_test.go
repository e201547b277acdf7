package interpreter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

const getsFull = `ot2flow: 1
name: gets_full
labware:
%s
  trough: {type: nest_1_reservoir_195ml, slot: 10}
  tips: {type: opentrons_96_tiprack_300ul, slot: 11}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  dye: {in: trough.A1, volume: 190 mL}
%s
steps:
  - for: i in range(%d)
    transfer: {from: dye, to: 'next_empty(%s)', volume: 20 uL + i * 1 uL}
`

// exchanges follows what a person exchanges, and whether it is time for it.
type exchanges struct {
	t          *rapid.T
	wells      int // in use since the plate was new
	each, n    int
	homed, wet bool
}

func (e *exchanges) Step(t *program.Transition) error {
	switch op := &t.Step.Op; op.Kind {
	case program.Exchange:
		if e.wells != e.each || e.wet || !e.homed {
			e.t.Fatalf("step %d: exchanged with %d of %d wells in use; liquid in a tip: %v; gantry away: %v", t.Step.N, e.wells, e.each, e.wet, e.homed)
		}
		e.n, e.wells = e.n+1, 0
	case program.Dispense:
		e.wells++
	default:
	}
	e.homed = t.Step.Op.Kind == program.Home
	e.wet = t.After.Mounts[0].Held.Volume > 0
	return nil
}

// A plate that is exchanged where it is full, and several that stand there from the
// beginning: the same liquid gets into the same wells, in the same order.
func TestWhatIsFullIsExchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		each := rapid.IntRange(2, 24).Draw(t, "wells of each")
		n := rapid.IntRange(1, 4*each).Draw(t, "wells in all")
		standard := rapid.Bool().Draw(t, "a standard in each")
		var plates, liquids, all strings.Builder
		for i := 1; i <= 4; i++ {
			fmt.Fprintf(&plates, "  p%d: {type: corning_96_wellplate_360ul_flat, slot: %d}\n", i, i)
			if standard {
				fmt.Fprintf(&liquids, "  s%d: {in: p%d.A1, volume: 33 uL}\n", i, i)
			}
			fmt.Fprintf(&all, "p%d.first(%d), ", i, each)
		}
		few := fmt.Sprintf(getsFull, "  p1: {type: corning_96_wellplate_360ul_flat, slot: 1, exchange: ask}", firstLine(liquids.String()), n, fmt.Sprintf("p1.first(%d)", each))
		many := fmt.Sprintf(getsFull, strings.TrimSuffix(plates.String(), "\n"), liquids.String(), n, "["+strings.TrimSuffix(all.String(), ", ")+"]")
		if standard {
			each--
		}
		if n > 4*each {
			return
		}
		e := &exchanges{t: t, each: each}
		got, list, err := prepare(t, few).Prove(interpreter.Input{}, e)
		if err != nil || list.HasErrors() {
			t.Fatalf("%v %v\n%s", list, err, few)
		}
		want, list, err := prepare(t, many).Prove(interpreter.Input{}, &exchanges{t: t, each: each})
		if err != nil || list.HasErrors() {
			t.Fatalf("%v %v\n%s", list, err, many)
		}
		if away := (n - 1) / each; e.n != away || len(got.State.Away()) != away {
			t.Fatalf("exchanged %d times, %d remembered, want %d\n%s", e.n, len(got.State.Away()), away, few)
		}
		for plate := range (n-1)/each + 1 {
			for w := range got.Deck.Labware[0].Def.Wells {
				a, _ := got.State.Content(program.WellRef{Labware: 0, Well: int16(w)})
				if plate < len(got.State.Away()) {
					a = &got.State.Away()[plate].Wells[w]
				}
				b, _ := want.State.Content(program.WellRef{Labware: int16(plate), Well: int16(w)})
				if diff := cmp.Diff([]int64{b.Volume, b.Parts[0]}, []int64{a.Volume, a.Parts[0]}); diff != "" || a.Touched != b.Touched {
					t.Fatalf("well %d of plate %d: %s\n%s", w, plate+1, diff, few)
				}
			}
		}
	})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
