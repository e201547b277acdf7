package outside

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
)

// Over a broker there are messages, and nothing that says which of them is an answer to
// which. So each measurement has an id of its own, which the instrument gives back, and
// whatever comes without it is not for us: what is late, what comes twice, what a broker
// has kept, what is for somebody else.

// errTried ends the wait for a connection when one attempt came to nothing.
var errTried = errors.New("the broker does not answer")

// errLost ends the wait on a connection that was lost.
var errLost = errors.New("the connection to the broker was lost")

// publish sends a message to a topic and, where it asks something, waits for the answer.
func (o *Outside) publish(ctx context.Context, l *program.Live) (map[string]string, error) {
	id := l.Key
	if l.Reply != "" {
		id = rand.Text()
	}
	message, err := o.message(l, id)
	if err != nil {
		return nil, &run.Error{Kind: run.Rejected, Message: err.Error()}
	}
	c, lost, err := o.broker(ctx, l)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	heard := &listener{id: id, at: l.ID, answers: make(chan []byte, 1)}
	if l.Reply != "" {
		if err := c.Subscribe(lost, mqtt.Subscription{Filter: l.Reply, QoS: 1, Handle: heard.hear}); err != nil {
			return nil, unsent(lost, l, err)
		}
	}
	m := &mqtt.Message{Topic: l.Topic, Payload: message, QoS: 1}
	if deadline, ok := ctx.Deadline(); ok && l.Reply != "" {
		m.Expiry = max(time.Until(deadline), time.Second) // nobody is to measure for one who has gone
	}
	listened, err := c.Send(lost, m)
	switch {
	case err != nil:
		return nil, unknown(lost, l, err, "")
	case l.Reply == "":
		return nil, nil
	case !listened:
		return nil, &run.Error{Kind: run.Unreachable, Message: "nobody listens to " + l.Topic + " at " + host(l)}
	}
	select {
	case data := <-heard.answers:
		if err := refusal(l, data); err != nil {
			return nil, err
		}
		return read(data, l.Fields)
	case <-lost.Done():
		return nil, unknown(lost, l, lost.Err(), heard.beside())
	}
}

// broker connects to the broker of a step. The context ends when the connection is lost.
func (o *Outside) broker(ctx context.Context, l *program.Live) (*mqtt.Conn, context.Context, error) {
	u, err := url.Parse(l.URL)
	if err != nil {
		return nil, nil, &run.Error{Kind: run.Rejected, Message: "the address of the broker cannot be read"} // it may have a secret in it
	}
	trying, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	options := mqtt.Options{Insecure: true} // as for HTTP: what it says is in the workflow, for everybody to see
	options.User = u.User.Username()
	options.Password, _ = u.User.Password()
	u.User = nil
	if options.Broker, err = mqtt.ParseAddress(u.String()); err != nil {
		return nil, nil, &run.Error{Kind: run.Rejected, Message: err.Error()}
	}
	if o.Reach != nil {
		if err := o.Reach.goes(u); err != nil {
			return nil, nil, &run.Error{Kind: run.Rejected, Message: err.Error()}
		}
		options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := o.Reach.dial(ctx, network, address)
			if errors.Is(err, errBeyond) {
				stop(dialled(err))
			}
			return c, err
		}
	}
	lost, lose := context.WithCancelCause(ctx)
	options.Note = func(n mqtt.Note) {
		if n.Wrong {
			stop(errTried) // it is tried once, as everything here
		}
	}
	options.Up = func(up context.Context, _ *mqtt.Conn) {
		<-up.Done()
		lose(errLost)
	}
	c, err := mqtt.Open(options)
	if err != nil {
		return nil, nil, &run.Error{Kind: run.Rejected, Message: err.Error()}
	}
	if err = c.Ready(trying); err != nil && trying.Err() != nil {
		err = c.Ready(trying) // there may be a connection and something to be said about it
	}
	if err != nil {
		last := c.Last()
		c.Close()
		if cause := context.Cause(trying); errors.Is(cause, errBeyond) {
			return nil, nil, unsent(ctx, l, cause)
		}
		var refused *mqtt.Refused
		if !errors.As(err, &refused) && last != "" && ctx.Err() == nil {
			err = errors.New(last)
		}
		return nil, nil, unsent(ctx, l, err)
	}
	return c, lost, nil
}

