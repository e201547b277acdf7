package program

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// What a robot does has nothing to do with the names that a workflow gives to things.
// Whoever compares two plans names things by where they stand.

// ByPlace returns a deck with the same things in the same order, each named by where it
// stands before the first step, and without what is only for people: the colours and
// descriptions of liquids, and the files that definitions are in. What AppendDoes and
// Inventory say with it is the same for two decks that a robot cannot tell apart.
func (d *Deck) ByPlace() *Deck {
	out := *d
	out.Modules = make([]Module, len(d.Modules))
	for i, m := range d.Modules {
		m.Name = "the module in slot " + m.Slot
		out.Modules[i] = m
	}
	out.Labware = make([]Placed, len(d.Labware))
	beside := 0
	for i, l := range d.Labware {
		l.Name = d.standing(i)
		if l.On.On == OffDeck {
			beside++
			l.Name += " " + strconv.Itoa(beside)
		}
		if l.Def.JSON != nil {
			sum := sha256.Sum256(l.Def.JSON)
			l.Type = hex.EncodeToString(sum[:])
		}
		out.Labware[i] = l
	}
	out.Pipettes = make([]Pipette, len(d.Pipettes))
	for i, p := range d.Pipettes {
		p.Name = "the " + p.Mount + " mount"
		out.Pipettes[i] = p
	}
	out.Liquids = make([]Liquid, len(d.Liquids))
	for i, l := range d.Liquids {
		l.Color, l.Description = "", ""
		l.Name = "what is nowhere " + strconv.Itoa(i+1)
		if len(l.Wells) > 0 {
			l.Name = "what is in " + out.WellName(l.Wells[0])
		}
		out.Liquids[i] = l
	}
	return &out
}

// standing says where a labware stands without names of the workflow.
func (d *Deck) standing(i int) string {
	switch on := d.Labware[i].On; on.On {
	case OnModule:
		return "slot " + d.Modules[on.Index].Slot
	case OnLabware:
		return d.standing(int(on.Index)) + ", on top"
	case OffDeck:
		return "beside the robot"
	default:
		return "slot " + SlotName(on)
	}
}

// AppendDoes appends what a step does, as AppendJSON says it, without its number, its id
// and where it comes from: members of a JSON object without the braces.
func (s *Step) AppendDoes(b []byte, d *Deck) []byte { return s.appendOp(b, d) }

// Inventory lists the modules, labware, pipettes and liquids of a deck as plans say them,
// each one JSON object, in the order of the deck.
func (d *Deck) Inventory() (modules, labware, pipettes, liquids []string) {
	for i := range d.Modules {
		modules = append(modules, string(d.Modules[i].appendJSON(nil)))
	}
	for i := range d.Labware {
		labware = append(labware, string(d.Labware[i].appendJSON(nil, d)))
	}
	for i := range d.Pipettes {
		pipettes = append(pipettes, string(d.appendPipette(nil, &d.Pipettes[i])))
	}
	for i := range d.Liquids {
		liquids = append(liquids, string(d.appendLiquid(nil, &d.Liquids[i])))
	}
	return modules, labware, pipettes, liquids
}
