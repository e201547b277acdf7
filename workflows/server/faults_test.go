package server

import (
	"fmt"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/workflows/outside"
)

// What servers that are written by hand do wrong, see the head of each test.

// emulated is a robot.
func emulated(t *testing.T, o emulator.Options) (*emulator.Emulator, string) {
	t.Helper()
	e, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(e.Handler())
	t.Cleanup(func() {
		h.CloseClientConnections()
		e.Close()
		h.Close()
	})
	return e, strings.TrimPrefix(h.URL, "http://")
}

const smallText = `ot2flow: 1
name: small
params:
  well: {type: well, in: plate, default: A1}
` + deckText + `liquids:
  red: {in: plate.H12, volume: 300 uL}
steps:
  - transfer: {from: plate.H12, to: well, volume: 20 uL}
`

// Two requests at a time move one pipette by turns. Here each run has the robot for
// itself, from its beginning to its end.
func TestRequestsDoNotInterleave(t *testing.T) {
	_, robot := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	b := serve(t, robot, journalFile(t), smallText)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			if v := b.want(200, "POST", "/execute/small", fmt.Sprintf(`{"well": "B%d"}`, i+1)); v["status"] != "success" {
				t.Errorf("%v", v)
			}
		})
	}
	all.Wait()
	var times [][2]time.Time
	for _, r := range b.want(200, "GET", "/runs", "")["runs"].([]any) {
		v := r.(map[string]any)
		began, err1 := time.Parse(time.RFC3339Nano, v["began"].(string))
		ended, err2 := time.Parse(time.RFC3339Nano, v["ended"].(string))
		if err1 != nil || err2 != nil || v["state"] != "ok" {
			t.Fatal(v)
		}
		times = append(times, [2]time.Time{began, ended})
	}
	sort.Slice(times, func(i, k int) bool { return times[i][0].Before(times[k][0]) })
	for i := 1; i < len(times); i++ {
		if times[i][0].Before(times[i-1][1]) {
			t.Errorf("run %d began before the one before it had ended", i)
		}
	}
	if len(times) != 6 {
		t.Errorf("%d runs of 6", len(times))
	}
}

// A task that runs keeps the server from answering. Here it answers at once, all the
// time, and the run that waits says what it waits for.
func TestHealthIsNotBlocked(t *testing.T) {
	_, robot := emulated(t, emulator.Options{Clock: emulator.Scaled(20)})
	b := serve(t, robot, journalFile(t), smallText)
	first := b.want(202, "POST", "/tasks/small/runs", `{}`)["id"].(string)
	second := b.want(202, "POST", "/tasks/small/runs", `{}`)["id"].(string)
	b.until(first, inState("running"))
	n := 0
	for state := "running"; state == "running"; n++ {
		at := time.Now()
		v := b.want(200, "GET", "/health", "")
		if took := time.Since(at); took > 3*time.Second {
			t.Fatalf("the server answers after %v while a run is under way", took)
		}
		if v["run"] == first && v["queued"] != 1.0 {
			t.Errorf("%v", v)
		}
		state = b.want(200, "GET", "/runs/"+first, "")["state"].(string)
	}
	if n < 3 {
		t.Errorf("the run was over after %d looks", n)
	}
	b.until(second, inState("ok"))
}

// A stop asks the robot, and is over when the robot says so; a server that ends
// pauses it, and one that is begun again knows of it and goes on when it is told to.
func TestServerEndsInMidRun(t *testing.T) {
	_, robot := emulated(t, emulator.Options{Clock: emulator.Scaled(10)})
	file := journalFile(t)
	long := strings.Replace(smallText, "steps:\n", "steps:\n  - repeat: 6\n    do:\n      - mix: {in: plate.H12, volume: 50 uL, times: 3}\n", 1)
	b := serve(t, robot, file, long)
	id := b.want(202, "POST", "/tasks/small/runs", `{}`)["id"].(string)
	b.until(id, func(v map[string]any) bool { done, _ := v["done"].(float64); return done >= 2 })
	b.stop()

	b = serve(t, robot, file, long)
	if v := b.want(200, "GET", "/runs/"+id, ""); v["over"] != false {
		t.Fatalf("%v", v)
	}
	next := b.want(202, "POST", "/tasks/small/runs", `{}`)["id"].(string)
	v := b.until(next, func(v map[string]any) bool { return v["reason"] != nil })
	if v["state"] != "queued" || !strings.Contains(v["reason"].(string), id) {
		t.Errorf("%v", v)
	}
	b.want(202, "POST", "/runs/"+id+"/resume", "")
	b.until(id, inState("ok"))
	b.want(202, "POST", "/runs/"+next+"/stop?now=true", "")
	v = b.until(next, func(v map[string]any) bool { return v["over"] == true })
	if v["state"] != "stopped" && v["state"] != "withdrawn" {
		t.Errorf("%v", v)
	}
}

// A run that cannot be begun is not kept for a client that waits for it: it would be
// carried out when nobody expects it.
func TestExecuteTakesBackWhatCannotBegin(t *testing.T) {
	b := serve(t, "127.0.0.1:1", journalFile(t), smallText)
	v := b.want(503, "POST", "/execute/small", `{}`)
	if !strings.Contains(v["detail"].(string), "taken back") {
		t.Errorf("%v", v)
	}
	if list := b.want(200, "GET", "/runs?state=queued", "")["runs"].([]any); len(list) != 0 {
		t.Errorf("%v", list)
	}
}

// A workflow has the server call whatever it likes. Here it goes where the server was
// told that it may, and nowhere else, and that is said before anything has moved.
func TestServerCallsOnlyWhatItMay(t *testing.T) {
	_, robot := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	b := serve(t, robot, journalFile(t), strings.Replace(smallText, "steps:\n", "steps:\n  - request: {url: 'http://169.254.169.254/latest/meta-data'}\n", 1))
	none, err := outside.NewReach(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.device.Service.Reach = none
	v := b.want(422, "POST", "/tasks/small/runs", `{}`)
	if !strings.Contains(v["detail"].(string), "--allow 169.254.169.254") {
		t.Errorf("%v", v)
	}
}
