package journal

import (
	"path/filepath"
	"testing"
	"time"
)

// An answer is there as long as it holds for whoever asks, and is replaced by a
// newer one.
func TestAnswers(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s := opened(t, filepath.Join(t.TempDir(), "runs.db"), Options{Now: func() time.Time { return now }})
	recalled := func(within time.Duration) string {
		t.Helper()
		r, err := s.Recall(t.Context(), "k", within)
		switch {
		case err != nil:
			t.Fatal(err)
		case r == nil:
			return "nothing"
		}
		return r.Run + " " + r.Values["n"]
	}
	if got := recalled(time.Hour); got != "nothing" {
		t.Error("before anything was kept:", got)
	}
	for _, c := range []struct {
		n     string
		after time.Duration
	}{{"1", 0}, {"2", 5 * time.Minute}} {
		now = now.Add(c.after)
		if err := s.Remember(t.Context(), "k", "r"+c.n, map[string]string{"n": c.n}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(30 * time.Minute)
	for within, want := range map[time.Duration]string{time.Hour: "r2 2", 30 * time.Minute: "r2 2", 29 * time.Minute: "nothing"} {
		if got := recalled(within); got != want {
			t.Errorf("within %s: %s, want %s", within, got, want)
		}
	}
	now = now.Add(31 * time.Minute)
	if err := s.Remember(t.Context(), "other", "r3", nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := recalled(1000 * time.Hour); got != "nothing" {
		t.Error("what no longer holds is still there:", got)
	}
}
