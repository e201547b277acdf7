package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// A run that moves nothing and asks nobody is over as soon as its workflow has been
// worked out. Nothing can happen in between, so that it is one row, written when
// everything about it is known: what its events, parameters, files and plan are
// follows from that row, and they are read like those of any other run.

// Form is what runs have in common whose plans differ in parameters and outputs only.
// It never changes.
type Form struct {
	workflow, file, fingerprint string
	estimate                    int64
	plan                        content // with its files, without parameters and outputs
}

// FormOf returns the form of a plan that Computes.
func FormOf(p *program.Plan) (*Form, error) {
	bare := *p
	bare.Workflow.Params, bare.Outputs = nil, nil
	w := newPacker()
	if err := bare.Write(w, true); err != nil {
		return nil, fmt.Errorf("packing the plan: %w", err)
	}
	c, err := w.content()
	if err != nil {
		return nil, fmt.Errorf("packing the plan: %w", err)
	}
	return &Form{p.Workflow.Name, p.Workflow.File, p.Fingerprint, p.EstimateMS, c}, nil
}

// Fits reports whether a plan of the same version of a workflow has the form.
func (f *Form) Fits(p *program.Plan) bool {
	return f.fingerprint == p.Fingerprint && f.estimate == p.EstimateMS && f.workflow == p.Workflow.Name && f.file == p.Workflow.File
}

// Computed is a run that was over when it began.
type Computed struct {
	Form       *Form
	Params     []program.Param
	Outputs    []program.Output
	Given      json.RawMessage // the parameters, as they were given; compact
	Queue      string          // of the robot that was asked
	Robot      Robot           // its name; there is none in it
	Key, Asked string          // as those of a Submission
	Experiment string
	By         Holder
	Project    string
	Version    string // of ot2flow
}

// Compute keeps a run that is over, and returns its id and when it was. When it
// returns nil, the run survives a crash. Where a submission has its key, the id is
// that one's, and fresh is false.
func (s *Store) Compute(ctx context.Context, o *Computed) (id string, at time.Time, fresh bool, err error) {
	now := s.now()
	data := string(o.appendJSON(make([]byte, 0, 256)))
	for range fineTries {
		err = s.write(ctx, func(t *tx) error {
			id, fresh = "", false
			if o.Key != "" {
				if found, err := t.row("SELECT id FROM submissions WHERE asker = ?", []any{o.Key}, &id); err != nil || found {
					return err
				}
			}
			var err error
			if id, err = t.w.fineID(now); err != nil {
				return err
			}
			fresh = true
			return t.compute(o, id, now.UnixNano(), data)
		})
		if !isTaken(err) { // another process took the id in the same moment
			break
		}
	}
	return id, now.UTC(), fresh, err
}

// fineTries is how often an id is made anew that another process has taken.
const fineTries = 100

// ComputedSeq is the number of the last event of a computed run.
const ComputedSeq = 3

// compute adds a run to those that are written together at the end of the transaction.
func (t *tx) compute(o *Computed, id string, now int64, data string) error {
	f := o.Form
	if t.form != f {
		blob, err := t.keep(f.plan)
		if err != nil {
			return err
		}
		t.form, t.formBlob = f, blob
	}
	t.computed = append(t.computed, computedRow{o, t.formBlob, id, now, data})
	if o.Key == "" {
		return nil
	}
	return t.exec(`INSERT INTO submissions (id, queue, workflow, given, asker, asked, priority, experiment, name, host, project, at, state, reason, closed, hash, size)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, '', ?, ?, ?)`,
		id, o.Queue, f.workflow, string(o.Given), o.Key, o.Asked, o.Experiment, o.By.Name, o.By.Host, o.Project, now, string(Begun), now, f.plan.hash, f.plan.size)
}

// computedRow is a computed run that is not written yet.
type computedRow struct {
	*Computed
	blob int64 // of its form
	id   string
	now  int64
	data string
}

// goesWith reports whether two runs differ only in what a row says by itself.
func (r *computedRow) goesWith(s *computedRow) bool {
	return r.Form == s.Form && r.blob == s.blob && r.Robot.Name == s.Robot.Name && r.By.Host == s.By.Host && r.By.PID == s.By.PID && r.Version == s.Version
}

const (
	insertComputed = `INSERT INTO runs (workflow, file, fingerprint, plan, estimate, robot_name, host, pid, version, id, began, at, ended, name, project, computed,
		steps, robot, address, serial, software, simulated, repeats, fence, seq, verdict) VALUES `
	computedRows = 32 // that one statement writes at most
)

// insertOf is the statement for so many rows that go with each other.
func insertOf(rows int) string {
	b := []byte(insertComputed)
	for i := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		n := 10 + 5*i
		b = fmt.Appendf(b, "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?%d, ?%d, ?%[2]d, ?%[2]d, ?%d, ?%d, ?%d, 0, '', '', '', '', 1, '', 0, 3, 'ok')", n, n+1, n+2, n+3, n+4)
	}
	return string(b)
}

// flush writes the runs that were computed: many by one statement, which costs half as
// much as one by one.
func (t *tx) flush() error {
	for len(t.computed) > 0 {
		first, rows := &t.computed[0], 1
		for rows < min(len(t.computed), computedRows) && first.goesWith(&t.computed[rows]) {
			rows++
		}
		for rows&(rows-1) != 0 { // so that there are few statements
			rows &= rows - 1
		}
		f := first.Form
		args := append(make([]any, 0, 9+5*rows), f.workflow, f.file, f.fingerprint, first.blob, f.estimate, first.Robot.Name, first.By.Host, first.By.PID, first.Version)
		for i := range t.computed[:rows] {
			r := &t.computed[i]
			args = append(args, r.id, r.now, r.By.Name, r.Project, r.data)
		}
		if t.w.inserts[rows] == "" {
			t.w.inserts[rows] = insertOf(rows)
		}
		if err := t.exec(t.w.inserts[rows], args...); err != nil {
			return err
		}
		t.computed = t.computed[rows:]
	}
	return nil
}

