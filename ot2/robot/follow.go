package robot

import (
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// follower turns the robot's list of commands into what is known of each step.
// The list only grows at its end, and a command that is over stays as it is, so
// that each is looked at until it is over and never again.
type follower struct {
	plan  *program.Plan
	steps []mark
	next  int // index in the robot's list of the first command that is not over

	upcoming string // the key of that command; empty where the robot lists none
	working  bool   // that command is under way, and is none at which the robot stands
	ahead    bool   // the robot has a command at which it is to stand still, and is not past it
	settling bool   // the robot is paused, and may be about to end the command that it is at

	status    string
	startedAt string
	lastOver  string         // when the last command was over, by the robot's clock
	why       map[int]string // of failed steps
	reason    string         // of the run's end, as the robot says it

	at       int // steps up to this one were reported
	current  int // was reported as started
	reported run.Status
	again    bool // is to be reported also where it was before
	heldAt   int  // the last step that had begun when a pause was reported

	standing string // of a live run: the key of the command at which it waits for the next batch
	hold     bool   // that counts as a pause, because somebody wants one
	live     bool   // the run waits for batches, also before it was played
}

// mark is what is known of a step.
type mark struct {
	want, done uint8 // commands
	started    bool
	failed     bool
	doubtful   bool // the robot lists a command of it twice, or out of order
}

func newFollower(p *program.Plan) *follower {
	f := &follower{why: map[int]string{}}
	f.extend(p)
	return f
}

// extend takes over a plan that goes on. Those of which the robot has done
// nothing may be other steps by now.
func (f *follower) extend(p *program.Plan) {
	before := f.steps
	f.plan, f.steps = p, make([]mark, len(p.Steps))
	for i := range f.steps {
		if i < len(before) && (before[i].started || before[i].failed) {
			f.steps[i] = before[i]
			continue
		}
		f.steps[i].want = uint8(len(command.Of(&p.Steps[i], p.Deck)))
		if i < f.at && p.Steps[i].Live == nil {
			f.at = i // it was passed over as one beside the robot, and is none by now
		}
	}
}

// page takes commands that the robot lists from index on, and reports whether
// all of them are over. What was taken before is passed over.
func (f *follower) page(index int, commands []commandJSON) bool {
	for i := range commands {
		switch {
		case index+i < f.next:
			continue
		case index+i > f.next:
			return false // others are missing before it
		case !f.take(&commands[i]):
			f.upcoming, f.working = commands[i].Key, commands[i].Status == "running" && !f.standsAt(commands[i].Key)
			return false
		}
		f.upcoming, f.working = "", false
		f.next++
	}
	return true
}

// take reports whether the command is over.
func (f *follower) take(c *commandJSON) bool {
	if _, _, waits := parseSentinel(c.Key); waits {
		return f.wait(c)
	}
	n, k, ours := parseKey(c.Key)
	if !ours || n == 0 || n > len(f.steps) {
		return f.setup(c)
	}
	m := &f.steps[n-1]
	switch c.Status {
	case "succeeded":
		f.lastOver = c.CompletedAt
		m.doubtful = m.doubtful || k != int(m.done)+1
		m.started = true
		m.done++
		return true
	case "failed":
		if c.Error == nil && c.StartedAt == "" {
			return true // it was in the queue when the run ended
		}
		f.lastOver = c.CompletedAt
		m.started, m.failed = true, true
		f.why[n] = because(c)
		return true
	case "running":
		m.started = true
	}
	return false
}

// wait takes a command at which a live run waits for the next batch.
func (f *follower) wait(c *commandJSON) bool {
	over := c.Status == "succeeded" || c.Status == "failed"
	switch {
	case c.Status == "running":
		f.standing = c.Key
	case over && f.standing == c.Key:
		f.standing = ""
		if statusOf(f.status) == run.Paused {
			f.status = "running" // it was let go since the run was looked at
		}
	}
	return over
}

// standsAt reports whether a robot stands at the command that has a key.
func (f *follower) standsAt(key string) bool {
	n, _, ours := parseKey(key)
	_, _, waits := parseSentinel(key)
	return waits || ours && n > 0 && n <= len(f.steps) && f.isPause(n) && f.last(n)
}

// stands reports whether the robot is where it is to stand still, and does not say
// that it does.
func (f *follower) stands() bool {
	return f.standing == standKey && statusOf(f.status) == run.Running
}

// waitsBefore reports whether the robot still has something before step n: an
// earlier step, or a command that waits to be let go of.
func (f *follower) waitsBefore(n int) bool {
	at, _, known := parseKey(f.upcoming)
	if k, _, waits := parseSentinel(f.upcoming); waits {
		at, known = k, true
	}
	return known && at < n
}

// atWait reports whether what comes next waits to be let go of.
func (f *follower) atWait() bool {
	_, _, waits := parseSentinel(f.upcoming)
	return waits
}

// says returns how the run stands. That it waits for us is nobody's pause.
func (f *follower) says() run.Status {
	s := statusOf(f.status)
	switch waits := f.live && (s == run.Paused && f.standing != "" || f.status == "idle"); {
	case waits && f.hold:
		return run.Paused
	case waits:
		return run.Running
	}
	return s
}

// setup takes a command that is no step's.
func (f *follower) setup(c *commandJSON) bool {
	if c.Status == "failed" && c.Error != nil && f.reason == "" {
		f.reason = c.Type + " before the first step: " + c.Error.String()
	}
	return c.Status == "succeeded" || c.Status == "failed"
}

// cutOff is what the robot calls the end of a command under way at a stop.
const cutOff = "RunStoppedError"

func because(c *commandJSON) string {
	switch {
	case c.Error == nil:
		return "the robot could not do it and does not say why"
	case c.Error.Type == cutOff:
		return "cut off: the run was stopped while the robot was at it"
	}
	return c.Error.String()
}

// run takes the robot's account of the whole run.
func (f *follower) run(r *runJSON) {
	f.status = r.Status
	f.startedAt = r.StartedAt
	if len(r.Errors) > 0 {
		f.reason = r.Errors[0].String()
	}
}

// over reports whether the run has ended.
func (f *follower) over() bool { return statusOf(f.status) >= run.Succeeded }

// statusOf maps the robot's statuses. Those in which nothing is said that
// anybody waits for, and those of later software, are NoStatus.
func statusOf(s string) run.Status {
	switch s {
	case "running":
		return run.Running
	case "paused", "awaiting-recovery", "awaiting-recovery-paused":
		return run.Paused
	case "blocked-by-open-door", "awaiting-recovery-blocked-by-open-door":
		return run.DoorOpen
	case "succeeded":
		return run.Succeeded
	case "failed":
		return run.Errored
	case "stopped":
		return run.Stopped
	}
	return run.NoStatus
}

// reports returns what has happened since the last time, in order.
func (f *follower) reports() []run.Report {
	var out []run.Report
	for f.at < len(f.steps) {
		if f.plan.Steps[f.at].Live != nil { // beside the robot
			f.at++
			continue
		}
		r, ok := f.step(f.at + 1)
		if ok {
			out = append(out, r)
		}
		if r.Phase != run.Done {
			break
		}
	}
	if s := f.says(); s != run.NoStatus && (s != f.reported || f.again) && (s != run.Paused || !f.settling) {
		f.reported, f.again = s, false
		f.heldAt = f.at
		if f.at < len(f.steps) && f.steps[f.at].started {
			f.heldAt++
		}
		r := run.Report{Status: s}
		if s == run.Errored {
			r.Reason = f.reason
		}
		out = append(out, r)
	}
	for i := range out {
		out[i].RobotMS = between(f.startedAt, f.lastOver)
	}
	return out
}

// step says what is new of step n, the first that was not reported yet. Of one
// that is doubtful nothing is reported; whoever hears of the next one asks.
func (f *follower) step(n int) (run.Report, bool) {
	m := &f.steps[n-1]
	switch {
	case f.current == -n: // it failed, and that was reported
		return run.Report{}, false
	case m.doubtful && m.done >= m.want:
		f.at = n
		return run.Report{Phase: run.Done}, false
	case m.failed:
		return f.failed(n, f.why[n]), true
	case m.done >= m.want:
		f.at = n
		r := run.Report{Phase: run.Done, Step: n, Finding: run.Finding{Outcome: run.WasDone}}
		if f.reported == run.Paused && (f.isPause(n) || n > f.heldAt) && !f.over() {
			r.Status, f.reported = run.Running, run.Running // it went on, if only to the next pause
		}
		return r, true
	case m.started && f.over():
		return f.failed(n, fmt.Sprintf("cut off after %d of its %d commands", m.done, m.want)), true
	case m.started && f.current != n && !f.halfPaused(n):
		f.current = n
		r := run.Report{Phase: run.Started, Step: n}
		if f.isPause(n) && statusOf(f.status) == run.Paused {
			r.Status, f.reported, f.heldAt = run.Paused, run.Paused, n
		}
		return r, true
	}
	return run.Report{}, false
}

// failed is reported once, which a negative current remembers.
func (f *follower) failed(n int, why string) run.Report {
	f.current = -n
	return run.Report{Phase: run.Failed, Step: n, Finding: run.Finding{Outcome: run.HasFailed, Evidence: why}}
}

func (f *follower) isPause(n int) bool { return f.plan.Steps[n-1].Op.Kind.Waits() }

// last reports whether step n is at its last command: what a person is told
// before a move of labware is a command of its own.
func (f *follower) last(n int) bool { return f.steps[n-1].done+1 == f.steps[n-1].want }

// halfPaused reports whether the robot is at a pause and does not say that it
// stands still. To play before it does would do nothing, so it is waited for.
func (f *follower) halfPaused(n int) bool {
	return f.isPause(n) && statusOf(f.status) == run.Running
}

// pausing reports whether that is so of the next step.
func (f *follower) pausing() bool {
	return f.at < len(f.steps) && f.steps[f.at].started && f.last(f.at+1) && f.halfPaused(f.at+1)
}

// finding says what is known of step n of a run that was started.
func (f *follower) finding(n int) run.Finding {
	m := &f.steps[n-1]
	switch {
	case m.doubtful:
		return run.Finding{Outcome: run.Unknown, Evidence: fmt.Sprintf("the robot lists the %d commands of step %d twice or out of order", m.want, n)}
	case m.failed:
		return run.Finding{Outcome: run.HasFailed, Evidence: f.why[n]}
	case m.want > 0 && m.done >= m.want:
		return run.Finding{Outcome: run.WasDone, Evidence: fmt.Sprintf("the robot lists all %d of its commands as succeeded", m.want)}
	case f.over() && m.started:
		return run.Finding{Outcome: run.HasFailed, Evidence: fmt.Sprintf("cut off after %d of its %d commands", m.done, m.want)}
	case f.over():
		return run.Finding{Outcome: run.WasNotTaken, Evidence: "by then the run had ended (" + f.status + ")"}
	}
	return run.Finding{Outcome: run.WasTaken, Evidence: "the run is " + f.status}
}

// known reports whether what is known of step n can no longer change.
func (f *follower) known(n int) bool {
	m := &f.steps[n-1]
	return f.over() || m.doubtful || m.failed || m.want > 0 && m.done >= m.want
}
