package depict

import (
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Sentence says what a step does: a verb of up to 15 letters, and with what.
func Sentence(s *program.Step, d *program.Deck) string {
	op := &s.Op
	place := d.WellName(op.Well)
	if op.Trash {
		place = "trash"
	}
	switch op.Kind {
	case program.PickUpTip:
		return "pick up tip     " + place
	case program.Aspirate:
		return "aspirate        " + quantity.Volume.Text(op.Volume) + " from " + place + height(op) + rate(op) + corrected(op)
	case program.Dispense:
		return "dispense        " + quantity.Volume.Text(op.Volume) + " into " + place + height(op) + rate(op) + corrected(op)
	case program.AirGap:
		return "air gap         " + quantity.Volume.Text(op.Volume) + " above " + place
	case program.TouchTip:
		return "touch tip       " + place + height(op)
	case program.BlowOut:
		return "blow out        " + place + height(op) + speed(op)
	case program.DropTip:
		return "drop tip        " + place + homing(op)
	case program.ReturnTip:
		return "return tip      " + place + height(op) + homing(op)
	case program.MoveTo:
		return "move to         " + place + height(op) + way(op) + speed(op)
	case program.Prepare:
		return "prepare         the plunger"
	case program.Home:
		return "home"
	case program.Delay:
		return "wait            " + quantity.Quantity{Dim: quantity.Time, N: op.Duration}.String()
	case program.Pause:
		return "pause           " + s.Text
	case program.NewTips:
		return "new tips        " + s.Text
	case program.Refill:
		return "refill          " + s.Text
	case program.Exchange:
		return "exchange        " + s.Text
	case program.Comment:
		return "comment         " + s.Text
	case program.ConfigureNozzles:
		return "nozzles         " + op.Nozzles.String()
	case program.Ask:
		return "ask             " + s.Live.Message + answers(s.Live.Fields)
	case program.Measure:
		return "measure         with " + s.Live.Instrument + sending(s.Live)
	case program.Request:
		return "request         " + s.Live.URL + sending(s.Live)
	case program.Publish:
		if s.Live.Message != "" {
			return "publish         " + s.Live.Topic + ": " + s.Live.Message
		}
		return "publish         " + s.Live.Topic + sending(s.Live)
	case program.Notify:
		return "notify          " + s.Live.To + ": " + s.Live.Message
	case program.RunProtocol:
		return "protocol        " + protocolSentence(s.Protocol)
	case program.SetTemperature, program.WaitTemperature, program.StopTemperature,
		program.SetLidTemperature, program.WaitLidTemperature, program.StopLidTemperature,
		program.OpenLid, program.CloseLid, program.OpenLatch, program.CloseLatch,
		program.Shake, program.StopShaking, program.Engage, program.Disengage,
		program.MoveLabware, program.Lights:
		return moduleSentence(s, d)
	case program.EndRun:
	}
	return op.Kind.String()
}

// protocolSentence says which protocol is carried out, and what is known of it.
func protocolSentence(p *program.Protocol) string {
	out := p.File
	for i, v := range p.Params {
		separator := ", "
		if i == 0 {
			separator = " with "
		}
		out += separator + v.Name + " = " + v.Value
	}
	switch p.Knows {
	case program.FromAnalysis:
		return out + ", a run of its own; what it does is known from its analysis"
	case program.FromWorkflow:
		return out + ", a run of its own; what it leaves is said in the workflow"
	case program.FromNowhere:
	}
	return out + ", a run of its own; nobody knows what it leaves"
}

// answers says what kind of answers are wanted.
func answers(fields []program.LiveField) string {
	out := ""
	for _, f := range fields {
		out += ", " + strings.TrimSpace(f.Name+" "+f.Type)
		if f.Min != "" || f.Max != "" {
			out += " " + strings.TrimSpace(f.Min+" to "+f.Max)
		}
		if len(f.Choices) > 0 {
			out += " (" + strings.Join(f.Choices, ", ") + ")"
		}
	}
	return strings.Replace(out, ", ", ": ", 1)
}

func sending(l *program.Live) string {
	if l.Body == "" {
		return ""
	}
	return ", sending " + l.Body
}

// height renders where in a well: "bottom + 8 mm".
func height(op *program.Op) string {
	if op.Trash {
		return ""
	}
	at := op.At
	out := " at " + at.From.String()
	switch {
	case at.Z > 0:
		out += " + " + mm(at.Z)
	case at.Z < 0:
		out += " - " + mm(-at.Z)
	}
	if at.X != 0 || at.Y != 0 {
		out += fmt.Sprintf(" (x %s, y %s)", mm(at.X), mm(at.Y))
	}
	return out
}

func mm(um int32) string {
	return quantity.Length.Text(int64(um))
}

func rate(op *program.Op) string {
	return ", " + quantity.Quantity{Dim: quantity.FlowRate, N: op.Rate}.String()
}

// corrected says how far the plunger moves where that is not the volume.
func corrected(op *program.Op) string {
	if op.Correction == 0 {
		return ""
	}
	return ", plunger by " + quantity.Volume.Text(op.Volume+op.Correction)
}

func speed(op *program.Op) string {
	if op.Speed == 0 {
		return ""
	}
	return ", gantry at " + quantity.Quantity{Dim: quantity.Speed, N: op.Speed}.String()
}

// homing says whether the plunger is homed, where that was told.
func homing(op *program.Op) string {
	return [...]string{program.OwnHoming: "", program.WithHoming: ", home the plunger", program.WithoutHoming: ", leave the plunger"}[op.Home]
}

// way says how a tip gets to a place, where that was told.
func way(op *program.Op) string {
	switch {
	case op.Direct:
		return " straight"
	case op.Over > 0:
		return " over " + quantity.Length.Text(int64(op.Over))
	}
	return ""
}
