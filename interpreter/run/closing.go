package run

import (
	"context"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// What `finally` says is done however a run ends. Where the workflow itself comes
// to its end, well or not, that is a part of its program. Where a person stops the
// run, or the robot gives it up, it is a program of its own, made for the deck as
// it is then: it closes the run. What the run came to does not change by that,
// nor does what can be decided about it, and whether it is gone on with.

// Closed says what came of the last program that closed a run.
type Closed struct {
	Verdict Verdict
	Reason  string // why it did not come to its end
}

// MayClose reports whether a run ended before its end, after something was done,
// so that what finally says may still have to be.
func (s *State) MayClose() bool {
	return s.Stage == Over && s.Verdict != VerdictOK && (s.begun() || s.Part > 0)
}

// begun reports whether anything of the part was done, as far as is known.
func (s *State) begun() bool { return s.Sent || s.Done > 0 }

// closesWith begins the program that closes a run.
func (s *State) closesWith(e Continued) []Action {
	ended := s.clone()
	actions := s.goOnWith(e)
	s.Closes, s.Timers = &ended, nil
	return actions
}

// finished ends a part. One that closed a run leaves it as it had ended.
func (s *State) finished() {
	s.Stage = Over
	if s.Closes == nil {
		return
	}
	ended := *s.Closes
	ended.Closed = &Closed{Verdict: s.Verdict}
	if s.Failure != nil {
		ended.Closed.Reason = s.Failure.Reason
	}
	ended.Part, ended.Accepted.Fence = s.Part, s.Accepted.Fence
	*s = ended
}

// Closes reports whether the part closes the run behind another one.
func (p *Part) Closes() bool { return p.begun != nil && p.begun.Closing }

// ClosesByItself reports whether what finally says is done without anybody being
// asked. It is where the robot has ended the run as it was asked to, or because
// something did not work, and says so. Where somebody stopped it in haste, or
// without us, or where nobody knows how the robot is, a person has a look first.
func (s *Story) ClosesByItself() bool {
	st := &s.m.state
	switch {
	case !st.MayClose() || !st.begun() || st.Verdict == VerdictDoubt || st.Aborted():
		return false
	case st.Closed != nil && st.Closed.Verdict != VerdictFailed:
		return false
	case st.Ended == NoStatus:
		return !st.Sent
	case st.Ended == Stopped:
		return st.Stop && !st.Hasty
	}
	return st.Ended == Errored || st.Ended == Succeeded
}

// Ending is how things are where a run has ended.
type Ending struct {
	Done  int            // steps of the run's plan that count as done
	State *program.State // the deck; what may hang on a pipette is put away
	Seen  int            // steps of the language under finally that were seen to since then
	// Results are what the steps beside the device gave before the end, by the steps
	// of the run's plan.
	Results []Performed

	first  []Added // what is done before
	moved  []Moved
	byHand []string
}

// Ending returns how things were before what is to close the run, or closes it
// just now.
func (s *Story) Ending() (*Ending, error) {
	at := &standing{state: program.NewState(s.Plan.Deck), told: map[setting]told{}}
	out := &Ending{Results: s.results()}
	for i := range s.Parts {
		p := &s.Parts[i]
		if p.Closes() && p == s.last() {
			break // it is under way
		}
		if err := at.part(p, true); err != nil {
			return nil, err
		}
		out.Seen = p.seen(out.Seen)
	}
	out.Done, out.first, out.moved, out.byHand = s.from(at.next)-1, at.strays(), s.moved(at.state), at.byHand
	at.state.Leave(&s.corrected)
	for _, a := range out.first {
		at.state.Apply(&a.Op)
	}
	out.State = at.state
	return out, nil
}

// seen is how many steps of the language under finally were seen to, before and in
// a part: one at which the robot gave up is not tried again. One of which the robot
// has forgotten whether it did it is done again, which does no harm.
func (p *Part) seen(before int) int {
	switch {
	case p.Closes():
	case p.State.begun():
		return 0
	default:
		return before // what closed the run before it still holds
	}
	for i, a := range p.begun.Added {
		switch {
		case i < p.State.Done:
			before = max(before, a.Of)
		case p.State.Failure != nil && p.State.Failure.Step == i+1 && (p.State.Doubt == Doubt{} || a.Live != nil):
			return max(before, a.Of)
		default:
			return min(before, max(0, a.Of-1))
		}
	}
	return before
}

// Closing returns what closes the run, made from what Ending returned. It is nil
// where nothing is to be done.
func (s *Story) Closing(c *program.Closing) (*Rest, error) {
	if st := &s.m.state; !st.MayClose() {
		return nil, &Error{Kind: Rejected, Message: whyNotClosed(st)}
	}
	end, err := s.Ending()
	if err != nil || len(c.Steps) == 0 && !c.Open {
		return nil, err
	}
	e := Continued{From: end.Done + 1, Closing: true, Moved: end.moved, Open: c.Open, Corrected: s.corrected}
	e.Added = append(slices.Clip(end.first), closingSteps(c)...)
	part, err := s.part(&e)
	if err != nil {
		return nil, err
	}
	e.Fingerprint, e.Steps, e.Live = part.Plan.Fingerprint, len(part.Plan.Steps), part.Plan.Live()
	r := &Rest{Event: e, Plan: part.Plan, Origin: part.Origin, ByHand: end.byHand}
	for _, a := range end.first {
		r.Notes = append(r.Notes, dropNote(s.Plan.Deck, &a))
	}
	return r, nil
}

func whyNotClosed(s *State) string {
	switch {
	case s.Stage != Over:
		return "the run is not over"
	case s.Verdict == VerdictOK:
		return "the run is done, and what finally says with it"
	}
	return "nothing was begun, so that there is nothing to put in order"
}

func closingSteps(c *program.Closing) []Added {
	out := make([]Added, len(c.Steps))
	for i := range c.Steps {
		step := &c.Steps[i]
		out[i] = Added{Op: step.Op, Text: step.Text, Live: step.Live, Of: c.Of[i], Path: step.Frame.Path(), Where: step.Where()}
	}
	return out
}

// closingPart is the program that closes a run.
func (s *Story) closingPart(e *Continued, deck *program.Deck) (Part, error) {
	p := *s.Plan
	p.Deck, p.Limits, p.Outlook, p.Failed, p.Ended, p.Outputs = deck, nil, nil, "", "", nil
	if e.Open {
		p.Outlook = &program.Outlook{Steps: len(e.Added)}
	}
	p.Steps = make([]program.Step, len(e.Added))
	type sort struct {
		path string
		kind program.Kind
	}
	frames, seq := map[string]*program.Frame{}, map[sort]int{}
	for i := range e.Added {
		a := &e.Added[i]
		f := frames[a.Path]
		if f == nil {
			f = &program.Frame{Label: "finally"}
			if a.Path != "" {
				f.Label, f.Site = a.Path, &program.Site{Path: a.Path, Span: a.Where}
			}
			frames[a.Path] = f
		}
		k := sort{a.Path, a.Op.Kind}
		p.Steps[i] = program.Step{N: i + 1, Op: a.Op, Text: a.Text, Live: a.Live, Frame: f, Seq: seq[k]}
		seq[k]++
	}
	p.Fingerprint = p.Hash()
	if e.Fingerprint != "" && e.Fingerprint != p.Fingerprint || e.Steps != 0 && e.Steps != len(p.Steps) {
		return Part{}, &Error{Kind: Rejected, Message: "the journal says that the run was closed otherwise than it can be; it is damaged, or of another plan"}
	}
	return Part{Plan: &p, Origin: make([]int, len(p.Steps)), begun: e}, nil
}

// growClosing has what closes the run gone on with by what came back in it.
func (d *driver) growClosing(ctx context.Context) error {
	e, err := d.closesOn(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return d.leave(ctx)
	case err != nil:
		return d.emit(ctx, GrowFailed{Reason: clean(err.Error())})
	}
	return d.emit(ctx, e)
}

// closesOn is the event by which it goes on.
func (d *driver) closesOn(ctx context.Context) (Grown, error) {
	if d.o.Closing == nil {
		return Grown{}, &Error{Kind: Rejected, Message: "nobody knows how it goes on"}
	}
	end, err := d.story.Ending()
	if err != nil {
		return Grown{}, err
	}
	c, err := d.o.Closing(ctx, end, closingResults(&d.m.state, len(end.first)))
	if err != nil {
		return Grown{}, err
	}
	e := Grown{Open: c.Open, Added: append(slices.Clip(end.first), closingSteps(c)...)}
	p := *d.story.last()
	if err := p.growClosing(&e); err != nil {
		return e, err
	}
	e.Steps, e.Live, e.Fingerprint = len(p.Plan.Steps), p.Plan.Live(), p.Plan.Fingerprint
	if done := d.m.state.Done; !p.Plan.BeginsAs(d.plan, done) || e.Open && e.Steps <= done {
		return e, &Error{Kind: Rejected, Message: "it does not go on as it began: it was made by another version of this program, or the journal is damaged"}
	}
	return e, nil
}

// growClosing has the part go on as e says.
func (p *Part) growClosing(e *Grown) error {
	c := *p.begun
	c.Added, c.Open, c.Fingerprint, c.Steps = e.Added, e.Open, e.Fingerprint, e.Steps
	q, err := (&Story{Plan: p.Plan}).closingPart(&c, p.Plan.Deck)
	if err == nil {
		q.State = p.State
		*p = q
	}
	return err
}

// closingResults are what the steps beside the device gave that close the run,
// numbered without those that come first.
func closingResults(s *State, first int) []Performed {
	var out []Performed
	for _, r := range s.Performed {
		r.N -= first
		out = append(out, r)
	}
	return out
}

// closedBy does what a part did that closes the run. Whether steps happened of
// which nobody knows does not matter: what finally does can be done twice.
func (at *standing) closedBy(p *Part) {
	if at.before == nil {
		at.before = at.state.Clone()
	}
	for i := range p.Plan.Steps[:p.State.Done] {
		at.state.Do(&p.Plan.Steps[i])
	}
	byHand, stray := p.end(at.state)
	at.byHand, at.stray = append(at.byHand, byHand...), stray
}

// Leftovers are the parts of which the robot may still have something: the last
// one, and those that closed the run behind it.
func (s *Story) Leftovers() []*Part {
	var out []*Part
	for i := s.mainIndex(); i < len(s.Parts); i++ {
		out = append(out, &s.Parts[i])
	}
	return out
}

// PartsOfPlan is in how many parts the plan was carried out so far.
func (s *Story) PartsOfPlan() int {
	n := 0
	for i := range s.Parts {
		if !s.Parts[i].Closes() {
			n++
		}
	}
	return n
}
