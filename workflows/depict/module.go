package depict

import (
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// moduleSentence says what a step of a module does, or a move of labware.
func moduleSentence(s *program.Step, d *program.Deck) string {
	op := &s.Op
	switch op.Kind {
	case program.MoveLabware:
		return "move by hand    " + d.Labware[op.Well.Labware].Name + " to " + d.PlaceName(op.To) + note(s.Text)
	case program.Lights:
		if op.On {
			return "lights on"
		}
		return "lights off"
	default:
	}
	m := d.Modules[op.Module].Name
	switch op.Kind {
	case program.SetTemperature:
		out := "set             " + m + " to " + quantity.Temperature.Text(int64(op.Temperature))
		if op.Duration > 0 {
			out += " for " + quantity.Time.Text(op.Duration)
		}
		return out
	case program.SetLidTemperature:
		return "set             lid of " + m + " to " + quantity.Temperature.Text(int64(op.Temperature))
	case program.Shake:
		return "shake           " + m + " at " + strconv.Itoa(int(op.RPM)) + " rpm"
	case program.Engage:
		return "magnets up      " + m + " to " + mm(op.At.Z)
	default:
		return plainModule[op.Kind] + m
	}
}

var plainModule = [program.Kinds]string{
	program.WaitTemperature: "wait for        ", program.StopTemperature: "heating off     ",
	program.WaitLidTemperature: "wait for        lid of ", program.StopLidTemperature: "heating off     lid of ",
	program.OpenLid: "open lid        ", program.CloseLid: "close lid       ", program.OpenLatch: "open latch      ", program.CloseLatch: "close latch     ",
	program.StopShaking: "stop shaking    ", program.Disengage: "magnets down    ",
}

// ModuleState says what a module was told; "" where that is not known.
func ModuleState(m *program.ModuleState) string {
	var out []string
	add := func(is bool, text string) {
		if is {
			out = append(out, text)
		}
	}
	add(m.Target != program.NoTarget, "at "+quantity.Temperature.Text(int64(m.Target)))
	add(m.LidTarget != program.NoTarget, "lid at "+quantity.Temperature.Text(int64(m.LidTarget)))
	add(m.RPM > 0, "shaking at "+strconv.Itoa(int(m.RPM))+" rpm")
	add(m.Engaged, "magnets up, "+mm(m.Magnet))
	add(m.Lid == program.Open, "lid open")
	add(m.Lid == program.Closed, "lid closed")
	add(m.Latch == program.Open, "latch open")
	add(m.Latch == program.Closed, "latch closed")
	return strings.Join(out, ", ")
}

func note(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
