package interpreter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// What stands where: modules in slots; labware in slots, on modules and on
// adapters, or beside the robot.

// placed is what was put in a slot, on a module or on a labware.
type placed struct {
	name string
	at   diag.Span
}

// modules declares the modules and gives them their slots.
func (p *preparer) modules() {
	for i := range p.p.workflow.Modules {
		m := &p.p.workflow.Modules[i]
		p.declare(m.Name, eval.Type{}, "module", false)
		model := p.moduleModel(m)
		p.moduleAt = append(p.moduleAt, m.Span)
		p.p.deck.Modules = append(p.p.deck.Modules, program.Module{Name: m.Name.Value, Model: model, Slot: m.Slot.Value})
		if !m.Slot.IsSet() {
			continue
		}
		takes := []string{m.Slot.Value}
		if model != nil && len(model.Covers) > 0 {
			if takes = model.Covers; m.Slot.Value != takes[0] {
				p.add(diag.Diagnostic{
					Code: diag.ModulePlace, Span: m.Slot.Span, Message: "a " + model.Type.String() + " stands in slot " + takes[0] + ", from where it takes " + strings.Join(takes, ", "),
					Help: "write slot: " + takes[0], Edits: []diag.Edit{{Span: m.Slot.Span, New: takes[0]}},
				})
				continue
			}
		}
		for _, slot := range takes {
			if !p.take(program.SlotPlace(slot), m.Name.Value, m.Slot.Span) {
				break
			}
		}
	}
}

// take puts something in a place that holds one thing. Where that is taken, it
// says so.
func (p *preparer) take(at program.Place, name string, span diag.Span) bool {
	other, taken := p.taken[at]
	if !taken {
		p.taken[at] = placed{name, span}
		return true
	}
	d := diag.Diagnostic{
		Code: diag.SlotTaken, Span: span, Message: p.p.deck.PlaceName(at) + " already holds " + other.name,
		Related: []diag.Related{{Span: other.at, Message: other.name + " is put there here"}}, Help: "put one of the two elsewhere",
	}
	if at.On == program.OnSlot {
		d.Help = p.freeSlots()
	}
	p.add(d)
	return false
}

// slotNames are the slots of the deck that a workflow can use.
var slotNames = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}

func (p *preparer) freeSlots() string {
	var free []string
	for _, s := range slotNames {
		used := false
		for i := range p.p.workflow.Labware {
			used = used || p.p.workflow.Labware[i].Slot.Value == s
		}
		for i := range p.p.deck.Modules {
			m := &p.p.deck.Modules[i]
			used = used || m.Slot == s || m.Model != nil && slices.Contains(m.Model.Covers, s)
		}
		if !used {
			free = append(free, s)
		}
	}
	if len(free) == 0 {
		return "all slots are taken; two things cannot share one"
	}
	return "free slots: " + strings.Join(free, ", ")
}

func (p *preparer) moduleModel(m *spec.Module) *program.ModuleModel {
	if !m.Type.IsSet() {
		return nil
	}
	model, ok := p.p.machine.Module(m.Type.Value)
	if ok {
		return model
	}
	names := p.p.machine.ModuleNames()
	d := diag.Diagnostic{Code: diag.UnknownModule, Span: m.Type.Span, Message: "there is no module " + m.Type.Value + " for an OT-2", Help: "the modules of an OT-2 are " + strings.Join(names, ", ")}
	if near, found := diag.Nearest(m.Type.Value, names); found {
		d.Help = "did you mean " + near + "?"
		d.Edits = []diag.Edit{{Span: m.Type.Span, New: near}}
	} else if near := p.p.machine.NearestLabware(m.Type.Value); near == m.Type.Value {
		d.Message, d.Help = m.Type.Value+" is a labware, not a module", "declare it under labware:"
	}
	p.add(d)
	return nil
}

