package ot2

import (
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// SoftwareCheck finds what a robot with a given software does not do, step by
// step. It is a sink beside the rules, which are true of every OT-2.
type SoftwareCheck struct {
	software Software
	told     map[int16]bool
	layouts  bool // said that a layout is not taken
	list     diag.List
}

var _ program.Sink = (*SoftwareCheck)(nil)

// NewSoftwareCheck returns a check for one expansion.
func NewSoftwareCheck(s Software) *SoftwareCheck {
	return &SoftwareCheck{software: s, told: map[int16]bool{}}
}

// Step looks at one step. A rack is named once, where it is first used, and so
// are nozzle layouts.
func (c *SoftwareCheck) Step(t *program.Transition) error {
	op := &t.Step.Op
	if op.Kind == program.ConfigureNozzles {
		c.layout(t)
		return nil
	}
	if op.Kind != program.PickUpTip || c.told[op.Well.Labware] {
		return nil
	}
	l := &t.After.Deck.Labware[op.Well.Labware]
	why := SparseRack(c.software, l.Def)
	if why == "" {
		return nil
	}
	c.told[op.Well.Labware] = true
	c.add(t, diag.Diagnostic{Code: diag.SparseRack, Message: "the rack " + l.Name + ": " + why, Help: PaddingOf(l)})
	return nil
}

func (c *SoftwareCheck) layout(t *program.Transition) {
	op := &t.Step.Op
	why := NoLayout(c.software, op.Nozzles)
	if why == "" || c.layouts {
		return
	}
	c.layouts = true
	c.add(t, diag.Diagnostic{
		Code: diag.NoLayout, Message: t.After.Deck.Pipettes[op.Pipette].Name + ": " + why,
		Help: "update the robot with the Opentrons App, or use all nozzles or a single-channel pipette",
	})
}

func (c *SoftwareCheck) add(t *program.Transition, d diag.Diagnostic) {
	d.Span = t.Step.Where()
	if t.Blame != nil {
		d.Span, d.Values = t.Blame.Blame(program.AboutTip)
	}
	c.list = append(c.list, d)
}

// List returns what was found, in the names of the workflow's bundle.
func (c *SoftwareCheck) List() diag.List { return c.list }

// PaddingOf says how to make a sparse rack acceptable.
func PaddingOf(l *program.Placed) string {
	if l.Def.JSON == nil {
		return "use a rack with all 96 places"
	}
	return "write a definition with all 96 places, ot2flow labware pad " + l.Type + " --out FILE, and use that file in the workflow"
}
