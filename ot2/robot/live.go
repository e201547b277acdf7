package robot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// A live run is one without a protocol: its steps are handed over batch by
// batch while it stands still. A robot ends a run as soon as its queue is
// empty, so each batch but the last is followed by two commands that wait for
// a person. The robot reaches the first and stands; the next batch is queued
// behind them; then both are let go. Two, because whoever presses resume in
// the Opentrons App lets go of one: the robot stands at the other, and nothing
// that is only half queued begins to move.

// sentinel is the key of the k-th command that waits after step n.
func sentinel(n, k int) string { return "wait " + strconv.Itoa(n) + "." + strconv.Itoa(k) }

// parseSentinel takes such a key apart.
func parseSentinel(key string) (n, k int, ok bool) {
	rest, is := strings.CutPrefix(key, "wait ")
	if !is {
		return 0, 0, false
	}
	return parseKey(rest)
}

// sentinels is how many commands wait after a batch.
const sentinels = 2

// liveKey marks the first command of our live runs.
const liveKey = keyPrefix + "live"

// live is a session of a run without a protocol.
type live struct{ *session }

// openLive prepares a live run. The robot analyses the plan all the same, as
// one that is never played.
func (r *Robot) openLive(ctx context.Context, job run.Job, serial string) (run.Session, error) {
	id, err := r.create(ctx, "", nil, nil)
	if err != nil {
		return nil, err
	}
	s := live{r.session(job.Plan, handle{Robot: r.c.base, Serial: serial, Run: id, Live: true})}
	s.f.live = true
	if err := s.equip(ctx, job.Plan); err != nil {
		return nil, err
	}
	return s, nil
}

