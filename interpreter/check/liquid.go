package check

import (
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// liquid: what wells hold.
type liquid struct{}

func (liquid) See(t *program.Transition, r *Report) {
	op := &t.Step.Op
	if op.Kind != program.Aspirate && op.Kind != program.Dispense {
		return
	}
	switch f := t.Touched.Faults; {
	case t.Touched.Well == program.None && !op.Trash:
		noLiquidHere(t, r)
	case f&program.Short != 0:
		short(t, r)
	case f&program.Overflow != 0:
		overflow(t, r)
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

func overflow(t *program.Transition, r *Report) {
	op := &t.Step.Op
	deck := t.After.Deck
	most, before := deck.Well(op.Well).MaxNL, t.Touched.Before.Volume
	r.AddOf(op.Well, program.AboutVolume, diag.Diagnostic{
		Code: diag.Overflow, Message: "the well overflows",
		Label: deck.WellName(op.Well) + " would hold " + volume(most+t.Touched.Missing) + "; it holds at most " + volume(most), Help: "give at most " + volume(max(0, most-before)) + " here, or use a labware with larger wells",
	})
}

func short(t *program.Transition, r *Report) {
	op := &t.Step.Op
	name := t.After.Deck.WellName(op.Well)
	before := &t.Touched.Before
	if before.Volume == 0 && !before.Touched {
		r.Add(program.AboutFrom, diag.Diagnostic{
			Code: diag.EmptyWell, Message: "draws from " + name + ", which holds nothing",
			Label: "asks for " + volume(op.Volume), Help: "declare what stands there: liquids: {sample: {in: " + name + ", volume: 200 uL}}",
		})
		return
	}
	d := diag.Diagnostic{
		Code: diag.OverAspirate, Message: "aspirates more than the well holds",
		Label: "asks for " + volume(op.Volume) + "; " + name + " holds " + volume(before.Volume) + " here",
		Help:  lower(before.Volume),
	}
	if p := poolOf(t); p != nil && p.most < op.Volume {
		d.Message = "no well of " + p.name + " holds as much any more"
		d.Label = "asks for " + volume(op.Volume) + "; its fullest well holds " + volume(p.most) + " here, all " + strconv.Itoa(p.wells) + " together " + volume(p.total)
		d.Help = lower(p.most)
	}
	r.AddOf(op.Well, program.AboutVolume, d)
}

// lower says what to do where at most this much can be drawn.
func lower(most int64) string {
	if most <= 0 {
		return "declare more liquid, or draw less before"
	}
	return "lower the volume to at most " + volume(most) + ", or declare more liquid"
}

// pool is what the wells of a liquid hold before a step that draws from one.
type pool struct {
	name        string
	wells       int
	total, most int64 // nL
}

// poolOf returns the pool that the step's well belongs to; nil where the well
// stands alone.
func poolOf(t *program.Transition) *pool {
	deck := t.After.Deck
	for i := range deck.Liquids {
		l := &deck.Liquids[i]
		if len(l.Wells) < 2 || !slices.Contains(l.Wells, t.Step.Op.Well) {
			continue
		}
		p := &pool{name: l.Name, wells: len(l.Wells)}
		for _, w := range l.Wells {
			v := t.Touched.Before.Volume
			if w != t.Step.Op.Well {
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
