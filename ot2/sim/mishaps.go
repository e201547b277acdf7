package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// Suffer has what the script says go wrong with the steps. It is called before
// the first one; the script was checked.
func (b *Backend) Suffer(s *mishap.Script) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dice, b.replies = s.Roll(), s.Replies()
}

// The requests of a robot that the simulator is asked in its own way: those that
// a script may have answered badly.
const (
	openRun   = "POST /runs"
	readRun   = "GET /runs/*"
	readSteps = "GET /runs/*/commands"
	handSteps = "POST /runs/*/commands"
	press     = "POST /runs/*/actions"
)

// Knows returns what of a script can never come, because the simulator is not
// asked for it.
func Knows(s *mishap.Script) error {
	known := []string{openRun, readRun, readSteps, handSteps, press}
	for i := range s.Answers {
		if a := &s.Answers[i]; !slices.ContainsFunc(known, func(r string) bool { return a.IsAbout(path(r)) }) {
			return fmt.Errorf("answers[%d]: nobody asks the simulator %s; what it is asked is %s", i, a.On, strings.Join(known, ", "))
		}
	}
	return nil
}

// path returns method and path of one request of a kind.
func path(request string) (method, path string) {
	method, path, _ = strings.Cut(request, " ")
	return method, strings.ReplaceAll(path, "*", "1")
}

// answer decides how a request is answered. It is carried out unless refused
// says why not, and then its answer is lost if lost is not nil.
func (b *Backend) answer(request, action string) (refused, lost error) {
	if b.replies == nil {
		return nil, nil
	}
	method, p := path(request)
	a, bad := b.replies.To(method, p, func() string { return action })
	if !bad {
		return nil, nil
	}
	switch a.Do {
	case mishap.Conflict:
		return &run.Error{Kind: run.Rejected, Message: "the simulated robot says no: the fault injected here"}, nil
	case mishap.Error500, mishap.Unready, mishap.HTML, mishap.HTMLOK:
		return &run.Error{Kind: run.Unreachable, Message: "the simulated robot answers with an error (" + string(a.Do) + ")"}, nil
	case mishap.CutBefore:
		return &run.Error{Kind: run.Unreachable, Message: "the connection broke off"}, nil
	case mishap.Late:
		b.world.now += a.Delay.Microseconds()
		return nil, nil
	case mishap.Version: // it is read as any other
		return nil, nil
	default:
		return nil, &run.Error{Kind: run.Unreachable, Message: "the connection broke off, and the answer is lost (" + string(a.Do) + ")"}
	}
}

// asked is answer for requests that change nothing.
func (b *Backend) asked(requests ...string) error {
	for _, r := range requests {
		if refused, lost := b.answer(r, ""); refused != nil || lost != nil {
			return cmp.Or(refused, lost)
		}
	}
	return nil
}

// befall has happen what goes wrong at the next step, before it begins, and
// returns what is to be said of it at once.
func (b *Backend) befall(s *program.Step) (run.Report, bool) {
	if b.dice == nil || b.tripped == s.N {
		return run.Report{}, false
	}
	b.tripped = s.N
	var out run.Report
	for _, e := range b.dice.Reached(strconv.Itoa(s.N) + ".1") {
		switch e.Do {
		case mishap.CommandFailed:
			b.fails = cmp.Or(e.Detail, "the fault injected here")
		case mishap.TipMissed:
			if s.Op.Kind == program.PickUpTip {
				b.fails = cmp.Or(e.Detail, "no tip was picked up")
			}
		case mishap.Stopped:
			b.stopping = true
		case mishap.PausedBy:
			b.paused, out.Status = true, run.Paused
		case mishap.DoorOpened:
			b.paused, out.Status = true, run.DoorOpen
		case mishap.Rebooted:
			b.ended, b.gone, b.queue = run.Gone, true, nil
		case mishap.ConnectionLost:
			b.cut = max(e.Requests, 1)
		case mishap.Slow:
			b.world.now += e.By.Microseconds()
		case mishap.ClockJumped:
			b.ahead += e.By.Milliseconds()
		}
	}
	return out, out.Status != run.NoStatus
}

// silent reports whether the device does not answer, and counts.
func (b *Backend) silent() error {
	switch {
	case b.cut > 0:
		b.cut--
		return &run.Error{Kind: run.Unreachable, Message: "the connection broke off"}
	case b.gone:
		return &run.Error{Kind: run.Halted, Message: "the simulated robot was restarted in the middle of the run and has forgotten what it did"}
	}
	return nil
}
