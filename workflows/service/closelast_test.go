package service

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// powerless loses its power where a run is about to be closed.
type powerless struct{ run.Journal }

func (p powerless) Append(ctx context.Context, records ...run.Record) error {
	for _, r := range records {
		if c, is := r.Event.(run.Continued); is && c.Closing {
			return errors.New("the power is gone")
		}
	}
	return p.Journal.Append(ctx, records...)
}

// A server that ended between the end of a run and what finally says does that when it
// is started again, once; and where somebody stopped the run at the robot, it says so
// and leaves it to a person.
func TestDeviceClosesWhatItLeftOpen(t *testing.T) {
	for name, c := range map[string]struct {
		do     mishap.Kind
		closes bool
	}{
		"the robot gave up":      {mishap.CommandFailed, true},
		"it was stopped by hand": {mishap.Stopped, false},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := emulator.New(emulator.Options{
				Clock: emulator.NoTime(), Serial: "S1", Pipettes: map[string]string{"right": "p300_single_gen2"},
				Faults: emulator.Faults{Script: mishap.Script{Events: []mishap.Event{{At: "3.1", Do: c.do}}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(e.Close)
			robot := httptest.NewServer(e.Handler())
			t.Cleanup(robot.Close)
			file, text := journalFile(t), mixText+"finally: [{lights: off}]\n"
			d := bench(t, robot.URL, file, text)
			d.Service.Around = func(j run.Journal) run.Journal { return powerless{j} }
			stop := served(t, d)
			v := submit(t, d, Request{Task: "mix-colors"})
			until(t, d, v.ID, nil)
			stop()
			store, err := d.Service.Journal(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			left := func() string {
				sum, err := store.Find(t.Context(), v.ID)
				if err != nil {
					t.Fatal(err)
				}
				text, err := Unclosed(t.Context(), store, sum)
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			if text := left(); !strings.Contains(text, "was not done: 1 step; do it with: ot2flow runs resume "+v.ID+" --finally") {
				t.Fatalf("it says %q", text)
			}
			if now, err := d.View(t.Context(), v.ID); err != nil || now.Unclosed != left() {
				t.Errorf("its view says %q, %v", now.Unclosed, err)
			}
			closings := 0
			for range 2 {
				said := make(chan string, 100)
				again := bench(t, robot.URL, file, text)
				again.Log = func(n Note) {
					select {
					case said <- n.Text:
					default:
					}
				}
				stop := served(t, again)
				if c.closes {
					until(t, again, submit(t, again, Request{Task: "mix-colors", Given: []byte(`{"R": "0 uL"}`)}).ID, nil) // what is begun comes behind it
				}
				select {
				case first := <-said:
					if !c.closes && !strings.Contains(first, "was not done: 1 step") {
						t.Errorf("it says %q, and nothing of what is left to be done", first)
					}
				case <-time.After(30 * time.Second):
					t.Error("nothing is said")
				}
				stop()
			}
			for e, err := range store.Events(t.Context(), journal.Query{Run: v.ID}) {
				if err != nil {
					t.Fatal(err)
				}
				if c, is := e.Record.Event.(run.Continued); is && c.Closing {
					closings++
				}
			}
			if want := map[bool]int{true: 1}[c.closes]; closings != want || (left() == "") != c.closes {
				t.Errorf("it was closed %d times, want %d; %s", closings, want, left())
			}
		})
	}
}
