package service

import (
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
		out = append(out, v)
	}
	return out, nil
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
