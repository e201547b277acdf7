package robot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// How many commands are read at a time: few while the robot is followed
// closely, many when there is a lot to catch up with.
const (
	pageSmall = 20
	pageLarge = 500
)

// session is a run on a robot.
type session struct {
	r *Robot
	h handle

	asked chan struct{} // holds one token when Next should look again soon

	mu       sync.Mutex // guards what follows; never held during a request
	f        *follower
	queue    []run.Report
	pause    time.Duration // between looks
	looked   time.Time     // at the run itself
	behind   bool          // the last look failed: what is known may be old
	again    bool          // how the run stands is to be reported again, after another look
	played   bool
	plays    int       // how often, as far as is known
	lost     time.Time // when a play was sent to which there was no answer
	owed     int       // the step before which a live run is still to be let go of; 0: none
	more     bool      // a live run waits behind what it was handed, and does not end by itself
	resuming int       // plays recorded before such a play that was to resume; -1: none

	stand     int       // the step after which it is to stand still; 0: none
	gently    bool      // the last thing asked for was to stand still
	free      bool      // it is to go on where it was to stand still
	began     time.Time // when the robot was first seen to work
	beganAt   int       // commands that were done by then
	heldSince time.Time // when the robot was first seen to be paused at a command
}

func (r *Robot) session(p *program.Plan, h handle) *session {
	return &session{r: r, h: h, asked: make(chan struct{}, 1), f: newFollower(p), pause: r.o.Fast, resuming: -1}
}

// Handle names robot, run and protocol.
func (s *session) Handle() run.Handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := json.Marshal(s.h)
	if err != nil {
		return nil // strings always have a JSON form
	}
	return h
}

// Send plays the run. The robot has the whole plan already, so there is one
// batch.
func (s *session) Send(ctx context.Context, b run.Batch) error {
	if b.First != 1 || !b.Final || b.Last != len(s.f.steps) {
		return failure(run.Rejected, nil, "steps %d to %d are not the whole plan, and the robot was handed the whole plan", b.First, b.Last)
	}
	return s.start(ctx)
}

// Extend takes over a plan that goes on.
func (s *session) Extend(p *program.Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.f.extend(p)
}

// start plays the run for the first time.
func (s *session) start(ctx context.Context) error {
	err := s.act(ctx, "play")
	switch {
	case err == nil:
		s.setPlayed()
		return nil
	case refusedWith(err, 404, 409) != nil:
		return s.notPlayed(ctx, err)
	case !mayBeHeard(err):
		return failure(run.Rejected, err, "%v; nothing has moved", err)
	}
	s.unheard()
	current, readErr := s.r.readRun(ctx, s.h.Run)
	if readErr == nil && current.plays() > 0 {
		s.setPlayed()
		return nil
	}
	return err
}

// unheard remembers when something was sent to which there was no answer.
func (s *session) unheard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = time.Now()
}

func (s *session) setPlayed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.played = true
}

// notPlayed says why a run that was prepared cannot be played. That it was
// played before, by an earlier process, is no reason.
func (s *session) notPlayed(ctx context.Context, err error) error {
	current, readErr := s.r.readRun(ctx, s.h.Run)
	switch {
	case readErr == nil && current.plays() > 0 && !current.over():
		s.setPlayed()
		return nil
	case readErr == nil && current.lost() && current.plays() == 0:
		return failure(run.Halted, err, restartedBefore)
	case readErr == nil && current.Status == "blocked-by-open-door":
		return failure(run.Rejected, err, "the robot's door is open; close it and start again; nothing has moved")
	}
	return failure(run.Halted, err, "somebody else took the robot before the run was started; nothing has moved")
}

// act sends an action, once.
func (s *session) act(ctx context.Context, action string) error {
	body := map[string]any{"data": map[string]any{"actionType": action}}
	return s.r.c.send(ctx, http.MethodPost, "/runs/"+s.h.Run+"/actions", body, s.r.o.Write, nil)
}

// Next waits for something to report, looking every now and then.
func (s *session) Next(ctx context.Context) (run.Report, error) {
	for {
		if r, ok, err := s.pop(); ok || err != nil {
			return r, err
		}
		if err := s.wait(ctx); err != nil {
			return run.Report{}, err
		}
		if err := s.refresh(ctx, false); err != nil {
			return run.Report{}, err
		}
		for _, late := range []func(context.Context) error{live{s}.releaseLate, s.standStill, s.letGoOn} {
			if err := late(ctx); err != nil {
				return run.Report{}, err
			}
		}
	}
}

