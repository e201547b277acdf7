package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

func isNone(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// Summary is what is known of a run without reading its events.
type Summary struct {
	ID          string
	Workflow    string
	File        string
	Fingerprint string
	Steps       int
	EstimateMS  int64
	Robot       Robot
	By          Holder // who began it
	Project     string // that it is for; may be empty
	Version     string // of ot2flow
	Repeats     string // the id of the run it repeats; may be empty
	Fence       int64
	Began       time.Time
	Heard       time.Time // of the last event
	Ended       time.Time // zero while it has not ended
	Seq         int64     // of the last event
	Verdict     run.Verdict
	State       string // how it stands, one of States
	Done        int
	Intended    bool // something may have moved
	Waiting     int  // the step that waits for a person; 0: none
	Left        bool // nobody followed it any longer
	Doubt       run.Doubt
	FailedStep  int
	Reason      string // why it did not end well
	Elsewhere   string // the device that carries it out, and has its events; empty: this computer

	key, plan int64
	computed  string
}

// Over reports whether the run has ended.
func (s *Summary) Over() bool { return !s.Ended.IsZero() }

const summaryColumns = `SELECT key, id, workflow, file, fingerprint, plan, steps, estimate, robot, robot_name, address, serial, software, simulated, name, host, pid, version, repeats, fence,
	began, at, coalesce(ended, 0), seq, verdict, ` + stateColumn + `, done, intended, waiting, left, doubt_first, doubt_last, failed_step, reason, project, computed, coalesce((SELECT device FROM handed WHERE handed.run = runs.key), '') FROM runs`

func scanSummary(scan func(...any) error) (*Summary, error) {
	s := &Summary{}
	var began, at, ended int64
	var verdict string
	err := scan(&s.key, &s.ID, &s.Workflow, &s.File, &s.Fingerprint, &s.plan, &s.Steps, &s.EstimateMS, &s.Robot.Key, &s.Robot.Name, &s.Robot.Address, &s.Robot.Serial, &s.Robot.Software, &s.Robot.Simulated,
		&s.By.Name, &s.By.Host, &s.By.PID, &s.Version, &s.Repeats, &s.Fence,
		&began, &at, &ended, &s.Seq, &verdict, &s.State, &s.Done, &s.Intended, &s.Waiting, &s.Left, &s.Doubt.First, &s.Doubt.Last, &s.FailedStep, &s.Reason, &s.Project, &s.computed, &s.Elsewhere)
	if err != nil {
		return nil, err
	}
	s.Began, s.Heard = timeOf(began), timeOf(at)
	if ended != 0 {
		s.Ended = timeOf(ended)
	}
	return s, s.Verdict.UnmarshalText([]byte(verdict))
}

// Find returns the run that ref means: its id, the beginning of it, the
// beginning of the part after the dash, or Last. The error is a *NoRun where
// none or more than one is meant.
func (s *Store) Find(ctx context.Context, ref string) (*Summary, error) {
	if ref == Last {
		return s.one(ctx, ref, " ORDER BY began DESC, key DESC LIMIT 2", true)
	}
	plain := plainRef(ref)
	if strings.Trim(plain, "-") == "" || strings.ContainsFunc(plain, func(r rune) bool { return !strings.ContainsRune(digits+"-", r) }) {
		return nil, &NoRun{Ref: ref}
	}
	if sum, err := s.one(ctx, ref, " WHERE id = ?", true, plain); err == nil {
		return sum, nil
	}
	return s.one(ctx, ref, " WHERE id GLOB ? OR id GLOB ? ORDER BY key DESC LIMIT 6", false, plain+"*", "*-"+plain+"*")
}

// one returns the run that a query finds; first says that more than one is no
// mistake.
func (s *Store) one(ctx context.Context, ref, query string, first bool, args ...any) (*Summary, error) {
	var all []*Summary
	for sum, err := range s.summaries(ctx, query, args...) {
		if err != nil {
			return nil, err
		}
		all = append(all, sum)
	}
	if len(all) == 1 || first && len(all) > 1 {
		return all[0], nil
	}
	no := &NoRun{Ref: ref}
	for _, sum := range all[:min(5, len(all))] {
		no.Many = append(no.Many, sum.ID)
	}
	return nil, no
}

func (s *Store) summaries(ctx context.Context, query string, args ...any) iter.Seq2[*Summary, error] {
	return each(ctx, s, summaryColumns+query, scanSummary, args...)
}

// Filter says which runs are listed. Its zero value is all of them.
type Filter struct {
	Workflow string    // its name; - and _ are the same
	Robot    string    // the name, address, serial number or key
	By       string    // the name of who began it
	Project  string    // that it is for
	State    string    // one of States
	Since    time.Time // began then or later
	Until    time.Time // began before
	After    string    // the id of a run: those listed after it, which are older
	Limit    int       // at most so many; 0: all
}

// Runs returns runs, newest first. They are read as they are asked for.
func (s *Store) Runs(ctx context.Context, f Filter) iter.Seq2[*Summary, error] {
	where, args := []string{"1"}, []any{}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if f.Workflow != "" {
		add("replace(workflow, '_', '-') = ?", strings.ReplaceAll(f.Workflow, "_", "-"))
	}
	if f.Robot != "" {
		add("? IN (robot_name, address, serial, robot)", f.Robot)
	}
	if f.By != "" {
		add("name = ?", f.By)
	}
	if f.Project != "" {
		add("project = ?", f.Project)
	}
	if f.State != "" {
		add("("+stateColumn+") = ?", f.State)
	}
	if !f.Since.IsZero() {
		add("began >= ?", f.Since.UnixNano())
	}
	if !f.Until.IsZero() {
		add("began < ?", f.Until.UnixNano())
	}
	if f.After != "" {
		add("(began, key) < (SELECT began, key FROM runs WHERE id = ?)", f.After)
	}
	query := " WHERE " + strings.Join(where, " AND ") + " ORDER BY began DESC, key DESC"
	if f.Limit > 0 {
		query += " LIMIT ?"
		args = append(args, f.Limit)
	}
	return s.summaries(ctx, query, args...)
}

// States lists how runs may stand, as in Summary.State: the verdicts, in_doubt
// also for a run that waits for a person's answer, and for a run that has not
// ended: open, it is under way or its process is gone; waits, a step waits for
// a person; left, nobody follows it; begun, nothing was sent.
func States() []string {
	return []string{"ok", "failed", "stopped", "in_doubt", "open", "waits", "left", "begun"}
}

const stateColumn = `CASE WHEN ended IS NOT NULL THEN verdict WHEN doubt_first > 0 THEN 'in_doubt' WHEN left THEN 'left' WHEN waiting > 0 THEN 'waits' WHEN intended THEN 'open' ELSE 'begun' END`

// Query says which events are read. Its zero value is every event of every run that
// was not computed; the events of those follow from their rows.
type Query struct {
	Run      string // the id of a run; empty: all
	After    int64  // a Key: events after it
	AfterSeq int64  // with Run, the Seq of a record: those after it
	Notable  bool   // leave out steps that just began and ended
}

// Event is a record with its place among all events of the journal.
type Event struct {
	Key    int64 // grows with every event of any run; a cursor
	Run    string
	Record run.Record
}

// page is how many events are read at a time, so that whoever is slow with
// them holds nobody up.
const page = 2048

// Events returns events in the order they were written.
func (s *Store) Events(ctx context.Context, q Query) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for more := true; more; {
			n := 0
			for e, err := range s.eventPage(ctx, q) {
				if !yield(e, err) || err != nil {
					return
				}
				q.After, n = e.Key, n+1
				if q.Run != "" {
					q.AfterSeq = e.Record.Seq
				}
			}
			more = n == page
			if n > 0 || q.Run == "" {
				continue
			}
			list, err := s.computedEvents(ctx, q)
			if err != nil {
				yield(Event{}, err)
			}
			for i := 0; i < len(list) && yield(list[i], nil); i++ {
			}
		}
	}
}

