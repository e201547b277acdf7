package workflows_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec"
)

// Many keys stand in several steps, and on both sides of a step: the air gap of
// drawing in a transfer is one thing, that in a dilution another. Each of them
// is proved on its own here: written with its example into a step that is
// otherwise plain, it changes what the robot does, or it is refused by name.

// sidesDeck is the deck of the steps below.
const sidesDeck = `
ot2flow: 1
name: sides
labware:
  plate: {type: nest_96_wellplate_2ml_deep, slot: 1}
  tubes: {type: opentrons_6_tuberack_falcon_50ml_conical, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
  more: {type: opentrons_96_tiprack_300ul, slot: 5}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips, more]}
  eight: {type: p300_multi_gen2, mount: left, tips: [more]}
liquids:
  red: {in: tubes.A1, volume: 30 mL, contains: {glucose: 100 mM}, tip: tips.H12}
  blue: {in: tubes.A2, volume: 30 mL}
  water: {in: tubes.A3, volume: 30 mL}
  filled: {in: plate.column(3), volume: 1 mL}
`

// plainSteps are the steps that keys are added to: what is done before, the
// body, and what is done after.
var plainSteps = map[string]struct{ before, body, after string }{
	"transfer":    {"", `{from: red, to: plate.first(2), volume: 350 uL, pipette: p300}`, ""},
	"distribute":  {"", `{from: red, to: plate.first(6), volume: 80 uL, pipette: p300}`, ""},
	"consolidate": {"", `{from: plate.column(3), to: tubes.B3, volume: 80 uL, pipette: p300}`, ""},
	"fill":        {"", `{from: red, to: plate.first(2), up_to: 350 uL, pipette: p300}`, ""},
	"dilute":      {"", `{in: 'plate.row("A").last(10).first(4)', factor: 2, volume: 350 uL, diluent: water, pipette: p300}`, ""},
	"mix":         {"", `{in: plate.column(3).first(2), volume: 100 uL, times: 2, pipette: p300}`, ""},
	"formulate":   {"", `{to: plate.first(2), volumes: {red: 350 uL, blue: 50 uL}, pipette: p300}`, ""},
	"aspirate":    {"- pick_up_tip: {from: tips.A1, pipette: p300}", `{from: red, volume: 100 uL}`, "- blow_out: {in: trash, pipette: p300}\n- drop_tip: {pipette: p300}"},
	"dispense":    {"- {pick_up_tip: {from: tips.A1, pipette: p300}}\n- {aspirate: {from: red, volume: 100 uL}}", `{to: plate.A1, volume: 100 uL}`, "- blow_out: {in: trash, pipette: p300}\n- drop_tip: {pipette: p300}"},
	"air_gap":     {"- {pick_up_tip: {from: tips.A1, pipette: p300}}\n- {aspirate: {from: red, volume: 100 uL}}", `{volume: 20 uL}`, "- blow_out: {in: trash, pipette: p300}\n- drop_tip: null"},
	"touch_tip":   {"- {pick_up_tip: {from: tips.A1, pipette: p300}}\n- {aspirate: {from: red, volume: 100 uL}}\n- dispense: {to: plate.B1, volume: 100 uL}", `{in: plate.B1}`, "- drop_tip: {pipette: p300}"},
	"blow_out":    {"- {pick_up_tip: {from: tips.A1, pipette: p300}}\n- {aspirate: {from: red, volume: 100 uL}}\n- dispense: {to: plate.B1, volume: 100 uL}", `{in: plate.B1}`, "- drop_tip: {pipette: p300}"},
	"return_tip":  {"- pick_up_tip: {from: tips.A1, pipette: p300}", `{}`, ""},
	"move_to":     {"- pick_up_tip: {from: tips.A1, pipette: p300}", `{to: plate.B1}`, "- drop_tip: {pipette: p300}"},
}

