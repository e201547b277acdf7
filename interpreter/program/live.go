package program

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Live is what a step needs that is carried out beside the robot: a question
// to a person, a measurement, a request, a message. What comes back is not
// known before.
type Live struct {
	Site       int         `json:"site"`                 // which step of the language it is; the same in every expansion
	Message    string      `json:"message,omitempty"`    // of a question or a message
	To         string      `json:"to,omitempty"`         // whom a message is for
	Instrument string      `json:"instrument,omitempty"` // measured with
	Method     string      `json:"method,omitempty"`     // of a request over HTTP
	URL        string      `json:"url,omitempty"`        // of a request or an instrument
	Headers    []string    `json:"headers,omitempty"`    // "Name: value"
	Body       string      `json:"body,omitempty"`       // JSON, or empty where nothing is sent
	Secrets    []string    `json:"secrets,omitempty"`    // names of those of which marks stand in To, URL and Headers
	Topic      string      `json:"topic,omitempty"`      // of a broker, which is then at URL; empty over HTTP
	Reply      string      `json:"reply,omitempty"`      // the topic where answers come
	ID         string      `json:"id,omitempty"`         // where in a message its id stands: keys with dots between
	Session    string      `json:"session,omitempty"`    // where in a message the id of the run stands; empty: nowhere
	Key        string      `json:"key,omitempty"`        // idempotency key, or empty
	TimeoutMS  int64       `json:"timeout_ms,omitempty"` // 0: it is waited for ever
	CacheMS    int64       `json:"cache_ms,omitempty"`   // how old an answer may be to be taken again; 0: none is
	Fresh      bool        `json:"fresh,omitempty"`      // it is asked anew in any case
	Fields     []LiveField `json:"answers,omitempty"`    // what comes back; a single answer has no name
}

// Brokers are how addresses of brokers begin: over plain connections, over TLS,
// and over those of a browser.
var Brokers = []string{"mqtt", "mqtts", "ws", "wss"}

// SecretMark is what stands for a secret until it is sent. Its value is in no
// program, and so in no plan, journal or message.
func SecretMark(name string) string { return "‹secret " + name + "›" }

// LiveField is one value that comes back.
type LiveField struct {
	Name        string   `json:"name"`
	Path        string   `json:"path,omitempty"` // where it stands in the answer
	Type        string   `json:"type"`           // volume, number, …
	Of          string   `json:"of,omitempty"`   // of a list: the type of its elements
	Unit        string   `json:"unit,omitempty"` // of a bare number
	Description string   `json:"description,omitempty"`
	Min         string   `json:"min,omitempty"` // as people write it; empty where there is none
	Max         string   `json:"max,omitempty"`
	Choices     []string `json:"choices,omitempty"`
	Default     *string  `json:"default,omitempty"` // taken where none comes
}

// appendJSON writes what a live step needs.
func (l *Live) appendJSON(b []byte) []byte {
	data, err := json.Marshal(l)
	if err != nil {
		panic("program: a live step is not plain data: " + err.Error())
	}
	return append(append(b, `, "live": `...), data...)
}

// readLive reads what a live step needs, and nothing for any other.
func readLive(kind Kind, data json.RawMessage) (*Live, error) {
	wanted := kind.Info().Fields&HasLive != 0
	switch {
	case !wanted && len(data) == 0:
		return nil, nil
	case !wanted:
		return nil, errors.New("only steps beside the robot have the key live")
	}
	out := &Live{}
	if err := json.Unmarshal(data, out); err != nil {
		return nil, errors.New("its key live cannot be read")
	}
	return out, nil
}

