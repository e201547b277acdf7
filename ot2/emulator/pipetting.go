package emulator

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// origin returns the corner of a labware on the deck.
func (g *engine) origin(l *placed) (command.Vector, *failure) {
	var v command.Vector
	switch {
	case l.at.offDeck:
		return v, fails("LocationNotAccessibleByPipetteError", "Cannot move pipette to "+l.def.LoadName+", labware is off-deck.")
	case l.at.slot == ot2.TrashSlot:
		return command.Vector{X: 265, Y: 271.5}, nil
	default:
		x, y, z := ot2.Corner(g.world(), l.index)
		v = command.Vector{X: mm(x), Y: mm(y), Z: mm(z)}
	}
	if o := l.offset; o != nil {
		v = command.Vector{X: v.X + float64(o.Vector.X), Y: v.Y + float64(o.Vector.Y), Z: v.Z + float64(o.Vector.Z)}
	}
	return v, nil
}

func mm(um int64) float64 { return float64(um) / 1000 }

// spotIn is where a location in a well is.
func (g *engine) spotIn(l *placed, well int, at command.WellLocation) (spot, *failure) {
	corner, bad := g.origin(l)
	if bad != nil {
		return spot{}, bad
	}
	w := &l.def.Wells[well]
	height := at.Offset.Z
	switch at.Origin {
	case "top":
		height += mm(w.Depth)
	case "center":
		height += mm(w.Depth) / 2
	case "meniscus":
		return spot{}, fails("LiquidHeightUnknownError", "Must liquid probe before specifying WellOrigin.MENISCUS.")
	}
	if height < 0 {
		return spot{}, fails("OperationLocationNotInWellError", "The location is "+strconv.FormatFloat(-height, 'f', -1, 64)+" mm below the bottom of "+w.Name+" of "+l.id+".")
	}
	if bad := g.uncovered(l); bad != nil {
		return spot{}, bad
	}
	if bad := g.lidOpen(l.at); bad != nil {
		return spot{}, bad
	}
	return spot{
		known: true, labware: l, well: well, trash: l.at.slot == ot2.TrashSlot, air: height >= mm(w.Depth)-1e-9,
		point: command.Vector{X: corner.X + mm(w.X) + at.Offset.X, Y: corner.Y + mm(w.Y) + at.Offset.Y, Z: corner.Z + mm(w.Z) + height},
	}, nil
}

func (g *engine) uncovered(l *placed) *failure {
	for _, o := range g.labware {
		if o.at.labware == l.id {
			return fails("LabwareIsInStackError", "Cannot perform action because labware "+l.id+" contains labware "+o.id+" on top")
		}
	}
	return nil
}

// op is an operation of a pipette at a spot.
func (on *pipette) op(kind program.Kind, at *spot) program.Op {
	op := program.Op{Kind: kind, Pipette: int8(on.index), Well: program.None}
	if at.labware != nil && !at.trash {
		op.Well = program.WellRef{Labware: int16(at.labware.index), Well: int16(at.well)}
	}
	op.Trash = op.Well == program.None
	return op
}

func noTip() *failure {
	return &failure{"TipNotAttachedError", "3005", "Pipette should have a tip attached, but does not.", nil}
}

// target finds the pipette and the spot of a command about a well.
func (g *engine) target(p *params) (*pipette, spot, *failure) {
	on, bad := g.pipette(p.pipetteID)
	if bad != nil {
		return nil, spot{}, bad
	}
	l, well, bad := g.wellOf(p.labwareID, p.well)
	if bad != nil {
		return nil, spot{}, bad
	}
	if bad := g.besides(on, g.slotOf(l), l.def.IsTipRack); bad != nil {
		return nil, spot{}, bad
	}
	at, bad := g.spotIn(l, well, p.location)
	return on, at, bad
}

