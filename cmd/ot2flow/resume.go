package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows"
)

// resuming is what runs resume was told.
// lookPatience is how long a robot that does not answer is waited for, to find
// out what became of a run.
const lookPatience = 15 * time.Second

type resuming struct {
	applying
	with  string // a recovery workflow
	ready bool   // what had to be done by hand is done
	by    string
	ask   *run.Request // what is asked of a run instead of that it goes on
}

func (a *app) runsResumeCommand() *cobra.Command {
	var o resuming
	c := &cobra.Command{
		Use:   "resume RUN",
		Short: "Go on with a run that is not over, or did not get to its end",
		Long: `Finds out on the robot what became of a run, and goes on with it at exactly the step it
stands at. Steps that are done are not done again. What the robot finished by itself is taken
over; what it never took has not happened; and where nobody can know, a person decides first,
with ot2flow runs answer.

Where the robot has ended the run, what remains is a program of its own, which is proved again
before anything moves and shown before it begins. The end of a run drops what is on into the
trash: a new tip is picked up for it, and liquid of a stock that was lost with it is drawn
again. After a restart of the robot, what may still be on is dropped first.

A run that another ot2flow follows, and that is paused, is let go on through that one.

--with FILE carries out a workflow for the same deck before that, such as one that rinses a
well or fills one up.`,
		Example: "  ot2flow runs resume last\n  ot2flow runs resume 261123-4x7k --with refill.yaml",
		Args:    oneRun,
	}
	a.formatFlag(c, "text", "json")
	a.stateFlag(c)
	f := c.Flags()
	f.StringVar(&o.robot, "robot", "", "the robot's address, if it has another one than it had")
	f.StringVar(&o.with, "with", "", "a recovery workflow for the same deck, done first")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask whether to go on")
	f.BoolVar(&o.ready, "ready", false, "with --yes: what has to be done by hand before is done")
	f.StringVar(&o.by, "by", "", "who goes on with it; by default whoever is logged in")
	f.DurationVar(&o.patience, "patience", 0, "how long a lost connection is waited for, such as 10m; by default until Ctrl-C")
	c.RunE = func(c *cobra.Command, args []string) error { return a.runsResume(c.Context(), args[0], o) }
	return c
}

// resumed is a run that is gone on with.
type resumed struct {
	sum   *journal.Summary
	plan  *program.Plan
	where *place
	book  *logbook
	story *run.Story
}

func (r *resumed) close() {
	r.book.close()
	r.where.close()
}

// tell reads what the journal knows by now.
func (r *resumed) tell(ctx context.Context) error {
	records, err := r.book.run.Read(ctx)
	if err == nil {
		r.story, err = run.Tell(r.plan, records)
	}
	if err != nil {
		return cannot("run %s: %v", r.sum.ID, err)
	}
	return nil
}

func (a *app) runsResume(ctx context.Context, ref string, o resuming) error {
	if o.by == "" {
		o.by = myself().Name
	}
	if o.ask == nil {
		if is, err := a.followed(ctx, ref, o); is || err != nil {
			return err
		}
	}
	status, r, err := a.reopen(ctx, ref, o.robot)
	if err != nil {
		return err
	}
	defer r.close()
	in := newLines(a.in)
	defer in.stop()
	if state := &r.story.Last().State; state.Stage != run.Over {
		if err := find(ctx, r, o.patience); err != nil {
			return err
		}
	}
	if o.ask != nil {
		return a.askUnfollowed(ctx, r, status, in, o)
	}
	o.paused = r.story.Last().State.Halted == run.Paused
	switch state := &r.story.Last().State; {
	case state.Stage != run.Over:
		return a.follow(ctx, r, status, in, o)
	case state.Verdict == run.VerdictOK:
		a.tell("%s is done: all %s", r.sum.ID, plural(len(r.plan.Steps), "step"))
		return nil
	}
	return a.goOn(ctx, r, status, in, o)
}

