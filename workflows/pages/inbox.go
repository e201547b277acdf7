package pages

import (
	"context"
	"net/http"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// awaiting are the states in which a run waits for a person.
var awaiting = []string{service.StateWaiting, service.StateInDoubt, service.StatePaused, service.StateLeft}

// runsAwaiting are the runs that wait for a person, the newest first.
func (p *Pages) runsAwaiting(ctx context.Context) ([]*service.View, error) {
	var out []*service.View
	for _, state := range awaiting {
		list, _, err := p.o.Device.List(ctx, service.Wanted{State: state, Limit: inboxShown})
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// inboxShown is how many runs of a state wait in the inbox at most.
const inboxShown = 50

// waiting counts what waits for a person.
func (p *Pages) waiting(ctx context.Context) (int, error) {
	list, err := p.runsAwaiting(ctx)
	n := len(list) + len(p.o.Device.Tasks.Snapshot().Problems)
	if p.o.Device.Waiting() != "" {
		n++
	}
	return n, err
}

// inbox shows what waits for a person.
func (p *Pages) inbox(r *http.Request) (*page, error) {
	list, err := p.runsAwaiting(r.Context())
	if err != nil {
		return nil, err
	}
	for i, v := range list { // with what is asked
		if whole, err := p.o.Device.View(r.Context(), v.ID); err == nil {
			list[i] = whole
		}
	}
	return &page{Name: "inbox", Title: "Inbox", Data: map[string]any{
		"Runs": list, "Blocked": p.o.Device.Waiting(), "Problems": problemsOf(p.o.Device.Tasks.Snapshot()),
	}}, nil
}
