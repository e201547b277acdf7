// Package mqttclient has jobs for device servers over a broker, with the verbs of package
// client. Programs that ask over HTTP do not need it.
//
// A job is sent under an id until it is answered, and the device carries it out once,
// however often it comes. A wait that ends never ends the run: it is waited for again by
// its id.
package mqttclient

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/workflows/client"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
)

// Options say who has jobs. The zero Options are those of a program that asks and goes.
type Options struct {
	// Controller is our name at the broker, at which we are answered: that of our user, where
	// the broker knows its users. Several programs may have it. Empty is a name that nobody
	// else has.
	Controller string
	// Within is how long from now a job may be accepted; 0 is as long as it is waited for.
	Within time.Duration
	// Detach has the device keep no results for us: jobs are not waited for.
	Detach bool
}

// Device is a device at a broker. Its methods may be called by several goroutines.
type Device struct {
	name string
	own  Options
	conn *mqtt.Conn

	submitting sync.Mutex // one job is not yet accepted at a time, so that they keep their order

	mu      sync.Mutex
	birth   *jobs.Birth
	state   *jobs.State
	born    chan struct{} // closed when birth is there
	asked   map[string]*job
	ours    map[string]bool           // what was asked for, so that nobody says of others' answers that they arrived
	runs    map[string]*job           // those of asked that are runs, by their ids
	seers   map[int]func(*client.Run) // that hear of runs
	seer    int                       // the last key of seers
	sending sync.WaitGroup
}

// job is something that was asked for.
type job struct {
	command jobs.Command
	began   time.Time
	replies chan *jobs.Reply // the last ones that were not read
	over    *jobs.Reply      // the last answer there will be
	done    chan struct{}    // closed with it
}

const (
	askAgain   = 5 * time.Second // the first time; then less and less
	askLast    = time.Minute
	busyAgain  = 2 * time.Second
	ackWithin  = 10 * time.Second
	keptAnswer = 16
	mostOurs   = 10_000
)

// Open begins to connect to a device's broker. What of o concerns sessions and what is
// listened to is ours.
func Open(o mqtt.Options, device string, own Options) (*Device, error) {
	if own.Controller == "" {
		own.Controller = "call-" + rand.Text()[:16]
	}
	d := &Device{
		name: device, own: own, born: make(chan struct{}),
		asked: map[string]*job{}, ours: map[string]bool{}, runs: map[string]*job{}, seers: map[int]func(*client.Run){},
	}
	o.ClientID, o.Session, o.Will = "ot2flow-"+own.Controller+"-"+rand.Text()[:8], 0, nil
	o.Listen = []mqtt.Subscription{
		{Filter: jobs.Topic(own.Controller, jobs.Answers), QoS: 1, Handle: d.answered},
		{Filter: jobs.Topic(device, jobs.BirthTopic), QoS: 1, Handle: d.wasBorn},
		{Filter: jobs.Topic(device, jobs.StateTopic), QoS: 1, Handle: d.stands},
		{Filter: jobs.Topic(device, jobs.Events), QoS: 1, Handle: d.happened},
	}
	o.Up = d.askAll
	var err error
	d.conn, err = mqtt.Open(o)
	return d, err
}

// Close ends the connection. Runs go on.
func (d *Device) Close() {
	d.sending.Wait()
	d.conn.Close()
}

