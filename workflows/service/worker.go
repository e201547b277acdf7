package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// What carries out the runs of a queue, one after the other.

// againAfter is how long it takes until what could not be begun is tried again, if
// nothing happens before.
const againAfter = 3 * time.Second

// pauseWithin is how long a robot may take to stand still when the server ends.
const pauseWithin = time.Minute

// resumption is a run that is to be gone on with.
type resumption struct {
	id    string
	by    string
	ready bool         // what had to be done by hand before is done
	ask   *run.Request // what is asked of it instead; nil: that it goes on
	auto  bool         // nobody asked: it was under way when the server ended
	said  chan error   // nil when it is about to go on; nil where nobody waits
}

// Own makes this process the one that serves the queue, until what is returned is
// called.
func (d *Device) Own(ctx context.Context) (release func(), err error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	lease, err := store.Lease(ctx, "queue/"+d.Robot, Myself())
	var held *journal.Held
	switch {
	case errors.As(err, &held):
		return nil, &Error{Kind: Unable, Message: fmt.Sprintf("the queue of %s is served by %s already; one server is enough, however many ask it", d.Robot, held.Holder), Err: err}
	case err != nil:
		return nil, owned(err)
	}
	return func() { _ = lease.Release(context.Background()) }, nil // it is free as soon as this process ends
}

// Serve carries out what is in the queue, until ctx is done. Then the robot is paused
// at a good place, and the run is left as soon as it says that it stands. Whoever
// serves owns the queue, see Own.
func (d *Device) Serve(ctx context.Context) error {
	store, err := d.Service.Journal(context.WithoutCancel(ctx)) // that it ends at once is no error
	if err != nil {
		return err
	}
	watching := make(chan struct{})
	go func() { // what other processes write changes things, too
		defer close(watching)
		_ = store.Watch(ctx, func() (bool, error) { d.changed.light(); return true, nil })
	}()
	defer func() { <-watching }()
	stop := context.AfterFunc(ctx, d.leave)
	defer stop()
	if err := d.takeUp(ctx, store); err != nil && ctx.Err() == nil {
		return err
	}
	for ctx.Err() == nil {
		done, err := d.one(ctx, store)
		if err != nil && ctx.Err() == nil {
			d.Log("", err.Error())
		}
		if done {
			continue
		}
		pause := time.NewTimer(againAfter)
		select {
		case <-ctx.Done():
		case <-d.wake:
		case <-pause.C:
		}
		pause.Stop()
	}
	d.refuseResumptions()
	return nil
}

// leave ends what is under way: the robot is paused, and left when it stands.
func (d *Device) leave() {
	d.mu.Lock()
	d.closing = true
	var c *Controls
	if d.current != nil {
		c = d.current.controls
	}
	d.mu.Unlock()
	if c != nil {
		c.LeaveStanding("the server, which ends")
		time.AfterFunc(pauseWithin, c.Leave)
	}
}

// takeUp finds the runs that were under way when a server of this queue ended. Those
// on a robot are followed, those on the simulator ended with it.
func (d *Device) takeUp(ctx context.Context, store *journal.Store) error {
	open, err := store.Open(ctx, d.Robot)
	if err != nil {
		return cannot("%v", err)
	}
	for _, id := range open {
		sum, err := store.Find(ctx, id)
		if err != nil {
			return cannot("%v", err)
		}
		if sum.Robot.Simulated {
			if err := store.CloseSubmission(ctx, id, journal.Begun, journal.Forgotten, "the simulator ended with its process in the middle of it"); err != nil {
				return cannot("%v", err)
			}
			continue
		}
		d.mu.Lock()
		d.resumes = append(d.resumes, &resumption{id: id, auto: true})
		d.mu.Unlock()
	}
	return nil
}

// one does what is next, and reports whether it did anything.
func (d *Device) one(ctx context.Context, store *journal.Store) (bool, error) {
	if r := d.nextResumption(); r != nil {
		err := d.goOn(ctx, r)
		r.say(err)
		return true, err
	}
	list, err := queueOf(ctx, store, d.Robot)
	if err != nil || len(list) == 0 {
		d.waitsFor("", false)
		return false, err
	}
	return d.begin(ctx, store, list[0])
}

