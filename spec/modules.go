package spec

import (
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Modules, what stands on them, and the steps that use them.

// Module places a module on the deck.
type Module struct {
	Name Word
	Type Word
	Slot Word
	Span diag.Span
}

// OffDeck is the word for labware that stands beside the robot.
const OffDeck = "off_deck"

type (
	// Temperature sets a temperature module.
	Temperature struct {
		Set        Expr
		Wait       Switch
		Deactivate Switch
		Module     Word
		Span       diag.Span
	}
	// HeaterShaker sets a heater-shaker.
	HeaterShaker struct {
		Latch      Word
		Set        Expr
		Wait       Switch
		Shake      Expr
		Hold       Expr
		Deactivate Word
		Module     Word
	}
	// Magnet raises or lowers the magnets of a magnetic module.
	Magnet struct {
		Action         Word
		Height, Offset Expr
		Module         Word
		Span           diag.Span
	}
	// Thermocycler sets a thermocycler.
	Thermocycler struct {
		Lid            Word
		LidTemperature Expr
		Block          Expr
		Hold           Expr
		Volume         Expr
		Wait           Switch
		Profile        []ProfileStep
		Deactivate     Word
		Module         Word
	}
	// MoveLabware has a person move labware.
	MoveLabware struct {
		Labware Word
		To      Word
		Message Text
	}
	// Lights switches the lights of the deck.
	Lights struct{ On bool }
)

// Switch is a value that is true, false or not written.
type Switch struct {
	Set, On bool
	Span    diag.Span
}

// ProfileStep is a temperature that is held, or, where Repeat is set, steps
// that are done several times.
type ProfileStep struct {
	Temperature, Hold Expr
	Repeat            Expr
	Do                []ProfileStep
	Span              diag.Span
}

var modulesSection = &Shape{Kind: MapShape, Noun: "modules, each under its name", Elem: moduleShape}

var moduleShape = &Shape{
	Kind: ObjectShape, Name: "module", Noun: "the keys of a module", Doc: "A module on the deck.", Example: "{type: magnetic_module_gen2, slot: 1}",
	fields: func() []Field { return moduleFields(&Module{}) },
}

var moduleTypeShape = &Shape{
	Name: "module_type", Noun: "the name of a kind of module", Example: "magnetic_module_gen2", Scalars: Strings, Pattern: notBlank,
	Doc: "A kind of module: temperature_module_gen1 or gen2, heater_shaker_gen1, magnetic_module_gen1 or gen2, thermocycler_gen1 or gen2. The names of Opentrons' Python API are taken as well.",
}

func moduleFields(m *Module) []Field {
	return []Field{
		{"type", "The kind of module, with its generation.", "magnetic_module_gen2", true, wordSlot(&m.Type, moduleTypeShape)},
		{"slot", "The slot it stands in. A thermocycler takes 7, 8, 10 and 11, and is in slot 7.", "1", true, wordSlot(&m.Slot, slotShape)},
	}
}

func readModule(name Word, at diag.Span) (*Module, []Field) {
	m := &Module{Name: name, Span: at}
	return m, moduleFields(m)
}

func moduleField(to *Word) Field {
	return Field{"module", "The module, where two on the deck would do.", "mag", false, nameSlot(to)}
}

var switchShape = &Shape{Noun: "true or false", Scalars: Booleans}

func switchSlot(to *Switch) Slot {
	return Slot{switchShape, func(_ *decoder, v value) {
		*to = Switch{Set: true, On: ScalarValue(v.node) == true, Span: v.span()}
	}}
}

var temperatureWords = []string{"wait", "deactivate"}

var temperatureShape = &Shape{
	Kind: UnionShape, Noun: "a temperature, wait or deactivate, or its keys", Example: "{set: 4 C, wait: true}",
	Any: []*Shape{
		{Noun: "a temperature, wait or deactivate", Example: "4 C", Scalars: Strings | Numbers, Pattern: notBlank, Lead: temperatureWords},
		temperatureObject,
	},
}

var temperatureObject = &Shape{
	Kind: ObjectShape, Noun: "its keys", Rules: []Rule{
		{Key: "module", Any: []string{"set", "wait", "deactivate"}, Why: "a module alone says nothing of what it is to do"},
		{Key: "deactivate", Bars: []string{"set", "wait"}, Why: "what is switched off has no temperature"},
	}, Min: 1, fields: func() []Field { return (&Temperature{}).fields() },
}

func (s *Temperature) fields() []Field {
	return []Field{
		{"set", "The temperature.", "4 C", false, exprSlot(&s.Set, WantTemperature)},
		{"wait", "Whether to wait until it is reached. Default: true. Without `set`, waits for the temperature set before.", "false", false, switchSlot(&s.Wait)},
		{"deactivate", "Switch heating and cooling off.", "true", false, switchSlot(&s.Deactivate)},
		moduleField(&s.Module),
	}
}

func temperatureSlot(s *Temperature) Slot {
	return Slot{temperatureShape, func(d *decoder, v value) {
		s.Span = v.span()
		if !v.isScalar() {
			d.object(v, temperatureObject, s.fields())
			return
		}
		on := Switch{Set: true, On: true, Span: s.Span}
		switch v.node.Value {
		case "wait":
			s.Wait = on
		case "deactivate":
			s.Deactivate = on
		default:
			s.Set = v.expr(WantTemperature)
		}
	}}
}

var (
	latchShape      = &Shape{Noun: "open or closed", Scalars: Strings, Words: []string{"open", "closed"}}
	shakerPartShape = &Shape{Noun: "what is switched off", Scalars: Strings, Words: []string{"heater", "shaker", "all"}}
	cyclerPartShape = &Shape{Noun: "what is switched off", Scalars: Strings, Words: []string{"block", "lid", "all"}}
)

func (s *HeaterShaker) fields() []Field {
	return []Field{
		{"latch", "Close the latch before all else, or open it after all else.", "closed", false, wordSlot(&s.Latch, latchShape)},
		{"set", "The temperature, set before it shakes.", "37 C", false, exprSlot(&s.Set, WantTemperature)},
		{"wait", "Whether to wait until the temperature is reached before it shakes. Default: true. Without `set`, waits for the temperature set before.", "false", false, switchSlot(&s.Wait)},
		{"shake", "The speed. It shakes on until `hold` is over, or without it until a later step stops it.", "500 rpm", false, exprSlot(&s.Shake, WantRotation)},
		{"hold", "How long to wait so; where the step shakes, it then stops shaking. The heater stays on.", "5 min", false, exprSlot(&s.Hold, WantDuration)},
		{"deactivate", "Stop the shaker, the heater, or all, after `hold`.", "all", false, wordSlot(&s.Deactivate, shakerPartShape)},
		moduleField(&s.Module),
	}
}

var magnetWords = []string{"engage", "disengage"}

var magnetActionShape = &Shape{Noun: "engage or disengage", Scalars: Strings, Words: magnetWords}

var magnetShape = &Shape{
	Kind: UnionShape, Noun: "engage, disengage, or its keys", Example: "{height: 6 mm}",
	Any: []*Shape{magnetActionShape, magnetObject},
}

var magnetObject = &Shape{
	Kind: ObjectShape, Noun: "its keys", Min: 1, Rules: []Rule{
		{Key: "height", Bars: []string{"offset"}, Why: "one of the two says how high"},
		{Key: "action", Words: []string{"disengage"}, Bars: []string{"height", "offset"}, Why: "lowered magnets are at the bottom"},
	}, fields: func() []Field { return (&Magnet{}).fields() },
}

func (s *Magnet) fields() []Field {
	return []Field{
		{"action", "Raise or lower the magnets. Default: engage.", "disengage", false, wordSlot(&s.Action, magnetActionShape)},
		{"height", "How high the magnets rise above the plane the labware stands on. Default: what the labware's definition says.", "6 mm", false, exprSlot(&s.Height, WantLength)},
		{"offset", "How much higher than what the labware's definition says.", "-1 mm", false, exprSlot(&s.Offset, WantLength)},
		moduleField(&s.Module),
	}
}

func magnetSlot(s *Magnet) Slot {
	return Slot{magnetShape, func(d *decoder, v value) {
		s.Span = v.span()
		if v.isScalar() {
			s.Action = v.word(magnetActionShape)
			return
		}
		d.object(v, magnetObject, s.fields())
	}}
}

func (s *Thermocycler) fields() []Field {
	return []Field{
		{"lid", "Close the lid before all else, or open it after all else.", "closed", false, wordSlot(&s.Lid, latchShape)},
		{"lid_temperature", "The temperature of the lid, set first and waited for.", "105 C", false, exprSlot(&s.LidTemperature, WantTemperature)},
		{"block", "The temperature of the block.", "95 C", false, exprSlot(&s.Block, WantTemperature)},
		{"hold", "How long the block's temperature is held before anything else is done.", "3 min", false, exprSlot(&s.Hold, WantDuration)},
		{"volume", "What the fullest well holds, by which the block regulates. Default: what is known of the wells, or 25 uL.", "50 uL", false, exprSlot(&s.Volume, WantVolume)},
		{"wait", "Whether to wait until temperatures are reached. Default: true. With nothing to set, waits for what was set before.", "false", false, switchSlot(&s.Wait)},
		{"profile", "Temperatures one after the other, each held, some of them repeated.", "[95 C for 3 min, {repeat: 35, do: [95 C for 10 s, 72 C for 30 s]}]", false, profileSlot(&s.Profile)},
		{"deactivate", "Switch off the block, the lid, or all, after the profile.", "all", false, wordSlot(&s.Deactivate, cyclerPartShape)},
		moduleField(&s.Module),
	}
}

var thermocyclerRules = []Rule{
	{Key: "hold", Needs: []string{"block"}, Why: "a hold needs a temperature to hold"},
	{Key: "hold", Bars: []string{"wait"}, Why: "what is held is waited for"},
	{Key: "volume", Any: []string{"block", "profile"}, Why: "the volume is that by which the block regulates"},
	{Key: "profile", Bars: []string{"wait"}, Why: "a profile waits for each of its temperatures"},
}

var heaterShakerRules = []Rule{
	{Key: "hold", Any: []string{"set", "shake", "wait"}, Why: "a hold needs something to hold: a temperature or a speed"},
}

// rulesOf are the rules between the keys of a step kind whose body is a plain
// mapping.
func rulesOf(key string) []Rule {
	switch key {
	case "formulate":
		return formulateRules
	case "thermocycler":
		return thermocyclerRules
	case "heater_shaker":
		return heaterShakerRules
	case "publish":
		return publishRules
	}
	return nil
}

var profileShape = &Shape{Kind: ListShape, Noun: "a list of temperatures that are held", Elem: profileItem, Min: 1}

var profileItem = &Shape{
	Kind: UnionShape, Name: "profile_item", Noun: "a temperature and how long, or steps with repeat", Example: "95 C for 3 min",
	Doc: "A temperature and how long it is held, `95 C for 3 min`, in full {temperature: 95 C, hold: 3 min}; or steps that are repeated, {repeat: 35, do: [95 C for 10 s, 72 C for 30 s]}.",
	Any: []*Shape{heldShort, repeatObject},
}

var heldItem = &Shape{
	Kind: UnionShape, Name: "profile_step", Noun: "a temperature and how long", Example: "95 C for 10 s",
	Doc: "A temperature and how long it is held: `95 C for 10 s`, in full {temperature: 95 C, hold: 10 s}.",
	Any: []*Shape{heldShort, heldObject},
}

var (
	heldShort  = &Shape{Scalars: Strings, Pattern: heldPattern}
	heldObject = &Shape{Kind: ObjectShape, Noun: "a temperature and how long", fields: func() []Field { return heldFields(&ProfileStep{}) }, Rules: []Rule{
		{Key: "temperature", Needs: []string{"hold"}, Why: "`hold` says how long"},
		{Key: "hold", Needs: []string{"temperature"}, Why: "a hold needs a temperature"},
	}, Min: 1}
	repeatObject = &Shape{Kind: ObjectShape, Noun: "a temperature and how long, or steps with repeat", Min: 1, Rules: []Rule{
		{Key: "temperature", Needs: []string{"hold"}, Why: "`hold` says how long"},
		{Key: "hold", Needs: []string{"temperature"}, Why: "a hold needs a temperature"},
		{Key: "repeat", Needs: []string{"do"}, Why: "`do` says what is repeated"},
		{Key: "do", Needs: []string{"repeat"}, Why: "`repeat` says how often"},
		{Key: "temperature", Bars: []string{"repeat", "do"}, Why: "an item is one temperature, or steps that are repeated"},
	}, fields: func() []Field { return repeatFields(&ProfileStep{}) }}
	heldList = &Shape{Kind: ListShape, Noun: "a list of temperatures that are held", Elem: heldItem, Min: 1}
)

func heldFields(p *ProfileStep) []Field {
	return []Field{
		{"temperature", "The temperature of the block.", "95 C", false, exprSlot(&p.Temperature, WantTemperature)},
		{"hold", "How long it is held.", "10 s", false, exprSlot(&p.Hold, WantDuration)},
	}
}

func repeatFields(p *ProfileStep) []Field {
	return append(heldFields(p),
		Field{"repeat", "How often the steps under `do` are done.", "35", false, exprSlot(&p.Repeat, WantInteger)},
		Field{"do", "The steps that are repeated.", "[95 C for 10 s, 72 C for 30 s]", false, Slot{heldList, func(d *decoder, v value) {
			v.each(heldItem, func(_ int, item value) { p.Do = append(p.Do, item.held(d, heldObject, heldFields)) })
		}}},
	)
}

func profileSlot(to *[]ProfileStep) Slot {
	return Slot{profileShape, func(d *decoder, v value) {
		v.each(profileItem, func(_ int, item value) { *to = append(*to, item.held(d, repeatObject, repeatFields)) })
	}}
}

// held reads an item of a profile.
func (v value) held(d *decoder, shape *Shape, fields func(*ProfileStep) []Field) ProfileStep {
	out := ProfileStep{Span: v.span()}
	if !v.isScalar() {
		d.object(v, shape, fields(&out))
		return out
	}
	s := v.scalar()
	end, start, _ := cutHeld(s.Text)
	out.Temperature = Expr{Scalar: s.Slice(0, end).trimmed(), Want: WantTemperature}
	out.Hold = Expr{Scalar: s.Slice(start, len(s.Text)).trimmed(), Want: WantDuration}
	return out
}

// heldPattern is the short form of a temperature that is held.
var heldPattern = &Pattern{`^[^\n]*[^ \t\n\f\r][^\n]*[ \t\f\r]for[ \t\f\r][^\n]*[^ \t\n\f\r][^\n]*$`, func(s string) bool {
	_, _, ok := cutHeld(s)
	return ok
}, "a temperature, for, and a duration"}

// cutHeld finds where the temperature ends and the duration starts in
// `95 C for 3 min`.
func cutHeld(s string) (end, start int, ok bool) {
	if strings.Contains(s, "\n") {
		return 0, 0, false
	}
	for i := 1; i+4 < len(s); i++ {
		if s[i:i+3] == "for" && isBlank(s[i-1]) && isBlank(s[i+3]) && strings.Trim(s[:i], blanks) != "" && strings.Trim(s[i+3:], blanks) != "" {
			return i, i + 3, true
		}
	}
	return 0, 0, false
}

var groundShape = &Shape{
	Noun: "a place", Doc: "A slot, a module, an adapter, or off_deck.", Example: "mag", Scalars: Strings | Numbers, Pattern: notBlank, Lead: []string{OffDeck},
}

func (s *MoveLabware) fields() []Field {
	return []Field{
		{"labware", "The labware to move.", "plate", true, nameSlot(&s.Labware)},
		{"to", "Where to: a slot, a module, a labware it stands on, or off_deck.", "mag", true, wordSlot(&s.To, groundShape)},
		{"message", "What else to tell the person.", "seal the plate first", false, textSlot(&s.Message)},
	}
}

var lightsShape = &Shape{Noun: "on or off", Doc: "on or off.", Example: "on", Scalars: Strings, Words: []string{"on", "off"}}

func lightsSlot(s *Lights) Slot {
	return Slot{lightsShape, func(_ *decoder, v value) {
		s.On = v.node.Value == "on"
	}}
}

func (*Lights) fields() []Field { return nil }
