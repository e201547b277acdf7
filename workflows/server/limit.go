package server

import (
	"math"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// limited takes so many connections at a time, and so many of them from one address;
// others wait to be taken, or are closed at once.
type limited struct {
	net.Listener
	free   chan struct{} // holds a token for each connection there is
	within time.Duration // what is written has to be taken; a test makes it shorter

	mu   sync.Mutex
	from map[netip.Addr]int
}

func newLimited(l net.Listener) *limited {
	return &limited{Listener: l, free: make(chan struct{}, maxConns), within: writeWithin, from: map[netip.Addr]int{}}
}

// Accept waits until there are fewer connections, and then for the next one.
func (l *limited) Accept() (net.Conn, error) {
	l.free <- struct{}{}
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.free
			return nil, err
		}
		from, local := sender(c.RemoteAddr().String())
		if local || l.enter(from) {
			return &counted{Conn: c, limited: l, from: from}, nil
		}
		_ = c.Close() // it gets no answer: one would cost more than it may
	}
}

// enter counts a connection, unless there are enough from there.
func (l *limited) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from[from] >= maxConnsEach {
		return false
	}
	l.from[from]++
	return true
}

func (l *limited) leave(from netip.Addr) {
	<-l.free
	if !from.IsValid() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from[from]--; l.from[from] <= 0 {
		delete(l.from, from)
	}
}

type counted struct {
	net.Conn
	limited *limited
	from    netip.Addr // not valid where nobody counts
	once    sync.Once
	until   atomic.Int64 // what is written now has to be taken, in ns since 1970; 0 where that is not said
}

// writeWithin is how long a client may take to read what it asked for, at most, before
// it is given up: it holds a connection.
const writeWithin = time.Minute

// Write gives the client time to take what comes. Where one answer comes soon after the
// other, that is not said anew for each.
func (c *counted) Write(data []byte) (int, error) {
	if now := time.Now(); c.until.Load()-now.UnixNano() < int64(c.limited.within/2) {
		until := now.Add(c.limited.within)
		if err := c.Conn.SetWriteDeadline(until); err != nil {
			return 0, err
		}
		c.until.Store(until.UnixNano())
	}
	return c.Conn.Write(data)
}

// SetWriteDeadline is for those who know better, until they take it back.
func (c *counted) SetWriteDeadline(t time.Time) error {
	c.known(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline is that, for what is read, too.
func (c *counted) SetDeadline(t time.Time) error {
	c.known(t)
	return c.Conn.SetDeadline(t)
}

func (c *counted) known(until time.Time) {
	if until.IsZero() {
		c.until.Store(0)
		return
	}
	c.until.Store(math.MaxInt64)
}

// Close makes room for another one.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.limited.leave(c.from) })
	return err
}
