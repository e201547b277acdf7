package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
)

var (
	fleetFor  = flag.Duration("fleet", 3*time.Second, "how long devices, controller, broker and network are killed")
	fleetJobs = flag.Int("fleet-jobs", 24, "how many jobs there are meanwhile")
	fleetSeed = flag.Uint64("fleet-seed", 1, "of what is killed when, and of what is asked")
)

// fleetOf is a controller, two device servers with a robot each, and a broker, all of them
// processes of their own, and a network between them.
type fleetOf struct {
	load
	broker  *mqtttest.Broker
	net     *mqtttest.Cable
	devices map[string][]string // how each is begun
	running map[string]*serverProcess
}

// The jobs of a controller are carried out by devices elsewhere, each once, and in the order
// of their experiments, while controller, devices, broker and network are killed again and
// again, and somebody repeats what others say: twice, late, retained, and by a clock that is
// wrong. What a robot did, its emulator wrote down.
func TestFleetChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	t.Logf("-fleet-seed %d", *fleetSeed)
	random := rand.New(rand.NewPCG(*fleetSeed, 7))
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tasks := write("touch.yaml", touchText)
	f := &fleetOf{
		load:   load{t: t, ids: map[string]string{}, tasks: map[string]string{}, gone: map[string]bool{}, asked: map[string]int{}, refused: map[string]bool{}},
		broker: mqtttest.Start(t), devices: map[string][]string{}, running: map[string]*serverProcess{},
	}
	f.net = mqtttest.CableTo(t, f.broker)
	disks, robots := map[string]string{}, ""
	for _, name := range []string{"bench-3", "bench-4"} {
		disks[name] = filepath.Join(dir, name+".disk")
		_, url := emulated(t, emulator.Options{Clock: emulator.NoTime(), Pipettes: map[string]string{"right": "p300_single_gen2"}, Disk: disks[name]})
		f.devices[name] = []string{tasks, "--robot", strings.TrimPrefix(url, "http://"), "--state", filepath.Join(dir, name+".db"), "--http", "127.0.0.1:0", "--mqtt", f.net.URL, "--mqtt-device", name}
		f.running[name] = serverBy(t, f.devices[name]...)
		robots += fmt.Sprintf("  %s: %s/%s\n", name, f.net.URL, name)
	}
	f.file = write("lab.yaml", "lab: 1\nname: office\nrobots:\n"+robots+"workflows: [touch.yaml]\nhttp: 127.0.0.1:0\nstate: office.db\n")
	f.server.Store(f.serve())
	var at sync.WaitGroup
	end := make(chan struct{})
	meddled := f.meddle(end, &at, rand.New(rand.NewPCG(*fleetSeed, 8)))
	at.Go(func() { f.submitAll(end, rand.New(rand.NewPCG(*fleetSeed, 9))) })
	kills := f.killAll(random)
	close(end)
	at.Wait()
	t.Logf("killed: %v; meddled: %v", kills, meddled())
	f.settle(len(kills), filepath.Join(dir, "office.db"), disks)
	f.inOrder(filepath.Join(dir, "office.db"))
	for name, p := range f.running {
		p.kill()
		f.sameThere(filepath.Join(dir, "office.db"), filepath.Join(dir, name+".db"), name)
	}
}

// submitAll asks for the jobs, one after the other, all over the time there is.
func (f *fleetOf) submitAll(end <-chan struct{}, r *rand.Rand) {
	each := *fleetFor / time.Duration(*fleetJobs+1)
	for n := range *fleetJobs {
		path := fmt.Sprintf("/tasks/touch/runs?priority=%d", r.IntN(3))
		switch r.IntN(4) {
		case 0:
			path += "&robot=" + []string{"bench-3", "bench-4"}[r.IntN(2)]
		case 1, 2:
			path += fmt.Sprintf("&experiment=e%d", r.IntN(4))
		}
		body, key := fmt.Sprintf(`{"n": %d}`, n), fmt.Sprintf("job-%d", n)
		f.mu.Lock()
		f.tasks[key] = path + " " + body
		f.mu.Unlock()
		if _, v, ok := f.do("POST", path, body, key); ok {
			if id, _ := v["id"].(string); id != "" {
				f.mu.Lock()
				f.ids[key] = id
				f.mu.Unlock()
			}
		}
		select {
		case <-end: // the rest at once
		case <-time.After(each):
		}
	}
}

// killAll kills what there is, until the time is over.
func (f *fleetOf) killAll(r *rand.Rand) map[string]int {
	kills := map[string]int{}
	for began := time.Now(); time.Since(began) < *fleetFor; {
		time.Sleep(time.Duration(100+r.IntN(500)) * time.Millisecond)
		switch what := []string{"bench-3", "bench-4", "controller", "broker", "network", "network"}[r.IntN(6)]; what {
		case "controller":
			kills[what]++
			f.server.Load().kill()
			f.server.Store(f.serve())
		case "broker":
			kills[what]++
			f.broker.Kill()
			time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
			f.broker.Up()
		case "network":
			kills[what]++
			f.net.Cut()
		default:
			kills["device"]++
			f.running[what].kill()
			time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
			f.running[what] = serverBy(f.t, f.devices[what]...)
		}
	}
	return kills
}

