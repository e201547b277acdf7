package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// slow is a device that takes a minute for every step, by a clock of its own where
// it is virtual. A pause takes effect behind the step under way.
type slow struct {
	virtual bool
	steps   []program.Step
	final   bool
	at      int // index of the next one
	begun   bool
	ms      int64
	asked   run.Control
	wake    chan struct{}
	paused  bool
	ended   run.Status
	did     []int

	mu sync.Mutex
}

func (s *slow) Inspect(context.Context) (run.Device, error) { return run.Device{}, nil }
func (s *slow) Open(context.Context, run.Job) (run.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake, s.steps, s.final, s.at, s.begun, s.ms = make(chan struct{}, 10), nil, false, 0, false, 0
	s.asked, s.paused, s.ended = 0, false, run.NoStatus
	return s, nil
}
func (s *slow) Reattach(context.Context, run.Job, run.Handle) (run.Session, error) { return s, nil }
func (s *slow) Handle() run.Handle                                                 { return run.Handle(`"slow"`) }
func (s *slow) Extend(*program.Plan)                                               {}
func (s *slow) Close(context.Context) error                                        { return nil }

func (s *slow) Send(_ context.Context, b run.Batch) error {
	s.mu.Lock()
	s.steps, s.final = append(s.steps, b.Steps...), b.Final
	s.mu.Unlock()
	s.wake <- struct{}{}
	return nil
}

func (s *slow) Ask(_ context.Context, c run.Control) error {
	s.mu.Lock()
	s.asked = c
	s.mu.Unlock()
	s.wake <- struct{}{}
	return nil
}

func (s *slow) Find(_ context.Context, n int) (run.Finding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.did, n) {
		return run.Finding{Outcome: run.WasDone}, nil
	}
	if s.ended != run.NoStatus {
		return run.Finding{Outcome: run.WasNotTaken}, nil
	}
	return run.Finding{Outcome: run.WasTaken}, nil
}

func (s *slow) Next(ctx context.Context) (run.Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.begun:
			s.begun = false
			if !s.virtual {
				s.mu.Unlock()
				time.Sleep(time.Minute)
				s.mu.Lock()
			}
			n := s.steps[s.at].N
			s.ms, s.at, s.did = s.ms+60_000, s.at+1, append(s.did, n)
			return run.Report{Phase: run.Done, Step: n, RobotMS: s.ms}, nil
		case s.asked == run.Stop && s.ended == run.NoStatus:
			s.ended = run.Stopped
			return run.Report{Status: run.Stopped, RobotMS: s.ms}, nil
		case s.asked == run.Pause:
			s.asked, s.paused = 0, true
			return run.Report{Status: run.Paused, RobotMS: s.ms}, nil
		case s.asked == run.Resume:
			s.asked = 0
			if s.paused {
				s.paused = false
				return run.Report{Status: run.Running, RobotMS: s.ms}, nil
			}
		case !s.paused && s.at < len(s.steps):
			s.begun = true
			return run.Report{Phase: run.Started, Step: s.steps[s.at].N, RobotMS: s.ms}, nil
		case !s.paused && s.final && s.ended == run.NoStatus:
			s.ended = run.Succeeded
			return run.Report{Status: run.Succeeded, RobotMS: s.ms}, nil
		default:
			s.mu.Unlock()
			select {
			case <-s.wake:
			case <-ctx.Done():
			}
			s.mu.Lock()
			if ctx.Err() != nil {
				return run.Report{}, ctx.Err()
			}
		}
	}
}

// limited is a plan with limits. Steps beside the device are a question, which is
// answered after half a minute, and a request that must not be repeated.
func limited(kinds []program.Kind, limits ...program.Limit) *program.Plan {
	p := planOf(kinds...)
	for i := range p.Steps {
		if besideKind(kinds[i]) {
			p.Steps[i].Live = &program.Live{Body: "{}"}
		}
	}
	p.Limits = limits
	return p
}

