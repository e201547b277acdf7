package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Tokens say who asks for something from another computer. They are kept in the
// journal, beside what is done under their names: whoever may write the one may write
// the other, a server and the command line share them at once, and that one was made
// or revoked is in the same transaction as the note of it. The journal has hashes
// alone. A secret is 256 random bits, so that a plain SHA-256 is as good as a slow
// hash would be for a password.

// Role is what a token is good for. Each includes those before it.
type Role uint8

// The roles.
const (
	Anybody  Role = iota // who shows no token
	Viewer               // sees everything, and changes nothing
	Operator             // has runs carried out, answers and stops them
	Admin                // also decides how the server works
)

var roleNames = []string{"anybody", "viewer", "operator", "admin"}

// String returns the name of the role.
func (r Role) String() string { return roleNames[r] }

// ReadRole reads the name of a role that a token may have.
func ReadRole(text string) (Role, error) {
	if i := slices.Index(roleNames, text); i > 0 {
		return Role(i), nil
	}
	names := roleNames[1:]
	if near, ok := diag.Nearest(text, names); ok {
		return 0, usage("there is no role %s; did you mean %s?", text, near)
	}
	return 0, usage("there is no role %s; there are %s", text, strings.Join(names, ", "))
}

// secretMark begins every secret, so that programs that look for them in repositories
// and logs can know them.
const secretMark = "ot2flow_"

// NewToken makes a token for somebody, and returns it with its secret, which is known
// to nobody afterwards. Robots are those that it is good for; none is all. The zero
// time is never.
func (s *Service) NewToken(ctx context.Context, name string, role Role, robots []string, expires time.Time) (secret string, t *journal.Token, err error) {
	store, err := s.Journal(ctx)
	if err != nil {
		return "", nil, err
	}
	random := make([]byte, 32+5)
	_, _ = rand.Read(random) // which never fails
	const letters = "0123456789abcdefghjkmnpqrstvwxyz"
	id := make([]byte, 5)
	for i := range id {
		id[i] = letters[random[32+i]%32]
	}
	secret = secretMark + string(id) + "_" + base64.RawURLEncoding.EncodeToString(random[:32])
	t = &journal.Token{ID: string(id), Hash: sha256.Sum256([]byte(secret)), Name: name, Role: role.String(), Robots: robots, Expires: expires}
	if err := store.AddToken(ctx, Myself(), t); err != nil {
		return "", nil, cannot("%v", err)
	}
	return secret, t, nil
}

// Caller is who shows a token.
type Caller struct {
	Name   string
	Token  string // its id
	Role   Role
	robots []string
	hash   [sha256.Size]byte
}

// Everywhere reports whether the caller's token is good for all robots.
func (c *Caller) Everywhere() bool { return c.robots == nil }

// May reports whether the caller's token is good for a robot.
func (c *Caller) May(robot string) bool { return c.Everywhere() || slices.Contains(c.robots, robot) }

// Keyring knows the tokens of a journal. Its methods may be called by several
// goroutines.
type Keyring struct {
	service *Service

	mu     sync.Mutex
	read   time.Time
	tokens map[[sha256.Size]byte]*journal.Token
}

// NewKeyring returns a keyring of the service's journal.
func NewKeyring(s *Service) *Keyring { return &Keyring{service: s} }

// The tokens are read again when they were read so long ago: that one was revoked is
// noticed then. One that is not known may have been made just now.
const (
	tokensHold   = time.Second
	strangerHold = 100 * time.Millisecond
)

// errStranger is the error of a secret that was never that of a token.
var errStranger = errors.New("this token is not known here")

// Find returns whose secret it is. The error says for people why it is worth nothing;
// it never has the secret in it.
func (k *Keyring) Find(ctx context.Context, secret string) (*Caller, error) {
	if !strings.HasPrefix(secret, secretMark) {
		return nil, fmt.Errorf("%w; one begins with %s", errStranger, secretMark)
	}
	return k.find(ctx, sha256.Sum256([]byte(secret)))
}

// Still reports whether a caller's token is worth something still, for what takes
// long.
func (k *Keyring) Still(ctx context.Context, c *Caller) error {
	if c == nil {
		return nil
	}
	_, err := k.find(ctx, c.hash)
	return err
}

func (k *Keyring) find(ctx context.Context, hash [sha256.Size]byte) (*Caller, error) {
	t, err := k.token(ctx, hash)
	switch {
	case err != nil:
		return nil, err
	case t == nil || subtle.ConstantTimeCompare(t.Hash[:], hash[:]) != 1:
		return nil, errStranger
	case !t.Revoked.IsZero():
		return nil, fmt.Errorf("token %s of %s was revoked", t.ID, t.Name)
	case !t.Expires.IsZero() && !time.Now().Before(t.Expires):
		return nil, fmt.Errorf("token %s of %s was good until %s", t.ID, t.Name, t.Expires.Local().Format("2006-01-02 15:04"))
	}
	role, err := ReadRole(t.Role)
	if err != nil {
		return nil, fmt.Errorf("token %s is that of a newer version: %w", t.ID, err)
	}
	return &Caller{Name: t.Name, Token: t.ID, Role: role, robots: t.Robots, hash: hash}, nil
}

// token looks a token up, in what was read of them lately.
func (k *Keyring) token(ctx context.Context, hash [sha256.Size]byte) (*journal.Token, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, there := k.tokens[hash]
	old := time.Since(k.read)
	if old < strangerHold || there && old < tokensHold {
		return t, nil
	}
	store, err := k.service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	all, err := store.Tokens(ctx)
	if err != nil {
		return nil, cannot("%v", err)
	}
	k.tokens = make(map[[sha256.Size]byte]*journal.Token, len(all))
	for _, t := range all {
		k.tokens[t.Hash] = t
	}
	k.read = time.Now()
	return k.tokens[hash], nil
}

// Tokens returns all tokens that were ever made, in order.
func (s *Service) Tokens(ctx context.Context) ([]*journal.Token, error) {
	store, err := s.Journal(ctx)
	if err != nil {
		return nil, err
	}
	list, err := store.Tokens(ctx)
	if err != nil {
		return nil, cannot("%v", err)
	}
	return list, nil
}

// Revoke makes a token worthless, by its id.
func (s *Service) Revoke(ctx context.Context, id string) error {
	list, err := s.Tokens(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, t := range list {
		ids = append(ids, t.ID)
	}
	if !slices.Contains(ids, id) {
		if near, ok := diag.Nearest(id, ids); ok {
			return usage("there is no token %s; did you mean %s?", id, near)
		}
		return usage("there is no token %s; ot2flow tokens list shows those there are", id)
	}
	store, err := s.Journal(ctx)
	if err != nil {
		return err
	}
	if was, err := store.RevokeToken(ctx, Myself(), id); err != nil {
		return cannot("%v", err)
	} else if !was {
		return usage("token %s was revoked before", id)
	}
	return nil
}
