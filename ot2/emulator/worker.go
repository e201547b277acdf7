package emulator

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// work carries out commands, one at a time, until the power is cut.
func (e *Emulator) work() {
	for {
		e.mu.Lock()
		busy := e.ctx.Err() == nil && e.turn()
		e.mu.Unlock()
		if busy {
			continue
		}
		select {
		case <-e.wake:
		case <-e.ctx.Done():
			return
		}
	}
}

// turn does one thing, and reports whether there was one to do. It is called
// with the robot locked, and unlocks it while time passes.
func (e *Emulator) turn() bool {
	for _, r := range []*run{e.current, e.upkeep, e.stateless} {
		if r != nil && e.advance(r) {
			return true
		}
	}
	return false
}

func (e *Emulator) advance(r *run) bool {
	switch {
	case r.isOver():
		return false
	case r.result != noResult:
		e.cleanUp(r)
		return true
	case len(r.setup) > 0 && r.queue != pausedQueue:
		c := r.setup[0]
		r.setup = r.setup[1:]
		e.execute(r, c)
		return true
	case r.queue != runningQueue:
		return false
	case !r.greeted:
		r.greeted = true
		if r.protocol == nil {
			e.sleep(r, e.options.HomeTime)
		}
		return true
	case r.isOvertaken():
		// The run ends with its file, while the robot waits already at what
		// somebody queued behind it: neither comes to an end.
		r.hangs = r.queued[0].kind == "waitForResume"
		r.finish(succeeded, e.now())
		return true
	case len(r.queued) > 0:
		c := r.queued[0]
		r.queued = r.queued[1:]
		e.execute(r, c)
		return true
	case len(r.feed) > 0:
		q := r.feed[0]
		r.feed = r.feed[1:]
		r.enqueue(q, e.options.NewID(), e.now(), true)
		return true
	}
	r.finish(succeeded, e.now())
	return true
}

// sleep lets time pass for a run and reports whether it was let.
func (e *Emulator) sleep(r *run, d time.Duration) bool {
	if d <= 0 {
		return r.ctx.Err() == nil
	}
	e.mu.Unlock()
	defer e.mu.Lock()
	return e.clock.Sleep(r.ctx, d) == nil
}

// cleanUp is what follows a result.
func (e *Emulator) cleanUp(r *run) {
	if r.played {
		e.mu.Unlock()
		if r.hangs || r.result == stopped && e.faults.StopHangs {
			<-e.ctx.Done()
		}
		err := e.clock.Sleep(e.ctx, e.options.EndTime)
		e.mu.Lock()
		if err != nil || r.lost {
			r.end()
			return
		}
		r.engine.end()
		e.keep(line{Did: &Deed{Run: r.id, Command: EndOfRun}})
	}
	r.completed = e.now()
	e.keepOver(r)
	r.end()
}

// execute carries out a command that was queued.
func (e *Emulator) execute(r *run, c *entry) {
	if c.intent != forSetup && r.played && e.trip(r, c) {
		return
	}
	c.status, c.started = isRunning, e.now()
	r.running = c
	w, bad := work{}, (*failure)(nil)
	if c.endless {
		e.mu.Unlock()
		<-r.ctx.Done()
		e.mu.Lock()
	} else {
		w, bad = r.engine.prepare(c.kind, &c.params)
		if c.failing != nil {
			bad = c.failing
		}
	}
	if bad == nil {
		e.spend(r, c, &w)
		if r.ctx.Err() != nil {
			bad = fails("RunStoppedError", "Run was cancelled")
		}
	}
	r.running = nil
	if r.lost {
		if w.late {
			e.did(r, c, &w)
		}
		return
	}
	e.settle(r, c, &w, bad)
}

// spend lets the time of a command pass.
func (e *Emulator) spend(r *run, c *entry, w *work) {
	if w.waits && !r.engine.virtual {
		r.queue = pausedQueue
		resume := make(chan struct{})
		r.resume = resume
		e.mu.Unlock()
		select {
		case <-resume:
		case <-r.ctx.Done():
		}
		e.mu.Lock()
		return
	}
	took := time.Duration(r.engine.duration(w))*time.Microsecond + c.slower
	began := e.clock.Now()
	if !e.sleep(r, took) {
		w.late = e.clock.Now().Sub(began) > took/2
	}
}

