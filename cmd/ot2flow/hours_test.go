package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

// Hours of waiting take no time where time is virtual: on the simulator, which says
// how long a robot would take, and on an emulated robot on which no time passes.
func TestHoursOfWaiting(t *testing.T) {
	workflow := written(t, `ot2flow: 1
name: overnight
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
steps:
  - ask: {message: is it mixed already, default: false, timeout: 6 h}
    as: mixed
  - timeout: 13 h
    if: not mixed
    delay: 12 h
  - delay: 30 min
`)
	_, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	for _, robot := range []string{"sim", address} {
		code, stdout, stderr := called([]string{"apply", workflow, "--robot", robot, "--state", filepath.Join(t.TempDir(), "runs.db")}, "y\nno\n")
		if code != exitFine || !strings.Contains(stderr, "about 12 h 30 min on the robot") || robot == "sim" && !strings.Contains(stdout, "done, 3 steps, about 12 h 30 min on the robot") {
			t.Errorf("on %s: exit %d\n%s%s", robot, code, stdout, stderr)
		}
	}
}
