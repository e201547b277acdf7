package journal

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

var t0 = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

// clock moves by a second at every look.
func clock() func() time.Time {
	at := t0
	return func() time.Time { at = at.Add(time.Second); return at }
}

func opened(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fresh(t testing.TB) *Store {
	return opened(t, filepath.Join(t.TempDir(), "a", "journal.db"), Options{})
}

var me = Holder{"anna", "bench-pc", 42}

func planOf(name string, steps int) *program.Plan {
	p := &program.Plan{
		Workflow: program.Workflow{Name: name, File: name + ".yaml", Params: []program.Param{{Name: "z", Value: "1 uL"}, {Name: "a", Value: "µ \"x\""}}},
		Deck:     &program.Deck{}, Steps: make([]program.Step, steps),
		Files: []program.File{{Name: name + ".yaml", Data: []byte("name: " + name)}, {Name: "raw.bin", Data: []byte{0, 255, 1}}},
	}
	for i := range p.Steps {
		p.Steps[i].N, p.Steps[i].Op.Kind = i+1, program.Home
	}
	p.Fingerprint = p.Hash()
	return p
}

func leased(t testing.TB, s *Store, robot string) *Lease {
	t.Helper()
	l, err := s.Lease(t.Context(), robot, me)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Release(context.Background()) }) // some tests have
	return l
}

