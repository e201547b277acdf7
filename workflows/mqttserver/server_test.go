package mqttserver

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ot2flow/ot2flow/workflows/client"
	"github.com/ot2flow/ot2flow/workflows/client/mqttclient"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What comes is carried out once or answered with why not, whatever it is.
func TestCommands(t *testing.T) {
	broker := mqtttest.Start(t)
	b := serve(t, broker.URL, "bench-3", filepath.Join(t.TempDir(), "j.db"), folderOf(t, mixText, shareText))
	r := rawAt(t, broker.URL, "bench-3")
	command := func(text string) *mqtt.Message {
		return &mqtt.Message{Topic: "ot2/v1/bench-3/cmd", Payload: []byte(text)}
	}
	for _, c := range []struct {
		name    string
		message *mqtt.Message
		id      string // empty: it is said to all
		status  string
		text    string
	}{
		{"no JSON", command("R=100"), "", "", "invalid character"},
		{"no object", command("[1, 2]"), "", "", "who sends it"},
		{"not even text", command("\xff\x00\x01"), "", "", "invalid character"},
		{"nobody", command(`{"id": "a", "task": "share"}`), "", "", "who sends it"},
		{"a controller that is a filter", command(`{"id": "a", "controller": "#", "task": "share"}`), "", "", "who sends it"},
		{"no id", command(`{"controller": "ada", "task": "share"}`), "", "", "this one has none"},
		{"a key that there is not", command(`{"id": "b", "controller": "ada", "task": "share", "prio": 1}`), "b", jobs.Rejected, "prio"},
		{"of another kind", command(`{"id": "b1", "controller": "ada", "task": 5}`), "b1", jobs.Rejected, "it is no command"},
		{"no task", command(`{"id": "b2", "controller": "ada"}`), "b2", jobs.Rejected, "names a task"},
		{"too long", command(`{"id": "b3", "controller": "ada", "task": "share", "by": "` + strings.Repeat("a", jobs.MaxPayload) + `"}`), "b3", jobs.Rejected, "at most 4194304 bytes"},
		{"retained", &mqtt.Message{Topic: "ot2/v1/bench-3/cmd", Payload: []byte(`{"id": "c", "controller": "ada", "task": "share"}`), Retain: true}, "c", jobs.Rejected, "retained"},
		{"what was refused, and sent again", command(`{"id": "c", "controller": "ada", "task": "share"}`), "c", jobs.Rejected, "retained"},
		{"not retained any more", &mqtt.Message{Topic: "ot2/v1/bench-3/cmd", Retain: true}, "-", "", ""},
		{"no such task", command(`{"id": "d", "controller": "ada", "task": "shar"}`), "d", jobs.Rejected, "did you mean share?"},
		{"a wrong value", command(`{"id": "e", "controller": "ada", "task": "mix_colors", "parameters": {"R": 500}}`), "e", jobs.Rejected, "R: R is 500 uL, more than the greatest value allowed"},
		{"another epoch", command(`{"id": "f", "controller": "ada", "task": "share", "epoch": "old"}`), "f", jobs.Rejected, "the journal is another one"},
		{"another version", command(`{"id": "g", "controller": "ada", "task": "share", "hash": "old"}`), "g", jobs.Rejected, "another one by now"},
		{"no such run", command(`{"id": "h", "controller": "ada", "run": "261123-aaaa"}`), "h", jobs.Rejected, "261123-aaaa"},
		{"given up", command(`{"id": "i", "controller": "ada", "task": "share", "ttl": -1}`), "i", jobs.Expired, "too late"},
		{"given up, and sent again", command(`{"id": "i", "controller": "ada", "task": "share"}`), "i", jobs.Expired, "too late"},
		{"old", command(fmt.Sprintf(`{"id": "k", "controller": "ada", "task": "share", "ttl": 60, "sent": %q}`, time.Now().Add(-time.Hour).Format(time.RFC3339))), "k", jobs.Expired, "it was sent 1h0m"},
		{"from the future", command(fmt.Sprintf(`{"id": "l", "controller": "ada", "task": "share", "ttl": 60, "sent": %q}`, time.Now().Add(time.Hour).Format(time.RFC3339))), "l", jobs.Expired, "the clocks differ"},
		{"old by a clock that is wrong", &mqtt.Message{Topic: "ot2/v1/bench-3/cmd", Expiry: time.Minute, Payload: []byte(fmt.Sprintf(`{"id": "m", "controller": "ada", "task": "share", "ttl": 60, "sent": %q}`, time.Now().Add(-time.Hour).Format(time.RFC3339)))}, "m", jobs.Result, ""},
		{"good", command(`{"id": "n", "controller": "ada", "task": "share", "parameters": {"n": 4}}`), "n", jobs.Result, `{"twice":8}`},
		{"the same", command(`{"id": "n", "controller": "ada", "task": "share", "parameters": {"n": 4}}`), "n", jobs.Result, `{"twice":8}`},
		{"the same, retained", &mqtt.Message{Topic: "ot2/v1/bench-3/cmd", Payload: []byte(`{"id": "n", "controller": "ada", "task": "share", "parameters": {"n": 4}}`), Retain: true}, "n", jobs.Result, `{"twice":8}`},
		{"something else under the same id", command(`{"id": "n", "controller": "ada", "task": "share", "parameters": {"n": 5}}`), "n", jobs.Rejected, "that of another command"},
		{"a wish that nobody can have", &mqtt.Message{Topic: "ot2/v1/bench-3/ctl", Expiry: jobs.ControlWithin, Payload: []byte(`{"do": "dance", "id": "o", "controller": "ada", "run": "x"}`)}, "o", jobs.Rejected, "nobody can ask for dance"},
		{"a wish without a time", &mqtt.Message{Topic: "ot2/v1/bench-3/ctl", Payload: []byte(`{"do": "stop", "id": "p", "controller": "ada", "run": "x"}`)}, "p", jobs.Rejected, "message expiry"},
		{"an old wish", &mqtt.Message{Topic: "ot2/v1/bench-3/ctl", Payload: []byte(`{"do": "stop", "id": "q", "controller": "ada", "run": "x", "sent": "2026-01-01T00:00:00Z"}`)}, "q", jobs.Rejected, "ago"},
		{"no wish", &mqtt.Message{Topic: "ot2/v1/bench-3/ctl", Payload: []byte(`stop`)}, "", "", "no wish"},
	} {
		r.publish(c.message)
		switch c.id {
		case "-":
		case "":
			for {
				if e := next(t, r.events); e.Problem != "" {
					if !has(e.Problem, c.text) {
						t.Errorf("%s: %s", c.name, e.Problem)
					}
					break
				}
			}
		default:
			if a := r.reply(c.id); a.Status != c.status || !has(a.Reason+string(a.Run), c.text) || a.Device != "bench-3" || a.Epoch == "" {
				t.Errorf("%s: %+v %s", c.name, a, a.Run)
			}
		}
	}
	if n := b.runs("share"); n != 2 {
		t.Errorf("%d runs", n)
	}
}

