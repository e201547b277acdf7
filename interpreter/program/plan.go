package program

import "github.com/ot2flow/ot2flow/spec/diag"

// Plan is an expanded workflow as data: what a person reviews, what is kept,
// and what is carried out. It may be relied on to be a pure function of the
// files and parameters it was made from.
type Plan struct {
	Workflow    Workflow
	Deck        *Deck
	Steps       []Step
	End         End
	Needs       Needs
	Limits      []Limit  // how long steps may take, in the order in which they begin
	Outlook     *Outlook // what comes behind Steps; nil where they are all
	Failed      string   // why the program comes to no good end behind Steps; empty where it does not fail
	Ended       string   // why the program ends before the last step of the workflow, by its own will; empty where it does not
	Outputs     []Output // what the workflow returns
	EstimateMS  int64    // how long the robot takes, by its time model
	Fingerprint string
	Files       []File // what it was made from, so that it can be kept and applied elsewhere; may be empty
}

// Computes reports whether a plan is nothing but its outputs: nothing moves, nobody
// is asked, and nothing fails.
func (p *Plan) Computes() bool {
	return len(p.Steps) == 0 && len(p.Limits) == 0 && p.Outlook == nil && p.Failed == "" && p.Ended == ""
}

// Workflow says which workflow a plan is of.
type Workflow struct {
	Name   string
	File   string
	Params []Param
}

// Output is what a workflow returns under one name: its type in words, and its
// value as JSON, null where there is none.
type Output struct{ Name, Type, Value string }

// Param is a parameter and its value as people write it.
type Param struct{ Name, Value string }

// File is a file a plan was made from.
type File struct {
	Name string
	Data []byte
}

// End is what the robot does when the run ends: it homes, and drops a tip that
// is still on.
type End struct {
	Homes    bool
	DropsTip []WellRef // places the tips came from; empty where none is on
}

// Outlook is what is likely to come behind the steps of a plan: they depend on
// results that only a run brings. Nothing may be derived from it but a rough
// idea.
type Outlook struct {
	Deferred   []Deferred
	Steps      int   // of the whole program
	Needs      Needs // of the whole program
	EstimateMS int64 // of the whole program
}

// Deferred is a step of the language of which it is not certain yet what it
// will do.
type Deferred struct {
	Path   string
	Where  diag.Span
	Steps  int // likely
	AtMost int // how often the loops around it may go round; 0 where none has a bound
}

// Timer estimates how long operations take, one after the other. The estimate
// of one depends on those before it.
type Timer interface {
	// Duration returns the time op takes, in µs.
	Duration(op *Op) int64
}

// Closing is what is done of a workflow's finally where its run has ended early.
type Closing struct {
	Steps []Step // numbered from 1
	Of    []int  // for each, which of the steps of the language it belongs to, from 1, in the order in which they are done
	Open  bool   // more follow, which depend on results
}
