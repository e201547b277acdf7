package run

import (
	"context"
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

// mayReport reports whether reports can be taken in order now.
func (d *driver) mayReport() bool {
	s := &d.m.state
	return !s.Lost && (s.Stage == Ready || s.Stage == Following || s.Stage == Performing)
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

func (d *driver) tell(e Event) {
	if len(d.o.Observe) == 0 {
		return
	}
	p := d.progress(e)
	for _, f := range d.o.Observe {
		f(e, p)
	}
}

func (d *driver) progress(e Event) Progress {
	s := &d.m.state
	p := Progress{Plan: d.plan, N: max(s.Done, s.Current), Total: s.Accepted.Steps, ElapsedMS: d.elapsed}
	if f, ok := e.(StepFailed); ok {
		p.N = f.N
	}
	if p.N > 0 {
		p.Well = d.plan.Deck.WellName(wellOf(&d.plan.Steps[p.N-1].Op))
	}
	p.RemainingMS = d.clock.remaining(s.Done) / 1000
	if o := d.plan.Outlook; o != nil {
		p.Open = true
		p.Total += max(0, o.Steps-len(d.story.Plan.Steps))
		p.RemainingMS += max(0, o.EstimateMS-d.story.Plan.EstimateMS)
	}
	return p
}

// wellOf returns the well of an operation, or None.
func wellOf(op *program.Op) program.WellRef {
	if op.Kind.Info().Fields&program.HasWell == 0 || op.Trash {
		return program.None
	}
	return op.Well
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
		return d.ask(ctx, a.Control)
	case AskPerson:
		d.askPerson(ctx, a)
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
		d.retries, d.lostAt = 0, d.o.Clock.Now()
		d.retryLater()
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
		return d.emit(ctx, Left{Reason: "while it was being opened"})
	case err != nil:
		return d.emit(ctx, OpenFailed{KindOf(err), clean(err.Error())})
	}
	d.session = d.of(s)
	return d.emit(ctx, Opened{s.Handle()})
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

func (d *driver) findRun(ctx context.Context) error {
	s, err := d.o.Backend.Reattach(ctx, d.job(), d.m.state.Handle)
	switch {
	case err == nil:
		d.session = d.of(s)
		return d.emit(ctx, Reattached{s.Handle()})
	case KindOf(err) == Halted:
		return d.gone(ctx, err)
	case d.m.state.Lost:
		return d.again(ctx)
	}
	return d.emit(ctx, Lost{clean(err.Error())})
}

// gone ends a run that the device no longer knows.
func (d *driver) gone(ctx context.Context, err error) error {
	if d.m.state.Ended != NoStatus {
		s := &d.m.state
		return d.emit(ctx, Doubted{First: s.Done + 1, Last: s.Batch.Last, Evidence: clean(err.Error())})
	}
	return d.emit(ctx, Ended{Status: Gone, Reason: clean(err.Error())})
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

func (d *driver) askPerson(ctx context.Context, a AskPerson) {
	d.dismiss()
	if d.o.Answer == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	answers := make(chan answer, 1)
	d.answers, d.stopAsk = answers, cancel
	q := Question{N: a.N, ID: d.plan.Steps[a.N-1].ID(), Text: a.Text}
	d.wg.Go(func() {
		c, err := d.o.Answer(ctx, q)
		answers <- answer{c, err}
	})
}

// dismiss lets a person who is being asked off; a late answer is not heard.
func (d *driver) dismiss() {
	if d.stopAsk != nil {
		d.stopAsk()
	}
	d.answers, d.stopAsk = nil, nil
}

func (d *driver) answered(ctx context.Context, a answer) error {
	switch {
	case d.m.state.Waiting == 0 && d.m.state.Overdue == 0:
		return nil
	case a.err == nil && a.control == Resume:
		return d.emit(ctx, ResumeAsked{By: "answer"})
	case a.err == nil && a.control != Stop:
		return nil
	}
	return d.emit(ctx, StopAsked{By: "answer", Now: true})
}

func (d *driver) await(ctx context.Context) {
	if d.news != nil || d.held != nil || d.session == nil || !d.m.state.live() {
		return
	}
	if d.stopNews != nil {
		d.stopNews()
	}
	ctx, cancel := context.WithCancel(ctx)
	got := make(chan news, 1)
	d.news, d.stopNews = got, cancel
	session := d.session
	d.wg.Go(func() {
		r, err := session.Next(ctx)
		got <- news{r, err}
	})
}

func (d *driver) request(ctx context.Context, r Request) error {
	s := &d.m.state
	switch r.Control {
	case Pause:
		if r.Now || s.Hold {
			return d.emit(ctx, PauseAsked{By: clean(r.By), Now: true})
		}
		return d.emit(ctx, PauseAsked{By: clean(r.By), After: d.pauseAfter()})
	case Resume:
		return d.emit(ctx, ResumeAsked{clean(r.By)})
	case Stop:
		if r.Now || s.Stop {
			return d.emit(ctx, StopAsked{By: clean(r.By), Now: true})
		}
		return d.emit(ctx, StopAsked{By: clean(r.By), After: d.stopAfter()})
	}
	return nil
}

func (d *driver) stopAfter() int {
	return stopPoint(d.plan, d.clock, d.m.state.Done, d.hasBegun(), d.within())
}

func (d *driver) pauseAfter() int {
	return pausePoint(d.plan, d.clock, d.m.state.Done, d.hasBegun(), d.within())
}

// hasBegun reports whether the next step may be under way.
func (d *driver) hasBegun() bool {
	s := &d.m.state
	return s.Stage == Following || s.Stage == Intending || s.Stage == Seeking
}

// within is how far away a good place may be, in µs; 0 is any number of steps.
func (d *driver) within() int64 {
	if d.o.Timer == nil {
		return 0
	}
	return d.o.StopWithin.Microseconds()
}

// report turns a report into events. One that tells of a later step than is
// due is held until it is known what became of those before it.
func (d *driver) report(ctx context.Context, n news) error {
	if n.err != nil {
		return d.silence(ctx, n.err)
	}
	r := &n.report
	d.elapsed = max(d.elapsed, r.RobotMS)
	s := &d.m.state
	late := r.Step > s.Done+1 && r.Phase != NoStep && s.Outstanding()
	if late && d.heldN == s.Done+1 {
		return d.emit(ctx, Doubted{First: s.Done + 1, Last: min(r.Step-1, s.Batch.Last), Evidence: fmt.Sprintf("the device is at step %d, and does not know what became of step %d", r.Step, s.Done+1)})
	}
	if late {
		d.held, d.heldN = &n, s.Done+1
		return d.emit(ctx, Behind{})
	}
	d.heldN = 0
	if err := d.step(ctx, r); err != nil {
		return err
	}
	if err := d.status(ctx, r.Status, r.Reason); err != nil {
		return err
	}
	d.keepAwaiting(ctx)
	return nil
}

// keepAwaiting goes on waiting after a report that said nothing new.
func (d *driver) keepAwaiting(ctx context.Context) {
	if len(d.todo) == 0 && d.mayReport() {
		d.await(ctx)
	}
}

func (d *driver) silence(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil: // it is why there is no report
		return d.leave(ctx)
	case KindOf(err) == Halted:
		return d.gone(ctx, err)
	}
	return d.emit(ctx, Lost{clean(err.Error())})
}

func (d *driver) leave(ctx context.Context) error {
	return d.emit(ctx, Left{Reason: "nobody wants to follow it any longer"})
}

func (d *driver) step(ctx context.Context, r *Report) error {
	s := &d.m.state
	if r.Phase == NoStep || !s.isNext(r.Step) || s.Stage != Following {
		return nil // known already
	}
	switch r.Phase {
	case Started:
		if s.Current == r.Step {
			return nil
		}
		return d.started(ctx, r.Step)
	case Done:
		return d.emit(ctx, StepDone{N: r.Step, Evidence: clean(r.Finding.Evidence)})
	case Failed:
		return d.emit(ctx, StepFailed{N: r.Step, Evidence: clean(r.Finding.Evidence)})
	case NoStep:
	}
	return nil
}

func (d *driver) started(ctx context.Context, n int) error {
	if err := d.emit(ctx, StepStarted{n}); err != nil {
		return err
	}
	step := &d.plan.Steps[n-1]
	if !step.Op.Kind.Waits() {
		return nil
	}
	text := step.Text
	if step.Op.Kind == program.MoveLabware {
		text = program.MoveText(d.plan.Deck, d.plan.Steps, n)
	}
	return d.emit(ctx, Waiting{n, clean(text)})
}

func (d *driver) status(ctx context.Context, status Status, reason string) error {
	s := &d.m.state
	switch status {
	case Running:
		if s.live() && s.Halted != NoStatus {
			return d.emit(ctx, Resumed{})
		}
	case Paused, DoorOpen:
		if s.live() && s.Halted != status {
			return d.emit(ctx, Halting{status})
		}
	case Succeeded, Errored, Stopped, Gone:
		if s.live() && s.Ended == NoStatus {
			return d.emit(ctx, Ended{Status: status, Reason: clean(reason)})
		}
	case NoStatus:
	}
	return nil
}

// retryLater sets the time of the next attempt to reach the device: half a
// second at first, up to ten.
func (d *driver) retryLater() {
	wait := min(500*time.Millisecond<<min(d.retries, 10), 10*time.Second)
	d.retries++
	d.retry = d.o.Clock.After(wait)
}

// reconnect tries whether the device answers. It only reads.
func (d *driver) reconnect(ctx context.Context) error {
	d.retry = nil
	s := &d.m.state
	if !s.Lost {
		return nil
	}
	if d.session == nil {
		return d.findRun(ctx)
	}
	_, err := d.session.Find(ctx, max(s.Base+1, min(s.Done+1, s.end())))
	switch {
	case err == nil:
		return d.emit(ctx, Regained{})
	case KindOf(err) == Halted:
		return d.gone(ctx, err)
	}
	return d.again(ctx)
}

func (d *driver) again(ctx context.Context) error {
	if d.o.Patience > 0 && d.o.Clock.Now().Sub(d.lostAt) >= d.o.Patience {
		return d.emit(ctx, Left{Reason: "the device did not answer for " + d.o.Patience.String()})
	}
	d.retryLater()
	return nil
}

func (d *driver) findStep(ctx context.Context, a FindStep) error {
	if d.m.state.Batch.Live {
		return d.findBeside(ctx, a.N)
	}
	f, err := d.session.Find(ctx, a.N)
	switch {
	case err != nil && KindOf(err) == Halted:
		return d.gone(ctx, err)
	case err != nil:
		return d.emit(ctx, Lost{clean(err.Error())})
	}
	evidence := clean(f.Evidence)
	switch f.Outcome {
	case WasDone:
		return d.emit(ctx, StepDone{N: a.N, Found: true, Evidence: evidence})
	case HasFailed:
		return d.emit(ctx, StepFailed{N: a.N, Found: true, Evidence: evidence})
	case WasTaken:
		return d.emit(ctx, StepTaken{N: a.N, Evidence: evidence})
	case WasNotTaken:
		return d.emit(ctx, NotTaken{First: a.N, Last: a.Last, Evidence: evidence})
	case Unknown:
	}
	return d.emit(ctx, Doubted{First: a.N, Last: d.lastInDoubt(ctx, a), Evidence: evidence})
}

// lastInDoubt returns how far the doubt about step a.N reaches: devices work
// in order, so proof that the next was not taken ends it.
func (d *driver) lastInDoubt(ctx context.Context, a FindStep) int {
	if a.N == a.Last {
		return a.N
	}
	f, err := d.session.Find(ctx, a.N+1)
	if err == nil && f.Outcome == WasNotTaken {
		return a.N
	}
	return a.Last
}

// close lets go of the session. What it says no longer matters: the run's end
// is known.
func (d *driver) close(ctx context.Context, v Verdict) error {
	if d.session != nil {
		_ = d.session.Close(context.WithoutCancel(ctx))
	}
	return d.emit(ctx, Finished{v})
}
