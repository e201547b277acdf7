package ledger

import "testing"

// What is declared to evaporate is less later on: of a mixture both parts, with
// nothing gained or lost by rounding; an unknown amount and what loses nothing
// stay, and a well is never emptier than empty.
func TestAge(t *testing.T) {
	l := &Ledger{Labware: []Labware{
		{Place: "1", LossNL: 1_500, Wells: []Well{
			{Well: "A1", NL: 10_000, Parts: []Part{{"red", 3_333}, {"blue", 6_667}}},
			{Well: "B1", NL: 1_000, Parts: []Part{{"red", 1_000}}},
			{Well: "C1", NL: -500, Unknown: "red", Parts: []Part{{"red", -500}}},
		}},
		{Place: "2", Wells: []Well{{Well: "A1", NL: 10_000, Parts: []Part{{"red", 10_000}}}}},
	}}
	now := l.Age(2 * 3600e9).Age(2 * 3600e9) // no time passes between the two
	for i, want := range []struct {
		labware, well int
		nl            int64
	}{{0, 0, 7_000}, {0, 1, 0}, {0, 2, -500}, {1, 0, 10_000}} {
		w := &now.Labware[want.labware].Wells[want.well]
		sum := int64(0)
		for _, p := range w.Parts {
			sum += p.NL
		}
		if w.NL != want.nl || sum != want.nl {
			t.Errorf("well %d holds %d nL, in parts %d, want %d", i, w.NL, sum, want.nl)
		}
	}
	if l.Labware[0].Wells[0].NL != 10_000 {
		t.Error("the ledger that was given has changed")
	}
}
