package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/service"
)

const deckText = `labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 2}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
`

// mixText is what the guide's test asks for, by its own names.
const mixText = `ot2flow: 1
name: mix-colors
description: Mix paints.
params:
  R: {type: volume, default: 50 uL, min: 0 uL, max: 300 uL, description: red paint}
  Y: {type: volume, default: 50 uL, min: 0 uL, max: 300 uL}
  B: {type: volume, default: 50 uL, min: 0 uL, max: 300 uL}
  mix_well: {type: well, in: plate, default: A1}
outputs:
  total: R + Y + B
` + deckText + `liquids:
  red: {in: plate.H10, volume: 300 uL}
  yellow: {in: plate.H11, volume: 300 uL}
  blue: {in: plate.H12, volume: 300 uL}
steps:
  - formulate: {to: mix_well, volumes: {red: R, yellow: Y, blue: B}}
`

const askText = `ot2flow: 1
name: asks
` + deckText + `outputs:
  cells: seen
steps:
  - ask: {message: how many cells are there, type: integer, min: 0, example: 3}
    as: seen
`

const failText = `ot2flow: 1
name: fails
` + deckText + `steps:
  - ask: {message: is it good, type: boolean, example: true}
    as: good
  - if: not good
    fail: it is not good
`

// bench is a server of workflows with its journal, at an address, for one test.
type bench struct {
	*httptest.Server
	t      testing.TB
	device *service.Device
	server *Server
	stop   func()
}

func serve(t testing.TB, robot, state string, texts ...string) *bench {
	t.Helper()
	return serveFolder(t, robot, state, folderOf(t, texts...))
}

// folderOf is a folder of workflows.
func folderOf(t testing.TB, texts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("w%d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func serveFolder(t testing.TB, robot, state, dir string) *bench {
	t.Helper()
	return serveGuarded(t, robot, state, dir, Options{})
}

func serveGuarded(t testing.TB, robot, state, dir string, o Options) *bench {
	t.Helper()
	tasks := service.NewTasks(dir)
	if _, err := tasks.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range tasks.Snapshot().Problems {
		t.Fatal(p.Diagnostics)
	}
	s := &service.Service{State: state, Version: "test"}
	b := &bench{t: t, device: service.NewDevice(s, tasks, robot, func(n service.Note) { t.Log(n.Run, n.Text) })}
	var err error
	if b.server, err = New(b.device, "test", o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := b.device.Serve(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	b.Server = httptest.NewServer(b.server.Handler())
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			cancel()
			done.Wait()
			b.CloseClientConnections()
			b.Close()
			s.Close()
		})
	}
	t.Cleanup(b.stop)
	return b
}

func journalFile(t testing.TB) string { return filepath.Join(t.TempDir(), "journal.db") }

// ask sends a request and reads the answer, which is JSON.
func (b *bench) ask(method, path, body string, header ...string) (*http.Response, map[string]any) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, b.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil && len(data) > 0 {
		b.t.Fatalf("%s %s: %d %s: %v", method, path, resp.StatusCode, data, err)
	}
	return resp, v
}

func (b *bench) want(status int, method, path, body string, header ...string) map[string]any {
	b.t.Helper()
	resp, v := b.ask(method, path, body, header...)
	if resp.StatusCode != status {
		b.t.Fatalf("%s %s: %d, want %d: %v", method, path, resp.StatusCode, status, v)
	}
	if problem := status >= 400; problem != (resp.Header.Get("Content-Type") == "application/problem+json") {
		b.t.Errorf("%s %s: %d comes as %s", method, path, status, resp.Header.Get("Content-Type"))
	}
	return v
}

