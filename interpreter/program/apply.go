package program

// Fault says what cannot be as an operation asks; several may hold.
type Fault uint16

// The faults Apply notices. It goes on after each with the least surprising
// state, so that one mistake is noticed once.
const (
	NoTip      Fault = 1 << iota // needs a tip and none is on
	HasTip                       // picks up a tip while one is on
	TipMissing                   // no tip at the place
	OverTip                      // more than the tip can hold
	OverHeld                     // gives more than is held
	Short                        // the well holds less than is drawn
	Overflow                     // the well holds more than its capacity, since this step
	NotEmpty                     // puts away a tip that holds liquid
	PlaceTaken                   // puts a tip on a place that has one
)

// Touched is the small delta of one step: what was before. It is valid until
// the next Apply; After is read from the State.
type Touched struct {
	Well     WellRef // the well whose liquid changed, or None
	Before   Content // of Well
	Moved    int64   // nL of liquid that left (+) or entered (−) the tip
	Tip      WellRef // the tip place that changed, or None
	TipNew   bool    // the tip at that place was not used before
	Pipette  int
	TipOn    bool // before
	TipFrom  WellRef
	TipUsed  bool  // the tip had touched liquid before
	Held     int64 // nL of liquid in the tip before
	Air      int64 // nL of air in the tip before
	HeldPart []int64
	Faults   Fault
	Missing  int64 // nL that are too little (Short, OverHeld) or too much (OverTip, Overflow)
}

func (t *Touched) scratch(width int) {
	t.Before.Parts = make([]int64, width)
	t.HeldPart = make([]int64, width)
}

func (t *Touched) reset(op *Op, m *Mounted) {
	t.Well, t.Tip, t.Pipette = None, None, int(op.Pipette)
	t.Moved, t.Faults, t.Missing, t.TipNew = 0, 0, 0, false
	t.TipOn, t.TipFrom, t.TipUsed = m.On, m.From, m.Used
	t.Held, t.Air = m.Held.Volume, m.Air
	copy(t.HeldPart, m.Held.Parts)
}

// Apply carries out one operation on the state and returns what it touched.
// It is the one place where state changes. Liquids are taken to mix perfectly:
// what is drawn has the proportions of the well, to the nanolitre, with
// nothing lost.
func (s *State) Apply(op *Op) *Touched {
	t := &s.touched
	m := s.mount(op)
	t.reset(op, m)
	switch op.Kind {
	case PickUpTip:
		s.pickUp(op, m, t)
	case Aspirate:
		s.aspirate(op, m, t)
	case Dispense:
		s.dispense(op, m, t)
	case AirGap:
		s.needTip(m, t)
		m.Air += op.Volume
		s.checkHeld(m, t)
	case TouchTip:
		s.needTip(m, t)
	case BlowOut:
		s.blowOut(op, m, t)
	case DropTip:
		s.putAway(op, m, t, false)
	case ReturnTip:
		s.putAway(op, m, t, true)
	case EndRun:
		s.endRun()
	case MoveTo, Home, Delay, Pause, Comment:
	}
	return t
}

// mount is what is on the pipette of op, or an empty one that stays so where
// op has none.
func (s *State) mount(op *Op) *Mounted {
	if op.Kind.Info().Fields&HasPipette == 0 || len(s.Mounts) == 0 || op.Kind == EndRun {
		return &s.idle
	}
	return &s.Mounts[op.Pipette]
}

// needTip notices that there is no tip, and goes on as if there were one.
func (s *State) needTip(m *Mounted, t *Touched) {
	if !m.On {
		t.Faults |= NoTip
		s.AssumeTip(t.Pipette)
	}
}

func (s *State) pickUp(op *Op, m *Mounted, t *Touched) {
	if m.On {
		t.Faults |= HasTip
		s.setEmpty(m)
	}
	t.Tip = op.Well
	if s.tips[op.Well.Labware] == nil || s.tips[op.Well.Labware][op.Well.Well] == TipOut {
		t.Faults |= TipMissing
	} else {
		t.TipNew = s.tips[op.Well.Labware][op.Well.Well] == TipNew
		s.tips[op.Well.Labware][op.Well.Well] = TipOut
	}
	m.On, m.From, m.Used, m.Last = true, op.Well, false, None
	m.Max = min(s.Deck.Pipettes[op.Pipette].Model.MaxNL, s.Deck.Well(op.Well).MaxNL)
}

func (s *State) setEmpty(m *Mounted) {
	m.On, m.From, m.Air, m.Used, m.Max, m.Last = false, None, 0, false, 0, None
	m.Held.Volume = 0
	clear(m.Held.Parts)
}

