package run

import "slices"

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
	}
	return []Action{JournalIntent{s.nextBatch()}}
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

// follow waits for news, after asking for what is due.
func (s *State) follow() []Action {
	if s.Ended != NoStatus || s.Lost || s.Stage == Intending || s.Stage == Seeking {
		return nil
	}
	switch c := s.Ask; {
	case s.stopIsDue():
		s.Stopping, s.Ask = true, 0
		return []Action{AskControl{Stop}, Await{}}
	case s.Stop && !s.Stopping && !s.Stood && s.reaches(s.StopAt):
		s.Stood = true
		return []Action{AskControl{Stand}, Await{}}
	case c == Pause && s.Hold && !s.holds() && !s.reaches(s.HoldAt): // not yet
	case c == Pause && s.HoldAt > 0 && (s.Stage == Following || s.Stage == Performing || s.Sent):
		s.Ask = 0
		return []Action{AskControl{Stand}, Await{}}
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
