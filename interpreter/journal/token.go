package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Token is what somebody shows a device server to say who they are. The journal has
// a hash of it, and nobody but its owner the secret.
type Token struct {
	ID      string // by which people name it; no secret
	Hash    [sha256.Size]byte
	Name    string   // whose it is
	Role    string   // what it is good for, in the server's words
	Robots  []string // of which robots; nil is all
	Made    time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero while it was not
}

// AddToken keeps a new token, with who made it.
func (s *Store) AddToken(ctx context.Context, by Holder, o *Token) error {
	robots, err := json.Marshal(o.Robots)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		o.Made = timeOf(t.now)
		if err := t.exec("INSERT INTO tokens (id, hash, name, role, robots, made, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
			o.ID, hex.EncodeToString(o.Hash[:]), o.Name, o.Role, string(robots), t.now, orNull(o.Expires)); err != nil {
			return err
		}
		return t.deed(&Deed{By: by, What: "made token " + o.ID + " for " + o.Name + ", " + o.Role, Outcome: Done})
	})
}

func orNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UnixNano()
}

// Tokens returns all tokens that were ever made, in order.
func (s *Store) Tokens(ctx context.Context) ([]*Token, error) {
	return rowsOf(ctx, s, "SELECT id, hash, name, role, robots, made, coalesce(expires, 0), coalesce(revoked, 0) FROM tokens ORDER BY key", func(scan func(...any) error) (*Token, error) {
		o := &Token{}
		var hash string
		var robots []byte
		var made, expires, revoked int64
		if err := scan(&o.ID, &hash, &o.Name, &o.Role, &robots, &made, &expires, &revoked); err != nil {
			return o, err
		}
		_, err := hex.Decode(o.Hash[:], []byte(hash))
		if err == nil && len(hash) != 2*len(o.Hash) {
			err = fmt.Errorf("a hash has %d digits", len(hash))
		}
		if err == nil {
			err = json.Unmarshal(robots, &o.Robots)
		}
		if err != nil {
			return o, &Error{s.path, Damaged, fmt.Errorf("token %s: %w", o.ID, err)}
		}
		o.Made = timeOf(made)
		if expires != 0 {
			o.Expires = timeOf(expires)
		}
		if revoked != 0 {
			o.Revoked = timeOf(revoked)
		}
		return o, nil
	})
}

// RevokeToken makes a token worthless, for good. It reports whether it was worth
// anything before: it may have been revoked already.
func (s *Store) RevokeToken(ctx context.Context, by Holder, id string) (bool, error) {
	var n int64
	err := s.write(ctx, func(t *tx) error {
		var err error
		if n, err = t.count("UPDATE tokens SET revoked = ? WHERE id = ? AND revoked IS NULL", t.now, id); err != nil || n == 0 {
			return err
		}
		return t.deed(&Deed{By: by, What: "revoked token " + id, Outcome: Done})
	})
	return n > 0, err
}
