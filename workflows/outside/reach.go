package outside

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Reach is where requests may go: names of hosts, addresses and networks, each with or
// without a port. A nil Reach is everywhere.
//
// A name is looked up once, where the connection is made, and the address that it gave
// then is the one that is connected to; so it cannot be allowed as one thing and
// reached as another. A name never leads to this computer or to addresses of a link,
// where clouds keep their secrets: those have to be allowed as addresses.
type Reach struct {
	places []place
	client *http.Client
}

// place is a host, or a network, with a port or any.
type place struct {
	name string // in lower case; *.lab.example is everything below lab.example
	net  netip.Prefix
	port string // empty: any
}

// NewReach reads places such as reader.lab.example, *.lab.example:8080, 192.168.1.30
// and 10.1.0.0/16. Of none nothing is within reach.
func NewReach(places []string) (*Reach, error) {
	r := &Reach{}
	for _, text := range places {
		p, err := readPlace(text)
		if err != nil {
			return nil, err
		}
		r.places = append(r.places, p)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // it would be asked for any address
	transport.DialContext = r.dial
	r.client = &http.Client{Transport: transport, CheckRedirect: sameHost}
	return r, nil
}

// dial connects to what is within reach.
func (r *Reach) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: 30 * time.Second}
	d.ControlContext = func(_ context.Context, _, at string, _ syscall.RawConn) error { return r.connects(host, port, at) }
	return d.DialContext(ctx, network, address)
}

// CheckPlace refuses what NewReach does not take.
func CheckPlace(text string) error {
	_, err := readPlace(text)
	return err
}

func readPlace(text string) (place, error) {
	bad := errors.New("a place is a host, an address or a network, such as reader.lab.example, *.lab.example:8080, 192.168.1.30 or 10.1.0.0/16")
	if net, err := netip.ParsePrefix(text); err == nil {
		return place{net: net.Masked()}, nil
	}
	host, port := text, ""
	if h, p, err := net.SplitHostPort(text); err == nil {
		if _, err := strconv.ParseUint(p, 10, 16); err != nil {
			return place{}, bad
		}
		host, port = h, p
	}
	host = strings.Trim(host, "[]")
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return place{net: netip.PrefixFrom(ip, ip.BitLen()), port: port}, nil
	}
	plain := strings.TrimPrefix(host, "*.")
	if plain == "" || strings.ContainsAny(plain, "*/:@ ") {
		return place{}, bad
	}
	return place{name: strings.ToLower(host), port: port}, nil
}

// errBeyond is the error of what is not within reach; nothing was sent.
var errBeyond = errors.New("this server may not reach it")

func beyond(format string, args ...any) error {
	return fmt.Errorf(format+" (%w)", append(args, errBeyond)...)
}

// Check says why a request of a step may not go where it is to go, as far as that can
// be told before: what a name stands for is known when it is looked up.
func (r *Reach) Check(s *program.Step) error {
	if r == nil || s.Live == nil {
		return nil
	}
	text := s.Live.URL
	if s.Op.Kind == program.Notify {
		text = s.Live.To
	}
	u, err := url.Parse(text)
	if err != nil || usual[u.Scheme] == "" || u.Host == "" {
		return nil //nolint:nilerr // it is no request, or has a secret in it, or fails by itself
	}
	return r.goes(u)
}

// usual are the ports of addresses without one.
var usual = map[string]string{"http": "80", "https": "443", "mqtt": "1883", "mqtts": "8883", "ws": "80", "wss": "443"}

// goes says why a request may not go to an address.
func (r *Reach) goes(u *url.URL) error {
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = usual[u.Scheme]
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if !r.allows(ip.Unmap(), port) {
			return beyond("%s is not among the places that workflows may reach; it takes --allow %s", u.Host, host)
		}
		return nil
	}
	if !r.named(host, port) && !r.networks() {
		return beyond("%s is not among the places that workflows may reach; it takes --allow %s", u.Host, host)
	}
	return nil
}

// networks reports whether there are any; a name may lead into one.
func (r *Reach) networks() bool {
	for _, p := range r.places {
		if p.name == "" {
			return true
		}
	}
	return false
}

// connects says why no connection is made to an address that a host stands for.
func (r *Reach) connects(host, port, at string) error {
	to, err := netip.ParseAddrPort(at)
	if err != nil {
		return err
	}
	ip := to.Addr().Unmap().WithZone("")
	switch {
	case r.allows(ip, port):
		return nil
	case !r.named(host, port):
		return beyond("%s is not among the places that workflows may reach; it takes --allow %s", host, host)
	case special(ip):
		return beyond("%s stands for %s, which is this computer or only meant for it; it takes --allow %s", host, ip, ip)
	}
	return nil
}

// special are addresses that mean something else on every computer.
func special(ip netip.Addr) bool {
	return !ip.IsValid() || ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsInterfaceLocalMulticast() ||
		metadata6.Contains(ip) || ip.Is4() && ip.As4()[0] == 0
}

// metadata6 is where a cloud keeps its secrets, beside the addresses of the link.
var metadata6 = netip.MustParsePrefix("fd00:ec2::/32")

// allows reports whether an address is allowed as one.
func (r *Reach) allows(ip netip.Addr, port string) bool {
	for _, p := range r.places {
		if p.name == "" && p.net.Contains(ip) && (p.port == "" || p.port == port) {
			return true
		}
	}
	return false
}

// named reports whether a host is allowed by its name.
func (r *Reach) named(host, port string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, p := range r.places {
		if p.name == "" || p.port != "" && p.port != port {
			continue
		}
		if below, all := strings.CutPrefix(p.name, "*"); p.name == host || all && strings.HasSuffix(host, below) {
			return true
		}
	}
	return false
}
