package journal_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// bookkeeper is a process that writes a journal, one transition after the other.
type bookkeeper struct {
	*lab
	path  string
	lease *journal.Lease
	run   *journal.Run
	begun []string // the ids of the runs so far
}

func (b *bookkeeper) open() {
	b.t.Helper()
	var err error
	if b.Store, err = journal.Open(b.t.Context(), b.path, journal.Options{Now: func() time.Time { return b.at }}); err != nil {
		b.t.Fatal(err)
	}
	if b.lease, err = b.Lease(b.t.Context(), "one", anna); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bookkeeper) close() {
	_ = b.lease.Release(context.Background()) // the system would let go of it
	_ = b.Close()
}

// dies ends the process with everything it has in its hands. The next one goes on
// with the run that is open.
func (b *bookkeeper) dies() {
	b.t.Helper()
	b.close()
	b.open()
	if b.run == nil {
		return
	}
	var err error
	if b.run, err = b.Continue(b.t.Context(), b.begun[len(b.begun)-1], b.lease); err != nil {
		b.t.Fatal(err)
	}
}

// transitions are what a day writes, one commit each: a quota, a run that is done,
// a new rack, another quota, a run that is stopped, and one that is gone on with
// after that.
func transitions(t *testing.T) []func(*bookkeeper) {
	t.Helper()
	var list []func(*bookkeeper)
	add := func(f func(*bookkeeper)) { list = append(list, f) }
	record := func(at time.Time, e run.Event, seq int64) {
		add(func(b *bookkeeper) {
			b.t.Helper()
			if err := b.run.Append(b.t.Context(), run.Record{Seq: seq, At: at, Event: e}); err != nil {
				b.t.Fatal(err)
			}
		})
	}
	add(func(b *bookkeeper) { b.allow(limitOf(quota.Each, "", quota.Tips, quota.Week, 96)) })
	after := nine
	known := &ledger.Ledger{}
	for i, how := range []struct {
		done    int
		verdict run.Verdict
	}{{-1, run.VerdictOK}, {3, run.VerdictStopped}, {-1, run.VerdictOK}} {
		plan := planned(t, known, "A1:A1")
		if how.done < 0 {
			how.done = len(plan.Steps)
		}
		at := after
		add(func(b *bookkeeper) {
			b.at = at
			r, err := b.begin(b.lease, "ada", fmt.Sprint("day ", i), plan)
			if err != nil {
				b.t.Fatal(err)
			}
			b.run, b.begun = r, append(b.begun, r.ID())
		})
		for _, r := range events(plan, how.done, how.verdict, at) {
			record(r.At, r.Event, r.Seq)
			after = r.At.Add(time.Minute)
		}
		feet, err := run.Footprints(plan, events(plan, how.done, how.verdict, at))
		if err != nil {
			t.Fatal(err)
		}
		known.Add(&feet[0])
		by := ledger.Correction{Act: ledger.New, Place: "4"}
		if i == 1 {
			by = ledger.Correction{Act: ledger.SetWell, Place: "2", Wells: []string{"A1"}, Parts: []ledger.Part{{Liquid: "red", NL: 9_000_000}}}
		}
		if err := known.Correct(&by, after.UnixNano()); err != nil {
			t.Fatal(err)
		}
		add(func(b *bookkeeper) {
			b.run = nil
			if err := b.Correct(b.t.Context(), "one", b.lease, ot2.Machine{}, anna, "looked", by); err != nil {
				b.t.Fatal(err)
			}
		})
		add(func(b *bookkeeper) { b.allow(limitOf(quota.User, "ada", quota.Runs, quota.Ever, int64(4+i))) })
	}
	return list
}

// books is what is known in the end.
type books struct {
	Ledger *ledger.Ledger
	Uses   []quota.Use
	Quotas []quota.Limit
	Log    []string
}

func (b *bookkeeper) books() books {
	b.t.Helper()
	out := books{Uses: b.used()}
	var err1, err2 error
	out.Ledger, err1 = b.Ledger(b.t.Context(), "one", ot2.Machine{})
	out.Quotas, err2 = b.Quotas(b.t.Context())
	if err1 != nil || err2 != nil {
		b.t.Fatal(err1, err2)
	}
	for i := range out.Ledger.Labware { // which run it was has a number that differs
		out.Ledger.Labware[i].Run = ""
	}
	for c, err := range b.Corrections(b.t.Context(), "one", 0) {
		if err != nil {
			b.t.Fatal(err)
		}
		out.Log = append(out.Log, fmt.Sprint(c.At, c.By.Name, c.Why, c.What.String()))
	}
	for c, err := range b.QuotaChanges(b.t.Context()) {
		if err != nil {
			b.t.Fatal(err)
		}
		out.Log = append(out.Log, fmt.Sprint(c.At, c.By.Name, c.Why, c.What.String()))
	}
	return out
}

func keeper(t testing.TB) *bookkeeper {
	b := &bookkeeper{lab: &lab{t: t, at: nine}, path: t.TempDir() + "/journal.db"}
	b.open()
	return b
}

// A process may die between any two things that it writes, and somebody may look
// at any moment, which keeps folds that are not at their end: ledger, what is used
// of quotas, and who said what are in the end those of a day on which nothing
// happened. In each trial it dies twice, far apart: once as it is, and once after
// somebody had looked.
func TestBooksSurviveEveryKill(t *testing.T) {
	list := transitions(t)
	calm := keeper(t)
	defer calm.close()
	for _, do := range list {
		do(calm)
	}
	want := calm.books()
	if len(want.Uses) != 3 || len(want.Quotas) != 2 || len(want.Log) != 7 || len(want.Ledger.Labware) != 3 {
		t.Fatalf("the day is not what it should be: %+v", want)
	}
	newest := cmpopts.SortSlices(func(a, b quota.Use) bool { return a.Began < b.Began })
	for k := range list {
		t.Run(fmt.Sprint("before ", k), func(t *testing.T) {
			t.Parallel()
			looked := (k + len(list)/2) % len(list)
			b := keeper(t)
			t.Cleanup(b.close)
			for i, do := range list {
				if i == looked {
					b.books()
				}
				if i == k || i == looked {
					b.dies()
				}
				do(b)
			}
			for _, when := range []string{"in the end", "from what is kept"} {
				if diff := cmp.Diff(want, b.books(), cmpopts.EquateEmpty(), newest); diff != "" {
					t.Fatalf("looked at before %d, %s: %s", looked, when, diff)
				}
			}
		})
	}
}
