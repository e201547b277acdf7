package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Options says what is to be run, where, and who hears of it.
type Options struct {
	Run     string
	Plan    *program.Plan
	Backend Backend
	// Journal remembers the run. One that has records is gone on with: the
	// run is found again on the device, and what happened there is learnt
	// before anything else is sent. Nil is a Memory.
	Journal Journal
	// Rest is what a run is gone on with that ended before its end. It was made
	// from the records of the Journal.
	Rest *Rest
	// Look has the run found again and what happened to it learnt, and then
	// left as it is: nothing is sent and nothing asked for.
	Look bool
	By   string // who goes on with the run
	// Timer estimates how long steps take, for Progress and for stops. Nil
	// leaves both without times.
	Timer func(*program.Deck) program.Timer
	Fence int64
	// BatchSteps is how many steps are sent at a time; 0 sends the plan as one.
	BatchSteps int
	// Requests carries what people ask for while the run is under way. Nil and
	// closed channels are silent.
	Requests <-chan Request
	// Answer is asked when a step waits for a person; it returns Resume or
	// Stop. Its context ends when the answer is no longer needed. An error
	// counts as Stop. Nil leaves it to Requests.
	Answer func(ctx context.Context, q Question) (Control, error)
	// Perform carries out a step beside the device, and returns what it gave,
	// fit for Grow. Its context ends when that is no longer waited for; the
	// cause ErrNoAnswer says that the time for a question is over, and whatever
	// counts then is to be returned. Errors are of type *Error: after one that
	// leaves open whether something was taken, of kind Timeout or InDoubt, a
	// person decides, unless the step is Repeatable. Nil fails every such step.
	Perform func(ctx context.Context, step *program.Step) (Response, error)
	// Grow returns the plan as far as it is certain with these results, whose N
	// are those of the run's plan. It begins as the plan so far does. An error
	// says why the run cannot go on; the run is stopped. Nil is such an error.
	Grow func(ctx context.Context, results []Performed) (*program.Plan, error)
	// Closing returns what finally says behind the end of a run, with these results
	// of steps beside the device in it; N counts its own steps.
	Closing func(ctx context.Context, at *Ending, results []Performed) (*program.Closing, error)
	// Observe hear every event in order, after it was journalled.
	Observe []func(Event, Progress)
	Clock   Clock  // nil is the machine's
	Seed    uint64 // of what is drawn where the device is simulated; only remembered
	// Virtual has timeouts count by the device's clock, and by what Perform says
	// that its steps took, and not by Clock. It is for a simulator, whose hours
	// take no time.
	Virtual bool
	// StopWithin is how far away by the time model the next step without a
	// tip may be for a stop to wait for it; 0 is DefaultStopWithin, and
	// without a Timer it is any number of steps.
	StopWithin time.Duration
	// Patience is how long a lost connection is waited for; 0 is until ctx ends.
	Patience time.Duration
}

// DefaultStopWithin is how long a stop waits for a step without a tip.
const DefaultStopWithin = 2 * time.Minute

// Request is what a person asks of a run. The first Stop waits for a place
// where no tip is on, and the first Pause for one where no tip holds liquid, if
// that is near (see Options.StopWithin); a second one, or one that says Now,
// does not.
type Request struct {
	Control Control
	Now     bool
	By      string
}

// Question is what a step that waits for a person says.
type Question struct {
	N    int
	ID   string
	Text string
}

// Response is what a step beside the device gave.
type Response struct {
	Values map[string]string // as people write them; a single answer has the name ""
	By     string            // who answered; empty where it was the world
	TookMS int64             // where time is Virtual: how long it took; also of one that failed
}

// ErrNoAnswer is why the context of Options.Perform ends when a question was
// not answered in time.
var ErrNoAnswer = errors.New("there was no answer in time")

// AnswerAtOnce answers every question with Resume.
func AnswerAtOnce(context.Context, Question) (Control, error) { return Resume, nil }

