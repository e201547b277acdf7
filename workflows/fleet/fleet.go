// Package fleet is how a controller reaches the devices of a lab that are elsewhere: what they
// say of themselves at a broker, and what it asks of them. It remembers nothing that outlives
// the process: what has to be asked again is in the journal of whoever asks.
package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
)

// Options say who a controller is, and whom it wants to hear.
type Options struct {
	// Broker is how the broker is reached. Its ClientID, Session and what it listens to are
	// ours.
	Broker     mqtt.Options
	Controller string   // our name at the broker, which nobody else has
	Devices    []string // that are heard
	// Answered takes what a device answers. It does not wait for long.
	Answered func(r *jobs.Reply)
	// Heard is called when a device has said something of itself, and with an empty name when
	// the broker is there; came says that what it was asked before may not have reached it.
	// Happened is called when it says how a run stands, as GET /runs/ID gives it.
	Heard    func(device string, came bool)
	Happened func(device string, run json.RawMessage)
}

// Fleet is a connection to a broker, with what is known of the devices there. Its methods may
// be called by several goroutines.
type Fleet struct {
	o    Options
	conn *mqtt.Conn

	mu      sync.Mutex
	devices map[string]*Device
	wishes  map[string]chan *jobs.Reply // by the ids of what is wanted of runs
}

// Device is what is known of a device.
type Device struct {
	Birth *jobs.Birth // nil before it was heard
	State *jobs.State // nil before it was heard
	At    time.Time   // when it was heard last
}

// Online reports whether the device says that it is there.
func (d *Device) Online() bool { return d.State != nil && d.State.Online && d.Birth != nil }

// Task is a task that the device can carry out; nil where it cannot.
func (d *Device) Task(name string) *jobs.Task {
	if d.Birth == nil {
		return nil
	}
	for i := range d.Birth.Tasks {
		if t := &d.Birth.Tasks[i]; t.Name == name {
			return t
		}
	}
	return nil
}

// Open begins to connect, and goes on until Close. The error is that of options which cannot
// be meant so.
func Open(o Options) (*Fleet, error) {
	for _, name := range append([]string{o.Controller}, o.Devices...) {
		if err := mqtt.CheckName(name); err != nil {
			return nil, err
		}
	}
	f := &Fleet{o: o, devices: map[string]*Device{}, wishes: map[string]chan *jobs.Reply{}}
	b := o.Broker
	b.ClientID, b.Session, b.Will = "ot2flow-controller-"+o.Controller, 0, nil
	b.Listen = []mqtt.Subscription{{Filter: jobs.Topic(o.Controller, jobs.Answers), QoS: 1, Handle: f.answered}}
	for _, name := range o.Devices {
		f.devices[name] = &Device{}
		b.Listen = append(b.Listen,
			mqtt.Subscription{Filter: jobs.Topic(name, jobs.BirthTopic), QoS: 1, Handle: func(m *mqtt.Message) { f.born(name, m) }},
			mqtt.Subscription{Filter: jobs.Topic(name, jobs.StateTopic), QoS: 1, Handle: func(m *mqtt.Message) { f.stands(name, m) }},
			mqtt.Subscription{Filter: jobs.Topic(name, jobs.Events), QoS: 1, Handle: func(m *mqtt.Message) { f.happened(name, m) }},
		)
	}
	b.Up = func(context.Context, *mqtt.Conn) { o.Heard("", true) }
	var err error
	f.conn, err = mqtt.Open(b)
	return f, err
}

// Close ends the connection. What was asked for goes on.
func (f *Fleet) Close() { f.conn.Close() }

// Device is what is known of one of the devices.
func (f *Fleet) Device(name string) Device {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := f.devices[name]; d != nil {
		return *d
	}
	return Device{}
}

// Controller is our name at the broker.
func (f *Fleet) Controller() string { return f.o.Controller }

