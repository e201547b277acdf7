package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ot2flow/ot2flow/workflows/broker"
	"github.com/ot2flow/ot2flow/workflows/certs"
	labfile "github.com/ot2flow/ot2flow/workflows/lab"
)

// ordering is who is to come to a broker, and where that is.
type ordering struct {
	devices, controllers, sensors []string
	lab, dir                      string
	port                          int
	cert, key                     string
}

func (o *ordering) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.devices, "device", nil, "a device server, by its name at the broker; repeatable")
	f.StringArrayVar(&o.controllers, "controller", nil, "who gives jobs to devices; repeatable")
	f.StringArrayVar(&o.sensors, "sensor", nil, "a colour sensor, by the id of its Pico W; repeatable")
	f.StringVar(&o.lab, "config", "", "the file of a lab: its controller, the devices that its robots name, and its sensors come, too")
	f.StringVar(&o.dir, "out", "broker", "the folder of users and passwords")
	f.IntVar(&o.port, "port", 0, "port to listen on (default 8883, without a certificate 1883)")
	f.StringVar(&o.cert, "tls-cert", "", "the broker's certificate, a PEM file")
	f.StringVar(&o.key, "tls-key", "", "its key, a PEM file")
}

func (a *app) brokerCommand() *cobra.Command {
	var o ordering
	var logs logging
	c := &cobra.Command{
		Use:   "broker [--device NAME…] [--controller NAME…] [--sensor ID…]",
		Short: "Be an MQTT broker for a lab that has none, or configure one",
		Long: `Is an MQTT broker: devices, controllers and sensors come to it with a name and a password, and
each does what its role says. For each new user a file NAME.password is written into a folder,
which only its owner reads and which goes to that user; the broker itself keeps hashes. Without
names the users are those of the folder.

It keeps nothing on the disk: devices and controllers of ot2flow say and ask everything again until
they are answered, so that no job is lost or done twice when the broker ends. Without a certificate
it is reached from its own computer only. ot2flow broker config writes the same users for mosquitto.`,
		Example: "  ot2flow broker --device bench-3 --controller office\n  ot2flow broker --config lab.yaml --tls-cert certs/server.crt --tls-key certs/server.key",
		Args:    cobra.NoArgs,
	}
	o.flags(c.Flags())
	logs.flags(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		log, err := logs.logger(a)
		if err != nil {
			return err
		}
		return a.beBroker(c.Context(), &o, log)
	}
	c.AddCommand(a.brokerConfigCommand())
	return c
}

func (a *app) brokerConfigCommand() *cobra.Command {
	var o ordering
	c := &cobra.Command{
		Use:   "config [--device NAME…] [--controller NAME…] [--sensor ID…]",
		Short: "Write a configuration of mosquitto: users, passwords, what each may do, TLS",
		Long: `Writes a configuration of mosquitto into a folder: mosquitto.conf, acl, the hashes of
passwords, and for each new user a file NAME.password, which only its owner reads and which
goes to that user. Called again, users keep their passwords, and who is not named any more is
gone; to give somebody a new one, leave the user out once.

A device takes jobs of its own name and speaks under that name alone; a controller gives jobs
to all devices, under its own name; a sensor is one of those of examples/17-color-sensor. Nobody
comes without a password. Without a certificate the broker is reached from its own computer only.`,
		Example: "  ot2flow certs --name broker.lab.example\n  ot2flow broker config --device bench-3 --controller office --sensor pico-1 --tls-cert certs/server.crt --tls-key certs/server.key\n  mosquitto -c broker/mosquitto.conf",
		Args:    cobra.NoArgs,
	}
	o.flags(c.Flags())
	c.RunE = func(*cobra.Command, []string) error { return a.brokerConfig(&o) }
	return c
}

