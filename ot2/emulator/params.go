package emulator

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/ot2/command"
)

// params are the parameters of any command, as read from a request. A command
// reads those its row in the table names. Units are the robot's: µL, µL/s, mm,
// mm/s, s.
type params struct {
	pipetteName, mount           string
	pipetteID, labwareID, well   string
	loadName, namespace, display string
	version                      int
	at                           place // of labware
	to                           place // of moveLabware
	strategy                     string
	liquidID                     string
	volumes                      map[string]float64
	location                     command.WellLocation
	volume, rate                 float64
	pushOut                      *float64
	speed                        *float64
	radius                       float64
	area                         string
	offset                       command.Vector
	alternate                    bool
	axis                         string
	distance                     float64
	coordinates                  command.Vector
	positionID, moduleID, model  string
	seconds                      float64
	message                      string
	on                           bool
	layout                       command.NozzleLayout
	celsius, rpm, height         float64 // °C, rpm, mm
	target                       *float64
	blockVolume, hold            *float64
	profile                      []profileStep
}

// place is where a labware is: one of its fields is set.
type place struct {
	slot, module, labware, area string
	offDeck                     bool
}

// MarshalJSON writes the place as the robot does.
func (p place) MarshalJSON() ([]byte, error) {
	switch {
	case p.offDeck:
		return []byte(`"offDeck"`), nil
	case p.module != "":
		return json.Marshal(object{"moduleId": p.module})
	case p.labware != "":
		return json.Marshal(object{"labwareId": p.labware})
	case p.area != "":
		return json.Marshal(object{"addressableAreaName": p.area})
	}
	return json.Marshal(object{"slotName": p.slot})
}

// problem is what is wrong with a parameter; path is below its name.
type problem struct{ path, detail string }

// field is one parameter of a command. bind reads it into params and returns
// it as the robot repeats it, with defaults filled in; nil is left out. What is
// missing is bound as nil, unless it is required.
type field struct {
	name     string
	required bool
	bind     func(p *params, raw json.RawMessage) (echo any, bad []problem)
}

func one(detail string) []problem { return []problem{{"", detail}} }

func needed(f field) field { f.required = true; return f }

func text(name string, at func(*params) *string) field {
	return field{name, false, func(p *params, raw json.RawMessage) (any, []problem) {
		if raw == nil {
			return nil, nil
		}
		if json.Unmarshal(raw, at(p)) != nil {
			return nil, one("str type expected")
		}
		return *at(p), nil
	}}
}

func choice(name string, at func(*params) *string, among ...string) field {
	f := text(name, at)
	read := f.bind
	f.bind = func(p *params, raw json.RawMessage) (any, []problem) {
		echo, bad := read(p, raw)
		if bad == nil && raw != nil && !slices.Contains(among, *at(p)) {
			return nil, one(notAmong(among))
		}
		return echo, bad
	}
	return f
}

func notAmong(among []string) string {
	return "value is not a valid enumeration member; permitted: '" + strings.Join(among, "', '") + "'"
}

func num(name string, at func(*params) *float64) field {
	return field{name, false, func(p *params, raw json.RawMessage) (any, []problem) {
		if raw == nil {
			return nil, nil
		}
		if json.Unmarshal(raw, at(p)) != nil || math.IsInf(*at(p), 0) {
			return nil, one("value is not a valid float")
		}
		return number(*at(p)), nil
	}}
}

// above and atLeast bound a number from below.
func above(limit float64, f field, at func(*params) *float64) field {
	return bounded(f, at, func(v float64) bool { return v > limit }, "ensure this value is greater than 0")
}

func atLeast(limit float64, f field, at func(*params) *float64) field {
	return bounded(f, at, func(v float64) bool { return v >= limit }, "ensure this value is greater than or equal to 0")
}

