package program

import (
	"fmt"
	"reflect"
	"slices"
)

// Content is what a well or a tip holds: volumes by declared liquid. A well
// whose amount was not declared is Unknown: its volume is counted from zero
// and may be negative, its composition is that of the declared liquid. Of a
// well that is forgotten (see State.IsForgotten) that is not known either.
type Content struct {
	Volume  int64   // nL of liquid
	Parts   []int64 // nL per Deck.Liquids index, and last what no declaration names; sums to Volume
	Batches []int64 // nL per batch of the liquids whose wells differ in what they contain; those of a liquid sum to its part
	Unknown bool
	Of      int  // the declared liquid of an Unknown well, or what no declaration names
	Touched bool // held something at some time, or was declared
	Batch   int  // of Of; -1 where that has none
}

// TipState is what is at a place of a tip rack.
type TipState uint8

// The states of a tip place. Kept places were emptied and will be filled again
// by a return.
const (
	TipNew     TipState = iota
	TipOut              // on a pipette or gone
	TipUsed             // returned
	TipUnknown          // nobody knows
)

var tipNames = [...]string{"new", "out", "used", "unknown"}

// String returns the state as plans and people say it: new, out, used or unknown.
func (t TipState) String() string { return tipNames[t] }

// MarshalText returns the state as plans and people say it.
func (t TipState) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *TipState) UnmarshalText(b []byte) error {
	i := slices.Index(tipNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("there is no state %q of a tip", b)
	}
	*t = TipState(i)
	return nil
}

// LookupTip returns the state of that name, TipNew for one that there is not.
func LookupTip(name string) TipState { return TipState(max(0, slices.Index(tipNames[:], name))) }

// Mounted is what is on a pipette.
type Mounted struct {
	On      bool
	From    WellRef // where the tip came from; that of the primary nozzle
	Max     int64   // nL it can hold with this pipette
	Held    Content
	Others  []Content // of the channels after the first; their volumes are that of Held
	Air     int64     // nL of air drawn after the liquid, in each channel
	Extra   int64     // nL the plunger was drawn further than what each channel holds
	Used    bool      // the tip touched liquid since it was picked up
	Last    WellRef   // the well it is at, or None: it was at none yet, or at the trash since
	At      Position  // where in Last
	Nozzles Nozzles   // which nozzles take tips
}

// channel returns what channel k holds.
func (m *Mounted) channel(k int) *Content {
	if k == 0 {
		return &m.Held
	}
	return &m.Others[k-1]
}

// Total returns how much liquid all channels hold together, in nL.
func (m *Mounted) Total() int64 {
	out := m.Held.Volume
	for i := range m.Others {
		out += m.Others[i].Volume
	}
	return out
}

// Parts adds what all channels hold to sum, by liquid.
func (m *Mounted) Parts(sum []int64) {
	for i, v := range m.Held.Parts {
		sum[i] += v
	}
	for k := range m.Others {
		for i, v := range m.Others[k].Parts {
			sum[i] += v
		}
	}
}

// State is the state of a deck in the course of a program. Apply is the only
// thing that changes it. A State belongs to one goroutine.
type State struct {
	Deck    *Deck
	wells   [][]Content // by labware, by well; nil for tip racks
	tips    [][]TipState
	reserve [][]bool // places kept for a liquid, or never given out by themselves
	modules []ModuleState
	places  []Place
	away    []Away
	Mounts  []Mounted
	idle    Mounted // stands for the pipette of operations that have none
	touched Touched
	scratch []int64
	width   int      // length of Parts
	batches *batches // nil where no liquid has any
	shares  []int64  // by batch, as scratch is by liquid
	reached map[reachKey]*reaches
}

// NewState returns the state before the first step.
func NewState(d *Deck) *State {
	s := &State{Deck: d, width: len(d.Liquids) + 1, batches: batchesOf(d)}
	s.wells = make([][]Content, len(d.Labware))
	s.tips = make([][]TipState, len(d.Labware))
	s.reserve = make([][]bool, len(d.Labware))
	for i := range d.Labware {
		n := len(d.Labware[i].Def.Wells)
		if d.Labware[i].Def.IsTipRack {
			s.tips[i] = make([]TipState, n)
			s.reserve[i] = make([]bool, n)
			continue
		}
		s.wells[i] = s.emptyContents(n)
	}
	s.modules = make([]ModuleState, len(d.Modules))
	for i := range s.modules {
		s.modules[i] = unset
	}
	s.places = make([]Place, len(d.Labware))
	for i := range s.places {
		s.places[i] = d.Labware[i].On
	}
	s.Mounts = make([]Mounted, len(d.Pipettes))
	channels := 1
	for i := range s.Mounts {
		s.Mounts[i] = s.emptyMount(d.Pipettes[i].channels())
		channels = max(channels, d.Pipettes[i].channels())
	}
	s.idle = s.emptyMount(1)
	s.touched.scratch(s, channels)
	s.scratch, s.shares = make([]int64, s.width), make([]int64, s.batches.count())
	for i := range d.Liquids {
		s.fill(i)
	}
	s.Leave(&d.Left)
	return s
}

