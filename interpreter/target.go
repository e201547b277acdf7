package interpreter

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Target concentrations: which volumes reach them, and why none do. The search
// itself is in recipe.go.

// aim is a concentration that wells are to have.
type aim struct {
	component int
	expr      *eval.Expr
}

// aimed works out the volumes that give target concentrations.
func (b *formulate) aimed(x *expansion, to []target) ([]ingredient, bool) {
	total, diluent, ok := b.rest(x, to, nil)
	if !ok || len(to) == 0 {
		return nil, ok
	}
	m := mixture{total: total, least: x.least(&b.keys)}
	for _, a := range b.target {
		v, ok := x.concentrations([]*eval.Expr{a.expr})
		if !ok {
			return nil, false
		}
		d, ok := x.strength(diluent.from[0], a.component, b.diluent[0])
		if !ok {
			return nil, false
		}
		m.target, m.diluent = append(m.target, new(big.Rat).SetInt64(v[0])), append(m.diluent, d)
	}
	if !b.allEmpty(x, to) {
		return nil, false
	}
	if len(b.from) > 0 {
		return b.normalised(x, to, m, diluent)
	}
	var list []ingredient
	for i := range x.deck.Liquids {
		if i == diluent.liquid || b.several(x, i) || !slices.ContainsFunc(b.target, func(a aim) bool {
			return slices.ContainsFunc(x.deck.Liquids[i].Contains[a.component], func(n int64) bool { return n > 0 })
		}) {
			continue
		}
		g := b.ingredient(x, i, b.target[0].expr)
		s, ok := b.stock(x, g.from[0])
		if !ok {
			return nil, false
		}
		m.stocks, list = append(m.stocks, s), append(list, g)
	}
	if len(list) > maxStocks || len(list) == 0 {
		x.addAt(b.target[0].expr, diag.Diagnostic{Code: diag.CannotFormulate, Message: count(len(list), "liquid") + " beside the diluent hold what the target names, and a recipe is sought of 1 to " + itoa(maxStocks), Help: "write the volumes: formulate: {volumes: …}"})
		return nil, false
	}
	v, met := m.solve()
	names := make([]string, len(list))
	for k := range list {
		names[k] = list[k].name
	}
	if !met {
		b.infeasible(x, &m, v, names, diluent.name, b.target[0].expr, to[0])
		return nil, false
	}
	rest := total
	for k := range list {
		for range to {
			list[k].volumes = append(list[k].volumes, v[k])
		}
		rest -= v[k]
	}
	for range to {
		diluent.volumes = append(diluent.volumes, rest)
	}
	return append(list, diluent), true
}

// normalised brings each of the sources to the target.
func (b *formulate) normalised(x *expansion, to []target, m mixture, diluent ingredient) ([]ingredient, bool) {
	if x.crew.n > 1 {
		x.addAt(b.from[0], diag.Diagnostic{Code: diag.NotAColumn, Message: "every source has its own concentration, and " + x.deck.Pipettes[x.crew.pip].Name + " moves the same volume with all channels", Help: "use a single-channel pipette, or one nozzle: nozzles: H1"})
		return nil, false
	}
	var from []source
	for _, e := range b.from {
		v, ok := x.eval(e)
		if !ok {
			return nil, false
		}
		for _, w := range v.Wells(x.deck) {
			from = append(from, source{[]program.WellRef{w}, x.liquidIn(w), e})
		}
	}
	if len(from) != len(to) {
		x.addAt(b.from[0], diag.Diagnostic{Code: diag.ListsDoNotPair, Message: count(len(from), "source") + " cannot be paired with " + count(len(to), "destination"), Help: "name one source for each destination"})
		return nil, false
	}
	g := ingredient{name: "source", liquid: from[0].liquid, from: from, expr: b.target[0].expr}
	for i := range from {
		if from[i].liquid != g.liquid {
			g.liquid = -1
		}
	}
	if g.liquid >= 0 {
		g.name = x.deck.Liquids[g.liquid].Name
	}
	for i := range from {
		s, ok := b.stock(x, from[i])
		if !ok {
			return nil, false
		}
		m.stocks = [][]*big.Rat{s}
		v, met := m.solve()
		if !met {
			b.infeasible(x, &m, v, []string{x.deck.WellName(from[i].wells[0])}, diluent.name, b.target[0].expr, to[i])
			return nil, false
		}
		g.volumes, diluent.volumes = append(g.volumes, v[0]), append(diluent.volumes, m.total-v[0])
	}
	return []ingredient{g, diluent}, true
}

