//go:build unix

package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// systemSocket is where systemd would listen.
func systemSocket(t *testing.T) *net.UnixConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "n") //nolint:usetesting // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skip("there are no such sockets here: ", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return c
}

// heard waits for what the system is told.
func heard(t *testing.T, c *net.UnixConn, want string) {
	t.Helper()
	b := make([]byte, 1000)
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		n, err := c.Read(b)
		if err != nil {
			t.Fatalf("%s was not said: %v", want, err)
		}
		if strings.Contains(string(b[:n]), want) {
			return
		}
	}
}

// The system hears that the server serves, that it is well, and that it ends.
func TestSystemIsTold(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	c := systemSocket(t)
	t.Setenv("WATCHDOG_USEC", "30000")
	p := serverOf(t, "../../examples/07-question", "sim", filepath.Join(t.TempDir(), "journal.db"))
	heard(t, c, "READY=1")
	heard(t, c, "WATCHDOG=1")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	heard(t, c, "STOPPING=1")
}

// A server that is not well says nothing, so that it is begun again; and one that is
// not the one that is watched, either.
func TestWatchedOnlyWhileWell(t *testing.T) {
	c := systemSocket(t)
	t.Setenv("WATCHDOG_USEC", "3000")
	ctx, cancel := context.WithCancel(t.Context())
	var n int
	beWatched(ctx, func(context.Context) error {
		if n++; n == 3 {
			cancel()
		}
		return errors.New("it is not")
	})
	t.Setenv("WATCHDOG_PID", "1")
	var none sync.WaitGroup
	none.Go(func() { beWatched(t.Context(), func(context.Context) error { return nil }) })
	none.Wait()
	tellSystem("after")
	b := make([]byte, 100)
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	if k, err := c.Read(b); err != nil || string(b[:k]) != "after" {
		t.Errorf("%q %v", b[:k], err)
	}
}
