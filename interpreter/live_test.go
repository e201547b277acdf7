package interpreter_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
)

const measured = `ot2flow: 1
name: measured
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
    result: {f1: {type: integer, min: 0, max: 65535}, level: {type: volume, min: 20 uL, max: 80 uL}}
    valid: [{that: f1 < 60000, message: the sensor is saturated}]
vars: {f1: 0, level: 20 uL}
steps:
  - until: reading.f1 > 100
    at_most: 4
    do:
      - transfer: {from: dye, to: plate.B1, volume: 20 uL}
      - measure: {with: sensor, send: {well: plate.B1}}
        as: reading
      - set: {f1: reading.f1, level: reading.level}
  - transfer: {from: dye, to: plate.C1, volume: level}
outputs: {f1: f1}
`

func planned(t *testing.T, p *interpreter.Prepared, results ...interpreter.Result) *program.Plan {
	t.Helper()
	plan, list := p.Plan(interpreter.Input{Results: results})
	if plan == nil {
		t.Fatal(list)
	}
	return plan
}

func steps(p *program.Plan) []string {
	var out []string
	for i := range p.Steps {
		out = append(out, string(p.Steps[i].AppendJSON(nil, p.Deck)))
	}
	return out
}

// Each result leads further, and what was there before stays as it was.
func TestResultsLeadFurther(t *testing.T) {
	p := prepared(t, measured)
	plan := planned(t, p)
	answers := []map[string]string{{"f1": "10", "level": "30 uL"}, {"f1": "100", "level": "30 uL"}, {"f1": "101", "level": "45 uL"}}
	var results []interpreter.Result
	for round, values := range answers {
		last := &plan.Steps[len(plan.Steps)-1]
		if want := 5 * (round + 1); last.N != want || last.Op.Kind != program.Measure || plan.Outlook == nil {
			t.Fatalf("round %d ends with step %d, a %s, and outlook %v; want the measurement %d", round, last.N, last.Op.Kind, plan.Outlook, want)
		}
		if last.Live.Body != `{"well": "plate.B1"}` {
			t.Errorf("the sensor is told %s", last.Live.Body)
		}
		r, err := p.Accept(last, plan.Deck, values)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
		further := planned(t, p, results...)
		if before := strings.Join(steps(plan), "\n"); !strings.HasPrefix(strings.Join(steps(further), "\n"), before) {
			t.Fatalf("round %d: the steps before are others now", round)
		}
		plan = further
	}
	if len(plan.Steps) != 19 || plan.Outlook != nil || plan.Steps[16].Op.Volume != 45_000 {
		t.Errorf("in the end there are %d steps, and %d nL are drawn", len(plan.Steps), plan.Steps[16].Op.Volume)
	}
	if len(plan.Outputs) != 1 || plan.Outputs[0].Value != "101" {
		t.Errorf("outputs: %v", plan.Outputs)
	}
}

// What comes back is held to what is declared of it, before it counts.
func TestResultsAreChecked(t *testing.T) {
	p := prepared(t, measured)
	plan := planned(t, p)
	last := &plan.Steps[len(plan.Steps)-1]
	for _, c := range []struct{ f1, level, want string }{
		{"10", "30 uL", ""},
		{"70000", "30 uL", "more than the greatest value allowed"},
		{"60001", "30 uL", "the sensor is saturated"},
		{"10", "10 uL", "less than the least value allowed"},
		{"10", "30 mm", "30 mm"},
		{"bright", "30 uL", "bright"},
		{"10", "", "no value for level"},
	} {
		values := map[string]string{"f1": c.f1, "level": c.level}
		if c.level == "" {
			delete(values, "level")
		}
		_, err := p.Accept(last, plan.Deck, values)
		if got := err == nil; got != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", values, err, c.want)
		}
	}
}

// A plan with steps that are deferred is kept and read back as it is.
func TestDeferredPlanIsRead(t *testing.T) {
	plan := planned(t, prepared(t, measured))
	if d := plan.Outlook.Deferred; len(d) != 1 || d[0].Path != "steps[1]" || d[0].Steps != 4 {
		t.Errorf("deferred: %+v", d)
	}
	var first, second bytes.Buffer
	if err := plan.Write(&first, true); err != nil {
		t.Fatal(err)
	}
	again, err := program.Read(first.Bytes(), ot2.Machine{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Write(&second, true); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Errorf("written:\n%s\nread and written:\n%s", first.String(), second.String())
	}
}
