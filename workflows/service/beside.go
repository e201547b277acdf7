package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

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
	checked *workflows.Checked
	run     workflows.Run
	plan    *program.Plan // as far as it is certain
	done    []interpreter.Result
	ending  *interpreter.Ending // that is closed just now; nil: none is

	person  Person
	alone   bool   // nobody is asked here
	sim     bool   // the simulator's models answer
	seed    uint64 // of their noise
	id      string // of the run; empty where it is not kept
	world   outside.Outside
	answers chan *journal.Message // from other processes
	cache   *cache
}

// besideOf makes the workflow of a plan again, so that it can go on, and fails
// where that does not give the plan. It is nil for a plan that does not go on.
func besideOf(plan *program.Plan) (*beside, error) {
	if !plan.Reacts() {
		return nil, nil
	}
	b, err := reopened(plan)
	if err != nil {
		return nil, cannot("the plan goes on by what comes back, and that cannot be worked out: %v", err)
	}
	return b, nil
}

// reopened makes the workflow of a plan again.
func reopened(plan *program.Plan) (*beside, error) {
	b := &beside{plan: plan, answers: make(chan *journal.Message, 16)}
	var err error
	if b.checked, b.run, err = workflows.Reopen(plan); err != nil {
		return nil, err
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
		return &Findings{List: list.Sorted(), Source: SourceOf(b.plan)}
	}
	if fresh.Fingerprint != b.plan.Fingerprint {
		return cannot("the plan is not the one that its files give with this version of ot2flow, so that it could not be gone on with; make it again")
	}
	return nil
}

// reaches says which step of a plan would send something where nothing may be sent.
func (s *Service) reaches(plan *program.Plan) error {
	for i := range plan.Steps {
		if err := s.Reach.Check(&plan.Steps[i]); err != nil {
			return usage("step %d (%s): %v", plan.Steps[i].N, plan.Steps[i].ID(), err)
		}
	}
	return nil
}

// SourceOf returns the text of files that a plan keeps.
func SourceOf(plan *program.Plan) func(file string) []byte {
	return func(file string) []byte {
		for _, f := range plan.Files {
			if f.Name == file {
				return f.Data
			}
		}
		return nil
	}
}

// input is what the plan depends on beside results. What is drawn, such as how
// much longer a wait is than it is written, is another in every run; on the
// simulator it follows from the seed.
func (b *beside) input() interpreter.Input {
	in := b.run.Input(false)
	in.Results, in.Seed = nil, b.id
	if b.sim {
		in.Seed = sim.SeedOf(b.seed, 0)
	}
	return in
}

// grow works out the plan as far as it is certain with results.
func (b *beside) grow(_ context.Context, results []run.Performed) (*program.Plan, error) {
	in := b.input()
	for _, r := range results {
		in.Results = append(in.Results, interpreter.Result{N: r.N, Values: r.Values, Failed: failedBy(&r), Why: r.Failed, Left: left(&r)})
	}
	b.done = in.Results
	plan, list := b.checked.Prepared.Grow(in)
	if plan == nil {
		b.checked.Add(list)
		b.person.Findings(b.checked.Diagnostics, b.checked.Source)
		return nil, &Findings{List: b.checked.Diagnostics}
	}
	b.plan = plan
	return plan, nil
}

// left is how much time was left of the timeouts around a step.
func left(r *run.Performed) []interpreter.Left {
	var out []interpreter.Left
	for _, l := range r.Left {
		out = append(out, interpreter.Left(l))
	}
	return out
}

// failedBy is the kind of a failure, or none.
func failedBy(r *run.Performed) program.Cause {
	if r.Failed == "" {
		return ""
	}
	return cmp.Or(r.Cause, program.Rejected)
}

// perform carries out a step beside the robot.
func (b *beside) perform(ctx context.Context, step *program.Step) (run.Response, error) {
	carryOut := b.certain
	switch {
	case step.Op.Kind == program.Ask:
		carryOut = b.ask
	case b.sim:
		carryOut = b.simulated
	}
	r, err := carryOut(ctx, step)
	if err == nil && b.sim && b.ending == nil { // what is likely next may depend on it
		b.done = append(b.done, interpreter.Result{N: step.N, Values: r.Values})
	}
	return r, err
}

