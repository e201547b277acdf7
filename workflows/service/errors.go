package service

import (
	"fmt"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Kind says whose turn it is after an error.
type Kind uint8

// The kinds of errors.
const (
	Misuse    Kind = iota + 1 // what was asked for cannot be meant so
	Unable                    // it cannot be done as things are
	Undecided                 // a person has to decide something first
	Missing                   // there is nothing of that name
)

// Error is why something is not done, in words for people.
type Error struct {
	Kind    Kind
	Message string
	Err     error // what caused it; may be nil
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func cannot(format string, args ...any) error {
	return &Error{Kind: Unable, Message: fmt.Sprintf(format, args...)}
}

// Unfit is the cause of the error of a robot that has not what a plan needs.
type Unfit struct{}

// Error says so.
func (*Unfit) Error() string { return "the robot has not what the plan needs" }

func unfit(format string, args ...any) error {
	return &Error{Unable, fmt.Sprintf(format, args...), &Unfit{}}
}

func missing(format string, args ...any) error {
	return &Error{Kind: Missing, Message: fmt.Sprintf(format, args...)}
}

func usage(format string, args ...any) error {
	return &Error{Kind: Misuse, Message: fmt.Sprintf(format, args...)}
}

// Findings is the error of a workflow or a plan that has errors.
type Findings struct {
	List    diag.List
	Source  func(file string) []byte // the text of a file, or nil
	Message string                   // what is to be said besides; may be empty
	// Param names the parameter that a finding is about, or nothing; nil where none is.
	Param func(d *diag.Diagnostic) string
}

// Error returns the message, or the first of the errors.
func (f *Findings) Error() string {
	if f.Message != "" {
		return f.Message
	}
	for _, d := range f.List {
		if d.Severity == diag.Error {
			return fmt.Sprintf("%s:%d:%d: %s", d.Span.File, d.Span.Start.Line, d.Span.Start.Column, d.Message)
		}
	}
	return "there are errors"
}
