package service

import (
	"cmp"
	"context"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
)

// RobotView is a robot as transports show it.
type RobotView struct {
	Name        string   `json:"name"`
	Address     string   `json:"address"`
	Description string   `json:"description,omitempty"`
	Labels      []string `json:"labels,omitempty" doc:"What it is good for."`
	Serial      string   `json:"serial,omitempty"`
	Software    string   `json:"software,omitempty"`
	Pipettes    []string `json:"pipettes,omitempty" doc:"With the mount that each is on, when it was looked at last."`
	Modules     []string `json:"modules,omitempty" doc:"When it was looked at last."`
	Run         string   `json:"run,omitempty" doc:"The run under way."`
	Queued      int      `json:"queued" doc:"Runs that wait for it alone."`
	Waiting     string   `json:"waiting,omitempty" doc:"Why nothing is begun though something waits."`
	Paused      *Rest    `json:"paused,omitempty" doc:"Why nothing is begun, whatever waits."`

	Elsewhere *RobotElsewhere `json:"elsewhere,omitempty" doc:"The device that has the robot, where that is not this server."`
}

// RobotElsewhere is a robot that another device server has.
type RobotElsewhere struct {
	Device  string    `json:"device" doc:"Its name at the broker."`
	Robot   string    `json:"robot,omitempty" doc:"What the robot is called there; empty: any of its robots."`
	Online  bool      `json:"online" doc:"The device is there, and the broker."`
	Away    string    `json:"away,omitempty" doc:"Why nothing can be handed over."`
	Version string    `json:"version,omitempty" doc:"Of ot2flow there."`
	Run     string    `json:"run,omitempty" doc:"What the run under way is called there, whoever asked for it."`
	Queued  int       `json:"queued" doc:"Runs that wait there, whoever asked for them."`
	Heard   time.Time `json:"heard,omitzero" doc:"When the device was heard last."`
}

// NoRobot is the error of a robot that there is not.
func (d *Device) NoRobot(name string) error {
	_, err := d.station(name)
	return err
}

// RobotViews are the robots of the device, as they stand. None of them is asked.
func (d *Device) RobotViews(ctx context.Context) ([]RobotView, error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	all, err := d.line.waiting(ctx, store)
	if err != nil {
		return nil, err
	}
	var out []RobotView
	for _, st := range d.stations {
		v := RobotView{Name: st.Name, Address: st.Address, Description: st.Description, Labels: *st.labels.Load(), Paused: d.rests.now(st.Name, time.Now())}
		for _, o := range all {
			if o.Queue == st.Name {
				v.Queued++
			}
		}
		st.mu.Lock()
		if st.current != nil {
			v.Run = st.current.id
		} else {
			v.Waiting = st.waits
		}
		v.saw(st.seen)
		st.mu.Unlock()
		if st.Device != "" {
			v.elsewhere(st)
		}
		out = append(out, v)
	}
	return out, nil
}

// elsewhere says what is known of a robot of another device.
func (v *RobotView) elsewhere(st *station) {
	e := &RobotElsewhere{Device: st.Device, Robot: st.There, Away: st.away()}
	e.Online, v.Elsewhere = e.Away == "", e
	if f := st.device.elsewhere.fleet; f != nil {
		dev := f.Device(st.Device)
		e.Heard = dev.At
		if dev.Birth != nil {
			e.Version = dev.Birth.Version
		}
	}
	list := st.robotsElsewhere()
	for i := range list {
		e.Run = cmp.Or(e.Run, list[i].Run)
		e.Queued += list[i].Queued
	}
	if len(list) == 1 {
		v.Serial, v.Software, v.Pipettes, v.Modules = list[0].Serial, list[0].Software, list[0].Pipettes, list[0].Modules
	}
}

func (v *RobotView) saw(d *run.Device) {
	if d == nil {
		return
	}
	v.Serial, v.Software = d.Serial, d.Software
	for _, p := range d.Pipettes {
		v.Pipettes = append(v.Pipettes, p.Model+" "+p.Mount)
	}
	for _, m := range d.Modules {
		v.Modules = append(v.Modules, m.Model)
	}
}
