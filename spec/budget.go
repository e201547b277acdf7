package spec

import "github.com/ot2flow/ot2flow/spec/diag"

// Budget is what a run may use up before it comes to its end.
type Budget struct {
	Tips    Expr      // new tips, of all racks
	Wells   Expr      // that held nothing before
	Time    Expr      // how long it takes
	Liquids []Binding // how much of each
	Span    diag.Span
}

var budgetShape = &Shape{
	Kind: ObjectShape, Name: "budget", Noun: "what a run may use", Min: 1, Example: "{tips: 96, liquids: {red: 5 mL}}",
	Doc:    "What a run may use before it comes to its end.",
	fields: func() []Field { return budgetFields(&Budget{}) },
}

var budgetLiquids = &Shape{Kind: MapShape, Noun: "liquids with volumes", Keyed: "liquids", Elem: wantShapes[WantVolume], Min: 1}

func budgetFields(b *Budget) []Field {
	return []Field{
		{"tips", "How many new tips, of all racks together.", "96", false, exprSlot(&b.Tips, WantInteger)},
		{"wells", "How many wells that have held nothing are given something.", "48", false, exprSlot(&b.Wells, WantInteger)},
		{"time", "How long it takes: by the estimate where it is planned, and on a robot by the clock on the wall, also while it waits. There a workflow that waits for results ends like any other budget has it; one that was handed over whole is stopped at the next place where no tip holds liquid, and what stands under finally is done.", "90 min", false, exprSlot(&b.Time, WantDuration)},
		{"liquids", "How much of a liquid is drawn from the wells that are declared to hold it. What comes back, as in mixing, does not count.", "{red: 5 mL}", false, bindingsSlot(&b.Liquids, budgetLiquids, WantVolume)},
	}
}

func budgetSlot(to *Budget) Slot {
	return Slot{budgetShape, func(d *decoder, v value) {
		to.Span = v.span()
		d.object(v, budgetShape, budgetFields(to))
	}}
}
