package ot2

import (
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/labware"
)

func TestSlots(t *testing.T) {
	slots := Slots()
	if len(slots) != 11 {
		t.Fatalf("%d slots", len(slots))
	}
	for _, s := range slots {
		if again, ok := Slot(s.Name); !ok || again != s {
			t.Errorf("Slot(%q) = %+v, %v; in the list %+v", s.Name, again, ok, s)
		}
	}
}

func TestSlot(t *testing.T) {
	tests := []struct {
		name string
		want program.Slot
	}{
		{"1", program.Slot{Name: "1"}},
		{"2", program.Slot{Name: "2", X: 132500}},
		{"4", program.Slot{Name: "4", Y: 90500}},
		{"9", program.Slot{Name: "9", X: 265000, Y: 181000}},
		{"11", program.Slot{Name: "11", X: 132500, Y: 271500}},
	}
	for _, tt := range tests {
		if got, ok := Slot(tt.name); !ok || got != tt.want {
			t.Errorf("Slot(%q) = %+v, %v", tt.name, got, ok)
		}
	}
	for _, name := range []string{"", "0", "12", "01", "+1", "-1", "A1", "D1", "1 ", "1.0"} {
		if _, ok := Slot(name); ok {
			t.Errorf("there is a slot %q", name)
		}
	}
}

// A plate's A1, 1 mm above its bottom, in slot 2 is where the robot's own
// engine moves to.
func TestWellPosition(t *testing.T) {
	s, _ := Slot("2")
	l, _ := labware.Lookup("corning_96_wellplate_360ul_flat")
	w := l.Wells[0]
	if x, y, z := s.X+w.X, s.Y+w.Y, w.Z+1000; x != 146880 || y != 74240 || z != 4550 {
		t.Errorf("A1 is at %d, %d, %d", x, y, z)
	}
}

// The trash's definition and the deck's agree on the height of its rim.
func TestTrash(t *testing.T) {
	l, ok := labware.Lookup(TrashLabware)
	if !ok || l.Category != "trash" || l.Z != TrashZ {
		t.Errorf("%s: %v", TrashLabware, ok)
	}
}
