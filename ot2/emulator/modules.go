package emulator

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// Modules, what stands on them, and labware that is moved.

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
		m = newAppliance(model, len(g.modules)+1, g.clock())
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

// besideSlots are the slots to the left and right of one, and in front of and
// behind it.
func besideSlots(slot int) (leftRight, frontBack []int) {
	for _, d := range [2]int{-1, 1} {
		if side := slot + d; side > 0 && (side-1)/3 == (slot-1)/3 {
			leftRight = append(leftRight, side)
		}
		if row := slot + 3*d; row >= 1 && row <= 12 {
			frontBack = append(frontBack, row)
		}
	}
	return leftRight, frontBack
}

// near reports whether a pipette is in the way of a heater-shaker's latch, or of
// its shaking, so that the robot lifts it: also where nobody knows where it is.
func (g *engine) near(f *fitted, shakes bool) bool {
	slot, _ := strconv.Atoi(f.slot)
	near, frontBack := besideSlots(slot)
	near = append(near, slot)
	if shakes {
		near = append(near, frontBack...)
	}
	known := false
	for _, on := range g.pipettes {
		if !on.spot.known {
			continue
		}
		known = true
		at, _ := strconv.Atoi(ot2.TrashSlot)
		if on.spot.labware != nil {
			at = g.slotOf(on.spot.labware)
		}
		if slices.Contains(near, at) {
			return true
		}
	}
	return !known
}

// besides is why a pipette cannot go to a slot because of a heater-shaker.
func (g *engine) besides(on *pipette, slot int, rack bool) *failure {
	for _, f := range g.modules {
		if f.model.Type != program.HeaterShaker {
			continue
		}
		own, _ := strconv.Atoi(f.slot)
		leftRight, frontBack := besideSlots(own)
		aside, along, s := slices.Contains(leftRight, slot), slices.Contains(frontBack, slot), &f.machine.set
		text := ""
		state := "is open"
		if s.Latch == program.NotKnown {
			state = "has not been closed"
		}
		switch multi := on.model.Channels > 1; {
		case (aside || along || own == slot) && s.RPM > 0:
			text = "Cannot move pipette to Heater-Shaker or adjacent slot while module is shaking"
		case s.Latch != program.Closed && own == slot:
			text = "Cannot move pipette to Heater-Shaker while labware latch " + state + "."
		case s.Latch != program.Closed && aside:
			text = "Cannot move pipette to left or right of Heater-Shaker while labware latch  " + state + "."
		case s.Latch != program.Closed:
		case multi && aside:
			text = "Cannot move 8-Channel pipette to slot adjacent to the left or right of Heater-Shaker"
		case multi && along && !rack:
			text = "Cannot move 8-Channel pipette to non-tip-rack labware directly in front of or behind a Heater-Shaker"
		}
		if text != "" {
			return fails("PipetteMovementRestrictedByHeaterShakerError", text)
		}
	}
	return nil
}

// lidOpen is why what stands directly in a thermocycler cannot be got at.
func (g *engine) lidOpen(at place) *failure {
	if at.module == "" {
		return nil
	}
	f, bad := g.fittedAs(at.module)
	if bad == nil && f.model.Type == program.Thermocycler && f.machine.set.Lid != program.Open {
		bad = fails("ThermocyclerNotOpenError", "Thermocycler must be open when moving to labware inside it.")
	}
	return bad
}

func (g *engine) latchOpen(at place) *failure {
	if at.module == "" {
		return nil
	}
	f, bad := g.fittedAs(at.module)
	if bad != nil || f.model.Type != program.HeaterShaker {
		return bad
	}
	switch f.machine.set.Latch {
	case program.Closed:
		return fails("HeaterShakerLabwareLatchNotOpenError", "Heater-Shaker labware latch must be open when moving labware to/from it.")
	case program.NotKnown:
		return fails("HeaterShakerLabwareLatchStatusUnknown", "Heater-Shaker labware latch must be opened before moving labware to/from it.")
	case program.Open:
	}
	return nil
}

// ground is a place in the words of a program.
func (g *engine) ground(p place) program.Place {
	switch {
	case p.offDeck:
		return program.Place{On: program.OffDeck}
	case p.labware != "":
		if l, bad := g.loaded(p.labware); bad == nil {
			return program.Place{On: program.OnLabware, Index: int16(l.index)}
		}
		return program.Place{On: program.OffDeck}
	case p.module != "":
		if f, bad := g.fittedAs(p.module); bad == nil {
			return program.Place{On: program.OnModule, Index: int16(f.index)}
		}
		return program.Place{On: program.OffDeck}
	}
	return program.SlotPlace(p.slot)
}

// slotOf is the slot that a labware is in, with whatever is under it; 0 off the
// deck.
func (g *engine) slotOf(l *placed) int {
	switch {
	case l.at.labware != "":
		if below, bad := g.loaded(l.at.labware); bad == nil && below != l {
			return g.slotOf(below)
		}
		return 0
	case l.at.module != "":
		if f, bad := g.fittedAs(l.at.module); bad == nil {
			n, _ := strconv.Atoi(f.slot)
			return n
		}
		return 0
	}
	n, _ := strconv.Atoi(l.at.slot)
	return n
}

