package interpreter

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestRecipes draws a recipe, asks for the concentrations it has, and wants a
// recipe that has them; and of any other target one that holds the total.
func TestRecipes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		components := rapid.IntRange(1, 3).Draw(t, "components")
		stocks := rapid.IntRange(1, 4).Draw(t, "stocks")
		m := mixture{total: rapid.Int64Range(100_000, 1_000_000).Draw(t, "total"), least: 1_000}
		for range stocks {
			var s []*big.Rat
			for range components {
				s = append(s, big.NewRat(rapid.SampledFrom([]int64{0, 1_000, 2_000, 3_333, 7_001, 10_000}).Draw(t, "concentration"), 1))
			}
			m.stocks = append(m.stocks, s)
		}
		shares, sum := make([]int64, stocks+1), int64(0)
		for i := range shares {
			shares[i] = rapid.Int64Range(0, 5).Draw(t, "share")
			sum += shares[i]
		}
		possible := sum > 0 && rapid.Bool().Draw(t, "possible")
		for c := range components {
			m.diluent = append(m.diluent, big.NewRat(rapid.SampledFrom([]int64{0, 0, 1_000}).Draw(t, "in the diluent"), 1))
			aim := big.NewRat(rapid.Int64Range(1_000, 12_000).Draw(t, "target"), 1)
			if possible {
				aim.SetInt64(0)
				for i, s := range shares {
					aim.Add(aim, new(big.Rat).Mul(m.of(i, c), big.NewRat(s, sum)))
				}
			}
			m.target = append(m.target, aim)
		}
		v, met := m.solve()
		left := m.total
		for _, one := range v {
			if left -= one; one < 0 || left < 0 {
				t.Fatalf("%v of %d", v, m.total)
			}
		}
		if len(v) != stocks || possible && !met {
			t.Fatalf("%v does not give what is possible", v)
		}
		for c := range components {
			off, allowed := new(big.Rat).Sub(m.gives(v, c), m.target[c]), big.NewRat(m.total, 1)
			for i := range stocks + 1 {
				allowed.Add(allowed, m.of(i, c))
			}
			if off.Abs(off).Mul(off, big.NewRat(m.total, 1)); met && off.Cmp(allowed) > 0 {
				t.Fatalf("%v misses the target by more than 1 nL of each", v)
			}
		}
		for i := range 30 { // no other recipe comes nearer
			if met {
				break
			}
			other, rest := make([]*big.Rat, stocks+1), int64(100)
			for k := range other {
				n := rapid.Int64Range(0, rest).Draw(t, "other")
				if k == stocks {
					n = rest
				}
				other[k], rest = big.NewRat(n, 100), rest-n
			}
			slack := new(big.Rat).Mul(m.miss(other), big.NewRat(101, 100))
			if slack.Add(slack, big.NewRat(1, 1000)).Cmp(m.miss(m.shares(v))) < 0 {
				t.Fatalf("try %d: %v is nearer than %v", i, other, v)
			}
		}
	})
}

// TestPackIsLeast compares packing with all ways there are.
func TestPackIsLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.Int64Range(1, 100), 1, 7).Draw(t, "sizes")
		bins, n := pack(sizes, 100)
		load := make([]int64, n)
		for i, b := range bins {
			if load[b] += sizes[i]; load[b] > 100 {
				t.Fatalf("%v in %v: too much", sizes, bins)
			}
		}
		if want := fewest(sizes, nil); n != want {
			t.Fatalf("%v in %d bins, %d are enough", sizes, n, want)
		}
	})
}

// fewest tries every bin for every size.
func fewest(sizes, load []int64) int {
	if len(sizes) == 0 {
		return len(load)
	}
	best := fewest(sizes[1:], append(load[:len(load):len(load)], sizes[0]))
	for i := range load {
		if load[i]+sizes[0] <= 100 {
			load[i] += sizes[0]
			best = min(best, fewest(sizes[1:], load))
			load[i] -= sizes[0]
		}
	}
	return best
}
