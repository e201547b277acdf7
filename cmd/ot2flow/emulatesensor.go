package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/sensor"
)

func (a *app) emulateSensorCommand() *cobra.Command {
	var s sensor.Sensor
	var broker, ca string
	var insecure bool
	c := &cobra.Command{
		Use:   "sensor --mqtt URL",
		Short: "Be a wireless colour sensor: answer over a broker what it would see",
		Long: `Plays the colour sensor of a colour-mixing lab, a Pico W with an AS7341, so that a workflow
that measures with it can be tried without one. It is asked at command/picow/ID/as7341/read
and answers at color-mixing/picow/ID/as7341, with eight channels of made-up paints; it
refuses to measure while the robot says that it is charging. Ctrl-C ends it.

User and password for the broker are those of OT2FLOW_MQTT_USER and OT2FLOW_MQTT_PASSWORD.`,
		Example: "  ot2flow emulate sensor --mqtt mqtt://localhost &\n  ot2flow apply examples/17-color-sensor/workflow.yaml --robot http://127.0.0.1:31950 --set broker=mqtt://localhost",
		Args:    cobra.NoArgs,
	}
	f := c.Flags()
	f.StringVar(&broker, "mqtt", "", "address of the broker, such as mqtt://localhost")
	f.StringVar(&s.ID, "id", "demo", "id of the Pico W, a part of its topics")
	f.StringVar(&s.Robot, "robot", "demo", "serial of the robot that says where the sensor is, a part of its topic")
	f.StringVar(&ca, "ca", "", "certificate of the authority that the broker's certificate is signed by")
	f.BoolVar(&insecure, "insecure", false, "also to another computer without TLS or a user")
	c.RunE = func(c *cobra.Command, _ []string) error {
		at, err := mqtt.ParseAddress(broker)
		if err != nil {
			return usage("--mqtt: %v", err)
		}
		o := mqtt.Options{Broker: at, CA: ca, Insecure: insecure}
		o.Environment()
		if !a.quiet {
			s.Note = func(text string) { a.tell("%s", text) }
		}
		return a.emulateSensor(c.Context(), &s, o)
	}
	return c
}

func (a *app) emulateSensor(ctx context.Context, s *sensor.Sensor, o mqtt.Options) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := s.Serve(ctx, o, func() {
		a.tell("a colour sensor listens to %s and answers at %s; Ctrl-C ends it", s.CommandTopic(), s.DataTopic())
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return cannot("%v", err)
	}
	return nil
}
