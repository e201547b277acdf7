package interpreter

import (
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
)

// TestWellOrders: the eight ways of Protocol Designer over a plate, and the way
// over several, whatever order the wells are written in.
func TestWellOrders(t *testing.T) {
	want := map[string]string{
		"t2b_l2r": "A1 B1 C1 A2 B2 C2 A10",
		"t2b_r2l": "A10 A2 B2 C2 A1 B1 C1",
		"b2t_l2r": "C1 B1 A1 C2 B2 A2 A10",
		"b2t_r2l": "A10 C2 B2 A2 C1 B1 A1",
		"l2r_t2b": "A1 A2 A10 B1 B2 C1 C2",
		"l2r_b2t": "C1 C2 B1 B2 A1 A2 A10",
		"r2l_t2b": "A10 A2 A1 B2 B1 C2 C1",
		"r2l_b2t": "C2 C1 B2 B1 A10 A2 A1",
	}
	if len(spec.WellOrders) != len(want) {
		t.Fatalf("%d orders", len(spec.WellOrders))
	}
	def := &program.Labware{}
	for _, name := range []string{"C2", "A10", "B1", "A2", "C1", "A1", "B2"} {
		column := int(name[1] - '0')
		if len(name) > 2 {
			column = 10
		}
		def.Wells = append(def.Wells, program.Well{Name: name, Row: name[:1], Column: column})
	}
	x := &expansion{deck: &program.Deck{Labware: []program.Placed{{Name: "p", Def: def}, {Name: "q", Def: def}}}}
	for _, word := range spec.WellOrders {
		var places []target
		for i := range def.Wells {
			for _, l := range []int16{1, 0} {
				places = append(places, target{well: program.WellRef{Labware: l, Well: int16(i)}})
			}
		}
		inOrder(x, orderOf(spec.Word{Value: word}), places, (*target).place)
		for i, l := range []int16{1, 0} { // the one that is named first comes first
			var got []string
			for _, p := range places[i*len(def.Wells) : (i+1)*len(def.Wells)] {
				if p.well.Labware != l {
					t.Errorf("%s: labware are not one after the other", word)
				}
				got = append(got, x.deck.Well(p.well).Name)
			}
			if s := strings.Join(got, " "); s != want[word] {
				t.Errorf("%s is %s, want %s", word, s, want[word])
			}
		}
	}
	places := []target{{well: program.WellRef{Well: 3}}, {well: program.WellRef{Well: 1}}}
	before := slices.Clone(places)
	if inOrder(x, orderOf(spec.Word{}), places, (*target).place); !slices.Equal(places, before) {
		t.Error("without a word wells are taken in another order than they are written in")
	}
}
