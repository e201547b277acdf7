package run

import (
	"errors"
	"slices"
	"time"
)

// Timeouts. What is beside the device and has no time left is given up, or not
// begun, and the plan goes on by that. What the device is at cannot be given up:
// how much of it has happened nobody would know. So the device is paused, and a
// person says whether it goes on without that timeout, or stops.
//
// The time of a run is that of the clock on the wall, also while the device is
// paused and while nobody follows the run. What lies between its end and its
// being gone on with does not count.

// Timer is a limit of the run's plan that has begun.
type Timer struct {
	Limit int   // from 1, in the order of the plan's limits
	AtMS  int64 // when it began, since the run did
	Over  bool  // it has passed, and is minded no longer
}

// TimeLeft is how much time is left of a limit.
type TimeLeft struct {
	Limit int   `json:"limit"` // as in Timer
	MS    int64 `json:"ms"`    // 0 or less: it has passed
}

func (s *State) timer(limit int) *Timer {
	if i := slices.IndexFunc(s.Timers, func(t Timer) bool { return t.Limit == limit }); i >= 0 {
		return &s.Timers[i]
	}
	return nil
}

// pass has a limit be minded no longer.
func (s *State) pass(limit int) {
	s.Timers = slices.Clone(s.Timers)
	s.timer(limit).Over = true
}

func (s *State) timeUp(e TimeUp) []Action {
	s.pass(e.Limit)
	if e.Ends {
		if s.Accepted.Open || s.Stop {
			return s.follow() // the plan ends by it when it is gone on with
		}
		return s.stopAsked(StopAsked{After: e.After})
	}
	if s.Waiting != 0 || s.Stop {
		return s.follow() // a person is asked already, or has decided
	}
	s.Overdue, s.Late = e.Limit, e.Text
	ask := AskPerson{N: e.N, Text: e.Text}
	if s.Halted != NoStatus {
		return append([]Action{ask}, s.follow()...)
	}
	return append([]Action{ask}, s.pauseAsked(PauseAsked{Now: true})...)
}

// stillOverdue has a person asked again who was asked when the run was left.
func (s *State) stillOverdue() []Action {
	if s.Overdue == 0 || s.Ended != NoStatus || s.Done >= s.end() {
		return nil
	}
	return []Action{AskPerson{N: s.Done + 1, Text: s.Late}}
}

// timing is how long a run has taken.
type timing struct {
	first, ended time.Time // its first record, and the end of its last part
	stood        time.Duration
	base         int64 // ms, the latest that a record tells of
	beside       int64 // ms, beside a simulated device
	minded       int   // limits of the plan that have begun
	active       []int // those that have not ended
	wake         <-chan time.Time
	wakes        time.Time
	givenUp      int // the limit that had a step beside the device given up
}

// see takes a record into account.
func (t *timing) see(r *Record) {
	if t.first.IsZero() {
		t.first = r.At
	}
	switch e := r.Event.(type) {
	case Finished:
		t.ended = r.At
	case Continued:
		t.stood += r.At.Sub(t.ended)
	case TimerSet:
		t.base = max(t.base, e.AtMS)
	case Performed:
		t.base = max(t.base, e.AtMS)
	default:
	}
}

// now is how long the run has taken, in ms.
func (d *driver) now() int64 {
	if d.o.Virtual {
		return d.begunAt + d.elapsed + d.timing.beside
	}
	return (d.o.Clock.Now().Sub(d.timing.first) - d.timing.stood).Milliseconds()
}

// deadline is when a limit passes, by now.
func (d *driver) deadline(limit int) int64 {
	return d.m.state.timer(limit).AtMS + d.story.Plan.Limits[limit-1].MS
}

// forgetLimits has the limits of the plan looked at anew.
func (t *timing) forgetLimits() { t.minded, t.active, t.wake = 0, nil, nil }

