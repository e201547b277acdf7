package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// status is the one line that says how far a run is: rewritten in place on a
// terminal, and elsewhere a plain line now and then.
type status struct {
	wall bool // elapsed is by our clock, not by the device's

	mu       sync.Mutex
	w        io.Writer
	plan     *program.Plan
	terminal bool
	quiet    bool
	columns  int
	tenth    int
	drawn    bool
	was      service.Standing
	since    time.Time // when it was started
}

func newStatus(a *app, plan *program.Plan) *status {
	return &status{w: a.err, plan: plan, terminal: isTerminal(a.err), quiet: a.quiet, columns: width(a.err)}
}

// see hears every event of the run.
func (s *status) see(e run.Event, p run.Progress, now service.Standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = p.Plan
	switch e := e.(type) {
	case run.Sent:
		if s.since.IsZero() {
			s.since = time.Now()
		}
	case run.Performed:
		s.performed(&e, p)
	case run.GrowFailed:
		s.line("stopping: " + e.Reason)
	case run.StepStarted, run.StepDone:
		s.progress(p)
	case run.Halting:
		s.halts(e.Status, now.Stops)
	case run.Resumed:
		if s.was.Halted != run.NoStatus && !s.was.Waiting {
			s.line("the robot goes on")
		}
	case run.ResumeAsked:
		if s.was.Overdue && s.was.Halted == run.NoStatus { // it may never be heard that it stood
			s.line("the robot goes on")
		}
	case run.StopAsked:
		s.stops(e, p)
	case run.TimeUp:
		if e.Ends {
			s.line(e.Text)
		}
	case run.AskFailed:
		s.line(fmt.Sprintf("the robot was asked to %s: %s", e.Control, e.Reason))
	case run.Lost:
		s.line("the connection is lost: " + e.Reason + "; trying again, the robot goes on by itself meanwhile")
	case run.Reattached:
		s.line("the robot has the run")
	case run.Regained:
		s.line("the connection is back")
	default:
	}
	s.was = now
}

// performed says what came of a step beside the robot. Whoever answered a
// question knows, and so does whoever saw what was simulated.
func (s *status) performed(e *run.Performed, p run.Progress) {
	switch step := &s.plan.Steps[e.N-1]; {
	case e.Failed != "":
		s.line(fmt.Sprintf("step %d, %s: %s", e.N, service.WhatLive(step), e.Failed))
	case e.By == "" && len(e.Values) > 0 && !s.quiet:
		s.line(fmt.Sprintf("step %d, %s: %s", e.N, service.WhatLive(step), service.ValuesText(e.Values)))
	}
	s.progress(p)
}

func (s *status) halts(why run.Status, stopping bool) {
	switch {
	case stopping: // what for, it was told
	case why == run.DoorOpen && !s.wall:
		s.line("the robot waits because its door is open; press Enter, and it counts as closed")
	case why == run.DoorOpen:
		s.line("the robot waits because its door is open; close it")
	case !s.was.Waiting && !s.was.Overdue:
		s.line("the robot is paused; press Enter to go on, or resume it in the Opentrons App")
	}
}

// stops says when the stop will be, and what it costs.
func (s *status) stops(e run.StopAsked, p run.Progress) {
	at := max(e.After, p.N)
	text := "stopping as soon as the step under way is over"
	if !e.Now && e.After > p.N {
		text = fmt.Sprintf("stopping after step %d, a good place", e.After)
	}
	if !e.Now {
		s.line(text + "; Ctrl-C again stops at once")
	}
	for _, tool := range toolsAt(s.plan, at) {
		s.line("the tool from " + tool + " is on, and the robot drops whatever is on into the trash when it stops")
	}
}

// toolsAt names the places of the tools that are on after step n.
func toolsAt(p *program.Plan, n int) []string {
	on := map[int8]string{}
	for i := range p.Steps[:min(n, len(p.Steps))] {
		op := &p.Steps[i].Op
		switch op.Kind {
		case program.PickUpTip:
			if p.Deck.IsTool(int(op.Pipette), op.Well) {
				on[op.Pipette] = p.Deck.WellName(op.Well)
			}
		case program.DropTip, program.ReturnTip:
			delete(on, op.Pipette)
		}
	}
	var out []string
	for i := range p.Deck.Pipettes {
		if name := on[int8(i)]; name != "" {
			out = append(out, name)
		}
	}
	return out
}

// program is what is under way.
func (s *status) program() *program.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan
}

// took is how long the run has taken by our clock.
func (s *status) took() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		return 0
	}
	return time.Since(s.since)
}

func (s *status) progress(p run.Progress) {
	if s.quiet || p.Total == 0 {
		return
	}
	elapsed := p.ElapsedMS
	if s.wall && !s.since.IsZero() {
		elapsed = time.Since(s.since).Milliseconds()
	}
	about := ""
	if p.Open {
		about = "~" // as many as are likely
	}
	text := fmt.Sprintf("step %s/"+about+"%d  %-12s %s elapsed, %s left", cmp.Or(p.Label, "0"), p.Of, p.Well, clock(elapsed), clock(p.RemainingMS))
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
