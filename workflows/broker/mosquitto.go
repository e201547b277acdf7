package broker

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
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

// The files of a configuration. Beside them there is one for each user, with the password.
const (
	ConfigFile    = "mosquitto.conf"
	PasswordsFile = "passwords"
	RulesFile     = "acl"
)

// PasswordFile is where the password of a user is.
func PasswordFile(name string) string { return name + ".password" }

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
	seen := map[string]bool{}
	for _, u := range o.Users {
		if err := u.check(); err != nil {
			return nil, err
		}
		if seen[strings.ToLower(u.Name)] { // in one letter of a name nobody sees a difference
			return nil, fmt.Errorf("there are two users %s", u.Name)
		}
		seen[strings.ToLower(u.Name)] = true
	}
	switch {
	case len(o.Users) == 0:
		return nil, errors.New("there is nobody who may come: name devices, controllers or sensors")
	case (o.Certificate == "") != (o.Key == ""):
		return nil, errors.New("a certificate and its key belong together")
	case o.Certificate == "" && !o.Local:
		return nil, errors.New("a broker that others reach shows a certificate, or everybody in the network reads the passwords")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	known, err := passwords(filepath.Join(dir, PasswordsFile))
	if err != nil {
		return nil, err
	}
	var lines, rules bytes.Buffer
	fmt.Fprintln(&rules, "# Who may do what. Made by ot2flow; what is not here is nobody's.")
	for _, u := range o.Users {
		hash := known[u.Name]
		if hash == "" {
			if hash, err = newPassword(filepath.Join(dir, PasswordFile(u.Name))); err != nil {
				return nil, err
			}
			made = append(made, u)
		}
		fmt.Fprintf(&lines, "%s:%s\n", u.Name, hash)
		fmt.Fprintf(&rules, "\n# a %s\nuser %s\n", u.Role, u.Name)
		for _, r := range u.Rules() {
			fmt.Fprintf(&rules, "topic %s %s\n", access(r), r.Topic)
		}
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{PasswordsFile, lines.Bytes()}, {RulesFile, rules.Bytes()}, {ConfigFile, o.config(dir)}} {
		if err := whole.Replace(filepath.Join(dir, f.name), f.data, 0o600); err != nil {
			return nil, err
		}
	}
	return made, nil
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

// passwords reads who is known, by name; nobody where there is no file.
func passwords(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if name, hash, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			out[name] = hash
		}
	}
	return out, nil
}

// rounds is how often a password is hashed. It is random, so that nobody tries them out.
const rounds = 101

// newPassword writes a password into a file that only its owner reads, and returns what
// mosquitto knows it by.
func newPassword(file string) (string, error) {
	password := rand.Text()
	if err := whole.Replace(file, []byte(password+"\n"), 0o600); err != nil {
		return "", err
	}
	salt := make([]byte, 12)
	_, _ = rand.Read(salt) // it never fails
	key, err := pbkdf2.Key(sha512.New, password, salt, rounds, 64)
	if err != nil {
		return "", err
	}
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("$7$%d$%s$%s", rounds, encode(salt), encode(key)), nil
}
