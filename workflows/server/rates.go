package server

import (
	"net/netip"
	"sync"
	"time"
)

// rates counts what addresses send, each a little at a time: what came is remembered
// as the moment at which it would all have come at the rate that is allowed, and no
// one may be further ahead than burst of it (the generic cell rate algorithm).
type rates struct {
	each float64 // requests a second; 0 is any

	mu    sync.Mutex
	due   map[netip.Addr]time.Time
	swept time.Time
}

// burst is the time whose requests an address may send at once.
const burst = 2 * time.Second

// take counts a request, or says for how long none is taken.
func (r *rates) take(address string, now time.Time) (after time.Duration) {
	if r.each <= 0 {
		return 0
	}
	from, local := sender(address)
	if local {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	at := r.due[from]
	if at.Before(now) {
		at = now
	}
	if ahead := at.Sub(now); ahead > burst {
		return ahead - burst
	}
	r.due[from] = at.Add(time.Duration(float64(time.Second) / r.each))
	return 0
}

// sender is whose address it is: of IPv6, where everybody has many, the network. It is
// local where it is this computer, or none that is known.
func sender(address string) (from netip.Addr, local bool) {
	at, err := netip.ParseAddrPort(address)
	if err != nil || at.Addr().Unmap().IsLoopback() {
		return from, true
	}
	from = at.Addr().Unmap().WithZone("")
	if from.Is6() {
		if net, err := from.Prefix(64); err == nil {
			from = net.Addr()
		}
	}
	return from, false
}

// sweep forgets those who sent nothing lately.
func (r *rates) sweep(now time.Time) {
	if r.due == nil {
		r.due = map[netip.Addr]time.Time{}
	}
	if now.Sub(r.swept) < burst {
		return
	}
	r.swept = now
	for from, at := range r.due {
		if at.Before(now) {
			delete(r.due, from)
		}
	}
}

// few is how much of something is let through: at once a few, and then one a second.
type few struct {
	mu   sync.Mutex
	left float64
	last time.Time
}

// fewAtOnce is how many there may be at once.
const fewAtOnce = 20

// take reports whether this one is let through.
func (f *few) take(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last.IsZero() {
		f.left = fewAtOnce
	} else {
		f.left = min(fewAtOnce, f.left+now.Sub(f.last).Seconds())
	}
	f.last = now
	if f.left < 1 {
		return false
	}
	f.left--
	return true
}
