package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Where the options of a step come from, and what it becomes.

// Explanation is what one step of the language does.
type Explanation struct {
	Step  string // its path, such as steps[0], or its id
	Where diag.Span
	Deck  *program.Deck
	Uses  []Use          // of a liquid step: each pipette, tip and liquid it works with
	Steps []program.Step // the first of what it becomes
	Count int            // how many steps it becomes in all
}

// Use is how a step handles one liquid with one pipette and one kind of tips.
type Use struct {
	Pipette  string
	Liquid   string // "" for what no declaration names
	Rack     string // the load name of the tips, "" where it makes no difference
	Settings []Setting
}

// Setting is one option: its key, what it is as it is written, and who says so.
type Setting struct{ Key, Value, By string }

// maxExplained is how many steps an explanation keeps.
const maxExplained = 40

// explainer listens to an expansion for one step.
type explainer struct {
	out  *Explanation
	seen []handlingKey
}

// Explain expands the workflow and says what the step with a path or an id does.
// It is nil where there is no such step; steps are the paths of all there are. The
// list is what the expansion finds, without the rules that Prove holds it to.
func (p *Prepared) Explain(step string, in Input) (told *Explanation, steps []string, list diag.List) {
	x := &explainer{out: &Explanation{Step: step}}
	in.explain = x
	in.Likely = true
	end, list, err := p.Expand(in, x)
	if err != nil {
		return nil, nil, list
	}
	x.out.Deck = end.Deck
	found := find(p.nodes, step, &steps)
	if found == nil {
		return nil, steps, list
	}
	x.out.Where = found.keyAt
	return x.out, steps, list
}

// find looks for a step among nodes and those inside, and lists all it passes.
func find(nodes []*node, step string, names *[]string) *node {
	var out *node
	for _, n := range nodes {
		*names = append(*names, n.site.Path)
		if n.site.Path == step {
			out = n
		}
		inside := n.els
		if d, ok := n.body.(*do); ok {
			inside = slices.Concat(d.nodes, n.els)
		}
		if in := find(inside, step, names); in != nil {
			out = in
		}
	}
	return out
}

// Step keeps what the step becomes.
func (e *explainer) Step(t *program.Transition) error {
	if !e.within(t.Step.Frame) {
		return nil
	}
	if e.out.Count++; e.out.Count <= maxExplained {
		e.out.Steps = append(e.out.Steps, *t.Step)
	}
	return nil
}

func (e *explainer) within(f *program.Frame) bool {
	for ; f != nil; f = f.Parent {
		if f.Site != nil && f.Site.Path == e.out.Step {
			return true
		}
	}
	return false
}

// use notes how a liquid is handled.
func (e *explainer) use(x *expansion, c *cycle, liquid int, h *handling) {
	key := handlingKey{c.k, c.pip, liquid, x.rack(c.pip)}
	if slices.Contains(e.seen, key) || !e.within(c.at) {
		return
	}
	e.seen = append(e.seen, key)
	u := Use{Pipette: x.deck.Pipettes[c.pip].Name}
	if liquid >= 0 {
		u.Liquid = x.deck.Liquids[liquid].Name
	}
	if key.rack >= 0 {
		u.Rack = x.deck.Labware[key.rack].Def.LoadName
	}
	by := byStep.String()
	if c.k.pipette.index < 0 {
		by = "chosen by volume"
		if len(x.deck.Pipettes) == 1 {
			by = "the only one"
		}
	}
	u.Settings = append(u.Settings, Setting{"pipette", u.Pipette, by})
	if tip := c.k.tip; tip.use != "" {
		text := tip.use
		if tip.then != "" {
			text += ", then " + tip.then
		}
		u.Settings = append(u.Settings, Setting{"tip", text, tip.by.String()})
	}
	if !c.k.mixes {
		split := c.k.split
		if split == "" {
			split = "even"
		}
		u.Settings = append(u.Settings, Setting{"split", split, c.k.splitBy.String()})
	}
	m := x.deck.Pipettes[c.pip].Model
	u.side("aspirate", &h.aspirate, m.Aspirate)
	u.side("dispense", &h.dispense, m.Dispense)
	if b := &h.blow; b.on() {
		place := b.word
		if place == "" && b.in != nil {
			place = b.in.Source().Text
		}
		u.add("blow_out.in", place, b.by)
		u.height("blow_out.at", &b.height, "")
		u.option("blow_out.rate", &b.rate)
		u.option("blow_out.speed", &b.speed)
	}
	e.out.Uses = append(e.out.Uses, u)
}

