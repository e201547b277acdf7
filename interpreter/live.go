package interpreter

import (
	"errors"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Live steps: what they give is known only while the robot runs. An expansion
// gets the results so far as input. Where one is missing it goes on as long as
// nothing reads it, and then ends: the rest is deferred.

// Result is what the world answered to the live step N of the program, or why it
// did not. The program up to that step is the same for whatever it answers.
type Result struct {
	N      int               `json:"n"`
	Values map[string]string `json:"values,omitempty"` // as people write them; a single answer has the name ""
	Failed program.Cause     `json:"failed,omitempty"` // why there are none; empty where there are
	Why    string            `json:"why,omitempty"`    // for people: what has failed
	Left   []Left            `json:"left,omitempty"`   // of the limits around the step
}

// defaultTimeoutMS is how long instruments and other programs are waited for.
const defaultTimeoutMS = 60_000

// live is a resolved `ask`, `measure`, `request`, `publish` or `notify`.
type live struct {
	kind                  program.Kind
	index                 int // among all live steps of the workflow
	instrument, method    string
	message, to, url, key *eval.Template
	headers               []*eval.Template
	topic, reply          *eval.Template
	id, session           string   // where these stand in a message
	within                []string // where what is sent does
	send                  []*eval.Expr
	sentSlot              int // of the record `sent` that simulate can read, or -1
	fields                []answer
	valid                 []requirement
	simulate              map[string]*eval.Expr
	timeout, cache        *eval.Expr
	timeoutMS             int64
	typ                   eval.Type
	result                *result
	line                  int
	fault                 *faults // how it fails where it is simulated; nil: it does not
	heard                 bool    // its failure is one of the program
	asksOnError           bool    // it is the question of an `on_error: ask`
	secrets               []string
	shown                 []program.LiveField // fields as data
	sentType              eval.Type           // of the record that is sent
}

// answer is one value that comes back.
type answer struct {
	param
	key        string // in a Result: its name, or empty for a single answer
	path, unit string
	noise      noise // of a reading
}

// returner is a body of which `as` can name what it returns.
type returner interface {
	returns() (t eval.Type, any bool)
	giveTo(*result)
}

func (b *live) returns() (eval.Type, bool) { return b.typ, len(b.fields) > 0 }

func (b *live) giveTo(r *result) {
	r.cause = "it is known only while the robot runs"
	b.result = r
}

func (p *preparer) newLive(kind program.Kind) *live {
	b := &live{kind: kind, index: len(p.calls.lives), sentSlot: -1}
	p.calls.lives = append(p.calls.lives, b)
	return b
}

func (p *preparer) ask(a *spec.Ask) body {
	b := p.newLive(program.Ask)
	b.message, b.timeout = p.text(a.Message), p.expr(a.Timeout)
	if len(a.Fields) == 0 {
		one := a.Answer
		one.Name = spec.Word{Value: "the answer", Span: a.Message.Whole()}
		if !one.Type.IsSet() {
			one.Type = spec.Word{Value: "boolean", Span: a.Message.Whole()}
		}
		answers := []answer{{param: p.param(&one)}}
		p.askable(&answers[0])
		b.give(answers, answers[0].typ)
		return b
	}
	if a.Answer.Type.IsSet() {
		p.fail(diag.NoEffect, a.Answer.Type.Span, "`type` has no effect beside `fields`", "remove it: every field has a type of its own")
	}
	answers := make([]answer, len(a.Fields))
	for i := range a.Fields {
		answers[i] = answer{param: p.param(&a.Fields[i]), key: a.Fields[i].Name.Value}
		p.askable(&answers[i])
	}
	b.give(answers, p.recordOf(answers))
	return b
}

// give says what comes back.
func (b *live) give(fields []answer, t eval.Type) {
	b.fields, b.typ = fields, t
	for i := range fields {
		b.shown = append(b.shown, fields[i].shown())
	}
}

// askable refuses what nobody can type in as an answer.
func (p *preparer) askable(a *answer) {
	if a.decl.Type.Value == "table" {
		p.fail(diag.TypeMismatch, a.decl.Type.Span, "a table cannot be the answer to a question", "make it a parameter of the workflow")
	}
}

func (p *preparer) recordOf(fields []answer) eval.Type {
	var out []eval.Field
	for i := range fields {
		if fields[i].typ.Kind == eval.Invalid {
			return eval.Type{}
		}
		out = append(out, eval.Field{Name: fields[i].decl.Name.Value, Type: fields[i].typ})
	}
	return eval.RecordOf(out...)
}

// results resolves what comes back from an instrument or another program.
func (p *preparer) results(columns []spec.Column) []answer {
	var out []answer
	for i := range columns {
		c := &columns[i]
		d := &spec.Param{
			Name: c.Name, Type: c.Type, In: c.In, Min: c.Min, Max: c.Max, Choices: c.Choices, Description: c.Description, Span: c.Span,
			Default: spec.Written{Given: c.Default, Span: c.Span},
		}
		a := answer{param: p.param(d), key: c.Name.Value, path: header(c), unit: c.Unit.Value}
		a.noise = p.noise(&a, c.Noise)
		p.unit(&column{domain: a.one, decl: c})
		out = append(out, a)
	}
	return out
}

// instrument is a declared instrument, resolved once for all measurements.
type instrument struct {
	decl    *spec.Instrument
	url     *eval.Template
	topic   *eval.Template // nil over HTTP
	reply   *eval.Template
	id      string
	within  []string
	send    []constant
	headers []*eval.Template
	fields  []answer
	fault   *faults
	secrets []string
	valid   []requirement
	typ     eval.Type
	timeout *eval.Expr
}

func (p *preparer) instruments() {
	for i := range p.p.workflow.Instruments {
		d := &p.p.workflow.Instruments[i]
		p.declare(d.Name, eval.Type{}, "instrument", false)
		out := instrument{decl: d, fields: p.results(d.Result), timeout: p.expr(d.Timeout), fault: p.faults(&d.Fails)}
		out.secrets = p.scope.Secrets(func() { out.url, out.headers = p.text(d.Web.URL), p.texts(d.Web.Headers) })
		p.openSecrets(&d.Web)
		p.told(d, &out)
		out.typ = p.recordOf(out.fields)
		out.valid = p.validity(d.Valid, out.fields)
		p.measuring = append(p.measuring, out)
	}
}

// validity compiles what must hold of a result, in which its values alone have
// names.
func (p *preparer) validity(checks []spec.Check, fields []answer) []requirement {
	outer := p.scope
	defer func() { p.scope = outer }()
	p.scope = eval.NewScope()
	for i := range fields {
		_, _ = p.scope.Declare(fields[i].decl.Name.Value, fields[i].typ, "result") // a name that cannot be one is reported with its key
	}
	var out []requirement
	for _, c := range checks {
		out = append(out, p.requirement(c))
	}
	return out
}

func (p *preparer) measure(m *spec.Measure) body {
	b := p.newLive(program.Measure)
	b.timeout, b.timeoutMS = p.expr(m.Timeout), defaultTimeoutMS
	i := slices.IndexFunc(p.measuring, func(i instrument) bool { return i.decl.Name.Value == m.With.Value })
	if i < 0 {
		p.sent(b, nil, m.Send)
		if m.With.IsSet() {
			p.unknownName(diag.UnknownName, m.With, "instrument", p.instrumentNames())
		}
		return nil
	}
	in := &p.measuring[i]
	b.instrument, b.url, b.headers, b.method = in.decl.Name.Value, in.url, in.headers, in.decl.Web.Method.Value
	b.topic, b.reply, b.id, b.session, b.within = in.topic, in.reply, in.id, in.decl.Over.Session.Value, in.within
	if b.within == nil {
		p.named(m.Send, b.id, b.session)
	}
	p.sent(b, in.send, m.Send)
	b.give(in.fields, in.typ)
	b.valid, b.fault, b.secrets = in.valid, in.fault, in.secrets
	if b.timeout == nil {
		b.timeout = in.timeout
	}
	p.simulated(b, in.decl.Simulate)
	return b
}

func (p *preparer) instrumentNames() []string {
	var out []string
	for i := range p.measuring {
		out = append(out, p.measuring[i].decl.Name.Value)
	}
	return out
}

func (p *preparer) request(r *spec.Request) body {
	b := p.newLive(program.Request)
	b.method, b.key = r.Method.Value, p.text(r.Key)
	b.secrets = p.scope.Secrets(func() { b.url, b.headers = p.text(r.URL), p.texts(r.Headers) })
	p.openSecrets(&r.WebRequest)
	b.timeout, b.timeoutMS = p.expr(r.Timeout), defaultTimeoutMS
	p.sent(b, nil, r.Send)
	answers := p.results(r.Result)
	b.give(answers, p.recordOf(answers))
	b.fault = p.faults(&r.Fails)
	p.simulated(b, r.Simulate)
	switch b.cache = p.expr(r.Cache); {
	case b.cache == nil:
	case b.method != "GET" && (b.method != "" || len(b.send) > 0):
		p.fail(diag.NoEffect, r.Cache.Whole(), "`cache` is for a request that only reads, and this one does something over there", "remove it; or write method: GET, and put what is asked into the address")
	case len(b.fields) == 0:
		p.fail(diag.NoEffect, r.Cache.Whole(), "`cache` has no effect on a request that gives nothing", "remove it, or say under result: what comes back")
	}
	return b
}

func (p *preparer) notify(n *spec.Notify) body {
	b := p.newLive(program.Notify)
	b.message, b.timeoutMS = p.text(n.Message), defaultTimeoutMS
	b.secrets = p.scope.Secrets(func() { b.to = p.text(n.To) })
	p.openURL(n.To)
	return b
}

// texts compiles a list of texts.
func (p *preparer) texts(list []spec.Text) []*eval.Template {
	var out []*eval.Template
	for _, t := range list {
		out = append(out, p.text(t))
	}
	return out
}

// sent resolves what is sent along. Of what is always sent, the step may send
// another value.
func (p *preparer) sent(b *live, always []constant, list []spec.Binding) {
	all := slices.DeleteFunc(slices.Clone(always), func(s constant) bool {
		return slices.ContainsFunc(list, func(v spec.Binding) bool { return v.Name.Value == s.name })
	})
	for _, v := range list {
		all = append(all, constant{v.Name.Value, p.expr(v.Value)})
	}
	var fields []eval.Field
	known := true
	for _, s := range all {
		b.send = append(b.send, s.value)
		if known = known && s.value != nil; known {
			fields = append(fields, eval.Field{Name: s.name, Type: s.value.Type()})
		}
	}
	if known {
		b.sentType = eval.RecordOf(fields...)
	}
}

// simulated compiles what the simulator takes for the results. What is sent is
// there as `sent`.
func (p *preparer) simulated(b *live, list []spec.Binding) {
	if len(list) == 0 {
		return
	}
	p.scope.Push()
	defer p.scope.Pop("`simulate`, which alone knows what is sent")
	if b.sentType.Kind == eval.Record && len(b.send) > 0 {
		b.sentSlot, _ = p.scope.Declare("sent", b.sentType, "what is sent")
	}
	b.simulate = map[string]*eval.Expr{}
	for _, v := range list {
		i := slices.IndexFunc(b.fields, func(a answer) bool { return a.decl.Name.Value == v.Name.Value })
		if i < 0 {
			p.unknownName(diag.UnknownName, v.Name, "result", answerNames(b.fields))
			continue
		}
		b.simulate[v.Name.Value] = p.compile(v.Value, b.fields[i].typ)
	}
}

func answerNames(fields []answer) []string {
	var out []string
	for i := range fields {
		out = append(out, fields[i].decl.Name.Value)
	}
	return out
}

// expand shows the step and takes its result, if there is one yet.
func (b *live) expand(x *expansion, f *program.Frame) {
	l, ok := b.needs(x)
	if !ok {
		return
	}
	x.emitLive(program.Op{Kind: b.kind}, l, f)
	if x.halted() || !b.heard {
		return
	}
	v, ok := b.value(x)
	if ok && b.result != nil && len(b.fields) > 0 {
		b.result.put(x.env.Vars, v)
	}
}

// needs computes what the step is carried out with.
func (b *live) needs(x *expansion) (*program.Live, bool) {
	out := &program.Live{Site: b.index, Instrument: b.instrument, Method: b.method, Fields: b.shown, Secrets: b.secrets, ID: b.id, Session: b.session}
	ok := true
	for _, t := range []struct {
		to   *string
		from *eval.Template
	}{{&out.Message, b.message}, {&out.To, b.to}, {&out.URL, b.url}, {&out.Key, b.key}, {&out.Topic, b.topic}, {&out.Reply, b.reply}} {
		if t.from != nil {
			text, fine := x.text(t.from)
			*t.to, ok = text, ok && fine
		}
	}
	for _, h := range b.headers {
		text, fine := x.text(h)
		out.Headers, ok = append(out.Headers, text), ok && fine
	}
	if ok {
		b.sendable(x, out)
	}
	values, fine := b.sending(x)
	if len(values) > 0 {
		record := eval.RecordValue(b.sentType, values)
		out.Body = string(within(b.within, appendValue(nil, record)))
		if b.sentSlot >= 0 {
			x.env.Vars[b.sentSlot] = record
		}
	}
	var timed bool
	out.TimeoutMS, timed = x.quantity(b.timeout, b.timeoutMS)
	if b.cache != nil && timed {
		if out.CacheMS, timed = x.quantity(b.cache, 0); timed && out.CacheMS <= 0 {
			x.addAt(b.cache, diag.Diagnostic{Code: diag.BadDuration, Message: "an answer that holds for " + quantity.Time.Text(out.CacheMS) + " is never taken again", Help: "write for example 1 h, or remove it"})
		}
		out.Fresh = x.attempt > 1
	}
	return out, ok && fine && timed
}

func (b *live) sending(x *expansion) ([]eval.Value, bool) {
	var out []eval.Value
	for _, e := range b.send {
		v, ok := x.eval(e)
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

// shown is the value as data.
func (a *answer) shown() program.LiveField {
	f := program.LiveField{Name: a.key, Path: a.path, Type: a.decl.Type.Value, Of: a.decl.Of.Value, Unit: a.unit, Description: a.decl.Description.Text}
	if a.one.min != nil {
		f.Min = a.one.min.String()
	}
	if a.one.max != nil {
		f.Max = a.one.max.String()
	}
	f.Choices = a.one.words()
	if a.param.value != nil {
		f.Default = &a.param.value.shown
	}
	return f
}

// value is what the step gives: its result, or, while a program is proved, one
// that it may give. Until there is one, nobody knows.
func (b *live) value(x *expansion) (eval.Value, bool) {
	x.asked[b.index]++
	for i := range x.results {
		if r := &x.results[i]; r.N == x.step.N {
			x.answered = true
			x.answers++
			if x.timeLeft(r.Left); r.Failed != "" {
				return b.failed(x, r)
			}
			return b.read(x, r)
		}
	}
	if x.assume > 0 {
		x.answered = true
		x.answers++
		v, ok := b.assumed(x)
		b.suppose(x, v, ok)
		return v, ok
	}
	if x.waits == 0 && (len(b.fields) > 0 || b.canFail()) {
		x.waits = x.step.N
	}
	return eval.UnknownValue(b.typ, "it is known only while the robot runs"), true
}

// canFail reports whether the step can fail. A question that is waited for as
// long as it takes, or that has a default, is answered.
func (b *live) canFail() bool {
	if b.kind != program.Ask {
		return true
	}
	return b.timeout != nil && slices.ContainsFunc(b.fields, func(a answer) bool { return a.param.value == nil })
}

// repeatable reports whether the step may be done again where nobody knows
// whether it was done: all but a request that does something and a message to a
// topic, where they name themselves by no key.
func (b *live) repeatable() bool {
	if b.kind == program.Publish {
		return b.key != nil
	}
	return b.kind != program.Request || b.key != nil || b.method == "GET" || b.method == "" && len(b.send) == 0
}

// failed has the step fail as a result says. Where the time of a limit around it
// is over, that is why.
func (b *live) failed(x *expansion, r *Result) (eval.Value, bool) {
	v, ok := b.fails(x, r.Failed, r.Why)
	if passed := x.due(0); passed != nil && r.Failed == program.NoAnswer && x.fault != nil {
		x.outOfTime(passed, "")
	}
	return v, ok
}

// fails has the step fail.
func (b *live) fails(x *expansion, kind program.Cause, why string) (eval.Value, bool) {
	what := "the " + b.kind.String()
	if b.result != nil && !b.result.many {
		x.env.Vars[b.result.slot] = eval.UnknownValue(b.typ, what+" in line "+itoa(x.blameStep.Start.Line)+failedCause)
	}
	message := what + failedCause
	if why != "" {
		message += ": " + why
	}
	d := diag.Diagnostic{Code: diag.RunFailed, Span: x.blameStep, Message: message, Help: "say under retry: how often it is tried, or under on_error: what is done then"}
	if x.node != nil {
		d.Frames = x.node.Loops(d.Span.File)
	}
	x.raise(fault{kind, b.repeatable(), why, d, 0})
	return eval.Value{}, false
}

// failedCause is what makes a result unknown that a failed step should have
// given.
const failedCause = " failed"

// read takes a result for a value. What is wrong with it was found when it came
// (see Accept), so that anything wrong now means other files.
func (b *live) read(x *expansion, r *Result) (eval.Value, bool) {
	items, err := b.values(r.Values, x.deck)
	if err != nil {
		x.add(diag.Diagnostic{Code: diag.BadValue, Span: x.blameStep, Message: "the result of this step does not fit it: " + err.Error(), Help: "the workflow was changed since the run began; go on with the files it began with"})
		return eval.Value{}, false
	}
	return b.composed(items), true
}

func (b *live) composed(items []eval.Value) eval.Value {
	switch {
	case len(items) == 0:
		return eval.Value{}
	case b.typ.Kind != eval.Record:
		return items[0]
	}
	return eval.RecordValue(b.typ, items)
}

// values reads all values of a result, in the order of the fields.
func (b *live) values(written map[string]string, deck *program.Deck) ([]eval.Value, error) {
	out := make([]eval.Value, len(b.fields))
	for i := range b.fields {
		v, err := b.fields[i].take(written, deck)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// take reads one value of a result.
func (a *answer) take(values map[string]string, deck *program.Deck) (eval.Value, error) {
	text, given := values[a.key]
	switch {
	case !given && a.param.value != nil:
		return a.param.value.value, nil
	case !given:
		return eval.Value{}, errors.New("there is no value for " + a.decl.Name.Value)
	}
	r := valueReader{param: &a.param, deck: deck, file: func(string) (*spec.File, bool) { return nil, false }}
	out, ok := r.read(&spec.Written{Given: spec.Given{Scalar: spec.LiteralText(text), Set: true}})
	if !ok {
		return eval.Value{}, errors.New(firstMessage(r.list))
	}
	return out.value, nil
}

func firstMessage(list diag.List) string {
	for _, d := range list {
		return strings.TrimSuffix(d.Message, ".")
	}
	return "it cannot be read"
}

// Accept says whether values are an answer to a live step: those that are
// missing have a default, and all are as they are declared. What it returns is
// fit for Input.Results.
func (p *Prepared) Accept(s *program.Step, deck *program.Deck, values map[string]string) (Result, error) {
	b := p.lives[s.Live.Site]
	out := Result{N: s.N, Values: map[string]string{}}
	vars, err := b.values(values, deck)
	if err != nil {
		return out, err
	}
	for i := range b.fields {
		out.Values[b.fields[i].key] = vars[i].String()
	}
	if why := b.invalid(vars, deck); why != "" {
		return out, errors.New(why)
	}
	return out, nil
}

// invalid says why values are no valid result, or "".
func (b *live) invalid(values []eval.Value, deck *program.Deck) string {
	env := eval.Env{Vars: values, Deck: deck}
	for i := range b.valid {
		if that := b.valid[i].that; that != nil {
			if v, fault := that.Eval(&env); fault == nil && v.Known() && !v.Bool() {
				return b.valid[i].broken(&env, "this does not hold")
			}
		}
	}
	return ""
}
