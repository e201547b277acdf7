package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

// reactWorkflow doses every well, measures it, asks a planner what follows, and
// doses and mixes by that.
const reactWorkflow = `ot2flow: 1
name: react
params:
  lab: {type: string, default: 'http://127.0.0.1:1'}
  wells: {type: wells, in: plate, default: 'A1:H12'}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  dyes:  {type: nest_12_reservoir_15ml, slot: 2}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 8}
  more:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips, more]}
liquids:
  red:    {in: dyes.A1, volume: 14 mL}
  yellow: {in: dyes.A2, volume: 14 mL}
instruments:
  reader:
    url: ${ lab }/light
    result: {light: {type: integer, min: 0, max: 1000}}
    simulate: {light: 400}
steps:
  - for: w in wells
    do:
      - transfer: {from: dyes.A1, to: w, volume: 40 uL}
      - measure: {with: reader}
        as: seen
      - request:
          url: ${ lab }/next
          send: {well: w.name, light: seen.light}
          key: ${ w.name }
          result: {dose: {type: volume, unit: uL, min: 0 uL, max: 90 uL}}
          simulate: {dose: 30 uL}
        as: next
      - if: next.dose >= 20 uL
        transfer: {from: dyes.A2, to: w, volume: next.dose, dispense: {mix: 2 x 30 uL}}
outputs: {last: 'plate.H12.volume'}
`

// lab is what measures and plans in a test.
type lab struct {
	*httptest.Server
	mu       sync.Mutex         // its clients give up while it still answers
	doses    map[string]float64 // by key
	measured int
	asked    int // requests with a key that was known
	light    func(n int) string
}

func newLab(t *testing.T) *lab {
	l := &lab{doses: map[string]float64{}, light: func(int) string { return `{"light": 400}` }}
	mux := http.NewServeMux()
	measure := func(w http.ResponseWriter, _ *http.Request) {
		l.mu.Lock()
		l.measured++
		text := l.light(l.measured)
		l.mu.Unlock()
		if text == "dead" {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
			return
		}
		_, _ = io.WriteString(w, text)
	}
	mux.HandleFunc("/light", measure)
	mux.HandleFunc("/level", levels())
	mux.HandleFunc("/absorbance", measure)
	mux.HandleFunc("/next", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Well  string
			Light int
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		key := r.Header.Get("Idempotency-Key")
		l.mu.Lock()
		defer l.mu.Unlock()
		dose, known := l.doses[key]
		if known {
			l.asked++
		} else {
			dose = float64(10 * (len(l.doses) % 8))
			l.doses[key] = dose
		}
		_, _ = fmt.Fprintf(w, `{"dose": %g}`, dose)
	})
	l.Server = httptest.NewServer(mux)
	t.Cleanup(l.Close)
	return l
}

