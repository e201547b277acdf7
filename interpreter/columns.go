package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Pipettes with several channels. What is asked of a liquid step is asked per
// well; such a pipette does the wells of a column in one go. So the lists of
// wells become lists of the wells that the primary nozzle goes to, before they
// are paired, and from there on a pipette is a pipette.

// crew is the pipette that a liquid step works with, where a pipette with
// several channels is mounted. A crew of no channels is one that is chosen later,
// among those with one.
type crew struct {
	pip     int
	nozzles program.Nozzles
	n       int  // channels that have a tip
	listed  bool // a column counts only where all of its wells are named
}

// trial is a step that is looked at with one of several pipettes, without being
// done.
type trial struct {
	failed bool
	cycles int
}

// liquidBody is the body of a step that chooses pipette and tip by itself.
type liquidBody interface {
	body
	liquidKeys() *keys
	divides() bool // into parts that choose for themselves
}

func (k *keys) liquidKeys() *keys { return k }
func (k *keys) divides() bool     { return false }

// single is the pipette with one channel that may do a step, or -1.
func (x *expansion) single(k *keys) int {
	out := -1
	for i := range x.deck.Pipettes {
		if !x.deck.IsMulti(i) && !k.nozzles.set {
			out = i
		}
	}
	return out
}

// hasMulti reports whether a pipette with several channels is mounted.
func hasMulti(d *program.Deck) bool {
	return slices.ContainsFunc(d.Pipettes, func(p program.Pipette) bool { return p.Model.Channels > 1 })
}

// layout is which nozzles of a pipette take tips in a step.
func (x *expansion) layout(k *keys, pip int) program.Nozzles {
	switch {
	case !x.deck.IsMulti(pip):
		return program.AllNozzles
	case k.tip.use == "current":
		return x.state.Mounts[pip].Nozzles
	}
	return k.nozzles.of(pip)
}

func (x *expansion) man(k *keys, pip int, listed bool) crew {
	n := x.layout(k, pip)
	return crew{pip, n, x.deck.Pipettes[pip].Model.Active(n), listed}
}

// liquidStep does a liquid step where a pipette with several channels is
// mounted: it finds out which pipette it is for before wells are looked at.
func (x *expansion) liquidStep(b liquidBody, f *program.Frame) {
	k := b.liquidKeys()
	defer func() { x.crew = crew{} }()
	switch {
	case k.pipette.index >= 0:
		x.crew = x.man(k, k.pipette.index, false)
	case k.tip.use == "current" || len(x.deck.Pipettes) == 1:
		pip, ok := x.current(k.pipette)
		if !ok {
			return
		}
		x.crew = x.man(k, pip, false)
	case b.divides() && x.single(k) >= 0:
		// Each of its parts finds its own.
	default:
		x.crew = x.bestCrew(b, f)
	}
	b.expand(x, f)
}

// bestCrew tries a step with every pipette, and returns the one that does it in
// the fewest cycles; of equals the smaller, and of those the one with fewer
// channels. Where one with a single channel is mounted, too, one with several is
// only for whole columns: nobody said that row A stands for more than itself.
func (x *expansion) bestCrew(b liquidBody, f *program.Frame) crew {
	k := b.liquidKeys()
	single := x.single(k)
	best, least := crew{}, -1
	for i := range x.deck.Pipettes {
		if k.nozzles.set && !x.deck.IsMulti(i) {
			continue
		}
		c := x.man(k, i, single >= 0)
		n, ok := x.try(b, f, c)
		if !ok {
			continue
		}
		better := least < 0 || n < least
		if n == least {
			was, is := x.deck.Pipettes[best.pip].Model, x.deck.Pipettes[i].Model
			better = is.MaxNL < was.MaxNL || is.MaxNL == was.MaxNL && c.n < best.n
		}
		if better {
			best, least = c, n
		}
	}
	switch {
	case least >= 0:
		return best
	case single >= 0:
		return x.man(k, single, false)
	}
	for i := range x.deck.Pipettes {
		if x.deck.IsMulti(i) {
			return x.man(k, i, false)
		}
	}
	return crew{}
}

// try counts the cycles of a step with a pipette; ok is false where it cannot
// be done with it.
func (x *expansion) try(b liquidBody, f *program.Frame, c crew) (cycles int, ok bool) {
	t := trial{cycles: -1}
	x.crew, x.trial = c, &t
	b.expand(x, f)
	x.trial = nil
	return t.cycles, !t.failed && t.cycles >= 0
}

// gathered are the columns that a list of wells makes up.
type gathered struct {
	first []int // of each column, the index of the well that was named first
	wells []program.WellRef
	of    []int // the column of each well
	whole bool  // every well of every column was named
	wide  bool  // all of them are single wells in which all channels are
}

