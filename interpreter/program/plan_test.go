package program_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

var definitions = ot2.Machine{}

// drawDeck draws labware of the catalogue, one or two pipettes and liquids.
func drawDeck(t *rapid.T) *program.Deck {
	d := &program.Deck{}
	types := append(rapid.SliceOfN(rapid.SampledFrom([]string{"corning_96_wellplate_360ul_flat", "nest_12_reservoir_15ml", "opentrons_24_tuberack_nest_1.5ml_snapcap", "opentrons_96_tiprack_20ul"}), 1, 5).Draw(t, "labware"), "opentrons_96_tiprack_300ul")
	for i, name := range types {
		def, _ := definitions.Labware(name)
		d.Labware = append(d.Labware, program.Placed{Name: fmt.Sprintf("l%d", i), Slot: fmt.Sprint(i + 1), On: program.SlotPlace(fmt.Sprint(i + 1)), Def: def, Type: name})
	}
	rack := len(d.Labware) - 1
	for i, name := range []string{"p300_single_gen2", "p20_single_gen2"}[:rapid.IntRange(1, 2).Draw(t, "pipettes")] {
		model, _ := definitions.Pipette(name)
		d.Pipettes = append(d.Pipettes, program.Pipette{Name: fmt.Sprintf("p%d", i), Mount: []string{"left", "right"}[i], Model: model, Racks: []int{rack}})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "liquids") {
		l := program.Liquid{Name: fmt.Sprintf("liquid%d", i), Description: drawText(t), Color: rapid.SampledFrom([]string{"", "#c8102e"}).Draw(t, "colour"), Tip: program.None}
		l.Wells = []program.WellRef{drawWell(t, d, false)}
		l.VolumeNL = []int64{rapid.SampledFrom([]int64{-1, 0, 1, 250_000, 1_500_001}).Draw(t, "volume")}
		if rapid.Bool().Draw(t, "own tip") {
			l.Tip = drawWell(t, d, true)
		}
		drawContains(t, d, &l)
		d.Liquids = append(d.Liquids, l)
	}
	return d
}

// drawContains draws what a liquid contains: of each component nothing, the same
// in all wells, or a concentration per well. Components come in the order they
// are first contained in, as a workflow has them.
func drawContains(t *rapid.T, d *program.Deck, l *program.Liquid) {
	if rapid.Bool().Draw(t, "another well") {
		l.Wells, l.VolumeNL = append(l.Wells, drawWell(t, d, false)), append(l.VolumeNL, 60_000)
	}
	amount := rapid.Int64Range(0, 1<<40)
	for k := range rapid.IntRange(0, len(d.Components)).Draw(t, "old components") {
		l.Contains = append(l.Contains, rapid.SampledFrom([][]int64{nil, {amount.Draw(t, "N")}}).Draw(t, d.Components[k].Name))
	}
	if rapid.Bool().Draw(t, "a new component") {
		c := rapid.SampledFrom([]program.Component{{Dim: quantity.MassConc}, {Dim: quantity.MolarConc}, {Percent: true}, {}}).Draw(t, "counted")
		c.Name, c.Known = fmt.Sprintf("c%d", len(d.Components)), true
		for len(l.Contains) < len(d.Components) {
			l.Contains = append(l.Contains, nil)
		}
		d.Components = append(d.Components, c)
		n := rapid.SampledFrom([]int{1, len(l.Wells)}).Draw(t, "values")
		l.Contains = append(l.Contains, rapid.SliceOfN(amount, n, n).Draw(t, "concentrations"))
	}
}

