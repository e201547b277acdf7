package run

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Added is an operation that is no step of the plan: what has to be done first
// where a run is gone on with.
type Added struct {
	Op   program.Op
	Text string
	Live *program.Live // of a step beside the device
	// Of, Path and Where say of one that closes the run which step of the language
	// under finally it belongs to, from 1.
	Of    int
	Path  string
	Where diag.Span
}

// addedJSON has the operation's name in place of its number, which is not the
// same in every version.
type addedJSON struct {
	Kind string `json:"Kind"`
	program.Op
	Text   string        `json:"Text,omitempty"`
	Live   *program.Live `json:"live,omitempty"`
	Of     int           `json:"of,omitempty"`
	Path   string        `json:"step,omitempty"`
	File   string        `json:"file,omitempty"`
	Line   int           `json:"line,omitempty"`
	Column int           `json:"column,omitempty"`
}

// MarshalJSON returns the operation with its name.
func (a Added) MarshalJSON() ([]byte, error) {
	return encode(addedJSON{a.Op.Kind.String(), a.Op, a.Text, a.Live, a.Of, a.Path, a.Where.File, a.Where.Start.Line, a.Where.Start.Column})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *Added) UnmarshalJSON(b []byte) error {
	var in addedJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	kind, ok := program.LookupKind(in.Kind)
	if !ok {
		return fmt.Errorf("unknown operation %q", in.Kind)
	}
	*a = Added{Op: in.Op, Text: in.Text, Live: in.Live, Of: in.Of, Path: in.Path}
	a.Where = diag.Span{File: in.File, Start: diag.Pos{Line: in.Line, Column: in.Column}}
	a.Op.Kind = kind
	return nil
}

// Renamed says that the tip of another place does what that of Was did.
type Renamed struct {
	Was program.WellRef `json:"was"`
	Now program.WellRef `json:"now"`
}

// Part is a program of a run that was carried out in one go, or is being: the
// run's plan, and after that what remained of it each time it was gone on with.
type Part struct {
	Plan *program.Plan
	// Origin has for every step of Plan its ordinal in the run's plan; 0 for one
	// that was added.
	Origin []int
	State  State // as it ended; of the last part, as it is

	begun *Continued // nil: it is the first
}

// Label is how people name step n of the part: by its number in the run's plan,
// or, where it was added, by its place among those added, as +2.
func (p *Part) Label(n int) string {
	switch {
	case n < 1 || n > len(p.Origin): // it has grown since
		return strconv.Itoa(n)
	case p.Origin[n-1] > 0:
		return strconv.Itoa(p.Origin[n-1])
	}
	return "+" + strconv.Itoa(n)
}

// Step returns the step of the part that people name so.
func (p *Part) Step(label string) (n int, ok bool) {
	for i := range p.Origin {
		if p.Label(i+1) == label {
			return i + 1, true
		}
	}
	return 0, false
}

// Story is everything that is known of a run: the fold of its records over its
// plan.
type Story struct {
	Plan  *program.Plan
	Parts []Part

	corrected program.Left // what is otherwise on the deck than the parts left it
	m         Machine
	renames   []Renamed // of the last part
	print     string    // the fingerprint of the run's plan, as the events have it
	size      int       // and its steps
}

// copy returns a story that does not change with this one.
func (s *Story) copy() Story {
	c := *s
	c.m.state, c.Parts = s.m.State(), slices.Clone(s.Parts)
	return c
}

// Tell folds the records of a run of plan.
func Tell(plan *program.Plan, records []Record) (*Story, error) {
	s := &Story{Plan: plan, Parts: []Part{{Plan: plan, Origin: ordinals(len(plan.Steps))}}}
	if err := s.Add(records); err != nil {
		return nil, err
	}
	return s, nil
}

