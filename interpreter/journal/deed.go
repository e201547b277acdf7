package journal

import (
	"context"
	"iter"
	"time"
)

// Deed is something that a person had a device server do, or was refused, and from
// where. What was submitted is not among those that are written down: it is in the
// journal with all of this already, and Deeds finds it there.
type Deed struct {
	Key     int64
	At      time.Time
	By      Holder // whose Host is where it came from; the name is empty where nobody knows who it was
	Token   string // its id; empty for none
	What    string
	Outcome string // empty where it is not known, because the server ended in the middle of it
}

// Done is the outcome of what was done as it was asked for.
const Done = "done"

// Note writes down what somebody wants, and returns a key for what becomes of it.
func (s *Store) Note(ctx context.Context, d Deed) (key int64, err error) {
	err = s.write(ctx, func(t *tx) error {
		err := t.deed(&d)
		key = d.Key
		return err
	})
	return key, err
}

func (t *tx) deed(d *Deed) (err error) {
	d.Key, err = t.insert("INSERT INTO deeds (at, name, host, token, what, outcome) VALUES (?, ?, ?, ?, ?, ?)", t.now, d.By.Name, d.By.Host, d.Token, d.What, d.Outcome)
	return err
}

// Noted says what became of it.
func (s *Store) Noted(ctx context.Context, key int64, outcome string) error {
	return s.write(ctx, func(t *tx) error {
		return t.exec("UPDATE deeds SET outcome = ? WHERE key = ?", outcome, key)
	})
}

// Deeds returns what people had done since a time, or tried to, in order: what was
// written down, and what was submitted.
func (s *Store) Deeds(ctx context.Context, since time.Time) iter.Seq2[*Deed, error] {
	from := int64(0)
	if !since.IsZero() {
		from = since.UnixNano()
	}
	return each(ctx, s, `SELECT key, at, name, host, token, what, outcome FROM deeds WHERE at >= ?
		UNION ALL SELECT 0, at, name, host, '', 'submitted run ' || id || ' of ' || workflow, state FROM submissions WHERE at >= ?
		ORDER BY at`, func(scan func(...any) error) (*Deed, error) {
		d := &Deed{}
		var at int64
		err := scan(&d.Key, &at, &d.By.Name, &d.By.Host, &d.Token, &d.What, &d.Outcome)
		d.At = timeOf(at)
		return d, err
	}, from, from)
}
