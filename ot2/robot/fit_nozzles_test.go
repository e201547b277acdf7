package robot

import (
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// Robots before 8.0 do not work with some of the nozzles; each pipette that
// would have to is named once, and a plan with all nozzles fits.
func TestLayoutsFit(t *testing.T) {
	model, _ := ot2.Pipette("p300_multi_gen2")
	d := &program.Deck{Pipettes: []program.Pipette{{Name: "a", Mount: "left", Model: model}, {Name: "b", Mount: "right", Model: model}}}
	set := func(pipette int8, n program.Nozzles) program.Step {
		return program.Step{Op: program.Op{Kind: program.ConfigureNozzles, Pipette: pipette, Nozzles: n}}
	}
	some := []program.Step{set(0, program.NozzleH1), set(0, program.AllNozzles), set(0, program.NozzleA1), set(1, program.NozzlesE1H1)}
	for _, tt := range []struct {
		software string
		steps    []program.Step
		want     []string
	}{
		{"7.5.0", some, []string{"left mount: robot software 7.5 has no layout with nozzles H1; 8.0 and later have", "right mount: robot software 7.5 has no layout with nozzles E1-H1"}},
		{"7.5.0", some[1:2], nil},
		{"8.0.0", some, nil},
		{"8.8.2", some, nil},
		{"0.0.0-dev", some, nil},
	} {
		device := run.Device{Software: tt.software, Pipettes: []run.Attached{{Mount: "left", Model: model.Name}, {Mount: "right", Model: model.Name}}}
		got := Misfits(&program.Plan{Deck: d, Steps: tt.steps}, device)
		same := len(got) == len(tt.want)
		for i := range min(len(got), len(tt.want)) {
			same = same && strings.HasPrefix(got[i], tt.want[i])
		}
		if !same {
			t.Errorf("%s: %q", tt.software, got)
		}
	}
}
