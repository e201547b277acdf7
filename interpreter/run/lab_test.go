package run_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing/synctest"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// lab is the model: a robot, the cable to it, and people. Whatever happens in
// it happens because the property under test says so, and what the runner is
// told of it is what was so at that moment. It outlives runners.
type lab struct {
	mu      sync.Mutex
	wake    chan struct{} // closed and replaced when whoever waits for news is to look
	told    int           // how often news was heard
	journal *run.Memory
	plant   *plant // the deck
	faults  []string

	cable    bool   // plugged in
	trouble  string // a request that changes something is to be lost "before" or "after" it is done
	spared   int    // how many such requests go well before that
	eager    int    // how much the robot gets on before anybody notices that there is no answer
	has      bool   // the robot has a run
	id       int    // of it
	over     run.Status
	gone     bool // it was restarted in the middle of it
	until    int  // and remembers that it came no further than this; 0: nothing
	standing string
	taken    int // steps up to this one were taken
	queued   int // steps up to this one are in its queue, and it stands before them
	final    bool
	pos      int // steps up to this one are done
	begun    int // the step under way; 0: none
	failed   int // the step that did not end well
	agreed   bool
	pausing  bool
	stopping bool
	said     run.Status // the last status that was reported
}

// How a robot stands that has a run which is not over.
const (
	moving    = "moving"
	paused    = "paused"
	doorIsOpn = "door open"
)

func newLab(p *plant) *lab {
	return &lab{wake: make(chan struct{}), journal: new(run.Memory), plant: p, cable: true}
}

// look has whoever waits for news look for it, and reports whether there was any.
// Nothing is looked at before: at a moment that the property does not choose, the
// runner would be asking for something too, and which of the two comes first would
// be another every time.
func (l *lab) look() bool {
	synctest.Wait()
	l.mu.Lock()
	before := l.told
	close(l.wake)
	l.wake = make(chan struct{})
	l.mu.Unlock()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told > before
}

func (l *lab) fault(format string, a ...any) { l.faults = append(l.faults, fmt.Sprintf(format, a...)) }

// step has the robot get on a little, and reports whether there was anything to
// do. half says whether a step that is cut off happened.
func (l *lab) step(half bool) bool {
	switch {
	case !l.has || l.over != run.NoStatus || l.gone || l.taken == 0:
		return false
	case l.stopping:
		l.cutOff(half)
		l.end(run.Stopped)
	case l.standing != moving:
		return false
	case l.begun > 0 && l.waits(l.begun) && !l.agreed:
		l.standing = paused
	case l.begun > 0:
		l.plant.do(l.begun)
		l.pos, l.begun, l.agreed = l.begun, 0, false
	case l.pausing:
		l.standing, l.pausing = paused, false
	case l.pos < l.taken:
		l.begun = l.pos + 1
	case l.final:
		l.end(run.Succeeded)
	default:
		return false
	}
	return true
}

func (l *lab) waits(n int) bool { return l.plant.plan.Steps[n-1].Op.Kind.Waits() }

func (l *lab) cutOff(half bool) {
	if l.begun == 0 {
		return
	}
	if half {
		l.plant.do(l.begun)
	}
	l.failed = l.begun
}

func (l *lab) end(how run.Status) { l.over = how; l.plant.end(how) }

// fail has the step under way fail.
func (l *lab) fail(half bool) bool {
	if l.begun == 0 || l.over != run.NoStatus || l.gone || l.standing != moving {
		return false
	}
	l.cutOff(half)
	l.end(run.Errored)
	return true
}

// reboot takes the power away. A robot remembers runs that were over.
func (l *lab) reboot(half, tells bool) bool {
	if !l.has || l.over != run.NoStatus || l.gone {
		return false
	}
	if l.begun > 0 && half {
		l.plant.do(l.begun)
	}
	l.gone = true
	if tells {
		l.until = max(l.pos, l.begun)
	}
	l.plant.end(run.Gone)
	return true
}

// forgot is the error of asking for a run that the robot has forgotten.
func (l *lab) forgot() error {
	return &run.Error{Kind: run.Halted, Message: "no such run", Until: l.until}
}

// press is a button of the vendor's App, or a request that does the same.
func (l *lab) press(c run.Control) error {
	switch {
	case !l.has || l.over != run.NoStatus || l.gone || l.taken == 0:
		return &run.Error{Kind: run.Rejected, Message: "nothing is under way"}
	case c == run.Stop:
		l.stopping = true
	case (c == run.Pause || c == run.Stand) && l.standing == moving:
		l.pausing = true
	case c == run.Resume && l.standing == doorIsOpn:
		return &run.Error{Kind: run.Rejected, Message: "the door is open"}
	case c == run.Resume:
		l.pausing = false
		if l.standing == paused {
			l.standing, l.agreed = moving, l.begun > 0 && l.waits(l.begun)
		}
	}
	return nil
}

