package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/robot"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// station is a robot with its queue.
type station struct {
	Robot
	device *Device
	// Of a robot that is elsewhere: the run that it carries out, when that was asked for last,
	// how long until that is asked again, and whether there is a reason to do so at once.
	followed atomic.Pointer[followedRun]
	asked    time.Time
	askNext  time.Duration
	again    atomic.Bool
	answered atomic.Int64 // when its device answered last, in ns since 1970

	labels atomic.Pointer[[]string] // what it is good for
	wake   chan struct{}            // has a token when there is something to do

	taken *journal.Submission // that it is about to begin, or carries out; under device.choosing

	mu       sync.Mutex
	current  *steered           // nil while nothing is carried out
	waits    string             // why nothing is begun, though something waits
	blocked  bool               // and that this is so until somebody does something about it
	resumes  []*resumption      // what is to be gone on with before anything else is begun
	refusals map[string]refusal // what it could not begin of what others may take, by id
	closing  bool
	seen     *run.Device // when it was looked at last; nil where it never was
	seenAt   time.Time
}

// steered is the run under way.
type steered struct {
	id       string
	controls *Controls // nil before it is carried out
}

// refusal is why a robot does not do what any robot may do.
type refusal struct {
	why   string
	never bool // it does not depend on the robot's being free, or in reach
	until time.Time
}

// shared is the queue that all robots of a device take from. No robot is called so.
const shared = "*"

// refusedFor is how long something is left to the other robots.
const refusedFor = 15 * time.Second

func (st *station) log(run, text string) {
	st.note(Note{Run: run, Text: text})
}

func (st *station) note(n Note) {
	n.Robot = st.Name
	st.device.Log(n)
}

// controlsOf are those of a run, if that is the one under way.
func (st *station) controlsOf(id string) *Controls {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.current == nil || st.current.id != id {
		return nil
	}
	return st.current.controls
}

// takes makes a run the one under way.
func (st *station) takes(id string) {
	st.mu.Lock()
	st.current = &steered{id: id}
	st.mu.Unlock()
	st.device.changed.light()
}

// letsGo is the end of that.
func (st *station) letsGo() {
	st.mu.Lock()
	st.current = nil
	st.mu.Unlock()
	st.device.changed.light()
}

// carries is the run under way, or nothing.
func (st *station) carries() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.current == nil {
		return ""
	}
	return st.current.id
}

// Robots are those of the device, in the order in which it was given them.
func (d *Device) Robots() []Robot {
	var out []Robot
	for _, st := range d.stations {
		out = append(out, st.Robot)
		out[len(out)-1].Labels = *st.labels.Load()
	}
	return out
}

// Names are those of the robots, in a list.
func (d *Device) Names() string {
	var names []string
	for _, st := range d.stations {
		names = append(names, st.Name)
	}
	return strings.Join(names, ", ")
}

// Relabel gives robots other labels, by their names; it may be called while the device
// serves.
func (d *Device) Relabel(robots []Robot) {
	for _, r := range robots {
		for _, st := range d.stations {
			if st.Name == r.Name {
				st.labels.Store(&r.Labels)
			}
		}
	}
	d.poke()
}

// queues are those that the device serves.
func (d *Device) queues() []string {
	var out []string
	for _, st := range d.stations {
		out = append(out, st.Name)
	}
	if len(out) > 1 {
		out = append(out, shared)
	}
	return out
}

func queueNamed(queue string) string {
	if queue == shared {
		return "the queue of all robots"
	}
	return "the queue of " + queue
}

// station is the robot of a name. The error says what there is.
func (d *Device) station(name string) (*station, error) {
	var names []string
	for _, st := range d.stations {
		if st.Name == name {
			return st, nil
		}
		names = append(names, st.Name)
	}
	if near, ok := diag.Nearest(name, names); ok {
		return nil, missing("there is no robot %s; did you mean %s?", name, near)
	}
	return nil, missing("there is no robot %s; there are %s", name, strings.Join(names, ", "))
}