func bounded(f field, at func(*params) *float64, good func(float64) bool, detail string) field {
	read := f.bind
	f.bind = func(p *params, raw json.RawMessage) (any, []problem) {
		echo, bad := read(p, raw)
		if bad == nil && raw != nil && !good(*at(p)) {
			return nil, one(detail)
		}
		return echo, bad
	}
	return f
}

func maybe(name string, at func(*params) **float64) field {
	return field{name, false, func(p *params, raw json.RawMessage) (any, []problem) {
		if raw == nil {
			return nil, nil
		}
		v := new(float64)
		if json.Unmarshal(raw, v) != nil {
			return nil, one("value is not a valid float")
		}
		*at(p) = v
		return number(*v), nil
	}}
}

func flag(name string, at func(*params) *bool, without bool) field {
	return field{name, false, func(p *params, raw json.RawMessage) (any, []problem) {
		*at(p) = without
		if raw != nil && json.Unmarshal(raw, at(p)) != nil {
			return nil, one("value could not be parsed to a boolean")
		}
		return *at(p), nil
	}}
}

// same is a parameter that is repeated and has no effect here; without is its
// default, or nil.
func same(name string, without any) field {
	return field{name, false, func(_ *params, raw json.RawMessage) (any, []problem) {
		if raw == nil {
			return without, nil
		}
		return raw, nil
	}}
}

func vector(name string, at func(*params) *command.Vector) field {
	return field{name, false, func(p *params, raw json.RawMessage) (any, []problem) {
		if raw != nil && json.Unmarshal(raw, at(p)) != nil {
			return nil, one("value is not a valid dict")
		}
		v := at(p)
		return object{"x": number(v.X), "y": number(v.Y), "z": number(v.Z)}, nil
	}}
}

// wellPoint is a wellLocation as all but the tip commands have it.
func wellPoint() field {
	return pointIn("top", object{"volumeOffset": number(0)}, "top", "bottom", "center", "meniscus")
}

// pointIn is a wellLocation with the origins it may have; extra is repeated
// with it.
func pointIn(without string, extra object, among ...string) field {
	return field{"wellLocation", false, func(p *params, raw json.RawMessage) (any, []problem) {
		echo := object{"origin": without, "offset": object{"x": 0, "y": 0, "z": 0}}
		maps.Copy(echo, extra)
		p.location = command.WellLocation{Origin: without}
		if raw == nil {
			return echo, nil
		}
		if json.Unmarshal(raw, &p.location) != nil {
			return nil, one("value is not a valid dict")
		}
		if !slices.Contains(among, p.location.Origin) {
			return nil, []problem{{"/origin", notAmong(among)}}
		}
		echo["origin"] = p.location.Origin
		o := p.location.Offset
		echo["offset"] = object{"x": number(o.X), "y": number(o.Y), "z": number(o.Z)}
		return echo, nil
	}}
}

var slotNames = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}

// flexSlots are the names the same slots have on a Flex, in the same order.
var flexSlots = []string{"D1", "D2", "D3", "C1", "C2", "C3", "B1", "B2", "B3", "A1", "A2", "A3"}

// slotOf returns the OT-2's name of a slot.
func slotOf(name string) (string, bool) {
	if slices.Contains(slotNames, name) {
		return name, true
	}
	if i := slices.Index(flexSlots, name); i >= 0 {
		return slotNames[i], true
	}
	return "", false
}

func where(name string, at func(*params) *place) field {
	return needed(field{name, true, func(p *params, raw json.RawMessage) (any, []problem) {
		found, ok := readPlace(raw)
		if !ok {
			among := append(slices.Clone(slotNames), "A1", "A2", "A3", "B1", "B2", "B3", "C1", "C2", "C3", "D1", "D2", "D3")
			return nil, []problem{
				{"/slotName", notAmong(among)},
				{"/moduleId", required},
				{"/labwareId", required},
				{"", "unexpected value; permitted: 'offDeck'"},
				{"/addressableAreaName", required},
			}
		}
		*at(p) = found
		return found, nil
	}})
}

