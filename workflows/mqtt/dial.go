package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

// dial connects to the broker. Files of certificates are read every time: they may have
// been replaced.
func (o *Options) dial(ctx context.Context) (net.Conn, error) {
	config, err := o.tls()
	if err != nil {
		return nil, err
	}
	a, plain := &o.Broker, new(net.Dialer).DialContext
	if o.Dial != nil {
		plain = o.Dial
	}
	switch a.Scheme {
	case "ws", "wss":
		d := websocket.Dialer{Subprotocols: []string{"mqtt"}, TLSClientConfig: config, Proxy: http.ProxyFromEnvironment}
		if o.Dial != nil {
			d.NetDialContext, d.Proxy = o.Dial, nil
		}
		c, response, err := d.DialContext(ctx, a.String(), nil)
		if response != nil {
			_ = response.Body.Close() // it was looked at
		}
		if err != nil {
			if response != nil {
				err = fmt.Errorf("%w (it answers %s)", err, response.Status)
			}
			return nil, err
		}
		return &socket{Conn: c}, nil
	case "mqtts":
		c, err := plain(ctx, "tcp", a.Host)
		if err != nil {
			return nil, err
		}
		encrypted := tls.Client(c, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = c.Close() // it is of no use
			return nil, err
		}
		return encrypted, nil
	}
	return plain(ctx, "tcp", a.Host)
}

func (o *Options) tls() (*tls.Config, error) {
	if !o.Broker.Encrypted() {
		return nil, nil
	}
	host, _, err := net.SplitHostPort(o.Broker.Host)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if o.CA != "" {
		data, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("there is no certificate in %s, which begins with -----BEGIN CERTIFICATE-----", o.CA)
		}
	}
	if o.Certificate != "" {
		own, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

// socket is a connection over a WebSocket, as a stream.
type socket struct {
	*websocket.Conn
	r io.Reader // of the message that is being read
}

// Read reads on, over the ends of messages.
func (s *socket) Read(to []byte) (int, error) {
	for {
		if s.r == nil {
			kind, r, err := s.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errors.New("the broker sent text, and MQTT is bytes")
			}
			s.r = r
		}
		n, err := s.r.Read(to)
		if errors.Is(err, io.EOF) {
			if s.r, err = nil, nil; n == 0 {
				continue
			}
		}
		return n, err
	}
}

// SetDeadline is that of both ways. A connection that has met one is of no use any more.
func (s *socket) SetDeadline(at time.Time) error {
	return errors.Join(s.SetReadDeadline(at), s.SetWriteDeadline(at))
}

// Write sends a message.
func (s *socket) Write(data []byte) (int, error) {
	if err := s.WriteMessage(websocket.BinaryMessage, data); err != nil {
		return 0, err
	}
	return len(data), nil
}