// queueFor is the queue for what is submitted: that of the robot it is for, or the one
// that all robots take from. It is refused where no robot could ever do it.
func (d *Device) queueFor(ctx context.Context, r *Request, plan *program.Plan) (string, error) {
	for _, label := range r.Labels {
		if strings.ContainsAny(label, ", \t\n") || label == "" {
			return "", usage("a label is one word, and %q is none", label)
		}
	}
	if r.Robot != "" {
		st, err := d.station(r.Robot)
		if err != nil {
			return "", err
		}
		if why := st.lacks(r.Labels); why != "" {
			return "", usage("%s %s", st.Name, why)
		}
		return st.Name, nil
	}
	if len(d.stations) == 1 {
		st := d.stations[0]
		if why := st.lacks(r.Labels); why != "" {
			return "", usage("%s %s", st.Name, why)
		}
		return st.Name, nil
	}
	if plan.Computes() {
		return shared, nil // no robot is needed for it
	}
	whys := make([]string, len(d.stations))
	var all sync.WaitGroup
	for i, st := range d.stations {
		all.Go(func() { whys[i] = st.misfit(ctx, r.Labels, plan) })
	}
	all.Wait()
	if slices.Contains(whys, "") {
		return shared, nil
	}
	return "", cannot("no robot can do it:%s", d.listed(func(i int) string { return whys[i] }))
}

// listed is a line for each robot.
func (d *Device) listed(why func(i int) string) string {
	var b strings.Builder
	for i, st := range d.stations {
		fmt.Fprintf(&b, "\n  %s: %s", st.Name, strings.ReplaceAll(why(i), "\n", "\n    "))
	}
	return b.String()
}

// lacks says which labels the robot does not have, or nothing.
func (st *station) lacks(labels []string) string {
	its := *st.labels.Load()
	for _, l := range labels {
		if !slices.Contains(its, l) {
			has := "it has none"
			if len(its) > 0 {
				has = "it has " + strings.Join(its, ", ")
			}
			return fmt.Sprintf("does not have the label %s; %s", l, has)
		}
	}
	return ""
}

// misfit says why the robot, as it is now, cannot carry a plan out; nothing where it
// can, or where nobody knows because it does not answer.
func (st *station) misfit(ctx context.Context, labels []string, plan *program.Plan) string {
	if why := st.lacks(labels); why != "" || st.Address == Sim {
		return why
	}
	seen := st.look(ctx)
	if seen == nil {
		return ""
	}
	return strings.Join(robot.Misfits(plan, *seen), "\n")
}

// How old what is known of a robot may be when it is asked whether it fits, and how
// long it has to answer.
const (
	lookedWithin = 5 * time.Second
	lookFor      = 2 * time.Second
)

// look is what is on a robot, or nil where it does not answer.
func (st *station) look(ctx context.Context) *run.Device {
	if st.Device != "" {
		return st.seenElsewhere()
	}
	st.mu.Lock()
	seen, at := st.seen, st.seenAt
	st.mu.Unlock()
	if seen != nil && time.Since(at) < lookedWithin {
		return seen
	}
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	place, err := st.device.Service.place(ctx, st.Address, nil, func(string) {})
	if err != nil {
		return nil
	}
	defer place.close()
	st.saw(&place.Device)
	return &place.Device
}

// saw keeps what is on the robot.
func (st *station) saw(d *run.Device) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.seen, st.seenAt = d, time.Now()
}

// choose takes what the robot begins next, which no other robot takes then. Where it is
// nil, why says what the first that waits for it waits for; blocked, that somebody has
// to do something about it.
func (st *station) choose(ctx context.Context, store *journal.Store) (o *journal.Submission, why string, blocked bool, err error) {
	d := st.device
	d.choosing.Lock()
	defer d.choosing.Unlock()
	all, err := d.line.waiting(ctx, store)
	if err != nil {
		return nil, "", false, err
	}
	mine := slices.DeleteFunc(slices.Clone(all), func(o *journal.Submission) bool {
		return o.Queue != st.Name && (o.Queue != shared || len(d.stations) == 1)
	})
	st.forget(all)
	if len(mine) == 0 {
		return nil, "", false, nil
	}
	if rest := d.rests.now(st.Name, time.Now()); rest != nil {
		return nil, rest.String(), true, nil
	}
	for _, o := range ordered(mine) {
		held, others, err := st.holdsBack(ctx, store, o, all)
		switch {
		case err != nil:
			return nil, "", false, err
		case held == "":
			st.taken = o
			return o, "", false, nil
		case why == "" && !others:
			why = held
		}
	}
	return nil, why, false, nil
}

// let says that the robot is done with what it took.
func (st *station) let() {
	st.device.choosing.Lock()
	st.taken = nil
	st.device.choosing.Unlock()
	st.device.poke() // what comes behind it in its experiment may be begun, here or elsewhere
}