func (r *resumption) say(err error) {
	if r.said != nil {
		select {
		case r.said <- err:
		default: // it was said when it went on
		}
	}
}

func (d *Device) nextResumption() *resumption {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.resumes) == 0 {
		return nil
	}
	r := d.resumes[0]
	d.resumes = d.resumes[1:]
	return r
}

func (d *Device) refuseResumptions() {
	for r := d.nextResumption(); r != nil; r = d.nextResumption() {
		r.say(cannot("the server ends"))
	}
}

// resume has a run gone on with before anything else is begun, and returns when that
// is about to be, or cannot.
func (d *Device) resume(ctx context.Context, r *resumption) error {
	r.said = make(chan error, 1)
	d.mu.Lock()
	busy := ""
	if d.current != nil {
		busy = d.current.id
	}
	if busy == "" {
		d.resumes = append(d.resumes, r)
	}
	d.mu.Unlock()
	if busy != "" {
		return cannot("run %s is under way on this robot", busy)
	}
	d.poke()
	select {
	case err := <-r.said:
		return err
	case <-ctx.Done():
		return cannot("not waited for any longer; what was asked for may still be done")
	}
}

// waitsFor says why the first of the queue is not begun.
func (d *Device) waitsFor(why string, blocked bool) {
	d.mu.Lock()
	changed := d.waits != why || d.blocked != blocked
	d.waits, d.blocked = why, blocked
	d.mu.Unlock()
	if changed && why != "" {
		d.Log("", "waiting: "+why)
	}
	if changed {
		d.changed.light()
	}
}

// begin carries out what was submitted, or says why that has to wait.
func (d *Device) begin(ctx context.Context, store *journal.Store, o *journal.Submission) (bool, error) {
	job, err := d.opened(ctx, store, o)
	var taken *journal.Taken
	var found *Findings
	var wrong *Error
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return false, nil
	case errors.As(err, &taken):
		return true, nil // somebody withdrew it
	case errors.As(err, &found), errors.As(err, &wrong) && wrong.Kind == Misuse:
		err = store.CloseSubmission(ctx, o.ID, journal.Queued, journal.Refused, err.Error())
		d.changed.light()
		return true, err
	default:
		var held *journal.Held
		d.waitsFor(err.Error(), !errors.As(err, &held))
		return false, nil
	}
	defer job.Close()
	d.waitsFor("", false)
	switch err := job.begin(ctx, journal.Start{Submission: o.ID}); {
	case errors.As(err, &taken):
		return true, nil
	case err != nil && ctx.Err() == nil:
		d.waitsFor(err.Error(), true)
		return false, nil
	case err != nil:
		return false, nil
	}
	return true, d.carry(ctx, job, o.ID, Carrying{})
}

// opened makes the plan of what was submitted as the deck is now, and opens its place.
func (d *Device) opened(ctx context.Context, store *journal.Store, o *journal.Submission) (*Job, error) {
	plan, err := store.SubmittedPlan(ctx, o.ID, ot2.Machine{})
	if err != nil {
		return nil, err
	}
	for range 5 {
		known, err := d.Service.Know(ctx, Deck{Robot: d.Robot}, false, d.say(o.ID))
		if err != nil {
			return nil, err
		}
		if known != nil {
			if plan, err = madeAgain(plan, o.Given, known); err != nil {
				return nil, err
			}
		}
		job, err := d.Service.Open(ctx, Order{Plan: plan, Robot: d.Robot, For: Behalf{By: o.By.Name, Project: o.Project}, Known: known, Say: d.say(o.ID), Tell: d.say(o.ID)})
		var again *Renewed
		if !errors.As(err, &again) {
			return job, err
		}
	}
	return nil, cannot("the deck changes again and again while its plan is made")
}

// madeAgain makes a plan again, from its own files, for what is known of the deck.
func madeAgain(plan *program.Plan, given []byte, known *Known) (*program.Plan, error) {
	c, err := workflows.Again(plan)
	if err != nil {
		return nil, usage("%v", err)
	}
	return planOf(c, given, known)
}

