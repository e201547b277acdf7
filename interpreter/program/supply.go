package program

// What a person puts onto the deck in the course of a program, because it has
// used up what stood there.

// newTips has every place of the racks of a pipette hold a new tip.
func (s *State) newTips(op *Op, t *Touched) {
	for _, rack := range s.Deck.Pipettes[op.Pipette].Racks {
		for w, at := range s.tips[rack] {
			if at != TipNew {
				s.moveTip(WellRef{int16(rack), int16(w)}, TipNew, t)
			}
		}
	}
}

// refill has every well of a liquid hold as much as op says, or more where it did
// before: what is missing is added as it was declared. Wells whose amount was not
// declared stay as they are.
func (s *State) refill(op *Op, t *Touched) {
	l := &s.Deck.Liquids[op.Liquid]
	if len(t.wells) < len(l.Wells) {
		t.wells = append(t.wells, s.deltas(len(l.Wells)-len(t.wells))...)
		t.Wells = t.wells[:0]
	}
	for i, w := range l.Wells {
		c := s.content(w)
		if c == nil || c.Unknown || c.Volume >= op.Volume {
			continue
		}
		d := t.at(w, c)
		more := op.Volume - c.Volume
		c.Volume, c.Touched = op.Volume, true
		c.Parts[op.Liquid] += more
		if k := s.batches.declared(int(op.Liquid), i); k >= 0 {
			c.Batches[k] += more
		}
		d.Moved -= more
		t.Moved -= more
		if over := c.Volume - s.Deck.Well(w).MaxNL; over > 0 {
			t.fault(d, Overflow, over)
		}
	}
}

// deltas makes room for n more wells.
func (s *State) deltas(n int) []Delta {
	out := make([]Delta, n)
	for i, c := range s.emptyContents(n) {
		out[i].Before.Parts, out[i].Before.Batches = c.Parts, c.Batches
	}
	return out
}

// WouldRefill reports whether a refill of a liquid up to a volume adds anything.
func (s *State) WouldRefill(liquid int, upTo int64) bool {
	for _, w := range s.Deck.Liquids[liquid].Wells {
		if c := s.content(w); c != nil && !c.Unknown && c.Volume < upTo {
			return true
		}
	}
	return false
}

// PlaceText says where a labware stands now, with the slot: slot 3, mag (slot 1).
func (s *State) PlaceText(labware int) string { return s.Deck.placeText(s.places[labware], s.places) }
