package interpreter_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows"
)

const scattering = `ot2flow: 1
name: scattering
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
pipettes:
  p300: {type: p300_single_gen2, mount: right}
instruments:
  meter:
    url: http://meter.local/read
    result:
      count: {type: integer, noise: 25}
      share: {type: number, noise: 2 %}
      level: {type: volume, noise: 3 uL}
      heat: {type: temperature, noise: 0.4 C}
      sure: {type: volume}
    simulate: {count: 1000, share: 0.5, level: 120 uL, heat: 37 C, sure: 50 uL}
steps:
  - measure: {with: meter}
  - measure: {with: meter}
`

// listener keeps what it hears, by name and the ordinal of the step.
type listener struct{ values map[string]eval.Value }

func (l *listener) Step(*program.Transition) error { return nil }

func (l *listener) Measured(s *program.Step, name string, v eval.Value) {
	l.values[name+" "+strconv.Itoa(s.N)] = v
}
func (l *listener) Returned(string, eval.Value) {}

func listen(t *testing.T, p *interpreter.Prepared, in interpreter.Input) map[string]eval.Value {
	t.Helper()
	in.Likely = true
	l := &listener{map[string]eval.Value{}}
	if _, list, err := p.Expand(in, l); err != nil || list.HasErrors() {
		t.Fatal(list, err)
	}
	return l.values
}

// Readings scatter as far as it is declared and are right on average; each is
// drawn for itself, and the same seed draws the same.
func TestNoise(t *testing.T) {
	c := workflows.FromBytes("scattering.yaml", []byte(scattering))
	if c.Prepared == nil {
		t.Fatal(c.Diagnostics)
	}
	const runs = 4000
	got := map[string][]float64{}
	add := func(name string, v eval.Value) { got[name] = append(got[name], v.Float()) }
	for run := range runs {
		for name, v := range listen(t, c.Prepared, interpreter.Input{Scatter: "1/" + strconv.Itoa(run)}) {
			add(name, v)
		}
	}
	for _, tt := range []struct {
		name     string
		mean, sd float64
	}{
		{"meter.count", 1000, 25},
		{"meter.share", 0.5, 0.01},
		{"meter.level", 120, 3},
		{"meter.heat", 37, 0.4},
		{"meter.sure", 50, 0},
	} {
		for _, step := range []string{" 1", " 2"} {
			name := tt.name + step
			mean, sd := moments(got[name])
			// Four standard errors of a mean and of a standard deviation.
			if len(got[name]) != runs || math.Abs(mean-tt.mean) > 4*tt.sd/math.Sqrt(runs)+1e-9 || math.Abs(sd-tt.sd) > 4*tt.sd/math.Sqrt(2*runs)+1e-9 {
				t.Errorf("%s: %d values of %g ± %g, want %g ± %g", name, len(got[name]), mean, sd, tt.mean, tt.sd)
			}
			if tt.sd > 0 {
				within(t, name, got[name], tt.mean, tt.sd)
			}
		}
	}
	for _, pair := range [][2]string{{"meter.level 1", "meter.level 2"}, {"meter.level 1", "meter.heat 1"}} {
		if r := correlation(got[pair[0]], got[pair[1]]); math.Abs(r) > 4/math.Sqrt(runs) {
			t.Errorf("%s and %s go with each other: %.3f", pair[0], pair[1], r)
		}
	}
	again := listen(t, c.Prepared, interpreter.Input{Scatter: "1/17"})["meter.level 1"]
	if again.Float() != got["meter.level 1"][17] {
		t.Error("the same seed gives something else")
	}
	for _, in := range []interpreter.Input{{}, {Seed: "1/17"}} {
		if v := listen(t, c.Prepared, in)["meter.level 1"]; v.Float() != 120 {
			t.Errorf("%+v scatters: %s", in, v)
		}
	}
}

func moments(values []float64) (mean, sd float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		sd += (v - mean) * (v - mean) / float64(len(values)-1)
	}
	return mean, math.Sqrt(sd)
}

// within compares how many values are within one and two standard deviations
// with the normal distribution.
func within(t *testing.T, name string, values []float64, mean, sd float64) {
	t.Helper()
	for k, want := range map[float64]float64{1: 0.6827, 2: 0.9545} {
		n := 0.0
		for _, v := range values {
			if math.Abs(v-mean) < k*sd {
				n++
			}
		}
		if share := n / float64(len(values)); math.Abs(share-want) > 0.035 {
			t.Errorf("%s: %.3f of the values are within %g standard deviations, want %.3f", name, share, k, want)
		}
	}
}

func correlation(a, b []float64) float64 {
	ma, sa := moments(a)
	mb, sb := moments(b)
	r := 0.0
	for i := range a {
		r += (a[i] - ma) * (b[i] - mb) / sa / sb / float64(len(a)-1)
	}
	return r
}

// A reading that noise has carried out of what is allowed is no result, and says
// why; without noise nothing of that is found.
func TestReadingOutOfRange(t *testing.T) {
	text := strings.Replace(scattering, "level: {type: volume, noise: 3 uL}", "level: {type: volume, max: 121 uL, noise: 3 uL}", 1)
	c := workflows.FromBytes("scattering.yaml", []byte(text))
	failed := 0
	const runs = 1000
	for run := range runs {
		end, _, _ := c.Prepared.Expand(interpreter.Input{Likely: true, Scatter: strconv.Itoa(run)}, interpreter.Fan{})
		if d := end.Failed; d != nil {
			failed++
			if !strings.Contains(d.Message, " failed: the answer is not valid: ") || !strings.Contains(d.Message, "121 uL") {
				t.Fatal(d.Message)
			}
		}
	}
	// One reading is above by more than a third of its deviation, or the other is.
	above := 0.5 * math.Erfc(1.0/3/math.Sqrt2)
	want := 1 - (1-above)*(1-above)
	if share := float64(failed) / runs; math.Abs(share-want) > 4*math.Sqrt(want*(1-want)/runs) {
		t.Errorf("%.3f of the runs fail, of theory %.3f", share, want)
	}
	if _, list, _ := c.Prepared.Prove(interpreter.Input{Examples: true}, interpreter.Fan{}); list.HasErrors() {
		t.Error("a proof draws noise:", list)
	}
}
