package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// What people answer: questions that a run asks, and what became of steps of which
// nobody else knows.

// Decision is what a person decides about steps of which nobody knows whether they
// happened.
type Decision struct {
	Answer string   // done, redo, skip or abort
	To     string   // the last step that happened, or is left out, where several are in question
	Redraw bool     // liquid that was lost with its tip is drawn again
	By     string   // empty: whoever is logged in
	Values []string // what the step gave, as for Reply
}

// Decide keeps a decision about a run that is over; nothing moves. What it means is
// told.
func (s *Service) Decide(ctx context.Context, ref string, d Decision, tell func(string)) error {
	answer := run.Answered{Redraw: d.Redraw, By: d.By}
	if err := answer.Answer.UnmarshalText([]byte(d.Answer)); err != nil || answer.Answer == run.NoAnswer {
		return usage("there is no answer %s; there are done, redo, skip and abort", d.Answer)
	}
	if answer.By == "" {
		answer.By = Myself().Name
	}
	store, err := s.Journal(ctx)
	if err != nil {
		return err
	}
	b := &book{store: store}
	defer b.close()
	sum, err := store.Find(ctx, ref)
	if err != nil {
		return usage("%v", err)
	}
	if err := elsewhereOf(sum); err != nil {
		return err
	}
	if sum.Robot.Key != "" {
		if b.lease, err = store.Lease(ctx, sum.Robot.Key, Myself()); err != nil {
			return owned(err)
		}
	}
	if b.run, err = store.Continue(ctx, sum.ID, b.lease); err != nil {
		return cannot("%v", err)
	}
	plan, err := store.Plan(ctx, sum, ot2.Machine{})
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	records, err := b.run.Read(ctx)
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	story, err := run.Tell(plan, records)
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	if err := completed(&answer, story, sum, d.To); err != nil {
		return err
	}
	if err := gave(&answer, story, d.Values); err != nil {
		return err
	}
	if err := b.run.Append(ctx, run.Record{Seq: int64(len(records) + 1), At: time.Now(), Event: answer}); err != nil {
		var illegal *run.IllegalEvent
		if errors.As(err, &illegal) {
			return usage("run %s: %s", sum.ID, illegal.Why)
		}
		return cannot("%v", err)
	}
	afterwards(story, sum, &answer, tell)
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
func gave(answer *run.Answered, story *run.Story, given []string) error {
	part := story.Last()
	d, unclear := part.State.Unclear()
	counts := answer.Answer == run.AnswerDone || answer.Answer == run.AnswerSkip
	if !counts || !unclear || part.Plan.Steps[d.First-1].Live == nil {
		if len(given) > 0 {
			return usage("no step is in question that gives a value")
		}
		return nil
	}
	step := &part.Plan.Steps[d.First-1]
	if answer.Answer == run.AnswerSkip && len(given) > 0 {
		return usage("a step that is left out gives nothing; with a value it is done")
	}
	values, err := AnswersOf(step.Live, given)
	if err != nil {
		return err
	}
	b, err := besideOf(story.Plan)
	if err != nil {
		return err
	}
	if answer.Values, err = b.accept(step, values); err != nil {
		return usage("step %s (%s) gives something that the rest depends on: %v; say it with done --value: %s", part.Label(d.First), step.ID(), err, askedFor(step.Live))
	}
	return nil
}

// afterwards says what the decision means.
func afterwards(story *run.Story, sum *journal.Summary, answer *run.Answered, tell func(string)) {
	switch {
	case answer.Answer == run.AnswerAbort:
	case sum.Robot.Simulated:
		tell("kept; the simulator has forgotten the run, do it again with: ot2flow runs repeat " + sum.ID + " --robot sim")
		return
	default:
		tell("kept; go on with: ot2flow runs resume " + sum.ID)
		return
	}
	tell(fmt.Sprintf("run %s is given up; what its `finally` says, if anything, can still be done: ot2flow runs resume %s --finally", sum.ID, sum.ID))
	if story.Last().State.Ended == run.Gone {
		tell("the robot was restarted in the middle of it, and may have a tip on that it does not know of: take it off before anything else moves")
	}
}

// Reply answers what a run asks, through the process that follows it, and waits
// until that has taken it. Given are a value, or name=value for each of several.
func (s *Service) Reply(ctx context.Context, ref string, given []string, by string, tell func(string)) error {
	store, err := s.Journal(ctx)
	if err != nil {
		return err
	}
	sum, err := store.Find(ctx, ref)
	if err != nil {
		return usage("%v", err)
	}
	if err := elsewhereOf(sum); err != nil {
		return err
	}
	story, err := StoryOf(ctx, store, sum)
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	step := questionOf(story)
	if step == nil {
		return usage("run %s asks nothing at the moment: %s%s", sum.ID, Stands(ctx, store, sum), decisions(sum, &story.Last().State))
	}
	owner, err := store.Owner(ctx, sum.Robot.Key)
	if err != nil {
		return cannot("%v", err)
	}
	if sum.Robot.Key != "" && (owner == nil || owner.Run != sum.ID) {
		return cannot("nobody follows run %s; go on with it, and it asks again: ot2flow runs resume %s", sum.ID, sum.ID)
	}
	if len(given) == 0 {
		return usage("run %s asks: %s\nanswer with --value; what is asked for: %s", sum.ID, step.Live.Message, askedFor(step.Live))
	}
	values, err := AnswersOf(step.Live, given)
	if err != nil {
		return err
	}
	b, err := besideOf(story.Plan)
	if err != nil {
		return err
	}
	if _, err := b.accept(step, values); err != nil {
		return usage("this is no answer: %v", err)
	}
	who := Myself()
	if by != "" {
		who.Name = by
	}
	data, err := json.Marshal(reply{step.N, values})
	if err == nil {
		err = store.Post(ctx, sum.ID, journal.Message{By: who, Kind: replyKind, Data: data})
	}
	if err != nil {
		return cannot("%v", err)
	}
	return untilHeard(ctx, store, sum, step.N, asker(who), tell)
}

// questionOf is the question that a run stands at, or nil. Its ordinal is that of
// the part that is under way.
func questionOf(story *run.Story) *program.Step {
	part := story.Last()
	state := &part.State
	if state.Stage != run.Performing || state.Left {
		return nil
	}
	step := &part.Plan.Steps[state.Batch.First-1]
	if step.Op.Kind != program.Ask {
		return nil
	}
	return step
}

// decisions says what else can be answered where nothing is asked: what became
// of steps of which nobody else knows.
func decisions(sum *journal.Summary, s *run.State) string {
	if _, unclear := s.Unclear(); !unclear || !s.MayGoOn() || sum.Robot.Simulated {
		return ""
	}
	return fmt.Sprintf("; after a look at the deck, decide with: ot2flow runs answer %s done|redo|skip|abort", sum.ID)
}

// untilHeard waits until whoever follows a run has taken an answer.
func untilHeard(ctx context.Context, store *journal.Store, sum *journal.Summary, n int, by string, tell func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, heardWithin)
	defer cancel()
	var got *run.Performed
	seq := sum.Seq
	err := store.Watch(ctx, func() (bool, error) {
		for e, err := range store.Events(ctx, journal.Query{Run: sum.ID, AfterSeq: seq}) {
			if err != nil {
				return false, err
			}
			seq = e.Record.Seq
			if p, is := e.Record.Event.(run.Performed); is && p.N == n {
				got = &p
				return false, nil
			}
		}
		return true, nil
	})
	switch {
	case got != nil && got.By == by:
		tell("taken: " + ValuesText(got.Values))
		return nil
	case got != nil:
		return cannot("%s was faster: %s", got.By, ValuesText(got.Values))
	case errors.Is(err, context.DeadlineExceeded):
		return cannot("whoever follows run %s did not take the answer within %s", sum.ID, heardWithin.Round(time.Second))
	}
	return cannot("%v", err)
}
