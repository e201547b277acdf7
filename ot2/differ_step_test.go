package ot2_test

import (
	"fmt"
	"slices"
	"strings"
)

// A step is a liquid step of ours with its options. The vendor's Python has no
// method for it, so that it is spelled out there (differ_spell_test.go).
type step struct {
	Kind   string    `json:"kind" shrink:"no"` // transfer, distribute, consolidate, fill, dilute, formulate, mix
	From   []string  `json:"from,omitempty" shrink:"no"`
	To     []string  `json:"to,omitempty" shrink:"no"`     // one that is empty: the trash
	Volume []float64 `json:"volume,omitempty" shrink:"no"` // of fill, up to what
	Split  string    `json:"split,omitempty"`
	Take   taking    `json:"take"`
	Tip    tipping   `json:"tip"`
	Draw   side      `json:"aspirate"`
	Give   side      `json:"dispense"`
	Blow   *blown    `json:"blow_out,omitempty"`
	Spare  *spared   `json:"disposal,omitempty"`

	// Of mix.
	Times int     `json:"times,omitempty"`
	At    *place  `json:"at,omitempty"`
	Rate  float64 `json:"rate,omitempty"`
	Touch *touch  `json:"touch_tip,omitempty"`

	// Of dilute; Volume is one, and To has the wells of the series.
	Factor  float64 `json:"factor,omitempty"`
	Blanks  int     `json:"blanks,omitempty"`
	Discard string  `json:"discard,omitempty"`
	Mix     *mixed  `json:"mix,omitempty"`

	// Of formulate; what is given of each liquid.
	Recipe []ingredient `json:"recipe,omitempty"`
	Total  float64      `json:"total,omitempty"`
	Rest   string       `json:"diluent,omitempty"`
	Order  []string     `json:"order,omitempty"`              // liquids, or by_well
	Rows   bool         `json:"rows,omitempty" shrink:"no"`   // the recipe is a table
	Target float64      `json:"target,omitempty" shrink:"no"` // mM of x instead of volumes; From is what is brought to it, or else the recipe
}

// taking is `order`: a word of Protocol Designer for each side.
type taking struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// tipping is `tip`; the zero value is not written.
type tipping struct {
	Use  string `json:"use,omitempty"`
	From string `json:"from,omitempty"`              // a place in the first rack
	Then string `json:"then,omitempty"`              // a word, or a place in the first rack
	Same bool   `json:"match,omitempty" shrink:"no"` // as the source is named, in the first rack
}

type side struct {
	At       *place  `json:"at,omitempty"`
	Rate     float64 `json:"rate,omitempty"`
	PreWet   int     `json:"pre_wet,omitempty"`
	Mix      *mixed  `json:"mix,omitempty"`
	Submerge *travel `json:"submerge,omitempty"`
	Reverse  float64 `json:"reverse,omitempty"`
	PushOut  float64 `json:"push_out,omitempty"`
	Delay    *waited `json:"delay,omitempty"`
	Retract  *travel `json:"retract,omitempty"`
	AirGap   float64 `json:"air_gap,omitempty"`
	Touch    *touch  `json:"touch_tip,omitempty"`
}

type waited struct {
	Seconds float64 `json:"for" shrink:"no"`
	At      *place  `json:"at,omitempty"`
}

type travel struct {
	Speed   float64 `json:"speed" shrink:"no"`
	Seconds float64 `json:"delay,omitempty"`
	To      *place  `json:"to,omitempty"`
}

type touch struct {
	At     *place   `json:"at,omitempty"`
	Speed  float64  `json:"speed,omitempty"`
	Radius float64  `json:"radius,omitempty"`
	Sides  []string `json:"sides,omitempty" shrink:"no"` // all of them, if empty
}

type blown struct {
	In    string  `json:"in" shrink:"no"` // source, destination, trash, or a well
	At    *place  `json:"at,omitempty"`
	Rate  float64 `json:"rate,omitempty"`
	Speed float64 `json:"speed,omitempty"`
}

type spared struct {
	Volume *float64 `json:"volume,omitempty"`
	Place  *blown   `json:"place,omitempty"`
}

type ingredient struct {
	Liquid string    `json:"liquid" shrink:"no"`
	Volume float64   `json:"volume"`
	Each   []float64 `json:"each,omitempty" shrink:"no"` // in a table: for each well
}

