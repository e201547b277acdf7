package interpreter

import (
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// fillUp brings wells up to a volume: transfers of what is missing.
type fillUp struct {
	route // its volumes are what the wells are to hold
	keys
}

func (p *preparer) fill(b *spec.Fill) body {
	return &fillUp{p.route(b.From, b.To, b.UpTo, alone, &b.Order), p.keys(&b.LiquidKeys, "once")}
}

func (b *fillUp) expand(x *expansion, f *program.Frame) {
	pairs, ok := x.pairsOf(&b.route)
	if !ok {
		return
	}
	full := 0
	var names []string
	coming := map[program.WellRef]int64{} // to wells that are named twice
	for i := range pairs {
		p := &pairs[i]
		if !x.notNegative(p.volume, p.volExp) {
			return
		}
		missing, ok := x.lacking(p, coming[p.to])
		if !ok {
			return
		}
		if missing == 0 {
			if full++; full <= maxNamed {
				names = append(names, x.deck.WellName(p.to))
			}
		}
		p.volume = missing
		coming[p.to] += missing
	}
	if full > 0 {
		if full > maxNamed {
			names = append(names, itoa(full-maxNamed)+" more")
		}
		x.emit(program.Op{Kind: program.Comment, Well: program.None}, "nothing to fill up: "+strings.Join(names, ", "), f, nil)
	}
	x.move(job{k: &b.keys, pairs: pairs}, f)
}

// maxNamed bounds how many wells a message names.
const maxNamed = 8

// lacking is how much each channel gives so that the destination of a pair
// holds its volume; coming is what each gives there before. What is not known,
// or not the same for all channels, is reported.
func (x *expansion) lacking(p *pair, coming int64) (int64, bool) {
	wells := []int16{p.to.Well}
	if x.crew.n > 1 {
		wells, _ = x.reach(p.to)
	}
	same := int64(1) // channels in one well
	if len(wells) > 1 && wells[0] == wells[len(wells)-1] {
		same, wells = int64(len(wells)), wells[:1]
	}
	least := int64(-1)
	for _, w := range wells {
		r := program.WellRef{Labware: p.to.Labware, Well: w}
		c, ok := x.state.Content(r)
		if !ok {
			return p.volume, true // the rules say that it is no well
		}
		if c.Unknown {
			x.addAt(p.toExpr, diag.Diagnostic{
				Code: diag.Undecidable, Message: "how much is missing in " + x.deck.WellName(r) + " cannot be known: what stands in it was declared without an amount",
				Help: "say how much: liquids: {" + x.deck.LiquidName(c.Of) + ": {in: …, volume: 100 uL}}",
			})
			return 0, false
		}
		missing := max(0, p.volume-c.Volume)
		if rest := missing % same; rest != 0 {
			x.addAt(p.toExpr, diag.Diagnostic{
				Code: diag.NotAColumn, Message: x.deck.Pipettes[x.crew.pip].Name + " gives the same with each of " + itoa(int(same)) + " channels, and what " + x.deck.WellName(r) + " lacks, " + quantity.Volume.Text(missing) + ", is no multiple of that: " + quantity.Volume.Text(rest) + " would stay away",
				Help: "use a single-channel pipette, or one nozzle: nozzles: H1",
			})
			return 0, false
		}
		v := max(0, missing/same-coming)
		if least >= 0 && v != least {
			x.addAt(p.toExpr, diag.Diagnostic{
				Code:    diag.NotAColumn,
				Message: x.deck.Pipettes[x.crew.pip].Name + " moves the same volume with all channels, and the wells of one column lack " + quantity.Volume.Text(least) + " and " + quantity.Volume.Text(v),
				Help:    "use a single-channel pipette, or one nozzle: nozzles: H1",
			})
			return 0, false
		}
		least = v
	}
	return least, true
}
