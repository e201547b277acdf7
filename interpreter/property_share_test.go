package interpreter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// sharedKeys are keys that go with a tip that is filled for several wells. What
// is drawn beyond what is given goes back, so that liquid is conserved.
func sharedKeys(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", ", aspirate: {air_gap: 10 uL}", ", dispense: {touch_tip: true}", ", split: full_then_rest", ", pack: best", ", aspirate: {air_gap: 5.5 uL}, pack: best"}).Draw(t, "keys")
}

func (s *script) distribute(t *rapid.T, at scope) {
	to := s.to(t, at)
	var volumes []string
	for _, w := range to {
		v := drawVolume(t)
		volumes = append(volumes, uL(v))
		s.want(at, w, v)
	}
	disposal := rapid.SampledFrom([]string{"0 uL", "{volume: 20 uL, in: source}", "{volume: 33.333 uL, in: source}"}).Draw(t, "disposal")
	fmt.Fprintf(&s.text, "%s- distribute: {from: dye, to: [%s], volume: [%s], disposal: %s, tip: %s, pipette: p300%s}\n", at.indent, strings.Join(to, ", "), strings.Join(volumes, ", "), disposal,
		rapid.SampledFrom([]string{"once", "new", "dedicated"}).Draw(t, "tip"), sharedKeys(t))
}

func (s *script) consolidate(t *rapid.T, at scope) {
	to := s.to(t, at)[0]
	var from, volumes []string
	for range rapid.IntRange(1, 4).Draw(t, "sources") {
		v := drawVolume(t)
		from, volumes = append(from, rapid.SampledFrom([]string{"dye", "buffer", "trough.A1"}).Draw(t, "from")), append(volumes, uL(v))
		s.want(at, to, v)
	}
	fmt.Fprintf(&s.text, "%s- consolidate: {from: [%s], to: %s, volume: [%s], tip: %s, pipette: p300%s}\n", at.indent, strings.Join(from, ", "), to, strings.Join(volumes, ", "),
		rapid.SampledFrom([]string{"once", "new"}).Draw(t, "tip"), sharedKeys(t))
}

// fill brings a well to more than it is known to hold by then.
func (s *script) fill(t *rapid.T, at scope) {
	well := drawWells(t, 1)[0]
	upTo := s.wants[well] + drawVolume(t)
	s.wants[well] = upTo
	fmt.Fprintf(&s.text, "%s- fill: {from: buffer, to: %s, up_to: %s%s}\n", at.indent, well, uL(upTo), keys(t))
}

const packing = `ot2flow: 1
name: packing
labware:
  plate: {type: nest_96_wellplate_2ml_deep, slot: 1}
  trough: {type: nest_12_reservoir_15ml, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  dye: {in: trough.A4, volume: 15 mL}
steps:
  - distribute: {from: dye, to: plate.first(%d), volume: [%s], disposal: %s, pack: %s}
`

// To choose what shares a filling of the tip takes never more fillings than to
// take things in their order, and gives every well the same.
func TestPackingIsNeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var volumes []string
		for range rapid.IntRange(1, 30).Draw(t, "wells") {
			volumes = append(volumes, uL(rapid.Int64Range(20_000, 330_000).Draw(t, "nL")))
		}
		disposal := rapid.SampledFrom([]string{"0 uL", "20 uL", "51.7 uL"}).Draw(t, "disposal")
		fillings := map[string]int{}
		var wells [2]map[string][]int64
		for i, how := range []string{"in_order", "best"} {
			text := fmt.Sprintf(packing, len(volumes), strings.Join(volumes, ", "), disposal, how)
			n := counter{}
			end, list, err := prepare(t, text).Prove(interpreter.Input{}, &n)
			if err != nil || list.HasErrors() {
				t.Fatalf("%v %v\n%s", list, err, text)
			}
			fillings[how], wells[i] = n.draws, contents(end.State)
			delete(wells[i], "trough.A4") // less disposal, less dye
		}
		if fillings["best"] > fillings["in_order"] {
			t.Fatalf("%d fillings packed best, %d in order: %v, disposal %s", fillings["best"], fillings["in_order"], volumes, disposal)
		}
		if diff := cmp.Diff(wells[0], wells[1]); diff != "" {
			t.Fatal(diff)
		}
	})
}

