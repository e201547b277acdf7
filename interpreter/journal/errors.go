package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// Trouble is what is wrong with a journal as a file.
type Trouble uint8

// The troubles.
const (
	Damaged    Trouble = iota + 1 // it is no journal any more, or not a whole one
	NotJournal                    // it is something else
	Newer                         // a newer version of ot2flow wrote it
	ReadOnly                      // it may be read, and not written
	Full                          // the disk is full
	Failing                       // the disk or the file system does not do as asked
	InUse                         // another process did not let go of it
	Missing                       // it is not there, or cannot be opened
)

// Error is trouble with the file. Whatever it is, nothing was overwritten.
type Error struct {
	Path    string
	Trouble Trouble
	Err     error // what SQLite or the system says; may be nil
}

var troubleText = map[Trouble]string{
	Damaged:    "is damaged; nothing was written to it. Keep it for rescue, and begin another by moving it away or with --state FILE",
	NotJournal: "is not a journal of ot2flow, and was left as it is; name another file with --state",
	Newer:      "was written by a newer version of ot2flow, and was left as it is; update ot2flow, or name another file with --state",
	ReadOnly:   "may not be written here; change the rights of the file and its folder, or name another file with --state",
	Full:       "cannot be written because the disk is full; make room, nothing that was written before is lost",
	Failing:    "cannot be read or written, because the disk or the file system fails",
	InUse:      "is in use by another process, which did not let go of it in time",
	Missing:    "cannot be opened",
}

// Error says what is wrong with which file, and what to do.
func (e *Error) Error() string {
	text := "the journal " + e.Path + " " + troubleText[e.Trouble]
	if e.Err != nil {
		text += " (" + strings.TrimPrefix(e.Err.Error(), "sqlite: ") + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes a journal that is not there an fs.ErrNotExist.
func (e *Error) Is(target error) bool { return target == fs.ErrNotExist && e.Trouble == Missing }

// Primary result codes of SQLite, which are part of its file format's manual.
const (
	codePerm     = 3
	codeBusy     = 5
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

// codeUnique is the extended result code of a value that is there already.
const codeUnique = 2067

// isTaken reports whether a row was refused because there is one with its name.
func isTaken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == codeUnique
}

// trouble turns what SQLite says into an *Error; other errors stay.
func (s *Store) trouble(err error) error {
	var e *sqlite.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	var t Trouble
	switch e.Code() & 0xff {
	case codeCorrupt:
		t = Damaged
	case codeNotADB:
		t = NotJournal
	case codeReadOnly, codePerm:
		t = ReadOnly
	case codeFull:
		t = Full
	case codeIO:
		t = Failing
	case codeBusy:
		t = InUse
	case codeCantOpen:
		t = Missing
	default:
		return fmt.Errorf("the journal %s: %w", s.path, err)
	}
	return &Error{s.path, t, err}
}

// Held says that somebody else owns the robot.
type Held struct {
	Robot  string
	Holder Holder
	Since  time.Time
	Heard  time.Time // when the holder last said that it is there
	Run    string    // the run under way; empty where there is none
}

// Error says who holds the robot.
func (e *Held) Error() string {
	if e.Holder == (Holder{}) {
		return "somebody else is just taking this robot; try again"
	}
	text := fmt.Sprintf("this robot is in use by %s since %s", e.Holder, e.Since.Local().Format("2 January 15:04:05"))
	if e.Run != "" {
		text += ", for run " + e.Run
	}
	return text
}

// Fenced says that a writer no longer owns the robot its run is on, or that
// somebody else has gone on with the run. It must not move anything.
type Fenced struct{ Run string }

// Error says whose run it is.
func (e *Fenced) Error() string {
	return "run " + e.Run + " was taken over by another process; this one may not go on with it"
}

// Unreconciled says that runs on the robot were begun and not ended, so that
// it is not known what is on the deck.
type Unreconciled struct {
	Robot string
	Runs  []string // newest first
}

// Error names the runs.
func (e *Unreconciled) Error() string {
	if len(e.Runs) == 1 {
		return "run " + e.Runs[0] + " on this robot is not over; find out first what became of it: ot2flow runs resume " + e.Runs[0]
	}
	return "runs " + strings.Join(e.Runs, ", ") + " on this robot are not over; find out first what became of them: ot2flow runs resume RUN"
}

// NoRun says that no run, or more than one, is meant.
type NoRun struct {
	Ref  string
	Many []string // those that may be meant, newest first, at most five
}

// Error says which runs there are.
func (e *NoRun) Error() string {
	switch {
	case len(e.Many) > 0:
		return "more than one run begins with " + e.Ref + ": " + strings.Join(e.Many, ", ")
	case e.Ref == Last:
		return "nothing has been run yet"
	}
	return "there is no run " + e.Ref + " in the journal; ot2flow runs list shows those there are"
}
