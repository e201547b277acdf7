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
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/fleet"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
)

// A robot may be elsewhere: another device server has it, which is asked for runs over a
// broker. It has a station like any other, so that queues, labels, experiments, priorities
// and maintenance are the same for all robots, and what is for any robot goes to one that is
// free and can. What the other server is asked is in the journal before it is sent, and is
// sent until it has said what became of it. It knows every job by its id, so that it does
// none twice; a job that it may have is never given to another one.

// elsewhere is what a device has for its robots elsewhere.
type elsewhere struct {
	fleet   *fleet.Fleet // nil where all robots are here
	answers chan *jobs.Reply
	told    sync.Map // *View by the id of the run here: how it stands, as it was heard last
}

// Before a job is answered it is asked for again after a while that gets longer, and behind
// that to hear how it stands, in case an answer was lost for good.
const (
	askFirst  = 3 * time.Second
	askLast   = time.Minute
	askSoon   = 300 * time.Millisecond
	askStands = 2 * time.Minute
)

// answersKept is how many answers wait to be looked at. One that finds no place comes again.
const answersKept = 1024

// Join reaches the robots that are elsewhere, until leave is called. It is called before
// Serve. What of o concerns what is heard is ours.
func (d *Device) Join(o fleet.Options) (leave func(), err error) {
	for _, st := range d.stations {
		if st.Device != "" && !slices.Contains(o.Devices, st.Device) {
			o.Devices = append(o.Devices, st.Device)
		}
	}
	if len(o.Devices) == 0 {
		return func() {}, nil
	}
	answers := make(chan *jobs.Reply, answersKept)
	o.Answered = func(r *jobs.Reply) {
		select {
		case answers <- r:
		default:
		}
	}
	o.Heard = func(device string, came bool) {
		for _, st := range d.stations {
			if came && (st.Device == device || device == "" && st.Device != "") {
				st.again.Store(true)
			}
		}
		d.poke()
	}
	o.Happened = d.happened
	f, err := fleet.Open(o)
	if err != nil {
		return nil, err
	}
	d.elsewhere.fleet, d.elsewhere.answers = f, answers
	return f.Close, nil
}

// takeAnswers keeps what devices elsewhere answer.
func (d *Device) takeAnswers(ctx context.Context, store *journal.Store) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-d.elsewhere.answers:
			if err := d.takeAnswer(ctx, store, r); err != nil && ctx.Err() == nil {
				d.Log(Note{Text: "an answer of " + r.Device + " is not kept; it comes again: " + err.Error()})
			}
		}
	}
}

// takeAnswer keeps an answer, and says then that it has arrived.
func (d *Device) takeAnswer(ctx context.Context, store *journal.Store, r *jobs.Reply) error {
	h, err := store.HandedAsked(ctx, r.ID)
	if err != nil {
		return err
	}
	if h != nil && !h.Over && h.Device == r.Device {
		if err := d.keepAnswer(ctx, store, h, r); err != nil {
			return err
		}
		d.poke()
	}
	if r.Seq > 0 && h != nil { // another program may have our name, which waits for it
		soon, cancel := context.WithTimeout(ctx, askFirst)
		defer cancel()
		_ = d.elsewhere.fleet.Arrived(soon, r) // or the answer comes again
	}
	return nil
}

