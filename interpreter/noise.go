package interpreter

import (
	"math"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Readings scatter. How far is declared with each value that an instrument
// gives; it is drawn only where a run is simulated, and never in a proof.

// noise is a standard deviation: a share of the reading, or a value in the
// documented unit of the reading. The zero value is none.
type noise struct{ share, value float64 }

func (n noise) none() bool { return n == noise{} }

// of is the standard deviation of one reading.
func (n noise) of(reading float64) float64 {
	if n.share > 0 {
		return math.Abs(n.share * reading)
	}
	return n.value
}

// noise reads how far a value scatters.
func (p *preparer) noise(a *answer, g spec.Given) noise {
	if !g.Set || a.one.typ.Kind == eval.Invalid {
		return noise{}
	}
	numeric := a.one.typ.Kind == eval.Quantity || a.one.typ.Kind == eval.Number || a.one.typ.Kind == eval.Integer
	if !numeric || len(a.one.choices) > 0 {
		p.fail(diag.NoEffect, g.Whole(), "`noise` has no effect on "+a.decl.Name.Value+", which is no number that could be a little more or less", "remove it")
		return noise{}
	}
	text, percent := strings.CutSuffix(strings.TrimSpace(g.Text), "%")
	typ := a.one.typ
	if percent || typ.Kind == eval.Integer {
		typ = eval.Type{Kind: eval.Number}
	}
	v, err := eval.ParseValue(typ, text, -1, p.p.deck)
	switch {
	case err != nil:
		message, help := eval.Advice(err)
		p.fail(diag.BadValue, g.Whole(), message, help)
	case v.Float() < 0:
		p.fail(diag.BadValue, g.Whole(), "a standard deviation is not less than nothing", "write how far readings are off, without a sign: 2 %")
	case percent && typ.Kind == eval.Number && a.one.typ.Dim == quantity.Temperature:
		p.fail(diag.BadValue, g.Whole(), "a share of a temperature says nothing, since 0 C is not the absence of it", "write it in degrees: 0.2 C")
	case percent:
		return noise{share: v.Float() / 100}
	default:
		return noise{value: v.Float()}
	}
	return noise{}
}

// Scatters reports whether what a live step gives has noise where it is
// simulated.
func (p *Prepared) Scatters(s *program.Step) bool { return p.lives[s.Live.Site].noisy() }

// noisy reports whether any of the readings scatters.
func (b *live) noisy() bool {
	return slices.ContainsFunc(b.fields, func(a answer) bool { return !a.noise.none() })
}

// measured puts the noise into readings. What it carries out of what is allowed
// is no result: the step fails.
func (b *live) measured(x *expansion, items []eval.Value) (eval.Value, bool) {
	why := ""
	for i := range items {
		a := &b.fields[i]
		if a.noise.none() || !items[i].Known() {
			continue
		}
		items[i] = a.around(items[i], x.deviate("noise", itoa(x.step.N), a.key))
		if _, err := a.take(map[string]string{a.key: items[i].String()}, x.deck); err != nil && why == "" {
			why = err.Error()
		}
	}
	b.hear(x, items)
	if why == "" {
		why = b.invalid(items, x.deck)
	}
	if why != "" {
		return b.fails(x, program.Invalid, "the answer is not valid: "+why)
	}
	return b.composed(items), true
}

// around is so many standard deviations from a value, as fine as its type goes;
// of a number, to a hundredth of the deviation. The conversion keeps processors
// from fusing product and sum, so that it is the same on all of them.
func (a *answer) around(v eval.Value, deviations float64) eval.Value {
	sd := a.noise.of(v.Float())
	if sd == 0 {
		return v
	}
	reading := v.Float() + float64(sd*deviations)
	switch one := a.one.typ; one.Kind {
	case eval.Integer:
		return eval.IntegerValue(int64(math.Round(reading)))
	case eval.Quantity:
		return eval.QuantityValue(quantity.Quantity{Dim: one.Dim, N: int64(math.Round(reading * float64(one.Dim.Base())))})
	}
	digits := int(math.Ceil(-math.Log10(sd))) + 2
	return eval.NumberValue(decimal(reading, digits))
}

// decimal rounds to so many digits behind the point, or, below 0, before it. What
// it divides by is exact, so that the result is the nearest to that decimal.
func decimal(v float64, digits int) float64 {
	if digits > 15 {
		return v
	}
	if digits < 0 {
		unit := math.Pow10(-digits)
		return math.Round(v/unit) * unit
	}
	unit := math.Pow10(digits)
	return math.Round(v*unit) / unit
}

// deviate is a number that is normally distributed around 0, with the standard
// deviation 1.
func (x *expansion) deviate(what ...string) float64 {
	const edge = 1 - 1.0/(1<<50) // where it would be without end
	return math.Sqrt2 * math.Erfinv(max(-edge, min(edge, x.drawn(append(what, x.scatter)...))))
}
