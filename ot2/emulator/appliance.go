package emulator

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
)

// appliance is a module that is connected. What it is set to, it stays set to
// from run to run, also where the robot is switched off: it has power of its own.
type appliance struct {
	id, serial string
	port       int
	model      *program.ModuleModel
	set        program.ModuleState
	plate      int32     // m°C of the plate or block at the time of since
	lid        int32     // m°C
	since      time.Time // plate and lid were worked out last
}

// lidRate is how fast a thermocycler's lid heats and cools, in m°C/s.
const lidRate = 1500

func newAppliance(model *program.ModuleModel, serial string, port int, now time.Time) *appliance {
	if serial == "" {
		serial = fmt.Sprintf("EMULATED%s%02d", [...]string{"TD", "HS", "MD", "TC"}[model.Type], port)
	}
	sum := sha1.Sum([]byte(serial)) //nolint:gosec // a name, no secret
	return &appliance{
		id: hex.EncodeToString(sum[:]), serial: serial, port: port, model: model, set: program.NewModule(),
		plate: ot2.RoomTemperature, lid: ot2.RoomTemperature, since: now,
	}
}

// standsFor reports whether a robot takes the appliance for a model that a
// protocol asks for: the temperature modules are taken for each other.
func (m *appliance) standsFor(model *program.ModuleModel) bool {
	return m.model == model || m.model.Type == program.TemperatureModule && model.Type == program.TemperatureModule
}

// drift works out the temperatures of now.
func (m *appliance) drift(now time.Time) {
	passed := now.Sub(m.since)
	m.since = now
	if passed <= 0 {
		return
	}
	m.plate = ot2.Drifted(m.model, m.plate, orRoom(m.set.Target), passed.Microseconds())
	step := int32(min(passed.Milliseconds()*lidRate/1000, 200_000))
	if to := orRoom(m.set.LidTarget); to > m.lid {
		m.lid = min(m.lid+step, to)
	} else {
		m.lid = max(m.lid-step, to)
	}
}

func orRoom(target int32) int32 {
	if target == program.NoTarget {
		return ot2.RoomTemperature
	}
	return target
}

// do carries out an operation. A wait that is over has brought what it was for.
func (m *appliance) do(op *program.Op, now time.Time) {
	m.drift(now)
	m.set.Do(op)
	switch op.Kind {
	case program.WaitTemperature:
		m.plate = m.set.Target
	case program.WaitLidTemperature:
		m.lid = m.set.LidTarget
	default: // brings no temperature at once
	}
}

func (e *Emulator) getModules(*http.Request) answer {
	out := []object{}
	for _, m := range e.appliances {
		m.drift(e.now())
		out = append(out, m.body())
	}
	return list(out, len(out))
}

var moduleTypes = [program.ModuleTypes]string{"temperatureModuleType", "heaterShakerModuleType", "magneticModuleType", "thermocyclerModuleType"}

func (m *appliance) body() object {
	return object{
		"id": m.id, "serialNumber": m.serial, "firmwareVersion": "emulated", "hardwareRevision": m.model.RobotName, "hasAvailableUpdate": false,
		"moduleType": moduleTypes[m.model.Type], "moduleModel": m.model.RobotName, "compatibleWithRobot": true, "data": m.data(),
		"usbPort": object{"port": m.port, "portGroup": "unknown", "hub": false, "path": ""},
	}
}

// data is what a module says of itself.
func (m *appliance) data() object {
	s := &m.set
	heating := heaterStatus(m.plate, s.Target)
	out := object{}
	switch m.model.Type {
	case program.TemperatureModule:
		out["status"], out["currentTemperature"] = heating, celsius(m.plate)
	case program.MagneticModule:
		height := m.model.Magnet.Min
		out["status"] = "disengaged"
		if s.Engaged {
			out["status"], height = "engaged", int64(s.Magnet)
		}
		out["engaged"], out["height"] = s.Engaged, number(mm(height))
		return out
	case program.HeaterShaker:
		out["status"], out["speedStatus"] = "idle", "idle"
		if s.Target != program.NoTarget || s.RPM > 0 {
			out["status"] = "running"
		}
		if s.RPM > 0 {
			out["speedStatus"], out["targetSpeed"] = "holding at target", s.RPM
		}
		out["labwareLatchStatus"] = [...]string{"idle_unknown", "idle_open", "idle_closed"}[s.Latch]
		out["currentSpeed"], out["temperatureStatus"], out["currentTemperature"] = s.RPM, heating, celsius(m.plate)
	case program.Thermocycler:
		out["status"], out["currentTemperature"] = heating, celsius(m.plate)
		out["lidStatus"] = [...]string{"unknown", "open", "closed"}[s.Lid]
		out["lidTemperatureStatus"], out["lidTemperature"] = heaterStatus(m.lid, s.LidTarget), celsius(m.lid)
		if s.LidTarget != program.NoTarget {
			out["lidTargetTemperature"] = celsius(s.LidTarget)
		}
	}
	if s.Target != program.NoTarget {
		out["targetTemperature"] = celsius(s.Target)
	}
	return out
}

func celsius(m int32) number { return number(mm(int64(m))) }

func heaterStatus(now, target int32) string {
	switch {
	case target == program.NoTarget:
		return "idle"
	case now < target:
		return "heating"
	case now > target:
		return "cooling"
	}
	return "holding at target"
}

// newStateless is the run of POST /commands, which names the appliances
// themselves.
func (e *Emulator) newStateless() *run {
	r := e.newRun()
	for _, m := range e.appliances {
		r.engine.fit(&fitted{id: m.id, model: m.model, machine: m})
	}
	return r
}

// unused finds a connected appliance that no loaded module is, or nil.
func (g *engine) unused(model *program.ModuleModel) *appliance {
	for _, m := range g.appliances {
		if m.standsFor(model) && !slices.ContainsFunc(g.modules, func(f *fitted) bool { return f.machine == m }) {
			return m
		}
	}
	return nil
}
