package labware

import (
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// wellOf fails the test if ref or well is not there.
func wellOf(t *testing.T, ref, well string) (*program.Labware, program.Well) {
	t.Helper()
	l, ok := Lookup(ref)
	if !ok {
		t.Fatalf("Lookup(%q) found nothing", ref)
	}
	i, ok := l.Well(well)
	if !ok {
		t.Fatalf("%s has no well %s", ref, well)
	}
	return l, l.Wells[i]
}

// The figures are read off the published definitions by hand.
func TestLookupGeometry(t *testing.T) {
	const mL = 1000_000
	tests := []struct {
		ref  string
		want program.Well
	}{
		{"corning_96_wellplate_360ul_flat", program.Well{Name: "A1", Row: "A", Column: 1, X: 14380, Y: 74240, Z: 3550, Depth: 10670, Round: true, Diameter: 6860, MaxNL: 360_000, Shape: "flat"}},
		{"corning_96_wellplate_360ul_flat", program.Well{Name: "H12", Row: "H", Column: 12, X: 113380, Y: 11240, Z: 3550, Depth: 10670, Round: true, Diameter: 6860, MaxNL: 360_000, Shape: "flat"}},
		{"opentrons_96_tiprack_300ul", program.Well{Name: "A1", Row: "A", Column: 1, X: 14380, Y: 74240, Z: 5390, Depth: 59300, Round: true, Diameter: 5230, MaxNL: 300_000}},
		{"nest_12_reservoir_15ml", program.Well{Name: "A12", Row: "A", Column: 12, X: 113380, Y: 42780, Z: 4550, Depth: 26850, XSize: 8200, YSize: 71200, MaxNL: 15 * mL, Shape: "v"}},
		{"opentrons_6_tuberack_falcon_50ml_conical", program.Well{Name: "B3", Row: "B", Column: 3, X: 105500, Y: 25240, Z: 7300, Depth: 113000, Round: true, Diameter: 27810, MaxNL: 50 * mL, Shape: "v"}},
		{"opentrons_1_trash_1100ml_fixed", program.Well{Name: "A1", Row: "A", Column: 1, X: 82840, Y: 80000, Z: 82000, Depth: 0, XSize: 107110, YSize: 165670, MaxNL: 1100 * mL}},
	}
	for _, tt := range tests {
		if _, got := wellOf(t, tt.ref, tt.want.Name); got != tt.want {
			t.Errorf("%s %s:\n got %+v\nwant %+v", tt.ref, tt.want.Name, got, tt.want)
		}
	}
}

func TestLookupFacts(t *testing.T) {
	l, _ := wellOf(t, "corning_96_wellplate_360ul_flat", "A1")
	if l.X != 127760 || l.Y != 85470 || l.Z != 14220 || l.Category != "wellPlate" || l.IsTipRack || l.TouchTipDisabled || l.JSON != nil {
		t.Errorf("corning plate: %+v", l)
	}
	l, _ = wellOf(t, "opentrons_96_tiprack_300ul", "A1")
	if !l.IsTipRack || l.TipLength != 59300 || l.TipOverlap != 7470 {
		t.Errorf("300 µL tips: %v, length %d, overlap %d", l.IsTipRack, l.TipLength, l.TipOverlap)
	}
	l, _ = wellOf(t, "agilent_1_reservoir_290ml", "A1")
	if !l.TouchTipDisabled || !l.CenterMultichannel {
		t.Error("reservoir without its quirks")
	}
}

// The columns of this block are not numbered one after the other, and those of
// the tube rack are not equally long.
func TestLookupIrregularColumns(t *testing.T) {
	tests := []struct{ ref, want string }{
		{"opentrons_10_tuberack_falcon_4x50ml_6x15ml_conical", "A1 B1 C1|A2 B2 C2|A3 B3|A4 B4"},
		{
			"opentrons_40_aluminumblock_eppendorf_24x2ml_safelock_snapcap_generic_16x0.2ml_pcr_strip",
			"A1 B1 C1 D1 E1 F1 G1 H1|A3 B3 C3 D3|A4 B4 C4 D4|A5 B5 C5 D5|A6 B6 C6 D6|A7 B7 C7 D7|A8 B8 C8 D8|A13 B13 C13 D13 E13 F13 G13 H13",
		},
		{"nest_12_reservoir_15ml", "A1|A2|A3|A4|A5|A6|A7|A8|A9|A10|A11|A12"},
		{"opentrons_96_deep_well_adapter", ""},
	}
	for _, tt := range tests {
		l, ok := Lookup(tt.ref)
		if !ok {
			t.Fatalf("no %s", tt.ref)
		}
		if got := columnNames(l); got != tt.want {
			t.Errorf("%s: columns %s, want %s", tt.ref, got, tt.want)
		}
	}
}

func columnNames(l *program.Labware) string {
	out := []string{}
	for _, column := range l.Columns {
		names := []string{}
		for _, w := range column {
			names = append(names, l.Wells[w].Name)
		}
		out = append(out, strings.Join(names, " "))
	}
	return strings.Join(out, "|")
}

func TestLookupVersions(t *testing.T) {
	tests := []struct {
		ref  string
		want string // empty: not there
	}{
		{"corning_96_wellplate_360ul_flat", "opentrons/corning_96_wellplate_360ul_flat/2"}, // 8.2.0 has 1 and 2, 8.8.2 up to 5
		{"opentrons/corning_96_wellplate_360ul_flat/1", "opentrons/corning_96_wellplate_360ul_flat/1"},
		{"opentrons/corning_96_wellplate_360ul_flat/5", "opentrons/corning_96_wellplate_360ul_flat/5"},
		{"corning_96_wellplate_330ul", "opentrons/corning_96_wellplate_330ul/1"}, // newer than 8.2.0
		{"opentrons/corning_96_wellplate_360ul_flat/99", ""},
		{"opentrons/corning_96_wellplate_360ul_flat/", ""},
		{"opentrons/corning_96_wellplate_360ul_flat/01", ""},
		{"opentrons/corning_96_wellplate_360ul_flat", ""},
		{"custom_beta/corning_96_wellplate_360ul_flat/1", ""},
		{"Corning_96_wellplate_360ul_flat", ""},
		{"corning_96_wellplate_360ul_fla", ""},
		{"corning_96_wellplate_360ul_flat_", ""},
		{"opentrons_flex_96_tiprack_1000ul", ""},
		{"corning_96_wellplate_360ul_lid", ""},
		{"zzz", ""},
		{"", ""},
		{"\t", ""},
		{"//", ""},
	}
	for _, tt := range tests {
		l, ok := Lookup(tt.ref)
		switch {
		case ok != (tt.want != ""):
			t.Errorf("Lookup(%q) = %v", tt.ref, ok)
		case ok && l.URI() != tt.want:
			t.Errorf("Lookup(%q) is %s, want %s", tt.ref, l.URI(), tt.want)
		}
	}
}

// Every line is whole and found under both of its names, and what it says is
// consistent.
func TestCatalogue(t *testing.T) {
	defaults := 0
	for rest := catalogue; rest != ""; {
		var r record
		r, rest = cutRecord(rest)
		l, ok := Lookup(standard + "/" + r.loadName + "/" + r.version)
		if !ok || l.LoadName != r.loadName || l.URI() != standard+"/"+r.loadName+"/"+r.version {
			t.Fatalf("%s version %s is not found", r.loadName, r.version)
		}
		if r.is(markDefault) {
			defaults++
			if l, _ := Lookup(r.loadName); l.URI() != standard+"/"+r.loadName+"/"+r.version {
				t.Errorf("%s means %s", r.loadName, l.URI())
			}
		}
		checkConsistent(t, l, r.entry())
	}
	if n := len(List()); n != defaults || n < 100 {
		t.Errorf("List has %d entries, %d defaults", n, defaults)
	}
}

func checkConsistent(t *testing.T, l *program.Labware, e Entry) {
	t.Helper()
	if len(l.Wells) != e.Wells || cap(l.Wells) != e.Wells || l.DisplayName == "" || l.X <= 0 || l.Y <= 0 || l.Z <= 0 {
		t.Errorf("%s: %d wells of %d, %q, %d × %d × %d", l.URI(), len(l.Wells), e.Wells, l.DisplayName, l.X, l.Y, l.Z)
	}
	if l.IsTipRack != (l.Category == "tipRack") || l.IsTipRack != (l.TipLength > l.TipOverlap) {
		t.Errorf("%s: tip length %d, overlap %d in a %s", l.URI(), l.TipLength, l.TipOverlap, l.Category)
	}
	next, most := 0, int64(0)
	for _, column := range l.Columns {
		for i, w := range column {
			if w != next || l.Wells[w].Column != l.Wells[column[0]].Column || i > 0 && l.Wells[w].Row <= l.Wells[w-1].Row {
				t.Errorf("%s: %s is out of order", l.URI(), l.Wells[w].Name)
			}
			next++
		}
	}
	for i := range l.Wells {
		w := &l.Wells[i]
		most = max(most, w.MaxNL)
		if at, ok := l.Well(w.Name); !ok || at != i {
			t.Errorf("%s: %s is twice there", l.URI(), w.Name)
		}
		if !sizedWell(w) && l.Category != "trash" { // a trash is an opening without depth
			t.Fatalf("%s: odd geometry %+v", l.URI(), *w)
		}
		if w.MaxNL <= 0 && e.MaxNL > 0 { // the places of an adapter hold plates, not liquid
			t.Fatalf("%s: %s holds nothing", l.URI(), w.Name)
		}
	}
	if next != len(l.Wells) || most != e.MaxNL {
		t.Errorf("%s: %d wells in columns, largest %d of %d", l.URI(), next, most, e.MaxNL)
	}
}

func sizedWell(w *program.Well) bool {
	area := w.XSize > 0 && w.YSize > 0 && w.Diameter == 0
	if w.Round {
		area = w.Diameter > 0 && w.XSize == 0 && w.YSize == 0
	}
	shapes := []string{"", "flat", "u", "v"}
	return area && w.Depth > 0 && w.X > 0 && w.Y > 0 && w.Z >= 0 && slices.Contains(shapes, w.Shape)
}

func TestListSorted(t *testing.T) {
	list := List()
	if !slices.IsSortedFunc(list, func(a, b Entry) int { return strings.Compare(a.LoadName, b.LoadName) }) {
		t.Error("the catalogue is not sorted")
	}
	want := Entry{"corning_96_wellplate_360ul_flat", 2, "Corning 96 Well Plate 360 µL Flat", "wellPlate", 96, 360_000}
	if !slices.Contains(list, want) {
		t.Errorf("no %+v", want)
	}
}

func TestNearest(t *testing.T) {
	tests := []struct{ name, want string }{
		{"corning_96_wellplate_360ul_flt", "corning_96_wellplate_360ul_flat"},
		{"Corning_96_Wellplate_360uL_Flat", "corning_96_wellplate_360ul_flat"},
		{"opentrons/corning_96_wellplate_360ul_flat/9", "corning_96_wellplate_360ul_flat"},
		{"opentrons_96_tiprack_200ul", "opentrons_96_tiprack_20ul"},
		{"opentrons_flex_96_tiprack_1000ul", "opentrons_96_tiprack_1000ul"},
		{"Corning 96 Well Plate 360 µL Flat", "corning_96_wellplate_360ul_flat"},
		{"usascientific_12", "usascientific_12_reservoir_22ml"},
		{"coffee_mug", ""},
		{"nes", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := Nearest(tt.name); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Finding a line reads the text in place. That nothing is made at start-up
// follows: there is nothing but the text.
func TestFindAllocates(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { find("corning_96_wellplate_360ul_flat") }); n > 1 {
		t.Errorf("find allocates %v times", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, name := range []string{"corning_96_wellplate_360ul_flat", "corning_384_wellplate_112ul_flat", "nest_1_reservoir_195ml"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Lookup(name)
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	for b.Loop() {
		find("corning_96_wellplate_360ul_flat")
	}
}
