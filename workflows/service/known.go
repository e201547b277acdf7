package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/robot"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Known is what is known of the deck that a plan is made for. A nil one is that
// of a deck on which everything is as the workflow says.
type Known struct {
	name string // of the ledger
	of   string // for people: the robot
	now  *ledger.Ledger
	at   int64 // when, in ns since 1970
}

// Ledger is what a plan begins with.
func (k *Known) Ledger() *ledger.Ledger {
	if k == nil {
		return nil
	}
	return k.now
}

// simLedger begins the name of a ledger that the simulator keeps, which is never
// that of a robot.
const simLedger = "sim/"

// SimLedger is the whole name of a ledger that the simulator keeps.
func SimLedger(name string) string { return simLedger + strings.TrimPrefix(name, simLedger) }

// Deck says which deck a plan is for, and what was told of it.
type Deck struct {
	Robot  string   // its name or address; Sim is the simulator; empty for none
	Ledger string   // one that is not found by asking the robot
	Fresh  []string // slots in which something new stands
}

// Renewed says that the deck is no longer as a plan was made for, because a
// person put something new into Slots or an earlier run was found to be over.
type Renewed struct{ Slots []string }

// Error names the slots.
func (r *Renewed) Error() string { return "new: " + strings.Join(r.Slots, ", ") }

// Know finds out what is known of the deck: of a robot, which is asked who it
// is, or of a ledger that is named. For good, what a person says is new is
// written down; otherwise it is only assumed. Nil is nothing. What is waited for
// is said.
func (s *Service) Know(ctx context.Context, d Deck, forGood bool, say func(string)) (*Known, error) {
	if (d.Robot == Sim || d.Robot == "") && d.Ledger == "" {
		if len(d.Fresh) > 0 {
			return nil, usage("--new is about a ledger: name the robot with --robot, or the ledger with --ledger")
		}
		return nil, nil
	}
	if s.State == None {
		return nil, usage("a ledger is kept in the journal, and --state %s has none", None)
	}
	store, err := s.Journal(ctx)
	if err != nil {
		return nil, err
	}
	k := &Known{}
	switch {
	case d.Robot == Sim:
		k.name, k.of = SimLedger(d.Ledger), "the ledger "+d.Ledger
	case d.Robot != "":
		if d.Ledger != "" {
			return nil, usage("a robot has one ledger, which is found by its serial number; leave out --ledger")
		}
		if k.name, k.of, err = whoIs(ctx, d.Robot, say); err != nil {
			return nil, err
		}
	default:
		if k.name, err = s.LedgerNamed(ctx, d.Ledger); err != nil {
			return nil, err
		}
		k.of = "the ledger " + d.Ledger
	}
	if k.now, err = store.Ledger(ctx, k.name, ot2.Machine{}); err != nil {
		return nil, cannot("%v", err)
	}
	if len(d.Fresh) > 0 {
		if err := s.renew(ctx, k, d.Fresh, forGood); err != nil {
			return nil, err
		}
	}
	k.at = time.Now().UnixNano()
	k.now = k.now.Age(k.at)
	return k, nil
}

// whoIs asks a robot who it is.
func whoIs(ctx context.Context, name string, say func(string)) (key, of string, err error) {
	address, err := addressOf(ctx, name)
	if err != nil {
		return "", "", err
	}
	r, err := robot.New(address, robot.Options{Say: say})
	if err != nil {
		return "", "", usage("--robot: %v", err)
	}
	defer r.Close()
	device, err := r.Inspect(ctx)
	if err != nil {
		return "", "", cannot("%v", err)
	}
	p := &Place{robot: r, Device: device}
	return p.key(), device.Name, nil
}

// LedgerNamed finds the ledger that a person means; the only one has no need of
// a name.
func (s *Service) LedgerNamed(ctx context.Context, name string) (string, error) {
	store, err := s.Journal(ctx)
	if err != nil {
		return "", err
	}
	list, err := store.Ledgers(ctx)
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
func (s *Service) renew(ctx context.Context, k *Known, slots []string, forGood bool) error {
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
		if err := s.Correct(ctx, k.name, "a new one was put there before a run", what...); err != nil {
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

// Correct writes down what a person says is so, as the owner of the ledger.
func (s *Service) Correct(ctx context.Context, name, why string, what ...ledger.Correction) error {
	store, err := s.Journal(ctx)
	if err != nil {
		return err
	}
	lease, err := store.Lease(ctx, name, Myself())
	if err != nil {
		return owned(err)
	}
	defer func() { _ = lease.Release(context.Background()) }() // it is free as soon as this process ends
	err = store.Correct(ctx, name, lease, ot2.Machine{}, Myself(), why, what...)
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
func (k *Known) holds(ctx context.Context, b *book, plan *program.Plan) error {
	if k == nil {
		return nil
	}
	if err := k.same(ctx, b.store); err != nil {
		return err
	}
	if wrong := k.now.Drift(plan.Deck); len(wrong) > 0 {
		return cannot("the plan begins otherwise than %s says:\n  %s\nmake it again from the workflow; or, where something new stands there, say so: --new SLOT", k.Source(), strings.Join(wrong, "\n  "))
	}
	return nil
}

// still says why a plan that cannot be made for what is known may yet be: somebody else
// has a run on the robot just now, whose tip is not in its place, or had one meanwhile.
func (k *Known) still(ctx context.Context, store *journal.Store) error {
	switch owner, err := store.Owner(ctx, k.name); {
	case err != nil:
		return cannot("%v", err)
	case owner != nil:
		return owned(owner)
	}
	return k.same(ctx, store)
}

// same is *Renewed where the ledger is no longer as it was when it was asked.
func (k *Known) same(ctx context.Context, store *journal.Store) error {
	now, err := store.Ledger(ctx, k.name, ot2.Machine{})
	if err != nil {
		return cannot("%v", err)
	}
	if len(ledger.Diff(k.now, now.Age(k.at))) > 0 {
		return &Renewed{}
	}
	return nil
}

// Source names the ledger for people.
func (k *Known) Source() string {
	if strings.HasPrefix(k.of, "the ledger") {
		return k.of
	}
	return "the ledger of " + k.of
}

// Hints say of which racks and plates a finding may be only because of what the
// ledger says is in them.
func (k *Known) Hints(list diag.List) []string {
	if k == nil {
		return nil
	}
	var out []string
	for i := range k.now.Labware {
		b := &k.now.Labware[i]
		def, ok := (ot2.Machine{}).Labware(b.Definition)
		if !ok || !slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return mayBeOf(&d, b, def) }) {
			continue
		}
		what, n := "%s says that %d of %d wells in slot %s hold something; if a new one stands there, say so: --new %s", len(b.Wells)
		if def.IsTipRack {
			what, n = "%s says that %d of %d tips in slot %s are gone; if a new rack stands there, say so: --new %s", len(b.Tips)
		}
		slot := ledger.Slot(b.Place)
		out = append(out, fmt.Sprintf(what, k.Source(), n, len(def.Wells), slot, slot))
	}
	return out
}

// mayBeOf reports whether a finding may be about what is left in a labware.
func mayBeOf(d *diag.Diagnostic, b *ledger.Labware, def *program.Labware) bool {
	if def.IsTipRack {
		return len(b.Tips) > 0 && (d.Code == diag.OutOfTips || d.Code == diag.TipMissing)
	}
	return len(b.Wells) > 0 && d.Code == diag.Overflow && strings.HasPrefix(d.Label, b.Name+".")
}
