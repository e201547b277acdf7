package run

import (
	"fmt"
	"slices"
)

// Machine folds events into a State and says what is to be done. It is pure:
// it reads no clock and does nothing itself, and the same events give the same
// state and the same actions. The zero Machine is ready for Accepted.
type Machine struct{ state State }

// State returns a copy of the state.
func (m *Machine) State() State { return m.state.clone() }

// IllegalEvent is the error of an event that cannot happen in a state: a fault
// of the program that made it, or a damaged journal.
type IllegalEvent struct {
	Event Event
	Stage Stage
	Why   string
}

// Error says what came when.
func (e *IllegalEvent) Error() string {
	return fmt.Sprintf("event %q while %s: %s", e.Event.Kind(), e.Stage, e.Why)
}

// On takes the next event and returns what is to be done, in order. An event
// that is illegal changes nothing and is returned as *IllegalEvent.
func (m *Machine) On(e Event) ([]Action, error) {
	s := &m.state
	if why := s.illegal(e); why != "" {
		return nil, &IllegalEvent{Event: e, Stage: s.Stage, Why: why}
	}
	switch e := e.(type) {
	case Accepted:
		s.Accepted, s.Stage = e, Opening
		return []Action{OpenRun{}}, nil
	case Opened:
		s.Handle, s.Stage = e.Handle, Ready
		return s.proceed(), nil
	case OpenFailed:
		if !s.Stop { // nothing has moved, whatever the reason
			s.Failure = &Failure{Kind: e.Why, Reason: e.Reason}
		}
		return s.conclude(), nil
	case Intended:
		return s.intended(e), nil
	case Sent:
		return s.sent(e), nil
	case Refused:
		return s.refused(e), nil
	case StepStarted:
		s.Current = e.N
		return s.follow(), nil
	case StepDone:
		return s.stepDone(e.N), nil
	case StepFailed:
		return s.stepFailed(e), nil
	case StepTaken:
		return s.stepTaken(e), nil
	case NotTaken:
		return s.notTaken(e), nil
	case Doubted:
		return s.doubted(e), nil
	case Performed:
		return s.performed(e), nil
	case TimerSet:
		s.Timers = append(slices.Clip(s.Timers), Timer{Limit: e.Limit, AtMS: e.AtMS})
		return nil, nil
	case TimeUp:
		return s.timeUp(e), nil
	case Grown:
		return s.grown(e), nil
	case GrowFailed:
		s.fail(Rejected, 0, e.Reason)
		return s.giveUp(), nil
	case Waiting:
		s.Waiting = e.N
		return append([]Action{AskPerson(e)}, s.follow()...), nil
	case PauseAsked:
		return s.pauseAsked(e), nil
	case ResumeAsked:
		return s.resumeAsked(), nil
	case StopAsked:
		return s.stopAsked(e), nil
	case AskFailed:
		return s.askFailed(e), nil
	case Halting:
		s.Halted, s.Unheard = e.Status, false
		return s.follow(), nil
	case Resumed:
		s.Halted, s.Unheard, s.Waiting, s.Hold, s.HoldAt, s.Overdue, s.Stood = NoStatus, false, 0, false, 0, 0, false
		return s.goOn(), nil
	case Lost:
		return s.lose(), nil
	case Regained:
		s.Lost = false
		return s.reconcile(), nil
	case Behind:
		return s.reconcile(), nil
	case Ended:
		return s.ended(e), nil
	case Left:
		s.Left = true
		return nil, nil
	case Restarted:
		return s.restarted(e), nil
	case Reattached:
		s.Handle, s.Lost = e.Handle, false
		return append(s.stillOverdue(), s.reconcile()...), nil
	case Finished:
		s.finished()
		return nil, nil
	case Answered:
		s.Answer = &e
		return nil, nil
	case Continued:
		if e.Closing {
			return s.closesWith(e), nil
		}
		return s.goOnWith(e), nil
	}
	return nil, &IllegalEvent{Event: e, Stage: s.Stage, Why: "not an event of this package"}
}
