package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a device that follows a script, and the referee of what happens to
// it: it outlives the sessions, as a robot does.
type bench struct {
	mu       sync.Mutex
	wake     chan struct{} // closed and replaced when something changed
	script   []byte        // one choice per byte; exhausted: all goes well
	plan     *program.Plan
	journal  *run.Memory
	requests chan run.Request
	leave    context.CancelFunc

	opened   bool
	executed []int // how often, by step
	failed   int   // the step that failed
	unknown  int   // the step of which nobody will ever know
	taken    int   // steps up to this were taken
	proved   int   // the step last proven not taken
	final    bool
	pos      int // steps up to this were carried out, or dropped
	reported int // up to this Done was reported
	started  int
	paused   bool
	pausing  bool
	resumed  bool // to be reported
	stopping bool
	ended    run.Status
	said     bool // ended was reported
	dead     bool // the runner's process has crashed
	faults   []string
	world    *world // what is beside the device; nil: nothing
}

func newBench(plan *program.Plan, script []byte) *bench {
	return &bench{wake: make(chan struct{}), script: script, plan: plan, journal: new(run.Memory), requests: make(chan run.Request, 4096), executed: make([]int, len(plan.Steps)+1)}
}

func (b *bench) choose() byte { return next(&b.script) }

func next(script *[]byte) byte {
	if len(*script) == 0 {
		return 255
	}
	c := (*script)[0]
	*script = (*script)[1:]
	return c
}

func (b *bench) changed() {
	close(b.wake)
	b.wake = make(chan struct{})
}

func (b *bench) fault(format string, a ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, a...))
}

var errLost = errors.New("connection lost")

func (b *bench) request(r run.Request) {
	select {
	case b.requests <- r:
	default:
	}
}

func (b *bench) Inspect(context.Context) (run.Device, error) { return run.Device{}, nil }

func (b *bench) Open(context.Context, run.Job) (run.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.dead:
		return nil, errLost
	case b.taken > 0:
		b.fault("opened again after steps were taken")
	case b.choose() == 0:
		return nil, &run.Error{Kind: run.Busy, Message: "somebody else's"}
	}
	b.opened = true
	return &link{b, false}, nil
}

func (b *bench) Reattach(_ context.Context, _ run.Job, h run.Handle) (run.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead || b.choose() < 40 {
		return nil, errLost
	}
	if string(h) == "" {
		b.fault("reattached without a handle")
	}
	for range b.choose() % 4 { // it went on in the meantime
		if !b.paused && b.ended == run.NoStatus {
			b.execute()
		}
	}
	b.started, b.resumed = 0, false
	b.said = false
	return &link{b, false}, nil
}

// execute carries out the next step, unless there is none or it waits.
func (b *bench) execute() {
	switch {
	case b.stopping:
		b.end(run.Stopped)
	case b.pausing && b.started <= b.pos: // between two steps
		b.paused, b.pausing = true, false
	case b.pos < b.taken:
		b.pos++
		b.executed[b.pos]++
		if b.plan.Steps[b.pos-1].Op.Kind == program.Pause {
			b.paused = true
		}
	case b.final:
		b.end(run.Succeeded)
	}
}

func (b *bench) end(s run.Status) { b.ended, b.paused, b.said = s, false, false }

// link is a session.
type link struct {
	*bench
	saidPause bool
}

func (l *link) Handle() run.Handle { return run.Handle(`{"run":"<1>"}`) }

func (l *link) Close(context.Context) error { return nil }

func (l *link) Extend(*program.Plan) {}

func (l *link) Send(_ context.Context, batch run.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errLost
	}
	l.checkIntent(batch)
	switch c := l.choose(); {
	case c < 20:
		return errLost
	case c < 23:
		return &run.Error{Kind: run.Rejected, Message: "no"}
	case l.ended != run.NoStatus:
		return &run.Error{Kind: run.Halted, Message: "the run is over"}
	case c < 50:
		l.take(batch)
		return &run.Error{Kind: run.Timeout, Message: "slow"}
	}
	l.take(batch)
	return nil
}