// gather makes columns of wells. A column is named by all of its wells, or by
// the one that the primary nozzle goes to; a well that is wide enough for all
// channels is one by itself. What is wrong is reported at the expression of the
// well.
func (x *expansion) gather(wells []program.WellRef, at func(int) *eval.Expr) (gathered, bool) {
	g := gathered{of: make([]int, len(wells)), whole: true, wide: true}
	for i := range g.of {
		g.of[i] = -1
	}
	for i, w := range wells {
		if g.of[i] >= 0 {
			continue
		}
		place, members, why := x.column(wells, g.of, i)
		if why != nil {
			x.addAt(at(i), *why)
			return g, false
		}
		for _, m := range members {
			g.of[m] = len(g.wells)
		}
		wide := x.isWide(w)
		g.wide = g.wide && wide
		g.whole = g.whole && (wide || len(members) == x.crew.n)
		g.first, g.wells = append(g.first, i), append(g.wells, place)
	}
	return g, true
}

// reach is which wells the channels of the crew are in where its primary nozzle
// goes to a well; ok is false where one would be in none.
func (x *expansion) reach(w program.WellRef) (wells []int16, ok bool) {
	wells = x.state.Reach(x.crew.pip, x.crew.nozzles, w)
	return wells, !slices.Contains(wells, -1)
}

// isWide reports whether all channels fit into one well.
func (x *expansion) isWide(w program.WellRef) bool {
	r, ok := x.reach(w)
	return ok && r[0] == r[len(r)-1]
}

// column finds the column that the well i begins: where the primary nozzle goes,
// and which of the wells not yet taken are in it.
func (x *expansion) column(wells []program.WellRef, of []int, i int) (program.WellRef, []int, *diag.Diagnostic) {
	w := wells[i]
	if x.isWide(w) {
		return w, []int{i}, nil
	}
	if r, ok := x.reach(w); ok {
		if members, missing := x.members(wells, of, i, r); len(missing) == 0 {
			return w, members, nil
		}
	}
	var fewest []string // missing of the column that is nearest to whole
	for k := range x.deck.Labware[w.Labware].Def.Wells {
		place := program.WellRef{Labware: w.Labware, Well: int16(k)}
		r, ok := x.reach(place)
		if !ok || !slices.Contains(r, w.Well) {
			continue
		}
		members, missing := x.members(wells, of, i, r)
		if len(missing) == 0 {
			return place, members, nil
		}
		if fewest == nil || len(missing) < len(fewest) {
			fewest = missing
		}
	}
	if r, ok := x.reach(w); ok && !x.crew.listed && x.isAlone(wells, i, r) {
		return w, []int{i}, nil
	}
	return w, nil, x.noColumn(w, fewest, x.someNamed(wells, fewest))
}

// members finds the wells of a column among those not yet taken.
func (x *expansion) members(wells []program.WellRef, of []int, i int, reach []int16) (members []int, missing []string) {
	for _, r := range reach {
		want := program.WellRef{Labware: wells[i].Labware, Well: r}
		k := i
		if want != wells[i] {
			k = -1
			for j, w := range wells {
				if w == want && of[j] < 0 {
					k = j
					break
				}
			}
		}
		if k < 0 {
			missing = append(missing, x.deck.WellName(want))
			continue
		}
		members = append(members, k)
	}
	slices.Sort(missing)
	return members, missing
}

// isAlone reports whether no other well of a column is named.
func (x *expansion) isAlone(wells []program.WellRef, i int, reach []int16) bool {
	for _, w := range wells {
		if w != wells[i] && w.Labware == wells[i].Labware && slices.Contains(reach, w.Well) {
			return false
		}
	}
	return true
}

// someNamed reports whether a well that a column lacks is named, and so is in
// another column.
func (x *expansion) someNamed(wells []program.WellRef, missing []string) bool {
	return slices.ContainsFunc(wells, func(w program.WellRef) bool { return slices.Contains(missing, x.deck.WellName(w)) })
}

// noColumn says why wells make up no column.
func (x *expansion) noColumn(w program.WellRef, missing []string, named bool) *diag.Diagnostic {
	name, pip := x.deck.WellName(w), &x.deck.Pipettes[x.crew.pip]
	d := &diag.Diagnostic{Code: diag.NotAColumn}
	group := "a whole column"
	if x.crew.nozzles != program.AllNozzles {
		group = itoa(x.crew.n) + " wells below each other"
	}
	switch {
	case missing == nil:
		l := &x.deck.Labware[w.Labware]
		d.Code = diag.OffWell
		d.Message = "the " + itoa(x.crew.n) + " channels of " + pip.Name + " do not fit into " + l.Name + ": some would be over no well"
		d.Notes = []string{"its nozzles are 9 mm apart; " + l.Name + " is " + article(l.Def.DisplayName)}
		d.Help = "use a single-channel pipette, or one nozzle: nozzles: H1"
	case named:
		d.Message = pip.Name + " works on " + group + " at once, and " + name + " is left over"
		d.Help = "name wells that divide into such groups, or use a single-channel pipette for the rest"
	case len(missing) == x.crew.n-1:
		d.Message = pip.Name + " works on " + group + " at once, and " + name + " alone stands for none"
		d.Help = "name them all, such as " + x.columnOf(w) + "; or use a single-channel pipette, or one nozzle: nozzles: H1"
	default:
		d.Message = pip.Name + " works on " + group + " at once, and that of " + name + " is not whole"
		d.Label = strings.Join(missing, ", ") + missingVerb(len(missing))
		d.Help = "add what is missing, or use a single-channel pipette for these, or one nozzle: nozzles: H1"
	}
	return d
}

