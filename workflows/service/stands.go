package service

import (
	"context"
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/journal"
)

// Stands says in words how a run stands.
func Stands(ctx context.Context, store *journal.Store, s *journal.Summary) string {
	switch s.State {
	case "ok":
		return "ok"
	case "failed":
		if s.FailedStep > 0 {
			return fmt.Sprintf("failed at step %d", s.FailedStep)
		}
		return "failed"
	case "in_doubt":
		return fmt.Sprintf("in doubt, %s", StepRange(s.Doubt.First, s.Doubt.Last))
	case "left":
		return "left under way"
	case "waits":
		return fmt.Sprintf("waits for a person at step %d", s.Waiting)
	case "open", "begun":
		return open(ctx, store, s)
	}
	return s.State
}

// open says whether anybody follows a run that is not over.
func open(ctx context.Context, store *journal.Store, s *journal.Summary) string {
	if s.Robot.Key != "" {
		owner, err := store.Owner(ctx, s.Robot.Key)
		if err == nil && owner != nil && owner.Run == s.ID {
			return "under way"
		}
		if err == nil && s.State == "open" {
			return "not over, and nobody follows it"
		}
	}
	if s.State == "begun" {
		return "nothing was sent"
	}
	return "not over"
}

// StepRange is "step 4" or "steps 4 to 7".
func StepRange(first, last int) string {
	if first == last {
		return fmt.Sprintf("step %d", first)
	}
	return fmt.Sprintf("steps %d to %d", first, last)
}
