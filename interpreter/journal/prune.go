package journal

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Pruned says what Prune removed, or would remove.
type Pruned struct {
	Runs     int64
	Events   int64
	Versions int64    // of workflows
	Bytes    int64    // of files and plans that nothing refers to any more, as they were kept
	Kept     []string // old runs that stay because they are not over, oldest first
}

// Settle folds all ledgers, and what was used of quotas, as far as they go and
// keeps them, so that they no longer need their old runs.
func (s *Store) Settle(ctx context.Context, defs program.Definitions) error {
	known, err := s.Ledgers(ctx)
	for i := 0; i < len(known) && err == nil; i++ {
		_, err = s.Ledger(ctx, known[i].Ledger, defs)
	}
	if err == nil {
		_, err = s.Uses(ctx, defs, math.MinInt64)
	}
	return err
}

// errDry takes back what a dry run has removed.
var errDry = errors.New("a dry run")

// superseded is a version that goes: another one of its workflow was offered since, before
// a time, and no run is left that was begun in between or has its files, and nothing waits
// that was accepted in between. Runs have their files also without it.
const superseded = `EXISTS (SELECT 1 FROM versions n WHERE n.workflow = versions.workflow AND n.key > versions.key AND n.at < ?)
	AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.workflow = versions.workflow AND r.began >= versions.at AND r.began < ` + untilNext + `)
	AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.state = 'queued' AND s.workflow = versions.workflow AND s.at >= versions.at AND s.at < ` + untilNext + `)
	AND NOT EXISTS (SELECT 1 FROM version_files v JOIN files f ON f.blob = v.blob JOIN runs r ON r.key = f.run WHERE v.version = versions.key AND v.n = 0 AND r.workflow = versions.workflow
		AND NOT EXISTS (SELECT 1 FROM version_files o WHERE o.version = versions.key AND NOT EXISTS (SELECT 1 FROM files g WHERE g.run = r.key AND g.blob = o.blob)))`

// untilNext is when the next version of a workflow was offered.
const untilNext = "(SELECT n.at FROM versions n WHERE n.workflow = versions.workflow AND n.key > versions.key ORDER BY n.key LIMIT 1)"

// Prune removes the runs that ended before a time, with all that only they
// refer to, and versions of workflows that are replaced since then. Runs that have moved something and are not over stay, however old,
// and so do those whose changes are not in a ledger that is kept, see Settle. A
// dry run removes the same and takes it back.
func (s *Store) Prune(ctx context.Context, before time.Time, dry bool) (Pruned, error) {
	var p Pruned
	err := s.write(ctx, func(t *tx) error {
		p = Pruned{}
		if err := p.remove(t, before.UnixNano()); err != nil {
			return err
		}
		if dry {
			return errDry
		}
		return nil
	})
	if dry && errors.Is(err, errDry) {
		return p, nil
	}
	if err == nil {
		err = s.shrink(ctx)
	}
	return p, err
}

// old is a run that goes: over, or one that moved nothing. The last event
// counts, so that a run that has just been begun stays. What a run did to a
// ledger has to be kept there, and what it used up as well.
const old = "at < ? AND (NOT intended OR (simulated OR ended IS NOT NULL AND (EXISTS (SELECT 1 FROM uses u WHERE u.run = runs.id AND u.seq >= runs.seq) OR EXISTS (SELECT 1 FROM handed h WHERE h.run = runs.key))) AND (ledger = '' OR EXISTS (SELECT 1 FROM ledgers l WHERE l.ledger = runs.ledger AND l.upto >= (SELECT max(key) FROM events WHERE events.run = runs.key))))"

func (p *Pruned) remove(t *tx, before int64) error {
	var err error
	if p.Kept, err = t.texts("SELECT id FROM runs WHERE at < ? AND NOT ("+old+") ORDER BY key", before, before); err != nil {
		return err
	}
	if _, err = t.row("SELECT coalesce(sum(seq), 0) FROM runs WHERE "+old, []any{before}, &p.Events); err != nil {
		return err
	}
	if p.Runs, err = t.count("DELETE FROM runs WHERE "+old, before); err != nil {
		return err
	}
	if err = t.exec("DELETE FROM submissions WHERE closed < ? AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = submissions.id)", before); err != nil {
		return err
	}
	if p.Versions, err = t.count("DELETE FROM versions WHERE "+superseded, before); err != nil {
		return err
	}
	if err = t.exec("DELETE FROM deeds WHERE at < ?", before); err != nil {
		return err
	}
	const unused = "FROM blobs WHERE NOT EXISTS (SELECT 1 FROM runs WHERE plan = blobs.key) AND NOT EXISTS (SELECT 1 FROM files WHERE blob = blobs.key) AND NOT EXISTS (SELECT 1 FROM version_files WHERE blob = blobs.key)"
	if _, err = t.row("SELECT coalesce(sum(length(data)), 0) "+unused, nil, &p.Bytes); err != nil {
		return err
	}
	return t.exec("DELETE " + unused)
}

// shrink gives the room that is free back to the disk.
func (s *Store) shrink(ctx context.Context) error {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return s.trouble(err)
	}
	defer func() { _ = c.Close() }() // it goes back to the pool
	for _, pragma := range []string{"PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := c.ExecContext(ctx, pragma); err != nil {
			return s.trouble(err)
		}
	}
	return nil
}
