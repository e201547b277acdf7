package ot2_test

import (
	"reflect"
	"slices"

	"github.com/ot2flow/ot2flow/ot2"
)

// difference is a way in which we mean to differ from the vendor's software.
// Every other way is a fault of ours.
type difference struct {
	name, reason string

	// Where holds says so from the call and what the engine does, we refuse
	// with code, or do what the engine refuses with an error that has the words
	// of refuses. Where it holds and we do not, that is a fault too.
	code, refuses string
	holds         func(c *call, theirs *outcome) bool

	// rewrite makes of the engine's steps what we do.
	rewrite func(c *call, theirs []exportStep) []exportStep

	// same reports whether what is still different is this and nothing else.
	same func(c *call, theirs, ours []exportStep) bool
}

var differences = []difference{
	{
		name: "below the minimum", reason: "the vendor draws less than the pipette can draw accurately; we refuse",
		code: "below-minimum", holds: func(c *call, theirs *outcome) bool {
			return slices.ContainsFunc(c.drawn(theirs), func(v float64) bool { least, _ := c.limits(); return 0 < v && v < least })
		},
	},
	{
		name: "negative volume", reason: "the vendor takes a negative volume for none; we refuse",
		code: "bad-volume", holds: func(c *call, _ *outcome) bool {
			return slices.ContainsFunc(c.Do, func(v verb) bool {
				return slices.ContainsFunc(v.Volume, func(x float64) bool { return x < 0 })
			})
		},
	},
	{
		name: "touching what must not be touched", reason: "the vendor leaves out a touch of labware that its definition forbids to touch; we refuse",
		code: "touch-refused", holds: touchesReservoir,
	},
	{
		name: "disposal without distributing", reason: "the vendor takes a disposal volume in a transfer, draws none, and blows out for it; we refuse",
		code: "unknown-key", holds: func(c *call, _ *outcome) bool {
			return slices.ContainsFunc(c.Do, func(v verb) bool { return v.Name == "transfer" && v.Disposal != nil })
		},
	},
	{
		name: "no tip for nothing", reason: "the vendor takes and drops a tip for a volume of 0; we do not",
		rewrite: func(c *call, theirs []exportStep) []exportStep {
			var out []exportStep
			for _, s := range theirs {
				n := len(out)
				if n > 0 && s.Op == "drop_tip" && s.Slot == "" {
					n-- // the way to the trash
				}
				if n > 0 && s.Op == "drop_tip" && out[n-1].Op == "pick_up_tip" && c.takesTips() {
					out = out[:n-1]
					continue
				}
				out = append(out, s)
			}
			return nextTips(theirs, out)
		},
	},
	{
		name: "the tip's capacity", reason: "the vendor divides a volume by what the pipette can hold, and then by what its tip holds; we divide by what both hold",
		same: func(c *call, theirs, ours []exportStep) bool { return c.smallTips() && sameTotals(theirs, ours) },
	},
}

// drawn are the volumes a call draws: one for each pair, and its mixings if
// there is anything to move.
func (c *call) drawn(theirs *outcome) []float64 {
	var out []float64
	for _, v := range c.Do {
		switch v.Name {
		case "transfer":
			out = append(out, v.Volume...)
			if !slices.ContainsFunc(v.Volume, func(x float64) bool { return x > 0 }) {
				continue
			}
			for _, m := range []*mixed{v.Before, v.After} {
				if m != nil {
					out = append(out, m.Volume)
				}
			}
		case "mix", "aspirate":
			out = append(out, v.Volume...)
		}
	}
	return out
}

// takesTips reports whether the call has a method that takes tips itself.
func (c *call) takesTips() bool {
	return slices.ContainsFunc(c.Do, func(v verb) bool { return v.Name == "transfer" && v.NewTip != "never" })
}

// smallTips reports whether the tips hold less than the pipette.
func (c *call) smallTips() bool {
	model, _ := ot2.Pipette(benches[c.Bench].on(c.Mount).pipette)
	_, most := c.limits()
	return most < mm(model.MaxNL)
}

// touchesReservoir: R must not be touched.
func touchesReservoir(c *call, theirs *outcome) bool {
	last := ""
	for _, v := range c.Do {
		wells := slices.Concat(v.From, v.To)
		if len(wells) > 0 && v.Name != "pick_up_tip" {
			last = wells[len(wells)-1]
		}
		inR := func(w string) bool { return w[0] == 'R' }
		if v.Touch && slices.ContainsFunc(wells, inR) || v.Name == "touch_tip" && inR(last) {
			return true
		}
	}
	return false
}

// nextTips takes the tips of steps from the first places that all steps took
// theirs from, because some take none any more.
func nextTips(all, steps []exportStep) []exportStep {
	var places []exportStep
	for _, s := range all {
		if s.Op == "pick_up_tip" {
			places = append(places, s)
		}
	}
	out := slices.Clone(steps)
	down := 0.0 // from where a tip is picked up to where it is returned
	n := -1
	for i := range out {
		s := &out[i]
		switch {
		case s.Op == "pick_up_tip":
			n++
			down = s.Deck[2]
			*s = places[n]
		case s.Op == "drop_tip" && s.Slot != "":
			down -= s.Deck[2]
			s.Slot, s.Well = places[n].Slot, places[n].Well
			s.Deck = []float64{places[n].Deck[0], places[n].Deck[1], places[n].Deck[2] - down}
		}
	}
	return out
}

// sameTotals reports whether the same is moved from and to every well, though
// in other portions.
func sameTotals(theirs, ours []exportStep) bool {
	return reflect.DeepEqual(totals(theirs), totals(ours))
}

// totals are of liquid: what is drawn above the well that was just drawn from
// is air, and is given together with what is given next.
func totals(steps []exportStep) map[string]int64 {
	out := map[string]int64{}
	air := int64(0)
	for i, s := range steps {
		switch v := thousandths(s.Volume); {
		case s.Op == "aspirate" && i > 0 && steps[i-1].Op == "aspirate" && steps[i-1].Well == s.Well && *steps[i-1].Z < *s.Z:
			air += v
		case s.Op == "aspirate":
			out[s.Slot+" "+s.Well] -= v
		case s.Op == "dispense":
			out[s.Slot+" "+s.Well] += v - air
			air = 0
		}
	}
	return out
}
