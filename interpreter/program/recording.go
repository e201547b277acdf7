package program

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Recording is what a robot found when it analysed a protocol: what it takes to
// stand on the deck, and what it does there.
type Recording struct {
	Main     string // the name of the protocol's file
	Params   []RecordedParam
	Unheard  []string // what kinds of commands are in it that nothing is known of
	Pipettes []RecordedPipette
	Modules  []RecordedModule
	Labware  []RecordedLabware
	Steps    []RecordedStep
}

// RecordedParam is a run-time parameter: the value that the protocol was analysed
// with, and its default, both as JSON.
type RecordedParam struct {
	Name, Value, Default string
	Table                string // the name of its CSV file, where it is one
}

// RecordedPipette is a pipette that a protocol uses.
type RecordedPipette struct{ Model, Mount string }

// RecordedModule is a module that a protocol uses, by the robot's name of its
// model.
type RecordedModule struct{ Model, Slot string }

// RecordedLabware is a labware that a protocol uses.
type RecordedLabware struct {
	Namespace, LoadName string
	At                  RecordedPlace
}

// RecordedPlace is a place whose Index counts, of modules and labware, those of
// the recording.
type RecordedPlace = Place

// RecordedStep is something a protocol does. In Op, pipettes and modules are
// those of the recording.
type RecordedStep struct {
	Op      Op
	Labware int // of the recording, or -1
	Well    string
}

// On is what a protocol does on a deck as it stands. What is not as the protocol
// takes it to be is said in words, each a part of a sentence about it.
func (r *Recording) On(s *State) (does []Op, differs []string) {
	on := recordedOn{s: s, pipettes: make([]int, len(r.Pipettes)), modules: make([]int, len(r.Modules)), labware: make([]int, len(r.Labware))}
	for i, p := range r.Pipettes {
		on.pipettes[i] = on.pipette(p)
	}
	for i, m := range r.Modules {
		on.modules[i] = on.module(m)
	}
	for i := range r.Labware {
		on.labware[i] = -1
	}
	for i := range r.Labware {
		on.labware[i] = on.stands(&r.Labware[i])
	}
	if len(on.differs) > 0 {
		return nil, on.differs
	}
	for i := range r.Steps {
		if op, ok := on.op(&r.Steps[i]); ok {
			does = append(does, op)
		}
	}
	if len(on.differs) > 0 {
		return nil, on.differs
	}
	return does, nil
}

// recordedOn finds what a recording means on a deck.
type recordedOn struct {
	s                          *State
	pipettes, modules, labware []int
	differs                    []string
}

func (on *recordedOn) differ(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(on.differs, text) {
		on.differs = append(on.differs, text)
	}
}

func (on *recordedOn) pipette(p RecordedPipette) int {
	has := "nothing"
	for i := range on.s.Deck.Pipettes {
		q := &on.s.Deck.Pipettes[i]
		if q.Mount != p.Mount || q.Model == nil {
			continue
		}
		if q.Model.Name == p.Model {
			return i
		}
		has = q.Name + ", a " + q.Model.Name
	}
	on.differ("uses a %s on the %s mount, where the workflow has %s", p.Model, p.Mount, has)
	return -1
}

func (on *recordedOn) module(m RecordedModule) int {
	has := "none"
	for i := range on.s.Deck.Modules {
		n := &on.s.Deck.Modules[i]
		if n.Model.RobotName == m.Model && n.Slot == m.Slot {
			return i
		}
		if n.Slot == m.Slot {
			has = n.Name + ", a " + n.Model.Name
		}
	}
	on.differ("uses a module %s in slot %s, where the workflow has %s", m.Model, m.Slot, has)
	return -1
}

// place is a place of the recording on the deck.
func (on *recordedOn) place(p RecordedPlace) (Place, bool) {
	switch p.On {
	case OnModule:
		p.Index = int16(on.modules[p.Index])
	case OnLabware:
		p.Index = int16(on.labware[p.Index])
	case OnSlot, OffDeck:
	}
	return p, p.Index >= 0
}

func (on *recordedOn) stands(l *RecordedLabware) int {
	at, ok := on.place(l.At)
	if !ok {
		return -1 // that what it stands on is missing was said
	}
	same := func(i int) bool {
		def := on.s.Deck.Labware[i].Def
		return def.Namespace == l.Namespace && def.LoadName == l.LoadName
	}
	if at.On == OffDeck {
		for i := range on.s.places {
			if on.s.places[i] == at && same(i) && !slices.Contains(on.labware, i) {
				return i
			}
		}
		on.differ("has a %s beside the deck, and the workflow has none there", l.LoadName)
		return -1
	}
	i := on.s.LabwareAt(at)
	switch {
	case i < 0:
		on.differ("has a %s in %s, where the workflow has nothing", l.LoadName, on.s.Deck.PlaceName(at))
		return -1
	case !same(i):
		on.differ("has a %s in %s, where the workflow has %s, a %s", l.LoadName, on.s.Deck.PlaceName(at), on.s.Deck.Labware[i].Name, on.s.Deck.Labware[i].Def.LoadName)
		return -1
	}
	return i
}

// op is a step of the recording on the deck; ok is false where it touches
// nothing there.
func (on *recordedOn) op(r *RecordedStep) (Op, bool) {
	op := r.Op
	has := op.Kind.Info().Fields
	if has&HasPipette != 0 {
		op.Pipette = int8(on.pipettes[op.Pipette])
	}
	if has&HasModule != 0 {
		op.Module = int8(on.modules[op.Module])
	}
	op.Well = None
	if r.Labware >= 0 {
		l := on.labware[r.Labware]
		op.Well = WellRef{int16(l), 0}
		if r.Well != "" {
			w, ok := on.s.Deck.Labware[l].Def.Well(r.Well)
			if !ok {
				on.differ("goes to the well %s of %s, which has none of that name", r.Well, on.s.Deck.Labware[l].Name)
				return op, false
			}
			op.Well.Well = int16(w)
		}
	}
	if has&HasMove != 0 {
		to, ok := on.place(op.To)
		if op.To = to; !ok {
			return op, false
		}
	}
	return op, true
}

// DigestOf is the same for what does the same to wells, tips, labware and
// modules, at whatever height or speed.
func DigestOf(does []Op, d *Deck) string {
	h := sha256.New()
	var b []byte
	for i := range does {
		op := does[i]
		switch op.Kind {
		case TouchTip, MoveTo, Prepare, Home, Delay, Lights:
			continue
		default:
		}
		op.At.From, op.At.X, op.At.Y = Top, 0, 0
		if op.Kind != Engage {
			op.At.Z = 0
		}
		op.Rate, op.Speed, op.PushOut, op.HasPush, op.Correction, op.Touch, op.Duration = 0, 0, 0, false, 0, Touch{}, 0
		step := Step{Op: op}
		b = append(step.appendOp(b[:0], d), '\n')
		h.Write(b)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Differs makes one sentence of what On says.
func Differs(file string, list []string) string { return file + " " + strings.Join(list, "; it ") }
