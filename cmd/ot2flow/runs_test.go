package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// journalled runs commands that share a journal of their own.
func journalled(t *testing.T) (state string, call func(args ...string) string) {
	t.Helper()
	state = filepath.Join(t.TempDir(), "journal.db")
	return state, func(args ...string) string {
		t.Helper()
		code, stdout, stderr := called(append(args, "--state", state), "\n")
		if code != exitFine {
			t.Fatalf("%v: exit %d: %s", args, code, stderr)
		}
		return stdout
	}
}

// A run on a robot is kept, shown, exported, and repeated to the byte.
func TestRunsOfARobot(t *testing.T) {
	_, address := emulated(t, emulator.Options{Serial: "OT2CEP20"})
	_, bad := emulated(t, emulator.Options{Serial: "OT2CEP21", Faults: emulator.Faults{Script: mishap.Script{Events: []mishap.Event{{At: "3.1", Do: mishap.CommandFailed, Detail: "it broke"}}}}})
	state, call := journalled(t)
	file := written(t, robotWorkflow)
	plan := filepath.Join(t.TempDir(), "plan.json")
	if code, _, stderr := called([]string{"plan", file, "--out", plan, "--quiet"}, ""); code != exitFine {
		t.Fatal(stderr)
	}
	call("apply", file, "--robot", address, "--yes")
	if code, _, stderr := called([]string{"apply", file, "--robot", bad, "--yes", "--state", state}, "\n"); code != exitFailed {
		t.Fatal(stderr)
	}
	list := call("runs")
	if want := regexp.MustCompile(`^\d{6}-\w{4}  \S+ \S+  small  emulated  2 of 9 steps +\d+ s +failed at step 3\n\d{6}-\w{4}  \S+ \S+  small  emulated  9 of 9 steps +\d+ s +ok\n$`); !want.MatchString(list) {
		t.Errorf("%s", list)
	}
	ok := strings.Fields(strings.Split(list, "\n")[1])[0]
	asSchema(t, "runs", call("runs", "list", "--format", "json", "--limit", "1"))
	if got := call("runs", "list", "--result", "failed", "--format", "csv"); strings.Count(got, "\n") != 2 || !strings.Contains(got, "OT2CEP21") {
		t.Errorf("%s", got)
	}
	show := call("runs", "show", ok)
	for _, want := range []string{"on emulated (http://127.0.0.1:", "serial number OT2CEP20, software 8.2.0", "1    ", "pick up tip     tips.A1", "step 5 waits for a person: look at B1", "ok, 9 of 9 steps"} {
		if !strings.Contains(show, want) {
			t.Errorf("%q is missing:\n%s", want, show)
		}
	}
	if short := call("runs", "show", ok, "--short"); strings.Contains(short, "pick up tip") || !strings.Contains(short, "waits for a person") {
		t.Errorf("%s", short)
	}
	if failed := call("runs", "show", "last"); !strings.Contains(failed, ": failed: ") || !strings.Contains(failed, "failed at step 3, 2 of 9 steps") {
		t.Errorf("%s", failed)
	}
	asSchema(t, "journal", call("runs", "show", "last", "--format", "json"))
	asSchema(t, "journal", call("runs", "export", "--all"))
	rows, err := csv.NewReader(strings.NewReader(call("runs", "export", ok, "--format", "csv"))).ReadAll()
	if err != nil || len(rows) != 10 || rows[2][5] != "aspirate" || rows[2][6] != "plate.A1" || rows[2][7] != "100" || rows[9][11] != "done" {
		t.Errorf("%v %v", rows, err)
	}
	again := filepath.Join(t.TempDir(), "again.json")
	call("runs", "repeat", ok, "--out", again)
	if a, b := readAll(t, plan), readAll(t, again); a != b {
		t.Errorf("the plan of the run is not the plan:\n%s\n%s", a, b)
	}
	call("runs", "repeat", ok, "--robot", address, "--yes", "--new", "all")
	if show := call("runs", "show", "last"); !strings.Contains(show, "repeats run "+ok) {
		t.Errorf("%s", show)
	}
	if got := call("runs", "prune", "--older-than", "0d", "--dry-run"); !strings.HasPrefix(got, "would remove 3 runs with ") {
		t.Errorf("%s", got)
	}
	if got := call("runs", "prune", "--older-than", "0d"); !strings.HasPrefix(got, "removed 3 runs with ") {
		t.Errorf("%s", got)
	}
	if got := call("runs"); got != "" {
		t.Errorf("%s", got)
	}
}