func (l *link) take(batch run.Batch) {
	for n := l.taken + 1; n < batch.First; n++ { // beside the device
		l.pos, l.reported, l.started = n, n, n
	}
	l.taken, l.final = batch.Last, batch.Final
	l.changed()
}

func (l *link) checkIntent(batch run.Batch) {
	records, _ := l.journal.Read(context.Background())
	last, ok := records[len(records)-1].Event.(run.Intended)
	if !ok || last.Batch.First != batch.First || last.Batch.Last != batch.Last {
		l.fault("sent %d to %d without its intent being the last record", batch.First, batch.Last)
	}
	due := l.taken + 1
	for due <= len(l.plan.Steps) && l.plan.Steps[due-1].Live != nil {
		due++
	}
	if batch.First != due && batch.First != l.proved && len(batch.Steps) > 0 {
		l.fault("sent from %d when %d were taken", batch.First, l.taken)
	}
	if len(batch.Steps) != batch.Last-batch.First+1 || len(batch.Steps) > 0 && batch.Steps[0].N != batch.First {
		l.fault("batch %d to %d has other steps", batch.First, batch.Last)
	}
}

func (l *link) Ask(_ context.Context, c run.Control) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	choice := l.choose()
	if l.dead || choice < 30 {
		return errLost
	}
	switch c {
	case run.Pause, run.Stand:
		l.pausing = !l.paused
	case run.Resume:
		l.resumed = l.paused
		l.paused, l.pausing = false, false
	case run.Stop:
		l.stopping, l.paused = true, false
	}
	l.changed()
	if choice < 60 {
		return &run.Error{Kind: run.Timeout, Message: "slow"}
	}
	return nil
}

func (l *link) Find(_ context.Context, n int) (run.Finding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead || l.choose() < 40 {
		return run.Finding{}, errLost
	}
	switch {
	case n == l.failed:
		return run.Finding{Outcome: run.HasFailed, Evidence: "failed"}, nil
	case n == l.unknown:
		return run.Finding{Evidence: "rebooted"}, nil
	case l.executed[n] > 0 && !(n == l.pos && l.paused && l.isPause(n)):
		return run.Finding{Outcome: run.WasDone}, nil
	case n <= l.taken && l.ended == run.NoStatus:
		return run.Finding{Outcome: run.WasTaken}, nil
	case l.beside(n):
		return run.Finding{Outcome: run.WasNotTaken}, nil
	}
	l.proved = n
	return run.Finding{Outcome: run.WasNotTaken}, nil
}

func (l *link) isPause(n int) bool { return n > 0 && l.plan.Steps[n-1].Op.Kind == program.Pause }

func (l *link) Next(ctx context.Context) (run.Report, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if l.dead {
			return run.Report{}, errLost
		}
		if r, err, ok := l.news(); ok {
			return r, err
		}
		l.request(run.Request{Control: run.Resume}) // a person comes by in the end
		wake := l.wake
		l.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
		}
		l.mu.Lock()
		if ctx.Err() != nil {
			return run.Report{}, ctx.Err()
		}
	}
}

