package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
)

// Noise listens to a program and keeps of it what chance has a say in: which
// volumes go from where to where, with which errors, what evaporates in
// between, and what the workflow checks. That is carried out again and again
// with errors that are drawn, see Repeat; nothing is expanded or proved for it.
//
// A plunger errs where it draws, and where it gives a part of what a tip holds.
// What is meant to empty a tip gives all that is in it. So a transfer has the
// error of one stroke, as the vendor weighed it; what is drawn from several
// wells has the error of each draw; and of what is given to several the last
// gets what is left.
//
// The systematic error of a channel is the same share of its limit at every
// volume and through the whole of a run; where nothing but limits are known,
// every value between them is taken to be as likely as any other. The random
// error is drawn for every stroke, normally distributed. Liquids mix perfectly.
type Noise struct {
	deck   *program.Deck
	timer  program.Timer
	makers []ot2.Precision // of each pipette

	width    int // of a composition: liquids, what has no name, components, batches
	batches  int // State.Batches
	first    []int32
	channels int // of all pipettes
	vessels  []vessel
	index    map[program.WellRef]int32
	bottles  map[program.WellRef]int32 // what wells are filled up from
	start    []float64                 // volumes before the first step, by vessel
	parts    []float64                 // compositions before the first step, by vessel
	actions  []action
	frames   []*program.Frame // of each action, what it is a part of
	lists    []int16          // parts that can be in a vessel, one list after another
	known    map[string]span  // lists there are
	checks   []*posed
	groups   []group
	grouped  map[any]int32

	now     int64   // µs since the start
	open    []int64 // µs that each labware has stood open
	drying  bool
	ended   bool
	steps   int
	touched []int32 // vessels changed since the last check
	heard   []heard // what instruments and the workflow gave
	live    *hand   // carries out every action as soon as it is there; nil: none does
	done    int     // actions that it has carried out
}

var (
	_ program.Sink      = (*Noise)(nil)
	_ interpreter.Start = (*Noise)(nil)
	_ interpreter.Judge = (*Noise)(nil)
)

// vessel is something that holds liquid: a well, a tip, or where liquid goes
// that is gone.
type vessel struct {
	well     program.WellRef // None where it is no well
	number   int             // which of the labware, where that was taken away; 0: the one that stands there
	capacity float64         // nL; 0 where there is none
	unknown  bool            // nobody declared how much there is
	of       int             // the liquid of an unknown one
	contains []float64       // the components and batches of that, per nL
	rate     float64         // nL/µs that evaporate while it is open
	dried    int64           // µs open until which that is accounted for
	may      []uint64        // which parts can be in it
	moved    bool            // the program changes it
}

// The vessels that are no wells; after them come the channels of the pipettes.
const (
	inTrash int32 = iota // in the trash, or gone with a tip
	inAir                // evaporated
	noWell
)

type act uint8

const (
	drawn  act = iota // by a stroke of the plunger, out of a well
	given             // by a stroke of the plunger, out of a tip with more in it
	poured            // all that a tip holds
	dried             // evaporates
	asked             // a check
	filled            // up to a volume, by a person
)

// action is something that chance has a say in.
type action struct {
	act        act
	from, to   int32
	channel    int32 // whose systematic error
	step       int32
	parts      span    // what can be in from
	volume     float64 // nL; of the plunger, or that evaporate at most
	systematic float64 // nL on either side
	random     float64 // nL, a standard deviation
	group      int32   // of what can go wrong
}

type span struct{ from, to int32 }

// posed is a check with what was changed since the one before it.
type posed struct {
	check   *interpreter.Check
	touched []int32
	known   int // vessels there were
}

// group is what can go wrong in a run and is counted as one thing.
type group struct {
	kind  Mishap
	well  program.WellRef
	check *interpreter.Check
	exact bool // a check that may ask for an exact value
}

type wellMishap struct {
	kind Mishap
	well program.WellRef
}

