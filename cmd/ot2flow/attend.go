package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/ot2flow/ot2flow/interpreter/run"
)

// What a person does while a run is under way: Ctrl-C, and lines on standard
// input.

// lines hands over what is typed, line by line, so that nobody has to wait for
// a person to press Enter. Reading a terminal cannot be cut short: where
// nothing more is typed, it ends with the program.
type lines struct {
	in   io.Reader
	once sync.Once
	ch   chan string
	quit chan struct{}
}

func newLines(in io.Reader) *lines {
	return &lines{in: in, ch: make(chan string), quit: make(chan struct{})}
}

// next is where the next line comes from; it is closed when there are no more.
// Nothing is read before it is asked for.
func (l *lines) next() <-chan string {
	l.once.Do(func() { go l.read() })
	return l.ch
}

func (l *lines) read() {
	defer close(l.ch)
	in := bufio.NewReader(l.in)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			select {
			case l.ch <- strings.TrimSpace(line):
			case <-l.quit:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (l *lines) stop() { close(l.quit) }

// attendant turns what a person does into requests.
type attendant struct {
	status   *status
	lines    *lines // nil where nobody is asked
	leave    context.CancelFunc
	requests chan run.Request
	pausing  chan struct{} // the run is to be left as soon as the robot stands
	quit     chan struct{}
	done     chan struct{}
	stops    int
	leaving  bool // as soon as the robot stands still
}

// attend begins to listen to a person; end it with stop. Leaving cancels the
// context that is returned.
func attend(ctx context.Context, s *status, l *lines) (context.Context, *attendant) {
	ctx, cancel := context.WithCancel(ctx)
	t := &attendant{status: s, lines: l, leave: cancel, requests: make(chan run.Request, 4), pausing: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer close(t.done)
		defer signal.Stop(signals)
		t.listen(signals)
	}()
	return ctx, t
}

func (t *attendant) stop() {
	close(t.quit)
	<-t.done
	t.leave()
}

// first asks for something before the run is followed. A pause is all that is
// wanted: the run is left as it stands then.
func (t *attendant) first(r run.Request) {
	t.requests <- r
	if r.Control == run.Pause {
		t.pausing <- struct{}{}
	}
}

func (t *attendant) listen(signals <-chan os.Signal) {
	for {
		if t.leaving && t.status.isHalted() {
			t.leave()
		}
		var typed <-chan string
		if t.lines != nil && t.status.standsStill() {
			typed = t.lines.next()
		}
		select {
		case <-t.quit:
			return
		case <-t.pausing:
			t.leaving = true
		case <-t.status.changed:
		case s := <-signals:
			if s == syscall.SIGTERM {
				t.terminated()
			} else {
				t.interrupted()
			}
		case _, ok := <-typed:
			if !ok {
				t.lines = nil
				continue
			}
			t.ask(run.Request{Control: run.Resume, By: "Enter"})
		}
	}
}

// interrupted is a Ctrl-C: the first stops at a good place, the second at once,
// the third leaves the robot to itself. Before anything was started, the first
// gives up.
func (t *attendant) interrupted() {
	t.stops++
	switch {
	case !t.status.hasBegun():
		t.status.say("giving up; nothing has moved")
		t.leave()
	case t.stops == 1:
		t.ask(run.Request{Control: run.Stop, By: "Ctrl-C"})
	case t.stops == 2:
		t.status.say("stopping at once; Ctrl-C again leaves the robot as it is")
		t.ask(run.Request{Control: run.Stop, Now: true, By: "Ctrl-C"})
	default:
		t.leave()
	}
}

// terminated is what a computer does that is shut down: the robot is paused at a
// good place, and left as soon as it says that it stands. A second time does
// not wait for that.
func (t *attendant) terminated() {
	if t.leaving || !t.status.hasBegun() {
		t.leave()
		return
	}
	t.leaving = true
	t.status.say("this program is to end: pausing the robot at a good place first; the run is gone on with by: ot2flow runs resume last")
	t.ask(run.Request{Control: run.Pause, By: "SIGTERM"})
}

func (t *attendant) ask(r run.Request) {
	select {
	case t.requests <- r:
	case <-t.quit:
	}
}
