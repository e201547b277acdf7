package mqtt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ot2flow/ot2flow/workflows/certs"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func address(t *testing.T, url string) mqtt.Address {
	t.Helper()
	a, err := mqtt.ParseAddress(url)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// within is how long a test waits for what must come.
const within = time.Minute

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	t.Cleanup(cancel)
	return ctx
}

// open connects with options, and says what it heard.
func open(t *testing.T, url string, o mqtt.Options) (*mqtt.Conn, *notes) {
	t.Helper()
	n := &notes{}
	o.Broker, o.Note = address(t, url), n.note
	c, err := mqtt.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, n
}

type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) note(o mqtt.Note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, o.Text)
}

func (n *notes) has(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(time.Millisecond) {
		n.mu.Lock()
		all := strings.Join(n.list, "\n")
		n.mu.Unlock()
		if strings.Contains(all, text) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("nothing was said of %q:\n%s", text, all)
		}
	}
}

func next(t *testing.T, from <-chan *mqtt.Message) *mqtt.Message {
	t.Helper()
	select {
	case m := <-from:
		return m
	case <-time.After(within):
		t.Fatal("no message came")
		return nil
	}
}

func into(to chan *mqtt.Message) func(*mqtt.Message) { return func(m *mqtt.Message) { to <- m } }

func TestAddress(t *testing.T) {
	for _, c := range []struct{ text, broker, device, err string }{
		{"mqtt://localhost/bench-3", "mqtt://localhost:1883", "bench-3", ""},
		{"mqtts://ada@broker.lab.example/bench-3", "mqtts://broker.lab.example:8883", "bench-3", ""},
		{"wss://broker.lab.example/mqtt/bench-3", "wss://broker.lab.example:443/mqtt", "bench-3", ""},
		{"ws://[::1]:8080/bench-3", "ws://[::1]:8080", "bench-3", ""},
		{"mqtt://localhost", "", "", "behind the broker stands the device"},
		{"mqtt://localhost/bench/3", "", "", "another meaning in topics"},
		{"mqtt://localhost/+", "", "", "another meaning in topics"},
		{"http://localhost/bench-3", "", "", "and not by http://"},
		{"localhost/bench-3", "", "", "is like mqtt://localhost"},
		{"mqtt://ada:secret@localhost/bench-3", "", "", "OT2FLOW_MQTT_PASSWORD"},
		{"mqtt://localhost/bench-3?qos=2", "", "", "ends with its path"},
	} {
		a, device, err := mqtt.ParseDevice(c.text)
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v", c.text, err)
		case c.err == "" && (err != nil || a.String() != c.broker || device != c.device):
			t.Errorf("%s: %s and %s, %v", c.text, a, device, err)
		}
	}
	if _, err := mqtt.ParseAddress("mqtt://localhost/bench-3"); err == nil || !strings.Contains(err.Error(), "nothing stands behind the port") {
		t.Error(err)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/+", "a/b", true},
		{"a/+", "a/b/c", false},
		{"a/#", "a/b/c", true},
		{"a/#", "a", true},
		{"#", "a/b", true},
		{"+/b", "a/b", true},
		{"a", "a/b", false},
		{"a/b", "a", false},
		{"a/+/c", "a//c", true},
		{"+", "a/b", false},
	} {
		if mqtt.Matches(c.filter, c.topic) != c.want {
			t.Errorf("%s %s", c.filter, c.topic)
		}
	}
}

func TestSecurity(t *testing.T) {
	far := mqtt.Address{Scheme: "mqtt", Host: "broker.lab.example:1883"}
	safe := mqtt.Address{Scheme: "mqtts", Host: "broker.lab.example:8883"}
	for _, c := range []struct {
		o   mqtt.Options
		err string
	}{
		{mqtt.Options{Broker: far, User: "ada"}, "everybody in the network can read"},
		{mqtt.Options{Broker: safe}, "is to know who we are"},
		{mqtt.Options{Broker: safe, Certificate: "a"}, "belong together"},
		{mqtt.Options{Broker: far, Certificate: "a", Key: "b", Insecure: true}, "over an encrypted connection"},
		{mqtt.Options{}, "no broker"},
	} {
		if _, err := mqtt.Open(c.o); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%v: %v", c.o, err)
		}
	}
}

