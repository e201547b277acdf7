package ot2_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/ot2"
)

// The figures as the manual prints them: a volume in µL, %D and %CV.
func TestPublishedPrecision(t *testing.T) {
	for _, c := range []struct {
		model, of string
		uL, d, cv float64
	}{
		{"p20_single_gen2", "p20_single_gen2", 1, 15, 5},
		{"p20_single_gen2", "p20_single_gen2", 10, 2, 1},
		{"p20_single_gen2", "p20_single_gen2", 20, 1.5, 0.8},
		{"p300_single_gen2", "p300_single_gen2", 20, 4, 2.5},
		{"p300_single_gen2", "p300_single_gen2", 150, 1, 0.4},
		{"p300_single_gen2", "p300_single_gen2", 300, 0.6, 0.3},
		{"p1000_single_gen2", "p1000_single_gen2", 100, 2, 1},
		{"p1000_single_gen2", "p1000_single_gen2", 500, 1, 0.2},
		{"p1000_single_gen2", "p1000_single_gen2", 1000, 0.7, 0.15},
		{"p20_multi_gen2", "p20_multi_gen2", 1, 20, 10},
		{"p20_multi_gen2", "p20_multi_gen2", 10, 3, 2},
		{"p20_multi_gen2", "p20_multi_gen2", 20, 2.2, 1.5},
		{"p300_multi_gen2", "p300_multi_gen2", 20, 10, 4},
		{"p300_multi_gen2", "p300_multi_gen2", 150, 2.5, 0.8},
		{"p300_multi_gen2", "p300_multi_gen2", 300, 1.5, 0.5},
		{"p10_single", "p20_single_gen2", 10, 2, 1},
		{"p50_multi", "p300_multi_gen2", 20, 10, 4},
	} {
		p, ok := ot2.PrecisionOf(c.model)
		if !ok || p.Of != c.of {
			t.Fatal(c.model, ok, p.Of)
		}
		d, cv := p.Errors(c.uL * 1000)
		if math.Abs(d/c.uL/10-c.d) > 1e-9 || math.Abs(cv/c.uL/10-c.cv) > 1e-9 {
			t.Errorf("%s at %v µL: ±%v %%, %v %%; published are ±%v %% and %v %%", c.model, c.uL, d/c.uL/10, cv/c.uL/10, c.d, c.cv)
		}
	}
	for _, name := range ot2.PipetteNames() {
		if _, ok := ot2.PrecisionOf(name); !ok {
			t.Errorf("%s has no figures", name)
		}
	}
	if _, ok := ot2.PrecisionOf("flex_1channel_50"); ok {
		t.Error("figures of a pipette of another robot")
	}
}

// Within what a pipette is made for, a larger volume has no smaller errors, and
// weighs them no more.
func TestPrecisionBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, _ := ot2.Pipette(rapid.SampledFrom(ot2.PipetteNames()).Draw(t, "model"))
		p, _ := ot2.PrecisionOf(m.Name)
		a := rapid.Float64Range(1, float64(m.MaxNL)).Draw(t, "a")
		b := rapid.Float64Range(a, float64(m.MaxNL)).Draw(t, "b")
		d1, cv1 := p.Errors(a)
		d2, cv2 := p.Errors(b)
		if d2 < d1 || cv2 < cv1 {
			t.Fatalf("%v nL: %v, %v; %v nL: %v, %v", a, d1, cv1, b, d2, cv2)
		}
		if d2/b > d1/a+1e-12 || cv2/b > cv1/a+1e-12 {
			t.Fatalf("the share rises from %v to %v nL", a, b)
		}
	})
}
