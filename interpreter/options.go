package interpreter

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// How liquid is handled. The same options can be said at several levels; what a
// step does is their sum, the nearer level over the farther one, key by key.

// level is who said something, the nearest first.
type level uint8

const (
	byStep level = iota
	byStepClass
	byLiquid
	byLiquidClass
	byPipette
	byWorkflow
	byUs
)

// String says it for people.
func (l level) String() string {
	return [...]string{"the step", "the liquid class of the step", "the liquid", "the liquid class of the liquid", "the pipette", "the defaults of the workflow", "ot2flow"}[l]
}

// option is a value that can be inherited: an expression, or a curve over the
// volume that is moved. With none it is cancelled.
type option struct {
	expr      *eval.Expr
	curve     *curve
	set, none bool
	by        level
}

// curve is a value at some volumes, in rising order; both are in base units.
type curve struct {
	source     spec.Scalar // of the first point
	at, values []int64
}

// value interpolates. Outside of the volumes named it is that of the nearest.
func (c *curve) value(volume int64) int64 {
	i, found := slices.BinarySearch(c.at, volume)
	switch {
	case found || i == 0:
		return c.values[i]
	case i == len(c.at):
		return c.values[i-1]
	}
	dv, dx := c.values[i]-c.values[i-1], c.at[i]-c.at[i-1]
	return c.values[i-1] + int64(float64(dv)*float64(volume-c.at[i-1])/float64(dx)+0.5) // both are far below 2^53
}

// most is the greatest value of the curve.
func (c *curve) most() int64 { return slices.Max(c.values) }

// group is what all keys of a mapping have in common. One that is none, or
// written in its short form, takes nothing from a farther level.
type group struct {
	set, none, whole bool
	by               level
	at               diag.Span
}

// on reports whether there is something to do.
func (g group) on() bool { return g.set && !g.none }

// over lays a group over a farther one: take says that it is replaced by it, and
// fill that its keys are filled up from it.
func (g group) over(far group) (take, fill bool) {
	return !g.set, g.set && !g.none && !g.whole && far.on()
}

// mixing is `mix`.
type mixing struct {
	group
	times, volume, rate, eachChunk option
	height                         height
}

// touching is `touch_tip`.
type touching struct {
	group
	height        height
	speed, radius option
	sides         uint8 // 0: all
}

// waiting is `delay`.
type waiting struct {
	group
	time   option
	height height
}

// travel is `submerge`, or `retract`.
type travel struct {
	group
	speed, delay option
	to           height
}

// blowing is `blow_out`.
type blowing struct {
	group
	word        string
	in          *eval.Expr
	placed      bool // word or in is written
	height      height
	rate, speed option
}

// side is `aspirate` or `dispense`.
type side struct {
	at                                                 height
	rate, airGap, preWet, reverse, correction, pushOut option
	mix                                                mixing
	touch                                              touching
	delay                                              waiting
	submerge, retract                                  travel
}

// handling is what one level says, or what all levels say together.
type handling struct {
	aspirate, dispense side
	blow               blowing
	draws, gives       []act // what is done, by the options of both sides; see settle
}

// given reports a value that is written, and not cancelled.
func (o *option) given() bool { return o.expr != nil || o.curve != nil }

func (o option) over(far option) option {
	if o.set {
		return o
	}
	return far
}

func (h height) over(far height) height {
	if h.set {
		return h
	}
	return far
}

func (m mixing) over(far mixing) mixing {
	if take, fill := m.group.over(far.group); take {
		return far
	} else if fill {
		m.times, m.volume, m.rate, m.eachChunk, m.height = m.times.over(far.times), m.volume.over(far.volume), m.rate.over(far.rate), m.eachChunk.over(far.eachChunk), m.height.over(far.height)
	}
	return m
}

func (t touching) over(far touching) touching {
	if take, fill := t.group.over(far.group); take {
		return far
	} else if fill {
		t.height, t.speed, t.radius = t.height.over(far.height), t.speed.over(far.speed), t.radius.over(far.radius)
		if t.sides == 0 {
			t.sides = far.sides
		}
	}
	return t
}

func (w waiting) over(far waiting) waiting {
	if take, fill := w.group.over(far.group); take {
		return far
	} else if fill {
		w.time, w.height = w.time.over(far.time), w.height.over(far.height)
	}
	return w
}

func (t travel) over(far travel) travel {
	if take, fill := t.group.over(far.group); take {
		return far
	} else if fill {
		t.speed, t.delay, t.to = t.speed.over(far.speed), t.delay.over(far.delay), t.to.over(far.to)
	}
	return t
}

func (b blowing) over(far blowing) blowing {
	if take, fill := b.group.over(far.group); take {
		return far
	} else if fill {
		b.height, b.rate, b.speed = b.height.over(far.height), b.rate.over(far.rate), b.speed.over(far.speed)
		if !b.placed {
			b.word, b.in, b.placed = far.word, far.in, far.placed
		}
	}
	return b
}

func (s side) over(far side) side {
	s.at = s.at.over(far.at)
	s.rate, s.airGap, s.preWet, s.reverse = s.rate.over(far.rate), s.airGap.over(far.airGap), s.preWet.over(far.preWet), s.reverse.over(far.reverse)
	s.correction, s.pushOut = s.correction.over(far.correction), s.pushOut.over(far.pushOut)
	s.mix, s.touch, s.delay = s.mix.over(far.mix), s.touch.over(far.touch), s.delay.over(far.delay)
	s.submerge, s.retract = s.submerge.over(far.submerge), s.retract.over(far.retract)
	return s
}

func (h handling) over(far *handling) handling {
	if far == nil {
		return h
	}
	return handling{aspirate: h.aspirate.over(far.aspirate), dispense: h.dispense.over(far.dispense), blow: h.blow.over(far.blow)}
}

// saidBy returns what is said, as said by a level.
func (h handling) saidBy(by level) handling {
	for _, s := range []*side{&h.aspirate, &h.dispense} {
		for _, o := range []*option{&s.rate, &s.airGap, &s.preWet, &s.reverse, &s.correction, &s.pushOut} {
			o.by = by
		}
		s.at.by = by
		s.mix.say(by)
		s.touch.say(by)
		s.delay.say(by)
		s.submerge.say(by)
		s.retract.say(by)
	}
	h.blow.say(by)
	return h
}

func (m *mixing) say(by level) {
	m.by, m.times.by, m.volume.by, m.rate.by, m.eachChunk.by, m.height.by = by, by, by, by, by, by
}

func (t *touching) say(by level) {
	t.by, t.height.by, t.speed.by, t.radius.by = by, by, by, by
}

func (w *waiting) say(by level) { w.by, w.time.by, w.height.by = by, by, by }

func (t *travel) say(by level) { t.by, t.speed.by, t.delay.by, t.to.by = by, by, by, by }

func (b *blowing) say(by level) { b.by, b.height.by, b.rate.by, b.speed.by = by, by, by, by }

// amount evaluates an option for a volume that is moved.
func (x *expansion) amount(o *option, moved, otherwise int64) (int64, bool) {
	switch {
	case o.curve != nil:
		return o.curve.value(moved), true
	case o.expr == nil:
		return otherwise, true
	}
	return x.quantity(o.expr, otherwise)
}

// most is the largest value of an option, whatever is moved.
func (x *expansion) most(o *option) (int64, bool) {
	if o.curve != nil {
		return o.curve.most(), true
	}
	return x.quantity(o.expr, 0)
}