// settle ends a command well or badly.
func (e *Emulator) settle(r *run, c *entry, w *work, bad *failure) {
	now := e.now()
	c.noted = true
	if bad == nil {
		r.engine.finish(w)
		e.did(r, c, w)
		c.result, _ = json.Marshal(w.result) // results are ours and have a JSON form
		r.conclude(c, isSucceeded, now)
		if len(w.ops) > 0 && !r.engine.virtual {
			e.shown = r
		}
		return
	}
	if w.late {
		r.engine.finish(w)
		e.did(r, c, w)
	}
	c.err = bad.occur(e.options.NewID(), now)
	r.conclude(c, isFailed, now)
	switch {
	case r.result != noResult: // stopped
		if r.played {
			r.drop(&r.queued, now)
		}
	case c.intent == forSetup:
		r.drop(&r.setup, now)
	default:
		r.errors = []*occurrence{c.err}
		r.finish(failed, now)
	}
}

// trip has happen what goes wrong at a command, before it begins. It reports
// whether the command is out of reach now.
func (e *Emulator) trip(r *run, c *entry) bool {
	if c.tripped {
		return false
	}
	c.tripped = true
	out := false
	for _, f := range e.dice.Reached(c.key) {
		out = e.befall(r, c, &f) || out
	}
	return out
}

func (e *Emulator) befall(r *run, c *entry, f *mishap.Event) bool {
	switch f.Do {
	case mishap.CommandFailed:
		c.failing = unplanned("RuntimeError", cmp.Or(f.Detail, "the fault injected here"))
	case mishap.TipMissed:
		if c.kind == "pickUpTip" {
			c.failing = &failure{"TipAttachError", "3003", cmp.Or(f.Detail, "no tip was picked up"), nil}
		}
	case mishap.Slow:
		c.slower = f.By
	case mishap.ClockJumped:
		e.ahead.Add(int64(f.By))
	case mishap.ConnectionLost:
		e.cut = max(f.Requests, 1)
	case mishap.Rebooted:
		e.reboot(f.Requests)
		return true
	case mishap.Stopped:
		e.press(r, "stop") // and the command is cut off
	case mishap.PausedBy:
		e.press(r, "pause")
		r.queued = append([]*entry{c}, r.queued...)
		return true
	case mishap.DoorOpened:
		e.openDoor(true)
		if f.By > 0 {
			e.closeDoorAfter(f.By)
		}
		if r.queue != runningQueue {
			r.queued = append([]*entry{c}, r.queued...)
			return true
		}
	}
	return false
}

// press does what a button of the vendor's App does.
func (e *Emulator) press(r *run, kind string) {
	if bad := e.act(r, kind); bad == nil {
		r.acted(action{e.options.NewID(), stamp(e.now()), kind}, e)
	}
}

// play begins or goes on.
func (e *Emulator) play(r *run) {
	first := !r.played
	if first {
		r.played, r.started = true, e.now()
		if e.upkeep != nil {
			e.upkeep.end()
			e.upkeep = nil
		}
	}
	r.queue = runningQueue
	if first && r.doorSwitch && e.doorOpen {
		r.queue, r.doorBlocks = pausedQueue, true
		return
	}
	r.release()
	e.poke()
}

// act does what an action asks for, or says why not.
func (e *Emulator) act(r *run, kind string) *failure {
	over := r.result != noResult
	switch kind {
	case "play":
		switch {
		case over:
			return fails("RunStoppedError", runStopped)
		case r.played && r.doorBlocks && e.doorOpen:
			return fails("RobotDoorOpenError", "Front door or top window is currently open.")
		}
		r.doorBlocks = false
		e.play(r)
	case "pause":
		switch {
		case over:
			return fails("RunStoppedError", runStopped)
		case r.queue != runningQueue:
			return fails("PauseNotAllowedError", "Cannot pause a run that is not running.")
		}
		r.queue = pausedQueue
	case "stop":
		e.stop(r)
	default:
		return fails("ResumeFromRecoveryNotAllowedError", "Cannot resume from recovery if the run is not in recovery mode.")
	}
	return nil
}

const runStopped = "The run has already stopped."

// stop asks a run to stop. What is queued falls at once if it was played; a
// command of intent setup is not cut off.
func (e *Emulator) stop(r *run) {
	if r.result != noResult {
		return
	}
	r.finish(stopped, e.now())
	if r.played || r.running != nil && r.resume != nil {
		r.cancel()
	}
	if !r.played && r.running == nil {
		r.completed = e.now()
		e.keepOver(r)
		r.end()
	}
	e.poke()
}
