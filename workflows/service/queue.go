package service

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/journal"
)

// line is what waits in all queues, as the journal has it. It is read again only where
// something was accepted or begun meanwhile, of which the journal has two numbers: to
// show one run of thousands that wait takes no look at the others.
type line struct {
	mu     sync.Mutex
	mark   journal.QueueMark
	all    []*journal.Submission // as they were accepted; what is in it never changes
	places map[string]placeIn    // nil where nobody has asked
}

// forget has the journal read again: something waits once more.
func (l *line) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mark, l.all, l.places = journal.QueueMark{}, nil, nil
}

// waiting are the submissions that wait, as they were accepted. Nobody may change them.
func (l *line) waiting(ctx context.Context, store *journal.Store) ([]*journal.Submission, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.refresh(ctx, store)
	return l.all, err
}

// place is where a submission waits.
func (l *line) place(ctx context.Context, store *journal.Store, id string) (placeIn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx, store); err != nil {
		return placeIn{}, err
	}
	if l.places == nil {
		l.places = placesIn(l.all)
	}
	return l.places[id], nil
}

func (l *line) refresh(ctx context.Context, store *journal.Store) error {
	mark, err := store.QueueMark(ctx)
	switch {
	case err != nil:
		return cannot("%v", err)
	case mark == l.mark:
		return nil
	}
	all, behind := l.all, l.mark.Last
	for {
		fresh, err := store.QueuedBehind(ctx, behind)
		if err != nil {
			return cannot("%v", err)
		}
		all = append(slices.Clip(all), fresh...)
		if behind == 0 || len(all) == mark.Count {
			break
		}
		all, behind = nil, 0 // something was begun or taken back
	}
	now := journal.QueueMark{Count: len(all)}
	if len(all) > 0 {
		now.Last = all[len(all)-1].Row
	}
	l.mark, l.all, l.places = now, all, nil
	return nil
}

// submissions are those in a state, in the order in which they were accepted.
func submissions(ctx context.Context, store *journal.Store, state journal.SubmissionState) ([]*journal.Submission, error) {
	var out []*journal.Submission
	for o, err := range store.Submissions(ctx, "", state) {
		if err != nil {
			return nil, cannot("%v", err)
		}
		out = append(out, o)
	}
	return out, nil
}

// placeIn is where a submission waits in its queue, from 1, and what is first there.
type placeIn struct {
	position int
	first    string
}

// placesIn are the places of all that waits, by id, in the order in which it is begun if
// nothing comes in between.
func placesIn(all []*journal.Submission) map[string]placeIn {
	queues := map[string][]*journal.Submission{}
	for _, o := range all {
		queues[o.Queue] = append(queues[o.Queue], o)
	}
	out := make(map[string]placeIn, len(all))
	for _, list := range queues {
		list = ordered(list)
		for i, o := range list {
			out[o.ID] = placeIn{i + 1, list[0].ID}
		}
	}
	return out
}

// ordered puts submissions, which come as they were accepted, in the order in which
// they are begun: the greater priority first, but no run before one of the same
// experiment that was accepted earlier, which comes forward for it.
func ordered(list []*journal.Submission) []*journal.Submission {
	// What stands before something urgent in its experiment is as urgent.
	urgent := make([]int, len(list))
	highest := map[string]int{}
	for i := len(list) - 1; i >= 0; i-- {
		o := list[i]
		urgent[i] = o.Priority
		if o.Experiment == "" {
			continue
		}
		if later, ok := highest[o.Experiment]; ok {
			urgent[i] = max(urgent[i], later)
		}
		highest[o.Experiment] = urgent[i]
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(urgent[b], urgent[a]) })
	out := make([]*journal.Submission, len(list))
	for i, k := range order {
		out[i] = list[k]
	}
	return out
}
