package spec

// The keys of the step kinds: one row per key, with what an editor shows.

func (s *Transfer) fields() []Field {
	return append([]Field{
		{"from", "Where to draw: a well, wells, or a liquid.", "red", true, wellsSlot(&s.From)},
		{"to", "Where to give: a well, wells, or trash, into which the tip is blown out.", "plate.A1", true, wellsOrTrashSlot(&s.To, &s.ToTrash)},
		{"volume", "How much per pair; or a list with one volume per pair. 0 skips the pair.", "50 uL", true, volumesSlot(&s.Volume)},
		orderField(&s.Order),
	}, s.LiquidKeys.fields()...)
}

func (k *LiquidKeys) fields() []Field {
	return append([]Field{
		{"pipette", "The pipette to use. Default: the one mounted that does it in the fewest moves.", "p300", false, nameSlot(&k.Pipette)},
		{"nozzles", "Which nozzles of an 8-channel pipette take tips in this step. Default: as the pipette is declared. H1 is at the front, A1 at the back; E1-H1 are four.", "H1", false, wordSlot(&k.Nozzles, nozzlesShape)},
		{"tip", "Which tip, and what becomes of it. Default: once, in a formulate per_source; into the trash.", "new", false, tipSlot(&k.Tip)},
		{"split", "How a volume larger than the tip is divided. Default: even.", "even", false, wordSlot(&k.Split, splitShape)},
		classField(&k.LiquidClass),
	}, k.Handling.fields()...)
}

func (s *Mix) fields() []Field {
	return []Field{
		{"in", "The wells to mix.", "plate.A1", true, wellsSlot(&s.In)},
		{"volume", "How much is drawn and given each time.", "50 uL", true, exprSlot(&s.Volume, WantVolume)},
		{"times", "How many times.", "3", true, exprSlot(&s.Times, WantInteger)},
		{"at", "The height in the well. Default: bottom + 1 mm.", "bottom + 2 mm", false, heightSlot(&s.At)},
		{"rate", "The flow rate, both ways. Default: the pipette's.", "150 uL/s", false, exprSlot(&s.Rate, WantRate)},
		{"pipette", "The pipette to use. Default: the one mounted that can.", "p300", false, nameSlot(&s.Pipette)},
		{"nozzles", "Which nozzles of an 8-channel pipette take tips in this step. Default: as the pipette is declared. H1 is at the front, A1 at the back; E1-H1 are four.", "H1", false, wordSlot(&s.Nozzles, nozzlesShape)},
		{"tip", "Which tip, and what becomes of it. Default: once, into the trash.", "new", false, tipSlot(&s.Tip)},
		{"order", "In which order the wells are mixed, whatever the order they are written in. Default: as they are written.", "l2r_t2b", false, wordSlot(&s.Order, wellOrderOne)},
		{"touch_tip", "Touch the well's sides after mixing.", "true", false, touchSlot(&s.TouchTip)},
		{"blow_out", "Empty the tip past the plunger's end after mixing a well.", "destination", false, blowOutSlot(&s.BlowOut)},
		classField(&s.LiquidClass),
	}
}

func pipetteField(to *Word) Field {
	return Field{"pipette", "The pipette, where two are mounted.", "p300", false, nameSlot(to)}
}

func speedField(to *Expr) Field {
	return Field{"speed", "The gantry's speed on the way there. Default: 400 mm/s.", "100 mm/s", false, exprSlot(to, WantSpeed)}
}

func rateField(to *Expr) Field {
	return Field{"rate", "The flow rate. Default: the pipette's.", "50 uL/s", false, exprSlot(to, WantRate)}
}

func (s *PickUpTip) fields() []Field {
	return []Field{
		{"from", "The place of the tip. Default: the next tip of the pipette's racks.", "tips.A1", false, exprSlot(&s.From, WantWell)},
		pipetteField(&s.Pipette),
		{"nozzles", "Which nozzles of an 8-channel pipette take tips. Default: as the pipette is declared. H1 is at the front, A1 at the back; E1-H1 are four.", "H1", false, wordSlot(&s.Nozzles, nozzlesShape)},
	}
}

