package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// From movements to operations: which pipette, which tip, how many aliquots,
// and in which order things are done in one.

// pair is one movement of a liquid step, before it is divided into aliquots,
// with where each part of it was written.
type pair struct {
	from           source
	to             program.WellRef
	volume         int64
	label          string
	toExpr, volExp *eval.Expr
}

// aliquot is what one draw moves, and what its operations have in common.
type aliquot struct {
	pip         int
	from, to    program.WellRef
	volume, gap int64
	last        bool // of its pair
	frame       *program.Frame
	movement    *program.Movement
}

// blamePair says where the parts of a pair were written.
func (x *expansion) blamePair(p *pair) {
	x.blame[program.AboutFrom], x.blame[program.AboutTo], x.blame[program.AboutVolume] = p.from.expr, p.toExpr, p.volExp
}

// move carries out the pairs of a liquid step.
func (x *expansion) move(k *keys, pairs []pair, f *program.Frame) {
	gap, ok := x.quantity(k.aspirate.airGap, 0)
	if !ok || !x.notNegative(gap, k.aspirate.airGap) {
		return
	}
	pip, ok := x.choose(k, pairs, gap)
	if !ok {
		return
	}
	x.work += len(pairs)
	for i := range pairs {
		if x.halted() {
			return
		}
		p := &pairs[i]
		x.blamePair(p)
		if p.volume < 0 {
			x.volumeOK(p.volume, p.volExp)
			continue
		}
		if p.volume > 0 && !x.movePair(k, pip, p, gap, f) {
			return
		}
	}
}

// movePair divides one pair into aliquots and moves them.
func (x *expansion) movePair(k *keys, pip int, p *pair, gap int64, f *program.Frame) bool {
	room := x.room(k, pip, p, gap)
	if room <= 0 {
		x.noRoom(k, pip, gap)
		return false
	}
	x.chunks = split(x.chunks[:0], k.split, p.volume, room, x.deck.Pipettes[pip].Model.MinNL)
	x.movement = program.Movement{From: program.None, To: p.to, Volume: p.volume, Frame: x.newFrame(f, p.label)}
	a := aliquot{pip: pip, to: p.to, gap: gap, frame: x.movement.Frame, movement: &x.movement}
	for i, v := range x.chunks {
		a.from, a.volume, a.last = x.drawFrom(p.from, v), v, i == len(x.chunks)-1
		x.movement.From, x.movement.Aliquot = a.from, v
		if !x.takeTip(k, pip, p, i == 0, a.frame) || !x.aspirate(&k.aspirate, &a) || !x.dispense(&k.dispense, &a) || !x.blowOut(k.blow, &a) {
			return false
		}
	}
	return true
}

func (x *expansion) noRoom(k *keys, pip int, gap int64) {
	d := diag.Diagnostic{Code: diag.TooMuchForTip, Span: x.blameStep, Message: "the air gap of " + volume(gap) + " leaves no room in the tip", Help: "use a smaller air gap or a larger pipette"}
	if m := &x.state.Mounts[pip]; k.tip.use == "current" && m.Held.Volume+m.Air > 0 {
		d.Message, d.Help = "the tip that is on holds "+volume(m.Held.Volume+m.Air)+" already, and has no room for more", "empty it before: blow_out: trash"
	} else if e := k.aspirate.airGap; e != nil {
		d.Span, d.Values = e.Source().Whole(), e.Reads(&x.env)
	}
	x.add(d)
}

// drawFrom is the well of a source to draw v from: of a pool the first that
// still holds enough.
func (x *expansion) drawFrom(s source, v int64) program.WellRef {
	if len(s.wells) == 1 {
		return s.wells[0]
	}
	for _, w := range s.wells {
		if c, ok := x.state.Content(w); ok && (c.Unknown || c.Volume >= v) {
			return w
		}
	}
	if len(s.wells) == 0 {
		return program.None
	}
	return s.wells[len(s.wells)-1]
}

// do emits an operation of an aliquot.
func (x *expansion) do(a *aliquot, op program.Op) {
	op.Pipette = int8(a.pip)
	x.emit(op, "", a.frame, a.movement)
}

