package interpreter_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

const closes = `modules:
  temp: {type: temperature_module_gen2, slot: 6}
steps:
  - temperature: {set: 37 C, wait: false}
  - pick_up_tip:
  - for: w in plate.column(2)
    do:
      - set: {f1: f1 + 1}
      - aspirate: {from: dye, volume: 30 uL}
      - dispense: {to: w, volume: 30 uL}
  - drop_tip:
finally:
  - drop_tip:
  - temperature: deactivate
  - if: f1 > 2
    comment: ${ f1 } wells were begun
  - for: i in 1..2
    do: [lights: off]
`

// closedAt is what is done of finally where a run ends behind a step.
func closedAt(t interface {
	Helper()
	Fatal(args ...any)
}, p *interpreter.Prepared, plan *program.Plan, at interpreter.Ending, results ...interpreter.Result,
) (string, program.Closing) {
	t.Helper()
	if at.State == nil {
		at.State = program.NewState(plan.Deck)
		for i := range plan.Steps[:at.Done] {
			at.State.Do(&plan.Steps[i])
		}
		at.State.Apply(&program.Op{Kind: program.EndRun, Well: program.None})
	}
	c, _, list := p.Closing(interpreter.Input{Results: results}, at)
	if len(list) > 0 {
		t.Fatal(list)
	}
	for i := range c.Steps {
		if c.Steps[i].N != i+1 {
			t.Fatal("step", i+1, "has the number", c.Steps[i].N)
		}
	}
	return told(&program.Plan{Steps: c.Steps}), c
}

// What finally says is done as the run left things: with the variables as they
// were, and no tip put away where the robot has dropped it.
func TestClosing(t *testing.T) {
	p := prepared(t, bench+closes)
	plan := planned(t, p)
	at := func(kind program.Kind, nth int) int {
		for i := range plan.Steps {
			if plan.Steps[i].Op.Kind == kind {
				if nth--; nth == 0 {
					return i + 1
				}
			}
		}
		t.Fatal("there is no such step")
		return 0
	}
	on := program.NewState(plan.Deck)
	for i := range plan.Steps[:at(program.Aspirate, 1)] {
		on.Do(&plan.Steps[i])
	}
	for _, c := range []struct {
		name string
		at   interpreter.Ending
		want string
	}{
		{"before anything", interpreter.Ending{}, "stop_temperature, lights, lights"},
		{"behind the first transfer", interpreter.Ending{Done: at(program.Dispense, 1)}, "stop_temperature, lights, lights"},
		{"in the middle of the third", interpreter.Ending{Done: at(program.Aspirate, 3)}, "stop_temperature, 3 wells were begun, lights, lights"},
		{"a tip is on", interpreter.Ending{Done: at(program.Aspirate, 1), State: on}, "drop_tip, stop_temperature, lights, lights"},
		{"the second is next", interpreter.Ending{Done: 1, Seen: 1}, "stop_temperature, lights, lights"},
		{"the heater does not answer", interpreter.Ending{Done: 1, Seen: 2}, "lights, lights"},
		{"everything was seen to", interpreter.Ending{Done: 1, Seen: 4}, ""},
		{"before finally", interpreter.Ending{Done: at(program.DropTip, 1)}, "stop_temperature, 8 wells were begun, lights, lights"},
		{"in finally", interpreter.Ending{Done: at(program.StopTemperature, 1)}, "8 wells were begun, lights, lights"},
		{"in a step of finally that has two", interpreter.Ending{Done: at(program.Lights, 1)}, "lights, lights"},
		{"behind everything", interpreter.Ending{Done: len(plan.Steps)}, ""},
	} {
		if got, _ := closedAt(t, p, plan, c.at); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Wherever a run ends, what finally does to modules and lights is done, in its
// order, and none of it twice.
func TestClosingFromEverywhere(t *testing.T) {
	p := prepared(t, bench+closes)
	plan := planned(t, p)
	rapid.Check(t, func(rt *rapid.T) {
		at := interpreter.Ending{Done: rapid.IntRange(0, len(plan.Steps)).Draw(rt, "done")}
		got, whole := closedAt(rt, p, plan, at)
		done := 0
		for i := range plan.Steps[:at.Done] {
			if plan.Steps[i].Op.Kind == program.StopTemperature {
				done++
			}
		}
		if n := strings.Count(got, "stop_temperature"); n+done != 1 {
			rt.Errorf("the heater is switched off %d times behind step %d", n+done, at.Done)
		}
		at.Seen = rapid.IntRange(0, 5).Draw(rt, "seen")
		_, rest := closedAt(rt, p, plan, at)
		for i, of := range rest.Of {
			if k := len(whole.Of) - len(rest.Of) + i; of <= at.Seen || whole.Of[k] != of || whole.Steps[k].Op != rest.Steps[i].Op {
				rt.Errorf("behind %d steps of finally comes %v, and of all %v", at.Seen, rest.Of, whole.Of)
			}
		}
	})
}

// A workflow that is in the middle of calling another one does what the other one
// says first. What comes back in finally decides how it goes on, and a failure
// there does not keep the rest from being done.
func TestClosingWithTheWorld(t *testing.T) {
	p := prepared(t, bench+`steps:
  - pick_up_tip:
  - home:
finally:
  - on_error: [{comment: 'nothing, ${ error.kind }'}]
    do:
      - {measure: {with: sensor}, as: seen}
      - comment: light ${ seen.f1 }
  - comment: last
`)
	plan := planned(t, p)
	got, c := closedAt(t, p, plan, interpreter.Ending{Done: 1})
	if got != "measure" || !c.Open {
		t.Errorf("before the measurement: %s, open %v", got, c.Open)
	}
	for _, tt := range []struct {
		result interpreter.Result
		want   string
	}{
		{interpreter.Result{N: 1, Values: map[string]string{"f1": "12"}}, "measure, light 12, last"},
		{interpreter.Result{N: 1, Failed: program.Unreachable}, "measure, nothing, unreachable, last"},
	} {
		got, c := closedAt(t, p, plan, interpreter.Ending{Done: 1, Results: []interpreter.Result{tt.result}})
		if got != tt.want || c.Open {
			t.Errorf("%v: %s, open %v; want %s", tt.result, got, c.Open, tt.want)
		}
	}
	c, supposed, _ := p.Closing(interpreter.Input{Likely: true}, interpreter.Ending{Done: 1, State: program.NewState(plan.Deck)})
	if len(supposed) != 1 || supposed[0].N != 1 || c.Open {
		t.Errorf("what is likely: %v, open %v", supposed, c.Open)
	}
}
