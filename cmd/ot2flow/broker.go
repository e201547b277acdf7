package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ot2flow/ot2flow/workflows/broker"
	"github.com/ot2flow/ot2flow/workflows/client/mqttclient"
	"github.com/ot2flow/ot2flow/workflows/fleet"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqttserver"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// brokering is where a device server takes part in MQTT, and as whom.
type brokering struct {
	url, device, ca, cert, key string
	own, listen                string
	user, password             string // at our own broker
}

func (b *brokering) flags(f *pflag.FlagSet) {
	f.StringVar(&b.url, "mqtt", "", "also be a device at this broker, such as mqtt://localhost or mqtts://broker.lab.example; who we are is in OT2FLOW_MQTT_USER and OT2FLOW_MQTT_PASSWORD, or in --mqtt-cert")
	f.StringVar(&b.own, "broker", "", "be the broker, too, with the users in this folder, which ot2flow broker makes; the server itself, and who is in the file of the lab, come by themselves")
	f.StringVar(&b.listen, "broker-listen", "", "where the broker listens (default 127.0.0.1:1883; with --tls-cert, which it shows as well, :8883)")
	f.StringVar(&b.device, "mqtt-device", "", "what the device is called at the broker; by default as the robot, or as the lab")
	f.StringVar(&b.ca, "mqtt-ca", "", "by which authority the broker is known, a PEM file; otherwise by those that this computer trusts")
	f.StringVar(&b.cert, "mqtt-cert", "", "the certificate by which the broker knows us, a PEM file")
	f.StringVar(&b.key, "mqtt-key", "", "the key of that certificate, a PEM file")
}

// device connects the server to its broker; nil is one without.
func (b *brokering) serve(ctx context.Context, device *service.Device, set *setting, insecure bool, log *slog.Logger) (*mqttserver.Server, error) {
	if b.url == "" {
		if b.listen != "" {
			return nil, usage("--broker-listen says where the broker listens that --broker makes")
		}
		if b.device != "" || b.ca != "" || b.cert != "" || b.key != "" {
			return nil, usage("--mqtt-device, --mqtt-ca, --mqtt-cert and --mqtt-key say how the broker is reached that --mqtt names")
		}
		return nil, nil
	}
	address, err := mqtt.ParseAddress(b.url)
	if err != nil {
		return nil, usage("--mqtt: %v", err)
	}
	name, err := b.name(set)
	if err != nil {
		return nil, err
	}
	o := mqtt.Options{Broker: address, CA: b.ca, Certificate: b.cert, Key: b.key, Insecure: insecure, User: b.user, Password: b.password}
	if b.own == "" {
		o.Environment()
	}
	s, err := mqttserver.New(ctx, device, version, mqttserver.Options{Broker: o, Device: name, Log: log})
	if err != nil {
		return nil, usage("--mqtt: %v", err)
	}
	log.Info("a device at a broker", "device", name, "mqtt", address.String())
	return s, nil
}

// name is what the server is called at a broker.
func (b *brokering) name(set *setting) (string, error) {
	name := b.device
	if name == "" && set.lab != nil {
		name = set.lab.Name
	}
	if name == "" && len(set.robots) == 1 {
		name = set.robots[0].Name
	}
	if err := mqtt.CheckName(name); err != nil {
		return "", usage("say what the device is called at the broker: --mqtt-device NAME (%v)", err)
	}
	return name, nil
}

