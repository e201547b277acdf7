package pages

import (
	"context"
	"net/http"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// robotCard is a robot with what it is at.
type robotCard struct {
	service.RobotView
	Current *service.View   // the run under way; nil where there is none
	Queue   []*service.View // that waits for it alone
}

// Stands is how it stands, in a word.
func (c *robotCard) Stands() string {
	switch {
	case c.Current != nil:
		return c.Current.State
	case c.Elsewhere != nil && !c.Elsewhere.Online:
		return "away"
	case c.Paused != nil:
		return "resting"
	case c.Waiting != "":
		return "held up"
	}
	return "free"
}

// cards are the robots, and what waits for any of them.
func (p *Pages) cards(ctx context.Context) (cards []*robotCard, shared []*service.View, err error) {
	robots, err := p.o.Device.RobotViews(ctx)
	if err != nil {
		return nil, nil, err
	}
	queued, _, err := p.o.Device.List(ctx, service.Wanted{State: service.StateQueued, Limit: queueShown})
	if err != nil {
		return nil, nil, err
	}
	for i := range robots {
		c := &robotCard{RobotView: robots[i]}
		if c.Run != "" {
			if v, err := p.o.Device.View(ctx, c.Run); err == nil && !v.Over {
				c.Current = v
			}
		}
		cards = append(cards, c)
	}
	for i := len(queued) - 1; i >= 0; i-- { // the first to be begun first
		v, taken := queued[i], false
		for _, c := range cards {
			if c.Name == v.Queue {
				c.Queue, taken = append(c.Queue, v), true
			}
		}
		if !taken {
			shared = append(shared, v)
		}
	}
	return cards, shared, nil
}

// queueShown is how many runs that wait are shown.
const queueShown = 200

// board shows all robots.
func (p *Pages) board(r *http.Request) (*page, error) {
	cards, shared, err := p.cards(r.Context())
	if err != nil {
		return nil, err
	}
	recent, _, err := p.o.Device.List(r.Context(), service.Wanted{Limit: 8})
	if err != nil {
		return nil, err
	}
	return &page{Name: "board", Title: "Robots", Data: map[string]any{"Robots": cards, "Shared": shared, "Recent": recent, "Tasks": len(p.o.Device.Tasks.Snapshot().Versions)}}, nil
}

// robot shows one robot, with its deck.
func (p *Pages) robot(r *http.Request) (*page, error) {
	name := r.PathValue("robot")
	if err := p.o.Device.NoRobot(name); err != nil {
		return nil, err
	}
	cards, shared, err := p.cards(r.Context())
	if err != nil {
		return nil, err
	}
	data := map[string]any{"Shared": shared}
	for _, c := range cards {
		if c.Name != name {
			continue
		}
		data["Robot"] = c
		if last := p.lastOn(r.Context(), c); last != nil {
			data["Last"] = last
			if d, err := p.deckOf(r.Context(), last.ID); err == nil {
				data["Deck"] = d
			}
		}
	}
	return &page{Name: "robot", Title: name, Data: data}, nil
}

// lastOn is the run that a robot is at, or the last one that it was.
func (p *Pages) lastOn(ctx context.Context, c *robotCard) *service.View {
	if c.Current != nil {
		return c.Current
	}
	list, _, err := p.o.Device.List(ctx, service.Wanted{Limit: 50})
	if err != nil {
		return nil
	}
	for _, v := range list {
		if v.Steps > 0 && v.State != service.StateQueued && (v.Queue == c.Name || v.Robot == c.Name) {
			return v
		}
	}
	return nil
}

// queue has the queue of a robot rest, or go on.
func (p *Pages) queue(r *http.Request) (string, error) {
	name := r.PathValue("robot")
	to := Root + "robots/" + name
	if r.PostFormValue("do") == "resume" {
		return to, p.o.Device.Continue(r.Context(), name)
	}
	who, err := p.o.Behalf(r.Context(), "", "")
	if err != nil {
		return "", err
	}
	return to, p.o.Device.Pause(r.Context(), name, r.PostFormValue("why"), who)
}
