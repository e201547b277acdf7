package sim

// Balance carries out one run and adds up what there was in all vessels, and
// of each part, before and after it.
func (n *Noise) Balance(seed uint64, run int) (before, after []float64) {
	n.end()
	h := newHand(n)
	h.begin(seed, run)
	sum := func() []float64 {
		out := make([]float64, 1+n.width)
		for _, v := range h.volume {
			out[0] += v
		}
		for i, v := range h.parts {
			out[1+i%n.width] += v
		}
		return out
	}
	before = sum()
	h.do(n.actions, 0)
	return before, sum()
}
