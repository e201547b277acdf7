package journal

import (
	"context"
	"time"
)

// What can be found out again, and takes a while. Losing it loses time only.

// proofsKept is how long something is kept that nobody has kept anew.
const proofsKept = 90 * 24 * time.Hour

// KeepProofs keeps data under a key, in place of what was there.
func (s *Store) KeepProofs(ctx context.Context, key string, data []byte) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.exec("DELETE FROM proofs WHERE at < ?", t.now-int64(proofsKept)); err != nil {
			return err
		}
		return t.exec("INSERT OR REPLACE INTO proofs (key, at, data) VALUES (?, ?, ?)", key, t.now, data)
	})
}

// Proofs returns what was kept under a key; nil is nothing.
func (s *Store) Proofs(ctx context.Context, key string) ([]byte, error) {
	var data []byte
	err := s.queryRow(ctx, "SELECT data FROM proofs WHERE key = ?", []any{key}, &data)
	if isNone(err) {
		return nil, nil
	}
	return data, s.trouble(err)
}
