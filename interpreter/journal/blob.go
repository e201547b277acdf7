package journal

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// content is something kept by its hash, deflated.
type content struct {
	hash string
	size int64
	data []byte
}

// packer takes a content as it is written.
type packer struct {
	sum  hash.Hash
	size int64
	out  bytes.Buffer
	flat *flate.Writer
}

func newPacker() *packer {
	p := &packer{sum: sha256.New()}
	p.flat, _ = flate.NewWriter(&p.out, flate.BestSpeed) // a level that exists
	return p
}

// Write adds to the content.
func (p *packer) Write(b []byte) (int, error) {
	p.size += int64(len(b))
	p.sum.Write(b)
	return p.flat.Write(b)
}

func (p *packer) content() (content, error) {
	err := p.flat.Close()
	return content{hex.EncodeToString(p.sum.Sum(nil)), p.size, p.out.Bytes()}, err
}

func packed(data []byte) (content, error) {
	p := newPacker()
	if _, err := p.Write(data); err != nil {
		return content{}, err
	}
	return p.content()
}

// unpack proves that what was kept is what was given.
func unpack(c content) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(c.data))
	data, err := io.ReadAll(io.LimitReader(r, c.size+1))
	if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != c.hash {
		return nil, fmt.Errorf("what was kept under the hash %s is not what it was", c.hash)
	}
	return data, nil
}

// keep stores a content, unless it is there, and returns its key.
func (t *tx) keep(c content) (int64, error) {
	var key int64
	found, err := t.row("SELECT key FROM blobs WHERE hash = ?", []any{c.hash}, &key)
	if err != nil || found {
		return key, err
	}
	return t.insert("INSERT INTO blobs (hash, size, data) VALUES (?, ?, ?)", c.hash, c.size, c.data)
}

// blob reads a content by its key.
func (s *Store) blob(ctx context.Context, key int64) ([]byte, error) {
	var c content
	if err := s.queryRow(ctx, "SELECT hash, size, data FROM blobs WHERE key = ?", []any{key}, &c.hash, &c.size, &c.data); err != nil {
		return nil, s.trouble(err)
	}
	data, err := unpack(c)
	if err != nil {
		return nil, &Error{s.path, Damaged, err}
	}
	return data, nil
}
