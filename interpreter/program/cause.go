package program

// Cause is the kind of a failure: of a step beside the robot, or of one that
// judges the program. The empty Cause is none.
type Cause string

// The faults. The first ones are what a step beside the robot can fail by.
const (
	NoAnswer    Cause = "timeout"     // none in time
	Unreachable Cause = "unreachable" // nothing was taken
	Occupied    Cause = "busy"        // nothing was taken
	InDoubt     Cause = "in_doubt"    // something may have been taken
	Rejected    Cause = "rejected"    // it was taken, and refused
	Invalid     Cause = "invalid"     // what came back is not what is declared
	NotHeld     Cause = "check"       // a check did not hold
	Refused     Cause = "fail"        // the program came to a step `fail`
	UsedUp      Cause = "bound"       // a loop went round as often as it may
	Aborted     Cause = "abort"       // it was given up; nothing holds that up
)

// MayHaveHappened reports whether what was asked for may have been done all the
// same.
func (f Cause) MayHaveHappened() bool { return f == NoAnswer || f == InDoubt }
