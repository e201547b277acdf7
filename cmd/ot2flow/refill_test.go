package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

const (
	refillExample = "../../examples/15-refill/workflow.yaml"
	pressEnter    = "Press Enter to go on, or type stop: "
)

var eightChannels = map[string]string{"right": "p300_multi_gen2"}

// A person is asked for what runs out, on a robot; on the simulator it is taken
// as brought. The ledger knows of the new rack and of what was filled in.
func TestWhatRunsOutIsBrought(t *testing.T) {
	t.Parallel()
	_, address := emulated(t, emulator.Options{Pipettes: eightChannels})
	for name, c := range map[string]struct {
		where []string
		asked int
		show  []string
	}{
		"sim":   {[]string{"--robot", "sim", "--ledger", "bench"}, 0, []string{"--ledger", "bench"}},
		"robot": {[]string{"--robot", address}, 3, nil},
	} {
		b := newLedgerBench(t)
		out, errs := b.do(exitFine, strings.Repeat("\n", 3), append([]string{"apply", refillExample, "--yes"}, c.where...)...)
		if got := strings.Count(errs, pressEnter); got != c.asked {
			t.Errorf("%s: a person was asked %d times, want %d:\n%s", name, got, c.asked, errs)
		}
		contains(t, errs, "fill reservoir.A1 with buffer up to 14 mL", "put a new tip rack into slot 4 (tips)")
		if name == "sim" {
			contains(t, out, "192 tips", "28.8 mL")
		}
		// 12 of the 24 columns were given with tips of the second rack
		show, _ := b.do(exitFine, "", append([]string{"state", "show"}, c.show...)...)
		contains(t, strings.Join(strings.Fields(show), " "), "8 mL buffer", "A1 B1 C1 D1 … H12 (96) tip out")
	}
}

const halfARack = `ot2flow: 1
name: half
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  dyes: {type: nest_12_reservoir_15ml, slot: 3}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes:
  p300: {type: p300_multi_gen2, mount: right, tips: [tips], refill: ask}
liquids:
  red: {in: dyes.A1, volume: 3 mL, refill: ask}
steps:
  - transfer: {from: red, to: plate, volume: 20 uL, tip: new}
  - transfer: {from: red, to: plate.columns(1), volume: 20 uL, tip: new}
  - transfer: {from: red, to: plate.columns(2), volume: 100 uL, tip: new}
`

// A run that breaks where the robot waits for a person goes on with the same
// question: whoever has brought everything already says so again.
func TestARunBreaksWhereItWaits(t *testing.T) {
	t.Parallel()
	whole := func(b *ledgerBench) string {
		out, _ := b.do(exitFine, "", "state", "show")
		_, out, _ = strings.Cut(out, "\n")
		return regexp.MustCompile(`run \S+|\s+`).ReplaceAllString(out, " ")
	}
	var want string
	for _, c := range []struct {
		name  string
		event mishap.Event
		typed string // in apply
		calls [][]string
	}{
		{"not at all", mishap.Event{}, "\n\n", nil},
		{"stopped where it waits", mishap.Event{At: "50.1", Do: mishap.Stopped}, "", [][]string{{"runs", "resume", "last", "--yes"}}},
		{"restarted where it waits", mishap.Event{At: "50.1", Do: mishap.Rebooted, Requests: 2}, "", [][]string{
			{"runs", "answer", "last", "done", "--to", "49"}, {"runs", "resume", "last", "--yes"},
		}},
		{"the tip behind it is missed", mishap.Event{At: "51.1", Do: mishap.TipMissed}, "\n", [][]string{
			{"runs", "answer", "last", "redo"}, {"runs", "resume", "last", "--yes"},
		}},
	} {
		var faults emulator.Faults
		if c.event.At != "" {
			faults.Script.Events = []mishap.Event{c.event}
		}
		_, address := emulated(t, emulator.Options{Pipettes: eightChannels, Faults: faults})
		b := newLedgerBench(t)
		file := written(t, halfARack)
		_, _, errs := called([]string{"apply", file, "--robot", address, "--yes", "--state", b.db}, c.typed)
		for _, args := range c.calls {
			_, errs = b.do(exitFine, "\n\n\n", args...)
		}
		missed := c.event.Do == mishap.TipMissed
		if !missed {
			contains(t, errs, "put a new tip rack into slot 4 (tips)")
		}
		got := whole(b)
		if want == "" {
			want = got
			contains(t, want, "A1 B1 C1 D1 … H2 (16) tip out", "dyes")
		}
		if !missed && got != want {
			t.Errorf("%s: the deck is\n%s\nand without that\n%s", c.name, got, want)
		}
	}
}

const fullExample = "../../examples/16-full-plate/workflow.yaml"

