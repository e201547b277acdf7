package mqtt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/certs"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
)

// issued is a certificate of a client, signed by the authority of a folder.
func issued(t *testing.T, lab, name string) (cert, key string) {
	t.Helper()
	ca, err := tls.LoadX509KeyPair(filepath.Join(lab, certs.AuthorityFile), filepath.Join(lab, certs.AuthorityKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.Leaf, &own.PublicKey, ca.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(lab, name+".crt"), filepath.Join(lab, name+".key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A broker is reached in every way there is: encrypted, over WebSockets, and by a
// certificate as whom it is named for, who then may do what the broker says of that name.
func TestEveryWay(t *testing.T) {
	lab := t.TempDir()
	if _, err := certs.Make(lab, certs.Order{Names: []string{"127.0.0.1"}, For: time.Hour, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	cert, key := issued(t, lab, "bench-3")
	rules := filepath.Join(lab, "acl")
	if err := os.WriteFile(rules, []byte("user bench-3\ntopic readwrite a/bench-3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []string{"certfile " + filepath.Join(lab, certs.ServerFile), "keyfile " + filepath.Join(lab, certs.ServerKeyFile)}
	known := append(files[:2:2], "cafile "+filepath.Join(lab, certs.AuthorityFile), "require_certificate true", "use_identity_as_username true", "acl_file "+rules)
	ca := filepath.Join(lab, certs.AuthorityFile)
	sockets := []string{"protocol websockets", "listener 0 DIR/sock"} // without another way in, mosquitto 2.0.11 does not start
	for _, c := range []struct {
		scheme string
		conf   []string
		o      mqtt.Options
		not    mqtt.Options // with which it is not reached
	}{
		{"mqtts", files, mqtt.Options{CA: ca}, mqtt.Options{}},
		{"mqtts", known, mqtt.Options{CA: ca, Certificate: cert, Key: key}, mqtt.Options{CA: ca}},
		{"ws", sockets, mqtt.Options{}, mqtt.Options{Certificate: "none", Key: "none"}},
		{"wss", append(files[:2:2], sockets...), mqtt.Options{CA: ca}, mqtt.Options{}},
	} {
		b := mqtttest.Start(t, append([]string{"listener PORT 127.0.0.1", "allow_anonymous true"}, c.conf...)...)
		url := strings.Replace(b.URL, "mqtt", c.scheme, 1)
		got := make(chan *mqtt.Message, 1)
		c.o.Listen = []mqtt.Subscription{{Filter: "a/+", QoS: 1, Handle: into(got)}}
		conn, _ := open(t, url, c.o)
		long := strings.Repeat("x", 100_000) // in many frames
		if err := conn.Publish(patience(t), &mqtt.Message{Topic: "a/bench-3", QoS: 1, Payload: []byte(long)}); err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if m := next(t, got); string(m.Payload) != long {
			t.Errorf("%s: %d bytes", url, len(m.Payload))
		}
		if c.o.Certificate != "" {
			if err := conn.Publish(patience(t), &mqtt.Message{Topic: "a/bench-4", QoS: 1}); err == nil {
				t.Error("a certificate may do what is nobody's")
			}
		}
		c.not.Broker = address(t, url)
		other, err := mqtt.Open(c.not)
		if err != nil {
			continue // it is not even tried
		}
		t.Cleanup(other.Close)
		if err := other.Ready(briefly(t)); err == nil {
			t.Errorf("%s is reached with %+v", url, c.not)
		}
	}
}

// briefly is long enough for what cannot come: a slow machine only makes it more certain.
func briefly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}
