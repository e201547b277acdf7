package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"
)

// The generator takes its processor time from the server that it measures. So it asks
// over all connections from one thread, which the system tells who has answered.

// conn is a connection that waits for an answer.
type conn struct {
	fd   int
	at   time.Time // when it asked
	n    int       // of the request
	b    []byte    // of the answer, as far as it has come
	want int       // bytes of the answer; 0: not known yet
}

// many asks over connections at a time until the end, and returns how long each answer
// took that was asked for behind the beginning.
func (t *target) many(connections int, begin, end time.Time) ([]time.Duration, error) {
	poll, err := syscall.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(poll)
	conns := map[int32]*conn{}
	for i := range connections {
		c, err := t.connect(i * 7919)
		if err != nil {
			return nil, err
		}
		defer syscall.Close(c.fd)
		conns[int32(c.fd)] = c
		if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, c.fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(c.fd)}); err != nil {
			return nil, err
		}
		if err := t.send(c); err != nil {
			return nil, err
		}
	}
	var took []time.Duration
	events := make([]syscall.EpollEvent, connections)
	for {
		n, err := syscall.EpollWait(poll, events, 10_000)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return nil, err
		case n == 0:
			return nil, errors.New("nothing was answered for 10 s")
		}
		for _, e := range events[:n] {
			c := conns[e.Fd]
			whole, err := c.receive()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.method, err)
			}
			if !whole {
				continue
			}
			now := time.Now()
			if now.After(end) {
				return took, nil
			}
			if c.at.After(begin) {
				took = append(took, now.Sub(c.at))
			}
			if err := t.send(c); err != nil {
				return nil, err
			}
		}
	}
}

func (t *target) connect(n int) (*conn, error) {
	to, err := net.ResolveTCPAddr("tcp4", t.address)
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
		return nil, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	return &conn{fd: fd, n: n, b: make([]byte, 0, 64<<10)}, nil
}

func (t *target) send(c *conn) error {
	c.n++
	request := t.append(c.b[:0], c.n)
	c.at, c.want = time.Now(), 0
	n, err := syscall.Write(c.fd, request)
	c.b = c.b[:0]
	if err == nil && n < len(request) {
		err = errors.New("the request was not taken as a whole")
	}
	return err
}

// receive takes what has come, and reports whether the answer is whole.
func (c *conn) receive() (bool, error) {
	if len(c.b) == cap(c.b) {
		c.b = append(c.b, 0)[:len(c.b)]
	}
	n, err := syscall.Read(c.fd, c.b[len(c.b):cap(c.b)])
	switch {
	case err != nil:
		return false, err
	case n == 0:
		return false, errors.New("the connection was closed")
	}
	c.b = c.b[:len(c.b)+n]
	if c.want == 0 {
		head := bytes.Index(c.b, []byte("\r\n\r\n"))
		if head < 0 {
			return false, nil
		}
		if !bytes.HasPrefix(c.b, []byte("HTTP/1.1 200 ")) {
			return false, fmt.Errorf("it answers %q", c.b[:min(len(c.b), 300)])
		}
		length, err := lengthIn(c.b[:head+2])
		if err != nil {
			return false, err
		}
		c.want = head + 4 + length
	}
	return len(c.b) >= c.want, nil
}

// lengthIn is the Content-Length of a head.
func lengthIn(head []byte) (int, error) {
	for line := range bytes.Lines(head) {
		if len(line) > 15 && line[0]|0x20 == 'c' && bytes.EqualFold(line[:15], []byte("content-length:")) {
			return strconv.Atoi(string(bytes.TrimSpace(line[15:])))
		}
	}
	return 0, errors.New("the answer does not say how long it is")
}
