package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/workflows/lab"
)

// Tasks that are carried out by themselves. A time of a schedule is the key of what is
// submitted for it, so that it is submitted once, whatever happens to processes; how far
// a schedule was looked at is kept behind that.

// clock knows the schedules of a device. Its methods may be called by several
// goroutines.
type clock struct {
	mu    sync.Mutex
	list  []*schedule
	again chan struct{} // has a token when the list is another one
}

// schedule is a schedule with what became of it.
type schedule struct {
	lab.Schedule
	mark    journal.Mark
	last    string // the run that was submitted last; may be empty
	missed  int    // times that were left out since the server is there
	trouble string // why the last time came to nothing; empty where it did not
}

// ScheduleView is a schedule as transports show it.
type ScheduleView struct {
	Name     string    `json:"name"`
	Task     string    `json:"task"`
	Cron     string    `json:"cron"`
	TimeZone string    `json:"time_zone"`
	Off      bool      `json:"off,omitempty" doc:"It rests."`
	Next     time.Time `json:"next,omitzero" doc:"When it is carried out next."`
	LastRun  string    `json:"last_run,omitempty" doc:"The run that was submitted last."`
	LeftOut  int       `json:"left_out,omitempty" doc:"Times that came to nothing since the server was started."`
	Problem  string    `json:"problem,omitempty" doc:"Why the last time came to nothing."`
}

// Configure takes over what the file of a lab says of schedules and of maintenance; it
// may be called again while the device serves. What there is to say is logged.
func (d *Device) Configure(schedules []lab.Schedule, windows []lab.Window) {
	d.rests.mu.Lock()
	d.rests.windows = windows
	d.rests.mu.Unlock()
	c := &d.clock
	c.mu.Lock()
	was := map[string]*schedule{}
	for _, s := range c.list {
		was[s.Name] = s
	}
	c.list = nil
	for i := range schedules {
		s := &schedule{Schedule: schedules[i]}
		if old := was[s.Name]; old != nil {
			s.mark, s.last, s.missed, s.trouble = old.mark, old.last, old.missed, old.trouble
		}
		c.list = append(c.list, s)
	}
	again := c.again
	c.mu.Unlock()
	select {
	case again <- struct{}{}:
	default: // nobody keeps them yet, or knows already
	}
	d.poke()
}

// Schedules are those of the device, in the order of the file.
func (d *Device) Schedules() []ScheduleView {
	now := time.Now()
	c := &d.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []ScheduleView{}
	for _, s := range c.list {
		v := ScheduleView{Name: s.Name, Task: s.Task, Cron: s.Times.String(), TimeZone: zoneOf(s.Times.Zone(), now), Off: s.Off, LastRun: s.last, LeftOut: s.missed, Problem: s.trouble}
		if !s.Off {
			v.Next = s.Times.Next(now)
		}
		if _, ok := d.Tasks.Snapshot().Lookup(s.Task); !ok {
			v.Problem = d.NoTask(s.Task).Error()
		}
		out = append(out, v)
	}
	return out
}

// zoneOf is a time zone for people.
func zoneOf(zone *time.Location, now time.Time) string {
	if zone == time.Local {
		name, _ := now.In(zone).Zone()
		return name
	}
	return zone.String()
}

// lookEvery bounds how long nobody looks at the clock: it may be set, and a computer may
// sleep.
const lookEvery = 20 * time.Second

// keepSchedules submits what schedules say, until ctx is done.
func (d *Device) keepSchedules(ctx context.Context, store *journal.Store) {
	again := make(chan struct{}, 1)
	d.clock.mu.Lock()
	d.clock.again = again
	d.clock.mu.Unlock()
	for ctx.Err() == nil {
		next, err := d.keepUp(ctx, store, time.Now())
		if err != nil && ctx.Err() == nil {
			d.Log(Note{Text: "schedules: " + err.Error(), Wrong: true})
		}
		pause := time.NewTimer(min(lookEvery, max(time.Millisecond, time.Until(next))))
		select {
		case <-ctx.Done():
		case <-again:
		case <-pause.C:
		}
		pause.Stop()
	}
}

