package robot

import (
	"encoding/json"
	"strings"
	"time"
)

// What the robot answers, as far as it is read. Members that are not here are
// passed over, and missing ones are empty: robots of other versions say more
// or less.

type envelope[T any] struct {
	Data  T         `json:"data"`
	Links linksJSON `json:"links"`
	Meta  metaJSON  `json:"meta"`
}

type metaJSON struct {
	Cursor *int `json:"cursor"`
}

// linksJSON is null, an object or not there.
type linksJSON struct {
	Current struct {
		Href string `json:"href"`
	} `json:"current"`
}

type healthJSON struct {
	Name    string `json:"name"`
	Model   string `json:"robot_model"`
	Version string `json:"api_version"`
	Serial  string `json:"robot_serial"`
}

type instrumentJSON struct {
	Mount  string `json:"mount"`
	Type   string `json:"instrumentType"`
	Name   string `json:"instrumentName"`
	Serial string `json:"serialNumber"`
	OK     *bool  `json:"ok"`
}

type moduleJSON struct {
	Model  string `json:"moduleModel"`
	Serial string `json:"serialNumber"`
}

type doorJSON struct {
	Status   string `json:"status"`
	Required bool   `json:"doorRequiredClosedForProtocol"`
}

type actionJSON struct {
	Type string `json:"actionType"`
}

type runJSON struct {
	ID        string       `json:"id"`
	OK        *bool        `json:"ok"`
	Status    string       `json:"status"`
	Current   bool         `json:"current"`
	Actions   []actionJSON `json:"actions"`
	Errors    []errorJSON  `json:"errors"`
	Protocol  string       `json:"protocolId"`
	StartedAt string       `json:"startedAt"`
	CreatedAt string       `json:"createdAt"`
	Offsets   []offsetJSON `json:"labwareOffsets"`
}

// plays is how often the run was played. Actions the robot refused are not
// among them.
func (r *runJSON) plays() int {
	n := 0
	for _, a := range r.Actions {
		if a.Type == "play" {
			n++
		}
	}
	return n
}

// lost reports whether the robot has forgotten what was done in the run, as it
// has when it lost power in the middle.
func (r *runJSON) lost() bool { return r.OK != nil && !*r.OK }

// neverBegun makes of a run that was lost before it was played one that ended
// before its first step. A robot notes down that it was told to play before it
// moves, and that outlives its power; so where nothing is noted, nothing moved.
func (r *runJSON) neverBegun() {
	r.Status = "failed"
	r.Errors = []errorJSON{{Detail: restartedBefore}}
}

const restartedBefore = "the robot was restarted before it was told to begin; nothing has moved"

func (r *runJSON) over() bool {
	return r.Status == "succeeded" || r.Status == "failed" || r.Status == "stopped"
}

type commandJSON struct {
	ID          string     `json:"id"`
	Key         string     `json:"key"`
	Type        string     `json:"commandType"`
	Status      string     `json:"status"`
	StartedAt   string     `json:"startedAt"`
	CompletedAt string     `json:"completedAt"`
	Error       *errorJSON `json:"error"`
}

type errorJSON struct {
	Type    string      `json:"errorType"`
	Code    string      `json:"errorCode"`
	Detail  string      `json:"detail"`
	Wrapped []errorJSON `json:"wrappedErrors"`
}

// longest is how much of the robot's words is passed on.
const longest = 600

// String is the robot's reason, with its own name for it.
func (e *errorJSON) String() string {
	inner := e
	for len(inner.Wrapped) > 0 { // what is around it only says that it happened
		inner = &inner.Wrapped[0]
	}
	text := shorten(inner.Detail)
	name := strings.TrimSpace(inner.Type + " " + inner.Code)
	switch {
	case text == "":
		return name
	case name == "":
		return text
	}
	return text + " [" + name + "]"
}

func shorten(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

type protocolJSON struct {
	ID    string `json:"id"`
	Key   string `json:"key"`
	Files []struct {
		Name string `json:"name"`
	} `json:"files"`
	Analyses []summaryJSON `json:"analysisSummaries"`
}

type summaryJSON struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

type analysisJSON struct {
	Status   string        `json:"status"`
	Result   string        `json:"result"`
	Commands []commandJSON `json:"commands"`
	Errors   []errorJSON   `json:"errors"`
}

// faultJSON is both forms of an error.
type faultJSON struct {
	Message string          `json:"message"`
	Errors  json.RawMessage `json:"errors"`
}

type faultItemJSON struct {
	ID     string    `json:"id"`
	Title  string    `json:"title"`
	Detail string    `json:"detail"`
	Meta   causeJSON `json:"meta"`
}

type causeJSON struct {
	Type     string      `json:"type"`
	Wrapping []causeJSON `json:"wrapping"`
}

func (c *causeJSON) types() []string {
	if c.Type == "" {
		return nil
	}
	out := []string{c.Type}
	for i := range c.Wrapping {
		out = append(out, c.Wrapping[i].types()...)
	}
	return out
}

// between is the time from one of the robot's timestamps to another, in ms;
// 0 where one is missing or the robot's clock was set in the meantime.
func between(from, to string) int64 {
	a, errA := time.Parse(time.RFC3339, from)
	b, errB := time.Parse(time.RFC3339, to)
	if errA != nil || errB != nil || b.Before(a) {
		return 0
	}
	return b.Sub(a).Milliseconds()
}
