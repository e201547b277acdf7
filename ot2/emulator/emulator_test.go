package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/command"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client speaks to an emulator without a network.
type client struct {
	t tester
	e *Emulator
}

// tester is what a client needs of a test, or of one of rapid's.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func start(t testing.TB, o Options) client {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return client{t, e}
}

func (c client) do(method, path string, body any) (int, map[string]any) {
	c.t.Helper()
	var in io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	r := httptest.NewRequest(method, path, in)
	r.Header.Set("Opentrons-Version", "*")
	return c.send(r)
}

func (c client) send(r *http.Request) (int, map[string]any) {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.e.Handler().ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		c.t.Fatalf("%s %s: %d %q: %v", r.Method, r.URL, w.Code, w.Body, err)
	}
	return w.Code, out
}

// must does what do does and wants a status.
func (c client) must(status int, method, path string, body any) map[string]any {
	c.t.Helper()
	got, out := c.do(method, path, body)
	if got != status {
		c.t.Fatalf("%s %s: %d, want %d: %v", method, path, got, status, out)
	}
	return out
}

func (c client) data(status int, method, path string, body any) map[string]any {
	c.t.Helper()
	data, _ := c.must(status, method, path, body)["data"].(map[string]any)
	return data
}

func (c client) upload(name string, file []byte) (int, map[string]any) {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("files", name)
	if err != nil {
		c.t.Fatal(err)
	}
	part.Write(file)
	w.Close()
	r := httptest.NewRequest("POST", "/protocols", &b)
	r.Header.Set("Opentrons-Version", "*")
	r.Header.Set("Content-Type", w.FormDataContentType())
	return c.send(r)
}

// until polls a run until its status is among those.
func (c client) until(run string, statuses ...string) map[string]any {
	c.t.Helper()
	for range 5000 {
		data := c.data(200, "GET", "/runs/"+run, nil)
		for _, s := range statuses {
			if data["status"] == s {
				return data
			}
		}
		time.Sleep(time.Millisecond)
	}
	c.t.Fatalf("run %s never came to %v: %v", run, statuses, c.data(200, "GET", "/runs/"+run, nil)["status"])
	return nil
}

func (c client) analysed(protocol map[string]any) map[string]any {
	c.t.Helper()
	summaries := protocol["analysisSummaries"].([]any)
	path := "/protocols/" + protocol["id"].(string) + "/analyses/" + summaries[0].(map[string]any)["id"].(string)
	for range 5000 {
		if data := c.data(200, "GET", path, nil); data["status"] == "completed" {
			return data
		}
		time.Sleep(time.Millisecond)
	}
	c.t.Fatal("the analysis never ends")
	return nil
}

func example(t testing.TB, file string) *program.Plan {
	t.Helper()
	bundle, list := spec.Load(os.DirFS("../.."), file)
	if list.HasErrors() {
		t.Fatal(list)
	}
	main, _ := bundle.File(bundle.Main)
	src := spec.NewSource(main)
	root, list := src.Parse()
	if list.HasErrors() {
		t.Fatal(list)
	}
	doc, list := spec.Decode(src, root)
	if list.HasErrors() {
		t.Fatal(list)
	}
	p, list := interpreter.Prepare(doc.Workflow, bundle, ot2.Machine{}, interpreter.Files{})
	if list.HasErrors() {
		t.Fatal(list)
	}
	plan, list := p.Plan(interpreter.Input{})
	if list.HasErrors() {
		t.Fatal(list)
	}
	return plan
}

var examples = []string{"examples/01-mix-colors/workflow.yaml", "examples/02-color-grid/workflow.yaml"}

// workflowFiles are the examples and the workflows that the real engine is
// asked about, from the root of the repository. Not among them is words, in
// which nobody says how much a well holds: a robot takes that for nothing; nor
// refills and exchanges, of which a robot knows only that it waited.
func workflowFiles(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"examples/01-*/workflow.yaml", "examples/02-*/workflow.yaml", "examples/08-*/workflow.yaml", "ot2/testdata/engine/*/workflow.yaml", "ot2/testdata/exports/[^w]*/workflow.yaml"} {
		files, err := fs.Glob(os.DirFS("../.."), pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		out = append(out, files...)
	}
	return slices.DeleteFunc(out, func(name string) bool {
		return strings.Contains(name, "/refills/") || strings.Contains(name, "/exchanges/")
	})
}

// nanolitre allows what the order of a mixture's liquids can make in rounding:
// a robot has them in the order in which they were loaded.
var nanolitre = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 0.0011 })

// What a workflow comes to on the emulator is what it comes to on the
// simulator.
func TestWorkflowsEndAsSimulated(t *testing.T) {
	for _, name := range workflowFiles(t) {
		t.Run(name, func(t *testing.T) {
			plan := example(t, name)
			file, err := command.Protocol(plan)
			if err != nil {
				t.Fatal(err)
			}
			world := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
			for i := range plan.Steps {
				step := plan.Steps[i] // a robot takes the way of the plunger for what moves
				step.Op.Volume, step.Op.Correction = step.Op.Volume+step.Op.Correction, 0
				world.Do(&step)
			}
			world.End()

			pipettes := map[string]string{}
			for _, p := range plan.Deck.Pipettes {
				pipettes[p.Mount] = p.Model.Name
			}
			var modules []string
			for i := range plan.Deck.Modules {
				modules = append(modules, plan.Deck.Modules[i].Model.Name)
			}
			c := start(t, Options{Pipettes: pipettes, Modules: modules})
			status, answer := c.upload("workflow.json", file)
			if status != 201 {
				t.Fatal(status, answer)
			}
			protocol := answer["data"].(map[string]any)
			if a := c.analysed(protocol); a["result"] != "ok" {
				t.Fatal(a["result"], a["errors"])
			}
			run := c.data(201, "POST", "/runs", map[string]any{"data": map[string]any{"protocolId": protocol["id"]}})["id"].(string)
			play := func() {
				c.must(201, "POST", "/runs/"+run+"/actions", map[string]any{"data": map[string]any{"actionType": "play"}})
			}
			play()
			now := c.until(run, "succeeded", "paused", "failed")
			for ; now["status"] == "paused"; now = c.until(run, "succeeded", "paused", "failed") {
				play()
			}
			if now["status"] == "failed" {
				t.Fatal(now["errors"])
			}

			var want, got map[string]any
			if err := json.Unmarshal(world.Result().AppendJSON(nil), &want); err != nil {
				t.Fatal(err)
			}
			got = c.must(200, "GET", "/ot2flow/wells", nil)
			for _, key := range []string{"format", "result", "wells", "tips", "modules"} {
				if diff := cmp.Diff(want[key], got[key], nanolitre); diff != "" {
					t.Errorf("%s: %s", key, diff)
				}
			}
			sent := 1 // home
			for i := range plan.Steps {
				sent += len(command.Of(&plan.Steps[i], plan.Deck))
			}
			sent += len(command.Setup(plan.Deck))
			if got["steps"].(float64) != float64(sent) {
				t.Errorf("%v commands, want %d", got["steps"], sent)
			}
		})
	}
}
