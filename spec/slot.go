package spec

import "strings"

// The shapes of expressions. A string that is not blank may be an expression;
// whether it is one, and of the right type, interpreter/eval decides.
func exprShape(name, doc, example string, extra Scalars, lead ...string) *Shape {
	return &Shape{Kind: ScalarShape, Name: name, Doc: doc, Example: example, Scalars: Strings | Numbers | extra, Pattern: notBlank, Lead: lead}
}

func stringExpr(name, doc, example string, lead ...string) *Shape {
	return &Shape{Kind: ScalarShape, Name: name, Doc: doc, Example: example, Scalars: Strings, Pattern: notBlank, Lead: lead}
}

var wantShapes = [...]*Shape{
	WantAny:       exprShape("expression", "An expression of any type.", "R + 10 uL", Booleans),
	WantVolume:    exprShape("volume", "A volume, or an expression that gives one. A bare number is in uL.", "50 uL", 0),
	WantDuration:  exprShape("duration", "A duration, or an expression that gives one. A bare number is in s.", "5 s", 0),
	WantLength:    exprShape("length", "A length, or an expression that gives one. A bare number is in mm.", "3 mm", 0),
	WantSpeed:     exprShape("speed", "A speed of the gantry, or an expression that gives one. A bare number is in mm/s.", "100 mm/s", 0),
	WantRate:      exprShape("flow_rate", "A flow rate of the plunger, or an expression that gives one. A bare number is in uL/s.", "150 uL/s", 0),
	WantNumber:    exprShape("number", "A number, or an expression that gives one.", "0.5", 0),
	WantInteger:   exprShape("integer", "A whole number, or an expression that gives one.", "3", 0),
	WantCondition: exprShape("condition", "An expression that is true or false.", "R > 0 uL", Booleans),
	WantWell:      stringExpr("well", "A well, or an expression that gives one.", "plate.A1"),
	WantWells:     stringExpr("wells", "A well, a range, a whole labware, a liquid, or an expression that gives wells.", "plate.A1:D6"),
	WantList:      stringExpr("list", "An expression that gives a list.", "plate.first(24)"),
}

func (w Want) shape() *Shape { return wantShapes[w] }

func exprSlot(to *Expr, want Want) Slot {
	return Slot{want.shape(), func(d *decoder, v value) { *to = Expr{Scalar: v.scalar(), Want: want} }}
}

func exprsSlot(to *Exprs, want Want) Slot {
	one := want.shape()
	many := &Shape{Kind: ListShape, Elem: one, Min: 1}
	shape := &Shape{Kind: UnionShape, Name: want.shape().Name + "_or_list", Doc: "One, or a list of them. " + one.Doc, Example: one.Example, Any: []*Shape{one, many}}
	return Slot{shape, func(d *decoder, v value) {
		to.Span, to.Many = v.span(), v.isList()
		v.each(func(item value) { to.Items = append(to.Items, Expr{Scalar: item.scalar(), Want: want}) })
	}}
}

var textShape = &Shape{Kind: ScalarShape, Name: "text", Doc: "Text; ${ … } in it is replaced by the value of the expression.",
	Example: "filled ${ mix_well } with ${ R }", Scalars: Strings | Numbers | Booleans}

func textSlot(to *Text) Slot {
	return Slot{textShape, func(d *decoder, v value) { *to = Text{v.scalar(), true} }}
}

var literalShape = &Shape{Kind: ScalarShape, Name: "literal", Doc: "A value written out, with its unit.", Example: "100 uL",
	Scalars: Strings | Numbers | Booleans, Pattern: notBlank}

func literalSlot(to *Given) Slot {
	return Slot{literalShape, func(d *decoder, v value) { *to = Given{v.scalar(), true} }}
}

func literalsSlot(to *[]Given) Slot {
	return Slot{&Shape{Kind: ListShape, Elem: literalShape, Min: 1}, func(d *decoder, v value) {
		v.each(func(item value) { *to = append(*to, Given{item.scalar(), true}) })
	}}
}

func wordSlot(to *Word, words ...string) Slot {
	return Slot{&Shape{Kind: ScalarShape, Scalars: Strings, Words: words}, readWord(to)}
}

