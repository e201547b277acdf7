package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// What a draw and a give do, one act at a time.

// enterLiquid goes down slowly, from the top of the well. The plunger has to be
// ready before: the robot would go up again for that.
func enterLiquid(x *expansion, m *moment) bool {
	s := &m.side.submerge
	speed, ok := x.speed(&s.speed)
	if !ok {
		return false
	}
	x.do(m.cycle, program.Op{Kind: program.MoveTo, Well: m.well, At: top0})
	if x.isEmpty(m.pip) {
		x.do(m.cycle, program.Op{Kind: program.Prepare, Well: program.None})
	}
	x.do(m.cycle, program.Op{Kind: program.MoveTo, Well: m.well, At: m.at, Speed: speed})
	return x.pauseIn(s.delay.expr, m.cycle)
}

func (x *expansion) isEmpty(pip int) bool {
	m := &x.state.Mounts[pip]
	return m.Held.Volume+m.Air == 0
}

func (x *expansion) speed(o *option) (int64, bool) {
	v, ok := x.quantity(o.expr, 0)
	return v, ok && x.positive(o.expr, v, "speed")
}

// preWet draws and gives back what will be drawn, before a tip is used for the
// first time.
func preWet(x *expansion, m *moment) bool {
	o := &m.side.preWet
	if x.state.Mounts[m.pip].Used {
		return true
	}
	times, ok := x.times(o.expr, "wets the tip")
	if !ok {
		return false
	}
	h := x.handlingFor(m.k, m.pip, m.part.pair.from.liquid, x.rack(m.pip))
	draw, ok1 := x.rateFor(&h.aspirate, m.pip, program.Aspirate, m.part.volume)
	give, ok2 := x.rateFor(&h.dispense, m.pip, program.Dispense, m.part.volume)
	return ok1 && ok2 && x.stir(m.cycle, m.well, m.at, m.part.volume, times, draw, give, true)
}

// times is a whole number of repetitions.
func (x *expansion) times(e *eval.Expr, what string) (int64, bool) {
	v, ok := x.eval(e)
	if !ok {
		return 0, false
	}
	if n := v.Int(); n >= 1 && n <= MaxSteps {
		return n, true
	}
	x.addAt(e, diag.Diagnostic{Code: diag.BadCount, Message: what + " " + v.String() + " times", Help: "write a number from 1 to " + itoa(MaxSteps)})
	return 0, false
}

func mixBefore(x *expansion, m *moment) bool {
	if m.side.mix.by != byStep && len(m.draws) > 1 {
		return true // inherited, and the tip holds what was drawn before
	}
	return x.mixWell(&m.side.mix, m, m.side.submerge.on())
}

func mixBehind(x *expansion, m *moment) bool {
	mix := &m.side.mix
	if mix.by != byStep && m.holdsOn() {
		return true // where it is inherited, it is for tips that are empty
	}
	if !m.part.last {
		if mix.eachChunk.expr == nil {
			return true
		}
		if v, ok := x.eval(mix.eachChunk.expr); !ok || !v.Bool() {
			return ok
		}
	}
	return x.mixWell(mix, m, false)
}

func drawLiquid(x *expansion, m *moment) bool {
	v := m.part.volume
	rate, ok1 := x.rateFor(m.side, m.pip, program.Aspirate, v)
	correction, ok2 := x.amount(&m.side.correction, v, 0)
	if !ok1 || !ok2 {
		return false
	}
	if v+correction <= 0 {
		x.addAt(m.side.correction.expr, diag.Diagnostic{Code: diag.BadVolume, Message: "with a correction of " + quantity.Volume.Text(correction) + " nothing would be drawn", Help: "correct by less than what is drawn"})
		return false
	}
	x.do(m.cycle, program.Op{Kind: program.Aspirate, Well: m.well, At: m.at, Volume: v, Rate: rate, Correction: correction})
	return true
}

func giveLiquid(x *expansion, m *moment) bool {
	v := m.part.volume
	if v <= 0 {
		return true
	}
	rate, ok1 := x.rateFor(m.side, m.pip, program.Dispense, v)
	push, ok2 := x.amount(&m.side.pushOut, v, 0)
	if !ok1 || !ok2 || !x.notNegative(push, m.side.pushOut.expr) {
		return false
	}
	op := program.Op{Kind: program.Dispense, Well: m.well, At: m.at, Volume: v + m.air, Rate: rate, HasPush: m.side.pushOut.set && !m.side.pushOut.none, PushOut: push}
	if held := &x.state.Mounts[m.pip]; op.HasPush && m.side.pushOut.by != byStep && held.Held.Volume+held.Air > op.Volume {
		op.HasPush, op.PushOut = false, 0 // inherited, and the robot refuses it where something stays in the tip
	}
	x.do(m.cycle, op)
	m.air = 0
	return true
}