// labware declares the labware, with an adapter of its own where it has one,
// and finds the place of each. Adapters that are named come where they stand in
// the section, so that an index is known before the place is.
func (p *preparer) labware() {
	for i := range p.p.workflow.Labware {
		l := &p.p.workflow.Labware[i]
		p.declare(l.Name, eval.Type{}, "labware", false)
		def := p.definition(l)
		p.incomplete = p.incomplete || def == nil
		keep := def != nil && def.IsTipRack
		if l.Keep.Set {
			keep = l.Keep.On
		}
		p.p.deck.Labware = append(p.p.deck.Labware, program.Placed{Name: l.Name.Value, Def: def, Type: l.Type.Value, Keep: keep, EvaporationNL: p.evaporation(l, def), Exchange: p.exchanged(l, def)})
	}
	for i := range p.p.workflow.Labware {
		p.put(i, &p.p.workflow.Labware[i])
	}
	p.p.deck.NameSlots()
	p.conflicts()
}

// exchanged is whether a person exchanges a labware that is full.
func (p *preparer) exchanged(l *spec.Labware, def *program.Labware) bool {
	switch {
	case l.Exchange == "" || def == nil:
		return false
	case def.IsTipRack:
		p.fail(diag.NoEffect, l.Name.Span, "`exchange` is for what can be full, and "+l.Name.Value+" holds tips, which are used up", "say it of the pipette that takes them: refill: ask")
	case len(def.Wells) == 0:
		p.fail(diag.NoEffect, l.Name.Span, "`exchange` has no effect on "+l.Name.Value+", which has no wells", "write it at the labware that stands on it")
	default:
		return true
	}
	return false
}

// labwareAt is where a labware is declared.
func (p *Prepared) labwareAt(labware int) diag.Span {
	for i := range p.workflow.Labware {
		if l := &p.workflow.Labware[i]; l.Name.Value == p.deck.Labware[labware].Name {
			return l.Name.Span
		}
	}
	return diag.Span{}
}

// evaporation is how many nL each well of a labware loses in an hour.
func (p *preparer) evaporation(l *spec.Labware, def *program.Labware) int64 {
	if l.Evaporation.Set && def != nil && def.IsTipRack {
		p.fail(diag.NoEffect, l.Evaporation.Whole(), "`evaporation` has no effect on "+l.Name.Value+", which holds tips", "write it at the labware that holds liquid")
	}
	if !l.Evaporation.Set {
		return 0
	}
	rate, ok := spec.EvaporationRate(l.Evaporation.Text)
	if !ok {
		p.fail(diag.BadValue, l.Evaporation.Whole(), l.Evaporation.Text+" is more than ot2flow counts, or finer than a nanolitre", "write for example 1.5 uL/h")
	}
	return rate
}

// put finds the place of a labware.
func (p *preparer) put(i int, l *spec.Labware) {
	at, span, ok := p.ground(l)
	if !ok {
		p.p.deck.Labware[i].On = program.Place{On: program.OffDeck}
		return
	}
	own := &p.p.deck.Labware[i]
	if l.Adapter.IsSet() {
		under := p.adapter(l, at, span)
		if under < 0 {
			own.On = at
			return
		}
		own = &p.p.deck.Labware[i] // adapter may have moved it
		at, span = program.Place{On: program.OnLabware, Index: int16(under)}, l.Adapter.Span
		p.stands(l.Name, own.Def, &p.p.deck.Labware[under], l.Adapter.Span)
	}
	own.On = at
	if at.On != program.OffDeck {
		p.take(at, l.Name.Value, span)
	}
}

// ground is where the lowest part of a labware stands, by its keys slot and
// module; ok is false where that is not known.
func (p *preparer) ground(l *spec.Labware) (at program.Place, span diag.Span, ok bool) {
	switch {
	case l.Module.IsSet():
		m, there := p.moduleIndex(l.Module.Value)
		if !there {
			p.unknownName(diag.UnknownName, l.Module, "module", p.moduleNames())
		}
		return program.Place{On: program.OnModule, Index: int16(m)}, l.Module.Span, there
	case l.Slot.Value == spec.OffDeck:
		return program.Place{On: program.OffDeck}, l.Slot.Span, true
	case l.Slot.IsSet():
		return program.SlotPlace(l.Slot.Value), l.Slot.Span, true
	}
	return program.Place{On: program.OffDeck}, l.Adapter.Span, l.Adapter.IsSet()
}

