package program

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func smallDeck() *Deck {
	plate := &Labware{Wells: []Well{{Name: "A1", MaxNL: 360_000}, {Name: "B1", MaxNL: 360_000}}}
	rack := &Labware{IsTipRack: true, Wells: []Well{{Name: "A1", MaxNL: 200_000}, {Name: "B1", MaxNL: 200_000}}}
	return &Deck{
		Labware:  []Placed{{Name: "plate", Def: plate}, {Name: "tips", Def: rack}},
		Pipettes: []Pipette{{Name: "p300", Mount: "right", Model: &PipetteModel{Channels: 1, MaxNL: 300_000}, Racks: []int{1}}},
		Liquids: []Liquid{
			{Name: "red", Wells: []WellRef{{0, 0}}, VolumeNL: []int64{200_000}, Tip: None},
			{Name: "stock", Wells: []WellRef{{0, 1}}, VolumeNL: []int64{-1}, Tip: None},
		},
	}
}

func drawOp(t *rapid.T) *Op {
	op := &Op{
		Kind:   Kind(rapid.IntRange(0, int(Comment)).Draw(t, "kind")),
		Volume: rapid.Int64Range(0, 250_000).Draw(t, "volume"),
		Trash:  rapid.Bool().Draw(t, "trash"),
		Well:   WellRef{0, rapid.Int16Range(0, 1).Draw(t, "well")},
	}
	switch op.Kind {
	case PickUpTip, DropTip:
		op.Well.Labware = 1
	case ReturnTip:
		op.Trash = false
	}
	if op.Kind.Info().Fields&HasTrash == 0 {
		op.Trash = false
	}
	return op
}

func whole(s *State) any {
	return []any{s.wells, s.tips, s.Mounts, s.modules, s.places}
}

// drawModuleOp draws anything that a module can be told, whichever it is, a move
// of labware, what a person brings, or the lights.
func drawModuleOp(t *rapid.T) *Op {
	return &Op{
		Kind: Kind(rapid.IntRange(int(SetTemperature), int(Lights)).Draw(t, "kind")), Module: rapid.Int8Range(0, 1).Draw(t, "module"),
		Liquid: rapid.Int16Range(0, 1).Draw(t, "liquid"), Volume: rapid.Int64Range(0, 400_000).Draw(t, "up to"),
		Well: WellRef{rapid.Int16Range(0, 1).Draw(t, "labware"), 0}, On: rapid.Bool().Draw(t, "on"),
		Temperature: rapid.Int32Range(4_000, 99_000).Draw(t, "temperature"), RPM: rapid.Int32Range(200, 3000).Draw(t, "rpm"),
		At: Position{Z: rapid.Int32Range(0, 20_000).Draw(t, "height")},
		To: Place{rapid.SampledFrom([]Ground{OnSlot, OnModule, OnLabware, OffDeck}).Draw(t, "ground"), rapid.Int16Range(0, 1).Draw(t, "index")},
	}
}

// So it is of modules, of labware that is moved and of what is brought, among other
// operations.
func TestRevertModules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := smallDeck()
		d.Modules = []Module{{Name: "one", Model: &ModuleModel{}, Slot: "1"}, {Name: "two", Model: &ModuleModel{}, Slot: "3"}}
		s := NewState(d)
		for range rapid.IntRange(0, 8).Draw(t, "before") {
			s.Apply(drawModuleOp(t))
			s.Apply(drawOp(t))
		}
		op := drawModuleOp(t)
		before := s.Clone()
		touched := s.Apply(op)
		s.Revert(op, touched)
		if diff := cmp.Diff(whole(before), whole(s)); diff != "" {
			t.Fatalf("%v leaves a trace:\n%s", op.Kind, diff)
		}
	})
}

func TestAppendSpellsTheSame(t *testing.T) {
	outer := &Frame{Label: "steps[0]"}
	for _, s := range []Step{
		{Op: Op{Kind: Aspirate}, Frame: &Frame{Parent: outer, Label: "A1"}, Seq: 2},
		{Op: Op{Kind: Home}, Frame: &Frame{Parent: outer}},
		{Op: Op{Kind: Comment}},
	} {
		if got := string(s.AppendID(nil)); got != s.ID() {
			t.Errorf("%q, ID says %q", got, s.ID())
		}
	}
	d := smallDeck()
	if got := string(d.AppendWellName(nil, WellRef{0, 1})); got != d.WellName(WellRef{0, 1}) {
		t.Error(got)
	}
	if got := d.AppendWellName(nil, None); got != nil {
		t.Errorf("%q", got)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	s := Step{Op: Op{Kind: Aspirate}, Frame: &Frame{Parent: &Frame{Label: "steps[0]"}, Label: "A1"}, Seq: 2}
	b := make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() { b = s.AppendID(b[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