func waitInWell(x *expansion, m *moment) bool {
	w := &m.side.delay
	if w.height.set {
		at, ok := x.position(&w.height, m.at, m.pip, m.well, 0)
		if !ok {
			return false
		}
		x.do(m.cycle, program.Op{Kind: program.MoveTo, Well: m.well, At: at})
	}
	return x.pauseIn(w.time.expr, m.cycle)
}

func leaveLiquid(x *expansion, m *moment) bool {
	r := &m.side.retract
	at, ok1 := x.position(&r.to, top0, m.pip, m.well, 0)
	speed, ok2 := x.speed(&r.speed)
	if !ok1 || !ok2 {
		return false
	}
	x.do(m.cycle, program.Op{Kind: program.MoveTo, Well: m.well, At: at, Speed: speed})
	return x.pauseIn(r.delay.expr, m.cycle)
}

func airBehind(x *expansion, m *moment) bool { return x.airGap(m, m.side, m.part.volume) }

// airBetween draws the air gap of the draw again where more is to be given.
func airBetween(x *expansion, m *moment) bool {
	if !m.more {
		return true
	}
	h := x.handlingFor(m.k, m.pip, m.part.pair.from.liquid, x.rack(m.pip))
	return x.airGap(m, &h.aspirate, m.part.volume)
}

// airGap draws the air of a side above the well.
func (x *expansion) airGap(m *moment, s *side, v int64) bool {
	gap, ok := x.amount(&s.airGap, v, 0)
	if !ok || gap == 0 {
		return ok
	}
	rate, ok := x.rateFor(s, m.pip, program.AirGap, v)
	if !ok {
		return false
	}
	outer := x.blame
	x.blame[program.AboutVolume] = s.airGap.expr
	x.do(m.cycle, program.Op{Kind: program.AirGap, Well: m.well, At: top5mm, Volume: gap, Rate: rate})
	x.blame = outer
	m.air += gap
	return true
}

// lastAir notes the air that is drawn before the tip is put away.
func lastAir(x *expansion, m *moment) bool {
	o := &m.side.airGap
	if m.k.tip.then == "keep" {
		return true // inherited, and the tip is not put away
	}
	gap, ok1 := x.amount(o, m.part.volume, 0)
	h := x.handlingFor(m.k, m.pip, m.part.pair.from.liquid, x.rack(m.pip))
	rate, ok2 := x.rateFor(&h.aspirate, m.pip, program.AirGap, gap) // it is drawn
	if !ok1 || !ok2 || !x.notNegative(gap, o.expr) {
		return false
	}
	x.tip.air = program.Op{Kind: program.AirGap, Pipette: int8(m.pip), Well: m.well, At: top5mm, Volume: gap, Rate: rate}
	return true
}

func touchWell(x *expansion, m *moment) bool {
	t := &m.side.touch
	if t.by != byStep && m.well != program.None && x.deck.Labware[m.well.Labware].Def.TouchTipDisabled {
		return true // inherited, and this labware must not be touched
	}
	return x.touchTip(t, m.cycle, m.well)
}

func (x *expansion) pauseIn(e *eval.Expr, c *cycle) bool {
	if e == nil {
		return true
	}
	ms, ok := x.quantity(e, 0)
	if ok {
		x.wait(ms, e, c.at, c.movement)
	}
	return ok
}

// mixWell mixes at a well.
func (x *expansion) mixWell(mix *mixing, m *moment, ready bool) bool {
	outer := x.blame
	defer func() { x.blame = outer }()
	at, ok1 := m.at, true
	v, ok2 := x.quantity(mix.volume.expr, 0)
	if ok2 && mix.height.set {
		at, ok1 = x.position(&mix.height, m.at, m.pip, m.well, -v)
	}
	h := x.handlingFor(m.k, m.pip, m.part.pair.from.liquid, x.rack(m.pip))
	times, ok3 := x.times(mix.times.expr, "mixes")
	draw, ok4 := x.mixRate(&h.aspirate, m.pip, program.Aspirate, v)
	give, ok5 := x.mixRate(&h.dispense, m.pip, program.Dispense, v)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !x.volumeOK(v, mix.volume.expr) {
		return false
	}
	if e := mix.rate.expr; e != nil {
		rate, ok := x.quantity(e, 0)
		if !ok || !x.positive(e, rate, "flow rate") {
			return false
		}
		draw, give = rate, rate
	}
	x.blame[program.AboutFrom], x.blame[program.AboutVolume] = x.blameOf(m.well, m.cycle), mix.volume.expr
	return x.stir(m.cycle, m.well, at, v, times, draw, give, ready)
}