func (g *engine) pickUpTip(p *params) (work, *failure) {
	on, at, bad := g.target(p)
	if bad != nil {
		return work{}, bad
	}
	def := at.labware.def
	if !def.IsTipRack {
		return work{}, fails("LabwareIsNotTipRackError", "Labware "+at.labware.id+" has no tip length defined.")
	}
	if on.tip != nil {
		return work{}, &failure{"UnexpectedTipAttachError", "3012", "Cannot perform pick_up_tip with a tip already attached.", nil}
	}
	well := &def.Wells[at.well]
	t := &tip{well.MaxNL, def.TipLength - ot2.TipOverlap(on.model, def.LoadName), cmp.Or(well.Diameter, well.XSize)}
	result := object{
		"position": positionOf(at.point), "tipVolume": uL(t.maxNL),
		"tipLength": number(mm(t.length)), "tipDiameter": number(mm(t.diameter)),
	}
	return work{ops: []program.Op{on.op(program.PickUpTip, &at)}, result: result, then: func() {
		on.tip, on.volume, on.known, on.ready, on.drew, on.spot = t, 0, true, true, false, at
	}}, nil
}

// dropTip drops into a labware: back into a rack, or into a trash that is one.
func (g *engine) dropTip(p *params) (work, *failure) {
	if on, bad := g.pipette(p.pipetteID); bad == nil && on.nozzles != allOf(on.model) {
		if l, bad := g.loaded(p.labwareID); bad == nil && l.def.IsTipRack {
			return work{}, fails("UnexpectedProtocolError", "Cannot return tip to a tiprack while the pipette is configured for partial tip.")
		}
	}
	if p.location.Origin == "default" {
		p.location.Origin = "top"
		if l, bad := g.loaded(p.labwareID); bad == nil && l.def.IsTipRack {
			if on, bad := g.pipette(p.pipetteID); bad == nil {
				p.location.Offset.Z -= mm(l.def.TipLength) * float64(on.model.ReturnTipPermille) / 1000
			}
		}
	}
	on, at, bad := g.target(p)
	if bad != nil {
		return work{}, bad
	}
	return work{ops: on.dropOps(&at), result: object{"position": positionOf(at.point)}, then: func() { on.drop(&at) }}, nil
}

func (g *engine) dropTipInPlace(p *params) (work, *failure) {
	on, bad := g.pipette(p.pipetteID)
	if bad != nil {
		return work{}, bad
	}
	at := on.spot
	return work{ops: on.dropOps(&at), result: object{}, then: func() { on.drop(&at) }}, nil
}

// dropOps is no operation where there is no tip: the robot does not mind.
func (on *pipette) dropOps(at *spot) []program.Op {
	if on.tip == nil {
		return nil
	}
	return []program.Op{on.op(program.DropTip, at)}
}

func (on *pipette) drop(at *spot) {
	on.tip, on.volume, on.known, on.ready, on.spot = nil, 0, false, false, *at
}

func (g *engine) aspirate(p *params, move bool) (work, *failure) {
	on, bad := g.pipette(p.pipetteID)
	if bad != nil {
		return work{}, bad
	}
	if on.tip == nil {
		return work{}, noTip()
	}
	at, before := on.spot, on.volume
	switch {
	case move:
		if _, at, bad = g.target(p); bad != nil {
			return work{}, bad
		}
		if !on.ready || !on.known {
			before = 0 // it goes to the top of the well first and prepares itself
		}
	case !on.ready || !on.known:
		return work{}, fails("PipetteNotReadyToAspirateError", "Pipette cannot aspirate in place because of a previous blow out. "+
			"The first aspirate following a blow-out must be from a specific well so the plunger can be reset in a known safe position.")
	}
	limit := float64(ot2.WorkingVolume(on.model, on.tip.maxNL)) / 1000
	if p.volume > limit-before+1e-9 {
		return work{}, &failure{
			"InvalidAspirateVolumeError", "4000",
			"Cannot aspirate " + python(p.volume) + " µL when only " + short(limit-before) + " is available in the tip.",
			object{
				"attempted_aspirate_volume": number(p.volume), "available_volume": number(limit - before),
				"max_pipette_volume": number(float64(on.model.MaxNL) / 1000), "max_tip_volume": uL(on.tip.maxNL),
			},
		}
	}
	kind := program.Aspirate
	if at.air || at.labware == nil || at.trash {
		kind = program.AirGap
	}
	op := on.op(kind, &at)
	op.Volume, op.Rate, op.Trash = nL(p.volume), nL(p.rate), false
	result := object{"volume": number(p.volume)}
	if move {
		result["position"] = positionOf(at.point)
	}
	return work{ops: moved(op), result: result, then: func() {
		on.volume, on.known, on.ready, on.drew, on.spot = before+p.volume, true, true, true, at
	}}, nil
}

