package sensor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ot2flow/ot2flow/workflows/mqtt"
)

// Sensor is one that listens at a broker.
type Sensor struct {
	ID    string // of the Pico W
	Robot string // whose word says where the sensor is
	// Note hears what it is asked and what becomes of it; nil is nobody.
	Note func(text string)

	inPlace atomic.Bool
}

// maxCommand is how long a command may be, in bytes. A Pico W has no room for more.
const maxCommand = 16 << 10

// CommandTopic is where the sensor is asked.
func (s *Sensor) CommandTopic() string { return "command/picow/" + s.ID + "/as7341/read" }

// DataTopic is where it answers.
func (s *Sensor) DataTopic() string { return "color-mixing/picow/" + s.ID + "/as7341" }

// StatusTopic is where the robot says where the sensor is.
func (s *Sensor) StatusTopic() string { return "status/ot2/" + s.Robot + "/complete" }

// Serve answers until ctx ends. The error is that of a broker that does not want it, or of
// names that cannot be part of a topic. Up is called once it listens; it may be nil.
func (s *Sensor) Serve(ctx context.Context, o mqtt.Options, up func()) error {
	for _, name := range []string{s.ID, s.Robot} {
		if err := mqtt.CheckName(name); err != nil {
			return err
		}
	}
	commands := make(chan []byte, 64)
	o.Note = func(n mqtt.Note) { s.note(n.Text) }
	o.Listen = []mqtt.Subscription{
		{Filter: s.StatusTopic(), QoS: 1, Handle: func(m *mqtt.Message) { s.told(m.Payload) }},
		{Filter: s.CommandTopic(), QoS: 1, Handle: func(m *mqtt.Message) {
			select {
			case commands <- m.Payload:
			default:
				s.note("more is asked than can be answered; this is left out")
			}
		}},
	}
	c, err := mqtt.Open(o)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	if up != nil {
		up()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case command := <-commands:
			within, cancel := context.WithTimeout(ctx, time.Minute)
			err := c.Publish(within, &mqtt.Message{Topic: s.DataTopic(), Payload: s.Answer(command), QoS: 1, Expiry: time.Minute})
			cancel()
			if err != nil && ctx.Err() == nil {
				s.note("an answer was not sent: " + err.Error())
			}
		}
	}
}

func (s *Sensor) note(text string) {
	if s.Note != nil {
		s.Note(text)
	}
}

// told hears where the sensor is.
func (s *Sensor) told(status []byte) {
	var said struct {
		Status struct {
			Sensor string `json:"sensor_status"`
		} `json:"status"`
	}
	if json.Unmarshal(status, &said) != nil {
		return // somebody else's
	}
	switch said.Status.Sensor {
	case "in_place":
		s.inPlace.Store(true)
	case "charging":
		s.inPlace.Store(false)
	default:
		return
	}
	s.note("the robot says that the sensor is " + strings.ReplaceAll(said.Status.Sensor, "_", " "))
}

// Answer is what the sensor says to a command: all that was asked, and what it saw, or
// under error why it saw nothing.
func (s *Sensor) Answer(command []byte) []byte {
	out := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(command))
	dec.UseNumber()
	switch {
	case len(command) > maxCommand:
		out = map[string]any{"error": "the command is too long"}
	case dec.Decode(&out) != nil || out == nil:
		out = map[string]any{"error": "the command is no JSON object"}
	default:
		s.measure(out)
	}
	if why, ok := out["error"].(string); ok {
		s.note("refused: " + why)
	}
	data, err := json.Marshal(out)
	if err != nil {
		return []byte(`{"error": "the command is no JSON object"}`)
	}
	return data
}

// measure adds what is seen to a command.
func (s *Sensor) measure(out map[string]any) {
	delete(out, "error")
	asked, _ := out["command"].(map[string]any)
	var paints [3]float64
	for i, name := range []string{"R", "Y", "B"} {
		v, ok := number(asked[name])
		if !ok || v < 0 {
			out["error"] = "command." + name + " is no volume in uL"
			return
		}
		paints[i] = v
	}
	gain := float64(usualGain)
	if v, there := asked["gain"]; there {
		var ok bool
		if gain, ok = number(v); !ok || gain < 0.5 || gain > 512 {
			out["error"] = "command.gain is not between 0.5 and 512"
			return
		}
	}
	if !s.inPlace.Load() {
		out["error"], out["busy"] = "the sensor is charging", true
		return
	}
	data := map[string]int{}
	for i, counts := range Light(paints[0], paints[1], paints[2], gain) {
		data[Channels[i]] = counts
	}
	out["sensor_data"] = data
	s.note(fmt.Sprintf("measured %v uL at a gain of %v", paints, gain))
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}
