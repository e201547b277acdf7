package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// From movements to operations: which pipette, which tip, how many aliquots,
// and in which order things are done in one.

// move carries out the pairs of a liquid step.
func (x *expansion) move(k *keys, pairs []pair, f *program.Frame) {
	pip, ok := x.choose(k, pairs)
	if !ok {
		return
	}
	for i := range pairs {
		if x.halted() {
			return
		}
		p := &pairs[i]
		x.blame[program.AboutVolume] = p.expr
		if p.volume < 0 {
			x.volumeOK(p.volume, p.expr)
			continue
		}
		if p.volume > 0 && !x.movePair(k, pip, p, f) {
			return
		}
	}
}

// movePair divides one pair into aliquots and moves them.
func (x *expansion) movePair(k *keys, pip int, p *pair, f *program.Frame) bool {
	part := &program.Frame{Parent: f, Label: p.label}
	gap, ok := x.quantity(k.aspirate.airGap, 0)
	if !ok {
		return false
	}
	room := x.room(k, pip, p) - gap
	if room <= 0 {
		x.add(diag.Diagnostic{Code: diag.TooMuchForTip, Span: x.blameStep, Message: "the air gap of " + volume(gap) + " leaves no room in the tip", Help: "use a smaller air gap or a larger pipette"})
		return false
	}
	x.chunks = split(x.chunks[:0], k.split, p.volume, room, x.deck.Pipettes[pip].Model.MinNL)
	for i, v := range x.chunks {
		from := x.drawFrom(p.from, v)
		m := &program.Movement{From: from, To: p.to, Volume: v, Frame: part}
		if !x.takeTip(k, pip, p, from, i == 0, part) {
			return false
		}
		if !x.aspirate(&k.aspirate, pip, m, gap, part) || !x.dispense(&k.dispense, pip, m, gap, i == len(x.chunks)-1, part) {
			return false
		}
		if !x.blowOut(k.blow, pip, from, p.to, part, m) {
			return false
		}
	}
	return true
}

