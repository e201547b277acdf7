package sim

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// What instruments gave and what the workflow returned, in all runs.

// ValueSpread is how a value is spread over the runs: as numbers, in the unit
// of Dim, and, where it is something else, by how often it was what.
type ValueSpread struct {
	Step  string    // the id of the live step; empty of an output
	Name  string    // after its instrument; with the position in a list, or the key in a record
	Where diag.Span // of the step
	In    []string  // what the loops around it were at
	Dim   quantity.Dim
	// Numbers has no runs where it never was a number.
	Numbers Distribution
	Words   []WordRuns // the most frequent first
}

// WordRuns says in how many runs a value was what.
type WordRuns struct {
	Word string
	Runs int
}

// heardAs names a value whichever run it is of.
type heardAs struct {
	step, name string
	dim        quantity.Dim
}

// heard is one value that a run gave.
type heard struct {
	key    heardAs
	n      int // of the step; 0 of an output
	frame  *program.Frame
	number float64 // NaN where it is none
	word   string
}

var _ interpreter.Hears = (*Noise)(nil)

// Measured takes what a live step gives.
func (n *Noise) Measured(s *program.Step, name string, v eval.Value) {
	n.hear(heard{key: heardAs{step: s.ID(), name: name}, n: s.N, frame: s.Frame}, v)
}

// Returned takes what the workflow returns.
func (n *Noise) Returned(name string, v eval.Value) { n.hear(heard{key: heardAs{name: name}}, v) }

// hear takes a value apart into numbers and words.
func (n *Noise) hear(h heard, v eval.Value) {
	whole := h.key.name
	h.number = math.NaN()
	switch v.Kind() {
	case eval.List:
		for i, item := range v.List() {
			h.key.name = whole + "[" + strconv.Itoa(i) + "]"
			n.hear(h, item)
		}
		return
	case eval.Record:
		for i, f := range *v.Type().Fields {
			h.key.name = whole + "." + f.Name
			n.hear(h, v.List()[i])
		}
		return
	case eval.Quantity:
		h.key.dim, h.number = v.Quantity().Dim, v.Float()
	case eval.Number, eval.Integer:
		h.number = v.Float()
	default:
		h.word = v.String()
	}
	if v.Known() || v.IsNothing() {
		n.heard = append(n.heard, h)
	}
}

// values puts together what the runs gave, in the order in which it comes:
// readings first, and then what is returned. The target is what the likely run
// gives, NaN where it gives none.
func (n *Noise) values(all []reacted) (measured, outputs []ValueSpread) {
	type gathered struct {
		heard
		target  float64
		numbers []float32
		words   map[string]int
	}
	at := map[heardAs]*gathered{}
	var list []*gathered
	of := func(h *heard) *gathered {
		g := at[h.key]
		if g == nil {
			g = &gathered{heard: *h, target: math.NaN(), words: map[string]int{}}
			at[h.key], list = g, append(list, g)
		}
		return g
	}
	for i := range n.heard {
		of(&n.heard[i]).target = n.heard[i].number
	}
	for i := range all {
		for k := range all[i].heard {
			h := &all[i].heard[k]
			if g := of(h); math.IsNaN(h.number) {
				g.words[h.word]++
			} else {
				g.numbers = append(g.numbers, float32(h.number))
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *gathered) int { return cmp.Compare(a.n, b.n) })
	for _, g := range list {
		v := ValueSpread{Step: g.key.step, Name: g.key.name, Dim: g.key.dim, Numbers: distribution(g.target, g.numbers)}
		for w, runs := range g.words {
			v.Words = append(v.Words, WordRuns{w, runs})
		}
		slices.SortFunc(v.Words, func(a, b WordRuns) int { return cmp.Or(cmp.Compare(b.Runs, a.Runs), cmp.Compare(a.Word, b.Word)) })
		if g.frame == nil {
			outputs = append(outputs, v)
			continue
		}
		v.Where = g.frame.Where()
		v.In = g.frame.Loops(v.Where.File)
		measured = append(measured, v)
	}
	return measured, outputs
}

// appendValues appends what instruments gave and what was returned.
func (s *Spread) appendValues(b []byte) []byte {
	for _, group := range []struct {
		name string
		list []ValueSpread
	}{{"measured", s.Measured}, {"outputs", s.Outputs}} {
		b = append(b, ",\n  \""+group.name+"\": ["...)
		for i := range group.list {
			b = group.list[i].appendJSON(append(b, separator(i)...))
		}
		b = append(append(b, closing(len(group.list))...), ']')
	}
	return b
}

func (v *ValueSpread) appendJSON(b []byte) []byte {
	b = append(b, '{')
	if v.Step != "" {
		b = program.AppendString(append(b, `"step": `...), v.Step)
		b = program.AppendString(append(b, `, "file": `...), v.Where.File)
		b = appendInt(append(b, `, "line": `...), v.Where.Start.Line)
		b = append(b, `, "in": [`...)
		for i, loop := range v.In {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = program.AppendString(b, loop)
		}
		b = append(b, `], `...)
	}
	b = program.AppendString(append(b, `"name": `...), v.Name)
	if v.Numbers.Runs > 0 {
		b = program.AppendString(append(b, `, "unit": `...), v.Dim.Unit())
		b = v.Numbers.appendJSON(append(b, `, "numbers": `...), 1)
	}
	if len(v.Words) > 0 {
		b = append(b, `, "words": {`...)
		for i, w := range v.Words {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendInt(append(program.AppendString(b, w.Word), ": "...), w.Runs)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}
