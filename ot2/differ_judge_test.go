package ot2_test

import (
	"fmt"
	"slices"
	"strings"
)

// verdict says how two outcomes compare: they agree, but for the differences
// named; or problem says where they do not.
type verdict struct {
	intended []string
	problem  string
}

// judge compares what the two sides make of a call.
func judge(c *call, theirs, ours *outcome) verdict {
	var out verdict
	var stricter, must []string
	for _, d := range differences {
		if d.code != "" && d.holds(c, theirs) {
			stricter = append(stricter, d.code)
			if !d.sometimes {
				must = append(must, d.code)
			}
		}
	}
	switch {
	case len(theirs.Refused) > 0 && len(ours.Refused) > 0:
		if c.Bench >= newModules {
			out.problem = sameReason(theirs, ours)
		}
		return out
	case len(theirs.Refused) > 0:
		for _, d := range differences {
			if d.refuses != "" && strings.Contains(theirs.Refused[0], d.refuses) && d.holds(c, theirs) {
				out.intended = append(out.intended, d.name)
				return out
			}
		}
		out.problem = "the engine refuses, we do not: " + theirs.Refused[0]
		return out
	case len(ours.Refused) > 0:
		for _, code := range ours.Refused {
			if !slices.Contains(stricter, code) {
				out.problem = "we refuse, the engine does not: " + strings.Join(ours.Refused, ", ")
				return out
			}
		}
		for _, d := range differences {
			if d.code == ours.Refused[0] {
				out.intended = append(out.intended, d.name)
				break
			}
		}
		return out
	case len(must) > 0:
		out.problem = "this should be refused as " + strings.Join(must, ", ")
		return out
	}
	if out.problem = c.tooMuchOrLittle(ours.Steps); out.problem != "" {
		return out
	}
	t, o := theirNotation(theirs.Steps), ourNotation(ours.Steps)
	for _, d := range differences {
		if d.rewrite == nil {
			continue
		}
		before := render(t)
		if t = d.rewrite(c, t); render(t) != before {
			out.intended = append(out.intended, d.name)
		}
	}
	out.problem = firstDifferent(t, o)
	if out.problem == "" {
		return out
	}
	for _, d := range differences {
		if d.same != nil && d.same(c, t, o) {
			return verdict{intended: append(out.intended, d.name)}
		}
	}
	return out
}

// tooMuchOrLittle says at which step of ours a tip holds more than it can, with
// the air, or less is drawn than the pipette can draw.
func (c *call) tooMuchOrLittle(ours []exportStep) string {
	least, most := c.limits()
	held := int64(0)
	for i, s := range ours {
		switch s.Op {
		case "aspirate", "air_gap":
			held += thousandths(s.Volume)
			if s.Op == "aspirate" && thousandths(s.Volume) < thousandths(least) {
				return fmt.Sprintf("step %d: ours draws less than the pipette can: %s", i+1, s)
			}
		case "dispense":
			held -= thousandths(s.Volume)
		case "blow_out", "pick_up_tip", "drop_tip", "return_tip":
			held = 0
		}
		if held < 0 || held > thousandths(most) {
			return fmt.Sprintf("step %d: ours has %d nL in a tip: %s", i+1, held, s)
		}
	}
	return ""
}

// firstDifferent says at which step two lists differ, or nothing.
func firstDifferent(theirs, ours []exportStep) string {
	for i := range max(len(theirs), len(ours)) {
		switch {
		case i >= len(theirs):
			return fmt.Sprintf("step %d: the engine has no more, ours is %s", i+1, ours[i])
		case i >= len(ours):
			return fmt.Sprintf("step %d: ours has no more, the engine's is %s", i+1, theirs[i])
		case !near(theirs[i].Deck, ours[i].Deck) || withoutDeck(theirs[i]) != withoutDeck(ours[i]):
			return fmt.Sprintf("%s, %s here: step %d\n  engine %s\n  ours   %s", theirs[i].Op, ours[i].Op, i+1, theirs[i], ours[i])
		}
	}
	return ""
}

func render(steps []exportStep) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintln(&b, s)
	}
	return b.String()
}

// How the two write the same thing down. These are no differences.

// theirNotation: an air gap is a move above the well and an ordinary aspirate
// there; the way to the trash is said again by what is done there; a wait for a temperature says again which was set; where a returned tip is let go is left to the robot; tips are dropped
// into the trash left and right in turns, which goes on from call to call.
func theirNotation(steps []exportStep) []exportStep {
	var out []exportStep
	set := map[string]float64{} // the temperatures of modules
	for i, s := range steps {
		switch {
		case s.Op == "set_temperature":
			set[s.Module] = *s.Celsius
		case s.Op == "wait_temperature" && s.Celsius != nil && *s.Celsius == set[s.Module]:
			s.Celsius = nil
		}
		if i+1 < len(steps) && s.Op == "move_to" && steps[i+1].Op == "aspirate" && s.Z != nil && s.Speed == nil && samePlace(s, steps[i+1]) {
			continue
		}
		if i > 0 && s.Op == "move_to" && s.Trash && !s.Spread && steps[i-1].Op == "move_to" && steps[i-1].Trash {
			continue
		}
		out = append(out, trashAnywhere(withDepth(s)))
	}
	return out
}

func samePlace(a, b exportStep) bool {
	return a.Slot == b.Slot && a.Well == b.Well && b.Z != nil && *a.Z == *b.Z && a.X == b.X && a.Y == b.Y
}

// withDepth leaves the height of a returned tip to its point of the deck.
func withDepth(s exportStep) exportStep {
	if s.Op == "drop_tip" && s.Slot != "" {
		s.Z = nil
	}
	return s
}

func trashAnywhere(s exportStep) exportStep {
	if s.Spread {
		s.Deck = nil
	}
	return s
}

// ourNotation brings our steps into the form of the engine's commands.
func ourNotation(steps []exportStep) []exportStep {
	for _, r := range rewritings {
		if r.name != "first home" {
			steps = r.apply(steps, ".json")
		}
	}
	out := make([]exportStep, len(steps))
	for i, s := range steps {
		out[i] = trashAnywhere(withDepth(s))
	}
	return out
}
