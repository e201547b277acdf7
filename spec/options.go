package spec

import (
	"reflect"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// How liquid is handled: the options of the liquid steps. The same keys stand
// in a step, in a liquid class, under `defaults` of a liquid or a pipette and
// under `defaults` of a workflow; the nearest one that says something counts.
// `none` says that there is nothing, and cancels what would be inherited.

// Handling is what can be said about how a liquid is drawn and given.
type Handling struct {
	Aspirate, Dispense Side
	BlowOut            BlowOut
}

// Defaults are options that liquid steps inherit. A liquid and a pipette have
// no Tip and no Split.
type Defaults struct {
	Set         bool
	Tip         Tip
	Split       Word
	LiquidClass Scalar // a name or a file; empty where not written
	Handling
	Span diag.Span
}

// Side is what concerns drawing, or giving. Which of the keys stand on which
// side is said by aspirateFields and dispenseFields.
type Side struct {
	At         Height
	Rate       Option
	Mix        Mixing
	AirGap     Option
	TouchTip   TouchTip
	Delay      Waiting
	Submerge   Submerging
	Retract    Retracting
	PreWet     Option
	Reverse    Option
	Correction Option
	PushOut    Option
}

// IsSet reports whether anything is said of the side.
func (s *Side) IsSet() bool { return !reflect.ValueOf(s).Elem().IsZero() }

// Option is a value that steps can inherit: an expression, or values by the
// volume that is moved.
type Option struct {
	Expr
	Points []Point
	None   bool
	At     diag.Span
}

// IsSet reports whether the key was written.
func (o *Option) IsSet() bool { return o.None || o.Points != nil || o.Expr.IsSet() }

// Point is what a value is at a volume.
type Point struct{ Volume, Value Scalar }

// Waiting is a delay in a well: for how long, and where.
type Waiting struct {
	Set, None bool
	For       Expr
	At        Height
	Span      diag.Span
}

// Submerging is how a tip enters liquid.
type Submerging struct {
	Set, None    bool
	Speed, Delay Expr
	Span         diag.Span
}

// Retracting is how a tip leaves liquid.
type Retracting struct {
	Set, None    bool
	Speed, Delay Expr
	To           Height
	Span         diag.Span
}

func (h *Handling) fields() []Field {
	return []Field{
		{
			"aspirate", "What concerns drawing.", "{at: bottom + 2 mm, rate: 50 uL/s}", false,
			objectSlot(aspirateShape, func() []Field { return aspirateFields(&h.Aspirate) }),
		},
		{
			"dispense", "What concerns giving.", "{at: bottom + 8 mm}", false,
			objectSlot(dispenseShape, func() []Field { return dispenseFields(&h.Dispense) }),
		},
		{"blow_out", "Empty the tip past the plunger's end after each dispense.", "{in: trash}", false, blowOutSlot(&h.BlowOut)},
	}
}

var splitShape = &Shape{Noun: "a way to split", Scalars: Strings, Words: []string{"even", "even_last_two", "full_then_rest", "never"}}

var aspirateShape = &Shape{
	Kind: ObjectShape, Name: "aspirate_side", Noun: "keys such as at and rate", Doc: "What concerns drawing in a liquid step.", Example: "{at: bottom + 2 mm}",
	fields: func() []Field { return aspirateFields(&Side{}) },
}

var dispenseShape = &Shape{
	Kind: ObjectShape, Name: "dispense_side", Noun: "keys such as at and rate", Doc: "What concerns giving in a liquid step.", Example: "{at: bottom + 8 mm}",
	fields: func() []Field { return dispenseFields(&Side{}) },
}

func aspirateFields(s *Side) []Field {
	return []Field{
		{"at", "The height in the well. Default: bottom + 1 mm.", "bottom + 2 mm", false, heightSlot(&s.At)},
		{"rate", "The flow rate, or flow rates by the volume drawn. Default: the pipette's.", "50 uL/s", false, curveSlot(&s.Rate, WantRate)},
		{"pre_wet", "How many times the volume is drawn and given back before a tip is used for the first time.", "2", false, optionSlot(&s.PreWet, WantInteger)},
		{"mix", "Mix before drawing.", "3 x 50 uL", false, mixingSlot(&s.Mix, mixingShape, mixingFields)},
		{"submerge", "Enter the liquid slowly: {speed: 10 mm/s, delay: 1 s}. The tip moves from the top of the well to the height of `at`.", "{speed: 10 mm/s}", false, submergeSlot(&s.Submerge)},
		{"correction", "How much further the plunger moves than the liquid, or by the volume drawn. What it draws too much it gives back with the liquid.", "{10 uL: 0.3 uL, 100 uL: 1.5 uL}", false, curveSlot(&s.Correction, WantVolume)},
		{"reverse", "Drawn beyond what is moved, and blown out behind: reverse pipetting.", "10 uL", false, optionSlot(&s.Reverse, WantVolume)},
		{"delay", "Wait after drawing, in the well; {for: 1 s, at: bottom + 5 mm} waits at a height.", "1 s", false, waitingSlot(&s.Delay)},
		{"retract", "Leave the liquid slowly: {speed: 5 mm/s, to: top, delay: 1 s}.", "{speed: 5 mm/s}", false, retractSlot(&s.Retract)},
		{"air_gap", "Air drawn after the liquid, 5 mm above the well, or by the volume drawn; counted in what the tip holds.", "10 uL", false, curveSlot(&s.AirGap, WantVolume)},
		{"touch_tip", "Touch the well's sides after drawing.", "true", false, touchSlot(&s.TouchTip)},
	}
}

func dispenseFields(s *Side) []Field {
	return []Field{
		{"at", "The height in the well. Default: bottom + 1 mm.", "bottom + 8 mm", false, heightSlot(&s.At)},
		{"rate", "The flow rate, or flow rates by the volume given. Default: the pipette's.", "50 uL/s", false, curveSlot(&s.Rate, WantRate)},
		{"submerge", "Enter the liquid slowly: {speed: 10 mm/s, delay: 1 s}. The tip moves from the top of the well to the height of `at`.", "{speed: 10 mm/s}", false, submergeSlot(&s.Submerge)},
		{"push_out", "How far past its end the plunger goes, or by the volume given. Default: the robot's for the pipette.", "2 uL", false, curveSlot(&s.PushOut, WantVolume)},
		{"delay", "Wait after giving, in the well; {for: 1 s, at: bottom + 5 mm} waits at a height.", "1 s", false, waitingSlot(&s.Delay)},
		{"mix", "Mix after the last dispense into a well.", "3 x 50 uL", false, mixingSlot(&s.Mix, mixingAfterShape, mixingAfterFields)},
		{"retract", "Leave the liquid slowly: {speed: 5 mm/s, to: top, delay: 1 s}.", "{speed: 5 mm/s}", false, retractSlot(&s.Retract)},
		{"touch_tip", "Touch the well's sides after giving.", "true", false, touchSlot(&s.TouchTip)},
		{"air_gap", "Air drawn above the well before the tip is put away, so that it does not drip.", "10 uL", false, optionSlot(&s.AirGap, WantVolume)},
	}
}

// none is the word that cancels what would be inherited.
const none = "none"

func isNone(v value) bool { return v.isScalar() && strings.TrimSpace(v.node.Value) == none }

// optional are the shapes of wants where `none` is taken too.
func optional(w Want) *Shape {
	s := *w.shape()
	s.Name, s.Lead = s.Name+"_or_none", []string{none}
	s.Doc += " `none` cancels what would be inherited."
	return &s
}

// optionSlot takes an expression, or `none`.
func optionSlot(to *Option, want Want) Slot {
	return Slot{optional(want), func(_ *decoder, v value) { to.take(v, want) }}
}

func (o *Option) take(v value, want Want) {
	if o.At = v.span(); isNone(v) {
		o.None = true
		return
	}
	o.Expr = v.expr(want)
}

// curveSlot takes an expression, `none`, or values by volume.
func curveSlot(to *Option, want Want) Slot {
	single := optional(want)
	shape := &Shape{
		Kind: UnionShape, Name: want.shape().Name + "_by_volume", Noun: want.shape().Noun + ", or one for each of some volumes", Example: single.Example,
		Doc: single.Doc + " In full a value for each of some volumes, as in {10 uL: " + single.Example + ", 100 uL: …}; between two of them it is interpolated.",
		Any: []*Shape{{Scalars: single.Scalars, Pattern: single.Pattern, Lead: single.Lead}, {Kind: MapShape, Keys: volumePattern, Elem: literalShape, Min: 1}},
	}
	return Slot{shape, func(d *decoder, v value) {
		if v.isScalar() {
			to.take(v, want)
			return
		}
		to.At, to.Points = v.span(), []Point{}
		for k, n := range pairs(v.node) {
			taken := volumePattern.Match(k.Value)
			if !taken {
				d.refuse(k)
			}
			if item := (value{d, n}); d.opens(item, literalShape) && taken {
				to.Points = append(to.Points, Point{value{d, k}.scalar(), item.scalar()})
			}
		}
		to.Want = want
	}}
}

// volumePattern is a volume written out: the key of values by volume.
var volumePattern = &Pattern{`^[0-9]+([.][0-9]+)?( ?(nL|uL|µL|μL|mL))$`, isVolume, "a volume such as 10 uL"}

func isVolume(s string) bool {
	for _, unit := range []string{"nL", "uL", "µL", "μL", "mL"} {
		number, found := strings.CutSuffix(s, unit)
		if !found {
			continue
		}
		whole, fraction, pointed := strings.Cut(strings.TrimSuffix(number, " "), ".")
		return isDigits(whole) && (!pointed || isDigits(fraction))
	}
	return false
}

var noneWord = &Shape{Scalars: Strings, Words: []string{none}}

var waitingShape = &Shape{
	Kind: UnionShape, Name: "delay_in_a_well", Noun: "a duration", Example: "1 s",
	Doc: "How long to wait in the well, or in full {for: 1 s, at: bottom + 5 mm}: there. `none` cancels what would be inherited.",
	Any: []*Shape{{Scalars: Strings | Numbers, Pattern: notBlank, Lead: []string{none}}, waitingObject},
}

var waitingObject = &Shape{Kind: ObjectShape, Min: 1, fields: func() []Field { return waitingFields(&Waiting{}) }}

func waitingFields(w *Waiting) []Field {
	return []Field{
		{"for", "How long.", "1 s", false, exprSlot(&w.For, WantDuration)},
		{"at", "The height in the well. Default: where the tip is.", "bottom + 5 mm", false, heightSlot(&w.At)},
	}
}

func waitingSlot(to *Waiting) Slot {
	return Slot{waitingShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		switch {
		case isNone(v):
			to.None = true
		case v.isScalar():
			to.For = v.expr(WantDuration)
		default:
			d.object(v, waitingObject, waitingFields(to))
		}
	}}
}

