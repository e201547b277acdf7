package spec

import (
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Steps whose result comes from the world while the robot runs, and the
// instruments they measure with.

// Instrument is something that can be measured with.
type Instrument struct {
	Name        Word
	Description Text
	Web         WebRequest
	Over        Messages
	Send        []Binding
	Within      Word
	Result      []Column
	Valid       []Check
	Timeout     Expr
	Simulate    []Binding
	Fails       Fails
	Span        diag.Span
}

// WebRequest is where a request over HTTP goes.
type WebRequest struct {
	URL     Text
	Method  Word
	Headers []Text
}

// Messages are the topics of a broker over which an instrument is asked and
// answers, and the keys by which an answer is known to be one.
type Messages struct {
	Topic   Text
	Reply   Text
	ID      Word // where the id of a message stands in it
	Session Word // where the id of the run does; not set where it does not
}

type (
	// Ask asks a person: one question with the keys of its answer, or a form of
	// several Fields.
	Ask struct {
		Message Text
		Answer  Param
		Fields  []Param
		Timeout Expr
	}
	// Measure measures with an instrument.
	Measure struct {
		With    Word
		Send    []Binding
		Timeout Expr
	}
	// Request asks something of another program over HTTP.
	Request struct {
		WebRequest
		Send     []Binding
		Result   []Column
		Key      Text
		Cache    Expr
		Timeout  Expr
		Simulate []Binding
		Fails    Fails
	}
	// Publish sends a message to a topic of a broker; nothing comes back.
	Publish struct {
		Web     WebRequest // of which only the address
		Over    Messages   // no reply
		Send    []Binding
		Within  Word
		Message Text // in place of Send
		Key     Text
		Timeout Expr
		Fails   Fails
	}
	// Notify tells people something; nothing comes back.
	Notify struct {
		To      Text
		Message Text
	}
)

var (
	answerFieldsShape = &Shape{Kind: MapShape, Noun: "what is asked, each under its name", Elem: paramShape, Min: 1}
	resultShape       = &Shape{Kind: MapShape, Noun: "what comes back, each under its name", Elem: resultFieldShape, Min: 1}
	sendShape         = &Shape{Kind: MapShape, Noun: "what is sent, each under its name", Elem: wantShapes[WantAny], Min: 1}
	simulateShape     = &Shape{Kind: MapShape, Noun: "values for the results, each under its name", Elem: wantShapes[WantAny], Min: 1}
	headersShape      = &Shape{Kind: ListShape, Noun: "a list of headers", Elem: textShape, Min: 1}
	methodShape       = &Shape{Noun: "a method of HTTP", Scalars: Strings, Words: []string{"GET", "POST", "PUT", "PATCH", "DELETE"}}
)

var resultFieldShape = &Shape{
	Kind: UnionShape, Name: "result_field", Noun: "a type, or the keys of a result", Example: "{type: number, path: data.f1, min: 0, max: 65535}",
	Doc: "One value that comes back: its type, or in full {type: volume, path: data.volume, unit: mL, min: 0 mL}.",
	Any: []*Shape{scalarTypeShape, resultFieldObject},
}

var resultFieldObject = &Shape{Kind: ObjectShape, fields: func() []Field { return resultFields(&Column{}) }, Rules: columnObject.Rules}

var resultPathShape = &Shape{Noun: "a path", Scalars: Strings | Numbers, Pattern: notBlank}

func resultFields(c *Column) []Field {
	return []Field{
		{"type", "What kind of value it is.", "number", true, wordSlot(&c.Type, scalarTypeShape)},
		{"path", "Where it stands in the answer: keys and positions with dots between, `data.channels.0`. Default: under its own name.", "data.f1", false, givenSlot(&c.Header, resultPathShape)},
		{"unit", "The unit of a bare number in the answer. Default: that of the type.", "mL", false, wordSlot(&c.Unit, columnUnitShape)},
		{"in", "For a well: the labware it is in.", "plate", false, wordSlot(&c.In, columnInShape)},
		{"default", "The value where the answer has none.", "0", false, givenSlot(&c.Default, literalShape)},
		{"min", "The least value that can be right. One below it is an answer that is not valid.", "0", false, givenSlot(&c.Min, literalShape)},
		{"max", "The greatest value that can be right.", "65535", false, givenSlot(&c.Max, literalShape)},
		{"choices", "The values that can be right.", "[ok, charging]", false, givensSlot(&c.Choices)},
		{"noise", "How far readings scatter around what is really there, as a standard deviation: 2 % of the reading, or a value such as 0.5 uL. The simulator draws it, in simulate --repeat and in apply --robot sim; one drawn below min, above max or against valid is a measurement that failed. Proofs and plans take the mean.", "2 %", false, givenSlot(&c.Noise, literalShape)},
		{"description", "What it is.", "light at 415 nm", false, textSlot(&c.Description)},
	}
}

func readResultField(name Word, at diag.Span) (*Column, []Field) {
	c := &Column{Name: name, Span: at}
	return c, resultFields(c)
}

var instrumentsSection = &Shape{Kind: MapShape, Noun: "instruments, each under its name", Elem: instrumentShape}

var instrumentShape = &Shape{
	Kind: ObjectShape, Name: "instrument", Noun: "the keys of an instrument", Doc: "Something that can be measured with.",
	Example: "{url: 'http://sensor.local/measure', result: {f1: integer}}",
	fields:  func() []Field { return instrumentFields(&Instrument{}) },
	Rules: []Rule{
		{Key: "reply", Needs: []string{"topic"}, Why: "`topic` says where the instrument is asked"},
		{Key: "id", Needs: []string{"topic"}, Why: "over HTTP an answer comes back to the one who asked"},
		{Key: "session", Needs: []string{"topic"}, Why: "only messages carry the id of the run"},
		{Key: "topic", Needs: []string{"reply"}, Why: "`reply` says where the answers come"},
		{Key: "topic", Bars: []string{"method", "headers"}, Why: "over a broker there are messages, which have neither"},
	},
}

func instrumentFields(i *Instrument) []Field {
	out := append([]Field{{"description", "What it is, for people.", "the colour sensor of bench 2", false, textSlot(&i.Description)}}, webFields(&i.Web)...)
	return append(
		out,
		Field{"topic", "The topic of a broker where it is asked; the address is then that of the broker, mqtt:// or mqtts:// and its name.", "bench/sensor/read", false, textSlot(&i.Over.Topic)},
		Field{"reply", "The topic where its answers come, as JSON. One with `error` in it, a text, is a refusal, and one with `busy: true` beside that a refusal that may pass.", "bench/sensor/data", false, textSlot(&i.Over.Reply)},
		idField(&i.Over.ID, "Every measurement has an id of its own, which the instrument puts into its answer at the same place: an answer without it, or with another, is none."),
		sessionField(&i.Over.Session),
		Field{"send", "What it is told with every measurement, each value under its name; a measurement that sends a value of the same name sends its own.", "{gain: 32}", false, bindingsSlot(&i.Send, sendShape, WantAny)},
		withinField(&i.Within),
		Field{"result", "What a measurement gives, each value under its name.", "{f1: {type: integer, min: 0, max: 65535}}", true, declarations(&i.Result, resultShape, readResultField)},
		Field{"valid", "What must hold of a measurement; one of which it does not is taken as failed.", "[{that: f1 < 65535, message: the sensor is saturated}]", false, checksSlot(&i.Valid)},
		timeoutField(&i.Timeout),
		Field{"simulate", "What the simulator takes for its results: expressions, which can use what is sent. Default: the middle of what is allowed.", "{f1: 1200}", false, bindingsSlot(&i.Simulate, simulateShape, WantAny)},
		failsField(&i.Fails),
	)
}

func readInstrument(name Word, at diag.Span) (*Instrument, []Field) {
	i := &Instrument{Name: name, Span: at}
	return i, instrumentFields(i)
}

var placeInShape = &Shape{Noun: "keys with dots between", Scalars: Strings, Pattern: placePattern}

// placePattern is where something stands in a message: keys with dots between.
var placePattern = &Pattern{`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`, func(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !IsName(part) {
			return false
		}
	}
	return true
}, "keys with dots between, such as command or data.id"}

