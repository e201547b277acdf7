package ot2_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Calls on modules: what they are set to, what a hand does beside them, and
// what a pipette does there. How a latch and a lid stand is said at the
// beginning of every call, because the engine goes on from the call before.

// fitted is a module of a bench.
type fitted struct{ name, load, slot string }

func (c *call) modules() []fitted {
	switch c.Bench {
	case newModules:
		return []fitted{{"hs", "heaterShakerModuleV1", "1"}, {"mag", "magneticModuleV2", "3"}, {"temp", "temperatureModuleV2", "6"}, {"tc", "thermocyclerModuleV2", "7"}}
	case oldModules:
		return []fitted{{"mag", "magneticModuleV1", "3"}, {"temp", "temperatureModuleV1", "6"}, {"tc", "thermocyclerModuleV1", "7"}}
	}
	return nil
}

const pcrPlate = "nest_96_wellplate_100ul_pcr_full_skirt"

// besideModules is what stands on a bench with modules.
func besideModules(bench int) []stood {
	out := []stood{
		{"A", pcrPlate, "7", "tc"},
		{"C", pcrPlate, "3", "mag"},
		{"E", pcrPlate, "6", "temp"},
		{"F", "nest_12_reservoir_15ml", "5", ""},
		{"G", "nest_96_wellplate_200ul_flat", "2", ""},
	}
	if bench == newModules {
		return append(out, stood{"B", "nest_96_wellplate_2ml_deep", "1", "hs"})
	}
	return append(out, stood{"B", "nest_96_wellplate_2ml_deep", "1", ""})
}

// moduleRacks are the slots of tips there. In front of and behind a
// heater-shaker eight channels go into nothing but tips.
var moduleRacks = map[string][]string{"left": {"4"}, "right": {"9"}}

// resettingModules brings everything back to where a call begins.
func resettingModules(bench int) string {
	var b strings.Builder
	if bench == newModules {
		b.WriteString("        hs.close_labware_latch()\n        hs.deactivate_shaker()\n        hs.deactivate_heater()\n        hs.open_labware_latch()\n")
	}
	b.WriteString("        tc.open_lid()\n        tc.deactivate()\n        temp.deactivate()\n        mag.disengage()\n        homes = [")
	for _, l := range besideModules(bench) {
		home := fmt.Sprintf("%q", l.slot)
		if l.module != "" {
			home = l.module
		}
		fmt.Fprintf(&b, "(%s, %s), ", l.name, home)
	}
	b.WriteString(`]
        astray = [(l, home) for l, home in homes if l.parent != home]
        for l, _ in astray:
            if l.parent != OFF_DECK:
                protocol.move_labware(l, OFF_DECK)
        for l, home in astray:
            protocol.move_labware(l, home)
`)
	return b.String()
}

func (v *verb) moduleInPython() string {
	var a arguments
	on, name := v.Module+".", v.Name
	if v.Set != nil {
		a.add("%s", figure(*v.Set))
	}
	switch v.Name {
	case "engage_to":
		a = arguments{"height_from_base=" + figure(*v.Set)}
		name = "engage"
	case "engage_beyond":
		a = arguments{"offset=" + figure(*v.Set)}
		name = "engage"
	case "set_block_temperature":
		if v.Seconds > 0 {
			a.add("hold_time_seconds=%s", figure(v.Seconds))
		}
		if v.Volume != nil {
			a.add("block_max_volume=%s", figure(v.Volume[0]))
		}
	case "execute_profile":
		var steps []string
		for _, s := range v.Profile {
			steps = append(steps, fmt.Sprintf(`{"temperature": %s, "hold_time_seconds": %s}`, figure(s.Celsius), figure(s.Seconds)))
		}
		a.add("steps=[%s], repetitions=%d", strings.Join(steps, ", "), v.Times)
		if v.Volume != nil {
			a.add("block_max_volume=%s", figure(v.Volume[0]))
		}
	case "move_labware":
		on = "protocol."
		place := v.Place
		switch {
		case place == "off_deck":
			place = "OFF_DECK"
		case strings.Trim(place, "0123456789") == "":
			place = fmt.Sprintf("%q", place)
		}
		a.add("%s, %s, use_gripper=False", v.Labware, place)
	case "lights":
		on, name = "protocol.", "set_rail_lights"
		a.add("%s", map[bool]string{true: "True", false: "False"}[v.On])
	}
	return on + name + "(" + strings.Join(a, ", ") + ")"
}

