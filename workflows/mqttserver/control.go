package mqttserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// takeControls does what is wanted now. One wish that takes its time holds up the next:
// pause and resume come in an order.
func (s *Server) takeControls(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-s.controls:
			m.Ack() // what is not done now is not wanted later
			if len(m.Payload) > 0 {
				s.safely(func() { s.control(ctx, m) })
			}
		}
	}
}

func (s *Server) control(ctx context.Context, m *mqtt.Message) {
	var c jobs.Control
	if err := json.Unmarshal(m.Payload, &c); err != nil || len(m.Payload) > jobs.MaxPayload {
		s.complain(ctx, m, fmt.Errorf("%w: it is no wish about a run: %w", errNobody, cmp.Or(err, errors.New("it is too long"))))
		return
	}
	if bound := jobs.Sender(m.Topic); bound != "" {
		if c.Controller != "" && c.Controller != bound {
			s.complain(ctx, m, fmt.Errorf("%w: it says that %s wants it, and %s does", errNobody, c.Controller, bound))
			return
		}
		c.Controller = bound
	}
	if c.Do == "arrived" {
		s.trouble(ctx, "that an answer has arrived is not kept", s.store.Arrived(ctx, c.ID, c.Seq))
		return
	}
	r := &jobs.Reply{ID: c.ID, Status: jobs.Done}
	if why := s.may(ctx, m, &c); why != nil {
		r.Status, r.Reason = jobs.Rejected, why.Error()
	} else if v, err := s.device.View(ctx, c.Run); err == nil {
		r.Run = jsonOf(v)
	}
	if mqtt.CheckName(c.Controller) == nil {
		s.reply(ctx, c.Controller, r)
	} else if r.Status == jobs.Rejected {
		s.complain(ctx, m, fmt.Errorf("%w: %s", errNobody, r.Reason))
	}
}

// may does what is wanted, or says why not.
func (s *Server) may(ctx context.Context, m *mqtt.Message, c *jobs.Control) error {
	switch {
	case m.Retain:
		return errors.New("what is wanted now is not retained")
	case m.Expiry == 0 && c.Sent.IsZero():
		return fmt.Errorf("what is wanted now has a message expiry of at most %v, or says in sent when it was", jobs.ControlWithin)
	case m.Expiry > jobs.ControlWithin:
		return fmt.Errorf("what is wanted now expires within %v", jobs.ControlWithin)
	}
	if late := jobs.Late(c.Sent, jobs.ControlWithin, m.Expiry, s.now()); late != "" {
		return errors.New(late)
	}
	by := c.By
	if by == "" {
		by = c.Controller
	}
	key, err := s.store.Note(ctx, deed(by, c))
	if err != nil {
		return err
	}
	if c.Do == "answer" {
		err = s.device.Answer(ctx, c.Run, c.Value, c.Values, by)
	} else {
		err = s.device.Control(ctx, c.Run, c.Do, c.Now, by, service.GoingOn{})
	}
	outcome := "done"
	if err != nil {
		outcome = "refused: " + err.Error()
	}
	s.trouble(ctx, "what became of a wish is not kept", s.store.Noted(context.WithoutCancel(ctx), key, outcome))
	return err
}