func idField(to *Word, what string) Field {
	return Field{"id", "Where the id stands in a message: keys with dots between. Default: id. " + what, "experiment_id", false, wordSlot(to, placeInShape)}
}

func sessionField(to *Word) Field {
	return Field{"session", "Where the id of the run stands in a message: keys with dots between. Default: it is not sent.", "session_id", false, wordSlot(to, placeInShape)}
}

func withinField(to *Word) Field {
	return Field{"within", "Where in the message what is sent stands: keys with dots between. Default: at its top.", "command", false, wordSlot(to, placeInShape)}
}

func timeoutField(to *Expr) Field {
	return Field{"timeout", "How long an answer is waited for. Default: 1 min.", "30 s", false, exprSlot(to, WantDuration)}
}

func webFields(w *WebRequest) []Field {
	return []Field{
		{"url", "The address it is asked at. A secret in it is written as ${ secret(\"NAME\") }.", "http://sensor.local/measure", true, textSlot(&w.URL)},
		{"method", "The method of HTTP. Default: POST where something is sent, and else GET.", "POST", false, wordSlot(&w.Method, methodShape)},
		{"headers", "Headers of the request, each a name, a colon and a value. A secret is written as ${ secret(\"NAME\") } and read only when the request is sent: from OT2FLOW_SECRET_NAME in the environment, or from a file NAME in the folder that OT2FLOW_SECRETS names.", "['Accept: application/json']", false, headersSlot(&w.Headers)},
	}
}

