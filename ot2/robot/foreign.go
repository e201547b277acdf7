package robot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// An existing protocol is handed over as it is, analysed by the robot, and run
// by it. It is one step: what it does in between is its own affair.

// foreign is a session of such a run.
type foreign struct {
	*session
	told   run.Status // last reported
	began  bool       // its beginning was reported
	queued []run.Report
}

// openForeign prepares the run of a protocol. Nothing moves.
func (r *Robot) openForeign(ctx context.Context, job run.Job, serial string) (run.Session, error) {
	p := job.Plan.Steps[0].Protocol
	protocol, err := r.foreignFits(ctx, job.Plan)
	if err != nil {
		return nil, err
	}
	tables, err := r.tables(ctx, job.Plan, p)
	if err != nil {
		return nil, err
	}
	id, err := r.create(ctx, protocol.ID, values(p), tables)
	if err != nil {
		return nil, err
	}
	return &foreign{session: r.session(job.Plan, handle{Robot: r.c.base, Serial: serial, Run: id, Protocol: protocol.ID, Foreign: true})}, nil
}

// foreignFits hands the protocol over that a plan consists of, and makes sure that
// it can be carried out. Nothing moves.
func (r *Robot) foreignFits(ctx context.Context, plan *program.Plan) (protocolJSON, error) {
	p := plan.Steps[0].Protocol
	r.o.Say("handing " + p.File + " over")
	protocol, err := r.uploadForeign(ctx, plan, p)
	if err == nil {
		err = r.analysedForeign(ctx, plan, p, protocol)
	}
	return protocol, err
}

// values are the run-time parameters as the robot takes them.
func values(p *program.Protocol) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, v := range p.Params {
		out[v.Name] = json.RawMessage(v.Value)
	}
	return out
}

// tables hands the CSV files of a protocol over, and returns their ids by parameter.
// Of a file that the robot has already it says so, and nothing is kept twice.
func (r *Robot) tables(ctx context.Context, plan *program.Plan, p *program.Protocol) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range p.Tables {
		i := slices.IndexFunc(plan.Files, func(f program.File) bool { return f.Name == t.File })
		if i < 0 {
			return nil, failure(run.Rejected, nil, "the plan was kept without the file %s; make it again with its files", t.File)
		}
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		part, err := form.CreateFormFile("file", path.Base(t.File))
		if err == nil {
			_, err = part.Write(plan.Files[i].Data)
		}
		if err = errors.Join(err, form.Close()); err != nil {
			return nil, err
		}
		var e envelope[struct {
			ID string `json:"id"`
		}]
		err = r.patiently(ctx, func() error {
			return r.c.do(ctx, request{method: http.MethodPost, path: "/dataFiles", kind: form.FormDataContentType(), body: b.Bytes(), limit: r.o.Upload, most: maxAnswer}, &e)
		})
		switch {
		case refusedWith(err, 404) != nil:
			return nil, failure(run.Rejected, err, "the robot's software is too old to take tables for protocols, which it does from 8.0 on: %s; nothing has moved", t.File)
		case refusedWith(err, 422) != nil:
			return nil, failure(run.Rejected, err, "the robot does not take %s: %s; nothing has moved", t.File, refusedWith(err, 422))
		case err == nil && e.Data.ID == "":
			err = failure(run.Unreachable, nil, "%s took a table, and what it answers is not what a robot answers", r.c.base)
		}
		if err != nil {
			return nil, err
		}
		out[t.Param] = e.Data.ID
	}
	return out, nil
}

