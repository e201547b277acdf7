package mqttserver

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// stamped is an answer with whose it is. Its number is not known before it is kept.
func (s *Server) stamped(r *jobs.Reply) []byte {
	r.Device, r.Epoch = s.name, s.epoch
	data, _ := json.Marshal(r) // texts, and JSON that was made here
	return data
}

// numbered is the answer as it is sent, with its number.
func numbered(a *journal.Answer) []byte {
	return append(append([]byte(`{"seq":`), strconv.FormatInt(a.Seq, 10)...), append([]byte{','}, bytes.TrimPrefix(a.Data, []byte{'{'})...)...)
}

// reply answers what is asked again if it is lost.
func (s *Server) reply(ctx context.Context, to string, r *jobs.Reply) {
	if s.isGuide(to) {
		s.replyGuide(ctx, r)
		return
	}
	err := s.conn.Publish(ctx, &mqtt.Message{Topic: jobs.Topic(to, jobs.Answers), Payload: s.stamped(r), QoS: 1})
	if err != nil && ctx.Err() == nil {
		s.log.Debug("an answer was not sent; it is asked for again", "controller", to, "error", err)
	}
}

// followRuns answers whoever waits for a run as soon as it is over, or in doubt.
func (s *Server) followRuns(ctx context.Context) {
	for ctx.Err() == nil {
		changed := s.device.Changed()
		due, err := s.store.Due(ctx)
		s.trouble(ctx, "it is not known which runs are over", err)
		for _, l := range due {
			s.answer(ctx, l)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

func (s *Server) answer(ctx context.Context, l *journal.Letter) {
	r := &jobs.Reply{ID: l.ID, Status: jobs.Result}
	told, open := service.StateForgotten, false
	v, err := s.device.View(ctx, l.Run)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil: // it was pruned before anybody asked
		r.Reason = err.Error()
	case !v.Over && v.State != service.StateInDoubt:
		return // it has been decided meanwhile
	default:
		told, open, r.Run = v.State, !v.Over, jsonOf(v)
		if open {
			r.Status = jobs.InDoubt
		}
	}
	data := s.stamped(r)
	seq, err := s.store.Reply(ctx, l, told, open, data)
	if err != nil {
		s.trouble(ctx, "an answer is not in the outbox", err)
		return
	}
	s.first(ctx, &journal.Answer{Seq: seq, ID: l.ID, Receiver: l.Sender, Data: data})
}

// first sends an answer as soon as it is there. The rest is done by send.
func (s *Server) first(ctx context.Context, a *journal.Answer) {
	s.mu.Lock()
	s.sent[a.Seq] = sending{1, time.Now().Add(againFirst)}
	s.mu.Unlock()
	s.publish(ctx, a)
}

// publish sends an answer. What happens to it on its way is found out by whoever waits
// for the word that it has arrived.
func (s *Server) publish(ctx context.Context, a *journal.Answer) {
	if s.isGuide(a.Receiver) {
		s.publishGuide(ctx, a)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, againFirst)
	defer cancel()
	if err := s.conn.Publish(ctx, &mqtt.Message{Topic: jobs.Topic(a.Receiver, jobs.Answers), Payload: numbered(a), QoS: 1}); err != nil {
		s.log.Debug("an answer waits", "controller", a.Receiver, "error", err)
	}
}

// send sends answers that have not arrived again, after a while that gets longer, and all
// of them with every connection. Who does not say for hours that one has arrived is gone,
// or asks for it.
func (s *Server) send(ctx context.Context) {
	tick := time.NewTicker(againFirst)
	defer tick.Stop()
	tidied := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
		if time.Since(tidied) > tidyEvery {
			tidied = time.Now()
			s.trouble(ctx, "old answers are not forgotten", s.store.TidyMail(ctx, time.Now().Add(-keepAnswers)))
		}
		if err := s.conn.Ready(ctx); err != nil {
			continue
		}
		list, err := s.store.Waiting(ctx)
		s.trouble(ctx, "the outbox cannot be read", err)
		for _, a := range s.toSend(list) {
			s.publish(ctx, a)
		}
	}
}

// toSend are those of the answers that wait whose time has come.
func (s *Server) toSend(list []*journal.Answer) []*journal.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, was := time.Now(), s.sent
	s.sent = make(map[int64]sending, len(list))
	var out []*journal.Answer
	for _, a := range list {
		one := was[a.Seq]
		if one.times < againTimes && !now.Before(one.again) {
			out = append(out, a)
			one = sending{one.times + 1, now.Add(min(againFirst<<min(one.times, 10), againLast))}
		}
		s.sent[a.Seq] = one
	}
	return out
}
