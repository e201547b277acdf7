package pages

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// awaiting are the states in which a run waits for a person.
var awaiting = []string{service.StateWaiting, service.StateInDoubt, service.StatePaused, service.StateLeft}

// attention is what waits for a person. It is shared, and is not to be changed.
type attention struct {
	Runs     []*service.View // the newest first, of each state
	Blocked  string          // why the queue stands still; empty where it does not
	Problems []problem
}

// count is how much it is.
func (a *attention) count() int {
	n := len(a.Runs) + len(a.Problems)
	if a.Blocked != "" {
		n++
	}
	return n
}

// attentions is what waits for a person as every page says it, found out once for all
// who look.
type attentions struct {
	mu      sync.Mutex
	last    *attention
	changed <-chan struct{} // closed once last may not hold any more
	found   time.Time
}

// attentionKept is how long it is held to be so though nothing has changed here: another
// process may have written to the journal.
const attentionKept = time.Second

// inboxShown is how many runs of a state wait in the inbox at most.
const inboxShown = 50

// attention finds out what waits for a person.
func (p *Pages) attention(ctx context.Context) (*attention, error) {
	a := &p.attentions
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last != nil && time.Since(a.found) < attentionKept {
		select {
		case <-a.changed:
		default:
			return a.last, nil
		}
	}
	changed, now := p.o.Device.Changed(), &attention{Blocked: p.o.Device.Waiting(), Problems: problemsOf(p.o.Device.Tasks.Snapshot())}
	for _, state := range awaiting {
		list, _, err := p.o.Device.List(ctx, service.Wanted{State: state, Limit: inboxShown})
		if err != nil {
			return nil, err
		}
		for _, v := range list {
			if with, err := p.o.Device.View(ctx, v.ID); err == nil { // with what it asks, and what was decided
				v = with
			}
			if v.Decided == nil || v.Decided.Answer != "abort" {
				now.Runs = append(now.Runs, v)
			}
		}
	}
	a.last, a.changed, a.found = now, changed, time.Now()
	return now, nil
}

// inbox shows what waits for a person.
func (p *Pages) inbox(r *http.Request) (*page, error) {
	now, err := p.attention(r.Context())
	if err != nil {
		return nil, err
	}
	return &page{Name: "inbox", Title: "Inbox", Data: now}, nil
}
