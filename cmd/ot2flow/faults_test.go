package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// tapping is a person who presses Enter every now and then, for as long as
// somebody reads it.
type tapping struct{}

func (tapping) Read(p []byte) (int, error) {
	time.Sleep(100 * time.Millisecond)
	p[0] = '\n'
	return 1, nil
}

// attended is called with a person at the terminal.
func attended(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = ot2flow(args, tapping{}, &out, &errs)
	return code, out.String(), errs.String()
}

// Every script of examples/faults: what a person sees of it, on the emulator and
// on the simulator, and how the run ends, after what the person does then. In
// the end the plate is as it should be, but where the run was given up.
func TestFaultScripts(t *testing.T) {
	const (
		failed = "The robot did not get to the end of"
	)
	type call struct {
		args string
		code int
		says string
	}
	resume := call{"runs resume last --yes", exitFine, "goes on with step"}
	for _, c := range []struct {
		file  string
		code  int
		says  []string
		calls []call
		gone  bool // nothing was done
		sim   int
		sims  string
	}{
		{file: "connection-lost-before", code: exitFine, says: []string{"the connection is lost"}, sim: exitFine, sims: "the connection is lost"},
		{file: "connection-lost-after", code: exitFine, sim: exitFine, sims: "the connection is lost"},
		{file: "connection-lost", code: exitFine, says: []string{"the connection is lost", "trying again, the robot goes on by itself meanwhile"}, sim: exitFine, sims: "the connection is lost"},
		{file: "slow", code: exitFine, sim: exitFine},
		{file: "error-409", code: exitCannot, says: []string{"somebody else took the robot before the run was started; nothing has moved"}, gone: true, sim: exitFailed, sims: "the simulated robot says no"},
		{file: "error-500", code: exitFine, says: []string{"the robot answers with error 500", "trying again"}, sim: exitFine, sims: "trying again"},
		{file: "door-opened", code: exitFine, says: []string{"the robot waits because its door is open; close it", "the robot is paused; press Enter to go on"}, sim: exitFine, sims: "the robot waits because its door is open; press Enter, and it counts as closed"},
		{file: "paused-in-the-app", code: exitFine, says: []string{"the robot is paused; press Enter to go on, or resume it in the Opentrons App"}, sim: exitFine, sims: "paused"},
		{file: "clock-jumped", code: exitFine, sim: exitFine},
		{file: "tip-not-picked-up", code: exitFailed, says: []string{"step 1 (steps[0]/red/pick_up_tip): no tip was picked up", "what remains can be gone on with: ot2flow runs resume"}, calls: []call{
			{resume.args, exitFailed, failed + " step 1 of run"},
			{"runs answer last redo --by Ada", exitFine, "kept; go on with"},
			resume,
		}, sim: exitFailed, sims: "no tip was picked up"},
		{file: "command-failed", code: exitFailed, says: []string{"step 3 (steps[0]/red/dispense): RuntimeError: the plunger sticks"}, calls: []call{
			{resume.args, exitFailed, failed + " step 3 of run"},
			{"runs answer last redo", exitFine, "kept; go on with"},
			{resume.args, exitFine, "draw 100 uL of paints.B1 again, which went with the tip that is lost"},
		}, sim: exitFailed, sims: "the plunger sticks"},
		{file: "stopped-in-the-app", code: exitStopped, says: []string{"cut off: the run was stopped while the robot was at it"}, calls: []call{
			{resume.args, exitFailed, failed + " step 3 of run"},
			{"runs answer last done", exitFine, "kept; go on with"},
			resume,
		}, sim: exitFailed, sims: "stopped"},
		{file: "rebooted", code: exitFailed, says: []string{"look at the deck, the tips and the wells before the robot moves again", "the robot was restarted in the middle of the run and has forgotten what it did"}, calls: []call{
			{resume.args, exitFailed, "Nobody knows which of steps"},
			{"runs answer last done", exitUsage, "say up to which one with --to"},
			{"runs answer last done --to 7", exitFine, "kept; go on with"},
			{resume.args, exitFine, "drop whatever is on p300 into the trash"},
		}, sim: exitFailed, sims: "the simulated robot was restarted in the middle of the run"},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			script := filepath.Join("..", "..", "examples", "faults", c.file+".yaml")
			workflow := filepath.Join("..", "..", "examples", "01-mix-colors", "workflow.yaml")
			faults, err := faultsFrom(script)
			if err != nil {
				t.Fatal(err)
			}
			_, address := emulated(t, emulator.Options{Faults: faults})
			state := filepath.Join(t.TempDir(), "runs.db")
			want := func(code, wanted int, stdout, stderr string, says ...string) {
				t.Helper()
				for _, text := range says {
					if code != wanted || !strings.Contains(stderr, text) {
						t.Fatalf("exit %d, want %d saying %q:\n%s%s", code, wanted, text, stdout, stderr)
					}
				}
			}
			code, stdout, stderr := attended("apply", workflow, "--robot", address, "--yes", "--state", state)
			want(code, c.code, stdout, stderr, append(c.says, "")...)
			for _, one := range c.calls {
				code, stdout, stderr = attended(append(strings.Fields(one.args), "--state", state)...)
				want(code, one.code, stdout, stderr, one.says)
			}
			if !c.gone && !strings.Contains(stdout, "plate.A1       180 uL    red 100 uL, yellow 50 uL, blue 30 uL") {
				t.Errorf("it ends with\n%s", stdout)
			}
			code, stdout, stderr = attended("apply", workflow, "--robot", "sim", "--faults", script, "--yes", "--state", "none")
			want(code, c.sim, stdout, stderr, c.sims)
			tried.Store(c.file, faults)
		})
	}
	t.Cleanup(func() { allTried(t) })
}

// tried holds what TestFaultScripts read, by file.
var tried sync.Map

// allTried: no script of the folder is left out, and no kind of event.
func allTried(t *testing.T) {
	files, err := os.ReadDir(filepath.Join("..", "..", "examples", "faults"))
	if err != nil || t.Failed() {
		return
	}
	var kinds []mishap.Kind
	for _, f := range files {
		faults, ok := tried.Load(strings.TrimSuffix(f.Name(), ".yaml"))
		if !ok {
			t.Errorf("nobody tries %s", f.Name())
			continue
		}
		for _, e := range faults.(emulator.Faults).Events {
			kinds = append(kinds, e.Do)
		}
	}
	for _, k := range mishap.Kinds() {
		if !slices.Contains(kinds, k) {
			t.Errorf("no script has %s", k)
		}
	}
}
