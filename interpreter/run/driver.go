package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// driver carries out the actions of a Machine. It belongs to one goroutine;
// the two it starts, one waiting for a report and one for an answer, hand
// their results over through channels and are waited for by release.
type driver struct {
	o         Options
	story     *Story
	m         *Machine      // of the story
	plan      *program.Plan // of its last part
	seq       int64
	session   Session
	clock     *stepClock
	elapsed   int64 // ms by the device's clock
	todo      []Action
	news      chan news
	held      *news // came while what was before it is not known yet
	heldN     int   // Done when a held report was last looked at
	answers   chan answer
	beside    beside // what is carried out beside the device
	stopNews  context.CancelFunc
	stopAsk   context.CancelFunc
	retry     <-chan time.Time
	retries   int
	lostAt    time.Time
	timing    timing
	begunAt   int64  // ms, what the run had taken when this driver began
	whyLeaves string // why the run is left; empty where nobody wants to follow it
	wg        sync.WaitGroup
}

type news struct {
	report Report
	err    error
}

type answer struct {
	control Control
	err     error
}

// run drives the machine until the run is over or left.
func (d *driver) run(ctx context.Context) error {
	if d.m.state.Stage == Over && d.o.Rest == nil {
		return nil
	}
	if err := d.begin(ctx); err != nil {
		return err
	}
	for d.m.state.Stage != Over && !d.m.state.Left {
		if err := d.next(ctx); err != nil {
			d.calm(ctx)
			return err
		}
	}
	return nil
}

func (d *driver) begin(ctx context.Context) error {
	switch {
	case d.m.state.Stage == Over:
		return d.emit(ctx, d.continued())
	case d.m.state.Stage != New:
		return d.emit(ctx, Restarted{Fence: d.o.Fence})
	}
	p := d.plan
	return d.emit(ctx, Accepted{
		Run: d.o.Run, Workflow: p.Workflow.Name, Fingerprint: p.Fingerprint, Steps: len(p.Steps), BatchSteps: d.o.BatchSteps, Fence: d.o.Fence,
		Live: p.Live(), Protocols: p.Protocols(), Open: p.Outlook != nil, Seed: d.o.Seed,
	})
}

// continued is the event that begins the rest of a run.
func (d *driver) continued() Continued {
	e := d.o.Rest.Event
	e.BatchSteps, e.Fence, e.By = d.o.BatchSteps, d.o.Fence, clean(d.o.By)
	return e
}

// take has the part of the story that is under way carried out.
func (d *driver) take() {
	d.plan = d.story.last().Plan
	d.clock = newStepClock(d.plan, d.o.Timer)
	d.beside.giveUp()
	d.elapsed, d.session, d.held, d.heldN = 0, nil, nil, 0
	d.timing.forgetLimits()
}

// calm asks for a pause after the journal failed: what happens from now on
// would not be remembered. That it may fail too is the reason it was asked.
func (d *driver) calm(ctx context.Context) {
	if d.session != nil && d.m.state.live() {
		_ = d.session.Ask(context.WithoutCancel(ctx), Pause)
	}
}

// release ends what the driver started and waits for it.
func (d *driver) release() {
	if d.stopNews != nil {
		d.stopNews()
	}
	d.dismiss()
	d.beside.giveUp()
	d.wg.Wait()
}

// next does one thing: an action that is due, or what the next report,
// request, answer or tick asks for.
func (d *driver) next(ctx context.Context) error {
	if did, err := d.mind(func(e Event) error { return d.emit(ctx, e) }); did || err != nil {
		return err
	}
	if len(d.todo) > 0 {
		a := d.todo[0]
		d.todo = d.todo[1:]
		return d.act(ctx, a)
	}
	if d.held != nil && d.mayReport() {
		n := *d.held
		d.held = nil
		return d.report(ctx, n)
	}
	select {
	case <-ctx.Done():
		return d.leave(ctx)
	case n := <-d.news:
		d.news = nil
		if !d.mayReport() {
			d.held = &n
			return nil
		}
		return d.report(ctx, n)
	case r, ok := <-d.o.Requests:
		if !ok {
			d.o.Requests = nil
			return nil
		}
		return d.request(ctx, r)
	case a := <-d.answers:
		d.dismiss()
		return d.answered(ctx, a)
	case <-d.retry:
		return d.reconnect(ctx)
	case p := <-d.beside.ended:
		return d.performed(ctx, p)
	case <-d.beside.limit:
		d.beside.late()
		return nil
	case <-d.timing.wake:
		d.timing.wake = nil
		return nil
	}
}

// emit takes an event: it changes the state, is journalled, queues what is to
// be done, and is told.
func (d *driver) emit(ctx context.Context, e Event) error {
	before, parts := d.story.copy(), len(d.story.Parts)
	actions, err := d.story.on(e)
	if err != nil {
		return err
	}
	r := Record{Seq: d.seq + 1, At: d.o.Clock.Now(), Event: e}
	if err := d.o.Journal.Append(context.WithoutCancel(ctx), r); err != nil {
		*d.story = before
		return fmt.Errorf("writing the journal: %w", err)
	}
	d.seq++
	d.timing.see(&r)
	if len(d.story.Parts) > parts {
		d.take()
	}
	if _, is := e.(Finished); is {
		d.plan = d.story.last().Plan // of the part that was closed
		d.clock = newStepClock(d.plan, d.o.Timer)
	}
	d.forget()
	if _, is := e.(Grown); is {
		d.grown()
	}
	if d.m.state.Waiting == 0 && d.m.state.Overdue == 0 {
		d.dismiss()
	}
	d.todo = append(d.todo, actions...)
	d.tell(e)
	return nil
}

