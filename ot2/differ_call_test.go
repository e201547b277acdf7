package ot2_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A call is something to do, as data, that can be said twice: as Python for the
// vendor's software and as a workflow for ours. It begins and ends without a
// tip, on a fresh bench. Volumes are in uL, lengths in mm, rates in uL/s.
type call struct {
	Bench     int       `json:"bench" shrink:"no"` // index into benches
	Mount     string    `json:"mount" shrink:"no"` // of the pipette that does it
	Rates     []float64 `json:"rates,omitempty"`
	Clearance []float64 `json:"clearance,omitempty"`
	Nozzles   string    `json:"nozzles,omitempty"` // of an 8-channel pipette, as we say it
	Holds     []filled  `json:"holds,omitempty"`   // where steps go by what stands in wells: all that does
	Do        []verb    `json:"do" shrink:"no"`
}

// Rates are those of the pipette for the call: aspirate, dispense, blow out.
// Clearance is how far above the bottom of a well it draws, and gives.

// verb is one method of the Python API with its arguments; those that are zero
// are not given. Or it is a step of ours, which is several of them.
type verb struct {
	Name     string    `json:"name,omitempty" shrink:"no"`
	Step     *step     `json:"step,omitempty" shrink:"no"`
	From     []string  `json:"from,omitempty" shrink:"no"` // S.A1
	To       []string  `json:"to,omitempty" shrink:"no"`
	Volume   []float64 `json:"volume,omitempty" shrink:"no"`
	NewTip   string    `json:"new_tip,omitempty"`
	Return   bool      `json:"return,omitempty"` // trash=False
	Touch    bool      `json:"touch_tip,omitempty"`
	BlowOut  string    `json:"blow_out,omitempty"` // trash, source, destination
	Before   *mixed    `json:"mix_before,omitempty"`
	After    *mixed    `json:"mix_after,omitempty"`
	Disposal *float64  `json:"disposal_volume,omitempty"`
	AirGap   float64   `json:"air_gap,omitempty"`
	At       *place    `json:"at,omitempty"`
	Times    int       `json:"times,omitempty"`
	PushOut  *float64  `json:"push_out,omitempty"`
	Radius   float64   `json:"radius,omitempty"`
	Speed    float64   `json:"speed,omitempty"`
	Rate     float64   `json:"rate,omitempty"` // for this once
	Seconds  float64   `json:"seconds,omitempty"`
	Text     string    `json:"text,omitempty"`
	Module   string    `json:"module,omitempty"`
	Set      *float64  `json:"set,omitempty"` // C, rpm, or mm
	Labware  string    `json:"labware,omitempty"`
	Place    string    `json:"place,omitempty"` // where it is moved to, as we say it
	On       bool      `json:"on,omitempty"`
	Profile  []held    `json:"profile,omitempty"`
}

// held is a temperature of a thermocycler's block, and for how long.
type held struct {
	Celsius float64 `json:"celsius"`
	Seconds float64 `json:"seconds"`
}

// mixed is a mixing; what is below its volume only our steps can say.
type mixed struct {
	Times     int     `json:"times" shrink:"no"`
	Volume    float64 `json:"volume" shrink:"no"`
	At        *place  `json:"at,omitempty"`
	Rate      float64 `json:"rate,omitempty"`
	EachChunk bool    `json:"each_chunk,omitempty"`
}

// place is a point in a well.
type place struct {
	From string  `json:"from" shrink:"no"` // top, bottom, center
	X    float64 `json:"x,omitempty"`
	Y    float64 `json:"y,omitempty"`
	Z    float64 `json:"z,omitempty"`
}

// bench is what calls are done on: plates S and D, a reservoir R, tubes T, and
// two pipettes with two racks each.
type bench struct{ left, right mounted }

type mounted struct{ pipette, rack string }

