package run

// Action is what the driver is to do next: the sealed sum below.
type Action interface{ action() }

// OpenRun opens the run on the device; answered by Opened or OpenFailed.
type OpenRun struct{}

// FindRun finds the run again by its handle; answered by Reattached, Lost or
// Ended.
type FindRun struct{ Handle Handle }

// JournalIntent journals the intent to send Batch; answered by Intended.
type JournalIntent struct{ Batch Batch }

// SendBatch sends the batch, once; answered by Sent, Refused or Lost.
type SendBatch struct{ Batch Batch }

// AskControl asks the device; answered only where that fails, by AskFailed.
type AskControl struct{ Control Control }

// AskPerson has a person asked; answered by ResumeAsked or StopAsked.
type AskPerson struct {
	N    int
	Text string
}

// Await waits for the next report, if that is not being done already.
type Await struct{}

// Reconnect tries, at intervals, whether the device answers; answered by
// Regained.
type Reconnect struct{}

// FindStep asks what is known of step N, which is in a batch up to Last;
// answered by StepDone, StepFailed, StepTaken, NotTaken, Doubted or Lost.
type FindStep struct{ N, Last int }

// Perform has step N carried out beside the device; answered by Performed,
// NotTaken, StepFailed or Doubted.
type Perform struct{ N int }

// GiveUp ends the wait for what Perform began; answered as Perform is.
type GiveUp struct{}

// Grow has the plan gone on with by the results there are; answered by Grown or
// GrowFailed.
type Grow struct{}

// Close lets go of the session; answered by Finished.
type Close struct{ Verdict Verdict }

func (OpenRun) action()       {}
func (FindRun) action()       {}
func (JournalIntent) action() {}
func (SendBatch) action()     {}
func (AskControl) action()    {}
func (AskPerson) action()     {}
func (Await) action()         {}
func (Reconnect) action()     {}
func (FindStep) action()      {}
func (Perform) action()       {}
func (GiveUp) action()        {}
func (Grow) action()          {}
func (Close) action()         {}
