package compare

import (
	"hash/maphash"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Hunk is a place where steps differ: Before of the first plan stand where After of the
// second do. First numbers are those of the steps, or of the step that would come next.
type Hunk struct {
	Before, After           []program.Step
	FirstBefore, FirstAfter int
}

// most bounds the work of finding the fewest steps that differ: how many differ, times how
// many there are. Beyond it, and beyond mostDiffering, all steps between the first and the
// last that differ are said to.
const (
	most          = 400_000_000
	mostDiffering = 3000
)

// hunks finds the fewest steps to take out of one list and to put in from the other.
// whole reports that there were too many, so that they are not the fewest.
func hunks(a, b *program.Plan) (list []Hunk, whole bool) {
	x, y := marks(a.Steps, a.Deck.ByPlace()), marks(b.Steps, b.Deck.ByPlace())
	head := 0
	for head < len(x) && head < len(y) && x[head] == y[head] {
		head++
	}
	tail := 0
	for tail < len(x)-head && tail < len(y)-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	x, y = x[head:len(x)-tail], y[head:len(y)-tail]
	if len(x) == 0 && len(y) == 0 {
		return nil, false
	}
	cut := func(i, j, k, l int) {
		list = append(list, Hunk{
			Before: a.Steps[head+i : head+j], After: b.Steps[head+k : head+l],
			FirstBefore: head + i + 1, FirstAfter: head + k + 1,
		})
	}
	pairs, ok := align(x, y)
	if !ok {
		cut(0, len(x), 0, len(y))
		return list, true
	}
	i, k := 0, 0
	for _, p := range append(pairs, pair{len(x), len(y), 0}) {
		if p.x > i || p.y > k {
			cut(i, p.x, k, p.y)
		}
		i, k = p.x+p.n, p.y+p.n
	}
	return list, false
}

var seed = maphash.MakeSeed()

// marks are numbers that are the same for steps that do the same.
func marks(steps []program.Step, d *program.Deck) []uint64 {
	out := make([]uint64, len(steps))
	var b []byte
	for i := range steps {
		b = steps[i].AppendDoes(b[:0], d)
		out[i] = maphash.Bytes(seed, b)
	}
	return out
}

// pair is a stretch of n elements that two lists have in common, at x and y.
type pair struct{ x, y, n int }

// align finds the longest common subsequence of two lists by the method of Myers: paths
// through the grid of both, each as far as it gets with d elements that differ. It gives
// up where that is too much work.
func align(x, y []uint64) ([]pair, bool) {
	limit := min(mostDiffering, max(64, most/(len(x)+len(y)+1)))
	limit = min(limit, len(x)+len(y))
	ends := make([]int32, 2*limit+3) // by diagonal, from -limit-1 on: how far in x the best path is
	at := func(k int) *int32 { return &ends[k+limit+1] }
	var before [][]int32 // for each d, ends of diagonals -d … d as they were
	for d := 0; d <= limit; d++ {
		for k := -d; k <= d; k += 2 {
			var i int
			if k == -d || k != d && *at(k - 1) < *at(k + 1) {
				i = int(*at(k + 1)) // one of y is put in
			} else {
				i = int(*at(k - 1)) + 1 // one of x is taken out
			}
			for i < len(x) && i-k < len(y) && x[i] == y[i-k] {
				i++
			}
			*at(k) = int32(i)
			if i >= len(x) && i-k >= len(y) {
				return path(before, len(x), len(y)), true
			}
		}
		before = append(before, append([]int32{}, ends[limit+1-d:limit+2+d]...))
	}
	return nil, false
}

// path goes back along the path that came to the end.
func path(before [][]int32, i, j int) []pair {
	var back []pair
	for d := len(before); d > 0; d-- {
		ends := before[d-1] // of the diagonals -(d-1) … d-1
		end := func(k int) int {
			if k < -(d-1) || k > d-1 {
				return -1
			}
			return int(ends[k+d-1])
		}
		k := i - j
		from := k - 1
		if k == -d || k != d && end(k-1) < end(k+1) {
			from = k + 1
		}
		fi := end(from)
		fj := fi - from
		si, sj := fi, fj+1 // where the stretch begins that follows the step from one diagonal to the other
		if from == k-1 {
			si, sj = fi+1, fj
		}
		if i > si {
			back = append(back, pair{si, sj, i - si})
		}
		i, j = fi, fj
	}
	if i > 0 {
		back = append(back, pair{0, 0, i})
	}
	for l, r := 0, len(back)-1; l < r; l, r = l+1, r-1 {
		back[l], back[r] = back[r], back[l]
	}
	return back
}
