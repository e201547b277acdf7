package ot2_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/ot2flow/ot2flow/ot2"
)

// Calls are drawn, each from its own seed, so that one more changes no other.

// drawer draws one call.
type drawer struct {
	*rand.Rand
	c        *call
	min, max float64 // what the pipette can draw, and what its tip holds
	columns  bool    // the pipette has eight channels, and works on columns
}

func drawCall(seed uint64, n int) *call {
	d := &drawer{Rand: rand.New(rand.NewPCG(seed, uint64(n))), c: &call{}}
	if d.c.Bench = d.IntN(4); n%4 == 3 {
		d.c.Bench = 4 + d.IntN(3) // with 8-channel pipettes
	}
	d.c.Mount = pick(d, "left", "right")
	d.min, d.max = d.c.limits()
	if d.columns = strings.Contains(benches[d.c.Bench].on(d.c.Mount).pipette, "multi"); d.columns && d.oneIn(4) {
		d.c.Nozzles = pick(d, "H1", "H1", "A1", "G1-H1", "E1-H1", "B1-H1")
		d.columns = d.c.Nozzles[0] != 'H' && d.c.Nozzles[0] != 'A'
	}
	if d.oneIn(4) {
		d.c.Rates = []float64{d.rate(), 0, d.rate()}
		d.c.Rates[1] = d.c.Rates[0]
		if d.oneIn(2) {
			d.c.Rates[1] = d.rate()
		}
	}
	if d.oneIn(4) {
		d.c.Clearance = []float64{d.half(1, 12), d.half(1, 30)}
	}
	switch {
	case d.oneIn(3):
		d.verbs()
	case d.oneIn(2):
		d.compound("transfer")
	default:
		d.shared(pick(d, "distribute", "consolidate"))
	}
	return d.c
}

// shared is one of the methods in which places share a filling of the tip.
func (d *drawer) shared(name string) {
	v := verb{Name: name}
	many := 1 + d.IntN(8)
	one, several := d.wells(pick(d, "S", "R"), 1), d.wells(pick(d, "D", "D", "T"), many)
	if d.oneIn(30) {
		one = d.wells("S", 2)
	}
	v.From, v.To = one, several
	if name == "consolidate" {
		v.From, v.To = several, one
	}
	volumes := 1
	if many > 1 && d.oneIn(2) {
		volumes = many
	}
	for range volumes {
		x := d.half(d.min, d.max/float64(1+d.IntN(6)))
		switch {
		case d.oneIn(8):
			x = d.volume()
		case volumes > 1 && d.oneIn(8):
			x = 0
		}
		v.Volume = append(v.Volume, x)
	}
	d.options(&v)
	v.Disposal = nil
	if name == "distribute" {
		if v.BlowOut == "destination" && !d.oneIn(5) {
			v.BlowOut = "source"
		}
		if d.oneIn(2) {
			v.Disposal = new(float64)
			*v.Disposal = pick(d, 0, 0, d.half(d.min, d.max/4))
		}
		if !d.oneIn(10) {
			v.After = nil
		}
	} else {
		if v.BlowOut == "source" && !d.oneIn(5) {
			v.BlowOut = "trash"
		}
		if !d.oneIn(10) {
			v.Before = nil
		}
	}
	d.alone(v)
}

// alone is a call of one method, between a pick-up and a drop where it takes
// no tip itself.
func (d *drawer) alone(v verb) {
	d.c.Do = []verb{v}
	if v.NewTip == "never" && !d.oneIn(12) {
		d.c.Do = []verb{{Name: "pick_up_tip"}, v, {Name: "drop_tip"}}
	}
}

// limits are the least that the call's pipette draws, and what its tip holds.
func (c *call) limits() (least, most float64) {
	m := benches[c.Bench].on(c.Mount)
	model, _ := ot2.Pipette(m.pipette)
	def, _ := ot2.Machine{}.Labware(m.rack)
	return mm(model.MinNL), mm(ot2.WorkingVolume(model, def.Wells[0].MaxNL))
}

func pick[T any](d *drawer, of ...T) T { return of[d.IntN(len(of))] }

func (d *drawer) oneIn(n int) bool { return d.IntN(n) == 0 }

// half is between from and to, in steps of a half: what halves exactly in
// binary, so that no dust of floats decides anything.
func (d *drawer) half(from, to float64) float64 {
	steps := int((to - from) * 2)
	if steps < 1 {
		return from
	}
	return from + float64(d.IntN(steps+1))/2
}

