package main

import (
	"context"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// What the journal says is on the deck, and what it says was used up, has to be
// what the robot's deck is in truth.

// allowed is the quota of a trial, which nothing exceeds.
var allowed = quota.Limit{Key: quota.Key{Kind: quota.Each, What: quota.Tips, Per: quota.Ever}, Amount: 1000}

// allow sets a quota before the run.
func (c *trial) allow() {
	s := c.store()
	if s == nil {
		return
	}
	defer s.Close()
	if err := s.Allow(context.Background(), journal.Holder{Name: "Ada"}, "before the run", allowed); err != nil {
		c.problem("%v", err)
	}
}

// books compares ledger, what is used and the log with the truth.
func (c *trial) books(story *run.Story, used program.Needs) {
	ctx := context.Background()
	s := c.store()
	if s == nil {
		return
	}
	defer s.Close()
	sum, err := s.Find(ctx, journal.Last)
	if err != nil {
		c.problem("%v", err)
		return
	}
	name, err := s.LedgerOf(ctx, sum)
	if err != nil {
		c.problem("%v", err)
		return
	}
	anew, err1 := s.LedgerUntil(ctx, name, ot2.Machine{}, journal.Until{})
	now, err2 := s.Ledger(ctx, name, ot2.Machine{})
	uses, err3 := s.Uses(ctx, ot2.Machine{}, s.Since(quota.Ever))
	limits, err4 := s.Quotas(ctx)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			c.problem("%v", err)
			return
		}
	}
	if diff := cmp.Diff(anew, now, cmpopts.EquateEmpty()); diff != "" {
		c.problem("the ledger is not what follows from the runs: %s", diff)
	}
	if !slices.Equal(limits, []quota.Limit{allowed}) {
		c.problem("the quotas are %v", limits)
	}
	c.ledgerIsTrue(story.Plan.Deck, now)
	c.usesAreTrue(story.Plan.Deck, uses, used)
}

// mayBeLost reports whether liquid or a tip may be gone in a way that nobody has
// written down: a robot lost its power with a tip on.
func (c *trial) mayBeLost() bool { return c.blow.victim == theRobot || c.blow.victim == thePower }

// ledgerIsTrue compares the ledger with the deck. A tip of which nobody knows is
// taken for gone.
func (c *trial) ledgerIsTrue(d *program.Deck, l *ledger.Ledger) {
	for i := range d.Labware {
		on := &d.Labware[i]
		b := l.At(ledger.PlaceOf(c.world, i))
		if b == nil {
			c.problem("the ledger does not know %s", on.Name)
			continue
		}
		gone, wells := map[string]bool{}, map[string]int64{}
		for _, t := range b.Tips {
			gone[t.Well] = true
		}
		for k := range b.Wells {
			wells[b.Wells[k].Well] = b.Wells[k].NL
		}
		for w := range on.Def.Wells {
			r, well := program.WellRef{Labware: int16(i), Well: int16(w)}, on.Def.Wells[w].Name
			if on.Def.IsTipRack {
				if is := c.world.Tip(r) != program.TipNew; is != gone[well] && (is || !c.mayBeLost()) {
					c.problem("the tip %s.%s is gone: %t, and according to the ledger: %t", on.Name, well, is, gone[well])
				}
				continue
			}
			if content, _ := c.world.Content(r); content.Volume != wells[well] {
				c.problem("%s.%s holds %d nL, and according to the ledger %d", on.Name, well, content.Volume, wells[well])
			}
		}
	}
}

// usesAreTrue compares what was used of quotas with what the robot used up.
func (c *trial) usesAreTrue(d *program.Deck, uses []quota.Use, used program.Needs) {
	var got, want quota.Use
	for i := range uses {
		got.Add(&uses[i])
	}
	for _, n := range used.Tips {
		want.Tips += n.Amount
	}
	want.Liquids = map[string]int64{}
	for _, n := range used.Liquids {
		want.Liquids[d.Liquids[n.Index].Name] += n.Amount
	}
	if got.Runs != 1 {
		c.problem("%d runs are counted", got.Runs)
	}
	if got.Tips != want.Tips && (got.Tips < want.Tips || !c.mayBeLost()) {
		c.problem("%d tips are counted, and %d were used", got.Tips, want.Tips)
	}
	if diff := cmp.Diff(want.Liquids, got.Liquids, cmpopts.EquateEmpty()); diff != "" {
		c.problem("other volumes are counted than were drawn: %s", diff)
	}
}
