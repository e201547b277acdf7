package program

import (
	"encoding/json"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Left is what earlier runs left on a deck before the first step. It counts in
// place of what the liquids declare; the zero Left is a deck on which
// everything is as declared and every tip is new. Both lists are in the order
// of the deck.
type Left struct {
	Tips  []LeftTip
	Wells []LeftWell
}

// LeftTip is a place of a tip rack that has no new tip.
type LeftTip struct {
	Place WellRef
	State TipState
}

// LeftWell is a well that held something at some time.
type LeftWell struct {
	Well   WellRef
	Volume int64   // nL; of an Unknown one, counted from zero
	Parts  []int64 // nL per Deck.Liquids index, and last what no declaration names
	// Unknown says that how much was in it at first was never said; Of is the
	// liquid it was declared for.
	Unknown bool
	Of      int
}

// IsZero reports whether nothing is left.
func (l *Left) IsZero() bool { return len(l.Tips) == 0 && len(l.Wells) == 0 }

// Leave puts what is left on the deck, of the wells and places of tips that l names.
func (s *State) Leave(l *Left) {
	for _, t := range l.Tips {
		s.tips[t.Place.Labware][t.Place.Well] = t.State
	}
	for i := range l.Wells {
		w := &l.Wells[i]
		c := s.content(w.Well)
		c.Touched, c.Volume, c.Unknown, c.Of = true, w.Volume, w.Unknown, w.Of
		clear(c.Parts)
		copy(c.Parts, w.Parts)
		s.batches.assume(s.Deck, w.Well, c)
	}
}

// appendLeft appends what is left, if anything is.
func (d *Deck) appendLeft(b []byte) []byte {
	if d.Left.IsZero() {
		return b
	}
	b = append(b, " \"left\": {\"tips\": {"...)
	for i, t := range d.Left.Tips {
		b = AppendString(append(b, separator(i)...), d.WellName(t.Place))
		b = AppendString(append(b, ": "...), t.State.String())
	}
	b = append(b, "},\n  \"wells\": {"...)
	for i := range d.Left.Wells {
		w := &d.Left.Wells[i]
		b = append(append(b, comma(i)...), "\n   "...)
		b = AppendString(b, d.WellName(w.Well))
		b = quantity.AppendDecimal(append(b, `: {"volume_uL": `...), w.Volume, 1000)
		b = append(b, `, "liquids": {`...)
		n := 0
		for k, v := range w.Parts {
			if k < len(d.Liquids) && v != 0 {
				b = AppendString(append(b, separator(n)...), d.Liquids[k].Name)
				b = quantity.AppendDecimal(append(b, ": "...), v, 1000)
				n++
			}
		}
		b = append(b, '}')
		if other := w.Parts[len(d.Liquids)]; other != 0 {
			b = quantity.AppendDecimal(append(b, `, "other_uL": `...), other, 1000)
		}
		if w.Unknown {
			b = field(b, "unknown", d.LiquidName(w.Of), false)
		}
		b = append(b, '}')
	}
	return append(b, "}},\n"...)
}

type leftJSON struct {
	Tips  json.RawMessage `json:"tips"`
	Wells json.RawMessage `json:"wells"`
}

type leftWellJSON struct {
	Volume  json.Number     `json:"volume_uL"`
	Liquids json.RawMessage `json:"liquids"`
	Other   json.Number     `json:"other_uL"`
	Unknown string          `json:"unknown"`
}

// left reads what appendLeft wrote.
func (r *reader) left() {
	d := r.plan.Deck
	r.pairs(r.in.Left.Tips, func(k string, v json.RawMessage) {
		var name string
		if json.Unmarshal(v, &name) != nil {
			r.fail("left.tips.%s is no text", k)
		}
		at, state := r.wellName(k), LookupTip(name)
		if r.err == nil && (state == TipNew || !d.Labware[at.Labware].Def.IsTipRack) {
			r.fail("left.tips: %s cannot be %s", k, name)
		}
		d.Left.Tips = append(d.Left.Tips, LeftTip{at, state})
	})
	r.pairs(r.in.Left.Wells, func(k string, v json.RawMessage) {
		var in leftWellJSON
		if json.Unmarshal(v, &in) != nil {
			r.fail("left.wells.%s cannot be read", k)
			return
		}
		w := LeftWell{Well: r.wellName(k), Volume: r.signed(in.Volume, k), Parts: make([]int64, len(d.Liquids)+1), Unknown: in.Unknown != ""}
		if r.err == nil && d.Labware[w.Well.Labware].Def.IsTipRack {
			r.fail("left.wells: %s holds no liquid", k)
		}
		if w.Unknown {
			w.Of = len(d.Liquids)
			if in.Unknown != AnyLiquid {
				w.Of = r.liquidIndex(in.Unknown)
			}
		}
		w.Parts[len(d.Liquids)] = r.signed(in.Other, k)
		r.pairs(in.Liquids, func(name string, v json.RawMessage) {
			w.Parts[r.liquidIndex(name)] = r.signed(json.Number(v), k)
		})
		d.Left.Wells = append(d.Left.Wells, w)
	})
}
