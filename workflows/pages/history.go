package pages

import (
	"net/http"
	"net/url"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// history lists runs, the newest first.
func (p *Pages) history(r *http.Request) (*page, error) {
	q := r.URL.Query()
	wanted := service.Wanted{Task: q.Get("task"), State: q.Get("state"), By: q.Get("by"), After: q.Get("after"), Limit: 50}
	list, next, err := p.o.Device.List(r.Context(), wanted)
	if err != nil {
		return nil, err
	}
	older := ""
	if next != "" {
		more := url.Values{}
		for _, name := range []string{"task", "state", "by"} {
			if v := q.Get(name); v != "" {
				more.Set(name, v)
			}
		}
		more.Set("after", next)
		older = Root + "history?" + more.Encode()
	}
	var names []string
	for _, v := range p.o.Device.Tasks.Snapshot().Versions {
		names = append(names, v.Name)
	}
	return &page{Name: "history", Title: "History", Data: map[string]any{
		"Runs": list, "Older": older, "Wanted": wanted, "States": service.StateNames(), "Tasks": names, "Filtered": wanted.Task+wanted.State+wanted.By != "",
	}}, nil
}
