package broker_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/broker"
	"github.com/ot2flow/ot2flow/workflows/certs"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
)

var users = []broker.User{{Name: "bench-3", Role: broker.Device}, {Name: "bench-4", Role: broker.Device}, {Name: "office", Role: broker.Controller}, {Name: "pico", Role: broker.Sensor}}

// started is a mosquitto with a configuration of ours, but for the port and what the
// helper says of its files.
func started(t *testing.T, dir string) *mqtttest.Broker {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, broker.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{"listener PORT 127.0.0.1"}
	for line := range strings.Lines(string(data)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "listener", "persistence", "persistence_location", "autosave_interval", "max_queued_messages":
		default:
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return mqtttest.Start(t, lines...)
}

// bothOf are a mosquitto and a broker of ours with the users of a folder, by name.
func bothOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	return map[string]string{"mosquitto": started(t, dir).URL, "our own": embedded(t, dir)}
}

func embedded(t *testing.T, dir string) (url string) {
	t.Helper()
	b, err := broker.Embed(t.Context(), dir, "127.0.0.1:0", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return "mqtt://" + b.Addr().String()
}

func password(t *testing.T, dir, name string) string {
	t.Helper()
	file := filepath.Join(dir, broker.PasswordFile(name))
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s may be read by others: %v, %v", file, info.Mode(), err)
	}
	return strings.TrimSpace(string(data))
}