// held is what stands in a well, or with eight channels in the wells of its
// column.
type filled struct {
	Well   string   `json:"well" shrink:"no"`
	Volume float64  `json:"volume,omitempty"`             // 0: nobody knows
	More   []string `json:"more,omitempty" shrink:"no"`   // the other wells of a pool, with as much in each
	Tip    string   `json:"tip,omitempty" shrink:"no"`    // that is kept for it, in the first rack
	Strong float64  `json:"strong,omitempty" shrink:"no"` // mM of x
}

// liquidsInYAML: how much there is nobody knows, because the vendor's software
// does not ask; but where a step goes by it, only what the call says stands in
// the wells.
func liquidsInYAML(c *call) string {
	var b strings.Builder
	b.WriteString("liquids:\n")
	for i, f := range c.Holds {
		var wells []string
		for _, well := range slices.Concat([]string{f.Well}, f.More) {
			if c.columns() && well[0] != 'R' {
				well = well[:2] + "column(" + well[3:] + ")"
			}
			wells = append(wells, well)
		}
		m := mapping{"in: " + yamlWells(wells)}
		m.figure("volume", f.Volume)
		if f.Tip != "" {
			m.add("tip", c.Mount+"0."+f.Tip)
		}
		if f.Strong > 0 {
			m.add("contains", "{x: "+figure(f.Strong)+" mM}")
		}
		fmt.Fprintf(&b, "  l%d: %s\n", i, m)
	}
	if c.Holds == nil {
		for _, l := range c.standing() {
			fmt.Fprintf(&b, "  in_%[1]s: {in: %[1]s}\n", l.name)
		}
	}
	return b.String()
}

// liquid is the name of what stands in a well.
func (c *call) liquid(well string) string {
	for i, f := range c.Holds {
		if f.Well == well {
			return fmt.Sprintf("l%d", i)
		}
	}
	return well
}

// pool is the name of a liquid that stands in several wells, of which this is the
// first, or else the well.
func (c *call) pool(well string) string {
	for i, f := range c.Holds {
		if f.Well == well && f.More != nil {
			return fmt.Sprintf("l%d", i)
		}
	}
	return well
}

// paramsInYAML are the tables of recipes.
func paramsInYAML(c *call) string {
	for _, v := range c.Do {
		if v.Step == nil || !v.Step.Rows {
			continue
		}
		columns := mapping{"well: {type: well, in: D}"}
		for _, p := range v.Step.Recipe {
			columns.add(c.liquid(p.Liquid), "volume")
		}
		var b strings.Builder
		fmt.Fprintf(&b, "params:\n  recipes:\n    type: table\n    columns: %s\n    default:\n", columns)
		for i, to := range v.Step.To {
			row := mapping{"well: " + to[2:]}
			for _, p := range v.Step.Recipe {
				row.add(c.liquid(p.Liquid), figure(p.Each[i]))
			}
			fmt.Fprintf(&b, "      - %s\n", row)
		}
		return b.String()
	}
	return ""
}

func (st *step) inYAML(c *call) string {
	var m mapping
	m.add("pipette", c.Mount)
	switch st.Kind {
	case "mix":
		m.add("in", yamlWells(st.To))
		m.add("volume", pythonVolumes(st.Volume))
		m.add("times", fmt.Sprint(st.Times))
		m.add("at", st.At.inYAML())
		m.figure("rate", st.Rate)
		m.add("tip", st.Tip.inYAML(c))
		m.add("touch_tip", st.Touch.inYAML())
		m.add("blow_out", st.Blow.inYAML())
		m.add("order", st.Take.To)
		return "mix: " + m.String()
	case "dilute":
		m.add("in", yamlWells(st.To))
		m.add("factor", figure(st.Factor))
		m.add("volume", pythonVolumes(st.Volume))
		m.add("diluent", st.From[0])
		m.add("mix", st.Mix.step())
		m.figure("blanks", float64(st.Blanks))
		m.add("discard", st.Discard)
	case "formulate":
		var volumes mapping
		for _, p := range st.Recipe {
			volumes.add(c.liquid(p.Liquid), figure(p.Volume))
		}
		switch {
		case st.Rows:
			m.add("rows", "recipes")
		case st.Target > 0:
			m.add("to", yamlWells(st.To))
			if st.From != nil {
				m.add("from", yamlWells(st.From))
			}
			m.add("target", "{x: "+figure(st.Target)+" mM}")
		default:
			m.add("to", yamlWells(st.To))
			m.add("volumes", volumes.String())
		}
		m.figure("total", st.Total)
		if st.Rest != "" {
			m.add("diluent", c.liquid(st.Rest))
		}
		var order []string
		for _, w := range st.Order {
			order = append(order, c.liquid(w))
		}
		if len(order) == 1 && order[0] == "by_well" {
			m.add("order", "by_well")
		} else if order != nil {
			m.add("order", "["+strings.Join(order, ", ")+"]")
		}
	default:
		var from []string
		for _, w := range st.From {
			from = append(from, c.pool(w))
		}
		m.add("from", yamlWells(from))
		if st.To[0] == "" {
			m.add("to", "trash")
		} else {
			m.add("to", yamlWells(st.To))
		}
		m.add(map[bool]string{false: "volume", true: "up_to"}[st.Kind == "fill"], pythonVolumes(st.Volume))
		m.add("disposal", st.Spare.inYAML())
		var take mapping
		if st.Take.From == st.Take.To {
			m.add("order", st.Take.To)
		} else {
			take.add("from", st.Take.From)
			take.add("to", st.Take.To)
			m.add("order", take.String())
		}
	}
	m.add("split", st.Split)
	m.add("tip", st.Tip.inYAML(c))
	m.add("aspirate", st.Draw.inYAML())
	m.add("dispense", st.Give.inYAML())
	m.add("blow_out", st.Blow.inYAML())
	return st.Kind + ": " + m.String()
}

