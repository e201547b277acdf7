package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// What remains of a run that did not get to its end, and what makes it possible.
//
// What is physically so decides, not what the plan says would be so. The end of
// a run on the robot drops whatever is on into the trash, with the liquid in
// it, and homes. A robot that was restarted has its tip on still, and does not
// know of it: the next pick-up would press one tip into another.

// Rest is what remains of a run, as a program of its own.
type Rest struct {
	Event  Continued // begins it
	Plan   *program.Plan
	Origin []int          // as in Part
	Start  *program.State // the deck as it is when the rest begins
	ByHand []string       // what a person has to do before it begins
	Notes  []string       // what is done first and why, for people
	Since  []string       // what is otherwise on the deck than the run left it, for people
}

// ErrNothingLeft says that every step of a run is done or was left out, though
// the run did not end well: there is nothing to go on with.
var ErrNothingLeft = errors.New("nothing remains to be done: every step is done or was left out")

// Undecided is the error of a run that a person has to decide something about
// before it can be gone on with.
type Undecided struct {
	Doubt    Doubt    // the steps in question, of the last part; zero where Lost is why
	Range    string   // how people name them: step 4, steps 4 to 7
	Steps    []string // what they are, for people; at most a few
	Evidence string   // what is known
	Failed   bool     // the device says that it did not get to the end of the step
	InPart   bool     // it is a protocol of its own, which may have happened in part
	Lost     []string // liquid that went with a tip, and would have to be drawn again
}

// Error says what has to be decided.
func (u *Undecided) Error() string {
	switch {
	case len(u.Lost) > 0:
		return strings.Join(u.Lost, "; ")
	case u.Doubt.First == u.Doubt.Last:
		return fmt.Sprintf("whether %s happened has to be decided: %s", u.Range, u.Evidence)
	}
	return fmt.Sprintf("which of %s happened has to be decided: %s", u.Range, u.Evidence)
}

// standing is how things are after the parts of a run.
type standing struct {
	state  *program.State
	from   int // the first step of the run's plan still to be done
	byHand []string
	stray  []int // pipettes on which something may be that the robot does not know of
	told   map[setting]told
	next   int            // the first step of the part that is still to be done
	before *program.State // how the modules would be had nothing closed the run; nil where nothing did
}

// Stand returns the state of the deck after everything the run did, as a
// recovery workflow finds it: stray tips are put away, and the tips that what
// remains needs are not given out. An error of type *Undecided says that a
// person has to decide something first.
func (s *Story) Stand() (*program.State, error) {
	at, err := s.standing()
	if err != nil {
		return nil, err
	}
	s.reserve(at.state, at.from, s.renames)
	for _, a := range at.strays() {
		at.state.Apply(&a.Op)
	}
	return at.state, nil
}

func (s *Story) standing() (*standing, error) {
	at := &standing{state: program.NewState(s.Plan.Deck), told: map[setting]told{}}
	for i := range s.Parts {
		if err := at.part(&s.Parts[i], false); err != nil {
			return nil, err
		}
	}
	at.state.Leave(&s.corrected)
	at.from = s.from(at.next)
	return at, nil
}

// part does what a part did, and what its end did. Where never, steps of which
// nobody knows whether they happened did not.
func (at *standing) part(p *Part, never bool) error {
	p.correct(at.state)
	if p.Closes() {
		at.closedBy(p)
		return nil
	}
	var undecided *Undecided
	next, err := p.replay(at)
	switch {
	case errors.As(err, &undecided) && never:
		next = undecided.Doubt.First
	case err != nil:
		return err
	}
	at.next = next
	at.byHand, at.stray = p.end(at.state)
	return nil
}

// correct puts on the deck what was otherwise there when the part began.
func (p *Part) correct(s *program.State) {
	if p.begun != nil {
		s.Leave(&p.begun.Corrected)
	}
}

// from is the first step of the run's plan that is still to be done, where that of
// the last part is next.
func (s *Story) from(next int) int {
	for _, o := range s.main().Origin[next-1:] {
		if o > 0 {
			return o
		}
	}
	return len(s.Plan.Steps) + 1
}

// replay does what the part did, and returns the first of its steps that is
// still to be done.
func (p *Part) replay(at *standing) (int, error) {
	done := p.State.Done
	for i := range p.Plan.Steps[:done] {
		at.step(&p.Plan.Steps[i])
	}
	d, unclear := p.State.Unclear()
	if !unclear {
		return done + 1, nil
	}
	next, skipped, ok := p.decided(d)
	if !ok {
		next, ok = p.indifferent(at.state, d)
	}
	if !ok {
		return 0, p.undecided(d)
	}
	if !skipped {
		for i := range p.Plan.Steps[done : next-1] {
			at.step(&p.Plan.Steps[done+i])
		}
	}
	return next, nil
}