func (d *drawer) rate() float64 { return float64(1+d.IntN(30)) * 5 }

// volume is for one pair: mostly what one tip can hold, often more, now and
// then what should be refused.
func (d *drawer) volume() float64 {
	switch n := d.IntN(40); {
	case n == 0:
		return pick(d, d.min/2, d.min/2, -d.min)
	case n < 3:
		return d.max * float64(1+d.IntN(3))
	case n < 10:
		return d.half(d.max, 4*d.max)
	}
	return d.half(d.min, d.max)
}

// well is one of a labware.
func (d *drawer) well(labware string) string {
	rows, columns := 8, 12
	if d.columns && labware == "T" {
		labware = "S"
	}
	if d.columns && !d.oneIn(40) {
		rows = 1
	}
	switch labware {
	case "R":
		rows = 1
	case "T":
		rows, columns = 4, 6
	}
	return fmt.Sprintf("%s.%c%d", labware, 'A'+rune(d.IntN(rows)), 1+d.IntN(columns))
}

// wells are n different ones.
func (d *drawer) wells(labware string, n int) []string {
	seen := map[string]bool{}
	var out []string
	for len(out) < n {
		if w := d.well(labware); !seen[w] {
			seen[w] = true
			out = append(out, w)
		}
	}
	if d.columns && out[0][0] != 'R' && d.oneIn(3) {
		return wholeColumns(out)
	}
	return out
}

// wholeColumns names all wells of the columns that wells are in.
func wholeColumns(wells []string) []string {
	var out []string
	for _, w := range wells {
		for row := range 8 {
			out = append(out, fmt.Sprintf("%s%c%s", w[:2], 'A'+rune(row), w[3:]))
		}
	}
	return out
}

// compound is one of the methods that make many steps.
func (d *drawer) compound(name string) {
	v := verb{Name: name}
	sources, targets := 1, 1
	switch d.IntN(10) {
	case 0, 1, 2:
	case 3, 4, 5:
		targets = 2 + d.IntN(5)
	case 6:
		sources = 2 + d.IntN(3)
	case 7:
		sources = 2 + d.IntN(3)
		targets = sources
	case 8:
		sources = 2 + d.IntN(2)
		targets = sources * (1 + d.IntN(3))
	case 9:
		sources, targets = 1+d.IntN(4), 1+d.IntN(6)
	}
	v.From = d.wells(pick(d, "S", "S", "S", "R", "T"), sources)
	v.To = d.wells(pick(d, "D", "D", "D", "T", "R"), targets)
	volumes, n := 1, max(sources, targets)
	if n > 1 && d.oneIn(3) {
		volumes = n
		if d.oneIn(10) {
			volumes = 1 + d.IntN(n+1)
		}
	}
	for range volumes {
		x := d.volume()
		if volumes > 1 && d.oneIn(6) {
			x = 0
		}
		v.Volume = append(v.Volume, x)
	}
	if d.oneIn(30) {
		v.Volume[0] = pick(d, 0, -d.min)
	}
	d.options(&v)
	d.alone(v)
}

func (d *drawer) options(v *verb) {
	v.NewTip = pick(d, "", "", "once", "always", "always", "never")
	v.Return = d.oneIn(6)
	v.Touch = d.oneIn(4)
	if d.oneIn(3) {
		v.BlowOut = pick(d, "trash", "source", "destination")
	}
	if d.oneIn(4) {
		v.Before = d.mix()
	}
	if d.oneIn(4) {
		v.After = d.mix()
	}
	if d.oneIn(4) {
		v.AirGap = d.half(d.min, d.max/4)
	}
	if d.oneIn(30) {
		v.Disposal = new(float64)
		*v.Disposal = d.half(d.min, d.max/4)
	}
	if v.Before != nil || v.After != nil {
		d.sameRates()
	}
}

// sameRates: a mixing of ours has one rate, both ways.
func (d *drawer) sameRates() {
	if d.c.Rates != nil {
		d.c.Rates[1] = d.c.Rates[0]
	}
}

func (d *drawer) mix() *mixed {
	x := &mixed{Times: 1 + d.IntN(4), Volume: d.half(d.min, d.max)}
	if d.oneIn(30) {
		x.Volume = pick(d, d.min/2, 1.5*d.max)
	}
	return x
}

