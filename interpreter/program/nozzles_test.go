package program

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// grid is a labware of rows and columns with wells every pitch µm, round ones
// of two thirds of it.
func grid(rows, columns int, pitch, volume int64) *Labware {
	l := &Labware{}
	for c := range columns {
		var column []int
		for r := range rows {
			column = append(column, len(l.Wells))
			l.Wells = append(l.Wells, Well{
				Name: fmt.Sprintf("%c%d", 'A'+r, c+1), X: 14_000 + int64(c)*pitch, Y: 74_000 - int64(r)*pitch,
				Round: true, Diameter: pitch * 2 / 3, MaxNL: volume,
			})
		}
		l.Columns = append(l.Columns, column)
	}
	return l
}

// eightDeck has an 8-channel and a single-channel pipette, a plate of 96, one
// of 384, a trough, a reservoir of 12, a rack of 24 tubes and two racks of
// tips.
func eightDeck() *Deck {
	trough := &Labware{CenterMultichannel: true, Wells: []Well{{Name: "A1", X: 64_000, Y: 43_000, XSize: 108_000, YSize: 72_000, MaxNL: 195_000_000}}, Columns: [][]int{{0}}}
	troughs := &Labware{CenterMultichannel: true}
	for c := range 12 {
		troughs.Wells = append(troughs.Wells, Well{Name: fmt.Sprintf("A%d", c+1), X: 14_000 + int64(c)*9000, Y: 43_000, XSize: 8_200, YSize: 72_000, MaxNL: 15_000_000})
		troughs.Columns = append(troughs.Columns, []int{c})
	}
	rack := grid(8, 12, 9000, 300_000)
	rack.IsTipRack = true
	deck := &Deck{
		Labware: []Placed{
			{Name: "plate", Def: grid(8, 12, 9000, 360_000)},
			{Name: "small", Def: grid(16, 24, 4500, 112_000)},
			{Name: "trough", Def: trough},
			{Name: "troughs", Def: troughs},
			{Name: "tubes", Def: grid(4, 6, 19_300, 1_500_000)},
			{Name: "tips", Def: rack},
			{Name: "more", Def: rack},
		},
		Pipettes: []Pipette{
			{Name: "m300", Mount: "left", Model: &PipetteModel{Channels: 8, MaxNL: 300_000}, Racks: []int{5}},
			{Name: "p300", Mount: "right", Model: &PipetteModel{Channels: 1, MaxNL: 300_000}, Racks: []int{6}},
		},
	}
	for i := range 8 {
		deck.Liquids = append(deck.Liquids, Liquid{Name: fmt.Sprintf("s%d", i), Wells: []WellRef{{0, int16(i)}}, VolumeNL: []int64{int64(100_000 + 1000*i)}, Tip: None})
	}
	deck.Liquids = append(deck.Liquids, Liquid{Name: "water", Wells: []WellRef{{2, 0}}, VolumeNL: []int64{100_000_000}, Tip: None})
	return deck
}

