package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// What one process asks of another that follows a run: to pause, to stop, to
// go on. It goes through the journal, and is over when the robot says so.

// asking is what runs stop and runs pause were told.
type asking struct {
	now bool
	by  string
}

// heardWithin is how long whoever follows a run may take to hear.
const heardWithin = 20 * time.Second

func (a *app) runsStopCommand() *cobra.Command {
	return a.askCommand(run.Stop, "Stop a run that is under way, also from another terminal or computer account", `Stops a run at a good place: where no tip is on, if that is near, and otherwise after the step
under way; --now does not wait for that. It ends when the robot says that the run is over.

A run that another ot2flow follows is stopped through that one. A run that nobody follows any
longer is found on its robot first, and stopped there. What remains of a stopped run can be
gone on with by ot2flow runs resume.`)
}

func (a *app) runsPauseCommand() *cobra.Command {
	return a.askCommand(run.Pause, "Pause a run that is under way, also from another terminal or computer account", `Pauses a run at a good place: where no tip holds liquid, if that is near, and otherwise after
the step under way; --now does not wait for that. It ends when the robot says that it stands.

The run goes on with ot2flow runs resume, with Enter where it was begun, or with resume in
the Opentrons App.`)
}

func (a *app) askCommand(control run.Control, short, long string) *cobra.Command {
	var o asking
	c := &cobra.Command{
		Use: control.String() + " RUN", Short: short, Long: long, Args: oneRun,
		Example: fmt.Sprintf("  ot2flow runs %[1]s last\n  ot2flow runs %[1]s 261123-4x7k --now", control),
	}
	a.stateFlag(c)
	c.Flags().BoolVar(&o.now, "now", false, "do not wait for a good place")
	c.Flags().StringVar(&o.by, "by", "", "who asks; by default whoever is logged in")
	c.RunE = func(c *cobra.Command, args []string) error { return a.runsAsk(c.Context(), args[0], control, o) }
	return c
}

