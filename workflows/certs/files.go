package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Files are a certificate and its key in files, which are read again when they have
// changed. Its methods may be called by several goroutines.
type Files struct {
	cert, key string
	log       func(text string, err error)

	mu     sync.Mutex
	looked time.Time
	seen   [2]stamp // of the files as they were read last, well or not
	pair   *tls.Certificate
}

type stamp struct {
	at   time.Time
	size int64
}

// lookEvery is how often it is looked whether the files have changed.
const lookEvery = time.Second

// Open reads a certificate and its key. What happens to them later is logged: that
// they were read again, or could not be.
func Open(cert, key string, log func(text string, err error)) (*Files, error) {
	f := &Files{cert: cert, key: key, log: log}
	var err error
	if f.seen, err = f.stamps(); err == nil {
		f.pair, err = f.read()
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Files) read() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s with the key %s cannot be used: %w", f.cert, f.key, err)
	}
	if pair.Leaf == nil { // it is parsed by default, unless somebody says otherwise
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, err
		}
	}
	return &pair, nil
}

func (f *Files) stamps() (out [2]stamp, err error) {
	for i, file := range []string{f.cert, f.key} {
		info, statErr := os.Stat(file)
		if statErr != nil {
			err = errors.Join(err, statErr)
			continue
		}
		out[i] = stamp{info.ModTime(), info.Size()}
	}
	return out, err
}

// Leaf is the certificate as it is now. Where the files cannot be used any more, it
// is the last one that could.
func (f *Files) Leaf() *x509.Certificate { return f.now().Leaf }

// Get is for tls.Config.GetCertificate.
func (f *Files) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.now(), nil }

func (f *Files) now() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < lookEvery {
		return f.pair
	}
	f.looked = time.Now()
	stamps, err := f.stamps()
	if stamps == f.seen {
		return f.pair
	}
	f.seen = stamps
	pair := f.pair
	if err == nil {
		pair, err = f.read()
	}
	if err != nil { // a key without its certificate is one that is being replaced
		f.log("the certificate is still the one from before", err)
		return f.pair
	}
	f.pair = pair
	f.log("there is a new certificate, good until "+pair.Leaf.NotAfter.Local().Format(time.DateOnly), nil)
	return f.pair
}
