package robot_test

import (
	"context"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
	"github.com/ot2flow/ot2flow/workflows"
)

const asking = `ot2flow: 1
name: asking
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: plate.A1, volume: 300 uL}
steps:
  - ask: {message: may it begin}
    as: begin
  - if: begin
    transfer: {from: plate.A1, to: plate.B1, volume: 30 uL}
  - ask: {message: how much, type: volume, min: 20 uL, max: 100 uL}
    as: amount
  - transfer: {from: plate.A1, to: plate.C1, volume: amount}
  - ask: {message: is it done}
    as: done
`

// asked runs the workflow with answers, doing something while each is thought
// about.
func (b *bench) asked(t *testing.T, meanwhile func(step int)) (run.Result, error) {
	c := workflows.FromBytes("workflow.yaml", []byte(asking))
	plan := expand(t, c)
	return b.run(plan, func(o *run.Options) {
		o.Perform = func(_ context.Context, s *program.Step) (run.Response, error) {
			meanwhile(s.N)
			answer := "true"
			if s.Live.Fields[0].Type == "volume" {
				answer = "50 uL"
			}
			return run.Response{Values: map[string]string{"": answer}, By: "Ada"}, nil
		}
		o.Grow = func(_ context.Context, results []run.Performed) (*program.Plan, error) {
			in := interpreter.Input{}
			for _, r := range results {
				in.Results = append(in.Results, interpreter.Result{N: r.N, Values: r.Values})
			}
			p, list := c.Prepared.Grow(in)
			if p == nil {
				t.Error(list)
			}
			return p, nil
		}
	})
}

// A plan that begins, goes on and ends with questions is one run on the robot,
// which is played only once there is something to do, and ended at its end.
func TestQuestionsOnARobot(t *testing.T) {
	b := newBench(t, emulator.Options{})
	r, err := b.asked(t, func(int) {})
	if err != nil || r.Verdict != run.VerdictOK || len(r.State.Performed) != 3 {
		t.Fatalf("%v: %v", r.Verdict, err)
	}
	b.free(r.Verdict)
}

// A door that is opened while somebody thinks is waited for, before the run was
// played and in the middle of it.
func TestDoorOpenAtAQuestion(t *testing.T) {
	b := newBench(t, emulator.Options{Faults: emulator.Faults{DoorSwitch: true}})
	closed := make(chan struct{}, 3)
	r, err := b.asked(t, func(int) {
		b.emulator.SetDoor(true)
		time.AfterFunc(300*time.Millisecond, func() { b.emulator.SetDoor(false); closed <- struct{}{} })
	})
	for range len(r.State.Performed) {
		<-closed
	}
	if err != nil || r.Verdict != run.VerdictOK {
		t.Fatalf("%v: %v", r.Verdict, err)
	}
}

// Answers that are lost between two questions are made up for.
func TestQuestionsLiveThroughBadAnswers(t *testing.T) {
	for _, do := range []mishap.Mischief{mishap.CutBefore, mishap.CutAfter, mishap.Error500} {
		for _, on := range []string{"POST /runs/*/commands", "POST /runs/*/actions", "GET /runs/*"} {
			t.Run(string(do)+" "+on, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, emulator.Options{Faults: emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: on, Nth: 5, Do: do}}}}})
				r, err := b.asked(t, func(int) {})
				if err != nil || r.Verdict != run.VerdictOK {
					t.Errorf("%v after %d: %v", r.Verdict, r.Done, err)
				}
			})
		}
	}
}
