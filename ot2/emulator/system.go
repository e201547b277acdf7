package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// robotModel is what an OT-2 calls itself.
const robotModel = "OT-2 Standard"

func (e *Emulator) model() string {
	if e.faults.Model != "" {
		return e.faults.Model
	}
	return robotModel
}

func (e *Emulator) health(*http.Request) answer {
	return ok(object{
		"name": e.options.Name, "robot_model": e.model(), "api_version": e.options.Version,
		"fw_version": "ot2flow emulator", "board_revision": "2.1", "system_version": "1.19.4", "robot_serial": cmp.Or(e.options.Serial, "emulator"),
		"logs":                         []string{"/logs/serial.log", "/logs/api.log", "/logs/server.log", "/logs/update_server.log"},
		"maximum_protocol_api_version": []int{2, 21}, "minimum_protocol_api_version": []int{2, 0},
		"links": object{
			"apiLog": "/logs/api.log", "serialLog": "/logs/serial.log", "serverLog": "/logs/server.log",
			"apiSpec": "/openapi.json", "systemTime": "/system/time",
		},
	})
}

// serialModel is the name of the pipette's make, such as p300_single_v2.1.
func serialModel(m *program.PipetteModel) string {
	if name, is := strings.CutSuffix(m.Name, "_gen2"); is {
		return name + "_v2.1"
	}
	return m.Name + "_v1"
}

var bothMounts = [...]struct{ name, axis, plunger string }{{"left", "z", "b"}, {"right", "a", "c"}}

func (e *Emulator) instruments(*http.Request) answer {
	out := []object{}
	for _, m := range bothMounts {
		p, on := e.pipettes[m.name]
		if !on {
			continue
		}
		out = append(out, object{
			"mount": m.name, "instrumentType": "pipette", "instrumentModel": serialModel(p.model), "instrumentName": p.model.Name,
			"serialNumber": p.serial, "subsystem": "pipette_" + m.name, "ok": true,
			"data": object{"channels": p.model.Channels, "min_volume": uL(p.model.MinNL), "max_volume": uL(p.model.MaxNL)},
		})
	}
	return list(out, len(out))
}

func (e *Emulator) mounts(*http.Request) answer {
	out := object{}
	for _, m := range bothMounts {
		one := object{"model": nil, "name": nil, "id": nil, "tip_length": number(0), "mount_axis": m.axis, "plunger_axis": m.plunger}
		if p, on := e.pipettes[m.name]; on {
			one["model"], one["name"], one["id"] = serialModel(p.model), p.model.Name, p.serial
		}
		out[m.name] = one
	}
	return ok(out)
}

func (e *Emulator) door(*http.Request) answer {
	status := "closed"
	if e.doorOpen {
		status = "open"
	}
	return okData(object{"status": status, "doorRequiredClosedForProtocol": e.doorSwitch})
}

func (e *Emulator) setLights(r *http.Request) answer {
	var ask struct{ On *bool }
	if json.NewDecoder(r.Body).Decode(&ask) != nil || ask.On == nil {
		return legacy(422, "body.on: "+required, "4000")
	}
	e.lights = *ask.On
	return ok(object{"on": e.lights})
}

func positions(*http.Request) answer {
	return ok(object{"positions": object{
		"change_pipette": object{"target": "mount", "left": []number{300, 40, 30}, "right": []number{95, 40, 30}},
		"attach_tip":     object{"target": "pipette", "point": []number{200, 90, 150}},
	}})
}

func (e *Emulator) home(r *http.Request) answer {
	var ask struct{ Target, Mount string }
	if json.NewDecoder(r.Body).Decode(&ask) != nil {
		return legacy(422, "body: value is not a valid dict", "4000")
	}
	switch {
	case ask.Target == "robot":
		return ok(object{"message": "Homing robot."})
	case ask.Target != "pipette":
		return legacy(422, "body.target: value is not a valid enumeration member", "4000")
	case ask.Mount == "":
		return legacy(422, "body.__root__: mount must be specified if target is pipette", "4000")
	}
	return ok(object{"message": "Pipette on Mount." + ask.Mount + " homed successfully"})
}