// Progress is how far a run is when an event happened.
type Progress struct {
	Plan        *program.Plan // of the part under way
	N           int           // the step under way, or the last one done
	Label       string        // how people name step N: as in the run's plan; + and N for one that was added
	Total       int           // steps of the plan; where it goes on by what comes back, of what is likely
	Of          int           // the same of the run's plan, which Plan is the rest of
	Open        bool          // the plan goes on by what comes back
	Well        string        // of step N; empty where it has none
	ElapsedMS   int64         // by the device's clock
	RemainingMS int64         // by the time model, from the last step done
}

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type wallClock struct{}

func (wallClock) Now() time.Time                         { return time.Now() }
func (wallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Result says how a run ended and exactly what was done. Steps 1 to Done are;
// those after it are not, except for a CutOff and a Doubt.
type Result struct {
	Verdict   Verdict // NoVerdict: it was left under way
	Total     int
	Done      int
	CutOff    int   // the step a stop cut off, how much of which happened is not known; 0: none
	Doubt     Doubt // the steps of which nobody knows; the zero Doubt: none
	ElapsedMS int64 // by the device's clock
	State     State
	Story     *Story // all parts of the run; the figures above are of the last one
}

// Run carries out a plan, or goes on with what the journal says was begun. It
// returns when the device has confirmed how the run ended, or when ctx is
// done: then the run is left as it is and goes on. The error is nil for a run
// that is done or was stopped as asked, of type *Error for a failed one, and
// the journal's own where that fails; the Result holds in every case.
func Run(ctx context.Context, o Options) (Result, error) {
	d, err := newDriver(ctx, o)
	if err != nil {
		return Result{}, err
	}
	defer d.release()
	err = d.run(ctx)
	return d.result(), d.verdict(ctx, err)
}

// newDriver takes up what the journal knows.
func newDriver(ctx context.Context, o Options) (*driver, error) {
	if o.Journal == nil {
		o.Journal = new(Memory)
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	if o.StopWithin == 0 {
		o.StopWithin = DefaultStopWithin
	}
	records, err := o.Journal.Read(context.WithoutCancel(ctx)) // who gives up before it began has that written down, too
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	story, err := Tell(o.Plan, records)
	if err != nil {
		return nil, err
	}
	d := &driver{o: o, story: story, m: &story.m}
	for i := range records {
		d.timing.see(&records[i])
	}
	d.begunAt = d.timing.base
	if len(records) > 0 {
		d.seq = records[len(records)-1].Seq
	}
	d.take()
	return d, nil
}

func (d *driver) result() Result {
	s := d.m.State()
	r := Result{Verdict: s.Verdict, Total: s.Accepted.Steps, Done: s.Done, Doubt: s.Doubt, ElapsedMS: d.elapsed, State: s, Story: d.story}
	d.story.last().State = s
	if s.CutOff != nil {
		r.CutOff = s.CutOff.Step
	}
	return r
}

// verdict turns the state into the error of Run.
func (d *driver) verdict(ctx context.Context, err error) error {
	s := &d.m.state
	switch {
	case err != nil:
		return err
	case s.Left:
		return &Error{Kind: Unreachable, Message: d.whyLeft(), Err: context.Cause(ctx)}
	case s.Failure != nil:
		return d.stepError(s.Failure)
	}
	return nil
}

func (d *driver) whyLeft() string {
	s := &d.m.state
	if d.whyLeaves != "" {
		return fmt.Sprintf("left standing after step %d: %s", s.Done, d.whyLeaves)
	}
	if !s.Sent && s.Stage < Intending {
		return "left before anything was sent"
	}
	d.story.last().State = d.m.State()
	done := 0
	for _, f := range d.story.Fates() {
		if f == IsDone {
			done++
		}
	}
	return fmt.Sprintf("left under way: %d of %d steps were done when it was last seen", done, len(d.story.Plan.Steps))
}

func (d *driver) stepError(f *Failure) *Error {
	e := &Error{Kind: f.Kind, Step: f.Step, Message: f.Reason}
	if f.Step > 0 && f.Step <= len(d.plan.Steps) {
		step := &d.plan.Steps[f.Step-1]
		e.ID, e.Where = step.ID(), step.Where()
		if o := d.story.last().Origin[f.Step-1]; o > 0 {
			e.Step = o
		}
	}
	return e
}

// clean makes text from outside fit for the journal, which is JSON.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
