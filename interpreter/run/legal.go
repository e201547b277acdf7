package run

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
		return unless(e.Closing && s.MayClose() || !e.Closing && s.MayGoOn(), "there is nothing to go on with")
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

// live reports whether the device has the run, as far as is known.
func (s *State) live() bool { return s.Stage >= Ready && s.Stage <= Seeking }

func (s *State) isNext(n int) bool { return n == s.Done+1 && n <= s.Batch.Last }
