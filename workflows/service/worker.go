package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/traces"
)

// What carries out the runs of a queue, one after the other.

// againAfter is how long it takes until what could not be begun is tried again, if
// nothing happens before.
const againAfter = 3 * time.Second

// pauseWithin is how long a robot may take to stand still when the server ends.
const pauseWithin = time.Minute

// resumption is a run that is to be gone on with.
type resumption struct {
	id   string
	by   string
	how  GoingOn      // what a person said
	ask  *run.Request // what is asked of it instead; nil: that it goes on
	auto bool         // nobody asked: it was under way when the server ended
	said chan error   // nil when it is about to go on; nil where nobody waits
}

// Own makes this process the one that serves the queues, until what is returned is
// called.
func (d *Device) Own(ctx context.Context) (release func(), err error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	var leases []*journal.Lease
	release = func() {
		for _, l := range leases {
			_ = l.Release(context.Background()) // it is free as soon as this process ends
		}
	}
	for _, queue := range d.queues() {
		lease, err := store.Lease(ctx, "queue/"+queue, Myself())
		var held *journal.Held
		switch {
		case errors.As(err, &held):
			release()
			return nil, &Error{Kind: Unable, Message: fmt.Sprintf("%s is served by %s already; one server is enough, however many ask it", queueNamed(queue), held.Holder), Err: err}
		case err != nil:
			release()
			return nil, owned(err)
		}
		leases = append(leases, lease)
	}
	return release, nil
}

// Serve carries out what is in the queues, until ctx is done. Then the robots are paused
// at a good place, and each run is left as soon as its robot says that it stands. Whoever
// serves owns the queues, see Own.
func (d *Device) Serve(ctx context.Context) error {
	store, err := d.Service.Journal(context.WithoutCancel(ctx)) // that it ends at once is no error
	if err != nil {
		return err
	}
	if err := d.rests.read(ctx, store); err != nil && ctx.Err() == nil {
		return err
	}
	for _, st := range d.stations {
		if err := st.takeUp(ctx, store); err != nil && ctx.Err() == nil {
			return err
		}
	}
	var at sync.WaitGroup
	defer at.Wait()
	at.Go(func() { // what other processes write changes things, too
		_ = store.Watch(ctx, func() (bool, error) { d.changed.light(); return true, nil })
	})
	at.Go(func() { d.keepSchedules(ctx, store) })
	at.Go(func() { d.takeAnswers(ctx, store) })
	for _, st := range d.stations {
		at.Go(func() { st.serve(ctx, store) })
	}
	return nil
}

// serve carries out what is for a robot, one run after the other.
func (st *station) serve(ctx context.Context, store *journal.Store) {
	stop := context.AfterFunc(ctx, st.leave)
	defer stop()
	for ctx.Err() == nil {
		done, err := st.one(ctx, store)
		if err != nil && ctx.Err() == nil {
			st.log("", err.Error())
		}
		if done {
			continue
		}
		pause := time.NewTimer(againAfter)
		select {
		case <-ctx.Done():
		case <-st.wake:
		case <-pause.C:
		}
		pause.Stop()
	}
	st.refuseResumptions()
}

// leave ends what is under way: the robot is paused, and left when it stands.
func (st *station) leave() {
	st.mu.Lock()
	st.closing = true
	var c *Controls
	if st.current != nil {
		c = st.current.controls
	}
	st.mu.Unlock()
	if c != nil {
		c.LeaveStanding("the server, which ends")
		time.AfterFunc(pauseWithin, c.Leave)
	}
}

// takeUp finds the runs that were under way when a server of this queue ended. Those
// on a robot are followed, those on the simulator ended with it. One that had ended,
// and not well, is closed.
func (st *station) takeUp(ctx context.Context, store *journal.Store) error {
	if st.Device != "" {
		return nil // it is asked for again
	}
	open, err := store.Open(ctx, st.Name)
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
		st.mu.Lock()
		st.resumes = append(st.resumes, &resumption{id: id, auto: true})
		st.mu.Unlock()
	}
	if len(open) == 0 {
		return st.closeLast(ctx, store)
	}
	return nil
}

