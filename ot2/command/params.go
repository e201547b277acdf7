package command

// The commands of the robot's protocol engine that ot2flow sends, with the
// names and units the robot gives them: µL, µL/s, mm, mm/s, s.

// Params are the parameters of one command: the sealed sum below.
type Params interface {
	// Type returns the robot's name of the command.
	Type() string
}

// Vector is a displacement in mm.
type Vector struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	Z float64 `json:"z"`
}

// WellLocation is a point in a well. Origin is top, bottom or center; for
// DropTip also default.
type WellLocation struct {
	Origin string `json:"origin"`
	Offset Vector `json:"offset"`
}

// At names a well of a labware, and a point in it.
type At struct {
	PipetteID string        `json:"pipetteId"`
	LabwareID string        `json:"labwareId"`
	WellName  string        `json:"wellName"`
	Location  *WellLocation `json:"wellLocation,omitempty"`
}

// The commands.
type (
	// LoadPipette names a pipette on a mount.
	LoadPipette struct {
		PipetteName string `json:"pipetteName"`
		Mount       string `json:"mount"`
		PipetteID   string `json:"pipetteId"`
	}
	// LoadModule names a module in a slot.
	LoadModule struct {
		Model    string `json:"model"`
		Location Slot   `json:"location"`
		ModuleID string `json:"moduleId"`
	}
	// LoadLabware names a labware at a place.
	LoadLabware struct {
		At          Place  `json:"location"`
		LoadName    string `json:"loadName"`
		Namespace   string `json:"namespace"`
		Version     int    `json:"version"`
		LabwareID   string `json:"labwareId"`
		DisplayName string `json:"displayName,omitempty"`
	}
	// Slot is a place on the deck.
	Slot struct {
		SlotName string `json:"slotName"`
	}
	// LoadLiquid says what stands in wells; it is shown, and checks nothing.
	LoadLiquid struct {
		LiquidID     string             `json:"liquidId"`
		LabwareID    string             `json:"labwareId"`
		VolumeByWell map[string]float64 `json:"volumeByWell"`
	}
	// PickUpTip picks up the tip of a place.
	PickUpTip struct{ At }
	// DropTip drops the tip into a place of a labware.
	DropTip struct {
		At
		HomeAfter *bool `json:"homeAfter,omitempty"`
	}
	// Aspirate draws.
	Aspirate struct {
		At
		Volume   float64 `json:"volume"`
		FlowRate float64 `json:"flowRate"`
	}
	// Dispense gives.
	Dispense struct {
		At
		Volume   float64  `json:"volume"`
		FlowRate float64  `json:"flowRate"`
		PushOut  *float64 `json:"pushOut,omitempty"`
	}
	// BlowOut pushes the plunger past its end, in a well.
	BlowOut struct {
		At
		FlowRate float64 `json:"flowRate"`
	}
	// TouchTip touches the four sides of a well.
	TouchTip struct {
		At
		Radius float64 `json:"radius"`
		Speed  float64 `json:"speed"`
	}
	// MoveToWell moves the tip; a Speed of 0 is the robot's default.
	MoveToWell struct {
		At
		Speed  float64 `json:"speed,omitempty"`
		Over   float64 `json:"minimumZHeight,omitempty"` // mm above the deck
		Direct bool    `json:"forceDirect,omitempty"`
	}
	// MoveToAreaForDropTip moves above a part of the deck that is no labware:
	// the trash. With Alternate the robot spreads the tips it drops.
	MoveToAreaForDropTip struct {
		PipetteID string  `json:"pipetteId"`
		Area      string  `json:"addressableAreaName"`
		Offset    Vector  `json:"offset"`
		Alternate bool    `json:"alternateDropLocation"`
		Speed     float64 `json:"speed,omitempty"`
	}
	// DropTipInPlace lets go of the tip.
	DropTipInPlace struct {
		PipetteID string `json:"pipetteId"`
		HomeAfter *bool  `json:"homeAfter,omitempty"`
	}
	// DispenseInPlace gives where the tip is.
	DispenseInPlace struct {
		PipetteID string   `json:"pipetteId"`
		Volume    float64  `json:"volume"`
		FlowRate  float64  `json:"flowRate"`
		PushOut   *float64 `json:"pushOut,omitempty"`
	}
	// BlowOutInPlace pushes the plunger past its end where the tip is.
	BlowOutInPlace struct {
		PipetteID string  `json:"pipetteId"`
		FlowRate  float64 `json:"flowRate"`
	}
	// ConfigureNozzles chooses the nozzles of an 8-channel pipette that take
	// tips.
	ConfigureNozzles struct {
		PipetteID string       `json:"pipetteId"`
		Layout    NozzleLayout `json:"configurationParams"`
	}
	// NozzleLayout names nozzles: all of them, one, or those between two.
	NozzleLayout struct {
		Style      string `json:"style"`
		Primary    string `json:"primaryNozzle,omitempty"`
		FrontRight string `json:"frontRightNozzle,omitempty"`
		BackLeft   string `json:"backLeftNozzle,omitempty"`
	}
	// PrepareToAspirate brings the plunger to where it draws from.
	PrepareToAspirate struct {
		PipetteID string `json:"pipetteId"`
	}
	// Home homes all axes.
	Home struct{}
	// WaitForDuration waits.
	WaitForDuration struct {
		Seconds float64 `json:"seconds"`
	}
	// WaitForResume waits for a person.
	WaitForResume struct {
		Message string `json:"message,omitempty"`
	}
	// Comment is a line in the run's log.
	Comment struct {
		Message string `json:"message"`
	}
)

// Type returns the robot's name of the command.
func (LoadPipette) Type() string { return "loadPipette" }

// Type returns the robot's name of the command.
func (LoadLabware) Type() string { return "loadLabware" }

// Type returns the robot's name of the command.
func (LoadLiquid) Type() string { return "loadLiquid" }

// Type returns the robot's name of the command.
func (PickUpTip) Type() string { return "pickUpTip" }

// Type returns the robot's name of the command.
func (DropTip) Type() string { return "dropTip" }

// Type returns the robot's name of the command.
func (Aspirate) Type() string { return "aspirate" }

// Type returns the robot's name of the command.
func (Dispense) Type() string { return "dispense" }

// Type returns the robot's name of the command.
func (BlowOut) Type() string { return "blowout" }

// Type returns the robot's name of the command.
func (TouchTip) Type() string { return "touchTip" }

// Type returns the robot's name of the command.
func (MoveToWell) Type() string { return "moveToWell" }

// Type returns the robot's name of the command.
func (MoveToAreaForDropTip) Type() string { return "moveToAddressableAreaForDropTip" }

// Type returns the robot's name of the command.
func (DropTipInPlace) Type() string { return "dropTipInPlace" }

// Type returns the robot's name of the command.
func (DispenseInPlace) Type() string { return "dispenseInPlace" }

// Type returns the robot's name of the command.
func (BlowOutInPlace) Type() string { return "blowOutInPlace" }

// Type returns the robot's name of the command.
func (ConfigureNozzles) Type() string { return "configureNozzleLayout" }

// Type returns the robot's name of the command.
func (PrepareToAspirate) Type() string { return "prepareToAspirate" }

// Type returns the robot's name of the command.
func (Home) Type() string { return "home" }

// Type returns the robot's name of the command.
func (WaitForDuration) Type() string { return "waitForDuration" }

// Type returns the robot's name of the command.
func (WaitForResume) Type() string { return "waitForResume" }

// Type returns the robot's name of the command.
func (Comment) Type() string { return "comment" }
