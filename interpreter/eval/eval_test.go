package eval

import (
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// grid makes a labware with the usual names, 9 mm apart.
func grid(rows, columns int) *program.Labware {
	l := &program.Labware{Namespace: "test", LoadName: "grid", Version: 1}
	for c := range columns {
		var column []int
		for r := range rows {
			column = append(column, len(l.Wells))
			row := string(rune('A' + r))
			l.Wells = append(l.Wells, program.Well{
				Name: fmt.Sprintf("%s%d", row, c+1), Row: row, Column: c + 1,
				Depth: 10_670, Round: true, Diameter: 6_860, MaxNL: 360_000,
			})
		}
		l.Columns = append(l.Columns, column)
	}
	l.Index()
	return l
}

// testDeck has a plate, a rack with paints, a trough and three liquids; blue's
// amount is not declared.
func testDeck() *program.Deck {
	trough := grid(1, 1)
	trough.Wells[0].Round = false
	trough.Index()
	rack := grid(8, 12)
	rack.IsTipRack = true
	d := &program.Deck{Labware: []program.Placed{
		{Name: "plate", Slot: "1", Def: grid(8, 12)},
		{Name: "paints", Slot: "3", Def: grid(2, 3)},
		{Name: "waste", Slot: "6", Def: trough},
		{Name: "plate2", Slot: "4", Def: grid(4, 6)},
		{Name: "tips", Slot: "5", Def: rack},
	}}
	d.Components = []program.Component{{Name: "glucose", Dim: quantity.MolarConc, Known: true}}
	d.Liquids = []program.Liquid{
		{Name: "red", Wells: []program.WellRef{{Labware: 1, Well: 0}, {Labware: 1, Well: 1}}, VolumeNL: []int64{12_000_000, 6_000_000}, Tip: program.None},
		{Name: "yellow", Wells: []program.WellRef{{Labware: 1, Well: 2}}, VolumeNL: []int64{300_000}, Tip: program.None},
		{Name: "blue", Wells: []program.WellRef{{Labware: 1, Well: 4}}, VolumeNL: []int64{-1}, Tip: program.None},
		{Name: "stock", Wells: []program.WellRef{{Labware: 0, Well: 95}}, VolumeNL: []int64{50_000}, Tip: program.None, Contains: [][]int64{{100_000_000}}},
	}
	d.Left.Tips = []program.LeftTip{{Place: program.WellRef{Labware: 4}, State: program.TipUsed}, {Place: program.WellRef{Labware: 4, Well: 1}, State: program.TipOut}}
	return d
}

// testScope declares names of every kind, with their values.
func testScope(d *program.Deck) (*Scope, []Value) {
	s := NewScope()
	var vars []Value
	add := func(name string, t Type, v Value, what string) {
		if _, err := s.Declare(name, t, what); err != nil {
			panic(err)
		}
		vars = append(vars, v)
	}
	vol := Of(quantity.Volume)
	ul := func(n int64) Value { return QuantityValue(quantity.Quantity{Dim: quantity.Volume, N: n * 1000}) }
	row := RecordOf(Field{"volume", vol}, Field{"well", Type{Kind: Well}}, Field{"note", Type{Kind: Text}})
	first := RecordValue(row, []Value{ul(10), WellValue(d, program.WellRef{}), TextValue("a")})
	second := RecordValue(row, []Value{ul(20), WellValue(d, program.WellRef{Well: 1}), NothingValue()})
	add("R", vol, ul(100), "parameter")
	add("Y", vol, ul(50), "parameter")
	add("n", Type{Kind: Integer}, IntegerValue(3), "parameter")
	add("f", Type{Kind: Number}, NumberValue(2.5), "parameter")
	add("zero", Type{Kind: Number}, NumberValue(0), "parameter")
	add("ok", Type{Kind: Bool}, BoolValue(true), "parameter")
	add("who", Type{Kind: Text}, TextValue("Ada"), "parameter")
	add("w", Type{Kind: Well}, WellValue(d, program.WellRef{Well: 8}), "loop variable")
	add("p", Type{Kind: Labware}, LabwareValue(d, 3), "loop variable")
	add("wait", Of(quantity.Time), QuantityValue(quantity.Quantity{Dim: quantity.Time, N: 120_000}), "parameter")
	add("speed", Of(quantity.FlowRate), QuantityValue(quantity.Quantity{Dim: quantity.FlowRate, N: 150_000}), "parameter")
	add("od", Type{Kind: Number}, UnknownValue(Type{Kind: Number}, "the reading was not taken yet"), "result")
	add("maybe", vol, NothingValue(), "parameter")
	add("row", row, first, "loop variable")
	add("picks", ListOf(row), ListValue(row, []Value{first, second}), "parameter")
	add("ws", Type{Kind: Wells}, WellsValue(d, []program.WellRef{{Well: 0}, {Well: 3}}), "parameter")
	add("tint", Type{Kind: Color}, ColorValue("#c8102e"), "parameter")
	add("vols", ListOf(vol), ListValue(vol, []Value{ul(10), ul(20), ul(30)}), "parameter")
	if err := s.Reserve("p300", "pipette"); err != nil {
		panic(err)
	}
	return s, vars
}

func testEnv(d *program.Deck, vars []Value) *Env {
	return &Env{Vars: vars, Deck: d, State: program.NewState(d)}
}

// show evaluates an expression and prints what it gives, or what is wrong
// with the place marked by the text there.
func show(text string, want Type) string {
	d := testDeck()
	scope, vars := testScope(d)
	e, found := Compile(placed(text), scope, d, want)
	if len(found) > 0 {
		var out []string
		for _, f := range found {
			out = append(out, showProblem(text, f))
		}
		return strings.Join(out, "\n")
	}
	v, problem := e.Eval(testEnv(d, vars))
	if problem != nil {
		return "run: " + showProblem(text, *problem)
	}
	if got := v.Type(); v.Known() && got.Kind != List && want.Kind != Invalid && want.Kind != Wells && want.Kind != OneOrMany && !got.Equal(want) {
		return "type " + got.String()
	}
	return v.String()
}

func showProblem(text string, d diag.Diagnostic) string {
	s := d.Code.ID + " «" + text[d.Span.Start.Offset:d.Span.End.Offset] + "» " + d.Message
	if d.Help != "" {
		s += " — " + d.Help
	}
	return s
}

// placed is a text whose offsets are those of a file.
func placed(text string) spec.Scalar {
	start := diag.Pos{Line: 1, Column: 1}
	return spec.TextFrom(diag.Span{File: "f", Start: start, End: diag.Pos{Line: 1, Column: 1 + len(text), Offset: len(text)}}, text)
}
