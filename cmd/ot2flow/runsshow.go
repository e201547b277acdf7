package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows/depict"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// showing is what runs show was told.
type showing struct{ follow, short bool }

func (a *app) runsShowCommand() *cobra.Command {
	var o showing
	c := &cobra.Command{
		Use:   "show RUN",
		Short: "Show what a run did: when, with which parameters, every step, and what is in doubt",
		Long: `Shows what was run, where and by whom, every step with its time, and everything else that
happened. With --follow it goes on until the run is over, also when another process carries
it out; Ctrl-C ends the showing, not the run.`,
		Example: "  ot2flow runs show last\n  ot2flow runs show 261123-4x7k --follow",
		Args:    oneRun,
	}
	a.formatFlag(c, "text", "json")
	a.stateFlag(c)
	c.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on while the run does; as JSON, an event a line")
	c.Flags().BoolVar(&o.short, "short", false, "leave out the steps that just began and ended")
	c.RunE = func(c *cobra.Command, args []string) error { return a.runsShow(c.Context(), args[0], o) }
	return c
}

func (a *app) runsShow(ctx context.Context, ref string, o showing) error {
	return a.ofRun(ctx, ref, func(s *journal.Store, sum *journal.Summary) error { return a.showRun(ctx, s, sum, o) })
}

func (a *app) showRun(ctx context.Context, s *journal.Store, sum *journal.Summary, o showing) (err error) {
	if a.format == "json" && !o.follow {
		return writeRuns(ctx, a.out, s, []*journal.Summary{sum}, "json")
	}
	v := &runView{a: a, store: s, sum: sum, w: bufio.NewWriter(a.out), showing: o}
	if a.format != "json" {
		if err := v.head(ctx); err != nil {
			return err
		}
	}
	if o.follow {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
		err = v.follow(ctx)
	} else {
		err = v.events(ctx)
	}
	if err == nil && a.format != "json" {
		err = v.end(context.WithoutCancel(ctx))
	}
	if problem := v.w.Flush(); problem != nil {
		return a.written(problem)
	}
	return err
}

// runView shows one run as its events are read.
type runView struct {
	showing
	a     *app
	store *journal.Store
	sum   *journal.Summary
	plan  *program.Plan
	log   *stepLog
	w     *bufio.Writer
	after int64 // Seq of the last event shown
}

func (v *runView) f(format string, args ...any) { fmt.Fprintf(v.w, format, args...) }

func (v *runView) head(ctx context.Context) error {
	s := v.sum
	var err error
	if v.plan, err = v.store.Plan(ctx, s, ot2.Machine{}); err != nil {
		return cannot("the plan of run %s cannot be used: %v", s.ID, err)
	}
	v.log = newStepLog(v.plan)
	t := &planText{w: v.w, plan: v.plan, color: v.a.colors(v.a.out)}
	v.f("run %s\n", t.bold(s.ID))
	t.head()
	if s.IsComputed() {
		v.f("  worked out at once; no robot was needed\n")
	} else {
		v.f("  on %s\n", robotText(&s.Robot))
	}
	v.f("  begun %s by %s on %s, with ot2flow %s\n", s.Began.Local().Format("2006-01-02 15:04:05"), s.By.Name, s.By.Host, s.Version)
	if s.Project != "" {
		v.f("  for the project %s\n", s.Project)
	}
	if s.Repeats != "" {
		v.f("  repeats run %s\n", s.Repeats)
	}
	v.f("  %s\n\n%s\n", t.dim(s.Fingerprint), t.bold("What happened"))
	return nil
}

func robotText(r *journal.Robot) string {
	if r.Simulated {
		return "the simulator"
	}
	return fmt.Sprintf("%s (%s, serial number %s, software %s)", r.Name, r.Address, r.Serial, r.Software)
}

// events shows those that are new.
func (v *runView) events(ctx context.Context) error {
	q := journal.Query{Run: v.sum.ID, AfterSeq: v.after, Notable: v.short}
	for e, err := range v.store.Events(ctx, q) {
		if err != nil {
			return cannot("%v", err)
		}
		v.after = e.Record.Seq
		if err := v.event(&e.Record); err != nil {
			return cannot("run %s: %v", v.sum.ID, err)
		}
	}
	return nil
}

func (v *runView) event(r *run.Record) error {
	if v.a.format == "json" {
		line, err := r.MarshalJSON()
		if err != nil {
			return err
		}
		v.f("%s\n", line)
		return nil
	}
	ended, err := v.log.on(*r)
	if err != nil {
		return err
	}
	for _, o := range ended {
		v.step(o)
	}
	_, opened := r.Event.(run.Opened)
	if text := service.Said(r.Event, v.log.part.Label); text != "" && !(opened && v.sum.IsComputed()) {
		v.f("  %s  %s\n", r.At.Local().Format(time.TimeOnly), text)
	}
	return nil
}

