package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Machine is the kind of robot a workflow is prepared for: what can stand on
// it, and what is true of it alone. Package ot2 has the one for an OT-2.
type Machine interface {
	// Labware finds a definition of the standard catalogue by load name or by
	// namespace/loadName/version.
	Labware(ref string) (*program.Labware, bool)
	// NearestLabware returns the load name that was probably meant, or "".
	NearestLabware(ref string) string
	// ParseLabware reads a definition of the user's own.
	ParseLabware(file string, data []byte) (*program.Labware, diag.List)
	// Pipette finds a pipette by its load name.
	Pipette(name string) (*program.PipetteModel, bool)
	// PipetteNames lists the load names of all pipettes.
	PipetteNames() []string
	// Module finds a module by its name, or one that others call it.
	Module(name string) (*program.ModuleModel, bool)
	// ModuleNames lists the names of all modules.
	ModuleNames() []string
	// Conflicts returns what cannot stand beside each other, as things stand.
	Conflicts(*program.State) []program.Conflict
	// LiquidClass finds a liquid class that is shipped, by its name.
	LiquidClass(name string) (*spec.LiquidClass, bool)
	// LiquidClasses lists the names of those that are shipped.
	LiquidClasses() []string
	// Analysis reads what such a robot found when it analysed a protocol.
	Analysis(data []byte) (*program.Recording, error)
	// Rules returns the rules that are true of this kind of robot only.
	Rules() []check.Rule
	// Timer returns a model of how long operations take on the deck.
	Timer(*program.Deck) program.Timer
}
