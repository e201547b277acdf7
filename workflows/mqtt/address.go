package mqtt

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// The variables that say who we are to a broker. What stands on a command line is seen by
// everybody on the computer.
const (
	UserVariable     = "OT2FLOW_MQTT_USER"
	PasswordVariable = "OT2FLOW_MQTT_PASSWORD"
)

// ports are those of the ways to reach a broker, with whether they are encrypted.
var ports = map[string]struct {
	port   string
	secret bool
}{
	"mqtt": {"1883", false}, "mqtts": {"8883", true}, "ws": {"80", false}, "wss": {"443", true},
}

// Address is where a broker is.
type Address struct {
	Scheme string // mqtt, mqtts, ws or wss
	Host   string // with its port
	Path   string // of ws and wss, such as /mqtt; empty for the others
	User   string // empty where the address names none
	rest   string // what stands behind the slash, where it is no Path
}

// ParseAddress reads the address of a broker, such as mqtts://broker.lab.example:8883 or
// wss://broker.lab.example/mqtt.
func ParseAddress(text string) (Address, error) {
	a, err := parse(text)
	if err == nil && a.rest != "" {
		err = fmt.Errorf("nothing stands behind the port in the address of a broker, and in %s there is /%s", text, a.rest)
	}
	return a, err
}

// ParseDevice reads an address with the name of a device behind it, such as
// mqtt://broker.lab.example/bench-3 or wss://broker.lab.example/mqtt/bench-3.
func ParseDevice(text string) (a Address, device string, err error) {
	a, err = parse(text)
	if err != nil {
		return a, "", err
	}
	if device = a.rest; a.Path != "" {
		i := strings.LastIndexByte(a.Path, '/')
		a.Path, device = a.Path[:i], a.Path[i+1:]
	}
	if err := CheckName(device); err != nil {
		return a, "", fmt.Errorf("%s: behind the broker stands the device, such as mqtt://broker.lab.example/bench-3: %w", text, err)
	}
	a.rest = ""
	return a, device, nil
}

func parse(text string) (Address, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return Address{}, fmt.Errorf("the address of a broker is like mqtt://localhost or mqtts://broker.lab.example:8883, and %q is not", text)
	}
	way, ok := ports[u.Scheme]
	switch _, password := u.User.Password(); {
	case !ok:
		return Address{}, fmt.Errorf("a broker is reached by mqtt://, mqtts://, ws:// or wss://, and not by %s://", u.Scheme)
	case password:
		return Address{}, errors.New("a password in an address is seen by everybody on the computer; put it into " + PasswordVariable)
	case u.RawQuery != "" || u.Fragment != "":
		return Address{}, fmt.Errorf("the address of a broker ends with its path, and in %q something stands behind it", text)
	}
	a := Address{Scheme: u.Scheme, Host: u.Host, User: u.User.Username()}
	if u.Port() == "" {
		a.Host = net.JoinHostPort(u.Hostname(), way.port)
	}
	if path := strings.TrimSuffix(u.Path, "/"); strings.HasPrefix(u.Scheme, "ws") {
		a.Path = path
	} else {
		a.rest = strings.TrimPrefix(path, "/")
	}
	return a, nil
}

// String is the address, without a user.
func (a Address) String() string { return a.Scheme + "://" + a.Host + a.Path }

// Encrypted reports whether nobody on the way can read what is sent.
func (a Address) Encrypted() bool { return ports[a.Scheme].secret }

// Local reports whether the broker is on this computer.
func (a Address) Local() bool {
	host, _, err := net.SplitHostPort(a.Host)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// CheckName refuses what cannot be a part of a topic that stands for a device, a
// controller, a session or an experiment.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("there is no name")
	case len(name) > 128:
		return errors.New("a name has at most 128 bytes")
	case strings.ContainsAny(name, "/+#$ ") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }):
		return fmt.Errorf("%q is no name: /, +, #, $, spaces and control characters have another meaning in topics", name)
	}
	return nil
}

// Environment takes who we are from the environment, where nothing else says it.
func (o *Options) Environment() {
	if o.User == "" {
		o.User = os.Getenv(UserVariable)
	}
	if o.User == "" {
		o.User = o.Broker.User
	}
	if o.Password == "" {
		o.Password = os.Getenv(PasswordVariable)
	}
}
