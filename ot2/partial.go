package ot2

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Where an 8-channel pipette with some of its nozzles may go. Its body stands
// out over what is beside the labware, and the tips of the others are not there
// to keep it high. The rules and the numbers are those with which the vendor's
// Python refuses a movement (package opentrons, 8.2.0 to 8.8.2,
// pipette_movement_conflict: PartialTipMovementNotAllowedError); the robot
// itself, given commands, would drive into it. With all nozzles the vendor checks
// nothing, and neither does this.

// partial: the bounds of partial nozzle layouts.
type partial struct{}

// body is the outline of an 8-channel pipette around the middle of its nozzles,
// in µm: how far it goes to the left, to the right, and to the front and the
// back.
type body struct{ left, right, half int64 }

// bodies are the outlines of the vendor's pipette definitions
// (pipetteBoundingBoxOffsets).
var bodies = map[string]body{
	"p10_multi":       {16_000, 16_000, 44_490},
	"p50_multi":       {30_500, 19_500, 47_500},
	"p300_multi":      {16_000, 16_000, 44_490},
	"p20_multi_gen2":  {16_000, 16_000, 43_150},
	"p300_multi_gen2": {16_000, 16_000, 43_150},
}

// The reach of an OT-2's deck for the ends of a pipette's body, in µm: its
// back may not be in front of frontLimit, its front not behind backLimit.
const (
	frontLimit = 31_890
	backLimit  = 347_500 - 35_910
)

// The size of a slot, in µm.
const (
	slotWidth = 128_000
	slotDepth = 86_000
)

// outline is where a pipette's body is over the deck, in µm.
type outline struct{ left, right, front, back, under int64 }

func (partial) See(t *program.Transition, r *check.Report) {
	op := &t.Step.Op
	if op.Kind.Info().Fields&program.HasPipette == 0 || op.Kind == program.EndRun || op.Kind == program.ConfigureNozzles {
		return
	}
	deck, n := t.After.Deck, t.After.Mounts[op.Pipette].Nozzles
	if n == program.AllNozzles || op.Trash || op.Well == program.None {
		return
	}
	pip := &deck.Pipettes[op.Pipette]
	if rack := &deck.Labware[op.Well.Labware]; rack.Def.IsTipRack && (op.Kind == program.ReturnTip || op.Kind == program.DropTip) {
		r.Add(program.AboutTo, diag.Diagnostic{
			Code: diag.PartialRefused, Message: "the robot's software puts no tip back into a rack while " + pip.Name + " works with some of its nozzles",
			Help: "drop it into the trash: leave `then: return` away, or drop_tip:",
		})
		return
	}
	o := outlineAt(t, pip.Model, n)
	about := program.AboutTo
	switch op.Kind {
	case program.Aspirate, program.AirGap:
		about = program.AboutFrom
	case program.PickUpTip:
		about = program.AboutTip
	}
	slot, why := o.hits(t.After, int(op.Well.Labware))
	if why == "" {
		return
	}
	d := diag.Diagnostic{
		Code: diag.PartialRefused, Message: "at " + deck.WellName(op.Well) + " with nozzles " + n.String() + ", " + pip.Name + " " + why,
		Help: "use another well or slot, or a single-channel pipette",
	}
	if slot != "" && slot != TrashSlot {
		d.Help = "leave slot " + slot + " free or put something lower there, use another well or nozzle, or a single-channel pipette"
	}
	r.Add(about, d)
}

func (partial) End(*program.State, *check.Report) {}

// outlineAt is where the body is while the primary nozzle, or where labware
// wants that the middle of the nozzles with tips, is at the operation's place.
func outlineAt(t *program.Transition, m *program.PipetteModel, n program.Nozzles) outline {
	op := &t.Step.Op
	l := &t.After.Deck.Labware[op.Well.Labware]
	w := &l.Def.Wells[op.Well.Well]
	left, front, base := Corner(t.After, int(op.Well.Labware))
	layout := n.Layout()
	row := int64(2 * layout.Primary) // of what is at the place, in half rows
	if l.Def.CenterMultichannel {
		row = int64(layout.Primary + layout.Last)
	}
	x := left + w.X + int64(op.At.X)
	middle := front + w.Y + int64(op.At.Y) + (row-7)*4500
	b := bodies[m.Name]
	return outline{x - b.left, x + b.right, middle - b.half, middle + b.half, base + w.Z + height(w, op.At) + tipLength(t)}
}

// height is how far a position is above the bottom of a well.
func height(w *program.Well, at program.Position) int64 {
	switch at.From {
	case program.Top:
		return w.Depth + int64(at.Z)
	case program.Center:
		return w.Depth/2 + int64(at.Z)
	case program.Bottom:
	}
	return int64(at.Z)
}

// tipLength is how far the tips that are on stand out; a tip that is being
// picked up does not count yet.
func tipLength(t *program.Transition) int64 {
	op := &t.Step.Op
	from := t.After.Mounts[op.Pipette].From
	if op.Kind == program.DropTip || op.Kind == program.ReturnTip {
		from = t.Touched.TipFrom
	}
	if op.Kind == program.PickUpTip || from == program.None {
		return 0
	}
	rack := t.After.Deck.Labware[from.Labware].Def
	return rack.TipLength - TipOverlap(t.After.Deck.Pipettes[op.Pipette].Model, rack.LoadName)
}

// hits says what of the deck the outline would hit, and in which slot, or that
// it would leave the robot's reach.
func (o *outline) hits(s *program.State, labware int) (slot, why string) {
	if o.front > backLimit || o.back < frontLimit {
		return "", "would go over the edge of the deck"
	}
	at := s.SlotOf(labware)
	if at == 0 {
		return "", ""
	}
	column, row := (at-1)%perRow, (at-1)/perRow
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			x, y := column+dx, row+dy
			if dx == 0 && dy == 0 || x < 0 || x >= perRow || y < 0 || y > slotCount/perRow {
				continue
			}
			beside := slotAt(y*perRow + x)
			if what, high := highest(s, beside.Name); what != "" && o.over(&beside) && high >= o.under {
				return beside.Name, "would hit " + what + " in slot " + beside.Name
			}
		}
	}
	return "", ""
}

// over reports whether the outline is over a part of a slot.
func (o *outline) over(s *program.Slot) bool {
	return o.left < s.X+slotWidth && o.right > s.X && o.front < s.Y+slotDepth && o.back > s.Y
}

// highest is what reaches up in a slot, and how high, in µm: the top of what
// stands there, or a module that nothing stands on.
func highest(s *program.State, slot string) (what string, top int64) {
	if slot == TrashSlot {
		return "the trash", trashHeight
	}
	n := number(slot)
	for i := range s.Deck.Modules {
		m := &s.Deck.Modules[i]
		if m.Slot == slot || slices.Contains(m.Model.Covers, slot) {
			what, top, n = m.Name, m.Model.Height, number(m.Slot)
		}
	}
	for i := range s.Deck.Labware {
		if s.SlotOf(i) != n || s.LabwareAt(program.Place{On: program.OnLabware, Index: int16(i)}) >= 0 {
			continue
		}
		what, top = s.Deck.Labware[i].Name, topOf(s, i)
	}
	return what, top
}

// topOf is how high a labware reaches up, in µm, or the module around it.
func topOf(s *program.State, labware int) int64 {
	top := Base(s, labware) + s.Deck.Labware[labware].Def.Z
	if at := s.Place(labware); at.On == program.OnModule {
		top += s.Deck.Modules[at.Index].Model.OverLabware
	}
	return top
}

// trashHeight is how high the fixed trash is, in µm.
const trashHeight = 82_000
