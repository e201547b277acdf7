package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// raw is an answer that is JSON already.
type raw struct {
	Status      int
	Location    string `header:"Location"`
	ContentType string `header:"Content-Type"`
	Preference  string `header:"Preference-Applied"`
	Body        []byte
}

// one is an answer that is a value.
type one[T any] struct {
	Status     int
	Location   string `header:"Location"`
	Preference string `header:"Preference-Applied"`
	Body       T
}

// operations are those that are the same whatever the tasks are, with who may ask for
// them. It returns the roles by the names of operations.
func (s *Server) operations(g *gate, doc *huma.OpenAPI) map[string]service.Role {
	api, roles := newAPI(g, doc), map[string]service.Role{}
	const get, post = http.MethodGet, http.MethodPost
	const none, bad, not = http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusConflict
	viewer, operator := access{role: service.Viewer}, access{role: service.Operator}
	submitter, linter, stream := operator, viewer, viewer
	submitter.kept, linter.text, stream.stream = true, true, true
	op := func(a access, method, path, id, tag, summary string, status ...int) huma.Operation {
		roles[id] = a.role
		return s.operation(a, method, path, id, tag, summary, status...)
	}

	byHand := func(a access, pattern, id string, handler http.HandlerFunc) {
		roles[id] = a.role
		g.handle(pattern, a, handler)
	}

	byHand(viewer, "GET /tasks", "tasks", s.listed)
	byHand(submitter, "POST /execute/{task}", "execute", s.executed)
	byHand(viewer, "GET /openapi.json", "openapi", s.openapi)
	byHand(viewer, "GET /docs", "docs", s.docs)
	byHand(viewer, "GET /metrics", "metrics", s.metricsText)
	byHand(access{}, "GET /healthz", "alive", s.alive)
	byHand(access{}, "GET /readyz", "ready", s.ready)
	for _, page := range s.pages.Routes() {
		g.handle(page.Pattern, access{role: page.Role, text: true, kept: page.Kept, stream: page.Stream, page: true, robot: page.Robot}, page.Handler)
	}
	byHand(viewer, "/", "", func(w http.ResponseWriter, r *http.Request) { notThere(g.ServeMux, w, r) })

	huma.Register(api, op(viewer, get, "/health", "health", "server", "Whether the server is there, and what it does"), s.health)
	s.standing(api, op)
	huma.Register(api, op(viewer, get, "/tasks/{task}", "task", "tasks", "One task", none), s.task)

	register(api, op(submitter, post, "/tasks/{task}/runs", "submit", "runs", "Submit a run of a task", none, bad, not), s.submit)
	huma.Register(api, gives(op(submitter, post, "/runs", "submit-run", "runs", "Submit a run", none, bad, not), http.StatusAccepted), s.submitNamed)
	register(api, op(viewer, post, "/tasks/{task}/plan", "plan", "tasks", "Show what a run would do", none, bad), s.plan)
	huma.Register(api, hidden(op(linter, post, "/lint", "lint", "tasks", "Check a workflow that is posted as text", bad)), s.lint)

	huma.Register(api, op(viewer, get, "/runs", "runs", "runs", "List runs, newest first", bad), s.list)
	huma.Register(api, op(viewer, get, "/runs/{run}", "run", "runs", "How a run stands", none), s.show)
	huma.Register(api, op(viewer, get, "/runs/{run}/steps", "steps", "runs", "The steps of a run, and what became of them", none), s.steps)
	huma.Register(api, op(stream, get, "/runs/{run}/events", "events", "runs", "What happens in a run, as server-sent events", none), s.events)
	for _, control := range []string{"pause", "resume", "stop"} {
		huma.Register(api, gives(op(operator, post, "/runs/{run}/"+control, control, "runs", "Ask that a run is to "+control, none, bad, not), http.StatusAccepted), s.control(control))
	}
	huma.Register(api, op(operator, post, "/runs/{run}/answer", "answer", "runs", "Answer what a run asks", none, bad, not), s.answer)
	huma.Register(api, op(operator, post, "/runs/{run}/decision", "decide", "runs", "Decide what nobody but a person can know about steps that may have happened", none, bad, not), s.decide)
	return roles
}

