package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A server holds so little that its garbage is collected dozens of times a second when
// there is much to do, which takes a third of the processors. Then it may be more; as
// soon as there is nothing to do, all of it goes back to the system.

const (
	breath   = time.Second
	muchWork = 16 << 20 // bytes that are allocated in a breath
	room     = 64 << 20 // bytes of garbage while there is much to do
	restful  = 3        // breaths without much work, until memory is given back

	usualGarbage = 100 // percent of what is in use
)

// breathe does that until ctx is done.
func breathe(ctx context.Context) {
	tick := time.NewTicker(breath)
	defer tick.Stop()
	lungs := lungs{percent: usualGarbage, full: true, set: debug.SetGCPercent, free: debug.FreeOSMemory}
	defer lungs.set(usualGarbage)
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			metrics.Read(sample)
			lungs.take(sample[0].Value.Uint64(), sample[1].Value.Uint64())
		}
	}
}

// lungs decide how much garbage there may be.
type lungs struct {
	set  func(percent int) int
	free func()

	percent   int    // of what is in use
	allocated uint64 // so far
	full      bool   // there may be something to give back
	quiet     int    // breaths
}

// take sees how much was allocated so far, and how much is in use.
func (l *lungs) take(allocated, live uint64) {
	busy := allocated-l.allocated > muchWork
	l.allocated = allocated
	switch {
	case busy:
		l.quiet, l.full = 0, true
		percent := max(usualGarbage, int(room*100/max(live, 1<<20)))
		if percent > l.percent*3/2 || percent < l.percent*2/3 {
			l.percent = percent
			l.set(percent)
		}
	case l.full:
		if l.quiet++; l.quiet == restful {
			l.percent, l.quiet, l.full = usualGarbage, 0, false
			l.set(usualGarbage)
			l.free()
		}
	}
}