// goOn goes on with a run that nobody follows.
func (d *Device) goOn(ctx context.Context, r *resumption) error {
	job, err := d.Service.Resume(ctx, r.id, "", d.say(r.id))
	if err != nil {
		return err
	}
	defer job.Close()
	paused := job.IsPaused()
	if err := job.Find(ctx, 0); err != nil {
		return err
	}
	o := Carrying{By: r.by, First: r.ask}
	state := &job.Story.Last().State
	switch {
	case r.ask != nil:
		text, over, err := job.Unfollowed(ctx, *r.ask, 0)
		if over || err != nil {
			d.Log(r.id, text)
			d.changed.light()
			return err
		}
	case state.Stage != run.Over && r.auto && (paused || job.IsPaused()):
		return nil // it was paused, and a person lets it go on
	case state.Stage != run.Over:
		what, err := job.Follows()
		if err != nil {
			return err
		}
		d.Log(r.id, what)
		o.Paused = !r.auto
	case r.auto || state.Verdict == run.VerdictOK:
		d.changed.light()
		return nil
	default:
		if o.Rest, err = job.Remains(ctx, "", func(diag.List, func(string) []byte) {}); err != nil {
			return err
		}
		if len(o.Rest.ByHand) > 0 && !r.ready {
			return &Error{Kind: Undecided, Message: fmt.Sprintf("something has to be done by hand first: %s; say that it is done with ready", o.Rest.ByHand[0])}
		}
	}
	if err := job.Prepare(); err != nil {
		return err
	}
	r.say(nil)
	return d.carry(ctx, job, r.id, o)
}

// carry follows a run to its end.
func (d *Device) carry(ctx context.Context, job *Job, id string, o Carrying) error {
	d.mu.Lock()
	d.current = &steered{id: id}
	d.mu.Unlock()
	d.changed.light()
	// The run is not cut off when the server ends: it is left when the robot stands.
	d.Log(id, "under way: "+job.Plan.Workflow.Name)
	result, err := job.Carry(context.WithoutCancel(ctx), &inbox{device: d, id: id}, o)
	d.Log(id, HowItEnded(&result)+" of "+fmt.Sprint(len(job.Plan.Steps))+" steps")
	d.mu.Lock()
	d.current = nil
	d.mu.Unlock()
	d.changed.light()
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return nil // how it ended, the journal says
}

// inbox is who follows a run for a device: people somewhere else, who see it through
// the journal, and answer and steer through the device.
type inbox struct {
	device *Device
	id     string
	told   time.Time // when those who wait were told last
}

// Say has it in the log of the server.
func (p *inbox) Say(text string) { p.device.Log(p.id, text) }

// Tell is for those who sit in front of it.
func (p *inbox) Tell(string) {}

// See tells those who wait that something has happened: of steps, not every one by
// itself.
func (p *inbox) See(e run.Event, _ run.Progress, _ Standing) {
	switch e.(type) {
	case run.StepStarted, run.StepDone:
		if time.Since(p.told) < stepsTold {
			return
		}
	default:
	}
	p.told = time.Now()
	p.device.changed.light()
}

// stepsTold is how often those who wait hear of steps that began and ended.
const stepsTold = 50 * time.Millisecond

// Findings has the first mistake in the log; the journal says it, too.
func (p *inbox) Findings(list diag.List, _ func(string) []byte) {
	p.device.Log(p.id, (&Findings{List: list}).Error())
}

// Pause waits until somebody lets the run go on, or stops it.
func (p *inbox) Pause(ctx context.Context, _ run.Question) (run.Control, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// Ask waits for an answer through the journal.
func (p *inbox) Ask(ctx context.Context, _ *Question) (run.Response, error) {
	<-ctx.Done()
	return run.Response{}, ctx.Err()
}

// Steer hands the run over to whoever asks the device for something.
func (p *inbox) Steer(c *Controls) (end func()) {
	d := p.device
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		d.current.controls = c
	}
	if d.closing {
		c.Leave()
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.current != nil {
			d.current.controls = nil
		}
	}
}
