package run

// stops reports whether nothing more is to be begun, because a person wants a
// stop. A step beside the device would have the device stand still meanwhile,
// so that there is nothing to be gained by one before it.
func (s *State) stops() bool {
	return s.Stop && (s.Stopping || s.Done >= s.StopAt || s.isLive(s.Done+1)) || s.stopIsDue()
}

// stopIsDue reports whether the device is to be asked to stop now. While it
// stands still there is nothing to be gained by waiting for a better step.
func (s *State) stopIsDue() bool {
	if !s.Stop || s.Stopping || s.isEnding() && s.Halted == NoStatus {
		return false // nobody asked, it was asked, or the device is ending the run anyway
	}
	return s.Done >= s.StopAt || s.Halted != NoStatus || s.Waiting != 0
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
