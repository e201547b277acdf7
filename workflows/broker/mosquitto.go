package broker

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ot2flow/ot2flow/workflows/whole"
)

// Order is what a configuration of mosquitto is to have.
type Order struct {
	Users   []User
	Address string // to listen on; empty is every one
	Port    int
	// The certificate by which clients know the broker, and its key. Without them it
	// listens on this computer only.
	Certificate, Key string
	Local            bool // it listens on this computer only
}

// The files of a configuration of mosquitto, beside those of the users.
const (
	ConfigFile = "mosquitto.conf"
	RulesFile  = "acl"
)

// The limits of what a broker takes, in bytes and messages. A job is far smaller; of what
// is kept for one who is away, a week of jobs is a few thousand.
const (
	maxMessage = 4 << 20
	maxQueued  = 10_000
)

// Mosquitto writes a configuration into a folder, which is made. Users that are there keep
// their passwords, those that are not ordered are gone, and new ones get a password that
// nobody can guess; these are returned.
func Mosquitto(dir string, o Order) (made []User, err error) {
	switch {
	case (o.Certificate == "") != (o.Key == ""):
		return nil, errors.New("a certificate and its key belong together")
	case o.Certificate == "" && !o.Local:
		return nil, errors.New("a broker that others reach shows a certificate, or everybody in the network reads the passwords")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if made, err = Users(dir, o.Users); err != nil {
		return nil, err
	}
	var rules bytes.Buffer
	fmt.Fprintln(&rules, "# Who may do what. Made by ot2flow; what is not here is nobody's.")
	for _, u := range o.Users {
		fmt.Fprintf(&rules, "\n# a %s\nuser %s\n", u.Role, u.Name)
		for _, r := range u.Rules() {
			fmt.Fprintf(&rules, "topic %s %s\n", access(r), r.Topic)
		}
	}
	return made, errors.Join(whole.Replace(filepath.Join(dir, RulesFile), rules.Bytes(), 0o600), whole.Replace(filepath.Join(dir, ConfigFile), o.config(dir), 0o600))
}

func access(r Rule) string {
	switch {
	case r.Read && r.Write:
		return "readwrite"
	case r.Write:
		return "write"
	}
	return "read"
}

// config is mosquitto's own file.
func (o *Order) config(dir string) []byte {
	var b bytes.Buffer
	address := o.Address
	if o.Local {
		address = "127.0.0.1"
	}
	fmt.Fprintln(&b, "# Made by ot2flow.")
	fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprintf("listener %d %s", o.Port, address)))
	if o.Certificate != "" {
		fmt.Fprintf(&b, "certfile %s\nkeyfile %s\ntls_version tlsv1.2\n", o.Certificate, o.Key)
	}
	fmt.Fprintf(&b, "allow_anonymous false\npassword_file %s\nacl_file %s\n", filepath.Join(dir, PasswordsFile), filepath.Join(dir, RulesFile))
	fmt.Fprintf(&b, "message_size_limit %d\nmax_queued_messages %d\nmax_keepalive 600\npersistent_client_expiration 14d\npersistence true\npersistence_location %s/\nautosave_interval 30\n", maxMessage, maxQueued, dir)
	return b.Bytes()
}
