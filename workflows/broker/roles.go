// Package broker owns who may do what at a lab's MQTT broker: one table of roles and their
// topics, from which the configuration of mosquitto is made.
package broker

import (
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/sensor"
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

// own stands for the user's name in the table of topics, and all for everybody's.
const (
	own = "OWN"
	all = "+"
)

// topics is who may do what. What is not here is nobody's. A controller asks only under its
// own name, by which a device knows who it is.
var topics = map[Role][]Rule{
	Device: {
		{jobs.Topic(own, jobs.Commands), true, false},
		{jobs.Topic(own, jobs.Controls), true, false},
		{jobs.Bound(own, jobs.Commands, all), true, false},
		{jobs.Bound(own, jobs.Controls, all), true, false},
		{jobs.Topic(own, jobs.BirthTopic), true, true}, // it reads what is retained of itself
		{jobs.Topic(own, jobs.StateTopic), true, true},
		{jobs.Topic(own, jobs.Events), false, true},
		{jobs.Topic(all, jobs.Answers), false, true},
		{jobs.GuideTopic(own, jobs.GuideCommand), true, false},
		{jobs.GuideTopic(own, jobs.GuideResult), false, true},
		{jobs.GuideTopic(own, jobs.GuideStatus), true, true},
		{sensors.CommandTopic(), false, true},
		{sensors.DataTopic(), true, false},
		{sensorOf(own, all).StatusTopic(), false, true},
	},
	Controller: {
		{jobs.Bound(all, jobs.Commands, own), false, true},
		{jobs.Bound(all, jobs.Controls, own), false, true},
		{jobs.Topic(all, jobs.BirthTopic), true, false},
		{jobs.Topic(all, jobs.StateTopic), true, false},
		{jobs.Topic(all, jobs.Events), true, false},
		{jobs.Topic(own, jobs.Answers), true, false},
		{jobs.GuideTopic(all, jobs.GuideCommand), false, true},
		{jobs.GuideTopic(all, jobs.GuideResult), true, false},
		{jobs.GuideTopic(all, jobs.GuideStatus), true, false},
	},
	Sensor: {
		{sensorOf(all, own).CommandTopic(), true, false},
		{sensorOf(all, own).DataTopic(), false, true},
		{sensors.StatusTopic(), true, false},
	},
}

// sensors are all there are.
var sensors = sensorOf(all, all)

func sensorOf(robot, id string) *sensor.Sensor { return &sensor.Sensor{ID: id, Robot: robot} }

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
