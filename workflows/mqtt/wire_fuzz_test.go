package mqtt

import (
	"bytes"
	"net"
	"sync/atomic"
	"testing"
)

// stream is a connection on which something came.
type stream struct {
	net.Conn
	*bytes.Reader
}

func (s stream) Read(to []byte) (int, error) { return s.Reader.Read(to) }

// Whatever a broker sends, it is read or refused, as is what it is translated to.
func FuzzWire(f *testing.F) {
	f.Add([]byte{0x20, 2, 0, 0}, true)
	f.Add([]byte{0x20, 2, 0, 200}, false)
	f.Add([]byte{0x30, 5, 0, 1, 'a', 'x', 'y'}, true)
	f.Add([]byte{0x32, 3, 0, 1, 'a'}, true)
	f.Add([]byte{0x90, 3, 0, 1, 1, 0xb0, 2, 0, 1}, true)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 1}, false)
	f.Fuzz(func(t *testing.T, data []byte, old bool) {
		var ancient atomic.Bool
		w := newWire(stream{Reader: bytes.NewReader(data)}, old, &ancient)
		to := make([]byte, 100)
		for range len(data) + 1 {
			if _, err := w.Read(to); err != nil {
				return
			}
		}
	})
}
