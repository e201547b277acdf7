package sim_test

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/workflows"
)

const noisyDeck = `ot2flow: 1
name: noisy
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  trough: {type: nest_12_reservoir_15ml, slot: 2}
  tips20: {type: opentrons_96_tiprack_20ul, slot: 3}
  tips300: {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes:
  p20: {type: p20_single_gen2, mount: left, tips: [tips20]}
  p300: {type: p300_single_gen2, mount: right, tips: [tips300]}
liquids:
  water: {in: trough.A1, volume: 10 mL}
  dye: {in: trough.A2, volume: 5 mL, contains: {dye: 100 uM}}
`

// noisy expands a workflow for its noise.
func noisy(t testing.TB, text string) (*sim.Noise, interpreter.End) {
	t.Helper()
	c := workflows.FromBytes("noisy.yaml", []byte(text))
	if c.Prepared == nil {
		t.Fatal(c.Diagnostics)
	}
	n := sim.NewNoise()
	end, list, err := c.Prepared.Prove(interpreter.Input{}, n)
	if err != nil || list.HasErrors() {
		t.Fatal(list, err)
	}
	return n, end
}

func spreadOf(t *testing.T, s *sim.Spread, well string) *sim.WellSpread {
	t.Helper()
	for i := range s.Wells {
		if s.Deck.WellName(s.Wells[i].Well) == well {
			return &s.Wells[i]
		}
	}
	t.Fatal("nothing is known of " + well)
	return nil
}

// The variance of sums and differences is the sum of the variances: those of
// strokes, and those of the pipettes, whose errors all of their strokes share.
// Where it is not a sum, as in a concentration, it is that of the tangent.
func TestSpreadIsThatOfTheory(t *testing.T) {
	p20, _ := ot2.PrecisionOf("p20_single_gen2")
	p300, _ := ot2.PrecisionOf("p300_single_gen2")
	variance := func(systematic, random float64) float64 { return systematic*systematic/3 + random*random }
	d100, r100 := p300.Errors(100_000)
	d60, r60 := p300.Errors(60_000)
	d5, r5 := p20.Errors(5_000)
	for _, c := range []struct {
		name, steps, well string
		mean, variance    float64 // nL
	}{
		{"one transfer", "- transfer: {from: water, to: plate.A1, volume: 100 uL}", "plate.A1", 100_000, variance(d100, r100)},
		{"a small one", "- transfer: {from: water, to: plate.A1, volume: 5 uL}", "plate.A1", 5_000, variance(d5, r5)},
		{"three with one pipette", "- repeat: 3\n    transfer: {from: water, to: plate.A1, volume: 60 uL}", "plate.A1", 180_000, variance(3*d60, math.Sqrt(3)*r60)},
		{"two pipettes", "- transfer: {from: water, to: plate.A1, volume: 100 uL}\n  - transfer: {from: dye, to: plate.A1, volume: 5 uL}", "plate.A1", 105_000, variance(d100, r100) + variance(d5, r5)},
		{"what is drawn from several wells", "- pick_up_tip: {pipette: p300}\n  - aspirate: {from: trough.A1, volume: 100 uL}\n  - aspirate: {from: trough.A2, volume: 100 uL}\n  - dispense: {to: plate.A1, volume: 200 uL}\n  - drop_tip:", "plate.A1", 200_000, variance(2*d100, math.Sqrt2*r100)},
		{"the first that is given", "- pick_up_tip: {pipette: p300}\n  - aspirate: {from: trough.A1, volume: 200 uL}\n  - dispense: {to: plate.A1, volume: 100 uL}\n  - dispense: {to: plate.A2, volume: 100 uL}\n  - drop_tip:", "plate.A1", 100_000, variance(d100, r100)},
		{"what is left in a source", "- transfer: {from: water, to: plate.A1, volume: 100 uL}", "trough.A1", 9_900_000, variance(d100, r100)},
		{"mixing moves nothing", "- transfer: {from: water, to: plate.A1, volume: 100 uL, dispense: {mix: 5 x 60 uL}}", "plate.A1", 100_000, variance(d100, r100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, _ := noisy(t, noisyDeck+"steps:\n  "+c.steps+"\n")
			const runs = 20_000
			d := spreadOf(t, n.Repeat(runs, 1, 2), c.well).Volume
			sd := math.Sqrt(c.variance)
			if math.Abs(d.Mean-c.mean) > 4*sd/math.Sqrt(runs) {
				t.Errorf("mean %.1f, of theory %.1f", d.Mean, c.mean)
			}
			if math.Abs(d.SD/sd-1) > 0.025 { // the standard error of it is 0.005
				t.Errorf("sd %.2f, of theory %.2f", d.SD, sd)
			}
			if d.Target != c.mean || d.Runs != runs || d.Min > d.P5 || d.P5 > d.Median || d.Median > d.P95 || d.P95 > d.Max {
				t.Errorf("%+v", d)
			}
		})
	}
	t.Run("a concentration", func(t *testing.T) {
		n, _ := noisy(t, noisyDeck+"steps:\n  - transfer: {from: water, to: plate.A1, volume: 100 uL}\n  - transfer: {from: dye, to: plate.A1, volume: 5 uL}\n")
		w := spreadOf(t, n.Repeat(20_000, 1, 2), "plate.A1")
		want := 100_000.0 * 5 / 105 // nM
		slope := 100_000.0 / (105_000 * 105_000)
		sd := math.Sqrt(variance(d5, r5)*math.Pow(100_000*slope, 2) + variance(d100, r100)*math.Pow(5_000*slope, 2))
		if len(w.Contains) != 1 || math.Abs(w.Contains[0].Target/want-1) > 1e-9 {
			t.Fatalf("%+v", w.Contains)
		}
		if got := w.Contains[0].SD; math.Abs(got/sd-1) > 0.02 {
			t.Errorf("sd %.1f nM, of theory %.1f nM", got, sd)
		}
		if got := w.Contains[0].Mean; math.Abs(got/want-1) > 0.002 {
			t.Errorf("mean %.1f nM, of theory %.1f nM", got, want)
		}
	})
}