// appendDeferred writes what is likely to come behind the steps.
func (p *Plan) appendDeferred(b []byte) []byte {
	b = append(b, ",\n \"deferred\": ["...)
	o := p.Outlook
	if o == nil {
		return append(b, ']')
	}
	for i := range o.Deferred {
		d := &o.Deferred[i]
		b = append(append(b, comma(i)...), "\n  {"...)
		b = field(b, "step", d.Path, true)
		b = field(b, "file", d.Where.File, false)
		b = count(b, `, "line": `, d.Where.Start.Line)
		b = count(b, `, "column": `, d.Where.Start.Column)
		b = count(b, `, "likely_steps": `, d.Steps)
		if d.AtMost > 0 {
			b = count(b, `, "at_most": `, d.AtMost)
		}
		b = append(b, '}')
	}
	b = count(b, "],\n \"outlook\": {\"steps\": ", o.Steps)
	b = append(b, `, "needs": `...)
	b = o.Needs.appendJSON(b, p.Deck)
	b = append(b, `, "estimate_s": `...)
	return append(quantity.AppendDecimal(b, o.EstimateMS, 1000), '}')
}

func count(b []byte, key string, n int) []byte {
	return strconv.AppendInt(append(b, key...), int64(n), 10)
}

type deferredJSON struct {
	Step   string `json:"step"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Likely int    `json:"likely_steps"`
	AtMost int    `json:"at_most"`
}

type outlookJSON struct {
	Steps    int         `json:"steps"`
	Needs    needsJSON   `json:"needs"`
	Estimate json.Number `json:"estimate_s"`
}

// outlook reads what is likely to come behind the steps.
func (r *reader) outlook() {
	in := r.in.Outlook
	if in == nil {
		if len(r.in.Deferred) > 0 {
			r.fail("it has deferred steps and no outlook")
		}
		return
	}
	out := &Outlook{Steps: in.Steps, Needs: r.needs(&in.Needs), EstimateMS: r.number(in.Estimate, "outlook.estimate_s")}
	for _, d := range r.in.Deferred {
		at := diag.Span{File: d.File, Start: diag.Pos{Line: d.Line, Column: d.Column}}
		out.Deferred = append(out.Deferred, Deferred{Path: d.Step, Where: at, Steps: d.Likely, AtMost: d.AtMost})
	}
	r.plan.Outlook = out
}

// FirstLive returns the first step that is carried out beside the robot, or
// nil. A plan with one is no protocol that a robot can do alone.
func (p *Plan) FirstLive() *Step {
	for i := range p.Steps {
		if p.Steps[i].Live != nil {
			return &p.Steps[i]
		}
	}
	return nil
}

// Reacts reports whether a plan has steps beside the robot, or goes on by what
// such steps give.
func (p *Plan) Reacts() bool { return p.Outlook != nil || p.FirstLive() != nil }

// Live lists the ordinals of the steps beside the robot.
func (p *Plan) Live() []int {
	var out []int
	for i := range p.Steps {
		if p.Steps[i].Live != nil {
			out = append(out, i+1)
		}
	}
	return out
}

// Repeatable reports whether a step beside the robot may be carried out again
// where nobody knows whether it was: a question, a measurement, a request that
// only reads or that, as what is published may, names itself by a key, and a message, since people are rather told twice
// than not at all.
func (s *Step) Repeatable() bool {
	switch l := s.Live; s.Op.Kind {
	case Ask, Measure, Notify:
		return true
	case Publish:
		return l.Key != ""
	case Request:
		return l.Key != "" || l.Verb() == "GET"
	default:
		return false
	}
}

// Verb is the method that a request over HTTP is made with.
func (l *Live) Verb() string {
	switch {
	case l.Method != "":
		return l.Method
	case l.Body != "":
		return "POST"
	}
	return "GET"
}

// BeginsAs reports whether the first n steps of two plans do the same, on decks
// that are the same.
func (p *Plan) BeginsAs(o *Plan, n int) bool {
	if len(p.Steps) < n || len(o.Steps) < n || p.Deck != o.Deck && !bytes.Equal(p.Deck.appendJSON(nil), o.Deck.appendJSON(nil)) {
		return false
	}
	for i := range n {
		if !bytes.Equal(p.Steps[i].appendOp(nil, p.Deck), o.Steps[i].appendOp(nil, o.Deck)) {
			return false
		}
	}
	return true
}
