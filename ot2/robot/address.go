package robot

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Port is where an OT-2 listens.
const Port = "31950"

// ParseAddress returns the base URL for what people write: http://host:port,
// host, host:port, or an IPv6 address with or without brackets and zone. A
// missing port is Port.
func ParseAddress(s string) (string, error) {
	s = strings.TrimSpace(s)
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		scheme, rest = "http", s
	}
	if scheme != "http" && scheme != "https" {
		return "", fmt.Errorf("%q is no address of a robot; write a host name or http://HOST:%s", s, Port)
	}
	host, path, _ := strings.Cut(rest, "/")
	host, port, err := hostPort(host)
	if err != nil {
		return "", fmt.Errorf("%q is no address of a robot: %w", s, err)
	}
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port), Path: strings.TrimRight("/"+path, "/")}
	if _, err := url.Parse(u.String()); err != nil {
		return "", fmt.Errorf("%q is no address of a robot", s)
	}
	return u.String(), nil
}

func hostPort(s string) (host, port string, err error) {
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	ip, _, _ := strings.Cut(bare, "%")
	if net.ParseIP(ip) != nil { // an address alone, whose colons part no port
		return bare, Port, nil
	}
	host, port = s, Port
	if strings.ContainsRune(s, ':') {
		if host, port, err = net.SplitHostPort(s); err != nil {
			return "", "", fmt.Errorf("it has a colon and no port")
		}
	}
	switch {
	case host == "" || strings.ContainsAny(host, " \t?#@"):
		return "", "", fmt.Errorf("it names no host")
	case !isPort(port):
		return "", "", fmt.Errorf("%q is no port", port)
	}
	return host, port, nil
}

func isPort(s string) bool {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' || n > 65535 {
			return false
		}
		n = n*10 + int(r-'0')
	}
	return n > 0 && n <= 65535
}
