package interpreter_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

const bench = `ot2flow: 1
name: bench
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  p: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  dye: {in: plate.A1, volume: 350 uL}
instruments:
  sensor:
    url: http://sensor.local/measure
    result: {f1: {type: integer, min: 0, max: 65535}}
vars: {f1: 0}
`

// told is what a program does, a word for each step, with what it fails by.
func told(p *program.Plan) string {
	var out []string
	for i := range p.Steps {
		s := &p.Steps[i]
		word := s.Op.Kind.String()
		switch s.Op.Kind {
		case program.Delay:
			word += " " + strconv.FormatInt(s.Op.Duration, 10)
		case program.Comment:
			word = s.Text
		default:
		}
		out = append(out, word)
	}
	if p.Failed != "" {
		out = append(out, "FAILED "+p.Failed)
	}
	return strings.Join(out, ", ")
}

// carriedOut goes through a program as a run does: every live step gets the next
// of the answers, "f1=5" or the kind of a failure, and the program goes on by
// it. What was there before stays as it is. Behind an @ stands how many seconds
// are left of a timeout then: "timeout@2:0" where nothing is left of the second.
func carriedOut(t *testing.T, text string, answers ...string) string {
	t.Helper()
	p := prepared(t, bench+text)
	var results []interpreter.Result
	plan := planned(t, p)
	for {
		next := nextLive(plan, len(results))
		if next == nil {
			break
		}
		if len(answers) == 0 {
			t.Fatalf("nobody answers step %d of %s", next.N, told(plan))
		}
		r := interpreter.Result{N: next.N}
		var left string
		answers[0], left, _ = strings.Cut(answers[0], "@")
		if name, value, ok := strings.Cut(answers[0], "="); ok {
			var err error
			if r, err = p.Accept(next, plan.Deck, map[string]string{name: value}); err != nil {
				t.Fatal(err)
			}
		} else {
			r.Failed, r.Why = program.Cause(answers[0]), "so it is"
		}
		if limit, s, ok := strings.Cut(left, ":"); ok {
			n, _ := strconv.Atoi(limit)
			ms, _ := strconv.ParseInt(s+"000", 10, 64)
			r.Left = []interpreter.Left{{Limit: n, MS: ms}}
		}
		answers, results = answers[1:], append(results, r)
		before := steps(plan)[:next.N]
		list := ""
		further, found := p.Plan(interpreter.Input{Results: results, Seed: "run 1"})
		if further == nil {
			for _, d := range found {
				list += d.Code.Name + ": " + d.Message + "; "
			}
			return "FOUND " + list
		}
		plan = further
		if now := steps(plan)[:next.N]; strings.Join(now, "\n") != strings.Join(before, "\n") {
			t.Fatalf("the steps before the answer are others now:\n%s\nwere\n%s", strings.Join(now, "\n"), strings.Join(before, "\n"))
		}
	}
	if len(answers) > 0 {
		t.Errorf("nobody asked for %v", answers)
	}
	return told(plan)
}

func nextLive(p *program.Plan, n int) *program.Step {
	for i := range p.Steps {
		if p.Steps[i].Live == nil {
			continue
		}
		if n == 0 {
			return &p.Steps[i]
		}
		n--
	}
	return nil
}

