package run

import (
	"fmt"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// A plan that goes on knows nothing of what a run was gone on with: where a tip
// was lost, another took its place, and that one may be the next in the plan.

// fit has a plan that goes on in a later part take other tips than those that
// are gone, and proves that what comes can be carried out as things are. The
// error says why it cannot.
func (s *Story) fit(e *Grown) error {
	last := len(s.Parts) - 1
	if last == 0 {
		return nil
	}
	at, err := s.now()
	if err != nil {
		return err
	}
	q := s.Parts[last]
	if err := q.Grow(e.Plan, e); err != nil {
		return err
	}
	if e.Renamed, err = s.displaced(e.Plan, &q, at.state.Clone()); err != nil {
		return err
	}
	q = s.Parts[last]
	if err := q.Grow(e.Plan, e); err != nil {
		return err
	}
	for i := s.m.state.Done; i < len(q.Plan.Steps); i++ {
		if t := at.state.Do(&q.Plan.Steps[i]); t.Faults&^program.NotEmpty != 0 {
			return &Error{Kind: Rejected, Message: fmt.Sprintf("step %s cannot be carried out with the tips and wells as they are since the run was gone on with: %s", q.Label(i+1), describe(q.Plan, i+1))}
		}
	}
	return nil
}

// now is how things are in the middle of a part.
func (s *Story) now() (*standing, error) {
	at := &standing{state: program.NewState(s.Plan.Deck), told: map[setting]told{}}
	last := len(s.Parts) - 1
	for i := range s.Parts[:last] {
		if err := at.part(&s.Parts[i], false); err != nil {
			return nil, err
		}
	}
	for i := range s.Parts[last].Plan.Steps[:s.m.state.Done] {
		at.do(&s.Parts[last].Plan.Steps[i].Op)
	}
	return at, nil
}

// displaced finds other tips for those that the rest of a part would take, and
// that stand in for others already.
func (s *Story) displaced(plan *program.Plan, q *Part, state *program.State) ([]Renamed, error) {
	taken := map[program.WellRef]bool{}
	for _, r := range s.renames {
		taken[r.Now] = true
	}
	for _, r := range s.renames {
		delete(taken, r.Was) // another stands in for it
	}
	rest := q.Plan.Steps[s.m.state.Done:]
	picks := func(do func(op *program.Op, n program.Nozzles, origin int)) {
		layouts, fresh := make([]program.Nozzles, len(state.Mounts)), map[int]bool{}
		for i := range state.Mounts {
			layouts[i] = state.Mounts[i].Nozzles
		}
		for i := range rest {
			switch op := &rest[i].Op; op.Kind {
			case program.NewTips:
				for _, rack := range state.Deck.Pipettes[op.Pipette].Racks {
					fresh[rack] = true
				}
			case program.ConfigureNozzles:
				layouts[op.Pipette] = op.Nozzles
			case program.PickUpTip:
				if fresh[int(op.Well.Labware)] {
					continue // it is there, whatever became of the one before
				}
				do(op, layouts[op.Pipette], q.Origin[rest[i].N-1])
			default:
			}
		}
	}
	picks(func(op *program.Op, n program.Nozzles, _ int) {
		for _, place := range places(state, int(op.Pipette), n, op.Well) {
			state.Reserve(place)
		}
	})
	var out []Renamed
	var err error
	picks(func(op *program.Op, n program.Nozzles, origin int) {
		if origin == 0 || err != nil {
			return
		}
		was := places(state, int(op.Pipette), n, plan.Steps[origin-1].Op.Well)
		if !slices.ContainsFunc(was, func(r program.WellRef) bool { return taken[r] }) {
			return
		}
		fresh, ok := sameTip(state, int(op.Pipette), n, op.Well)
		if !ok {
			err = &Error{Kind: Rejected, Message: fmt.Sprintf("%s needs another tip in place of the one from %s, which stands in for one that was lost, and every tip that it could take is used or needed later", state.Deck.Pipettes[op.Pipette].Name, state.Deck.WellName(op.Well))}
			return
		}
		now := places(state, int(op.Pipette), n, fresh)
		for k := range was {
			out = append(out, Renamed{was[k], now[k]})
			delete(taken, was[k])
			state.Reserve(now[k])
		}
	})
	return out, err
}

// sameTip finds a place with a new tip like the one from another place.
func sameTip(state *program.State, pipette int, n program.Nozzles, like program.WellRef) (program.WellRef, bool) {
	deck := state.Deck
	c := state.Clone()
	for _, rack := range deck.Pipettes[pipette].Racks {
		if def := deck.Labware[rack].Def; def.URI() != deck.Labware[like.Labware].Def.URI() {
			for w := range def.Wells {
				c.Reserve(program.WellRef{Labware: int16(rack), Well: int16(w)})
			}
		}
	}
	return c.NextTip(pipette, n)
}
