package spec

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/spec/diag"
)

func decodeText(t testing.TB, text string) (*Document, diag.List) {
	t.Helper()
	f := newFile("workflow.yaml", []byte(text))
	src := NewSource(&f)
	root, list := src.Parse()
	if len(list) > 0 {
		t.Fatalf("%s\n%v", text, list)
	}
	return Decode(src, root)
}

// steps decodes the steps of a workflow that is fine otherwise.
func decodeSteps(t *testing.T, steps string) ([]*Step, *Document, diag.List) {
	t.Helper()
	doc, found := decodeText(t, "ot2flow: 1\nname: x\nsteps:\n"+steps)
	return doc.Workflow.Steps, doc, found
}

func expr(text string, want Want) Expr { return Expr{Scalar: Scalar{Text: text}, Want: want} }

func minus(text string) Expr {
	return Expr{Scalar: Scalar{Text: text}, Want: WantLength, Neg: true}
}

func wells(texts ...string) Exprs { return exprs(WantWells, texts) }

func exprs(want Want, texts []string) Exprs {
	out := Exprs{Many: len(texts) > 1}
	for _, s := range texts {
		out.Items = append(out.Items, expr(s, want))
	}
	return out
}

func volume(text string) Expr { return expr(text, WantVolume) }

func text(s string) Text { return Text{Scalar{Text: s}, true} }

// positions are compared where they matter, not here.
var positions = cmp.Options{
	cmp.Transformer("text", func(s Scalar) string { return s.Text }),
	cmpopts.IgnoreTypes(diag.Span{}),
}