// eventQuery reads a page by the index that serves it: within a run the order
// of seq is that of key.
func eventQuery(q Query) (query string, args []any) {
	query = "SELECT e.key, r.id, e.seq, e.at, e.kind, e.data FROM events e CROSS JOIN runs r ON r.key = e.run WHERE e.key > ?"
	args, order := []any{q.After}, "e.key"
	if q.Run != "" {
		query = "SELECT e.key, r.id, e.seq, e.at, e.kind, e.data FROM runs r CROSS JOIN events e ON e.run = r.key WHERE +e.key > ? AND r.id = ? AND e.seq > ?"
		args, order = append(args, q.Run, q.AfterSeq), "e.seq"
	}
	if q.Notable {
		query += " AND e.kind NOT IN ('step_started', 'step_done')"
	}
	return query + " ORDER BY " + order + " LIMIT ?", append(args, page)
}

func (s *Store) eventPage(ctx context.Context, q Query) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		query, args := eventQuery(q)
		rows, err := s.query(ctx, query, args...)
		if err != nil {
			yield(Event{}, s.trouble(err))
			return
		}
		defer func() { _ = rows.Close() }() // its error is that of Err
		for rows.Next() {
			e, err := s.scanEvent(rows)
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Event{}, s.trouble(err))
		}
	}
}

