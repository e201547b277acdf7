package interpreter_test

import (
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows"
)

// judge keeps checks with the number of steps before them.
type judge struct {
	steps  int
	checks []*interpreter.Check
	after  []int
}

func (j *judge) Step(t *program.Transition) error { j.steps = t.Step.N; return nil }

func (j *judge) Check(c *interpreter.Check) {
	j.checks, j.after = append(j.checks, c), append(j.after, j.steps)
}

// A sink hears of the checks that hold, where they stand between the steps, and
// may ask them of other wells: names keep the values that they had there.
func TestChecksCanBeAskedAgain(t *testing.T) {
	c := workflows.FromBytes("judge.yaml", []byte(`ot2flow: 1
name: judge
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 2}
pipettes: {p300: {type: p300_single_gen2, mount: right, tips: [tips]}}
liquids: {water: {in: plate.H1, volume: 300 uL}}
vars: {want: 0 uL}
steps:
  - for: v in [50 uL, 80 uL]
    do:
      - set: {want: want + v}
      - transfer: {from: water, to: plate.A1, volume: v}
      - check: {that: plate.A1.volume > want - 1 uL, message: 'A1 has ${ plate.A1.volume } of ${ want }'}
  - check: {that: want == 130 uL}
`))
	j := &judge{}
	end, list, err := c.Prepared.Prove(interpreter.Input{}, j)
	if err != nil || list.HasErrors() {
		t.Fatal(list, err)
	}
	if len(j.checks) != 3 || j.after[0] != 4 || j.after[1] != 8 || j.after[2] != 8 {
		t.Fatalf("%d checks, after steps %v", len(j.checks), j.after)
	}
	if j.checks[0].Site() != j.checks[1].Site() || j.checks[1].Site() == j.checks[2].Site() {
		t.Error("a check in a loop is one check, and another is another")
	}
	a1, _ := end.State.Deck.Labware[0].Def.Well("A1")
	well := program.WellRef{Labware: 0, Well: int16(a1)}
	for _, at := range []struct {
		volume       int64
		first, later bool
	}{{130_000, true, true}, {129_500, true, true}, {128_900, true, false}, {48_000, false, false}} {
		s := program.NewState(end.Deck)
		s.SetContent(well, at.volume, []int64{at.volume, 0}, nil)
		if j.checks[0].Holds(s) != at.first || j.checks[1].Holds(s) != at.later || !j.checks[2].Holds(s) {
			t.Errorf("of %d nL: %v, %v, %v", at.volume, j.checks[0].Holds(s), j.checks[1].Holds(s), j.checks[2].Holds(s))
		}
		if at.volume == 128_900 && j.checks[1].Message(s) != "A1 has 128.9 uL of 130 uL" {
			t.Error(j.checks[1].Message(s))
		}
	}
}
