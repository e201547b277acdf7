package program

import (
	"math/big"
	"slices"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// What is dissolved in liquids. A well holds known volumes of declared liquids,
// and of those it is declared what they contain, so the composition of a well
// follows from its parts: it is not tracked a second time.

// Component is something that liquids contain.
type Component struct {
	Name    string
	Dim     quantity.Dim // MolarConc, MassConc, or Number for a strength or a share
	Percent bool         // a Number that is written in %, not in x
	Known   bool         // Dim and Percent are
}

// RatioBase is how many units of a concentration that is a plain number make 1.
const RatioBase = 1_000_000_000

// Text renders a concentration of n base units, or of n/RatioBase.
func (c *Component) Text(n int64) string {
	switch {
	case c.Dim != quantity.Number:
		return c.Dim.Text(n)
	case c.Percent:
		return string(quantity.AppendDecimal(nil, n, RatioBase/100)) + " %"
	}
	return string(quantity.AppendDecimal(nil, n, RatioBase)) + " x"
}

// Concentration returns how much of a component (index into Deck.Components) a
// well holds, in base units of its dimension, for plain numbers in parts of
// RatioBase; or why that is not known.
func (s *State) Concentration(r WellRef, component int) (n *big.Rat, why string) {
	c, name := s.content(r), ""
	if r != None {
		name = s.Deck.WellName(r)
	}
	switch {
	case c == nil:
		return nil, name + " is no well that can hold liquid"
	case s.IsForgotten(c):
		return nil, "what " + name + " holds was forgotten: a protocol ran of which nothing is known"
	case c.Unknown:
		for i, v := range c.Parts {
			if v > 0 && i != c.Of {
				return nil, "the amount in " + name + " was not declared, and other liquid was added"
			}
		}
		return s.declared(r, c.Of, component, true)
	case c.Volume <= 0:
		return nil, name + " is empty"
	}
	sum, part := new(big.Rat), new(big.Rat)
	for i, v := range c.Parts {
		if v == 0 {
			continue
		}
		if i == len(s.Deck.Liquids) {
			return nil, name + " holds something that no liquid is declared for"
		}
		of, why := s.declared(r, i, component, v == c.Volume)
		if why != "" {
			return nil, why
		}
		sum.Add(sum, part.Mul(of, part.SetInt64(v)))
	}
	return sum.Quo(sum, part.SetInt64(c.Volume)), ""
}

// declared is how much of a component a liquid contains; pure says that the well
// r holds nothing else. Where the wells of the liquid differ, that is known only
// of a well that holds what it was declared with, or what is left of that.
func (s *State) declared(r WellRef, liquid, component int, pure bool) (*big.Rat, string) {
	l := &s.Deck.Liquids[liquid]
	if l.Kept {
		return nil, s.Deck.WellName(r) + " holds " + l.Name + " of an earlier run, and nothing says what that contains"
	}
	if component >= len(l.Contains) || len(l.Contains[component]) == 0 {
		return new(big.Rat), ""
	}
	of := l.Contains[component]
	if len(of) == 1 {
		return new(big.Rat).SetInt64(of[0]), ""
	}
	i := slices.Index(l.Wells, r)
	if !pure || i < 0 || i >= len(of) || l.VolumeNL[i] >= 0 && s.content(r).Volume > l.VolumeNL[i] {
		return nil, "the wells of " + l.Name + " do not hold the same " + s.Deck.Components[component].Name + ", and which of them is in " + s.Deck.WellName(r) + " is not tracked"
	}
	return new(big.Rat).SetInt64(of[i]), ""
}
