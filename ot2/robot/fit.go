package robot

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// standsFor are the pipettes of the first generation that robots accept a newer
// one for. The reverse is not accepted.
var standsFor = map[string]string{
	"p20_single_gen2":   "p10_single",
	"p20_multi_gen2":    "p10_multi",
	"p300_single_gen2":  "p300_single",
	"p300_multi_gen2":   "p300_multi",
	"p1000_single_gen2": "p1000_single",
}

// Misfits says what of a device the plan cannot be carried out with, in a
// sentence each, with what to do. It is empty where everything fits.
func Misfits(p *program.Plan, d run.Device) []string {
	var out []string
	software, err := ot2.ParseSoftware(d.Software)
	if err == nil && software.Before(ot2.Oldest) && software != (ot2.Software{}) {
		out = append(out, fmt.Sprintf("the robot's software is %s, and %s or later is needed; update the robot with the Opentrons App", d.Software, ot2.Oldest))
	}
	for i := range p.Deck.Pipettes {
		if text := misfit(&p.Deck.Pipettes[i], d.Pipettes); text != "" {
			out = append(out, text)
		}
	}
	models := make([]string, 0, len(d.Modules))
	for _, m := range d.Modules {
		models = append(models, m.Model)
	}
	out = append(out, lacking(p.Deck, models)...)
	out = append(out, untaken(p, software)...)
	return append(out, sparse(p, software)...)
}

// sameModule are the models that robots take for each other: a temperature
// module of either generation. Those of the others differ in what they can do.
var sameModule = map[string]string{"temperatureModuleV1": "temperatureModuleV2", "temperatureModuleV2": "temperatureModuleV1"}

// lacking names the modules of the plan that are not attached. The robot gives
// each of its modules to one of the plan, the exact model first.
func lacking(d *program.Deck, there []string) []string {
	free := slices.Clone(there)
	take := func(model string) bool {
		i := slices.Index(free, model)
		if i >= 0 {
			free = slices.Delete(free, i, i+1)
		}
		return i >= 0
	}
	missing := make([]*program.Module, 0, len(d.Modules))
	for i := range d.Modules {
		if m := &d.Modules[i]; !take(m.Model.RobotName) {
			missing = append(missing, m)
		}
	}
	has := "no module is attached"
	if len(there) > 0 {
		has = "attached are " + strings.Join(there, ", ")
	}
	var out []string
	for _, m := range missing {
		if other := sameModule[m.Model.RobotName]; other == "" || !take(other) {
			out = append(out, fmt.Sprintf("slot %s: the plan needs a %s (%s), and %s; connect it and switch it on, or change its type in the workflow", m.Slot, m.Model.DisplayName, m.Name, has))
		}
	}
	return out
}

func misfit(want *program.Pipette, there []run.Attached) string {
	i := slices.IndexFunc(there, func(a run.Attached) bool { return a.Mount == want.Mount })
	if i < 0 {
		return fmt.Sprintf("%s mount: the plan needs a %s (%s), and nothing is attached; attach it, or change mount or type in the workflow", want.Mount, want.Model.Name, want.Name)
	}
	has := there[i].Model
	if has == want.Model.Name || standsFor[has] == want.Model.Name {
		return ""
	}
	return fmt.Sprintf("%s mount: the plan needs a %s (%s), and a %s is attached; attach the other one, or change mount or type in the workflow", want.Mount, want.Model.Name, want.Name, has)
}

// untaken names the pipettes that the robot's software does not let work with
// the nozzles that the plan chooses.
func untaken(p *program.Plan, s ot2.Software) []string {
	var out []string
	told := map[int8]bool{}
	for i := range p.Steps {
		op := &p.Steps[i].Op
		if op.Kind != program.ConfigureNozzles || told[op.Pipette] {
			continue
		}
		if why := ot2.NoLayout(s, op.Nozzles); why != "" {
			told[op.Pipette] = true
			pip := &p.Deck.Pipettes[op.Pipette]
			out = append(out, fmt.Sprintf("%s mount: %s; update the robot with the Opentrons App, or use all nozzles of %s or a single-channel pipette", pip.Mount, why, pip.Name))
		}
	}
	return out
}

// sparse names the racks that the robot's software does not pick up from.
func sparse(p *program.Plan, s ot2.Software) []string {
	var out []string
	told := map[int16]bool{}
	for i := range p.Steps {
		op := &p.Steps[i].Op
		if op.Kind != program.PickUpTip || told[op.Well.Labware] {
			continue
		}
		told[op.Well.Labware] = true
		l := &p.Deck.Labware[op.Well.Labware]
		if why := ot2.SparseRack(s, l.Def); why != "" {
			out = append(out, fmt.Sprintf("%s in slot %s: %s; %s", l.Name, l.Slot, why, ot2.PaddingOf(l)))
		}
	}
	return out
}

// fits makes one error of what does not fit.
func fits(p *program.Plan, d run.Device) error {
	if list := Misfits(p, d); len(list) > 0 {
		return failure(run.Rejected, nil, "%s", strings.Join(list, "\n  "))
	}
	return nil
}

// Busy is the error of a device that is at something for somebody else, or nil.
func Busy(d run.Device) error {
	switch {
	case d.Busy != "":
		return failure(run.Busy, nil, "%s is busy with %s; wait until it is over, or end it in the Opentrons App", d.Name, d.Busy)
	case d.DoorOpen:
		return failure(run.Rejected, nil, "the door of %s is open, and it is set to move with its door closed only; close it", d.Name)
	}
	return nil
}
