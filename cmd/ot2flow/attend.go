package main

import (
	"bufio"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/service"
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

// terminal is the person who sits in front of a run.
type terminal struct {
	*status
	a     *app
	lines *lines // nil where nobody is asked
	robot bool   // it is one, and no simulator
}

// Say prints a line of its own.
func (t *terminal) Say(text string) { t.say(text) }

// Tell prints one unless nothing is to be printed that is not needed.
func (t *terminal) Tell(text string) {
	if !t.a.quiet {
		t.say(text)
	}
}

// See shows how far the run is.
func (t *terminal) See(e run.Event, p run.Progress, now service.Standing) { t.see(e, p, now) }

// Findings shows why a plan does not go on.
func (t *terminal) Findings(list diag.List, source func(string) []byte) {
	t.end()
	t.a.show(list, source)
}

// Steer begins to listen for Ctrl-C, and for what is typed while the run stands
// still.
func (t *terminal) Steer(c *service.Controls) (end func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	quit, done := make(chan struct{}), make(chan struct{})
	l := &attendant{terminal: t, controls: c, typing: t.lines}
	go func() {
		defer close(done)
		defer signal.Stop(signals)
		l.listen(signals, quit)
	}()
	return func() {
		close(quit)
		<-done
		t.end()
	}
}

// attendant turns what a person does into requests.
type attendant struct {
	*terminal
	controls *service.Controls
	typing   *lines // nil when nothing more comes
	stops    int
}

func (t *attendant) listen(signals <-chan os.Signal, quit <-chan struct{}) {
	for {
		var typed <-chan string
		if t.typing != nil && t.controls.StandsStill() {
			typed = t.typing.next()
		}
		select {
		case <-quit:
			return
		case <-t.controls.Changed():
		case s := <-signals:
			if s == syscall.SIGTERM {
				t.terminated()
			} else {
				t.interrupted()
			}
		case _, ok := <-typed:
			if !ok {
				t.typing = nil
				continue
			}
			t.controls.Ask(run.Request{Control: run.Resume, By: "Enter"})
		}
	}
}

// interrupted is a Ctrl-C: the first stops at a good place, the second at once,
// the third leaves the robot to itself. Before anything was started, the first
// gives up.
func (t *attendant) interrupted() {
	t.stops++
	switch {
	case t.controls.GivesUp("Ctrl-C"):
		t.say("giving up; nothing has moved")
	case t.stops == 1:
		t.controls.Ask(run.Request{Control: run.Stop, By: "Ctrl-C"})
	case t.stops == 2:
		t.say("stopping at once; Ctrl-C again leaves the robot as it is")
		t.controls.Ask(run.Request{Control: run.Stop, Now: true, By: "Ctrl-C"})
	default:
		t.controls.Leave()
	}
}

// terminated is what a computer does that is shut down: the robot is paused at a
// good place, and left as soon as it says that it stands. A second time does
// not wait for that.
func (t *attendant) terminated() {
	if t.controls.LeaveStanding("SIGTERM") {
		t.say("this program is to end: pausing the robot at a good place first; the run is gone on with by: ot2flow runs resume last")
	}
}