func readAll(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A second apply is told who has the robot also where it would find, by what is
// known of the deck just now, that the tip is gone which the first has on.
func TestOneOwnerWithATipOn(t *testing.T) {
	_, address := emulated(t, emulator.Options{})
	state, _ := journalled(t)
	text := strings.Replace(robotWorkflow, "volume: 300 uL}", "volume: 300 uL, tip: tips.A1}", 1)
	at := strings.Index(text, "steps:")
	file := written(t, text[:at]+"steps:\n  - pick_up_tip: {from: tips.A1}\n  - pause: look at the tip\n  - return_tip:\n")
	first := make(chan int, 1)
	go func() {
		code, _, _ := called([]string{"apply", file, "--robot", address, "--yes", "--state", state}, "")
		first <- code
	}()
	robotRun := pausedRun(t, address)
	code, _, stderr := called([]string{"apply", file, "--robot", address, "--yes", "--state", state}, "")
	if code != exitCannot || !strings.Contains(stderr, "this robot is in use by") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	robotPost(t, address+"/runs/"+robotRun+"/actions", `{"data":{"actionType":"play"}}`)
	if code := <-first; code != exitFine {
		t.Errorf("exit %d", code)
	}
}

// A second apply is told who has the robot; what is followed from outside ends
// with the run.
func TestOneOwner(t *testing.T) {
	_, address := emulated(t, emulator.Options{})
	state, call := journalled(t)
	file := written(t, robotWorkflow)
	type ended struct {
		code           int
		stdout, stderr string
	}
	first, follow := make(chan ended, 1), make(chan ended, 1)
	go func() {
		code, stdout, stderr := called([]string{"apply", file, "--robot", address, "--yes", "--state", state}, "")
		first <- ended{code, stdout, stderr}
	}()
	robotRun := pausedRun(t, address)
	code, _, stderr := called([]string{"apply", file, "--robot", address, "--yes", "--state", state}, "")
	if want := regexp.MustCompile(`this robot is in use by \S+ on \S+ \(process \d+\) since .+, for run \d{6}-\w{4}\n$`); code != exitCannot || !want.MatchString(stderr) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	list := ""
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(list, "waits for a person at step 5"); time.Sleep(10 * time.Millisecond) {
		if list = call("runs"); time.Now().After(deadline) {
			t.Fatalf("%s", list)
		}
	}
	go func() {
		code, stdout, stderr := called([]string{"runs", "show", "last", "--follow", "--state", state}, "")
		follow <- ended{code, stdout, stderr}
	}()
	time.Sleep(50 * time.Millisecond) // so that it has something to wait for; it is right without it too
	robotPost(t, address+"/runs/"+robotRun+"/actions", `{"data":{"actionType":"play"}}`)
	if e := <-first; e.code != exitFine {
		t.Errorf("exit %d: %s", e.code, e.stderr)
	}
	if e := <-follow; e.code != exitFine || !strings.Contains(e.stdout, "ok, 9 of 9 steps") || strings.Count(e.stdout, "pick up tip") != 2 {
		t.Errorf("exit %d: %s%s", e.code, e.stdout, e.stderr)
	}
}

// What was left under way has to be found out about before anything else is
// done on that robot.
func TestUnfinishedRunComesFirst(t *testing.T) {
	_, address := emulated(t, emulator.Options{Clock: &emulator.Manual{}, Faults: emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: "GET /runs/*", Nth: 2, Times: -1, Do: mishap.CutBefore}}}}})
	state, call := journalled(t)
	args := []string{"apply", written(t, robotWorkflow), "--robot", address, "--yes", "--state", state, "--patience", "1s"}
	if code, _, stderr := called(args, ""); code != exitCannot {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	id := strings.Fields(call("runs"))[0]
	if list := call("runs", "list", "--result", "left"); !strings.Contains(list, id) || !strings.Contains(list, "left under way") {
		t.Errorf("%s", list)
	}
	code, _, stderr := called(args, "")
	if want := "run " + id + " on this robot is not over, and the robot does not say what became of it; go on with it first: ot2flow runs resume " + id; code != exitCannot || !strings.Contains(stderr, want) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if got := call("runs", "prune", "--older-than", "0d"); !strings.HasPrefix(got, "removed 0 runs") {
		t.Errorf("%s", got)
	}
}