// Add folds the records that follow. After an error the story is worth nothing.
func (s *Story) Add(records []Record) error {
	for i := range records {
		if _, err := s.on(records[i].Event); err != nil {
			return fmt.Errorf("record %d of the journal: %w", records[i].Seq, err)
		}
	}
	if len(records) > 0 && (s.print != s.Plan.Fingerprint || s.size != len(s.Plan.Steps)) {
		return &Error{Kind: Rejected, Message: "the run in the journal is of another plan"}
	}
	s.last().State = s.m.State()
	return nil
}

func ordinals(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// last is the part that the machine is about: behind the end of one that closed
// the run it is about the one before.
func (s *Story) last() *Part {
	if s.m.state.Closes != nil {
		return &s.Parts[len(s.Parts)-1]
	}
	return s.main()
}

// main is the last part that did what the plan says.
func (s *Story) main() *Part { return &s.Parts[s.mainIndex()] }

func (s *Story) mainIndex() int {
	i := len(s.Parts) - 1
	for i > 0 && s.Parts[i].Closes() {
		i--
	}
	return i
}

// Last returns the part that is under way or was last; one that closed the run
// only while it is under way.
func (s *Story) Last() *Part { return s.last() }

// on takes the next event.
func (s *Story) on(e Event) ([]Action, error) {
	before, last := s.m.State(), s.last()
	actions, err := s.m.On(e)
	if err != nil {
		return nil, err
	}
	switch e := e.(type) {
	case Finished:
		if before.Closes != nil {
			last.State = before
			last.State.Stage, last.State.Closes = Over, nil
		}
	case Accepted:
		s.print, s.size = e.Fingerprint, e.Steps
	case Grown:
		if before.Closes != nil {
			return actions, last.growClosing(&e)
		}
		s.print, s.size = e.Fingerprint, e.Steps
		if c := s.last().begun; c != nil {
			s.size += c.From - 1 - len(c.Added)
		}
		if e.Plan != nil {
			s.Plan = e.Plan
		}
		s.renames = slices.Concat(s.renames, e.Renamed)
		if err := s.last().Grow(s.Plan, &e); err != nil {
			return nil, err
		}
	case Continued:
		part, err := s.part(&e)
		if err != nil {
			return nil, err
		}
		last.State = before
		if s.Parts = append(s.Parts, part); !e.Closing {
			s.renames = e.Renamed
		}
	case StepDone:
		s.renames = afterNewTips(s.Plan.Deck, &s.last().Plan.Steps[e.N-1].Op, s.renames)
	default:
	}
	return actions, nil
}

// Correct says what is otherwise on the deck than the run left it, because people say
// so, or other runs did it. What is made from then on relies on it.
func (s *Story) Correct(l program.Left) { s.corrected = l }

// PartOf returns the program of the part of a run of plan that e begins.
func PartOf(plan *program.Plan, e *Continued) (Part, error) { return (&Story{Plan: plan}).part(e) }

// part makes the program of a part from what the journal says of it.
func (s *Story) part(e *Continued) (Part, error) {
	if e.From < 1 || e.From > len(s.Plan.Steps)+1 {
		return Part{}, &Error{Kind: Rejected, Message: fmt.Sprintf("the plan has no step %d to go on with", e.From)}
	}
	deck, ok := deckAfter(s.Plan.Deck, e.Moved)
	if !ok {
		return Part{}, &Error{Kind: Rejected, Message: "the journal says that labware was moved to a place that its plan does not have; it is damaged, or of another plan"}
	}
	if e.Closing {
		return s.closingPart(e, deck)
	}
	p := *s.Plan
	p.Deck = deck
	p.Steps = make([]program.Step, 0, len(e.Added)+len(s.Plan.Steps)-e.From+1)
	frame := &program.Frame{Label: "resume"}
	seq := map[program.Kind]int{}
	for _, a := range e.Added {
		p.Steps = append(p.Steps, program.Step{Op: a.Op, Text: a.Text, Frame: frame, Seq: seq[a.Op.Kind]})
		seq[a.Op.Kind]++
	}
	of := len(s.Plan.Steps)
	if e.Of > 0 {
		of = min(of, max(e.Of, e.From-1))
	}
	p.Steps = append(p.Steps, s.Plan.Steps[e.From-1:of]...)
	origin, renamed := make([]int, len(p.Steps)), e.Renamed
	for i := range p.Steps {
		if i >= len(e.Added) {
			origin[i] = p.Steps[i].N
			rename(&p.Steps[i].Op, renamed)
			renamed = afterNewTips(deck, &p.Steps[i].Op, renamed)
		}
		p.Steps[i].N = i + 1
	}
	if s.Plan.Reacts() { // by now it may go on otherwise than it did then
		return Part{Plan: &p, Origin: origin, begun: e}, nil
	}
	p.Fingerprint = p.Hash()
	if e.Fingerprint != "" && e.Fingerprint != p.Fingerprint || e.Steps != 0 && e.Steps != len(p.Steps) {
		return Part{}, &Error{Kind: Rejected, Message: "the journal says that the run was gone on with otherwise than its plan allows; it is damaged, or of another plan"}
	}
	return Part{Plan: &p, Origin: origin, begun: e}, nil
}

// rename has op take and put away another tip.
func rename(op *program.Op, list []Renamed) {
	switch op.Kind {
	case program.PickUpTip, program.ReturnTip, program.DropTip:
	default:
		return
	}
	if i := slices.IndexFunc(list, func(r Renamed) bool { return r.Was == op.Well && !op.Trash }); i >= 0 {
		op.Well = list[i].Now
	}
}

// afterNewTips is what stays of a list behind an operation: where racks are new, the
// tips of all their places are there.
func afterNewTips(d *program.Deck, op *program.Op, list []Renamed) []Renamed {
	if op.Kind != program.NewTips || len(list) == 0 {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(r Renamed) bool {
		return slices.Contains(d.Pipettes[op.Pipette].Racks, int(r.Was.Labware))
	})
}

// Fate is what became of a step of a run's plan.
type Fate uint8

// The fates.
const (
	NotYet   Fate = iota
	IsDone        // once
	Skipped       // a person decided to leave it out
	Doubtful      // it may have happened
)

// Fates returns what became of every step of the run's plan, by index.
func (s *Story) Fates() []Fate {
	out := make([]Fate, len(s.Plan.Steps))
	for i := range s.Parts {
		p := &s.Parts[i]
		set := func(first, last int, f Fate) {
			for n := first; n <= last; n++ {
				if o := p.Origin[n-1]; o > 0 {
					out[o-1] = f
				}
			}
		}
		set(1, p.State.Done, IsDone)
		d, unclear := p.State.Unclear()
		if !unclear {
			continue
		}
		next, skipped, ok := p.decided(d)
		switch {
		case !ok:
			set(d.First, d.Last, Doubtful)
		case skipped:
			set(d.First, next-1, Skipped)
		default:
			set(d.First, next-1, IsDone)
		}
	}
	return out
}

// MayRemain reports whether something of the run's plan may still be to be done.
func (s *Story) MayRemain() bool {
	return s.Plan.Outlook != nil || slices.ContainsFunc(s.Fates(), func(f Fate) bool { return f == NotYet || f == Doubtful })
}

// decided returns the first step of the part that is still to be done after
// what a person said about those in question; ok is false where nobody said.
func (p *Part) decided(d Doubt) (next int, skipped, ok bool) {
	a := p.State.Answer
	if a == nil {
		return 0, false, false
	}
	to := a.To
	if to == 0 {
		to = d.Last
	}
	switch a.Answer {
	case AnswerDone:
		return to + 1, false, true
	case AnswerSkip:
		return to + 1, true, true
	case AnswerRedo:
		return d.First, false, true
	case AnswerAbort, NoAnswer:
	}
	return 0, false, false
}
