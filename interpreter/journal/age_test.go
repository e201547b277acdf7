package journal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

// What stands open on the robot between runs is less in the next one, by what it is
// declared to lose in an hour; a well that a run did not touch loses during the
// run, too. A plan that counts on what is gone is refused.
func TestEvaporationBetweenRuns(t *testing.T) {
	l := newLab(t)
	bundle, _ := spec.FromFiles("workflow.yaml", []spec.File{{Name: "workflow.yaml", Data: []byte(strings.Replace(colours,
		"pots:  {type: nest_12_reservoir_15ml, slot: 2, keep: true}", "pots:  {type: nest_12_reservoir_15ml, slot: 2, keep: true, evaporation: 1 mL/h}", 1))}})
	prepared, list := workflows.Prepare(bundle)
	if prepared == nil {
		t.Fatal(list)
	}
	one := l.lease("one")
	plan, list := prepared.Plan(interpreter.Input{Params: interpreter.Values{"to": "A1:A1"}})
	if plan == nil {
		t.Fatal(list)
	}
	r, err := l.begin(one, "ada", "", plan)
	if err != nil {
		t.Fatal(err)
	}
	records := events(plan, 3, run.VerdictStopped, nine) // red was drawn, blue was not
	each := time.Hour / time.Duration(len(records)-1)    // it takes an hour
	for i := range records {
		records[i].At = nine.Add(time.Duration(i) * each)
	}
	if err := r.Append(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	known, err := l.Ledger(t.Context(), "one", ot2.Machine{})
	if err != nil {
		t.Fatal(err)
	}
	now := known.Age(nine.Add(9 * time.Hour).UnixNano())
	if red, blue := holds(now, "2", "A1"), holds(now, "2", "A2"); red != "1950 uL red" || blue != "1000 uL blue" {
		t.Errorf("after nine hours there are %s and %s", red, blue)
	}
	for hours, want := range map[int]bool{8: true, 11: false} {
		now = known.Age(nine.Add(time.Duration(hours) * time.Hour).UnixNano())
		plan, list = prepared.Plan(interpreter.Input{Ledger: now, Params: interpreter.Values{"to": "B1:C1"}})
		if got := plan != nil && !list.HasErrors(); got != want {
			t.Errorf("after %d hours there is a plan: %t", hours, got)
		}
	}
}
