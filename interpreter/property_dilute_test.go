package interpreter_test

import (
	"fmt"
	"math/big"
	"strings"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// series is a dilution of a random workflow: its wells, and by how much each is
// thinner than the one before. It has a row of the plate for itself.
type series struct {
	wells  []string
	factor int64
	blanks int
}

// dilute draws a dilution of dye: each well but the first is left with the same
// volume, the first with what it had but for what was carried on.
func (s *script) dilute(t *rapid.T, at scope) {
	d := series{factor: rapid.Int64Range(2, 6).Draw(t, "factor"), blanks: rapid.IntRange(0, 1).Draw(t, "blanks")}
	for i := range rapid.IntRange(2, 5).Draw(t, "diluted") + d.blanks {
		d.wells = append(d.wells, fmt.Sprintf("plate.%c%d", 'D'+len(s.series), i+1))
	}
	s.series = append(s.series, d)
	carry := rapid.Int64Range(31_000, 90_000).Draw(t, "carried")
	volume := carry * (d.factor - 1)
	first := carry + volume + rapid.Int64Range(0, 100_000).Draw(t, "first")
	s.wants[d.wells[0]] = first - carry
	for _, w := range d.wells[1:] {
		s.wants[w] = volume
	}
	fmt.Fprintf(&s.text, "%s- transfer: {from: dye, to: %s, volume: %s}\n", at.indent, d.wells[0], uL(first))
	fmt.Fprintf(&s.text, "%s- dilute: {in: [%s], factor: %d, volume: %s, diluent: water, discard: trough.A12, blanks: %d}\n", at.indent, strings.Join(d.wells, ", "), d.factor, uL(volume), d.blanks)
}

// diluted compares the concentrations of the series with the powers of their
// factor: 20 nL of dye in a well are what rounding can come to.
func (s *script) diluted(state *program.State, fail func(string, ...any)) {
	for _, d := range s.series {
		wants := big.NewRat(100_000, 1) // nM: the 100 uM of dye
		most := new(big.Rat).Set(wants)
		for i, name := range d.wells {
			w, _ := state.Deck.Labware[0].Def.Well(strings.TrimPrefix(name, "plate."))
			r := program.WellRef{Well: int16(w)}
			if i > 0 {
				wants.Quo(wants, big.NewRat(d.factor, 1))
			}
			if i >= len(d.wells)-d.blanks {
				wants.SetInt64(0)
			}
			got, why := state.Concentration(r, 0)
			if why != "" {
				fail("%s: %s", name, why)
			}
			c, _ := state.Content(r)
			off := new(big.Rat).Sub(got, wants)
			limit := new(big.Rat).Mul(most, big.NewRat(20, c.Volume))
			if off.Abs(off).Cmp(limit) > 0 {
				fail("%s holds %s of dye, by the factor it is %s", name, got.FloatString(1), wants.FloatString(1))
			}
		}
	}
}
