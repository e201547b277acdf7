package service

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/emulator"
)

const deckText = `labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 2}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
`

const mixText = `ot2flow: 1
name: mix-colors
params:
  R: {type: volume, default: 50 uL, min: 0 uL, max: 300 uL}
  mix_well: {type: well, in: plate, default: A1}
outputs:
  red: R
` + deckText + `liquids:
  red: {in: plate.H12, volume: 300 uL}
steps:
  - transfer: {from: plate.H12, to: mix_well, volume: R}
`

const askText = `ot2flow: 1
name: asks
` + deckText + `outputs:
  cells: seen
steps:
  - ask: {message: how many cells are there, type: integer, min: 0, example: 3}
    as: seen
`

// folder has workflows in it.
func folder(t testing.TB, texts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("w%d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// bench is a device with its journal; it is not served.
func bench(t testing.TB, robot, state string, texts ...string) *Device {
	t.Helper()
	tasks := NewTasks(folder(t, texts...))
	if _, err := tasks.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range tasks.Snapshot().Problems {
		t.Fatal(p.Diagnostics)
	}
	s := &Service{State: state, Version: "test"}
	t.Cleanup(s.Close)
	return NewDevice(s, tasks, robot, func(n Note) { t.Log(n.Run, n.Text) })
}

// served serves a device until the end of the test, or until it is called.
func served(t testing.TB, d *Device) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := d.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); done.Wait() }) }
	t.Cleanup(stop)
	return stop
}

