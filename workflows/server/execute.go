package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// What is asked for thousands of times a second is answered by hand: it means the same
// as an operation of huma's, which spends most of such a request on reflection.

// executed answers POST /execute/{task}.
func (s *Server) executed(w http.ResponseWriter, r *http.Request) {
	task := r.PathValue("task")
	i, err := asked(r, task)
	if err != nil {
		writeError(w, err)
		return
	}
	v, err := s.execute(r.Context(), i)
	if err != nil {
		writeError(w, err)
		return
	}
	b := make([]byte, 0, 256)
	b = program.AppendString(append(b, `{"task_name": `...), task)
	b = append(append(b, `, "parameters": `...), v.Parameters...)
	b = append(append(b, `, "result": `...), v.Result...)
	b = append(b, `, "status": "success"}`...)
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	h["Location"] = []string{"/runs/" + v.ID}
	_, _ = w.Write(b) // whoever asked may be gone; what was carried out is in the journal
}

var jsonType = []string{"application/json"}

// execute is the contract of servers that were written by hand: it answers when the
// run is over. A run that would wait for more than its turn is taken back.
func (s *Server) execute(ctx context.Context, i *submitting) (*service.View, error) {
	v, err := s.accepted(ctx, i)
	if err != nil {
		return nil, err
	}
	var blocked string
	if !v.Over {
		v, err = s.device.Wait(ctx, v.ID, func(v *service.View) bool {
			if v.State == service.StateQueued {
				blocked = s.device.Blocked(ctx, v.ID)
			}
			return blocked != "" || v.State == service.StateLeft
		})
	}
	switch {
	case err != nil:
		return nil, answered(err)
	case v.State == service.StateOK:
		return v, nil
	case ctx.Err() != nil:
		return nil, s.failed(http.StatusServiceUnavailable, v, "not waited for any longer; see the run for what becomes of it")
	case v.State == service.StateQueued:
		if s.device.Withdraw(ctx, v.ID) == nil {
			return nil, problemf(http.StatusServiceUnavailable, "it cannot be begun, and was taken back: %s", blocked)
		}
		return s.execute(ctx, &submitting{Asking: Asking{Key: i.Key}, Task: i.Task, RawBody: i.RawBody})
	}
	return nil, s.failed(http.StatusInternalServerError, v, fmt.Sprintf("run %s: %s", v.ID, strings.TrimSuffix(v.State+": "+v.Reason, ": ")))
}

// failed is the error of a run that did not end well.
func (s *Server) failed(status int, v *service.View, detail string) error {
	p := problemf(status, "%s", detail)
	p.Instance, p.Run = "/runs/"+v.ID, v
	return p
}

// asked reads what a request says beside its body, by the rules of Asking.
func asked(r *http.Request, task string) (*submitting, error) {
	i := &submitting{Task: task, RawBody: bodyOf(r)}
	i.Key, i.Prefer = r.Header.Get("Idempotency-Key"), r.Header.Get("Prefer")
	var wrong []*huma.ErrorDetail
	short := func(at, text string) {
		if utf8.RuneCountInString(text) > 255 {
			wrong = append(wrong, &huma.ErrorDetail{Message: "expected length <= 255", Location: at, Value: text})
		}
	}
	short("header.Idempotency-Key", i.Key)
	if r.URL.RawQuery != "" {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, problemf(http.StatusUnprocessableEntity, "the query cannot be read: %v", err)
		}
		i.Experiment, i.By, i.Project, i.Robot = q.Get("experiment"), q.Get("by"), q.Get("project"), q.Get("robot")
		if text := q.Get("labels"); text != "" {
			i.Labels = strings.Split(text, ",")
		}
		short("query.experiment", i.Experiment)
		short("query.by", i.By)
		short("query.project", i.Project)
		short("query.robot", i.Robot)
		short("query.labels", q.Get("labels"))
		if text := q.Get("priority"); text != "" {
			if i.Priority, err = strconv.Atoi(text); err != nil || i.Priority < -1000 || i.Priority > 1000 {
				wrong = append(wrong, &huma.ErrorDetail{Message: "expected an integer from -1000 to 1000", Location: "query.priority", Value: text})
			}
		}
	}
	if len(wrong) > 0 {
		p := problemf(http.StatusUnprocessableEntity, "validation failed")
		p.Errors = wrong
		return nil, p
	}
	return i, nil
}

// writeError answers with an error of ours.
func writeError(w http.ResponseWriter, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = problemf(http.StatusInternalServerError, "%v", err)
	}
	writeProblem(w, p)
}