// users are those who are named, and those of the file of a lab.
func (a *app) users(o *ordering) ([]broker.User, error) {
	if o.lab != "" {
		opened := labfile.Open(o.lab)
		a.show(opened.Diagnostics, opened.Source)
		if opened.Lab == nil {
			return nil, &exitError{findingsCode(opened.Diagnostics), ""}
		}
		b := &opened.Lab.Broker
		o.devices, o.sensors = append(o.devices, opened.Lab.Devices()...), append(o.sensors, b.Sensors...)
		if b.Controller != "" {
			o.controllers = append(o.controllers, b.Controller)
		}
	}
	var out []broker.User
	for _, list := range []struct {
		names []string
		role  broker.Role
	}{{o.devices, broker.Device}, {o.controllers, broker.Controller}, {o.sensors, broker.Sensor}} {
		for _, name := range list.names {
			out = append(out, broker.User{Name: name, Role: list.role})
		}
	}
	return out, nil
}

// complete takes the port for granted that brokers have.
func (o *ordering) complete() error {
	switch {
	case o.port < 0 || o.port > 65535:
		return usage("--port %d: a port is a number up to 65535", o.port)
	case o.port == 0 && o.cert == "":
		o.port = 1883
	case o.port == 0:
		o.port = 8883
	}
	return nil
}

func (a *app) brokerConfig(o *ordering) error {
	if err := o.complete(); err != nil {
		return err
	}
	users, err := a.users(o)
	if err != nil {
		return err
	}
	order := broker.Order{Users: users, Port: o.port, Certificate: o.cert, Key: o.key, Local: o.cert == "" && o.key == ""}
	for _, file := range []*string{&order.Certificate, &order.Key} { // mosquitto runs elsewhere
		if *file == "" {
			continue
		}
		whole, err := filepath.Abs(*file)
		if err != nil {
			return cannot("%v", err)
		}
		*file = whole
	}
	made, err := broker.Mosquitto(o.dir, order)
	if err != nil {
		return usage("%v", err)
	}
	a.sayMade(o.dir, made)
	scheme := "mqtts"
	if order.Local {
		scheme = "mqtt"
	}
	_, err = fmt.Fprintf(a.out, `Start it:  mosquitto -c %s
Devices, controllers and sensors come to %s://…:%d with their names and passwords,
ot2flow with OT2FLOW_MQTT_USER and OT2FLOW_MQTT_PASSWORD.
`, filepath.Join(o.dir, broker.ConfigFile), scheme, o.port)
	return a.written(err)
}

// sayMade says where the passwords of new users are.
func (a *app) sayMade(dir string, made []broker.User) {
	for _, u := range made {
		a.tell("%s  the password of %s, a %s", filepath.Join(dir, broker.PasswordFile(u.Name)), u.Name, u.Role)
	}
}

// beBroker is a broker until Ctrl-C.
func (a *app) beBroker(ctx context.Context, o *ordering, log *slog.Logger) error {
	if err := o.complete(); err != nil {
		return err
	}
	users, err := a.users(o)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		made, err := broker.Users(o.dir, users)
		if err != nil {
			return usage("%v", err)
		}
		a.sayMade(o.dir, made)
	}
	host := "127.0.0.1"
	if o.cert != "" {
		host = ""
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := embed(ctx, o.dir, net.JoinHostPort(host, strconv.Itoa(o.port)), o.cert, o.key, log)
	if err != nil {
		return err
	}
	<-ctx.Done()
	log.Info("ending")
	b.Close()
	return nil
}

// embed starts a broker in this process.
func embed(ctx context.Context, dir, address, cert, key string, log *slog.Logger) (*broker.Embedded, error) {
	known, err := broker.ReadUsers(dir)
	switch {
	case err != nil:
		return nil, cannot("%v", err)
	case len(known) == 0:
		return nil, usage("nobody may come to the broker of %s: name devices, controllers or sensors, as in ot2flow broker --device bench-3 --controller office", dir)
	case (cert == "") != (key == ""):
		return nil, usage("a certificate and its key belong together: --tls-cert and --tls-key")
	}
	var shown func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	scheme := "mqtt"
	if cert != "" {
		files, err := certs.Open(cert, key, func(text string, err error) { log.Info(text, "error", err) })
		if err != nil {
			return nil, usage("%v", err)
		}
		shown, scheme = files.Get, "mqtts"
	}
	b, err := broker.Embed(ctx, dir, address, shown, log)
	if err != nil {
		return nil, cannot("%v", err)
	}
	log.Info("a broker", "mqtt", fmt.Sprintf("%s://%s", scheme, b.Addr()), "users", len(known))
	return b, nil
}
