package labware

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

var update = flag.Bool("update", false, "write what was found to testdata/bad/*.out")

// Each definition in testdata/bad has its findings beside it, word by word and
// with the places they point at.
func TestParseBad(t *testing.T) {
	for _, path := range glob(t, "testdata/bad/*.json") {
		data := readFile(t, path)
		l, list := Parse(filepath.Base(path), data)
		if len(list) == 0 {
			t.Errorf("%s: nothing was found", path)
		}
		if (l == nil) != list.HasErrors() {
			t.Errorf("%s: labware %v with errors %v", path, l != nil, list.HasErrors())
		}
		got := describe(list, data)
		golden := strings.TrimSuffix(path, ".json") + ".out"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := string(readFile(t, golden)); got != want {
			t.Errorf("%s:\n%s", path, gocmp.Diff(want, got))
		}
	}
}

// describe writes the findings with the text that each of them marks.
func describe(list diag.List, data []byte) string {
	var b strings.Builder
	for i := range list {
		d := &list[i]
		fmt.Fprintf(&b, "%s: %s: %s [%s]\n", place(d.Span, data), d.Severity, d.Message, d.Code)
		for _, r := range d.Related {
			fmt.Fprintf(&b, "  at %s: %s\n", place(r.Span, data), r.Message)
		}
		for _, s := range slices.Concat([]string{prefixed("label", d.Label)}, d.Notes, []string{prefixed("help", d.Help)}) {
			if s != "" {
				fmt.Fprintf(&b, "  %s\n", s)
			}
		}
		for _, e := range d.Edits {
			fmt.Fprintf(&b, "  edit: %s becomes %s\n", place(e.Span, data), e.New)
		}
	}
	return b.String()
}

func prefixed(what, s string) string {
	if s == "" {
		return ""
	}
	return what + ": " + s
}

func place(s diag.Span, data []byte) string {
	return fmt.Sprintf("%d:%d-%d:%d %q", s.Start.Line, s.Start.Column, s.End.Line, s.End.Column, data[s.Start.Offset:s.End.Offset])
}

// Every code of this family is shown by a file.
func TestParseBadCodes(t *testing.T) {
	seen := map[string]bool{diag.LabwareTooLarge.ID: true}
	for _, path := range glob(t, "testdata/bad/*.json") {
		_, list := Parse(path, readFile(t, path))
		for i := range list {
			seen[list[i].Code.ID] = true
		}
	}
	for _, c := range diag.Codes() {
		if c.ID >= "OTF450" && c.ID < "OTF480" && !seen[c.ID] {
			t.Errorf("no file in testdata/bad shows %s", c)
		}
	}
}

func TestParseOK(t *testing.T) {
	for _, path := range glob(t, "testdata/ok/*.json") {
		data := readFile(t, path)
		l, list := Parse(path, data)
		if len(list) > 0 {
			t.Errorf("%s:\n%s", path, describe(list, data))
			continue
		}
		want := []program.Well{
			{Name: "A1", Row: "A", Column: 1, X: 32000, Y: 42700, Z: 4000, Depth: 55000, Round: true, Diameter: 50000, MaxNL: 90_000_000, Shape: "flat"},
			{Name: "A2", Row: "A", Column: 2, X: 95000, Y: 42700, Z: 4000, Depth: 55000, XSize: 50000, YSize: 48500, MaxNL: 120_000_000, Shape: "flat"},
		}
		if diff := gocmp.Diff(want, l.Wells); diff != "" {
			t.Errorf("%s: wells\n%s", path, diff)
		}
		if !bytes.Equal(JSON(l), bytes.TrimPrefix(data, byteOrderMark)) {
			t.Errorf("%s: JSON is not what was given", path)
		}
	}
}

