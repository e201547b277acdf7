package run_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// life is a run and everything that may happen to it, in any order: what a
// property draws are the methods that begin with a capital letter.
type life struct {
	lab      *lab
	plan     *program.Plan
	batch    int
	runner   *runner // nil: nobody follows the run
	requests chan run.Request
	counts   map[string]int
}

// runner is a process that follows the run.
type runner struct {
	cancel context.CancelFunc
	dead   bool
	done   chan struct{}
	result run.Result
	err    error
}

// mortal is the journal of a runner, which writes nothing after a crash.
type mortal struct {
	*run.Memory
	lab  *lab
	dead *bool
}

func (m mortal) Append(ctx context.Context, records ...run.Record) error {
	m.lab.mu.Lock()
	dead := *m.dead
	m.lab.mu.Unlock()
	if dead {
		return errCrash
	}
	return m.Memory.Append(ctx, records...)
}

func (l *life) start(rest *run.Rest) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &runner{cancel: cancel, done: make(chan struct{})}
	l.runner, l.requests = r, make(chan run.Request, 100)
	o := run.Options{
		Run: "r", Plan: l.plan, Backend: backend{l.lab, &r.dead}, Journal: mortal{l.lab.journal, l.lab, &r.dead}, BatchSteps: l.batch, Rest: rest, By: "Ada",
		Requests: l.requests, Observe: []func(run.Event, run.Progress){func(e run.Event, _ run.Progress) { l.lab.hear(e) }},
	}
	go func() {
		defer close(r.done)
		r.result, r.err = run.Run(ctx, o)
	}()
}

// settle lets the runner hear everything there is to hear.
func (l *life) settle() {
	for l.lab.look() {
	}
}

// ended takes leave of a runner that has come to its end.
func (l *life) ended() {
	if l.runner == nil {
		return
	}
	select {
	case <-l.runner.done:
		l.runner.cancel()
		l.runner = nil
	default:
	}
}

// story is what the journal tells, as it would be read from a disk.
func (l *life) story(t *rapid.T) *run.Story {
	records, _ := l.lab.journal.Read(context.Background())
	story, err := run.Tell(l.plan, jsonRound(t, records))
	if err != nil {
		t.Fatalf("the journal does not fold: %v", err)
	}
	return story
}

func (l *life) count(what string) { l.counts[what]++ }

// do is an action in the lab, which is skipped where it makes no sense.
func (l *life) do(t *rapid.T, what string, f func() bool) {
	l.lab.mu.Lock()
	ok := f()
	l.lab.mu.Unlock()
	if !ok {
		t.Skip("not now")
	}
	l.count(what)
}

func (l *life) RobotSteps(t *rapid.T) {
	n := rapid.IntRange(1, 12).Draw(t, "steps")
	half := rapid.Bool().Draw(t, "half")
	l.do(t, "step", func() bool { return l.lab.step(half) })
	for range n - 1 {
		if l.settle(); !l.again(half) {
			return
		}
	}
}

func (l *life) again(half bool) bool {
	l.lab.mu.Lock()
	defer l.lab.mu.Unlock()
	return l.lab.step(half)
}

func (l *life) RobotFails(t *rapid.T) {
	half := rapid.Bool().Draw(t, "half")
	l.do(t, "fail", func() bool { return l.lab.fail(half) })
}

func (l *life) RobotReboots(t *rapid.T) {
	half, tells := rapid.Bool().Draw(t, "half"), rapid.Bool().Draw(t, "tells")
	l.do(t, "reboot", func() bool { return l.lab.reboot(half, tells) })
}

func (l *life) DoorOpens(t *rapid.T) {
	l.do(t, "door", func() bool {
		ok := l.lab.taken > 0 && l.lab.standing == moving
		if ok {
			l.lab.standing = doorIsOpn
		}
		return ok
	})
}

func (l *life) DoorCloses(t *rapid.T) {
	l.do(t, "door", func() bool {
		ok := l.lab.standing == doorIsOpn
		if ok {
			l.lab.standing = paused
		}
		return ok
	})
}

func (l *life) AppPresses(t *rapid.T) {
	c := rapid.SampledFrom([]run.Control{run.Pause, run.Resume, run.Stop}).Draw(t, "button")
	l.do(t, "App", func() bool { return l.lab.press(c) == nil })
}

func (l *life) CableIsPulled(t *rapid.T) {
	l.do(t, "cable", func() bool { was := l.lab.cable; l.lab.cable = false; return was })
}