// NewNoise returns a sink for one expansion on an OT-2.
func NewNoise() *Noise { return &Noise{} }

// Start sets the deck and what stands on it.
func (n *Noise) Start(begin *program.State, _ []program.Param) {
	d := begin.Deck
	*n = Noise{
		deck: d, timer: ot2.NewTimer(d), width: len(d.Liquids) + 1 + len(d.Components) + begin.Batches(), batches: begin.Batches(), index: map[program.WellRef]int32{}, bottles: map[program.WellRef]int32{},
		known: map[string]span{}, grouped: map[any]int32{}, open: make([]int64, len(d.Labware)),
	}
	n.vessels = make([]vessel, noWell)
	for i := range n.vessels {
		n.vessels[i] = vessel{well: program.None, may: n.nothing()}
	}
	for i := range d.Pipettes {
		p, _ := ot2.PrecisionOf(d.Pipettes[i].Model.Name)
		n.makers = append(n.makers, p)
		n.first = append(n.first, int32(len(n.vessels)))
		for range max(1, d.Pipettes[i].Model.Channels) {
			n.vessels = append(n.vessels, vessel{well: program.None, may: n.nothing()})
		}
	}
	n.channels = len(n.vessels) - int(noWell)
	n.start, n.parts = make([]float64, len(n.vessels)), make([]float64, len(n.vessels)*n.width)
	for i := range d.Labware {
		n.drying = n.drying || d.Labware[i].EvaporationNL > 0
		for k := range d.Labware[i].Def.Wells {
			r := program.WellRef{Labware: int16(i), Well: int16(k)}
			if c, ok := begin.Content(r); ok && c.Touched {
				n.found(r, c)
			}
		}
	}
}

func (n *Noise) nothing() []uint64 { return make([]uint64, (n.width+63)/64) }

// well returns the vessel that a well is.
func (n *Noise) well(r program.WellRef) int32 {
	if i, ok := n.index[r]; ok {
		return i
	}
	i := int32(len(n.vessels))
	n.index[r] = i
	rate := float64(n.deck.Labware[r.Labware].EvaporationNL) / 3.6e9
	n.vessels = append(n.vessels, vessel{well: r, capacity: float64(n.deck.Well(r).MaxNL), may: n.nothing(), rate: rate, dried: n.open[r.Labware]})
	n.start = append(n.start, 0)
	n.parts = append(n.parts, make([]float64, n.width)...)
	return i
}

// found takes what a well holds before the first step.
func (n *Noise) found(r program.WellRef, c *program.Content) {
	i := n.well(r)
	v, parts := &n.vessels[i], n.parts[int(i)*n.width:(int(i)+1)*n.width]
	n.start[i] = float64(c.Volume)
	if c.Unknown {
		v.unknown, v.of, v.capacity, v.rate = true, c.Of, 0, 0
		v.contains = make([]float64, len(n.deck.Components)+n.batches)
		v.may[c.Of/64] |= 1 << (c.Of % 64)
	}
	for l, volume := range c.Parts {
		if volume != 0 {
			parts[l] = float64(volume)
			v.may[l/64] |= 1 << (l % 64)
		}
	}
	for k := range n.deck.Components {
		at := len(n.deck.Liquids) + 1 + k
		if v.unknown {
			v.contains[k] = n.contains(r, c.Of, k)
			v.mayHold(at, v.contains[k])
		}
		for l, volume := range c.Parts {
			if volume != 0 && l < len(n.deck.Liquids) {
				parts[at] += float64(float64(volume) * n.contains(r, l, k))
			}
		}
		v.mayHold(at, parts[at])
	}
	for k, volume := range c.Batches {
		at := n.width - n.batches + k
		parts[at] = float64(volume)
		if v.unknown && k == c.Batch {
			v.contains[len(n.deck.Components)+k] = 1
			v.mayHold(at, 1)
		}
		v.mayHold(at, parts[at])
	}
}

