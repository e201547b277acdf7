package spec

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Version is the version of the language, the value of the key ot2flow.
const Version = "1"

// StepKind is one row of the table of step kinds.
type StepKind struct {
	Key     string
	Doc     string
	Example string
	New     func() Body
	short   func(Body) Slot // what stands directly behind the key, where that is no mapping
	empty   bool            // nothing need stand behind the key
}

// StepKinds is the table of step kinds, in the order of the documentation.
// Decoder, schema, reference and completion are made from it.
func StepKinds() []StepKind { return stepKinds }

var stepKinds = []StepKind{
	{"transfer", "Move liquid from places to places, pair by pair.", "{from: red, to: plate.A1, volume: 50 uL}", func() Body { return &Transfer{} }, nil, false},
	{"mix", "Draw and give in the same place, several times.", "{in: plate.A1, volume: 50 uL, times: 3}", func() Body { return &Mix{} }, nil, false},
	{"formulate", "Bring named liquids together in wells. A liquid whose volume is 0 is skipped.", "{to: plate.A1, volumes: {red: 100 uL, blue: 50 uL}}", func() Body { return &Formulate{} }, nil, false},
	{"pick_up_tip", "Pick up a tip: the next one, or that of a place.", "{from: tips.A1}", func() Body { return &PickUpTip{} }, nil, true},
	{"aspirate", "Draw liquid with the tip that is on.", "{from: plate.A1, volume: 50 uL}", func() Body { return &Aspirate{} }, nil, false},
	{"dispense", "Give liquid from the tip.", "{to: plate.A2, volume: 50 uL}", func() Body { return &Dispense{} }, nil, false},
	{"air_gap", "Draw air into the tip, above the well it was last in.", "{volume: 10 uL}", func() Body { return &AirGap{} }, nil, false},
	{"touch_tip", "Touch the sides of a well: the one the tip was last in, or that of `in`.", "{in: plate.A1}", func() Body { return &TouchSides{} }, nil, true},
	{"blow_out", "Empty the tip past the plunger's end, where it is or in a place.", "{in: trash}", func() Body { return &BlowOutNow{} }, nil, true},
	{"drop_tip", "Drop the tip into the trash, or into a place of a tip rack.", "{in: trash}", func() Body { return &DropTip{} }, nil, true},
	{"return_tip", "Put the tip back to where it came from.", "{at: top - 75 mm}", func() Body { return &ReturnTip{} }, nil, true},
	{"move_to", "Move the tip, or the tool that is on, to a well.", "{to: plate.A1, at: top + 3 mm}", func() Body { return &MoveTo{} }, nil, false},
	{"home", "Move all axes to their home position.", "", func() Body { return &Home{} }, nil, true},
	{"delay", "Wait.", "5 s", func() Body { return &Delay{} }, func(b Body) Slot { return exprSlot(&b.(*Delay).For, WantDuration) }, false},
	{"pause", "Wait until a person says to go on, and say why.", "put the lid on", func() Body { return &Pause{} }, func(b Body) Slot { return textSlot(&b.(*Pause).Message) }, false},
	{"comment", "Write a line into the log of the run.", "row ${ w.row } begins", func() Body { return &Comment{} }, func(b Body) Slot { return textSlot(&b.(*Comment).Message) }, false},
	{"set", "Give variables (of `vars`) new values.", "{count: count + 1}", func() Body { return &Set{} }, func(b Body) Slot { return bindingsSlot(&b.(*Set).Values, WantAny, 1) }, false},
}

// later names what the language has and this version of ot2flow does not yet,
// by key. Using it is an error that says so.
var later = map[string]string{
	"distribute": "", "consolidate": "", "fill": "", "dilute": "",
	"temperature": "", "heater_shaker": "", "magnet": "", "thermocycler": "", "move_labware": "", "lights": "",
	"call": "", "check": "", "fail": "", "log": "", "ask": "", "measure": "", "request": "", "publish": "", "notify": "", "protocol": "",
	"while": "", "until": "", "at_most": "", "timeout": "", "retry": "", "on_error": "", "as": "", "cache": "",
	"modules": "", "instruments": "", "defaults": "", "finally": "", "outputs": "",
	"liquid_class": "", "order": "", "target": "", "total": "", "diluent": "", "rows": "", "pre_wet": "", "reverse": "", "submerge": "", "retract": "",
	"contains": "", "distinct": "", "module": "", "adapter": "", "offset": "", "match": "", "each_chunk": "", "below_minimum": "",
}

