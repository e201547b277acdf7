package emulator

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/mishap"
)

const threeComments = `{"commandType":"comment","params":{"message":"1"},"key":"1.1"},{"commandType":"comment","params":{"message":"2"},"key":"2.1"},{"commandType":"comment","params":{"message":"3"},"key":"3.1"}`

// prepared uploads three comments and makes a run of them.
func (c client) prepared(t testing.TB) string {
	t.Helper()
	status, answer := c.upload("three.json", protocolOf(threeComments))
	if status != 201 {
		t.Fatal(status, answer)
	}
	id := answer["data"].(map[string]any)["id"]
	return c.data(201, "POST", "/runs", map[string]any{"data": map[string]any{"protocolId": id}})["id"].(string)
}

func TestTrips(t *testing.T) {
	for name, w := range map[string]struct {
		faults Faults
		ends   string
		done   int // commands that succeeded
	}{
		"none":              {Faults{}, "succeeded", 4},
		"a failure by key":  {events(mishap.Event{At: "2.1", Do: mishap.CommandFailed, Detail: "the tip fell off"}), "failed", 2},
		"a failure by nth":  {events(mishap.Event{Nth: 4, Do: mishap.CommandFailed}), "failed", 3},
		"stopped":           {events(mishap.Event{At: "3.1", Do: mishap.Stopped}), "stopped", 3},
		"paused":            {events(mishap.Event{At: "2.1", Do: mishap.PausedBy}), "paused", 2},
		"a reboot":          {events(mishap.Event{At: "2.1", Do: mishap.Rebooted}), "stopped", 0},
		"a stop that hangs": {Faults{StopHangs: true, Script: events(mishap.Event{At: "2.1", Do: mishap.Stopped}).Script}, "stop-requested", 2},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, Options{Faults: w.faults})
			run := c.prepared(t)
			c.must(201, "POST", "/runs/"+run+"/actions", act("play"))
			data := c.until(run, w.ends)
			done := 0
			for _, one := range c.must(200, "GET", "/runs/"+run+"/commands?cursor=0", nil)["data"].([]any) {
				if one.(map[string]any)["status"] == "succeeded" {
					done++
				}
			}
			if done != w.done {
				t.Errorf("%d commands, want %d", done, w.done)
			}
			if lost := (len(w.faults.Events) > 0 && w.faults.Events[0].Do == mishap.Rebooted); data["ok"] == lost || data["current"] == lost {
				t.Error(data)
			}
			if w.ends == "paused" {
				c.must(201, "POST", "/runs/"+run+"/actions", act("play"))
				c.until(run, "succeeded")
			}
		})
	}
}

func TestRobotsThatDoNotBegin(t *testing.T) {
	t.Run("booting", func(t *testing.T) {
		c := start(t, Options{Faults: Faults{Booting: 2}})
		c.must(503, "GET", "/health", nil)
		c.must(503, "GET", "/runs", nil)
		c.must(200, "GET", "/health", nil)
	})
	t.Run("busy", func(t *testing.T) {
		c := start(t, Options{Faults: Faults{Busy: true}})
		c.must(409, "POST", "/runs", nil)
		link := c.must(200, "GET", "/runs", nil)["links"].(map[string]any)["current"].(map[string]any)["href"].(string)
		if s := c.data(200, "GET", link, nil)["status"]; s != "running" {
			t.Error(s)
		}
		c.must(201, "POST", link+"/actions", act("stop"))
		c.until(strings.TrimPrefix(link, "/runs/"), "stopped")
		c.must(201, "POST", "/runs", nil)
	})
	t.Run("door", func(t *testing.T) {
		c := start(t, Options{Faults: Faults{DoorOpen: true, DoorSwitch: true}})
		if d := c.data(200, "GET", "/robot/door/status", nil); d["status"] != "open" || d["doorRequiredClosedForProtocol"] != true {
			t.Error(d)
		}
		run := c.prepared(t)
		c.must(201, "POST", "/runs/"+run+"/actions", act("play"))
		c.until(run, "blocked-by-open-door")
		c.must(409, "POST", "/runs/"+run+"/actions", act("play"))
		c.e.SetDoor(false)
		c.until(run, "paused")
		c.must(201, "POST", "/runs/"+run+"/actions", act("play"))
		c.until(run, "succeeded")
	})
	t.Run("another model", func(t *testing.T) {
		c := start(t, Options{Faults: Faults{Model: "OT-3 Standard"}})
		if h := c.must(200, "GET", "/health", nil); h["robot_model"] != "OT-3 Standard" {
			t.Error(h)
		}
	})
	t.Run("analysis", func(t *testing.T) {
		c := start(t, Options{Faults: Faults{AnalysisError: "no such thing"}})
		_, answer := c.upload("three.json", protocolOf(threeComments))
		if a := c.analysed(answer["data"].(map[string]any)); a["result"] != "not-ok" {
			t.Error(a)
		}
	})
}