func (t tipping) inYAML(c *call) string {
	var m mapping
	m.add("use", t.Use)
	if t.Same {
		m.add("match", "source")
		m.add("from", c.Mount+"0")
	}
	if t.From != "" {
		m.add("from", c.Mount+"0."+t.From)
	}
	switch t.Then {
	case "", "trash", "return", "keep":
		m.add("then", t.Then)
	default:
		m.add("then", c.Mount+"0."+t.Then)
	}
	return m.String()
}

func (s *side) inYAML() string {
	var m mapping
	m.add("at", s.At.inYAML())
	m.figure("rate", s.Rate)
	m.figure("pre_wet", float64(s.PreWet))
	m.add("mix", s.Mix.step())
	m.add("submerge", s.Submerge.inYAML())
	m.figure("reverse", s.Reverse)
	m.figure("push_out", s.PushOut)
	if w := s.Delay; w != nil && w.At != nil {
		m.add("delay", fmt.Sprintf("{for: %s, at: %s}", figure(w.Seconds), w.At.inYAML()))
	} else if w != nil {
		m.figure("delay", w.Seconds)
	}
	m.add("retract", s.Retract.inYAML())
	m.figure("air_gap", s.AirGap)
	m.add("touch_tip", s.Touch.inYAML())
	return m.String()
}

// step is a mixing that says only what it says.
func (x *mixed) step() string {
	if x == nil {
		return ""
	}
	m := mapping{fmt.Sprintf("times: %d, volume: %s", x.Times, figure(x.Volume))}
	m.add("at", x.At.inYAML())
	m.figure("rate", x.Rate)
	if x.EachChunk {
		m.add("each_chunk", "true")
	}
	return m.String()
}

func (t *travel) inYAML() string {
	if t == nil {
		return ""
	}
	m := mapping{"speed: " + figure(t.Speed)}
	m.figure("delay", t.Seconds)
	m.add("to", t.To.inYAML())
	return m.String()
}

func (t *touch) inYAML() string {
	if t == nil {
		return ""
	}
	var m mapping
	m.add("at", t.At.inYAML())
	m.figure("speed", t.Speed)
	m.figure("radius", t.Radius)
	if t.Sides != nil {
		m.add("sides", "["+strings.Join(t.Sides, ", ")+"]")
	}
	if m == nil {
		return "true"
	}
	return m.String()
}

func (b *blown) inYAML() string {
	if b == nil {
		return ""
	}
	m := mapping{"in: " + b.In}
	m.add("at", b.At.inYAML())
	m.figure("rate", b.Rate)
	m.figure("speed", b.Speed)
	return m.String()
}

func (s *spared) inYAML() string {
	if s == nil {
		return ""
	}
	var m mapping
	if s.Volume != nil {
		m.add("volume", figure(*s.Volume))
	}
	if s.Place != nil {
		m.add("in", s.Place.In)
		m.add("at", s.Place.At.inYAML())
		m.figure("rate", s.Place.Rate)
		m.figure("speed", s.Place.Speed)
	}
	return m.String()
}
