package run

import (
	"context"
	"errors"
	"time"
)

func (d *driver) findRun(ctx context.Context) error {
	s, err := d.o.Backend.Reattach(ctx, d.job(), d.m.state.Handle)
	switch {
	case err == nil:
		d.session = d.of(s)
		return d.emit(ctx, Reattached{s.Handle()})
	case KindOf(err) == Halted:
		return d.gone(ctx, err)
	case d.m.state.Lost:
		return d.again(ctx)
	}
	return d.emit(ctx, Lost{clean(err.Error())})
}

// gone ends a run that the device no longer knows.
func (d *driver) gone(ctx context.Context, err error) error {
	if d.m.state.Ended != NoStatus {
		s := &d.m.state
		return d.emit(ctx, Doubted{First: s.Done + 1, Last: s.Batch.Last, Evidence: clean(err.Error())})
	}
	return d.emit(ctx, Ended{Status: Gone, Reason: clean(err.Error()), Until: d.until(err)})
}

// until is the last step that may have happened, as a device says that has
// forgotten the run; 0: any may have.
func (d *driver) until(err error) int {
	var e *Error
	if !errors.As(err, &e) || e.Until == 0 {
		return 0
	}
	return d.m.state.Base + e.Until
}

// takesNothing reports whether what is being sent was sent before, and was lost.
func (d *driver) takesNothing() bool {
	return d.m.state.Stage == Intending && d.m.state.Tries > 1
}

// lost waits for a device to which there is no connection. One that answers, and
// takes nothing of what it is sent, has not come back since that began.
func (d *driver) lost(ctx context.Context) error {
	if d.takesNothing() {
		return d.again(ctx)
	}
	d.retries, d.lostAt = 0, d.o.Clock.Now()
	d.retryLater()
	return nil
}

// retryLater sets the time of the next attempt to reach the device: half a
// second at first, up to ten.
func (d *driver) retryLater() {
	wait := min(500*time.Millisecond<<min(d.retries, 10), 10*time.Second)
	d.retries++
	d.retry = d.o.Clock.After(wait)
}

// reconnect tries whether the device answers. It only reads.
func (d *driver) reconnect(ctx context.Context) error {
	d.retry = nil
	s := &d.m.state
	if !s.Lost {
		return nil
	}
	if d.session == nil {
		return d.findRun(ctx)
	}
	_, err := d.session.Find(ctx, max(s.Base+1, min(s.Done+1, s.end())))
	switch {
	case err == nil:
		if d.held != nil {
			d.held.report.Outdate()
		}
		return d.emit(ctx, Regained{})
	case KindOf(err) == Halted:
		return d.gone(ctx, err)
	}
	return d.again(ctx)
}

func (d *driver) again(ctx context.Context) error {
	if d.o.Patience > 0 && d.o.Clock.Now().Sub(d.lostAt) >= d.o.Patience {
		reason := "the device did not answer for " + d.o.Patience.String()
		if d.takesNothing() {
			reason = "the device answers, and took nothing of what it was sent for " + d.o.Patience.String()
			d.whyLeaves = reason
		}
		return d.emit(ctx, Left{Reason: reason})
	}
	d.retryLater()
	return nil
}

func (d *driver) findStep(ctx context.Context, a FindStep) error {
	if d.m.state.Batch.Live {
		return d.findBeside(ctx, a.N)
	}
	f, err := d.session.Find(ctx, a.N)
	switch {
	case err != nil && KindOf(err) == Halted:
		return d.gone(ctx, err)
	case err != nil:
		return d.emit(ctx, Lost{clean(err.Error())})
	}
	evidence := clean(f.Evidence)
	switch f.Outcome {
	case WasDone:
		return d.emit(ctx, StepDone{N: a.N, Found: true, Evidence: evidence})
	case HasFailed:
		return d.emit(ctx, StepFailed{N: a.N, Found: true, Evidence: evidence})
	case WasTaken:
		return d.emit(ctx, StepTaken{N: a.N, Evidence: evidence})
	case WasNotTaken:
		return d.emit(ctx, NotTaken{First: a.N, Last: a.Last, Evidence: evidence})
	case Unknown:
	}
	return d.emit(ctx, Doubted{First: a.N, Last: d.lastInDoubt(ctx, a), Evidence: evidence})
}

// lastInDoubt returns how far the doubt about step a.N reaches: devices work
// in order, so proof that the next was not taken ends it.
func (d *driver) lastInDoubt(ctx context.Context, a FindStep) int {
	if a.N == a.Last {
		return a.N
	}
	f, err := d.session.Find(ctx, a.N+1)
	if err == nil && f.Outcome == WasNotTaken {
		return a.N
	}
	return a.Last
}
