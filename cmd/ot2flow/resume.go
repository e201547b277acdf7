package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows/depict"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// resuming is what runs resume was told.
type resuming struct {
	applying
	with  string // a recovery workflow
	close bool   // nothing but what finally says
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

--finally does nothing but what stands under finally in the workflow, behind a run that was
stopped in haste or in the Opentrons App, that is in doubt, or that is given up. Elsewhere
that was done when the run ended. What remains can still be gone on with afterwards.

--with FILE carries out a workflow for the same deck before that, such as one that rinses a
well or fills one up.`,
		Example: "  ot2flow runs resume last\n  ot2flow runs resume last --finally\n  ot2flow runs resume 261123-4x7k --with refill.yaml",
		Args:    oneRun,
	}
	a.formatFlag(c, "text", "json")
	a.stateFlag(c)
	f := c.Flags()
	f.StringVar(&o.deck.Robot, "robot", "", "the robot's address, if it has another one than it had")
	f.StringVar(&o.with, "with", "", "a recovery workflow for the same deck, done first")
	f.BoolVar(&o.close, "finally", false, "do nothing but what finally says")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask whether to go on")
	o.accepting(c)
	f.BoolVar(&o.ready, "ready", false, "with --yes: what has to be done by hand before is done")
	f.StringVar(&o.by, "by", "", "who goes on with it; by default whoever is logged in")
	f.DurationVar(&o.patience, "patience", 0, "how long a lost connection is waited for, such as 10m; by default until Ctrl-C")
	o.cached(c)
	c.RunE = func(c *cobra.Command, args []string) error { return a.runsResume(c.Context(), args[0], o) }
	return c
}

func (a *app) runsResume(ctx context.Context, ref string, o resuming) error {
	if o.by == "" {
		o.by = service.Myself().Name
	}
	if o.ask == nil {
		var alone *service.Unfollowed
		if err := a.service().AskToResume(ctx, ref, o.by, a.tells); !errors.As(err, &alone) {
			return err
		}
	}
	status := newStatus(a, nil)
	j, err := a.service().Resume(ctx, ref, o.deck.Robot, status.say)
	if err != nil {
		return err
	}
	defer j.Close()
	j.For(service.Behalf{By: o.by})
	status.plan = j.Plan
	o.in = newLines(a.in)
	defer o.in.stop()
	if err := j.Find(ctx, o.patience); err != nil {
		return err
	}
	if o.ask != nil {
		return a.askUnfollowed(ctx, j, status, o)
	}
	switch state := &j.Story.Last().State; {
	case state.Stage != run.Over:
		return a.follow(ctx, j, status, o)
	case state.Verdict == run.VerdictOK:
		a.tell("%s is done: all %s", j.Summary.ID, plural(len(j.Plan.Steps), "step"))
		return nil
	}
	return a.goOn(ctx, j, status, o)
}

// tell says something to people.
func (a *app) tell(format string, args ...any) { a.tells(fmt.Sprintf(format, args...)) }

func (a *app) tells(text string) {
	if !a.quiet {
		fmt.Fprintln(a.err, text)
	}
}

// follow goes on with a run that the robot has, or that it never got.
func (a *app) follow(ctx context.Context, j *service.Job, s *status, o resuming) error {
	what, err := j.Follows()
	if what != "" && o.ask == nil {
		a.tell("%s", what)
	}
	if err != nil {
		return err
	}
	if ok, err := a.agreed(j.Place, o); !ok {
		return err
	}
	s.plan = j.Story.Last().Plan
	// A look does not always hear that the robot stands. What a timeout asks is asked again.
	return a.carryOutStory(ctx, j, s, o, service.Carrying{Paused: o.ask == nil && !j.IsOverdue()})
}

// agreed asks whether to go on.
func (a *app) agreed(where *service.Place, o resuming) (bool, error) {
	if o.yes {
		return true, nil
	}
	ok, err := a.confirm(o.in, where)
	if err == nil && !ok {
		err = &exitError{exitStopped, "nothing was done"}
	}
	return ok, err
}

// goOn carries out what remains of a run that the robot has ended.
func (a *app) goOn(ctx context.Context, j *service.Job, s *status, o resuming) error {
	rest, err := a.remains(ctx, j, o)
	var undecided *run.Undecided
	switch {
	case errors.Is(err, run.ErrNothingLeft), errors.Is(err, service.ErrClosed):
		a.tell("run %s: %v", j.Summary.ID, err)
		return nil
	case errors.As(err, &undecided):
		a.showUndecided(j.Summary.ID, undecided)
		return err
	case err != nil:
		return err
	}
	a.showRest(j, rest)
	if len(rest.ByHand) > 0 && o.yes && !o.ready {
		return usage("something has to be done by hand first; --ready says that it is done")
	}
	if ok, err := a.agreed(j.Place, o); !ok {
		return err
	}
	j.Accept = o.accept || !o.yes && !a.quiet
	if err := j.Accepted(ctx); err != nil {
		return err
	}
	s.plan = rest.Plan
	return a.carryOutStory(ctx, j, s, o, service.Carrying{Rest: rest})
}

// remains is what is carried out of a run that the robot has ended.
func (a *app) remains(ctx context.Context, j *service.Job, o resuming) (*run.Rest, error) {
	if !o.close {
		return j.Remains(ctx, o.with, a.show)
	}
	rest, err := j.Closing(ctx)
	if err == nil && rest == nil {
		err = service.ErrClosed
	}
	return rest, err
}

// showRest says what will be done, before anybody is asked.
func (a *app) showRest(j *service.Job, rest *run.Rest) {
	if a.quiet {
		return
	}
	w := bufio.NewWriter(a.err)
	t := &planText{w: w, plan: rest.Plan, color: a.colors(a.err)}
	timer, us := ot2.NewTimer(rest.Plan.Deck), int64(0)
	for i := range rest.Plan.Steps {
		us += timer.Duration(&rest.Plan.Steps[i].Op)
	}
	t.f("%s %s of %s: ", t.bold("Run"), j.Summary.ID, j.Plan.Workflow.Name)
	if rest.Event.Closing {
		t.f("what finally says, %s, about %s\n", plural(len(rest.Plan.Steps), "step"), clock(us/1000))
		for i := range rest.Plan.Steps {
			t.f("  %s\n", depict.Sentence(&rest.Plan.Steps[i], rest.Plan.Deck))
		}
	} else if from := rest.Event.From; from <= len(j.Plan.Steps) {
		step := &j.Plan.Steps[from-1]
		t.f("goes on with step %d of %d (%s), about %s\n", from, len(j.Plan.Steps), step.ID(), clock(us/1000))
	} else {
		t.f("every step of the plan is done\n")
	}
	for _, text := range rest.ByHand {
		t.f("  by hand, before: %s\n", text)
	}
	for _, text := range rest.Since {
		t.f("  since then: %s\n", text)
	}
	for _, text := range rest.Notes {
		t.f("  first: %s\n", text)
	}
	t.drift(j.Drift)
	t.f("  on %s at %s\n", j.Place.Name, j.Place.Address())
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
	if u.InPart {
		fmt.Fprint(w, inPart)
	}
	fmt.Fprintf(w, `Look at the deck, the tips and the wells, and say how it is:
  ot2flow runs answer %[1]s done%-11[2]s %[3]s
  ot2flow runs answer %[1]s redo            none of it happened, or it is to be done again
  ot2flow runs answer %[1]s skip%-11[2]s leave it out and go on
  ot2flow runs answer %[1]s abort           the run is not gone on with
`, id, to, map[bool]string{true: "it happened", false: "everything up to STEP happened, and nothing after it"}[single])
}

// inPart is what to do about a protocol that is neither done nor not.
const inPart = `A protocol may have happened in part. Then either put the wells and tips that it takes back as they
were, and say redo; or say with ot2flow state set how they are, and say skip.
`

// carryOutStory follows a run to its end and says how the whole of it ended.
func (a *app) carryOutStory(ctx context.Context, j *service.Job, s *status, o resuming, c service.Carrying) error {
	plan := j.Story.Last().Plan
	if c.Rest != nil {
		plan = c.Rest.Plan
	}
	if err := j.Prepare(); err != nil {
		return err
	}
	c.Patience, c.First, c.By, c.NoCache = o.patience, o.ask, o.by, o.noCache
	result, err := j.Carry(ctx, a.terminal(s, j.Place, o.applying), c)
	if isTold(err) {
		return err
	}
	if c.Rest != nil && c.Rest.Event.Closing && !result.State.Left {
		return a.closed(j, &result)
	}
	if o.ask != nil && a.confirmed(j, &result, o.ask.Control) {
		return nil
	}
	if result.Story == nil || result.Story.PartsOfPlan() == 1 {
		return a.endedOnRobot(j.Plan, j.Place, result, s.took(), err)
	}
	return a.endedInParts(j, plan, &result, s, err)
}

// closed says what came of what finally says.
func (a *app) closed(j *service.Job, result *run.Result) error {
	c := result.State.Closed
	if c == nil || c.Verdict != run.VerdictOK {
		why := "it did not come to its end"
		if c != nil && c.Reason != "" {
			why = c.Reason
		}
		return &exitError{exitFailed, fmt.Sprintf("what `finally` says was not done to its end: %s", why)}
	}
	a.tell("what `finally` of run %s says is done", j.Summary.ID)
	if result.State.MayGoOn() && result.Story.MayRemain() {
		a.tell("what remains can be gone on with: ot2flow runs resume %s", j.Summary.ID)
	}
	return nil
}

// endedInParts says how a run ended that was carried out in several parts.
func (a *app) endedInParts(j *service.Job, plan *program.Plan, result *run.Result, s *status, err error) error {
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
	held := service.ByStory(result.Story)
	held.Outputs = j.Plan.Outputs
	if a.format == "json" {
		whole := *result
		whole.Done = done
		if _, problem := a.out.Write(appendRun(nil, j.Plan, j.Place, &whole, held, s.took(), err)); problem != nil {
			return a.written(problem)
		}
	} else {
		w := bufio.NewWriter(a.out)
		left := ""
		if skipped > 0 {
			left = fmt.Sprintf(", %d left out", skipped)
		}
		how, _, _ := strings.Cut(service.HowItEnded(result), ",")
		how, _, _ = strings.Cut(how, " after")
		fmt.Fprintf(w, "%s: %s, %d of %s%s on %s, in %d parts\n", j.Plan.Workflow.Name, how, done, plural(len(j.Plan.Steps), "step"), left, j.Place.Device.Name, result.Story.PartsOfPlan())
		contents(w, held, a.colors(a.out), "Wells in the end, by the plan")
		if result.Verdict == run.VerdictOK {
			outputs(w, j.Plan.Outputs)
		}
		if problem := w.Flush(); problem != nil {
			return a.written(problem)
		}
	}
	a.unclear(j.Place, result)
	if code == exitFine {
		return nil
	}
	message := "the run did not end well"
	if err != nil {
		message = whereOf(plan, err) + err.Error()
	}
	return &exitError{code, message}
}
