package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// formulate brings liquids together: as much of each as is written, or as a
// table says, or as target concentrations ask for.
type formulate struct {
	to      []*eval.Expr
	volumes []portion
	rows    *eval.Expr
	columns []portion        // of rows; their expression is that of rows
	named   []program.Liquid // the liquids as this workflow declares them
	target  []aim
	from    []*eval.Expr
	total   *eval.Expr
	diluent []*eval.Expr
	byWell  bool
	order   []int // liquids
	below   string
	keys
}

// portion is a liquid and how much of it every well gets.
type portion struct {
	liquid int
	volume *eval.Expr
}

// ingredient is what one liquid gives to each well.
type ingredient struct {
	name    string
	liquid  int      // index, or -1
	from    []source // one for all wells, or one for each
	volumes []int64  // nL by well
	expr    *eval.Expr
}

func (p *preparer) formulate(b *spec.Formulate, s *spec.Step) body {
	out := &formulate{
		to: p.exprs(b.To), rows: p.expr(b.Rows), from: p.exprs(b.From), total: p.expr(b.Total), diluent: p.exprs(b.Diluent),
		named: p.p.deck.Liquids, byWell: b.ByWell, below: b.BelowMinimum.Value, keys: p.keys(&b.LiquidKeys, "per_source"),
	}
	if !b.To.IsSet() && !b.Rows.IsSet() && !s.Broken {
		p.fail(diag.MissingKey, s.KeyAt, "`formulate` does not say which wells get what", "add for example to: plate.A1, volumes: {red: 100 uL}; or rows: with a table")
	}
	given := map[string]*eval.Expr{}
	for _, v := range b.Volumes {
		x := p.compile(v.Value, wanted(spec.WantVolume))
		if p.liquidIndex(v.Name) >= 0 {
			given[v.Name.Value] = x
		}
	}
	for i := range p.p.deck.Liquids {
		if x, ok := given[p.p.deck.Liquids[i].Name]; ok {
			out.volumes = append(out.volumes, portion{i, x})
		}
	}
	for _, name := range b.Order {
		if i := p.liquidIndex(name); i >= 0 {
			out.order = append(out.order, i)
		}
	}
	for _, t := range b.Target {
		k := p.component(t.Name.Value)
		if k < 0 {
			p.unknownName(diag.UnknownName, t.Name, "component", p.componentNames())
			continue
		}
		if x := p.concentration(t.Value, k); x != nil {
			out.target = append(out.target, aim{k, x})
		}
	}
	p.rowsOf(out)
	return out
}

// liquidIndex finds a liquid by name, -1 where there is none, which is reported.
func (p *preparer) liquidIndex(name spec.Word) int {
	i := indexOf(p.liquidNames(), name.Value)
	if i < 0 {
		p.unknownName(diag.UnknownName, name, "liquid", p.liquidNames())
	}
	return i
}

// rowsOf finds the columns of a table of recipes.
func (p *preparer) rowsOf(b *formulate) {
	if b.rows == nil || b.rows.Type().Kind == eval.Invalid {
		return
	}
	t := b.rows.Type()
	var fields []eval.Field
	if t.Kind == eval.List && t.Elem != nil && t.Elem.Kind == eval.Record {
		fields = *t.Elem.Fields
	}
	wells, liquids := false, p.liquidNames()
	for _, f := range fields {
		isVolume := f.Type.Equal(eval.Of(quantity.Volume))
		switch i := indexOf(liquids, f.Name); {
		case f.Name == "well" && f.Type.Kind == eval.Well:
			wells = true
		case isVolume && i >= 0:
			b.columns = append(b.columns, portion{i, b.rows})
		case isVolume:
			p.fail(diag.UnknownName, b.rows.Source().Whole(), "the column "+f.Name+" holds volumes, and there is no liquid "+f.Name, "name the columns of volumes as the liquids: "+strings.Join(named(liquids), ", "))
			return
		}
	}
	if !wells || len(b.columns) == 0 {
		p.fail(diag.TypeMismatch, b.rows.Source().Whole(), "`rows` wants a table with a column `well` and columns of volumes named as liquids", "declare a parameter: recipes: {type: table, columns: {well: {type: well, in: plate}, red: volume}}")
	}
	slices.SortStableFunc(b.columns, func(a, b portion) int { return a.liquid - b.liquid })
}

