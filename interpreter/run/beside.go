package run

import "slices"

// Steps beside the device: a person is asked, something is measured, another
// program or people are told. The device stands still meanwhile. What comes
// back decides how the plan goes on.

// isLive reports whether step n is carried out beside the device.
func (s *State) isLive(n int) bool {
	_, is := slices.BinarySearch(s.Accepted.Live, n)
	return is
}

// ends reports whether a batch has no steps and only lets the device end the
// run.
func (b *Batch) ends() bool { return b.Final && b.Last == b.First-1 }

// grows reports whether it has to be worked out what comes next.
func (s *State) grows() bool {
	return s.Replan || s.Accepted.Open && s.Done >= s.Accepted.Steps
}

func (s *State) performed(e Performed) []Action {
	s.Done, s.Stage = e.N, Ready
	s.Performed = append(slices.Clip(s.Performed), e)
	for _, l := range e.Left {
		if t := s.timer(l.Limit); e.Failed != "" && l.MS <= 0 && t != nil && !t.Over {
			s.pass(l.Limit)
		}
	}
	s.Replan = e.Failed != "" // what was taken to come next was so for a success
	return s.goOn()
}

func (s *State) grown(e Grown) []Action {
	a := &s.Accepted
	a.Steps, a.Live, a.Protocols, a.Open, a.Fingerprint = e.Steps, e.Live, e.Protocols, e.Open, e.Fingerprint
	s.Replan, s.Tries = false, 0
	if e.Failed != "" {
		s.fail(Rejected, 0, e.Failed) // what is still to be done is what is done in any case
	}
	if s.Base == s.Done && !s.Sent && s.isProtocol(s.Done+1) {
		return s.nextRun() // the run that the device has is none for it
	}
	return s.proceed()
}
