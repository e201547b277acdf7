package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// How an assistant has a workflow carried out: a person is shown the plan and agrees to
// it, and what is carried out is that plan or nothing.

type inApply struct {
	Path   string         `json:"path" jsonschema:"the workflow, as the tool workflows lists it; it has to be saved"`
	Params map[string]any `json:"params,omitempty" jsonschema:"values of parameters by their names"`
}

// confirmation is a plan that a person is asked about.
type confirmation struct {
	path, fingerprint string
	by                string // whose session it is
	until             time.Time
}

// Limits of what people are asked.
const (
	confirmWithin = time.Hour // the deck may be another one later
	confirmMost   = 100
	confirmKey    = "carry_out" // of what is asked, and of the answer in it
)

func (t *toolbox) addApply(s *mcp.Server) {
	yes := true
	tool := &mcp.Tool{
		Name:        "apply",
		Description: "Carry a workflow out on " + placeName(t.robot) + ". The person is shown the plan first, and nothing moves unless they agree. It answers when the run is over; the tool runs shows it meanwhile",
		Annotations: &mcp.ToolAnnotations{DestructiveHint: &yes, OpenWorldHint: &yes},
	}
	mcp.AddTool(s, tool, func(ctx context.Context, req *mcp.CallToolRequest, in inApply) (*mcp.CallToolResult, any, error) {
		caller := callerOfTool(req)
		if caller != nil && !caller.May(t.robot) {
			return nil, nil, fmt.Errorf("the token of %s is not for the robot %s", caller.Name, t.robot)
		}
		if !asksPeople(req.Session) {
			return nil, nil, errors.New("this program cannot ask a person, and nothing is carried out without one; a person can do it: ot2flow apply " + in.Path + " --robot " + t.robot)
		}
		path, err := t.find(in.Path)
		if err != nil {
			return nil, nil, err
		}
		if req.Params.RequestState == "" {
			return t.ask(ctx, caller, path, in.Params)
		}
		agreed, err := t.agreed(req, caller, path)
		if err != nil {
			return nil, nil, err
		}
		o, err := t.carryOut(ctx, req, caller, path, agreed, in.Params)
		if err != nil {
			return nil, nil, err
		}
		return o.result()
	})
}

// placeName is where something is carried out, in a sentence.
func placeName(robot string) string {
	if robot == service.Sim {
		return "the simulator"
	}
	return "the robot " + robot
}

// callerOfTool is whose token came with a call; nil where none did.
func callerOfTool(req *mcp.CallToolRequest) *service.Caller {
	if req.Extra == nil || req.Extra.TokenInfo == nil {
		return nil
	}
	c, _ := req.Extra.TokenInfo.Extra[callerKey].(*service.Caller)
	return c
}

// asksPeople reports whether the program at the other end can ask a person.
func asksPeople(s *mcp.ServerSession) bool {
	p := s.InitializeParams()
	return p != nil && p.Capabilities != nil && p.Capabilities.Elicitation != nil
}

// applier is an app that carries out for an assistant.
func (t *toolbox) applier(o *answer, caller *service.Caller, params map[string]any) (*app, error) {
	a := t.app(o)
	a.state, a.format, a.carrier.Reach = t.state, "text", t.reach
	if caller != nil {
		a.owner.By = caller.Name
	}
	set, err := withParams(nil, params)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(set); i += 2 {
		a.set = append(a.set, set[i])
	}
	return a, nil
}

// ask shows a plan to a person.
func (t *toolbox) ask(ctx context.Context, caller *service.Caller, path string, params map[string]any) (*mcp.CallToolResult, any, error) {
	o := &answer{}
	a, err := t.applier(o, caller, params)
	if err != nil {
		return nil, nil, err
	}
	defer a.carrier.Close()
	var plan *program.Plan
	err = a.know(ctx, service.Deck{Robot: t.robot}, false)
	if err == nil {
		plan, err = a.plan(path)
	}
	if err != nil {
		o.code = max(a.told(err), exitCannot)
		return o.result()
	}
	var text bytes.Buffer
	w := bufio.NewWriter(&text)
	(&planText{w: w, plan: plan, known: a.known}).all()
	fmt.Fprintf(w, "\nAn assistant asks for this. Carry it out on %s?", placeName(t.robot))
	if err := w.Flush(); err != nil {
		return nil, nil, err
	}
	c := confirmation{path: path, fingerprint: plan.Fingerprint, until: time.Now().Add(confirmWithin)}
	if caller != nil {
		c.by = caller.Token
	}
	return &mcp.CallToolResult{
		RequestState: t.remember(c),
		InputRequests: mcp.InputRequestMap{confirmKey: &mcp.ElicitParams{
			Message: text.String(),
			RequestedSchema: map[string]any{
				"type":       "object",
				"properties": map[string]any{confirmKey: map[string]any{"type": "boolean", "title": "Carry it out", "description": "The deck is as the plan says, and somebody can reach the robot."}},
				"required":   []string{confirmKey},
			},
		}},
	}, nil, nil
}

