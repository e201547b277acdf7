package interpreter

import (
	"math"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// dilute makes dilution series: diluent into all wells but the first, and then
// a part carried on from well to well, so that all are left with the same.
type dilute struct {
	in              []*eval.Expr
	listed          bool // written as a list: each item is a place of the series
	factor, volume  *eval.Expr
	diluent         []*eval.Expr
	blanks, discard *eval.Expr
	keys                 // of what is carried on, with its mixing
	wet             keys // of the diluent
	away            keys // of what is discarded
}

func (p *preparer) dilute(b *spec.Dilute) body {
	if b.Dispense.Mix.Set {
		p.fail(diag.NoEffect, b.Dispense.Mix.Span, "a dilution mixes as `mix` says, after each well", "write it there: dilute: {…, mix: 3 x 50 uL}")
	}
	out := &dilute{
		in: p.exprs(b.In), listed: b.In.Many, factor: p.expr(b.Factor), volume: p.expr(b.Volume), diluent: p.exprs(b.Diluent),
		blanks: p.expr(b.Blanks), discard: p.place(b.Discard, "trash"), keys: p.keys(&b.LiquidKeys, "once"),
	}
	out.wet, out.away = out.keys, out.keys
	if out.tip.use != "current" {
		out.wet.tip = tipRule{use: "once", span: out.tip.span}
	}
	off := group{set: true, none: true}
	out.wet.dispense.mix, out.wet.aspirate.mix = mixing{group: off}, mixing{group: off}
	out.away.dispense.mix, out.away.dispense.touch = mixing{group: off}, touching{group: off}
	if out.discard == nil {
		out.away.blow = blowing{group: off} // into the trash, which empties the tip anyway
	}
	mix := b.Mix
	if !mix.Set && out.volume != nil {
		mix = p.usualMix(b)
	}
	out.dispense.mix = p.mixing(&mix)
	for _, k := range []*keys{&out.keys, &out.wet, &out.away} {
		k.settle()
	}
	return out
}

// usualMix is 3 times half of what a well is left with, within what every
// pipette that may do it can draw.
func (p *preparer) usualMix(b *spec.Dilute) spec.Mixing {
	least, most := int64(0), int64(math.MaxInt32)
	for i := range p.p.deck.Pipettes {
		d := &p.p.deck.Pipettes[i]
		if d.Model == nil || b.Pipette.IsSet() && d.Name != b.Pipette.Value {
			continue
		}
		least, most = max(least, d.Model.MinNL), min(most, d.Model.MaxNL)
		for _, rack := range d.Racks {
			if def := p.p.deck.Labware[rack].Def; def != nil && len(def.Wells) > 0 {
				most = min(most, def.Wells[0].MaxNL)
			}
		}
	}
	at := b.Volume.Whole()
	text := "min(max((" + b.Volume.Text + ") / 2, " + strconv.FormatInt(least, 10) + " nL), " + strconv.FormatInt(most, 10) + " nL)"
	return spec.Mixing{
		Set: true, Short: true,
		Times:  spec.Expr{Scalar: spec.TextFrom(at, "3"), Want: spec.WantInteger},
		Volume: spec.Expr{Scalar: spec.TextFrom(at, text), Want: spec.WantVolume},
	}
}

func (b *dilute) expand(x *expansion, f *program.Frame) {
	places, ok0 := x.series(b)
	factor, ok1 := x.eval(b.factor)
	v, ok2 := x.quantity(b.volume, 0)
	blanks, ok3 := x.eval1(b.blanks)
	from, ok4 := x.sources(b.diluent)
	if !ok0 || !ok1 || !ok2 || !ok3 || !ok4 || !x.volumeOK(v, b.volume) {
		return
	}
	cannot := func(e *eval.Expr, message, help string) {
		x.addAt(e, diag.Diagnostic{Code: diag.CannotDilute, Message: message, Help: help})
	}
	last := len(places) - 1 - int(blanks) // the last well that is mixed
	switch {
	case factor.Float() <= 1:
		cannot(b.factor, "a factor of "+factor.String()+" dilutes nothing", "write a number above 1, such as 2")
		return
	case blanks < 0 || last < 1:
		cannot(b.in[0], "a dilution needs two wells or more beside the blanks, and these are "+itoa(len(places)-int(max(blanks, 0))), "name the wells in the order of the dilution")
		return
	case len(from) != 1:
		cannot(b.diluent[0], "a dilution has one diluent, and these are "+itoa(len(from))+" places", onePool)
		return
	}
	carry := int64(math.Round(float64(v) / (factor.Float() - 1)))
	source := source{from[0].wells, from[0].liquid, from[0].expr}
	if !b.ready(x, places, last, v, carry) {
		return
	}
	x.pairs = x.pairs[:0]
	for i := 1; i < len(places); i++ {
		for _, t := range places[i] {
			x.pairs = append(x.pairs, pair{from: source, to: t.well, volume: v, toExpr: t.expr, volExp: b.volume})
		}
	}
	x.labelPairs(x.pairs, true)
	x.move(job{k: &b.wet, pairs: x.pairs}, x.newFrame(f, "diluent"))
	out := target{well: program.None, expr: b.in[0]}
	if b.discard != nil {
		var ok bool
		if out.well, ok = x.well(b.discard); !ok {
			return
		}
		out.expr = b.discard
	}
	for k := range places[0] {
		if x.halted() {
			return
		}
		if b.tip.use != "current" {
			x.changeTip()
		}
		b.carryOn(x, f, places, k, last, carry, out)
	}
}

// carryOn carries out one series of a dilution.
func (b *dilute) carryOn(x *expansion, f *program.Frame, places [][]target, k, last int, carry int64, out target) {
	if len(places[0]) > 1 {
		f = x.newFrame(f, x.deck.Well(places[0][k].well).Name)
	}
	step := func(from, to target) pair {
		return pair{from: x.sourceAt(from), to: to.well, volume: carry, toExpr: to.expr, volExp: b.volume}
	}
	x.pairs = x.pairs[:0]
	for i := range last {
		x.pairs = append(x.pairs, step(places[i][k], places[i+1][k]))
	}
	x.labelPairs(x.pairs, true)
	x.move(job{k: &b.keys, pairs: x.pairs}, f)
	x.pairs = append(x.pairs[:0], step(places[last][k], out))
	x.pairs[0].label = "discard"
	x.move(job{k: &b.away, pairs: x.pairs}, f)
}

// sourceAt is a well as a place to draw from.
func (x *expansion) sourceAt(t target) source {
	return source{[]program.WellRef{t.well}, x.liquidIn(t.well), t.expr}
}

// series evaluates the places of a dilution, each with a well for every series.
// A pipette with several channels does all rows at once.
func (x *expansion) series(b *dilute) ([][]target, bool) {
	var places [][]target
	switch {
	case b.listed:
		for i := range b.in {
			place, ok := x.targets(b.in[i : i+1])
			if !ok {
				return nil, false
			}
			places = append(places, slices.Clone(place))
		}
	case x.crew.n > 1:
		all, ok := x.targets(b.in)
		if !ok {
			return nil, false
		}
		for _, t := range all {
			places = append(places, []target{t})
		}
	default:
		v, ok := x.eval(b.in[0])
		if !ok {
			return nil, false
		}
		items := []eval.Value{}
		if v.Kind() == eval.List {
			items = v.List()
		} else {
			for _, w := range v.Wells(x.deck) {
				items = append(items, eval.WellValue(x.deck, w))
			}
		}
		for _, item := range items {
			var place []target
			for _, w := range item.Wells(x.deck) {
				place = append(place, target{w, b.in[0]})
			}
			places = append(places, place)
		}
	}
	for i, place := range places {
		if len(place) != len(places[0]) {
			x.addAt(b.in[min(i, len(b.in)-1)], diag.Diagnostic{
				Code: diag.CannotDilute, Message: "a dilution goes from " + count(len(places[0]), "well") + " to " + count(len(place), "well"),
				Help: "name single wells, or columns of the same length",
			})
			return nil, false
		}
	}
	return places, true
}

// ready reports a first well that holds too little, and wells that are not
// empty.
func (b *dilute) ready(x *expansion, places [][]target, last int, v, carry int64) bool {
	ok := true
	for i := range places {
		for _, t := range places[i] {
			well, c := x.worst(t.well, i == 0)
			if c == nil {
				continue
			}
			name := x.deck.WellName(well)
			d, v, carry := diag.Diagnostic{Code: diag.CannotDilute}, v, carry
			if x.crew.n > 1 && x.isWide(t.well) {
				v, carry = v*int64(x.crew.n), carry*int64(x.crew.n)
			}
			switch {
			case i == 0 && c.Volume < v+carry:
				d.Message = name + " holds " + quantity.Volume.Text(c.Volume) + ", which is " + quantity.Volume.Text(v+carry-c.Volume) + " too little to begin a dilution"
				d.Help = "it takes " + quantity.Volume.Text(v+carry) + ": " + quantity.Volume.Text(v) + " are left in it, and " + quantity.Volume.Text(carry) + " are carried on"
			case i > 0 && c.Volume > 0:
				d.Message = name + " holds " + quantity.Volume.Text(c.Volume) + " already, so that the dilution would go wrong"
				d.Help = "the wells behind the first must be empty; the step gives the diluent itself"
			default:
				continue
			}
			x.addAt(t.expr, d)
			ok = false
		}
	}
	return ok
}

// worst is the well of those the channels are in that holds the least, or the
// most; nil where none has a known amount.
func (x *expansion) worst(w program.WellRef, least bool) (program.WellRef, *program.Content) {
	wells := []int16{w.Well}
	if x.crew.n > 1 {
		wells, _ = x.reach(w)
	}
	var out *program.Content
	at := w
	for _, i := range wells {
		r := program.WellRef{Labware: w.Labware, Well: i}
		c, ok := x.state.Content(r)
		if ok && !c.Unknown && (out == nil || (c.Volume < out.Volume) == least && c.Volume != out.Volume) {
			at, out = r, c
		}
	}
	return at, out
}

// eval1 evaluates a whole number that need not be written; then it is 0.
func (x *expansion) eval1(e *eval.Expr) (int64, bool) {
	if e == nil {
		return 0, true
	}
	v, ok := x.eval(e)
	if !ok {
		return 0, false
	}
	return v.Int(), true
}