// verbs is a tip, what is done with it, and its end; mostly as it should be.
func (d *drawer) verbs() {
	add := func(v verb) { d.c.Do = append(d.c.Do, v) }
	if !d.oneIn(25) {
		v := verb{Name: "pick_up_tip"}
		if d.oneIn(4) {
			v.From = []string{d.well("")[1:]}
		}
		add(v)
	}
	held, air, last := 0.0, 0.0, ""
	for range 1 + d.IntN(7) {
		room := d.max - held - air
		switch d.IntN(10) {
		case 0, 1, 2:
			v := verb{Name: "aspirate", From: []string{d.well(pick(d, "S", "S", "R", "T"))}, At: d.place(), Volume: []float64{d.half(d.min, room)}}
			if d.oneIn(25) {
				v.Volume[0] = room + d.min
			}
			if room < d.min && !d.oneIn(10) {
				continue
			}
			held += v.Volume[0]
			last = v.From[0]
			add(v)
		case 3, 4, 5:
			v := verb{Name: "dispense", To: []string{d.well(pick(d, "D", "D", "T", "R"))}, At: d.place(), Volume: []float64{d.half(1, held+air)}}
			if held+air > 0 && d.oneIn(2) {
				v.Volume[0] = held + air
				if d.oneIn(4) {
					v.PushOut = new(float64)
					*v.PushOut = d.half(0, 2)
				}
			}
			if d.oneIn(25) {
				v.Volume[0] += 1
			}
			if held+air == 0 && !d.oneIn(10) {
				continue
			}
			gone := min(v.Volume[0], held+air)
			air = max(0, air-gone)
			held = max(0, held+air-gone)
			last = v.To[0]
			add(v)
		case 6:
			if last == "" || room < d.min {
				continue
			}
			v := verb{Name: "air_gap", Volume: []float64{d.half(d.min, room/2)}}
			if d.oneIn(2) {
				v.At = &place{From: "top", Z: d.half(1, 10)}
			}
			air += v.Volume[0]
			add(v)
		case 7:
			if last == "" {
				continue
			}
			v := verb{Name: "touch_tip"}
			if d.oneIn(2) {
				v.To = []string{d.well(pick(d, "D", "S", "T", "R"))}
				last = v.To[0]
			}
			if d.oneIn(2) {
				v.At = &place{From: "top", Z: -d.half(0.5, 5)}
			}
			if d.oneIn(3) {
				v.Radius = pick(d, 0.5, 0.75, 0.9)
			}
			if d.oneIn(3) {
				v.Speed = float64(1 + d.IntN(80))
			}
			add(v)
		case 8:
			v := verb{Name: "blow_out", BlowOut: "trash"}
			if d.oneIn(2) {
				v.BlowOut = ""
				v.To = []string{d.well(pick(d, "D", "S", "T", "R"))}
				v.At = d.place()
				last = v.To[0]
			} else if d.oneIn(3) {
				v.BlowOut = ""
			}
			held, air = 0, 0
			add(v)
		case 9:
			switch d.IntN(6) {
			case 0:
				last = d.well(pick(d, "D", "S", "T", "R"))
				v := verb{Name: "move_to", To: []string{last}, At: d.place()}
				if d.oneIn(2) {
					v.Speed = float64(1+d.IntN(12)) * 50
				}
				add(v)
			case 1:
				add(verb{Name: "delay", Seconds: d.half(0.5, 30)})
			case 2:
				add(verb{Name: "pause", Text: "look at it"})
			case 3:
				add(verb{Name: "comment", Text: "it is done"})
			case 4:
				add(verb{Name: "home"})
			case 5:
				x := d.mix()
				d.sameRates()
				last = d.well(pick(d, "D", "S", "T", "R"))
				add(verb{Name: "mix", To: []string{last}, Times: x.Times, Volume: []float64{x.Volume}})
			}
		}
	}
	if held+air > 0 && d.oneIn(2) {
		add(verb{Name: "blow_out", BlowOut: "trash"})
	}
	if !d.oneIn(20) {
		add(verb{Name: pick(d, "drop_tip", "drop_tip", "return_tip")})
	}
}

// place is a height, often with a way sideways; nil is the usual one.
func (d *drawer) place() *place {
	if d.oneIn(2) {
		return nil
	}
	p := &place{From: pick(d, "top", "bottom", "center")}
	switch p.From {
	case "top":
		p.Z = d.half(-5, 5)
	case "bottom":
		p.Z = d.half(1, 15)
	case "center":
		p.Z = d.half(-3, 3)
	}
	if d.oneIn(3) {
		p.X, p.Y = d.half(-2, 2), d.half(-2, 2)
	}
	return p
}
