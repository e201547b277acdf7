package program

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The deck of these tests is smallDeck: plate.A1 holds 200 uL of red of 360,
// plate.B1 stock of an amount nobody declared; tips hold 200 uL.
var (
	a1, b1 = WellRef{0, 0}, WellRef{0, 1}
	t1, t2 = WellRef{1, 0}, WellRef{1, 1}
)

func pick(w WellRef) Op { return Op{Kind: PickUpTip, Well: w} }

func draw(w WellRef, v int64) Op { return Op{Kind: Aspirate, Well: w, Volume: v} }

func give(w WellRef, v int64) Op { return Op{Kind: Dispense, Well: w, Volume: v} }

func air(v int64) Op { return Op{Kind: AirGap, Well: a1, Volume: v} }

func trash(k Kind) Op { return Op{Kind: k, Trash: true, Well: None} }

// TestApply has sequences with what the last operation touched and what is
// there afterwards, computed by hand. Parts are red, stock, unnamed.
func TestApply(t *testing.T) {
	for _, c := range []struct {
		name   string
		ops    []Op
		faults Fault
		want   string // missing, moved; A1; B1; what is held and the air; tips
	}{
		{"nothing", []Op{{Kind: Home}}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; off; new new"},
		{"a tip", []Op{pick(t1)}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; out new"},
		{"drawn", []Op{pick(t1), draw(a1, 50_000)}, 0, "0 50000; 150000 [150000 0 0]; 0 [0 0 0]; 50000 [50000 0 0] + 0; out new"},
		{"from an unknown amount", []Op{pick(t1), draw(b1, 50_000)}, 0, "0 50000; 200000 [200000 0 0]; -50000 [0 -50000 0]; 50000 [0 50000 0] + 0; out new"},
		{"air", []Op{pick(t1), draw(a1, 50_000), air(20_000)}, 0, "0 0; 150000 [150000 0 0]; 0 [0 0 0]; 50000 [50000 0 0] + 20000; out new"},
		{"given with its air", []Op{pick(t1), draw(a1, 50_000), air(20_000), give(b1, 70_000)}, 0, "0 -50000; 150000 [150000 0 0]; 50000 [50000 0 0]; 0 [0 0 0] + 0; out new"},
		{"the air leaves first", []Op{pick(t1), draw(a1, 50_000), air(20_000), give(b1, 30_000)}, 0, "0 -10000; 150000 [150000 0 0]; 10000 [10000 0 0]; 40000 [40000 0 0] + 0; out new"},
		{"into the trash", []Op{pick(t1), draw(a1, 50_000), {Kind: Dispense, Trash: true, Well: None, Volume: 30_000}}, 0, "0 -30000; 150000 [150000 0 0]; 0 [0 0 0]; 20000 [20000 0 0] + 0; out new"},
		{"blown out", []Op{pick(t1), draw(a1, 50_000), air(5_000), {Kind: BlowOut, Well: b1}}, 0, "0 -50000; 150000 [150000 0 0]; 50000 [50000 0 0]; 0 [0 0 0] + 0; out new"},
		{"blown into the trash", []Op{pick(t1), draw(a1, 50_000), trash(BlowOut)}, 0, "0 -50000; 150000 [150000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; out new"},
		{"dropped", []Op{pick(t1), trash(DropTip)}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; off; out new"},
		{"dropped at a place", []Op{pick(t1), {Kind: DropTip, Well: t1}}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; off; used new"},
		{"returned", []Op{pick(t1), {Kind: ReturnTip, Well: t1}}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; off; used new"},
		{"picked up again", []Op{pick(t1), {Kind: ReturnTip, Well: t1}, pick(t1)}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; out new"},
		{"moved and touched", []Op{pick(t1), {Kind: MoveTo, Well: b1}, {Kind: TouchTip, Well: b1}}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; out new"},
		{"waits", []Op{pick(t1), draw(a1, 1), {Kind: Delay}, {Kind: Pause}, {Kind: Comment}}, 0, "0 0; 199999 [199999 0 0]; 0 [0 0 0]; 1 [1 0 0] + 0; out new"},
		{"new racks", []Op{pick(t1), {Kind: ReturnTip, Well: t1}, pick(t2), {Kind: NewTips}}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; new new"},
		{"filled up", []Op{pick(t1), draw(a1, 50_000), {Kind: Refill, Volume: 170_000}}, 0, "0 -20000; 170000 [170000 0 0]; 0 [0 0 0]; 50000 [50000 0 0] + 0; out new"},
		{"as full already", []Op{{Kind: Refill, Volume: 170_000}}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; off; new new"},
		{"nobody knows how full", []Op{{Kind: Refill, Liquid: 1, Volume: 170_000}}, 0, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; off; new new"},
		{"filled up too far", []Op{{Kind: Refill, Volume: 400_000}}, Overflow, "40000 -200000; 400000 [400000 0 0]; 0 [0 0 0]; off; new new"},
		{"the end", []Op{pick(t1), draw(a1, 50_000), {Kind: EndRun}}, 0, "0 0; 150000 [150000 0 0]; 0 [0 0 0]; off; out new"},

		{"draws without a tip", []Op{draw(a1, 50_000)}, NoTip, "0 50000; 150000 [150000 0 0]; 0 [0 0 0]; 50000 [50000 0 0] + 0; new new"},
		{"gives without a tip", []Op{give(a1, 50_000)}, NoTip | OverHeld, "50000 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; new new"},
		{"touches without a tip", []Op{{Kind: TouchTip, Well: a1}}, NoTip, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; new new"},
		{"air without a tip", []Op{air(1_000)}, NoTip, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 1000; new new"},
		{"blows out without a tip", []Op{{Kind: BlowOut, Well: a1}}, NoTip, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; new new"},
		{"drops without a tip", []Op{trash(DropTip)}, NoTip, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; off; new new"},
		{"is noticed once", []Op{draw(a1, 50_000), draw(a1, 50_000)}, 0, "0 50000; 100000 [100000 0 0]; 0 [0 0 0]; 100000 [100000 0 0] + 0; new new"},
		{"a second tip", []Op{pick(t1), draw(a1, 50_000), pick(t2)}, HasTip, "0 0; 150000 [150000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; out out"},
		{"no tip there", []Op{pick(t1), trash(DropTip), pick(t1)}, TipMissing, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; out new"},
		{"no rack there", []Op{pick(a1)}, TipMissing, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; 0 [0 0 0] + 0; new new"},
		{"more than the tip", []Op{pick(t1), draw(a1, 150_000), draw(b1, 60_000)}, OverTip, "10000 60000; 50000 [50000 0 0]; -60000 [0 -60000 0]; 210000 [150000 60000 0] + 0; out new"},
		{"air over the tip", []Op{pick(t1), draw(a1, 150_000), air(60_000)}, OverTip, "10000 0; 50000 [50000 0 0]; 0 [0 0 0]; 150000 [150000 0 0] + 60000; out new"},
		{"gives more than it holds", []Op{pick(t1), draw(a1, 50_000), give(b1, 70_000)}, OverHeld, "20000 -50000; 150000 [150000 0 0]; 50000 [50000 0 0]; 0 [0 0 0] + 0; out new"},
		{"more than the well", []Op{pick(t1), draw(a1, 190_000), give(b1, 190_000), draw(a1, 30_000)}, Short, "20000 30000; 0 [0 0 0]; 190000 [190000 0 0]; 30000 [10000 0 20000] + 0; out new"},
		{"puts away what it holds", []Op{pick(t1), draw(a1, 50_000), trash(DropTip)}, NotEmpty, "0 0; 150000 [150000 0 0]; 0 [0 0 0]; off; out new"},
		{"onto another tip", []Op{pick(t1), {Kind: DropTip, Well: t2}}, PlaceTaken, "0 0; 200000 [200000 0 0]; 0 [0 0 0]; off; out used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewState(smallDeck())
			var last *Touched
			for i := range c.ops {
				last = s.Apply(&c.ops[i])
				if i < len(c.ops)-1 && last.Faults != 0 && c.name != "is noticed once" {
					t.Fatalf("%v: %v", c.ops[i].Kind, last.Faults)
				}
			}
			if got := describe(s, last); got != c.want || last.Faults != c.faults {
				t.Errorf("\n got %s, faults %b\nwant %s, faults %b", got, last.Faults, c.want, c.faults)
			}
		})
	}
}

func describe(s *State, last *Touched) string {
	out := fmt.Sprintf("%d %d", last.Missing, last.Moved)
	for _, w := range []WellRef{a1, b1} {
		c, _ := s.Content(w)
		out += fmt.Sprintf("; %d %v", c.Volume, c.Parts)
	}
	if m := &s.Mounts[0]; m.On {
		out += fmt.Sprintf("; %d %v + %d", m.Held.Volume, m.Held.Parts, m.Air)
	} else {
		out += "; off"
	}
	names := map[TipState]string{TipNew: "new", TipOut: "out", TipUsed: "used"}
	return out + "; " + names[s.Tip(t1)] + " " + names[s.Tip(t2)]
}

// A well overflows in the step in which it comes to hold more than it can, and
// not again with what comes after.
func TestOverflow(t *testing.T) {
	d := smallDeck()
	d.Liquids = d.Liquids[:1] // plate.B1 is empty
	s := NewState(d)
	for i, c := range []struct {
		op      Op
		faults  Fault
		missing int64
	}{
		{pick(t1), 0, 0},
		{draw(a1, 200_000), 0, 0},
		{give(b1, 150_000), 0, 0},
		{give(b1, 50_000), 0, 0},
		{draw(b1, 200_000), 0, 0},
		{give(b1, 200_000), 0, 0},
	} {
		if got := s.Apply(&c.op); got.Faults != c.faults || got.Missing != c.missing {
			t.Fatalf("%d: %b, %d", i, got.Faults, got.Missing)
		}
	}
	s.wells[0][1].Volume, s.wells[0][1].Parts[0] = 350_000, 350_000
	s.wells[0][0].Volume, s.wells[0][0].Parts[0] = 200_000, 200_000
	s.Apply(&Op{Kind: Aspirate, Well: a1, Volume: 100_000})
	if got := s.Apply(&Op{Kind: Dispense, Well: b1, Volume: 30_000}); got.Faults != Overflow || got.Missing != 20_000 {
		t.Errorf("%b, %d", got.Faults, got.Missing)
	}
	if got := s.Apply(&Op{Kind: Dispense, Well: b1, Volume: 30_000}); got.Faults != 0 {
		t.Errorf("again: %b", got.Faults)
	}
}

// Liquids mix perfectly, and rounding is cumulative: 100 nL of a well of 1, 1
// and 1 parts are 33, 33 and 34.
func TestMixture(t *testing.T) {
	d := smallDeck()
	d.Liquids[1].Wells = nil
	d.Liquids[1].VolumeNL = nil
	s := NewState(d)
	c := &s.wells[0][1]
	c.Volume, c.Parts = 300, []int64{100, 100, 100}
	s.Apply(&Op{Kind: PickUpTip, Well: t1})
	s.Apply(&Op{Kind: Aspirate, Well: b1, Volume: 100})
	if diff := cmp.Diff([]int64{33, 33, 34}, s.Mounts[0].Held.Parts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{67, 67, 66}, c.Parts); diff != "" {
		t.Error(diff)
	}
}

// Whatever is done in whatever order, no part of a known mixture is below 0 or
// off its share by a nanolitre or more, and parts sum up to the volume.
func TestMixtureIsProportional(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewState(smallDeck())
		c := &Content{Parts: make([]int64, s.width)}
		for i := range c.Parts {
			c.Parts[i] = rapid.Int64Range(0, 1<<40).Draw(t, "part")
			c.Volume += c.Parts[i]
		}
		before := append([]int64(nil), c.Parts...)
		total, v := c.Volume, rapid.Int64Range(0, c.Volume).Draw(t, "drawn")
		s.split(c, v)
		sum := int64(0)
		for i, got := range s.scratch {
			sum += got
			exact := float64(before[i]) * float64(v) / max(1, float64(total))
			if c.Parts[i] < 0 || got < 0 || float64(got) < exact-1.001 || float64(got) > exact+1.001 || c.Parts[i]+got != before[i] {
				t.Fatalf("part %d of %v: %d, %v left", i, before, got, c.Parts)
			}
		}
		if sum != v || c.Volume != total-v {
			t.Fatalf("%d drawn, %d left of %d", sum, c.Volume, total)
		}
	})
}

// What is done to a copy does not show in the original, and the other way
// round.
func TestCloneIsIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewState(smallDeck())
		for range rapid.IntRange(0, 8).Draw(t, "before") {
			s.Apply(drawOp(t))
		}
		c, same := s.Clone(), s.Clone()
		if diff := cmp.Diff(whole(s), whole(c)); diff != "" {
			t.Fatal(diff)
		}
		for range rapid.IntRange(1, 8).Draw(t, "after") {
			c.Apply(drawOp(t))
			c.Reserve(t2)
		}
		if diff := cmp.Diff(whole(same), whole(s)); diff != "" || s.reserve[1][1] {
			t.Fatalf("changed by what was done to a copy: %s", diff)
		}
	})
}

// rackDeck has two racks of two columns with three places each.
func rackDeck(channels int) *Deck {
	rack := &Labware{IsTipRack: true, Columns: [][]int{{2, 0, 4}, {1, 3, 5}}}
	for _, name := range []string{"B1", "A2", "A1", "B2", "C1", "C2"} {
		rack.Wells = append(rack.Wells, Well{Name: name, MaxNL: 200_000})
	}
	plate := &Labware{Wells: []Well{{Name: "A1", MaxNL: 1}}}
	return &Deck{
		Labware:  []Placed{{Name: "plate", Def: plate}, {Name: "one", Def: rack}, {Name: "two", Def: rack}},
		Pipettes: []Pipette{{Name: "p", Model: &PipetteModel{Channels: channels, MaxNL: 300_000}, Racks: []int{2, 1}}},
		Liquids:  []Liquid{{Name: "red", Tip: WellRef{2, 0}}},
	}
}

// Tips are taken rack by rack in the order the pipette names them, down the
// columns; kept ones and those that were used are left.
func TestNextTip(t *testing.T) {
	s := NewState(rackDeck(1))
	s.Apply(&Op{Kind: PickUpTip, Well: WellRef{2, 3}})
	s.Apply(&Op{Kind: ReturnTip, Well: WellRef{2, 3}})
	var got []string
	for range 20 {
		w, ok := s.NextTip(0, AllNozzles)
		if !ok {
			break
		}
		got = append(got, s.Deck.WellName(w))
		s.Apply(&Op{Kind: PickUpTip, Well: w})
		s.Apply(&Op{Kind: DropTip, Trash: true, Well: None})
	}
	want := []string{"two.A1", "two.C1", "two.A2", "two.C2", "one.A1", "one.B1", "one.C1", "one.A2", "one.B2", "one.C2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFillOfTwoWells(t *testing.T) {
	d := smallDeck()
	d.Liquids = []Liquid{{Name: "red", Wells: []WellRef{a1, b1, t1}, VolumeNL: []int64{1, 2, 3}, Tip: None}}
	s := NewState(d)
	a, _ := s.Content(a1)
	b, _ := s.Content(b1)
	if a.Volume != 1 || b.Volume != 2 || !a.Touched {
		t.Errorf("%+v %+v", a, b)
	}
	if _, ok := s.Content(t1); ok {
		t.Error("a tip place holds liquid")
	}
	if _, ok := s.Content(None); ok {
		t.Error("no well holds liquid")
	}
}

func TestApplyAllocatesNothing(t *testing.T) {
	s := NewState(smallDeck())
	ops := []Op{pick(t1), draw(a1, 50_000), air(1_000), give(b1, 51_000), {Kind: Home}, {Kind: Comment}, {Kind: MoveTo, Well: a1}, {Kind: ReturnTip, Well: t1}}
	if n := testing.AllocsPerRun(100, func() {
		for i := range ops {
			s.Apply(&ops[i])
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
