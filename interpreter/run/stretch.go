package run

import (
	"context"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// A protocol of the vendor is a run of its own on the device. So a plan with
// such steps is carried out in stretches, one run on the device each: what comes
// before a protocol, the protocol, and what comes behind it. All are one run for
// people, with one journal.

// isProtocol reports whether step n is a protocol of its own.
func (s *State) isProtocol(n int) bool {
	_, is := slices.BinarySearch(s.Accepted.Protocols, n)
	return is
}

// end is the last step, as far as is known, of the run that the device has or is
// to get.
func (s *State) end() int {
	first := s.Base + 1
	i, is := slices.BinarySearch(s.Accepted.Protocols, first)
	switch {
	case is:
		return first
	case i < len(s.Accepted.Protocols):
		return s.Accepted.Protocols[i] - 1
	}
	return s.Accepted.Steps
}

// another reports whether another run on the device follows this one.
func (s *State) another() bool {
	return s.end() < s.Accepted.Steps || s.Accepted.Open && s.isProtocol(s.end())
}

// goesOn reports whether the device has ended a run as it should, and the next
// one is due.
func (s *State) goesOn() bool {
	return s.another() && s.Done >= s.end() && s.Failure == nil && s.CutOff == nil && s.Doubt == Doubt{} && !s.Stop &&
		(s.Ended == Succeeded || s.Ended == NoStatus && !s.Sent)
}

// nextRun begins the next run on the device. The events that follow are about
// it alone.
func (s *State) nextRun() []Action {
	s.Base, s.Stage, s.Handle, s.Batch, s.Tries, s.Handed, s.Sent, s.Stood = s.Done, Opening, nil, Batch{}, 0, 0, false, false
	s.Ended, s.Reason, s.Halted, s.Unheard, s.Lost, s.Current, s.Waiting = NoStatus, "", NoStatus, false, false, 0, 0
	return []Action{OpenRun{}}
}

// stretch is what of a plan one run on the device carries out: steps first to
// last, numbered from 1, on the deck as it stands by then.
func stretch(p *program.Plan, first, last int) *program.Plan {
	if first == 1 && last == len(p.Steps) {
		return p
	}
	q := *p
	state := program.NewState(p.Deck)
	for i := range p.Steps[:first-1] {
		relocate(state, &p.Steps[i])
	}
	var moved []Moved
	for i := range p.Deck.Labware {
		if at := state.Place(i); at != p.Deck.Labware[i].On {
			moved = append(moved, Moved{i, at})
		}
	}
	q.Deck, _ = deckAfter(p.Deck, moved) // places that the plan itself has
	q.Steps = slices.Clone(p.Steps[first-1 : last])
	for i := range q.Steps {
		q.Steps[i].N = i + 1
	}
	if last < len(p.Steps) {
		q.Outlook, q.End = nil, program.End{Homes: true}
	}
	q.Fingerprint = q.Hash()
	return &q
}

// relocate does of a step what moves labware.
func relocate(state *program.State, s *program.Step) {
	if s.Op.Kind == program.MoveLabware {
		state.Apply(&s.Op)
	}
	if s.Protocol == nil {
		return
	}
	for i := range s.Protocol.Does {
		if op := &s.Protocol.Does[i]; op.Kind == program.MoveLabware {
			state.Apply(op)
		}
	}
}

// stretched is a session of a stretch, in the numbers of the whole plan.
type stretched struct {
	Session
	plan *program.Plan // of the stretch
	base int           // steps before it
	end  int
}

// of has a session speak of a plan of which it has the steps behind base.
func (d *driver) of(s Session) Session {
	st := &d.m.state
	if len(st.Accepted.Protocols) == 0 {
		return s
	}
	return &stretched{s, d.stretch(), st.Base, st.end()}
}

func (d *driver) stretch() *program.Plan {
	return stretch(d.plan, d.m.state.Base+1, d.m.state.end())
}

// later are the protocols behind the first stretch, while that is opened: what
// is wrong with them is better known before anything moves.
func (d *driver) later() []*program.Plan {
	st := &d.m.state
	if st.Base > 0 {
		return nil
	}
	var out []*program.Plan
	for _, n := range st.Accepted.Protocols {
		if n > st.end() {
			out = append(out, stretch(d.plan, n, n))
		}
	}
	return out
}

// Send hands over steps of the stretch.
func (s *stretched) Send(ctx context.Context, b Batch) error {
	b.First, b.Last = b.First-s.base, b.Last-s.base
	b.Steps = s.plan.Steps[b.First-1 : b.Last]
	return s.Session.Send(ctx, b)
}

// Next reports in the numbers of the whole plan.
func (s *stretched) Next(ctx context.Context) (Report, error) {
	r, err := s.Session.Next(ctx)
	if r.Phase != NoStep {
		r.Step += s.base
	}
	return r, err
}

// Find says what is known of a step of the whole plan.
func (s *stretched) Find(ctx context.Context, n int) (Finding, error) {
	return s.Session.Find(ctx, n-s.base)
}
