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
	OffWell                      // a channel is over no well
	TipsBeside                   // a nozzle that takes no tip would press on one
	Forgotten                    // draws from a well of which nobody knows what it holds
)

// Delta is one well whose liquid a step changed.
type Delta struct {
	Well    WellRef
	Before  Content
	Moved   int64 // nL of liquid that left (+) or entered (−) the well
	Faults  Fault // those of this well: Short and Overflow
	Missing int64 // nL that are too little or too much in this well
}

// TipDelta is one tip place that a step changed.
type TipDelta struct {
	Place  WellRef
	Before TipState
}

// Touched is the small delta of one step: what was before. It is valid until
// the next Apply; After is read from the State.
type Touched struct {
	Wells        []Delta    // the wells whose liquid changed, each once; with one channel at most one
	Tips         []TipDelta // the tip places that changed, in the order of the channels
	Moved        int64      // nL of liquid that left (+) or entered (−) all wells, or went into the trash (−)
	Pipette      int
	TipOn        bool // before
	TipFrom      WellRef
	TipUsed      bool  // the tip had touched liquid before
	Held         int64 // nL of liquid in each tip before
	Air          int64 // nL of air in each tip before
	Faults       Fault
	Missing      int64   // nL that are too little (Short, OverHeld) or too much (OverTip, Overflow), in one channel or well
	Off          int     // the first channel over no well (OffWell), counted from the primary nozzle
	Beside       WellRef // the tip place that a fault is about (TipMissing, PlaceTaken, TipsBeside)
	nozzles      Nozzles
	parts        [][]int64 // what each channel held before
	batches      [][]int64 // and of which batches; nil where there are none
	wells        []Delta   // what Wells is a part of
	tips         [maxChannels]TipDelta
	Module       int8  // whose state changed, or NoModule
	Labware      int16 // that was moved, or -1
	Place        Place // where that was before
	Away         bool  // a labware was taken away
	ModuleBefore ModuleState
}

// HeldParts adds what all channels held before to sum, by liquid.
func (t *Touched) HeldParts(sum []int64) {
	for _, parts := range t.parts {
		for i, v := range parts {
			sum[i] += v
		}
	}
}

// NewTips returns how many tips that were never used before were picked up.
func (t *Touched) NewTips(op *Op) int {
	n := 0
	for i := range t.Tips {
		if op.Kind == PickUpTip && t.Tips[i].Before == TipNew {
			n++
		}
	}
	return n
}

func (t *Touched) scratch(s *State, channels int) {
	t.wells, t.parts = s.deltas(channels), make([][]int64, channels)
	if s.batches != nil {
		t.batches = make([][]int64, channels)
	}
	for i := range t.parts {
		t.parts[i] = make([]int64, s.width)
		if s.batches != nil {
			t.batches[i] = make([]int64, s.batches.count())
		}
	}
}

func (t *Touched) reset(op *Op, m *Mounted) {
	t.Wells, t.Tips, t.Pipette = t.wells[:0], t.tips[:0], int(op.Pipette)
	t.Moved, t.Faults, t.Missing, t.Off, t.Beside = 0, 0, 0, 0, None
	t.TipOn, t.TipFrom, t.TipUsed, t.nozzles = m.On, m.From, m.Used, m.Nozzles
	t.Module, t.Labware, t.Away = NoModule, -1, false
	t.Held, t.Air = m.Held.Volume, m.Air
	copy(t.parts[0], m.Held.Parts)
	for k := 1; k < len(t.parts); k++ {
		if k > len(m.Others) {
			clear(t.parts[k])
			continue
		}
		copy(t.parts[k], m.Others[k-1].Parts)
	}
	if t.batches == nil {
		return
	}
	for k := range len(m.Others) + 1 {
		copy(t.batches[k], m.channel(k).Batches)
	}
}

// at returns the delta of a well, the one that is there or a new one.
func (t *Touched) at(r WellRef, c *Content) *Delta {
	for i := range t.Wells {
		if t.Wells[i].Well == r {
			return &t.Wells[i]
		}
	}
	t.Wells = t.wells[:len(t.Wells)+1]
	d := &t.Wells[len(t.Wells)-1]
	d.Well, d.Moved, d.Faults, d.Missing = r, 0, 0, 0
	copyContent(&d.Before, c)
	return d
}

