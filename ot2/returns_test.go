package ot2_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/command"
	"github.com/ot2flow/ot2flow/workflows"
)

// Where a workflow gives no height for return_tip, the plan writes out the
// pipette's own. The engines have it too, and are asked for it here: for every
// pipette with every rack made for it.

var depthsFile = filepath.Join(exportsFolder, "return-depths.json")

// shallow are racks whose places are shallower than the depth the engine would
// go to: from 8.2 on it refuses that, and our plan stays at the bottom.
var shallow = []string{"tipone_96_tiprack_200ul"}

// depths are in mm below the top of the place, by version, and by pipette and
// rack.
type depths map[string]map[string]float64

// returnsWith is a plan that returns a tip to each rack made for a pipette; ok
// is false where workflows cannot use it yet.
func returnsWith(t *testing.T, model *program.PipetteModel) (plan *program.Plan, ok bool) {
	t.Helper()
	checked := workflows.FromBytes("returns.yaml", []byte(returnsText(model, shallow)))
	if checked.Prepared == nil {
		if model.Channels > 1 {
			return nil, false
		}
		t.Fatalf("%s: %v", model.Name, checked.Diagnostics)
	}
	plan, list := checked.Prepared.Plan(interpreter.Input{})
	if plan == nil {
		t.Fatalf("%s: %v", model.Name, list)
	}
	return plan, true
}

// returnsText is a workflow that returns a tip to each rack made for a
// pipette, but for some.
func returnsText(model *program.PipetteModel, without []string) string {
	var labware, names, steps strings.Builder
	for i, rack := range model.Tips {
		if slices.Contains(without, rack) {
			continue
		}
		fmt.Fprintf(&labware, "  r%d: {type: %s, slot: %d}\n", i, rack, i+1)
		fmt.Fprintf(&names, "r%d, ", i)
		fmt.Fprintf(&steps, "  - pick_up_tip: {from: r%d.A1}\n  - return_tip:\n", i)
	}
	return fmt.Sprintf("ot2flow: 1\nname: returns\nlabware:\n%spipettes:\n  p: {type: %s, mount: left, tips: [%s]}\nsteps:\n%s",
		labware.String(), model.Name, strings.TrimSuffix(names.String(), ", "), steps.String())
}

// depthsOf are the depths in a plan, by pipette and rack.
func depthsOf(plan *program.Plan, into map[string]float64) {
	for i := range plan.Steps {
		if op := &plan.Steps[i].Op; op.Kind == program.ReturnTip {
			rack := plan.Deck.Labware[op.Well.Labware].Def.LoadName
			into[plan.Deck.Pipettes[0].Model.Name+" "+rack] = -mm(int64(op.At.Z))
		}
	}
}

// withoutDepth is the JSON export with every depth left to the engine.
func withoutDepth(t *testing.T, plan *program.Plan) []byte {
	t.Helper()
	data, err := command.Protocol(plan)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	for _, c := range doc["commands"].([]any) {
		if c := c.(map[string]any); c["commandType"] == "dropTip" {
			delete(c["params"].(map[string]any), "wellLocation")
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestReturnDepths compares the depths of our plans with those the engines
// have, and these with the engines where there are any.
func TestReturnDepths(t *testing.T) {
	folder := t.TempDir()
	ours, plans := map[string]float64{}, map[string]*program.Plan{}
	var files []string
	for _, name := range ot2.PipetteNames() {
		model, _ := ot2.Pipette(name)
		plan, ok := returnsWith(t, model)
		if !ok {
			continue
		}
		depthsOf(plan, ours)
		file := name + ".json"
		plans[file], files = plan, append(files, file)
		if err := os.WriteFile(filepath.Join(folder, file), withoutDepth(t, plan), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fresh := depths{}
	for _, e := range engines {
		if python := os.Getenv(e.variable); python != "" {
			fresh[e.version] = askDepths(t, python, folder, files, plans)
		}
	}
	if *update {
		if len(fresh) < len(engines) {
			t.Fatal("-update needs both engines")
		}
		data, err := json.MarshalIndent(fresh, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(depthsFile, append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(depthsFile)
	if err != nil {
		t.Fatal(err)
	}
	committed := depths{}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&committed); err != nil {
		t.Fatal(err)
	}
	for _, e := range engines {
		sameDepths(t, e.version+", committed", committed[e.version], ours)
		if fresh[e.version] != nil {
			sameDepths(t, e.version, fresh[e.version], ours)
		}
	}
}

// TestShallowRack returns a tip to a rack whose places are shallower than the
// pipette's own depth.
func TestShallowRack(t *testing.T) {
	model, _ := ot2.Pipette("p50_single")
	for _, rack := range shallow {
		checked := workflows.FromBytes("returns.yaml", []byte(returnsText(model, nil)))
		if checked.Prepared == nil {
			t.Fatal(checked.Diagnostics)
		}
		plan, list := checked.Prepared.Plan(interpreter.Input{})
		if plan == nil {
			t.Fatal(list)
		}
		got := map[string]float64{}
		depthsOf(plan, got)
		def, _ := ot2.Machine{}.Labware(rack)
		if d := got[model.Name+" "+rack]; d != mm(def.Wells[0].Depth) {
			t.Errorf("%s: returned %v mm below the top, want %v", rack, d, mm(def.Wells[0].Depth))
		}
	}
}

func askDepths(t *testing.T, python, folder string, files []string, plans map[string]*program.Plan) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for file, text := range ask(t, python, folder, files) {
		var a answer
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatal(err)
		}
		if len(a.Errors) > 0 {
			t.Fatalf("%s: %q", file, a.Errors)
		}
		d := plans[file].Deck
		for _, c := range a.Commands {
			if c.Op != "drop_tip" {
				continue
			}
			for i := range d.Labware {
				if l := &d.Labware[i]; l.Slot == c.Slot {
					w := l.Def.Wells[0]
					out[d.Pipettes[0].Model.Name+" "+l.Def.LoadName] = math.Round(1e4*(mm(w.Z+w.Depth)-c.Deck[2])) / 1e4
				}
			}
		}
	}
	return out
}

func sameDepths(t *testing.T, what string, theirs, ours map[string]float64) {
	t.Helper()
	if len(theirs) != len(ours) {
		t.Errorf("%s: %d depths, ours are %d", what, len(theirs), len(ours))
	}
	for name, want := range theirs {
		if math.Abs(ours[name]-want) > 0.0011 {
			t.Errorf("%s: %s is returned %v mm below the top, ours %v", what, name, want, ours[name])
		}
	}
}
