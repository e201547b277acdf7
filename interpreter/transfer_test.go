package interpreter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows"
)

// transfers are calls of the Python API's transfer() with what the vendor's
// planner does (executed, and re-run on the real engine 8.2.0 and 8.8.2), in
// short: A draws, D gives, MIX n x v. Where what we do is meant to differ, why
// says so.
var transfers = []struct{ name, pipette, rack, step, want, why string }{
	{"as much as asked", "", "", `{from: S.A1, to: D.A1, volume: 100}`, "PICK; A100 S.A1; D100 D.A1; DROP", ""},
	{"exactly the tip", "", "", `{from: S.A1, to: D.A1, volume: 300}`, "PICK; A300 S.A1; D300 D.A1; DROP", ""},
	{"a little more", "", "", `{from: S.A1, to: D.A1, volume: 310}`, "PICK; A155 S.A1; D155 D.A1; A155 S.A1; D155 D.A1; DROP", ""},
	{"350", "", "", `{from: S.A1, to: D.A1, volume: 350}`, "PICK; A175 S.A1; D175 D.A1; A175 S.A1; D175 D.A1; DROP", ""},
	{"exactly two tips", "", "", `{from: S.A1, to: D.A1, volume: 600}`, "PICK; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; DROP", ""},
	{"601, the vendor's way", "", "", `{from: S.A1, to: D.A1, volume: 601, split: even_last_two}`, "PICK; A300 S.A1; D300 D.A1; A150.5 S.A1; D150.5 D.A1; A150.5 S.A1; D150.5 D.A1; DROP", ""},
	{"700, the vendor's way", "", "", `{from: S.A1, to: D.A1, volume: 700, split: even_last_two}`, "PICK; A300 S.A1; D300 D.A1; A200 S.A1; D200 D.A1; A200 S.A1; D200 D.A1; DROP", ""},
	{"900", "", "", `{from: S.A1, to: D.A1, volume: 900}`, "PICK; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; DROP", ""},
	{"1000, the vendor's way", "", "", `{from: S.A1, to: D.A1, volume: 1000, split: even_last_two}`, "PICK; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; A200 S.A1; D200 D.A1; A200 S.A1; D200 D.A1; DROP", ""},
	{"a GEN1 P50", "p50_single", "", `{from: S.A1, to: D.A1, volume: 75}`, "PICK; A37.5 S.A1; D37.5 D.A1; A37.5 S.A1; D37.5 D.A1; DROP", ""},
	{"a P20", "p20_single_gen2", "opentrons_96_tiprack_20ul", `{from: S.A1, to: D.A1, volume: 45, split: even_last_two}`, "PICK; A20 S.A1; D20 D.A1; A12.5 S.A1; D12.5 D.A1; A12.5 S.A1; D12.5 D.A1; DROP", ""},
	{"air gap, 290", "", "", `{from: S.A1, to: D.A1, volume: 290, aspirate: {air_gap: 20}}`, "PICK; A145 S.A1; AIR20; D165 D.A1; A145 S.A1; AIR20; D165 D.A1; DROP", ""},
	{"air gap, 300", "", "", `{from: S.A1, to: D.A1, volume: 300, aspirate: {air_gap: 20}}`, "PICK; A150 S.A1; AIR20; D170 D.A1; A150 S.A1; AIR20; D170 D.A1; DROP", ""},
	{"air gap, 560", "", "", `{from: S.A1, to: D.A1, volume: 560, aspirate: {air_gap: 20}}`, "PICK; A280 S.A1; AIR20; D300 D.A1; A280 S.A1; AIR20; D300 D.A1; DROP", ""},
	{"air gap, 561", "", "", `{from: S.A1, to: D.A1, volume: 561, aspirate: {air_gap: 20}, split: even_last_two}`, "PICK; A280 S.A1; AIR20; D300 D.A1; A140.5 S.A1; AIR20; D160.5 D.A1; A140.5 S.A1; AIR20; D160.5 D.A1; DROP", ""},
	{"a new tip for each aliquot", "", "", `{from: S.A1, to: D.A1, volume: 350, tip: new}`, "PICK; A175 S.A1; D175 D.A1; DROP; PICK; A175 S.A1; D175 D.A1; DROP", ""},
	{"the tip that is on", "", "", `{from: S.A1, to: D.A1, volume: 100, tip: current}`, "A100 S.A1; D100 D.A1", ""},
	{"returned", "", "", `{from: S.A1, to: D.A1, volume: 100, tip: {use: once, then: return}}`, "PICK; A100 S.A1; D100 D.A1; RETURN", ""},
	{"zero in a list", "", "", `{from: S.A1, to: [D.B1, D.B2, D.B3], volume: [20, 0, 60], tip: new}`, "PICK; A20 S.A1; D20 D.B1; DROP; PICK; A60 S.A1; D60 D.B3; DROP", "the vendor takes and drops a tip for nothing"},
	{"zero", "", "", `{from: S.A1, to: D.A1, volume: 0}`, "warning no-effect", "the vendor takes and drops a tip for nothing"},
	{"negative", "", "", `{from: S.A1, to: D.A1, volume: -5}`, "error bad-volume", "the vendor takes a negative volume for 0"},
	{"below the minimum", "", "", `{from: S.A1, to: D.A1, volume: 5}`, "error below-minimum", "the vendor does not check"},
	{"never divided", "", "", `{from: S.A1, to: D.A1, volume: 350, split: never}`, "error too-much-for-tip", "the vendor's carryover=False has no effect"},
	{
		"all options", "", "", `{from: S.A1, to: [D.A1, D.A2], volume: 100, aspirate: {air_gap: 10, touch_tip: true, mix: 2 x 50 uL}, dispense: {touch_tip: true, mix: 3 x 40 uL}, blow_out: destination}`,
		"PICK; MIX2x50 S.A1; A100 S.A1; AIR10; TOUCH S.A1; D110 D.A1; MIX3x40 D.A1; TOUCH D.A1; BLOW D.A1; MIX2x50 S.A1; A100 S.A1; AIR10; TOUCH S.A1; D110 D.A2; MIX3x40 D.A2; TOUCH D.A2; BLOW D.A2; DROP", "",
	},
	{
		"mixed after, divided", "", "", `{from: S.A1, to: D.A1, volume: 400, aspirate: {mix: 1 x 50 uL}, dispense: {mix: 1 x 50 uL}, blow_out: trash}`,
		"PICK; MIX1x50 S.A1; A200 S.A1; D200 D.A1; BLOW TRASH; MIX1x50 S.A1; A200 S.A1; D200 D.A1; MIX1x50 D.A1; BLOW TRASH; DROP", "the vendor mixes after every aliquot; once per destination is enough",
	},
	{"one to three", "", "", `{from: S.A1, to: [D.A1, D.A2, D.A3], volume: 50}`, "PICK; A50 S.A1; D50 D.A1; A50 S.A1; D50 D.A2; A50 S.A1; D50 D.A3; DROP", ""},
	{"one to three, new tips", "", "", `{from: S.A1, to: "D.A1:A3", volume: 50, tip: new}`, "PICK; A50 S.A1; D50 D.A1; DROP; PICK; A50 S.A1; D50 D.A2; DROP; PICK; A50 S.A1; D50 D.A3; DROP", ""},
	{"three to three", "", "", `{from: "S.A1:A3", to: "D.B1:B3", volume: [30, 40, 50]}`, "PICK; A30 S.A1; D30 D.B1; A40 S.A2; D40 D.B2; A50 S.A3; D50 D.B3; DROP", ""},
	{"three onto six", "", "", `{from: "S.A1:A3", to: "D.B1:B6", volume: 50}`, "PICK; A50 S.A1; D50 D.B1; A50 S.A1; D50 D.B2; A50 S.A2; D50 D.B3; A50 S.A2; D50 D.B4; A50 S.A3; D50 D.B5; A50 S.A3; D50 D.B6; DROP", ""},
	{"three onto eight", "", "", `{from: "S.A1:A3", to: D.column(4), volume: 50}`, "error lists-do-not-pair", ""},
	{"two volumes for three", "", "", `{from: S.A1, to: "D.B1:B3", volume: [21, 22]}`, "error lists-do-not-pair", ""},
	{"smaller tips, 250", "", "opentrons_96_filtertiprack_200ul", `{from: S.A1, to: D.A1, volume: 250}`, "PICK; A125 S.A1; D125 D.A1; A125 S.A1; D125 D.A1; DROP", "the vendor divides by the pipette and then by the tip: 200 + 50"},
	{"smaller tips, 401", "", "opentrons_96_filtertiprack_200ul", `{from: S.A1, to: D.A1, volume: 402}`, "PICK; A134 S.A1; D134 D.A1; A134 S.A1; D134 D.A1; A134 S.A1; D134 D.A1; DROP", "the vendor makes aliquots of 1 uL here"},
	{"smaller tips, 450", "", "opentrons_96_filtertiprack_200ul", `{from: S.A1, to: D.A1, volume: 450}`, "PICK; A150 S.A1; D150 D.A1; A150 S.A1; D150 D.A1; A150 S.A1; D150 D.A1; DROP", "the vendor gives 200, 25, 200, 25"},
	{"smaller tips, new ones", "", "opentrons_96_filtertiprack_200ul", `{from: S.A1, to: D.A1, volume: 250, tip: new}`, "PICK; A125 S.A1; D125 D.A1; DROP; PICK; A125 S.A1; D125 D.A1; DROP", "the vendor keeps the tip for the inner division"},
	{
		"smaller tips, new ones, touched", "", "opentrons_96_filtertiprack_200ul", `{from: S.A1, to: D.A1, volume: 756, tip: new, aspirate: {touch_tip: true}, dispense: {touch_tip: true}}`,
		strings.TrimSuffix(strings.Repeat("PICK; A189 S.A1; TOUCH S.A1; D189 D.A1; TOUCH D.A1; DROP; ", 4), "; "), "the vendor keeps the tip for the inner division",
	},
	{"full tips and the rest", "", "", `{from: S.A1, to: D.A1, volume: 350, split: full_then_rest}`, "PICK; A300 S.A1; D300 D.A1; A50 S.A1; D50 D.A1; DROP", ""},
	{"full tips, the rest too small", "", "", `{from: S.A1, to: D.A1, volume: 610, split: full_then_rest}`, "PICK; A300 S.A1; D300 D.A1; A155 S.A1; D155 D.A1; A155 S.A1; D155 D.A1; DROP", ""},
	{"full tips, the rest just enough", "", "", `{from: S.A1, to: D.A1, volume: 620, split: full_then_rest}`, "PICK; A300 S.A1; D300 D.A1; A300 S.A1; D300 D.A1; A20 S.A1; D20 D.A1; DROP", ""},
	{"700, evenly", "", "", `{from: S.A1, to: D.A1, volume: 699}`, "PICK; A233 S.A1; D233 D.A1; A233 S.A1; D233 D.A1; A233 S.A1; D233 D.A1; DROP", ""},
}

