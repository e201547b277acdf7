package spec

import (
	"strconv"

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
	short   func(b Body, path string) Slot // what stands directly behind the key, where that is no mapping
	empty   bool                           // nothing need stand behind the key
}

// StepKinds is the table of step kinds, in the order of the documentation.
// Decoder, schema, reference and completion are made from it.
func StepKinds() []StepKind { return stepKinds }

var stepKinds = []StepKind{
	{"transfer", "Move liquid from places to places, pair by pair.", "{from: red, to: plate.A1, volume: 50 uL}", func() Body { return &Transfer{} }, nil, false},
	{"distribute", "Give one liquid to many places: one draw for as many as fit into the tip.", "{from: water, to: plate.column(1), volume: 50 uL}", func() Body { return &Distribute{} }, nil, false},
	{"consolidate", "Bring the liquid of many places to one: as many draws as fit into the tip, and then one dispense.", "{from: plate.column(1), to: pool.A1, volume: 50 uL}", func() Body { return &Consolidate{} }, nil, false},
	{"fill", "Bring wells up to a volume, by what they hold at that point of the program.", "{from: water, to: plate.column(1), up_to: 200 uL}", func() Body { return &Fill{} }, nil, false},
	{"dilute", "Make a dilution series: diluent into every well but the first, and then a part carried on from well to well.", "{in: plate.row(\"A\"), factor: 2, volume: 100 uL, diluent: buffer}", func() Body { return &Dilute{} }, nil, false},
	{"mix", "Draw and give in the same place, several times.", "{in: plate.A1, volume: 50 uL, times: 3}", func() Body { return &Mix{} }, nil, false},
	{"formulate", "Bring named liquids together in wells. A liquid whose volume is 0 is skipped.", "{to: plate.A1, volumes: {red: 100 uL, blue: 50 uL}}", func() Body { return &Formulate{} }, nil, false},
	{"pick_up_tip", "Pick up a tip: the next one, or that of a place.", "{from: tips.A1}", func() Body { return &PickUpTip{} }, nil, true},
	{"aspirate", "Draw liquid with the tip that is on.", "{from: plate.A1, volume: 50 uL}", func() Body { return &Aspirate{} }, nil, false},
	{"dispense", "Give liquid from the tip.", "{to: plate.A2, volume: 50 uL}", func() Body { return &Dispense{} }, nil, false},
	{"air_gap", "Draw air into the tip, above the well it is at.", "{volume: 10 uL}", func() Body { return &AirGap{} }, nil, false},
	{"touch_tip", "Touch the sides of a well: the one the tip is at, or that of `in`.", "{in: plate.A1}", func() Body { return &TouchSides{} }, nil, true},
	{"blow_out", "Empty the tip past the plunger's end, where it is or in a place.", "{in: trash}", func() Body { return &BlowOutNow{} }, nil, true},
	{"drop_tip", "Drop the tip into the trash, or into a place of a tip rack.", "{in: trash}", func() Body { return &DropTip{} }, nil, true},
	{"return_tip", "Put the tip back to where it came from.", "{at: top - 75 mm}", func() Body { return &ReturnTip{} }, nil, true},
	{"move_to", "Move the tip, or the tool that is on, to a well.", "{to: plate.A1, at: top + 3 mm}", func() Body { return &MoveTo{} }, nil, false},
	{"temperature", "Set a temperature module, and wait until it is there.", "{set: 4 C, wait: true}", func() Body { return &Temperature{} }, func(b Body, _ string) Slot { return temperatureSlot(b.(*Temperature)) }, false},
	{"heater_shaker", "Heat and shake. Its keys act in this order: latch closed, set, wait, shake, hold, deactivate, latch open.", "{latch: closed, set: 37 C, shake: 500 rpm, hold: 5 min}", func() Body { return &HeaterShaker{} }, nil, false},
	{"magnet", "Raise the magnets of a magnetic module, or lower them.", "{height: 6 mm}", func() Body { return &Magnet{} }, func(b Body, _ string) Slot { return magnetSlot(b.(*Magnet)) }, false},
	{"thermocycler", "Heat and cool in cycles. Its keys act in this order: lid closed, lid_temperature, block, profile, deactivate, lid open.", "{lid: closed, lid_temperature: 105 C, profile: [95 C for 3 min, {repeat: 35, do: [95 C for 10 s, 72 C for 30 s]}]}", func() Body { return &Thermocycler{} }, nil, false},
	{"move_labware", "Have a person move labware, on the deck or between it and the bench.", "{labware: plate, to: mag}", func() Body { return &MoveLabware{} }, nil, false},
	{"lights", "Switch the lights of the deck on or off.", "on", func() Body { return &Lights{} }, func(b Body, _ string) Slot { return lightsSlot(b.(*Lights)) }, false},
	{"home", "Move all axes to their home position.", "null", func() Body { return &Home{} }, nil, true},
	{"delay", "Wait.", "5 s", func() Body { return &Delay{} }, func(b Body, _ string) Slot { return exprSlot(&b.(*Delay).For, WantDuration) }, false},
	{"pause", "Wait until a person says to go on, and say why.", "put the lid on", func() Body { return &Pause{} }, func(b Body, _ string) Slot { return textSlot(&b.(*Pause).Message) }, false},
	{"comment", "Write a line into the log of the run.", "row ${ w.row } begins", func() Body { return &Comment{} }, func(b Body, _ string) Slot { return textSlot(&b.(*Comment).Message) }, false},
	{"set", "Give variables (of `vars`) new values.", "{filled: filled + 1}", func() Body { return &Set{} }, func(b Body, _ string) Slot { return bindingsSlot(&b.(*Set).Values, setShape, WantAny) }, false},
	{"check", "Make sure of something at this point of the program. Nothing moves if it does not hold.", "{that: plate.A1.volume >= 100 uL, message: the well is not full enough}", func() Body { return &Assert{} }, nil, false},
	{"fail", "Say why the program must not come here. Nothing moves if it does.", "more than the plate has room for", func() Body { return &Fail{} }, func(b Body, _ string) Slot { return textSlot(&b.(*Fail).Message) }, false},
	{"call", "Do the steps of another workflow, on this deck and with these parameters.", "{workflow: ./dilute.yaml, with: {volume: 50 uL, plate: samples}}", func() Body { return &Call{} }, nil, false},
	{"ask", "Ask a person something while the robot waits; `as` names the answer.", "{message: how many cells are there, type: integer, min: 0}", func() Body { return &Ask{} }, nil, false},
	{"measure", "Measure with an instrument; `as` names the result.", "{with: sensor, send: {well: w.name}}", func() Body { return &Measure{} }, nil, false},
	{"request", "Ask another program something over HTTP; `as` names the result.", "{url: 'http://planner.local/next', result: {volume: volume}}", func() Body { return &Request{} }, nil, false},
	{"publish", "Send a message to a topic of a broker, over MQTT.", "{url: 'mqtt://broker.local', topic: bench/lamp, send: {lamp: true}}", func() Body { return &Publish{} }, nil, false},
	{"notify", "Tell people something, by a webhook or a mail.", "{to: 'mailto:lab@example.org', message: the plate is ready}", func() Body { return &Notify{} }, nil, false},
	{"protocol", "Carry out an existing Opentrons protocol, unchanged, as one step: the robot analyses it and runs it as a run of its own.", "{file: mix.py, params: {red: 50 uL}, analysis: mix.analysis.json}", func() Body { return &Protocol{} }, nil, false},
	{"do", "Several steps as one, so that a modifier can stand before all of them.", "[{pick_up_tip: {from: tips.A1}}, {drop_tip: null}]", func() Body { return &Do{} }, func(b Body, path string) Slot { return stepsSlot(&b.(*Do).Steps, path+".do") }, false},
}

