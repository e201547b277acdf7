package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

// A tool is a command line that is carried out in this process, so that an assistant is
// told what a person is told.

// What the tools are given. What has omitempty may be left out.
type (
	inText struct {
		Text string `json:"text,omitempty" jsonschema:"only what contains this"`
	}
	inFile struct {
		Path string `json:"path" jsonschema:"the file, as the tool workflows lists it"`
	}
	inWorkflow struct {
		Path   string         `json:"path,omitempty" jsonschema:"the workflow, as the tool workflows lists it; for lint also a folder"`
		Text   string         `json:"text,omitempty" jsonschema:"the text of the workflow, where it is not saved yet; with path it stands there in the place of the file, so that it finds files beside it"`
		Params map[string]any `json:"params,omitempty" jsonschema:"values of parameters by their names, such as {\"R\": \"100 uL\"}"`
		Format string         `json:"format,omitempty" jsonschema:"text, for people, is the default; json is the form whose schema ot2flow schema prints"`
	}
	inSimulate struct {
		inWorkflow
		Repeat int    `json:"repeat,omitempty" jsonschema:"carry it out so many times, with the errors that pipettes make"`
		Seed   uint64 `json:"seed,omitempty" jsonschema:"with repeat: which errors are drawn"`
	}
	inExplain struct {
		What string `json:"what,omitempty" jsonschema:"the code of a finding, a key, a function or a liquid class; nothing is the whole language"`
		Path string `json:"path,omitempty" jsonschema:"with step: the workflow"`
		Step string `json:"step,omitempty" jsonschema:"with path: a step of the workflow, such as steps[0]; says who says each of its options, and what it becomes"`
	}
	inLabware struct {
		Name string `json:"name,omitempty" jsonschema:"show the size and the wells of this one: a load name, or a file as ./labware/x.json below the folders"`
		Text string `json:"text,omitempty" jsonschema:"list those of the catalogue that contain this"`
	}
	inRuns struct {
		Run      string `json:"run,omitempty" jsonschema:"show this run: its id, or last; without it, runs are listed"`
		Workflow string `json:"workflow,omitempty" jsonschema:"only runs of the workflow of this name"`
		Since    string `json:"since,omitempty" jsonschema:"only runs begun since: 7d, 12h or 2026-11-23"`
		Limit    int    `json:"limit,omitempty" jsonschema:"at most so many; 30 if it is left out"`
		Format   string `json:"format,omitempty" jsonschema:"text, which is the default, or json"`
	}
)

// server returns a server of all tools.
func (t *toolbox) server() *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "ot2flow", Title: "ot2flow", Version: version}, &mcp.ServerOptions{Instructions: mcpExplain})
	add(t, s, "workflows", "List the workflows, with the names of their parameters", t.list)
	add(t, s, "read", "Read a file: a workflow, labware of the lab's own, a table", t.read)
	add(t, s, "labware", "List the standard catalogue of labware, or show one", t.labware)
	add(t, s, "lint", "Prove a workflow: all that is wrong with it, where, and what to do about it. Says nothing where nothing is wrong", func(ctx context.Context, in inWorkflow) (*answer, error) { return t.workflow(ctx, "lint", &in) })
	add(t, s, "plan", "Show exactly what a workflow will do: deck, every step, tips, liquids and time", func(ctx context.Context, in inWorkflow) (*answer, error) { return t.workflow(ctx, "plan", &in) })
	add(t, s, "simulate", "Carry a workflow out on the built-in simulator: time, tips, liquids, and what wells hold in the end", func(ctx context.Context, in inSimulate) (*answer, error) {
		var more []string
		if in.Repeat > 0 {
			more = []string{"--repeat", strconv.Itoa(in.Repeat), "--seed", strconv.FormatUint(max(in.Seed, 1), 10)}
		}
		return t.workflow(ctx, "simulate", &in.inWorkflow, more...)
	})
	add(t, s, "explain", "Explain a finding's code, a key of the language, a function or a step; without any of them, the whole language", t.explain)
	add(t, s, "runs", "List what was run, or show one run", t.runs)
	if t.robot != "" {
		t.addApply(s)
	}
	return s
}