func headersSlot(to *[]Text) Slot {
	return Slot{headersShape, func(_ *decoder, v value) {
		v.each(textShape, func(_ int, item value) { *to = append(*to, Text{item.scalar(), true}) })
	}}
}

func (s *Ask) fields() []Field {
	answer := paramFields(&s.Answer)
	out := []Field{{"message", "What is asked.", "how many cells are there", true, textSlot(&s.Message)}}
	for _, f := range answer {
		switch f.Key {
		case "columns", "extra", "description", "example", "default":
			continue
		case "type":
			f.Required, f.Doc = false, "What kind of value the answer is. Default: boolean, a yes or no."
		}
		out = append(out, f)
	}
	return append(
		out,
		Field{"default", "The answer where nobody gives one within the timeout.", "100 uL", false, writtenSlot(&s.Answer.Default)},
		Field{"example", "The answer that lint and the simulator take for one.", "100 uL", false, writtenSlot(&s.Answer.Example)},
		Field{"fields", "Several answers at once, each with the keys of a parameter, in place of one.", "{count: {type: integer, min: 0}, note: {type: string, default: none}}", false, declarations(&s.Fields, answerFieldsShape, readParam)},
		Field{"timeout", "How long an answer is waited for. Then the default is taken, and without one the step fails. Default: for ever.", "30 min", false, exprSlot(&s.Timeout, WantDuration)},
	)
}

func (s *Measure) fields() []Field {
	return []Field{
		{"with", "The instrument.", "sensor", true, nameSlot(&s.With)},
		{"send", "What the instrument is told, each value under its name.", "{well: w.name}", false, bindingsSlot(&s.Send, sendShape, WantAny)},
		{"timeout", "How long an answer is waited for. Default: that of the instrument.", "30 s", false, exprSlot(&s.Timeout, WantDuration)},
	}
}

