package program

// Kind names an atomic operation, as the field names it.
type Kind uint8

// The operations. Their order is that of the table of ops and of the
// documentation; their names are what plan.json says.
const (
	PickUpTip Kind = iota
	Aspirate
	Dispense
	AirGap
	TouchTip
	BlowOut
	DropTip
	ReturnTip
	MoveTo
	Prepare
	Home
	Delay
	Pause
	Comment
	Ask
	Measure
	Request
	Publish
	Notify
	RunProtocol
	SetTemperature
	WaitTemperature
	StopTemperature
	SetLidTemperature
	WaitLidTemperature
	StopLidTemperature
	OpenLid
	CloseLid
	OpenLatch
	CloseLatch
	Shake
	StopShaking
	Engage
	Disengage
	MoveLabware
	NewTips
	Refill
	Exchange
	Lights
	EndRun
	ConfigureNozzles
	Kinds int = iota
)

// Effect says what may be done with an operation whose outcome is in doubt.
type Effect uint8

const (
	// NoEffect operations may be repeated and their results kept.
	NoEffect Effect = iota
	// Idempotent ones may be repeated.
	Idempotent
	// Physical ones touch liquid, tips or labware: never repeated in doubt.
	Physical
	// External ones act on the world outside the robot; without an
	// idempotency key they count as Physical.
	External
)

// String returns the effect's name as in plans and documentation.
func (e Effect) String() string {
	return [...]string{"none", "idempotent", "physical", "external"}[e]
}

// Fields says which attributes of an Op mean something for its kind; only
// these appear in plan.json, and only these are compared.
type Fields uint32

// The attributes of an Op.
const (
	HasPipette Fields = 1 << iota
	HasWell
	HasAt
	HasVolume
	HasRate
	HasSpeed
	HasDuration
	HasText
	HasPushOut
	HasTouch
	HasLive
	HasCorrection
	HasTrash // the place may be the fixed trash instead of a well
	HasNozzles
	HasModule
	HasTemperature
	HasRPM
	HasHeight
	HasHold  // Duration and Volume, where they are given
	HasMove  // a labware and where it goes
	HasOnOff // On
	HasProtocol
	HasLiquid
	HasWay    // Direct and Over
	HasHoming // Home
	HasLabware
)

// Info is the row of an operation in the table of ops.
type Info struct {
	Name   string
	Effect Effect
	Fields Fields
	Doc    string
}

// Info returns k's row.
func (k Kind) Info() *Info { return &opTable[k] }

// String returns the operation's name in plan.json.
func (k Kind) String() string { return opTable[k].Name }

// Waits reports whether the robot stands still at the operation until a person
// lets it go on.
func (k Kind) Waits() bool { return k == Pause || k == MoveLabware || k.Supplies() }

// Supplies reports whether at the operation a person puts onto the deck what the
// program has used up. To do that twice is to do it once.
func (k Kind) Supplies() bool { return k == NewTips || k == Refill || k == Exchange }

