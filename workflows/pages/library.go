package pages

import (
	"net/http"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// problem is a file that is not served as it is.
type problem struct {
	File     string
	Served   string // the name under which an earlier version is served
	Findings diag.List
	First    string
}

func problemsOf(now *workflows.Snapshot[*workflows.Task]) []problem {
	var out []problem
	for i := range now.Problems {
		one := &now.Problems[i]
		p := problem{File: one.Path, First: (&service.Findings{List: one.Diagnostics}).Error()}
		if one.Served != nil {
			p.Served = one.Served.Name
		}
		for _, d := range one.Diagnostics {
			if d.Severity == diag.Error {
				p.Findings = append(p.Findings, d)
			}
		}
		out = append(out, p)
	}
	return out
}

// library lists the workflows.
func (p *Pages) library(*http.Request) (*page, error) {
	now := p.o.Device.Tasks.Snapshot()
	return &page{Name: "library", Title: "Workflows", Data: map[string]any{"Tasks": now.Versions, "Problems": problemsOf(now)}}, nil
}
