package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

const safeDeck = `ot2flow: 1
name: safe
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
modules:
  temp: {type: temperature_module_gen2, slot: 3}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  dye: {in: plate.A1, volume: 300 uL}
`

const safeSteps = `steps:
  - temperature: {set: 37 C, wait: false}
  - transfer: {from: dye, to: plate.B1, volume: 20 uL}
  - pause: have a look
  - transfer: {from: dye, to: plate.C1, volume: 20 uL}
finally:
  - drop_tip:
  - temperature: deactivate
  - lights: off
`

// What finally says is done however a run ends: by itself where the robot has ended
// it as it was told to or gave up, and when a person says so where somebody has to
// have a look first. What remains can be gone on with all the same.
func TestFinallyWhereARunEndsEarly(t *testing.T) {
	instrument := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"f1": 7}`)) }))
	t.Cleanup(instrument.Close)
	grown := strings.Replace(safeSteps, "steps:\n", "steps:\n  - {measure: {with: sensor}, as: seen}\n  - if: seen.f1 == 7\n    comment: well\n", 1)
	grown = "instruments: {sensor: {url: '" + instrument.URL + "', result: {f1: integer}}}\n" + strings.Replace(grown, "  - lights: off", "  - {measure: {with: sensor}, as: last}\n  - comment: the light was ${ last.f1 }\n  - lights: off", 1)
	live := "instruments: {sensor: {url: '" + instrument.URL + "', result: {f1: integer}}}\n" + strings.Replace(safeSteps, "steps:\n", "steps:\n  - measure: {with: sensor}\n", 1)
	const (
		done    = "the run has ended, and what `finally` says is done: 2 steps"
		notDone = "what `finally` says is not done; after a look at the robot, do it with: ot2flow runs resume"
		over    = "says is done\n"
		offered = "ended before its end, and what its `finally` says was not done: 2 steps; do it with: ot2flow runs resume"
	)
	type call struct {
		args string
		code int
		says string
	}
	closes := call{"runs resume last --finally --yes", exitFine, over}
	goesOn := call{"runs resume last --yes", exitFine, "temp: set 37 C again"}
	for name, c := range map[string]struct {
		steps string
		event mishap.Event
		typed string
		code  int
		says  string
		calls []call
	}{
		"the robot gives up": {safeSteps, mishap.Event{At: "3.1", Do: mishap.CommandFailed}, "", exitFailed, done, []call{
			{"runs show last --short", exitFine, "what finally says is done: 2 steps"},
			{"runs answer last redo", exitFine, "go on with"},
			goesOn,
		}},
		"stopped at a pause":               {safeSteps, mishap.Event{}, "stop\n", exitStopped, done, []call{goesOn}},
		"stopped at a pause, step by step": {live, mishap.Event{}, "stop\n", exitStopped, done, []call{goesOn}},
		"stopped behind a result, and measured in finally": {grown, mishap.Event{}, "stop\n", exitStopped, "the run has ended, and what `finally` says is done: 2 steps, and what follows from them", []call{
			{"runs show last", exitFine, "the light was 7"}, goesOn,
		}},
		"the robot gives up, step by step": {live, mishap.Event{At: "4.1", Do: mishap.CommandFailed}, "", exitFailed, done, []call{{"runs answer last redo", exitFine, "go on with"}, goesOn}},
		"it fails there, too": {safeSteps, mishap.Event{At: "2.1", Do: mishap.CommandFailed, Times: 2}, "", exitFailed, "what `finally` says was not done to its end: ", []call{
			{"runs resume last --finally --yes", exitFine, "nothing is left to be done of what finally says"},
		}},
		"it fails at first": {safeSteps, mishap.Event{At: "1.1", Do: mishap.CommandFailed, Times: 2}, "", exitFailed, "what `finally` says is done: 1 step", nil},
		"stopped in the Opentrons App": {safeSteps, mishap.Event{At: "3.1", Do: mishap.Stopped}, "", exitStopped, notDone, []call{
			{"runs", exitFine, offered},
			{"runs show last", exitFine, offered},
			{"runs show last --format json", exitFine, `"unclosed": "run `},
			closes,
			{"runs resume last --finally --yes", exitFine, "nothing is left to be done of what finally says"},
			{"runs answer last redo", exitFine, "go on with"},
			goesOn,
		}},
		"restarted": {safeSteps, mishap.Event{At: "3.1", Do: mishap.Rebooted, Requests: 2}, "", exitFailed, notDone, []call{
			{"runs resume last --finally --yes", exitFine, "drop whatever is on p300 into the trash"},
			{"runs resume last --yes", exitFailed, "Nobody knows which of steps"},
			{"runs answer last done --to 2", exitFine, "go on with"},
			goesOn,
		}},
		"restarted, and given up": {safeSteps, mishap.Event{At: "3.1", Do: mishap.Rebooted, Requests: 2}, "", exitFailed, notDone, []call{
			{"runs answer last abort", exitFine, "can still be done: ot2flow runs resume"},
			closes,
			{"runs resume last --yes", exitCannot, "the run was given up"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := emulator.Options{Modules: []string{"temperature_module_gen2"}}
			if c.event.Do != "" {
				o.Faults.Events = []mishap.Event{c.event}
			}
			_, address := emulated(t, o)
			state := filepath.Join(t.TempDir(), "runs.db")
			workflow := written(t, safeDeck+c.steps)
			code, stdout, stderr := called([]string{"apply", workflow, "--robot", address, "--yes", "--state", state}, c.typed)
			if code != c.code || !strings.Contains(stderr, c.says) {
				t.Fatalf("exit %d, want %d saying %q:\n%s%s", code, c.code, c.says, stdout, stderr)
			}
			for _, one := range c.calls {
				code, stdout, stderr := called(append(strings.Fields(one.args), "--state", state), "\n")
				if code != one.code || !strings.Contains(stdout+stderr, one.says) {
					t.Fatalf("%s: exit %d, want %d saying %q:\n%s%s", one.args, code, one.code, one.says, stdout, stderr)
				}
				if strings.Contains(one.args, "json") {
					asSchema(t, "journal", stdout)
				}
			}
			_, stdout, _ = called([]string{"state", "show", "--state", state}, "")
			if strings.Contains(stdout, "37 C") {
				t.Errorf("it is still hot:\n%s", stdout)
			}
		})
	}
}