const transferDeck = `ot2flow: 1
name: transfers
labware:
  S: {type: nest_96_wellplate_2ml_deep, slot: 1}
  D: {type: nest_96_wellplate_2ml_deep, slot: 2}
  tips: {type: %s, slot: 3}
pipettes:
  p: {type: %s, mount: right, tips: [tips]}
liquids:
  sample: {in: S, volume: 2 mL}
steps:
%s  - transfer: %s
%s`

// wrapped is a transfer that uses the tip that is on, between its pick-up and
// its drop.
const pickBefore, dropAfter = "  - pick_up_tip:\n", "  - drop_tip:\n"

func TestTransferAsTheVendorDoes(t *testing.T) {
	for _, c := range transfers {
		t.Run(c.name, func(t *testing.T) {
			rack, pipette, before, after := c.rack, c.pipette, "", ""
			if rack == "" {
				rack = "opentrons_96_tiprack_300ul"
			}
			if pipette == "" {
				pipette = "p300_single_gen2"
			}
			want := c.want
			if strings.Contains(c.step, "tip: current") {
				before, after, want = pickBefore, dropAfter, "PICK; "+want+"; DROP"
			}
			plan, list := planText(t, fmt.Sprintf(transferDeck, rack, pipette, before, c.step, after))
			if got := trace(plan, list); got != want {
				t.Errorf("%s\n got %s\nwant %s", c.step, got, want)
			}
		})
	}
}

