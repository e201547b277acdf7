package interpreter

import (
	"cmp"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// The liquid steps: from their keys to movements. How a movement becomes
// operations is in lower.go.

// tipRule is a resolved `tip`.
type tipRule struct {
	use, then string
	from      *eval.Expr
	match     bool       // the place in the rack of from has the name of the source
	start     bool       // from is where the first tip is taken
	put       *eval.Expr // the place it goes to, nil where then says it
	span      diag.Span
	by        level // who says it
}

// keys are the resolved keys that every liquid step takes.
type keys struct {
	pipette  chosen
	nozzles  layouts
	tip      tipRule
	split    string
	splitBy  level
	handling           // what the step itself says
	class    *class    // named by the step
	noClass  bool      // the step cancels the liquid classes of the liquids
	levels   *levels   // of liquids and pipettes
	defaults *defaults // of the workflow the step stands in
	alone    bool      // nothing above the step says anything
	mixes    bool      // a mix: nothing is moved to another place
}

func (p *preparer) keys(k *spec.LiquidKeys, tip string) keys {
	pip, rule := p.pipette(k.Pipette), p.tipRule(&k.Tip, tip)
	out := keys{pipette: pip, nozzles: p.nozzles(k.Nozzles, pip, rule.use), tip: rule, split: k.Split.Value, handling: p.handling(&k.Handling)}
	if !k.Split.IsSet() {
		if out.split, out.splitBy = p.p.defaults.split, byWorkflow; out.split == "" {
			out.splitBy = byUs
		}
	}
	p.inherit(&out, k.LiquidClass)
	return out
}

func (p *preparer) tipRule(t *spec.Tip, otherwise string) tipRule {
	by := byStep
	if !t.Set {
		by = byUs
	}
	if d := p.p.defaults.tip; d != nil && !t.Set {
		t, by = d, byWorkflow
	} else if d != nil && !t.Short {
		merged := *t
		t = &merged
		if t.Then == "" && !t.Put.IsSet() && t.Use != "current" { // what is to become of new tips says nothing of the one that is on
			t.Then, t.Put = d.Then, d.Put
		}
		t.Use, t.Match = cmp.Or(t.Use, d.Use), cmp.Or(t.Match, d.Match)
		if !t.From.IsSet() {
			t.From = d.From
		}
	}
	out := tipRule{use: t.Use, then: t.Then, match: t.Match != "", from: p.place(t.From, spec.TipWords...), put: p.place(t.Put, spec.TipEnds...), span: t.Span, by: by}
	if out.use == "" {
		out.use = otherwise
		if t.From.IsSet() && !out.match {
			out.use = "once"
		}
	}
	switch {
	case out.match && out.use != "per_source" && out.use != "once" && t.Use != "":
		p.fail(diag.NoEffect, t.Span, "`match: source` gives every source its own tip, which does not go with `use: "+out.use+"`", "leave out `use`, or `match`")
	case out.from != nil && (out.use == "dedicated" || out.use == "current"):
		p.fail(diag.NoEffect, t.From.Whole(), "`from` says where tips are taken, which does not go with `use: "+out.use+"`", "leave out `use`, or `from`")
	}
	out.start = out.from != nil && !out.match && out.use != "once"
	if out.then == "" && out.put == nil {
		out.then = map[string]string{"dedicated": "return", "current": "keep"}[out.use]
	}
	return out
}

// source is where liquid is drawn: a well, or a pool of wells drained in order.
type source struct {
	wells  []program.WellRef
	liquid int // index, or -1
	expr   *eval.Expr
}

// target is a place that liquid is given to, and where it was written.
type target struct {
	well program.WellRef
	expr *eval.Expr
}

// amount is a volume in nL, and where it was written.
type amount struct {
	volume int64
	expr   *eval.Expr
}

// sources evaluates the places liquid is drawn from.
func (x *expansion) sources(list []*eval.Expr) ([]source, bool) {
	x.from, x.wells = x.from[:0], x.wells[:0]
	for _, e := range list {
		v, ok := x.eval(e)
		if !ok {
			return nil, false
		}
		x.appendSources(e, v)
	}
	if x.multi && !x.gatherSources() {
		return nil, false
	}
	return x.from, true
}

func (x *expansion) appendSources(e *eval.Expr, v eval.Value) {
	switch {
	case v.Kind() == eval.Liquid && !v.Distinct():
		x.from = append(x.from, source{x.deck.Liquids[v.Liquid()].Wells, v.Liquid(), e})
		return
	case v.Kind() == eval.List:
		for _, item := range v.List() {
			x.appendSources(e, item)
		}
		return
	}
	n := len(x.wells)
	x.wells = v.AppendWells(x.wells, x.deck)
	for i := n; i < len(x.wells); i++ {
		x.from = append(x.from, source{x.wells[i : i+1], x.liquidIn(x.wells[i]), e})
	}
}

// liquidIn returns the liquid declared for a well, or -1.
func (x *expansion) liquidIn(r program.WellRef) int {
	if of := x.declared[r.Labware]; of != nil {
		return int(of[r.Well]) - 1
	}
	return -1
}

// targets evaluates the places liquid is given to.
func (x *expansion) targets(list []*eval.Expr) ([]target, bool) {
	x.to = x.to[:0]
	for _, e := range list {
		v, ok := x.eval(e)
		if !ok {
			return nil, false
		}
		if v.Kind() == eval.Well {
			x.to = append(x.to, target{v.Well(), e})
			continue
		}
		for _, w := range v.Wells(x.deck) {
			x.to = append(x.to, target{w, e})
		}
	}
	if x.multi && !x.gatherTargets() {
		return nil, false
	}
	return x.to, true
}

// amounts evaluates volumes: one, or a list.
func (x *expansion) amounts(list []*eval.Expr) ([]amount, bool) {
	x.volumes = x.volumes[:0]
	for _, e := range list {
		v, ok := x.eval(e)
		if !ok {
			return nil, false
		}
		if v.Kind() != eval.List {
			x.volumes = append(x.volumes, amount{v.Quantity().N, e})
			continue
		}
		for _, item := range v.List() {
			x.volumes = append(x.volumes, amount{item.Quantity().N, e})
		}
	}
	if x.multi && !x.gatherVolumes() {
		return nil, false
	}
	return x.volumes, true
}

// route is the places and volumes of a step that pairs them.
type route struct {
	from, to, volume []*eval.Expr
	share            sharing
	takeFrom, takeTo wellOrder
	orderAt          diag.Span
	trash            bool // instead of to
}

func (p *preparer) route(from, to, volume spec.Exprs, share sharing, o *spec.Order) route {
	return route{from: p.exprs(from), to: p.exprs(to), volume: p.exprs(volume), share: share, takeFrom: orderOf(o.From), takeTo: orderOf(o.To), orderAt: o.Span}
}

// intoTrash has a route end in the trash, into which the tip is blown out: what is
// inherited for giving into wells says nothing there, and what is written is
// refused.
func (p *preparer) intoTrash(r *route, k *keys, at diag.Span, written *spec.LiquidKeys) {
	const help = "leave it out: the tip is blown out into the trash"
	if written.Dispense.IsSet() {
		p.fail(diag.NoEffect, at, "`dispense` says how liquid is given into wells, and this goes into the trash", help)
	}
	if written.BlowOut.Set && !written.BlowOut.None {
		p.fail(diag.NoEffect, written.BlowOut.Span, "`blow_out` says where the tip is emptied, and this goes into the trash", help)
	}
	r.trash, r.takeTo = true, wellOrder{}
	k.dispense, k.blow = side{}, blowing{group: group{set: true, none: true}}
	k.settle()
}

// pairsOf evaluates a route.
func (x *expansion) pairsOf(r *route) ([]pair, bool) {
	from, ok1 := x.sources(r.from)
	to, ok2 := x.goal(r)
	volumes, ok3 := x.amounts(r.volume)
	if !ok1 || !ok2 || !ok3 || !x.onePlace(r, len(from), len(to)) || !x.ordered(r, from, to, len(volumes)) {
		return nil, false
	}
	return x.pair(from, to, volumes, r)
}

// goal is where a route ends.
func (x *expansion) goal(r *route) ([]target, bool) {
	if !r.trash {
		return x.targets(r.to)
	}
	x.to, x.toOf = append(x.to[:0], target{program.None, r.from[0]}), x.toOf[:0]
	return x.to, true
}

// onePool is what to do where wells are to be one source.
const onePool = "declare the wells together as one liquid, which is a pool unless it says distinct: true"

// onePlace reports several places where the step has one for all the others.
func (x *expansion) onePlace(r *route, from, to int) bool {
	d := diag.Diagnostic{Code: diag.OnePlace}
	switch {
	case r.share == fanOut && from != 1:
		d.Span, d.Message = r.from[0].Source().Whole(), "distribute draws from one place, and these are "+itoa(from)
		d.Help = "use a transfer, which pairs sources and destinations; or " + onePool
	case r.share == fanIn && to != 1:
		d.Span, d.Message = r.to[0].Source().Whole(), "consolidate brings everything to one place, and these are "+itoa(to)
		d.Help = "use a transfer, which pairs sources and destinations"
	default:
		return true
	}
	x.add(d)
	return false
}

type transfer struct {
	route
	keys
}

func (p *preparer) transfer(b *spec.Transfer) body {
	out := &transfer{p.route(b.From, b.To, b.Volume, alone, &b.Order), p.keys(&b.LiquidKeys, "once")}
	if b.ToTrash {
		p.intoTrash(&out.route, &out.keys, b.To.Span, &b.LiquidKeys)
	}
	return out
}

func (b *transfer) expand(x *expansion, f *program.Frame) {
	if pairs, ok := x.pairsOf(&b.route); ok {
		x.warnEmpty(pairs)
		x.move(job{k: &b.keys, pairs: pairs}, f)
	}
}

// warnEmpty says that a step moves nothing at all.
func (x *expansion) warnEmpty(pairs []pair) {
	for i := range pairs {
		if pairs[i].volume != 0 {
			return
		}
	}
	x.addAt(pairs[0].volExp, diag.Diagnostic{Code: diag.NoEffect, Severity: diag.Warning, Message: "nothing is moved: every volume is 0", Help: "do the step only if there is something to move: if: … > 0 uL"})
}

// pair stretches the shorter of two lists as the field does: each element is
// repeated in place.
func (x *expansion) pair(from []source, to []target, volumes []amount, r *route) ([]pair, bool) {
	n := max(len(from), len(to))
	if len(from) == 0 || len(to) == 0 || n%len(from) != 0 || n%len(to) != 0 {
		x.add(diag.Diagnostic{
			Code: diag.ListsDoNotPair, Span: r.to[0].Source().Whole(), Message: count(len(from), "source") + " cannot be paired with " + count(len(to), "destination"),
			Related: []diag.Related{{Span: r.from[0].Source().Whole(), Message: "the sources are here"}}, Help: "one to many, many to one, or lists of which the longer is a multiple of the shorter",
		})
		return nil, false
	}
	if len(volumes) != 1 && len(volumes) != n {
		x.add(diag.Diagnostic{Code: diag.ListsDoNotPair, Span: r.volume[0].Source().Whole(), Message: count(len(volumes), "volume") + " for " + count(n, "pair"), Help: "write one volume for all, or one for each pair"})
		return nil, false
	}
	x.pairs = x.pairs[:0]
	for i := range n {
		to, v := to[i/(n/len(to))], volumes[i%len(volumes)]
		x.pairs = append(x.pairs, pair{from: from[i/(n/len(from))], to: to.well, volume: v.volume, toExpr: to.expr, volExp: v.expr})
	}
	x.labelPairs(x.pairs, len(to) > 1 || len(from) == 1)
	return x.pairs, true
}

// labelPairs names the pairs in ids: by destination, or by source where all
// go to one place.
func (x *expansion) labelPairs(pairs []pair, byDestination bool) {
	wells := make([]program.WellRef, len(pairs))
	for i := range pairs {
		wells[i] = pairs[i].to
		if (wells[i] == program.None || !byDestination && len(pairs) > 1) && len(pairs[i].from.wells) > 0 {
			wells[i] = pairs[i].from.wells[0]
		}
	}
	if len(pairs) == 1 {
		pairs[0].label = x.deck.Well(wells[0]).Name
		return
	}
	for i, label := range x.wellLabels(wells) {
		pairs[i].label = label
	}
}

// wellLabels names wells in ids, each differently: A1, or plate.A1 where they
// are of several labware; one that comes again gets a number, A1-2.
func (x *expansion) wellLabels(wells []program.WellRef) []string {
	several := slices.ContainsFunc(wells, func(w program.WellRef) bool { return w.Labware != wells[0].Labware })
	seen := make(map[program.WellRef]int, len(wells))
	out := make([]string, len(wells))
	for i, w := range wells {
		out[i] = x.deck.Well(w).Name
		if several {
			out[i] = x.deck.WellName(w)
		}
		if seen[w]++; seen[w] > 1 {
			out[i] += "-" + itoa(seen[w])
		}
	}
	return out
}

// destinationLabels names several destinations; one needs no name.
func (x *expansion) destinationLabels(to []target) []string {
	if len(to) < 2 {
		return nil
	}
	wells := make([]program.WellRef, len(to))
	for i := range to {
		wells[i] = to[i].well
	}
	return x.wellLabels(wells)
}

type mixIn struct {
	in   []*eval.Expr
	take wellOrder
	keys
}

func (p *preparer) mix(b *spec.Mix) body {
	m := mixing{group: group{set: true, whole: true}, rate: p.plain(b.Rate), height: p.height(&b.At)}
	m.times, m.volume = option{expr: p.expr(b.Times), set: true}, option{expr: p.expr(b.Volume), set: true} // one that is missing has been reported
	pip, rule := p.pipette(b.Pipette), p.tipRule(&b.Tip, "once")
	out := &mixIn{p.exprs(b.In), orderOf(b.Order), keys{
		pipette: pip, nozzles: p.nozzles(b.Nozzles, pip, rule.use), tip: rule, mixes: true,
		handling: handling{dispense: side{mix: m, touch: p.touch(&b.TouchTip)}, blow: p.blowing(&b.BlowOut)},
	}}
	p.inherit(&out.keys, b.LiquidClass)
	return out
}

// expand makes each well a cycle that draws nothing and gives nothing, and so
// only mixes.
func (b *mixIn) expand(x *expansion, f *program.Frame) {
	m := &b.dispense.mix
	wells, ok1 := x.targets(b.in)
	v, ok2 := x.quantity(m.volume.expr, 0)
	if !ok1 || !ok2 || !x.volumeOK(v, m.volume.expr) {
		return
	}
	inOrder(x, b.take, wells, (*target).place)
	x.pairs = x.pairs[:0]
	for i := range wells {
		w := &wells[i]
		x.pairs = append(x.pairs, pair{from: source{[]program.WellRef{w.well}, x.liquidIn(w.well), w.expr}, to: w.well, volume: v, toExpr: w.expr, volExp: m.volume.expr})
	}
	x.labelPairs(x.pairs, true)
	x.job = job{k: &b.keys, pairs: x.pairs}
	pip, ok := x.choose(&x.job)
	if !ok {
		return
	}
	c := &x.cycle
	c.begin(&x.job, pip, 0, nil)
	c.first = true
	for i := range x.pairs {
		p := &x.pairs[i]
		c.frame = x.newFrame(f, p.label)
		c.gives = append(c.gives[:0], part{pair: p, last: true, frame: c.frame})
		if !x.lower(c) {
			return
		}
	}
}
