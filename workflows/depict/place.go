package depict

import (
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// SlotOf is the number of the slot that a place is in, or 0, where labware stands at
// these places.
func SlotOf(d *program.Deck, places []program.Place, p program.Place) int {
	for range len(places) + 1 {
		switch p.On {
		case program.OnSlot:
			return int(p.Index)
		case program.OnModule:
			n, _ := strconv.Atoi(d.Modules[p.Index].Slot)
			return n
		case program.OnLabware:
			p = places[p.Index]
		case program.OffDeck:
			return 0
		}
	}
	return 0
}
