package service

import (
	"context"
	"slices"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows"
)

// A workflow that only computes needs no robot, and so it waits for none: its run is
// over as soon as it is worked out, and whoever asked hears of it when it is on the
// disk.

// computes reports whether a plan may be worked out beside the queue. On a robot, one
// whose deck has anything on it may depend on what is known of that.
func (d *Device) computes(p *program.Plan) bool {
	deck := p.Deck
	return p.Computes() && (d.simulates() || len(deck.Labware)+len(deck.Pipettes)+len(deck.Modules) == 0)
}

// simulates reports whether no robot is one.
func (d *Device) simulates() bool {
	return !slices.ContainsFunc(d.stations, func(st *station) bool { return st.Address != Sim })
}

// moves reports whether a robot is one that is reached from here.
func (d *Device) moves() bool {
	return slices.ContainsFunc(d.stations, func(st *station) bool { return st.Address != Sim && st.Device == "" })
}

// forms are those of the plans that tasks were worked out to last.
type forms struct {
	mu sync.RWMutex
	of map[string]form // by the name of the task
}

type form struct {
	version *workflows.Version[*workflows.Task]
	form    *journal.Form
}

// of returns the form of a plan.
func (f *forms) find(task *workflows.Version[*workflows.Task], p *program.Plan) (*journal.Form, error) {
	f.mu.RLock()
	was := f.of[task.Name]
	f.mu.RUnlock()
	if was.version == task && was.form.Fits(p) {
		return was.form, nil
	}
	now, err := journal.FormOf(p)
	if err != nil {
		return nil, cannot("%v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		f.of = map[string]form{}
	}
	f.of[task.Name] = form{task, now}
	return now, nil
}

// compute keeps a run that is over already.
func (d *Device) compute(ctx context.Context, store *journal.Store, task *workflows.Version[*workflows.Task], r *Request, queue string, p *program.Plan) (*View, bool, error) {
	f, err := d.forms.find(task, p)
	if err != nil {
		return nil, false, err
	}
	var place journal.Robot
	if d.simulates() {
		place.Name = Sim
	}
	o := journal.Computed{
		Form: f, Params: p.Workflow.Params, Outputs: p.Outputs, Given: compact(r.Given), Queue: queue, Robot: place,
		Key: r.Key, Experiment: r.Experiment, By: r.For.holder(), Project: r.For.Project, Version: d.Service.Version,
	}
	if o.Key != "" {
		o.Asked = r.asked(task.Name, o.Given)
	}
	id, at, fresh, err := store.Compute(ctx, &o)
	if err != nil {
		return nil, false, cannot("%v", err)
	}
	if !fresh {
		was, err := store.Submission(ctx, id)
		switch {
		case err != nil:
			return nil, false, cannot("%v", err)
		case was.Asked != o.Asked:
			return nil, false, r.otherAsked(id)
		}
		v, err := d.View(ctx, id)
		return v, false, err
	}
	return &View{
		ID: id, Task: p.Workflow.Name, State: StateOK, Over: true, Parameters: o.Given, Result: OutputsJSON(p.Outputs), Robot: o.Robot.Name,
		By: o.By.Name, Project: o.Project, Experiment: o.Experiment, Submitted: at, Began: at, Ended: at, Seq: journal.ComputedSeq,
	}, true, nil
}
