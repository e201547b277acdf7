//go:build unix

package main

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

// screen is what a person sees, who acts when something new appears.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	acts []act
}

// act is a Ctrl-C, or another signal, once text is on the screen.
type act struct {
	text   string
	signal syscall.Signal
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	for len(s.acts) > 0 && strings.Contains(s.text.String(), s.acts[0].text) {
		signal := cmp.Or(s.acts[0].signal, syscall.SIGINT)
		s.acts = s.acts[1:]
		if err := syscall.Kill(os.Getpid(), signal); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Ctrl-C stops at a good place, twice at once, three times leaves the robot;
// before anything was started it gives up.
func TestInterrupts(t *testing.T) {
	slow := emulator.Scaled(20)
	for _, c := range []struct {
		name    string
		options emulator.Options
		acts    []act
		code    int
		says    []string
	}{
		{"once", emulator.Options{Clock: slow}, []act{{text: "step 1/9"}}, exitStopped, []string{"stopping after step 4, a good place; Ctrl-C again stops at once"}},
		{"twice", emulator.Options{Clock: slow}, []act{{text: "step 1/9"}, {text: "a good place"}}, exitStopped, []string{"stopping at once; Ctrl-C again leaves the robot as it is", "was cut off; how much of it happened is not known"}},
		{"three times", emulator.Options{Clock: slow, Faults: emulator.Faults{StopHangs: true}}, []act{{text: "step 1/9"}, {text: "a good place"}, {text: "stopping at once"}}, exitCannot, []string{"the robot was left to itself", "/runs/"}},
		{"before it began", emulator.Options{Faults: emulator.Faults{AnalysisStuck: true}}, []act{{text: "the robot analyses the protocol"}}, exitStopped, []string{"giving up; nothing has moved", "nothing was done"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, address := emulated(t, c.options)
			s := &screen{acts: c.acts}
			start := time.Now()
			code := ot2flow([]string{"apply", written(t, robotWorkflow), "--robot", address, "--yes"}, strings.NewReader("\n"), io.Discard, s)
			if code != c.code {
				t.Errorf("exit %d, want %d, after %s", code, c.code, time.Since(start))
			}
			for _, text := range c.says {
				if !strings.Contains(s.text.String(), text) {
					t.Errorf("%q is missing", text)
				}
			}
			if t.Failed() {
				t.Log(s.text.String())
			}
			if r := e.Result(); strings.HasPrefix(c.name, "before") && r != nil && r.Steps > 0 {
				t.Error("the robot moved")
			}
		})
	}
}

// A program that is told to end pauses the robot at a good place, where no tip
// holds liquid, and leaves the run, which is gone on with.
func TestTerminated(t *testing.T) {
	e, address := emulated(t, emulator.Options{Clock: emulator.Scaled(20)})
	state := filepath.Join(t.TempDir(), "runs.db")
	s := &screen{acts: []act{{"step 1/9", syscall.SIGTERM}}}
	code := ot2flow([]string{"apply", written(t, robotWorkflow), "--robot", address, "--yes", "--state", state}, strings.NewReader(""), io.Discard, s)
	if text := s.text.String(); code != exitCannot || !strings.Contains(text, "pausing the robot at a good place first") {
		t.Fatalf("exit %d: %s", code, text)
	}
	if got := heldBy(t, e, "B1"); got != 0 && got != 100_000 {
		t.Errorf("B1 holds %d nL", got)
	}
	// Enter is pressed as long as the robot stands, and once at the pause.
	code, stdout, stderr := called([]string{"runs", "resume", "last", "--yes", "--state", state}, strings.Repeat("\n", 1000))
	if code != exitFine {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	for _, well := range []string{"B1", "C1"} {
		if got := heldBy(t, e, well); got != 100_000 {
			t.Errorf("%s holds %d nL", well, got)
		}
	}
}
