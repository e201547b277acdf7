package ot2_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/spec"
)

// Liquid steps of ours are drawn: all their options, alone and together.

func drawStepCall(seed uint64, n int) *call {
	d := &drawer{Rand: rand.New(rand.NewPCG(seed, 2<<32+uint64(n))), c: &call{}}
	if d.c.Bench = d.IntN(4); n%4 == 3 {
		d.c.Bench = 4 + d.IntN(3)
	}
	d.c.Mount = pick(d, "left", "right")
	d.min, d.max = d.c.limits()
	d.columns = strings.Contains(benches[d.c.Bench].on(d.c.Mount).pipette, "multi")
	kind := pick(d, "transfer", "transfer", "transfer", "distribute", "consolidate", "fill", "dilute", "formulate", "mix")
	if d.columns && d.oneIn(6) && kind != "fill" && kind != "dilute" && kind != "formulate" {
		d.c.Nozzles = pick(d, "H1", "A1")
		d.columns = false
	}
	st := &step{Kind: kind}
	switch kind {
	case "fill":
		d.fill(st)
	case "dilute":
		d.dilution(st)
	case "formulate":
		d.formulation(st)
	case "mix":
		d.mixing(st)
	default:
		d.pairing(st)
	}
	d.taking(st)
	d.tipping(st)
	d.c.Do = append(d.c.Do, verb{Step: st})
	if st.Tip.Then == "keep" {
		if d.oneIn(2) {
			d.c.Do = append(d.c.Do, verb{Name: pick(d, "drop_tip", "return_tip")})
		} else {
			next := &step{Kind: "transfer"}
			d.pairing(next)
			for _, w := range next.From {
				if d.c.Holds != nil && d.c.liquid(w) == w {
					d.known(w, 0)
				}
			}
			next.Tip = tipping{Use: "current", Then: pick(d, "trash", "return", "return", "A1")}
			d.c.Do = append(d.c.Do, verb{Step: next})
		}
	}
	return d.c
}

