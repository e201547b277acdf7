// Package mishap says what goes wrong with a robot that is not one: events and bad
// answers, which simulator and emulator have in common, in the form of a file that
// people write, and the dice that decide when they come. The same script with the
// same seed has the same events at the same commands.
package mishap

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The kinds of events.
const (
	CommandFailed  Kind = "command_failed"    // the robot says that it could not do it; it did not happen
	TipMissed      Kind = "tip_not_picked_up" // a pick-up fails; other commands are left alone
	Stopped        Kind = "stop"              // somebody presses stop in the vendor's App
	PausedBy       Kind = "pause"             // somebody presses pause in the vendor's App
	DoorOpened     Kind = "door_opened"       // a robot that minds stands still until it is closed and somebody goes on
	Rebooted       Kind = "reboot"            // the robot loses power, and forgets the run
	ConnectionLost Kind = "connection_lost"   // requests break off unheard, for a while
	Slow           Kind = "slow"              // it takes longer
	ClockJumped    Kind = "clock_jumped"      // the robot's time of day changes
)

// Kinds lists the kinds of events.
func Kinds() []Kind {
	return []Kind{CommandFailed, TipMissed, Stopped, PausedBy, DoorOpened, Rebooted, ConnectionLost, Slow, ClockJumped}
}

// Event is something that goes wrong at a command, or at each with some
// probability: exactly one of At, Nth and Probability says when.
type Event struct {
	At          string        `yaml:"at"`          // a step, as 4, or a command of it, as "4.2"
	Nth         int           `yaml:"nth"`         // the nth command that is reached, from 1
	Probability float64       `yaml:"probability"` // of each command, up to 1
	Times       int           `yaml:"times"`       // at most so often; 0 is once, and with a probability any number of times
	Do          Kind          `yaml:"do"`
	Detail      string        `yaml:"detail"` // what the robot says of a failure
	Requests    int           `yaml:"requests"`
	By          time.Duration `yaml:"by"` // how much slower, how far the clock jumps, or after how long the door is closed again; 0 leaves it open
}

// Script is what goes wrong in the course of a run.
type Script struct {
	Seed    uint64   `yaml:"seed"`
	Events  []Event  `yaml:"events"`
	Answers []Answer `yaml:"answers"`
}

// Check returns what is wrong with a script.
func (s *Script) Check() error {
	for i := range s.Events {
		if err := s.Events[i].check(); err != nil {
			return fmt.Errorf("events[%d]: %w", i, err)
		}
	}
	for i := range s.Answers {
		if err := s.Answers[i].check(); err != nil {
			return fmt.Errorf("answers[%d]: %w", i, err)
		}
	}
	return nil
}

func (e *Event) check() error {
	whens := 0
	for _, given := range []bool{e.At != "", e.Nth != 0, e.Probability != 0} {
		if given {
			whens++
		}
	}
	switch {
	case whens != 1:
		return fmt.Errorf("say when: exactly one of at, nth and probability")
	case e.Nth < 0 || e.Times < 0 || e.Requests < 0:
		return fmt.Errorf("nothing happens less often than never")
	case e.Probability < 0 || e.Probability > 1:
		return fmt.Errorf("probability: %g is not between 0 and 1", e.Probability)
	case (e.Do == Slow || e.Do == ClockJumped) && e.By == 0:
		return fmt.Errorf("%s: say by how much, such as by: 30s", e.Do)
	}
	for _, k := range Kinds() {
		if e.Do == k {
			return nil
		}
	}
	return fmt.Errorf("do: there is no %q; there are %v", e.Do, Kinds())
}

// Dice decide what goes wrong. They belong to one goroutine.
type Dice struct {
	events []Event
	left   []int // how often each may still come; -1: any number of times
	random *rand.Rand
	n      int
}

// Roll makes the dice of a script that was checked.
func (s *Script) Roll() *Dice {
	d := &Dice{events: s.Events, random: rand.New(rand.NewPCG(s.Seed, 0x0f2))} //nolint:gosec // the same every time, on purpose
	for i := range s.Events {
		left := s.Events[i].Times
		if left == 0 {
			left = 1
			if s.Events[i].Probability > 0 {
				left = -1
			}
		}
		d.left = append(d.left, left)
	}
	return d
}

// Reached returns the events that come at the next command, which has the key
// of the robot, as 4.2. It is called once for every command.
func (d *Dice) Reached(key string) []Event {
	d.n++
	var out []Event
	for i := range d.events {
		if e := &d.events[i]; d.left[i] != 0 && d.comes(e, key) {
			if d.left[i] > 0 {
				d.left[i]--
			}
			out = append(out, *e)
		}
	}
	return out
}

// comes reports whether the event is due. Dice are rolled for every command,
// whatever becomes of it, so that one event does not change when others come.
func (d *Dice) comes(e *Event, key string) bool {
	step, _, _ := strings.Cut(key, ".")
	switch {
	case e.Probability > 0:
		return d.random.Float64() < e.Probability
	case e.Nth > 0:
		return e.Nth == d.n
	}
	return e.At == key || e.At == step
}