// forget drops what was due and no longer is: everything of a run that is
// over, and the next batch when the connection is lost before its intent was
// journalled. The machine asks for it again once the device answers.
func (d *driver) forget() {
	if !d.m.state.live() {
		d.todo = d.todo[:0]
	}
	if d.m.state.Lost {
		d.todo = slices.DeleteFunc(d.todo, isIntent)
	}
}

func isIntent(a Action) bool {
	_, ok := a.(JournalIntent)
	return ok
}

func (d *driver) act(ctx context.Context, a Action) error {
	switch a := a.(type) {
	case OpenRun:
		if d.o.Look {
			return d.leave(ctx)
		}
		return d.open(ctx)
	case FindRun:
		return d.findRun(ctx)
	case JournalIntent:
		if d.o.Look {
			return d.leave(ctx)
		}
		if d.m.state.Stage != Ready {
			return nil // asked for twice, by two parts of one report
		}
		return d.emit(ctx, Intended(a))
	case SendBatch:
		return d.send(ctx, a.Batch)
	case AskControl:
		if d.o.Look && a.Control == Pause && d.m.state.live() {
			return d.leave(ctx)
		}
		return d.ask(ctx, a.Control)
	case AskPerson:
		if !d.o.Look {
			d.askPerson(ctx, a)
		}
	case Perform:
		if d.o.Look {
			return d.leave(ctx)
		}
		d.perform(ctx, a.N)
	case GiveUp:
		d.beside.giveUp()
	case Grow:
		if d.o.Look {
			return d.leave(ctx)
		}
		return d.grow(ctx)
	case Await:
		if d.o.Look {
			return d.leave(ctx)
		}
		d.await(ctx)
	case Reconnect:
		return d.lost(ctx)
	case FindStep:
		return d.findStep(ctx, a)
	case Close:
		return d.close(ctx, a.Verdict)
	}
	return nil
}

func (d *driver) job() Job {
	return Job{Run: d.o.Run, Plan: d.stretch(), Fence: d.o.Fence, BatchSteps: d.m.state.Accepted.BatchSteps}
}

func (d *driver) open(ctx context.Context) error {
	d.part(ctx)
	job := d.job()
	job.Later = d.later()
	s, err := d.o.Backend.Open(ctx, job)
	switch {
	case err != nil && ctx.Err() != nil:
		return d.unopened(ctx)
	case err != nil:
		return d.emit(ctx, OpenFailed{KindOf(err), clean(err.Error())})
	}
	d.session = d.of(s)
	return d.emit(ctx, Opened{s.Handle()})
}

// GivenUp is the cause of a context that is done because somebody wants a stop before the
// device has the run.
type GivenUp struct{ By string }

// Error says who.
func (g *GivenUp) Error() string { return "given up by " + g.By }

// unopened is the end of an opening that nobody waits for any longer. Nothing was sent,
// and so who wants a stop has it.
func (d *driver) unopened(ctx context.Context) error {
	var g *GivenUp
	if !errors.As(context.Cause(ctx), &g) {
		return d.emit(ctx, Left{Reason: "while it was being opened"})
	}
	if err := d.emit(ctx, StopAsked{By: clean(g.By), Now: true}); err != nil {
		return err
	}
	return d.emit(ctx, OpenFailed{Halted, "it was stopped while it was being opened"})
}

// part lets go of the run on the device before this one, which is over.
func (d *driver) part(ctx context.Context) {
	if d.session == nil {
		return
	}
	_ = d.session.Close(ctx)
	if d.stopNews != nil {
		d.stopNews()
	}
	d.session, d.news, d.held, d.stopNews = nil, nil, nil, nil
}

func (d *driver) send(ctx context.Context, b Batch) error {
	if ctx.Err() != nil {
		return d.leave(ctx) // the intent stays; whoever goes on will learn that nothing was taken
	}
	b.Steps = d.plan.Steps[b.First-1 : b.Last]
	err := d.session.Send(ctx, b)
	if err == nil {
		return d.emit(ctx, Sent{b.First, b.Last, d.session.Handle()})
	}
	switch k := KindOf(err); k {
	case Rejected, Busy, Halted:
		return d.emit(ctx, Refused{b.First, b.Last, k, clean(err.Error())})
	case Unreachable, Timeout, InDoubt:
	}
	return d.emit(ctx, Lost{clean(err.Error())})
}

func (d *driver) ask(ctx context.Context, c Control) error {
	if d.session == nil {
		return nil
	}
	if err := d.session.Ask(ctx, c); err != nil {
		return d.emit(ctx, AskFailed{c, KindOf(err), clean(err.Error())})
	}
	return nil
}

// close lets go of the session. What it says no longer matters: the run's end
// is known.
func (d *driver) close(ctx context.Context, v Verdict) error {
	if d.session != nil {
		_ = d.session.Close(context.WithoutCancel(ctx))
	}
	return d.emit(ctx, Finished{v})
}
