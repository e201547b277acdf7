package emulator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// codes is the state table of a run: what an action or a command is answered
// with in a state, 0 where it depends on more than the state.
var codes = map[string]struct{ play, pause, stop, resume, setup, protocol int }{
	"idle":                 {201, 409, 201, 409, 201, 201},
	"running":              {201, 201, 201, 409, 409, 201},
	"paused":               {201, 409, 201, 409, 409, 201},
	"blocked-by-open-door": {0, 409, 201, 409, 409, 201}, // play: 409 while it is open
	"finishing":            {409, 409, 201, 409, 409, 409},
	"stop-requested":       {409, 409, 201, 409, 409, 409},
	"stopped":              {409, 409, 201, 409, 409, 409},
	"failed":               {409, 409, 201, 409, 409, 409},
	"succeeded":            {409, 409, 201, 409, 409, 409},
}

var terminal = []string{"stopped", "failed", "succeeded"}

func act(kind string) map[string]any {
	return map[string]any{"data": map[string]any{"actionType": kind}}
}

func ask4(kind, intent string, params map[string]any) map[string]any {
	return map[string]any{"data": map[string]any{"commandType": kind, "intent": intent, "params": params}}
}

// machine is a run that is played with.
type machine struct {
	c       client
	clock   *Manual
	run     string
	open    bool
	played  bool
	actions int
	over    string
}

func (m *machine) settle(t *rapid.T) {
	for range 20000 {
		if m.c.e.isSettled(m.clock) {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
	t.Fatal("the robot does not come to rest")
}

func (m *machine) look(t *rapid.T) (string, map[string]any) {
	m.settle(t)
	data := m.c.data(200, "GET", "/runs/"+m.run, nil)
	return data["status"].(string), data
}

func (m *machine) act(t *rapid.T, kind string, want func(string) int) {
	before, _ := m.look(t)
	got, answer := m.c.do("POST", "/runs/"+m.run+"/actions", act(kind))
	code := want(before)
	if before == "blocked-by-open-door" && kind == "play" {
		code = 409
		if !m.open {
			code = 201
		}
	}
	if got != code {
		t.Fatalf("%s while %s: %d, want %d: %v", kind, before, got, code, answer)
	}
	if got == 201 {
		m.actions++
		m.played = m.played || kind == "play"
	}
}

func (m *machine) queue(t *rapid.T, intent string, want func(string) int) {
	before, _ := m.look(t)
	kind := rapid.SampledFrom([]string{"comment", "waitForDuration", "waitForResume", "aspirateInPlace"}).Draw(t, "command")
	if intent == "setup" && kind == "waitForResume" {
		kind = "comment" // paused without having been played: tried elsewhere
	}
	params := map[string]any{"message": "m", "seconds": 5, "pipetteId": "none", "volume": 1, "flowRate": 1}
	got, answer := m.c.do("POST", "/runs/"+m.run+"/commands", ask4(kind, intent, params))
	if got != want(before) {
		t.Fatalf("a %s of intent %s while %s: %d, want %d: %v", kind, intent, before, got, want(before), answer)
	}
}

// The robot answers every action and command as the table says, in every state
// it can be brought to, and what is over stays as it is.
func TestStateTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := new(Manual)
		e, err := New(Options{Clock: clock, Timer: onlyWaits})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		e.doorSwitch = rapid.Bool().Draw(t, "door switch")
		m := &machine{c: client{t, e}, clock: clock}
		m.run = m.c.data(201, "POST", "/runs", nil)["id"].(string)
		t.Repeat(map[string]func(*rapid.T){
			"play":     func(t *rapid.T) { m.act(t, "play", func(s string) int { return codes[s].play }) },
			"pause":    func(t *rapid.T) { m.act(t, "pause", func(s string) int { return codes[s].pause }) },
			"stop":     func(t *rapid.T) { m.act(t, "stop", func(s string) int { return codes[s].stop }) },
			"resume":   func(t *rapid.T) { m.act(t, "resume-from-recovery", func(s string) int { return codes[s].resume }) },
			"setup":    func(t *rapid.T) { m.queue(t, "setup", func(s string) int { return codes[s].setup }) },
			"protocol": func(t *rapid.T) { m.queue(t, "protocol", func(s string) int { return codes[s].protocol }) },
			"door": func(t *rapid.T) {
				m.settle(t)
				m.open = !m.open
				e.SetDoor(m.open)
			},
			"time": func(t *rapid.T) { m.settle(t); clock.Advance(6 * time.Second) },
			"":     func(t *rapid.T) { m.check(t) },
		})
	})
}

func (m *machine) check(t *rapid.T) {
	status, data := m.look(t)
	if _, known := codes[status]; !known {
		t.Fatalf("status %q", status)
	}
	if m.over != "" && m.over != status {
		t.Fatalf("it was %s and is %s", m.over, status)
	}
	if n := len(data["actions"].([]any)); n != m.actions {
		t.Fatalf("%d actions recorded, %d taken", n, m.actions)
	}
	ended := slices.Contains(terminal, status)
	if ended {
		m.over = status
	}
	if (data["completedAt"] != nil) != ended || (data["startedAt"] != nil) != m.played {
		t.Fatalf("%s, started %v, completed %v", status, data["startedAt"], data["completedAt"])
	}
	if n := len(data["errors"].([]any)); (n > 0) != (status == "failed" || status == "finishing" && n > 0) {
		t.Fatalf("%s with errors %v", status, data["errors"])
	}
	m.checkCommands(t, status, ended)
}

func (m *machine) checkCommands(t *rapid.T, status string, ended bool) {
	list := m.c.must(200, "GET", "/runs/"+m.run+"/commands?cursor=0&pageLength=10000", nil)["data"].([]any)
	running := 0
	for i, one := range list {
		c := one.(map[string]any)
		what := fmt.Sprintf("%s: command %d: %v", status, i, c)
		switch c["status"] {
		case "running":
			running++
		case "queued":
			if ended && m.played {
				t.Fatal("queued for ever: " + what)
			}
		case "succeeded":
			if c["startedAt"] == nil || c["completedAt"] == nil || c["error"] != nil {
				t.Fatal(what)
			}
		case "failed":
			if (c["startedAt"] != nil) != (c["error"] != nil) {
				t.Fatal("a command that was never begun has no error, and one that was has: " + what)
			}
		}
	}
	if running > 1 || ended && running > 0 {
		t.Fatalf("%s: %d commands running", status, running)
	}
}
