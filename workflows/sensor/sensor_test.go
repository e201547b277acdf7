package sensor_test

import (
	"context"
	"encoding/json"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
	"github.com/ot2flow/ot2flow/workflows/outside"
	"github.com/ot2flow/ot2flow/workflows/sensor"
)

// The emulator, and the example client for a Pico W, speak as the reference does: they
// measure where they are in place, say when they cannot, and nothing that comes ends them.
func TestSensors(t *testing.T) {
	for name, c := range map[string]struct {
		start func(*testing.T, string)
		ch410 string // at a gain of 16
	}{
		"emulator":    {emulator, "2531"}, // 9000 / 2 * 10^-((0.9 + 1.3 + 0.3) * 30/300)
		"MicroPython": {microPython, "1600"},
	} {
		t.Run(name, func(t *testing.T) {
			b := mqtttest.Start(t)
			c.start(t, b.URL)
			o := &outside.Outside{Session: "run-7"}
			perform := func(kind program.Kind, l program.Live) (map[string]string, error) {
				l.URL, l.TimeoutMS = b.URL, 60_000
				return o.Perform(t.Context(), &program.Step{N: 1, Op: program.Op{Kind: kind}, Live: &l})
			}
			say := func(topic, text string) {
				t.Helper()
				if _, err := perform(program.Publish, program.Live{Topic: topic, Message: text}); err != nil {
					t.Fatal(err)
				}
			}
			measure := func(body string) (map[string]string, error) {
				return perform(program.Measure, program.Live{
					Instrument: "sensor", Topic: "command/picow/bench/as7341/read", Reply: "color-mixing/picow/bench/as7341",
					ID: "experiment_id", Session: "session_id", Body: body,
					Fields: []program.LiveField{{Name: "ch410", Path: "sensor_data.ch410", Type: "integer"}, {Name: "run", Path: "session_id", Type: "string"}, {Name: "well", Path: "command.well", Type: "string"}},
				})
			}
			const good = `{"command": {"R": 30, "Y": 30, "B": 30, "well": "B2", "gain": 16}}`
			// until asks until what comes is none of what is passing: it has to begin to
			// listen, and two topics have no order.
			until := func(done func(error) bool) (map[string]string, error) {
				t.Helper()
				for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
					values, err := measure(good)
					if done(err) || time.Now().After(end) {
						return values, err
					}
				}
			}
			is := func(k run.Kind) func(error) bool {
				return func(err error) bool { return err != nil && run.KindOf(err) == k }
			}
			if _, err := until(func(err error) bool { return !is(run.Unreachable)(err) }); run.KindOf(err) != run.Busy || !strings.Contains(err.Error(), "charging") {
				t.Fatalf("at its port: %v", err)
			}
			for _, text := range []string{`no JSON`, `3`, `null`, `{"status": 3}`, `{"status": {"sensor_status": "lost"}}`, `{"status": {"sensor_status": "in_place"}, "experiment_id": "e", "session_id": "s"}`} {
				say("status/ot2/OT2X/complete", text)
			}
			want := map[string]string{"ch410": c.ch410, "run": "run-7", "well": "B2"}
			values, err := until(func(err error) bool { return !is(run.Busy)(err) })
			for k, v := range want {
				if values[k] != v || err != nil {
					t.Errorf("in place: %v, %v, and not %v", values, err, want)
				}
			}
			for _, text := range []string{`no JSON`, `[]`, `null`, "\xff\x00", `{`, `{"command": 3}`, strings.Repeat("[", 5000), `{"a": "` + strings.Repeat("x", 20_000) + `"}`} {
				say("command/picow/bench/as7341/read", text)
			}
			if _, err := measure(`{"command": {"R": 30, "Y": 30, "B": 30, "gain": 10000}}`); run.KindOf(err) != run.Rejected || !strings.Contains(err.Error(), "gain") {
				t.Errorf("an impossible gain: %v", err)
			}
			if values, err := measure(good); err != nil || values["ch410"] != c.ch410 {
				t.Errorf("after nonsense: %v, %v", values, err)
			}
			say("status/ot2/OT2X/complete", `{"status": {"sensor_status": "charging"}}`)
			if _, err := until(is(run.Busy)); !is(run.Busy)(err) {
				t.Errorf("back at its port: %v", err)
			}
		})
	}
}

func emulator(t *testing.T, url string) {
	at, err := mqtt.ParseAddress(url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := &sensor.Sensor{ID: "bench", Robot: "OT2X"}
	go func() { done <- s.Serve(ctx, mqtt.Options{Broker: at}, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func microPython(t *testing.T, url string) {
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "mqtt://"))
	var said strings.Builder
	cmd := exec.Command("python3", "testdata/bench.py", "../../examples/micropython", port)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it would go on for ever
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
}

// Names that are no part of a topic are refused before anything is asked of a broker.
func TestNames(t *testing.T) {
	for _, s := range []*sensor.Sensor{{ID: "a/b", Robot: "x"}, {ID: "a", Robot: "#"}, {ID: "", Robot: "x"}} {
		if err := s.Serve(t.Context(), mqtt.Options{}, nil); err == nil {
			t.Errorf("%s and %s are taken", s.ID, s.Robot)
		}
	}
}

// Whatever the sensor is asked, it answers with a JSON object that has what was asked.
func TestAnswer(t *testing.T) {
	s := &sensor.Sensor{ID: "bench", Robot: "x"}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "id")
		volume := rapid.SampledFrom([]any{0, 40, 1e300, -1, "40", nil, []int{1}}).Draw(t, "volume")
		command, err := json.Marshal(map[string]any{"experiment_id": id, "command": map[string]any{"R": volume, "Y": 1, "B": 2}})
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(0, len(command)).Draw(t, "cut")
		for _, c := range [][]byte{command, command[:cut]} {
			var answer map[string]any
			if err := json.Unmarshal(s.Answer(c), &answer); err != nil {
				t.Fatalf("%s: %v", c, err)
			}
			if answer["error"] == nil {
				t.Fatalf("%s is measured at the port", c)
			}
			if len(c) == len(command) && answer["experiment_id"] != string([]rune(id)) {
				t.Fatalf("%q became %q", id, answer["experiment_id"])
			}
		}
	})
}

// More paint is darker, more gain brighter, and nothing is over the end of a channel.
func TestLight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(0, 300)
		r, y, b, more := v.Draw(t, "r"), v.Draw(t, "y"), v.Draw(t, "b"), v.Draw(t, "more")
		gain := rapid.Float64Range(0.5, 512).Draw(t, "gain")
		base := sensor.Light(r, y, b, gain)
		for what, other := range map[string][8]int{"red": sensor.Light(r+more, y, b, gain), "yellow": sensor.Light(r, y+more, b, gain), "blue": sensor.Light(r, y, b+more, gain)} {
			for i := range other {
				if other[i] > base[i] {
					t.Fatalf("more %s is brighter in %s: %d, %d", what, sensor.Channels[i], base[i], other[i])
				}
			}
		}
		if most := slices.Max(base[:]); most > sensor.Saturated || slices.Min(base[:]) < 0 {
			t.Fatal(base)
		}
		for i, n := range sensor.Light(r, y, b, min(2*gain, 512)) {
			if n < base[i] {
				t.Fatalf("more gain is darker in %s: %d, %d", sensor.Channels[i], base[i], n)
			}
		}
	})
}
