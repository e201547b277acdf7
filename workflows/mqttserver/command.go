package mqttserver

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// takeCommands takes commands one after the other, in the order in which they come.
func (s *Server) takeCommands(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-s.commands:
			s.safely(func() { s.take(ctx, m) })
		}
	}
}

// safely lets a fault that nobody thought of end one message, and not the server.
func (s *Server) safely(do func()) {
	defer func() {
		if fault := recover(); fault != nil {
			s.log.Error(fmt.Sprintf("a message is not answered; this is a bug of ours: %v", fault))
		}
	}()
	do()
}

// take answers a command. It is acknowledged as soon as what becomes of it is in the
// journal: if we end before, it comes again, and is the same job.
func (s *Server) take(ctx context.Context, m *mqtt.Message) {
	if len(m.Payload) == 0 {
		m.Ack() // that a retained message is no more
		return
	}
	reads := read
	if m.Topic == jobs.GuideTopic(s.name, jobs.GuideCommand) {
		reads = readGuide
	}
	c, err := reads(m)
	switch {
	case errors.Is(err, errNobody):
		s.complain(ctx, m, err)
		m.Ack()
		return
	case err != nil:
		s.reject(ctx, m, c, err)
		return
	}
	asked := hashOf(c)
	letter, err := s.store.Letter(ctx, c.ID)
	switch {
	case err != nil:
		s.trouble(ctx, "the inbox cannot be read", err) // it comes again
		return
	case letter != nil && letter.Asked != asked:
		m.Ack()
		s.reply(ctx, c.Controller, &jobs.Reply{ID: c.ID, Status: jobs.Rejected, Reason: "the id is that of another command; no two have the same"})
	case letter != nil:
		m.Ack()
		s.again(ctx, c, letter)
	default:
		s.begin(ctx, m, c, asked)
	}
}

// errNobody is the error of a message that nobody could be answered.
var errNobody = errors.New("nobody can be answered")

// read reads a command. Where it is no good one, c has whom to answer all the same.
func read(m *mqtt.Message) (c *jobs.Command, err error) {
	c = &jobs.Command{}
	d := json.NewDecoder(bytes.NewReader(m.Payload))
	d.DisallowUnknownFields()
	wrong := d.Decode(c)
	if wrong == nil && d.More() {
		wrong = errors.New("something stands behind the command")
	}
	if wrong != nil { // whom to answer may be readable all the same
		_ = json.Unmarshal(m.Payload, c)
	}
	bound := jobs.Sender(m.Topic)
	if c.Controller == "" {
		c.Controller = bound
	} else if bound != "" && bound != c.Controller {
		says := c.Controller
		c.Controller = bound
		return c, fmt.Errorf("it says that %s sends it, and %s does", says, bound)
	}
	if err := mqtt.CheckName(c.Controller); err != nil {
		if who, ok := strings.CutPrefix(m.ReplyTo, jobs.Prefix+"/"); ok && c.Controller == "" {
			c.Controller, _ = strings.CutSuffix(who, "/"+jobs.Answers)
		}
		if mqtt.CheckName(c.Controller) != nil {
			return c, fmt.Errorf("%w: a command says who sends it, in controller: %w", errNobody, cmp.Or(wrong, err))
		}
	}
	switch {
	case c.ID == "" || len(c.ID) > 128 || strings.HasPrefix(c.ID, guideSender):
		return c, fmt.Errorf("%w: a command has an id of at most 128 bytes: %w", errNobody, cmp.Or(wrong, errors.New("this one has none, or one of the guide's")))
	case wrong != nil:
		return c, fmt.Errorf("it is no command: %w", wrong)
	case len(m.Payload) > jobs.MaxPayload:
		return c, fmt.Errorf("a command has at most %d bytes, and this one has %d", jobs.MaxPayload, len(m.Payload))
	case m.Retain:
		return c, errors.New("a command that is retained would be given to the device again and again; send it without")
	case (c.Task == "") == (c.Run == ""):
		return c, errors.New("a command names a task, or a run to wait for")
	case c.Priority < -1000 || c.Priority > 1000:
		return c, errors.New("priority is from -1000 to 1000")
	}
	for _, text := range []string{c.Task, c.Run, c.Experiment, c.Robot, c.By, c.Project, strings.Join(c.Labels, ",")} {
		if len(text) > 255 {
			return c, errors.New("a name has at most 255 bytes")
		}
	}
	if c.TTL > float64(365*24*3600) {
		return c, errors.New("ttl is in seconds, and at most a year")
	}
	return c, nil
}

