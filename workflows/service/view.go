package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// The states of runs, as View says them.
const (
	StateQueued    = "queued"
	StateWithdrawn = "withdrawn" // before it was begun
	StateRefused   = "refused"   // when its turn came
	StateForgotten = "forgotten" // the simulator ended in the middle of it
	StateRunning   = "running"
	StatePaused    = "paused"
	StateWaiting   = "waiting" // a step waits for a person, or for the world
	StateLeft      = "left"    // it is not over, and nobody follows it
	StateOK        = "ok"
	StateFailed    = "failed"
	StateStopped   = "stopped"
	StateInDoubt   = "in_doubt"
)

// StateNames lists the states of runs.
func StateNames() []string {
	return []string{StateQueued, StateRunning, StatePaused, StateWaiting, StateLeft, StateOK, StateFailed, StateStopped, StateInDoubt, StateWithdrawn, StateRefused, StateForgotten}
}

// View is a run as transports show it.
type View struct {
	ID         string          `json:"id" doc:"Names the run."`
	Task       string          `json:"task"`
	State      string          `json:"state" enum:"queued,running,paused,waiting,left,ok,failed,stopped,in_doubt,withdrawn,refused,forgotten"`
	Reason     string          `json:"reason,omitempty" doc:"Why it waits, or did not end well."`
	Over       bool            `json:"over" doc:"Nothing more becomes of it by itself."`
	Position   int             `json:"position,omitempty" doc:"Its place in the queue, from 1."`
	Parameters json.RawMessage `json:"parameters" doc:"As they were given."`
	Result     json.RawMessage `json:"result,omitempty" doc:"What the workflow returns, by name."`
	Steps      int             `json:"steps,omitempty"`
	Done       int             `json:"done,omitempty" doc:"Steps that are done."`
	Robot      string          `json:"robot,omitempty"`
	Serial     string          `json:"serial,omitempty"`
	By         string          `json:"by,omitempty"`
	Project    string          `json:"project,omitempty"`
	Experiment string          `json:"experiment,omitempty"`
	Queue      string          `json:"queue,omitempty" doc:"The robot that it waits for, or was begun on; * is any."`
	Labels     []string        `json:"labels,omitempty" doc:"That its robot must have."`
	Priority   int             `json:"priority,omitempty"`
	Submitted  time.Time       `json:"submitted,omitzero"`
	Began      time.Time       `json:"began,omitzero"`
	Ended      time.Time       `json:"ended,omitzero"`
	Seq        int64           `json:"seq,omitempty" doc:"Of its last event."`
	FailedStep int             `json:"failed_step,omitempty"`
	DoubtFirst int             `json:"in_doubt_first,omitempty"`
	DoubtLast  int             `json:"in_doubt_last,omitempty"`
	Unclosed   string          `json:"unclosed,omitempty" doc:"What was not done of what the workflow says under finally, and how that is done."`
	Question   *QuestionView   `json:"question,omitempty" doc:"What it asks a person."`
	Decided    *DecidedView    `json:"decided,omitempty" doc:"What a person has decided about the steps that are in doubt."`
	Elsewhere  *Elsewhere      `json:"elsewhere,omitempty" doc:"The device that carries it out, where that is not this server."`
}

// DecidedView is what a person has decided about steps of which nobody else knows
// whether they happened.
type DecidedView struct {
	Answer string `json:"answer" enum:"done,redo,skip,abort"`
	To     int    `json:"to,omitempty" doc:"The last step that happened, or is left out."`
	By     string `json:"by"`
}

// QuestionView is what a run asks.
type QuestionView struct {
	Step    int         `json:"step"`
	Message string      `json:"message"`
	Fields  []FieldView `json:"fields"`
}

// FieldView is one value of an answer.
type FieldView struct {
	Name        string   `json:"name" doc:"Empty where there is one value only."`
	Type        string   `json:"type"`
	Description string   `json:"description,omitempty"`
	Choices     []string `json:"choices,omitempty"`
	Min         string   `json:"min,omitempty"`
	Max         string   `json:"max,omitempty"`
	Default     *string  `json:"default,omitempty"`
}

