package pages

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// searched is how many runs are looked through for a text at once.
const searched = 2000

// search lists runs in which a text occurs: in what they are called, whose they are, what
// they were given, or why they ended.
func (p *Pages) search(ctx context.Context, wanted service.Wanted, text string) (found []*service.View, next string, err error) {
	if text == "" {
		return p.o.Device.List(ctx, wanted)
	}
	text = strings.ToLower(text)
	page := wanted
	page.Limit = 200
	for range searched / page.Limit {
		list, more, err := p.o.Device.List(ctx, page)
		if err != nil {
			return nil, "", err
		}
		for _, v := range list {
			all := strings.Join([]string{v.ID, v.Task, v.By, v.Project, v.Experiment, v.Robot, v.Reason, string(v.Parameters)}, "\n")
			if !strings.Contains(strings.ToLower(all), text) {
				continue
			}
			if found = append(found, v); len(found) == wanted.Limit {
				return found, v.ID, nil
			}
		}
		if more == "" {
			return found, "", nil
		}
		page.After = more
	}
	return found, page.After, nil
}

// history lists runs, the newest first.
func (p *Pages) history(r *http.Request) (*page, error) {
	q := r.URL.Query()
	wanted := service.Wanted{Task: q.Get("task"), State: q.Get("state"), By: q.Get("by"), After: q.Get("after"), Limit: 50}
	text := strings.TrimSpace(q.Get("text"))
	list, next, err := p.search(r.Context(), wanted, text)
	if err != nil {
		return nil, err
	}
	older := ""
	if next != "" {
		more := url.Values{}
		for _, name := range []string{"task", "state", "by", "text"} {
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
		"Runs": list, "Older": older, "Wanted": wanted, "States": service.StateNames(), "Tasks": names, "Text": text, "Filtered": wanted.Task+wanted.State+wanted.By+text != "",
	}}, nil
}
