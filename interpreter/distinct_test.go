package interpreter_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// TestDistinct: what a liquid's name stands for is said by the workflow that the
// name is written in, also where it stands for another's liquid.
func TestDistinct(t *testing.T) {
	const deck = "ot2flow: 1\nname: NAME\nlabware:\n  s: {type: nest_96_wellplate_2ml_deep, slot: 1}\n  d: {type: nest_96_wellplate_2ml_deep, slot: 2}\n  tips: {type: opentrons_96_tiprack_300ul, slot: 3}\n" +
		"pipettes: {p: {type: p300_single_gen2, mount: right, tips: [tips]}}\nliquids:\n  LIQUID\nsteps:\n"
	const pour = "  - transfer: {from: l, to: 'd.A1:C1', volume: 100 uL, tip: per_source}\n"
	pool, distinct := "l: {in: 's.A1:C1', volume: 1 mL}", "l: {in: 's.A1:C1', volume: 1 mL, distinct: true}"
	write := func(name, liquid, steps string) string {
		return strings.NewReplacer("NAME", name, "LIQUID", liquid).Replace(deck) + steps
	}
	for _, tt := range []struct{ name, main, called, want string }{
		{"a pool", write("main", pool, pour), "", "A1 A1 A1"},
		{"samples", write("main", distinct, pour), "", "A1 B1 C1"},
		{"a pool that is called samples", write("main", pool, "  - call: {workflow: ./called.yaml}\n"+pour), write("called", distinct, pour), "A1 B1 C1 A1 A1 A1"},
		{"samples that are called a pool", write("main", distinct, "  - call: {workflow: ./called.yaml}\n"+pour), write("called", pool, pour), "A1 A1 A1 A1 B1 C1"},
		{"samples in a list", write("main", distinct, strings.Replace(pour, "from: l", "from: [l]", 1)), "", "A1 B1 C1"},
		{"one tip for all", write("main", distinct, strings.Replace(pour, "per_source", "once", 1)), "", "A1 B1 C1 warned"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"main.yaml": tt.main}
			if tt.called != "" {
				files["called.yaml"] = tt.called
			}
			steps, list := recorded(t, files)
			var got []string
			for i := range steps {
				if op := &steps[i].Op; op.Kind == program.Aspirate {
					got = append(got, string("ABC"[op.Well.Well])+"1")
				}
			}
			if slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code == diag.SharedTip }) {
				got = append(got, "warned")
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("draws from %s, want %s\n%v", text, tt.want, list)
			}
		})
	}
}