func drawWell(t *rapid.T, d *program.Deck, tip bool) program.WellRef {
	var fit []int
	for i := range d.Labware {
		if d.Labware[i].Def.IsTipRack == tip {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		fit = []int{0}
	}
	i := rapid.SampledFrom(fit).Draw(t, "on")
	return program.WellRef{Labware: int16(i), Well: int16(rapid.IntRange(0, len(d.Labware[i].Def.Wells)-1).Draw(t, "well"))}
}

func drawText(t *rapid.T) string {
	return rapid.StringOf(rapid.SampledFrom([]rune("aé\"\\\n\t\r\x00\x1f/µ😀 [:]"))).Draw(t, "text")
}

// drawStep draws a step of any kind, with every field that means something.
func drawStep(t *rapid.T, d *program.Deck, n int, f *program.Frame) program.Step {
	s := program.Step{N: n, Frame: f}
	op := &s.Op
	op.Kind, op.Well = program.Kind(rapid.IntRange(0, int(program.Comment)+2).Draw(t, "kind")), program.None
	switch {
	case op.Kind == program.Comment+1, op.Kind > program.Comment && len(d.Liquids) == 0:
		op.Kind = program.NewTips
	case op.Kind > program.Comment:
		op.Kind = program.Refill
	}
	has := op.Kind.Info().Fields
	op.Trash = has&program.HasTrash != 0 && rapid.Bool().Draw(t, "trash")
	if has&program.HasWell != 0 && !op.Trash {
		op.Well = drawWell(t, d, op.Kind == program.PickUpTip)
	}
	if has&program.HasAt != 0 && op.Well != program.None {
		mm := rapid.Int32Range(-120_000, 120_000)
		op.At = program.Position{From: program.Origin(rapid.IntRange(0, 2).Draw(t, "from")), X: mm.Draw(t, "x"), Y: mm.Draw(t, "y"), Z: mm.Draw(t, "z")}
	}
	number := func(field program.Fields, to *int64, name string) {
		if has&field != 0 {
			*to = rapid.Int64Range(0, 400_000).Draw(t, name)
		}
	}
	if has&program.HasPipette != 0 {
		op.Pipette = int8(rapid.IntRange(0, len(d.Pipettes)-1).Draw(t, "pipette"))
	}
	if has&program.HasLiquid != 0 && len(d.Liquids) > 0 {
		op.Liquid = int16(rapid.IntRange(0, len(d.Liquids)-1).Draw(t, "liquid"))
	}
	number(program.HasVolume, &op.Volume, "volume")
	number(program.HasRate, &op.Rate, "rate")
	number(program.HasSpeed, &op.Speed, "speed")
	number(program.HasDuration, &op.Duration, "duration")
	if op.HasPush = has&program.HasPushOut != 0 && rapid.Bool().Draw(t, "push"); op.HasPush {
		number(program.HasPushOut, &op.PushOut, "push out")
	}
	if has&program.HasWay != 0 {
		op.Over, op.Direct = rapid.Int32Range(0, 200_000).Draw(t, "over"), rapid.Bool().Draw(t, "direct")
	}
	if has&program.HasHoming != 0 {
		op.Home = rapid.SampledFrom([]program.Homing{program.OwnHoming, program.WithHoming, program.WithoutHoming}).Draw(t, "home")
	}
	if has&program.HasTouch != 0 {
		op.Touch = program.Touch{Radius: rapid.Int16Range(0, 1000).Draw(t, "radius"), Sides: rapid.Uint8Range(0, 15).Draw(t, "sides")}
	}
	if has&program.HasText != 0 {
		s.Text = drawText(t)
	}
	return s
}

func drawPlan(t *rapid.T) *program.Plan {
	d := drawDeck(t)
	p := &program.Plan{Workflow: program.Workflow{Name: drawText(t), File: "w.yaml", Params: []program.Param{{Name: "R", Value: drawText(t)}}}, Deck: d, EstimateMS: rapid.Int64Range(0, 1<<40).Draw(t, "ms")}
	site := &program.Site{Path: "steps[0]"}
	site.Span.File, site.Span.Start.Line, site.Span.Start.Column = "w.yaml", 3, 5
	outer := &program.Frame{Site: site, Label: "steps[0]", Title: drawText(t)}
	for n := range rapid.IntRange(0, 12).Draw(t, "steps") {
		frame := &program.Frame{Parent: outer, Label: fmt.Sprint(n)}
		s := drawStep(t, d, n+1, frame)
		s.Seq = rapid.IntRange(0, 3).Draw(t, "seq")
		p.Steps = append(p.Steps, s)
	}
	p.End, p.Ended = program.End{Homes: true}, drawText(t)
	if rapid.Bool().Draw(t, "drops") {
		p.End.DropsTip = []program.WellRef{drawWell(t, d, true)}
	}
	p.Needs.Tips = []program.Count{{Index: len(d.Labware) - 1, Amount: 7}}
	p.Needs.Racks = []program.Count{{Index: len(d.Labware) - 1, Amount: 2}}
	for i := range d.Liquids {
		p.Needs.Liquids = append(p.Needs.Liquids, program.Count{Index: i, Amount: rapid.Int64Range(1, 1<<40).Draw(t, "need")})
		p.Needs.Refills = append(p.Needs.Refills, program.Count{Index: i, Amount: rapid.Int64Range(1, 1<<40).Draw(t, "refills")})
	}
	p.Files = []program.File{{Name: "w.yaml", Data: []byte(drawText(t))}}
	p.Fingerprint = p.Hash()
	return p
}

func written(t interface{ Fatal(...any) }, p *program.Plan) []byte {
	var b bytes.Buffer
	if err := p.Write(&b, true); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A plan that is read and written again is the same, byte by byte, and can be
// replayed.
func TestPlanReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		first := written(t, p)
		if !program.IsPlan(first) {
			t.Fatal("it does not look like a plan")
		}
		back, err := program.Read(first, definitions)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if diff := cmp.Diff(string(first), string(written(t, back))); diff != "" {
			t.Fatal(diff)
		}
		if back.Hash() != p.Fingerprint {
			t.Fatal("another fingerprint")
		}
		if _, err := back.Timeline(func(*program.Transition) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
}

// A byte of what is done that is not as it was makes another plan, which is
// refused; or it changes nothing.
func TestChangedPlanIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		data := written(t, p)
		start, end := bytes.Index(data, []byte(`"steps"`)), bytes.Index(data, []byte(`"deferred"`))
		at := rapid.IntRange(start, end-1).Draw(t, "at")
		data[at] ^= 1 << rapid.IntRange(0, 6).Draw(t, "bit")
		changed, err := program.Read(data, definitions)
		if err == nil && changed.Hash() != p.Fingerprint {
			t.Fatalf("%s", data)
		}
	})
}

