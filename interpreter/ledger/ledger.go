// Package ledger owns what is known of a robot's deck between runs: which tips
// are gone, what wells hold, what modules are set to, what may hang on a
// pipette. A Ledger is the fold of what runs did, which interpreter/run finds
// out, and of what people corrected by hand. It names things as people do, by
// slot, load name, well and liquid, because two runs share nothing else.
package ledger

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Ledger is what stands on a robot, as far as is known. The zero Ledger knows
// of nothing. It is a value of its own: nothing here changes one that it is
// only given to read.
type Ledger struct {
	Labware  []Labware `json:"labware"`            // in the order of Place
	Modules  []Module  `json:"modules,omitempty"`  // that are set to something, by slot
	Pipettes []Pipette `json:"pipettes,omitempty"` // on which something may hang, by mount
	Offsets  []Offset  `json:"offsets,omitempty"`  // by Place and Definition
	Tools    []Tool    `json:"tools,omitempty"`    // that were on the robot when it was used last
	// Away is the labware that people have taken from the deck in exchange for a
	// new one, the last at the end; of many the last ones.
	Away []Labware `json:"away,omitempty"`
}

// maxAway is how much labware that was taken away is remembered: what runs have put
// into any of it is in the journal for good.
const maxAway = 12

// Tool is a pipette or a module by its serial number: which one of its kind.
type Tool struct {
	Mount  string `json:"mount,omitempty"` // left or right; empty of a module
	Model  string `json:"model"`           // of a pipette by our name, of a module by the robot's
	Serial string `json:"serial"`
	Run    string `json:"run,omitempty"` // in which it was there
}

// Labware is what is known of one labware.
type Labware struct {
	Place      string `json:"place"`                          // 4, or what it stands on in slot 4: 4/temperature_module_gen2
	Definition string `json:"definition"`                     // namespace/load name/version
	Name       string `json:"name"`                           // in the workflow that used it last
	Run        string `json:"run,omitempty"`                  // that used it last; empty after a correction
	Number     int    `json:"number,omitempty"`               // which of several in the run it was, where it was taken away
	At         int64  `json:"at_ns"`                          // of the last change, ns since 1970
	LossNL     int64  `json:"evaporation_nL_per_h,omitempty"` // of each well
	Tips       []Tip  `json:"tips,omitempty"`
	Wells      []Well `json:"wells,omitempty"`
}

// Tip is a place of a tip rack that has no new tip.
type Tip struct {
	Well   string `json:"well"`
	State  string `json:"state"`            // out or used
	Unsure bool   `json:"unsure,omitempty"` // it may be there, because nobody knows whether a step happened
}

// Well is a well that held something at some time.
type Well struct {
	Well    string `json:"well"`
	NL      int64  `json:"volume_nL"` // of an Undeclared one, counted from zero
	Parts   []Part `json:"liquids,omitempty"`
	Unsure  bool   `json:"unsure,omitempty"`     // nobody knows whether a step happened
	Unknown string `json:"undeclared,omitempty"` // the liquid it was declared to hold some of
	At      int64  `json:"at_ns"`                // when it held that, ns since 1970
}

// Part is how much of one liquid a well holds. A liquid that no workflow
// declared has no name.
type Part struct {
	Liquid string `json:"liquid"`
	NL     int64  `json:"volume_nL"`
}

// Module is what a module was told last.
type Module struct {
	Slot  string              `json:"slot"`
	Model string              `json:"model"`
	State program.ModuleState `json:"state"`
	Run   string              `json:"run,omitempty"`
}

// Pipette says that something may hang on a pipette that the robot does not
// know of.
type Pipette struct {
	Mount string `json:"mount"`
	Model string `json:"model"`
	Tip   string `json:"tip,omitempty"` // the definition of the rack its tip came from
	Run   string `json:"run,omitempty"`
}

