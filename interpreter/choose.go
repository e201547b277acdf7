package interpreter

import (
	"cmp"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Which pipette does a job, and how much of what is moved fits into its tip.

// load is what a tip holds beside the liquid that is moved, in nL.
type load struct {
	gap     int64 // air behind each draw, and again between gives
	reverse int64 // drawn and not given
	extra   int64 // by which the plunger moves further than the liquid, all in all
}

// loadOf is the load of a tip that is filled for a pair. What depends on the
// volume is taken as large as it can be.
func (x *expansion) loadOf(j *job, pip int, p *pair) (load, bool) {
	h := x.handlingFor(j.k, pip, p.from.liquid, x.rackFor(j, pip, p))
	if h == nil {
		return load{}, false
	}
	s := &h.aspirate
	if s.airGap.expr == nil && s.airGap.curve == nil && s.reverse.expr == nil && s.correction.expr == nil && s.correction.curve == nil {
		return load{}, true
	}
	gap, ok1 := x.most(&s.airGap)
	reverse, ok2 := x.most(&s.reverse)
	extra, ok3 := x.most(&s.correction)
	if !ok1 || !ok2 || !ok3 || !x.notNegative(gap, s.airGap.expr) || !x.notNegative(reverse, s.reverse.expr) {
		return load{}, false
	}
	if j.spare != 0 && reverse > 0 {
		if s.reverse.by == byStep {
			x.addAt(s.reverse.expr, diag.Diagnostic{Code: diag.NoEffect, Message: "`reverse` has no effect here: what is drawn beyond what is given is the disposal", Help: "write disposal: " + quantity.Volume.Text(reverse)})
			return load{}, false
		}
		reverse = 0
	}
	return load{gap, reverse, max(0, extra)}, true
}

// loadOfAll is the largest load of all pairs of a job.
func (x *expansion) loadOfAll(j *job, pip int) (load, bool) {
	var out load
	for i := range j.pairs {
		l, ok := x.loadOf(j, pip, &j.pairs[i])
		if !ok {
			return out, false
		}
		out = load{max(out.gap, l.gap), max(out.reverse, l.reverse), max(out.extra, l.extra)}
	}
	return out, true
}

// rackFor is the rack of the tip that a pair will be moved with, -1 where it is
// not known.
func (x *expansion) rackFor(j *job, pip int, p *pair) int {
	if j.k.alone {
		return -1
	}
	place := x.ownTip(j.k, p)
	if j.k.tip.use == "current" || !x.needsTip(j.k, pip, p, place) {
		return x.rack(pip)
	}
	if place == program.None {
		place, _ = x.nextTip(j.k, pip)
	}
	return int(place.Labware)
}

func (x *expansion) noRoom(j *job, pip int, l load) {
	gap := l.gap
	d := diag.Diagnostic{Code: diag.TooMuchForTip, Span: x.blameStep, Message: "the air gap of " + quantity.Volume.Text(gap) + " leaves no room in the tip", Help: "use a smaller air gap or a larger pipette"}
	over := x.extra(j, pip)
	switch {
	case over > 0 && gap > 0:
		d.Message, d.Help = "the air gap of "+quantity.Volume.Text(gap)+" and the disposal of "+quantity.Volume.Text(over)+" leave no room in the tip", "use a smaller air gap or disposal, or a larger pipette"
	case over > 0:
		d.Message, d.Help = "the disposal of "+quantity.Volume.Text(over)+" leaves no room in the tip", "use a smaller disposal or a larger pipette"
	}
	if more := l.reverse + l.extra; more > 0 {
		d.Message = quantity.Volume.Text(over+more) + " drawn beyond what is moved"
		if gap > 0 {
			d.Message += ", and an air gap of " + quantity.Volume.Text(gap) + ","
		}
		d.Message += " leave no room in the tip"
		d.Help = "draw less beside what is moved, or use a larger pipette"
	}
	if m := &x.state.Mounts[pip]; j.k.tip.use == "current" && m.Held.Volume+m.Air > 0 {
		d.Message, d.Help = "the tip that is on holds "+quantity.Volume.Text(m.Held.Volume+m.Air)+" already, and has no room for more", "empty it before: blow_out: trash"
	} else if e := cmp.Or(j.spareAt, j.k.aspirate.airGap.expr); e != nil && l.reverse+l.extra == 0 {
		d.Span, d.Values = e.Source().Whole(), e.Reads(&x.env)
	}
	x.add(d)
}

// choose finds the pipette for a job: the one named, or the one that needs the
// fewest cycles, each chunk within its limits; of equals the smaller.
func (x *expansion) choose(j *job) (int, bool) {
	k := j.k
	if x.trial != nil {
		n, ok := x.cycles(j, x.crew.pip)
		x.trial.cycles, x.trial.failed = max(0, x.trial.cycles)+n, x.trial.failed || !ok || !x.fitsAll(j, x.crew.pip)
		return 0, false
	}
	if x.crew.n > 0 {
		return x.crew.pip, true
	}
	if k.pipette.index >= 0 {
		return k.pipette.index, true
	}
	if k.tip.use == "current" || len(x.deck.Pipettes) <= 1 {
		return x.current(k.pipette)
	}
	best, moves := -1, 0
	for i := range x.deck.Pipettes {
		n, ok := x.cycles(j, i)
		if !ok || !x.fitsAll(j, i) {
			continue
		}
		if best < 0 || n < moves || n == moves && x.deck.Pipettes[i].Model.MaxNL < x.deck.Pipettes[best].Model.MaxNL {
			best, moves = i, n
		}
	}
	if best < 0 {
		return 0, true // the rules say what does not fit
	}
	return best, true
}

// fitsAll reports whether the tips that a job asks for by place fit a pipette: a
// rack that is among the tips of some pipette is for those only.
func (x *expansion) fitsAll(j *job, pip int) bool {
	for i := range j.pairs {
		place := x.ownTip(j.k, &j.pairs[i])
		if place == program.None {
			continue
		}
		has := func(p *program.Pipette) bool { return slices.Contains(p.Racks, int(place.Labware)) }
		if !has(&x.deck.Pipettes[pip]) && (has(&x.deck.Pipettes[0]) || has(&x.deck.Pipettes[len(x.deck.Pipettes)-1])) {
			return false
		}
	}
	return true
}

// cycles counts the cycles a pipette needs; ok is false where a chunk would be
// below its minimum.
func (x *expansion) cycles(j *job, pip int) (n int, ok bool) {
	chunks, ok := x.chunksOf(j, pip)
	if !ok || len(chunks) == 0 {
		return 0, ok
	}
	c := cycle{job: j, pip: pip}
	c.load, _ = x.loadOfAll(j, pip)
	fill := filling{room: x.room(j, pip, chunks[0].pair, c.load)}
	if j.best && fill.room > 0 {
		_, n = c.packed(chunks, fill.room)
		return n, true
	}
	for _, ch := range chunks {
		if fill.n == 0 || !c.fits(&fill, ch.volume) {
			n++
			fill.sum, fill.n = 0, 0
		}
		fill.sum, fill.n = fill.sum+ch.volume, fill.n+1
	}
	return n, true
}

// room is how much liquid fits, beside one air gap and what is spare, into the
// tip that a pair will be moved with. Where every filling takes a new tip and
// there are several sizes of them, it is what fits into each.
func (x *expansion) room(j *job, pip int, p *pair, l load) int64 {
	m := &x.state.Mounts[pip]
	k, taken := j.k, l.gap+l.reverse+l.extra+x.extra(j, pip)
	if k.tip.use == "current" {
		if !m.On {
			return x.deck.Pipettes[pip].Model.MaxNL - taken // the rules say that there is none
		}
		return m.Max - m.Held.Volume - m.Air - taken
	}
	place := x.ownTip(k, p)
	if !x.needsTip(k, pip, p, place) {
		return m.Max - taken
	}
	if place == program.None {
		place, _ = x.nextTip(k, pip)
	}
	room := x.tipMax(pip, place) - taken
	if k.tip.use == "new" && (p.volume > room || j.share != alone) {
		for _, rack := range x.deck.Pipettes[pip].Racks {
			room = min(room, x.tipMax(pip, program.WellRef{Labware: int16(rack)})-taken)
		}
	}
	return room
}

// tipMax is what a tip from a place holds on a pipette.
func (x *expansion) tipMax(pip int, place program.WellRef) int64 {
	most := x.deck.Pipettes[pip].Model.MaxNL
	if place == program.None {
		return most
	}
	return min(most, x.deck.Well(place).MaxNL)
}