// closeLast sees to it that what finally says is done of the last run of this queue,
// where the server ended between the end of the run and that, and nothing else was run
// on the robot since.
func (st *station) closeLast(ctx context.Context, store *journal.Store) error {
	id, err := store.LastBegun(ctx, st.Name)
	if err != nil || id == "" {
		return err
	}
	sum, err := store.Find(ctx, id)
	if err != nil {
		return cannot("%v", err)
	}
	left, err := Unclosed(ctx, store, sum)
	if err != nil || left == "" {
		return err
	}
	story, err := StoryOf(ctx, store, sum)
	if err != nil {
		return cannot("run %s: %v", id, err)
	}
	if !story.ClosesByItself() {
		st.log(id, left) // a person has a look first
		return nil
	}
	st.mu.Lock()
	st.resumes = append(st.resumes, &resumption{id: id, auto: true})
	st.mu.Unlock()
	return nil
}

// one does what is next, and reports whether it did anything.
func (st *station) one(ctx context.Context, store *journal.Store) (bool, error) {
	if st.Device != "" {
		return false, st.oneElsewhere(ctx, store)
	}
	if r := st.nextResumption(); r != nil {
		err := st.goOn(ctx, r)
		r.say(err)
		return true, err
	}
	o, why, blocked, err := st.choose(ctx, store)
	if err != nil {
		return false, err
	}
	if o == nil {
		st.waitsFor(why, blocked)
		return false, nil
	}
	defer st.let()
	return st.begin(ctx, store, o)
}

func (r *resumption) say(err error) {
	if r.said != nil {
		select {
		case r.said <- err:
		default: // it was said when it went on
		}
	}
}

func (st *station) nextResumption() *resumption {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.resumes) == 0 {
		return nil
	}
	r := st.resumes[0]
	st.resumes = st.resumes[1:]
	return r
}

func (st *station) refuseResumptions() {
	for r := st.nextResumption(); r != nil; r = st.nextResumption() {
		r.say(cannot("the server ends"))
	}
}

// resume has a run gone on with before anything else is begun on its robot, and returns
// when that is about to be, or cannot.
func (d *Device) resume(ctx context.Context, store *journal.Store, r *resumption) error {
	st, err := d.of(ctx, store, r.id)
	if err != nil {
		return err
	}
	r.said = make(chan error, 1)
	st.mu.Lock()
	busy := ""
	if st.current != nil {
		busy = st.current.id
	}
	if busy == "" {
		st.resumes = append(st.resumes, r)
	}
	st.mu.Unlock()
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
func (st *station) waitsFor(why string, blocked bool) {
	st.mu.Lock()
	changed := st.waits != why || st.blocked != blocked
	st.waits, st.blocked = why, blocked
	st.mu.Unlock()
	if changed && why != "" {
		st.log("", "waiting: "+why)
	}
	if changed {
		st.device.changed.light()
	}
}

// begin carries out what was submitted, or says why that has to wait.
func (st *station) begin(ctx context.Context, store *journal.Store, o *journal.Submission) (bool, error) {
	job, err := st.opened(ctx, store, o)
	var taken *journal.Taken
	var found *Findings
	var wrong *Error
	var unfit *Unfit
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return false, nil
	case errors.As(err, &taken):
		return true, nil // somebody withdrew it
	case errors.As(err, &found), errors.As(err, &wrong) && wrong.Kind == Misuse:
		return true, st.cannotDo(ctx, store, o, err)
	case o.Queue == shared && errors.As(err, &unfit):
		st.refuse(o.ID, err.Error(), false)
		return true, nil // there may be something else
	default:
		var held *journal.Held
		st.waitsFor(err.Error(), !errors.As(err, &held))
		return false, nil
	}
	defer job.Close()
	if why := st.endsTooLate(job); why != "" {
		if o.Queue == shared {
			st.refuse(o.ID, why, false)
			return true, nil
		}
		st.waitsFor(why, true)
		return false, nil
	}
	st.waitsFor("", false)
	st.takes(o.ID) // before it can be seen that it was begun: whoever asks for something then is heard
	defer st.letsGo()
	switch err := job.begin(ctx, journal.Start{Submission: o.ID, Queue: st.Name}); {
	case errors.As(err, &taken):
		return true, nil
	case err != nil && ctx.Err() == nil:
		st.waitsFor(err.Error(), true)
		return false, nil
	case err != nil:
		return false, nil
	}
	return true, st.carry(ctx, job, o.ID, Carrying{})
}

