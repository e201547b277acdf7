package outside_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
	"github.com/ot2flow/ot2flow/workflows/outside"
)

// patience is how long a machine may take that is busy with other things.
const patience = 60_000

// instrument listens to a topic until the test ends; what it answers to a message is
// published where answers come. It says what it heard.
func instrument(t *testing.T, url, topic, reply string, answers func(asked map[string]any) []string) <-chan string {
	t.Helper()
	at, err := mqtt.ParseAddress(url)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 10)
	c, err := mqtt.Open(mqtt.Options{Broker: at})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience*time.Millisecond)
	defer cancel()
	work := make(chan string, 10)
	if err := c.Subscribe(ctx, mqtt.Subscription{Filter: topic, QoS: 1, Handle: func(m *mqtt.Message) { work <- string(m.Payload) }}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for text := range work {
			asked := map[string]any{}
			_ = json.Unmarshal([]byte(text), &asked) // a text is none
			for _, answer := range answers(asked) {
				if err := c.Publish(t.Context(), &mqtt.Message{Topic: reply, Payload: []byte(answer), QoS: 1}); err != nil {
					return
				}
			}
			heard <- text
		}
	}()
	t.Cleanup(func() { close(work); <-done })
	return heard
}

func idOf(asked map[string]any) string {
	id, _ := asked["experiment_id"].(string)
	return id
}

// The answer to a measurement is the one with its id, whatever else comes.
func TestAnswersOverABroker(t *testing.T) {
	b := mqtttest.Start(t)
	var before string // the id of the measurement before
	for _, c := range []struct {
		name    string
		answers func(id string) []string
		want    string
		kind    run.Kind
		says    string
	}{
		{"plain", func(id string) []string { return []string{`{"experiment_id": "` + id + `", "data": {"f1": 7}}`} }, "7", 0, ""},
		{"among others", func(id string) []string {
			return []string{
				`{"experiment_id": "` + before + `", "data": {"f1": 1}}`, `{"data": {"f1": 2}}`, `no JSON`, "\xff\x00", `[1]`, `null`, ``,
				`{"experiment_id": ["` + id + `"], "data": {"f1": 3}}`, strings.Repeat(" ", 1<<20+1),
				`{"experiment_id": "` + id + `", "data": {"f1": 8}}`, `{"experiment_id": "` + id + `", "data": {"f1": 9}}`,
			}
		}, "8", 0, ""},
		{"refused", func(id string) []string { return []string{`{"experiment_id": "` + id + `", "error": "no such gain"}`} }, "", run.Rejected, "no such gain"},
		{"busy", func(id string) []string {
			return []string{`{"experiment_id": "` + id + `", "error": "it is charging", "busy": true}`}
		}, "", run.Busy, "it is charging"},
		{"another shape", func(id string) []string {
			return []string{`{"experiment_id": "` + id + `", "data": {"f1": [1]}}`}
		}, "", run.Rejected, "a single value is wanted"},
		{"no error", func(id string) []string {
			return []string{`{"experiment_id": "` + id + `", "error": null, "data": {"f1": 6}}`}
		}, "6", 0, ""},
	} {
		topic := "ask/" + strings.ReplaceAll(c.name, " ", "-")
		heard := instrument(t, b.URL, topic, "answers", func(asked map[string]any) []string { return c.answers(idOf(asked)) })
		values, err := new(outside.Outside).Perform(t.Context(), step(program.Measure, program.Live{
			URL: b.URL, Topic: topic, Reply: "answers", ID: "experiment_id", TimeoutMS: patience, Instrument: "sensor",
			Fields: []program.LiveField{{Name: "f1", Path: "data.f1", Type: "integer"}},
		}))
		var asked map[string]any
		if e := json.Unmarshal([]byte(<-heard), &asked); e != nil {
			t.Error(e)
		}
		if before == idOf(asked) {
			t.Errorf("%s: two measurements have one id", c.name)
		}
		before = idOf(asked)
		if values["f1"] != c.want || (err == nil) != (c.says == "") || err != nil && (run.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, %v", c.name, values, err)
		}
	}
}

// What is published is what was said to be sent, with its ids where they belong.
func TestMessages(t *testing.T) {
	b := mqtttest.Start(t)
	heard := instrument(t, b.URL, "lamp", "nobody", func(map[string]any) []string { return nil })
	o := &outside.Outside{Session: "run-7"}
	for _, c := range []struct {
		live program.Live
		want string
	}{
		{program.Live{Body: `{"status": {"sensor_status": "in_place", "n": 12345678901234567890}}`, Key: "a-1", ID: "experiment_id", Session: "session_id"}, `{"experiment_id":"a-1","session_id":"run-7","status":{"n":12345678901234567890,"sensor_status":"in_place"}}`},
		{program.Live{Body: `{"lamp": true}`, Key: "a-2", ID: "meta.id", Session: "meta.run"}, `{"lamp":true,"meta":{"id":"a-2","run":"run-7"}}`},
		{program.Live{Body: `{"lamp": true}`}, `{"lamp":true}`},
		{program.Live{Message: "all is well"}, `all is well`},
	} {
		l := c.live
		l.URL, l.Topic, l.TimeoutMS = b.URL, "lamp", patience
		if _, err := o.Perform(t.Context(), step(program.Publish, l)); err != nil {
			t.Errorf("%s: %v", c.want, err)
		} else if got := <-heard; got != c.want {
			t.Errorf("%s, not %s", got, c.want)
		}
	}
}

