package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// From a filling of a tip to operations, and in which order they are done.

// lower carries out one cycle: the tip, then everything that is drawn, then
// everything that is given, then what empties the tip.
func (x *expansion) lower(c *cycle) bool {
	c.air, c.from, c.to, c.at, c.seq = 0, program.None, program.None, c.frame, [program.Kinds]int{}
	x.blamePair(c.gives[0].pair)
	if !x.mayMix(c) || !x.takeTip(c) {
		return false
	}
	for i := range c.draws {
		if !x.draw(c, i) {
			return false
		}
	}
	for i := range c.gives {
		if !x.give(c, i) {
			return false
		}
	}
	x.enter(c, c.frame)
	if c.over > 0 {
		return x.blowOut(c.waste, c)
	}
	return x.blowOut(c.k.blow, c)
}

// do emits an operation of a cycle.
func (x *expansion) do(c *cycle, op program.Op) {
	op.Pipette = int8(c.pip)
	x.emit(op, "", c.at, c.movement)
}

// enter goes on in another frame of a cycle. The cycle's own is left and come
// back to, so how many operations of each kind it had is kept meanwhile.
func (x *expansion) enter(c *cycle, f *program.Frame) {
	switch {
	case f == c.at:
		return
	case c.at == c.frame && x.frame == c.frame:
		c.seq = x.seq
	case f == c.frame:
		x.frame, x.seq = f, c.seq
	}
	c.at = f
}

// moves says what liquid the operations of a part move.
func (x *expansion) moves(c *cycle, p *part) {
	x.blamePair(p.pair)
	x.enter(c, p.frame)
	if c.movement != nil {
		*c.movement = program.Movement{From: c.from, To: c.to, Volume: max(p.pair.volume, p.volume), Aliquot: p.volume, Even: p.even, Frame: p.frame}
		c.movement.Shared = c.over > 0 || len(c.draws)+len(c.gives) > 2
	}
}

// draw carries out one draw of a cycle: mix, draw, wait, air gap, touch.
func (x *expansion) draw(c *cycle, i int) bool {
	p, s := &c.draws[i], &c.k.aspirate
	c.from = x.drawFrom(c, p.pair.from, p.volume)
	c.to = program.None
	if len(c.gives) == 1 {
		c.to = c.gives[0].pair.to
	}
	x.moves(c, p)
	at, ok1 := x.position(&s.at, bottom1mm)
	rate, ok2 := x.quantity(s.rate, x.rate(c.pip, program.Aspirate))
	if !ok1 || !ok2 || !x.positive(s.rate, rate, "flow rate") || !x.mixWell(s.mix, c, c.from, at) {
		return false
	}
	x.do(c, program.Op{Kind: program.Aspirate, Well: c.from, At: at, Volume: p.volume, Rate: rate})
	if !x.pauseIn(s.delay, c) {
		return false
	}
	x.airGap(c, c.from, rate)
	return x.touchTip(s.touch, c, c.from)
}

// trashIt empties a tip into the trash, where a pair gives to no well.
var trashIt = blowing{word: "trash"}

// give carries out one give of a cycle: the liquid and the air drawn after it,
// wait, mix after the last into a well, draw air again if there is more to give,
// touch. Where nothing is to be given, as in a mix, the rest is done.
func (x *expansion) give(c *cycle, i int) bool {
	p, s := &c.gives[i], &c.k.dispense
	c.to = p.pair.to
	if len(c.draws) > 1 {
		c.from = program.None
	}
	x.moves(c, p)
	if c.to == program.None {
		c.air = 0
		return x.blowOut(&trashIt, c)
	}
	at, ok1 := x.position(&s.at, bottom1mm)
	rate, ok2 := x.quantity(s.rate, x.rate(c.pip, program.Dispense))
	push, ok3 := x.quantity(s.pushOut, 0)
	if !ok1 || !ok2 || !ok3 || !x.positive(s.rate, rate, "flow rate") || !x.notNegative(push, s.pushOut) {
		return false
	}
	if p.volume > 0 {
		x.do(c, program.Op{Kind: program.Dispense, Well: c.to, At: at, Volume: p.volume + c.air, Rate: rate, HasPush: s.pushOut != nil, PushOut: push})
		c.air = 0
	}
	if !x.pauseIn(s.delay, c) || p.last && !x.mixWell(s.mix, c, c.to, at) {
		return false
	}
	if i < len(c.gives)-1 {
		draw, ok := x.quantity(c.k.aspirate.rate, x.rate(c.pip, program.AirGap))
		if !ok {
			return false
		}
		x.airGap(c, c.to, draw)
	}
	return x.touchTip(s.touch, c, c.to)
}

