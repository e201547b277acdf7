package run

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
