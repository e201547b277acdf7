// Package certs makes a certificate authority of a lab's own, and certificates for
// its servers, and reads certificates from files that may change while they are used.
package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/workflows/whole"
)

// The files of a folder of certificates.
const (
	AuthorityFile    = "ca.crt"     // what clients have to trust
	AuthorityKeyFile = "ca.key"     // stays where it was made
	ServerFile       = "server.crt" // for a server, with its key
	ServerKeyFile    = "server.key"
)

// authorityFor is how long an authority is good for. What it signs is good for a
// shorter time, see Order.
const authorityFor = 10 * 365 * 24 * time.Hour

// MaxFor is the longest time for which systems take the certificate of a server.
const MaxFor = 825 * 24 * time.Hour

// Order is what a server's certificate is to be.
type Order struct {
	Names []string // of the server: host names and addresses; the first is its own
	For   time.Duration
	Now   time.Time
}

// Made says what is in a folder now.
type Made struct {
	NewAuthority bool
	Authority    *x509.Certificate
	Server       *x509.Certificate
}

// Make makes a certificate for a server in a folder, signed by the authority there.
// Where there is none yet, it is made; one that is there is never overwritten. The
// certificate and key of the server before are replaced, each at once: a server that
// uses them takes the new ones when both are there.
func Make(dir string, o Order) (*Made, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ca, key, fresh, err := authority(dir, o.Now)
	if err != nil {
		return nil, err
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	tmpl, err := template(o.Names[0], o.Now)
	if err != nil {
		return nil, err
	}
	tmpl.NotAfter = o.Now.Add(o.For)
	if tmpl.NotAfter.After(ca.NotAfter) {
		tmpl.NotAfter = ca.NotAfter
	}
	tmpl.KeyUsage, tmpl.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range o.Names {
		if ip := net.ParseIP(name); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, &own.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if err := writeKey(filepath.Join(dir, ServerKeyFile), own, true); err != nil {
		return nil, err
	}
	return &Made{fresh, ca, cert}, whole.Replace(filepath.Join(dir, ServerFile), pemOf("CERTIFICATE", der), 0o644)
}

// CheckName refuses what cannot be the name of a server.
func CheckName(name string) error {
	if net.ParseIP(name) != nil {
		return nil
	}
	host := strings.TrimPrefix(name, "*.")
	if host == "" || len(host) > 253 || strings.ContainsAny(host, " \t/:@*_") || strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, "..") {
		return fmt.Errorf("%q is neither a host name nor an address; write such as bench-3.lab.example or 192.168.1.7, without port", name)
	}
	return nil
}

// authority is that of a folder; where there is none it is made.
func authority(dir string, now time.Time) (_ *x509.Certificate, _ *ecdsa.PrivateKey, fresh bool, err error) {
	certFile, keyFile := filepath.Join(dir, AuthorityFile), filepath.Join(dir, AuthorityKeyFile)
	certText, err1 := os.ReadFile(certFile)
	keyText, err2 := os.ReadFile(keyFile)
	switch {
	case errors.Is(err1, fs.ErrNotExist) && errors.Is(err2, fs.ErrNotExist):
		ca, key, err := newAuthority(certFile, keyFile, now)
		return ca, key, true, err
	case errors.Is(err2, fs.ErrNotExist):
		return nil, nil, false, fmt.Errorf("%s is there and its key %s is not: certificates are made where the authority was; name another folder for a new one", certFile, keyFile)
	case err1 != nil:
		return nil, nil, false, err1
	case err2 != nil:
		return nil, nil, false, err2
	}
	ca, key, err := readAuthority(certText, keyText)
	switch {
	case err != nil:
		return nil, nil, false, fmt.Errorf("%s and %s are no authority of ot2flow: %w", certFile, keyFile, err)
	case now.After(ca.NotAfter):
		return nil, nil, false, fmt.Errorf("the authority %s was good until %s; name another folder for a new one", certFile, ca.NotAfter.Format(time.DateOnly))
	}
	return ca, key, false, nil
}

func readAuthority(certText, keyText []byte) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certBlock, _ := pem.Decode(certText)
	keyBlock, _ := pem.Decode(keyText)
	if certBlock == nil || keyBlock == nil {
		return nil, nil, errors.New("they are not in the form PEM")
	}
	ca, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(ca.PublicKey) || !ca.IsCA {
		return nil, nil, errors.New("the key is not that of the certificate, or it may sign nothing")
	}
	return ca, key, nil
}

func newAuthority(certFile, keyFile string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	host, _ := os.Hostname() // which is told only so that people know one authority from another
	tmpl, err := template(strings.TrimSpace("ot2flow lab authority "+host+" "+now.Format(time.DateOnly)), now)
	if err != nil {
		return nil, nil, err
	}
	tmpl.NotAfter = now.Add(authorityFor)
	tmpl.KeyUsage, tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.MaxPathLenZero = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, true, true, true
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	if err := writeKey(keyFile, key, false); err != nil {
		return nil, nil, err
	}
	return ca, key, whole.Replace(certFile, pemOf("CERTIFICATE", der), 0o644)
}

// template is what all certificates have.
func template(name string, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	if len(name) > 64 { // the longest that the form has room for
		name = name[:64]
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), // clocks of a lab differ
	}, nil
}

func pemOf(kind string, der []byte) []byte {
	var b bytes.Buffer
	_ = pem.Encode(&b, &pem.Block{Type: kind, Bytes: der}) // a buffer takes everything
	return b.Bytes()
}

// writeKey writes a key that only its owner reads. One that is there is overwritten
// on request only.
func writeKey(file string, key *ecdsa.PrivateKey, over bool) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if over {
		return whole.Replace(file, pemOf("PRIVATE KEY", der), 0o600)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(pemOf("PRIVATE KEY", der))
	return errors.Join(err, f.Close())
}
