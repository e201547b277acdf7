// Package traces tells a collector of OpenTelemetry what runs did and how long it took:
// a trace for every run, with a span for each step.
//
// It writes the protocol's JSON form by itself (OTLP/HTTP). The library would bring
// Protocol Buffers and gRPC's status codes into every command, also those that are no
// server, for what are a few fields here. A collector that does not answer costs
// spans, and never keeps a run waiting.
package traces

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Exporter sends spans to a collector. A nil Exporter sends nothing. Its methods may be
// called by several goroutines.
type Exporter struct {
	url     string
	headers http.Header
	version string
	log     func(text string, err error)
	client  http.Client

	mu     sync.Mutex
	queue  chan []span
	closed bool

	lost atomic.Int64 // spans
	done sync.WaitGroup
	quit context.CancelFunc
}

// Limits of what is kept for a collector, and of how long it may take.
const (
	batchSpans  = 256
	queueLength = 64 // batches
	sendWithin  = 10 * time.Second
)

// New returns an exporter to a collector at an address such as
// http://localhost:4318, with headers as OTEL_EXPORTER_OTLP_HEADERS has them, such as
// "api-key=x,tenant=y". Version is that of ot2flow. What goes wrong is logged, once
// until it goes well again.
func New(endpoint, headers, version string, log func(text string, err error)) (*Exporter, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("a collector's address is like http://localhost:4318")
	}
	if !strings.HasSuffix(u.Path, "/v1/traces") {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/v1/traces"
	}
	x := &Exporter{url: u.String(), headers: http.Header{}, version: version, log: log, queue: make(chan []span, queueLength), client: http.Client{Timeout: sendWithin}}
	for pair := range strings.SplitSeq(headers, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			if value, err = url.PathUnescape(strings.TrimSpace(value)); err != nil {
				return nil, fmt.Errorf("the header %s: %w", name, err)
			}
			x.headers.Set(strings.TrimSpace(name), value)
		}
	}
	var ctx context.Context
	ctx, x.quit = context.WithCancel(context.Background())
	x.done.Go(func() { x.send(ctx) })
	return x, nil
}

// Close sends what is there, and waits for it no longer than ctx.
func (x *Exporter) Close(ctx context.Context) {
	if x == nil {
		return
	}
	stop := context.AfterFunc(ctx, x.quit)
	defer stop()
	x.mu.Lock()
	if !x.closed {
		close(x.queue)
	}
	x.closed = true
	x.mu.Unlock()
	x.done.Wait()
	x.quit()
}

// Run is the trace of a run. A nil Run takes everything and sends nothing. It is used by
// one goroutine.
type Run struct {
	exporter *Exporter
	trace    string
	root     span
	last     time.Time // when something was over, or the run began
	open     map[int]span
	batch    []span
}

// Run begins the trace of a run, by its id: a run that is gone on with has one trace,
// with a span for each time that it was followed.
func (x *Exporter) Run(id, workflow, robot string) *Run {
	if x == nil {
		return nil
	}
	now := time.Now()
	r := &Run{exporter: x, trace: idOf(16, id), last: now, open: map[int]span{}}
	r.root = span{
		Trace: r.trace, ID: idOf(8, id, strconv.FormatInt(now.UnixNano(), 10)), Name: workflow, Kind: 1, Start: nanos(now),
		Attributes: []attribute{text("ot2flow.run", id), text("ot2flow.workflow", workflow), text("ot2flow.robot", robot)},
	}
	return r
}

// idOf is an id of so many bytes that stands for what is given.
func idOf(size int, of ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(of, "\x00")))
	return hex.EncodeToString(sum[:size])
}

// Step says that step n, of that name and place in the workflow, begins.
func (r *Run) Step(n int, name, place string) {
	if r != nil {
		r.open[n] = r.step(n, name, place, time.Now())
	}
}

