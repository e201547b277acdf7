package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// book is the journal of one run: nothing where nothing is remembered.
type book struct {
	store *journal.Store
	lease *journal.Lease
	run   *journal.Run
	owner Behalf

	ledger string         // what the run's changes go into; empty: nothing
	guard  *journal.Lease // on the ledger of a simulator
}

// book opens the journal and makes this process the owner of the robot.
func (s *Service) book(ctx context.Context, where *Place, known *Known, owner Behalf) (*book, error) {
	b := &book{owner: owner}
	if s.State == None {
		if where.robot != nil {
			return nil, usage("a run on a robot is always remembered, so that it can be gone on with; --state %s is for the simulator", None)
		}
		return b, nil
	}
	var err error
	if b.store, err = s.Journal(ctx); err != nil {
		if where.robot == nil {
			err = cannot("%v; --state %s simulates without one", err, None)
		}
		return nil, err
	}
	if where.robot == nil {
		if known != nil {
			if b.guard, err = b.store.Lease(ctx, known.name, owner.holder()); err != nil {
				return nil, owned(err)
			}
			b.ledger = known.name
		}
		return b, nil
	}
	b.ledger = where.key()
	if b.lease, err = b.store.Lease(ctx, where.key(), owner.holder()); err != nil {
		return nil, owned(err)
	}
	return b, nil
}

// owned is the error of a lease that is not to be had.
func owned(err error) error {
	return &Error{Kind: Unable, Message: err.Error(), Err: err}
}

// begin adds the run to the journal.
func (b *book) begin(ctx context.Context, start journal.Start, where *Place) error {
	if b.store == nil {
		return nil
	}
	start.Tools = tools(&where.Device)
	start.By, start.Project, start.Defs, start.Lease, start.Robot, start.Lazy, start.Ledger = b.owner.holder(), b.owner.Project, ot2.Machine{}, b.lease, where.journalled(), where.robot == nil, b.ledger
	r, err := b.store.Begin(ctx, start)
	if err != nil {
		return &Error{Kind: Unable, Message: err.Error(), Err: err}
	}
	b.run = r
	return nil
}

// into has the journal used for a run.
func (b *book) into(o *run.Options) {
	if b.run != nil {
		o.Run, o.Journal = b.run.ID(), b.run
	}
	if b.lease != nil {
		o.Fence = b.lease.Fence()
	}
}

// id is how the journal calls the run; empty where it does not.
func (b *book) id() string {
	if b.run == nil {
		return ""
	}
	return b.run.ID()
}

// close gives the robot free.
func (b *book) close() {
	if b.guard != nil {
		_ = b.guard.Release(context.Background())
	}
	if b.lease != nil {
		_ = b.lease.Release(context.Background()) // the robot is free as soon as this process ends
	}
}

// unwritten is the end of a run whose journal failed: nothing more may be done
// that nobody would remember. Other errors give nil.
func (b *book) unwritten(where *Place, err error) error {
	var file *journal.Error
	var fenced *journal.Fenced
	if !errors.As(err, &file) && !errors.As(err, &fenced) {
		return nil
	}
	what := ""
	if where.robot != nil {
		what = fmt.Sprintf("\nthe robot was asked to pause, because what it does would not be remembered; go on with: ot2flow runs resume %s", b.id())
	}
	if file != nil {
		return cannot("%v%s", file, what)
	}
	return cannot("%v", fenced)
}

// StoryOf tells a run without opening it to be written.
func StoryOf(ctx context.Context, store *journal.Store, sum *journal.Summary) (*run.Story, error) {
	story, err := storyAsIs(ctx, store, sum)
	for range 5 { // whoever carries it out may have written in between, also another plan
		now, findErr := store.Find(ctx, sum.ID)
		if findErr != nil || err == nil || now.Seq == sum.Seq {
			break
		}
		sum = now
		story, err = storyAsIs(ctx, store, sum)
	}
	return story, err
}

func storyAsIs(ctx context.Context, store *journal.Store, sum *journal.Summary) (*run.Story, error) {
	plan, err := store.Plan(ctx, sum, ot2.Machine{})
	if err != nil {
		return nil, err
	}
	var records []run.Record
	for e, err := range store.Events(ctx, journal.Query{Run: sum.ID}) {
		if err != nil {
			return nil, err
		}
		records = append(records, e.Record)
	}
	return run.Tell(plan, records)
}
