package program

import (
	"slices"
	"strconv"
)

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
	s.room(t, len(l.Wells))
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

// Away is a labware that a person has taken from the deck, in whose place stands a
// new one.
type Away struct {
	Labware int // index into Deck.Labware
	Wells   []Content
}

// Away returns what was taken away, in that order. It must not be changed.
func (s *State) Away() []Away { return s.away }

// Number is which of a labware it was, from 1: of what was taken away, that of the
// i-th.
func (s *State) Number(i int) int {
	n := 1
	for k := range i {
		if s.away[k].Labware == s.away[i].Labware {
			n++
		}
	}
	return n
}

// CompositionOf is what a well of a labware that was taken away contains, as
// Composition has it.
func (s *State) CompositionOf(a *Away, well int) []Share {
	r := WellRef{int16(a.Labware), int16(well)}
	c := s.content(r)
	now := *c
	*c = a.Wells[well]
	defer func() { *c = now }()
	return s.Composition(r)
}

// NumberedWell names a well of a labware of which there were several: plate#1.A1.
// Where number is 0 it is the one that stands there: plate.A1.
func (d *Deck) NumberedWell(r WellRef, number int) string {
	if number == 0 {
		return d.WellName(r)
	}
	return d.Labware[r.Labware].Name + "#" + strconv.Itoa(number) + "." + d.Well(r).Name
}

// exchange has a labware hold what is declared, as a new one does. The one that
// stood there is remembered, unless it was as new: a person who is asked a second
// time has nothing to take away.
func (s *State) exchange(op *Op, t *Touched) {
	labware := op.Well.Labware
	wells := s.wells[labware]
	s.room(t, len(wells))
	out := Away{int(labware), s.emptyContents(len(wells))}
	for i := range wells {
		r, c := WellRef{labware, int16(i)}, &wells[i]
		copyContent(&out.Wells[i], c)
		d := t.at(r, c)
		s.clear(c)
		s.asNew(r, c)
		if equalContent(*c, d.Before) && c.Touched == d.Before.Touched {
			t.Wells = t.Wells[:len(t.Wells)-1]
			continue
		}
		d.Moved = d.Before.Volume - c.Volume
		t.Moved += d.Moved
	}
	if t.Away = len(t.Wells) > 0; t.Away {
		s.away = append(slices.Clip(s.away), out)
	}
}

func (s *State) clear(c *Content) {
	parts, batches := c.Parts, c.Batches
	clear(parts)
	clear(batches)
	*c = Content{Parts: parts, Batches: batches}
}

// asNew has a well hold what the liquids say of it.
func (s *State) asNew(r WellRef, c *Content) {
	for k := range s.Deck.Liquids {
		for i, w := range s.Deck.Liquids[k].Wells {
			if w == r {
				s.declare(k, i, c)
			}
		}
	}
}

// room makes room for the changes of n wells.
func (s *State) room(t *Touched, n int) {
	if len(t.wells) < n {
		t.wells = append(t.wells, s.deltas(n-len(t.wells))...)
		t.Wells = t.wells[:0]
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

// WouldExchange reports whether a new labware in the place of one would be another:
// something was in one of its wells that is not declared.
func (s *State) WouldExchange(labware int) bool {
	t := s.Clone().Apply(&Op{Kind: Exchange, Well: WellRef{int16(labware), 0}})
	return len(t.Wells) > 0
}

// NewTipsText says for people which new racks stand where for a pipette: "put new
// tip racks into slot 8 (small) and slot 9 (large)".
func (s *State) NewTipsText(pipette int) string {
	racks := s.Deck.Pipettes[pipette].Racks
	text := "put new tip racks into "
	if len(racks) == 1 {
		text = "put a new tip rack into "
	}
	for i, r := range racks {
		switch {
		case i > 0 && i == len(racks)-1:
			text += " and "
		case i > 0:
			text += ", "
		}
		text += s.PlaceText(r) + " (" + s.Deck.Labware[r].Name + ")"
	}
	return text
}

// PlaceText says where a labware stands now, with the slot: slot 3, mag (slot 1).
func (s *State) PlaceText(labware int) string { return s.Deck.placeText(s.places[labware], s.places) }
