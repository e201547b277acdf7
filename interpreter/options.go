package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
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
}

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
	return handling{h.aspirate.over(far.aspirate), h.dispense.over(far.dispense), h.blow.over(far.blow)}
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

// What the preparer makes of what is written.

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
	return handling{p.side(&h.Aspirate), p.side(&h.Dispense), p.blowing(&h.BlowOut)}
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

// class is a liquid class, resolved for the pipettes of a deck.
type class struct {
	name string
	all  []handling            // by pipette
	tips []map[string]handling // by pipette, by the load name of the rack; most are nil
}

// of is what the class says for a pipette with tips of a rack, as said by a
// level.
func (c *class) of(pip int, rack string, by level) *handling {
	if c == nil {
		return nil
	}
	h, ok := c.tips[pip][rack]
	if !ok {
		h = c.all[pip]
	}
	h = h.saidBy(by)
	return &h
}

// class resolves a `liquid_class` that is written; none says that it cancels.
func (p *preparer) class(s spec.Scalar) (c *class, none bool) {
	ref := strings.TrimSpace(s.Text)
	switch {
	case ref == "":
		return nil, false
	case ref == "none":
		return nil, true
	}
	decl, key := p.classFile(ref, s)
	if decl == nil {
		return nil, false
	}
	if made, ok := p.calls.made[key]; ok {
		return made, false
	}
	c = p.makeClass(decl)
	p.calls.made[key] = c
	return c, false
}

// classFile finds what a liquid class is. An unknown one is reported.
func (p *preparer) classFile(ref string, s spec.Scalar) (decl *spec.LiquidClass, key string) {
	if spec.IsClassFile(ref) {
		f, ok := p.p.bundle.ReferencedFrom(p.p.workflow.File, ref)
		if !ok {
			return nil, "" // the bundle's loading has said so
		}
		return p.calls.classes[f.Name], f.Name
	}
	if c, ok := p.p.machine.LiquidClass(ref); ok {
		return c, ref
	}
	names := p.p.machine.LiquidClasses()
	d := diag.Diagnostic{
		Code: diag.UnknownName, Span: s.Whole(), Message: "there is no liquid class " + ref,
		Help: "there is " + strings.Join(names, ", ") + "; for one of your own write its file, such as ./honey.yaml",
	}
	if near, ok := diag.Nearest(ref, names); ok {
		d.Help = "did you mean " + near + "?"
		d.Edits = []diag.Edit{{Span: s.Whole(), New: near}}
	}
	p.add(d)
	return nil, ""
}

// makeClass resolves a class for every pipette of the deck. A class speaks of no
// wells, so that its expressions see no names.
func (p *preparer) makeClass(decl *spec.LiquidClass) *class {
	q := &preparer{p: &Prepared{workflow: p.p.workflow, bundle: p.p.bundle, machine: p.p.machine, deck: &program.Deck{}}, scope: eval.NewScope(), names: map[string]diag.Span{}, calls: p.calls, only: -1}
	general := q.handling(&decl.Handling)
	parts := make([]handling, len(decl.Pipettes))
	tips := make([][]handling, len(decl.Pipettes))
	for i := range decl.Pipettes {
		d := &decl.Pipettes[i]
		parts[i] = q.handling(&d.Handling)
		for k := range d.Tips {
			tips[i] = append(tips[i], q.handling(&d.Tips[k].Handling))
		}
		q.knownPipette(d.Name)
	}
	c := &class{name: decl.Name.Value}
	for i := range p.p.deck.Pipettes {
		h, racks := general, map[string]handling(nil)
		if m := p.p.deck.Pipettes[i].Model; m != nil {
			size, _, _ := strings.Cut(m.Name, "_")
			for _, name := range []string{size, m.Name} { // the exact name over the size
				for k := range decl.Pipettes {
					if decl.Pipettes[k].Name.Value != name {
						continue
					}
					h = parts[k].over(&h)
					for j := range decl.Pipettes[k].Tips {
						if racks == nil {
							racks = map[string]handling{}
						}
						rack := decl.Pipettes[k].Tips[j].Name.Value
						before := racks[rack]
						racks[rack] = tips[k][j].over(&before)
					}
				}
			}
		}
		for rack, t := range racks {
			racks[rack] = t.over(&h)
		}
		c.all, c.tips = append(c.all, h), append(c.tips, racks)
	}
	p.list = append(p.list, q.list...)
	return c
}

// knownPipette reports a pipette of a class that there is none of.
func (p *preparer) knownPipette(name spec.Word) {
	var known []string
	for _, n := range p.p.machine.PipetteNames() {
		size, _, _ := strings.Cut(n, "_")
		if name.Value == n || name.Value == size {
			return
		}
		known = append(known, n)
		if !slices.Contains(known, size) {
			known = append(known, size)
		}
	}
	p.unknownName(diag.UnknownPipette, name, "pipette", known)
}

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
		h.aspirate.mix, h.aspirate.reverse, h.aspirate.preWet, h.dispense.mix = mixing{}, option{}, option{}, k.dispense.mix
	}
	return &h
}

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
