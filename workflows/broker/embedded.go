package broker

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/ot2flow/ot2flow/workflows/mqtt"
)

// Embedded is a broker in this process, for a lab that has none. It keeps nothing on the
// disk, and nobody who uses it relies on what it keeps: devices and controllers say and ask
// everything again until the other one has answered.
type Embedded struct {
	server *mochi.Server
	at     net.Addr
	here   mqtt.Address
	end    sync.Once
}

// The limits of the embedded broker, beside those of all. A lab has some hundred clients.
const (
	maxClients = 2000
	maxExpiry  = 14 * 24 * time.Hour // of messages and sessions
)

// Embed starts a broker with the users of a folder, as Users made it, at an address such as
// 127.0.0.1:1883. Nobody comes in without a password. Certificate is what clients know it
// by; without one it is reached from this computer only.
func Embed(ctx context.Context, dir, address string, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), log *slog.Logger) (*Embedded, error) {
	gate := &gate{}
	var err error
	if gate.users, err = known(dir); err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); certificate == nil && !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("a broker that others reach at %s shows a certificate, or everybody in the network reads the passwords", address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	e := &Embedded{at: l.Addr(), here: mqtt.Address{Scheme: "mqtt", Host: l.Addr().String()}}
	ways := []net.Listener{l}
	if certificate != nil { // who is in this process needs none
		near, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			_ = l.Close() // it was not used
			return nil, err
		}
		ways, e.here.Host = append(ways, near), near.Addr().String()
		ways[0] = tls.NewListener(l, &tls.Config{GetCertificate: certificate, MinVersion: tls.VersionTLS12})
	}
	can := mochi.NewDefaultServerCapabilities()
	can.MaximumClients, can.MaximumPacketSize, can.MaximumInflight = maxClients, maxMessage+maxHeader, maxQueued
	can.MaximumMessageExpiryInterval, can.MaximumSessionExpiryInterval = int64(maxExpiry/time.Second), uint32(maxExpiry/time.Second)
	can.MaximumQos, can.SharedSubAvailable = 1, 0 // neither is of use for what moves something
	e.server = mochi.New(&mochi.Options{Capabilities: can, Logger: log, SysTopicResendInterval: int64(time.Hour / time.Second)})
	gate.server = e.server
	err = e.server.AddHook(gate, nil)
	for i, way := range ways {
		if err == nil {
			err = e.server.AddListener(listeners.NewNet(strconv.Itoa(i), way))
		}
	}
	if err == nil {
		err = e.server.Serve()
	}
	if err != nil {
		for _, way := range ways {
			_ = way.Close() // it was not used
		}
		return nil, err
	}
	return e, nil
}

// maxHeader is what a message may have beside its contents, in bytes.
const maxHeader = 64 << 10

// Addr is where the broker listens.
func (e *Embedded) Addr() net.Addr { return e.at }

// Here is how the broker is reached from this computer, without a certificate.
func (e *Embedded) Here() mqtt.Address { return e.here }

// Close ends the broker, and all connections to it. It may be called again.
func (e *Embedded) Close() { e.end.Do(func() { _ = e.server.Close() }) } // it keeps nothing

// gate lets those in who know their password, and lets them do what their roles say.
type gate struct {
	mochi.HookBase
	server *mochi.Server
	users  map[string]entry
}

// ID is the gate's name in the log of the broker.
func (g *gate) ID() string { return "ot2flow" }

// Provides says what is asked of the gate.
func (g *gate) Provides(b byte) bool {
	return b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck
}

// OnConnectAuthenticate lets somebody in, but not as somebody else's connection.
func (g *gate) OnConnectAuthenticate(cl *mochi.Client, pk packets.Packet) bool {
	name := string(pk.Connect.Username)
	u, ok := g.users[name]
	if !ok || !u.knows(pk.Connect.Password) {
		return false
	}
	other, ok := g.server.Clients.Get(cl.ID)
	return !ok || string(other.Properties.Username) == name
}

// OnACLCheck is asked of what is published, listened to and handed over.
func (g *gate) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	u, ok := g.users[string(cl.Properties.Username)]
	if !ok {
		return false
	}
	for _, r := range u.rules {
		if (write && r.Write || !write && r.Read) && mqtt.Matches(r.Topic, topic) {
			return true
		}
	}
	return false
}

// entry is a user who may come in.
type entry struct {
	User
	hash  string
	rules []Rule
}

// knows reports whether a password is that of the user.
func (e *entry) knows(password []byte) bool {
	parts := strings.Split(e.hash, "$")
	if len(parts) != 5 || parts[1] != "7" {
		return false
	}
	times, err := strconv.Atoi(parts[2])
	if err != nil || times < 1 || times > 1<<20 {
		return false
	}
	salt, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil {
		return false
	}
	want, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(want) == 0 {
		return false
	}
	got, err := pbkdf2.Key(sha512.New, string(password), salt, times, len(want))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}