// moved is op, or a mere move where it moves no liquid.
func moved(op program.Op) []program.Op {
	if op.Volume == 0 {
		op.Kind = program.MoveTo
	}
	return []program.Op{op}
}

func (g *engine) dispense(p *params, move bool) (work, *failure) {
	on, bad := g.pipette(p.pipetteID)
	if bad != nil {
		return work{}, bad
	}
	at := on.spot
	if move {
		if _, at, bad = g.target(p); bad != nil {
			return work{}, bad
		}
	}
	if bad := on.canDispense(p); bad != nil {
		return work{}, bad
	}
	op := on.op(program.Dispense, &at)
	op.Volume, op.Rate = nL(p.volume), nL(p.rate)
	if p.pushOut != nil {
		op.HasPush, op.PushOut = true, nL(*p.pushOut)
	}
	result := object{"volume": number(p.volume)}
	if move {
		result["position"] = positionOf(at.point)
	}
	return work{ops: moved(op), result: result, then: func() {
		on.volume, on.spot = max(on.volume-p.volume, 0), at
		if p.pushOut != nil && *p.pushOut > 0 {
			on.ready = false
		}
	}}, nil
}

func (on *pipette) canDispense(p *params) *failure {
	push := p.pushOut != nil && *p.pushOut > 0
	switch {
	case on.tip == nil:
		return noTip()
	case p.pushOut != nil && *p.pushOut < 0:
		return fails("InvalidPushOutVolumeError", "push out value cannot have a negative value.")
	case !on.known:
		return fails("InvalidDispenseVolumeError", "Cannot perform a dispense if there is no volume in attached tip.")
	case p.volume > on.volume+1e-9:
		return fails("InvalidDispenseVolumeError", "Cannot dispense "+python(p.volume)+" µL when only "+on.held()+" µL has been aspirated.")
	case push && p.volume < on.volume-1e-9:
		return &failure{"CommandPreconditionViolated", "4004", "Cannot push_out on a dispense that does not leave the pipette empty", nil}
	}
	return nil
}

// held is the volume drawn, which has a fraction only once something was.
func (on *pipette) held() string {
	if !on.drew {
		return "0"
	}
	return python(on.volume)
}

func (g *engine) blowOut(p *params, move bool) (work, *failure) {
	on, bad := g.pipette(p.pipetteID)
	if bad != nil {
		return work{}, bad
	}
	at, result := on.spot, object{}
	if move {
		if _, at, bad = g.target(p); bad != nil {
			return work{}, bad
		}
		result["position"] = positionOf(at.point)
	}
	var ops []program.Op
	if on.tip != nil {
		op := on.op(program.BlowOut, &at)
		op.Rate = nL(p.rate)
		ops = []program.Op{op}
	}
	return work{ops: ops, result: result, then: func() {
		on.volume, on.known, on.ready, on.spot = 0, false, false, at
	}}, nil
}

func (g *engine) touchTip(p *params) (work, *failure) {
	l, bad := g.loaded(p.labwareID)
	switch {
	case bad != nil:
		return work{}, bad
	case l.def.TouchTipDisabled:
		return work{}, fails("TouchTipDisabledError", "Touch tip not allowed on labware "+l.id)
	case l.def.IsTipRack:
		return work{}, fails("LabwareIsTipRackError", "Cannot touch tip on tip rack")
	}
	on, at, bad := g.target(p)
	if bad != nil {
		return work{}, bad
	}
	op := on.op(program.TouchTip, &at)
	op.Speed = micro(p.speed)
	return work{ops: []program.Op{op}, result: object{"position": positionOf(at.point)}, then: func() { on.spot = at }}, nil
}

// micro is a speed in µm/s; 0 is the robot's own.
func micro(speed *float64) int64 {
	if speed == nil {
		return 0
	}
	return nL(*speed)
}

