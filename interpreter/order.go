package interpreter

import (
	"cmp"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// The order in which a step takes its wells, where it says one.

// wellOrder is one of the eight ways to go over a plate; without a word of the
// language it leaves wells as they are.
type wellOrder struct{ set, rows, up, left bool }

// orderOf reads a word such as t2b_l2r: the way that is gone first, and then.
func orderOf(w spec.Word) wellOrder {
	if !w.IsSet() {
		return wellOrder{}
	}
	first, second := w.Value[:3], w.Value[4:]
	return wellOrder{
		set: true, rows: first == "l2r" || first == "r2l",
		up: first == "b2t" || second == "b2t", left: first == "r2l" || second == "r2l",
	}
}

func (o wellOrder) compare(a, b *program.Well) int {
	row, column := program.CompareRows(a.Row, b.Row), cmp.Compare(a.Column, b.Column)
	if o.up {
		row = -row
	}
	if o.left {
		column = -column
	}
	if o.rows {
		return cmp.Or(row, column)
	}
	return cmp.Or(column, row)
}

// inOrder sorts places by their wells: each labware on its own, in the order in
// which they first come.
func inOrder[T any](x *expansion, o wellOrder, places []T, well func(*T) program.WellRef) {
	if !o.set {
		return
	}
	var seen []int16
	for i := range places {
		if l := well(&places[i]).Labware; !slices.Contains(seen, l) {
			seen = append(seen, l)
		}
	}
	slices.SortStableFunc(places, func(a, b T) int {
		p, q := well(&a), well(&b)
		if p.Labware != q.Labware {
			return cmp.Compare(slices.Index(seen, p.Labware), slices.Index(seen, q.Labware))
		}
		return o.compare(x.deck.Well(p), x.deck.Well(q))
	})
}

func (t *target) place() program.WellRef { return t.well }

// place is that of the first well of a pool, which is one source.
func (s *source) place() program.WellRef { return first(s.wells) }

// ordered brings the places of a route into the order that the step says. A list
// of volumes goes by the order that is written, and it would not be clear which
// volume is whose.
func (x *expansion) ordered(r *route, from []source, to []target, volumes int) bool {
	if !r.takeFrom.set && !r.takeTo.set {
		return true
	}
	if volumes > 1 {
		x.add(diag.Diagnostic{
			Code: diag.ListsDoNotPair, Span: r.volume[0].Source().Whole(), Message: "with `order` the wells are taken in another order than they are written in, and it would not be clear which of the volumes is whose",
			Related: []diag.Related{{Span: r.orderAt, Message: "the order is here"}}, Help: "write one volume for all; or leave out `order`, and write wells and volumes in the order you want",
		})
		return false
	}
	inOrder(x, r.takeFrom, from, (*source).place)
	inOrder(x, r.takeTo, to, (*target).place)
	return true
}
