package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// The ledger of a robot is the fold of what its runs did and of what people
// corrected, in the order in which both were written. The table of ledgers only
// remembers how far that was folded: with it and without it the ledger is the
// same, so that nothing that happens to a process can make it wrong.

// Correction is what a person said is so, with who and why.
type Correction struct {
	Key    int64
	Ledger string
	At     time.Time
	By     Holder
	Why    string
	What   ledger.Correction
	after  int64 // the key of the last event before it
}

// Ledger returns what is known of a robot, or of what else has a ledger by this
// name. The definitions are those of the plans of its runs.
func (s *Store) Ledger(ctx context.Context, name string, defs program.Definitions) (*ledger.Ledger, error) {
	f := &ledgerFold{ledger: &ledger.Ledger{}}
	if err := s.kept(ctx, name, f); err != nil {
		return nil, err
	}
	err := s.fold(ctx, name, defs, f, Until{})
	if err != nil {
		return nil, err
	}
	if s.writer != nil && f.folded > 0 && !f.open {
		if err := s.write(ctx, func(t *tx) error { return f.keep(t, name) }); err != nil {
			return nil, err
		}
	}
	return f.ledger, nil
}

// Until says up to what a ledger is folded. The zero Until is to the end.
type Until struct {
	Run   string // up to this run, or a part of it
	Begin bool   // that is left out itself
	Alone bool   // up to its last end, and with what people answered about it since then
}

// LedgerUntil is Ledger folded from the beginning of what is remembered, to a
// point of it.
func (s *Store) LedgerUntil(ctx context.Context, name string, defs program.Definitions, u Until) (*ledger.Ledger, error) {
	f := &ledgerFold{ledger: &ledger.Ledger{}}
	err := s.fold(ctx, name, defs, f, u)
	if err != nil {
		return nil, err
	}
	return f.ledger, nil
}

// ChangedSince reports whether anything happened to a ledger since a run last ended:
// somebody corrected it, or another run did something.
func (s *Store) ChangedSince(ctx context.Context, name, id string) (bool, error) {
	var changed bool
	err := s.db.QueryRowContext(ctx, `WITH last(run, key) AS (SELECT r.key, coalesce(max(e.key), 0) FROM runs r LEFT JOIN events e ON e.run = r.key AND e.kind = 'finished' WHERE r.id = ?2)
		SELECT EXISTS (SELECT 1 FROM corrections c, last WHERE c.ledger = ?1 AND c.after >= last.key)
		OR EXISTS (SELECT 1 FROM runs r, last WHERE r.ledger = ?1 AND r.key <> last.run AND EXISTS (SELECT 1 FROM events e WHERE e.run = r.key AND e.key > last.key))`, name, id).Scan(&changed)
	return changed, s.trouble(err)
}

// ledgerFold is a ledger under way.
type ledgerFold struct {
	ledger    *ledger.Ledger
	upto      int64 // the key of the last event that is in it
	corrected int64 // the key of the last correction that is in it
	folded    int   // how many changes were made since it was kept
	open      bool  // a run is under way, whose changes are not for good
}

// change is one thing that happens to a ledger.
type change struct {
	key        int64 // of the event it became known with, or the last one before it
	last       int64 // of the last event of the run
	foot       *ledger.Footprint
	answer     bool // the foot is what a person said of the run that was over
	correction *Correction
}

// fold goes on with a fold up to a point.
func (s *Store) fold(ctx context.Context, name string, defs program.Definitions, f *ledgerFold, u Until) error {
	changes, err := s.changes(ctx, name, defs, f, u)
	if err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		f.folded++
		if c.foot != nil {
			f.ledger.Add(c.foot)
			continue
		}
		if err := f.ledger.Correct(&c.correction.What, c.correction.At.UnixNano()); err != nil {
			return &Error{s.path, Damaged, fmt.Errorf("correction %d: %w", c.correction.Key, err)}
		}
		f.corrected = max(f.corrected, c.correction.Key)
	}
	return nil
}

// kept reads how far the ledger was folded before.
func (s *Store) kept(ctx context.Context, name string, f *ledgerFold) error {
	var data []byte
	err := s.db.QueryRowContext(ctx, "SELECT upto, corrected, data FROM ledgers WHERE ledger = ?", name).Scan(&f.upto, &f.corrected, &data)
	switch {
	case isNone(err):
		return nil
	case err != nil:
		return s.trouble(err)
	}
	if err := json.Unmarshal(data, f.ledger); err != nil {
		return &Error{s.path, Damaged, fmt.Errorf("the ledger of %s: %w", name, err)}
	}
	return nil
}

