package eval

import "testing"

// FuzzPlaces holds that whatever is read as a well or as wells names places
// that are there, and that a well is shown in a form that reads as the same.
func FuzzPlaces(f *testing.F) {
	for _, s := range []string{"A1", "plate.A1", "plate.A1:D6", "plate", "[plate.A1, B2]", "A1, B1", "plate.H13", "plate.A0", "plate.a1", "plate .A1", "tips.A1:A1", "plate.D6:A1", "red", ""} {
		f.Add(s)
	}
	d := testDeck()
	f.Fuzz(func(t *testing.T, s string) {
		for in := -1; in < len(d.Labware); in++ {
			for _, want := range []Type{{Kind: Well}, {Kind: Wells}, ListOf(Type{Kind: Well})} {
				v, err := ParseValue(want, s, in, d)
				if err != nil {
					continue
				}
				for _, w := range v.Wells(d) {
					if d.WellName(w) == "" {
						t.Fatalf("%q names a place that is nowhere", s)
					}
				}
				if want.Kind != Well {
					continue
				}
				if again, err := ParseValue(want, v.String(), -1, d); err != nil || !again.Equal(v) {
					t.Fatalf("%q is %s, which reads as %v %v", s, v, again, err)
				}
			}
		}
	})
}