// equip tells the run what is on the mounts and on the deck. Nothing moves.
func (s live) equip(ctx context.Context, p *program.Plan) error {
	if err := s.setup(ctx, command.Command{Type: "comment", Params: command.Comment{Message: keyPrefix + p.Fingerprint}, Key: liveKey}); err != nil {
		return err
	}
	for i := range p.Deck.Labware {
		own := p.Deck.Labware[i].Def.JSON
		if own == nil {
			continue
		}
		body := map[string]any{"data": json.RawMessage(own)}
		if err := s.r.c.send(ctx, http.MethodPost, "/runs/"+s.h.Run+"/labware_definitions", body, s.r.o.Write, nil); err != nil {
			return failure(run.Rejected, err, "the robot does not take the definition of %s: %v; nothing has moved", p.Deck.Labware[i].Name, err)
		}
	}
	for _, c := range command.Setup(p.Deck) {
		if _, shown := c.Params.(command.LoadLiquid); shown {
			continue // only protocols may declare liquids; they are shown on the robot's screen and nothing more
		}
		if err := s.setup(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// setup has a command carried out that moves nothing. Where there is no answer
// the run is given up: it was never played.
func (s live) setup(ctx context.Context, c command.Command) error {
	var e envelope[commandJSON]
	path := fmt.Sprintf("/runs/%s/commands?waitUntilComplete=true&timeout=%d", s.h.Run, s.r.o.Write.Milliseconds())
	body := map[string]any{"data": map[string]any{"commandType": c.Type, "params": c.Params, "intent": "setup", "key": c.Key}}
	switch err := s.r.c.send(ctx, http.MethodPost, path, body, s.r.o.Write+5*time.Second, &e); {
	case err != nil:
		return err
	case e.Data.Error != nil:
		return failure(run.Rejected, nil, "the robot refuses %s, and nothing has moved: %s", c.Type, e.Data.Error)
	case e.Data.Status != "succeeded":
		return failure(run.Timeout, nil, "the robot does not come to an end with %s; nothing has moved", c.Type)
	}
	return nil
}

// Send queues the commands of a batch behind what the robot stands at, and lets
// them go. Nothing of it moves before its last command is in the queue. What
// an earlier attempt has queued is there already, and is not queued twice.
func (s live) Send(ctx context.Context, b run.Batch) error {
	var want []command.Command
	for i := range b.Steps {
		want = append(want, command.Of(&b.Steps[i], s.f.plan.Deck)...)
	}
	if !b.Final {
		for k := range sentinels {
			want = append(want, command.Command{Type: "waitForResume", Params: command.WaitForResume{Message: "ot2flow: the next steps follow"}, Key: sentinel(b.Last, k+1)})
		}
	}
	there, err := s.queued(ctx, want)
	if err != nil {
		return err
	}
	for _, c := range want[there:] {
		body := map[string]any{"data": map[string]any{"commandType": c.Type, "params": c.Params, "intent": "protocol", "key": c.Key}}
		if err := s.r.c.send(ctx, http.MethodPost, "/runs/"+s.h.Run+"/commands", body, s.r.o.Write, nil); err != nil {
			return s.notQueued(ctx, &c, err)
		}
	}
	err = s.letGo(ctx, b, there > 0 || len(want) == 0)
	if err == nil {
		s.mu.Lock()
		s.h.Last, s.h.Plays = b.Last, max(1, s.plays)
		s.mu.Unlock()
	}
	return err
}

// notQueued says what it means that a command could not be queued.
func (s live) notQueued(ctx context.Context, c *command.Command, err error) error {
	if mayBeHeard(err) {
		s.unheard()
		return failure(run.Unreachable, err, "%v", err)
	}
	if refusedWith(err, 404, 409) != nil {
		if current, readErr := s.r.readRun(ctx, s.h.Run); readErr == nil && current.lost() && current.plays() == 0 {
			return failure(run.Halted, err, restartedBefore)
		}
		return failure(run.Halted, err, "the run is no longer under way: %v", err)
	}
	return failure(run.Rejected, err, "the robot does not take %s: %v", c.Type, err)
}

// queued counts how many of the commands the robot has at the end of its list.
func (s live) queued(ctx context.Context, want []command.Command) (int, error) {
	last, err := s.lastListed(ctx)
	if err != nil {
		return 0, err
	}
	for i := range want {
		if want[i].Key == last {
			return i + 1, nil
		}
	}
	return 0, nil
}

// lastListed returns the key of the newest command the robot knows of.
func (s live) lastListed(ctx context.Context) (string, error) {
	var e envelope[[]commandJSON]
	err := s.r.c.get(ctx, fmt.Sprintf("/runs/%s/commands?cursor=%d&pageLength=1", s.h.Run, 1<<30), s.r.o.Read, &e)
	switch {
	case refusedWith(err, 404) != nil:
		return "", failure(run.Halted, err, "the robot no longer knows the run")
	case err != nil:
		return "", err
	case len(e.Data) == 0:
		return "", nil
	}
	return e.Data[len(e.Data)-1].Key, nil
}

// letGo starts the run, or lets go of what the robot stands at. A run that is
// over by then has done the batch, if it was queued before or let go of.
func (s live) letGo(ctx context.Context, b run.Batch, before bool) error {
	s.mu.Lock()
	played := s.played
	s.pause, s.more = s.r.o.Fast/8, !b.Final
	s.mu.Unlock()
	if !played {
		return s.begin(ctx, b.First > 1)
	}
	return s.release(ctx, b.First, before)
}

// release lets go of what waits before step first. Somebody may have paused the
// robot before it got there; then that is done once it stands there.
func (s live) release(ctx context.Context, first int, before bool) error {
	s.owe(0)
	for k := 0; k < sentinels; {
		stands, err := s.standing(ctx, first)
		switch {
		case (k > 0 || before) && run.KindOf(err) == run.Halted:
			return nil
		case errors.Is(err, errPaused):
			s.owe(first)
			return nil
		case err != nil || !stands:
			return err // it was let go of already
		}
		switch err := s.play(ctx); {
		case errors.Is(err, errDoorOpen): // it is waited for until that is closed
		case err != nil:
			return err
		default:
			k++
		}
	}
	return nil
}

func (s live) owe(first int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed = first
}

// releaseLate does what release left for later, where it is time.
func (s live) releaseLate(ctx context.Context) error {
	s.mu.Lock()
	first, stands := s.owed, s.f.standing != "" && !s.f.hold
	s.mu.Unlock()
	if first == 0 || !stands {
		return nil
	}
	return s.release(ctx, first, true)
}

// begin plays the run for the first time. Where steps beside the robot came
// first, an open door is waited for; a robot that is told to play then would
// stand still until somebody lets it go on.
func (s live) begin(ctx context.Context, waits bool) error {
	for waits {
		if open, err := s.r.doorOpen(ctx); err != nil || !open {
			break
		}
		if !s.waitForDoor(ctx) {
			return failure(run.Rejected, ctx.Err(), "not waited for any longer; nothing has moved")
		}
	}
	return s.start(ctx)
}

// waitForDoor says so, and waits a while.
func (s live) waitForDoor(ctx context.Context) bool {
	s.r.o.Say("the robot waits because its door is open; close it")
	return sleep(ctx, s.r.o.Slow)
}

// looksUntilPaused is after how many looks a robot that stands nowhere, and says
// that it is paused, was paused by somebody, and is not just about to go on.
const looksUntilPaused = 5

// standing waits until the robot has reached what it is to stand at before step
// first, and reports false if it was let go of that already. That it stands
// nowhere says nothing: it may be between the last step and the first of the
// commands that wait, or between these two.
func (s live) standing(ctx context.Context, first int) (bool, error) {
	stands, paused := false, 0
	err := s.until(ctx, true, func() (bool, error) {
		status := statusOf(s.f.status)
		switch {
		case s.f.over():
			return false, failure(run.Halted, nil, "the run is over")
		case !s.f.waitsBefore(first):
			return true, nil
		case s.f.standing == "" && status == run.Paused:
			if paused++; paused > looksUntilPaused {
				return false, errPaused
			}
		}
		// To play before the robot says that it stands would do nothing.
		stands = s.f.standing != "" && status != run.Running && status != run.DoorOpen
		return stands, nil
	})
	return stands, err
}

// until looks again and again until all is as wanted: at the commands, and at the run
// itself if it is all, or every now and then.
func (s live) until(ctx context.Context, all bool, so func() (bool, error)) error {
	for pause := 2 * time.Millisecond; ; pause = min(pause*2, s.r.o.Fast) {
		if err := s.refresh(ctx, all); err != nil {
			return err
		}
		s.mu.Lock()
		ok, err := so()
		door := statusOf(s.f.status) == run.DoorOpen
		s.mu.Unlock()
		switch {
		case ok || err != nil:
			return err
		case door && s.waitForDoor(ctx):
		case !sleep(ctx, pause):
			return failure(run.Unreachable, ctx.Err(), "not waited for any longer")
		}
	}
}

var (
	errDoorOpen = errors.New("the robot's door is open")
	errPaused   = errors.New("somebody has paused the robot")
)

// play lets go of one command that waits, and waits until that is over.
func (s live) play(ctx context.Context) error {
	s.mu.Lock()
	at, plays := s.f.standing, s.plays
	s.mu.Unlock()
	err := s.act(ctx, "play")
	if err != nil && mayBeHeard(err) {
		s.unheard()
		return failure(run.Unreachable, err, "%v", err)
	}
	if err != nil {
		if s.refresh(ctx, true) == nil && s.hasDoorOpen() {
			return errDoorOpen
		}
		return failure(run.Halted, err, "the robot does not go on: %v", err)
	}
	s.mu.Lock()
	s.plays = max(s.plays, plays+1) // whoever looked meanwhile has counted it; too few leave more in doubt, too many would not
	s.mu.Unlock()
	return s.until(ctx, false, func() (bool, error) { return s.f.standing != at || s.f.over(), nil })
}

func (s live) hasDoorOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return statusOf(s.f.status) == run.DoorOpen
}

// Find says what is known of step n. What stands in the queue behind a command
// that waits has not happened, and does not happen unless we let it go.
func (s live) Find(ctx context.Context, n int) (run.Finding, error) {
	if n < 1 || n > len(s.f.steps) {
		return run.Finding{Outcome: run.WasNotTaken, Evidence: "the plan has no such step"}, nil
	}
	if err := s.refresh(ctx, true); err != nil {
		return run.Finding{}, err
	}
	last, err := s.lastListed(ctx)
	if err != nil {
		return run.Finding{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &s.f.steps[n-1]
	if s.f.known(n) || m.started {
		return s.f.finding(n), nil
	}
	until, _, ok := parseKey(last)
	if k, _, is := parseSentinel(last); is {
		until, ok = k, true
	}
	waits := !s.played || s.f.waitsBefore(n) && s.f.atWait() // for us
	if ok && n <= until && !waits {
		return run.Finding{Outcome: run.WasTaken, Evidence: "the robot has it in its queue"}, nil
	}
	if since := time.Since(s.lost); !s.lost.IsZero() && since < s.r.o.Settle {
		return run.Finding{}, failure(run.Timeout, nil, "the robot stands still; waiting to be certain that nothing is still on its way to it")
	}
	if waits {
		return run.Finding{Outcome: run.WasNotTaken, Evidence: "the robot stands before it and waits for us"}, nil
	}
	return run.Finding{Outcome: run.WasNotTaken, Evidence: "the robot does not have it in its list"}, nil
}

// Ask asks for something. A robot that stands between two batches is paused as
// it is, and goes on with the next batch.
func (s live) Ask(ctx context.Context, c run.Control) error {
	if c == run.Stop {
		return s.session.Ask(ctx, c)
	}
	if err := s.refresh(ctx, true); err != nil {
		return err
	}
	s.mu.Lock()
	s.f.hold = c == run.Pause || c == run.Stand
	stands := s.f.standing != "" || !s.played
	s.mu.Unlock()
	if stands {
		s.wake()
		return nil
	}
	return s.session.Ask(ctx, c)
}
