package emulator

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the robot says to nozzle layouts; the errors are those of the engine
// (opentrons 8.2.0) for the same commands.
func TestNozzleLayouts(t *testing.T) {
	c := start(t, Options{Pipettes: map[string]string{"left": "p300_multi_gen2", "right": "p300_single_gen2"}})
	run := c.live(t)
	do := func(kind string, params map[string]any) map[string]any {
		return c.data(201, "POST", "/runs/"+run+"/commands?waitUntilComplete=true", command1(kind, params))
	}
	do("loadPipette", map[string]any{"pipetteName": "p300_multi_gen2", "mount": "left", "pipetteId": "multi"})
	layout := func(style string, nozzles ...string) map[string]any {
		out := map[string]any{}
		for i, key := range []string{"primaryNozzle", "frontRightNozzle", "backLeftNozzle"} {
			if i < len(nozzles) {
				out[key] = nozzles[i]
			}
		}
		if style != "" {
			out["style"] = style
		}
		return map[string]any{"pipetteId": "multi", "configurationParams": out}
	}
	state := func() any {
		return c.data(200, "GET", "/runs/"+run+"/currentState", nil)["activeNozzleLayouts"].(map[string]any)["multi"]
	}
	const noMap, multi = "Attempted Nozzle Configuration does not match any approved map layout for the current pipette.", "ABCDEFGH"
	for _, w := range []struct {
		name, fails, detail     string
		params                  map[string]any
		starting, active, style string // what is set afterwards
	}{
		{"a row", "CommandParameterLimitViolated", "RowNozzleLayout", layout("ROW", "A1"), "A1", multi, "full"},
		{"another column", "IncompatibleNozzleConfiguration", "No entry for back left nozzle 'A12' in pipette", layout("SINGLE", "A12"), "A1", multi, "full"},
		{"from the back", "IncompatibleNozzleConfiguration", noMap, layout("QUADRANT", "A1", "D1", "A1"), "A1", multi, "full"},
		{"upside down", "IncompatibleNozzleConfiguration", noMap, layout("QUADRANT", "H1", "E1", "H1"), "A1", multi, "full"},
		{"no such nozzle", "IncompatibleNozzleConfiguration", "No entry for back left nozzle 'K1' in pipette", layout("QUADRANT", "H1", "H1", "K1"), "A1", multi, "full"},
		{"one", "", "", layout("SINGLE", "H1"), "H1", "H", "single"},
		{"the other one", "", "", layout("SINGLE", "A1"), "A1", "A", "single"},
		{"without a style", "", "", layout("", "H1"), "A1", multi, "full"},
		{"a column", "", "", layout("COLUMN", "A1"), "A1", multi, "full"},
		{"four", "", "", layout("QUADRANT", "H1", "H1", "E1"), "H1", "EFGH", "column"},
		{"one nozzle", "CommandPreconditionViolated", "Cannot configure nozzle layout with a single channel pipette.", map[string]any{"pipetteId": "pip", "configurationParams": map[string]any{"style": "ALL"}}, "H1", "EFGH", "column"},
	} {
		got := do("configureNozzleLayout", w.params)
		bad, _ := got["error"].(map[string]any)
		if w.fails == "" && bad != nil || w.fails != "" && (bad == nil || bad["errorType"] != w.fails || !strings.Contains(bad["detail"].(string), w.detail)) {
			t.Errorf("%s: %v, want %s %s", w.name, bad, w.fails, w.detail)
		}
		active := []any{}
		for _, row := range w.active {
			active = append(active, string(row)+"1")
		}
		if diff := cmp.Diff(map[string]any{"startingNozzle": w.starting, "activeNozzles": active, "config": w.style}, state()); diff != "" {
			t.Errorf("%s: %s", w.name, diff)
		}
	}
	for _, p := range []map[string]any{layout("SINGLE", "B1"), layout("QUADRANT", "H1", "h", "E1"), layout("DIAGONAL", "H1"), {"pipetteId": "multi"}} {
		if status, answer := c.do("POST", "/runs/"+run+"/commands", command1("configureNozzleLayout", p)); status != 422 {
			t.Errorf("%v: %d %v", p, status, answer)
		}
	}

	// Four tips from the front of a column, and four wells of a plate.
	at := func(labware, well string, more map[string]any) map[string]any {
		p := map[string]any{"pipetteId": "multi", "labwareId": labware, "wellName": well}
		for k, v := range more {
			p[k] = v
		}
		return p
	}
	bottom := map[string]any{"origin": "bottom", "offset": map[string]any{"z": 1}}
	for _, w := range []struct {
		kind   string
		params map[string]any
		fails  string
	}{
		{"pickUpTip", at("tips", "D1", nil), ""},
		{"configureNozzleLayout", layout("SINGLE", "H1"), "CommandPreconditionViolated"},
		{"aspirate", at("res", "A1", map[string]any{"volume": 100, "flowRate": 90, "wellLocation": bottom}), ""},
		{"dispense", at("plate", "H2", map[string]any{"volume": 100, "flowRate": 90, "wellLocation": bottom}), ""},
		{"dropTip", at("tips", "D1", nil), "UnexpectedProtocolError"},
		{"moveToAddressableAreaForDropTip", map[string]any{"pipetteId": "multi", "addressableAreaName": "fixedTrash"}, ""},
		{"dropTipInPlace", map[string]any{"pipetteId": "multi"}, ""},
	} {
		got := do(w.kind, w.params)
		bad, _ := got["error"].(map[string]any)
		if w.fails == "" && bad != nil || w.fails != "" && (bad == nil || bad["errorType"] != w.fails) {
			t.Errorf("%s: %v, want %q", w.kind, bad, w.fails)
		}
	}
	end := c.must(200, "GET", "/ot2flow/wells?run="+run, nil)
	volumes := map[string]any{}
	for name, w := range end["wells"].(map[string]any) {
		volumes[name] = w.(map[string]any)["volume_uL"]
	}
	want := map[string]any{"res.A1": 0.0, "plate.E2": 100.0, "plate.F2": 100.0, "plate.G2": 100.0, "plate.H2": 100.0}
	if diff := cmp.Diff(want, volumes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"tips": 4.0}, end["tips"]); diff != "" {
		t.Error(diff)
	}
}
