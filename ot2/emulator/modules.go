package emulator

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// Modules, and what they are told.

// fitted is a loaded module.
type fitted struct {
	id      string
	model   *program.ModuleModel // as the protocol asks for
	machine *appliance           // that it is
	slot    string
	index   int // in the deck
}

// profileStep is a temperature that a thermocycler's block holds.
type profileStep struct {
	Celsius     float64       `json:"celsius"`
	HoldSeconds float64       `json:"holdSeconds"`
	Steps       []profileStep `json:"steps"`
	Repetitions int           `json:"repetitions"`
}

var moduleModels = []string{
	"temperatureModuleV1", "temperatureModuleV2", "magneticModuleV1", "magneticModuleV2", "thermocyclerModuleV1",
	"thermocyclerModuleV2", "heaterShakerModuleV1", "magneticBlockV1", "absorbanceReaderV1",
}

// whereSlot is a place that is a slot.
func whereSlot(name string, at func(*params) *place) field {
	f := where(name, at)
	read := f.bind
	f.bind = func(p *params, raw json.RawMessage) (any, []problem) {
		echo, bad := read(p, raw)
		if bad != nil || at(p).slot == "" {
			return nil, []problem{{"/slotName", required}}
		}
		return echo, nil
	}
	return f
}

// moduleFields are the parameters of a command of a module.
func moduleFields(kind string) []field {
	out := []field{needed(text("moduleId", func(p *params) *string { return &p.moduleID }))}
	_, name, _ := strings.Cut(kind, "/")
	volume := maybe("blockMaxVolumeUl", func(p *params) **float64 { return &p.blockVolume })
	switch name {
	case "setTargetTemperature", "setTargetLidTemperature", "setTargetBlockTemperature":
		out = append(out, needed(num("celsius", func(p *params) *float64 { return &p.celsius })))
		if name == "setTargetBlockTemperature" {
			out = append(out, volume, maybe("holdTimeSeconds", func(p *params) **float64 { return &p.hold }))
		}
	case "waitForTemperature":
		out = append(out, maybe("celsius", func(p *params) **float64 { return &p.target }))
	case "setAndWaitForShakeSpeed":
		out = append(out, needed(num("rpm", func(p *params) *float64 { return &p.rpm })))
	case "engage":
		out = append(out, needed(num("height", func(p *params) *float64 { return &p.height })))
	case "runProfile":
		out = append(out, needed(profileField("profile")), volume)
	case "runExtendedProfile":
		out = append(out, needed(profileField("profileElements")), volume)
	}
	return out
}

func profileField(name string) field {
	return field{name, true, func(p *params, raw json.RawMessage) (any, []problem) {
		if json.Unmarshal(raw, &p.profile) != nil {
			return nil, one("value is not a valid list")
		}
		return raw, nil
	}}
}

func (g *engine) loadModule(p *params) (work, *failure) {
	model, known := ot2.Module(p.model)
	kind := map[string]string{"magneticBlockV1": "magneticBlockType", "absorbanceReaderV1": "absorbanceReaderType"}[p.model]
	if known {
		kind = moduleTypes[model.Type]
	}
	n, _ := strconv.Atoi(p.at.slot)
	if !known || model.Type == program.Thermocycler && p.at.slot != model.Covers[0] || p.at.slot == ot2.TrashSlot {
		return work{}, unplanned("ValueError", "A "+kind+" cannot be loaded into slot DeckSlotName.SLOT_"+strconv.Itoa(n))
	}
	if bad := g.free(p.at); bad != nil {
		return work{}, bad
	}
	m := g.unused(model)
	if g.virtual {
		m = newAppliance(model, "", len(g.modules)+1, g.clock())
	}
	if m == nil {
		return work{}, fails("ModuleNotAttachedError", "No available "+p.model+" found.")
	}
	f := &fitted{id: cmp.Or(p.moduleID, g.newID()), model: model, machine: m, slot: p.at.slot}
	column := 0
	if n%3 == 0 {
		column = 1
	}
	result := object{
		"moduleId": f.id, "serialNumber": m.serial, "model": m.model.RobotName,
		"definition": object{ // what is known here of the vendor's definition
			"moduleType": kind, "model": m.model.RobotName, "displayName": m.model.DisplayName,
			"labwareOffset": object{"x": number(mm(m.model.LabwareX[column])), "y": number(mm(m.model.LabwareY[column])), "z": number(mm(m.model.LabwareZ))},
			"dimensions":    object{"bareOverallHeight": number(mm(m.model.Height))},
		},
	}
	return work{result: result, then: func() { g.fit(f) }}, nil
}