// planText plans a workflow given as text.
func planText(t *testing.T, text string) (*program.Plan, diag.List) {
	t.Helper()
	bundle, list := spec.FromFiles("workflow.yaml", []spec.File{{Name: "workflow.yaml", Data: []byte(text)}})
	prepared, more := workflows.Prepare(bundle)
	if list = append(list, more...); prepared == nil {
		return nil, list
	}
	plan, found := prepared.Plan(interpreter.Input{})
	return plan, append(list, found...)
}

// trace renders a plan in the short form of the table; with findings it is the
// first of them.
func trace(p *program.Plan, list diag.List) string {
	if len(list) > 0 {
		return list[0].Severity.String() + " " + list[0].Code.Name
	}
	var out []string
	for i := 0; i < len(p.Steps); i++ {
		if text, n := mixTrace(p, i); n > 0 {
			out, i = append(out, text), i+2*n-1
			continue
		}
		out = append(out, short(p, &p.Steps[i].Op))
	}
	return strings.Join(out, "; ")
}

func short(p *program.Plan, op *program.Op) string {
	place := p.Deck.WellName(op.Well)
	if op.Trash {
		place = "TRASH"
	}
	v := quantity.Quantity{Dim: quantity.Volume, N: op.Volume}.Decimal()
	switch op.Kind {
	case program.PickUpTip:
		return "PICK"
	case program.Aspirate:
		return "A" + v + " " + place
	case program.Dispense:
		return "D" + v + " " + place
	case program.AirGap:
		return "AIR" + v
	case program.TouchTip:
		return "TOUCH " + place
	case program.BlowOut:
		return "BLOW " + place
	case program.DropTip:
		return "DROP"
	case program.ReturnTip:
		return "RETURN"
	default:
		return op.Kind.String()
	}
}

// mixTrace recognises the pairs of a mix: draw and give in one well, the same
// volume, all but the last without push-out.
func mixTrace(p *program.Plan, i int) (string, int) {
	n := 0
	first := p.Steps[i].Op
	for j := i; j+1 < len(p.Steps); j += 2 {
		a, d := p.Steps[j].Op, p.Steps[j+1].Op
		if a.Kind != program.Aspirate || d.Kind != program.Dispense || a.Well != d.Well || a.Volume != d.Volume || a.Volume != first.Volume {
			break
		}
		n++
		if !d.HasPush {
			break
		}
	}
	if n == 0 {
		return "", 0
	}
	v := quantity.Quantity{Dim: quantity.Volume, N: first.Volume}.Decimal()
	return fmt.Sprintf("MIX%dx%s %s", n, v, p.Deck.WellName(first.Well)), n
}