// hashOf is a hash of what is asked for, however often and when.
func hashOf(c *jobs.Command) string {
	bare := *c
	bare.Sent, bare.TTL, bare.Epoch, bare.Hash = time.Time{}, 0, "", ""
	data, _ := json.Marshal(bare) // it was JSON
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// begin submits what nobody has asked for before.
func (s *Server) begin(ctx context.Context, m *mqtt.Message, c *jobs.Command, asked string) {
	ttl := time.Duration(c.TTL * float64(time.Second))
	if late := jobs.Late(c.Sent, ttl, m.Expiry, s.now()); late != "" {
		s.close(ctx, m, c, asked, &jobs.Reply{Status: jobs.Expired, Reason: late})
		return
	}
	if c.Epoch != "" && c.Epoch != s.epoch {
		s.close(ctx, m, c, asked, &jobs.Reply{Status: jobs.Rejected, Reason: fmt.Sprintf("it is for epoch %s of the device, and this is %s: the journal is another one, and does not know what was asked for then", c.Epoch, s.epoch)})
		return
	}
	if c.Run != "" {
		s.waitFor(ctx, m, c, asked)
		return
	}
	if c.Hash != "" {
		if v, ok := s.device.Tasks.Snapshot().Lookup(c.Task); ok && v.Hash != c.Hash {
			s.close(ctx, m, c, asked, &jobs.Reply{Status: jobs.Rejected, Reason: fmt.Sprintf("the task %s is another one by now: %s, and not %s; see the device's birth", c.Task, v.Hash, c.Hash)})
			return
		}
	}
	by := c.By
	if by == "" && !s.isGuide(c.Controller) {
		by = c.Controller
	}
	view, fresh, err := s.device.Submit(ctx, service.Request{
		Task: c.Task, Given: c.Parameters, Key: c.ID, Priority: c.Priority, Experiment: c.Experiment, Robot: c.Robot, Labels: c.Labels,
		For: service.Behalf{By: by, Project: c.Project, From: from(c)},
	})
	switch {
	case ctx.Err() != nil:
		return // it comes again
	case err != nil && passes(err):
		m.Ack()
		s.reply(ctx, c.Controller, &jobs.Reply{ID: c.ID, Status: jobs.Busy, Reason: err.Error()})
		return
	case err != nil:
		s.close(ctx, m, c, asked, &jobs.Reply{Status: jobs.Rejected, Reason: wrongWith(err)})
		return
	}
	status := jobs.Accepted
	if !fresh {
		status = jobs.Duplicate
	}
	s.accept(ctx, m, c, asked, view, status)
}

// from is where a job was asked for, as the journal has it.
func from(c *jobs.Command) string {
	if c.Controller == guideSender || c.By == "" {
		return "broker"
	}
	return c.Controller
}

// waitFor has a run that is there answered to somebody else, too.
func (s *Server) waitFor(ctx context.Context, m *mqtt.Message, c *jobs.Command, asked string) {
	view, err := s.device.View(ctx, c.Run)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.close(ctx, m, c, asked, &jobs.Reply{Status: jobs.Rejected, Reason: err.Error()})
	default:
		s.accept(ctx, m, c, asked, view, jobs.Accepted)
	}
}

// accept keeps that somebody waits for a run, and says how it stands.
func (s *Server) accept(ctx context.Context, m *mqtt.Message, c *jobs.Command, asked string, view *service.View, status string) {
	l := journal.Letter{ID: c.ID, Sender: c.Controller, Asked: asked, Run: view.ID, Open: !view.Over && !c.Detach}
	var data []byte
	r := &jobs.Reply{ID: c.ID, Status: status, Run: jsonOf(view)}
	if view.Over && !c.Detach {
		l.Told, r.Status = view.State, jobs.Result
		data = s.stamped(r)
	}
	seq, _, err := s.store.Receive(ctx, l, data)
	if err != nil {
		s.trouble(ctx, "a command is not in the inbox", err) // it comes again, under the id of its run
		return
	}
	m.Ack()
	if r.Seq = seq; seq == 0 {
		s.reply(ctx, c.Controller, r)
		if now, err := s.device.View(ctx, view.ID); l.Open && err == nil && now.Over {
			s.device.Served() // it ended before the inbox knew that somebody waits for it
		}
		return
	}
	s.first(ctx, &journal.Answer{Seq: seq, ID: c.ID, Receiver: c.Controller, Data: data})
}