var submergeShape = &Shape{
	Kind: UnionShape, Name: "submerge", Noun: "keys such as speed", Example: "{speed: 10 mm/s}",
	Doc: "How the tip enters the liquid: {speed: 10 mm/s, delay: 1 s}. `none` cancels what would be inherited.",
	Any: []*Shape{noneWord, submergeObject},
}

var submergeObject = &Shape{Kind: ObjectShape, Min: 1, fields: func() []Field { return submergeFields(&Submerging{}) }}

func submergeFields(s *Submerging) []Field {
	return []Field{
		{"speed", "The speed from the top of the well down.", "10 mm/s", false, exprSlot(&s.Speed, WantSpeed)},
		{"delay", "How long to wait there before the plunger moves.", "1 s", false, exprSlot(&s.Delay, WantDuration)},
	}
}

func submergeSlot(to *Submerging) Slot {
	return Slot{submergeShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if to.None = v.isScalar(); !to.None {
			d.object(v, submergeObject, submergeFields(to))
		}
	}}
}

var retractShape = &Shape{
	Kind: UnionShape, Name: "retract", Noun: "keys such as speed", Example: "{speed: 5 mm/s}",
	Doc: "How the tip leaves the liquid: {speed: 5 mm/s, to: top, delay: 1 s}. `none` cancels what would be inherited.",
	Any: []*Shape{noneWord, retractObject},
}

