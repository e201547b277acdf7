package robot

import (
	"context"
	"net/http"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// Standing still between two steps.
//
// A robot that is paused holds in the middle of the command it is at, between two
// of its motions, and whatever is stopped then was cut off. A command that waits is
// another matter: queued while the robot works through a protocol, it comes between
// the command that the robot is at and the next, and at it nothing is under way.
// Behind the last command of a protocol it would never end, and nor would the run:
// so near the end, and of a live run, whose queue is full, the robot is paused.

// standKey is the key of the command that waits where a person wants the robot to
// stand still.
var standKey = sentinel(0, 1)

// standStill has the robot stand still, once it is at the last command of the step
// after which it is to.
func (s *session) standStill(ctx context.Context) error {
	s.mu.Lock()
	n := s.stand
	if n > 0 && (s.f.over() || s.f.ahead || s.f.standing != "" || statusOf(s.f.status) == run.Paused) {
		n, s.stand = 0, 0
	}
	due := n > 0 && (s.f.known(n) || s.f.endsStep(n))
	between := due && s.goesOnFor() >= s.r.o.Margin
	s.mu.Unlock()
	if !due {
		return nil
	}
	err := error(nil)
	if between {
		err = s.queueWait(ctx)
	}
	if !between || err != nil && !mayBeHeard(err) {
		err = s.unlessSo(ctx, s.act(ctx, "pause"), "paused", "blocked-by-open-door")
	}
	if err != nil && mayBeHeard(err) {
		return err // and it is looked at anew when the robot answers
	}
	s.mu.Lock()
	s.stand = 0
	s.mu.Unlock()
	s.wake() // a robot that refuses is about to end
	return nil
}

// waitArrives is how long a command to wait at may take to be queued: less than
// what the robot has to do for.
const waitArrives = 5 * time.Second

func (s *session) queueWait(ctx context.Context) error {
	body := map[string]any{"data": map[string]any{
		"commandType": "waitForResume", "params": command.WaitForResume{Message: "ot2flow: paused between two steps"}, "intent": "protocol", "key": standKey,
	}}
	return s.r.c.send(ctx, http.MethodPost, "/runs/"+s.h.Run+"/commands", body, min(s.r.o.Write, waitArrives), nil)
}

// goesOnFor is how long the robot has to do for with the commands that are left of
// a protocol, at the pace at which it was seen to work. It is 0 near the end, and
// for a live run.
func (s *session) goesOnFor() time.Duration {
	done, left := s.f.commands()
	if s.f.live || left < fewCommands || s.began.IsZero() {
		return 0
	}
	return time.Since(s.began) / time.Duration(done-s.beganAt+1) * time.Duration(left)
}

// fewCommands are over too soon, whatever those before took.
const fewCommands = 4

// keepTime remembers since when the robot was seen to work.
func (s *session) keepTime() {
	if !s.began.IsZero() || len(s.f.steps) == 0 || !s.f.steps[0].started {
		return
	}
	s.began = time.Now()
	s.beganAt, _ = s.f.commands()
}

// letGoOn lets a robot go on that was asked to stand still before somebody thought
// better of it.
func (s *session) letGoOn(ctx context.Context) error {
	s.mu.Lock()
	due := s.free && s.f.standing == standKey && statusOf(s.f.status) == run.Paused
	if !s.f.ahead {
		s.free = false
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.resume(ctx)
}

// settle holds back that a robot that is to stand still is paused while it is at a
// command, which it may be about to end.
func (s *session) settle() {
	busy := s.gently && statusOf(s.f.status) == run.Paused && s.f.working
	switch {
	case !busy:
		s.heldSince = time.Time{}
	case s.heldSince.IsZero():
		s.heldSince = time.Now()
	}
	s.f.settling = busy && time.Since(s.heldSince) < s.r.o.Settle
	if s.f.settling {
		s.pause = s.r.o.Fast
	}
}

// commands returns how many commands of the steps are done, and how many are left.
func (f *follower) commands() (done, left int) {
	for i := range f.steps {
		done += int(f.steps[i].done)
		left += int(f.steps[i].want)
	}
	return done, left - done
}

// endsStep reports whether the robot is at the last command of step n.
func (f *follower) endsStep(n int) bool {
	at, _, ours := parseKey(f.upcoming)
	return ours && at == n && f.working && f.last(n)
}

// waitsAhead reports whether among commands is one that waits, and is not over.
func waitsAhead(commands []commandJSON) bool {
	for i := range commands {
		if c := &commands[i]; c.Key == standKey && (c.Status == "queued" || c.Status == "running") {
			return true
		}
	}
	return false
}
