package interpreter_test

import (
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/spec/diag"
)

const blameDeck = `ot2flow: 1
name: blame
params:
  vol: {type: volume, default: 120 uL}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red: {in: plate.A1, volume: 200 uL}
  pool: {in: [plate.A2, plate.B2], volume: 100 uL}
steps:
`

// A finding points at the expression that matters, wherever in a step that is,
// and says in which pass, and how it came to that.
func TestFindingsPointAtWhatMatters(t *testing.T) {
	for _, c := range []struct {
		step, at, code string
		says           []string
	}{
		{
			"transfer: {from: red, to: [plate.B1, plate.C1], volume: [30 uL, vol * 2]}", "vol * 2", "over-aspirate",
			[]string{"plate.A1 holds 170 uL here", "vol = 120 uL", "30 uL were taken from plate.A1 at line 14"},
		},
		{
			"for: i in 1..3\n    transfer: {from: red, to: plate.B1, volume: vol}", "vol", "over-aspirate",
			[]string{"i = 2 (2 of 3), line 14", "120 uL were taken"},
		},
		{"formulate: {to: plate.B1, volumes: {pool: 50 uL, red: vol * 2}}", "vol * 2", "over-aspirate", []string{"holds 200 uL here"}},
		{"transfer: {from: pool, to: plate.B1, volume: vol}", "vol", "over-aspirate", []string{"no well of pool", "fullest well holds 100 uL here, all 2 together 200 uL"}},
		{"transfer: {from: red, to: plate.B1, volume: 50 uL, aspirate: {mix: 2 x 10 uL}}", "10 uL", "below-minimum", []string{"at least 20 uL"}},
		{"transfer: {from: red, to: plate.B1, volume: 50 uL, dispense: {mix: 2 x vol}}", "vol", "over-aspirate", []string{"plate.B1 holds 50 uL", "50 uL were given into plate.B1"}},
		{"transfer: {from: red, to: plate.B1, volume: 50 uL, aspirate: {at: bottom - 2 mm}}", "2 mm", "below-bottom", nil},
		{"transfer: {from: red, to: plate.B1, volume: 50 uL, aspirate: {air_gap: -1 uL}}", "-1 uL", "bad-volume", []string{"negative"}},
		{"transfer: {from: [red, plate.H1], to: plate.B1, volume: 50 uL}", "plate.H1", "empty-well", nil},
		{"mix: {in: [plate.A1, plate.H1], volume: 50 uL, times: 2}", "plate.H1", "empty-well", nil},
		{"aspirate: {from: plate.A1, volume: vol * 2}", "vol * 2", "over-aspirate", []string{"vol = 120 uL"}},
	} {
		text := blameDeck + "  - " + c.step + "\n"
		_, list, _ := prepare(t, text).Prove(interpreter.Input{})
		d := find(list, c.code)
		if d == nil {
			t.Errorf("%s: %v", c.step, list)
			continue
		}
		if got := text[d.Span.Start.Offset:d.Span.End.Offset]; got != c.at {
			t.Errorf("%s: points at %q", c.step, got)
		}
		all := d.Message + d.Label + strings.Join(d.Notes, "\n") + strings.Join(d.Frames, "\n")
		for _, v := range d.Values {
			all += v.Name + " = " + v.Value
		}
		for _, s := range c.says {
			if !strings.Contains(all, s) {
				t.Errorf("%s: %q does not say %q", c.step, all, s)
			}
		}
	}
}

func find(list diag.List, code string) *diag.Diagnostic {
	for i := range list {
		if list[i].Code.Name == code {
			return &list[i]
		}
	}
	return nil
}
