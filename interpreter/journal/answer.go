package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// Answers of other programs, kept for those who ask the same again soon. They are
// no part of any run: what a run has got is in its own events.

// Remembered is an answer that was given to a run.
type Remembered struct {
	Run    string
	At     time.Time
	Values map[string]string // as people write them
}

// Remember keeps what a run was answered to the question that key stands for, for
// as long as it may be taken. Answers whose time is over go.
func (s *Store) Remember(ctx context.Context, key, run string, values map[string]string, keep time.Duration) error {
	data, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.exec("DELETE FROM answers WHERE until < ?", t.now); err != nil {
			return err
		}
		return t.exec("INSERT OR REPLACE INTO answers (key, run, at, until, data) VALUES (?, ?, ?, ?, ?)", key, run, t.now, t.now+keep.Nanoseconds(), string(data))
	})
}

// Recall returns what was answered to the question that key stands for, no longer
// ago than that. It is nil where nothing was.
func (s *Store) Recall(ctx context.Context, key string, within time.Duration) (*Remembered, error) {
	var at int64
	var data []byte
	out := &Remembered{}
	err := s.db.QueryRowContext(ctx, "SELECT run, at, data FROM answers WHERE key = ? AND at >= ?", key, s.now().Add(-within).UnixNano()).Scan(&out.Run, &at, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &out.Values)
	}
	if err != nil {
		return nil, s.trouble(err)
	}
	out.At = timeOf(at)
	return out, nil
}