// TestReach has, for layouts and wells, the wells that the channels are in,
// from the primary nozzle on; x is over none.
func TestReach(t *testing.T) {
	s := NewState(eightDeck())
	for _, c := range []struct {
		nozzles Nozzles
		well    string
		want    string
	}{
		{AllNozzles, "plate.A3", "A3 B3 C3 D3 E3 F3 G3 H3"},
		{AllNozzles, "plate.B3", "B3 C3 D3 E3 F3 G3 H3 x"},
		{AllNozzles, "small.A1", "A1 C1 E1 G1 I1 K1 M1 O1"},
		{AllNozzles, "small.B24", "B24 D24 F24 H24 J24 L24 N24 P24"},
		{AllNozzles, "small.C1", "C1 E1 G1 I1 K1 M1 O1 x"},
		{AllNozzles, "trough.A1", "A1 A1 A1 A1 A1 A1 A1 A1"},
		{AllNozzles, "troughs.A12", "A12 A12 A12 A12 A12 A12 A12 A12"},
		{AllNozzles, "tubes.A1", "A1 x B1 x C1 C1 D1 D1"},
		{AllNozzles, "tips.A12", "A12 B12 C12 D12 E12 F12 G12 H12"},
		{NozzleH1, "plate.D5", "D5"},
		{NozzleA1, "plate.D5", "D5"},
		{NozzleH1, "tubes.D6", "D6"},
		{NozzlesE1H1, "plate.D5", "D5 C5 B5 A5"},
		{NozzlesE1H1, "plate.H5", "H5 G5 F5 E5"},
		{NozzlesE1H1, "plate.C5", "C5 B5 A5 x"},
		{NozzlesE1H1, "small.H1", "H1 F1 D1 B1"},
		{NozzlesB1H1, "trough.A1", "A1 A1 A1 A1 A1 A1 A1"},
		{NozzlesG1H1, "troughs.A1", "A1 A1"},
	} {
		labware, well, _ := strings.Cut(c.well, ".")
		r := WellRef{}
		for i := range s.Deck.Labware {
			if s.Deck.Labware[i].Name == labware {
				w, _ := s.Deck.Labware[i].Def.Well(well)
				r = WellRef{int16(i), int16(w)}
			}
		}
		var got []string
		for _, w := range s.Reach(0, c.nozzles, r) {
			name := "x"
			if w >= 0 {
				name = s.Deck.Well(WellRef{r.Labware, w}).Name
			}
			got = append(got, name)
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%v at %s: %s, want %s", c.nozzles, c.well, got, c.want)
		}
	}
}

// Tips are taken as the vendor's software takes them: a full column; with H1
// first from the back of a column, with A1 first from its front; several
// together only where all are new.
func TestNextTipOfLayouts(t *testing.T) {
	for _, c := range []struct {
		nozzles Nozzles
		want    string
	}{
		{AllNozzles, "A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12"},
		{NozzleH1, "A1 B1 C1 D1 E1 F1 G1 H1 A2 B2 C2 D2"},
		{NozzleA1, "H1 G1 F1 E1 D1 C1 B1 A1 H2 G2 F2 E2"},
		{NozzlesG1H1, "B1 D1 F1 H1 B2 D2"},
		{NozzlesF1H1, "C1 F1 C2 F2 C3"},
		{NozzlesE1H1, "D1 H1 D2 H2"},
		{NozzlesB1H1, "G1 G2 G3"},
	} {
		s := NewState(eightDeck())
		s.Mounts[0].Nozzles = c.nozzles
		want := strings.Fields(c.want)
		var got []string
		for range want {
			w, ok := s.NextTip(0, c.nozzles)
			if !ok {
				break
			}
			got = append(got, s.Deck.Well(w).Name)
			if f := s.Apply(&Op{Kind: PickUpTip, Well: w}).Faults; f != 0 {
				t.Errorf("%v at %s: %b", c.nozzles, s.Deck.WellName(w), f)
			}
			s.Apply(&Op{Kind: DropTip, Trash: true, Well: None})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", c.nozzles, diff)
		}
	}
}

