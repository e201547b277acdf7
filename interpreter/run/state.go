package run

// Stage is how far a run has come.
type Stage uint8

// The stages.
const (
	New        Stage = iota // nothing has been accepted
	Opening                 // accepted; the device does not have the run yet
	Ready                   // the device has the run, and no batch that is not done
	Intending               // a batch is being sent
	Following               // the device has a batch, which is being carried out
	Performing              // a step beside the device is being carried out
	Seeking                 // the device is asked what it knows
	Closing                 // over; only the session is left
	Over                    // finished
)

var stageNames = [...]string{"new", "opening", "ready", "intending", "following", "performing", "seeking", "closing", "over"}

// String returns the stage's name.
func (s Stage) String() string { return stageNames[s] }

// Verdict is how a run ended for those who started it.
type Verdict uint8

// The verdicts. A run without one is under way, or was left under way.
const (
	NoVerdict      Verdict = iota
	VerdictOK              // every step is done, and the device has ended the run
	VerdictFailed          // it ended early, not because it was asked to
	VerdictStopped         // it was asked to stop, and has
	VerdictDoubt           // what happened cannot be known
)

var verdictNames = [...]string{"", "ok", "failed", "stopped", "in_doubt"}

// String returns the verdict as journals say it.
func (v Verdict) String() string { return verdictNames[v] }

// MarshalText returns the verdict as journals say it.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (v *Verdict) UnmarshalText(b []byte) error {
	i, err := lookup(verdictNames[:], string(b), "verdict")
	*v = Verdict(i)
	return err
}

// Answer is what a person decides about a run that did not get to its end.
type Answer uint8

// The answers.
const (
	NoAnswer    Answer = iota
	AnswerDone         // the steps happened
	AnswerRedo         // they did not, or are to be done again
	AnswerSkip         // they did not, and are to be left out
	AnswerAbort        // the run is not gone on with
)

var answerNames = [...]string{"", "done", "redo", "skip", "abort"}

// String returns the answer as journals and people say it.
func (a Answer) String() string { return answerNames[a] }

// MarshalText returns the answer as journals say it.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Answer) UnmarshalText(b []byte) error {
	i, err := lookup(answerNames[:], string(b), "answer")
	*a = Answer(i)
	return err
}

// Failure says why a run did not get to its end. Step is 0 where it is not
// about one step.
type Failure struct {
	Kind   Kind
	Step   int
	Reason string
}

// Doubt is a stretch of steps of which nobody knows whether they happened.
// The zero Doubt is none.
type Doubt struct{ First, Last int }

// State is what is known of a run: the fold of its events.
type State struct {
	Accepted Accepted
	Stage    Stage
	Handle   Handle
	Batch    Batch    // the last one intended
	Tries    int      // how often a batch with this first step was intended
	Handed   int      // the last step that was handed to the device, or may have been
	Sent     bool     // something was taken at some time
	Done     int      // steps 1 to Done are done
	Base     int      // steps before those of the run that the device has
	Current  int      // the step that was reported as started and not as ended; 0: none
	Waiting  int      // the step that waits for a person; 0: none
	Halted   Status   // Paused or DoorOpen while the device stands still
	Unheard  bool     // Halted was heard before the connection was lost, and not since
	Hold     bool     // a person wants a pause
	HoldAt   int      // once this step is done; 0: at once
	Ask      Control  // Pause or Resume, wanted and not yet passed on
	Stop     bool     // a person wants a stop
	StopAt   int      // once this step is done; 0: at once
	Stood    bool     // the device has been asked to stand still, so that it can be stopped
	Stopping bool     // the device has been asked to stop
	Hasty    bool     // the stop was wanted at once, while something moved
	Lost     bool     // there is no connection
	Left     bool     // nobody follows
	Ended    Status   // how the device says the run ended; NoStatus while it has not
	Reason   string   // why it ended, as the device says
	CutOff   *Failure // the step that was under way at a stop and did not end well
	Failure  *Failure
	Doubt    Doubt
	Verdict  Verdict // set from Closing on
	Begun    int     // the step that was seen to have begun when a doubt came up; 0: none
	Evidence string  // of Doubt: why nobody knows
	Part     int     // how often the run was gone on with by a new program
	// Performed are the steps beside the device that came to an end, in order.
	Performed []Performed
	Timers    []Timer   // limits of the run's plan that have begun, also in earlier parts
	Overdue   int       // the limit because of which a person is asked; 0: none
	Late      string    // what they are told
	Replan    bool      // what comes behind Done has to be worked out anew
	Answer    *Answered // what a person decided about the end of this part; nil: nothing yet
	Closes    *State    // how the run ended that is being closed; nil: none is
	Closed    *Closed   // what came of closing it; nil: it was not begun
}

// Outstanding reports whether the device was sent steps of which it is not
// known what became of them.
func (s *State) Outstanding() bool { return s.Batch.Last > s.Done }

// Unclear returns the steps of which it has to be decided whether they count as
// done: those in doubt, or the one that failed or was cut off. ok is false
// where there are none.
func (s *State) Unclear() (d Doubt, ok bool) {
	switch {
	case s.Doubt != Doubt{}:
		return s.Doubt, true
	case s.CutOff != nil:
		return Doubt{s.CutOff.Step, s.CutOff.Step}, true
	case s.Failure != nil && s.Failure.Step > 0:
		return Doubt{s.Failure.Step, s.Failure.Step}, true
	}
	return Doubt{}, false
}

// MayGoOn reports whether the run ended without getting to its end, and can be
// gone on with.
func (s *State) MayGoOn() bool {
	return s.Stage == Over && s.Verdict != VerdictOK && !s.Aborted()
}

// Aborted reports whether a person decided that the run is not gone on with.
func (s *State) Aborted() bool { return s.Answer != nil && s.Answer.Answer == AnswerAbort }

// clone returns a copy that shares nothing that changes.
func (s *State) clone() State {
	c := *s
	c.Failure, c.CutOff = s.Failure.clone(), s.CutOff.clone()
	return c
}

func (f *Failure) clone() *Failure {
	if f == nil {
		return nil
	}
	c := *f
	return &c
}
