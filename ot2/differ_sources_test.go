package ot2_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Liquid steps are drawn in which it matters what is drawn from: pools, tips
// that go with their source, and formulate by tables and concentrations.

func drawSourceCall(seed uint64, n int) *call {
	d := &drawer{Rand: rand.New(rand.NewPCG(seed, 3<<32+uint64(n))), c: &call{}}
	if d.c.Bench = d.IntN(4); n%3 == 2 {
		d.c.Bench = 4 + d.IntN(3)
	}
	d.c.Mount = pick(d, "left", "right")
	d.min, d.max = d.c.limits()
	d.columns = strings.Contains(benches[d.c.Bench].on(d.c.Mount).pipette, "multi")
	st := &step{}
	switch n % 9 {
	case 0:
		d.dedicated(st)
	case 1:
		d.named(st)
	case 2, 3:
		d.pooled(st)
	case 4:
		d.table(st)
	case 5:
		d.target(st)
	case 6:
		d.oneSided(st)
	case 7:
		d.someNozzles(st)
	case 8:
		d.discarded(st)
	}
	d.c.Do = append(d.c.Do, verb{Step: st})
	return d.c
}

// dedicated: every liquid has a tip of its own, which goes back.
func (d *drawer) dedicated(st *step) {
	st.Kind = pick(d, "transfer", "transfer", "distribute", "consolidate", "formulate", "fill")
	switch st.Kind {
	case "formulate":
		d.formulation(st)
	case "fill":
		d.fill(st)
	default:
		d.pairing(st)
		if st.Kind == "consolidate" {
			st.From = st.From[:1] // several tips for one filling are refused
			st.Volume = st.Volume[:1]
		}
		for _, w := range st.From {
			d.known(w, 0)
		}
		d.knownToo(st.To)
	}
	for i := range d.c.Holds {
		if d.columns {
			d.c.Holds[i].Tip = fmt.Sprintf("A%d", 12-i)
		} else {
			d.c.Holds[i].Tip = fmt.Sprintf("%c12", 'H'-rune(i))
		}
	}
	st.Tip.Use = "dedicated"
}

// knownToo says that there is something in wells, however much.
func (d *drawer) knownToo(wells []string) {
	for _, w := range wells {
		if !slices.ContainsFunc(d.c.Holds, func(f filled) bool { return f.Well == w }) {
			d.known(w, 0)
		}
	}
}

// named: every source has the tip of its name.
func (d *drawer) named(st *step) {
	st.Kind = "transfer"
	d.pairing(st)
	for i, w := range d.clean(len(st.From), "S") {
		st.From[i] = w
	}
	st.Tip = tipping{Same: true, Then: pick(d, "", "return", "return", "trash")}
	d.taking(st)
}

// pooled: a pool is drained well by well.
func (d *drawer) pooled(st *step) {
	st.Kind = pick(d, "transfer", "distribute", "fill")
	wells := d.clean(2+d.IntN(2), "S")
	to := d.clean(2+d.IntN(6), "D")
	st.From, st.To = wells[:1], to
	sum, most := 0.0, 0.0
	for range pick(d, 1, len(to)) {
		st.Volume = append(st.Volume, d.half(d.min, min(1.5*d.max, 500)))
	}
	for i := range to {
		v := st.Volume[i%len(st.Volume)]
		sum, most = sum+v, max(most, v)
	}
	d.c.Holds = []filled{{Well: wells[0], More: wells[1:], Volume: sum/float64(len(wells)) + most + 8*d.min}}
	for d.c.Holds[0].Volume > 1900 { // of the 2000 that a well holds
		for i := range st.Volume {
			st.Volume[i] = max(d.min, float64(int(st.Volume[i])/2))
		}
		d.c.Holds[0].Volume /= 2
	}
	d.c.Holds[0].Volume = float64(int(d.c.Holds[0].Volume))
	st.Split = pick(d, "", "even", "even_last_two", "full_then_rest")
	d.sides(st)
	st.Draw.Mix, st.Draw.Reverse, st.Give.Mix = nil, 0, nil // of which a well may hold too little
	if st.Blow != nil {
		st.Blow.In = "trash"
		st.Blow.At = nil
	}
	st.Tip.Use = pick(d, "", "new", "per_source", "per_destination")
	if st.Kind == "distribute" && st.Tip.Use == "per_destination" {
		st.Tip.Use = "new"
	}
}