// fit puts a module on the deck. The robot takes a latch that it does not see
// closed for open.
func (g *engine) fit(f *fitted) {
	if !g.virtual && f.model.Type == program.HeaterShaker && f.machine.set.Latch == program.NotKnown {
		f.machine.set.Latch = program.Open
	}
	f.index = len(g.deck.Modules)
	g.modules = append(g.modules, f)
	g.deck.Modules = append(g.deck.Modules, program.Module{Name: f.id, Model: f.machine.model, Slot: f.slot})
	g.stale = true
}

func (g *engine) moduleBodies() []object {
	out := []object{}
	for _, f := range g.modules {
		out = append(out, object{"id": f.id, "model": f.machine.model.RobotName, "location": object{"slotName": f.slot}, "serialNumber": f.machine.serial})
	}
	return out
}

func (g *engine) fittedAs(id string) (*fitted, *failure) {
	for _, f := range g.modules {
		if f.id == id {
			return f, nil
		}
	}
	return nil, fails("ModuleNotLoadedError", "Module "+id+" not found.")
}

var moduleNouns = [program.ModuleTypes]string{"Temperature Module", "Heater-Shaker Module", "Magnetic Module", "Thermocycler Module"}

// module is a command of a module.
func (g *engine) module(name string, p *params) (work, *failure) {
	f, bad := g.fittedAs(p.moduleID)
	if bad != nil {
		return work{}, bad
	}
	kind, of := program.SetTemperature, program.Thermocycler // of a profile
	if !strings.HasPrefix(name, "thermocycler/run") {
		of, kind, _ = command.ModuleKind(name)
	}
	if f.model.Type != of {
		return work{}, fails("WrongModuleTypeError", f.id+" is not a "+moduleNouns[of]+".")
	}
	if strings.HasPrefix(name, "thermocycler/run") {
		return g.profile(f, p)
	}
	op := program.Op{Kind: kind, Module: int8(f.index), Well: program.None}
	result := object{}
	if bad := f.read(&op, p, result); bad != nil {
		return work{}, bad
	}
	homes := kind == program.OpenLid || kind == program.CloseLid
	if kind == program.Shake || kind == program.OpenLatch {
		homes = g.near(f, kind == program.Shake)
		result["pipetteRetracted"] = homes
	}
	return work{ops: []program.Op{op}, result: result, then: func() {
		f.machine.do(&op, g.clock())
		if homes {
			g.lose()
		}
	}}, nil
}

// read checks what a command asks of a module, and says what it comes to.
func (f *fitted) read(op *program.Op, p *params, result object) *failure {
	s := &f.machine.set
	switch op.Kind {
	case program.SetTemperature:
		set, bad := f.target(p.celsius)
		if bad != nil {
			return bad
		}
		op.Temperature = set
		switch f.model.Type {
		case program.TemperatureModule:
			result["targetTemperature"] = celsius(set)
		case program.Thermocycler:
			result["targetBlockTemperature"] = celsius(set)
			return block(op, p)
		case program.HeaterShaker, program.MagneticModule:
		}
	case program.SetLidTemperature:
		if p.celsius < 37 || p.celsius > 110 {
			return fails("InvalidTargetTemperatureError", "Thermocycler lid temperature must be between 37 and 110, but got "+python(p.celsius)+".")
		}
		op.Temperature = thousandth(p.celsius)
		result["targetLidTemperature"] = celsius(op.Temperature)
	case program.WaitTemperature:
		if p.target != nil {
			set, bad := f.target(*p.target)
			op.Temperature = set
			return bad
		}
		return f.hasTarget(s.Target, map[bool]string{true: "block "}[f.model.Type == program.Thermocycler])
	case program.WaitLidTemperature:
		return f.hasTarget(s.LidTarget, "block ") // as the robot says it
	case program.Shake:
		if bad := f.latched(); bad != nil {
			return bad
		}
		if p.rpm < 200 || p.rpm > 3000 {
			return fails("InvalidTargetSpeedError", "Cannot set Heater-Shaker to shake at "+python(p.rpm)+" rpm. Valid speed range is SpeedRange(min=200, max=3000) rpm.")
		}
		op.RPM = int32(math.RoundToEven(p.rpm))
	case program.StopShaking:
		return f.latched()
	case program.OpenLatch:
		if s.RPM > 0 {
			return fails("CannotPerformModuleAction", "Heater-Shaker cannot open its labware latch while it is shaking.")
		}
	case program.Engage:
		op.At.Z = thousandth(p.height)
		return f.magnet(p.height)
	default: // goes at any time
	}
	return nil
}

