package labware

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPad(t *testing.T) {
	name := filepath.Join("..", "..", "examples", "02-color-grid", "labware", "ac_color_sensor_charging_port.json")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := Parse(name, data)
	padded, list, err := Pad(name, data)
	if err != nil || len(list) > 0 {
		t.Fatal(list, err)
	}
	after, list := Parse(name, padded)
	if after == nil {
		t.Fatalf("%v\n%s", list, padded)
	}
	if len(list) > 0 {
		t.Errorf("the padded definition is found fault with: %v", list)
	}
	if len(after.Wells) != 96 || len(after.Columns) != 12 || after.Version != before.Version+1 || after.LoadName != before.LoadName || after.TipLength != before.TipLength {
		t.Errorf("%d wells, %d columns, version %d", len(after.Wells), len(after.Columns), after.Version)
	}
	for i := range before.Wells {
		w := before.Wells[i]
		k, ok := after.Well(w.Name)
		if !ok || after.Wells[k] != w {
			t.Errorf("%s was moved", w.Name)
		}
	}
	k, _ := after.Well("H12")
	if w := after.Wells[k]; w.X != 113_380 || w.Y != 11_240 || w.Depth != before.Wells[0].Depth {
		t.Errorf("H12 is %+v", w)
	}
	if _, _, err := Pad(name, padded); err == nil || !strings.Contains(err.Error(), "all 96 places already") {
		t.Errorf("padded twice: %v", err)
	}
}

func TestPadRefuses(t *testing.T) {
	for load, want := range map[string]string{
		"corning_96_wellplate_360ul_flat": "no tip rack",
		"opentrons_96_tiprack_300ul":      "all 96 places already",
	} {
		l, ok := Lookup(load)
		if !ok {
			t.Fatal(load)
		}
		if _, _, err := Pad(load, JSON(l)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", load, err)
		}
	}
	if out, list, err := Pad("x.json", []byte("{")); out != nil || !list.HasErrors() || err != nil {
		t.Errorf("%v %v", list, err)
	}
}