// keep writes how far the ledger is folded, unless another process is further.
func (f *ledgerFold) keep(t *tx, name string) error {
	data, err := json.Marshal(f.ledger)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO ledgers (ledger, upto, corrected, data) VALUES (?, ?, ?, ?)
		ON CONFLICT (ledger) DO UPDATE SET upto = excluded.upto, corrected = excluded.corrected, data = excluded.data
		WHERE excluded.upto >= upto AND excluded.corrected >= corrected`, name, f.upto, f.corrected, data)
}

// changes lists what happened to a ledger since it was kept, in order.
func (s *Store) changes(ctx context.Context, name string, defs program.Definitions, f *ledgerFold, u Until) ([]change, error) {
	var out []change
	var sums []*Summary
	for sum, err := range s.summaries(ctx, " WHERE ledger = ? AND EXISTS (SELECT 1 FROM events WHERE events.run = runs.key AND events.key > ?) ORDER BY key", name, f.upto) {
		if err != nil {
			return nil, err
		}
		sums = append(sums, sum)
	}
	limit, kept := int64(-1), f.upto
	for i, sum := range sums {
		feet, err := s.footprints(ctx, sum, defs)
		if err != nil {
			return nil, err
		}
		for k := range feet {
			c := &feet[k]
			if u.Run == sum.ID {
				switch {
				case limit < 0 && u.Begin:
					limit = c.key - 1
				case !u.Begin && !(u.Alone && c.answer):
					limit = c.key
				}
			}
			// A simulator's run that nobody ended is over when the next one begins.
			f.open = f.open || c.foot.Open && (i == len(sums)-1 || !sum.Robot.Simulated)
			if c.key > kept {
				out = append(out, *c)
			}
			f.upto = max(f.upto, c.last)
		}
	}
	for c, err := range s.Corrections(ctx, name, f.corrected) {
		if err != nil {
			return nil, err
		}
		out = append(out, change{key: c.after, correction: c})
	}
	slices.SortStableFunc(out, func(a, b change) int { return int(min(1, max(-1, a.key-b.key))) })
	if u.Run != "" {
		out = slices.DeleteFunc(out, func(c change) bool {
			switch {
			case c.answer && u.Alone && c.foot.Run == u.Run:
				return false
			case c.correction != nil && !u.Begin:
				return c.key >= limit
			}
			return c.key > limit
		})
	}
	return out, nil
}

// footprints returns what a run did, each with the key of the event it became
// known with.
func (s *Store) footprints(ctx context.Context, sum *Summary, defs program.Definitions) ([]change, error) {
	if !sum.Intended {
		return nil, nil
	}
	plan, records, keys, err := s.wholeRun(ctx, sum, defs)
	if err != nil {
		return nil, err
	}
	tools, err := s.tools(ctx, sum)
	if err != nil {
		return nil, err
	}
	feet, err := run.Footprints(plan, records)
	if err != nil {
		return nil, &Error{s.path, Damaged, fmt.Errorf("run %s: %w", sum.ID, err)}
	}
	var out []change
	for i := range feet {
		f := &feet[i]
		f.Run, f.Tools = sum.ID, tools
		at := slices.IndexFunc(records, func(r run.Record) bool { return r.Seq == f.Seq })
		_, answer := records[at].Event.(run.Answered)
		out = append(out, change{key: keys[at], last: keys[len(keys)-1], foot: f, answer: answer})
	}
	return out, nil
}

// tools reads what was on the robot of a run.
func (s *Store) tools(ctx context.Context, sum *Summary) ([]ledger.Tool, error) {
	var data []byte
	err := s.db.QueryRowContext(ctx, "SELECT tools FROM runs WHERE key = ?", sum.key).Scan(&data)
	if err != nil || len(data) == 0 {
		return nil, s.trouble(err)
	}
	var out []ledger.Tool
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, &Error{s.path, Damaged, fmt.Errorf("what was on the robot in run %s: %w", sum.ID, err)}
	}
	return out, nil
}

// Handles returns under which notes runs on a robot were opened there, newest
// first, at most so many.
func (s *Store) Handles(ctx context.Context, robot string, most int) ([]run.Handle, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT e.kind, e.data FROM runs r CROSS JOIN events e ON e.run = r.key
		WHERE r.robot = ? AND e.kind IN ('opened', 'sent', 'reattached') ORDER BY e.key DESC LIMIT ?`, robot, most)
	if err != nil {
		return nil, s.trouble(err)
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	var out []run.Handle
	for rows.Next() {
		var kind string
		var data []byte
		if err := rows.Scan(&kind, &data); err != nil {
			return nil, s.trouble(err)
		}
		var with struct{ Handle run.Handle }
		if json.Unmarshal(data, &with) == nil && len(with.Handle) > 0 {
			out = append(out, with.Handle)
		}
	}
	return out, s.trouble(rows.Err())
}