// wire is a session of one runner: it is cut when that has crashed.
type wire struct {
	*lab
	id   int
	dead *bool

	reported int // steps up to this one were reported
	started  int
	status   run.Status
	failed   bool // that a step failed was reported
}

// backend is the lab as one runner sees it.
type backend struct {
	*lab
	dead *bool
}

func (b backend) Inspect(context.Context) (run.Device, error) { return run.Device{}, nil }

// hears reports how a request that changes something goes: whether it is done,
// and whether there is an answer.
func (l *lab) hears(dead *bool) (done, answered bool) {
	if *dead || !l.cable {
		return false, false
	}
	if l.trouble != "" && l.spared > 0 {
		l.spared--
		return true, true
	}
	trouble := l.trouble
	l.trouble = ""
	return trouble != "before", trouble == ""
}

// unheard is the end of a request that was done and to which nobody hears the
// answer.
func (l *lab) unheard() error {
	for range l.eager {
		l.step(true)
	}
	return errLost
}

func (b backend) Open(ctx context.Context, job run.Job) (run.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if done, answered := b.hears(b.dead); !done || !answered {
		return nil, errLost // a run that was prepared and nobody knows of is never begun
	}
	if b.has && b.over == run.NoStatus && !b.gone && b.taken > 0 {
		b.fault("opened while another part is under way")
		return nil, &run.Error{Kind: run.Busy, Message: "busy"}
	}
	if _, err := b.plant.Open(ctx, job); err != nil {
		return nil, err
	}
	l := b.lab
	l.id++
	l.has, l.over, l.gone, l.until, l.standing = true, run.NoStatus, false, 0, moving
	l.taken, l.queued, l.final, l.pos, l.begun, l.failed = 0, 0, false, 0, 0, 0
	l.agreed, l.pausing, l.stopping, l.said = false, false, false, run.NoStatus
	return &wire{lab: l, id: l.id, dead: b.dead}, nil
}

func (b backend) Reattach(_ context.Context, _ run.Job, h run.Handle) (run.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := &wire{lab: b.lab, dead: b.dead}
	if _, err := fmt.Sscan(string(h), &w.id); err != nil {
		b.fault("the handle is %q", h)
	}
	switch {
	case *b.dead || !b.cable:
		return nil, errLost
	case b.gone || w.id != b.id:
		return nil, b.forgot()
	}
	return w, nil
}

func (w *wire) Handle() run.Handle { return run.Handle(fmt.Sprint(w.id)) }

func (w *wire) Close(context.Context) error { return nil }

// Extend has nothing to do: what is sent comes with its steps.
func (w *wire) Extend(*program.Plan) {}

func (w *wire) Send(_ context.Context, batch run.Batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checkIntent(batch)
	done, answered := w.hears(w.dead)
	switch {
	case !done:
		w.queued = max(w.queued, batch.Last)
		return errLost
	case w.queued > batch.Last:
		w.lab.fault("steps %d to %d are sent, and the robot has those up to %d in its queue", batch.First, batch.Last, w.queued)
	}
	switch {
	case w.gone || w.over != run.NoStatus:
		return &run.Error{Kind: run.Halted, Message: "the run is over"}
	case batch.First != w.taken+1:
		w.lab.fault("steps %d to %d are sent, and %d were taken", batch.First, batch.Last, w.taken)
		return &run.Error{Kind: run.Rejected, Message: "no"}
	}
	w.taken, w.final = batch.Last, batch.Final
	if !answered {
		return w.unheard()
	}
	return nil
}

// checkIntent: what is sent is the last thing that was journalled.
func (w *wire) checkIntent(batch run.Batch) {
	records, _ := w.journal.Read(context.Background())
	last, ok := records[len(records)-1].Event.(run.Intended)
	if !*w.dead && (!ok || last.Batch.First != batch.First || last.Batch.Last != batch.Last) {
		w.lab.fault("steps %d to %d are sent, and the last record is %v", batch.First, batch.Last, records[len(records)-1].Event)
	}
}

func (w *wire) Ask(_ context.Context, c run.Control) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checkStop(c)
	done, answered := w.hears(w.dead)
	if !done {
		return errLost
	}
	err := w.press(c)
	if !answered {
		return w.unheard()
	}
	return err
}

// checkStop: nothing is cut off, unless a stop was to be at once.
func (w *wire) checkStop(c run.Control) {
	records, _ := w.journal.Read(context.Background())
	state, err := fold(records)
	if c == run.Stop && w.begun > 0 && !w.waits(w.begun) && w.standing == moving && !*w.dead && (err != nil || state.StopAt > 0) {
		w.lab.fault("step %d is cut off by a stop that had time: %v", w.begun, err)
	}
}

