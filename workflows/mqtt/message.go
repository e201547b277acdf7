package mqtt

import (
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// Message is what is published.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte // 0 or 1
	Retain  bool // the broker keeps it for those who come later; of one that was received: it was published so
	// Expiry is how long the broker keeps the message for those who are not there; of one
	// that was received, what is left of that. 0 is for ever, or not known: a broker of
	// 3.1.1 tells neither.
	Expiry time.Duration
	// ReplyTo is the topic at which an answer is waited for, and Correlation is what that is
	// to have, too; both are of MQTT 5, and may be empty.
	ReplyTo     string
	Correlation []byte

	ack func()
}

// Ack has the broker forget a message that was received. A Manual subscription does it
// when what was said is safe: until then it comes again with the next connection.
func (m *Message) Ack() {
	if m.ack != nil {
		m.ack()
	}
}

// Subscription is what is listened to, and by whom.
type Subscription struct {
	Filter string // a topic; + stands for one part, # for all the rest
	QoS    byte
	// Handle takes the messages, one at a time over all subscriptions: it does not wait
	// for long, and not for other messages.
	Handle func(*Message)
	// Manual leaves it to Handle to Ack messages, in any order. At most InFlight come
	// before that.
	Manual bool
}

// InFlight is how many messages a broker sends before one of them is acknowledged.
const InFlight = 64

// Matches reports whether a filter takes messages of a topic.
func Matches(filter, topic string) bool {
	for {
		f, restF, moreF := strings.Cut(filter, "/")
		t, restT, moreT := strings.Cut(topic, "/")
		switch {
		case f == "#":
			return true
		case f != "+" && f != t:
			return false
		case !moreF || !moreT:
			return moreF == moreT || moreF && restF == "#"
		}
		filter, topic = restF, restT
	}
}

// packet is a message as it is sent.
func (m *Message) packet() *paho.Publish {
	p := &paho.Publish{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain}
	if m.Expiry > 0 || m.ReplyTo != "" || m.Correlation != nil {
		p.Properties = &paho.PublishProperties{ResponseTopic: m.ReplyTo, CorrelationData: m.Correlation}
		if m.Expiry > 0 {
			p.Properties.MessageExpiry = seconds(m.Expiry)
		}
	}
	return p
}

// seconds rounds up: what is to be there for a while is not gone at once.
func seconds(d time.Duration) *uint32 {
	n := uint32(min((d+time.Second-1)/time.Second, 1<<32-2))
	return &n
}

// received is a message that came over a connection.
func received(r *paho.PublishReceived) *Message {
	p := r.Packet
	m := &Message{Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, Retain: p.Retain}
	if p.Properties != nil {
		m.ReplyTo, m.Correlation = p.Properties.ResponseTopic, p.Properties.CorrelationData
		if p.Properties.MessageExpiry != nil {
			m.Expiry = max(time.Duration(*p.Properties.MessageExpiry)*time.Second, 1) // 0 would be for ever
		}
	}
	m.ack = func() {
		_ = r.Client.Ack(p) // of a connection that is gone: the message comes again
	}
	return m
}