func TestDecodeBodies(t *testing.T) {
	bottom2 := Height{From: "bottom", Z: expr("2 mm", WantLength)}
	for _, c := range []struct {
		step string
		want Body
	}{
		{"transfer: {from: red, to: [a, b], volume: 5}", &Transfer{From: wells("red"), To: wells("a", "b"), Volume: exprs(WantVolume, []string{"5"})}},
		{
			"transfer: {from: a, to: b, volume: [1 uL, 2 uL], pipette: p, tip: dedicated, split: never}",
			&Transfer{
				From: wells("a"), To: wells("b"), Volume: exprs(WantVolume, []string{"1 uL", "2 uL"}),
				LiquidKeys: LiquidKeys{Pipette: Word{Value: "p"}, Tip: Tip{Set: true, Short: true, Use: "dedicated"}, Split: Word{Value: "never"}},
			},
		},
		{
			"transfer: {from: a, to: b, volume: v, aspirate: {at: bottom + 2 mm, rate: 9, mix: n x 5 uL, air_gap: 1, touch_tip: true, delay: 1 s}}",
			&Transfer{From: wells("a"), To: wells("b"), Volume: exprs(WantVolume, []string{"v"}), LiquidKeys: LiquidKeys{Handling: Handling{Aspirate: Side{
				At:   bottom2,
				Rate: Option{Expr: expr("9", WantRate)}, Mix: Mixing{Set: true, Short: true, Times: expr("n", WantInteger), Volume: volume("5 uL")}, AirGap: Option{Expr: volume("1")},
				TouchTip: TouchTip{Set: true, Short: true}, Delay: Waiting{Set: true, For: expr("1 s", WantDuration)},
			}}}},
		},
		{
			"transfer: {from: a, to: b, volume: v, dispense: {at: {from: top, x: 1, z: z}, mix: {times: 2, volume: w, at: center}, touch_tip: {sides: [left]}, push_out: 2}}",
			&Transfer{From: wells("a"), To: wells("b"), Volume: exprs(WantVolume, []string{"v"}), LiquidKeys: LiquidKeys{Handling: Handling{Dispense: Side{
				At:       Height{From: "top", X: expr("1", WantLength), Z: expr("z", WantLength)},
				Mix:      Mixing{Set: true, Times: expr("2", WantInteger), Volume: volume("w"), At: Height{From: "center"}},
				TouchTip: TouchTip{Set: true, Sides: []Word{{Value: "left"}}}, PushOut: Option{Expr: volume("2")},
			}}}},
		},
		{
			"formulate: {to: w, volumes: {red: R, blue: 0}, blow_out: {in: p.A1, at: top - 5 mm, speed: 9}, tip: {use: new, then: return}}",
			&Formulate{
				To: wells("w"), Volumes: []Binding{{Word{Value: "red"}, volume("R")}, {Word{Value: "blue"}, volume("0")}},
				LiquidKeys: LiquidKeys{Handling: Handling{BlowOut: BlowOut{Set: true, In: expr("p.A1", WantWell), At: Height{From: "top", Z: minus("5 mm")}, Speed: expr("9", WantSpeed)}}, Tip: Tip{Set: true, Use: "new", Then: "return"}},
			},
		},
		{
			"mix: {in: a, volume: v, times: 3, at: bottom, tip: tips.B1, touch_tip: false, blow_out: source}",
			&Mix{In: wells("a"), Volume: volume("v"), Times: expr("3", WantInteger), At: Height{From: "bottom"}, Tip: Tip{Set: true, Short: true, From: expr("tips.B1", WantWell)}, TouchTip: TouchTip{Set: true, None: true}, BlowOut: BlowOut{Set: true, Short: true, Word: "source"}},
		},
		{"pick_up_tip:", &PickUpTip{}},
		{"pick_up_tip: {from: tips.A1, pipette: p}", &PickUpTip{From: expr("tips.A1", WantWell), Pipette: Word{Value: "p"}}},
		{"aspirate: {from: a, volume: v, rate: r, speed: s}", &Aspirate{From: expr("a", WantWell), Volume: volume("v"), Rate: expr("r", WantRate), Speed: expr("s", WantSpeed)}},
		{"dispense: {to: a, volume: v, at: bottom+2 mm, push_out: 1}", &Dispense{To: expr("a", WantWell), Volume: volume("v"), At: bottom2, PushOut: volume("1")}},
		{"air_gap: {volume: 5, in: w}", &AirGap{Volume: volume("5"), In: expr("w", WantWell)}},
		{"touch_tip: {in: w, speed: 5, radius: 0.8}", &TouchSides{In: expr("w", WantWell), TouchTip: TouchTip{Speed: expr("5", WantSpeed), Radius: expr("0.8", WantNumber)}}},
		{"blow_out: {in: trash}", &BlowOutNow{BlowOut: BlowOut{Word: "trash"}}},
		{"blow_out: {in: w}", &BlowOutNow{BlowOut: BlowOut{In: expr("w", WantWell)}}},
		{"drop_tip: {in: trash}", &DropTip{}},
		{"drop_tip: {in: tips.A1}", &DropTip{In: expr("tips.A1", WantWell)}},
		{"return_tip: {at: top - 75 mm}", &ReturnTip{At: Height{From: "top", Z: minus("75 mm")}}},
		{"move_to: {to: w, at: top}", &MoveTo{To: expr("w", WantWell), At: Height{From: "top"}}},
		{"home:", &Home{}},
		{"delay: 5 min", &Delay{expr("5 min", WantDuration)}},
		{"delay: 5", &Delay{expr("5", WantDuration)}},
		{"pause: put the lid on", &Pause{text("put the lid on")}},
		{"comment: 5", &Comment{text("5")}},
		{"set: {n: n + 1, done: true}", &Set{[]Binding{{Word{Value: "n"}, expr("n + 1", WantAny)}, {Word{Value: "done"}, expr("true", WantAny)}}}},
		{"do: []", &Do{}},
	} {
		steps, doc, found := decodeSteps(t, "- "+c.step+"\n")
		if len(doc.Refused) > 0 || len(found) > 0 {
			t.Errorf("%s: refused %v, found %v", c.step, doc.Refused, found)
			continue
		}
		if diff := cmp.Diff(c.want, steps[0].Body, positions); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.step, diff)
		}
	}
}

func TestDecodeEveryKind(t *testing.T) {
	for _, k := range StepKinds() {
		steps, doc, _ := decodeSteps(t, "- "+k.Key+": "+k.Example+"\n")
		if len(doc.Refused) > 0 || steps[0].Key != k.Key || steps[0].Body == nil {
			t.Errorf("%s: refused %v, read %+v", k.Key, doc.Refused, steps[0])
		}
	}
}

