package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// answering is what runs answer was told.
type answering struct {
	to     string
	redraw bool
	by     string
	values []string
}

func (a *app) runsAnswerCommand() *cobra.Command {
	var o answering
	c := &cobra.Command{
		Use:   "answer RUN --value VALUE | RUN done|redo|skip|abort",
		Short: "Answer what a run asks, and decide what nobody but a person can know about it",
		Long: `With --value it answers the question that a run stands at, also one that was begun in another
terminal or under another computer account: --value 50uL, or, for a question with several
values, --value name=50uL for each. Without it, the question is shown.

With a decision, it decides whether steps count as done of which the robot cannot say whether they happened, after
a look at the deck. Nothing moves; the decision is kept in the journal with a name, and holds
until another one is made or the run is gone on with.

  done   they happened
  redo   they did not, or are to be done again
  skip   they did not, and are left out
  abort  the run is not gone on with

A step beside the robot that is done gave something: say what with --value.`,
		Example: "  ot2flow runs answer last --value 50uL\n  ot2flow runs answer last done --to 104\n  ot2flow runs answer last abort --by Ada",
		Args:    runAndAnswer,
	}
	a.stateFlag(c)
	f := c.Flags()
	f.StringVar(&o.to, "to", "", "the last step that happened, or is left out, where several are in question")
	f.BoolVar(&o.redraw, "redraw", false, "draw liquid again that was lost with its tip, also from a well that is no stock")
	f.StringArrayVar(&o.values, "value", nil, "the answer: a value, or name=value; repeatable")
	f.StringVar(&o.by, "by", "", "who decides; by default whoever is logged in")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return a.answerQuestion(c.Context(), args[0], o)
		}
		return a.runsAnswer(c.Context(), args[0], args[1], o)
	}
	return c
}

func runAndAnswer(_ *cobra.Command, args []string) error {
	if len(args) != 1 && len(args) != 2 {
		return usage("name a run and the answer: ot2flow runs answer last --value 50uL, or ot2flow runs answer last done")
	}
	return nil
}

func (a *app) runsAnswer(ctx context.Context, ref, word string, o answering) error {
	answer := run.Answered{Redraw: o.redraw, By: o.by}
	if err := answer.Answer.UnmarshalText([]byte(word)); err != nil || answer.Answer == run.NoAnswer {
		return usage("there is no answer %s; there are done, redo, skip and abort", word)
	}
	if answer.By == "" {
		answer.By = myself().Name
	}
	store, err := a.journal(ctx)
	if err != nil {
		return err
	}
	book := &logbook{store: store}
	defer book.close()
	sum, err := store.Find(ctx, ref)
	if err != nil {
		return usage("%v", err)
	}
	if sum.Robot.Key != "" {
		if book.lease, err = store.Lease(ctx, sum.Robot.Key, myself()); err != nil {
			return cannot("%v", err)
		}
	}
	if book.run, err = store.Continue(ctx, sum.ID, book.lease); err != nil {
		return cannot("%v", err)
	}
	plan, err := store.Plan(ctx, sum, ot2.Machine{})
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	records, err := book.run.Read(ctx)
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	story, err := run.Tell(plan, records)
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	if err := completed(&answer, story, sum, o.to); err != nil {
		return err
	}
	if err := a.gave(&answer, story, o.values); err != nil {
		return err
	}
	if err := book.run.Append(ctx, run.Record{Seq: int64(len(records) + 1), At: time.Now(), Event: answer}); err != nil {
		var illegal *run.IllegalEvent
		if errors.As(err, &illegal) {
			return usage("run %s: %s", sum.ID, illegal.Why)
		}
		return cannot("%v", err)
	}
	a.afterwards(story, sum, &answer)
	return nil
}

// completed finds the step an answer is about, and refuses one that says too
// little or is not asked for.
func completed(answer *run.Answered, story *run.Story, sum *journal.Summary, to string) error {
	part := story.Last()
	state := &part.State
	switch {
	case state.Stage != run.Over:
		return usage("run %s is not over; what became of it is found out by: ot2flow runs resume %s", sum.ID, sum.ID)
	case state.Verdict == run.VerdictOK:
		return usage("run %s is done; there is nothing to decide", sum.ID)
	}
	d, unclear := state.Unclear()
	several := answer.Answer == run.AnswerDone || answer.Answer == run.AnswerSkip
	switch {
	case to != "" && !several:
		return usage("--to is for done and skip")
	case several && !unclear:
		return usage("no step of run %s is in question; go on with: ot2flow runs resume %s", sum.ID, sum.ID)
	case to != "":
		n, ok := part.Step(to)
		if !ok || n < d.First || n > d.Last {
			return usage("--to %s: the steps in question are %s to %s", to, part.Label(d.First), part.Label(d.Last))
		}
		answer.To = n
	case several && d.First < d.Last:
		return usage("steps %s to %s are in question; say up to which one with --to", part.Label(d.First), part.Label(d.Last))
	}
	return nil
}

// gave takes what a step beside the robot gave that counts as done or is left
// out. The one that is left out gives what it has for a default.
func (a *app) gave(answer *run.Answered, story *run.Story, flags []string) error {
	part := story.Last()
	d, unclear := part.State.Unclear()
	counts := answer.Answer == run.AnswerDone || answer.Answer == run.AnswerSkip
	if !counts || !unclear || part.Plan.Steps[d.First-1].Live == nil {
		if len(flags) > 0 {
			return usage("no step is in question that gives a value")
		}
		return nil
	}
	step := &part.Plan.Steps[d.First-1]
	if answer.Answer == run.AnswerSkip && len(flags) > 0 {
		return usage("a step that is left out gives nothing; with a value it is done")
	}
	values, err := valuesOf(step.Live, flags)
	if err != nil {
		return err
	}
	b, err := a.beside(story.Plan)
	if err != nil {
		return err
	}
	if answer.Values, err = b.accept(step, values); err != nil {
		return usage("step %s (%s) gives something that the rest depends on: %v; say it with done --value: %s", part.Label(d.First), step.ID(), err, askedFor(step.Live))
	}
	return nil
}

// afterwards says what the decision means.
func (a *app) afterwards(story *run.Story, sum *journal.Summary, answer *run.Answered) {
	if answer.Answer != run.AnswerAbort {
		a.tell("kept; go on with: ot2flow runs resume %s", sum.ID)
		return
	}
	a.tell("run %s is given up", sum.ID)
	if story.Last().State.Ended == run.Gone {
		a.tell("the robot was restarted in the middle of it, and may have a tip on that it does not know of: take it off before anything else moves")
	}
}