// Root is the shape of a workflow file.
func Root() *Shape { return rootShape }

var rootShape = &Shape{
	Kind: ObjectShape, Name: "workflow", Noun: "a mapping of keys such as name and steps", Example: "ot2flow: 1", Doc: "A workflow: what stands on the deck, and the steps the robot does.",
	fields: func() []Field { return workflowFields(&Workflow{}) },
}

func workflowFields(w *Workflow) []Field {
	var version Word
	return []Field{
		{"ot2flow", "The version of the language.", Version, true, wordSlot(&version, versionShape)},
		{"name", "The workflow's name; a server offers it as a task under this name.", "mix_colors", true, Slot{workflowNameShape, func(_ *decoder, v value) { w.Name = v.scalar() }}},
		{"description", "What the workflow does, for people.", "Mix three paints in one well.", false, textSlot(&w.Description)},
		{"params", "What a run may choose.", "{R: {type: volume, default: 100 uL, min: 0 uL, max: 300 uL}}", false, declarations(&w.Params, paramsShape, readParam)},
		{"require", "What must hold before anything is done.", "[{that: R + Y <= 300 uL, message: the volumes add up to too much}]", false, checksSlot(&w.Require)},
		{"let", "Constants: names for expressions.", "{half: R / 2}", false, bindingsSlot(&w.Let, constantsShape, WantAny)},
		{"vars", "Variables with their initial values; `set` changes them.", "{filled: 0}", false, bindingsSlot(&w.Vars, constantsShape, WantAny)},
		{"modules", "Which modules stand on the deck.", "{mag: {type: magnetic_module_gen2, slot: 1}}", false, declarations(&w.Modules, modulesSection, readModule)},
		{"labware", "What stands on the deck.", "{plate: {type: corning_96_wellplate_360ul_flat, slot: 1}}", false, declarations(&w.Labware, labwareSection, readLabware)},
		{"pipettes", "What is on the mounts.", "{p300: {type: p300_single_gen2, mount: right, tips: [tips]}}", false, declarations(&w.Pipettes, pipettesSection, readPipette)},
		{"liquids", "Which liquids stand where.", "{red: {in: paints.B1, volume: 12 mL}}", false, declarations(&w.Liquids, liquidsSection, readLiquid)},
		{"instruments", "What can be measured with.", "{sensor: {url: 'http://sensor.local/measure', result: {f1: integer}}}", false, declarations(&w.Instruments, instrumentsSection, readInstrument)},
		{"defaults", "What liquid steps do where neither they, nor a liquid class, nor the liquid, nor the pipette say it.", "{tip: new, dispense: {touch_tip: true}}", false, defaultsSlot(&w.Defaults)},
		{"steps", "What is done, in this order.", "[{transfer: {from: red, to: plate.A1, volume: 50 uL}}]", true, stepsSlot(&w.Steps, "steps")},
		{"timeout", "How long a run may take, from when the robot has it; finally is not counted. Once it has passed, nothing more is asked or measured and the run fails, with what stands under finally; a robot that is in the middle of something is paused, and a person decides. Default: as long as it takes.", "3 h", false, exprSlot(&w.Timeout, WantDuration)},
		{"budget", "What a run may use. Before a step, or a turn of an outermost loop, with which it would use more, the workflow comes to its end: what stands under finally is done, and outputs are computed. Where a turn waits for a result, what comes behind that is looked at again. Of a workflow that another one calls, the budget of the other one counts.", "{tips: 96, liquids: {red: 5 mL}}", false, budgetSlot(&w.Budget)},
		{"finally", "What is done however the run ends: at its end, where a step has failed, and, after the robot has dropped what is on and homed, where a person stops it or the robot gives it up. It must be possible from every state of the deck, so it moves no liquid; a tip is put away if one is on. Where a run was stopped in haste or without us, or the robot was restarted, a person has a look first: ot2flow runs resume RUN --finally.", "[{drop_tip: null}, {home: null}, {lights: off}]", false, stepsSlot(&w.Finally, "finally")},
		{"outputs", "What the workflow returns: expressions under their names, computed behind the last step.", "{left: red.volume}", false, declarations(&w.Outputs, outputsShape, readOutput)},
	}
}

