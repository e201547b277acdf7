package server

import (
	"context"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// Metrics are written by hand: the form is a line for each number, and what a library
// would do besides costs every command that is no server. Prometheus's own takes 200 kB
// and 1.5 to 5 ms before main, and brings Protocol Buffers; a small one takes half a
// millisecond, and writes no help.

// metric is a number, or several by their labels.
type metric struct {
	name, kind, help string

	read func(at *standing, put func(labels string, value float64))
}

// standing is what metrics are read from.
type standing struct {
	server *Server
	now    time.Time
	counts service.Counted
	robots []service.RobotView
	queued int // runs that any robot may take
	people int // runs that wait for a person
	memory runtime.MemStats
	own    process
}

// metrics are all there are. Their names are relied on: they are added to, and never
// mean something else.
func metrics() []metric {
	number := func(name, kind, help string, read func(at *standing) float64) metric {
		return metric{name, kind, help, func(at *standing, put func(string, float64)) { put("", read(at)) }}
	}
	counter := func(name, help string, read func(at *standing) float64) metric {
		return number(name, "counter", help, read)
	}
	gauge := func(name, help string, read func(at *standing) float64) metric {
		return number(name, "gauge", help, read)
	}
	robots := func(name, help string, read func(v *service.RobotView) float64) metric {
		return metric{name, "gauge", help, func(at *standing, put func(string, float64)) {
			for i := range at.robots {
				put(labels("robot", at.robots[i].Name), read(&at.robots[i]))
			}
		}}
	}
	return []metric{
		{"ot2flow_info", "gauge", "1, with the version.", func(at *standing, put func(string, float64)) { put(labels("version", at.server.version), 1) }},
		counter("ot2flow_runs_submitted_total", "Runs that were accepted for a robot.", func(at *standing) float64 { return float64(at.counts.Submitted) }),
		counter("ot2flow_runs_computed_total", "Runs that needed no robot and were over at once.", func(at *standing) float64 { return float64(at.counts.Computed) }),
		counter("ot2flow_runs_begun_total", "Runs that were begun or gone on with on a robot.", func(at *standing) float64 { return float64(at.counts.Begun) }),
		{"ot2flow_runs_ended_total", "counter", "Runs that robots ended, by how; left is one that is still to be gone on with.", func(at *standing, put func(string, float64)) {
			for _, how := range slices.Sorted(maps.Keys(at.counts.Ended)) {
				put(labels("result", how), float64(at.counts.Ended[how]))
			}
		}},
		counter("ot2flow_steps_total", "Steps that robots have done.", func(at *standing) float64 { return float64(at.counts.Steps) }),
		counter("ot2flow_live_steps_total", "Measurements, requests and questions that were done beside robots.", func(at *standing) float64 { return float64(at.counts.Live) }),
		counter("ot2flow_person_waits_total", "How often a run began to wait for a person.", func(at *standing) float64 { return float64(at.counts.Waits) }),
		gauge("ot2flow_runs_waiting_for_person", "Runs that wait for a person now.", func(at *standing) float64 { return float64(at.people) }),
		counter("ot2flow_robot_halts_total", "How often a robot stood still without its plan asking for it.", func(at *standing) float64 { return float64(at.counts.Halts) }),
		counter("ot2flow_robot_lost_total", "How often a robot could not be reached in the middle of a run.", func(at *standing) float64 { return float64(at.counts.Lost) }),
		robots("ot2flow_robot_busy", "Whether a run is under way on the robot.", func(v *service.RobotView) float64 { return one01(v.Run != "") }),
		robots("ot2flow_robot_queued", "Runs that wait for this robot alone.", func(v *service.RobotView) float64 { return float64(v.Queued) }),
		robots("ot2flow_robot_blocked", "Whether something waits for the robot though nothing is under way on it.", func(v *service.RobotView) float64 { return one01(v.Waiting != "") }),
		robots("ot2flow_robot_paused", "Whether the robot begins nothing, because of a pause of its queue or of maintenance.", func(v *service.RobotView) float64 { return one01(v.Paused != nil) }),
		gauge("ot2flow_queued_for_any", "Runs that wait for any robot.", func(at *standing) float64 { return float64(at.queued) }),
		gauge("ot2flow_tasks", "Tasks that are served.", func(at *standing) float64 { return float64(len(at.server.device.Tasks.Snapshot().Versions)) }),
		gauge("ot2flow_task_problems", "Files that are not served as they are.", func(at *standing) float64 { return float64(len(at.server.device.Tasks.Snapshot().Problems)) }),
		counter("ot2flow_reloads_total", "How often the tasks were made anew because files had changed.", func(at *standing) float64 { return float64(at.server.reloads.Load()) }),
		counter("ot2flow_http_unfit_total", "Requests that were not looked at: another name or origin, too many, or not written plainly.", func(at *standing) float64 { return float64(at.server.unfit.Load()) }),
		{"ot2flow_http_requests_total", "counter", "Requests by what they asked for, and by the first digit of the answer's status.", func(at *standing, put func(string, float64)) { at.server.traffic.requests(put) }},
		{"ot2flow_http_request_seconds", "histogram", "How long answers took, but those that go on as long as somebody listens; with what was waited for.", func(at *standing, put func(string, float64)) { at.server.traffic.seconds(put) }},
		{"ot2flow_certificate_expires_seconds", "gauge", "Until when the certificate is good, in seconds since 1970.", func(at *standing, put func(string, float64)) {
			if files := at.server.options.Certificate; files != nil {
				put("", float64(files.Leaf().NotAfter.Unix()))
			}
		}},
		counter("process_cpu_seconds_total", "Time of processors that was used.", func(at *standing) float64 { return at.own.cpu }),
		gauge("process_start_time_seconds", "When the server began, in seconds since 1970.", func(at *standing) float64 { return float64(at.server.began.UnixMilli()) / 1000 }),
		{"process_resident_memory_bytes", "gauge", "Memory in use.", func(at *standing, put func(string, float64)) { at.own.put(put, at.own.resident) }},
		{"process_open_fds", "gauge", "Open files and connections.", func(at *standing, put func(string, float64)) { at.own.put(put, at.own.files) }},
		gauge("go_goroutines", "Goroutines.", func(*standing) float64 { return float64(runtime.NumGoroutine()) }),
		gauge("go_memstats_heap_alloc_bytes", "Memory that Go's heap uses.", func(at *standing) float64 { return float64(at.memory.HeapAlloc) }),
		counter("go_gc_cycles_total", "Collections of what memory is not used any more.", func(at *standing) float64 { return float64(at.memory.NumGC) }),
	}
}

func one01(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// metricsText answers GET /metrics.
func (s *Server) metricsText(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	at := &standing{server: s, now: time.Now(), counts: s.device.Counted(), own: processNow()}
	var err error
	if at.robots, err = s.device.RobotViews(ctx); err == nil {
		at.queued, at.people, err = s.device.Waits(ctx)
	}
	if err != nil {
		writeError(w, answered(err))
		return
	}
	runtime.ReadMemStats(&at.memory)
	var b []byte
	all := metrics()
	for i := range all {
		b = all[i].append(b, at)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(b) // whoever asked may be gone
}

// append writes a metric in Prometheus's text form; one that has no value now is left
// out.
func (m *metric) append(b []byte, at *standing) []byte {
	first := true
	m.read(at, func(labels string, value float64) {
		if first {
			b = append(b, "# HELP "+m.name+" "+m.help+"\n# TYPE "+m.name+" "+m.kind+"\n"...)
			first = false
		}
		b = append(append(b, m.name...), labels...)
		b = strconv.AppendFloat(append(b, ' '), value, 'g', -1, 64)
		b = append(b, '\n')
	})
	return b
}

// labels are names and values, as they stand behind the name of a metric.
func labels(pairs ...string) string {
	b := []byte{'{'}
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, pairs[i]...), `="`...)
		for _, c := range []byte(pairs[i+1]) {
			switch c {
			case '\\', '"':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, `\n`...)
			default:
				b = append(b, c)
			}
		}
		b = append(b, '"')
	}
	return string(append(b, '}'))
}

