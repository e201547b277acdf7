package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Analyses: what the robot's software finds when it does a protocol in its
// head. One is recorded in a file, or read from a robot.

type analysisJSON struct {
	Result string `json:"result"`
	Robot  string `json:"robotType"`
	Errors []struct {
		ErrorType string `json:"errorType"`
		Detail    string `json:"detail"`
	} `json:"errors"`
	Files []struct {
		Name string `json:"name"`
		Role string `json:"role"`
	} `json:"files"`
	Params []struct {
		Name    string          `json:"variableName"`
		Value   json.RawMessage `json:"value"`
		Default json.RawMessage `json:"default"`
		File    *struct {
			Name string `json:"name"`
		} `json:"file"`
	} `json:"runTimeParameters"`
	Commands *[]recordedCommand `json:"commands"`
}

type recordedCommand struct {
	Type   string         `json:"commandType"`
	Params recordedParams `json:"params"`
	Result struct {
		LabwareID  string `json:"labwareId"`
		PipetteID  string `json:"pipetteId"`
		ModuleID   string `json:"moduleId"`
		Definition *struct {
			Namespace  string `json:"namespace"`
			Parameters struct {
				LoadName string `json:"loadName"`
			} `json:"parameters"`
		} `json:"definition"`
	} `json:"result"`
}

// recordedParams are the parameters that any of the commands has.
type recordedParams struct {
	PipetteID   string          `json:"pipetteId"`
	LabwareID   string          `json:"labwareId"`
	ModuleID    string          `json:"moduleId"`
	WellName    string          `json:"wellName"`
	PipetteName string          `json:"pipetteName"`
	Mount       string          `json:"mount"`
	Model       string          `json:"model"`
	LoadName    string          `json:"loadName"`
	Namespace   string          `json:"namespace"`
	Location    json.RawMessage `json:"location"`
	NewLocation json.RawMessage `json:"newLocation"`
	Volume      float64         `json:"volume"`
	FlowRate    float64         `json:"flowRate"`
	Seconds     float64         `json:"seconds"`
	Celsius     float64         `json:"celsius"`
	RPM         float64         `json:"rpm"`
	Height      float64         `json:"height"`
	At          *struct {
		Origin string `json:"origin"`
		Offset Vector `json:"offset"`
	} `json:"wellLocation"`
	Nozzles struct {
		Style   string `json:"style"`
		Primary string `json:"primaryNozzle"`
		Back    string `json:"backLeftNozzle"`
		Front   string `json:"frontRightNozzle"`
	} `json:"configurationParams"`
	Profile []struct {
		Celsius float64 `json:"celsius"`
		Hold    float64 `json:"holdSeconds"`
	} `json:"profile"`
}

// ReadAnalysis reads an analysis, as the robot's software records it or a robot
// returns it. The error says why it is none that anything can be taken from.
func ReadAnalysis(data []byte) (*program.Recording, error) {
	var in analysisJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, errors.New("it is no analysis of a protocol: it is not the JSON that the robot's software writes")
	}
	switch {
	case in.Commands == nil:
		return nil, errors.New("it is no analysis of a protocol: it has no commands")
	case len(in.Errors) > 0:
		return nil, fmt.Errorf("the protocol does not pass its analysis: %s", in.Errors[0].Detail)
	case in.Result != "" && in.Result != "ok":
		return nil, fmt.Errorf("the protocol does not pass its analysis: its result is %s", in.Result)
	case in.Robot != "" && in.Robot != "OT-2 Standard":
		return nil, fmt.Errorf("the protocol is for another robot: %s", in.Robot)
	}
	r := recorder{out: &program.Recording{}, pipettes: map[string]int{}, modules: map[string]int{}, labware: map[string]int{"fixedTrash": theTrash}}
	for _, f := range in.Files {
		if f.Role == "main" {
			r.out.Main = f.Name
		}
	}
	for _, p := range in.Params {
		param := program.RecordedParam{Name: p.Name, Value: string(p.Value), Default: string(p.Default)}
		if p.File != nil {
			param.Table = p.File.Name
		}
		r.out.Params = append(r.out.Params, param)
	}
	for i := range *in.Commands {
		r.command(&(*in.Commands)[i])
	}
	return r.out, nil
}

// theTrash stands for the index of the fixed trash, which older protocols have
// as a labware.
const theTrash = -2

