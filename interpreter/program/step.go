package program

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Site is a place of the workflow that steps come from. One exists per step of
// the language, made once per version of the file.
type Site struct {
	Path string // steps[0].do[2], or the step's own id
	Key  string // the step key: transfer; empty where a plan is replayed
	Span diag.Span
}

// Frame is one level of what a step is inside of: a step of the language, an
// iteration of its loop, or a part (a well, a liquid) of what it does. Frames
// are shared by the steps inside them and never change.
type Frame struct {
	Parent *Frame
	Site   *Site        // set where the frame is a step of the language
	Label  string       // the segment of the id: steps[0], A1, red
	Note   fmt.Stringer // of an iteration, for people: "w = plate.A1 (1 of 60)"; rendered on demand; may have a Line() int
	Title  string       // the name the step was given, for people
}

// Step is one atomic step of an expanded workflow.
type Step struct {
	N        int // ordinal, from 1; the machine identity of the step
	Op       Op
	Text     string    // message of a pause or comment
	Live     *Live     // of a step that is carried out beside the robot
	Protocol *Protocol // of a step that is a protocol of its own
	Frame    *Frame
	Seq      int // how many operations of this kind came before in this frame
}

// ID renders the step's derived id, such as steps[0]/A3/aspirate. It is the
// same for identical input, and unique in a program.
func (s *Step) ID() string {
	var b strings.Builder
	s.Frame.writeID(&b)
	b.WriteString(s.Op.Kind.String())
	if s.Seq > 0 {
		b.WriteByte('-')
		b.WriteString(strconv.Itoa(s.Seq + 1))
	}
	return b.String()
}

func (f *Frame) writeID(b *strings.Builder) {
	if f == nil {
		return
	}
	f.Parent.writeID(b)
	if f.Label != "" {
		b.WriteString(f.Label)
		b.WriteByte('/')
	}
}

// Where returns the place of the workflow that the step comes from.
func (s *Step) Where() diag.Span { return s.Frame.Where() }

// Key returns the step key of the innermost step of the language around f.
func (f *Frame) Key() string {
	for ; f != nil; f = f.Parent {
		if f.Site != nil {
			return f.Site.Key
		}
	}
	return ""
}

// Path returns the path of the innermost step of the language around f.
func (f *Frame) Path() string {
	for ; f != nil; f = f.Parent {
		if f.Site != nil {
			return f.Site.Path
		}
	}
	return ""
}

// Where returns the place of the innermost step of the language around f.
func (f *Frame) Where() diag.Span {
	for ; f != nil; f = f.Parent {
		if f.Site != nil {
			return f.Site.Span
		}
	}
	return diag.Span{}
}

// Loops returns what the enclosing loops and calls were at, outermost first,
// with the lines of those known: "w = plate.A1 (1 of 60), line 27". A line of
// another file than the given one comes with its name: "line 27 of main.yaml".
func (f *Frame) Loops(file string) []string {
	if f == nil {
		return nil
	}
	out := f.Parent.Loops(file)
	if f.Note == nil {
		return out
	}
	text := f.Note.String()
	if at, ok := f.Note.(interface{ Line() int }); ok {
		text += ", " + lineIn(file, f.Where().File, at.Line())
	}
	return append(out, text)
}

// lineIn names a line for readers who are looking at a file.
func lineIn(file, of string, line int) string {
	text := "line " + strconv.Itoa(line)
	if of != file {
		text += " of " + of
	}
	return text
}

// CalledFrom returns the steps that call the workflow in the given file, from
// the innermost to that of the main workflow. It is empty where the file is the
// main workflow's.
func (f *Frame) CalledFrom(file string) []diag.Related {
	var out []diag.Related
	for ; f != nil && file != ""; f = f.Parent {
		if f.Site != nil && f.Site.Span.File != file {
			out = append(out, diag.Related{Span: f.Site.Span, Message: "called from here"})
			file = f.Site.Span.File
		}
	}
	return out
}

// Sites returns the paths of the enclosing steps of the language, outermost
// first, each with the state of its loop.
func (f *Frame) Sites() []string {
	if f == nil {
		return nil
	}
	out := f.Parent.Sites()
	switch {
	case f.Site != nil:
		out = append(out, f.Site.Path)
	case f.Note != nil && len(out) > 0:
		out[len(out)-1] += " [" + f.Note.String() + "]"
	}
	if f.Title != "" && len(out) > 0 {
		out[len(out)-1] += ": " + f.Title
	}
	return out
}

// Titles returns the names that the enclosing steps were given, outermost
// first.
func (f *Frame) Titles() []string {
	if f == nil {
		return nil
	}
	out := f.Parent.Titles()
	if f.Title != "" {
		out = append(out, f.Title)
	}
	return out
}

// Movement is liquid to be moved, before tips and chunks are chosen. Rules
// about what gets where read movements; ops are what the robot does. Where a
// filling of the tip is shared, From or To is that of no single movement: None.
type Movement struct {
	From, To WellRef // of a pool, the well of the current aliquot
	Volume   int64   // nL; of all aliquots together
	Aliquot  int64   // nL of the current one
	Even     int64   // nL of the least aliquot, were they all as equal as can be
	Shared   bool    // the filling of the tip serves other movements, too
	Frame    *Frame
}

// Transition is one step with the state after it and what it touched.
type Transition struct {
	Step     *Step
	Movement *Movement // the movement this step serves, or nil; nil also where a plan is replayed
	After    *State
	Touched  *Touched
	Blame    Blame // nil where the source is not at hand, as where a plan is replayed
}

// Aspect is what of a step a finding is about.
type Aspect uint8

// The aspects of a step.
const (
	AboutStep Aspect = iota
	AboutVolume
	AboutFrom
	AboutTo
	AboutTip
	AboutHeight
	AboutSetting
	Aspects int = iota
)

// Blame finds where in the workflow an aspect of the current step was written,
// and what the expression there read.
type Blame interface {
	Blame(Aspect) (diag.Span, []diag.Value)
}

// Sink receives an expansion step by step. A Transition is valid only during
// the call. An error stops the expansion; it is for sinks that write, never
// for findings.
type Sink interface {
	Step(*Transition) error
}
