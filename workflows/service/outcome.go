package service

import (
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
)

// How a run ended. A robot measures nothing: what the wells hold is what the plan
// makes of the steps that are done.

// ByPlan replays the first steps of a plan.
func ByPlan(plan *program.Plan, done int) *sim.Result {
	world := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
	for i := range plan.Steps[:done] {
		world.Do(&plan.Steps[i])
	}
	if done < len(plan.Steps) {
		world.Stop()
	}
	result := world.Result()
	result.Outputs = plan.Outputs
	return result
}

// ByRun replays what happened in the part of a run that ended, and in what closed it.
func ByRun(plan *program.Plan, r *run.Result) *sim.Result {
	out := ByPlan(plan, r.Done)
	if r.State.Closed == nil || r.Story == nil {
		return out
	}
	if end, err := r.Story.Ending(); err == nil {
		for i := range out.Modules {
			out.Modules[i] = *end.State.Module(i)
		}
	}
	return out
}

// ByStory replays what happened in all parts of a run.
func ByStory(story *run.Story) *sim.Result {
	state, err := story.Stand()
	if err != nil { // somebody has to decide; what is certain is shown
		return ByPlan(story.Parts[0].Plan, story.Parts[0].State.Done)
	}
	out := sim.NewWorld(state, ot2.NewTimer(state.Deck)).Result()
	used := story.Used()
	out.Tips, out.Drawn = used.Tips, used.Liquids
	return out
}

// WasStopped reports whether somebody stopped a run, here or in the Opentrons
// App, and not the run itself because it could not go on.
func WasStopped(r *run.Result) bool {
	s := &r.State
	return r.Verdict == run.VerdictStopped || s.Ended == run.Stopped && (s.Failure == nil || s.Failure.Kind == run.Halted)
}

// HowItEnded is "done, 12" or "stopped after 4", of steps.
func HowItEnded(r *run.Result) string {
	switch {
	case r.Verdict == run.VerdictOK:
		return fmt.Sprintf("done, %d", r.Done)
	case r.Verdict == run.NoVerdict:
		return fmt.Sprintf("left under way after %d", r.Done)
	case r.Verdict == run.VerdictDoubt:
		return fmt.Sprintf("in doubt after %d", r.Done)
	case WasStopped(r):
		return fmt.Sprintf("stopped after %d", r.Done)
	}
	return fmt.Sprintf("failed after %d", r.Done)
}

// ResultWord is ok, failed, stopped, in_doubt or left.
func ResultWord(r *run.Result) string {
	switch {
	case r.Verdict == run.NoVerdict:
		return "left"
	case r.Verdict == run.VerdictFailed && WasStopped(r):
		return run.VerdictStopped.String()
	}
	return r.Verdict.String()
}
