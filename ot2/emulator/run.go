package emulator

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"time"
)

// queueState says which commands a run takes.
type queueState uint8

const (
	setupQueue   queueState = iota // never played
	runningQueue                   // played
	pausedQueue
)

// result is how a run ended. It is set once.
type result uint8

const (
	noResult result = iota
	succeeded
	failed
	stopped
)

// run is a run, from its creation on. A run over is kept as it was.
type run struct {
	id        string
	protocol  *protocol
	created   time.Time
	started   time.Time // the first play
	over      time.Time // its result was set
	completed time.Time
	current   bool
	lost      bool   // the robot lost power while it was under way
	upkeep    bool   // a maintenance run
	stored    object // what the run says of itself, where it is from before the power went
	played    bool
	greeted   bool // homed after the first play, which no command says
	hangs     bool // its end is waited for without end

	queue      queueState
	result     result
	doorSwitch bool // as it was set when the run was created
	doorBlocks bool

	commands []*entry
	setup    []*entry  // queued
	queued   []*entry  // queued, of intent protocol
	feed     []request // of the protocol file, still to come
	running  *entry
	latest   *entry // to have reached its final status
	lastKey  string
	actions  []action
	errors   []*occurrence
	engine   *engine

	ctx      context.Context // ends with the run, or when it is stopped
	cancel   context.CancelFunc
	resume   chan struct{} // closed when a wait for play is over; nil if there is none
	finished chan struct{} // closed when the run is over
}

type action struct {
	ID      string `json:"id"`
	Created stamp  `json:"createdAt"`
	Kind    string `json:"actionType"`
}

// request is a command that is asked for.
type request struct {
	kind   string
	key    string
	intent string
	params params
	echo   json.RawMessage

	endless bool // it lasts until the run is stopped
}

// entry is a command of a run.
type entry struct {
	request
	id        string
	index     int
	created   time.Time
	started   time.Time
	completed time.Time
	status    string
	result    json.RawMessage
	err       *occurrence
	fromFile  bool
	noted     bool     // it was carried out to its end, good or bad
	tripped   bool     // what goes wrong at it has happened
	failing   *failure // injected
	slower    time.Duration
	done      chan struct{}
}

// The statuses of commands.
const (
	isQueued    = "queued"
	isRunning   = "running"
	isSucceeded = "succeeded"
	isFailed    = "failed"
)

// The intents of commands.
const (
	forSetup    = "setup"
	forProtocol = "protocol"
	forFixing   = "fixit"
)

func (e *Emulator) newRun() *run {
	r := &run{
		id: e.options.NewID(), created: e.now(), doorSwitch: e.doorSwitch,
		engine: e.newEngine(false), finished: make(chan struct{}),
	}
	r.ctx, r.cancel = context.WithCancel(e.ctx)
	return r
}

// status is what the robot calls the run's state.
func (r *run) status() string {
	switch {
	case r.lost:
		return "stopped"
	case r.result != noResult && r.completed.IsZero():
		if r.result == stopped {
			return "stop-requested"
		}
		return "finishing"
	case r.result == succeeded:
		return "succeeded"
	case r.result == failed:
		return "failed"
	case r.result == stopped:
		return "stopped"
	}
	switch {
	case r.queue == runningQueue:
		return "running"
	case r.queue == pausedQueue && r.doorBlocks:
		return "blocked-by-open-door"
	case r.queue == pausedQueue:
		return "paused"
	}
	return "idle"
}

// isOvertaken reports whether the file is carried out, and somebody has queued more.
func (r *run) isOvertaken() bool {
	return r.protocol != nil && r.greeted && len(r.feed) == 0 && len(r.queued) > 0 && !r.queued[0].fromFile
}

// isOver reports whether nothing of the run is still to come.
func (r *run) isOver() bool { return r.lost || !r.completed.IsZero() }

// mayBeCleared reports whether another run can take its place: it is over, or
// it was never played and is at nothing.
func (r *run) mayBeCleared() bool {
	return r.isOver() || r.result == noResult && r.queue == setupQueue && r.running == nil && len(r.setup) == 0
}

// end closes what waits for the run. The second time nothing happens.
func (r *run) end() {
	select {
	case <-r.finished:
	default:
		close(r.finished)
		r.cancel()
	}
}

// enqueue takes a command.
func (r *run) enqueue(q request, id string, now time.Time, fromFile bool) *entry {
	c := &entry{request: q, id: id, index: len(r.commands), created: now, status: isQueued, fromFile: fromFile, done: make(chan struct{})}
	if c.kind == "pause" {
		c.kind = "waitForResume"
	}
	protocol := fromFile || q.intent == forProtocol
	if protocol {
		r.lastKey = chained(r.lastKey, &q)
	}
	switch {
	case q.key != "":
	case protocol:
		c.key = r.lastKey
	default:
		c.key = id
	}
	r.commands = append(r.commands, c)
	if protocol {
		r.queued = append(r.queued, c)
	} else {
		r.setup = append(r.setup, c)
	}
	return c
}

// chained is the key of a command that was given none: the same in every run
// that does the same up to it.
func chained(last string, q *request) string {
	sum := md5.Sum([]byte(last + "\x00" + q.kind + "\x00" + string(q.echo))) //nolint:gosec // a name, no secret
	return hex.EncodeToString(sum[:])
}

// conclude sets a command's final status.
func (r *run) conclude(c *entry, status string, now time.Time) {
	c.status, c.completed = status, now
	r.latest = c
	close(c.done)
}

// drop ends commands that will never be reached.
func (r *run) drop(queue *[]*entry, now time.Time) {
	for _, c := range *queue {
		r.conclude(c, isFailed, now)
	}
	*queue = nil
}

// finish sets the result, unless there is one.
func (r *run) finish(how result, now time.Time) {
	if r.result != noResult {
		return
	}
	r.result, r.over = how, now
	if r.played {
		r.drop(&r.queued, now)
		r.drop(&r.setup, now)
		r.feed = nil
	}
}

// release ends a wait for play.
func (r *run) release() {
	if r.resume != nil {
		close(r.resume)
		r.resume = nil
	}
}

// occupy makes a run that somebody else is about, and that does not end.
func (e *Emulator) occupy() {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.newRun()
	r.enqueue(request{kind: "waitForDuration", endless: true, echo: json.RawMessage(`{"message":"somebody else's run"}`), intent: forProtocol}, e.options.NewID(), e.now(), false)
	e.adopt(r)
	e.play(r)
	r.actions = append(r.actions, action{e.options.NewID(), stamp(e.now()), "play"})
}
