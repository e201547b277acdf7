package run_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// world is what is beside the device: what a program does after each result.
type world struct {
	kinds  []program.Kind
	beyond int    // steps that are certain behind the next one beside the device
	script []byte // one choice per step that is carried out; exhausted: all goes well
	limits []program.Limit
}

func besideKind(k program.Kind) bool { return k.Info().Fields&program.HasLive != 0 }

// whole is the program with results. After a failed step it homes once more.
func (w *world) whole(results []run.Performed) []program.Kind {
	var out []program.Kind
	for _, k := range w.kinds {
		out = append(out, k)
		if slices.ContainsFunc(results, func(r run.Performed) bool { return r.N == len(out) && r.Failed != "" }) {
			out = append(out, program.Home)
		}
	}
	return out
}

// plan is what is certain of it.
func (w *world) plan(results []run.Performed) *program.Plan {
	kinds := w.whole(results)
	certain, missing := len(kinds), 0
	for i, k := range kinds {
		if besideKind(k) && !slices.ContainsFunc(results, func(r run.Performed) bool { return r.N == i+1 }) {
			missing = i + 1
			break
		}
	}
	if missing > 0 {
		certain = min(certain, missing+w.beyond)
	}
	p := planOf(kinds[:certain]...)
	for i := range p.Steps {
		if k := p.Steps[i].Op.Kind; besideKind(k) {
			p.Steps[i].Live = &program.Live{Body: "{}"}
		}
	}
	if certain < len(kinds) {
		p.Outlook = &program.Outlook{Steps: len(kinds)}
	}
	p.Fingerprint, p.Limits = p.Hash(), w.limits
	return p
}

// beside reports whether step n is carried out beside the device, and again
// whether that may happen twice.
func (b *bench) beside(n int) bool {
	return n > 0 && n <= len(b.plan.Steps) && b.plan.Steps[n-1].Live != nil
}

func (b *bench) again(n int) bool { return b.beside(n) && b.plan.Steps[n-1].Repeatable() }

// moves reports whether the plan has a step for the device.
func (b *bench) moves() bool {
	return slices.ContainsFunc(b.plan.Steps, func(s program.Step) bool { return s.Live == nil })
}

func (b *bench) grow(_ context.Context, results []run.Performed) (*program.Plan, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead {
		return nil, errLost
	}
	b.plan = b.world.plan(results)
	return b.plan, nil
}

// perform lets the script decide what the world answers.
func (b *bench) perform(ctx context.Context, s *program.Step) (run.Response, error) {
	b.mu.Lock()
	c := next(&b.world.script)
	if c >= 20 && !b.dead {
		b.executed[s.N]++
	}
	dead := b.dead
	b.mu.Unlock()
	switch {
	case dead:
		<-ctx.Done()
		return run.Response{}, ctx.Err()
	case c < 20:
		return run.Response{}, &run.Error{Kind: run.Unreachable, Message: "nobody is there"}
	case c < 30:
		return run.Response{}, &run.Error{Kind: run.InDoubt, Message: "cut off"}
	case c < 40:
		b.request(run.Request{Control: run.Stop, By: "test"})
		<-ctx.Done()
		return run.Response{}, ctx.Err()
	case c < 50:
		b.request(run.Request{Control: run.Pause, By: "test"})
		b.request(run.Request{Control: run.Resume, By: "test"})
	}
	return run.Response{Values: map[string]string{"": "1"}, By: "Ada"}, nil
}

