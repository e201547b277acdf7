package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/robot"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// known is what is known of the deck that a plan is made for. A nil one is that
// of a deck on which everything is as the workflow says.
type known struct {
	name string // of the ledger
	of   string // for people: the robot
	now  *ledger.Ledger
	at   int64 // when, in ns since 1970
}

func (k *known) ledger() *ledger.Ledger {
	if k == nil {
		return nil
	}
	return k.now
}

// simLedger is the name of a ledger that the simulator keeps, which is never
// that of a robot.
const simLedger = "sim/"

func (a *app) ledgerFlags(c *cobra.Command, to *aboutDeck) {
	c.Flags().StringVar(&to.ledger, "ledger", "", "begin with what is known of this robot's deck, by its name, address or serial number, without asking it; of the simulator, a ledger of its own by any name")
	c.Flags().StringArrayVar(&to.fresh, "new", nil, "a new rack or plate stands in this slot, whatever the ledger says; all is every slot; repeatable")
}

// aboutDeck is what a command was told of the deck before the run.
type aboutDeck struct {
	ledger string
	fresh  []string // slots
}

// know finds out what is known of the deck: of a robot, which is asked who it
// is, or of a ledger that is named. For good, what a person says is new is
// written down; otherwise it is only assumed.
func (a *app) know(ctx context.Context, name string, o *aboutDeck, forGood bool) error {
	a.known = nil
	if name == "sim" && o.ledger == "" || name == "" && o.ledger == "" {
		if len(o.fresh) > 0 {
			return usage("--new is about a ledger: name the robot with --robot, or the ledger with --ledger")
		}
		return nil
	}
	if a.state == noJournal {
		return usage("a ledger is kept in the journal, and --state %s has none", noJournal)
	}
	store, err := a.journal(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // everything was synced when it was written
	k := &known{}
	switch {
	case name == "sim":
		k.name, k.of = simLedger+strings.TrimPrefix(o.ledger, simLedger), "the ledger "+o.ledger
	case name != "":
		if o.ledger != "" {
			return usage("a robot has one ledger, which is found by its serial number; leave out --ledger")
		}
		if k.name, k.of, err = a.whoIs(ctx, name); err != nil {
			return err
		}
	default:
		if k.name, err = a.ledgerNamed(ctx, store, o.ledger); err != nil {
			return err
		}
		k.of = "the ledger " + o.ledger
	}
	if k.now, err = store.Ledger(ctx, k.name, ot2.Machine{}); err != nil {
		return cannot("%v", err)
	}
	if len(o.fresh) > 0 {
		if err := a.renew(ctx, store, k, o.fresh, forGood); err != nil {
			return err
		}
	}
	k.at = time.Now().UnixNano()
	k.now = k.now.Age(k.at)
	a.known = k
	return nil
}

// whoIs asks a robot who it is.
func (a *app) whoIs(ctx context.Context, name string) (key, of string, err error) {
	address, err := a.addressOf(ctx, name)
	if err != nil {
		return "", "", err
	}
	r, err := robot.New(address, robot.Options{Say: func(text string) { a.tell("%s", text) }})
	if err != nil {
		return "", "", usage("--robot: %v", err)
	}
	defer r.Close()
	device, err := r.Inspect(ctx)
	if err != nil {
		return "", "", cannot("%v", err)
	}
	p := &place{robot: r, device: device}
	return p.key(), device.Name, nil
}

// ledgerNamed finds the ledger that a person means.
func (a *app) ledgerNamed(ctx context.Context, s *journal.Store, name string) (string, error) {
	list, err := s.Ledgers(ctx)
	if err != nil {
		return "", cannot("%v", err)
	}
	var names, found []string
	for _, k := range list {
		names = append(names, strings.TrimPrefix(k.Ledger, simLedger))
		if name == "" || isCalled(&k, name) {
			found = append(found, k.Ledger)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", usage("there are %d ledgers; say which: --ledger with one of %s", len(found), strings.Join(names, ", "))
	case len(names) == 0:
		return "", usage("there is no ledger yet: the first run on a robot begins it")
	}
	return "", usage("there is no ledger %s; there are %s", name, strings.Join(names, ", "))
}

// isCalled reports whether name is what a person calls the ledger: its own name,
// or that of its robot or the robot's address.
func isCalled(k *journal.Known, name string) bool {
	if name == k.Ledger || name == strings.TrimPrefix(k.Ledger, simLedger) || name == k.Robot || name == k.Address {
		return true
	}
	address, err := robot.ParseAddress(name)
	return err == nil && address == k.Address
}

// renew takes in that new things stand in slots.
func (a *app) renew(ctx context.Context, s *journal.Store, k *known, slots []string, forGood bool) error {
	var what []ledger.Correction
	for _, slot := range slots {
		for _, one := range strings.Split(slot, ",") {
			if one = strings.TrimSpace(one); one == "all" {
				for i := range k.now.Labware {
					what = append(what, ledger.Correction{Act: ledger.New, Place: k.now.Labware[i].Place})
				}
				continue
			}
			if k.now.In(one) != nil { // what nothing is known of is new anyway
				what = append(what, ledger.Correction{Act: ledger.New, Place: one})
			}
		}
	}
	if forGood && len(what) > 0 {
		if err := a.correct(ctx, s, k.name, "a new one was put there before a run", what...); err != nil {
			return err
		}
	}
	for i := range what {
		if err := k.now.Correct(&what[i], time.Now().UnixNano()); err != nil {
			return usage("%v", err)
		}
	}
	return nil
}

// correct writes down what a person says is so, as the owner of the ledger.
func (a *app) correct(ctx context.Context, s *journal.Store, name, why string, what ...ledger.Correction) error {
	lease, err := s.Lease(ctx, name, myself())
	if err != nil {
		return cannot("%v", err)
	}
	defer func() { _ = lease.Release(context.Background()) }() // it is free as soon as this process ends
	err = s.Correct(ctx, name, lease, ot2.Machine{}, myself(), why, what...)
	var file *journal.Error
	var open *journal.Unreconciled
	switch {
	case errors.As(err, &file), errors.As(err, &open):
		return cannot("%v", err)
	case err != nil:
		return usage("%v", err)
	}
	return nil
}

// holds fails where a plan does not begin with what is known of the deck: it
// was made for another one, or the deck has changed since.
func (k *known) holds(ctx context.Context, book *logbook, plan *program.Plan) error {
	if k == nil {
		return nil
	}
	now, err := book.store.Ledger(ctx, k.name, ot2.Machine{})
	if err != nil {
		return cannot("%v", err)
	}
	if now = now.Age(k.at); len(ledger.Diff(k.now, now)) > 0 {
		return &renewed{}
	}
	if wrong := k.now.Drift(plan.Deck); len(wrong) > 0 {
		return cannot("the plan begins otherwise than %s says:\n  %s\nmake it again from the workflow; or, where something new stands there, say so: --new SLOT", k.source(), strings.Join(wrong, "\n  "))
	}
	return nil
}

func (k *known) source() string {
	if strings.HasPrefix(k.of, "the ledger") {
		return k.of
	}
	return "the ledger of " + k.of
}

// before says what a person has to see to before a plan, and what is taken to be
// there.
func (t *planText) before(k *known) {
	if k == nil {
		return
	}
	list := k.now.Before(t.plan.Deck)
	t.f("\n%s\n", t.bold("According to "+k.source()))
	if len(list) == 0 {
		t.f("  nothing is known of what stands on the deck; everything is taken to be as the workflow says\n")
	}
	for _, line := range list {
		t.f("  %s\n", line)
	}
}

// after says what is left of tips and stocks that stay.
func (t *planText) after(k *known) {
	if k == nil {
		return
	}
	state, _ := t.plan.Timeline(func(*program.Transition) error { return nil })
	state.Apply(&program.Op{Kind: program.EndRun, Well: program.None})
	for i, line := range ledger.Remaining(program.NewState(t.plan.Deck), state) {
		if i == 0 {
			t.f("\n%s\n", t.bold("Left in what stays"))
		}
		t.f("  %s\n", line)
	}
}

// hint says where tips that are missing may be, because a rack is used up only
// according to the ledger.
func (k *known) hint(a *app, list diag.List) {
	if k == nil || !slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code == diag.OutOfTips || d.Code == diag.TipMissing }) {
		return
	}
	for i := range k.now.Labware {
		b := &k.now.Labware[i]
		if def, ok := (ot2.Machine{}).Labware(b.Definition); ok && def.IsTipRack && len(b.Tips) > 0 {
			slot := ledger.Slot(b.Place)
			a.tell("%s says that %d of %d tips in slot %s are gone; if a new rack stands there, say so: --new %s", k.source(), len(b.Tips), len(def.Wells), slot, slot)
		}
	}
}
