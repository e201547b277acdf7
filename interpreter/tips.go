package interpreter

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// tipUse is the tip a liquid step has taken, over all passes of its own loops.
type tipUse struct {
	on      bool
	pipette int
	then    string
	place   program.WellRef    // asked for by name, or None
	from    []program.WellRef  // the source of the last cycle
	well    [1]program.WellRef // where from is, if it is one well
	to      program.WellRef
	put     *eval.Expr // where it is put, nil where then says it
	puts    int        // how many tips of the step were put away before
	air     program.Op // an air gap to be drawn before it is put away, if its volume is above 0
}

// takeTip sees to it that the right tip is on before a cycle, by the rule of
// the step.
func (x *expansion) takeTip(c *cycle) bool {
	k, p, t := c.k, c.gives[0].pair, &x.tip
	if k.tip.use == "current" {
		*t = tipUse{on: x.state.Mounts[c.pip].On, pipette: c.pip, then: k.tip.then, put: k.tip.put}
		return true
	}
	place := program.None
	if c.first {
		var ok bool
		if place, ok = x.tipPlace(k, p); !ok {
			return false
		}
	} else if t.on {
		place = t.place
	}
	if x.needsTip(k, c.pip, p, place) {
		x.changeTip()
		if !x.pickUpFor(k, c.pip, place, c.frame) {
			return false
		}
		*t = tipUse{on: true, pipette: c.pip, then: k.tip.then, put: k.tip.put, puts: t.puts, place: place}
	}
	t.from, t.to = p.from.wells, p.to
	t.air.Volume = 0      // what is drawn before a tip is put away is for what it does last
	if len(t.from) == 1 { // a step makes room for those once, and again in its next pass
		t.well[0] = t.from[0]
		t.from = t.well[:]
	}
	return true
}

// needsTip reports whether another tip than the one that is on must be taken
// before a cycle that begins with the pair; place is the tip's, if one is asked for.
func (x *expansion) needsTip(k *keys, pip int, p *pair, place program.WellRef) bool {
	t := &x.tip
	if !t.on || t.pipette != pip || place != t.place {
		return true
	}
	switch k.tip.use {
	case "new":
		return true
	case "per_source":
		return !sameSource(p.from.wells, t.from)
	case "per_destination":
		return p.to != t.to
	}
	return false
}

// sameSource reports whether two sources share a well. The wells of a pool
// hold one liquid.
func sameSource(a, b []program.WellRef) bool {
	for _, w := range a {
		if slices.Contains(b, w) {
			return true
		}
	}
	return false
}

// ownTip is the place of the tip that the step asks for, or None; what cannot
// be computed is reported by tipPlace.
func (x *expansion) ownTip(k *keys, p *pair) program.WellRef {
	switch {
	case k.tip.match:
		place, _ := x.matching(k, p)
		return place
	case k.tip.start:
		return program.None
	case k.tip.from != nil:
		if v, fault := k.tip.from.Eval(&x.env); fault == nil && v.Known() {
			return first(v.Wells(x.deck))
		}
	case k.tip.use == "dedicated":
		return x.dedicated(p)
	}
	return program.None
}

// tipPlace is the place of the tip to use, or None for the next one.
func (x *expansion) tipPlace(k *keys, p *pair) (program.WellRef, bool) {
	x.blame[program.AboutTip] = k.tip.from
	switch {
	case k.tip.match:
		place, ok := x.matching(k, p)
		if ok && place == program.None {
			x.add(diag.Diagnostic{
				Code: diag.UnknownWell, Span: k.tip.span, Message: "no place of the rack has the name of " + x.deck.WellName(x.sourceWell(k, p)),
				Help: "match: source takes the tip of the same name as the source; name a rack that has it, or use another tip rule",
			})
		}
		return place, ok && place != program.None
	case k.tip.start:
		return program.None, true
	case k.tip.from != nil:
		v, ok := x.eval(k.tip.from)
		if !ok {
			return program.None, false
		}
		return first(v.Wells(x.deck)), true
	}
	if k.tip.use != "dedicated" {
		return program.None, true
	}
	place := x.dedicated(p)
	if place == program.None {
		d := diag.Diagnostic{Code: diag.NoDedicatedTip, Span: k.tip.span, Message: "`dedicated` is the liquid's own tip, and nothing says which tip that is", Help: "draw from a liquid, and give it a tip: liquids: {red: {in: …, tip: tips.B1}}"}
		if p.from.liquid >= 0 {
			name := x.deck.Liquids[p.from.liquid].Name
			d.Message = name + " has no tip of its own"
			d.Related = []diag.Related{{Span: x.p.liquids[p.from.liquid].decl.Name.Span, Message: name + " is declared here"}}
			d.Help = "give it one: " + name + ": {…, tip: tips.B1}, or use another tip rule"
		}
		x.add(d)
		return place, false
	}
	return place, true
}