// A plate of wells, each measured and dosed by what the world says of it, holds
// in the end what the world decided: on the simulator by its models, on a robot
// by instruments.
func TestAPlateThatReacts(t *testing.T) {
	workflow := written(t, reactWorkflow)
	state := filepath.Join(t.TempDir(), "runs.db")
	code, stdout, stderr := called([]string{"apply", workflow, "--robot", "sim", "--yes", "--state", state}, "")
	if code != exitFine || !strings.Contains(stdout, "plate.A1 … H12 (96 wells) 70 uL") || !strings.Contains(stderr, "simulated: reader gives light = 400") {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	l := newLab(t)
	e, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	code, stdout, stderr = called([]string{"apply", workflow, "--robot", address, "--yes", "--state", state, "--set", "lab=" + l.URL, "--set", "wells=A1:H3", "--quiet"}, "")
	if code != exitFine {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	for i, well := range []string{"A1", "B1", "C1", "D1", "E1", "F1", "G1", "H1", "A2", "B2"} {
		want := 40_000
		if dose := 10_000 * (i % 8); dose >= 20_000 {
			want += dose
		}
		if got := heldBy(t, e, well); got != int64(want) {
			t.Errorf("%s holds %d nL, want %d", well, got, want)
		}
	}
	if l.measured != 24 || len(l.doses) != 24 || l.asked != 0 {
		t.Errorf("measured %d times, %d plans, %d asked again", l.measured, len(l.doses), l.asked)
	}
	_, shown, _ := called([]string{"runs", "show", "last", "--state", state}, "")
	for _, want := range []string{"light = 400", "dose = 20 uL", "the plan goes on to its end", "ok, "} {
		if !strings.Contains(shown, want) {
			t.Errorf("the journal does not show %q:\n%s", want, shown)
		}
	}
	_, csv, _ := called([]string{"runs", "export", "last", "--format", "csv", "--state", state}, "")
	if !strings.Contains(csv, "measure,,,") || !strings.Contains(csv, ",done,light = 400") {
		t.Errorf("the export lacks what was measured:\n%.2000s", csv)
	}
	// Done again, everything is measured anew.
	_, address = emulated(t, emulator.Options{Clock: emulator.NoTime()})
	code, _, stderr = called([]string{"runs", "repeat", "last", "--robot", address, "--yes", "--state", state, "--quiet"}, "")
	if code != exitFine || l.measured != 48 {
		t.Errorf("repeated: exit %d, measured %d times\n%s", code, l.measured, stderr)
	}
}

func heldBy(t *testing.T, e *emulator.Emulator, well string) int64 {
	t.Helper()
	r := e.Result()
	if r == nil {
		t.Fatal("the robot did nothing")
	}
	for i := range r.Wells {
		if w := r.Wells[i].Ref; r.Deck.Labware[w.Labware].Name == "plate" && r.Deck.Well(w).Name == well {
			return r.Wells[i].Content.Volume
		}
	}
	return 0
}

// An instrument that is dead, slow, lies or recovers: the run ends with the tip
// put away and says where and why.
func TestInstrumentsThatFail(t *testing.T) {
	for name, tt := range map[string]struct {
		light func(n int) string
		says  string
	}{
		"dead":   {func(int) string { return "dead" }, "cut off"},
		"lies":   {func(int) string { return `{"light": 1001}` }, "1001"},
		"mute":   {func(int) string { return `{}` }, "light"},
		"babble": {func(int) string { return "<html>" }, "no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.light = tt.light
			e, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
			workflow := written(t, reactWorkflow)
			code, stdout, stderr := called([]string{"apply", workflow, "--robot", address, "--yes", "--state", filepath.Join(t.TempDir(), "runs.db"), "--set", "lab=" + l.URL, "--quiet"}, "")
			if code != exitFailed || !strings.Contains(stderr, tt.says) || !strings.Contains(stderr, "small.yaml:") {
				t.Errorf("exit %d, want %d saying %q with its place\n%s\n%s", code, exitFailed, tt.says, stdout, stderr)
			}
			if r := e.Result(); r == nil || heldBy(t, e, "A1") != 40_000 || heldBy(t, e, "B1") != 0 {
				t.Errorf("the robot went on, or did not begin: %+v", r)
			}
		})
	}
}

const questionWorkflow = `ot2flow: 1
name: question
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: plate.A1, volume: 300 uL}
steps:
  - transfer: {from: plate.A1, to: plate.B1, volume: 30 uL}
  - ask: {message: how much for C1, type: volume, min: 20 uL, max: 100 uL}
    as: amount
  - transfer: {from: plate.A1, to: plate.C1, volume: amount}
  - ask:
      message: what do you see
      fields:
        clear: {type: boolean, description: whether it is clear}
        colour: {type: choice, choices: [red, blue], default: blue}
    as: view
  - if: view.clear
    comment: ${ view.colour }
`

// A question says what may be answered and why an answer is none, and is asked
// again until there is one.
func TestQuestionAtTheTerminal(t *testing.T) {
	e, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	workflow := written(t, questionWorkflow)
	code, stdout, stderr := called([]string{"apply", workflow, "--robot", address, "--state", filepath.Join(t.TempDir(), "runs.db")}, "y\n5 uL\nmuch\n50 uL\nperhaps\nyes\n\n")
	if code != exitFine || heldBy(t, e, "C1") != 50_000 {
		t.Fatalf("exit %d, C1 holds %d\n%s\n%s", code, heldBy(t, e, "C1"), stdout, stderr)
	}
	for _, want := range []string{"how much for C1", "(volume, 20 uL to 100 uL): ", "less than the least value allowed, 20 uL", "whether it is clear (yes or no): ", "(red, blue, Enter for blue): "} {
		if !strings.Contains(stderr, want) {
			t.Errorf("nothing says %q:\n%s", want, stderr)
		}
	}
}

// A question is answered from another process, which is told at once what is
// wrong with an answer.
func TestQuestionFromAnotherProcess(t *testing.T) {
	e, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	state := filepath.Join(t.TempDir(), "runs.db")
	workflow := written(t, questionWorkflow)
	asked, ended := make(chan struct{}), make(chan int, 1)
	seen := &teller{text: "ot2flow runs answer ", tell: asked}
	go func() {
		ended <- ot2flow([]string{"apply", workflow, "--robot", address, "--yes", "--state", state}, strings.NewReader(""), io.Discard, seen)
	}()
	select {
	case <-asked:
	case code := <-ended:
		t.Fatal(code, seen.seen)
	case <-time.After(time.Minute):
		t.Fatal("nothing is asked")
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"last"}, exitUsage, "(volume, 20 uL to 100 uL)"},
		{[]string{"last", "--value", "5 uL"}, exitUsage, "less than the least value allowed, 20 uL"},
		{[]string{"last", "done"}, exitCannot, "is in use"},
		{[]string{"last", "--value", "60 uL", "--by", "Ada"}, exitFine, "taken: 60 uL"},
		{[]string{"last", "--value", "60 uL"}, exitUsage, "--value takes name=value here"},
		{[]string{"last", "--value", "hue=red"}, exitUsage, "there are: clear, colour"},
		{[]string{"last", "--value", "clear=no"}, exitFine, "taken: clear = false, colour = blue"},
	} {
		var code int
		var stdout, stderr string
		for range 100 { // the robot has to get to the next question
			code, stdout, stderr = called(append([]string{"runs", "answer", "--state", state}, c.args...), "")
			if !strings.Contains(stderr, "asks nothing at the moment") {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Fatalf("%v: exit %d, want %d saying %q:\n%s%s", c.args, code, c.code, c.says, stdout, stderr)
		}
	}
	if code := <-ended; code != exitFine || heldBy(t, e, "C1") != 60_000 {
		t.Errorf("exit %d, C1 holds %d\n%s", code, heldBy(t, e, "C1"), seen.seen)
	}
	_, shown, _ := called([]string{"runs", "show", "last", "--state", state}, "")
	if !strings.Contains(shown, "60 uL, Ada at ") {
		t.Errorf("the journal does not say who answered:\n%s", shown)
	}
}

