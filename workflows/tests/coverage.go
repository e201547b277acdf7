package tests

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Coverage is which steps of workflows are done by tests, and which ways through their
// `if` are taken. A step that stands in a file that several workflows call is one step.
type Coverage struct {
	stages map[diag.Span]*covered
	dir    string // that the names of the workflow under test count from
}

type covered struct {
	does     string
	branch   bool // it has an if
	done     bool
	left     bool // its if did not hold
	declared diag.Span
}

var (
	_ program.Sink       = (*Coverage)(nil)
	_ interpreter.Passes = (*Coverage)(nil)
)

// NewCoverage returns one of nothing.
func NewCoverage() *Coverage { return &Coverage{stages: map[diag.Span]*covered{}} }

// of adds the steps of a workflow.
func (c *Coverage) of(f *File) {
	c.dir = f.Checked.Dir()
	for _, s := range f.Checked.Prepared.Stages() {
		at := c.place(s.Site)
		if c.stages[at] == nil {
			c.stages[at] = &covered{declared: at}
			if text := f.Checked.Source(at.File); at.End.Offset <= len(text) && at.Start.Offset < at.End.Offset {
				c.stages[at].does = string(text[at.Start.Offset:at.End.Offset])
			}
		}
		c.stages[at].branch = c.stages[at].branch || s.If
	}
}

func (c *Coverage) place(s *program.Site) diag.Span {
	at := diag.List{{Span: s.Span}}.Relocate(c.dir)[0].Span
	at.File = filepath.ToSlash(filepath.Clean(filepath.FromSlash(at.File)))
	return at
}

// Step is nothing to it.
func (*Coverage) Step(*program.Transition) error { return nil }

// Passed notes that a step is done, or left out.
func (c *Coverage) Passed(site *program.Site, done bool) {
	s := c.stages[c.place(site)]
	if s == nil {
		return
	}
	s.done, s.left = s.done || done, s.left || !done
}

// Counts are how many steps are done, of how many there are, and how many ways are taken
// of the two that each `if` has.
func (c *Coverage) Counts() (steps, allSteps, ways, allWays int) {
	for _, s := range c.stages {
		allSteps++
		steps += count(s.done)
		if s.branch {
			allWays += 2
			ways += count(s.done) + count(s.left)
		}
	}
	return steps, allSteps, ways, allWays
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// Missing says what no test does, in the order of files and lines.
func (c *Coverage) Missing() []string {
	var out []string
	all := slices.SortedFunc(maps.Values(c.stages), func(a, b *covered) int {
		return cmp.Or(cmp.Compare(a.declared.File, b.declared.File), cmp.Compare(a.declared.Start.Offset, b.declared.Start.Offset))
	})
	for _, s := range all {
		where := fmt.Sprintf("%s:%d: ", s.declared.File, s.declared.Start.Line)
		switch {
		case !s.done:
			out = append(out, where+s.does+" is never done")
		case s.branch && !s.left:
			out = append(out, where+s.does+" is always done: its if always holds")
		}
	}
	return out
}