var versionShape = &Shape{Noun: "the version of the language", Scalars: Numbers | Strings, Words: []string{Version}}

var workflowNameShape = &Shape{
	Name: "workflow_name", Noun: "a name", Doc: "A name: letters, digits, _ and -, not starting with a digit.", Example: "mix_colors",
	Scalars: Strings, Pattern: workflowName,
}

// ScalarTypes are the types of single values: of a parameter, of the elements
// of a list and of the cells of a table.
var ScalarTypes = []string{"volume", "number", "integer", "boolean", "string", "choice", "well", "labware", "color", "duration", "temperature", "length", "speed", "flow_rate", "concentration", "molarity"}

// ParamTypes are the types a parameter can have.
var ParamTypes = []string{"volume", "number", "integer", "boolean", "string", "choice", "well", "wells", "labware", "color", "duration", "temperature", "length", "speed", "flow_rate", "concentration", "molarity", "list", "table"}

var (
	paramTypeShape  = &Shape{Noun: "a type", Scalars: Strings, Words: ParamTypes}
	scalarTypeShape = &Shape{Noun: "a type", Scalars: Strings, Words: ScalarTypes, Instead: [][2]string{
		{"wells", "one cell, or one element, is one well: write well; several wells are several rows"},
		{"list", "one cell, or one element, is one value: write the type of the value; several values are several rows"},
		{"table", "a table holds no table: write the type of a cell"},
	}}
)

var paramsShape = &Shape{Kind: MapShape, Noun: "parameters, each under its name", Elem: paramShape}

