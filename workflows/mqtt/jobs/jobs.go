// Package jobs is what device servers and those who have jobs for them say to each other
// over a broker: the topics, and what is in the messages. All of it is JSON that a small
// program in any language writes and reads, with MQTT 5 or 3.1.1.
package jobs

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Prefix is what all topics begin with.
const Prefix = "ot2/v1"

// The topics of a device, and Answers, which is that of a controller.
const (
	BirthTopic = "birth" // retained: what the device is, and what it can do
	StateTopic = "state" // retained, and the last will: what it does
	Commands   = "cmd"   // jobs for it
	Controls   = "ctl"   // what is wanted of its runs, now or not at all
	Events     = "evt"   // what happens in its runs
	Answers    = "reply" // to a controller
)

// Topic is that of a device or a controller.
func Topic(who, what string) string { return Prefix + "/" + who + "/" + what }

// Bound is where a controller asks a device for something under its own name: a broker that
// knows its users lets nobody else write there, so that a device knows who asks. What is
// Commands or Controls. A + stands for any of either.
func Bound(device, what, controller string) string { return Topic(device, what) + "/" + controller }

// Sender is the controller by whose Bound topic something came; empty for any other topic.
func Sender(topic string) string {
	if parts := strings.Split(topic, "/"); len(parts) == 5 && parts[0]+"/"+parts[1] == Prefix {
		return parts[4]
	}
	return ""
}

// The topics of the lab's guide.
const (
	GuideCommand = "command"
	GuideResult  = "result"
	GuideStatus  = "status"
)

// GuideTopic is a topic of a device as the lab's guide has it.
func GuideTopic(device, what string) string { return "ot2/" + device + "/" + what }

// MaxPayload is how long a command may be, in bytes.
const MaxPayload = 4 << 20

// ControlWithin is how long somebody's wish about a run is worth something.
const ControlWithin = 30 * time.Second

// Skew is how far clocks may differ that are compared where a broker does not say how long
// a message was under way.
const Skew = 10 * time.Second

// Command asks for a job, or for what became of a run.
type Command struct {
	ID         string          `json:"id"`         // nobody ever gives it to another job; repeated, it is the same one
	Controller string          `json:"controller"` // is answered at its topic
	Task       string          `json:"task,omitempty"`
	Parameters json.RawMessage `json:"parameters,omitempty"`
	// Run is waited for instead of beginning another one.
	Run string `json:"run,omitempty"`
	// Epoch is that of the device's birth; what was asked for in another one it does not
	// know. Hash is that of the task there. Where either is another one by now, the job is
	// rejected; empty takes what there is.
	Epoch string `json:"epoch,omitempty"`
	Hash  string `json:"hash,omitempty"`
	// Sent is when this message was sent, and TTL for how many seconds from then it may be
	// accepted. The message expiry of MQTT 5 counts where there is one, which no clock that
	// is wrong can spoil. A TTL below 0 says that it is too late: the job is not begun any
	// more, and if it was, what became of it is answered.
	Sent time.Time `json:"sent,omitzero"`
	TTL  float64   `json:"ttl,omitempty"`

	Experiment string   `json:"experiment,omitempty"`
	Priority   int      `json:"priority,omitempty"`
	Robot      string   `json:"robot,omitempty"`
	Labels     []string `json:"labels,omitempty"`
	By         string   `json:"by,omitempty"`
	Project    string   `json:"project,omitempty"`
	Detach     bool     `json:"detach,omitempty"` // nobody waits for the result
}

// Control is something that is wanted of a device now.
type Control struct {
	Do         string            `json:"do"` // pause, resume, stop, answer; arrived says that an answer did
	ID         string            `json:"id,omitempty"`
	Controller string            `json:"controller,omitempty"` // is answered at its topic
	Run        string            `json:"run,omitempty"`
	Now        bool              `json:"now,omitempty"`    // do not wait for a good place
	Value      *string           `json:"value,omitempty"`  // of an answer
	Values     map[string]string `json:"values,omitempty"` // of an answer, by name
	Seq        int64             `json:"seq,omitempty"`    // of the answer that arrived
	Sent       time.Time         `json:"sent,omitzero"`    // where the message has no expiry
	By         string            `json:"by,omitempty"`
}

// The kinds of answers.
const (
	Accepted  = "accepted"  // it is in the journal, and will be carried out
	Duplicate = "duplicate" // it was accepted before
	Rejected  = "rejected"  // it will not be carried out; see Reason
	Expired   = "expired"   // it came too late, and will not be carried out
	Busy      = "busy"      // not now; the same may be asked again
	InDoubt   = "in_doubt"  // a person has to decide what happened; a Result comes then
	Result    = "result"    // the run is over
	Done      = "done"      // of a Control
)

// Reply is what a device answers.
type Reply struct {
	ID     string          `json:"id"`
	Device string          `json:"device"`
	Epoch  string          `json:"epoch"`
	Status string          `json:"status"`
	Seq    int64           `json:"seq,omitempty"` // where there is one, it is sent until somebody says that it arrived
	Reason string          `json:"reason,omitempty"`
	Run    json.RawMessage `json:"run,omitempty"` // how it stands, as GET /runs/ID gives it
}

// Final reports whether nothing more comes.
func (r *Reply) Final() bool {
	return r.Status == Rejected || r.Status == Expired || r.Status == Result || r.Status == Done
}

// Birth is what a device is.
type Birth struct {
	Device  string          `json:"device"`
	Epoch   string          `json:"epoch"`
	Version string          `json:"version"` // of ot2flow
	Robots  json.RawMessage `json:"robots"`  // as GET /robots gives them
	Tasks   []Task          `json:"tasks"`
}

// Task is what a device can carry out.
type Task struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Hash        string          `json:"hash"`
	Schema      json.RawMessage `json:"schema"` // of the parameters, a JSON Schema
}

// State is what a device does.
type State struct {
	Device string          `json:"device"`
	Online bool            `json:"online"`
	Epoch  string          `json:"epoch"`
	At     time.Time       `json:"at,omitzero"`
	Run    string          `json:"run,omitempty"` // under way
	Step   int             `json:"step,omitempty"`
	Steps  int             `json:"steps,omitempty"`
	Queued int             `json:"queued"`
	Robots json.RawMessage `json:"robots,omitempty"` // as GET /robots gives them
}

// Event is what happened in a run, and how the run stands.
type Event struct {
	Device string            `json:"device"`
	Run    json.RawMessage   `json:"run,omitempty"`
	Events []json.RawMessage `json:"events,omitempty"` // as the journal has them, each with its seq
	// Problem is why something that came is not answered otherwise.
	Problem string `json:"problem,omitempty"`
}

// Late says why a message that says how long it may take is too late; empty where it is
// not. With an expiry of MQTT 5 it is not: the broker counts how long it keeps a message
// by its own clock alone, and does not hand over one that has expired. Only where there is
// none do the clocks of sender and device have to agree.
func Late(sent time.Time, ttl, expiry time.Duration, now time.Time) string {
	switch age := now.Sub(sent); {
	case ttl < 0:
		return "its sender says that it is too late"
	case ttl == 0 || expiry > 0:
		return ""
	case sent.IsZero():
		return "it is to be accepted within a time, and does not say when it was sent"
	case age < -Skew:
		return fmt.Sprintf("it was sent %v from now by the sender's clock: the clocks differ, so that nobody knows how old it is", (-age).Round(time.Second))
	case age > ttl+Skew:
		return fmt.Sprintf("it was sent %v ago, and was to be accepted within %v", age.Round(time.Second), ttl)
	}
	return ""
}
