package main

import (
	"regexp"
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