func (b *formulate) expand(x *expansion, f *program.Frame) {
	to, list, ok := b.ingredients(x)
	if !ok {
		return
	}
	if b.below != "" && b.below != "error" {
		b.raise(x, to, list, f)
	}
	slices.SortStableFunc(list, func(p, q ingredient) int { return b.place(x, p.liquid) - b.place(x, q.liquid) })
	labels := x.destinationLabels(to)
	columns := x.crew.n > 0
	if !b.byWell {
		for k := range list {
			x.dose(&dose{&b.keys, &list[k], to, labels, 0, columns}, f)
		}
		return
	}
	for i := range to {
		for k := range list {
			var label []string
			if labels != nil {
				label = labels[i : i+1]
			}
			x.dose(&dose{&b.keys, &list[k], to[i : i+1], label, i, columns}, f)
		}
	}
}

// divides says that each liquid may have its own pipette.
func (b *formulate) divides() bool { return true }

// place is where a liquid stands in the order: as `order` says, and then as the
// liquids are declared; what is none comes last.
func (b *formulate) place(x *expansion, liquid int) int {
	if i := slices.Index(b.order, liquid); i >= 0 {
		return i - len(b.order)
	}
	if liquid < 0 {
		return len(x.deck.Liquids)
	}
	return liquid
}

// several reports whether a liquid is a list of wells, of which a recipe cannot
// say which one it means.
func (b *formulate) several(x *expansion, liquid int) bool {
	return liquid < len(b.named) && b.named[liquid].Distinct && len(x.deck.Liquids[liquid].Wells) > 1
}

// oneEach reports liquids of the recipe that are lists of wells.
func (b *formulate) oneEach(x *expansion) bool {
	for _, v := range slices.Concat(b.volumes, b.columns) {
		if !b.several(x, v.liquid) {
			continue
		}
		name := b.named[v.liquid].Name
		x.addAt(v.volume, diag.Diagnostic{
			Code: diag.CannotFormulate, Message: "a recipe cannot say which of the " + count(len(x.deck.Liquids[v.liquid].Wells), "well") + " of " + name + " it means, which are distinct",
			Help: "move them with a transfer, which pairs them with destinations; or bring each to one concentration: formulate: {from: " + name + ", target: …}",
		})
		return false
	}
	return true
}

// ingredients works out what every well gets, with the diluent.
func (b *formulate) ingredients(x *expansion) (to []target, list []ingredient, ok bool) {
	if !b.oneEach(x) {
		return nil, nil, false
	}
	if b.rows != nil {
		to, list, ok = b.fromRows(x)
	} else if to, ok = x.targets(b.to); ok {
		to = slices.Clone(to)
		if b.target != nil {
			list, ok = b.aimed(x, to)
			return to, list, ok
		}
		for _, v := range b.volumes {
			nl, fine := x.quantity(v.volume, 0)
			ok = ok && fine
			g := b.ingredient(x, v.liquid, v.volume)
			for range to {
				g.volumes = append(g.volumes, nl)
			}
			list = append(list, g)
		}
	}
	if !ok || b.total == nil {
		return to, list, ok
	}
	total, diluent, ok := b.rest(x, to, list)
	if !ok {
		return nil, nil, false
	}
	for i := range to {
		left := total
		for k := range list {
			left -= max(0, list[k].volumes[i])
		}
		if left < 0 {
			x.addAt(b.total, diag.Diagnostic{
				Code: diag.CannotFormulate, Message: x.deck.WellName(to[i].well) + " would get " + quantity.Volume.Text(total-left) + ", more than the total of " + quantity.Volume.Text(total),
				Help: "raise the total, or lower the volumes by " + quantity.Volume.Text(-left),
			})
			return nil, nil, false
		}
		diluent.volumes = append(diluent.volumes, left)
	}
	return to, append(list, diluent), true
}

func (b *formulate) ingredient(x *expansion, liquid int, volume *eval.Expr) ingredient {
	l := &x.deck.Liquids[liquid]
	return ingredient{name: l.Name, liquid: liquid, from: []source{{wells: l.Wells, liquid: liquid}}, expr: volume}
}

// rest is the total, and the diluent without its volumes.
func (b *formulate) rest(x *expansion, to []target, list []ingredient) (int64, ingredient, bool) {
	total, ok1 := x.quantity(b.total, 0)
	from, ok2 := x.sources(b.diluent)
	if !ok1 || !ok2 || !x.volumeOK(total, b.total) {
		return 0, ingredient{}, false
	}
	cannot := func(e *eval.Expr, message, help string) (int64, ingredient, bool) {
		x.addAt(e, diag.Diagnostic{Code: diag.CannotFormulate, Message: message, Help: help})
		return 0, ingredient{}, false
	}
	if len(from) != 1 {
		return cannot(b.diluent[0], "there is one diluent, and these are "+count(len(from), "place"), onePool)
	}
	g := ingredient{name: "diluent", liquid: from[0].liquid, from: []source{from[0]}, expr: b.total}
	if g.liquid >= 0 {
		g.name = x.deck.Liquids[g.liquid].Name
	}
	for i := range list {
		if g.liquid >= 0 && list[i].liquid == g.liquid {
			return cannot(b.diluent[0], g.name+" is the diluent, and a volume of it is given, too", "leave out its volume: it makes up the rest")
		}
	}
	for i := range to {
		if x.crew.n > 1 && x.isWide(to[i].well) {
			return cannot(to[i].expr, "all channels would give into "+x.deck.WellName(to[i].well)+", which would get the total several times", "use a single-channel pipette, or one nozzle: nozzles: H1")
		}
	}
	return total, g, true
}