// otherBodies are the bodies for keys that change nothing in the plain one.
var otherBodies = map[string]string{
	"distribute split":        `{from: red, to: plate.first(4), volume: [80 uL, 350 uL, 150 uL, 250 uL], pipette: p300}`,
	"distribute pack":         `{from: red, to: plate.first(4), volume: [80 uL, 250 uL, 180 uL, 20 uL], disposal: 0 uL, pipette: p300}`,
	"consolidate split":       `{from: plate.column(3).first(4), to: tubes.B3, volume: [80 uL, 350 uL, 150 uL, 250 uL], pipette: p300}`,
	"transfer order.from":     `{from: plate.column(3).first(2), to: plate.column(5).first(2), volume: 80 uL, pipette: p300}`,
	"fill order.from":         `{from: plate.column(3).first(2), to: plate.column(5).first(2), up_to: 80 uL, pipette: p300}`,
	"formulate below_minimum": `{to: plate.first(2), volumes: {red: 350 uL, blue: 5 uL}, pipette: p300}`,
	"consolidate pack":        `{from: plate.column(3).first(4), to: tubes.B3, volume: [80 uL, 250 uL, 180 uL, 20 uL], pipette: p300}`,
}

// beside is what has to stand beside the keys of a mapping, by its name.
var beside = map[string]string{
	"mix": "{times: 2, volume: 40 uL}", "blow_out": "{in: source}", "consolidate blow_out": "{in: destination}", "disposal": "{volume: 30 uL, in: tubes.B1}", "tip": "{use: new}",
	"submerge": "{speed: 20 mm/s}", "retract": "{speed: 20 mm/s}", "delay": "{for: 2 s}", "touch_tip": "{}",
	"at": "{from: bottom, z: 3 mm}", "to": "{from: top, z: 3 mm}", "aspirate": "{}", "dispense": "{}", "order": "{from: b2t_l2r}",
}

// onePlace are the keys that can do nothing, with why.
var onePlace = map[string]string{
	"distribute: order.from": "a distribute has one source", "consolidate: order.to": "a consolidate has one destination",
}

// onlyThere are the steps whose keys behind keys stand in no other step, so that
// TestEveryKeyHasAnEffect proves them.
var onlyThere = []string{"request", "protocol", "publish"}

// shownBy are the values that show what a key does where its example cannot,
// by the end of its path.
var shownBy = map[string]string{
	"x": "1 mm", "y": "1 mm", "tip.use": "once", "tip.from": "tips.B1", "at.from": "center", "to.from": "center", "order.from": "t2b_l2r", "order.to": "r2l_b2t", "retract.to": "liquid + 2 mm", "split": "full_then_rest", "disposal.in": "source",
	"consolidate to": "plate.A5", "dilute blow_out.in": "destination", "dilute in": "plate.row(\"A\").last(10).first(5)", "return_tip at": "top - 10 mm", "air_gap at": "top + 7 mm",
	"dispense to": "plate.B2", "move_to to": "plate.B2", "dilute tip.from": "tips.C1",
	"distribute blow_out": "source", "diluent": "blue", "discard": "tubes.B3", "factor": "3",
	"from": "blue", "to": "plate.column(5).first(2)", "volume": "60 uL", "order": "b2t_l2r", "pipette": "eight",
}

// sidePath is where a key stands: in a step, behind some keys.
type sidePath struct {
	kind  string
	keys  []string
	field spec.Field
}

func (p sidePath) String() string { return p.kind + ": " + strings.Join(p.keys, ".") }

// sidePaths are all keys below a step key, to any depth.
func sidePaths(kind string, s *spec.Shape, keys []string) (out []sidePath) {
	for _, f := range s.Fields() {
		here := append(slices.Clone(keys), f.Key)
		out = append(out, sidePath{kind, here, f})
		out = append(out, sidePaths(kind, f.Slot.Shape, here)...)
	}
	for _, alt := range s.Any {
		out = append(out, sidePaths(kind, alt, keys)...)
	}
	return out
}

// value is what the key is given.
func (p sidePath) value() string {
	for i := range p.keys {
		end := strings.Join(p.keys[i:], ".")
		if v, is := shownBy[p.kind+" "+end]; is && i == 0 {
			return v
		}
		if v, is := shownBy[end]; is {
			return v
		}
	}
	return p.field.Example
}

func parsed(text string) any {
	var out any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		panic(fmt.Sprint(text, err))
	}
	return out
}

