package ot2

import (
	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/command"
	"github.com/ot2flow/ot2flow/ot2/labware"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Machine is the OT-2 as the interpreter knows it.
type Machine struct{}

var _ interpreter.Machine = Machine{}

// Labware finds a definition of the standard catalogue.
func (Machine) Labware(ref string) (*program.Labware, bool) { return labware.Lookup(ref) }

// NearestLabware returns the load name that was probably meant, or "".
func (Machine) NearestLabware(ref string) string { return labware.Nearest(ref) }

// ParseLabware reads a definition of the user's own.
func (Machine) ParseLabware(file string, data []byte) (*program.Labware, diag.List) {
	return labware.Parse(file, data)
}

// Pipette finds a pipette of the OT-2 by its load name.
func (Machine) Pipette(name string) (*program.PipetteModel, bool) { return Pipette(name) }

// PipetteNames lists the load names of the OT-2's pipettes.
func (Machine) PipetteNames() []string { return PipetteNames() }

// Module finds a module of the OT-2 by its name.
func (Machine) Module(name string) (*program.ModuleModel, bool) { return Module(name) }

// ModuleNames lists the names of the OT-2's modules.
func (Machine) ModuleNames() []string { return ModuleNames() }

// Conflicts returns what cannot stand beside each other.
func (Machine) Conflicts(s *program.State) []program.Conflict { return Conflicts(s) }

// Analysis reads what the robot's software found when it analysed a protocol.
func (Machine) Analysis(data []byte) (*program.Recording, error) { return command.ReadAnalysis(data) }

// Rules returns what is true of an OT-2 only.
func (Machine) Rules() []check.Rule { return Rules() }

// Timer returns the OT-2's model of time.
func (Machine) Timer(d *program.Deck) program.Timer { return NewTimer(d) }