// moduleStep says which step of ours a method is, and which key takes its value.
var moduleStep = map[string]struct{ key, rest string }{
	"temp.set_temperature":            {"set", ""},
	"temp.start_set_temperature":      {"set", "wait: false"},
	"temp.await_temperature":          {"", "wait: true"},
	"temp.deactivate":                 {"", "deactivate: true"},
	"hs.set_and_wait_for_temperature": {"set", ""},
	"hs.set_target_temperature":       {"set", "wait: false"},
	"hs.wait_for_temperature":         {"", "wait: true"},
	"hs.set_and_wait_for_shake_speed": {"shake", ""},
	"hs.deactivate_heater":            {"", "deactivate: heater"},
	"hs.deactivate_shaker":            {"", "deactivate: shaker"},
	"hs.open_labware_latch":           {"", "latch: open"},
	"hs.close_labware_latch":          {"", "latch: closed"},
	"mag.engage":                      {"", "action: engage"},
	"mag.engage_to":                   {"height", ""},
	"mag.engage_beyond":               {"offset", ""},
	"mag.disengage":                   {"", "action: disengage"},
	"tc.open_lid":                     {"", "lid: open"},
	"tc.close_lid":                    {"", "lid: closed"},
	"tc.set_lid_temperature":          {"lid_temperature", ""},
	"tc.set_block_temperature":        {"block", ""},
	"tc.execute_profile":              {"", ""},
	"tc.deactivate_lid":               {"", "deactivate: lid"},
	"tc.deactivate_block":             {"", "deactivate: block"},
}

var stepOfModule = map[string]string{"temp": "temperature", "hs": "heater_shaker", "mag": "magnet", "tc": "thermocycler"}

func (v *verb) moduleInYAML() string {
	var m mapping
	switch v.Name {
	case "lights":
		return "lights: " + map[bool]string{true: "on", false: "off"}[v.On]
	case "move_labware":
		return fmt.Sprintf("move_labware: {labware: %s, to: %s}", v.Labware, v.Place)
	}
	how := moduleStep[v.Module+"."+v.Name]
	if how.key != "" {
		m.add(how.key, figure(*v.Set))
	}
	if how.rest != "" {
		m = append(m, how.rest)
	}
	if v.Profile != nil {
		var steps []string
		for _, s := range v.Profile {
			steps = append(steps, fmt.Sprintf("%s C for %s s", figure(s.Celsius), figure(s.Seconds)))
		}
		m.add("profile", fmt.Sprintf("[{repeat: %d, do: [%s]}]", v.Times, strings.Join(steps, ", ")))
	} else if v.Name == "set_block_temperature" && v.Seconds > 0 {
		m.add("hold", figure(v.Seconds)+" s")
	}
	if v.Module == "tc" && v.Volume != nil {
		m.add("volume", figure(v.Volume[0]))
	}
	return stepOfModule[v.Module] + ": " + m.String()
}

// drawModuleCall draws one call on a bench with modules.
func drawModuleCall(seed uint64, n int) *call {
	d := &drawer{Rand: rand.New(rand.NewPCG(seed, 1<<32+uint64(n))), c: &call{Bench: newModules + n%2}}
	d.c.Mount = pick(d, "left", "right", "right")
	d.min, d.max = d.c.limits()
	add := func(v verb) { d.c.Do = append(d.c.Do, v) }
	add(verb{Name: pick(d, "open_lid", "open_lid", "close_lid"), Module: "tc"})
	if d.c.Bench == newModules {
		add(verb{Name: pick(d, "close_labware_latch", "close_labware_latch", "open_labware_latch"), Module: "hs"})
	}
	tip := false
	for range 1 + d.IntN(6) {
		switch k := d.IntN(8); {
		case k == 0:
			d.hand(add)
		case k == 1 && !tip:
			d.pipetting(add)
			tip = true
		case k == 2 && d.oneIn(3):
			add(verb{Name: "lights", On: d.oneIn(2)})
		case k < 6 && d.c.Bench == newModules && d.oneIn(2):
			d.heaterShaker(add)
		default:
			pick(d, d.thermocycler, d.temperature, d.magnet)(add)
		}
	}
	return d.c
}

