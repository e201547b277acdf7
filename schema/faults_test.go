package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// The schema of faults takes what is read, and refuses what is refused.
func TestFaults(t *testing.T) {
	faults := compile(t, "faults")
	good := []string{
		"seed: 7", "events: []", "events: [{at: \"4.2\", do: stop}]", "events: [{probability: 1, do: slow, by: 30s, times: 2}]",
		"events: [{nth: 3, do: clock_jumped, by: -1h30m}]", "events: [{at: 1, do: reboot, requests: 4}]",
		"{booting: 3, busy: true, door_open: true, door_switch: true, model: OT-3 Standard, analysis_error: no, analysis_stuck: true, stop_hangs: true}",
		"pipettes: {left: p300_multi_gen2}",
	}
	for _, k := range mishap.Kinds() {
		good = append(good, fmt.Sprintf("events: [{at: 3, do: %s, by: 1s, detail: x}]", k))
	}
	for _, m := range mishap.Mischiefs() {
		good = append(good, fmt.Sprintf("answers: [{on: POST /runs/*/actions, action: play, nth: 1, times: -1, do: %s, delay: 2s}]", m))
	}
	bad := []string{
		"events: [{do: stop}]", "events: [{at: 1, nth: 2, do: stop}]", "events: [{at: 1}]", "events: [{at: 1, do: explode}]", "events: [{at: 1, do: slow}]",
		"events: [{probability: 2, do: stop}]", "events: [{at: 1, do: stop, requests: -1}]", "answers: [{on: runs, do: half}]",
		"answers: [{on: GET /runs, do: wobble}]", "answers: [{on: GET /runs, do: half, probability: 0.5, nth: 2}]", "sead: 7", "events: [{at: 1, do: slow, by: soon}]",
		"pipettes: {middle: p300_multi_gen2}",
	}
	for i, text := range append(good, bad...) {
		_, err := emulator.ReadFaults(strings.NewReader(text))
		if schemaErr := faults.Validate(asJSON(t, text)); (err == nil) != (i < len(good)) || (schemaErr == nil) != (i < len(good)) {
			t.Errorf("%s: read with %v, by the schema %v", text, err, schemaErr)
		}
	}
}

// asJSON is YAML as a validator of JSON takes it.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