var benches = []bench{
	{mounted{"p20_single_gen2", "opentrons_96_tiprack_20ul"}, mounted{"p300_single_gen2", "opentrons_96_tiprack_300ul"}},
	{mounted{"p300_single_gen2", "opentrons_96_filtertiprack_200ul"}, mounted{"p1000_single_gen2", "opentrons_96_tiprack_1000ul"}},
	{mounted{"p10_single", "opentrons_96_tiprack_10ul"}, mounted{"p50_single", "opentrons_96_tiprack_300ul"}},
	{mounted{"p300_single", "opentrons_96_tiprack_300ul"}, mounted{"p1000_single", "opentrons_96_filtertiprack_1000ul"}},
	{mounted{"p20_multi_gen2", "opentrons_96_filtertiprack_20ul"}, mounted{"p300_multi_gen2", "opentrons_96_tiprack_300ul"}},
	{mounted{"p10_multi", "opentrons_96_tiprack_10ul"}, mounted{"p300_multi", "opentrons_96_filtertiprack_200ul"}},
	{mounted{"p300_multi_gen2", "opentrons_96_tiprack_300ul"}, mounted{"p50_multi", "opentrons_96_tiprack_300ul"}},
	{mounted{"p300_multi_gen2", "opentrons_96_tiprack_300ul"}, mounted{"p300_single_gen2", "opentrons_96_tiprack_300ul"}},
	{mounted{"p20_single_gen2", "opentrons_96_tiprack_20ul"}, mounted{"p300_single_gen2", "opentrons_96_tiprack_300ul"}},
}

// The last benches have modules.
const (
	newModules = 7 + iota
	oldModules
)

func (b bench) on(mount string) mounted {
	if mount == "left" {
		return b.left
	}
	return b.right
}

// stood is a labware of a bench, in a slot or on the module there.
type stood struct{ name, load, slot, module string }

// standing is what stands on every bench that has no modules, by slot.
var standing = []stood{
	{"S", "nest_96_wellplate_2ml_deep", "1", ""},
	{"D", "nest_96_wellplate_2ml_deep", "2", ""},
	{"R", "nest_12_reservoir_15ml", "4", ""},
	{"T", "opentrons_24_tuberack_nest_1.5ml_snapcap", "5", ""},
}

// racks are the slots of each mount's tips.
var racks = map[string][]string{"left": {"7", "8"}, "right": {"10", "11"}}

func (c *call) standing() []stood {
	if c.Bench >= newModules {
		return besideModules(c.Bench)
	}
	return standing
}

func (c *call) racks(mount string) []string {
	if c.Bench >= newModules {
		return moduleRacks[mount]
	}
	return racks[mount]
}

