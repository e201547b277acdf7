package ledger

import (
	"cmp"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Footprint is what a stretch of a run did to a deck.
type Footprint struct {
	Run   string
	Since int64 // when it began, ns since 1970
	At    int64 // when it was over, or was last heard of
	Seq   int64 // of the record of the run it is known by
	State *program.State
	// First says that it is the first of a run: everything on the deck counts, and
	// not only what was touched.
	First  bool
	Open   bool                     // it is not over
	Ended  int64                    // of what a person decided about it: when it was over, ns since 1970; otherwise 0
	Before []string                 // where labware stood at its beginning, by index; empty for off the deck
	Wells  map[program.WellRef]bool // wells and tip places that changed
	Unsure map[program.WellRef]bool // those of which nobody knows
	Told   map[int]bool             // the modules that were told something
	Stray  []int                    // the pipettes on which something may hang
	Tools  []Tool                   // what the run found on the robot
	Away   []Labware                // what a person has taken away
}

// Add takes in what a stretch of a run did.
func (l *Ledger) Add(f *Footprint) {
	d := f.State.Deck
	for i := range d.Labware {
		place := PlaceOf(f.State, i)
		if place == f.Before[i] && !f.First && !touches(f.Wells, i) {
			continue
		}
		if b := l.At(place); f.Ended > 0 && b != nil && b.Run == "" && b.At > f.Ended {
			continue // since then somebody has said what is there, which is more than whether a step happened
		}
		known := l.was(f, i)
		if f.Before[i] != "" && f.Before[i] != place {
			l.left(f, i)
		}
		if place != "" {
			l.put(f.labware(i, place, known))
		}
	}
	if f.First {
		l.clear(f)
		l.tools(f)
	}
	for _, a := range f.Away {
		a.Run, a.At = f.Run, f.At
		l.Away = append(l.Away, a)
	}
	l.Away = slices.Delete(l.Away, 0, max(0, len(l.Away)-maxAway))
	for i := range d.Modules {
		if f.Told[i] {
			l.module(f, &d.Modules[i], f.State.Module(i))
		}
	}
	for i := range d.Pipettes {
		l.pipette(f, i)
	}
}

// tools notes what was on the robot.
func (l *Ledger) tools(f *Footprint) {
	if len(f.Tools) == 0 {
		return // a simulator has none
	}
	l.Tools = slices.Clone(f.Tools)
	for i := range l.Tools {
		l.Tools[i].Run = f.Run
	}
}

// clear forgets what stood in the slots of a run and does not any more, because
// a person has put something else there.
func (l *Ledger) clear(f *Footprint) {
	used, here := map[string]bool{}, map[string]bool{}
	for i := range f.State.Deck.Labware {
		place := PlaceOf(f.State, i)
		used[Slot(place)], used[Slot(f.Before[i])], here[place] = true, true, true
	}
	for i := range f.State.Deck.Modules {
		m := &f.State.Deck.Modules[i]
		used[m.Slot] = true
		for _, slot := range m.Model.Covers {
			used[slot] = true
		}
	}
	l.Labware = slices.DeleteFunc(l.Labware, func(b Labware) bool { return used[Slot(b.Place)] && !here[b.Place] })
	l.Modules = slices.DeleteFunc(l.Modules, func(m Module) bool {
		return used[m.Slot] && !slices.ContainsFunc(f.State.Deck.Modules, func(o program.Module) bool { return o.Slot == m.Slot && o.Model.Name == m.Model })
	})
}

func touches(wells map[program.WellRef]bool, labware int) bool {
	for r := range wells {
		if int(r.Labware) == labware {
			return true
		}
	}
	return false
}

// was is what the ledger knows of a labware whose stretch is not the first: what
// another run or a person made of it since stays, but for what was touched.
func (l *Ledger) was(f *Footprint, labware int) *Labware {
	if f.First {
		return nil
	}
	b := l.At(f.Before[labware])
	if b == nil || b.Definition != f.State.Deck.Labware[labware].Def.URI() {
		return nil
	}
	return b
}

// left takes a labware from where it stood, unless another one of the run has
// come there meanwhile.
func (l *Ledger) left(f *Footprint, labware int) {
	b := l.At(f.Before[labware])
	if b != nil && b.Definition == f.State.Deck.Labware[labware].Def.URI() && b.At < f.At {
		l.remove(b.Place)
	}
}

// labware makes an entry of what the state says; of what was not touched, known
// says it where it is not nil.
func (f *Footprint) labware(i int, place string, known *Labware) Labware {
	on := &f.State.Deck.Labware[i]
	out := Labware{Place: place, Definition: on.Def.URI(), Name: on.Name, Run: f.Run, At: f.At, LossNL: on.EvaporationNL}
	for w := range on.Def.Wells {
		r := program.WellRef{Labware: int16(i), Well: int16(w)}
		name := on.Def.Wells[w].Name
		if known != nil && !f.Wells[r] {
			out.take(known, name)
			continue
		}
		if on.Def.IsTipRack {
			if s := f.State.Tip(r); s != program.TipNew {
				out.Tips = append(out.Tips, Tip{name, s.String(), f.Unsure[r]})
			}
			continue
		}
		if c, ok := f.State.Content(r); ok && c.Touched {
			out.Wells = append(out.Wells, f.well(name, r, c))
		}
	}
	slices.SortFunc(out.Tips, func(a, b Tip) int { return compareWells(a.Well, b.Well) })
	slices.SortFunc(out.Wells, func(a, b Well) int { return compareWells(a.Well, b.Well) })
	return out
}

// TakeAway notes that a person has taken a labware from where it stands: the i-th of
// those that State.Away lists.
func (f *Footprint) TakeAway(i int) {
	a := &f.State.Away()[i]
	on := &f.State.Deck.Labware[a.Labware]
	out := Labware{Place: PlaceOf(f.State, a.Labware), Definition: on.Def.URI(), Name: on.Name, Number: f.State.Number(i)}
	for w := range a.Wells {
		r := program.WellRef{Labware: int16(a.Labware), Well: int16(w)}
		if a.Wells[w].Touched {
			out.Wells = append(out.Wells, f.well(on.Def.Wells[w].Name, r, &a.Wells[w]))
		}
		f.Wells[r] = true
	}
	slices.SortFunc(out.Wells, func(a, b Well) int { return compareWells(a.Well, b.Well) })
	f.Away = append(f.Away, out)
}

func (b *Labware) take(from *Labware, well string) {
	if t := from.tip(well); t != nil {
		b.Tips = append(b.Tips, *t)
	}
	if w := from.well(well); w != nil {
		b.Wells = append(b.Wells, *w)
	}
}

func (b *Labware) tip(well string) *Tip {
	if i := slices.IndexFunc(b.Tips, func(t Tip) bool { return t.Well == well }); i >= 0 {
		return &b.Tips[i]
	}
	return nil
}

func (b *Labware) well(well string) *Well {
	if i := slices.IndexFunc(b.Wells, func(w Well) bool { return w.Well == well }); i >= 0 {
		return &b.Wells[i]
	}
	return nil
}

func (f *Footprint) well(name string, r program.WellRef, c *program.Content) Well {
	d := f.State.Deck
	out := Well{Well: name, NL: c.Volume, Unsure: f.Unsure[r], At: f.At}
	if !f.Wells[r] {
		out.At = f.Since // it has stood open all the time
	}
	if c.Unknown {
		out.Unknown = d.LiquidName(c.Of)
	}
	for i, v := range c.Parts {
		if v == 0 {
			continue
		}
		p := Part{NL: v}
		if i < len(d.Liquids) {
			p.Liquid = d.Liquids[i].Name
		}
		out.Parts = append(out.Parts, p)
	}
	return out
}

// module notes what a module is set to, or that it is off.
func (l *Ledger) module(f *Footprint, m *program.Module, s *program.ModuleState) {
	i := slices.IndexFunc(l.Modules, func(o Module) bool { return o.Slot == m.Slot && o.Model == m.Model.Name })
	if i >= 0 {
		l.Modules = slices.Delete(l.Modules, i, i+1)
	}
	if *s == program.NewModule() {
		return
	}
	out := Module{Slot: m.Slot, Model: m.Model.Name, State: *s, Run: f.Run}
	at, _ := slices.BinarySearchFunc(l.Modules, m.Slot, func(o Module, slot string) int { return comparePlaces(o.Slot, slot) })
	l.Modules = slices.Insert(l.Modules, at, out)
}

// pipette notes what may hang on a pipette.
func (l *Ledger) pipette(f *Footprint, i int) {
	p, m := &f.State.Deck.Pipettes[i], &f.State.Mounts[i]
	l.Pipettes = slices.DeleteFunc(l.Pipettes, func(o Pipette) bool { return o.Mount == p.Mount })
	if !m.On && !slices.Contains(f.Stray, i) {
		return
	}
	out := Pipette{Mount: p.Mount, Model: p.Model.Name, Run: f.Run}
	if m.From != program.None {
		out.Tip = f.State.Deck.Labware[m.From.Labware].Def.URI()
	}
	at, _ := slices.BinarySearchFunc(l.Pipettes, p.Mount, func(o Pipette, mount string) int { return cmp.Compare(o.Mount, mount) })
	l.Pipettes = slices.Insert(l.Pipettes, at, out)
}