func (a *app) runsAsk(ctx context.Context, ref string, control run.Control, o asking) error {
	store, err := a.journal(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // what was posted was synced
	sum, err := store.Find(ctx, ref)
	switch {
	case err != nil:
		return usage("%v", err)
	case sum.Robot.Simulated:
		return usage("run %s is on the simulator; press Ctrl-C where it was begun", sum.ID)
	case sum.Over():
		return usage("run %s is over: %s", sum.ID, stands(ctx, store, sum))
	}
	owner, err := store.Owner(ctx, sum.Robot.Key)
	switch {
	case err != nil:
		return cannot("%v", err)
	case owner == nil:
		return a.askRobot(ctx, sum.ID, control, o)
	case owner.Run != sum.ID:
		return cannot("nobody follows run %s, and its robot is in use: %v", sum.ID, owner)
	}
	return a.askOwner(ctx, store, sum, owner, run.Request{Control: control, Now: o.now, By: o.by})
}

// askRobot finds a run that nobody follows on its robot, and asks there.
func (a *app) askRobot(ctx context.Context, id string, control run.Control, o asking) error {
	if o.by == "" {
		o.by = myself().Name
	}
	return a.runsResume(ctx, id, resuming{applying: applying{yes: true}, by: o.by, ask: &run.Request{Control: control, Now: o.now, By: o.by}})
}

// request is what a message between processes carries.
type request struct {
	Now bool `json:"now,omitempty"`
}

// asker names who asks, in the journal.
func asker(by journal.Holder) string { return by.Name + " at " + by.Host }

// askOwner asks the process that follows a run, and waits until its robot has
// done it.
func (a *app) askOwner(ctx context.Context, store *journal.Store, sum *journal.Summary, owner *journal.Held, r run.Request) error {
	story, err := storyOf(ctx, store, sum)
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	switch halted := story.Last().State.Halted == run.Paused; {
	case r.Control == run.Pause && halted:
		a.tell("the robot is paused already")
		return nil
	case r.Control == run.Resume && !halted:
		return cannot("run %s is under way, and followed by %s; nothing has to be gone on with", sum.ID, owner.Holder)
	}
	by := myself()
	if r.By != "" {
		by.Name = r.By
	}
	data, err := json.Marshal(request{r.Now})
	if err == nil {
		err = store.Post(ctx, sum.ID, journal.Message{By: by, Kind: r.Control.String(), Data: data})
	}
	if err != nil {
		return cannot("%v", err)
	}
	w := &asked{a: a, store: store, run: sum.ID, seq: sum.Seq, control: r.Control, by: asker(by)}
	return w.wait(ctx, owner)
}

// asked waits for what was asked of another process.
type asked struct {
	a       *app
	store   *journal.Store
	run     string
	seq     int64 // of the last record seen
	control run.Control
	by      string
	heard   bool
	done    bool
	refused string
}

func (w *asked) wait(ctx context.Context, owner *journal.Held) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(heardWithin, cancel)
	defer silence.Stop()
	err := w.store.Watch(waiting, func() (bool, error) {
		for e, err := range w.store.Events(waiting, journal.Query{Run: w.run, AfterSeq: w.seq}) {
			if err != nil {
				return false, err
			}
			w.seq = e.Record.Seq
			w.see(e.Record.Event)
		}
		if w.heard {
			silence.Stop()
		}
		sum, err := w.store.Find(waiting, w.run)
		if err != nil {
			return false, err
		}
		return !w.done && w.refused == "" && !sum.Over() && sum.State != "left", nil
	})
	sum, findErr := w.store.Find(ctx, w.run)
	switch {
	case ctx.Err() != nil:
		return cannot("not waited for any longer; what was asked for may still be done")
	case waiting.Err() != nil && !w.heard:
		return cannot("%s, who follows run %s, does not hear; stop the robot with its button or in the Opentrons App", owner.Holder, w.run)
	case err != nil:
		return cannot("%v", err)
	case findErr != nil:
		return cannot("%v", findErr)
	case w.refused != "":
		return cannot("the robot was asked to %s: %s", w.control, w.refused)
	case w.control == run.Stop && sum.Verdict == run.VerdictOK, w.control == run.Pause && sum.Over():
		return cannot("run %s was over before: %s", w.run, stands(ctx, w.store, sum))
	case sum.State == "left":
		return cannot("run %s was left by whoever followed it; see ot2flow runs show %s", w.run, w.run)
	}
	switch w.control {
	case run.Pause:
		w.a.tell("the robot is paused: %s of run %s are done; go on with: ot2flow runs resume %s", stepCount(sum.Done, sum.Steps), w.run, w.run)
	case run.Resume:
		w.a.tell("the robot goes on with run %s", w.run)
	case run.Stop:
		w.a.tell("run %s: %s, %s are done", w.run, stands(ctx, w.store, sum), stepCount(sum.Done, sum.Steps))
	}
	return nil
}

// see takes an event of the run.
func (w *asked) see(e run.Event) {
	switch e := e.(type) {
	case run.StopAsked:
		w.hears(e.By, run.Stop, e.After)
	case run.PauseAsked:
		w.hears(e.By, run.Pause, e.After)
	case run.ResumeAsked:
		w.hears(e.By, run.Resume, 0)
	case run.AskFailed:
		if w.heard && e.Control == w.control {
			w.refused = e.Reason
		}
	case run.Halting:
		w.done = w.done || w.heard && w.control == run.Pause && e.Status == run.Paused
	case run.Resumed:
		w.done = w.done || w.heard && w.control == run.Resume
	default:
	}
}

func (w *asked) hears(by string, control run.Control, after int) {
	if by != w.by || control != w.control || w.heard {
		return
	}
	w.heard = true
	if after > 0 {
		w.a.tell("heard; the robot is asked to %s once step %d is done, a good place; what it begins meanwhile it finishes first", control, after)
	}
}

