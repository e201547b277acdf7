package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mixColors = "../../examples/01-mix-colors/workflow.yaml"

// printedBy runs ot2flow and returns what it prints and its exit code.
func printedBy(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = ot2flow(args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// TestExportPython holds the text that people read. The engine's opinion of it
// is tested in package ot2.
func TestExportPython(t *testing.T) {
	got, stderr, code := printedBy(t, "export", mixColors, "--to", "python", "--set", "R=33.25 uL", "--set", "B=0 uL")
	if code != exitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	run, _, _ := strings.Cut(got, "\n\n\nAC_")
	_, run, _ = strings.Cut(run, "\nmetadata")
	want := ` = {"protocolName": "mix-colors", "description": "made by ot2flow from workflow.yaml"}
requirements = {"robotType": "OT-2", "apiLevel": "2.16"}


def run(protocol):
    # What stands on the deck.
    plate = protocol.load_labware("corning_96_wellplate_360ul_flat", "1", label="plate", namespace="opentrons", version=2)
    paints = protocol.load_labware_from_definition(AC_6_TUBERACK_15000UL, "3", label="paints")
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", "9", label="tips", namespace="opentrons", version=1)
    sensor = protocol.load_labware_from_definition(AC_COLOR_SENSOR_CHARGING_PORT, "10", label="sensor")
    p300 = protocol.load_instrument("p300_single_gen2", "right")
    red = protocol.define_liquid("red", description="", display_color="#c8102e")
    paints["B1"].load_liquid(red, 12000)
    yellow = protocol.define_liquid("yellow", description="", display_color="#ffcd00")
    paints["B2"].load_liquid(yellow, 12000)
    blue = protocol.define_liquid("blue", description="", display_color="#0033a0")
    paints["B3"].load_liquid(blue, 12000)

    # workflow.yaml line 31: steps[0]/red
    p300.pick_up_tip(tips["B1"])
    p300.flow_rate.aspirate = 92.86
    p300.aspirate(33.25, paints["B1"].bottom(1))
    p300.flow_rate.dispense = 92.86
    p300.dispense(33.25, plate["A1"].bottom(8))
    p300.move_to(paints["A1"].top(-5), speed=100)
    p300.flow_rate.blow_out = 92.86
    p300.blow_out(paints["A1"].top(-5))
    p300.drop_tip(tips["B1"].top(-29.65))

    # workflow.yaml line 31: steps[0]/yellow
    p300.pick_up_tip(tips["B2"])
    p300.aspirate(50, paints["B2"].bottom(1))
    p300.dispense(50, plate["A1"].bottom(8))
    p300.move_to(paints["A1"].top(-5), speed=100)
    p300.blow_out(paints["A1"].top(-5))
    p300.drop_tip(tips["B2"].top(-29.65))`
	if run != want {
		t.Errorf("exported\n%s\nwant\n%s", run, want)
	}
}

// TestExportStored exports a kept plan, which gives the same as its workflow.
func TestExportStored(t *testing.T) {
	plan := filepath.Join(t.TempDir(), "plan.json")
	if _, stderr, code := printedBy(t, "plan", mixColors, "--out", plan, "--quiet"); code != exitFine {
		t.Fatal(stderr)
	}
	for _, form := range []string{"json", "python"} {
		direct, _, _ := printedBy(t, "export", mixColors, "--to", form)
		stored, stderr, code := printedBy(t, "export", plan, "--to", form)
		if code != exitFine || direct != stored {
			t.Errorf("%s: the stored plan gives another export (exit %d, %s)", form, code, stderr)
		}
		out := filepath.Join(t.TempDir(), "protocol")
		stdout, stderr, code := printedBy(t, "export", plan, "--to", form, "--out", out)
		data, err := os.ReadFile(out)
		if code != exitFine || stdout != "" || err != nil || string(data) != direct {
			t.Errorf("%s: --out: exit %d, %q, %s, %v", form, code, stdout, stderr, err)
		}
		if form == "json" && !json.Valid(data) {
			t.Error("the JSON protocol is no JSON")
		}
	}
}

func TestExportRefusals(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{mixColors}, exitUsage, "--to json, --to python, --to sheet, --to svg"},
		{[]string{mixColors, "--to", "pyhton"}, exitUsage, "no form \"pyhton\""},
		{[]string{mixColors, "--to", "pdf"}, exitUsage, "the forms are json, python, sheet, svg"},
		{[]string{"--to", "json"}, exitUsage, "name a workflow file"},
		{[]string{"no-such.yaml", "--to", "json"}, exitCannot, "no-such.yaml"},
		{[]string{mixColors, "--to", "json", "--set", "R=400 uL"}, exitFindings, "R"},
		{[]string{mixColors, "--to", "json", "--out", "no-such-folder/protocol.json"}, exitCannot, "no-such-folder"},
	} {
		stdout, stderr, code := printedBy(t, append([]string{"export"}, tt.args...)...)
		if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.says) {
			t.Errorf("export %v: exit %d, printed %q\n%s\nwant exit %d and %q", tt.args, code, stdout, stderr, tt.code, tt.says)
		}
	}
}
