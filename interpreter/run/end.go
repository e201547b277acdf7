package run

import "cmp"

// goOnWith begins another part: of the one before it only what names the run
// is kept, because everything else is about steps of another program.
func (s *State) goOnWith(e Continued) []Action {
	a := s.Accepted
	a.Fingerprint, a.Steps, a.BatchSteps, a.Fence = e.Fingerprint, e.Steps, e.BatchSteps, e.Fence
	a.Live, a.Protocols, a.Open = e.Live, e.Protocols, e.Open
	*s = State{Accepted: a, Stage: Opening, Part: s.Part + 1, Timers: s.Timers}
	return []Action{OpenRun{}}
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
	s.Ended, s.Reason, s.Halted, s.Unheard, s.Lost, s.Overdue = e.Status, e.Reason, NoStatus, false, false, 0
	if s.Stage == Performing {
		return []Action{GiveUp{}}
	}
	if e.Status == Gone && e.Until > 0 {
		s.Batch.Last = max(s.Done, min(s.Batch.Last, e.Until))
	}
	if e.Status == Gone && s.Outstanding() {
		return s.doubted(Doubted{First: s.Done + 1, Last: s.Batch.Last, Evidence: e.Reason})
	}
	return s.reconcile()
}

func (s *State) restarted(e Restarted) []Action {
	s.Left, s.Lost, s.Stopping, s.Stood, s.Hold, s.HoldAt = false, false, false, false, false, 0
	s.Current, s.Waiting, s.Halted, s.Unheard, s.Tries = 0, 0, NoStatus, false, 0
	s.Accepted.Fence = e.Fence
	if s.Overdue != 0 {
		s.Hold, s.Ask = true, Pause // nobody has answered yet
	}
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
