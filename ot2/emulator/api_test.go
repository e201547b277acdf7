package emulator

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func command1(kind string, params map[string]any) map[string]any {
	return map[string]any{"data": map[string]any{"commandType": kind, "params": params}}
}

// live makes a run with a pipette, a rack of tips and a plate.
func (c client) live(t testing.TB) string {
	t.Helper()
	run := c.data(201, "POST", "/runs", nil)["id"].(string)
	for _, b := range []map[string]any{
		command1("loadPipette", map[string]any{"pipetteName": "p300_single_gen2", "mount": "right", "pipetteId": "pip"}),
		command1("loadLabware", map[string]any{"loadName": "opentrons_96_tiprack_300ul", "namespace": "opentrons", "version": 1, "location": map[string]any{"slotName": "1"}, "labwareId": "tips"}),
		command1("loadLabware", map[string]any{"loadName": "corning_96_wellplate_360ul_flat", "namespace": "opentrons", "version": 2, "location": map[string]any{"slotName": "C2"}, "labwareId": "plate"}),
		command1("loadLabware", map[string]any{"loadName": "nest_12_reservoir_15ml", "namespace": "opentrons", "version": 1, "location": map[string]any{"slotName": "3"}, "labwareId": "res"}),
	} {
		if got := c.data(201, "POST", "/runs/"+run+"/commands?waitUntilComplete=true", b); got["status"] != "succeeded" {
			t.Fatal(got)
		}
	}
	return run
}

