package interpreter

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// What is asked and said over the topics of a broker, and what is true of every
// address that something is sent to.

// defaultID is where the id of a message stands in it.
const defaultID = "id"

// constant is a value that an instrument is told with every measurement.
type constant struct {
	name  string
	value *eval.Expr
}

// told resolves the topics of an instrument, and what it is always told.
func (p *preparer) told(d *spec.Instrument, to *instrument) {
	to.topic, to.reply = p.text(d.Over.Topic), p.text(d.Over.Reply)
	for _, v := range d.Send {
		to.send = append(to.send, constant{v.Name.Value, p.expr(v.Value)})
	}
	to.within = parts(d.Within)
	if d.Over.Topic.Set {
		to.id = cmp.Or(d.Over.ID.Value, defaultID)
		p.over(&d.Over, to.id, d.Within, d.Send)
	}
}

// parts are the keys of a place.
func parts(place spec.Word) []string {
	if !place.IsSet() {
		return nil
	}
	return strings.Split(place.Value, ".")
}

// over says where in a message its parts stand, and refuses two that would stand at
// one place. What is sent has names at its top where nothing says within what it stands.
func (p *preparer) over(m *spec.Messages, id string, in spec.Word, send []spec.Binding) {
	var taken []spec.Word
	if in.IsSet() {
		taken = append(taken, in)
	}
	if m.ID.IsSet() {
		p.placed(m.ID, taken)
	}
	if m.Session.IsSet() {
		p.placed(m.Session, append(taken, spec.Word{Value: id, Span: m.ID.Span}))
	}
	if in.IsSet() && !m.ID.IsSet() {
		p.placed(in, []spec.Word{{Value: id}})
	}
	if !in.IsSet() {
		p.named(send, id, m.Session.Value)
	}
}

// named refuses values whose names are those of an id.
func (p *preparer) named(send []spec.Binding, places ...string) {
	for _, v := range send {
		for _, place := range places {
			p.placed(v.Name, []spec.Word{{Value: place}})
		}
	}
}

// placed refuses a place in a message that something else has.
func (p *preparer) placed(place spec.Word, taken []spec.Word) {
	for _, w := range taken {
		if w.Value != "" && place.Value != "" && overlaps(w.Value, place.Value) {
			p.fail(diag.SamePlace, place.Span, "at "+place.Value+" there is something else in the message: "+w.Value, "write another place or name; id: says where the id stands, session: the id of the run, within: what is sent")
			return
		}
	}
}

// overlaps reports whether two places in a message are one, or one is in the other.
func overlaps(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

// publish resolves a message to a topic.
func (p *preparer) publish(s *spec.Publish) body {
	b := p.newLive(program.Publish)
	b.topic, b.message, b.key = p.text(s.Over.Topic), p.text(s.Message), p.text(s.Key)
	b.secrets = p.scope.Secrets(func() { b.url = p.text(s.Web.URL) })
	p.openURL(s.Web.URL)
	b.timeout, b.timeoutMS = p.expr(s.Timeout), defaultTimeoutMS
	if b.key != nil {
		b.id = cmp.Or(s.Over.ID.Value, defaultID)
	}
	b.session, b.within = s.Over.Session.Value, parts(s.Within)
	p.over(&s.Over, b.id, s.Within, s.Send)
	p.sent(b, nil, s.Send)
	b.fault = p.faults(&s.Fails)
	return b
}

// within puts a value into a message, at a place.
func within(place []string, value []byte) []byte {
	for _, key := range slices.Backward(place) {
		out := append(program.AppendString([]byte{'{'}, key), ": "...)
		value = append(append(out, value...), '}')
	}
	return value
}

// sendable says of what a step sends whether it can be sent to where it goes.
func (b *live) sendable(x *expansion, l *program.Live) {
	if b.url != nil {
		if what, help := address(l.URL, b.topic != nil); what != "" {
			x.refuse(b.url, what, help)
		}
	}
	for _, t := range []struct {
		from *eval.Template
		text string
	}{{b.topic, l.Topic}, {b.reply, l.Reply}} {
		if t.from == nil {
			continue
		}
		if why := topicFault(t.text); why != "" {
			x.refuse(t.from, strconv.Quote(t.text)+" is no topic: "+why, "write words with / between, such as bench/sensor/read")
		}
	}
}

func (x *expansion) refuse(t *eval.Template, what, help string) {
	x.add(diag.Diagnostic{Code: diag.BadAddress, Span: t.Source().Whole(), Message: what, Help: help})
}

// address says what is wrong with an address, and what to write.
func address(text string, broker bool) (what, help string) {
	scheme, rest, ok := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	host, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = host[at+1:]
	}
	ok = ok && host != "" && !strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`"<>\^`+"`{|}", r) })
	web := scheme == "http" || scheme == "https"
	switch {
	case ok && broker && web:
		return strconv.Quote(shown(text)) + " is no broker: there is a topic, and over HTTP there is none", "write mqtt:// or mqtts:// and the name of the broker; or leave the topics out"
	case ok && !broker && slices.Contains(program.Brokers, scheme):
		return strconv.Quote(shown(text)) + " is a broker, and nothing says at which topic", "add topic: and, for an instrument, reply:; or write an address of HTTP"
	case broker && (!ok || !slices.Contains(program.Brokers, scheme)):
		return strconv.Quote(shown(text)) + " is no address of a broker", "write mqtt://, or over TLS mqtts://, and the name of the broker, such as mqtt://broker.local"
	case !broker && (!ok || !web):
		return strconv.Quote(shown(text)) + " is no address", "write http:// or https:// and where, such as http://sensor.local/measure"
	}
	return "", ""
}

// shown is an address without who asks and with what password.
func shown(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	host, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndex(host, "@")
	if !ok || at < 0 {
		return text
	}
	return strings.TrimSuffix(scheme+"://"+host[at+1:]+"/"+path, "/")
}

// topicFault says why something is no topic that is published to, or "".
func topicFault(topic string) string {
	switch {
	case topic == "":
		return "there is nothing"
	case len(topic) > 65535:
		return "it is too long"
	case strings.ContainsAny(topic, "+#"):
		return "+ and # stand for any word, and a message goes to one topic"
	case strings.HasPrefix(topic, "$"):
		return "what begins with $ is the broker's own"
	case strings.ContainsFunc(topic, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "there is a control character in it"
	}
	return ""
}
