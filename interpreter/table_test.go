package interpreter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

// worklistFlow goes through a worklist and gives every volume back, so that
// nothing runs out however long the list is.
const worklistFlow = `ot2flow: 1
name: worklist
params:
  picks:
    type: table
    default: picks.csv
    columns:
      from_plate: labware
      from: {type: well, in: row.from_plate}
      to: {type: well, in: plate}
      volume: {type: volume, min: 20 uL}
      note: {type: string, default: none}
labware:
  src: {type: corning_96_wellplate_360ul_flat, slot: 1}
  plate: {type: corning_96_wellplate_360ul_flat, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  w: {in: src, volume: 300 uL}
steps:
  - pick_up_tip:
  - for: row in picks
    do:
      - transfer: {from: row.from, to: row.to, volume: row.volume, tip: current}
      - transfer: {from: row.to, to: row.from, volume: row.volume, tip: current}
  - drop_tip:
outputs:
  rows: len(picks)
  total: sum(picks.volume)
`

func well(i int) string { return fmt.Sprintf("%c%d", 'A'+i%8, 1+i/8%12) }

func worklist(rows int) string {
	var b strings.Builder
	b.WriteString("From Plate,From,To,Volume (uL)\n")
	for i := range rows {
		fmt.Fprintf(&b, "src,%s,%s,%d\n", well(i), well(i/7), 20+i%80)
	}
	return b.String()
}

func prepareTable(t fataler, csv string) *interpreter.Prepared {
	bundle, list := spec.FromFiles("workflow.yaml", []spec.File{{Name: "workflow.yaml", Data: []byte(worklistFlow)}, {Name: "picks.csv", Data: []byte(csv)}})
	p, more := workflows.Prepare(bundle)
	if list = append(list, more...); p == nil {
		t.Fatalf("%v", list)
	}
	return p
}

// TestTableIsTheSameEitherWay proves that a table means the same as a file, as
// rows in the workflow, in any of the forms of a file, and given to a run.
func TestTableIsTheSameEitherWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var csv, tsv, rows strings.Builder
		csv.WriteString("Volume [uL],To,from-plate,FROM\n")
		tsv.WriteString("\ufefffrom_plate\tfrom\tto\tvolume\r\n")
		for range rapid.IntRange(1, 6).Draw(t, "rows") {
			from, to := well(rapid.IntRange(0, 95).Draw(t, "from")), well(rapid.IntRange(0, 95).Draw(t, "to"))
			volume := rapid.IntRange(20, 100).Draw(t, "volume")
			fmt.Fprintf(&csv, "%d,plate.%s,src,%q\n", volume, to, from)
			fmt.Fprintf(&tsv, "src\tsrc.%s\t%s\t%d uL\r\n\r\n", from, to, volume)
			fmt.Fprintf(&rows, "      - {from_plate: src, from: %s, to: %s, volume: %d}\n", from, to, volume)
		}
		p := prepareTable(t, csv.String())
		want, list := p.Plan(interpreter.Input{})
		if want == nil {
			t.Fatal(list)
		}
		given := map[string]spec.File{"picks": {Name: "other.tsv", Data: []byte(tsv.String())}}
		got, list := p.Plan(interpreter.Input{Params: interpreter.Values{"picks": "other.tsv"}, Tables: given})
		if got == nil || got.Fingerprint != want.Fingerprint || !slices.Equal(got.Outputs, want.Outputs) {
			t.Fatal("given to the run: ", list)
		}
		written := strings.Replace(worklistFlow, "    default: picks.csv\n", "    default:\n"+rows.String(), 1)
		if got, list := prepare(t, written).Plan(interpreter.Input{}); got == nil || got.Fingerprint != want.Fingerprint || !slices.Equal(got.Outputs, want.Outputs) {
			t.Fatal("written: ", list)
		}
	})
}

// TestLongTable proves what a table of a hundred thousand rows gives.
func TestLongTable(t *testing.T) {
	const rows = 100_000
	end, list, err := prepareTable(t, worklist(rows)).Expand(interpreter.Input{}, interpreter.Fan{})
	if err != nil || len(list) > 0 || end.Steps != 4*rows+2 {
		t.Fatal(end.Steps, list, err)
	}
	if got := end.Outputs[0].Value; got != fmt.Sprint(rows) {
		t.Error(got)
	}
}

// BenchmarkTable reads and expands a table, a row of it: reading, typing and
// four steps.
func BenchmarkTable(b *testing.B) {
	csv := worklist(b.N)
	b.ReportAllocs()
	b.ResetTimer()
	end, list, err := prepareTable(b, csv).Expand(interpreter.Input{}, interpreter.Fan{})
	if err != nil || len(list) > 0 || end.Steps != 4*b.N+2 {
		b.Fatal(end.Steps, list, err)
	}
}

// BenchmarkTableLoad is the reading alone, a row.
func BenchmarkTableLoad(b *testing.B) {
	csv := worklist(b.N)
	b.ReportAllocs()
	b.ResetTimer()
	prepareTable(b, csv)
}