// news lets the script decide what happens next, and what is said of it.
func (l *link) news() (run.Report, error, bool) {
	c := l.choose()
	switch {
	case c < 20:
		return run.Report{}, errLost, true
	case c < 30:
		l.request([]run.Request{{Control: run.Pause}, {Control: run.Resume}, {Control: run.Stop}, {Control: run.Stop, Now: true}}[c%4])
	case c < 33 && l.ended == run.NoStatus && l.opened:
		l.end(run.Stopped) // from the vendor's App
	case c < 36 && l.ended == run.NoStatus && l.pos < l.taken && !l.paused:
		l.pos++
		l.failed = l.pos
		l.end(run.Errored)
		return run.Report{Phase: run.Failed, Step: l.pos, Finding: run.Finding{Evidence: "failed"}}, nil, true
	case c < 38 && l.ended == run.NoStatus && l.pos < l.taken && !l.paused:
		l.pos++
		l.unknown = l.pos
		l.end(run.Stopped)
	case c < 41 && l.leave != nil:
		l.leave()
	case c < 60:
		if !l.paused && l.ended == run.NoStatus {
			l.execute() // unnoticed
		}
	}
	switch {
	case l.ended != run.NoStatus && !l.said:
		l.said = true
		return run.Report{Status: l.ended}, nil, true
	case l.ended != run.NoStatus:
		return run.Report{}, &run.Error{Kind: run.Halted, Message: "the run is gone"}, true
	case l.resumed:
		l.resumed, l.saidPause = false, false
		return run.Report{Status: run.Running}, nil, true
	case l.paused && l.isPause(l.pos) && l.started != l.pos:
		l.started = l.pos
		return run.Report{Phase: run.Started, Step: l.pos}, nil, true
	case l.paused && !l.saidPause:
		l.saidPause = true
		return run.Report{Status: run.Paused}, nil, true
	case l.paused:
		return run.Report{}, nil, false
	case l.pos > l.reported && l.pos != l.failed && l.pos != l.unknown:
		l.reported = l.pos
		return run.Report{Phase: run.Done, Step: l.pos}, nil, true
	case l.started <= l.pos && l.pos < l.taken && !l.stopping && !l.pausing:
		l.started = l.pos + 1
		return run.Report{Phase: run.Started, Step: l.pos + 1}, nil, true
	}
	before := l.pos
	was := l.ended
	l.execute()
	if l.pos != before || l.ended != was || l.paused {
		return l.news()
	}
	return run.Report{}, nil, false
}

// frail is a journal whose process dies at a record.
type frail struct {
	*run.Memory
	bench *bench
	left  int  // records until the crash
	keep  bool // the last record reaches the disk
}

var errCrash = errors.New("crashed")

func (f *frail) Append(ctx context.Context, r ...run.Record) error {
	f.left--
	if f.left == 0 {
		if f.keep {
			_ = f.Memory.Append(ctx, r...)
		}
		f.bench.mu.Lock()
		f.bench.dead = true
		f.bench.mu.Unlock()
		return errCrash
	}
	return f.Memory.Append(ctx, r...)
}

// instant is a clock on which waiting takes no time.
type instant struct {
	mu  sync.Mutex
	now time.Time
}

func (c *instant) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

func (c *instant) After(time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	ch <- c.Now()
	return ch
}

func newInstant() *instant { return &instant{now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)} }

var (
	plate = &program.Labware{Wells: []program.Well{{Name: "A1", MaxNL: 1e6}}}
	rack  = &program.Labware{IsTipRack: true, Wells: []program.Well{{Name: "A1", MaxNL: 3e5}}}
)

func planOf(kinds ...program.Kind) *program.Plan {
	deck := &program.Deck{
		Labware:  []program.Placed{{Name: "plate", Def: plate}, {Name: "tips", Def: rack}},
		Pipettes: []program.Pipette{{Name: "p300", Model: &program.PipetteModel{MaxNL: 3e5}}},
	}
	p := &program.Plan{Workflow: program.Workflow{Name: "test"}, Deck: deck, Fingerprint: "sha256:test"}
	for i, k := range kinds {
		p.Steps = append(p.Steps, program.Step{N: i + 1, Op: program.Op{Kind: k}, Frame: &program.Frame{Label: fmt.Sprint("s", i)}})
	}
	return p
}

