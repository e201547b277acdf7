package mqttserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
)

// Clients that were written as the lab's guide shows send to ot2/DEVICE/command and wait
// at ot2/DEVICE/result. They know no controllers, no epochs and no word that an answer has
// arrived: an answer has when the broker has it. Everything else is as for any command.
// The bridge has a connection of its own, and so a last will of its own.

// guideSender is the controller that all of them are; no other one can have the name.
const guideSender = "ot2/"

func (s *Server) isGuide(controller string) bool { return controller == guideSender }

// openGuide connects the bridge.
func (s *Server) openGuide(b mqtt.Options) (err error) {
	b.ClientID += "-guide"
	gone, _ := json.Marshal(s.guideStatus("offline")) // texts alone
	b.Will = &mqtt.Message{Topic: jobs.GuideTopic(s.name, jobs.GuideStatus), Payload: gone, QoS: 1, Retain: true}
	b.Listen = []mqtt.Subscription{{Filter: jobs.GuideTopic(s.name, jobs.GuideCommand), QoS: 1, Handle: pass(s.commands), Manual: true}}
	b.Up = func(ctx context.Context, c *mqtt.Conn) { s.tellGuide(ctx, c, "online") }
	b.Note = func(n mqtt.Note) { s.log.Debug("bridge of the guide: " + n.Text) } // the other connection says the same
	s.guide, err = mqtt.Open(b)
	return err
}

// guideCommand is a command as the guide has it.
type guideCommand struct {
	ID         string          `json:"request_id"`
	Task       string          `json:"task_name"`
	Parameters json.RawMessage `json:"parameters"`
}

// readGuide reads a command of the guide.
func readGuide(m *mqtt.Message) (*jobs.Command, error) {
	var g guideCommand
	c := &jobs.Command{Controller: guideSender}
	err := json.Unmarshal(m.Payload, &g)
	c.ID, c.Task, c.Parameters = g.ID, g.Task, g.Parameters
	if string(c.Parameters) == "null" {
		c.Parameters = nil
	}
	switch {
	case err != nil:
		return c, fmt.Errorf("it is no command: %w", err)
	case len(m.Payload) > jobs.MaxPayload:
		return c, fmt.Errorf("a command has at most %d bytes, and this one has %d", jobs.MaxPayload, len(m.Payload))
	case m.Retain:
		return c, errors.New("a command that is retained would be given to the device again and again; send it without")
	case c.ID == "" || len(c.ID) > 128:
		return c, errors.New("a command has a request_id of at most 128 bytes, which no other one has")
	case c.Task == "" || len(c.Task) > 255:
		return c, errors.New("a command has a task_name")
	}
	c.ID = guideSender + c.ID
	return c, nil
}

// guideResult is an answer as the guide has it.
type guideResult struct {
	ID         string          `json:"request_id"`
	Task       string          `json:"task_name,omitempty"`
	Parameters json.RawMessage `json:"parameters,omitempty"`
	Result     json.RawMessage `json:"result,omitempty"`
	Status     string          `json:"status"` // success or error
	Error      string          `json:"error,omitempty"`
	Device     string          `json:"device_id"`
	Run        string          `json:"run,omitempty"`
	Timestamp  float64         `json:"timestamp"` // s since 1970
}

// guideAnswer is an answer as the guide has it; nil where the guide has none.
func (s *Server) guideAnswer(r *jobs.Reply) []byte {
	g := guideResult{ID: strings.TrimPrefix(r.ID, guideSender), Status: "error", Error: r.Reason, Device: s.name, Timestamp: float64(time.Now().UnixMilli()) / 1000}
	var run struct {
		ID, Task, State, Reason string
		Parameters, Result      json.RawMessage
	}
	if len(r.Run) > 0 && json.Unmarshal(r.Run, &run) == nil {
		g.Run, g.Task, g.Parameters = run.ID, run.Task, run.Parameters
	}
	switch {
	case r.Status == jobs.Accepted || r.Status == jobs.Duplicate:
		return nil // it is waited for
	case r.Status == jobs.Result && run.State == "ok":
		g.Status, g.Result = "success", run.Result
	case g.Error == "":
		g.Error = strings.TrimSuffix("run "+run.ID+" "+strings.ReplaceAll(run.State, "_", " ")+": "+run.Reason, ": ")
	}
	data, _ := json.Marshal(g) // texts, and JSON that was read
	return data
}

// replyGuide answers what is not kept.
func (s *Server) replyGuide(ctx context.Context, r *jobs.Reply) {
	if data := s.guideAnswer(r); data != nil {
		s.trouble(ctx, "an answer was not sent", s.guide.Publish(ctx, &mqtt.Message{Topic: jobs.GuideTopic(s.name, jobs.GuideResult), Payload: data, QoS: 1}))
	}
}

// publishGuide sends an answer that is kept until the broker has it.
func (s *Server) publishGuide(ctx context.Context, a *journal.Answer) {
	var r jobs.Reply
	if json.Unmarshal(a.Data, &r) != nil {
		return // it was made here
	}
	short, cancel := context.WithTimeout(ctx, againFirst)
	defer cancel()
	if s.guide.Publish(short, &mqtt.Message{Topic: jobs.GuideTopic(s.name, jobs.GuideResult), Payload: s.guideAnswer(&r), QoS: 1}) == nil {
		s.trouble(ctx, "that an answer has arrived is not kept", s.store.Arrived(ctx, a.ID, a.Seq))
	}
}

// guideState is how a device stands, as the guide has it.
type guideState struct {
	Device    string   `json:"device_id"`
	Status    string   `json:"status"`
	Tasks     []string `json:"available_tasks"`
	Timestamp float64  `json:"timestamp"`
}

func (s *Server) guideStatus(status string) guideState {
	g := guideState{Device: s.name, Status: status, Tasks: []string{}, Timestamp: float64(time.Now().UnixMilli()) / 1000}
	for _, v := range s.device.Tasks.Snapshot().Versions {
		g.Tasks = append(g.Tasks, v.Name)
	}
	return g
}

// tellGuide says whether we are there.
func (s *Server) tellGuide(ctx context.Context, c *mqtt.Conn, status string) {
	data, _ := json.Marshal(s.guideStatus(status)) // texts alone
	s.trouble(ctx, "the status is not told", c.Publish(ctx, &mqtt.Message{Topic: jobs.GuideTopic(s.name, jobs.GuideStatus), Payload: data, QoS: 1, Retain: true}))
}