// keepUp submits what is due, and returns when something is next; that may be long ahead.
func (d *Device) keepUp(ctx context.Context, store *journal.Store, now time.Time) (next time.Time, err error) {
	d.clock.mu.Lock()
	list := d.clock.list
	d.clock.mu.Unlock()
	next = now.Add(lookEvery)
	if len(list) == 0 {
		return next, nil
	}
	marks, err := store.Marks(ctx)
	if err != nil {
		return next, err
	}
	for _, s := range list {
		if s.Off {
			continue
		}
		if err := d.keep(ctx, store, s, marks[s.Name], now); err != nil {
			return next, err
		}
		if at := s.Times.Next(now); !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next, nil
}

// written is how a schedule's times are compared with what they were.
func (s *schedule) written() string { return s.Times.Zone().String() + " " + s.Times.String() }

// keep submits the last time of a schedule that is due and not too late, and says what
// was left out.
func (d *Device) keep(ctx context.Context, store *journal.Store, s *schedule, m journal.Mark, now time.Time) error {
	back := m.Upto.Sub(now) // how far the clock was put back, if it was
	switch {
	case m.Times != s.written(), back > 25*time.Hour: // it is new, or other times count from now on
		return store.MarkSchedule(ctx, journal.Mark{Schedule: s.Name, Times: s.written(), Upto: now})
	case back > 0:
		return nil // what was submitted before that is not submitted again
	}
	due, first, n := dueOf(s, m.Upto, now)
	if n == 0 {
		return nil
	}
	was, err := store.Keyed(ctx, dueKey(s.Name, due))
	if err != nil {
		return err
	}
	why, out := "", n-1
	late := now.Sub(due)
	switch {
	case was != "": // and the server was killed behind it
	case late > s.Late:
		why, out = fmt.Sprintf("the server was not there, and %s is too late", roughly(late)), n
	default:
		if why, err = d.submitDue(ctx, store, s, due); err != nil {
			return err // it is tried again until it is too late
		}
		if why != "" {
			out = n
		}
	}
	d.clock.mu.Lock()
	s.missed += out
	s.trouble = why
	d.clock.mu.Unlock()
	if out > 0 {
		d.sayLeftOut(s, out, first, due, why)
	}
	return store.MarkSchedule(ctx, journal.Mark{Schedule: s.Name, Times: s.written(), Upto: due})
}

// mostDue bounds how many times that were missed are counted.
const mostDue = 10_000

// dueOf are the last and the first time that are due, and how many there are.
func dueOf(s *schedule, upto, now time.Time) (last, first time.Time, n int) {
	for at := s.Times.Next(upto); !at.IsZero() && !at.After(now) && n < mostDue; at = s.Times.Next(at) {
		if last = at; n == 0 {
			first = at
		}
		n++
	}
	return last, first, n
}

func (d *Device) sayLeftOut(s *schedule, n int, first, last time.Time, why string) {
	if why == "" {
		why = "the server was not there, and only the last one is made up for"
	}
	times := "the time at " + last.Format("2006-01-02 15:04")
	if n > 1 {
		times = fmt.Sprintf("%d times from %s on", n, first.Format("2006-01-02 15:04"))
	}
	d.Log(Note{Text: fmt.Sprintf("schedule %s: left out %s: %s; the next is at %s", s.Name, times, why, s.Times.Next(time.Now()).Format("2006-01-02 15:04"))})
}

// dueKey is the key of what is submitted for a time of a schedule.
func dueKey(name string, at time.Time) string {
	return keyOfSchedules + name + "/" + at.UTC().Format(time.RFC3339)
}

// keyOfSchedules begins the keys of schedules, and no other.
const keyOfSchedules = "schedule/"

// submitDue submits a time of a schedule. Why is the reason for which that comes to
// nothing; an error is one that may pass.
func (d *Device) submitDue(ctx context.Context, store *journal.Store, s *schedule, at time.Time) (why string, err error) {
	if !s.Queue {
		busy, err := d.stillAtIt(ctx, store, s)
		if err != nil {
			return "", err
		}
		if busy != "" {
			return "run " + busy + " of the time before is not over", nil
		}
	}
	v, _, err := d.submit(ctx, Request{
		Task: s.Task, Given: s.Params, Key: dueKey(s.Name, at), Priority: s.Priority, Experiment: s.Experiment, Robot: s.Robot, Labels: s.Labels,
		For: Behalf{By: s.By, Project: s.Project},
	})
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind == Unable:
		return "", err
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return err.Error(), nil //nolint:nilerr // it is said, and the time is over
	}
	d.clock.mu.Lock()
	s.last = v.ID
	d.clock.mu.Unlock()
	d.Log(Note{Run: v.ID, Text: "submitted by schedule " + s.Name})
	return "", nil
}

// stillAtIt is the run that a schedule submitted last, if it is not over.
func (d *Device) stillAtIt(ctx context.Context, store *journal.Store, s *schedule) (string, error) {
	id, err := store.LastKeyed(ctx, keyOfSchedules+s.Name+"/")
	if err != nil || id == "" {
		return "", err
	}
	v, err := d.View(ctx, id)
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind == Missing:
		return "", nil // it was pruned
	case err != nil:
		return "", err
	case v.Over:
		return "", nil
	}
	return id, nil
}