// What can be wrong with a journal, as a person at a terminal meets it.
func TestBadJournals(t *testing.T) {
	file := written(t, robotWorkflow)
	dir := t.TempDir()
	text, empty := filepath.Join(dir, "notes.txt"), filepath.Join(dir, "empty")
	if err := errors.Join(os.WriteFile(text, bytes.Repeat([]byte("my notes\n"), 1000), 0o600), os.WriteFile(empty, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	notes := readAll(t, text)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"apply", file, "--robot", "sim", "--yes", "--state", text}, exitCannot, "is not a journal of ot2flow, and was left as it is; name another file with --state"},
		{[]string{"runs", "--state", text}, exitCannot, "is not a journal of ot2flow"},
		{[]string{"apply", file, "--robot", "sim", "--yes", "--state", filepath.Join(text, "x")}, exitCannot, "not a directory"},
		{[]string{"apply", file, "--robot", "sim", "--yes", "--state", filepath.Join(text, "x")}, exitCannot, "--state none simulates without one"},
		{[]string{"apply", file, "--robot", "sim", "--yes", "--quiet", "--state", dir}, exitFine, ""},
		{[]string{"runs", "show", "x", "--state", filepath.Join(dir, "journal.db")}, exitUsage, "there is no run x"},
		{[]string{"apply", file, "--robot", "sim", "--yes", "--state", "none", "--quiet"}, exitFine, ""},
		{[]string{"runs", "--state", filepath.Join(dir, "gone.db")}, exitCannot, "no such file"},
		{[]string{"runs", "show", "--state", empty}, exitUsage, "name a run"},
		{[]string{"apply", file, "--robot", "sim", "--yes", "--quiet", "--state", empty}, exitFine, ""},
		{[]string{"runs", "show", "x", "--state", empty}, exitUsage, "there is no run x"},
		{[]string{"runs", "list", "--result", "good", "--state", empty}, exitUsage, "--result good: there are ok, failed"},
		{[]string{"runs", "list", "--since", "yesterday", "--state", empty}, exitUsage, "--since yesterday: write how long ago"},
		{[]string{"runs", "prune", "--state", empty}, exitUsage, "--older-than"},
		{[]string{"runs", "repeat", "last", "--state", empty}, exitUsage, "say where"},
		{[]string{"runs", "export", "--state", empty}, exitUsage, "name runs, or say --all"},
	} {
		code, _, stderr := called(c.args, "\n")
		if code != c.code || !strings.Contains(stderr, c.says) || c.says == "" && stderr != "" {
			t.Errorf("%v: exit %d, want %d, saying %q: %s", c.args, code, c.code, c.says, stderr)
		}
	}
	if readAll(t, text) != notes {
		t.Error("a file that is no journal was changed")
	}
}

func TestAges(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, "12h": 12 * time.Hour, "0d": 0, "d": -1, "": -1, "-1d": -1, "5": -1, "99999999999999d": -1, "200y": -1} {
		if got, ok := age(text); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v %v", text, got, ok)
		}
	}
}

// emptyJournal is how large a journal is of which nothing is known.
func emptyJournal(t *testing.T) int64 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.db")
	s, err := journal.Open(t.Context(), path, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// When the disk is full in mid-run, the robot is paused before it does what
// nobody would remember, and with room again the run goes on to its end, every
// step done once.
func TestDiskFull(t *testing.T) {
	e, address := emulated(t, emulator.Options{Clock: emulator.Scaled(300)})
	file := written(t, strings.Split(robotWorkflow, "steps:")[0]+"steps:\n  - pick_up_tip:\n  - repeat: 400\n    do:\n      - aspirate: {from: plate.A1, volume: 50 uL}\n      - dispense: {to: plate.A1, volume: 50 uL}\n  - drop_tip:\n")
	var out, errs bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &out, err: &errs, state: filepath.Join(t.TempDir(), "journal.db")}
	plan, err := a.plan(file)
	if err != nil {
		t.Fatal(err, &errs)
	}
	a.carrier.Opening = journal.Options{MaxBytes: emptyJournal(t) + 40<<10}
	first := newStatus(a, plan)
	job, err := a.service().Open(t.Context(), service.Order{Plan: plan, Robot: address, Say: first.say, Tell: a.tells})
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Begin(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	in := newLines(a.in)
	defer in.stop()
	err = a.carryOut(t.Context(), job, first, applying{yes: true, in: in})
	id := job.ID()
	job.Close()
	a.carrier.Close()
	if err == nil || !strings.Contains(err.Error(), "because the disk is full") || !strings.Contains(err.Error(), "the robot was asked to pause") || !strings.Contains(err.Error(), "ot2flow runs resume "+id) {
		t.Fatalf("%v\n%s%s", err, &out, &errs)
	}
	pausedRun(t, address)

	if code, stdout, stderr := called([]string{"runs", "resume", id, "--yes", "--state", a.state}, ""); code != exitFine {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	whole, other := emulated(t, emulator.Options{})
	if code, _, stderr := called([]string{"apply", file, "--robot", other, "--yes", "--state", a.state}, ""); code != exitFine {
		t.Fatal(stderr)
	}
	if got, want := e.Result(), whole.Result(); got.Steps != want.Steps {
		t.Errorf("the robot did %d steps, and %d in a run without a full disk", got.Steps, want.Steps)
	}
	code, stdout, stderr := called([]string{"runs", "show", id, "--short", "--state", a.state}, "")
	if code != exitFine || !strings.Contains(stdout, "followed again") || !strings.Contains(stdout, "ok, 802 of 802 steps") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}
