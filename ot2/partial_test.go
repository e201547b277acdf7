package ot2

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/labware"
)

// partialDecks are the decks of testdata/engine/partial.py: what is in each
// slot, from the module up.
var partialDecks = map[string]map[string][]string{
	"partial": {
		"1": {"corning_96_wellplate_360ul_flat"}, "2": {"nest_1_reservoir_195ml"}, "3": {"opentrons_24_tuberack_nest_1.5ml_snapcap"}, "4": {"nest_12_reservoir_15ml"},
		"6": {"opentrons_96_tiprack_300ul"}, "7": {"opentrons_10_tuberack_nest_4x50ml_6x15ml_conical"}, "9": {"corning_384_wellplate_112ul_flat"},
		"10": {"opentrons_96_tiprack_300ul"}, "11": {"nest_96_wellplate_2ml_deep"},
	},
	"partial-modules": {
		"1": {"magnetic_module_gen2", "nest_96_wellplate_2ml_deep"}, "2": {"corning_96_wellplate_360ul_flat"},
		"3": {"heater_shaker_gen1", "opentrons_96_flat_bottom_adapter", "nest_96_wellplate_200ul_flat"},
		"4": {"temperature_module_gen2", "opentrons_96_well_aluminum_block", "nest_96_wellplate_100ul_pcr_full_skirt"},
		"5": {"nest_12_reservoir_15ml"}, "6": {"opentrons_96_tiprack_300ul"}, "7": {"thermocycler_gen2", "nest_96_wellplate_100ul_pcr_full_skirt"},
		"9": {"temperature_module_gen1"},
	},
}

// stacked is a deck with what is in each slot, and which labware is on top.
func stacked(t *testing.T, slots map[string][]string) (*program.Deck, map[string]int16) {
	deck := &program.Deck{Pipettes: make([]program.Pipette, 1)}
	top := map[string]int16{}
	for slot, names := range slots {
		at := program.Place{On: program.OnSlot, Index: int16(number(slot))}
		for _, name := range names {
			if m, is := Module(name); is {
				at = program.Place{On: program.OnModule, Index: int16(len(deck.Modules))}
				deck.Modules = append(deck.Modules, program.Module{Name: name, Model: m, Slot: slot})
				continue
			}
			def, ok := labware.Lookup(name)
			if !ok {
				t.Fatal(name)
			}
			i := int16(len(deck.Labware))
			deck.Labware = append(deck.Labware, program.Placed{Name: name, Slot: slot, On: at, Def: def})
			at, top[slot] = program.Place{On: program.OnLabware, Index: i}, i
		}
	}
	return deck, top
}

// TestPartialMovements compares our rule with what the vendor's Python refuses
// (testdata/engine/partial*.txt, equal in 8.2.0 and 8.8.2). We refuse more in one
// case: its analysis takes slot 12 for empty, where the trash is 82 mm high.
func TestPartialMovements(t *testing.T) {
	for name, slots := range partialDecks {
		t.Run(name, func(t *testing.T) { comparePartial(t, name, slots) })
	}
}

func comparePartial(t *testing.T, name string, slots map[string][]string) {
	file := "testdata/engine/" + name + ".txt"
	update := flag.Lookup("update").Value.String() == "true" // of package ot2_test
	recorded, err := os.ReadFile(file)
	if err != nil && !update {
		t.Fatal(err)
	}
	for _, variable := range []string{"OT2FLOW_ENGINE", "OT2FLOW_ENGINE_NEW"} {
		python := os.Getenv(variable)
		if python == "" {
			continue
		}
		now := askPartial(t, python, name != "partial")
		if update && variable == "OT2FLOW_ENGINE" {
			recorded = []byte(now)
			if err := os.WriteFile(file, recorded, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if now != string(recorded) {
			t.Errorf("%s answers otherwise than recorded:\n%s", variable, now)
		}
	}
	deck, at := stacked(t, slots)
	agreed, refused, trash := 0, 0, 0
	for line := range strings.Lines(string(recorded)) {
		what, answer, _ := strings.Cut(strings.TrimSpace(line), ": ")
		f := strings.Fields(what) // p300_multi_gen2 E1-H1 at 3 A1 -2
		model, _ := Pipette(f[0])
		nozzles, _ := program.LookupNozzles(f[1])
		deck.Pipettes[0].Model = model
		state := program.NewState(deck)
		state.Mounts[0].Nozzles = nozzles
		op := program.Op{Kind: program.Aspirate, Well: program.WellRef{Labware: at[f[3]]}}
		well, ok := deck.Labware[op.Well.Labware].Def.Well(f[4])
		if !ok {
			t.Fatal(line)
		}
		op.Well.Well = int16(well)
		switch {
		case f[2] == "pick":
			op.Kind = program.PickUpTip
		case f[5] == "1":
			op.At = program.Position{From: program.Bottom, Z: 1000}
		default:
			op.At = program.Position{From: program.Top, Z: -2000}
		}
		if op.Kind == program.Aspirate {
			state.Mounts[0].On, state.Mounts[0].From = true, program.WellRef{Labware: at["6"]}
		}
		o := outlineAt(&program.Transition{Step: &program.Step{Op: op}, After: state, Touched: &program.Touched{}}, model, nozzles)
		slot, why := o.hits(state, int(op.Well.Labware))
		switch {
		case (why != "") == (answer != "ok"):
			agreed++
			if why != "" {
				refused++
			}
		case slot == TrashSlot:
			trash++
		default:
			t.Errorf("%s: %s; we say %q", what, answer, why)
		}
	}
	t.Logf("%d movements as the vendor's, %d of them refused; %d refused for the trash", agreed, refused, trash)
	if agreed < 600 || refused < 150 || trash == 0 && name == "partial" {
		t.Error("too few to say anything")
	}
}

func askPartial(t *testing.T, python string, modules bool) string {
	t.Helper()
	if modules {
		return askEngine(t, python, "partial.py", "\nMODULES = False\n", "\nMODULES = True\n")
	}
	return askEngine(t, python, "partial.py", "", "")
}

// askEngine has the vendor's software analyse a protocol of testdata/engine in
// which was stands as is, and returns the comments of the run, a line each.
func askEngine(t *testing.T, python, protocol, was, is string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/engine/" + protocol)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), was, is, 1))
	file := filepath.Join(t.TempDir(), protocol)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.json")
	if text, err := exec.Command(python, "-m", "opentrons.cli", "analyze", "--json-output", out, file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Commands []struct {
			Type   string `json:"commandType"`
			Params struct {
				Message string `json:"message"`
			} `json:"params"`
		} `json:"commands"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, c := range answer.Commands {
		if c.Type == "comment" {
			fmt.Fprintln(&lines, c.Params.Message)
		}
	}
	return lines.String()
}
