package certs_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/certs"
)

func order(names ...string) certs.Order {
	return certs.Order{Names: names, For: 24 * time.Hour, Now: time.Now()}
}

func made(t *testing.T, dir string, o certs.Order) *certs.Made {
	t.Helper()
	m, err := certs.Make(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Who trusts the authority trusts the server by its names, and by no other; keys are
// for their owner alone.
func TestMake(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	m := made(t, dir, order("bench-3.lab.example", "192.168.1.7", "::1", "*.lab.example"))
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(filepath.Join(dir, certs.AuthorityFile))
	if err != nil || !pool.AppendCertsFromPEM(ca) || !m.NewAuthority {
		t.Fatal(err, m)
	}
	text, err := os.ReadFile(filepath.Join(dir, certs.ServerFile))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for name, good := range map[string]bool{"bench-3.lab.example": true, "192.168.1.7": true, "::1": true, "other.lab.example": true, "lab.example": false, "192.168.1.8": false, "bench-3": false} {
		_, err := cert.Verify(x509.VerifyOptions{Roots: pool, DNSName: name})
		if (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
		t.Error("the certificate of a server is that of a client, too")
	}
	if !cert.IPAddresses[0].Equal(net.ParseIP("192.168.1.7")) || cert.IsCA {
		t.Error(cert)
	}
	for name, mode := range map[string]os.FileMode{certs.AuthorityKeyFile: 0o600, certs.ServerKeyFile: 0o600, certs.AuthorityFile: 0o644, certs.ServerFile: 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || filepath.Separator == '/' && info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	// The authority stays when the server gets another certificate.
	again := made(t, dir, order("bench-4.lab.example"))
	now, _ := os.ReadFile(filepath.Join(dir, certs.AuthorityFile))
	if again.NewAuthority || !bytes.Equal(ca, now) {
		t.Error("the authority is another one")
	}
	if _, err := again.Server.Verify(x509.VerifyOptions{Roots: pool, DNSName: "bench-4.lab.example"}); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 4 {
		t.Error(left, err)
	}
}

// An authority that is not whole is not overwritten, and one that is too old signs
// nothing.
func TestAuthorityIsKept(t *testing.T) {
	dir := t.TempDir()
	made(t, dir, order("a"))
	old := order("a")
	old.Now = time.Now().Add(20 * 365 * 24 * time.Hour)
	if _, err := certs.Make(dir, old); err == nil || !strings.Contains(err.Error(), "was good until") {
		t.Error(err)
	}
	late := order("a")
	late.For = 20 * 365 * 24 * time.Hour
	if m := made(t, dir, late); m.Server.NotAfter.After(m.Authority.NotAfter) {
		t.Error("the certificate outlives its authority")
	}
	other := t.TempDir()
	made(t, other, order("a"))
	data, _ := os.ReadFile(filepath.Join(other, certs.AuthorityKeyFile))
	key := filepath.Join(dir, certs.AuthorityKeyFile)
	if err := os.WriteFile(key, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.Make(dir, order("a")); err == nil || !strings.Contains(err.Error(), "not that of the certificate") {
		t.Error(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.Make(dir, order("a")); err == nil || !strings.Contains(err.Error(), "name another folder") {
		t.Error(err)
	}
}

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{"bench-3": true, "*.lab.example": true, "10.0.0.1": true, "::1": true, "": false, "a b": false, "https://a": false, "a:8000": false, "a..b": false, ".a": false, "a*b": false, "*.": false} {
		if err := certs.CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A certificate that is replaced is taken; half of it is not, and the old one stays.
func TestFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	first := made(t, dir, order("a"))
	var said []string
	f, err := certs.Open(filepath.Join(dir, certs.ServerFile), filepath.Join(dir, certs.ServerKeyFile), func(text string, err error) { said = append(said, text) })
	if err != nil {
		t.Fatal(err)
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
			f.Leaf()
		}
	}
	if !f.Leaf().Equal(first.Server) {
		t.Error("it is another one")
	}
	cert := filepath.Join(dir, certs.ServerFile)
	if err := os.WriteFile(cert, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	until("nobody noticed", func() bool { return len(said) == 1 })
	if !f.Leaf().Equal(first.Server) {
		t.Error("half of a certificate was taken")
	}
	second := made(t, dir, order("b"))
	until("the new one is not taken", func() bool { return f.Leaf().Equal(second.Server) })
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	until("nobody noticed that it is gone", func() bool { return len(said) == 3 })
	if !f.Leaf().Equal(second.Server) {
		t.Error("it is not kept")
	}
	if _, err := certs.Open(cert, cert, nil); err == nil {
		t.Error("a file that is not there is opened")
	}
}