func TestRunnerStateMachine(t *testing.T) {
	verdicts := map[run.Verdict]int{}
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.SampledFrom([]program.Kind{program.PickUpTip, program.Aspirate, program.Dispense, program.DropTip, program.Pause, program.Home}), 0, 12).Draw(t, "steps")
		script := rapid.SliceOfN(rapid.Byte(), 0, 120).Draw(t, "script")
		crashes := rapid.SliceOfN(rapid.IntRange(2, 40), 0, 6).Draw(t, "crashes")
		batch := rapid.IntRange(0, 4).Draw(t, "batch")
		keep := rapid.Bool().Draw(t, "keep")
		plan := planOf(kinds...)
		plan.Limits = limits(t, len(kinds), batch)
		b := newBench(plan, script)
		r, err := follow(t, b, batch, crashes, keep)
		judge(t, b, r, err)
		verdicts[r.Verdict]++
	})
	t.Log(verdicts)
}

// follow runs to the end through every crash.
func follow(t *rapid.T, b *bench, batch int, crashes []int, keep bool) (run.Result, error) {
	clock := newInstant()
	for range 300 {
		ctx, cancel := context.WithCancel(context.Background())
		b.mu.Lock()
		b.dead, b.leave = false, cancel
		b.mu.Unlock()
		f := &frail{Memory: b.journal, bench: b, keep: keep}
		if len(crashes) > 0 {
			f.left, crashes = crashes[0], crashes[1:]
		}
		o := run.Options{Run: "r", Plan: b.plan, Backend: b, Journal: f, BatchSteps: batch, Requests: b.requests, Clock: clock}
		if b.world != nil {
			o.Plan, o.Perform, o.Grow = b.world.plan(nil), b.perform, b.grow
		}
		if batch%2 == 0 {
			o.Answer = run.AnswerAtOnce
		}
		r, err := run.Run(ctx, o)
		cancel()
		records, _ := b.journal.Read(context.Background())
		folded, foldErr := fold(records)
		if foldErr != nil {
			t.Fatalf("the journal does not fold: %v", foldErr)
		}
		if errors.Is(err, errCrash) {
			continue
		}
		if diff := cmp.Diff(r.State, folded); diff != "" {
			t.Fatalf("the journal replays to another state:\n%s", diff)
		}
		again, err2 := fold(reread(t, records))
		if diff := cmp.Diff(folded, again); diff != "" || err2 != nil {
			t.Fatalf("the journal changes as JSON: %v\n%s", err2, diff)
		}
		if r.Verdict != run.NoVerdict {
			return r, err
		}
		if !r.State.Left {
			t.Fatalf("returned without a verdict: %v", err)
		}
	}
	t.Fatal("does not end")
	return run.Result{}, nil
}

// limits draws how long steps may take: about as long as the runner looks at the
// clock meanwhile. They are only there where somebody is asked.
func limits(t *rapid.T, steps, batch int) []program.Limit {
	if steps == 0 || batch%2 != 0 {
		return nil
	}
	var out []program.Limit
	first := 1
	for range rapid.IntRange(0, 3).Draw(t, "limits") {
		first = rapid.IntRange(first, steps).Draw(t, "first")
		last := rapid.SampledFrom([]int{0, first, steps}).Draw(t, "last")
		out = append(out, program.Limit{First: first, Last: last, MS: int64(rapid.IntRange(1, 60).Draw(t, "ms"))})
	}
	return out
}

// fold returns the state that events lead to.
func fold(records []run.Record) (run.State, error) {
	var m run.Machine
	for i := range records {
		if _, err := m.On(records[i].Event); err != nil {
			return m.State(), fmt.Errorf("record %d: %w", records[i].Seq, err)
		}
	}
	return m.State(), nil
}

func reread(t *rapid.T, records []run.Record) []run.Record {
	data, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	var out []run.Record
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	// json.Marshal escapes what is raw inside a handle; it means the same
	for i := range out {
		out[i].Event = unescaped(out[i].Event)
	}
	return out
}

func unescaped(e run.Event) run.Event {
	plain := func(h run.Handle) run.Handle {
		if h == nil {
			return nil
		}
		return run.Handle(`{"run":"<1>"}`)
	}
	switch e := e.(type) {
	case run.Opened:
		e.Handle = plain(e.Handle)
		return e
	case run.Sent:
		e.Handle = plain(e.Handle)
		return e
	case run.Reattached:
		e.Handle = plain(e.Handle)
		return e
	}
	return e
}