// asked asks the world, and takes what is an answer.
func (b *beside) asked(ctx context.Context, step *program.Step) (run.Response, error) {
	if r, ok := b.cache.recall(ctx, step); ok {
		if _, err := b.accept(step, r.Values); err == nil {
			return r, nil
		}
	}
	values, err := b.world.Perform(ctx, step)
	if err != nil {
		return run.Response{}, err
	}
	r, err := b.accept(step, values)
	if err != nil {
		return run.Response{}, &run.Error{Kind: run.Invalid, Message: "the answer is not valid: " + err.Error()}
	}
	out := run.Response{Values: r}
	b.cache.keep(ctx, step, &out)
	return out, nil
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
		b.person.Say(fmt.Sprintf("simulated: %s would be told: %s", step.Live.To, step.Live.Message))
		return run.Response{By: simulatedBy}, nil
	}
	in := b.input()
	in.Results = b.done
	in.Scatter = sim.SeedOf(b.seed, 0)
	by := simulatedBy
	if b.checked.Prepared.Scatters(step) {
		by += fmt.Sprintf(", seed %d", b.seed)
	}
	r, ok := b.likely(in, step.N)
	if !ok {
		return run.Response{}, &run.Error{Kind: run.Rejected, Message: "nothing is known of what it is likely to give"}
	}
	if r.Failed != "" {
		took := run.Response{}
		if r.Failed == program.NoAnswer {
			took.TookMS = step.Live.TimeoutMS
		}
		return took, &run.Error{Kind: run.KindFor(r.Failed), Message: r.Why}
	}
	values, err := b.accept(step, r.Values)
	if err != nil {
		return run.Response{}, &run.Error{Kind: run.Invalid, Message: "the answer is not valid: " + err.Error()}
	}
	if step.Op.Kind == program.Publish {
		b.person.Say(fmt.Sprintf("%s: %s would be told: %s", by, step.Live.Topic, cmp.Or(step.Live.Message, step.Live.Body)))
		return run.Response{By: by}, nil
	}
	b.person.Say(fmt.Sprintf("%s: %s gives %s", by, WhatLive(step), ValuesText(values)))
	return run.Response{Values: values, By: by}, nil
}

// simulatedBy is who answers on the simulator, in the journal.
const simulatedBy = "simulated"

// answer is what a person said.
type answer struct {
	response run.Response
	err      error
}

// ask asks a person, here and through the journal, until one has answered or
// the time is over.
func (b *beside) ask(ctx context.Context, step *program.Step) (run.Response, error) {
	if b.alone && b.sim {
		return b.simulated(ctx, step)
	}
	asking, answered := context.WithCancel(ctx)
	here := make(chan answer, 1)
	go func() {
		r, err := b.person.Ask(asking, &Question{Step: step, beside: b})
		here <- answer{r, err}
	}()
	gone := false // nobody is there any more
	defer func() {
		answered()
		if !gone {
			<-here
		}
	}()
	for {
		select {
		case a := <-here:
			gone = true
			switch {
			case errors.Is(a.err, ErrNobody) && b.sim:
				return b.simulated(ctx, step)
			case errors.Is(a.err, ErrNobody):
				here = nil
				b.elsewhere()
			case a.err != nil:
				return b.unanswered(ctx, step, a.err)
			default:
				return a.response, nil
			}
		case m := <-b.answers:
			var r reply
			if json.Unmarshal(m.Data, &r) != nil || r.Step != step.N {
				continue // of a newer version, or late
			}
			values, err := b.accept(step, r.Values)
			if err != nil {
				b.person.Say(fmt.Sprintf("%s answers %s, which is not possible: %v", asker(m.By), ValuesText(r.Values), err))
				continue
			}
			if answered(); !gone {
				<-here
				gone = true
			}
			b.person.Say(fmt.Sprintf("%s answers: %s", asker(m.By), ValuesText(values)))
			return run.Response{Values: values, By: asker(m.By)}, nil
		case <-ctx.Done():
			if !gone {
				<-here
				gone = true
			}
			return b.unanswered(ctx, step, ctx.Err())
		}
	}
}

// elsewhere says how a question can be answered that nobody answers here.
func (b *beside) elsewhere() {
	if b.id == "" {
		b.person.Say("nobody is there to answer; press Ctrl-C to stop")
		return
	}
	b.person.Say(fmt.Sprintf("nobody is there to answer here; answer with: ot2flow runs answer %s --value …", b.id))
}

// unanswered is what becomes of a question when its time is over: what it has
// for a default counts.
func (b *beside) unanswered(ctx context.Context, step *program.Step, err error) (run.Response, error) {
	if !errors.Is(context.Cause(ctx), run.ErrNoAnswer) {
		return run.Response{}, err
	}
	after := Clock(step.Live.TimeoutMS)
	values, missing := b.accept(step, nil)
	if missing != nil {
		return run.Response{}, &run.Error{Kind: run.Timeout, Message: fmt.Sprintf("nobody answered within %s, and %v", after, missing)}
	}
	b.person.Say(fmt.Sprintf("nobody answered within %s: %s is taken", after, ValuesText(values)))
	return run.Response{Values: values, By: "nobody within " + after}, nil
}

// reply is what a message with an answer carries.
type reply struct {
	Step   int               `json:"step"`
	Values map[string]string `json:"values"`
}

// replyKind is the kind of such a message.
const replyKind = "answer"

// reply hands an answer over to a question that is being asked.
func (b *beside) reply(m *journal.Message) {
	select {
	case b.answers <- m:
	default: // nobody reads so many
	}
}
