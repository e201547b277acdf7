package spec

// The steps that work out volumes themselves.

type (
	// Fill brings wells up to a volume.
	Fill struct {
		From, To, UpTo Exprs
		Order          Order
		LiquidKeys
	}
	// Dilute makes a dilution series.
	Dilute struct {
		In             Exprs
		Factor, Volume Expr
		Diluent        Exprs
		Mix            Mixing
		Blanks         Expr
		DiscardWord    string // trash; empty where Discard is a well
		Discard        Expr
		LiquidKeys
	}
)

func (s *Fill) fields() []Field {
	return append([]Field{
		{"from", "Where to draw: a well, wells, or a liquid.", "water", true, wellsSlot(&s.From)},
		{"to", "The wells to fill.", "plate.row(\"A\")", true, wellsSlot(&s.To)},
		{"up_to", "What each well holds in the end; or a list with one volume per well. A well that holds as much already gets nothing.", "200 uL", true, volumesSlot(&s.UpTo)},
		orderField(&s.Order),
	}, s.LiquidKeys.fields()...)
}

func (s *Dilute) fields() []Field {
	return append([]Field{
		{"in", "The wells of the series, in order, beginning with the one that holds what is diluted; or a list of columns, for a series in each row.", "plate.row(\"A\")", true, wellsSlot(&s.In)},
		{"factor", "How much thinner each well is than the one before. Above 1.", "2", true, exprSlot(&s.Factor, WantNumber)},
		{"volume", "What every well is left with. The first must hold this and what is carried on: volume / (factor - 1).", "100 uL", true, exprSlot(&s.Volume, WantVolume)},
		{"diluent", "What the wells behind the first get before: a well or a liquid.", "buffer", true, wellsSlot(&s.Diluent)},
		{"mix", "Mixing in each well before it is carried on. Default: 3 times half the volume.", "5 x 80 uL", false, mixingSlot(&s.Mix, mixingShape, mixingFields)},
		{"blanks", "How many wells at the end of the series get diluent only. Default: 0.", "1", false, exprSlot(&s.Blanks, WantInteger)},
		{"discard", "Where what the last well has too much goes: trash, or a well. Default: trash.", "waste.A1", false, placeSlot(&s.DiscardWord, &s.Discard, trashOrWell)},
	}, s.LiquidKeys.fields()...)
}