// An answer comes until somebody says that it has arrived, over restarts of the device.
func TestAnswersWait(t *testing.T) {
	broker := mqtttest.Start(t)
	state, dir := filepath.Join(t.TempDir(), "j.db"), folderOf(t, shareText)
	b := serve(t, broker.URL, "bench-3", state, dir)
	r := rawAt(t, broker.URL, "bench-3")
	r.publish(&mqtt.Message{Topic: "ot2/v1/bench-3/cmd", Payload: []byte(`{"id": "a", "controller": "ada", "task": "share"}`)})
	first := r.reply("a")
	b.stop()
	b = serve(t, broker.URL, "bench-3", state, dir)
	second := r.reply("a")
	if first.Status != jobs.Result || second.Seq != first.Seq || string(second.Run) != string(first.Run) || second.Epoch != first.Epoch {
		t.Errorf("%+v and then %+v", first, second)
	}
	r.publish(&mqtt.Message{Topic: "ot2/v1/bench-3/ctl", Payload: []byte(fmt.Sprintf(`{"do": "arrived", "id": "a", "seq": %d}`, first.Seq))})
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if list, err := b.server.store.Waiting(t.Context()); err != nil || time.Now().After(end) {
			t.Fatal(err, "it does not arrive")
		} else if len(list) == 0 {
			break
		}
	}
	// Who has lost it asks again.
	r.publish(&mqtt.Message{Topic: "ot2/v1/bench-3/cmd", Payload: []byte(`{"id": "a", "controller": "ada", "task": "share"}`)})
	if third := r.reply("a"); third.Seq != first.Seq {
		t.Errorf("%+v", third)
	}
}

