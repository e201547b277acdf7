package program

import (
	"slices"
	"strconv"
	"strings"
)

// Modules are the machines that stand on the deck and hold labware. What they
// are set to is part of the State; what a kind of module can do is a
// ModuleModel, which the package of a robot provides.

// ModuleType says what a module does.
type ModuleType uint8

// The types of modules.
const (
	TemperatureModule ModuleType = iota
	HeaterShaker
	MagneticModule
	Thermocycler
	ModuleTypes int = iota
)

// String returns the name people use in a sentence.
func (t ModuleType) String() string {
	return [...]string{"temperature module", "heater-shaker", "magnetic module", "thermocycler"}[t]
}

// Range is from Min to Max, both included, in the unit of what it bounds.
type Range struct{ Min, Max int64 }

// Holds reports whether v lies in the range.
func (r Range) Holds(v int64) bool { return v >= r.Min && v <= r.Max }

// ModuleModel is what is known of a kind of module. A range of 0 to 0 bounds
// something the module does not have. Lengths are µm.
type ModuleModel struct {
	Name        string // magnetic_module_gen2
	RobotName   string // magneticModuleV2
	DisplayName string
	Type        ModuleType
	Generation  int
	Aliases     []string // other names it is known by
	Covers      []string // the slots it takes where it stands in one place only; empty for any one slot
	LabwareX    [2]int64 // how far right of the slot's corner labware stands, and where the module is in the right column
	LabwareY    [2]int64 // and how far behind it
	LabwareZ    int64    // the plane labware stands on, above the deck
	Overlap     int64    // how far labware sinks in whose definition does not say
	Height      int64    // of the module alone
	OverLabware int64    // how far the module stands out over the top of what stands on it
	Temperature Range    // m°C that can be set, of the plate or block
	Lid         Range    // m°C that can be set, of the lid
	Rotation    Range    // rpm that can be set
	Magnet      Range    // µm above the plane labware stands on
	BlockNL     Range    // volumes a block can be told of
	StepC       int64    // m°C between settings the robot tells apart; 0 for any
}

// Module is a module on the deck under the name the workflow gives it.
type Module struct {
	Name  string
	Model *ModuleModel
	Slot  string // the frontmost left one of those it takes
}

// Ground is the kind of thing labware stands on.
type Ground uint8

// The grounds. Where labware stands in a slot, Place.Index is the number of
// the slot; on a module or another labware it is the index into the Deck.
const (
	OnSlot Ground = iota
	OnModule
	OnLabware
	OffDeck
)

// Place is where a labware stands.
type Place struct {
	On    Ground
	Index int16
}

// Threefold is what is known of something that is open or closed.
type Threefold uint8

// The states of a lid or a latch. A run begins with none of them known.
const (
	NotKnown Threefold = iota
	Open
	Closed
)

// NoTarget is the target of a heater that is off, in m°C.
const NoTarget int32 = -1 << 31

// ModuleState is what a module was told. What it was told before the run is
// not known, and stands as off.
type ModuleState struct {
	Target    int32     // m°C of the plate or block, or NoTarget
	LidTarget int32     // m°C of the lid, or NoTarget
	RPM       int32     // 0 where it does not shake
	Magnet    int32     // µm, where Engaged
	Engaged   bool      // the magnets are up
	Lid       Threefold // of a thermocycler
	Latch     Threefold // of a heater-shaker
}

// NoModule is the index of no module.
const NoModule int8 = -1

var unset = ModuleState{Target: NoTarget, LidTarget: NoTarget}

// NewModule is the state of a module that is off.
func NewModule() ModuleState { return unset }

// Module returns what the module with this index was told.
func (s *State) Module(i int) *ModuleState { return &s.modules[i] }

// Place returns where the labware with this index stands now.
func (s *State) Place(labware int) Place { return s.places[labware] }

// LabwareAt returns the labware that stands directly at a place, or -1. Any
// number of them can be off the deck, so that none is found there.
func (s *State) LabwareAt(p Place) int {
	if p.On == OffDeck {
		return -1
	}
	for i, at := range s.places {
		if at == p {
			return i
		}
	}
	return -1
}

// ModuleUnder returns the module that a labware stands on, also with an adapter
// in between, or -1.
func (s *State) ModuleUnder(labware int) int {
	for range s.places { // a labware on itself, which is refused elsewhere, ends too
		p := s.places[labware]
		switch p.On {
		case OnModule:
			return int(p.Index)
		case OnLabware:
			labware = int(p.Index)
		case OnSlot, OffDeck:
			return -1
		}
	}
	return -1
}

// SlotOf returns the number of the slot that a labware is in, with whatever is
// under it; 0 where it is off the deck.
func (s *State) SlotOf(labware int) int { return s.SlotAt(s.places[labware]) }