func submit(t testing.TB, d *Device, r Request) *View {
	t.Helper()
	v, _, err := d.Submit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// until waits for a state.
func until(t testing.TB, d *Device, id string, is func(*View) bool) *View {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	v, err := d.Wait(ctx, id, is)
	if err != nil || !v.Over && (is == nil || !is(v)) {
		t.Fatalf("%v %+v", err, v)
	}
	return v
}

func state(name string) func(*View) bool { return func(v *View) bool { return v.State == name } }

func TestDeviceCarriesOut(t *testing.T) {
	d := bench(t, Sim, filepath.Join(t.TempDir(), "j.db"), mixText)
	served(t, d)
	v := submit(t, d, Request{Task: "mix_colors", Given: []byte(`{"R": 100, "mix_well": "B2"}`), For: Behalf{By: "ada", Project: "p"}})
	v = until(t, d, v.ID, nil)
	if v.State != StateOK || string(v.Result) != `{"red":"100 uL"}` || string(v.Parameters) != `{"R":100,"mix_well":"B2"}` || v.By != "ada" || v.Project != "p" || v.Done != v.Steps || v.Steps == 0 {
		t.Errorf("%+v", v)
	}
	steps, err := d.Steps(t.Context(), v.ID, 0, 100)
	if err != nil || len(steps) != v.Steps || steps[0].Fate != "done" {
		t.Errorf("%v %+v", err, steps)
	}
	var seqs []int64
	err = d.Events(t.Context(), v.ID, 2, func(seq int64, _ string, _ []byte) error { seqs = append(seqs, seq); return nil }, nil)
	if err != nil || len(seqs) == 0 || seqs[0] != 3 || seqs[len(seqs)-1] != v.Seq {
		t.Errorf("%v %v of %d", err, seqs, v.Seq)
	}
	for i := range seqs {
		if seqs[i] != int64(i)+3 {
			t.Fatalf("events are missing: %v", seqs)
		}
	}
}

// What is wrong with parameters is found before anything is accepted, and by name.
func TestDeviceRefusesParameters(t *testing.T) {
	d := bench(t, Sim, filepath.Join(t.TempDir(), "j.db"), mixText)
	for given, want := range map[string]string{
		`{"R": 500}`:             "R",
		`{"R": "much"}`:          "R",
		`{"Q": 1}`:               "",
		`{"mix_well": "Z9"}`:     "mix_well",
		`{"R": {"a": 1}}`:        "",
		`[1]`:                    "",
		"R: 60":                  "",
		"\f":                     "",
		`{"R": 1`:                "",
		"{\"R\": \"\xff\"}":      "",
		`{"mix_well": "/etc/x"}`: "mix_well",
	} {
		_, _, err := d.Submit(t.Context(), Request{Task: "mix-colors", Given: []byte(given)})
		var found *Findings
		if !errors.As(err, &found) || len(found.List) == 0 {
			t.Errorf("%s: %v", given, err)
			continue
		}
		got := ""
		if found.Param != nil {
			got = found.Param(&found.List[0])
		}
		if want != "" && got != want {
			t.Errorf("%s: it is about %q, want %q: %v", given, got, want, found.List[0].Message)
		}
	}
	var e *Error
	if _, _, err := d.Submit(t.Context(), Request{Task: "mix-colours"}); !errors.As(err, &e) || e.Kind != Missing || !strings.Contains(e.Message, "did you mean mix-colors") {
		t.Error(err)
	}
	if list, _, err := d.List(t.Context(), Wanted{Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("%v %+v", err, list)
	}
}

// A key is accepted once, also when the server was killed after it was accepted and
// before it was begun; and nothing that was accepted is lost.
func TestDeviceKeepsWhatItAccepted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	d := bench(t, Sim, file, mixText)
	first := submit(t, d, Request{Task: "mix-colors", Given: []byte(`{"R": 40}`), Key: "k"})
	if first.State != StateQueued || first.Position != 1 {
		t.Fatalf("%+v", first)
	}
	d.Service.Close() // and the process is gone
	d = bench(t, Sim, file, mixText)
	again, fresh, err := d.Submit(t.Context(), Request{Task: "mix-colors", Given: []byte(`{"R":40}`), Key: "k"})
	if err != nil || fresh || again.ID != first.ID {
		t.Fatalf("%v %v %+v", err, fresh, again)
	}
	if _, _, err := d.Submit(t.Context(), Request{Task: "mix-colors", Given: []byte(`{"R": 41}`), Key: "k"}); err == nil || !strings.Contains(err.Error(), first.ID) {
		t.Error(err)
	}
	served(t, d)
	if v := until(t, d, first.ID, nil); v.State != StateOK || string(v.Result) != `{"red":"40 uL"}` {
		t.Errorf("%+v", v)
	}
	if again, fresh, err = d.Submit(t.Context(), Request{Task: "mix-colors", Given: []byte(`{"R":40}`), Key: "k"}); err != nil || fresh || again.State != StateOK {
		t.Errorf("%v %v %+v", err, fresh, again)
	}
	list, _, err := d.List(t.Context(), Wanted{Limit: 10})
	if err != nil || len(list) != 1 {
		t.Errorf("%v %+v", err, list)
	}
}

// A question waits for an answer through the device, on the simulator as on a robot.
func TestDeviceAsks(t *testing.T) {
	d := bench(t, Sim, filepath.Join(t.TempDir(), "j.db"), askText, mixText)
	served(t, d)
	v := submit(t, d, Request{Task: "asks"})
	next := submit(t, d, Request{Task: "mix-colors"})
	v = until(t, d, v.ID, func(v *View) bool { return v.Question != nil })
	if v.Question.Message != "how many cells are there" || len(v.Question.Fields) != 1 || v.Question.Fields[0].Type != "integer" {
		t.Fatalf("%+v", v.Question)
	}
	if n, err := d.View(t.Context(), next.ID); err != nil || n.State != StateQueued || !strings.Contains(n.Reason, v.ID) {
		t.Errorf("%v %+v", err, n)
	}
	if err := d.Service.Reply(t.Context(), v.ID, []string{"-1"}, "ada", d.say(v.ID)); err == nil {
		t.Error("less than the least was taken")
	}
	if err := d.Service.Reply(t.Context(), v.ID, []string{"7"}, "ada", d.say(v.ID)); err != nil {
		t.Fatal(err)
	}
	if v = until(t, d, v.ID, nil); v.State != StateOK || string(v.Result) != `{"cells":7}` {
		t.Errorf("%+v", v)
	}
	until(t, d, next.ID, state(StateOK))
}

// What waits can be withdrawn, and what asks can be stopped.
func TestDeviceStops(t *testing.T) {
	d := bench(t, Sim, filepath.Join(t.TempDir(), "j.db"), askText, mixText)
	served(t, d)
	asks := submit(t, d, Request{Task: "asks"})
	waits := submit(t, d, Request{Task: "mix-colors"})
	until(t, d, asks.ID, func(v *View) bool { return v.Question != nil })
	stop := run.Request{Control: run.Stop, By: "ada"}
	if err := d.Ask(t.Context(), waits.ID, stop, GoingOn{}); err != nil {
		t.Fatal(err)
	}
	if v := until(t, d, waits.ID, nil); v.State != StateWithdrawn || !strings.Contains(v.Reason, "ada") {
		t.Errorf("%+v", v)
	}
	if err := d.Ask(t.Context(), asks.ID, stop, GoingOn{}); err != nil {
		t.Fatal(err)
	}
	if v := until(t, d, asks.ID, nil); v.State != StateStopped {
		t.Errorf("%+v", v)
	}
	if err := d.Ask(t.Context(), "261123-0000", stop, GoingOn{}); err == nil {
		t.Error("a run that is not there was stopped")
	}
}

// A run whose robot is still at its analysis is stopped at once, and not left: nothing of
// it was begun, and nobody has to find out what became of it.
func TestDeviceStopsBeforeItBegins(t *testing.T) {
	e, err := emulator.New(emulator.Options{Clock: emulator.NoTime(), Faults: emulator.Faults{AnalysisStuck: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	h := httptest.NewServer(e.Handler())
	t.Cleanup(h.Close)
	d := bench(t, strings.TrimPrefix(h.URL, "http://"), filepath.Join(t.TempDir(), "j.db"), mixText)
	served(t, d)
	v := submit(t, d, Request{Task: "mix-colors"})
	until(t, d, v.ID, func(v *View) bool { return v.State == StateRunning })
	if err := d.Ask(t.Context(), v.ID, run.Request{Control: run.Stop, By: "ada"}, GoingOn{}); err != nil {
		t.Fatal(err)
	}
	if v := until(t, d, v.ID, nil); v.State != StateStopped || v.Done != 0 {
		t.Errorf("%+v", v)
	}
}

// What finally says is done where somebody stops a run from afar, too.
func TestDeviceClosesWhatIsStopped(t *testing.T) {
	d := bench(t, Sim, filepath.Join(t.TempDir(), "j.db"), strings.Replace(askText, "steps:\n", "steps:\n  - home:\n", 1)+"finally: [{lights: off}]\n")
	served(t, d)
	asks := submit(t, d, Request{Task: "asks"})
	until(t, d, asks.ID, func(v *View) bool { return v.Question != nil })
	if err := d.Ask(t.Context(), asks.ID, run.Request{Control: run.Stop, By: "ada"}, GoingOn{}); err != nil {
		t.Fatal(err)
	}
	store, err := d.Service.Journal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last string
	err = store.Watch(ctx, func() (bool, error) {
		last = ""
		for e, err := range store.Events(ctx, journal.Query{Run: asks.ID}) {
			if err != nil {
				return false, err
			}
			if c, is := e.Record.Event.(run.Continued); is && c.Closing {
				last = ""
			}
			last += " " + e.Record.Event.Kind()
		}
		return !strings.HasSuffix(last, " step_done ended finished"), nil
	})
	if err != nil || !strings.HasPrefix(last, " continued opened intent sent step_started step_done") {
		t.Error(err, last)
	}
	if v := until(t, d, asks.ID, nil); v.State != StateStopped {
		t.Errorf("%+v", v)
	}
}

// A server of the same queue is refused with who has it.
func TestDeviceHasOneServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	one, two := bench(t, Sim, file, mixText), bench(t, Sim, file, mixText)
	release, err := one.Own(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Own(t.Context()); err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Error(err)
	}
	release()
	release, err = two.Own(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release()
}

// On a robot that is not there a run waits, and says why; when it is there, it is
// carried out. The server may end in between.
func TestDeviceWaitsForItsRobot(t *testing.T) {
	e, err := emulator.New(emulator.Options{Clock: emulator.NoTime()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	h := httptest.NewUnstartedServer(e.Handler())
	address := h.Listener.Addr().String()
	file := filepath.Join(t.TempDir(), "j.db")
	d := bench(t, "127.0.0.1:1", file, mixText)
	stop := served(t, d)
	v := submit(t, d, Request{Task: "mix-colors"})
	v = until(t, d, v.ID, func(v *View) bool { return v.Reason != "" })
	if v.State != StateQueued || d.Blocked(t.Context(), v.ID) == "" {
		t.Errorf("%+v", v)
	}
	stop()
	d.Service.Close()
	h.Start()
	t.Cleanup(h.Close)
	d = bench(t, address, file, mixText)
	served(t, d)
	two := submit(t, d, Request{Task: "mix-colors"})
	if v := until(t, d, two.ID, nil); v.State != StateOK || v.Robot == "" {
		t.Errorf("%+v", v)
	}
}

// Runs of an experiment keep their order, whatever their priority; otherwise what is
// more urgent comes first, and of what is as urgent, what was accepted first.
func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []*journal.Submission
		for i := range rapid.IntRange(0, 12).Draw(t, "n") {
			list = append(list, &journal.Submission{
				ID: fmt.Sprint(i), Priority: rapid.IntRange(-2, 2).Draw(t, "priority"),
				Experiment: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "experiment"),
			})
		}
		at := map[string]int{}
		out := ordered(list)
		for i, o := range out {
			at[o.ID] = i
		}
		if len(at) != len(list) {
			t.Fatalf("%d of %d", len(at), len(list))
		}
		for i, a := range list {
			for _, b := range list[i+1:] {
				same := a.Experiment != "" && a.Experiment == b.Experiment
				if same && at[a.ID] > at[b.ID] {
					t.Fatalf("%s before %s of the same experiment", b.ID, a.ID)
				}
				if a.Priority >= b.Priority && b.Experiment == "" && at[a.ID] > at[b.ID] {
					t.Fatalf("%s before %s, which is as urgent and came first", b.ID, a.ID)
				}
			}
		}
	})
}
