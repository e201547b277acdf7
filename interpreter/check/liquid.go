package check

import (
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
	deck := t.After.Deck
	c, ok := t.After.Content(op.Well)
	switch {
	case !ok && !op.Trash:
		about := program.AboutTo
		if op.Kind == program.Aspirate {
			about = program.AboutFrom
		}
		r.Add(about, diag.Diagnostic{Code: diag.NoLiquidHere, Message: deck.WellName(op.Well) + " is a place for a tip and holds no liquid", Help: "name a well of a plate, a rack of tubes or a reservoir"})
	case t.Touched.Faults&program.Short != 0:
		short(t, r)
	case t.Touched.Faults&program.Overflow != 0:
		w := deck.Well(op.Well)
		r.Add(program.AboutVolume, diag.Diagnostic{Code: diag.Overflow, Message: "the well overflows",
			Label: deck.WellName(op.Well) + " would hold " + volume(c.Volume) + "; it holds at most " + volume(w.MaxNL), Help: "give at most " + volume(max(0, w.MaxNL-t.Touched.Before.Volume)) + " here, or use a labware with larger wells"})
	}
}

func (liquid) End(*program.State, *Report) {}

func short(t *program.Transition, r *Report) {
	op := &t.Step.Op
	name := t.After.Deck.WellName(op.Well)
	before := &t.Touched.Before
	if before.Volume == 0 && !before.Touched {
		r.Add(program.AboutFrom, diag.Diagnostic{Code: diag.EmptyWell, Message: "draws from " + name + ", which holds nothing",
			Label: "asks for " + volume(op.Volume), Help: "declare what stands there: liquids: {sample: {in: " + name + ", volume: 200 uL}}"})
		return
	}
	d := diag.Diagnostic{Code: diag.OverAspirate, Message: "aspirates more than the well holds",
		Label: "asks for " + volume(op.Volume) + "; " + name + " holds " + volume(before.Volume) + " here",
		Help:  "lower the volume to at most " + volume(before.Volume) + ", or declare more liquid"}
	r.Add(program.AboutVolume, d)
}