func readWord(to *Word) func(*decoder, value) {
	return func(d *decoder, v value) { *to = Word{v.node.Value, v.span()} }
}

var nameShape = &Shape{Kind: ScalarShape, Name: "name", Doc: "A name: letters, digits and _, not starting with a digit.",
	Example: "plate", Scalars: Strings, Pattern: identifier}

func nameSlot(to *Word) Slot { return Slot{nameShape, readWord(to)} }

func namesSlot(to *[]Word) Slot {
	return Slot{&Shape{Kind: ListShape, Elem: nameShape}, func(d *decoder, v value) {
		*to = []Word{}
		v.each(func(item value) { *to = append(*to, Word{item.node.Value, item.span()}) })
	}}
}

func plainSlot(to *Word, shape *Shape) Slot { return Slot{shape, readWord(to)} }

// heightPattern is a height's short form. What follows the sign is an
// expression for a length.
var heightPattern = &Pattern{`^\s*(top|bottom|center)\s*([+-]\s*\S.*)?$`, func(s string) bool {
	_, _, _, ok := cutHeight(s)
	return ok
}, "top, bottom or center, and then + or - a length"}

// cutHeight finds the parts of `bottom + 1 mm`: the origin, whether the length
// is taken negative, and where the length's expression starts (0 if none).
func cutHeight(s string) (from string, neg bool, at int, ok bool) {
	body := strings.TrimLeft(s, " \t\n\f\r")
	for _, word := range [...]string{"top", "bottom", "center"} {
		rest, found := strings.CutPrefix(body, word)
		if !found {
			continue
		}
		op := strings.TrimLeft(rest, " \t\n\f\r")
		if op == "" {
			return word, false, 0, true
		}
		if op[0] != '+' && op[0] != '-' {
			return "", false, 0, false
		}
		expr := strings.TrimLeft(op[1:], " \t\n\f\r")
		if expr == "" || strings.Contains(expr, "\n") {
			return "", false, 0, false
		}
		return word, op[0] == '-', len(s) - len(expr), true
	}
	return "", false, 0, false
}

var heightShape = &Shape{Kind: UnionShape, Name: "height", Example: "bottom + 1 mm",
	Doc: "A height in a well: `top`, `bottom` or `center`, and then `+` or `-` a length. The long form adds sideways offsets: {from: bottom, x: 0 mm, y: 0 mm, z: 1 mm}.",
	Any: []*Shape{
		{Kind: ScalarShape, Scalars: Strings, Pattern: heightPattern, Lead: []string{"top", "bottom", "center"}},
		{Kind: ObjectShape, Fields: heightFields(&Height{})},
	}}

func heightFields(h *Height) []Field {
	var from Word
	return []Field{
		{"from", "What the height is counted from.", "bottom", true, Slot{wordSlot(&from, "top", "bottom", "center").Shape,
			func(d *decoder, v value) { h.From = v.node.Value }}},
		{"x", "To the right of the well's centre.", "0 mm", false, exprSlot(&h.X, WantLength)},
		{"y", "To the back of the well's centre.", "0 mm", false, exprSlot(&h.Y, WantLength)},
		{"z", "Upwards.", "1 mm", false, exprSlot(&h.Z, WantLength)},
	}
}

func heightSlot(to *Height) Slot {
	return Slot{heightShape, func(d *decoder, v value) {
		to.Span = v.span()
		if !v.isScalar() {
			d.object(v, heightFields(to))
			return
		}
		from, neg, at, _ := cutHeight(v.node.Value)
		to.From = from
		if at > 0 {
			s := v.scalar()
			to.Z = Expr{Scalar: s.Slice(at, len(s.Text)), Want: WantLength, Neg: neg}
		}
	}}
}

// mixPattern is the short form of mixing: a count, x, a volume.
var mixPattern = &Pattern{`^\s*\S.*?\sx\s\s*\S.*$`, func(s string) bool {
	_, _, ok := cutMix(s)
	return ok
}, "a number of times, x, and a volume: 3 x 50 uL"}