// recorder makes operations of commands.
type recorder struct {
	out                        *program.Recording
	pipettes, modules, labware map[string]int // by the robot's id
	at                         []spot         // of each pipette
}

// spot is where a pipette is.
type spot struct {
	known bool
	trash bool
	lab   int
	well  string
	air   bool // above the well
}

func (r *recorder) unheard(what string) {
	if !slices.Contains(r.out.Unheard, what) {
		r.out.Unheard = append(r.out.Unheard, what)
	}
}

// harmless are the commands that change nothing that is kept account of.
var harmless = []string{
	"home", "comment", "custom", "waitForResume", "pause", "setRailLights", "setStatusBar", "savePosition", "loadLiquid", "loadLiquidClass",
	"configureForVolume", "prepareToAspirate", "touchTip", "reloadLabware", "retractAxis",
	"temperatureModule/waitForTemperature", "heaterShaker/waitForTemperature", "thermocycler/waitForBlockTemperature", "thermocycler/waitForLidTemperature",
}

func (r *recorder) command(c *recordedCommand) {
	p := &c.Params
	switch c.Type {
	case "loadPipette":
		r.pipettes[c.Result.PipetteID] = len(r.out.Pipettes)
		r.out.Pipettes = append(r.out.Pipettes, program.RecordedPipette{Model: p.PipetteName, Mount: p.Mount})
		r.at = append(r.at, spot{})
	case "loadModule":
		var slot Slot
		_ = json.Unmarshal(p.Location, &slot) // a module without a slot is found nowhere, and that is said
		r.modules[c.Result.ModuleID] = len(r.out.Modules)
		r.out.Modules = append(r.out.Modules, program.RecordedModule{Model: p.Model, Slot: slot.SlotName})
	case "loadLabware":
		r.load(c)
	case "moveLabware":
		to, ok := r.place(p.NewLocation)
		lab, known := r.labware[p.LabwareID]
		if !ok || !known || lab < 0 {
			r.unheard("moveLabware to that place")
			return
		}
		r.add(program.Op{Kind: program.MoveLabware, To: to}, lab, "")
	case "waitForDuration":
		r.add(program.Op{Kind: program.Delay, Duration: thousand(p.Seconds)}, -1, "")
	default:
		if !r.pipetting(c) && !r.module(c) && !slices.Contains(harmless, c.Type) {
			r.unheard(c.Type)
		}
	}
}

func (r *recorder) add(op program.Op, lab int, well string) {
	r.out.Steps = append(r.out.Steps, program.RecordedStep{Op: op, Labware: lab, Well: well})
}

func (r *recorder) load(c *recordedCommand) {
	p := &c.Params
	id := c.Result.LabwareID
	if id == "" {
		id = p.LabwareID
	}
	var slot Slot
	if json.Unmarshal(p.Location, &slot) == nil && (slot.SlotName == "12" || slot.SlotName == "fixedTrash") {
		r.labware[id] = theTrash
		return
	}
	at, ok := r.place(p.Location)
	if !ok {
		r.unheard("loadLabware at that place")
		return
	}
	l := program.RecordedLabware{Namespace: p.Namespace, LoadName: p.LoadName, At: at}
	if d := c.Result.Definition; d != nil && d.Parameters.LoadName != "" {
		l.Namespace, l.LoadName = d.Namespace, d.Parameters.LoadName
	}
	r.labware[id] = len(r.out.Labware)
	r.out.Labware = append(r.out.Labware, l)
}

func (r *recorder) place(raw json.RawMessage) (program.RecordedPlace, bool) {
	var in struct{ SlotName, AddressableAreaName, ModuleID, LabwareID string }
	if string(raw) == `"offDeck"` {
		return program.Place{On: program.OffDeck}, true
	}
	if json.Unmarshal(raw, &in) != nil {
		return program.Place{}, false
	}
	slot := in.SlotName
	if slot == "" {
		slot = in.AddressableAreaName
	}
	n, err := strconv.Atoi(slot)
	i, module := r.modules[in.ModuleID]
	j, labware := r.labware[in.LabwareID]
	switch {
	case err == nil && n >= 1 && n <= 11:
		return program.Place{On: program.OnSlot, Index: int16(n)}, true
	case in.ModuleID != "" && module:
		return program.Place{On: program.OnModule, Index: int16(i)}, true
	case in.LabwareID != "" && labware && j >= 0:
		return program.Place{On: program.OnLabware, Index: int16(j)}, true
	}
	return program.Place{}, false
}

