package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// noJournal is what --state says where nothing is to be remembered.
const noJournal = "none"

func (a *app) stateFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.state, "state", "", "the journal of runs: a file; by default one of the user's own")
}

// journalPath is where the journal is.
func (a *app) journalPath() (string, error) {
	if a.state != "" {
		return a.state, nil
	}
	path, err := journal.DefaultPath()
	if err != nil {
		return "", cannot("%v", err)
	}
	return path, nil
}

// journal opens the journal to be written.
func (a *app) journal(ctx context.Context) (*journal.Store, error) {
	path, err := a.journalPath()
	if err != nil {
		return nil, err
	}
	s, err := journal.Open(ctx, path, journal.Options{})
	if err != nil {
		return nil, cannot("%v", err)
	}
	return s, nil
}

// history opens the journal to be read. One that is not there is empty, which
// is nil.
func (a *app) history(ctx context.Context) (*journal.Store, error) {
	path, err := a.journalPath()
	if err != nil {
		return nil, err
	}
	s, err := journal.Open(ctx, path, journal.Options{ReadOnly: true})
	switch _, statErr := os.Stat(path); {
	case err == nil:
		return s, nil
	case errors.Is(statErr, os.ErrNotExist) && a.state == "":
		return nil, nil
	}
	return nil, cannot("%v", err)
}

// myself is who runs this program.
func myself() journal.Holder {
	h := journal.Holder{Name: "somebody", Host: "this computer", PID: os.Getpid()}
	if u, err := user.Current(); err == nil && u.Username != "" {
		h.Name = u.Username
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		h.Host = host
	}
	return h
}

// logbook is the journal of one run: nothing where nothing is remembered.
type logbook struct {
	store *journal.Store
	lease *journal.Lease
	run   *journal.Run
	owner onBehalf

	ledger string         // what the run's changes go into; empty: nothing
	guard  *journal.Lease // on the ledger of a simulator
}

// logbook opens the journal and makes this process the owner of the robot.
func (a *app) logbook(ctx context.Context, where *place) (*logbook, error) {
	b := &logbook{owner: a.owner}
	if a.state == noJournal {
		if where.robot != nil {
			return nil, usage("a run on a robot is always remembered, so that it can be gone on with; --state %s is for the simulator", noJournal)
		}
		return b, nil
	}
	var err error
	if b.store, err = a.journal(ctx); err != nil {
		if where.robot == nil {
			err = cannot("%v; --state %s simulates without one", err, noJournal)
		}
		return nil, err
	}
	if where.robot == nil {
		if a.known != nil {
			if b.guard, err = b.store.Lease(ctx, a.known.name, a.owner.holder()); err != nil {
				b.close()
				return nil, cannot("%v", err)
			}
			b.ledger = a.known.name
		}
		return b, nil
	}
	b.ledger = where.key()
	if b.lease, err = b.store.Lease(ctx, where.key(), a.owner.holder()); err != nil {
		b.close()
		return nil, cannot("%v", err)
	}
	return b, nil
}

// begin adds the run to the journal.
func (b *logbook) begin(ctx context.Context, plan *program.Plan, where *place, repeats string) error {
	if b.store == nil {
		return nil
	}
	start := journal.Start{Plan: plan, By: b.owner.holder(), Project: b.owner.project, Defs: ot2.Machine{}, Version: version, Repeats: repeats, Lease: b.lease, Robot: where.journalled(), Lazy: where.robot == nil, Ledger: b.ledger}
	r, err := b.store.Begin(ctx, start)
	if err != nil {
		return cannot("%v", err)
	}
	b.run = r
	return nil
}

// into has the journal used for a run.
func (b *logbook) into(o *run.Options) {
	if b.run != nil {
		o.Run, o.Journal = b.run.ID(), b.run
	}
	if b.lease != nil {
		o.Fence = b.lease.Fence()
	}
}

// id is how the journal calls the run; empty where it does not.
func (b *logbook) id() string {
	if b.run == nil {
		return ""
	}
	return b.run.ID()
}

// close gives the robot free.
func (b *logbook) close() {
	if b.guard != nil {
		_ = b.guard.Release(context.Background())
	}
	if b.lease != nil {
		_ = b.lease.Release(context.Background()) // the robot is free as soon as this process ends
	}
	if b.store != nil {
		_ = b.store.Close() // everything was synced when it was written
	}
}

// key is what the lease of a robot is on: its serial number, by which it is the
// same one at every address.
func (p *place) key() string {
	if p.device.Serial != "" {
		return p.device.Serial
	}
	return p.robot.Address()
}

// journalled says in the journal where a run is carried out.
func (p *place) journalled() journal.Robot {
	if p.robot == nil {
		return journal.Robot{Name: "sim", Simulated: true}
	}
	d := &p.device
	return journal.Robot{Key: p.key(), Name: d.Name, Address: p.robot.Address(), Serial: d.Serial, Software: d.Software}
}

// unwritten is the end of a run whose journal failed: nothing more may be done
// that nobody would remember. Other errors give nil.
func unwritten(b *logbook, where *place, err error) error {
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