// close answers a command for good that becomes nothing.
func (s *Server) close(ctx context.Context, m *mqtt.Message, c *jobs.Command, asked string, r *jobs.Reply) {
	r.ID = c.ID
	data := s.stamped(r)
	seq, _, err := s.store.Receive(ctx, journal.Letter{ID: c.ID, Sender: c.Controller, Asked: asked, Told: r.Status}, data)
	if err != nil {
		s.trouble(ctx, "a command is not in the inbox", err)
		return
	}
	m.Ack()
	s.log.Info("command "+r.Status, "id", c.ID, "controller", c.Controller, "reason", r.Reason)
	s.first(ctx, &journal.Answer{Seq: seq, ID: c.ID, Receiver: c.Controller, Data: data})
}

// reject answers what is no good command, for good: one that comes under its id later is not
// carried out either, so that whoever asked may ask somebody else. Where the id is known, it
// is what came before that counts.
func (s *Server) reject(ctx context.Context, m *mqtt.Message, c *jobs.Command, why error) {
	r := &jobs.Reply{ID: c.ID, Status: jobs.Rejected, Reason: why.Error()}
	if c.ID == "" || len(c.ID) > maxID { // of the guide's, where everybody is answered
		m.Ack()
		s.reply(ctx, c.Controller, r)
		return
	}
	switch letter, err := s.store.Letter(ctx, c.ID); {
	case err != nil:
		s.trouble(ctx, "the inbox cannot be read", err) // it comes again
	case letter != nil:
		m.Ack()
		s.again(ctx, c, letter)
	default:
		s.close(ctx, m, c, hashOf(c), r)
	}
}

// maxID is how long the id of a command may be, in bytes, with what the guide's have before
// theirs.
const maxID = 128 + len(guideSender)

// again answers a command that came before.
func (s *Server) again(ctx context.Context, c *jobs.Command, l *journal.Letter) {
	if l.Run != "" && (l.Open || l.Told == "") {
		if view, err := s.device.View(ctx, l.Run); err == nil {
			s.reply(ctx, c.Controller, &jobs.Reply{ID: c.ID, Status: jobs.Duplicate, Run: jsonOf(view)})
		}
		return
	}
	if err := s.store.Resend(ctx, c.ID); err != nil {
		s.trouble(ctx, "an answer is not given again", err)
		return
	}
	if a, err := s.store.AnswerTo(ctx, c.ID); err == nil && a != nil {
		s.first(ctx, a)
	}
}

// complain says to everybody who listens what is wrong with a message whose sender is
// not known.
func (s *Server) complain(ctx context.Context, m *mqtt.Message, why error) {
	text := strings.TrimPrefix(why.Error(), errNobody.Error()+": ")
	s.log.Warn("a message to "+m.Topic+" cannot be answered: "+text, "bytes", len(m.Payload))
	data, _ := json.Marshal(jobs.Event{Device: s.name, Problem: text}) // texts alone
	s.trouble(ctx, "a problem is not told", s.conn.Publish(ctx, &mqtt.Message{Topic: s.topic(jobs.Events), Payload: data, QoS: 1}))
}

// passes reports whether the same may work later.
func passes(err error) bool {
	var e *service.Error
	var found *service.Findings
	return !errors.As(err, &found) && (!errors.As(err, &e) || e.Kind == service.Unable || e.Kind == service.Undecided)
}

// wrongWith says what is wrong, by the names of parameters.
func wrongWith(err error) string {
	var found *service.Findings
	if !errors.As(err, &found) {
		return err.Error()
	}
	var lines []string
	for i := range found.List {
		d := &found.List[i]
		line := d.Message
		if found.Param != nil {
			if name := found.Param(d); name != "" {
				line = name + ": " + line
			}
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return err.Error()
	}
	return strings.Join(lines, "\n")
}

func jsonOf(v *service.View) json.RawMessage {
	data, _ := json.Marshal(v) // which transports show
	return data
}
