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

const runsOut = `ot2flow: 1
name: runs_out
labware:
  plate: {type: nest_96_wellplate_2ml_deep, slot: 1}
  trough: {type: nest_12_reservoir_15ml, slot: 2}
  large: {type: nest_1_reservoir_195ml, slot: 6}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
  more: {type: opentrons_96_tiprack_300ul, slot: 4}
  spare: {type: opentrons_96_tiprack_300ul, slot: 5}
pipettes:
  p300: {type: p300_single_gen2, mount: right, %s}
liquids:
  dye: {in: %s, volume: %s}
steps:
%s`

// brought follows what a person brings, and whether it is time for it.
type brought struct {
	t          *rapid.T
	below      int64 // nL that stay in each well of the dye
	most       int64 // nL that are drawn at once
	racks      int
	tips       int  // picked up since the racks were new
	homed, wet bool // the step before sent the gantry away; a tip holds liquid
}

func (b *brought) Step(t *program.Transition) error {
	op := &t.Step.Op
	if op.Kind.Supplies() && (b.wet || !b.homed) {
		b.t.Fatalf("step %d: liquid in a tip: %v; gantry away: %v", t.Step.N, b.wet, b.homed)
	}
	switch op.Kind {
	case program.PickUpTip:
		b.tips++
	case program.NewTips:
		if b.tips != 96 {
			b.t.Fatalf("step %d: new racks after %d tips", t.Step.N, b.tips)
		}
		b.racks, b.tips = b.racks+1, 0
	case program.Refill:
		for i := range t.Touched.Wells {
			if v := t.Touched.Wells[i].Before.Volume; v >= b.most+b.below {
				b.t.Fatalf("step %d: filled up where %d nL are there and at most %d drawn", t.Step.N, v, b.most)
			}
		}
	case program.Aspirate:
		for i := range t.Touched.Wells {
			if c, _ := t.After.Content(t.Touched.Wells[i].Well); c.Volume < b.below && t.Touched.Wells[i].Moved > 0 {
				b.t.Fatalf("step %d: %d nL stay, less than %d", t.Step.N, c.Volume, b.below)
			}
		}
	default:
	}
	b.homed = op.Kind == program.Home || op.Kind.Supplies()
	b.wet = t.After.Mounts[0].Held.Volume > 0
	return nil
}

// With one rack and little of a liquid, both of which a person brings again, wells
// get the same as with all that there could be; racks are new when no tip is left,
// and a liquid is filled up when no well has enough of it, and never before.
func TestWhatIsBroughtIsEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps strings.Builder
		const most = 250_000
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			n := rapid.IntRange(1, 96).Draw(t, "wells")
			v := rapid.Int64Range(20_000, most).Draw(t, "nL")
			kind := rapid.SampledFrom([]string{"transfer", "distribute"}).Draw(t, "kind")
			more := ""
			if kind == "distribute" {
				more = ", disposal: 0 uL"
			}
			fmt.Fprintf(&steps, "  - %s: {from: dye, to: plate.first(%d), volume: %s, tip: %s%s}\n", kind, n, uL(v), rapid.SampledFrom([]string{"new", "once"}).Draw(t, "tip"), more)
		}
		below := rapid.Int64Range(0, 200_000).Draw(t, "below")
		wells := rapid.SampledFrom([]string{"trough.A1", "trough.A1:A3"}).Draw(t, "in")
		volume := rapid.Int64Range(600_000, 3_000_000).Draw(t, "volume")
		refill := rapid.SampledFrom([]string{"{below: %s}", "{to: 3 mL, below: %s}"}).Draw(t, "refill")
		little := fmt.Sprintf(runsOut, "tips: [tips], refill: ask", wells, uL(volume)+", refill: "+fmt.Sprintf(refill, uL(below)), steps.String())
		whole := fmt.Sprintf(runsOut, "tips: [tips, more, spare]", "large.A1", "195 mL", steps.String())
		b := &brought{t: t, below: below, most: 300_000}
		end, list, err := prepare(t, little).Prove(interpreter.Input{}, b)
		if err != nil || list.HasErrors() {
			t.Fatalf("%v %v\n%s", list, err, little)
		}
		n := &brought{t: t, most: 1 << 40}
		want, list, err := prepare(t, whole).Prove(interpreter.Input{}, tipCounter{n})
		if list.HasErrors() || err != nil {
			if n.tips <= 3*96 {
				t.Fatalf("%v %v\n%s", list, err, whole)
			}
			return
		}
		if used := b.racks*96 + b.tips; used != n.tips {
			t.Fatalf("%d tips of %d racks, and of many %d\n%s", used, b.racks+1, n.tips, little)
		}
		got, all := contents(end.State), contents(want.State)
		for name := range got {
			if !strings.HasPrefix(name, "plate.") {
				delete(got, name)
			}
		}
		delete(all, "large.A1")
		if diff := cmp.Diff(all, got); diff != "" {
			t.Fatalf("%s\n%s", diff, little)
		}
	})
}

// tipCounter only counts.
type tipCounter struct{ b *brought }

func (c tipCounter) Step(t *program.Transition) error {
	if t.Step.Op.Kind == program.PickUpTip {
		c.b.tips++
	}
	return nil
}
