package mqttserver

import (
	"encoding/json"
	"testing"

	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
)

// Whatever comes is a command that says what is asked of whom and by whom, or is refused.
func FuzzCommand(f *testing.F) {
	for _, text := range []string{
		`{"id": "a", "controller": "ada", "task": "share", "parameters": {"n": 4}, "ttl": 60, "sent": "2026-01-01T00:00:00Z"}`,
		`{"id": "a", "controller": "ada", "run": "261123-aaaa"}`, `{"id": "a", "controller": "#", "task": "x", "labels": ["a,b"]}`,
		`{"request_id": "a", "task_name": "share", "parameters": {"n": 4}}`, `{"request_id": "a", "task_name": "share", "parameters": null}`,
		`[1]`, `{`, "\xff\x00", `null`, `{"id": 5}`, `{"id": "a", "controller": "ada", "task": "x"} {}`,
	} {
		f.Add([]byte(text), "ot2/v1/bench-3/cmd", "", false)
		f.Add([]byte(text), "ot2/v1/bench-3/cmd/ada", "ot2/v1/ada/reply", true)
	}
	f.Fuzz(func(t *testing.T, payload []byte, topic, answer string, retain bool) {
		m := &mqtt.Message{Topic: topic, Payload: payload, ReplyTo: answer, Retain: retain}
		for _, reads := range []func(*mqtt.Message) (*jobs.Command, error){read, readGuide} {
			c, err := reads(m)
			if c == nil {
				t.Fatal("nobody can be answered")
			}
			hashOf(c)
			if err != nil {
				continue
			}
			if c.ID == "" || len(c.ID) > maxID || c.Task == "" && c.Run == "" || retain {
				t.Errorf("%q is taken for %+v", payload, c)
			}
			if c.Controller != guideSender && mqtt.CheckName(c.Controller) != nil {
				t.Errorf("%q is answered at %q", payload, c.Controller)
			}
			if bound := jobs.Sender(topic); c.Controller != guideSender && bound != "" && bound != c.Controller {
				t.Errorf("%q is of %s, and not of %s", payload, bound, c.Controller)
			}
			if len(c.Parameters) > 0 && !json.Valid(c.Parameters) {
				t.Errorf("%q has no parameters", payload)
			}
		}
	})
}