// stock is what a source holds of each component of the target.
func (b *formulate) stock(x *expansion, s source) ([]*big.Rat, bool) {
	var out []*big.Rat
	for _, a := range b.target {
		n, ok := x.strength(s, a.component, a.expr)
		if !ok {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}

// strength is how much of a component a source holds now; all its wells that are
// not empty must hold the same.
func (x *expansion) strength(s source, component int, at *eval.Expr) (*big.Rat, bool) {
	var out *big.Rat
	for _, w := range s.wells {
		if c, ok := x.state.Content(w); ok && !c.Unknown && c.Volume <= 0 && len(s.wells) > 1 {
			continue
		}
		n, why := x.state.Concentration(w, component)
		if why == "" && out != nil && n.Cmp(out) != 0 {
			why = "its wells do not hold the same; name them in `from`, paired with `to`"
		}
		if why != "" {
			x.addAt(at, diag.Diagnostic{Code: diag.CannotFormulate, Message: "how much " + x.deck.Components[component].Name + " is in " + x.deck.WellName(w) + " is not known: " + why, Help: "say what the liquids contain: liquids: {…: {contains: …}}"})
			return nil, false
		}
		out = n
	}
	if out == nil {
		out = new(big.Rat) // all are empty, which the rules say
	}
	return out, true
}

// allEmpty reports wells that hold something already.
func (b *formulate) allEmpty(x *expansion, to []target) bool {
	for _, t := range to {
		wells := []int16{t.well.Well}
		if x.crew.n > 1 {
			wells, _ = x.reach(t.well)
		}
		for _, w := range wells {
			r := program.WellRef{Labware: t.well.Labware, Well: w}
			if c, ok := x.state.Content(r); ok && (c.Volume > 0 || c.Unknown) {
				x.addAt(t.expr, diag.Diagnostic{Code: diag.CannotFormulate, Message: x.deck.WellName(r) + " is not empty, so that the target would be missed", Help: "name empty wells"})
				return false
			}
		}
	}
	return true
}

// hold reports by how much a well misses the target, now that what was too little
// for the pipette was left out or raised.
func (b *formulate) hold(x *expansion, to target, list []ingredient, i int) {
	last := len(list) - 1
	m, v := mixture{}, make([]int64, last)
	for k := range list {
		g := &list[k]
		holds, ok := b.stock(x, g.from[i%len(g.from)])
		if !ok {
			return
		}
		if m.total += g.volumes[i]; k == last {
			m.diluent = holds
			continue
		}
		m.stocks, v[k] = append(m.stocks, holds), g.volumes[i]
	}
	if m.total == 0 {
		return
	}
	for _, a := range b.target {
		wanted, ok := x.concentrations([]*eval.Expr{a.expr})
		if !ok {
			return
		}
		m.target = append(m.target, new(big.Rat).SetInt64(wanted[0]))
	}
	if m.meets(v) {
		return
	}
	var misses []string
	for c, a := range b.target {
		of, gets := &x.deck.Components[a.component], m.gives(v, c)
		if gets.Cmp(m.target[c]) == 0 {
			continue
		}
		text := of.Name + " " + of.Text(digits(nearest(gets))) + " instead of " + of.Text(nearest(m.target[c]))
		if m.target[c].Sign() > 0 {
			off := new(big.Rat).Quo(gets, m.target[c])
			off.Sub(off, big.NewRat(1, 1)).Mul(off, big.NewRat(100, 1))
			percent, _ := off.Float64()
			text += " (" + strconv.FormatFloat(percent, 'f', 1, 64) + " %)"
		}
		misses = append(misses, text)
	}
	done := map[string]string{"skip": "leaving it out", "round_up": "raising it"}[b.below]
	x.addAt(b.target[0].expr, diag.Diagnostic{
		Code: diag.OffTarget, Severity: diag.Warning, Message: x.deck.WellName(to.well) + " gets " + strings.Join(misses, ", ") + ": a volume is too little for the pipette, and `below_minimum: " + b.below + "` misses the target by " + done,
		Help: "use a smaller pipette, a weaker stock or a larger total",
	})
}

// infeasible reports a target that cannot be reached, with the recipe that comes
// nearest.
func (b *formulate) infeasible(x *expansion, m *mixture, v []int64, names []string, diluent string, at *eval.Expr, to target) {
	var wanted, gets, recipe []string
	component := func(c int) *program.Component { return &x.deck.Components[b.target[c].component] }
	for c := range m.target {
		wanted = append(wanted, component(c).Name+" "+component(c).Text(nearest(m.target[c])))
		gets = append(gets, component(c).Name+" "+component(c).Text(digits(nearest(m.gives(v, c)))))
	}
	rest := m.total
	for k, one := range v {
		rest -= one
		if one > 0 {
			recipe = append(recipe, quantity.Volume.Text(one)+" of "+names[k])
		}
	}
	if rest > 0 {
		recipe = append(recipe, quantity.Volume.Text(rest)+" of "+diluent)
	}
	x.addAt(at, diag.Diagnostic{
		Code: diag.CannotFormulate, Message: x.deck.WellName(to.well) + " cannot get " + strings.Join(wanted, ", ") + " in " + quantity.Volume.Text(m.total) + ": " + b.reason(x, m, names, component),
		Help: "the nearest that is possible is " + strings.Join(recipe, ", ") + ", which gives " + strings.Join(gets, ", "),
	})
}

func (b *formulate) reason(x *expansion, m *mixture, names []string, component func(int) *program.Component) string {
	for c := range m.target {
		least, most := m.diluent[c], m.diluent[c]
		for _, s := range m.stocks {
			if s[c].Cmp(most) > 0 {
				most = s[c]
			}
			if s[c].Cmp(least) < 0 {
				least = s[c]
			}
		}
		switch {
		case most.Cmp(m.target[c]) < 0:
			return "no more " + component(c).Name + " than " + component(c).Text(digits(nearest(most))) + " is in what it is made of"
		case least.Cmp(m.target[c]) > 0:
			return "no less " + component(c).Name + " than " + component(c).Text(digits(nearest(least))) + " is in what it is made of"
		}
	}
	// The same amounts in a thousand times the volume: what the stocks would take.
	wide, t := mixture{stocks: m.stocks, diluent: m.diluent, total: m.total * 1000}, new(big.Rat)
	for c := range m.target {
		more := new(big.Rat).Sub(m.target[c], m.diluent[c])
		wide.target = append(wide.target, more.Mul(more, t.SetFrac64(1, 1000)).Add(more, m.diluent[c]))
	}
	v, met := wide.solve()
	var takes []string
	for k, one := range v {
		if one > 0 {
			takes = append(takes, quantity.Volume.Text(digits(one))+" of "+names[k])
		}
	}
	if met && len(takes) > 0 {
		return "it takes " + strings.Join(takes, " and ")
	}
	return "the liquids hold them in other proportions"
}

// digits keeps the first four digits of a number.
func digits(n int64) int64 {
	unit := int64(1)
	for n/unit >= 10_000 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}