const triggerWorkflow = `ot2flow: 1
name: trigger
params: {lab: {type: string, default: 'http://127.0.0.1:1'}}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: plate.A1, volume: 300 uL}
steps:
  - transfer: {from: plate.A1, to: plate.B1, volume: 30 uL}
  - request:
      url: ${ lab }/light
      method: POST
      result: {light: {type: integer, min: 0, max: 1000}}
    as: seen
  - if: seen.light > 100
    transfer: {from: plate.A1, to: plate.C1, volume: 50 uL}
  - request: {url: '${ lab }/light', method: POST}
`

// Of a request that may have been taken, and has no name by which it could be
// sent again, a person decides; what it gave counts like an answer.
func TestRequestInDoubt(t *testing.T) {
	l := newLab(t)
	l.light = func(n int) string {
		if n == 1 || n == 3 {
			return "dead"
		}
		return `{"light": 400}`
	}
	e, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	state := filepath.Join(t.TempDir(), "runs.db")
	workflow := written(t, triggerWorkflow)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"apply", workflow, "--robot", address, "--yes", "--set", "lab=" + l.URL}, exitFailed, "whether step"},
		{[]string{"runs", "resume", "last", "--yes"}, exitFailed, "waits for a decision"},
		{[]string{"runs", "answer", "last", "skip"}, exitUsage, "there is no value for light"},
		{[]string{"runs", "answer", "last", "done"}, exitUsage, "light (integer, 0 to 1000)"},
		{[]string{"runs", "answer", "last", "done", "--value", "light=2000"}, exitUsage, "2000"},
		{[]string{"runs", "answer", "last", "redo"}, exitFine, "kept"},
		{[]string{"runs", "answer", "last", "done", "--value", "light=500", "--by", "Ada"}, exitFine, "kept"},
		{[]string{"runs", "resume", "last", "--yes"}, exitFailed, "whether step"}, // by now the second is in doubt
		{[]string{"runs", "answer", "last", "skip"}, exitFine, "kept"},
		{[]string{"runs", "resume", "last", "--yes"}, exitFine, ""},
	} {
		code, stdout, stderr := called(append(c.args, "--state", state), "")
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Fatalf("%v: exit %d, want %d saying %q:\n%s%s", c.args, code, c.code, c.says, stdout, stderr)
		}
		l.mu.Lock()
		if c.args[1] == "resume" && c.says != "" && l.measured == 1 {
			l.light = func(int) string { return "dead" }
		}
		l.mu.Unlock()
	}
	if got := heldBy(t, e, "C1"); got != 50_000 { // of the robot's last run, which began with the rest
		t.Errorf("C1 holds %d", got)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.measured != 2 {
		t.Errorf("it was triggered %d times", l.measured)
	}
}