// be starts the broker that the server itself is, and comes to it as a device.
func (b *brokering) be(ctx context.Context, a *app, set *setting, cert, key string, log *slog.Logger) (end func(), err error) {
	if b.own == "" {
		return func() {}, nil
	}
	if b.url != "" {
		return nil, usage("--broker is a broker, and --mqtt names another one; a server comes to one of them")
	}
	name, err := b.name(set)
	if err != nil {
		return nil, err
	}
	users, err := broker.ReadUsers(b.own)
	if err != nil {
		return nil, cannot("%v", err)
	}
	users[name] = broker.User{Name: name, Role: broker.Device}
	if set.lab != nil {
		for _, id := range set.lab.Broker.Sensors {
			users[id] = broker.User{Name: id, Role: broker.Sensor}
		}
	}
	made, err := broker.Users(b.own, slices.SortedFunc(maps.Values(users), func(a, b broker.User) int { return strings.Compare(a.Name, b.Name) }))
	if err != nil {
		return nil, usage("--broker: %v", err)
	}
	a.sayMade(b.own, made)
	secret, err := os.ReadFile(filepath.Join(b.own, broker.PasswordFile(name)))
	if err != nil {
		return nil, cannot("the password of %s at our own broker cannot be read: %v", name, err)
	}
	listen := b.listen
	switch {
	case listen == "" && cert == "":
		listen = "127.0.0.1:1883"
	case listen == "":
		listen = ":8883"
	}
	e, err := embed(ctx, b.own, listen, cert, key, log)
	if err != nil {
		return nil, err
	}
	b.url, b.user, b.password = e.Here().String(), name, strings.TrimSpace(string(secret))
	return e.Close, nil
}

// bornWithin is how long a broker may take to say what a device is that it knows.
const bornWithin = 10 * time.Second

// nameAt is whom a broker knows us as, which may let us ask under that name only; empty where
// it does not know us.
func nameAt(o *mqtt.Options) (string, error) {
	if o.User != "" || o.Certificate == "" {
		return o.User, nil
	}
	pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
	if err != nil {
		return "", err
	}
	return pair.Leaf.Subject.CommonName, nil
}

// brokerCaller asks a device at a broker.
func (a *app) brokerCaller(ctx context.Context, o *callFlags) (caller, func(), error) {
	address, device, err := mqtt.ParseDevice(o.device)
	if err != nil {
		return nil, nil, usage("--device: %v", err)
	}
	if o.tokenFile != "" {
		return nil, nil, usage("a broker knows us by user and password or by a certificate, and not by --token-file")
	}
	b := mqtt.Options{Broker: address, CA: o.ca, Certificate: o.cert, Key: o.key, Insecure: o.insecure}
	b.Environment()
	name, err := nameAt(&b)
	if err != nil {
		return nil, nil, usage("--tls-cert: %v", err)
	}
	d, err := mqttclient.Open(b, device, mqttclient.Options{Controller: name, Within: o.within, Detach: o.detach})
	if err != nil {
		return nil, nil, usage("--device: %v", err)
	}
	soon, cancel := context.WithTimeout(ctx, bornWithin)
	defer cancel()
	if _, err := d.Birth(soon); err != nil {
		d.Close()
		return nil, nil, cannot("%v", err)
	}
	if s := d.State(); s != nil && !s.Online {
		a.tell("%s is away; the job waits for it", device)
	}
	return d, d.Close, nil
}

// join reaches the robots that other device servers have.
func (s *setting) join(device *service.Device, insecure bool, log *slog.Logger) (leave func(), err error) {
	if s.lab == nil || s.lab.Broker.Address.Host == "" {
		return func() {}, nil
	}
	b := &s.lab.Broker
	o := mqtt.Options{Broker: b.Address, CA: b.CA, Certificate: b.Certificate, Key: b.Key, Insecure: insecure, Note: noteOf(log)}
	if b.PasswordFile != "" {
		secret, err := os.ReadFile(b.PasswordFile)
		if err != nil {
			return nil, usage("%s: the password at the broker cannot be read: %v", s.file, err)
		}
		o.User, o.Password = b.Controller, strings.TrimSpace(string(secret))
	}
	o.Environment()
	leave, err = device.Join(fleet.Options{Broker: o, Controller: b.Controller})
	if err != nil {
		return nil, usage("%s: %v", s.file, err)
	}
	log.Info("runs are handed over to devices at a broker", "controller", b.Controller, "mqtt", b.Address.String(), "devices", strings.Join(s.lab.Devices(), " "))
	return leave, nil
}

// noteOf logs what becomes of a connection.
func noteOf(log *slog.Logger) func(mqtt.Note) {
	return func(n mqtt.Note) {
		if n.Wrong {
			log.Warn(n.Text)
			return
		}
		log.Info(n.Text)
	}
}
