package mqtt

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// The kinds of packets that differ between MQTT 3.1.1 and 5.
const (
	connect = iota + 1
	connack
	publish
	_
	_
	_
	_
	subscribe
	suback
	unsubscribe
	unsuback
	_
	_
	disconnect
)

// maxPacket is how long a packet may be, in bytes. Ours are far shorter.
const maxPacket = 16 << 20

// wire is a connection over which whole packets go, each in one piece. To a broker that
// only knows 3.1.1 they are written as that has them, and what it sends is read as if it
// were MQTT 5.
type wire struct {
	net.Conn
	sync.Mutex // for those who write packets in several parts

	old     bool
	ancient *atomic.Bool // is set where the broker turns out to know 3.1.1 only

	out []byte // of a packet that is not whole yet

	in     *bufio.Reader
	packet []byte // what is left of the last one that was read

	unsubscribed map[uint16]int // how many topics are asked for under a number
	mu           sync.Mutex
}

func newWire(c net.Conn, old bool, ancient *atomic.Bool) *wire {
	return &wire{Conn: c, old: old, ancient: ancient, in: bufio.NewReaderSize(c, 16<<10), unsubscribed: map[uint16]int{}}
}

var errMalformed = errors.New("the broker sent what is no MQTT")

// header reads the kind of a packet and how long its body is; n is how long the header
// itself is, or 0 where it is not whole.
func header(b []byte) (length, n int, err error) {
	for i := 1; i < len(b) && i <= 4; i++ {
		length |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			return length, i + 1, nil
		}
	}
	if len(b) > 4 {
		return 0, 0, errMalformed
	}
	return 0, 0, nil
}

// Write takes parts of packets, and sends each packet when it is whole.
func (w *wire) Write(part []byte) (int, error) {
	w.out = append(w.out, part...)
	for {
		length, n, err := header(w.out)
		if err != nil {
			return 0, err
		}
		if n == 0 || len(w.out) < n+length {
			return len(part), nil
		}
		packet := w.out[:n+length]
		if w.old {
			packet = w.toOld(packet[0], packet[n:])
		}
		_, err = w.Conn.Write(packet)
		if w.out = append(w.out[:0], w.out[n+length:]...); err != nil {
			return 0, err
		}
	}
}

// Read gives what the broker sends.
func (w *wire) Read(to []byte) (int, error) {
	if len(w.packet) == 0 {
		if err := w.next(); err != nil {
			return 0, err
		}
	}
	n := copy(to, w.packet)
	w.packet = w.packet[n:]
	return n, nil
}

// next reads a packet.
func (w *wire) next() error {
	var head []byte
	for {
		b, err := w.in.ReadByte()
		if err != nil {
			return err
		}
		head = append(head, b)
		length, n, err := header(head)
		switch {
		case err != nil:
			return err
		case n == 0:
			continue
		case length > maxPacket:
			return errMalformed
		}
		packet := append(head, make([]byte, length)...)
		for at := n; at < len(packet); {
			m, err := w.in.Read(packet[at:])
			if err != nil {
				return err
			}
			at += m
		}
		if head[0]>>4 == connack && length == 2 { // without properties, which those of MQTT 5 have
			w.ancient.Store(true)
			packet = whole(head[0], []byte{packet[n], connackCodes[min(int(packet[n+1]), len(connackCodes)-1)], 0})
		} else if w.old {
			packet = w.fromOld(packet[0], packet[n:])
		}
		if packet == nil {
			return errMalformed
		}
		w.packet = packet
		return nil
	}
}

// connackCodes are what MQTT 5 says for the answers of 3.1.1.
var connackCodes = [...]byte{0, 0x84, 0x85, 0x88, 0x86, 0x87, 0x80}

// whole is a packet with its header.
func whole(first byte, body []byte) []byte {
	out := []byte{first}
	for n := len(body); ; {
		b := byte(n & 0x7f)
		if n >>= 7; n > 0 {
			out = append(out, b|0x80)
			continue
		}
		return append(append(out, b), body...)
	}
}

// properties returns how many bytes of b the properties take that are at its beginning,
// with their own length.
func properties(b []byte) int {
	length, n, err := header(append([]byte{0}, b[:min(4, len(b))]...))
	if err != nil || n == 0 {
		return 0
	}
	return min(n-1+length, len(b))
}

// text is how many bytes a text at the beginning of b takes.
func text(b []byte) int {
	if len(b) < 2 {
		return len(b)
	}
	return min(2+int(binary.BigEndian.Uint16(b)), len(b))
}

// toOld writes a packet of MQTT 5, which we made, as 3.1.1 has it.
func (w *wire) toOld(first byte, b []byte) []byte {
	switch first >> 4 {
	case connect: // name, version, flags, keep-alive, properties; client id, will
		at := text(b) + 4
		out := append([]byte{}, b[:at]...)
		out[text(b)] = 4
		rest := b[at+properties(b[at:]):]
		id := text(rest)
		out, rest = append(out, rest[:id]...), rest[id:]
		if b[text(b)+1]&0x04 != 0 { // a will, with properties of its own
			rest = rest[properties(rest):]
		}
		return whole(first, append(out, rest...))
	case publish: // topic, number, properties, payload
		at := text(b)
		if first&0x06 != 0 {
			at += 2
		}
		return whole(first, append(append([]byte{}, b[:at]...), b[at+properties(b[at:]):]...))
	case subscribe: // number, properties, topics with options, of which 3.1.1 knows the QoS
		out, rest := append([]byte{}, b[:2]...), b[2+properties(b[2:]):]
		for len(rest) > 0 {
			n := text(rest)
			out = append(append(out, rest[:n]...), rest[n]&0x03)
			rest = rest[n+1:]
		}
		return whole(first, out)
	case unsubscribe: // number, properties, topics
		rest, n := b[2+properties(b[2:]):], 0
		for at := 0; at < len(rest); n++ {
			at += text(rest[at:])
		}
		w.mu.Lock()
		w.unsubscribed[binary.BigEndian.Uint16(b)] = n
		w.mu.Unlock()
		return whole(first, append(append([]byte{}, b[:2]...), rest...))
	case disconnect:
		return whole(first, nil)
	case connack + 2, connack + 3, connack + 4, connack + 5: // acknowledgements: number, reason
		return whole(first, b[:2])
	}
	return whole(first, b)
}

// fromOld reads a packet of 3.1.1 as one of MQTT 5; nil where it is none.
func (w *wire) fromOld(first byte, b []byte) []byte {
	switch kind := first >> 4; kind {
	case publish:
		at := text(b)
		if first&0x06 != 0 {
			at += 2
		}
		if len(b) < max(2, at) {
			return nil
		}
		return whole(first, bytes.Join([][]byte{b[:at], {0}, b[at:]}, nil))
	case suback, unsuback:
		if len(b) < 2 {
			return nil
		}
		out := append(append([]byte{}, b[:2]...), 0)
		if kind == suback {
			return whole(first, append(out, b[2:]...))
		}
		id := binary.BigEndian.Uint16(b)
		w.mu.Lock()
		n := w.unsubscribed[id]
		delete(w.unsubscribed, id)
		w.mu.Unlock()
		return whole(first, append(out, make([]byte, n)...))
	}
	return whole(first, b)
}
