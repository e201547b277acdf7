package ot2

import (
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/labware"
)

// The figures are from Opentrons' pipette specifications as the newest API
// level has them, in µL and µL/s.
func TestPipettes(t *testing.T) {
	tests := []struct {
		name                        string
		channels                    int
		least, most                 int64
		aspirate, dispense, blowOut float64
		returnTip                   int64
		overlap                     float64 // mm
		rack                        string  // the usual one
	}{
		{"p10_single", 1, 1, 10, 5, 10, 1000, 500, 3.29, "opentrons_96_tiprack_10ul"},
		{"p10_multi", 8, 1, 10, 5, 10, 1000, 500, 3.29, "opentrons_96_tiprack_10ul"},
		{"p20_single_gen2", 1, 1, 20, 7.56, 7.56, 7.56, 500, 8.25, "opentrons_96_tiprack_20ul"},
		{"p20_multi_gen2", 8, 1, 20, 7.6, 7.6, 7.6, 500, 8.25, "opentrons_96_tiprack_20ul"},
		{"p50_single", 1, 5, 50, 25, 50, 1000, 500, 7.47, "opentrons_96_tiprack_300ul"},
		{"p50_multi", 8, 5, 50, 25, 50, 1000, 500, 7.47, "opentrons_96_tiprack_300ul"},
		{"p300_single", 1, 30, 300, 150, 300, 1000, 500, 7.47, "opentrons_96_tiprack_300ul"},
		{"p300_multi", 8, 30, 300, 150, 300, 1000, 500, 7.47, "opentrons_96_tiprack_300ul"},
		{"p300_single_gen2", 1, 20, 300, 92.86, 92.86, 92.86, 500, 8.2, "opentrons_96_tiprack_300ul"},
		{"p300_multi_gen2", 8, 20, 300, 94, 94, 94, 400, 8.2, "opentrons_96_tiprack_300ul"},
		{"p1000_single", 1, 100, 1000, 500, 1000, 1000, 500, 7.95, "opentrons_96_tiprack_1000ul"},
		{"p1000_single_gen2", 1, 100, 1000, 274.7, 274.7, 274.7, 830, 9.7, "opentrons_96_tiprack_1000ul"},
	}
	names := []string{}
	for _, tt := range tests {
		names = append(names, tt.name)
		p, ok := Pipette(tt.name)
		if !ok {
			t.Errorf("no %s", tt.name)
			continue
		}
		if p.Name != tt.name || p.Channels != tt.channels || p.MinNL != tt.least*1000 || p.MaxNL != tt.most*1000 {
			t.Errorf("%s: %+v", tt.name, p)
		}
		if differs(p.Aspirate, tt.aspirate) || differs(p.Dispense, tt.dispense) || differs(p.BlowOut, tt.blowOut) {
			t.Errorf("%s: flow rates %d, %d, %d", tt.name, p.Aspirate, p.Dispense, p.BlowOut)
		}
		if p.ReturnTipPermille != tt.returnTip || differs(p.TipOverlap, tt.overlap) || p.Tips[0] != tt.rack {
			t.Errorf("%s: returns tips at %d, overlap %d, tips %v", tt.name, p.ReturnTipPermille, p.TipOverlap, p.Tips)
		}
		if gen2 := strings.HasSuffix(tt.name, "_gen2"); gen2 != strings.HasSuffix(p.DisplayName, "GEN2") {
			t.Errorf("%s is called %q", tt.name, p.DisplayName)
		}
	}
	if !slices.Equal(PipetteNames(), names) {
		t.Errorf("PipetteNames() = %v", PipetteNames())
	}
}

// differs reports whether n thousandths are not f, despite the float's own error.
func differs(n int64, f float64) bool { return n != int64(f*1000+0.5) }

func TestPipetteUnknown(t *testing.T) {
	for _, name := range []string{"", "p300", "P300_single_gen2", "p1000_single_flex", "p20_single"} {
		if _, ok := Pipette(name); ok {
			t.Errorf("Pipette(%q) is known", name)
		}
	}
}

// Callers may change what they got.
func TestPipetteIsACopy(t *testing.T) {
	p, _ := Pipette("p300_single")
	p.MaxNL, p.Tips[0] = 1, "spoilt"
	if again, _ := Pipette("p300_single"); again.MaxNL != 300_000 || again.Tips[0] == "spoilt" {
		t.Error("the table changed")
	}
}

// Every rack a pipette lists is in the catalogue, holds tips, and leaves the
// pipette something to work with.
func TestTips(t *testing.T) {
	for _, name := range PipetteNames() {
		p, _ := Pipette(name)
		for _, rack := range p.Tips {
			l, ok := labware.Lookup(rack)
			if !ok || !l.IsTipRack {
				t.Errorf("%s: %s is no tip rack", name, rack)
				continue
			}
			if v := WorkingVolume(p, l.Wells[0].MaxNL); v < p.MinNL || v > p.MaxNL || v > l.Wells[0].MaxNL {
				t.Errorf("%s with %s: %d nL", name, rack, v)
			}
			if o := TipOverlap(p, rack); o < 0 || o >= l.TipLength {
				t.Errorf("%s with %s: overlap %d", name, rack, o)
			}
		}
	}
}

func TestTipOverlap(t *testing.T) {
	tests := []struct {
		pipette, rack string
		want          int64
	}{
		{"p1000_single_gen2", "opentrons_96_tiprack_1000ul", 11500},
		{"p1000_single_gen2", "ac_color_sensor_charging_port", 9700},
		{"p300_single", "tipone_96_tiprack_200ul", 6100},
		{"p300_single_gen2", "opentrons_96_filtertiprack_200ul", 8200},
	}
	for _, tt := range tests {
		p, _ := Pipette(tt.pipette)
		if got := TipOverlap(p, tt.rack); got != tt.want {
			t.Errorf("%s with %s: %d, want %d", tt.pipette, tt.rack, got, tt.want)
		}
	}
}

func TestWorkingVolume(t *testing.T) {
	tests := []struct {
		pipette, rack string
		want          int64
	}{
		{"p300_single_gen2", "opentrons_96_tiprack_300ul", 300_000},
		{"p300_single_gen2", "opentrons_96_filtertiprack_200ul", 200_000},
		{"p50_single", "opentrons_96_tiprack_300ul", 50_000},
		{"p20_single_gen2", "opentrons_96_filtertiprack_10ul", 10_000},
	}
	for _, tt := range tests {
		p, _ := Pipette(tt.pipette)
		l, _ := labware.Lookup(tt.rack)
		if got := WorkingVolume(p, l.Wells[0].MaxNL); got != tt.want {
			t.Errorf("%s with %s: %d nL, want %d", tt.pipette, tt.rack, got, tt.want)
		}
	}
}

// The figures are what the check of the robot's own software (8.8.2,
// hardware_control of the OT-2) takes with these pipettes and one hundredth of a
// microlitre more of which it refuses.
func TestMaxPushOut(t *testing.T) {
	for name, want := range map[string]int64{"p20_single_gen2": 3220, "p300_single_gen2": 39_620, "p1000_single_gen2": 118_130} {
		if p, _ := Pipette(name); MaxPushOut(p) != want {
			t.Errorf("%s: %d nL, want %d", name, MaxPushOut(p), want)
		}
	}
	for i := range pipettes {
		if pipettes[i].pushOut <= 0 {
			t.Errorf("%s has no largest push-out", pipettes[i].Name)
		}
	}
}