// Later reports whether key belongs to the language but not to this version of
// ot2flow.
func Later(key string) bool {
	_, ok := later[key]
	return ok
}

// Root is the shape of a workflow file.
func Root() *Shape {
	return &Shape{Kind: ObjectShape, Name: "workflow", Fields: workflowFields(&Workflow{}),
		Doc: "A workflow: what stands on the deck, and the steps the robot does."}
}

func workflowFields(w *Workflow) []Field {
	var version Word
	return []Field{
		{"ot2flow", "The version of the language.", "1", true, Slot{&Shape{Kind: ScalarShape, Scalars: Numbers | Strings, Words: []string{Version}}, readWord(&version)}},
		{"name", "The workflow's name; a server offers it as a task under this name.", "mix_colors", true, Slot{workflowNameShape, func(d *decoder, v value) { w.Name = v.scalar() }}},
		{"description", "What the workflow does, for people.", "Mix three paints in one well.", false, textSlot(&w.Description)},
		{"params", "What a run may choose.", "", false, declarations(&w.Params, paramFields(&Param{}), readParam)},
		{"require", "What must hold before anything is done.", "", false, checksSlot(&w.Require)},
		{"let", "Constants: names for expressions.", "{half: R / 2}", false, bindingsSlot(&w.Let, WantAny, 0)},
		{"vars", "Variables with their initial values; `set` changes them.", "{count: 0}", false, bindingsSlot(&w.Vars, WantAny, 0)},
		{"labware", "What stands on the deck.", "", false, declarations(&w.Labware, labwareFields(&Labware{}), readLabware)},
		{"pipettes", "What is on the mounts.", "", false, declarations(&w.Pipettes, pipetteFields(&Pipette{}), readPipette)},
		{"liquids", "Which liquids stand where.", "", false, declarations(&w.Liquids, liquidFields(&Liquid{}), readLiquid)},
		{"steps", "What is done, in this order.", "", true, stepsSlot(&w.Steps, "steps")},
	}
}

var workflowNameShape = &Shape{Kind: ScalarShape, Scalars: Strings, Pattern: workflowName, Name: "workflow_name",
	Doc: "A name: letters, digits, _ and -, not starting with a digit.", Example: "mix_colors"}

// ParamTypes are the types a parameter can have.
var ParamTypes = []string{"volume", "number", "integer", "boolean", "string", "choice", "well", "color", "duration", "temperature", "length", "speed", "flow_rate", "concentration"}

func paramFields(p *Param) []Field {
	return []Field{
		{"type", "What kind of value it is.", "volume", true, wordSlot(&p.Type, ParamTypes...)},
		{"description", "What it is for.", "red paint", false, textSlot(&p.Description)},
		{"default", "The value if the run gives none. Without one, the run must give a value.", "100 uL", false, literalSlot(&p.Default)},
		{"example", "A typical value, used by lint where there is no default.", "100 uL", false, literalSlot(&p.Example)},
		{"min", "The least value allowed.", "0 uL", false, literalSlot(&p.Min)},
		{"max", "The greatest value allowed.", "300 uL", false, literalSlot(&p.Max)},
		{"choices", "The values allowed.", "[slow, fast]", false, literalsSlot(&p.Choices)},
		{"in", "For a well: the labware it is in, so that `A1` is enough.", "plate", false, nameSlot(&p.In)},
	}
}

func readParam(d *decoder, name Word, v value) Param {
	p := Param{Name: name, Span: v.span()}
	d.object(v, paramFields(&p))
	return p
}

func checkFields(c *Check) []Field {
	return []Field{
		{"that", "The condition that must hold.", "R + Y + B <= 300 uL", true, exprSlot(&c.That, WantCondition)},
		{"message", "What to say if it does not.", "the volumes add up to ${ R + Y + B }", false, textSlot(&c.Message)},
	}
}