// add adds a tool that changes nothing.
func add[In any](t *toolbox, s *mcp.Server, name, what string, do func(context.Context, In) (*answer, error)) {
	closed := false
	tool := &mcp.Tool{Name: name, Description: what, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: &closed}}
	mcp.AddTool(s, tool, func(ctx context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
		select {
		case t.busy <- struct{}{}:
			defer func() { <-t.busy }()
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
		out, err := do(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		return out.result()
	})
}

// answer is what a command has said.
type answer struct {
	code     int
	out, err clipped
	json     bool // what was asked for is JSON
}

// result is the answer for an assistant. That there are findings is no fault of the tool.
func (o *answer) result() (*mcp.CallToolResult, any, error) {
	r := &mcp.CallToolResult{IsError: o.code > exitFindings}
	var structured any
	if o.json && o.code <= exitFindings && o.out.n > 0 {
		if o.out.left() > 0 {
			return nil, nil, fmt.Errorf("the answer has %d bytes, more than %d; ask for it as text, or have a person write it into a file", o.out.n, mcpAnswer)
		}
		if doc := bytes.TrimSpace(o.out.head); len(doc) > 0 && doc[0] == '{' && json.Valid(doc) {
			structured = json.RawMessage(doc)
		}
	}
	for _, c := range []*clipped{&o.out, &o.err} {
		if text := c.String(); text != "" {
			r.Content = append(r.Content, &mcp.TextContent{Text: text})
		}
	}
	if len(r.Content) == 0 {
		r.Content = []mcp.Content{&mcp.TextContent{Text: "nothing is wrong"}}
	}
	return r, structured, nil
}

// app is one that reads below the folders only.
func (t *toolbox) app(o *answer) *app {
	return &app{in: strings.NewReader(""), out: &o.out, err: &o.err, noColor: true, within: t.roots}
}

// do carries a command line out.
func (t *toolbox) do(ctx context.Context, a *app, o *answer, args ...string) (_ *answer, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			fmt.Fprintf(os.Stderr, "ot2flow: this is a bug of ours: %v\n%s", fault, debug.Stack())
			err = fmt.Errorf("this is a bug of ours: %v", fault)
		}
	}()
	a.carrier.Reach = t.reach
	o.code = a.main(ctx, append([]string{"--no-color"}, args...))
	return o, nil
}

// find returns the whole path of a file, which is given whole, or from one of the folders,
// or from where this program runs.
func (t *toolbox) find(path string) (string, error) {
	if path == "" {
		return "", errors.New("name the file: path")
	}
	var all []string
	for _, root := range t.roots {
		if !filepath.IsAbs(path) {
			if info, err := os.Stat(root); err == nil && !info.IsDir() {
				root = filepath.Dir(root)
			}
			all = append(all, filepath.Join(root, path))
		}
	}
	if whole, err := filepath.Abs(path); err == nil {
		all = append(all, whole)
	}
	for _, p := range all {
		if _, err := workflows.StatWithin(t.roots, p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("there is no %s below %s, which is all that is read here; the tool workflows lists what there is", path, strings.Join(t.roots, ", "))
}

// workflow carries out a command about a workflow.
func (t *toolbox) workflow(ctx context.Context, command string, in *inWorkflow, more ...string) (*answer, error) {
	o := &answer{json: in.Format == "json"}
	a := t.app(o)
	path, err := t.place(a, in)
	if err != nil {
		return nil, err
	}
	args := append([]string{command}, more...)
	if args, err = withParams(args, in.Params); err != nil {
		return nil, err
	}
	args = append(args, "--format", cmp.Or(in.Format, "text"))
	if command == "plan" || command == "simulate" {
		args = append(args, "--state", t.state)
	}
	return t.do(ctx, a, o, append(args, path)...)
}

// place is where a workflow stands, and has its text given to a, if there is one.
func (t *toolbox) place(a *app, in *inWorkflow) (string, error) {
	if in.Text == "" {
		return t.find(in.Path)
	}
	if len(in.Text) > mcpFile {
		return "", fmt.Errorf("the text has %d bytes, more than %d", len(in.Text), mcpFile)
	}
	a.text = []byte(in.Text)
	if path, err := t.find(in.Path); err == nil {
		return path, nil
	}
	path := cmp.Or(in.Path, "workflow.yaml")
	if !filepath.IsAbs(path) {
		path = filepath.Join(t.roots[0], path)
	}
	return path, nil // a file that is not there yet; what is outside has nothing beside it
}

// withParams adds --set for every parameter, in order.
func withParams(args []string, params map[string]any) ([]string, error) {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text, is := params[name].(string)
		if !is {
			data, err := json.Marshal(params[name])
			if err != nil {
				return nil, err
			}
			text = string(data)
		}
		args = append(args, "--set", name+"="+text)
	}
	return args, nil
}

func (t *toolbox) list(_ context.Context, in inText) (*answer, error) {
	o := &answer{}
	files, problems := workflows.Find(t.roots...)
	n := 0
	shelf := workflows.NewShelf(0)
	for _, file := range files {
		c := workflows.OpenWithin(t.roots, file)
		if c.Prepared == nil {
			fmt.Fprintf(&o.out, "%s: has mistakes; see the tool lint\n", file)
			n++
			continue
		}
		var params []string
		for _, p := range shelf.Task(c).Params {
			params = append(params, p.Name)
		}
		line := fmt.Sprintf("%s: %s", file, c.Prepared.Name())
		if len(params) > 0 {
			line += " (" + strings.Join(params, ", ") + ")"
		}
		if strings.Contains(strings.ToLower(line), strings.ToLower(in.Text)) {
			fmt.Fprintln(&o.out, line)
			n++
		}
	}
	for _, p := range problems {
		fmt.Fprintf(&o.err, "%s\n", p.Message)
	}
	if n == 0 {
		fmt.Fprintf(&o.out, "there is no such workflow below %s\n", strings.Join(t.roots, ", "))
	}
	return o, nil
}

func (t *toolbox) read(_ context.Context, in inFile) (*answer, error) {
	path, err := t.find(in.Path)
	if err != nil {
		return nil, err
	}
	data, err := workflows.ReadWithin(t.roots, path, mcpFile)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %s", in.Path, reason(err))
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, fmt.Errorf("%s is no text", in.Path)
	}
	o := &answer{}
	_, err = o.out.Write(data)
	return o, err
}

