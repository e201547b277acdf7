package journal

import (
	"path/filepath"
	"testing"
	"time"
)

// What people have said of queues, and how far schedules were looked at, is there when
// the journal is opened again.
func TestStandingOutlivesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	s, err := Open(t.Context(), path, Options{Now: func() time.Time { return t0 }})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, why := range []string{"calibration", "another reason"} {
		if err := s.StopQueue(ctx, Stop{Queue: "bench-3", By: me, Why: why}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.StopQueue(ctx, Stop{Queue: "bench-4", By: me}); err != nil {
		t.Fatal(err)
	}
	if err := s.StartQueue(ctx, "bench-4"); err != nil {
		t.Fatal(err)
	}
	past, err := s.CloseQueue(ctx, Closure{From: t0.Add(-2 * time.Hour), To: t0.Add(-time.Hour), By: me})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := s.CloseQueue(ctx, Closure{Queue: "bench-3", From: t0.Add(time.Hour), To: t0.Add(2 * time.Hour), Why: "cleaning", By: me})
	if err != nil || kept == past {
		t.Fatal(kept, err)
	}
	gone, err := s.CloseQueue(ctx, Closure{From: t0, To: t0.Add(time.Hour), By: me})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if was, err := s.OpenQueue(ctx, gone); err != nil || was != (i == 0) {
			t.Errorf("taken back for the %d. time: %v %v", i+1, was, err)
		}
	}
	for _, m := range []Mark{{"rinse", "0 6 * * *", t0}, {"rinse", "0 7 * * *", t0.Add(time.Minute)}} {
		if err := s.MarkSchedule(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, path, Options{Now: func() time.Time { return t0 }})
	stops, err := s.Stops(ctx)
	if err != nil || len(stops) != 1 || stops[0].Queue != "bench-3" || stops[0].Why != "calibration" || stops[0].By.Name != me.Name || !stops[0].At.Equal(t0) {
		t.Errorf("%+v %v", stops, err)
	}
	closures, err := s.Closures(ctx)
	if err != nil || len(closures) != 1 || closures[0].ID != kept || closures[0].Queue != "bench-3" || closures[0].Why != "cleaning" || !closures[0].To.Equal(t0.Add(2*time.Hour)) {
		t.Errorf("%+v %v", closures, err)
	}
	marks, err := s.Marks(ctx)
	if m := marks["rinse"]; err != nil || len(marks) != 1 || m.Times != "0 7 * * *" || !m.Upto.Equal(t0.Add(time.Minute)) {
		t.Errorf("%+v %v", marks, err)
	}
}

// What several robots may take is of the one that took it, so that it finds it again.
func TestSubmissionIsOfTheRobotThatTookIt(t *testing.T) {
	s := fresh(t)
	one := submitted(t, s, Submission{Queue: "*", Workflow: "mix", Experiment: "e", Labels: []string{"a", "b"}, By: me})
	if id, err := s.UnderWay(t.Context(), "e"); err != nil || id != "" {
		t.Errorf("%q is under way: %v", id, err)
	}
	l := leased(t, s, "bench")
	if _, err := s.Begin(t.Context(), Start{Plan: planOf("mix", 2), Robot: Robot{Key: l.robot}, By: me, Lease: l, Submission: one.ID, Queue: "bench-3"}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Submission(t.Context(), one.ID)
	if err != nil || got.Queue != "bench-3" || len(got.Labels) != 2 || got.Labels[1] != "b" {
		t.Errorf("%+v %v", got, err)
	}
	if open, err := s.Open(t.Context(), "bench-3"); err != nil || len(open) != 1 {
		t.Errorf("%v %v", open, err)
	}
	if id, err := s.UnderWay(t.Context(), "e"); err != nil || id != one.ID {
		t.Errorf("%q is under way: %v", id, err)
	}
}
