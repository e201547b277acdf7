package run

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// beside is a step beside the device that is being carried out. The zero beside
// is none.
type beside struct {
	n       int
	ended   chan performed
	limit   <-chan time.Time // when a question is no longer waited for; nil: never
	cancel  context.CancelCauseFunc
	givenUp bool
}

// performed is how it came to an end.
type performed struct {
	response Response
	err      error
}

var errGivenUp = errors.New("it is no longer waited for")

// giveUp ends the wait. What ended says after that still counts.
func (b *beside) giveUp() {
	if b.cancel != nil {
		b.givenUp, b.limit = true, nil
		b.cancel(errGivenUp)
	}
}

// late ends the wait for an answer that did not come in time.
func (b *beside) late() {
	b.limit = nil
	b.cancel(ErrNoAnswer)
}

// perform begins to carry out step n beside the device.
func (d *driver) perform(ctx context.Context, n int) {
	step := &d.plan.Steps[n-1]
	b := beside{n: n, ended: make(chan performed, 1)}
	ctx, b.cancel = context.WithCancelCause(ctx)
	if d.timing.givenUp = d.noTime(); d.timing.givenUp > 0 {
		b.cancel(errOverdue)
		b.ended <- performed{err: &Error{Kind: Unreachable, Message: "it was not begun"}}
		d.beside = b
		return
	}
	if step.Op.Kind == program.Ask && step.Live.TimeoutMS > 0 {
		b.limit = d.o.Clock.After(time.Duration(step.Live.TimeoutMS) * time.Millisecond)
	}
	d.beside = b
	carryOut := d.o.Perform
	if carryOut == nil {
		carryOut = func(context.Context, *program.Step) (Response, error) {
			return Response{}, &Error{Kind: Rejected, Message: "there is nobody to carry it out"}
		}
	}
	d.wg.Go(func() {
		r, err := carryOut(ctx, step)
		b.cancel(nil)
		b.ended <- performed{r, err}
	})
}

// performed turns how a step beside the device ended into an event.
func (d *driver) performed(ctx context.Context, p performed) error {
	b := d.beside
	d.beside = beside{}
	d.timing.beside += p.response.TookMS
	e := Performed{N: b.n, Left: d.left()}
	if len(e.Left) > 0 {
		e.AtMS = d.now()
	}
	if p.err == nil {
		e.Values, e.By = cleaned(p.response.Values), clean(p.response.By)
		return d.emit(ctx, e)
	}
	step := &d.plan.Steps[b.n-1]
	reason, k := clean(p.err.Error()), KindOf(p.err)
	e.Failed, e.Cause = reason, causeOf(p.err)
	over := d.timing.givenUp > 0 && ctx.Err() == nil && !b.givenUp
	if over {
		e.Failed, e.Cause = d.story.Plan.Limits[d.timing.givenUp-1].String()+" has passed", program.NoAnswer
	}
	switch {
	case ctx.Err() != nil:
		return d.leave(ctx) // the intent stays; whoever goes on finds out what it means
	case b.givenUp && step.Repeatable():
		return d.emit(ctx, NotTaken{First: b.n, Last: b.n, Evidence: "given up before it came to an end"})
	case b.givenUp:
		return d.emit(ctx, StepFailed{N: b.n, Evidence: "given up before it came to an end: " + reason})
	case (k == Timeout || k == InDoubt || over && k != Unreachable) && !step.Repeatable():
		return d.emit(ctx, Doubted{First: b.n, Last: b.n, Evidence: reason})
	}
	return d.emit(ctx, e)
}

// causes are the kinds of failures of steps beside the device as workflows name
// them.
var causes = map[Kind]program.Cause{
	Unreachable: program.Unreachable, Busy: program.Occupied, Timeout: program.NoAnswer,
	InDoubt: program.InDoubt, Invalid: program.Invalid, Rejected: program.Rejected,
}

func causeOf(err error) program.Cause {
	if c, known := causes[KindOf(err)]; known {
		return c
	}
	return program.Rejected
}

// KindFor is the kind of an error that a workflow takes for a failure by c.
func KindFor(c program.Cause) Kind {
	for k, is := range causes {
		if is == c {
			return k
		}
	}
	return Rejected
}

func cleaned(values map[string]string) map[string]string {
	out := make(map[string]string, len(values))
	for name, v := range values {
		out[name] = clean(v)
	}
	return out
}

