package ot2_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

var (
	differSeed  = flag.Uint64("differ.seed", 1, "the seed of the calls drawn; another one than 1 needs the engines")
	differCalls = flag.Int("differ.calls", 600, "how many calls are drawn")
	differOnly  = flag.String("differ.only", "", "draw only: methods, modules, steps, sources")
	differWhole = flag.Bool("differ.whole", false, "show calls that disagree as they were drawn")
	differKeep  = flag.Bool("differ.keep", false, "keep calls that disagree, made small, in testdata/differential")
)

// drawnKinds are the kinds of calls, and how many of each are drawn, in sixths
// of what differ.calls says.
var drawnKinds = []struct {
	name  string
	share int
	draw  func(seed uint64, n int) *call
}{
	{"methods", 6, drawCall},
	{"modules", 2, drawModuleCall},
	{"steps", 2, drawStepCall},
	{"sources", 1, drawSourceCall},
}

// outcome is what one side makes of a call: steps, or why it refuses.
type outcome struct {
	Steps   []exportStep
	Refused []string        // codes of ours, or the engine's error
	raw     json.RawMessage // the engine's words
}

// readOutcome reads what serve.py says of a call.
func readOutcome(raw json.RawMessage) (*outcome, error) {
	var answer struct {
		Steps []exportStep
		Error string
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	out := &outcome{Steps: answer.Steps, raw: raw}
	if answer.Error != "" {
		out.Refused = []string{answer.Error}
	}
	return out, nil
}

// ourOutcome plans the call's workflow.
func ourOutcome(c *call) *outcome {
	out := &outcome{}
	bundle, list := spec.FromFiles("workflow.yaml", []spec.File{{Name: "workflow.yaml", Data: []byte(inYAML(c))}})
	prepared, more := workflows.Prepare(bundle)
	list = append(list, more...)
	if prepared != nil {
		plan, found := prepared.Plan(interpreter.Input{})
		list = append(list, found...)
		if plan != nil {
			out.Steps = inExportForm(plan)
		}
	}
	for _, d := range list {
		if d.Severity == diag.Error {
			out.Refused = append(out.Refused, d.Code.Name)
		}
	}
	return out
}

// engine is the vendor's software in a process of its own, ready for questions.
type engine struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

func startEngine(t *testing.T, python string) *engine {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(engineFolder, "serve.py"))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{cmd: exec.CommandContext(t.Context(), python, "-B", script)}
	e.cmd.Dir = t.TempDir()
	e.cmd.Stderr = &e.stderr
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if e.in, err = e.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	e.out = bufio.NewReader(out)
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.in.Close()
		if err := e.cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("%s: %v\n%s", python, err, e.stderr.Bytes())
		}
	})
	return e
}

