package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// The liquid steps: from their keys to movements. How a movement becomes
// operations is in lower.go.

// mixing is a resolved `mix`.
type mixing struct {
	times, volume *eval.Expr
	at            height
	rate          *eval.Expr
}

// touching is a resolved `touch_tip`.
type touching struct {
	at     height
	speed  *eval.Expr
	sides  uint8
	radius *eval.Expr
}

// side is a resolved `aspirate` or `dispense` of a liquid step.
type side struct {
	at      height
	rate    *eval.Expr
	mix     *mixing
	airGap  *eval.Expr
	touch   *touching
	delay   *eval.Expr
	pushOut *eval.Expr
}

// blowing is a resolved `blow_out` of a liquid step.
type blowing struct {
	word        string
	in          *eval.Expr
	at          height
	rate, speed *eval.Expr
}

// tipRule is a resolved `tip`.
type tipRule struct {
	use, then string
	from      *eval.Expr
	span      diag.Span
}

// keys are the resolved keys that every liquid step takes.
type keys struct {
	pipette            chosen
	tip                tipRule
	split              string
	aspirate, dispense side
	blow               *blowing
}

func (p *preparer) keys(k *spec.LiquidKeys, tip string) keys {
	return keys{
		pipette: p.pipette(k.Pipette), tip: p.tipRule(&k.Tip, tip), split: k.Split.Value,
		aspirate: side{at: p.height(&k.Aspirate.At), rate: p.expr(k.Aspirate.Rate), mix: p.mixing(&k.Aspirate.Mix), airGap: p.expr(k.Aspirate.AirGap),
			touch: p.touch(&k.Aspirate.TouchTip), delay: p.expr(k.Aspirate.Delay)},
		dispense: side{at: p.height(&k.Dispense.At), rate: p.expr(k.Dispense.Rate), mix: p.mixing(&k.Dispense.Mix),
			touch: p.touch(&k.Dispense.TouchTip), delay: p.expr(k.Dispense.Delay), pushOut: p.expr(k.Dispense.PushOut)},
		blow: p.blowing(&k.BlowOut),
	}
}

func (p *preparer) mixing(m *spec.Mixing) *mixing {
	if !m.IsSet() {
		return nil
	}
	return &mixing{p.expr(m.Times), p.expr(m.Volume), p.height(&m.At), p.expr(m.Rate)}
}

var sideBits = map[string]uint8{"left": 1, "right": 2, "front": 4, "back": 8}

func (p *preparer) touch(t *spec.TouchTip) *touching {
	if !t.Set {
		return nil
	}
	out := &touching{at: p.height(&t.At), speed: p.expr(t.Speed), radius: p.expr(t.Radius), sides: program.AllSides.Sides}
	if len(t.Sides) > 0 {
		out.sides = 0
	}
	for _, s := range t.Sides {
		out.sides |= sideBits[s.Value]
	}
	return out
}

func (p *preparer) blowing(b *spec.BlowOut) *blowing {
	if !b.Set {
		return nil
	}
	if b.Word == "trash" && b.At.IsSet() {
		p.fail(diag.NoEffect, b.At.Span, "`at` has no effect on a blow-out into the trash", "remove it")
	}
	return &blowing{b.Word, p.place(b.In, "source", "destination", "trash"), p.height(&b.At), p.expr(b.Rate), p.expr(b.Speed)}
}

func (p *preparer) tipRule(t *spec.Tip, otherwise string) tipRule {
	out := tipRule{use: t.Use, then: t.Then, from: p.place(t.From, spec.TipWords...), span: t.Span}
	if out.use == "" {
		out.use = otherwise
		if t.From.IsSet() {
			out.use = "once"
		}
	}
	if out.from != nil && out.use != "once" {
		p.fail(diag.NoEffect, t.From.Whole(), "`from` names one tip, which cannot be used "+out.use, "leave out `use`, or `from`")
	}
	if out.then == "" {
		out.then = map[string]string{"dedicated": "return", "current": "keep"}[out.use]
	}
	return out
}

// source is where liquid is drawn: a well, or a pool of wells drained in order.
type source struct {
	wells  []program.WellRef
	liquid int // index, or -1
}

// sources evaluates the places liquid is drawn from.
func (x *expansion) sources(list []*eval.Expr) ([]source, bool) {
	var out []source
	for _, e := range list {
		v, ok := x.eval(e)
		if !ok {
			return nil, false
		}
		out = x.appendSources(out, v)
	}
	return out, true
}

