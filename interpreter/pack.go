package interpreter

import "slices"

// Which chunks share a filling of the tip, where that may be chosen: bin
// packing. Best-fit decreasing first; where that might not be the least, and
// there are few chunks, a search that is exact.

// exactUpTo is how many chunks are searched through. searchNodes bounds the
// search itself, so that a planner never thinks for seconds: a set that needs
// more has kept the best found till then, which is hardly ever one too many.
const (
	exactUpTo   = 24
	searchNodes = 2_000_000
)

// pack assigns each of the sizes to a bin of the given capacity, using few
// bins, and returns the bin of each and how many there are. Bins are numbered
// in the order of their first member. A size beyond the capacity has a bin of
// its own. Where nothing is gained by it, the order stays as it is.
func pack(sizes []int64, capacity int64) (bins []int, n int) {
	bins, n = asTheyCome(sizes, capacity)
	if packed, fewer := packAnew(sizes, capacity); fewer < n {
		return packed, fewer
	}
	return bins, n
}

// asTheyCome puts each size where the one before is, if there is room.
func asTheyCome(sizes []int64, capacity int64) (bins []int, n int) {
	bins, room := make([]int, len(sizes)), int64(0)
	for i, size := range sizes {
		if n == 0 || size > room {
			n, room = n+1, capacity
		}
		room -= size
		bins[i] = n - 1
	}
	return bins, n
}

// packAnew packs the sizes in whatever order.
func packAnew(sizes []int64, capacity int64) (bins []int, n int) {
	order := make([]int, len(sizes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case sizes[a] > sizes[b]:
			return -1
		case sizes[a] < sizes[b]:
			return 1
		}
		return 0
	})
	p := packing{capacity: capacity, bin: make([]int, len(sizes))}
	for _, i := range order {
		p.sizes = append(p.sizes, sizes[i])
		p.rest += sizes[i]
	}
	least := int((p.rest + capacity - 1) / capacity)
	p.bestFit()
	if p.n > least && len(sizes) <= exactUpTo {
		p.improve(least)
	}
	bins = make([]int, len(sizes))
	for k, i := range order {
		bins[i] = p.bin[k]
	}
	return renumber(bins), p.n
}

// renumber gives bins their numbers in the order of their first member.
func renumber(bins []int) []int {
	var seen []int
	for i, b := range bins {
		k := slices.Index(seen, b)
		if k < 0 {
			k, seen = len(seen), append(seen, b)
		}
		bins[i] = k
	}
	return bins
}

// packing is a set of sizes, the largest first, and the best known way to pack
// them.
type packing struct {
	sizes    []int64
	capacity int64
	rest     int64 // of the sizes not placed yet
	bin      []int
	n        int

	nodes int
	try   []int   // bins of the attempt
	free  []int64 // room left in each
}

// bestFit puts each size where it leaves the least room.
func (p *packing) bestFit() {
	var free []int64
	for i, size := range p.sizes {
		best := -1
		for b, room := range free {
			if size <= room && (best < 0 || room < free[best]) {
				best = b
			}
		}
		if best < 0 {
			best, free = len(free), append(free, p.capacity)
		}
		free[best] -= size
		p.bin[i] = best
	}
	p.n = len(free)
}

// improve searches for a packing with fewer bins, at least as many as least.
func (p *packing) improve(least int) {
	p.try = make([]int, len(p.sizes))
	p.search(0, least)
}

// search places the size i and what follows; it reports that there is no need
// to go on.
func (p *packing) search(i, least int) bool {
	if i == len(p.sizes) {
		copy(p.bin, p.try)
		p.n = len(p.free)
		return p.n <= least
	}
	if p.nodes++; p.nodes > searchNodes {
		return true
	}
	if len(p.free)+p.further(i) >= p.n {
		return false
	}
	size := p.sizes[i]
	p.rest -= size
	for b, room := range p.free {
		if size > room || slices.Contains(p.free[:b], room) {
			continue // bins with the same room are the same
		}
		p.try[i], p.free[b] = b, room-size
		if p.search(i+1, least) {
			return true
		}
		p.free[b] = room
	}
	if len(p.free)+1 < p.n {
		p.try[i] = len(p.free)
		p.free = append(p.free, p.capacity-size)
		if p.search(i+1, least) {
			return true
		}
		p.free = p.free[:len(p.free)-1]
	}
	p.rest += size
	return false
}

// further is how many more bins the sizes from i on need at least: what does
// not fit into the room that is left and can be used.
func (p *packing) further(i int) int {
	smallest := p.sizes[len(p.sizes)-1]
	usable := int64(0)
	for _, room := range p.free {
		if room >= smallest {
			usable += room
		}
	}
	if p.rest <= usable {
		return 0
	}
	return int((p.rest - usable + p.capacity - 1) / p.capacity)
}
