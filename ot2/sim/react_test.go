package sim_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/workflows"
)

const reacting = noisyDeck + `instruments:
  scale:
    url: http://scale.local/weigh
    result: {level: {type: volume, min: 0 uL, max: 300 uL}}
    simulate: {level: plate.A1.volume}
steps:
  - transfer: {from: water, to: plate.A1, volume: 5 uL}
  - measure: {with: scale}
    as: got
  - if: got.level < 5 uL
    transfer: {from: water, to: plate.B1, volume: 2 uL}
  - check: {that: got.level > 4.8 uL, message: 'only ${ got.level }'}
`

// An instrument that is simulated sees what really is in the well, so that runs
// decide differently, as often as the errors of the pipette make them.
func TestRunsThatReact(t *testing.T) {
	c := workflows.FromBytes("reacting.yaml", []byte(reacting))
	if c.Prepared == nil {
		t.Fatal(c.Diagnostics)
	}
	repeat := func(seed uint64, workers int) *sim.Spread {
		s, err := sim.React(c.Prepared, interpreter.Input{}, 2000, seed, workers)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := repeat(1, 2)
	if len(s.Ways) != 2 || math.Abs(float64(s.Ways[0].Runs)-1000) > 100 || s.Ways[0].Runs+s.Ways[1].Runs != 2000 {
		t.Errorf("half of the runs should see less than 5 uL: %+v", s.Ways)
	}
	for _, w := range s.Ways {
		if w.Steps == 9 && spreadOf(t, s, "plate.B1").Volume.Runs != w.Runs {
			t.Errorf("%d runs have 9 steps, and %d gave something to plate.B1", w.Runs, spreadOf(t, s, "plate.B1").Volume.Runs)
		}
	}
	// Below 4.8 uL is further from 5 uL than the systematic error alone reaches:
	// the share is the mean over it of what the random one does.
	p, _ := ot2.PrecisionOf("p20_single_gen2")
	systematic, random := p.Errors(5_000)
	share := 0.0
	for i := range 1000 {
		bias := systematic * (2*(float64(i)+0.5)/1000 - 1)
		share += 0.5 * math.Erfc((200+bias)/random/math.Sqrt2) / 1000
	}
	if len(s.Endings) != 1 || s.Endings[0].Runs != s.Failed || math.Abs(float64(s.Failed)/2000-share) > 4*math.Sqrt(share/2000) {
		t.Errorf("%d of 2000 runs failed, of theory %.4f: %+v", s.Failed, share, s.Endings)
	}
	if d := spreadOf(t, s, "plate.A1").Volume; d.Target != 5_000 || d.Runs != 2000 {
		t.Errorf("%+v", d)
	}
	if !reflect.DeepEqual(stripped(s), stripped(repeat(1, 1))) {
		t.Error("one goroutine and two do not agree")
	}
	if reflect.DeepEqual(stripped(s), stripped(repeat(2, 2))) {
		t.Error("another seed gives the same")
	}
}

// stripped is what a spread prints: NaN is not equal to itself.
func stripped(s *sim.Spread) string { return string(s.AppendJSON(nil)) }

// A workflow without live steps comes to the same whether it is kept or
// expanded anew in every run.
func TestReactIsRepeat(t *testing.T) {
	text := noisyDeck + `steps:
  - transfer: {from: dye, to: plate.A1, volume: 30 uL}
  - check: {that: plate.A1.volume > 29.5 uL}
  - distribute: {from: water, to: [plate.A1, plate.B1], volume: 20 uL}
`
	n, _ := noisy(t, text)
	c := workflows.FromBytes("noisy.yaml", []byte(text))
	got, err := sim.React(c.Prepared, interpreter.Input{}, 300, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := n.Repeat(300, 5, 2)
	got.Ways = nil
	if stripped(got) != stripped(want) {
		t.Errorf("%s\n%s", stripped(got), stripped(want))
	}
}

func BenchmarkRepeat(b *testing.B) {
	p := prepare(b, "examples/02-color-grid/workflow.yaml")
	n := sim.NewNoise()
	if _, list, err := p.Prove(interpreter.Input{}, n); err != nil || list.HasErrors() {
		b.Fatal(list, err)
	}
	for b.Loop() {
		n.Repeat(1000, 1, 2)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/1000/1140*1e9, "ns/step")
}

func BenchmarkReact(b *testing.B) {
	c := workflows.FromBytes("reacting.yaml", []byte(reacting))
	for b.Loop() {
		if _, err := sim.React(c.Prepared, interpreter.Input{}, 1000, 1, 2); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}

// What instruments measured and what the workflow returned is told of all runs:
// the noise of the instrument and the errors of the pipette add up.
func TestMeasuredIsTold(t *testing.T) {
	c := workflows.FromBytes("reacting.yaml", []byte(noisyDeck+`instruments:
  scale:
    url: http://scale.local/weigh
    result: {level: {type: volume, min: 0 uL, max: 300 uL, noise: 0.3 uL}}
    simulate: {level: plate.A1.volume}
vars: {many: 0}
steps:
  - transfer: {from: water, to: plate.A1, volume: 20 uL}
  - measure: {with: scale}
    as: got
  - if: got.level < 20 uL
    set: {many: 1}
outputs: {level: got.level, many: many, verdict: 'got.level < 20 uL ? "little" : "enough"'}
`))
	if c.Prepared == nil {
		t.Fatal(c.Diagnostics)
	}
	const runs = 3000
	s, err := sim.React(c.Prepared, interpreter.Input{}, runs, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Measured) != 1 || len(s.Outputs) != 3 {
		t.Fatalf("%+v\n%+v", s.Measured, s.Outputs)
	}
	got, well := s.Measured[0], spreadOf(t, s, "plate.A1").Volume
	want := math.Hypot(well.SD/1000, 0.3)
	if got.Name != "scale.level" || got.Numbers.Runs != runs || got.Numbers.Target != 20 || math.Abs(got.Numbers.Mean-20) > 4*want/math.Sqrt(runs) || math.Abs(got.Numbers.SD-want) > 5*want/math.Sqrt(2*runs) {
		t.Errorf("%+v, want a standard deviation of %g", got, want)
	}
	if s.Outputs[0].Numbers != got.Numbers {
		t.Errorf("%+v is returned, and %+v was measured", s.Outputs[0].Numbers, got.Numbers)
	}
	little := 0
	for _, w := range s.Outputs[2].Words {
		if w.Word == "little" {
			little = w.Runs
		}
	}
	if mean := s.Outputs[1].Numbers.Mean; len(s.Outputs[2].Words) != 2 || math.Abs(mean*runs-float64(little)) > 0.01 || math.Abs(mean-0.5) > 0.05 {
		t.Errorf("in %g of the runs there is little, and %+v", mean, s.Outputs[2].Words)
	}
	one, err := sim.React(c.Prepared, interpreter.Input{}, runs, 1, 1)
	if err != nil || stripped(one) != stripped(s) {
		t.Error("one goroutine and two do not agree", err)
	}
}
