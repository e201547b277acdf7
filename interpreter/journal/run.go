package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// Robot says where a run is carried out.
type Robot struct {
	Key       string // what the lease is on: the serial number, or the address; empty for a simulator
	Name      string
	Address   string
	Serial    string
	Software  string
	Simulated bool
}

// Start is what is known of a run before anything happens.
type Start struct {
	Plan    *program.Plan // with its files
	Robot   Robot
	By      Holder
	Version string // of ot2flow
	Repeats string // the id of the run that this one repeats; empty where there is none
	// Submission is the id of what was submitted and is begun now; empty where nothing
	// was. Begin is refused as *Taken where it does not wait any more.
	Submission string
	Queue      string        // of the robot, which the submission is of from now on; empty: as it was
	Ledger     string        // what the changes of the run go into; empty: nothing
	Project    string        // that it is for; empty: none
	Tools      []ledger.Tool // what is on the robot
	// Defs are the definitions of the plans of other runs, which are read where
	// there are quotas. Of a run on a robot they may not be nil.
	Defs program.Definitions
	// Lease is what the run is carried out under. It may be nil where Robot.Key
	// is empty.
	Lease *Lease
	// Lazy lets Append return for steps that began or ended before they are on
	// the disk; they get there with the next event that says more. It is for
	// simulators, where nothing is lost with them.
	Lazy bool
}

// Run is the journal of one run, open to be written. It implements
// run.Journal, and is used by one runner at a time.
type Run struct {
	store   *Store
	key     int64
	id      string
	robot   string
	fence   int64
	lazy    bool
	machine run.Machine
	part    part
	seq     int64 // of the last record taken
	pending []row // taken, and not written
}

var _ run.Journal = (*Run)(nil)

// part says how the steps of what is carried out now are numbered in the run's
// plan: after those added, it goes on with step from.
type part struct{ from, added int }

// on takes the next event.
func (p *part) on(e run.Event) {
	if c, ok := e.(run.Continued); ok && !c.Closing {
		*p = part{c.From, len(c.Added)}
	}
}

// of returns the step of the run's plan that step n of the part is; 0 is none.
func (p part) of(n int) int {
	switch {
	case p.from == 0:
		return n
	case n == 0:
		return p.from - 1
	}
	return p.from - 1 + max(0, n-p.added)
}

// row is a record as it is written.
type row struct {
	seq, at    int64
	kind, data string
}

// lazyRows is how many records a lazy run holds back at most.
const lazyRows = 4096

// ID returns the id of the run.
func (r *Run) ID() string { return r.id }