// cannotDo refuses what was submitted, or leaves it to the other robots as long as one of
// them may be able to do it.
func (st *station) cannotDo(ctx context.Context, store *journal.Store, o *journal.Submission, why error) error {
	text := why.Error()
	if o.Queue == shared {
		st.refuse(o.ID, text, true)
		if text = st.device.nobody(o); text == "" {
			return nil
		}
	}
	err := store.CloseSubmission(ctx, o.ID, journal.Queued, journal.Refused, text)
	st.device.changed.light()
	return err
}

// endsTooLate says that maintenance begins before a run would be over. On the simulator a
// run is over at once.
func (st *station) endsTooLate(job *Job) string {
	if job.Place.Simulated() {
		return ""
	}
	return st.device.rests.within(st.Name, time.Now(), time.Duration(job.Plan.EstimateMS)*time.Millisecond)
}

// opened makes the plan of what was submitted as the deck is now, and opens its place.
func (st *station) opened(ctx context.Context, store *journal.Store, o *journal.Submission) (*Job, error) {
	plan, err := store.SubmittedPlan(ctx, o.ID, ot2.Machine{})
	if err != nil {
		return nil, err
	}
	for range 5 {
		known, err := st.device.Service.Know(ctx, Deck{Robot: st.Address}, false, st.device.say(o.ID))
		if err != nil {
			return nil, err
		}
		if known != nil {
			made, err := madeAgain(plan, o.Given, known)
			if err != nil {
				var again *Renewed
				moved := known.still(ctx, store)
				if errors.As(moved, &again) {
					continue
				}
				return nil, cmp.Or(moved, err)
			}
			plan = made
		}
		job, err := st.device.Service.Open(ctx, Order{Plan: plan, Robot: st.Address, For: Behalf{By: o.By.Name, Project: o.Project}, Known: known, Say: st.device.say(o.ID), Tell: st.device.say(o.ID)})
		if job != nil && !job.Place.Simulated() {
			st.saw(&job.Place.Device)
			if err := st.device.Service.reaches(plan); err != nil {
				job.Close()
				return nil, err
			}
		}
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
func (st *station) goOn(ctx context.Context, r *resumption) error {
	job, err := st.device.Service.Resume(ctx, r.id, "", st.device.say(r.id))
	if err != nil {
		return err
	}
	defer job.Close()
	st.takes(r.id)
	defer st.letsGo()
	job.For(Behalf{By: r.by})
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
			st.log(r.id, text)
			return err
		}
	case state.Stage != run.Over && r.auto && (paused || job.IsPaused()):
		return nil // it was paused, and a person lets it go on
	case state.Stage != run.Over:
		what, err := job.Follows()
		if err != nil {
			return err
		}
		st.log(r.id, what)
		o.Paused = !r.auto
	case r.auto && job.Story.ClosesByItself():
		if o.Rest, err = job.Closing(ctx); err != nil || o.Rest == nil {
			return err
		}
		st.log(r.id, "it ended while nobody followed it, and what `finally` says is done")
	case r.auto || state.Verdict == run.VerdictOK:
		return nil
	case r.how.Finally:
		if o.Rest, err = job.Closing(ctx); err != nil {
			return err
		}
		if o.Rest == nil {
			return usage("run %s: %v", r.id, ErrClosed)
		}
	default:
		if o.Rest, err = job.Remains(ctx, "", func(diag.List, func(string) []byte) {}); err != nil {
			return err
		}
	}
	if o.Rest != nil && len(o.Rest.ByHand) > 0 && !r.how.Ready {
		return &Error{Kind: Undecided, Message: fmt.Sprintf("something has to be done by hand first: %s; say that it is done with ready", o.Rest.ByHand[0])}
	}
	job.Accept = r.how.Accept
	if err := job.Accepted(ctx); err != nil {
		return err
	}
	if err := job.Prepare(); err != nil {
		return err
	}
	r.say(nil)
	return st.carry(ctx, job, r.id, o)
}