func (t *toolbox) labware(ctx context.Context, in inLabware) (*answer, error) {
	o := &answer{}
	a := t.app(o)
	if in.Name == "" {
		return t.do(ctx, a, o, "labware", "list", "--", in.Text)
	}
	name := in.Name
	if spec.IsFileReference(name) {
		var err error
		if name, err = t.find(name); err != nil {
			return nil, err
		}
	}
	return t.do(ctx, a, o, "labware", "show", "--", name)
}

func (t *toolbox) explain(ctx context.Context, in inExplain) (*answer, error) {
	o := &answer{}
	a := t.app(o)
	switch {
	case in.Step != "" && in.What != "", in.Path != "" && in.What != "":
		return nil, errors.New("give either what, or path and step")
	case in.Path != "" || in.Step != "":
		path, err := t.find(in.Path)
		if err != nil {
			return nil, err
		}
		return t.do(ctx, a, o, "explain", path, in.Step)
	case in.What != "":
		return t.do(ctx, a, o, "explain", in.What)
	}
	return t.do(ctx, a, o, "explain")
}

func (t *toolbox) runs(ctx context.Context, in inRuns) (*answer, error) {
	o := &answer{json: in.Format == "json"}
	args := []string{"runs", "list", "--workflow", in.Workflow, "--since", in.Since, "--limit", strconv.Itoa(cmp.Or(max(in.Limit, 0), 30))}
	if in.Run != "" {
		args = []string{"runs", "show", in.Run}
	}
	return t.do(ctx, t.app(o), o, append(args, "--format", cmp.Or(in.Format, "text"), "--state", t.state)...)
}

// clipped keeps the beginning and the end of what is written, which is as much as an
// assistant can read.
type clipped struct {
	head, tail []byte
	n          int
}

// The end of what is long has what it comes to.
const clippedTail = 16 << 10

// Write takes everything.
func (c *clipped) Write(data []byte) (int, error) {
	c.n += len(data)
	room := min(max(mcpAnswer-clippedTail-len(c.head), 0), len(data))
	if len(c.tail) > 0 {
		room = 0
	}
	c.head = append(c.head, data[:room]...)
	if c.tail = append(c.tail, data[room:]...); len(c.tail) > 2*clippedTail {
		c.tail = append(c.tail[:0], c.tail[len(c.tail)-clippedTail:]...)
	}
	return len(data), nil
}

// left is how many bytes are not kept.
func (c *clipped) left() int { return c.n - len(c.head) - len(c.tail) }

func (c *clipped) String() string {
	if c.left() == 0 {
		return string(c.head) + string(c.tail)
	}
	return strings.ToValidUTF8(string(c.head)+fmt.Sprintf("\n… %d bytes are left out here …\n", c.left())+string(c.tail), "")
}

var _ io.Writer = (*clipped)(nil)
