package program

import "slices"

// Equal reports whether two states of one deck are the same: what the wells
// hold, what is at the places of tips, where labware stands, what modules were
// told, what is on the pipettes, and which nozzles take tips.
func (s *State) Equal(o *State) bool {
	if !s.Deck.sameAs(o.Deck) {
		return false
	}
	for i := range s.wells {
		if !slices.EqualFunc(s.wells[i], o.wells[i], equalContent) || !slices.Equal(s.tips[i], o.tips[i]) {
			return false
		}
	}
	if !slices.Equal(s.places, o.places) || !slices.Equal(s.modules, o.modules) {
		return false
	}
	return slices.EqualFunc(s.Mounts, o.Mounts, equalMounted)
}

func equalContent(a, b Content) bool {
	return a.Volume == b.Volume && a.Unknown == b.Unknown && a.Of == b.Of && slices.Equal(a.Parts, b.Parts) && slices.Equal(a.Batches, b.Batches)
}

func equalMounted(a, b Mounted) bool {
	return a.On == b.On && a.From == b.From && a.Air == b.Air && a.Nozzles == b.Nozzles &&
		equalContent(a.Held, b.Held) && slices.EqualFunc(a.Others, b.Others, equalContent)
}