func (s *session) pop() (run.Report, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		s.queue = s.f.reports()
	}
	if len(s.queue) > 0 {
		r := s.queue[0]
		s.queue = s.queue[1:]
		return r, true, nil
	}
	if s.f.over() {
		return run.Report{}, false, failure(run.Halted, nil, "the run is over")
	}
	return run.Report{}, false, nil
}

// wait is the pause between two looks; whoever asks for something cuts it short.
func (s *session) wait(ctx context.Context) error {
	s.mu.Lock()
	pause := s.pause
	if s.looked.IsZero() {
		pause = 0
	}
	s.mu.Unlock()
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.asked:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refresh reads how the run stands. As long as it cannot be over, the run itself is
// looked at once in a slow interval only, unless all is set: a robot tells of every
// time that it was told to go on, which is a lot in a long live run.
func (s *session) refresh(ctx context.Context, all bool) error {
	s.mu.Lock()
	before := s.f.next
	all = all || s.behind || s.again || s.f.at == len(s.f.steps) && !s.more || time.Since(s.looked) >= s.r.o.Slow
	s.behind = true
	s.mu.Unlock()
	if all {
		if err := s.look(ctx); err != nil {
			return err
		}
	}
	if err := s.pages(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.keepTime()
	again := s.f.pausing() || s.f.stands()
	s.mu.Unlock()
	if again {
		if err := s.look(ctx); err != nil {
			return err
		}
		if err := s.pages(ctx); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = false
	s.pause = min(s.pause*3/2, s.r.o.Slow)
	if s.f.next > before {
		s.pause = s.r.o.Fast
	}
	s.settle()
	return nil
}

// look reads the run. Commands are read after it, so that those of a run that
// is over are complete.
func (s *session) look(ctx context.Context) error {
	current, err := s.r.readRun(ctx, s.h.Run)
	switch {
	case refusedWith(err, 404) != nil:
		return failure(run.Halted, err, "the robot no longer knows the run; somebody deleted it, or it made room for newer ones")
	case err != nil:
		return err
	case current.lost() && current.plays() == 0:
		current.neverBegun()
	case current.lost():
		gone := failure(run.Halted, nil, "the robot was restarted in the middle of the run and has forgotten what it did; look at the deck before anything else")
		gone.Until = s.until(current.plays())
		return gone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plays = current.plays()
	s.f.run(current)
	s.played = s.played || current.plays() > 0
	s.looked = time.Now()
	s.f.again, s.again = s.f.again || s.again, false
	return nil
}

// until is the last step that can have happened in a run that the robot has
// forgotten, which remembers how often it was told to play: it gets past no pause
// without that, and a live run begins no batch before both commands that wait
// before it were let go of. 0 is any step.
func (s *session) until(plays int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.h.Live {
		if s.h.Last > 0 && plays < s.h.Plays+sentinels {
			return s.h.Last
		}
		return 0
	}
	for n := range s.f.steps {
		if s.f.isPause(n + 1) {
			if plays--; plays == 0 {
				return n + 1
			}
		}
	}
	return 0
}

// pages reads the commands that are new or were not over.
func (s *session) pages(ctx context.Context) error {
	length := pageSmall
	for {
		s.mu.Lock()
		from := s.f.next
		s.mu.Unlock()
		var e envelope[[]commandJSON]
		err := s.r.c.get(ctx, fmt.Sprintf("/runs/%s/commands?cursor=%d&pageLength=%d", s.h.Run, from, length), s.r.o.Read, &e)
		switch {
		case refusedWith(err, 404) != nil:
			return failure(run.Halted, err, "the robot no longer knows the run")
		case err != nil:
			return err
		}
		at := from
		if e.Meta.Cursor != nil {
			at = *e.Meta.Cursor // a cursor past the end gives the last command
		}
		s.mu.Lock()
		whole := s.f.page(at, e.Data) && s.f.next > from
		s.f.ahead = waitsAhead(e.Data)
		s.mu.Unlock()
		if !whole || at+len(e.Data) < from+length {
			return nil
		}
		length = pageLarge
	}
}

// Ask asks for something. Where it is so already, nothing is sent that could
// mean more later.
func (s *session) Ask(ctx context.Context, c run.Control) error {
	defer s.wake()
	s.mu.Lock()
	s.gently = c == run.Stand
	s.mu.Unlock()
	switch c {
	case run.Resume:
		return s.resume(ctx)
	case run.Pause:
		return s.unlessSo(ctx, s.act(ctx, "pause"), "paused", "blocked-by-open-door")
	case run.Stand:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free, s.stand = false, max(1, s.f.at)
		if s.f.at < len(s.f.steps) && s.f.steps[s.f.at].started {
			s.stand = s.f.at + 1
		}
	case run.Stop:
		return s.unlessSo(ctx, s.act(ctx, "stop"), "stop-requested", "finishing")
	}
	return nil
}

func (s *session) wake() {
	s.mu.Lock()
	s.pause, s.looked = s.r.o.Fast, time.Time{}
	s.mu.Unlock()
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

// unlessSo forgives a refusal of what is so already.
func (s *session) unlessSo(ctx context.Context, err error, so ...string) error {
	if refusedWith(err, 409) == nil {
		return err
	}
	current, readErr := s.r.readRun(ctx, s.h.Run)
	if readErr != nil || current.over() {
		return readErr
	}
	for _, status := range so {
		if current.Status == status {
			return nil
		}
	}
	return err
}

// resume plays a run that stands still. A second attempt, after one to which
// there was no answer, first looks whether the first was heard: by now the run
// may stand at another pause, which nobody has agreed to end.
func (s *session) resume(ctx context.Context) error {
	current, err := s.r.readRun(ctx, s.h.Run)
	if err != nil {
		return err
	}
	s.mu.Lock()
	before := s.resuming
	s.resuming, s.stand = -1, 0
	s.free = s.f.ahead && statusOf(current.Status) != run.Paused
	s.mu.Unlock()
	switch {
	case before >= 0 && current.plays() > before:
		return nil
	case statusOf(current.Status) == run.DoorOpen:
		return failure(run.Rejected, nil, "the robot's door is open; close it first")
	case statusOf(current.Status) != run.Paused:
		return nil
	}
	err = s.act(ctx, "play")
	if err != nil && mayBeHeard(err) {
		s.mu.Lock()
		s.resuming = current.plays()
		s.mu.Unlock()
	}
	return s.unlessSo(ctx, err, "running")
}

// Find says what is known of step n. It asks the robot unless the answer cannot
// change any more.
func (s *session) Find(ctx context.Context, n int) (run.Finding, error) {
	s.mu.Lock()
	if n < 1 || n > len(s.f.steps) {
		s.mu.Unlock()
		return run.Finding{Outcome: run.WasNotTaken, Evidence: "the plan has no such step"}, nil
	}
	known := !s.behind && s.f.known(n)
	s.again = true
	for i := range s.queue {
		s.queue[i].Outdate()
	}
	s.mu.Unlock()
	if !known {
		if err := s.refresh(ctx, true); err != nil {
			return run.Finding{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.played || s.f.known(n) {
		return s.f.finding(n), nil
	}
	if since := time.Since(s.lost); !s.lost.IsZero() && since < s.r.o.Settle {
		return run.Finding{}, failure(run.Timeout, nil, "the robot has not started the run; waiting to be certain that it will not")
	}
	return run.Finding{Outcome: run.WasNotTaken, Evidence: "the robot has the run and was never told to start it"}, nil
}

// Close makes room for the next run, if this one is over or was never started.
// The robot refuses to let go of a run under way, and is not asked to.
func (s *session) Close(ctx context.Context) error {
	s.mu.Lock()
	under := s.played && !s.f.over() || !s.lost.IsZero() && !s.f.over()
	s.mu.Unlock()
	if under {
		return nil
	}
	body := map[string]any{"data": map[string]any{"current": false}}
	err := s.r.c.send(ctx, http.MethodPatch, "/runs/"+s.h.Run, body, 10*time.Second, nil)
	if refusedWith(err, 404, 409) == nil {
		return err
	}
	return nil // it is no longer current
}
