package program

import (
	"math"
	"math/big"

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

// Unit is the unit that concentrations of a component are written in where they
// all have one, and how many base units make one.
func (c *Component) Unit() (string, int64) {
	switch {
	case c.Dim != quantity.Number:
		return c.Dim.Unit(), c.Dim.Base()
	case c.Percent:
		return "%", RatioBase / 100
	}
	return "x", RatioBase
}

// Text renders a concentration of n base units, or of n/RatioBase.
func (c *Component) Text(n int64) string {
	if c.Dim != quantity.Number {
		return c.Dim.Text(n)
	}
	unit, per := c.Unit()
	return string(quantity.AppendDecimal(nil, n, per)) + " " + unit
}

// Share is how much of a component a well holds.
type Share struct {
	Component int   // index into Deck.Components
	N         int64 // base units, to the nearest one
	Unknown   bool  // it holds some, or may, and N is not known
}

// Composition is what a well holds that liquids contain, without that of which
// there is certainly nothing in it.
func (s *State) Composition(r WellRef) []Share {
	c := s.content(r)
	if c == nil || !c.Unknown && c.Volume <= 0 {
		return nil
	}
	var out []Share
	for k := range s.Deck.Components {
		n, why := s.Concentration(r, k)
		switch {
		case why != "":
			out = append(out, Share{Component: k, Unknown: true})
		case n.Sign() > 0:
			out = append(out, Share{Component: k, N: toNearest(n)})
		}
	}
	return out
}

// toNearest rounds a fraction that is not below 0, halves up; what an int64
// cannot hold becomes the most that it can.
func toNearest(n *big.Rat) int64 {
	twice := new(big.Int).Add(new(big.Int).Lsh(n.Num(), 1), n.Denom())
	out := twice.Quo(twice, new(big.Int).Lsh(n.Denom(), 1))
	if !out.IsInt64() {
		return math.MaxInt64
	}
	return out.Int64()
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
		if s.isMixed(c) {
			return nil, "the amount in " + name + " was not declared, and other liquid was added"
		}
		return s.declared(r, c.Of, c.Batch, component)
	case c.Volume <= 0:
		return nil, name + " is empty"
	}
	sum := new(big.Rat)
	for i, v := range c.Parts {
		if v == 0 {
			continue
		}
		if i == len(s.Deck.Liquids) {
			return nil, name + " holds something that no liquid is declared for"
		}
		if why := s.amount(sum, r, c, i, component); why != "" {
			return nil, why
		}
	}
	return sum.Quo(sum, new(big.Rat).SetInt64(c.Volume)), ""
}

// isMixed reports whether something was added to a well of unknown amount that
// is not what it was declared with.
func (s *State) isMixed(c *Content) bool {
	for i, v := range c.Parts {
		if v > 0 && i != c.Of {
			return true
		}
	}
	for k, v := range c.Batches {
		if v > 0 && k != c.Batch {
			return true
		}
	}
	return false
}

// amount adds to sum how much of a component a liquid brings to the well r, whose
// content is c: its volume times its concentration; or it says why that is not
// known.
func (s *State) amount(sum *big.Rat, r WellRef, c *Content, liquid, component int) string {
	if s.batches == nil || s.batches.of[liquid] == nil {
		return s.amountOf(sum, r, c.Parts[liquid], liquid, 0, component)
	}
	for k := s.batches.first[liquid]; k < s.batches.first[liquid+1]; k++ {
		if v := c.Batches[k]; v != 0 {
			if why := s.amountOf(sum, r, v, liquid, k, component); why != "" {
				return why
			}
		}
	}
	return ""
}

func (s *State) amountOf(sum *big.Rat, r WellRef, volume int64, liquid, batch, component int) string {
	of, why := s.declared(r, liquid, batch, component)
	if why == "" {
		sum.Add(sum, of.Mul(of, new(big.Rat).SetInt64(volume)))
	}
	return why
}

// declared is how much of a component a liquid contains, of one of its batches
// where its wells differ. The well r is where it is now.
func (s *State) declared(r WellRef, liquid, batch, component int) (*big.Rat, string) {
	l := &s.Deck.Liquids[liquid]
	if l.Kept {
		return nil, s.Deck.WellName(r) + " holds " + l.Name + " of an earlier run, and nothing says what that contains"
	}
	if component >= len(l.Contains) || len(l.Contains[component]) == 0 {
		return new(big.Rat), ""
	}
	of := l.Contains[component]
	if s.batches == nil || s.batches.of[liquid] == nil || len(of) == 1 {
		return new(big.Rat).SetInt64(of[0]), ""
	}
	well := s.batches.well[batch]
	if well < 0 {
		return nil, "the wells of " + l.Name + " do not hold the same " + s.Deck.Components[component].Name + ", and which of them is in " + s.Deck.WellName(r) + " is not known"
	}
	return new(big.Rat).SetInt64(of[well]), ""
}