// aspirate draws one aliquot: mix, draw, wait, air gap, touch.
func (x *expansion) aspirate(s *side, a *aliquot) bool {
	at, ok1 := x.position(&s.at, bottom1mm)
	rate, ok2 := x.quantity(s.rate, x.rate(a.pip, program.Aspirate))
	if !ok1 || !ok2 || !x.positive(s.rate, rate, "flow rate") || !x.mixWell(s.mix, a, a.from, at) {
		return false
	}
	x.do(a, program.Op{Kind: program.Aspirate, Well: a.from, At: at, Volume: a.volume, Rate: rate})
	if !x.pauseIn(s.delay, a) {
		return false
	}
	if a.gap > 0 {
		outer := x.blame
		x.blame[program.AboutVolume] = s.airGap
		x.do(a, program.Op{Kind: program.AirGap, Well: a.from, At: top5mm, Volume: a.gap, Rate: rate})
		x.blame = outer
	}
	return x.touchTip(s.touch, a, a.from)
}

// dispense gives one aliquot and its air: give, wait, mix after the last, touch.
func (x *expansion) dispense(s *side, a *aliquot) bool {
	at, ok1 := x.position(&s.at, bottom1mm)
	rate, ok2 := x.quantity(s.rate, x.rate(a.pip, program.Dispense))
	push, ok3 := x.quantity(s.pushOut, 0)
	if !ok1 || !ok2 || !ok3 || !x.positive(s.rate, rate, "flow rate") || !x.notNegative(push, s.pushOut) {
		return false
	}
	x.do(a, program.Op{Kind: program.Dispense, Well: a.to, At: at, Volume: a.volume + a.gap, Rate: rate, HasPush: s.pushOut != nil, PushOut: push})
	if !x.pauseIn(s.delay, a) || a.last && !x.mixWell(s.mix, a, a.to, at) {
		return false
	}
	return x.touchTip(s.touch, a, a.to)
}

func (x *expansion) pauseIn(e *eval.Expr, a *aliquot) bool {
	if e == nil {
		return true
	}
	ms, ok := x.quantity(e, 0)
	if ok {
		x.wait(ms, e, a.frame, a.movement)
	}
	return ok
}

// mixWell draws and gives in one well; all but the last dispense have a
// push-out of 0, as on the robot.
func (x *expansion) mixWell(mix *mixing, a *aliquot, well program.WellRef, otherwise program.Position) bool {
	if mix == nil {
		return true
	}
	outer := x.blame
	defer func() { x.blame = outer }()
	at, ok1 := otherwise, true
	if mix.at.set {
		at, ok1 = x.position(&mix.at, otherwise)
	}
	times, ok2 := x.eval(mix.times)
	v, ok3 := x.quantity(mix.volume, 0)
	draw, ok4 := x.quantity(mix.rate, x.rate(a.pip, program.Aspirate))
	give, ok5 := x.quantity(mix.rate, x.rate(a.pip, program.Dispense))
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !x.volumeOK(v, mix.volume) || !x.positive(mix.rate, draw, "flow rate") {
		return false
	}
	if times.Int() < 1 || times.Int() > MaxSteps {
		x.addAt(mix.times, diag.Diagnostic{Code: diag.BadCount, Message: "mixes " + times.String() + " times", Help: "write a number from 1 to " + itoa(MaxSteps)})
		return false
	}
	x.blame[program.AboutFrom], x.blame[program.AboutVolume] = x.blameOf(well, a), mix.volume
	for i := range times.Int() {
		x.do(a, program.Op{Kind: program.Aspirate, Well: well, At: at, Volume: v, Rate: draw})
		x.do(a, program.Op{Kind: program.Dispense, Well: well, At: at, Volume: v, Rate: give, HasPush: i < times.Int()-1})
		if x.halted() {
			return false
		}
	}
	return true
}

// blameOf is where a well of an aliquot was written.
func (x *expansion) blameOf(well program.WellRef, a *aliquot) *eval.Expr {
	if well == a.from {
		return x.blame[program.AboutFrom]
	}
	return x.blame[program.AboutTo]
}

// touchSpeed and touchAt are the robot's defaults (Opentrons: touch_tip).
const touchSpeed = 60_000

var touchAt = program.Position{From: program.Top, Z: -1000}