// carry follows a run to its end.
func (st *station) carry(ctx context.Context, job *Job, id string, o Carrying) error {
	// The run is not cut off when the server ends: it is left when the robot stands.
	st.device.counts.begun.Add(1)
	st.log(id, "under way: "+job.Plan.Workflow.Name)
	trace := st.device.Traces.Run(id, job.Plan.Workflow.Name, st.Name)
	result, err := job.Carry(context.WithoutCancel(ctx), &inbox{st: st, id: id, trace: trace}, o)
	trace.End(ResultWord(&result))
	st.device.counts.end(&result)
	st.log(id, HowItEnded(&result)+" of "+fmt.Sprint(len(job.Plan.Steps))+" steps")
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return nil // how it ended, the journal says
}

// inbox is who follows a run for a device: people somewhere else, who see it through
// the journal, and answer and steer through the device.
type inbox struct {
	st    *station
	id    string
	told  time.Time // when those who wait were told last
	trace *traces.Run
}

// Say has it in the log of the server.
func (p *inbox) Say(text string) { p.st.log(p.id, text) }

// Tell is for those who sit in front of it.
func (p *inbox) Tell(string) {}

// See tells those who wait that something has happened: of steps, not every one by
// itself.
func (p *inbox) See(e run.Event, at run.Progress, _ Standing) {
	p.st.device.counts.see(e)
	traced(p.trace, e, at.Plan)
	if n := noteOf(e); n.Text != "" {
		n.Run = p.id
		p.st.note(n)
	}
	switch e.(type) {
	case run.StepStarted, run.StepDone:
		if time.Since(p.told) < stepsTold {
			return
		}
	default:
	}
	p.told = time.Now()
	p.st.device.changed.light()
}

// stepsTold is how often those who wait hear of steps that began and ended.
const stepsTold = 50 * time.Millisecond

// Findings has the first mistake in the log; the journal says it, too.
func (p *inbox) Findings(list diag.List, _ func(string) []byte) {
	p.st.log(p.id, (&Findings{List: list}).Error())
}

// Pause waits until somebody lets the run go on, or stops it.
func (p *inbox) Pause(ctx context.Context, _ run.Question) (run.Control, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// Ask waits for an answer through the journal.
func (p *inbox) Ask(ctx context.Context, q *Question) (run.Response, error) {
	if q.Decides {
		return run.Response{}, ErrNobody // it ends in doubt, and is decided through the journal
	}
	p.st.device.counts.waits.Add(1)
	p.st.note(Note{Run: p.id, Step: q.Step.N, Text: "asks: " + q.Step.Live.Message})
	<-ctx.Done()
	return run.Response{}, ctx.Err()
}

// Steer hands the run over to whoever asks the device for something.
func (p *inbox) Steer(c *Controls) (end func()) {
	st := p.st
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.current != nil {
		st.current.controls = c
		st.device.changed.light()
	}
	if st.closing {
		c.Leave()
	}
	return func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		if st.current != nil {
			st.current.controls = nil
		}
	}
}
