package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/traces"
)

// Robot is a robot, or the simulator, as those who use it know it.
type Robot struct {
	Name        string   // what it is called; its queue is called so, too
	Address     string   // its name in the network or its address, or Sim
	Labels      []string // what it is good for
	Description string
	// Device is the name at the lab's broker of the device that has it, and There what it is
	// called there, empty where any of its robots is meant. Device is empty for a robot that
	// is reached by its Address.
	Device, There string
}

// NewDevice returns a device of one robot that serves nothing yet. What happens is
// logged, with the run that it is about, or none.
func NewDevice(s *Service, tasks *Tasks, robot string, log func(Note)) *Device {
	return NewLab(s, tasks, []Robot{{Name: robot, Address: robot}}, log)
}

// NewLab is NewDevice for several robots, whose names differ.
func NewLab(s *Service, tasks *Tasks, robots []Robot, log func(Note)) *Device {
	d := &Device{Service: s, Tasks: tasks, Log: log}
	for _, r := range robots {
		if r.Device != "" {
			r.Address = brokerAddress + r.Device
		}
		st := &station{Robot: r, device: d, wake: make(chan struct{}, 1), refusals: map[string]refusal{}}
		st.labels.Store(&r.Labels)
		d.stations = append(d.stations, st)
	}
	return d
}

// poke has the queues looked at.
func (d *Device) poke() {
	for _, st := range d.stations {
		select {
		case st.wake <- struct{}{}:
		default:
		}
	}
	d.changed.light()
}

// Device is what tasks are submitted to: a robot, or several, each with a queue. What
// is submitted is in the journal before that is said, and is carried out by Serve, one
// run at a time on each robot. Its methods may be called by several goroutines: by
// those that pass requests on and by the one that serves.
type Device struct {
	Service *Service
	Tasks   *Tasks
	Log     func(Note)
	Traces  *traces.Exporter // nil where nobody collects them
	Drafts  string           // the folder in which workflows may be changed; empty: in none

	changed  beacon
	stations []*station
	choosing sync.Mutex // held while it is chosen what a robot begins
	line     line
	rests    rests
	clock    clock
	forms    forms
	feeds    feeds
	pictures pictures
	counts   counts

	elsewhere elsewhere
}

// Request is what somebody wants carried out.
type Request struct {
	Task       string
	Given      []byte   // the parameters, a JSON object
	Key        string   // the asker's own, under which nothing is accepted twice; may be empty
	Priority   int      // the greater, the sooner
	Experiment string   // whose runs keep their order; may be empty
	Robot      string   // the name of the one that does it; empty: any that is free and can
	Labels     []string // that it must have
	For        Behalf
}

// Plan makes the plan of a task as it is now.
func (d *Device) Plan(task string, given []byte) (*program.Plan, error) {
	v, ok := d.Tasks.Snapshot().Lookup(task)
	if !ok {
		return nil, d.NoTask(task)
	}
	return planOfTask(v.Value, given)
}

// Example makes the plan of a task for its defaults and examples.
func (d *Device) Example(task string) (*program.Plan, error) {
	v, ok := d.Tasks.Snapshot().Lookup(task)
	if !ok {
		return nil, d.NoTask(task)
	}
	c, err := v.Value.Checked()
	if err != nil {
		return nil, cannot("%v", err)
	}
	plan, list := c.Prepared.Plan((&workflows.Run{}).Input(true))
	if list.HasErrors() {
		return nil, cannot("%s", list[0].Message)
	}
	return plan, nil
}

// NoTask is the error of a task that there is not.
func (d *Device) NoTask(task string) error {
	var names []string
	for _, v := range d.Tasks.Snapshot().Versions {
		names = append(names, v.Name)
	}
	if near, ok := diag.Nearest(task, names); ok {
		return missing("there is no task %s; did you mean %s?", task, near)
	}
	return missing("there is no task %s", task)
}

// givenName is how messages call the parameters of a request.
const givenName = "parameters"

// planOfTask makes the plan of a task for a deck of which nothing is known.
func planOfTask(t *workflows.Task, given []byte) (*program.Plan, error) {
	c, err := t.Checked()
	if err != nil {
		return nil, cannot("%v", err)
	}
	return planOf(c, given, nil)
}

