package interpreter_test

import (
	"fmt"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

// plateRounds is a workflow of 384 steps a round and 2 more: to every well of
// a plate and back.
const plateRounds = `ot2flow: 1
name: rounds
params:
  rounds: {type: integer, default: 1}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  water: {type: nest_1_reservoir_195ml, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  w: {in: water.A1, volume: 100 mL}
  d: {in: plate, volume: 100 uL}
steps:
  - pick_up_tip:
  - repeat: rounds
    do:
      - for: to in plate
        do:
          - transfer: {from: water.A1, to: to, volume: 50 uL, tip: current}
          - transfer: {from: to, to: water.A1, volume: 50 uL, tip: current}
  - drop_tip:
`

const stepsInRound = 96 * 4

// fataler is a test, or a try of a property.
type fataler interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func prepare(t fataler, text string) *interpreter.Prepared {
	bundle, list := spec.FromFiles("workflow.yaml", []spec.File{{Name: "workflow.yaml", Data: []byte(text)}})
	p, more := workflows.Prepare(bundle)
	if list = append(list, more...); p == nil {
		t.Fatalf("%v\n%s", list, text)
	}
	return p
}

func roundsOf(n int) interpreter.Input {
	return interpreter.Input{Params: interpreter.Values{"rounds": fmt.Sprint(n)}}
}

func prove(t testing.TB, p *interpreter.Prepared, rounds int, more ...program.Sink) {
	end, list, err := p.Prove(roundsOf(rounds), more...)
	if err != nil || len(list) > 0 || end.Steps != rounds*stepsInRound+2 {
		t.Fatal(end.Steps, list, err)
	}
}

// What an expansion takes grows with its steps and with nothing else: ten times
// the steps take ten times the memory in passing, however many there are.
func TestMemoryIsLinear(t *testing.T) {
	p := prepare(t, plateRounds)
	perStep := func(rounds int) float64 {
		return testing.AllocsPerRun(1, func() { prove(t, p, rounds) }) / float64(rounds*stepsInRound)
	}
	few, many := perStep(3), perStep(300)
	if many > few || many > 1.5 {
		t.Errorf("%.2f allocations a step in a thousand steps, %.2f in a hundred thousand", few, many)
	}
}

// BenchmarkProve is what lint does, a step.
func BenchmarkProve(b *testing.B) {
	p := prepare(b, plateRounds)
	b.ReportAllocs()
	b.ResetTimer()
	prove(b, p, b.N/stepsInRound+1)
}

// BenchmarkSimulate is what simulate does, a step.
func BenchmarkSimulate(b *testing.B) {
	p := prepare(b, plateRounds)
	b.ReportAllocs()
	b.ResetTimer()
	prove(b, p, b.N/stepsInRound+1, sim.NewStream(ot2.Machine{}.Timer, nil))
}

// BenchmarkPlan is what plan does, a step.
func BenchmarkPlan(b *testing.B) {
	p := prepare(b, plateRounds)
	b.ReportAllocs()
	b.ResetTimer()
	if plan, list := p.Plan(roundsOf(b.N/stepsInRound + 1)); plan == nil {
		b.Fatal(list)
	}
}
