package spec

// The keys of formulate.

var formulateRules = []Rule{
	{Key: "volumes", Needs: []string{"to"}, Why: "`to` says which wells"},
	{Key: "volumes", Bars: []string{"rows", "target", "from"}, Why: "`volumes` says what every well gets"},
	{Key: "rows", Bars: []string{"to", "target", "from"}, Why: "the rows of the table say which well gets what"},
	{Key: "target", Needs: []string{"to", "total", "diluent"}, Why: "the volumes are worked out from the concentrations, what every well gets in all, and what makes up the rest"},
	{Key: "from", Needs: []string{"target", "to", "total", "diluent"}, Why: "how much is drawn from each source is worked out from `target`"},
	{Key: "total", Needs: []string{"diluent"}, Why: "`diluent` is what makes up the rest"},
	{Key: "diluent", Needs: []string{"total"}, Why: "the diluent makes up the rest to `total`"},
	{Key: "to", Any: []string{"volumes", "target", "rows"}, Why: "one of them says what the wells get"},
}

var (
	targetShape       = &Shape{Kind: MapShape, Noun: "components with their concentrations", Elem: wantShapes[WantConcentration], Min: 1}
	orderShape        = &Shape{Kind: UnionShape, Name: "order", Noun: "by_well, or a list of liquids", Example: "[water, red]", Doc: "by_well, or liquids in the order they are given in.", Any: []*Shape{orderWord, orderList}}
	orderWord         = &Shape{Noun: "an order", Scalars: Strings, Words: []string{"by_well"}}
	orderList         = &Shape{Kind: ListShape, Noun: "a list of liquids", Elem: nameShape, Min: 1}
	belowMinimumShape = &Shape{Noun: "what becomes of it", Scalars: Strings, Words: []string{"error", "skip", "round_up"}}
)

func (s *Formulate) fields() []Field {
	return append([]Field{
		{"to", "The wells to fill.", "plate.A1", false, wellsSlot(&s.To)},
		{"volumes", "How much of each liquid every well gets, in the order the liquids are declared. 0 skips the liquid.", "{red: 100 uL, blue: 50 uL}", false, bindingsSlot(&s.Volumes, recipeShape, WantVolume)},
		{"rows", "A table with a column `well` and, for each liquid, a column of its name with the volume that the well gets.", "recipes", false, exprSlot(&s.Rows, WantList)},
		{"target", "The concentrations every well is to have. The volumes follow from what the liquids contain; what is not named may be anything.", "{glucose: 5 mM}", false, bindingsSlot(&s.Target, targetShape, WantConcentration)},
		{"from", "For a target: the wells that are brought to it, one for each of `to`, each with its own concentration. Default: whichever liquids contain what the target names.", "samples", false, wellsSlot(&s.From)},
		{"total", "How much every well gets in all.", "100 uL", false, exprSlot(&s.Total, WantVolume)},
		{"diluent", "What makes up the rest to `total`: a liquid or a well.", "water", false, wellsSlot(&s.Diluent)},
		{"order", "by_well for one well after the other; or liquids, in the order they are given in: those not named follow. Default: liquid by liquid, as they are declared.", "[water, red]", false, Slot{orderShape, func(_ *decoder, v value) {
			if v.isScalar() {
				s.ByWell = true
				return
			}
			v.each(nameShape, func(_ int, item value) { s.Order = append(s.Order, item.word(nameShape)) })
		}}},
		{"below_minimum", "What becomes of a volume below the pipette's minimum: an error, left out (skip), or the minimum (round_up). Where there is a total it holds: the diluent makes it up, or the largest volume. Default: error.", "skip", false, wordSlot(&s.BelowMinimum, belowMinimumShape)},
	}, s.LiquidKeys.fields()...)
}