func (s *Request) fields() []Field {
	return append(
		webFields(&s.WebRequest),
		Field{"send", "What is sent, each value under its name, as JSON.", "{volume: R}", false, bindingsSlot(&s.Send, sendShape, WantAny)},
		Field{"result", "What comes back, each value under its name.", "{next_volume: volume}", false, declarations(&s.Result, resultShape, readResultField)},
		Field{"key", "An idempotency key: with it the other side takes the same request once, so that it may be sent again where its outcome is not known.", "${ w.name }-reading", false, textSlot(&s.Key)},
		Field{"cache", "How long an answer holds: where the same was asked no longer ago, also by another run, that answer is taken, and nothing is asked. What is asked again by `retry` is asked in any case. Only for a GET, which does nothing over there. Default: it is always asked.", "1 h", false, exprSlot(&s.Cache, WantDuration)},
		timeoutField(&s.Timeout),
		Field{"simulate", "What the simulator takes for its results. Default: the middle of what is allowed.", "{next_volume: 50 uL}", false, bindingsSlot(&s.Simulate, simulateShape, WantAny)},
		failsField(&s.Fails),
	)
}

var publishRules = []Rule{
	{Key: "id", Needs: []string{"key"}, Why: "`key` is the id that goes there"},
	{Key: "within", Needs: []string{"send"}, Why: "`within` says where what is sent stands"},
	{Key: "message", Bars: []string{"send", "within", "key", "id", "session"}, Why: "a message is sent as it is; values and ids go with `send`"},
}

func (s *Publish) fields() []Field {
	return []Field{
		{"url", "The address of the broker: mqtt://, or over TLS mqtts://, and its name. A secret in it is written as ${ secret(\"NAME\") }.", "mqtt://broker.local", true, textSlot(&s.Web.URL)},
		{"topic", "Where it is published.", "bench/lamp", true, textSlot(&s.Over.Topic)},
		{"send", "What is sent, each value under its name, as JSON. Default: nothing but the ids.", "{lamp: true}", false, bindingsSlot(&s.Send, sendShape, WantAny)},
		withinField(&s.Within),
		{"message", "A text that is sent as it is, in place of values.", "row ${ w.row } is done", false, textSlot(&s.Message)},
		{"key", "An id that is sent along: whoever listens takes a message with the same id once, so that it may be sent again where its outcome is not known.", "${ w.name }-done", false, textSlot(&s.Key)},
		idField(&s.Over.ID, "It is what `key` gives."),
		sessionField(&s.Over.Session),
		{"timeout", "How long is waited until the broker has taken it. Default: 1 min.", "30 s", false, exprSlot(&s.Timeout, WantDuration)},
		failsField(&s.Fails),
	}
}

func (s *Notify) fields() []Field {
	return []Field{
		{"to", "Whom: the address of a webhook, or mailto: and an address.", "https://chat.example/hook", true, textSlot(&s.To)},
		{"message", "What to say.", "row ${ w.row } is done", true, textSlot(&s.Message)},
	}
}

// Fails is how something fails in the simulator.
type Fails struct {
	Set   bool
	First Expr // times
	Rate  Expr // of the others
	With  Word
}

var failsShape = &Shape{Kind: ObjectShape, Name: "fails", Noun: "how it fails", Min: 1, fields: func() []Field { return failsFields(&Fails{}) }}

var failureShape = &Shape{Noun: "a failure", Scalars: Strings, Words: Faults[:6]}

func failsFields(f *Fails) []Field {
	return []Field{
		{"first", "How often each step fails at first.", "2", false, exprSlot(&f.First, WantInteger)},
		{"rate", "The share of the other times at which it fails, from 0 to 1; which these are is drawn from the seed.", "0.05", false, exprSlot(&f.Rate, WantNumber)},
		{"with", "How it fails. Default: unreachable.", "timeout", false, wordSlot(&f.With, failureShape)},
	}
}

func failsField(to *Fails) Field {
	return Field{"fails", "How it fails in the simulator. Default: it never does. That nothing goes wrong where it fails is proved anyway.", "{first: 2, with: timeout}", false, Slot{failsShape, func(d *decoder, v value) {
		to.Set = true
		d.object(v, failsShape, failsFields(to))
	}}}
}
