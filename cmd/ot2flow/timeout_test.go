package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// What a robot is at cannot be given up: it is paused, and a person says whether
// it goes on. The same holds for a protocol that was uploaded and for a run that
// goes on by what comes back.
func TestTimeoutOfARobot(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fine" {
			_, _ = w.Write([]byte(`{"f1": 7}`))
			return
		}
		<-hang
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	deck := `ot2flow: 1
name: overdue
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
`
	instruments := `instruments:
  fine: {url: '` + server.URL + `/fine', result: {f1: integer}}
  gone: {url: '` + server.URL + `/gone', result: {f1: integer}}
`
	for name, c := range map[string]struct {
		steps, typed string
		code         int
		says         []string
	}{
		"goes on": {`steps:
  - timeout: 1 s
    do: [delay: 30 s, delay: 1 s]
  - delay: 1 s
`, "\n", exitFine, []string{"the timeout of 1 s in line 6 has passed while the robot was at work, and it is paused", "the robot goes on"}},
		"stops": {`steps:
  - timeout: 1 s
    do: [delay: 30 s, delay: 1 s]
  - delay: 1 s
`, "stop\n", exitStopped, []string{"has passed while the robot was at work"}},
		"step by step": {instruments + `steps:
  - measure: {with: fine}
  - timeout: 1 s
    do: [delay: 30 s, delay: 1 s]
  - measure: {with: fine}
`, "\n", exitFine, []string{"the timeout of 1 s in line 10 has passed while the robot was at work", "the robot goes on"}},
		"a measurement is given up": {instruments + `steps:
  - timeout: 1 s
    retry: 5
    on_error: [{comment: "it is ${ error.kind }"}]
    measure: {with: gone}
  - measure: {with: fine}
timeout: 10 s
finally: [{lights: off}]
`, "", exitFine, []string{"gone: the timeout of 1 s in line 9 has passed"}},
		"a run takes too long": {instruments + `steps:
  - on_error: continue
    measure: {with: gone}
timeout: 1 s
finally: [{lights: off}]
`, "", exitFailed, []string{"the timeout of 1 s in line 11 has passed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, address := emulated(t, emulator.Options{Clock: emulator.Scaled(15)})
			code, stdout, stderr := called([]string{"apply", written(t, deck+c.steps), "--robot", address, "--state", filepath.Join(t.TempDir(), "runs.db")}, "y\n"+c.typed)
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, text := range c.says {
				if !strings.Contains(stderr, text) {
					t.Errorf("does not say %q", text)
				}
			}
			if t.Failed() {
				t.Logf("%s%s", stdout, stderr)
			}
		})
	}
}

// A run ends by its budget of time where the robot takes longer than the estimate: a
// protocol that was uploaded is stopped at a good place, and a workflow that goes on
// by what comes back comes to its end, with finally and outputs.
func TestABudgetOfTime(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"f1": 7}`))
	}))
	t.Cleanup(server.Close)
	deck := `ot2flow: 1
name: budgeted
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
instruments:
  fine: {url: '` + server.URL + `', result: {f1: integer}}
vars: {done: 0}
budget: {time: 2 s}
finally: [{lights: off}]
outputs: {done: done}
`
	for name, c := range map[string]struct {
		steps string
		code  int
		says  []string
	}{
		"uploaded": {`steps:
  - repeat: 8
    delay: 100 ms
`, exitStopped, []string{"the budget of 2 s in line 8 has passed: the run ends at the next place where nothing is cut off"}},
		"step by step": {`steps:
  - repeat: 8
    do:
      - delay: 100 ms
      - measure: {with: fine}
        as: seen
      - set: {done: done + 1}
        if: seen.f1 > 0
`, exitFine, []string{"the workflow ends by its budget of 2 s", "done"}},
		"in time": {`steps:
  - repeat: 3
    delay: 1 ms
`, exitFine, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faults emulator.Faults
			if name != "in time" {
				for _, at := range []string{"3.1", "5.1", "7.1"} {
					faults.Script.Events = append(faults.Script.Events, mishap.Event{At: at, Do: mishap.Slow, By: time.Minute})
				}
			}
			_, address := emulated(t, emulator.Options{Clock: emulator.Scaled(15), Faults: faults})
			args := []string{"apply", written(t, strings.Replace(deck, "2 s}", map[bool]string{true: "1 h}", false: "2 s}"}[name == "in time"], 1)+c.steps), "--robot", address, "--yes", "--state", filepath.Join(t.TempDir(), "runs.db")}
			code, stdout, stderr := called(args, "")
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, text := range c.says {
				if !strings.Contains(stdout+stderr, text) {
					t.Errorf("does not say %q", text)
				}
			}
			if t.Failed() {
				t.Logf("%s%s", stdout, stderr)
			}
		})
	}
}
