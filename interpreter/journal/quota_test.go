package journal_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// lab is a journal of runs on robots, and a clock.
type lab struct {
	*journal.Store
	t  testing.TB
	at time.Time
}

func newLab(t testing.TB) *lab {
	l := &lab{t: t, at: nine}
	s, err := journal.Open(t.Context(), t.TempDir()+"/journal.db", journal.Options{Now: func() time.Time { return l.at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	l.Store = s
	return l
}

func (l *lab) lease(robot string) *journal.Lease {
	l.t.Helper()
	lease, err := l.Lease(l.t.Context(), robot, anna)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = lease.Release(context.Background()) }) // the journal may be closed
	return lease
}

// begin begins a run of somebody.
func (l *lab) begin(lease *journal.Lease, who, project string, p *program.Plan) (*journal.Run, error) {
	return l.Begin(l.t.Context(), journal.Start{
		Plan: p, Robot: journal.Robot{Key: lease.Robot(), Name: lease.Robot()}, By: journal.Holder{Name: who}, Project: project,
		Ledger: lease.Robot(), Lease: lease, Defs: ot2.Machine{},
	})
}

// run does so many steps of a plan.
func (l *lab) run(lease *journal.Lease, who, project string, p *program.Plan, done int, v run.Verdict) {
	l.t.Helper()
	r, err := l.begin(lease, who, project, p)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := r.Append(l.t.Context(), events(p, done, v, l.at)...); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) allow(list ...quota.Limit) {
	l.t.Helper()
	if err := l.Allow(l.t.Context(), anna, "for a test", list...); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) used() []quota.Use {
	l.t.Helper()
	uses, err := l.Uses(l.t.Context(), ot2.Machine{}, math.MinInt64)
	if err != nil {
		l.t.Fatal(err)
	}
	return uses
}

func limitOf(kind quota.Kind, name string, what quota.What, per quota.Period, n int64) quota.Limit {
	return quota.Limit{Key: quota.Key{Kind: kind, Name: name, What: what, Per: per}, Amount: n}
}

// What counts is what was done, also of a run that was stopped; a run that is not
// over counts with all that its plan needs; and it is the same with what is
// remembered and without, and after the runs are gone.
func TestUsesAreWhatWasDone(t *testing.T) {
	l := newLab(t)
	plan := planned(t, nil, "A1:C1") // six tips, 150 µL red and 75 µL blue
	stop := 0                        // behind the second pick-up
	for n := 0; n < 2; stop++ {
		if plan.Steps[stop].Op.Kind == program.PickUpTip {
			n++
		}
	}
	one, two := l.lease("one"), l.lease("two")
	l.run(one, "ada", "dyes", plan, len(plan.Steps), run.VerdictOK)
	l.run(one, "ada", "", plan, stop, run.VerdictStopped)
	l.run(two, "bob", "", plan, stop, run.NoVerdict) // it has not ended
	seconds := func(events int) int64 { return int64(events) * 1000 }
	want := []quota.Use{
		{User: "ada", Project: "dyes", Tips: 6, Runs: 1, MS: seconds(1 + 2*len(plan.Steps) + 2), Liquids: map[string]int64{"red": 150_000, "blue": 75_000}},
		{User: "ada", Tips: 2, Runs: 1, MS: seconds(1 + 2*stop + 4), Liquids: map[string]int64{"red": 50_000}},
		{User: "bob", Tips: 6, Runs: 1, MS: max(plan.EstimateMS, seconds(1+2*stop)), Liquids: map[string]int64{"red": 150_000, "blue": 75_000}, Open: true},
	}
	for i := range want {
		want[i].Began = nine.UnixNano()
	}
	byUser := cmp.Transformer("", func(list []quota.Use) map[string]quota.Use {
		out := map[string]quota.Use{}
		for _, u := range list {
			out[u.User+" "+u.Project] = u
		}
		return out
	})
	for _, when := range []string{"first", "from what is remembered"} {
		if diff := cmp.Diff(want, l.used(), byUser); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	if err := l.Settle(t.Context(), ot2.Machine{}); err != nil {
		t.Fatal(err)
	}
	gone, err := l.Prune(t.Context(), nine.Add(24*time.Hour), false)
	if err != nil || gone.Runs != 2 {
		t.Fatal(gone, err)
	}
	if diff := cmp.Diff(want, l.used(), byUser); diff != "" {
		t.Errorf("pruned: %s", diff)
	}
}

// A run that needs more than is left is refused before it is in the journal, with
// who, what and how much is left; whoever has a quota of their own, or one
// without a limit, is not held to that of everybody; and a new week is new.
func TestQuotas(t *testing.T) {
	l := newLab(t)
	plan := planned(t, nil, "A1:C1")
	one := l.lease("one")
	l.allow(
		limitOf(quota.Each, "", quota.Tips, quota.Week, 10),
		limitOf(quota.User, "bob", quota.Tips, quota.Week, 13),
		limitOf(quota.User, "cleo", quota.Tips, quota.Week, quota.Unlimited),
		limitOf(quota.Project, "dyes", quota.Runs, quota.Ever, 1),
		quota.Limit{Key: quota.Key{Kind: quota.User, Name: "dan", What: quota.Liquid, Liquid: "red", Per: quota.Day}, Amount: 150_000},
		limitOf(quota.User, "eve", quota.Time, quota.Month, plan.EstimateMS-1),
	)
	try := func(who, project, refused string) {
		t.Helper()
		r, err := l.begin(one, who, project, plan)
		var over *journal.OverQuota
		switch {
		case refused == "" && err == nil:
			if err := r.Append(t.Context(), events(plan, len(plan.Steps), run.VerdictOK, l.at)...); err != nil {
				t.Fatal(err)
			}
		case refused == "":
			t.Errorf("%s: %v", who, err)
		case !errors.As(err, &over) || !strings.Contains(err.Error(), refused):
			t.Errorf("%s: %v, and not: %s", who, err, refused)
		}
	}
	try("ada", "", "")
	try("ada", "", "ada, 10 tips this week: 6 needed, 4 left")
	try("bob", "dyes", "")
	try("bob", "dyes", "project dyes, 1 run in all: 1 needed, 0 left")
	try("bob", "", "")
	try("bob", "", "bob, 13 tips this week: 6 needed, 1 left")
	for range 3 {
		try("cleo", "", "")
	}
	try("dan", "", "")
	try("dan", "", "dan, 150 uL red today: 150 uL needed, 0 uL left")
	try("eve", "", "on robots this month: ")
	l.at = l.at.Add(24 * time.Hour) // Tuesday
	try("ada", "", "4 left")
	l.allow(limitOf(quota.Each, "", quota.Tips, quota.Week, 12), quota.Limit{Key: limitOf(quota.User, "eve", quota.Time, quota.Month, 0).Key, Gone: true})
	try("ada", "", "")
	try("eve", "", "")
	l.at = l.at.Add(6 * 24 * time.Hour) // Monday
	try("ada", "", "")
	try("dan", "dyes", "project dyes")
	n := 0
	for c, err := range l.QuotaChanges(t.Context()) {
		if n++; err != nil || c.By.Name != "anna" || c.Why != "for a test" {
			t.Error(c, err)
		}
	}
	if n != 8 {
		t.Errorf("%d changes are in the log", n)
	}
}

// Of many who begin at the same time on robots of their own, so many may as there
// is left for.
func TestQuotaOfManyAtOnce(t *testing.T) {
	l := newLab(t)
	plan := planned(t, nil, "A1:C1")
	l.allow(limitOf(quota.Project, "dyes", quota.Tips, quota.Ever, 20))
	var wg sync.WaitGroup
	var mu sync.Mutex
	begun := 0
	for _, robot := range strings.Fields("a b c d e f g h") {
		lease := l.lease(robot)
		wg.Go(func() {
			_, err := l.begin(lease, robot, "dyes", plan)
			var over *journal.OverQuota
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				begun++
			} else if !errors.As(err, &over) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if begun != 3 {
		t.Errorf("%d have begun, and the quota is for 3", begun)
	}
}
