package server

import (
	"net"
	"net/netip"
	"sync"
)

// limited takes so many connections at a time, and so many of them from one address;
// others wait to be taken, or are closed at once.
type limited struct {
	net.Listener
	free chan struct{} // holds a token for each connection there is

	mu   sync.Mutex
	from map[netip.Addr]int
}

func newLimited(l net.Listener) *limited {
	return &limited{Listener: l, free: make(chan struct{}, maxConns), from: map[netip.Addr]int{}}
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
}

// Close makes room for another one.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.limited.leave(c.from) })
	return err
}