func (x *expansion) dedicated(p *pair) program.WellRef {
	if p.from.liquid < 0 {
		return program.None
	}
	return x.deck.Liquids[p.from.liquid].Tip
}

func first(wells []program.WellRef) program.WellRef {
	if len(wells) == 0 {
		return program.None
	}
	return wells[0]
}

// sourceWell is the well a pair will draw from.
func (x *expansion) sourceWell(k *keys, p *pair) program.WellRef {
	pip := x.crew.pip
	if k.pipette.index >= 0 {
		pip = k.pipette.index
	}
	return x.drawFrom(k, pip, p.from, p.volume)
}

// matching is the place in a rack that has the name of the source, or None: in
// the rack that the step names, or else in the first of the pipette's.
func (x *expansion) matching(k *keys, p *pair) (program.WellRef, bool) {
	rack := -1
	if k.tip.from != nil {
		v, ok := x.eval(k.tip.from)
		if !ok {
			return program.None, false
		}
		rack = int(first(v.Wells(x.deck)).Labware)
	} else if pip, ok := x.current(k.pipette); !ok {
		return program.None, false
	} else if racks := x.deck.Pipettes[pip].Racks; len(racks) > 0 {
		rack = racks[0]
	}
	well := x.sourceWell(k, p)
	if rack < 0 || well == program.None {
		return program.None, true
	}
	i, ok := x.deck.Labware[rack].Def.Well(x.deck.Well(well).Name)
	if !ok {
		return program.None, true
	}
	return program.WellRef{Labware: int16(rack), Well: int16(i)}, true
}

// nextTip is the next tip for a step: behind where it starts, if it says so. Where
// there is none and a person will bring new racks, the place is of one of those.
func (x *expansion) nextTip(k *keys, pip int) (program.WellRef, bool) {
	if !k.tip.start {
		place, ok := x.state.NextTip(pip, x.layout(k, pip))
		if racks := x.deck.Pipettes[pip].Racks; !ok && x.deck.Pipettes[pip].Refill && len(racks) > 0 {
			place = program.WellRef{Labware: int16(racks[0])}
		}
		return place, ok
	}
	v, fault := k.tip.from.Eval(&x.env)
	if fault != nil || !v.Known() {
		return program.None, false
	}
	return x.state.NextTipFrom(pip, x.layout(k, pip), first(v.Wells(x.deck)))
}

// pickUpFor picks up the tip for a step at a place, or the next one.
func (x *expansion) pickUpFor(k *keys, pip int, place program.WellRef, f *program.Frame) bool {
	if place == program.None && k.tip.start {
		if _, ok := x.eval(k.tip.from); !ok {
			return false
		}
		next, ok := x.nextTip(k, pip)
		if _, other := x.state.NextTip(pip, x.layout(k, pip)); !ok && !other && x.newTips(pip, f) {
			next, ok = x.nextTip(k, pip)
		}
		if ok {
			place = next
		}
	}
	return x.pickUp(pip, x.layout(k, pip), place, f)
}

