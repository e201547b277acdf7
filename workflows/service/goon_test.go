package service

import (
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/run"
)

// Only a pause that a run is found in is ended by runs resume itself: every
// other is somebody's wish.
func TestGoOnOnce(t *testing.T) {
	halted := run.Halting{Status: run.Paused}
	found := run.StepDone{N: 3, Found: true}
	for name, c := range map[string]struct {
		events []run.Event
		want   int
	}{
		"found paused":                      {[]run.Event{run.Restarted{}, run.Reattached{}, halted}, 1},
		"found paused, late":                {[]run.Event{run.Restarted{}, run.Reattached{}, found, halted}, 1},
		"found paused, and paused again":    {[]run.Event{halted, run.Resumed{}, run.StepDone{N: 4}, halted}, 1},
		"found at a pause of the plan":      {[]run.Event{found, run.Waiting{N: 4}, halted}, 0},
		"paused after it did something":     {[]run.Event{run.StepDone{N: 3}, halted}, 0},
		"stands because of its open door":   {[]run.Event{run.Halting{Status: run.DoorOpen}}, 0},
		"went on by itself, and was paused": {[]run.Event{run.Resumed{}, halted}, 0},
	} {
		requests := make(chan run.Request, 2)
		hear := goOnOnce(requests)
		for _, e := range c.events {
			hear(e, run.Progress{})
		}
		if len(requests) != c.want {
			t.Errorf("%s: it is let go on %d times, want %d", name, len(requests), c.want)
		}
	}
}
