package service

import (
	"fmt"
	"maps"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/journal"
)

// What a device remembers of its queues is what the journal has, whatever was accepted,
// begun or taken back in between, also by another process.
func TestLineIsWhatWaits(t *testing.T) {
	d := bench(t, Sim, t.TempDir()+"/journal.db", mixText)
	store, err := d.Service.Journal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, err := journal.Open(t.Context(), store.Path(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	plan, err := d.Plan("mix-colors", nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range 60 {
		by := []*journal.Store{store, other}[i%2]
		if i%3 == 2 {
			if err := by.CloseSubmission(t.Context(), ids[i*7%len(ids)], journal.Queued, journal.Withdrawn, ""); err != nil {
				t.Log(err) // it was before
			}
		} else {
			o, _, err := by.Submit(t.Context(), journal.Submission{Queue: Sim, Workflow: "mix-colors", Priority: i * 5 % 4, Experiment: []string{"", "a", "b"}[i%5%3]}, plan)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, o.ID)
		}
		if i%4 == 1 {
			continue // nobody looks
		}
		all, err := submissions(t.Context(), store, journal.Queued)
		if err != nil {
			t.Fatal(err)
		}
		want := placesIn(all)
		for _, id := range ids {
			if got, err := d.line.place(t.Context(), store, id); err != nil || got != want[id] {
				t.Fatalf("after %d: %s is %v, want %v (%v)", i, id, got, want[id], err)
			}
		}
		if got, err := d.line.waiting(t.Context(), store); err != nil || len(got) != len(all) || !maps.Equal(placesIn(got), want) {
			t.Fatalf("after %d: %v", i, err)
		}
	}
}

// BenchmarkViewOfQueued is what it takes to show one of many runs that wait.
func BenchmarkViewOfQueued(b *testing.B) {
	for _, n := range []int{10, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := bench(b, Sim, b.TempDir()+"/journal.db", mixText)
			store, err := d.Service.Journal(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			plan, err := d.Plan("mix-colors", nil)
			if err != nil {
				b.Fatal(err)
			}
			var id string
			for range n {
				o, _, err := store.Submit(b.Context(), journal.Submission{Queue: Sim, Workflow: "mix-colors"}, plan)
				if err != nil {
					b.Fatal(err)
				}
				id = o.ID
			}
			for b.Loop() {
				if v, err := d.View(b.Context(), id); err != nil || v.Position != n {
					b.Fatal(v, err)
				}
			}
		})
	}
}