// Whoever sits in front of the run says what became of such a request, and the run goes
// on as it stands: with the tip that is on, in the same run of the robot.
func TestRequestInDoubtIsAskedAbout(t *testing.T) {
	for name, c := range map[string]struct {
		typed string
		code  int
		says  []string // in runs show
	}{
		"done":       {"done\n2000\n500\nredo\n", exitFine, []string{"light = 500, done, as ", "asked again, as "}},
		"skip":       {"skip\nredo\nperhaps\nskip\n", exitFine, []string{"light = 400, asked again, as ", "left out, as "}},
		"abort":      {"abort\n", exitFailed, []string{"whether step 5 happened is not known"}},
		"nobody":     {"", exitFailed, []string{"whether step 5 happened is not known"}},
		"gone after": {"done\n", exitFailed, []string{"whether step 5 happened is not known"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.light = func(n int) string {
				if n == 1 || n == 2 && name == "done" || n == 3 && name == "skip" {
					return "dead"
				}
				return `{"light": 400}`
			}
			_, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
			state := filepath.Join(t.TempDir(), "runs.db")
			code, stdout, stderr := called([]string{"apply", written(t, triggerWorkflow), "--robot", address, "--state", state, "--set", "lab=" + l.URL}, "y\n"+c.typed)
			_, show, _ := called([]string{"runs", "show", "last", "--state", state}, "")
			for _, text := range c.says {
				if !strings.Contains(show, text) {
					t.Errorf("%q is missing", text)
				}
			}
			if code != c.code || !strings.Contains(stderr, "nobody knows whether the request to ") || strings.Contains(show, "gone on with") {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			if t.Failed() {
				t.Logf("%s%s\n%s", stdout, stderr, show)
			}
		})
	}
}

// While a question waits, the robot is held, let go on and stopped from another
// process, and a run that is left there is gone on with.
func TestHeldAtAQuestion(t *testing.T) {
	_, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	state := filepath.Join(t.TempDir(), "runs.db")
	workflow := written(t, strings.Replace(questionWorkflow, "  - transfer: {from: plate.A1, to: plate.B1, volume: 30 uL}\n", "", 1))
	asked, ended := make(chan struct{}), make(chan int, 1)
	seen := &teller{text: "ot2flow runs answer ", tell: asked}
	go func() {
		ended <- ot2flow([]string{"apply", workflow, "--robot", address, "--yes", "--state", state}, strings.NewReader(""), io.Discard, seen)
	}()
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Fatal("nothing is asked")
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"runs", "pause", "last"}, exitFine, "the robot is paused"},
		{[]string{"runs", "answer", "last", "--value", "50 uL"}, exitFine, "taken: 50 uL"},
		{[]string{"runs", "answer", "last", "--value", "50 uL"}, exitUsage, "asks nothing"},
		{[]string{"runs", "resume", "last"}, exitFine, "goes on"},
		{[]string{"runs", "stop", "last", "--now"}, exitFine, ": stopped, "},
	} {
		code, stdout, stderr := called(append(c.args, "--state", state), "")
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Fatalf("%v: exit %d, want %d saying %q:\n%s%s", c.args, code, c.code, c.says, stdout, stderr)
		}
	}
	if code := <-ended; code != exitStopped {
		t.Errorf("exit %d, want %d", code, exitStopped)
	}
}

// The examples that react, on the simulator and on a robot.
func TestExamplesThatReact(t *testing.T) {
	l := newLab(t)
	l.light = func(n int) string {
		switch {
		case n == 2:
			return `{"a600": 3.9}` // saturated, and measured again
		case n > 2:
			n--
		}
		return fmt.Sprintf(`{"a600": %g}`, 0.3*float64(1+(n-1)%3))
	}
	for name, tt := range map[string]struct {
		args             []string
		stdin, well      string
		simulated, robot string
		held             int64 // 0: the robot does not know, whom nobody told what stood there
	}{
		"06-measured-dose": {[]string{"--set", "reader=" + l.URL, "--set", "samples=A1:B1"}, "y\n", "B1", "180 uL", "160 uL", 0},
		"07-question":      {nil, "y\n75\n\n3\n", "B3", "plate.B1 B2", "plate.B1 B2 B3", 1_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			workflow := filepath.Join("../../examples", name, "workflow.yaml")
			state := filepath.Join(t.TempDir(), "runs.db")
			code, stdout, stderr := called(append([]string{"apply", workflow, "--robot", "sim", "--yes", "--state", state}, tt.args...), "")
			if code != exitFine || !strings.Contains(stdout, tt.simulated) {
				t.Errorf("simulated: exit %d\n%s\n%s", code, stdout, stderr)
			}
			e, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
			code, stdout, stderr = called(append([]string{"apply", workflow, "--robot", address, "--state", state}, tt.args...), tt.stdin)
			if code != exitFine || !strings.Contains(stdout, tt.robot) || tt.held > 0 && heldBy(t, e, tt.well) != tt.held {
				t.Errorf("on a robot: exit %d\n%s\n%s", code, stdout, stderr)
			}
		})
	}
}
