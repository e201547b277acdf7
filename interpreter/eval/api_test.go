package eval

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"unsafe"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

func TestTemplate(t *testing.T) {
	d := testDeck()
	scope, vars := testScope(d)
	for _, c := range []textCase{
		{"", ""},
		{"plain", "plain"},
		{"filled ${ w } with ${ R }", "filled plate.A2 with 100 uL"},
		{"${ R }${ Y }", "100 uL50 uL"},
		{"costs $5 and $${ R }", "costs $5 and ${ R }"},
		{`${ if ok {"a}b"} else {"${"} } end`, "a}b end"},
		{"${ plate.first(2) } ${ n } ${ f } ${ ok } ${ who }", "[plate.A1, plate.B1] 3 2.5 true Ada"},
		{"${ od }", "unknown (the reading was not taken yet)"},
		{"${ R", "OTF308 «${» this ${ is never closed — close it with }, or write $${ where ${ itself is meant"},
		{"a ${ } b", "OTF308 « » there is no expression here — write a value, or remove the key"},
		{"a ${ Rr } ${ R + wait }", "OTF301 «Rr» Rr is not declared — names in reach: R, Y, n, f, zero, ok, who, w, p, wait, speed, od, maybe, row, picks, ws, …\nOTF303 «R + wait» adds a volume (R) and a duration (wait)"},
		{"${ maybe }", "run: OTF316 «maybe» maybe has no value — give a value to use instead with ??, or test with != nil"},
	} {
		got := showTemplate(c.text, scope, vars)
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func showTemplate(text string, scope *Scope, vars []Value) string {
	d := testDeck()
	tpl, found := CompileTemplate(placed(text), scope, d)
	out := ""
	for i, f := range found {
		if i > 0 {
			out += "\n"
		}
		out += showProblem(text, f)
	}
	if tpl == nil {
		return out
	}
	s, problem := tpl.Eval(testEnv(d, vars))
	if problem != nil {
		return "run: " + showProblem(text, *problem)
	}
	return s
}

func TestScope(t *testing.T) {
	s := NewScope()
	number := Type{Kind: Number}
	for _, c := range []struct{ name, err string }{
		{"vol", ""},
		{"vol", "vol is already the name of a parameter"},
		{"min", "min is a function of expressions"},
		{"and", "and is a word of the expression language"},
		{"trash", "trash is a word that fields of steps understand"},
		{"my-plate", `"my-plate" cannot be a name: a name has letters, digits and _ and begins with a letter; write my_plate`},
		{"1st", `"1st" cannot be a name: a name has letters, digits and _ and begins with a letter; write n1st`},
		{"", `"" cannot be a name: a name has letters, digits and _ and begins with a letter`},
		{"ab", ""},
	} {
		_, err := s.Declare(c.name, number, "parameter")
		if got := fmt.Sprint(err); got != c.err && (err != nil || c.err != "") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := s.Reserve("plate", "labware"); err != nil {
		t.Fatal(err)
	}
	s.Push()
	slot, _ := s.Declare("w", number, "loop variable")
	s.Push()
	_, _ = s.Declare("i", number, "loop variable")
	s.Pop("the loop in line 1")
	s.Pop("the loop in line 1")
	again, err := s.Declare("x", number, "loop variable")
	if err != nil || again != slot || slot != 2 || s.Slots() != 4 {
		t.Errorf("slots %d %d of %d, %v", slot, again, s.Slots(), err)
	}
	if _, _, ok := s.Lookup("w"); ok {
		t.Error("a name outlives its level")
	}
	if got := fmt.Sprint(s.Names()); got != "[vol ab plate x]" {
		t.Error(got)
	}
}

func TestParseValue(t *testing.T) {
	d := testDeck()
	volume, plate := Of(quantity.Volume), 0
	for _, c := range []struct {
		typ  Type
		text string
		want string
	}{
		{volume, "100 uL", "100 uL"},
		{volume, "100", "100 uL"},
		{volume, " 1.5mL ", "1500 uL"},
		{volume, "2 min", `"2 min" is a duration, and a volume is wanted; write for example 50 uL`},
		{volume, "50 ulx", `"50 ulx" has no unit of a volume; write for example 50 uL`},
		{volume, "", `a volume is wanted, and nothing is given; write for example 50 uL`},
		{volume, "50 uL * 2", `"50 uL * 2" has no unit of a volume; write for example 50 uL`},
		{Type{Kind: Number}, "2.5", "2.5"},
		{Type{Kind: Number}, "20 %", "0.2"},
		{Type{Kind: Number}, "1,5", `"1,5" is no number; write decimals with a point: 1.5`},
		{Type{Kind: Number}, "5 uL", `"5 uL" is a volume, and a plain number is wanted; write it without a unit`},
		{Type{Kind: Number}, "NaN", `"NaN" is no number; write for example 2.5`},
		{Type{Kind: Integer}, "3.0", "3"},
		{Type{Kind: Integer}, "3.5", `"3.5" is no whole number; write for example 3`},
		{Type{Kind: Bool}, "true", "true"},
		{Type{Kind: Bool}, "yes", `"yes" is neither true nor false; write one of the two`},
		{Type{Kind: Color}, "#C8102E", "#c8102e"},
		{Type{Kind: Color}, "red", `"red" is no color; write it as #rrggbb, for example "#c8102e"`},
		{Type{Kind: Well}, "A1", "plate.A1"},
		{Type{Kind: Well}, "plate.A1", "plate.A1"},
		{Type{Kind: Well}, "plate2.A1", `"plate2.A1" is not in plate, where this well has to be; write a well of plate, for example A1`},
		{Type{Kind: Well}, "plaet.A1", `there is no labware "plaet"; did you mean plate?`},
		{Type{Kind: Well}, "A13", "plate has no well A13; it has rows A–H and columns 1–12"},
		{Type{Kind: Well}, "A01", "plate has no well A01; it has rows A–H and columns 1–12; did you mean A1?"},
		{Type{Kind: Wells}, "A1:B2", "[plate.A1, plate.B1, plate.A2, plate.B2]"},
		{Type{Kind: Wells}, "[A1, plate.C3]", "[plate.A1, plate.C3]"},
		{Type{Kind: Wells}, "plate", "plate"},
		{Type{Kind: Labware}, "paints", "paints"},
		{Type{Kind: Liquid}, "red", "red"},
		{Type{Kind: Liquid}, "rde", `there is no liquid "rde"; did you mean red?`},
		{ListOf(volume), "10, 20 uL", "[10 uL, 20 uL]"},
		{ListOf(volume), "[]", "[]"},
		{ListOf(volume), "10, x", `element 2: "x" is not a volume; write for example 50 uL`},
		{ListOf(Type{Kind: Well}), "A1,A2", "[plate.A1, plate.A2]"},
		{Type{Kind: Text}, " any text ", " any text "},
	} {
		v, err := ParseValue(c.typ, c.text, plate, d)
		got := v.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s as %s\n got %s\nwant %s", c.text, c.typ, got, c.want)
		}
	}
	if _, err := ParseValue(Type{Kind: Well}, "A1", -1, d); err == nil || err.Error() != `"A1" names no labware; write for example plate.A1` {
		t.Error(err)
	}
}

func TestReads(t *testing.T) {
	e, env := mustCompile(t, "R / zero + w.volume * n + row.volume + R", Type{})
	want := "[{R 100 uL} {zero 0} {w plate.A2} {w.volume 0 uL} {n 3} {row {volume: 10 uL, well: plate.A1, note: a}} {row.volume 10 uL}]"
	if got := fmt.Sprint(e.Reads(env)); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	_, problem := e.Eval(env)
	if problem == nil || fmt.Sprint(problem.Values) != want {
		t.Errorf("%+v", problem)
	}
}

// TestUnknownState: without a state, what wells hold is unknown, and nothing
// else is.
func TestUnknownState(t *testing.T) {
	e, env := mustCompile(t, "w.volume > 10 uL", Type{Kind: Bool})
	env.State = nil
	v, problem := e.Eval(env)
	if problem != nil || v.Known() || v.Cause() != notYet || v.Type().Kind != Bool {
		t.Error(v, problem)
	}
	if _, constant := e.Const(); constant {
		t.Error("a volume is no constant")
	}
	if e, _ := mustCompile(t, "plate.first(2)", Type{}); !e.constant {
		t.Error("places are constants")
	}
}

func TestNoAllocation(t *testing.T) {
	for _, text := range benchCases {
		e, env := mustCompile(t, text, Type{})
		e.Eval(env)
		if n := testing.AllocsPerRun(100, func() { e.Eval(env) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
	if size := unsafe.Sizeof(Value{}); size > 40 {
		t.Errorf("a Value has %d bytes", size)
	}
}

func TestPlaces(t *testing.T) {
	d := testDeck()
	e, env := mustCompile(t, "[plate.A1, plate.column(2).first(2), yellow]", Type{Kind: Wells})
	v, _ := e.Eval(env)
	if got := fmt.Sprint(v.Wells(d)); got != "[{0 0} {0 8} {0 9} {1 2}]" {
		t.Error(got)
	}
	if l := LiquidValue(d, 1); l.Kind() != Liquid || l.Liquid() != 1 || len(l.Wells(d)) != 1 {
		t.Error(l)
	}
}

// TestDeltaE checks pairs published with the formula by Sharma, Wu and Dalal.
func TestDeltaE(t *testing.T) {
	for _, c := range []struct {
		p, q lab
		want float64
	}{
		{lab{50, 2.6772, -79.7751}, lab{50, 0, -82.7485}, 2.0425},
		{lab{50, 2.5, 0}, lab{50, 0, -2.5}, 4.3065},
		{lab{50, 2.5, 0}, lab{73, 25, -18}, 27.1492},
		{lab{60.2574, -34.0099, 36.2677}, lab{60.4626, -34.1751, 39.4387}, 1.2644},
		{lab{6.7747, -0.2908, -2.4247}, lab{5.8714, -0.0985, -2.2286}, 0.6377},
		{lab{2.0776, 0.0795, -1.1350}, lab{0.9033, -0.0636, -0.5514}, 0.9082},
	} {
		if got := deltaE00(c.p, c.q); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("%v %v: %.4f, published %.4f", c.p, c.q, got, c.want)
		}
	}
}

func TestTypeNames(t *testing.T) {
	well := Type{Kind: Well}
	for want, typ := range map[string]Type{
		"volume": Of(quantity.Volume), "number": Of(quantity.Number), "list of wells": ListOf(well), "list of lists of wells": ListOf(ListOf(well)),
		"integer": {Kind: Integer}, "list of whole numbers": ListOf(Type{Kind: Integer}), "volume or list of volumes": Many(Of(quantity.Volume)),
		"list": ListOf(Type{}), "flow rate": Of(quantity.FlowRate), "wells": {Kind: Wells},
	} {
		if got := typ.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	a, b := RecordOf(Field{"v", ListOf(well)}), RecordOf(Field{"v", ListOf(well)})
	if !a.Equal(b) || a.Equal(RecordOf(Field{"w", ListOf(well)})) || reflect.DeepEqual(a, well) {
		t.Error("types compare by content")
	}
}

// TestBrokenLabware: a labware whose definition could not be read was reported
// where it is declared, and is not reported again.
func TestBrokenLabware(t *testing.T) {
	d := testDeck()
	d.Labware[0].Def = nil
	for _, text := range []string{"plate.A1", "plate.first(3)", "plate.A1:B2", "plate", `"plate.A1"`} {
		e, found := Compile(spec.LiteralText(text), nil, d, Type{Kind: Wells})
		if text[0] == '"' {
			if len(found) != 1 || found[0].Code.ID != "OTF304" {
				t.Errorf("%s: %v", text, found)
			}
			continue
		}
		if e == nil || len(found) > 0 {
			t.Errorf("%s: %v", text, found)
			continue
		}
		if v, problem := e.Eval(&Env{Deck: d}); v.Known() || problem != nil {
			t.Errorf("%s: %v %v", text, v, problem)
		}
	}
}
