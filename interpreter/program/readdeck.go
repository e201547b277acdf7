package program

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// The deck of a stored plan.

// index finds a thing of the deck by its name.
func (r *reader) index(what, name string, n int, nameOf func(int) string) int {
	for i := range n {
		if nameOf(i) == name {
			return i
		}
	}
	r.fail("there is no %s %s", what, name)
	return 0
}

func (r *reader) moduleIndex(name string) int8 {
	return int8(r.index("module", name, len(r.plan.Deck.Modules), func(i int) string { return r.plan.Deck.Modules[i].Name }))
}

func (r *reader) labwareIndex(name string) int {
	return r.index("labware", name, len(r.plan.Deck.Labware), func(i int) string { return r.plan.Deck.Labware[i].Name })
}

func (r *reader) pipetteIndex(name string) int8 {
	return int8(r.index("pipette", name, len(r.plan.Deck.Pipettes), func(i int) string { return r.plan.Deck.Pipettes[i].Name }))
}

func (r *reader) liquidIndex(name string) int {
	return r.index("liquid", name, len(r.plan.Deck.Liquids), func(i int) string { return r.plan.Deck.Liquids[i].Name })
}

func (r *reader) modules() {
	for _, m := range r.in.Modules {
		model, ok := r.defs.Module(m.Type)
		if !ok {
			r.fail("the module %s is not known here", m.Type)
			return
		}
		r.unique("module", m.Name)
		if r.slot(m.Slot).Index == 0 {
			return
		}
		r.plan.Deck.Modules = append(r.plan.Deck.Modules, Module{Name: m.Name, Model: model, Slot: m.Slot})
	}
	if len(r.plan.Deck.Modules) > maxSlots {
		r.fail("it has %d modules, more than any deck", len(r.plan.Deck.Modules))
	}
}

// maxSlots is how many slots a deck has at most.
const maxSlots = 99

func (r *reader) slot(name string) Place {
	p := SlotPlace(name)
	if p.Index < 1 || p.Index > maxSlots {
		r.fail("%q is no slot", name)
	}
	return p
}

func (r *reader) place(in *placeJSON) Place {
	given := 0
	for _, is := range [...]bool{in.Slot != "", in.Module != "", in.On != "", in.OffDeck} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		r.fail("a labware stands in one place: in a slot, on a module, on another labware, or off the deck")
	case in.OffDeck:
		return Place{On: OffDeck}
	case in.Module != "":
		return Place{OnModule, int16(r.moduleIndex(in.Module))}
	case in.On != "":
		return Place{OnLabware, int16(r.labwareIndex(in.On))}
	}
	return r.slot(in.Slot)
}

func (r *reader) labware() {
	for _, l := range r.in.Labware {
		placed := Placed{Name: l.Name, Type: l.LoadName, EvaporationNL: r.number(l.Evaporation, "labware.evaporation_uL_per_h")}
		ref := fmt.Sprintf("%s/%s/%d", l.Namespace, l.LoadName, l.Version)
		if l.File != "" {
			placed.Type, placed.Def = l.File, r.own(l.File)
		} else if def, ok := r.defs.Labware(ref); ok {
			placed.Def = def
		}
		if placed.Def == nil || placed.Def.URI() != ref {
			r.fail("the labware %s of %s is not known here", ref, l.Name)
			return
		}
		if placed.Keep = placed.Def.IsTipRack; l.Keep != nil {
			placed.Keep = *l.Keep
		}
		placed.Exchange = r.asks(l.Exchange)
		r.unique("labware", l.Name)
		r.plan.Deck.Labware = append(r.plan.Deck.Labware, placed)
	}
	// What stands on other labware may come before that.
	for i := range r.plan.Deck.Labware {
		r.plan.Deck.Labware[i].On = r.place(&r.in.Labware[i].placeJSON)
	}
	if r.err != nil {
		return
	}
	r.plan.Deck.NameSlots()
	if len(r.plan.Deck.Labware) > math.MaxInt8 {
		r.fail("it has %d labware, more than any deck", len(r.plan.Deck.Labware))
	}
}

// unique refuses a name that two things of the deck have.
func (r *reader) unique(what, name string) {
	if r.names[name] {
		r.fail("the name %s of a %s is taken", name, what)
	}
	r.names[name] = true
}

