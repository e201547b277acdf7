package run

import "github.com/ot2flow/ot2flow/interpreter/program"

// Event is something that happened to a run: the sealed sum below. Events are
// facts, in the order they became known; the state of a run is their fold.
type Event interface {
	// Kind returns the event's stable name in journals.
	Kind() string
	event()
}

// Accepted is the first event of every run.
type Accepted struct {
	Run         string `json:"run,omitempty"`
	Workflow    string `json:"workflow,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Steps       int    `json:"steps"`
	BatchSteps  int    `json:"batch_steps,omitempty"` // at most so many steps are sent at a time; 0: all
	Fence       int64  `json:"fence,omitempty"`
	Live        []int  `json:"live,omitempty"`      // ordinals of the steps that are carried out beside the device
	Protocols   []int  `json:"protocols,omitempty"` // ordinals of the steps that are protocols of their own
	Open        bool   `json:"open,omitempty"`      // more steps follow, which depend on what those give
	Seed        uint64 `json:"seed,omitempty"`      // of what is drawn where the device is simulated
}

// Opened says that the device is ready and has the run. Nothing has moved.
type Opened struct {
	Handle Handle `json:"handle,omitempty"`
}

// OpenFailed says that the device did not take the run. Nothing has moved.
type OpenFailed struct {
	Why    Kind   `json:"why"`
	Reason string `json:"reason,omitempty"`
}

// Intended says that Batch is about to be sent. Journalled before it is.
type Intended struct {
	Batch Batch `json:"batch"`
}

// Sent says that the device has taken the batch.
type Sent struct {
	First  int    `json:"first"`
	Last   int    `json:"last"`
	Handle Handle `json:"handle,omitempty"`
}

// Refused says that the device has not taken the batch, and will not.
type Refused struct {
	First  int    `json:"first"`
	Last   int    `json:"last"`
	Why    Kind   `json:"why"`
	Reason string `json:"reason,omitempty"`
}

// StepStarted says that the device is at step N.
type StepStarted struct {
	N int `json:"n"`
}

// StepDone says that the device has carried out step N. Found says that this was
// learnt by asking afterwards.
type StepDone struct {
	N        int    `json:"n"`
	Found    bool   `json:"found,omitempty"`
	Evidence string `json:"evidence,omitempty"`
}

// StepFailed says that the device could not carry out step N.
type StepFailed struct {
	N        int    `json:"n"`
	Found    bool   `json:"found,omitempty"`
	Evidence string `json:"evidence,omitempty"`
}

// StepTaken says that the device has step N and has not ended it; learnt by asking.
type StepTaken struct {
	N        int    `json:"n"`
	Evidence string `json:"evidence,omitempty"`
}

// NotTaken says that it is proven that steps First to Last did not happen and will not.
type NotTaken struct {
	First    int    `json:"first"`
	Last     int    `json:"last"`
	Evidence string `json:"evidence,omitempty"`
}

// Performed says what a step beside the device gave, or why it gave nothing.
type Performed struct {
	N      int               `json:"n"`
	Values map[string]string `json:"values,omitempty"` // as people write them; a single answer has the name ""
	Failed string            `json:"failed,omitempty"` // why it gave nothing; empty where it did
	Cause  program.Cause     `json:"cause,omitempty"`  // the kind of that
	By     string            `json:"by,omitempty"`     // who answered
	AtMS   int64             `json:"at_ms,omitempty"`  // since the run began, where the plan has limits
	Left   []TimeLeft        `json:"left,omitempty"`   // of those around the step
}

// TimerSet says that a limit of the run's plan begins.
type TimerSet struct {
	Limit int   `json:"limit"` // from 1, in the order of the plan's limits
	AtMS  int64 `json:"at_ms"` // since the run began
}

// TimeUp says that a limit has passed while the device was at step N, and what a
// person is told.
type TimeUp struct {
	Limit int    `json:"limit"`
	N     int    `json:"n"`
	AtMS  int64  `json:"at_ms"`
	Text  string `json:"text,omitempty"`
	Ends  bool   `json:"ends,omitempty"`  // it is a budget: nobody is asked, and the run ends
	After int    `json:"after,omitempty"` // once that step is done, where the plan has no end for it
}

// Grown says that the plan goes on by the results there are. What was done is
// the same in both; what comes behind it may have been replaced.
type Grown struct {
	Steps       int    `json:"steps"` // of the part
	Live        []int  `json:"live,omitempty"`
	Protocols   []int  `json:"protocols,omitempty"`
	Open        bool   `json:"open,omitempty"`
	Fingerprint string `json:"fingerprint"` // of the run's plan
	// Renamed are tips that stand for those that an earlier part took already.
	Renamed []Renamed `json:"renamed,omitempty"`
	Failed  string    `json:"failed,omitempty"` // why it comes to no good end behind its last step
	Added   []Added   `json:"added,omitempty"`  // all steps of the part, where it closes the run

	Plan *program.Plan `json:"-"` // the run's; a journal keeps it in place of the one it has
}

// GrowFailed says that the plan does not go on with the results there are.
type GrowFailed struct {
	Reason string `json:"reason"`
}

// Doubted says that whether steps First to Last happened cannot be known.
type Doubted struct {
	First    int    `json:"first"`
	Last     int    `json:"last"`
	Evidence string `json:"evidence,omitempty"`
}

// Waiting says that step N waits for a person, who is told Text.
type Waiting struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
}

// PauseAsked says that somebody wants a pause, once step After is done, or at
// once.
type PauseAsked struct {
	By    string `json:"by,omitempty"`
	Now   bool   `json:"now,omitempty"`
	After int    `json:"after,omitempty"`
}

// ResumeAsked says that somebody wants to go on.
type ResumeAsked struct {
	By string `json:"by,omitempty"`
}

// StopAsked says that somebody wants a stop, once step After is done, or at once.
type StopAsked struct {
	By    string `json:"by,omitempty"`
	Now   bool   `json:"now,omitempty"`
	After int    `json:"after,omitempty"`
}

// AskFailed says that the device was asked for Control, and whether it heard is not
// known, or it said no.
type AskFailed struct {
	Control Control `json:"control"`
	Why     Kind    `json:"why"`
	Reason  string  `json:"reason,omitempty"`
}

// Halting says that the device stands still, and says why.
type Halting struct {
	Status Status `json:"status"` // Paused or DoorOpen
}

// Resumed says that the device goes on.
type Resumed struct{}

// Lost says that there is no connection, or no answer that can be read.
type Lost struct {
	Reason string `json:"reason,omitempty"`
}

// Regained says that the device answers again.
type Regained struct{}

// Behind says that the device is further than was reported.
type Behind struct{}

// Ended says that the run is over on the device, which says how.
type Ended struct {
	Status Status `json:"status"` // Succeeded, Errored, Stopped or Gone
	Reason string `json:"reason,omitempty"`
	Until  int    `json:"until,omitempty"` // of Gone: no step behind this one happened; 0: any may have
}

// Left says that nobody follows the run any longer; it goes on as it is.
type Left struct {
	Reason string `json:"reason,omitempty"`
}

// Restarted says that the run is followed again, after a crash or after it was left.
type Restarted struct {
	Fence int64 `json:"fence,omitempty"`
}

// Reattached says that the run was found again on the device.
type Reattached struct {
	Handle Handle `json:"handle,omitempty"`
}

// Finished is the last event of a run, or of a part of it that is gone on with.
type Finished struct {
	Verdict Verdict `json:"verdict"`
}

// Answered says what a person decided about a run that did not get to its end.
type Answered struct {
	Answer Answer `json:"answer"`
	To     int    `json:"to,omitempty"`     // of Done and Skip: up to this step of the part
	Redraw bool   `json:"redraw,omitempty"` // liquid that was lost with its tip is drawn again
	By     string `json:"by,omitempty"`
	// Values are what the step gave, where it is one beside the device.
	Values map[string]string `json:"values,omitempty"`
}

// Continued begins another part of a run that did not get to its end: the
// steps Added, and after them those of the run's plan from step From on. A part that
// is Closing does what finally says, and changes nothing of how the run ended.
type Continued struct {
	From        int          `json:"from"`
	Added       []Added      `json:"added,omitempty"`
	Moved       []Moved      `json:"moved,omitempty"` // where labware stands that is no longer where the plan has it at its start
	Renamed     []Renamed    `json:"renamed,omitempty"`
	Fingerprint string       `json:"fingerprint"` // of the part's plan
	Steps       int          `json:"steps"`       // of the part's plan
	BatchSteps  int          `json:"batch_steps,omitempty"`
	Fence       int64        `json:"fence,omitempty"`
	By          string       `json:"by,omitempty"`
	Of          int          `json:"of,omitempty"` // steps that the run's plan had, where it may grow
	Live        []int        `json:"live,omitempty"`
	Protocols   []int        `json:"protocols,omitempty"`
	Open        bool         `json:"open,omitempty"`
	Corrected   program.Left `json:"corrected,omitzero"` // what people say is otherwise on the deck than the parts before left it
	Closing     bool         `json:"finally,omitempty"`  // the part closes the run: it has the steps Added, and none of the plan
}

// Kind returns "accepted".
func (Accepted) Kind() string { return "accepted" }

// Kind returns "opened".
func (Opened) Kind() string { return "opened" }

// Kind returns "open_failed".
func (OpenFailed) Kind() string { return "open_failed" }

// Kind returns "intent".
func (Intended) Kind() string { return "intent" }

// Kind returns "sent".
func (Sent) Kind() string { return "sent" }

// Kind returns "refused".
func (Refused) Kind() string { return "refused" }

// Kind returns "step_started".
func (StepStarted) Kind() string { return "step_started" }

// Kind returns "step_done".
func (StepDone) Kind() string { return "step_done" }

// Kind returns "step_failed".
func (StepFailed) Kind() string { return "step_failed" }

// Kind returns "step_taken".
func (StepTaken) Kind() string { return "step_taken" }

// Kind returns "not_taken".
func (NotTaken) Kind() string { return "not_taken" }

// Kind returns "performed".
func (Performed) Kind() string { return "performed" }

// Kind returns "timer_set".
func (TimerSet) Kind() string { return "timer_set" }

// Kind returns "time_up".
func (TimeUp) Kind() string { return "time_up" }

// Kind returns "grown".
func (Grown) Kind() string { return "grown" }

// Kind returns "grow_failed".
func (GrowFailed) Kind() string { return "grow_failed" }

// Kind returns "in_doubt".
func (Doubted) Kind() string { return "in_doubt" }

// Kind returns "waiting".
func (Waiting) Kind() string { return "waiting" }

// Kind returns "pause_asked".
func (PauseAsked) Kind() string { return "pause_asked" }

// Kind returns "resume_asked".
func (ResumeAsked) Kind() string { return "resume_asked" }

// Kind returns "stop_asked".
func (StopAsked) Kind() string { return "stop_asked" }

// Kind returns "ask_failed".
func (AskFailed) Kind() string { return "ask_failed" }

// Kind returns "paused".
func (Halting) Kind() string { return "paused" }

// Kind returns "resumed".
func (Resumed) Kind() string { return "resumed" }

// Kind returns "lost".
func (Lost) Kind() string { return "lost" }

// Kind returns "regained".
func (Regained) Kind() string { return "regained" }

// Kind returns "behind".
func (Behind) Kind() string { return "behind" }

// Kind returns "ended".
func (Ended) Kind() string { return "ended" }

// Kind returns "left".
func (Left) Kind() string { return "left" }

// Kind returns "restarted".
func (Restarted) Kind() string { return "restarted" }

// Kind returns "reattached".
func (Reattached) Kind() string { return "reattached" }

// Kind returns "finished".
func (Finished) Kind() string { return "finished" }

// Kind returns "answered".
func (Answered) Kind() string { return "answered" }

// Kind returns "continued".
func (Continued) Kind() string { return "continued" }

func (Accepted) event()    {}
func (Opened) event()      {}
func (OpenFailed) event()  {}
func (Intended) event()    {}
func (Sent) event()        {}
func (Refused) event()     {}
func (StepStarted) event() {}
func (StepDone) event()    {}
func (StepFailed) event()  {}
func (StepTaken) event()   {}
func (NotTaken) event()    {}
func (Performed) event()   {}
func (TimerSet) event()    {}
func (TimeUp) event()      {}
func (Grown) event()       {}
func (GrowFailed) event()  {}
func (Doubted) event()     {}
func (Waiting) event()     {}
func (PauseAsked) event()  {}
func (ResumeAsked) event() {}
func (StopAsked) event()   {}
func (AskFailed) event()   {}
func (Halting) event()     {}
func (Resumed) event()     {}
func (Lost) event()        {}
func (Regained) event()    {}
func (Behind) event()      {}
func (Ended) event()       {}
func (Left) event()        {}
func (Restarted) event()   {}
func (Reattached) event()  {}
func (Finished) event()    {}
func (Answered) event()    {}
func (Continued) event()   {}
