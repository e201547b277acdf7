package run

import "context"

func (d *driver) askPerson(ctx context.Context, a AskPerson) {
	d.dismiss()
	if d.o.Answer == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	answers := make(chan answer, 1)
	d.answers, d.stopAsk = answers, cancel
	q := Question{N: a.N, ID: d.plan.Steps[a.N-1].ID(), Text: a.Text}
	d.wg.Go(func() {
		c, err := d.o.Answer(ctx, q)
		answers <- answer{c, err}
	})
}

// dismiss lets a person who is being asked off; a late answer is not heard.
func (d *driver) dismiss() {
	if d.stopAsk != nil {
		d.stopAsk()
	}
	d.answers, d.stopAsk = nil, nil
}

func (d *driver) answered(ctx context.Context, a answer) error {
	switch {
	case d.m.state.Waiting == 0 && d.m.state.Overdue == 0:
		return nil
	case a.err == nil && a.control == Resume:
		return d.emit(ctx, ResumeAsked{By: "answer"})
	case a.err == nil && a.control != Stop:
		return nil
	}
	return d.emit(ctx, StopAsked{By: "answer", Now: true})
}

func (d *driver) request(ctx context.Context, r Request) error {
	s := &d.m.state
	switch r.Control {
	case Pause:
		if r.Now || s.Hold {
			return d.emit(ctx, PauseAsked{By: clean(r.By), Now: true})
		}
		return d.emit(ctx, PauseAsked{By: clean(r.By), After: d.pauseAfter()})
	case Resume:
		return d.emit(ctx, ResumeAsked{clean(r.By)})
	case Stop:
		if r.Now || s.Stop {
			return d.emit(ctx, StopAsked{By: clean(r.By), Now: true})
		}
		return d.emit(ctx, StopAsked{By: clean(r.By), After: d.stopAfter()})
	}
	return nil
}

func (d *driver) stopAfter() int {
	return stopPoint(d.plan, d.clock, d.m.state.Done, d.hasBegun(), d.within())
}

func (d *driver) pauseAfter() int {
	return pausePoint(d.plan, d.clock, d.m.state.Done, d.hasBegun(), d.within())
}

// hasBegun reports whether the next step may be under way.
func (d *driver) hasBegun() bool {
	s := &d.m.state
	return s.Stage == Following || s.Stage == Intending || s.Stage == Seeking
}

// within is how far away a good place may be, in µs; 0 is any number of steps.
func (d *driver) within() int64 {
	if d.o.Timer == nil {
		return 0
	}
	return d.o.StopWithin.Microseconds()
}
