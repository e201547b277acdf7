package ot2

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/labware"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// reachPairs are pipettes that testdata/engine/reach.py is asked about, two at a
// time.
var reachPairs = [][2]string{
	{"p300_single_gen2", "p20_multi_gen2"},
	{"p20_single_gen2", "p300_multi_gen2"},
	{"p1000_single_gen2", "p1000_single"},
	{"p10_single", "p10_multi"},
	{"p50_single", "p50_multi"},
	{"p300_single", "p300_multi"},
}

// TestReach compares how high we let each pipette go, with each tip, with what
// the vendor's software refuses (testdata/engine/reach.txt, equal in 8.2.0 and
// 8.8.2): to a place, and over what stands elsewhere.
func TestReach(t *testing.T) {
	recorded := recordedReach(t)
	seen := map[string]bool{}
	for line := range strings.Lines(recorded) {
		var model, rack, what string
		var mm float64
		if _, err := fmt.Sscan(line, &model, &rack, &what, &mm); err != nil {
			t.Fatal(line, err)
		}
		seen[model] = true
		m, _ := Pipette(model)
		tip := int64(0)
		if def, ok := labware.Lookup(rack); ok {
			tip = def.TipLength - TipOverlap(m, rack)
		}
		ours := float64(MaxHeight(m, tip)-zMargin) / 1000
		if what == "over" { // asked of labware of 100, 104, 108 … mm
			ours = 4 * math.Floor(ours/4)
		}
		if math.Abs(ours-mm) > 0.021 { // asked in steps of 0.02 mm
			t.Errorf("%s: we say %.2f", strings.TrimSpace(line), ours)
		}
	}
	if len(seen) != len(pipettes) {
		t.Errorf("asked about %d pipettes of %d", len(seen), len(pipettes))
	}
}

// recordedReach asks the engines, each for every other pair of pipettes: two engines
// that have answered the same for all of them take a minute for nothing more. With
// -update the older one is asked for all.
func recordedReach(t *testing.T) string {
	const file = "testdata/engine/reach.txt"
	data, err := os.ReadFile(file)
	if err != nil {
		data = nil
	}
	recorded := string(data)
	if older := os.Getenv("OT2FLOW_ENGINE"); older != "" && flag.Lookup("update").Value.String() == "true" {
		recorded = ""
		for _, pair := range reachPairs {
			recorded += askReach(t, older, pair)
		}
		if err := os.WriteFile(file, []byte(recorded), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for n, variable := range []string{"OT2FLOW_ENGINE", "OT2FLOW_ENGINE_NEW"} {
		python := os.Getenv(variable)
		for i := n; python != "" && i < len(reachPairs); i += 2 {
			if now := askReach(t, python, reachPairs[i]); now == "" || !strings.Contains(recorded, now) {
				t.Errorf("%s answers otherwise than recorded:\n%s", variable, now)
			}
		}
	}
	return recorded
}

func askReach(t *testing.T, python string, pair [2]string) string {
	t.Helper()
	first := reachPairs[0]
	return askEngine(t, python, "reach.py", fmt.Sprintf("(%q, %q)", first[0], first[1]), fmt.Sprintf("(%q, %q)", pair[0], pair[1]))
}

// TestReachOfARun goes through operations: the way to a place counts what stands
// on the deck then, the way inside one labware only that.
func TestReachOfARun(t *testing.T) {
	deck, at := stacked(t, map[string][]string{"1": {"corning_96_wellplate_360ul_flat"}, "2": {"nest_1_reservoir_195ml"}, "3": {"opentrons_96_tiprack_300ul"}})
	plate, trough := at["1"], at["2"]
	tower := *deck.Labware[plate].Def
	tower.Z = 160_000
	high := int16(len(deck.Labware))
	deck.Labware = append(deck.Labware, program.Placed{Name: "tower", Slot: "5", On: program.Place{On: program.OnSlot, Index: 5}, Def: &tower})
	deck.Pipettes[0].Model, _ = Pipette("p300_single_gen2")
	move := func(labware int16, mm int32) program.Op {
		return program.Op{Kind: program.MoveTo, Well: program.WellRef{Labware: labware}, At: program.Position{From: program.Top, Z: mm * 1000}}
	}
	away := program.Op{Kind: program.MoveLabware, Well: program.WellRef{Labware: high}, To: program.Place{On: program.OffDeck}}
	back := program.Op{Kind: program.MoveLabware, Well: program.WellRef{Labware: high}, To: program.Place{On: program.OnSlot, Index: 5}}
	pick := program.Op{Kind: program.PickUpTip, Well: program.WellRef{Labware: at["3"]}}
	drop := program.Op{Kind: program.DropTip, Trash: true}
	tests := []struct {
		name string
		ops  []program.Op
		want []string
	}{
		{"without a tip", []program.Op{move(plate, 0), move(trough, 0)}, nil},
		{"as high as it goes", []program.Op{away, pick, move(plate, 133), move(plate, 134)}, []string{"lifted"}},
		{"over the tower", []program.Op{pick, move(plate, 0)}, []string{"over tower"}},
		{"inside the rack", []program.Op{pick, move(at["3"], 0)}, nil},
		{"to the trash", []program.Op{pick, drop}, []string{"over tower"}},
		{"away with it", []program.Op{away, pick, move(plate, 0), move(trough, 0)}, nil},
		{"and back", []program.Op{away, pick, move(plate, 0), back, move(plate, 0)}, []string{"over tower"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			state, sink := program.NewState(deck), check.NewSink([]check.Rule{&reach{labware: -1}})
			for i := range tt.ops {
				step := program.Step{N: i + 1, Op: tt.ops[i], Frame: &program.Frame{}}
				touched := state.Apply(&step.Op)
				if err := sink.Step(&program.Transition{Step: &step, After: state, Touched: touched}); err != nil {
					t.Fatal(err)
				}
			}
			found := sink.End(state)
			if !slices.EqualFunc(found, tt.want, func(d diag.Diagnostic, w string) bool {
				return d.Code == diag.OutOfReach && strings.Contains(d.Message, w)
			}) {
				t.Errorf("found %v, want %q", found, tt.want)
			}
		})
	}
}
