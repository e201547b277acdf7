package check

import (
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// liquid: what wells hold.
type liquid struct{}

func (liquid) See(t *program.Transition, r *Report) {
	op := &t.Step.Op
	if op.Kind != program.Aspirate && op.Kind != program.Dispense {
		return
	}
	if len(t.Touched.Wells) == 0 && !op.Trash && t.After.Deck.Labware[op.Well.Labware].Def.IsTipRack {
		noLiquidHere(t, r)
		return
	}
	for i := range t.Touched.Wells {
		d := &t.Touched.Wells[i]
		if t.Touched.Faults&program.OffWell != 0 {
			break // that is said, and what the other channels find follows from it
		}
		if d.Faults&program.Forgotten != 0 && op.Kind == program.Aspirate {
			name := t.After.Deck.WellName(d.Well)
			r.Add(program.AboutFrom, diag.Diagnostic{
				Code: diag.Forgotten, Message: "draws from " + name + ", and nobody knows what that holds: a protocol ran of which nothing is known",
				Help: "say what that protocol leaves: leaves: {wells: [{in: " + name + ", holds: {…}}]}",
			})
		}
		switch {
		case d.Faults&program.Short != 0:
			short(t, d, r)
		case op.Kind == program.Aspirate && d.Faults == 0:
			aboveLiquid(t, d, r)
		}
		if d.Faults&program.Overflow != 0 {
			overflow(t, d, r)
		}
	}
}

func (liquid) End(*program.State, *Report) {}

func noLiquidHere(t *program.Transition, r *Report) {
	about := program.AboutTo
	if t.Step.Op.Kind == program.Aspirate {
		about = program.AboutFrom
	}
	r.Add(about, diag.Diagnostic{Code: diag.NoLiquidHere, Message: t.After.Deck.WellName(t.Step.Op.Well) + " is a place for a tip and holds no liquid", Help: "name a well of a plate, a rack of tubes or a reservoir"})
}

func overflow(t *program.Transition, w *program.Delta, r *Report) {
	deck := t.After.Deck
	most, before := deck.Well(w.Well).MaxNL, w.Before.Volume
	r.AddOf(w.Well, program.AboutVolume, diag.Diagnostic{
		Code: diag.Overflow, Message: "the well overflows",
		Label: deck.WellName(w.Well) + " would hold " + quantity.Volume.Text(most+w.Missing) + "; it holds at most " + quantity.Volume.Text(most), Help: "give at most " + quantity.Volume.Text(max(0, most-before)/channels(t, w)) + " here, or use a labware with larger wells",
	})
}

// aboveLiquid reports a tip that would draw air, however the well is shaped. A tip
// that has liquid under it only at first is not reported: wells are emptied like that.
func aboveLiquid(t *program.Transition, d *program.Delta, r *Report) {
	deck := t.After.Deck
	w := deck.Well(d.Well)
	z, level := aboveBottom(&t.Step.Op, w), highest(w, d.Before.Volume)
	if d.Before.Unknown || z <= level || d.Before.Volume <= 0 || z <= leastAbove {
		return
	}
	r.AddOf(d.Well, program.AboutHeight, diag.Diagnostic{
		Code: diag.DrawsAir, Severity: diag.Warning, Message: "draws air: the tip is above the liquid in " + deck.WellName(d.Well),
		Label: quantity.Length.Text(z) + " above the bottom; the liquid stands at most " + quantity.Length.Text(level) + " high here",
		Help:  "go lower, such as bottom + 1 mm, or below the surface wherever it is: liquid - 2 mm",
	})
}

// leastAbove is the height above the bottom, in µm, up to which a tip is taken to reach
// whatever is left in a well: the last of it gathers around the tip.
const leastAbove = 1000

// channels is how many channels are in a well at once.
func channels(t *program.Transition, w *program.Delta) int64 {
	n := w.Moved / max(1, t.Step.Op.Volume)
	return max(1, n, -n)
}

func short(t *program.Transition, w *program.Delta, r *Report) {
	op := &t.Step.Op
	name := t.After.Deck.WellName(w.Well)
	before, asked, each := &w.Before, quantity.Volume.Text(op.Volume), channels(t, w)
	if each > 1 {
		asked = strconv.FormatInt(each, 10) + " times " + asked
	}
	if before.Volume == 0 && !before.Touched {
		r.Add(program.AboutFrom, diag.Diagnostic{
			Code: diag.EmptyWell, Message: "draws from " + name + ", which holds nothing",
			Label: "asks for " + asked, Help: "declare what stands there: liquids: {sample: {in: " + name + ", volume: 200 uL}}",
		})
		return
	}
	d := diag.Diagnostic{
		Code: diag.OverAspirate, Message: "aspirates more than the well holds",
		Label: "asks for " + asked + "; " + name + " holds " + quantity.Volume.Text(before.Volume) + " here",
		Help:  lower(before.Volume / each),
	}
	if p := poolOf(t, w); p != nil && p.most < op.Volume*each {
		d.Message = "no well of " + p.name + " holds as much any more"
		d.Label = "asks for " + asked + "; its fullest well holds " + quantity.Volume.Text(p.most) + " here, all " + strconv.Itoa(p.wells) + " together " + quantity.Volume.Text(p.total)
		d.Help = lower(p.most / each)
	}
	r.AddOf(w.Well, program.AboutVolume, d)
}

// lower says what to do where at most this much can be drawn.
func lower(most int64) string {
	if most <= 0 {
		return "declare more liquid, draw less before, or have a person fill it up: refill: ask"
	}
	return "lower the volume to at most " + quantity.Volume.Text(most) + ", or declare more liquid"
}

// pool is what the wells of a liquid hold before a step that draws from one.
type pool struct {
	name        string
	wells       int
	total, most int64 // nL
}

// poolOf returns the pool that the step's well belongs to; nil where the well
// stands alone.
func poolOf(t *program.Transition, of *program.Delta) *pool {
	deck := t.After.Deck
	for i := range deck.Liquids {
		l := &deck.Liquids[i]
		if len(l.Wells) < 2 || !slices.Contains(l.Wells, of.Well) {
			continue
		}
		p := &pool{name: l.Name, wells: len(l.Wells)}
		for _, w := range l.Wells {
			v := of.Before.Volume
			if w != of.Well {
				v = volumeIn(t.After, w)
			}
			p.total, p.most = p.total+v, max(p.most, v)
		}
		return p
	}
	return nil
}

func volumeIn(s *program.State, w program.WellRef) int64 {
	c, ok := s.Content(w)
	if !ok {
		return 0
	}
	return c.Volume
}
