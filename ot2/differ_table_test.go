package ot2_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/ot2"
)

// difference is a way in which we mean to differ from the vendor's software.
// Every other way is a fault of ours.
type difference struct {
	name, reason string

	// Where holds says so from the call and what the engine does, we refuse
	// with code, or do what the engine refuses with an error that has the words
	// of refuses. Where it holds and we do not refuse, that is a fault too,
	// unless it depends on more: sometimes.
	code, refuses string
	holds         func(c *call, theirs *outcome) bool
	sometimes     bool

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
			return slices.ContainsFunc(c.spelled(), func(v verb) bool {
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
			return slices.ContainsFunc(c.spelled(), func(v verb) bool { return v.Name == "transfer" && v.Disposal != nil })
		},
	},
	{
		name: "more than one place", reason: "the vendor distributes from the first source and consolidates into the first destination, and forgets the others; we refuse",
		code: "one-place", holds: func(c *call, _ *outcome) bool {
			return slices.ContainsFunc(c.spelled(), func(v verb) bool {
				return v.Name == "distribute" && c.places(v.From) > 1 || v.Name == "consolidate" && c.places(v.To) > 1
			})
		},
	},
	{
		name: "half a column", reason: "with eight channels the vendor leaves out the wells that are not in row A, and lets channels hang over nothing; we refuse",
		code: "not-a-column", sometimes: true, holds: func(c *call, _ *outcome) bool { return c.channels() > 1 },
	},
	{
		name: "channels over nothing", reason: "the vendor draws and gives where some channels are over no well; we refuse",
		code: "channel-over-nothing", sometimes: true, holds: func(c *call, _ *outcome) bool { return c.channels() > 1 },
	},
	{
		name: "tips beside", reason: "the vendor presses nozzles that take no tip onto the tips beside the one that is asked for; we refuse",
		code: "tips-beside", sometimes: true, holds: func(c *call, _ *outcome) bool { return c.Nozzles != "" },
	},
	{
		name: "mixing while the tip holds liquid", reason: "the vendor leaves out a mix after in distribute and a mix before in consolidate; we do it, or refuse where the tip holds liquid",
		code: "mix-while-holding", holds: func(c *call, _ *outcome) bool { return c.mixesHolding() }, sometimes: true,
		same: func(c *call, theirs, ours []exportStep) bool {
			return c.mixesHolding() && firstDifferent(withoutMixes(theirs), withoutMixes(ours)) == ""
		},
	},
	{
		name: "push-out while something stays", reason: "the vendor's analysis lets a push-out pass where the tip is not emptied, and the robot refuses it; we refuse",
		code: "push-out-refused", sometimes: true, holds: func(c *call, _ *outcome) bool {
			return slices.ContainsFunc(c.spelled(), func(v verb) bool { return v.PushOut != nil && *v.PushOut > 0 })
		},
	},
	{
		name: "the last air gap", reason: "in consolidate the vendor forgets that the last air gap has to fit into the tip, and is refused while running; we count it",
		refuses: "InvalidAspirateVolumeError", holds: func(c *call, _ *outcome) bool {
			return slices.ContainsFunc(c.spelled(), func(v verb) bool { return v.Name == "consolidate" && v.AirGap > 0 })
		},
	},
	{
		name: "where to blow out", reason: "the vendor does not blow out into the destination in distribute, nor into the source in consolidate; we do it anywhere",
		refuses: "blowout location for", holds: func(*call, *outcome) bool { return true },
	},
	{
		name: "new tips for fillings", reason: "the vendor keeps one tip for a whole distribute or consolidate, also where a new one is asked for always; we take one for every filling",
		rewrite: tipPerFilling,
		same: func(c *call, theirs, ours []exportStep) bool { // where some nozzles take tips, not from the next column
			return c.Nozzles != "" && c.tipsAlways() && firstDifferent(withoutTipPlaces(theirs), withoutTipPlaces(ours)) == ""
		},
	},
	{
		name: "nothing is dropped", reason: "where one volume of a distribute or consolidate is more than the tip holds, the vendor stops there without a word; we divide it",
		same: func(c *call, _, ours []exportStep) bool { return c.smallTips() && c.gives(ours) },
	},
	{
		name: "a tip rack is no place for liquid", reason: "the vendor blows out above the rack, with a tip that was just taken; we refuse to guess a place",
		code: "which-well", sometimes: true, holds: func(c *call, theirs *outcome) bool {
			return slices.ContainsFunc(theirs.Steps, func(s exportStep) bool {
				return s.Op == "blow_out" && slices.Contains([]string{"7", "8", "10", "11"}, s.Slot)
			})
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
	{
		name: "what modules reach", reason: "the vendor's software takes temperatures that the vendor does not promise for the module (below 4 C, above 95 C), and drops fractions of a degree; we refuse",
		code: "module-range", holds: beyondPromise,
	},
	{
		name: "waiting for nothing", reason: "in the vendor's Python a wait names its temperature, whatever was set, and never ends where nothing was; we refuse",
		code: "nothing-to-wait-for", holds: waitsForNothing,
	},
	{
		name: "moves that cannot be", reason: "the vendor asks a person to move labware to where it is, and off magnets that are up in its wells; we refuse",
		code: "move-refused", sometimes: true, holds: byHand,
	},
	{
		name: "a profile", reason: "the vendor sends a profile as one command; we send its temperatures one after the other, so that a run can be seen and gone on with in the middle",
		rewrite: profileInSteps,
	},
}

// compounds are the methods that make many steps.
var compounds = []string{"transfer", "distribute", "consolidate"}

// drawn are the volumes a call draws: one for each pair, and its mixings if
// there is anything to move.
func (c *call) drawn(theirs *outcome) []float64 {
	var out []float64
	for _, v := range c.spelled() {
		switch v.Name {
		case "transfer", "distribute", "consolidate":
			for _, x := range v.Volume {
				if v.Name == "distribute" {
					x = 0 // what is drawn is more
				}
				out = append(out, x)
			}
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

// mixesHolding reports whether the call asks for a mix that the vendor never
// does.
func (c *call) mixesHolding() bool {
	return slices.ContainsFunc(c.spelled(), func(v verb) bool {
		return v.Name == "distribute" && v.After != nil || v.Name == "consolidate" && v.Before != nil
	})
}

// withoutMixes leaves out what is drawn and given in the same place.
func withoutMixes(steps []exportStep) []exportStep {
	var out []exportStep
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		if i+1 < len(steps) && s.Op == "aspirate" && steps[i+1].Op == "dispense" && samePlace(s, steps[i+1]) && s.Volume == steps[i+1].Volume {
			i++
			continue
		}
		out = append(out, s)
	}
	return out
}

// gives reports whether every destination of the call's only method gets what
// was asked.
func (c *call) gives(steps []exportStep) bool {
	for _, v := range c.spelled() {
		if v.Name != "distribute" && v.Name != "consolidate" {
			continue
		}
		want := map[string]int64{}
		n := max(len(v.From), len(v.To))
		for i := range n {
			to := v.To[min(i, len(v.To)-1)]
			if c.channels() > 1 && c.Nozzles == "" && to[2] != 'A' {
				continue // with the well in row A
			}
			want[c.slot(to)+" "+to[2:]] += thousandths(v.Volume[min(i, len(v.Volume)-1)])
		}
		got := totals(steps)
		for place, volume := range want {
			if got[place] != volume {
				return false
			}
		}
		return true
	}
	return false
}

// tipPerFilling gives every filling of the tip a tip of its own: a filling
// begins with what is drawn behind something that was given.
func tipPerFilling(c *call, theirs []exportStep) []exportStep {
	at := slices.IndexFunc(c.Do, func(v verb) bool {
		return v.NewTip == "always" && (v.Name == "distribute" || v.Name == "consolidate")
	})
	end := slices.IndexFunc(theirs, func(s exportStep) bool { return s.Op == "drop_tip" })
	if at < 0 || end < 0 || theirs[0].Op != "pick_up_tip" {
		return theirs
	}
	if theirs[end].Slot == "" {
		end-- // the way to the trash
	}
	n, given := 0, false
	source := func(s exportStep) bool {
		return slices.ContainsFunc(c.Do[at].From, func(w string) bool { return s.Slot == c.slot(w) && s.Well == w[2:] })
	}
	out := theirs[:1:1]
	for _, s := range theirs[1:end] {
		if s.Op == "aspirate" && source(s) && given {
			out = append(out, placed(theirs[end:], n)...)
			n += c.channels()
			out = append(out, placed(theirs[:1], n)...)
			given = false
		}
		given = given || s.Op == "dispense" && !source(s)
		out = append(out, s)
	}
	return append(out, placed(theirs[end:], n)...)
}

// tipsAlways reports whether the call asks for new tips where several places
// share a filling.
func (c *call) tipsAlways() bool {
	return slices.ContainsFunc(c.Do, func(v verb) bool {
		return v.NewTip == "always" && (v.Name == "distribute" || v.Name == "consolidate")
	})
}

// withoutTipPlaces leaves out where in a rack a tip is taken, and put.
func withoutTipPlaces(steps []exportStep) []exportStep {
	out := slices.Clone(steps)
	for i := range out {
		if s := &out[i]; s.Op == "pick_up_tip" || s.Op == "drop_tip" && s.Slot != "" {
			s.Slot, s.Well, s.Deck = "", "", nil
		}
	}
	return out
}

// channels are those of the call's pipette.
func (c *call) channels() int {
	model, _ := ot2.Pipette(benches[c.Bench].on(c.Mount).pipette)
	return model.Channels
}

// columns reports whether the call's pipette works on columns.
func (c *call) columns() bool {
	return c.channels() > 1 && c.Nozzles != "H1" && c.Nozzles != "A1"
}

// places are how many places wells are: with eight channels a column is one.
func (c *call) places(wells []string) int {
	seen := map[string]bool{}
	for _, w := range wells {
		if c.channels() > 1 && c.Nozzles == "" {
			w = w[:2] + w[3:]
		}
		seen[w] = true
	}
	return len(seen)
}

// slot is that of a well of the call.
func (c *call) slot(well string) string {
	name, _, _ := strings.Cut(well, ".")
	for _, l := range c.standing() {
		if l.name == name {
			return l.slot
		}
	}
	return ""
}

// placed moves steps at place A1 of a tip rack to the n-th place, counted from
// 0 down the columns.
func placed(steps []exportStep, n int) []exportStep {
	out := slices.Clone(steps)
	for i := range out {
		if s := &out[i]; s.Slot != "" {
			s.Well = fmt.Sprintf("%c%d", 'A'+rune(n%8), 1+n/8)
			s.Deck = []float64{s.Deck[0] + 9*float64(n/8), s.Deck[1] - 9*float64(n%8), s.Deck[2]}
		}
	}
	return out
}

// takesTips reports whether the call has a method that takes tips itself.
func (c *call) takesTips() bool {
	return slices.ContainsFunc(c.spelled(), func(v verb) bool { return slices.Contains(compounds, v.Name) && v.NewTip != "never" })
}

// smallTips reports whether the tips hold less than the pipette.
func (c *call) smallTips() bool {
	model, _ := ot2.Pipette(benches[c.Bench].on(c.Mount).pipette)
	_, most := c.limits()
	return most < mm(model.MaxNL)
}

// touchesReservoir: R must not be touched.
func touchesReservoir(c *call, _ *outcome) bool {
	last := ""
	for _, v := range c.spelled() {
		wells := slices.Concat(v.From, v.To)
		if len(wells) > 0 && v.Name != "pick_up_tip" {
			last = wells[len(wells)-1]
		}
		if v.Name == "touch_tip" {
			wells = []string{last}
		}
		if v.Touch {
			wells = v.moved(c)
		}
		if (v.Touch || v.Name == "touch_tip") && slices.ContainsFunc(wells, func(w string) bool { return strings.HasPrefix(w, "R.") }) {
			return true
		}
	}
	return false
}

// moved are the wells between which a method that makes many steps moves
// anything; none where its lists do not pair.
func (v *verb) moved(c *call) []string {
	var out []string
	from, to := c.inRowA(v.From), c.inRowA(v.To)
	n := max(len(from), len(to))
	if len(from) == 0 || len(to) == 0 || n%len(from) != 0 || n%len(to) != 0 || len(v.Volume) != 1 && len(v.Volume) != n {
		return nil
	}
	for i := range n {
		if v.Volume[i%len(v.Volume)] > 0 {
			out = append(out, from[i*len(from)/n], to[i*len(to)/n])
		}
	}
	return out
}

// inRowA leaves with eight channels the wells that stand for their column.
func (c *call) inRowA(wells []string) []string {
	if c.channels() == 1 || c.Nozzles != "" {
		return wells
	}
	return slices.DeleteFunc(slices.Clone(wells), func(w string) bool { return w[2] != 'A' })
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

// totals are of liquid: what is drawn above the point where the tip just was in
// the same well is air, and is given together with what is given next.
func totals(steps []exportStep) map[string]int64 {
	out := map[string]int64{}
	air := int64(0)
	for i, s := range steps {
		switch v := thousandths(s.Volume); {
		case s.Op == "aspirate" && i > 0 && slices.Contains([]string{"aspirate", "dispense"}, steps[i-1].Op) && steps[i-1].Well == s.Well && *steps[i-1].Z < *s.Z:
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
