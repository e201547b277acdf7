package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// The liquids before the first step: where they stand, and how much of them.

func (x *expansion) liquids() {
	x.declared = make([][]int16, len(x.deck.Labware))
	x.filled = make([]refillable, len(x.p.liquids))
	for i := range x.p.liquids {
		l := &x.p.liquids[i]
		out := &x.deck.Liquids[i]
		for _, e := range l.in {
			if v, ok := x.eval(e); ok {
				out.Wells = append(out.Wells, v.Wells(x.deck)...)
			}
		}
		x.declare(i)
		out.VolumeNL = x.liquidVolumes(l, len(out.Wells))
		x.checkFill(l, out)
		x.filled[i] = x.refillOf(l, out)
		x.refills = x.refills || x.filled[i].upTo > 0
		x.contents(l, out)
		if l.tip != nil {
			out.Tip, _ = x.well(l.tip)
			x.checkLiquidTip(l, out)
		}
	}
}

func (x *expansion) liquidVolumes(l *liquid, n int) []int64 {
	var volumes []int64
	for _, e := range l.volumes {
		v, ok := x.eval(e)
		if !ok {
			return fill(nil, n, -1)
		}
		if v.Kind() != eval.List {
			volumes = append(volumes, v.Quantity().N)
			continue
		}
		for _, item := range v.List() {
			volumes = append(volumes, item.Quantity().N)
		}
	}
	switch {
	case len(volumes) == 0:
		return fill(nil, n, -1)
	case len(volumes) == 1:
		return fill(nil, n, volumes[0])
	case len(volumes) != n:
		x.add(diag.Diagnostic{
			Code: diag.ListsDoNotPair, Span: l.decl.Volume.Span,
			Message: l.decl.Name.Value + " stands in " + count(n, "well") + " and has " + count(len(volumes), "volume"), Help: "write one volume for all, or one per well",
		})
		return fill(nil, n, -1)
	}
	return volumes
}

func fill(out []int64, n int, v int64) []int64 {
	for range n {
		out = append(out, v)
	}
	return out
}

// declare notes where a liquid stands. What stands there twice is reported.
func (x *expansion) declare(i int) {
	decl := x.p.liquids[i].decl
	for _, w := range x.deck.Liquids[i].Wells {
		if x.deck.Labware[w.Labware].Def.IsTipRack {
			x.add(diag.Diagnostic{Code: diag.NoLiquidHere, Span: decl.In.Span, Message: x.deck.WellName(w) + " is a place for a tip and cannot hold " + decl.Name.Value, Help: "name wells of a plate, a rack of tubes or a reservoir"})
			x.stuck = true
		}
		of := x.declared[w.Labware]
		if of == nil {
			of = make([]int16, len(x.deck.Labware[w.Labware].Def.Wells))
			x.declared[w.Labware] = of
		}
		switch j := int(of[w.Well]) - 1; j {
		case -1:
			of[w.Well] = int16(i + 1)
		case i:
			x.add(diag.Diagnostic{Code: diag.TwoLiquids, Span: decl.In.Span, Message: x.deck.WellName(w) + " is named twice for " + decl.Name.Value, Help: "name each well once"})
		default:
			x.add(diag.Diagnostic{
				Code: diag.TwoLiquids, Span: decl.In.Span, Message: x.deck.WellName(w) + " is declared twice: for " + x.deck.Liquids[j].Name + " and for " + decl.Name.Value,
				Related: []diag.Related{{Span: x.p.liquids[j].decl.In.Span, Message: x.deck.Liquids[j].Name + " is declared here"}}, Help: "a well holds one liquid before the run; give each its own",
			})
		}
	}
}

func (x *expansion) checkFill(l *liquid, out *program.Liquid) {
	for i, w := range out.Wells {
		v := out.VolumeNL[i]
		if v < -1 {
			x.add(diag.Diagnostic{Code: diag.BadVolume, Span: l.decl.Volume.Span, Message: "the volume of " + out.Name + " is negative", Help: "write how much stands in each well"})
			out.VolumeNL[i] = 0
		}
		if most := x.deck.Well(w).MaxNL; v > most {
			x.add(diag.Diagnostic{
				Code: diag.Overflow, Span: l.decl.Volume.Span,
				Message: x.deck.WellName(w) + " cannot hold " + quantity.Volume.Text(v) + " of " + out.Name, Label: "holds at most " + quantity.Volume.Text(most), Help: "lower the volume, or use a larger labware",
			})
		}
	}
}

func (x *expansion) checkLiquidTip(l *liquid, out *program.Liquid) {
	if out.Distinct && len(out.Wells) > 1 {
		x.addAt(l.tip, diag.Diagnostic{
			Code: diag.TipRule, Message: "one tip would serve all wells of " + out.Name + ", which are distinct",
			Help: "leave `tip` out here, and give steps tip: per_source; or tip: {from: a rack, match: source}, which keeps a tip for each",
		})
		return
	}
	if out.Tip == program.None || x.deck.Labware[out.Tip.Labware].Def.IsTipRack {
		return
	}
	x.addAt(l.tip, diag.Diagnostic{Code: diag.NotATipRack, Message: x.deck.WellName(out.Tip) + " is not a place of a tip rack", Help: "name a place of a tip rack, such as tips.A1"})
	out.Tip = program.None
}