func readPlace(raw json.RawMessage) (place, bool) {
	if bytes.Equal(bytes.TrimSpace(raw), []byte(`"offDeck"`)) {
		return place{offDeck: true}, true
	}
	var p struct{ SlotName, ModuleID, LabwareID, AddressableAreaName string }
	if json.Unmarshal(raw, &p) != nil {
		return place{}, false
	}
	if slot, ok := slotOf(p.SlotName); ok {
		return place{slot: slot}, true
	}
	found := place{module: p.ModuleID, labware: p.LabwareID, area: p.AddressableAreaName}
	return found, found != place{}
}

func pipetteID() field {
	return needed(text("pipetteId", func(p *params) *string { return &p.pipetteID }))
}

func labwareID() field {
	return needed(text("labwareId", func(p *params) *string { return &p.labwareID }))
}

func wellName() field { return needed(text("wellName", func(p *params) *string { return &p.well })) }

func volumeField() field {
	at := func(p *params) *float64 { return &p.volume }
	return needed(atLeast(0, num("volume", at), at))
}

func rateField() field {
	at := func(p *params) *float64 { return &p.rate }
	return needed(above(0, num("flowRate", at), at))
}
func pushOut() field { return maybe("pushOut", func(p *params) **float64 { return &p.pushOut }) }
func speed() field   { return maybe("speed", func(p *params) **float64 { return &p.speed }) }
func message() field { return text("message", func(p *params) *string { return &p.message }) }
func area() field {
	return needed(text("addressableAreaName", func(p *params) *string { return &p.area }))
}

func offset() field { return vector("offset", func(p *params) *command.Vector { return &p.offset }) }

func alternate(without bool) field {
	return flag("alternateDropLocation", func(p *params) *bool { return &p.alternate }, without)
}

// move are the parameters of everything that goes somewhere by an arc.
func move(more ...field) []field {
	return append([]field{pipetteID(), same("minimumZHeight", nil), same("forceDirect", false), speed()}, more...)
}

func inWell(more ...field) []field {
	return append([]field{pipetteID(), labwareID(), wellName()}, more...)
}

var axes = []string{"x", "y", "leftZ", "rightZ", "leftPlunger", "rightPlunger", "extensionZ", "extensionJaw"}

