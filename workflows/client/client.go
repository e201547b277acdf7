// Package client asks a device server for things, over HTTP. It needs nothing else of
// ot2flow: programs that only want runs carried out import this package alone.
//
// A wait that ends never ends the run: it is waited for again by its id.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client asks one server. Its methods may be called by several goroutines.
type Client struct {
	// Token says to the server who asks; empty shows none. It goes to that server
	// alone, encrypted, or not past this computer: see Plain.
	Token string
	// Plain lets the token go over a network where it can be read.
	Plain bool

	base *url.URL
	http *http.Client
}

// New returns a client of the server at an address such as http://localhost:8000.
func New(address string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the address of a server is like http://localhost:8000, and %q is not", address)
	}
	u.Path, u.RawQuery, u.Fragment, u.User = strings.TrimSuffix(u.Path, "/"), "", "", nil
	return &Client{base: u, http: &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		return fmt.Errorf("the server sends us on to %s, which a device server never does", r.URL.Host)
	}}}, nil
}

// Trust has a server trusted that is known by one of the certificates, beside those
// that this computer trusts. They are in the form PEM.
func (c *Client) Trust(authorities []byte) error {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(authorities) {
		return errors.New("there is no certificate in it, which begins with -----BEGIN CERTIFICATE-----")
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	c.http.Transport = t
	return nil
}

var errExposed = errors.New("the token would go over the network so that everybody there can read it; name the server with https://")

// exposed reports whether what is sent can be read on its way.
func (c *Client) exposed() bool {
	if c.base.Scheme == "https" || c.base.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(c.base.Hostname())
	return ip == nil || !ip.IsLoopback()
}

// Run is how a run stands.
type Run struct {
	ID       string          `json:"id"`
	Task     string          `json:"task"`
	State    string          `json:"state"`
	Reason   string          `json:"reason"`
	Over     bool            `json:"over"` // nothing more becomes of it by itself
	Steps    int             `json:"steps"`
	Done     int             `json:"done"`
	Result   json.RawMessage `json:"result"` // what the workflow returns, by name
	Question *struct {
		Message string `json:"message"`
	} `json:"question"`
}

// OK reports whether the run is done.
func (r *Run) OK() bool { return r.State == "ok" }

// Task is what can be carried out.
type Task struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Parameters  []struct {
		Name     string `json:"name"`
		Type     string `json:"type"`
		Unit     string `json:"unit"`
		Default  string `json:"default"`
		Required bool   `json:"required"`
	} `json:"parameters"`
}

// Health is what a server does.
type Health struct {
	Status  string `json:"status"`
	Version string `json:"version"`
	Robot   string `json:"robot"`
	Run     string `json:"run"`    // under way; empty where none is
	Queued  int    `json:"queued"` // runs that wait
}

// Error is what a server answers that does not do what it is asked for.
type Error struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

// Error returns the message, with what is wrong in particular.
func (e *Error) Error() string {
	var lines []string
	for _, one := range e.Errors {
		where := strings.TrimPrefix(strings.TrimPrefix(one.Location, "body"), ".")
		if where != "" {
			where += ": "
		}
		lines = append(lines, where+one.Message)
	}
	if len(lines) == 0 {
		return e.Detail
	}
	return strings.Join(lines, "\n")
}

// Options say how a run is submitted. The zero Options are fine.
type Options struct {
	Key        string // under which nothing is accepted twice
	Priority   int
	Experiment string
	Robot      string   // that does it; empty: any that is free and can
	Labels     []string // that the robot must have
	By         string
	Project    string
}

// Health asks what the server does.
func (c *Client) Health(ctx context.Context) (*Health, error) {
	h := &Health{}
	return h, c.ask(ctx, http.MethodGet, "/health", nil, nil, h)
}

// Tasks asks what can be carried out.
func (c *Client) Tasks(ctx context.Context) ([]Task, error) {
	var list struct{ Tasks []Task }
	err := c.ask(ctx, http.MethodGet, "/tasks", nil, nil, &list)
	return list.Tasks, err
}

// Submit has a task carried out with parameters, and returns when that is accepted.
func (c *Client) Submit(ctx context.Context, task string, params map[string]any, o Options) (*Run, error) {
	q := url.Values{}
	for name, value := range map[string]string{"experiment": o.Experiment, "robot": o.Robot, "labels": strings.Join(o.Labels, ","), "by": o.By, "project": o.Project} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if o.Priority != 0 {
		q.Set("priority", fmt.Sprint(o.Priority))
	}
	header := http.Header{}
	if o.Key != "" {
		header.Set("Idempotency-Key", o.Key)
	}
	if params == nil {
		params = map[string]any{}
	}
	r := &Run{}
	path := "/tasks/" + url.PathEscape(task) + "/runs"
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return r, c.ask(ctx, http.MethodPost, path, header, params, r)
}

// Run asks how a run stands.
func (c *Client) Run(ctx context.Context, id string) (*Run, error) {
	r := &Run{}
	return r, c.ask(ctx, http.MethodGet, "/runs/"+url.PathEscape(id), nil, nil, r)
}

// Answer answers what a run asks for.
func (c *Client) Answer(ctx context.Context, id, value string) error {
	return c.ask(ctx, http.MethodPost, "/runs/"+url.PathEscape(id)+"/answer", nil, map[string]string{"value": value}, &Run{})
}

// Control asks that a run is to pause, resume or stop.
func (c *Client) Control(ctx context.Context, id, what string) error {
	return c.ask(ctx, http.MethodPost, "/runs/"+url.PathEscape(id)+"/"+what, nil, nil, &Run{})
}

// lookEvery is how often a run is asked for that is waited for.
const lookEvery = 300 * time.Millisecond

// Wait waits until a run is over, and says how it stands at every look. A server that
// does not answer is asked again until ctx is done; the run goes on in any case.
func (c *Client) Wait(ctx context.Context, id string, see func(*Run)) (*Run, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		r, err := c.Run(ctx, id)
		var refused *Error
		var stranger *tls.CertificateVerificationError
		switch {
		case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError && refused.Status != http.StatusTooManyRequests:
			return nil, err
		case errors.Is(err, errExposed) || errors.As(err, &stranger):
			return nil, err // which no time makes better
		case err == nil:
			if see != nil {
				see(r)
			}
			if r.Over {
				return r, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// Execute has a task carried out and waits until its run is over. Where that does not
// end well, the run says how.
func (c *Client) Execute(ctx context.Context, task string, params map[string]any) (*Run, error) {
	r, err := c.Submit(ctx, task, params, Options{})
	if err != nil {
		return nil, err
	}
	return c.Wait(ctx, r.ID, nil)
}

func (c *Client) ask(ctx context.Context, method, path string, header http.Header, body, answer any) error {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, in)
	if err != nil {
		return err
	}
	if header != nil {
		r.Header = header
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		if c.exposed() && !c.Plain {
			return errExposed
		}
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		e := &Error{}
		if json.Unmarshal(data, e) != nil || e.Detail == "" {
			e.Detail = resp.Status
		}
		e.Status = resp.StatusCode
		return e
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(data, answer)
}

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 20
