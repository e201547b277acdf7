package service

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// What one process asks of another that follows a run: to pause, to stop, to
// go on. It goes through the journal, and is over when the robot says so.

// heardWithin is how long whoever follows a run may take to hear.
const heardWithin = 20 * time.Second

// Unfollowed says that nobody follows a run.
type Unfollowed struct{ Run string }

// Error names the run.
func (u *Unfollowed) Error() string { return "nobody follows run " + u.Run }

// Ask asks whoever follows a run for something, and waits until the robot has done
// it; what comes of it is told. The error is *Unfollowed where nobody does.
func (s *Service) Ask(ctx context.Context, ref string, r run.Request, tell func(string)) error {
	store, err := s.Journal(ctx)
	if err != nil {
		return err
	}
	sum, err := store.Find(ctx, ref)
	switch {
	case err != nil:
		return usage("%v", err)
	case sum.Elsewhere != "":
		return elsewhereOf(sum)
	case sum.Over():
		return usage("run %s is over: %s", sum.ID, Stands(ctx, store, sum))
	case sum.Robot.Simulated:
		return usage("run %s is on the simulator; press Ctrl-C where it was begun", sum.ID)
	}
	owner, err := store.Owner(ctx, sum.Robot.Key)
	switch {
	case err != nil:
		return cannot("%v", err)
	case owner == nil:
		return &Unfollowed{sum.ID}
	case owner.Run != sum.ID:
		return cannot("nobody follows run %s, and its robot is in use: %v", sum.ID, owner)
	}
	return askOwner(ctx, store, sum, owner, r, tell)
}

// AskToResume lets a run go on that another process follows, by asking it.
// The error is *Unfollowed where none does, for whatever reason.
func (s *Service) AskToResume(ctx context.Context, ref, by string, tell func(string)) error {
	store, err := s.Journal(ctx)
	if err != nil {
		return err
	}
	sum, err := store.Find(ctx, ref)
	if err != nil || sum.Robot.Key == "" || sum.Over() {
		return &Unfollowed{ref} // which is told where the run is taken up
	}
	owner, err := store.Owner(ctx, sum.Robot.Key)
	if err != nil || owner == nil || owner.Run != sum.ID {
		return &Unfollowed{sum.ID}
	}
	return askOwner(ctx, store, sum, owner, run.Request{Control: run.Resume, By: by}, tell)
}

// request is what a message between processes carries.
type request struct {
	Now bool `json:"now,omitempty"`
}

// asker names who asks, in the journal.
func asker(by journal.Holder) string { return by.Name + " at " + by.Host }

// askOwner asks the process that follows a run, and waits until its robot has
// done it.
func askOwner(ctx context.Context, store *journal.Store, sum *journal.Summary, owner *journal.Held, r run.Request, tell func(string)) error {
	story, err := StoryOf(ctx, store, sum)
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	switch halted := story.Last().State.Halted == run.Paused; {
	case r.Control == run.Pause && halted:
		tell("the robot is paused already")
		return nil
	case r.Control == run.Resume && !halted:
		return cannot("run %s is under way, and followed by %s; nothing has to be gone on with", sum.ID, owner.Holder)
	}
	by := Myself()
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
	w := &asked{tell: tell, store: store, run: sum.ID, seq: sum.Seq, control: r.Control, by: asker(by), label: story.Last().Label}
	return w.wait(ctx, owner)
}

// asked waits for what was asked of another process.
type asked struct {
	tell    func(string)
	store   *journal.Store
	run     string
	seq     int64 // of the last record seen
	control run.Control
	by      string
	label   func(n int) string // how people name a step
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
		return cannot("run %s was over before: %s", w.run, Stands(ctx, w.store, sum))
	case sum.State == "left":
		return cannot("run %s was left by whoever followed it; see ot2flow runs show %s", w.run, w.run)
	}
	switch w.control {
	case run.Pause:
		w.tell(fmt.Sprintf("the robot is paused: %s of run %s are done; go on with: ot2flow runs resume %s", Steps(sum.Done, sum.Steps), w.run, w.run))
	case run.Resume:
		w.tell("the robot goes on with run " + w.run)
	case run.Stop:
		w.tell(fmt.Sprintf("run %s: %s, %s are done", w.run, Stands(ctx, w.store, sum), Steps(sum.Done, sum.Steps)))
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
		w.tell(fmt.Sprintf("heard; the robot is asked to %s once step %s is done, a good place; what it begins meanwhile it finishes first", control, w.label(after)))
	}
}

// heed hears what other processes ask of a run, until stop is called.
func (j *Job) heed(ctx context.Context, person Person, controls *Controls) (stop func()) {
	b := j.book
	if b.run == nil || b.lease == nil && j.beside == nil {
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
				case m.Kind == replyKind && j.beside != nil:
					j.beside.reply(m)
				default:
					pass(m, person, controls)
				}
			}
			return true, err
		})
	}()
	return func() { cancel(); <-done }
}

// pass passes on what another process asks for.
func pass(m *journal.Message, person Person, controls *Controls) {
	var data request
	var control run.Control
	if control.UnmarshalText([]byte(m.Kind)) != nil || json.Unmarshal(m.Data, &data) != nil {
		return // of a newer version, which hears that nobody heard
	}
	person.Say(fmt.Sprintf("%s asks for: %s", asker(m.By), control))
	if control == run.Stop && controls.GivesUp(asker(m.By)) || !controls.Now().Begun {
		return
	}
	controls.Ask(run.Request{Control: control, Now: data.Now, By: asker(m.By)})
}
