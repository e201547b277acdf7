package main

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
	"github.com/ot2flow/ot2flow/ot2/robot"
	"github.com/ot2flow/ot2flow/ot2/sim"
)

// place is where a plan is carried out.
type place struct {
	backend run.Backend
	name    string     // for people
	device  run.Device // of a robot, as inspected
	robot   *robot.Robot
	world   *sim.World // of the simulator
	offsets []string   // that the runs begin with, for people
}

// suffer has the simulator misbehave as a file says. What is about HTTP it
// cannot.
func (p *place) suffer(path string) error {
	if path == "" {
		return nil
	}
	b, is := p.backend.(*sim.Backend)
	if !is {
		return usage("--faults is for --robot sim; nobody wishes a robot ill")
	}
	f, err := faultsFrom(path)
	if err != nil {
		return err
	}
	other := f
	other.Script, other.DoorSwitch = mishap.Script{}, false // the simulator always minds its door
	if !reflect.DeepEqual(other, emulator.Faults{}) {
		return usage("%s: the simulator knows seed, events and door_switch only; what is about answers to requests, and how the robot is before the run, is the emulator's: ot2flow emulate --faults %s", path, path)
	}
	b.Suffer(&f.Script)
	return nil
}

// place is the one spot where --robot is understood. A robot is inspected.
func (a *app) place(ctx context.Context, name string, plan *program.Plan, s *status) (*place, error) {
	switch name {
	case "":
		return nil, usage("say where: --robot NAME or the robot's address; --robot sim carries it out on the built-in simulator")
	case "sim":
		world := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
		return &place{backend: sim.NewBackend(world), name: "the simulator", world: world}, nil
	}
	address, err := a.addressOf(ctx, name)
	if err != nil {
		return nil, err
	}
	r, err := robot.New(address, robot.Options{Say: s.say})
	if err != nil {
		return nil, usage("--robot: %v", err)
	}
	p := &place{backend: r, robot: r}
	if a.through != nil {
		p.backend = a.through(r)
	}
	if p.device, err = r.Inspect(ctx); err != nil {
		p.close()
		return nil, cannot("%v", err)
	}
	p.name = fmt.Sprintf("%s (OT-2, software %s, %s)", p.device.Name, p.device.Software, pipettesOf(p.device))
	return p, nil
}

// takes fails where a robot is not free, or the plan does not fit it.
func (p *place) takes(plan *program.Plan) error {
	if p.robot == nil {
		return nil
	}
	if err := robot.Busy(p.device); err != nil {
		return cannot("%v", err)
	}
	if list := robot.Misfits(plan, p.device); len(list) > 0 {
		return cannot("the plan does not fit %s:\n  %s", p.name, strings.Join(list, "\n  "))
	}
	return nil
}

func pipettesOf(d run.Device) string {
	if len(d.Pipettes) == 0 {
		return "no pipettes"
	}
	var parts []string
	for _, p := range d.Pipettes {
		parts = append(parts, p.Model+" "+p.Mount)
	}
	return strings.Join(parts, ", ")
}

func (p *place) close() {
	if p.robot != nil {
		p.robot.Close()
	}
}