func (l *life) CableIsPluggedIn(t *rapid.T) {
	l.do(t, "cable", func() bool { was := l.lab.cable; l.lab.cable = true; return !was })
}

func (l *life) AnswerIsLost(t *rapid.T) {
	trouble := rapid.SampledFrom([]string{"before", "after"}).Draw(t, "trouble")
	spared, eager := rapid.IntRange(0, 2).Draw(t, "spared"), rapid.IntRange(0, 6).Draw(t, "eager")
	l.do(t, "answer lost", func() bool {
		ok := l.lab.trouble == ""
		l.lab.trouble, l.lab.spared, l.lab.eager = trouble, spared, eager
		return ok
	})
}

func (l *life) PersonAsks(t *rapid.T) {
	if l.runner == nil {
		t.Skip("nobody is there")
	}
	l.requests <- run.Request{
		Control: rapid.SampledFrom([]run.Control{run.Pause, run.Resume, run.Stop}).Draw(t, "control"),
		Now:     rapid.Bool().Draw(t, "now"),
	}
	l.count("request")
}

func (l *life) TimePasses(t *rapid.T) {
	for range rapid.IntRange(1, 12).Draw(t, "s") {
		time.Sleep(time.Second)
		l.settle()
	}
}

// RunnerCrashes: from here on it writes nothing and nobody hears of it.
func (l *life) RunnerCrashes(t *rapid.T) {
	if l.runner == nil {
		t.Skip("nobody is there")
	}
	l.crash()
	l.count("crash")
}

func (l *life) crash() {
	if l.runner == nil {
		return
	}
	l.lab.mu.Lock()
	l.runner.dead = true
	l.lab.mu.Unlock()
	l.runner.cancel()
	<-l.runner.done
	l.runner = nil
}

func (l *life) RunnerIsLeft(t *rapid.T) {
	if l.runner == nil {
		t.Skip("nobody is there")
	}
	l.runner.cancel()
	<-l.runner.done
	l.runner = nil
	l.count("leave")
}

// RunnerStarts: for the first time, or again where one was before; and where
// the run has ended early, with what remains of it.
func (l *life) RunnerStarts(t *rapid.T) {
	if l.runner != nil {
		t.Skip("somebody is there")
	}
	if !l.goOn(t) {
		t.Skip("there is nothing to go on with")
	}
}

// goOn starts a runner, after an answer where one is needed; false says that
// all is done.
func (l *life) goOn(t *rapid.T) bool {
	story := l.story(t)
	state := &story.Last().State
	switch {
	case state.Stage != run.Over:
		l.count("start")
		l.start(nil)
		return true
	case state.Verdict == run.VerdictOK:
		return false
	}
	dead := false
	l.lab.mu.Lock()
	cable := l.lab.cable
	l.lab.mu.Unlock()
	if !cable {
		return false // the robot is asked first, and does not answer
	}
	for _, part := range story.Leftovers() {
		if err := run.EndLeftover(context.Background(), backend{l.lab, &dead}, run.Job{Run: "r", Plan: part.Plan}, part); err != nil {
			return false
		}
	}
	if rapid.Bool().Draw(t, "finally") && l.closes(t, story) {
		return true
	}
	rest, err := story.Rest(nil)
	if open := (*run.Undecided)(nil); errors.As(err, &open) {
		l.answer(t, open)
		rest, err = l.story(t).Rest(nil)
	}
	switch {
	case errors.Is(err, run.ErrNothingLeft):
		return false
	case err != nil:
		t.Fatal(err)
	}
	compareWorld(t, l.lab.plant, rest)
	l.lab.plant.origin, l.lab.plant.closing = rest.Origin, false
	l.count("go on")
	l.start(rest)
	return true
}

// closes starts a runner with what finally says, where some of it is left.
func (l *life) closes(t *rapid.T, story *run.Story) bool {
	if !story.Last().State.MayClose() {
		return false
	}
	end, err := story.Ending()
	if err != nil {
		t.Fatal(err)
	}
	for i := range end.State.Mounts {
		if end.State.Mounts[i].On {
			t.Fatalf("a tip is on where the run is closed: %+v", end)
		}
	}
	c := &program.Closing{}
	for i, kind := range []program.Kind{program.Home, program.StopTemperature, program.Lights} {
		if i+1 > end.Seen {
			c.Steps = append(c.Steps, program.Step{N: len(c.Steps) + 1, Op: program.Op{Kind: kind, Well: program.None}, Frame: &program.Frame{Label: "finally"}})
			c.Of = append(c.Of, i+1)
		}
	}
	rest, err := story.Closing(c)
	if err != nil {
		t.Fatal(err)
	}
	if rest == nil {
		return false
	}
	if p := l.lab.plant; !p.closing {
		p.closing, p.was = true, p.truth
	}
	l.lab.plant.origin = rest.Origin
	l.count("close")
	l.start(rest)
	return true
}

