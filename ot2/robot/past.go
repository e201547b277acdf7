package robot

import (
	"context"
	"math"
	"net/http"
	"time"
)

// Past is a run that the robot remembers, whoever made it.
type Past struct {
	ID      string
	Created time.Time // by our clock; zero where the robot does not say
	Moved   bool      // it was told to play
	Offsets []Offset  // that it began with, or was given
}

// Runs returns the runs that the robot remembers, oldest first: the last twenty.
func (r *Robot) Runs(ctx context.Context) ([]Past, error) {
	var runs envelope[[]runJSON]
	err := r.patiently(ctx, func() error {
		return r.c.do(ctx, request{method: http.MethodGet, path: "/runs", limit: r.o.Read, most: maxAnalysis}, &runs)
	})
	if err != nil {
		return nil, err
	}
	ahead := r.ahead(ctx)
	var out []Past
	for i := range runs.Data {
		one := &runs.Data[i]
		p := Past{ID: one.ID, Moved: one.plays() > 0}
		if at, err := time.Parse(time.RFC3339Nano, one.CreatedAt); err == nil {
			p.Created = at.Add(-ahead)
		}
		for _, o := range one.Offsets {
			um := func(mm float64) int64 { return int64(math.Round(mm * 1000)) }
			p.Offsets = append(p.Offsets, Offset{
				Definition: o.Definition, Slot: o.Location.Slot, Module: o.Location.Module, Adapter: o.Location.Adapter,
				X: um(o.Vector.X), Y: um(o.Vector.Y), Z: um(o.Vector.Z),
			})
		}
		out = append(out, p)
	}
	return out, nil
}

// ahead is by how much the robot's clock is ahead of ours, which is nothing where
// it does not say: an OT-2 that was long without a network may be days behind.
func (r *Robot) ahead(ctx context.Context) time.Duration {
	var e envelope[struct {
		Time string `json:"systemTime"`
	}]
	asked := time.Now()
	if err := r.read(ctx, "/system/time", &e); err != nil {
		return 0
	}
	at, err := time.Parse(time.RFC3339Nano, e.Data.Time)
	if err != nil {
		return 0
	}
	return at.Sub(asked)
}