func judge(t *rapid.T, b *bench, r run.Result, err error) {
	for _, f := range b.faults {
		t.Error(f)
	}
	for n, times := range b.executed {
		if times > 1 && !b.again(n) {
			t.Errorf("step %d happened %d times", n, times)
		}
	}
	for n := 1; n <= r.Done; n++ {
		if b.executed[n] != 1 && !b.beside(n) {
			t.Errorf("step %d counts as done and was not", n)
		}
	}
	if r.Verdict != run.VerdictDoubt && r.Done < len(b.plan.Steps) && b.executed[r.Done+1] != 0 && !b.again(r.Done+1) && r.CutOff != r.Done+1 && (r.State.Failure == nil || r.State.Failure.Step != r.Done+1) {
		t.Errorf("step %d was carried out and is not known", r.Done+1)
	}
	if b.taken > 0 && b.ended == run.NoStatus && r.Verdict != run.VerdictDoubt {
		t.Errorf("%v, and the device has not ended the run", r.Verdict)
	}
	if b.unknown != 0 && (r.Verdict != run.VerdictDoubt || r.Doubt.First > b.unknown || r.Doubt.Last < b.unknown) {
		t.Errorf("nobody can know about step %d, and the runner says %v, in doubt %v", b.unknown, r.Verdict, r.Doubt)
	}
	switch r.Verdict {
	case run.VerdictOK:
		if r.Done != len(b.plan.Steps) || b.moves() && b.ended != run.Succeeded || err != nil {
			t.Errorf("ok with %d of %d steps, device %v, error %v", r.Done, len(b.plan.Steps), b.ended, err)
		}
	case run.VerdictStopped:
		if b.taken > 0 && b.ended != run.Stopped || err != nil { // a device that has begun nothing ends nothing
			t.Errorf("stopped, and the device says %v, error %v", b.ended, err)
		}
	case run.VerdictFailed, run.VerdictDoubt:
		var e *run.Error
		if !errors.As(err, &e) {
			t.Errorf("%v without an error: %v", r.Verdict, err)
		}
		if r.Verdict == run.VerdictDoubt && b.unknown == 0 && !(b.beside(r.Doubt.First) && !b.again(r.Doubt.First)) && b.ended != run.Stopped && b.ended != run.Errored && b.ended != run.Succeeded {
			t.Errorf("in doubt where all could be known: %v", err)
		}
	case run.NoVerdict:
	}
}

func TestStops(t *testing.T) {
	const pick, asp, disp, drop, home = program.PickUpTip, program.Aspirate, program.Dispense, program.DropTip, program.Home
	tests := map[string]struct {
		plan  *program.Plan
		at    int // the step during which the stop is asked for
		twice bool
		done  int // steps done in the end; a stop at once may cut the last one off
	}{
		"at the next step without a tip":     {planOf(pick, asp, disp, drop, pick, asp, disp, drop), 2, false, 4},
		"while no tip is on":                 {planOf(home, home, pick, asp, disp, drop), 1, false, 1},
		"at once when asked twice":           {planOf(pick, asp, disp, drop, home), 2, true, 2},
		"where the tip stays on to the end":  {planOf(pick, asp, disp, asp, disp), 2, false, 2},
		"during the step that drops the tip": {planOf(pick, asp, disp, drop, home), 4, false, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(tt.plan, nil)
			o := run.Options{Plan: tt.plan, Backend: b, Journal: b.journal, Clock: newInstant()}
			requests := make(chan run.Request)
			o.Requests = requests
			gate := make(chan struct{})
			o.Observe = []func(run.Event, run.Progress){func(e run.Event, _ run.Progress) {
				if s, ok := e.(run.StepStarted); ok && s.N == tt.at {
					b.mu.Lock() // the device stands still until the requests are taken
					close(gate)
				}
			}}
			go func() {
				<-gate
				requests <- run.Request{Control: run.Stop, By: "test"}
				if tt.twice {
					requests <- run.Request{Control: run.Stop, By: "test"}
				}
				b.mu.Unlock()
			}()
			r, err := run.Run(context.Background(), o)
			if err != nil || r.Verdict != run.VerdictStopped && r.Done != len(tt.plan.Steps) {
				t.Fatal(r.Verdict, err)
			}
			if r.Done != tt.done && !(tt.twice && r.Done == tt.done-1) {
				t.Errorf("%d steps done, want %d", r.Done, tt.done)
			}
		})
	}
}

