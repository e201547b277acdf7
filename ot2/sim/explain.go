package sim

import (
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// explain says why op is refused, with the pipette, the well and the volumes,
// of a state in which it has not happened.
func (w *World) explain(op *program.Op, faults program.Fault, t *program.Touched) string {
	var m program.Mounted
	var name string
	if int(op.Pipette) < len(w.deck.Pipettes) {
		m, name = w.state.Mounts[op.Pipette], w.deck.Pipettes[op.Pipette].Name
	}
	well, verb := w.deck.WellName(op.Well), phrase(op.Kind)
	held := m.Held.Volume + m.Air
	var out []string
	add := func(f program.Fault, text string) {
		if faults&f != 0 {
			out = append(out, text)
		}
	}
	add(program.NoTip, name+" has no tip on to "+verb)
	add(program.HasTip, name+" already has a tip on, from "+w.deck.WellName(m.From))
	add(program.TipMissing, "there is no tip at "+w.deck.WellName(t.Beside))
	add(program.OverTip, name+" is to draw "+quantity.Volume.Text(op.Volume)+" and holds "+quantity.Volume.Text(held)+"; its tip takes "+quantity.Volume.Text(m.Max))
	add(program.OverHeld, name+" is to give "+quantity.Volume.Text(op.Volume)+" and holds "+quantity.Volume.Text(held))
	for i := range t.Wells {
		d := &t.Wells[i]
		well, holds := w.deck.WellName(d.Well), quantity.Volume.Text(d.Before.Volume)
		if d.Faults&program.Short != 0 {
			out = append(out, name+" is to draw "+quantity.Volume.Text(d.Moved)+" from "+well+", which holds "+holds)
		}
		if d.Faults&program.Overflow != 0 {
			out = append(out, name+" is to fill "+well+", which holds "+holds+" of at most "+quantity.Volume.Text(w.deck.Well(d.Well).MaxNL)+", "+quantity.Volume.Text(d.Missing)+" too far")
		}
	}
	add(program.OffWell, channelName(t.Off)+" of "+name+" would be over nothing at "+well)
	add(program.TipsBeside, "a nozzle of "+name+" that takes no tip would press on "+w.deck.WellName(t.Beside))
	add(program.PlaceTaken, "there is a tip at the place already")
	return strings.Join(out, ", and ")
}

func phrase(k program.Kind) string { return strings.ReplaceAll(k.String(), "_", " ") }

// channelName names a channel by its distance from the primary nozzle.
func channelName(channel int) string { return "channel " + strconv.Itoa(channel+1) }
