package outside

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// maxAnswer is how long an answer may be, in bytes.
const maxAnswer = 1 << 20

func (o *Outside) client() *http.Client {
	switch {
	case o.HTTP != nil:
		return o.HTTP
	case o.Reach != nil:
		return o.Reach.client
	}
	return &http.Client{CheckRedirect: sameHost}
}

// sameHost follows redirects on one host only, since a request may carry a
// secret.
func sameHost(r *http.Request, via []*http.Request) error {
	if len(via) > 3 || r.URL.Host != via[0].URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// request sends one request and reads what came back.
func (o *Outside) request(ctx context.Context, l *program.Live) (map[string]string, error) {
	r, err := newRequest(ctx, l)
	if err != nil {
		return nil, &run.Error{Kind: run.Rejected, Message: err.Error()}
	}
	data, err := o.send(r)
	if err != nil {
		return nil, err
	}
	if len(l.Fields) == 0 {
		return nil, nil
	}
	return read(data, l.Fields)
}

func newRequest(ctx context.Context, l *program.Live) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, l.Verb(), l.URL, strings.NewReader(l.Body))
	if err != nil || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address: it begins with http:// or https://", l.URL)
	}
	if l.Body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "ot2flow")
	for _, h := range l.Headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, fmt.Errorf("%q is no header: write its name, a colon and its value", h)
		}
		r.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if l.Key != "" {
		r.Header.Set("Idempotency-Key", l.Key)
	}
	return r, nil
}

// send sends a request once and returns the body of an answer that is no
// refusal.
func (o *Outside) send(r *http.Request) ([]byte, error) {
	if o.Reach != nil && o.HTTP == nil {
		if err := o.Reach.goes(r.URL); err != nil {
			return nil, &run.Error{Kind: run.Rejected, Message: err.Error()}
		}
	}
	answer, err := o.client().Do(r)
	if err != nil {
		return nil, failed(r, err)
	}
	defer func() { _ = answer.Body.Close() }() // what was only read may fail to go away
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, failed(r, err)
	case len(data) > maxAnswer:
		return nil, &run.Error{Kind: run.Rejected, Message: r.URL.Host + " answers with more than a megabyte"}
	case answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusServiceUnavailable:
		return nil, &run.Error{Kind: run.Busy, Message: r.URL.Host + " is busy: " + answer.Status}
	case answer.StatusCode >= 500:
		return nil, &run.Error{Kind: run.InDoubt, Message: r.URL.Host + " answers " + answer.Status + excerpt(data)}
	case answer.StatusCode >= 300:
		return nil, &run.Error{Kind: run.Rejected, Message: r.URL.Host + " answers " + answer.Status + excerpt(data)}
	}
	return data, nil
}

// excerpt is the beginning of what another program said about its refusal.
func excerpt(data []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(data[:min(len(data), 200)]), "")), " ")
	if text == "" {
		return ""
	}
	return ": " + text
}

// failed says what is known after a request that brought no answer. Where no
// connection came about, nothing was taken.
func failed(r *http.Request, err error) error {
	out := &run.Error{Kind: run.InDoubt, Message: "the answer of " + r.URL.Host + " was cut off", Err: err}
	var dial *net.OpError
	switch {
	case errors.Is(err, errBeyond):
		out.Kind, out.Message = run.Rejected, dialled(err).Error()
	case errors.As(err, &dial) && dial.Op == "dial":
		out.Kind, out.Message = run.Unreachable, r.URL.Host+" cannot be reached: "+dial.Err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		out.Kind, out.Message = run.Timeout, r.URL.Host+" gave no answer in time"
	case errors.Is(err, context.Canceled):
		out.Message = "the wait for " + r.URL.Host + " was given up"
	}
	return out
}

// dialled is what a connection was refused for, without where and how it was tried.
func dialled(err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) {
		return dial.Err
	}
	return err
}

// read finds the declared values in an answer.
func read(data []byte, fields []program.LiveField) (map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var answer any
	if err := dec.Decode(&answer); err != nil {
		return nil, &run.Error{Kind: run.Rejected, Message: "the answer is no JSON" + excerpt(data)}
	}
	out := map[string]string{}
	for i := range fields {
		f := &fields[i]
		v, there := find(answer, strings.Split(cmp.Or(f.Path, f.Name), "."))
		if !there || v == nil {
			continue // a default may stand in
		}
		text, err := textOf(v, f)
		if err != nil {
			return nil, &run.Error{Kind: run.Rejected, Message: f.Name + ": " + err.Error()}
		}
		out[f.Name] = text
	}
	return out, nil
}

// find follows a path of keys and positions.
func find(v any, path []string) (any, bool) {
	for _, key := range path {
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[key]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := json.Number(key).Int64()
			if err != nil || i < 0 || i >= int64(len(in)) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// textOf is a value as people write it: a bare number gets its unit.
func textOf(v any, f *program.LiveField) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return fmt.Sprint(v), nil
	case json.Number:
		if f.Unit == "" {
			return v.String(), nil
		}
		return v.String() + " " + f.Unit, nil
	}
	return "", errors.New("a single value is wanted, and there is a list or a mapping")
}
