package run

import (
	"fmt"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// The deck as it stands where a run is gone on with. A program of its own tells
// the robot at its start where everything is, and knows of no module what it
// was told before.

// Moved says that a labware stands elsewhere than at the start of the plan.
type Moved struct {
	Labware int           `json:"labware"` // index into Deck.Labware
	To      program.Place `json:"to"`
}

// moved lists the labware that is not where the plan has it at its start.
func (s *Story) moved(state *program.State) []Moved {
	var out []Moved
	for i := range s.Plan.Deck.Labware {
		if at := state.Place(i); at != s.Plan.Deck.Labware[i].On {
			out = append(out, Moved{i, at})
		}
	}
	return out
}

// deckAfter is a deck with labware elsewhere.
func deckAfter(d *program.Deck, moved []Moved) (*program.Deck, bool) {
	if len(moved) == 0 {
		return d, true
	}
	out := *d
	out.Labware = slices.Clone(d.Labware)
	for _, m := range moved {
		if m.Labware < 0 || m.Labware >= len(out.Labware) || !d.Has(m.To) {
			return nil, false
		}
		out.Labware[m.Labware].On = m.To
	}
	out.NameSlots()
	return &out, true
}

// setting is one thing that a module can be told.
type setting struct {
	module int8
	kind   program.Kind // of the operation that sets it
}

// told is what it was told last.
type told struct {
	op     program.Op
	waited bool // until it was so
}

// settings are the operations that set something which stays so, with those
// that end it, and the one that waits for it.
var settings = []struct{ set, end, wait program.Kind }{
	{set: program.SetTemperature, end: program.StopTemperature, wait: program.WaitTemperature},
	{set: program.SetLidTemperature, end: program.StopLidTemperature, wait: program.WaitLidTemperature},
	{set: program.Engage, end: program.Disengage},
	{set: program.OpenLid},
	{set: program.CloseLid},
	{set: program.OpenLatch},
	{set: program.CloseLatch},
	{set: program.Shake, end: program.StopShaking},
}

// step carries a step out, and notes what modules were told by it.
func (at *standing) step(s *program.Step) {
	if s.Protocol == nil {
		at.do(&s.Op)
		return
	}
	at.state.Do(s)
	for i := range s.Protocol.Does {
		at.note(&s.Protocol.Does[i])
	}
}

// do carries an operation out, and notes what a module was told by it.
func (at *standing) do(op *program.Op) {
	at.state.Apply(op)
	at.note(op)
}

func (at *standing) note(op *program.Op) {
	if op.Kind.Info().Fields&program.HasModule == 0 {
		return
	}
	if at.before != nil {
		at.before.Apply(op)
	}
	for _, s := range settings {
		key := setting{op.Module, s.set}
		switch op.Kind {
		case s.set:
			at.told[key] = told{op: *op}
		case s.wait:
			if t, ok := at.told[key]; ok {
				t.waited = true
				at.told[key] = t
			}
		default:
		}
	}
}

// stands reports whether a module is still set to what an operation told it.
func stands(m *program.ModuleState, kind program.Kind) bool {
	switch kind {
	case program.SetTemperature:
		return m.Target != program.NoTarget
	case program.SetLidTemperature:
		return m.LidTarget != program.NoTarget
	case program.Engage:
		return m.Engaged
	case program.OpenLid:
		return m.Lid == program.Open
	case program.CloseLid:
		return m.Lid == program.Closed
	case program.OpenLatch:
		return m.Latch == program.Open
	case program.CloseLatch:
		return m.Latch == program.Closed
	case program.Shake:
		return m.RPM > 0
	default:
		return false
	}
}

// setAgain tells the modules again what they were told and what remains relies
// on: a robot that was restarted has forgotten it, and any robot asks for it in
// every program anew. What the run had waited for is waited for again.
func (s *Story) setAgain(r *Rest, at *standing, all bool) {
	was := at.state // what closed a run has switched off what the rest relies on
	if at.before != nil {
		was = at.before
	}
	var waits []program.Op
	for i := range s.Plan.Deck.Modules {
		for _, one := range settings {
			t, ok := at.told[setting{int8(i), one.set}]
			if !ok || !stands(was.Module(i), one.set) || !all && one.end != 0 && !s.reliedOn(at.from, int8(i), one.set, one.end) {
				continue
			}
			if t.waited {
				t.op.Duration = 0 // it was held as long
				waits = append(waits, program.Op{Kind: one.wait, Module: int8(i), Well: program.None})
			}
			r.add(at, Added{Op: t.op})
			r.Notes = append(r.Notes, s.Plan.Deck.Modules[i].Name+": "+again(&t.op, t.waited))
		}
	}
	for _, op := range waits {
		r.add(at, Added{Op: op})
	}
}

// reliedOn reports whether anything that remains may happen before a setting
// is replaced or ended.
func (s *Story) reliedOn(from int, module int8, set, end program.Kind) bool {
	for i := from - 1; i < len(s.Plan.Steps); i++ {
		op := &s.Plan.Steps[i].Op
		if op.Kind.Info().Fields&program.HasModule != 0 && op.Module == module && (op.Kind == set || op.Kind == end) {
			return false
		}
		if op.Kind.Info().Effect != program.Idempotent && op.Kind != program.Comment || op.Kind.Waits() {
			return true
		}
	}
	return false
}

// again says for people what a module is told once more.
func again(op *program.Op, wait bool) string {
	text := ""
	switch op.Kind {
	case program.SetTemperature:
		text = "set " + quantity.Temperature.Text(int64(op.Temperature)) + " again"
	case program.SetLidTemperature:
		text = "set the lid to " + quantity.Temperature.Text(int64(op.Temperature)) + " again"
	case program.Engage:
		text = "raise the magnets again"
	case program.OpenLid:
		text = "open the lid, where it is not open"
	case program.CloseLid:
		text = "close the lid, where it is not closed"
	case program.OpenLatch:
		text = "open the latch, where it is not open"
	case program.CloseLatch:
		text = "close the latch, where it is not closed"
	case program.Shake:
		text = fmt.Sprintf("shake with %d rpm again", op.RPM)
	default:
	}
	switch {
	case wait:
		text += ", and wait until it is so"
	case op.Duration > 0:
		text += ", to be held for all of its time again"
	}
	return text
}
