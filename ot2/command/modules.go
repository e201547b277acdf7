package command

import (
	"encoding/json"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Place is where a labware stands: in a slot, on a module or another labware,
// by their ids, or off the deck where none is set.
type Place struct{ Slot, Module, Labware string }

// MarshalJSON writes the place as the robot reads it.
func (p Place) MarshalJSON() ([]byte, error) {
	switch {
	case p.Slot != "":
		return json.Marshal(Slot{p.Slot})
	case p.Module != "":
		return json.Marshal(OfModule{p.Module})
	case p.Labware != "":
		return json.Marshal(struct {
			LabwareID string `json:"labwareId"`
		}{p.Labware})
	}
	return []byte(`"offDeck"`), nil
}

// PlaceOf returns a place in the words of the robot.
func PlaceOf(p program.Place, d *program.Deck) Place {
	switch p.On {
	case program.OnModule:
		return Place{Module: d.Modules[p.Index].Name}
	case program.OnLabware:
		return Place{Labware: d.Labware[p.Index].Name}
	case program.OffDeck:
		return Place{}
	case program.OnSlot:
	}
	return Place{Slot: program.SlotName(p)}
}

// OfModule names a module.
type OfModule struct {
	ModuleID string `json:"moduleId"`
}

// ModuleCommand is any command that names a module and nothing else.
type ModuleCommand struct {
	OfModule
	Kind string `json:"-"`
}

// Type returns the robot's name of the command.
func (c ModuleCommand) Type() string { return c.Kind }

// SetCelsius tells a module a temperature in °C. Volume in µL and Hold in s are
// those of a thermocycler's block.
type SetCelsius struct {
	OfModule
	Kind    string   `json:"-"`
	Celsius float64  `json:"celsius"`
	Volume  *float64 `json:"blockMaxVolumeUl,omitempty"`
	Hold    *float64 `json:"holdTimeSeconds,omitempty"`
}

// Type returns the robot's name of the command.
func (c SetCelsius) Type() string { return c.Kind }

// SetShakeSpeed shakes, and waits until the speed is reached.
type SetShakeSpeed struct {
	OfModule
	RPM float64 `json:"rpm"`
}

// Type returns the robot's name of the command.
func (SetShakeSpeed) Type() string { return "heaterShaker/setAndWaitForShakeSpeed" }

// EngageMagnet raises magnets to mm above the plane labware stands on.
type EngageMagnet struct {
	OfModule
	Height float64 `json:"height"`
}

// Type returns the robot's name of the command.
func (EngageMagnet) Type() string { return "magneticModule/engage" }

// MoveLabware waits until a person has moved a labware.
type MoveLabware struct {
	LabwareID string `json:"labwareId"`
	To        Place  `json:"newLocation"`
	Strategy  string `json:"strategy"`
}

// Type returns the robot's name of the command.
func (MoveLabware) Type() string { return "moveLabware" }

// SetRailLights switches the lights of the deck.
type SetRailLights struct {
	On bool `json:"on"`
}

// Type returns the robot's name of the command.
func (SetRailLights) Type() string { return "setRailLights" }

// Type returns the robot's name of the command.
func (LoadModule) Type() string { return "loadModule" }

// names are what the robot calls operations that several types of modules have.
var names = [program.ModuleTypes][program.Kinds]string{
	program.TemperatureModule: {
		program.SetTemperature: "temperatureModule/setTargetTemperature", program.WaitTemperature: "temperatureModule/waitForTemperature",
		program.StopTemperature: "temperatureModule/deactivate",
	},
	program.HeaterShaker: {
		program.SetTemperature: "heaterShaker/setTargetTemperature", program.WaitTemperature: "heaterShaker/waitForTemperature",
		program.StopTemperature: "heaterShaker/deactivateHeater", program.StopShaking: "heaterShaker/deactivateShaker",
		program.OpenLatch: "heaterShaker/openLabwareLatch", program.CloseLatch: "heaterShaker/closeLabwareLatch",
	},
	program.MagneticModule: {program.Disengage: "magneticModule/disengage"},
	program.Thermocycler: {
		program.SetTemperature: "thermocycler/setTargetBlockTemperature", program.WaitTemperature: "thermocycler/waitForBlockTemperature",
		program.StopTemperature: "thermocycler/deactivateBlock", program.SetLidTemperature: "thermocycler/setTargetLidTemperature",
		program.WaitLidTemperature: "thermocycler/waitForLidTemperature", program.StopLidTemperature: "thermocycler/deactivateLid",
		program.OpenLid: "thermocycler/openLid", program.CloseLid: "thermocycler/closeLid",
	},
}

// ModuleKind returns what a command that names a module does, and the type of
// module it is for.
func ModuleKind(command string) (program.ModuleType, program.Kind, bool) {
	switch command {
	case SetShakeSpeed{}.Type():
		return program.HeaterShaker, program.Shake, true
	case EngageMagnet{}.Type():
		return program.MagneticModule, program.Engage, true
	}
	for t := range names {
		for k, name := range names[t] {
			if name != "" && name == command {
				return program.ModuleType(t), program.Kind(k), true
			}
		}
	}
	return 0, 0, false
}

// module is the command of an operation on a module.
func module(op *program.Op, d *program.Deck) Params {
	m := &d.Modules[op.Module]
	of, name := OfModule{m.Name}, names[m.Model.Type][op.Kind]
	switch op.Kind {
	case program.SetTemperature, program.SetLidTemperature:
		out := SetCelsius{OfModule: of, Kind: name, Celsius: thousandths(int64(op.Temperature))}
		if op.Volume > 0 {
			v := thousandths(op.Volume)
			out.Volume = &v
		}
		if op.Duration > 0 {
			s := thousandths(op.Duration)
			out.Hold = &s
		}
		return out
	case program.Shake:
		return SetShakeSpeed{of, float64(op.RPM)}
	case program.Engage:
		return EngageMagnet{of, thousandths(int64(op.At.Z))}
	default:
		return ModuleCommand{of, name}
	}
}

// moveLabware has the robot wait until a person has moved a labware. What else
// the person is told comes before it, because the robot's own command has no
// room for words.
func moveLabware(s *program.Step, d *program.Deck) []Params {
	var out []Params
	if s.Text != "" {
		out = append(out, Comment{s.Text})
	}
	return append(out, MoveLabware{d.Labware[s.Op.Well.Labware].Name, PlaceOf(s.Op.To, d), "manualMoveWithPause"})
}
