package tests

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// mostShown is how many wells that differ are shown one by one.
const mostShown = 8

// held is what one of the wells that are expected to be alike holds.
type held struct {
	name string
	ref  program.WellRef
	well *sim.Well // nil where it never held anything
}

// wellsOf finds the wells that an expectation is about; none where there are none, which
// is said.
func (j *judge) wellsOf(w *spec.Word) []held {
	labware, numbered, from, to, _ := spec.CutWells(w.Value)
	i := slices.IndexFunc(j.deck.Labware, func(p program.Placed) bool { return p.Name == labware })
	if i < 0 || j.deck.Labware[i].Def.IsTipRack {
		j.noLabware(w, labware)
		return nil
	}
	which, _ := strconv.Atoi(numbered)
	def := j.deck.Labware[i].Def
	a, b := &program.Well{}, &program.Well{}
	for _, one := range []struct {
		name string
		well **program.Well
	}{{from, &a}, {to, &b}} {
		k, ok := def.Well(one.name)
		if !ok && one.name != "" {
			j.wrong(w.Span, labware+" has no well "+one.name, "its wells are "+def.Wells[0].Name+" to "+def.Wells[len(def.Wells)-1].Name)
			return nil
		}
		if ok {
			*one.well = &def.Wells[k]
		}
	}
	var out []held
	for k := range def.Wells {
		if well := &def.Wells[k]; from == "" || inside(well, a, b) {
			out = append(out, j.heldIn(program.WellRef{Labware: int16(i), Well: int16(k)}, which))
		}
	}
	return out
}

// inside reports whether a well is in the rectangle between two others.
func inside(w, a, b *program.Well) bool {
	return program.CompareRows(a.Row, w.Row) <= 0 && program.CompareRows(w.Row, b.Row) <= 0 && a.Column <= w.Column && w.Column <= b.Column
}

func (j *judge) heldIn(ref program.WellRef, which int) held {
	out := held{name: j.deck.NumberedWell(ref, which), ref: ref}
	for k := range j.result.Wells {
		if w := &j.result.Wells[k]; w.Ref == ref && w.Number == which {
			out.well = w
		}
	}
	return out
}

func (j *judge) noLabware(w *spec.Word, labware string) {
	var names []string
	for i := range j.deck.Labware {
		if !j.deck.Labware[i].Def.IsTipRack {
			names = append(names, j.deck.Labware[i].Name)
		}
	}
	near, _ := diag.Nearest(labware, names)
	j.wrong(w.Span, "the deck has no labware "+labware+" with wells"+orMeant(near), "there are "+strings.Join(names, ", "))
}

// wells compares what wells hold.
func (j *judge) wells(w *spec.ExpectedWells) {
	parts := make([]int64, len(j.deck.Liquids)+1)
	total := int64(0)
	switch {
	case w.Many:
		for i := range w.Parts {
			k := slices.IndexFunc(j.deck.Liquids, func(l program.Liquid) bool { return l.Name == w.Parts[i].Name.Value })
			n, ok := j.quantity(&w.Parts[i].Value, quantity.Volume)
			if k < 0 {
				j.wrong(w.Parts[i].Name.Span, "the workflow has no liquid "+w.Parts[i].Name.Value, "")
			}
			if k < 0 || !ok {
				return
			}
			parts[k] = n
			total += n
		}
	case w.Value.Text != "empty":
		n, ok := j.quantity(&w.Value, quantity.Volume)
		if !ok {
			return
		}
		total = n
	}
	j.each(w, func(h *held) string {
		c := &program.Content{Parts: make([]int64, len(parts))}
		if h.well != nil {
			c = &h.well.Content
		}
		if !c.Unknown && c.Volume == total && (!w.Many || slices.Equal(c.Parts, parts)) {
			return ""
		}
		volume := quantity.Volume.Text(c.Volume)
		text := "holds " + strings.Replace(depict.Line(depict.Content(j.deck, c)), volume+" ", volume+": ", 1)
		switch {
		case !c.Unknown && c.Volume == 0:
			text = "is empty"
		case !c.Unknown && c.Volume != total && total > 0:
			text += "; " + volumeOff(c.Volume-total)
		}
		return text
	})
}

// each compares the wells one by one, and says of those that differ how, and which step
// changed the first of them last.
func (j *judge) each(w *spec.ExpectedWells, differs func(*held) string) {
	all := j.wellsOf(&w.Wells)
	var notes []string
	var first *held
	message, n := "", 0
	for i := range all {
		text := differs(&all[i])
		if text == "" {
			continue
		}
		if n++; n == 1 {
			first, message = &all[i], all[i].name+" "+text
		}
		if n <= mostShown {
			notes = append(notes, all[i].name+" "+text)
		}
	}
	switch {
	case n == 0:
		return
	case len(all) == 1 || n == 1:
		notes = nil
	default:
		message = fmt.Sprintf("%d of these %d wells differ", n, len(all))
		if n > mostShown {
			notes = append(notes, fmt.Sprintf("and %d more", n-mostShown))
		}
	}
	if k := j.last[first.ref]; k > 0 {
		notes = append(notes, first.name+" was changed last by "+j.told(k-1))
	} else {
		notes = append(notes, "no step changes "+first.name)
	}
	j.differs(w.Span, message, notes...)
}

// within is how far a concentration may be off: 1 %.
const within = 0.01

// dissolved compares what is dissolved in wells.
func (j *judge) dissolved(w *spec.ExpectedWells) {
	for i := range w.Parts {
		p := &w.Parts[i]
		k := slices.IndexFunc(j.deck.Components, func(c program.Component) bool { return c.Name == p.Name.Value })
		if k < 0 {
			j.wrong(p.Name.Span, "no liquid of the workflow contains "+p.Name.Value, "what liquids contain stands under contains")
			continue
		}
		c := &j.deck.Components[k]
		want, ok := j.concentration(&p.Value, c)
		if !ok {
			continue
		}
		j.each(w, func(h *held) string {
			is, known := share(h, k)
			switch {
			case !known:
				return "contains an unknown amount of " + c.Name
			case math.Abs(float64(is)-want) <= within*want:
				return ""
			}
			return "contains " + c.Name + " at " + c.Text(fourDigits(is))
		})
	}
}

func share(h *held, component int) (n int64, known bool) {
	if h.well == nil {
		return 0, true
	}
	for _, s := range h.well.Contains {
		if s.Component == component {
			return s.N, !s.Unknown
		}
	}
	return 0, true
}

// concentration is in base units of the component.
func (j *judge) concentration(g *spec.Given, c *program.Component) (float64, bool) {
	q, err := quantity.Parse(strings.TrimSpace(g.Text))
	switch {
	case err != nil || q.Dim != c.Dim:
		j.wrong(at(g), g.Text+" is no concentration of "+c.Name, "write for example "+c.Text(c.Dim.Base()))
		return 0, false
	case q.Dim == quantity.Number:
		return q.Float() * program.RatioBase, true
	}
	return float64(q.N), true
}

func fourDigits(n int64) int64 {
	unit := int64(1)
	for n/unit >= 10_000 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}
