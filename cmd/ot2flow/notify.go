package main

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// What systemd is told where it has begun the server and wants to know: that it serves,
// that it is about to end, and every now and then that it is well (sd_notify(3)).

// tellSystem sends a line to whoever began the program, if they want to hear of it.
func tellSystem(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}) // a name that begins with @ is abstract
	if err != nil {
		return // whoever does not listen does not miss it
	}
	defer func() { _ = c.Close() }()
	_, _ = c.Write([]byte(state)) // as above
}

// beWatched says that the server is well as often as the system wants to hear it, as
// long as it is.
func beWatched(ctx context.Context, well func(context.Context) error) {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return
	}
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 {
		return
	}
	tick := time.NewTicker(time.Duration(us) * time.Microsecond / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if well(ctx) == nil {
				tellSystem("WATCHDOG=1")
			}
		}
	}
}