func checksSlot(to *[]Check) Slot {
	elem := &Shape{Kind: ObjectShape, Name: "check", Doc: "A condition that must hold.", Example: "{that: R > 0 uL}", Fields: checkFields(&Check{})}
	return Slot{&Shape{Kind: ListShape, Elem: elem}, func(d *decoder, v value) {
		v.each(func(item value) {
			c := Check{Span: item.span()}
			d.object(item, checkFields(&c))
			*to = append(*to, c)
		})
	}}
}

var slotShape = &Shape{Kind: ScalarShape, Name: "slot", Doc: "A slot of the deck, 1 to 11. (12 is the trash.)", Example: "1", Scalars: Strings | Numbers,
	Words: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}}

func labwareFields(l *Labware) []Field {
	return []Field{
		{"type", "A load name of the standard catalogue, or the file of a definition of your own, relative to this file.", "corning_96_wellplate_360ul_flat", true,
			plainSlot(&l.Type, &Shape{Kind: ScalarShape, Name: "labware_type", Doc: "A load name, a full name such as opentrons/corning_96_wellplate_360ul_flat/2, or a file.", Example: "./labware/my_rack.json", Scalars: Strings, Pattern: notBlank})},
		{"slot", "The slot it stands in.", "1", true, plainSlot(&l.Slot, slotShape)},
	}
}

func readLabware(d *decoder, name Word, v value) Labware {
	l := Labware{Name: name, Span: v.span()}
	d.object(v, labwareFields(&l))
	return l
}

func pipetteFields(p *Pipette) []Field {
	return []Field{
		{"type", "The kind of pipette.", "p300_single_gen2", true, plainSlot(&p.Type, &Shape{Kind: ScalarShape, Scalars: Strings, Pattern: notBlank})},
		{"mount", "The mount it is on.", "right", true, wordSlot(&p.Mount, "left", "right")},
		{"tips", "The tip racks it takes tips from, in this order.", "[tips]", false, namesSlot(&p.Tips)},
	}
}

func readPipette(d *decoder, name Word, v value) Pipette {
	p := Pipette{Name: name, Span: v.span()}
	d.object(v, pipetteFields(&p))
	return p
}

func liquidFields(l *Liquid) []Field {
	return []Field{
		{"in", "The wells it stands in.", "paints.B1", true, exprsSlot(&l.In, WantWells)},
		{"volume", "How much there is in each well. Without it, amounts are not checked.", "12 mL", false, exprsSlot(&l.Volume, WantVolume)},
		{"color", "Its colour in pictures and reports.", "'#c8102e'", false, Slot{colorShape, func(d *decoder, v value) { l.Color = Given{v.scalar(), true} }}},
		{"description", "What it is.", "red acrylic paint, 1:3 in water", false, textSlot(&l.Description)},
		{"tip", "A tip kept for this liquid; `tip: dedicated` uses it.", "tips.B1", false, exprSlot(&l.Tip, WantWell)},
	}
}

var colorShape = &Shape{Kind: ScalarShape, Name: "color", Doc: "A colour as #rrggbb, in quotes.", Example: "'#c8102e'", Scalars: Strings,
	Pattern: &Pattern{`^#[0-9A-Fa-f]{6}$`, isColor, "a colour such as '#c8102e'"}}

func isColor(s string) bool {
	return len(s) == 7 && s[0] == '#' && strings.Trim(s[1:], "0123456789abcdefABCDEF") == ""
}

func readLiquid(d *decoder, name Word, v value) Liquid {
	l := Liquid{Name: name, Span: v.span()}
	d.object(v, liquidFields(&l))
	return l
}

var stepsShape = &Shape{Kind: ListShape, Name: "steps", Doc: "Steps, done in this order.", Elem: &Shape{Kind: StepShape, Name: "step"}}

// StepObject is the shape of one step. That it has exactly one step key is not
// part of the shape: the decoder says so itself.
func StepObject() *Shape {
	return &Shape{Kind: ObjectShape, Name: "step", Doc: "One step: one step key and its modifiers.", Min: 1, Fields: stepShapeFields()}
}