var paramShape = &Shape{
	Kind: ObjectShape, Name: "param", Noun: "the keys of a parameter", Doc: "A parameter: what a run may choose.", Example: "{type: volume, default: 100 uL, min: 0 uL, max: 300 uL}",
	fields: func() []Field { return paramFields(&Param{}) },
	Rules: []Rule{
		{Key: "type", Words: []string{"choice"}, Needs: []string{"choices"}, Why: "a choice is made among `choices`"},
		{Key: "type", Words: []string{"list"}, Needs: []string{"of"}, Why: "`of` says what the list holds"},
		{Key: "type", Words: []string{"table"}, Needs: []string{"columns"}, Why: "`columns` says what the table holds"},
		{Key: "type", Words: []string{"boolean", "string", "choice", "well", "wells", "labware", "color", "table"}, Bars: []string{"min", "max"}, Why: "only numbers and quantities have a least and a greatest value"},
		{Key: "type", Words: []string{"boolean"}, Bars: []string{"choices"}, Why: "a boolean is true or false anyway"},
		{Key: "type", Words: []string{"table"}, Bars: []string{"choices"}, Why: "`choices` belong to a column of the table"},
		{
			Key: "type", Words: []string{"volume", "number", "integer", "boolean", "string", "choice", "labware", "color", "duration", "temperature", "length", "speed", "flow_rate", "concentration", "molarity", "table"},
			Bars: []string{"in"}, Why: "`in` names the labware of a well",
		},
		{
			Key: "type", Words: []string{"volume", "number", "integer", "boolean", "string", "choice", "well", "wells", "labware", "color", "duration", "temperature", "length", "speed", "flow_rate", "concentration", "molarity", "table"},
			Bars: []string{"of"}, Why: "`of` says what a list holds",
		},
		{
			Key: "type", Words: []string{"volume", "number", "integer", "boolean", "string", "choice", "well", "wells", "labware", "color", "duration", "temperature", "length", "speed", "flow_rate", "concentration", "molarity", "list"},
			Bars: []string{"columns", "extra"}, Why: "only a table has columns",
		},
		{Key: "default", Bars: []string{"example"}, Why: "an example stands in for a default where there is none"},
	},
}

func paramFields(p *Param) []Field {
	return []Field{
		{"type", "What kind of value it is.", "volume", true, wordSlot(&p.Type, paramTypeShape)},
		{"of", "For a list: what kind of value its elements are.", "volume", false, wordSlot(&p.Of, scalarTypeShape)},
		{"columns", "For a table: its columns, each under the name that expressions use.", "{source: {type: well, in: plate, header: Source Well}, volume: volume}", false, declarations(&p.Columns, columnsShape, readColumn)},
		{"extra", "For a table: what becomes of columns of the file that are not declared. Default: they are an error.", "ignore", false, wordSlot(&p.Extra, extraShape)},
		{"description", "What it is for.", "red paint", false, textSlot(&p.Description)},
		{"default", "The value if the run gives none. Without one, the run must give a value. For a table: a file, relative to this one, or a list of rows.", "100 uL", false, writtenSlot(&p.Default)},
		{"example", "A typical value, used by lint where there is no default.", "100 uL", false, writtenSlot(&p.Example)},
		{"min", "The least value allowed. For numbers and quantities, and for the elements of a list of them.", "0 uL", false, givenSlot(&p.Min, literalShape)},
		{"max", "The greatest value allowed. For numbers and quantities, and for the elements of a list of them.", "300 uL", false, givenSlot(&p.Max, literalShape)},
		{"choices", "The values allowed, for a list those of its elements.", "[slow, fast]", false, givensSlot(&p.Choices)},
		{"in", "For a well or wells: the labware they are in, so that `A1` is enough.", "plate", false, nameSlot(&p.In)},
	}
}

var columnsShape = &Shape{Kind: MapShape, Noun: "columns, each under its name", Elem: columnShape, Min: 1}

var columnShape = &Shape{
	Kind: UnionShape, Name: "column", Noun: "a type, or the keys of a column", Example: "{type: well, in: row.source_plate, header: Source Well}",
	Doc: "A column of a table: its type, or in full {type: volume, header: Volume, unit: mL, min: 1 uL}.",
	Any: []*Shape{scalarTypeShape, columnObject},
}

var columnObject = &Shape{
	Kind: ObjectShape, fields: func() []Field { return columnFields(&Column{}) },
	Rules: []Rule{
		{Key: "type", Words: []string{"choice"}, Needs: []string{"choices"}, Why: "a choice is made among `choices`"},
		{Key: "type", Words: []string{"boolean", "string", "choice", "well", "labware", "color"}, Bars: []string{"min", "max"}, Why: "only numbers and quantities have a least and a greatest value"},
		{Key: "type", Words: []string{"boolean", "string", "choice", "well", "labware", "color", "number", "integer"}, Bars: []string{"unit"}, Why: "only quantities have a unit"},
		{Key: "type", Words: []string{"boolean"}, Bars: []string{"choices"}, Why: "a boolean is true or false anyway"},
		{
			Key: "type", Words: []string{"volume", "number", "integer", "boolean", "string", "choice", "labware", "color", "duration", "temperature", "length", "speed", "flow_rate", "concentration", "molarity"},
			Bars: []string{"in"}, Why: "`in` names the labware of a well",
		},
	},
}