func (s *Aspirate) fields() []Field {
	return []Field{
		{"from", "The well to draw from.", "plate.A1", true, exprSlot(&s.From, WantWell)},
		{"volume", "How much.", "50 uL", true, exprSlot(&s.Volume, WantVolume)},
		{"at", "The height in the well. Default: bottom + 1 mm.", "bottom + 2 mm", false, heightSlot(&s.At)},
		rateField(&s.Rate), speedField(&s.Speed), pipetteField(&s.Pipette),
	}
}

func (s *Dispense) fields() []Field {
	return []Field{
		{"to", "The well to give into.", "plate.A2", true, exprSlot(&s.To, WantWell)},
		{"volume", "How much the plunger moves: the liquid, and air drawn after it.", "50 uL", true, exprSlot(&s.Volume, WantVolume)},
		{"at", "The height in the well. Default: bottom + 1 mm.", "bottom + 8 mm", false, heightSlot(&s.At)},
		rateField(&s.Rate), speedField(&s.Speed),
		{"push_out", "How far past its end the plunger goes. Default: the robot's for the pipette.", "2 uL", false, exprSlot(&s.PushOut, WantVolume)},
		pipetteField(&s.Pipette),
	}
}

func (s *AirGap) fields() []Field {
	return []Field{
		{"volume", "How much air.", "10 uL", true, exprSlot(&s.Volume, WantVolume)},
		{"in", "The well to draw it above. Default: the one the tip is at.", "plate.A1", false, exprSlot(&s.In, WantWell)},
		{"at", "The height. Default: top + 5 mm.", "top + 5 mm", false, heightSlot(&s.At)},
		rateField(&s.Rate), pipetteField(&s.Pipette),
	}
}

func (s *TouchSides) fields() []Field {
	own := []Field{{"in", "The well. Default: the one the tip is at.", "plate.A1", false, exprSlot(&s.In, WantWell)}}
	return append(append(own, touchFields(&s.TouchTip)...), pipetteField(&s.Pipette))
}

var trashOrWell = &Shape{Noun: "trash, or a well", Doc: "trash, or a well.", Example: "trash", Scalars: Strings, Pattern: notBlank, Lead: []string{"trash"}}

func (s *BlowOutNow) fields() []Field {
	return []Field{
		{"in", "Where: trash, or a well. Default: where the tip is.", "trash", false, placeSlot(&s.Word, &s.In, trashOrWell)},
		{"at", "The height in the well. Default: top; without `in`, where the tip is.", "top - 5 mm", false, heightSlot(&s.At)},
		rateField(&s.Rate), speedField(&s.Speed), pipetteField(&s.Pipette),
	}
}

func (s *DropTip) fields() []Field {
	var word string
	return []Field{
		{"in", "Where: trash, or a place of a tip rack. Default: trash.", "trash", false, placeSlot(&word, &s.In, trashOrWell)},
		homeField(&s.Home), pipetteField(&s.Pipette),
	}
}

func (s *ReturnTip) fields() []Field {
	return []Field{
		{"at", "The height at which the tip is let go, from the place's top. Default: the pipette's own depth.", "top - 75 mm", false, heightSlot(&s.At)},
		homeField(&s.Home), pipetteField(&s.Pipette),
	}
}

func (s *MoveTo) fields() []Field {
	return []Field{
		{"to", "The well to move to.", "plate.A1", true, exprSlot(&s.To, WantWell)},
		{"at", "The height. Default: top.", "top + 3 mm", false, heightSlot(&s.At)},
		{"over", "How high above the deck the end of the tip travels at least on its way. Default: as high as is needed to clear what stands there.", "90 mm", false, exprSlot(&s.Over, WantLength)},
		{"direct", "Whether it goes there in a straight line, and not up, over and down. Default: false.", "true", false, exprSlot(&s.Direct, WantCondition)},
		speedField(&s.Speed), pipetteField(&s.Pipette),
	}
}

