package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/mishap"
	"github.com/ot2flow/ot2flow/ot2/robot"
	"github.com/ot2flow/ot2flow/ot2/sim"
)

// Sim is what the simulator is called where a robot is named.
const Sim = "sim"

// brokerAddress is what the address of a robot begins with that another device server has.
const brokerAddress = "mqtt:"

// Place is where a plan is carried out: a robot, or the simulator.
type Place struct {
	Name    string     // for people
	Device  run.Device // of a robot, as inspected
	Offsets []string   // that the runs begin with, for people

	backend run.Backend
	robot   *robot.Robot
	world   *sim.World // of the simulator
}

// place is the one spot where a robot's name is understood. A robot is inspected.
func (s *Service) place(ctx context.Context, name string, plan *program.Plan, say func(string)) (*Place, error) {
	switch name {
	case "":
		return nil, usage("say where: --robot NAME or the robot's address; --robot sim carries it out on the built-in simulator")
	case Sim:
		world := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
		return &Place{backend: sim.NewBackend(world), Name: "the simulator", world: world}, nil
	}
	if device, is := strings.CutPrefix(name, brokerAddress); is {
		return nil, usage("the robot is that of %s, which is reached over a broker; ask its own server", device)
	}
	address, err := addressOf(ctx, name)
	if err != nil {
		return nil, err
	}
	r, err := robot.New(address, robot.Options{Say: say})
	if err != nil {
		return nil, usage("--robot: %v", err)
	}
	p := &Place{backend: r, robot: r}
	if s.Through != nil {
		p.backend = s.Through(r)
	}
	if p.Device, err = r.Inspect(ctx); err != nil {
		p.close()
		return nil, cannot("%v", err)
	}
	p.Name = fmt.Sprintf("%s (OT-2, software %s, %s)", p.Device.Name, p.Device.Software, PipettesOf(p.Device))
	return p, nil
}

// Simulated reports whether it is the simulator.
func (p *Place) Simulated() bool { return p.robot == nil }

// Address is that of a robot.
func (p *Place) Address() string { return p.robot.Address() }

// World is that of the simulator, nil of a robot.
func (p *Place) World() *sim.World { return p.world }

// suffer has the simulator misbehave as a script says.
func (p *Place) suffer(script *mishap.Script) {
	if b, is := p.backend.(*sim.Backend); is && script != nil {
		b.Suffer(script)
	}
}

// takes fails where a robot is not free, or the plan does not fit it.
func (p *Place) takes(plan *program.Plan) error {
	if p.robot == nil {
		return nil
	}
	if err := robot.Busy(p.Device); err != nil {
		return cannot("%v", err)
	}
	if list := robot.Misfits(plan, p.Device); len(list) > 0 {
		return unfit("the plan does not fit %s:\n  %s", p.Name, strings.Join(list, "\n  "))
	}
	return nil
}

// PipettesOf lists the pipettes of a device for people.
func PipettesOf(d run.Device) string {
	if len(d.Pipettes) == 0 {
		return "no pipettes"
	}
	var parts []string
	for _, p := range d.Pipettes {
		parts = append(parts, p.Model+" "+p.Mount)
	}
	return strings.Join(parts, ", ")
}

// key is what the lease of a robot is on: its serial number, by which it is the
// same one at every address.
func (p *Place) key() string {
	if p.Device.Serial != "" {
		return p.Device.Serial
	}
	return p.robot.Address()
}

// journalled says in the journal where a run is carried out.
func (p *Place) journalled() journal.Robot {
	if p.robot == nil {
		return journal.Robot{Name: Sim, Simulated: true}
	}
	d := &p.Device
	return journal.Robot{Key: p.key(), Name: d.Name, Address: p.robot.Address(), Serial: d.Serial, Software: d.Software}
}

func (p *Place) close() {
	if p.robot != nil {
		p.robot.Close()
	}
}
