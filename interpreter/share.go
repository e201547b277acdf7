package interpreter

import (
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// The steps that share a filling of the tip between wells: one draw for many
// places, and many draws for one.

type distribute struct {
	route
	disposal *eval.Expr // nil: the pipette's minimum
	waste    blowing    // where it goes, if the step says so for the disposal alone
	best     bool
	keys
}

func (p *preparer) distribute(b *spec.Distribute) body {
	out := &distribute{route: p.route(b.From, b.To, b.Volume, fanOut, &b.Order), disposal: p.expr(b.Disposal.Volume), best: b.Pack.Value == "best", keys: p.keys(&b.LiquidKeys, "once")}
	if d := &b.Disposal.Place; d.Set {
		if b.BlowOut.Set {
			p.fail(diag.NoEffect, b.BlowOut.Span, "`blow_out` has no effect beside a disposal that says where it goes", "remove one of the two")
		}
		if d.Word == "" && !d.In.IsSet() {
			d.Word = "trash"
		}
		out.waste = p.blowing(d, "source", "trash")
	}
	if out.tip.use == "per_destination" {
		p.fail(diag.TipRule, b.Tip.Span, "`per_destination` cannot be kept: what is drawn once is given to several wells", "use tip: new for a new tip at every draw, or a transfer for one per well")
	}
	return out
}

func (b *distribute) expand(x *expansion, f *program.Frame) {
	j := job{k: &b.keys, share: fanOut, best: b.best, spare: -1, waste: &b.waste, spareAt: b.disposal}
	if b.disposal != nil {
		var ok bool
		if j.spare, ok = x.quantity(b.disposal, 0); !ok || !x.notNegative(j.spare, b.disposal) {
			return
		}
	}
	if j.spare != 0 && !b.waste.on() && b.blow.on() && b.blow.word == "destination" {
		x.add(diag.Diagnostic{
			Code: diag.DisposalInWell, Span: b.blow.group.at, Message: "the disposal would be blown out into the last well, which would hold too much",
			Help: "let it go elsewhere: disposal: {in: trash}, or do without it: disposal: 0 uL",
		})
		return
	}
	var ok bool
	if j.pairs, ok = x.pairsOf(&b.route); ok {
		x.warnEmpty(j.pairs)
		x.move(j, f)
	}
}

type consolidate struct {
	route
	best bool
	keys
}

func (p *preparer) consolidate(b *spec.Consolidate) body {
	out := &consolidate{p.route(b.From, b.To, b.Volume, fanIn, &b.Order), b.Pack.Value == "best", p.keys(&b.LiquidKeys, "once")}
	if b.ToTrash {
		p.intoTrash(&out.route, &out.keys, b.To.Span, &b.LiquidKeys)
	}
	if out.tip.use == "per_source" {
		p.fail(diag.TipRule, b.Tip.Span, "`per_source` cannot be kept: what is drawn from several wells is in one tip", "use tip: new for a new tip at every filling, or a transfer for one per well")
	}
	if out.blow.on() && out.blow.word == "source" {
		p.fail(diag.WhichWell, b.BlowOut.Span, "it is not clear which source is meant: there are several", "name the place: blow_out: trash, destination, or a well")
	}
	return out
}

func (b *consolidate) expand(x *expansion, f *program.Frame) {
	pairs, ok := x.pairsOf(&b.route)
	if !ok || b.tip.use == "dedicated" && !x.oneLiquid(pairs) {
		return
	}
	x.warnEmpty(pairs)
	x.move(job{k: &b.keys, pairs: pairs, share: fanIn, best: b.best}, f)
}

// oneLiquid reports sources of different liquids, which cannot share a tip that
// one of them keeps for itself.
func (x *expansion) oneLiquid(pairs []pair) bool {
	first := pairs[0].from
	for i := range pairs {
		other := pairs[i].from
		if other.liquid == first.liquid {
			continue
		}
		var names []string
		for _, s := range []source{first, other} {
			if s.liquid >= 0 {
				names = append(names, x.deck.Liquids[s.liquid].Name)
			} else {
				names = append(names, x.deck.WellName(s.wells[0]))
			}
		}
		x.add(diag.Diagnostic{
			Code: diag.TipRule, Span: other.expr.Source().Whole(), Message: "`dedicated` cannot be kept: " + strings.Join(names, " and ") + " would be in one tip",
			Help: "use another tip rule, such as once, or a transfer",
		})
		return false
	}
	return true
}

// mayMix reports mixes of a cycle that would have to be done while the tip
// holds what belongs elsewhere.
func (x *expansion) mayMix(c *cycle) bool {
	if m := &c.k.aspirate.mix; m.on() && len(c.draws) > 1 {
		x.addMix(m, diag.Diagnostic{
			Code: diag.MixHolding, Message: "mixing before drawing needs an empty tip, and the tip holds what was drawn before",
			Help: "leave the mix out, or use a transfer",
		})
		return false
	}
	if m := &c.k.dispense.mix; m.on() && c.holdsOn() {
		x.addMix(m, diag.Diagnostic{
			Code: diag.MixHolding, Message: "mixing after giving needs an empty tip, and the tip holds what is not given yet",
			Help: "mix with a step of its own behind this one, or use a transfer",
		})
		return false
	}
	return true
}

// holdsOn reports whether something is in the tip while it gives, beside what is
// given.
func (c *cycle) holdsOn() bool { return len(c.gives) > 1 || c.over > 0 || c.load.reverse > 0 }

// addMix reports a finding about a mix.
func (x *expansion) addMix(m *mixing, d diag.Diagnostic) {
	if m.volume.expr != nil {
		x.addAt(m.volume.expr, d)
		return
	}
	d.Span = m.group.at
	x.add(d)
}
