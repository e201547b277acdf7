package run

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Kind is the kind of a failure: what a caller may do about it.
type Kind uint8

// The kinds.
const (
	// Unreachable is no answer, or none that can be read.
	Unreachable Kind = iota
	// Busy says that the device is somebody else's at the moment.
	Busy
	// Rejected says that the device does not take it as it is.
	Rejected
	// Halted says that the run ended before its last step.
	Halted
	// Timeout says that it took longer than allowed. For a physical step that means in doubt.
	Timeout
	// InDoubt says that whether it happened cannot be known.
	InDoubt
	// Invalid says that what came back is not what was asked for.
	Invalid
)

var kindNames = [...]string{"unreachable", "busy", "rejected", "halted", "timeout", "in_doubt", "invalid"}

// String returns the kind as journals say it.
func (k Kind) String() string { return kindNames[k] }

// MarshalText returns the kind as journals say it.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *Kind) UnmarshalText(b []byte) error {
	i, err := lookup(kindNames[:], string(b), "kind of error")
	*k = Kind(i)
	return err
}

func lookup(names []string, s, what string) (int, error) {
	i := slices.Index(names, s)
	if i < 0 {
		return 0, fmt.Errorf("unknown %s %q", what, s)
	}
	return i, nil
}

// Error is a failure of carrying something out. Step is 0 where it is not
// about one step.
type Error struct {
	Kind    Kind
	Step    int
	ID      string    // of the step
	Where   diag.Span // the step's place in the workflow
	Message string
	Err     error // what caused it; may be nil
	// Until is the last step of its session that may have happened, where a device
	// that has forgotten the run remembers enough to say so; 0: any may.
	Until int
}

// Error returns the message, with the step it is about.
func (e *Error) Error() string {
	message := e.Message
	if message == "" && e.Err != nil {
		message = e.Err.Error()
	}
	if message == "" {
		message = e.Kind.String()
	}
	if e.Step == 0 {
		return message
	}
	return fmt.Sprintf("step %d (%s): %s", e.Step, e.ID, message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err. An error that is no *Error counts as
// Unreachable: nothing may be concluded from it.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Unreachable
}