// holdsBack says why the robot does not begin something now: nothing where it may. Others
// says that it is left to other robots. All is what waits, as it was accepted.
func (st *station) holdsBack(ctx context.Context, store *journal.Store, o *journal.Submission, all []*journal.Submission) (why string, others bool, err error) {
	for _, other := range st.device.stations {
		if other.taken != nil && other.taken.ID == o.ID {
			return "it is begun on " + other.Name, true, nil
		}
	}
	if o.Queue == shared {
		if why := st.lacks(o.Labels); why != "" {
			return why, true, nil
		}
		if r, refused := st.refused(o.ID); refused && time.Now().Before(r.until) {
			return r.why, true, nil
		}
		if st.Device != "" {
			if why := st.busyElsewhere(); why != "" {
				return why, true, nil
			}
		}
	}
	if o.Experiment == "" {
		return "", false, nil
	}
	for _, before := range all {
		if before.ID == o.ID {
			break
		}
		if before.Experiment == o.Experiment {
			return fmt.Sprintf("run %s comes before it in experiment %s", before.ID, o.Experiment), false, nil
		}
	}
	id, err := store.UnderWay(ctx, o.Experiment)
	if err != nil {
		return "", false, cannot("%v", err)
	}
	if id != "" {
		return fmt.Sprintf("run %s of experiment %s is not over", id, o.Experiment), false, nil
	}
	return "", false, nil
}

func (st *station) refused(id string) (refusal, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	r, ok := st.refusals[id]
	return r, ok
}

// refuse leaves something to the other robots, for a while.
func (st *station) refuse(id, why string, never bool) {
	st.mu.Lock()
	was := st.refusals[id].why
	st.refusals[id] = refusal{why, never, time.Now().Add(refusedFor)}
	st.mu.Unlock()
	if was != why {
		st.log(id, "not here: "+why)
		st.device.changed.light()
	}
}

// forget drops the refusals of what does not wait any more.
func (st *station) forget(all []*journal.Submission) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for id := range st.refusals {
		if !slices.ContainsFunc(all, func(o *journal.Submission) bool { return o.ID == id }) {
			delete(st.refusals, id)
		}
	}
}

// nobody says why no robot can do what any of them may do; it is empty as long as one
// of them may.
func (d *Device) nobody(o *journal.Submission) string {
	whys := make([]string, len(d.stations))
	for i, st := range d.stations {
		r, refused := st.refused(o.ID)
		switch {
		case st.lacks(o.Labels) != "":
			whys[i] = st.lacks(o.Labels)
		case refused && r.never:
			whys[i] = r.why
		default:
			return ""
		}
	}
	return "no robot can do it:" + d.listed(func(i int) string { return whys[i] })
}

// whyShared says of each robot why it does not begin what any of them may do.
func (d *Device) whyShared(o *journal.Submission) (why string, stuck bool) {
	whys := make([]string, len(d.stations))
	stuck = true
	for i, st := range d.stations {
		r, refused := st.refused(o.ID)
		st.mu.Lock()
		current, waits, blocked := st.current, st.waits, st.blocked
		st.mu.Unlock()
		rest := d.rests.now(st.Name, time.Now())
		switch {
		case st.lacks(o.Labels) != "":
			whys[i] = st.lacks(o.Labels)
		case rest != nil:
			whys[i] = rest.String()
		case current != nil:
			whys[i], stuck = "run "+current.id+" is under way", false
		case refused:
			whys[i] = r.why
		case blocked:
			whys[i] = waits
		default:
			whys[i], stuck = waits, false
		}
	}
	if !slices.ContainsFunc(whys, func(w string) bool { return w != "" }) {
		return "", false
	}
	return "any robot that is free and can:" + d.listed(func(i int) string {
		if whys[i] == "" {
			return "it is looked at"
		}
		return whys[i]
	}), stuck
}

// of is the robot that a run is of: the one whose queue it was taken from, or whose
// address it has.
func (d *Device) of(ctx context.Context, store *journal.Store, id string) (*station, error) {
	if len(d.stations) == 1 {
		return d.stations[0], nil
	}
	var none *journal.NoRun
	o, err := store.Submission(ctx, id)
	if err != nil && !errors.As(err, &none) {
		return nil, cannot("%v", err)
	}
	if err == nil {
		if st, err := d.station(o.Queue); err == nil {
			return st, nil
		}
	}
	sum, err := store.Find(ctx, id)
	if err != nil {
		return nil, missing("%v", err)
	}
	for _, st := range d.stations {
		if seen := st.look(ctx); seen != nil && seen.Serial != "" && seen.Serial == sum.Robot.Serial {
			return st, nil
		}
	}
	return nil, usage("run %s is of %s, which is no robot of this server", id, sum.Robot.Name)
}