func (r *reader) own(file string) *Labware {
	for _, f := range r.plan.Files {
		if f.Name == strings.TrimPrefix(file, "./") {
			def, list := r.defs.ParseLabware(f.Name, f.Data)
			if list.HasErrors() {
				r.fail("%s: %s", f.Name, list[0].Message)
			}
			return def
		}
	}
	r.fail("the definition %s is not inside the plan; make the plan with --out, which puts it in", file)
	return nil
}

// asks reads whether a person is asked to bring something.
func (r *reader) asks(word string) bool {
	if word != "" && word != "ask" {
		r.fail("nobody knows what %q is: it is ask or not there", word)
	}
	return word != ""
}

func (r *reader) pipettes() {
	for _, p := range r.in.Pipettes {
		m, ok := r.defs.Pipette(p.Type)
		if !ok {
			r.fail("the pipette %s is not known here", p.Type)
			return
		}
		out := Pipette{Name: p.Name, Mount: p.Mount, Model: m, Refill: r.asks(p.Refill)}
		for _, name := range p.Tips {
			out.Racks = append(out.Racks, r.rack(name))
		}
		r.unique("pipette", p.Name)
		r.plan.Deck.Pipettes = append(r.plan.Deck.Pipettes, out)
	}
	if len(r.plan.Deck.Pipettes) > 2 {
		r.fail("it has %d pipettes, and a robot two mounts", len(r.plan.Deck.Pipettes))
	}
}

func (r *reader) rack(name string) int {
	i := r.labwareIndex(name)
	if r.err == nil && !r.plan.Deck.Labware[i].Def.IsTipRack {
		r.fail("%s is no tip rack", name)
	}
	return i
}

func (r *reader) well(labware, name string) WellRef {
	i := r.labwareIndex(labware)
	if r.err != nil {
		return None
	}
	w, ok := r.plan.Deck.Labware[i].Def.Well(name)
	if !ok {
		r.fail("%s has no well %s", labware, name)
		return None
	}
	return WellRef{int16(i), int16(w)}
}

func (r *reader) wellName(s string) WellRef {
	labware, well, _ := strings.Cut(s, ".")
	return r.well(labware, well)
}

func (r *reader) liquids() {
	for _, l := range r.in.Liquids {
		out := Liquid{Name: l.Name, Color: l.Color, Description: l.Description, Tip: None}
		r.pairs(l.Wells, func(name string, v json.RawMessage) {
			out.Wells = append(out.Wells, r.wellName(name))
			volume := int64(-1)
			if string(v) != "null" {
				volume = r.number(json.Number(v), name)
			}
			out.VolumeNL = append(out.VolumeNL, volume)
		})
		r.contains(l.Contains, &out)
		if l.Tip != "" {
			out.Tip = r.wellName(l.Tip)
		}
		out.Distinct = l.Distinct
		if out.Kept = l.Kept; !l.Kept {
			r.unique("liquid", l.Name)
		}
		r.plan.Deck.Liquids = append(r.plan.Deck.Liquids, out)
	}
}

func (r *reader) needs(in *needsJSON) (out Needs) {
	out.Tips, out.Racks, out.Labware = r.counts(in.Tips), r.counts(in.Racks), r.counts(in.Labware)
	out.Liquids, out.Refills = r.amounts("liquids", in.Liquids), r.amounts("refills", in.Refills)
	return out
}

// counts reads how many of something there are of labware.
func (r *reader) counts(in json.RawMessage) (out []Count) {
	r.pairs(in, func(name string, v json.RawMessage) {
		out = append(out, Count{r.labwareIndex(name), r.number(json.Number(v), name) / 1000})
	})
	return out
}

// amounts reads how much there is of liquids.
func (r *reader) amounts(key string, in json.RawMessage) (out []Count) {
	r.pairs(in, func(name string, v json.RawMessage) {
		var amount struct {
			Volume json.Number `json:"volume_uL"`
		}
		if json.Unmarshal(v, &amount) != nil {
			r.fail("needs.%s.%s cannot be read", key, name)
		}
		out = append(out, Count{r.liquidIndex(name), r.number(amount.Volume, name)})
	})
	return out
}
