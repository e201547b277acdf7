package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

const recoverWorkflow = `ot2flow: 1
name: rinse
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: plate.A1, volume: 300 uL}
steps:
  - transfer: {from: plate.A1, to: plate.D1, volume: 30 uL}
`

// Runs that break are gone on with, as a person at a terminal does it.
func TestResume(t *testing.T) {
	type call struct {
		args []string // RUN stands for the run, FILE for a recovery workflow
		code int
		says string
	}
	resume := []string{"runs", "resume", "RUN", "--yes"}
	answer := func(words ...string) []string { return append([]string{"runs", "answer", "RUN"}, words...) }
	for _, c := range []struct {
		name  string
		event mishap.Event
		calls []call
		wells string // of the whole run in the end
	}{
		{"stopped in a dispense", mishap.Event{At: "3.1", Do: mishap.Stopped}, []call{
			{resume, exitFailed, "Nobody knows whether step 3 of run"},
			{answer("done", "--to", "7"), exitUsage, "the steps in question are 3 to 3"},
			{answer("perhaps"), exitUsage, "there is no answer perhaps"},
			{answer("redo", "--by", "Ada"), exitFine, "go on with"},
			{resume, exitFine, "draw 100 uL of plate.A1 again"},
			{resume, exitFine, "is done"},
			{answer("done"), exitUsage, "there is nothing to decide"},
		}, " C1 "},
		{"stopped in a dispense that happened", mishap.Event{At: "3.1", Do: mishap.Stopped}, []call{
			{answer("done"), exitFine, "go on with"},
			{resume, exitFine, "goes on with step 4 of 9"},
		}, "plate.A1 B1 C1 100 uL"},
		{"stopped while the tip is dropped", mishap.Event{At: "4.1", Do: mishap.Stopped}, []call{
			{resume, exitFine, "goes on with step 5 of 9"},
		}, " C1 "},
		{"no tip", mishap.Event{At: "1.1", Do: mishap.TipMissed}, []call{
			{resume, exitFailed, "no tip was picked up"},
			{answer("skip"), exitFine, ""},
			{resume, exitFine, "pick up a new tip from tips.A1 with p300"},
		}, " C1 "},
		{"restarted", mishap.Event{At: "4.1", Do: mishap.Rebooted, Requests: 2}, []call{
			{[]string{"apply", "WORKFLOW", "--yes"}, exitCannot, "is in doubt, and nobody has decided"},
			{answer("done"), exitUsage, "say up to which one with --to"},
			{answer("done", "--to", "3"), exitFine, ""},
			{resume, exitFine, "drop whatever is on p300 into the trash"},
		}, " C1 "},
		{"restarted, and given up", mishap.Event{At: "4.1", Do: mishap.Rebooted, Requests: 2}, []call{
			{answer("abort"), exitFine, "take it off before anything else moves"},
			{resume, exitCannot, "the run was given up"},
			{[]string{"apply", "WORKFLOW", "--yes"}, exitFine, ""},
		}, ""},
		{"a recovery workflow first", mishap.Event{At: "3.1", Do: mishap.Stopped}, []call{
			{answer("skip"), exitFine, ""},
			{append(resume, "--with", "FILE"), exitFine, "steps of the recovery workflow"},
		}, "D1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, address := emulated(t, emulator.Options{Faults: emulator.Faults{Script: mishap.Script{Events: []mishap.Event{c.event}}}})
			state := filepath.Join(t.TempDir(), "runs.db")
			workflow, recovery := written(t, robotWorkflow), written(t, recoverWorkflow)
			words := strings.NewReplacer("RUN", "last", "FILE", recovery, "WORKFLOW", workflow)
			called([]string{"apply", workflow, "--robot", address, "--yes", "--state", state}, "\n")
			for _, one := range c.calls {
				var args []string
				for _, a := range one.args {
					args = append(args, words.Replace(a))
				}
				args = append(args, "--state", state)
				if args[0] == "apply" {
					args = append(args, "--robot", address)
				}
				code, stdout, stderr := called(args, "\n\n")
				if code != one.code || !strings.Contains(stderr, one.says) {
					t.Fatalf("%v: exit %d, want %d saying %q:\n%s%s", one.args, code, one.code, one.says, stdout, stderr)
				}
				if code == exitFine && one.args[1] == "resume" && stdout != "" && c.wells != "" && !strings.Contains(stdout, c.wells) {
					t.Errorf("%q is missing:\n%s", c.wells, stdout)
				}
			}
		})
	}
}