// step shows what became of a step.
func (v *runView) step(o *stepOutcome) {
	at, took := o.known, ""
	if !o.began.IsZero() && !o.ended.IsZero() && !v.sum.Robot.Simulated {
		took = seconds(o.ended.Sub(o.began))
		at = o.began
	}
	what := depict.Sentence(o.step, v.plan.Deck)
	if o.outcome != "done" {
		what += ": " + o.outcome
	}
	if o.evidence != "" && (o.outcome != "done" || o.step.Live != nil) {
		what += ": " + o.evidence
	}
	v.f("  %s  %*s %8s  %s\n", at.Local().Format(time.TimeOnly), len(fmt.Sprint(len(v.plan.Steps))), o.number(), took, what)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// follow shows events until the run is over, nobody carries it out any longer,
// or the person who looks has seen enough.
func (v *runView) follow(ctx context.Context) error {
	err := v.store.Watch(ctx, func() (bool, error) {
		if err := v.events(ctx); err != nil {
			return false, err
		}
		if err := v.w.Flush(); err != nil {
			return false, err
		}
		sum, err := v.store.Find(ctx, v.sum.ID)
		if err != nil {
			return false, err
		}
		v.sum = sum
		return !sum.Over() && sum.State != "left", nil
	})
	if errors.Is(err, context.Canceled) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// end says how the run stands, and what a person can do about it.
func (v *runView) end(ctx context.Context) error {
	s := v.sum
	v.f("\n%s, %d of %s", service.Stands(ctx, v.store, s), s.Done, plural(s.Steps, "step"))
	if took := tookText(s); took != "" {
		v.f(", %s", took)
	}
	v.f("\n")
	if s.Reason != "" {
		v.f("%s\n", s.Reason)
	}
	if s.Doubt.First > 0 {
		v.f("whether %s happened is not known: look at the deck, the tips and the wells\n", service.StepRange(s.Doubt.First, s.Doubt.Last))
	}
	unclosed, err := service.Unclosed(ctx, v.store, s)
	if unclosed != "" {
		v.f("%s\n", unclosed)
	}
	return err
}

// stepLog tells what became of steps from the events of a run.
type stepLog struct {
	plan  *program.Plan
	part  run.Part
	began map[int]time.Time // of steps under way
}

// stepOutcome is what became of a step.
type stepOutcome struct {
	n            int // of the run's plan; 0: it was added when the run was gone on with
	step         *program.Step
	began, ended time.Time // zero where it is not known
	known        time.Time // when it was
	outcome      string
	evidence     string
}

func (o *stepOutcome) number() string {
	if o.n == 0 {
		return "+"
	}
	return fmt.Sprint(o.n)
}

func newStepLog(plan *program.Plan) *stepLog {
	return &stepLog{plan: plan, part: run.Part{Plan: plan}, began: map[int]time.Time{}}
}

// on takes the next record and returns the steps it says the fate of.
func (l *stepLog) on(r run.Record) ([]*stepOutcome, error) {
	switch e := r.Event.(type) {
	case run.StepStarted:
		l.began[e.N] = r.At
	case run.Intended:
		if e.Batch.Live {
			l.began[e.Batch.First] = r.At
		}
	case run.Performed:
		return l.performed(&e, &r)
	case run.Grown:
		return nil, l.part.Grow(l.plan, &e)
	case run.StepDone:
		return l.ended(e.N, e.N, &r, "done", e.Evidence)
	case run.StepFailed:
		return l.ended(e.N, e.N, &r, "failed", e.Evidence)
	case run.Doubted:
		return l.ended(e.First, e.Last, &r, inDoubt, e.Evidence)
	case run.Continued:
		part, err := run.PartOf(l.plan, &e)
		l.part = part
		clear(l.began)
		return nil, err
	default:
	}
	return nil, nil
}

// performed is what a step beside the robot gave.
func (l *stepLog) performed(e *run.Performed, r *run.Record) ([]*stepOutcome, error) {
	if e.Failed != "" {
		return l.ended(e.N, e.N, r, "failed", e.Failed)
	}
	evidence := ""
	if len(e.Values) > 0 {
		evidence = service.ValuesText(e.Values)
	}
	if e.By != "" {
		evidence = strings.TrimPrefix(evidence+", "+e.By, ", ")
	}
	return l.ended(e.N, e.N, r, "done", evidence)
}

const inDoubt = "in doubt"

func (l *stepLog) ended(first, last int, r *run.Record, outcome, evidence string) ([]*stepOutcome, error) {
	if first < 1 || last > len(l.part.Plan.Steps) {
		return nil, fmt.Errorf("the journal tells of steps %d to %d, and the plan has %s", first, last, plural(len(l.part.Plan.Steps), "step"))
	}
	var out []*stepOutcome
	for n := first; n <= last; n++ {
		o := &stepOutcome{n: l.origin(n), step: &l.part.Plan.Steps[n-1], began: l.began[n], known: r.At, outcome: outcome, evidence: evidence}
		if outcome != inDoubt {
			o.ended = r.At
		}
		out = append(out, o)
		delete(l.began, n)
	}
	return out, nil
}

func (l *stepLog) origin(n int) int {
	if l.part.Origin == nil {
		return n
	}
	return l.part.Origin[n-1]
}

// open returns the step that began and of which nothing more is known.
func (l *stepLog) open() []*stepOutcome {
	for n, at := range l.began {
		return []*stepOutcome{{n: l.origin(n), step: &l.part.Plan.Steps[n-1], began: at, known: at, outcome: "begun"}}
	}
	return nil
}
