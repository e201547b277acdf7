package run

// stops reports whether nothing more is to be begun, because a person wants a
// stop. A step beside the device would have the device stand still meanwhile,
// so that there is nothing to be gained by one before it.
func (s *State) stops() bool {
	return s.Stop && (s.Stopping || s.Done >= s.StopAt || s.isLive(s.Done+1)) || s.stopIsDue()
}

// stopIsDue reports whether the device is to be asked to stop now. What it is at
// would be cut off, and nobody would know how much of it happened; so it is asked
// to stand still first, unless the stop is to be at once. While it stands still
// there is nothing to be gained by waiting for a better step.
func (s *State) stopIsDue() bool {
	if !s.Stop || s.Stopping || s.isEnding() && !s.standsStill() {
		return false // nobody asked, it was asked, or the device is ending the run anyway
	}
	between := s.Stage == Ready && s.Done >= s.StopAt
	return s.StopAt == 0 || between || s.standsStill() || s.Waiting != 0
}

// standsStill reports whether the device is known to stand still now. What was
// heard before the connection was lost is no longer known: somebody may have had
// it go on meanwhile.
func (s *State) standsStill() bool { return s.Halted != NoStatus && !s.Unheard }

// lose takes note that there is no connection.
func (s *State) lose() []Action {
	s.Lost, s.Unheard = true, s.Halted != NoStatus
	return []Action{Reconnect{}}
}

// reaches reports whether the device is at the step after which it is to stand
// still, or past it. Behind the last step of a batch it does by itself.
func (s *State) reaches(at int) bool {
	return s.Stage == Following && at > 0 && at < s.Batch.Last && max(s.Done, s.Current) >= at
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
	s.Hasty = s.Hasty || e.Now && !s.standsStill() && s.Waiting == 0 && s.Overdue == 0
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
		return s.refusedToStand(e) // it was heard, and refused
	}
	switch {
	case e.Control == Stop:
		s.Stopping = false
	case e.Control == Stand:
		s.Stood = false
		if s.Hold && s.Ask == 0 {
			s.Ask = Pause
		}
	case s.Ask == 0:
		s.Ask = e.Control
	}
	if s.Lost {
		return nil
	}
	return s.lose()
}

// refusedToStand stops a device as it is that does not stand still before.
func (s *State) refusedToStand(e AskFailed) []Action {
	if !s.live() || e.Control != Stand || !s.Stop {
		return nil
	}
	s.StopAt = 0
	return s.follow()
}
