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
	best  bool // what shares a filling may be chosen, so that they are few

	spare   int64      // nL drawn beyond what is given, at each filling; below 0 the pipette's minimum
	spareAt *eval.Expr // where that is written
	waste   *blowing   // where the spare goes
}

// extra is how much a pipette draws beyond what is given.
func (x *expansion) extra(j *job, pip int) int64 {
	if j.spare < 0 {
		return x.deck.Pipettes[pip].Model.MinNL
	}
	return j.spare
}

// part is one well of a cycle: where liquid is drawn, or where it is given.
type part struct {
	pair   *pair
	volume int64
	even   int64 // as in Movement
	last   bool  // nothing of the pair is left behind this
	frame  *program.Frame
}

// cycle is one filling of a tip: all that is drawn into it, and then all that
// is given from it, with one decision about the tip before.
type cycle struct {
	*job
	pip          int
	first        bool // begins with the first chunk of its pair
	draws, gives []part
	load         load           // what the tip holds beside the liquid that is moved
	over         int64          // nL drawn beyond what is given, as the step says
	frame        *program.Frame // of what concerns no single part

	// While it is lowered.
	air      int64           // nL in the tip
	blow     *blowing        // what the last part says of it
	from, to program.WellRef // where it drew and gave last
	at       *program.Frame  // of the current part
	seq      tally
	movement *program.Movement
}

// begin makes it a cycle of a job with a pipette. It is used again for every job,
// and not made anew: it is large.
func (c *cycle) begin(j *job, pip int, over int64, m *program.Movement) {
	c.job, c.pip, c.over, c.movement = j, pip, over, m
	c.draws, c.gives, c.load, c.blow = c.draws[:0], c.gives[:0], load{}, nil
}

// blamePair says where the parts of a pair were written.
func (x *expansion) blamePair(p *pair) {
	x.blame[program.AboutFrom], x.blame[program.AboutTo], x.blame[program.AboutVolume] = p.from.expr, p.toExpr, p.volExp
}

// move carries out a job.
func (x *expansion) move(wanted job, f *program.Frame) {
	x.job = wanted
	if pip, ok := x.choose(&x.job); ok {
		x.moveWith(pip, f)
	}
}

// moveWith carries out the job at hand with a pipette.
func (x *expansion) moveWith(pip int, f *program.Frame) {
	j := &x.job
	x.work += len(j.pairs)
	c := &x.cycle
	c.begin(j, pip, x.extra(j, pip), &x.movement)
	fill := filling{frame: f}
	if j.best {
		x.movePacked(&fill)
		return
	}
	for i := range j.pairs {
		if x.halted() {
			return
		}
		if p := &j.pairs[i]; x.moved(p) && !x.movePair(&fill, p) {
			return
		}
	}
	x.finish(&fill)
}

// moved reports whether a pair moves anything. A negative volume is reported.
func (x *expansion) moved(p *pair) bool {
	x.blamePair(p)
	if p.volume < 0 {
		x.volumeOK(p.volume, p.volExp)
	}
	return p.volume > 0
}

// finish carries out the last cycle of a job.
func (x *expansion) finish(fill *filling) {
	c := &x.cycle
	if len(c.gives) > 0 {
		c.gives[len(c.gives)-1].last = true // also where several pairs go to one place
	}
	if !x.flush(fill) || c.over == 0 || int64(fill.count)*c.over <= fill.given || c.spareAt == nil {
		return
	}
	x.addAt(c.spareAt, diag.Diagnostic{
		Code: diag.MostlyWaste, Severity: diag.Warning, Message: "more is thrown away than given: " + quantity.Volume.Text(int64(fill.count)*c.over) + " of disposal for " + quantity.Volume.Text(fill.given),
		Help: "use a smaller disposal, or a transfer",
	})
}

// movePacked carries out a job whose fillings may be chosen: all its chunks are
// known before the first of them moves. Those of one filling keep their order.
func (x *expansion) movePacked(fill *filling) {
	c := &x.cycle
	for i := range c.pairs {
		x.moved(&c.pairs[i])
	}
	loaded, ok := x.loadOfAll(c.job, c.pip)
	if !ok {
		return
	}
	c.load = loaded
	chunks, _ := x.chunksOf(c.job, c.pip)
	if len(chunks) == 0 {
		return
	}
	fill.room = x.room(c.job, c.pip, chunks[0].pair, c.load)
	if fill.room <= 0 {
		x.noRoom(c.job, c.pip, c.load)
		return
	}
	bins, n := c.packed(chunks, fill.room)
	left := len(chunks)
	for bin := range n {
		for i, ch := range chunks {
			if bins[i] == bin {
				x.put(fill, ch, fill.frame, i == 0 || chunks[i-1].pair != ch.pair)
				left--
			}
		}
		if left == 0 {
			x.finish(fill)
		} else if !x.flush(fill) {
			return
		}
	}
}