func figure(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// The call as Python.

// inPython is the body of a function with parameter p, the pipette.
func inPython(c *call) []string {
	var out []string
	set := func(what string, values []float64, names ...string) {
		for i, v := range values {
			out = append(out, fmt.Sprintf("p.%s.%s = %s", what, names[i], figure(v)))
		}
	}
	set("flow_rate", c.Rates, "aspirate", "dispense", "blow_out")
	set("well_bottom_clearance", c.Clearance, "aspirate", "dispense")
	if first, last, partial := strings.Cut(c.Nozzles, "-"); partial {
		out = append(out, fmt.Sprintf("p.configure_nozzle_layout(style=PARTIAL_COLUMN, start=%q, end=%q, tip_racks=p.tip_racks)", last, first))
	} else if c.Nozzles != "" {
		out = append(out, fmt.Sprintf("p.configure_nozzle_layout(style=SINGLE, start=%q, tip_racks=p.tip_racks)", c.Nozzles))
	}
	for _, v := range c.spelled() {
		which := map[string]string{"aspirate": "aspirate", "air_gap": "aspirate", "dispense": "dispense", "blow_out": "blow_out"}[v.Name]
		if v.Rate == 0 || which == "" {
			out = append(out, v.inPython(c.Mount))
			continue
		}
		index := map[string]int{"aspirate": 0, "dispense": 1, "blow_out": 2}[which]
		out = append(out, fmt.Sprintf("p.flow_rate.%s = %s", which, figure(v.Rate)), v.inPython(c.Mount), fmt.Sprintf("p.flow_rate.%s = usual[%q][%d]", which, c.Mount, index))
	}
	if out == nil {
		out = []string{"pass"} // as when every volume is 0
	}
	return out
}

// arguments of a Python call.
type arguments []string

func (a *arguments) add(format string, values ...any) {
	*a = append(*a, fmt.Sprintf(format, values...))
}

func (v *verb) inPython(mount string) string {
	var a arguments
	on := "p."
	switch v.Name {
	case "return_tip", "prepare_to_aspirate":
	case "transfer", "distribute", "consolidate":
		a.add("%s", pythonVolumes(v.Volume))
		a.add("%s", pythonWells(v.From))
		a.add("%s", pythonWells(v.To))
		v.options(&a)
	case "mix":
		a.add("%d, %s, %s", v.Times, figure(v.Volume[0]), pythonPlace(v.To[0], nil))
	case "pick_up_tip":
		if len(v.From) > 0 {
			a.add("%s", pythonTip(v.From[0], mount))
		}
	case "drop_tip":
		if len(v.To) > 0 {
			a.add("%s", pythonTip(v.To[0], mount))
		}
	case "aspirate", "dispense":
		a.add("%s, %s", figure(v.Volume[0]), pythonPlace(slices.Concat(v.From, v.To)[0], v.At))
		if v.PushOut != nil {
			a.add("push_out=%s", figure(*v.PushOut))
		}
	case "air_gap":
		a.add("%s", figure(v.Volume[0]))
		if v.At != nil {
			a.add("height=%s", figure(v.At.Z))
		}
	case "blow_out", "move_to":
		switch {
		case v.BlowOut == "trash":
			a.add("trash")
		case len(v.To) > 0:
			at := v.At
			if v.Name == "move_to" && at == nil {
				at = &place{From: "top"}
			}
			a.add("%s", pythonPlace(v.To[0], at))
		}
		if v.Speed > 0 {
			a.add("speed=%s", figure(v.Speed))
		}
	case "touch_tip":
		if len(v.To) > 0 {
			a.add("%s", pythonPlace(v.To[0], nil))
		}
		if v.Radius > 0 {
			a.add("radius=%s", figure(v.Radius))
		}
		if v.At != nil {
			a.add("v_offset=%s", figure(v.At.Z))
		}
		if v.Speed > 0 {
			a.add("speed=%s", figure(v.Speed))
		}
	case "delay":
		on = "protocol."
		a.add("seconds=%s", figure(v.Seconds))
	case "pause", "comment":
		on = "protocol."
		a.add("%q", v.Text)
	case "home":
		on = "protocol."
	default:
		return v.moduleInPython()
	}
	return on + v.Name + "(" + strings.Join(a, ", ") + ")"
}

// options are those that the three compound methods share.
func (v *verb) options(a *arguments) {
	if v.NewTip != "" {
		a.add("new_tip=%q", v.NewTip)
	}
	if v.Return {
		a.add("trash=False")
	}
	if v.Touch {
		a.add("touch_tip=True")
	}
	if v.BlowOut != "" {
		where := map[string]string{"trash": "trash", "source": "source well", "destination": "destination well"}[v.BlowOut]
		a.add("blow_out=True, blowout_location=%q", where)
	}
	if v.Before != nil {
		a.add("mix_before=(%d, %s)", v.Before.Times, figure(v.Before.Volume))
	}
	if v.After != nil {
		a.add("mix_after=(%d, %s)", v.After.Times, figure(v.After.Volume))
	}
	if v.Disposal != nil {
		a.add("disposal_volume=%s", figure(*v.Disposal))
	}
	if v.AirGap != 0 {
		a.add("air_gap=%s", figure(v.AirGap))
	}
}

func pythonVolumes(volumes []float64) string {
	if len(volumes) == 1 {
		return figure(volumes[0])
	}
	var out []string
	for _, v := range volumes {
		out = append(out, figure(v))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func pythonWells(wells []string) string {
	var out []string
	for _, w := range wells {
		out = append(out, pythonPlace(w, nil))
	}
	if len(out) == 1 {
		return out[0]
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func pythonPlace(well string, at *place) string {
	labware, name, _ := strings.Cut(well, ".")
	out := fmt.Sprintf("%s[%q]", labware, name)
	if at == nil {
		return out
	}
	if at.From == "center" {
		out += ".center()"
	} else {
		out += fmt.Sprintf(".%s(%s)", at.From, figure(at.Z))
	}
	if x, y, z := at.X, at.Y, at.Z; x != 0 || y != 0 || at.From == "center" && z != 0 {
		if at.From != "center" {
			z = 0
		}
		out += fmt.Sprintf(".move(Point(%s, %s, %s))", figure(x), figure(y), figure(z))
	}
	return out
}

// pythonTip is a place of the pipette's first rack.
func pythonTip(name, mount string) string { return fmt.Sprintf("racks[%q][0][%q]", mount, name) }

// protocolOf is a protocol that does calls of one bench one after the other,
// each behind the comments that serve.py goes by.
func protocolOf(bench int, calls []*call) string {
	var b strings.Builder
	line := func(indent int, format string, args ...any) {
		b.WriteString(strings.Repeat("    ", indent))
		fmt.Fprintf(&b, format, args...)
		b.WriteByte('\n')
	}
	b.WriteString("from opentrons.protocol_api import ALL, " + map[bool]string{true: "OFF_DECK, "}[bench >= newModules] + "PARTIAL_COLUMN, SINGLE\nfrom opentrons.types import Point\n\nrequirements = {\"robotType\": \"OT-2\", \"apiLevel\": \"2.20\"}\n\n\ndef run(protocol):\n")
	c := &call{Bench: bench}
	for _, m := range c.modules() {
		line(1, "%s = protocol.load_module(%q, %q)", m.name, m.load, m.slot)
	}
	for _, l := range c.standing() {
		switch {
		case l.module != "":
			line(1, "%s = %s.load_labware(%q, label=%[1]q)", l.name, l.module, l.load)
		case bench >= newModules:
			line(1, "%s = protocol.load_labware(%q, %q, label=%[1]q)", l.name, l.load, l.slot)
		default:
			line(1, "%s = protocol.load_labware(%q, %q)", l.name, l.load, l.slot)
		}
	}
	line(1, "trash = protocol.fixed_trash")
	line(1, "pipettes, racks, usual = {}, {}, {}")
	for _, mount := range []string{"left", "right"} {
		m := benches[bench].on(mount)
		line(1, "racks[%q] = [protocol.load_labware(%q, slot) for slot in (%s)]", mount, m.rack, `"`+strings.Join(c.racks(mount), `", "`)+`"`+map[bool]string{true: ","}[len(c.racks(mount)) == 1])
		line(1, "p = pipettes[%q] = protocol.load_instrument(%q, %q, tip_racks=racks[%q])", mount, m.pipette, mount, mount)
		line(1, "usual[%q] = (p.flow_rate.aspirate, p.flow_rate.dispense, p.flow_rate.blow_out)", mount)
	}
	if bench < newModules {
		b.WriteString(resetting)
	} else {
		b.WriteString(strings.Replace(resetting, "        for mount, p", resettingModules(bench)+"        for mount, p", 1))
	}
	for i, c := range calls {
		line(1, "")
		line(1, "def call(p):")
		for _, l := range inPython(c) {
			line(2, "%s", l)
		}
		line(1, "attempt(%d, %q, call)", i, c.Mount)
	}
	return b.String()
}

const resetting = `
    def attempt(n, mount, call):
        protocol.comment(f"> {n}")
        try:
            call(pipettes[mount])
        except Exception as e:
            protocol.comment(f"! {type(e).__name__}: {e}")
        protocol.comment(f"< {n}")
        for mount, p in pipettes.items():
            if p.has_tip:
                p.drop_tip()
            if p.channels > 1:
                p.configure_nozzle_layout(style=ALL, tip_racks=racks[mount])
            p.reset_tipracks()
            p.flow_rate.aspirate, p.flow_rate.dispense, p.flow_rate.blow_out = usual[mount]
            p.well_bottom_clearance.aspirate = p.well_bottom_clearance.dispense = 1
`
