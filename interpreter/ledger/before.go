package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Before says for people how a plan's deck goes with the ledger: what has to be
// put where, what is taken to be new, and what is taken to be as it was left. It
// is in the order of the deck.
func (l *Ledger) Before(d *program.Deck) []string {
	s := program.NewState(d)
	var out []string
	for i := range d.Labware {
		if line := l.before(s, i); line != "" {
			out = append(out, line)
		}
	}
	for i := range l.Pipettes {
		out = append(out, l.Pipettes[i].Mount+" pipette, "+l.Pipettes[i].Text()+"; take it off first")
	}
	for i := range l.Modules {
		out = append(out, "slot "+l.Modules[i].Slot+" still has the "+l.Modules[i].Text())
	}
	return out
}

func (l *Ledger) before(s *program.State, i int) string {
	on := &s.Deck.Labware[i]
	place := PlaceOf(s, i)
	if place == "" || on.Def.IsAdapter && len(on.Def.Wells) == 0 {
		return ""
	}
	name := "slot " + Slot(place) + " " + on.Name
	b := l.same(s, i)
	other := l.In(Slot(place))
	switch {
	case b == nil && other != nil:
		return name + ": put it there; " + Loaded(other.Definition) + " stood there last"
	case b == nil:
		return ""
	case len(b.Tips)+len(b.Wells) == 0:
		return name + ": as new"
	case !on.Keep:
		return name + ": put a new one there; that of " + b.since() + " is in use (keep: true goes on with it)"
	case on.Def.IsTipRack:
		return fmt.Sprintf("%s: the rack of %s, with %d of %d new tips%s", name, b.since(), len(on.Def.Wells)-len(b.Tips), len(on.Def.Wells), b.unsure())
	}
	out := name + ": as " + b.since() + " left it" + b.unsure()
	for _, other := range l.swapped(s, i) {
		out += "; " + other.well + " holds " + other.holds + ", and the workflow takes " + other.wants + " from there: put the one with " + other.wants + " there, and say so with --new " + Slot(place)
	}
	return out
}

func (b *Labware) since() string {
	if b.Run == "" {
		return "before"
	}
	return "run " + b.Run
}

// unsure says of which places nobody knows.
func (b *Labware) unsure() string {
	var names []string
	for _, t := range b.Tips {
		if t.Unsure {
			names = append(names, t.Well)
		}
	}
	for _, w := range b.Wells {
		if w.Unsure {
			names = append(names, w.Well)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; nobody knows for sure of " + strings.Join(names, ", ")
}

// Drift says where the start of a plan is not what the ledger says of what
// stays: tips that are gone and taken for new, wells that hold something else.
func (l *Ledger) Drift(d *program.Deck) []string {
	want := *d
	want.Liquids = slices.Clone(d.Liquids)
	l.Leave(&want)
	a, b := program.NewState(d), program.NewState(&want)
	var out []string
	for i := range d.Labware {
		on := &d.Labware[i]
		var tips, wells []string
		for w := range on.Def.Wells {
			r := program.WellRef{Labware: int16(i), Well: int16(w)}
			if on.Def.IsTipRack {
				if a.Tip(r) != b.Tip(r) {
					tips = append(tips, on.Def.Wells[w].Name)
				}
				continue
			}
			x, _ := a.Content(r)
			y, _ := b.Content(r)
			if x.Volume != y.Volume || x.Unknown != y.Unknown {
				wells = append(wells, on.Def.Wells[w].Name)
			}
		}
		if len(tips) > 0 {
			out = append(out, "slot "+on.Slot+" "+on.Name+": other tips are there ("+some(tips)+")")
		}
		if len(wells) > 0 {
			out = append(out, "slot "+on.Slot+" "+on.Name+": wells hold something else ("+some(wells)+")")
		}
	}
	return out
}

// some names a few of many.
func some(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + fmt.Sprintf(" and %d more", len(names)-8)
	}
	return strings.Join(names, ", ")
}

// Remaining says what is left of tips, and of the liquids in what stays, before
// and after.
func Remaining(before, after *program.State) []string {
	d := before.Deck
	var out []string
	for i := range d.Labware {
		on := &d.Labware[i]
		if !on.Keep {
			continue
		}
		if on.Def.IsTipRack {
			if a, b := newTips(before, i), newTips(after, i); a != b {
				out = append(out, fmt.Sprintf("%s: %d tips, then %d", on.Name, a, b))
			}
			continue
		}
		// Wells that change alike are one line.
		var order []string
		wells := map[string][]string{}
		for w := range on.Def.Wells {
			r := program.WellRef{Labware: int16(i), Well: int16(w)}
			x, _ := before.Content(r)
			y, _ := after.Content(r)
			if x.Volume == y.Volume {
				continue
			}
			text := quantity.Volume.Text(x.Volume) + ", then " + quantity.Volume.Text(y.Volume)
			if wells[text] == nil {
				order = append(order, text)
			}
			wells[text] = append(wells[text], on.Def.Wells[w].Name)
		}
		for _, text := range order {
			out = append(out, on.Name+"."+some(wells[text])+": "+text)
		}
	}
	return out
}

func newTips(s *program.State, labware int) int {
	n := 0
	for w := range s.Deck.Labware[labware].Def.Wells {
		if s.Tip(program.WellRef{Labware: int16(labware), Well: int16(w)}) == program.TipNew {
			n++
		}
	}
	return n
}
