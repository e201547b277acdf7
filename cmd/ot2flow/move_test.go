package main

import (
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

// A move of labware waits for a person, who is told what from where to where,
// and sees it on the deck.
func TestMovesWaitForAPerson(t *testing.T) {
	const file = "../../ot2/testdata/exports/modules/workflow.yaml"
	_, address := emulated(t, emulator.Options{Modules: []string{"temperature_module_gen2", "heater_shaker_gen1", "magnetic_module_gen2", "thermocycler_gen2"}})
	for _, where := range [][]string{{"--robot", address}} {
		args := append([]string{"apply", file, "--yes", "--state", t.TempDir() + "/journal.db"}, where...)
		code, _, stderr := called(args, strings.Repeat("\n", 6))
		if code != exitFine {
			t.Fatalf("%v: exit %d: %s", where, code, stderr)
		}
		if got := strings.Count(stderr, "Press Enter to go on, or type stop: "); got != 6 {
			t.Errorf("%v: a person was asked %d times, for 6 moves: %s", where, got, stderr)
		}
		for _, want := range []string{
			"Pause at step 53: move pcr from tc (slot 7) to slot 2: seal it first\n",
			"\n   7 [pcr] on tc           8 tc                    9 beads on mag\n",
			"\n   1 warm on warm_adapte…  2 [here]                3 cold on cold_adapte…\n  beside the robot:  later\n",
		} {
			if !strings.Contains(stderr, want) {
				t.Errorf("%v: %q is not in\n%s", where, want, stderr)
			}
		}
		code, _, stderr = called(args, "stop\n")
		if code != exitStopped || strings.Count(stderr, "Press Enter") != 1 {
			t.Errorf("%v: exit %d: %s", where, code, stderr)
		}
	}
}