func (s *State) emptyMount(channels int) Mounted {
	return Mounted{From: None, Last: None, Held: s.emptyContents(1)[0], Others: s.emptyContents(channels - 1)}
}

// emptyContents are n contents of nothing.
func (s *State) emptyContents(n int) []Content {
	if n == 0 {
		return nil
	}
	more := s.batches.count()
	out, parts := make([]Content, n), make([]int64, n*(s.width+more))
	for i := range out {
		out[i].Parts, parts = parts[:s.width:s.width], parts[s.width:]
		if more > 0 {
			out[i].Batches, parts = parts[:more:more], parts[more:]
		}
	}
	return out
}

func (p *Pipette) channels() int {
	if p.Model == nil {
		return 1
	}
	return max(1, p.Model.Channels)
}

func (s *State) fill(liquid int) {
	l := &s.Deck.Liquids[liquid]
	for i, w := range l.Wells {
		c := s.content(w)
		if c == nil {
			continue
		}
		s.declare(liquid, i, c)
	}
	if l.Tip != None {
		s.Reserve(l.Tip)
	}
}

// declare adds to a well what is declared for the i-th of a liquid.
func (s *State) declare(liquid, i int, c *Content) {
	l := &s.Deck.Liquids[liquid]
	c.Touched = true
	if l.VolumeNL[i] < 0 {
		c.Unknown, c.Of, c.Batch = true, liquid, s.batches.declared(liquid, i)
		return
	}
	c.Volume += l.VolumeNL[i]
	c.Parts[liquid] += l.VolumeNL[i]
	if k := s.batches.declared(liquid, i); k >= 0 {
		c.Batches[k] += l.VolumeNL[i]
	}
}

// Reserve keeps a tip place from being given out by NextTip.
func (s *State) Reserve(r WellRef) {
	if s.reserve[r.Labware] != nil {
		s.reserve[r.Labware][r.Well] = true
	}
}

func (s *State) content(r WellRef) *Content {
	if r == None || s.wells[r.Labware] == nil {
		return nil
	}
	return &s.wells[r.Labware][r.Well]
}

// Content returns what the well r holds; ok is false where r is no well that
// can hold liquid. It is valid until the next Apply and must not be changed.
func (s *State) Content(r WellRef) (*Content, bool) {
	c := s.content(r)
	return c, c != nil
}

// Tip returns what is at the tip place r.
func (s *State) Tip(r WellRef) TipState { return s.tips[r.Labware][r.Well] }

// NextTip returns the place of the next unused tip for a pipette and a nozzle
// layout, rack by rack and column by column; ok is false when there is none
// left. The place is that of the primary nozzle. Tips are taken from the end of
// a column that the other nozzles stand out over, so that these are never above
// a tip: with H1 as the primary nozzle from the back, with A1 alone from the
// front.
func (s *State) NextTip(pipette int, n Nozzles) (WellRef, bool) {
	p := &s.Deck.Pipettes[pipette]
	for _, rack := range p.Racks {
		if w, ok := s.nextIn(rack, pipette, n, -1); ok {
			return WellRef{int16(rack), int16(w)}, true
		}
	}
	return None, false
}

// NextTipFrom is NextTip from a place on: in its rack, and then in the racks of
// the pipette that stand behind it.
func (s *State) NextTipFrom(pipette int, n Nozzles, start WellRef) (WellRef, bool) {
	if start == None || s.tips[start.Labware] == nil {
		return None, false
	}
	if w, ok := s.nextIn(int(start.Labware), pipette, n, int(start.Well)); ok {
		return WellRef{start.Labware, int16(w)}, true
	}
	racks := s.Deck.Pipettes[pipette].Racks
	if i := slices.Index(racks, int(start.Labware)); i >= 0 {
		for _, rack := range racks[i+1:] {
			if w, ok := s.nextIn(rack, pipette, n, -1); ok {
				return WellRef{int16(rack), int16(w)}, true
			}
		}
	}
	return None, false
}

// nextIn is the next place of a rack, from the place start on where that is not
// below 0. What stands in the column of start counts from there.
func (s *State) nextIn(rack, pipette int, n Nozzles, start int) (int, bool) {
	begun := start < 0
	for _, column := range s.Deck.Labware[rack].Def.Columns {
		for i := range column {
			w := column[i]
			if n == NozzleA1 && s.Deck.IsMulti(pipette) {
				w = column[len(column)-1-i]
			}
			begun = begun || w == start
			if begun && s.isNew(rack, w) && (!s.Deck.IsMulti(pipette) || s.allNew(rack, pipette, n, w)) {
				return w, true
			}
		}
	}
	return 0, false
}