func thousandth(v float64) int32 { return int32(math.Round(v * 1000)) }

// target is a temperature as the module takes it, in m°C.
func (f *fitted) target(c float64) (int32, *failure) {
	const kind = "InvalidTargetTemperatureError"
	switch f.model.Type {
	case program.TemperatureModule:
		whole := math.RoundToEven(c)
		if whole < -9 || whole > 99 {
			return 0, fails(kind, "Temperature module got an invalid temperature "+python(c)+" °C. Valid range is TemperatureRange(min=-9, max=99).")
		}
		return thousandth(whole), nil
	case program.HeaterShaker:
		if c < 37 || c > 95 {
			return 0, fails(kind, "Cannot set Heater-Shaker to "+python(c)+" °C. Valid range is TemperatureRange(min=37, max=95) °C.")
		}
	case program.Thermocycler:
		if c < 0 || c > 99 {
			return 0, fails(kind, "Thermocycler block temperature must be between 0 and 99, but got "+python(c)+".")
		}
	case program.MagneticModule:
	}
	return thousandth(c), nil
}

// block reads what else a thermocycler's block is told.
func block(op *program.Op, p *params) *failure {
	if v := p.blockVolume; v != nil {
		if *v < 0 || *v > 100 {
			return fails("InvalidBlockVolumeError", "Thermocycler max block volume must be between 0 and 100, but got "+python(*v)+".")
		}
		op.Volume = nL(*v)
	}
	if h := p.hold; h != nil {
		if *h < 0 {
			return fails("InvalidHoldTimeError", "Thermocycler target temperature hold time must be a positive number, but received "+python(*h)+".")
		}
		op.Duration = int64(math.Round(*h * 1000))
	}
	return nil
}

func (f *fitted) hasTarget(target int32, what string) *failure {
	if target == program.NoTarget {
		return fails("NoTargetTemperatureSetError", "Module "+f.id+" does not have a target "+what+"temperature set.")
	}
	return nil
}

func (f *fitted) latched() *failure {
	switch f.machine.set.Latch {
	case program.NotKnown:
		return fails("CannotPerformModuleAction", "Heater-Shaker cannot start or deactivate shaking if the labware latch has not been set to closed.")
	case program.Open:
		return fails("CannotPerformModuleAction", "Heater-Shaker cannot start or deactivate shaking while the labware latch is open.")
	case program.Closed:
	}
	return nil
}

// magnet counts as the hardware does: from its home position, the first
// generation in half millimetres.
func (f *fitted) magnet(height float64) *failure {
	units, most := height+2.5, 25
	if f.model.Generation == 1 {
		units, most = 2*height+5, 45
	}
	if units < 0 || units > float64(most) {
		return fails("EngageHeightOutOfRangeError", "Invalid engage height for "+f.model.RobotName+": "+python(units)+". Must be 0 - "+strconv.Itoa(most)+".")
	}
	return nil
}

// profile is a thermocycler's temperatures one after the other.
func (g *engine) profile(f *fitted, p *params) (work, *failure) {
	var ops []program.Op
	var add func([]profileStep) *failure
	add = func(list []profileStep) *failure {
		for i := range list {
			for range max(list[i].Repetitions, min(len(list[i].Steps), 1)) {
				if bad := add(list[i].Steps); bad != nil {
					return bad
				}
			}
			if list[i].Steps != nil {
				continue
			}
			op := program.Op{Kind: program.SetTemperature, Module: int8(f.index), Well: program.None}
			asked := params{celsius: list[i].Celsius, hold: &list[i].HoldSeconds, blockVolume: p.blockVolume}
			if bad := f.read(&op, &asked, object{}); bad != nil {
				return bad
			}
			ops = append(ops, op, program.Op{Kind: program.WaitTemperature, Module: int8(f.index), Well: program.None})
		}
		return nil
	}
	if bad := add(p.profile); bad != nil {
		return work{}, bad
	}
	return work{ops: ops, result: object{}, then: func() {
		for i := range ops {
			f.machine.do(&ops[i], g.clock())
		}
	}}, nil
}

func (g *engine) setRailLights(p *params) (work, *failure) {
	op := program.Op{Kind: program.Lights, Well: program.None, On: p.on}
	return work{ops: []program.Op{op}, result: object{}, then: func() {
		if !g.virtual {
			*g.lights = p.on
		}
	}}, nil
}