// meddle repeats what the controller asks for, in no order, until the end: as it was, later,
// retained, or as if it had been sent an hour ago or from now.
func (f *fleetOf) meddle(end <-chan struct{}, at *sync.WaitGroup, r *rand.Rand) (done func() map[string]int) {
	address, err := mqtt.ParseAddress(f.broker.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	var mu sync.Mutex
	did, mine := map[string]int{}, map[string]bool{}
	var conn *mqtt.Conn
	heard := make(chan *mqtt.Message, 1000)
	conn, err = mqtt.Open(mqtt.Options{Broker: address, Listen: []mqtt.Subscription{{Filter: jobs.Bound("+", jobs.Commands, "+"), QoS: 1, Handle: func(m *mqtt.Message) {
		mu.Lock()
		seen := mine[m.Topic+string(m.Payload)]
		mu.Unlock()
		if len(m.Payload) > 0 && !seen {
			select {
			case heard <- m:
			default:
			}
		}
	}}}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(conn.Close)
	at.Go(func() {
		for {
			var m *mqtt.Message
			select {
			case <-end:
				return
			case m = <-heard:
			}
			again := &mqtt.Message{Topic: m.Topic, Payload: m.Payload, QoS: 1}
			what := []string{"twice", "late", "retained", "an hour old", "from tomorrow", "left alone"}[r.IntN(6)]
			wait := time.Duration(0)
			switch what {
			case "left alone":
				continue
			case "late":
				wait = time.Duration(r.IntN(2000)) * time.Millisecond
			case "retained":
				again.Retain = true
			case "an hour old", "from tomorrow":
				var c jobs.Command
				if json.Unmarshal(m.Payload, &c) != nil {
					continue
				}
				c.Sent, c.TTL = time.Now().Add(-time.Hour), 60
				if what != "an hour old" {
					c.Sent = time.Now().Add(24 * time.Hour)
				}
				again.Payload, _ = json.Marshal(c)
			}
			mu.Lock()
			did[what]++
			mine[again.Topic+string(again.Payload)] = what != "twice" && what != "late"
			mu.Unlock()
			at.Go(func() {
				select {
				case <-end:
					return
				case <-time.After(wait):
				}
				_ = conn.Publish(f.t.Context(), again) // now and then is often enough
			})
		}
	})
	return func() map[string]int { mu.Lock(); defer mu.Unlock(); return did }
}

// inOrder looks whether no run of an experiment began before the one before it was over.
func (f *fleetOf) inOrder(state string) {
	s, err := journal.Open(f.t.Context(), state, journal.Options{ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer s.Close()
	type span struct {
		row          int64
		id           string
		began, ended time.Time
	}
	of := map[string][]span{}
	for sum, err := range s.Runs(f.t.Context(), journal.Filter{}) {
		if err != nil {
			f.t.Fatal(err)
		}
		o, err := s.Submission(f.t.Context(), sum.ID)
		if err != nil {
			f.t.Fatal(err)
		}
		if o.Experiment != "" {
			of[o.Experiment] = append(of[o.Experiment], span{o.Row, sum.ID, sum.Began, sum.Ended})
		}
	}
	for name, list := range of {
		slices.SortFunc(list, func(a, b span) int { return int(a.row - b.row) })
		for i := 1; i < len(list); i++ {
			if list[i].began.Before(list[i-1].ended) {
				f.t.Errorf("%s: %s began before %s was over", name, list[i].id, list[i-1].id)
			}
		}
	}
}

// sameThere compares what a device has carried out with what the controller knows of it.
func (f *fleetOf) sameThere(office, state, device string) {
	here, err := journal.Open(f.t.Context(), office, journal.Options{ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer here.Close()
	there, err := journal.Open(f.t.Context(), state, journal.Options{ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer there.Close()
	known := map[string]string{} // state by the id there
	for sum, err := range here.Runs(f.t.Context(), journal.Filter{}) {
		if err != nil {
			f.t.Fatal(err)
		}
		h, err := here.Handed(f.t.Context(), sum.ID)
		if err != nil {
			f.t.Fatal(err)
		}
		if h != nil && h.Device == device && len(h.Told) > 0 {
			var v struct{ ID string }
			if json.Unmarshal(h.Told, &v) == nil {
				if known[v.ID] != "" {
					f.t.Errorf("two runs are %s of %s", v.ID, device)
				}
				known[v.ID] = sum.State
			}
		}
	}
	n := 0
	for sum, err := range there.Runs(f.t.Context(), journal.Filter{}) {
		if err != nil {
			f.t.Fatal(err)
		}
		n++
		if known[sum.ID] != sum.State {
			f.t.Errorf("%s has %s as %s, and the controller as %q", device, sum.ID, sum.State, known[sum.ID])
		}
	}
	if n != len(known) {
		f.t.Errorf("%s has %d runs, and the controller knows of %d", device, n, len(known))
	}
}