// Birth waits until it is known what the device is, which the broker remembers. The error
// says what is known of the connection.
func (d *Device) Birth(ctx context.Context) (*jobs.Birth, error) {
	if err := d.conn.Ready(ctx); err != nil {
		return nil, err
	}
	d.mu.Lock()
	born := d.born
	d.mu.Unlock()
	select {
	case <-born:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w; the broker knows no device %s", ctx.Err(), d.name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.birth, nil
}

// State is what the device was doing when it was heard of last; nil before that.
func (d *Device) State() *jobs.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

func (d *Device) wasBorn(m *mqtt.Message) {
	b := &jobs.Birth{}
	if json.Unmarshal(m.Payload, b) != nil || b.Epoch == "" {
		return // it is none of ours
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.birth == nil {
		close(d.born)
	}
	d.birth = b
}

func (d *Device) stands(m *mqtt.Message) {
	s := &jobs.State{}
	if json.Unmarshal(m.Payload, s) == nil {
		d.mu.Lock()
		d.state = s
		d.mu.Unlock()
	}
}

// happened tells those who wait for a run how it stands.
func (d *Device) happened(m *mqtt.Message) {
	var e jobs.Event
	r := &client.Run{}
	if json.Unmarshal(m.Payload, &e) != nil || json.Unmarshal(e.Run, r) != nil {
		return // it is about no run
	}
	d.tell(r)
}

func (d *Device) tell(r *client.Run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, see := range d.seers {
		see(r)
	}
}

// answered takes an answer, and says that it has arrived.
func (d *Device) answered(m *mqtt.Message) {
	r := &jobs.Reply{}
	if json.Unmarshal(m.Payload, r) != nil {
		return // it is none of ours
	}
	d.mu.Lock()
	ours := d.ours[r.ID]
	d.mu.Unlock()
	if r.Seq > 0 && ours {
		d.sending.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), ackWithin)
			defer cancel()
			_ = d.control(ctx, &jobs.Control{Do: "arrived", ID: r.ID, Seq: r.Seq}) // or the answer comes again
		})
	}
	run := &client.Run{}
	if len(r.Run) == 0 || json.Unmarshal(r.Run, run) != nil {
		run = nil
	}
	d.mu.Lock()
	j := d.asked[r.ID]
	if j != nil {
		if run != nil && j.command.Controller != "" { // and not only a wish about it
			d.runs[run.ID] = j
		}
		if r.Final() && j.over == nil {
			j.over = r
			close(j.done)
		}
		select {
		case j.replies <- r:
		default: // nobody reads that many
		}
	}
	d.mu.Unlock()
	if run != nil {
		d.tell(run)
	}
}

// askAll asks again for everything that is not answered, over a new connection.
func (d *Device) askAll(ctx context.Context, _ *mqtt.Conn) {
	d.mu.Lock()
	var open []*job
	for _, j := range d.asked {
		if j.over == nil {
			open = append(open, j)
		}
	}
	d.mu.Unlock()
	for _, j := range open {
		_ = d.send(ctx, j) // it is sent again in any case
	}
}

// send sends a job, as it is worth something still.
func (d *Device) send(ctx context.Context, j *job) error {
	c := j.command
	m := &mqtt.Message{Topic: jobs.Bound(d.name, jobs.Commands, d.own.Controller), QoS: 1}
	if d.own.Within > 0 { // counted here by a clock that does not jump
		if left := d.own.Within - time.Since(j.began); left > 0 {
			m.Expiry, c.TTL, c.Sent = left, left.Seconds(), time.Now()
		} else {
			c.TTL = -1 // what became of it is to be said, and nothing begun
		}
	}
	var err error
	if m.Payload, err = json.Marshal(c); err != nil {
		return err
	}
	return d.conn.Publish(ctx, m)
}

// Unanswered is the error of a job of which nobody knows whether it was accepted. Asked
// for again under the same key, it is the same one.
type Unanswered struct {
	Key string
	Err error
}

// Error says so.
func (u *Unanswered) Error() string {
	return fmt.Sprintf("the device has not answered, so that nobody knows whether it carries the job out; asked for again under the key %s it is the same one: %v", u.Key, u.Err)
}

// Unwrap returns why it was not waited for any longer.
func (u *Unanswered) Unwrap() error { return u.Err }

// Submit has a task carried out with parameters, and returns when that is accepted. The
// key of o is the id of the job.
func (d *Device) Submit(ctx context.Context, task string, params map[string]any, o client.Options) (*client.Run, error) {
	given, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	if params == nil {
		given = json.RawMessage("{}")
	}
	return d.ask(ctx, jobs.Command{
		ID: o.Key, Task: task, Parameters: given, Experiment: o.Experiment, Priority: o.Priority, Robot: o.Robot, Labels: o.Labels, By: o.By, Project: o.Project, Detach: d.own.Detach,
	})
}

// ask sends a command until it is answered.
func (d *Device) ask(ctx context.Context, c jobs.Command) (*client.Run, error) {
	if c.ID == "" {
		c.ID = rand.Text()
	}
	c.Controller = d.own.Controller
	d.submitting.Lock()
	defer d.submitting.Unlock()
	birth, err := d.Birth(ctx)
	if err != nil {
		return nil, err // nothing was sent
	}
	c.Epoch = birth.Epoch
	j := &job{command: c, began: time.Now(), replies: make(chan *jobs.Reply, keptAnswer), done: make(chan struct{})}
	d.mu.Lock()
	if len(d.ours) > mostOurs { // what is as old as that has arrived, or the device gives it up
		clear(d.ours)
	}
	d.asked[c.ID], d.ours[c.ID] = j, true
	d.mu.Unlock()
	for again := askAgain; ; again = min(2*again, askLast) {
		if err := d.send(ctx, j); err != nil {
			var refused *mqtt.Refused
			if errors.As(err, &refused) {
				return nil, err
			}
		}
		wait := time.NewTimer(again)
		select {
		case r := <-j.replies:
			wait.Stop()
			if r.Status == jobs.Busy {
				select {
				case <-time.After(busyAgain):
					continue
				case <-ctx.Done():
					return nil, &client.Error{Status: http.StatusServiceUnavailable, Detail: r.Reason}
				}
			}
			return runOf(r)
		case <-ctx.Done():
			wait.Stop()
			return nil, &Unanswered{c.ID, ctx.Err()}
		case <-wait.C:
		}
	}
}