// The lab's own two definitions, which the examples use.
func TestParseExamples(t *testing.T) {
	const dir = "../../examples/02-color-grid/labware/"
	tests := []struct {
		file, uri, columns, well string
		want                     program.Well
		tipLength                int64
		noTouch                  bool
	}{
		{
			"ac_6_tuberack_15000ul", "custom_beta/ac_6_tuberack_15000ul/1", "A1 B1|A2 B2|A3 B3", "B3",
			program.Well{Name: "B3", Row: "B", Column: 3, X: 102000, Y: 23480, Z: 3000, Depth: 58000, Round: true, Diameter: 20000, MaxNL: 15_000_000, Shape: "flat"},
			0, false,
		},
		{
			"ac_color_sensor_charging_port", "custom_beta/ac_color_sensor_charging_port/1", "A1|A2", "A2",
			program.Well{Name: "A2", Row: "A", Column: 2, X: 91950, Y: 43000, Z: 16000, Depth: 84000, Round: true, Diameter: 66000, MaxNL: 1_000_000},
			84000, true,
		},
	}
	for _, tt := range tests {
		data := readFile(t, dir+tt.file+".json")
		l, list := Parse(tt.file, data)
		if len(list) > 0 {
			t.Errorf("%s:\n%s", tt.file, describe(list, data))
			continue
		}
		i, _ := l.Well(tt.well)
		if l.URI() != tt.uri || l.LoadName != tt.file || columnNames(l) != tt.columns || l.Wells[i] != tt.want {
			t.Errorf("%s: %s, columns %s, %+v", tt.file, l.URI(), columnNames(l), l.Wells[i])
		}
		if l.IsTipRack != (tt.tipLength > 0) || l.TipLength != tt.tipLength || l.TouchTipDisabled != tt.noTouch {
			t.Errorf("%s: tips %v %d, touch tip disabled %v", tt.file, l.IsTipRack, l.TipLength, l.TouchTipDisabled)
		}
	}
	const same = "ac_6_tuberack_15000ul.json"
	if !bytes.Equal(readFile(t, dir+same), readFile(t, "../../examples/01-mix-colors/labware/"+same)) {
		t.Errorf("the two examples differ in %s", same)
	}
}

// What JSON makes of the catalogue is a definition again, and the same one.
func TestJSONRoundTrip(t *testing.T) {
	for rest := catalogue; rest != ""; {
		var r record
		r, rest = cutRecord(rest)
		want := r.labware()
		data := JSON(want)
		got, list := Parse("", data)
		if list.HasErrors() {
			t.Fatalf("%s:\n%s", want.URI(), describe(list, data))
		}
		if n := slices.IndexFunc(list, func(d diag.Diagnostic) bool { return d.Code == diag.LabwareStandard }); n < 0 {
			t.Errorf("%s goes for a user's own", want.URI())
		}
		got.JSON = nil
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s:\n%s", want.URI(), gocmp.Diff(want, got, cmpopts.IgnoreUnexported(program.Labware{})))
		}
	}
}

// Opentrons' own mistakes, all in the height: two old versions that later ones
// corrected, and a rack whose tips stand out.
func TestCatalogueWarnings(t *testing.T) {
	want := []string{
		"opentrons/geb_96_tiprack_10ul/1",
		"opentrons/opentrons_24_aluminumblock_generic_2ml_screwcap/1",
		"opentrons/opentrons_96_aluminumblock_generic_pcr_strip_200ul/1",
	}
	got := []string{}
	for rest := catalogue; rest != ""; {
		var r record
		r, rest = cutRecord(rest)
		l := r.labware()
		_, list := Parse("", JSON(l))
		if slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code == diag.LabwareOutside }) && l.Category != "trash" {
			got = append(got, l.URI())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("warned of %q, want %q", got, want)
	}
}

func TestParseTooLarge(t *testing.T) {
	_, list := Parse("big.json", bytes.Repeat([]byte(" "), maxSize+1))
	if len(list) != 1 || list[0].Code != diag.LabwareTooLarge {
		t.Errorf("%v", list)
	}
}

