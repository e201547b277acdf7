package service

import (
	"context"
	"errors"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// Picture is how a run stands on the deck. It is shared, and is not to be changed.
type Picture struct {
	Plan    *program.Plan  // of the program that is under way, or was the last
	State   *program.State // after the steps that are done
	Done    int            // steps of Plan
	Current int            // the step of Plan that has begun; 0: none
	Over    bool
}

// Step returns the step that has begun, or the next one; nil where there is none.
func (p *Picture) Step() *program.Step {
	n := max(p.Current, p.Done+1)
	if n > len(p.Plan.Steps) || p.Over {
		return nil
	}
	return &p.Plan.Steps[n-1]
}

// pictures are those that were made last: many look at the same run.
type pictures struct {
	mu   sync.Mutex
	made []*pictured // the last one was asked for last
}

// pictured is a run at which people look. What has been told of it is not told again for
// everyone: of a run of ten thousand steps, reading its plan takes a tenth of a second.
type pictured struct {
	run     string
	making  sync.Mutex // is held by whoever looks at what is below
	seq     int64      // of picture
	picture *Picture
	sum     *journal.Summary // of story
	story   *run.Story       // nil: not told yet
	heard   int64            // the last record of it
	moments []Moment         // of story
}

// tell returns the story of the run as it is now. It may be read while making is held.
func (p *pictured) tell(ctx context.Context, store *journal.Store, sum *journal.Summary) (*run.Story, error) {
	story, heard := p.story, p.heard
	p.story = nil // unless all goes well
	if story == nil || !sum.SamePlan(p.sum) {
		plan, err := store.Plan(ctx, sum, ot2.Machine{})
		if err != nil {
			return StoryOf(ctx, store, sum)
		}
		if story, err = run.Tell(plan, nil); err != nil {
			return nil, err
		}
		heard, p.moments = 0, nil
	}
	var records []run.Record
	for e, err := range store.Events(ctx, journal.Query{Run: sum.ID, AfterSeq: heard}) {
		if err != nil {
			return nil, err
		}
		records = append(records, e.Record)
		heard = e.Record.Seq
	}
	if p.hear(story, records) != nil {
		return StoryOf(ctx, store, sum) // which sees to it that plan and records are of one moment
	}
	p.story, p.sum, p.heard = story, sum, heard
	return story, nil
}

// hear adds records to the story, and what they say to people.
func (p *pictured) hear(story *run.Story, records []run.Record) error {
	unnamed := func(int) string { return "" }
	from := 0
	for i := range records {
		if momentOf(records[i].Event, unnamed) == "" {
			continue
		}
		if err := story.Add(records[from : i+1]); err != nil {
			return err
		}
		from = i + 1
		p.moments = append(p.moments, Moment{records[i].At, momentOf(records[i].Event, story.Last().Label)})
	}
	p.moments = p.moments[max(0, len(p.moments)-momentsKept):]
	return story.Add(records[from:])
}

// told has a story read.
func (d *Device) told(ctx context.Context, store *journal.Store, sum *journal.Summary, read func(*run.Story)) error {
	one := d.pictures.of(sum.ID)
	one.making.Lock()
	defer one.making.Unlock()
	story, err := one.tell(ctx, store, sum)
	if err != nil {
		return cannot("%v", err)
	}
	read(story)
	return nil
}

// picturesKept is how many are at hand.
const picturesKept = 16

func (p *pictures) of(id string) *pictured {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, one := range p.made {
		if one.run == id {
			p.made = append(append(p.made[:i:i], p.made[i+1:]...), one)
			return one
		}
	}
	one := &pictured{run: id}
	if len(p.made) >= picturesKept {
		p.made = p.made[1:]
	}
	p.made = append(p.made, one)
	return one
}

// Picture is how a run stands on the deck, also one that waits.
func (d *Device) Picture(ctx context.Context, id string) (*Picture, error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	sum, err := store.Find(ctx, id)
	var none *journal.NoRun
	switch {
	case errors.As(err, &none):
		plan, err := store.SubmittedPlan(ctx, id, ot2.Machine{})
		switch {
		case errors.As(err, &none):
			return nil, missing("%v", err)
		case err != nil:
			return nil, cannot("%v", err)
		}
		return &Picture{Plan: plan, State: program.NewState(plan.Deck)}, nil
	case err != nil:
		return nil, cannot("%v", err)
	}
	one := d.pictures.of(sum.ID)
	one.making.Lock()
	defer one.making.Unlock()
	if one.picture != nil && one.seq >= sum.Seq {
		return one.picture, nil
	}
	story, err := one.tell(ctx, store, sum)
	if err != nil {
		return nil, cannot("%v", err)
	}
	part := story.Last()
	out := &Picture{Plan: part.Plan, Done: part.State.Done, Current: part.State.Current, Over: sum.Over()}
	if before := one.picture; before != nil && before.Plan.Fingerprint == out.Plan.Fingerprint && before.Done <= out.Done && !before.Over && !out.Over {
		out.State = before.State.Clone()
		out.advance(before.Done)
	} else {
		out.State = program.NewState(out.Plan.Deck)
		out.advance(0)
	}
	if out.Over {
		out.State.Apply(&program.Op{Kind: program.EndRun, Well: program.None})
	}
	one.seq, one.picture = sum.Seq, out
	return out, nil
}

// advance has the steps behind one that are done happen.
func (p *Picture) advance(from int) {
	for i := from; i < p.Done; i++ {
		p.State.Do(&p.Plan.Steps[i])
	}
}

// Changed is closed when something changes that a person may want to know: what a run
// does, what waits, what is served.
func (d *Device) Changed() <-chan struct{} { return d.changed.next() }

// Served says that other workflows are served than before.
func (d *Device) Served() { d.changed.light() }
