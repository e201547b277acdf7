package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// What a person brings where the program has used up what stands on the deck:
// new tip racks, and more of a liquid. The robot waits for it at the last moment
// at which it can: between two fillings of a tip, with no liquid in any, and with
// the gantry out of the way. When that is follows from the state alone, so that
// plan, lint, simulator and robot know it alike.

// refilling is what is declared of a liquid that is filled up.
type refilling struct {
	asked     bool
	to, below *eval.Expr
}

func (p *preparer) refilling(r *spec.Refill) refilling {
	return refilling{r.Set, p.expr(r.To), p.expr(r.Below)}
}

// refillable is up to what a liquid is filled, and what has to stay, in nL. Where
// upTo is 0, nobody fills it up.
type refillable struct{ upTo, below int64 }

// refillOf works out up to what a liquid is filled.
func (x *expansion) refillOf(l *liquid, out *program.Liquid) (r refillable) {
	if !l.refill.asked {
		return r
	}
	for _, v := range out.VolumeNL {
		r.upTo = max(r.upTo, v)
	}
	upTo, ok1 := x.quantity(l.refill.to, r.upTo)
	below, ok2 := x.quantity(l.refill.below, 0)
	if !ok1 || !ok2 || !x.notNegative(below, l.refill.below) {
		return refillable{}
	}
	at := l.refill.to
	if at == nil {
		at = l.refill.below
	}
	if at != nil && below >= upTo {
		x.addAt(at, diag.Diagnostic{Code: diag.BadVolume, Message: "nothing of " + out.Name + " could be drawn: it is filled up to " + quantity.Volume.Text(upTo) + ", and " + quantity.Volume.Text(below) + " have to stay in the well", Help: "fill it up to more than has to stay"})
		return refillable{}
	}
	for _, w := range out.Wells {
		if most := x.deck.Well(w).MaxNL; upTo > most && l.refill.to != nil {
			x.addAt(at, diag.Diagnostic{
				Code: diag.Overflow, Message: x.deck.WellName(w) + " cannot be filled up to " + quantity.Volume.Text(upTo) + " of " + out.Name,
				Label: "holds at most " + quantity.Volume.Text(most), Help: "fill it up to less",
			})
			return refillable{}
		}
	}
	return refillable{upTo, below}
}

// refillFor has a person fill up what a cycle would find too little of. Where
// that would not do either, the rules say what is missing.
func (x *expansion) refillFor(c *cycle) {
	if !x.refills {
		return
	}
	for i := range c.draws {
		if from := &c.draws[i].pair.from; x.mayFill(*from) && x.lacks(c, i) {
			x.awayWithTip(c)
			x.refill(from.liquid, c.frame)
		}
	}
}

// mayFill reports whether a source is a liquid that is filled up.
func (x *expansion) mayFill(s source) bool { return s.liquid >= 0 && x.filled[s.liquid].upTo > 0 }

// lacks reports whether no well of the source of a draw has enough for it, behind
// the draws of the cycle before it, and one would have if it were filled up.
func (x *expansion) lacks(c *cycle, draw int) bool {
	p, helps := &c.draws[draw], false
	for _, w := range p.pair.from.wells {
		v := p.volume
		for i := range c.draws[:draw] {
			if before := c.draws[i].pair.from; len(before.wells) == 1 && before.wells[0] == w {
				v += c.draws[i].volume
			}
		}
		enough, would := x.enough(c.pip, x.layout(c.k, c.pip), w, v, p.pair.from.liquid)
		if enough {
			return false
		}
		helps = helps || would
	}
	return helps
}

// enough reports whether v can be drawn from a well with every channel, and whether
// it could be if the well were filled up.
func (x *expansion) enough(pip int, n program.Nozzles, w program.WellRef, v int64, liquid int) (now, filled bool) {
	f := x.filled[liquid]
	each, known := x.state.Drawable(pip, n, w, f.below)
	return !known || each >= v, (f.upTo-f.below)/x.state.Sharing(pip, n, w) >= v
}

// awayWithTip puts the tip that is on away where the cycle takes another one
// anyway, so that it does not hang over the deck while a person is there.
func (x *expansion) awayWithTip(c *cycle) {
	if p := c.gives[0].pair; c.k.tip.use != "current" && x.needsTip(c.k, c.pip, p, x.ownTip(c.k, p)) {
		x.changeTip()
	}
}

// refill has a person fill up a liquid, where that adds anything and no tip
// holds liquid. It reports whether one does.
func (x *expansion) refill(liquid int, f *program.Frame) bool {
	upTo := x.filled[liquid].upTo
	if x.trial != nil || x.wet() >= 0 || !x.state.WouldRefill(liquid, upTo) {
		return false
	}
	l := &x.deck.Liquids[liquid]
	text := "fill " + x.wellsText(l.Wells) + " with " + l.Name + " up to " + quantity.Volume.Text(upTo)
	if len(l.Wells) > 1 {
		text += " each"
	}
	x.supply(program.Op{Kind: program.Refill, Well: program.None, Liquid: int16(liquid), Volume: upTo}, text, f)
	return true
}

// maxTold is how many wells a person is told one by one.
const maxTold = 8

func (x *expansion) wellsText(wells []program.WellRef) string {
	if n := len(wells); n > maxTold {
		return "the " + itoa(n) + " wells from " + x.deck.WellName(wells[0]) + " to " + x.deck.WellName(wells[n-1])
	}
	names := make([]string, 0, maxTold)
	for _, w := range wells {
		names = append(names, x.deck.WellName(w))
	}
	return listed(names)
}

