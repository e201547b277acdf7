package emulator

import (
	"strings"
	"testing"
)

// What every command of a module checks, in one run, in order: the error, or
// what it changes in GET /modules.
func TestModuleCommands(t *testing.T) {
	c := start(t, Options{Modules: []string{"temperature_module_gen1", "heater_shaker_gen1", "magnetic_module_gen1", "thermocycler_gen2"}})
	run := c.live(t)
	type p = map[string]any
	slot := func(n string) p { return p{"slotName": n} }
	pip := func(labware string) p {
		return p{"pipetteId": "pip", "labwareId": labware, "wellName": "A1", "wellLocation": p{"origin": "top"}}
	}
	move := func(labware string, to any) p {
		return p{"labwareId": labware, "newLocation": to, "strategy": "manualMoveWithoutPause"}
	}
	plate := func(id string, at any) p {
		return p{"loadName": "nest_96_wellplate_100ul_pcr_full_skirt", "namespace": "opentrons", "version": 2, "labwareId": id, "location": at}
	}
	adapter := func(id string, at any) p {
		return p{"loadName": "opentrons_96_well_aluminum_block", "namespace": "opentrons", "version": 1, "labwareId": id, "location": at}
	}
	module := func(id string, more p) p {
		out := p{"moduleId": id}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	for _, w := range []struct {
		kind   string
		params p
		fails  string // the errorType, or empty
		detail string // a part of it; where nothing fails, a part of what the result says
	}{
		{"loadModule", p{"model": "magneticModuleV2", "location": slot("4"), "moduleId": "mag"}, "ModuleNotAttachedError", "magneticModuleV2"},
		{"loadModule", p{"model": "thermocyclerModuleV2", "location": slot("4"), "moduleId": "tc"}, "PythonException", "ValueError: A thermocyclerModuleType cannot be loaded"},
		{"loadModule", p{"model": "magneticModuleV1", "location": slot("1"), "moduleId": "mag"}, "LocationIsOccupiedError", "opentrons_96_tiprack_300ul"},
		{"loadModule", p{"model": "magneticModuleV1", "location": slot("4"), "moduleId": "mag"}, "", ""},
		{"loadModule", p{"model": "temperatureModuleV2", "location": slot("6"), "moduleId": "temp"}, "", ""}, // of the other generation
		{"loadModule", p{"model": "temperatureModuleV2", "location": slot("2"), "moduleId": "temp2"}, "ModuleNotAttachedError", ""},
		{"loadModule", p{"model": "heaterShakerModuleV1", "location": slot("6"), "moduleId": "hs"}, "LocationIsOccupiedError", "Module temperatureModuleV1"},
		{"loadModule", p{"model": "heaterShakerModuleV1", "location": slot("9"), "moduleId": "hs"}, "", ""},
		{"loadModule", p{"model": "thermocyclerModuleV2", "location": slot("7"), "moduleId": "tc"}, "", ""},

		{"loadLabware", plate("cold", p{"moduleId": "none"}), "ModuleNotLoadedError", ""},
		{"loadLabware", adapter("block", p{"moduleId": "temp"}), "", ""},
		{"loadLabware", plate("cold", p{"labwareId": "block"}), "", ""},
		{"loadLabware", plate("more", p{"labwareId": "block"}), "LocationIsOccupiedError", "labwareId='block'"},
		{"loadLabware", plate("more", p{"labwareId": "cold"}), "LabwareCannotBeStackedError", "nest_96_wellplate_100ul_pcr_full_skirt cannot be loaded onto"},
		{"loadLabware", plate("pcr", p{"moduleId": "tc"}), "", ""},
		{"loadLabware", plate("aside", "offDeck"), "", ""},

		{"temperatureModule/waitForTemperature", module("temp", nil), "NoTargetTemperatureSetError", "temp does not have a target temperature"},
		{"temperatureModule/setTargetTemperature", module("temp", p{"celsius": 99.6}), "InvalidTargetTemperatureError", "99.6"},
		{"temperatureModule/setTargetTemperature", module("mag", p{"celsius": 4}), "WrongModuleTypeError", "mag is not a Temperature Module."},
		{"temperatureModule/setTargetTemperature", module("none", p{"celsius": 4}), "ModuleNotLoadedError", "Module none not found."},
		{"temperatureModule/setTargetTemperature", module("temp", p{"celsius": 37.5}), "", ""},
		{"temperatureModule/waitForTemperature", module("temp", nil), "", ""},

		{"magneticModule/engage", module("mag", p{"height": 20.1}), "EngageHeightOutOfRangeError", "magneticModuleV1: 45.2. Must be 0 - 45."},
		{"magneticModule/engage", module("mag", p{"height": 6}), "", ""},

		{"thermocycler/waitForBlockTemperature", module("tc", nil), "NoTargetTemperatureSetError", "block"},
		{"thermocycler/waitForLidTemperature", module("tc", nil), "NoTargetTemperatureSetError", "block"},
		{"thermocycler/setTargetBlockTemperature", module("tc", p{"celsius": 99.5}), "InvalidTargetTemperatureError", "between 0 and 99, but got 99.5"},
		{"thermocycler/setTargetBlockTemperature", module("tc", p{"celsius": 95, "blockMaxVolumeUl": 101}), "InvalidBlockVolumeError", "101.0"},
		{"thermocycler/setTargetBlockTemperature", module("tc", p{"celsius": 95, "holdTimeSeconds": -1}), "InvalidHoldTimeError", "-1.0"},
		{"thermocycler/setTargetLidTemperature", module("tc", p{"celsius": 36}), "InvalidTargetTemperatureError", "between 37 and 110"},
		{"thermocycler/setTargetLidTemperature", module("tc", p{"celsius": 105}), "", ""},
		{"thermocycler/waitForLidTemperature", module("tc", nil), "", ""},
		{"thermocycler/runProfile", module("tc", p{"profile": []p{{"celsius": 95, "holdSeconds": 10}, {"celsius": 130, "holdSeconds": 10}}}), "InvalidTargetTemperatureError", "130"},
		{"thermocycler/runExtendedProfile", module("tc", p{"profileElements": []p{{"celsius": 95, "holdSeconds": 10}, {"repetitions": 3, "steps": []p{{"celsius": 55, "holdSeconds": 5}, {"celsius": 72, "holdSeconds": 5}}}}}), "", ""},

		{"heaterShaker/deactivateShaker", module("hs", nil), "CannotPerformModuleAction", "while the labware latch is open"},
		{"heaterShaker/setAndWaitForShakeSpeed", module("hs", p{"rpm": 500}), "CannotPerformModuleAction", "while the labware latch is open"},
		{"pickUpTip", p{"pipetteId": "pip", "labwareId": "tips", "wellName": "A1"}, "", ""},
		{"moveToAddressableArea", p{"pipetteId": "pip", "addressableAreaName": "8"}, "PipetteMovementRestrictedByHeaterShakerError", "left or right of Heater-Shaker while labware latch  is open."},
		{"moveToAddressableArea", p{"pipetteId": "pip", "addressableAreaName": "fixedTrash"}, "", ""},
		{"heaterShaker/closeLabwareLatch", module("hs", nil), "", ""},
		{"heaterShaker/setAndWaitForShakeSpeed", module("hs", p{"rpm": 100}), "InvalidTargetSpeedError", "100.0 rpm"},
		{"heaterShaker/setTargetTemperature", module("hs", p{"celsius": 30}), "InvalidTargetTemperatureError", "TemperatureRange(min=37, max=95)"},
		{"heaterShaker/waitForTemperature", module("hs", nil), "NoTargetTemperatureSetError", "hs"},
		{"heaterShaker/setAndWaitForShakeSpeed", module("hs", p{"rpm": 500}), "", ""},
		{"moveToAddressableAreaForDropTip", p{"pipetteId": "pip", "addressableAreaName": "fixedTrash"}, "PipetteMovementRestrictedByHeaterShakerError", "while module is shaking"},
		{"heaterShaker/openLabwareLatch", module("hs", nil), "CannotPerformModuleAction", "while it is shaking"},

		{"moveToWell", pip("cold"), "PipetteMovementRestrictedByHeaterShakerError", "adjacent slot while module is shaking"},
		{"heaterShaker/deactivateShaker", module("hs", nil), "", ""},
		{"moveToWell", pip("cold"), "", ""},
		{"moveToWell", pip("block"), "LabwareIsInStackError", "block"},
		{"moveToWell", pip("aside"), "LocationNotAccessibleByPipetteError", "off-deck"},
		{"moveToWell", pip("pcr"), "ThermocyclerNotOpenError", "must be open"},
		{"moveLabware", move("pcr", slot("2")), "ThermocyclerNotOpenError", "must be open"},
		{"thermocycler/openLid", module("tc", nil), "", ""},
		{"moveToWell", pip("pcr"), "", ""},
		{"moveLabware", move("pcr", p{"moduleId": "hs"}), "HeaterShakerLabwareLatchNotOpenError", ""},
		{"moveLabware", move("block", slot("2")), "LabwareIsInStackError", "other labware stacked on top"},
		{"moveLabware", move("pcr", slot("4")), "LocationIsOccupiedError", "Module magneticModuleV1 is already present"},
		{"moveLabware", move("cold", "offDeck"), "", ""},
		{"moveLabware", move("pcr", p{"labwareId": "block"}), "", ""},
		{"moveLabware", move("cold", p{"moduleId": "tc"}), "", ""},
		{"moveToWell", pip("pcr"), "", ""},
		{"heaterShaker/setAndWaitForShakeSpeed", module("hs", p{"rpm": 500}), "", ""},
		{"setRailLights", p{"on": true}, "", ""},
	} {
		got := c.data(201, "POST", "/runs/"+run+"/commands?waitUntilComplete=true", command1(w.kind, w.params))
		bad, _ := got["error"].(map[string]any)
		switch {
		case w.fails == "" && got["status"] != "succeeded":
			t.Errorf("%s %v: %v", w.kind, w.params, bad)
		case w.fails != "" && (bad["errorType"] != w.fails || !strings.Contains(bad["detail"].(string), w.detail)):
			t.Errorf("%s %v: %v %v, want %s %s", w.kind, w.params, bad["errorType"], bad["detail"], w.fails, w.detail)
		}
	}
	if on := c.must(200, "GET", "/robot/lights", nil)["on"]; on != true {
		t.Errorf("the lights are %v", on)
	}
	of := map[string]map[string]any{}
	for _, m := range c.must(200, "GET", "/modules", nil)["data"].([]any) {
		one := m.(map[string]any)
		of[one["moduleModel"].(string)] = one["data"].(map[string]any)
	}
	for model, want := range map[string]p{
		"temperatureModuleV1":  {"status": "holding at target", "currentTemperature": 38.0, "targetTemperature": 38.0},
		"magneticModuleV1":     {"status": "engaged", "height": 6.0, "engaged": true},
		"heaterShakerModuleV1": {"speedStatus": "holding at target", "currentSpeed": 500.0, "labwareLatchStatus": "idle_closed", "status": "running"},
		"thermocyclerModuleV2": {"lidStatus": "open", "targetTemperature": 72.0, "lidTemperature": 105.0, "lidTargetTemperature": 105.0},
	} {
		for key, value := range want {
			if got := of[model][key]; got != value {
				t.Errorf("%s says %s %v, want %v", model, key, got, value)
			}
		}
	}
}
