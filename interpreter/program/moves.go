package program

import "strconv"

// Where labware is in the course of a plan, for those who tell a person what to
// move.

// PlacesBefore returns where every labware stands before step n is done, by
// index.
func PlacesBefore(d *Deck, steps []Step, n int) []Place {
	out := make([]Place, len(d.Labware))
	for i := range d.Labware {
		out[i] = d.Labware[i].On
	}
	for i := range steps {
		if steps[i].N >= n {
			break
		}
		if op := &steps[i].Op; op.Kind == MoveLabware {
			out[op.Well.Labware] = op.To
		}
	}
	return out
}

// MoveText says the move of labware that step n is: "move plate from mag to slot
// 5: seal it first".
func MoveText(d *Deck, steps []Step, n int) string {
	i := 0
	for i < len(steps)-1 && steps[i].N != n {
		i++
	}
	op := &steps[i].Op
	out := "move " + d.Labware[op.Well.Labware].Name + " from " + d.PlaceText(PlacesBefore(d, steps, n)[op.Well.Labware]) + " to " + d.PlaceText(op.To)
	if steps[i].Text != "" {
		out += ": " + steps[i].Text
	}
	return out
}

// PlaceText says a place with the slot it is in: slot 3, mag (slot 1), block
// (slot 1), off the deck. A labware is taken to be where it stands before the
// first step.
func (d *Deck) PlaceText(p Place) string {
	name := d.PlaceName(p)
	slot := 0
	switch p.On {
	case OnModule:
		slot = slotNumber(d.Modules[p.Index].Slot)
	case OnLabware:
		slot = slotNumber(d.Labware[p.Index].Slot)
	case OnSlot, OffDeck:
	}
	if slot == 0 {
		return name
	}
	return name + " (slot " + strconv.Itoa(slot) + ")"
}
