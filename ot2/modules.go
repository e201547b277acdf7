package ot2

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// The modules of an OT-2: Opentrons' module definitions of schema 3 (package
// opentrons-shared-data 8.2.0; 8.8.2 says the same), with the ranges that the
// vendor promises where these are narrower than what its engine lets pass: a
// temperature module is told -9 to 99 C and reaches 4 to 95, a thermocycler's
// block 0 to 99 and 4 to 99.
var modules = [...]program.ModuleModel{
	{
		Name: "temperature_module_gen1", RobotName: "temperatureModuleV1", DisplayName: "Temperature Module GEN1", Type: program.TemperatureModule, Generation: 1,
		Aliases: []string{"temperature_module", "tempdeck"}, LabwareX: [2]int64{-150, -150}, LabwareY: [2]int64{-150, -150}, LabwareZ: 80_090, Height: 84_000, Temperature: program.Range{Min: 4_000, Max: 95_000}, StepC: 1000,
	},
	{
		Name: "temperature_module_gen2", RobotName: "temperatureModuleV2", DisplayName: "Temperature Module GEN2", Type: program.TemperatureModule, Generation: 2,
		LabwareX: [2]int64{-1_450, 1_150}, LabwareY: [2]int64{-150, -150}, LabwareZ: 80_090, Height: 84_000, Temperature: program.Range{Min: 4_000, Max: 95_000}, StepC: 1000,
	},
	{
		Name: "heater_shaker_gen1", RobotName: "heaterShakerModuleV1", DisplayName: "Heater-Shaker Module GEN1", Type: program.HeaterShaker, Generation: 1,
		Aliases: []string{"heater_shaker", "heater_shaker_module", "heater_shaker_module_gen1", "heaterShakerModuleV1"}, LabwareX: [2]int64{-125, 125}, LabwareY: [2]int64{1_125, -1_125}, LabwareZ: 68_275, Height: 82_000,
		Temperature: program.Range{Min: 37_000, Max: 95_000}, Rotation: program.Range{Min: 200, Max: 3000},
	},
	{
		Name: "magnetic_module_gen1", RobotName: "magneticModuleV1", DisplayName: "Magnetic Module GEN1", Type: program.MagneticModule, Generation: 1,
		Aliases: []string{"magnetic_module", "magdeck"}, LabwareX: [2]int64{125, 125}, LabwareY: [2]int64{-125, -125}, LabwareZ: 82_250, Height: 110_152, OverLabware: 4_052, Magnet: program.Range{Min: -2_500, Max: 20_000},
	},
	{
		Name: "magnetic_module_gen2", RobotName: "magneticModuleV2", DisplayName: "Magnetic Module GEN2", Type: program.MagneticModule, Generation: 2,
		LabwareX: [2]int64{-1_175, 1_425}, LabwareY: [2]int64{-125, -125}, LabwareZ: 82_250, Height: 110_152, OverLabware: 4_052, Magnet: program.Range{Min: -2_500, Max: 22_500},
	},
	{
		Name: "thermocycler_gen1", RobotName: "thermocyclerModuleV1", DisplayName: "Thermocycler Module GEN1", Type: program.Thermocycler, Generation: 1,
		Aliases: []string{"thermocycler", "thermocycler_module", "thermocycler_module_gen1"}, Covers: []string{"7", "8", "10", "11"},
		LabwareX: [2]int64{0, 0}, LabwareY: [2]int64{82_560, 82_560}, LabwareZ: 97_800, Overlap: 10_700, Height: 98_000, Temperature: program.Range{Min: 4_000, Max: 99_000}, Lid: program.Range{Min: 37_000, Max: 110_000}, BlockNL: program.Range{Min: 0, Max: 100_000},
	},
	{
		Name: "thermocycler_gen2", RobotName: "thermocyclerModuleV2", DisplayName: "Thermocycler Module GEN2", Type: program.Thermocycler, Generation: 2,
		Aliases: []string{"thermocycler_module_gen2"}, Covers: []string{"7", "8", "10", "11"},
		LabwareX: [2]int64{0, 0}, LabwareY: [2]int64{68_800, 68_800}, LabwareZ: 108_960, Overlap: 10_700, Height: 108_960, Temperature: program.Range{Min: 4_000, Max: 99_000}, Lid: program.Range{Min: 37_000, Max: 110_000}, BlockNL: program.Range{Min: 0, Max: 100_000},
	},
}

// Module finds a module of the OT-2 by its name, by the robot's name for it, or
// by one that Opentrons' Python API takes; upper and lower case, blanks, dashes
// and underscores are alike.
func Module(name string) (*program.ModuleModel, bool) {
	for i := range modules {
		m := &modules[i]
		if m.RobotName == name || alike(m.Name, name) || slices.ContainsFunc(m.Aliases, func(a string) bool { return alike(a, name) }) {
			return m, true
		}
	}
	return nil, false
}

var separators = strings.NewReplacer(" ", "_", "-", "_")

func alike(a, b string) bool { return strings.EqualFold(separators.Replace(a), separators.Replace(b)) }

// ModuleNames lists the names of the OT-2's modules.
func ModuleNames() []string {
	out := make([]string, len(modules))
	for i := range modules {
		out[i] = modules[i].Name
	}
	return out
}