// What is known where there is no answer decides what may be done about it.
func TestNoAnswerOverABroker(t *testing.T) {
	b := mqtttest.Start(t)
	ask := func(ctx context.Context, o *outside.Outside, l program.Live) error {
		if l.URL == "" {
			l.URL = b.URL
		}
		l.Reply, l.ID, l.Instrument = "answers", "id", "sensor"
		_, err := o.Perform(ctx, step(program.Measure, l))
		return err
	}
	silent := func(topic string) <-chan string {
		return instrument(t, b.URL, topic, "answers", func(map[string]any) []string { return []string{`no JSON`} })
	}
	silent("silent")
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	everywhere, elsewhere := reach(t, "127.0.0.1"), reach(t, "192.168.1.30")
	for name, c := range map[string]struct {
		o    outside.Outside
		live program.Live
		kind run.Kind
		says string
	}{
		"nobody listens":    {outside.Outside{}, program.Live{Topic: "nobody", TimeoutMS: patience}, run.Unreachable, "nobody listens to nobody"},
		"no broker":         {outside.Outside{}, program.Live{URL: "mqtt://" + nobody.Addr().String(), Topic: "a", TimeoutMS: patience}, run.Unreachable, "cannot be reached"},
		"no address":        {outside.Outside{}, program.Live{URL: "redis://broker", Topic: "a", TimeoutMS: patience}, run.Rejected, "redis"},
		"out of reach":      {outside.Outside{Reach: elsewhere}, program.Live{Topic: "silent", TimeoutMS: patience}, run.Rejected, "--allow 127.0.0.1"},
		"name out of reach": {outside.Outside{Reach: reach(t, "localhost")}, program.Live{URL: strings.Replace(b.URL, "127.0.0.1", "localhost", 1), Topic: "silent", TimeoutMS: patience}, run.Rejected, "stands for"},
		"within reach":      {outside.Outside{Reach: everywhere}, program.Live{Topic: "nobody", TimeoutMS: patience}, run.Unreachable, "nobody listens"},
		"no answer":         {outside.Outside{}, program.Live{Topic: "silent", TimeoutMS: 500}, run.Timeout, "gave no answer in time"},
	} {
		if err := ask(t.Context(), &c.o, c.live); run.KindOf(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	first, second := silent("first"), silent("second")
	go func() { <-first; cancel() }()
	if err := ask(ctx, new(outside.Outside), program.Live{Topic: "first"}); !errors.Is(err, context.Canceled) || run.KindOf(err) != run.InDoubt {
		t.Errorf("given up: %v", err)
	}
	killed := make(chan struct{})
	go func() { <-second; b.Kill(); close(killed) }()
	if err := ask(t.Context(), new(outside.Outside), program.Live{Topic: "second"}); run.KindOf(err) != run.InDoubt || !strings.Contains(err.Error(), "was lost") {
		t.Errorf("the broker was killed: %v", err)
	}
	<-killed
}

// A user and a password are secrets of the address, and in no message; who may not, is
// told so.
func TestUserOfABroker(t *testing.T) {
	dir := t.TempDir()
	users := filepath.Join(dir, "users")
	if out, err := exec.Command("mosquitto_passwd", "-b", "-c", users, "bench", "s3cr3t").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	acl := filepath.Join(dir, "acl")
	if err := os.WriteFile(acl, []byte("user bench\ntopic readwrite lamp\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := mqtttest.Start(t, "listener PORT 127.0.0.1", "allow_anonymous false", "password_file "+users, "acl_file "+acl)
	var password string
	o := &outside.Outside{Secret: func(string) (string, error) { return password, nil }}
	url := strings.Replace(b.URL, "mqtt://", "mqtt://bench:"+program.SecretMark("PASSWORD")+"@", 1)
	for _, c := range []struct {
		password, topic string
		kind            run.Kind
		says            string
	}{
		{"s3cr3t", "lamp", 0, ""},
		{"s3cr3t", "door", run.Rejected, "may not publish"},
		{"wr0ng", "lamp", run.Rejected, "does not know the user or the password"},
	} {
		password = c.password
		_, err := o.Perform(t.Context(), step(program.Publish, program.Live{URL: url, Secrets: []string{"PASSWORD"}, Topic: c.topic, Message: "on", TimeoutMS: patience}))
		if (err == nil) != (c.says == "") || err != nil && (run.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), c.password)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := new(outside.Outside).Perform(t.Context(), step(program.Publish, program.Live{URL: b.URL, Topic: "lamp", Message: "on", TimeoutMS: patience})); run.KindOf(err) != run.Rejected {
		t.Errorf("without a user: %v", err)
	}
}

// A broker that is asked for is one that may be reached.
func TestReachOfBrokers(t *testing.T) {
	r := reach(t, "broker.lab.example:1883")
	for url, may := range map[string]bool{
		"mqtt://broker.lab.example":       true,
		"mqtt://broker.lab.example:1884":  false,
		"mqtts://broker.lab.example":      false,
		"wss://broker.lab.example/mqtt":   false,
		"ws://broker.lab.example:1883/a":  true,
		"mqtt://127.0.0.1":                false,
		"mqtt://user:x@broker.other.test": false,
	} {
		if err := r.Check(step(program.Publish, program.Live{URL: url, Topic: "a"})); (err == nil) != may {
			t.Errorf("%s: %v", url, err)
		}
	}
}
