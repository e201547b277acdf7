package run

import (
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Used is what a run used up.
type Used struct {
	Deck  *program.Deck // that Needs is about
	Needs program.Needs
	// Time is how long the run had the robot: from when anything might have moved
	// to the end, waiting included, of each of its parts.
	Time time.Duration
}

// UsedBy finds out what a run of plan used up, by its records. Steps of which
// nobody knows whether they happened count as done, as they do in the ledger.
func UsedBy(plan *program.Plan, records []Record) (Used, error) {
	s, err := Tell(plan, records)
	if err != nil {
		return Used{}, err
	}
	return Used{Deck: s.Plan.Deck, Needs: s.Used(), Time: moving(records)}, nil
}

// Used is what all parts used up together. Steps of which nobody knows whether they
// happened count as done.
func (s *Story) Used() program.Needs {
	w := newWalk(s.Plan.Deck)
	for i := range s.Parts {
		p := &s.Parts[i]
		p.correct(w.state)
		p.walk(w, false, i == len(s.Parts)-1)
		if p.State.Stage >= Closing {
			w.end(p)
		}
	}
	return w.used.Result()
}

// moving adds up the times in which something might move.
func moving(records []Record) time.Duration {
	var sum time.Duration
	var since, last time.Time
	for i := range records {
		last = records[i].At
		switch records[i].Event.(type) {
		case Intended:
			if since.IsZero() {
				since = last
			}
		case Finished:
			if !since.IsZero() {
				sum += last.Sub(since)
			}
			since = time.Time{}
		default:
		}
	}
	if !since.IsZero() {
		sum += last.Sub(since)
	}
	return max(0, sum)
}
