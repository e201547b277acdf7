package ledger

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Found is what a robot says of itself, as far as a ledger says the same.
type Found struct {
	Tools   []Tool
	Offsets []Offset // that others measured since the last run of ours, by the newest
	Others  []string // the runs that others did since then, each for people
}

// Drift is where a robot or its deck is otherwise than it was left.
type Drift struct {
	Place string // what it is about
	Was   string // what was known
	Is    string // what is there
	Do    string // what is to be done about it
	// Matters says that a plan relies on it, so that a person has to say that it is
	// meant.
	Matters bool
}

// String is the drift in one line.
func (d *Drift) String() string { return d.Place + ": " + d.Was + "; " + d.Is + "; " + d.Do }

// Against says where what is found is otherwise than the ledger says: of what a
// plan begins on d with, or of everything where d is nil. What was said to be new
// in slots of fresh is meant.
func (l *Ledger) Against(d *program.Deck, found *Found, fresh []string) []Drift {
	out := l.otherPipettes(d, found)
	out = append(out, l.otherModules(d, found)...)
	out = append(out, l.otherOffsets(d, found)...)
	if d != nil {
		out = append(out, l.otherRacks(d, fresh)...)
		out = append(out, l.otherLiquids(d, fresh)...)
	}
	return append(out, l.otherRuns(d, found)...)
}

func in(run string) string {
	if run == "" {
		return " was there last"
	}
	return " was there in run " + run
}

func (l *Ledger) otherPipettes(d *program.Deck, found *Found) []Drift {
	var out []Drift
	for _, was := range l.Tools {
		if was.Mount == "" {
			continue
		}
		used := d != nil && slices.ContainsFunc(d.Pipettes, func(p program.Pipette) bool { return p.Mount == was.Mount })
		c := Drift{Place: was.Mount + " mount", Was: "the " + was.Model + " " + was.Serial + in(was.Run), Matters: used}
		i := slices.IndexFunc(found.Tools, func(t Tool) bool { return t.Mount == was.Mount })
		switch {
		case i < 0:
			c.Is, c.Do, c.Matters = "nothing is attached", "attach it, if something needs it", false // a plan that does is refused
		case found.Tools[i].Serial != was.Serial:
			c.Is = "now the " + found.Tools[i].Model + " " + found.Tools[i].Serial + " is"
			c.Do = "labware offsets were measured with the other one: see that they hold, and that this one is calibrated"
		default:
			continue
		}
		out = append(out, c)
	}
	return out
}

func (l *Ledger) otherModules(d *program.Deck, found *Found) []Drift {
	var out []Drift
	known := func(list []Tool, serial string) bool {
		return slices.ContainsFunc(list, func(t Tool) bool { return t.Serial == serial })
	}
	for _, was := range l.Tools {
		if was.Mount != "" || known(found.Tools, was.Serial) {
			continue
		}
		c := Drift{Place: was.Model, Was: was.Serial + in(was.Run), Is: "it is not connected", Do: "connect it, if something needs it"}
		i := slices.IndexFunc(found.Tools, func(t Tool) bool { return t.Mount == "" && t.Model == was.Model && !known(l.Tools, t.Serial) })
		if i >= 0 {
			c.Is, c.Do = "now "+found.Tools[i].Serial+" is", "what the other one was set to, this one is not; labware offsets on it were measured on the other one"
			c.Matters = d != nil && slices.ContainsFunc(d.Modules, func(m program.Module) bool { return m.Model.RobotName == was.Model })
		}
		out = append(out, c)
	}
	return out
}

func (l *Ledger) otherOffsets(d *program.Deck, found *Found) []Drift {
	var out []Drift
	for _, is := range found.Offsets {
		used := d != nil && usedAt(d, is.Place, is.Definition)
		i := slices.IndexFunc(l.Offsets, func(o Offset) bool { return o.Place == is.Place && o.Definition == is.Definition })
		was := "no offset is known"
		if i >= 0 {
			if l.Offsets[i] == is {
				continue
			}
			was = "the offset is " + l.Offsets[i].Text()
		}
		if d != nil && !used || i < 0 && is.X == 0 && is.Y == 0 && is.Z == 0 {
			continue
		}
		slot := Slot(is.Place)
		out = append(out, Drift{
			Place: "slot " + slot + " " + Loaded(is.Definition), Was: was, Is: "on the robot somebody has measured " + is.Text() + " since",
			Do: "take it over: ot2flow state set " + slot + ".offset=" + is.bare(), Matters: used,
		})
	}
	return out
}