// Whatever happens to the runner, the device and the world in whatever order,
// nothing that moves liquid happens twice or counts as done that was not, and
// nothing beside the device is done twice that must not be.
func TestRunnerStateMachineWithTheWorld(t *testing.T) {
	verdicts := map[run.Verdict]int{}
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.SampledFrom([]program.Kind{program.PickUpTip, program.Aspirate, program.DropTip, program.Pause, program.Ask, program.Measure, program.Notify}), 0, 12).Draw(t, "steps")
		script := rapid.SliceOfN(rapid.Byte(), 0, 120).Draw(t, "script")
		crashes := rapid.SliceOfN(rapid.IntRange(2, 40), 0, 6).Draw(t, "crashes")
		batch := rapid.IntRange(0, 4).Draw(t, "batch")
		keep := rapid.Bool().Draw(t, "keep")
		answers := rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "answers")
		w := &world{kinds: kinds, beyond: rapid.IntRange(0, 3).Draw(t, "beyond"), script: answers, limits: limits(t, len(kinds), batch)}
		b := newBench(w.plan(nil), script)
		b.world, b.executed = w, make([]int, 2*len(kinds)+2)
		r, err := follow(t, b, batch, crashes, keep)
		judge(t, b, r, err)
		verdicts[r.Verdict]++
	})
	t.Log(verdicts)
}

// patient is a clock that goes on only where somebody waits for it.
type patient struct {
	instant
	waited []time.Duration
}

func (c *patient) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	c.waited = append(c.waited, d)
	c.now = c.now.Add(d)
	c.mu.Unlock()
	return c.instant.After(d)
}

// A question that nobody answers ends after its time, which may be hours.
func TestQuestionsEndAfterTheirTime(t *testing.T) {
	plan := planOf(program.Home, program.Ask, program.Home)
	plan.Steps[1].Live = &program.Live{TimeoutMS: 6 * 3600_000}
	clock := &patient{instant: *newInstant()}
	b := newBench(plan, nil)
	o := run.Options{Plan: plan, Backend: b, Journal: b.journal, Clock: clock, Perform: func(ctx context.Context, _ *program.Step) (run.Response, error) {
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), run.ErrNoAnswer) {
			return run.Response{}, ctx.Err()
		}
		return run.Response{Values: map[string]string{"": "yes"}, By: "default"}, nil
	}}
	r, err := run.Run(t.Context(), o)
	if err != nil || r.Verdict != run.VerdictOK || len(r.State.Performed) != 1 || r.State.Performed[0].Values[""] != "yes" {
		t.Fatal(r.State, err)
	}
	if !slices.Contains(clock.waited, 6*time.Hour) {
		t.Errorf("waited for %v", clock.waited)
	}
}

// What cannot go on with what came back is stopped where it is, and says why;
// what would go on otherwise than it began is left as it is.
func TestPlansThatDoNotGoOn(t *testing.T) {
	w := &world{kinds: []program.Kind{program.PickUpTip, program.Ask, program.DropTip, program.Home}, beyond: 0}
	other := &world{kinds: []program.Kind{program.Home, program.Ask, program.DropTip, program.Home}}
	for name, tt := range map[string]struct {
		grow func(results []run.Performed) (*program.Plan, error)
		left bool
		says string
	}{
		"it would overflow": {func([]run.Performed) (*program.Plan, error) {
			return nil, errors.New("a.yaml:12:3: B3 would hold 400 uL")
		}, false, "B3 would hold 400 uL"},
		"it begins otherwise": {func(r []run.Performed) (*program.Plan, error) { return other.plan(r), nil }, true, "does not go on as it began"},
		"it stands still":     {func([]run.Performed) (*program.Plan, error) { return w.plan(nil), nil }, true, "goes on no further"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(w.plan(nil), nil)
			o := run.Options{Plan: b.plan, Backend: b, Journal: b.journal, Clock: newInstant(), Perform: func(context.Context, *program.Step) (run.Response, error) {
				return run.Response{Values: map[string]string{"": "yes"}}, nil
			}, Grow: func(_ context.Context, results []run.Performed) (*program.Plan, error) { return tt.grow(results) }}
			r, err := run.Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
			if r.State.Left != tt.left || !tt.left && (r.Verdict != run.VerdictFailed || b.ended != run.Stopped) || r.Done != 2 {
				t.Errorf("%+v, device %v", r.State, b.ended)
			}
		})
	}
}
