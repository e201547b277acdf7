package mqttserver

import (
	"context"
	"encoding/json"
	"reflect"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
)

func deed(by string, c *jobs.Control) journal.Deed {
	return journal.Deed{By: journal.Holder{Name: by, Host: "broker"}, What: c.Do + " run " + c.Run}
}

// tellState keeps what is retained of the device as it is: its state, and its birth when
// the tasks change.
func (s *Server) tellState(ctx context.Context) {
	var last jobs.State
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		changed := s.device.Changed()
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		now := s.state(ctx)
		if !reflect.DeepEqual(now, last) {
			last, now.At = now, time.Now()
			s.trouble(ctx, "the state is not told", s.retain(ctx, jobs.StateTopic, now))
		}
		select {
		case <-ctx.Done():
			return
		case <-s.reborn:
			last = jobs.State{} // somebody may have said meanwhile that we are gone
			s.trouble(ctx, "the birth is not told", s.retain(ctx, jobs.BirthTopic, s.birth(ctx)))
			pause.Reset(0)
		case <-changed:
			pause.Reset(stateEvery)
		}
	}
}

func (s *Server) state(ctx context.Context) jobs.State {
	st := jobs.State{Device: s.name, Online: true, Epoch: s.epoch, Robots: s.robots(ctx)}
	var err error
	st.Run, st.Queued, err = s.device.Load(ctx)
	s.trouble(ctx, "the state is not known", err)
	if st.Run != "" {
		if v, err := s.device.View(ctx, st.Run); err == nil {
			st.Step, st.Steps = v.Done, v.Steps
		}
	}
	return st
}

// tellEvents publishes what happens in the runs under way, each event once and in order
// unless nobody is connected, and says how the run stands with it.
func (s *Server) tellEvents(ctx context.Context) {
	var at sync.WaitGroup
	defer at.Wait()
	var mu sync.Mutex
	told := map[string]bool{}
	for ctx.Err() == nil {
		changed := s.device.Changed()
		list, _ := s.device.RobotViews(ctx) // of which nothing is told then
		for _, r := range list {
			mu.Lock()
			fresh := r.Run != "" && !told[r.Run]
			if fresh {
				told[r.Run] = true
			}
			mu.Unlock()
			if fresh {
				at.Go(func() {
					s.tellRun(ctx, r.Run)
					mu.Lock()
					delete(told, r.Run)
					mu.Unlock()
				})
			}
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// Events of a moment go together.
const (
	eventsEvery = 100 * time.Millisecond
	eventsMost  = 256 // in one message
)

// tellRun publishes the events of a run from now on until it is over.
func (s *Server) tellRun(ctx context.Context, id string) {
	v, err := s.device.View(ctx, id)
	if err != nil || v.Over {
		return
	}
	records := make(chan json.RawMessage, eventsMost)
	var at sync.WaitGroup
	defer at.Wait()
	at.Go(func() {
		for rest := true; rest; {
			var list []json.RawMessage
			select {
			case first, ok := <-records:
				if !ok {
					return
				}
				list = append(list, first)
			case <-ctx.Done():
				return
			}
			wait := time.NewTimer(eventsEvery)
			for more := true; more && len(list) < eventsMost; {
				select {
				case r, ok := <-records:
					if rest, more = ok, ok; ok {
						list = append(list, r)
					}
				case <-wait.C:
					more = false
				}
			}
			wait.Stop()
			s.tellList(ctx, id, list)
		}
	})
	_ = s.device.Events(ctx, id, max(0, v.Seq-1), func(_ int64, _ string, record []byte) error { // it ends with the run, or with us
		select {
		case records <- record:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, func() error { return ctx.Err() })
	close(records)
}

func (s *Server) tellList(ctx context.Context, id string, list []json.RawMessage) {
	e := jobs.Event{Device: s.name, Events: list}
	if v, err := s.device.View(ctx, id); err == nil {
		e.Run = jsonOf(v)
	}
	data, err := json.Marshal(e)
	if err == nil {
		err = s.conn.Publish(ctx, &mqtt.Message{Topic: s.topic(jobs.Events), Payload: data, QoS: 1})
	}
	if err != nil && ctx.Err() == nil {
		s.log.Debug("events were not told", "run", id, "error", err)
	}
}
