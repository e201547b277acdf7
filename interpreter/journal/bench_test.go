package journal

import (
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
)

// percentile of durations, in µs.
func percentile(took []time.Duration, p int) float64 {
	slices.Sort(took)
	return float64(took[(len(took)-1)*p/100].Nanoseconds()) / 1000
}

// BenchmarkStep carries out a run on the simulator, whose steps take no time,
// with the journal and without one: what a step takes from its start to the
// start of the next is what the journal costs.
func BenchmarkStep(b *testing.B) {
	const steps = 1000
	plan := planOf("bench", steps)
	for _, kind := range []string{"memory", "lazy", "synced"} {
		b.Run(kind, func(b *testing.B) {
			s := fresh(b)
			l := leased(b, s, "OT2-1")
			var took []time.Duration
			for b.Loop() {
				o := run.Options{Run: "r", Plan: plan, Backend: sim.NewBackend(sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck)))}
				start := Start{Plan: plan, By: me}
				switch kind {
				case "lazy":
					start.Lazy = true
				case "synced":
					start.Robot, start.Lease, o.Fence = Robot{Key: l.robot}, l, l.fence
				}
				if kind != "memory" {
					r, err := s.Begin(b.Context(), start)
					if err != nil {
						b.Fatal(err)
					}
					o.Journal = r
				}
				last := time.Time{}
				o.Observe = []func(run.Event, run.Progress){func(e run.Event, _ run.Progress) {
					if _, ok := e.(run.StepDone); !ok {
						return
					}
					now := time.Now()
					if !last.IsZero() {
						took = append(took, now.Sub(last))
					}
					last = now
				}}
				if result, err := run.Run(b.Context(), o); err != nil || result.Done != steps {
					b.Fatal(result, err)
				}
			}
			b.ReportMetric(percentile(took, 50), "p50-us/step")
			b.ReportMetric(percentile(took, 99), "p99-us/step")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkAppend is the throughput of runs that write at the same time, each
// record synced before the next.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(writers), func(b *testing.B) {
			s := fresh(b)
			const n = 200
			records, total := whole(n), 0
			for b.Loop() {
				var all sync.WaitGroup
				for i := range writers {
					l, err := s.Lease(b.Context(), "OT2-"+strconv.Itoa(i), me)
					if err != nil {
						b.Fatal(err)
					}
					r := begun(b, s, l, planOf("bench", n))
					all.Go(func() {
						appended(b, r, records...)
						_ = l.Release(context.Background())
					})
				}
				all.Wait()
				total += writers * len(records)
			}
			b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(total), "us/event")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkMillion writes a run of a million events, and reads it in the ways
// that people do.
func BenchmarkMillion(b *testing.B) {
	path := filepath.Join(b.TempDir(), "j.db")
	s := opened(b, path, Options{})
	const steps = 500_000
	r, err := s.Begin(b.Context(), Start{Plan: planOf("million", 1), Robot: Robot{Simulated: true}, By: me, Lazy: true})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	for _, record := range whole(steps) {
		if err := r.Append(b.Context(), record); err != nil {
			b.Fatal(err)
		}
	}
	wrote := time.Since(start)
	b.Run("write", func(b *testing.B) {
		b.ReportMetric(wrote.Seconds()*1000, "ms")
		b.ReportMetric(0, "ns/op")
	})
	for _, c := range []struct {
		name string
		q    Query
		min  int
	}{
		{"show", Query{Run: r.ID()}, 2 * steps},
		{"show --short", Query{Run: r.ID(), Notable: true}, 6},
		{"last page", Query{Run: r.ID(), AfterSeq: 2*steps - 100}, 106},
		{"cursor over all", Query{}, 2 * steps},
	} {
		b.Run(c.name, func(b *testing.B) {
			var before, m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			peak := uint64(0)
			for b.Loop() {
				n := 0
				for _, err := range s.Events(b.Context(), c.q) {
					if err != nil {
						b.Fatal(err)
					}
					if n++; n%100_000 == 0 {
						runtime.ReadMemStats(&m)
						peak = max(peak, m.HeapInuse)
					}
				}
				if n < c.min {
					b.Fatalf("%d events", n)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms")
			b.ReportMetric(float64(max(peak, before.HeapInuse)-before.HeapInuse)/(1<<20), "MiB")
			b.ReportMetric(0, "ns/op")
		})
	}
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			for _, err := range s.Runs(b.Context(), Filter{Limit: 30}) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms")
		b.ReportMetric(0, "ns/op")
	})
}
