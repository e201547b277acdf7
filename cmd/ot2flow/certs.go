package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/workflows/certs"
)

func (a *app) certsCommand() *cobra.Command {
	var names []string
	var dir, days string
	c := &cobra.Command{
		Use:   "certs [--name NAME…]",
		Short: "Make a certificate authority for a lab, and a certificate for its server",
		Long: `Makes a certificate for a device server in a folder, signed by an authority of the lab's own.
Where the folder has no authority yet, it is made first. Clients have to trust ca.crt once;
whoever has ca.key can make certificates that they trust, so it stays where it is.

The names are those by which clients call the server: host names and addresses, without port.
By default they are those of this computer. Before the certificate is too old, call it again:
a server that uses the files takes the new ones by itself.`,
		Example: "  ot2flow certs --name bench-3.lab.example --name 192.168.1.7\n  ot2flow serve workflows --robot bench-3 --http 192.168.1.7:8000 --tls-cert certs/server.crt --tls-key certs/server.key",
		Args:    cobra.NoArgs,
	}
	f := c.Flags()
	f.StringArrayVar(&names, "name", nil, "a host name or an address of the server; repeatable")
	f.StringVar(&dir, "out", "certs", "the folder")
	f.StringVar(&days, "for", "365d", "for how long the server's certificate is good")
	c.RunE = func(*cobra.Command, []string) error {
		d, ok := age(days)
		if !ok || d <= 0 {
			return usage("--for %s: write for how long, such as 90d or 1y", days)
		}
		if d > certs.MaxFor {
			return usage("--for %s: clients take the certificate of a server for %d days at most", days, certs.MaxFor/(24*time.Hour))
		}
		if len(names) == 0 {
			names = ownNames()
		}
		for _, name := range names {
			if err := certs.CheckName(name); err != nil {
				return usage("--name: %v", err)
			}
		}
		made, err := certs.Make(dir, certs.Order{Names: names, For: d, Now: time.Now()})
		if err != nil {
			var path *fs.PathError
			if errors.As(err, &path) {
				return cannot("%s: %s", path.Path, reason(err))
			}
			return cannot("%v", err)
		}
		return a.certsMade(dir, made)
	}
	return c
}

// ownNames are those by which this computer may be called.
func ownNames() []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil && certs.CheckName(host) == nil && host != "localhost" {
		names = append([]string{host}, names...)
		if !strings.Contains(host, ".") {
			names = append(names, host+".local")
		}
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return names
	}
	for _, at := range addresses {
		if n, is := at.(*net.IPNet); is && n.IP.IsGlobalUnicast() {
			names = append(names, n.IP.String())
		}
	}
	return names
}

// certsMade says what there is now, and what is to be done with it.
func (a *app) certsMade(dir string, made *certs.Made) error {
	file := func(name string) string { return filepath.Join(dir, name) }
	var names []string
	names = append(names, made.Server.DNSNames...)
	for _, ip := range made.Server.IPAddresses {
		names = append(names, ip.String())
	}
	if made.NewAuthority {
		a.tell("%s  the authority, good until %s; clients have to trust it", file(certs.AuthorityFile), made.Authority.NotAfter.Local().Format(time.DateOnly))
		a.tell("%s  its key, which nobody else may have", file(certs.AuthorityKeyFile))
	}
	a.tell("%s  the certificate of the server, good until %s, for %s", file(certs.ServerFile), made.Server.NotAfter.Local().Format(time.DateOnly), strings.Join(names, ", "))
	a.tell("%s  its key", file(certs.ServerKeyFile))
	_, err := fmt.Fprintf(a.out, `
On the server:
  ot2flow serve … --http :8000 --tls-cert %s --tls-key %s
On clients, with a copy of %s:
  ot2flow call TASK --device https://%s --ca %[3]s
  curl --cacert %[3]s https://%[4]s/health
  Python   ssl.create_default_context(cafile=%[5]q), or verify=%[5]q in requests
  browsers: import it among the authorities; for a whole computer,
    Debian, Ubuntu   copy it to /usr/local/share/ca-certificates, then update-ca-certificates
    Fedora, RHEL     trust anchor %[5]s
    macOS            security add-trusted-cert -k ~/Library/Keychains/login.keychain-db %[5]s
    Windows          certutil -user -addstore Root %[5]s
`, file(certs.ServerFile), file(certs.ServerKeyFile), file(certs.AuthorityFile), net.JoinHostPort(names[0], "8000"), certs.AuthorityFile)
	return a.written(err)
}