func (d *Device) keepAnswer(ctx context.Context, store *journal.Store, h *journal.Handed, r *jobs.Reply) error {
	st, err := d.station(h.Queue)
	if err != nil {
		return err
	}
	var c jobs.Command
	if err := json.Unmarshal(h.Command, &c); err != nil {
		return err
	}
	switch {
	case r.Status == jobs.Busy: // it is asked for again
		st.waitsFor(h.Device+": "+r.Reason, false)
		return nil
	case len(r.Run) > 0:
		var v View
		if err := json.Unmarshal(r.Run, &v); err != nil {
			return err
		}
		d.elsewhere.told.Delete(h.Run)
		o := standsElsewhere(&v, r.Run)
		o.Seq = r.Seq
		if c.TTL < 0 && !v.Over { // it was not wanted any more before it was known that the device has it
			soon, cancel := context.WithTimeout(ctx, askFirst)
			_ = d.elsewhere.fleet.Wish(soon, h.Device, jobs.Control{Do: run.Stop.String(), Run: v.ID, By: c.By}) // it is asked again, too
			cancel()
		}
		fresh, err := store.Tell(ctx, h.Run, o)
		if fresh && !o.Ended.IsZero() {
			st.log(h.Run, strings.ReplaceAll(v.State, "_", " ")+" on "+h.Device)
		}
		return err
	case r.Seq == 0: // about a message, which somebody may have changed on its way, and not about the job
		st.waitsFor(h.Device+": "+r.Reason, false)
		return nil
	case r.Epoch != c.Epoch, r.Status == jobs.Result:
		// It may have been carried out before the journal of the device was lost.
		why := fmt.Sprintf("the journal of %s is another one than when it was asked, so that nobody knows whether the run was carried out; look at the robot, and submit the run again if it was not", h.Device)
		if r.Epoch == c.Epoch {
			why = h.Device + " does not know any more what became of it: " + r.Reason
		}
		_, err := store.Tell(ctx, h.Run, journal.Standing{Seq: r.Seq, State: StateInDoubt, Reason: why, Ended: time.Now(), Verdict: run.VerdictDoubt})
		return err
	case r.Status == jobs.Expired:
		why := h.Device + " did not begin it: " + r.Reason
		if c.TTL < 0 { // see withdrawElsewhere
			why = "withdrawn before it was begun"
		}
		_, err := store.Tell(ctx, h.Run, journal.Standing{Seq: r.Seq, Reason: why, Ended: time.Now(), Verdict: run.VerdictStopped})
		return err
	case r.Status == jobs.Rejected:
		return st.takeBack(ctx, store, h, &c, r.Reason)
	}
	return nil
}

// takeBack has a run wait again that a device has refused, of which nothing was begun. The
// same device is not asked for it again, unless it was refused for the version of the task.
func (st *station) takeBack(ctx context.Context, store *journal.Store, h *journal.Handed, c *jobs.Command, why string) error {
	st.log(h.Run, "not on "+h.Device+": "+why)
	o, err := store.Submission(ctx, h.Run)
	if err != nil {
		return err
	}
	if err := store.TakeBack(ctx, h.Run); err != nil {
		return err
	}
	d := st.device
	d.line.forget()
	if o, err = store.Submission(ctx, h.Run); err != nil {
		return err
	}
	dev := d.elsewhere.fleet.Device(h.Device)
	if task := dev.Task(c.Task); task == nil || task.Hash != c.Hash {
		return nil // see lacksTask
	}
	return st.cannotDo(ctx, store, o, errors.New(why))
}

// standsElsewhere is how a run stands by what its device shows of it.
func standsElsewhere(v *View, told json.RawMessage) journal.Standing {
	o := journal.Standing{Steps: v.Steps, Done: v.Done, FailedStep: v.FailedStep, Doubt: run.Doubt{First: v.DoubtFirst, Last: v.DoubtLast}, Reason: v.Reason, Told: told}
	if v.State == StateWaiting {
		o.State = "waits"
	}
	if !v.Over {
		return o
	}
	o.Ended = time.Now() // by our clock, as everything else here
	switch v.State {
	case StateOK:
		o.Verdict = run.VerdictOK
	case StateStopped, StateWithdrawn:
		o.Verdict = run.VerdictStopped
	case StateInDoubt:
		o.Verdict = run.VerdictDoubt
	default:
		o.Verdict = run.VerdictFailed
	}
	return o
}

// happened takes how a run stands from what a device says to all. Of what it is doing only
// the last is of any use, which is not kept.
func (d *Device) happened(device string, told json.RawMessage) {
	var v View
	if json.Unmarshal(told, &v) != nil || v.Over { // then comes an answer
		return
	}
	for _, st := range d.stations {
		if st.Device == device && st.followed.Load() != nil && st.followed.Load().there == v.ID {
			d.elsewhere.told.Store(st.followed.Load().here, &v)
			d.changed.light()
		}
	}
}

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
	if !h.Accepted.IsZero() {
		pause = askStands
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
	_ = st.device.elsewhere.fleet.Send(ctx, h.Device, &c) // it is asked again until it is answered
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
	if err != nil || h == nil {
		return cmp.Or(err, error(missing("run %s is not elsewhere any more", id)))
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
