package ot2

import "github.com/ot2flow/ot2flow/interpreter/program"

// How long modules take. The rates of temperature modules and thermocyclers and
// the times of a lid are those of Opentrons' estimator (see motion.go), with
// three differences. That one charges a temperature where it is set, also where
// nobody waits for it; here what a module reaches while other things are done
// is not waited for again. It takes the same module to be at 25 C before every
// change; here it is where it was left. And where a change goes through two
// ranges it adds up wrong shares; here each range counts for what lies in it.
// A heater-shaker that estimator does not know.
const (
	roomTemperature = 25_000 // m°C
	// lidTime is how long a thermocycler's lid takes to open or close.
	lidTime = 24_000_000
	// lidHeating is how long a lid takes to reach its temperature, whichever.
	lidHeating = 60_000_000
	// lidOff is how long the robot takes to switch a lid off.
	lidOff = 23_000_000
	// latchTime and the shaker's ramp are about what the hardware takes.
	latchTime  = 2_000_000
	rpmPerS    = 1000
	magnetTime = 2_000_000
)

// slope is how fast a module heats or cools below a temperature. Below the first
// of a list comes the next; the last has no bound.
type slope struct {
	below int32 // m°C
	rate  int64 // µ°C per s
}

const noBound = 1<<31 - 1

var (
	temperatureModule = []slope{{25_000, 87_500}, {37_000, 200_000}, {noBound, 361_111}}
	blockHeating      = []slope{{70_000, 4_000_000}, {noBound, 2_000_000}}
	blockCooling      = []slope{{23_000, 100_000}, {70_000, 1_000_000}, {noBound, 2_000_000}}
	// A heater-shaker's plate takes about 2 min from 25 to 37 C and 10 min to
	// 95 C; it cools by itself.
	plateHeating = []slope{{noBound, 100_000}}
	plateCooling = []slope{{37_000, 20_000}, {noBound, 40_000}}
)

// heat is where a module's temperature is and where it goes.
type heat struct {
	now, target  int32 // m°C
	lid, lidGoal int32
	on, lidOn    bool
	lidLeft      int64 // µs until the lid has its temperature
	hold         int64 // µs that a wait lasts after the temperature is reached
	rpm          int32
	part         int64 // µ°C beyond now
}

// slopes returns how a module of a model goes from one temperature to another.
func slopes(m *program.ModuleModel, up bool) []slope {
	switch {
	case m.Type == program.TemperatureModule:
		return temperatureModule
	case m.Type == program.Thermocycler && up:
		return blockHeating
	case m.Type == program.Thermocycler:
		return blockCooling
	case up:
		return plateHeating
	}
	return plateCooling
}

// ramp is how long a change takes, in µs.
func ramp(list []slope, from, to int32) int64 {
	low, high := min(from, to), max(from, to)
	var us int64
	bottom := int32(-noBound)
	for _, s := range list {
		a, b := max(low, bottom), min(high, s.below)
		if b > a {
			us += divide(int64(b-a)*1_000_000_000, s.rate)
		}
		bottom = s.below
	}
	return us
}

// moduleTime is how long an operation of a module takes, and what it changes.
func (t *Timer) moduleTime(op *program.Op) int64 {
	h, m := &t.heat[op.Module], t.deck.Modules[op.Module].Model
	switch op.Kind {
	case program.SetTemperature:
		h.on, h.target, h.hold = true, op.Temperature, op.Duration*1000
	case program.WaitTemperature:
		if !h.on {
			return 0
		}
		left := ramp(slopes(m, h.target > h.now), h.now, h.target) + h.hold
		h.hold = 0
		return left
	case program.StopTemperature:
		h.on, h.hold = false, 0
	case program.SetLidTemperature:
		if !h.lidOn || h.lidGoal != op.Temperature {
			h.lidLeft = lidHeating
		}
		h.lidOn, h.lidGoal = true, op.Temperature
	case program.WaitLidTemperature:
		return h.lidLeft
	case program.StopLidTemperature:
		h.lidOn, h.lidLeft = false, 0
		return lidOff
	case program.OpenLid, program.CloseLid:
		t.at = trashSlot // the robot homes first
		return lidTime
	case program.OpenLatch, program.CloseLatch:
		return latchTime
	case program.Shake, program.StopShaking:
		from := h.rpm
		h.rpm = op.RPM
		if op.Kind == program.StopShaking {
			h.rpm = 0
		}
		return int64(max(from-h.rpm, h.rpm-from)) * 1_000_000 / rpmPerS
	case program.Engage, program.Disengage:
		return magnetTime
	default: // of pipettes, and what takes no module
	}
	return 0
}

// pass lets the modules heat and cool on while time goes by.
func (t *Timer) pass(us int64) {
	if us <= 0 {
		return
	}
	for i := range t.heat {
		h := &t.heat[i]
		h.lidLeft = max(h.lidLeft-us, 0)
		if h.on {
			h.drift(slopes(t.deck.Modules[i].Model, h.target > h.now), us)
		}
	}
}

// drift goes from now towards the target for some time.
func (h *heat) drift(list []slope, us int64) {
	if ramp(list, h.now, h.target) <= us {
		h.now, h.part = h.target, 0
		return
	}
	for h.now != h.target && us > 0 {
		up := h.target > h.now
		s := slopeAt(list, h.now, up)
		edge := h.target
		if up && s.below < edge {
			edge = s.below
		} else if low := lowerEdge(list, s); !up && low > edge {
			edge = low
		}
		need := divide(int64(max(edge-h.now, h.now-edge))*1_000_000_000, s.rate)
		if need <= us {
			h.now, us = edge, us-need
			continue
		}
		h.part += us * s.rate / 1_000_000
		step := int32(h.part / 1000)
		h.part %= 1000
		if up {
			h.now += step
		} else {
			h.now -= step
		}
		return
	}
}

// Drifted is the temperature, in m°C, of a module's plate or block that was at
// from and went towards to for some µs.
func Drifted(m *program.ModuleModel, from, to int32, us int64) int32 {
	h := heat{now: from, target: to}
	h.drift(slopes(m, to > from), us)
	return h.now
}

// RoomTemperature is what a module has that was long off, in m°C.
const RoomTemperature int32 = roomTemperature

// slopeAt is the slope from a temperature on upwards, or downwards.
func slopeAt(list []slope, at int32, up bool) slope {
	for _, s := range list {
		if at < s.below || !up && at == s.below {
			return s
		}
	}
	return list[len(list)-1]
}

func lowerEdge(list []slope, s slope) int32 {
	low := int32(-noBound)
	for _, o := range list {
		if o.below < s.below {
			low = o.below
		}
	}
	return low
}