// SlotAt returns the number of the slot a place is in; 0 off the deck.
func (s *State) SlotAt(p Place) int {
	for range len(s.places) + 1 {
		switch p.On {
		case OnSlot:
			return int(p.Index)
		case OnModule:
			return slotNumber(s.Deck.Modules[p.Index].Slot)
		case OnLabware:
			p = s.places[p.Index]
		case OffDeck:
			return 0
		}
	}
	return 0
}

// ModuleAt returns the module that takes the slot with this number, or -1.
func (d *Deck) ModuleAt(slot int) int {
	name := strconv.Itoa(slot)
	for i := range d.Modules {
		m := &d.Modules[i]
		if m.Slot == name || m.Model != nil && slices.Contains(m.Model.Covers, name) {
			return i
		}
	}
	return -1
}

// NameSlots sets the slot of every labware to that which it is in before the
// first step, with whatever is under it.
func (d *Deck) NameSlots() {
	s := State{Deck: d, places: make([]Place, len(d.Labware))}
	for i := range d.Labware {
		s.places[i] = d.Labware[i].On
	}
	for i := range d.Labware {
		d.Labware[i].Slot = ""
		if n := s.SlotOf(i); n > 0 {
			d.Labware[i].Slot = strconv.Itoa(n)
		}
	}
}

// Conflict is something that cannot stand where it does, because of what is
// beside it.
type Conflict struct {
	Module        int // index into Deck.Modules
	Labware       int // index into Deck.Labware, or -1 where it is about the module alone
	Message, Help string
}

// slotNumber reads the name of a slot; anything else is 0.
func slotNumber(name string) int {
	n := 0
	for _, c := range []byte(name) {
		if c < '0' || c > '9' || n > 99 {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// SlotPlace is the place of a slot by its name.
func SlotPlace(name string) Place { return Place{OnSlot, int16(slotNumber(name))} }

// PlaceName says a place in words: slot 3, mag, plate_adapter, off the deck.
func (d *Deck) PlaceName(p Place) string {
	switch p.On {
	case OnModule:
		return d.Modules[p.Index].Name
	case OnLabware:
		return d.Labware[p.Index].Name
	case OffDeck:
		return "off the deck"
	case OnSlot:
	}
	return "slot " + strconv.Itoa(int(p.Index))
}

// Sinks returns how far a labware sinks into what it stands on, in µm; ok is
// false where the definition says nothing of it, so that it does not stand
// there.
func (l *Labware) Sinks(into string) (um int64, ok bool) {
	for i := range l.StandsOn {
		if l.StandsOn[i].On == into {
			return l.StandsOn[i].By, true
		}
	}
	return 0, false
}

// Under lists the labware it is made to stand on, by load name.
func (l *Labware) Under() []string {
	var out []string
	for i := range l.StandsOn {
		if !strings.Contains(l.StandsOn[i].On, "Module") {
			out = append(out, l.StandsOn[i].On)
		}
	}
	return out
}

// setModule carries out an operation on a module.
func (s *State) setModule(op *Op, t *Touched) {
	m := &s.modules[op.Module]
	t.Module, t.ModuleBefore = op.Module, *m
	m.Do(op)
}

// Do carries out an operation on the module.
func (m *ModuleState) Do(op *Op) {
	switch op.Kind {
	case SetTemperature:
		m.Target = op.Temperature
	case StopTemperature:
		m.Target = NoTarget
	case SetLidTemperature:
		m.LidTarget = op.Temperature
	case StopLidTemperature:
		m.LidTarget = NoTarget
	case OpenLid:
		m.Lid = Open
	case CloseLid:
		m.Lid = Closed
	case OpenLatch:
		m.Latch = Open
	case CloseLatch:
		m.Latch = Closed
	case Shake:
		m.RPM = op.RPM
	case StopShaking:
		m.RPM = 0
	case Engage:
		m.Engaged, m.Magnet = true, op.At.Z
	case Disengage:
		m.Engaged, m.Magnet = false, 0
	default: // waiting changes nothing
	}
}

func (s *State) moveLabware(op *Op, t *Touched) {
	i := op.Well.Labware
	t.Labware, t.Place = i, s.places[i]
	s.places[i] = op.To
}

// Has reports whether a deck has a place.
func (d *Deck) Has(p Place) bool {
	switch p.On {
	case OnSlot:
		return p.Index > 0
	case OnModule:
		return p.Index >= 0 && int(p.Index) < len(d.Modules)
	case OnLabware:
		return p.Index >= 0 && int(p.Index) < len(d.Labware)
	case OffDeck:
		return true
	}
	return false
}

// SlotName is the name of the slot that a place is.
func SlotName(p Place) string { return strconv.Itoa(int(p.Index)) }
