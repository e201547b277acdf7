package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Submission is a run that was accepted to be carried out later. It is in the
// journal before whoever asked hears that it was accepted, and becomes the run of
// the same id in the transaction that begins that: it is never lost and never begun
// twice, whatever happens to processes.
type Submission struct {
	Row        int64 // grows with every one that is accepted
	ID         string
	Queue      string // of the robot it waits for, or one that several robots take from; then of the robot that took it
	Workflow   string
	Given      json.RawMessage // the parameters, as they were given
	Key        string          // the asker's own; empty for none. No two submissions have the same
	Asked      string          // a hash of what was asked for under Key
	Priority   int             // the greater, the sooner
	Experiment string          // whose runs keep their order; empty for none
	Labels     []string        // that the robot must have; no comma is in them
	By         Holder          // whose PID is not kept
	Project    string
	At         time.Time
	State      SubmissionState
	Reason     string    // why it was refused or lost
	Closed     time.Time // when it was begun, refused or withdrawn; zero while it waits
}

// SubmissionState is what became of a submission.
type SubmissionState string

// The states of submissions.
const (
	Queued    SubmissionState = "queued"
	Begun     SubmissionState = "begun"     // it is the run of its id
	Withdrawn SubmissionState = "withdrawn" // a person did not want it any more
	Refused   SubmissionState = "refused"   // it could not be done when its turn came
	Forgotten SubmissionState = "forgotten" // the simulator ended in the middle of it
)

// Taken says that a submission does not wait any more.
type Taken struct {
	ID    string
	State SubmissionState
}

// Error says what became of it.
func (t *Taken) Error() string { return fmt.Sprintf("%s does not wait any more: %s", t.ID, t.State) }

// Submit accepts a run that is carried out by plan later, and returns it with its id.
// Where another one has its key, that one is returned, and fresh is false.
func (s *Store) Submit(ctx context.Context, o Submission, plan *program.Plan) (_ *Submission, fresh bool, err error) {
	w := newPacker()
	if err := plan.Write(w, true); err != nil {
		return nil, false, fmt.Errorf("packing the plan: %w", err)
	}
	c, err := w.content()
	if err != nil {
		return nil, false, fmt.Errorf("packing the plan: %w", err)
	}
	now := s.now()
	o.State, o.At = Queued, now.UTC()
	if len(o.Given) == 0 {
		o.Given = json.RawMessage("{}")
	}
	var was string
	err = s.write(ctx, func(t *tx) error {
		was = ""
		if o.Key != "" {
			if found, err := t.row("SELECT id FROM submissions WHERE asker = ?", []any{o.Key}, &was); err != nil || found {
				return err
			}
		}
		var err error
		if o.ID, err = t.newID(now); err != nil {
			return err
		}
		key := any(nil)
		if o.Key != "" {
			key = o.Key
		}
		return t.exec(`INSERT INTO submissions (id, queue, workflow, given, asker, asked, priority, experiment, labels, name, host, project, at, state, reason, hash, size, plan)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?)`,
			o.ID, o.Queue, o.Workflow, string(o.Given), key, o.Asked, o.Priority, o.Experiment, strings.Join(o.Labels, ","), o.By.Name, o.By.Host, o.Project, now.UnixNano(), string(Queued), c.hash, c.size, c.data)
	})
	if err != nil {
		return nil, false, err
	}
	if was != "" {
		old, err := s.Submission(ctx, was)
		return old, false, err
	}
	return &o, true, nil
}

// begun makes a submission a run, of a queue where one is given.
func (t *tx) begun(id, queue string) error {
	n, err := t.count("UPDATE submissions SET state = ?, closed = ?, plan = NULL, queue = CASE WHEN ? = '' THEN queue ELSE ? END WHERE id = ? AND state = ?", string(Begun), t.now, queue, queue, id, string(Queued))
	if err == nil && n == 0 {
		var state string
		if _, err = t.row("SELECT state FROM submissions WHERE id = ?", []any{id}, &state); err == nil {
			err = &Taken{id, SubmissionState(state)}
		}
	}
	return err
}

// CloseSubmission takes a submission from one state to another that is no run. It is
// refused as *Taken where it is in another one.
func (s *Store) CloseSubmission(ctx context.Context, id string, from, to SubmissionState, reason string) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.count("UPDATE submissions SET state = ?, closed = ?, plan = NULL, reason = ? WHERE id = ? AND state = ?", string(to), t.now, reason, id, string(from))
		if err == nil && n == 0 {
			var state string
			if _, err = t.row("SELECT state FROM submissions WHERE id = ?", []any{id}, &state); err == nil {
				err = &Taken{id, SubmissionState(state)}
			}
		}
		return err
	})
}

const submissionColumns = `SELECT key, id, queue, workflow, given, coalesce(asker, ''), asked, priority, experiment, labels, name, host, project, at, state, reason, coalesce(closed, 0) FROM submissions`

func scanSubmission(scan func(...any) error) (*Submission, error) {
	o := &Submission{}
	var at, closed int64
	var given, labels, state string
	err := scan(&o.Row, &o.ID, &o.Queue, &o.Workflow, &given, &o.Key, &o.Asked, &o.Priority, &o.Experiment, &labels, &o.By.Name, &o.By.Host, &o.Project, &at, &state, &o.Reason, &closed)
	if err != nil {
		return nil, err
	}
	o.Given, o.State, o.At = json.RawMessage(given), SubmissionState(state), timeOf(at)
	if labels != "" {
		o.Labels = strings.Split(labels, ",")
	}
	if closed != 0 {
		o.Closed = timeOf(closed)
	}
	return o, nil
}

