package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// A run is paused, let go on and stopped from another process than the one that
// follows it; each is told when the robot has done it.
func TestAskAnotherProcess(t *testing.T) {
	e, address := emulated(t, emulator.Options{Clock: emulator.Scaled(8)})
	state := filepath.Join(t.TempDir(), "runs.db")
	workflow := written(t, strings.Replace(robotWorkflow, "  - pause: look at B1\n", strings.Repeat("  - transfer: {from: plate.A1, to: plate.D1, volume: 20 uL}\n", 4), 1))
	begun, ended := make(chan struct{}), make(chan int, 1)
	seen := &teller{text: "step ", tell: begun}
	go func() {
		ended <- ot2flow([]string{"apply", workflow, "--robot", address, "--yes", "--state", state}, strings.NewReader(""), io.Discard, seen)
	}()
	select {
	case <-begun:
	case code := <-ended:
		t.Fatal(code, seen.seen)
	case <-time.After(time.Minute):
		t.Fatal("it does not begin")
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"runs", "resume", "last"}, exitCannot, "nothing has to be gone on with"},
		{[]string{"runs", "pause", "last", "--by", "Ada"}, exitFine, "the robot is paused: "},
		{[]string{"runs", "pause", "last"}, exitFine, "paused already"},
		{[]string{"runs", "resume", "last"}, exitFine, "the robot goes on with run"},
		{[]string{"runs", "stop", "last", "--now"}, exitFine, ": stopped, "},
		{[]string{"runs", "stop", "last"}, exitUsage, "is over: stopped"},
		{[]string{"runs", "pause", "nobody"}, exitUsage, "nobody"},
	} {
		code, stdout, stderr := called(append(c.args, "--state", state), "")
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Fatalf("%v: exit %d, want %d saying %q:\n%s%s", c.args, code, c.code, c.says, stdout, stderr)
		}
	}
	if code := <-ended; code != exitStopped {
		t.Errorf("apply: exit %d, want %d", code, exitStopped)
	}
	if r := e.Result(); r == nil || r.Steps == 0 {
		t.Error("nothing was done")
	}
	_, shown, _ := called([]string{"runs", "show", "last", "--state", state}, "")
	if !strings.Contains(shown, "Ada at ") {
		t.Errorf("the journal does not say who asked:\n%s", shown)
	}
}

// teller closes tell once text was written.
type teller struct {
	text, seen string
	tell       chan struct{}
}

func (w *teller) Write(p []byte) (int, error) {
	w.seen += string(p)
	if w.tell != nil {
		if strings.Contains(w.seen, w.text) {
			close(w.tell)
			w.tell = nil
		}
	}
	return len(p), nil
}

// A run that nobody follows is paused and stopped on its robot.
func TestAskRobot(t *testing.T) {
	lost := mishap.Answer{On: "GET /runs/*", Nth: 6, Times: 4, Do: mishap.CutBefore}
	_, address := emulated(t, emulator.Options{Clock: emulator.Scaled(4), Faults: emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{lost}}}})
	state := filepath.Join(t.TempDir(), "runs.db")
	workflow := written(t, strings.Replace(robotWorkflow, "  - pause: look at B1\n", strings.Repeat("  - transfer: {from: plate.A1, to: plate.D1, volume: 20 uL}\n", 4), 1))
	if _, _, stderr := called([]string{"apply", workflow, "--robot", address, "--yes", "--patience", "1ms", "--state", state}, ""); !strings.Contains(stderr, "left under way") {
		t.Fatal(stderr)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"runs", "pause", "last", "--now"}, exitFine, "go on with: ot2flow runs resume"},
		{[]string{"runs", "stop", "last", "--now"}, exitFine, ": stopped, "},
		{[]string{"runs", "stop", "last"}, exitUsage, "is over: stopped"},
	} {
		code, stdout, stderr := called(append(c.args, "--state", state), "")
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Fatalf("%v: exit %d, want %d saying %q:\n%s%s", c.args, code, c.code, c.says, stdout, stderr)
		}
	}
}