// bounds are those of the buckets of how long answers take, in seconds.
var bounds = [...]float64{0.001, 0.0025, 0.01, 0.025, 0.1, 0.5, 2.5, 10, 60, 600}

// traffic counts answers. It is counted thousands of times a second.
type traffic struct {
	mu     sync.Mutex
	routes []*route

	buckets [len(bounds) + 1]atomic.Int64 // each without those below
	nanos   atomic.Int64
}

// route is what was asked for by one pattern.
type route struct {
	pattern string
	status  [6]atomic.Int64 // by the first digit
}

// of returns the route of a pattern, which is made the first time.
func (t *traffic) of(pattern string) *route {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.routes {
		if r.pattern == pattern {
			return r
		}
	}
	r := &route{pattern: pattern}
	t.routes = append(t.routes, r)
	return r
}

// answered counts an answer.
func (t *traffic) answered(r *route, status int, took time.Duration, streamed bool) {
	r.status[min(max(status/100, 0), 5)].Add(1)
	if streamed {
		return
	}
	i := 0
	for s := took.Seconds(); i < len(bounds) && s > bounds[i]; {
		i++
	}
	t.buckets[i].Add(1)
	t.nanos.Add(int64(took))
}

func (t *traffic) requests(put func(string, float64)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.routes {
		for digit := range r.status {
			if n := r.status[digit].Load(); n > 0 {
				put(labels("operation", r.pattern, "status", strconv.Itoa(digit)+"xx"), float64(n))
			}
		}
	}
}

// seconds writes the histogram: a bucket has those below, too.
func (t *traffic) seconds(put func(string, float64)) {
	var sum int64
	for i := range t.buckets {
		sum += t.buckets[i].Load()
		le := "+Inf"
		if i < len(bounds) {
			le = strconv.FormatFloat(bounds[i], 'g', -1, 64)
		}
		put("_bucket"+labels("le", le), float64(sum))
	}
	put("_sum", time.Duration(t.nanos.Load()).Seconds())
	put("_count", float64(sum))
}

// process is what the system says of this process.
type process struct {
	cpu             float64 // seconds
	resident, files float64 // negative where the system does not say
}

func (process) put(put func(string, float64), value float64) {
	if value >= 0 {
		put("", value)
	}
}

func processNow() process {
	p := process{cpu: cpuSeconds(), resident: -1, files: -1}
	if data, err := os.ReadFile("/proc/self/statm"); err == nil {
		if parts := strings.Fields(string(data)); len(parts) > 1 {
			pages, _ := strconv.ParseFloat(parts[1], 64) // the system writes numbers
			p.resident = pages * float64(os.Getpagesize())
		}
	}
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		p.files = float64(len(list))
	}
	return p
}
