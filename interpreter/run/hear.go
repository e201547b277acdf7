package run

import (
	"context"
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// mayReport reports whether reports can be taken in order now.
func (d *driver) mayReport() bool {
	s := &d.m.state
	return !s.Lost && (s.Stage == Ready || s.Stage == Following || s.Stage == Performing)
}

func (d *driver) await(ctx context.Context) {
	if d.news != nil || d.held != nil || d.session == nil || !d.m.state.live() {
		return
	}
	if d.stopNews != nil {
		d.stopNews()
	}
	ctx, cancel := context.WithCancel(ctx)
	got := make(chan news, 1)
	d.news, d.stopNews = got, cancel
	session := d.session
	d.wg.Go(func() {
		r, err := session.Next(ctx)
		got <- news{r, err}
	})
}

// report turns a report into events. One that tells of a later step than is
// due is held until it is known what became of those before it.
func (d *driver) report(ctx context.Context, n news) error {
	if n.err != nil {
		return d.silence(ctx, n.err)
	}
	r := &n.report
	d.elapsed = max(d.elapsed, r.RobotMS)
	s := &d.m.state
	late := r.Step > s.Done+1 && r.Phase != NoStep && s.Outstanding()
	if late && d.heldN == s.Done+1 {
		return d.emit(ctx, Doubted{First: s.Done + 1, Last: min(r.Step-1, s.Batch.Last), Evidence: fmt.Sprintf("the device is at step %d, and does not know what became of step %d", r.Step, s.Done+1)})
	}
	if late {
		d.held, d.heldN = &n, s.Done+1
		return d.emit(ctx, Behind{})
	}
	d.heldN = 0
	if err := d.step(ctx, r); err != nil {
		return err
	}
	if err := d.status(ctx, r.Status, r.Reason); err != nil {
		return err
	}
	d.keepAwaiting(ctx)
	return nil
}

// keepAwaiting goes on waiting after a report that said nothing new.
func (d *driver) keepAwaiting(ctx context.Context) {
	if len(d.todo) == 0 && d.mayReport() {
		d.await(ctx)
	}
}

func (d *driver) silence(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil: // it is why there is no report
		return d.leave(ctx)
	case KindOf(err) == Halted:
		return d.gone(ctx, err)
	}
	return d.emit(ctx, Lost{clean(err.Error())})
}

func (d *driver) leave(ctx context.Context) error {
	reason := "whoever followed it has gone"
	if d.o.Look {
		reason = "somebody only had a look at it"
	}
	return d.emit(ctx, Left{Reason: reason})
}

func (d *driver) step(ctx context.Context, r *Report) error {
	s := &d.m.state
	if r.Phase == NoStep || !s.isNext(r.Step) || s.Stage != Following {
		return nil // known already
	}
	switch r.Phase {
	case Started:
		if s.Current == r.Step {
			return nil
		}
		return d.started(ctx, r.Step)
	case Done:
		return d.emit(ctx, StepDone{N: r.Step, Evidence: clean(r.Finding.Evidence)})
	case Failed:
		return d.emit(ctx, StepFailed{N: r.Step, Evidence: clean(r.Finding.Evidence)})
	case NoStep:
	}
	return nil
}

func (d *driver) started(ctx context.Context, n int) error {
	if err := d.emit(ctx, StepStarted{n}); err != nil {
		return err
	}
	step := &d.plan.Steps[n-1]
	if !step.Op.Kind.Waits() {
		return nil
	}
	text := step.Text
	if step.Op.Kind == program.MoveLabware {
		text = program.MoveText(d.plan.Deck, d.plan.Steps, n)
	}
	return d.emit(ctx, Waiting{n, clean(text)})
}

func (d *driver) status(ctx context.Context, status Status, reason string) error {
	s := &d.m.state
	switch status {
	case Running:
		if s.live() && s.Halted != NoStatus {
			return d.emit(ctx, Resumed{})
		}
	case Paused, DoorOpen:
		if s.live() && (s.Halted != status || s.Unheard) {
			return d.emit(ctx, Halting{status})
		}
	case Succeeded, Errored, Stopped, Gone:
		if s.live() && s.Ended == NoStatus {
			return d.emit(ctx, Ended{Status: status, Reason: clean(reason)})
		}
	case NoStatus:
	}
	return nil
}
