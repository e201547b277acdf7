package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/ot2"
)

// corrected has a run that is over go on from the deck as its robot's ledger has it by
// now: somebody may have said that it is otherwise than the run left it, or another run
// may have used some of it. What is otherwise is returned for people.
func (j *Job) corrected(ctx context.Context) ([]string, error) {
	if j.Place.Simulated() || j.ID() == "" {
		return nil, nil
	}
	store, name := j.book.store, j.Place.key()
	changed, err := store.ChangedSince(ctx, name, j.ID())
	if err != nil {
		return nil, cannot("%v", err)
	}
	if !changed {
		return nil, nil
	}
	before, err := store.LedgerUntil(ctx, name, ot2.Machine{}, journal.Until{Run: j.ID(), Alone: true})
	var now *ledger.Ledger
	if err == nil {
		now, err = store.Ledger(ctx, name, ot2.Machine{})
	}
	if err != nil {
		return nil, cannot("%v", err)
	}
	end, err := j.Story.Ending()
	if err != nil {
		return nil, cannot("run %s: %v", j.ID(), err)
	}
	left, wrong := ledger.Since(before, now, end.State)
	if len(wrong) > 0 {
		return nil, cannot("the deck is not the one that run %s goes on with, by what was said or done since:\n  %s\nput it there, and say so: ot2flow state set SLOT=LOAD_NAME", j.ID(), strings.Join(wrong, "\n  "))
	}
	j.Story.Correct(left)
	places := map[string]bool{}
	for i := range end.State.Deck.Labware {
		places[ledger.PlaceOf(end.State, i)] = true
	}
	var out []string
	for _, c := range ledger.Diff(before, now) {
		if places[c.Place] {
			out = append(out, otherwise(&c))
		}
	}
	return out, nil
}

// otherwise says in words what is otherwise than a run left it.
func otherwise(c *ledger.Change) string {
	says := func(text string) string {
		if text == "" {
			return "as new"
		}
		return text
	}
	return fmt.Sprintf("slot %s %s: %s; the run left: %s", ledger.Slot(c.Place), c.Well, says(c.After), says(c.Before))
}
