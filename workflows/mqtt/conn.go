package mqtt

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// Options say how a broker is reached, and as whom. Broker is all that is needed.
type Options struct {
	Broker         Address
	User, Password string
	CA             string // whom to trust beside nobody else, a PEM file; empty: whom this computer trusts
	Certificate    string // by which the broker knows us, a PEM file; empty for none
	Key            string // of the certificate
	// Dial connects to an address; nil is as everybody does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Insecure goes to another computer also where everybody in the network can read and
	// change what is sent, or without saying who we are.
	Insecure bool

	// ClientID is how the broker calls the connection; of two with one name it ends the
	// older one. Empty is a name that nobody else has.
	ClientID string
	// Session is how long the broker keeps what came for us while we are not there; 0 is
	// not at all.
	Session   time.Duration
	KeepAlive time.Duration // 0 is 30 s
	Will      *Message      // what the broker publishes for us when we are lost
	// Listen is what is subscribed to, with every connection anew.
	Listen []Subscription
	// Up is called in a goroutine of its own when a connection is there, and its
	// subscriptions are; ctx is done when it is lost.
	Up func(ctx context.Context, c *Conn)
	// Note hears what becomes of the connection, in words for people; nil is nobody.
	Note func(Note)
}

// Note is what becomes of a connection.
type Note struct {
	Text  string
	Wrong bool
}

// Conn is a connection to a broker, which comes back when it is lost. Its methods may be
// called by several goroutines.
type Conn struct {
	options Options
	manager *autopaho.ConnectionManager
	opened  chan struct{} // closed when manager is there
	old     atomic.Bool   // the broker knows 3.1.1 only
	told    atomic.Bool   // that was said
	short   atomic.Int32  // how many connections, one after the other, were lost as soon as they were there
	since   time.Time     // when the one there is came

	mu      sync.Mutex
	listen  []Subscription
	ready   chan struct{} // closed while there is a connection with its subscriptions
	up      bool
	drop    context.CancelFunc // of the connection there is
	refused error              // the broker does not want us
	asked   chan struct{}      // closed at the first refusal, see refused
	said    string             // the last that was noted
	running sync.WaitGroup
}

const (
	defaultKeepAlive = 30 * time.Second
	dialWithin       = 10 * time.Second
	answerWithin     = 10 * time.Second
	retryFirst       = 100 * time.Millisecond
	retryLast        = 5 * time.Second
	shortLife        = 2 * time.Second
	shortLives       = 4 // that are more than bad luck
)

// Refused is the error of a broker that does not want us, which waiting makes no better.
type Refused struct{ Why string }

// Error says why.
func (r *Refused) Error() string { return r.Why }

// check refuses what nobody should do without having said so.
func (o *Options) check() error {
	switch a := &o.Broker; {
	case a.Host == "":
		return errors.New("no broker is named")
	case o.Certificate == "" != (o.Key == ""):
		return errors.New("a certificate and its key belong together")
	case o.Certificate != "" && !a.Encrypted():
		return fmt.Errorf("a certificate is shown over an encrypted connection, and %s is none; take mqtts:// or wss://", a)
	case o.Insecure || a.Local():
		return nil
	case !a.Encrypted():
		return fmt.Errorf("everybody in the network can read and change what goes to %s; take mqtts:// or wss://, or say --insecure", a)
	case o.User == "" && o.Certificate == "":
		return fmt.Errorf("%s is another computer, and is to know who we are: put a user into %s and a password into %s, or show a certificate; or say --insecure", a, UserVariable, PasswordVariable)
	}
	return nil
}

// Open begins to connect, and goes on until Close. The error is that of options which
// cannot be meant so.
func Open(o Options) (*Conn, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = defaultKeepAlive
	}
	if o.ClientID == "" {
		o.ClientID = "ot2flow-" + rand.Text()[:16]
	}
	c := &Conn{options: o, listen: slices.Clone(o.Listen), ready: make(chan struct{}), asked: make(chan struct{}), opened: make(chan struct{})}
	config := autopaho.ClientConfig{
		ServerUrls: []*url.URL{{Scheme: o.Broker.Scheme, Host: o.Broker.Host}},
		KeepAlive:  uint16(max(1, min(o.KeepAlive/time.Second, 65535))), SessionExpiryInterval: *seconds(o.Session),
		ReconnectBackoff: c.backoff, ConnectTimeout: dialWithin, AttemptConnection: c.attempt, ConnectPacketBuilder: c.introduce,
		OnConnectionUp: c.came, OnConnectionDown: c.went, OnConnectError: c.failed,
		ConnectUsername: o.User, ConnectPassword: []byte(o.Password),
		ClientConfig: paho.ClientConfig{
			ClientID: o.ClientID, PacketTimeout: answerWithin, EnableManualAcknowledgment: true, SendAcksInterval: ackEvery,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){c.take}, OnServerDisconnect: c.sentAway,
		},
	}
	if w := o.Will; w != nil {
		config.WillMessage = &paho.WillMessage{Topic: w.Topic, Payload: w.Payload, QoS: w.QoS, Retain: w.Retain}
	}
	defer close(c.opened)
	var err error
	c.manager, err = autopaho.NewConnection(context.Background(), config)
	return c, err
}