// homeField is a key of the steps that let go of a tip.
func homeField(to *Expr) Field {
	return Field{"home", "Whether the plunger is homed behind it. Default: as the robot does by itself, which homes it where it might have lost its place.", "false", false, exprSlot(to, WantCondition)}
}

func (s *Assert) fields() []Field { return checkFields(&s.Check) }

var calledShape = &Shape{
	Noun: "a workflow", Doc: "The file of a workflow, relative to this one, or the name of one that stands beside it: dilute means ./dilute.yaml.", Example: "./dilute.yaml",
	Scalars: Strings, Pattern: notBlank,
}

var withShape = &Shape{Kind: MapShape, Noun: "its names with what they stand for here", Elem: argumentShape, Min: 1}

var argumentShape = &Shape{
	Kind: UnionShape, Name: "argument", Noun: "an expression, or a list of values or of rows", Example: "[R, 2 * R]",
	Doc: "An expression of any type; for a list of a called workflow also its elements in brackets, each an expression, and for a table its rows.",
	Any: []*Shape{wantShapes[WantAny], {Kind: ListShape, Elem: argumentItem}},
}

var argumentItem = &Shape{
	Kind: UnionShape, Name: "argument_item", Noun: "an expression, or a row", Example: "{well: plate.A1, volume: R}",
	Doc: "An element of a list, or a row of a table: expressions under the names of its columns.",
	Any: []*Shape{wantShapes[WantAny], {Kind: MapShape, Elem: wantShapes[WantAny], Min: 1}},
}

func argumentsSlot(to *[]Argument) Slot {
	return Slot{withShape, func(_ *decoder, v value) {
		v.entries(argumentShape, func(name Word, item value, taken bool) {
			a := Argument{Binding: Binding{Name: name}, Span: item.span()}
			switch {
			case !taken:
			case item.isScalar():
				a.Value = item.expr(WantAny)
			default:
				a.Many = true
				item.each(argumentItem, func(_ int, e value) { a.Items = append(a.Items, e.argumentItem()) })
			}
			*to = append(*to, a)
		})
	}}
}

func (v value) argumentItem() ArgumentItem {
	out := ArgumentItem{Span: v.span()}
	if v.isScalar() {
		out.Value = v.expr(WantAny)
		return out
	}
	out.IsRow = true
	v.entries(wantShapes[WantAny], func(name Word, cell value, taken bool) {
		if taken && name.IsSet() {
			out.Cells = append(out.Cells, Binding{name, cell.expr(WantAny)})
		}
	})
	return out
}

func (s *Call) fields() []Field {
	return []Field{
		{"workflow", "The file of the workflow, relative to this one, or the name of one beside it: dilute means ./dilute.yaml.", "./dilute.yaml", true, Slot{calledShape, func(_ *decoder, v value) { s.Workflow = v.scalar() }}},
		{"with", "What its parameters are, as expressions or lists of them; and which labware, liquid or pipette of ours each of its own stands for. What is not named is the one of the same name here, and for a parameter its default.", "{volume: 50 uL, plate: samples}", false, argumentsSlot(&s.With)},
	}
}

func (*Home) fields() []Field    { return nil }
func (*Delay) fields() []Field   { return nil }
func (*Pause) fields() []Field   { return nil }
func (*Comment) fields() []Field { return nil }
func (*Fail) fields() []Field    { return nil }
func (*Do) fields() []Field      { return nil }
func (*Set) fields() []Field     { return nil }

// nozzlesShape names the layouts of an OT-2's 8-channel pipettes: there are no
// others, so they are words.
var nozzlesShape = &Shape{Name: "nozzles", Noun: "a nozzle layout", Doc: "Which nozzles of an 8-channel pipette take tips: all of them, one, or some at the front.", Scalars: Strings, Words: []string{"full", "H1", "A1", "G1-H1", "F1-H1", "E1-H1", "D1-H1", "C1-H1", "B1-H1"}}