var (
	columnInShape   = &Shape{Noun: "a labware, or row. and a column", Scalars: Strings, Pattern: columnIn}
	columnUnitShape = &Shape{Noun: "a unit", Scalars: Strings, Pattern: notBlank}
	headerShape     = &Shape{Noun: "a header", Scalars: Strings | Numbers | Booleans, Pattern: notBlank}
	extraShape      = &Shape{Noun: "what becomes of other columns", Scalars: Strings, Words: []string{"ignore", "error"}}
)

func columnFields(c *Column) []Field {
	return []Field{
		{"type", "What kind of value the cells hold.", "well", true, wordSlot(&c.Type, scalarTypeShape)},
		{"header", "What stands above the column in the file. Default: the name of the column.", "Source Well", false, givenSlot(&c.Header, headerShape)},
		{"unit", "The unit of cells that hold a bare number. Default: the one in parentheses in the header, or else that of the type.", "mL", false, wordSlot(&c.Unit, columnUnitShape)},
		{"in", "For a well: the labware it is in, or the column that names it.", "row.source_plate", false, wordSlot(&c.In, columnInShape)},
		{"default", "The value of an empty cell. A column with a default may be missing.", "50 uL", false, givenSlot(&c.Default, literalShape)},
		{"min", "The least value allowed.", "1 uL", false, givenSlot(&c.Min, literalShape)},
		{"max", "The greatest value allowed.", "300 uL", false, givenSlot(&c.Max, literalShape)},
		{"choices", "The values allowed.", "[slow, fast]", false, givensSlot(&c.Choices)},
		{"description", "What it is for.", "where to draw", false, textSlot(&c.Description)},
	}
}

func readColumn(name Word, at diag.Span) (*Column, []Field) {
	c := &Column{Name: name, Span: at}
	return c, columnFields(c)
}

func readParam(name Word, at diag.Span) (*Param, []Field) {
	p := &Param{Name: name, Span: at}
	return p, paramFields(p)
}

var outputsShape = &Shape{Kind: MapShape, Noun: "outputs, each under its name", Elem: outputShape}

var outputShape = &Shape{
	Kind: UnionShape, Name: "output", Noun: "an expression, or the keys of an output", Example: "{value: red.volume, type: volume}",
	Doc: "What a workflow returns: an expression, or in full {value: red.volume, type: volume, description: what is left}.",
	Any: []*Shape{wantShapes[WantAny], outputObject},
}

var outputObject = &Shape{Kind: ObjectShape, fields: func() []Field { return outputFields(&Output{}) }}

var outputTypeShape = &Shape{
	Noun: "a type", Scalars: Strings,
	Words: []string{"volume", "number", "integer", "boolean", "string", "well", "wells", "labware", "color", "duration", "temperature", "length", "speed", "flow_rate", "concentration", "molarity", "list"},
}

func outputFields(o *Output) []Field {
	return []Field{
		{"value", "The expression that gives it.", "red.volume", true, exprSlot(&o.Value, WantAny)},
		{"type", "What kind of value it is. Default: that of the expression.", "volume", false, wordSlot(&o.Type, outputTypeShape)},
		{"description", "What it is.", "what is left of the paint", false, textSlot(&o.Description)},
	}
}

func readOutput(name Word, at diag.Span) (*Output, []Field) {
	o := &Output{Name: name, Span: at}
	return o, outputFields(o)
}

var checksShape = &Shape{Kind: ListShape, Noun: "a list of conditions", Elem: checkShape}

var checkShape = &Shape{
	Kind: ObjectShape, Name: "check", Noun: "a condition with the key that", Doc: "A condition that must hold.", Example: "{that: R > 0 uL}",
	fields: func() []Field { return checkFields(&Check{}) },
}

func checkFields(c *Check) []Field {
	return []Field{
		{"that", "The condition that must hold.", "R + Y + B <= 300 uL", true, exprSlot(&c.That, WantCondition)},
		{"message", "What to say if it does not.", "the volumes add up to ${ R + Y + B }", false, textSlot(&c.Message)},
	}
}

func checksSlot(to *[]Check) Slot {
	return Slot{checksShape, func(d *decoder, v value) {
		v.each(checkShape, func(_ int, item value) {
			c := Check{Span: item.span()}
			d.object(item, checkShape, checkFields(&c))
			*to = append(*to, c)
		})
	}}
}

var labwareSection = &Shape{Kind: MapShape, Noun: "labware, each under its name", Elem: labwareShape}

var labwareShape = &Shape{
	Kind: ObjectShape, Name: "labware", Noun: "the keys of a labware", Doc: "A labware on the deck.", Example: "{type: corning_96_wellplate_360ul_flat, slot: 1}",
	fields: func() []Field { return labwareFields(&Labware{}) },
	Instead: [][2]string{
		{"offset", "an offset is measured on one robot, which keeps it for every run: ot2flow state set 1.offset=0.1,-0.2,0.3"},
		{"refill", "what is full is exchanged, not filled up: exchange: ask; liquids and the tips of a pipette are refilled"},
	},
	Rules: []Rule{
		{Key: "type", Any: []string{"slot", "module", "adapter"}, Why: "`slot`, `module` or `adapter` says where it stands"},
		{Key: "module", Bars: []string{"slot"}, Why: "what stands on a module is in the module's slot"},
		{Key: "slot", Words: []string{OffDeck}, Bars: []string{"keep"}, Why: "what stands beside the robot before a run is not known to be what stood there"},
	},
}

