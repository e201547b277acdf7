package run

import (
	"cmp"
	"fmt"
	"slices"
)

// MaxTries is how often a batch may be intended anew after proof that none of
// it was taken, before the run is given up as unreachable.
const MaxTries = 3

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
		s.Failure = &Failure{Kind: e.Why, Reason: e.Reason}
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
		s.Halted = e.Status
		return s.follow(), nil
	case Resumed:
		s.Halted, s.Waiting, s.Hold, s.HoldAt, s.Overdue = NoStatus, 0, false, 0, 0
		return s.goOn(), nil
	case Lost:
		s.Lost = true
		return []Action{Reconnect{}}, nil
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
		return s.reconcile(), nil
	case Finished:
		s.Stage = Over
		return nil, nil
	case Answered:
		s.Answer = &e
		return nil, nil
	case Continued:
		return s.goOnWith(e), nil
	}
	return nil, &IllegalEvent{Event: e, Stage: s.Stage, Why: "not an event of this package"}
}

// illegal says why e cannot happen now, or returns "".
func (s *State) illegal(e Event) string {
	if s.Left && !isRestart(e) {
		return "the run was left"
	}
	switch e := e.(type) {
	case Accepted:
		return unless(s.Stage == New, "only the first event accepts")
	case Opened, OpenFailed:
		return unless(s.Stage == Opening, "nothing is being opened")
	case Intended:
		return s.illegalIntent(e)
	case Sent:
		return unless(s.Stage == Intending && !s.Lost && e.First == s.Batch.First && e.Last == s.Batch.Last, "no such batch is being sent")
	case Refused:
		return unless(s.Stage == Intending && !s.Lost && e.First == s.Batch.First && e.Last == s.Batch.Last, "no such batch is being sent")
	case StepStarted:
		return unless(s.Stage == Following && s.isNext(e.N), "it is not the next step")
	case Waiting:
		return unless(s.Stage == Following && s.isNext(e.N), "it is not the next step")
	case StepDone:
		return unless((s.Stage == Following || s.Stage == Seeking) && s.isNext(e.N), "it is not the next step")
	case StepFailed:
		return unless((s.Stage == Following || s.Stage == Seeking || s.Stage == Performing) && s.isNext(e.N), "it is not the next step")
	case StepTaken:
		return unless(s.Stage == Seeking && s.isNext(e.N), "nobody asked")
	case NotTaken:
		return unless((s.Stage == Seeking || s.Stage == Performing) && s.isNext(e.First) && e.Last == s.Batch.Last, "nobody asked")
	case Performed:
		return unless(s.Stage == Performing && s.isNext(e.N), "it is not being carried out")
	case TimerSet:
		return unless(s.live() && s.timer(e.Limit) == nil, "nothing is under way, or it has begun")
	case TimeUp:
		t := s.timer(e.Limit)
		return unless(s.live() && s.Stage != Performing && e.N == s.Done+1 && t != nil && !t.Over, "nothing is under way, or it has passed")
	case Grown:
		return unless(s.Stage == Ready && s.grows() && (e.Steps > s.Done || e.Steps == s.Done && !e.Open), "nobody asked, or it goes on no further")
	case GrowFailed:
		return unless(s.Stage == Ready && s.grows(), "nobody asked")
	case Doubted:
		return unless((s.Stage == Seeking || s.Stage == Following || s.Stage == Performing) && s.isNext(e.First) && e.Last >= e.First && e.Last <= s.Batch.Last, "nobody asked")
	case PauseAsked, ResumeAsked, StopAsked, AskFailed:
		return unless(s.Stage != New, "nothing has been accepted")
	case Halting:
		return unless(s.live() && (e.Status == Paused || e.Status == DoorOpen), "nothing is under way")
	case Resumed:
		return unless(s.live(), "nothing is under way")
	case Lost:
		return unless(s.live() && !s.Lost, "there is no connection to lose")
	case Regained:
		return unless(s.live() && s.Lost, "nothing was lost")
	case Behind:
		return unless(s.Stage == Following && s.Outstanding(), "nothing is outstanding")
	case Ended:
		return unless(s.live() && s.Ended == NoStatus && e.Status >= Succeeded, "nothing is under way")
	case Left:
		return unless(s.Stage != New && s.Stage != Over, "nothing is under way")
	case Restarted:
		return unless(s.Stage != New && s.Stage != Over, "nothing is under way")
	case Reattached:
		return unless(s.live(), "nothing was opened")
	case Finished:
		return unless(s.Stage == Closing && e.Verdict == s.Verdict, "the run is not over")
	case Answered:
		return s.illegalAnswer(e)
	case Continued:
		return unless(s.MayGoOn(), "there is nothing to go on with")
	}
	return ""
}