// An 8-channel pipette has eight plungers in eight wells, each with its own
// systematic error.
func TestSpreadOfChannels(t *testing.T) {
	n, _ := noisy(t, `ot2flow: 1
name: eight
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  trough: {type: nest_12_reservoir_15ml, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes: {p300: {type: p300_multi_gen2, mount: right, tips: [tips]}}
liquids: {water: {in: trough.A1, volume: 10 mL}}
steps: [{transfer: {from: trough.A1, to: plate.column(1), volume: 100 uL}}]
`)
	const runs = 20_000
	s := n.Repeat(runs, 3, 2)
	p, _ := ot2.PrecisionOf("p300_multi_gen2")
	d, r := p.Errors(100_000)
	for _, well := range []string{"plate.A1", "plate.H1"} {
		if got, sd := spreadOf(t, s, well).Volume.SD, math.Sqrt(d*d/3+r*r); math.Abs(got/sd-1) > 0.03 {
			t.Errorf("%s: sd %.1f, of theory %.1f", well, got, sd)
		}
	}
	if got, sd := spreadOf(t, s, "trough.A1").Volume.SD, math.Sqrt(8*(d*d/3+r*r)); math.Abs(got/sd-1) > 0.03 {
		t.Errorf("the trough: sd %.1f, of theory %.1f", got, sd)
	}
}

// What comes out follows from the program, the seed and the number of runs,
// however many goroutines work at it.
func TestSpreadFollowsFromItsSeed(t *testing.T) {
	n, _ := noisy(t, noisyDeck+`steps:
  - for: w in plate.row('A')
    transfer: {from: dye, to: w, volume: 30 uL}
  - check: {that: plate.A3.volume > 29.5 uL}
`)
	one, two, other := n.Repeat(500, 7, 1), n.Repeat(500, 7, 4), n.Repeat(500, 8, 4)
	if !reflect.DeepEqual(one, two) {
		t.Error("one goroutine and four do not agree")
	}
	if reflect.DeepEqual(one.Wells, other.Wells) {
		t.Error("another seed gives the same")
	}
	if one.Failed == 0 || one.Failed == 500 {
		t.Errorf("the check failed in %d runs", one.Failed)
	}
	if more := n.Repeat(501, 7, 2); reflect.DeepEqual(more.Wells, one.Wells) {
		t.Error("one run more changes nothing")
	}
}

