package spec

import "github.com/ot2flow/ot2flow/spec/diag"

// The steps that share a filling of the tip between wells.

type (
	// Distribute gives one liquid to many places.
	Distribute struct {
		From, To, Volume Exprs
		Disposal         Disposal
		Pack             Word
		Order            Order
		LiquidKeys
	}
	// Consolidate brings the liquid of many places to one.
	Consolidate struct {
		From, To, Volume Exprs
		ToTrash          bool // instead of To
		Pack             Word
		Order            Order
		LiquidKeys
	}
)

// Disposal is what a distribution draws beyond what it gives, and where that
// goes.
type Disposal struct {
	Volume Expr
	Place  BlowOut
	Span   diag.Span
}

func (s *Distribute) fields() []Field {
	return append([]Field{
		{"from", "Where to draw: one well, or a liquid.", "water", true, wellsSlot(&s.From)},
		{"to", "Where to give.", "plate.column(1)", true, wellsSlot(&s.To)},
		{"volume", "How much each place gets; or a list with one volume per place. 0 skips the place.", "50 uL", true, volumesSlot(&s.Volume)},
		{"disposal", "What is drawn beyond that, so that the last place gets as much as the first, and where it goes. Default: the pipette's minimum, into the trash or where `blow_out` says.", "{volume: 20 uL, in: source}", false, disposalSlot(&s.Disposal)},
		packField(&s.Pack),
		orderField(&s.Order),
	}, s.LiquidKeys.fields()...)
}

func (s *Consolidate) fields() []Field {
	return append([]Field{
		{"from", "Where to draw.", "plate.column(1)", true, wellsSlot(&s.From)},
		{"to", "The one place that gets it all: a well, or trash, into which the tip is blown out.", "pool.A1", true, wellsOrTrashSlot(&s.To, &s.ToTrash)},
		{"volume", "How much is drawn from each place; or a list with one volume per place. 0 skips the place.", "50 uL", true, volumesSlot(&s.Volume)},
		packField(&s.Pack),
		orderField(&s.Order),
	}, s.LiquidKeys.fields()...)
}

var packShape = &Shape{Noun: "a way to pack", Scalars: Strings, Words: []string{"in_order", "best"}}

func packField(to *Word) Field {
	return Field{
		"pack", "Which places share a filling of the tip: neighbours as long as they fit (in_order, the default), or those that need the fewest fillings (best).",
		"best", false, wordSlot(to, packShape),
	}
}

var disposalWords = []string{"source", "trash"}

var disposalPlace = &Shape{Noun: "a place", Doc: "source, trash, or a well.", Example: "trash", Scalars: Strings, Pattern: notBlank, Lead: disposalWords}

var disposalShape = &Shape{
	Kind: UnionShape, Name: "disposal", Noun: "a volume, or how much and where", Example: "20 uL",
	Doc: "What is drawn beyond what is given: a volume, 0 for nothing, or in full {volume: 20 uL, in: waste.A1, at: top - 5 mm}.",
	Any: []*Shape{wantShapes[WantVolume], disposalObject},
}

var disposalObject = &Shape{Kind: ObjectShape, Min: 1, fields: func() []Field { return disposalFields(&Disposal{}) }}

func disposalFields(d *Disposal) []Field {
	return []Field{
		{"volume", "How much. Default: the pipette's minimum.", "20 uL", false, exprSlot(&d.Volume, WantVolume)},
		{"in", "Where it is blown out: source, trash, or a well. Default: trash.", "trash", false, placeSlot(&d.Place.Word, &d.Place.In, disposalPlace)},
		{"at", "The height in the well. Default: top.", "top - 5 mm", false, heightSlot(&d.Place.At)},
		{"rate", "The flow rate. Default: that of the pipette.", "150 uL/s", false, exprSlot(&d.Place.Rate, WantRate)},
		{"speed", "The gantry's speed on the way there. Default: 400 mm/s.", "100 mm/s", false, exprSlot(&d.Place.Speed, WantSpeed)},
	}
}

func disposalSlot(to *Disposal) Slot {
	return Slot{disposalShape, func(d *decoder, v value) {
		to.Span = v.span()
		if v.isScalar() {
			to.Volume = v.expr(WantVolume)
			return
		}
		d.object(v, disposalObject, disposalFields(to))
		to.Place.Span = to.Span
		to.Place.Set = to.Place.Word != "" || to.Place.In.IsSet() || to.Place.At.IsSet() || to.Place.Rate.IsSet() || to.Place.Speed.IsSet()
	}}
}