// cutMix finds where the times end and the volume starts in `3 x 50 uL`.
func cutMix(s string) (end, start int, ok bool) {
	if strings.Contains(s, "\n") {
		return 0, 0, false
	}
	for i := 1; i+2 < len(s); i++ {
		if s[i] == 'x' && isBlank(s[i-1]) && isBlank(s[i+1]) && strings.TrimSpace(s[:i]) != "" && strings.TrimSpace(s[i+1:]) != "" {
			return i, i + 1, true
		}
	}
	return 0, 0, false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\f' || c == '\r' || c == '\n' }

var mixingShape = &Shape{Kind: UnionShape, Name: "mixing", Example: "3 x 50 uL",
	Doc: "Mixing: how many times, and how much. The long form can say where and how fast: {times: 3, volume: 50 uL, at: bottom + 2 mm, rate: 150 uL/s}.",
	Any: []*Shape{{Kind: ScalarShape, Scalars: Strings, Pattern: mixPattern}, {Kind: ObjectShape, Fields: mixingFields(&Mixing{})}}}

func mixingFields(m *Mixing) []Field {
	return []Field{
		{"times", "How many times.", "3", true, exprSlot(&m.Times, WantInteger)},
		{"volume", "How much is drawn and given each time.", "50 uL", true, exprSlot(&m.Volume, WantVolume)},
		{"at", "The height in the well. Default: that of the side it belongs to.", "bottom + 2 mm", false, heightSlot(&m.At)},
		{"rate", "The flow rate, both ways. Default: that of the pipette.", "150 uL/s", false, exprSlot(&m.Rate, WantRate)},
	}
}

func mixingSlot(to *Mixing) Slot {
	return Slot{mixingShape, func(d *decoder, v value) {
		to.Span = v.span()
		if !v.isScalar() {
			d.object(v, mixingFields(to))
			return
		}
		s := v.scalar()
		end, start, _ := cutMix(s.Text)
		to.Times = Expr{Scalar: s.Slice(0, end).trimmed(), Want: WantInteger}
		to.Volume = Expr{Scalar: s.Slice(start, len(s.Text)).trimmed(), Want: WantVolume}
	}}
}

// trimmed is s without white space around it.
func (s Scalar) trimmed() Scalar {
	start := len(s.Text) - len(strings.TrimLeft(s.Text, " \t\n\f\r"))
	end := len(strings.TrimRight(s.Text, " \t\n\f\r"))
	return s.Slice(start, max(start, end))
}

func touchFields(t *TouchTip) []Field {
	return []Field{
		{"at", "The height of the touch. Default: top - 1 mm.", "top - 2 mm", false, heightSlot(&t.At)},
		{"speed", "The speed of the touch. Default: 60 mm/s.", "30 mm/s", false, exprSlot(&t.Speed, WantSpeed)},
		{"sides", "Which sides are touched. Default: all four.", "[left, right]", false, sidesSlot(&t.Sides)},
		{"radius", "How far out, as a fraction of the well's radius. Default: 1.", "0.8", false, exprSlot(&t.Radius, WantNumber)},
	}
}

func sidesSlot(to *[]Word) Slot {
	word := &Shape{Kind: ScalarShape, Scalars: Strings, Words: []string{"left", "right", "front", "back"}}
	return Slot{&Shape{Kind: ListShape, Elem: word, Min: 1}, func(d *decoder, v value) {
		v.each(func(item value) { *to = append(*to, Word{item.node.Value, item.span()}) })
	}}
}

var touchShape = &Shape{Kind: UnionShape, Name: "touch_tip", Example: "true",
	Doc: "Touch the well's sides with the tip: true, or how: {at: top - 1 mm, speed: 60 mm/s, sides: [left, right], radius: 1}.",
	Any: []*Shape{{Kind: ScalarShape, Scalars: Booleans}, {Kind: ObjectShape, Fields: touchFields(&TouchTip{})}}}

func touchSlot(to *TouchTip) Slot {
	return Slot{touchShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if v.isScalar() {
			to.Set = v.node.Value == "true" || v.node.Value == "True" || v.node.Value == "TRUE"
			return
		}
		d.object(v, touchFields(to))
	}}
}

