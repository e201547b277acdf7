package server

import (
	"net"
	"sync"
)

// limited takes so many connections at a time; others wait to be taken.
type limited struct {
	net.Listener
	free chan struct{} // holds a token for each connection there is
}

// Accept waits until there are fewer connections, and then for the next one.
func (l *limited) Accept() (net.Conn, error) {
	l.free <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &counted{Conn: c, free: l.free}, nil
}

type counted struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

// Close makes room for another one.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.free })
	return err
}
