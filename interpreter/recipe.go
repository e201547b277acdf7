package interpreter

import (
	"math/big"
	"slices"
)

// From target concentrations to volumes. All of it is in exact fractions, so
// that every machine comes to the same recipe.

// mixture asks for a recipe: which volumes of stocks, with diluent up to a total,
// give the concentrations of target.
type mixture struct {
	stocks  [][]*big.Rat // by stock, by component: its concentration
	diluent []*big.Rat   // by component
	target  []*big.Rat   // by component
	total   int64        // nL
	least   int64        // nL a pipette can move; recipes that need less are second choice
}

// maxStocks bounds the search for a recipe.
const maxStocks = 10

// solve returns the volume of each stock in nL, rounded; the diluent is the rest.
// Of the recipes that meet the target it is the one with the fewest volumes too
// small for a pipette, then with the fewest stocks, then with those declared
// first; where none does, the one whose concentrations are nearest, by the sum of
// the squares of their relative errors. met says that the target is met as well
// as whole nanolitres allow.
//
// What is best lies on a face of what is possible, and a face needs no more
// liquids than there are components, and one. So all such sets of liquids are
// tried, each with the best it can do.
func (m *mixture) solve() (volumes []int64, met bool) {
	n := len(m.stocks)
	var best []int64
	var bestError *big.Rat
	bestMet, bestRank := false, 0
	for set := range 1 << (n + 1) { // the last stands for the diluent
		size := 0
		for i := range n + 1 {
			size += set >> i & 1
		}
		if size == 0 || size > len(m.target)+1 {
			continue
		}
		exact := m.bestOf(set)
		if exact == nil {
			continue
		}
		v := m.rounded(exact)
		missed := m.miss(m.shares(v))
		met, rank := m.meets(v), m.rank(v)
		better := best == nil || met && !bestMet
		if best != nil && met == bestMet {
			if met {
				better = rank < bestRank || rank == bestRank && before(v, best)
			} else {
				better = missed.Cmp(bestError) < 0
			}
		}
		if better {
			best, bestError, bestMet, bestRank = v, missed, met, rank
		}
	}
	return best, bestMet
}

// rank is lower for recipes with fewer volumes that are too small, and then for
// those with fewer stocks.
func (m *mixture) rank(v []int64) int {
	small, used, rest := 0, 0, m.total
	for _, one := range v {
		rest -= one
		if one > 0 {
			used++
		}
		if one > 0 && one < m.least {
			small++
		}
	}
	if rest > 0 && rest < m.least {
		small++
	}
	return small*(maxStocks+2) + used
}

// before reports whether a uses stocks that are declared before those of b.
func before(a, b []int64) bool {
	for i := range a {
		if (a[i] > 0) != (b[i] > 0) {
			return a[i] > 0
		}
	}
	return false
}

// weight makes the errors of components comparable: relative to the target, and
// where that is 0, to the strongest stock.
func (m *mixture) weight(c int) *big.Rat {
	most := new(big.Rat).Set(m.target[c])
	if most.Sign() == 0 {
		for _, s := range m.stocks {
			if s[c].Cmp(most) > 0 {
				most.Set(s[c])
			}
		}
	}
	if most.Sign() == 0 {
		return big.NewRat(1, 1)
	}
	return most.Inv(most)
}

// of is the concentration of a component in a liquid of a set.
func (m *mixture) of(liquid, c int) *big.Rat {
	if liquid == len(m.stocks) {
		return m.diluent[c]
	}
	return m.stocks[liquid][c]
}

// bestOf is the shares of the total that come nearest to the target with exactly
// the liquids of a set, nil where they would have to be negative or are not
// determined. It is the solution of least squares with the sum of the shares 1.
func (m *mixture) bestOf(set int) []*big.Rat {
	var use []int
	for i := range len(m.stocks) + 1 {
		if set>>i&1 == 1 {
			use = append(use, i)
		}
	}
	k := len(use)
	rows := make([][]*big.Rat, k+1)
	for i := range rows {
		rows[i] = make([]*big.Rat, k+2)
		for j := range rows[i] {
			rows[i][j] = new(big.Rat)
		}
	}
	t := new(big.Rat)
	for c := range m.target {
		w := m.weight(c)
		w.Mul(w, w)
		for i, a := range use {
			for j, b := range use {
				rows[i][j].Add(rows[i][j], t.Mul(w, t.Mul(m.of(a, c), m.of(b, c))))
			}
			rows[i][k+1].Add(rows[i][k+1], t.Mul(w, t.Mul(m.of(a, c), m.target[c])))
		}
	}
	for i := range k {
		rows[i][k].SetInt64(1)
		rows[k][i].SetInt64(1)
	}
	rows[k][k+1].SetInt64(1)
	if !eliminate(rows) {
		return nil
	}
	out := make([]*big.Rat, len(m.stocks)+1)
	for i := range out {
		out[i] = new(big.Rat)
	}
	for i, a := range use {
		if rows[i][k+1].Sign() < 0 {
			return nil
		}
		out[a] = rows[i][k+1]
	}
	return out
}

