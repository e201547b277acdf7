package main

import "testing"

// While there is much to do there may be more garbage, as long as little is in use;
// when there is nothing to do any more, memory is given back once.
func TestBreathe(t *testing.T) {
	percent, freed := 100, 0
	l := lungs{percent: 100, set: func(p int) int { percent = p; return p }, free: func() { freed++ }}
	const mib = 1 << 20
	allocated := uint64(0)
	breath := func(alloc, live uint64, want, wantFreed int) {
		t.Helper()
		allocated += alloc
		l.take(allocated, live)
		if percent != want || freed != wantFreed {
			t.Errorf("%d percent, freed %d times; want %d and %d", percent, freed, want, wantFreed)
		}
	}
	breath(1*mib, 8*mib, 100, 0)
	breath(100*mib, 8*mib, 800, 0)
	breath(100*mib, 9*mib, 800, 0)
	breath(100*mib, 32*mib, 200, 0)
	breath(100*mib, 400*mib, 100, 0)
	breath(100*mib, 0, 6400, 0)
	for range restful - 1 {
		breath(0, 8*mib, 6400, 0)
	}
	breath(100*mib, 8*mib, 800, 0)
	for range restful - 1 {
		breath(0, 8*mib, 800, 0)
	}
	breath(0, 8*mib, 100, 1)
	for range 20 {
		breath(0, 8*mib, 100, 1)
	}
}
