package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

const recoverWorkflow = benchDeck + water + `steps:
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
			{resume, exitFailed, "The robot did not get to the end of step 3 of run"},
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
			{[]string{"runs", "answer", "RUN"}, exitUsage, "asks nothing at the moment: in doubt, steps 1 to 5; after a look at the deck, decide with: ot2flow runs answer"},
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

// What is left in a lost tip of several wells, some of which was given, is drawn
// again where all of them hold the same stock; otherwise a person decides.
func TestResumeDrawsAgainWhatSeveralWellsGave(t *testing.T) {
	const workflow = benchDeck + `liquids: LIQUIDS
steps:
  - pick_up_tip:
  - aspirate: {from: plate.A1, volume: 50 uL}
  - aspirate: {from: plate.A2, volume: 50 uL}
  - dispense: {to: plate.B1, volume: 40 uL}
  - dispense: {to: plate.C1, volume: 60 uL}
  - drop_tip:
`
	for _, c := range []struct {
		liquids string
		code    int
		says    string
	}{
		{"{water: {in: [plate.A1, plate.A2], volume: 200 uL}}", exitFine, "draw 60 uL of plate.A2 again, which went with the tip that is lost"},
		{"{water: {in: plate.A1, volume: 200 uL}, dye: {in: plate.A2, volume: 200 uL}}", exitFailed, "of several wells, some of which was given already"},
	} {
		_, address := emulated(t, emulator.Options{Faults: emulator.Faults{Script: mishap.Script{Events: []mishap.Event{{At: "5.1", Do: mishap.Stopped}}}}})
		state := filepath.Join(t.TempDir(), "runs.db")
		called([]string{"apply", written(t, strings.Replace(workflow, "LIQUIDS", c.liquids, 1)), "--robot", address, "--yes", "--state", state}, "")
		if code, _, stderr := called([]string{"runs", "answer", "last", "redo", "--state", state}, ""); code != exitFine {
			t.Fatal(stderr)
		}
		code, stdout, stderr := called([]string{"runs", "resume", "last", "--yes", "--state", state}, "")
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("exit %d, want %d saying %q:\n%s%s", code, c.code, c.says, stdout, stderr)
		}
	}
}

// movedWorkflow has the deck other than at its start, in the middle of it.
const movedWorkflow = `ot2flow: 1
name: moved
labware:
  plate: {type: nest_96_wellplate_100ul_pcr_full_skirt, slot: 5}
  trough: {type: nest_12_reservoir_15ml, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 6}
  ones: {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  m300: {type: p300_multi_gen2, mount: left, tips: [tips]}
  p300: {type: p300_single_gen2, mount: right, tips: [ones]}
liquids:
  water: {in: trough.A1, volume: 15 mL}
steps:
  - transfer: {from: water, to: plate.A1, volume: 30 uL, pipette: m300}
  - move_labware: {labware: plate, to: 2}
  - transfer: {from: water, to: plate.H2, volume: 40 uL, pipette: m300, nozzles: H1}
  - transfer: {from: water, to: plate.A3, volume: 50 uL, pipette: p300}
`

// A run in which labware was moved and nozzles were chosen is gone on
// with on the deck as it is then, wherever the robot is restarted or stopped.
func TestResumeOnAnotherDeck(t *testing.T) {
	workflow := written(t, movedWorkflow)
	both := map[string]string{"left": "p300_multi_gen2", "right": "p300_single_gen2"}
	_, address := emulated(t, emulator.Options{Pipettes: both})
	code, want, stderr := called([]string{"apply", workflow, "--robot", address, "--yes"}, "\n\n\n")
	if code != exitFine {
		t.Fatal(stderr)
	}
	want = plateOf(want)
	for _, do := range []mishap.Kind{mishap.Stopped, mishap.Rebooted} {
		for _, step := range []int{3, 5, 6, 7, 8, 9, 11} {
			t.Run(fmt.Sprint(do, " ", step), func(t *testing.T) {
				t.Parallel()
				event := mishap.Event{At: fmt.Sprint(step), Do: do}
				if do == mishap.Rebooted {
					event.Requests = 2
				}
				_, address := emulated(t, emulator.Options{Pipettes: both, Faults: emulator.Faults{Script: mishap.Script{Events: []mishap.Event{event}}}})
				state := filepath.Join(t.TempDir(), "runs.db")
				code, stdout, stderr := called([]string{"apply", workflow, "--robot", address, "--yes", "--state", state}, "\n\n\n")
				for range 2 {
					if strings.Contains(stderr, "waits for a decision") || strings.Contains(stderr, "in doubt") {
						// What came before the step happened, and it did not.
						for _, answer := range [][]string{{"done", "--to", fmt.Sprint(step - 1)}, {"redo"}} {
							if code, _, _ = called(append([]string{"runs", "answer", "last", "--state", state}, answer...), ""); code == exitFine {
								break
							}
						}
						if code != exitFine {
							t.Fatal("no answer is taken")
						}
						code = exitFailed
					}
					if code == exitFine {
						break
					}
					code, stdout, stderr = called([]string{"runs", "resume", "last", "--yes", "--ready", "--state", state}, "\n\n\n")
				}
				if code != exitFine {
					t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
				}
				if got := plateOf(stdout); got != want {
					t.Errorf("ends with\n%swant\n%s%s", got, want, stderr)
				}
			})
		}
	}
}

// plateOf keeps what is said of the wells of plate.
func plateOf(text string) string {
	out := ""
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "plate.") {
			out += line + "\n"
		}
	}
	return out
}

// The example of a run that takes a night is gone on with after whatever has stopped it,
// and every culture has got what it was to get.
func TestNightFeed(t *testing.T) {
	t.Parallel()
	const example = "../../examples/18-night-feed/workflow.yaml"
	b := newLedgerBench(t)
	out, _ := b.do(exitFine, "", "apply", example, "--yes", "--robot", "sim")
	contains(t, out, "plate.A1", "160 uL")
	for name, c := range map[string]struct {
		event mishap.Event
		calls [][]string
	}{
		"nothing":            {},
		"stopped in the App": {mishap.Event{At: "60.1", Do: mishap.Stopped}, [][]string{{"runs", "answer", "last", "redo"}, {"runs", "resume", "last", "--yes"}}},
		"a power cut":        {mishap.Event{At: "130.1", Do: mishap.Rebooted, Requests: 2}, [][]string{{"runs", "answer", "last", "done", "--to", "129"}, {"runs", "resume", "last", "--yes"}}},
		"a tip is missed":    {mishap.Event{At: "42.1", Do: mishap.TipMissed}, [][]string{{"runs", "answer", "last", "redo"}, {"runs", "resume", "last", "--yes"}}},
	} {
		var faults emulator.Faults
		if c.event.At != "" {
			faults.Script.Events = []mishap.Event{c.event}
		}
		_, address := emulated(t, emulator.Options{Clock: emulator.NoTime(), Faults: faults})
		b := newLedgerBench(t)
		code, out, errs := called([]string{"apply", example, "--robot", address, "--yes", "--state", b.db}, "")
		if (code == exitFine) != (len(c.calls) == 0) {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, errs)
		}
		for _, args := range c.calls {
			b.do(exitFine, "", args...)
		}
		show, _ := b.do(exitFine, "", "state", "show")
		if got := strings.Join(strings.Fields(show), " "); !strings.Contains(got, "A1 B1 C1 D1 … H1 (8) 160 uL medium") {
			t.Errorf("%s: the robot has\n%s", name, show)
		}
	}
}