func as(t *testing.T, url, ca, user, password string) *mqtt.Conn {
	t.Helper()
	at, err := mqtt.ParseAddress(url)
	if err != nil {
		t.Fatal(err)
	}
	c, err := mqtt.Open(mqtt.Options{Broker: at, User: user, Password: password, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Everybody does what the role says, under the own name, and nothing else.
func TestWhoMayWhat(t *testing.T) {
	dir := t.TempDir()
	made, err := broker.Mosquitto(dir, broker.Order{Users: users, Port: 1883, Local: true})
	if err != nil || len(made) != len(users) {
		t.Fatal(made, err)
	}
	for kind, url := range bothOf(t, dir) {
		t.Run(kind, func(t *testing.T) { whoMayWhat(t, dir, url) })
	}
}

func whoMayWhat(t *testing.T, dir, url string) {
	ctx := patience(t)
	for name, c := range map[string]struct{ may, mayNot []string }{
		"bench-3": {
			[]string{"ot2/v1/bench-3/birth", "ot2/v1/bench-3/state", "ot2/v1/bench-3/evt", "ot2/v1/office/reply", "ot2/bench-3/result", "ot2/bench-3/status", "command/picow/pico/as7341/read", "status/ot2/bench-3/complete"},
			[]string{"ot2/v1/bench-4/birth", "ot2/v1/bench-4/state", "ot2/v1/bench-4/evt", "ot2/v1/bench-4/cmd", "ot2/v1/bench-3/cmd", "ot2/v1/bench-3/cmd/bench-3", "ot2/v1/bench-3/ctl", "ot2/bench-4/result", "ot2/bench-4/command", "color-mixing/picow/pico/as7341", "status/ot2/bench-4/complete", "elsewhere"},
		},
		"office": {
			[]string{"ot2/v1/bench-3/cmd/office", "ot2/v1/bench-4/ctl/office", "ot2/bench-3/command"},
			[]string{"ot2/v1/bench-3/cmd", "ot2/v1/bench-3/ctl", "ot2/v1/bench-3/cmd/ada", "ot2/v1/bench-3/birth", "ot2/v1/bench-3/state", "ot2/v1/office/reply", "ot2/bench-3/result", "command/picow/pico/as7341/read"},
		},
		"pico": {
			[]string{"color-mixing/picow/pico/as7341"},
			[]string{"color-mixing/picow/other/as7341", "command/picow/pico/as7341/read", "status/ot2/bench-3/complete", "ot2/v1/bench-3/cmd"},
		},
	} {
		conn := as(t, url, "", name, password(t, dir, name))
		for _, topic := range c.may {
			if err := conn.Publish(ctx, &mqtt.Message{Topic: topic, QoS: 1}); err != nil {
				t.Errorf("%s at %s: %v", name, topic, err)
			}
		}
		for _, topic := range c.mayNot {
			var refused *mqtt.Refused
			if err := conn.Publish(ctx, &mqtt.Message{Topic: topic, QoS: 1}); !errors.As(err, &refused) {
				t.Errorf("%s may publish at %s: %v", name, topic, err)
			}
		}
	}
	for _, c := range []struct{ user, password string }{{"", ""}, {"bench-3", "guessed"}, {"bench-3", password(t, dir, "bench-4")}, {"nobody", "x"}} {
		var refused *mqtt.Refused
		if err := as(t, url, "", c.user, c.password).Ready(ctx); !errors.As(err, &refused) {
			t.Errorf("%q comes in: %v", c.user, err)
		}
	}
}

// What is for another one nobody hears, also by listening to everything.
func TestWhoHearsWhat(t *testing.T) {
	dir := t.TempDir()
	if _, err := broker.Mosquitto(dir, broker.Order{Users: users, Port: 1883, Local: true}); err != nil {
		t.Fatal(err)
	}
	for kind, url := range bothOf(t, dir) {
		t.Run(kind, func(t *testing.T) { whoHearsWhat(t, dir, url) })
	}
}

func whoHearsWhat(t *testing.T, dir, url string) {
	ctx := patience(t)
	heard := make(chan string, 10)
	device := as(t, url, "", "bench-3", password(t, dir, "bench-3"))
	if err := device.Subscribe(ctx, mqtt.Subscription{Filter: "ot2/v1/+/cmd/+", QoS: 1, Handle: func(m *mqtt.Message) { heard <- m.Topic }}); err != nil {
		var refused *mqtt.Refused
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
		return // it is not even listened to
	}
	office := as(t, url, "", "office", password(t, dir, "office"))
	for _, topic := range []string{"ot2/v1/bench-4/cmd/office", "ot2/v1/bench-3/cmd/office"} {
		if err := office.Publish(ctx, &mqtt.Message{Topic: topic, QoS: 1}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case topic := <-heard:
		if topic != "ot2/v1/bench-3/cmd/office" {
			t.Errorf("bench-3 hears %s", topic)
		}
	case <-ctx.Done():
		t.Error("a device does not hear what it is told")
	}
}

// Over TLS, with the certificates that ot2flow makes.
func TestOverTLS(t *testing.T) {
	dir, lab := t.TempDir(), t.TempDir()
	if _, err := certs.Make(lab, certs.Order{Names: []string{"127.0.0.1"}, For: time.Hour, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	o := broker.Order{Users: users, Port: 8883, Certificate: filepath.Join(lab, certs.ServerFile), Key: filepath.Join(lab, certs.ServerKeyFile)}
	if _, err := broker.Mosquitto(dir, o); err != nil {
		t.Fatal(err)
	}
	b := started(t, dir)
	url := strings.Replace(b.URL, "mqtt:", "mqtts:", 1)
	if err := as(t, url, filepath.Join(lab, certs.AuthorityFile), "pico", password(t, dir, "pico")).Ready(patience(t)); err != nil {
		t.Error(err)
	}
	plain, err := net.Dial("tcp", b.Host())
	if err != nil {
		t.Fatal(err)
	}
	plain.Close()
	if err := as(t, b.URL, "", "pico", password(t, dir, "pico")).Ready(briefly(t)); err == nil {
		t.Error("it takes connections without TLS")
	}
}

// briefly is long enough for what cannot come: a slow machine only makes it more certain.
func briefly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// Made again, users keep their passwords, others come and go; no password is anywhere but
// in its file.
func TestMadeAgain(t *testing.T) {
	dir := t.TempDir()
	order := broker.Order{Users: users[:2], Port: 1883, Local: true}
	if _, err := broker.Mosquitto(dir, order); err != nil {
		t.Fatal(err)
	}
	before := password(t, dir, "bench-3")
	order.Users = []broker.User{users[0], users[2]}
	made, err := broker.Mosquitto(dir, order)
	if err != nil || len(made) != 1 || made[0].Name != "office" {
		t.Errorf("%v is new, %v", made, err)
	}
	if password(t, dir, "bench-3") != before {
		t.Error("a device has another password")
	}
	for _, name := range []string{broker.ConfigFile, broker.PasswordsFile, broker.RulesFile} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), before) || strings.Contains(string(data), "bench-4") {
			t.Errorf("%s has what it should not:\n%s", name, data)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// What would be of no use, or of use to everybody, is not made.
func TestRefused(t *testing.T) {
	for why, o := range map[string]broker.Order{
		"nobody":      {Local: true},
		"open":        {Users: users},
		"half":        {Users: users, Certificate: "server.crt"},
		"twice":       {Users: append(users[:1:1], broker.User{Name: "Bench-3", Role: broker.Sensor}), Local: true},
		"no role":     {Users: []broker.User{{Name: "a", Role: "king"}}, Local: true},
		"a topic":     {Users: []broker.User{{Name: "a/b", Role: broker.Device}}, Local: true},
		"wildcard":    {Users: []broker.User{{Name: "+", Role: broker.Device}}, Local: true},
		"a path":      {Users: []broker.User{{Name: "..", Role: broker.Device}}, Local: true},
		"two lines":   {Users: []broker.User{{Name: "a\nuser b", Role: broker.Device}}, Local: true},
		"two columns": {Users: []broker.User{{Name: "a:b", Role: broker.Device}}, Local: true},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		if _, err := broker.Mosquitto(dir, o); err == nil {
			t.Errorf("%s is made", why)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s leaves something", why)
		}
	}
}

// Our own broker is reached from elsewhere by TLS only, takes no message that is too long,
// and nobody takes the place of somebody else there.
func TestEmbedded(t *testing.T) {
	dir, lab := t.TempDir(), t.TempDir()
	if _, err := broker.Users(dir, users); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0"} {
		if b, err := broker.Embed(t.Context(), dir, address, nil, slog.New(slog.DiscardHandler)); err == nil {
			b.Close()
			t.Errorf("everybody reaches it at %s", address)
		}
	}
	if _, err := certs.Make(lab, certs.Order{Names: []string{"127.0.0.1"}, For: time.Hour, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	files, err := certs.Open(filepath.Join(lab, certs.ServerFile), filepath.Join(lab, certs.ServerKeyFile), func(string, error) {})
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Embed(t.Context(), dir, "127.0.0.1:0", files.Get, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx := patience(t)
	url := "mqtts://" + b.Addr().String()
	office := as(t, url, filepath.Join(lab, certs.AuthorityFile), "office", password(t, dir, "office"))
	if err := office.Publish(ctx, &mqtt.Message{Topic: "ot2/v1/bench-3/cmd/office", QoS: 1, Payload: make([]byte, 1<<20)}); err != nil {
		t.Error(err)
	}
	if err := office.Publish(briefly(t), &mqtt.Message{Topic: "ot2/v1/bench-3/cmd/office", QoS: 1, Payload: make([]byte, 5<<20)}); err == nil {
		t.Error("it takes 5 MiB")
	}
	at, err := mqtt.ParseAddress(embedded(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	connected := func(user string) *mqtt.Conn {
		c, err := mqtt.Open(mqtt.Options{Broker: at, User: user, Password: password(t, dir, user), ClientID: "the one"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	if err := connected("bench-3").Ready(ctx); err != nil {
		t.Fatal(err)
	}
	var refused *mqtt.Refused
	if err := connected("pico").Ready(ctx); !errors.As(err, &refused) {
		t.Errorf("a sensor takes the place of a device: %v", err)
	}
}