// gives says with which status an operation does what it is asked for.
func gives(o huma.Operation, status int) huma.Operation {
	o.DefaultStatus = status
	return o
}

// tokenScheme is how the description calls tokens.
const tokenScheme = "token"

// operation is one for those who have the role.
func (s *Server) operation(a access, method, path, id, tag, summary string, status ...int) huma.Operation {
	o := huma.Operation{
		Method: method, Path: path, OperationID: id, Tags: []string{tag}, Summary: summary, Metadata: map[string]any{accessKey: a},
		Errors: append(status, http.StatusBadRequest, http.StatusTooManyRequests, http.StatusInternalServerError), MaxBodyBytes: -1, BodyReadTimeout: -1, // see gate
	}
	if method != http.MethodGet {
		o.Errors = append(o.Errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if a.role > service.Anybody {
		o.Errors = append(o.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	s.secure(&o, a.role)
	return o
}

// secure describes who may ask for an operation.
func (s *Server) secure(o *huma.Operation, needs service.Role) {
	if needs == service.Anybody {
		return
	}
	o.Extensions = map[string]any{"x-role": needs.String()}
	o.Security = []map[string][]string{{tokenScheme: {}}}
	if !s.options.Tokens {
		o.Security = append(o.Security, map[string][]string{}) // without one, too
	}
}

// register adds an operation whose body may be left out, which is described for each
// task instead.
func register[I, O any](api huma.API, o huma.Operation, handler func(context.Context, *I) (*O, error)) {
	o.RequestBody = &huma.RequestBody{}
	huma.Register(api, hidden(o), handler)
	o.RequestBody.Required = false
}

// hidden keeps an operation out of the description, where one for each task is.
func hidden(o huma.Operation) huma.Operation {
	o.Hidden = true
	return o
}

type health struct {
	Status  string `json:"status" enum:"healthy"`
	Version string `json:"version"`
	Robot   string `json:"robot" doc:"All of them, where there are several; see /robots."`
	Tasks   int    `json:"tasks"`
	Run     string `json:"run,omitempty" doc:"The run under way."`
	Queued  int    `json:"queued" doc:"Runs that wait."`
	Waiting string `json:"waiting,omitempty" doc:"Why the first of them waits though nothing is under way."`
}

func (s *Server) health(ctx context.Context, _ *struct{}) (*one[health], error) {
	current, queued, err := s.device.Load(ctx)
	if err != nil {
		return nil, answered(err)
	}
	return &one[health]{Status: http.StatusOK, Body: health{"healthy", s.version, s.device.Names(), len(s.device.Tasks.Snapshot().Versions), current, queued, s.device.Waiting()}}, nil
}

// Asking is how a run is submitted.
type Asking struct {
	Key        string   `header:"Idempotency-Key" maxLength:"255" doc:"Under the same key nothing is accepted twice."`
	Prefer     string   `header:"Prefer" doc:"wait=N waits at most N seconds for the end of the run."`
	Priority   int      `query:"priority" minimum:"-1000" maximum:"1000" doc:"The greater, the sooner."`
	Experiment string   `query:"experiment" maxLength:"255" doc:"Runs of one experiment keep their order."`
	Robot      string   `query:"robot" maxLength:"255" doc:"The robot that does it; any that is free and can where none is named."`
	Labels     []string `query:"labels" maxItems:"20" doc:"That the robot must have, with commas between."`
	By         string   `query:"by" maxLength:"255" doc:"Who does it, for the journal and for quotas."`
	Project    string   `query:"project" maxLength:"255" doc:"What it is for, for the journal and for quotas."`
}

func (a *Asking) request(ctx context.Context, task string, given []byte) (service.Request, error) {
	by, err := behalf(ctx, a.By, a.Project)
	return service.Request{Task: task, Given: given, Key: a.Key, Priority: a.Priority, Experiment: a.Experiment, Robot: a.Robot, Labels: a.Labels, For: by}, err
}

// wait is how long is waited for the end, and whether that was asked for.
func (a *Asking) wait() (time.Duration, bool) {
	for _, part := range strings.FieldsFunc(a.Prefer, func(r rune) bool { return r == ',' || r == ';' }) {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
		if strings.EqualFold(strings.TrimSpace(name), "wait") && err == nil && n >= 0 {
			return min(time.Duration(min(n, int(maxWait/time.Second)))*time.Second, maxWait), true
		}
	}
	return 0, false
}

type submitting struct {
	Asking
	Task    string `path:"task"`
	RawBody []byte
}

// accepted is how a run stands that was just submitted.
func (s *Server) accepted(ctx context.Context, i *submitting) (*service.View, error) {
	r, err := i.request(ctx, i.Task, i.RawBody)
	if err != nil {
		return nil, err
	}
	v, _, err := s.device.Submit(ctx, r)
	if err != nil {
		return nil, answered(err)
	}
	return v, nil
}

func (s *Server) submit(ctx context.Context, i *submitting) (*one[*service.View], error) {
	v, err := s.accepted(ctx, i)
	if err != nil {
		return nil, err
	}
	out := &one[*service.View]{Status: http.StatusAccepted, Location: "/runs/" + v.ID, Body: v}
	if within, asked := i.wait(); asked {
		waiting, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		if out.Body, err = s.device.Wait(waiting, v.ID, nil); err != nil {
			return nil, answered(err)
		}
		out.Preference = "wait=" + strconv.Itoa(int(within.Seconds()))
	}
	if out.Body.Over {
		out.Status = http.StatusOK
	}
	return out, nil
}

type submittingNamed struct {
	Asking
	Body struct {
		Task       string          `json:"task"`
		Parameters json.RawMessage `json:"parameters,omitempty" doc:"A JSON object."`
	}
}

func (s *Server) submitNamed(ctx context.Context, i *submittingNamed) (*one[*service.View], error) {
	return s.submit(ctx, &submitting{Asking: i.Asking, Task: i.Body.Task, RawBody: i.Body.Parameters})
}

func (s *Server) plan(_ context.Context, i *submitting) (*raw, error) {
	plan, err := s.device.Plan(i.Task, i.RawBody)
	if err != nil {
		return nil, answered(err)
	}
	var b bytes.Buffer
	if err := plan.Write(&b, false); err != nil {
		return nil, answered(err)
	}
	return &raw{Status: http.StatusOK, ContentType: "application/json", Body: b.Bytes()}, nil
}

type linting struct {
	RawBody []byte
}

func (s *Server) lint(_ context.Context, i *linting) (*raw, error) {
	var b bytes.Buffer
	if err := diag.JSON(&b, service.Lint("workflow.yaml", i.RawBody)); err != nil {
		return nil, answered(err)
	}
	return &raw{Status: http.StatusOK, ContentType: "application/json", Body: b.Bytes()}, nil
}

type listing struct {
	Task  string `query:"task"`
	State string `query:"state" enum:"queued,running,paused,waiting,left,ok,failed,stopped,in_doubt,withdrawn,refused,forgotten"`
	By    string `query:"by"`
	After string `query:"after" doc:"The cursor of the list before."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}

type runList struct {
	Runs []*service.View `json:"runs"`
	Next string          `json:"next,omitempty" doc:"The cursor to go on with."`
}

func (s *Server) list(ctx context.Context, i *listing) (*one[runList], error) {
	runs, next, err := s.device.List(ctx, service.Wanted{Task: i.Task, State: i.State, By: i.By, After: i.After, Limit: i.Limit})
	if err != nil {
		return nil, answered(err)
	}
	if runs == nil {
		runs = []*service.View{}
	}
	return &one[runList]{Status: http.StatusOK, Body: runList{runs, next}}, nil
}

// OfRun names a run.
type OfRun struct {
	Run string `path:"run" maxLength:"64"`
}

func (s *Server) show(ctx context.Context, i *struct {
	OfRun
	Prefer string `header:"Prefer" doc:"wait=N waits at most N seconds for the end of the run."`
},
) (*one[*service.View], error) {
	v, err := s.device.View(ctx, i.Run)
	if err != nil {
		return nil, answered(err)
	}
	out := &one[*service.View]{Status: http.StatusOK, Body: v}
	if within, asked := (&Asking{Prefer: i.Prefer}).wait(); asked && !v.Over {
		waiting, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		if out.Body, err = s.device.Wait(waiting, v.ID, nil); err != nil {
			return nil, answered(err)
		}
		out.Preference = "wait=" + strconv.Itoa(int(within.Seconds()))
	}
	return out, nil
}

type stepList struct {
	Steps []service.StepView `json:"steps"`
	Next  int                `json:"next,omitempty" doc:"What after is for the steps that follow."`
}

func (s *Server) steps(ctx context.Context, i *struct {
	OfRun
	After int `query:"after" minimum:"0"`
	Limit int `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
},
) (*one[stepList], error) {
	list, err := s.device.Steps(ctx, i.Run, i.After, i.Limit)
	if err != nil {
		return nil, answered(err)
	}
	out := stepList{Steps: list}
	if len(list) == i.Limit {
		out.Next = i.After + i.Limit
	}
	return &one[stepList]{Status: http.StatusOK, Body: out}, nil
}

// controlling is what is asked of a run that goes on.
type controlling struct {
	OfRun
	Now   bool   `query:"now" doc:"Do not wait for a good place."`
	Ready bool   `query:"ready" doc:"Of resume: what had to be done by hand before is done."`
	Close bool   `query:"finally" doc:"Of resume: nothing but what finally says, behind a run that ended before its end."`
	Drift bool   `query:"accept_drift" doc:"Of resume: it is meant that the robot is otherwise than it was left."`
	By    string `query:"by" maxLength:"255" doc:"Who asks."`
}

func (s *Server) control(control string) func(context.Context, *controlling) (*one[*service.View], error) {
	return func(ctx context.Context, i *controlling) (*one[*service.View], error) {
		who, err := behalf(ctx, i.By, "")
		if err != nil {
			return nil, err
		}
		if err := s.device.Control(ctx, i.Run, control, i.Now, who.By, service.GoingOn{Ready: i.Ready, Finally: i.Close, Accept: i.Drift}); err != nil {
			return nil, answered(err)
		}
		v, err := s.device.View(ctx, i.Run)
		if err != nil {
			return nil, answered(err)
		}
		return &one[*service.View]{Status: http.StatusAccepted, Location: "/runs/" + url.PathEscape(i.Run), Body: v}, nil
	}
}

func (s *Server) answer(ctx context.Context, i *struct {
	OfRun
	Body struct {
		Values map[string]string `json:"values,omitempty" doc:"By name."`
		Value  *string           `json:"value,omitempty" doc:"Of a question for one value."`
		By     string            `json:"by,omitempty" doc:"Who answers."`
	}
},
) (*one[*service.View], error) {
	who, err := behalf(ctx, i.Body.By, "")
	if err != nil {
		return nil, err
	}
	if err := s.device.Answer(ctx, i.Run, i.Body.Value, i.Body.Values, who.By); err != nil {
		return nil, answered(err)
	}
	return s.show(ctx, &struct {
		OfRun
		Prefer string `header:"Prefer" doc:"wait=N waits at most N seconds for the end of the run."`
	}{OfRun: i.OfRun})
}

func (s *Server) decide(ctx context.Context, i *struct {
	OfRun
	Body struct {
		Answer string   `json:"answer" enum:"done,redo,skip,abort"`
		To     string   `json:"to,omitempty" doc:"The last step that happened, or is left out, where several are in question."`
		Redraw bool     `json:"redraw,omitempty" doc:"Liquid that was lost with its tip is drawn again."`
		Values []string `json:"values,omitempty" doc:"What the step gave: a value, or name=value."`
		By     string   `json:"by,omitempty" doc:"Who decides."`
	}
},
) (*one[*service.View], error) {
	who, err := behalf(ctx, i.Body.By, "")
	if err != nil {
		return nil, err
	}
	d := service.Decision{Answer: i.Body.Answer, To: i.Body.To, Redraw: i.Body.Redraw, Values: i.Body.Values, By: who.By}
	if err := s.device.Decide(ctx, i.Run, d); err != nil {
		return nil, answered(err)
	}
	return s.show(ctx, &struct {
		OfRun
		Prefer string `header:"Prefer" doc:"wait=N waits at most N seconds for the end of the run."`
	}{OfRun: i.OfRun})
}