// pipetting takes a command of a pipette; false means that it is none.
func (r *recorder) pipetting(c *recordedCommand) bool {
	p := &c.Params
	i, known := r.pipettes[p.PipetteID]
	if !known {
		return false
	}
	at := &r.at[i]
	if p.WellName != "" {
		lab, ok := r.labware[p.LabwareID]
		if !ok {
			return false
		}
		*at = spot{known: true, trash: lab == theTrash, lab: lab, well: p.WellName, air: above(p)}
	}
	op := program.Op{Pipette: int8(i), Volume: thousand(p.Volume), Rate: thousand(p.FlowRate)}
	switch c.Type {
	case "pickUpTip":
		op.Kind = program.PickUpTip
	case "aspirate", "aspirateInPlace":
		op.Kind = program.Aspirate
		if at.air || at.trash {
			op.Kind = program.AirGap
		}
	case "airGapInPlace":
		op.Kind = program.AirGap
	case "dispense", "dispenseInPlace":
		op.Kind = program.Dispense
	case "blowout", "blowOutInPlace":
		op.Kind = program.BlowOut
	case "dropTip", "dropTipInPlace":
		op.Kind = program.DropTip
	case "moveToWell":
		op.Kind = program.MoveTo
	case "moveToAddressableArea", "moveToAddressableAreaForDropTip":
		*at = spot{known: true, trash: true}
		return true
	case "moveRelative", "moveToCoordinates":
		*at = spot{}
		return true
	case "configureNozzleLayout":
		return r.nozzles(&op, p)
	default:
		return false
	}
	if !at.known {
		return false
	}
	if at.trash {
		if op.Kind == program.MoveTo || op.Kind == program.AirGap {
			return true
		}
		op.Trash = true
		r.add(op, -1, "")
		return true
	}
	r.add(op, at.lab, at.well)
	return true
}

// above reports whether a command is carried out in the air above a well.
func above(p *recordedParams) bool {
	return p.At != nil && p.At.Origin == "top" && p.At.Offset.Z > 0
}

func (r *recorder) nozzles(op *program.Op, p *recordedParams) bool {
	op.Kind = program.ConfigureNozzles
	want := NozzleLayout{Style: p.Nozzles.Style, Primary: p.Nozzles.Primary, FrontRight: p.Nozzles.Front, BackLeft: p.Nozzles.Back}
	for n := range program.Nozzles(program.Layouts) {
		if nozzles(n) == want {
			op.Nozzles = n
			r.add(*op, -1, "")
			return true
		}
	}
	return false
}

// module takes a command of a module; false means that it is none that is known.
func (r *recorder) module(c *recordedCommand) bool {
	p := &c.Params
	i, known := r.modules[p.ModuleID]
	if !known {
		return false
	}
	op := program.Op{Module: int8(i), Temperature: int32(thousand(p.Celsius)), RPM: int32(math.Round(p.RPM))}
	_, what, _ := strings.Cut(c.Type, "/")
	switch what {
	case "setTargetTemperature", "setTargetBlockTemperature":
		op.Kind = program.SetTemperature
	case "deactivate", "deactivateHeater", "deactivateBlock":
		op.Kind = program.StopTemperature
	case "setTargetLidTemperature":
		op.Kind = program.SetLidTemperature
	case "deactivateLid":
		op.Kind = program.StopLidTemperature
	case "openLid":
		op.Kind = program.OpenLid
	case "closeLid":
		op.Kind = program.CloseLid
	case "openLabwareLatch":
		op.Kind = program.OpenLatch
	case "closeLabwareLatch":
		op.Kind = program.CloseLatch
	case "setAndWaitForShakeSpeed", "setShakeSpeed":
		op.Kind = program.Shake
	case "deactivateShaker":
		op.Kind = program.StopShaking
	case "engage":
		op.Kind, op.At.Z = program.Engage, int32(thousand(p.Height))
	case "disengage":
		op.Kind = program.Disengage
	case "runProfile":
		for _, step := range p.Profile {
			op.Kind, op.Temperature = program.SetTemperature, int32(thousand(step.Celsius))
			r.add(op, -1, "")
			r.add(program.Op{Kind: program.Delay, Duration: thousand(step.Hold)}, -1, "")
		}
		return true
	default:
		return false
	}
	r.add(op, -1, "")
	return true
}

// thousand is an amount in thousandths of the robot's unit.
func thousand(v float64) int64 { return int64(math.Round(v * 1000)) }
