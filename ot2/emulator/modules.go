package emulator

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// ground is a place in the words of a program.
func (g *engine) ground(p place) program.Place {
	switch {
	case p.offDeck:
		return program.Place{On: program.OffDeck}
	case p.labware != "":
		i := slices.IndexFunc(g.labware, func(l *placed) bool { return l.id == p.labware })
		if i < 0 {
			return program.Place{On: program.OffDeck}
		}
		return program.Place{On: program.OnLabware, Index: int16(g.labware[i].index)}
	}
	return program.SlotPlace(p.slot)
}