// adapter returns the labware under one that has an adapter: one of the section,
// or a new one of its own at the place. It is -1 where there is none.
func (p *preparer) adapter(l *spec.Labware, at program.Place, span diag.Span) int {
	placedItself := l.Slot.IsSet() || l.Module.IsSet()
	if i, named := p.labwareIndex(l.Adapter.Value); named {
		switch {
		case placedItself:
			p.fail(diag.NoEffect, span, l.Name.Value+" stands on "+l.Adapter.Value+", which has a place of its own", "remove this; "+l.Adapter.Value+" says where both are")
			return -1
		case p.p.deck.Labware[i].Name == l.Name.Value:
			p.fail(diag.DoesNotFit, l.Adapter.Span, l.Name.Value+" cannot stand on itself", "name the labware under it")
			return -1
		}
		return i
	}
	def := p.definition(&spec.Labware{Name: l.Name, Type: l.Adapter, Span: l.Span})
	switch {
	case def == nil:
		p.incomplete = true
		return -1
	case !def.IsAdapter:
		p.fail(diag.DoesNotFit, l.Adapter.Span, l.Adapter.Value+" is "+article(def.DisplayName)+", not an adapter", "name an adapter or a block, such as opentrons_96_flat_bottom_adapter")
		return -1
	case !placedItself:
		p.fail(diag.MissingKey, l.Span, "it is not said where "+l.Name.Value+" stands with its adapter", "add slot: or module:")
		return -1
	}
	p.p.deck.Labware = append(p.p.deck.Labware, program.Placed{Name: p.adapterName(l.Name.Value), Def: def, Type: l.Adapter.Value, On: at})
	if at.On != program.OffDeck {
		p.take(at, l.Name.Value, span)
	}
	return len(p.p.deck.Labware) - 1
}

// adapterName is the name of an adapter that the workflow gives none: that of
// the labware on it with _adapter, and a number where that is taken.
func (p *preparer) adapterName(on string) string {
	name := on + "_adapter"
	for n := 2; p.isTaken(name); n++ {
		name = on + "_adapter_" + strconv.Itoa(n)
	}
	return name
}

func (p *preparer) isTaken(name string) bool {
	_, declared := p.names[name]
	_, labware := p.labwareIndex(name)
	return declared || labware || slices.ContainsFunc(p.p.workflow.Pipettes, func(d spec.Pipette) bool { return d.Name.Value == name }) ||
		slices.ContainsFunc(p.p.workflow.Liquids, func(d spec.Liquid) bool { return d.Name.Value == name })
}

// stands reports a labware that is not made to stand on another.
func (p *preparer) stands(name spec.Word, def *program.Labware, on *program.Placed, at diag.Span) {
	if def == nil || on.Def == nil {
		return
	}
	if why, help := check.Standing(name.Value, def, on); why != "" {
		p.fail(diag.DoesNotFit, at, why, help)
	}
}

// conflicts reports what cannot stand beside each other on this machine.
func (p *preparer) conflicts() {
	unknown := func(m program.Module) bool { return m.Model == nil || m.Slot == "" }
	if p.incomplete || p.list.HasErrors() || slices.ContainsFunc(p.p.deck.Modules, unknown) {
		return
	}
	for _, c := range p.p.machine.Conflicts(program.NewState(p.p.deck)) {
		d := diag.Diagnostic{Code: diag.ModulePlace, Message: c.Message, Help: c.Help}
		if c.Labware >= 0 && c.Labware < len(p.p.workflow.Labware) {
			d.Span = p.p.workflow.Labware[c.Labware].Span
		} else {
			d.Span = p.moduleAt[c.Module]
		}
		p.add(d)
	}
}
