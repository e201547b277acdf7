package sim_test

import (
	"context"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

func prepare(t testing.TB, file string) *interpreter.Prepared {
	t.Helper()
	bundle, list := spec.Load(os.DirFS("../.."), file)
	if list.HasErrors() {
		t.Fatal(list)
	}
	p, list := workflows.Prepare(bundle)
	if list.HasErrors() {
		t.Fatal(list)
	}
	return p
}

// The world, which sees nothing but operations, arrives at the wells that the
// expansion arrived at; the plan of it, carried out through the runner, too.
func TestExamplesEndAsExpanded(t *testing.T) {
	for _, file := range []string{"examples/01-mix-colors/workflow.yaml", "examples/02-color-grid/workflow.yaml", "examples/03-cherry-pick/workflow.yaml", "examples/04-serial-dilution/workflow.yaml", "examples/05-two-plates/workflow.yaml", "examples/08-bead-cleanup/workflow.yaml", "examples/09-eight-channels/workflow.yaml"} {
		t.Run(file, func(t *testing.T) {
			p := prepare(t, file)
			plan, list := p.Plan(interpreter.Input{})
			if list.HasErrors() {
				t.Fatal(list)
			}
			end, _, err := p.Expand(interpreter.Input{}, new(interpreter.Recorder))
			if err != nil {
				t.Fatal(err)
			}
			direct := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
			for i := range plan.Steps {
				if !direct.Do(&plan.Steps[i]) {
					t.Fatal(direct.Failure())
				}
			}
			direct.End()
			r := direct.Result()
			if r.Outcome != sim.OK || r.Steps != len(plan.Steps) || r.DurationMS != plan.EstimateMS {
				t.Errorf("%v, %d steps of %d, %d ms of %d", r.Outcome, r.Steps, len(plan.Steps), r.DurationMS, plan.EstimateMS)
			}
			if diff := cmp.Diff(plan.Needs.Tips, r.Tips); diff != "" {
				t.Errorf("tips: %s", diff)
			}
			if diff := cmp.Diff(plan.Needs.Liquids, r.Drawn); diff != "" {
				t.Errorf("liquids: %s", diff)
			}
			for _, w := range r.Wells {
				want, _ := end.State.Content(w.Ref)
				if diff := cmp.Diff(*want, w.Content); diff != "" {
					t.Errorf("%s: %s", plan.Deck.WellName(w.Ref), diff)
				}
			}
			through := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
			got, err := run.Run(context.Background(), run.Options{Plan: plan, Backend: sim.NewBackend(through), Timer: ot2.Machine{}.Timer})
			if err != nil || got.Verdict != run.VerdictOK || got.Done != len(plan.Steps) {
				t.Fatal(got, err)
			}
			if diff := cmp.Diff(string(r.AppendJSON(nil)), string(through.Result().AppendJSON(nil))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
