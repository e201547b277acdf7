package journal

import (
	"bytes"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

func computedOf(t testing.TB, p *program.Plan) *Computed {
	t.Helper()
	f, err := FormOf(p)
	if err != nil {
		t.Fatal(err)
	}
	return &Computed{Form: f, Params: p.Workflow.Params, Outputs: p.Outputs, Given: []byte(`{"z":1}`), Robot: Robot{Name: "sim"}, By: me, Project: "p", Version: "test"}
}

// A computed run is one row, and is read like any other: the plan is the one that was
// given, byte for byte, and the events tell a run that was done.
func TestComputed(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "journal.db"), Options{Now: clock()})
	for name, outputs := range map[string][]program.Output{
		"none": nil, "two": {{Name: "t", Type: "volume", Value: `"1 uL"`}, {Name: "l", Type: "list of text", Value: `[", \n \"estimate_s\": ",{"a": [1, 2]}]`}},
	} {
		p := planOf(`odd, "params": {}} `+name, 0)
		p.Outputs = outputs
		o := computedOf(t, p)
		id, at, isNew, err := s.Compute(t.Context(), o)
		if err != nil || !isNew {
			t.Fatal(isNew, err)
		}
		sum, err := s.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if sum.State != "ok" || !sum.Over() || !sum.Began.Equal(at) || sum.Workflow != p.Workflow.Name || sum.By != me || sum.Project != "p" || !sum.Robot.Simulated || sum.Seq != ComputedSeq {
			t.Errorf("%+v", sum)
		}
		var want bytes.Buffer
		if err := p.Write(&want, true); err != nil {
			t.Fatal(err)
		}
		got, err := s.PlanJSON(t.Context(), sum)
		if err != nil || string(got) != want.String() {
			t.Errorf("%v\n%s\nwant\n%s", err, got, want.String())
		}
		params, err := s.Params(t.Context(), sum)
		if diff := cmp.Diff(p.Workflow.Params, params); diff != "" || err != nil {
			t.Error(diff, err)
		}
		files, err := s.Files(t.Context(), sum)
		if diff := cmp.Diff(p.Files, files); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if given, _ := sum.Given(); string(given) != `{"z":1}` {
			t.Errorf("%s", given)
		}
		for after := range int64(4) {
			var records []run.Record
			for e, err := range s.Events(t.Context(), Query{Run: id, AfterSeq: after}) {
				if err != nil {
					t.Fatal(err)
				}
				records = append(records, e.Record)
			}
			if int64(len(records)) != 3-after {
				t.Errorf("%d events behind %d", len(records), after)
			}
			if after > 0 {
				continue
			}
			plan, err := s.Plan(t.Context(), sum, ot2.Machine{})
			if err != nil {
				t.Fatal(err)
			}
			story, err := run.Tell(plan, records)
			if err != nil || story.Last().State.Verdict != run.VerdictOK {
				t.Errorf("%v %+v", err, story)
			}
		}
	}
	if pruned, err := s.Prune(t.Context(), t0.Add(time.Hour), false); err != nil || pruned.Runs != 2 || pruned.Bytes == 0 {
		t.Errorf("%+v %v", pruned, err)
	}
	// What was remembered of the form is not relied upon when it is gone.
	if _, _, _, err := s.Compute(t.Context(), computedOf(t, planOf("two", 0))); err != nil {
		t.Error(err)
	}
}

// Under one key there is one run, whether it was computed or waits.
func TestComputedKeyIsUnique(t *testing.T) {
	s := fresh(t)
	o := computedOf(t, planOf("w", 0))
	o.Key, o.Asked, o.Queue = "k", "a", "sim"
	id, _, isNew, err := s.Compute(t.Context(), o)
	if err != nil || !isNew {
		t.Fatal(isNew, err)
	}
	if again, _, isNew, err := s.Compute(t.Context(), o); again != id || isNew || err != nil {
		t.Error(again, isNew, err)
	}
	was, isNew, err := s.Submit(t.Context(), Submission{Key: "k", Queue: "sim", Workflow: "w"}, planOf("w", 1))
	if err != nil || isNew || was.ID != id || was.State != Begun || string(was.Given) != `{"z":1}` {
		t.Errorf("%+v %v %v", was, isNew, err)
	}
	if list, err := s.Open(t.Context(), "sim"); err != nil || len(list) != 0 {
		t.Errorf("a run that is over is taken up: %v %v", list, err)
	}
	var taken *Taken
	if err := s.CloseSubmission(t.Context(), id, Queued, Withdrawn, ""); !errors.As(err, &taken) {
		t.Error(err)
	}
}

// Ids are unique however many runs there are in a moment, of all kinds.
func TestManyIDs(t *testing.T) {
	at := t0
	s := opened(t, filepath.Join(t.TempDir(), "journal.db"), Options{Now: func() time.Time { return at }})
	o := computedOf(t, planOf("w", 0))
	var mu sync.Mutex
	seen := map[string]bool{}
	took := func(id string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil || seen[id] {
			t.Errorf("%s %v", id, err)
		}
		seen[id] = true
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 40 {
				id, _, _, err := s.Compute(t.Context(), o)
				took(id, err)
			}
			for range 10 {
				sub, _, err := s.Submit(t.Context(), Submission{Queue: "sim"}, planOf("w", 1))
				took(sub.ID, err)
			}
		})
	}
	all.Wait()
	if len(seen) != 8*50 {
		t.Errorf("%d ids", len(seen))
	}
	for id := range seen {
		if sum, err := s.Find(t.Context(), id); len(id) == len("261123-4x7k3fq") && (err != nil || sum.ID != id) {
			t.Errorf("%s is %+v, %v", id, sum, err)
		}
	}
}

// BenchmarkCompute keeps computed runs that many ask for at the same time.
func BenchmarkCompute(b *testing.B) {
	s := fresh(b)
	p := planOf("w", 0)
	p.Outputs = []program.Output{{Name: "total", Type: "volume", Value: `"180 uL"`}}
	o := computedOf(b, p)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, _, err := s.Compute(b.Context(), o); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}