// table: a recipe for every well.
func (d *drawer) table(st *step) {
	st.Kind = "formulate"
	d.formulation(st)
	st.Rows = true
	for i := range st.Recipe {
		p := &st.Recipe[i]
		for range st.To {
			v := p.Volume
			if d.oneIn(2) {
				v = pick(d, 0, d.min, d.half(d.min, max(d.min, p.Volume)))
			}
			if st.Give.Mix != nil && v > 0 {
				st.Give.Mix.Volume = min(st.Give.Mix.Volume, v)
			}
			p.Each = append(p.Each, v)
		}
	}
	d.tipping(st)
}

// target: one component to one concentration, out of one stock, or out of
// samples that differ.
func (d *drawer) target(st *step) {
	st.Kind = "formulate"
	st.To = d.clean(1+d.IntN(4), "D")
	st.Target = 10
	st.Total = 40 * float64(1+d.IntN(8))
	for st.Total/10 < d.min {
		st.Total *= 2
	}
	if d.oneIn(2) && !d.columns {
		st.From = d.clean(len(st.To), "S")
	}
	strong := func() float64 { return pick(d, 20.0, 25, 40, 50, 80, 100) }
	for _, w := range st.From {
		d.c.Holds = append(d.c.Holds, filled{Well: w, Strong: strong()})
	}
	if st.From == nil {
		d.c.Holds = append(d.c.Holds, filled{Well: d.clean(1, "S")[0], Strong: strong()})
	}
	st.Rest = d.clean(1, "R")[0]
	d.known(st.Rest, 0)
	if d.oneIn(3) {
		st.Order = []string{"by_well"}
	}
	d.sides(st)
	st.Give.Mix = nil
	d.tipping(st)
}

// oneSided: only some sides of the wells are touched.
func (d *drawer) oneSided(st *step) {
	st.Kind = "transfer"
	d.pairing(st)
	sides := []string{"left", "right", "front", "back"}
	d.Shuffle(4, func(i, k int) { sides[i], sides[k] = sides[k], sides[i] })
	for _, s := range []*side{&st.Draw, &st.Give} {
		if s.Touch = nil; d.oneIn(4) {
			continue
		}
		s.Touch = d.touching()
		s.Touch.Sides = sides[:1+d.IntN(3)]
	}
	wells := slices.Concat(st.From, st.To)
	if slices.ContainsFunc(wells, func(w string) bool { return w[0] == 'R' }) {
		st.Draw.Touch, st.Give.Touch = nil, nil
	}
	d.tipping(st)
}

// discarded: into the trash.
func (d *drawer) discarded(st *step) {
	st.Kind = pick(d, "transfer", "transfer", "consolidate")
	st.From = d.clean(1+d.IntN(5), "S", "D", "R")
	for range pick(d, 1, len(st.From)) {
		st.Volume = append(st.Volume, d.half(d.min, d.max/2))
	}
	if st.Kind == "transfer" && d.oneIn(3) {
		st.Volume[0] = d.half(d.max, 3*d.max)
	}
	st.Split = pick(d, "", "even", "even_last_two", "full_then_rest")
	d.sides(st)
	st.To, st.Give, st.Blow, st.Draw.Reverse = []string{""}, side{}, nil, 0
	if st.Kind == "consolidate" {
		st.Draw.Mix = nil
	}
	st.Tip = tipping{Use: pick(d, "", "new", "per_destination"), Then: pick(d, "", "return")}
}

// someNozzles: what goes by volumes, with one nozzle of eight.
func (d *drawer) someNozzles(st *step) {
	if d.c.Bench < 4 {
		d.c.Bench = 4 + d.IntN(3)
		d.min, d.max = d.c.limits()
	}
	d.c.Nozzles, d.columns = pick(d, "H1", "A1"), false
	switch st.Kind = pick(d, "fill", "dilute", "formulate"); st.Kind {
	case "fill":
		d.fill(st)
		d.c.Holds = d.c.Holds[:1] // a comment on those that are full comes before the nozzles
	case "dilute":
		d.dilution(st)
	case "formulate":
		d.formulation(st)
	}
	st.Tip.Use = pick(d, "", "new", "per_source", "per_destination")
}