// View is how a run stands, by its id.
func (d *Device) View(ctx context.Context, id string) (*View, error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	o, err := store.Submission(ctx, id)
	var none *journal.NoRun
	switch {
	case errors.As(err, &none):
		o = nil
	case err != nil:
		return nil, cannot("%v", err)
	case o.State != journal.Begun && o.State != journal.Forgotten:
		return d.queued(ctx, store, o)
	}
	sum, err := store.Find(ctx, id)
	switch {
	case errors.As(err, &none) && o != nil && o.State == journal.Begun:
		return nil, missing("run %s was forgotten", id)
	case errors.As(err, &none):
		return nil, missing("%v", err)
	case err != nil:
		return nil, cannot("%v", err)
	}
	if o == nil && sum.ID != id {
		if o, err = store.Submission(ctx, sum.ID); err != nil && !errors.As(err, &none) {
			return nil, cannot("%v", err)
		}
	}
	return d.ofRun(ctx, store, sum, o, true)
}

// queued is a submission that is no run.
func (d *Device) queued(ctx context.Context, store *journal.Store, o *journal.Submission) (*View, error) {
	v := &View{State: string(o.State), Reason: o.Reason, Over: o.State != journal.Queued, Ended: o.Closed}
	v.asked(o)
	if o.State != journal.Queued {
		return v, nil
	}
	at, err := d.line.place(ctx, store, o.ID)
	if err != nil {
		return nil, err
	}
	return d.queuedAt(o, at), nil
}

// queuedAt is a submission that waits at a place.
func (d *Device) queuedAt(o *journal.Submission, at placeIn) *View {
	v := &View{State: StateQueued, Position: at.position}
	v.asked(o)
	v.Reason, _ = d.whyWaits(o, at)
	return v
}

// whyWaits says why the run at a place of its queue waits; stuck says that it does so
// until somebody does something about it.
func (d *Device) whyWaits(o *journal.Submission, at placeIn) (why string, stuck bool) {
	if o.Queue == shared {
		return d.whyShared(o)
	}
	st, err := d.station(o.Queue)
	if err != nil {
		return o.Queue + " is no robot of this server", true
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case st.current != nil && at.position <= 1:
		return "run " + st.current.id + " is under way", false
	case at.position > 1:
		return fmt.Sprintf("%d before it in the queue, the next is %s", at.position-1, at.first), st.current == nil && st.blocked
	}
	return st.waits, st.blocked
}

// Blocked says why a run that waits does not begin before somebody does something
// about it; empty where it only waits for its turn.
func (d *Device) Blocked(ctx context.Context, id string) string {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return ""
	}
	o, err := store.Submission(ctx, id)
	if err != nil || o.State != journal.Queued {
		return ""
	}
	why, stuck := d.whyWaits(o, placeIn{position: 1})
	if !stuck {
		return ""
	}
	return why
}

// Waiting says why the first run that waits does not begin before somebody does
// something about it; empty where none does so.
func (d *Device) Waiting() string {
	for _, st := range d.stations {
		st.mu.Lock()
		why, stuck := st.waits, st.blocked && st.current == nil
		st.mu.Unlock()
		if stuck {
			return why
		}
	}
	return ""
}

func (v *View) asked(o *journal.Submission) {
	v.ID, v.Task, v.Parameters, v.Submitted = o.ID, o.Workflow, o.Given, o.At
	v.By, v.Project, v.Experiment, v.Priority, v.Queue, v.Labels = o.By.Name, o.Project, o.Experiment, o.Priority, o.Queue, o.Labels
}