// The client of package client over a broker: submitted, heard of, answered, waited for
// again by another one, stopped.
func TestClient(t *testing.T) {
	broker := mqtttest.Start(t)
	serve(t, broker.URL, "bench-3", filepath.Join(t.TempDir(), "j.db"), folderOf(t, mixText, askText))
	ada := caller(t, broker.URL, "bench-3", mqttclient.Options{})
	ctx := within(t)
	birth, err := ada.Birth(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]json.RawMessage
	}
	if len(birth.Tasks) != 2 || birth.Tasks[1].Name != "mix_colors" || json.Unmarshal(birth.Tasks[1].Schema, &schema) != nil || schema.Properties["R"] == nil {
		t.Errorf("%+v", birth)
	}
	if run, err := ada.Execute(ctx, "mix_colors", map[string]any{"R": 100}); err != nil || !run.OK() || string(run.Result) != `{"total":"100 uL"}` {
		t.Errorf("%+v, %v", run, err)
	}
	if _, err := ada.Submit(ctx, "mix_colors", map[string]any{"R": 1000}, client.Options{}); err == nil || !has(err.Error(), "more than the greatest value") {
		t.Error(err)
	}
	asking, err := ada.Submit(ctx, "asks", nil, client.Options{Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if same, err := ada.Submit(ctx, "asks", nil, client.Options{Key: "k"}); err != nil || same.ID != asking.ID {
		t.Errorf("%+v, %v", same, err)
	}
	eve := caller(t, broker.URL, "bench-3", mqttclient.Options{})
	waited := make(chan *client.Run, 1)
	asks := make(chan struct{}, 100)
	go func() {
		r, err := eve.Wait(ctx, asking.ID, func(r *client.Run) {
			if r.Question != nil {
				asks <- struct{}{}
			}
		})
		if err != nil {
			t.Error(err)
		}
		waited <- r
	}()
	next(t, asks)
	if err := ada.Answer(ctx, asking.ID, "7"); err != nil {
		t.Fatal(err)
	}
	if r := next(t, waited); r == nil || string(r.Result) != `{"cells":7}` {
		t.Errorf("%+v", r)
	}
	if r, err := ada.Wait(ctx, asking.ID, nil); err != nil || !r.OK() {
		t.Errorf("%+v, %v", r, err)
	}
	stopped, err := ada.Submit(ctx, "asks", nil, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.Control(ctx, stopped.ID, "stop"); err != nil {
		t.Error(err)
	}
	if r, err := ada.Wait(ctx, stopped.ID, nil); err != nil || r.State != "stopped" && r.State != "withdrawn" {
		t.Errorf("%+v, %v", r, err)
	}
}

// A job waits for a device that is away, and the device says when it goes.
func TestAway(t *testing.T) {
	broker := mqtttest.Start(t)
	state, dir := filepath.Join(t.TempDir(), "j.db"), folderOf(t, shareText)
	b := serve(t, broker.URL, "bench-3", state, dir)
	r := rawAt(t, broker.URL, "bench-3")
	for !next(t, r.states).Online {
	}
	b.stop()
	for next(t, r.states).Online {
	}
	ada := caller(t, broker.URL, "bench-3", mqttclient.Options{})
	done := make(chan error, 1)
	ctx := within(t)
	go func() {
		run, err := ada.Execute(ctx, "share", map[string]any{"n": 3})
		if err == nil && string(run.Result) != `{"twice":6}` {
			err = fmt.Errorf("%s", run.Result)
		}
		done <- err
	}()
	late := caller(t, broker.URL, "bench-3", mqttclient.Options{Within: time.Nanosecond})
	gone := make(chan error, 1)
	go func() { _, err := late.Submit(ctx, "share", nil, client.Options{}); gone <- err }()
	time.Sleep(20 * time.Millisecond) // so that some of it is sent before the device is there
	b = serve(t, broker.URL, "bench-3", state, dir)
	if err := next(t, done); err != nil {
		t.Error(err)
	}
	if err := next(t, gone); err == nil || !has(err.Error(), "has expired, and is not carried out") {
		t.Error(err)
	}
	if n := b.runs("share"); n != 1 {
		t.Errorf("%d runs", n)
	}
}

// Who asks is who may publish at the topic, whatever the command says, and is whom the
// journal names.
func TestBoundToSender(t *testing.T) {
	broker := mqtttest.Start(t)
	b := serve(t, broker.URL, "bench-3", filepath.Join(t.TempDir(), "j.db"), folderOf(t, shareText, mixText))
	r := rawAt(t, broker.URL, "bench-3")
	for _, c := range []struct{ topic, command, id, status, by string }{
		{"cmd/ada", `{"id": "a", "task": "mix_colors"}`, "a", jobs.Result, "ada"},
		{"cmd/ada", `{"id": "b", "controller": "ada", "task": "mix_colors", "by": "grace"}`, "b", jobs.Result, "grace"},
		{"cmd/ada", `{"id": "c", "controller": "eve", "task": "mix_colors"}`, "c", jobs.Rejected, ""},
	} {
		r.publish(&mqtt.Message{Topic: "ot2/v1/bench-3/" + c.topic, Payload: []byte(c.command)})
		var a *jobs.Reply
		for a = r.reply(c.id); a.Status == jobs.Accepted; {
			a = r.reply(c.id)
		}
		var v struct{ By string }
		_ = json.Unmarshal(a.Run, &v)
		if a.Status != c.status || v.By != c.by {
			t.Errorf("%s: %+v %s", c.command, a, a.Run)
		}
	}
	if n := b.runs("mix_colors"); n != 2 {
		t.Errorf("%d runs", n)
	}
	r.publish(&mqtt.Message{Topic: "ot2/v1/bench-3/ctl/ada", Expiry: jobs.ControlWithin, Payload: []byte(`{"do": "stop", "id": "d", "controller": "eve", "run": "x"}`)})
	for {
		if e := next(t, r.events); e.Problem != "" {
			if !has(e.Problem, "eve wants it, and ada does") {
				t.Error(e.Problem)
			}
			break
		}
	}
}

// A device was away for an hour: what was asked of it meanwhile is done once, unless it was to
// be done before; what was wanted of a run then is not wanted any more.
func TestAwayForAnHour(t *testing.T) {
	broker := mqtttest.Start(t)
	state, dir := filepath.Join(t.TempDir(), "j.db"), folderOf(t, shareText)
	b := serve(t, broker.URL, "bench-3", state, dir)
	r := rawAt(t, broker.URL, "bench-3")
	for !next(t, r.states).Online {
	}
	b.stop()
	sent := time.Now().Format(time.RFC3339Nano)
	for _, text := range []string{
		`{"id": "a", "controller": "ada", "task": "share"}`,
		fmt.Sprintf(`{"id": "b", "controller": "ada", "task": "share", "sent": %q, "ttl": 7200}`, sent),
		fmt.Sprintf(`{"id": "c", "controller": "ada", "task": "share", "sent": %q, "ttl": 1800}`, sent),
		`{"id": "a", "controller": "ada", "task": "share"}`,
	} {
		r.publish(&mqtt.Message{Topic: "ot2/v1/bench-3/cmd", Payload: []byte(text)})
	}
	r.publish(&mqtt.Message{Topic: "ot2/v1/bench-3/ctl", Payload: []byte(fmt.Sprintf(`{"do": "stop", "id": "d", "controller": "ada", "run": "x", "sent": %q}`, sent))})
	clock = func() time.Time { return time.Now().Add(time.Hour) }
	t.Cleanup(func() { clock = nil })
	b = serve(t, broker.URL, "bench-3", state, dir)
	got := map[string]*jobs.Reply{}
	for len(got) < 4 {
		a := next(t, r.replies)
		got[a.ID] = a
	}
	for id, status := range map[string]string{"a": jobs.Result, "b": jobs.Result, "c": jobs.Expired, "d": jobs.Rejected} {
		if got[id].Status != status {
			t.Errorf("%s: %+v", id, got[id])
		}
	}
	if n := b.runs("share"); n != 2 {
		t.Errorf("%d runs", n)
	}
}