// mind sets the timers that are due, and does what is to be done about one that
// has passed. It reports whether that was something.
func (d *driver) mind(emit func(Event) error) (bool, error) {
	s, limits := &d.m.state, d.story.Plan.Limits
	if len(limits) == 0 || len(d.todo) > 0 && !isIntent(d.todo[0]) || d.o.Look || !s.live() || s.grows() || s.Done >= len(d.story.last().Origin) {
		return false, nil
	}
	n := d.story.last().Origin[s.Done]
	if n == 0 {
		return false, nil // it was added, and is none of the plan
	}
	t := &d.timing
	for ; t.minded < len(limits) && limits[t.minded].First <= n; t.minded++ {
		if l := t.minded + 1; limits[t.minded].Holds(n) {
			t.active = append(t.active, l)
			if s.timer(l) == nil {
				if err := emit(TimerSet{Limit: l, AtMS: d.now()}); err != nil {
					return true, err
				}
			}
		}
	}
	t.active = slices.DeleteFunc(t.active, func(l int) bool {
		return l > len(limits) || !limits[l-1].Holds(n) || s.timer(l).Over && !limits[l-1].Ends
	})
	first := d.nextLimit()
	if first == 0 || d.deadline(first) > d.now() {
		d.wakeFor(first)
		return false, nil
	}
	l := &limits[first-1]
	switch {
	case l.Ends && (s.Stage == Performing || s.Stop || s.Ended != NoStatus):
		d.wakeFor(0)
		return false, nil
	case l.Ends:
		d.todo = slices.DeleteFunc(d.todo, isIntent)
		return true, emit(TimeUp{Limit: first, N: s.Done + 1, AtMS: d.now(), Text: l.String() + " has passed: the run ends at the next place where nothing is cut off", Ends: true, After: d.stopAfter()})
	case s.Stage == Performing && d.beside.cancel == nil:
		return false, nil // it is about to be begun, or not
	case s.Stage == Performing:
		d.beside.overdue()
		t.givenUp = first
		return false, nil
	case s.Ended != NoStatus, s.Stage == Ready && s.isLive(s.Done+1) && !d.o.Virtual:
		// There is nothing to be paused, or perform does not begin it. Where time is
		// virtual it has passed while the device was at the step before.
		return false, nil
	}
	d.todo = slices.DeleteFunc(d.todo, isIntent)
	return true, emit(TimeUp{Limit: first, N: s.Done + 1, AtMS: d.now(), Text: l.String() + " has passed while the robot was at work, and it is paused: go on without that timeout, or stop"})
}

// nextLimit is the limit around the step at hand that passes first, or 0.
func (d *driver) nextLimit() int {
	first := 0
	for _, l := range d.timing.active {
		if !d.m.state.timer(l).Over && (first == 0 || d.deadline(l) < d.deadline(first)) {
			first = l
		}
	}
	return first
}

// wakeFor has the driver look again when a limit passes.
func (d *driver) wakeFor(limit int) {
	t := &d.timing
	if limit == 0 || d.o.Virtual {
		t.wake, t.wakes = nil, time.Time{}
		return
	}
	wait := time.Duration(d.deadline(limit)-d.now()) * time.Millisecond
	at := d.o.Clock.Now().Add(wait)
	if off := at.Sub(t.wakes).Abs(); t.wake == nil || off > 10*time.Millisecond {
		t.wake, t.wakes = d.o.Clock.After(wait+time.Millisecond), at
	}
}

// left is how much time is left of the limits around the step at hand.
func (d *driver) left() []TimeLeft {
	var out []TimeLeft
	for _, l := range d.timing.active {
		out = append(out, TimeLeft{l, d.deadline(l) - d.now()})
	}
	return out
}

// noTime is the limit that leaves no time for the step at hand, or 0.
func (d *driver) noTime() int {
	if l := d.nextLimit(); l > 0 && !d.story.Plan.Limits[l-1].Ends && d.deadline(l) <= d.now() {
		return l
	}
	return 0
}

var errOverdue = errors.New("its time is over")

// overdue ends the wait for a step whose time is over.
func (b *beside) overdue() {
	b.limit = nil
	b.cancel(errOverdue)
}
