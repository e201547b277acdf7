package robot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// keyPrefix begins the key under which the robot keeps our protocols.
const keyPrefix = "ot2flow "

// handle is how a run is found again.
type handle struct {
	Robot    string `json:"robot"` // base URL
	Serial   string `json:"serial,omitempty"`
	Run      string `json:"run"`
	Protocol string `json:"protocol,omitempty"`
	Live     bool   `json:"live,omitempty"`    // there is no protocol: steps are handed over batch by batch
	Last     int    `json:"last,omitempty"`    // of a live run: the last step that it was let go of,
	Plays    int    `json:"plays,omitempty"`   // and how often it was played by then, or less
	Foreign  bool   `json:"foreign,omitempty"` // an existing protocol, which is one step
}

// Open makes sure that the plan can be carried out on this robot as it is now,
// lets the robot analyse it, and prepares the run. Nothing moves.
func (r *Robot) Open(ctx context.Context, job run.Job) (run.Session, error) {
	d, err := r.Inspect(ctx)
	if err == nil {
		err = Busy(d)
	}
	if err == nil {
		err = fits(job.Plan, d)
	}
	if err != nil {
		return nil, err
	}
	for _, later := range job.Later {
		if _, err := r.foreignFits(ctx, later); err != nil {
			return nil, err
		}
	}
	if len(job.Plan.Steps) == 1 && job.Plan.Steps[0].Protocol != nil {
		return r.openForeign(ctx, job, d.Serial)
	}
	sent := commands(job.Plan)
	r.o.Say(fmt.Sprintf("handing %d commands to %s", len(sent), d.Name))
	protocol, err := r.protocol(ctx, job.Plan)
	if err != nil {
		return nil, err
	}
	if err := r.analysed(ctx, job.Plan, protocol, sent); err != nil {
		return nil, err
	}
	if job.InBatches() {
		return r.openLive(ctx, job, d.Serial)
	}
	id, err := r.create(ctx, protocol.ID, nil, nil)
	if err != nil {
		return nil, err
	}
	return r.session(job.Plan, handle{Robot: r.c.base, Serial: d.Serial, Run: id, Protocol: protocol.ID}), nil
}

// commands lists what the robot is given, in order.
func commands(p *program.Plan) []command.Command {
	out := command.Setup(p.Deck)
	for i := range p.Steps {
		out = append(out, command.Of(&p.Steps[i], p.Deck)...)
	}
	return out
}

// protocol hands the plan over, or finds it there already: a robot keeps equal
// protocols once.
func (r *Robot) protocol(ctx context.Context, p *program.Plan) (protocolJSON, error) {
	data, err := command.Protocol(p)
	if err != nil {
		return protocolJSON{}, failure(run.Rejected, err, "the plan cannot be written as a protocol: %v", err)
	}
	var e envelope[protocolJSON]
	name, key := fileName(p.Workflow.Name), keyPrefix+p.Fingerprint
	err = r.c.upload(ctx, name, key, data, r.o.Upload, &e)
	if err != nil && mayBeHeard(err) && ctx.Err() == nil {
		return r.uploaded(ctx, name, key, err)
	}
	if refusal := refusedWith(err, 422); refusal != nil {
		return e.Data, failure(run.Rejected, err, "the robot does not take the protocol: %s", refusal)
	}
	if err == nil && e.Data.ID == "" {
		err = failure(run.Unreachable, nil, "%s took the protocol, and what it answers is not what a robot answers", r.c.base)
	}
	return e.Data, err
}

// uploaded looks for a protocol whose upload had no answer.
func (r *Robot) uploaded(ctx context.Context, name, key string, why error) (protocolJSON, error) {
	r.o.Say("the robot did not answer to the protocol; looking whether it has it")
	var all envelope[[]protocolJSON]
	if err := r.read(ctx, "/protocols", &all); err != nil {
		return protocolJSON{}, err
	}
	for i := len(all.Data) - 1; i >= 0; i-- {
		if p := &all.Data[i]; p.Key == key && len(p.Files) > 0 && p.Files[0].Name == name {
			return *p, nil
		}
	}
	return protocolJSON{}, failure(run.Unreachable, why, "the protocol could not be handed over: %v; nothing has moved, try again", why)
}