// fromRows reads a table of recipes.
func (b *formulate) fromRows(x *expansion) ([]target, []ingredient, bool) {
	v, ok := x.eval(b.rows)
	if !ok {
		return nil, nil, false
	}
	rows := v.List()
	x.to = x.to[:0]
	for _, row := range rows {
		w, _ := row.Field("well")
		x.to = append(x.to, target{w.Well(), b.rows})
	}
	x.toOf = x.toOf[:0]
	if x.multi && !x.gatherTargets() {
		return nil, nil, false
	}
	to := slices.Clone(x.to)
	var list []ingredient
	for _, c := range b.columns {
		g := b.ingredient(x, c.liquid, b.rows)
		g.volumes = make([]int64, len(to))
		set := make([]bool, len(to))
		for i, row := range rows {
			cell, _ := row.Field(g.name)
			k, nl := i, cell.Quantity().N
			if x.crew.n > 1 {
				k = x.toOf[i]
			}
			if set[k] && g.volumes[k] != nl {
				x.addAt(b.rows, diag.Diagnostic{
					Code: diag.NotAColumn, Message: x.deck.Pipettes[x.crew.pip].Name + " moves the same volume with all channels, and the rows give the wells of a column " + quantity.Volume.Text(g.volumes[k]) + " and " + quantity.Volume.Text(nl) + " of " + g.name,
					Help: "use a single-channel pipette, or one nozzle: nozzles: H1",
				})
				return nil, nil, false
			}
			g.volumes[k], set[k] = nl, true
		}
		list = append(list, g)
	}
	return to, list, true
}

// raise treats volumes that are too small for a pipette as `below_minimum` says.
func (b *formulate) raise(x *expansion, to []target, list []ingredient, f *program.Frame) {
	least, n := x.least(&b.keys), 0
	var names []string
	for i := range to {
		before := n
		for k := range list {
			g := &list[k]
			if g.volumes[i] <= 0 || g.volumes[i] >= least {
				continue
			}
			now := int64(0)
			if b.below == "round_up" {
				now = least
			}
			if b.total != nil {
				other := b.gives(list, i, k, now-g.volumes[i])
				if other < 0 {
					continue // the rules say that it is too little
				}
				list[other].volumes[i] -= now - g.volumes[i]
			}
			if n++; n <= maxNamed {
				names = append(names, quantity.Volume.Text(g.volumes[i])+" of "+g.name+" into "+x.deck.WellName(to[i].well))
			}
			g.volumes[i] = now
		}
		if n > before && b.target != nil {
			b.hold(x, to[i], list, i)
		}
	}
	if n == 0 {
		return
	}
	if n > maxNamed {
		names = append(names, itoa(n-maxNamed)+" more")
	}
	text := "left out, because it is too little for the pipette: "
	if b.below == "round_up" {
		text = "raised to " + quantity.Volume.Text(least) + ", because it is too little for the pipette: "
	}
	x.emit(program.Op{Kind: program.Comment, Well: program.None}, text+strings.Join(names, ", "), f, nil)
}

// gives is which ingredient of a well makes up for a change of another: the
// diluent, which is the last, or else the largest; -1 where none has as much.
func (b *formulate) gives(list []ingredient, well, changed int, more int64) int {
	last := len(list) - 1
	if changed != last && list[last].volumes[well] >= more {
		return last
	}
	best := -1
	for k := range list {
		if v := list[k].volumes[well]; k != changed && v >= more && v > 0 && (best < 0 || v > list[best].volumes[well]) {
			best = k
		}
	}
	return best
}

// least is the smallest volume that the pipettes of a step can move.
func (x *expansion) least(k *keys) int64 {
	switch {
	case k.pipette.index >= 0:
		return x.deck.Pipettes[k.pipette.index].Model.MinNL
	case x.crew.n > 0:
		return x.deck.Pipettes[x.crew.pip].Model.MinNL
	}
	least := int64(0)
	for i := range x.deck.Pipettes {
		if m := x.deck.Pipettes[i].Model.MinNL; least == 0 || m < least {
			least = m
		}
	}
	return least
}
