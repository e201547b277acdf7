package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// taskView is a task as clients see it.
type taskView struct {
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	File        string      `json:"file"`
	Hash        string      `json:"hash" doc:"Of all files that it is made of."`
	Parameters  []paramView `json:"parameters"`
	Problem     string      `json:"problem,omitempty" doc:"Why the file as it is now is not served, and this is an earlier version."`
}

type paramView struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Unit        string   `json:"unit,omitempty" doc:"In which bare numbers count."`
	Description string   `json:"description,omitempty"`
	Default     string   `json:"default,omitempty"`
	Min         string   `json:"min,omitempty"`
	Max         string   `json:"max,omitempty"`
	Choices     []string `json:"choices,omitempty"`
	Required    bool     `json:"required"`
}

type problemView struct {
	File    string `json:"file"`
	Message string `json:"message"`
}

type taskList struct {
	Tasks    []taskView    `json:"tasks"`
	Problems []problemView `json:"problems,omitempty" doc:"Files that are not served as they are."`
}

// tasksOf lists the tasks of a moment.
func tasksOf(now *snapshot) taskList {
	out := taskList{Tasks: []taskView{}}
	for _, v := range now.Versions {
		out.Tasks = append(out.Tasks, viewOf(v, now))
	}
	for i := range now.Problems {
		p := &now.Problems[i]
		out.Problems = append(out.Problems, problemView{p.Path, (&service.Findings{List: p.Diagnostics}).Error()})
	}
	return out
}

func (s *Server) task(_ context.Context, i *struct {
	Task string `path:"task"`
},
) (*one[taskView], error) {
	now := s.device.Tasks.Snapshot()
	v, ok := now.Lookup(i.Task)
	if !ok {
		return nil, answered(s.device.NoTask(i.Task))
	}
	return &one[taskView]{Status: http.StatusOK, Body: viewOf(v, now)}, nil
}

func viewOf(v *workflows.Version[*workflows.Task], now *snapshot) taskView {
	out := taskView{Name: v.Name, Description: v.Value.Description, File: v.Path, Hash: v.Hash, Parameters: []paramView{}}
	for _, problem := range now.Problems {
		if problem.Served == v {
			out.Problem = (&service.Findings{List: problem.Diagnostics}).Error()
		}
	}
	for i := range v.Value.Params {
		d := &v.Value.Params[i]
		out.Parameters = append(out.Parameters, paramView{
			Name: d.Name, Type: typeName(d), Unit: d.Unit, Description: d.Description,
			Default: d.Default, Min: d.Min, Max: d.Max, Choices: d.Choices, Required: d.Required,
		})
	}
	return out
}

func typeName(d *workflows.TaskParam) string {
	if d.Type == "list" {
		return "list of " + d.Of
	}
	return d.Type
}

// typed describes one operation of each kind for every task, with its parameters, and
// what else is answered by hand.
func (s *Server) typed(doc *huma.OpenAPI, now *snapshot, roles map[string]service.Role) {
	tasks := &huma.Operation{
		Method: http.MethodGet, Path: "/tasks", OperationID: "tasks", Tags: []string{"tasks"}, Summary: "What can be carried out", Responses: map[string]*huma.Response{
			"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: doc.Components.Schemas.Schema(taskListType, true, "TaskList")}}},
			"304": {Description: "What If-None-Match names is what there is."},
		},
	}
	for _, o := range []*huma.Operation{
		tasks,
		toWatch("/metrics", "metrics", "What happens, in numbers, as Prometheus reads them", "text/plain"),
		toWatch("/healthz", "alive", "Whether the process answers", "application/json"),
		toWatch("/readyz", "ready", "Whether what is submitted now is accepted", "application/json"),
	} {
		s.secure(o, roles[o.OperationID])
		doc.AddOperation(o)
	}
	errors := doc.Components.Schemas.Schema(problemType, true, "Problem")
	view := doc.Components.Schemas.Schema(viewType, true, "View")
	for _, v := range now.Versions {
		t := viewOf(v, now)
		body := &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: paramsSchema(v.Value.Params, &t)}}}
		add := func(path, id, tag, summary string, good string, schema *huma.Schema, params ...*huma.Param) {
			o := &huma.Operation{
				Method: http.MethodPost, Path: path, OperationID: id + "-" + t.Name, Tags: []string{tag}, Summary: summary, Description: t.Description,
				RequestBody: body, Parameters: params, Responses: map[string]*huma.Response{
					good:      {Description: "As asked for.", Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}},
					"default": {Description: "A problem.", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: errors}}},
				},
			}
			if good == "202" { // or it is over already
				o.Responses["200"] = o.Responses[good]
			}
			s.secure(o, roles[id])
			doc.AddOperation(o)
		}
		add("/execute/"+t.Name, "execute", "tasks", "Carry out "+t.Name+" and wait for its end", "200", executed(body.Content["application/json"].Schema))
		add("/tasks/"+t.Name+"/runs", "submit", "runs", "Submit a run of "+t.Name, "202", view, submitParams()...)
		add("/tasks/"+t.Name+"/plan", "plan", "tasks", "Show what a run of "+t.Name+" would do", "200", &huma.Schema{Type: huma.TypeObject, Description: "ot2flow.plan/1"})
	}
}

