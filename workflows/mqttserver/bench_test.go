package mqttserver

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/client/mqttclient"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/service"
)

const deckText = `labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 2}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
`

const mixText = `ot2flow: 1
name: mix_colors
description: Mix paints.
params:
  R: {type: volume, default: 50 uL, min: 0 uL, max: 300 uL, description: red paint}
  mix_well: {type: well, in: plate, default: A1}
outputs:
  total: R
` + deckText + `liquids:
  red: {in: plate.H10, volume: 300 uL}
steps:
  - transfer: {from: plate.H10, to: mix_well, volume: R}
`

const shareText = `ot2flow: 1
name: share
params:
  n: {type: integer, default: 1}
outputs:
  twice: 2 * n
steps: []
`

const askText = `ot2flow: 1
name: asks
` + deckText + `outputs:
  cells: seen
steps:
  - ask: {message: how many cells are there, type: integer, min: 0, example: 3}
    as: seen
`

// patience is how long a machine may take that is busy with other things.
const patience = 2 * time.Minute

// bench is a device at a broker, for one test.
type bench struct {
	t      testing.TB
	device *service.Device
	server *Server
	stop   func() // as a device ends that is told to
}

// folderOf is a folder of workflows.
func folderOf(t testing.TB, texts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("w%d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// serve serves the workflows of a folder at a broker.
func serve(t testing.TB, url, name, state, dir string) *bench {
	t.Helper()
	tasks := service.NewTasks(dir)
	if _, err := tasks.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range tasks.Snapshot().Problems {
		t.Fatal(p.Diagnostics)
	}
	s := &service.Service{State: state, Version: "test"}
	b := &bench{t: t, device: service.NewDevice(s, tasks, "sim", func(service.Note) {})}
	var err error
	if b.server, err = New(t.Context(), b.device, "test", Options{Broker: reached(t, url), Device: name, Log: logOf(t), Now: clock}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var at sync.WaitGroup
	at.Go(func() {
		if err := b.device.Serve(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	at.Go(func() { b.server.Serve(ctx) })
	var once sync.Once
	b.stop = func() { once.Do(func() { cancel(); at.Wait(); s.Close() }) }
	t.Cleanup(b.stop)
	// What is published before the broker knows the device for the first time is lost.
	soon, done := context.WithTimeout(ctx, 10*time.Second)
	defer done()
	_ = b.server.conn.Ready(soon) // or there is no broker, which some tests want
	return b
}

// secrets are the passwords of those who are named in addresses.
var secrets = map[string]string{}

// reached is how a broker is reached.
func reached(t testing.TB, url string) mqtt.Options {
	t.Helper()
	a, err := mqtt.ParseAddress(url)
	if err != nil {
		t.Fatal(err)
	}
	return mqtt.Options{Broker: a, KeepAlive: keepAlive, User: a.User, Password: secrets[a.User]}
}

// logOf logs to a test.
func logOf(t testing.TB) *slog.Logger {
	if !*loud {
		return nil
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

var clock func() time.Time // of devices; nil is as usual

var keepAlive time.Duration // of devices; 0 is as usual

var loud = flag.Bool("loud", false, "log what devices do")

// caller is a client of a device.
func caller(t testing.TB, url, device string, o mqttclient.Options) *mqttclient.Device {
	t.Helper()
	c, err := mqttclient.Open(reached(t, url), device, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// raw speaks to a device as any program does.
type raw struct {
	t       *testing.T
	conn    *mqtt.Conn
	replies chan *jobs.Reply
	events  chan *jobs.Event
	states  chan *jobs.State
}

func rawAt(t *testing.T, url, device string) *raw {
	t.Helper()
	r := &raw{t: t, replies: make(chan *jobs.Reply, 100), events: make(chan *jobs.Event, 100), states: make(chan *jobs.State, 1000)}
	address, err := mqtt.ParseAddress(url)
	if err != nil {
		t.Fatal(err)
	}
	r.conn, err = mqtt.Open(mqtt.Options{Broker: address, Listen: []mqtt.Subscription{
		{Filter: jobs.Topic("ada", jobs.Answers), QoS: 1, Handle: decoded(r.replies)},
		{Filter: jobs.Topic(device, jobs.Events), QoS: 1, Handle: decoded(r.events)},
		{Filter: jobs.Topic(device, jobs.StateTopic), QoS: 1, Handle: decoded(r.states)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.conn.Close)
	if err := r.conn.Ready(within(t)); err != nil {
		t.Fatal(err)
	}
	return r
}

func decoded[T any](to chan *T) func(*mqtt.Message) {
	return func(m *mqtt.Message) {
		v := new(T)
		if json.Unmarshal(m.Payload, v) == nil {
			to <- v
		}
	}
}

func (r *raw) publish(m *mqtt.Message) {
	r.t.Helper()
	m.QoS = 1
	if err := r.conn.Publish(within(r.t), m); err != nil {
		r.t.Fatal(err)
	}
}

// reply is the next answer to an id.
func (r *raw) reply(id string) *jobs.Reply {
	r.t.Helper()
	for {
		if a := next(r.t, r.replies); a.ID == id {
			return a
		}
	}
}

func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// runs are how many runs of a task the journal has.
func (b *bench) runs(task string) int {
	b.t.Helper()
	list, _, err := b.device.List(context.Background(), service.Wanted{Task: task, Limit: 10000})
	if err != nil {
		b.t.Fatal(err)
	}
	return len(list)
}

func has(text, part string) bool { return strings.Contains(text, part) }