// happened tells a run in words, with the minute at which each thing came.
func happened(t *testing.T, j *run.Memory) string {
	t.Helper()
	records, err := j.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range records {
		var word string
		switch e := r.Event.(type) {
		case run.StepDone:
			word = fmt.Sprint(e.N)
		case run.Performed:
			word = fmt.Sprint(e.N)
			if e.Failed != "" {
				word += " failed " + string(e.Cause)
			}
			for _, l := range e.Left {
				word += fmt.Sprintf(" left %d of %d", int((time.Duration(l.MS) * time.Millisecond).Round(time.Second).Seconds()), l.Limit)
			}
		case run.TimeUp:
			word = fmt.Sprintf("time up %d at %d", e.Limit, e.N)
		case run.Halting, run.Resumed, run.Doubted:
			word = r.Event.Kind()
		case run.Finished:
			word = e.Verdict.String()
		default:
			continue
		}
		out = append(out, fmt.Sprintf("%d:%02d %s", int(r.At.Sub(records[0].At).Minutes()), int(r.At.Sub(records[0].At).Seconds())%60, word))
	}
	return strings.Join(out, ", ")
}

func TestTimeouts(t *testing.T) {
	const home, measure, request = program.Home, program.Measure, program.Request
	sec := func(first, last int, s int64) program.Limit {
		return program.Limit{First: first, Last: last, MS: s * 1000}
	}
	for name, c := range map[string]struct {
		plan    *program.Plan
		virtual bool
		answer  run.Control
		want    string
	}{
		"enough":                   {limited([]program.Kind{home, measure, home}, sec(1, 0, 200)), false, run.Resume, "1:00 1, 1:30 2 left 110 of 1, 2:30 3, 2:30 ok"},
		"the device is overdue":    {limited([]program.Kind{home, home, home}, sec(1, 2, 90)), false, run.Resume, "1:00 1, 1:30 time up 1 at 2, 2:00 2, 2:00 paused, 2:00 resumed, 3:00 3, 3:00 ok"},
		"and is stopped":           {limited([]program.Kind{home, home, home}, sec(1, 2, 90)), false, run.Stop, "1:00 1, 1:30 time up 1 at 2, 2:00 2, 2:00 paused, 2:00 stopped"},
		"its last step is in time": {limited([]program.Kind{home, home, home}, sec(1, 2, 121)), false, run.Stop, "1:00 1, 2:00 2, 3:00 3, 3:00 ok"},
		"a measurement is given up": {
			limited([]program.Kind{home, measure, home}, sec(2, 2, 20)), false, run.Resume,
			"1:00 1, 1:20 2 failed timeout left 0 of 1, 2:20 3, 2:20 ok",
		},
		"the first of two": {limited([]program.Kind{measure, home}, sec(1, 0, 90), sec(1, 1, 20)), false, run.Resume, "0:20 1 failed timeout left 70 of 1 left 0 of 2, 1:20 2, 1:20 ok"},
		"a measurement is not begun": {
			limited([]program.Kind{home, measure, measure}, sec(2, 3, 40)), false, run.Resume,
			"1:00 1, 1:30 2 left 10 of 1, 1:40 3 failed timeout left 0 of 1, 1:40 ok",
		},
		"a request that may have been taken": {limited([]program.Kind{request}, sec(1, 1, 20)), false, run.Resume, "0:20 in_doubt, 0:20 in_doubt"},
		"hours of a simulator":               {limited([]program.Kind{home, home, measure, home}, sec(1, 3, 90)), true, run.Resume, "0:00 1, 0:00 2, 0:00 time up 1 at 3, 0:30 3, 0:30 4, 0:30 ok"},
		"and of what it simulates":           {limited([]program.Kind{home, measure, measure}, sec(1, 3, 110)), true, run.Resume, "0:00 1, 0:00 2 left 20 of 1, 0:00 3 left -10 of 1, 0:00 ok"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := new(run.Memory)
				o := run.Options{Run: "r", Plan: c.plan, Backend: &slow{virtual: c.virtual}, Journal: j, Virtual: c.virtual}
				o.Answer = func(context.Context, run.Question) (run.Control, error) {
					time.Sleep(30 * time.Second)
					if c.virtual {
						return run.Resume, nil
					}
					return c.answer, nil
				}
				o.Perform = func(ctx context.Context, _ *program.Step) (run.Response, error) {
					if c.virtual {
						return run.Response{TookMS: 30_000}, nil
					}
					select {
					case <-time.After(30 * time.Second):
						return run.Response{}, nil
					case <-ctx.Done():
						return run.Response{}, &run.Error{Kind: run.Timeout, Message: "given up"}
					}
				}
				o.Grow = func(context.Context, []run.Performed) (*program.Plan, error) { return c.plan, nil }
				_, _ = run.Run(t.Context(), o) // how it ends is in the journal
				if got := happened(t, j); got != c.want {
					t.Errorf("happened:\n%s\nwant:\n%s", got, c.want)
				}
			})
		})
	}
}