// counter counts draws.
type counter struct{ draws int }

func (c *counter) Step(t *program.Transition) error {
	if t.Step.Op.Kind == program.Aspirate {
		c.draws++
	}
	return nil
}

// mappings are the keys of a workflow whose order says nothing.
var mappings = map[string][]string{
	"params":   {"a: {type: volume, default: 40 uL}", "b: {type: volume, default: 7 uL}", "c: {type: molarity, default: 2 mM}"},
	"modules":  {"temp: {type: temperature_module_gen2, slot: 10}", "mag: {type: magnetic_module_gen2, slot: 7}"},
	"labware":  {"plate: {type: nest_96_wellplate_2ml_deep, slot: 1}", "trough: {type: nest_12_reservoir_15ml, slot: 2}", "tips: {type: opentrons_96_tiprack_300ul, slot: 3}", "tips20: {type: opentrons_96_tiprack_20ul, slot: 5}", "pcr: {type: nest_96_wellplate_100ul_pcr_full_skirt, module: mag}"},
	"pipettes": {"p300: {type: p300_single_gen2, mount: right, tips: [tips]}", "p20: {type: p20_single_gen2, mount: left, tips: [tips20], defaults: {aspirate: {rate: 5 uL/s}}}"},
	"liquids":  {"water: {in: trough.A1, volume: 10 mL}", "red: {in: trough.A3, volume: 10 mL, contains: {%contains%}, defaults: {aspirate: {air_gap: 2 uL}}}", "blue: {in: trough.A4, volume: 10 mL, liquid_class: glycerol}"},
	"defaults": {"dispense: {touch_tip: true, push_out: 1 uL}", "split: full_then_rest", "blow_out: trash"},
	"contains": {"glucose: 10 mM", "salt: 4 mg/mL", "acid: 2 %"},
	"volumes":  {"red: a", "blue: b", "water: 30 uL"},
	"target":   {"glucose: c", "salt: 0.8 mg/mL"},
	"transfer": {"from: red", "to: plate.B1:D1", "volume: 2 * a", "tip: new", "dispense: {mix: 2 x 30 uL, at: bottom + 2 mm}"},
	"set":      {"aspirate: {delay: 1 s, rate: 9 uL/s}", "to: plate.E1", "from: blue", "volume: b"},
}

// TestOrderOfKeys writes every mapping of a workflow in another order: what the
// robot does stays the same. The order of the liquids is that in which they are
// given, where a step has no other.
func TestOrderOfKeys(t *testing.T) {
	write := func(order func([]string) []string) string {
		one := func(name string) string { return strings.Join(order(mappings[name]), ", ") }
		var b strings.Builder
		for _, section := range order([]string{"params", "modules", "labware", "pipettes", "liquids", "defaults"}) {
			fmt.Fprintf(&b, "%s:\n  %s\n", section, strings.Join(order(mappings[section]), "\n  "))
		}
		return "ot2flow: 1\nname: orders\n" + strings.ReplaceAll(b.String(), "%contains%", one("contains")) + "steps:\n" +
			"  - formulate: {to: plate.A1, order: [water, red, blue], volumes: {" + one("volumes") + "}}\n" +
			"  - formulate: {to: plate.A2, order: [red, water], total: 100 uL, diluent: water, target: {" + one("target") + "}}\n" +
			"  - transfer: {" + one("transfer") + "}\n  - transfer: {" + one("set") + "}\n"
	}
	want := operations(t, write(func(s []string) []string { return s }))
	rapid.Check(t, func(t *rapid.T) {
		text := write(func(s []string) []string { return rapid.Permutation(s).Draw(t, "order") })
		if diff := cmp.Diff(want, operations(t, text)); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
	})
}