// Messages arrive with what was said of them, in MQTT 5 and in 3.1.1; what was not
// acknowledged comes again.
func TestMessages(t *testing.T) {
	for _, name := range []string{"5", "3.1.1"} {
		t.Run(name, func(t *testing.T) {
			b := mqtttest.Start(t)
			url := b.URL
			if name == "3.1.1" {
				url = "mqtt://" + cable(t, b.Host(), ancient).addr
			}
			ctx := patience(t)
			sender, heard := open(t, url, mqtt.Options{})
			if err := sender.Publish(ctx, &mqtt.Message{Topic: "a/kept", Payload: []byte("kept"), QoS: 1, Retain: true, Expiry: time.Hour}); err != nil {
				t.Fatal(err)
			}
			if name == "3.1.1" {
				heard.has(t, "only knows MQTT 3.1.1")
			}
			got := make(chan *mqtt.Message, 10)
			o := mqtt.Options{ClientID: "listener", Session: time.Hour, Listen: []mqtt.Subscription{{Filter: "a/+", QoS: 1, Handle: into(got), Manual: true}}}
			listener, _ := open(t, url, o)
			m := next(t, got)
			if string(m.Payload) != "kept" || !m.Retain || (m.Expiry > 0) != (name == "5") {
				t.Errorf("%+v", m)
			}
			m.Ack()
			if err := sender.Publish(ctx, &mqtt.Message{Topic: "a/b", Payload: []byte{}, QoS: 1}); err != nil {
				t.Fatal(err)
			}
			if m := next(t, got); m.Topic != "a/b" || len(m.Payload) != 0 || m.Retain {
				t.Errorf("%+v", m)
			} // not acknowledged
			listener.Close()
			if err := sender.Publish(ctx, &mqtt.Message{Topic: "a/c", Payload: []byte("while it was away"), QoS: 1}); err != nil {
				t.Fatal(err)
			}
			open(t, url, o)
			var topics []string
			for len(topics) < 2 {
				if m := next(t, got); !m.Retain { // which comes with every subscription
					topics = append(topics, m.Topic)
					m.Ack()
				}
			}
			if topics[0] != "a/b" || topics[1] != "a/c" {
				t.Errorf("%v came again", topics)
			}
			more := make(chan *mqtt.Message, 10)
			if err := sender.Subscribe(ctx, mqtt.Subscription{Filter: "more/#", Handle: into(more)}); err != nil {
				t.Fatal(err)
			}
			if err := sender.Publish(ctx, &mqtt.Message{Topic: "more/of/it"}); err != nil {
				t.Fatal(err)
			}
			next(t, more)
			if err := sender.Unsubscribe(ctx, "more/#"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A connection comes back after the broker was away, its subscriptions with it; what is
// published meanwhile waits.
func TestComesBack(t *testing.T) {
	b := mqtttest.Start(t)
	ctx := patience(t)
	got := make(chan *mqtt.Message, 10)
	ups := make(chan struct{}, 10)
	c, heard := open(t, b.URL, mqtt.Options{
		Listen: []mqtt.Subscription{{Filter: "a", QoS: 1, Handle: into(got)}},
		Up:     func(context.Context, *mqtt.Conn) { ups <- struct{}{} },
	})
	<-ups
	b.Kill()
	heard.has(t, "is lost")
	sent := make(chan error, 1)
	go func() { sent <- c.Publish(ctx, &mqtt.Message{Topic: "a", QoS: 1}) }()
	b.Up()
	<-ups
	if err := <-sent; err != nil {
		t.Error(err)
	}
	next(t, got)
}

// A device that dies has its last will published; one that says goodbye has not.
func TestWill(t *testing.T) {
	b := mqtttest.Start(t)
	ctx := patience(t)
	got := make(chan *mqtt.Message, 10)
	watcher, _ := open(t, b.URL, mqtt.Options{Listen: []mqtt.Subscription{{Filter: "state", QoS: 1, Handle: into(got)}}})
	if err := watcher.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	will := &mqtt.Message{Topic: "state", Payload: []byte("gone"), QoS: 1, Retain: true}
	polite, _ := open(t, b.URL, mqtt.Options{Will: will})
	if err := polite.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	polite.Close()
	through := cable(t, b.Host(), nil)
	dying, _ := open(t, "mqtt://"+through.addr, mqtt.Options{Will: will})
	if err := dying.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	through.cut()
	if m := next(t, got); string(m.Payload) != "gone" {
		t.Errorf("%+v", m)
	}
	if len(got) > 0 {
		t.Error("who says goodbye dies, too")
	}
}

// Two connections of one name end each other slowly, and it is said.
func TestOneName(t *testing.T) {
	b := mqtttest.Start(t)
	first, heard := open(t, b.URL, mqtt.Options{ClientID: "bench-3"})
	if err := first.Ready(patience(t)); err != nil {
		t.Fatal(err)
	}
	second, _ := open(t, b.URL, mqtt.Options{ClientID: "bench-3"})
	if err := second.Ready(patience(t)); err != nil {
		t.Fatal(err)
	}
	heard.has(t, "may have our name, bench-3")
}

// The broker is known by its certificate, and we by ours or by user and password.
func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	if _, err := certs.Make(dir, certs.Order{Names: []string{"127.0.0.1", "localhost"}, For: time.Hour, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	tls := []string{"listener PORT 127.0.0.1", "certfile " + file(certs.ServerFile), "keyfile " + file(certs.ServerKeyFile), "cafile " + file(certs.AuthorityFile)}
	b := mqtttest.Start(t, append(tls, "allow_anonymous false")...)
	url := strings.Replace(b.URL, "mqtt:", "mqtts:", 1)
	refused := func(o mqtt.Options, text string) {
		t.Helper()
		c, _ := open(t, url, o)
		var r *mqtt.Refused
		if err := c.Ready(patience(t)); !errors.As(err, &r) || !strings.Contains(r.Why, text) {
			t.Errorf("%v, and not %s", err, text)
		}
	}
	refused(mqtt.Options{}, "certificate signed by unknown authority")
	refused(mqtt.Options{CA: file(certs.AuthorityFile)}, "wants to know who we are")
	refused(mqtt.Options{CA: file(certs.AuthorityFile), User: "ada", Password: "wrong"}, "does not know the user or the password")
}

// wires is a cable between a client and a broker that can be cut.
type wires struct {
	addr string
	mu   sync.Mutex
	ends []net.Conn
}

// ancient lets nobody through who speaks MQTT 5, as brokers do that do not know it.
func ancient(c net.Conn) []byte {
	first := make([]byte, 512)
	n, err := c.Read(first)
	if err != nil {
		return nil
	}
	if bytes.Contains(first[:n], []byte("MQTT\x05")) {
		c.Write([]byte{0x20, 2, 0, 1})
		return nil
	}
	return first[:n]
}

func cable(t *testing.T, to string, gate func(net.Conn) []byte) *wires {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wires{addr: l.Addr().String()}
	var running sync.WaitGroup
	t.Cleanup(func() { l.Close(); w.cut(); running.Wait() })
	running.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			var first []byte
			if gate != nil {
				if first = gate(in); first == nil {
					in.Close()
					continue
				}
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			out.Write(first)
			w.mu.Lock()
			w.ends = append(w.ends, in, out)
			w.mu.Unlock()
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				running.Go(func() { io.Copy(pair[0], pair[1]); in.Close(); out.Close() })
			}
		}
	})
	return w
}

func (w *wires) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.ends {
		c.Close()
	}
	w.ends = nil
}
