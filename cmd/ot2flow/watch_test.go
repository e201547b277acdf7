package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// printed is an output that hands on what is written.
type printed chan string

func (l printed) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// wait returns when the output has something with text in it.
func (l printed) wait(t *testing.T, text string) {
	t.Helper()
	for timeout := time.After(time.Minute); ; {
		select {
		case got := <-l:
			if strings.Contains(got, text) {
				return
			}
		case <-timeout:
			t.Fatalf("%q is never printed", text)
		}
	}
}

// TestWatch saves a workflow right, wrong and right again, removes it, and
// ends.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "w.yaml")
	save := func(step string) {
		if err := os.WriteFile(file, []byte("ot2flow: 1\nname: w\nsteps:\n  - "+step+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save("delay: 5 s")
	ctx, stop := context.WithCancel(t.Context())
	out, ended := make(printed, 100), make(chan error)
	go func() { ended <- (&app{out: out, err: out}).watch(ctx, []string{dir}, 0) }()
	out.wait(t, "1 step, about 5 s")
	save("delay: 5 uL")
	out.wait(t, "OTF303 wrong-dimension")
	save("delay: 7 s")
	out.wait(t, "1 step, about 7 s")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	out.wait(t, "w is gone")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