// remember keeps what a person is asked, and returns the word by which it is found.
func (t *toolbox) remember(c confirmation) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for word, old := range t.asked {
		if now.After(old.until) || len(t.asked) >= confirmMost {
			delete(t.asked, word)
		}
	}
	word := rand.Text()
	t.asked[word] = c
	return word
}

// agreed returns the fingerprint of the plan that a person has agreed to. It is good once.
func (t *toolbox) agreed(req *mcp.CallToolRequest, caller *service.Caller, path string) (string, error) {
	t.mu.Lock()
	c, known := t.asked[req.Params.RequestState]
	delete(t.asked, req.Params.RequestState)
	t.mu.Unlock()
	by := ""
	if caller != nil {
		by = caller.Token
	}
	said, _ := req.Params.InputResponses[confirmKey].(*mcp.ElicitResult)
	switch {
	case !known || time.Now().After(c.until) || c.path != path || c.by != by:
		return "", errors.New("nobody was asked about this plan, or too long ago; call apply again, and the person is asked")
	case said == nil || said.Action != "accept" || said.Content[confirmKey] != true:
		return "", errors.New("the person has not agreed, and nothing was done; do not ask again unless they want it")
	}
	return c.fingerprint, nil
}

// carryOut carries out the plan with a fingerprint, and nothing else. It goes on when the
// assistant does not wait for it any more: a robot is not left in the middle.
func (t *toolbox) carryOut(ctx context.Context, req *mcp.CallToolRequest, caller *service.Caller, path, fingerprint string, params map[string]any) (*answer, error) {
	t.mu.Lock()
	going := t.going
	t.going = true
	t.mu.Unlock()
	if going {
		return nil, errors.New("a run that was asked for here is not over; see the tool runs, or have a person stop it: ot2flow runs stop last")
	}
	t.running.Add(1)
	defer func() {
		t.mu.Lock()
		t.going = false
		t.mu.Unlock()
		t.running.Done()
	}()
	o := &answer{}
	a, err := t.applier(o, caller, params)
	if err != nil {
		return nil, err
	}
	defer a.carrier.Close()
	nobody, quiet := io.Pipe()           // nobody types here; what stands still is answered elsewhere
	defer func() { _ = quiet.Close() }() // a pipe in memory
	a.in = nobody
	a.err = &telling{answer: o, ctx: ctx, req: req}
	err = a.applyPlans(context.WithoutCancel(ctx), applying{yes: true, shown: true, deck: service.Deck{Robot: t.robot}}, func() (*program.Plan, error) {
		plan, err := a.plan(path)
		if err == nil && plan.Fingerprint != fingerprint {
			return nil, cannot("the plan is another one than the person has agreed to: the workflow or the deck has changed meanwhile; nothing was done")
		}
		return plan, err
	})
	o.code = a.told(err)
	return o, nil
}

// telling passes on what is said while a run is under way, line by line.
type telling struct {
	*answer
	ctx  context.Context //nolint:containedctx // of one call, as long as it is waited for
	req  *mcp.CallToolRequest
	line []byte
	n    float64
}

// Write keeps what is said, and has the assistant told of whole lines.
func (t *telling) Write(data []byte) (int, error) {
	t.line = append(t.line, data...)
	for {
		line, rest, whole := bytes.Cut(t.line, []byte("\n"))
		if !whole {
			break
		}
		t.line = rest
		token := t.req.Params.GetProgressToken()
		if text := strings.TrimSpace(string(line)); text != "" && token != nil && t.ctx.Err() == nil {
			t.n++
			// Who does not hear it asks with the tool runs.
			_ = t.req.Session.NotifyProgress(t.ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: t.n, Message: text})
		}
	}
	return t.answer.err.Write(data)
}
