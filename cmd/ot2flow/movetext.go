package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// cell is as wide as a slot is in the picture of a deck.
const cell = 20

// movePicture draws the deck as the person in front of it sees it, before the
// move of labware that step n is: the labware and its goal in brackets.
//
//	10 tc             11 tc             12 trash
//	 7 [pcr] on tc     8 tc              9 beads on mag
func movePicture(d *program.Deck, steps []program.Step, n int) []string {
	at := slices.IndexFunc(steps, func(s program.Step) bool { return s.N == n })
	op := &steps[at].Op
	places := program.PlacesBefore(d, steps, n)
	goal := 0
	if s := depict.SlotOf(d, places, op.To); op.To.On != program.OffDeck {
		goal = s
	}
	var out []string
	for row := 3; row >= 0; row-- {
		line := ""
		for column := 1; column <= 3; column++ {
			slot := 3*row + column
			text := inSlot(d, places, slot, int(op.Well.Labware))
			if slot == goal {
				text = strings.TrimSpace(text + " [here]")
			}
			line += fmt.Sprintf("%2d %-*s ", slot, cell, short(text, cell))
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	aside := ""
	for i, p := range places {
		if p.On == program.OffDeck {
			aside += "  " + bracketed(d.Labware[i].Name, i == int(op.Well.Labware))
		}
	}
	if op.To.On == program.OffDeck {
		aside += "  [here]"
	}
	if aside != "" {
		out = append(out, "beside the robot:"+aside)
	}
	return out
}

// inSlot says what is in a slot: the labware on top first, then what it is on.
func inSlot(d *program.Deck, places []program.Place, slot, moved int) string {
	if strconv.Itoa(slot) == ot2.TrashSlot {
		return "trash"
	}
	var parts []string
	if m := d.ModuleAt(slot); m >= 0 {
		parts = append(parts, d.Modules[m].Name)
		if d.Modules[m].Slot != strconv.Itoa(slot) {
			return parts[0] // only the first of its slots holds labware
		}
	}
	for under := -1; ; {
		i := slices.IndexFunc(places, func(p program.Place) bool {
			if under >= 0 {
				return p.On == program.OnLabware && int(p.Index) == under
			}
			return (p.On == program.OnSlot || p.On == program.OnModule) && depict.SlotOf(d, places, p) == slot
		})
		if i < 0 {
			break
		}
		parts = append(parts, bracketed(d.Labware[i].Name, i == moved))
		under = i
	}
	slices.Reverse(parts)
	return strings.Join(parts, " on ")
}

func bracketed(s string, yes bool) string {
	if yes {
		return "[" + s + "]"
	}
	return s
}

// short cuts a text that is too long for its place.
func short(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

// moves lists what a person moves in the course of the plan.
func (t *planText) moves() {
	told := false
	for i := range t.plan.Steps {
		s := &t.plan.Steps[i]
		if s.Op.Kind != program.MoveLabware {
			continue
		}
		if !told {
			t.f("\n%s\n", t.bold("Moved by hand"))
			told = true
		}
		t.f("  step %d: %s\n", s.N, program.MoveText(t.plan.Deck, t.plan.Steps, s.N))
		for _, line := range movePicture(t.plan.Deck, t.plan.Steps, s.N) {
			t.f("    %s\n", t.dim(line))
		}
	}
}

// supplies lists what a person brings in the course of the plan.
func (t *planText) supplies() {
	told := false
	for i := range t.plan.Steps {
		s := &t.plan.Steps[i]
		if !s.Op.Kind.Supplies() {
			continue
		}
		if !told {
			t.f("\n%s\n", t.bold("Brought by hand, while the robot waits"))
			told = true
		}
		t.f("  step %d: %s\n", s.N, s.Text)
		t.exchanged(s)
	}
}

// exchanged shows where the labware stands that is exchanged.
func (t *planText) exchanged(s *program.Step) {
	if s.Op.Kind != program.Exchange {
		return
	}
	for _, line := range movePicture(t.plan.Deck, t.plan.Steps, s.N) {
		t.f("    %s\n", t.dim(line))
	}
}
