package emulator

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
)

// Places of labware, and labware that is moved.

// ground is a place in the words of a program.
func (g *engine) ground(p place) program.Place {
	switch {
	case p.offDeck:
		return program.Place{On: program.OffDeck}
	case p.labware != "":
		if l, bad := g.loaded(p.labware); bad == nil {
			return program.Place{On: program.OnLabware, Index: int16(l.index)}
		}
		return program.Place{On: program.OffDeck}
	case p.module != "":
		if f, bad := g.fittedAs(p.module); bad == nil {
			return program.Place{On: program.OnModule, Index: int16(f.index)}
		}
		return program.Place{On: program.OffDeck}
	}
	return program.SlotPlace(p.slot)
}

// slotOf is the slot that a labware is in, with whatever is under it; 0 off the
// deck.
func (g *engine) slotOf(l *placed) int {
	switch {
	case l.at.labware != "":
		if below, bad := g.loaded(l.at.labware); bad == nil && below != l {
			return g.slotOf(below)
		}
		return 0
	case l.at.module != "":
		if f, bad := g.fittedAs(l.at.module); bad == nil {
			n, _ := strconv.Atoi(f.slot)
			return n
		}
		return 0
	}
	n, _ := strconv.Atoi(l.at.slot)
	return n
}

// free reports why nothing can be put at a place.
func (g *engine) free(at place) *failure {
	switch {
	case at.offDeck:
		return nil
	case at.module != "":
		if _, bad := g.fittedAs(at.module); bad != nil {
			return bad
		}
	case at.area != "":
		if _, is := slotOf(at.area); !is {
			return noArea(at.area)
		}
	case at.slot == ot2.TrashSlot:
		return noArea(at.slot)
	case at.labware != "":
		if _, bad := g.loaded(at.labware); bad != nil {
			return bad
		}
	}
	for _, l := range g.labware {
		if l.at == at {
			return fails("LocationIsOccupiedError", "Labware "+l.def.LoadName+" is already present at "+at.describe()+".")
		}
	}
	for _, f := range g.modules {
		if at.slot != "" && f.slot == at.slot {
			return fails("LocationIsOccupiedError", "Module "+f.machine.model.RobotName+" is already present at "+at.describe()+".")
		}
	}
	return nil
}

func (p place) describe() string {
	switch {
	case p.labware != "":
		return "labwareId='" + p.labware + "'"
	case p.module != "":
		return "moduleId='" + p.module + "'"
	}
	return "slotName=<DeckSlotName.SLOT_" + p.slot + ": '" + p.slot + "'>"
}

// covered is why labware with another on it cannot be used.
func (g *engine) covered(id string) *failure {
	for _, o := range g.labware {
		if o.at.labware == id {
			return fails("LabwareIsInStackError", "Cannot move to labware "+id+", labware has other labware stacked on top.")
		}
	}
	return nil
}

// stacks is why a labware cannot stand on another.
func (g *engine) stacks(def *program.Labware, on string) *failure {
	below, bad := g.loaded(on)
	if bad != nil {
		return bad
	}
	const kind = "LabwareCannotBeStackedError"
	switch {
	case def.IsAdapter:
		return fails(kind, "Labware "+def.LoadName+" is defined as an adapter and cannot be placed on other labware.")
	case !slices.Contains(def.Under(), below.def.LoadName):
		return fails(kind, "Labware "+def.LoadName+" cannot be loaded onto labware "+below.def.LoadName)
	case below.at.module != "" && !below.def.IsAdapter:
		return fails(kind, "Labware "+def.LoadName+" cannot be loaded onto a labware on top of a module")
	}
	return nil
}

// offsetFor returns the newest offset that is for a definition at a place: on a
// module of a model, on a labware of a definition, or on neither.
func (g *engine) offsetFor(def *program.Labware, at place) *labwareOffset {
	slot, model, under := at.slot, "", ""
	if at.labware != "" {
		below, bad := g.loaded(at.labware)
		if bad != nil {
			return nil
		}
		slot, under, at = below.at.slot, below.def.URI(), below.at
	}
	if at.module != "" {
		f, bad := g.fittedAs(at.module)
		if bad != nil {
			return nil
		}
		slot, model = f.slot, f.machine.model.RobotName
	}
	for _, o := range slices.Backward(g.offsets) {
		var where struct{ SlotName, ModuleModel, DefinitionURI string }
		if json.Unmarshal(o.Location, &where) != nil || where.ModuleModel != model || where.DefinitionURI != under {
			continue
		}
		if named, _ := slotOf(where.SlotName); named == slot && o.URI == def.URI() {
			return o
		}
	}
	return nil
}

func (g *engine) moveLabware(p *params) (work, *failure) {
	l, bad := g.loaded(p.labwareID)
	if bad != nil {
		return work{}, bad
	}
	if l.at.slot == ot2.TrashSlot {
		return work{}, fails("LabwareMovementNotAllowedError", "Cannot move fixed trash labware '"+l.def.LoadName+"'.")
	}
	to := named(p.to)
	checks := []func() *failure{
		func() *failure { return g.free(to) },
		func() *failure { return g.covered(l.id) },
	}
	if to.labware != "" {
		checks = append(checks, func() *failure { return g.covered(to.labware) }, func() *failure { return g.stacks(l.def, to.labware) }, func() *failure {
			if to.labware == l.id {
				return fails("LabwareMovementNotAllowedError", "Cannot move a labware onto itself.")
			}
			return nil
		})
	}
	for _, end := range [...]place{l.at, to} {
		checks = append(checks, func() *failure { return g.lidOpen(end) }, func() *failure { return g.latchOpen(end) })
	}
	for _, check := range checks {
		if bad := check(); bad != nil {
			return work{}, bad
		}
	}
	if p.strategy == "usingGripper" {
		return work{}, &failure{"NotSupportedOnRobotType", "4003", "Labware movement using a gripper is not supported on the OT-2", object{"strategy": p.strategy}}
	}
	result, found := object{}, g.offsetFor(l.def, to)
	if found != nil {
		result["offsetId"] = found.ID
	}
	waits := p.strategy == "manualMoveWithPause"
	op := program.Op{Kind: program.MoveLabware, Well: program.WellRef{Labware: int16(l.index)}, To: g.ground(to)}
	return work{ops: []program.Op{op}, result: result, waits: waits, then: func() {
		if waits && !g.virtual {
			g.timer.Duration(&op) // where the labware is from now on
		}
		l.at, l.offset = to, found
		if slices.ContainsFunc(g.pipettes, func(on *pipette) bool { return on.spot.labware == l }) {
			g.lose()
		}
	}}, nil
}