// Corrections returns the corrections of a ledger whose key is above a key, in
// order. An empty name is those of all ledgers.
func (s *Store) Corrections(ctx context.Context, name string, after int64) iter.Seq2[*Correction, error] {
	return each(ctx, s, "SELECT key, ledger, after, at, name, host, why, data FROM corrections WHERE (ledger = ? OR ? = '') AND key > ? ORDER BY key", func(scan func(...any) error) (*Correction, error) {
		c := &Correction{}
		var at int64
		var data []byte
		err := scan(&c.Key, &c.Ledger, &c.after, &at, &c.By.Name, &c.By.Host, &c.Why, &data)
		if err == nil {
			err = json.Unmarshal(data, &c.What)
		}
		c.At = timeOf(at)
		return c, err
	}, name, name, after)
}

// Correct writes down what a person says is so, all or none. It is refused as
// *Unreconciled while a run on the robot is not over, unless it changes nothing, and
// as an error of the ledger where it cannot be so. Whoever corrects the ledger of a robot holds its
// lease, which is nil for one that has none.
func (s *Store) Correct(ctx context.Context, name string, l *Lease, defs program.Definitions, by Holder, why string, what ...ledger.Correction) error {
	now, err := s.Ledger(ctx, name, defs)
	if err != nil {
		return err
	}
	at := s.now()
	for i := range what {
		if err := now.Correct(&what[i], at.UnixNano()); err != nil {
			return err
		}
	}
	return s.write(ctx, func(t *tx) error {
		if l != nil && slices.ContainsFunc(what, func(c ledger.Correction) bool { return c.Act != ledger.Accept }) {
			if open, err := t.unfinished(l.robot); err != nil || len(open) > 0 {
				return orElse(err, &Unreconciled{l.robot, open})
			}
		}
		var after int64
		if _, err := t.row("SELECT coalesce(max(key), 0) FROM events", nil, &after); err != nil {
			return err
		}
		for i := range what {
			data, err := json.Marshal(&what[i])
			if err != nil {
				return err
			}
			if err := t.exec("INSERT INTO corrections (ledger, after, at, name, host, why, data) VALUES (?, ?, ?, ?, ?, ?, ?)", name, after, at.UnixNano(), by.Name, by.Host, why, data); err != nil {
				return err
			}
		}
		return nil
	})
}

// LedgerOf returns the name of the ledger that a run went into; empty for none.
func (s *Store) LedgerOf(ctx context.Context, sum *Summary) (string, error) {
	var name string
	err := s.db.QueryRowContext(ctx, "SELECT ledger FROM runs WHERE key = ?", sum.key).Scan(&name)
	return name, s.trouble(err)
}

// Ledgers returns the names of all ledgers, in order, each with the robot of its
// last run.
func (s *Store) Ledgers(ctx context.Context) ([]Known, error) {
	return rowsOf(ctx, s, `SELECT ledger, max(key), robot_name, address FROM runs WHERE ledger <> '' GROUP BY ledger
		UNION SELECT DISTINCT ledger, 0, '', '' FROM corrections WHERE ledger NOT IN (SELECT ledger FROM runs)
		UNION SELECT ledger, 0, '', '' FROM ledgers WHERE ledger NOT IN (SELECT ledger FROM runs) AND ledger NOT IN (SELECT ledger FROM corrections) ORDER BY 1`, func(scan func(...any) error) (k Known, err error) {
		var last int64
		err = scan(&k.Ledger, &last, &k.Robot, &k.Address)
		return k, err
	})
}

// Known is a ledger that there is.
type Known struct {
	Ledger  string // its name: the serial number of the robot, or its address
	Robot   string // the name of the robot, at the last run
	Address string
}