// Where a plate is full a person is asked for another one, with a picture, on a
// robot; on the simulator it is taken as exchanged. Report and ledger know both
// plates, and the next run, for which a new plate is put there, begins anew.
func TestWhatIsFullIsExchanged(t *testing.T) {
	t.Parallel()
	_, address := emulated(t, emulator.Options{})
	for name, c := range map[string]struct {
		where []string
		asked int
		show  []string
	}{
		"sim":   {[]string{"--robot", "sim", "--ledger", "bench"}, 0, []string{"--ledger", "bench"}},
		"robot": {[]string{"--robot", address}, 1, nil},
	} {
		b := newLedgerBench(t)
		apply := append([]string{"apply", fullExample, "--yes", "--set", "samples=97"}, c.where...)
		out, errs := b.do(exitFine, "\n", apply...)
		if got := strings.Count(errs, pressEnter); got != c.asked {
			t.Errorf("%s: a person was asked %d times, want %d:\n%s", name, got, c.asked, errs)
		}
		contains(t, errs, "take plate, which is full, from slot 1 and put a new one there, plate#2")
		if c.asked > 0 {
			contains(t, errs, "1 [plate]", "2 stocks")
		}
		contains(t, out, "plate.A1       100 uL    reagent", "plate#1, which was taken away", "plate#1.A1 … H12 (96 wells) 100 uL    reagent")
		show, _ := b.do(exitFine, "", append([]string{"state", "show"}, c.show...)...)
		show = strings.Join(strings.Fields(show), " ")
		contains(t, show, "slot 1 plate corning_96_wellplate_360ul_flat run", "A1 100 uL reagent slot 2", "taken away plate#1 corning_96_wellplate_360ul_flat run", "A1 B1 C1 D1 … H12 (96) 100 uL reagent")
		diff, _ := b.do(exitFine, "", "state", "diff")
		contains(t, diff, "plate#1", "away, with 96 wells in use")
		b.do(exitFine, "\n", append(apply, "--new", "2")...)
		show, _ = b.do(exitFine, "", append([]string{"state", "show"}, c.show...)...)
		if got := strings.Count(show, "taken away"); got != 2 {
			t.Errorf("%s: %d plates are known to have been taken away, want 2:\n%s", name, got, show)
		}
	}
}

const fillsUp = `ot2flow: 1
name: stays
labware:
  plate: {type: opentrons_6_tuberack_nest_50ml_conical, slot: 1, exchange: ask, keep: true}
  dyes: {type: nest_12_reservoir_15ml, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red: {in: dyes.A1, volume: 10 mL}
let:
  here: next_empty(plate)
steps:
  - transfer: {from: red, to: here, volume: 100 uL}
  - transfer: {from: red, to: next_empty(plate), volume: 100 uL}
outputs: {well: here}
`

// What stays between runs is exchanged in the run that finds it full: before its
// first step, where that is asked for there. One that breaks where it waits asks
// again, and takes nothing away that is new.
func TestWhatStaysIsExchangedWhenItIsFull(t *testing.T) {
	t.Parallel()
	_, address := emulated(t, emulator.Options{})
	b := newLedgerBench(t)
	file := written(t, fillsUp)
	wells := []string{"plate.A1", "plate.A2", "plate.A3"}
	apply := []string{"apply", file, "--robot", address, "--yes"}
	for _, want := range wells {
		out, errs := b.do(exitFine, "", apply...)
		contains(t, out, want)
		if strings.Contains(errs, pressEnter) {
			t.Fatalf("a person is asked where wells are empty:\n%s", errs)
		}
	}
	plan, _ := b.do(exitFine, "", "plan", file, "--robot", address)
	contains(t, plan, "2 of them: one on the deck, and 1 to exchange it for")
	code, _, errs := called(append(slices.Clone(apply), "--state", b.db), "stop\n")
	if code == exitFine {
		t.Fatalf("it was stopped where it waits, and ended well:\n%s", errs)
	}
	_, errs = b.do(exitFine, "\n", "runs", "resume", "last", "--yes")
	contains(t, errs, "put a new one there, plate#2")
	show, _ := b.do(exitFine, "", "state", "show")
	if got := strings.Count(show, "taken away"); got != 1 {
		t.Errorf("%d plates are known to have been taken away, want 1:\n%s", got, show)
	}
	contains(t, strings.Join(strings.Fields(show), " "), "A1 B1 100 uL red slot 2")
}

// A tip that is lost where the rack has no other is made up for from a new rack, which
// a person is asked for where the run is gone on with, and again where the plan says so.
func TestLostTipsWhereNoneIsLeft(t *testing.T) {
	t.Parallel()
	lost := mishap.Script{Events: []mishap.Event{{At: "46.1", Do: mishap.CommandFailed}}} // with the tips of the last column on
	_, address := emulated(t, emulator.Options{Pipettes: eightChannels, Faults: emulator.Faults{Script: lost}})
	b := newLedgerBench(t)
	b.do(exitFailed, "", "apply", written(t, halfARack), "--robot", address, "--yes")
	b.do(exitFine, "", "runs", "answer", "last", "redo")
	out, errs := b.do(exitFine, strings.Repeat("\n", 4), "runs", "resume", "last", "--yes")
	contains(t, errs, "put a new tip rack into slot 4 (tips), which the robot waits for: none is left that could stand in for one that was lost", "pick up a new tip from tips.A1")
	if got := strings.Count(errs, pressEnter); got != 2 {
		t.Errorf("a person was asked %d times, want 2:\n%s", got, errs)
	}
	contains(t, out, "done, 58 of 58 steps", "in 2 parts")
	// 14 columns of tips, and one that was lost before anything was drawn.
	contains(t, strings.Join(strings.Fields(out), " "), "Used tips 120 tips red 2.88 mL")
}
