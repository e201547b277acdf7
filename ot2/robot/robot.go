package robot

import (
	"context"
	"errors"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
)

// Model is what an OT-2 calls itself.
const Model = "OT-2 Standard"

// Options says how patient a Robot is, and who hears of it. Zero values are
// replaced by what a robot in a laboratory needs.
type Options struct {
	Say      func(text string) // hears what is waited for; may be nil
	Boot     time.Duration     // for a robot that is starting; 5 min
	Analysis time.Duration     // for the robot's own analysis; 15 min
	Read     time.Duration     // for one answer; 30 s
	Write    time.Duration     // for the answer to something that changes the robot; 1 min
	Upload   time.Duration     // for the answer to a protocol; 3 min
	Fast     time.Duration     // between looks at a run where something happens; 0.25 s
	Slow     time.Duration     // between looks at a run where nothing does; 1 s
	Settle   time.Duration     // until a request that was given up is certain not to arrive; 3 s
	Margin   time.Duration     // how long a protocol has to go on for at least, for a command to be queued into it; 10 s
}

func (o Options) filled() Options {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	for _, d := range []struct {
		at    *time.Duration
		usual time.Duration
	}{
		{&o.Boot, 5 * time.Minute},
		{&o.Analysis, 15 * time.Minute},
		{&o.Read, 30 * time.Second},
		{&o.Write, time.Minute},
		{&o.Upload, 3 * time.Minute},
		{&o.Fast, 250 * time.Millisecond},
		{&o.Slow, time.Second},
		{&o.Settle, 3 * time.Second},
		{&o.Margin, 10 * time.Second},
	} {
		if *d.at <= 0 {
			*d.at = d.usual
		}
	}
	return o
}

// Robot is an OT-2 at an address.
type Robot struct {
	c *client
	o Options

	mu     sync.Mutex
	serial string // as last inspected

	offsets []Offset // that runs begin with
}

var (
	_ run.Backend = (*Robot)(nil)
	_ run.Session = (*session)(nil)
	_ run.Session = live{}
)

// New returns the robot at address, which is what ParseAddress takes. Nothing
// is sent yet. Close it.
func New(address string, o Options) (*Robot, error) {
	base, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	return &Robot{c: newClient(base), o: o.filled()}, nil
}

// Address returns the robot's base URL.
func (r *Robot) Address() string { return r.c.base }

// Requests returns how many requests were sent so far.
func (r *Robot) Requests() int64 { return r.c.requests.Load() }

// Close closes the connections that are kept open.
func (r *Robot) Close() { r.c.http.CloseIdleConnections() }

// Inspect says what is there. A robot that is starting is waited for.
func (r *Robot) Inspect(ctx context.Context) (run.Device, error) {
	h, err := r.health(ctx)
	if err != nil {
		return run.Device{}, err
	}
	d := run.Device{Name: h.Name, Model: h.Model, Serial: h.Serial, Software: h.Version}
	if err := r.equipment(ctx, &d); err != nil {
		return d, err
	}
	if d.DoorOpen, err = r.doorOpen(ctx); err != nil {
		return d, err
	}
	current, err := r.current(ctx)
	if err != nil || current == nil || current.over() || r.abandoned(ctx, current) {
		return d, err
	}
	d.Busy = "run " + current.ID + ", which is " + current.Status
	if current.Status == "idle" {
		d.Busy = "run " + current.ID + ", which somebody has prepared and not started"
	}
	return d, nil
}

// doorOpen reports whether the robot would stand still because of its door.
func (r *Robot) doorOpen(ctx context.Context) (bool, error) {
	var door envelope[doorJSON]
	if err := r.read(ctx, "/robot/door/status", &door); err != nil {
		return false, err
	}
	return door.Data.Status == "open" && door.Data.Required, nil
}

// abandoned reports whether a run is one that ot2flow prepared and never
// started. Nothing has moved in it, and nobody waits for it.
func (r *Robot) abandoned(ctx context.Context, current *runJSON) bool {
	if current.Status != "idle" || current.plays() > 0 {
		return false
	}
	if current.Protocol == "" {
		var first envelope[[]commandJSON]
		err := r.read(ctx, "/runs/"+current.ID+"/commands?cursor=0&pageLength=1", &first)
		return err == nil && len(first.Data) > 0 && first.Data[0].Key == liveKey
	}
	var p envelope[protocolJSON]
	err := r.read(ctx, "/protocols/"+current.Protocol, &p)
	return err == nil && strings.HasPrefix(p.Data.Key, keyPrefix)
}

