package outside

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
)

// ParseMail reads the address of a mail server:
// smtp://user:password@mail.example.org:587?from=robot@example.org. An empty
// text is no server.
func ParseMail(address string) (Mail, error) {
	if address == "" {
		return Mail{}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "smtp" || u.Hostname() == "" {
		return Mail{}, errors.New("a mail server is written as smtp://user:password@mail.example.org:587?from=robot@example.org")
	}
	password, _ := u.User.Password()
	m := Mail{Server: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "25")), User: u.User.Username(), Password: password}
	m.From = cmp.Or(u.Query().Get("from"), m.User, "ot2flow@"+u.Hostname())
	return m, nil
}

func tlsFor(host string) *tls.Config {
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
}