// tell says something to people.
func (a *app) tell(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

// reopen opens the journal of a run and makes this process the owner of its
// robot.
func (a *app) reopen(ctx context.Context, ref, address string) (*status, *resumed, error) {
	store, err := a.journal(ctx)
	if err != nil {
		return nil, nil, err
	}
	r := &resumed{book: &logbook{store: store}}
	s, err := a.reopened(ctx, r, ref, address)
	if err != nil {
		r.book.close()
		if r.where != nil {
			r.where.close()
		}
		return nil, nil, err
	}
	return s, r, nil
}

func (a *app) reopened(ctx context.Context, r *resumed, ref, address string) (*status, error) {
	var err error
	if r.sum, err = r.book.store.Find(ctx, ref); err != nil {
		return nil, usage("%v", err)
	}
	if r.sum.Robot.Simulated {
		return nil, cannot("run %s was on the simulator, which forgets with its process; do it again with: ot2flow runs repeat %s --robot sim", r.sum.ID, r.sum.ID)
	}
	if r.plan, err = r.book.store.Plan(ctx, r.sum, ot2.Machine{}); err != nil {
		return nil, cannot("run %s: %v", r.sum.ID, err)
	}
	if r.plan.Files, err = r.book.store.Files(ctx, r.sum); err != nil {
		return nil, cannot("run %s: %v", r.sum.ID, err)
	}
	status := newStatus(a, r.plan)
	if address == "" {
		address = r.sum.Robot.Address
	}
	// Who has the robot is known without asking it, which may not answer.
	if r.book.lease, err = r.book.store.Lease(ctx, r.sum.Robot.Key, myself()); err != nil {
		return nil, cannot("%v", err)
	}
	if r.where, err = a.place(ctx, address, r.plan, status); err != nil {
		return nil, err
	}
	if key := r.where.key(); key != r.sum.Robot.Key {
		return nil, cannot("run %s is on the robot %s, and at %s is %s; name the address it has now with --robot", r.sum.ID, r.sum.Robot.Key, address, key)
	}
	if r.book.run, err = r.book.store.Continue(ctx, r.sum.ID, r.book.lease); err != nil {
		return nil, cannot("%v", err)
	}
	if err := r.where.shift(ctx, r.book, r.plan); err != nil {
		return nil, err
	}
	return status, r.tell(ctx)
}

// find asks the robot what became of everything that was sent, and leaves the
// run as it is.
func find(ctx context.Context, r *resumed, patience time.Duration) error {
	if patience == 0 {
		patience = lookPatience
	}
	options := run.Options{Plan: r.plan, Backend: r.where.backend, Look: true, Patience: patience}
	r.book.into(&options)
	_, err := run.Run(ctx, options)
	if problem := unwritten(r.book, r.where, err); problem != nil {
		return problem
	}
	return r.tell(ctx) // why it was left, the state says
}

// follow goes on with a run that the robot has, or that it never got.
func (a *app) follow(ctx context.Context, r *resumed, s *status, in *lines, o resuming) error {
	part := r.story.Last()
	state := &part.State
	if state.Lost {
		return cannot("the robot at %s does not answer; run %s stays as it is", r.where.robot.Address(), r.sum.ID)
	}
	what := fmt.Sprintf("%s of run %s are done, and the robot is at it: it is followed to its end", stepCount(state.Done, len(part.Plan.Steps)), r.sum.ID)
	switch {
	case state.Stage <= run.Ready && !state.Sent:
		what = fmt.Sprintf("nothing of run %s was begun: all %s are carried out", r.sum.ID, plural(len(part.Plan.Steps), "step"))
	case state.Stage == run.Ready:
		what = fmt.Sprintf("%s of run %s are done, and the robot waits: the others are carried out", stepCount(state.Done, len(part.Plan.Steps)), r.sum.ID)
	case o.paused:
		what = fmt.Sprintf("%s of run %s are done, and the robot is paused: it goes on", stepCount(state.Done, len(part.Plan.Steps)), r.sum.ID)
	}
	if o.ask == nil {
		a.tell("%s", what)
	}
	if state.Stage == run.Opening {
		if err := r.where.takes(part.Plan); err != nil {
			return err
		}
	}
	if ok, err := a.agreed(in, r.where, o); !ok {
		return err
	}
	s.plan = part.Plan
	o.paused = o.ask == nil // a look does not always hear that the robot stands
	return a.carryOutStory(ctx, r, s, in, o, nil)
}

func stepCount(n, of int) string { return fmt.Sprintf("%d of %s", n, plural(of, "step")) }

// agreed asks whether to go on.
func (a *app) agreed(in *lines, where *place, o resuming) (bool, error) {
	if o.yes {
		return true, nil
	}
	ok, err := a.confirm(in, where)
	if err == nil && !ok {
		err = &exitError{exitStopped, "nothing was done"}
	}
	return ok, err
}

// goOn carries out what remains of a run that the robot has ended.
func (a *app) goOn(ctx context.Context, r *resumed, s *status, in *lines, o resuming) error {
	rest, err := a.rest(r, o)
	switch {
	case errors.Is(err, run.ErrNothingLeft):
		a.tell("run %s: %v", r.sum.ID, err)
		return nil
	case err != nil:
		return err
	}
	list, err := interpreter.ProvePlanFrom(rest.Start, rest.Plan, ot2.Machine{})
	if err != nil {
		return err
	}
	if err := a.findingsOf(rest.Plan, list); err != nil {
		return &exitError{exitFindings, "what remains of the run cannot be carried out as the deck is now; put that right with a recovery workflow (--with FILE), or give the run up: ot2flow runs answer " + r.sum.ID + " abort"}
	}
	job := run.Job{Run: r.sum.ID, Plan: r.story.Last().Plan}
	if err := run.EndLeftover(ctx, r.where.backend, job, r.story.Last()); err != nil {
		return cannot("the robot still has the run, and it cannot be ended: %v", err)
	}
	if r.where.device, err = r.where.robot.Inspect(ctx); err != nil {
		return cannot("%v", err)
	}
	if err := r.where.takes(rest.Plan); err != nil {
		return err
	}
	a.showRest(r, rest)
	if len(rest.ByHand) > 0 && o.yes && !o.ready {
		return usage("something has to be done by hand first; --ready says that it is done")
	}
	if ok, err := a.agreed(in, r.where, o); !ok {
		return err
	}
	s.plan = rest.Plan
	return a.carryOutStory(ctx, r, s, in, o, rest)
}

// rest makes what remains, with the recovery workflow before it.
func (a *app) rest(r *resumed, o resuming) (*run.Rest, error) {
	var recovery []program.Step
	var undecided *run.Undecided
	var state *program.State
	var err error
	if o.with != "" && r.story.Last().State.MayGoOn() {
		state, err = r.story.Stand()
	}
	if err == nil && state != nil {
		if recovery, err = a.recovery(o.with, state); err != nil {
			return nil, err
		}
	}
	var rest *run.Rest
	if err == nil {
		rest, err = r.story.Rest(recovery)
	}
	switch {
	case errors.As(err, &undecided):
		a.showUndecided(r.sum.ID, undecided)
		return nil, &exitError{exitFailed, "run " + r.sum.ID + " waits for a decision"}
	case errors.Is(err, run.ErrNothingLeft):
		return nil, err
	case err != nil:
		return nil, cannot("run %s: %v", r.sum.ID, err)
	}
	return rest, nil
}

// recovery expands a workflow from the deck as it is.
func (a *app) recovery(path string, state *program.State) ([]program.Step, error) {
	c := workflows.Open(path)
	var rec interpreter.Recorder
	if c.Prepared != nil {
		_, list, err := c.Prepared.Prove(interpreter.Input{State: state}, &rec)
		if err != nil {
			return nil, err
		}
		c.Add(list)
	}
	a.show(c.Diagnostics, c.Source)
	if code := findingsCode(c); code != exitFine {
		return nil, &exitError{code: code}
	}
	steps := slices.Clone(rec.Steps())
	if len(steps) == 0 {
		return nil, usage("%s has no steps", path)
	}
	return steps, nil
}

// showRest says what will be done, before anybody is asked.
func (a *app) showRest(r *resumed, rest *run.Rest) {
	if a.quiet {
		return
	}
	w := bufio.NewWriter(a.err)
	t := &planText{w: w, plan: rest.Plan, color: a.colors(a.err)}
	timer, us := ot2.NewTimer(rest.Plan.Deck), int64(0)
	for i := range rest.Plan.Steps {
		us += timer.Duration(&rest.Plan.Steps[i].Op)
	}
	t.f("%s %s of %s: ", t.bold("Run"), r.sum.ID, r.plan.Workflow.Name)
	if from := rest.Event.From; from <= len(r.plan.Steps) {
		step := &r.plan.Steps[from-1]
		t.f("goes on with step %d of %d (%s), about %s\n", from, len(r.plan.Steps), step.ID(), clock(us/1000))
	} else {
		t.f("every step of the plan is done\n")
	}
	for _, text := range rest.ByHand {
		t.f("  by hand, before: %s\n", text)
	}
	for _, text := range rest.Notes {
		t.f("  first: %s\n", text)
	}
	t.f("  on %s at %s\n", r.where.name, r.where.robot.Address())
	_ = w.Flush() // to the terminal; nobody can be told if that fails
}

// showUndecided says what is known, and how to decide.
func (a *app) showUndecided(id string, u *run.Undecided) {
	w := bufio.NewWriter(a.err)
	defer w.Flush() //nolint:errcheck // to the terminal; nobody can be told if that fails
	if len(u.Lost) > 0 {
		for _, text := range u.Lost {
			fmt.Fprintf(w, "run %s: %s\n", id, text)
		}
		fmt.Fprintf(w, "Decide with one of:\n  ot2flow runs answer %s redo --redraw   draw it again\n  ot2flow runs answer %s abort           the run is not gone on with\nor put it right: ot2flow runs resume %s --with FILE\n", id, id, id)
		return
	}
	single := u.Doubt.First == u.Doubt.Last
	switch {
	case u.Failed:
		fmt.Fprintf(w, "The robot did not get to the end of %s of run %s, and how much of it happened is not known.\n", u.Range, id)
	case single:
		fmt.Fprintf(w, "Nobody knows whether %s of run %s happened.\n", u.Range, id)
	default:
		fmt.Fprintf(w, "Nobody knows which of %s of run %s happened.\n", u.Range, id)
	}
	fmt.Fprintf(w, "  known: %s\n", u.Evidence)
	for _, text := range u.Steps {
		fmt.Fprintf(w, "  %s\n", text)
	}
	to := ""
	if !single {
		to = " --to STEP"
	}
	fmt.Fprintf(w, `Look at the deck, the tips and the wells, and say how it is:
  ot2flow runs answer %[1]s done%-11[2]s %[3]s
  ot2flow runs answer %[1]s redo            none of it happened, or it is to be done again
  ot2flow runs answer %[1]s skip%-11[2]s leave it out and go on
  ot2flow runs answer %[1]s abort           the run is not gone on with
`, id, to, map[bool]string{true: "it happened", false: "everything up to STEP happened, and nothing after it"}[single])
}

// carryOutStory follows a run to its end and says how the whole of it ended.
func (a *app) carryOutStory(ctx context.Context, r *resumed, s *status, in *lines, o resuming, rest *run.Rest) error {
	plan := r.story.Last().Plan
	if rest != nil {
		plan = rest.Plan
	}
	o.first = o.ask
	var err error
	if o.beside, err = a.beside(r.plan); err != nil {
		return err
	}
	result, err := a.carry(ctx, r.plan, r.where, r.book, s, in, o.applying, func(options *run.Options) {
		options.Rest, options.By = rest, o.by
	})
	if problem := unwritten(r.book, r.where, err); problem != nil {
		return problem
	}
	r.plan = asItWent(r.plan, &result)
	if o.ask != nil && a.confirmed(r, &result, o.ask.Control) {
		return nil
	}
	if result.Story == nil || len(result.Story.Parts) == 1 {
		return a.endedOnRobot(r.plan, r.where, result, s.took(), err)
	}
	return a.endedInParts(r, plan, &result, s, err)
}

// endedInParts says how a run ended that was carried out in several parts.
func (a *app) endedInParts(r *resumed, plan *program.Plan, result *run.Result, s *status, err error) error {
	code := exitOf(*result, err)
	done, skipped := 0, 0
	for _, f := range result.Story.Fates() {
		switch f {
		case run.IsDone:
			done++
		case run.Skipped:
			skipped++
		default:
		}
	}
	held := byStory(result.Story)
	held.Outputs = r.plan.Outputs
	if a.format == "json" {
		whole := *result
		whole.Done = done
		if _, problem := a.out.Write(appendRun(nil, r.plan, r.where, &whole, held, s.took(), err)); problem != nil {
			return a.written(problem)
		}
	} else {
		w := bufio.NewWriter(a.out)
		left := ""
		if skipped > 0 {
			left = fmt.Sprintf(", %d left out", skipped)
		}
		how, _, _ := strings.Cut(howItEnded(result), ",")
		how, _, _ = strings.Cut(how, " after")
		fmt.Fprintf(w, "%s: %s, %d of %s%s on %s, in %d parts\n", r.plan.Workflow.Name, how, done, plural(len(r.plan.Steps), "step"), left, r.where.device.Name, len(result.Story.Parts))
		contents(w, held, a.colors(a.out), "Wells in the end, by the plan")
		if result.Verdict == run.VerdictOK {
			outputs(w, r.plan.Outputs)
		}
		if problem := w.Flush(); problem != nil {
			return a.written(problem)
		}
	}
	a.unclear(r.where, result)
	if code == exitFine {
		return nil
	}
	message := "the run did not end well"
	if err != nil {
		message = whereOf(plan, err) + err.Error()
	}
	return &exitError{code, message}
}

// reconcile finds out what became of the runs that were begun on a robot and
// not ended, before another one is. One whose outcome nobody knows, or that the
// robot is still at, is an error.
func (a *app) reconcile(ctx context.Context, where *place, book *logbook, patience time.Duration) error {
	if book.lease == nil {
		return nil
	}
	for _, id := range book.lease.Unfinished() {
		sum, err := book.store.Find(ctx, id)
		if err != nil {
			return cannot("%v", err)
		}
		r := &resumed{sum: sum, where: where, book: &logbook{store: book.store, lease: book.lease}}
		if r.plan, err = book.store.Plan(ctx, sum, ot2.Machine{}); err == nil {
			r.book.run, err = book.store.Continue(ctx, id, book.lease)
		}
		if err != nil {
			return cannot("%v", err)
		}
		if err := find(ctx, r, patience); err != nil {
			return err
		}
		state := &r.story.Last().State
		switch {
		case state.Lost:
			return cannot("run %s on this robot is not over, and the robot does not say what became of it; go on with it first: ot2flow runs resume %s", id, id)
		case state.Stage != run.Over:
			return cannot("run %s on this robot is not over: %s are done; go on with it first: ot2flow runs resume %s", id, stepCount(state.Done, len(r.story.Last().Plan.Steps)), id)
		}
		a.tell("run %s, which nobody followed to its end, is over: %s", id, howItEnded(&run.Result{Verdict: state.Verdict, Done: state.Done, State: *state}))
	}
	return a.undecided(ctx, where, book)
}

// undecided fails where the last run on a robot waits for a decision: what is
// on the pipettes and on the deck is not known.
func (a *app) undecided(ctx context.Context, where *place, book *logbook) error {
	for sum, err := range book.store.Runs(ctx, journal.Filter{Robot: where.key(), Limit: 1}) {
		if err != nil {
			return cannot("%v", err)
		}
		if sum.Verdict != run.VerdictDoubt {
			return nil
		}
		story, err := storyOf(ctx, book.store, sum)
		if err != nil {
			return cannot("run %s: %v", sum.ID, err)
		}
		if story.Last().State.Answer == nil {
			return cannot("run %s on this robot is in doubt, and nobody has decided: see ot2flow runs resume %s, or give it up with ot2flow runs answer %s abort", sum.ID, sum.ID, sum.ID)
		}
	}
	return nil
}

// storyOf tells a run without opening it to be written.
func storyOf(ctx context.Context, store *journal.Store, sum *journal.Summary) (*run.Story, error) {
	story, err := storyAsIs(ctx, store, sum)
	for range 5 { // whoever carries it out may have written in between, also another plan
		now, findErr := store.Find(ctx, sum.ID)
		if findErr != nil || err == nil || now.Seq == sum.Seq {
			break
		}
		sum = now
		story, err = storyAsIs(ctx, store, sum)
	}
	return story, err
}

func storyAsIs(ctx context.Context, store *journal.Store, sum *journal.Summary) (*run.Story, error) {
	plan, err := store.Plan(ctx, sum, ot2.Machine{})
	if err != nil {
		return nil, err
	}
	var records []run.Record
	for e, err := range store.Events(ctx, journal.Query{Run: sum.ID}) {
		if err != nil {
			return nil, err
		}
		records = append(records, e.Record)
	}
	return run.Tell(plan, records)
}