var slot12 = [][2]string{{"12", "slot 12 is the trash, which is always there; the slots for labware are 1 to 11"}}

var (
	labwareTypeShape = &Shape{
		Name: "labware_type", Noun: "a load name or a file", Doc: "A load name, a full name such as opentrons/corning_96_wellplate_360ul_flat/2, or a file.", Example: "./labware/my_rack.json",
		Scalars: Strings, Pattern: notBlank,
	}
	slotShape = &Shape{
		Name: "slot", Noun: "a slot", Doc: "A slot of the deck, 1 to 11. (12 is the trash.)", Example: "1", Scalars: Strings | Numbers,
		Words:   []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"},
		Instead: slot12,
	}
)

var (
	labwareSlotShape = &Shape{
		Name: "labware_slot", Noun: "a slot, or off_deck", Doc: "A slot of the deck, 1 to 11, or off_deck: beside the robot until a step brings it.", Example: "1", Scalars: Strings | Numbers,
		Words: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", OffDeck}, Instead: slot12,
	}
	adapterShape = &Shape{
		Noun: "an adapter", Doc: "The load name of an adapter, the file of a definition of your own, or the name of a labware of this section.", Example: "opentrons_96_flat_bottom_adapter",
		Scalars: Strings, Pattern: notBlank,
	}
)

func labwareFields(l *Labware) []Field {
	return []Field{
		{"type", "A load name of the standard catalogue, or the file of a definition of your own, relative to this file.", "corning_96_wellplate_360ul_flat", true, wordSlot(&l.Type, labwareTypeShape)},
		{"slot", "The slot it stands in; off_deck for what a person brings later.", "1", false, wordSlot(&l.Slot, labwareSlotShape)},
		{"module", "The module it stands on.", "mag", false, nameSlot(&l.Module)},
		{"adapter", "What it stands on there: the load name of an adapter; or alone, the name of a labware of this section.", "opentrons_96_flat_bottom_adapter", false, wordSlot(&l.Adapter, adapterShape)},
		{"evaporation", "How much liquid each of its wells loses in an hour while it stands open on the deck. Of a thermocycler with its lid closed and of what is off the deck nothing is lost. `simulate --repeat` counts it; what is dissolved stays. Default: nothing.", "1.5 uL/h", false, givenSlot(&l.Evaporation, evaporationShape)},
		{"exchange", "What is done where next_empty finds no well of it that is empty any more. ask: the robot waits until a person has taken it away and put a new one in its place, which holds what `liquids` say of it, or nothing. Without it a workflow that needs more wells is an error.", "ask", false, choiceSlot(&l.Exchange, exchangeShape)},
		{"keep", "Whether it stays on the robot between runs, so that a run begins with what the robot's ledger says is left in it. Where it is new, or nothing is known of it, it holds what `liquids` say. Default: true for a tip rack, false for everything else, of which a new one is put there for every run.", "true", false, switchSlot(&l.Keep)},
	}
}

func readLabware(name Word, at diag.Span) (*Labware, []Field) {
	l := &Labware{Name: name, Span: at}
	return l, labwareFields(l)
}

var pipettesSection = &Shape{Kind: MapShape, Noun: "pipettes, each under its name", Elem: pipetteShape}

var pipetteShape = &Shape{
	Kind: ObjectShape, Name: "pipette", Noun: "the keys of a pipette", Doc: "A pipette on a mount.", Example: "{type: p300_single_gen2, mount: right, tips: [tips]}",
	fields: func() []Field { return pipetteFields(&Pipette{}) },
}

var (
	pipetteTypeShape = &Shape{Name: "pipette_type", Noun: "the name of a kind of pipette", Doc: "The robot's name for a kind of pipette.", Example: "p300_single_gen2", Scalars: Strings, Pattern: notBlank}
	mountShape       = &Shape{Noun: "a mount", Scalars: Strings, Words: []string{"left", "right"}}
	exchangeShape    = &Shape{Noun: "who exchanges it", Scalars: Strings, Words: []string{"ask"}}
	newRacksShape    = &Shape{Noun: "who brings new racks", Scalars: Strings, Words: []string{"ask"}}
	namesShape       = &Shape{Kind: ListShape, Noun: "a list of names", Elem: nameShape}
)

