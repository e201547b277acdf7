// Package outside carries out what a workflow asks of the world beside the
// robot: measurements, requests to other programs, messages to topics and to people. It
// owns how they travel; what they mean, and whether an answer is one, is the
// interpreter's. It never repeats anything by itself.
package outside

import (
	"context"
	"net/http"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// Outside carries out live steps. The zero Outside sends over HTTP and knows no
// mail server.
type Outside struct {
	HTTP    *http.Client // nil is one that follows no redirect to another host
	Reach   *Reach       // where requests may go, unless HTTP is set; nil is everywhere
	Mail    Mail
	Session string // the id of the run, for messages that carry it
	// Secret reads a secret by its name; nil is the function Secret.
	Secret func(name string) (string, error)
}

// Mail is where messages to mail addresses are handed in.
type Mail struct {
	Server   string // host:port; empty where there is none
	From     string
	User     string // empty where the server wants none
	Password string
}

// Perform carries out a measurement, a request or a message, and returns what
// came back, as people write it. Errors are of type *run.Error: Unreachable
// says that nothing was taken, InDoubt that something may have been, Timeout
// that no answer came in time, Rejected that the other side said no.
func (o *Outside) Perform(ctx context.Context, s *program.Step) (map[string]string, error) {
	l := s.Live
	if l.TimeoutMS > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(l.TimeoutMS)*time.Millisecond)
		defer cancel()
	}
	l, hide, err := o.revealed(l)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	switch s.Op.Kind {
	case program.Publish:
		_, err = o.publish(ctx, l)
	case program.Measure, program.Request:
		carryOut := o.request
		if l.Topic != "" {
			carryOut = o.publish
		}
		values, err = carryOut(ctx, l)
	case program.Notify:
		err = o.notify(ctx, l)
	default:
		return nil, &run.Error{Kind: run.Rejected, Message: s.Op.Kind.String() + " is not asked of the world"}
	}
	if len(l.Secrets) > 0 { // which may have come back
		for name, v := range values {
			values[name] = hide.Replace(v)
		}
		err = hidden(err, hide)
	}
	return values, err
}