// uploadForeign hands the protocol over, with the definitions of the deck that
// are not in the robot's catalogue.
func (r *Robot) uploadForeign(ctx context.Context, plan *program.Plan, p *program.Protocol) (protocolJSON, error) {
	i := slices.IndexFunc(plan.Files, func(f program.File) bool { return f.Name == p.File })
	if i < 0 {
		return protocolJSON{}, failure(run.Rejected, nil, "the plan was kept without the file %s; make it again with its files", p.File)
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	var bad error
	file := func(name string, data []byte) {
		part, err := form.CreateFormFile("files", name)
		if err == nil {
			_, err = part.Write(data)
		}
		bad = errors.Join(bad, err)
	}
	file(path.Base(p.File), plan.Files[i].Data)
	for k := range plan.Deck.Labware {
		if def := plan.Deck.Labware[k].Def; def.JSON != nil {
			file(strings.ReplaceAll(def.URI(), "/", "-")+".json", def.JSON)
		}
	}
	tables, err := r.tables(ctx, plan, p)
	if err != nil {
		return protocolJSON{}, err
	}
	if len(tables) > 0 {
		ids, err := json.Marshal(tables)
		bad = errors.Join(bad, err, form.WriteField("runTimeParameterFiles", string(ids)))
	}
	params, err := json.Marshal(values(p))
	bad = errors.Join(bad, err, form.WriteField("key", keyPrefix+p.SHA256))
	if len(p.Params) > 0 {
		bad = errors.Join(bad, form.WriteField("runTimeParameterValues", string(params)))
	}
	if bad = errors.Join(bad, form.Close()); bad != nil {
		return protocolJSON{}, bad
	}
	var e envelope[protocolJSON]
	err = r.patiently(ctx, func() error {
		return r.c.do(ctx, request{method: http.MethodPost, path: "/protocols", kind: form.FormDataContentType(), body: b.Bytes(), limit: r.o.Upload, most: maxAnswer}, &e)
	})
	if refusal := refusedWith(err, 422); refusal != nil {
		return e.Data, failure(run.Rejected, err, "the robot does not take %s: %s; nothing has moved", p.File, refusal)
	}
	if err == nil && e.Data.ID == "" {
		err = failure(run.Unreachable, nil, "%s took the protocol, and what it answers is not what a robot answers", r.c.base)
	}
	return e.Data, err
}

// analysedForeign waits for the robot's analysis, and makes sure that the deck is
// the one the protocol takes it to be, and that it does what the plan says.
func (r *Robot) analysedForeign(ctx context.Context, plan *program.Plan, p *program.Protocol, protocol protocolJSON) error {
	if len(protocol.Analyses) == 0 {
		return failure(run.Rejected, nil, "the robot does not analyse %s; restart the robot and try again", p.File)
	}
	data, err := r.analysis(ctx, protocol)
	if err != nil {
		return err
	}
	found, err := command.ReadAnalysis(data)
	if err != nil {
		return failure(run.Rejected, err, "%s: %v; nothing has moved", p.File, err)
	}
	does, differs := found.On(program.NewState(plan.Deck))
	if len(differs) > 0 {
		return failure(run.Rejected, nil, "%s; nothing has moved", program.Differs(p.File, differs))
	}
	if p.Digest != "" && p.Digest != program.DigestOf(does, plan.Deck) {
		return failure(run.Rejected, nil, "the robot's own analysis of %s says that it does otherwise than its recorded one; record that anew, with the software of the robot; nothing has moved", p.File)
	}
	return nil
}

// Send plays the run.
func (s *foreign) Send(ctx context.Context, b run.Batch) error {
	if b.First != 1 || b.Last != 1 || !b.Final {
		return failure(run.Rejected, nil, "steps %d to %d are not the protocol", b.First, b.Last)
	}
	return s.start(ctx)
}

// Next waits until the run stands otherwise than was reported.
func (s *foreign) Next(ctx context.Context) (run.Report, error) {
	for {
		if len(s.queued) > 0 {
			r := s.queued[0]
			s.queued = s.queued[1:]
			return r, nil
		}
		if s.told >= run.Succeeded {
			return run.Report{}, failure(run.Halted, nil, "the run is over")
		}
		current, err := s.read(ctx)
		if err != nil {
			return run.Report{}, err
		}
		s.news(current)
		if len(s.queued) > 0 {
			continue
		}
		if !sleep(ctx, s.r.o.Fast) {
			return run.Report{}, ctx.Err()
		}
	}
}

// read reads how the run stands.
func (s *foreign) read(ctx context.Context) (*runJSON, error) {
	current, err := s.r.readRun(ctx, s.h.Run)
	switch {
	case refusedWith(err, 404) != nil:
		return nil, failure(run.Halted, err, "the robot no longer knows the run; somebody deleted it, or it made room for newer ones")
	case err != nil:
		return nil, err
	case current.lost() && current.plays() == 0:
		current.neverBegun()
	case current.lost():
		return nil, failure(run.Halted, nil, "the robot was restarted in the middle of the protocol and has forgotten what it did; look at the deck before anything else")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.played = s.played || current.plays() > 0
	s.f.status = current.Status
	return current, nil
}

// news makes reports of how the run stands.
func (s *foreign) news(current *runJSON) {
	status := statusOf(current.Status)
	if current.plays() > 0 && !s.began {
		s.began = true
		s.queued = append(s.queued, run.Report{Phase: run.Started, Step: 1})
	}
	s.mu.Lock()
	again := s.again
	s.again = false
	s.mu.Unlock()
	if status == run.NoStatus || status == s.told && !again {
		return
	}
	s.told = status
	reason := ""
	if len(current.Errors) > 0 {
		reason = current.Errors[0].String()
	}
	if status >= run.Succeeded && s.began {
		f := finding(current)
		phase := run.Done
		if f.Outcome != run.WasDone {
			phase = run.Failed
		}
		s.queued = append(s.queued, run.Report{Phase: phase, Step: 1, Finding: f})
	}
	s.queued = append(s.queued, run.Report{Status: status, Reason: reason})
}

// finding is what a run says of the protocol as a whole.
func finding(current *runJSON) run.Finding {
	switch {
	case current.plays() == 0:
		return run.Finding{Outcome: run.WasNotTaken, Evidence: "the robot has the run and was never told to start it"}
	case current.Status == "succeeded":
		return run.Finding{Outcome: run.WasDone, Evidence: "the run " + current.ID + " succeeded"}
	case current.over():
		why := ""
		if len(current.Errors) > 0 {
			why = ": " + current.Errors[0].String()
		}
		return run.Finding{Outcome: run.HasFailed, Evidence: fmt.Sprintf("the run %s of the protocol is %s%s", current.ID, current.Status, why)}
	}
	return run.Finding{Outcome: run.WasTaken, Evidence: "the robot carries the protocol out"}
}

// Find says what is known of the protocol.
func (s *foreign) Find(ctx context.Context, n int) (run.Finding, error) {
	if n != 1 {
		return run.Finding{Outcome: run.WasNotTaken, Evidence: "it is not the protocol"}, nil
	}
	current, err := s.read(ctx)
	if err != nil {
		return run.Finding{}, err
	}
	s.mu.Lock()
	s.again = true
	since, lost := time.Since(s.lost), !s.lost.IsZero()
	s.mu.Unlock()
	f := finding(current)
	if f.Outcome == run.WasNotTaken && lost && since < s.r.o.Settle {
		return run.Finding{}, failure(run.Timeout, nil, "the robot has not started the run; waiting to be certain that it will not")
	}
	return f, nil
}

// Extend has nothing to take over: the protocol is whole.
func (s *foreign) Extend(*program.Plan) {}

// Close makes room for the next run, if this one is over or was never started.
func (s *foreign) Close(ctx context.Context) error {
	current, err := s.read(ctx)
	if err != nil || current.plays() > 0 && !current.over() {
		return err
	}
	body := map[string]any{"data": map[string]any{"current": false}}
	err = s.r.c.send(ctx, http.MethodPatch, "/runs/"+s.h.Run, body, 10*time.Second, nil)
	if refusedWith(err, 404, 409) == nil {
		return err
	}
	return nil // it is no longer current
}