// A timer goes on while nobody follows the run, and stands still between the end
// of a run and its being gone on with.
func TestTimeoutsOutliveTheRunner(t *testing.T) {
	kinds := []program.Kind{program.Home, program.Home, program.Home, program.Home}
	plan := limited(kinds, program.Limit{First: 1, MS: 150_000})
	synctest.Test(t, func(t *testing.T) {
		j, device := new(run.Memory), &slow{}
		ctx, cancel := context.WithTimeout(t.Context(), 70*time.Second)
		defer cancel()
		o := run.Options{Run: "r", Plan: plan, Backend: device, Journal: j, Answer: run.AnswerAtOnce}
		if r, err := run.Run(ctx, o); !r.State.Left {
			t.Fatalf("it was not left: %v", err)
		}
		time.Sleep(20 * time.Second) // at 2:00, and at 2:30 the third step is under way
		if _, err := run.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if got := happened(t, j); !strings.Contains(got, "2:30 time up 1 at 3") || !strings.HasSuffix(got, " ok") {
			t.Error("left and followed again:", got)
		}
	})
	synctest.Test(t, func(t *testing.T) { // whoever is asked when it is left is asked again
		j, device := new(run.Memory), &slow{}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		var asked []string
		o := run.Options{Run: "r", Plan: plan, Backend: device, Journal: j, Answer: func(ctx context.Context, q run.Question) (run.Control, error) {
			if asked = append(asked, q.Text); len(asked) == 2 {
				time.Sleep(time.Minute)
				return run.Resume, nil
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}}
		if r, err := run.Run(ctx, o); !r.State.Left || r.State.Overdue == 0 {
			t.Fatalf("it was not left overdue: %v", err)
		}
		o.Look = true
		if r, _ := run.Run(t.Context(), o); r.State.Overdue == 0 || device.asked != 0 {
			t.Fatalf("a look has done something: %+v", r.State)
		}
		o.Look = false
		if _, err := run.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if got := happened(t, j); len(asked) != 2 || asked[0] != asked[1] || !strings.HasSuffix(got, "5:00 resumed, 6:00 4, 6:00 ok") {
			t.Errorf("left while a person was asked: %q, %s", asked, got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		j, device := new(run.Memory), &slow{}
		requests := make(chan run.Request, 1)
		o := run.Options{Run: "r", Plan: plan, Backend: device, Journal: j, Answer: run.AnswerAtOnce, Requests: requests}
		go func() {
			time.Sleep(90 * time.Second)
			requests <- run.Request{Control: run.Stop, Now: true}
		}()
		r, err := run.Run(t.Context(), o)
		if r.Verdict != run.VerdictStopped || err != nil {
			t.Fatalf("%v, %v", r.Verdict, err)
		}
		time.Sleep(time.Hour)
		rest, err := r.Story.Rest(nil)
		if err != nil {
			t.Fatal(err)
		}
		o.Rest = rest
		if _, err := run.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		// It had taken 2 minutes, so that 30 s are left for what remains.
		if got := happened(t, j); !strings.Contains(got, "62:30 time up 1 at 1") || !strings.HasSuffix(got, " ok") {
			t.Error("stopped and gone on with:", got)
		}
	})
}
