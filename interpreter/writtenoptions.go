package interpreter

import (
	"slices"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Options as they are written, resolved.

func (p *preparer) plain(e spec.Expr) option {
	return option{expr: p.expr(e), set: e.IsSet()}
}

func (p *preparer) option(o *spec.Option) option {
	out := option{set: o.IsSet(), none: o.None}
	if o.Points != nil {
		out.curve = p.curve(o)
	} else {
		out.expr = p.expr(o.Expr)
	}
	return out
}

// curve reads values by volume. They are written out, so that they cost nothing
// where they are used.
func (p *preparer) curve(o *spec.Option) *curve {
	c := &curve{}
	for i, point := range o.Points {
		at, ok1 := p.constant(point.Volume, spec.WantVolume)
		v, ok2 := p.constant(point.Value, o.Want)
		if !ok1 || !ok2 {
			return nil
		}
		if i == 0 {
			c.source = point.Volume
		}
		where, again := slices.BinarySearch(c.at, at)
		if again {
			p.fail(diag.BadVolume, point.Volume.Whole(), "there are two values for "+point.Volume.Text, "write each volume once")
			return nil
		}
		if v <= 0 && o.Want == spec.WantRate {
			p.fail(diag.BadRate, point.Value.Whole(), "a flow rate must be above 0", "write for example 50 uL/s")
			return nil
		}
		c.at, c.values = slices.Insert(c.at, where, at), slices.Insert(c.values, where, v)
	}
	if len(c.at) == 0 {
		return nil
	}
	return c
}

// constant is the value of a quantity that is written out.
func (p *preparer) constant(s spec.Scalar, want spec.Want) (int64, bool) {
	e := p.compile(spec.Expr{Scalar: s, Want: want}, wanted(want))
	if e == nil {
		return 0, false
	}
	v, ok := e.Const()
	if !ok {
		p.fail(diag.TypeMismatch, s.Whole(), "a value that depends on the volume is written out, and this is an expression", "write a quantity such as 50 uL")
		return 0, false
	}
	return v.Quantity().N, true
}

func (p *preparer) handling(h *spec.Handling) handling {
	return handling{aspirate: p.side(&h.Aspirate), dispense: p.side(&h.Dispense), blow: p.blowing(&h.BlowOut)}
}

func (p *preparer) side(s *spec.Side) side {
	return side{
		at: p.height(&s.At), rate: p.option(&s.Rate), airGap: p.option(&s.AirGap), preWet: p.option(&s.PreWet), reverse: p.option(&s.Reverse),
		correction: p.option(&s.Correction), pushOut: p.option(&s.PushOut),
		mix: p.mixing(&s.Mix), touch: p.touch(&s.TouchTip),
		delay: waiting{
			group: group{set: s.Delay.Set, none: s.Delay.None, whole: s.Delay.For.IsSet() && !s.Delay.At.IsSet(), at: s.Delay.Span},
			time:  p.plain(s.Delay.For), height: p.height(&s.Delay.At),
		},
		submerge: travel{group: group{set: s.Submerge.Set, none: s.Submerge.None, at: s.Submerge.Span}, speed: p.plain(s.Submerge.Speed), delay: p.plain(s.Submerge.Delay)},
		retract:  travel{group: group{set: s.Retract.Set, none: s.Retract.None, at: s.Retract.Span}, speed: p.plain(s.Retract.Speed), delay: p.plain(s.Retract.Delay), to: p.height(&s.Retract.To)},
	}
}

func (p *preparer) mixing(m *spec.Mixing) mixing {
	return mixing{
		group: group{set: m.Set, none: m.None, whole: m.Short, at: m.Span},
		times: p.plain(m.Times), volume: p.plain(m.Volume), rate: p.plain(m.Rate), eachChunk: p.plain(m.EachChunk), height: p.height(&m.At),
	}
}

var sideBits = map[string]uint8{"left": 1, "right": 2, "front": 4, "back": 8}

func (p *preparer) touch(t *spec.TouchTip) touching {
	out := touching{group: group{set: t.Set, none: t.None, whole: t.Short, at: t.Span}, height: p.height(&t.At), speed: p.plain(t.Speed), radius: p.plain(t.Radius)}
	for _, s := range t.Sides {
		out.sides |= sideBits[s.Value]
	}
	return out
}

// blowOutWords are the words for where a liquid step blows out.
var blowOutWords = []string{"source", "destination", "trash"}

func (p *preparer) blowing(b *spec.BlowOut, words ...string) blowing {
	if words == nil {
		words = blowOutWords
	}
	if b.Word == "trash" && b.At.IsSet() {
		p.fail(diag.NoEffect, b.At.Span, "`at` has no effect on a blow-out into the trash", "remove it")
	}
	return blowing{
		group: group{set: b.Set, none: b.None, whole: b.Short, at: b.Span},
		word:  b.Word, in: p.place(b.In, words...), placed: b.Word != "" || b.In.IsSet(),
		height: p.height(&b.At), rate: p.plain(b.Rate), speed: p.plain(b.Speed),
	}
}