func (r *Run) step(n int, name, place string, from time.Time) span {
	return span{
		Trace: r.trace, ID: idOf(8, r.root.ID, strconv.Itoa(n), strconv.FormatInt(from.UnixNano(), 10)), Parent: r.root.ID, Name: name, Kind: 1, Start: nanos(from),
		Attributes: []attribute{number("ot2flow.step", n), text("ot2flow.place", place)},
	}
}

// Done says that step n is over, and what went wrong; empty for nothing. One that
// nobody saw begin is taken to have begun when the one before was over.
func (r *Run) Done(n int, name, place, wrong string) {
	if r == nil {
		return
	}
	s, there := r.open[n]
	if !there {
		s = r.step(n, name, place, r.last)
	}
	delete(r.open, n)
	r.close(s, wrong)
}

// End says that the run is not followed any more, and how it ended.
func (r *Run) End(result string) {
	if r == nil {
		return
	}
	for _, s := range r.open {
		r.close(s, "left")
	}
	r.root.Attributes = append(r.root.Attributes, text("ot2flow.result", result))
	wrong := result
	if result == "ok" {
		wrong = ""
	}
	r.close(r.root, wrong)
	r.flush()
}

func (r *Run) close(s span, wrong string) {
	r.last = time.Now()
	s.End = nanos(r.last)
	s.Status = &status{Code: 1}
	if wrong != "" {
		s.Status = &status{Code: 2, Message: wrong}
	}
	if r.batch = append(r.batch, s); len(r.batch) >= batchSpans {
		r.flush()
	}
}

// flush hands over what there is, unless the collector is too slow.
func (r *Run) flush() {
	r.exporter.take(r.batch)
	r.batch = nil
}

func (x *Exporter) take(batch []span) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.closed {
		select {
		case x.queue <- batch:
			return
		default:
		}
	}
	x.lost.Add(int64(len(batch)))
}

// send sends batches until there are no more.
func (x *Exporter) send(ctx context.Context) {
	well := true
	for batch := range x.queue {
		err := x.post(ctx, batch)
		if lost := x.lost.Swap(0); lost > 0 && err == nil {
			err = fmt.Errorf("it is too slow: %d spans are lost", lost)
		}
		switch {
		case err != nil && well:
			x.log("traces are not taken by "+x.url, err)
		case err == nil && !well:
			x.log("traces are taken again by "+x.url, nil)
		}
		well = err == nil
	}
}

func (x *Exporter) post(ctx context.Context, batch []span) error {
	data, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{
		"resource":   map[string]any{"attributes": []attribute{text("service.name", "ot2flow"), text("service.version", x.version)}},
		"scopeSpans": []any{map[string]any{"scope": map[string]string{"name": "ot2flow", "version": x.version}, "spans": batch}},
	}}})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header = x.headers.Clone()
	r.Header.Set("Content-Type", "application/json")
	resp, err := x.client.Do(r)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return errors.New("it answers " + resp.Status)
	}
	return nil
}

// span is one in the protocol's JSON form.
type span struct {
	Trace      string      `json:"traceId"`
	ID         string      `json:"spanId"`
	Parent     string      `json:"parentSpanId,omitempty"`
	Name       string      `json:"name"`
	Kind       int         `json:"kind"` // 1: internal
	Start      string      `json:"startTimeUnixNano"`
	End        string      `json:"endTimeUnixNano"`
	Attributes []attribute `json:"attributes,omitempty"`
	Status     *status     `json:"status,omitempty"`
}

type status struct {
	Message string `json:"message,omitempty"`
	Code    int    `json:"code"` // 1: ok, 2: error
}

type attribute struct {
	Key   string            `json:"key"`
	Value map[string]string `json:"value"` // numbers are texts in this form, too
}

func text(key, value string) attribute {
	return attribute{key, map[string]string{"stringValue": value}}
}

func number(key string, n int) attribute {
	return attribute{key, map[string]string{"intValue": strconv.Itoa(n)}}
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