// drawFrom is the well of a source to draw v from: of a pool the first that
// still holds enough.
func (x *expansion) drawFrom(s source, v int64) program.WellRef {
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

// aspirate draws one aliquot: mix, draw, wait, air gap, touch.
func (x *expansion) aspirate(s *side, pip int, m *program.Movement, gap int64, f *program.Frame) bool {
	at, ok1 := x.position(&s.at, bottom1mm)
	rate, ok2 := x.quantity(s.rate, x.rate(pip, program.Aspirate))
	if !ok1 || !ok2 || !x.positive(s.rate, rate, "flow rate") {
		return false
	}
	if s.mix != nil && !x.mixWell(s.mix, pip, m.From, at, f, m) {
		return false
	}
	x.emit(program.Op{Kind: program.Aspirate, Pipette: int8(pip), Well: m.From, At: at, Volume: m.Volume, Rate: rate}, "", f, m)
	if !x.pauseIn(s.delay, f, m) {
		return false
	}
	if gap > 0 {
		x.emit(program.Op{Kind: program.AirGap, Pipette: int8(pip), Well: m.From, At: top5mm, Volume: gap, Rate: rate}, "", f, m)
	}
	return x.touchTip(s.touch, pip, m.From, f, m)
}

// dispense gives one aliquot and its air: give, wait, mix after the last, touch.
func (x *expansion) dispense(s *side, pip int, m *program.Movement, gap int64, last bool, f *program.Frame) bool {
	at, ok1 := x.position(&s.at, bottom1mm)
	rate, ok2 := x.quantity(s.rate, x.rate(pip, program.Dispense))
	push, ok3 := x.quantity(s.pushOut, 0)
	if !ok1 || !ok2 || !ok3 || !x.positive(s.rate, rate, "flow rate") {
		return false
	}
	x.emit(program.Op{Kind: program.Dispense, Pipette: int8(pip), Well: m.To, At: at, Volume: m.Volume + gap, Rate: rate, HasPush: s.pushOut != nil, PushOut: push}, "", f, m)
	if !x.pauseIn(s.delay, f, m) {
		return false
	}
	if s.mix != nil && last && !x.mixWell(s.mix, pip, m.To, at, f, m) {
		return false
	}
	return x.touchTip(s.touch, pip, m.To, f, m)
}

func (x *expansion) pauseIn(e *eval.Expr, f *program.Frame, m *program.Movement) bool {
	if e == nil {
		return true
	}
	ms, ok := x.quantity(e, 0)
	if ok {
		x.wait(ms, e, f, m)
	}
	return ok
}

// mixWell draws and gives in one well; all but the last dispense have a
// push-out of 0, as on the robot.
func (x *expansion) mixWell(mix *mixing, pip int, well program.WellRef, otherwise program.Position, f *program.Frame, m *program.Movement) bool {
	times, ok0 := x.eval(mix.times)
	v, ok1 := x.quantity(mix.volume, 0)
	at, ok2 := x.position(&mix.at, otherwise)
	draw, ok3 := x.quantity(mix.rate, x.rate(pip, program.Aspirate))
	give, ok4 := x.quantity(mix.rate, x.rate(pip, program.Dispense))
	if !ok0 || !ok1 || !ok2 || !ok3 || !ok4 || !x.volumeOK(v, mix.volume) || !x.positive(mix.rate, draw, "flow rate") {
		return false
	}
	if times.Int() < 1 || times.Int() > MaxSteps {
		x.addAt(mix.times, diag.Diagnostic{Code: diag.BadCount, Message: "mixes " + times.String() + " times", Help: "write a number from 1"})
		return false
	}
	outer := x.blame[program.AboutVolume]
	x.blame[program.AboutVolume] = mix.volume
	for i := range int(times.Int()) {
		x.emit(program.Op{Kind: program.Aspirate, Pipette: int8(pip), Well: well, At: at, Volume: v, Rate: draw}, "", f, m)
		x.emit(program.Op{Kind: program.Dispense, Pipette: int8(pip), Well: well, At: at, Volume: v, Rate: give, HasPush: i < int(times.Int())-1}, "", f, m)
	}
	x.blame[program.AboutVolume] = outer
	return true
}

// touchSpeed and touchAt are the robot's defaults (Opentrons: touch_tip).
const touchSpeed = 60_000

var touchAt = program.Position{From: program.Top, Z: -1000}

func (x *expansion) touchTip(t *touching, pip int, well program.WellRef, f *program.Frame, m *program.Movement) bool {
	if t == nil {
		return true
	}
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
	x.emit(program.Op{Kind: program.TouchTip, Pipette: int8(pip), Well: well, At: at, Speed: speed, Touch: program.Touch{Radius: int16(radius*1000 + 0.5), Sides: t.sides}}, "", f, m)
	return true
}

func (x *expansion) blowOut(b *blowing, pip int, from, to program.WellRef, f *program.Frame, m *program.Movement) bool {
	if b == nil {
		return true
	}
	op := program.Op{Kind: program.BlowOut, Pipette: int8(pip), Well: program.None}
	ok := true
	switch b.word {
	case "trash":
		op.Trash = true
	case "source":
		op.Well = from
	case "destination":
		op.Well = to
	default:
		op.Well, ok = x.well(b.in)
	}
	var ok1, ok2, ok3 bool
	op.At, ok1 = x.position(&b.at, top0)
	op.Rate, ok2 = x.quantity(b.rate, x.rate(pip, program.BlowOut))
	op.Speed, ok3 = x.quantity(b.speed, 0)
	if !ok || !ok1 || !ok2 || !ok3 || !x.positive(b.rate, op.Rate, "flow rate") || !x.positive(b.speed, op.Speed, "speed") {
		return false
	}
	x.emit(op, "", f, m)
	return true
}

// choose finds the pipette for a liquid step: the one named, or the one that
// needs the fewest aliquots, each within its limits; of equals the smaller.
func (x *expansion) choose(k *keys, pairs []pair) (int, bool) {
	if k.pipette.index >= 0 {
		return k.pipette.index, true
	}
	if k.tip.use == "current" || len(x.deck.Pipettes) <= 1 {
		return x.current(k.pipette)
	}
	best, moves := -1, 0
	for i := range x.deck.Pipettes {
		n, ok := x.aliquots(k, i, pairs)
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
func (x *expansion) aliquots(k *keys, pip int, pairs []pair) (n int, ok bool) {
	for i := range pairs {
		if pairs[i].volume <= 0 {
			continue
		}
		x.chunks = split(x.chunks[:0], k.split, pairs[i].volume, x.room(k, pip, &pairs[i]), x.deck.Pipettes[pip].Model.MinNL)
		for _, c := range x.chunks {
			if c < x.deck.Pipettes[pip].Model.MinNL {
				return 0, false
			}
		}
		n += len(x.chunks)
	}
	return n, true
}

// room is what fits into the tip that a step will use with a pipette.
func (x *expansion) room(k *keys, pip int, p *pair) int64 {
	most := x.deck.Pipettes[pip].Model.MaxNL
	place := program.None
	switch {
	case k.tip.use == "current" || x.tip.on && x.tip.pipette == pip:
		if m := &x.state.Mounts[pip]; m.On {
			return m.Max
		}
	case k.tip.from != nil:
		if v, fault := k.tip.from.Eval(&x.env); fault == nil && v.Known() {
			place = v.Well()
		}
	case k.tip.use == "dedicated":
		place = x.dedicated(p)
	}
	if place == program.None && len(x.deck.Pipettes[pip].Racks) > 0 {
		place = program.WellRef{Labware: int16(x.deck.Pipettes[pip].Racks[0])}
	}
	if place == program.None {
		return most
	}
	return min(most, x.deck.Well(place).MaxNL)
}
