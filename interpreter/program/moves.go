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
	places := PlacesBefore(d, steps, n)
	out := "move " + d.Labware[op.Well.Labware].Name + " from " + d.placeText(places[op.Well.Labware], places) + " to " + d.placeText(op.To, places)
	if steps[i].Text != "" {
		out += ": " + steps[i].Text
	}
	return out
}

// placeText says a place with the slot it is in: slot 3, mag (slot 1), block
// (slot 1), off the deck. Every labware stands where places says.
func (d *Deck) placeText(p Place, places []Place) string {
	name, slot := d.PlaceName(p), 0
	for range len(places) { // what stands on other labware stands where that stands
		if p.On != OnLabware {
			break
		}
		if p = places[p.Index]; p.On == OnSlot {
			slot = int(p.Index)
		}
	}
	if p.On == OnModule {
		slot = slotNumber(d.Modules[p.Index].Slot)
	}
	if slot == 0 {
		return name
	}
	return name + " (slot " + strconv.Itoa(slot) + ")"
}