// ackEvery is how long an acknowledgement may wait for others.
const ackEvery = 5 * time.Millisecond

// introduce says with every connection what we want of it.
func (c *Conn) introduce(p *paho.Connect, _ *url.URL) (*paho.Connect, error) {
	p.CleanStart = c.options.Session <= 0
	most, inFlight := uint32(maxPacket), uint16(InFlight)
	if p.Properties == nil {
		p.Properties = &paho.ConnectProperties{}
	}
	p.Properties.MaximumPacketSize, p.Properties.ReceiveMaximum = &most, &inFlight
	return p, nil
}

// attempt makes a connection.
func (c *Conn) attempt(ctx context.Context, _ autopaho.ClientConfig, _ *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	conn, err := c.options.dial(ctx)
	if err != nil {
		return nil, err
	}
	return newWire(conn, c.old.Load(), &c.old), nil
}

// backoff is how long is waited before an attempt.
func (c *Conn) backoff(attempt int) time.Duration {
	if attempt += int(c.short.Load()); attempt == 0 {
		return 0
	}
	return min(retryFirst<<min(attempt-1, 10), retryLast)
}

// came is called when a connection is there.
func (c *Conn) came(*autopaho.ConnectionManager, *paho.Connack) {
	ctx, drop := context.WithCancel(context.Background())
	c.mu.Lock()
	c.drop, c.refused, c.since = drop, nil, time.Now()
	list := slices.Clone(c.listen)
	c.mu.Unlock()
	c.running.Go(func() {
		<-c.opened
		for i := range list {
			if err := c.subscribe(ctx, &list[i]); err != nil && ctx.Err() == nil {
				c.note("the broker does not let us listen to "+list[i].Filter+": "+err.Error(), true)
			}
		}
		c.mu.Lock()
		if ctx.Err() != nil {
			c.mu.Unlock()
			return
		}
		c.up = true
		close(c.ready)
		c.mu.Unlock()
		if c.short.Load() < shortLives {
			c.note("connected to the broker "+c.options.Broker.String(), false)
		}
		if c.old.Load() && !c.told.Swap(true) {
			c.note("the broker only knows MQTT 3.1.1: it keeps what is not taken for ever instead of letting it expire, does not say why it refuses something, and does not tell what was kept from what was just sent", true)
		}
		if c.options.Up != nil {
			c.options.Up(ctx, c)
		}
	})
}

// went is called when the connection is lost; it comes back.
func (c *Conn) went() bool {
	c.mu.Lock()
	c.drop()
	was, n := c.up, int32(0)
	if time.Since(c.since) < shortLife { // or two of one name end each other as fast as they can
		n = c.short.Load() + 1
	}
	c.short.Store(n)
	if c.up {
		c.up, c.ready = false, make(chan struct{})
	}
	c.mu.Unlock()
	switch {
	case n == shortLives:
		c.note("the connection to the broker "+c.options.Broker.String()+" is lost as soon as it is there, again and again; another program may have our name, "+c.options.ClientID, true)
	case was && n < shortLives:
		c.note("the connection to the broker "+c.options.Broker.String()+" is lost; it is tried again", true)
	}
	return true
}

func (c *Conn) sentAway(d *paho.Disconnect) {
	if d.ReasonCode == packets.DisconnectSessionTakenOver {
		c.note("another program came to the broker with our name, "+c.options.ClientID+", and the broker ended this connection", true)
	}
}

// failed is called when an attempt came to nothing.
func (c *Conn) failed(err error) {
	why := err.Error()
	var answer *autopaho.ConnackError
	var stranger *tls.CertificateVerificationError
	final := false
	switch {
	case errors.As(err, &answer):
		switch why = answer.Reason; answer.ReasonCode {
		case packets.ConnackUnsupportedProtocolVersion:
			if !c.old.Swap(true) || !c.told.Load() {
				return // the next attempt speaks 3.1.1
			}
			why = "it speaks neither MQTT 5 nor 3.1.1"
		case packets.ConnackBadUsernameOrPassword, packets.ConnackNotAuthorized, packets.ConnackBanned, packets.ConnackInvalidClientID:
			final, why = true, "it does not know the user or the password"
			if answer.ReasonCode == packets.ConnackInvalidClientID || c.options.User == "" && c.options.Certificate != "" {
				why = "it does not let us in as " + c.options.ClientID
			} else if c.options.User == "" {
				why = "it wants to know who we are, and we say nothing: put a user into " + UserVariable + " and a password into " + PasswordVariable
			}
		default:
			if why == "" {
				why = fmt.Sprintf("it refuses with code %#x", answer.ReasonCode)
			}
		}
	case errors.As(err, &stranger):
		final = true
		why = stranger.Err.Error()
	}
	text := "no connection to the broker " + c.options.Broker.String() + ": " + strings.TrimPrefix(why, "failed to connect to "+c.options.Broker.Scheme+"://"+c.options.Broker.Host+": ")
	if final {
		c.mu.Lock()
		if c.refused == nil {
			c.refused = &Refused{text}
			select {
			case <-c.asked:
			default:
				close(c.asked)
			}
		}
		c.mu.Unlock()
	}
	c.note(text, true)
}

