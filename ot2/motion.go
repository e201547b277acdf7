package ot2

import (
	"math"
	"strconv"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// The constants of the time model. They are those of the duration estimator
// that Opentrons ships (package opentrons, versions 8.2.0 and 8.8.2, module
// protocols.duration.estimator, at apiLevel 2.13), so that the two agree; what
// its authors say of them, and what is crude, stands at each. The model as a
// whole knows no acceleration (the gantry's is 2 to 3 m/s²), no limit of a
// single axis, no latency of a command and nothing of a run's start and end.
const (
	// pickUpTime is measured on hardware by Opentrons; one press of a GEN2
	// pipette, or three of a GEN1.
	pickUpTime = 4_000_000
	// dropTime is measured on hardware by Opentrons. With it goes the homing
	// of the plunger, which a drop without one would save.
	dropTime = 10_000_000
	// sameSlotTime is every move inside one slot, however near or far, and
	// also where the tip does not move at all: each pass of a mix has two.
	sameSlotTime = 500_000
	// verticalTravel is the way down and up, in µm, of every aspirate and
	// dispense on labware that stands on the deck, whatever the labware. It is
	// taken at the gantry's speed, which the Z axis (at most 125 mm/s) does
	// not reach.
	verticalTravel = 177_800
	// verticalOnModule is the same on labware that stands on a module.
	verticalOnModule = 95_250
	// blowOutTime does not depend on the flow rate, and the way there is not
	// counted, even at a low speed.
	blowOutTime = 500_000
	// touchTime is four sides of a 7.5 mm well at 60 mm/s. The way to another
	// well is not counted.
	touchTime = 500_000
)

// trashSlot is TrashSlot as a number: where the trash is, and where the gantry
// starts. It is the last of the deck, so that it is also their count.
const trashSlot = slotCount + 1

// Timer is the time model of an OT-2. It remembers the slot the gantry is at,
// so one Timer serves one program, from its first operation to its last.
type Timer struct {
	deck *program.Deck
	slot []uint8 // by index into Deck.Labware; 0 where the slot is unknown
	up   []bool  // likewise: whether it stands on a module
	heat []heat  // by index into Deck.Modules
	at   uint8   // the slot the gantry is at, with whichever pipette
	way  *ways
}

// ways are the distances between slots, µm.
type ways [trashSlot + 1][trashSlot + 1]int64

// allWays are the same on every robot.
var allWays = sync.OnceValue(func() *ways {
	w := &ways{}
	for from := 1; from <= trashSlot; from++ {
		for to := 1; to <= trashSlot; to++ {
			w[from][to] = slotDistance(from, to)
		}
	}
	return w
})

var _ program.Timer = (*Timer)(nil)

// NewTimer returns the time model for a program on deck d, with the gantry
// where it is after homing.
func NewTimer(d *program.Deck) *Timer {
	t := &Timer{deck: d, slot: make([]uint8, len(d.Labware)), up: make([]bool, len(d.Labware)), heat: make([]heat, len(d.Modules)), at: trashSlot, way: allWays()}
	for i := range t.heat {
		t.heat[i] = heat{now: roomTemperature, lid: roomTemperature}
	}
	for i := range d.Labware {
		if n, err := strconv.Atoi(d.Labware[i].Slot); err == nil && n >= 1 && n <= trashSlot {
			t.slot[i] = uint8(n)
		}
		t.up[i] = d.Labware[i].On.On == program.OnModule
	}
	for i := range d.Labware {
		if on := d.Labware[i].On; on.On == program.OnLabware && int(on.Index) < len(t.up) {
			t.up[i] = d.Labware[on.Index].On.On == program.OnModule
		}
	}
	return t
}

// slotDistance is the straight line between two slots in µm. Slots are of one
// size, so that between corners is that between centres.
func slotDistance(from, to int) int64 {
	a, b := slotAt(from-1), slotAt(to-1)
	dx, dy := a.X-b.X, a.Y-b.Y
	return int64(math.Round(math.Sqrt(float64(dx*dx + dy*dy))))
}

// Duration returns the time op takes after those before it, in µs.
//
// Home, pauses and the end of a run take no time here, as in the estimator of
// Opentrons: homing takes an OT-2 about 10 s, and a pause as long as a person
// needs. The time of MoveTo is its travel, which that estimator leaves out.
func (t *Timer) Duration(op *program.Op) int64 {
	us := t.duration(op)
	t.pass(us)
	return us
}

func (t *Timer) duration(op *program.Op) int64 {
	switch op.Kind {
	case program.PickUpTip:
		return t.travel(op) + pickUpTime
	case program.DropTip, program.ReturnTip:
		return t.travel(op) + dropTime
	case program.Aspirate, program.Dispense, program.AirGap:
		return t.travel(op) + atSpeed(t.vertical(op), op.Speed) + t.plunger(op)
	case program.BlowOut:
		t.travel(op)
		return blowOutTime
	case program.TouchTip:
		t.travel(op)
		return touchTime
	case program.MoveTo:
		return t.travel(op)
	case program.Delay:
		return op.Duration * 1000
	case program.MoveLabware:
		t.moved(op)
		return 0
	case program.SetTemperature, program.WaitTemperature, program.StopTemperature,
		program.SetLidTemperature, program.WaitLidTemperature, program.StopLidTemperature,
		program.OpenLid, program.CloseLid, program.OpenLatch, program.CloseLatch,
		program.Shake, program.StopShaking, program.Engage, program.Disengage:
		return t.moduleTime(op)
	case program.Prepare, program.Home, program.Pause, program.NewTips, program.Refill, program.Exchange, program.Comment, program.Lights, program.EndRun, program.ConfigureNozzles,
		program.Ask, program.Measure, program.Request, program.Publish, program.Notify, program.RunProtocol:
		return 0
	}
	return 0
}

// vertical is the way down and up at the place of op.
func (t *Timer) vertical(op *program.Op) int64 {
	if !op.Trash && op.Well != program.None && t.up[op.Well.Labware] {
		return verticalOnModule
	}
	return verticalTravel
}

// moved puts labware elsewhere. How long a person needs for it is not known.
func (t *Timer) moved(op *program.Op) {
	i := op.Well.Labware
	t.up[i], t.slot[i] = false, 0
	switch op.To.On {
	case program.OnSlot:
		t.slot[i] = uint8(op.To.Index)
	case program.OnModule:
		t.up[i], t.slot[i] = true, uint8(number(t.deck.Modules[op.To.Index].Slot))
	case program.OnLabware:
		t.up[i], t.slot[i] = t.up[op.To.Index], t.slot[op.To.Index]
	case program.OffDeck:
	}
}

// travel moves the gantry to where op is done and returns how long that takes.
func (t *Timer) travel(op *program.Op) int64 {
	from, to := t.at, t.slotOf(op)
	if to == 0 {
		return sameSlotTime
	}
	t.at = to
	way := t.way[from][to]
	if way == 0 {
		return sameSlotTime
	}
	return atSpeed(way, op.Speed)
}

func (t *Timer) slotOf(op *program.Op) uint8 {
	if op.Trash {
		return trashSlot
	}
	if op.Well == program.None {
		return t.at
	}
	return t.slot[op.Well.Labware]
}

// plunger is the time the plunger takes: the volume at the flow rate. The
// pipette's own acceleration and the correction of its volumes are left out.
func (t *Timer) plunger(op *program.Op) int64 {
	rate := op.Rate
	if rate <= 0 {
		rate = t.ownRate(op)
	}
	if rate <= 0 {
		return 0
	}
	return divide((op.Volume+op.Correction)*1_000_000, rate)
}

func (t *Timer) ownRate(op *program.Op) int64 {
	if int(op.Pipette) >= len(t.deck.Pipettes) || t.deck.Pipettes[op.Pipette].Model == nil {
		return 0
	}
	m := t.deck.Pipettes[op.Pipette].Model
	if op.Kind == program.Dispense {
		return m.Dispense
	}
	return m.Aspirate
}

// atSpeed is the time for way µm at speed µm/s, in µs.
func atSpeed(way, speed int64) int64 {
	if speed <= 0 {
		return way * 1_000_000 / program.DefaultSpeed // whole numbers: 2.5 µs per µm
	}
	return divide(way*1_000_000, speed)
}

// divide rounds to the nearest whole number; both are positive.
func divide(a, b int64) int64 { return (a + b/2) / b }