// fileName is under what name the robot's app shows the protocol.
func fileName(workflow string) string {
	keep := func(c rune) rune {
		if c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '-'
	}
	name := strings.Map(keep, workflow)
	if name == "" {
		name = "workflow"
	}
	return name[:min(len(name), 80)] + ".json"
}

// analysed waits for the robot's own analysis and compares it with what was
// sent.
func (r *Robot) analysed(ctx context.Context, p *program.Plan, protocol protocolJSON, sent []command.Command) error {
	if len(protocol.Analyses) == 0 {
		return failure(run.Rejected, nil, "the robot does not analyse the protocol; restart the robot and try again")
	}
	data, err := r.analysis(ctx, protocol)
	if err != nil {
		return err
	}
	var a analysisJSON
	if json.Unmarshal(data, &a) != nil {
		return failure(run.Unreachable, nil, "the robot's analysis is not what a robot answers")
	}
	return verdict(p, &a, sent)
}

// analysis waits for the robot's own analysis of a protocol.
func (r *Robot) analysis(ctx context.Context, protocol protocolJSON) (json.RawMessage, error) {
	path := "/protocols/" + protocol.ID + "/analyses/" + protocol.Analyses[len(protocol.Analyses)-1].ID
	w := r.waiting(r.o.Analysis, min(r.o.Fast, 250*time.Millisecond), 2*time.Second)
	w.said = w.since.Add(-sayEvery + time.Second) // a second is not worth a word
	for {
		var e envelope[json.RawMessage]
		var a struct {
			Status string `json:"status"`
		}
		err := r.patiently(ctx, func() error {
			return r.c.do(ctx, request{method: http.MethodGet, path: path, limit: r.o.Upload, most: maxAnalysis}, &e)
		})
		if err == nil {
			err = json.Unmarshal(e.Data, &a)
		}
		switch {
		case refusedWith(err, 404) != nil:
			return nil, failure(run.Rejected, err, "the robot no longer knows the plan that it was analysing: it was restarted; nothing has moved, try again")
		case err != nil:
			return nil, err
		case a.Status == "completed":
			return e.Data, nil
		case !w.again(ctx, "the robot analyses the protocol"):
			return nil, w.gaveUp(ctx, "the robot does not come to an end with its analysis; nothing has moved; restart the robot before trying again", nil)
		}
	}
}

// verdict turns the robot's errors into one of ours, at the place of the
// workflow the command came from.
func verdict(p *program.Plan, a *analysisJSON, sent []command.Command) error {
	if len(a.Errors) > 0 || a.Result != "ok" && a.Result != "" {
		return objection(p, a)
	}
	got := a.Commands[:0:0]
	for i := range a.Commands {
		if _, _, ours := parseKey(a.Commands[i].Key); ours {
			got = append(got, a.Commands[i])
		}
	}
	if len(got) != len(sent) {
		return failure(run.Rejected, nil, "the robot understood %d commands where %d were sent; nothing has moved", len(got), len(sent))
	}
	for i := range got {
		if got[i].Key != sent[i].Key || got[i].Type != sent[i].Type {
			return failure(run.Rejected, nil, "the robot understood command %d as %s %s where %s %s was sent; nothing has moved", i+1, got[i].Key, got[i].Type, sent[i].Key, sent[i].Type)
		}
	}
	return nil
}

func objection(p *program.Plan, a *analysisJSON) error {
	why := "its result is " + a.Result
	if len(a.Errors) > 0 {
		why = a.Errors[0].String()
	}
	e := failure(run.Rejected, nil, "the robot's own analysis refuses the plan, and nothing has moved: %s", why)
	for i := range a.Commands {
		c := &a.Commands[i]
		n, _, ours := parseKey(c.Key)
		if c.Status != "failed" || c.Error == nil || !ours {
			continue
		}
		if n == 0 {
			e.Message += " (at " + c.Type + ", before the first step)"
			break
		}
		if n <= len(p.Steps) {
			s := &p.Steps[n-1]
			e.Step, e.ID, e.Where = n, s.ID(), s.Where()
			e.Message += fmt.Sprintf(" (%s:%d)", p.Workflow.File, e.Where.Start.Line)
		}
		break
	}
	return e
}