// chunk is a part of a pair that fits into a tip.
type chunk struct {
	pair   *pair
	volume int64
	even   int64 // the least chunk of the pair, were they as equal as can be
	last   bool
}

// chunksOf divides all pairs; ok is false where a chunk is below the pipette's
// minimum.
func (x *expansion) chunksOf(j *job, pip int) (chunks []chunk, ok bool) {
	ok, chunks = true, x.parts[:0]
	least := x.deck.Pipettes[pip].Model.MinNL
	for i := range j.pairs {
		p := &j.pairs[i]
		if p.volume <= 0 {
			continue
		}
		loaded, fine := x.loadOf(j, pip, p)
		if !fine {
			return nil, false
		}
		room := x.room(j, pip, p, loaded)
		ok = ok && room > 0
		x.chunks = split(x.chunks[:0], j.k.split, p.volume, room, least)
		for n, v := range x.chunks {
			ok = ok && v >= least
			chunks = append(chunks, chunk{p, v, evenly(p.volume, room), n == len(x.chunks)-1})
		}
	}
	x.parts = chunks
	return chunks, ok
}

// packed chooses the chunks that share a cycle. A draw for several gives has one
// air gap, which room is already without; several draws have one each.
func (c *cycle) packed(chunks []chunk, room int64) (bins []int, n int) {
	each := int64(0)
	if c.share == fanIn {
		each = c.load.gap + c.load.extra
	}
	sizes := make([]int64, len(chunks))
	for i := range chunks {
		sizes[i] = chunks[i].volume + each
	}
	return pack(sizes, room+each)
}

// filling is how far the cycle at hand is filled.
type filling struct {
	frame *program.Frame // of the step
	room  int64          // nL of liquid that fits into the tip in all
	sum   int64          // nL in it so far
	n     int            // how many chunks
	count int            // of cycles, from 1
	given int64          // nL, by all of them
}

// movePair divides one pair into chunks, and puts each into the cycle at hand,
// or where it does not fit, into a new one.
func (x *expansion) movePair(fill *filling, p *pair) bool {
	c := &x.cycle
	loaded, ok := x.loadOf(c.job, c.pip, p)
	if !ok {
		return false
	}
	if fill.n > 0 && loaded != c.load && !x.flush(fill) { // another liquid, handled in another way
		return false
	}
	c.load = loaded
	if fill.n == 0 {
		fill.room = x.room(c.job, c.pip, p, c.load)
	}
	if fill.room <= 0 {
		x.noRoom(c.job, c.pip, c.load)
		return false
	}
	x.chunks = split(x.chunks[:0], c.k.split, p.volume, fill.room, x.deck.Pipettes[c.pip].Model.MinNL)
	frame, even := fill.frame, evenly(p.volume, fill.room)
	if c.share == alone {
		frame = x.newFrame(frame, p.label)
	}
	for i, v := range x.chunks {
		if fill.n > 0 && !c.fits(fill, v) {
			if !x.flush(fill) {
				return false
			}
			x.blamePair(p)
			fill.room = x.room(c.job, c.pip, p, c.load)
		}
		x.put(fill, chunk{p, v, even, i == len(x.chunks)-1}, frame, i == 0)
		if c.share == alone && !x.flush(fill) {
			return false
		}
	}
	return true
}

// put puts a chunk into the cycle at hand, which begins with it if it is empty.
func (x *expansion) put(fill *filling, ch chunk, frame *program.Frame, first bool) {
	c := &x.cycle
	if fill.n == 0 {
		fill.count++
		c.first, c.frame = first, frame
		if c.share != alone {
			c.frame = x.newFrame(frame, itoa(fill.count))
		}
	}
	fill.n, fill.sum, fill.given = fill.n+1, fill.sum+ch.volume, fill.given+ch.volume
	c.add(x, ch)
}

// fits reports whether v more can go into the cycle. Room is already without
// one air gap, and a draw for several gives has only that one.
func (c *cycle) fits(fill *filling, v int64) bool {
	switch c.share {
	case fanOut:
		return fill.sum+v <= fill.room
	case fanIn:
		return fill.sum+v+int64(fill.n)*(c.load.gap+c.load.extra) <= fill.room
	default:
		return false
	}
}

// add puts a chunk of a pair into the cycle.
func (c *cycle) add(x *expansion, ch chunk) {
	one := part{pair: ch.pair, volume: ch.volume, even: ch.even, last: ch.last, frame: c.frame}
	whole := one
	if c.share != alone {
		one.frame = x.newFrame(c.frame, ch.pair.label)
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
		c.draws[0].volume += c.over + c.load.reverse
	}
	ok := x.lower(c)
	c.draws, c.gives = c.draws[:0], c.gives[:0]
	fill.sum, fill.n = 0, 0
	return ok
}
