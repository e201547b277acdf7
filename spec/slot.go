package spec

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// The shapes of expressions. A string that is not blank may be an expression;
// whether it is one, and of the right type, interpreter/eval decides. They are
// literals, not calls, so that the compiler lays them out and a program that
// reads no workflow pays nothing at its start.
var wantShapes = [...]*Shape{
	WantAny: {
		Name: "expression", Noun: "an expression", Doc: "An expression of any type.", Example: "R + 10 uL",
		Scalars: Strings | Numbers | Booleans, Pattern: notBlank,
	},
	WantVolume: {
		Name: "volume", Noun: "a volume", Doc: "A volume, or an expression that gives one. A bare number is in uL.", Example: "50 uL",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
	WantDuration: {
		Name: "duration", Noun: "a duration", Doc: "A duration, or an expression that gives one. A bare number is in s.", Example: "5 s",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
	WantLength: {
		Name: "length", Noun: "a length", Doc: "A length, or an expression that gives one. A bare number is in mm.", Example: "3 mm",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
	WantSpeed: {
		Name: "speed", Noun: "a speed", Doc: "A speed of the gantry, or an expression that gives one. A bare number is in mm/s.", Example: "100 mm/s",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
	WantRate: {
		Name: "flow_rate", Noun: "a flow rate", Doc: "A flow rate of the plunger, or an expression that gives one. A bare number is in uL/s.", Example: "150 uL/s",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
	WantNumber: {
		Name: "number", Noun: "a number", Doc: "A number, or an expression that gives one.", Example: "0.5",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
	WantInteger: {
		Name: "integer", Noun: "a whole number", Doc: "A whole number, or an expression that gives one.", Example: "3",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
	WantCondition: {
		Name: "condition", Noun: "a condition", Doc: "An expression that is true or false.", Example: "R > 0 uL",
		Scalars: Strings | Booleans, Pattern: notBlank,
	},
	WantWell: {
		Name: "well", Noun: "a well", Doc: "A well, or an expression that gives one.", Example: "plate.A1",
		Scalars: Strings, Pattern: notBlank,
	},
	WantWells: {
		Name: "wells", Noun: "wells", Doc: "A well, a range, a whole labware, a liquid, or an expression that gives wells.", Example: "plate.A1:D6",
		Scalars: Strings, Pattern: notBlank,
	},
	WantList: {
		Name: "list", Noun: "an expression for a list", Doc: "An expression that gives a list.", Example: "plate.first(24)",
		Scalars: Strings, Pattern: notBlank,
	},
	WantTemperature: {
		Name: "temperature", Noun: "a temperature", Doc: "A temperature, or an expression that gives one. A bare number is in C.", Example: "37 C",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
	WantRotation: {
		Name: "rotation", Noun: "a rotation speed", Doc: "A rotation speed, or an expression that gives one. A bare number is in rpm.", Example: "500 rpm",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
	WantConcentration: {
		Name: "concentration", Noun: "a concentration", Doc: "A concentration, or an expression that gives one: an amount (5 mM), a mass (2 mg/mL), a strength (10 x) or a share (5 %).", Example: "100 mM",
		Scalars: Strings | Numbers, Pattern: notBlank,
	},
}

func (w Want) shape() *Shape { return wantShapes[w] }

func exprSlot(to *Expr, want Want) Slot {
	return Slot{want.shape(), func(_ *decoder, v value) { *to = v.expr(want) }}
}

var concentrationsShape = &Shape{
	Kind: UnionShape, Name: "concentration_or_list", Noun: "a concentration, or a list of them", Example: "100 mM",
	Doc: "A concentration, an expression that gives one, or a list of these.",
	Any: []*Shape{wantShapes[WantConcentration], {Kind: ListShape, Elem: wantShapes[WantConcentration], Min: 1}},
}

var containsShape = &Shape{Kind: MapShape, Noun: "components with their concentrations", Elem: concentrationsShape, Min: 1}

func containsSlot(to *[]Components) Slot {
	return Slot{containsShape, func(_ *decoder, v value) {
		v.entries(concentrationsShape, func(name Word, item value, taken bool) {
			c := Components{Name: name}
			if taken {
				c.Value.Span, c.Value.Many = item.span(), item.isList()
				item.each(wantShapes[WantConcentration], func(_ int, one value) { c.Value.Items = append(c.Value.Items, one.expr(WantConcentration)) })
			}
			*to = append(*to, c)
		})
	}}
}

var wellsShape = &Shape{
	Kind: UnionShape, Name: "wells_or_list", Noun: "wells, or a list of them", Example: "plate.A1:D6",
	Doc: "A well, a range, a whole labware, a liquid, an expression that gives wells, or a list of these.",
	Any: []*Shape{wantShapes[WantWells], {Kind: ListShape, Elem: wantShapes[WantWells], Min: 1}},
}

var volumesShape = &Shape{
	Kind: UnionShape, Name: "volume_or_list", Noun: "a volume, or a list of volumes", Example: "50 uL",
	Doc: "A volume, an expression that gives one, or a list of these. A bare number is in uL.",
	Any: []*Shape{wantShapes[WantVolume], {Kind: ListShape, Elem: wantShapes[WantVolume], Min: 1}},
}

func wellsSlot(to *Exprs) Slot   { return exprsSlot(to, wellsShape, WantWells) }
func volumesSlot(to *Exprs) Slot { return exprsSlot(to, volumesShape, WantVolume) }

var wellsOrTrashShape = &Shape{
	Kind: UnionShape, Name: "wells_or_trash", Noun: "wells, a list of them, or trash", Example: "plate.A1:D6",
	Doc: "trash; or a well, a range, a whole labware, a liquid, an expression that gives wells, or a list of these.",
	Any: []*Shape{{Noun: "wells, or trash", Scalars: Strings, Pattern: notBlank, Lead: []string{"trash"}}, {Kind: ListShape, Elem: wantShapes[WantWells], Min: 1}},
}

// wellsOrTrashSlot takes wells, or the word trash.
func wellsOrTrashSlot(to *Exprs, trash *bool) Slot {
	return Slot{wellsOrTrashShape, func(d *decoder, v value) {
		if *trash = v.isScalar() && v.node.Value == "trash"; *trash {
			to.Span = v.span()
			return
		}
		wellsSlot(to).read(d, v)
	}}
}

// exprsSlot takes one expression or a list of them.
func exprsSlot(to *Exprs, shape *Shape, want Want) Slot {
	return Slot{shape, func(_ *decoder, v value) {
		to.Span, to.Many = v.span(), v.isList()
		v.each(want.shape(), func(_ int, item value) { to.Items = append(to.Items, item.expr(want)) })
	}}
}

var textShape = &Shape{
	Name: "text", Noun: "text", Doc: "Text; ${ … } in it is replaced by the value of the expression.",
	Example: "filled ${ mix_well } with ${ R }", Scalars: Strings | Numbers | Booleans,
}

func textSlot(to *Text) Slot {
	return Slot{textShape, func(_ *decoder, v value) { *to = v.text() }}
}

var literalShape = &Shape{
	Name: "literal", Noun: "a value", Doc: "A value written out, with its unit.", Example: "100 uL",
	Scalars: Strings | Numbers | Booleans, Pattern: notBlank,
}

var literalsShape = &Shape{Kind: ListShape, Noun: "a list of values", Elem: literalShape, Min: 1}

func givenSlot(to *Given, shape *Shape) Slot {
	return Slot{shape, func(_ *decoder, v value) { *to = Given{v.scalar(), true} }}
}

func givensSlot(to *[]Given) Slot {
	return Slot{literalsShape, func(_ *decoder, v value) {
		v.each(literalShape, func(_ int, item value) { *to = append(*to, Given{item.scalar(), true}) })
	}}
}

// writtenShape is a default or example: one value, a list of values, or rows.
var writtenShape = &Shape{
	Kind: UnionShape, Noun: "a value, a list of values or of rows", Example: "100 uL",
	Any: []*Shape{literalShape, {Kind: ListShape, Elem: writtenItem}},
}

var writtenItem = &Shape{
	Kind: UnionShape, Name: "item", Noun: "a value, or a row", Example: "{well: A1, volume: 50 uL}",
	Doc: "An element of a list, or a row of a table: its values under the names of their columns.",
	Any: []*Shape{literalShape, {Kind: MapShape, Elem: literalShape, Min: 1}},
}

func writtenSlot(to *Written) Slot {
	return Slot{writtenShape, func(_ *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if v.isScalar() {
			to.Scalar = v.scalar()
			return
		}
		to.Many = true
		v.each(writtenItem, func(_ int, item value) { to.Items = append(to.Items, item.written()) })
	}}
}

// ReadWritten reads a value that stands in another file than a workflow, such
// as one with the values of parameters; ok is false where it is no value.
func ReadWritten(src *Source, n *yaml.Node) (w Written, ok bool) {
	d := &decoder{src: src}
	d.take(value{d, n}, writtenSlot(&w))
	return w, len(d.refused)+len(d.found) == 0 && w.Set
}

func (v value) written() WrittenItem {
	out := WrittenItem{Span: v.span()}
	if v.isScalar() {
		out.Given = Given{v.scalar(), true}
		return out
	}
	out.IsRow = true
	v.entries(literalShape, func(name Word, cell value, taken bool) {
		if taken && name.IsSet() {
			out.Cells = append(out.Cells, WrittenCell{name, Given{cell.scalar(), true}})
		}
	})
	return out
}

// wordSlot takes a name, or a word out of the shape's list.
func wordSlot(to *Word, shape *Shape) Slot {
	return Slot{shape, func(_ *decoder, v value) { *to = v.word(shape) }}
}

// choiceSlot is wordSlot for a word whose place nothing asks for.
func choiceSlot(to *string, shape *Shape) Slot {
	return Slot{shape, func(_ *decoder, v value) { *to = v.word(shape).Value }}
}

var nameShape = &Shape{
	Name: "name", Noun: "a name", Doc: "A name: letters, digits and _, not starting with a digit.",
	Example: "plate", Scalars: Strings, Pattern: identifier,
}

func nameSlot(to *Word) Slot { return wordSlot(to, nameShape) }

// wordsSlot takes a list of names or words; an empty list is not nil.
func wordsSlot(to *[]Word, list *Shape) Slot {
	return Slot{list, func(_ *decoder, v value) {
		*to = []Word{}
		v.each(list.Elem, func(_ int, item value) { *to = append(*to, item.word(list.Elem)) })
	}}
}

// objectSlot takes a mapping with the keys of fields, which lead to where the
// values go.
func objectSlot(shape *Shape, fields func() []Field) Slot {
	return Slot{shape, func(d *decoder, v value) { d.object(v, shape, fields()) }}
}

var heightWords = []string{"top", "bottom", "center", "liquid"}

var originShape = &Shape{Noun: "an origin", Scalars: Strings, Words: heightWords}

var heightShape = &Shape{
	Kind: UnionShape, Name: "height", Noun: "a height", Example: "bottom + 1 mm",
	Doc: "A height in a well: `top`, `bottom`, `center` or `liquid` (the surface of the liquid), and then `+` or `-` a length. The long form adds sideways offsets: {from: bottom, x: 0 mm, y: 0 mm, z: 1 mm}.",
	Any: []*Shape{{Scalars: Strings, Pattern: heightPattern, Lead: heightWords}, heightObject},
}

var heightObject = &Shape{Kind: ObjectShape, fields: func() []Field { return heightFields(&Height{}) }}

func heightFields(h *Height) []Field {
	return []Field{
		{"from", "What the height is counted from.", "bottom", true, choiceSlot(&h.From, originShape)},
		{"x", "To the right of the well's centre.", "0 mm", false, exprSlot(&h.X, WantLength)},
		{"y", "To the back of the well's centre.", "0 mm", false, exprSlot(&h.Y, WantLength)},
		{"z", "Upwards.", "1 mm", false, exprSlot(&h.Z, WantLength)},
	}
}

func heightSlot(to *Height) Slot {
	return Slot{heightShape, func(d *decoder, v value) {
		to.Span = v.span()
		if !v.isScalar() {
			d.object(v, heightObject, heightFields(to))
			return
		}
		s := v.scalar()
		from, neg, at, _ := cutHeight(s.Text)
		to.From = from
		if at > 0 {
			to.Z = v.exprFrom(at, len(s.Text), WantLength)
			to.Z.Neg = neg
		}
	}}
}

const mixingDoc = "Mixing: how many times, and how much. The long form can say where and how fast: {times: 3, volume: 50 uL, at: bottom + 2 mm, rate: 150 uL/s}. `none` cancels what would be inherited."

var mixingShape = &Shape{
	Kind: UnionShape, Name: "mixing", Noun: "a mixing", Example: "3 x 50 uL", Doc: mixingDoc,
	Any: []*Shape{mixingShort, {Kind: ObjectShape, Min: 1, fields: func() []Field { return mixingFields(&Mixing{}) }}},
}

// mixingAfterShape is that of a mixing after a dispense.
var mixingAfterShape = &Shape{
	Kind: UnionShape, Name: "mixing_after", Noun: "a mixing", Example: "3 x 50 uL", Doc: mixingDoc,
	Any: []*Shape{mixingShort, {Kind: ObjectShape, Min: 1, fields: func() []Field { return mixingAfterFields(&Mixing{}) }}},
}

var mixingShort = &Shape{Scalars: Strings, Pattern: mixPattern, Lead: []string{none}}

func mixingFields(m *Mixing) []Field {
	return []Field{
		{"times", "How many times. Required where nothing else says it.", "3", false, exprSlot(&m.Times, WantInteger)},
		{"volume", "How much is drawn and given each time. Required where nothing else says it.", "50 uL", false, exprSlot(&m.Volume, WantVolume)},
		{"at", "The height in the well. Default: that of the side it belongs to.", "bottom + 2 mm", false, heightSlot(&m.At)},
		{"rate", "The flow rate, both ways. Default: what is inherited for the two sides, or else the pipette's.", "150 uL/s", false, exprSlot(&m.Rate, WantRate)},
	}
}

func mixingAfterFields(m *Mixing) []Field {
	return append(mixingFields(m), Field{"each_chunk", "Mix after every dispense of a volume that is divided, and not only after the last. Default: false.", "true", false, exprSlot(&m.EachChunk, WantCondition)})
}

func mixingSlot(to *Mixing, shape *Shape, fields func(*Mixing) []Field) Slot {
	return Slot{shape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if !v.isScalar() {
			d.object(v, shape.Alternative(false, false), fields(to))
			return
		}
		if isNone(v) {
			to.None = true
			return
		}
		to.Short = true
		s := v.scalar()
		end, start, _ := cutMix(s.Text)
		to.Times = v.exprFrom(0, end, WantInteger)
		to.Volume = v.exprFrom(start, len(s.Text), WantVolume)
	}}
}

// trimmed is s without white space around it.
func (s Scalar) trimmed() Scalar {
	start := len(s.Text) - len(strings.TrimLeft(s.Text, blanks))
	end := len(strings.TrimRight(s.Text, blanks))
	return s.Slice(start, max(start, end))
}

var sidesShape = &Shape{Kind: ListShape, Noun: "a list of sides", Elem: &Shape{Noun: "a side", Scalars: Strings, Words: []string{"left", "right", "front", "back"}}, Min: 1}

var touchShape = &Shape{
	Kind: UnionShape, Name: "touch_tip", Noun: "true, or how the sides are touched", Example: "true",
	Doc: "Touch the well's sides with the tip: true, or how: {at: top - 1 mm, speed: 60 mm/s, sides: [left, right], radius: 1}.",
	Any: []*Shape{{Scalars: Booleans | Strings, Pattern: nonePattern, Lead: []string{none}}, touchObject},
}

var touchObject = &Shape{Kind: ObjectShape, fields: func() []Field { return touchFields(&TouchTip{}) }}

func touchFields(t *TouchTip) []Field {
	return []Field{
		{"at", "The height of the touch. Default: top - 1 mm.", "top - 2 mm", false, heightSlot(&t.At)},
		{"speed", "The speed of the touch. Default: 60 mm/s.", "30 mm/s", false, exprSlot(&t.Speed, WantSpeed)},
		{"sides", "Which sides are touched. Default: all four.", "[left, right]", false, wordsSlot(&t.Sides, sidesShape)},
		{"radius", "How far out, as a fraction of the well's radius. Default: 1.", "0.8", false, exprSlot(&t.Radius, WantNumber)},
	}
}

func touchSlot(to *TouchTip) Slot {
	return Slot{touchShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if v.isScalar() {
			to.Short = ScalarValue(v.node) == true
			to.None = !to.Short
			return
		}
		d.object(v, touchObject, touchFields(to))
	}}
}

var blowOutWords = []string{"source", "destination", "trash"}

// blowOutShort is the short form: a place, or none.
var blowOutShort = &Shape{Noun: "a place", Scalars: Strings, Pattern: notBlank, Lead: []string{"source", "destination", "trash", none}}

var blowOutPlace = &Shape{Noun: "a place", Doc: "source, destination, trash, or a well.", Example: "trash", Scalars: Strings, Pattern: notBlank, Lead: blowOutWords}

var blowOutShape = &Shape{
	Kind: UnionShape, Name: "blow_out", Noun: "a place", Example: "{in: trash}",
	Doc: "Empty the tip past the plunger's end: `source`, `destination`, `trash`, a well, or in full {in: paints.A1, at: top - 5 mm, rate: 150 uL/s, speed: 100 mm/s}.",
	Any: []*Shape{blowOutShort, blowOutObject},
}

var blowOutObject = &Shape{Kind: ObjectShape, Min: 1, fields: func() []Field { return blowOutFields(&BlowOut{}) }}

func blowOutFields(b *BlowOut) []Field {
	return []Field{
		{"in", "Where: source, destination, trash, or a well. Required where nothing else says it.", "trash", false, placeSlot(&b.Word, &b.In, blowOutPlace)},
		{"at", "The height in the well. Default: top.", "top - 5 mm", false, heightSlot(&b.At)},
		{"rate", "The flow rate. Default: that of the pipette.", "150 uL/s", false, exprSlot(&b.Rate, WantRate)},
		{"speed", "The gantry's speed on the way there. Default: 400 mm/s.", "100 mm/s", false, exprSlot(&b.Speed, WantSpeed)},
	}
}

// placeSlot takes one of the words that lead the shape, or else a well.
func placeSlot(word *string, in *Expr, shape *Shape) Slot {
	return Slot{shape, func(_ *decoder, v value) { readPlace(v, word, in, shape) }}
}

func readPlace(v value, word *string, in *Expr, shape *Shape) {
	for _, w := range shape.Lead {
		if v.node.Value == w {
			*word = w
			return
		}
	}
	*in = v.expr(WantWell)
}

func blowOutSlot(to *BlowOut) Slot {
	return Slot{blowOutShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if isNone(v) {
			to.None = true
			return
		}
		if to.Short = v.isScalar(); to.Short {
			readPlace(v, &to.Word, &to.In, blowOutPlace)
			return
		}
		d.object(v, blowOutObject, blowOutFields(to))
	}}
}

// TipEnds are the words for what becomes of a tip.
var TipEnds = []string{"trash", "return", "keep"}

// TipWords are the tip policies of liquid steps.
var TipWords = []string{"new", "once", "per_source", "per_destination", "dedicated", "current"}

var (
	tipPlace  = &Shape{Noun: "a tip policy, or a place", Doc: "A policy, or a place in a tip rack.", Example: "new", Scalars: Strings, Pattern: notBlank, Lead: TipWords}
	tipPolicy = &Shape{Noun: "a tip policy", Scalars: Strings, Words: TipWords}
	tipMatch  = &Shape{Noun: "what the place of the tip is named after", Scalars: Strings, Words: []string{"source"}}
	tipEnd    = &Shape{Noun: "what becomes of the tip, or a place", Doc: "trash, return, keep, or a place in a tip rack.", Example: "return", Scalars: Strings, Pattern: notBlank, Lead: TipEnds}
)

var tipShape = &Shape{
	Kind: UnionShape, Name: "tip", Noun: "a tip policy, or a place", Example: "new",
	Doc: "Which tip: `new` for every aliquot, `once` for the whole step, `per_source`, `per_destination`, `dedicated` (the liquid's own, returned afterwards), `current` (the one that is on), or a place such as tips.B1. In full {use: new, then: return}.",
	Any: []*Shape{tipPlace, tipObject},
}

var tipObject = &Shape{Kind: ObjectShape, Min: 1, fields: func() []Field { return tipFields(&Tip{}) }}

func tipFields(t *Tip) []Field {
	return []Field{
		{"use", "How often a new tip is taken. Default: once.", "new", false, choiceSlot(&t.Use, tipPolicy)},
		{"from", "The place of the tip to use; with `use`, the place of the first one, from where the next ones are taken. With `match`, the rack.", "tips.B1", false, exprSlot(&t.From, WantWells)},
		{"match", "Take from the rack in `from` the tip whose place has the name of the source: A1 for plate.A1.", "source", false, choiceSlot(&t.Match, tipMatch)},
		{"then", "What becomes of the tip: trash, return, keep, or a place in a tip rack, where the first one goes; more of them go to the next empty places of the rack. Default: trash; return for dedicated, keep for current.", "return", false, placeSlot(&t.Then, &t.Put, tipEnd)},
	}
}

func tipSlot(to *Tip) Slot {
	return Slot{tipShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if to.Short = v.isScalar(); to.Short {
			readPlace(v, &to.Use, &to.From, tipPlace)
			return
		}
		d.object(v, tipObject, tipFields(to))
	}}
}

// bindingsSlot takes a mapping from names to expressions, in the file's order.
// A binding whose value was refused has a name and no value.
func bindingsSlot(to *[]Binding, shape *Shape, want Want) Slot {
	return Slot{shape, func(_ *decoder, v value) {
		v.entries(want.shape(), func(name Word, item value, taken bool) {
			b := Binding{Name: name}
			if taken {
				b.Value = item.expr(want)
			}
			*to = append(*to, b)
		})
	}}
}

var (
	constantsShape = &Shape{Kind: MapShape, Noun: "names with their values", Elem: wantShapes[WantAny]}
	setShape       = &Shape{Kind: MapShape, Noun: "variables with their new values", Keyed: "vars", Elem: wantShapes[WantAny], Min: 1}
	recipeShape    = &Shape{Kind: MapShape, Noun: "liquids with their volumes", Keyed: "liquids", Elem: wantShapes[WantVolume], Min: 1}
)

// declarations takes a mapping from names to objects, in the file's order. One
// whose keys were refused has what is left of them, at least its name. Where
// the shape has a short form, that is the value of the first key.
func declarations[T any](to *[]T, shape *Shape, read func(name Word, at diag.Span) (*T, []Field)) Slot {
	return Slot{shape, func(d *decoder, v value) {
		v.entriesBy(shape.KeyPattern(), shape.Elem, func(name Word, item value, taken bool) {
			decl, fields := read(name, item.span())
			if taken && item.isScalar() {
				fields[0].Slot.read(d, item) // the short form is the first key's value
			} else if taken {
				d.object(item, shape.Elem.Alternative(false, false), fields)
			}
			if name.IsSet() {
				*to = append(*to, *decl)
			}
		})
	}}
}
