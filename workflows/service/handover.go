package service

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
)

// The station of a robot elsewhere: what it hands over, and when.

// followedRun is a run elsewhere by both its ids.
type followedRun struct{ here, there string }

// oneElsewhere does what is next for a robot that is elsewhere. It never did anything for
// which the next look could not wait.
func (st *station) oneElsewhere(ctx context.Context, store *journal.Store) error {
	for { // until there is something to wait for
		h, err := store.HandedTo(ctx, st.Name)
		if err != nil {
			return cannot("%v", err)
		}
		if h != nil {
			return st.attendElsewhere(ctx, h)
		}
		if st.carries() != "" {
			st.followed.Store(nil)
			st.letsGo()
		}
		if why := st.away(); why != "" {
			st.waitsFor(why, true)
			return nil
		}
		o, why, blocked, err := st.choose(ctx, store)
		if err != nil || o == nil {
			st.waitsFor(why, blocked)
			return err
		}
		handed, err := st.hand(ctx, store, o)
		st.let()
		if err != nil || !handed && o.Queue != shared {
			return err
		}
	}
}

// attendElsewhere asks for a run that was handed over, as long as it is not over.
func (st *station) attendElsewhere(ctx context.Context, h *journal.Handed) error {
	if st.carries() != h.Run {
		st.asked, st.askNext = time.Time{}, askFirst
		st.takes(h.Run)
		st.waitsFor("", false)
	}
	if id := idThere(h.Told); id != "" && st.followed.Load() == nil {
		st.followed.Store(&followedRun{h.Run, id})
	}
	pause := st.askNext
	if st.answered.Load() > st.asked.UnixNano() { // until it is answered, it may not have arrived, nor its answer
		pause, st.askNext = askStands, askFirst
	}
	if st.again.Load() { // as soon as there is a reason, but not for each of many
		pause = min(pause, askSoon)
	}
	if !st.asked.IsZero() && time.Since(st.asked) < pause {
		return nil
	}
	if st.device.elsewhere.fleet.Trouble() != "" {
		return nil // it is sent as soon as there is a broker
	}
	var c jobs.Command
	if err := json.Unmarshal(h.Command, &c); err != nil {
		return cannot("run %s: what was asked cannot be read: %v", h.Run, err)
	}
	st.again.Store(false)
	st.asked, st.askNext = time.Now(), min(2*st.askNext, askLast)
	ctx, cancel := context.WithTimeout(ctx, askFirst)
	defer cancel()
	if err := st.device.elsewhere.fleet.Send(ctx, h.Device, &c); err != nil {
		st.again.Store(true) // it is asked again until it is answered
	}
	return nil
}

// idThere is how a device elsewhere calls a run; empty where it has not said so.
func idThere(told json.RawMessage) string {
	var v struct{ ID string }
	_ = json.Unmarshal(told, &v) // it was read when it came
	return v.ID
}

// away says why nothing can be handed over; empty where something can.
func (st *station) away() string {
	f := st.device.elsewhere.fleet
	if f == nil {
		return "the broker of the lab is not reached"
	}
	if why := f.Trouble(); why != "" {
		return why
	}
	switch dev := f.Device(st.Device); {
	case dev.Birth == nil:
		return "the broker knows no device " + st.Device
	case !dev.Online():
		return st.Device + " is away"
	}
	return ""
}

// robotsElsewhere are those of a device that may be meant, as it shows them.
func (st *station) robotsElsewhere() []RobotView {
	f := st.device.elsewhere.fleet
	if f == nil {
		return nil
	}
	dev := f.Device(st.Device)
	var list []RobotView
	for _, data := range []json.RawMessage{stateRobots(dev.State), birthRobots(dev.Birth)} {
		if len(list) == 0 && json.Unmarshal(data, &list) != nil {
			list = nil
		}
	}
	return slices.DeleteFunc(list, func(v RobotView) bool { return st.There != "" && v.Name != st.There })
}

func stateRobots(s *jobs.State) json.RawMessage {
	if s == nil {
		return nil
	}
	return s.Robots
}

