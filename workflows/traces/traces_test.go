package traces_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/traces"
)

// span is what a collector reads of one, by the protocol's JSON form.
type span struct {
	TraceID, SpanID, ParentSpanID, Name string
	StartTimeUnixNano, EndTimeUnixNano  string
	Attributes                          []struct {
		Key   string
		Value map[string]string
	}
	Status struct {
		Code    int
		Message string
	}
}

// collector takes what it is sent.
type collector struct {
	mu    sync.Mutex
	spans []span
	asked *http.Request
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	var sent struct {
		ResourceSpans []struct{ ScopeSpans []struct{ Spans []span } }
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = r
	if json.Unmarshal(data, &sent) != nil {
		return
	}
	for _, of := range sent.ResourceSpans {
		for _, in := range of.ScopeSpans {
			c.spans = append(c.spans, in.Spans...)
		}
	}
}

// A run is a trace, and its steps are spans of it with their times; what went wrong is
// said, and nothing is lost however many there are.
func TestRunsAreTraced(t *testing.T) {
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	x, err := traces.New(server.URL, "api-key=a%20b, tenant=lab", "test", func(text string, err error) { t.Error(text, err) })
	if err != nil {
		t.Fatal(err)
	}
	r := x.Run("261123-4x7k", "mix", "bench-3")
	const steps = 1000
	for n := 1; n <= steps; n++ {
		r.Step(n, "aspirate", "steps[0]")
		wrong := ""
		if n == 7 {
			wrong = "no tip"
		}
		r.Done(n, "aspirate", "steps[0]", wrong)
	}
	r.Done(steps+1, "home", "steps[1]", "") // nobody saw it begin
	r.Step(steps+2, "delay", "steps[1]")
	r.End("failed")
	x.Close(t.Context())
	if len(c.spans) != steps+3 {
		t.Fatalf("%d spans", len(c.spans))
	}
	if c.asked.URL.Path != "/v1/traces" || c.asked.Header.Get("Api-Key") != "a b" || c.asked.Header.Get("Tenant") != "lab" || c.asked.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v %v", c.asked.URL, c.asked.Header)
	}
	root := c.spans[len(c.spans)-1]
	if root.Name != "mix" || root.ParentSpanID != "" || root.Status.Code != 2 || root.Status.Message != "failed" {
		t.Errorf("%+v", root)
	}
	ids := map[string]bool{}
	hex := regexp.MustCompile(`^[0-9a-f]+$`)
	for i, s := range c.spans {
		from, err1 := strconv.ParseInt(s.StartTimeUnixNano, 10, 64)
		to, err2 := strconv.ParseInt(s.EndTimeUnixNano, 10, 64)
		if ids[s.SpanID] || len(s.SpanID) != 16 || len(s.TraceID) != 32 || !hex.MatchString(s.SpanID+s.TraceID) || s.TraceID != root.TraceID || err1 != nil || err2 != nil || to < from {
			t.Fatalf("span %d: %+v", i, s)
		}
		ids[s.SpanID] = true
		if i < steps+2 && s.ParentSpanID != root.SpanID {
			t.Errorf("span %d is not one of the run", i)
		}
	}
	if s := c.spans[6]; s.Status.Code != 2 || s.Status.Message != "no tip" || s.Attributes[0].Value["intValue"] != "7" {
		t.Errorf("%+v", s)
	}
	if s := c.spans[steps]; s.Name != "home" || s.StartTimeUnixNano != c.spans[steps-1].EndTimeUnixNano {
		t.Errorf("%+v", s)
	}
	if s := c.spans[steps+1]; s.Name != "delay" || s.Status.Message != "left" {
		t.Errorf("%+v", s)
	}
}

// A collector that does not answer keeps nothing waiting: spans are lost, and that is
// said once.
func TestSilentCollectorCostsSpansOnly(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	said := 0
	x, err := traces.New(server.URL, "", "test", func(string, error) { said++ })
	if err != nil {
		t.Fatal(err)
	}
	r := x.Run("a", "b", "c")
	for n := range 100_000 {
		r.Step(n, "x", "y")
		r.Done(n, "x", "y", "")
	}
	r.End("ok")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	x.Close(ctx)
	if said != 1 {
		t.Errorf("it was said %d times", said)
	}
}

func TestNoCollector(t *testing.T) {
	var none *traces.Exporter
	r := none.Run("a", "b", "c")
	r.Step(1, "x", "y")
	r.Done(1, "x", "y", "")
	r.End("ok")
	none.Close(t.Context())
	for _, bad := range []string{"", "localhost:4318", "ftp://x", "http://"} {
		if _, err := traces.New(bad, "", "", nil); err == nil || !strings.Contains(err.Error(), "4318") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