// planOf makes the plan of a workflow for what a run is given and what is known of
// the deck.
func planOf(c *workflows.Checked, given []byte, known *Known) (*program.Plan, error) {
	if len(bytes.Trim(given, " \t\r\n")) == 0 {
		given = []byte("{}")
	}
	made := func(r *workflows.Run) (*program.Plan, diag.List) {
		in := r.Input(false)
		in.Ledger = known.Ledger()
		return c.Prepared.Plan(in)
	}
	if r, ok := c.PlainRun(given); ok { // where something is wrong, it is asked below where that is
		if plan, list := made(&r); plan != nil && !list.HasErrors() {
			return plan, nil
		}
	}
	found := func(list diag.List) error {
		return &Findings{List: list.Sorted(), Source: func(file string) []byte {
			if file == givenName {
				return given
			}
			return c.Source(file)
		}}
	}
	r, list := c.RunFrom(givenName, given)
	if !list.HasErrors() && !json.Valid(given) { // which YAML is more than
		at := diag.Span{File: givenName, Start: diag.Pos{Line: 1, Column: 1}, End: diag.Pos{Line: 1, Column: 1}}
		list = diag.List{{Code: diag.BadValue, Span: at, Message: "parameters are a JSON object, and this is no JSON", Help: `write them like {"R": 100, "mix_well": "A1"}`}}
	}
	if list.HasErrors() {
		return nil, found(list)
	}
	plan, list := made(&r)
	if plan == nil || list.HasErrors() {
		err := &Findings{}
		for i := range list {
			if list[i].Span.File != givenName { // which is no file
				copy(list[i:i+1], slices.Clone(list[i:i+1]).Relocate(c.Dir()))
			}
		}
		errors.As(found(list), &err)
		err.Param = func(d *diag.Diagnostic) string { return c.ParamAt(&r, d) }
		return nil, err
	}
	return plan, nil
}

// Submit accepts a run: when it returns, the run is in the journal. Where the same
// was submitted under the same key before, that one is returned, and fresh is false.
func (d *Device) Submit(ctx context.Context, r Request) (v *View, fresh bool, err error) {
	if strings.HasPrefix(r.Key, keyOfSchedules) {
		return nil, false, usage("keys that begin with %s are those of schedules; take another one", keyOfSchedules)
	}
	return d.submit(ctx, r)
}

func (d *Device) submit(ctx context.Context, r Request) (v *View, fresh bool, err error) {
	task, ok := d.Tasks.Snapshot().Lookup(r.Task)
	if !ok {
		return nil, false, d.NoTask(r.Task)
	}
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, false, err
	}
	plan, err := planOfTask(task.Value, r.Given)
	if err != nil {
		return nil, false, err
	}
	if d.moves() { // elsewhere, its own server says what it reaches
		if err := d.Service.reaches(plan); err != nil {
			return nil, false, err
		}
	}
	queue, err := d.queueFor(ctx, &r, plan)
	if err != nil {
		return nil, false, err
	}
	if d.computes(plan) {
		if v, fresh, err = d.compute(ctx, store, task, &r, queue, plan); fresh {
			d.counts.computed.Add(1)
		}
		return v, fresh, err
	}
	o := journal.Submission{
		Queue: queue, Labels: r.Labels, Workflow: task.Name, Given: compact(r.Given), Key: r.Key, Priority: r.Priority,
		Experiment: r.Experiment, By: r.For.holder(), Project: r.For.Project,
	}
	o.Asked = r.asked(task.Name, o.Given)
	got, fresh, err := store.Submit(ctx, o, plan)
	switch {
	case err != nil:
		return nil, false, cannot("%v", err)
	case !fresh && got.Asked != o.Asked:
		return nil, false, r.otherAsked(got.ID)
	}
	if fresh {
		d.counts.submitted.Add(1)
	}
	d.poke()
	v, err = d.View(ctx, got.ID)
	return v, fresh, err
}

// asked is a hash of what is asked for.
func (r *Request) asked(task string, given []byte) string {
	sum := sha256.Sum256([]byte(task + "\n" + string(given) + "\n" + r.Experiment + "\n" + r.Robot + "\n" + strings.Join(r.Labels, ",")))
	return hex.EncodeToString(sum[:])
}

// otherAsked is the error of a key under which something else was asked.
func (r *Request) otherAsked(id string) error {
	return usage("the key %s is that of run %s, for which something else was asked; give every run a key of its own", r.Key, id)
}

func compact(given []byte) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, given) != nil {
		return json.RawMessage("{}")
	}
	return b.Bytes()
}

// Withdraw takes a run out of the queue; the error is that of one that was begun.
func (d *Device) Withdraw(ctx context.Context, id string) error {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return err
	}
	return d.withdraw(context.WithoutCancel(ctx), store, id, "")
}

func (d *Device) withdraw(ctx context.Context, store *journal.Store, id, by string) error {
	why := "withdrawn"
	if by != "" {
		why = "withdrawn by " + by
	}
	err := store.CloseSubmission(ctx, id, journal.Queued, journal.Withdrawn, why)
	var taken *journal.Taken
	if err != nil && !errors.As(err, &taken) {
		return cannot("%v", err)
	}
	d.poke()
	return err
}

// GoingOn says how a run is gone on with that nobody follows.
type GoingOn struct {
	Ready   bool // what had to be done by hand before is done
	Finally bool // nothing but what finally says
	Accept  bool // that the robot is otherwise than it was left is meant
}

