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
	for i := at.from - 1; i < len(s.Plan.Steps); i++ {
		if op := &s.Plan.Steps[i].Op; op.Kind == program.PickUpTip {
			at.state.Reserve(op.Well)
		}
	}
	for _, a := range at.strays() {
		at.state.Apply(&a.Op)
	}
	return at.state, nil
}

func (s *Story) standing() (*standing, error) {
	at := &standing{state: program.NewState(s.Plan.Deck)}
	next := 0
	for i := range s.Parts {
		p := &s.Parts[i]
		var err error
		if next, err = p.replay(at.state); err != nil {
			return nil, err
		}
		at.byHand, at.stray = p.end(at.state)
	}
	p := s.last()
	at.from = len(s.Plan.Steps) + 1
	for _, o := range p.Origin[next-1:] {
		if o > 0 {
			at.from = o
			break
		}
	}
	return at, nil
}

// replay does what the part did, and returns the first of its steps that is
// still to be done.
func (p *Part) replay(state *program.State) (int, error) {
	done := p.State.Done
	for i := range p.Plan.Steps[:done] {
		state.Apply(&p.Plan.Steps[i].Op)
	}
	d, unclear := p.State.Unclear()
	if !unclear {
		return done + 1, nil
	}
	next, skipped, ok := p.decided(d)
	if !ok {
		next, ok = p.indifferent(state, d)
	}
	if !ok {
		return 0, p.undecided(d)
	}
	if !skipped {
		for i := range p.Plan.Steps[done : next-1] {
			state.Apply(&p.Plan.Steps[done+i].Op)
		}
	}
	return next, nil
}

