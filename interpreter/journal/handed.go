package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
)

// A run may be carried out by a device elsewhere, whose journal has its events. Here it is a
// row that says how the device said last that it stands, and what the device was asked: that
// is in the journal before it is sent, and sent until the device has said what became of it.

// Handed is a run that a device elsewhere carries out.
type Handed struct {
	Run      string // its id here
	Queue    string // of the robot that it was handed to
	Device   string // what that is called elsewhere
	Asked    string // the id of what the device was asked; no two are the same
	Command  []byte // what it was asked, JSON
	At       time.Time
	Accepted time.Time       // when the device said that it has it; zero before
	Seq      int64           // of the device's last answer
	Told     json.RawMessage // how the device said last that the run stands, JSON; empty before
	Over     bool            // nothing more is heard of it
}

// Hand makes a submission a run that a device elsewhere is asked to carry out. It is refused
// as *Taken where it does not wait any more. Of o, Robot says where; asked is the id of what
// the device is asked, and command what is asked.
func (s *Store) Hand(ctx context.Context, o Start, device, asked string, command []byte) error {
	plan, files, err := contents(o.Plan)
	if err != nil {
		return fmt.Errorf("packing the plan: %w", err)
	}
	r := &Run{store: s, id: o.Submission}
	return s.write(ctx, func(t *tx) error {
		var queue string
		var packed []byte
		if _, err := t.row("SELECT queue, plan FROM submissions WHERE id = ? AND state = ?", []any{r.id, string(Queued)}, &queue, &packed); err != nil {
			return err
		}
		if err := t.begun(r.id, o.Queue); err != nil {
			return err
		}
		if err := t.exec("UPDATE submissions SET plan = ? WHERE id = ?", packed, r.id); err != nil { // it may come back
			return err
		}
		if err := r.insert(t, &o, t.now, plan, files); err != nil {
			return err
		}
		if err := t.exec("UPDATE runs SET intended = 1 WHERE key = ?", r.key); err != nil { // nobody knows better
			return err
		}
		return t.exec("INSERT INTO handed (run, queue, device, asked, command, at) VALUES (?, ?, ?, ?, ?, ?)", r.key, queue, device, asked, string(command), t.now)
	})
}

// Standing is how a device elsewhere says that a run stands.
type Standing struct {
	Seq         int64  // of the answer; 0: it has none
	State       string // one of States
	Steps, Done int
	FailedStep  int
	Doubt       run.Doubt
	Reason      string
	Ended       time.Time // zero: it has not
	Verdict     run.Verdict
	Told        json.RawMessage
}

// Tell keeps how a run stands that a device elsewhere carries out. What the device said
// before something that is known, and anything about a run that is over, changes nothing,
// and fresh is false.
func (s *Store) Tell(ctx context.Context, id string, o Standing) (fresh bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		fresh = false
		var key, seq int64
		var over bool
		found, err := t.row("SELECT r.key, h.seq, r.ended IS NOT NULL FROM runs r JOIN handed h ON h.run = r.key WHERE r.id = ?", []any{id}, &key, &seq, &over)
		if err != nil || !found || over || o.Seq > 0 && o.Seq < seq {
			return err
		}
		fresh = true
		ended, verdict, waiting := any(nil), "", 0
		if !o.Ended.IsZero() {
			ended, verdict = o.Ended.UnixNano(), o.Verdict.String()
		}
		if o.State == "waits" {
			waiting = max(1, o.Done)
		}
		err = errors.Join(
			t.exec("UPDATE runs SET at = ?, ended = ?, verdict = ?, steps = ?, done = ?, waiting = ?, intended = 1, doubt_first = ?, doubt_last = ?, failed_step = ?, reason = ? WHERE key = ?",
				t.now, ended, verdict, o.Steps, o.Done, waiting, o.Doubt.First, o.Doubt.Last, o.FailedStep, o.Reason, key),
			t.exec("UPDATE handed SET told = ?, seq = max(seq, ?), accepted = coalesce(accepted, ?) WHERE run = ?", string(o.Told), o.Seq, t.now, key),
		)
		if ended != nil {
			err = errors.Join(err, t.exec("UPDATE submissions SET plan = NULL WHERE id = ?", id))
		}
		return err
	})
	return fresh, err
}

// TakeBack makes a run that a device elsewhere has refused wait again, as if it had never
// been handed over. Nothing was begun of it.
func (s *Store) TakeBack(ctx context.Context, id string) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.count(`UPDATE submissions SET state = ?, closed = NULL, queue = (SELECT h.queue FROM handed h JOIN runs r ON r.key = h.run WHERE r.id = submissions.id)
			WHERE id = ? AND EXISTS (SELECT 1 FROM handed h JOIN runs r ON r.key = h.run WHERE r.id = submissions.id AND r.ended IS NULL)`, string(Queued), id)
		if err != nil || n == 0 {
			return err
		}
		return t.exec("DELETE FROM runs WHERE id = ?", id)
	})
}

const handedColumns = "SELECT r.id, s.queue, h.device, h.asked, h.command, h.at, coalesce(h.accepted, 0), h.seq, h.told, r.ended IS NOT NULL FROM handed h JOIN runs r ON r.key = h.run JOIN submissions s ON s.id = r.id"

func scanHanded(scan func(...any) error) (*Handed, error) {
	h := &Handed{}
	var command, told string
	var at, accepted int64
	if err := scan(&h.Run, &h.Queue, &h.Device, &h.Asked, &command, &at, &accepted, &h.Seq, &told, &h.Over); err != nil {
		return nil, err
	}
	h.Command, h.At = []byte(command), timeOf(at)
	if accepted != 0 {
		h.Accepted = timeOf(accepted)
	}
	if told != "" {
		h.Told = json.RawMessage(told)
	}
	return h, nil
}

// Handed returns a run that a device elsewhere carries out; nil where none does.
func (s *Store) Handed(ctx context.Context, id string) (*Handed, error) {
	h, err := scanHanded(func(dest ...any) error { return s.queryRow(ctx, handedColumns+" WHERE r.id = ?", []any{id}, dest...) })
	if isNone(err) {
		return nil, nil
	}
	return h, s.trouble(err)
}

// HandedAsked returns the run for which something was asked; nil where none is known.
func (s *Store) HandedAsked(ctx context.Context, asked string) (*Handed, error) {
	h, err := scanHanded(func(dest ...any) error {
		return s.queryRow(ctx, handedColumns+" WHERE h.asked = ?", []any{asked}, dest...)
	})
	if isNone(err) {
		return nil, nil
	}
	return h, s.trouble(err)
}

// HandedTo returns the run of a queue that a device elsewhere carries out and that is not
// over; nil where there is none.
func (s *Store) HandedTo(ctx context.Context, queue string) (*Handed, error) {
	h, err := scanHanded(func(dest ...any) error {
		return s.queryRow(ctx, handedColumns+" WHERE s.queue = ? AND s.state = ? AND r.ended IS NULL ORDER BY s.key LIMIT 1", []any{queue, string(Begun)}, dest...)
	})
	if isNone(err) {
		return nil, nil
	}
	return h, s.trouble(err)
}

// AskOtherwise has a device asked for a run in other words from now on.
func (s *Store) AskOtherwise(ctx context.Context, id string, command []byte) error {
	return s.write(ctx, func(t *tx) error {
		return t.exec("UPDATE handed SET command = ? WHERE run = (SELECT key FROM runs WHERE id = ?)", string(command), id)
	})
}