func pipetteFields(p *Pipette) []Field {
	return []Field{
		{"type", "The kind of pipette.", "p300_single_gen2", true, wordSlot(&p.Type, pipetteTypeShape)},
		{"mount", "The mount it is on.", "right", true, wordSlot(&p.Mount, mountShape)},
		{"tips", "The tip racks it takes tips from, in this order.", "[tips]", false, wordsSlot(&p.Tips, namesShape)},
		{"nozzles", "Which nozzles of an 8-channel pipette take tips, where a step does not say it. Default: full.", "H1", false, wordSlot(&p.Nozzles, nozzlesShape)},
		{"refill", "What is done where its racks have no tip left. ask: the robot waits until a person has put new racks into the places of all of them. Without it a workflow that needs more tips is an error.", "ask", false, choiceSlot(&p.Refill, newRacksShape)},
		{"defaults", "How liquid steps handle liquid with it, where they do not say it.", "{aspirate: {rate: 50 uL/s}}", false, handlingSlot(&p.Defaults)},
	}
}

func readPipette(name Word, at diag.Span) (*Pipette, []Field) {
	p := &Pipette{Name: name, Span: at}
	return p, pipetteFields(p)
}

var liquidsSection = &Shape{Kind: MapShape, Noun: "liquids, each under its name", Elem: liquidShape}

var liquidShape = &Shape{
	Kind: ObjectShape, Name: "liquid", Rules: []Rule{{Key: "refill", Needs: []string{"volume"}, Why: "when a liquid runs out follows from how much there was"}}, Noun: "the keys of a liquid", Doc: "A liquid and where it stands.", Example: "{in: paints.B1, volume: 12 mL}",
	fields: func() []Field { return liquidFields(&Liquid{}) },
}

var colorShape = &Shape{Name: "color", Noun: "a colour", Doc: "A colour as #rrggbb, in quotes.", Example: "'#c8102e'", Scalars: Strings, Pattern: colorPattern}

func liquidFields(l *Liquid) []Field {
	return []Field{
		{"in", "The wells it stands in.", "paints.B1", true, wellsSlot(&l.In)},
		{"volume", "How much there is in each well. Without it, amounts are not checked.", "12 mL", false, volumesSlot(&l.Volume)},
		{"color", "Its colour in pictures and reports.", "'#c8102e'", false, givenSlot(&l.Color, colorShape)},
		{"description", "What it is.", "red acrylic paint, 1:3 in water", false, textSlot(&l.Description)},
		{"contains", "What is dissolved in it, and how much: amounts (mM), masses (mg/mL), strengths (x) or shares (%), the same for one component everywhere; or a list with one concentration per well. A liquid that does not name a component holds none of it.", "{glucose: 100 mM, salt: 2 mg/mL}", false, containsSlot(&l.Contains)},
		{"tip", "A tip kept for this liquid; `tip: dedicated` uses it.", "tips.B1", false, exprSlot(&l.Tip, WantWell)},
		{"distinct", "Whether each of its wells is a thing of its own, such as samples are. Its name is then the list of its wells, of which each goes with one destination, and a tip that goes from one to another is warned of. Default: false; the wells are one pool, drained in order.", "true", false, switchSlot(&l.Distinct)},
		{"refill", "What is done where it runs out. ask: the robot waits until a person has filled all its wells up to what the fullest of them held at first; or a volume, up to which they are filled; or in full {to: 10 mL, below: 1 mL}. Without it a workflow that draws more is an error.", "ask", false, refillSlot(&l.Refill)},
		classField(&l.LiquidClass),
		{"defaults", "How liquid steps handle it, where they do not say it.", "{aspirate: {rate: 50 uL/s}}", false, handlingSlot(&l.Defaults)},
	}
}

func readLiquid(name Word, at diag.Span) (*Liquid, []Field) {
	l := &Liquid{Name: name, Span: at}
	return l, liquidFields(l)
}

var stepsShape = &Shape{Kind: ListShape, Name: "steps", Noun: "a list of steps", Doc: "Steps, done in this order.", Example: "[{transfer: {from: red, to: plate.A1, volume: 50 uL}}]", Elem: aStep}

var aStep = &Shape{Kind: StepShape, Name: "step", Noun: "a mapping with one step key", Min: 1, Rules: []Rule{
	{Key: "at_most", Any: []string{"until", "while"}, Why: "`at_most` bounds how often a loop goes round"},
	{Key: "until", Bars: []string{"while", "repeat"}, Why: "a step goes round in one way; for a loop in a loop use `do`"},
	{Key: "while", Bars: []string{"repeat"}, Why: "a step goes round in one way; for a loop in a loop use `do`"},
	{Key: "while", Needs: []string{"at_most"}, Why: "what goes round needs a bound"},
	{Key: "until", Needs: []string{"at_most"}, Why: "what goes round needs a bound"},
	{Key: "else", Any: []string{"if", "until", "while"}, Why: "`else` says what is done where the condition of `if` does not hold, or where a loop has gone round as often as `at_most` allows"},
}}

