package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
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
