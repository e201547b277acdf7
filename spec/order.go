package spec

import "github.com/ot2flow/ot2flow/spec/diag"

// Order is in which order wells are taken: of both sides of a step, or of each.
type Order struct {
	From, To Word // t2b_l2r; empty where they are taken as they are written
	Span     diag.Span
}

// WellOrders are the words for an order: which way it goes first, and which way
// then; t and b are the back and the front of a plate, l and r its sides.
var WellOrders = []string{"t2b_l2r", "t2b_r2l", "b2t_l2r", "b2t_r2l", "l2r_t2b", "l2r_b2t", "r2l_t2b", "r2l_b2t"}

const wellOrderDoc = "Two ways, the first one first: t2b_l2r goes down each column and takes the columns from left to right, l2r_t2b goes along each row and takes the rows from top to bottom; b2t and r2l go the other way. Each labware on its own, in the order in which they are named."

var (
	wellOrderWord   = &Shape{Noun: "an order of wells", Scalars: Strings, Words: WellOrders}
	wellOrderOne    = &Shape{Name: "well_order", Noun: "an order of wells", Doc: wellOrderDoc, Example: "l2r_t2b", Scalars: Strings, Words: WellOrders}
	wellOrderObject = &Shape{Kind: ObjectShape, Min: 1, fields: func() []Field { return wellOrderFields(&Order{}) }}
	wellOrderShape  = &Shape{
		Kind: UnionShape, Name: "well_orders", Noun: "an order of wells", Example: "l2r_t2b",
		Doc: wellOrderDoc + " One word for both sides, or {from: t2b_l2r, to: r2l_b2t}.",
		Any: []*Shape{wellOrderWord, wellOrderObject},
	}
)

func wellOrderFields(o *Order) []Field {
	return []Field{
		{"from", "The order of the sources.", "t2b_l2r", false, wordSlot(&o.From, wellOrderOne)},
		{"to", "The order of the destinations.", "r2l_b2t", false, wordSlot(&o.To, wellOrderOne)},
	}
}

// orderField is the key of the steps that pair wells.
func orderField(to *Order) Field {
	return Field{
		"order", "In which order the wells are taken, whatever the order they are written in; with one volume for all. Default: as they are written.", "l2r_t2b", false,
		Slot{wellOrderShape, func(d *decoder, v value) {
			to.Span = v.span()
			if v.isScalar() {
				to.From = v.word(wellOrderWord)
				to.To = to.From
				return
			}
			d.object(v, wellOrderObject, wellOrderFields(to))
		}},
	}
}
