package main

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// status is the one line that says how far a run is: rewritten in place on a
// terminal, and elsewhere a plain line now and then.
type status struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	quiet    bool
	columns  int
	tenth    int
	drawn    bool
}

func newStatus(a *app, _ *program.Plan) *status {
	return &status{w: a.err, terminal: isTerminal(a.err), quiet: a.quiet, columns: width(a.err)}
}

// see hears every event of the run.
func (s *status) see(e run.Event, p run.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := e.(type) {
	case run.StepStarted, run.StepDone:
		s.progress(p)
	case run.Lost:
		s.line("the connection is lost: " + e.Reason)
	case run.Regained:
		s.line("the connection is back")
	default:
	}
}

func (s *status) progress(p run.Progress) {
	if s.quiet || p.Total == 0 {
		return
	}
	text := fmt.Sprintf("step %d/%d  %-12s %s elapsed, %s left", p.N, p.Total, p.Well, clock(p.ElapsedMS), clock(p.RemainingMS))
	if s.terminal {
		if s.columns > 1 && len(text) >= s.columns {
			text = text[:s.columns-1]
		}
		fmt.Fprint(s.w, "\r\x1b[K"+text)
		s.drawn = true
		return
	}
	if tenth := p.N * 10 / p.Total; tenth > s.tenth {
		s.tenth = tenth
		fmt.Fprintln(s.w, strings.TrimRight(text, " "))
	}
}

// say prints a line of its own.
func (s *status) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line(text)
}

func (s *status) line(text string) {
	s.clear()
	fmt.Fprintln(s.w, text)
}

// end takes the line away; what follows begins on a fresh one.
func (s *status) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

func (s *status) clear() {
	if s.drawn {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.drawn = false
	}
}
