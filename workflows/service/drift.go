package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/robot"
)

// Drift: where a robot is otherwise than its ledger says, because somebody did
// something that the journal does not know of.

// mostHandles is how many of our runs are compared with those that a robot
// remembers, which are twenty.
const mostHandles = 400

// tools are the pipettes and modules of a device.
func tools(d *run.Device) []ledger.Tool {
	var out []ledger.Tool
	for _, p := range d.Pipettes {
		out = append(out, ledger.Tool{Mount: p.Mount, Model: p.Model, Serial: p.Serial})
	}
	for _, m := range d.Modules {
		out = append(out, ledger.Tool{Model: m.Model, Serial: m.Serial})
	}
	return out
}

// found asks the robot what a ledger is compared with.
func (p *Place) found(ctx context.Context, store *journal.Store) (*ledger.Found, error) {
	out := &ledger.Found{Tools: tools(&p.Device)}
	past, err := p.robot.Runs(ctx)
	if err != nil {
		return nil, cannot("%v", err)
	}
	handles, err := store.Handles(ctx, p.key(), mostHandles)
	if err != nil {
		return nil, cannot("%v", err)
	}
	ours := map[string]bool{}
	for _, h := range handles {
		ours[robot.RunOf(h)] = true
	}
	// Those that came behind the last one of ours; where the robot no longer
	// remembers that one, nothing can be told apart from what was long before.
	last := -1
	for i := range past {
		if ours[past[i].ID] {
			last = i
		}
	}
	if last < 0 {
		return out, nil
	}
	said, err := lastWord(ctx, store, p.key())
	if err != nil {
		return nil, cannot("%v", err)
	}
	for _, r := range past[last+1:] {
		if !r.Created.After(said) {
			continue // somebody has said how it is since
		}
		if r.Moved {
			out.Others = append(out.Others, "a run of "+r.Created.Local().Format("2 January 15:04"))
		}
		for i := range r.Offsets {
			o := offsetFound(&r.Offsets[i])
			out.Offsets = slices.DeleteFunc(out.Offsets, func(was ledger.Offset) bool { return was.Place == o.Place && was.Definition == o.Definition })
			out.Offsets = append(out.Offsets, o)
		}
	}
	return out, nil
}

// lastWord is when a person last said how it is on a deck.
func lastWord(ctx context.Context, store *journal.Store, name string) (time.Time, error) {
	var at time.Time
	for c, err := range store.Corrections(ctx, name, 0) {
		if err != nil {
			return at, err
		}
		at = c.At
	}
	return at, nil
}

// offsetFound is an offset of the robot's in the words of a ledger.
func offsetFound(o *robot.Offset) ledger.Offset {
	place := o.Slot
	for _, name := range ot2.ModuleNames() {
		if m, ok := ot2.Module(name); ok && m.RobotName == o.Module {
			place += "/" + m.Name
			break
		}
	}
	if o.Adapter != "" {
		place += "/" + ledger.Loaded(o.Adapter)
	}
	return ledger.Offset{Place: place, Definition: o.Definition, X: o.X, Y: o.Y, Z: o.Z}
}

// drift finds out where the robot is otherwise than its ledger says of what a plan
// on a deck relies on.
func (j *Job) drift(ctx context.Context, d *program.Deck, fresh []string) error {
	if j.Place.Simulated() {
		return nil
	}
	l, err := j.book.store.Ledger(ctx, j.Place.key(), ot2.Machine{})
	if err != nil {
		return cannot("%v", err)
	}
	found, err := j.Place.found(ctx, j.book.store)
	if err != nil {
		return err
	}
	j.Drift = l.Against(d, found, fresh)
	return nil
}

// driftMatters lists what a person has to mean before the plan begins.
func (j *Job) driftMatters() []string {
	var out []string
	for i := range j.Drift {
		if j.Drift[i].Matters {
			out = append(out, j.Drift[i].String())
		}
	}
	return out
}

// Accepted refuses a drift that matters where nobody has said, by Accept, that it
// is meant, and otherwise writes down that somebody has. Begin does that by itself;
// a run that is gone on with needs it before it is.
func (j *Job) Accepted(ctx context.Context) error {
	matters := j.driftMatters()
	switch {
	case len(matters) == 0:
		return nil
	case !j.Accept:
		return cannot("the robot is otherwise than it was left, and nothing has moved:\n  %s\nput it right, or say that it is meant: --accept-drift", strings.Join(matters, "\n  "))
	}
	what := make([]ledger.Correction, 0, len(matters))
	for _, text := range matters {
		what = append(what, ledger.Correction{Act: ledger.Accept, State: text})
	}
	if err := j.book.store.Correct(ctx, j.Place.key(), j.book.lease, ot2.Machine{}, j.book.owner.holder(), "accepted before a run", what...); err != nil {
		return cannot("%v", err)
	}
	return nil
}

// DriftOf compares a robot with its ledger, as far as that can be told without a
// plan, and returns the name of the ledger.
func (s *Service) DriftOf(ctx context.Context, name string, say func(string)) (string, []ledger.Drift, error) {
	store, err := s.Journal(ctx)
	if err != nil {
		return "", nil, err
	}
	p, err := s.place(ctx, name, &program.Plan{Deck: &program.Deck{}}, say)
	if err != nil {
		return "", nil, err
	}
	defer p.close()
	if p.Simulated() {
		return "", nil, usage("the simulator is always as its ledger says; name a robot")
	}
	l, err := store.Ledger(ctx, p.key(), ot2.Machine{})
	if err != nil {
		return "", nil, cannot("%v", err)
	}
	found, err := p.found(ctx, store)
	if err != nil {
		return "", nil, err
	}
	return p.key(), l.Against(nil, found, nil), nil
}