func notOnOT2(*http.Request) answer {
	return fault(403, "NotSupportedOnOT2", "Not Supported On OT-2", "This is only there on a Flex.", "4000")
}

func engaged(*http.Request) answer {
	out := object{"q": nil, "g": nil}
	for _, axis := range []string{"x", "y", "z_l", "z_r", "p_l", "p_r"} {
		out[axis] = object{"enabled": true}
	}
	return ok(out)
}

// doorSetting is the one setting that changes anything here.
const doorSetting = "enableDoorSafetySwitch"

func (e *Emulator) settings(*http.Request) answer {
	var door any
	if e.doorSwitch {
		door = true
	}
	return ok(object{"links": object{}, "settings": []object{
		setting("shortFixedTrash", "short-fixed-trash", "Short (55mm) fixed trash", nil),
		setting("deckCalibrationDots", "dots-deck-type", "Deck calibration to dots", nil),
		setting("disableHomeOnBoot", "disable-home-on-boot", "Disable home on boot", nil),
		setting("useOldAspirationFunctions", nil, "Use older aspirate behavior", nil), //nolint:misspell // the robot's word
		setting(doorSetting, nil, "Enable robot door safety switch", door),
	}})
}

func setting(id string, old any, title string, value any) object {
	return object{"id": id, "old_id": old, "title": title, "description": title, "restart_required": false, "value": value}
}

func (e *Emulator) setSetting(r *http.Request) answer {
	var ask struct {
		ID    string
		Value *bool
	}
	if json.NewDecoder(r.Body).Decode(&ask) != nil {
		return legacy(422, "body: value is not a valid dict", "4000")
	}
	known := []string{"shortFixedTrash", "deckCalibrationDots", "disableHomeOnBoot", "useOldAspirationFunctions", doorSetting}
	if !slices.Contains(known, ask.ID) {
		return legacy(400, "ValueError: "+ask.ID+" is not recognized", "4000") //nolint:misspell // the robot's word
	}
	if ask.ID == doorSetting {
		e.doorSwitch = ask.Value != nil && *ask.Value
	}
	return e.settings(r)
}

func (e *Emulator) time(*http.Request) answer {
	return ok(object{
		"data":  object{"systemTime": stamp(e.now()), "id": "time"},
		"links": object{"self": object{"href": "/system/time", "meta": nil}},
	})
}

func deckConfiguration(*http.Request) answer {
	var out []object
	for i := 1; i <= 12; i++ {
		fixture := "singleStandardSlot"
		if i == 12 {
			fixture = "fixedTrashSlot"
		}
		out = append(out, object{"cutoutFixtureId": fixture, "cutoutId": "cutout" + strconv.Itoa(i)})
	}
	return okData(object{"cutoutFixtures": out})
}

func recovery(*http.Request) answer { return okData(object{"enabled": true}) }

func (e *Emulator) putClientData(r *http.Request) answer {
	if strings.ContainsAny(r.PathValue("key"), "/#+") {
		return notFound()
	}
	data := object{}
	if bad := read(r, &data); bad != nil {
		return *bad
	}
	e.clientData[r.PathValue("key")] = data
	return okData(data)
}

func (e *Emulator) getClientData(r *http.Request) answer {
	data, there := e.clientData[r.PathValue("key")]
	if !there {
		return noClientData(r.PathValue("key"))
	}
	return okData(data)
}

func (e *Emulator) deleteClientData(r *http.Request) answer {
	key := r.PathValue("key")
	if key == "" {
		clear(e.clientData)
		return ok(object{})
	}
	if _, there := e.clientData[key]; !there {
		return noClientData(key)
	}
	delete(e.clientData, key)
	return ok(object{})
}

func noClientData(key string) answer {
	detail := "KeyError: '" + key + "'"
	return troubles(404, trouble{
		ID: "ClientDataKeyDoesNotExist", Title: "Client Data Key Does Not Exist", Detail: detail, Code: "4000",
	}.with(exception("KeyError", "4000", detail)))
}

// uL is a volume as the robot writes it.
func uL(nL int64) number { return number(float64(nL) / 1000) }
