package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// From a filling of a tip to operations, and in which order they are done.

// lower carries out one cycle: the tip, then everything that is drawn, then
// everything that is given, then what empties the tip.
func (x *expansion) lower(c *cycle) bool {
	c.air, c.from, c.to, c.at = 0, program.None, program.None, c.frame
	if c.share != alone {
		c.seq = tally{} // where there is but one frame, nobody comes back to it
	}
	x.blamePair(c.gives[0].pair)
	if !x.mayMix(c) {
		return false
	}
	x.refillFor(c)
	if !x.takeTip(c) {
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
	return x.blowOut(c.emptied(), c)
}

// emptied is where the tip is emptied behind the cycle. What was drawn beyond what
// is given goes into the trash where nothing else is said, and never into a well
// only because that is inherited.
func (c *cycle) emptied() *blowing {
	switch {
	case c.over > 0 && c.waste.on():
		return c.waste
	case (c.over > 0 || c.load.reverse > 0) && (!c.blow.on() || c.blow.word == "destination" && c.blow.by != byStep):
		return &intoTrash
	}
	return c.blow
}

var intoTrash = blowing{group: group{set: true}, word: "trash", placed: true}

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

// moment is a draw or a give while it is carried out.
type moment struct {
	*cycle
	part *part
	side *side
	well program.WellRef
	at   program.Position
	more bool // something is given behind this
}

// act is one thing that a draw or a give does.
type act func(*expansion, *moment) bool

// asked is an act, and what of the options of its side asks for it; nil: always.
type asked struct {
	act act
	by  func(*side) bool
}

// settle works out once what draws and gives do by what is said, and in which
// order, because most do next to nothing.
func (h *handling) settle() {
	submerge := func(s *side) bool { return s.submerge.on() }
	mix := func(s *side) bool { return s.mix.on() }
	delay := func(s *side) bool { return s.delay.on() }
	retract := func(s *side) bool { return s.retract.on() }
	touch := func(s *side) bool { return s.touch.on() }
	air := func(s *side) bool { return s.airGap.given() }
	h.draws = h.aspirate.acts(
		asked{enterLiquid, submerge}, asked{preWet, func(s *side) bool { return s.preWet.expr != nil }}, asked{mixBefore, mix}, asked{drawLiquid, nil},
		asked{waitInWell, delay}, asked{leaveLiquid, retract}, asked{airBehind, air}, asked{touchWell, touch},
	)
	h.gives = h.dispense.acts(
		asked{enterLiquid, submerge}, asked{giveLiquid, nil}, asked{waitInWell, delay}, asked{mixBehind, mix},
		asked{leaveLiquid, retract}, asked{airBetween, nil}, asked{touchWell, touch}, asked{lastAir, air},
	)
}

// acts are those that the options of a side ask for.
func (s *side) acts(list ...asked) []act {
	var out []act
	for _, a := range list {
		if a.by == nil || a.by(s) {
			out = append(out, a.act)
		}
	}
	return out
}

// draw carries out one draw of a cycle.
func (x *expansion) draw(c *cycle, i int) bool {
	p := &c.draws[i]
	c.from = x.drawFrom(c.k, c.pip, p.pair.from, p.volume)
	c.to = program.None
	if len(c.gives) == 1 {
		c.to = c.gives[0].pair.to
	}
	h := x.handlingFor(c.k, c.pip, p.pair.from.liquid, x.rack(c.pip))
	if h == nil {
		return false
	}
	c.blow = &h.blow
	x.moves(c, p)
	if x.explain != nil {
		x.explain.use(x, c, p.pair.from.liquid, h)
	}
	m := &x.moment
	m.cycle, m.part, m.side, m.well, m.more = c, p, &h.aspirate, c.from, false
	var ok bool
	if m.at, ok = x.position(&h.aspirate.at, bottom1mm, m.pip, m.well, -p.volume); !ok {
		return false
	}
	for _, do := range h.draws {
		if !do(x, m) {
			return false
		}
	}
	return true
}

// trashIt empties a tip into the trash, where a pair gives to no well.
var trashIt = blowing{group: group{set: true}, word: "trash"}

// give carries out one give of a cycle: the liquid and the air drawn after it.
// Where nothing is to be given, as in a mix, the rest is done.
func (x *expansion) give(c *cycle, i int) bool {
	p := &c.gives[i]
	c.to = p.pair.to
	switch {
	case len(c.draws) > 1:
		c.from = program.None
	case c.k.mixes:
		c.from = c.to
	}
	h := x.handlingFor(c.k, c.pip, p.pair.from.liquid, x.rack(c.pip))
	if h == nil {
		return false
	}
	c.blow = &h.blow
	x.moves(c, p)
	if x.explain != nil && c.k.mixes {
		x.explain.use(x, c, p.pair.from.liquid, h)
	}
	if c.to == program.None {
		c.air = 0
		return x.blowOut(&trashIt, c)
	}
	m := &x.moment
	m.cycle, m.part, m.side, m.well, m.more = c, p, &h.dispense, c.to, i < len(c.gives)-1
	at := &h.dispense.at
	if c.k.mixes {
		at = &h.aspirate.at
	}
	var ok bool
	if m.at, ok = x.position(at, bottom1mm, m.pip, m.well, p.volume); !ok {
		return false
	}
	for _, do := range h.gives {
		if !do(x, m) {
			return false
		}
	}
	return true
}

// rack is the labware the tip on a pipette came from, -1 where there is none.
func (x *expansion) rack(pip int) int { return int(x.state.Mounts[pip].From.Labware) }

// rateFor is the flow rate of a side for a volume.
func (x *expansion) rateFor(s *side, pip int, kind program.Kind, v int64) (int64, bool) {
	rate, ok := x.amount(&s.rate, v, x.rate(pip, kind))
	return rate, ok && x.positive(s.rate.expr, rate, "flow rate")
}

// drawFrom is the well of a source to draw v from: of a pool the first that
// still holds enough.
func (x *expansion) drawFrom(k *keys, pip int, s source, v int64) program.WellRef {
	if len(s.wells) == 1 {
		return s.wells[0]
	}
	stays := int64(0)
	if x.mayFill(s) {
		stays = x.filled[s.liquid].below
	}
	for _, w := range s.wells {
		if each, known := x.state.Drawable(pip, x.layout(k, pip), w, stays); !known || each >= v {
			return w
		}
	}
	if len(s.wells) == 0 {
		return program.None
	}
	return s.wells[len(s.wells)-1]
}