// health waits until the robot is ready, and makes sure that it is an OT-2.
func (r *Robot) health(ctx context.Context) (healthJSON, error) {
	var h healthJSON
	w := r.waiting(r.o.Boot, time.Second, 5*time.Second)
	for {
		err := r.c.get(ctx, "/health", r.o.Read, &h)
		if err == nil {
			break
		}
		if refusedWith(err, 502, 503, 504) == nil {
			return h, err
		}
		if !w.again(ctx, "the robot is starting") {
			return h, w.gaveUp(ctx, "the robot at "+r.c.base+" is still starting; a first start after an update can take half an hour", err)
		}
	}
	switch {
	case h.Model == "":
		return h, failure(run.Unreachable, nil, "something answers at %s, but it does not say that it is a robot; check the address", r.c.base)
	case h.Model != Model:
		return h, failure(run.Rejected, nil, "%s is an %s; ot2flow moves the OT-2", h.Name, h.Model)
	}
	r.mu.Lock()
	r.serial = h.Serial
	r.mu.Unlock()
	return h, nil
}

func (r *Robot) equipment(ctx context.Context, d *run.Device) error {
	var instruments envelope[[]instrumentJSON]
	if err := r.read(ctx, "/instruments", &instruments); err != nil {
		return err
	}
	for _, i := range instruments.Data {
		if i.Type == "pipette" && (i.OK == nil || *i.OK) {
			d.Pipettes = append(d.Pipettes, run.Attached{Mount: i.Mount, Model: i.Name, Serial: i.Serial})
		}
	}
	var modules envelope[[]moduleJSON]
	if err := r.read(ctx, "/modules", &modules); err != nil {
		return err
	}
	for _, m := range modules.Data {
		d.Modules = append(d.Modules, run.Unit{Model: m.Model, Serial: m.Serial})
	}
	return nil
}

// current returns the run the robot has open, or nil.
func (r *Robot) current(ctx context.Context) (*runJSON, error) {
	var runs envelope[[]runJSON]
	if err := r.read(ctx, "/runs?pageLength=1", &runs); err != nil {
		return nil, err
	}
	if runs.Links.Current.Href == "" {
		return nil, nil
	}
	id := path.Base(runs.Links.Current.Href)
	for i := range runs.Data {
		if runs.Data[i].ID == id {
			return &runs.Data[i], nil
		}
	}
	return r.readRun(ctx, id)
}

func (r *Robot) readRun(ctx context.Context, id string) (*runJSON, error) {
	var e envelope[runJSON]
	if err := r.c.get(ctx, "/runs/"+id, r.o.Read, &e); err != nil {
		return nil, err
	}
	if e.Data.ID != id {
		return nil, failure(run.Unreachable, nil, "%s was asked for run %s and answers with something else", r.c.base, id)
	}
	return &e.Data, nil
}

// waiting is patience: growing pauses up to a limit, with a word now and then.
type waiting struct {
	say         func(string)
	pause, most time.Duration
	since, said time.Time
	limit       time.Duration
}

// sayEvery is how often a person hears what is waited for.
const sayEvery = 10 * time.Second

func (r *Robot) waiting(limit, first, most time.Duration) *waiting {
	now := time.Now()
	return &waiting{say: r.o.Say, pause: min(first, limit), most: most, since: now, said: now.Add(-sayEvery), limit: limit}
}

// again waits, and returns false when there is no patience left.
func (w *waiting) again(ctx context.Context, what string) bool {
	waited := time.Since(w.since)
	if waited >= w.limit {
		return false
	}
	if time.Since(w.said) >= sayEvery {
		w.said = time.Now()
		if waited >= time.Second {
			what += " (" + waited.Round(time.Second).String() + ")"
		}
		w.say(what)
	}
	ok := sleep(ctx, w.pause)
	w.pause = min(w.pause*3/2, w.most)
	return ok
}

func (w *waiting) gaveUp(ctx context.Context, what string, cause error) error {
	if ctx.Err() != nil {
		return failure(run.Unreachable, ctx.Err(), "not waited for any longer")
	}
	return failure(run.Timeout, cause, "%s; waited for %s", what, time.Since(w.since).Round(time.Second))
}

// sleep returns false when the context ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// read is a patient get.
func (r *Robot) read(ctx context.Context, path string, into any) error {
	return r.patiently(ctx, func() error { return r.c.get(ctx, path, r.o.Read, into) })
}

// patiently repeats reading for as long as the robot may take to come back. It
// serves preparations, where the runner does not reconnect yet.
func (r *Robot) patiently(ctx context.Context, read func() error) error {
	w := r.waiting(r.o.Read, 500*time.Millisecond, 5*time.Second)
	for {
		err := read()
		var e *run.Error
		if err == nil || !errors.As(err, &e) || e.Kind != run.Unreachable && e.Kind != run.Timeout || ctx.Err() != nil {
			return err
		}
		if !w.again(ctx, strings.TrimSuffix(e.Error(), ".")+"; trying again") {
			return err
		}
	}
}
