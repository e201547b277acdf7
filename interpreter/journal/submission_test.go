package journal

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ot2flow/ot2flow/ot2"
)

func submitted(t *testing.T, s *Store, o Submission) *Submission {
	t.Helper()
	got, fresh, err := s.Submit(t.Context(), o, planOf("mix", 2))
	if err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	return got
}

// What was accepted is there after the file was closed, with its plan, becomes the
// run of its id, and becomes that once.
func TestSubmissionBecomesItsRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	one := submitted(t, s, Submission{Queue: "bench", Workflow: "mix", Given: []byte(`{"a": 1}`), Priority: 2, Experiment: "e", By: me, Project: "p"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, path, Options{})
	plan, err := s.SubmittedPlan(t.Context(), one.ID, ot2.Machine{})
	if err != nil || plan.Workflow.Name != "mix" || len(plan.Steps) != 2 || len(plan.Files) != 2 {
		t.Fatalf("%v %+v", err, plan)
	}
	l := leased(t, s, "bench")
	start := Start{Plan: plan, Robot: Robot{Key: l.robot}, By: me, Lease: l, Submission: one.ID}
	r, err := s.Begin(t.Context(), start)
	if err != nil || r.ID() != one.ID {
		t.Fatal(r, err)
	}
	var taken *Taken
	if _, err := s.Begin(t.Context(), start); !errors.As(err, &taken) || taken.State != Begun {
		t.Errorf("begun twice: %v", err)
	}
	if err := s.CloseSubmission(t.Context(), one.ID, Queued, Withdrawn, ""); !errors.As(err, &taken) {
		t.Errorf("withdrawn while it is carried out: %v", err)
	}
	if _, err := s.SubmittedPlan(t.Context(), one.ID, ot2.Machine{}); !errors.As(err, &taken) {
		t.Errorf("its plan is still to be begun: %v", err)
	}
	if open, err := s.Open(t.Context(), "bench"); err != nil || len(open) != 1 || open[0] != one.ID {
		t.Errorf("%v %v", open, err)
	}
	got, err := s.Submission(t.Context(), one.ID)
	if err != nil || got.State != Begun || got.Closed.IsZero() || string(got.Given) != `{"a": 1}` || got.Experiment != "e" || got.Priority != 2 || got.Project != "p" || got.By.Name != me.Name {
		t.Errorf("%v %+v", err, got)
	}
}

// However many ask with one key at a time, one submission comes of it.
func TestSubmissionKeyIsUnique(t *testing.T) {
	s := fresh(t)
	var all sync.WaitGroup
	ids := make([]string, 20)
	firsts := make([]bool, len(ids))
	for i := range ids {
		all.Go(func() {
			o, first, err := s.Submit(t.Context(), Submission{Queue: "bench", Workflow: "mix", Key: "k", Asked: "x", By: me}, planOf("mix", 1))
			if err != nil {
				t.Error(err)
				return
			}
			ids[i], firsts[i] = o.ID, first
		})
	}
	all.Wait()
	n := 0
	for i := range ids {
		if ids[i] != ids[0] {
			t.Fatalf("%v", ids)
		}
		if firsts[i] {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d were told that theirs is the first", n)
	}
	// Without a key, each is one of its own; a run that is begun has an id of its own, too.
	seen := map[string]bool{ids[0]: true}
	for range 3 {
		o := submitted(t, s, Submission{Queue: "bench", By: me})
		if seen[o.ID] {
			t.Error("twice", o.ID)
		}
		seen[o.ID] = true
	}
	r, err := s.Begin(t.Context(), Start{Plan: planOf("mix", 1), Robot: Robot{Simulated: true}, By: me})
	if err != nil || seen[r.ID()] {
		t.Error(r, err)
	}
	var queued []string
	for o, err := range s.Submissions(t.Context(), "bench", Queued) {
		if err != nil {
			t.Fatal(err)
		}
		queued = append(queued, o.ID)
	}
	if len(queued) != 4 || queued[0] != ids[0] {
		t.Errorf("%v", queued)
	}
}

// Pruning forgets what was withdrawn long ago, and keeps what waits.
func TestSubmissionsArePruned(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "journal.db"), Options{Now: clock()})
	waits, gone := submitted(t, s, Submission{Queue: "b"}), submitted(t, s, Submission{Queue: "b"})
	if err := s.CloseSubmission(t.Context(), gone.ID, Queued, Withdrawn, "not needed"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prune(t.Context(), t0.AddDate(1, 0, 0), false); err != nil {
		t.Fatal(err)
	}
	var none *NoRun
	if _, err := s.Submission(t.Context(), gone.ID); !errors.As(err, &none) {
		t.Error(err)
	}
	if plan, err := s.SubmittedPlan(t.Context(), waits.ID, ot2.Machine{}); err != nil || plan.Workflow.Name != "mix" {
		t.Error(err)
	}
}