func (p *Part) undecided(d Doubt) *Undecided {
	u := &Undecided{Doubt: d, Evidence: p.State.Evidence, Range: "step " + p.Label(d.First)}
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
	if step.Op.Kind.Info().Fields&program.HasVolume != 0 {
		text += " " + quantity.Volume.Text(step.Op.Volume)
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
		if effect := op.Kind.Info().Effect; effect == program.External {
			return 0, false
		}
		after.Apply(op)
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
	return slices.ContainsFunc(p.Plan.Steps[d.First-1:d.Last], func(s program.Step) bool {
		return s.Op.Kind == program.PickUpTip && int(s.Op.Pipette) == pipette
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
	if err := s.repeatable(at.from); err != nil {
		return nil, err
	}
	r := &Rest{Start: at.state.Clone(), ByHand: at.byHand, Event: Continued{From: at.from, Renamed: s.renamed()}}
	for _, a := range at.strays() {
		name := s.Plan.Deck.Pipettes[a.Op.Pipette].Name
		r.add(at, a)
		r.Notes = append(r.Notes, "drop whatever is on "+name+" into the trash: the robot was restarted and does not know what is on; where nothing is, nothing happens")
	}
	for i := range recovery {
		r.add(at, Added{recovery[i].Op, recovery[i].Text})
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
	if len(part.Plan.Steps) == 0 {
		return nil, ErrNothingLeft
	}
	r.Plan, r.Origin = part.Plan, part.Origin
	r.Event.Fingerprint, r.Event.Steps = part.Plan.Fingerprint, len(part.Plan.Steps)
	return r, nil
}

// repeatable refuses what a program of its own cannot begin with: it tells the
// robot where everything stood at the start, and that all nozzles are in use.
func (s *Story) repeatable(from int) error {
	for i := range s.Plan.Steps[:from-1] {
		switch kind := s.Plan.Steps[i].Op.Kind; kind {
		case program.MoveLabware, program.ConfigureNozzles:
			return &Error{Kind: Rejected, Message: fmt.Sprintf("step %d (%s) changed what the robot has to be told at the start of a run, and what remains after it cannot be carried out as a program of its own yet; put the rest into a workflow of its own, and give this run up with the answer abort", i+1, kind)}
		default:
		}
	}
	return nil
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

// use is what the plan has on a pipette at a step.
type use struct {
	picked int   // index of the pick-up
	drawn  []int // indices of what was drawn since the tip was last empty
	given  bool  // some of it was given already
}

// replaceTips puts on every pipette what the plan has on it at the step it is
// gone on with: a new tip in place of the one that is lost, and the liquid that
// was in it.
func (s *Story) replaceTips(r *Rest, at *standing, redraw bool) error {
	planned, uses := s.uses(at.from, r.Event.Renamed)
	for i := range planned.Mounts {
		m := &planned.Mounts[i]
		if !m.On || at.from > len(s.Plan.Steps) {
			continue
		}
		u := &uses[i]
		pick := s.Plan.Steps[u.picked].Op
		pick.Well = m.From
		deck := s.Plan.Deck
		if !deck.IsTool(i, m.From) {
			fresh, ok := s.freshTip(at, i, m.From)
			if !ok {
				return &Error{Kind: Rejected, Message: fmt.Sprintf("%s needs another tip like the one from %s, which is lost, and every tip on the deck is used or needed later; give the run up with the answer abort, or put the rest into a workflow of its own", deck.Pipettes[i].Name, deck.WellName(m.From))}
			}
			r.Event.rename(m.From, fresh)
			pick.Well = fresh
			r.Notes = append(r.Notes, fmt.Sprintf("pick up a new tip from %s with %s, for the one from %s", deck.WellName(fresh), deck.Pipettes[i].Name, deck.WellName(m.From)))
		} else {
			r.Notes = append(r.Notes, fmt.Sprintf("pick up the tool from %s", deck.WellName(m.From)))
		}
		r.add(at, Added{Op: pick})
		if err := s.refill(r, at, m, u, redraw); err != nil {
			return err
		}
	}
	return nil
}

// rename has the tip of another place do what that of was does.
func (c *Continued) rename(was, now program.WellRef) {
	for i := range c.Renamed {
		if c.Renamed[i].Now == was {
			c.Renamed[i].Now = now
			return
		}
	}
	c.Renamed = append(c.Renamed, Renamed{was, now})
}

// uses replays the plan up to before step from, and says how each tip that is
// on came to hold what it does.
func (s *Story) uses(from int, renamed []Renamed) (*program.State, []use) {
	state := program.NewState(s.Plan.Deck)
	uses := make([]use, len(s.Plan.Deck.Pipettes))
	for i := range s.Plan.Steps[:from-1] {
		op := s.Plan.Steps[i].Op
		rename(&op, renamed)
		state.Apply(&op)
		if op.Kind.Info().Fields&program.HasPipette == 0 || op.Kind == program.EndRun {
			continue
		}
		u, m := &uses[op.Pipette], &state.Mounts[op.Pipette]
		switch op.Kind {
		case program.PickUpTip:
			*u = use{picked: i}
		case program.Aspirate, program.AirGap:
			u.drawn = append(u.drawn, i)
		case program.Dispense, program.BlowOut:
			u.given = true
		default:
		}
		if m.Held.Volume == 0 && m.Air == 0 {
			u.drawn, u.given = nil, false
		}
	}
	return state, uses
}

// freshTip finds a tip like that of a place, which nothing that remains needs.
func (s *Story) freshTip(at *standing, pipette int, like program.WellRef) (program.WellRef, bool) {
	c := at.state.Clone()
	deck := s.Plan.Deck
	for i := at.from - 1; i < len(s.Plan.Steps); i++ {
		if op := &s.Plan.Steps[i].Op; op.Kind == program.PickUpTip {
			c.Reserve(op.Well)
		}
	}
	for _, rack := range deck.Pipettes[pipette].Racks {
		if def := deck.Labware[rack].Def; def.URI() != deck.Labware[like.Labware].Def.URI() {
			for w := range def.Wells {
				c.Reserve(program.WellRef{Labware: int16(rack), Well: int16(w)})
			}
		}
	}
	return c.NextTip(pipette, c.Mounts[pipette].Nozzles)
}

// refill draws again what was in a tip that is lost.
func (s *Story) refill(r *Rest, at *standing, m *program.Mounted, u *use, redraw bool) error {
	if m.Held.Volume == 0 && m.Air == 0 {
		return nil
	}
	ops, ok := s.redrawn(m, u)
	if !ok {
		return &Undecided{Lost: []string{fmt.Sprintf("%s of several wells, some of which was given already, went with the tip from %s; it cannot be drawn again as it was: put it right with a recovery workflow from here on, or give the run up", quantity.Volume.Text(m.Held.Volume), s.Plan.Deck.WellName(m.From))}}
	}
	for i := range ops {
		op := &ops[i]
		if op.Kind == program.Aspirate {
			well := s.Plan.Deck.WellName(op.Well)
			if !redraw && !isStock(at.state, op.Well) {
				return &Undecided{Lost: []string{fmt.Sprintf("%s of %s went with a tip that is lost, and %s is no stock: whoever draws it again leaves %s with that much less than planned", quantity.Volume.Text(op.Volume), well, well, well)}}
			}
			r.Notes = append(r.Notes, fmt.Sprintf("draw %s of %s again, which went with the tip that is lost", quantity.Volume.Text(op.Volume), well))
		}
		r.add(at, Added{Op: *op})
	}
	return nil
}

// redrawn returns what has to be drawn to have in a tip what m says.
func (s *Story) redrawn(m *program.Mounted, u *use) ([]program.Op, bool) {
	var out []program.Op
	var draw, air *program.Op
	single := true
	for _, i := range u.drawn {
		op := &s.Plan.Steps[i].Op
		out = append(out, *op)
		if op.Kind == program.AirGap {
			air = op
			continue
		}
		single = single && (draw == nil || draw.Well == op.Well)
		draw = op
	}
	if !u.given {
		return out, true
	}
	if !single {
		return nil, false
	}
	out = out[:0]
	if draw != nil && m.Held.Volume > 0 {
		op := *draw
		op.Volume = m.Held.Volume
		out = append(out, op)
	}
	if air != nil && m.Air > 0 {
		op := *air
		op.Volume = m.Air
		out = append(out, op)
	}
	return out, true
}

// isStock reports whether a well holds what the workflow declared it to hold
// and nothing else, so that what is drawn from it is the same every time.
func isStock(state *program.State, well program.WellRef) bool {
	c, ok := state.Content(well)
	if !ok {
		return false
	}
	for i := range state.Deck.Liquids {
		if !slices.Contains(state.Deck.Liquids[i].Wells, well) {
			continue
		}
		for part, v := range c.Parts {
			if v != 0 && part != i {
				return false
			}
		}
		return true
	}
	return false
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
