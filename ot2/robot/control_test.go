package robot_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
	"github.com/ot2flow/ot2flow/ot2/robot"
)

// when does something once, when an event comes.
func when[E run.Event](do func()) func(run.Event, run.Progress) {
	done := false
	return func(e run.Event, _ run.Progress) {
		if _, ok := e.(E); ok && !done {
			done = true
			do()
		}
	}
}

func TestStopAtAPause(t *testing.T) {
	b := newBench(t, emulator.Options{})
	r, err := b.run(planOf(t, small), func(o *run.Options) {
		o.Answer = func(context.Context, run.Question) (run.Control, error) { return run.Stop, nil }
	})
	if err != nil || r.Verdict != run.VerdictStopped || r.Done != 4 && r.CutOff != 4 {
		t.Errorf("%v after %d: %v", r.Verdict, r.Done, err)
	}
	b.free(r.Verdict)
}

func TestStopUnderWay(t *testing.T) {
	clock := &emulator.Manual{}
	b := newBench(t, emulator.Options{Clock: clock})
	defer advance(clock)()
	requests := make(chan run.Request, 1)
	r, err := b.run(planOf(t, small), func(o *run.Options) {
		o.Requests = requests
		o.Observe = []func(run.Event, run.Progress){when[run.StepStarted](func() { requests <- run.Request{Control: run.Stop, By: "test"} })}
	})
	if err != nil || r.Verdict != run.VerdictStopped || r.Done != 4 && r.CutOff != 4 {
		t.Errorf("%v after %d, cut off %d: %v", r.Verdict, r.Done, r.CutOff, err)
	}
}

func TestStopAtOnce(t *testing.T) {
	clock := &emulator.Manual{}
	b := newBench(t, emulator.Options{Clock: clock})
	defer advance(clock)()
	requests := make(chan run.Request, 1)
	r, err := b.run(planOf(t, small), func(o *run.Options) {
		o.Requests = requests
		o.Observe = []func(run.Event, run.Progress){when[run.StepStarted](func() { requests <- run.Request{Control: run.Stop, Now: true, By: "test"} })}
	})
	if err != nil || r.Verdict != run.VerdictStopped || r.Done > 3 {
		t.Errorf("%v after %d, cut off %d: %v", r.Verdict, r.Done, r.CutOff, err)
	}
}

// advance moves the clock on whenever the robot sleeps.
func advance(c *emulator.Manual) (stop func()) { return advanceBy(c, 500*time.Millisecond) }

func advanceBy(c *emulator.Manual, step time.Duration) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				c.Advance(step)
			}
		}
	}()
	return func() { close(quit); <-done }
}

func TestPausedFromTheApp(t *testing.T) {
	b := newBench(t, emulator.Options{Faults: emulator.Faults{Script: mishap.Script{Events: []mishap.Event{{At: "2.1", Do: mishap.PausedBy}}}}})
	requests := make(chan run.Request, 1)
	var seen []string
	r, err := b.run(planOf(t, small), func(o *run.Options) {
		o.Requests = requests
		o.Observe = []func(run.Event, run.Progress){
			when[run.Halting](func() { requests <- run.Request{Control: run.Resume, By: "test"} }),
			func(e run.Event, _ run.Progress) { seen = append(seen, e.Kind()) },
		}
	})
	if err != nil || r.Verdict != run.VerdictOK {
		t.Errorf("%v after %d: %v\n%s", r.Verdict, r.Done, err, strings.Join(seen, " "))
	}
	if !slices.Contains(seen, "resumed") {
		t.Errorf("nobody heard that it went on: %s", strings.Join(seen, " "))
	}
}

func TestDoorOpenedAndClosed(t *testing.T) {
	clock := &emulator.Manual{}
	b := newBench(t, emulator.Options{Clock: clock, Faults: emulator.Faults{DoorSwitch: true}})
	defer advance(clock)()
	requests := make(chan run.Request, 4)
	var halts []run.Status
	r, err := b.run(planOf(t, small), func(o *run.Options) {
		o.Requests = requests
		o.Observe = []func(run.Event, run.Progress){
			when[run.StepDone](func() { b.emulator.SetDoor(true) }),
			func(e run.Event, _ run.Progress) {
				h, ok := e.(run.Halting)
				if !ok {
					return
				}
				halts = append(halts, h.Status)
				if h.Status == run.DoorOpen {
					requests <- run.Request{Control: run.Resume, By: "test"} // too early: refused
					b.emulator.SetDoor(false)
				} else if len(halts) == 2 {
					requests <- run.Request{Control: run.Resume, By: "test"}
				}
			},
		}
	})
	if err != nil || r.Verdict != run.VerdictOK || len(halts) < 2 || halts[0] != run.DoorOpen || halts[1] != run.Paused {
		t.Errorf("%v after %d, halts %v: %v", r.Verdict, r.Done, halts, err)
	}
}