// until asks for a run until it is like that.
func (b *bench) until(id string, is func(map[string]any) bool) map[string]any {
	b.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		v := b.want(200, "GET", "/runs/"+id, "")
		if is(v) {
			return v
		}
		if time.Now().After(end) {
			b.t.Fatalf("it does not come to that: %v", v)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func inState(state string) func(map[string]any) bool {
	return func(v map[string]any) bool { return v["state"] == state }
}

func asksNow(v map[string]any) bool { return v["question"] != nil }

// The integration test of the guide, and what its clients rely on besides.
func TestWireContract(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), mixText, askText, failText)
	v := b.want(200, "POST", "/execute/mix_colors", `{"R": 100, "Y": 50, "B": 30, "mix_well": "A1"}`)
	if v["status"] != "success" || v["task_name"] != "mix_colors" || v["parameters"].(map[string]any)["R"] != 100.0 || v["result"].(map[string]any)["total"] != "180 uL" || len(v) != 4 {
		t.Errorf("%v", v)
	}
	if v := b.want(200, "GET", "/health", ""); v["status"] != "healthy" || v["tasks"] != 3.0 {
		t.Errorf("%v", v)
	}
	list := b.want(200, "GET", "/tasks", "")["tasks"].([]any)
	if len(list) != 3 || list[2].(map[string]any)["name"] != "mix-colors" {
		t.Errorf("%v", list)
	}
	if v := b.want(404, "POST", "/execute/mix_colours", `{}`); !strings.Contains(v["detail"].(string), "did you mean mix-colors") {
		t.Errorf("%v", v)
	}
	v = b.want(422, "POST", "/execute/mix_colors", `{"R": 500, "Q": 1, "mix_well": "Z1"}`)
	found, _ := json.Marshal(v["errors"])
	for _, name := range []string{"body.R", "body.mix_well", "no parameter Q"} {
		if !bytes.Contains(found, []byte(name)) {
			t.Errorf("%s is not among what is wrong: %s", name, found)
		}
	}
	if len(v["diagnostics"].([]any)) < 3 {
		t.Errorf("%v", v)
	}
	// One that fails says how, and which run that was.
	done := make(chan map[string]any)
	go func() {
		_, v := b.ask("POST", "/execute/fails", "")
		done <- v
	}()
	var id string
	for end := time.Now().Add(20 * time.Second); id == ""; {
		if time.Now().After(end) {
			t.Fatal("it was not begun")
		}
		for _, r := range b.want(200, "GET", "/runs?task=fails", "")["runs"].([]any) {
			id = r.(map[string]any)["id"].(string)
		}
	}
	b.until(id, asksNow)
	b.want(200, "POST", "/runs/"+id+"/answer", `{"value": "no"}`)
	v = <-done
	if v["status"] != 500.0 || !strings.Contains(v["detail"].(string), "it is not good") || v["run"].(map[string]any)["id"] != id {
		t.Errorf("%v", v)
	}
	resp, err := http.Get(b.URL + "/docs")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 || !bytes.Contains(page, []byte("/execute/mix-colors")) || bytes.Contains(page, []byte("https://")) || bytes.Contains(page, []byte("src=")) {
		t.Errorf("%d %s", resp.StatusCode, page)
	}
}

func TestRunsAreAResource(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), mixText, askText)
	resp, v := b.ask("POST", "/tasks/asks/runs?by=ada&project=p&experiment=e", `{}`, "Idempotency-Key", "one")
	id, _ := v["id"].(string)
	if resp.StatusCode != 202 || resp.Header.Get("Location") != "/runs/"+id || v["by"] != "ada" {
		t.Fatalf("%d %v", resp.StatusCode, v)
	}
	if _, again := b.ask("POST", "/tasks/asks/runs?by=ada&project=p&experiment=e", `{}`, "Idempotency-Key", "one"); again["id"] != id {
		t.Errorf("the same key is another run: %v", again)
	}
	b.want(422, "POST", "/tasks/mix_colors/runs", `{}`, "Idempotency-Key", "one")
	second := b.want(202, "POST", "/runs", `{"task": "mix_colors", "parameters": {"R": "60 uL"}}`)["id"].(string)
	b.until(id, asksNow)
	if v := b.want(200, "GET", "/runs/"+second, ""); v["state"] != "queued" || v["position"] != 1.0 || !strings.Contains(v["reason"].(string), id) {
		t.Errorf("%v", v)
	}
	if v := b.want(200, "GET", "/health", ""); v["run"] != id || v["queued"] != 1.0 {
		t.Errorf("%v", v)
	}
	b.want(422, "POST", "/runs/"+id+"/answer", `{"value": "-3"}`)
	b.want(422, "POST", "/runs/"+second+"/answer", `{"value": "3"}`)
	b.want(422, "POST", "/runs/"+second+"/pause", "")
	b.want(200, "POST", "/runs/"+id+"/answer", `{"value": "7", "by": "ada"}`)
	if v := b.want(200, "GET", "/runs/"+id, "", "Prefer", "wait=20"); v["state"] != "ok" || v["result"].(map[string]any)["cells"] != 7.0 {
		t.Errorf("%v", v)
	}
	b.until(second, inState("ok"))
	steps := b.want(200, "GET", "/runs/"+second+"/steps?limit=2", "")
	if list := steps["steps"].([]any); len(list) != 2 || list[0].(map[string]any)["op"] != "pick_up_tip" || steps["next"] != 2.0 {
		t.Errorf("%v", steps)
	}
	if v := b.want(200, "POST", "/tasks/mix_colors/plan", `{"R": 60}`); v["format"] != "ot2flow.plan/1" {
		t.Errorf("%v", v)
	}
	if v := b.want(200, "POST", "/lint", "name: [\n"); len(v["diagnostics"].([]any)) == 0 {
		t.Errorf("%v", v)
	}
	for range 3 {
		b.want(200, "POST", "/tasks/mix_colors/runs", `{}`, "Prefer", "wait=30")
	}
	seen, after := map[string]bool{}, ""
	for {
		v := b.want(200, "GET", "/runs?limit=2&after="+after, "")
		for _, r := range v["runs"].([]any) {
			seen[r.(map[string]any)["id"].(string)] = true
		}
		if after, _ = v["next"].(string); after == "" {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d runs are listed page by page, of 5", len(seen))
	}
	b.want(404, "GET", "/runs/999999-0000", "")
	b.want(422, "GET", "/runs?state=odd", "")
	b.want(404, "GET", "/nothing", "")
	b.want(405, "GET", "/execute/mix_colors", "")
}

