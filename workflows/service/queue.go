package service

import (
	"cmp"
	"context"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/journal"
)

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

// waiting are the submissions that wait.
func waiting(ctx context.Context, store *journal.Store) ([]*journal.Submission, error) {
	return submissions(ctx, store, journal.Queued)
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
