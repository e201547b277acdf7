package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// What `finally` says where a run has ended before its end: what a person stopped,
// or the robot gave up. It is worked out from the files of the plan, for the deck as
// it is then, and carried out as a part of the run.

// Closing makes what closes the run, and sees to it that the robot takes it. It is nil
// where nothing is to be done.
func (j *Job) Closing(ctx context.Context) (*run.Rest, error) {
	if _, err := j.corrected(ctx); err != nil {
		return nil, err
	}
	rest, err := j.closing()
	if err != nil || rest == nil || j.Place.Simulated() {
		return rest, err
	}
	if err := j.endLeftover(ctx); err != nil {
		return nil, cannot("the robot still has the run, and it cannot be ended: %v", err)
	}
	if j.Place.Device, err = j.Place.robot.Inspect(ctx); err != nil {
		return nil, cannot("%v", err)
	}
	return rest, j.Place.takes(rest.Plan)
}

func (j *Job) closing() (*run.Rest, error) {
	end, err := j.Story.Ending()
	var c *program.Closing
	if err == nil {
		c, err = j.closesOn(context.Background(), end, nil)
	}
	var rest *run.Rest
	if err == nil {
		rest, err = j.Story.Closing(c)
	}
	if err != nil {
		return nil, cannot("what `finally` says cannot be worked out: %v", err)
	}
	return rest, nil
}

// closesOn is what finally says, with results of its own steps beside the robot.
func (j *Job) closesOn(_ context.Context, at *run.Ending, results []run.Performed) (*program.Closing, error) {
	if j.beside == nil { // nothing else of the plan needs it
		b, err := reopened(j.Plan)
		if err != nil {
			return nil, err
		}
		j.beside = b
	}
	return j.beside.closes(at, results)
}

// closes works out what finally says.
func (b *beside) closes(at *run.Ending, results []run.Performed) (*program.Closing, error) {
	in := b.input()
	in.Results = resultsOf(at.Results)
	b.done = in.Results
	b.ending = &interpreter.Ending{Done: at.Done, State: at.State, Seen: at.Seen, Results: resultsOf(results)}
	c, _, list := b.checked.Prepared.Closing(in, *b.ending)
	if list.HasErrors() {
		return nil, &Findings{List: list.Sorted(), Source: b.checked.Source}
	}
	return &c, nil
}

func resultsOf(list []run.Performed) []interpreter.Result {
	var out []interpreter.Result
	for _, r := range list {
		out = append(out, interpreter.Result{N: r.N, Values: r.Values, Failed: failedBy(&r), Why: r.Failed, Left: left(&r)})
	}
	return out
}

// likely is what the simulator takes for what step n gives.
func (b *beside) likely(in interpreter.Input, n int) (interpreter.Result, bool) {
	if b.ending == nil {
		return b.checked.Prepared.Likely(in, n)
	}
	in.Likely = true
	_, supposed, _ := b.checked.Prepared.Closing(in, *b.ending)
	for _, r := range supposed {
		if r.N == n {
			return r, true
		}
	}
	return interpreter.Result{}, false
}

// close does what finally says, where that is done without asking; elsewhere it says
// how it is done.
func (j *Job) close(ctx context.Context, person Person, options run.Options, o *Carrying, result run.Result, err error) (run.Result, error) {
	closed := o.Rest != nil && o.Rest.Event.Closing // what a person wanted is not told to them
	for seen := -1; ctx.Err() == nil && result.Story != nil && j.Story.Last().State.MayClose(); {
		if !j.Story.ClosesByItself() {
			if !closed {
				j.leftOpen(person)
			}
			break
		}
		end, problem := j.Story.Ending()
		if problem != nil || end.Seen <= seen {
			break // it has told why it does not go on
		}
		seen = end.Seen
		rest, problem := j.Closing(ctx)
		if problem != nil {
			person.Say(fmt.Sprintf("what `finally` says is not done: %v%s", problem, j.howToClose()))
			break
		}
		if rest == nil {
			break
		}
		person.Say(fmt.Sprintf("the run has ended, and what `finally` says is done: %s", stepsOf(rest)))
		o.Paused, o.First, options.Rest, options.Plan = false, nil, rest, j.Plan
		j.attend(person, o, options.Seed)
		if j.beside != nil {
			options.Perform = j.beside.perform
		}
		after, closedErr := j.follow(ctx, person, options, o)
		if problem := j.book.unwritten(j.Place, closedErr); problem != nil {
			return result, problem
		}
		after.ElapsedMS += result.ElapsedMS
		if result = after; after.State.Left {
			return result, closedErr
		}
		if c := after.State.Closed; c != nil && c.Verdict != run.VerdictOK {
			person.Say(fmt.Sprintf("what `finally` says was not done to its end: %s", c.Reason))
		}
	}
	return result, err
}

