package ledger

import (
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// What is otherwise than it was left is told once each, with what to do, and
// matters where a plan uses it.
func TestAgainst(t *testing.T) {
	plate := &program.Labware{Namespace: "lab", LoadName: "plate", Version: 1, Wells: []program.Well{{Name: "A1"}}}
	rack := &program.Labware{Namespace: "lab", LoadName: "rack", Version: 1, IsTipRack: true, Wells: []program.Well{{Name: "A1"}}}
	cold := &program.ModuleModel{Name: "cold", RobotName: "coldV1"}
	at := func(slot string) program.Place {
		for i := range int16(13) {
			if p := (program.Place{On: program.OnSlot, Index: i}); program.SlotName(p) == slot {
				return p
			}
		}
		t.Fatal(slot)
		return program.Place{}
	}
	deck := &program.Deck{
		Labware: []program.Placed{
			{Name: "plate", Slot: "1", On: at("1"), Def: plate, Keep: true},
			{Name: "tips", Slot: "4", On: at("4"), Def: rack, Keep: true},
		},
		Modules:  []program.Module{{Name: "c", Model: cold, Slot: "9"}},
		Pipettes: []program.Pipette{{Name: "p", Mount: "left", Model: &program.PipetteModel{Name: "p20"}}},
	}
	deck.Liquids = []program.Liquid{{Name: "red", Wells: []program.WellRef{{}}, VolumeNL: []int64{5000}, Tip: program.None}}
	l := &Ledger{
		Labware: []Labware{{Place: "1", Definition: "lab/plate/1", Run: "r1", Wells: []Well{{Well: "A1", NL: 9000, Parts: []Part{{"red", 4000}, {"blue", 5000}}}}}, {Place: "4", Definition: "lab/other/1", Run: "r1"}},
		Offsets: []Offset{{Place: "1", Definition: "lab/plate/1", X: 100}},
		Tools: []Tool{
			{Mount: "left", Model: "p20", Serial: "L1", Run: "r1"},
			{Mount: "right", Model: "p300", Serial: "R1", Run: "r1"},
			{Model: "coldV1", Serial: "C1", Run: "r1"},
			{Model: "warmV1", Serial: "W1", Run: "r1"},
		},
	}
	same := func() *Found { return &Found{Tools: l.Tools, Offsets: l.Offsets} }
	for name, c := range map[string]struct {
		change  func(*Found)
		fresh   []string
		want    string // the beginning of the only drift; empty: none
		matters bool
	}{
		"another liquid":              {func(*Found) { l.Labware[0].Wells[0].Parts = []Part{{"blue", 9000}} }, []string{"4"}, "slot 1 plate: A1 was left with 9 uL blue; the plan takes red from there; put the one with red there, and say so: --new 1", true},
		"that is said to be new":      {func(*Found) { l.Labware[0].Wells[0].Parts = []Part{{"blue", 9000}} }, []string{"1", "4"}, "", false},
		"nothing but the rack":        {want: "slot 4: other was there in run r1; the plan takes tips of rack (tips) there", matters: true},
		"a rack that is said":         {fresh: []string{"4"}},
		"all is said":                 {fresh: []string{"all"}},
		"the pipette it uses":         {func(f *Found) { f.Tools[0].Serial = "L2" }, []string{"4"}, "left mount: the p20 L1 was there in run r1; now the p20 L2 is", true},
		"another pipette":             {func(f *Found) { f.Tools[1].Serial = "R2" }, []string{"4"}, "right mount: the p300 R1 was there in run r1; now the p300 R2 is", false},
		"a pipette that is gone":      {func(f *Found) { f.Tools = append(f.Tools[:1:1], f.Tools[2:]...) }, []string{"4"}, "right mount: the p300 R1 was there in run r1; nothing is attached", false},
		"the module it uses":          {func(f *Found) { f.Tools[2].Serial = "C2" }, []string{"4"}, "coldV1: C1 was there in run r1; now C2 is", true},
		"a module that is gone":       {func(f *Found) { f.Tools = f.Tools[:3] }, []string{"4"}, "warmV1: W1 was there in run r1; it is not connected", false},
		"one module more":             {func(f *Found) { f.Tools = append(f.Tools, Tool{Model: "coldV1", Serial: "C2"}) }, []string{"4"}, "", false},
		"an offset":                   {func(f *Found) { f.Offsets[0].X = 200 }, []string{"4"}, "slot 1 plate: the offset is x 0.1 mm, y 0 mm, z 0 mm; on the robot somebody has measured x 0.2 mm", true},
		"an offset of something else": {func(f *Found) { f.Offsets[0].Place = "2" }, []string{"4"}, "", false},
		"runs of others":              {func(f *Found) { f.Others = []string{"a", "b"} }, []string{"4"}, "the deck: it is known as the last run of this journal left it; others have done since: a, b", true},
	} {
		l.Labware[0].Wells[0].Parts = []Part{{"red", 4000}, {"blue", 5000}}
		f := same()
		f.Tools, f.Offsets = append([]Tool(nil), f.Tools...), append([]Offset(nil), f.Offsets...)
		if c.change != nil {
			c.change(f)
		}
		got := l.Against(deck, f, c.fresh)
		switch {
		case c.want == "" && len(got) == 0:
		case c.want == "" || len(got) != 1 || !strings.HasPrefix(got[0].String(), c.want) || got[0].Matters != c.matters:
			t.Errorf("%s: %v, want %q, which matters: %t", name, got, c.want, c.matters)
		}
		for _, d := range l.Against(nil, f, nil) { // without a plan nothing can be refused
			if d.Matters {
				t.Errorf("%s, without a plan: %s matters", name, &d)
			}
		}
	}
}