// Submission returns what was accepted under an id. The error is a *NoRun where
// nothing was.
func (s *Store) Submission(ctx context.Context, id string) (*Submission, error) {
	o, err := scanSubmission(func(dest ...any) error { return s.queryRow(ctx, submissionColumns+" WHERE id = ?", []any{id}, dest...) })
	if isNone(err) {
		return nil, &NoRun{Ref: id}
	}
	return o, s.trouble(err)
}

// Submissions returns what was accepted for a queue, or for all where that is empty,
// and is in a state, in the order in which it was accepted.
func (s *Store) Submissions(ctx context.Context, queue string, state SubmissionState) iter.Seq2[*Submission, error] {
	return each(ctx, s, submissionColumns+" WHERE state = ? AND (? = '' OR queue = ?) ORDER BY key", scanSubmission, string(state), queue, queue)
}

// QueueMark is what waits, in two numbers: where they are the same, so is what waits,
// because what does not wait any more never does again.
type QueueMark struct {
	Count int
	Last  int64 // the Row of the newest
}

// QueueMark looks at an index only.
func (s *Store) QueueMark(ctx context.Context) (m QueueMark, err error) {
	err = s.queryRow(ctx, "SELECT count(*), coalesce(max(key), 0) FROM submissions WHERE state = ?", []any{string(Queued)}, &m.Count, &m.Last)
	return m, s.trouble(err)
}

// QueuedBehind returns the submissions behind a Row that wait, in the order in which they were
// accepted.
func (s *Store) QueuedBehind(ctx context.Context, behind int64) ([]*Submission, error) {
	return rowsOf(ctx, s, submissionColumns+" WHERE state = ? AND key > ? ORDER BY key", scanSubmission, string(Queued), behind)
}

// Open returns the submissions of a queue that are runs which have not ended, in the
// order in which they were accepted.
func (s *Store) Open(ctx context.Context, queue string) ([]string, error) {
	return rowsOf(ctx, s, "SELECT s.id FROM submissions s JOIN runs r ON r.id = s.id WHERE s.queue = ? AND s.state = ? AND r.ended IS NULL ORDER BY s.key", func(scan func(...any) error) (id string, err error) {
		err = scan(&id)
		return id, err
	}, queue, string(Begun))
}

// LastBegun returns the newest submission of a queue that is a run on a robot, or nothing.
func (s *Store) LastBegun(ctx context.Context, queue string) (id string, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT s.id FROM submissions s JOIN runs r ON r.id = s.id WHERE s.queue = ? AND s.state = ? AND r.robot <> '' ORDER BY s.key DESC LIMIT 1", queue, string(Begun)).Scan(&id)
	if isNone(err) {
		return "", nil
	}
	return id, s.trouble(err)
}

// Keyed returns the id of what was submitted under a key, or nothing.
func (s *Store) Keyed(ctx context.Context, key string) (id string, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT id FROM submissions WHERE asker = ?", key).Scan(&id)
	if isNone(err) {
		return "", nil
	}
	return id, s.trouble(err)
}

// LastKeyed returns the id of the newest of those whose keys begin with a text, or
// nothing.
func (s *Store) LastKeyed(ctx context.Context, begins string) (id string, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT id FROM submissions WHERE asker >= ? AND asker < ? ORDER BY asker DESC LIMIT 1", begins, begins+"\U0010FFFF").Scan(&id)
	if isNone(err) {
		return "", nil
	}
	return id, s.trouble(err)
}

// UnderWay returns the run of an experiment that was submitted, begun and has not
// ended, or nothing.
func (s *Store) UnderWay(ctx context.Context, experiment string) (id string, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT s.id FROM submissions s JOIN runs r ON r.id = s.id WHERE s.experiment = ? AND s.state = ? AND r.ended IS NULL ORDER BY s.key LIMIT 1", experiment, string(Begun)).Scan(&id)
	if isNone(err) {
		return "", nil
	}
	return id, s.trouble(err)
}

// SubmittedPlan returns the plan of a submission that waits, with its files.
func (s *Store) SubmittedPlan(ctx context.Context, id string, defs program.Definitions) (*program.Plan, error) {
	var c content
	var data sql.Null[[]byte]
	err := s.db.QueryRowContext(ctx, "SELECT hash, size, plan FROM submissions WHERE id = ?", id).Scan(&c.hash, &c.size, &data)
	switch {
	case isNone(err):
		return nil, &NoRun{Ref: id}
	case err != nil:
		return nil, s.trouble(err)
	case !data.Valid:
		o, err := s.Submission(ctx, id)
		if err != nil {
			return nil, err
		}
		return nil, &Taken{id, o.State}
	}
	c.data = data.V
	text, err := unpack(c)
	if err != nil {
		return nil, &Error{s.path, Damaged, err}
	}
	plan, err := program.Read(bytes.TrimSpace(text), defs)
	if err != nil {
		return nil, &Error{s.path, Damaged, err}
	}
	return plan, nil
}
