package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// What people and projects may use is the fold of what was said about it, and
// what they have used that of the events of their runs: there is no counter that
// a crash could leave behind. The table of uses only remembers what runs that are
// over used, so that they need not be read again, and may be pruned.

// QuotaChange is what a person said somebody may use, with who and why.
type QuotaChange struct {
	At   time.Time
	By   Holder
	Why  string
	What quota.Limit
}

// Allow writes down how much people and projects may use, all or none.
func (s *Store) Allow(ctx context.Context, by Holder, why string, what ...quota.Limit) error {
	return s.write(ctx, func(t *tx) error {
		for i := range what {
			data, err := json.Marshal(&what[i])
			if err != nil {
				return err
			}
			if err := t.exec("INSERT INTO quotas (at, name, host, why, data) VALUES (?, ?, ?, ?, ?)", t.now, by.Name, by.Host, why, data); err != nil {
				return err
			}
		}
		return nil
	})
}

// QuotaChanges returns everything that was ever said about quotas, in order.
func (s *Store) QuotaChanges(ctx context.Context) iter.Seq2[*QuotaChange, error] {
	return each(ctx, s, "SELECT at, name, host, why, data FROM quotas ORDER BY key", func(scan func(...any) error) (*QuotaChange, error) {
		c := &QuotaChange{}
		var at int64
		var data []byte
		err := scan(&at, &c.By.Name, &c.By.Host, &c.Why, &data)
		if err == nil {
			err = json.Unmarshal(data, &c.What)
		}
		c.At = timeOf(at)
		return c, err
	})
}

// Quotas returns the quotas that there are.
func (s *Store) Quotas(ctx context.Context) ([]quota.Limit, error) {
	var all []quota.Limit
	for c, err := range s.QuotaChanges(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, c.What)
	}
	return quota.Fold(all), nil
}

// Since returns when the period began that it is now, in ns since 1970, by the
// calendar where this program runs.
func (s *Store) Since(p quota.Period) int64 {
	y, m, d := s.now().Local().Date()
	switch p {
	case quota.Week:
		d -= (int(s.now().Local().Weekday()) + 6) % 7
	case quota.Month:
		d = 1
	case quota.Ever:
		return math.MinInt64
	case quota.Day:
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.Local).UnixNano()
}

// Accounts returns the accounts of the quotas that a plan of somebody, for a
// project or none, would count in, in the order of Quotas.
func (s *Store) Accounts(ctx context.Context, defs program.Definitions, user, project string, plan *program.Plan) ([]quota.Account, error) {
	limits, err := s.Quotas(ctx)
	switch {
	case err != nil || len(limits) == 0:
		return nil, err
	case defs == nil:
		return nil, errors.New("there are quotas, and what runs used cannot be found out without definitions")
	}
	uses, err := s.Uses(ctx, defs, s.from(limits))
	if err != nil {
		return nil, err
	}
	need := planned(plan)
	need.User, need.Project = user, project
	return quota.Accounts(limits, uses, s.Since, &need), nil
}

// from is the beginning of the longest period of quotas.
func (s *Store) from(limits []quota.Limit) int64 {
	out := int64(math.MaxInt64)
	for i := range limits {
		out = min(out, s.Since(limits[i].Per))
	}
	return out
}

// planned is what a plan needs, as far as can be told before it is carried out.
func planned(p *program.Plan) quota.Use {
	needs, ms := p.Needs, p.EstimateMS
	if p.Outlook != nil {
		needs, ms = p.Outlook.Needs, p.Outlook.EstimateMS
	}
	return useOf(p.Deck, &needs, ms)
}

func useOf(d *program.Deck, n *program.Needs, ms int64) quota.Use {
	u := quota.Use{Runs: 1, MS: ms}
	for _, c := range n.Tips {
		u.Tips += c.Amount
	}
	for _, c := range n.Liquids {
		if u.Liquids == nil {
			u.Liquids = map[string]int64{}
		}
		u.Liquids[d.Liquids[c.Index].Name] += c.Amount
	}
	return u
}