var retractObject = &Shape{Kind: ObjectShape, Min: 1, fields: func() []Field { return retractFields(&Retracting{}) }}

func retractFields(r *Retracting) []Field {
	return []Field{
		{"speed", "The speed up.", "5 mm/s", false, exprSlot(&r.Speed, WantSpeed)},
		{"to", "The height it goes to. Default: top.", "liquid + 2 mm", false, heightSlot(&r.To)},
		{"delay", "How long to wait there.", "1 s", false, exprSlot(&r.Delay, WantDuration)},
	}
}

func retractSlot(to *Retracting) Slot {
	return Slot{retractShape, func(d *decoder, v value) {
		to.Span, to.Set = v.span(), true
		if to.None = v.isScalar(); !to.None {
			d.object(v, retractObject, retractFields(to))
		}
	}}
}

var classShape = &Shape{
	Name: "liquid_class", Noun: "a liquid class", Doc: "A liquid class: one of those shipped (water, ethanol, glycerol, paint), the file of one of your own, or none.", Example: "glycerol",
	Scalars: Strings, Pattern: notBlank, Lead: []string{none},
}

func classSlot(to *Scalar) Slot {
	return Slot{classShape, func(_ *decoder, v value) { *to = v.scalar() }}
}

func classField(to *Scalar) Field {
	return Field{"liquid_class", "How this kind of liquid is handled: water, ethanol, glycerol, paint, or the file of a class of your own, relative to this one.", "glycerol", false, classSlot(to)}
}