// ask does calls, bench by bench.
func (e *engine) ask(calls []*call) ([]*outcome, error) {
	out := make([]*outcome, len(calls))
	for bench := range benches {
		var of []*call
		var at []int
		for i, c := range calls {
			if c.Bench == bench {
				of, at = append(of, c), append(at, i)
			}
		}
		if len(of) == 0 {
			continue
		}
		if err := json.NewEncoder(e.in).Encode(map[string]string{"text": protocolOf(bench, of)}); err != nil {
			return nil, err
		}
		line, err := e.out.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, e.stderr.Bytes())
		}
		var answer struct {
			Error string
			Calls []json.RawMessage
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			return nil, err
		}
		if answer.Error != "" || len(answer.Calls) != len(of) {
			return nil, fmt.Errorf("bench %d: %d answers to %d calls: %s", bench, len(answer.Calls), len(of), answer.Error)
		}
		for i, raw := range answer.Calls {
			if out[at[i]], err = readOutcome(raw); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// TestDifferential draws calls at random and compares what we make of them with
// what the vendor's software does: commands, wells, volumes, heights and rates,
// or that both refuse. Where there is no engine its recorded answers are
// compared, for the same calls. More calls, or others:
//
//	go test ./ot2 -run TestDifferential -differ.calls 5000 -differ.seed 7 -differ.keep
//
// Calls that disagree are made as small as they go; what is kept of them in
// testdata/differential is compared from then on.
func TestDifferential(t *testing.T) {
	calls := keptCalls(t, differFolder)
	for _, k := range drawnKinds {
		for i := range *differCalls * k.share / 6 {
			if *differOnly == "" || *differOnly == k.name {
				calls = append(calls, k.draw(*differSeed, i))
			}
		}
	}
	drawn := *differSeed == 1 && *differCalls == 600 && *differOnly == ""
	running := startEngines(t)
	if !drawn && len(running) == 0 {
		t.Fatal("for other calls than those that are recorded an engine is needed: OT2FLOW_ENGINE, OT2FLOW_ENGINE_NEW")
	}
	theirs := map[string][]*outcome{}
	if drawn && *update {
		recordCalls(t, running, calls)
	} else {
		var err error
		if theirs, err = askAll(running, calls); err != nil {
			t.Fatal(err)
		}
	}
	if drawn {
		theirs = sameCalls(t, calls, theirs)
	}
	r := report{calls: len(calls), intended: map[string]int{}}
	failed, classes := 0, map[string]int{}
	for i, c := range calls {
		ours := ourOutcome(c)
		var names []string
		problem := ""
		for _, e := range engines {
			if o := theirs[e.version]; o != nil {
				v := judge(c, o[i], ours)
				names = append(names, v.intended...)
				if v.problem != "" {
					problem = e.version + ": " + v.problem
				}
			}
		}
		if problem == "" {
			if r.add(names); len(names) == 0 && len(ours.Refused) > 0 {
				r.refused++
			}
			continue
		}
		failed++
		class := classOf(problem)
		if classes[class]++; classes[class] == 1 {
			t.Errorf("call %d, %s", i, describe(t, running, c, problem))
		}
	}
	if failed > 0 {
		for class, n := range classes {
			t.Logf("%6d %s", n, class)
		}
		t.Fatalf("%d of %d calls disagree", failed, len(calls))
	}
	for _, d := range differences {
		if drawn && r.intended[d.name] == 0 {
			t.Errorf("the difference %q is never seen (%s): take it out", d.name, d.reason)
		}
	}
	r.print(t)
}

// classOf is what a problem has in common with others.
func classOf(problem string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, strings.SplitN(problem, "\n", 2)[0])
}

// startEngines starts those that there are.
func startEngines(t *testing.T) map[string]*engine {
	t.Helper()
	out := map[string]*engine{}
	for _, e := range engines {
		if python := os.Getenv(e.variable); python != "" {
			out[e.version] = startEngine(t, python)
		}
	}
	return out
}

// askAll asks all engines at the same time.
func askAll(running map[string]*engine, calls []*call) (map[string][]*outcome, error) {
	var all sync.WaitGroup
	var lock sync.Mutex
	var failed error
	out := map[string][]*outcome{}
	for version, e := range running {
		all.Go(func() {
			answers, err := e.ask(calls)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failed = fmt.Errorf("%s: %w", version, err)
			}
			out[version] = answers
		})
	}
	all.Wait()
	return out, failed
}

// report counts what became of the calls.
type report struct {
	calls, agree, refused int // refused: by both, which is to agree
	intended              map[string]int
}

func (r *report) add(names []string) {
	if len(names) == 0 {
		r.agree++
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		r.intended[name]++
	}
}

func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the same calls in Python and as workflows, done by opentrons")
	for _, e := range engines {
		fmt.Fprintf(&b, " %s", e.version)
	}
	fmt.Fprintf(&b, " and by ot2flow\n%6d calls\n%6d agree, %d of them in refusing\n%6d differ as intended\n", r.calls, r.agree, r.refused, r.calls-r.agree)
	for _, d := range differences {
		fmt.Fprintf(&b, "%12d %s: %s\n", r.intended[d.name], d.name, d.reason)
	}
	return b.String()
}

// print shows the report, and leaves it to who asked for it: go test shows
// nothing of a package that passes.
func (r *report) print(t *testing.T) {
	t.Helper()
	t.Logf("\n%s", r)
	if file := os.Getenv("OT2FLOW_REPORT"); file != "" {
		if err := os.WriteFile(file, []byte(r.String()), 0o600); err != nil {
			t.Error(err)
		}
	}
}
