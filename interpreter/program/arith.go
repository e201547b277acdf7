package program

import "math/bits"

// mulDiv returns a·b/c rounded down, for non-negative a and b and positive c,
// without overflow in between.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi == 0 && lo>>63 == 0 {
		return int64(lo) / c
	}
	q, _ := bits.Div64(hi%uint64(c), lo, uint64(c))
	return int64(q)
}
