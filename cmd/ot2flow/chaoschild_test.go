package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/robot"
)

// chaosChild names the variable that makes the test binary ot2flow itself. Its
// value says when the process calls whoever strikes, and where: "7 false
// ADDRESS" is before the 7th record of the journal is written, "7 true ADDRESS"
// after it, and "never" is never.
const chaosChild = "OT2FLOW_CHAOS"

// chaosBroken names the variable that says which rule this ot2flow breaks. The
// sweep has to notice.
const chaosBroken = "OT2FLOW_CHAOS_BROKEN"

// chaosEager names the variable that makes an ot2flow that does not wait before it
// looks at the robot again.
const chaosEager = "OT2FLOW_CHAOS_EAGER"

// chaosBrings names the variable that has a person sit in front of ot2flow, who
// does what it waits for.
const chaosBrings = "OT2FLOW_CHAOS_BRINGS"

// The rules that can be broken, one after the other. What is right about each
// of them is what the others are proved with.
const (
	// unsynced has the journal write later what it says is written.
	unsynced = "unsynced"
	// unadopted takes for not taken what the robot has not finished.
	unadopted = "unadopted"
	// credulous takes for done what a robot that was restarted has forgotten.
	credulous = "credulous"
)

// chaotic is ot2flow in a process that calls at a record.
func chaotic(when string) int {
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	if os.Getenv(chaosBrings) != "" {
		p := &bringer{Writer: os.Stderr, said: make(chan struct{}, 64)}
		a.in, a.err = p, p
	}
	at, after, address := 0, false, ""
	_, _ = fmt.Sscan(when, &at, &after, &address) // "never" leaves it at 0, which no record has
	broken := os.Getenv(chaosBroken)
	a.carrier.Around = func(j run.Journal) run.Journal {
		if broken == unsynced {
			j = &late{Journal: j}
		}
		return &calling{Journal: j, left: at, after: after, address: address}
	}
	switch {
	case broken == unadopted || broken == credulous:
		a.carrier.Through = func(b run.Backend) run.Backend { return liar{b, broken} }
	case os.Getenv(chaosEager) != "":
		a.carrier.Through = eager
	}
	return a.main(context.Background(), os.Args[1:])
}

// bringer is a person who reads what is printed, and presses Enter where that is
// asked for. Questions they leave to whoever waits for longer.
type bringer struct {
	io.Writer
	said chan struct{}
}

func (b *bringer) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(pressEnter)) {
		b.said <- struct{}{}
	}
	return b.Writer.Write(p)
}

func (b *bringer) Read(p []byte) (int, error) {
	<-b.said
	return copy(p, "\n"), nil
}

// eager looks at the robot again and again: at one on which no time passes,
// something happens all the time.
func eager(b run.Backend) run.Backend {
	r, is := b.(*robot.Robot)
	if !is {
		return b
	}
	fast, err := robot.New(r.Address(), robot.Options{Fast: 4 * time.Millisecond, Slow: 250 * time.Millisecond})
	if err != nil {
		return b
	}
	return fast
}

// calling calls before or after a record.
type calling struct {
	run.Journal
	left    int
	after   bool
	address string
}

func (s *calling) Append(ctx context.Context, records ...run.Record) error {
	s.left--
	if s.left == 0 && !s.after {
		callIn(s.address)
	}
	err := s.Journal.Append(ctx, records...)
	if s.left == 0 && s.after {
		callIn(s.address)
	}
	return err
}

// late is a journal that breaks its promise: the last records are in memory
// only.
type late struct {
	run.Journal
	held []run.Record
}

func (l *late) Append(ctx context.Context, records ...run.Record) error {
	l.held = append(l.held, records...)
	keep := 6
	switch records[len(records)-1].Event.(type) {
	case run.Finished, run.Left:
		keep = 0
	}
	n := max(0, len(l.held)-keep)
	if n == 0 {
		return nil
	}
	out := slices.Clone(l.held[:n])
	l.held = slices.Delete(l.held, 0, n)
	return l.Journal.Append(ctx, out...)
}

// liar is a robot of which is said what is not so.
type liar struct {
	run.Backend
	broken string
}

func (l liar) Open(ctx context.Context, job run.Job) (run.Session, error) {
	s, err := l.Backend.Open(ctx, job)
	return l.session(s), err
}

func (l liar) Reattach(ctx context.Context, job run.Job, h run.Handle) (run.Session, error) {
	s, err := l.Backend.Reattach(ctx, job, h)
	if run.KindOf(err) == run.Halted && err != nil && l.broken == credulous {
		return dreamt{steps: len(job.Plan.Steps), handle: h}, nil
	}
	return l.session(s), err
}

func (l liar) session(s run.Session) run.Session {
	if s == nil || l.broken != unadopted {
		return s
	}
	return denying{s}
}

// denying says of what is under way that it was not taken.
type denying struct{ run.Session }

func (d denying) Find(ctx context.Context, n int) (run.Finding, error) {
	f, err := d.Session.Find(ctx, n)
	if f.Outcome == run.WasTaken || f.Outcome == run.WasDone {
		f.Outcome = run.WasNotTaken
	}
	return f, err
}

// dreamt is a run that was forgotten, and of which is said that all went well.
type dreamt struct {
	steps  int
	handle run.Handle
}

func (d dreamt) Handle() run.Handle                   { return d.handle }
func (dreamt) Send(context.Context, run.Batch) error  { return nil }
func (dreamt) Ask(context.Context, run.Control) error { return nil }
func (dreamt) Close(context.Context) error            { return nil }
func (dreamt) Extend(*program.Plan)                   {}
func (d dreamt) Next(context.Context) (run.Report, error) {
	return run.Report{Status: run.Succeeded}, nil
}

func (dreamt) Find(context.Context, int) (run.Finding, error) {
	return run.Finding{Outcome: run.WasDone}, nil
}
