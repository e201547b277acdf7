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
	return &fillUp{p.route(b.From, b.To, b.UpTo), p.keys(&b.LiquidKeys, "once")}
}

func (b *fillUp) expand(x *expansion, f *program.Frame) {
	from, to, upTo, ok := x.places(&b.route)
	if !ok {
		return
	}
	pairs, ok := x.pair(from, to, upTo, &b.route, len(to) > 1 || len(from) == 1)
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
		held, ok := x.holds(p)
		if !ok {
			return
		}
		missing := max(0, p.volume-held-coming[p.to])
		if missing == 0 {
			if full++; full <= maxNamed {
				names = append(names, x.deck.WellName(p.to)+" ("+quantity.Volume.Text(held+coming[p.to])+")")
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

// holds is what the destination of a pair holds. Where that is not known, it
// is reported.
func (x *expansion) holds(p *pair) (int64, bool) {
	c, ok := x.state.Content(p.to)
	if !ok {
		return 0, true // the rules say that it is no well
	}
	if !c.Unknown {
		return c.Volume, true
	}
	name := x.deck.WellName(p.to)
	x.addAt(p.toExpr, diag.Diagnostic{
		Code: diag.Undecidable, Message: "how much is missing in " + name + " cannot be known: what stands in it was declared without an amount",
		Help: "say how much: liquids: {" + x.deck.Liquids[c.Of].Name + ": {in: …, volume: 100 uL}}",
	})
	return 0, false
}
