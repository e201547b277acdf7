package service

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/workflows/lab"
)

// When nothing is begun: because somebody has stopped a queue, or because of
// maintenance. What is under way goes on.

// rests knows it. Its methods may be called by several goroutines.
type rests struct {
	mu       sync.Mutex
	stops    map[string]journal.Stop // by queue
	closures []journal.Closure
	windows  []lab.Window
}

// Rest is why a queue begins nothing.
type Rest struct {
	Why   string    `json:"why,omitempty"`
	By    string    `json:"by,omitempty" doc:"Who stopped it; nobody where it is maintenance."`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero" doc:"When it ends by itself; it is missing where somebody has to say so."`
}

// String says it for people.
func (r *Rest) String() string {
	text := "maintenance until " + clockOf(r.Until, time.Now())
	if r.Until.IsZero() {
		text = "the queue is paused by " + r.By
	}
	if r.Why != "" {
		text += ": " + r.Why
	}
	return text
}

// clockOf is a time of day for people, with the date where that is not today.
func clockOf(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// read takes over what the journal knows.
func (r *rests) read(ctx context.Context, store *journal.Store) error {
	stops, err := store.Stops(ctx)
	if err != nil {
		return cannot("%v", err)
	}
	closures, err := store.Closures(ctx)
	if err != nil {
		return cannot("%v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stops = map[string]journal.Stop{}
	for _, s := range stops {
		r.stops[s.Queue] = s
	}
	r.closures = closures
	return nil
}

// span is a time in which a queue begins nothing.
type span struct {
	from, to time.Time
	why      string
}

// spans are the times for a queue that a moment is in, and the next ones behind it.
// It is called under mu.
func (r *rests) spans(queue string, now time.Time) []span {
	var out []span
	for _, c := range r.closures {
		if c.Queue == "" || c.Queue == queue {
			out = append(out, span{c.From, c.To, c.Why})
		}
	}
	for _, w := range r.windows {
		switch {
		case len(w.Robots) > 0 && !slices.Contains(w.Robots, queue):
		case w.Again == nil:
			out = append(out, span{w.From, w.To, w.Why})
		default:
			if end, is := w.Again.At(now); is {
				out = append(out, span{now, end, w.Why})
			}
			if next := w.Again.Begins.Next(now); !next.IsZero() {
				out = append(out, span{next, next.Add(w.Again.Lasts), w.Why})
			}
		}
	}
	out = slices.DeleteFunc(out, func(s span) bool { return !s.to.After(now) })
	slices.SortStableFunc(out, func(a, b span) int { return a.from.Compare(b.from) })
	return out
}

// now says why a queue begins nothing at a moment; nil where it may.
func (r *rests) now(queue string, now time.Time) *Rest {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, is := r.stops[queue]; is {
		return &Rest{Why: s.Why, By: s.By.Name, Since: s.At}
	}
	var out *Rest
	for _, s := range r.spans(queue, now) {
		if s.from.After(now) {
			break
		}
		if out == nil || s.to.After(out.Until) {
			out = &Rest{Why: s.why, Since: s.from, Until: s.to}
		}
	}
	return out
}

// within says which time begins before something is over that lasts so long; it is
// empty where none does.
func (r *rests) within(queue string, now time.Time, lasts time.Duration) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans(queue, now) {
		if s.from.Before(now.Add(lasts)) {
			why := ""
			if s.why != "" {
				why = " (" + s.why + ")"
			}
			return fmt.Sprintf("it takes about %s, and maintenance%s begins at %s", roughly(lasts), why, clockOf(s.from, now))
		}
	}
	return ""
}

// roughly is a duration for people.
func roughly(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	text := strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	return strings.TrimSuffix(strings.NewReplacer("h", " h ", "m", " min").Replace(text), " 0 min")
}

// Pause has the queue of a robot begin nothing more until Continue is asked for.
// What is under way goes on.
func (d *Device) Pause(ctx context.Context, robot, why string, o Behalf) error {
	return d.rest(ctx, robot, func(store *journal.Store) error {
		return store.StopQueue(ctx, journal.Stop{Queue: robot, By: o.holder(), Why: why})
	})
}

// Continue takes a Pause back.
func (d *Device) Continue(ctx context.Context, robot string) error {
	return d.rest(ctx, robot, func(store *journal.Store) error { return store.StartQueue(ctx, robot) })
}

func (d *Device) rest(ctx context.Context, robot string, do func(*journal.Store) error) error {
	if robot != "" {
		if _, err := d.station(robot); err != nil {
			return err
		}
	}
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return err
	}
	if err := do(store); err != nil {
		return cannot("%v", err)
	}
	if err := d.rests.read(ctx, store); err != nil {
		return err
	}
	for _, st := range d.stations {
		st.waitsFor("", false) // it is looked at anew
	}
	d.poke()
	return nil
}

// Maintenance is a time in which a robot begins nothing.
type Maintenance struct {
	ID    int64     `json:"id,omitempty" doc:"By which it is taken back; it is missing where the file of the lab says it."`
	Robot string    `json:"robot,omitempty" doc:"It is missing where it is about all."`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Why   string    `json:"why,omitempty"`
	By    string    `json:"by,omitempty"`
}

// Maintain adds a time of maintenance.
func (d *Device) Maintain(ctx context.Context, m Maintenance) (Maintenance, error) {
	if !m.To.After(m.From) {
		return m, usage("it ends before it begins")
	}
	if !m.To.After(time.Now()) {
		return m, usage("it is over")
	}
	err := d.rest(ctx, m.Robot, func(store *journal.Store) (err error) {
		by := Behalf{By: m.By}.holder()
		m.By = by.Name
		m.ID, err = store.CloseQueue(ctx, journal.Closure{Queue: m.Robot, From: m.From, To: m.To, Why: m.Why, By: by})
		return err
	})
	return m, err
}

// MaintainNot takes a time of maintenance back.
func (d *Device) MaintainNot(ctx context.Context, id int64) error {
	was := false
	err := d.rest(ctx, "", func(store *journal.Store) (err error) {
		was, err = store.OpenQueue(ctx, id)
		return err
	})
	if err == nil && !was {
		return missing("there is no time of maintenance %d; those in the file of the lab are changed there", id)
	}
	return err
}

// Maintenances are the times of maintenance that are not over: those that come again,
// with their next time.
func (d *Device) Maintenances() []Maintenance {
	now := time.Now()
	r := &d.rests
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []Maintenance{}
	for _, c := range r.closures {
		if c.To.After(now) {
			out = append(out, Maintenance{c.ID, c.Queue, c.From, c.To, c.Why, c.By.Name})
		}
	}
	for _, w := range r.windows {
		robots := w.Robots
		if len(robots) == 0 {
			robots = []string{""}
		}
		from, to := w.From, w.To
		if w.Again != nil {
			from = w.Again.Begins.Next(now.Add(-w.Again.Lasts))
			to = from.Add(w.Again.Lasts)
		}
		for _, name := range robots {
			if to.After(now) {
				out = append(out, Maintenance{Robot: name, From: from, To: to, Why: w.Why})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Maintenance) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Robot, b.Robot)) })
	return out
}
