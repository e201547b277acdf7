package service

import (
	"context"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/ot2"
)

// Stock is what is known of a deck between runs.
type Stock struct {
	Name   string // of the ledger
	Robot  string // for people; empty where no run was there yet
	Ledger *ledger.Ledger
}

// Stocks are the ledgers of the journal, as they are now.
func (s *Service) Stocks(ctx context.Context) ([]Stock, error) {
	store, err := s.Journal(ctx)
	if err != nil {
		return nil, err
	}
	known, err := store.Ledgers(ctx)
	if err != nil {
		return nil, cannot("%v", err)
	}
	var out []Stock
	for _, k := range known {
		l, err := store.Ledger(ctx, k.Ledger, ot2.Machine{})
		if err != nil {
			return nil, cannot("%v", err)
		}
		out = append(out, Stock{k.Ledger, k.Robot, l.Age(time.Now().UnixNano())})
	}
	return out, nil
}