func (u *Use) add(key, value string, by level) {
	if value != "" {
		u.Settings = append(u.Settings, Setting{key, value, by.String()})
	}
}

func (u *Use) side(name string, s *side, rate int64) {
	u.height(name+".at", &s.at, "bottom + 1 mm")
	if s.rate.given() {
		u.option(name+".rate", &s.rate)
	} else {
		u.Settings = append(u.Settings, Setting{name + ".rate", quantity.FlowRate.Text(rate), "the make of the pipette"})
	}
	for _, o := range []struct {
		key string
		is  *option
	}{{"air_gap", &s.airGap}, {"pre_wet", &s.preWet}, {"reverse", &s.reverse}, {"correction", &s.correction}, {"push_out", &s.pushOut}} {
		u.option(name+"."+o.key, o.is)
	}
	if s.mix.on() {
		u.option(name+".mix.times", &s.mix.times)
		u.option(name+".mix.volume", &s.mix.volume)
		u.option(name+".mix.rate", &s.mix.rate)
		u.option(name+".mix.each_chunk", &s.mix.eachChunk)
		u.height(name+".mix.at", &s.mix.height, "")
	}
	if t := &s.touch; t.on() {
		u.add(name+".touch_tip", "true", t.by)
		u.height(name+".touch_tip.at", &t.height, "top - 1 mm")
		u.option(name+".touch_tip.speed", &t.speed)
		u.option(name+".touch_tip.radius", &t.radius)
		var sides []string
		for _, one := range []string{"left", "right", "front", "back"} {
			if t.sides&sideBits[one] != 0 {
				sides = append(sides, one)
			}
		}
		u.add(name+".touch_tip.sides", strings.Join(sides, ", "), t.by)
	}
	if s.delay.on() {
		u.option(name+".delay.for", &s.delay.time)
		u.height(name+".delay.at", &s.delay.height, "")
	}
	for _, t := range []struct {
		key string
		is  *travel
	}{{"submerge", &s.submerge}, {"retract", &s.retract}} {
		if t.is.on() {
			u.option(name+"."+t.key+".speed", &t.is.speed)
			u.option(name+"."+t.key+".delay", &t.is.delay)
			u.height(name+"."+t.key+".to", &t.is.to, "")
		}
	}
}

func (u *Use) option(key string, o *option) {
	switch {
	case o.curve != nil:
		u.add(key, "by volume, from "+o.curve.source.Text+" on", o.by)
	case o.expr != nil:
		u.add(key, o.expr.Source().Text, o.by)
	case o.none:
		u.add(key, "none", o.by)
	}
}

// height says a height, or what is usual where nobody says one.
func (u *Use) height(key string, h *height, usual string) {
	if !h.set {
		u.add(key, usual, byUs)
		return
	}
	text := [...]string{program.Top: "top", program.Bottom: "bottom", program.Center: "center"}[h.from]
	if h.liquid {
		text = "liquid"
	}
	if h.z != nil {
		sign := " + "
		if h.neg {
			sign = " - "
		}
		text += sign + h.z.Source().Text
	}
	for _, o := range []struct {
		axis string
		is   *eval.Expr
	}{{"x", h.x}, {"y", h.y}} {
		if o.is != nil {
			text += ", " + o.axis + " " + o.is.Source().Text
		}
	}
	u.add(key, text, h.by)
}
