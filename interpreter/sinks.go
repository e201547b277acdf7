package interpreter

import (
	"bytes"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// The sinks that listen to an expansion.

// Fan shows every step to several sinks, in order.
type Fan []program.Sink

// Step shows the step to every sink until one fails.
func (f Fan) Step(t *program.Transition) error {
	for _, s := range f {
		if err := s.Step(t); err != nil {
			return err
		}
	}
	return nil
}

// Start tells the sinks that want to know which deck it is.
func (f Fan) Start(begin *program.State, params []program.Param) {
	for _, s := range f {
		if s, ok := s.(Start); ok {
			s.Start(begin, params)
		}
	}
}

// Check hands a check to the sinks that want to judge it themselves.
func (f Fan) Check(c *Check) {
	for _, s := range f {
		if s, ok := s.(Judge); ok {
			s.Check(c)
		}
	}
}

// Needs counts what a program uses up.
type Needs struct{ program.Counting }

// Start makes room for the deck's racks and liquids.
func (n *Needs) Start(begin *program.State, _ []program.Param) {
	n.Counting = program.NewCounting(begin.Deck)
}

// Step counts one step.
func (n *Needs) Step(t *program.Transition) error {
	n.Count(&t.Step.Op, t.Touched, t.After)
	return nil
}

// Estimate adds up how long the robot takes.
type Estimate struct {
	machine Machine
	timer   program.Timer
	us      int64
}

// NewEstimate returns an estimate by the machine's model of time.
func NewEstimate(m Machine) *Estimate { return &Estimate{machine: m} }

// Start sets the clock to 0 for a deck.
func (e *Estimate) Start(begin *program.State, _ []program.Param) {
	d := begin.Deck
	e.timer, e.us = e.machine.Timer(d), 0
}

// Step adds one step.
func (e *Estimate) Step(t *program.Transition) error {
	if p := t.Step.Protocol; p != nil {
		for i := range p.Does {
			e.us += e.timer.Duration(&p.Does[i])
		}
	}
	e.us += e.timer.Duration(&t.Step.Op)
	return nil
}

// Milliseconds returns the time so far, rounded.
func (e *Estimate) Milliseconds() int64 { return (e.us + 500) / 1000 }

// Recorder keeps the steps, in pieces that never move: a list that grows would
// be copied again and again.
type Recorder struct {
	full [][]program.Step
	last []program.Step
}

// maxPiece is how many steps a piece has at most.
const maxPiece = 1 << 14

// Step keeps one step.
func (r *Recorder) Step(t *program.Transition) error {
	if len(r.last) == maxPiece {
		r.full = append(r.full, r.last)
		r.last = make([]program.Step, 0, maxPiece)
	}
	r.last = append(r.last, *t.Step)
	return nil
}

// Steps returns the steps in order.
func (r *Recorder) Steps() []program.Step {
	if len(r.full) == 0 {
		return r.last
	}
	return slices.Concat(append(r.full, r.last)...)
}

// Checks runs the rules of any robot and those of this machine.
type Checks struct{ *check.Sink }

// NewChecks returns the rules for one expansion on a machine.
func NewChecks(m Machine) Checks {
	return Checks{check.NewSink(append(check.Rules(), m.Rules()...))}
}

// Prove expands the workflow and checks every step; more sinks see the steps
// after the rules. It is what lint, plan, simulate and apply all do first.
// Where something is found, the workflow is expanded once more to say how it
// came to that.
//
// What depends on results that are not there yet is proved for what they may
// be; nothing of that is shown to the sinks.
func (p *Prepared) Prove(in Input, more ...program.Sink) (End, diag.List, error) {
	end, list, err := p.prove(in, more...)
	if (end.Waits > 0 || in.Likely && len(p.lives) > 0) && !list.HasErrors() && err == nil {
		list = append(list, p.proveDeferred(in, &end)...)
	}
	return end, once(list), err
}

// Follow is Prove for one run alone: of what depends on results, only those that it is
// given, or that are likely, are looked at.
func (p *Prepared) Follow(in Input, more ...program.Sink) (End, diag.List, error) {
	return p.prove(in, more...)
}

func (p *Prepared) prove(in Input, more ...program.Sink) (End, diag.List, error) {
	checks := NewChecks(p.machine)
	end, list, err := p.Expand(in, append(Fan{checks}, more...))
	if end.State == nil {
		return end, list, err
	}
	if h := checks.History(); h != nil && err == nil {
		_, _, err = p.Expand(in, h)
	}
	list = append(list, p.proveFinally(&end, in)...)
	found := checks.Findings
	if end.Whole {
		found = func() diag.List { return checks.End(end.State) }
	}
	return end, followedUp(list, end.told(p.meant(found()), p)), err
}

// told leaves out what the workflow says is to be ignored, and notes that it was there.
func (e *End) told(list diag.List, p *Prepared) diag.List {
	if e.Ignored == nil {
		e.Ignored = slices.Clone(p.ignored)
	}
	return list.Ignoring(p.ignores, e.Ignored)
}

// Ignores are what the files of the workflow say is not to be told.
func (p *Prepared) Ignores() []diag.Ignore { return p.ignores }

// ProvePlan checks every step of a stored plan again, which may be older than
// the rules; more sinks see the steps after them. Places are those that the
// plan keeps: the line of each step. The error is that of a sink.
func ProvePlan(p *program.Plan, m Machine, more ...program.Sink) (diag.List, error) {
	return ProvePlanFrom(program.NewState(p.Deck), p, m, more...)
}

// ProvePlanFrom is ProvePlan where the first step finds the deck in a state
// that is not the one it was declared in. The state stays as it is.
func ProvePlanFrom(start *program.State, p *program.Plan, m Machine, more ...program.Sink) (diag.List, error) {
	checks := NewChecks(m)
	state, err := p.TimelineFrom(start.Clone(), append(Fan{checks}, more...).Step)
	if h := checks.History(); h != nil && err == nil {
		_, err = p.TimelineFrom(start.Clone(), h.Step)
	}
	ignores := ignored(p)
	return checks.End(state).Ignoring(ignores, make([]bool, len(ignores))), err
}

// ignored are what the files of a plan say is not to be told.
func ignored(p *program.Plan) []diag.Ignore {
	var out []diag.Ignore
	for _, f := range p.Files {
		if bytes.Contains(f.Data, []byte("ot2flow: ignore")) {
			more, _ := spec.NewSource(&spec.File{Name: f.Name, Data: f.Data}).Ignores()
			out = append(out, more...)
		}
	}
	return out
}

// Plan expands, checks and records the workflow as data. The plan is nil if
// there are errors. A plan begins with what the workflow declares, so
// Input.State must be nil.
func (p *Prepared) Plan(in Input) (*program.Plan, diag.List) { return p.plan(in, p.Prove) }

// Grow is Plan in the middle of a run, where more results are known. Only what
// is certain now is proved: that the workflow can be carried out whatever comes
// back was proved when the run began.
func (p *Prepared) Grow(in Input) (*program.Plan, diag.List) { return p.plan(in, p.prove) }

func (p *Prepared) plan(in Input, prove func(Input, ...program.Sink) (End, diag.List, error)) (*program.Plan, diag.List) {
	rec, needs, time := &Recorder{}, &Needs{}, NewEstimate(p.machine)
	end, list, _ := prove(in, rec, needs, time)
	if list.HasErrors() || end.State == nil {
		return nil, list
	}
	plan := &program.Plan{
		Workflow: program.Workflow{Name: p.workflow.Name.Text, File: p.bundle.Main, Params: end.Params},
		Deck:     end.Deck, Steps: rec.Steps(), End: end.Op(), Needs: needs.Result(), Outputs: end.Outputs, EstimateMS: time.Milliseconds(),
	}
	plan.Limits = end.limits
	plan.Ended = end.Ended
	if end.Failed != nil {
		plan.Failed = end.Failed.Span.File + ":" + itoa(end.Failed.Span.Start.Line) + ": " + end.Failed.Message
	}
	if end.Deferred {
		p.lookAhead(plan, in)
	}
	plan.Fingerprint = plan.Hash()
	for _, f := range p.bundle.Files {
		plan.Files = append(plan.Files, program.File{Name: f.Name, Data: f.Data})
	}
	for _, name := range p.TableNames() {
		if f, given := in.Tables[name]; given {
			plan.Files = append(plan.Files, program.File{Name: f.Name, Data: f.Data})
		}
	}
	return plan, list
}

// Name returns the workflow's name.
func (p *Prepared) Name() string { return p.workflow.Name.Text }

// NameSpan returns where the name is written.
func (p *Prepared) NameSpan() diag.Span { return p.workflow.Name.Whole() }

// Bundle returns the files the workflow was prepared from.
func (p *Prepared) Bundle() *spec.Bundle { return p.bundle }

// ParamNames returns the names of the parameters, in the order of the file.
func (p *Prepared) ParamNames() []string {
	var out []string
	for i := range p.params {
		out = append(out, p.params[i].decl.Name.Value)
	}
	return out
}

// Declared returns the parameters as they are declared, in the order of the file.
func (p *Prepared) Declared() []spec.Param { return p.workflow.Params }

// Description returns what the workflow says of itself.
func (p *Prepared) Description() string { return p.workflow.Description.Text }

// TableNames returns the names of the parameters that are tables.
func (p *Prepared) TableNames() []string {
	var out []string
	for i := range p.params {
		if d := p.params[i].decl; d.Type.Value == "table" {
			out = append(out, d.Name.Value)
		}
	}
	return out
}

// HasDefault reports whether a parameter has a value where a run gives none.
func (p *Prepared) HasDefault(name string) bool {
	return slices.ContainsFunc(p.params, func(d param) bool { return d.decl.Name.Value == name && d.value != nil })
}

// Machine returns the kind of robot the workflow was prepared for.
func (p *Prepared) Machine() Machine { return p.machine }