// note says something, unless it was the last that was said.
func (c *Conn) note(text string, wrong bool) {
	c.mu.Lock()
	same := c.said == text
	c.said = text
	c.mu.Unlock()
	if !same && c.options.Note != nil {
		c.options.Note(Note{text, wrong})
	}
}

// Last is what was noted last, for those who wait.
func (c *Conn) Last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said
}

// Ready waits until there is a connection and everything is listened to. The error is a
// *Refused where the broker does not want us; it is tried again all the same.
func (c *Conn) Ready(ctx context.Context) error {
	c.mu.Lock()
	ready, asked, refused := c.ready, c.asked, c.refused
	c.mu.Unlock()
	if refused != nil {
		return refused
	}
	select {
	case <-ready:
		return nil
	default:
	}
	select {
	case <-ready:
		return nil
	case <-asked:
		c.mu.Lock()
		refused = c.refused
		c.mu.Unlock()
		if refused != nil {
			return refused
		}
		select { // it was refused once, and is not any more
		case <-ready:
			return nil
		case <-ctx.Done():
		case <-c.manager.Done():
			return errClosed
		}
	case <-c.manager.Done():
		return errClosed
	case <-ctx.Done():
	}
	if last := c.Last(); last != "" {
		return fmt.Errorf("%w; %s", ctx.Err(), last)
	}
	return fmt.Errorf("%w; the broker %s does not answer", ctx.Err(), c.options.Broker)
}

var errClosed = errors.New("the connection to the broker was closed")

// Publish sends a message as soon as there is a connection. With QoS 1 the broker has it
// when nil is returned; otherwise it may have it or not.
func (c *Conn) Publish(ctx context.Context, m *Message) error {
	_, err := c.Send(ctx, m)
	return err
}

// Send publishes, and reports whether anybody listens, as far as the broker says: false
// is certain with QoS 1, and one of 3.1.1 never says so.
func (c *Conn) Send(ctx context.Context, m *Message) (listened bool, err error) {
	if err := c.Ready(ctx); err != nil {
		return true, err
	}
	answer, err := c.manager.Publish(ctx, m.packet())
	if answer != nil && answer.ReasonCode >= 0x80 {
		why := ""
		if answer.Properties != nil {
			why = answer.Properties.ReasonString
		}
		if why == "" && answer.ReasonCode == packets.PubackNotAuthorized {
			why = "we may not publish there"
		}
		return true, &Refused{fmt.Sprintf("the broker refuses a message to %s: %s (code %#x)", m.Topic, why, answer.ReasonCode)}
	}
	return answer == nil || answer.ReasonCode != packets.PubackNoMatchingSubscribers, err
}

// Subscribe listens to something more, from now on and with every connection anew. It
// returns when the broker knows.
func (c *Conn) Subscribe(ctx context.Context, s Subscription) error {
	c.mu.Lock()
	c.listen = append(c.listen, s)
	c.mu.Unlock()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	return c.subscribe(ctx, &s)
}

func (c *Conn) subscribe(ctx context.Context, s *Subscription) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	answer, err := c.manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: s.Filter, QoS: s.QoS, RetainAsPublished: true}}})
	if answer != nil && len(answer.Reasons) == 1 && answer.Reasons[0] >= 0x80 {
		return &Refused{fmt.Sprintf("the broker does not let us listen to %s (code %#x)", s.Filter, answer.Reasons[0])}
	}
	return err
}

// Unsubscribe listens to a filter no longer.
func (c *Conn) Unsubscribe(ctx context.Context, filter string) error {
	c.mu.Lock()
	c.listen = slices.DeleteFunc(c.listen, func(s Subscription) bool { return s.Filter == filter })
	up := c.up
	c.mu.Unlock()
	if !up {
		return nil // nobody knows of it
	}
	_, err := c.manager.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{filter}})
	return err
}

// take hands a message to those who listen.
func (c *Conn) take(r paho.PublishReceived) (bool, error) {
	m := received(&r)
	c.mu.Lock()
	var to []Subscription
	for _, s := range c.listen {
		if Matches(s.Filter, m.Topic) {
			to = append(to, s)
		}
	}
	c.mu.Unlock()
	manual := false
	for i := range to {
		manual = manual || to[i].Manual
		to[i].Handle(m)
	}
	if !manual {
		m.Ack()
	}
	return len(to) > 0, nil
}

// Close says goodbye to the broker, which publishes no last will then. What is not
// acknowledged by then comes again.
func (c *Conn) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	c.mu.Lock()
	if c.drop != nil {
		c.drop()
	}
	c.mu.Unlock()
	_ = c.manager.Disconnect(ctx) // the broker notices in any case
	c.running.Wait()
}
