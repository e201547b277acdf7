package check

import (
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// tips: a tip where one is needed, and none where none may be.
type tips struct{}

func (tips) See(t *program.Transition, r *Report) {
	op := &t.Step.Op
	if op.Kind == program.DropTip && !op.Trash {
		dropPlace(t, r)
	}
	if f := t.Touched.Faults; f != 0 {
		faults(t, f, r)
	}
}

func (tips) End(*program.State, *Report) {}

// dropPlace reports a tip that is dropped where no tip belongs.
func dropPlace(t *program.Transition, r *Report) {
	deck := t.After.Deck
	def := deck.Labware[t.Step.Op.Well.Labware].Def
	if def.IsTipRack || def.Category == "trash" {
		return
	}
	r.Add(program.AboutTo, diag.Diagnostic{
		Code: diag.NotATipRack, Message: deck.WellName(t.Step.Op.Well) + " is no place for a tip",
		Help: "leave `in` out to drop it into the trash, or name a place of a tip rack",
	})
}

func faults(t *program.Transition, f program.Fault, r *Report) {
	op := &t.Step.Op
	if op.Kind == program.RunProtocol {
		return // said where it is gone through
	}
	deck := t.After.Deck
	if f&program.NoTip != 0 {
		r.Add(program.AboutStep, diag.Diagnostic{
			Code: diag.NoTip, Message: "this needs a tip, and " + deck.Pipettes[op.Pipette].Name + " has none on",
			Help: "pick one up before: pick_up_tip: {from: tips.A1}",
		})
	}
	if f&program.HasTip != 0 && op.Kind == program.ConfigureNozzles {
		r.Add(program.AboutStep, diag.Diagnostic{Code: diag.HasTip, Message: "the nozzles cannot be chosen while a tip is on", Help: "drop it or return it before: drop_tip:"})
	} else if f&program.HasTip != 0 {
		d := diag.Diagnostic{Code: diag.HasTip, Message: "a tip is picked up while one is on", Help: "drop it or return it before: drop_tip:"}
		if from := t.Touched.TipFrom; from != program.None {
			d.Notes = []string{"the tip that is on came from " + deck.WellName(from)}
		}
		r.Add(program.AboutStep, d)
	}
	if f&program.TipMissing != 0 && t.After.Tip(t.Touched.Beside) == program.TipUnknown {
		r.Add(program.AboutTip, diag.Diagnostic{
			Code: diag.Forgotten, Message: "nobody knows whether there is a tip at " + deck.WellName(t.Touched.Beside) + ": a protocol ran of which nothing is known",
			Help: "say which tips that protocol uses up: leaves: {tips: …}",
		})
	} else if f&program.TipMissing != 0 {
		r.Add(program.AboutTip, diag.Diagnostic{
			Code: diag.TipMissing, Message: "there is no tip at " + deck.WellName(t.Touched.Beside) + " any more",
			Label: "was taken before and not returned", Help: "return it with return_tip:, or use another place",
		})
	}
	if f&program.OffWell != 0 {
		offWell(t, r)
	}
	if f&program.TipsBeside != 0 {
		r.Add(program.AboutTip, diag.Diagnostic{
			Code: diag.TipsBeside, Message: "a nozzle of " + deck.Pipettes[op.Pipette].Name + " that takes no tip would press on the one at " + deck.WellName(t.Touched.Beside),
			Help: "leave `from` out: tips are taken where nothing is in the way",
		})
	}
	if f&program.PlaceTaken != 0 {
		r.Add(program.AboutTo, diag.Diagnostic{Code: diag.PlaceTaken, Message: deck.WellName(t.Touched.Beside) + " has a tip already", Help: "return_tip: puts the tip back to where it came from"})
	}
	if f&program.NotEmpty != 0 {
		r.Add(program.AboutStep, diag.Diagnostic{
			Code: diag.LiquidLost, Severity: diag.Warning, Message: "the tip is put away while it holds " + quantity.Volume.Text(t.Touched.Held),
			Help: "dispense it, or blow out into the trash, before",
		})
	}
}

// offWell reports a channel over nothing.
func offWell(t *program.Transition, r *Report) {
	op := &t.Step.Op
	deck := t.After.Deck
	about := program.AboutTo
	switch op.Kind {
	case program.PickUpTip:
		about = program.AboutTip
	case program.Aspirate:
		about = program.AboutFrom
	}
	name := deck.Pipettes[op.Pipette].Name
	r.Add(about, diag.Diagnostic{
		Code: diag.OffWell, Message: "not all channels of " + name + " are over a well when its first is at " + deck.WellName(op.Well),
		Help: "name the first well of a column, such as A1; or use a single-channel pipette, or one nozzle: nozzles: H1",
	})
}

// ending: what is on a pipette when the run ends is dropped into the trash by
// the robot.
type ending struct{ picked [2]*program.Frame } // what the last pick-up of each pipette stands in

func (e *ending) See(t *program.Transition, _ *Report) {
	if op := &t.Step.Op; op.Kind == program.PickUpTip && int(op.Pipette) < len(e.picked) {
		e.picked[op.Pipette] = t.Step.Frame
	}
}

func (e *ending) End(s *program.State, r *Report) {
	for i := range s.Mounts {
		m := &s.Mounts[i]
		if !m.On || m.From == program.None {
			continue
		}
		d := diag.Diagnostic{
			Code: diag.TipAtEnd, Severity: diag.Warning, Message: "the run ends while the tip from " + s.Deck.WellName(m.From) + " is on, and the robot will drop it into the trash",
			Help: "say what becomes of it: drop_tip: or return_tip:",
		}
		if s.Deck.IsTool(i, m.From) {
			d = diag.Diagnostic{
				Code: diag.ToolAtEnd, Message: "the run ends while the tool from " + s.Deck.WellName(m.From) + " is on, and the robot would throw it into the trash",
				Help: "put it back before the end: return_tip:",
			}
		}
		if i < len(e.picked) {
			d.Span = e.picked[i].Where()
			d.Frames = e.picked[i].Loops(d.Span.File)
		}
		r.Add(program.AboutStep, d)
	}
}
