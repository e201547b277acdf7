package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// lookPatience is how long a robot that does not answer is waited for, to find
// out what became of a run.
const lookPatience = 15 * time.Second

// Resume takes up a run that is not over, or did not get to its end, on its robot,
// and makes this process the owner of the robot. Nothing is asked of the robot but
// who it is. Address is where it is now; empty is where it was. What is waited for
// is said.
func (s *Service) Resume(ctx context.Context, ref, address string, say func(string)) (*Job, error) {
	store, err := s.Journal(ctx)
	if err != nil {
		return nil, err
	}
	j := &Job{service: s, book: &book{store: store}}
	if err := j.resume(ctx, ref, address, say); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

func (j *Job) resume(ctx context.Context, ref, address string, say func(string)) error {
	var err error
	store := j.book.store
	if j.Summary, err = store.Find(ctx, ref); err != nil {
		return usage("%v", err)
	}
	sum := j.Summary
	if err := elsewhereOf(sum); err != nil {
		return err
	}
	if sum.Robot.Simulated {
		return cannot("run %s was on the simulator, which forgets with its process; do it again with: ot2flow runs repeat %s --robot sim", sum.ID, sum.ID)
	}
	if j.Plan, err = store.Plan(ctx, sum, ot2.Machine{}); err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	if j.Plan.Files, err = store.Files(ctx, sum); err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	if address == "" {
		address = sum.Robot.Address
	}
	// Who has the robot is known without asking it, which may not answer.
	if j.book.lease, err = store.Lease(ctx, sum.Robot.Key, Myself()); err != nil {
		return owned(err)
	}
	if j.Place, err = j.service.place(ctx, address, j.Plan, say); err != nil {
		return err
	}
	if key := j.Place.key(); key != sum.Robot.Key {
		return cannot("run %s is on the robot %s, and at %s is %s; name the address it has now with --robot", sum.ID, sum.Robot.Key, address, key)
	}
	if j.book.run, err = store.Continue(ctx, sum.ID, j.book.lease); err != nil {
		return cannot("%v", err)
	}
	if err := j.Place.shift(ctx, j.book, j.Plan); err != nil {
		return err
	}
	return j.tell(ctx)
}

// tell reads what the journal knows by now.
func (j *Job) tell(ctx context.Context) error {
	records, err := j.book.run.Read(ctx)
	if err == nil {
		j.Story, err = run.Tell(j.Plan, records)
	}
	if err != nil {
		return cannot("run %s: %v", j.Summary.ID, err)
	}
	return nil
}

// Find asks the robot what became of everything that was sent, and leaves the
// run as it is. It does nothing where the run is over.
func (j *Job) Find(ctx context.Context, patience time.Duration) error {
	if j.Story.Last().State.Stage == run.Over {
		return nil
	}
	return j.find(ctx, patience)
}

func (j *Job) find(ctx context.Context, patience time.Duration) error {
	if patience == 0 {
		patience = lookPatience
	}
	options := run.Options{Plan: j.Plan, Backend: j.Place.backend, Look: true, Patience: patience}
	j.book.into(&options)
	_, err := run.Run(ctx, options)
	if problem := j.book.unwritten(j.Place, err); problem != nil {
		return problem
	}
	return j.tell(ctx) // why it was left, the state says
}

// Follows says what it means to follow a run to its end that is not over, and
// fails where that cannot be.
func (j *Job) Follows() (what string, err error) {
	part := j.Story.Last()
	state := &part.State
	if state.Lost {
		return "", cannot("the robot at %s does not answer; run %s stays as it is", j.Place.Address(), j.Summary.ID)
	}
	done := Steps(state.Done, len(part.Plan.Steps))
	if part.Closes() {
		done += " of what `finally` says"
	}
	switch {
	case state.Stage <= run.Ready && !state.Sent:
		all := fmt.Sprintf("%d steps", len(part.Plan.Steps))
		if len(part.Plan.Steps) == 1 {
			all = "1 step"
		}
		what = fmt.Sprintf("nothing of run %s was begun: all %s are carried out", j.Summary.ID, all)
	case state.Stage == run.Ready:
		what = fmt.Sprintf("%s of run %s are done, and the robot waits: the others are carried out", done, j.Summary.ID)
	case state.Overdue != 0:
		what = fmt.Sprintf("%s of run %s are done, a timeout has passed, and the robot is paused: it is followed, and you are asked whether it goes on", done, j.Summary.ID)
	case j.IsPaused():
		what = fmt.Sprintf("%s of run %s are done, and the robot is paused: it goes on", done, j.Summary.ID)
	default:
		what = fmt.Sprintf("%s of run %s are done, and the robot is at it: it is followed to its end", done, j.Summary.ID)
	}
	if state.Stage == run.Opening {
		err = j.Place.takes(part.Plan)
	}
	return what, err
}

// IsOverdue reports whether a person is asked because a timeout has passed.
func (j *Job) IsOverdue() bool { return j.Story.Last().State.Overdue != 0 }

// IsPaused reports whether the robot was found paused.
func (j *Job) IsPaused() bool { return j.Story.Last().State.Halted == run.Paused }

// Prepare sees to it that a run that is gone on with can be carried out further.
func (j *Job) Prepare() error {
	var err error
	j.beside, err = besideOf(j.Plan)
	return err
}

// Remains makes what remains of a run that the robot has ended, behind the
// workflow at with where that is not empty, ends what the robot still has of it, and
// sees to it that the robot takes the rest. Findings that are no errors are shown.
// The error wraps a *run.Undecided where a person has to decide something first,
// and run.ErrNothingLeft where nothing remains.
func (j *Job) Remains(ctx context.Context, with string, show func(diag.List, func(string) []byte)) (*run.Rest, error) {
	otherwise, err := j.corrected(ctx)
	if err != nil {
		return nil, err
	}
	rest, err := j.rest(with, show)
	if err != nil {
		return nil, err
	}
	rest.Since = otherwise
	list, err := interpreter.ProvePlanFrom(rest.Start, rest.Plan, ot2.Machine{})
	if err != nil {
		return nil, err
	}
	if list.HasErrors() {
		return nil, &Findings{List: list.Sorted(), Source: SourceOf(rest.Plan), Message: "what remains of the run cannot be carried out as the deck is now; put that right with a recovery workflow (--with FILE), or give the run up: ot2flow runs answer " + j.Summary.ID + " abort"}
	}
	show(list.Sorted(), SourceOf(rest.Plan))
	if err := j.endLeftover(ctx); err != nil {
		return nil, cannot("the robot still has the run, and it cannot be ended: %v", err)
	}
	if j.Place.Device, err = j.Place.robot.Inspect(ctx); err != nil {
		return nil, cannot("%v", err)
	}
	if err := j.Place.takes(rest.Plan); err != nil {
		return nil, err
	}
	return rest, j.drift(ctx, rest.Plan.Deck, nil)
}

// endLeftover ends what the robot still has of the run.
func (j *Job) endLeftover(ctx context.Context) error {
	for _, part := range j.Story.Leftovers() {
		if err := run.EndLeftover(ctx, j.Place.backend, run.Job{Run: j.ID(), Plan: part.Plan}, part); err != nil {
			return err
		}
	}
	return nil
}

// rest makes what remains, with the recovery workflow before it.
func (j *Job) rest(with string, show func(diag.List, func(string) []byte)) (*run.Rest, error) {
	var recovery []program.Step
	var undecided *run.Undecided
	var state *program.State
	var err error
	if with != "" && j.Story.Last().State.MayGoOn() {
		state, err = j.Story.Stand()
	}
	if err == nil && state != nil {
		if recovery, err = recoverySteps(with, state, show); err != nil {
			return nil, err
		}
	}
	var rest *run.Rest
	if err == nil {
		rest, err = j.Story.Rest(recovery)
	}
	switch {
	case errors.As(err, &undecided):
		return nil, &Error{Kind: Undecided, Message: "run " + j.Summary.ID + " waits for a decision", Err: err}
	case errors.Is(err, run.ErrNothingLeft):
		return nil, err
	case err != nil:
		return nil, cannot("run %s: %v", j.Summary.ID, err)
	}
	return rest, nil
}

// recoverySteps expands a workflow from the deck as it is.
func recoverySteps(path string, state *program.State, show func(diag.List, func(string) []byte)) ([]program.Step, error) {
	c := workflows.Open(path)
	var rec interpreter.Recorder
	if c.Prepared != nil {
		_, list, err := c.Prepared.Prove(interpreter.Input{State: state}, &rec)
		if err != nil {
			return nil, err
		}
		c.Add(list)
	}
	if c.Diagnostics.HasErrors() {
		return nil, &Findings{List: c.Diagnostics, Source: c.Source}
	}
	show(c.Diagnostics, c.Source)
	steps := slices.Clone(rec.Steps())
	if len(steps) == 0 {
		return nil, usage("%s has no steps", path)
	}
	return steps, nil
}

// Unfollowed asks the robot for what a person wants of a run that nobody follows,
// after what became of it was found out. True says that this is the end of it, as
// said; otherwise it is asked for as the first thing while the run is followed.
func (j *Job) Unfollowed(ctx context.Context, r run.Request, patience time.Duration) (said string, over bool, err error) {
	part := j.Story.Last()
	state := &part.State
	switch {
	case state.Stage == run.Over:
		return fmt.Sprintf("run %s is over: %s", j.Summary.ID, HowItEnded(&run.Result{Verdict: state.Verdict, Done: state.Done, State: *state})), true, nil
	case state.Stage < run.Ready, !state.Sent:
		return "", true, cannot("nothing of run %s was begun, and nothing moves; it is begun by: ot2flow runs resume %s", j.Summary.ID, j.Summary.ID)
	case r.Control == run.Pause && (state.Halted == run.Paused || state.Stage == run.Ready):
		return fmt.Sprintf("the robot stands already: %s of run %s are done", Steps(state.Done, len(part.Plan.Steps)), j.Summary.ID), true, nil
	case state.Stage == run.Ready:
		// It stands between two batches, and waits for the next.
		if err := j.endLeftover(ctx); err != nil {
			return "", true, cannot("the robot does not end the run: %v", err)
		}
		if err := j.find(ctx, patience); err != nil {
			return "", true, err
		}
		return j.Unfollowed(ctx, r, patience)
	}
	return "", false, nil
}

// reconcile finds out what became of the runs that were begun on a robot and
// not ended, before another one is. One whose outcome nobody knows, or that the
// robot is still at, is an error.
func (j *Job) reconcile(ctx context.Context, patience time.Duration, tell func(string)) error {
	b := j.book
	if b.lease == nil {
		return nil
	}
	for _, id := range b.lease.Unfinished() {
		sum, err := b.store.Find(ctx, id)
		if err != nil {
			return cannot("%v", err)
		}
		r := &Job{Summary: sum, Place: j.Place, service: j.service, book: &book{store: b.store, lease: b.lease}}
		if r.Plan, err = b.store.Plan(ctx, sum, ot2.Machine{}); err == nil {
			r.book.run, err = b.store.Continue(ctx, id, b.lease)
		}
		if err != nil {
			return cannot("%v", err)
		}
		if err := r.find(ctx, patience); err != nil {
			return err
		}
		state := &r.Story.Last().State
		switch {
		case state.Lost:
			return unfinished(id, "run %s on this robot is not over, and the robot does not say what became of it; go on with it first: ot2flow runs resume %s", id, id)
		case state.Stage != run.Over:
			return unfinished(id, "run %s on this robot is not over: %s are done; go on with it first: ot2flow runs resume %s", id, Steps(state.Done, len(r.Story.Last().Plan.Steps)), id)
		}
		tell(fmt.Sprintf("run %s, which nobody followed to its end, is over: %s", id, HowItEnded(&run.Result{Verdict: state.Verdict, Done: state.Done, State: *state})))
	}
	return j.undecided(ctx)
}

// Unfinished says that another run on the robot has to be seen to first.
type Unfinished struct {
	Run     string
	Message string
}

// Error returns the message.
func (u *Unfinished) Error() string { return u.Message }

func unfinished(id, format string, args ...any) error {
	u := &Unfinished{id, fmt.Sprintf(format, args...)}
	return &Error{Kind: Unable, Message: u.Message, Err: u}
}

// undecided fails where the last run on a robot waits for a decision: what is
// on the pipettes and on the deck is not known.
func (j *Job) undecided(ctx context.Context) error {
	for sum, err := range j.book.store.Runs(ctx, journal.Filter{Robot: j.Place.key(), Limit: 1}) {
		if err != nil {
			return cannot("%v", err)
		}
		if sum.Verdict != run.VerdictDoubt {
			return nil
		}
		story, err := StoryOf(ctx, j.book.store, sum)
		if err != nil {
			return cannot("run %s: %v", sum.ID, err)
		}
		if story.Last().State.Answer == nil {
			return unfinished(sum.ID, "run %s on this robot is in doubt, and nobody has decided: see ot2flow runs resume %s, or give it up with ot2flow runs answer %s abort", sum.ID, sum.ID, sum.ID)
		}
	}
	return nil
}
