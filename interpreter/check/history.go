package check

import (
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// How a well came to hold what it holds. That is asked only where something is
// wrong with it, so it is found out by a second look at the program instead of
// being kept for every well.

// question asks what happened to a well before a step.
type question struct {
	finding int // whose notes the answer is for
	well    program.WellRef
	name    string
	before  int // step
	changes []change
}

// change is what the steps of one line did to a well.
type change struct {
	at    diag.Span
	taken int64 // nL; below 0 where the well was given liquid
	steps int
}

type history struct {
	report *Report
	of     map[program.WellRef][]int // questions
}

func newHistory(r *Report) *history {
	h := &history{report: r, of: map[program.WellRef][]int{}}
	for i := range r.questions {
		h.of[r.questions[i].well] = append(h.of[r.questions[i].well], i)
	}
	return h
}

// Step remembers what the step did to the wells asked for.
func (h *history) Step(t *program.Transition) error {
	for i := range t.Touched.Wells {
		d := &t.Touched.Wells[i]
		if d.Moved == 0 {
			continue
		}
		for _, i := range h.of[d.Well] {
			if q := &h.report.questions[i]; t.Step.N < q.before {
				q.name = t.After.Deck.WellName(q.well)
				q.add(t.Step.Where(), d.Moved)
			}
		}
	}
	return nil
}

func (q *question) add(at diag.Span, taken int64) {
	for i := range q.changes {
		if q.changes[i].at == at {
			q.changes[i].taken += taken
			q.changes[i].steps++
			return
		}
	}
	q.changes = append(q.changes, change{at, taken, 1})
}

// maxNotes bounds how many lines are told of.
const maxNotes = 3

// notes tells of the lines that changed the well for good, as mixing does not,
// to a reader who is looking at a file.
func (q *question) notes(file string) []string {
	var out []string
	more := 0
	for _, c := range q.changes {
		switch {
		case c.taken == 0:
		case len(out) == maxNotes:
			more++
		default:
			out = append(out, c.note(q.name, file))
		}
	}
	if more > 0 {
		out = append(out, "and "+strconv.Itoa(more)+" more lines changed it")
	}
	return out
}

func (c *change) note(well, file string) string {
	text := quantity.Volume.Text(c.taken) + " were taken from " + well
	if c.taken < 0 {
		text = quantity.Volume.Text(-c.taken) + " were given into " + well
	}
	text += " at line " + strconv.Itoa(c.at.Start.Line)
	if c.at.File != file {
		text += " of " + c.at.File
	}
	if c.steps > 1 {
		text += ", in " + strconv.Itoa(c.steps) + " steps"
	}
	return text
}