// mixRate is the flow rate of a mix that has none of its own: what the liquid or
// the pipette asks for. That of a step is for its draws and gives alone, as in the
// vendor's Python.
func (x *expansion) mixRate(s *side, pip int, kind program.Kind, v int64) (int64, bool) {
	if s.rate.by == byStep {
		return x.rate(pip, kind), true
	}
	return x.rateFor(s, pip, kind, v)
}

// stir draws and gives in one well. All but the last dispense have a push-out of
// 0, as on the robot; with ready the last one, too, so that the plunger is ready
// to draw on.
func (x *expansion) stir(c *cycle, well program.WellRef, at program.Position, v, times, draw, give int64, ready bool) bool {
	for i := range times {
		x.do(c, program.Op{Kind: program.Aspirate, Well: well, At: at, Volume: v, Rate: draw})
		x.do(c, program.Op{Kind: program.Dispense, Well: well, At: at, Volume: v, Rate: give, HasPush: ready || i < times-1})
		if x.halted() {
			return false
		}
	}
	return true
}

// blameOf is where a well of a cycle was written.
func (x *expansion) blameOf(well program.WellRef, c *cycle) *eval.Expr {
	if well == c.from {
		return x.blame[program.AboutFrom]
	}
	return x.blame[program.AboutTo]
}

// touchSpeed and touchAt are the robot's defaults (Opentrons: touch_tip).
const touchSpeed = 60_000

var touchAt = program.Position{From: program.Top, Z: -1000}

func (x *expansion) touchTip(t *touching, c *cycle, well program.WellRef) bool {
	outer := x.blame
	defer func() { x.blame = outer }()
	at, ok1 := touchAt, true
	if t.height.set {
		at, ok1 = x.position(&t.height, touchAt, c.pip, well, 0)
	}
	speed, ok2 := x.quantity(t.speed.expr, touchSpeed)
	radius := 1.0
	if t.radius.expr != nil {
		v, ok := x.eval(t.radius.expr)
		if !ok {
			return false
		}
		radius = v.Float()
	}
	if !ok1 || !ok2 || !x.positive(t.speed.expr, speed, "speed") {
		return false
	}
	if radius <= 0 || radius > 1 {
		x.addAt(t.radius.expr, diag.Diagnostic{Code: diag.BadCount, Message: "the radius of a touch is a fraction of the well's, above 0 and at most 1", Help: "write for example 0.8"})
		return false
	}
	sides := t.sides
	if sides == 0 {
		sides = program.AllSides.Sides
	}
	x.do(c, program.Op{Kind: program.TouchTip, Well: well, At: at, Speed: speed, Touch: program.Touch{Radius: int16(radius*1000 + 0.5), Sides: sides}})
	return true
}

func (x *expansion) blowOut(b *blowing, c *cycle) bool {
	if b == nil || !b.on() {
		return true
	}
	outer := x.blame
	defer func() { x.blame = outer }()
	op := program.Op{Kind: program.BlowOut, Well: program.None}
	ok, ok1 := true, true
	switch b.word {
	case "trash":
		op.Trash = true
	case "source":
		if op.Well = c.from; op.Well == program.None && b.by != byStep {
			return true // inherited, and there are several sources
		}
	case "destination":
		op.Well = c.to
	default:
		x.blame[program.AboutTo] = b.in
		op.Well, ok = x.well(b.in)
	}
	if op.At = top0; b.height.set && !op.Trash {
		op.At, ok1 = x.position(&b.height, top0, c.pip, op.Well, 0)
	}
	var ok2, ok3 bool
	op.Rate, ok2 = x.quantity(b.rate.expr, x.rate(c.pip, program.BlowOut))
	op.Speed, ok3 = x.speed(&b.speed)
	if !ok || !ok1 || !ok2 || !ok3 || !x.positive(b.rate.expr, op.Rate, "flow rate") {
		return false
	}
	x.do(c, op)
	return true
}
