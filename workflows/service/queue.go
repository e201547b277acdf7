package service

import (
	"cmp"
	"context"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/journal"
)

// waiting are the submissions that wait, in the order in which they were accepted.
func waiting(ctx context.Context, store *journal.Store) ([]*journal.Submission, error) {
	var out []*journal.Submission
	for o, err := range store.Submissions(ctx, "", journal.Queued) {
		if err != nil {
			return nil, cannot("%v", err)
		}
		out = append(out, o)
	}
	return out, nil
}

// queueOf are the submissions of a queue that wait, in the order in which they are
// begun if nothing comes in between.
func queueOf(ctx context.Context, store *journal.Store, queue string) ([]*journal.Submission, error) {
	all, err := waiting(ctx, store)
	return ordered(slices.DeleteFunc(all, func(o *journal.Submission) bool { return o.Queue != queue })), err
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
