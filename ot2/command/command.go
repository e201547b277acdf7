// Package command turns steps into the typed commands of the OT-2's own
// protocol engine, and plans into JSON protocols. Robot, emulator and export
// share it. It sends nothing.
//
// Commands are those of robot software 7.1 and later (command schema 8).
package command

import (
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Command is one command with its key. Keys are <n>.<k>, the k-th command of
// step n, so that equal programs have equal bytes; what is done before the
// first step has n = 0.
type Command struct {
	Type   string `json:"commandType"`
	Params Params `json:"params"`
	Key    string `json:"key"`
}

// Trash is the robot's name of the fixed trash.
const Trash = "fixedTrash"

// Setup returns the commands that tell the robot what is on its mounts and its
// deck. Nothing moves.
func Setup(d *program.Deck) []Command {
	var out []Params
	for i := range d.Pipettes {
		p := &d.Pipettes[i]
		out = append(out, LoadPipette{p.Model.Name, p.Mount, p.Name})
	}
	for i := range d.Modules {
		m := &d.Modules[i]
		out = append(out, LoadModule{m.Model.RobotName, Slot{m.Slot}, m.Name})
	}
	for _, i := range LoadOrder(d) {
		l := &d.Labware[i]
		out = append(out, LoadLabware{At: PlaceOf(l.On, d), LoadName: l.Def.LoadName, Namespace: l.Def.Namespace, Version: l.Def.Version, LabwareID: l.Name, DisplayName: l.Name})
	}
	for i := range d.Liquids {
		out = append(out, loadLiquid(d, i)...)
	}
	return keyed(0, out)
}

// LoadOrder is the order in which labware can be loaded: what stands on other
// labware comes after that.
func LoadOrder(d *program.Deck) []int {
	var out []int
	loaded := make([]bool, len(d.Labware))
	for range d.Labware {
		for i := range d.Labware {
			on := d.Labware[i].On
			if loaded[i] || on.On == program.OnLabware && !loaded[on.Index] {
				continue
			}
			loaded[i] = true
			out = append(out, i)
		}
		if len(out) == len(d.Labware) {
			break
		}
	}
	return out
}

// loadLiquid tells the robot's screen what stands where, one command per
// labware. Amounts that were not declared are left out: the robot knows no
// unknown.
func loadLiquid(d *program.Deck, liquid int) []Params {
	var out []Params
	l := &d.Liquids[liquid]
	for i := range d.Labware {
		volumes := map[string]float64{}
		for k, w := range l.Wells {
			if int(w.Labware) == i && l.VolumeNL[k] >= 0 {
				volumes[d.Well(w).Name] = thousandths(l.VolumeNL[k])
			}
		}
		if len(volumes) > 0 {
			out = append(out, LoadLiquid{l.Name, d.Labware[i].Name, volumes})
		}
	}
	return out
}

func keyed(n int, params []Params) []Command {
	out := make([]Command, len(params))
	for i, p := range params {
		out[i] = Command{p.Type(), p, strconv.Itoa(n) + "." + strconv.Itoa(i+1)}
	}
	return out
}

// Of returns the commands of a step, one or several. EndRun has none: the
// robot does it by itself; nor have steps that are carried out beside the robot.
func Of(s *program.Step, d *program.Deck) []Command { return keyed(s.N, of(s, d)) }

func of(s *program.Step, d *program.Deck) []Params {
	op := &s.Op
	switch op.Kind {
	case program.PickUpTip:
		return there(op, d, PickUpTip{at(op, d)})
	case program.Aspirate, program.AirGap:
		return there(op, d, Aspirate{at(op, d), thousandths(op.Volume + op.Correction), thousandths(op.Rate)})
	case program.Dispense:
		return dispense(op, d)
	case program.TouchTip:
		return touch(op, d)
	case program.BlowOut:
		if op.Trash {
			return []Params{overTrash(op, d, false), BlowOutInPlace{pipette(op, d), thousandths(op.Rate)}}
		}
		return there(op, d, BlowOut{at(op, d), thousandths(op.Rate)})
	case program.DropTip:
		if op.Trash {
			return []Params{overTrash(op, d, true), DropTipInPlace{pipette(op, d), homing(op)}}
		}
		return there(op, d, DropTip{at(op, d), homing(op)})
	case program.ReturnTip:
		return there(op, d, DropTip{at(op, d), homing(op)})
	case program.MoveTo:
		return []Params{MoveToWell{At: at(op, d), Speed: thousandths(op.Speed), Over: thousandths(int64(op.Over)), Direct: op.Direct}}
	case program.Prepare:
		return []Params{PrepareToAspirate{pipette(op, d)}}
	case program.Home:
		return []Params{Home{}}
	case program.Delay:
		return []Params{WaitForDuration{thousandths(op.Duration)}}
	case program.Pause, program.NewTips, program.Refill, program.Exchange:
		return []Params{WaitForResume{s.Text}}
	case program.Comment:
		return []Params{Comment{s.Text}}
	case program.ConfigureNozzles:
		return []Params{ConfigureNozzles{pipette(op, d), nozzles(op.Nozzles)}}
	case program.MoveLabware:
		return moveLabware(s, d)
	case program.Lights:
		return []Params{SetRailLights{op.On}}
	case program.SetTemperature, program.WaitTemperature, program.StopTemperature,
		program.SetLidTemperature, program.WaitLidTemperature, program.StopLidTemperature,
		program.OpenLid, program.CloseLid, program.OpenLatch, program.CloseLatch,
		program.Shake, program.StopShaking, program.Engage, program.Disengage:
		return []Params{module(op, d)}
	case program.EndRun, program.Ask, program.Measure, program.Request, program.Publish, program.Notify, program.RunProtocol:
	}
	return nil
}

// nozzles is a layout as the robot names it: some nozzles in a row are a
// quadrant that is one nozzle wide.
func nozzles(n program.Nozzles) NozzleLayout {
	l := n.Layout()
	primary, last := program.Nozzle(l.Primary), program.Nozzle(l.Last)
	switch {
	case n == program.AllNozzles:
		return NozzleLayout{Style: "ALL"}
	case primary == last:
		return NozzleLayout{Style: "SINGLE", Primary: primary}
	}
	return NozzleLayout{Style: "QUADRANT", Primary: primary, FrontRight: primary, BackLeft: last}
}

func pipette(op *program.Op, d *program.Deck) string { return d.Pipettes[op.Pipette].Name }

func at(op *program.Op, d *program.Deck) At {
	return At{pipette(op, d), d.Labware[op.Well.Labware].Name, d.Well(op.Well).Name, location(op.At)}
}

func location(p program.Position) *WellLocation {
	return &WellLocation{p.From.String(), Vector{thousandths(int64(p.X)), thousandths(int64(p.Y)), thousandths(int64(p.Z))}}
}

// thousandths is n/1000 as the robot reads it; the nearest float64 prints as
// the decimal it came from.
func thousandths(n int64) float64 { return float64(n) / 1000 }

// homing is whether the plunger is homed behind a tip that is let go; nil is as
// the robot does by itself.
func homing(op *program.Op) *bool {
	if op.Home == program.OwnHoming {
		return nil
	}
	home := op.Home == program.WithHoming
	return &home
}

// there puts a move with the step's gantry speed before a command that takes
// none.
func there(op *program.Op, d *program.Deck, p Params) []Params {
	if op.Speed == 0 {
		return []Params{p}
	}
	return []Params{MoveToWell{At: at(op, d), Speed: thousandths(op.Speed)}, p}
}

// overTrash moves above the trash, as the vendor's own protocols do; with
// alternate the robot spreads the tips it drops.
func overTrash(op *program.Op, d *program.Deck, alternate bool) Params {
	return MoveToAreaForDropTip{pipette(op, d), Trash, Vector{}, alternate, thousandths(op.Speed)}
}

func dispense(op *program.Op, d *program.Deck) []Params {
	var push *float64
	if op.HasPush {
		v := thousandths(op.PushOut)
		push = &v
	}
	if op.Trash {
		return []Params{overTrash(op, d, false), DispenseInPlace{pipette(op, d), thousandths(op.Volume + op.Correction), thousandths(op.Rate), push}}
	}
	return there(op, d, Dispense{at(op, d), thousandths(op.Volume + op.Correction), thousandths(op.Rate), push})
}

// touch is the robot's own command where that can say it, and otherwise moves
// out and back.
func touch(op *program.Op, d *program.Deck) []Params {
	if OneTouch(op) {
		return []Params{TouchTip{at(op, d), thousandths(int64(op.Touch.Radius)), thousandths(op.Speed)}}
	}
	var out []Params
	for _, p := range Touches(op, d) {
		point := *op
		point.At = p
		out = append(out, MoveToWell{At: at(&point, d), Speed: thousandths(op.Speed)})
	}
	return out
}

// OneTouch reports whether the vendor's touch tip can do what a touch_tip
// asks: it touches all sides, around the middle of the well, at 1 to 80 mm/s.
func OneTouch(op *program.Op) bool {
	return op.Touch.Sides == program.AllSides.Sides && op.At.X == 0 && op.At.Y == 0 && op.Speed >= 1000 && op.Speed <= 80_000
}

// Touches returns the points a touch_tip moves to, one after the other: the
// middle of the well, and then each of its sides and back.
func Touches(op *program.Op, d *program.Deck) []program.Position {
	w := d.Well(op.Well)
	rx, ry := w.XSize, w.YSize
	if w.Round {
		rx, ry = w.Diameter, w.Diameter
	}
	rx, ry = rx*int64(op.Touch.Radius)/2000, ry*int64(op.Touch.Radius)/2000
	out := []program.Position{op.At}
	for i, side := range [...][2]int64{{-rx, 0}, {rx, 0}, {0, -ry}, {0, ry}} {
		if op.Touch.Sides&(1<<i) == 0 {
			continue
		}
		edge := op.At
		edge.X += int32(side[0])
		edge.Y += int32(side[1])
		out = append(out, edge, op.At)
	}
	return out
}