// fineID returns an id of which there is one every 2.5 µs: that of newID with three
// more digits of the time. No run of this process has it, nor one that was there when
// the process wrote its first of the day.
func (w *writer) fineID(now time.Time) (string, error) {
	hi, lo := bits.Mul64(uint64(usOf(now)), slots<<15)
	n, _ := bits.Div64(hi, lo, daySecs*1_000_000)
	day := now.Format("060102")
	if w.fineDay != day {
		w.fineDay, w.fine = day, 0
		var last string
		t := &tx{w: w, ctx: context.Background()}
		found, err := t.row("SELECT id FROM runs WHERE id > ? AND id < ? AND length(id) = ? ORDER BY id DESC LIMIT 1", []any{day + "-", day + "-~", len(day) + 8}, &last)
		if err != nil {
			return "", err
		}
		if found {
			w.fine = numberOf(last[len(day)+1:])
		}
	}
	n = max(n, w.fine+1)
	w.fine = n
	return idOf(now, int64(n), 7), nil
}

// numberOf reads digits.
func numberOf(text string) (n uint64) {
	for i := range len(text) {
		n = n<<5 | uint64(strings.IndexByte(digits, text[i]))
	}
	return n
}

// computedJSON is the row of a computed run, as it is read.
type computedJSON struct {
	Given      json.RawMessage      `json:"given"`
	Params     [][2]string          `json:"params"`
	Outputs    [][3]json.RawMessage `json:"outputs"` // name, type, value
	Experiment string               `json:"experiment"`
}

func (o *Computed) appendJSON(b []byte) []byte {
	b = append(b, `{"given":`...)
	if len(o.Given) == 0 {
		b = append(b, "{}"...)
	}
	b = append(b, o.Given...)
	b = append(b, `,"params":[`...)
	for i, p := range o.Params {
		if i > 0 {
			b = append(b, ',')
		}
		b = program.AppendString(append(b, '['), p.Name)
		b = append(program.AppendString(append(b, ','), p.Value), ']')
	}
	b = append(b, `],"outputs":[`...)
	for i, v := range o.Outputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = program.AppendString(append(b, '['), v.Name)
		b = program.AppendString(append(b, ','), v.Type)
		b = append(append(append(b, ','), v.Value...), ']')
	}
	b = append(b, ']')
	if o.Experiment != "" {
		b = program.AppendString(append(b, `,"experiment":`...), o.Experiment)
	}
	return append(b, '}')
}

// IsComputed reports whether the run was over at once, because it needed no robot.
func (s *Summary) IsComputed() bool { return s.computed != "" }

// Given are the parameters of a run that was computed, as they were given, and the
// experiment it is of. They are empty for any other run, which has a Submission.
func (s *Summary) Given() (given json.RawMessage, experiment string) {
	if !s.IsComputed() {
		return nil, ""
	}
	var c computedJSON
	if json.Unmarshal([]byte(s.computed), &c) != nil {
		return nil, "" // which is told by whoever reads its plan
	}
	return c.Given, c.Experiment
}

// madeOf are the parameters and outputs of a computed run.
func (s *Store) madeOf(sum *Summary) (params []program.Param, outputs []program.Output, err error) {
	var c computedJSON
	if err := json.Unmarshal([]byte(sum.computed), &c); err != nil {
		return nil, nil, &Error{s.path, Damaged, fmt.Errorf("run %s: %w", sum.ID, err)}
	}
	for _, p := range c.Params {
		params = append(params, program.Param{Name: p[0], Value: p[1]})
	}
	for _, o := range c.Outputs {
		out := program.Output{Value: string(o[2])}
		if json.Unmarshal(o[0], &out.Name) != nil || json.Unmarshal(o[1], &out.Type) != nil {
			return nil, nil, &Error{s.path, Damaged, fmt.Errorf("run %s: its outputs cannot be read", sum.ID)}
		}
		outputs = append(outputs, out)
	}
	return params, outputs, nil
}

// computedPlan is the plan of a computed run as plan.json, with its files inside.
func (s *Store) computedPlan(ctx context.Context, sum *Summary) ([]byte, error) {
	form, err := s.blob(ctx, sum.plan)
	if err != nil {
		return nil, err
	}
	params, outputs, err := s.madeOf(sum)
	if err != nil {
		return nil, err
	}
	return program.FillIn(form, params, outputs), nil
}

// computedEvents are those of a run behind one of them: it was accepted, and over.
func (s *Store) computedEvents(ctx context.Context, q Query) ([]Event, error) {
	sum, err := s.one(ctx, q.Run, " WHERE id = ?", true, q.Run)
	var none *NoRun
	switch {
	case errors.As(err, &none):
		return nil, nil // which is no error of any other run either
	case err != nil || !sum.IsComputed():
		return nil, err
	}
	var out []Event
	for i, e := range []run.Event{
		run.Accepted{Run: sum.ID, Workflow: sum.Workflow, Fingerprint: sum.Fingerprint},
		run.Opened{},
		run.Finished{Verdict: run.VerdictOK},
	} {
		if seq := int64(i + 1); seq > q.AfterSeq {
			out = append(out, Event{Run: sum.ID, Record: run.Record{Seq: seq, At: sum.Began, Event: e}})
		}
	}
	return out, nil
}
