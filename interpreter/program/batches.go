package program

import "slices"

// Stocks: the wells of one liquid may differ in what they contain, as samples
// do. Of such a liquid it is followed from which of its wells what is in a well
// or a tip came. Wells that contain the same are one batch. A deck on which no
// liquid differs has no batches, and costs nothing.

// batches are the batches of all liquids of a deck. Of each liquid that has any,
// the first is what is of an unknown one.
type batches struct {
	first []int   // by liquid, and one more: the batches of liquid i are first[i] … first[i+1]-1
	of    [][]int // the batch of each of its wells, by liquid
	well  []int   // by batch: the index of a well of it in Liquid.Wells; -1 for an unknown one
}

// batchesOf finds the batches of a deck, nil where there are none.
func batchesOf(d *Deck) *batches {
	b := &batches{of: make([][]int, len(d.Liquids))}
	for i := range d.Liquids {
		b.first = append(b.first, len(b.well))
		if l := &d.Liquids[i]; l.differs() {
			b.add(i, l)
		}
	}
	if len(b.well) == 0 {
		return nil
	}
	b.first = append(b.first, len(b.well))
	return b
}

// differs reports whether the wells of a liquid do not all contain the same.
func (l *Liquid) differs() bool {
	return slices.ContainsFunc(l.Contains, func(of []int64) bool {
		return slices.ContainsFunc(of, func(n int64) bool { return n != of[0] })
	})
}

// add makes batches of the wells of a liquid, in their order.
func (b *batches) add(liquid int, l *Liquid) {
	b.well = append(b.well, -1)
	known := map[string]int{}
	for w := range l.Wells {
		var key []byte
		for _, of := range l.Contains {
			if len(of) == len(l.Wells) {
				key = appendKey(key, of[w])
			}
		}
		batch, ok := known[string(key)]
		if !ok {
			batch = len(b.well)
			known[string(key)], b.well = batch, append(b.well, w)
		}
		b.of[liquid] = append(b.of[liquid], batch)
	}
}

func appendKey(key []byte, n int64) []byte {
	for range 8 {
		key, n = append(key, byte(n)), n>>8
	}
	return key
}

// count is how many batches there are.
func (b *batches) count() int {
	if b == nil {
		return 0
	}
	return len(b.well)
}

// Batches is how many batches there are: the length of Content.Batches.
func (s *State) Batches() int { return s.batches.count() }

// declared is the batch of the k-th well of a liquid, -1 where the wells of the
// liquid do not differ.
func (b *batches) declared(liquid, k int) int {
	if b == nil || b.of[liquid] == nil {
		return -1
	}
	return b.of[liquid][k]
}

// BatchOf is the batch of the k-th well of a liquid, an index into Content.Batches;
// -1 where the wells of the liquid do not differ.
func (s *State) BatchOf(liquid, k int) int { return s.batches.declared(liquid, k) }

// split takes out of c the shares of the batches in what was just split off it by
// liquid, parts, into out. The shares of a liquid add up to its part exactly.
func (b *batches) split(c *Content, parts, out []int64) {
	clear(out)
	for i, taken := range parts[:len(b.of)] {
		if taken <= 0 || b.of[i] == nil {
			continue
		}
		var cum, done int64
		before := c.Parts[i] + taken
		for k := b.first[i]; k < b.first[i+1]; k++ {
			cum += c.Batches[k]
			upTo := mulDiv(cum, taken, before)
			out[k] = upTo - done
			c.Batches[k] -= upTo - done
			done = upTo
		}
	}
}

// assume says of which batches what is in a well is, by its parts alone: a well
// that holds what it was declared with, or what is left of that, is of its own;
// of anything else that is not known.
func (b *batches) assume(d *Deck, r WellRef, c *Content) {
	if b == nil {
		return
	}
	clear(c.Batches)
	c.Batch = -1
	for i := range d.Liquids {
		if b.of[i] == nil {
			continue
		}
		batch, l := b.first[i], &d.Liquids[i]
		k := slices.Index(l.Wells, r)
		own := k >= 0 && c.Parts[i] == c.Volume && (l.VolumeNL[k] < 0 || c.Volume <= l.VolumeNL[k])
		if own {
			batch = b.of[i][k]
		}
		if c.Unknown && c.Of == i {
			c.Batch = batch
		}
		c.Batches[batch] = c.Parts[i]
	}
}