// ofRun is a run that was begun; o is nil where it was not submitted. In full it has
// its result and what it asks.
func (d *Device) ofRun(ctx context.Context, store *journal.Store, sum *journal.Summary, o *journal.Submission, full bool) (_ *View, err error) {
	v := &View{Parameters: json.RawMessage("{}")}
	if o != nil {
		v.asked(o)
	}
	v.ID, v.Task, v.Robot, v.Serial, v.By, v.Project = sum.ID, sum.Workflow, sum.Robot.Name, sum.Robot.Serial, sum.By.Name, sum.Project
	v.Steps, v.Done, v.Began, v.Ended, v.Seq, v.Over = sum.Steps, sum.Done, sum.Began, sum.Ended, sum.Seq, sum.Over()
	v.Reason, v.FailedStep, v.DoubtFirst, v.DoubtLast = sum.Reason, sum.FailedStep, sum.Doubt.First, sum.Doubt.Last
	v.State = d.stateOf(ctx, store, sum)
	if v.State == StateLeft { // or it came to its end after sum was read, and its owner let go of the robot
		if now, err := store.Find(ctx, sum.ID); err == nil && (now.Seq != sum.Seq || now.State != sum.State) {
			return d.ofRun(ctx, store, now, o, full)
		}
	}
	if o != nil && o.State == journal.Forgotten {
		v.State, v.Reason, v.Over = StateForgotten, o.Reason, true
	}
	if given, experiment := sum.Given(); given != nil && o == nil {
		v.Parameters, v.Experiment, v.Submitted = given, experiment, sum.Began
	}
	if sum.Elsewhere != "" {
		return v, d.elsewhereView(ctx, store, sum, v)
	}
	if !full {
		return v, nil
	}
	if given, _ := sum.Given(); given == nil && o == nil {
		params, err := store.Params(ctx, sum)
		if err != nil {
			return nil, cannot("%v", err)
		}
		v.Parameters = namedTexts(params)
	}
	if v.State == StateOK {
		plan, err := store.Plan(ctx, sum, ot2.Machine{})
		if err != nil {
			return nil, cannot("%v", err)
		}
		v.Result = OutputsJSON(plan.Outputs)
	}
	if v.Unclosed, err = Unclosed(ctx, store, sum); err != nil {
		return nil, err
	}
	if v.State == StateWaiting || v.State == StateInDoubt {
		err := d.told(ctx, store, sum, func(story *run.Story) {
			if a := story.Last().State.Answer; a != nil {
				v.Decided = &DecidedView{a.Answer.String(), a.To, a.By}
			}
			if v.State == StateWaiting {
				v.Question = questionView(story)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

// stateOf is the state of a run that was begun.
func (d *Device) stateOf(ctx context.Context, store *journal.Store, sum *journal.Summary) string {
	c := d.controlsOf(sum.ID)
	switch {
	case sum.State == "waits":
		return StateWaiting
	case sum.State != "open" && sum.State != "begun":
		return sum.State // also left
	case c != nil && c.Now().Waiting:
		return StateWaiting
	case c != nil && c.Now().Halted != run.NoStatus:
		return StatePaused
	case c != nil:
		return StateRunning
	}
	if sum.Robot.Key == "" {
		return StateRunning // in another process, or between here and there
	}
	owner, err := store.Owner(ctx, sum.Robot.Key)
	if err == nil && owner != nil && owner.Run == sum.ID {
		return StateRunning
	}
	return StateLeft
}

func questionView(story *run.Story) *QuestionView {
	if step := questionOf(story); step != nil {
		q := &QuestionView{Step: step.N, Message: strings.TrimSpace(step.Live.Message)}
		for i := range step.Live.Fields {
			f := &step.Live.Fields[i]
			q.Fields = append(q.Fields, FieldView{f.Name, f.Type, f.Description, f.Choices, f.Min, f.Max, f.Default})
		}
		return q
	}
	state := &story.Last().State
	if state.Waiting == 0 {
		return nil
	}
	step := &story.Last().Plan.Steps[state.Waiting-1]
	return &QuestionView{Step: step.N, Message: step.Text, Fields: []FieldView{}}
}

func namedTexts(params []program.Param) json.RawMessage {
	b := []byte{'{'}
	for i, p := range params {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(program.AppendString(b, p.Name), ':')
		b = program.AppendString(b, p.Value)
	}
	return append(b, '}')
}

// OutputsJSON is what a workflow returns, by name.
func OutputsJSON(list []program.Output) json.RawMessage {
	b := []byte{'{'}
	for i, o := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(program.AppendString(b, o.Name), ':')
		b = append(b, o.Value...) // it is JSON
	}
	return append(b, '}')
}

// Wanted says which runs are listed. Its zero value is all of them.
type Wanted struct {
	Task  string
	State string // one of StateNames
	By    string
	After string // the id of a run: those listed after it, which are older
	Limit int    // at most so many
}

// List returns runs, newest first, those that were not begun before all others, and
// the id to go on after where there may be more.
func (d *Device) List(ctx context.Context, w Wanted) (list []*View, next string, err error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, "", err
	}
	of := func(task, by string) bool {
		same := strings.ReplaceAll(w.Task, "_", "-") == strings.ReplaceAll(task, "_", "-")
		return (w.Task == "" || same) && (w.By == "" || w.By == by)
	}
	if state := journal.SubmissionState(w.State); w.After == "" && (w.State == "" || state == journal.Queued || state == journal.Withdrawn || state == journal.Refused || state == journal.Forgotten) {
		if state == "" {
			state = journal.Queued
		}
		all, err := submissions(ctx, store, state)
		if err != nil {
			return nil, "", err
		}
		places := placesIn(all)
		for _, o := range slices.Backward(all) {
			switch {
			case !of(o.Workflow, o.By.Name):
			case state == journal.Queued:
				list = append(list, d.queuedAt(o, places[o.ID]))
			default:
				v, err := d.View(ctx, o.ID)
				if err != nil {
					return nil, "", err
				}
				list = append(list, v)
			}
		}
		if w.State != "" {
			return list[:min(len(list), w.Limit)], "", nil
		}
	}
	f := journal.Filter{Workflow: w.Task, By: w.By, After: w.After}
	switch w.State {
	case StateOK, StateFailed, StateStopped, StateInDoubt, StateLeft:
		f.State = w.State
	case StateWaiting:
		f.State = "waits"
	case StateRunning, StatePaused:
		f.State = "open"
	}
	for sum, err := range store.Runs(ctx, f) {
		if err != nil {
			return nil, "", cannot("%v", err)
		}
		if len(list) >= w.Limit {
			return list, next, nil
		}
		o, err := store.Submission(ctx, sum.ID)
		if err != nil {
			o = nil
		}
		v, err := d.ofRun(ctx, store, sum, o, false)
		if err != nil {
			return nil, "", err
		}
		next = sum.ID
		if w.State == "" || v.State == w.State {
			list = append(list, v)
		}
	}
	return list, "", nil
}

// Wait returns how a run stands as soon as it is over, or enough says that it is
// waited for long enough, or ctx is done.
func (d *Device) Wait(ctx context.Context, id string, enough func(*View) bool) (*View, error) {
	for {
		changed := d.changed.next()
		v, err := d.View(context.WithoutCancel(ctx), id)
		if err != nil || v.Over || ctx.Err() != nil || enough != nil && enough(v) {
			return v, err
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// StepView is a step of a run.
type StepView struct {
	N    int    `json:"n"`
	ID   string `json:"id"`
	Op   string `json:"op"`
	Well string `json:"well,omitempty"`
	Text string `json:"text" doc:"What it does, for people."`
	Line int    `json:"line,omitempty" doc:"Of the workflow."`
	Fate string `json:"fate" enum:"not_yet,done,skipped,doubtful"`
}

// Steps are those of a run whose number is above after, at most so many, and what
// became of them.
func (d *Device) Steps(ctx context.Context, id string, after, most int) ([]StepView, error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	var plan *program.Plan
	var fates []run.Fate
	sum, err := store.Find(ctx, id)
	var none *journal.NoRun
	switch {
	case errors.As(err, &none):
		plan, err = store.SubmittedPlan(ctx, id, ot2.Machine{})
		if errors.As(err, &none) {
			return nil, missing("%v", err)
		}
	case err == nil:
		err = d.told(ctx, store, sum, func(story *run.Story) { plan, fates = story.Plan, story.Fates() })
	}
	if err != nil {
		return nil, cannot("%v", err)
	}
	words := map[run.Fate]string{run.NotYet: "not_yet", run.IsDone: "done", run.Skipped: "skipped", run.Doubtful: "doubtful"}
	out := []StepView{}
	for i := max(0, after); i < len(plan.Steps) && len(out) < most; i++ {
		s := &plan.Steps[i]
		v := StepView{N: s.N, ID: s.ID(), Op: s.Op.Kind.String(), Text: depict.Line(depict.Sentence(s, plan.Deck)), Line: s.Where().Start.Line, Fate: "not_yet"}
		if s.Op.Well != program.None {
			v.Well = plan.Deck.WellName(s.Op.Well)
		}
		if i < len(fates) {
			v.Fate = words[fates[i]]
		}
		out = append(out, v)
	}
	return out, nil
}
