package ot2

// How exactly pipettes work. The figures are those that the manual of the OT-2
// prints in its chapter on pipettes (docs.opentrons.com, "OT-2 pipette
// specifications"), where accuracy is a systematic error in %D and precision a
// random one in %CV, both at three volumes. They are limits that a pipette in
// order keeps, with water and a new tip.
//
// GEN1 pipettes are sold no more, and the manual has no figures for them. They
// get those of the GEN2 pipette that a robot takes in their place; for a P50,
// which has no such, those of a P300. The manual calls GEN1 the less accurate
// one, so that what comes out for them is a lower bound.

// Precision is how exactly a model of pipettes works.
type Precision struct {
	Of string // the model the figures were published for
	at []figure
}

// figure is what was published for one volume. Both errors are nanolitres: the
// systematic one is the limit on either side, the random one a standard
// deviation.
type figure struct{ volume, systematic, random float64 }

var published = []Precision{
	{"p20_single_gen2", []figure{{1_000, 150, 50}, {10_000, 200, 100}, {20_000, 300, 160}}},
	{"p300_single_gen2", []figure{{20_000, 800, 500}, {150_000, 1_500, 600}, {300_000, 1_800, 900}}},
	{"p1000_single_gen2", []figure{{100_000, 2_000, 1_000}, {500_000, 5_000, 1_000}, {1_000_000, 7_000, 1_500}}},
	{"p20_multi_gen2", []figure{{1_000, 200, 100}, {10_000, 300, 200}, {20_000, 440, 300}}},
	{"p300_multi_gen2", []figure{{20_000, 2_000, 800}, {150_000, 3_750, 1_200}, {300_000, 4_500, 1_500}}},
}

var inPlaceOf = map[string]string{
	"p10_single": "p20_single_gen2", "p10_multi": "p20_multi_gen2",
	"p50_single": "p300_single_gen2", "p50_multi": "p300_multi_gen2",
	"p300_single": "p300_single_gen2", "p300_multi": "p300_multi_gen2",
	"p1000_single": "p1000_single_gen2",
}

// PrecisionOf returns how exactly the pipettes with this load name work. Of
// tells where the figures are another model's. ok is false for a name that is
// no pipette's.
func PrecisionOf(model string) (p Precision, ok bool) {
	if other, old := inPlaceOf[model]; old {
		model = other
	}
	for _, p := range published {
		if p.Of == model {
			return p, true
		}
	}
	return Precision{}, false
}

// Errors returns the errors of a volume, all in nL: the limit of the systematic
// one, on either side, and the standard deviation of the random one. Between
// the published volumes they go in straight lines. Below the least they stay as
// large as there, and so weigh more and more; above the greatest they keep their
// share of the volume.
func (p *Precision) Errors(volume float64) (systematic, random float64) {
	first, last := p.at[0], p.at[len(p.at)-1]
	switch {
	case volume <= first.volume:
		return first.systematic, first.random
	case volume >= last.volume:
		share := volume / last.volume
		return last.systematic * share, last.random * share
	}
	i := 1
	for p.at[i].volume < volume {
		i++
	}
	a, b := p.at[i-1], p.at[i]
	share := (volume - a.volume) / (b.volume - a.volume)
	return a.systematic + float64(share*(b.systematic-a.systematic)), a.random + float64(share*(b.random-a.random))
}
