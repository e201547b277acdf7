package lab

import (
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
)

// broker finds the robots that are elsewhere, and takes what is said of their broker.
func (r *reader) broker(f *spec.Lab, l *Lab) Broker {
	out := Broker{
		Controller: f.Broker.Controller.Text, PasswordFile: r.path(&f.Broker.PasswordFile), CA: r.path(&f.Broker.CA),
		Certificate: r.path(&f.Broker.Certificate), Key: r.path(&f.Broker.Key), Sensors: words(f.Broker.Sensors),
	}
	var first *spec.LabRobot
	for i := range l.Robots {
		given := &f.Robots[i]
		if !elsewhere(given.Address.Text) {
			if given.Robot.Set {
				r.add(diag.LabValue, whole(&given.Robot), given.Name.Value+" is a robot of this server, and not one of another", "write address: mqtts://BROKER/DEVICE, or leave robot out")
			}
			continue
		}
		at, device, err := mqtt.ParseDevice(given.Address.Text)
		switch {
		case err != nil:
			r.add(diag.LabValue, whole(&given.Address), given.Address.Text+" is no device at a broker", err.Error())
			continue
		case first != nil && at != out.Address:
			d := r.add(diag.LabValue, whole(&given.Address), fmt.Sprintf("%s is at another broker than %s", given.Name.Value, first.Name.Value), "one server comes to one broker; have the brokers connected, or serve two labs")
			d.Related = []diag.Related{{Span: first.Name.Span, Message: "the other one is here"}}
		case first == nil:
			first, out.Address = given, at
		}
		l.Robots[i].Device = device
	}
	if first == nil {
		return out
	}
	if out.Controller == "" {
		out.Controller = l.Name
	}
	if err := mqtt.CheckName(out.Controller); err != nil {
		at, name := whole(&first.Address), "it is not known what this server is called at the broker"
		if f.Broker.Controller.Set {
			at, name = whole(&f.Broker.Controller), f.Broker.Controller.Text+" is no name at a broker"
		}
		r.add(diag.LabValue, at, name, "write broker: {controller: NAME}, of letters, digits, ., _ and -")
	}
	return out
}

// elsewhere reports whether an address is that of a device at a broker.
func elsewhere(address string) bool {
	scheme, _, ok := strings.Cut(address, "://")
	return ok && (scheme == "mqtt" || scheme == "mqtts" || scheme == "ws" || scheme == "wss")
}
