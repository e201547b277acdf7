package spec

// How a liquid is filled up where it runs out.

const askWord = "ask"

var refillShape = &Shape{
	Kind: UnionShape, Name: "refill", Noun: "ask, a volume, or both bounds", Example: "ask",
	Doc: "How a liquid is filled up by a person: `ask` up to what there was at first, a volume up to which it is filled, or in full {to: 10 mL, below: 1 mL}.",
	Any: []*Shape{refillShort, refillObject},
}

var (
	refillShort  = &Shape{Noun: "ask, or a volume", Example: "ask", Scalars: Strings | Numbers, Pattern: notBlank, Lead: []string{askWord}}
	refillObject = &Shape{Kind: ObjectShape, Min: 1, fields: func() []Field { return refillFields(&Refill{}) }}
)

func refillFields(r *Refill) []Field {
	return []Field{
		{"to", "Up to which volume each of its wells is filled. Default: what the fullest of them held at first.", "10 mL", false, exprSlot(&r.To, WantVolume)},
		{"below", "It is filled up before less than this would be left in the well, as in a reservoir that cannot be emptied to the last drop. Default: 0 uL.", "1 mL", false, exprSlot(&r.Below, WantVolume)},
	}
}

func refillSlot(to *Refill) Slot {
	return Slot{refillShape, func(d *decoder, v value) {
		to.Set, to.Span = true, v.span()
		switch {
		case !v.isScalar():
			d.object(v, refillObject, refillFields(to))
		case v.node.Value != askWord:
			to.To = v.expr(WantVolume)
		}
	}}
}