var opTable = [Kinds]Info{
	PickUpTip: {"pick_up_tip", Physical, HasPipette | HasWell | HasAt | HasSpeed, "Press the nozzle into a tip and lift it."},
	Aspirate:  {"aspirate", Physical, HasPipette | HasWell | HasAt | HasVolume | HasRate | HasSpeed | HasCorrection, "Draw liquid from a well."},
	Dispense:  {"dispense", Physical, HasPipette | HasWell | HasAt | HasVolume | HasRate | HasSpeed | HasPushOut | HasTrash | HasCorrection, "Give liquid, and the air drawn after it, into a well."},
	AirGap:    {"air_gap", Physical, HasPipette | HasWell | HasAt | HasVolume | HasRate | HasSpeed, "Draw air above a well, so that the tip does not drip."},
	TouchTip:  {"touch_tip", Physical, HasPipette | HasWell | HasAt | HasSpeed | HasTouch, "Touch the sides of a well with the tip."},
	BlowOut:   {"blow_out", Physical, HasPipette | HasWell | HasAt | HasRate | HasSpeed | HasTrash, "Push the plunger past its end to empty the tip."},
	DropTip:   {"drop_tip", Physical, HasPipette | HasWell | HasAt | HasSpeed | HasTrash | HasHoming, "Drop the tip into the trash or a place."},
	ReturnTip: {"return_tip", Physical, HasPipette | HasWell | HasAt | HasSpeed | HasHoming, "Put the tip back to where it came from."},
	MoveTo:    {"move_to", Physical, HasPipette | HasWell | HasAt | HasSpeed | HasWay, "Move the tip to a place."},
	Prepare:   {"prepare", Physical, HasPipette, "Bring the plunger of an empty tip to where it draws from, in the air."},
	Home:      {"home", Idempotent, 0, "Move all axes to their home position."},
	Delay:     {"delay", NoEffect, HasDuration, "Wait."},
	Pause:     {"pause", NoEffect, HasText, "Wait until a person says to go on."},
	Comment:   {"comment", NoEffect, HasText, "Write a line into the run's log."},
	Ask:       {"ask", NoEffect, HasLive, "Ask a person something."},
	Measure:   {"measure", External, HasLive, "Measure with an instrument."},
	Request:   {"request", External, HasLive, "Ask another program something over HTTP."},
	Publish:   {"publish", External, HasLive, "Send a message to a topic of a broker."},
	Notify:    {"notify", External, HasLive, "Tell people something."},

	RunProtocol: {"protocol", Physical, HasProtocol, "Carry out an existing protocol, unchanged, as a run of its own."},

	SetTemperature:     {"set_temperature", Idempotent, HasModule | HasTemperature | HasHold, "Tell a temperature module, a heater-shaker or the block of a thermocycler its temperature; it does not wait."},
	WaitTemperature:    {"wait_temperature", NoEffect, HasModule, "Wait until a module has the temperature it was told, and has held it."},
	StopTemperature:    {"stop_temperature", Idempotent, HasModule, "Switch off a module's heating and cooling."},
	SetLidTemperature:  {"set_lid_temperature", Idempotent, HasModule | HasTemperature, "Tell the lid of a thermocycler its temperature; it does not wait."},
	WaitLidTemperature: {"wait_lid_temperature", NoEffect, HasModule, "Wait until the lid of a thermocycler has its temperature."},
	StopLidTemperature: {"stop_lid_temperature", Idempotent, HasModule, "Switch off the heating of a thermocycler's lid."},
	OpenLid:            {"open_lid", Idempotent, HasModule, "Open the lid of a thermocycler."},
	CloseLid:           {"close_lid", Idempotent, HasModule, "Close the lid of a thermocycler."},
	OpenLatch:          {"open_latch", Idempotent, HasModule, "Open the latch of a heater-shaker."},
	CloseLatch:         {"close_latch", Idempotent, HasModule, "Close the latch of a heater-shaker."},
	Shake:              {"shake", Idempotent, HasModule | HasRPM, "Shake, and go on when the speed is reached."},
	StopShaking:        {"stop_shaking", Idempotent, HasModule, "Stop shaking, and come to rest in the home position."},
	Engage:             {"engage_magnet", Idempotent, HasModule | HasHeight, "Raise the magnets."},
	Disengage:          {"disengage_magnet", Idempotent, HasModule, "Lower the magnets."},
	MoveLabware:        {"move_labware", Physical, HasMove | HasText, "Wait until a person has moved labware."},
	NewTips:            {"new_tips", Idempotent, HasPipette | HasText, "Wait until a person has put new tip racks in the place of all racks of a pipette."},
	Refill:             {"refill", Idempotent, HasLiquid | HasVolume | HasText, "Wait until a person has filled all wells of a liquid up to a volume each."},
	Exchange:           {"exchange", Idempotent, HasLabware | HasText, "Wait until a person has put a new labware in the place of one."},
	Lights:             {"lights", Idempotent, HasOnOff, "Switch the lights of the deck."},

	EndRun: {"end_run", Physical, HasPipette | HasWell, "What the robot does when a run ends: drop the tip that is on, and home."},

	ConfigureNozzles: {"configure_nozzles", Idempotent, HasPipette | HasNozzles, "Choose which nozzles of an 8-channel pipette take tips."},
}

// Origin is the reference point of a height.
type Origin uint8

// The reference points. Liquid is the tracked surface.
const (
	Top Origin = iota
	Bottom
	Center
)

// String returns the origin's name in plan.json and in the language.
func (o Origin) String() string { return [...]string{"top", "bottom", "center"}[o] }

// Position is a point in a well, in micrometres from its Origin.
type Position struct {
	From    Origin
	X, Y, Z int32
}

// Touch says how a tip touches a well's sides.
type Touch struct {
	Radius int16 // thousandths of the well's radius
	Sides  uint8 // bit 0 left, 1 right, 2 front, 3 back
}

// AllSides is the Touch of every side at the full radius.
var AllSides = Touch{Radius: 1000, Sides: 15}

// Op is one atomic operation. It is a small value without pointers; which of
// its fields mean something is said by its Kind's row.
type Op struct {
	Kind        Kind
	Pipette     int8    // index into Deck.Pipettes
	Trash       bool    // the place is the fixed trash, not Well
	Home        Homing  // of the plunger, behind a tip that is let go
	Direct      bool    // in a straight line
	Over        int32   // µm above the deck that the end of the tip travels at least; 0: as needed
	HasPush     bool    // PushOut is given; otherwise the robot's own for the model
	Well        WellRef // that of the primary nozzle
	At          Position
	Touch       Touch
	Nozzles     Nozzles
	Module      int8  // index into Deck.Modules
	Liquid      int16 // index into Deck.Liquids
	On          bool  // of the lights
	To          Place // of labware that is moved; which one is Well.Labware
	Temperature int32 // m°C
	RPM         int32
	Volume      int64 // nL; of a pipette with several channels, of each; of a thermocycler's block, what the fullest well holds, or 0; of a refill, up to what each well is filled
	PushOut     int64 // nL
	// Correction is how many nL further the plunger moves than Volume says, so
	// that Volume is what moves: what the robot is told is the sum of the two.
	Correction int64
	Rate       int64 // nL/s
	Speed      int64 // µm/s of the gantry on the way there, or of the touch; 0 is the robot's default
	Duration   int64 // ms; of a thermocycler's block, how long it is held before a wait for it ends
}

// Homing says whether the plunger is homed.
type Homing uint8

// The choices there are: what the robot does by itself, or as it is told.
const (
	OwnHoming Homing = iota
	WithHoming
	WithoutHoming
)

// HomingIf is the homing of a plunger that is told.
func HomingIf(home bool) Homing {
	if home {
		return WithHoming
	}
	return WithoutHoming
}

// DefaultSpeed is the OT-2's gantry speed where a step names none, in µm/s
// (Opentrons: 400 mm/s).
const DefaultSpeed = 400_000
