package robot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
)

// Bounds of what an answer may take, in bytes. An analysis has every command
// with its result; loading a labware gives its definition back.
const (
	maxAnswer   = 16 << 20
	maxAnalysis = 256 << 20
)

// client speaks HTTP with one robot. It repeats nothing.
type client struct {
	base     string
	http     *http.Client
	requests atomic.Int64
}

func newClient(base string) *client {
	dialer := net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &client{base: base, http: &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dialer.DialContext(ctx, network, address)
				if tcp, ok := c.(*net.TCPConn); ok {
					// What was not delivered when a request is given up must
					// not be delivered minutes later, when nobody expects it.
					err = errors.Join(err, tcp.SetLinger(0))
				}
				return c, err
			},
			MaxIdleConnsPerHost: 2,
			IdleConnTimeout:     time.Minute,
			// A robot is in the same room: proxies of the environment are not asked.
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refusal is an answer of the robot that says no.
type refusal struct {
	status int
	id     string   // RunNotFound
	types  []string // of the exceptions behind it
	detail string
}

func (r *refusal) Error() string {
	text := shorten(r.detail)
	if r.id != "" {
		text = strings.TrimSpace(text + " [" + r.id + "]")
	}
	return fmt.Sprintf("%d %s", r.status, text)
}

// refusedWith returns the refusal err is, if it has one of the statuses.
func refusedWith(err error, statuses ...int) *refusal {
	var r *refusal
	if errors.As(err, &r) && slices.Contains(statuses, r.status) {
		return r
	}
	return nil
}

// failure makes an error of a kind.
func failure(k run.Kind, cause error, format string, args ...any) *run.Error {
	return &run.Error{Kind: k, Message: fmt.Sprintf(format, args...), Err: cause}
}

// request is one request.
type request struct {
	method, path string
	kind         string // of body
	body         []byte
	limit        time.Duration
	most         int64 // bytes of the answer
}

func (c *client) get(ctx context.Context, path string, limit time.Duration, into any) error {
	return c.do(ctx, request{method: http.MethodGet, path: path, limit: limit, most: maxAnswer}, into)
}

func (c *client) send(ctx context.Context, method, path string, body any, limit time.Duration, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: method, path: path, kind: "application/json", body: data, limit: limit, most: maxAnswer}, into)
}

// upload sends a protocol as a form.
func (c *client) upload(ctx context.Context, name, key string, protocol []byte, limit time.Duration, into any) error {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("files", name)
	if err == nil {
		_, err = part.Write(protocol)
	}
	if err = errors.Join(err, form.WriteField("key", key), form.Close()); err != nil {
		return err
	}
	return c.do(ctx, request{method: http.MethodPost, path: "/protocols", kind: form.FormDataContentType(), body: b.Bytes(), limit: limit, most: maxAnswer}, into)
}

// do sends a request once and reads the answer. An error is a *run.Error:
// Unreachable or Timeout where nothing is known of what became of the request,
// Rejected, with a *refusal in it, where the robot said no.
func (c *client) do(ctx context.Context, q request, into any) error {
	ctx, cancel := context.WithTimeout(ctx, q.limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, c.base+q.path, bytes.NewReader(q.body))
	if err != nil {
		return failure(run.Rejected, err, "%s is no address of a robot", c.base)
	}
	req.Header.Set("Opentrons-Version", "*")
	req.Header.Set("Accept", "application/json")
	if q.kind != "" {
		req.Header.Set("Content-Type", q.kind)
	}
	c.requests.Add(1)
	resp, err := c.http.Do(req)
	if err != nil {
		return c.silence(err, q.limit)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, q.most+1))
	switch {
	case err != nil:
		return c.silence(err, q.limit)
	case int64(len(data)) > q.most:
		return failure(run.Unreachable, nil, "%s answers with more than %d MB; that is no answer of a robot", c.base, q.most>>20)
	case resp.StatusCode >= 300:
		return c.refused(resp, data)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return failure(run.Unreachable, err, "what %s answers is not what a robot answers (%s)", c.base, sort(resp, data))
	}
	return nil
}

// silence says why there is no answer.
func (c *client) silence(err error, limit time.Duration) error {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return failure(run.Unreachable, err, "not waited for any longer")
	case errors.Is(err, context.DeadlineExceeded):
		return failure(run.Timeout, err, "%s did not answer within %s", c.base, limit)
	case errors.As(err, &dns):
		return failure(run.Unreachable, &unsent{err}, "there is no host called %s; check the robot's address, or write its IP address", dns.Name)
	case errors.As(err, &op) && op.Op == "dial":
		return failure(run.Unreachable, &unsent{err}, "nothing answers at %s (%s); check that the robot is on, that it is in this network, and its address", c.base, cause(op))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return failure(run.Unreachable, err, "the answer of %s broke off in the middle", c.base)
	}
	return failure(run.Unreachable, err, "the connection to %s broke off", c.base)
}

// unsent marks an error that happened before a byte of the request went out.
type unsent struct{ error }

func (u *unsent) Unwrap() error { return u.error }

// mayBeHeard reports whether a request that failed with err may have been taken
// by the robot all the same.
func mayBeHeard(err error) bool {
	var never *unsent
	if errors.As(err, &never) {
		return false
	}
	var r *refusal
	return !errors.As(err, &r) || r.status >= 500
}

func cause(op *net.OpError) string {
	if op.Timeout() {
		return "no answer"
	}
	err := op.Err
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

// sort describes an answer that makes no sense.
func sort(resp *http.Response, data []byte) string {
	head := strings.ToLower(string(bytes.TrimSpace(data[:min(len(data), 64)])))
	switch {
	case len(data) == 0:
		return "nothing at all"
	case strings.HasPrefix(head, "<"):
		return "a web page"
	case strings.HasPrefix(head, "{") || strings.HasPrefix(head, "["):
		return "JSON that is cut short or of another kind"
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.TrimSpace("something else " + kind)
}

// refused reads an answer that says no, in either of the robot's two forms.
func (c *client) refused(resp *http.Response, data []byte) error {
	r := &refusal{status: resp.StatusCode}
	var f faultJSON
	var items []faultItemJSON
	if json.Unmarshal(data, &f) == nil {
		r.detail = f.Message
		if json.Unmarshal(f.Errors, &items) == nil && len(items) > 0 {
			r.id, r.detail, r.types = items[0].ID, items[0].Detail, items[0].Meta.types()
		}
	}
	known := r.id != "" || r.detail != ""
	switch {
	case r.status >= 500 && !known:
		return failure(run.Unreachable, r, "%s answers with error %d (%s)", c.base, r.status, sort(resp, data))
	case r.status >= 500:
		return failure(run.Unreachable, r, "the robot answers with error %s", r)
	case !known:
		return failure(run.Rejected, r, "%s answers %d with %s; that is not what a robot answers: check the address", c.base, r.status, sort(resp, data))
	case r.id == "OutdatedAPIVersion":
		return failure(run.Rejected, r, "the robot's software no longer speaks the interface that ot2flow speaks: %s", r)
	case r.status == http.StatusUnauthorized || r.status == http.StatusForbidden:
		return failure(run.Rejected, r, "the robot does not let ot2flow do this: %s", r)
	}
	return failure(run.Rejected, r, "the robot says no: %s", r)
}