// clean are wells that can be touched, and that eight channels reach.
func (d *drawer) clean(n int, labware ...string) []string {
	was := d.columns
	defer func() { d.columns = was }()
	var out []string
	for len(out) < n {
		w := d.well(pick(d, labware...))
		if d.columns && w[0] != 'R' {
			w = w[:2] + "A" + w[3:]
		}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

func (d *drawer) pairing(st *step) {
	from, to := 1, 1
	switch st.Kind {
	case "transfer":
		switch d.IntN(6) {
		case 0:
			to = 2 + d.IntN(3)
		case 1:
			from = 2 + d.IntN(2)
		case 2:
			from = 2 + d.IntN(2)
			to = from
		case 3:
			from = 2
			to = from * 2
		}
	case "distribute":
		to = 1 + d.IntN(6)
	case "consolidate":
		from = 1 + d.IntN(5)
	}
	st.From, st.To = d.clean(from, "S", "S", "R", "T"), d.clean(to, "D", "D", "D", "T", "R")
	n := 1
	if m := max(from, to); m > 1 && d.oneIn(3) {
		n = m
	}
	for range n {
		v := d.half(d.min, d.max)
		if st.Kind != "transfer" {
			v = d.half(d.min, max(d.min, d.max/4))
		}
		switch {
		case d.oneIn(5):
			v = d.half(d.max, 3*d.max)
		case n > 1 && d.oneIn(8):
			v = 0
		}
		st.Volume = append(st.Volume, v)
	}
	st.Split = pick(d, "", "", "even", "even_last_two", "full_then_rest")
	d.sides(st)
	if st.Kind == "distribute" {
		st.Draw.Reverse = 0
		if d.oneIn(2) {
			v := pick(d, 0, d.min, d.half(d.min, d.max/4))
			st.Spare = &spared{Volume: &v}
		}
		if st.Blow == nil && d.oneIn(2) && (st.Spare == nil || *st.Spare.Volume > 0) {
			if st.Spare == nil {
				st.Spare = &spared{}
			}
			st.Spare.Place = d.blowing("source", "trash", "R.A12")
		}
		if st.Blow != nil && st.Blow.In == "destination" && !d.oneIn(8) {
			st.Blow.In = "source"
		}
	}
	if st.Kind == "consolidate" && st.Blow != nil && st.Blow.In == "source" {
		st.Blow.In = "destination"
	}
}

// sides draws the options of both sides.
func (d *drawer) sides(st *step) {
	for _, s := range []*side{&st.Draw, &st.Give} {
		if d.oneIn(2) {
			s.At = d.place()
		}
		if d.oneIn(2) {
			s.Rate = d.rate()
		}
		if d.oneIn(4) {
			s.Mix = d.stirring()
		}
		if d.oneIn(4) {
			s.Delay = &waited{Seconds: d.half(0.5, 20)}
			if d.oneIn(2) {
				s.Delay.At = d.height()
			}
		}
		if d.oneIn(4) {
			s.Submerge = d.travel()
			s.Submerge.To = nil
		}
		if d.oneIn(4) {
			s.Retract = d.travel()
		}
		if d.oneIn(4) {
			s.AirGap = d.half(d.min, max(d.min, d.max/10))
		}
		if d.oneIn(4) {
			s.Touch = d.touching()
			if slices.ContainsFunc(slices.Concat(st.From, st.To), func(w string) bool { return w[0] == 'R' }) && !d.oneIn(6) {
				s.Touch = nil // it would be refused
			}
		}
	}
	if d.oneIn(4) {
		st.Draw.PreWet = 1 + d.IntN(3)
	}
	if d.oneIn(6) {
		st.Draw.Reverse = d.half(d.min, max(d.min, d.max/5))
	}
	if d.oneIn(6) && st.Kind != "distribute" {
		st.Give.PushOut = d.half(0.5, 1.5)
	}
	if st.Give.Mix != nil {
		st.Give.Mix.EachChunk = d.oneIn(3)
		if !d.oneIn(20) {
			st.Draw.Reverse = 0 // it would be refused
		}
	}
	if st.Kind == "distribute" && !d.oneIn(15) {
		st.Give.Mix = nil
	}
	if st.Kind == "consolidate" && !d.oneIn(15) {
		st.Draw.Mix = nil
	}
	if d.oneIn(3) {
		st.Blow = d.blowing("source", "destination", "trash", "R.A12")
	}
}

func (d *drawer) blowing(places ...string) *blown {
	b := &blown{In: pick(d, places...)}
	if b.In != "trash" && d.oneIn(2) {
		b.At = d.height()
	}
	if d.oneIn(2) {
		b.Rate = d.rate()
	}
	if d.oneIn(3) {
		b.Speed = float64(1+d.IntN(12)) * 25
	}
	return b
}

func (d *drawer) stirring() *mixed {
	x := d.mix()
	x.Times = 1 + d.IntN(3)
	if d.oneIn(2) {
		x.At = d.place()
	}
	if d.oneIn(2) {
		x.Rate = d.rate()
	}
	return x
}

func (d *drawer) height() *place {
	p := d.place()
	if p == nil {
		p = &place{From: "bottom", Z: d.half(1, 20)}
	}
	return p
}

func (d *drawer) travel() *travel {
	t := &travel{Speed: float64(1+d.IntN(20)) * 5}
	if d.oneIn(2) {
		t.Seconds = d.half(0.5, 5)
	}
	if d.oneIn(2) {
		t.To = d.height()
	}
	return t
}

func (d *drawer) touching() *touch {
	t := &touch{}
	if d.oneIn(2) {
		t.At = &place{From: "top", Z: -d.half(0.5, 5)}
	}
	if d.oneIn(2) {
		t.Speed = float64(1 + d.IntN(80))
	}
	if d.oneIn(3) {
		t.Radius = pick(d, 0.5, 0.75, 0.9)
	}
	return t
}

// taking draws an order of wells, where there are several.
func (d *drawer) taking(st *step) {
	ways := spec.WellOrders
	if st.Kind == "dilute" || st.Kind == "formulate" || len(st.Volume) > 1 || len(st.From)+len(st.To) < 3 || d.oneIn(2) {
		return
	}
	st.Take = taking{pick(d, ways...), pick(d, ways...)}
	switch d.IntN(4) {
	case 0:
		st.Take.From = ""
	case 1:
		st.Take.From = st.Take.To
	}
}

// tipping draws which tips are taken, and what becomes of them.
func (d *drawer) tipping(st *step) {
	st.Tip.Use = pick(d, "", "", "once", "new", "new", "per_source", "per_destination")
	switch {
	case st.Kind == "distribute" && st.Tip.Use == "per_destination", st.Kind == "consolidate" && st.Tip.Use == "per_source":
		st.Tip.Use = "new"
	case d.oneIn(12) && st.Kind != "formulate":
		st.Tip.Use = "current"
		d.c.Do = append(d.c.Do, verb{Name: "pick_up_tip"})
		st.Tip.Then = pick(d, "trash", "return")
		return
	}
	if d.oneIn(3) {
		st.Tip.Then = pick(d, "trash", "return", "keep", "A1")
	}
	if d.c.Nozzles != "" && st.Tip.Then == "A1" {
		st.Tip.Then = "return" // which places are empty is hard to say beforehand
	}
	if st.Tip.Then == "keep" {
		st.Give.AirGap = 0 // it is drawn before the tip is put away
	}
	if d.c.Nozzles == "" && d.oneIn(6) && st.Tip.Then != "A1" && st.Tip.Use != "once" && st.Tip.Use != "" {
		st.Tip.From = fmt.Sprintf("A%d", 2+d.IntN(3))
	}
}

// known says what stands in wells; each of the steps that go by it does.
func (d *drawer) known(well string, v float64) {
	d.c.Holds = append(d.c.Holds, filled{Well: well, Volume: v})
}

func (d *drawer) fill(st *step) {
	n := 1 + d.IntN(6)
	st.From, st.To = d.clean(1, "S", "R"), d.clean(n, "D")
	d.known(st.From[0], 0)
	for range pick(d, 1, n) {
		st.Volume = append(st.Volume, d.half(2*d.min, 2*d.max))
	}
	for i, w := range st.To {
		up := st.Volume[i%len(st.Volume)]
		switch d.IntN(4) {
		case 0:
			d.known(w, min(2000, up+d.half(0, d.max/2))) // what a well holds
		case 1, 2:
			if missing := d.half(d.min, up); missing < up {
				d.known(w, up-missing)
			}
		}
	}
	if n > 1 && len(st.Volume) == 1 && d.oneIn(4) {
		st.To = append(st.To, st.To[0]) // named twice
	}
	st.Split = pick(d, "", "even_last_two", "full_then_rest")
	d.sides(st)
	st.Draw.Mix, st.Give.Mix = nil, nil // wells may hold less
}

func (d *drawer) dilution(st *step) {
	n := 2 + d.IntN(4)
	st.To = d.clean(n+1, "D")
	st.From = d.clean(1, "S", "R")
	d.known(st.From[0], 0)
	if n > 2 {
		st.Blanks = pick(d, 0, 0, 1)
	}
	st.Factor = pick(d, 1.5, 2, 2, 3, 5, 1.25)
	v := d.half(d.min*5, max(d.min*5, 1.5*d.max))
	if v/(st.Factor-1) < d.min {
		st.Factor = 2
	}
	for v+v/(st.Factor-1) > 1500 { // of the 2000 that a well holds
		v /= 2
	}
	st.Volume = []float64{v}
	d.known(st.To[0], v+v/(st.Factor-1)+10)
	if d.oneIn(3) {
		st.Mix = d.stirring()
		st.Mix.Volume = d.half(d.min, max(d.min, min(v, d.max)))
	}
	if d.oneIn(3) {
		st.Discard = "R.A12"
	}
	st.Split = pick(d, "", "even_last_two", "full_then_rest")
	d.sides(st)
	st.Give.Mix, st.Draw.Mix, st.Draw.Reverse = nil, nil, 0
}

func (d *drawer) formulation(st *step) {
	wells := d.clean(2+d.IntN(3), "S", "T", "R")
	st.To = d.clean(1+d.IntN(4), "D")
	total := 0.0
	for _, w := range wells {
		d.known(w, 0)
		v := d.half(d.min, min(d.max, 400)) // a well of D holds 2000
		if d.oneIn(6) {
			v = 0
		}
		st.Recipe = append(st.Recipe, ingredient{Liquid: w, Volume: v})
		total += v
	}
	if d.oneIn(2) {
		rest := d.clean(1, "R")[0]
		if !slices.Contains(wells, rest) {
			d.known(rest, 0)
			st.Rest, st.Total = rest, total+d.half(d.min, min(d.max, 400))
		}
	}
	switch d.IntN(3) {
	case 0:
		st.Order = []string{"by_well"}
	case 1:
		st.Order = []string{wells[len(wells)-1]}
		if st.Rest != "" && d.oneIn(2) {
			st.Order = []string{st.Rest, wells[len(wells)-1]}
		}
	}
	st.Split = pick(d, "", "even_last_two", "full_then_rest")
	d.sides(st)
	if x := st.Give.Mix; x != nil { // within what is there by then
		for _, p := range st.Recipe {
			if p.Volume > 0 {
				x.Volume = min(x.Volume, p.Volume)
			}
		}
	}
}

func (d *drawer) mixing(st *step) {
	st.To = d.clean(1+d.IntN(4), "D", "S", "T")
	st.Times, st.Volume = 1+d.IntN(4), []float64{d.half(d.min, d.max)}
	if d.oneIn(2) {
		st.At = d.place()
	}
	if d.oneIn(2) {
		st.Rate = d.rate()
	}
	if d.oneIn(3) {
		st.Touch = d.touching()
	}
	if d.oneIn(3) {
		st.Blow = d.blowing("destination", "trash", "R.A12")
	}
}
