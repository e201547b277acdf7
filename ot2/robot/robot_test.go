package robot_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/robot"
	"github.com/ot2flow/ot2flow/workflows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is an emulated robot behind a loopback address.
type bench struct {
	t        *testing.T
	emulator *emulator.Emulator
	server   *httptest.Server
	robot    *robot.Robot
	options  robot.Options

	mu    sync.Mutex
	said  []string
	calls map[string]int // how often each request that changes something came
}

// quick is patient enough for tests.
var quick = robot.Options{
	Boot: 2 * time.Second, Analysis: 5 * time.Second, Read: 2 * time.Second, Write: 2 * time.Second,
	Fast: time.Millisecond, Slow: 5 * time.Millisecond, Settle: 50 * time.Millisecond,
}

func newBench(t *testing.T, o emulator.Options) *bench {
	t.Helper()
	e, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, emulator: e, calls: map[string]int{}}
	handler := e.Handler()
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			b.mu.Lock()
			b.calls[r.Method+" "+strings.Split(r.URL.Path, "/")[1]]++
			b.mu.Unlock()
		}
		handler.ServeHTTP(w, r)
	}))
	b.options = quick
	b.options.Say = func(s string) { b.mu.Lock(); b.said = append(b.said, s); b.mu.Unlock() }
	b.robot = b.open(b.server.URL)
	t.Cleanup(func() {
		b.server.CloseClientConnections()
		e.Close()
		b.server.Close()
	})
	return b
}

func (b *bench) open(address string) *robot.Robot {
	r, err := robot.New(address, b.options)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(r.Close)
	return r
}

func (b *bench) count(call string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[call]
}

// press presses a button of the vendor's App.
func (b *bench) press(action string) {
	b.t.Helper()
	var runs struct {
		Data []struct {
			ID      string `json:"id"`
			Current bool   `json:"current"`
		} `json:"data"`
	}
	b.call(http.MethodGet, "/runs", "", &runs)
	for _, r := range runs.Data {
		if r.Current {
			b.call(http.MethodPost, "/runs/"+r.ID+"/actions", `{"data": {"actionType": "`+action+`"}}`, nil)
		}
	}
}

func (b *bench) call(method, path, body string, into any) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Opentrons-Version", "*")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if into != nil {
		err = json.NewDecoder(resp.Body).Decode(into)
	}
	if err != nil || resp.StatusCode >= 300 {
		b.t.Errorf("%s %s: %d, %v", method, path, resp.StatusCode, err)
	}
}

func planOf(t testing.TB, yaml string) *program.Plan {
	t.Helper()
	c := workflows.FromBytes("workflow.yaml", []byte(yaml))
	return expand(t, c)
}

func example(t testing.TB, path string) *program.Plan {
	t.Helper()
	return expand(t, workflows.Open(path))
}

func expand(t testing.TB, c *workflows.Checked) *program.Plan {
	t.Helper()
	if c.Prepared == nil {
		t.Fatal(c.Diagnostics)
	}
	p, list := c.Prepared.Plan(interpreter.Input{})
	if p == nil || list.HasErrors() {
		t.Fatal(list)
	}
	return p
}

const small = `
ot2flow: 1
name: small
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: plate.A1, volume: 300 uL}
steps:
  - transfer: {from: plate.A1, to: plate.B1, volume: 100 uL}
  - pause: look at B1
  - transfer: {from: plate.A1, to: plate.C1, volume: 100 uL}
`

func (b *bench) run(p *program.Plan, change ...func(*run.Options)) (run.Result, error) {
	b.t.Helper()
	o := run.Options{Clock: hasty{}, Run: "test", Plan: p, Backend: b.robot, Timer: ot2.Machine{}.Timer, Answer: run.AnswerAtOnce, Patience: 10 * time.Second}
	for _, f := range change {
		f(&o)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 60*time.Second)
	defer cancel()
	return run.Run(ctx, o)
}

func kindOf(err error) string {
	var e *run.Error
	if !errors.As(err, &e) {
		return "no run.Error"
	}
	return e.Kind.String()
}

func TestRunsToItsEnd(t *testing.T) {
	b := newBench(t, emulator.Options{})
	for name, p := range map[string]*program.Plan{
		"small": planOf(t, small), "mix-colors": example(t, "../../examples/01-mix-colors/workflow.yaml"), "color-grid": example(t, "../../examples/02-color-grid/workflow.yaml"),
	} {
		before, start := b.robot.Requests(), time.Now()
		r, err := b.run(p)
		if err != nil || r.Verdict != run.VerdictOK || r.Done != len(p.Steps) {
			t.Errorf("%s: %v after %d of %d: %v", name, r.Verdict, r.Done, len(p.Steps), err)
		}
		t.Logf("%s: %d steps, %d requests, %s", name, len(p.Steps), b.robot.Requests()-before, time.Since(start))
	}
	if n := b.count("POST runs"); n != 2*3+1 { // a creation and a play each, and the end of the pause
		t.Errorf("%d requests that change runs", n)
	}
	d, err := b.robot.Inspect(t.Context())
	if err != nil || d.Busy != "" {
		t.Errorf("afterwards: %q, %v", d.Busy, err)
	}
}

// hasty is a clock for reconnecting.
type hasty struct{}

func (hasty) Now() time.Time { return time.Now() }

func (hasty) After(time.Duration) <-chan time.Time { return time.After(10 * time.Millisecond) }

// serve is an emulated robot without a bench.
func serve(t testing.TB, o emulator.Options) (address string) {
	t.Helper()
	e, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e.Handler())
	t.Cleanup(func() {
		server.CloseClientConnections()
		e.Close()
		server.Close()
	})
	return server.URL
}
