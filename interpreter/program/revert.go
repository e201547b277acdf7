package program

// Revert undoes the last Apply, whose operation was op and whose result t, as
// if it had been refused. place is what was at the tip place t.Tip before; it
// is not read where that is None. EndRun cannot be undone.
func (s *State) Revert(op *Op, t *Touched, place TipState) {
	if t.Well != None {
		copyContent(s.content(t.Well), &t.Before)
	}
	if t.Tip != None && s.tips[t.Tip.Labware] != nil {
		s.tips[t.Tip.Labware][t.Tip.Well] = place
	}
	if op.Kind.Info().Fields&HasPipette == 0 || op.Kind == EndRun || len(s.Mounts) == 0 {
		return
	}
	m := &s.Mounts[op.Pipette]
	m.On, m.From, m.Used, m.Air = t.TipOn, t.TipFrom, t.TipUsed, t.Air
	m.Held.Volume = t.Held
	copy(m.Held.Parts, t.HeldPart)
	m.Max = 0
	if m.On {
		m.Max = s.Deck.Pipettes[op.Pipette].Model.MaxNL
	}
	if m.On && m.From != None {
		m.Max = min(m.Max, s.Deck.Well(m.From).MaxNL)
	}
}
