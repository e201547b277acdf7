package program

// Revert undoes the last Apply, whose operation was op and whose result t, as
// if it had been refused. EndRun cannot be undone.
func (s *State) Revert(op *Op, t *Touched) {
	for i := range t.Wells {
		copyContent(s.content(t.Wells[i].Well), &t.Wells[i].Before)
	}
	for i := len(t.Tips) - 1; i >= 0; i-- {
		s.tips[t.Tips[i].Place.Labware][t.Tips[i].Place.Well] = t.Tips[i].Before
	}
	if t.Module != NoModule {
		s.modules[t.Module] = t.ModuleBefore
	}
	if t.Away {
		s.away = s.away[:len(s.away)-1]
	}
	if t.Labware >= 0 {
		s.places[t.Labware] = t.Place
	}
	if op.Kind.Info().Fields&HasPipette == 0 || op.Kind == EndRun || len(s.Mounts) == 0 {
		return
	}
	m := &s.Mounts[op.Pipette]
	m.On, m.From, m.Used, m.Air, m.Nozzles = t.TipOn, t.TipFrom, t.TipUsed, t.Air, t.nozzles
	for k := range len(m.Others) + 1 {
		c := m.channel(k)
		copy(c.Parts, t.parts[k])
		if t.batches != nil {
			copy(c.Batches, t.batches[k])
		}
		c.Volume = 0
		for _, v := range c.Parts {
			c.Volume += v
		}
	}
	m.Max = 0
	if m.On {
		m.Max = s.Deck.Pipettes[op.Pipette].Model.MaxNL
	}
	if m.On && m.From != None {
		m.Max = min(m.Max, s.Deck.Well(m.From).MaxNL)
	}
}