func at(v float64) *float64 { return &v }

// setting is a value of a range, now and then at its end or beyond.
func (d *drawer) setting(least, most float64) *float64 {
	if d.oneIn(12) {
		return at(pick(d, least, most, least-1, most+1, least-0.5, most+3, most+30))
	}
	return at(math.Round(least + d.Float64()*(most-least)))
}

func (d *drawer) temperature(add func(verb)) {
	switch d.IntN(5) {
	case 0:
		add(verb{Name: "deactivate", Module: "temp"})
	case 1, 2:
		v := d.setting(4, 95)
		add(verb{Name: "start_set_temperature", Module: "temp", Set: v})
		if d.oneIn(2) {
			d.pipetting(add)
		}
		add(verb{Name: "await_temperature", Module: "temp", Set: v})
	case 3:
		add(verb{Name: "set_temperature", Module: "temp", Set: d.setting(4, 95)})
	case 4:
		if v := d.setting(4, 95); d.oneIn(4) {
			add(verb{Name: "set_temperature", Module: "temp", Set: at(*v + 0.5)})
		} else if !slices.ContainsFunc(d.c.Do, func(v verb) bool { return v.Module == "temp" }) {
			add(verb{Name: "await_temperature", Module: "temp", Set: at(d.half(4, 95))})
		}
	}
}

func (d *drawer) heaterShaker(add func(verb)) {
	v := verb{Module: "hs"}
	switch d.IntN(9) {
	case 0, 1:
		v.Name, v.Set = "set_and_wait_for_shake_speed", d.setting(200, 3000)
		*v.Set = math.Trunc(*v.Set)
	case 2:
		v.Name = "deactivate_shaker"
	case 3:
		v.Name, v.Set = "set_target_temperature", d.setting(37, 95)
	case 4:
		v.Name, v.Set = "set_and_wait_for_temperature", d.setting(37, 95)
	case 5:
		v.Name = "wait_for_temperature"
	case 6:
		v.Name = "deactivate_heater"
	case 7:
		v.Name = "open_labware_latch"
	case 8:
		v.Name = "close_labware_latch"
	}
	add(v)
}

func (d *drawer) magnet(add func(verb)) {
	v := verb{Module: "mag"}
	switch d.IntN(4) {
	case 0:
		v.Name = "disengage"
	case 1:
		v.Name = "engage"
	case 2:
		v.Name, v.Set = "engage_to", d.setting(-2, 20)
	case 3:
		v.Name, v.Set = "engage_beyond", at(d.half(-4, 4))
	}
	add(v)
}

func (d *drawer) thermocycler(add func(verb)) {
	v := verb{Module: "tc"}
	switch d.IntN(8) {
	case 0:
		v.Name = "open_lid"
	case 1:
		v.Name = "close_lid"
	case 2:
		v.Name, v.Set = "set_lid_temperature", d.setting(37, 110)
	case 3, 4:
		v.Name, v.Set = "set_block_temperature", d.setting(4, 99)
		if d.oneIn(2) {
			v.Seconds = float64(1 + d.IntN(600))
		}
	case 5:
		v.Name, v.Times = "execute_profile", 1+d.IntN(4)
		for range 1 + d.IntN(3) {
			v.Profile = append(v.Profile, held{*d.setting(4, 99), float64(1 + d.IntN(100))})
		}
	case 6:
		v.Name = "deactivate_lid"
	case 7:
		v.Name = "deactivate_block"
	}
	if v.Seconds > 0 || v.Profile != nil && d.oneIn(2) {
		v.Volume = []float64{*d.setting(1, 100)}
	}
	add(v)
}

// hand moves labware.
func (d *drawer) hand(add func(verb)) {
	places := []string{"off_deck", "off_deck", "2", "5", "mag", "temp", "tc", "G"}
	if d.c.Bench == newModules {
		places = append(places, "hs", "hs")
	} else {
		places = append(places, "1")
	}
	v := verb{Name: "move_labware", Labware: pick(d, "A", "B", "C", "E", "F", "G"), Place: pick(d, places...)}
	if !d.oneIn(4) && v.Place != "off_deck" { // make room
		for _, l := range d.c.standing() {
			if (l.module == v.Place || l.module == "" && l.slot == v.Place) && l.name != v.Labware {
				add(verb{Name: "move_labware", Labware: l.name, Place: "off_deck"})
			}
		}
	}
	add(v)
}

