package ledger

import (
	"fmt"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Since returns what is otherwise in after than in before on a deck in a state: the
// wells and places of tips as they are in after, for a state to be left so. What
// stands where something new was put is as the deck declares it. Wrong says for
// people what of the deck is not there any more.
func Since(before, after *Ledger, s *program.State) (l program.Left, wrong []string) {
	fresh := program.NewState(s.Deck)
	for i := range s.Deck.Labware {
		b := &s.Deck.Labware[i]
		place := PlaceOf(s, i)
		was := before.At(place)
		if place == "" || was == nil || was.Definition != b.Def.URI() {
			continue // nobody knew of it before, so that nobody can say that it is otherwise
		}
		now := after.At(place)
		if kind(now) != kind(was) {
			what := "nothing"
			if now != nil {
				what = Loaded(now.Definition)
			}
			wrong = append(wrong, fmt.Sprintf("%s is to stand in slot %s, and %s does", b.Name, Slot(place), what))
			continue
		}
		for w := range b.Def.Wells {
			r, name := program.WellRef{Labware: int16(i), Well: int16(w)}, b.Def.Wells[w].Name
			switch {
			case was.says(name) == now.says(name):
			case b.Def.IsTipRack:
				l.Tips = append(l.Tips, program.LeftTip{Place: r, State: now.tipState(name)})
			default:
				l.Wells = append(l.Wells, now.leaves(s.Deck, fresh, r, name))
			}
		}
	}
	return l, wrong
}

// tipState is what is at a place of tips.
func (b *Labware) tipState(well string) program.TipState {
	if t := b.tip(well); t != nil {
		return program.LookupTip(t.State)
	}
	return program.TipNew
}

// leaves is what a well holds; one of which nothing is known is as the deck
// declares it.
func (b *Labware) leaves(d *program.Deck, fresh *program.State, r program.WellRef, name string) program.LeftWell {
	out := program.LeftWell{Well: r, Parts: make([]int64, len(d.Liquids)+1)}
	w := b.well(name)
	if w == nil {
		if c, ok := fresh.Content(r); ok {
			out.Volume, out.Unknown, out.Of = c.Volume, c.Unknown, c.Of
			copy(out.Parts, c.Parts)
		}
		return out
	}
	index := func(liquid string) int {
		if i := slices.IndexFunc(d.Liquids, func(l program.Liquid) bool { return l.Name == liquid }); i >= 0 {
			return i
		}
		return len(d.Liquids)
	}
	out.Volume = w.NL
	if out.Unknown = w.Unknown != ""; out.Unknown {
		out.Of = index(w.Unknown)
	}
	for _, p := range w.Parts {
		out.Parts[index(p.Liquid)] += p.NL
	}
	return out
}
