package program

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// stockDeck has samples that differ, two of which are alike, and what does not.
func stockDeck() *Deck {
	plate, rack := &Labware{}, &Labware{IsTipRack: true, Wells: []Well{{Name: "A1", MaxNL: 300_000}}}
	for _, name := range []string{"A1", "B1", "C1", "D1", "E1", "F1", "G1", "H1"} {
		plate.Wells = append(plate.Wells, Well{Name: name, MaxNL: 2_000_000})
	}
	at := func(wells ...int16) (out []WellRef) {
		for _, w := range wells {
			out = append(out, WellRef{0, w})
		}
		return out
	}
	return &Deck{
		Labware:    []Placed{{Name: "plate", Def: plate}, {Name: "tips", Def: rack}},
		Pipettes:   []Pipette{{Name: "p300", Mount: "right", Model: &PipetteModel{Channels: 1, MaxNL: 300_000}, Racks: []int{1}}},
		Components: []Component{{Name: "DNA", Dim: quantity.MassConc, Known: true}, {Name: "salt", Dim: quantity.MolarConc, Known: true}},
		Liquids: []Liquid{
			{Name: "samples", Wells: at(0, 1, 2), VolumeNL: []int64{300_000, 250_001, 99_999}, Tip: None, Contains: [][]int64{{50_000, 7, 50_000}, {1_000_000}}},
			{Name: "buffer", Wells: at(3), VolumeNL: []int64{700_000}, Tip: None, Contains: [][]int64{nil, {20_000_000}}},
			{Name: "dyes", Wells: at(4, 5), VolumeNL: []int64{400_000, 400_000}, Tip: None, Contains: [][]int64{nil, {3_333_333, 1}}},
			{Name: "water", Wells: at(6), VolumeNL: []int64{500_000}, Tip: None, Contains: [][]int64{nil, nil}},
		},
	}
}

// fractions is what wells and the tip hold by perfect mixing, in fractions: the
// volume, and the amount of each component. The tip comes last.
type fractions [][]*big.Rat

func fractionsOf(d *Deck) fractions {
	out := make(fractions, len(d.Labware[0].Def.Wells)+1)
	for i := range out {
		for range 1 + len(d.Components) {
			out[i] = append(out[i], new(big.Rat))
		}
	}
	for _, l := range d.Liquids {
		for w, r := range l.Wells {
			out[r.Well][0].SetInt64(l.VolumeNL[w])
			for k, of := range l.Contains {
				if len(of) > 0 {
					out[r.Well][1+k].SetInt(new(big.Int).Mul(big.NewInt(of[min(w, len(of)-1)]), big.NewInt(l.VolumeNL[w])))
				}
			}
		}
	}
	return out
}

func (f fractions) move(from, to int, nl int64) {
	if nl == 0 {
		return
	}
	share := new(big.Rat).Quo(new(big.Rat).SetInt64(nl), f[from][0])
	for k := range f[from] {
		part := new(big.Rat).Mul(f[from][k], share)
		f[from][k].Sub(f[from][k], part)
		f[to][k].Add(f[to][k], part)
	}
}

// amountIn is how much of a component a content holds by its parts and batches.
func amountIn(t *rapid.T, s *State, c *Content, component int) *big.Rat {
	sum := new(big.Rat)
	for i, v := range c.Parts[:len(s.Deck.Liquids)] {
		if b := s.batches; b.of[i] != nil {
			all := int64(0)
			for k := b.first[i]; k < b.first[i+1]; k++ {
				all += c.Batches[k]
			}
			if all != v || c.Batches[b.first[i]] != 0 {
				t.Fatalf("%d nL of %s are %d in batches: %v", v, s.Deck.Liquids[i].Name, all, c.Batches)
			}
		}
		if why := s.amount(sum, None, c, i, component); why != "" {
			t.Fatal(why)
		}
	}
	return sum
}