func birthRobots(b *jobs.Birth) json.RawMessage {
	if b == nil {
		return nil
	}
	return b.Robots
}

// busyElsewhere says why what any robot may do is not for this one now: its device has
// enough to do. It is asked for by holdsBack.
func (st *station) busyElsewhere() string {
	list := st.robotsElsewhere()
	if len(list) == 0 && st.There != "" {
		return fmt.Sprintf("%s has no robot %s", st.Device, st.There)
	}
	for i := range list {
		if v := &list[i]; v.Run == "" && v.Queued == 0 && v.Paused == nil {
			return ""
		}
	}
	if f := st.device.elsewhere.fleet; f != nil && len(list) == 0 {
		if s := f.Device(st.Device).State; s != nil && s.Run == "" && s.Queued == 0 {
			return ""
		}
	}
	return st.Device + " has something else to do"
}

// seenElsewhere is what is on the robot, as its device says; nil where it does not.
func (st *station) seenElsewhere() *run.Device {
	list := st.robotsElsewhere()
	if len(list) != 1 || list[0].Serial == "" { // of several, the device finds out which one can
		return nil
	}
	v := &list[0]
	d := &run.Device{Name: v.Name, Serial: v.Serial, Software: v.Software}
	for _, p := range v.Pipettes {
		if model, mount, ok := strings.Cut(p, " "); ok {
			d.Pipettes = append(d.Pipettes, run.Attached{Model: model, Mount: mount})
		}
	}
	for _, m := range v.Modules {
		d.Modules = append(d.Modules, run.Unit{Model: m})
	}
	return d
}

// lacksTask says why the device cannot carry out a version of a task; empty where it can.
func (st *station) lacksTask(name, hash string) string {
	dev := st.device.elsewhere.fleet.Device(st.Device)
	switch task := dev.Task(name); {
	case task == nil:
		return fmt.Sprintf("%s has no task %s; serve the same workflow there", st.Device, name)
	case task.Hash != hash:
		return fmt.Sprintf("%s has another version of %s; serve the same workflow there", st.Device, name)
	}
	return ""
}

// hand hands over what was submitted, and reports whether it did.
func (st *station) hand(ctx context.Context, store *journal.Store, o *journal.Submission) (bool, error) {
	plan, err := store.SubmittedPlan(ctx, o.ID, ot2.Machine{})
	var taken *journal.Taken
	if errors.As(err, &taken) {
		return false, nil // somebody withdrew it
	}
	if err != nil {
		return false, cannot("%v", err)
	}
	c, err := workflows.Again(plan)
	if err != nil {
		return false, st.cannotDo(ctx, store, o, err)
	}
	why := cmp.Or(st.lacksTask(o.Workflow, c.Bundle.Hash), st.misfit(ctx, o.Labels, plan),
		st.device.rests.within(st.Name, time.Now(), time.Duration(plan.EstimateMS)*time.Millisecond))
	if why != "" {
		if o.Queue == shared {
			st.refuse(o.ID, why, false)
		} else {
			st.waitsFor(why, true)
		}
		return false, nil
	}
	f := st.device.elsewhere.fleet
	dev := f.Device(st.Device)
	asked := rand.Text()
	command, err := json.Marshal(&jobs.Command{
		ID: asked, Controller: f.Controller(), Task: o.Workflow, Parameters: o.Given, Epoch: dev.Birth.Epoch, Hash: c.Bundle.Hash,
		Experiment: o.Experiment, Priority: o.Priority, Robot: st.There, By: o.By.Name, Project: o.Project,
	})
	if err != nil {
		return false, cannot("%v", err)
	}
	start := journal.Start{
		Plan: plan, Robot: journal.Robot{Name: st.Name, Address: st.Address}, By: o.By, Version: st.device.Service.Version,
		Submission: o.ID, Queue: st.Name, Project: o.Project, Defs: ot2.Machine{},
	}
	if err := store.Hand(ctx, start, st.Device, asked, command); err != nil && !errors.As(err, &taken) {
		return false, cannot("%v", err)
	}
	st.log(o.ID, "handed over to "+st.Device)
	st.device.poke()
	return true, nil
}