// What a device did before the connection was lost is not what it does now: one
// that was paused may have been let go on by somebody, and a stop would cut off
// what it is at.
func TestStopAfterSilence(t *testing.T) {
	var m run.Machine
	on := func(e run.Event) []run.Action {
		t.Helper()
		actions, err := m.On(e)
		if err != nil {
			t.Fatal(err)
		}
		return actions
	}
	stops := func(actions []run.Action) bool {
		return slices.Contains(actions, run.Action(run.AskControl{Control: run.Stop}))
	}
	batch := run.Batch{First: 1, Last: 3, Final: true}
	for _, e := range []run.Event{
		run.Accepted{Run: "r", Steps: 3},
		run.Opened{},
		run.Intended{Batch: batch},
		run.Sent{First: 1, Last: 3},
		run.StepStarted{N: 1},
		run.Halting{Status: run.Paused},
		run.Lost{},
		run.StopAsked{After: 3},
		run.Regained{},
	} {
		on(e)
	}
	if stops(on(run.StepTaken{N: 1})) {
		t.Error("stopped while nobody knows whether it stands still")
	}
	if !stops(on(run.Halting{Status: run.Paused})) {
		t.Error("not stopped while it stands still")
	}
}

func TestErrorsNameTheStep(t *testing.T) {
	plan := planOf(program.PickUpTip, program.Aspirate)
	// open, send, started 1, done 1, started 2, then failure
	b := newBench(plan, []byte{255, 255, 255, 255, 255, 255, 34})
	_, err := run.Run(context.Background(), run.Options{Plan: plan, Backend: b, Journal: b.journal, Clock: newInstant()})
	var e *run.Error
	if !errors.As(err, &e) || e.Kind != run.Halted || e.Step == 0 || e.ID == "" {
		t.Fatalf("%#v", err)
	}
}

func TestPatienceEnds(t *testing.T) {
	plan := planOf(program.Home)
	b := newBench(plan, append([]byte{255, 255}, slices.Repeat([]byte{0}, 10_000)...))
	r, err := run.Run(context.Background(), run.Options{Plan: plan, Backend: b, Journal: b.journal, Clock: newInstant(), Patience: time.Second})
	if err == nil || !r.State.Left || run.KindOf(err) != run.Unreachable {
		t.Fatal(r, err)
	}
}

func TestAnotherPlanIsRefused(t *testing.T) {
	plan := planOf(program.Home)
	b := newBench(plan, nil)
	if _, err := run.Run(context.Background(), run.Options{Plan: plan, Backend: b, Journal: b.journal}); err != nil {
		t.Fatal(err)
	}
	_, err := run.Run(context.Background(), run.Options{Plan: planOf(program.Home, program.Home), Backend: b, Journal: b.journal})
	if run.KindOf(err) != run.Rejected {
		t.Fatal(err)
	}
}

func TestFinishedRunIsNotRepeated(t *testing.T) {
	plan := planOf(program.Home)
	b := newBench(plan, nil)
	for range 2 {
		r, err := run.Run(context.Background(), run.Options{Plan: plan, Backend: b, Journal: b.journal})
		if err != nil || r.Verdict != run.VerdictOK || b.executed[1] != 1 {
			t.Fatal(r, err, b.executed)
		}
	}
}