// heed hears what other processes ask of a run, until stop is called.
func (b *logbook) heed(ctx context.Context, t *attendant, questions *beside) (stop func()) {
	if b.run == nil || b.lease == nil && questions == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	since, done := time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		// What the journal cannot say here, it cannot take of the run either,
		// which is told there.
		_ = b.store.Watch(ctx, func() (bool, error) {
			messages, err := b.run.Take(ctx)
			for i := range messages {
				switch m := &messages[i]; {
				case m.At.Before(since): // it was for who followed it then
				case m.Kind == replyKind && questions != nil:
					questions.reply(m)
				default:
					t.asked(m)
				}
			}
			return true, err
		})
	}()
	return func() { cancel(); <-done }
}

// asked passes on what another process asks for.
func (t *attendant) asked(m *journal.Message) {
	var data request
	var control run.Control
	if control.UnmarshalText([]byte(m.Kind)) != nil || json.Unmarshal(m.Data, &data) != nil {
		return // of a newer version, which hears that nobody heard
	}
	t.status.say(fmt.Sprintf("%s asks for: %s", asker(m.By), control))
	if !t.status.hasBegun() {
		if control == run.Stop {
			t.leave()
		}
		return
	}
	t.ask(run.Request{Control: control, Now: data.Now, By: asker(m.By)})
}

// askUnfollowed asks the robot, after what became of the run was found out,
// and follows the run until the robot says that it is so.
func (a *app) askUnfollowed(ctx context.Context, r *resumed, s *status, in *lines, o resuming) error {
	part := r.story.Last()
	state := &part.State
	switch {
	case state.Stage == run.Over:
		a.tell("run %s is over: %s", r.sum.ID, howItEnded(&run.Result{Verdict: state.Verdict, Done: state.Done, State: *state}))
		return nil
	case state.Stage < run.Ready, !state.Sent:
		return cannot("nothing of run %s was begun, and nothing moves; it is begun by: ot2flow runs resume %s", r.sum.ID, r.sum.ID)
	case o.ask.Control == run.Pause && (state.Halted == run.Paused || state.Stage == run.Ready):
		a.tell("the robot stands already: %s of run %s are done", stepCount(state.Done, len(part.Plan.Steps)), r.sum.ID)
		return nil
	case state.Stage == run.Ready:
		// It stands between two batches, and waits for the next.
		if err := run.EndLeftover(ctx, r.where.backend, run.Job{Run: r.sum.ID, Plan: part.Plan}, part); err != nil {
			return cannot("the robot does not end the run: %v", err)
		}
		if err := find(ctx, r, o.patience); err != nil {
			return err
		}
		return a.askUnfollowed(ctx, r, s, in, o)
	}
	return a.follow(ctx, r, s, in, o)
}

// followed goes on with a run that another process follows, by asking it;
// false says that none does.
func (a *app) followed(ctx context.Context, ref string, o resuming) (bool, error) {
	store, err := a.journal(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = store.Close() }() // what was posted was synced
	sum, err := store.Find(ctx, ref)
	if err != nil || sum.Robot.Key == "" || sum.Over() {
		return false, nil // which is told where the run is reopened
	}
	owner, err := store.Owner(ctx, sum.Robot.Key)
	if err != nil || owner == nil || owner.Run != sum.ID {
		return false, nil
	}
	return true, a.askOwner(ctx, store, sum, owner, run.Request{Control: run.Resume, By: o.by})
}

// confirmed says that the robot did what was asked of it, where it did.
func (a *app) confirmed(r *resumed, result *run.Result, control run.Control) bool {
	s := &result.State
	done := stepCount(s.Done, s.Accepted.Steps)
	switch {
	case control == run.Pause && s.Halted == run.Paused:
		a.tell("the robot is paused: %s of run %s are done; go on with: ot2flow runs resume %s", done, r.sum.ID, r.sum.ID)
	case control == run.Stop && s.Ended == run.Stopped && result.Doubt == run.Doubt{}:
		a.tell("run %s: stopped, %s are done", r.sum.ID, done)
		a.unclear(r.where, result)
	default:
		return false
	}
	a.unclear(r.where, result)
	return true
}