// runOf is the run in an answer, or why there is none.
func runOf(r *jobs.Reply) (*client.Run, error) {
	switch r.Status {
	case jobs.Rejected:
		return nil, &client.Error{Status: http.StatusUnprocessableEntity, Detail: r.Reason}
	case jobs.Expired:
		return nil, &client.Error{Status: http.StatusRequestTimeout, Detail: "the job has expired, and is not carried out: " + r.Reason}
	}
	run := &client.Run{}
	if len(r.Run) == 0 {
		return nil, &client.Error{Status: http.StatusGone, Detail: r.Reason}
	}
	return run, json.Unmarshal(r.Run, run)
}

// Wait waits until a run is over, and says how it stands whenever that is heard. The run
// goes on in any case.
func (d *Device) Wait(ctx context.Context, id string, see func(*client.Run)) (*client.Run, error) {
	if see != nil {
		d.mu.Lock()
		d.seer++
		key := d.seer
		d.seers[key] = func(r *client.Run) {
			if r.ID == id {
				see(r)
			}
		}
		d.mu.Unlock()
		defer func() {
			d.mu.Lock()
			delete(d.seers, key)
			d.mu.Unlock()
		}()
	}
	d.mu.Lock()
	j := d.runs[id]
	d.mu.Unlock()
	if j == nil { // it was submitted by somebody else, or by us in another life
		key := rand.Text()
		if _, err := d.ask(ctx, jobs.Command{ID: key, Run: id}); err != nil {
			return nil, err
		}
		d.mu.Lock()
		j = d.asked[key]
		d.mu.Unlock()
	}
	select {
	case <-j.done:
		d.mu.Lock()
		delete(d.asked, j.command.ID)
		delete(d.runs, id)
		d.mu.Unlock()
		return runOf(j.over)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Execute has a task carried out and waits until its run is over. Where that does not end
// well, the run says how.
func (d *Device) Execute(ctx context.Context, task string, params map[string]any) (*client.Run, error) {
	r, err := d.Submit(ctx, task, params, client.Options{})
	if err != nil {
		return nil, err
	}
	return d.Wait(ctx, r.ID, nil)
}

// Answer answers what a run asks for.
func (d *Device) Answer(ctx context.Context, run, value string) error {
	return d.want(ctx, &jobs.Control{Do: "answer", Run: run, Value: &value})
}

// Control asks that a run is to pause, resume or stop.
func (d *Device) Control(ctx context.Context, run, what string) error {
	return d.want(ctx, &jobs.Control{Do: what, Run: run})
}

// want has something done that is wanted now, and returns when the device says that it is
// asked for.
func (d *Device) want(ctx context.Context, c *jobs.Control) error {
	ctx, cancel := context.WithTimeout(ctx, jobs.ControlWithin)
	defer cancel()
	c.ID, c.Controller = rand.Text(), d.own.Controller
	j := &job{command: jobs.Command{ID: c.ID}, replies: make(chan *jobs.Reply, keptAnswer), done: make(chan struct{})}
	j.over = &jobs.Reply{} // it is not asked for again: nobody wants it later
	d.mu.Lock()
	d.asked[c.ID] = j
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.asked, c.ID)
		d.mu.Unlock()
	}()
	if err := d.control(ctx, c); err != nil {
		return err
	}
	select {
	case r := <-j.replies:
		if r.Status == jobs.Rejected {
			return &client.Error{Status: http.StatusConflict, Detail: r.Reason}
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w; the device %s has not said that it does it", ctx.Err(), d.name)
	}
}

func (d *Device) control(ctx context.Context, c *jobs.Control) error {
	c.Sent = time.Now()
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return d.conn.Publish(ctx, &mqtt.Message{Topic: jobs.Bound(d.name, jobs.Controls, d.own.Controller), Payload: data, QoS: 1, Expiry: jobs.ControlWithin})
}