func blowOutFields(b *BlowOut) []Field {
	return []Field{
		{"in", "Where: source, destination, trash, or a well.", "trash", true, placeSlot(&b.Word, &b.In, "source", "destination", "trash")},
		{"at", "The height in the well. Default: top.", "top - 5 mm", false, heightSlot(&b.At)},
		{"rate", "The flow rate. Default: that of the pipette.", "150 uL/s", false, exprSlot(&b.Rate, WantRate)},
		{"speed", "The gantry's speed on the way there.", "100 mm/s", false, exprSlot(&b.Speed, WantSpeed)},
	}
}

// placeSlot takes one of words, or else a well.
func placeSlot(word *string, in *Expr, words ...string) Slot {
	shape := stringExpr("", "One of "+strings.Join(words, ", ")+", or a well.", words[0], words...)
	return Slot{shape, func(d *decoder, v value) {
		for _, w := range words {
			if v.node.Value == w {
				*word = w
				return
			}
		}
		*in = Expr{Scalar: v.scalar(), Want: WantWell}
	}}
}

var blowOutShape = &Shape{Kind: UnionShape, Name: "blow_out", Example: "{in: trash}",
	Doc: "Empty the tip past the plunger's end: source, destination, trash, a well, or in full {in: paints.A1, at: top - 5 mm, rate: 150 uL/s, speed: 100 mm/s}.",
	Any: []*Shape{stringExpr("", "source, destination, trash, or a well.", "trash", "source", "destination", "trash"), {Kind: ObjectShape, Fields: blowOutFields(&BlowOut{})}}}

func blowOutSlot(to *BlowOut) Slot {
	return Slot{blowOutShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if v.isScalar() {
			placeSlot(&to.Word, &to.In, "source", "destination", "trash").read(d, v)
			return
		}
		d.object(v, blowOutFields(to))
	}}
}

var tipWords = []string{"new", "once", "per_source", "per_destination", "dedicated", "current"}

func tipFields(t *Tip) []Field {
	var then Word
	return []Field{
		{"use", "How often a new tip is taken. Default: once.", "new", false, Slot{wordSlot(&then, tipWords...).Shape, func(d *decoder, v value) { t.Use = v.node.Value }}},
		{"from", "The place of the tip to use, instead of the next one.", "tips.B1", false, exprSlot(&t.From, WantWell)},
		{"then", "What becomes of the tip. Default: trash; return for dedicated, keep for current.", "return", false,
			Slot{wordSlot(&then, "trash", "return", "keep").Shape, func(d *decoder, v value) { t.Then = v.node.Value }}},
	}
}

var tipShape = &Shape{Kind: UnionShape, Name: "tip", Example: "new",
	Doc: "Which tip: `new` for every aliquot, `once` for the whole step, `per_source`, `per_destination`, `dedicated` (the liquid's own, returned afterwards), `current` (the one that is on), or a place such as tips.B1. In full {use: new, then: return}.",
	Any: []*Shape{stringExpr("", "A policy, or a place in a tip rack.", "new", tipWords...), {Kind: ObjectShape, Fields: tipFields(&Tip{}), Min: 1}}}

func tipSlot(to *Tip) Slot {
	return Slot{tipShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if v.isScalar() {
			placeSlot(&to.Use, &to.From, tipWords...).read(d, v)
			return
		}
		d.object(v, tipFields(to))
	}}
}

func objectSlot(name, doc, example string, sample []Field, read func(d *decoder, v value)) Slot {
	return Slot{&Shape{Kind: ObjectShape, Name: name, Doc: doc, Example: example, Fields: sample}, read}
}

// bindingsSlot takes a mapping from names to expressions, in the file's order.
func bindingsSlot(to *[]Binding, want Want, min int) Slot {
	return Slot{&Shape{Kind: MapShape, Elem: want.shape(), Min: min}, func(d *decoder, v value) {
		v.entries(func(key, item value) {
			*to = append(*to, Binding{Word{key.node.Value, key.span()}, Expr{Scalar: item.scalar(), Want: want}})
		})
	}}
}

// declarations takes a mapping from names to objects, in the file's order.
func declarations[T any](to *[]T, sample []Field, read func(d *decoder, name Word, v value) T) Slot {
	return Slot{&Shape{Kind: MapShape, Elem: &Shape{Kind: ObjectShape, Fields: sample}}, func(d *decoder, v value) {
		v.entries(func(key, item value) { *to = append(*to, read(d, Word{key.node.Value, key.span()}, item)) })
	}}
}