// answer looks at the deck and says how it is.
func (l *life) answer(t *rapid.T, open *run.Undecided) {
	if len(open.Lost) > 0 {
		t.Fatalf("liquid of a stock is lost for good: %v", open.Lost)
	}
	records, _ := l.lab.journal.Read(context.Background())
	a := run.Answered{Answer: run.AnswerDone, To: l.lab.truth(), By: "Ada"}
	if d := open.Doubt; l.lab.truth() < d.First {
		a = run.Answered{Answer: run.AnswerRedo, By: "Ada"}
	}
	if err := l.lab.journal.Append(context.Background(), run.Record{Seq: int64(len(records) + 1), Event: a}); err != nil {
		t.Fatal(err)
	}
	l.count("answer")
}

// Check holds after everything that happens.
func (l *life) Check(t *rapid.T) {
	l.settle()
	if r := l.runner; r != nil {
		l.ended()
		if l.runner == nil {
			if diff := cmp.Diff(l.story(t).Last().State, r.result.State); diff != "" {
				t.Errorf("the journal tells another end (+) than the runner (-): %v\n%s", r.err, diff)
			}
		}
	}
	for _, f := range l.lab.wrong() {
		t.Error(f)
	}
	l.lab.mu.Lock()
	defer l.lab.mu.Unlock()
	for n, times := range l.lab.plant.happened {
		if op := &l.plan.Steps[n-1].Op; times > 1 && op.Kind.Info().Effect == program.Physical && op.Kind != program.AirGap && op.Kind != program.TouchTip {
			t.Errorf("step %d %s happened %d times", n, op.Kind, times)
		}
	}
}

// finish has everything be well from now on, and the run come to its end.
func (l *life) finish(t *rapid.T) {
	for range 4000 {
		l.Check(t)
		if l.runner == nil && !l.goOnWell(t) {
			checkHappened(t, l.plan, l.lab.plant)
			return
		}
		l.lab.mu.Lock()
		l.lab.cable, l.lab.trouble = true, ""
		if l.lab.standing == doorIsOpn {
			l.lab.standing = paused
		}
		stuck := !l.lab.step(true)
		l.lab.mu.Unlock()
		if stuck && l.runner != nil {
			select {
			case l.requests <- run.Request{Control: run.Resume}:
			default:
			}
			time.Sleep(11 * time.Second)
		}
	}
	t.Fatalf("the run does not come to its end: %+v", l.story(t).Last().State)
}

func (l *life) goOnWell(t *rapid.T) bool {
	l.lab.mu.Lock()
	l.lab.cable, l.lab.trouble = true, ""
	l.lab.mu.Unlock()
	return l.goOn(t)
}

// Whatever happens to a run in whatever order, physical steps happen once, what
// is told is so, the journal folds to what the runner knows, and in the end
// everything is done that was to be done.
func TestAnythingInAnyOrder(t *testing.T) {
	counts := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		bubble(t, func() {
			plan := drawPlan(rt)
			p := &plant{world: program.NewState(plan.Deck), origin: ordinalsOf(plan), before: planned(plan), happened: map[int]int{}}
			l := &life{lab: newLab(p), plan: plan, batch: rapid.IntRange(0, 4).Draw(rt, "batch"), counts: counts}
			defer l.crash()
			l.start(nil)
			for range 2 {
				rt.Repeat(rapid.StateMachineActions(l))
			}
			l.finish(rt)
		})
	})
	t.Log(counts)
}

// bubble is synctest.Test for what ends by a panic, as a property does.
func bubble(t *testing.T, f func()) {
	var fault any
	synctest.Test(t, func(*testing.T) {
		defer func() { fault = recover() }()
		f()
	})
	// Shrinking tells one failure from another by the line it panics at, and
	// data that make no trial are no failure.
	if fmt.Sprintf("%T", fault) == "rapid.invalidData" {
		panic(fault)
	}
	if fault != nil {
		panic(fault)
	}
}