// maxBeside is how tall, in µm, what stands to the left or right of a
// heater-shaker may be, whose latch opens to the sides (Opentrons: 53 mm).
const maxBeside = 53_000

// slimRacks are racks taller than that which leave the latch room.
var slimRacks = []string{
	"opentrons_96_filtertiprack_10ul", "opentrons_96_filtertiprack_200ul", "opentrons_96_filtertiprack_20ul",
	"opentrons_96_tiprack_10ul", "opentrons_96_tiprack_20ul", "opentrons_96_tiprack_300ul",
}

// besides are the slots beside a slot: to its left and right, and in front of
// and behind it.
func besides(slot int) (leftRight, frontBack []int) {
	column := (slot - 1) % perRow
	if column > 0 {
		leftRight = append(leftRight, slot-1)
	}
	if column < perRow-1 {
		leftRight = append(leftRight, slot+1)
	}
	if slot > perRow {
		frontBack = append(frontBack, slot-perRow)
	}
	if slot+perRow <= trashSlot {
		frontBack = append(frontBack, slot+perRow)
	}
	return leftRight, frontBack
}

// Conflicts returns what cannot stand beside each other, as things stand now.
func Conflicts(s *program.State) []program.Conflict {
	var out []program.Conflict
	for i := range s.Deck.Modules {
		m := &s.Deck.Modules[i]
		if m.Model.Type != program.HeaterShaker {
			continue
		}
		out = append(out, besideShaker(s, i, number(m.Slot))...)
	}
	return out
}

func number(slot string) int {
	n, _ := strconv.Atoi(slot)
	return n
}

func besideShaker(s *program.State, shaker, slot int) []program.Conflict {
	var out []program.Conflict
	m := &s.Deck.Modules[shaker]
	if slot == trashSlot-perRow {
		out = append(out, program.Conflict{Module: shaker, Labware: -1, Message: "in slot " + m.Slot + " the trash is in the way of the screw that holds " + m.Name, Help: "put the heater-shaker in slot 1, 3, 4, 6, 7 or 10"})
	}
	leftRight, frontBack := besides(slot)
	for i := range s.Deck.Modules {
		if other := &s.Deck.Modules[i]; i != shaker && takesAny(other, append(slices.Clone(leftRight), frontBack...)) && (i > shaker || other.Model.Type != program.HeaterShaker) {
			out = append(out, program.Conflict{Module: i, Labware: -1, Message: other.Name + " is beside the heater-shaker " + m.Name + ", and no other module may stand there", Help: "put one of the two elsewhere"})
		}
	}
	for i := range s.Deck.Labware {
		l := &s.Deck.Labware[i]
		if l.Def == nil || !slices.Contains(leftRight, s.SlotOf(i)) || l.Def.Namespace == "opentrons" && slices.Contains(slimRacks, l.Def.LoadName) {
			continue
		}
		if top := Base(s, i) + l.Def.Z; top >= maxBeside {
			out = append(out, program.Conflict{
				Module: shaker, Labware: i, Message: l.Name + " reaches " + quantity.Length.Text(top) + " up beside the heater-shaker " + m.Name + ", whose latch needs what is left and right of it to stay below 53 mm",
				Help: "put it elsewhere, or in front of or behind the heater-shaker",
			})
		}
	}
	return out
}

// takesAny reports whether a module takes one of the slots.
func takesAny(m *program.Module, slots []int) bool {
	if slices.Contains(slots, number(m.Slot)) {
		return true
	}
	return slices.ContainsFunc(m.Model.Covers, func(s string) bool { return slices.Contains(slots, number(s)) })
}

// Corner returns where the front left corner of a labware is on the deck, and
// how high its underside, in µm. The deck's modules are turned round in the
// right column, so that their cables leave the deck there.
func Corner(s *program.State, labware int) (x, y, z int64) {
	slot := s.SlotOf(labware)
	if slot < 1 || slot > slotCount {
		return 0, 0, 0
	}
	at := slotAt(slot - 1)
	if i := s.ModuleUnder(labware); i >= 0 {
		m, column := s.Deck.Modules[i].Model, 0
		if slot%perRow == 0 {
			column = 1
		}
		at.X += m.LabwareX[column]
		at.Y += m.LabwareY[column]
	}
	return at.X, at.Y, Base(s, labware)
}

// Base returns how high above the deck the underside of a labware is, in µm:
// on the module and adapter under it, less what it sinks into them. Labware off
// the deck is at 0.
func Base(s *program.State, labware int) int64 {
	var z int64
	for range s.Deck.Labware {
		at, def := s.Place(labware), s.Deck.Labware[labware].Def
		switch at.On {
		case program.OnModule:
			m := s.Deck.Modules[at.Index].Model
			by, says := def.Sinks(m.RobotName)
			if !says {
				by = m.Overlap
			}
			return z + m.LabwareZ - by
		case program.OnLabware:
			under := s.Deck.Labware[at.Index].Def
			by, _ := def.Sinks(under.LoadName)
			z += under.Z - by
			labware = int(at.Index)
		case program.OnSlot, program.OffDeck:
			return z
		}
	}
	return z
}
