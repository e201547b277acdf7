package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// From the pairs of a liquid step to fillings of a tip: which pipette, how the
// volumes are divided, and what goes into a tip together.

// pair is one movement of a liquid step, before it is divided into chunks,
// with where each part of it was written.
type pair struct {
	from           source
	to             program.WellRef
	volume         int64
	label          string
	toExpr, volExp *eval.Expr
}

// sharing says what pairs of a job may share one filling of a tip.
type sharing uint8

const (
	alone  sharing = iota // each filling is one draw and one give
	fanOut                // one draw for several gives
	fanIn                 // several draws for one give
)

// job is what a liquid step wants to be moved: its pairs, in order.
type job struct {
	k     *keys
	pairs []pair
	share sharing
	spare int64    // nL drawn beyond what is given, at each filling
	waste *blowing // where the spare goes
}

// part is one well of a cycle: where liquid is drawn, or where it is given.
type part struct {
	pair   *pair
	volume int64
	last   bool // nothing of the pair is left behind this
	frame  *program.Frame
}

// cycle is one filling of a tip: all that is drawn into it, and then all that
// is given from it, with one decision about the tip before.
type cycle struct {
	*job
	pip          int
	first        bool // begins with the first chunk of its pair
	draws, gives []part
	gap          int64          // nL of air behind each draw, and again between gives
	frame        *program.Frame // of what concerns no single part

	// While it is lowered.
	air      int64           // nL in the tip
	from, to program.WellRef // where it drew and gave last
	at       *program.Frame  // of the current part
	seq      [program.Kinds]int
	movement *program.Movement
}

// blamePair says where the parts of a pair were written.
func (x *expansion) blamePair(p *pair) {
	x.blame[program.AboutFrom], x.blame[program.AboutTo], x.blame[program.AboutVolume] = p.from.expr, p.toExpr, p.volExp
}

// move carries out a job.
func (x *expansion) move(wanted job, f *program.Frame) {
	x.job = wanted
	j := &x.job
	gap, ok := x.quantity(j.k.aspirate.airGap, 0)
	if !ok || !x.notNegative(gap, j.k.aspirate.airGap) {
		return
	}
	pip, ok := x.choose(j, gap)
	if !ok {
		return
	}
	x.work += len(j.pairs)
	c := &x.cycle
	*c = cycle{job: j, pip: pip, gap: gap, draws: c.draws[:0], gives: c.gives[:0], movement: &x.movement}
	fill := filling{frame: f}
	for i := range j.pairs {
		if x.halted() {
			return
		}
		p := &j.pairs[i]
		x.blamePair(p)
		if p.volume < 0 {
			x.volumeOK(p.volume, p.volExp)
			continue
		}
		if p.volume > 0 && !x.movePair(&fill, p) {
			return
		}
	}
	if len(c.gives) > 0 {
		c.gives[len(c.gives)-1].last = true // also where several pairs go to one place
	}
	x.flush(&fill)
}

// filling is how far the cycle at hand is filled.
type filling struct {
	frame *program.Frame // of the step
	room  int64          // nL of liquid that fits into the tip in all
	sum   int64          // nL in it so far
	n     int            // how many chunks
	count int            // of cycles, from 1
}

// movePair divides one pair into chunks, and puts each into the cycle at hand,
// or where it does not fit, into a new one.
func (x *expansion) movePair(fill *filling, p *pair) bool {
	c := &x.cycle
	if fill.n == 0 {
		fill.room = x.room(c.job, c.pip, p, c.gap)
	}
	if fill.room <= 0 {
		x.noRoom(c.job, c.pip, c.gap)
		return false
	}
	x.chunks = split(x.chunks[:0], c.k.split, p.volume, fill.room, x.deck.Pipettes[c.pip].Model.MinNL)
	frame := fill.frame
	if c.share == alone {
		frame = x.newFrame(frame, p.label)
	}
	for i, v := range x.chunks {
		if fill.n > 0 && !c.fits(fill, v) {
			if !x.flush(fill) {
				return false
			}
			x.blamePair(p)
			fill.room = x.room(c.job, c.pip, p, c.gap)
		}
		if fill.n == 0 {
			fill.count++
			c.first, c.frame = i == 0, frame
			if c.share != alone {
				c.frame = x.newFrame(frame, itoa(fill.count))
			}
		}
		fill.n, fill.sum = fill.n+1, fill.sum+v
		c.add(x, p, v, i == len(x.chunks)-1)
		if c.share == alone && !x.flush(fill) {
			return false
		}
	}
	return true
}

// fits reports whether v more can go into the cycle. Room is already without
// one air gap, and a draw for several gives has only that one.
func (c *cycle) fits(fill *filling, v int64) bool {
	switch c.share {
	case fanOut:
		return fill.sum+v <= fill.room
	case fanIn:
		return fill.sum+v+int64(fill.n)*c.gap <= fill.room
	default:
		return false
	}
}

