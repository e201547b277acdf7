package service

import (
	"context"

	"github.com/ot2flow/ot2flow/interpreter/journal"
)

// Deed is something that a person wants of a server, or is refused.
type Deed struct {
	By, Token string // empty where nobody knows
	From      string // where it came from
	What      string
}

// DeedDone is the outcome of what was done as it was asked for.
const DeedDone = journal.Done

// Note writes down what somebody wants, before it is done; what is returned takes
// what became of it. What cannot be written down is done nevertheless, since it may be
// a stop; the error is for the log then.
func (s *Service) Note(ctx context.Context, d Deed, outcome string) (become func(ctx context.Context, outcome string) error, err error) {
	nothing := func(context.Context, string) error { return nil }
	store, err := s.Journal(ctx)
	if err != nil {
		return nothing, err
	}
	key, err := store.Note(ctx, journal.Deed{By: journal.Holder{Name: d.By, Host: d.From}, Token: d.Token, What: d.What, Outcome: outcome})
	if err != nil {
		return nothing, err
	}
	return func(ctx context.Context, outcome string) error { return store.Noted(ctx, key, outcome) }, nil
}