// Whatever is moved, no component becomes more or less, and the concentration of
// every well is that of perfect mixing, but for a nanolitre of each part that
// every step rounds.
func TestComponentsAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := stockDeck()
		s, want := NewState(d), fractionsOf(d)
		tip := len(want) - 1
		total := make([]*big.Rat, len(d.Components))
		for k := range total {
			total[k] = new(big.Rat)
			for i := range want {
				total[k].Add(total[k], want[i][1+k])
			}
		}
		s.Apply(&Op{Kind: PickUpTip, Well: WellRef{1, 0}})
		steps := 0
		for range rapid.IntRange(1, 25).Draw(t, "cycles") {
			from, held := rapid.Int16Range(0, 7).Draw(t, "from"), s.Mounts[0].Held.Volume
			v := rapid.Int64Range(0, min(300_000-held, s.wells[0][from].Volume)).Draw(t, "draws")
			s.Apply(&Op{Kind: Aspirate, Well: WellRef{0, from}, Volume: v})
			want.move(int(from), tip, v)
			to := rapid.Int16Range(0, 7).Draw(t, "to")
			v = rapid.Int64Range(0, held+v).Draw(t, "gives")
			give := &Op{Kind: Dispense, Well: WellRef{0, to}, Volume: v}
			if rapid.Bool().Draw(t, "turns back") {
				s.Revert(give, s.Apply(give))
			}
			s.Apply(give)
			want.move(tip, int(to), v)
			if steps += 2; rapid.IntRange(0, 5).Draw(t, "clone") == 0 {
				s = s.Clone()
			}
		}
		for k := range d.Components {
			left := amountIn(t, s, &s.Mounts[0].Held, k)
			for w := range s.wells[0] {
				c := &s.wells[0][w]
				left.Add(left, amountIn(t, s, c, k))
				if c.Volume == 0 {
					continue
				}
				got, why := s.Concentration(WellRef{0, int16(w)}, k)
				if why != "" {
					t.Fatal(why)
				}
				off := new(big.Rat).Sub(got, new(big.Rat).Quo(want[w][1+k], want[w][0]))
				const parts = 6                        // liquids and batches
				most := []int64{50_000, 20_000_000}[k] // the highest concentration
				if limit := big.NewRat(int64(steps)*2*parts*most, c.Volume); off.Abs(off).Cmp(limit) > 0 {
					t.Fatalf("%s of %s is %s, by perfect mixing %s", d.Components[k].Name, d.WellName(WellRef{0, int16(w)}), got.FloatString(3), off.FloatString(3))
				}
			}
			if left.Cmp(total[k]) != 0 {
				t.Fatalf("%s of %s became %s", d.Components[k].Name, total[k], left)
			}
		}
	})
}

// Samples that are brought together are known by what each of them contained; of
// what an earlier run left that is known only where nothing was added.
func TestConcentrationOfStocks(t *testing.T) {
	d := stockDeck()
	s := NewState(d)
	if n := s.Batches(); n != 3+3 { // of the samples two and an unknown one; of the dyes, too
		t.Errorf("%d batches", n)
	}
	s.Apply(&Op{Kind: PickUpTip, Well: WellRef{1, 0}})
	for from, v := range []int64{60_000, 30_000} {
		s.Apply(&Op{Kind: Aspirate, Well: WellRef{0, int16(from)}, Volume: v})
	}
	s.Apply(&Op{Kind: Dispense, Well: WellRef{0, 7}, Volume: 90_000})
	if n, why := s.Concentration(WellRef{0, 7}, 0); why != "" || n.Cmp(big.NewRat(2*50_000+7, 3)) != 0 {
		t.Error(n, why)
	}
	c, _ := s.Content(WellRef{0, 7})
	d.Left.Wells = []LeftWell{
		{Well: WellRef{0, 0}, Volume: 240_000, Parts: []int64{240_000, 0, 0, 0, 0}},
		{Well: WellRef{0, 7}, Volume: 90_000, Parts: c.Parts},
	}
	s = NewState(d)
	if n, why := s.Concentration(WellRef{0, 0}, 0); why != "" || n.Cmp(big.NewRat(50_000, 1)) != 0 {
		t.Error(n, why)
	}
	if _, why := s.Concentration(WellRef{0, 7}, 0); why == "" {
		t.Error("the concentration of what an earlier run mixed is said to be known")
	}
	if n, why := s.Concentration(WellRef{0, 7}, 1); why != "" || n.Cmp(big.NewRat(1_000_000, 1)) != 0 {
		t.Error(n, why)
	}
}
