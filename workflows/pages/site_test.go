package pages_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

const deckText = `labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
  paints: {type: opentrons_6_tuberack_falcon_50ml_conical, slot: 2}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red: {in: paints.A1, volume: 30 mL, color: '#c8102e'}
  yellow: {in: paints.A2, volume: 30 mL, color: '#ffd100'}
  blue: {in: paints.A3, volume: 30 mL, color: '#0057b7'}
`

const mixText = `ot2flow: 1
name: mix-colors
description: Mix three paints in one well.
params:
  R: {type: volume, default: 100 uL, min: 0 uL, max: 300 uL, description: red paint}
  Y: {type: volume, default: 50 uL, min: 0 uL, max: 300 uL, description: yellow paint}
  B: {type: volume, default: 30 uL, min: 0 uL, max: 300 uL, description: blue paint}
  mix_well: {type: well, in: plate, default: A1, description: the well to mix in}
outputs:
  total: R + Y + B
` + deckText + `steps:
  - formulate: {to: mix_well, volumes: {red: R, yellow: Y, blue: B}}
`

const badText = "ot2flow: 1\nname: broken\n" + deckText + "steps:\n  - transfer: {from: red, to: plate.Z9, volume: 50 uL}\n"

// longText asks, and then does ten thousand steps.
const longText = "ot2flow: 1\nname: long\ndescription: Ten thousand steps.\n" + deckText + `steps:
  - pick_up_tip:
  - repeat: 2500
    do:
      - aspirate: {from: paints.A1, volume: 50 uL}
      - dispense: {to: paints.A2, volume: 50 uL}
      - aspirate: {from: paints.A2, volume: 50 uL}
      - dispense: {to: paints.A1, volume: 50 uL}
`

// formText asks for something of every kind.
const formText = `ot2flow: 1
name: every-kind
description: A field of every kind.
params:
  tint: {type: color, default: '#336699', description: what it is to look like}
  wells: {type: wells, in: plate, default: 'A1:A3', description: where}
  mode: {type: choice, choices: [slow, fast], default: slow}
  twice: {type: boolean, default: false}
  plan: {type: table, columns: {well: {type: well, in: plate}, volume: {type: volume}}, example: [{well: A1, volume: 50 uL}], description: which well gets how much}
` + deckText + `steps:
  - comment: ${ tint } ${ mode }
  - for: row in plan
    do:
      - transfer: {from: red, to: row.well, volume: row.volume}
`

// site is a device server with an emulated robot.
type site struct {
	*httptest.Server
	service *service.Service
	device  *service.Device
	robot   *emulator.Emulator
	gears   *gears
	dir     string
}

// gears are a clock whose speed changes.
type gears struct {
	mu      sync.Mutex
	real    time.Time
	shown   time.Time
	factor  float64
	changed chan struct{}
}

func newGears(factor float64) *gears {
	return &gears{real: time.Now(), shown: time.Now(), factor: factor, changed: make(chan struct{})}
}

// shift has the clock go so many times as fast as a real one from now on.
func (g *gears) shift(factor float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.shown, g.real, g.factor = g.at(now), now, factor
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *gears) at(now time.Time) time.Time {
	return g.shown.Add(time.Duration(float64(now.Sub(g.real)) * g.factor))
}

// Now returns the time that the clock shows.
func (g *gears) Now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.at(time.Now())
}

// Sleep waits until the clock shows d more.
func (g *gears) Sleep(ctx context.Context, d time.Duration) error {
	until := g.Now().Add(d)
	for {
		g.mu.Lock()
		left, changed := until.Sub(g.at(time.Now())), g.changed
		left = time.Duration(float64(left) / g.factor)
		g.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-time.After(left):
		}
	}
}

// Speeds of the emulator: one at which a run is still under way when somebody presses a
// button, and one at which it is soon over.
const (
	slowly = 4
	fast   = 400
)

// open serves workflows for an emulated robot, and for others that may be asked for.
func open(t *testing.T, o server.Options, others []service.Robot, texts ...string) *site {
	t.Helper()
	dir := t.TempDir()
	out := &site{dir: dir, gears: newGears(fast)}
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("w%d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	out.robot, err = emulator.New(emulator.Options{Clock: out.gears, Serial: "OT2CEP20200101", Name: "left-bench", Pipettes: map[string]string{"right": "p300_single_gen2"}})
	if err != nil {
		t.Fatal(err)
	}
	robot := httptest.NewServer(out.robot.Handler())
	t.Cleanup(func() { robot.Close(); out.robot.Close() })
	tasks := service.NewTasks(dir)
	if _, err := tasks.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	out.service = &service.Service{State: filepath.Join(t.TempDir(), "journal.db"), Version: "test"}
	robots := append([]service.Robot{{Name: "left-bench", Address: robot.URL, Description: "the one at the window"}}, others...)
	out.device = service.NewLab(out.service, tasks, robots, func(n service.Note) { t.Log(n.Run, n.Text) })
	front, err := server.New(out.device, "test", o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := out.device.Serve(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	out.device.Drafts = dir
	watcher := workflows.Watch(ctx, tasks, workflows.Options{}, func(workflows.Change[*workflows.Task]) { front.Reload() })
	out.Server = httptest.NewServer(front.Handler())
	t.Cleanup(func() {
		cancel()
		watcher.Close()
		done.Wait()
		out.CloseClientConnections()
		out.Close()
		out.service.Close()
	})
	return out
}

// submit has a workflow run.
func (s *site) submit(t *testing.T, task, robot, given string) string {
	t.Helper()
	v, _, err := s.device.Submit(t.Context(), service.Request{Task: task, Given: []byte(given), Robot: robot, For: service.Behalf{By: "ada"}})
	if err != nil {
		t.Fatal(err)
	}
	return v.ID
}

// wait waits until a run is in a state.
func (s *site) wait(t *testing.T, run, state string) *service.View {
	t.Helper()
	ctx, late := context.WithTimeout(t.Context(), 2*time.Minute)
	defer late()
	v, err := s.device.Wait(ctx, run, func(v *service.View) bool { return v.State == state })
	if err != nil || v.State != state {
		t.Fatalf("run %s is %s (%s), not %s: %v", run, v.State, v.Reason, state, err)
	}
	return v
}
