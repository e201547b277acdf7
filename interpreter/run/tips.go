package run

import (
	"fmt"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Tips that are lost where a run is gone on with, and what was in them.

// use is what the plan has on a pipette at a step.
type use struct {
	picked int   // index of the pick-up
	drawn  []int // indices of what was drawn since the tip was last empty
	given  bool  // some of it was given already
}

// reserve keeps the places of all tips that the plan takes from step from on
// from being given out.
func (s *Story) reserve(state *program.State, from int, renamed []Renamed) {
	layouts := make([]program.Nozzles, len(s.Plan.Deck.Pipettes))
	fresh := map[int]bool{} // the racks in whose place others stand by then
	for i := range s.Plan.Steps {
		op := s.Plan.Steps[i].Op
		switch op.Kind {
		case program.RunProtocol:
			if i >= from-1 {
				s.reserveFor(state, s.Plan.Steps[i].Protocol, fresh)
			}
		case program.NewTips:
			for _, rack := range s.Plan.Deck.Pipettes[op.Pipette].Racks {
				fresh[rack] = i >= from-1
			}
		case program.ConfigureNozzles:
			layouts[op.Pipette] = op.Nozzles
		case program.PickUpTip:
			if i < from-1 || fresh[int(op.Well.Labware)] {
				continue
			}
			rename(&op, renamed)
			for _, place := range places(state, int(op.Pipette), layouts[op.Pipette], op.Well) {
				state.Reserve(place)
			}
		default:
		}
	}
}

// reserveFor keeps the tips that a protocol takes.
func (s *Story) reserveFor(state *program.State, p *program.Protocol, fresh map[int]bool) {
	taken := slices.Clone(p.Tips)
	layouts := make([]program.Nozzles, len(s.Plan.Deck.Pipettes))
	for i := range p.Does {
		switch op := &p.Does[i]; op.Kind {
		case program.ConfigureNozzles:
			layouts[op.Pipette] = op.Nozzles
		case program.PickUpTip:
			taken = append(taken, places(state, int(op.Pipette), layouts[op.Pipette], op.Well)...)
		default:
		}
	}
	for _, place := range taken {
		if !fresh[int(place.Labware)] {
			state.Reserve(place)
		}
	}
}

// places returns the wells or tip places of all channels of a pipette whose
// primary nozzle goes to a well, in the order of the channels.
func places(state *program.State, pipette int, n program.Nozzles, at program.WellRef) []program.WellRef {
	if !state.Deck.IsMulti(pipette) {
		return []program.WellRef{at}
	}
	var out []program.WellRef
	for _, w := range state.Reach(pipette, n, at) {
		if w >= 0 {
			out = append(out, program.WellRef{Labware: at.Labware, Well: w})
		}
	}
	return out
}

// replaceTips puts on every pipette what the plan has on it at the step it is
// gone on with: a new tip in place of the one that is lost, and the liquid that
// was in it.
func (s *Story) replaceTips(r *Rest, at *standing, redraw bool) error {
	planned, uses := s.uses(at.from, r.Event.Renamed)
	s.bringTips(r, at, planned)
	for i := range planned.Mounts {
		m := &planned.Mounts[i]
		if at.from > len(s.Plan.Steps) {
			continue
		}
		if layout := m.Nozzles; layout != at.state.Mounts[i].Nozzles {
			r.add(at, Added{Op: program.Op{Kind: program.ConfigureNozzles, Pipette: int8(i), Nozzles: layout, Well: program.None}})
			r.Notes = append(r.Notes, fmt.Sprintf("have %s take tips with the nozzles %s again", s.Plan.Deck.Pipettes[i].Name, layout))
		}
		if !m.On {
			continue
		}
		u := &uses[i]
		pick := s.Plan.Steps[u.picked].Op
		pick.Well = m.From
		deck := s.Plan.Deck
		if !deck.IsTool(i, m.From) {
			fresh, ok := s.freshTip(r, at, i, m)
			if !ok {
				return &Error{Kind: Rejected, Message: fmt.Sprintf("%s needs another tip like the one from %s, which is lost, and every tip on the deck that it could take is used or needed later; give the run up with the answer abort, or put the rest into a workflow of its own", deck.Pipettes[i].Name, deck.WellName(m.From))}
			}
			now := places(at.state, i, m.Nozzles, fresh)
			for k, was := range places(at.state, i, m.Nozzles, m.From) {
				r.Event.rename(was, now[k])
			}
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

// bringTips has a person put new racks there for pipettes that are brought some
// where none is left, and whose racks have no tip that could stand in for one that
// is lost, or was lost before.
func (s *Story) bringTips(r *Rest, at *standing, planned *program.State) {
	if at.from > len(s.Plan.Steps) {
		return
	}
	gone := false // the gantry is out of the way
	for i := range planned.Mounts {
		p, like := &s.Plan.Deck.Pipettes[i], planned.Mounts[i]
		if !p.Refill || len(p.Racks) == 0 {
			continue
		}
		if lost := like.On && !s.Plan.Deck.IsTool(i, like.From); !lost {
			if !slices.ContainsFunc(r.Event.Renamed, func(r Renamed) bool { return slices.Contains(p.Racks, int(r.Was.Labware)) }) {
				continue
			}
			like.From = program.WellRef{Labware: int16(p.Racks[0])}
		}
		if _, ok := s.freshTip(r, at, i, &like); ok {
			continue
		}
		op, text := program.Op{Kind: program.NewTips, Well: program.None, Pipette: int8(i)}, at.state.NewTipsText(i)
		if !gone {
			r.add(at, Added{Op: program.Op{Kind: program.Home, Well: program.None}})
			gone = true
		}
		r.add(at, Added{Op: op, Text: text})
		r.Event.Renamed = afterNewTips(s.Plan.Deck, &op, r.Event.Renamed)
		r.Notes = append(r.Notes, text+", which the robot waits for: none is left that could stand in for one that was lost")
	}
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
	fresh := map[int]int{} // from which step on the tips of a rack are those there are now
	for i := range s.Plan.Steps[:from-1] {
		if op := &s.Plan.Steps[i].Op; op.Kind == program.NewTips {
			for _, rack := range s.Plan.Deck.Pipettes[op.Pipette].Racks {
				fresh[rack] = i
			}
		}
	}
	for i := range s.Plan.Steps[:from-1] {
		if s.Plan.Steps[i].Protocol != nil {
			state.Do(&s.Plan.Steps[i])
			continue
		}
		op := s.Plan.Steps[i].Op
		if op.Well == program.None || i >= fresh[int(op.Well.Labware)] {
			rename(&op, renamed)
		}
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

// freshTip finds a tip like one that is lost, or as many for several channels,
// which nothing that remains needs.
func (s *Story) freshTip(r *Rest, at *standing, pipette int, lost *program.Mounted) (program.WellRef, bool) {
	c := at.state.Clone()
	s.reserve(c, at.from, r.Event.Renamed)
	return sameTip(c, pipette, lost.Nozzles, lost.From)
}

// refill draws again what was in a tip that is lost.
func (s *Story) refill(r *Rest, at *standing, m *program.Mounted, u *use, redraw bool) error {
	if m.Held.Volume == 0 && m.Air == 0 {
		return nil
	}
	ops, ok := s.redrawn(at.state, m, u)
	if !ok {
		return &Undecided{Lost: []string{fmt.Sprintf("%s of several wells, some of which was given already, went with the tip from %s; it cannot be drawn again as it was: put it right with a recovery workflow from here on, or give the run up", quantity.Volume.Text(m.Held.Volume), s.Plan.Deck.WellName(m.From))}}
	}
	for i := range ops {
		op := &ops[i]
		if op.Kind == program.Aspirate {
			well := s.Plan.Deck.WellName(op.Well)
			if !redraw && !areStock(at.state, places(at.state, int(op.Pipette), m.Nozzles, op.Well)) {
				return &Undecided{Lost: []string{fmt.Sprintf("%s of %s went with a tip that is lost, and %s is no stock: whoever draws it again leaves %s with that much less than planned", quantity.Volume.Text(op.Volume), well, well, well)}}
			}
			r.Notes = append(r.Notes, fmt.Sprintf("draw %s of %s again, which went with the tip that is lost", quantity.Volume.Text(op.Volume), well))
		}
		r.add(at, Added{Op: *op})
	}
	return nil
}

// redrawn returns what has to be drawn to have in a tip what m says. Where some
// was given already, what is left of several wells is known only if all of them
// hold the same.
func (s *Story) redrawn(state *program.State, m *program.Mounted, u *use) ([]program.Op, bool) {
	var out, draws []program.Op
	var air *program.Op
	for _, i := range u.drawn {
		op := &s.Plan.Steps[i].Op
		out = append(out, *op)
		if op.Kind == program.AirGap {
			air = op
			continue
		}
		draws = append(draws, *op)
	}
	if !u.given {
		return out, true
	}
	if !alike(state, m, draws) {
		return nil, false
	}
	out = out[:0]
	if len(draws) > 0 && m.Held.Volume > 0 {
		op := draws[len(draws)-1]
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

// alike reports whether every channel drew from one well, or from several of
// the same stock.
func alike(state *program.State, m *program.Mounted, draws []program.Op) bool {
	for i := 1; i < len(draws); i++ {
		if draws[i].Well == draws[0].Well {
			continue
		}
		first := places(state, int(draws[0].Pipette), m.Nozzles, draws[0].Well)
		other := places(state, int(draws[i].Pipette), m.Nozzles, draws[i].Well)
		for k := range min(len(first), len(other)) {
			a, isA := stockOf(state, first[k])
			b, isB := stockOf(state, other[k])
			if !isA || !isB || a != b {
				return false
			}
		}
	}
	return true
}

func areStock(state *program.State, wells []program.WellRef) bool {
	return !slices.ContainsFunc(wells, func(w program.WellRef) bool { return !isStock(state, w) })
}

func isStock(state *program.State, well program.WellRef) bool {
	_, ok := stockOf(state, well)
	return ok
}

// stockOf returns the liquid of a well that holds what the workflow declared it
// to hold and nothing else, so that what is drawn from it is the same every
// time.
func stockOf(state *program.State, well program.WellRef) (liquid int, ok bool) {
	c, ok := state.Content(well)
	if !ok {
		return 0, false
	}
	for i := range state.Deck.Liquids {
		if !slices.Contains(state.Deck.Liquids[i].Wells, well) {
			continue
		}
		for part, v := range c.Parts {
			if v != 0 && part != i {
				return 0, false
			}
		}
		return i, true
	}
	return 0, false
}