// Offset is how far labware stands from where its definition says, in µm.
type Offset struct {
	Place      string `json:"place"`
	Definition string `json:"definition"`
	X          int64  `json:"x_um"`
	Y          int64  `json:"y_um"`
	Z          int64  `json:"z_um"`
}

// Clone returns an independent copy.
func (l *Ledger) Clone() *Ledger {
	out := &Ledger{Labware: slices.Clone(l.Labware), Modules: slices.Clone(l.Modules), Pipettes: slices.Clone(l.Pipettes), Offsets: slices.Clone(l.Offsets), Tools: slices.Clone(l.Tools), Away: slices.Clone(l.Away)}
	for i := range out.Labware {
		b := &out.Labware[i]
		b.Tips, b.Wells = slices.Clone(b.Tips), slices.Clone(b.Wells)
		for k := range b.Wells {
			b.Wells[k].Parts = slices.Clone(b.Wells[k].Parts)
		}
	}
	return out
}

// At returns the labware at a place, or nil.
func (l *Ledger) At(place string) *Labware {
	if i := slices.IndexFunc(l.Labware, func(b Labware) bool { return b.Place == place }); i >= 0 {
		return &l.Labware[i]
	}
	return nil
}

// In returns the labware in a slot that holds tips or liquids: the topmost of a
// stack; nil where none is known.
func (l *Ledger) In(slot string) *Labware {
	var out *Labware
	for i := range l.Labware {
		if Slot(l.Labware[i].Place) == slot && (out == nil || len(l.Labware[i].Place) > len(out.Place)) {
			out = &l.Labware[i]
		}
	}
	return out
}

// put makes a labware what stands at its place.
func (l *Ledger) put(b Labware) *Labware {
	l.remove(b.Place)
	i, _ := slices.BinarySearchFunc(l.Labware, b.Place, func(b Labware, place string) int { return comparePlaces(b.Place, place) })
	l.Labware = slices.Insert(l.Labware, i, b)
	return &l.Labware[i]
}

func (l *Ledger) remove(place string) {
	l.Labware = slices.DeleteFunc(l.Labware, func(b Labware) bool { return b.Place == place })
}

// Slot is the slot that a place is in.
func Slot(place string) string {
	slot, _, _ := strings.Cut(place, "/")
	return slot
}

// comparePlaces has slots in the order of their numbers.
func comparePlaces(a, b string) int {
	x, _ := strconv.Atoi(Slot(a))
	y, _ := strconv.Atoi(Slot(b))
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
}

// compareWells has wells column by column, as everywhere in this field.
func compareWells(a, b string) int {
	rowA, colA := splitWell(a)
	rowB, colB := splitWell(b)
	return cmp.Or(cmp.Compare(colA, colB), cmp.Compare(len(rowA), len(rowB)), cmp.Compare(rowA, rowB))
}

func splitWell(name string) (row string, column int) {
	i := strings.IndexFunc(name, func(r rune) bool { return r >= '0' && r <= '9' })
	if i < 0 {
		return name, 0
	}
	column, _ = strconv.Atoi(name[i:])
	return name[:i], column
}

// PlaceOf is the place of a labware as a ledger names it: the slot, and what is
// under the labware there, by the names of its kinds. It is empty for what
// stands beside the robot.
func PlaceOf(s *program.State, labware int) string {
	at := s.Place(labware)
	switch at.On {
	case program.OnSlot:
		return program.SlotName(at)
	case program.OnModule:
		m := &s.Deck.Modules[at.Index]
		return m.Slot + "/" + m.Model.Name
	case program.OnLabware:
		if under := PlaceOf(s, int(at.Index)); under != "" {
			return under + "/" + s.Deck.Labware[at.Index].Def.LoadName
		}
	case program.OffDeck:
	}
	return ""
}

// Loaded is the load name of a definition.
func Loaded(definition string) string {
	parts := strings.Split(definition, "/")
	if len(parts) != 3 {
		return definition
	}
	return parts[1]
}