// add puts a chunk of a pair into the cycle.
func (c *cycle) add(x *expansion, p *pair, v int64, last bool) {
	one := part{pair: p, volume: v, last: last, frame: c.frame}
	whole := one
	if c.share != alone {
		one.frame = x.newFrame(c.frame, p.label)
	}
	switch {
	case c.share == fanIn:
		whole.last = false // other pairs may go there, too
		c.draws, c.gives = append(c.draws, one), total(c.gives, whole)
	case c.share == fanOut:
		c.draws, c.gives = total(c.draws, whole), append(c.gives, one)
	default:
		c.draws, c.gives = append(c.draws, whole), append(c.gives, whole)
	}
}

// total adds a chunk to the one part that stands for all of a cycle.
func total(parts []part, p part) []part {
	if len(parts) == 0 {
		return append(parts, p)
	}
	parts[0].volume += p.volume
	return parts
}

// flush carries out the cycle at hand, if there is anything in it.
func (x *expansion) flush(fill *filling) bool {
	c := &x.cycle
	if fill.n == 0 {
		return true
	}
	if len(c.draws) > 0 {
		c.draws[0].volume += c.spare
	}
	ok := x.lower(c)
	c.draws, c.gives = c.draws[:0], c.gives[:0]
	fill.sum, fill.n = 0, 0
	return ok
}

func (x *expansion) noRoom(j *job, pip int, gap int64) {
	d := diag.Diagnostic{Code: diag.TooMuchForTip, Span: x.blameStep, Message: "the air gap of " + quantity.Volume.Text(gap) + " leaves no room in the tip", Help: "use a smaller air gap or a larger pipette"}
	if m := &x.state.Mounts[pip]; j.k.tip.use == "current" && m.Held.Volume+m.Air > 0 {
		d.Message, d.Help = "the tip that is on holds "+quantity.Volume.Text(m.Held.Volume+m.Air)+" already, and has no room for more", "empty it before: blow_out: trash"
	} else if e := j.k.aspirate.airGap; e != nil {
		d.Span, d.Values = e.Source().Whole(), e.Reads(&x.env)
	}
	x.add(d)
}

// choose finds the pipette for a job: the one named, or the one that needs the
// fewest cycles, each chunk within its limits; of equals the smaller.
func (x *expansion) choose(j *job, gap int64) (int, bool) {
	k := j.k
	if k.pipette.index >= 0 {
		return k.pipette.index, true
	}
	if k.tip.use == "current" || len(x.deck.Pipettes) <= 1 {
		return x.current(k.pipette)
	}
	best, moves := -1, 0
	for i := range x.deck.Pipettes {
		n, ok := x.cycles(j, i, gap)
		if !ok {
			continue
		}
		if best < 0 || n < moves || n == moves && x.deck.Pipettes[i].Model.MaxNL < x.deck.Pipettes[best].Model.MaxNL {
			best, moves = i, n
		}
	}
	if best < 0 {
		return 0, true // the rules say what does not fit
	}
	return best, true
}

// cycles counts the cycles a pipette needs; ok is false where a chunk would be
// below its minimum.
func (x *expansion) cycles(j *job, pip int, gap int64) (n int, ok bool) {
	c := cycle{job: j, pip: pip, gap: gap}
	fill := filling{}
	for i := range j.pairs {
		if j.pairs[i].volume <= 0 {
			continue
		}
		fill.room = x.room(j, pip, &j.pairs[i], gap)
		x.chunks = split(x.chunks[:0], j.k.split, j.pairs[i].volume, fill.room, x.deck.Pipettes[pip].Model.MinNL)
		for _, v := range x.chunks {
			if v < x.deck.Pipettes[pip].Model.MinNL {
				return 0, false
			}
			if fill.n == 0 || !c.fits(&fill, v) {
				n++
				fill.sum, fill.n = 0, 0
			}
			fill.sum, fill.n = fill.sum+v, fill.n+1
		}
	}
	return n, true
}

// room is how much liquid fits, beside one air gap and what is spare, into the
// tip that a pair will be moved with. Where every filling takes a new tip and
// there are several sizes of them, it is what fits into each.
func (x *expansion) room(j *job, pip int, p *pair, gap int64) int64 {
	m := &x.state.Mounts[pip]
	k, taken := j.k, gap+j.spare
	if k.tip.use == "current" {
		if !m.On {
			return x.deck.Pipettes[pip].Model.MaxNL - taken // the rules say that there is none
		}
		return m.Max - m.Held.Volume - m.Air - taken
	}
	place := x.ownTip(k, p)
	if !x.needsTip(k, pip, p, place) {
		return m.Max - taken
	}
	if place == program.None {
		place, _ = x.state.NextTip(pip, x.state.Mounts[pip].Nozzles)
	}
	room := x.tipMax(pip, place) - taken
	if k.tip.use == "new" && (p.volume > room || j.share != alone) {
		for _, rack := range x.deck.Pipettes[pip].Racks {
			room = min(room, x.tipMax(pip, program.WellRef{Labware: int16(rack)})-taken)
		}
	}
	return room
}

// tipMax is what a tip from a place holds on a pipette.
func (x *expansion) tipMax(pip int, place program.WellRef) int64 {
	most := x.deck.Pipettes[pip].Model.MaxNL
	if place == program.None {
		return most
	}
	return min(most, x.deck.Well(place).MaxNL)
}