// A process that dies at any point leaves a run that another one finds again.
func TestFoundAgain(t *testing.T) {
	p := planOf(t, small)
	for cut := 2; cut < 22; cut++ {
		b := newBench(t, emulator.Options{})
		journal := &run.Memory{}
		ctx, crash := context.WithCancel(t.Context())
		n := 0
		_, err := b.run(p, func(o *run.Options) {
			o.Journal = journal
			o.Observe = []func(run.Event, run.Progress){func(run.Event, run.Progress) {
				if n++; n == cut {
					crash()
				}
			}}
			o.Backend = crashing{o.Backend, ctx}
			o.Patience = 30 * time.Millisecond
		})
		crash()
		again := b.open(b.server.URL)
		r, err2 := b.run(p, func(o *run.Options) { o.Journal, o.Backend = journal, again })
		if err2 != nil || r.Verdict != run.VerdictOK || r.Done != len(p.Steps) {
			t.Errorf("cut %d (%v): %v after %d: %v", cut, err, r.Verdict, r.Done, err2)
			continue
		}
		b.heldOnce(p)
	}
}

// crashing is a backend that is gone from one moment on, as a process is.
type crashing struct {
	run.Backend
	gone context.Context //nolint:containedctx // the moment
}

type crashed struct {
	run.Session
	gone context.Context //nolint:containedctx // the moment
}

var errCrash = errors.New("crashed")

func (c crashing) Open(ctx context.Context, j run.Job) (run.Session, error) {
	if c.gone.Err() != nil {
		return nil, errCrash
	}
	s, err := c.Backend.Open(ctx, j)
	return crashed{s, c.gone}, err
}

func (c crashed) Send(ctx context.Context, b run.Batch) error {
	if c.gone.Err() != nil {
		return errCrash
	}
	return c.Session.Send(ctx, b)
}

func (c crashed) Next(ctx context.Context) (run.Report, error) {
	if c.gone.Err() != nil {
		return run.Report{}, errCrash
	}
	return c.Session.Next(ctx)
}

func (c crashed) Ask(ctx context.Context, what run.Control) error {
	if c.gone.Err() != nil {
		return errCrash
	}
	return c.Session.Ask(ctx, what)
}

func (c crashed) Find(ctx context.Context, n int) (run.Finding, error) {
	if c.gone.Err() != nil {
		return run.Finding{}, errCrash
	}
	return c.Session.Find(ctx, n)
}

func TestFoundAgainGone(t *testing.T) {
	b := newBench(t, emulator.Options{})
	p := planOf(t, small)
	h := run.Handle(`{"robot":"` + b.server.URL + `","run":"nowhere","protocol":"x"}`)
	if _, err := b.robot.Reattach(t.Context(), run.Job{Plan: p}, h); run.KindOf(err) != run.Halted {
		t.Errorf("%v", err)
	}
	h = run.Handle(`{"robot":"` + b.server.URL + `","serial":"another","run":"nowhere","protocol":"x"}`)
	if _, err := b.robot.Reattach(t.Context(), run.Job{Plan: p}, h); run.KindOf(err) != run.Rejected || !strings.Contains(err.Error(), "serial number another") {
		t.Errorf("%v", err)
	}
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"http://10.0.0.5:31950": "http://10.0.0.5:31950", "10.0.0.5": "http://10.0.0.5:31950", "ot2.local": "http://ot2.local:31950",
		"ot2.local:80": "http://ot2.local:80", "[::1]:31950": "http://[::1]:31950", "::1": "http://[::1]:31950", "[fe80::1]": "http://[fe80::1]:31950",
		"fe80::1%eth0": "http://[fe80::1%25eth0]:31950", "http://robot/": "http://robot:31950", "https://lab/ot2/": "https://lab:31950/ot2",
		"": "", "ftp://x": "", "a b": "", "host:": "", "host:99999": "", "host:x": "", "http://": "",
	} {
		got, err := robot.ParseAddress(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