// table returns the parameters of a command type; known is false where the
// robot knows no such type.
func table(kind string) (fields []field, known bool) {
	switch kind {
	case "loadPipette":
		return []field{
			needed(choice("pipetteName", func(p *params) *string { return &p.pipetteName }, pipetteNames()...)),
			needed(choice("mount", func(p *params) *string { return &p.mount }, "left", "right", "extension")),
			text("pipetteId", func(p *params) *string { return &p.pipetteID }),
			same("tipOverlapNotAfterVersion", nil), same("liquidPresenceDetection", nil),
		}, true
	case "loadLabware":
		return []field{
			where("location", func(p *params) *place { return &p.at }),
			needed(text("loadName", func(p *params) *string { return &p.loadName })),
			needed(text("namespace", func(p *params) *string { return &p.namespace })),
			needed(whole("version", func(p *params) *int { return &p.version })),
			text("labwareId", func(p *params) *string { return &p.labwareID }),
			text("displayName", func(p *params) *string { return &p.display }),
		}, true
	case "reloadLabware":
		return []field{labwareID()}, true
	case "loadModule":
		return []field{
			needed(choice("model", func(p *params) *string { return &p.model }, moduleModels...)), whereSlot("location", func(p *params) *place { return &p.at }),
			text("moduleId", func(p *params) *string { return &p.moduleID }),
		}, true
	case "loadLiquid":
		return []field{
			needed(text("liquidId", func(p *params) *string { return &p.liquidID })), labwareID(), needed(volumesByWell()),
		}, true
	case "moveLabware":
		return []field{
			labwareID(), where("newLocation", func(p *params) *place { return &p.to }),
			needed(choice("strategy", func(p *params) *string { return &p.strategy }, "usingGripper", "manualMoveWithPause", "manualMoveWithoutPause")),
			same("pickUpOffset", nil), same("dropOffset", nil),
		}, true
	case "pickUpTip":
		return inWell(pointIn("top", nil, "top", "bottom", "center")), true
	case "dropTip":
		return inWell(pointIn("default", nil, "default", "top", "bottom", "center"), same("homeAfter", nil), alternate(false)), true
	case "dropTipInPlace":
		return []field{pipetteID(), same("homeAfter", nil)}, true
	case "aspirate":
		return inWell(wellPoint(), volumeField(), rateField()), true
	case "dispense":
		return inWell(wellPoint(), volumeField(), rateField(), pushOut()), true
	case "blowout":
		return inWell(wellPoint(), rateField()), true
	case "touchTip":
		radius := num("radius", func(p *params) *float64 { return &p.radius })
		return inWell(wellPoint(), defaulted(radius, "1.0"), speed()), true
	case "liquidProbe", "tryLiquidProbe":
		return inWell(wellPoint()), true
	case "aspirateInPlace":
		return []field{pipetteID(), volumeField(), rateField()}, true
	case "dispenseInPlace":
		return []field{pipetteID(), volumeField(), rateField(), pushOut()}, true
	case "blowOutInPlace":
		return []field{pipetteID(), rateField()}, true
	case "prepareToAspirate", "getTipPresence":
		return []field{pipetteID()}, true
	case "configureForVolume":
		return []field{pipetteID(), volumeField(), same("tipOverlapNotAfterVersion", nil)}, true
	case "configureNozzleLayout":
		return []field{pipetteID(), layoutField()}, true
	case "verifyTipPresence":
		return []field{pipetteID(), needed(same("expectedState", nil)), same("followSingularSensor", nil)}, true
	case "moveToWell":
		return move(labwareID(), wellName(), wellPoint()), true
	case "moveToAddressableArea":
		return move(area(), offset(), same("stayAtHighestPossibleZ", false)), true
	case "moveToAddressableAreaForDropTip":
		return move(area(), offset(), alternate(false), same("ignoreTipConfiguration", true)), true
	case "moveToCoordinates":
		return move(needed(vector("coordinates", func(p *params) *command.Vector { return &p.coordinates }))), true
	case "moveRelative":
		return []field{
			pipetteID(), needed(choice("axis", func(p *params) *string { return &p.axis }, "x", "y", "z")),
			needed(num("distance", func(p *params) *float64 { return &p.distance })),
		}, true
	case "savePosition":
		return []field{pipetteID(), text("positionId", func(p *params) *string { return &p.positionID }), same("failOnNotHomed", true)}, true
	case "home":
		return []field{same("axes", nil), same("skipIfMountPositionOk", nil)}, true
	case "retractAxis":
		return []field{needed(choice("axis", func(p *params) *string { return &p.axis }, axes...))}, true
	case "waitForDuration":
		return []field{needed(num("seconds", func(p *params) *float64 { return &p.seconds })), message()}, true
	case "waitForResume", "pause":
		return []field{message()}, true
	case "comment":
		return []field{needed(message())}, true
	case "custom":
		return nil, true
	case "setStatusBar":
		return []field{needed(same("animation", nil))}, true
	case "setRailLights":
		return []field{needed(flag("on", func(p *params) *bool { return &p.on }, false))}, true
	}
	if slices.Contains(moduleCommands, kind) {
		return moduleFields(kind), true
	}
	return nil, slices.Contains(flexCommands, kind)
}