// pickUp picks up the tip at a place, or the next one, with some nozzles.
func (x *expansion) pickUp(pip int, n program.Nozzles, place program.WellRef, f *program.Frame) bool {
	if place == program.None {
		var ok bool
		if place, ok = x.state.NextTip(pip, n); !ok && x.newTips(pip, f) {
			place, ok = x.state.NextTip(pip, n)
		}
		if !ok {
			x.outOfTips(pip, f)
			x.state.AssumeTip(pip)
			return true
		}
	} else if !x.deck.Labware[place.Labware].Def.IsTipRack {
		d := diag.Diagnostic{Code: diag.NotATipRack, Message: x.deck.WellName(place) + " is not a place of a tip rack", Help: "name a place of a tip rack, such as tips.A1"}
		d.Span, d.Values = x.Blame(program.AboutTip)
		x.add(d)
		x.state.AssumeTip(pip)
		return true
	}
	if m := &x.state.Mounts[pip]; m.Nozzles != n {
		x.emit(program.Op{Kind: program.ConfigureNozzles, Pipette: int8(pip), Nozzles: n, Well: program.None}, "", f, nil)
	}
	x.emit(program.Op{Kind: program.PickUpTip, Pipette: int8(pip), Well: place, At: top0}, "", f, nil)
	return true
}

func (x *expansion) outOfTips(pip int, f *program.Frame) {
	p := &x.deck.Pipettes[pip]
	d := diag.Diagnostic{Code: diag.OutOfTips, Span: x.blameStep, Message: "there is no tip left for " + p.Name}
	total := 0
	for _, r := range p.Racks {
		if x.state.Tip(program.WellRef{Labware: int16(r)}) == program.TipUnknown {
			x.add(diag.Diagnostic{
				Code: diag.Forgotten, Span: x.blameStep, Message: "nobody knows which tips are left for " + p.Name + ": a protocol ran of which nothing is known",
				Help: "say which tips that protocol uses up: leaves: {tips: …}",
			})
			return
		}
		total += len(x.deck.Labware[r].Def.Wells)
	}
	if total == 0 {
		d.Message, d.Help = p.Name+" has no tip rack to take tips from", "name its racks: "+p.Name+": {type: "+p.Model.Name+", mount: "+p.Mount+", tips: [tips]}"
	} else {
		d.Help = "all " + count(total, "place") + " of its racks are used or kept for a liquid; add a rack, or use a tip more often (tip: once); or have a person bring new racks: refill: ask under " + p.Name
	}
	if f != nil {
		d.Frames = f.Loops(d.Span.File)
	}
	x.add(d)
}

// finishTip puts the step's tip where it belongs when the step is over.
func (x *expansion) finishTip() {
	if x.tip.then == "keep" {
		x.tip = tipUse{}
		return
	}
	x.changeTip()
}

// changeTip puts the step's tip where it belongs, because another one is
// wanted; one to be kept at the end goes into the trash.
func (x *expansion) changeTip() {
	if x.trial != nil {
		return
	}
	t := x.tip
	x.tip = tipUse{puts: t.puts}
	if !t.on {
		return
	}
	x.tip.puts++
	f := x.frame
	if t.air.Volume > 0 {
		x.emit(t.air, "", f, nil)
	}
	if t.put != nil {
		x.putTip(&t, f)
		return
	}
	if m := &x.state.Mounts[t.pipette]; t.then == "return" && m.From != program.None {
		x.emit(program.Op{Kind: program.ReturnTip, Pipette: int8(t.pipette), Well: m.From, At: x.dropPosition(t.pipette, m.From)}, "", f, nil)
		return
	}
	x.emit(program.Op{Kind: program.DropTip, Pipette: int8(t.pipette), Trash: true, Well: program.None}, "", f, nil)
}

// putTip puts a tip into the place that the step names; those after the first go
// to the next empty places of the rack. Where there is none left, the rules say
// that the place is taken.
func (x *expansion) putTip(t *tipUse, f *program.Frame) {
	outer := x.blame
	defer func() { x.blame = outer }()
	x.blame[program.AboutTo] = t.put
	place, ok := x.well(t.put)
	if !ok {
		return
	}
	if t.puts > 0 {
		if next, ok := x.state.NextEmpty(t.pipette, place); ok {
			place = next
		}
	}
	x.emit(program.Op{Kind: program.DropTip, Pipette: int8(t.pipette), Well: place, At: x.dropPosition(t.pipette, place)}, "", f, nil)
}