// What becomes of a failure is what the modifiers around it say.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name, steps, answers, want string
	}{
		{"nothing holds it up", `
steps:
  - measure: {with: sensor}
  - comment: behind
`, "timeout", "measure, FAILED workflow.yaml:17: the measure failed: so it is"},
		{"retry", `
steps:
  - retry: {attempts: 3, delay: 2 s}
    measure: {with: sensor}
  - comment: behind
`, "timeout unreachable f1=1", "measure, delay 2000, measure, delay 2000, measure, behind"},
		{"retry in vain", `
steps:
  - retry: {attempts: 2, delay: 2 s}
    measure: {with: sensor}
  - comment: behind
finally: [{comment: last}]
`, "timeout timeout", "measure, delay 2000, measure, last, FAILED workflow.yaml:18: the measure failed: so it is (2 attempts)"},
		{"what does not pass is not tried again", `
steps:
  - retry: 3
    measure: {with: sensor}
`, "rejected", "measure, FAILED workflow.yaml:18: the measure failed: so it is"},
		{"the time of a step is over", `
steps:
  - timeout: 1 min
    retry: 3
    on_error: [{comment: "${ error.kind }, ${ error.message }"}]
    measure: {with: sensor}
  - comment: behind
`, "timeout@1:20 timeout@1:0", "measure, measure, timeout, the timeout of 1 min in line 17 has passed, behind"},
		{"no time is left for another attempt", `
steps:
  - timeout: 1 min
    retry: {attempts: 3, delay: 20 s}
    on_error: [{comment: "${ error.message }"}]
    measure: {with: sensor}
`, "timeout@1:30 timeout@1:10", "measure, delay 20000, measure, the timeout of 1 min in line 17 has passed, or would before the next attempt"},
		{"what the robot does meanwhile counts", `
steps:
  - timeout: 1 min
    retry: {attempts: 2, delay: 20 s}
    on_error: continue
    do:
      - measure: {with: sensor}
        as: reading
      - delay: 15 s
      - check: {that: reading.f1 > 10}
`, "f1=1@1:30", "measure, delay 15000"},
		{"the time of an attempt is over", `
steps:
  - retry: {attempts: 3, timeout: 10 s}
    measure: {with: sensor}
  - comment: behind
`, "timeout@1:0 timeout@2:5 f1=1@3:5", "measure, measure, measure, behind"},
		{"the time of steps around is over", `
steps:
  - timeout: 1 min
    on_error: [{comment: outer}]
    do:
      - timeout: 30 s
        on_error: [{comment: inner}]
        retry: 2
        measure: {with: sensor}
      - comment: between
  - comment: behind
finally: [{comment: last}]
`, "timeout@1:0", "measure, outer, behind, last"},
		{"the time of the run is over", `
timeout: 1 h
steps:
  - on_error: continue
    retry: 5
    measure: {with: sensor}
  - comment: behind
finally: [{comment: last}]
`, "timeout@1:0", "measure, last, FAILED workflow.yaml:16: the timeout of 1 h in line 16 has passed"},
		{"a list of delays", `
steps:
  - retry: {delay: [1 s, 5 s], on: [rejected]}
    measure: {with: sensor}
`, "rejected rejected f1=1", "measure, delay 1000, measure, delay 5000, measure"},
		{"back-off", `
steps:
  - retry: {attempts: 5, delay: 1 s, factor: 3, longest: 5 s}
    measure: {with: sensor}
`, "busy busy busy busy f1=1", "measure, delay 1000, measure, delay 3000, measure, delay 5000, measure, delay 5000, measure"},
		{"a check inside of a retry", `
steps:
  - retry: 3
    do:
      - measure: {with: sensor}
        as: reading
      - check: {that: reading.f1 > 10, message: too dark}
  - comment: behind
`, "f1=1 f1=2 f1=30", "measure, measure, measure, behind"},
		{"a check that does not come to hold", `
steps:
  - retry: 2
    do:
      - measure: {with: sensor}
        as: reading
      - check: {that: reading.f1 > 10, message: too dark}
  - comment: behind
`, "f1=1 f1=2", "measure, measure, FAILED workflow.yaml:21: too dark (2 attempts)"},
		{"a check without a retry", `
steps:
  - measure: {with: sensor}
    as: reading
  - check: {that: reading.f1 > 10, message: too dark}
  - comment: behind
`, "f1=1", "measure, FAILED workflow.yaml:19: too dark"},
		{"continue", `
steps:
  - for: i in 1..3
    on_error: continue
    do:
      - measure: {with: sensor}
      - comment: measured ${ i }
  - comment: behind
`, "f1=1 timeout f1=3", "measure, measured 1, measure, measure, measured 3, behind"},
		{"steps, which know the failure", `
steps:
  - on_error:
      - comment: ${ error.kind } because ${ error.message }
    measure: {with: sensor}
  - comment: behind
`, "busy", "measure, busy because the measure failed: so it is, behind"},
		{"steps that fail themselves", `
steps:
  - on_error:
      - comment: outer ${ error.message }
    do:
      - on_error:
          - comment: inner
          - fail: given up
        measure: {with: sensor}
  - comment: behind
`, "busy", "measure, inner, outer given up, behind"},
		{"abort, which nothing holds up", `
steps:
  - on_error: continue
    do:
      - on_error: abort
        measure: {with: sensor}
  - comment: behind
`, "busy", "measure, FAILED workflow.yaml:20: the measure failed: so it is"},
		{"ask, and again", `
steps:
  - on_error: ask
    measure: {with: sensor}
  - comment: behind
`, "busy =again busy =again f1=1", "measure, ask, measure, ask, measure, behind"},
		{"ask, and go on", `
steps:
  - on_error: ask
    measure: {with: sensor}
  - comment: behind
`, "busy =go_on", "measure, ask, behind"},
		{"ask, and stop", `
steps:
  - on_error: ask
    measure: {with: sensor}
  - comment: behind
`, "busy =stop", "measure, ask, FAILED workflow.yaml:18: the measure failed: so it is"},
		{"a tip that is on is put away", `
steps:
  - pick_up_tip:
  - measure: {with: sensor}
  - drop_tip:
finally: [{drop_tip: null}, {home: null}]
`, "timeout", "pick_up_tip, measure, drop_tip, home, FAILED workflow.yaml:18: the measure failed: so it is"},
		{"finally where all is well", `
steps:
  - pick_up_tip:
  - measure: {with: sensor}
  - drop_tip:
finally: [{drop_tip: null}, {home: null}]
`, "f1=1", "pick_up_tip, measure, drop_tip, home"},
		{"a failure in finally does not keep the rest from being done", `
steps:
  - comment: first
finally:
  - request: {url: 'http://lab/done'}
  - home:
`, "timeout", "first, request, home, FAILED workflow.yaml:19: the request failed: so it is"},
		{"a message that does not arrive is no failure", `
steps:
  - notify: {to: 'http://lab/chat', message: begun}
  - comment: behind
`, "timeout", "notify, behind"},
		{"unless something is said about that", `
steps:
  - retry: 2
    notify: {to: 'http://lab/chat', message: begun}
  - comment: behind
`, "timeout timeout", "notify, notify, FAILED workflow.yaml:18: the notify failed: so it is (2 attempts)"},
		{"a request that may have been taken is not sent again", `
steps:
  - retry: 2
    request: {url: 'http://lab/order', method: POST}
`, "timeout", "request, FAILED workflow.yaml:18: the request failed: so it is"},
		{"unless it names itself", `
steps:
  - retry: 2
    request: {url: 'http://lab/order', method: POST, key: one}
`, "timeout timeout", "request, request, FAILED workflow.yaml:18: the request failed: so it is (2 attempts)"},
		{"the bound of a loop is held up", `
steps:
  - on_error: [{comment: never bright enough}]
    do:
      - until: reading.f1 > 10
        at_most: 2
        measure: {with: sensor}
        as: reading
  - comment: behind
`, "f1=1 f1=2", "measure, measure, never bright enough, behind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var answers []string
			for _, a := range strings.Fields(c.answers) {
				answers = append(answers, strings.ReplaceAll(a, "_", " "))
			}
			if got := carriedOut(t, c.steps, answers...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Waits with jitter are the same for the same run, and others for another.
func TestJitter(t *testing.T) {
	p := prepared(t, bench+`
steps:
  - retry: {attempts: 4, delay: 10 s, jitter: 0.5}
    measure: {with: sensor}
`)
	waits := func(seed string) string {
		results := []interpreter.Result{{N: 1, Failed: program.NoAnswer}, {N: 3, Failed: program.NoAnswer}, {N: 5, Failed: program.NoAnswer}}
		plan, list := p.Plan(interpreter.Input{Results: results, Seed: seed})
		if plan == nil {
			t.Fatal(list)
		}
		for i := range plan.Steps {
			if ms := plan.Steps[i].Op.Duration; plan.Steps[i].Op.Kind == program.Delay && (ms < 5000 || ms > 15000) {
				t.Errorf("it is waited for %d ms", ms)
			}
		}
		return told(plan)
	}
	one, two := waits("a"), waits("b")
	if one != waits("a") || one == two {
		t.Errorf("run a: %s\nagain: %s\nrun b: %s", one, waits("a"), two)
	}
}
