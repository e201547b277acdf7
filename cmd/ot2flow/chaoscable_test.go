package main

import (
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// proxy is a cable that can be pulled.
type proxy struct {
	listener net.Listener
	port     int
	mu       sync.Mutex
	until    time.Time // nothing goes through
	conns    map[net.Conn]bool
}

func newProxy(port int) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, port: port, conns: map[net.Conn]bool{}}
	go p.serve()
	return p, nil
}

func (p *proxy) address() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.pass(in)
	}
}

func (p *proxy) pass(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(p.port))
	if err != nil {
		return
	}
	defer out.Close()
	if !p.keep(in, out) {
		return
	}
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
		go func() {
			_, err := io.Copy(pair[0], pair[1])
			if err != nil && !errors.Is(err, net.ErrClosed) {
				pair[1].Close()
			}
			done <- struct{}{}
		}()
	}
	<-done
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return false
	}
	for _, c := range conns {
		p.conns[c] = true
	}
	return true
}

// cut pulls the cable for a while.
func (p *proxy) cut(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Now().Add(d)
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

// wait waits until the cable is back in.
func (p *proxy) wait() {
	p.mu.Lock()
	until := p.until
	p.mu.Unlock()
	time.Sleep(time.Until(until))
}

func (p *proxy) close() {
	p.listener.Close()
	p.cut(0)
}