// Trouble says why the broker cannot be reached; empty where it can.
func (f *Fleet) Trouble() string {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	err := f.conn.Ready(now)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled) && f.conn.Last() == "":
		return "the broker does not answer"
	case errors.Is(err, context.Canceled):
		return f.conn.Last()
	}
	return err.Error()
}

func (f *Fleet) born(name string, m *mqtt.Message) {
	b := &jobs.Birth{}
	if json.Unmarshal(m.Payload, b) != nil || b.Epoch == "" {
		return // it is none of ours
	}
	f.mu.Lock()
	f.devices[name].Birth, f.devices[name].At = b, time.Now()
	f.mu.Unlock()
	f.o.Heard(name, true)
}

func (f *Fleet) stands(name string, m *mqtt.Message) {
	s := &jobs.State{}
	if json.Unmarshal(m.Payload, s) != nil {
		return
	}
	f.mu.Lock()
	was := f.devices[name].State
	f.devices[name].State, f.devices[name].At = s, time.Now()
	f.mu.Unlock()
	f.o.Heard(name, s.Online && (was == nil || !was.Online))
}

func (f *Fleet) happened(name string, m *mqtt.Message) {
	var e jobs.Event
	if json.Unmarshal(m.Payload, &e) == nil && len(e.Run) > 0 {
		f.o.Happened(name, e.Run)
	}
}

func (f *Fleet) answered(m *mqtt.Message) {
	r := &jobs.Reply{}
	if json.Unmarshal(m.Payload, r) != nil {
		return // it is none of ours
	}
	f.mu.Lock()
	wish := f.wishes[r.ID]
	f.mu.Unlock()
	if wish == nil {
		f.o.Answered(r)
		return
	}
	select {
	case wish <- r:
	default: // it was answered before
	}
}

// Send asks a device for a job, as often as it is called. That the broker has it is
// all that nil says.
func (f *Fleet) Send(ctx context.Context, device string, c *jobs.Command) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return f.conn.Publish(ctx, &mqtt.Message{Topic: jobs.Bound(device, jobs.Commands, f.o.Controller), Payload: data, QoS: 1})
}

// Arrived tells a device that an answer is kept here. If that is lost, the answer comes again.
func (f *Fleet) Arrived(ctx context.Context, r *jobs.Reply) error {
	return f.control(ctx, r.Device, &jobs.Control{Do: "arrived", ID: r.ID, Seq: r.Seq})
}

// Wish has a device hear what is wanted of a run, if it is there. Nobody waits for it.
func (f *Fleet) Wish(ctx context.Context, device string, c jobs.Control) error {
	return f.control(ctx, device, &c)
}

// Refused is what a device says to a wish that it does not fulfil.
type Refused struct{ Why string }

// Error says why.
func (r *Refused) Error() string { return r.Why }

// Want has a device do something with a run now, and returns when it says that it does. The
// error is a *Refused where it does not want to.
func (f *Fleet) Want(ctx context.Context, device string, c jobs.Control) error {
	ctx, cancel := context.WithTimeout(ctx, jobs.ControlWithin)
	defer cancel()
	c.ID = rand.Text()
	said := make(chan *jobs.Reply, 1)
	f.mu.Lock()
	f.wishes[c.ID] = said
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.wishes, c.ID)
		f.mu.Unlock()
	}()
	if err := f.control(ctx, device, &c); err != nil {
		return err
	}
	select {
	case r := <-said:
		if r.Status == jobs.Rejected {
			return &Refused{r.Reason}
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w; the device %s has not said that it does it", ctx.Err(), device)
	}
}

func (f *Fleet) control(ctx context.Context, device string, c *jobs.Control) error {
	if !slices.Contains(f.o.Devices, device) {
		return fmt.Errorf("%s is no device of ours", device)
	}
	c.Controller, c.Sent = f.o.Controller, time.Now()
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return f.conn.Publish(ctx, &mqtt.Message{Topic: jobs.Bound(device, jobs.Controls, f.o.Controller), Payload: data, QoS: 1, Expiry: jobs.ControlWithin})
}
