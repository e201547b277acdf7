package interpreter

import (
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// What a step inherits: the levels above it, and their sum for a liquid and a tip.

// levels are what the levels above the steps say, but for the defaults of a
// workflow.
type levels struct {
	liquids  []handling // by index in the deck
	classes  []*class   // of the liquids
	noClass  []bool     // liquids that have none, whatever the defaults say
	pipettes []handling // by index in the deck
	any      bool       // something is said by one of them
}

// defaults are those of a workflow.
type defaults struct {
	set   bool
	tip   *spec.Tip
	split string
	class *class
	handling
}

// levels resolves what liquids and pipettes say.
func (p *preparer) levels() {
	l := p.said
	for i := range p.p.workflow.Liquids {
		d := &p.p.workflow.Liquids[i]
		c, none := p.class(d.LiquidClass)
		l.liquids, l.classes, l.noClass = append(l.liquids, p.handling(&d.Defaults.Handling).saidBy(byLiquid)), append(l.classes, c), append(l.noClass, none)
		l.any = l.any || d.Defaults.Set || c != nil
	}
	for i := range p.p.workflow.Pipettes {
		d := &p.p.workflow.Pipettes[i]
		l.pipettes = append(l.pipettes, p.handling(&d.Defaults.Handling).saidBy(byPipette))
		l.any = l.any || d.Defaults.Set
	}
}

// defaults resolves those of the workflow.
func (p *preparer) defaults() {
	d := &p.p.workflow.Defaults
	p.p.defaults = defaults{set: d.Set, split: d.Split.Value, handling: p.handling(&d.Handling).saidBy(byWorkflow)}
	p.p.defaults.class, _ = p.class(d.LiquidClass)
	if d.Tip.Set {
		p.p.defaults.tip = &d.Tip
	}
}

// inherit gives a step what it inherits from.
func (p *preparer) inherit(k *keys, class spec.Scalar) {
	k.class, k.noClass = p.class(class)
	k.levels, k.defaults = p.said, &p.p.defaults
	k.alone = k.class == nil && !k.levels.any && !k.defaults.set
	if gap := k.dispense.airGap.expr; gap != nil && k.tip.then == "keep" {
		p.fail(diag.NoEffect, gap.Source().Whole(), "`air_gap` of `dispense` is drawn before the tip is put away, and this step keeps it", "remove it, or write an air_gap: step where the tip moves on")
	}
	if k.alone {
		for _, d := range k.handling.incomplete() {
			p.add(d)
		}
		k.settle()
	}
}

// incomplete reports groups of the step that lack a key which nothing else
// gives. One that is inherited has no effect, and is dropped.
func (h *handling) incomplete() diag.List {
	var out diag.List
	lacks := func(g *group, lacking bool, key, message, help string) {
		switch {
		case !g.on() || !lacking:
		case g.by != byStep:
			g.none = true
		default:
			out = append(out, diag.Diagnostic{Code: diag.MissingKey, Span: g.at, Message: message + ": `" + key + "` is missing", Help: help})
		}
	}
	for _, s := range []*side{&h.aspirate, &h.dispense} {
		lacks(&s.mix.group, !s.mix.times.set, "times", "nothing says how often to mix", "write mix: 3 x 50 uL")
		lacks(&s.mix.group, !s.mix.volume.set, "volume", "nothing says how much to mix", "write mix: 3 x 50 uL")
		lacks(&s.delay.group, !s.delay.time.set, "for", "nothing says how long to wait", "write delay: {for: 1 s, at: bottom + 5 mm}")
	}
	lacks(&h.blow.group, !h.blow.placed, "in", "nothing says where to blow out", "write in: trash, source, destination or a well")
	return out
}

// handlingKey is what the handling of liquid depends on beside the step.
type handlingKey struct {
	k           *keys
	pip, liquid int
	rack        int // labware, -1 where it is not known
}

// handlingFor is what the step does with a liquid, -1 for one without a name,
// with a pipette and a tip of a rack. It is worked out once; most steps inherit
// nothing. It is nil where what is said does not make sense, which is reported.
func (x *expansion) handlingFor(k *keys, pip, liquid, rack int) *handling {
	if k.alone {
		return &k.handling
	}
	key := handlingKey{k, pip, liquid, rack}
	if key == x.handledBy && x.handled != nil {
		return x.handled
	}
	h, ok := x.handlings[key]
	if !ok {
		h = x.merge(key)
		if x.handlings == nil {
			x.handlings = map[handlingKey]*handling{}
		}
		x.handlings[key] = h
	}
	x.handledBy, x.handled = key, h
	return h
}

// merge lays the levels over each other.
func (x *expansion) merge(key handlingKey) *handling {
	k, rack := key.k, ""
	if key.rack >= 0 {
		rack = x.deck.Labware[key.rack].Def.LoadName
	}
	h, class := k.handling, k.defaults.class
	h = h.over(k.class.of(key.pip, rack, byStepClass))
	if key.liquid >= 0 {
		h = h.over(&k.levels.liquids[key.liquid])
		if c := k.levels.classes[key.liquid]; c != nil || k.levels.noClass[key.liquid] {
			class = c
		}
	}
	if !k.noClass {
		h = h.over(class.of(key.pip, rack, byLiquidClass))
	}
	h = h.over(&k.levels.pipettes[key.pip]).over(&k.defaults.handling)
	bad := h.incomplete()
	for _, d := range bad {
		x.add(d)
	}
	if bad != nil {
		return nil
	}
	if k.mixes {
		// Rates and heights are all that a mix inherits.
		h.aspirate = side{at: h.aspirate.at, rate: h.aspirate.rate}
		h.dispense = side{at: h.dispense.at, rate: h.dispense.rate, touch: h.dispense.touch, mix: k.dispense.mix}
	}
	h.settle()
	return &h
}