// TestRefused has plans that somebody made up, with the fingerprint that fits
// what was read.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ old, replacement, says string }{
		{`"volume_uL": 50`, `"volume_uL": -50`, "below 0"},
		{`"pipette": "p0", "labware": "l0"`, `"labware": "l0"`, `step 2: "pipette" is missing for aspirate`},
		{`"labware": "l0", "well": "A1", `, ``, `step 2: "well" is missing for aspirate`},
		{`, "volume_uL": 50, "flow_rate_uL_s": 92.86`, ``, `"volume_uL" is missing`},
		{`"op": "aspirate"`, `"op": "end_run"`, `no operation "end_run"`},
		{`"op": "aspirate"`, `"op": "aspirate", "message": "x"`, `"message" has no meaning for this aspirate`},
		{`"trash": true`, `"trash": true, "labware": "l1", "well": "A1"`, `"trash" has no meaning`},
		{`"z_mm": 1}`, `"z_mm": 99999999999}`, "out of this robot's world"},
		{`"from": "bottom"`, `"from": "middle"`, `no origin "middle"`},
		{`"well": "A1"`, `"well": "Z1"`, "no well Z1"},
		{`"n": 2`, `"n": 7`, "numbered 7"},
		{`"steps[0]/aspirate"`, `"steps[0]/aspirate-0"`, "does not fit"},
		{`"steps[0]/aspirate"`, `"steps[0]/dispense"`, "does not fit"},
		{`"tips": ["l1"]`, `"tips": ["l0"]`, "no tip rack"},
		{`"name": "l1"`, `"name": "l0"`, "is taken"},
		{`"deferred": []`, `"deferred": [{}]`, "no outlook"},
		{`ot2flow.plan/1`, `ot2flow.plan/2`, "reads"},
		{`p300_single_gen2`, `p301_single_gen2`, "not known here"},
		{`corning_96_wellplate_360ul_flat`, `corning_95_wellplate_360ul_flat`, "not known here"},
		{`"volume_uL": 50`, `"volume_uL": 51`, "fingerprint"},
		{"}\n", "}{", "after the end"},
		{"}\n", "", "ends in the middle"},
	} {
		data := bytes.Replace(written(t, simplePlan()), []byte(c.old), []byte(c.replacement), 1)
		if c.old == "}\n" {
			data = append(bytes.TrimSuffix(written(t, simplePlan()), []byte("}\n")), c.replacement...)
		}
		if _, err := program.Read(data, definitions); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s for %s: %v", c.replacement, c.old, err)
		}
	}
}

// FuzzRead reads whatever comes. What is read can be replayed.
func FuzzRead(f *testing.F) {
	f.Add(written(f, simplePlan()))
	f.Add([]byte(`{"format": "ot2flow.plan/1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := program.Read(data, definitions)
		if err != nil {
			return
		}
		if _, err := p.Timeline(func(*program.Transition) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}

func simplePlan() *program.Plan {
	plate, _ := definitions.Labware("corning_96_wellplate_360ul_flat")
	rack, _ := definitions.Labware("opentrons_96_tiprack_300ul")
	model, _ := definitions.Pipette("p300_single_gen2")
	d := &program.Deck{
		Labware:  []program.Placed{{Name: "l0", Slot: "1", On: program.SlotPlace("1"), Def: plate, Type: plate.LoadName}, {Name: "l1", Slot: "2", On: program.SlotPlace("2"), Def: rack, Type: rack.LoadName}},
		Pipettes: []program.Pipette{{Name: "p0", Mount: "left", Model: model, Racks: []int{1}}},
		Liquids:  []program.Liquid{{Name: "red", Wells: []program.WellRef{{}}, VolumeNL: []int64{200_000}, Tip: program.None}},
	}
	f := &program.Frame{Label: "steps[0]", Site: &program.Site{Path: "steps[0]"}}
	bottom := program.Position{From: program.Bottom, Z: 1000}
	p := &program.Plan{Deck: d, Steps: []program.Step{
		{N: 1, Frame: f, Op: program.Op{Kind: program.PickUpTip, Well: program.WellRef{Labware: 1}}},
		{N: 2, Frame: f, Op: program.Op{Kind: program.Aspirate, Volume: 50_000, Rate: 92_860, At: bottom}},
		{N: 3, Frame: f, Op: program.Op{Kind: program.Dispense, Well: program.WellRef{Well: 1}, Volume: 50_000, Rate: 92_860, At: bottom}},
		{N: 4, Frame: f, Op: program.Op{Kind: program.DropTip, Trash: true, Well: program.None}},
	}}
	p.Fingerprint = p.Hash()
	return p
}