// findBeside says what is known of a step beside the device that somebody began
// who is gone. What can be done again without harm is.
func (d *driver) findBeside(ctx context.Context, n int) error {
	if step := &d.plan.Steps[n-1]; !step.Repeatable() {
		return d.emit(ctx, Doubted{First: n, Last: n, Evidence: "whoever carried it out was cut off before its outcome was known"})
	}
	return d.emit(ctx, NotTaken{First: n, Last: n, Evidence: "whoever carried it out was cut off; it is done again"})
}

// grow has the plan gone on with.
func (d *driver) grow(ctx context.Context) error {
	if d.m.state.Closes != nil {
		return d.growClosing(ctx)
	}
	if d.o.Grow == nil {
		return d.emit(ctx, GrowFailed{Reason: "nobody knows how the plan goes on"})
	}
	plan, err := d.o.Grow(ctx, d.story.results())
	switch {
	case err != nil && ctx.Err() != nil:
		return d.leave(ctx)
	case err != nil:
		return d.emit(ctx, GrowFailed{Reason: clean(err.Error())})
	}
	e, err := d.story.longer(plan)
	if err != nil {
		d.whyLeaves = clean(err.Error())
		return d.emit(ctx, Left{Reason: d.whyLeaves})
	}
	if err := d.story.fit(&e); err != nil {
		return d.emit(ctx, GrowFailed{Reason: clean(err.Error())})
	}
	return d.emit(ctx, e)
}

// grown takes over the longer plan.
func (d *driver) grown() {
	d.plan = d.story.last().Plan
	d.clock = newStepClock(d.plan, d.o.Timer)
	d.timing.forgetLimits()
	if d.session != nil {
		if w, is := d.session.(*stretched); is {
			d.session = w.Session
		}
		d.session = d.of(d.session)
		d.session.Extend(d.stretch())
	}
}

// results are what the steps beside the device gave in all parts of the run, by
// the steps of the run's plan.
func (s *Story) results() []Performed {
	var out []Performed
	for i := range s.Parts {
		p := &s.Parts[i]
		state := &p.State
		if p == s.last() {
			state = &s.m.state
		}
		for _, r := range state.Performed {
			if r.N = p.Origin[r.N-1]; r.N > 0 {
				out = append(out, r)
			}
		}
		if r, ok := p.decidedResult(state); ok {
			out = append(out, r)
		}
	}
	return out
}

// decidedResult is what a person said that a step beside the device gave, of
// which nobody knew whether it was carried out.
func (p *Part) decidedResult(state *State) (Performed, bool) {
	d, unclear := state.Unclear()
	if !unclear || state.Answer == nil || p.Plan.Steps[d.First-1].Live == nil {
		return Performed{}, false
	}
	switch a := state.Answer; a.Answer {
	case AnswerDone, AnswerSkip:
		return Performed{N: p.Origin[d.First-1], Values: a.Values, By: a.By}, true
	default:
		return Performed{}, false
	}
}

// longer is the event of a plan that goes on from the one there is. The error
// says that it does not.
func (s *Story) longer(plan *program.Plan) (Grown, error) {
	p := s.last()
	certain := 0 // steps of the run's plan that something was done about
	for _, o := range p.Origin[:s.m.state.Done] {
		certain = max(certain, o)
	}
	if p.begun != nil {
		certain = max(certain, p.begun.From-1)
	}
	if !plan.BeginsAs(s.Plan, certain) {
		return Grown{}, errors.New("the plan does not go on as it began: it was made by another version of this program, or the journal is damaged")
	}
	q := *p
	e := Grown{Open: plan.Outlook != nil, Fingerprint: plan.Fingerprint, Failed: plan.Failed, Plan: plan}
	if err := q.Grow(plan, &e); err != nil {
		return e, err
	}
	e.Steps, e.Live, e.Protocols = len(q.Plan.Steps), q.Plan.Live(), q.Plan.Protocols()
	if e.Open && e.Steps <= s.m.state.Done {
		return e, errors.New("the plan goes on no further with the results there are")
	}
	return e, nil
}

// Grow has the part go on as e says, with the run's plan as it is by now.
func (p *Part) Grow(plan *program.Plan, e *Grown) error {
	if p.Closes() {
		return p.growClosing(e)
	}
	if p.begun == nil {
		p.Plan, p.Origin = plan, ordinals(len(plan.Steps))
		return nil
	}
	c := *p.begun
	c.Of, c.Renamed = len(plan.Steps), slices.Concat(c.Renamed, e.Renamed)
	q, err := (&Story{Plan: plan}).part(&c)
	if err == nil {
		q.State = p.State
		*p = q
	}
	return err
}
