package program

import (
	"encoding/json"
	"math"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// What the liquids of a stored plan contain.

// appendContains appends what a liquid contains, if anything, as a member of an
// object: "contains": {"DNA": {"unit": "ng/uL", "concentration": 50}}, with a list
// where every well has its own.
func (d *Deck) appendContains(b []byte, l *Liquid) []byte {
	n := 0
	for k, of := range l.Contains {
		if len(of) == 0 {
			continue
		}
		if n == 0 {
			b = append(b, `, "contains": {`...)
		}
		unit, per := d.Components[k].Unit()
		b = AppendString(append(b, separator(n)...), d.Components[k].Name)
		b = field(append(b, ": {"...), "unit", unit, true)
		b = append(b, `, "concentration": `...)
		if len(of) == 1 {
			b = quantity.AppendDecimal(b, of[0], per)
		} else {
			b = append(b, '[')
			for i, v := range of {
				b = quantity.AppendDecimal(append(b, separator(i)...), v, per)
			}
			b = append(b, ']')
		}
		b = append(b, '}')
		n++
	}
	if n > 0 {
		b = append(b, '}')
	}
	return b
}

type containsJSON struct {
	Unit          string          `json:"unit"`
	Concentration json.RawMessage `json:"concentration"`
}

// contains reads what appendContains wrote.
func (r *reader) contains(raw json.RawMessage, l *Liquid) {
	r.pairs(raw, func(name string, v json.RawMessage) {
		var in containsJSON
		if json.Unmarshal(v, &in) != nil {
			r.fail("liquids.%s.contains.%s cannot be read", l.Name, name)
			return
		}
		k := r.component(name, in.Unit)
		if k < 0 {
			return
		}
		var values []json.Number
		if json.Unmarshal(in.Concentration, &values) != nil {
			values = make([]json.Number, 1)
			if json.Unmarshal(in.Concentration, &values[0]) != nil {
				r.fail("liquids.%s.contains.%s: %.40s is no concentration", l.Name, name, in.Concentration)
			}
		}
		if len(values) != 1 && len(values) != len(l.Wells) {
			r.fail("liquids.%s.contains.%s has %d concentrations, and the liquid %d wells", l.Name, name, len(values), len(l.Wells))
		}
		for len(l.Contains) <= k {
			l.Contains = append(l.Contains, nil)
		}
		_, per := r.plan.Deck.Components[k].Unit()
		for _, n := range values {
			of, err := quantity.Scaled(n.String(), per)
			if err != nil || of < 0 {
				r.fail("liquids.%s.contains.%s: %s is no concentration", l.Name, name, n)
			}
			l.Contains[k] = append(l.Contains[k], of)
		}
	})
}

// component is the index of a component, which is counted in a unit; -1 where it
// is counted in none.
func (r *reader) component(name, unit string) int {
	c := Component{Name: name, Known: true, Percent: unit == "%"}
	if u, ok := quantity.LookupUnit(unit); ok && u.Dim.Unit() == unit && (u.Dim == quantity.MolarConc || u.Dim == quantity.MassConc) {
		c.Dim = u.Dim
	} else if unit != "x" && unit != "%" {
		r.fail("the concentration of %s has the unit %q", name, unit)
		return -1
	}
	d := r.plan.Deck
	for k := range d.Components {
		if d.Components[k] == c {
			return k
		}
		if d.Components[k].Name == name {
			r.fail("the concentrations of %s have several units", name)
			return -1
		}
	}
	if len(d.Components) == math.MaxInt16 {
		r.fail("it has more components than any plan")
		return -1
	}
	d.Components = append(d.Components, c)
	return len(d.Components) - 1
}