// Uses returns what runs on robots used that began at a time or later, in ns
// since 1970. What the plans of runs need that are not over counts as used. What a device
// elsewhere carries out counts there.
func (s *Store) Uses(ctx context.Context, defs program.Definitions, since int64) ([]quota.Use, error) {
	kept, out, err := s.keptUses(ctx, since)
	if err != nil {
		return nil, err
	}
	var sums []*Summary
	for sum, err := range s.summaries(ctx, " WHERE NOT simulated AND began >= ? AND (intended OR ended IS NULL) AND NOT EXISTS (SELECT 1 FROM handed WHERE handed.run = runs.key) ORDER BY key", since) {
		if err != nil {
			return nil, err
		}
		if seq, ok := kept[sum.ID]; !ok || seq < sum.Seq {
			sums = append(sums, sum)
		}
	}
	for _, sum := range sums {
		if !sum.Intended && !s.isBeginning(ctx, sum) {
			continue
		}
		u, err := s.use(ctx, defs, sum)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// keptUses reads what is remembered of runs that are over, with how far each was
// read. Those that were gone on with since are left out.
func (s *Store) keptUses(ctx context.Context, since int64) (map[string]int64, []quota.Use, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT u.run, u.seq, u.data FROM uses u LEFT JOIN runs r ON r.id = u.run WHERE u.began >= ? AND (r.seq IS NULL OR r.seq = u.seq) ORDER BY u.began, u.run", since)
	if err != nil {
		return nil, nil, s.trouble(err)
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	kept := map[string]int64{}
	var out []quota.Use
	for rows.Next() {
		var id string
		var seq int64
		var data []byte
		if err := rows.Scan(&id, &seq, &data); err != nil {
			return nil, nil, s.trouble(err)
		}
		var u quota.Use
		if err := json.Unmarshal(data, &u); err != nil {
			return nil, nil, &Error{s.path, Damaged, fmt.Errorf("what run %s used: %w", id, err)}
		}
		kept[id], out = seq, append(out, u)
	}
	return kept, out, s.trouble(rows.Err())
}

// isBeginning reports whether a run that has moved nothing yet may at any moment.
func (s *Store) isBeginning(ctx context.Context, sum *Summary) bool {
	h, err := s.Owner(ctx, sum.Robot.Key)
	return err == nil && h != nil && h.Run == sum.ID
}

// use finds out what a run used, and keeps it where the run is over.
func (s *Store) use(ctx context.Context, defs program.Definitions, sum *Summary) (quota.Use, error) {
	plan, records, _, err := s.wholeRun(ctx, sum, defs)
	if err != nil {
		return quota.Use{}, err
	}
	used, err := run.UsedBy(plan, records)
	if err != nil {
		return quota.Use{}, &Error{s.path, Damaged, fmt.Errorf("run %s: %w", sum.ID, err)}
	}
	u := useOf(used.Deck, &used.Needs, used.Time.Milliseconds())
	u.User, u.Project, u.Began = sum.By.Name, sum.Project, sum.Began.UnixNano()
	if !sum.Over() {
		need := planned(plan)
		u.Reserve(&need)
		return u, nil
	}
	if s.writer == nil {
		return u, nil
	}
	data, err := json.Marshal(&u)
	if err != nil {
		return u, err
	}
	return u, s.write(ctx, func(t *tx) error {
		return t.exec(`INSERT INTO uses (run, seq, began, data) VALUES (?, ?, ?, ?)
			ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, data = excluded.data WHERE excluded.seq >= seq`, sum.ID, sum.Seq, u.Began, data)
	})
}

// OverQuota says that a run needs more than is left of quotas.
type OverQuota struct {
	Accounts []quota.Account // those of which it is too much
}

// Error says of which quotas how much is left.
func (e *OverQuota) Error() string {
	text := "this run needs more than is left of a quota"
	for i := range e.Accounts {
		text += "\n  " + e.Accounts[i].String()
	}
	return text + "\nnothing has moved; ot2flow quota shows what is left to whom, and ot2flow quota set changes it"
}

// Refusal returns an *OverQuota where one of the accounts is overdrawn.
func Refusal(accounts []quota.Account) error {
	over := slices.DeleteFunc(slices.Clone(accounts), func(a quota.Account) bool { return !a.Over() })
	if len(over) == 0 {
		return nil
	}
	return &OverQuota{over}
}

// seen is how far the journal was read to see whether a run is within its quotas.
// The zero one is of a run to which none applies.
type seen struct {
	asked        bool
	runs, quotas int64 // keys
}

// errMeanwhile says that the journal has to be read again.
var errMeanwhile = errors.New("another run was begun meanwhile, or a quota has changed")

// withinQuota fails where a run needs more than is left of its quotas. Nothing is
// counted for simulators.
func (s *Store) withinQuota(ctx context.Context, o *Start) (seen, error) {
	if o.Robot.Simulated {
		return seen{}, nil
	}
	out := seen{asked: true}
	if err := s.db.QueryRowContext(ctx, lastKeys).Scan(&out.runs, &out.quotas); err != nil {
		return out, s.trouble(err)
	}
	accounts, err := s.Accounts(ctx, o.Defs, o.By.Name, o.Project, o.Plan)
	if err != nil {
		return out, err
	}
	return out, Refusal(accounts)
}

const lastKeys = "SELECT (SELECT coalesce(max(key), 0) FROM runs), (SELECT coalesce(max(key), 0) FROM quotas)"

// holds fails where something has come that was not seen.
func (s seen) holds(t *tx) error {
	var runs, quotas int64
	if !s.asked {
		return nil
	}
	if _, err := t.row(lastKeys, nil, &runs, &quotas); err != nil {
		return err
	}
	if runs > s.runs || quotas > s.quotas {
		return errMeanwhile
	}
	return nil
}