// TestEightFaults has what is wrong with operations of several channels, and
// the place it is about.
func TestEightFaults(t *testing.T) {
	tips := func(w int16) WellRef { return WellRef{5, w} }
	for _, c := range []struct {
		name   string
		ops    []Op
		faults Fault
		about  WellRef
	}{
		{"a column", []Op{pick(tips(0))}, 0, None},
		{"half a column", []Op{pick(tips(4))}, OffWell, None},
		{"a column with a tip gone", []Op{{Kind: PickUpTip, Pipette: 1, Well: tips(3)}, pick(tips(0))}, TipMissing, tips(3)},
		{"one in the middle", []Op{{Kind: ConfigureNozzles, Nozzles: NozzleH1}, pick(tips(3))}, TipsBeside, tips(0)},
		{"one at the back", []Op{{Kind: ConfigureNozzles, Nozzles: NozzleH1}, pick(tips(0))}, 0, None},
		{"one at the front", []Op{{Kind: ConfigureNozzles, Nozzles: NozzleA1}, pick(tips(7))}, 0, None},
		{"one at the wrong end", []Op{{Kind: ConfigureNozzles, Nozzles: NozzleA1}, pick(tips(0))}, TipsBeside, tips(1)},
		{"nozzles with a tip on", []Op{pick(tips(0)), {Kind: ConfigureNozzles, Nozzles: NozzleA1}}, HasTip, None},
		{"onto tips", []Op{pick(tips(0)), {Kind: DropTip, Well: tips(8)}}, PlaceTaken, tips(8)},
		{"into tubes", []Op{pick(tips(0)), draw(WellRef{4, 0}, 1000)}, OffWell | Short, None},
		{"over what is there", []Op{pick(tips(0)), draw(WellRef{0, 0}, 103_000)}, Short, None},
	} {
		s := NewState(eightDeck())
		var last *Touched
		for i := range c.ops {
			last = s.Apply(&c.ops[i])
		}
		if last.Faults != c.faults || last.Beside != c.about {
			t.Errorf("%s: %b about %s", c.name, last.Faults, s.Deck.WellName(last.Beside))
		}
	}
}

// A lack is told of the wells that lack, each by how much.
func TestEightShort(t *testing.T) {
	s := NewState(eightDeck())
	s.Apply(&Op{Kind: PickUpTip, Well: WellRef{5, 0}})
	touched := s.Apply(&Op{Kind: Aspirate, Well: WellRef{0, 0}, Volume: 103_500})
	var got []string
	for _, d := range touched.Wells {
		if d.Faults == Short {
			got = append(got, fmt.Sprint(s.Deck.WellName(d.Well), " ", d.Missing))
		}
	}
	if diff := cmp.Diff([]string{"plate.A1 3500", "plate.B1 2500", "plate.C1 1500", "plate.D1 500"}, got); diff != "" {
		t.Error(diff)
	}
	touched = s.Apply(&Op{Kind: Aspirate, Well: WellRef{2, 0}, Volume: 20_000})
	if len(touched.Wells) != 1 || touched.Wells[0].Moved != 160_000 || touched.Moved != 160_000 {
		t.Errorf("a trough loses %+v", touched.Wells)
	}
}

func drawEight(t *rapid.T) Op {
	op := Op{Kind: rapid.SampledFrom([]Kind{PickUpTip, Aspirate, Dispense, AirGap, BlowOut, DropTip, ReturnTip, ConfigureNozzles}).Draw(t, "kind")}
	op.Volume = rapid.Int64Range(0, 150_000).Draw(t, "volume")
	op.Well = WellRef{rapid.SampledFrom([]int16{0, 0, 1, 2, 3, 4}).Draw(t, "labware"), 0}
	switch op.Kind {
	case PickUpTip, DropTip, ReturnTip:
		op.Well.Labware = 5
		op.Trash = op.Kind == DropTip && rapid.Bool().Draw(t, "trash")
	case ConfigureNozzles:
		op.Nozzles = Nozzles(rapid.IntRange(0, Layouts-1).Draw(t, "nozzles"))
	}
	return op
}

func drawWell(t *rapid.T, s *State, op *Op) {
	n := len(s.Deck.Labware[op.Well.Labware].Def.Wells)
	op.Well.Well = int16(rapid.IntRange(0, n-1).Draw(t, "well"))
}

// Revert leaves no trace of what several channels did.
func TestRevertEight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewState(eightDeck())
		for range rapid.IntRange(0, 8).Draw(t, "before") {
			op := drawEight(t)
			drawWell(t, s, &op)
			s.Apply(&op)
		}
		op := drawEight(t)
		drawWell(t, s, &op)
		before := s.Clone()
		s.Revert(&op, s.Apply(&op))
		for i := range s.Mounts {
			s.Mounts[i].Last, s.Mounts[i].At = before.Mounts[i].Last, before.Mounts[i].At
		}
		if !reflect.DeepEqual(whole(before), whole(s)) {
			diff := cmp.Diff(whole(before), whole(s))
			t.Fatalf("%v leaves a trace:\n%s", op.Kind, diff)
		}
	})
}

