package interpreter

import (
	"math"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// What liquids contain: components, each counted in one way everywhere.

// contained is one component of a liquid.
type contained struct {
	component int
	values    []*eval.Expr
	decl      *spec.Components
}

// components finds what the liquids contain. What a component is counted in is
// known from a concentration that is written with its unit; otherwise it will be
// from the type of the first.
func (p *preparer) components() {
	for i := range p.p.workflow.Liquids {
		for _, c := range p.p.workflow.Liquids[i].Contains {
			if !c.Name.IsSet() {
				continue
			}
			k := p.component(c.Name.Value)
			if k < 0 {
				k = len(p.p.deck.Components)
				p.p.deck.Components = append(p.p.deck.Components, program.Component{Name: c.Name.Value})
			}
			at := &p.p.deck.Components[k]
			for _, v := range c.Value.Items {
				if q, err := quantity.Parse(v.Text); err == nil && !at.Known && isConcentration(q.Dim) {
					at.Known, at.Dim = true, q.Dim
				}
				if percent, ok := ratio(v.Text); ok && !at.Known {
					at.Known, at.Percent = true, percent
				}
			}
		}
	}
}

func isConcentration(d quantity.Dim) bool {
	return d == quantity.MolarConc || d == quantity.MassConc || d == quantity.Number
}

// ratio tells a share, 5 %, from a strength, 10 x; ok is false where a text ends
// in neither.
func ratio(text string) (percent, ok bool) {
	s := strings.TrimRight(text, " \t\r\n")
	if strings.HasSuffix(s, "%") {
		return true, true
	}
	s, ok = strings.CutSuffix(s, "x")
	s = strings.TrimRight(s, " \t\r\n")
	return false, ok && s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9'
}

// component is the index of a component, -1 where no liquid contains it.
func (p *preparer) component(name string) int { return indexOf(p.componentNames(), name) }

func (p *preparer) contained(l *spec.Liquid) []contained {
	var out []contained
	for i := range l.Contains {
		c := &l.Contains[i]
		k := p.component(c.Name.Value)
		if k < 0 {
			continue // its name was refused
		}
		one := contained{component: k, decl: c}
		for _, e := range c.Value.Items {
			if x := p.concentration(e, k); x != nil {
				one.values = append(one.values, x)
			}
		}
		out = append(out, one)
	}
	return out
}

// concentration compiles a concentration of a component, which must be counted
// as that is everywhere else. nil says that something was reported.
func (p *preparer) concentration(e spec.Expr, component int) *eval.Expr {
	x := p.compile(e, eval.Type{})
	if x == nil {
		return nil
	}
	t := x.Type()
	if t.Kind == eval.List && t.Elem != nil {
		t = *t.Elem
	}
	if t.Kind == eval.Invalid {
		return nil // reported
	}
	c := &p.p.deck.Components[component]
	now := program.Component{Name: c.Name, Known: true}
	switch {
	case t.Kind == eval.Quantity && isConcentration(t.Dim):
		now.Dim = t.Dim
	case t.Kind == eval.Number || t.Kind == eval.Integer:
		percent, ok := ratio(e.Text)
		if !ok {
			p.fail(diag.WrongDimension, e.Whole(), "it is not clear what this number counts", "write the unit: 5 mM, 2 mg/mL, 10 x, 5 %")
			return nil
		}
		now.Percent = percent
	default:
		p.fail(diag.WrongDimension, e.Whole(), "this is a "+t.String()+", and a concentration is wanted", "write for example 100 mM, 2 mg/mL, 10 x or 5 %")
		return nil
	}
	if !c.Known {
		*c = now
	}
	if *c != now {
		p.fail(diag.WrongDimension, e.Whole(), c.Name+" is counted as "+countedAs(c)+" elsewhere, and here as "+countedAs(&now), "count it in the same way everywhere; ot2flow knows no molar masses")
		return nil
	}
	return x
}

// countedAs says what the concentrations of a component are.
func countedAs(c *program.Component) string {
	switch {
	case c.Dim == quantity.MolarConc:
		return "an amount (such as mM)"
	case c.Dim == quantity.MassConc:
		return "a mass (such as mg/mL)"
	case c.Percent:
		return "a share (%)"
	}
	return "a strength (x)"
}

// concentrationOf is a known value in the units that concentrations are counted
// in.
func concentrationOf(v eval.Value) int64 {
	if v.Kind() == eval.Quantity {
		return v.Quantity().N
	}
	return int64(math.Round(v.Float() * program.RatioBase))
}

// contents works out what a liquid contains.
func (x *expansion) contents(l *liquid, out *program.Liquid) {
	out.Contains = make([][]int64, len(x.deck.Components))
	for i := range l.contains {
		c := &l.contains[i]
		values, ok := x.concentrations(c.values)
		if !ok {
			return
		}
		if len(values) > 1 && len(values) != len(out.Wells) {
			x.add(diag.Diagnostic{
				Code: diag.ListsDoNotPair, Span: c.decl.Value.Span,
				Message: out.Name + " stands in " + count(len(out.Wells), "well") + " and has " + count(len(values), "concentration") + " of " + c.decl.Name.Value, Help: "write one concentration for all, or one per well",
			})
			return
		}
		out.Contains[c.component] = values
	}
}

// concentrations evaluates concentrations: one, or a list.
func (x *expansion) concentrations(list []*eval.Expr) ([]int64, bool) {
	var out []int64
	for _, e := range list {
		v, ok := x.eval(e)
		if !ok {
			return nil, false
		}
		items := []eval.Value{v}
		if v.Kind() == eval.List {
			items = v.List()
		}
		for _, item := range items {
			n := concentrationOf(item)
			if n < 0 || item.Float() > float64(quantity.Limit)/program.RatioBase && item.Kind() != eval.Quantity {
				x.addAt(e, diag.Diagnostic{Code: diag.BadValue, Message: "a concentration of " + item.String() + " cannot be", Help: "write 0 or more"})
				return nil, false
			}
			out = append(out, n)
		}
	}
	return out, true
}
