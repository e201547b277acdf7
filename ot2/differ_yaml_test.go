package ot2_test

import (
	"fmt"
	"strings"
)

// The call as a workflow.

// mapping is a YAML mapping on one line; empty values are left out.
type mapping []string

func (m *mapping) add(key, value string) {
	if value != "" {
		*m = append(*m, key+": "+value)
	}
}

func (m *mapping) figure(key string, v float64) {
	if v != 0 {
		m.add(key, figure(v))
	}
}

func (m mapping) String() string {
	if len(m) == 0 {
		return ""
	}
	return "{" + strings.Join(m, ", ") + "}"
}

// inYAML is a whole workflow.
func inYAML(c *call) string {
	var b strings.Builder
	b.WriteString("ot2flow: 1\nname: call\n" + paramsInYAML(c))
	for i, m := range c.modules() {
		if i == 0 {
			b.WriteString("modules:\n")
		}
		fmt.Fprintf(&b, "  %s: {type: %s, slot: %s}\n", m.name, m.load, m.slot)
	}
	b.WriteString("labware:\n")
	for _, l := range c.standing() {
		if l.module != "" {
			fmt.Fprintf(&b, "  %s: {type: %s, module: %s}\n", l.name, l.load, l.module)
		} else {
			fmt.Fprintf(&b, "  %s: {type: %s, slot: %s}\n", l.name, l.load, l.slot)
		}
	}
	for _, mount := range []string{"left", "right"} {
		for i, slot := range c.racks(mount) {
			fmt.Fprintf(&b, "  %s%d: {type: %s, slot: %s}\n", mount, i, benches[c.Bench].on(mount).rack, slot)
		}
	}
	b.WriteString("pipettes:\n")
	for _, mount := range []string{"left", "right"} {
		nozzles := ""
		if mount == c.Mount && c.Nozzles != "" {
			nozzles = ", nozzles: " + c.Nozzles
		}
		fmt.Fprintf(&b, "  %s: {type: %s, mount: %[1]s, tips: [%[4]s]%[3]s}\n", mount, benches[c.Bench].on(mount).pipette, nozzles, []string{mount + "0", mount + "0, " + mount + "1"}[len(c.racks(mount))-1])
	}
	b.WriteString(liquidsInYAML(c))
	b.WriteString("steps:\n")
	for i := range c.Do {
		b.WriteString("  - " + c.Do[i].inYAML(c) + "\n")
	}
	return b.String()
}

func (v *verb) inYAML(c *call) string {
	var m mapping
	if v.Step != nil {
		return v.Step.inYAML(c)
	}
	if v.Module != "" || v.Labware != "" || v.Name == "lights" {
		return v.moduleInYAML()
	}
	if !strings.Contains(" delay pause comment home ", v.Name) {
		m.add("pipette", c.Mount)
	}
	switch v.Name {
	case "transfer", "distribute", "consolidate":
		v.compound(&m, c)
	case "mix":
		m.add("in", v.To[0])
		m.add("volume", figure(v.Volume[0]))
		m.add("times", fmt.Sprint(v.Times))
		m.add("at", c.clearance(0))
		m.add("rate", c.rate(0))
		m.add("tip", "current")
	case "pick_up_tip":
		if len(v.From) > 0 {
			m.add("from", c.Mount+"0."+v.From[0])
		}
	case "drop_tip":
		if len(v.To) > 0 {
			m.add("in", c.Mount+"0."+v.To[0])
		}
	case "aspirate":
		m.add("from", v.From[0])
		v.atomic(&m, c, 0)
	case "dispense":
		m.add("to", v.To[0])
		v.atomic(&m, c, 1)
		if v.PushOut != nil {
			m.add("push_out", figure(*v.PushOut))
		}
	case "air_gap":
		m.add("volume", figure(v.Volume[0]))
		m.add("at", v.At.inYAML())
		m.add("rate", c.rate(0))
	case "blow_out":
		if v.BlowOut == "trash" {
			m.add("in", "trash")
		} else if len(v.To) > 0 {
			m.add("in", v.To[0])
			m.add("at", v.At.inYAML())
		}
		m.add("rate", c.rate(2))
	case "move_to":
		m.add("to", v.To[0])
		m.add("at", v.At.inYAML())
		m.figure("speed", v.Speed)
	case "touch_tip":
		if len(v.To) > 0 {
			m.add("in", v.To[0])
		}
		m.add("at", v.At.inYAML())
		m.figure("radius", v.Radius)
		m.figure("speed", v.Speed)
	case "delay":
		return "delay: " + figure(v.Seconds)
	case "pause", "comment":
		return fmt.Sprintf("%s: %q", v.Name, v.Text)
	}
	return v.Name + ": " + m.String()
}

