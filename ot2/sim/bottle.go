package sim

import "github.com/ot2flow/ot2flow/interpreter/program"

// fillUp has a person fill up the wells of a liquid. People read a mark on a well
// or weigh it: that they do so exactly is taken for granted.
func (n *Noise) fillUp(t *program.Transition) {
	op := &t.Step.Op
	for k, r := range n.deck.Liquids[op.Liquid].Wells {
		if c, ok := t.After.Content(r); !ok || c.Unknown {
			continue
		}
		from, to := n.bottle(t.After, int(op.Liquid), k), n.well(r)
		n.dry(to)
		for i, may := range n.vessels[from].may {
			n.vessels[to].may[i] |= may
		}
		n.add(action{act: filled, from: from, to: to, step: int32(t.Step.N), volume: float64(op.Volume), parts: n.list(n.vessels[from].may)}, t.Step.Frame)
		n.change(to)
	}
}

// bottle is the vessel that the k-th well of a liquid is filled up from. It never
// ends, as a well of which nobody knows how much it holds.
func (n *Noise) bottle(s *program.State, liquid, k int) int32 {
	r := n.deck.Liquids[liquid].Wells[k]
	if i, ok := n.bottles[r]; ok {
		return i
	}
	i := int32(len(n.vessels))
	n.bottles[r] = i
	v := vessel{well: program.None, may: n.nothing(), unknown: true, of: liquid, contains: make([]float64, len(n.deck.Components)+n.batches)}
	v.mayHold(liquid, 1)
	for c := range n.deck.Components {
		v.contains[c] = n.contains(r, liquid, c)
		v.mayHold(len(n.deck.Liquids)+1+c, v.contains[c])
	}
	if batch := s.BatchOf(liquid, k); batch >= 0 {
		v.contains[len(n.deck.Components)+batch] = 1
		v.mayHold(n.width-n.batches+batch, 1)
	}
	n.vessels, n.start, n.parts = append(n.vessels, v), append(n.start, 0), append(n.parts, make([]float64, n.width)...)
	return i
}

// exchange has a person put a new labware in the place of one: its wells are other
// vessels, and those of the old one stay as they are.
func (n *Noise) exchange(t *program.Transition) {
	labware := int(t.Step.Op.Well.Labware)
	number := 0
	for _, a := range t.After.Away() {
		if a.Labware == labware {
			number++
		}
	}
	for k := range n.deck.Labware[labware].Def.Wells {
		r := program.WellRef{Labware: int16(labware), Well: int16(k)}
		old, held := n.index[r]
		if held {
			n.dry(old)
			n.vessels[old].rate, n.vessels[old].number = 0, number
			delete(n.index, r)
		}
		c, ok := t.After.Content(r)
		switch {
		case ok && c.Touched:
			n.found(r, c)
		case held:
			n.well(r)
		default:
			continue
		}
		n.touched = append(n.touched, n.index[r])
	}
}