// NextEmpty is the first place of a tip rack, from start on, where the tips on a
// pipette can be put.
func (s *State) NextEmpty(pipette int, start WellRef) (WellRef, bool) {
	if start == None || s.tips[start.Labware] == nil {
		return None, false
	}
	begun := false
	for _, column := range s.Deck.Labware[start.Labware].Def.Columns {
		for _, w := range column {
			begun = begun || w == int(start.Well)
			if at := (WellRef{start.Labware, int16(w)}); begun && s.isEmpty(pipette, at) {
				return at, true
			}
		}
	}
	return None, false
}

// isEmpty reports whether all tips on a pipette find an empty place.
func (s *State) isEmpty(pipette int, at WellRef) bool {
	tips := s.tips[at.Labware]
	if !s.Deck.IsMulti(pipette) {
		return tips[at.Well] == TipOut
	}
	for _, w := range s.Reach(pipette, s.Mounts[pipette].Nozzles, at) {
		if w < 0 || tips[w] != TipOut {
			return false
		}
	}
	return true
}

// HasNewTip reports whether r is a place with a tip that was never used, and
// that is not kept from being given out.
func (s *State) HasNewTip(r WellRef) bool {
	return s.tips[r.Labware] != nil && s.isNew(int(r.Labware), int(r.Well))
}

func (s *State) isNew(rack, w int) bool { return s.tips[rack][w] == TipNew && !s.reserve[rack][w] }

// allNew reports whether all channels find a new tip, and no other nozzle one.
func (s *State) allNew(rack, pipette int, n Nozzles, w int) bool {
	r := s.reach(n, int16(rack))
	for _, w := range r.active[w][:s.Deck.Pipettes[pipette].Model.Active(n)] {
		if w < 0 || !s.isNew(rack, int(w)) {
			return false
		}
	}
	for _, w := range r.idle[w] {
		if w >= 0 && s.tips[rack][w] != TipOut {
			return false
		}
	}
	return true
}

// Clone returns an independent copy.
func (s *State) Clone() *State {
	c, _ := s.CloneFor(s.Deck)
	return c
}

// CloneFor returns an independent copy on a deck with the same labware,
// pipettes and liquids; ok is false for another deck.
func (s *State) CloneFor(d *Deck) (c *State, ok bool) {
	if !s.Deck.sameAs(d) {
		return nil, false
	}
	c = NewState(d)
	same := s.Deck == d || reflect.DeepEqual(s.batches, c.batches)
	for i := range s.wells {
		for w := range s.wells[i] {
			copyContent(&c.wells[i][w], &s.wells[i][w])
			if !same {
				c.batches.assume(d, WellRef{int16(i), int16(w)}, &c.wells[i][w])
			}
		}
		copy(c.tips[i], s.tips[i])
		copy(c.reserve[i], s.reserve[i])
	}
	copy(c.modules, s.modules)
	copy(c.places, s.places)
	c.away = slices.Clone(s.away) // what is in it does not change any more
	for i := range s.Mounts {
		held, others := c.Mounts[i].Held, c.Mounts[i].Others
		c.Mounts[i] = s.Mounts[i]
		c.Mounts[i].Held, c.Mounts[i].Others = held, others
		for k := range len(others) + 1 {
			copyContent(c.Mounts[i].channel(k), s.Mounts[i].channel(k))
			if !same {
				c.batches.assume(d, None, c.Mounts[i].channel(k))
			}
		}
	}
	return c, true
}

// sameAs reports whether wells, pipettes and liquids mean the same on both.
func (d *Deck) sameAs(e *Deck) bool {
	return d == e ||
		slices.EqualFunc(d.Modules, e.Modules, func(a, b Module) bool { return a.Name == b.Name && a.Model.Name == b.Model.Name && a.Slot == b.Slot }) &&
			slices.EqualFunc(d.Labware, e.Labware, func(a, b Placed) bool { return a.Name == b.Name && a.Def.URI() == b.Def.URI() }) &&
			slices.EqualFunc(d.Pipettes, e.Pipettes, func(a, b Pipette) bool { return a.Name == b.Name && a.Model.Name == b.Model.Name }) &&
			slices.EqualFunc(d.Liquids, e.Liquids, func(a, b Liquid) bool { return a.Name == b.Name })
}

func copyContent(to, from *Content) {
	parts, batches := to.Parts, to.Batches
	*to = *from
	to.Parts, to.Batches = parts, batches
	copy(to.Parts, from.Parts)
	copy(to.Batches, from.Batches)
}

// AssumeTip puts an empty tip on a pipette from nowhere. Expansion uses it after it
// has reported that there is none, so that what follows is still checked.
func (s *State) AssumeTip(pipette int) {
	m := &s.Mounts[pipette]
	s.setEmpty(m)
	m.On, m.Max = true, s.Deck.Pipettes[pipette].Model.MaxNL
}

// SetContent sets what the well r holds, in nL by liquid, for those who know
// better than Apply what is in it, and by batch where there are any. A well whose
// amount was not declared stays one.
func (s *State) SetContent(r WellRef, volume int64, parts, batches []int64) {
	if c := s.content(r); c != nil {
		c.Volume, c.Touched = volume, true
		copy(c.Parts, parts)
		copy(c.Batches, batches)
	}
}