func (t *Touched) fault(d *Delta, f Fault, missing int64) {
	d.Faults |= f
	d.Missing = missing
	t.Faults |= f
	t.Missing = max(t.Missing, missing)
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
	case ConfigureNozzles:
		s.configure(op, m, t)
	case SetTemperature, StopTemperature, SetLidTemperature, StopLidTemperature, OpenLid, CloseLid,
		OpenLatch, CloseLatch, Shake, StopShaking, Engage, Disengage:
		s.setModule(op, t)
	case MoveLabware:
		s.moveLabware(op, t)
	case NewTips:
		s.newTips(op, t)
	case Refill:
		s.refill(op, t)
	case Exchange:
		s.exchange(op, t)
	case MoveTo, Prepare, Home, Delay, Pause, Comment, Ask, Measure, Request, Publish, Notify, RunProtocol, WaitTemperature, WaitLidTemperature, Lights:
	}
	m.arrive(op)
	return t
}

// arrive notes where the tip is behind an operation.
func (m *Mounted) arrive(op *Op) {
	switch op.Kind {
	case Aspirate, Dispense, AirGap, TouchTip, BlowOut, MoveTo:
		m.Last, m.At = op.Well, op.At
		if op.Trash {
			m.Last = None
		}
	}
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
	if m.Others == nil {
		s.takeTip(op.Well, t)
	} else {
		s.takeTips(op, m, t)
	}
	m.On, m.From, m.Used, m.Last = true, op.Well, false, None
	m.Max = min(s.Deck.Pipettes[op.Pipette].Model.MaxNL, s.Deck.Well(op.Well).MaxNL)
}

func (s *State) takeTip(r WellRef, t *Touched) {
	if s.tips[r.Labware] == nil || s.tips[r.Labware][r.Well] == TipOut || s.tips[r.Labware][r.Well] == TipUnknown {
		t.Faults |= TipMissing
		if t.Beside == None {
			t.Beside = r
		}
		return
	}
	s.moveTip(r, TipOut, t)
}

func (s *State) moveTip(r WellRef, to TipState, t *Touched) {
	t.Tips = append(t.Tips, TipDelta{r, s.tips[r.Labware][r.Well]})
	s.tips[r.Labware][r.Well] = to
}

// takeTips picks up with several channels: each presses on the place under it,
// and those without a tip must find nothing to press on.
func (s *State) takeTips(op *Op, m *Mounted, t *Touched) {
	for k, w := range s.Reach(int(op.Pipette), m.Nozzles, op.Well) {
		if w < 0 {
			t.off(k)
			continue
		}
		s.takeTip(WellRef{op.Well.Labware, w}, t)
	}
	if s.tips[op.Well.Labware] == nil {
		return
	}
	for _, w := range s.reach(m.Nozzles, op.Well.Labware).idle[op.Well.Well] {
		if w >= 0 && s.tips[op.Well.Labware][w] != TipOut {
			t.Faults |= TipsBeside
			t.Beside = WellRef{op.Well.Labware, w}
			return
		}
	}
}

func (t *Touched) off(channel int) {
	if t.Faults&OffWell == 0 {
		t.Off = channel
	}
	t.Faults |= OffWell
}

func (s *State) configure(op *Op, m *Mounted, t *Touched) {
	if m.On {
		t.Faults |= HasTip
		s.setEmpty(m)
	}
	m.Nozzles = op.Nozzles
}

func (s *State) setEmpty(m *Mounted) {
	m.On, m.From, m.Air, m.Extra, m.Used, m.Max, m.Last = false, None, 0, 0, false, 0, None
	for k := range len(m.Others) + 1 {
		c := m.channel(k)
		c.Volume = 0
		clear(c.Parts)
		clear(c.Batches)
	}
}

func (s *State) aspirate(op *Op, m *Mounted, t *Touched) {
	s.needTip(m, t)
	m.Extra += op.Correction
	m.Used = true
	if m.Others == nil {
		if c := s.content(op.Well); c != nil {
			s.draw(c, op.Volume, &m.Held, t, t.at(op.Well, c))
		}
	} else if s.wells[op.Well.Labware] != nil {
		for k, w := range s.Reach(int(op.Pipette), m.Nozzles, op.Well) {
			s.drawInto(op, k, w, m, t)
		}
	}
	s.checkHeld(m, t)
}

// drawInto draws with one of several channels. One that is over no well draws
// something that has no name.
func (s *State) drawInto(op *Op, channel int, w int16, m *Mounted, t *Touched) {
	held := m.channel(channel)
	if w < 0 {
		t.off(channel)
		held.Parts[s.width-1] += op.Volume
		held.Volume += op.Volume
		return
	}
	c := &s.wells[op.Well.Labware][w]
	s.draw(c, op.Volume, held, t, t.at(WellRef{op.Well.Labware, w}, c))
}