func (s *Store) scanEvent(rows *sql.Rows) (e Event, err error) {
	var at int64
	var kind string
	var data sql.RawBytes
	if err := rows.Scan(&e.Key, &e.Run, &e.Record.Seq, &at, &kind, &data); err != nil {
		return e, s.trouble(err)
	}
	e.Record.At = timeOf(at)
	if e.Record.Event, err = run.DecodeEvent(kind, data); err != nil {
		return e, &Error{s.path, Damaged, err}
	}
	return e, nil
}

// Params returns the parameters of a run.
func (s *Store) Params(ctx context.Context, sum *Summary) ([]program.Param, error) {
	if sum.IsComputed() {
		params, _, err := s.madeOf(sum)
		return params, err
	}
	return rowsOf(ctx, s, "SELECT name, value FROM params WHERE run = ? ORDER BY n", func(scan func(...any) error) (p program.Param, err error) {
		err = scan(&p.Name, &p.Value)
		return p, err
	}, sum.key)
}

// Files returns the files a run was made from.
func (s *Store) Files(ctx context.Context, sum *Summary) ([]program.File, error) {
	if sum.IsComputed() {
		form, err := s.blob(ctx, sum.plan)
		if err != nil {
			return nil, err
		}
		return program.FilesOf(form)
	}
	rows, err := s.query(ctx, "SELECT name, blob FROM files WHERE run = ? ORDER BY n", sum.key)
	if err != nil {
		return nil, s.trouble(err)
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	var out []program.File
	var keys []int64
	for rows.Next() {
		var f program.File
		var key int64
		if err := rows.Scan(&f.Name, &key); err != nil {
			return nil, s.trouble(err)
		}
		out, keys = append(out, f), append(keys, key)
	}
	if err := rows.Err(); err != nil {
		return nil, s.trouble(err)
	}
	for i, key := range keys {
		if out[i].Data, err = s.blob(ctx, key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PlanJSON returns the plan of a run as plan.json, with its files inside, as
// it was when the run began.
func (s *Store) PlanJSON(ctx context.Context, sum *Summary) ([]byte, error) {
	if sum.IsComputed() {
		return s.computedPlan(ctx, sum)
	}
	plan, err := s.blob(ctx, sum.plan)
	if err != nil {
		return nil, err
	}
	files, err := s.Files(ctx, sum)
	if err != nil {
		return nil, err
	}
	return program.JoinFiles(plan, files), nil
}

// SamePlan reports whether two summaries are of runs with one plan.
func (s *Summary) SamePlan(other *Summary) bool {
	return s.plan != 0 && s.plan == other.plan && !s.IsComputed() && !other.IsComputed()
}

// Plan returns the plan of a run, as it was when the run began.
func (s *Store) Plan(ctx context.Context, sum *Summary, defs program.Definitions) (*program.Plan, error) {
	data, err := s.PlanJSON(ctx, sum)
	if err != nil {
		return nil, err
	}
	return program.Read(data, defs)
}

// wholeRun returns the plan and the records of a run, with the key of each, as
// they were at one moment: a run that is under way may get another plan while it
// is read, and sum is then that of a later moment.
func (s *Store) wholeRun(ctx context.Context, sum *Summary, defs program.Definitions) (*program.Plan, []run.Record, []int64, error) {
	plan, err := s.Plan(ctx, sum, defs)
	for tries := 0; err != nil && tries < 3; tries++ {
		now, lost := s.one(ctx, sum.ID, " WHERE key = ?", true, sum.key)
		if lost != nil || now.plan == sum.plan {
			break
		}
		*sum = *now
		plan, err = s.Plan(ctx, sum, defs)
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the plan of run %s: %w", sum.ID, err)
	}
	var records []run.Record
	var keys []int64
	for e, err := range s.Events(ctx, Query{Run: sum.ID}) {
		if err != nil {
			return nil, nil, nil, err
		}
		if e.Record.Seq > sum.Seq {
			break
		}
		records, keys = append(records, e.Record), append(keys, e.Key)
	}
	return plan, records, keys, nil
}