// Begin adds a run, with its files and its plan. It is refused as
// *Unreconciled while others on the same robot have begun and not ended, as
// *Fenced if the lease is not the newest, and as *OverQuota where it needs more
// than is left to whoever begins it.
func (s *Store) Begin(ctx context.Context, o Start) (*Run, error) {
	plan, files, err := contents(o.Plan)
	if err != nil {
		return nil, fmt.Errorf("packing the plan: %w", err)
	}
	r := &Run{store: s, robot: o.Robot.Key, lazy: o.Lazy}
	if o.Lease != nil {
		r.robot, r.fence = o.Lease.robot, o.Lease.fence
	}
	for {
		err = s.begin(ctx, r, &o, plan, files)
		if !errors.Is(err, errMeanwhile) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *Store) begin(ctx context.Context, r *Run, o *Start, plan content, files []content) error {
	seen, err := s.withinQuota(ctx, o)
	if err != nil {
		return err
	}
	now := s.now()
	return s.write(ctx, func(t *tx) error {
		if err := r.mayMove(t); err != nil {
			return err
		}
		if err := seen.holds(t); err != nil {
			return err
		}
		if open, err := t.unfinished(r.robot); err != nil || len(open) > 0 {
			return orElse(err, &Unreconciled{r.robot, open})
		}
		if r.id = o.Submission; r.id != "" {
			if err := t.begun(r.id, o.Queue); err != nil {
				return err
			}
			return r.insert(t, o, now.UnixNano(), plan, files)
		}
		var err error
		if r.id, err = t.newID(now); err != nil {
			return err
		}
		return r.insert(t, o, now.UnixNano(), plan, files)
	})
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// contents packs a plan and its files.
func contents(p *program.Plan) (plan content, files []content, err error) {
	if plan, err = packedPlan(p); err != nil {
		return plan, nil, err
	}
	for _, f := range p.Files {
		c, err := packed(f.Data)
		if err != nil {
			return plan, nil, err
		}
		files = append(files, c)
	}
	return plan, files, nil
}

func (r *Run) insert(t *tx, o *Start, began int64, plan content, files []content) error {
	blob, err := t.keep(plan)
	if err != nil {
		return err
	}
	tools, err := json.Marshal(o.Tools)
	if err != nil {
		return err
	}
	p := o.Plan
	r.key, err = t.insert(`INSERT INTO runs (id, workflow, file, fingerprint, plan, steps, estimate, robot, robot_name, address, serial, software, simulated,
		name, host, pid, version, repeats, fence, began, at, ledger, project, tools) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.id, p.Workflow.Name, p.Workflow.File, p.Fingerprint, blob, len(p.Steps), p.EstimateMS, r.robot, o.Robot.Name, o.Robot.Address, o.Robot.Serial, o.Robot.Software, o.Robot.Simulated,
		o.By.Name, o.By.Host, o.By.PID, o.Version, o.Repeats, r.fence, began, began, o.Ledger, o.Project, string(tools))
	if err != nil {
		return err
	}
	for i, v := range p.Workflow.Params {
		if err := t.exec("INSERT INTO params (run, n, name, value) VALUES (?, ?, ?, ?)", r.key, i, v.Name, v.Value); err != nil {
			return err
		}
	}
	for i := range files {
		blob, err := t.keep(files[i])
		if err != nil {
			return err
		}
		if err := t.exec("INSERT INTO files (run, n, name, blob) VALUES (?, ?, ?, ?)", r.key, i, p.Files[i].Name, blob); err != nil {
			return err
		}
	}
	return nil
}

// Continue opens a run that has not ended, to go on with it under a lease on
// its robot, which may be nil for a simulator's. From then on nobody else can
// write to it.
func (s *Store) Continue(ctx context.Context, id string, l *Lease) (*Run, error) {
	sum, err := s.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	r := &Run{store: s, key: sum.key, id: sum.ID, robot: sum.Robot.Key, lazy: sum.Robot.Simulated}
	if l != nil {
		r.fence = l.fence
	}
	if l != nil && l.robot != r.robot {
		return nil, fmt.Errorf("run %s is on robot %s, and the lease is on %s", r.id, r.robot, l.robot)
	}
	err = s.write(ctx, func(t *tx) error {
		if err := r.mayMove(t); err != nil {
			return err
		}
		return t.exec("UPDATE runs SET fence = ? WHERE key = ?", r.fence, r.key)
	})
	if err != nil {
		return nil, err
	}
	for e, err := range s.Events(ctx, Query{Run: r.id}) {
		if err != nil {
			return nil, err
		}
		if _, err := r.machine.On(e.Record.Event); err != nil {
			return nil, &Error{s.path, Damaged, fmt.Errorf("record %d of run %s: %w", e.Record.Seq, r.id, err)}
		}
		r.part.on(e.Record.Event)
		r.seq = e.Record.Seq
	}
	return r, nil
}

// mayMove fails unless the run's lease is held and the newest. A simulator's
// run has none.
func (r *Run) mayMove(t *tx) error {
	if r.robot == "" {
		return nil
	}
	var fence int64
	found, err := t.row("SELECT fence FROM leases WHERE robot = ? AND held", []any{r.robot}, &fence)
	if err == nil && (!found || fence != r.fence) {
		return &Fenced{r.id}
	}
	return err
}

// Append adds records, whose Seq goes on from the last one, all or none. When
// it returns nil they survive a crash, those of a lazy run excepted. It fails
// as *Fenced once somebody else owns the robot or the run. An event that
// cannot happen in the run is refused, so that what is read can be folded.
func (r *Run) Append(ctx context.Context, records ...run.Record) error {
	machine, part, seq, routine := r.machine, r.part, r.seq, true
	rows := r.pending
	var grown *program.Plan
	for i := range records {
		rec := &records[i]
		if seq++; rec.Seq != seq {
			return fmt.Errorf("record %d of run %s follows on %d", rec.Seq, r.id, seq-1)
		}
		if _, err := machine.On(rec.Event); err != nil {
			return err
		}
		part.on(rec.Event)
		if g, is := rec.Event.(run.Grown); is && g.Plan != nil {
			grown = g.Plan
		}
		data, err := run.EncodeEvent(rec.Event)
		if err != nil {
			return err
		}
		kind := rec.Event.Kind()
		routine = routine && isRoutine(kind)
		rows = append(rows, row{seq, rec.At.UnixNano(), kind, string(data)})
	}
	if r.lazy && routine && len(rows) < lazyRows {
		r.machine, r.part, r.seq, r.pending = machine, part, seq, rows
		return nil
	}
	if len(rows) > 0 {
		f := foldOf(machine.State(), part)
		plan, err := packedPlan(grown)
		if err != nil {
			return err
		}
		err = r.store.write(ctx, func(t *tx) error {
			if err := r.add(t, rows, &f); err != nil || grown == nil {
				return err
			}
			return r.replacePlan(t, grown, plan)
		})
		if err != nil {
			return err
		}
	}
	r.machine, r.part, r.seq, r.pending = machine, part, seq, rows[:0]
	return nil
}

// packedPlan packs a plan without its files; nil is none.
func packedPlan(p *program.Plan) (content, error) {
	if p == nil {
		return content{}, nil
	}
	w := newPacker()
	if err := p.Write(w, false); err != nil {
		return content{}, err
	}
	return w.content()
}

// replacePlan keeps a plan that has grown in place of the one there is, which
// is forgotten unless another run has it.
func (r *Run) replacePlan(t *tx, p *program.Plan, plan content) error {
	var old int64
	if _, err := t.row("SELECT plan FROM runs WHERE key = ?", []any{r.key}, &old); err != nil {
		return err
	}
	blob, err := t.keep(plan)
	if err != nil {
		return err
	}
	if err := t.exec("UPDATE runs SET plan = ?, fingerprint = ?, steps = ?, estimate = ? WHERE key = ?", blob, p.Fingerprint, len(p.Steps), p.EstimateMS, r.key); err != nil {
		return err
	}
	return t.exec("DELETE FROM blobs WHERE key = ? AND NOT EXISTS (SELECT 1 FROM runs WHERE plan = blobs.key) AND NOT EXISTS (SELECT 1 FROM files WHERE blob = blobs.key)", old)
}

// isRoutine reports whether an event says no more than that a step began or
// ended. All but these are in the index events_notable.
func isRoutine(kind string) bool { return kind == "step_started" || kind == "step_done" }

// add writes rows and their fold.
func (r *Run) add(t *tx, rows []row, f *fold) error {
	if err := r.mayMove(t); err != nil {
		return err
	}
	last := rows[len(rows)-1]
	var ended any
	if f.over {
		ended = last.at
	}
	n, err := t.count(`UPDATE runs SET seq = ?, at = ?, ended = ?, verdict = ?, done = ?, intended = ?, waiting = ?, left = ?, doubt_first = ?, doubt_last = ?, failed_step = ?, reason = ?
		WHERE key = ? AND seq = ? AND fence = ?`,
		last.seq, last.at, ended, f.verdict.String(), f.done, f.intended, f.waiting, f.left, f.doubt.First, f.doubt.Last, f.failed, f.reason,
		r.key, rows[0].seq-1, r.fence)
	if err != nil {
		return err
	}
	if n == 0 {
		return &Fenced{r.id}
	}
	for i := range rows {
		e := &rows[i]
		if err := t.exec("INSERT INTO events (run, seq, at, kind, data) VALUES (?, ?, ?, ?, ?)", r.key, e.seq, e.at, e.kind, e.data); err != nil {
			return err
		}
	}
	return nil
}

// fold is what the row of a run says of its events. Steps are those of the
// run's plan.
type fold struct {
	over, intended, left  bool
	verdict               run.Verdict
	done, waiting, failed int
	doubt                 run.Doubt
	reason                string
}

func foldOf(s run.State, p part) fold {
	if s.Closes != nil {
		f := foldOf(*s.Closes, p)
		f.over, f.verdict, f.left = false, run.NoVerdict, s.Left
		if s.Stage == run.Performing || s.Waiting > 0 {
			f.waiting = max(1, f.done)
		}
		return f
	}
	f := fold{
		over: s.Stage == run.Over, intended: s.Batch.First > 0 || p.from > 0, left: s.Left,
		verdict: s.Verdict, done: p.of(s.Done), reason: s.Reason,
	}
	switch {
	case s.Waiting > 0:
		f.waiting = p.of(s.Waiting)
	case s.Stage == run.Performing: // for a person, or for the world
		f.waiting = p.of(s.Batch.First)
	}
	if s.Doubt.First > 0 {
		f.doubt = run.Doubt{First: p.of(s.Doubt.First), Last: p.of(s.Doubt.Last)}
	}
	if s.Failure != nil {
		f.failed, f.reason = 0, s.Failure.Reason
		if s.Failure.Step > 0 {
			f.failed = p.of(s.Failure.Step)
		}
	}
	return f
}

// Read returns every record of the run, in order.
func (r *Run) Read(ctx context.Context) ([]run.Record, error) {
	if len(r.pending) > 0 {
		rows, f := r.pending, foldOf(r.machine.State(), r.part)
		if err := r.store.write(ctx, func(t *tx) error { return r.add(t, rows, &f) }); err != nil {
			return nil, err
		}
		r.pending = rows[:0]
	}
	out := make([]run.Record, 0, r.seq)
	for e, err := range r.store.Events(ctx, Query{Run: r.id}) {
		if err != nil {
			return nil, err
		}
		out = append(out, e.Record)
	}
	return out, nil
}

// timeOf is a time as the journal keeps it.
func timeOf(ns int64) time.Time { return time.Unix(0, ns).UTC() }