func stepShapeFields() []Field {
	fields := modifierFields(&Step{}, "")
	for i := range stepKinds {
		k := &stepKinds[i]
		fields = append(fields, Field{k.Key, k.Doc, k.Example, false, Slot{Shape: k.shape()}})
	}
	return append(fields, Field{"do", "Several steps as one.", "", false, Slot{Shape: stepsShape}})
}

func (k *StepKind) shape() *Shape {
	b := k.New()
	if k.short != nil {
		return k.short(b).Shape
	}
	s := &Shape{Kind: ObjectShape, Fields: b.fields()}
	if k.empty {
		s.Scalars = Nulls
	}
	return s
}

func modifierFields(s *Step, path string) []Field {
	return []Field{
		{"id", "A name for this step, used in the ids of what it expands to.", "fill_row", false, nameSlot(&s.ID)},
		{"name", "A title for people.", "filling ${ w }", false, textSlot(&s.Name)},
		{"for", "Do the step for each item of a list: `w in plate.first(24)`, or with a number counted from 0 `i, w in wells`.", "w in plate.first(24)", false, forSlot(&s.For)},
		{"if", "Do the step only if this holds.", "R > 0 uL", false, exprSlot(&s.If, WantCondition)},
		{"else", "The steps to do if it does not.", "[{comment: nothing to do}]", false, stepsSlot(&s.Else, path+".else")},
		{"repeat", "Do the step this many times.", "3", false, exprSlot(&s.Repeat, WantInteger)},
	}
}

var forPattern = &Pattern{`^\s*[A-Za-z_][A-Za-z0-9_]*\s*(,\s*[A-Za-z_][A-Za-z0-9_]*\s*)?\sin\s+\S[\s\S]*$`, func(s string) bool {
	_, ok := cutFor(s)
	return ok
}, "a name, `in`, and a list: w in plate.first(24)"}

var forShape = &Shape{Kind: ScalarShape, Name: "for", Doc: "A name, `in`, and a list; or two names, the first of which counts from 0.", Example: "w in plate.first(24)",
	Scalars: Strings, Pattern: forPattern}

// forParts are byte ranges in the text of a `for`.
type forParts struct{ index, name, in [2]int }

func cutFor(s string) (forParts, bool) {
	var p forParts
	pos := skipBlank(s, 0)
	first := nameEnd(s, pos)
	p.name = [2]int{pos, first}
	pos = skipBlank(s, first)
	if pos < len(s) && s[pos] == ',' {
		p.index = p.name
		pos = skipBlank(s, pos+1)
		first = nameEnd(s, pos)
		p.name = [2]int{pos, first}
		pos = skipBlank(s, first)
	}
	in := pos
	if !strings.HasPrefix(s[in:], "in") || in == first {
		return p, false
	}
	start := skipBlank(s, in+2)
	p.in = [2]int{start, len(strings.TrimRight(s, " \t\n\f\r"))}
	named := p.name[0] < p.name[1] && (p.index == [2]int{} || p.index[0] < p.index[1])
	return p, named && start > in+2 && start < p.in[1]
}

