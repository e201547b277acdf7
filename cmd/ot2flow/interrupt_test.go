//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
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

// act is a Ctrl-C once text is on the screen.
type act struct{ text string }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	for len(s.acts) > 0 && strings.Contains(s.text.String(), s.acts[0].text) {
		s.acts = s.acts[1:]
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
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
		{"once", emulator.Options{Clock: slow}, []act{{"step 1/9"}}, exitStopped, []string{"stopping after step 4, a good place; Ctrl-C again stops at once"}},
		{"twice", emulator.Options{Clock: slow}, []act{{"step 1/9"}, {"a good place"}}, exitStopped, []string{"stopping at once; Ctrl-C again leaves the robot as it is", "was cut off; how much of it happened is not known"}},
		{"three times", emulator.Options{Clock: slow, Faults: emulator.Faults{StopHangs: true}}, []act{{"step 1/9"}, {"a good place"}, {"stopping at once"}}, exitCannot, []string{"the robot was left to itself", "/runs/"}},
		{"before it began", emulator.Options{Faults: emulator.Faults{AnalysisStuck: true}}, []act{{"the robot analyses the protocol"}}, exitStopped, []string{"giving up; nothing has moved", "nothing was done"}},
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
