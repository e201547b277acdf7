package diag

import (
	"cmp"
	"slices"
)

// safe are the codes whose edits can be made without a look at what they do: without
// them there is no program, and what they write means one thing only. What is taken
// for the name of a labware, a well or a liquid is not among them: there, the nearest
// name may be that of another thing on the bench.
var safe = []*Code{UnknownKey, MisplacedKey, UnknownWord, YAMLSyntax, TabIndent, SplitValue, FileOutside, OddNumber}

// Fixed returns the text of a file with what the findings would have changed in it, and
// how many of them that mends: those that are safe, or all of them. A finding that
// would change what another one has changed is left for the next time.
func (l List) Fixed(file string, text []byte, all bool) ([]byte, int) {
	var edits []Edit
	n := 0
	for i := range l {
		d := &l[i]
		if len(d.Edits) == 0 || !all && !slices.Contains(safe, d.Code) || !fits(d.Edits, edits, file, len(text)) {
			continue
		}
		edits = append(edits, d.Edits...)
		n++
	}
	slices.SortStableFunc(edits, func(a, b Edit) int { return cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset) })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, text[at:e.Span.Start.Offset]...), e.New...)
		at = e.Span.End.Offset
	}
	return append(out, text[at:]...), n
}

// fits reports whether edits are of a file, and none touches another or one of those
// that were made.
func fits(edits, made []Edit, file string, size int) bool {
	for i, e := range edits {
		if e.Span.File != file || e.Span.Start.Line == 0 || e.Span.Start.Offset > e.Span.End.Offset || e.Span.End.Offset > size {
			return false
		}
		for _, other := range append(slices.Clone(made), edits[:i]...) {
			if e.Span.Start.Offset <= other.Span.End.Offset && other.Span.Start.Offset <= e.Span.End.Offset {
				return false
			}
		}
	}
	return true
}