// leftOpen says how what finally says is done, where that is left to a person.
func (j *Job) leftOpen(person Person) {
	if j.Place.Simulated() || j.Story.Last().State.Aborted() {
		return
	}
	if rest, err := j.closing(); err == nil && rest == nil {
		return
	}
	person.Say("what `finally` says is not done" + j.howToClose())
}

func (j *Job) howToClose() string {
	if j.Place.Simulated() || j.ID() == "" {
		return ""
	}
	return fmt.Sprintf("; after a look at the robot, do it with: ot2flow runs resume %s --finally", j.ID())
}

// unclosed says of the last run on a robot that what its finally says was not done.
func (j *Job) unclosed(ctx context.Context, tell func(string)) error {
	if j.book.lease == nil {
		return nil
	}
	sum, err := newestOn(ctx, j.book.store, j.Place.key())
	if err != nil || sum == nil {
		return err
	}
	text, err := unclosedOf(ctx, j.book.store, sum)
	if err == nil && text != "" {
		tell(text)
	}
	return err
}

// newestOn is the last run on a robot; nil where there was none.
func newestOn(ctx context.Context, store *journal.Store, key string) (*journal.Summary, error) {
	for sum, err := range store.Runs(ctx, journal.Filter{Robot: key, Limit: 1}) {
		if err != nil {
			return nil, cannot("%v", err)
		}
		return sum, nil
	}
	return nil, nil
}

// Unclosed says of a run that ended before its end that what its finally says was not
// done, and how that is done. It is empty where nothing is left to be done, and where
// another run was begun on the robot since.
func Unclosed(ctx context.Context, store *journal.Store, sum *journal.Summary) (string, error) {
	if sum.Robot.Simulated || sum.Robot.Key == "" || !sum.Over() || sum.Verdict == run.VerdictOK {
		return "", nil
	}
	newest, err := newestOn(ctx, store, sum.Robot.Key)
	if err != nil || newest == nil || newest.ID != sum.ID {
		return "", err
	}
	return unclosedOf(ctx, store, sum)
}

func unclosedOf(ctx context.Context, store *journal.Store, sum *journal.Summary) (string, error) {
	if sum.Verdict == run.VerdictOK {
		return "", nil
	}
	story, err := StoryOf(ctx, store, sum)
	if err != nil {
		return "", cannot("run %s: %v", sum.ID, err)
	}
	if !story.Last().State.MayClose() {
		return "", nil
	}
	files, err := store.Files(ctx, sum)
	if err != nil {
		return "", cannot("run %s: %v", sum.ID, err)
	}
	j := &Job{Plan: story.Plan, Story: story}
	j.Plan.Files = files
	if rest, err := j.closing(); err == nil && rest != nil { // whoever wants it done hears why it cannot be
		return fmt.Sprintf("run %s ended before its end, and what its `finally` says was not done: %s; do it with: ot2flow runs resume %s --finally", sum.ID, stepsOf(rest), sum.ID), nil
	}
	return "", nil
}

// stepsOf says how many steps close a run.
func stepsOf(rest *run.Rest) string {
	n := len(rest.Plan.Steps)
	text := fmt.Sprintf("%d steps", n)
	if n == 1 {
		text = "1 step"
	}
	if rest.Event.Open {
		text += ", and what follows from them"
	}
	return text
}

// ErrClosed says that what finally says was done, or that it says nothing.
var ErrClosed = errors.New("nothing is left to be done of what finally says")
