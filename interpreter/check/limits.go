package check

import (
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// limits: what a pipette and its tip can do.
type limits struct{}

func (limits) See(t *program.Transition, r *Report) {
	op := &t.Step.Op
	switch m := t.Movement; {
	case op.Kind == program.Aspirate:
		belowMinimum(t, r, op.Volume, "draw", diag.Error)
	case op.Kind == program.Dispense && m != nil && m.Shared && t.Touched.Moved == -m.Aliquot:
		belowMinimum(t, r, m.Aliquot, "give", diag.Warning) // the robot's makers allow it
	}
	switch f := t.Touched.Faults; {
	case f&program.NoTip != 0:
	case f&program.OverTip != 0:
		overTip(t, r)
	case f&program.OverHeld != 0:
		r.Add(program.AboutVolume, diag.Diagnostic{
			Code: diag.OverHeld, Message: "dispenses more than the tip holds",
			Label: "asks for " + quantity.Volume.Text(op.Volume) + "; the tip holds " + quantity.Volume.Text(t.Touched.Held+t.Touched.Air), Help: "dispense at most that, or draw more before",
		})
	}
	if inWell(op) {
		belowBottom(t, r)
	}
}

// inWell reports whether op has its tip at a height in a well.
func inWell(op *program.Op) bool {
	switch op.Kind {
	case program.Aspirate, program.Dispense, program.BlowOut, program.TouchTip, program.MoveTo, program.DropTip, program.ReturnTip:
		return !op.Trash && op.Well != program.None
	default:
		return false
	}
}

func (limits) End(*program.State, *Report) {}

// belowMinimum reports a volume that a pipette cannot draw or give accurately. A
// part of a larger draw is given less accurately than it could be, which is for
// the author to weigh.
func belowMinimum(t *program.Transition, r *Report, v int64, verb string, severity diag.Severity) {
	op := &t.Step.Op
	deck := t.After.Deck
	p := &deck.Pipettes[op.Pipette]
	if v >= p.Model.MinNL || v <= 0 {
		return
	}
	d := diag.Diagnostic{
		Code: diag.BelowMinimum, Severity: severity, Message: verb + "s less than " + p.Name + " can " + verb + " accurately",
		Label: quantity.Volume.Text(v) + "; a " + p.Model.Name + " " + verb + "s at least " + quantity.Volume.Text(p.Model.MinNL), Help: "use a smaller pipette, or move more of a dilution",
	}
	for i := range deck.Pipettes {
		if other := &deck.Pipettes[i]; other.Model.MinNL <= v && v <= other.Model.MaxNL {
			d.Help = "use the other pipette: pipette: " + other.Name
		}
	}
	if m := t.Movement; m != nil && m.Volume > m.Aliquot && m.Aliquot == v {
		d.Notes = append(d.Notes, "the "+quantity.Volume.Text(m.Volume)+" are divided, because they do not fit into the tip at once")
		if m.Even >= p.Model.MinNL {
			d.Help = "divide them evenly, into " + quantity.Volume.Text(m.Even) + " each: split: even"
		}
	}
	r.Add(program.AboutVolume, d)
}

func overTip(t *program.Transition, r *Report) {
	op := &t.Step.Op
	m := &t.After.Mounts[op.Pipette]
	d := diag.Diagnostic{
		Code: diag.TooMuchForTip, Message: "draws more than the tip can hold",
		Label: quantity.Volume.Text(op.Volume) + "; the tip holds at most " + quantity.Volume.Text(m.Max), Help: "draw at most " + quantity.Volume.Text(max(0, m.Max-t.Touched.Held-t.Touched.Air)) + " here",
	}
	if held := t.Touched.Held + t.Touched.Air; held > 0 {
		d.Label = quantity.Volume.Text(op.Volume) + " and the " + quantity.Volume.Text(held) + " already in it; the tip holds at most " + quantity.Volume.Text(m.Max)
	}
	if t.Movement != nil {
		d.Help = "let the step divide the volume: split: even"
	}
	r.Add(program.AboutVolume, d)
}

func belowBottom(t *program.Transition, r *Report) {
	op := &t.Step.Op
	w := t.After.Deck.Well(op.Well)
	z := aboveBottom(op, w)
	if z >= 0 {
		return
	}
	r.Add(program.AboutHeight, diag.Diagnostic{
		Code: diag.BelowBottom, Message: "goes below the bottom of " + t.After.Deck.WellName(op.Well),
		Label: quantity.Length.Text(-z) + " below; the well is " + quantity.Length.Text(w.Depth) + " deep", Help: "stay above it, for example at bottom + 1 mm",
	})
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}
