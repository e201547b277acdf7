package interpreter

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Which nozzles take tips. A layout can change only while no tip is on, so it is
// said where tips are taken, and set just before a tip is picked up with another
// layout than the one that is set.

// layouts is what a step says of nozzles: a layout of its own, or those that the
// pipettes are declared with.
type layouts struct {
	set      bool
	own      program.Nozzles
	declared []program.Nozzles // by index into Deck.Pipettes
}

func (l *layouts) of(pip int) program.Nozzles {
	switch {
	case l.set:
		return l.own
	case pip < len(l.declared):
		return l.declared[pip]
	}
	return program.AllNozzles
}

// declareLayout resolves the layout that a pipette is declared with.
func (p *preparer) declareLayout(d *spec.Pipette, pip int, m *program.PipetteModel) {
	for len(p.layouts) <= pip {
		p.layouts = append(p.layouts, program.AllNozzles)
	}
	if !d.Nozzles.IsSet() || !p.mayChoose(d.Nozzles, m) {
		return
	}
	p.layouts[pip], _ = program.LookupNozzles(d.Nozzles.Value)
}

// nozzles resolves what a step says of nozzles; tip is its tip rule.
func (p *preparer) nozzles(w spec.Word, pip chosen, tip string) (out layouts) {
	out = layouts{declared: p.layouts}
	if tip == "dedicated" {
		defer func() { p.calls.kept = append(p.calls.kept, keptTips{pip.index, out}) }()
	}
	if !w.IsSet() {
		return out
	}
	if tip == "current" {
		p.fail(diag.NoEffect, w.Span, "`nozzles` has no effect on a tip that is on already", "choose the nozzles where the tip is picked up")
		return out
	}
	var m *program.PipetteModel
	if only := len(p.p.deck.Pipettes) == 1; pip.index >= 0 || only {
		m = p.p.deck.Pipettes[max(0, pip.index)].Model
	} else if p.p.deck != nil && !hasMultiModel(p.p.deck) && len(p.p.deck.Pipettes) > 0 {
		m = p.p.deck.Pipettes[0].Model
	}
	if !p.mayChoose(w, m) {
		return out
	}
	out.own, out.set = program.LookupNozzles(w.Value)
	return out
}

// hasMultiModel is hasMulti for a deck on which some models are not known.
func hasMultiModel(d *program.Deck) bool {
	for i := range d.Pipettes {
		if m := d.Pipettes[i].Model; m == nil || m.Channels > 1 {
			return true
		}
	}
	return false
}

// mayChoose reports nozzles of a pipette that has one.
func (p *preparer) mayChoose(w spec.Word, m *program.PipetteModel) bool {
	if m == nil || m.Channels > 1 {
		return true
	}
	p.fail(diag.NoEffect, w.Span, "`nozzles` has no effect on a "+m.Name+", which has one nozzle", "leave it out, or use an 8-channel pipette")
	return false
}

// keptTips says what takes liquids' own tips: a step's pipette, or -1 where one
// is chosen later, and its nozzles.
type keptTips struct {
	pipette int
	nozzles layouts
}

// keepTips keeps the places beside liquids' own tips from being given out, where
// a pipette with several channels takes them along.
func (x *expansion) keepTips() {
	for i := range x.p.kept {
		for pip := range x.deck.Pipettes {
			if k := &x.p.kept[i]; x.deck.IsMulti(pip) && (k.pipette < 0 || k.pipette == pip) {
				x.keepBeside(pip, k.nozzles.of(pip))
			}
		}
	}
}

func (x *expansion) keepBeside(pip int, n program.Nozzles) {
	for i := range x.deck.Liquids {
		tip := x.deck.Liquids[i].Tip
		if tip == program.None || !slices.Contains(x.deck.Pipettes[pip].Racks, int(tip.Labware)) {
			continue
		}
		for _, w := range x.state.Reach(pip, n, tip) {
			if w >= 0 {
				x.state.Reserve(program.WellRef{Labware: tip.Labware, Well: w})
			}
		}
	}
}
