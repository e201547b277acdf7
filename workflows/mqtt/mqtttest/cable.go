package mqtttest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Cable is a network between clients and a broker that can be cut; those who are on it
// connect again.
type Cable struct {
	URL string // such as mqtt://127.0.0.1:34567

	mu   sync.Mutex
	ends []net.Conn
}

// CableTo lays a cable to a broker, which is there until the end of the test.
func CableTo(t testing.TB, b *Broker) *Cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cable{URL: "mqtt://" + l.Addr().String()}
	var at sync.WaitGroup
	t.Cleanup(func() { l.Close(); c.Cut(); at.Wait() })
	at.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", b.Host())
			if err != nil {
				in.Close()
				continue
			}
			c.mu.Lock()
			c.ends = append(c.ends, in, out)
			c.mu.Unlock()
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				at.Go(func() {
					_, _ = io.Copy(pair[0], pair[1]) // until somebody ends it
					in.Close()
					out.Close()
				})
			}
		}
	})
	return c
}

// Cut ends all connections over the cable.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range c.ends {
		end.Close()
	}
	c.ends = nil
}
