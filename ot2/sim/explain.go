package sim

import (
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

func uL(n int64) string { return quantity.Quantity{Dim: quantity.Volume, N: n}.String() }

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// explain says why op is refused, with the pipette, the well and the volumes,
// of a state in which it has not happened.
func (w *World) explain(op *program.Op, faults program.Fault, missing int64) string {
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
	add(program.TipMissing, "there is no tip at "+well)
	add(program.OverTip, name+" is to draw "+uL(op.Volume)+" and holds "+uL(held)+"; its tip takes "+uL(m.Max))
	add(program.OverHeld, name+" is to give "+uL(op.Volume)+" and holds "+uL(held))
	if faults&(program.Short|program.Overflow) != 0 {
		c, _ := w.state.Content(op.Well)
		add(program.Short, name+" is to draw "+uL(op.Volume)+" from "+well+", which holds "+uL(c.Volume))
		add(program.Overflow, name+" is to fill "+well+", which holds "+uL(c.Volume)+" of at most "+uL(w.deck.Well(op.Well).MaxNL)+", "+uL(missing)+" too far")
	}
	add(program.PlaceTaken, "there is a tip at the place already")
	return strings.Join(out, ", and ")
}

func phrase(k program.Kind) string { return strings.ReplaceAll(k.String(), "_", " ") }
