package service

import (
	"context"
	"fmt"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// Order is what is to be carried out, and where.
type Order struct {
	Plan     *program.Plan
	Robot    string // its name or address, or Sim
	For      Behalf
	Known    *Known         // what the plan was made for
	Fresh    []string       // slots of which was said that something new stands there
	Accept   bool           // that the robot is otherwise than it was left is meant
	Mishaps  *mishap.Script // what goes wrong on the simulator; may be nil
	Patience time.Duration  // for what became of an earlier run; 0: a quarter of a minute
	Say      func(string)   // what is waited for
	Tell     func(string)   // what became of an earlier run
}

// Job is a run at a place that this process owns until Close.
type Job struct {
	Plan    *program.Plan // of the run, as far as it is certain
	Place   *Place
	Summary *journal.Summary // of a run that is gone on with; nil of a new one
	Story   *run.Story       // likewise, as far as it is known
	// Accounts are those of the quotas that a new run on a robot counts in.
	Accounts []quota.Account
	// Drift is where the robot is otherwise than its ledger says. Where some of it
	// matters, Begin refuses the run unless Accept says that it is meant.
	Drift  []ledger.Drift
	Accept bool

	service *Service
	book    *book
	beside  *beside // of a plan that goes on by what comes back; nil of any other
}

// Open finds the place, makes this process its owner, and sees to it that the plan
// can be carried out there as it is. Nothing moves. The error is *Renewed where the
// plan has to be made again, because the deck is another one than it was made for.
func (s *Service) Open(ctx context.Context, o Order) (*Job, error) {
	b, err := besideOf(o.Plan)
	if err != nil {
		return nil, err
	}
	if b != nil {
		if err := b.begins(); err != nil {
			return nil, err
		}
	}
	j := &Job{Plan: o.Plan, Accept: o.Accept, service: s, beside: b}
	if err := j.open(ctx, &o); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

func (j *Job) open(ctx context.Context, o *Order) error {
	var err error
	if j.Place, err = j.service.place(ctx, o.Robot, o.Plan, o.Say); err != nil {
		return err
	}
	j.Place.suffer(o.Mishaps)
	if j.book, err = j.service.book(ctx, j.Place, o.Known, o.For); err != nil {
		return err
	}
	// Who has the robot is known here better than by the robot, which only knows
	// that it is busy; so that comes first.
	if err := j.reconcile(ctx, o.Patience, o.Tell); err != nil {
		return err
	}
	if err := j.unclosed(ctx, o.Tell); err != nil {
		return err
	}
	if err := j.Place.takes(o.Plan); err != nil {
		return err
	}
	if err := o.Known.holds(ctx, j.book, o.Plan); err != nil {
		return err
	}
	if err := j.Place.shift(ctx, j.book, o.Plan); err != nil {
		return err
	}
	if err := j.drift(ctx, o.Plan.Deck, o.Fresh); err != nil {
		return err
	}
	return j.counts(ctx)
}

// Free finds out, before a plan is made for the deck of a robot, that nobody else has
// the robot and what became of earlier runs on it: what is on its deck follows from
// them, and who is told instead that a tip is missing, which another run has on just
// now, is told the wrong thing. Of o, the plan and what it is made for do not count.
func (s *Service) Free(ctx context.Context, o Order) (err error) {
	if o.Robot == Sim {
		return nil
	}
	j := &Job{service: s}
	defer j.Close()
	if j.Place, err = s.place(ctx, o.Robot, nil, o.Say); err != nil {
		return err
	}
	if j.book, err = s.book(ctx, j.Place, nil, o.For); err != nil {
		return err
	}
	return j.reconcile(ctx, o.Patience, o.Tell)
}

// Begin adds the run to the journal; repeats is the id of the run that it repeats,
// or empty.
func (j *Job) Begin(ctx context.Context, repeats string) error {
	return j.begin(ctx, journal.Start{Repeats: repeats})
}

// begin adds the run to the journal, unless the robot is otherwise than it was left
// and nobody has said that it is meant.
func (j *Job) begin(ctx context.Context, start journal.Start) error {
	if err := j.Accepted(ctx); err != nil {
		return err
	}
	start.Plan, start.Version = j.Plan, j.service.Version
	return j.book.begin(ctx, start, j.Place)
}

// ID is how the journal calls the run; empty where it does not know of it.
func (j *Job) ID() string { return j.book.id() }

// For says who goes on with a run, where that is not whoever runs this program.
func (j *Job) For(who Behalf) { j.book.owner = who }

// Close gives the robot free.
func (j *Job) Close() {
	if j.book != nil {
		j.book.close()
	}
	if j.Place != nil {
		j.Place.close()
	}
}

// Carrying says how a run is carried out.
type Carrying struct {
	Patience   time.Duration // how long a lost connection is waited for; 0: until ctx ends
	BatchSteps int           // steps that are handed over at a time; 0: as the plan needs it
	Seed       uint64        // of the noise of instruments that are simulated
	Alone      bool          // nobody is asked; on the simulator only
	NoCache    bool          // answers that other runs were given are not taken
	Paused     bool          // the robot is paused, and goes on without being asked
	First      *run.Request  // asked for at once
	By         string        // who goes on with the run
	Rest       *run.Rest     // what a run is gone on with that ended before its end
}

// seedIn is the seed that a run began with; 0 where it has not begun.
func seedIn(ctx context.Context, j run.Journal) (uint64, error) {
	if j == nil {
		return 0, nil
	}
	records, err := j.Read(ctx)
	if err != nil || len(records) == 0 {
		return 0, err // which is met again, and told, by whoever follows the run
	}
	return seedOf(&records[0]), nil
}

// SeedOf is the seed that a run of the journal began with; 0 where it has none.
func SeedOf(ctx context.Context, store *journal.Store, sum *journal.Summary) (uint64, error) {
	for e, err := range store.Events(ctx, journal.Query{Run: sum.ID}) {
		if err != nil {
			return 0, cannot("%v", err)
		}
		return seedOf(&e.Record), nil
	}
	return 0, nil
}

func seedOf(first *run.Record) uint64 {
	e, _ := first.Event.(run.Accepted)
	return e.Seed
}

// Carry carries the plan out, or goes on with what the journal knows of it, until
// the device has said how it ended or the run is left. The error is as that of
// run.Run; an *Error is that of a journal that failed, behind which nothing more
// may be done.
func (j *Job) Carry(ctx context.Context, person Person, o Carrying) (run.Result, error) {
	o.Alone = o.Alone && j.Place.Simulated()
	options := run.Options{
		Run: j.Plan.Workflow.Name, Plan: j.Plan, Backend: j.Place.backend, Timer: ot2.Machine{}.Timer, Patience: o.Patience,
		BatchSteps: o.BatchSteps, Rest: o.Rest, By: o.By, Virtual: j.Place.Simulated(),
	}
	j.book.into(&options)
	if options.Journal == nil {
		options.Journal = new(run.Memory) // of all parts
	}
	if j.Place.Simulated() {
		if options.Seed, _ = seedIn(ctx, options.Journal); options.Seed == 0 {
			options.Seed = o.Seed
		}
	}
	j.attend(person, &o, options.Seed)
	options.Closing = j.closesOn
	if b := j.beside; b != nil {
		options.Perform, options.Grow = b.perform, b.grow
		if options.BatchSteps == 0 {
			options.BatchSteps = liveBatch
		}
	}
	if j.service.Around != nil {
		options.Journal = j.service.Around(options.Journal)
	}
	if id := j.ID(); id != "" {
		person.Tell("run " + id)
	}
	result, err := j.follow(ctx, person, options, &o)
	if problem := j.book.unwritten(j.Place, err); problem != nil {
		return result, problem
	}
	return j.close(ctx, person, options, &o, result, err)
}

// attend has what is beside the robot ask and tell whoever follows the run.
func (j *Job) attend(person Person, o *Carrying, seed uint64) {
	if b := j.beside; b != nil {
		b.person, b.alone, b.sim, b.seed, b.id = person, o.Alone, j.Place.Simulated(), seed, j.ID()
		b.cache = &cache{j.book.store, j.ID(), o.NoCache}
		b.world.Reach, b.world.Session = j.service.Reach, j.ID()
	}
}

// follow carries out one part, as whoever follows it steers.
func (j *Job) follow(ctx context.Context, person Person, options run.Options, o *Carrying) (run.Result, error) {
	ctx, controls := control(ctx, j.Place.Simulated())
	options.Requests, options.Answer = controls.requests, person.Pause
	options.Observe = []func(run.Event, run.Progress){func(e run.Event, p run.Progress) { person.See(e, p, controls.see(e, p)) }}
	switch {
	case o.Paused:
		options.Observe = append(options.Observe, goOnOnce(controls.requests))
	case o.Alone:
		options.Observe = append(options.Observe, goOnAlways(controls.requests))
	}
	if o.Alone {
		options.Answer = func(ctx context.Context, q run.Question) (run.Control, error) {
			person.Tell(fmt.Sprintf("step %d: %s (nobody is asked on the simulator; it is taken as done)", q.N, q.Text))
			return run.AnswerAtOnce(ctx, q)
		}
	}
	if o.First != nil {
		controls.first(*o.First)
	}
	end := person.Steer(controls)
	deaf := j.heed(ctx, person, controls)
	result, err := run.Run(ctx, options)
	controls.end()
	end()
	deaf()
	if result.Story != nil {
		j.Plan, j.Story = result.Story.Plan, result.Story
	}
	return result, err
}

// goOnOnce lets a robot go on that is found paused: what it says before it has
// done anything more. A pause of the plan, or one that comes later, is left to
// people.
func goOnOnce(requests chan<- run.Request) func(run.Event, run.Progress) {
	over := false
	return func(e run.Event, _ run.Progress) {
		switch e := e.(type) {
		case run.StepDone:
			over = over || !e.Found
		case run.Waiting, run.Resumed:
			over = true
		case run.Halting:
			if e.Status == run.Paused && !over {
				over = true
				requests <- run.Request{Control: run.Resume, By: "runs resume"}
			}
		default:
		}
	}
}

// goOnAlways lets a simulator go on that stands still without having been asked
// to, where nobody is there: a script of faults has its door opened, or pause
// pressed.
func goOnAlways(requests chan<- run.Request) func(run.Event, run.Progress) {
	asked := false
	return func(e run.Event, _ run.Progress) {
		switch e.(type) {
		case run.PauseAsked:
			asked = true
		case run.Halting:
			if !asked {
				requests <- run.Request{Control: run.Resume, By: "--yes"}
			}
		case run.Resumed:
			asked = false
		default:
		}
	}
}