// everything is all liquid on the deck and in tips, by name.
func everything(s *State) []int64 {
	sum := make([]int64, s.width)
	for i := range s.wells {
		for w := range s.wells[i] {
			for k, v := range s.wells[i][w].Parts {
				sum[k] += v
			}
		}
	}
	for i := range s.Mounts {
		s.Mounts[i].Parts(sum)
	}
	return sum
}

// Drawing and giving with eight channels moves liquid, and makes and loses
// none; what was lacking is what has no name.
func TestEightChannelsConserve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewState(eightDeck())
		s.Apply(&Op{Kind: ConfigureNozzles, Nozzles: Nozzles(rapid.IntRange(0, Layouts-1).Draw(t, "nozzles"))})
		tip, _ := s.NextTip(0, s.Mounts[0].Nozzles)
		s.Apply(&Op{Kind: PickUpTip, Well: tip})
		start := everything(s)
		lacked := int64(0)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			op := drawEight(t)
			op.Kind = rapid.SampledFrom([]Kind{Aspirate, Dispense}).Draw(t, "which")
			op.Trash = false
			op.Well.Labware = rapid.SampledFrom([]int16{0, 1, 2, 3}).Draw(t, "labware")
			drawWell(t, s, &op)
			for _, w := range s.Reach(0, s.Mounts[0].Nozzles, op.Well) {
				if w < 0 {
					op.Well = WellRef{2, 0} // everything reaches the trough
					break
				}
			}
			touched := s.Apply(&op)
			moved := int64(0)
			for _, d := range touched.Wells {
				moved += d.Moved
				if d.Faults&Short != 0 {
					lacked += d.Missing
				}
			}
			if moved != touched.Moved || s.Mounts[0].Total() != s.Mounts[0].Held.Volume*int64(s.Deck.Pipettes[0].Model.Active(s.Mounts[0].Nozzles)) {
				t.Fatalf("moved %d, wells %d", touched.Moved, moved)
			}
		}
		want := append([]int64(nil), start...)
		want[s.width-1] += lacked
		if diff := cmp.Diff(want, everything(s)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Eight channels do to a plate what one channel does in eight rounds.
func TestEightChannelsAreEightTimesOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		eight, one := NewState(eightDeck()), NewState(eightDeck())
		eight.Apply(&Op{Kind: PickUpTip, Well: WellRef{5, 0}})
		type round struct {
			from, to int16
			v        int64
		}
		var rounds []round
		at := int16(0)
		for range rapid.IntRange(1, 5).Draw(t, "rounds") {
			to := int16(rapid.IntRange(0, 11).Draw(t, "to"))
			rounds = append(rounds, round{at, to, rapid.Int64Range(1, 20_000).Draw(t, "volume")})
			if rapid.Bool().Draw(t, "on") {
				at = to
			}
		}
		enough := true
		for _, r := range rounds {
			enough = enough && eight.Apply(&Op{Kind: Aspirate, Well: WellRef{0, r.from * 8}, Volume: r.v}).Faults == 0
			eight.Apply(&Op{Kind: Dispense, Well: WellRef{0, r.to * 8}, Volume: r.v})
		}
		if !enough {
			t.Skip("a well ran dry")
		}
		for row := range int16(8) {
			one.Apply(&Op{Kind: PickUpTip, Pipette: 1, Well: WellRef{6, row}})
			for _, r := range rounds {
				one.Apply(&Op{Kind: Aspirate, Pipette: 1, Well: WellRef{0, r.from*8 + row}, Volume: r.v})
				one.Apply(&Op{Kind: Dispense, Pipette: 1, Well: WellRef{0, r.to*8 + row}, Volume: r.v})
			}
			one.Apply(&Op{Kind: DropTip, Pipette: 1, Trash: true, Well: None})
		}
		if !reflect.DeepEqual(one.wells, eight.wells) {
			t.Fatal(cmp.Diff(one.wells, eight.wells))
		}
	})
}