// newTips has a person put new racks in the place of those of a pipette. It
// reports whether one does.
func (x *expansion) newTips(pip int, f *program.Frame) bool {
	p := &x.deck.Pipettes[pip]
	op := program.Op{Kind: program.NewTips, Well: program.None, Pipette: int8(pip)}
	if x.trial != nil || !p.Refill || len(p.Racks) == 0 {
		return false
	}
	if x.beforeFirst(&op) {
		return true
	}
	if wet := x.wet(); wet >= 0 {
		x.add(diag.Diagnostic{
			Code: diag.OutOfTips, Span: x.blameStep, Message: "there is no tip left for " + p.Name + ", and nobody can bring new racks while the tip of " + x.deck.Pipettes[wet].Name + " holds liquid",
			Help: "empty that before, or pick up a tip with " + p.Name + " before it is filled",
		})
		return false
	}
	x.supply(op, x.state.NewTipsText(pip), f)
	return true
}

// bring has a person bring what an evaluation that failed would have needed: other
// labware in the place of what is full, or new racks. Told says that it was said
// why nobody can.
func (x *expansion) bring() (brought, told bool) {
	errors := len(x.list)
	for _, i := range slices.Clone(x.env.GaveOut) {
		on := &x.deck.Labware[i]
		if on.Exchange {
			brought = x.exchange(i) || brought
		}
		for pip := range x.deck.Pipettes {
			if on.Def.IsTipRack && slices.Contains(x.deck.Pipettes[pip].Racks, i) {
				brought = x.newTips(pip, x.node) || brought
			}
		}
	}
	return brought, len(x.list) > errors
}

// exchange has a person put a new labware in the place of one that is full. Before
// the first step it is only noted: until then there is nobody to be told.
func (x *expansion) exchange(labware int) bool {
	op, on := program.Op{Kind: program.Exchange, Well: program.WellRef{Labware: int16(labware)}}, &x.deck.Labware[labware]
	switch {
	case x.trial != nil || x.env.State == nil || !x.env.State.WouldExchange(labware):
		return false
	case x.beforeFirst(&op):
		return true
	}
	if wet := x.wet(); wet >= 0 {
		x.add(diag.Diagnostic{
			Code: diag.OutOfRange, Span: x.blameStep, Message: "no well of " + on.Name + " is empty any more, and nobody can put a new one there while the tip of " + x.deck.Pipettes[wet].Name + " holds liquid",
			Help: "ask for the well before the tip is filled, for example with set:",
		})
		return false
	}
	number := 2
	for _, a := range x.state.Away() {
		if a.Labware == labware {
			number++
		}
	}
	f := x.newFrame(x.node, on.Name+"-"+itoa(number))
	if x.node == nil {
		f.Site = &program.Site{Path: "labware." + on.Name, Span: x.p.labwareAt(labware)}
	}
	x.supply(op, "take "+on.Name+", which is full, from "+x.state.PlaceText(labware)+" and put a new one there, "+on.Name+"#"+itoa(number)+x.madeReady(labware), f)
	return true
}

// madeReady says what is declared to stand in a labware.
func (x *expansion) madeReady(labware int) string {
	var parts []string
	for i := range x.deck.Liquids {
		l := &x.deck.Liquids[i]
		var wells []program.WellRef
		var volume int64
		same := true
		for k, w := range l.Wells {
			if int(w.Labware) == labware {
				same = same && (len(wells) == 0 || l.VolumeNL[k] == volume)
				wells, volume = append(wells, w), l.VolumeNL[k]
			}
		}
		switch {
		case len(wells) == 0:
		case same && volume >= 0:
			parts = append(parts, quantity.Volume.Text(volume)+" of "+l.Name+" in "+x.wellsText(wells))
		default:
			parts = append(parts, l.Name+" in "+x.wellsText(wells))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ", with " + listed(parts)
}

// beforeFirst notes what a person brings before the first step, where there is none
// yet, and goes on as if it had been brought.
func (x *expansion) beforeFirst(op *program.Op) bool {
	if x.at.Step != nil {
		return false
	}
	x.atFirst = append(x.atFirst, *op)
	x.env.State = x.env.State.Clone()
	x.env.State.Apply(op)
	return true
}

// bringFirst does what was noted before there was a first step.
func (x *expansion) bringFirst() {
	x.env.State = x.state
	for i := range x.atFirst {
		switch op := &x.atFirst[i]; op.Kind {
		case program.Exchange:
			x.exchange(int(op.Well.Labware))
		default:
			x.newTips(int(op.Pipette), nil)
		}
	}
}

// listed is a list in words: a, b and c.
func listed(names []string) string {
	n := len(names) - 1
	if n < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n], ", ") + " and " + names[n]
}

// supply has the gantry go out of the way and the robot wait for a person.
func (x *expansion) supply(op program.Op, text string, f *program.Frame) {
	if !x.step.Op.Kind.Supplies() || x.step.N == 0 { // it is out of the way
		x.emit(program.Op{Kind: program.Home, Well: program.None}, "", f, nil)
	}
	x.emit(op, text, f, nil)
}

// wet is a pipette whose tip holds liquid, or -1.
func (x *expansion) wet() int {
	for i := range x.state.Mounts {
		if m := &x.state.Mounts[i]; m.On && m.Held.Volume > 0 {
			return i
		}
	}
	return -1
}

// refillAt has a person fill up the liquid of a well that a single operation would
// find too little in. It reports whether one does.
func (x *expansion) refillAt(op *program.Op, v int64, f *program.Frame) bool {
	if !x.refills || op.Well == program.None {
		return false
	}
	liquid := x.liquidIn(op.Well)
	if !x.mayFill(source{liquid: liquid}) {
		return false
	}
	enough, would := x.enough(int(op.Pipette), x.state.Mounts[op.Pipette].Nozzles, op.Well, v, liquid)
	return !enough && would && x.refill(liquid, f)
}