// eliminate solves linear equations, each a row with its right side at the end;
// ok is false where they do not determine all unknowns.
func eliminate(rows [][]*big.Rat) (ok bool) {
	t := new(big.Rat)
	for i := range rows {
		pivot := slices.IndexFunc(rows[i:], func(r []*big.Rat) bool { return r[i].Sign() != 0 })
		if pivot < 0 {
			return false
		}
		rows[i], rows[i+pivot] = rows[i+pivot], rows[i]
		inverse := new(big.Rat).Inv(rows[i][i])
		for j := range rows[i] {
			rows[i][j].Mul(rows[i][j], inverse)
		}
		for k := range rows {
			if k == i || rows[k][i].Sign() == 0 {
				continue
			}
			f := new(big.Rat).Set(rows[k][i])
			for j := range rows[k] {
				rows[k][j].Sub(rows[k][j], t.Mul(f, rows[i][j]))
			}
		}
	}
	return true
}

// miss is the sum of the squares of the relative errors.
func (m *mixture) miss(shares []*big.Rat) *big.Rat {
	sum, t := new(big.Rat), new(big.Rat)
	for c := range m.target {
		e := new(big.Rat).Neg(m.target[c])
		for i, s := range shares {
			e.Add(e, t.Mul(s, m.of(i, c)))
		}
		e.Mul(e, m.weight(c))
		sum.Add(sum, e.Mul(e, e))
	}
	return sum
}

// shares is what volumes and the diluent are of the total.
func (m *mixture) shares(v []int64) []*big.Rat {
	out, rest := make([]*big.Rat, 0, len(v)+1), m.total
	for _, one := range v {
		out, rest = append(out, big.NewRat(one, m.total)), rest-one
	}
	return append(out, big.NewRat(rest, m.total))
}

// rounded is the volumes of the stocks in whole nL. Their sum is not above the
// total: the largest gives way.
func (m *mixture) rounded(shares []*big.Rat) []int64 {
	out := make([]int64, len(m.stocks))
	rest, t := m.total, new(big.Rat)
	for i := range out {
		out[i] = nearest(t.Mul(shares[i], t.SetInt64(m.total)))
		rest -= out[i]
	}
	if diluted := shares[len(m.stocks)].Sign() > 0; len(out) > 0 && (rest < 0 || rest != 0 && !diluted) {
		largest := 0
		for i := range out {
			if out[i] > out[largest] {
				largest = i
			}
		}
		out[largest] += rest
	}
	return out
}

// nearest rounds to a whole number, halves up; r is not negative.
func nearest(r *big.Rat) int64 {
	n := new(big.Int).Mul(r.Num(), big.NewInt(2))
	n.Add(n, r.Denom())
	return n.Quo(n, new(big.Int).Mul(r.Denom(), big.NewInt(2))).Int64()
}

// gives is the concentration of a component that volumes give.
func (m *mixture) gives(v []int64, c int) *big.Rat {
	sum, t, rest := new(big.Rat), new(big.Rat), m.total
	for i, one := range v {
		rest -= one
		sum.Add(sum, new(big.Rat).Mul(m.stocks[i][c], t.SetInt64(one)))
	}
	sum.Add(sum, new(big.Rat).Mul(m.diluent[c], t.SetInt64(rest)))
	return sum.Quo(sum, t.SetInt64(m.total))
}

// meets reports whether volumes give the target, but for 1 nL of each liquid and
// one unit of the concentrations themselves.
func (m *mixture) meets(v []int64) bool {
	for c := range m.target {
		off := new(big.Rat).Sub(m.gives(v, c), m.target[c])
		off.Abs(off).Mul(off, new(big.Rat).SetInt64(m.total))
		allowed := new(big.Rat).SetInt64(m.total)
		for i := range len(m.stocks) + 1 {
			allowed.Add(allowed, m.of(i, c))
		}
		if off.Cmp(allowed) > 0 {
			return false
		}
	}
	return true
}
