package ledger

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Leave says on a deck what the ledger knows is left on it: in the labware that
// stays between runs and stands where it stood. Liquids that the deck does not
// know come to it as Kept ones. The deck's own Liquids have to be complete.
func (l *Ledger) Leave(d *program.Deck) {
	s := program.NewState(d)
	d.Left = program.Left{}
	var wells []program.LeftWell
	var parts [][]Part
	for i := range d.Labware {
		b := l.same(s, i)
		if b == nil || !d.Labware[i].Keep {
			continue
		}
		def := d.Labware[i].Def
		for w := range def.Wells {
			r := program.WellRef{Labware: int16(i), Well: int16(w)}
			if t := b.tip(def.Wells[w].Name); t != nil && def.IsTipRack {
				d.Left.Tips = append(d.Left.Tips, program.LeftTip{Place: r, State: program.LookupTip(t.State)})
			}
			c := b.well(def.Wells[w].Name)
			if c == nil || def.IsTipRack {
				continue
			}
			out := program.LeftWell{Well: r, Volume: c.NL}
			if out.Unknown = c.Unknown != ""; out.Unknown {
				out.Of = unheard
				if c.Unknown != program.AnyLiquid {
					out.Of = liquid(d, c.Unknown)
				}
			}
			for _, p := range c.Parts {
				if p.Liquid != "" {
					liquid(d, p.Liquid)
				}
			}
			wells, parts = append(wells, out), append(parts, c.Parts)
		}
	}
	for i := range wells {
		if wells[i].Of == unheard {
			wells[i].Of = len(d.Liquids)
		}
		wells[i].Parts = make([]int64, len(d.Liquids)+1)
		for _, p := range parts[i] {
			k := len(d.Liquids)
			if p.Liquid != "" {
				k = liquid(d, p.Liquid)
			}
			wells[i].Parts[k] += p.NL
		}
	}
	d.Left.Wells = wells
}

// same returns what the ledger knows of a labware of a deck, or nil where
// another one stood at its place.
func (l *Ledger) same(s *program.State, labware int) *Labware {
	place := PlaceOf(s, labware)
	if place == "" {
		return nil
	}
	b := l.At(place)
	if b == nil || b.Definition != s.Deck.Labware[labware].Def.URI() {
		return nil
	}
	return b
}

// unheard stands for what no liquid is declared for, until it is known how many
// liquids there are.
const unheard = -1

// liquid is the index of a liquid on the deck, where it is added if it has to be.
func liquid(d *program.Deck, name string) int {
	i := slices.IndexFunc(d.Liquids, func(l program.Liquid) bool { return l.Name == name })
	if i < 0 {
		i = len(d.Liquids)
		d.Liquids = append(d.Liquids, program.Liquid{Name: name, Tip: program.None, Kept: true})
	}
	return i
}