// Without errors a program arrives where its expansion does.
func TestTargetsAreThoseOfTheExpansion(t *testing.T) {
	for _, file := range []string{"examples/01-mix-colors/workflow.yaml", "examples/02-color-grid/workflow.yaml", "examples/03-cherry-pick/workflow.yaml", "examples/04-serial-dilution/workflow.yaml", "examples/05-two-plates/workflow.yaml", "examples/08-bead-cleanup/workflow.yaml", "examples/09-eight-channels/workflow.yaml", "examples/10-normalise/workflow.yaml"} {
		p := prepare(t, file)
		n := sim.NewNoise()
		end, list, err := p.Prove(interpreter.Input{}, n)
		if err != nil || list.HasErrors() {
			t.Fatal(list, err)
		}
		s := n.Repeat(3, 1, 1)
		if len(s.Wells) == 0 {
			t.Error(file, "touches no well")
		}
		for _, w := range s.Wells {
			c, _ := end.State.Content(w.Well)
			// Shares are rounded to the nanolitre at each of up to some thousand steps.
			if math.Abs(w.Volume.Target-float64(c.Volume)) > 1 {
				t.Errorf("%s: %s should hold %d nL, and %.1f are meant", file, s.Deck.WellName(w.Well), c.Volume, w.Volume.Target)
			}
			for _, l := range w.Liquids {
				if math.Abs(l.Target-float64(c.Parts[l.Index])) > 50 {
					t.Errorf("%s: %s should hold %d nL of %s, and %.1f are meant", file, s.Deck.WellName(w.Well), c.Parts[l.Index], s.Deck.Liquids[l.Index].Name, l.Target)
				}
			}
		}
	}
}

// In every run liquid only changes places.
func TestNoiseLosesNothing(t *testing.T) {
	c := workflows.FromBytes("noisy.yaml", []byte(noisyDeck+"steps: []\n"))
	deck := func() *program.Deck {
		end, _, _ := c.Prepared.Expand(interpreter.Input{}, interpreter.Fan{})
		return end.Deck
	}()
	rapid.Check(t, func(t *rapid.T) {
		var steps string
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			from := rapid.SampledFrom([]string{"water", "dye"}).Draw(t, "from")
			to := rapid.SampledFrom([]string{"plate.A1", "plate.A2", "plate.A3"}).Draw(t, "to")
			volume := rapid.SampledFrom([]string{"1 uL", "7 uL", "20 uL", "25 uL"}).Draw(t, "volume")
			steps += "  - " + rapid.SampledFrom([]string{
				"transfer: {from: " + from + ", to: " + to + ", volume: " + volume + ", pipette: p20, dispense: {mix: 2 x 1 uL}}",
				"distribute: {from: " + from + ", to: [" + to + ", plate.B1], volume: " + volume + "}",
				"transfer: {from: " + from + ", to: " + to + ", volume: " + volume + "}",
			}).Draw(t, "step") + "\n"
		}
		c := workflows.FromBytes("noisy.yaml", []byte(noisyDeck+"steps:\n"+steps))
		if c.Prepared == nil {
			t.Fatal(c.Diagnostics)
		}
		n := sim.NewNoise()
		if _, list, _ := c.Prepared.Prove(interpreter.Input{}, n); list.HasErrors() {
			t.Fatal(steps, list)
		}
		for run := range 5 {
			before, after := n.Balance(uint64(run), run)
			for i := range before {
				if math.Abs(before[i]-after[i]) > 1e-3 {
					t.Fatalf("%s\nof %d there were %.3f nL, and are %.3f", steps, i, before[i], after[i])
				}
			}
			if len(before) != 1+len(deck.Liquids)+1+len(deck.Components) {
				t.Fatal(len(before))
			}
		}
	})
}