// moduleCommands need a module.
var moduleCommands = []string{
	"heaterShaker/waitForTemperature", "heaterShaker/setTargetTemperature", "heaterShaker/deactivateHeater",
	"heaterShaker/setAndWaitForShakeSpeed", "heaterShaker/deactivateShaker", "heaterShaker/openLabwareLatch",
	"heaterShaker/closeLabwareLatch", "magneticModule/disengage", "magneticModule/engage",
	"temperatureModule/setTargetTemperature", "temperatureModule/waitForTemperature", "temperatureModule/deactivate",
	"thermocycler/setTargetBlockTemperature", "thermocycler/waitForBlockTemperature", "thermocycler/setTargetLidTemperature",
	"thermocycler/waitForLidTemperature", "thermocycler/deactivateBlock", "thermocycler/deactivateLid", "thermocycler/openLid",
	"thermocycler/closeLid", "thermocycler/runProfile", "thermocycler/runExtendedProfile",
}

// flexCommands are known to an OT-2 and fail on it.
var flexCommands = []string{
	"absorbanceReader/closeLid", "absorbanceReader/openLid", "absorbanceReader/initialize", "absorbanceReader/read",
	"calibration/calibrateGripper", "calibration/calibratePipette", "calibration/calibrateModule",
	"calibration/moveToMaintenancePosition", "unsafe/blowOutInPlace", "unsafe/dropTipInPlace",
	"unsafe/updatePositionEstimators", "unsafe/engageAxes", "unsafe/ungripLabware",
}

// statelessCommands are those POST /commands takes.
func isStateless(kind string) bool {
	switch kind {
	case "home", "setRailLights", "setStatusBar":
		return true
	}
	return slices.Contains(moduleCommands, kind) && !strings.Contains(kind, "waitFor") && !strings.HasPrefix(kind, "thermocycler/run")
}

func whole(name string, at func(*params) *int) field {
	return field{name, false, func(p *params, raw json.RawMessage) (any, []problem) {
		if json.Unmarshal(raw, at(p)) != nil {
			return nil, one("value is not a valid integer")
		}
		return *at(p), nil
	}}
}

func defaulted(f field, value string) field {
	read := f.bind
	f.bind = func(p *params, raw json.RawMessage) (any, []problem) {
		if raw == nil {
			raw = json.RawMessage(value)
		}
		return read(p, raw)
	}
	return f
}

func volumesByWell() field {
	return field{"volumeByWell", false, func(p *params, raw json.RawMessage) (any, []problem) {
		if json.Unmarshal(raw, &p.volumes) != nil {
			return nil, one("value is not a valid dict")
		}
		echo := object{}
		for well, v := range p.volumes {
			echo[well] = number(v)
		}
		return echo, nil
	}}
}

// parse reads the parameters of a command and returns them as the robot
// repeats them. pointer is where in the request they stand.
func parse(kind string, raw json.RawMessage, pointer string) (p params, echo json.RawMessage, bad []trouble) {
	fields, _ := table(kind)
	given := map[string]json.RawMessage{}
	if json.Unmarshal(raw, &given) != nil || raw == nil {
		return p, nil, []trouble{wrong(pointer, required)}
	}
	if kind == "custom" || slices.Contains(flexCommands, kind) {
		echo = raw // whatever there is
	}
	out := object{}
	for _, f := range fields {
		value := given[f.name]
		if bytes.Equal(value, []byte("null")) {
			value = nil
		}
		if value == nil && f.required {
			bad = append(bad, wrong(pointer+"/"+f.name, required))
			continue
		}
		one, problems := f.bind(&p, value)
		for _, b := range problems {
			bad = append(bad, wrong(pointer+"/"+f.name+b.path, b.detail))
		}
		if one != nil {
			out[f.name] = one
		}
	}
	if bad != nil || echo != nil {
		return p, echo, bad
	}
	echo, err := json.Marshal(out)
	if err != nil {
		return p, nil, []trouble{wrong(pointer, err.Error())}
	}
	return p, echo, nil
}

// creation is the robot's name of the request for a command, as its errors
// give it.
func creation(kind string) string {
	var name strings.Builder
	for _, part := range strings.Split(kind, "/") {
		name.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return name.String() + "Create"
}
