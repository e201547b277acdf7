package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/workflows/traces"
)

var (
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$`)
	promised   = regexp.MustCompile(`^# (HELP|TYPE) (\S+) (\S.*)$`)
)

// scrape reads the metrics as strictly as their form is described, and returns them by
// name with labels.
func (b *bench) scrape() map[string]float64 {
	b.t.Helper()
	resp, err := http.Get(b.URL + "/metrics")
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		b.t.Fatal(resp.StatusCode, resp.Header, err)
	}
	out, kinds, helped, last := map[string]float64{}, map[string]string{}, map[string]bool{}, ""
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if m := promised.FindStringSubmatch(line); m != nil {
			if m[1] == "HELP" {
				helped[m[2]] = true
			} else if _, twice := kinds[m[2]]; twice {
				b.t.Errorf("line %d: %s is there twice", i+1, m[2])
			} else {
				kinds[m[2]], last = m[3], m[2]
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			b.t.Errorf("line %d is none: %q", i+1, line)
			continue
		}
		of := m[1]
		if kinds[last] == "histogram" {
			of = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(of, "_bucket"), "_sum"), "_count")
		}
		if of != last || !helped[of] || kinds[of] == "counter" != strings.HasSuffix(of, "_total") {
			b.t.Errorf("line %d: %s stands with %s, a %s", i+1, m[1], last, kinds[of])
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			b.t.Errorf("line %d: %v", i+1, err)
		}
		if _, twice := out[m[1]+m[2]]; twice {
			b.t.Errorf("line %d: %s%s is there twice", i+1, m[1], m[2])
		}
		out[m[1]+m[2]] = value
	}
	return out
}

// The metrics tell of what was done, and only of that.
func TestMetrics(t *testing.T) {
	_, robot := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	b := serve(t, robot, journalFile(t), smallText, askText)
	before := b.scrape()
	v := b.want(200, "POST", "/tasks/small/runs", `{}`, "Prefer", "wait=60")
	b.want(422, "POST", "/tasks/small/runs", `{"well": "Z9"}`)
	b.want(421, "GET", "/health", "", "Host", "evil.example")
	now := b.scrape()
	for name, more := range map[string]float64{
		"ot2flow_runs_submitted_total":              1,
		"ot2flow_runs_begun_total":                  1,
		`ot2flow_runs_ended_total{result="ok"}`:     1,
		`ot2flow_runs_ended_total{result="failed"}`: 0,
		"ot2flow_steps_total":                       v["steps"].(float64),
		"ot2flow_http_unfit_total":                  1,
		`ot2flow_http_requests_total{operation="POST /tasks/{task}/runs",status="2xx"}`: 1,
		`ot2flow_http_requests_total{operation="POST /tasks/{task}/runs",status="4xx"}`: 1,
		`ot2flow_http_request_seconds_bucket{le="+Inf"}`:                                3, // and a look at the metrics
		"ot2flow_http_request_seconds_count":                                            3,
		fmt.Sprintf("ot2flow_robot_queued%s", labels("robot", robot)):                   0,
		fmt.Sprintf("ot2flow_robot_busy%s", labels("robot", robot)):                     0,
		"ot2flow_runs_waiting_for_person":                                               0,
	} {
		if got := now[name] - before[name]; got != more {
			t.Errorf("%s: %g more, want %g", name, got, more)
		}
	}
	if now["ot2flow_tasks"] != 2 || now["process_resident_memory_bytes"] < 1e6 || now["go_goroutines"] < 2 {
		t.Errorf("%v", now)
	}
	was := 0.0
	for _, le := range bounds {
		n, there := now[fmt.Sprintf("ot2flow_http_request_seconds_bucket%s", labels("le", strconv.FormatFloat(le, 'g', -1, 64)))]
		if !there || n < was {
			t.Errorf("the buckets up to %g have %g, and %g before", le, n, was)
		}
		was = n
	}
	id := b.want(202, "POST", "/tasks/asks/runs", `{}`)["id"].(string)
	b.until(id, asksNow)
	now = b.scrape()
	if now["ot2flow_runs_waiting_for_person"] != 1 || now["ot2flow_person_waits_total"] != 1 || now[fmt.Sprintf("ot2flow_robot_busy%s", labels("robot", robot))] != 1 {
		t.Errorf("%v", now)
	}
	b.want(202, "POST", "/runs/"+id+"/stop", "")
	b.until(id, func(v map[string]any) bool { return v["over"] == true })
}

func TestLabels(t *testing.T) {
	if got := labels("a", "x\"y\\z\nä", "b", ""); got != `{a="x\"y\\z\nä",b=""}` || !sampleLine.MatchString("m"+got+" 1") {
		t.Error(got)
	}
}

// A server says that it is there, by whatever name it is asked and to whoever asks, and
// that it is not ready when it is about to end.
func TestReady(t *testing.T) {
	b := serveGuarded(t, "sim", journalFile(t), folderOf(t, mixText), Options{Tokens: true})
	for _, path := range []string{"/healthz", "/readyz"} {
		b.want(200, "GET", path, "", "Host", "10.1.2.3:8000")
	}
	b.server.End()
	b.want(200, "GET", "/healthz", "")
	if v := b.want(503, "GET", "/readyz", ""); !strings.Contains(v["detail"].(string), "about to end") {
		t.Errorf("%v", v)
	}
}

// A run on a robot is a trace, with a span for each step.
func TestTraces(t *testing.T) {
	got := make(chan string, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got <- string(data)
	}))
	defer collector.Close()
	x, err := traces.New(collector.URL, "", "test", func(text string, err error) { t.Error(text, err) })
	if err != nil {
		t.Fatal(err)
	}
	_, robot := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	b := serve(t, robot, journalFile(t), smallText)
	b.device.Traces = x
	v := b.want(200, "POST", "/tasks/small/runs", `{}`, "Prefer", "wait=60")
	b.stop()
	x.Close(t.Context())
	close(got)
	var all strings.Builder
	for text := range got {
		all.WriteString(text)
	}
	steps := int(v["steps"].(float64))
	if n := strings.Count(all.String(), `"spanId"`); n != steps+1 || !strings.Contains(all.String(), v["id"].(string)) || strings.Count(all.String(), `"ot2flow.step"`) != steps {
		t.Errorf("%d spans of a run of %d steps: %s", n, steps, all.String())
	}
}