// message is what is published: what is sent, with the ids at their places.
func (o *Outside) message(l *program.Live, id string) ([]byte, error) {
	if l.Message != "" {
		return []byte(l.Message), nil
	}
	whole := map[string]any{}
	if l.Body != "" {
		dec := json.NewDecoder(strings.NewReader(l.Body))
		dec.UseNumber()
		if err := dec.Decode(&whole); err != nil {
			return nil, fmt.Errorf("what is sent is no JSON: %w", err)
		}
	}
	if l.ID != "" {
		put(whole, strings.Split(l.ID, "."), id)
	}
	if l.Session != "" {
		put(whole, strings.Split(l.Session, "."), cmp.Or(o.Session, id))
	}
	return json.Marshal(whole)
}

// put puts a value at a place.
func put(in map[string]any, place []string, value string) {
	for ; len(place) > 1; place = place[1:] {
		next, ok := in[place[0]].(map[string]any)
		if !ok {
			next = map[string]any{}
			in[place[0]] = next
		}
		in = next
	}
	in[place[0]] = value
}

// listener waits for the answer with its id.
type listener struct {
	id, at  string
	answers chan []byte

	mu    sync.Mutex
	other string // what came last that was none
}

// hear takes what comes.
func (h *listener) hear(m *mqtt.Message) {
	var answer any
	dec := json.NewDecoder(bytes.NewReader(m.Payload))
	dec.UseNumber()
	var why string
	switch {
	case len(m.Payload) > maxAnswer:
		why = "it has more than a megabyte"
	case dec.Decode(&answer) != nil:
		why = "it is no JSON" + excerpt(m.Payload)
	default:
		v, there := find(answer, strings.Split(h.at, "."))
		if there && fmt.Sprint(v) == h.id {
			select {
			case h.answers <- m.Payload:
			default: // it came twice
			}
			return
		}
		if why = "it answers something else"; !there {
			why = "it has no " + h.at
		}
	}
	h.mu.Lock()
	h.other = why
	h.mu.Unlock()
}

// beside says what came that was no answer.
func (h *listener) beside() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.other == "" {
		return ""
	}
	return "; something came, and " + h.other
}

// refusal is the error of an answer that is one.
func refusal(l *program.Live, data []byte) error {
	var answer struct {
		Error any  `json:"error"`
		Busy  bool `json:"busy"`
	}
	if json.Unmarshal(data, &answer) != nil || answer.Error == nil || answer.Error == "" || answer.Error == false {
		return nil //nolint:nilerr // it is no refusal; what else it is, is read
	}
	text := fmt.Sprint(answer.Error)
	out := &run.Error{Kind: run.Rejected, Message: l.Instrument + " refuses" + excerpt([]byte(text))}
	if answer.Busy {
		out.Kind, out.Message = run.Busy, l.Instrument+" cannot now"+excerpt([]byte(text))
	}
	return out
}

// unsent is the error of what did not come to be sent.
func unsent(ctx context.Context, l *program.Live, err error) error {
	out := &run.Error{Kind: run.Unreachable, Message: host(l) + " cannot be reached: " + err.Error(), Err: err}
	var refused *mqtt.Refused
	switch {
	case errors.Is(err, errBeyond):
		out.Kind, out.Message = run.Rejected, err.Error()
	case errors.As(err, &refused):
		out.Kind, out.Message = run.Rejected, refused.Why
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		out.Kind, out.Message = run.Timeout, host(l)+" gave no answer in time"
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errLost):
		out.Kind, out.Message, out.Err = run.InDoubt, "the wait for "+host(l)+" was given up", ctx.Err()
	}
	return out
}

// unknown is the error of what was sent, or may have been.
func unknown(ctx context.Context, l *program.Live, err error, beside string) error {
	out := &run.Error{Kind: run.InDoubt, Message: "whether " + host(l) + " has it is not known: " + err.Error(), Err: err}
	var refused *mqtt.Refused
	from := cmp.Or(l.Instrument, host(l))
	switch {
	case errors.As(err, &refused):
		out.Kind, out.Message = run.Rejected, refused.Why
	case errors.Is(context.Cause(ctx), errLost):
		out.Message = errLost.Error() + " while " + from + " was waited for"
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		out.Kind, out.Message = run.Timeout, from+" gave no answer in time"+beside
	case ctx.Err() != nil:
		out.Message, out.Err = "the wait for "+from+" was given up", ctx.Err()
	}
	return out
}

// host is the broker of a step, without who asks.
func host(l *program.Live) string {
	u, err := url.Parse(l.URL)
	if err != nil || u.Host == "" {
		return "the broker"
	}
	return u.Host
}
