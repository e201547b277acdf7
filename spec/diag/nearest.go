package diag

import "strings"

// Nearest returns the candidate that name is most likely a slip of, for
// did-you-mean suggestions. It compares without regard to case and counts
// insertions, deletions, replacements and swaps of neighbouring characters
// (the Damerau-Levenshtein distance, each stretch edited once). A candidate is
// near when the distance is at most a third of the longer of the two, and at
// least one edit is always granted unless it would replace the whole name. The
// first of several equally near candidates wins, so pass them in a fixed order.
func Nearest(name string, candidates []string) (string, bool) {
	if name == "" {
		return "", false
	}
	want := []rune(strings.ToLower(name))
	best, found, least := "", false, 0
	var rows editRows
	for _, c := range candidates {
		have := []rune(strings.ToLower(c))
		limit := nearLimit(len(want), len(have))
		if found {
			limit = min(limit, least-1)
		}
		if d, ok := rows.distance(want, have, limit); ok {
			best, found, least = c, true, d
		}
	}
	return best, found
}

// nearLimit is the greatest distance at which names of these lengths are still
// taken for the same word. Names of one character are near only when equal:
// any letter is one edit away from any other.
func nearLimit(a, b int) int {
	longer := max(a, b)
	if min(a, b) <= 1 {
		return 0
	}
	return max(1, longer/3)
}

// editRows keeps the three rows of the distance table between candidates, so
// that a search through hundreds of names allocates once.
type editRows struct{ before, last, row []int }

// distance returns the edit distance of a and b; ok is false when it is
// greater than limit.
func (r *editRows) distance(a, b []rune, limit int) (d int, ok bool) {
	if limit < 0 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return 0, false
	}
	r.reset(len(b) + 1)
	for i := 1; i <= len(a); i++ {
		r.before, r.last, r.row = r.last, r.row, r.before
		if r.fill(i, a, b) > limit {
			return 0, false
		}
	}
	d = r.row[len(b)]
	return d, d <= limit
}

// reset makes room for n columns and sets the current row to that of an empty
// first word.
func (r *editRows) reset(n int) {
	if cap(r.row) < n {
		r.before, r.last, r.row = make([]int, n), make([]int, n), make([]int, n)
	}
	r.before, r.last, r.row = r.before[:n], r.last[:n], r.row[:n]
	for j := range r.row {
		r.row[j] = j
	}
}

// fill computes row i of the table and returns its smallest entry. No later row
// has a smaller one, not even through a swap, which reads the row before the
// last: deleting instead of swapping costs the last row no more.
func (r *editRows) fill(i int, a, b []rune) (least int) {
	r.row[0], least = i, i
	for j := 1; j <= len(b); j++ {
		replace := r.last[j-1]
		if a[i-1] != b[j-1] {
			replace++
		}
		d := min(r.last[j]+1, r.row[j-1]+1, replace)
		if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
			d = min(d, r.before[j-2]+1)
		}
		r.row[j], least = d, min(least, d)
	}
	return least
}
