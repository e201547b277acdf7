package journal

import (
	"context"
	"time"
)

// What outlives a server beside runs: queues that people have stopped, times in which
// nothing is begun, and how far schedules were looked at.

// Stop is a queue that begins nothing until somebody says so.
type Stop struct {
	Queue string
	By    Holder // whose PID is not kept
	Why   string
	At    time.Time
}

// StopQueue has a queue begin nothing more. One that is stopped keeps its first stop.
func (s *Store) StopQueue(ctx context.Context, o Stop) error {
	return s.write(ctx, func(t *tx) error {
		return t.exec("INSERT OR IGNORE INTO stops (queue, at, name, host, why) VALUES (?, ?, ?, ?, ?)", o.Queue, t.now, o.By.Name, o.By.Host, o.Why)
	})
}

// StartQueue takes the stop of a queue back.
func (s *Store) StartQueue(ctx context.Context, queue string) error {
	return s.write(ctx, func(t *tx) error { return t.exec("DELETE FROM stops WHERE queue = ?", queue) })
}

// Stops returns the queues that are stopped, by name.
func (s *Store) Stops(ctx context.Context) ([]Stop, error) {
	return rowsOf(ctx, s, "SELECT queue, at, name, host, why FROM stops ORDER BY queue", func(scan func(...any) error) (o Stop, err error) {
		var at int64
		err = scan(&o.Queue, &at, &o.By.Name, &o.By.Host, &o.Why)
		o.At = timeOf(at)
		return o, err
	})
}

// Closure is a time in which a queue begins nothing.
type Closure struct {
	ID       int64
	Queue    string // empty: all
	From, To time.Time
	Why      string
	By       Holder // whose PID is not kept
}

// CloseQueue keeps a closure, and returns its number. Those that are over go.
func (s *Store) CloseQueue(ctx context.Context, o Closure) (id int64, err error) {
	err = s.write(ctx, func(t *tx) error {
		if err := t.exec("DELETE FROM closures WHERE until < ?", t.now); err != nil {
			return err
		}
		var err error
		id, err = t.insert("INSERT INTO closures (queue, since, until, why, name, host) VALUES (?, ?, ?, ?, ?, ?)", o.Queue, o.From.UnixNano(), o.To.UnixNano(), o.Why, o.By.Name, o.By.Host)
		return err
	})
	return id, err
}

// OpenQueue takes a closure back, and reports whether there was one.
func (s *Store) OpenQueue(ctx context.Context, id int64) (was bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		n, err := t.count("DELETE FROM closures WHERE key = ?", id)
		was = n > 0
		return err
	})
	return was, err
}

// Closures returns the closures that are not over, in the order in which they begin.
func (s *Store) Closures(ctx context.Context) ([]Closure, error) {
	return rowsOf(ctx, s, "SELECT key, queue, since, until, why, name, host FROM closures WHERE until >= ? ORDER BY since, key", func(scan func(...any) error) (o Closure, err error) {
		var from, to int64
		err = scan(&o.ID, &o.Queue, &from, &to, &o.Why, &o.By.Name, &o.By.Host)
		o.From, o.To = timeOf(from), timeOf(to)
		return o, err
	}, s.now().UnixNano())
}

// Mark is how far a schedule was looked at.
type Mark struct {
	Schedule string
	Times    string    // of the schedule, as they were written then
	Upto     time.Time // everything until then was submitted, or left out and said
}

// MarkSchedule keeps how far a schedule was looked at.
func (s *Store) MarkSchedule(ctx context.Context, m Mark) error {
	return s.write(ctx, func(t *tx) error {
		return t.exec("INSERT OR REPLACE INTO schedules (schedule, times, upto) VALUES (?, ?, ?)", m.Schedule, m.Times, m.Upto.UnixNano())
	})
}

// Marks returns how far schedules were looked at, by name.
func (s *Store) Marks(ctx context.Context) (map[string]Mark, error) {
	list, err := rowsOf(ctx, s, "SELECT schedule, times, upto FROM schedules", func(scan func(...any) error) (m Mark, err error) {
		var upto int64
		err = scan(&m.Schedule, &m.Times, &upto)
		m.Upto = timeOf(upto)
		return m, err
	})
	out := map[string]Mark{}
	for _, m := range list {
		out[m.Schedule] = m
	}
	return out, err
}