func (v *vessel) mayHold(part int, amount float64) {
	if amount != 0 {
		v.may[part/64] |= 1 << (part % 64)
	}
}

// contains is how much of a component a liquid in a well contains, NaN where
// its wells differ and none of them is this one.
func (n *Noise) contains(r program.WellRef, liquid, component int) float64 {
	l := &n.deck.Liquids[liquid]
	if component >= len(l.Contains) || len(l.Contains[component]) == 0 {
		return 0
	}
	of := l.Contains[component]
	if len(of) == 1 {
		return float64(of[0])
	}
	if i := slices.Index(l.Wells, r); i >= 0 && i < len(of) {
		return float64(of[i])
	}
	return math.NaN()
}

// Step takes from one step what chance has a say in.
func (n *Noise) Step(t *program.Transition) error {
	op := &t.Step.Op
	switch op.Kind {
	case program.RunProtocol:
		return fmt.Errorf("step %d carries out %s, and how exactly a protocol works is not simulated", t.Step.N, t.Step.Protocol.File)
	case program.Aspirate:
		n.eachChannel(t, func(channel, well int32) {
			if well != inTrash {
				n.stroke(t, drawn, well, channel, channel, float64(op.Volume))
			}
		})
	case program.Dispense:
		n.give(t, op.Volume-min(t.Touched.Air, op.Volume))
	case program.BlowOut:
		n.give(t, t.Touched.Held)
	case program.DropTip, program.ReturnTip:
		if t.Touched.Held > 0 {
			n.throw(t)
		}
	case program.Refill:
		n.fillUp(t)
	case program.Exchange:
		n.exchange(t)
	default:
	}
	n.steps = t.Step.N
	n.pass(t)
	n.keepUp()
	return nil
}

// pass lets the time go by that a step takes.
func (n *Noise) pass(t *program.Transition) {
	took := n.timer.Duration(&t.Step.Op)
	n.now += took
	if !n.drying {
		return
	}
	for i := range n.open {
		if n.deck.Labware[i].EvaporationNL > 0 && isOpen(t.After, i) {
			n.open[i] += took
		}
	}
}

// isOpen reports whether liquid in a labware stands open: what is off the deck
// is taken to be covered, and so is what is under the closed lid of a
// thermocycler.
func isOpen(s *program.State, labware int) bool {
	if s.SlotOf(labware) == 0 {
		return false
	}
	m := s.ModuleUnder(labware)
	return m < 0 || s.Module(m).Lid != program.Closed
}

// eachChannel goes through the channels of a step and the wells that they are
// in; inTrash stands for a place that holds nothing.
func (n *Noise) eachChannel(t *program.Transition, do func(channel, well int32)) {
	op, p := &t.Step.Op, int(t.Step.Op.Pipette)
	m := &t.After.Mounts[p]
	if !n.deck.IsMulti(p) {
		do(n.first[p], n.place(t, op.Well))
		return
	}
	for k := range n.deck.Pipettes[p].Model.Active(m.Nozzles) {
		at := program.None
		if !op.Trash && op.Well != program.None {
			if w := t.After.Reach(p, m.Nozzles, op.Well)[k]; w >= 0 {
				at = program.WellRef{Labware: op.Well.Labware, Well: w}
			}
		}
		do(n.first[p]+int32(k), n.place(t, at))
	}
}

func (n *Noise) place(t *program.Transition, r program.WellRef) int32 {
	if _, ok := t.After.Content(r); !ok || t.Step.Op.Trash {
		return inTrash
	}
	return n.well(r)
}

// give gives v nL of liquid out of every tip.
func (n *Noise) give(t *program.Transition, v int64) {
	if v <= 0 {
		return
	}
	how := given
	if v >= t.Touched.Held {
		how = poured
	}
	n.eachChannel(t, func(channel, well int32) { n.stroke(t, how, channel, well, channel, float64(v)) })
}