// pipetting is a drop of liquid from somewhere to somewhere.
func (d *drawer) pipetting(add func(verb)) {
	from, to := pick(d, "A", "B", "C", "E", "F", "G"), pick(d, "A", "B", "C", "E", "G")
	v := d.half(d.min, d.max/4)
	add(verb{Name: "pick_up_tip"})
	add(verb{Name: "aspirate", From: []string{from + ".A1"}, Volume: []float64{v}})
	if d.oneIn(3) {
		d.thermocycler(add)
	}
	add(verb{Name: "dispense", To: []string{to + ".A2"}, Volume: []float64{v}})
	add(verb{Name: "drop_tip"})
}

// The differences of modules.

// beyondPromise reports a setting that the engine lets pass, and the vendor
// does not promise that the module does.
func beyondPromise(c *call, _ *outcome) bool {
	return slices.ContainsFunc(c.Do, func(v verb) bool {
		settings := []float64{}
		if v.Set != nil {
			settings = append(settings, *v.Set)
		}
		for _, s := range v.Profile {
			settings = append(settings, s.Celsius)
		}
		return slices.ContainsFunc(settings, func(x float64) bool {
			switch {
			case v.Name == "await_temperature":
				return false
			case v.Module == "temp":
				return x < 4 || x > 95 || x != math.Trunc(x)
			case v.Module == "tc":
				return x < 4
			}
			return false
		})
	})
}

// waitsForNothing reports a wait of a temperature module that nothing was set on.
func waitsForNothing(c *call, _ *outcome) bool {
	set := false
	for _, v := range c.Do {
		switch {
		case v.Name == "await_temperature" && !set:
			return true
		case v.Module == "temp":
			set = v.Name != "deactivate"
		}
	}
	return false
}

// reasons are what the engine says of modules and of moves, and what we say.
var reasons = []struct{ says, code string }{
	{"NoTargetTemperatureSet", "nothing-to-wait-for"},
	{"ThermocyclerNotOpen", "lid-closed"},
	{"Thermocycler with its lid closed", "lid-closed"},
	{"while module is shaking", "shaking"},
	{"while it is shaking", "shaking"},
	{"latch", "latch"},
	{"8-Channel", "beside-heater-shaker"},
	{"LocationIsOccupied", "move-refused"},
	{"InvalidTargetTemperature", "module-range"},
	{"InvalidTargetSpeed", "module-range"},
	{"InvalidHoldTime", "module-range"},
	{"EngageHeightOutOfRange", "module-range"},
	{"InvalidBlockVolume", "module-range"},
	{"location offDeck", "off-deck"},
	{"LabwareNotOnDeck", "off-deck"},
	{"LabwareCannotBeStacked", "does-not-fit"},
	{"LabwareCannotBeStacked", "move-refused"}, // onto itself
	{"TipNotAttached", "no-tip"},
}

// sameReason says where we refuse a call on modules for something else than the
// engine, which stops at the first mistake, while we name all.
func sameReason(theirs, ours *outcome) string {
	for _, r := range reasons {
		if strings.Contains(theirs.Refused[0], r.says) && slices.Contains(ours.Refused, r.code) {
			return ""
		}
	}
	return "the engine and we refuse for other reasons: " + theirs.Refused[0] + "; ours " + strings.Join(ours.Refused, ", ")
}

// byHand reports whether labware is moved.
func byHand(c *call, _ *outcome) bool {
	return slices.ContainsFunc(c.Do, func(v verb) bool { return v.Name == "move_labware" })
}

// profileInSteps writes a profile as the temperatures it is made of.
func profileInSteps(_ *call, theirs []exportStep) []exportStep {
	var out []exportStep
	for _, s := range theirs {
		if s.Op != "profile" {
			out = append(out, s)
			continue
		}
		for _, p := range s.Profile {
			set, wait := s, exportStep{}
			set.Op, set.Profile, set.Celsius, set.Duration = "set_temperature", nil, at(p.Celsius), p.Seconds
			wait.Op, wait.Module = "wait_temperature", s.Module
			out = append(out, set, wait)
		}
	}
	return out
}