// Bad answers, over a real connection.
func TestAnswers(t *testing.T) {
	for _, w := range []struct {
		do     mishap.Mischief
		status int
		taken  bool // the robot took it
		whole  bool // the answer is whole
	}{
		{mishap.Error500, 500, false, true},
		{mishap.Unready, 503, false, true},
		{mishap.HTML, 502, false, true},
		{mishap.HTMLOK, 200, false, true},
		{mishap.Half, 201, true, false},
		{mishap.Garbage, 201, true, true},
		{mishap.Version, 201, true, true},
		{mishap.Late, 201, true, true},
		{mishap.CutBefore, 0, false, false},
		{mishap.CutAfter, 0, true, false},
	} {
		t.Run(string(w.do), func(t *testing.T) {
			c := start(t, Options{Faults: Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: "POST /runs/*/actions", Action: "play", Nth: 2, Do: w.do, Delay: 10 * time.Millisecond}}}}})
			server := httptest.NewServer(c.e.Handler())
			defer server.Close()
			web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			run := c.data(201, "POST", "/runs", nil)["id"].(string)
			c.must(201, "POST", "/runs/"+run+"/commands", ask4("waitForResume", "protocol", map[string]any{}))
			c.must(201, "POST", "/runs/"+run+"/commands", ask4("waitForResume", "protocol", map[string]any{}))
			c.must(201, "POST", "/runs/"+run+"/actions", act("play")) // the first is well
			c.until(run, "paused")
			r, _ := http.NewRequest("POST", server.URL+"/runs/"+run+"/actions", strings.NewReader(`{"data":{"actionType":"play"}}`))
			r.Header.Set("Opentrons-Version", "*")
			answer, err := web.Do(r)
			status := 0
			if err == nil {
				status = answer.StatusCode
				_, err = io.ReadAll(answer.Body)
				answer.Body.Close()
			}
			if status != w.status || (err == nil) != w.whole {
				t.Errorf("%d %v, want %d", status, err, w.status)
			}
			if n := len(c.data(200, "GET", "/runs/"+run, nil)["actions"].([]any)); (n == 2) != w.taken {
				t.Errorf("%d actions were taken", n)
			}
		})
	}
}

func events(list ...mishap.Event) Faults { return Faults{Script: mishap.Script{Events: list}} }

func TestReadFaults(t *testing.T) {
	f, err := ReadFaults(strings.NewReader(`
model: OT-3 Standard
booting: 3
pipettes: {left: p20_single_gen2}
events:
  - {at: "4.1", do: command_failed, detail: the tip fell off}
  - {nth: 7, do: reboot, requests: 5}
answers:
  - {on: POST /runs/*/actions, action: play, nth: 2, times: -1, do: late, delay: 10s}
`))
	if err != nil || f.Booting != 3 || f.Events[0].At != "4.1" || f.Events[1].Nth != 7 || f.Answers[0].Delay != 10*time.Second || f.Pipettes["left"] != "p20_single_gen2" {
		t.Error(f, err)
	}
	if f, err := ReadFaults(strings.NewReader("")); err != nil || f.Booting != 0 {
		t.Error(f, err)
	}
	for text, want := range map[string]string{
		"bootings: 1":                                                    "bootings",
		"answers: [{on: runs, do: html}]":                                "no method and path",
		"answers: [{on: GET /runs, do: explode}]":                        "explode",
		"events: [{at: 4, do: explode}]":                                 "explode",
		"answers: [{on: GET /runs, do: html, nth: 1, probability: 0.5}]": "instead of",
		"pipettes: {right: p400}":                                        "p400",
		"pipettes: {middle: p300_single_gen2}":                           "middle",
	} {
		if _, err := ReadFaults(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := New(Options{Pipettes: map[string]string{"right": "p400"}}); err == nil {
		t.Error("no error")
	}
}

// A request that waits ends with the robot.
func TestCloseEndsWaits(t *testing.T) {
	e, err := New(Options{Clock: new(Manual)})
	if err != nil {
		t.Fatal(err)
	}
	c := client{t, e}
	run := c.data(201, "POST", "/runs", nil)["id"].(string)
	answered := make(chan int, 1)
	go func() {
		status, _ := c.do("POST", "/runs/"+run+"/commands?waitUntilComplete=true", command1("waitForDuration", map[string]any{"seconds": 60}))
		answered <- status
	}()
	time.Sleep(5 * time.Millisecond)
	e.Close()
	select {
	case status := <-answered:
		if status != 201 {
			t.Error(status)
		}
	case <-time.After(10 * time.Second):
		t.Error(errors.New("it still waits"))
	}
}
