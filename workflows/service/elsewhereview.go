package service

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/fleet"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
)

// Elsewhere is which device carries out a run, and how that calls it.
type Elsewhere struct {
	Device string    `json:"device" doc:"Its name at the broker."`
	Run    string    `json:"run,omitempty" doc:"What the run is called there; empty until the device has said that it has it."`
	Heard  time.Time `json:"heard,omitzero" doc:"When it was heard of the run last."`
}

// elsewhereView makes the view of a run that of its device, as far as that has told.
func (d *Device) elsewhereView(ctx context.Context, store *journal.Store, sum *journal.Summary, v *View) error {
	h, err := store.Handed(ctx, sum.ID)
	if err != nil || h == nil {
		return err
	}
	v.Elsewhere = &Elsewhere{Device: h.Device, Run: idThere(h.Told), Heard: sum.Heard}
	var t View
	told, live := d.elsewhere.told.Load(sum.ID)
	switch {
	case live && !sum.Over():
		t = *told.(*View)
	case len(h.Told) == 0:
		if !sum.Over() {
			v.State, v.Reason = StateQueued, "handed over to "+h.Device+", which has not answered"
		}
		return nil
	default:
		if err := json.Unmarshal(h.Told, &t); err != nil {
			return cannot("run %s: %v", sum.ID, err)
		}
	}
	if sum.Over() && !t.Over { // it was given up here
		return nil
	}
	v.State, v.Reason, v.Steps, v.Done, v.FailedStep, v.DoubtFirst, v.DoubtLast = t.State, t.Reason, t.Steps, t.Done, t.FailedStep, t.DoubtFirst, t.DoubtLast
	v.Question, v.Result, v.Serial, v.Decided, v.Unclosed = t.Question, t.Result, t.Serial, t.Decided, t.Unclosed
	return nil
}

// askElsewhere asks the device of a run for something; handled is false where the run is
// carried out here.
func (d *Device) askElsewhere(ctx context.Context, v *View, c jobs.Control) (handled bool, err error) {
	at := v.Elsewhere
	switch {
	case at == nil:
		return false, nil
	case v.Over:
		return true, usage("run %s is over", v.ID)
	case d.elsewhere.fleet == nil:
		return true, cannot("the broker of the lab is not reached, at which %s is", at.Device)
	case at.Run == "" && c.Do == run.Stop.String():
		return true, d.withdrawElsewhere(ctx, v.ID)
	case at.Run == "":
		return true, cannot("%s has not said that it has run %s; it can be stopped", at.Device, v.ID)
	}
	c.Run = at.Run
	err = d.elsewhere.fleet.Want(ctx, at.Device, c)
	var refused *fleet.Refused
	if errors.As(err, &refused) {
		return true, usage("%s: %s", at.Device, refused.Why)
	}
	if err != nil {
		return true, cannot("%v", err)
	}
	return true, nil
}

// withdrawElsewhere tells a device that has not answered that a run is not wanted any more:
// it is not begun, or what became of it is answered.
func (d *Device) withdrawElsewhere(ctx context.Context, id string) error {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return err
	}
	h, err := store.Handed(ctx, id)
	if err != nil {
		return cannot("%v", err)
	}
	if h == nil {
		return missing("run %s is not elsewhere any more", id)
	}
	var c jobs.Command
	if err := json.Unmarshal(h.Command, &c); err != nil {
		return cannot("%v", err)
	}
	c.TTL = -1
	command, err := json.Marshal(&c)
	if err == nil {
		err = store.AskOtherwise(ctx, id, command)
	}
	if err != nil {
		return cannot("%v", err)
	}
	if st, err := d.station(h.Queue); err == nil {
		st.again.Store(true)
	}
	d.poke()
	return nil
}

// elsewhereOf refuses what only the server can do that carries a run out.
func elsewhereOf(sum *journal.Summary) error {
	if sum.Elsewhere == "" {
		return nil
	}
	return usage("run %s is carried out by %s, which is reached over a broker: ask the server that handed it over, or for decisions that of the robot", sum.ID, sum.Elsewhere)
}