func begun(t testing.TB, s *Store, l *Lease, plan *program.Plan) *Run {
	t.Helper()
	r, err := s.Begin(t.Context(), Start{Plan: plan, Robot: Robot{Key: l.robot, Name: "left bench", Serial: l.robot}, By: me, Version: "test", Lease: l})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// whole is the life of a run of n steps, in batches of one record each.
func whole(n int) []run.Record {
	events := []run.Event{
		run.Accepted{Run: "r", Workflow: "mix", Steps: n},
		run.Opened{Handle: run.Handle(`{"id":"<&>"}`)},
		run.Intended{Batch: run.Batch{First: 1, Last: n, Final: true}},
		run.Sent{First: 1, Last: n},
	}
	for i := 1; i <= n; i++ {
		events = append(events, run.StepStarted{N: i}, run.StepDone{N: i})
	}
	events = append(events, run.Ended{Status: run.Succeeded}, run.Finished{Verdict: run.VerdictOK})
	return recordsOf(events)
}

func recordsOf(events []run.Event) []run.Record {
	out := make([]run.Record, len(events))
	for i, e := range events {
		out[i] = run.Record{Seq: int64(i + 1), At: t0.Add(time.Duration(i)*time.Second + 7), Event: e}
	}
	return out
}

func appended(t testing.TB, r *Run, records ...run.Record) {
	t.Helper()
	for i := range records {
		if err := r.Append(t.Context(), records[i]); err != nil {
			t.Fatalf("record %d: %v", records[i].Seq, err)
		}
	}
}

// What is appended is read back, by whoever reads it, and the row of the run
// says what its events fold to.
func TestAppendAndRead(t *testing.T) {
	s := fresh(t)
	r := begun(t, s, leased(t, s, "OT2-1"), planOf("mix", 3))
	want := whole(3)
	appended(t, r, want...)
	got, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	other := opened(t, s.Path(), Options{ReadOnly: true})
	sum, err := other.Find(t.Context(), Last)
	if err != nil {
		t.Fatal(err)
	}
	if sum.ID != r.ID() || sum.State != "ok" || sum.Done != 3 || sum.Steps != 3 || !sum.Over() || !sum.Intended || sum.Robot.Name != "left bench" || sum.By != me || sum.Seq != int64(len(want)) {
		t.Errorf("%+v", sum)
	}
	params, err := other.Params(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(planOf("mix", 3).Workflow.Params, params); diff != "" {
		t.Error(diff)
	}
}

// A plan is kept as it was, to the byte, and what two runs share is kept once.
func TestPlanIsKept(t *testing.T) {
	s := fresh(t)
	plan := planOf("mix", 3)
	l := leased(t, s, "OT2-1")
	for range 2 {
		appended(t, begun(t, s, l, plan), whole(3)...)
	}
	var want bytes.Buffer
	if err := plan.Write(&want, true); err != nil {
		t.Fatal(err)
	}
	sum, err := s.Find(t.Context(), Last)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.PlanJSON(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Error(diff)
	}
	var blobs int
	if err := s.db.QueryRow("SELECT count(*) FROM blobs").Scan(&blobs); err != nil || blobs != 3 {
		t.Errorf("%d blobs, %v", blobs, err)
	}
	if _, err := s.db.Exec("UPDATE blobs SET data = x'00' WHERE key = ?", sum.plan); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PlanJSON(t.Context(), sum); troubleOf(err) != Damaged {
		t.Error("a plan that is not what it was is given out:", err)
	}
}

// A plan that grows is kept in place of the one there was, with the event that
// says so or not at all, and the one that nobody has any more goes.
func TestPlanGrows(t *testing.T) {
	s := fresh(t)
	first, second, third := planOf("mix", 1), planOf("mix", 2), planOf("mix", 3)
	first.Outlook, second.Outlook = &program.Outlook{}, &program.Outlook{}
	l := leased(t, s, "OT2-1")
	grown := func(p *program.Plan) run.Event {
		return run.Grown{Steps: len(p.Steps), Live: []int{1}, Open: p.Outlook != nil, Fingerprint: p.Fingerprint, Plan: p}
	}
	records := recordsOf([]run.Event{
		run.Accepted{Run: "r", Steps: 1, Live: []int{1}, Open: true, Fingerprint: first.Fingerprint},
		run.Opened{},
		run.Intended{Batch: run.Batch{First: 1, Last: 1, Live: true}},
		run.Performed{N: 1, Values: map[string]string{"": "yes"}, Failed: "so that it is planned anew"},
		grown(second),
		run.Intended{Batch: run.Batch{First: 2, Last: 2}},
		run.Sent{First: 2, Last: 2},
		run.StepDone{N: 2},
		grown(third),
	})
	r := begun(t, s, l, first)
	appended(t, r, records[:3]...)
	if sum, err := s.Find(t.Context(), Last); err != nil || sum.State != "waits" || sum.Waiting != 1 {
		t.Errorf("while a question is asked: %+v, %v", sum, err)
	}
	appended(t, r, records[3:len(records)-1]...)
	if err := r.Append(t.Context(), run.Record{Seq: 9, Event: run.Grown{Steps: 1, Plan: third}}); err == nil {
		t.Error("a plan that lacks what was done is taken")
	}
	appended(t, r, records[len(records)-1])
	sum, err := s.Find(t.Context(), Last)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.PlanJSON(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := third.Write(&want, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" || sum.Steps != 3 || sum.Fingerprint != third.Fingerprint {
		t.Errorf("%s\n%+v", diff, sum)
	}
	var blobs int
	if err := s.db.QueryRow("SELECT count(*) FROM blobs").Scan(&blobs); err != nil || blobs != 3 {
		t.Errorf("%d blobs, want the plan and two files; %v", blobs, err)
	}
	if _, err := s.Continue(t.Context(), r.ID(), l); err != nil {
		t.Error("what was written cannot be folded:", err)
	}
}

func troubleOf(err error) Trouble {
	var e *Error
	if errors.As(err, &e) {
		return e.Trouble
	}
	return 0
}

// Records come in order and without gaps, and only such as can be folded.
func TestAppendRefuses(t *testing.T) {
	s := fresh(t)
	r := begun(t, s, leased(t, s, "OT2-1"), planOf("mix", 3))
	all := whole(3)
	appended(t, r, all[:4]...)
	for name, records := range map[string][]run.Record{
		"a gap":             {all[5]},
		"again":             {all[3]},
		"the second a gap":  {all[4], all[6]},
		"what cannot be":    {{Seq: 5, Event: run.StepDone{N: 3}}},
		"the second cannot": {all[4], {Seq: 6, Event: run.StepDone{N: 3}}},
	} {
		if err := r.Append(t.Context(), records...); err == nil {
			t.Error(name)
		}
	}
	if got, err := r.Read(t.Context()); err != nil || len(got) != 4 {
		t.Errorf("%d records, %v", len(got), err)
	}
	appended(t, r, all[4:]...)
}

// A run of a simulator keeps back what says little, and loses no order by it.
func TestLazy(t *testing.T) {
	s := fresh(t)
	r, err := s.Begin(t.Context(), Start{Plan: planOf("mix", 3), Robot: Robot{Simulated: true}, By: me, Lazy: true})
	if err != nil {
		t.Fatal(err)
	}
	all := whole(3)
	count := func() (n int) {
		for _, err := range s.Events(t.Context(), Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	appended(t, r, all[:8]...)
	if n := count(); n != 4 {
		t.Errorf("%d are written", n)
	}
	if got, err := r.Read(t.Context()); err != nil || len(got) != 8 {
		t.Errorf("%d records, %v", len(got), err)
	}
	appended(t, r, all[8:]...)
	got, err := r.Read(t.Context())
	if diff := cmp.Diff(all, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// Whatever a journal is told in whatever portions, it gives back the same.
func TestReadIsAppend(t *testing.T) {
	s := fresh(t)
	l := leased(t, s, "OT2-1")
	rapid.Check(t, func(t *rapid.T) {
		lazy := rapid.Bool().Draw(t, "lazy")
		steps := rapid.IntRange(1, 6).Draw(t, "steps")
		start := Start{Plan: planOf("p", steps), By: me, Lazy: lazy}
		if !lazy {
			start.Robot, start.Lease = Robot{Key: l.robot}, l
		}
		r, err := s.Begin(context.Background(), start)
		if err != nil {
			t.Fatal(err)
		}
		var want []run.Record
		var m run.Machine
		for m.State().Stage != run.Over {
			var portion []run.Record
			for range rapid.IntRange(1, 4).Draw(t, "portion") {
				if e := nextEvent(t, &m); e != nil {
					at := t0.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "at")))
					portion = append(portion, run.Record{Seq: int64(len(want) + len(portion) + 1), At: at, Event: e})
				}
			}
			if err := r.Append(context.Background(), portion...); err != nil {
				t.Fatal(err)
			}
			want = append(want, portion...)
		}
		sum, err := s.Find(context.Background(), r.ID())
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if state := m.State(); sum.Verdict != state.Verdict || sum.Done != state.Done || sum.Doubt != state.Doubt || sum.Seq != int64(len(want)) || !sum.Over() {
			t.Fatalf("%+v", sum)
		}
		var notable []run.Record
		for e, err := range s.Events(context.Background(), Query{Run: r.ID(), Notable: true}) {
			if err != nil {
				t.Fatal(err)
			}
			notable = append(notable, e.Record)
		}
		want = slices.DeleteFunc(want, func(r run.Record) bool { return isRoutine(r.Event.Kind()) })
		if diff := cmp.Diff(want, notable); diff != "" {
			t.Fatal(diff)
		}
	})
}

// nextEvent draws an event that can happen now, and lets it happen.
func nextEvent(t *rapid.T, m *run.Machine) run.Event {
	s := m.State()
	next, text := s.Done+1, rapid.SampledFrom([]string{"", "door", `"<&>" µ 🧪`}).Draw(t, "text")
	events := []run.Event{
		run.Accepted{Run: "r", Workflow: text, Steps: 3, Fence: 1},
		run.Opened{Handle: run.Handle(`{"a":"<&>"}`)},
		run.OpenFailed{Why: run.Busy, Reason: text},
		run.Intended{Batch: run.Batch{First: next, Last: 3, Final: true}},
		run.Sent{First: s.Batch.First, Last: s.Batch.Last},
		run.Refused{First: s.Batch.First, Last: s.Batch.Last, Why: run.Rejected, Reason: text},
		run.StepStarted{N: next},
		run.StepDone{N: next, Evidence: text},
		run.StepFailed{N: next, Evidence: text},
		run.Doubted{First: next, Last: s.Batch.Last, Evidence: text},
		run.Waiting{N: next, Text: text},
		run.PauseAsked{By: text},
		run.Halting{Status: run.DoorOpen},
		run.Resumed{},
		run.Lost{Reason: text},
		run.Regained{},
		run.Ended{Status: run.Succeeded, Reason: text},
		run.Left{Reason: text},
		run.Restarted{Fence: 1},
		run.Reattached{},
		run.Finished{Verdict: s.Verdict},
	}
	e := rapid.SampledFrom(events).Draw(t, "event")
	if _, err := m.On(e); err != nil {
		return nil
	}
	return e
}

// A robot has one owner; one that is gone is succeeded, with its unfinished
// run; and who was succeeded cannot write.
func TestLease(t *testing.T) {
	s := fresh(t)
	other := opened(t, s.Path(), Options{})
	l := leased(t, s, "OT2-1")
	r := begun(t, s, l, planOf("mix", 3))
	all := whole(3)
	appended(t, r, all[:4]...)
	_, err := other.Lease(t.Context(), "OT2-1", Holder{"ben", "laptop", 7})
	var held *Held
	if !errors.As(err, &held) || held.Holder != me || held.Run != r.ID() || !strings.Contains(err.Error(), "anna on bench-pc (process 42) since") {
		t.Fatalf("%v", err)
	}
	if o, err := other.Owner(t.Context(), "OT2-1"); err != nil || o == nil || o.Holder != me {
		t.Fatal(o, err)
	}
	leased(t, other, "OT2-2") // another robot is not touched by it

	l.unlock() // the process is gone; the row says that it holds the robot
	if o, err := other.Owner(t.Context(), "OT2-1"); err != nil || o != nil {
		t.Fatal("who is gone holds nothing", o, err)
	}
	next := leased(t, other, "OT2-1")
	if next.Fence() <= l.Fence() || !slices.Equal(next.Unfinished(), []string{r.ID()}) {
		t.Fatalf("fence %d after %d, unfinished %v", next.Fence(), l.Fence(), next.Unfinished())
	}
	var fenced *Fenced
	if err := r.Append(t.Context(), all[4]); !errors.As(err, &fenced) {
		t.Fatal("an old owner wrote:", err)
	}
	var open *Unreconciled
	if _, err := other.Begin(t.Context(), Start{Plan: planOf("b", 1), Robot: Robot{Key: "OT2-1"}, Lease: next}); !errors.As(err, &open) || open.Runs[0] != r.ID() {
		t.Fatal("another run was begun:", err)
	}
	again, err := other.Continue(t.Context(), r.ID(), next)
	if err != nil {
		t.Fatal(err)
	}
	appended(t, again, all[4:]...)
	if err := next.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	third := leased(t, s, "OT2-1")
	if len(third.Unfinished()) != 0 {
		t.Error(third.Unfinished())
	}
	begun(t, s, third, planOf("b", 1))
}

func TestFind(t *testing.T) {
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	s := opened(t, filepath.Join(t.TempDir(), "j"), Options{Now: func() time.Time { return at }})
	begin := func(now time.Time) string {
		at = now
		r, err := s.Begin(t.Context(), Start{Plan: planOf("p", 1)})
		if err != nil {
			t.Fatal(err)
		}
		return r.ID()
	}
	var no *NoRun
	if _, err := s.Find(t.Context(), Last); !errors.As(err, &no) || err.Error() != "nothing has been run yet" {
		t.Error(err)
	}
	var ids []string
	for _, now := range []time.Time{t0, t0, t0.Add(time.Second), t0.Add(24 * time.Hour), time.Date(2026, 12, 1, 23, 59, 59, 999e6, time.UTC)} {
		ids = append(ids, begin(now))
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("not sorted:", ids)
	}
	for ref, want := range map[string]string{
		ids[0]: ids[0], Last: ids[4], "261124": ids[3], "2612": ids[4], ids[3][7:]: "", ids[4][7:9]: ids[4], strings.ToUpper(ids[4]): ids[4], "261123": "", "x*": "none", "": "none", "-": "none", "99": "none",
	} {
		sum, err := s.Find(t.Context(), ref)
		switch {
		case want == "" && (!errors.As(err, &no) || len(no.Many) < 2):
			t.Errorf("%q: %v %v", ref, sum, err)
		case want == "none" && (!errors.As(err, &no) || no.Many != nil):
			t.Errorf("%q: %v %v", ref, sum, err)
		case want != "" && want != "none" && (err != nil || sum.ID != want):
			t.Errorf("%q: %v %v", ref, sum, err)
		}
	}
}

func TestRuns(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "j"), Options{Now: clock()})
	l := leased(t, s, "OT2-1")
	var ids []string
	for i, name := range []string{"mix_a", "mix-b", "mix_a", "mix_a"} {
		r := begun(t, s, l, planOf(name, 3))
		records := whole(3)
		if i == 2 {
			records = recordsOf([]run.Event{run.Accepted{Steps: 3}, run.OpenFailed{Why: run.Busy, Reason: "somebody's"}, run.Finished{Verdict: run.VerdictFailed}})
		}
		if i == 3 {
			records = records[:4]
		}
		appended(t, r, records...)
		ids = append(ids, r.ID())
	}
	slices.Reverse(ids) // newest first
	for _, c := range []struct {
		name string
		f    Filter
		want []string
	}{
		{"all", Filter{}, ids},
		{"workflow", Filter{Workflow: "mix-a"}, []string{ids[0], ids[1], ids[3]}},
		{"workflow with _", Filter{Workflow: "mix_b"}, []string{ids[2]}},
		{"robot's name", Filter{Robot: "left bench"}, ids},
		{"robot's serial", Filter{Robot: "OT2-1"}, ids},
		{"another robot", Filter{Robot: "OT2-9"}, nil},
		{"ok", Filter{State: "ok"}, ids[2:]},
		{"failed", Filter{State: "failed"}, ids[1:2]},
		{"open", Filter{State: "open"}, ids[:1]},
		{"first page", Filter{Limit: 2}, ids[:2]},
		{"next page", Filter{Limit: 2, After: ids[1]}, ids[2:]},
		{"since", Filter{Since: s.now().Add(-time.Hour)}, ids},
		{"until", Filter{Until: t0}, nil},
	} {
		var got []string
		for sum, err := range s.Runs(t.Context(), c.f) {
			if err != nil {
				t.Fatal(c.name, err)
			}
			got = append(got, sum.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	for _, state := range States() {
		for sum, err := range s.Runs(t.Context(), Filter{State: state}) {
			if err != nil || sum.State != state {
				t.Error(state, sum, err)
			}
		}
	}
}

func TestMessages(t *testing.T) {
	s := fresh(t)
	other := opened(t, s.Path(), Options{})
	r := begun(t, s, leased(t, s, "OT2-1"), planOf("p", 1))
	if got, err := r.Take(t.Context()); err != nil || got != nil {
		t.Error(got, err)
	}
	for _, kind := range []string{"pause", "stop"} {
		if err := other.Post(t.Context(), r.ID(), Message{By: me, Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := r.Take(t.Context())
	if err != nil || len(got) != 2 || got[0].Kind != "pause" || got[1].Kind != "stop" || got[1].By.Name != "anna" || string(got[1].Data) != "{}" {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := r.Take(t.Context()); err != nil || got != nil {
		t.Error("taken twice:", got, err)
	}
	var no *NoRun
	if err := other.Post(t.Context(), "000000-0000", Message{}); !errors.As(err, &no) {
		t.Error(err)
	}
}

// Watch sees what another process, here another Store, writes.
func TestWatch(t *testing.T) {
	s := fresh(t)
	other := opened(t, s.Path(), Options{ReadOnly: true})
	r := begun(t, s, leased(t, s, "OT2-1"), planOf("p", 3))
	all, n := whole(3), 0
	err := other.Watch(t.Context(), func() (bool, error) {
		if n < len(all) {
			appended(t, r, all[n])
		}
		n++
		sum, err := other.Find(t.Context(), r.ID())
		return err == nil && !sum.Over(), err
	})
	if err != nil || n < len(all) {
		t.Error(n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := other.Watch(ctx, func() (bool, error) { return true, nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestPrune(t *testing.T) {
	at := t0
	s := opened(t, filepath.Join(t.TempDir(), "j"), Options{Now: func() time.Time { return at }})
	big := planOf("big", 3)
	big.Files[0].Data = make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(big.Files[0].Data) // nothing that deflates
	one, two := leased(t, s, "OT2-1"), leased(t, s, "OT2-2")
	appended(t, begun(t, s, one, big), whole(3)...)
	appended(t, begun(t, s, one, planOf("mix", 3)), whole(3)...)
	stuck := begun(t, s, two, planOf("mix", 3))
	appended(t, stuck, whole(3)[:5]...)
	at = t0.Add(time.Hour)
	kept := begun(t, s, one, planOf("mix", 3))
	later := whole(3)
	for i := range later {
		later[i].At = later[i].At.Add(time.Hour)
	}
	appended(t, kept, later...)
	size := func() (pages int64) {
		if err := s.db.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
			t.Fatal(err)
		}
		return pages * 4096
	}
	if none, err := s.Prune(t.Context(), t0.Add(time.Minute), true); err != nil || none.Runs > 0 {
		t.Errorf("runs of which nobody has counted what they used: %+v, %v", none, err)
	}
	if err := s.write(t.Context(), func(t *tx) error { // these plans are none that Settle could read
		return t.exec("INSERT INTO uses (run, seq, began, data) SELECT id, seq, began, '{}' FROM runs WHERE ended IS NOT NULL")
	}); err != nil {
		t.Fatal(err)
	}
	dry, err := s.Prune(t.Context(), t0.Add(time.Minute), true)
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := s.Find(t.Context(), stuck.ID()); err != nil || sum.Seq != 5 {
		t.Error(sum, err)
	}
	before := size()
	done, err := s.Prune(t.Context(), t0.Add(time.Minute), false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dry, done); diff != "" {
		t.Errorf("a dry run said otherwise: %s", diff)
	}
	if done.Runs != 2 || done.Events != int64(2*len(later)) || done.Bytes < 1<<20 || !slices.Equal(done.Kept, []string{stuck.ID()}) {
		t.Errorf("%+v", done)
	}
	if after := size(); after > before-1<<20 {
		t.Errorf("the file has %d bytes, before %d", after, before)
	}
	for table, want := range map[string]int{"runs": 2, "events": len(later) + 5, "blobs": 3, "files": 4, "params": 4} {
		var n int
		if err := s.db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil || n != want {
			t.Errorf("%s has %d rows, want %d (%v)", table, n, want, err)
		}
	}
	if sum, err := s.Find(t.Context(), kept.ID()); err != nil {
		t.Error(err)
	} else if _, err := s.PlanJSON(t.Context(), sum); err != nil {
		t.Error(err)
	}
}

func TestStateDir(t *testing.T) {
	home := func() (string, error) { return "/home/anna", nil }
	for _, c := range []struct{ goos, xdg, local, want string }{
		{"linux", "", "", "/home/anna/.local/state"},
		{"linux", "/state", "", "/state"},
		{"linux", "state", "", "/home/anna/.local/state"},
		{"darwin", "", "", "/home/anna/Library/Application Support"},
		{"windows", "", `C:\Users\anna\AppData\Local`, `C:\Users\anna\AppData\Local`},
		{"windows", "", "", ""},
	} {
		env := func(name string) string {
			return map[string]string{"XDG_STATE_HOME": c.xdg, "LocalAppData": c.local}[name]
		}
		got, err := stateDir(c.goos, env, home)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	if _, err := stateDir("linux", func(string) string { return "" }, func() (string, error) { return "", errors.New("none") }); err == nil {
		t.Error("no home is no place")
	}
}

// A journal that is not there is only made by who writes.
func TestMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "j.db")
	if _, err := Open(t.Context(), path, Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("reading made a folder")
	}
	weird := filepath.Join(t.TempDir(), "a b?c#d%41&mode=ro")
	s := opened(t, weird, Options{})
	begun(t, s, leased(t, s, "192.168.1.20:31950/[::1]"), planOf("p", 1))
	if _, err := os.Stat(weird); err != nil {
		t.Error(err)
	}
}
