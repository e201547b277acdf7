package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Message is what another process wants of whoever carries out a run: a pause,
// a stop, an answer.
type Message struct {
	Key  int64 // grows with every message
	At   time.Time
	By   Holder // whose PID is not kept
	Kind string
	Data json.RawMessage // for whoever knows Kind
}

// Post leaves a message for the owner of a run, who may be another process.
func (s *Store) Post(ctx context.Context, id string, m Message) error {
	if len(m.Data) == 0 {
		m.Data = json.RawMessage("{}")
	}
	return s.write(ctx, func(t *tx) error {
		n, err := t.count("INSERT INTO messages (run, at, name, host, kind, data) SELECT key, ?, ?, ?, ?, ? FROM runs WHERE id = ?", t.now, m.By.Name, m.By.Host, m.Kind, string(m.Data), id)
		if err == nil && n == 0 {
			return &NoRun{Ref: id}
		}
		return err
	})
}

// Take returns the messages for the run that were not taken, oldest first, and
// marks them as taken.
func (r *Run) Take(ctx context.Context) ([]Message, error) {
	var any bool
	if err := r.store.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM messages WHERE run = ? AND taken IS NULL)", r.key).Scan(&any); err != nil || !any {
		return nil, r.store.trouble(err)
	}
	var out []Message
	err := r.store.write(ctx, func(t *tx) error {
		if err := r.mayMove(t); err != nil {
			return err
		}
		var err error
		if out, err = t.messages(r.key); err != nil {
			return err
		}
		return t.exec("UPDATE messages SET taken = ? WHERE run = ? AND taken IS NULL", t.now, r.key)
	})
	return out, err
}

func (t *tx) messages(run int64) ([]Message, error) {
	s, err := t.stmt("SELECT key, at, name, host, kind, data FROM messages WHERE run = ? AND taken IS NULL ORDER BY key")
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(t.ctx, run)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	var out []Message
	for rows.Next() {
		var m Message
		var at int64
		var data string
		if err := rows.Scan(&m.Key, &at, &m.By.Name, &m.By.Host, &m.Kind, &data); err != nil {
			return nil, fmt.Errorf("reading a message: %w", err)
		}
		m.At, m.Data = timeOf(at), json.RawMessage(data)
		out = append(out, m)
	}
	return out, rows.Err()
}

// Watch calls f at once and after every change of the journal by any process,
// until f returns false or an error, or ctx is done. Between changes it costs
// a look at a few bytes of shared memory, a few times a second.
func (s *Store) Watch(ctx context.Context, f func() (more bool, err error)) error {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return s.trouble(err)
	}
	defer func() { _ = c.Close() }() // it goes back to the pool
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for last := int64(-1); ; {
		var version int64
		if err := c.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
			return s.trouble(err)
		}
		if version != last {
			last = version
			if more, err := f(); err != nil || !more {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

const watchEvery = 150 * time.Millisecond