func missingVerb(n int) string {
	if n == 1 {
		return " is missing"
	}
	return " are missing"
}

// columnOf writes wells that the crew can work on, in the column of a well.
func (x *expansion) columnOf(w program.WellRef) string {
	l := &x.deck.Labware[w.Labware]
	if column := l.Def.Columns[x.deck.Well(w).Column-1]; x.crew.nozzles != program.AllNozzles && len(column) == 8 {
		return l.Name + "." + l.Def.Wells[column[0]].Name + ":" + l.Def.Wells[column[x.crew.n-1]].Name
	}
	return x.deck.Labware[w.Labware].Name + ".column(" + itoa(x.deck.Well(w).Column) + ")"
}

// gatherSources makes columns of what liquid is drawn from. The wells of a pool
// are columns that are drained in order.
func (x *expansion) gatherSources() bool {
	x.fromOf = x.fromOf[:0]
	if x.crew.n <= 1 {
		return true
	}
	var singles []program.WellRef
	var at []int
	for i := range x.from {
		if s := &x.from[i]; len(s.wells) == 1 {
			singles, at = append(singles, s.wells[0]), append(at, i)
			continue
		}
		e := x.from[i].expr
		g, ok := x.gather(x.from[i].wells, func(int) *eval.Expr { return e })
		if !ok || !x.mayServe(&g, e) {
			return false
		}
		x.from[i].wells = g.wells
	}
	g, ok := x.gather(singles, func(i int) *eval.Expr { return x.from[at[i]].expr })
	if !ok || len(singles) > 0 && !x.mayServe(&g, x.from[at[0]].expr) {
		return false
	}
	x.fromWhole = len(singles) == len(x.from) && g.whole && !g.wide
	out, k := make([]source, 0, len(x.from)), 0
	for i := range x.from {
		s := x.from[i]
		if len(at) > 0 && slices.Contains(at, i) {
			n := slices.Index(at, i)
			if x.fromOf = append(x.fromOf, g.of[n]); k >= len(g.first) || g.first[k] != n {
				continue
			}
			s.wells = g.wells[k : k+1]
			k++
		}
		out = append(out, s)
	}
	x.from = out
	return true
}

// mayServe refuses, where a pipette is only tried, wells that are neither whole
// columns nor wide.
func (x *expansion) mayServe(g *gathered, e *eval.Expr) bool {
	if x.crew.listed && !g.whole {
		x.addAt(e, diag.Diagnostic{Code: diag.NotAColumn, Message: "no whole columns"})
		return false
	}
	return true
}

// gatherTargets makes columns of what liquid is given to.
func (x *expansion) gatherTargets() bool {
	x.toOf = x.toOf[:0]
	if x.crew.n <= 1 {
		return true
	}
	wells := make([]program.WellRef, len(x.to))
	for i := range x.to {
		wells[i] = x.to[i].well
	}
	g, ok := x.gather(wells, func(i int) *eval.Expr { return x.to[i].expr })
	if !ok || len(wells) > 0 && !x.mayServe(&g, x.to[0].expr) {
		return false
	}
	if x.crew.listed && g.wide && !x.fromWhole && len(wells) > 0 {
		// From one wide well to another, one channel moves the volume once.
		x.addAt(x.to[0].expr, diag.Diagnostic{Code: diag.NotAColumn, Message: "no whole columns"})
		return false
	}
	out := make([]target, len(g.wells))
	for i := range out {
		out[i] = target{g.wells[i], x.to[g.first[i]].expr}
	}
	x.to, x.toOf = out, g.of
	return true
}

// gatherVolumes makes a volume per column of a list with one per well. The
// wells of a column get the same.
func (x *expansion) gatherVolumes() bool {
	of := x.toOf
	if len(of) != len(x.volumes) {
		of = x.fromOf
	}
	if x.crew.n <= 1 || len(x.volumes) < 2 || len(of) != len(x.volumes) {
		return true
	}
	out := make([]amount, 0, len(of))
	for i, v := range x.volumes {
		if of[i] == len(out) {
			out = append(out, v)
			continue
		}
		if first := out[of[i]]; first.volume != v.volume {
			x.addAt(v.expr, diag.Diagnostic{
				Code: diag.NotAColumn, Message: x.deck.Pipettes[x.crew.pip].Name + " moves the same volume with all channels, and the volumes of one column differ: " + quantity.Volume.Text(first.volume) + " and " + quantity.Volume.Text(v.volume),
				Help: "give the wells of a column the same volume, or use a single-channel pipette, or one nozzle: nozzles: H1",
			})
			return false
		}
	}
	x.volumes = out
	return true
}