func (g *engine) prepareToAspirate(p *params) (work, *failure) {
	on, bad := g.pipette(p.pipetteID)
	if bad != nil {
		return work{}, bad
	}
	if on.tip == nil {
		return work{}, &failure{"UnexpectedTipRemovalError", "3005", "Cannot perform prepare_for_aspirate without a tip attached.", nil}
	}
	return work{result: object{}, then: func() {
		if !on.known {
			on.volume = 0
		}
		on.known, on.ready = true, true
	}}, nil
}

func (g *engine) moveToWell(p *params) (work, *failure) {
	on, at, bad := g.target(p)
	if bad != nil {
		return work{}, bad
	}
	op := on.op(program.MoveTo, &at)
	op.Speed = micro(p.speed)
	return work{ops: []program.Op{op}, result: object{"position": positionOf(at.point)}, then: func() { on.spot = at }}, nil
}

// moveToArea goes above a part of the deck that is no labware; x is how far
// from its middle.
func (g *engine) moveToArea(p *params, x float64) (work, *failure) {
	on, bad := g.pipette(p.pipetteID)
	if bad != nil {
		return work{}, bad
	}
	at := spot{known: true, trash: true, point: command.Vector{X: mm(ot2.TrashX), Y: mm(ot2.TrashY), Z: mm(ot2.TrashZ)}}
	name, is := slotOf(p.area)
	if p.area != command.Trash {
		if !is || name == ot2.TrashSlot {
			return work{}, noArea(p.area)
		}
		slot, _ := ot2.Slot(name)
		at.point = command.Vector{X: mm(slot.X + ot2.SlotX/2), Y: mm(slot.Y + ot2.SlotY/2)}
	}
	n, _ := strconv.Atoi(cmp.Or(name, ot2.TrashSlot))
	if bad := g.besides(on, n, false); bad != nil {
		return work{}, bad
	}
	at.point.X += x + p.offset.X
	at.point.Y += p.offset.Y
	at.point.Z += p.offset.Z
	op := on.op(program.MoveTo, &at)
	op.Speed = micro(p.speed)
	return work{ops: []program.Op{op}, result: object{"position": positionOf(at.point)}, then: func() { on.spot = at }}, nil
}

// dropSide is how far from the middle of the trash tips are dropped in turn.
const dropSide = 16.055

func (g *engine) moveToAreaForDropTip(p *params) (work, *failure) {
	if !p.alternate {
		return g.moveToArea(p, 0)
	}
	x := dropSide
	if g.switchSide {
		x = -dropSide
	}
	w, bad := g.moveToArea(p, x)
	then := w.then
	w.then = func() { g.switchSide = !g.switchSide; then() }
	return w, bad
}

// moveTo goes to a point of the deck that no labware is thought of at.
func (g *engine) moveTo(p *params, where func(command.Vector) command.Vector, absolute bool) (work, *failure) {
	on, bad := g.pipette(p.pipetteID)
	if bad != nil {
		return work{}, bad
	}
	if !absolute && !on.spot.known {
		return work{}, &failure{"MustHomeError", "2001", "Current position of " + strings.ToUpper(on.mount) + " mount is unknown, please home.", nil}
	}
	at := spot{known: true, point: where(on.spot.point)}
	return work{result: object{"position": positionOf(at.point)}, then: func() { on.spot = at }}, nil
}

func shifted(v command.Vector, axis string, by float64) command.Vector {
	switch axis {
	case "x":
		v.X += by
	case "y":
		v.Y += by
	default:
		v.Z += by
	}
	return v
}

func (g *engine) savePosition(p *params) (work, *failure) {
	on, bad := g.pipette(p.pipetteID)
	if bad != nil {
		return work{}, bad
	}
	return work{result: object{"positionId": cmp.Or(p.positionID, g.newID()), "position": positionOf(on.spot.point)}}, nil
}

// python writes a number with a fraction, as Python does.
func python(v float64) string {
	b, _ := number(v).MarshalJSON() // never fails
	return string(b)
}

// short writes a whole number without one.
func short(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
