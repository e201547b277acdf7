package mqttserver

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/broker"
	"github.com/ot2flow/ot2flow/workflows/fleet"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// controls is a server whose robots are elsewhere.
func controls(t testing.TB, url, state, dir string, robots ...service.Robot) *bench {
	t.Helper()
	tasks := service.NewTasks(dir)
	if _, err := tasks.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &service.Service{State: state, Version: "test"}
	b := &bench{t: t, device: service.NewLab(s, tasks, robots, func(n service.Note) {
		if *loud {
			t.Log("controller:", n.Run, n.Text)
		}
	})}
	leave, err := b.device.Join(fleet.Options{Broker: reached(t, url), Controller: "office"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var at sync.WaitGroup
	at.Go(func() {
		if err := b.device.Serve(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	var once sync.Once
	b.stop = func() { once.Do(func() { cancel(); at.Wait(); leave(); s.Close() }) }
	t.Cleanup(b.stop)
	return b
}

func (b *bench) submit(r service.Request) *service.View {
	b.t.Helper()
	if r.Given == nil {
		r.Given = []byte("{}")
	}
	v, _, err := b.device.Submit(within(b.t), r)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// until waits until a run stands as is wanted.
func (b *bench) until(id string, enough func(*service.View) bool) *service.View {
	b.t.Helper()
	v, err := b.device.Wait(within(b.t), id, enough)
	if err != nil || !v.Over && (enough == nil || !enough(v)) {
		b.t.Fatalf("%+v, %v", v, err)
	}
	return v
}

var elsewhere = []service.Robot{{Name: "three", Device: "bench-3", Labels: []string{"hood"}}, {Name: "four", Device: "bench-4"}}

// Runs go to devices elsewhere as to robots that are here: to one that is free and can, in
// the order of their experiments, each once; they are heard of, answered and stopped there,
// and are all in one history.
func TestFleet(t *testing.T) {
	broker := mqtttest.Start(t)
	dir, state := folderOf(t, mixText, askText), t.TempDir()
	three := serve(t, broker.URL, "bench-3", filepath.Join(state, "3.db"), dir)
	four := serve(t, broker.URL, "bench-4", filepath.Join(state, "4.db"), dir)
	office := controls(t, broker.URL, filepath.Join(state, "c.db"), dir, elsewhere...)

	one := office.until(office.submit(service.Request{Task: "mix_colors", Given: []byte(`{"R": 100}`), Labels: []string{"hood"}, For: service.Behalf{By: "ada"}}).ID, nil)
	if one.State != service.StateOK || string(one.Result) != `{"total":"100 uL"}` || one.Queue != "three" || one.Elsewhere == nil || one.Elsewhere.Device != "bench-3" || one.Elsewhere.Run == "" {
		t.Errorf("%+v %+v", one, one.Elsewhere)
	}
	if there, err := three.device.View(t.Context(), one.Elsewhere.Run); err != nil || there.By != "ada" || there.State != service.StateOK {
		t.Errorf("%+v, %v", there, err)
	}

	// Its events are there; what is known of its steps is what the plan says, and who follows
	// it hears when it is over.
	if steps, err := office.device.Steps(within(t), one.ID, 0, 10); err != nil || len(steps) == 0 {
		t.Errorf("%+v, %v", steps, err)
	}
	if err := office.device.Events(within(t), one.ID, 0, func(int64, string, []byte) error { return nil }, func() error { return nil }); err != nil {
		t.Error(err)
	}

	asking := office.submit(service.Request{Task: "asks", Robot: "three"}).ID
	asks := func(v *service.View) bool { return v.Question != nil }
	if v := office.until(asking, asks); v.State != service.StateWaiting || !strings.Contains(v.Question.Message, "how many cells") {
		t.Errorf("%+v", v)
	}
	// What any robot may do is for the one that is free, and what is next in an experiment
	// waits for what is before it.
	for range 3 {
		if v := office.until(office.submit(service.Request{Task: "mix_colors"}).ID, nil); v.Queue != "four" {
			t.Errorf("it is for %s", v.Queue)
		}
	}
	before := office.submit(service.Request{Task: "asks", Robot: "four", Experiment: "e"}).ID
	office.until(before, asks)
	behind := office.submit(service.Request{Task: "mix_colors", Experiment: "e"}).ID
	nine := "9"
	if err := office.device.Answer(within(t), asking, &nine, nil, "eve"); err != nil {
		t.Fatal(err)
	}
	if v := office.until(asking, nil); string(v.Result) != `{"cells":9}` {
		t.Errorf("%+v", v)
	}
	if v, err := office.device.View(t.Context(), behind); err != nil || v.State != service.StateQueued {
		t.Errorf("%+v, %v", v, err)
	}
	if err := office.device.Control(within(t), before, "stop", false, "eve", service.GoingOn{}); err != nil {
		t.Fatal(err)
	}
	if v := office.until(before, nil); v.State != service.StateStopped {
		t.Errorf("%+v", v)
	}
	if v := office.until(behind, nil); v.State != service.StateOK {
		t.Errorf("%+v", v)
	}
	if a, b, all := three.runs(""), four.runs(""), office.runs(""); a+b != all || all != 7 {
		t.Errorf("%d and %d runs there, %d here", a, b, all)
	}
	views, err := office.device.RobotViews(t.Context())
	if err != nil || len(views) != 2 || views[0].Elsewhere == nil || !views[0].Elsewhere.Online || views[0].Elsewhere.Version != "test" {
		t.Errorf("%+v, %v", views, err)
	}
}

// While a device is away, what is for it waits, and what any may do goes to another one. A
// controller that comes back goes on with what it had handed over.
func TestFleetAway(t *testing.T) {
	broker := mqtttest.Start(t)
	dir, state := folderOf(t, mixText, askText), t.TempDir()
	three := serve(t, broker.URL, "bench-3", filepath.Join(state, "3.db"), dir)
	serve(t, broker.URL, "bench-4", filepath.Join(state, "4.db"), dir)
	office := controls(t, broker.URL, filepath.Join(state, "c.db"), dir, elsewhere...)
	asking := office.submit(service.Request{Task: "asks", Robot: "four", Key: "k"}).ID
	office.until(asking, func(v *service.View) bool { return v.Question != nil })
	office.until(office.submit(service.Request{Task: "mix_colors", Robot: "three"}).ID, nil)
	three.stop()
	first := office.submit(service.Request{Task: "mix_colors", Robot: "three"}).ID
	office.untilReason(first, "bench-3 is away")
	office.stop()

	office = controls(t, broker.URL, filepath.Join(state, "c.db"), dir, elsewhere...)
	if again := office.submit(service.Request{Task: "asks", Robot: "four", Key: "k"}); again.ID != asking {
		t.Errorf("%s is %s now", asking, again.ID)
	}
	office.until(asking, func(v *service.View) bool { return v.Question != nil })
	waits := office.submit(service.Request{Task: "mix_colors", Robot: "three"}).ID
	office.untilReason(waits, "in the queue")
	three = serve(t, broker.URL, "bench-3", filepath.Join(state, "3.db"), dir)
	if v := office.until(waits, nil); v.State != service.StateOK {
		t.Errorf("%+v", v)
	}
	if v := office.until(first, nil); v.State != service.StateOK {
		t.Errorf("%+v", v)
	}
	if n := three.runs("mix_colors"); n != 3 {
		t.Errorf("%d runs", n)
	}
	// A device that has lost its journal is one of which nobody knows what it did.
	lost := office.submit(service.Request{Task: "asks", Robot: "three"}).ID
	office.until(lost, func(v *service.View) bool { return v.Question != nil })
	three.stop()
	serve(t, broker.URL, "bench-3", filepath.Join(state, "new.db"), dir)
	if v := office.until(lost, nil); v.State != service.StateInDoubt || !strings.Contains(v.Reason, "nobody knows") {
		t.Errorf("%+v", v)
	}
}

func (b *bench) untilReason(id, text string) {
	b.t.Helper()
	if v := b.until(id, func(v *service.View) bool { return strings.Contains(v.Reason, text) }); v.Over {
		b.t.Errorf("%+v", v)
	}
}

// A device that serves another workflow under the name of a task is not asked for it, and
// what is not wanted any more before the device has it is not begun.
func TestFleetRefuses(t *testing.T) {
	broker := mqtttest.Start(t)
	dir, state := folderOf(t, mixText, askText), t.TempDir()
	other := folderOf(t, strings.Replace(mixText, "300 uL, desc", "200 uL, desc", 1))
	three := serve(t, broker.URL, "bench-3", filepath.Join(state, "3.db"), other)
	office := controls(t, broker.URL, filepath.Join(state, "c.db"), dir, elsewhere...)
	mix := office.submit(service.Request{Task: "mix_colors", Robot: "three"}).ID
	office.untilReason(mix, "bench-3 has another version of mix_colors")
	three.stop()
	three = serve(t, broker.URL, "bench-3", filepath.Join(state, "3.db"), dir)
	if v := office.until(mix, nil); v.State != service.StateOK {
		t.Errorf("%+v", v)
	}
	// It says that it is there, and hears nothing.
	three.stop()
	liar := rawAt(t, broker.URL, "bench-3")
	epoch := three.server.epoch
	liar.publish(&mqtt.Message{Topic: jobs.Topic("bench-3", jobs.StateTopic), Retain: true, Payload: []byte(fmt.Sprintf(`{"device": "bench-3", "online": true, "epoch": %q}`, epoch))})
	silent := office.submit(service.Request{Task: "asks", Robot: "three"}).ID
	office.untilReason(silent, "has not answered")
	if err := office.device.Control(within(t), silent, "stop", false, "eve", service.GoingOn{}); err != nil {
		t.Fatal(err)
	}
	three = serve(t, broker.URL, "bench-3", filepath.Join(state, "3.db"), dir)
	// It may have had it for a moment, and was told to stop then, or before it was begun.
	if v := office.until(silent, nil); v.State != service.StateStopped && v.State != service.StateWithdrawn {
		t.Errorf("%+v", v)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		list, _, err := three.device.List(t.Context(), service.Wanted{Task: "asks", Limit: 10})
		if err != nil || time.Now().After(end) {
			t.Fatal(err, list)
		}
		if len(list) == 0 || list[0].Over {
			break
		}
	}
}

// A broker of our own forgets everything when it ends, and nothing is lost or done twice by
// that. Everybody who takes part is known to it.
func TestFleetAtOurBroker(t *testing.T) {
	users := t.TempDir()
	if _, err := broker.Users(users, []broker.User{{Name: "bench-3", Role: broker.Device}, {Name: "bench-4", Role: broker.Device}, {Name: "office", Role: broker.Controller}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { clear(secrets) })
	for _, name := range []string{"bench-3", "bench-4", "office"} {
		data, err := os.ReadFile(filepath.Join(users, broker.PasswordFile(name)))
		if err != nil {
			t.Fatal(err)
		}
		secrets[name] = strings.TrimSpace(string(data))
	}
	at := "127.0.0.1:0"
	begin := func() *broker.Embedded {
		t.Helper()
		b, err := broker.Embed(t.Context(), users, at, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		at = b.Addr().String()
		return b
	}
	ours := begin()
	as := func(user string) string { return "mqtt://" + user + "@" + at }
	dir, state := folderOf(t, mixText, askText), t.TempDir()
	three := serve(t, as("bench-3"), "bench-3", filepath.Join(state, "3.db"), dir)
	four := serve(t, as("bench-4"), "bench-4", filepath.Join(state, "4.db"), dir)
	office := controls(t, as("office"), filepath.Join(state, "c.db"), dir, elsewhere...)
	asking := office.submit(service.Request{Task: "asks", Robot: "four"}).ID
	office.until(asking, func(v *service.View) bool { return v.Question != nil })
	var all []string
	for i := range 12 {
		all = append(all, office.submit(service.Request{Task: "mix_colors", Experiment: fmt.Sprint(i % 3)}).ID)
		if i%4 == 1 {
			ours.Close()
			ours = begin()
		}
	}
	for _, id := range all {
		if v := office.until(id, nil); v.State != service.StateOK {
			t.Errorf("%+v", v)
		}
	}
	one := "1"
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := office.device.Answer(within(t), asking, &one, nil, "ada")
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if v := office.until(asking, nil); v.State != service.StateOK {
		t.Errorf("%+v", v)
	}
	if n := three.runs("mix_colors") + four.runs("mix_colors"); n != len(all) {
		t.Errorf("%d runs", n)
	}
}