// What every command checks, in one run, in order: the error, or the result.
func TestCommands(t *testing.T) {
	c := start(t, Options{})
	run := c.live(t)
	in := func(well string, more map[string]any) map[string]any {
		p := map[string]any{"pipetteId": "pip", "labwareId": "plate", "wellName": well, "flowRate": 90, "wellLocation": map[string]any{"origin": "bottom", "offset": map[string]any{"z": 1}}}
		for k, v := range more {
			p[k] = v
		}
		return p
	}
	tip := func(labware, well string) map[string]any {
		return map[string]any{"pipetteId": "pip", "labwareId": labware, "wellName": well}
	}
	vol := func(v float64) map[string]any { return map[string]any{"volume": v} }
	for _, w := range []struct {
		kind   string
		params map[string]any
		fails  string // the errorType, or empty
		detail string // a part of it
	}{
		{"loadPipette", map[string]any{"pipetteName": "p300_single", "mount": "right", "pipetteId": "old"}, "", ""},
		{"loadPipette", map[string]any{"pipetteName": "p20_single_gen2", "mount": "right"}, "FailedToLoadPipetteError", "mount RIGHT: expected instrument p20_single_gen2 but got p300_single_v2.1"},
		{"loadPipette", map[string]any{"pipetteName": "p20_single_gen2", "mount": "left"}, "FailedToLoadPipetteError", "but got None"},
		{"loadPipette", map[string]any{"pipetteName": "p1000_single_flex", "mount": "left"}, "InvalidSpecificationForRobotTypeError", ""},
		{"loadLabware", map[string]any{"loadName": "nope", "namespace": "opentrons", "version": 1, "location": map[string]any{"slotName": "4"}}, "PythonException", "FileNotFoundError"},
		{"loadLabware", map[string]any{"loadName": "nest_12_reservoir_15ml", "namespace": "opentrons", "version": 1, "location": map[string]any{"slotName": "1"}}, "LocationIsOccupiedError", "opentrons_96_tiprack_300ul"},
		{"loadLabware", map[string]any{"loadName": "nest_12_reservoir_15ml", "namespace": "opentrons", "version": 1, "location": map[string]any{"slotName": "12"}}, "AreaNotInDeckConfigurationError", "12"},
		{"loadLabware", map[string]any{"loadName": "nest_12_reservoir_15ml", "namespace": "opentrons", "version": 1, "location": map[string]any{"moduleId": "m"}}, "ModuleNotLoadedError", "m"},
		{"loadModule", map[string]any{"model": "temperatureModuleV2", "location": map[string]any{"slotName": "4"}}, "ModuleNotAttachedError", "temperatureModuleV2"},
		{"loadLiquid", map[string]any{"liquidId": "water", "labwareId": "plate", "volumeByWell": map[string]any{"A1": 1}}, "LiquidDoesNotExistError", "water"},
		{"heaterShaker/closeLabwareLatch", map[string]any{"moduleId": "hs"}, "ModuleNotLoadedError", "hs"},
		{"aspirate", in("A1", vol(10)), "TipNotAttachedError", ""},
		{"dispense", in("A1", vol(10)), "TipNotAttachedError", ""},
		{"pickUpTip", map[string]any{"pipetteId": "none", "labwareId": "tips", "wellName": "A1"}, "PythonException", "KeyError: 'none'"},
		{"pickUpTip", tip("none", "A1"), "LabwareNotLoadedError", "none"},
		{"pickUpTip", tip("tips", "Z9"), "WellDoesNotExistError", "Z9"},
		{"pickUpTip", tip("plate", "A1"), "LabwareIsNotTipRackError", "plate"},
		{"pickUpTip", tip("tips", "A1"), "", ""},
		{"pickUpTip", tip("tips", "B1"), "UnexpectedTipAttachError", ""},
		{"aspirate", in("A1", vol(301)), "InvalidAspirateVolumeError", "301.0 µL when only 300"},
		{"aspirate", in("A1", map[string]any{"volume": 10, "wellLocation": map[string]any{"origin": "bottom", "offset": map[string]any{"z": -1}}}), "OperationLocationNotInWellError", "A1"},
		{"aspirate", in("A1", map[string]any{"volume": 10, "wellLocation": map[string]any{"origin": "meniscus"}}), "LiquidHeightUnknownError", ""},
		{"aspirate", in("A1", vol(100)), "", ""},
		{"dispense", in("B1", vol(101)), "InvalidDispenseVolumeError", "101.0 µL when only 100.0"},
		{"dispense", in("B1", map[string]any{"volume": 50, "pushOut": 2}), "CommandPreconditionViolated", ""},
		{"dispense", in("B1", map[string]any{"volume": 50, "pushOut": -2}), "InvalidPushOutVolumeError", ""},
		{"dispense", in("B1", vol(60)), "", ""},
		{"touchTip", map[string]any{"pipetteId": "pip", "labwareId": "res", "wellName": "A1"}, "TouchTipDisabledError", "res"},
		{"touchTip", tip("tips", "A1"), "LabwareIsTipRackError", ""},
		{"touchTip", tip("plate", "B1"), "", ""},
		{"blowout", in("C1", nil), "", ""},
		{"aspirateInPlace", map[string]any{"pipetteId": "pip", "volume": 10, "flowRate": 10}, "PipetteNotReadyToAspirateError", ""},
		{"dispenseInPlace", map[string]any{"pipetteId": "pip", "volume": 10, "flowRate": 10}, "InvalidDispenseVolumeError", "no volume"},
		{"prepareToAspirate", map[string]any{"pipetteId": "pip"}, "", ""},
		{"moveToWell", in("B1", nil), "", ""},
		{"aspirateInPlace", map[string]any{"pipetteId": "pip", "volume": 10, "flowRate": 10}, "", ""},
		{"moveToAddressableArea", map[string]any{"pipetteId": "pip", "addressableAreaName": "nowhere"}, "AreaNotInDeckConfigurationError", "nowhere"},
		{"moveToAddressableAreaForDropTip", map[string]any{"pipetteId": "pip", "addressableAreaName": "fixedTrash", "alternateDropLocation": true}, "", ""},
		{"dropTipInPlace", map[string]any{"pipetteId": "pip"}, "", ""},
		{"dropTipInPlace", map[string]any{"pipetteId": "pip"}, "", ""},
		{"prepareToAspirate", map[string]any{"pipetteId": "pip"}, "UnexpectedTipRemovalError", ""},
		{"moveLabware", map[string]any{"labwareId": "plate", "newLocation": map[string]any{"slotName": "1"}, "strategy": "manualMoveWithoutPause"}, "LocationIsOccupiedError", ""},
		{"moveLabware", map[string]any{"labwareId": "plate", "newLocation": "offDeck", "strategy": "usingGripper"}, "NotSupportedOnRobotType", ""},
		{"moveLabware", map[string]any{"labwareId": "plate", "newLocation": "offDeck", "strategy": "manualMoveWithoutPause"}, "", ""},
		{"moveToWell", tip("plate", "A1"), "LocationNotAccessibleByPipetteError", "off-deck"},
		{"home", map[string]any{}, "", ""},
		{"moveRelative", map[string]any{"pipetteId": "pip", "axis": "z", "distance": 1}, "MustHomeError", ""},
		{"unsafe/engageAxes", map[string]any{}, "HardwareNotSupportedError", ""},
		{"custom", map[string]any{"what": "ever"}, "", ""},
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
	wells := c.must(200, "GET", "/ot2flow/wells?run="+run, nil)["wells"].(map[string]any)
	for well, want := range map[string]float64{"plate.A1": 0, "plate.B1": 50, "plate.C1": 40} {
		if got := wells[well].(map[string]any)["volume_uL"]; got != want {
			t.Errorf("%s holds %v, want %v", well, got, want)
		}
	}
}

// What the robot says to requests, one by one.
func TestAPI(t *testing.T) {
	c := start(t, Options{})
	run := c.live(t)
	base := "/runs/" + run
	other := c.data(201, "POST", "/runs", nil)["id"].(string) // and run is archived
	for _, w := range []struct {
		method, path string
		body         any
		status       int
		id           string // of the first error
	}{
		{"GET", "/health", nil, 200, ""},
		{"GET", "/nowhere", nil, 404, "BadRequest"},
		{"DELETE", "/health", nil, 405, "BadRequest"},
		{"GET", "/robot/door/status", nil, 200, ""},
		{"GET", "/modules", nil, 200, ""},
		{"GET", "/labwareOffsets", nil, 404, "BadRequest"},
		{"POST", "/runs", map[string]any{}, 422, "InvalidRequest"},
		{"POST", "/runs", map[string]any{"data": map[string]any{"protocolId": "nope"}}, 404, "ProtocolNotFound"},
		{"GET", "/runs/nope", nil, 404, "RunNotFound"},
		{"POST", base + "/commands", command1("comment", map[string]any{"message": "late"}), 409, "RunStopped"},
		{"POST", base + "/actions", act("play"), 409, "RunStopped"},
		{"GET", base + "/commands/nope", nil, 404, "CommandNotFound"},
		{"GET", base + "/currentState", nil, 409, "RunStopped"},
		{"GET", base + "/commandsAsPreSerializedList", nil, 200, ""},
		{"PATCH", base, map[string]any{"data": map[string]any{"current": false}}, 409, "RunStopped"},
		{"GET", "/runs/" + other + "/commands/nope", nil, 500, "UnexpectedError"},
		{"GET", "/runs/" + other + "/commandsAsPreSerializedList", nil, 503, "PreSerializedCommandsNotAvailable"},
		{"POST", "/runs/" + other + "/actions", act("jump"), 422, "InvalidRequest"},
		{"POST", "/runs/" + other + "/actions", act("pause"), 409, "RunActionNotAllowed"},
		{"POST", "/runs/" + other + "/commands", command1("jump", nil), 422, "InvalidRequest"},
		{"POST", "/runs/" + other + "/commands", command1("aspirate", map[string]any{"pipetteId": "p"}), 422, "InvalidRequest"},
		{"POST", "/runs/" + other + "/commands", ask4("comment", "fixit", map[string]any{"message": "m"}), 500, "UnexpectedError"},
		{"POST", "/runs/" + other + "/labware_definitions", map[string]any{"data": map[string]any{}}, 422, "InvalidRequest"},
		{"PATCH", "/runs/" + other, map[string]any{"data": map[string]any{"current": true}}, 200, ""},
		{"PATCH", "/runs/" + other, map[string]any{"data": map[string]any{"current": false}}, 200, ""},
		{"DELETE", "/runs/" + other, nil, 200, ""},
		{"DELETE", "/runs/" + other, nil, 404, "RunNotFound"},
		{"GET", "/protocols/nope", nil, 404, "ProtocolNotFound"},
		{"POST", "/commands?waitUntilComplete=true", command1("home", map[string]any{}), 201, ""},
		{"POST", "/commands", command1("comment", map[string]any{"message": "m"}), 422, "InvalidRequest"},
		{"GET", "/maintenance_runs/current_run", nil, 404, "NoCurrentRunFound"},
	} {
		status, answer := c.do(w.method, w.path, w.body)
		id := ""
		if list, is := answer["errors"].([]any); is {
			id = list[0].(map[string]any)["id"].(string)
		}
		if status != w.status || id != w.id {
			t.Errorf("%s %s %v: %d %s, want %d %s", w.method, w.path, w.body, status, id, w.status, w.id)
		}
	}
}

func TestVersionHeader(t *testing.T) {
	c := start(t, Options{})
	for _, w := range []struct {
		path, header string
		status       int
		says         string
	}{
		{"/health", "*", 200, "4"},
		{"/health", "3", 200, "3"},
		{"/health", "99", 200, "4"},
		{"/health", "", 422, "4"},
		{"/health", "1", 400, "4"},
		{"/runs", "", 422, "4"},
		{"/runs", "x", 422, "4"},
		{"/ot2flow/wells", "", 200, "4"},
		{"/nowhere", "", 404, "4"},
	} {
		r := httptest.NewRequest("GET", w.path, nil)
		if w.header != "" {
			r.Header.Set("Opentrons-Version", w.header)
		}
		out := httptest.NewRecorder()
		c.e.Handler().ServeHTTP(out, r)
		if out.Code != w.status || out.Header().Get("opentrons-version") != w.says || out.Header().Get("opentrons-min-version") != "2" {
			t.Errorf("%s with %q: %d %v", w.path, w.header, out.Code, out.Header())
		}
	}
}

const minimal = `{"$otSharedSchema":"#/protocol/schemas/8","schemaVersion":8,"metadata":{},"robot":{"model":"OT-2 Standard","deckId":"ot2_standard"},
"labwareDefinitionSchemaId":"opentronsLabwareSchemaV2","labwareDefinitions":{},"liquidSchemaId":"opentronsLiquidSchemaV1","liquids":{},
"commandSchemaId":"opentronsCommandSchemaV8","commandAnnotationSchemaId":"opentronsCommandAnnotationSchemaV1","commandAnnotations":[],"commands":[%]}`

func protocolOf(commands string) []byte { return []byte(strings.Replace(minimal, "%", commands, 1)) }

func TestProtocols(t *testing.T) {
	c := start(t, Options{})
	put := func(name, commands string, want int) map[string]any {
		t.Helper()
		status, answer := c.upload(name, protocolOf(commands))
		if status != want {
			t.Fatal(status, answer)
		}
		data, _ := answer["data"].(map[string]any)
		return data
	}
	first := put("a.json", `{"commandType":"comment","params":{"message":"1"},"key":"1.1"}`, 201)
	if a := c.analysed(first); a["result"] != "ok" || len(a["commands"].([]any)) != 2 {
		t.Error(a)
	}
	if again := put("a.json", `{"commandType":"comment","params":{"message":"1"},"key":"1.1"}`, 200); again["id"] != first["id"] {
		t.Error("the same file is another protocol")
	}
	if other := put("b.json", `{"commandType":"comment","params":{"message":"1"},"key":"1.1"}`, 201); other["id"] == first["id"] {
		t.Error("another name is the same protocol")
	}
	bad := put("bad.json", `{"commandType":"comment","params":{}}`, 201)
	if a := c.analysed(bad); a["result"] != "not-ok" || len(a["errors"].([]any)) != 1 {
		t.Error(a)
	}
	fails := c.analysed(put("fails.json", `{"commandType":"prepareToAspirate","params":{"pipetteId":"p"}},{"commandType":"home","params":{}}`, 201))
	if fails["result"] != "not-ok" || len(fails["commands"].([]any)) != 2 {
		t.Error(fails)
	}
	for _, w := range []string{`{}`, `[`, strings.Replace(minimal, `"liquids":{},`, "", 1), strings.Replace(minimal, "OT-2 Standard", "OT-3 Standard", 1)} {
		if status, answer := c.upload("x.json", []byte(w)); status != 422 {
			t.Errorf("%s: %d %v", w, status, answer)
		}
	}
	run := c.data(201, "POST", "/runs", map[string]any{"data": map[string]any{"protocolId": first["id"]}})["id"].(string)
	c.must(409, "DELETE", "/protocols/"+first["id"].(string), nil)
	for i := range 6 {
		put("n.json", `{"commandType":"comment","params":{"message":"`+strings.Repeat("x", i+1)+`"}}`, 201)
	}
	if list := c.must(200, "GET", "/protocols", nil)["data"].([]any); len(list) != 6 {
		t.Errorf("%d protocols are kept, want five and the one in use", len(list))
	}
	c.must(404, "GET", "/protocols/"+bad["id"].(string), nil)
	c.must(200, "GET", "/protocols/"+first["id"].(string), nil)
	c.must(200, "DELETE", "/runs/"+run, nil)
	c.must(200, "DELETE", "/protocols/"+first["id"].(string), nil)
}

// A live run stays open as long as a pause is behind its commands.
func TestSentinels(t *testing.T) {
	c := start(t, Options{})
	run := c.live(t)
	send := func(kind string, params map[string]any) {
		t.Helper()
		c.must(201, "POST", "/runs/"+run+"/commands", ask4(kind, "protocol", params))
	}
	play := func(want string) {
		t.Helper()
		c.must(201, "POST", "/runs/"+run+"/actions", act("play"))
		c.until(run, want)
	}
	send("pickUpTip", map[string]any{"pipetteId": "pip", "labwareId": "tips", "wellName": "A1"})
	send("waitForResume", map[string]any{})
	play("paused")
	c.must(409, "POST", "/runs/"+run+"/commands", command1("comment", map[string]any{"message": "m"}))
	c.must(409, "POST", "/runs", nil)
	send("aspirate", map[string]any{"pipetteId": "pip", "labwareId": "plate", "wellName": "A1", "volume": 50, "flowRate": 90})
	send("waitForResume", map[string]any{})
	play("paused")
	play("succeeded")
	c.must(409, "POST", "/runs/"+run+"/commands", ask4("comment", "protocol", map[string]any{"message": "m"}))
	if r := c.e.Result(); r.Tips[0].Amount != 1 {
		t.Error(r.Tips)
	}
}
