package check

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// samples: no tip goes from one well of a distinct liquid to another.
type samples struct {
	drawn    []program.WellRef // by pipette: the sample the tip that is on drew from, or None
	distinct [][]bool          // by labware, by well; nil where there are none
	any      bool
}

func (s *samples) See(t *program.Transition, r *Report) {
	if s.drawn == nil {
		s.begin(t.After.Deck)
	}
	op := &t.Step.Op
	switch {
	case !s.any:
	case op.Kind == program.PickUpTip:
		s.drawn[op.Pipette] = program.None
	case op.Kind == program.Aspirate && op.Well != program.None && s.distinct[op.Well.Labware] != nil && s.distinct[op.Well.Labware][op.Well.Well]:
		before := s.drawn[op.Pipette]
		s.drawn[op.Pipette] = op.Well
		if before == program.None || before == op.Well {
			return
		}
		deck, help := t.After.Deck, "take a tip for each: tip: per_source"
		if t.Movement != nil && t.Movement.Shared {
			help = "take a tip for each: a transfer with tip: per_source"
		}
		r.Add(program.AboutFrom, diag.Diagnostic{
			Code: diag.SharedTip, Severity: diag.Warning, Message: "the tip that drew from " + deck.WellName(before) + " draws from " + deck.WellName(op.Well) + ", which is another sample",
			Help: help,
		})
	}
}

func (s *samples) begin(d *program.Deck) {
	s.drawn = slices.Repeat([]program.WellRef{program.None}, len(d.Pipettes))
	s.distinct = make([][]bool, len(d.Labware))
	for i := range d.Liquids {
		if !d.Liquids[i].Distinct {
			continue
		}
		s.any = true
		for _, w := range d.Liquids[i].Wells {
			if s.distinct[w.Labware] == nil {
				s.distinct[w.Labware] = make([]bool, len(d.Labware[w.Labware].Def.Wells))
			}
			s.distinct[w.Labware][w.Well] = true
		}
	}
}

func (*samples) End(*program.State, *Report) {}