// toWatch is an operation for programs that look after servers.
func toWatch(path, id, summary, form string) *huma.Operation {
	return &huma.Operation{
		Method: http.MethodGet, Path: path, OperationID: id, Tags: []string{"server"}, Summary: summary,
		Responses: map[string]*huma.Response{
			"200":     {Description: "OK", Content: map[string]*huma.MediaType{form: {Schema: &huma.Schema{}}}},
			"default": {Description: "A problem.", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}}},
		},
	}
}

func executed(params *huma.Schema) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"task_name", "parameters", "result", "status"},
		Properties: map[string]*huma.Schema{
			"task_name": {Type: huma.TypeString}, "parameters": params, "status": {Type: huma.TypeString, Enum: []any{"success"}},
			"result": {Type: huma.TypeObject, Description: "What the workflow returns, by name."},
		},
	}
}

// submitParams are those of submitting, beside the parameters of the task.
func submitParams() []*huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	return []*huma.Param{
		{Name: "Idempotency-Key", In: "header", Description: "Under the same key nothing is accepted twice.", Schema: text},
		{Name: "Prefer", In: "header", Description: "wait=N waits at most N seconds for the end of the run.", Schema: text},
		{Name: "priority", In: "query", Description: "The greater, the sooner.", Schema: &huma.Schema{Type: huma.TypeInteger}},
		{Name: "experiment", In: "query", Description: "Runs of one experiment keep their order.", Schema: text},
		{Name: "robot", In: "query", Description: "The robot that does it; any that is free and can where none is named.", Schema: text},
		{Name: "labels", In: "query", Description: "That the robot must have, with commas between.", Schema: text},
		{Name: "by", In: "query", Description: "Who does it.", Schema: text},
		{Name: "project", In: "query", Description: "What it is for.", Schema: text},
	}
}

// Schema is a JSON Schema of the parameters of a task.
func Schema(task *workflows.Task) json.RawMessage {
	t := viewOf(&workflows.Version[*workflows.Task]{Value: task}, &snapshot{})
	data, _ := json.Marshal(paramsSchema(task.Params, &t)) // which huma made
	return data
}

// paramsSchema describes the parameters of a task.
func paramsSchema(declared []workflows.TaskParam, t *taskView) *huma.Schema {
	out := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}, AdditionalProperties: false}
	for i := range declared {
		d, p := &declared[i], &t.Parameters[i]
		schema := valueSchema(d.Type, d.Of, p)
		schema.Description = strings.TrimSpace(p.Description + describe(p))
		out.Properties[p.Name] = schema
		if p.Required {
			out.Required = append(out.Required, p.Name)
		}
	}
	return out
}

// describe is what of a parameter a schema cannot say.
func describe(p *paramView) string {
	var parts []string
	if b := workflows.Bounds(p.Min, p.Max); b != "" {
		parts = append(parts, b)
	}
	if p.Unit != "" {
		parts = append(parts, "a number counts in "+p.Unit)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + p.Type + ", " + strings.Join(parts, "; ") + ")"
}

func valueSchema(typ, of string, p *paramView) *huma.Schema {
	switch typ {
	case "number", "integer":
		out := &huma.Schema{Type: typ, Minimum: number(p.Min), Maximum: number(p.Max)}
		if n := number(p.Default); n != nil {
			out.Default = *n
		}
		return out
	case "boolean":
		out := &huma.Schema{Type: huma.TypeBoolean}
		if p.Default != "" {
			out.Default = p.Default == "true"
		}
		return out
	case "list", "wells":
		items := valueSchema(of, "", &paramView{})
		if typ == "list" && items.Type == huma.TypeString { // a bare number is one too, also as text or as a quantity
			items = &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber}}}
		}
		return &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeArray, Items: items}, items, {Type: huma.TypeString}}}
	case "table":
		return &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject}}, {Type: huma.TypeString}}}
	}
	out := &huma.Schema{Type: huma.TypeString}
	for _, c := range p.Choices {
		out.Enum = append(out.Enum, c)
	}
	if p.Unit != "" {
		out = &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeString, Examples: []any{p.Default}}, {Type: huma.TypeNumber}}}
	}
	if p.Default != "" {
		out.Default = p.Default
	}
	return out
}

func number(text string) *float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	return &n
}