func TestDecodeModifiers(t *testing.T) {
	steps, doc, _ := decodeSteps(t, "- {id: fill, name: 'n ${ w }', for: ' i , w in wells ', if: true, repeat: 3, do: [{home: null}], else: [{home: null}, {id: b, home: null}]}\n")
	s := steps[0]
	want := &Step{
		Path: "fill", Key: "do", ID: Word{Value: "fill"}, Name: text("n ${ w }"), If: expr("true", WantCondition), Repeat: expr("3", WantInteger),
		For: For{Index: Word{Value: "i"}, Name: Word{Value: "w"}, In: expr("wells", WantList), Set: true}, Body: s.Body, Else: s.Else,
	}
	if diff := cmp.Diff(want, s, positions); diff != "" || len(doc.Refused) > 0 {
		t.Errorf("refused %v; (-want +got)\n%s", doc.Refused, diff)
	}
	got := []string{s.Body.(*Do).Steps[0].Path, s.Else[0].Path, s.Else[1].Path}
	if diff := cmp.Diff([]string{"fill.do[0]", "fill.else[0]", "fill.b"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodePaths(t *testing.T) {
	steps, _, found := decodeSteps(t, "- home:\n- do:\n  - id: a\n    do: [{home: null}]\n  - home:\n- id: a\n  home:\n- id: a\n  home:\n")
	inner := steps[1].Body.(*Do).Steps
	got := []string{steps[0].Path, steps[1].Path, inner[0].Path, inner[0].Body.(*Do).Steps[0].Path, inner[1].Path, steps[2].Path}
	if diff := cmp.Diff([]string{"steps[0]", "steps[1]", "steps[1].a", "steps[1].a.do[0]", "steps[1].do[1]", "a"}, got); diff != "" {
		t.Error(diff)
	}
	if len(found) != 1 || found[0].Code != diag.DuplicateID || found[0].Span.Start.Line != 11 {
		t.Errorf("found %v", found)
	}
}

func TestDecodeSections(t *testing.T) {
	doc, found := decodeText(t, `ot2flow: "1"
name: mix-colors
description: ${ R }
params: {R: {type: volume, default: 5 uL, min: 0, max: 9, choices: [1, 2]}, w: {type: well, in: plate, example: A1}}
require: [{that: R > 0, message: no}]
let: {b: 1, a: R}
vars: {n: true}
labware: {plate: {type: x, slot: 1.0}, rack: {type: ./r.json, slot: '11'}}
pipettes: {p: {type: p300_single_gen2, mount: left, tips: []}, q: {type: p20, mount: right}}
liquids: {red: {in: [rack.A1, rack.A2], volume: [1 mL, 2 mL], color: '#c8102e', tip: tips.A1}}
steps: []
`)
	given := func(s string) Given { return Given{Scalar{Text: s}, true} }
	word := func(s string) Word { return Word{Value: s} }
	want := &Workflow{
		File: "workflow.yaml", Name: Scalar{Text: "mix-colors"}, Description: text("${ R }"),
		Params: []Param{
			{Name: word("R"), Type: word("volume"), Default: Written{Given: given("5 uL")}, Min: given("0"), Max: given("9"), Choices: []Given{given("1"), given("2")}},
			{Name: word("w"), Type: word("well"), In: word("plate"), Example: Written{Given: given("A1")}},
		},
		Require:  []Check{{That: expr("R > 0", WantCondition), Message: text("no")}},
		Let:      []Binding{{word("b"), expr("1", WantAny)}, {word("a"), expr("R", WantAny)}},
		Vars:     []Binding{{word("n"), expr("true", WantAny)}},
		Labware:  []Labware{{Name: word("plate"), Type: word("x"), Slot: word("1")}, {Name: word("rack"), Type: word("./r.json"), Slot: word("11")}},
		Pipettes: []Pipette{{Name: word("p"), Type: word("p300_single_gen2"), Mount: word("left"), Tips: []Word{}}, {Name: word("q"), Type: word("p20"), Mount: word("right")}},
		Liquids: []Liquid{{
			Name: word("red"), In: wells("rack.A1", "rack.A2"), Volume: exprs(WantVolume, []string{"1 mL", "2 mL"}),
			Color: given("#c8102e"), Tip: expr("tips.A1", WantWell),
		}},
	}
	if diff := cmp.Diff(want, doc.Workflow, positions); diff != "" || len(found)+len(doc.Refused) > 0 {
		t.Errorf("found %v, refused %v; (-want +got)\n%s", found, doc.Refused, diff)
	}
}

// TestDecodeKeepsTheRest proves that what is refused takes nothing else with it.
func TestDecodeKeepsTheRest(t *testing.T) {
	doc, found := decodeText(t, `ot2flow: 1
name: 5
labware:
  plate: nothing
  tips: {type: t}
  my rack: {type: t, slot: 2}
let: {half: [1], whole: 2}
steps:
  - id: a
    transfer: {from: red, volume: 5 uL}
    if: true
  - do:
      - delay: [1]
      - home:
    repeat: {}
  - home
  - comment: still here
`)
	w := doc.Workflow
	if len(doc.Refused) != 9 || len(found) != 0 {
		t.Errorf("%d refused, found %v", len(doc.Refused), found)
	}
	if len(w.Labware) != 2 || w.Labware[0].Name.Value != "plate" || w.Labware[1].Type.Value != "t" || w.Labware[1].Slot.IsSet() {
		t.Errorf("labware %+v", w.Labware)
	}
	if len(w.Let) != 2 || w.Let[0].Value.IsSet() || w.Let[1].Value.Text != "2" {
		t.Errorf("let %+v", w.Let)
	}
	if len(w.Steps) != 3 {
		t.Fatalf("%d steps", len(w.Steps))
	}
	a, do, comment := w.Steps[0], w.Steps[1], w.Steps[2]
	if !a.Broken || a.Path != "a" || a.Key != "transfer" || a.If.Text != "true" {
		t.Errorf("step a %+v", a)
	}
	inner := do.Body.(*Do).Steps
	if do.Repeat.IsSet() || len(inner) != 2 || !inner[0].Broken || inner[1].Broken {
		t.Errorf("do %+v", do)
	}
	if comment.Path != "steps[3]" || comment.Broken {
		t.Errorf("comment %+v", comment)
	}
}

func TestDecodeFindings(t *testing.T) {
	for _, c := range []struct {
		step string
		code *diag.Code
	}{
		{"name: nothing", diag.NoStepKey},
		{"{home: null, delay: 1}", diag.TwoStepKeys},
		{"delay: 012", diag.OddNumber},
		{"delay: .nan", diag.OddNumber},
	} {
		steps, doc, found := decodeSteps(t, "- "+c.step+"\n")
		if len(found) != 1 || found[0].Code != c.code || len(doc.Refused) > 0 || !steps[0].Broken {
			t.Errorf("%s: found %v, refused %v", c.step, found, doc.Refused)
		}
	}
	if steps, _, found := decodeSteps(t, "- comment: 012\n"); len(found) > 0 || steps[0].Body.(*Comment).Message.Text != "012" {
		t.Errorf("a number as text: %v", found)
	}
}

// TestShortFormPositions proves that the parts of short forms know their place.
func TestShortFormPositions(t *testing.T) {
	source := "- {for: 'i, w in wells', mix: {in: a, volume: v, times: 1, at: \"bottom - dz\"}}\n"
	steps, _, _ := decodeSteps(t, source)
	s := steps[0]
	at := s.Body.(*Mix).At.Z
	if span := at.Whole(); span.Start.Line != 4 || span.Start.Column != 1+strings.Index(source, "dz") {
		t.Errorf("dz at %v", span.Start)
	}
	if span := s.For.Name.Span; span.Start.Column != 1+strings.Index(source, "w in") {
		t.Errorf("w at %v", span.Start)
	}
}

// TestPatterns proves the two forms of every pattern equal.
func TestPatterns(t *testing.T) {
	pieces := []string{"top", "bottom", "center", "in", "x", " ", "\t", "\n", "\f", "\v", "\r", "\u00a0", "\u0085", "+", "-", "1", "w", "_", ",", "#", "c8102e", "µ", "", "A", "  ", "mm"}
	for _, p := range patterns() {
		re := regexp.MustCompile(p.Regex)
		rapid.Check(t, func(t *rapid.T) {
			s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 9).Draw(t, "pieces"), "")
			if rapid.IntRange(0, 9).Draw(t, "any") == 0 {
				s = rapid.String().Draw(t, "string")
			}
			if re.MatchString(s) != p.Match(s) {
				t.Fatalf("%q: %s says %v, Match %v", s, p.Regex, re.MatchString(s), p.Match(s))
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	f := newFile("workflow.yaml", []byte("ot2flow: 1\nname: x\nlabware:\n  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}\nsteps:\n"+
		strings.Repeat("  - transfer:\n      from: red\n      to: plate.A1\n      volume: 50 uL\n      tip: new\n      blow_out: {in: trash, at: top - 2 mm}\n", 10)))
	src := NewSource(&f)
	root, _ := src.Parse()
	b.ReportAllocs()
	for b.Loop() {
		Decode(src, root)
	}
}
