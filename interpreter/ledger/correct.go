package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Act is what a correction says.
type Act string

// The acts.
const (
	New     Act = "new"     // a new one of the same kind stands there
	Put     Act = "put"     // a labware stands there, as new
	Remove  Act = "remove"  // nothing stands there
	SetTips Act = "tips"    // places of a tip rack are new, out or used
	SetWell Act = "wells"   // wells hold something
	Free    Act = "free"    // nothing hangs on a pipette
	Shift   Act = "offset"  // a labware has an offset
	Forget  Act = "forgets" // nothing is known any more
	Accept  Act = "accepts" // that something is otherwise than it was is meant
)

// Correction is what a person says is so.
type Correction struct {
	Act        Act      `json:"act"`
	Place      string   `json:"place,omitempty"`      // a slot, or a place in it; of Free a mount
	Definition string   `json:"definition,omitempty"` // of Put and Shift
	Wells      []string `json:"wells,omitempty"`      // of SetTips and SetWell
	State      string   `json:"state,omitempty"`      // of SetTips; of Accept what is otherwise
	Parts      []Part   `json:"liquids,omitempty"`    // of SetWell; none: nothing
	Offset     *Offset  `json:"offset,omitempty"`     // of Shift; nil: none any more
}

// Correct takes in what a person says is so since a time, in ns since 1970.
func (l *Ledger) Correct(c *Correction, at int64) error {
	switch c.Act {
	case Put:
		l.Labware = slices.DeleteFunc(l.Labware, func(b Labware) bool { return Slot(b.Place) == c.Place })
		l.put(Labware{Place: c.Place, Definition: c.Definition, At: at})
		return nil
	case Forget:
		*l = Ledger{}
		return nil
	case Free:
		l.Pipettes = slices.DeleteFunc(l.Pipettes, func(p Pipette) bool { return p.Mount == c.Place })
		return nil
	case Shift:
		l.shift(c)
		return nil
	case Accept:
		return nil // the run that begins with it changes what is known
	case New, Remove, SetTips, SetWell:
	}
	b := l.At(c.Place)
	if b == nil {
		b = l.In(c.Place)
	}
	if b == nil {
		return fmt.Errorf("nothing is known of slot %s; say first what stands there: ot2flow state set %s=LOAD_NAME", c.Place, c.Place)
	}
	if c.Act == Remove {
		l.Labware = slices.DeleteFunc(l.Labware, func(b Labware) bool { return Slot(b.Place) == Slot(c.Place) })
		return nil
	}
	b.At, b.Run = at, ""
	switch c.Act {
	case New:
		b.Tips, b.Wells = nil, nil
	case SetTips:
		for _, w := range c.Wells {
			b.setTip(w, c.State)
		}
	case SetWell:
		for _, w := range c.Wells {
			b.setWell(Well{Well: w, Parts: slices.Clone(c.Parts), At: at})
		}
	case Put, Remove, Free, Shift, Forget, Accept:
	}
	return nil
}

func (b *Labware) setTip(well, state string) {
	b.Tips = slices.DeleteFunc(b.Tips, func(t Tip) bool { return t.Well == well })
	if state != "new" {
		i, _ := slices.BinarySearchFunc(b.Tips, well, func(t Tip, well string) int { return compareWells(t.Well, well) })
		b.Tips = slices.Insert(b.Tips, i, Tip{Well: well, State: state})
	}
}

func (b *Labware) setWell(w Well) {
	for _, p := range w.Parts {
		w.NL += p.NL
	}
	b.Wells = slices.DeleteFunc(b.Wells, func(o Well) bool { return o.Well == w.Well })
	i, _ := slices.BinarySearchFunc(b.Wells, w.Well, func(o Well, well string) int { return compareWells(o.Well, well) })
	b.Wells = slices.Insert(b.Wells, i, w)
}

func (l *Ledger) shift(c *Correction) {
	same := func(o Offset) bool { return o.Place == c.Place && o.Definition == c.Definition }
	l.Offsets = slices.DeleteFunc(l.Offsets, same)
	if c.Offset == nil {
		return
	}
	i, _ := slices.BinarySearchFunc(l.Offsets, *c.Offset, func(a, b Offset) int {
		return cmp.Or(comparePlaces(a.Place, b.Place), cmp.Compare(a.Definition, b.Definition))
	})
	l.Offsets = slices.Insert(l.Offsets, i, *c.Offset)
}

// String says for people what the correction says.
func (c *Correction) String() string {
	slot := "slot " + c.Place
	switch c.Act {
	case New:
		return "a new one stands in " + slot
	case Put:
		return Loaded(c.Definition) + " stands in " + slot
	case Remove:
		return "nothing stands in " + slot
	case SetTips:
		return slot + ": the tips " + strings.Join(c.Wells, ", ") + " are " + c.State
	case SetWell:
		return slot + ": " + strings.Join(c.Wells, ", ") + " " + plural(c.Wells, "holds ", "hold ") + Contents(c.Parts)
	case Free:
		return "nothing hangs on the " + c.Place + " pipette"
	case Shift:
		if c.Offset == nil {
			return slot + ": " + Loaded(c.Definition) + " has no offset"
		}
		return slot + ": " + Loaded(c.Definition) + " has the offset " + c.Offset.Text()
	case Accept:
		return "it is meant that " + c.State
	case Forget:
	}
	return "nothing is known"
}

func plural[T any](list []T, one, many string) string {
	if len(list) == 1 {
		return one
	}
	return many
}

// Contents says what a well holds: "100 uL red + 50 uL blue", or "nothing".
func Contents(parts []Part) string {
	var out []string
	for _, p := range parts {
		name := p.Liquid
		if name == "" {
			name = "of something undeclared"
		}
		out = append(out, quantity.Volume.Text(p.NL)+" "+name)
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, " + ")
}

// Text renders the offset in mm.
func (o *Offset) Text() string {
	return "x " + quantity.Length.Text(o.X) + ", y " + quantity.Length.Text(o.Y) + ", z " + quantity.Length.Text(o.Z)
}