func (w *wire) Find(_ context.Context, n int) (run.Finding, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = run.NoStatus
	switch {
	case *w.dead || !w.cable:
		return run.Finding{}, errLost
	case w.gone || w.lab.id != w.id:
		return run.Finding{}, w.forgot()
	case n == w.lab.failed:
		return run.Finding{Outcome: run.HasFailed, Evidence: "failed"}, nil
	case n <= w.pos:
		return run.Finding{Outcome: run.WasDone}, nil
	case n <= w.taken && w.over == run.NoStatus:
		return run.Finding{Outcome: run.WasTaken}, nil
	}
	return run.Finding{Outcome: run.WasNotTaken}, nil
}

func (w *wire) Next(ctx context.Context) (run.Report, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		wake := w.wake
		w.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
		}
		w.mu.Lock()
		r, err, ok := w.hearNews(ctx)
		if ok {
			w.told++
			return r, err
		}
	}
}

func (w *wire) hearNews(ctx context.Context) (run.Report, error, bool) {
	switch {
	case ctx.Err() != nil:
		return run.Report{}, ctx.Err(), true
	case *w.dead || !w.cable:
		return run.Report{}, errLost, true
	case w.gone || w.lab.id != w.id:
		return run.Report{}, w.forgot(), true
	}
	r, ok := w.news()
	if r.Status != run.NoStatus {
		w.said = r.Status
	}
	return r, nil, ok
}

// news is what has not been reported yet, in order.
func (w *wire) news() (run.Report, bool) {
	switch is := w.stands(); {
	case w.reported < w.pos:
		w.reported++
		return run.Report{Phase: run.Done, Step: w.reported}, true
	case w.lab.failed > 0 && !w.failed:
		w.failed = true
		return run.Report{Phase: run.Failed, Step: w.lab.failed, Finding: run.Finding{Outcome: run.HasFailed, Evidence: "failed"}}, true
	case w.begun > 0 && w.started != w.begun:
		w.started = w.begun
		return run.Report{Phase: run.Started, Step: w.begun}, true
	case is != w.status:
		w.status = is
		return run.Report{Status: is}, true
	}
	return run.Report{}, false
}

func (l *lab) stands() run.Status {
	switch {
	case l.over != run.NoStatus:
		return l.over
	case l.taken == 0:
		return run.NoStatus
	case l.standing == paused:
		return run.Paused
	case l.standing == doorIsOpn:
		return run.DoorOpen
	}
	return run.Running
}

// hear holds what is told against what was so: nothing is said to have
// happened, to stand or to have ended that the robot has not said.
func (l *lab) hear(e run.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	records, _ := l.journal.Read(context.Background())
	if last := records[len(records)-1].Event; last.Kind() != e.Kind() {
		l.fault("%s is told before it is journalled", e.Kind())
	}
	switch e := e.(type) {
	case run.StepDone:
		if e.N > l.pos {
			l.fault("step %d is told to be done, and the robot has done %d", e.N, l.pos)
		}
	case run.StepFailed:
		if e.N != l.failed {
			l.fault("step %d is told to have failed", e.N)
		}
	case run.NotTaken:
		if e.First <= l.pos || e.First <= l.taken && l.over == run.NoStatus {
			l.fault("step %d is told not to have been taken", e.First)
		}
	case run.Halting:
		if l.said != e.Status {
			l.fault("the robot is told to be %v, and has said %v", e.Status, l.said)
		}
	case run.Ended:
		if e.Status == run.Gone && !l.gone || e.Status != run.Gone && (l.over != e.Status || l.said != e.Status) {
			l.fault("the run is told to have %v; it has %v, and the robot has said %v", e.Status, l.over, l.said)
		}
	case run.Doubted:
		if !l.gone {
			l.fault("steps %d to %d are in doubt, and the robot knows", e.First, e.Last)
		}
	case run.Finished:
		if e.Verdict == run.VerdictStopped && l.over != run.Stopped && l.taken > 0 || e.Verdict == run.VerdictOK && l.over != run.Succeeded {
			l.fault("the run is told to be %v, and the robot has ended it %v", e.Verdict, l.over)
		}
	}
}

// truth is the last step that happened of the part that did what the plan says.
func (l *lab) truth() int {
	if l.plant.closing {
		return l.plant.was
	}
	return l.plant.truth
}

var (
	_ run.Backend = backend{}
	_ run.Session = (*wire)(nil)
)

// wrong returns what should not be.
func (l *lab) wrong() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Concat(l.faults, l.plant.faults)
}