// parseKey takes a command's key apart: k-th command of step n.
func parseKey(key string) (n, k int, ok bool) {
	step, part, found := strings.Cut(key, ".")
	n, errN := strconv.Atoi(step)
	k, errK := strconv.Atoi(part)
	return n, k, found && errN == nil && errK == nil && n >= 0 && k > 0
}

// create makes the run that is to be played: of a protocol, or a live one.
func (r *Robot) create(ctx context.Context, protocol string, params map[string]json.RawMessage, tables map[string]string) (string, error) {
	before, err := r.current(ctx)
	if err != nil {
		return "", err
	}
	var e envelope[runJSON]
	ask := map[string]any{}
	if protocol != "" {
		ask["protocolId"] = protocol
	}
	if list := r.offsetList(); len(list) > 0 {
		ask["labwareOffsets"] = list
	}
	if len(params) > 0 {
		ask["runTimeParameterValues"] = params
	}
	if len(tables) > 0 {
		ask["runTimeParameterFiles"] = tables
	}
	body := map[string]any{"data": ask}
	err = r.c.send(ctx, http.MethodPost, "/runs", body, r.o.Write, &e)
	switch {
	case err == nil && e.Data.ID != "":
		return e.Data.ID, nil
	case err == nil:
		err = failure(run.Unreachable, nil, "%s prepared a run, and what it answers is not what a robot answers", r.c.base)
	case refusedWith(err, 409) != nil:
		return "", failure(run.Busy, err, "somebody else started a run on the robot in the meantime (%v); nothing has moved", errors.Unwrap(err))
	}
	if !mayBeHeard(err) {
		return "", err
	}
	return r.created(context.WithoutCancel(ctx), protocol, before, err)
}

// created looks for a run whose creation had no answer. It is never played by
// itself, so that finding it late does no harm.
func (r *Robot) created(ctx context.Context, protocol string, before *runJSON, why error) (string, error) {
	current, err := r.current(ctx)
	fresh := current != nil && (before == nil || current.ID != before.ID)
	if err == nil && fresh && current.Protocol == protocol && current.Status == "idle" && current.plays() == 0 {
		return current.ID, nil
	}
	return "", failure(run.Unreachable, why, "the run could not be prepared: %v; nothing has moved, try again", why)
}

// Reattach finds a run again. It only reads.
func (r *Robot) Reattach(ctx context.Context, job run.Job, h run.Handle) (run.Session, error) {
	var was handle
	if err := json.Unmarshal(h, &was); err != nil || was.Run == "" {
		return nil, failure(run.Rejected, err, "the note of how to find the run again is none of a robot: %s", h)
	}
	var health healthJSON
	if err := r.c.get(ctx, "/health", r.o.Read, &health); err != nil {
		return nil, err
	}
	if was.Serial != "" && health.Serial != "" && was.Serial != health.Serial {
		return nil, failure(run.Rejected, nil, "the run is on the robot with serial number %s, and %s is %s", was.Serial, r.c.base, health.Serial)
	}
	was.Robot = r.c.base // robots get new addresses
	s := r.session(job.Plan, was)
	if was.Foreign {
		f := &foreign{session: s}
		_, err := f.read(ctx)
		return f, err
	}
	s.f.live = was.Live
	if err := s.refresh(ctx, true); err != nil {
		return nil, err
	}
	if was.Live {
		return live{s}, nil
	}
	return s, nil
}

// RunOf returns the robot's id of the run that h finds again, or "".
func RunOf(h run.Handle) string {
	var was handle
	if err := json.Unmarshal(h, &was); err != nil {
		return ""
	}
	return was.Run
}
