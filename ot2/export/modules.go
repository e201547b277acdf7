package export

import (
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Modules, labware on them, and moves of labware in Python.

// loadLabware puts a labware where it stands before the first step.
func (w *python) loadLabware(i int) {
	l := &w.deck.Labware[i]
	what, on, place := "labware", "protocol", w.place(l.On)+", "
	if l.Def.IsAdapter {
		what = "adapter"
	}
	if l.On.On == program.OnModule || l.On.On == program.OnLabware {
		on, place = w.place(l.On), ""
	}
	label := ""
	if !l.Def.IsAdapter {
		label = ", label=" + quoted(l.Name)
	}
	if constant, own := w.definitions[l.Def.URI()]; own {
		args := constant + ", " + place
		w.line("%s = %s.load_%s_from_definition(%s%s)", w.labware[i], on, what, trimComma(args), label)
		return
	}
	args := quoted(l.Def.LoadName) + ", " + place
	w.line("%s = %s.load_%s(%s%s, namespace=%s, version=%d)", w.labware[i], on, what, trimComma(args), label, quoted(l.Def.Namespace), l.Def.Version)
}

func trimComma(s string) string { return s[:len(s)-len(", ")] }

// place is a place as an expression.
func (w *python) place(p program.Place) string {
	switch p.On {
	case program.OnModule:
		return w.modules[p.Index]
	case program.OnLabware:
		return w.labware[p.Index]
	case program.OffDeck:
		w.offDeck = true
		return "protocol_api.OFF_DECK"
	case program.OnSlot:
	}
	return quoted(program.SlotName(p))
}

// module writes step i where it is one of a module, a move of labware or the
// lights. The Python API has one call for setting a temperature and waiting for
// it; a thermocycler has no other.
func (w *python) module(steps []program.Step, i int) error {
	s := &steps[i]
	op := &s.Op
	if op.Kind.Info().Fields&program.HasModule != 0 {
		return w.set(op, w.modules[op.Module], follows(steps, i), awaited(steps, i))
	}
	switch op.Kind {
	case program.MoveLabware:
		if s.Text != "" {
			w.line("protocol.comment(%s)", quoted(s.Text))
		}
		w.line("protocol.move_labware(%s, %s, use_gripper=False)", w.labware[op.Well.Labware], w.place(op.To))
	case program.Lights:
		w.line("protocol.set_rail_lights(%s)", map[bool]string{true: "True", false: "False"}[op.On])
	default: // of pipettes, written already
	}
	return nil
}

// waitFor is the wait that belongs to a temperature that is set.
var waitFor = [program.Kinds]program.Kind{program.SetTemperature: program.WaitTemperature, program.SetLidTemperature: program.WaitLidTemperature}

// follows reports whether the wait for what step i sets comes directly after.
func follows(steps []program.Step, i int) bool {
	wait := waitFor[steps[i].Op.Kind]
	return wait != 0 && i+1 < len(steps) && steps[i+1].Op.Kind == wait && steps[i+1].Op.Module == steps[i].Op.Module
}

// awaited reports whether step i is such a wait.
func awaited(steps []program.Step, i int) bool {
	return i > 0 && follows(steps, i-1)
}

func (w *python) set(op *program.Op, m string, waits, awaited bool) error {
	model := w.deck.Modules[op.Module].Model
	celsius := number(int64(op.Temperature))
	switch op.Kind {
	case program.SetTemperature:
		w.targets[op.Module] = op.Temperature
		return w.temperature(op, model, m, waits)
	case program.WaitTemperature:
		switch {
		case awaited && model.Type != program.HeaterShaker: // said with what it waits for
		case model.Type == program.TemperatureModule:
			w.line("%s.await_temperature(%s)", m, number(int64(w.targets[op.Module])))
		case model.Type == program.HeaterShaker:
			w.line("%s.wait_for_temperature()", m)
		default:
			return w.cannot(op, "wait for a block's temperature that was set before")
		}
	case program.StopTemperature:
		w.line("%s.%s()", m, [...]string{program.TemperatureModule: "deactivate", program.HeaterShaker: "deactivate_heater", program.MagneticModule: "", program.Thermocycler: "deactivate_block"}[model.Type])
	case program.SetLidTemperature:
		if !waits {
			return w.cannot(op, "set a lid's temperature without waiting for it")
		}
		w.line("%s.set_lid_temperature(%s)", m, celsius)
	case program.WaitLidTemperature:
		if !awaited {
			return w.cannot(op, "wait for a lid's temperature that was set before")
		}
	case program.Shake:
		w.line("%s.set_and_wait_for_shake_speed(%d)", m, op.RPM)
	case program.Engage:
		w.line("%s.engage(height_from_base=%s)", m, number(int64(op.At.Z)))
	default:
		w.line("%s.%s()", m, simple[op.Kind])
	}
	return nil
}

// simple are the calls without arguments.
var simple = [program.Kinds]string{
	program.StopLidTemperature: "deactivate_lid", program.OpenLid: "open_lid", program.CloseLid: "close_lid",
	program.OpenLatch: "open_labware_latch", program.CloseLatch: "close_labware_latch",
	program.StopShaking: "deactivate_shaker", program.Disengage: "disengage",
}

func (w *python) temperature(op *program.Op, model *program.ModuleModel, m string, waits bool) error {
	celsius := number(int64(op.Temperature))
	switch {
	case model.Type == program.HeaterShaker:
		w.line("%s.set_target_temperature(%s)", m, celsius)
	case model.Type == program.TemperatureModule && waits:
		w.line("%s.set_temperature(%s)", m, celsius)
	case model.Type == program.TemperatureModule:
		w.line("%s.start_set_temperature(%s)", m, celsius)
	case !waits:
		return w.cannot(op, "set a block's temperature without waiting for it")
	default:
		args := celsius
		if op.Duration > 0 {
			args += ", hold_time_seconds=" + number(op.Duration)
		}
		if op.Volume > 0 {
			args += ", block_max_volume=" + number(op.Volume)
		}
		w.line("%s.set_block_temperature(%s)", m, args)
	}
	return nil
}

func (w *python) cannot(op *program.Op, what string) error {
	return fmt.Errorf("the Python API cannot %s, as the plan does with %s; export it with --to json, or set and wait in one step", what, w.deck.Modules[op.Module].Name)
}