// free reports why nothing can be put at a place.
func (g *engine) free(at place) *failure {
	switch {
	case at.offDeck:
		return nil
	case at.module != "":
		if _, bad := g.fittedAs(at.module); bad != nil {
			return bad
		}
	case at.area != "":
		if _, is := slotOf(at.area); !is {
			return noArea(at.area)
		}
	case at.slot == ot2.TrashSlot:
		return noArea(at.slot)
	case at.labware != "":
		if _, bad := g.loaded(at.labware); bad != nil {
			return bad
		}
	}
	for _, l := range g.labware {
		if l.at == at {
			return fails("LocationIsOccupiedError", "Labware "+l.def.LoadName+" is already present at "+at.describe()+".")
		}
	}
	for _, f := range g.modules {
		if at.slot != "" && f.slot == at.slot {
			return fails("LocationIsOccupiedError", "Module "+f.machine.model.RobotName+" is already present at "+at.describe()+".")
		}
	}
	return nil
}

func (p place) describe() string {
	switch {
	case p.labware != "":
		return "labwareId='" + p.labware + "'"
	case p.module != "":
		return "moduleId='" + p.module + "'"
	}
	return "slotName=<DeckSlotName.SLOT_" + p.slot + ": '" + p.slot + "'>"
}

// covered is why labware with another on it cannot be used.
func (g *engine) covered(id string) *failure {
	for _, o := range g.labware {
		if o.at.labware == id {
			return fails("LabwareIsInStackError", "Cannot move to labware "+id+", labware has other labware stacked on top.")
		}
	}
	return nil
}

// stacks is why a labware cannot stand on another.
func (g *engine) stacks(def *program.Labware, on string) *failure {
	below, bad := g.loaded(on)
	if bad != nil {
		return bad
	}
	const kind = "LabwareCannotBeStackedError"
	switch {
	case def.IsAdapter:
		return fails(kind, "Labware "+def.LoadName+" is defined as an adapter and cannot be placed on other labware.")
	case !slices.Contains(def.Under(), below.def.LoadName):
		return fails(kind, "Labware "+def.LoadName+" cannot be loaded onto labware "+below.def.LoadName)
	case below.at.module != "" && !below.def.IsAdapter:
		return fails(kind, "Labware "+def.LoadName+" cannot be loaded onto a labware on top of a module")
	}
	return nil
}

// offsetFor returns the newest offset that is for a definition at a place: on a
// module of a model, on a labware of a definition, or on neither.
func (g *engine) offsetFor(def *program.Labware, at place) *labwareOffset {
	slot, model, under := at.slot, "", ""
	if at.labware != "" {
		below, bad := g.loaded(at.labware)
		if bad != nil {
			return nil
		}
		slot, under, at = below.at.slot, below.def.URI(), below.at
	}
	if at.module != "" {
		f, bad := g.fittedAs(at.module)
		if bad != nil {
			return nil
		}
		slot, model = f.slot, f.machine.model.RobotName
	}
	for _, o := range slices.Backward(g.offsets) {
		var where struct{ SlotName, ModuleModel, DefinitionURI string }
		if json.Unmarshal(o.Location, &where) != nil || where.ModuleModel != model || where.DefinitionURI != under {
			continue
		}
		if named, _ := slotOf(where.SlotName); named == slot && o.URI == def.URI() {
			return o
		}
	}
	return nil
}

func (g *engine) moveLabware(p *params) (work, *failure) {
	l, bad := g.loaded(p.labwareID)
	if bad != nil {
		return work{}, bad
	}
	if l.at.slot == ot2.TrashSlot {
		return work{}, fails("LabwareMovementNotAllowedError", "Cannot move fixed trash labware '"+l.def.LoadName+"'.")
	}
	to := named(p.to)
	checks := []func() *failure{
		func() *failure { return g.free(to) },
		func() *failure { return g.covered(l.id) },
	}
	if to.labware != "" {
		checks = append(checks, func() *failure { return g.covered(to.labware) }, func() *failure { return g.stacks(l.def, to.labware) }, func() *failure {
			if to.labware == l.id {
				return fails("LabwareMovementNotAllowedError", "Cannot move a labware onto itself.")
			}
			return nil
		})
	}
	for _, end := range [...]place{l.at, to} {
		checks = append(checks, func() *failure { return g.lidOpen(end) }, func() *failure { return g.latchOpen(end) })
	}
	for _, check := range checks {
		if bad := check(); bad != nil {
			return work{}, bad
		}
	}
	if p.strategy == "usingGripper" {
		return work{}, &failure{"NotSupportedOnRobotType", "4003", "Labware movement using a gripper is not supported on the OT-2", object{"strategy": p.strategy}}
	}
	result, found := object{}, g.offsetFor(l.def, to)
	if found != nil {
		result["offsetId"] = found.ID
	}
	waits := p.strategy == "manualMoveWithPause"
	op := program.Op{Kind: program.MoveLabware, Well: program.WellRef{Labware: int16(l.index)}, To: g.ground(to)}
	return work{ops: []program.Op{op}, result: result, waits: waits, then: func() {
		if waits && !g.virtual {
			g.timer.Duration(&op) // where the labware is from now on
		}
		l.at, l.offset = to, found
		if slices.ContainsFunc(g.pipettes, func(on *pipette) bool { return on.spot.labware == l }) {
			g.lose()
		}
	}}, nil
}
