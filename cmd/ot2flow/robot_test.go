package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
	"github.com/ot2flow/ot2flow/schema"
)

// benchDeck is the deck of the robots of these tests, and water is what is in one
// well of it: the beginning of a workflow.
const (
	benchDeck = `ot2flow: 1
name: small
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
`
	water = `liquids:
  water: {in: plate.A1, volume: 300 uL}
`
)

const robotWorkflow = benchDeck + water + `steps:
  - transfer: {from: plate.A1, to: plate.B1, volume: 100 uL}
  - pause: look at B1
  - transfer: {from: plate.A1, to: plate.C1, volume: 100 uL}
`

var serial atomic.Int64

// emulated is a robot that no other test has.
func emulated(t *testing.T, o emulator.Options) (*emulator.Emulator, string) {
	t.Helper()
	if o.Serial == "" {
		o.Serial = fmt.Sprintf("OT2-%d", serial.Add(1))
	}
	e, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e.Handler())
	t.Cleanup(func() {
		server.CloseClientConnections()
		e.Close()
		server.Close()
	})
	return e, server.URL
}

func called(args []string, stdin string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = ot2flow(args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func written(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "small.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Every way in which a robot can be bad, as a person at a terminal meets it.
func TestApplyOnBadRobots(t *testing.T) {
	at := func(key string, do mishap.Kind) emulator.Faults {
		return emulator.Faults{Script: mishap.Script{Events: []mishap.Event{{At: key, Do: do, Detail: "it broke", Requests: 2}}}}
	}
	for _, c := range []struct {
		name   string
		faults emulator.Faults
		code   int
		says   string
	}{
		{"fine", emulator.Faults{}, exitFine, ""},
		{"not an OT-2", emulator.Faults{Model: "OT-3 Standard"}, exitCannot, "ot2flow moves the OT-2"},
		{"booting", emulator.Faults{Booting: 1}, exitFine, "the robot is starting"},
		{"busy", emulator.Faults{Busy: true}, exitCannot, "is busy with run"},
		{"door", emulator.Faults{DoorOpen: true, DoorSwitch: true}, exitCannot, "is open, and it is set to move with its door closed only; close it"},
		{"pipette", emulator.Faults{Pipettes: map[string]string{"right": "p20_single_gen2"}}, exitCannot, "right mount: the plan needs a p300_single_gen2 (p300), and a p20_single_gen2 is attached"},
		{"mount", emulator.Faults{Pipettes: map[string]string{"left": "p300_single_gen2"}}, exitCannot, "and nothing is attached"},
		{"analysis", emulator.Faults{AnalysisError: "no such thing"}, exitCannot, "the robot's own analysis refuses the plan, and nothing has moved: "},
		{"command", at("3.1", mishap.CommandFailed), exitFailed, "small.yaml:11: step 3 (steps[0]/B1/dispense): "},
		{"App", at("3.1", mishap.Stopped), exitStopped, "cut off: the run was stopped"},
		{"reboot", at("3.1", mishap.Rebooted), exitFailed, "look at the deck, the tips and the wells before the robot moves again"},
		{"500", emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: "GET /runs/*", Nth: 2, Do: mishap.Error500}}}}, exitFine, "the robot answers with error 500"},
		{"page", emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: "GET /health", Do: mishap.HTMLOK}}}}, exitCannot, "a web page"},
		{"lost after play", emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: "POST /runs/*/actions", Do: mishap.CutAfter}}}}, exitFine, ""},
		{"lost before play", emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: "POST /runs/*/actions", Do: mishap.CutBefore}}}}, exitFine, "the connection is lost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, address := emulated(t, emulator.Options{Faults: c.faults})
			code, stdout, stderr := called([]string{"apply", written(t, robotWorkflow), "--robot", address, "--yes", "--patience", "30s"}, "\n")
			if code != c.code || !strings.Contains(stderr, c.says) {
				t.Errorf("exit %d, want %d, saying %q:\n%s%s", code, c.code, c.says, stdout, stderr)
			}
			if code == exitFine && !strings.Contains(stdout, "small: done, 9 of 9 steps on emulated") {
				t.Errorf("%s", stdout)
			}
			moved := 0
			if r := e.Result(); r != nil {
				moved = r.Steps
			}
			if code == exitCannot && moved > 0 && !c.faults.Busy {
				t.Error("the robot moved")
			}
		})
	}
}