// draw moves v from c into a tip. What the well lacks is held as an unnamed
// liquid, so that the lack is not reported again further on.
func (s *State) draw(c *Content, v int64, held *Content, t *Touched, d *Delta) {
	take := v
	if s.IsForgotten(c) {
		t.fault(d, Forgotten, 0)
	}
	if c.Volume < v && !c.Unknown {
		take = max(c.Volume, 0)
		t.fault(d, Short, d.Missing+v-take)
		held.Parts[s.width-1] += v - take
		held.Volume += v - take
	}
	s.split(c, take)
	s.pour(held)
	held.Volume += take
	c.Touched = true
	d.Moved += v
	t.Moved += v
}

// pour gives what was split off to c.
func (s *State) pour(c *Content) {
	for i, p := range s.scratch {
		c.Parts[i] += p
	}
	for k, p := range s.shares {
		c.Batches[k] += p
	}
}

// split takes v out of c in the proportions of its parts, into s.scratch and
// s.shares. Rounding is cumulative: the shares add up to v exactly.
func (s *State) split(c *Content, v int64) {
	clear(s.scratch)
	clear(s.shares)
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
	if s.batches != nil {
		s.batches.split(c, s.scratch, s.shares)
	}
}

// splitUnknown counts down from zero what is drawn from a well whose amount
// nobody declared.
func (s *State) splitUnknown(c *Content, v int64) {
	s.scratch[c.Of] = v
	c.Parts[c.Of] -= v
	c.Volume -= v
	if s.batches != nil && c.Batch >= 0 {
		s.shares[c.Batch] = v
		c.Batches[c.Batch] -= v
	}
}

func (s *State) checkHeld(m *Mounted, t *Touched) {
	if over := m.Held.Volume + m.Air + m.Extra - m.Max; m.On && over > 0 {
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
	m.Extra -= op.Correction
	s.give(op, v, m, t)
}

// Correction is how much further the plunger has to move in a dispense than the
// liquid and the air that are given: of what was drawn too far the share, and
// with the last of it the rest.
func (s *State) Correction(op *Op) int64 {
	m := &s.Mounts[op.Pipette]
	held := m.Held.Volume + m.Air
	if m.Extra == 0 || op.Volume >= held {
		return m.Extra
	}
	return mulDiv(op.Volume, m.Extra, held)
}

func (s *State) blowOut(op *Op, m *Mounted, t *Touched) {
	s.needTip(m, t)
	m.Air, m.Extra = 0, 0
	s.give(op, m.Held.Volume, m, t)
}

// give moves v out of each tip.
func (s *State) give(op *Op, v int64, m *Mounted, t *Touched) {
	if m.Others == nil {
		s.split(&m.Held, v)
		t.Moved = -v
		if c := s.content(op.Well); c != nil && !op.Trash {
			s.fillUp(op.Well, c, v, t)
		}
		return
	}
	var reach []int16
	if !op.Trash && s.wells[op.Well.Labware] != nil {
		reach = s.Reach(int(op.Pipette), m.Nozzles, op.Well)
	}
	for k := range s.Deck.Pipettes[op.Pipette].Model.Active(m.Nozzles) {
		s.split(m.channel(k), v)
		t.Moved -= v
		switch {
		case reach == nil:
		case reach[k] < 0:
			t.off(k)
		default:
			s.fillUp(WellRef{op.Well.Labware, reach[k]}, &s.wells[op.Well.Labware][reach[k]], v, t)
		}
	}
}

// fillUp puts what was split off into a well.
func (s *State) fillUp(r WellRef, c *Content, v int64, t *Touched) {
	d := t.at(r, c)
	s.pour(c)
	c.Volume += v
	c.Touched = c.Touched || v > 0
	d.Moved -= v
	if over := c.Volume - s.Deck.Well(r).MaxNL; over > 0 && over <= -d.Moved && !c.Unknown {
		t.fault(d, Overflow, over)
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
		if m.Others == nil {
			s.leaveTip(place, t)
		} else {
			for k, w := range s.Reach(int(op.Pipette), m.Nozzles, place) {
				if w < 0 {
					t.off(k)
					continue
				}
				s.leaveTip(WellRef{place.Labware, w}, t)
			}
		}
	}
	s.setEmpty(m)
}

func (s *State) leaveTip(r WellRef, t *Touched) {
	if at := s.tips[r.Labware][r.Well]; at == TipNew || at == TipUsed {
		if t.Faults&PlaceTaken == 0 {
			t.Beside = r
		}
		t.Faults |= PlaceTaken
	}
	s.moveTip(r, TipUsed, t)
}

func (s *State) endRun() {
	for i := range s.Mounts {
		if s.Mounts[i].On {
			s.setEmpty(&s.Mounts[i])
		}
	}
}