func skipBlank(s string, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

func nameEnd(s string, i int) int {
	end := i
	for end < len(s) && IsName(s[i:end+1]) {
		end++
	}
	return end
}

func forSlot(to *For) Slot {
	return Slot{forShape, func(d *decoder, v value) {
		s := v.scalar()
		p, _ := cutFor(s.Text)
		word := func(r [2]int) Word {
			if r[0] == r[1] {
				return Word{}
			}
			return Word{s.Text[r[0]:r[1]], s.Span(r[0], r[1])}
		}
		*to = For{Index: word(p.index), Name: word(p.name), In: Expr{Scalar: s.Slice(p.in[0], p.in[1]), Want: WantList}, Set: true}
	}}
}

func stepsSlot(to *[]*Step, path string) Slot {
	return Slot{stepsShape, func(d *decoder, v value) {
		for i, n := range v.node.Content {
			if n.Kind == yaml.MappingNode {
				*to = append(*to, readStep(d, value{d, n}, path+"["+strconv.Itoa(i)+"]"))
			}
		}
	}}
}

// readStep reads one step. A step that lacks something, because a part of it
// was refused, keeps its modifiers and has no body.
func readStep(d *decoder, v value, path string) *Step {
	s := &Step{Path: path, Span: v.span()}
	outer := d.broken
	d.broken = false
	if id := d.idOf(v); id != "" {
		s.Path = path[:strings.LastIndexByte(path, '.')+1] + id
	}
	fields := modifierFields(s, s.Path)
	kind, keys := d.stepKeys(v)
	if kind != nil {
		s.Key, s.KeyAt = keys[0].Value, d.src.NodeSpan(keys[0])
		s.Body = kind.New()
		fields = append(fields, Field{Key: kind.Key, Slot: kind.slot(s.Body)})
	}
	if len(keys) > 0 && keys[0].Value == "do" {
		do := &Do{}
		s.Key, s.KeyAt, s.Body = "do", d.src.NodeSpan(keys[0]), do
		fields = append(fields, Field{Key: "do", Slot: stepsSlot(&do.Steps, s.Path+".do")})
	}
	d.readStepKeys(v, fields)
	d.oneStepKey(v, keys)
	if d.broken || len(keys) != 1 {
		if _, compound := s.Body.(*Do); !compound {
			s.Body = nil
		}
	}
	d.broken = outer
	return s
}

// readStepKeys reads the keys of a step, leaving out those of a second step
// kind, about which oneStepKey speaks.
func (d *decoder) readStepKeys(v value, fields []Field) {
	kept := &yaml.Node{Kind: yaml.MappingNode, Line: v.node.Line, Column: v.node.Column}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if findField(fields, v.node.Content[i].Value) >= 0 {
			kept.Content = append(kept.Content, v.node.Content[i], v.node.Content[i+1])
		} else {
			d.broken = true
		}
	}
	if d.refused[v.node] {
		d.broken = true
	}
	d.object(value{d, kept}, fields)
}

func (d *decoder) idOf(v value) string {
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value == "id" && !d.refused[v.node.Content[i+1]] {
			return v.node.Content[i+1].Value
		}
	}
	return ""
}

func (k *StepKind) slot(b Body) Slot {
	if k.short != nil {
		return k.short(b)
	}
	return Slot{&Shape{Kind: ObjectShape, Scalars: k.shape().Scalars}, func(d *decoder, v value) { d.object(v, b.fields()) }}
}

// stepKeys returns the keys of v that are step kinds, and the kind of the first.
func (d *decoder) stepKeys(v value) (first *StepKind, keys []*yaml.Node) {
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k := v.node.Content[i]
		if kind := LookupStepKind(k.Value); kind != nil || k.Value == "do" {
			if len(keys) == 0 {
				first = kind
			}
			keys = append(keys, k)
		}
	}
	return first, keys
}

// LookupStepKind finds a step kind by its key, or returns nil.
func LookupStepKind(key string) *StepKind {
	for i := range stepKinds {
		if stepKinds[i].Key == key {
			return &stepKinds[i]
		}
	}
	return nil
}

func (d *decoder) oneStepKey(v value, keys []*yaml.Node) {
	switch {
	case len(keys) == 0 && !d.broken:
		d.found = append(d.found, diag.Diagnostic{Code: diag.NoStepKey, Span: v.span(), Message: "this step does nothing: it has modifiers but no step key",
			Help: "add what it is to do, for example transfer: {from: red, to: plate.A1, volume: 50 uL}, or do: with a list of steps"})
	case len(keys) > 1:
		d.found = append(d.found, twoStepKeys(d, keys[0], keys[1]))
	}
}

func twoStepKeys(d *decoder, first, second *yaml.Node) diag.Diagnostic {
	out := diag.Diagnostic{Code: diag.TwoStepKeys, Span: d.src.NodeSpan(second),
		Message: "this step has two step keys, `" + first.Value + "` and `" + second.Value + "`",
		Related: []diag.Related{{Span: d.src.NodeSpan(first), Message: "the first is here"}},
		Help:    "start a second step with a dash of its own before `" + second.Value + "`"}
	if kind := LookupStepKind(first.Value); kind != nil && kind.short == nil && findField(kind.New().fields(), second.Value) >= 0 {
		out.Help = "is `" + second.Value + "` meant to be inside `" + first.Value + "`? then indent it; or start a second step with a dash of its own"
	}
	return out
}
