package robot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Announced is a robot that said on the local network that it is there.
type Announced struct {
	Name    string // of the service, such as opentrons-dev
	Address string // base URL
}

// Multicast is where robots listen for the question who is there (RFC 6762).
func Multicast() *net.UDPAddr { return &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353} }

// service is what robots announce themselves as, beside printers and many
// others: they are told by their port.
const service = "_http._tcp.local."

// Nearby asks at to, which is Multicast outside of tests, which robots are
// there, and listens for answers until wait is over. Networks often keep such
// questions from getting through: that nothing answers says little.
func Nearby(ctx context.Context, to *net.UDPAddr, wait time.Duration) ([]Announced, error) {
	question, err := ask()
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{})
	if err != nil {
		return nil, fmt.Errorf("asking the network for robots: %w", err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.WriteToUDP(question, to); err != nil {
		return nil, fmt.Errorf("asking the network for robots: %w", err)
	}
	var found []Announced
	buf := make([]byte, 9000)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			slices.SortFunc(found, func(a, b Announced) int { return strings.Compare(a.Name+a.Address, b.Name+b.Address) })
			return slices.Compact(found), nil
		}
		if err != nil {
			return found, err
		}
		found = append(found, heard(buf[:n], from.Addr())...)
	}
}

// ask is the question who offers the service, to be answered to the asker only.
func ask() ([]byte, error) {
	name, err := dnsmessage.NewName(service)
	if err != nil {
		return nil, err
	}
	const unicast = 1 << 15
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET | unicast}}}
	return m.Pack()
}

// heard reads the robots out of an answer. One that does not say its address is
// where the answer came from.
func heard(packet []byte, from netip.Addr) []Announced {
	var m dnsmessage.Message
	if m.Unpack(packet) != nil || !m.Response {
		return nil
	}
	addresses := map[string]netip.Addr{}
	records := slices.Concat(m.Answers, m.Additionals)
	for i := range records {
		if a, ok := records[i].Body.(*dnsmessage.AResource); ok {
			addresses[strings.ToLower(records[i].Header.Name.String())] = netip.AddrFrom4(a.A)
		}
	}
	var out []Announced
	for i := range records {
		srv, ok := records[i].Body.(*dnsmessage.SRVResource)
		if !ok || strconv.Itoa(int(srv.Port)) != Port {
			continue
		}
		ip, ok := addresses[strings.ToLower(srv.Target.String())]
		if !ok {
			ip = from.Unmap()
		}
		name, _, _ := strings.Cut(records[i].Header.Name.String(), "._http._tcp")
		out = append(out, Announced{name, "http://" + net.JoinHostPort(ip.String(), Port)})
	}
	return out
}