func TestApplyAsks(t *testing.T) {
	file := written(t, robotWorkflow)
	for stdin, want := range map[string]int{"": exitUsage, "n\n": exitStopped, "y\n\n": exitFine, "y\nstop\n": exitStopped} {
		_, address := emulated(t, emulator.Options{})
		code, stdout, stderr := called([]string{"apply", file, "--robot", address}, stdin)
		if code != want || !strings.Contains(stderr, "Carry this out on emulated (OT-2, software 8.2.0, p300_single_gen2 right)? [y/N") {
			t.Errorf("%q: exit %d, want %d\n%s%s", stdin, code, want, stdout, stderr)
		}
	}
}

// Where nobody can answer, --yes or not, a robot waits at a pause, and goes on
// when somebody in front of it says so.
func TestPauseOnARobotWaitsForAPerson(t *testing.T) {
	_, address := emulated(t, emulator.Options{})
	type ended struct {
		code           int
		stdout, stderr string
	}
	done := make(chan ended, 1)
	go func() {
		code, stdout, stderr := called([]string{"apply", written(t, robotWorkflow), "--robot", address, "--yes"}, "")
		done <- ended{code, stdout, stderr}
	}()
	run := pausedRun(t, address)
	select {
	case e := <-done:
		t.Fatalf("it did not wait: exit %d\n%s%s", e.code, e.stdout, e.stderr)
	case <-time.After(3 * time.Second): // it has seen by then that the robot waits
	}
	robotPost(t, address+"/runs/"+run+"/actions", `{"data":{"actionType":"play"}}`)
	if e := <-done; e.code != exitFine || !strings.Contains(e.stderr, "nobody is there to answer, and the robot waits") {
		t.Errorf("exit %d\n%s%s", e.code, e.stdout, e.stderr)
	}
}

// pausedRun waits until the robot's current run is paused and returns its id.
func pausedRun(t *testing.T, address string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/runs", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Opentrons-Version", "*")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var runs struct {
			Data []struct{ ID, Status string }
		}
		err = json.NewDecoder(res.Body).Decode(&runs)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if n := len(runs.Data); n > 0 && runs.Data[n-1].Status == "paused" {
			return runs.Data[n-1].ID
		}
	}
	t.Fatal("the robot never paused")
	return ""
}

func robotPost(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Opentrons-Version", "*")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Fatal(res.Status)
	}
}

// asSchema makes sure that a document has the members its schema names, and no
// others, all the way down.
func asSchema(t *testing.T, name, document string) {
	t.Helper()
	data, _ := schema.Schema(name)
	var want map[string]any
	var got any
	if err := errors.Join(json.Unmarshal(data, &want), json.Unmarshal([]byte(document), &got)); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	conforms(t, name, want, got)
}

func conforms(t *testing.T, path string, want map[string]any, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		properties, _ := want["properties"].(map[string]any)
		for key, v := range value {
			inner, ok := properties[key].(map[string]any)
			if !ok {
				inner, ok = want["additionalProperties"].(map[string]any)
			}
			if !ok && properties != nil {
				t.Errorf("the schema has no %s/%s", path, key)
			}
			conforms(t, path+"/"+key, inner, v)
		}
		required, _ := want["required"].([]any)
		for _, key := range required {
			if value[key.(string)] == nil {
				t.Errorf("%s has no %s", path, key)
			}
		}
	case []any:
		items, _ := want["items"].(map[string]any)
		for _, v := range value {
			conforms(t, path+"/items", items, v)
		}
	default:
		if list, ok := want["enum"].([]any); ok && !slices.Contains(list, value) {
			t.Errorf("%s is %v, which its schema does not have", path, value)
		}
		if c := want["const"]; c != nil && c != value {
			t.Errorf("%s is %v, which its schema does not have", path, value)
		}
	}
}

