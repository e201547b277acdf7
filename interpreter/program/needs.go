package program

// Needs is what steps use up.
type Needs struct {
	Tips    []Count // new tips taken, per tip rack (index into Deck.Labware)
	Liquids []Count // nL drawn, per liquid (index into Deck.Liquids)
	Racks   []Count // tip racks in all, where new ones are brought in the course of the steps (index into Deck.Labware)
	Refills []Count // nL of a liquid that are filled in in the course of the steps (index into Deck.Liquids)
	Labware []Count // of a labware in all, where new ones are brought in the course of the steps (index into Deck.Labware)
}

// Count is an amount of something that Index names.
type Count struct {
	Index  int
	Amount int64
}

// Counting counts what steps use up, one after the other.
type Counting struct {
	tips, liquids  []int64
	racks, refills []int64
	labware        []int64
	stock          [][]int16 // the liquid declared for a well, from 1, by labware and well; nil where it has none
}

// NewCounting begins at nothing, with room for the racks and liquids of a deck.
func NewCounting(d *Deck) Counting {
	c := Counting{
		tips: make([]int64, len(d.Labware)), liquids: make([]int64, len(d.Liquids)),
		racks: make([]int64, len(d.Labware)), refills: make([]int64, len(d.Liquids)),
		labware: make([]int64, len(d.Labware)), stock: make([][]int16, len(d.Labware)),
	}
	for i := range d.Liquids {
		for _, w := range d.Liquids[i].Wells {
			if c.stock[w.Labware] == nil {
				c.stock[w.Labware] = make([]int16, len(d.Labware[w.Labware].Def.Wells))
			}
			c.stock[w.Labware][w.Well] = int16(i + 1)
		}
	}
	return c
}

// Count counts one operation by what it touched and the state after it: new tips
// taken, and what was drawn from the wells of a declared liquid less what was
// given back into them, as mixing does.
func (c *Counting) Count(op *Op, touched *Touched, after *State) {
	switch op.Kind {
	case PickUpTip:
		if k := touched.NewTips(op); k > 0 {
			c.tips[op.Well.Labware] += int64(k)
		}
	case RunProtocol:
		for _, tip := range touched.Tips {
			if tip.Before == TipNew && after.Tip(tip.Place) != TipUnknown {
				c.tips[tip.Place.Labware]++
			}
		}
		c.drawn(touched)
	case NewTips:
		for _, rack := range after.Deck.Pipettes[op.Pipette].Racks {
			c.racks[rack] = max(c.racks[rack], 1) + 1
		}
	case Refill:
		c.refills[op.Liquid] -= touched.Moved
	case Exchange:
		c.labware[op.Well.Labware] = max(c.labware[op.Well.Labware], 1) + 1
	case Aspirate, Dispense:
		c.drawn(touched)
	default:
	}
}

func (c *Counting) drawn(t *Touched) {
	for k := range t.Wells {
		r := t.Wells[k].Well
		if stock := c.stock[r.Labware]; stock != nil && stock[r.Well] > 0 {
			c.liquids[stock[r.Well]-1] += t.Wells[k].Moved
		}
	}
}

// Result returns the counts that are more than 0.
func (c *Counting) Result() Needs {
	return Needs{Tips: counts(c.tips), Liquids: counts(c.liquids), Racks: counts(c.racks), Refills: counts(c.refills), Labware: counts(c.labware)}
}

func counts(amounts []int64) []Count {
	var out []Count
	for i, a := range amounts {
		if a > 0 { // less than nothing is what was given to more than drawn from it
			out = append(out, Count{Index: i, Amount: a})
		}
	}
	return out
}
