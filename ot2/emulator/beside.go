package emulator

import (
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
)

// What modules refuse of what happens beside them, and on them.

// besideSlots are the slots to the left and right of one, and in front of and
// behind it.
func besideSlots(slot int) (leftRight, frontBack []int) {
	for _, d := range [2]int{-1, 1} {
		if side := slot + d; side > 0 && (side-1)/3 == (slot-1)/3 {
			leftRight = append(leftRight, side)
		}
		if row := slot + 3*d; row >= 1 && row <= 12 {
			frontBack = append(frontBack, row)
		}
	}
	return leftRight, frontBack
}

// near reports whether a pipette is in the way of a heater-shaker's latch, or of
// its shaking, so that the robot lifts it: also where nobody knows where it is.
func (g *engine) near(f *fitted, shakes bool) bool {
	slot, _ := strconv.Atoi(f.slot)
	near, frontBack := besideSlots(slot)
	near = append(near, slot)
	if shakes {
		near = append(near, frontBack...)
	}
	known := false
	for _, on := range g.pipettes {
		if !on.spot.known {
			continue
		}
		known = true
		at, _ := strconv.Atoi(ot2.TrashSlot)
		if on.spot.labware != nil {
			at = g.slotOf(on.spot.labware)
		}
		if slices.Contains(near, at) {
			return true
		}
	}
	return !known
}

// besides is why a pipette cannot go to a slot because of a heater-shaker.
func (g *engine) besides(on *pipette, slot int, rack bool) *failure {
	for _, f := range g.modules {
		if f.model.Type != program.HeaterShaker {
			continue
		}
		own, _ := strconv.Atoi(f.slot)
		leftRight, frontBack := besideSlots(own)
		aside, along, s := slices.Contains(leftRight, slot), slices.Contains(frontBack, slot), &f.machine.set
		text := ""
		state := "is open"
		if s.Latch == program.NotKnown {
			state = "has not been closed"
		}
		switch multi := on.model.Channels > 1; {
		case (aside || along || own == slot) && s.RPM > 0:
			text = "Cannot move pipette to Heater-Shaker or adjacent slot while module is shaking"
		case s.Latch != program.Closed && own == slot:
			text = "Cannot move pipette to Heater-Shaker while labware latch " + state + "."
		case s.Latch != program.Closed && aside:
			text = "Cannot move pipette to left or right of Heater-Shaker while labware latch  " + state + "."
		case s.Latch != program.Closed:
		case multi && aside:
			text = "Cannot move 8-Channel pipette to slot adjacent to the left or right of Heater-Shaker"
		case multi && along && !rack:
			text = "Cannot move 8-Channel pipette to non-tip-rack labware directly in front of or behind a Heater-Shaker"
		}
		if text != "" {
			return fails("PipetteMovementRestrictedByHeaterShakerError", text)
		}
	}
	return nil
}

// lidOpen is why what stands directly in a thermocycler cannot be got at.
func (g *engine) lidOpen(at place) *failure {
	if at.module == "" {
		return nil
	}
	f, bad := g.fittedAs(at.module)
	if bad == nil && f.model.Type == program.Thermocycler && f.machine.set.Lid != program.Open {
		bad = fails("ThermocyclerNotOpenError", "Thermocycler must be open when moving to labware inside it.")
	}
	return bad
}

func (g *engine) latchOpen(at place) *failure {
	if at.module == "" {
		return nil
	}
	f, bad := g.fittedAs(at.module)
	if bad != nil || f.model.Type != program.HeaterShaker {
		return bad
	}
	switch f.machine.set.Latch {
	case program.Closed:
		return fails("HeaterShakerLabwareLatchNotOpenError", "Heater-Shaker labware latch must be open when moving labware to/from it.")
	case program.NotKnown:
		return fails("HeaterShakerLabwareLatchStatusUnknown", "Heater-Shaker labware latch must be opened before moving labware to/from it.")
	case program.Open:
	}
	return nil
}
