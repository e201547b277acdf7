// Package broker owns who may do what at a lab's MQTT broker: one table of roles and their
// topics, from which the configuration of mosquitto is made.
package broker

import (
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/workflows/mqtt"
)

// Role is what somebody is at a broker.
type Role string

// The roles.
const (
	// Device is a device server: it takes the jobs of its own name, says what it does under
	// that name, and asks instruments.
	Device Role = "device"
	// Controller gives jobs to devices, and hears all that they say.
	Controller Role = "controller"
	// Sensor is a colour sensor on a Pico W.
	Sensor Role = "sensor"
)

// User is somebody who may come to a broker.
type User struct {
	Name string
	Role Role
}

// Rule is what somebody may do at a topic, in which + stands for any one word.
type Rule struct {
	Topic       string
	Read, Write bool
}

// own stands for the user's name in the table of topics.
const own = "OWN"

// topics is who may do what. What is not here is nobody's.
var topics = map[Role][]Rule{
	Device: {
		{"ot2/v1/" + own + "/cmd", true, false},
		{"ot2/v1/" + own + "/ctl", true, false},
		{"ot2/v1/" + own + "/birth", true, true}, // it reads what is retained of itself
		{"ot2/v1/" + own + "/state", true, true},
		{"ot2/v1/" + own + "/evt", false, true},
		{"ot2/v1/+/reply", false, true},
		{"ot2/" + own + "/command", true, false},
		{"ot2/" + own + "/result", false, true},
		{"ot2/" + own + "/status", true, true},
		{"command/picow/+/as7341/read", false, true},
		{"color-mixing/picow/+/as7341", true, false},
		{"status/ot2/" + own + "/complete", false, true},
	},
	Controller: {
		{"ot2/v1/+/cmd", false, true},
		{"ot2/v1/+/ctl", false, true},
		{"ot2/v1/+/birth", true, false},
		{"ot2/v1/+/state", true, false},
		{"ot2/v1/+/evt", true, false},
		{"ot2/v1/" + own + "/reply", true, false},
		{"ot2/+/command", false, true},
		{"ot2/+/result", true, false},
		{"ot2/+/status", true, false},
	},
	Sensor: {
		{"command/picow/" + own + "/as7341/read", true, false},
		{"color-mixing/picow/" + own + "/as7341", false, true},
		{"status/ot2/+/complete", true, false},
	},
}

// Rules are what a user may do.
func (u User) Rules() []Rule {
	var out []Rule
	for _, r := range topics[u.Role] {
		r.Topic = strings.Replace(r.Topic, own, u.Name, 1)
		out = append(out, r)
	}
	return out
}

// check refuses what cannot be a user: the name is a part of topics and of files.
func (u User) check() error {
	if err := mqtt.CheckName(u.Name); err != nil {
		return err
	}
	for _, r := range u.Name {
		if !(r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return fmt.Errorf("%s: the name of a user has letters, digits, ., _ and -", u.Name)
		}
	}
	if u.Name[0] == '.' || u.Name[0] == '-' {
		return fmt.Errorf("%s: the name of a user begins with a letter or a digit", u.Name)
	}
	if topics[u.Role] == nil {
		return fmt.Errorf("%s: there is no role %s", u.Name, u.Role)
	}
	return nil
}