func (x *expansion) touchTip(t *touching, a *aliquot, well program.WellRef) bool {
	if t == nil {
		return true
	}
	outer := x.blame
	defer func() { x.blame = outer }()
	at, ok1 := x.position(&t.at, touchAt)
	speed, ok2 := x.quantity(t.speed, touchSpeed)
	radius := 1.0
	if t.radius != nil {
		v, ok := x.eval(t.radius)
		if !ok {
			return false
		}
		radius = v.Float()
	}
	if !ok1 || !ok2 || !x.positive(t.speed, speed, "speed") {
		return false
	}
	if radius <= 0 || radius > 1 {
		x.addAt(t.radius, diag.Diagnostic{Code: diag.BadCount, Message: "the radius of a touch is a fraction of the well's, above 0 and at most 1", Help: "write for example 0.8"})
		return false
	}
	x.do(a, program.Op{Kind: program.TouchTip, Well: well, At: at, Speed: speed, Touch: program.Touch{Radius: int16(radius*1000 + 0.5), Sides: t.sides}})
	return true
}

func (x *expansion) blowOut(b *blowing, a *aliquot) bool {
	if b == nil {
		return true
	}
	outer := x.blame
	defer func() { x.blame = outer }()
	op := program.Op{Kind: program.BlowOut, Well: program.None}
	ok := true
	switch b.word {
	case "trash":
		op.Trash = true
	case "source":
		op.Well = a.from
	case "destination":
		op.Well = a.to
	default:
		x.blame[program.AboutTo] = b.in
		op.Well, ok = x.well(b.in)
	}
	var ok1, ok2, ok3 bool
	op.At, ok1 = x.position(&b.at, top0)
	op.Rate, ok2 = x.quantity(b.rate, x.rate(a.pip, program.BlowOut))
	op.Speed, ok3 = x.quantity(b.speed, 0)
	if !ok || !ok1 || !ok2 || !ok3 || !x.positive(b.rate, op.Rate, "flow rate") || !x.positive(b.speed, op.Speed, "speed") {
		return false
	}
	x.do(a, op)
	return true
}

// choose finds the pipette for a liquid step: the one named, or the one that
// needs the fewest aliquots, each within its limits; of equals the smaller.
func (x *expansion) choose(k *keys, pairs []pair, gap int64) (int, bool) {
	if k.pipette.index >= 0 {
		return k.pipette.index, true
	}
	if k.tip.use == "current" || len(x.deck.Pipettes) <= 1 {
		return x.current(k.pipette)
	}
	best, moves := -1, 0
	for i := range x.deck.Pipettes {
		n, ok := x.aliquots(k, i, pairs, gap)
		if !ok {
			continue
		}
		if best < 0 || n < moves || n == moves && x.deck.Pipettes[i].Model.MaxNL < x.deck.Pipettes[best].Model.MaxNL {
			best, moves = i, n
		}
	}
	if best < 0 {
		return 0, true // the rules say what does not fit
	}
	return best, true
}

// aliquots counts the aliquots a pipette needs; ok is false where one would be
// below its minimum.
func (x *expansion) aliquots(k *keys, pip int, pairs []pair, gap int64) (n int, ok bool) {
	for i := range pairs {
		if pairs[i].volume <= 0 {
			continue
		}
		x.chunks = split(x.chunks[:0], k.split, pairs[i].volume, x.room(k, pip, &pairs[i], gap), x.deck.Pipettes[pip].Model.MinNL)
		for _, c := range x.chunks {
			if c < x.deck.Pipettes[pip].Model.MinNL {
				return 0, false
			}
		}
		n += len(x.chunks)
	}
	return n, true
}

// room is how much liquid fits beside the air gap into the tip that a pair
// will be moved with. Where every aliquot takes a new tip and there are several
// sizes of them, it is what fits into each.
func (x *expansion) room(k *keys, pip int, p *pair, gap int64) int64 {
	m := &x.state.Mounts[pip]
	if k.tip.use == "current" {
		if !m.On {
			return x.deck.Pipettes[pip].Model.MaxNL - gap // the rules say that there is none
		}
		return m.Max - m.Held.Volume - m.Air - gap
	}
	place := x.ownTip(k, p)
	if !x.needsTip(k, pip, p, place) {
		return m.Max - gap
	}
	if place == program.None {
		place, _ = x.state.NextTip(pip)
	}
	room := x.tipMax(pip, place) - gap
	if k.tip.use == "new" && p.volume > room {
		for _, rack := range x.deck.Pipettes[pip].Racks {
			room = min(room, x.tipMax(pip, program.WellRef{Labware: int16(rack)})-gap)
		}
	}
	return room
}

// tipMax is what a tip from a place holds on a pipette.
func (x *expansion) tipMax(pip int, place program.WellRef) int64 {
	most := x.deck.Pipettes[pip].Model.MaxNL
	if place == program.None {
		return most
	}
	return min(most, x.deck.Well(place).MaxNL)
}