// atomic are the keys of a single draw or give.
func (v *verb) atomic(m *mapping, c *call, side int) {
	m.add("volume", figure(v.Volume[0]))
	if v.At != nil {
		m.add("at", v.At.inYAML())
	} else {
		m.add("at", c.clearance(side))
	}
	m.add("rate", c.rate(side))
}

// compound are the keys of a liquid step.
func (v *verb) compound(m *mapping, c *call) {
	m.add("from", yamlWells(v.From))
	m.add("to", yamlWells(v.To))
	m.add("volume", pythonVolumes(v.Volume))
	m.add("split", "even_last_two")
	var tip mapping
	tip.add("use", map[string]string{"": "once", "once": "once", "always": "new", "never": "current"}[v.NewTip])
	if v.Return && v.NewTip != "never" { // the vendor then leaves the tip on
		tip.add("then", "return")
	}
	m.add("tip", tip.String())
	var draw, give mapping
	draw.add("at", c.clearance(0))
	draw.add("rate", c.rate(0))
	draw.add("mix", v.Before.inYAML(c, ""))
	draw.figure("air_gap", v.AirGap)
	give.add("at", c.clearance(1))
	give.add("rate", c.rate(1))
	give.add("mix", v.After.inYAML(c, "true"))
	if v.Touch {
		draw.add("touch_tip", "true")
		give.add("touch_tip", "true")
	}
	m.add("aspirate", draw.String())
	m.add("dispense", give.String())
	if v.BlowOut != "" {
		blow := mapping{"in: " + v.BlowOut}
		blow.add("rate", c.rate(2))
		m.add("blow_out", blow.String())
	}
	var disposal mapping
	if v.Disposal != nil {
		disposal.add("volume", figure(*v.Disposal))
	}
	if v.Name == "distribute" && v.BlowOut == "" && (v.Disposal == nil || *v.Disposal > 0) {
		disposal.add("rate", c.rate(2))
	}
	m.add("disposal", disposal.String())
}

// inYAML is a mixing; the vendor's is where it draws, whichever side it is of.
func (x *mixed) inYAML(c *call, eachChunk string) string {
	if x == nil {
		return ""
	}
	m := mapping{fmt.Sprintf("times: %d, volume: %s", x.Times, figure(x.Volume))}
	at := c.clearance(0)
	if at == "" && c.clearance(1) != "" {
		at = "bottom + 1 mm"
	}
	m.add("at", at)
	m.add("rate", c.rate(0))
	m.add("each_chunk", eachChunk)
	return m.String()
}

func (p *place) inYAML() string {
	switch {
	case p == nil:
		return ""
	case p.X != 0 || p.Y != 0:
		m := mapping{"from: " + p.From}
		m.figure("x", p.X)
		m.figure("y", p.Y)
		m.figure("z", p.Z)
		return m.String()
	case p.Z < 0:
		return fmt.Sprintf("%s - %s mm", p.From, figure(-p.Z))
	case p.Z > 0:
		return fmt.Sprintf("%s + %s mm", p.From, figure(p.Z))
	}
	return p.From
}

// rate is what the call sets a flow rate to, if it does.
func (c *call) rate(which int) string {
	if c.Rates == nil {
		return ""
	}
	return figure(c.Rates[which])
}

func (c *call) clearance(side int) string {
	if c.Clearance == nil {
		return ""
	}
	return (&place{From: "bottom", Z: c.Clearance[side]}).inYAML()
}

func yamlWells(wells []string) string {
	if len(wells) == 1 {
		return wells[0]
	}
	return "[" + strings.Join(wells, ", ") + "]"
}
