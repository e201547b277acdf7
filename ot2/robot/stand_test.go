package robot_test

import (
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/emulator"
)

const transfers = `
ot2flow: 1
name: transfers
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: plate.H1, volume: 300 uL}
steps:
  - for: well in by_row(plate).first(5)
    do:
      - transfer: {from: plate.H1, to: well, volume: 30 uL}
`

// A stop that is not to be at once ends what the robot is at, whether the plan was
// uploaded or comes in batches, and whether the robot can be given a command to wait
// at or is paused: nobody is asked how far a step got, and the rest is gone on with.
func TestStopCutsNothingOff(t *testing.T) {
	p := planOf(t, transfers)
	for name, c := range map[string]struct {
		margin time.Duration // for a command to wait at
		batch  int
		at     int
	}{
		"a command to wait at":         {margin: time.Nanosecond, at: 2},
		"a command to wait at, later":  {margin: time.Nanosecond, at: 11},
		"a pause":                      {margin: time.Hour, at: 7},
		"step by step":                 {batch: 1, at: 6},
		"in the middle of a batch":     {batch: 8, at: 2},
		"in the last step of a batch":  {batch: 3, at: 6},
		"in the first step of a batch": {batch: 3, at: 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, stop := slow(t, c.margin)
			defer stop()
			requests := make(chan run.Request, 1)
			after := 0
			r, err := b.run(p, inBatches(c.batch), func(o *run.Options) {
				o.Requests = requests
				o.Observe = []func(run.Event, run.Progress){func(e run.Event, _ run.Progress) {
					switch e := e.(type) {
					case run.StepStarted:
						if e.N == c.at {
							requests <- run.Request{Control: run.Stop, By: "test"}
						}
					case run.StopAsked:
						after = e.After
					default:
					}
				}}
			})
			if err != nil || r.Verdict != run.VerdictStopped || r.Done < after-1 || after == 0 {
				t.Fatalf("%v after %d, and was to be stopped after %d: %v", r.Verdict, r.Done, after, err)
			}
			if _, err := r.Story.Rest(nil); err != nil {
				t.Errorf("after %d, cut off %d: %v", r.Done, r.CutOff, err)
			}
			t.Logf("stopped after %d, cut off %d; it was to be after %d", r.Done, r.CutOff, after)
			b.free(r.Verdict)
		})
	}
}

// slow is a robot whose commands take a while, and that is given a command to wait
// at if it has at least so much to do.
func slow(t *testing.T, margin time.Duration) (b *bench, stop func()) {
	clock := &emulator.Manual{}
	b = newBench(t, emulator.Options{Clock: clock})
	b.options.Margin = margin
	b.robot = b.open(b.server.URL)
	return b, advanceBy(clock, 100*time.Millisecond)
}

// A robot that stands at a command goes on when it is told to, and one that was told
// before it stood does not stand at all.
func TestPauseBetweenTwoSteps(t *testing.T) {
	p := planOf(t, transfers)
	for name, atOnce := range map[string]bool{"and on": false, "and on at once": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, stop := slow(t, time.Nanosecond)
			defer stop()
			requests := make(chan run.Request, 2)
			stood := 0
			r, err := b.run(p, func(o *run.Options) {
				o.Requests = requests
				o.Observe = []func(run.Event, run.Progress){
					when[run.StepStarted](func() { requests <- run.Request{Control: run.Pause, By: "test"} }),
					when[run.PauseAsked](func() {
						if atOnce {
							requests <- run.Request{Control: run.Resume, By: "test"}
						}
					}),
					func(e run.Event, _ run.Progress) {
						if h, is := e.(run.Halting); is && h.Status == run.Paused && !atOnce {
							stood++
							requests <- run.Request{Control: run.Resume, By: "test"}
						}
					},
				}
			})
			if err != nil || r.Verdict != run.VerdictOK || stood == 0 && !atOnce {
				t.Fatalf("%v after %d, stood %d times: %v", r.Verdict, r.Done, stood, err)
			}
			b.free(r.Verdict)
		})
	}
}

// A protocol that is told to wait behind its last command never ends, as the robot's
// own software has it. So nobody who pauses and stops a short one tells it to.
func TestNobodyWaitsBehindTheEnd(t *testing.T) {
	p := planOf(t, small)
	for at := range len(p.Steps) {
		b := newBench(t, emulator.Options{})
		requests := make(chan run.Request, 2)
		r, err := b.run(p, func(o *run.Options) {
			o.Requests = requests
			o.Observe = []func(run.Event, run.Progress){func(e run.Event, _ run.Progress) {
				switch e := e.(type) {
				case run.StepStarted:
					if e.N == at+1 {
						requests <- run.Request{Control: run.Pause, By: "test"}
					}
				case run.Halting:
					requests <- run.Request{Control: run.Resume, By: "test"}
				default:
				}
			}}
		})
		if err != nil || r.Verdict != run.VerdictOK {
			t.Errorf("at %d: %v after %d: %v", at+1, r.Verdict, r.Done, err)
		}
	}
}