var (
	handlingShape = &Shape{
		Kind: ObjectShape, Name: "handling", Noun: "keys such as aspirate and dispense", Doc: "How liquid is handled where a step does not say it.", Example: "{aspirate: {rate: 50 uL/s}}", Min: 1,
		fields: func() []Field { return (&Handling{}).fields() },
	}
	defaultsShape = &Shape{
		Kind: ObjectShape, Name: "defaults", Noun: "keys such as aspirate and tip", Doc: "What liquid steps do where they do not say it.", Example: "{tip: new, dispense: {touch_tip: true}}", Min: 1,
		fields: func() []Field { return defaultsFields(&Defaults{}) },
	}
)

func defaultsFields(d *Defaults) []Field {
	return append([]Field{
		{"tip", "Which tip, and what becomes of it.", "new", false, tipSlot(&d.Tip)},
		{"split", "How a volume larger than the tip is divided.", "even", false, wordSlot(&d.Split, splitShape)},
		classField(&d.LiquidClass),
	}, d.Handling.fields()...)
}

// defaultsSlot takes the defaults of a workflow.
func defaultsSlot(to *Defaults) Slot {
	return Slot{defaultsShape, func(d *decoder, v value) {
		to.Set, to.Span = true, v.span()
		d.object(v, defaultsShape, defaultsFields(to))
	}}
}

// handlingSlot takes the defaults of a liquid or a pipette.
func handlingSlot(to *Defaults) Slot {
	return Slot{handlingShape, func(d *decoder, v value) {
		to.Set, to.Span = true, v.span()
		d.object(v, handlingShape, to.Handling.fields())
	}}
}
