package run

import (
	"reflect"
	"testing"
)

// What comes before a protocol, the protocol and what comes behind it are three
// runs on the device.
func TestStretches(t *testing.T) {
	for name, tt := range map[string]struct {
		events []Event
		last   []Action
		check  func(*State) bool
	}{
		"the run before ends by itself": {
			[]Event{Opened{}, Intended{Batch{First: 1, Last: 2, Final: true}}, Sent{First: 1, Last: 2}, StepDone{N: 1}, StepDone{N: 2}, Ended{Status: Succeeded}},
			[]Action{OpenRun{}},
			func(s *State) bool { return s.Stage == Opening && s.Base == 2 && !s.Sent && s.Ended == NoStatus },
		},
		"the protocol is a batch of its own": {
			[]Event{Opened{}, Intended{Batch{First: 1, Last: 2, Final: true}}, Sent{First: 1, Last: 2}, StepDone{N: 1}, StepDone{N: 2}, Ended{Status: Succeeded}, Opened{Handle(`"second"`)}},
			[]Action{JournalIntent{Batch{First: 3, Last: 3, Final: true}}},
			func(s *State) bool { return string(s.Handle) == `"second"` },
		},
		"nobody knows whether it happened": {
			append(third(), Ended{Status: Gone, Reason: "the robot was restarted"}),
			nil, func(s *State) bool { return s.Verdict == VerdictDoubt && s.Doubt == Doubt{3, 3} },
		},
		"it failed": {
			append(third(), StepFailed{N: 3}, Ended{Status: Errored}),
			nil, func(s *State) bool { return s.Verdict == VerdictFailed && s.Failure.Step == 3 },
		},
		"whoever goes on after a crash asks the robot for its run": {
			append(third(), Restarted{}),
			[]Action{FindRun{Handle(`"second"`)}},
			func(s *State) bool { return s.Base == 2 },
		},
		"a crash between the runs opens the next one again": {
			append(third()[:6:6], Restarted{}),
			[]Action{OpenRun{}},
			func(s *State) bool { return s.Stage == Opening && s.Base == 2 },
		},
		"a stop between the runs begins no other": {
			append(third()[:5:5], StopAsked{After: 2}, Ended{Status: Succeeded}),
			nil, func(s *State) bool { return s.Verdict == VerdictStopped && s.Done == 2 },
		},
		"what comes behind is the third": {
			append(third(), StepDone{N: 3}, Ended{Status: Succeeded}, Opened{}, Intended{Batch{First: 4, Last: 5, Final: true}}, Sent{First: 4, Last: 5}, StepDone{N: 4}, StepDone{N: 5}, Ended{Status: Succeeded}),
			nil, func(s *State) bool { return s.Verdict == VerdictOK && s.Done == 5 },
		},
	} {
		var m Machine
		var got []Action
		for _, e := range append([]Event{Accepted{Steps: 5, Protocols: []int{3}}}, tt.events...) {
			var err error
			if got, err = m.On(e); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if tt.last != nil && !reflect.DeepEqual(got, tt.last) {
			t.Errorf("%s: %v, want %v", name, got, tt.last)
		}
		if s := m.State(); !tt.check(&s) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// third are the events up to a protocol that is under way.
func third() []Event {
	return []Event{
		Opened{},
		Intended{Batch{First: 1, Last: 2, Final: true}},
		Sent{First: 1, Last: 2},
		StepDone{N: 1},
		StepDone{N: 2},
		Ended{Status: Succeeded},
		Opened{Handle(`"second"`)},
		Intended{Batch{First: 3, Last: 3, Final: true}},
		Sent{First: 3, Last: 3},
	}
}
