package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/outside"
)

// What a run does beside the robot: people are asked, instruments measure, other
// programs are asked and people told; and the plan goes on by what comes back.

// liveBatch is how many steps the robot is handed at a time where it waits for
// us in between anyway: so many that standing between them is nothing, and so
// few that handing them over takes no time that anybody notices.
const liveBatch = 200

// beside is what a run needs for that.
type beside struct {
	a       *app
	checked *workflows.Checked
	run     workflows.Run
	plan    *program.Plan // as far as it is certain
	done    []interpreter.Result

	talk
	world   outside.Outside
	answers chan *journal.Message // from other processes
}

// talk is who is there, and how they are talked to.
type talk struct {
	status *status
	in     *lines // nil: nobody is asked here
	sim    bool   // the simulator's models answer
	seed   uint64 // of their noise
	id     string // of the run; empty where it is not kept
}

// beside makes the workflow of a plan again, so that it can go on, and fails
// where that does not give the plan. It is nil for a plan that does not go on.
func (a *app) beside(plan *program.Plan) (*beside, error) {
	if !plan.Reacts() {
		return nil, nil
	}
	b := &beside{a: a, plan: plan, answers: make(chan *journal.Message, 16)}
	var err error
	if b.checked, b.run, err = workflows.Reopen(plan); err != nil {
		return nil, cannot("the plan goes on by what comes back, and that cannot be worked out: %v", err)
	}
	if b.world.Mail, err = outside.ParseMail(os.Getenv("OT2FLOW_MAIL")); err != nil {
		return nil, usage("OT2FLOW_MAIL: %v", err)
	}
	return b, nil
}

// begins fails where the files of a plan do not give it.
func (b *beside) begins() error {
	fresh, list := b.checked.Prepared.Grow(b.run.Input(false))
	if fresh == nil {
		return b.a.findingsOf(b.plan, list)
	}
	if fresh.Fingerprint != b.plan.Fingerprint {
		return cannot("the plan is not the one that its files give with this version of ot2flow, so that it could not be gone on with; make it again")
	}
	return nil
}

// grow works out the plan as far as it is certain with results.
func (b *beside) grow(_ context.Context, results []run.Performed) (*program.Plan, error) {
	in := b.run.Input(false)
	in.Results = nil
	for _, r := range results {
		in.Results = append(in.Results, interpreter.Result{N: r.N, Values: r.Values, Failed: failedBy(&r), Why: r.Failed})
	}
	b.done = in.Results
	plan, list := b.checked.Prepared.Grow(in)
	if plan == nil {
		b.status.end()
		b.checked.Add(list)
		b.a.show(b.checked.Diagnostics, b.checked.Source)
		return nil, errors.New(firstError(b.checked))
	}
	b.plan = plan
	return plan, nil
}

// failedBy is the kind of a failure, or none.
func failedBy(r *run.Performed) program.Cause {
	if r.Failed == "" {
		return ""
	}
	return cmp.Or(r.Cause, program.Rejected)
}

func firstError(c *workflows.Checked) string {
	for _, d := range c.Diagnostics {
		if d.Severity == 0 {
			return fmt.Sprintf("%s:%d:%d: %s", d.Span.File, d.Span.Start.Line, d.Span.Start.Column, d.Message)
		}
	}
	return "the workflow does not go on with these results"
}

// perform carries out a step beside the robot.
func (b *beside) perform(ctx context.Context, step *program.Step) (run.Response, error) {
	carryOut := b.asked
	switch {
	case step.Op.Kind == program.Ask:
		carryOut = b.ask
	case b.sim:
		carryOut = b.simulated
	}
	r, err := carryOut(ctx, step)
	if err == nil && b.sim { // what is likely next may depend on it
		b.done = append(b.done, interpreter.Result{N: step.N, Values: r.Values})
	}
	return r, err
}

// asked asks the world, and takes what is an answer.
func (b *beside) asked(ctx context.Context, step *program.Step) (run.Response, error) {
	values, err := b.world.Perform(ctx, step)
	if err != nil {
		return run.Response{}, err
	}
	r, err := b.accept(step, values)
	if err != nil {
		return run.Response{}, &run.Error{Kind: run.Invalid, Message: "the answer is not valid: " + err.Error()}
	}
	return run.Response{Values: r}, nil
}

// accept says whether values are what a step asks for.
func (b *beside) accept(step *program.Step, values map[string]string) (map[string]string, error) {
	if len(step.Live.Fields) == 0 {
		return nil, nil
	}
	r, err := b.checked.Prepared.Accept(step, b.plan.Deck, values)
	return r.Values, err
}

// simulated is what the simulator takes for a result.
func (b *beside) simulated(_ context.Context, step *program.Step) (run.Response, error) {
	if step.Op.Kind == program.Notify {
		b.status.say(fmt.Sprintf("simulated: %s would be told: %s", step.Live.To, step.Live.Message))
		return run.Response{By: simulatedBy}, nil
	}
	in := b.run.Input(false)
	in.Results = b.done
	in.Scatter = sim.SeedOf(b.seed, 0)
	by := simulatedBy
	if b.checked.Prepared.Scatters(step) {
		by += fmt.Sprintf(", seed %d", b.seed)
	}
	r, ok := b.checked.Prepared.Likely(in, step.N)
	if !ok {
		return run.Response{}, &run.Error{Kind: run.Rejected, Message: "nothing is known of what it is likely to give"}
	}
	if r.Failed != "" {
		return run.Response{}, &run.Error{Kind: run.KindFor(r.Failed), Message: r.Why}
	}
	values, err := b.accept(step, r.Values)
	if err != nil {
		return run.Response{}, &run.Error{Kind: run.Invalid, Message: "the answer is not valid: " + err.Error()}
	}
	b.status.say(fmt.Sprintf("%s: %s gives %s", by, whatLive(step), valuesText(values)))
	return run.Response{Values: values, By: by}, nil
}

// simulatedBy is who answers on the simulator, in the journal.
const simulatedBy = "simulated"

// whatLive names a step beside the robot for people.
func whatLive(step *program.Step) string {
	l := step.Live
	switch step.Op.Kind {
	case program.Measure:
		return l.Instrument
	case program.Request:
		return l.URL
	case program.Notify:
		return l.To
	default:
		return strings.TrimSpace(l.Message)
	}
}

// valuesText lists values by name; one without a name stands alone.
func valuesText(values map[string]string) string {
	if len(values) == 0 {
		return "nothing"
	}
	if v, single := values[""]; single {
		return v
	}
	var parts []string
	for _, name := range sortedKeys(values) {
		parts = append(parts, name+" = "+values[name])
	}
	return strings.Join(parts, ", ")
}
