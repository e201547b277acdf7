package interpreter

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// dose is what a formulation gives of one liquid: a transfer, which finds its own
// pipette where none is named.
type dose struct {
	*keys
	of      *ingredient
	to      []target
	labels  []string // of to; nil where there is one
	first   int      // which well of the ingredient the first of to is
	columns bool     // the wells are those of a pipette that was chosen for all
}

// dose carries out a dose.
func (x *expansion) dose(d *dose, f *program.Frame) {
	if x.halted() || !slices.ContainsFunc(d.of.volumes[d.first:d.first+len(d.to)], func(nl int64) bool { return nl != 0 }) {
		return
	}
	if x.multi && !d.columns {
		x.liquidStep(d, f)
		return
	}
	d.expand(x, f)
}

func (d *dose) expand(x *expansion, f *program.Frame) {
	x.pairs = x.pairs[:0]
	if x.crew.n > 1 && !d.columns {
		if !d.gather(x) {
			return
		}
	} else {
		for i := range d.to {
			x.pairs = append(x.pairs, d.pair(x, i))
		}
	}
	if x.crew.n > 0 || x.trial != nil || d.pipette.index >= 0 || d.tip.use == "current" || len(x.deck.Pipettes) < 2 {
		x.move(job{k: d.keys, pairs: x.pairs}, f)
		return
	}
	d.bySize(x, f)
}

func (d *dose) pair(x *expansion, i int) pair {
	g, k := d.of, d.first+i
	p := pair{from: g.from[k%len(g.from)], to: d.to[i].well, volume: g.volumes[k], label: g.name, toExpr: d.to[i].expr, volExp: g.expr}
	if d.labels != nil && p.volume > 0 {
		p.label += "." + d.labels[i]
	}
	return p
}

// gather makes the pairs columns, for a pipette with several channels.
func (d *dose) gather(x *expansion) bool {
	x.from, x.to, x.volumes = append(x.from[:0], d.of.from...), append(x.to[:0], d.to...), x.volumes[:0]
	for i := range d.to {
		x.volumes = append(x.volumes, amount{d.of.volumes[d.first+i], d.of.expr})
	}
	if !x.gatherSources() || !x.gatherTargets() || !x.gatherVolumes() {
		return false
	}
	labels := x.destinationLabels(x.to)
	part := dose{d.keys, &ingredient{name: d.of.name, liquid: d.of.liquid, from: x.from, expr: d.of.expr}, x.to, labels, 0, true}
	for i := range x.to {
		part.of.volumes = append(part.of.volumes, x.volumes[min(i, len(x.volumes)-1)].volume)
	}
	for i := range x.to {
		x.pairs = append(x.pairs, part.pair(x, i))
	}
	return true
}

// bySize gives each volume with the pipette that does it in the fewest cycles,
// first all those of one pipette and then those of the other, so that a tip can
// go on.
func (d *dose) bySize(x *expansion, f *program.Frame) {
	all := x.pairs
	groups := make([][]pair, len(x.deck.Pipettes))
	var order []int
	for i := range all {
		if all[i].volume == 0 {
			continue
		}
		x.blamePair(&all[i])
		x.job = job{k: d.keys, pairs: all[i : i+1]}
		pip, ok := x.choose(&x.job)
		if !ok {
			return
		}
		if len(groups[pip]) == 0 {
			order = append(order, pip)
		}
		groups[pip] = append(groups[pip], all[i])
	}
	for _, pip := range order {
		x.job = job{k: d.keys, pairs: groups[pip]}
		x.moveWith(pip, f)
	}
}