func isRestart(e Event) bool {
	_, ok := e.(Restarted)
	return ok
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

func (s *State) illegalIntent(e Intended) string {
	b := e.Batch
	due := s.Stage == Ready && !s.Lost && b.First == s.Done+1 && b.Last <= s.Accepted.Steps
	return unless(due && (b.ends() || b.Last >= b.First) && (b.Live == s.isLive(b.First)) && (!b.Live || b.Last == b.First), "no such batch is due")
}

func (s *State) illegalAnswer(e Answered) string {
	if s.Stage != Over || s.Verdict == VerdictOK || e.Answer == NoAnswer {
		return "nobody asked"
	}
	if d, _ := s.Unclear(); e.To != 0 && (e.To < d.First || e.To > d.Last) {
		return "the step is not among those in question"
	}
	return ""
}

// goOnWith begins another part: of the one before it only what names the run
// is kept, because everything else is about steps of another program.
func (s *State) goOnWith(e Continued) []Action {
	a := s.Accepted
	a.Fingerprint, a.Steps, a.BatchSteps, a.Fence = e.Fingerprint, e.Steps, e.BatchSteps, e.Fence
	a.Live, a.Protocols, a.Open = e.Live, e.Protocols, e.Open
	*s = State{Accepted: a, Stage: Opening, Part: s.Part + 1, Timers: s.Timers}
	return []Action{OpenRun{}}
}

// live reports whether the device has the run, as far as is known.
func (s *State) live() bool { return s.Stage >= Ready && s.Stage <= Seeking }

func (s *State) isNext(n int) bool { return n == s.Done+1 && n <= s.Batch.Last }

// proceed decides what comes after a batch, or after opening.
func (s *State) proceed() []Action {
	switch {
	case s.Ended != NoStatus:
		return s.conclude()
	case s.Lost:
		return nil // reconcile asks again
	case s.stops() && !s.Sent:
		return s.conclude() // the device has begun nothing that it could stop
	case s.stops() || s.holds():
		return s.follow()
	case s.grows():
		return []Action{Grow{}}
	case s.isEnding():
		return s.follow()
	case s.Done >= s.end() && !s.Sent:
		return s.conclude()
	case s.Halted == DoorOpen && !s.isLive(s.Done+1):
		return s.follow() // the device would refuse it
	case s.Tries >= MaxTries && s.Batch.First == s.Done+1:
		s.fail(Unreachable, 0, "the device took none of the steps, as often as they were sent")
		return s.giveUp()
	}
	return []Action{JournalIntent{s.nextBatch()}}
}

// stops reports whether nothing more is to be begun, because a person wants a
// stop. A step beside the device would have the device stand still meanwhile,
// so that there is nothing to be gained by one before it.
func (s *State) stops() bool {
	return s.Stop && (s.Stopping || s.Done >= s.StopAt || s.isLive(s.Done+1)) || s.stopIsDue()
}

// isEnding reports whether the device has everything there is, and ends the run
// by itself.
func (s *State) isEnding() bool { return s.Done >= s.end() && s.Batch.Final && s.Sent }

// nextBatch is the next steps that belong together: a step beside the device is
// a batch of its own, and no batch reaches beyond one. Behind the last step of
// a plan that ends with such a one there is an empty batch. What is handed over
// again is what was, whatever people want by now: some of it may be in the
// device's queue.
func (s *State) nextBatch() Batch {
	b := Batch{First: s.Done + 1, Last: s.end(), Fence: s.Accepted.Fence, Fingerprint: s.Accepted.Fingerprint}
	if s.isLive(b.First) {
		b.Last, b.Live = b.First, true
		return b
	}
	if i, _ := slices.BinarySearch(s.Accepted.Live, b.First); i < len(s.Accepted.Live) {
		b.Last = s.Accepted.Live[i] - 1
	}
	if n := s.Accepted.BatchSteps; n > 0 {
		b.Last = min(b.Last, s.Done+n)
	}
	if s.Stop {
		b.Last = min(b.Last, s.StopAt)
	}
	if s.Hold {
		b.Last = min(b.Last, s.HoldAt)
	}
	if s.Handed > s.Done {
		b.Last = s.Handed
	}
	b.Final = b.Last == s.end() && (s.another() || !s.Accepted.Open)
	return b
}

// follow waits for news, after asking for a stop if one is due.
func (s *State) follow() []Action {
	if s.Ended != NoStatus || s.Lost || s.Stage == Intending || s.Stage == Seeking {
		return nil
	}
	switch c := s.Ask; {
	case s.stopIsDue():
		s.Stopping, s.Ask = true, 0
		return []Action{AskControl{Stop}, Await{}}
	case c == Pause && !s.holds() && s.Hold: // not yet
	case c != 0 && (s.Stage == Following || s.Stage == Performing || s.Sent):
		s.Ask = 0
		return []Action{AskControl{c}, Await{}}
	}
	return []Action{Await{}}
}

// goOn is follow where a batch may be due.
func (s *State) goOn() []Action {
	if s.Stage != Ready || s.Lost {
		return s.follow()
	}
	if s.Ask == Resume && s.Sent {
		s.Ask = 0
		return append([]Action{AskControl{Resume}}, s.proceed()...)
	}
	return s.proceed()
}

// stopIsDue reports whether the device is to be asked to stop now. While it
// stands still there is nothing to be gained by waiting for a better step.
func (s *State) stopIsDue() bool {
	if !s.Stop || s.Stopping || s.isEnding() && s.Halted == NoStatus {
		return false // nobody asked, it was asked, or the device is ending the run anyway
	}
	return s.Done >= s.StopAt || s.Halted != NoStatus || s.Waiting != 0
}

func (s *State) intended(e Intended) []Action {
	if e.Batch.First == s.Batch.First {
		s.Tries++
	} else {
		s.Tries = 1
	}
	s.Batch, s.Stage = e.Batch, Intending
	if e.Batch.Live {
		s.Stage = Performing
		return append([]Action{Perform{e.Batch.First}}, s.follow()...)
	}
	s.Handed = e.Batch.Last
	return []Action{SendBatch(e)}
}

func (s *State) sent(e Sent) []Action {
	s.Stage, s.Sent = Following, true
	if e.Handle != nil {
		s.Handle = e.Handle
	}
	return s.follow()
}

func (s *State) refused(e Refused) []Action {
	s.Stage = Ready
	s.Batch.Last = s.Done // nothing of it is outstanding
	s.fail(e.Why, 0, e.Reason)
	return s.giveUp()
}

// fail keeps the first reason: what follows is its consequence.
func (s *State) fail(k Kind, step int, reason string) {
	if s.Failure == nil {
		s.Failure = &Failure{Kind: k, Step: step, Reason: reason}
	}
}

// giveUp ends a run that the device still has. One that has begun must not be
// left standing: it may have a tip on.
func (s *State) giveUp() []Action {
	if !s.Sent {
		return s.conclude()
	}
	s.Stop, s.StopAt = true, 0
	return s.follow()
}

func (s *State) stepDone(n int) []Action {
	s.Done, s.Current, s.Waiting = n, 0, 0
	s.Sent = true
	switch {
	case s.Stage == Seeking && n < s.Batch.Last:
		return []Action{FindStep{n + 1, s.Batch.Last}}
	case n == s.Batch.Last && !s.Batch.Final:
		s.Stage = Ready
		return s.proceed()
	}
	return s.settle()
}

// settle goes back to following, or concludes if the device has ended the run.
func (s *State) settle() []Action {
	if s.Ended != NoStatus {
		return s.conclude()
	}
	s.Stage = Following
	return s.follow()
}

func (s *State) stepFailed(e StepFailed) []Action {
	if s.Stop && s.Failure == nil {
		s.CutOff = &Failure{Halted, e.N, e.Evidence} // by the stop, unless the device says that it ended for another reason
	} else {
		s.fail(Halted, e.N, e.Evidence)
	}
	s.Current, s.Waiting, s.Sent = 0, 0, s.Sent || !s.Batch.Live
	s.Batch.Last = s.Done // a device carries on after no failed step
	return s.settle()
}

func (s *State) stepTaken(e StepTaken) []Action {
	s.Sent = true
	if s.Ended != NoStatus {
		return s.doubted(Doubted{First: e.N, Last: s.Batch.Last, Evidence: "the run is over, and the device says that the step is not"})
	}
	s.Stage = Following
	return s.follow()
}

func (s *State) notTaken(e NotTaken) []Action {
	s.Current, s.Waiting = 0, 0
	whole := e.First == s.Batch.First
	s.Batch.Last = s.Done
	if s.Ended != NoStatus {
		return s.conclude()
	}
	s.Stage = Ready
	if whole {
		return s.proceed()
	}
	// The device dropped the rest of a batch it had begun. Why, it will say
	// when asked how the run stands; sending the rest is not for us to decide.
	s.fail(Halted, 0, e.Evidence)
	return s.giveUp()
}

func (s *State) doubted(e Doubted) []Action {
	s.Doubt, s.Evidence, s.Begun = Doubt{e.First, e.Last}, e.Evidence, s.Current
	s.fail(InDoubt, e.First, e.Evidence)
	if s.Ended != NoStatus || s.Batch.Live { // or it stands still anyway
		return s.conclude()
	}
	return append([]Action{AskControl{Pause}}, s.conclude()...)
}

func (s *State) pauseAsked(e PauseAsked) []Action {
	s.HoldAt = sooner(s.Hold, s.HoldAt, e.After, e.Now)
	s.Hold, s.Ask = true, Pause
	switch {
	case s.Stage == Following || s.Stage == Performing:
		return s.follow()
	case s.Stage == Ready && !s.holds():
		return s.goOn()
	}
	return nil
}

// sooner returns the step after which something is wanted: the earlier one,
// where it was wanted before.
func sooner(before bool, at, after int, now bool) int {
	if now {
		after = 0
	}
	if before {
		return min(at, after)
	}
	return after
}

// holds reports whether the place at which a person wants a pause is reached. A
// step beside the device, at which it would stand still, is not begun.
func (s *State) holds() bool {
	return s.Hold && (s.Done >= s.HoldAt || s.isLive(s.Done+1))
}

func (s *State) resumeAsked() []Action {
	s.Hold, s.HoldAt, s.Ask, s.Overdue = false, 0, Resume, 0
	if s.Stage == Ready || s.Stage == Following || s.Stage == Performing {
		return s.goOn()
	}
	return nil
}

func (s *State) stopAsked(e StopAsked) []Action {
	s.StopAt = sooner(s.Stop, s.StopAt, e.After, e.Now)
	s.Stop, s.Overdue = true, 0
	switch s.Stage {
	case Performing:
		s.StopAt = 0
		return append([]Action{GiveUp{}}, s.follow()...)
	case Ready, Following:
		return s.goOn()
	default:
		return nil
	}
}

func (s *State) askFailed(e AskFailed) []Action {
	if !s.live() || e.Why != Unreachable && e.Why != Timeout {
		return nil // it was heard, and refused
	}
	switch {
	case e.Control == Stop:
		s.Stopping = false
	case s.Ask == 0:
		s.Ask = e.Control
	}
	if s.Lost {
		return nil
	}
	s.Lost = true
	return []Action{Reconnect{}}
}

// reconcile finds out what became of the steps that are outstanding.
func (s *State) reconcile() []Action {
	switch {
	case s.Stage == Performing:
		return s.follow() // it goes on meanwhile
	case s.Outstanding():
		s.Stage = Seeking
		return []Action{FindStep{s.Done + 1, s.Batch.Last}}
	case s.Ended != NoStatus:
		return s.conclude()
	case s.Stage == Intending:
		s.Stage, s.Batch.Final = Ready, false // it was to end the run, and is told so again
	}
	if s.Stage == Ready {
		return s.proceed()
	}
	return s.settle()
}

func (s *State) ended(e Ended) []Action {
	s.Ended, s.Reason, s.Halted, s.Lost, s.Overdue = e.Status, e.Reason, NoStatus, false, 0
	if s.Stage == Performing {
		return []Action{GiveUp{}}
	}
	if e.Status == Gone && s.Outstanding() {
		return s.doubted(Doubted{First: s.Done + 1, Last: s.Batch.Last, Evidence: e.Reason})
	}
	return s.reconcile()
}

func (s *State) restarted(e Restarted) []Action {
	s.Left, s.Lost, s.Stopping, s.Hold, s.HoldAt = false, false, false, false, 0
	s.Current, s.Waiting, s.Halted, s.Tries, s.Overdue = 0, 0, NoStatus, 0, 0
	s.Accepted.Fence = e.Fence
	switch s.Stage {
	case Opening:
		return []Action{OpenRun{}}
	case Closing:
		return []Action{Close{s.Verdict}}
	case Performing:
		s.Stage = Seeking // nobody carries it out any longer
	default:
	}
	return []Action{FindRun{s.Handle}}
}

// conclude says how the run ended. Only what is known counts: a device that
// reports success without having reported every step has not succeeded.
func (s *State) conclude() []Action {
	if s.goesOn() {
		return s.nextRun()
	}
	s.Stage, s.Current, s.Waiting, s.Lost = Closing, 0, 0, false
	if s.CutOff != nil && s.Ended != Stopped {
		s.fail(s.CutOff.Kind, s.CutOff.Step, s.CutOff.Reason)
	}
	switch {
	case s.Doubt != Doubt{}:
		s.Verdict = VerdictDoubt
	case s.Failure != nil:
		s.Verdict = VerdictFailed
	case s.Stop && (s.Ended == Stopped || s.Ended == NoStatus && !s.Sent),
		s.Ended == Succeeded && s.Stop && s.another() && s.Done >= s.end():
		s.Verdict = VerdictStopped
	case s.Done >= s.Accepted.Steps && !s.grows() && (s.Ended == Succeeded || !s.Sent):
		s.Verdict = VerdictOK
	case s.Ended == Stopped:
		s.fail(Halted, 0, "it was stopped, and not from here")
		s.Verdict = VerdictFailed
	default:
		s.fail(Halted, 0, cmp.Or(s.Reason, "the device ended the run early"))
		s.Verdict = VerdictFailed
	}
	return []Action{Close{s.Verdict}}
}
