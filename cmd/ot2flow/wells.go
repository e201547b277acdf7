package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// maxGroups is how many different contents a report lists per labware.
const maxGroups = 12

// wellTable prints what wells hold, labware by labware: a picture of a plate
// where many wells are in use, and then every content once, with the wells
// that hold it.
type wellTable struct {
	w     io.Writer
	deck  *program.Deck
	color bool
	wells map[program.WellRef]sim.Well

	number int        // which of its labware it is, where that was taken away
	away   []sim.Well // of labware that was taken away, one after the other
}

func newWellTable(w io.Writer, d *program.Deck, color bool) *wellTable {
	return &wellTable{w: w, deck: d, color: color, wells: map[program.WellRef]sim.Well{}}
}

func (t *wellTable) add(w *sim.Well) {
	if w.Number > t.number {
		t.away = append(t.away, *w)
		return
	}
	t.wells[w.Ref] = *w
}

// printAway prints the wells of labware that was taken away, each under its name.
func (t *wellTable) printAway() {
	for len(t.away) > 0 {
		first := &t.away[0]
		one := newWellTable(t.w, t.deck, t.color)
		one.number = first.Number
		n := 0
		for n < len(t.away) && t.away[n].Ref.Labware == first.Ref.Labware && t.away[n].Number == first.Number {
			one.add(&t.away[n])
			n++
		}
		fmt.Fprintf(t.w, "%s%s#%d, which was taken away\n", margin, t.deck.Labware[first.Ref.Labware].Name, first.Number)
		one.print()
		t.away = t.away[n:]
	}
}

func (t *wellTable) print() {
	if len(t.wells) == 0 {
		fmt.Fprintln(t.w, margin+"no well holds anything")
	}
	for i := range t.deck.Labware {
		var held []program.WellRef
		for _, w := range byRow(t.deck.Labware[i].Def) {
			r := program.WellRef{Labware: int16(i), Well: int16(w)}
			if _, ok := t.wells[r]; ok {
				held = append(held, r)
			}
		}
		if len(held) > 6 && len(t.deck.Labware[i].Def.Columns) <= 12 {
			t.plate(i)
		}
		t.groups(held)
	}
	t.printAway()
}

// plate draws the volumes of a labware in µL, row by row, on patches of their
// colour.
func (t *wellTable) plate(labware int) {
	def := t.deck.Labware[labware].Def
	fmt.Fprintf(t.w, "%s%s, uL\n%s  ", margin, t.title(labware), margin)
	for c := range def.Columns {
		fmt.Fprintf(t.w, "%7d", c+1)
	}
	row := ""
	for _, w := range byRow(def) {
		if r := def.Wells[w].Row; r != row {
			row = r
			fmt.Fprintf(t.w, "\n%s%-2s", margin, row)
		}
		held, ok := t.wells[program.WellRef{Labware: int16(labware), Well: int16(w)}]
		c := &held.Content
		cell := "      ·"
		if ok {
			cell = fmt.Sprintf("%7s", quantity.Quantity{Dim: quantity.Volume, N: c.Volume}.Decimal())
		}
		fmt.Fprint(t.w, cell[:1]+t.painted(cell[1:], depict.Mixed(t.deck, c), ok))
	}
	fmt.Fprintln(t.w)
}

// title is the name of a labware.
func (t *wellTable) title(labware int) string {
	name := t.deck.Labware[labware].Name
	if t.number > 0 {
		name += "#" + strconv.Itoa(t.number)
	}
	return name
}

// painted puts text on its colour, in black or white, whichever reads better.
func (t *wellTable) painted(text, color string, held bool) string {
	r, g, b, ok := depict.Channels(color)
	if !t.color || !held || !ok {
		return text
	}
	ink := "97"
	if 299*r+587*g+114*b > 140_000 {
		ink = "30"
	}
	return fmt.Sprintf("\x1b[%s;48;2;%d;%d;%dm%s\x1b[0m", ink, r, g, b, text)
}

// groups lists each content once, with the wells that hold it.
func (t *wellTable) groups(held []program.WellRef) {
	var order []string
	members := map[string][]program.WellRef{}
	for _, r := range held {
		w := t.wells[r]
		text := depict.Content(t.deck, &w.Content) + dissolved(t.deck, w.Contains)
		if members[text] == nil {
			order = append(order, text)
		}
		members[text] = append(members[text], r)
	}
	for i, text := range order {
		if i == maxGroups {
			fmt.Fprintf(t.w, "%sand %d more mixtures; --format json shows them all\n", margin, len(order)-i)
			return
		}
		w := t.wells[members[text][0]]
		fmt.Fprintf(t.w, "%s%-14s %s\n", patch(t.color, depict.Mixed(t.deck, &w.Content)), t.names(members[text]), text)
	}
}

func (t *wellTable) names(refs []program.WellRef) string {
	first := t.deck.NumberedWell(refs[0], t.number)
	switch n := len(refs); n {
	case 1:
		return first
	case 2, 3, 4:
		for _, r := range refs[1:] {
			first += " " + t.deck.Well(r).Name
		}
		return first
	default:
		return first + " … " + t.deck.Well(refs[n-1]).Name + " (" + plural(n, "well") + ")"
	}
}

// byRow lists a labware's wells row by row, as people read a plate.
func byRow(def *program.Labware) []int {
	out := make([]int, 0, len(def.Wells))
	for r := 0; len(out) < len(def.Wells); r++ {
		before := len(out)
		for _, c := range def.Columns {
			if r < len(c) {
				out = append(out, c[r])
			}
		}
		if len(out) == before {
			break
		}
	}
	return out
}

// dissolved says what the liquids in a well contain, to four digits:
// "; DNA 2.1 ng/uL, salt 20 mM".
func dissolved(d *program.Deck, list []program.Share) string {
	var out []string
	for _, s := range list {
		c := &d.Components[s.Component]
		text := "unknown"
		if !s.Unknown {
			text = concentrationText(c, float64(s.N))
		}
		out = append(out, c.Name+" "+text)
	}
	if len(out) == 0 {
		return ""
	}
	return "; " + strings.Join(out, ", ")
}

// margin is what lines of a report begin with; a patch of colour fits into it.
const margin = "      "

func patch(terminal bool, color string) string {
	r, g, b, ok := depict.Channels(color)
	if !terminal || !ok {
		return margin
	}
	return fmt.Sprintf("   \x1b[48;2;%d;%d;%dm  \x1b[0m ", r, g, b)
}

// of gathers the wells of a state that hold or held something.
func (t *wellTable) of(s *program.State) {
	for i := range t.deck.Labware {
		for w := range t.deck.Labware[i].Def.Wells {
			r := program.WellRef{Labware: int16(i), Well: int16(w)}
			if c, ok := s.Content(r); ok && c.Touched {
				kept := *c
				kept.Parts, kept.Batches = slices.Clone(c.Parts), slices.Clone(c.Batches)
				t.wells[r] = sim.Well{Ref: r, Content: kept, Contains: s.Composition(r)}
			}
		}
	}
	t.away = sim.WellsAway(s)
}