func (x *expansion) appendSources(out []source, v eval.Value) []source {
	switch v.Kind() {
	case eval.Liquid:
		return append(out, source{x.deck.Liquids[v.Liquid()].Wells, v.Liquid()})
	case eval.List:
		for _, item := range v.List() {
			out = x.appendSources(out, item)
		}
		return out
	}
	for _, w := range v.Wells(x.deck) {
		out = append(out, source{[]program.WellRef{w}, x.liquidIn(w)})
	}
	return out
}

// liquidIn returns the liquid declared for a well, or -1.
func (x *expansion) liquidIn(r program.WellRef) int {
	for i := range x.deck.Liquids {
		for _, w := range x.deck.Liquids[i].Wells {
			if w == r {
				return i
			}
		}
	}
	return -1
}

func (x *expansion) wells(list []*eval.Expr) ([]program.WellRef, bool) {
	var out []program.WellRef
	for _, e := range list {
		v, ok := x.eval(e)
		if !ok {
			return nil, false
		}
		out = append(out, v.Wells(x.deck)...)
	}
	return out, true
}

// volumes evaluates volumes: one, or a list.
func (x *expansion) volumes(list []*eval.Expr) ([]int64, bool) {
	var out []int64
	for _, e := range list {
		v, ok := x.eval(e)
		if !ok {
			return nil, false
		}
		if v.Kind() != eval.List {
			out = append(out, v.Quantity().N)
			continue
		}
		for _, item := range v.List() {
			out = append(out, item.Quantity().N)
		}
	}
	return out, true
}

// pair is one movement of a liquid step, before it is divided into aliquots.
type pair struct {
	from   source
	to     program.WellRef
	volume int64
	label  string
	expr   *eval.Expr // the volume's
}

type transfer struct {
	from, to, volume []*eval.Expr
	keys
}

func (p *preparer) transfer(b *spec.Transfer) body {
	return &transfer{p.exprs(b.From), p.exprs(b.To), p.exprs(b.Volume), p.keys(&b.LiquidKeys, "once")}
}

func (b *transfer) expand(x *expansion, f *program.Frame) {
	from, ok1 := x.sources(b.from)
	to, ok2 := x.wells(b.to)
	volumes, ok3 := x.volumes(b.volume)
	if !ok1 || !ok2 || !ok3 {
		return
	}
	x.blame[program.AboutFrom], x.blame[program.AboutTo] = b.from[0], b.to[0]
	pairs, ok := x.pair(from, to, volumes, b)
	if !ok {
		return
	}
	if allZero(volumes) {
		x.addAt(b.volume[0], diag.Diagnostic{Code: diag.NoEffect, Severity: diag.Warning, Message: "this transfer moves nothing: every volume is 0", Help: "do the step only if there is something to move: if: … > 0 uL"})
	}
	x.move(&b.keys, pairs, f)
}

func allZero(volumes []int64) bool {
	for _, v := range volumes {
		if v != 0 {
			return false
		}
	}
	return true
}

// pair stretches the shorter of two lists as the field does: each element is
// repeated in place.
func (x *expansion) pair(from []source, to []program.WellRef, volumes []int64, b *transfer) ([]pair, bool) {
	n := max(len(from), len(to))
	if len(from) == 0 || len(to) == 0 || n%len(from) != 0 || n%len(to) != 0 {
		x.add(diag.Diagnostic{Code: diag.ListsDoNotPair, Span: b.to[0].Source().Whole(), Message: count(len(from), "source") + " cannot be paired with " + count(len(to), "destination"),
			Related: []diag.Related{{Span: b.from[0].Source().Whole(), Message: "the sources are here"}}, Help: "one to many, many to one, or lists of which the longer is a multiple of the shorter"})
		return nil, false
	}
	if len(volumes) != 1 && len(volumes) != n {
		x.add(diag.Diagnostic{Code: diag.ListsDoNotPair, Span: b.volume[0].Source().Whole(), Message: count(len(volumes), "volume") + " for " + count(n, "pair"), Help: "write one volume for all, or one for each pair"})
		return nil, false
	}
	pairs := make([]pair, n)
	for i := range pairs {
		pairs[i] = pair{from: from[i/(n/len(from))], to: to[i/(n/len(to))], volume: volumes[i%len(volumes)], expr: b.volume[min(i, len(b.volume)-1)]}
	}
	x.labelPairs(pairs, len(to) > 1 || len(from) == 1)
	return pairs, true
}