// usedAt reports whether labware of a definition stands at a place at the
// beginning.
func usedAt(d *program.Deck, place, definition string) bool {
	s := program.NewState(d)
	for i := range d.Labware {
		if d.Labware[i].Def.URI() == definition && PlaceOf(s, i) == place {
			return true
		}
	}
	return false
}

// otherRacks are the tip racks of a plan that are not those that stood there.
func (l *Ledger) otherRacks(d *program.Deck, fresh []string) []Drift {
	var out []Drift
	s := program.NewState(d)
	for i := range d.Labware {
		on, place := &d.Labware[i], PlaceOf(s, i)
		was := l.In(Slot(place))
		if place == "" || !on.Def.IsTipRack || was == nil || l.same(s, i) != nil || slices.Contains(fresh, Slot(place)) || slices.Contains(fresh, "all") {
			continue
		}
		slot := Slot(place)
		out = append(out, Drift{
			Place: "slot " + slot, Was: Loaded(was.Definition) + in(was.Run), Is: "the plan takes tips of " + on.Def.LoadName + " (" + on.Name + ") there",
			Do: "put it there, and say so: --new " + slot, Matters: true,
		})
	}
	return out
}

// otherLiquids are the wells of what stays in which another liquid was left than the
// plan takes from them.
func (l *Ledger) otherLiquids(d *program.Deck, fresh []string) []Drift {
	var out []Drift
	s := program.NewState(d)
	for i := range d.Labware {
		slot := Slot(PlaceOf(s, i))
		if slices.Contains(fresh, slot) || slices.Contains(fresh, "all") {
			continue
		}
		for _, other := range l.swapped(s, i) {
			out = append(out, Drift{
				Place: "slot " + slot + " " + d.Labware[i].Name, Was: other.well + " was left with " + other.holds, Is: "the plan takes " + other.wants + " from there",
				Do: "put the one with " + other.wants + " there, and say so: --new " + slot + "; or say what it holds: ot2flow state set", Matters: true,
			})
		}
	}
	return out
}

// swapped is a well that was left with nothing of the liquid that is declared for it.
type swapped struct{ well, holds, wants string }

// swapped lists such wells of a labware that stays, of each liquid the first.
func (l *Ledger) swapped(s *program.State, labware int) []swapped {
	b := l.same(s, labware)
	if b == nil || !s.Deck.Labware[labware].Keep {
		return nil
	}
	var out []swapped
	for k := range s.Deck.Liquids {
		liquid := &s.Deck.Liquids[k]
		for _, r := range liquid.Wells {
			if int(r.Labware) != labware || liquid.Kept {
				continue
			}
			w := b.well(s.Deck.Well(r).Name)
			if w == nil || w.NL <= 0 || w.Unknown != "" || slices.ContainsFunc(w.Parts, func(p Part) bool { return p.Liquid == liquid.Name || p.Liquid == "" }) {
				continue
			}
			out = append(out, swapped{w.Well, Contents(w.Parts), liquid.Name})
			break
		}
	}
	return out
}

// otherRuns are those that may have taken tips and moved liquid of which the
// ledger knows nothing.
func (l *Ledger) otherRuns(d *program.Deck, found *Found) []Drift {
	if len(found.Others) == 0 {
		return nil
	}
	relies := false
	if d != nil {
		s := program.NewState(d)
		for i := range d.Labware {
			relies = relies || d.Labware[i].Keep && l.same(s, i) != nil
		}
	}
	return []Drift{{
		Place: "the deck", Was: "it is known as the last run of this journal left it", Is: "others have done since: " + strings.Join(found.Others, ", "),
		Do: "look at tips and wells, and say what is otherwise: ot2flow state set, state reset or --new SLOT", Matters: relies,
	}}
}

// bare is the offset as state set takes it.
func (o *Offset) bare() string {
	text := strings.NewReplacer("x ", "", " y ", "", " z ", "", " mm", "").Replace(o.Text())
	return strings.ReplaceAll(text, " ", "")
}
