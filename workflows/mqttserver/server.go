package mqttserver

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// Options say how a device is reached.
type Options struct {
	// Broker is how the broker is reached. Its ClientID, Session, Will and what it listens
	// to are ours.
	Broker mqtt.Options
	// Device is what the device is called in topics.
	Device string
	Log    *slog.Logger // nil is none
	// Now is the clock by which it is said how old is what was asked; nil is that of this
	// computer.
	Now func() time.Time
}

// Server is a device at a broker.
type Server struct {
	device  *service.Device
	store   *journal.Store
	version string
	name    string
	epoch   string
	log     *slog.Logger
	now     func() time.Time
	conn    *mqtt.Conn
	guide   *mqtt.Conn // of the bridge

	commands chan *mqtt.Message
	controls chan *mqtt.Message
	wake     chan struct{} // something is in the outbox
	reborn   chan struct{} // the tasks are others

	mu   sync.Mutex
	sent map[int64]sending // answers that wait for the word that they have arrived
}

// sending is how often an answer was sent, and when it is sent again.
type sending struct {
	times int
	again time.Time
}

const (
	session      = 7 * 24 * time.Hour // that the broker keeps what comes while we are away
	stateEvery   = 250 * time.Millisecond
	againFirst   = 5 * time.Second
	againLast    = 10 * time.Minute
	againTimes   = 24
	keepAnswers  = 30 * 24 * time.Hour
	tidyEvery    = time.Hour
	publishGrace = 2 * time.Second // for the last words
)

// New returns a device at a broker, which is connected by Serve.
func New(ctx context.Context, device *service.Device, version string, o Options) (*Server, error) {
	store, err := device.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	epoch, err := store.Epoch(ctx, o.Device)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		now: o.Now, device: device, store: store, version: version, name: o.Device, epoch: epoch, log: o.Log,
		commands: make(chan *mqtt.Message, 2*mqtt.InFlight), controls: make(chan *mqtt.Message, mqtt.InFlight),
		wake: make(chan struct{}, 1), reborn: make(chan struct{}, 1), sent: map[int64]sending{},
	}
	b := o.Broker
	b.ClientID, b.Session = "ot2flow-"+o.Device, session
	gone, _ := json.Marshal(jobs.State{Device: s.name, Epoch: epoch}) // texts alone
	b.Will = &mqtt.Message{Topic: s.topic(jobs.StateTopic), Payload: gone, QoS: 1, Retain: true}
	b.Note = func(n mqtt.Note) {
		if n.Wrong {
			s.log.Warn(n.Text)
			return
		}
		s.log.Info(n.Text)
	}
	for what, to := range map[string]chan *mqtt.Message{jobs.Commands: s.commands, jobs.Controls: s.controls} {
		for _, filter := range []string{s.topic(what), jobs.Bound(s.name, what, "+")} {
			b.Listen = append(b.Listen, mqtt.Subscription{Filter: filter, QoS: 1, Handle: pass(to), Manual: true})
		}
	}
	b.Up = s.greet
	if s.conn, err = mqtt.Open(b); err != nil {
		return nil, err
	}
	if err := s.openGuide(b); err != nil {
		s.conn.Close()
		return nil, err
	}
	return s, nil
}

// pass hands messages on. What is not acknowledged is never more than fits into the
// channel, see mqtt.InFlight.
func pass(to chan *mqtt.Message) func(*mqtt.Message) {
	return func(m *mqtt.Message) {
		select {
		case to <- m:
		default: // without QoS anybody may send more; it is not for us then
		}
	}
}

// Name is what the device is called in topics.
func (s *Server) Name() string { return s.name }

func (s *Server) topic(what string) string { return jobs.Topic(s.name, what) }

// Reload has the device born anew, with the tasks as they are now.
func (s *Server) Reload() {
	select {
	case s.reborn <- struct{}{}:
	default:
	}
}

// poke has the outbox looked at.
func (s *Server) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Serve takes part until ctx is done. What is not answered by then is answered when the
// device is served again.
func (s *Server) Serve(ctx context.Context) {
	var at sync.WaitGroup
	at.Go(func() { s.takeCommands(ctx) })
	at.Go(func() { s.takeControls(ctx) })
	at.Go(func() { s.followRuns(ctx) })
	at.Go(func() { s.tellState(ctx) })
	at.Go(func() { s.tellEvents(ctx) })
	at.Go(func() { s.send(ctx) })
	at.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishGrace)
	defer cancel()
	_ = s.retain(last, jobs.StateTopic, jobs.State{Device: s.name, Epoch: s.epoch, At: time.Now()}) // or the broker finds out
	s.tellGuide(last, s.guide, "offline")
	s.guide.Close()
	s.conn.Close()
}

// greet tells who listens that we are there, and what has not arrived again.
func (s *Server) greet(context.Context, *mqtt.Conn) {
	s.mu.Lock()
	clear(s.sent)
	s.mu.Unlock()
	s.Reload()
	s.poke()
}

// retain publishes what is kept for those who come later.
func (s *Server) retain(ctx context.Context, what string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.conn.Publish(ctx, &mqtt.Message{Topic: s.topic(what), Payload: data, QoS: 1, Retain: true})
}

// birth is what the device is now.
func (s *Server) birth(ctx context.Context) jobs.Birth {
	b := jobs.Birth{Device: s.name, Epoch: s.epoch, Version: s.version, Robots: s.robots(ctx), Tasks: []jobs.Task{}}
	for _, v := range s.device.Tasks.Snapshot().Versions {
		b.Tasks = append(b.Tasks, jobs.Task{Name: v.Name, Description: v.Value.Description, Hash: v.Hash, Schema: server.Schema(v.Value)})
	}
	return b
}

func (s *Server) robots(ctx context.Context) json.RawMessage {
	list, err := s.device.RobotViews(ctx)
	if err != nil {
		return json.RawMessage("[]")
	}
	data, _ := json.Marshal(list) // texts and numbers
	return data
}

// trouble logs what went wrong, unless we are ending.
func (s *Server) trouble(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.log.Error(what, "error", err)
	}
}
