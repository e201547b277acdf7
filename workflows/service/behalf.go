package service

import (
	"context"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/ot2"
)

// Behalf says for whom a run is.
type Behalf struct {
	By, Project string
	From        string // where it was asked for; empty: at this computer
}

// holder is who does it.
func (o Behalf) holder() journal.Holder {
	h := Myself()
	if o.By != "" {
		h.Name = o.By
	}
	if o.From != "" {
		h.Host = o.From
	}
	return h
}

// Accounts are those of the quotas that a run of a plan counts in.
func (s *Service) Accounts(ctx context.Context, o Behalf, plan *program.Plan) ([]quota.Account, error) {
	store, err := s.Journal(ctx)
	if err != nil {
		return nil, err
	}
	list, err := store.Accounts(ctx, ot2.Machine{}, o.holder().Name, o.Project, plan)
	if err != nil {
		return nil, cannot("%v", err)
	}
	return list, nil
}

// counts refuses a run that is more than is left of a quota. On a simulator none
// counts.
func (j *Job) counts(ctx context.Context) error {
	if j.Place.Simulated() {
		return nil
	}
	var err error
	if j.Accounts, err = j.service.Accounts(ctx, j.book.owner, j.Plan); err != nil {
		return err
	}
	if err := journal.Refusal(j.Accounts); err != nil {
		return cannot("%v", err)
	}
	return nil
}