// Events come once each and in order, also over several connections.
func TestEvents(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), askText)
	id := b.want(202, "POST", "/tasks/asks/runs", `{}`)["id"].(string)
	b.until(id, asksNow)
	ctx, cancel := context.WithCancel(t.Context())
	first := events(t, ctx, b.URL+"/runs/"+id+"/events", "", func(n int) {
		if n == 3 {
			cancel()
		}
	})
	if len(first) < 3 {
		t.Fatal(first)
	}
	answered := make(chan bool)
	go func() {
		defer close(answered)
		b.ask("POST", "/runs/"+id+"/answer", `{"value": "7"}`)
	}()
	rest := events(t, t.Context(), b.URL+"/runs/"+id+"/events", first[len(first)-1], nil)
	<-answered
	all := append(first, rest...)
	if all[len(all)-1] != "end" {
		t.Fatalf("%v", all)
	}
	for i, seq := range all[:len(all)-1] {
		if seq != fmt.Sprint(i+1) {
			t.Fatalf("%v", all)
		}
	}
}

// events reads the numbers of events until the end, or until ctx is done.
func events(t *testing.T, ctx context.Context, url, last string, seen func(n int)) []string {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", last)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(resp.Status, resp.Header)
	}
	var out []string
	for in := bufio.NewScanner(resp.Body); in.Scan(); {
		if n, ok := strings.CutPrefix(in.Text(), "id: "); ok {
			out = append(out, n)
			if seen != nil {
				seen(len(out))
			}
		}
		if in.Text() == "event: end" {
			out = append(out, "end")
		}
	}
	return out
}

// When a workflow is saved, its operation is another one; runs go on meanwhile, and a
// file that is wrong keeps its last good version.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mix.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(mixText)
	b := serveFolder(t, service.Sim, journalFile(t), dir)
	changed := make(chan bool, 10)
	w := workflows.Watch(t.Context(), b.device.Tasks, workflows.Options{Poll: 50 * time.Millisecond}, func(workflows.Change[*workflows.Task]) {
		b.server.Reload()
		changed <- true
	})
	defer w.Close()
	max := func() any {
		doc := b.want(200, "GET", "/openapi.json", "")
		if doc["openapi"] != "3.1.0" {
			t.Fatal(doc["openapi"])
		}
		op := doc["paths"].(map[string]any)["/execute/mix-colors"].(map[string]any)["post"].(map[string]any)
		schema := op["requestBody"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)
		return schema["properties"].(map[string]any)["R"].(map[string]any)["description"]
	}
	if got := max(); got != "red paint (volume, 0 uL to 300 uL; a number counts in uL)" {
		t.Fatal(got)
	}
	write(strings.Replace(mixText, "max: 300 uL, description: red paint", "max: 200 uL, description: red paint", 1))
	<-changed
	if got := max(); got != "red paint (volume, 0 uL to 200 uL; a number counts in uL)" {
		t.Error(got)
	}
	b.want(422, "POST", "/execute/mix_colors", `{"R": 250}`)
	write("ot2flow: 1\nname: mix-colors\nsteps: [{aspirate: }]\n")
	<-changed
	tasks := b.want(200, "GET", "/tasks", "")
	if len(tasks["problems"].([]any)) != 1 || tasks["tasks"].([]any)[0].(map[string]any)["problem"] == nil {
		t.Errorf("%v", tasks)
	}
	b.want(200, "POST", "/execute/mix_colors", `{"R": 150}`)
}

// What is not meant for a server gets a clear answer below 500.
func TestUnwelcome(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), mixText)
	b.want(421, "GET", "/tasks", "", "Host", "evil.example")
	b.want(403, "POST", "/execute/mix_colors", `{}`, "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site")
	b.want(415, "POST", "/execute/mix_colors", `{}`, "Content-Type", "text/plain")
	b.want(413, "POST", "/execute/mix_colors", `{"R": "`+strings.Repeat("x", maxBody)+`"}`)
	for _, body := range []string{`{"R": 1`, `[]`, `null`, `"x"`, "{\"R\": \"\xff\xfe\"}", `{"R": {"a": [1]}}`, strings.Repeat("[", 100_000), `{"mix_well": "../../etc/passwd"}`, `{"R":` + strings.Repeat("9", 5000) + `}`} {
		if resp, v := b.ask("POST", "/execute/mix_colors", body); resp.StatusCode < 400 || resp.StatusCode > 499 {
			t.Errorf("%.40q: %d %v", body, resp.StatusCode, v)
		}
	}
	b.want(400, "GET", "/runs/..%2f..%2fetc%2fpasswd", "")
	b.want(422, "GET", "/runs?limit=100000000", "")
	if list := b.want(200, "GET", "/runs", "")["runs"].([]any); len(list) != 0 {
		t.Errorf("something was accepted: %v", list)
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:8000": true, "localhost:1": true, "[::1]:8000": true, "0.0.0.0:8000": false, ":8000": false, "192.168.1.4:80": false, "bench:80": false, "x": false} {
		if Loopback(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}