// A file made to be a burden is refused before it is one, and a file that is
// wrong everywhere gives a list that can be read.
func TestParseBounded(t *testing.T) {
	tests := []struct {
		name, data string
		want       int
		code       *diag.Code
	}{
		{"many values", "[" + strings.Repeat("0,", maxValues) + "0]", 1, diag.LabwareTooLarge},
		{"deep", strings.Repeat("[", 10_000), 1, diag.LabwareTooLarge},
		{"many duplicates", `{"schemaVersion": 3, "a": 0` + strings.Repeat(`, "a": 0`, 5000) + "}", maxFindings, diag.LabwareDuplicate},
		{"many empty groups", `{"schemaVersion": 2, "wells": {}, "groups": [{}` + strings.Repeat(", {}", 5000) + "]}", maxFindings, diag.LabwareMissing},
	}
	for _, tt := range tests {
		l, list := Parse("f.json", []byte(tt.data))
		if l != nil || len(list) != tt.want || list[0].Code != tt.code {
			t.Errorf("%s: %d findings", tt.name, len(list))
			continue
		}
		if last := list[len(list)-1].Notes; tt.want == maxFindings && len(last) == 0 {
			t.Errorf("%s: the last finding does not say that there are more", tt.name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.json", "testdata/ok/*.json", "../../examples/*/labware/*.json"} {
		for _, path := range glob(f, pattern) {
			f.Add(readFile(f, path))
		}
	}
	f.Add([]byte(`{"schemaVersion": 2, "wells": {"A1": {}, "": 1, "A0": []}, "ordering": [["A1", ""], 1, [[]]], "groups": [{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, list := Parse("f.json", data)
		if (l == nil) != list.HasErrors() {
			t.Fatalf("labware %v, errors %v", l != nil, list.HasErrors())
		}
		if !slices.IsSortedFunc(list, func(a, b diag.Diagnostic) int { return cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset) }) {
			t.Error("the findings are not in the order of the file")
		}
		for i := range list {
			checkFinding(t, &list[i], data)
		}
		if l != nil {
			checkParsed(t, l)
		}
	})
}

func checkFinding(t *testing.T, d *diag.Diagnostic, data []byte) {
	t.Helper()
	spans := []diag.Span{d.Span}
	for _, r := range d.Related {
		spans = append(spans, r.Span)
	}
	for _, s := range spans {
		if s.Start.Offset < 0 || s.End.Offset < s.Start.Offset || s.End.Offset > len(data) || s.Start.Line < 1 || s.Start.Column < 1 {
			t.Fatalf("%s: span %+v of %d bytes", d.Message, s, len(data))
		}
		if n := 1 + bytes.Count(data[:s.Start.Offset], []byte("\n")); s.Start.Line != n {
			t.Fatalf("%s: line %d, should be %d", d.Message, s.Start.Line, n)
		}
	}
	if d.Message == "" || d.Code == nil || strings.HasSuffix(d.Message, ".") {
		t.Fatalf("%+v", d)
	}
}

func checkParsed(t *testing.T, l *program.Labware) {
	t.Helper()
	n := 0
	for _, column := range l.Columns {
		for _, w := range column {
			if i, ok := l.Well(l.Wells[w].Name); !ok || i != w {
				t.Fatalf("well %d is found at %d, %v", w, i, ok)
			}
			n++
		}
	}
	if n != len(l.Wells) || l.X <= 0 || l.Y <= 0 || l.Z <= 0 || l.LoadName == "" || l.Namespace == "" || l.Version < 1 {
		t.Fatalf("%d wells in columns of %d: %+v", n, len(l.Wells), l)
	}
}

func BenchmarkParse(b *testing.B) {
	l, _ := Lookup("corning_384_wellplate_112ul_flat")
	data := JSON(l)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Parse("", data)
	}
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
	}
	return paths
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
