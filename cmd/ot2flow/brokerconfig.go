package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/workflows/broker"
)

func (a *app) brokerCommand() *cobra.Command {
	c := &cobra.Command{Use: "broker", Short: "Set up who may what at a lab's MQTT broker"}
	c.AddCommand(a.brokerConfigCommand())
	return c
}

func (a *app) brokerConfigCommand() *cobra.Command {
	var devices, controllers, sensors []string
	var dir string
	var o broker.Order
	c := &cobra.Command{
		Use:   "config [--device NAME…] [--controller NAME…] [--sensor ID…]",
		Short: "Write a configuration of mosquitto: users, passwords, what each may do, TLS",
		Long: `Writes a configuration of mosquitto into a folder: mosquitto.conf, acl, the hashes of
passwords, and for each new user a file NAME.password, which only its owner reads and which
goes to that user. Called again, users keep their passwords, and who is not named any more is
gone; to give somebody a new one, leave the user out once.

A device takes jobs of its own name and speaks under that name alone; a controller gives jobs
to all devices; a sensor is one of those of examples/17-color-sensor. Nobody comes without a
password. Without a certificate the broker is reached from its own computer only.`,
		Example: "  ot2flow certs --name broker.lab.example\n  ot2flow broker config --device bench-3 --controller office --sensor pico-1 --tls-cert certs/server.crt --tls-key certs/server.key\n  mosquitto -c broker/mosquitto.conf",
		Args:    cobra.NoArgs,
	}
	f := c.Flags()
	f.StringArrayVar(&devices, "device", nil, "a device server, by its name at the broker; repeatable")
	f.StringArrayVar(&controllers, "controller", nil, "who gives jobs to devices; repeatable")
	f.StringArrayVar(&sensors, "sensor", nil, "a colour sensor, by the id of its Pico W; repeatable")
	f.StringVar(&dir, "out", "broker", "the folder")
	f.IntVar(&o.Port, "port", 0, "port to listen on (default 8883, without a certificate 1883)")
	f.StringVar(&o.Certificate, "tls-cert", "", "the broker's certificate, a PEM file")
	f.StringVar(&o.Key, "tls-key", "", "its key, a PEM file")
	c.RunE = func(*cobra.Command, []string) error {
		for _, list := range []struct {
			names []string
			role  broker.Role
		}{{devices, broker.Device}, {controllers, broker.Controller}, {sensors, broker.Sensor}} {
			for _, name := range list.names {
				o.Users = append(o.Users, broker.User{Name: name, Role: list.role})
			}
		}
		return a.brokerConfig(dir, o)
	}
	return c
}

func (a *app) brokerConfig(dir string, o broker.Order) error {
	o.Local = o.Certificate == "" && o.Key == ""
	switch {
	case o.Port < 0 || o.Port > 65535:
		return usage("--port %d: a port is a number up to 65535", o.Port)
	case o.Port == 0 && o.Local:
		o.Port = 1883
	case o.Port == 0:
		o.Port = 8883
	}
	for _, file := range []*string{&o.Certificate, &o.Key} { // mosquitto runs elsewhere
		if *file == "" {
			continue
		}
		whole, err := filepath.Abs(*file)
		if err != nil {
			return cannot("%v", err)
		}
		*file = whole
	}
	made, err := broker.Mosquitto(dir, o)
	if err != nil {
		return usage("%v", err)
	}
	for _, u := range made {
		a.tell("%s  the password of %s, a %s", filepath.Join(dir, broker.PasswordFile(u.Name)), u.Name, u.Role)
	}
	scheme := "mqtts"
	if o.Local {
		scheme = "mqtt"
	}
	_, err = fmt.Fprintf(a.out, `Start it:  mosquitto -c %s
Devices, controllers and sensors come to %s://…:%d with their names and passwords,
ot2flow with OT2FLOW_MQTT_USER and OT2FLOW_MQTT_PASSWORD.
`, filepath.Join(dir, broker.ConfigFile), scheme, o.Port)
	return a.written(err)
}