// Ask asks for a pause, a stop, or that a run goes on. A run that waits in the queue
// is withdrawn by a stop. Of one that nobody follows, what remains is carried out. It
// returns when that is asked for; the robot has done it when View says so.
func (d *Device) Ask(ctx context.Context, id string, r run.Request, how GoingOn) error {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return err
	}
	v, err := d.View(ctx, id)
	if err != nil {
		return err
	}
	if handled, err := d.askElsewhere(ctx, v, jobs.Control{Do: r.Control.String(), Now: r.Now, By: r.By}); handled {
		return err
	}
	if v.State == StateQueued {
		if r.Control != run.Stop {
			return usage("run %s was not begun; it can be stopped", id)
		}
		if err := d.withdraw(ctx, store, id, r.By); err == nil {
			return nil
		} // it was begun just now
	}
	c, err := d.steering(ctx, id)
	if err != nil {
		return err
	}
	if c != nil {
		if !c.simulated && r.Control == run.Stop && c.GivesUp(r.By) {
			return nil
		}
		if r.Control == run.Resume && c.Now().Halted == run.NoStatus && !c.Now().Waiting {
			return usage("run %s is under way; nothing has to be gone on with", id)
		}
		c.Ask(r)
		return nil
	}
	if r.Control == run.Resume {
		err := d.Service.AskToResume(ctx, id, r.By, d.say(id))
		var alone *Unfollowed
		if !errors.As(err, &alone) {
			return err
		}
		return d.resume(ctx, store, &resumption{id: id, by: r.By, how: how})
	}
	err = d.Service.Ask(ctx, id, r, d.say(id))
	var alone *Unfollowed
	if errors.As(err, &alone) {
		return d.resume(ctx, store, &resumption{id: id, by: r.By, ask: &r})
	}
	return err
}

func (d *Device) say(id string) func(string) {
	return func(text string) { d.Log(Note{Run: id, Text: text}) }
}

// controlsOf are those of a run that is under way here.
func (d *Device) controlsOf(id string) *Controls {
	for _, st := range d.stations {
		if c := st.controlsOf(id); c != nil {
			return c
		}
	}
	return nil
}

// steering are the controls of a run that is under way here, as soon as there are some;
// nil where it is not.
func (d *Device) steering(ctx context.Context, id string) (*Controls, error) {
	for {
		changed := d.changed.next()
		if c := d.controlsOf(id); c != nil || !slices.ContainsFunc(d.stations, func(st *station) bool { return st.carries() == id }) {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, cannot("not waited for any longer; nothing was asked of run %s", id)
		case <-changed:
		}
	}
}

// Load is the first run under way, or nothing, and how many wait.
func (d *Device) Load(ctx context.Context) (current string, queued int, err error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return "", 0, err
	}
	all, err := d.line.waiting(ctx, store)
	if err != nil {
		return "", 0, err
	}
	queues := d.queues()
	for _, o := range all {
		if slices.Contains(queues, o.Queue) {
			queued++
		}
	}
	for _, st := range d.stations {
		if id := st.carries(); id != "" && current == "" {
			current = id
		}
	}
	return current, queued, nil
}

// Control is Ask by the names of what can be asked for: pause, resume and stop.
func (d *Device) Control(ctx context.Context, id, control string, now bool, by string, how GoingOn) error {
	r := run.Request{Now: now, By: by}
	if r.By == "" {
		r.By = "the server"
	}
	if err := r.Control.UnmarshalText([]byte(control)); err != nil {
		return usage("nobody can ask for %s; there are pause, resume and stop", control)
	}
	return d.Ask(ctx, id, r, how)
}

// Answer answers what a run asks: a value, or several by name.
func (d *Device) Answer(ctx context.Context, id string, value *string, values map[string]string, by string) error {
	v, err := d.View(ctx, id)
	if err != nil {
		return err
	}
	if handled, err := d.askElsewhere(ctx, v, jobs.Control{Do: "answer", Value: value, Values: values, By: by}); handled {
		return err
	}
	if v.Question != nil && len(v.Question.Fields) == 0 {
		return usage("run %s waits for a person and asks for no value; let it go on with resume", v.ID)
	}
	var given []string
	if value != nil {
		given = append(given, *value)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		given = append(given, name+"="+values[name])
	}
	return d.Service.Reply(ctx, v.ID, given, by, d.say(v.ID))
}

// Decide keeps a decision about a run.
func (d *Device) Decide(ctx context.Context, id string, what Decision) error {
	v, err := d.View(ctx, id)
	if err != nil {
		return err
	}
	if err := d.Service.Decide(ctx, v.ID, what, d.say(v.ID)); err != nil {
		return err
	}
	d.poke()
	return nil
}

// Lint checks the text of a workflow that refers to no files, for its defaults and
// examples.
func Lint(name string, text []byte) diag.List {
	c := workflows.FromBytes(name, text)
	c.Lint(nil)
	return c.Diagnostics
}