// Wells lose liquid while they stand open on the deck, for as long as the robot
// takes; what is dissolved in it stays. Under the closed lid of a thermocycler
// and off the deck nothing is lost, and never more than there is.
// What samples that differ come to in a well is known in every run, too.
func TestChecksOfMixedStocks(t *testing.T) {
	n, _ := noisy(t, noisyDeck+`  samples: {in: 'plate.A1:B1', volume: 100 uL, contains: {DNA: [60 ng/uL, 20 ng/uL]}}
  open: {in: 'plate.A3:B3', contains: {DNA: [60 ng/uL, 20 ng/uL]}}
steps:
  - transfer: {from: [plate.A1, plate.B1], to: plate.C1, volume: 50 uL}
  - transfer: {from: [plate.A3, plate.B3], to: plate.D1, volume: 50 uL}
  - check: {that: plate.C1.concentration("DNA") > 35 ng/uL and plate.C1.concentration("DNA") < 45 ng/uL}
  - check: {that: plate.D1.concentration("DNA") > 35 ng/uL and plate.D1.concentration("DNA") < 45 ng/uL}
  - check: {that: plate.C1.concentration("DNA") >= 40 ng/uL}
`)
	s := n.Repeat(200, 1, 1)
	for _, m := range s.Mishaps {
		if m.Runs < 60 || m.Runs > 140 {
			t.Errorf("in %d of 200 runs: %+v", m.Runs, m)
		}
	}
	if len(s.Mishaps) != 1 {
		t.Errorf("%+v", s.Mishaps)
	}
}

func TestEvaporation(t *testing.T) {
	n, end := noisy(t, `ot2flow: 1
name: evaporation
modules: {cycler: {type: thermocycler_gen1, slot: 7}}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1, evaporation: 6 uL/h}
  shut: {type: nest_96_wellplate_100ul_pcr_full_skirt, module: cycler, evaporation: 6 uL/h}
  dry: {type: corning_96_wellplate_360ul_flat, slot: 2, evaporation: 1 uL/min}
  trough: {type: nest_12_reservoir_15ml, slot: 3}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes: {p300: {type: p300_single_gen2, mount: right, tips: [tips]}}
liquids:
  salt: {in: [plate.A1, shut.A1, plate.B1], volume: 50 uL, contains: {salt: 100 mM}}
  little: {in: dry.A1, volume: 30 uL}
  water: {in: trough.A1, volume: 5 mL}
steps:
  - thermocycler: {module: cycler, lid: closed}
  - delay: 5 h
  - transfer: {from: water, to: plate.A1, volume: 100 uL}
  - check: {that: 'plate.B1.concentration("salt") < 110 mM'}
  - delay: 5 h
  - move_labware: {labware: plate, to: off_deck}
  - delay: 5 h
`)
	s := n.Repeat(500, 1, 2)
	of := func(well string) *sim.WellSpread { return spreadOf(t, s, well) }
	// 150 uL less 10 h of 6 uL/h, and the seconds that a transfer takes.
	if d := of("plate.A1"); math.Abs(d.Volume.Mean-(150_000-60_000)) > 400 || math.Abs(d.Contains[0].Mean/(100e6*50/90)-1) > 0.01 {
		t.Errorf("in plate.A1 there are %.1f nL with %.0f nM", d.Volume.Mean, d.Contains[0].Mean)
	}
	for i := range s.Wells {
		if name := s.Deck.WellName(s.Wells[i].Well); name == "shut.A1" && s.Wells[i].Volume.Mean < 49_900 {
			t.Errorf("%.1f nL are left under a closed lid", s.Wells[i].Volume.Mean)
		}
	}
	if d := of("dry.A1"); d.Volume.Mean != 0 || d.Volume.Target != 30_000 {
		t.Errorf("of what dries up there are %.1f nL, and %.1f are meant", d.Volume.Mean, d.Volume.Target)
	}
	if s.Failed != 500 || len(s.Mishaps) != 1 || s.Mishaps[0].Mishap != sim.CheckFailed {
		t.Errorf("%d runs failed: %+v", s.Failed, s.Mishaps)
	}
	if c, _ := end.State.Content(of("plate.A1").Well); c.Volume != 150_000 {
		t.Errorf("the program itself counts with %d nL", c.Volume)
	}
}