// labelPairs names the pairs in ids: by destination, or by source where all
// go to one place. A name that comes again gets a number.
func (x *expansion) labelPairs(pairs []pair, byDestination bool) {
	seen := make(map[string]int, len(pairs))
	for i := range pairs {
		r := pairs[i].to
		if !byDestination && len(pairs[i].from.wells) > 0 {
			r = pairs[i].from.wells[0]
		}
		name := x.deck.Well(r).Name
		seen[name]++
		if n := seen[name]; n > 1 {
			name += "." + itoa(n)
		}
		pairs[i].label = name
	}
}

type formulate struct {
	to      []*eval.Expr
	volumes []portion
	keys
}

// portion is a liquid and how much of it every well gets.
type portion struct {
	liquid int
	volume *eval.Expr
}

func (p *preparer) formulate(b *spec.Formulate) body {
	out := &formulate{to: p.exprs(b.To), keys: p.keys(&b.LiquidKeys, "per_source")}
	given := map[string]*eval.Expr{}
	for _, v := range b.Volumes {
		x := p.compile(v.Value, wanted(spec.WantVolume))
		if !p.isLiquid(v.Name.Value) {
			p.unknownName(diag.UnknownName, v.Name, "liquid", p.liquidNameList())
			continue
		}
		given[v.Name.Value] = x
	}
	for i := range p.p.deck.Liquids {
		if x, ok := given[p.p.deck.Liquids[i].Name]; ok {
			out.volumes = append(out.volumes, portion{i, x})
		}
	}
	return out
}

func (p *preparer) isLiquid(name string) bool {
	for i := range p.p.deck.Liquids {
		if p.p.deck.Liquids[i].Name == name {
			return true
		}
	}
	return false
}

func (p *preparer) liquidNameList() []string {
	var out []string
	for i := range p.p.deck.Liquids {
		out = append(out, p.p.deck.Liquids[i].Name)
	}
	return out
}

// expand goes liquid by liquid, in the order of their declaration, and within
// a liquid well by well, so that every liquid's tip is taken once.
func (b *formulate) expand(x *expansion, f *program.Frame) {
	to, ok := x.wells(b.to)
	if !ok {
		return
	}
	x.blame[program.AboutTo] = b.to[0]
	var pairs []pair
	for _, v := range b.volumes {
		amount, ok := x.quantity(v.volume, 0)
		if !ok {
			return
		}
		for _, w := range to {
			label := x.deck.Liquids[v.liquid].Name
			if len(to) > 1 {
				label += "." + x.deck.Well(w).Name
			}
			pairs = append(pairs, pair{source{x.deck.Liquids[v.liquid].Wells, v.liquid}, w, amount, label, v.volume})
		}
	}
	x.move(&b.keys, pairs, f)
}

type mixIn struct {
	in []*eval.Expr
	m  mixing
	keys
}

func (p *preparer) mix(b *spec.Mix) body {
	return &mixIn{p.exprs(b.In), mixing{p.expr(b.Times), p.expr(b.Volume), p.height(&b.At), p.expr(b.Rate)},
		keys{pipette: p.pipette(b.Pipette), tip: p.tipRule(&b.Tip, "once"), dispense: side{touch: p.touch(&b.TouchTip)}, blow: p.blowing(&b.BlowOut)}}
}

func (b *mixIn) expand(x *expansion, f *program.Frame) {
	wells, ok1 := x.wells(b.in)
	v, ok2 := x.quantity(b.m.volume, 0)
	if !ok1 || !ok2 {
		return
	}
	x.blame[program.AboutFrom], x.blame[program.AboutTo], x.blame[program.AboutVolume] = b.in[0], b.in[0], b.m.volume
	if !x.volumeOK(v, b.m.volume) {
		return
	}
	pairs := make([]pair, len(wells))
	for i, w := range wells {
		pairs[i] = pair{from: source{[]program.WellRef{w}, x.liquidIn(w)}, to: w, volume: v, expr: b.m.volume}
	}
	x.labelPairs(pairs, true)
	pip, ok := x.choose(&b.keys, pairs)
	if !ok {
		return
	}
	for i := range pairs {
		part := &program.Frame{Parent: f, Label: pairs[i].label}
		if !x.takeTip(&b.keys, pip, &pairs[i], pairs[i].to, true, part) {
			return
		}
		x.mixWell(&b.m, pip, pairs[i].to, bottom1mm, part, nil)
		x.touchTip(b.dispense.touch, pip, pairs[i].to, part, nil)
		x.blowOut(b.blow, pip, pairs[i].to, pairs[i].to, part, nil)
	}
}