func TestApplyAbsent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	code, _, stderr := called([]string{"apply", written(t, robotWorkflow), "--robot", address, "--yes"}, "\n")
	if code != exitCannot || !strings.Contains(stderr, "nothing answers at http://"+address) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestApplyJSON(t *testing.T) {
	_, address := emulated(t, emulator.Options{})
	code, stdout, stderr := called([]string{"apply", written(t, robotWorkflow), "--robot", address, "--yes", "--format", "json"}, "\n")
	if code != exitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	asSchema(t, "run", stdout)
	var got struct {
		Result string
		Done   int
		ByPlan struct{ Wells map[string]any } `json:"by_plan"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Result != "ok" || got.Done != 9 || len(got.ByPlan.Wells) != 3 {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestRobots(t *testing.T) {
	_, address := emulated(t, emulator.Options{})
	code, stdout, stderr := called([]string{"robots", address}, "")
	want := "emulated  " + address + "  software 8.2.0  p300_single_gen2 right  free\n"
	if code != exitFine || stdout != want {
		t.Errorf("exit %d: %q%s", code, stdout, stderr)
	}
	code, stdout, stderr = called([]string{"robots", address, "127.0.0.1:1"}, "")
	if code != exitCannot || stdout != want || !strings.Contains(stderr, "nothing answers at http://127.0.0.1:1") {
		t.Errorf("exit %d: %q%s", code, stdout, stderr)
	}
	code, stdout, _ = called([]string{"robots", "--format", "json", address}, "")
	if asSchema(t, "robots", stdout); code != exitFine {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

func TestLabwarePadAndRobotVersion(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join("..", "..", "examples", "02-color-grid")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "workflow.yaml")
	_, address := emulated(t, emulator.Options{Version: "8.5.0"})
	code, _, stderr := called([]string{"apply", file, "--robot", address, "--yes"}, "")
	if code != exitCannot || !strings.Contains(stderr, "ot2flow labware pad ./labware/ac_color_sensor_charging_port.json") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, stdout, _ := called([]string{"lint", file, "--robot-version", "8.5"}, ""); code != exitFindings || !strings.Contains(stdout, "OTF704") {
		t.Errorf("exit %d: %s", code, stdout)
	}
	sensor := filepath.Join(dir, "labware", "ac_color_sensor_charging_port.json")
	if code, _, stderr := called([]string{"labware", "pad", sensor, "--out", sensor}, ""); code != exitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if code, stdout, _ := called([]string{"lint", file, "--robot-version", "8.8"}, ""); code != exitFine {
		t.Errorf("exit %d: %s", code, stdout)
	}
	if code, _, stderr := called([]string{"apply", file, "--robot", address, "--yes"}, ""); code != exitFine || !strings.Contains(stderr, "have the tool from sensor.A2 on; a stop at once would throw it into the trash") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// A connection that stays away is given up when patience is over, with how to
// see how it goes on.
func TestApplyLeaves(t *testing.T) {
	_, address := emulated(t, emulator.Options{Clock: &emulator.Manual{}, Faults: emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: "GET /runs/*", Nth: 2, Times: -1, Do: mishap.CutBefore}}}}})
	start := time.Now()
	code, stdout, stderr := called([]string{"apply", written(t, robotWorkflow), "--robot", address, "--yes", "--patience", "1s"}, "\n")
	if code != exitCannot || !strings.Contains(stderr, "the robot was left to itself; see how it goes on in the Opentrons App, or ask "+address+"/runs/") {
		t.Errorf("exit %d after %s: %s%s", code, time.Since(start), stdout, stderr)
	}
}
