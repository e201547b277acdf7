package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
)

// What is asked for over a broker may come twice, and answers may be lost. The inbox
// knows what was asked for, so that it is done once; the outbox has the answer to each,
// until whoever asked says that it has arrived, and a while longer.

// Letter is something that was asked for over a broker.
type Letter struct {
	ID     string // the asker's own; nobody else may use it
	Sender string // whom it is answered
	Asked  string // a hash of what was asked for
	At     time.Time
	Run    string // that it became; empty for none
	Told   string // how the run stood when it was answered last; empty while it was not
	Open   bool   // another answer comes
}

// Answer is what a letter was answered last.
type Answer struct {
	Seq      int64 // grows with every answer
	ID       string
	Receiver string
	At       time.Time
	Data     []byte
	Arrived  bool // the receiver said so
}

// Epoch is the name under which this journal knows what a device was asked for. It is
// made when it is asked for first, and lost with the journal.
func (s *Store) Epoch(ctx context.Context, device string) (epoch string, err error) {
	fresh := rand.Text()[:10]
	err = s.write(ctx, func(t *tx) error {
		if err := t.exec("INSERT OR IGNORE INTO epochs (device, epoch) VALUES (?, ?)", device, fresh); err != nil {
			return err
		}
		_, err := t.row("SELECT epoch FROM epochs WHERE device = ?", []any{device}, &epoch)
		return err
	})
	return epoch, err
}

// Letter returns what was asked for under an id; nil where nothing was.
func (s *Store) Letter(ctx context.Context, id string) (*Letter, error) {
	l := &Letter{ID: id}
	var at int64
	err := s.queryRow(ctx, "SELECT sender, asked, at, run, told, open FROM inbox WHERE id = ?", []any{id}, &l.Sender, &l.Asked, &at, &l.Run, &l.Told, &l.Open)
	if isNone(err) {
		return nil, nil
	}
	l.At = timeOf(at)
	return l, s.trouble(err)
}

// Receive keeps a letter, with its answer where there is one already. One that is there
// stays as it is, and fresh is false.
func (s *Store) Receive(ctx context.Context, l Letter, answer []byte) (seq int64, fresh bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		seq, fresh = 0, false
		n, err := t.count("INSERT OR IGNORE INTO inbox (id, sender, asked, at, run, told, open) VALUES (?, ?, ?, ?, ?, ?, ?)", l.ID, l.Sender, l.Asked, t.now, l.Run, l.Told, l.Open)
		if fresh = n > 0; err != nil || !fresh || answer == nil {
			return err
		}
		seq, err = t.answer(l.ID, l.Sender, answer)
		return err
	})
	return seq, fresh, err
}

func (t *tx) answer(id, receiver string, data []byte) (seq int64, err error) {
	return t.insert("INSERT OR REPLACE INTO outbox (id, receiver, at, data) VALUES (?, ?, ?, ?)", id, receiver, t.now, string(data))
}

// Reply answers a letter, which is told how the run stands then.
func (s *Store) Reply(ctx context.Context, l *Letter, told string, open bool, data []byte) (seq int64, err error) {
	err = s.write(ctx, func(t *tx) error {
		n, err := t.count("UPDATE inbox SET told = ?, open = ? WHERE id = ?", told, open, l.ID)
		if err != nil || n == 0 {
			return err
		}
		seq, err = t.answer(l.ID, l.Sender, data)
		return err
	})
	return seq, err
}

// Due returns the letters that are to be answered: their runs are over or in doubt, and
// they were not told so.
func (s *Store) Due(ctx context.Context) ([]*Letter, error) {
	return rowsOf(ctx, s, `SELECT i.id, i.sender, i.asked, i.at, i.run, i.told, i.open FROM inbox i LEFT JOIN submissions s ON s.id = i.run LEFT JOIN runs r ON r.id = i.run
		WHERE i.open AND (r.ended IS NOT NULL OR s.state IN ('withdrawn', 'refused', 'forgotten') OR r.id IS NULL AND s.id IS NULL OR r.doubt_first > 0 AND i.told <> 'in_doubt')`, func(scan func(...any) error) (*Letter, error) {
		l := &Letter{}
		var at int64
		err := scan(&l.ID, &l.Sender, &l.Asked, &at, &l.Run, &l.Told, &l.Open)
		l.At = timeOf(at)
		return l, err
	})
}

// Waiting returns the answers that have not arrived, in the order in which they were
// given.
func (s *Store) Waiting(ctx context.Context) ([]*Answer, error) {
	return rowsOf(ctx, s, "SELECT seq, id, receiver, at, data, 0 FROM outbox WHERE arrived IS NULL ORDER BY seq", scanAnswer)
}

// AnswerTo is what a letter was answered last; nil where it was not.
func (s *Store) AnswerTo(ctx context.Context, id string) (*Answer, error) {
	a, err := scanAnswer(func(dest ...any) error {
		return s.queryRow(ctx, "SELECT seq, id, receiver, at, data, arrived IS NOT NULL FROM outbox WHERE id = ?", []any{id}, dest...)
	})
	if isNone(err) {
		return nil, nil
	}
	return a, s.trouble(err)
}

func scanAnswer(scan func(...any) error) (*Answer, error) {
	a := &Answer{}
	var at int64
	var data string
	err := scan(&a.Seq, &a.ID, &a.Receiver, &at, &data, &a.Arrived)
	a.At, a.Data = timeOf(at), []byte(data)
	return a, err
}

// Arrived keeps that the receiver has an answer. An answer that came after it is not
// meant.
func (s *Store) Arrived(ctx context.Context, id string, seq int64) error {
	return s.write(ctx, func(t *tx) error {
		return t.exec("UPDATE outbox SET arrived = ? WHERE id = ? AND seq = ? AND arrived IS NULL", t.now, id, seq)
	})
}

// Resend has an answer wait again, as if it had not arrived.
func (s *Store) Resend(ctx context.Context, id string) error {
	return s.write(ctx, func(t *tx) error { return t.exec("UPDATE outbox SET arrived = NULL WHERE id = ?", id) })
}

// TidyMail forgets answers that were given before a time, arrived or not, with what was
// asked for. What became of a run stays with the run.
func (s *Store) TidyMail(ctx context.Context, before time.Time) error {
	return s.write(ctx, func(t *tx) error {
		return errors.Join(
			t.exec("DELETE FROM outbox WHERE at < ? AND id IN (SELECT id FROM inbox WHERE NOT open)", before.UnixNano()),
			t.exec("DELETE FROM inbox WHERE at < ? AND NOT open AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.id = inbox.id)", before.UnixNano()),
		)
	})
}
