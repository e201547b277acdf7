package ot2

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// besideModules: where a pipette of an OT-2 cannot go because of a module
// there or beside it. The robot's software refuses it in the middle of a run,
// but for the GEN1 pipettes, which would crash.
type besideModules struct{}

func (besideModules) See(t *program.Transition, r *check.Report) {
	op := &t.Step.Op
	has := op.Kind.Info().Fields
	if len(t.After.Deck.Modules) == 0 {
		return
	}
	if op.Kind == program.MoveLabware {
		for _, c := range Conflicts(t.After) {
			if c.Labware == int(op.Well.Labware) {
				r.Add(program.AboutStep, diag.Diagnostic{Code: diag.ModulePlace, Message: c.Message, Help: c.Help})
			}
		}
		return
	}
	if has&program.HasPipette == 0 || op.Kind == program.EndRun {
		return
	}
	slot, rack := trashSlot, false
	switch {
	case op.Trash:
	case op.Well == program.None:
		return
	default:
		slot, rack = t.After.SlotOf(int(op.Well.Labware)), t.After.Deck.Labware[op.Well.Labware].Def.IsTipRack
	}
	model := t.After.Deck.Pipettes[op.Pipette].Model
	for i := range t.After.Deck.Modules {
		m := &t.After.Deck.Modules[i]
		switch m.Model.Type {
		case program.HeaterShaker:
			besideHeaterShaker(t.After, r, i, slot, model.Channels > 1, rack)
		case program.MagneticModule, program.TemperatureModule:
			if model.Channels > 1 && !strings.HasSuffix(model.Name, "gen2") && m.Model.Generation == 1 && slot == number(m.Slot)+perRow {
				r.Add(program.AboutStep, diag.Diagnostic{
					Code: diag.BesideGen1, Message: "a " + model.Name + " works directly behind the " + m.Model.DisplayName + " " + m.Name + ", and would hit it",
					Help: "put the labware or the module elsewhere, or use a pipette of the second generation",
				})
			}
		case program.Thermocycler:
		}
	}
}

func (besideModules) End(*program.State, *check.Report) {}

// besideHeaterShaker says what the robot's movement flagger would.
func besideHeaterShaker(s *program.State, r *check.Report, module, slot int, multi, rack bool) {
	m, is := &s.Deck.Modules[module], s.Module(module)
	leftRight, frontBack := besides(number(m.Slot))
	on, aside, along := slot == number(m.Slot), slices.Contains(leftRight, slot), slices.Contains(frontBack, slot)
	where := "beside " + m.Name
	if on {
		where = "on " + m.Name
	}
	add := func(code *diag.Code, message, help string) {
		r.Add(program.AboutStep, diag.Diagnostic{Code: code, Message: message, Help: help})
	}
	switch {
	case (on || aside || along) && is.RPM > 0:
		add(diag.Shaking, "a pipette goes "+where+" while that shakes", "stop it first: heater_shaker: {deactivate: shaker}")
	case (on || aside) && is.Latch != program.Closed:
		state := "was not closed by this workflow"
		if is.Latch == program.Open {
			state = "is open"
		}
		add(diag.LatchState, "a pipette goes "+where+" while its latch "+state, "close it first: heater_shaker: {latch: closed}")
	case aside && multi:
		add(diag.BesideShaker, "an 8-channel pipette goes to the left or right of the heater-shaker "+m.Name, "put one of the two elsewhere")
	case along && multi && !rack:
		add(diag.BesideShaker, "an 8-channel pipette goes in front of or behind the heater-shaker "+m.Name+", into labware that is no tip rack", "put one of the two elsewhere")
	}
}
