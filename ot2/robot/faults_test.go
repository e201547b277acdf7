package robot_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// Every way in which a robot can be bad: what is said of it, and that nothing
// happens twice. want is a part of the message; plays is how often the run was
// played, at most once more where pauses are resumed.
func TestBadRobots(t *testing.T) {
	at := func(key string, do mishap.Kind) emulator.Faults {
		return emulator.Faults{Script: mishap.Script{Events: []mishap.Event{{At: key, Do: do, Requests: 4}}}}
	}
	answers := func(a ...mishap.Answer) emulator.Faults {
		return emulator.Faults{Script: mishap.Script{Answers: a}}
	}
	for _, c := range []struct {
		name    string
		faults  emulator.Faults
		options emulator.Options
		verdict run.Verdict
		kind    string
		want    string
		done    int
		moved   bool
	}{
		{name: "fine", verdict: run.VerdictOK, done: 9, moved: true},
		{name: "not an OT-2", faults: emulator.Faults{Model: "OT-3 Standard"}, verdict: run.VerdictFailed, kind: "rejected", want: "is an OT-3 Standard; ot2flow moves the OT-2"},
		{name: "booting", faults: emulator.Faults{Booting: 2}, verdict: run.VerdictOK, done: 9, moved: true},
		{name: "booting for ever", faults: emulator.Faults{Booting: 1e6}, verdict: run.VerdictFailed, kind: "timeout", want: "is still starting"},
		{name: "busy", faults: emulator.Faults{Busy: true}, verdict: run.VerdictFailed, kind: "busy", want: "is busy with run"},
		{name: "door open", faults: emulator.Faults{DoorOpen: true, DoorSwitch: true}, verdict: run.VerdictFailed, kind: "rejected", want: "the door of emulated is open"},
		{name: "door open and not minded", faults: emulator.Faults{DoorOpen: true}, verdict: run.VerdictOK, done: 9, moved: true},
		{name: "other pipette", faults: emulator.Faults{Pipettes: map[string]string{"right": "p20_single_gen2"}}, verdict: run.VerdictFailed, kind: "rejected", want: "right mount: the plan needs a p300_single_gen2 (p300), and a p20_single_gen2 is attached"},
		{name: "other mount", faults: emulator.Faults{Pipettes: map[string]string{"left": "p300_single_gen2"}}, verdict: run.VerdictFailed, kind: "rejected", want: "right mount: the plan needs a p300_single_gen2 (p300), and nothing is attached"},
		{name: "old software", options: emulator.Options{Version: "6.3.1"}, verdict: run.VerdictFailed, kind: "rejected", want: "7.1 or later is needed"},
		{name: "analysis with an error", faults: emulator.Faults{AnalysisError: "no such thing"}, verdict: run.VerdictFailed, kind: "rejected", want: "no such thing"},
		{name: "analysis without end", faults: emulator.Faults{AnalysisStuck: true}, verdict: run.VerdictFailed, kind: "timeout", want: "does not come to an end with its analysis"},
		{name: "a command fails", faults: emulator.Faults{Script: mishap.Script{Events: []mishap.Event{{At: "3.1", Do: mishap.CommandFailed, Detail: "the tip fell off"}}}}, verdict: run.VerdictFailed, kind: "halted", want: "step 3 (steps[0]/B1/dispense): RuntimeError: the tip fell off", done: 2, moved: true},
		{name: "a setup command fails", faults: emulator.Faults{Script: mishap.Script{Events: []mishap.Event{{At: "0.1", Do: mishap.CommandFailed, Detail: "no pipette there"}}}}, verdict: run.VerdictFailed, kind: "halted", want: "no pipette there", moved: true},
		{name: "stopped from the App", faults: at("3.1", mishap.Stopped), verdict: run.VerdictFailed, kind: "halted", want: "cut off: the run was stopped", done: 2, moved: true},
		{name: "500 while read", faults: answers(mishap.Answer{On: "GET /runs/*", Nth: 2, Times: 3, Do: mishap.Error500}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "500 before it begins", faults: answers(mishap.Answer{On: "GET /instruments", Do: mishap.Error500}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "500 for ever", faults: answers(mishap.Answer{On: "GET /modules", Times: -1, Do: mishap.Error500}), verdict: run.VerdictFailed, kind: "unreachable", want: "the robot answers with error 500"},
		{name: "a web page", faults: answers(mishap.Answer{On: "GET /health", Times: -1, Do: mishap.HTMLOK}), verdict: run.VerdictFailed, kind: "unreachable", want: "a web page"},
		{name: "a web page while read", faults: answers(mishap.Answer{On: "GET /runs/*/commands", Nth: 2, Do: mishap.HTML}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "half an answer", faults: answers(mishap.Answer{On: "GET /runs/*/commands", Nth: 2, Do: mishap.Half}, mishap.Answer{On: "GET /runs/*", Nth: 3, Do: mishap.Half}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "half an answer to play", faults: answers(mishap.Answer{On: "POST /runs/*/actions", Do: mishap.Half}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "garbage", faults: answers(mishap.Answer{On: "GET /runs/*/commands", Nth: 2, Do: mishap.Garbage}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "another version", faults: answers(mishap.Answer{On: "GET /health", Times: -1, Do: mishap.Version}, mishap.Answer{On: "GET /runs/*", Times: -1, Do: mishap.Version}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "late", faults: answers(mishap.Answer{On: "GET /runs/*", Nth: 2, Do: mishap.Late, Delay: time.Second}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "too late", faults: answers(mishap.Answer{On: "GET /runs/*", Nth: 2, Do: mishap.Late, Delay: 3 * time.Second}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "play too late", faults: answers(mishap.Answer{On: "POST /runs/*/actions", Do: mishap.Late, Delay: 3 * time.Second}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "lost before the upload", faults: answers(mishap.Answer{On: "POST /protocols", Do: mishap.CutBefore}), verdict: run.VerdictFailed, kind: "unreachable", want: "nothing has moved, try again"},
		{name: "lost after the upload", faults: answers(mishap.Answer{On: "POST /protocols", Do: mishap.CutAfter}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "lost before the run", faults: answers(mishap.Answer{On: "POST /runs", Do: mishap.CutBefore}), verdict: run.VerdictFailed, kind: "unreachable", want: "nothing has moved, try again"},
		{name: "lost after the run", faults: answers(mishap.Answer{On: "POST /runs", Do: mishap.CutAfter}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "lost before play", faults: answers(mishap.Answer{On: "POST /runs/*/actions", Do: mishap.CutBefore}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "lost after play", faults: answers(mishap.Answer{On: "POST /runs/*/actions", Do: mishap.CutAfter}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "resume lost before", faults: answers(mishap.Answer{On: "POST /runs/*/actions", Nth: 2, Do: mishap.CutBefore}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "resume lost after", faults: answers(mishap.Answer{On: "POST /runs/*/actions", Nth: 2, Do: mishap.CutAfter}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "play refused as broken", faults: answers(mishap.Answer{On: "POST /runs/*/actions", Do: mishap.Error500}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "play heard at last", faults: answers(mishap.Answer{On: "POST /runs/*/actions", Times: 8, Do: mishap.CutBefore}), verdict: run.VerdictOK, done: 9, moved: true},
		{name: "play never heard", faults: answers(mishap.Answer{On: "POST /runs/*/actions", Times: -1, Do: mishap.CutBefore}), verdict: run.NoVerdict, kind: "unreachable", want: "took nothing of what it was sent"},
		{name: "reboot", faults: at("3.1", mishap.Rebooted), verdict: run.VerdictDoubt, kind: "in_doubt", want: "the robot was restarted in the middle of the run", done: 2, moved: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := c.options
			o.Faults = c.faults
			b := newBench(t, o)
			p := planOf(t, small)
			r, err := b.run(p)
			if r.Verdict != c.verdict || err != nil && (kindOf(err) != c.kind || !strings.Contains(err.Error(), c.want)) || err == nil && c.kind != "" {
				t.Errorf("%v, %s: %v\nwant %v, %s: …%s…", r.Verdict, kindOf(err), err, c.verdict, c.kind, c.want)
			}
			if r.Done != c.done && c.verdict != run.VerdictDoubt {
				t.Errorf("%d steps done, want %d", r.Done, c.done)
			}
			if got := b.emulator.Result(); !c.moved && got != nil && got.Steps > 0 {
				t.Errorf("the robot moved")
			}
			if c.verdict == run.VerdictOK {
				b.heldOnce(p)
			}
			b.free(c.verdict)
		})
	}
}

// heldOnce makes sure that every step was carried out exactly once: the
// emulator lists each command once, and its wells hold what the plan says.
func (b *bench) heldOnce(p *program.Plan) {
	b.t.Helper()
	for _, w := range b.emulator.Result().Wells {
		name := p.Deck.WellName(w.Ref)
		if want := map[string]int64{"plate.A1": 100_000, "plate.B1": 100_000, "plate.C1": 100_000}[name]; w.Content.Volume != want {
			b.t.Errorf("%s holds %d nL, want %d", name, w.Content.Volume, want)
		}
	}
}

// free makes sure that no run is left under way that nobody knows of.
func (b *bench) free(v run.Verdict) {
	b.t.Helper()
	if v == run.VerdictFailed {
		return // some of these robots are somebody else's
	}
	d, err := b.robot.Inspect(b.t.Context())
	if err == nil && d.Busy != "" {
		b.t.Errorf("afterwards the robot is busy with %s", d.Busy)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	absent := "http://" + l.Addr().String()
	l.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>a printer</html>"))
	}))
	defer other.Close()
	json := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"up"}`))
	}))
	defer json.Close()
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	for address, want := range map[string]string{
		absent: "nothing answers at " + absent, other.URL: "a web page", json.URL: "does not say that it is a robot", missing.URL: "check the address",
	} {
		b := &bench{t: t, options: quick}
		r := b.open(address)
		if _, err := r.Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
}

// A robot that loses its power while it is told to begin has noted down whether
// it was, so that nobody has to be asked.
func TestRestartWhileToldToBegin(t *testing.T) {
	before := []mishap.Answer{{On: "POST /runs/*/actions", Do: mishap.CutBefore}}
	after := []mishap.Answer{{On: "POST /runs/*/actions", Do: mishap.CutAfter}}
	for name, c := range map[string]struct {
		answers []mishap.Answer
		when    func(func()) func(run.Event, run.Progress)
		verdict run.Verdict
	}{
		"and was not told yet":               {nil, when[run.Intended], run.VerdictFailed},
		"and did not hear":                   {before, when[run.Lost], run.VerdictFailed},
		"and heard, without an answer":       {after, when[run.Sent], run.VerdictDoubt},
		"live, and was not told yet":         {nil, when[run.Intended], run.VerdictFailed},
		"live, and did not hear":             {before, when[run.Lost], run.VerdictFailed},
		"live, and heard, without an answer": {after, when[run.Sent], run.VerdictDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, emulator.Options{Clock: emulator.Scaled(1), Faults: emulator.Faults{Script: mishap.Script{Answers: c.answers}}})
			r, err := b.run(planOf(t, small), func(o *run.Options) {
				o.Observe = []func(run.Event, run.Progress){c.when(func() { b.emulator.Reboot(0) })}
				if strings.HasPrefix(name, "live") {
					o.BatchSteps = 2
				}
			})
			if r.Verdict != c.verdict || r.Done != 0 {
				t.Errorf("%v: %v", r.Verdict, err)
			}
			if c.verdict == run.VerdictFailed && (!strings.Contains(err.Error(), "before it was told to begin; nothing has moved") || r.State.Sent) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A robot that lost its power has forgotten what it did, and remembers how often it
// was told to go on: what it was not let go of did not happen, and nobody is asked.
func TestRestartNarrowsDoubt(t *testing.T) {
	for name, c := range map[string]struct {
		batch int
		at    func(run.Event) bool
		doubt run.Doubt
	}{
		"an uploaded plan, up to its pause":     {0, func(e run.Event) bool { return e == run.StepStarted{N: 2} }, run.Doubt{First: 2, Last: 5}},
		"and behind it":                         {0, func(e run.Event) bool { return e == run.StepStarted{N: 7} }, run.Doubt{First: 7, Last: 9}},
		"a batch that is to be handed over":     {3, func(e run.Event) bool { i, is := e.(run.Intended); return is && i.Batch.First == 4 }, run.Doubt{}},
		"a batch that the robot is at":          {3, func(e run.Event) bool { return e == run.StepStarted{N: 2} }, run.Doubt{First: 2, Last: 3}},
		"a later batch that the robot is at":    {3, func(e run.Event) bool { return e == run.StepStarted{N: 8} }, run.Doubt{First: 8, Last: 9}},
		"a later one that is to be handed over": {2, func(e run.Event) bool { i, is := e.(run.Intended); return is && i.Batch.First == 5 }, run.Doubt{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, emulator.Options{Clock: emulator.Scaled(5)})
			r, err := b.run(planOf(t, small), inBatches(c.batch), func(o *run.Options) {
				o.Observe = []func(run.Event, run.Progress){func(e run.Event, _ run.Progress) {
					if c.at(e) {
						b.emulator.Reboot(0)
					}
				}}
			})
			want := run.VerdictDoubt
			if c.doubt == (run.Doubt{}) {
				want = run.VerdictFailed
			}
			if r.Verdict != want || r.Doubt != c.doubt {
				t.Errorf("%v, in doubt %v, want %v: %v", r.Verdict, r.Doubt, c.doubt, err)
			}
			if _, err := r.Story.Rest(nil); want == run.VerdictFailed && err != nil {
				t.Error(err)
			}
		})
	}
}