// airGap draws the air of a cycle above a well.
func (x *expansion) airGap(c *cycle, above program.WellRef, rate int64) {
	if c.gap == 0 {
		return
	}
	outer := x.blame
	x.blame[program.AboutVolume] = c.k.aspirate.airGap
	x.do(c, program.Op{Kind: program.AirGap, Well: above, At: top5mm, Volume: c.gap, Rate: rate})
	x.blame = outer
	c.air += c.gap
}

// drawFrom is the well of a source to draw v from: of a pool the first that
// still holds enough.
func (x *expansion) drawFrom(c *cycle, s source, v int64) program.WellRef {
	if len(s.wells) == 1 {
		return s.wells[0]
	}
	for _, w := range s.wells {
		if each, known := x.state.Drawable(c.pip, x.layout(c.k, c.pip), w); !known || each >= v {
			return w
		}
	}
	if len(s.wells) == 0 {
		return program.None
	}
	return s.wells[len(s.wells)-1]
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

// mixWell draws and gives in one well; all but the last dispense have a
// push-out of 0, as on the robot.
func (x *expansion) mixWell(mix *mixing, c *cycle, well program.WellRef, otherwise program.Position) bool {
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
	draw, ok4 := x.quantity(mix.rate, x.rate(c.pip, program.Aspirate))
	give, ok5 := x.quantity(mix.rate, x.rate(c.pip, program.Dispense))
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !x.volumeOK(v, mix.volume) || !x.positive(mix.rate, draw, "flow rate") {
		return false
	}
	if times.Int() < 1 || times.Int() > MaxSteps {
		x.addAt(mix.times, diag.Diagnostic{Code: diag.BadCount, Message: "mixes " + times.String() + " times", Help: "write a number from 1 to " + itoa(MaxSteps)})
		return false
	}
	x.blame[program.AboutFrom], x.blame[program.AboutVolume] = x.blameOf(well, c), mix.volume
	for i := range times.Int() {
		x.do(c, program.Op{Kind: program.Aspirate, Well: well, At: at, Volume: v, Rate: draw})
		x.do(c, program.Op{Kind: program.Dispense, Well: well, At: at, Volume: v, Rate: give, HasPush: i < times.Int()-1})
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
	x.do(c, program.Op{Kind: program.TouchTip, Well: well, At: at, Speed: speed, Touch: program.Touch{Radius: int16(radius*1000 + 0.5), Sides: t.sides}})
	return true
}

func (x *expansion) blowOut(b *blowing, c *cycle) bool {
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
		op.Well = c.from
	case "destination":
		op.Well = c.to
	default:
		x.blame[program.AboutTo] = b.in
		op.Well, ok = x.well(b.in)
	}
	var ok1, ok2, ok3 bool
	op.At, ok1 = x.position(&b.at, top0)
	op.Rate, ok2 = x.quantity(b.rate, x.rate(c.pip, program.BlowOut))
	op.Speed, ok3 = x.quantity(b.speed, 0)
	if !ok || !ok1 || !ok2 || !ok3 || !x.positive(b.rate, op.Rate, "flow rate") || !x.positive(b.speed, op.Speed, "speed") {
		return false
	}
	x.do(c, op)
	return true
}
