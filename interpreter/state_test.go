package interpreter_test

import (
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

const again = `ot2flow: 1
name: again
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  p: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  dye: {in: plate.A1, volume: 150 uL}
steps:
  - transfer: {from: dye, to: plate.B1, volume: 60 uL}
`

// A run that begins with what another left behind draws from what is left, and
// takes the next tip; the third time there is too little.
func TestBeginsWithWhatARunLeft(t *testing.T) {
	p := prepared(t, again)
	var left *program.State
	for run, want := range []struct {
		tip      string
		findings int
	}{{"tips.A1", 0}, {"tips.B1", 0}, {"tips.C1", 1}} {
		rec := &interpreter.Recorder{}
		end, list, err := p.Prove(interpreter.Input{State: left}, rec)
		if err != nil || len(list) != want.findings {
			t.Fatalf("run %d: %v %v", run+1, list, err)
		}
		if got := end.Deck.WellName(rec.Steps()[0].Op.Well); got != want.tip {
			t.Errorf("run %d takes the tip of %s, want %s", run+1, got, want.tip)
		}
		if want.findings > 0 && list[0].Code != diag.OverAspirate {
			t.Errorf("run %d: %v", run+1, list)
		}
		left = end.State
	}
	b1, _ := left.Deck.Labware[0].Def.Well("B1")
	if c, _ := left.Content(program.WellRef{Labware: 0, Well: int16(b1)}); c.Volume != 180_000 {
		t.Errorf("three times 60 uL are %d nL", c.Volume)
	}
}

func TestRefusesTheStateOfAnotherDeck(t *testing.T) {
	end, _, _ := prepared(t, again).Prove(interpreter.Input{})
	other := prepared(t, "ot2flow: 1\nname: other\nlabware: {plate: {type: corning_96_wellplate_360ul_flat, slot: 1}}\nsteps: [{home: }]\n")
	_, list, _ := other.Prove(interpreter.Input{State: end.State})
	if len(list) != 1 || list[0].Code != diag.OtherDeck {
		t.Error(list)
	}
}

func prepared(t *testing.T, text string) *interpreter.Prepared {
	t.Helper()
	bundle, list := spec.FromFiles("workflow.yaml", []spec.File{{Name: "workflow.yaml", Data: []byte(text)}})
	p, more := workflows.Prepare(bundle)
	if list = append(list, more...); p == nil {
		t.Fatal(list)
	}
	return p
}
