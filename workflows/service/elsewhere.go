package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
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
	st.answered.Store(time.Now().UnixNano())
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
	if err := store.TakeBack(ctx, h.Run); err != nil {
		return err
	}
	d := st.device
	d.line.forget()
	o, err := store.Submission(ctx, h.Run)
	if err != nil {
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