func (p *Part) undecided(d Doubt) *Undecided {
	u := &Undecided{Doubt: d, Evidence: p.State.Evidence, Range: "step " + p.Label(d.First), Failed: p.State.Doubt == Doubt{}, InPart: p.Plan.Steps[d.First-1].Protocol != nil}
	if d.Last > d.First {
		u.Range = "steps " + p.Label(d.First) + " to " + p.Label(d.Last)
	}
	if p.State.Begun > 0 {
		u.Evidence += "; step " + p.Label(p.State.Begun) + " was seen to have begun"
	}
	if p.State.CutOff != nil {
		u.Evidence = p.State.CutOff.Reason
	} else if u.Evidence == "" && p.State.Failure != nil {
		u.Evidence = p.State.Failure.Reason
	}
	for n := d.First; n <= d.Last; n++ {
		if len(u.Steps) == maxShown {
			u.Steps = append(u.Steps, fmt.Sprintf("… and %d more", d.Last-n+1))
			break
		}
		u.Steps = append(u.Steps, "step "+p.Label(n)+"  "+describe(p.Plan, n))
	}
	return u
}

// maxShown is how many steps in doubt a person is shown.
const maxShown = 12

func describe(p *program.Plan, n int) string {
	step := &p.Steps[n-1]
	text := step.Op.Kind.String()
	if step.Protocol != nil {
		text += " " + step.Protocol.File
	}
	if step.Op.Kind.Supplies() {
		return text + ": " + step.Text + "  (" + step.ID() + ")"
	}
	if step.Op.Kind.Info().Fields&program.HasVolume != 0 {
		text += " " + quantity.Volume.Text(step.Op.Volume)
	}
	if step.Op.Kind == program.MoveLabware {
		text += " " + p.Deck.Labware[step.Op.Well.Labware].Name + " to " + p.Deck.PlaceName(step.Op.To)
	}
	if well := p.Deck.WellName(wellOf(&step.Op)); well != "" {
		text += " " + well
	}
	return text + "  (" + step.ID() + ")"
}

// indifferent reports whether it makes no difference whether the steps of d
// happened: none of them changed anything that outlives the tip, and that is
// gone. It returns the step to go on with.
func (p *Part) indifferent(state *program.State, d Doubt) (next int, ok bool) {
	before, after := state.Clone(), state.Clone()
	p.end(before)
	next = d.First
	for n := d.First; n <= d.Last; n++ {
		op := &p.Plan.Steps[n-1].Op
		if effect := op.Kind.Info().Effect; effect == program.External || op.Kind == program.RunProtocol {
			return 0, false
		}
		after.Apply(op)
		if op.Kind.Info().Effect == program.Idempotent && op.Kind.Info().Fields&program.HasModule != 0 || op.Kind.Supplies() {
			before.Apply(op) // it is told again, or a person is asked for it again
		}
		ended := after.Clone()
		p.end(ended)
		if !ended.Equal(before) {
			return 0, false
		}
		if op.Kind == program.DropTip || op.Kind == program.ReturnTip || op.Trash {
			next = n + 1 // the tip is away, or what was in it: there is nothing to do it again with
		}
	}
	return next, true
}

// end does to the deck what the end of the part did. It returns what a person
// has to do, and the pipettes on which something may be that the robot does
// not know of.
func (p *Part) end(state *program.State) (byHand []string, stray []int) {
	// Whatever comes next begins with all nozzles.
	defer func() {
		for i := range state.Mounts {
			state.Mounts[i].Nozzles = program.AllNozzles
		}
	}()
	gone := p.State.Ended == Gone
	if !gone && !p.State.Sent {
		return nil, p.strayBefore(state)
	}
	for i := range state.Mounts {
		m := &state.Mounts[i]
		if gone && !m.On && p.mayHavePickedUp(i) {
			state.AssumeTip(i)
		}
		if !m.On {
			continue
		}
		if tool := m.From; p.Plan.Deck.IsTool(i, tool) {
			where := "in the trash"
			if gone {
				where = "on the pipette " + p.Plan.Deck.Pipettes[i].Name
			}
			byHand = append(byHand, fmt.Sprintf("put the tool from %s, which is %s, back into its place", p.Plan.Deck.WellName(tool), where))
			state.Apply(&program.Op{Kind: program.ReturnTip, Pipette: int8(i), Well: tool})
			continue
		}
		if gone {
			stray = append(stray, i)
		}
	}
	if !gone {
		state.Apply(&program.Op{Kind: program.EndRun, Well: program.None})
	}
	return byHand, stray
}

// strayBefore returns the pipettes on which something was before a part of
// which nothing was done.
func (p *Part) strayBefore(state *program.State) []int {
	var out []int
	for i := range state.Mounts {
		if state.Mounts[i].On {
			out = append(out, i)
		}
	}
	return out
}