// throw loses what is in the tips.
func (n *Noise) throw(t *program.Transition) {
	p := int(t.Step.Op.Pipette)
	for k := range max(1, n.deck.Pipettes[p].Model.Channels) {
		channel := n.first[p] + int32(k)
		n.stroke(t, poured, channel, inTrash, channel, 0)
	}
}

func (n *Noise) stroke(t *program.Transition, how act, from, to, channel int32, volume float64) {
	a := action{act: how, from: from, to: to, channel: channel - noWell, step: int32(t.Step.N), volume: volume}
	a.systematic, a.random = n.makers[t.Step.Op.Pipette].Errors(volume)
	n.dry(from)
	n.dry(to)
	a.parts = n.list(n.vessels[from].may)
	for i, may := range n.vessels[from].may {
		n.vessels[to].may[i] |= may
	}
	switch {
	case how == drawn:
		a.group = n.group(wellMishap{RanDry, n.vessels[from].well})
	case to != inTrash:
		a.group = n.group(wellMishap{Overflowed, n.vessels[to].well})
	}
	n.add(a, t.Step.Frame)
	n.change(from)
	n.change(to)
}

func (n *Noise) add(a action, f *program.Frame) {
	n.actions, n.frames = append(n.actions, a), append(n.frames, f)
}

// change notes that the content of a vessel is another one now.
func (n *Noise) change(i int32) {
	n.vessels[i].moved = true
	if n.vessels[i].well != program.None {
		n.touched = append(n.touched, i)
	}
}

// dry accounts for what has evaporated from a vessel up to now.
func (n *Noise) dry(i int32) {
	v := &n.vessels[i]
	if v.rate == 0 {
		return
	}
	until := n.open[v.well.Labware]
	if until == v.dried {
		return
	}
	n.add(action{act: dried, from: i, to: inAir, volume: v.rate * float64(until-v.dried)}, nil)
	v.dried = until
	n.change(i)
}

// list returns where the list of the parts of a set stands.
func (n *Noise) list(may []uint64) span {
	key := make([]byte, 0, 64)
	for _, word := range may {
		for i := range 8 {
			key = append(key, byte(word>>(8*i)))
		}
	}
	if s, ok := n.known[string(key)]; ok {
		return s
	}
	s := span{int32(len(n.lists)), 0}
	for i := range n.width {
		if may[i/64]>>(i%64)&1 == 1 {
			n.lists = append(n.lists, int16(i))
		}
	}
	s.to = int32(len(n.lists))
	n.known[string(key)] = s
	return s
}

func (n *Noise) group(of any) int32 {
	if i, ok := n.grouped[of]; ok {
		return i
	}
	i := int32(len(n.groups))
	n.grouped[of] = i
	g := group{kind: CheckFailed, well: program.None}
	if m, ok := of.(wellMishap); ok {
		g.kind, g.well = m.kind, m.well
	}
	n.groups = append(n.groups, g)
	return i
}

// Check keeps a check, to be asked in every run.
func (n *Noise) Check(c *interpreter.Check) {
	for i := range n.vessels {
		n.dry(int32(i))
	}
	slices.Sort(n.touched)
	p := &posed{c, slices.Clone(slices.Compact(n.touched)), len(n.vessels)}
	n.touched = n.touched[:0]
	g := n.group(c.Site())
	if n.groups[g].check == nil {
		n.groups[g].check, n.groups[g].exact = c, strings.Contains(c.That, "==")
	}
	n.checks = append(n.checks, p)
	n.add(action{act: asked, from: int32(len(n.checks) - 1), step: int32(n.steps), group: g}, c.Frame)
	n.keepUp()
}

// end accounts for what evaporates until the end of the program.
func (n *Noise) end() {
	if n.ended || n.deck == nil {
		return
	}
	n.ended = true
	for i := range n.vessels {
		n.dry(int32(i))
	}
	n.keepUp()
}
