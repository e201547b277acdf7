package interpreter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

const columnDeck = `ot2flow: 1
name: columns
labware:
  plate: {type: nest_96_wellplate_2ml_deep, slot: 4}
  trough: {type: nest_12_reservoir_15ml, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  m: {type: p300_multi_gen2, mount: left, tips: [tips]}
  s: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: trough.A1, volume: 10 mL, tip: tips.A1}
  dye: {in: plate.column(1), volume: 300 uL}
  uneven: {in: 'plate.A2:H2', volume: [100, 100, 100, 100, 100, 100, 100, 80]}
steps:
`

// What a step with eight channels does to tips and wells: where tips are picked
// up, and what plate and trough hold at the end, well by well where the wells of
// a column differ.
func TestColumns(t *testing.T) {
	for _, tt := range []struct{ name, steps, tips, wells string }{
		{
			"a tip of its own keeps its column",
			`[{transfer: {from: dye, to: "plate.A4", volume: 50, pipette: s}}, {transfer: {from: water, to: "plate.A5:H5", volume: 50, pipette: m, tip: dedicated}}, {transfer: {from: water, to: "plate.A6", volume: 50, pipette: s, tip: new}}]`,
			"A2 A1 B2", "",
		},
		{
			"and only its place where one channel takes it",
			`[{transfer: {from: dye, to: "plate.A4", volume: 50, pipette: s}}, {transfer: {from: water, to: "plate.A5", volume: 50, pipette: s, tip: dedicated}}]`,
			"B1 A1", "",
		},
		{
			"or one nozzle",
			`[{transfer: {from: dye, to: "plate.A4", volume: 50, pipette: s}}, {transfer: {from: water, to: "plate.A5", volume: 50, pipette: m, nozzles: H1, tip: {use: dedicated, then: trash}}}]`,
			"B1 A1", "",
		},
		{
			"in any step, in any block",
			`[{transfer: {from: dye, to: "plate.A4", volume: 50, pipette: s}}, {repeat: 2, do: [{transfer: {from: water, to: "plate.A5:H5", volume: 50, tip: dedicated, pipette: m}}]}]`,
			"A2 A1 A1", "",
		},
		{
			"blown out into a column",
			`[{distribute: {from: "plate.A1:H1", to: ["plate.A4:H4", "plate.A5:H5"], volume: 50, disposal: {volume: 20 uL, in: source}, pipette: m}}]`,
			"A2", "plate.1 200, plate.2 100 100 100 100 100 100 100 80, plate.4 50, plate.5 50",
		},
		{
			"blown out into a column beside",
			`[{distribute: {from: "plate.A1:H1", to: ["plate.A4:H4", "plate.A5:H5"], volume: 50, disposal: 20 uL, blow_out: {in: plate.A7}, pipette: m}}]`,
			"A2", "plate.1 180, plate.2 100 100 100 100 100 100 100 80, plate.4 50, plate.5 50, plate.7 20",
		},
		{
			"blown out into a trough",
			`[{distribute: {from: "plate.A1:H1", to: ["plate.A4:H4", "plate.A5:H5"], volume: 50, disposal: 20 uL, blow_out: {in: trough.A3}, pipette: m}}]`,
			"A2", "plate.1 180, plate.2 100 100 100 100 100 100 100 80, plate.4 50, plate.5 50, trough.A3 160",
		},
		{
			"mixed behind every column",
			`[{transfer: {from: water, to: ["plate.A4:H4", "plate.A5:H5"], volume: 50, dispense: {mix: 2 x 30 uL}, pipette: m}}]`,
			"A2", "plate.1 300, plate.2 100 100 100 100 100 100 100 80, plate.4 50, plate.5 50",
		},
		{"not mixed while the tips hold the next column's", `[{distribute: {from: water, to: ["plate.A4:H4", "plate.A5:H5"], volume: 50, disposal: 0, dispense: {mix: 2 x 30 uL}, pipette: m}}]`, "error mix-while-holding", ""},
		{
			"filled up", `[{fill: {from: water, to: "plate.A1:H1", up_to: 350 uL, pipette: m}}]`,
			"A2", "plate.1 350, plate.2 100 100 100 100 100 100 100 80",
		},
		{"an uneven column is not filled up", `[{fill: {from: water, to: "plate.A2:H2", up_to: 200 uL, pipette: m}}]`, "error not-a-column", ""},
		{
			"but its even part is", `[{fill: {from: water, to: "plate.A2:G2", up_to: 200 uL, pipette: m, nozzles: B1-H1}}]`,
			"G2", "plate.1 300, plate.2 200 200 200 200 200 200 200 80",
		},
		{
			"diluted column by column", `[{dilute: {in: ["plate.A1:H1", "plate.A4:H4", "plate.A5:H5"], factor: 2, volume: 100 uL, diluent: water, pipette: m}}]`,
			"A2 A3", "plate.1 200, plate.2 100 100 100 100 100 100 100 80, plate.4 100, plate.5 100",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, list := planText(t, strings.TrimSuffix(columnDeck, "\n")+" "+tt.steps+"\n")
			if plan == nil || list.HasErrors() {
				if got := list[0].Severity.String() + " " + list[0].Code.Name; got != tt.tips {
					t.Error(got, list)
				}
				return
			}
			var tips []string
			state, err := plan.Timeline(func(tr *program.Transition) error {
				if op := &tr.Step.Op; op.Kind == program.PickUpTip {
					tips = append(tips, plan.Deck.Well(op.Well).Name)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(tips, " "); got != tt.tips {
				t.Errorf("tips %s, want %s", got, tt.tips)
			}
			if got := columnsOf(state); tt.wells != "" && got != tt.wells {
				t.Errorf("\n got %s\nwant %s", got, tt.wells)
			}
		})
	}
}

// columnsOf is what the columns of the plate hold in µL, and the wells of the
// trough that were empty before.
func columnsOf(s *program.State) string {
	var out []string
	volume := func(labware, well int) string {
		c, _ := s.Content(program.WellRef{Labware: int16(labware), Well: int16(well)})
		return fmt.Sprint(float64(c.Volume) / 1000)
	}
	for i := range s.Deck.Labware {
		def := s.Deck.Labware[i].Def
		switch s.Deck.Labware[i].Name {
		case "plate":
			for c, wells := range def.Columns {
				var each []string
				for _, w := range wells {
					each = append(each, volume(i, w))
				}
				if same := slices.Compact(slices.Clone(each)); len(same) == 1 {
					each = same
				}
				if len(each) > 1 || each[0] != "0" {
					out = append(out, fmt.Sprintf("plate.%d %s", c+1, strings.Join(each, " ")))
				}
			}
		case "trough":
			for w := 1; w < len(def.Wells); w++ {
				if v := volume(i, w); v != "0" {
					out = append(out, "trough."+def.Wells[w].Name+" "+v)
				}
			}
		}
	}
	return strings.Join(out, ", ")
}