// mayHavePickedUp reports whether a pick-up of the pipette is in doubt.
func (p *Part) mayHavePickedUp(pipette int) bool {
	d, ok := p.State.Unclear()
	if !ok {
		return false
	}
	picksUp := func(op program.Op) bool { return op.Kind == program.PickUpTip && int(op.Pipette) == pipette }
	return slices.ContainsFunc(p.Plan.Steps[d.First-1:d.Last], func(s program.Step) bool {
		if s.Protocol == nil {
			return picksUp(s.Op)
		}
		return s.Protocol.Knows != program.FromAnalysis || slices.ContainsFunc(s.Protocol.Does, picksUp)
	})
}

// strays are the operations that put away what the robot does not know of.
func (at *standing) strays() []Added {
	var out []Added
	for _, i := range at.stray {
		if at.state.Mounts[i].On {
			out = append(out, Added{Op: program.Op{Kind: program.DropTip, Pipette: int8(i), Trash: true, Well: program.None, Speed: program.DefaultSpeed}})
		}
	}
	return out
}

// Rest returns what remains of a run that MayGoOn. First come the steps of
// recovery, which were expanded from what Stand returned. An error of type
// *Undecided says that a person has to decide something.
func (s *Story) Rest(recovery []program.Step) (*Rest, error) {
	state := &s.last().State
	if !state.MayGoOn() {
		return nil, &Error{Kind: Rejected, Message: whyNot(state)}
	}
	at, err := s.standing()
	if err != nil {
		return nil, err
	}
	r := &Rest{ByHand: at.byHand, Event: Continued{From: at.from, Moved: s.moved(at.state), Renamed: s.renamed(), Corrected: s.corrected}}
	start := at.state.Clone()
	for _, m := range r.Event.Moved {
		r.Notes = append(r.Notes, fmt.Sprintf("%s is taken to be where it was moved: %s", s.Plan.Deck.Labware[m.Labware].Name, s.Plan.Deck.PlaceName(m.To)))
	}
	for _, a := range at.strays() {
		r.add(at, a)
		r.Notes = append(r.Notes, dropNote(s.Plan.Deck, &a))
	}
	if at.from <= len(s.Plan.Steps) || len(recovery) > 0 {
		s.setAgain(r, at, len(recovery) > 0)
	}
	for i := range recovery {
		r.add(at, Added{Op: recovery[i].Op, Text: recovery[i].Text})
	}
	if len(recovery) > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("carry out the %d steps of the recovery workflow", len(recovery)))
	}
	redraw := state.Answer != nil && state.Answer.Redraw
	if err := s.replaceTips(r, at, redraw); err != nil {
		return nil, err
	}
	part, err := s.part(&r.Event)
	if err != nil {
		return nil, err
	}
	if len(part.Plan.Steps) == 0 && s.Plan.Outlook == nil {
		return nil, ErrNothingLeft
	}
	r.Plan, r.Origin = part.Plan, part.Origin
	r.Start, _ = start.CloneFor(part.Plan.Deck)
	r.Event.Fingerprint, r.Event.Steps = part.Plan.Fingerprint, len(part.Plan.Steps)
	r.Event.Live, r.Event.Protocols, r.Event.Open = part.Plan.Live(), part.Plan.Protocols(), s.Plan.Outlook != nil
	if s.Plan.Reacts() {
		r.Event.Of = len(s.Plan.Steps)
	}
	return r, nil
}

func dropNote(d *program.Deck, a *Added) string {
	return "drop whatever is on " + d.Pipettes[a.Op.Pipette].Name + " into the trash: the robot was restarted and does not know what is on; where nothing is, nothing happens"
}

func whyNot(s *State) string {
	switch {
	case s.Aborted():
		return "the run was given up, as a person decided"
	case s.Verdict == VerdictOK:
		return "the run is done"
	}
	return "the run is not over"
}

// renamed returns the tips that stand for others since an earlier part.
func (s *Story) renamed() []Renamed { return slices.Clone(s.renames) }

func (r *Rest) add(at *standing, a Added) {
	at.state.Apply(&a.Op)
	r.Event.Added = append(r.Event.Added, a)
}

// EndLeftover stops a run that a part left standing on the device because it
// was in doubt, and returns when the device says that it is over. One that the
// device no longer knows is over.
func EndLeftover(ctx context.Context, b Backend, job Job, p *Part) error {
	s := &p.State
	if !s.Sent || s.Ended != NoStatus || s.Handle == nil {
		return nil
	}
	session, err := b.Reattach(ctx, job, s.Handle)
	for asked := false; err == nil; asked = true {
		var r Report
		if !asked {
			if err = session.Ask(ctx, Stop); err != nil {
				break
			}
		}
		if r, err = session.Next(ctx); err == nil && r.Status >= Succeeded {
			return session.Close(ctx)
		}
	}
	if KindOf(err) == Halted {
		return nil
	}
	return err
}