// What somebody says of the deck after a run has ended early is so where it is gone on
// with, and in the ledger afterwards.
func TestResumeGoesByTheLedger(t *testing.T) {
	_, address := emulated(t, emulator.Options{Modules: []string{"temperature_module_gen2"}, Faults: emulator.Faults{Script: mishap.Script{Events: []mishap.Event{{At: "3.1", Do: mishap.CommandFailed}}}}})
	state := filepath.Join(t.TempDir(), "runs.db")
	for _, one := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{"apply", written(t, safeDeck+safeSteps), "--robot", address, "--yes"}, exitFailed, nil},
		{[]string{"state", "set", "4=opentrons_96_tiprack_300ul", "1.A1=250 uL dye", "1.C1=10 uL dye", "--why", "filled up"}, exitFine, nil},
		{[]string{"runs", "answer", "last", "redo"}, exitFine, nil},
		{[]string{"runs", "resume", "last", "--yes"}, exitFine, []string{
			"since then: slot 1 A1: 250 uL dye; the run left: 300 uL dye",
			"since then: slot 4 A1: as new; the run left: tip out",
			"pick up a new tip from tips.A1 with p300",
			"plate.A1       210 uL    dye", "plate.B1       20 uL     dye", "plate.C1       30 uL     dye",
		}},
		{[]string{"state", "show"}, exitFine, []string{"210 uL dye", "20 uL dye", "30 uL dye", "A1 B1 "}},
		{[]string{"apply", written(t, safeDeck+safeSteps), "--robot", address, "--yes"}, exitStopped, nil},
		{[]string{"state", "set", "1=nest_96_wellplate_200ul_flat"}, exitFine, nil},
		{[]string{"runs", "resume", "last", "--yes"}, exitCannot, []string{"plate is to stand in slot 1, and nest_96_wellplate_200ul_flat does"}},
	} {
		code, stdout, stderr := called(append(one.args, "--state", state), map[bool]string{true: "stop\n", false: "\n"}[one.code == exitStopped])
		if code != one.code {
			t.Fatalf("%v: exit %d, want %d:\n%s%s", one.args, code, one.code, stdout, stderr)
		}
		for _, text := range one.says {
			if !strings.Contains(stdout+stderr, text) {
				t.Errorf("%v: %q is missing:\n%s%s", one.args, text, stdout, stderr)
			}
		}
	}
}

// On the simulator likewise, from where it has come to by then.
func TestFinallyOnTheSimulator(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		typed string
		code  int
	}{
		"stopped":  {nil, "y\nstop\n", exitStopped},
		"gives up": {[]string{"--yes", "--faults", filepath.Join("..", "..", "examples", "faults", "command-failed.yaml")}, "", exitFailed},
	} {
		code, stdout, stderr := called(append([]string{"apply", written(t, safeDeck+safeSteps), "--robot", "sim", "--state", "none"}, c.args...), c.typed)
		if code != c.code || !strings.Contains(stderr, "the run has ended, and what `finally` says is done: 2 steps") || strings.Contains(stdout, "37 C") {
			t.Errorf("%s: exit %d, want %d:\n%s%s", name, code, c.code, stdout, stderr)
		}
	}
}

// A robot that is restarted in the middle of what finally says has forgotten how much
// of it was done: all of that is done again.
func TestRestartedInFinally(t *testing.T) {
	events := []mishap.Event{{At: "1.1", Do: mishap.CommandFailed}, {At: "2.1", Do: mishap.Rebooted, Requests: 2}}
	_, address := emulated(t, emulator.Options{Modules: []string{"temperature_module_gen2"}, Faults: emulator.Faults{Script: mishap.Script{Events: events}}})
	state := filepath.Join(t.TempDir(), "runs.db")
	steps := "steps:\n  - home:\n  - temperature: {set: 37 C, wait: false}\nfinally:\n  - temperature: deactivate\n  - lights: off\n"
	for _, one := range []struct {
		args string
		code int
		says string
	}{
		{"apply " + written(t, safeDeck+steps) + " --yes --robot " + address, exitFailed, "what `finally` says was not done to its end"},
		{"runs", exitFine, "what its `finally` says was not done: 2 steps"},
		{"runs resume last --finally --yes", exitFine, "what `finally` of run"},
		{"runs resume last --finally --yes", exitFine, "nothing is left to be done of what finally says"},
	} {
		code, stdout, stderr := called(append(strings.Fields(one.args), "--state", state), "")
		if code != one.code || !strings.Contains(stdout+stderr, one.says) {
			t.Fatalf("%s: exit %d, want %d saying %q:\n%s%s", one.args, code, one.code, one.says, stdout, stderr)
		}
	}
}