func (s *State) remember(r WellRef, c *Content, t *Touched) {
	t.Well = r
	t.Before.Volume, t.Before.Unknown, t.Before.Of, t.Before.Touched = c.Volume, c.Unknown, c.Of, c.Touched
	copy(t.Before.Parts, c.Parts)
}

func (s *State) aspirate(op *Op, m *Mounted, t *Touched) {
	s.needTip(m, t)
	t.Moved = op.Volume
	m.Used, m.Last = true, op.Well
	if c := s.content(op.Well); c != nil {
		s.remember(op.Well, c, t)
		s.draw(c, op.Volume, m, t)
		c.Touched = true
	}
	s.checkHeld(m, t)
}

// draw moves v from c into the tip. What the well lacks is held as an unnamed
// liquid, so that the lack is not reported again further on.
func (s *State) draw(c *Content, v int64, m *Mounted, t *Touched) {
	take := v
	if c.Volume < v && !c.Unknown {
		take = max(c.Volume, 0)
		t.Faults |= Short
		t.Missing = v - take
		m.Held.Parts[s.width-1] += t.Missing
		m.Held.Volume += t.Missing
	}
	s.split(c, take)
	for i, p := range s.scratch {
		m.Held.Parts[i] += p
	}
	m.Held.Volume += take
}

// split takes v out of c in the proportions of its parts, into s.scratch.
// Rounding is cumulative: the shares add up to v exactly.
func (s *State) split(c *Content, v int64) {
	clear(s.scratch)
	if c.Unknown {
		s.splitUnknown(c, v)
		return
	}
	if v <= 0 || c.Volume <= 0 {
		return
	}
	var cum, done int64
	for i, p := range c.Parts {
		cum += p
		upTo := mulDiv(cum, v, c.Volume)
		s.scratch[i] = upTo - done
		c.Parts[i] -= upTo - done
		done = upTo
	}
	c.Volume -= v
}

// splitUnknown counts down from zero what is drawn from a well whose amount
// nobody declared.
func (s *State) splitUnknown(c *Content, v int64) {
	s.scratch[c.Of] = v
	c.Parts[c.Of] -= v
	c.Volume -= v
}

func (s *State) checkHeld(m *Mounted, t *Touched) {
	if over := m.Held.Volume + m.Air - m.Max; m.On && over > 0 {
		t.Faults |= OverTip
		t.Missing = over
	}
}

func (s *State) dispense(op *Op, m *Mounted, t *Touched) {
	s.needTip(m, t)
	air := min(m.Air, op.Volume)
	m.Air -= air
	v := op.Volume - air
	if v > m.Held.Volume {
		if m.On {
			t.Faults |= OverHeld
			t.Missing = v - m.Held.Volume
		}
		v = m.Held.Volume
	}
	s.give(op, v, m, t)
}

func (s *State) blowOut(op *Op, m *Mounted, t *Touched) {
	s.needTip(m, t)
	m.Air = 0
	s.give(op, m.Held.Volume, m, t)
}

func (s *State) give(op *Op, v int64, m *Mounted, t *Touched) {
	t.Moved = -v
	s.split(&m.Held, v)
	if op.Trash {
		return
	}
	m.Last = op.Well
	c := s.content(op.Well)
	if c == nil {
		return
	}
	s.remember(op.Well, c, t)
	for i, p := range s.scratch {
		c.Parts[i] += p
	}
	c.Volume += v
	c.Touched = c.Touched || v > 0
	if over := c.Volume - s.Deck.Well(op.Well).MaxNL; over > 0 && over <= v && !c.Unknown {
		t.Faults |= Overflow
		t.Missing = over
	}
}

func (s *State) putAway(op *Op, m *Mounted, t *Touched, back bool) {
	if !m.On {
		t.Faults |= NoTip
		return
	}
	if m.Held.Volume > 0 {
		t.Faults |= NotEmpty
	}
	place := op.Well
	if back {
		place = m.From
	}
	if (back || !op.Trash) && place != None && s.tips[place.Labware] != nil {
		t.Tip = place
		if s.tips[place.Labware][place.Well] != TipOut {
			t.Faults |= PlaceTaken
		}
		s.tips[place.Labware][place.Well] = TipUsed
	}
	s.setEmpty(m)
}

func (s *State) endRun() {
	for i := range s.Mounts {
		if s.Mounts[i].On {
			s.setEmpty(&s.Mounts[i])
		}
	}
}
