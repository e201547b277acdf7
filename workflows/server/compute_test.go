package server

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/workflows/service"
)

const ratioText = `ot2flow: 1
name: ratio
description: Shares of paint.
params:
  R: {type: number, default: 1, min: 0, max: 1000}
  Y: {type: number, default: 1, min: 0}
outputs:
  red: R / (R + Y)
  is: R
steps: []
`

// A workflow that only computes waits for nothing: neither for the robot, which is not
// even there, nor for the run that is under way. Its run is in the list like any other.
func TestComputedRunsWaitForNothing(t *testing.T) {
	b := serve(t, "127.0.0.1:1", journalFile(t), ratioText, smallText)
	b.want(202, "POST", "/tasks/small/runs", `{}`)
	v := b.want(200, "POST", "/execute/ratio?by=ada&project=p&experiment=e", `{"R": 3, "Y": 1}`)
	if r := v["result"].(map[string]any); r["red"] != 0.75 || v["parameters"].(map[string]any)["R"] != 3.0 || v["status"] != "success" {
		t.Errorf("%v", v)
	}
	resp, v := b.ask("POST", "/tasks/ratio/runs?by=ada&project=p&experiment=e", `{"R": 1}`, "Idempotency-Key", "k")
	id, _ := v["id"].(string)
	if resp.StatusCode != 200 || v["state"] != "ok" || v["over"] != true {
		t.Fatalf("%d %v", resp.StatusCode, v)
	}
	if again := b.want(200, "POST", "/execute/ratio?experiment=e", `{"R":1}`, "Idempotency-Key", "k"); again["result"].(map[string]any)["red"] != 0.5 {
		t.Errorf("%v", again)
	}
	b.want(422, "POST", "/execute/ratio?experiment=e", `{"R": 2}`, "Idempotency-Key", "k")
	list := b.want(200, "GET", "/runs?task=ratio", "")["runs"].([]any)
	if len(list) != 2 {
		t.Fatalf("%v", list)
	}
	for _, r := range list {
		v := b.want(200, "GET", "/runs/"+r.(map[string]any)["id"].(string), "")
		if v["state"] != "ok" || v["by"] != "ada" || v["project"] != "p" || v["experiment"] != "e" || v["result"].(map[string]any)["red"] == nil || v["parameters"].(map[string]any)["R"] == nil {
			t.Errorf("%v", v)
		}
	}
	if got := events(t, t.Context(), b.URL+"/runs/"+id+"/events", "1", nil); strings.Join(got, " ") != "2 3 end" {
		t.Error(got)
	}
	if steps := b.want(200, "GET", "/runs/"+id+"/steps", "")["steps"].([]any); len(steps) != 0 {
		t.Error(steps)
	}
	b.want(422, "POST", "/runs/"+id+"/stop", "")
}

// What is wrong with a request is said in the same words as of any other workflow.
func TestComputedRefuses(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), ratioText)
	v := b.want(422, "POST", "/execute/ratio", `{"R": 2000, "Q": 1}`)
	if text := fmt.Sprint(v["errors"]); !strings.Contains(text, "body.R") || !strings.Contains(text, "no parameter Q") {
		t.Error(text)
	}
	b.want(422, "POST", "/execute/ratio", `{"R": 0, "Y": 0}`)
	b.want(422, "POST", "/execute/ratio?priority=5000", `{}`)
	b.want(422, "POST", "/execute/ratio?priority=x", `{}`)
	b.want(422, "POST", "/execute/ratio?by="+strings.Repeat("x", 256), `{}`)
	if list := b.want(200, "GET", "/runs", "")["runs"].([]any); len(list) != 0 {
		t.Errorf("something was accepted: %v", list)
	}
}

// A workflow whose result depends on what is on a robot's deck asks the robot.
func TestComputedOnDeckWaits(t *testing.T) {
	_, robot := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	b := serve(t, robot, journalFile(t), "ot2flow: 1\nname: left\n"+deckText+"liquids: {red: {in: plate.H12, volume: 300 uL}}\noutputs: {left: plate.H12.volume}\nsteps: []\n")
	if v := b.want(200, "POST", "/execute/left", `{}`); v["result"].(map[string]any)["left"] != "300 uL" {
		t.Errorf("%v", v)
	}
	v := b.want(200, "GET", "/runs", "")["runs"].([]any)[0].(map[string]any)
	if v["robot"] == nil || v["robot"] == "" {
		t.Errorf("%v", v)
	}
}

// Requests that come at the same time are one run each.
func TestManyComputed(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), ratioText)
	const workers, each = 16, 25
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				n := w*each + i
				resp, v := b.ask("POST", "/execute/ratio", fmt.Sprintf(`{"R": %d}`, n))
				if resp.StatusCode != 200 || v["result"].(map[string]any)["is"] != float64(n) {
					t.Errorf("%d %v, want %d", resp.StatusCode, v, n)
				}
			}
		})
	}
	all.Wait()
	if list := b.want(200, "GET", "/runs?limit=1000", "")["runs"].([]any); len(list) != workers*each {
		t.Errorf("%d runs", len(list))
	}
}

// The list of tasks is sent once: whoever has it is told that it is still that.
func TestTasksHaveATag(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), ratioText)
	resp, v := b.ask("GET", "/tasks", "")
	tag := resp.Header.Get("ETag")
	if tag == "" || len(v["tasks"].([]any)) != 1 {
		t.Fatalf("%q %v", tag, v)
	}
	if resp, _ := b.ask("GET", "/tasks", "", "If-None-Match", tag); resp.StatusCode != 304 {
		t.Error(resp.Status)
	}
	if resp, _ := b.ask("GET", "/tasks", "", "If-None-Match", `"other"`); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
}
