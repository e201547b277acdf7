package ot2

import (
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// pipette is a row of the generated table: the model, and the tip racks whose
// tips go onto its nozzle further or less far than its usual ones.
type pipette struct {
	program.PipetteModel
	pushOut  int64 // nL, the most beyond which the robot refuses a push-out
	reach    int64 // µm above the deck, as high as the nozzle goes
	overlaps []overlap
}

type overlap struct {
	rack   string
	length int64
}

// Pipette returns what is known of the pipette with the robot's load name,
// such as p300_single_gen2. The default flow rates are those of the newest API
// level; the robot's HTTP API has none and wants them with every command.
//
// Tips are the standard racks made for the pipette, the usual ones first. A
// rack that is not among them may still fit; the robot tries any.
func Pipette(name string) (*program.PipetteModel, bool) {
	p, ok := find(name)
	if !ok {
		return nil, false
	}
	model := p.PipetteModel
	model.Tips = slices.Clone(model.Tips)
	return &model, true
}

// PipetteNames returns the load names of the OT-2's pipettes, from the
// smallest to the largest.
func PipetteNames() []string {
	names := make([]string, len(pipettes))
	for i := range pipettes {
		names[i] = pipettes[i].Name
	}
	return names
}

// TipOverlap returns how far a tip of the standard rack with this load name
// goes onto the nozzle of m before any calibration, in µm. Most racks share
// m.TipOverlap.
func TipOverlap(m *program.PipetteModel, rack string) int64 {
	p, _ := find(m.Name)
	for _, o := range p.overlaps {
		if o.rack == rack {
			return o.length
		}
	}
	return m.TipOverlap
}

// MaxPushOut returns the largest push-out of m in nL: what the plunger moves
// between the end of a dispense and that of a blow-out.
func MaxPushOut(m *program.PipetteModel) int64 {
	p, _ := find(m.Name)
	return p.pushOut
}

// MaxHeight returns how high above the deck, in µm, the end of a tip that stands
// out by tip goes on m, or without one the nozzle itself. It is what a robot
// counts with that was never calibrated; calibration moves it by a millimetre or
// so.
func MaxHeight(m *program.PipetteModel, tip int64) int64 {
	p, _ := find(m.Name)
	return p.reach - tip
}

// WorkingVolume returns the most that m holds in a tip of tipNL: a pipette
// cannot draw more than its tip takes, nor a tip more than the pipette moves.
func WorkingVolume(m *program.PipetteModel, tipNL int64) int64 { return min(m.MaxNL, tipNL) }

func find(name string) (pipette, bool) {
	for i := range pipettes {
		if pipettes[i].Name == name {
			return pipettes[i], true
		}
	}
	return pipette{}, false
}
