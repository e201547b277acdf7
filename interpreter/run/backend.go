package run

import (
	"context"
	"encoding/json"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Backend is something that can carry out a plan: a robot or a simulator.
// Errors are of type *Error, or count as Unreachable.
type Backend interface {
	// Inspect says what is there. It only reads.
	Inspect(ctx context.Context) (Device, error)
	// Open prepares a run, checks that the plan fits the device and lets it
	// analyse the plan where it can. Nothing moves.
	Open(ctx context.Context, job Job) (Session, error)
	// Reattach finds the run of an earlier session again. It only reads. An
	// error of kind Halted says that the run is gone.
	Reattach(ctx context.Context, job Job, h Handle) (Session, error)
}

// Session is one run on a device. The other methods may be called while Next
// is waiting; otherwise one call is under way at a time. Every method returns
// soon after its context ends.
type Session interface {
	// Handle says how Reattach finds the run again. It may change with Send.
	Handle() Handle
	// Send hands over steps to be carried out in order, at once. It never
	// repeats itself. An error of kind Rejected, Busy or Halted says that
	// nothing of the batch was taken or will be; any other leaves that open.
	Send(ctx context.Context, b Batch) error
	// Next waits for something to report. It reports steps in order, may
	// leave some out (the runner asks Find) and may repeat itself; after
	// Reattach it starts with where the run stands. It may be called again
	// after an error; one of kind Halted says that the run is gone.
	Next(ctx context.Context) (Report, error)
	// Extend says that the plan goes on. What was sent of it is the same in both.
	Extend(p *program.Plan)
	// Ask asks for a pause, a resumption or a stop, or to Stand, which Next
	// reports as Paused. That it was heard is confirmed only by Next. Asking
	// for what is so already does no harm.
	Ask(ctx context.Context, c Control) error
	// Find says what is known of step n. It only reads. Next reports after it how
	// the run stands, also where that was reported before.
	Find(ctx context.Context, n int) (Finding, error)
	// Close lets go of the run. It never stops one that is under way.
	Close(ctx context.Context) error
}

// Device is what Inspect found.
type Device struct {
	Name      string
	Model     string // "OT-2 Standard"
	Serial    string
	Software  string
	Simulated bool
	Pipettes  []Attached
	Modules   []Unit
	Busy      string // what it is doing for somebody else; empty when free
	DoorOpen  bool
}

// Attached is a pipette on a device.
type Attached struct {
	Mount  string // left or right
	Model  string // p300_single_gen2
	Serial string
}

// Unit is a module of a device.
type Unit struct{ Model, Serial string }

// Job is what a session is opened for.
type Job struct {
	Run   string // the runner's name for the run; unique in its journal
	Plan  *program.Plan
	Later []*program.Plan // protocols that follow in runs of their own: Open makes sure of them, too
	Fence int64           // fencing number of the lease the run is carried out under
	// BatchSteps is how many steps Send is given at a time at most; 0: all.
	BatchSteps int
}

// InBatches reports whether Send is given the steps a few at a time. Steps
// beside the device are among none of them.
func (j *Job) InBatches() bool { return j.BatchSteps > 0 || j.Plan.Reacts() }

// Handle is a session's own note of how to find its run again: JSON that only
// the backend that made it reads.
type Handle = json.RawMessage

// Batch is a stretch of the plan that is handed over as one. A Final one of no
// steps, whose Last is First-1, only lets the device end the run.
type Batch struct {
	First       int            `json:"first"` // ordinals of steps, both included
	Last        int            `json:"last"`
	Final       bool           `json:"final,omitempty"` // nothing follows: the device ends the run by itself after Last
	Live        bool           `json:"live,omitempty"`  // one step, carried out beside the device, which is not handed it
	Fence       int64          `json:"fence,omitempty"`
	Fingerprint string         `json:"fingerprint,omitempty"` // of the plan the steps are of
	Steps       []program.Step `json:"-"`                     // First to Last; set for Send, not journalled
}

// Phase says what became of a step in a Report.
type Phase uint8

// The phases. The zero Phase means that the report is not about a step.
const (
	NoStep Phase = iota
	Started
	Done
	Failed
)

// Status is how a run stands, as the device says.
type Status uint8

// The statuses. The zero Status means that a report says nothing about it.
// Succeeded, Errored and Stopped are final, and say that the device has put
// away tips and homed; Gone is said by the runner when the device no longer
// knows the run.
const (
	NoStatus Status = iota
	Running
	Paused
	DoorOpen // paused by an open door
	Succeeded
	Errored
	Stopped
	Gone
)

var statusNames = [...]string{"", "running", "paused", "door_open", "succeeded", "failed", "stopped", "gone"}

// String returns the status as journals say it.
func (s Status) String() string { return statusNames[s] }

// MarshalText returns the status as journals say it.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Status) UnmarshalText(b []byte) error {
	i, err := lookup(statusNames[:], string(b), "status")
	*s = Status(i)
	return err
}

// Report is one piece of news from a session. Its parts are independent: a
// step may have ended and the run with it.
type Report struct {
	Phase   Phase
	Step    int     // ordinal; of Phase
	Finding Finding // of a step that is Done or Failed
	Status  Status
	Reason  string // of a final Status: why, where the device says so
	RobotMS int64  // how long the run has been under way by the device's clock; 0 where it does not say
}

// Outdate takes back how the run stands, which may be otherwise by now. That it has
// ended stays so.
func (r *Report) Outdate() {
	if r.Status < Succeeded {
		r.Status = NoStatus
	}
}

// Control is what a person may ask of a run under way.
type Control uint8

// The controls. Stand is what a device is asked for where people want a pause or
// a stop, and not at once: to end the step that it is at, and to stand still
// before the next, so that nothing is under way then.
const (
	Pause Control = iota + 1
	Resume
	Stop
	Stand
)

var controlNames = [...]string{"", "pause", "resume", "stop", "stand"}

// String returns the control as journals say it.
func (c Control) String() string { return controlNames[c] }

// MarshalText returns the control as journals say it.
func (c Control) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (c *Control) UnmarshalText(b []byte) error {
	i, err := lookup(controlNames[:], string(b), "control")
	*c = Control(i)
	return err
}

// Outcome is what is known of one step.
type Outcome uint8

// The outcomes. Unknown is the zero value, so that a forgotten one is never
// taken for knowledge. WasNotTaken is a proof: the step did not happen, and
// nothing still on its way can make it happen. WasTaken says that the device
// has the step and has not ended it; Next will report it.
const (
	Unknown Outcome = iota
	WasDone
	HasFailed
	WasNotTaken
	WasTaken
)

var outcomeNames = [...]string{"unknown", "done", "failed", "not_taken", "taken"}

// String returns the outcome as journals say it.
func (o Outcome) String() string { return outcomeNames[o] }

// Finding is what is known of one step, and why.
type Finding struct {
	Outcome  Outcome
	Evidence string // what the device said, for people
}
