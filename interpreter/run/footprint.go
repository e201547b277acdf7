package run

import (
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// What a run did to the deck, for the ledger of the robot.

// Footprints returns what each part of a run of plan did to the deck, and what
// the answers of people said afterwards, in the order in which that became
// known. A part that is not over comes last, as far as it is known to be. The
// error is that of records that are not of the plan.
func Footprints(plan *program.Plan, records []Record) ([]ledger.Footprint, error) {
	s := &Story{Plan: plan, Parts: []Part{{Plan: plan, Origin: ordinals(len(plan.Steps))}}}
	var out []ledger.Footprint
	var last Record
	begun, told, ended := false, false, int64(0)
	since := map[int]int64{} // when each part began
	for i := range records {
		e := records[i].Event
		if _, err := s.on(e); err != nil {
			return nil, err
		}
		if _, is := since[len(s.Parts)]; !is {
			since[len(s.Parts)] = records[i].At.UnixNano()
		}
		switch e.(type) {
		case Intended, Continued:
			begun, told = true, false
		case Finished:
			if begun {
				out = append(out, s.footprint(&records[i], since, false))
				told, ended = true, records[i].At.UnixNano()
			}
		case Answered:
			if told {
				out = append(out, s.footprint(&records[i], since, true))
				out[len(out)-1].Ended = ended
			}
		default:
		}
		last = records[i]
	}
	if begun && !told {
		f := s.footprint(&last, since, false)
		f.Open = true
		out = append(out, f)
	}
	for i := range out {
		out[i].First = i == 0
	}
	return out, nil
}

// walk carries a stretch of operations out and notes what they change.
type walk struct {
	state *program.State
	f     ledger.Footprint
	noted bool // what changes is of the stretch that is asked for
	maybe bool // nobody knows whether it does

	used program.Counting
}

func newWalk(d *program.Deck) *walk {
	w := &walk{state: program.NewState(d), used: program.NewCounting(d)}
	w.f = ledger.Footprint{State: w.state, Wells: map[program.WellRef]bool{}, Unsure: map[program.WellRef]bool{}, Told: map[int]bool{}}
	return w
}

func (w *walk) do(s *program.Step) {
	t := w.state.Do(s)
	w.used.Count(&s.Op, t, w.state)
	if !w.noted {
		return
	}
	if t.Away {
		w.f.TakeAway(len(w.state.Away()) - 1)
	}
	if s.Protocol != nil {
		for i := range s.Protocol.Does {
			if op := &s.Protocol.Does[i]; op.Kind.Info().Fields&program.HasModule != 0 {
				w.f.Told[int(op.Module)] = true
			}
		}
	}
	for i := range t.Wells {
		w.touch(t.Wells[i].Well)
	}
	for i := range t.Tips {
		w.touch(t.Tips[i].Place)
	}
	if t.Module != program.NoModule {
		w.f.Told[int(t.Module)] = true
	}
}

func (w *walk) touch(r program.WellRef) {
	w.f.Wells[r] = true
	if w.maybe {
		w.f.Unsure[r] = true
	}
}

// footprint is that of the last part, or only of what an answer decided.
func (s *Story) footprint(r *Record, since map[int]int64, answer bool) ledger.Footprint {
	s.last().State = s.m.State()
	w := newWalk(s.Plan.Deck)
	w.f.Since, w.f.At, w.f.Seq = since[len(s.Parts)], r.At.UnixNano(), r.Seq
	about := len(s.Parts) - 1
	if answer {
		about = s.mainIndex()
	}
	for i := range s.Parts {
		p, last := &s.Parts[i], i == about
		if last {
			for k := range s.Plan.Deck.Labware {
				w.f.Before = append(w.f.Before, ledger.PlaceOf(w.state, k))
			}
		}
		p.correct(w.state)
		p.walk(w, last && !answer, last)
		w.noted = last && !answer // its end is known already
		if p.State.Stage >= Closing {
			w.end(p)
		}
	}
	return w.f
}

// walk does what the part did. Where nobody knows whether steps happened, they
// are taken to have: a tip that may be gone is not looked for, and a well that
// may be full is not filled.
func (p *Part) walk(w *walk, noted, last bool) {
	done := p.State.Done
	w.noted, w.maybe = noted, false
	for i := range p.Plan.Steps[:done] {
		w.do(&p.Plan.Steps[i])
	}
	d, unclear := p.State.Unclear()
	next, skipped, decided := 0, false, false
	switch {
	case unclear:
		next, skipped, decided = p.decided(d)
	case p.State.Current > done:
		d, unclear = Doubt{p.State.Current, p.State.Current}, true
	}
	if !unclear {
		return
	}
	w.noted = last
	if !decided {
		next, w.maybe = d.Last+1, true
	}
	for i := done; i < min(d.Last, len(p.Plan.Steps)); i++ {
		if i >= next-1 || skipped {
			// It did not happen: what it would have touched is as it was.
			for _, r := range touchedBy(w.state, &p.Plan.Steps[i]) {
				w.touch(r)
			}
			continue
		}
		w.do(&p.Plan.Steps[i])
	}
	w.maybe = false
}

// touchedBy lists what a step would change.
func touchedBy(s *program.State, step *program.Step) []program.WellRef {
	var out []program.WellRef
	t := s.Clone().Do(step)
	for i := range t.Wells {
		out = append(out, t.Wells[i].Well)
	}
	for i := range t.Tips {
		out = append(out, t.Tips[i].Place)
	}
	return out
}

// end does what the end of the part did.
func (w *walk) end(p *Part) {
	w.f.Stray = nil
	tips := make([]program.WellRef, 0, len(w.state.Mounts))
	for i := range w.state.Mounts {
		if m := &w.state.Mounts[i]; m.On && m.From != program.None {
			tips = append(tips, m.From)
		}
	}
	_, w.f.Stray = p.end(w.state)
	for _, r := range tips {
		w.f.Wells[r] = w.f.Wells[r] || w.noted // a tool is put back by hand
	}
}