// StepObject is the shape of one step. That it has exactly one step key is not
// part of the shape: the decoder says so itself.
func StepObject() *Shape {
	return &Shape{
		Kind: ObjectShape, Name: "step", Noun: aStep.Noun, Doc: "One step: one step key and its modifiers.", Example: "{transfer: {from: red, to: plate.A1, volume: 50 uL}}",
		Min: aStep.Min, Rules: aStep.Rules, fields: stepFields,
	}
}

func stepFields() []Field {
	fields := modifierFields(&Step{}, "")
	for _, k := range StepKinds() {
		fields = append(fields, Field{k.Key, k.Doc, k.Example, false, k.slot(k.New(), "")})
	}
	return fields
}

// slot is where what stands behind the step key goes. The shape of a body knows
// its keys only where somebody asks for them.
func (k *StepKind) slot(b Body, path string) Slot {
	if k.short != nil {
		return k.short(b, path)
	}
	shape := &Shape{Kind: ObjectShape, Noun: "its keys", fields: b.fields, Rules: rulesOf(k.Key)}
	if k.empty {
		shape.Scalars = Nulls
	}
	return objectSlot(shape, b.fields)
}

func modifierFields(s *Step, path string) []Field {
	return []Field{
		{"id", "A name for this step, used in the ids of what it expands to.", "fill_row", false, nameSlot(&s.ID)},
		{"name", "A title for people.", "filling ${ w }", false, textSlot(&s.Name)},
		{"for", "Do the step for each item of a list: `w in plate.first(24)`, or with a number counted from 0 `i, w in wells`.", "w in plate.first(24)", false, forSlot(&s.For)},
		{"if", "Do the step only if this holds.", "R > 0 uL", false, exprSlot(&s.If, WantCondition)},
		{"else", "The steps to do if the condition of `if` does not hold; of `while` and `until` without `if`, those to do once `at_most` is reached.", "[{comment: nothing to do}]", false, stepsSlot(&s.Else, path+".else")},
		{"repeat", "Do the step this many times.", "3", false, exprSlot(&s.Repeat, WantInteger)},
		{"while", "Do the step again and again as long as this holds, which is asked before each pass.", "red.volume > 1 mL", false, exprSlot(&s.While, WantCondition)},
		{"until", "Do the step again and again until this holds, which is asked after each pass.", "plate.A1.volume >= 200 uL", false, exprSlot(&s.Until, WantCondition)},
		{"as", "A name for what a called workflow returns, a person answers or an instrument measures: with `as: first`, the steps below can use `first.left` if the workflow has an output `left`. With `for` it is the list of what every call returned.", "first", false, nameSlot(&s.As)},
		{"timeout", "How long the step may take, over all attempts and with everything in it; in a loop, each pass. Once it has passed, what is asked or measured is given up, nothing more is tried, and the step fails. What the robot is in the middle of cannot be given up: it is paused, and a person decides. Default: as long as it takes.", "10 min", false, exprSlot(&s.Timeout, WantDuration)},
		{"retry", "Try the step again where it fails, which must touch neither liquid, tips nor labware.", "{attempts: 3, delay: 5 s}", false, retrySlot(&s.Retry)},
		{"on_error", "What is done where the step fails, after all attempts: continue, ask, abort, or steps. Without it a failure ends the run.", "continue", false, onErrorSlot(&s.OnError, path+".on_error")},
		{"at_most", "How often `while` or `until` may go round. If that is not enough, the steps of `else` are done, and without `else` the step fails.", "12", false, exprSlot(&s.AtMost, WantInteger)},
	}
}

var forShape = &Shape{
	Name: "for", Noun: "a loop", Doc: "A name, `in`, and a list; or two names, the first of which counts from 0.", Example: "w in plate.first(24)",
	Scalars: Strings, Pattern: forPattern,
}

func forSlot(to *For) Slot {
	return Slot{forShape, func(_ *decoder, v value) {
		s := v.scalar()
		p, _ := cutFor(s.Text)
		word := func(r [2]int) Word {
			if r[0] == r[1] {
				return Word{}
			}
			return Word{s.Text[r[0]:r[1]], s.Span(r[0], r[1])}
		}
		*to = For{Index: word(p.index), Name: word(p.name), In: v.exprFrom(p.in[0], p.in[1], WantList), Set: true}
	}}
}

func stepsSlot(to *[]*Step, path string) Slot {
	return Slot{stepsShape, func(d *decoder, v value) {
		v.each(aStep, func(i int, item value) { *to = append(*to, d.readStep(item, path+"["+strconv.Itoa(i)+"]")) })
	}}
}