// step is the plain step with what the key stands in, and, if it is wanted,
// the key.
func (p sidePath) step(with bool) map[string]any {
	text, is := otherBodies[p.kind+" "+strings.Join(p.keys, ".")]
	if !is {
		text = plainSteps[p.kind].body
	}
	body := parsed(text).(map[string]any)
	put(p.kind, body, p.keys, p.value(), with)
	return body
}

func put(kind string, in map[string]any, keys []string, value string, with bool) {
	last := len(keys) - 1
	for _, k := range keys[:last] {
		inner, is := in[k].(map[string]any)
		if !is {
			inner = parsed(cmp.Or(beside[kind+" "+k], beside[k])).(map[string]any)
			in[k] = inner
		}
		in = inner
	}
	if with {
		in[keys[last]] = parsed(value)
	}
}

func (p sidePath) outcome(t *testing.T, step map[string]any, change func(workflow map[string]any)) *outcome {
	t.Helper()
	w := parsed(sidesDeck).(map[string]any)
	around := plainSteps[p.kind]
	var steps []any
	if around.before != "" {
		steps = parsed(around.before).([]any)
	}
	steps = append(steps, map[string]any{p.kind: step})
	if around.after != "" {
		steps = append(steps, parsed(around.after).([]any)...)
	}
	w["steps"] = steps
	if change != nil {
		change(w)
	}
	data, err := yaml.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return outcomeOf("sides.yaml", data)
}

// TestEveryKeyOfEverySide proves each key in each step and on each side that
// takes it.
func TestEveryKeyOfEverySide(t *testing.T) {
	n := 0
	var refused []string
	for _, f := range spec.StepObject().Fields() {
		if spec.LookupStepKind(f.Key) == nil {
			continue
		}
		paths := sidePaths(f.Key, f.Slot.Shape, nil)
		if _, is := plainSteps[f.Key]; !is {
			for _, p := range paths {
				if len(p.keys) > 1 && !slices.Contains(onlyThere, p.kind) {
					t.Errorf("%s: a plain step for it is missing in plainSteps", p)
					break
				}
			}
			continue
		}
		for _, p := range paths {
			n++
			base, with := p.outcome(t, p.step(false), nil), p.outcome(t, p.step(true), nil)
			switch {
			case onePlace[p.String()] != "":
				if with.text != base.text {
					t.Errorf("%s does something, and is in onePlace", p)
				}
			case with.text == base.text && !with.names(p): // where both are refused, it is for the key or one that it stands behind
				t.Errorf("%s: %s changes nothing\n%s", p, p.value(), findings(with))
			case len(with.found) > 0 && !with.names(p):
				t.Errorf("%s: %s is refused, and not by its name\n%s", p, p.value(), findings(with))
			case len(with.found) > 0:
				refused = append(refused, p.String())
			}
		}
	}
	t.Logf("%d keys, of which %d are refused: %s", n, len(refused), strings.Join(refused, ", "))
}

func findings(o *outcome) string {
	var out strings.Builder
	for _, d := range o.found {
		fmt.Fprintf(&out, "  %s: %s; %s; %s\n", d.Code.ID, d.Message, d.Label, d.Help)
	}
	return out.String()
}

// names reports whether a finding names one of the keys, the last or one that
// it stands behind: as a key, or, where no other word is the same, in prose.
func (o *outcome) names(p sidePath) bool {
	for _, d := range o.found {
		text := fmt.Sprint(d.Message, " ", d.Label, " ", d.Help, " ", d.Notes)
		if p.field.Key == "pipette" && (strings.Contains(text, p.value()) || p.kind == "air_gap") || slices.Contains(p.keys, "mix") && strings.Contains(text, "mixing") {
			return true
		}
		words := strings.FieldsFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) })
		for _, k := range p.keys {
			prose := len(k) > 4 && (slices.Contains(words, k) || strings.Contains(text, strings.ReplaceAll(k, "_", " ")) || strings.Contains(text, strings.ReplaceAll(k, "_", "-")))
			if prose || strings.Contains(text, "`"+k+"`") || strings.Contains(text, k+":") {
				return true
			}
		}
	}
	return false
}
